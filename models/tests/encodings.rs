//! Three ways to turn symbols into vectors, and what they have in common.

use autograd::Tape;
use models::layers::{Embedding, Encoding, hashing, one_hot};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

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

/// Two steps of two examples, written out.
#[test]
fn one_hot_steps_follow_each_other() {
    let tape = Tape::<f64>::new();
    let rows = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0]];
    assert_eq!(one_hot(&tape, &[2, 1, 0, 2], 3, 2).value(), rows.concat());
}

/// Models are kept on disk: another place or sign would make nonsense of them. FNV-1a of eight bytes, computed
/// elsewhere.
#[test]
fn hashed_places_and_signs_stay_what_they_are() {
    let known = [(5, 1.0), (4, 1.0), (7, 1.0), (6, 1.0), (1, -1.0), (0, -1.0)];
    for (column, (place, sign)) in vectors(6, 8).into_iter().zip(known) {
        assert_eq!(column[place], sign);
    }
}

#[test]
fn sizes() {
    assert_eq!(Encoding::OneHot.size(7), 7);
    assert_eq!(Encoding::Embedding(3).size(7), 3);
    assert_eq!(Encoding::Hashing(3).size(7), 3);
    let table = Embedding::new(&mut Params::<f64>::new(), "e", 7, 3, &mut ChaCha8Rng::seed_from_u64(1));
    assert_eq!(table.features(), 3);
}

/// Row `id` of the table is the table's transpose times a one-hot vector; and so is the gradient: each
/// symbol's row gets the sum of the cotangents of the places where the symbol stood.
#[test]
fn an_embedding_is_a_one_hot_vector_times_a_matrix() {
    const SYMBOLS: usize = 6;
    const FEATURES: usize = 4;
    const BATCH: usize = 2;
    let ids = [4, 0, 3, 3, 1, 4, 3, 5]; // T = 4; symbol 3 stands three times, symbol 2 never
    let mut params = Params::<f64>::new();
    let layer = Embedding::new(&mut params, "e", SYMBOLS, FEATURES, &mut ChaCha8Rng::seed_from_u64(1));
    let tape = Tape::new();
    let p = params.bind(&tape);
    let table = &params.iter().next().unwrap().value;

    // ANCHOR: same
    let y = layer.forward(p, &ids, BATCH);
    let matrix = tape.leaf(SYMBOLS, FEATURES, table);
    let mut products = tape.list();
    for step in ids.chunks(BATCH) {
        products.push(matrix.t_matmul(one_hot(&tape, step, SYMBOLS, BATCH)));
    }
    let product = products.concat_rows();
    assert_eq!(y.value(), product.value());

    let cotangent: Vec<f64> = (0..ids.len() * FEATURES).map(|k| (k as f64 * 0.7).sin()).collect();
    y.backward_with(&cotangent);
    let gradient = p.get(params.find("e.weight").unwrap()).grad();
    product.backward_with(&cotangent);
    let apart = gradient.iter().zip(matrix.grad()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart <= 1e-15, "{apart:e}");
    // ANCHOR_END: same
    assert!(gradient[2 * FEATURES..3 * FEATURES].iter().all(|&g| g == 0.0));
    assert!(gradient[3 * FEATURES..4 * FEATURES].iter().all(|&g| g != 0.0));
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
