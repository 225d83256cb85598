//! Three ways to turn symbols into vectors, and what they have in common.

use autograd::Tape;
use models::layers::{Encoding, hashing, one_hot};

/// The column of each of these symbols, as `f64`.
fn vectors(symbols: usize, features: usize) -> Vec<Vec<f64>> {
    (0..symbols).map(|id| hashing(&Tape::new(), &[id], features, 1).value()).collect()
}

#[test]
fn one_place_one_sign() {
    for column in vectors(500, 13) {
        assert_eq!(column.len(), 13);
        assert_eq!(column.iter().filter(|x| x.abs() == 1.0).count(), 1);
        assert_eq!(column.iter().filter(|&&x| x == 0.0).count(), 12);
    }
}

#[test]
fn symbols_spread_evenly_and_so_do_their_signs() {
    for features in [8, 13, 64] {
        const SYMBOLS: usize = 20_000;
        let mut counts = vec![[0.0_f64; 2]; features];
        for column in vectors(SYMBOLS, features) {
            let place = column.iter().position(|&x| x != 0.0).unwrap();
            counts[place][usize::from(column[place] > 0.0)] += 1.0;
        }
        let expected = SYMBOLS as f64 / (2 * features) as f64;
        let chi2: f64 = counts.iter().flatten().map(|n| (n - expected).powi(2) / expected).sum();
        // χ² with k degrees of freedom has mean k and variance 2k. (FNV spreads successive ids more evenly than chance.)
        let k = (2 * features - 1) as f64;
        assert!(chi2 < k + 4.0 * (2.0 * k).sqrt(), "{features} features: χ² {chi2}");
    }
}

#[test]
fn inner_products_are_right_in_the_mean() {
    // Weinberger et al. (2009), lemma 2: E⟨φ(x), φ(y)⟩ = ⟨x, y⟩, here 1 for a symbol with itself and 0 with another.
    let columns = vectors(400, 16);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (mut sum, mut pairs) = (0.0, 0.0);
    for (i, a) in columns.iter().enumerate() {
        assert_eq!(dot(a, a), 1.0);
        for b in &columns[..i] {
            (sum, pairs) = (sum + dot(a, b), pairs + 1.0);
        }
    }
    let mean: f64 = sum / pairs;
    assert!(mean.abs() < 0.01, "{mean}"); // unsigned hashing would have 1/16
}

#[test]
fn a_sequence_is_laid_out_like_one_hot() {
    let tape = Tape::<f64>::new();
    let ids = [4, 0, 3, 3, 1, 2];
    let hashed = hashing(&tape, &ids, 9, 2);
    assert_eq!(hashed.shape(), one_hot(&tape, &ids, 9, 2).shape());
    let columns = vectors(5, 9);
    let entries = hashed.value();
    for (at, &id) in ids.iter().enumerate() {
        for feature in 0..9 {
            assert_eq!(entries[(at / 2 * 9 + feature) * 2 + at % 2], columns[id][feature]);
        }
    }
}

#[test]
#[should_panic(expected = "hashing: 3 ids do not fill steps of 2")]
fn ids_fill_whole_steps() {
    hashing(&Tape::<f64>::new(), &[1, 2, 3], 4, 2);
}

#[test]
fn names() {
    for (text, encoding) in [
        ("embedding", Encoding::Embedding(64)),
        ("one-hot", Encoding::OneHot),
        ("hashing", Encoding::Hashing(64)),
        ("hashing:7", Encoding::Hashing(7)),
    ] {
        assert_eq!(Encoding::parse(text, 64), Ok(encoding));
        assert_eq!(Encoding::parse(&encoding.to_string(), 64), Ok(encoding));
    }
    let error = |text| Encoding::parse(text, 64).unwrap_err().to_string();
    let unknown = "unknown encoding 'bytes' (known: embedding, one-hot, hashing; hashing:N)";
    assert_eq!(error("bytes"), unknown);
    let number = "encoding hashing:0: what follows hashing: must be a whole number, at least 1";
    assert_eq!(error("hashing:0"), number);
    assert_eq!(error("hashing:x"), number.replace(":0", ":x"));
    assert_eq!(error("one-hot:3"), unknown.replace("bytes", "one-hot:3"));
}
