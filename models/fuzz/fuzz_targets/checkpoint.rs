//! checkpoint.safetensors, up to the next training step.
#![no_main]

use libfuzzer_sys::fuzz_target;
use models::{checkpoint::Checkpoint, session::Session};

fuzz_target!(|bytes: &[u8]| {
    for bytes in [bytes, &models_fuzz::with_true_length(bytes)] {
        let resumed = Checkpoint::open(bytes).and_then(|saved| Session::resume(saved, models_fuzz::TEXT));
        let Ok(mut session) = resumed else { continue };
        let saved = session.checkpoint().expect("it was read");
        let again = Checkpoint::open(&saved).and_then(|saved| Session::resume(saved, models_fuzz::TEXT));
        assert_eq!(again.and_then(|session| session.checkpoint()), Ok(saved));
        if let Ok(step) = session.step() {
            let _ = session.warning(&step);
        }
        let _ = session.evaluate();
    }
});
