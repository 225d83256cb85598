//! Mistakes that look like others at first sight: of two steps, of gates that are saturated or get nothing, of numbers
//! that are the same by chance. To be unsure of them is right, to name the other is not.

use crate::{Mutant, V, mutant};
use autograd::check::{Check, Kind};

/// Two steps of a state: h₀ = tanh(x₀), h₁ = tanh(x₁ + h₀).
fn two_steps<'t>(v: &[V<'t>]) -> [V<'t>; 2] {
    let h = v[0].row_block(0..2).tanh();
    [h, (v[0].row_block(2..4) + h).tanh()]
}

/// What each step's x gets.
fn shares<'t>(v: &[V<'t>], dy: V<'t>) -> [V<'t>; 2] {
    let [h, y] = two_steps(v);
    let d1 = dy.row_block(2..4) * (1.0 - y * y);
    [(dy.row_block(0..2) + d1) * (1.0 - h * h), d1]
}

fn stack<'t>(parts: &[V<'t>]) -> Vec<V<'t>> {
    vec![parts[0].tape().concat_rows(parts)]
}

pub fn all() -> Vec<Mutant> {
    [of_two_steps(), of_gates(), of_signs()].into_iter().flatten().collect()
}

fn of_two_steps() -> Vec<Mutant> {
    let check = Check::new(41).random_input("x", 4, 3, 1.0).steps(2);
    vec![
        mutant(
            "two steps: turned round, and nothing carried",
            &[],
            &check,
            |tape, v| tape.concat_rows(&two_steps(v)),
            |v, dy| {
                let [h, _] = two_steps(v);
                stack(&[shares(v, dy)[1], dy.row_block(0..2) * (1.0 - h * h)])
            },
        ),
        mutant(
            "two steps: both get the last one's",
            &[],
            &check,
            |tape, v| tape.concat_rows(&two_steps(v)),
            |v, dy| stack(&[shares(v, dy)[1]; 2]),
        ),
        mutant(
            "two steps: a running sum run forwards",
            &[],
            &check,
            |tape, v| tape.concat_rows(&[v[0].row_block(0..2), v[0].row_block(0..2) + v[0].row_block(2..4)]),
            |_, dy| stack(&[dy.row_block(0..2), dy.row_block(0..2) + dy.row_block(2..4)]),
        ),
    ]
}

/// y = σ(i) tanh(g) + k.
fn of_gates() -> Vec<Mutant> {
    let shut: Vec<f64> = (0..24).map(|at| if at < 8 { -20.0 } else { 0.1 * (at as f64 - 15.5) }).collect();
    let saturated = Check::new(42).input("a", 6, 4, &shut).gates(&["i", "g", "k"]);
    let gates = Check::new(43).random_input("z", 8, 3, 1.0).gates(&["i", "f", "g", "o"]);
    vec![
        mutant(
            "a gate that is shut: sign",
            &[Kind::Sign],
            &saturated,
            |_, v| {
                let [i, g, k] = v[0].chunk();
                i.sigmoid() * g.tanh() + k
            },
            |v, dy| {
                let [i, g, _] = v[0].chunk();
                let (i, g) = (i.sigmoid(), g.tanh());
                stack(&[-(dy * g * i * (1.0 - i)), dy * i * (1.0 - g * g), dy])
            },
        ),
        mutant(
            "the first step of an LSTM: i forgotten",
            &[Kind::MissingTerm],
            &gates,
            |_, v| {
                let [i, f, g, o] = v[0].chunk();
                let c = f.sigmoid() * 0.0 + i.sigmoid() * g.tanh();
                o.sigmoid() * c.tanh()
            },
            |v, dh| {
                let [i, f, g, o] = v[0].chunk();
                let (i, g, o) = (i.sigmoid(), g.tanh(), o.sigmoid());
                let tanh_c = (i * g).tanh();
                let dc = dh * o * (1.0 - tanh_c * tanh_c);
                stack(&[f * 0.0, f * 0.0, dc * i * (1.0 - g * g), dh * tanh_c * o * (1.0 - o)])
            },
        ),
    ]
}

fn of_signs() -> Vec<Mutant> {
    let two = Check::new(44).random_input("a", 2, 3, 1.0).random_input("b", 2, 3, 1.0);
    let halves = Check::new(45).random_input("s", 4, 3, 1.0).gates(&["plus", "minus"]);
    let alike = Check::new(47).random_input("x", 4, 5, 1.0).size("T", 4).size("H", 5).size("B", 4);
    let vector = Check::new(46).random_input("x", 5, 1, 1.0);
    vec![
        mutant(
            "a difference: the wrong way round",
            &[Kind::Sign],
            &two,
            |_, v| (v[0] - v[1]).square(),
            |v, dy| {
                let g = (v[1] - v[0]) * dy * 2.0;
                vec![g, -g]
            },
        ),
        mutant(
            "a difference: both get the same",
            &[Kind::Sign],
            &halves,
            |_, v| {
                let [a, b] = v[0].chunk();
                (a - b).tanh()
            },
            |v, dy| {
                let [a, b] = v[0].chunk();
                let y = (a - b).tanh();
                stack(&[dy * (1.0 - y * y); 2])
            },
        ),
        mutant(
            "a mean over T, or over B",
            &[Kind::Factor],
            &alike,
            |_, v| v[0].square(),
            |v, dy| vec![dy * v[0] * 0.5],
        ),
        mutant(
            "a length: not divided by it",
            &[Kind::MissingFactor],
            &vector,
            |_, v| v[0].square().sum().sqrt(),
            |v, dy| vec![v[0].matmul(dy)],
        ),
    ]
}
