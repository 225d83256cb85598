//! The health of gates and states, in plain sentences.
//!
//! A gate learns by moving. One that stays at an end whatever is read does one thing only, and hardly learns out of it, as
//! the slope σ′ = σ(1 − σ) is nearly 0 at both ends.

use super::record::{CellRecord, Record, Role, Traced};

// ANCHOR: limits
/// A gate below this at every step is shut: what it multiplies is gone after one step, to less than 1/20.
const SHUT: f32 = 0.05;
/// A gate above this at every step is open: of what it multiplies, half is still there after 69 steps, as 0.99⁶⁹ = 0.5.
const OPEN: f32 = 0.99;
/// A candidate or a state beyond ± this is saturated: the slope 1 − tanh² is below 0.02.
const SATURATED: f32 = 0.99;
/// If this share of the units is stuck, the whole layer is ill; a few such units may be what the task asks for.
const MOST: f64 = 0.9;
/// A gradient has vanished where it is this share of its largest.
const VANISHED: f32 = 1e-3;
// ANCHOR_END: limits

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it concerns the whole layer and wants mending.
    pub ill: bool,
    /// What it is, and what to try: a sentence or two.
    pub text: String,
}

/// Which end a unit is stuck at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stuck {
    Shut,
    Open,
    Saturated,
    Silent,
}

/// Looks at every gate, candidate and state, at the gradient's reach and at the memory: one finding each, what is ill first.
pub fn health(record: &Record) -> Vec<Finding> {
    let mut findings: Vec<Finding> = record.cells.iter().flat_map(of_cell).collect();
    // Stable: within each sort in the network's order.
    findings.sort_by_key(|finding| !finding.ill);
    findings
}

fn of_cell(cell: &CellRecord) -> Vec<Finding> {
    let mut findings: Vec<Finding> = cell.quantities.iter().flat_map(|q| of_quantity(cell, q)).collect();
    findings.extend(of_memory(cell).map(|text| Finding { ill: false, text }));
    findings.extend(of_reach(cell).map(|text| Finding { ill: false, text }));
    findings
}

/// What is wrong with a quantity: in how many of its units it is stuck, what that means, and what to try.
fn of_quantity(cell: &CellRecord, q: &Traced) -> Vec<Finding> {
    let gated = cell.gates().next().is_some();
    let ends: &[Stuck] = match (cell.role(&q.name), q.name.as_str()) {
        (Role::Gate, _) => &[Stuck::Shut, Stuck::Open],
        (Role::Candidate, _) => &[Stuck::Saturated],
        // The state of a gated cell may well be 1 for long: that is its memory.
        (Role::State, "h") if !gated => &[Stuck::Saturated, Stuck::Silent],
        _ => &[],
    };
    let find = |&end: &Stuck| {
        let (what, meaning) = meaning(&q.name, end)?;
        let stuck = (0..q.units).filter(|&unit| is_stuck(q, unit, end)).count();
        let ill = stuck as f64 >= MOST * q.units as f64;
        let which = match stuck {
            0 => return None,
            n if n == q.units => format!("in all {n} units"),
            n => format!("in {n} of {} units", q.units),
        };
        let meaning = if ill { format!(": {meaning}") } else { ".".into() };
        Some(Finding { ill, text: format!("{}: {what} at every step {which}{meaning}", cell.name) })
    };
    ends.iter().filter_map(find).collect()
}

fn is_stuck(q: &Traced, unit: usize, end: Stuck) -> bool {
    q.unit(unit).all(|x| match end {
        Stuck::Shut => x < SHUT,
        Stuck::Open => x > OPEN,
        Stuck::Saturated => x.abs() > SATURATED,
        Stuck::Silent => x == 0.0,
    })
}

/// What is stuck, and, if it is so in the whole layer, what follows and what to try; `None` where it does no harm.
fn meaning(name: &str, end: Stuck) -> Option<(&'static str, &'static str)> {
    match end {
        Stuck::Shut => of_shut_gate(name),
        Stuck::Open => of_open_gate(name),
        Stuck::Saturated | Stuck::Silent => of_flat_activation(name, end),
    }
}

