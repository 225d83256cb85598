//! vocabulary.json.
#![no_main]

use libfuzzer_sys::fuzz_target;
use models::text::Vocabulary;

fuzz_target!(|bytes: &[u8]| {
    let Ok(vocabulary) = Vocabulary::from_json(bytes) else { return };
    assert_eq!(Vocabulary::from_json(vocabulary.to_json().as_bytes()).as_ref(), Ok(&vocabulary));
    let text: String = vocabulary.chars().iter().collect();
    assert!(vocabulary.encode(&text).is_ok_and(|ids| ids.iter().copied().eq(0..vocabulary.size())));
});
