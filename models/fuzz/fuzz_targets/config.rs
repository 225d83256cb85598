//! config.toml.
#![no_main]

use libfuzzer_sys::fuzz_target;
use models::{config::Config, text};

fuzz_target!(|bytes: &[u8]| {
    let read = |text: &str| Config::from_toml(text);
    let Ok(config) = text::from_utf8(bytes.to_vec()).and_then(|text| read(&text)) else { return };
    assert_eq!(read(&config.to_toml().expect("it was read")), Ok(config.clone()));
    let _ = config.check_file(65, 1 << 20);
});
