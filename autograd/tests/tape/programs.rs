//! Random programs over overlapping views: against the naive scalar tape, replayed, and with
//! poisoned memory.

use crate::lines::{LEAVES, Line, on_tape, program};
use crate::scalars::{Scalars, by_scalars};
use autograd::check::Random;
use autograd::{Float, Tape, Var};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any};
use proptest::test_runner::{TestCaseError, TestRunner};

/// Numbers for the leaves.
fn entries(seed: u64) -> Vec<Vec<f64>> {
    let mut random = Random::new(seed);
    LEAVES.iter().map(|&(rows, cols, _)| random.normals(rows * cols)).collect()
}

/// A cotangent for a variable.
fn cotangent<T: Float>(y: Var<'_, T>, seed: u64) -> Vec<T> {
    Random::new(!seed).normals(y.rows() * y.cols()).into_iter().map(T::from_f64).collect()
}

/// Holds random programs and seeds to a property.
///
/// # Panics
/// With the shortest program found that breaks it, and its seed.
#[track_caller]
fn for_random_programs(cases: u32, property: impl Fn(&[Line], u64) -> Result<(), String>) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let draws = (vec(any::<(u8, u16, u16)>(), 1..40), any::<u64>().no_shrink());
    let outcome = TestRunner::new(config).run(&draws, |(numbers, seed)| {
        let lines = program(&numbers);
        property(&lines, seed).map_err(|broken| TestCaseError::fail(format!("{broken}\n{lines:#?}")))
    });
    if let Err(broken) = outcome {
        panic!("{broken}");
    }
}

fn close(what: &str, k: usize, got: &[f64], want: &[f64]) -> Result<(), String> {
    let scale = want.iter().fold(1.0, |largest: f64, x| largest.max(x.abs()));
    let same = got.len() == want.len()
        && got.iter().zip(want).all(|(got, want)| (got - want).abs() <= 1e-12 * scale);
    if same { Ok(()) } else { Err(format!("{what} of variable {k}: {got:?}, should be {want:?}")) }
}

/// The value and the gradient of every variable, those in the middle too.
#[test]
fn agree_with_the_scalar_tape() {
    for_random_programs(1500, |lines, seed| {
        let mut scalars = Scalars::default();
        let grids = by_scalars(&mut scalars, lines, &entries(seed));
        let tape = Tape::<f64>::new();
        tape.retain_grads(true);
        let vars = on_tape(&tape, lines, &entries(seed));
        let last = vars[vars.len() - 1];
        let r = cotangent(last, seed);
        last.backward_with(&r);
        let gradients = scalars.gradients(&grids[grids.len() - 1], &r);

        for (k, (var, grid)) in vars.iter().zip(&grids).enumerate() {
            let gradient = |&id: &usize| if grid.tracked { gradients[id] } else { 0.0 };
            close("value", k, &var.value(), &scalars.values(grid))?;
            close("gradient", k, &var.grad(), &grid.ids.iter().map(gradient).collect::<Vec<_>>())?;
        }
        Ok(())
    });
}

/// The bits of all values and of the leaves' gradients.
fn bits<T: Float>(tape: &Tape<T>, lines: &[Line], seed: u64) -> Vec<u64> {
    let vars = on_tape(tape, lines, &entries(seed));
    let last = vars[vars.len() - 1];
    last.backward_with(&cotangent(last, seed));
    let values = vars.iter().flat_map(|var| var.value());
    let gradients = vars[..LEAVES.len()].iter().flat_map(|var| var.grad());
    values.chain(gradients).map(|x| x.to_f64().to_bits()).collect()
}

/// The same program gives the same bits: on a new tape, after another program, again, and over
/// memory filled with NaN.
#[test]
fn replay_and_poison_change_no_bit() {
    fn unchanged<T: Float>(lines: &[Line], seed: u64) -> Result<(), String> {
        let fresh = bits(&Tape::<T>::new(), lines, seed);
        let mut tape = Tape::<T>::new();
        bits(&tape, &lines[..lines.len().div_ceil(2)], !seed);
        for circumstance in ["after another program", "again", "over poisoned memory"] {
            tape.reset();
            if circumstance == "over poisoned memory" {
                tape.poison();
            }
            if bits(&tape, lines, seed) != fresh {
                return Err(format!("{circumstance}: not the same bits"));
            }
        }
        Ok(())
    }
    for_random_programs(400, unchanged::<f64>);
    for_random_programs(400, unchanged::<f32>);
}

/// A backward pass forgets the one before it.
#[test]
fn a_second_backward_pass_starts_afresh() {
    for_random_programs(200, |lines, seed| {
        let tape = Tape::<f64>::new();
        let vars = on_tape(&tape, lines, &entries(seed));
        let gradients_from = |y: Var<'_, f64>| {
            y.backward_with(&cotangent(y, seed));
            vars[..LEAVES.len()].iter().flat_map(|var| var.grad()).collect::<Vec<f64>>()
        };
        let first = gradients_from(vars[vars.len() - 1]);
        gradients_from(vars[vars.len() / 2]);
        let again = gradients_from(vars[vars.len() - 1]);
        if again == first { Ok(()) } else { Err("not the same gradients".into()) }
    });
}
