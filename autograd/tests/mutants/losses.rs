//! Softmax, cross-entropy and squared error.

use crate::{Mutant, V, mutant};
use autograd::Tape;
use autograd::check::{Check, Kind};

pub fn all() -> Vec<Mutant> {
    [softmax(), cross_entropy(), squared_error()].into_iter().flatten().collect()
}

/// `eˣ / 1 (1ᵀ eˣ)` per column, in small operations.
fn softmax_of<'t>(tape: &'t Tape<f64>, x: V<'t>) -> V<'t> {
    let e = x.exp().label("e");
    let total = tape.constant(x.rows(), 1, &vec![1.0; x.rows()]).matmul(e.sum_rows()).label("total");
    e / total
}

fn softmax() -> Vec<Mutant> {
    use Kind::{Factor, MissingTerm, Sign, Zero};
    let check = Check::new(41).random_input("x", 4, 3, 1.0);
    let copied = |m: V<'_>| -> Vec<f64> { m.value().iter().cycle().take(12).copied().collect() };
    vec![
        mutant(
            "softmax: p ȳ",
            &[MissingTerm],
            &check,
            |t, v| softmax_of(t, v[0]),
            |v, dy| vec![v[0].softmax() * dy],
        ),
        mutant(
            "softmax: the total alone",
            &[MissingTerm],
            &check,
            |t, v| softmax_of(t, v[0]),
            |v, dy| {
                let p = v[0].softmax();
                let dot = v[0].tape().constant(4, 3, &copied((p * dy).sum_rows()));
                vec![-p * dot]
            },
        ),
        mutant(
            "softmax: sign",
            &[Sign],
            &check,
            |t, v| softmax_of(t, v[0]),
            |v, dy| {
                let p = v[0].softmax();
                let dot = v[0].tape().constant(4, 3, &copied((p * dy).sum_rows()));
                vec![p * (dot - dy)]
            },
        ),
        mutant(
            "softmax: twice",
            &[Factor],
            &check,
            |t, v| softmax_of(t, v[0]),
            |v, dy| {
                let p = v[0].softmax();
                let dot = v[0].tape().constant(4, 3, &copied((p * dy).sum_rows()));
                vec![p * (dy - dot) * 2.0]
            },
        ),
        mutant(
            "softmax: sign of the total's share",
            &[Sign],
            &check,
            |t, v| softmax_of(t, v[0]),
            |v, dy| {
                let p = v[0].softmax();
                let dot = v[0].tape().constant(4, 3, &copied((p * dy).sum_rows()));
                vec![p * (dy + dot)]
            },
        ),
        mutant(
            "softmax: as a sigmoid",
            &[],
            &check,
            |t, v| softmax_of(t, v[0]),
            |v, dy| {
                let p = v[0].softmax();
                vec![p * (1.0 - p) * dy]
            },
        ),
        mutant("softmax: nothing", &[Zero], &check, |t, v| softmax_of(t, v[0]), |v, _| vec![v[0] * 0.0]),
        mutant(
            "log_softmax: ȳ alone",
            &[MissingTerm],
            &check,
            |t, v| softmax_of(t, v[0]).ln(),
            |_, dy| vec![dy],
        ),
        mutant(
            "log_softmax: ȳ − p",
            &[],
            &check,
            |t, v| softmax_of(t, v[0]).ln(),
            |v, dy| vec![dy - v[0].softmax()],
        ),
    ]
}

/// Targets 2, 0 and 3 of four classes, one-hot.
const TARGETS: [f64; 12] = [0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.];

fn loss<'t>(tape: &'t Tape<f64>, x: V<'t>) -> V<'t> {
    let total = x.exp().sum_rows().ln().label("ln of the total");
    let score = (x * tape.constant(4, 3, &TARGETS)).label("score").sum_rows();
    ((total - score).sum() * (1.0 / 3.0)).label("mean")
}

