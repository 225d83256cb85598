//! A text to train on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use models::{session::Session, text};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = text::from_utf8(bytes.to_vec()) else { return };
    if let Ok(mut session) = Session::new(models_fuzz::config(), &text) {
        assert!(session.step().is_ok_and(|step| step.loss.is_finite()));
        let ids = session.vocabulary().encode(&text).expect("its own text");
        assert!(text.chars().eq(ids.iter().map(|&id| session.vocabulary().char(id))));
    }
});
