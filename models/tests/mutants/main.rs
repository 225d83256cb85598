//! Mutants of the cells: backward passes as a learner may write them, with one slip each. The check
//! must reject every one of them, and what its diagnosis says is held by a snapshot.
//!
//! Each cell's backward pass is written once more here, step by step in the tape's operations, and a
//! slip is the name of the line that is written wrongly.

mod elman;
mod fused;
mod gru;
mod jordan;
mod lstm;

use autograd::check::{Check, Kind as Mistake, Report};
use autograd::{Tape, Var};
use models::cells::{Cell, CellConfig, Kind, State};
use models::layers::{Span, unroll};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

type V<'t> = Var<'t, f64>;

/// Sizes, all different.
const T: usize = 3;
const B: usize = 4;
const I: usize = 1;
const H: usize = 2;
const O: usize = 5;

/// The name of the line that is wrong, and the kinds that are right names for it.
type Slip = (&'static str, &'static [Mistake]);

/// A cell with random parameters, and the check of a whole sequence.
struct Subject {
    cell: Box<dyn Cell<f64>>,
    params: Params<f64>,
    check: Check,
}

impl Subject {
    fn new(kind: Kind) -> Self {
        Self::seeded(kind, 3)
    }

    fn seeded(kind: Kind, seed: u64) -> Self {
        let mut params = Params::new();
        let config = CellConfig { output: Some(O), ..CellConfig::new(I, H) };
        let cell = config.build::<f64>(kind, &mut params, "rnn", "l0", &mut ChaCha8Rng::seed_from_u64(7));
        let gates: &[&str] = match kind {
            Kind::Lstm | Kind::Peephole => &["i", "f", "g", "o"],
            Kind::LstmNoForget => &["i", "g", "o"],
            Kind::Gru | Kind::GruResetBefore => &["r", "z", "n"],
            Kind::Elman | Kind::ElmanRelu | Kind::Jordan => &[],
        };
        let mut check = Check::new(seed).size("T", T).size("B", B).size("H", H);
        for p in params.iter() {
            let name = p.name.trim_start_matches("rnn.").trim_end_matches("_l0");
            check = check.random_input(name, p.rows, p.cols, 0.8);
            if !gates.is_empty() && p.rows == gates.len() * H {
                check = check.gates(gates);
            }
        }
        check = check.random_input("x", T * I, B, 1.0).steps(T).random_input("h_0", cell.hidden(), B, 1.0);
        if cell.has_cell_state() {
            check = check.random_input("c_0", H, B, 1.0);
        }
        Self { cell, params, check }
    }

    /// The outputs of all steps and the final states, one under the other.
    fn run<'t>(&self, tape: &'t Tape<f64>, v: &[V<'t>], span: Span<'_>) -> V<'t> {
        let (n, p) = (self.params.iter().count(), self.params.bound_at(tape, 0));
        let (y, end) = unroll(&*self.cell, p, v[n], State { h: v[n + 1], c: v.get(n + 2).copied() }, span);
        match end.c {
            Some(c) => tape.concat_rows(&[y, end.h, c]),
            None => tape.concat_rows(&[y, end.h]),
        }
    }

    fn equations<'t>(&self, tape: &'t Tape<f64>, v: &[V<'t>]) -> V<'t> {
        self.run(tape, v, Span { equations: true, ..Span::default() })
    }

    /// The report on a backward pass with a slip.
    fn report(&self, slip: &'static str, vjp: for<'t> fn(&Hand, &[V<'t>], V<'t>) -> Vec<V<'t>>) -> Report {
        let hand = Hand { slip };
        self.check.derivation(|tape, v| self.equations(tape, v), |v, dy| vjp(&hand, v, dy))
    }
}

/// A hand that writes a backward pass, and slips on one line.
struct Hand {
    slip: &'static str,
}

impl Hand {
    fn slips(&self, line: &str) -> bool {
        self.slip == line
    }

    /// The right value of a line, or the wrong one.
    fn line<A>(&self, line: &str, wrong: A, right: A) -> A {
        if self.slips(line) { wrong } else { right }
    }

    /// A sum over the steps: `sum + share`.
    fn add<'t>(&self, name: &str, t: usize, sum: &mut Option<V<'t>>, share: V<'t>) {
        let keep = match () {
            () if self.slips(&format!("{name} assigned")) => true,
            () if self.slips(&format!("{name} of the last step")) => t == T - 1,
            () => false,
        };
        if self.slips(&format!("{name} without step 0")) && t == 0 {
            return;
        }
        *sum = match *sum {
            Some(before) if self.slips(&format!("{name} of the last step")) => Some(before),
            Some(before) if !keep => Some(before + share),
            _ => Some(share),
        };
    }

    /// The finished sum.
    fn sum<'t>(&self, name: &str, sum: Option<V<'t>>) -> V<'t> {
        let sum = sum.expect("every step adds");
        match () {
            () if self.slips(&format!("{name} zero")) => sum * 0.0,
            () if self.slips(&format!("{name} negative")) => -sum,
            () if self.slips(&format!("{name} / B")) => sum / B as f64,
            () if self.slips(&format!("{name} / T")) => sum / T as f64,
            () => sum,
        }
    }

    /// The bias's share of a step: summed over the columns.
    fn columns<'t>(&self, name: &str, dz: V<'t>) -> V<'t> {
        let ones = |at: usize| f64::from(u8::from(!self.slips(name) || at == B - 1));
        dz.matmul(dz.tape().constant(B, 1, &(0..B).map(ones).collect::<Vec<_>>()))
    }

    /// The gradients of the steps of x, one under the other.
    fn sequence<'t>(&self, mut dx: Vec<V<'t>>) -> V<'t> {
        // They were found from the last to the first.
        if !self.slips("dx reversed") {
            dx.reverse();
        }
        if self.slips("dx one step late") {
            dx.rotate_right(1);
        }
        dx[0].tape().concat_rows(&dx)
    }
}

