//! A text to train on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use models::{session::Session, text};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = text::from_utf8(bytes.to_vec()) else { return };
    if let Ok(mut session) = Session::new(models_fuzz::config(), &text) {
        assert!(session.step().is_ok_and(|step| step.loss.is_finite()));
        let vocabulary = session.task().vocabulary().expect("it is a text");
        assert_eq!(vocabulary.decode(&vocabulary.encode(&text).expect("its own text")), text);
    }
});
