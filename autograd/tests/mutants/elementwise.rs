//! Functions entry by entry.

use crate::{Mutant, mutant};
use autograd::check::{Check, Kind};

pub fn all() -> Vec<Mutant> {
    [unary(), binary()].into_iter().flatten().collect()
}

/// One input away from 0, of both signs or positive.
fn check(positive: bool) -> Check {
    let sign = if positive { 1.0 } else { -1.0 };
    let entries: Vec<f64> =
        (0..12).map(|k| (0.6 + 0.13 * f64::from(k)) * if k % 2 == 0 { 1.0 } else { sign }).collect();
    Check::new(11).input("x", 3, 4, &entries)
}

fn unary() -> Vec<Mutant> {
    use Kind::{Factor, MissingFactor, MissingTerm, Overwritten, Sign, WrongPoint, Zero};
    let (any, positive) = (check(false), check(true));
    vec![
        mutant(
            "sigmoid: slope at x",
            &[WrongPoint],
            &any,
            |_, v| v[0].sigmoid(),
            |v, dy| vec![dy * v[0] * (1.0 - v[0])],
        ),
        mutant(
            "sigmoid: y without 1 − y",
            &[MissingFactor],
            &any,
            |_, v| v[0].sigmoid(),
            |v, dy| vec![dy * v[0].sigmoid()],
        ),
        mutant("sigmoid: no slope", &[MissingFactor], &any, |_, v| v[0].sigmoid(), |_, dy| vec![dy]),
        mutant(
            "sigmoid: y (y − 1)",
            &[Sign],
            &any,
            |_, v| v[0].sigmoid(),
            |v, dy| {
                let y = v[0].sigmoid();
                vec![dy * y * (y - 1.0)]
            },
        ),
        mutant(
            "tanh: 1 − x²",
            &[WrongPoint],
            &any,
            |_, v| v[0].tanh(),
            |v, dy| vec![dy * (1.0 - v[0].square())],
        ),
        mutant("tanh: no slope", &[MissingFactor], &any, |_, v| v[0].tanh(), |_, dy| vec![dy]),
        mutant(
            "tanh: 1 + y²",
            &[],
            &any,
            |_, v| v[0].tanh(),
            |v, dy| vec![dy * (1.0 + v[0].tanh().square())],
        ),
        mutant(
            "tanh: y² − 1",
            &[Sign],
            &any,
            |_, v| v[0].tanh(),
            |v, dy| vec![dy * (v[0].tanh().square() - 1.0)],
        ),
        mutant("relu: no slope", &[MissingFactor], &any, |_, v| v[0].relu(), |_, dy| vec![dy]),
        mutant("relu: nothing", &[Zero], &any, |_, v| v[0].relu(), |_, dy| vec![dy * 0.0]),
        mutant("exp: at x", &[WrongPoint], &any, |_, v| v[0].exp(), |v, dy| vec![dy * v[0]]),
        mutant("exp: no slope", &[MissingFactor], &any, |_, v| v[0].exp(), |_, dy| vec![dy]),
        mutant("ln: at y", &[WrongPoint], &positive, |_, v| v[0].ln(), |v, dy| vec![dy / v[0].ln()]),
        mutant("ln: times x", &[], &positive, |_, v| v[0].ln(), |v, dy| vec![dy * v[0]]),
        mutant("square: without the 2", &[Factor], &any, |_, v| v[0].square(), |v, dy| vec![dy * v[0]]),
        mutant(
            "square: at y",
            &[WrongPoint],
            &any,
            |_, v| v[0].square(),
            |v, dy| vec![dy * 2.0 * v[0].square()],
        ),
        mutant(
            "sqrt: without the 2",
            &[Factor],
            &positive,
            |_, v| v[0].sqrt(),
            |v, dy| vec![dy / v[0].sqrt()],
        ),
        mutant("sqrt: at x", &[WrongPoint], &positive, |_, v| v[0].sqrt(), |v, dy| vec![dy / (v[0] * 2.0)]),
        mutant(
            "scale: without the scale",
            &[Factor, MissingFactor],
            &any,
            |_, v| v[0] * 3.0 + 1.0,
            |_, dy| vec![dy],
        ),
        mutant("2 / x: sign", &[Sign], &any, |_, v| 2.0 / v[0], |v, dy| vec![dy * 2.0 / v[0].square()]),
        mutant("2 / x: without the 2", &[Factor], &any, |_, v| 2.0 / v[0], |v, dy| vec![-dy / v[0].square()]),
        mutant(
            "x ⊙ x: one side",
            &[Factor, MissingTerm, Overwritten],
            &any,
            |_, v| v[0] * v[0],
            |v, dy| vec![dy * v[0]],
        ),
        mutant(
            "x³: 2 x² for 3 x²",
            &[Factor, MissingTerm],
            &any,
            |_, v| v[0] * v[0].square(),
            |v, dy| vec![dy * 2.0 * v[0].square()],
        ),
        mutant(
            "three uses: the last counts",
            &[MissingTerm, Overwritten],
            &any,
            |_, v| v[0].tanh() + v[0].exp() + v[0].square(),
            |v, dy| vec![dy * 2.0 * v[0]],
        ),
        mutant(
            "chain: inner slope forgotten",
            &[MissingFactor],
            &any,
            |_, v| v[0].square().sigmoid(),
            |v, dy| {
                let y = v[0].square().sigmoid();
                vec![dy * y * (1.0 - y)]
            },
        ),
        mutant(
            "chain: outer slope at the input",
            &[WrongPoint],
            &any,
            |_, v| (v[0] * 2.0).tanh(),
            |v, dy| vec![dy * (1.0 - v[0].tanh().square()) * 2.0],
        ),
        mutant(
            "one per cent too much",
            &[Factor],
            &any,
            |_, v| v[0].tanh(),
            |v, dy| vec![dy * (1.0 - v[0].tanh().square()) * 1.01],
        ),
        mutant("NaN", &[Kind::NotANumber], &any, |_, v| v[0].tanh(), |v, dy| vec![dy * (v[0] - 9.0).sqrt()]),
    ]
}

