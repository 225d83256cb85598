//! A sequence as one operation on the tape: what it does beside the numbers of one clean run.

use autograd::Tape;
use autograd::check::Random;
use models::cells::{Cell, CellConfig, Kind, Lengths, State};
use models::params::{Bound, Params};
use models::threads::with_threads;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::collections::BTreeMap;

const T: usize = 3;
const I: usize = 2;
const H: usize = 5;

fn cell(kind: Kind) -> (Box<dyn Cell<f64>>, Params<f64>) {
    let (mut params, mut rng) = (Params::new(), ChaCha8Rng::seed_from_u64(1));
    let cell = CellConfig::new(I, H).build(kind, &mut params, "rnn", "l0", &mut rng);
    (cell, params)
}

/// The gradients of everything that so many equal sequences read.
fn gradients(kind: Kind, lengths: Option<&Lengths>, batch: usize, times: usize) -> Vec<Vec<f64>> {
    let ((cell, params), tape) = (cell(kind), Tape::new());
    let leaf = |rows| tape.leaf(rows, batch, &Random::new(7).normals(rows * batch));
    let (x, h, c) = (leaf(T * I), leaf(H), cell.has_cell_state().then(|| leaf(H)));
    let (first, p) = (tape.len(), params.bind(&tape));
    let sequence = |_| cell.sequence(p, x, State { h, c }, lengths, false).expect("fused").0;
    let outputs: Vec<_> = (0..times).map(sequence).collect();
    tape.concat_rows(&outputs).square().sum().backward();
    let weights = (0..params.iter().len()).map(|k| tape.var(first + k));
    [Some(x), Some(h), c].into_iter().flatten().chain(weights).map(|v| v.grad()).collect()
}

/// What is used twice gets the gradients of both: nobody may write over what another one has added.
#[test]
fn two_sequences_share_what_they_read() {
    // With 130 examples, two threads share the columns.
    for (kind, with_lengths, batch) in
        Kind::ALL.into_iter().flat_map(|kind| [(kind, false, 5), (kind, true, 5), (kind, false, 130)])
    {
        let each: Vec<usize> = (0..batch).map(|b| 1 + b % T).collect();
        let lengths = with_lengths.then(|| Lengths::new(&each));
        let run = |times| {
            let run = || gradients(kind, lengths.as_ref(), batch, times);
            with_threads(2, run).expect("so few threads are there").concat()
        };
        let (once, twice) = (run(1), run(2));
        assert!(once.iter().any(|&d| d != 0.0));
        for (once, twice) in once.into_iter().zip(twice) {
            assert!((2.0 * once - twice).abs() <= 1e-12 * once.abs().max(1.0), "{kind}: {once} and {twice}");
        }
    }
}

type Shown = (Vec<f64>, BTreeMap<(String, Option<usize>), Vec<f64>>);

/// The outputs of a sequence, and all that it shows.
fn shown(cell: &dyn Cell<f64>, tape: &Tape<f64>, p: Bound<'_, f64>, x: &[f64], batch: usize) -> Shown {
    let x = tape.constant(x.len() / batch, batch, x);
    let start = cell.zero_state(tape, batch);
    let (y, _) = cell.sequence(p, x, start, None, false).expect("fused");
    let mut inside = BTreeMap::new();
    tape.trace(&mut |q| {
        inside.insert((q.name.to_string(), q.step), q.value.to_vec());
    });
    (y.value(), inside)
}

/// Where no gradient is wanted, the steps write over each other's memory. What they were can be shown even so.
#[test]
fn without_gradients_nothing_is_kept() {
    for kind in Kind::ALL {
        let (cell, params) = cell(kind);
        let (batch, steps) = (5, 40);
        let x = Random::new(3).normals(steps * I * batch);
        let (tape, constant) = (Tape::new(), Tape::new());
        let with = shown(&*cell, &tape, params.bind(&tape), &x, batch);
        let without = shown(&*cell, &constant, params.bind_constant(&constant), &x, batch);
        assert!(with == without && with.1.len() >= 2 * steps, "{kind}");
        // One state of every step, if nothing else. All that a plain network needs is in its outputs.
        let plain = matches!(kind, Kind::Elman | Kind::ElmanRelu);
        let kept = if plain { 0 } else { H * batch * (steps - 1) * size_of::<f64>() };
        assert!(tape.bytes() >= constant.bytes() + kept, "{kind}: {} and {}", tape.bytes(), constant.bytes());
    }
}

