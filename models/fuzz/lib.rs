//! What the fuzz targets share: the small run that their seeds were made by.
//!
//! `rnn train --text fuzz/seeds/text/hello.txt --hidden 3 --embedding 2 --seq 4 --batch 2 --steps 4 --dropout 0.2`

use models::config::Config;
use models::text::Vocabulary;

/// The text of the seeds.
pub const TEXT: &str = include_str!("seeds/text/hello.txt");

/// Its characters.
pub fn vocabulary() -> Vocabulary {
    Vocabulary::of(TEXT).expect("the text has several characters")
}

/// The settings of the seeds.
pub fn config() -> Config {
    Config { hidden: 3, embedding: 2, seq: 4, batch: 2, steps: 4, dropout: 0.2, ..Config::default() }
}

/// The same bytes with the length that a safetensors file begins with made right, so that a mutated header is read at all.
pub fn with_true_length(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let end = bytes.iter().rposition(|&b| b == b'}').map_or(0, |at| at + 1);
    if let Some(length) = end.checked_sub(8) {
        bytes[..8].copy_from_slice(&(length as u64).to_le_bytes());
    }
    bytes
}