/// Step t of a sequence.
fn step(x: V<'_>, t: usize) -> V<'_> {
    let size = x.rows() / T;
    x.row_block(t * size..(t + 1) * size)
}

/// `σ'(z) = σ (1 − σ)` from σ, and `tanh'(z) = 1 − tanh²` from tanh.
fn d_sigmoid(s: V<'_>) -> V<'_> {
    s * (1.0 - s)
}

fn d_tanh(t: V<'_>) -> V<'_> {
    1.0 - t * t
}

/// The square blocks of a matrix, each transposed.
fn blocks_transposed(u: V<'_>) -> V<'_> {
    let (rows, cols) = u.shape();
    let entries = u.value();
    let at = |k: usize| (k / cols / cols * cols + k % cols) * cols + k / cols % cols;
    let turned: Vec<f64> = (0..rows * cols).map(|k| entries[at(k)]).collect();
    u.tape().constant(rows, cols, &turned)
}

/// Runs every slip and describes what the check says.
fn assert_named(name: &str, reports: Vec<(Slip, Report)>) {
    let (mut lines, mut counts) = (String::new(), [0; 3]);
    for ((slip, kinds), report) in reports {
        assert!(report.wrong(), "{slip} was not rejected\n{report}");
        let named = report.diagnosis.kinds();
        let verdict = match () {
            () if named.is_empty() => 1,
            () if named.iter().all(|kind| kinds.contains(kind)) => 0,
            () => 2,
        };
        counts[verdict] += 1;
        lines += &format!("{slip}: {}\n", ["right", "unsure", "WRONG"][verdict]);
        if let Some(since) = &report.since {
            let right = since.last_right.as_deref().unwrap_or("nothing");
            lines += &format!("    right up to {right}, first wrong: {}\n", since.first_wrong);
        }
        for finding in &report.diagnosis.findings {
            lines += &format!("    {}: {}\n", finding.kind, finding.place);
        }
    }
    let [right, unsure, wrong] = counts;
    lines += &format!(
        "\n{} mutants: {right} named right, {unsure} unsure, {wrong} named wrong\n",
        right + unsure + wrong
    );
    insta::assert_snapshot!(name, lines);
    assert!(
        wrong == 0 && right * 10 >= 8 * (right + unsure),
        "{right} right, {unsure} unsure, {wrong} wrong"
    );
}

/// All slips of a hand-written backward pass, after the pass without one.
fn slips(kind: Kind, slips: &[Slip], vjp: for<'t> fn(&Hand, &[V<'t>], V<'t>) -> Vec<V<'t>>) {
    let subject = Subject::new(kind);
    subject.report("none", vjp).assert_passed();
    let reports = slips.iter().map(|slip| (*slip, subject.report(slip.0, vjp))).collect();
    assert_named(kind.name(), reports);
}

/// Ten thousand right gradients of all cells in both forms: `cargo test -p models --test mutants -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn right_gradients_are_never_called_wrong() {
    let mut doubted = 0;
    for seed in 0..10_000 {
        let subject = Subject::seeded(Kind::ALL[seed as usize % Kind::ALL.len()], seed);
        let span = Span { equations: seed / 8 % 2 == 0, reverse: seed / 16 % 2 == 0, ..Span::default() };
        let report = subject.check.run(|tape, v| subject.run(tape, v, span));
        assert!(!report.wrong(), "seed {seed}\n{report}");
        doubted += usize::from(!report.passed());
    }
    println!("10000 right gradients of cells: 0 called wrong, {doubted} doubted");
}
