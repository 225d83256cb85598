//! The ladder: the same training step, a better one with every rung.

use crate::by_hand::ByHand;
use crate::on_tape::OnTape;
use crate::problem::Problem;
use crate::timing::{Timed, microseconds};
use crate::ways::{ALONG_MEMORY, FAER, FORMULA, Functions, Products, STANDARD, VECTORS, WIDE};
use models::threads::with_threads;

/// The rungs that are written by hand.
pub const BY_HAND: [(&str, Products, Functions); 5] = [
    ("sums in the formula's order", FORMULA, STANDARD),
    ("sums along memory", ALONG_MEMORY, STANDARD),
    ("the processor's widest vectors", WIDE, STANDARD),
    ("faer's products", FAER, STANDARD),
    ("σ and tanh in vectors", FAER, VECTORS),
];

/// All rungs, from the lowest on.
pub fn rungs(problem: &Problem, threads: usize) -> Vec<Timed<'_>> {
    let by_hand = BY_HAND.map(|(name, products, functions)| {
        let run = move || {
            let mut layer = ByHand::new(problem, products, functions);
            microseconds(|| layer.train())
        };
        Timed { name: name.into(), run: Box::new(run) }
    });
    let on_tape = [
        ("the equations on the tape", true, 1),
        ("the derivation as one operation", false, 1),
        ("the same, shared by threads", false, threads),
    ];
    let on_tape = on_tape.map(|(name, equations, threads)| {
        let run = move || {
            with_threads(threads, || {
                let mut layer = OnTape::<f32>::new(problem, equations);
                microseconds(|| layer.train())
            })
            .expect("so few threads can be started")
        };
        Timed { name: name.into(), run: Box::new(run) }
    });
    by_hand.into_iter().chain(on_tape).collect()
}