fn of_shut_gate(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "f" => (
            "the forget gate f is stuck near 0",
            "it cannot remember, as less than 5 % of the cell state survives a step. Begin with --forget-bias 1, and try a \
             smaller learning rate.",
        ),
        "i" => (
            "the input gate i is stuck near 0",
            "nothing is written into the cell state, so that nothing read is remembered. Try a smaller learning rate, or \
             another --seed.",
        ),
        "o" => (
            "the output gate o is stuck near 0",
            "h is nearly 0, and what the cell remembers is never said. Try a smaller learning rate, or another --seed.",
        ),
        "z" => (
            "the update gate z is stuck near 0",
            "h is written anew at every step and carries nothing over by itself. Try a smaller learning rate.",
        ),
        "r" => (
            "the reset gate r is stuck near 0",
            "the candidate n never sees the past. Try a smaller learning rate, or another --seed.",
        ),
        _ => return None,
    })
}

/// An output gate or a reset gate that is open lets everything through: that is a choice, not an illness.
fn of_open_gate(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "f" => (
            "the forget gate f is stuck near 1",
            "it cannot forget, and the cell state only piles up. Begin with --forget-bias 1 or 0; if the task is to hold one \
             thing for long, this is as it should be.",
        ),
        "i" => (
            "the input gate i is stuck near 1",
            "everything that is read is written, important or not. Try a smaller learning rate.",
        ),
        "z" => (
            "the update gate z is stuck near 1",
            "it cannot forget, as h is copied from step to step and nothing new gets in. Try a smaller learning rate, or \
             another --seed.",
        ),
        _ => return None,
    })
}

/// No gradient passes where tanh or relu is flat.
fn of_flat_activation(name: &str, end: Stuck) -> Option<(&'static str, &'static str)> {
    Some(match (name, end) {
        ("g" | "n", Stuck::Saturated) => (
            "the candidate is saturated at ±1",
            "no gradient passes where tanh is flat. Try a smaller learning rate, or clip with --clip 1.",
        ),
        ("h", Stuck::Saturated) => (
            "the state h is saturated at ±1",
            "no gradient passes where tanh is flat. Try a smaller learning rate, or --init orthogonal.",
        ),
        ("h", Stuck::Silent) => (
            "the state h is 0",
            "a relu that is never positive has no gradient and stays so. Try a smaller learning rate, or --init orthogonal.",
        ),
        _ => return None,
    })
}

/// After how many steps half of the state is gone, if the carrying gate is what it is on the (geometric) mean: the k with
/// fᵏ = 1/2. The gate is f, or a GRU's z; `None` for cells without one.
pub fn memory(cell: &CellRecord) -> Option<(&Traced, f64)> {
    let gate = cell.quantity("f").or_else(|| cell.gates().find(|q| q.name == "z"))?;
    let log = |&x: &f32| f64::from(x.max(f32::MIN_POSITIVE)).ln();
    let mean = gate.value.iter().map(log).sum::<f64>() / gate.value.len() as f64;
    Some((gate, 0.5_f64.ln() / mean))
}

fn of_memory(cell: &CellRecord) -> Option<String> {
    let (gate, half) = memory(cell)?;
    let mean = gate.value.iter().sum::<f32>() / gate.value.len() as f32;
    let what = if gate.name == "f" { "the cell state" } else { "h" };
    let after = match half {
        half if half < 1.0 => "in less than a step".into(),
        half if half < 9.95 => format!("after {half:.1} steps"),
        half if half < 9999.5 => format!("after {half:.0} steps"),
        _ => "after more than 10,000 steps".into(),
    };
    Some(format!("{}: {} is {mean:.2} on average; half of {what} is gone {after}.", cell.name, gate.name))
}

/// How many steps back the last prediction's gradient reaches, in a cell that reads forward.
fn of_reach(cell: &CellRecord) -> Option<String> {
    let steps = cell.reach.len();
    let largest = cell.reach.iter().copied().fold(0.0, f32::max);
    if steps < 2 || largest == 0.0 || cell.name.ends_with("_reverse") {
        return None;
    }
    let back = cell.reach.iter().rev().take_while(|&&norm| norm >= VANISHED * largest).count();
    let name = &cell.name;
    Some(match back {
        back if back == steps => {
            format!("{name}: the last prediction's gradient reaches back over all {steps} steps.")
        }
        1 => format!("{name}: the last prediction's gradient has vanished, to a thousandth, one step back."),
        _ => format!(
            "{name}: the last prediction's gradient has vanished, to a thousandth, {back} steps back; from what was read \
             before, it learns nothing."
        ),
    })
}