fn binary() -> Vec<Mutant> {
    use Kind::{Factor, MissingFactor, Sign, Swapped, WrongPoint, Zero};
    let check = check(false).random_input("b", 3, 4, 1.0);
    vec![
        mutant("add: sign of b", &[Sign], &check, |_, v| v[0] + v[1], |_, dy| vec![dy, -dy]),
        mutant("add: nothing for b", &[Zero], &check, |_, v| v[0] + v[1], |_, dy| vec![dy, dy * 0.0]),
        mutant("add: half for each", &[Factor], &check, |_, v| v[0] + v[1], |_, dy| vec![dy * 0.5, dy * 0.5]),
        mutant("sub: sign of b", &[Sign], &check, |_, v| v[0] - v[1], |_, dy| vec![dy, dy]),
        mutant(
            "mul: x with itself",
            &[WrongPoint],
            &check,
            |_, v| v[0] * v[1],
            |v, dy| vec![dy * v[0], dy * v[0]],
        ),
        mutant(
            "mul: each with itself",
            &[Swapped],
            &check,
            |_, v| v[0] * v[1],
            |v, dy| vec![dy * v[0], dy * v[1]],
        ),
        mutant(
            "mul: factor forgotten",
            &[MissingFactor],
            &check,
            |_, v| v[0] * v[1],
            |v, dy| vec![dy * v[1], dy],
        ),
        mutant("mul: nothing for x", &[Zero], &check, |_, v| v[0] * v[1], |v, dy| vec![dy * 0.0, dy * v[0]]),
        mutant(
            "div: sign of b",
            &[Sign],
            &check,
            |_, v| v[0] / v[1],
            |v, dy| vec![dy / v[1], dy * v[0] / v[1].square()],
        ),
        mutant(
            "div: no slope for x",
            &[MissingFactor],
            &check,
            |_, v| v[0] / v[1],
            |v, dy| vec![dy, -dy * v[0] / v[1].square()],
        ),
        mutant(
            "div: b once",
            &[WrongPoint],
            &check,
            |_, v| v[0] / v[1],
            |v, dy| vec![dy / v[1], -dy * v[0] / v[1]],
        ),
        mutant(
            "div: x forgotten",
            &[MissingFactor],
            &check,
            |_, v| v[0] / v[1],
            |v, dy| vec![dy / v[1], -dy / v[1].square()],
        ),
    ]
}