/// The way back packs its factors where those of the way forward were. What is shown is computed again from the same.
#[test]
fn the_way_back_changes_nothing_that_is_shown() {
    let (config, mut params) = (CellConfig::new(30, 40), Params::new());
    let cell = config.build(Kind::Lstm, &mut params, "rnn", "l0", &mut ChaCha8Rng::seed_from_u64(1));
    let (tape, batch) = (Tape::new(), 5);
    let x = Random::new(3).normals(T * 30 * batch);
    let (p, x) = (params.bind(&tape), tape.leaf(T * 30, batch, &x));
    let (y, _) = cell.sequence(p, x, cell.zero_state(&tape, batch), None, false).expect("fused");
    let shown = || {
        let mut all = Vec::new();
        tape.trace(&mut |q| all.push((q.name.to_string(), q.step, q.value.to_vec())));
        all
    };
    let before = shown();
    y.square().sum().backward();
    let after: Vec<_> =
        shown().into_iter().filter(|(name, ..)| before.iter().any(|b| b.0 == *name)).collect();
    assert!(before.len() >= 4 * T && before == after);
}

/// Weights are packed for the products that will come. A weight left out, or one too many, costs only time, which no
/// other test sees: here is what it takes of the memory.
#[test]
fn weights_are_packed_where_products_come() {
    let (cell, params) = cell(Kind::Elman);
    let bytes = |wanted: bool| {
        let (batch, tape) = (5, Tape::new());
        let (p, zeros) = (params.bind(&tape), vec![0.0; T * I * batch]);
        let x = if wanted { tape.leaf(T * I, batch, &zeros) } else { tape.constant(T * I, batch, &zeros) };
        let (y, _) = cell.sequence(p, x, cell.zero_state(&tape, batch), None, false).expect("fused");
        y.sum().backward();
        (tape.bytes() - if wanted { size_of_val(&zeros[..]) } else { 0 }) / size_of::<f64>()
    };
    // The way forward packs W and U, whose rows are filled up to eight; the way back, in the same memory, the transpose of
    // U, and, for the gradient of x and for it alone, that of W: I×H, its rows filled up to four.
    let (forward, back) = (8 * I + 8 * H, |of_w: usize| of_w + 8 * H);
    let [more, less] = [back(4 * H), back(0)].map(|back| forward.max(back));
    assert!(more > less, "these sizes show it");
    assert_eq!(bytes(true) - bytes(false), more - less);
}

/// A tape's memory holds old numbers. Past an example's end there are zeros all the same.
#[test]
fn past_the_ends_there_are_zeros_in_old_memory() {
    for kind in Kind::ALL {
        let (cell, params) = cell(kind);
        let (batch, steps, mut tape) = (4, 6, Tape::new());
        let x = Random::new(3).normals(steps * I * batch);
        for each in [[6, 6, 6, 6], [2, 6, 1, 4]] {
            tape.reset();
            tape.poison();
            let lengths = Lengths::new(&each);
            let (p, x) = (params.bind(&tape), tape.leaf(steps * I, batch, &x));
            let start = cell.zero_state(&tape, batch);
            let (y, _) = cell.sequence(p, x, start, Some(&lengths), false).expect("fused");
            y.square().sum().backward();
            for (features, numbers) in [(H, y.value()), (I, x.grad())] {
                for (at, &number) in numbers.iter().enumerate() {
                    let valid = at / batch / features < each[at % batch];
                    assert!(number.is_finite() && (valid || number == 0.0), "{kind} at {at}: {number}");
                }
            }
        }
    }
}
