//! model.safetensors and best.safetensors.
#![no_main]

use libfuzzer_sys::fuzz_target;
use models::{run::load_weights, weights};

fuzz_target!(|bytes: &[u8]| {
    for bytes in [bytes, &models_fuzz::with_true_length(bytes)] {
        if let Ok((_, params)) = load_weights(&models_fuzz::config(), &models_fuzz::vocabulary(), bytes) {
            assert!(params.iter().flat_map(|p| &p.value).all(|x| x.is_finite()));
            let mut again = params.clone();
            weights::from_bytes(&mut again, &weights::to_bytes(&params)).expect("what was written can be read");
            assert_eq!(again, params);
        }
    }
});