fn cross_entropy() -> Vec<Mutant> {
    use Kind::{Factor, MissingFactor, MissingTerm, Sign, WrongPoint};
    let check = Check::new(42).random_input("x", 4, 3, 1.0).size("B", 3).size("V", 4);
    vec![
        mutant(
            "cross-entropy: not divided by B",
            &[Factor, MissingFactor],
            &check,
            |t, v| loss(t, v[0]),
            |v, dy| vec![(v[0].softmax() - v[0].tape().constant(4, 3, &TARGETS)) * dy.item()],
        ),
        mutant(
            "cross-entropy: divided by V",
            &[Factor],
            &check,
            |t, v| loss(t, v[0]),
            |v, dy| vec![(v[0].softmax() - v[0].tape().constant(4, 3, &TARGETS)) * (dy.item() / 4.0)],
        ),
        mutant(
            "cross-entropy: no one-hot",
            &[MissingTerm],
            &check,
            |t, v| loss(t, v[0]),
            |v, dy| vec![v[0].softmax() * (dy.item() / 3.0)],
        ),
        mutant(
            "cross-entropy: one-hot alone",
            &[MissingTerm],
            &check,
            |t, v| loss(t, v[0]),
            |v, dy| vec![v[0].tape().constant(4, 3, &TARGETS) * (-dy.item() / 3.0)],
        ),
        mutant(
            "cross-entropy: sign",
            &[Sign],
            &check,
            |t, v| loss(t, v[0]),
            |v, dy| vec![(v[0].tape().constant(4, 3, &TARGETS) - v[0].softmax()) * (dy.item() / 3.0)],
        ),
        mutant(
            "cross-entropy: one-hot added",
            &[Sign],
            &check,
            |t, v| loss(t, v[0]),
            |v, dy| vec![(v[0].softmax() + v[0].tape().constant(4, 3, &TARGETS)) * (dy.item() / 3.0)],
        ),
        mutant(
            "cross-entropy: logits for probabilities",
            &[WrongPoint],
            &check,
            |t, v| loss(t, v[0]),
            |v, dy| vec![(v[0] - v[0].tape().constant(4, 3, &TARGETS)) * (dy.item() / 3.0)],
        ),
        mutant(
            "cross-entropy: cotangent forgotten",
            &[Factor],
            &check,
            |t, v| loss(t, v[0]),
            |v, _| vec![(v[0].softmax() - v[0].tape().constant(4, 3, &TARGETS)) * (1.0 / 3.0)],
        ),
    ]
}

fn squared_error() -> Vec<Mutant> {
    use Kind::{Factor, MissingFactor, Sign, Zero};
    let check = Check::new(43).random_input("x", 3, 4, 1.0).random_input("target", 3, 4, 1.0).size("N", 12);
    vec![
        mutant(
            "mse: without the 2",
            &[Factor],
            &check,
            |_, v| v[0].mse_loss(v[1]),
            |v, dy| {
                let d = (v[0] - v[1]) * (dy.item() / 12.0);
                vec![d, -d]
            },
        ),
        mutant(
            "mse: not divided by N",
            &[Factor, MissingFactor],
            &check,
            |_, v| v[0].mse_loss(v[1]),
            |v, dy| {
                let d = (v[0] - v[1]) * (2.0 * dy.item());
                vec![d, -d]
            },
        ),
        mutant(
            "mse: sign of the target",
            &[Sign],
            &check,
            |_, v| v[0].mse_loss(v[1]),
            |v, dy| {
                let d = (v[0] - v[1]) * (2.0 * dy.item() / 12.0);
                vec![d, d]
            },
        ),
        mutant(
            "mse: nothing for the target",
            &[Zero],
            &check,
            |_, v| v[0].mse_loss(v[1]),
            |v, dy| {
                let d = (v[0] - v[1]) * (2.0 * dy.item() / 12.0);
                vec![d, d * 0.0]
            },
        ),
    ]
}
