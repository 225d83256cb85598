//! What holds of every operation.

use super::case::Ran;
use super::{Case, Draw, Matrix};
use autograd::Tape;
use autograd::check::{Check, Random};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{TestCaseError, TestRunner};

/// What is wrong, if something is.
type Verdict = Result<(), String>;

/// Holds an operation, in both precisions, to all laws: at the sizes where blocked loops have
/// their edges, and at random ones.
///
/// # Panics
/// With the law that is broken and the sizes and seed that break it again.
#[track_caller]
pub fn holds(double: fn(&mut Draw) -> Case<f64>, single: fn(&mut Draw) -> Case<f32>) {
    const EDGES: [usize; 5] = [0, 1, 15, 16, 17];
    // Every pair of edges in every two dimensions, and all three equal: 25 of the 125 triples do.
    for (i, j) in (0..25).map(|at| (at / 5, at % 5)) {
        holds_at([EDGES[i], EDGES[j], EDGES[(2 * i + 5 - j) % 5]], double, single);
    }
    let size = || prop_oneof![0..6usize, select(&EDGES[..])];
    let draws = ([size(), size(), size()], any::<u64>().no_shrink());
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&draws, |(sizes, seed)| {
        let verdict =
            all(|| double(&mut Draw::new(sizes, seed)), || single(&mut Draw::new(sizes, seed)), seed);
        verdict.map_err(TestCaseError::fail)
    });
    if let Err(broken) = outcome {
        panic!("{broken}");
    }
}

/// Holds an operation to all laws at these sizes.
///
/// # Panics
/// With the law that is broken.
#[track_caller]
pub fn holds_at(sizes: [usize; 3], double: fn(&mut Draw) -> Case<f64>, single: fn(&mut Draw) -> Case<f32>) {
    let seed = sizes.iter().fold(7, |seed, &size| seed * 1000 + size as u64);
    let verdict = all(|| double(&mut Draw::new(sizes, seed)), || single(&mut Draw::new(sizes, seed)), seed);
    if let Err(broken) = verdict {
        panic!("sizes {sizes:?}, seed {seed}: {broken}");
    }
}

fn all(double: impl Fn() -> Case<f64>, single: impl Fn() -> Case<f32>, seed: u64) -> Verdict {
    let case = double();
    let mut random = Random::new(seed ^ 0xCA5E);
    let x = case.inputs(&mut random);
    let y = (case.naive)(&x);
    let cotangent: Vec<f64> = random.normals(y.entries.len()).iter().map(|&r| f64::from(r as f32)).collect();
    let ran = case.run(&x, &cotangent);

    if ran.shape != (y.rows, y.cols) {
        return Err(format!("value: the shape is {:?}, should be {:?}", ran.shape, (y.rows, y.cols)));
    }
    // ANCHOR: laws
    close("value", &ran.value, &y.entries, 1e-12)?;
    agrees_with_differences(&case, &x, seed)?;
    linear_in_the_cotangent(&case, &x, &cotangent, &mut random)?;
    users_add_up(&case, &x, &cotangent, &ran, &mut random)?;
    one_variable_for_all_inputs_of_a_shape(&case, &x, &cotangent)?;
    overlapping_views(&case, &cotangent, &mut random)?;
    constants_take_no_part(&case, &x, &cotangent, &ran)?;
    single_precision(&single(), &x, &cotangent, &ran)
    // ANCHOR_END: laws
}

/// The vector–Jacobian product against finite differences of the naive loop.
fn agrees_with_differences(case: &Case<f64>, x: &[Matrix], seed: u64) -> Verdict {
    let mut check = Check::new(seed).every_entry_up_to(48);
    for (k, x) in x.iter().enumerate() {
        check = check.input(format!("input {k}"), x.rows, x.cols, &x.entries);
    }
    let matrices = |entries: &[Vec<f64>]| -> Vec<Matrix> {
        entries.iter().zip(x).map(|(entries, x)| Matrix { entries: entries.clone(), ..*x }).collect()
    };
    let report = check.run_with(
        |x| (case.naive)(&matrices(x)).entries,
        |x, cotangents| cotangents.iter().map(|r| case.run(&matrices(x), r).gradients).collect(),
    );
    if report.passed() { Ok(()) } else { Err(format!("gradient:\n{report}")) }
}

/// `vjp(2 r − 3 s) = 2 vjp(r) − 3 vjp(s)`, and `vjp(0) = 0` exactly.
fn linear_in_the_cotangent(case: &Case<f64>, x: &[Matrix], r: &[f64], random: &mut Random) -> Verdict {
    let s = random.normals(r.len());
    let combine =
        |r: &[f64], s: &[f64]| -> Vec<f64> { r.iter().zip(s).map(|(r, s)| 2.0 * r - 3.0 * s).collect() };
    let both = case.run(x, &combine(r, &s)).gradients;
    let (of_r, of_s) = (case.run(x, r).gradients, case.run(x, &s).gradients);
    for k in 0..x.len() {
        close("linear in the cotangent", &both[k], &combine(&of_r[k], &of_s[k]), 1e-12)?;
    }
    match case.run(x, &vec![0.0; r.len()]).gradients.concat().iter().find(|&&dx| dx != 0.0) {
        Some(dx) => Err(format!("zero cotangent: a gradient is {dx}")),
        None => Ok(()),
    }
}

/// Each input is used by another operation before and after, and the output by two: gradients add
/// up. A leaf that nothing uses, and one whose user does not reach the loss, have none. A second
/// backward pass starts afresh.
fn users_add_up(case: &Case<f64>, x: &[Matrix], r: &[f64], ran: &Ran, random: &mut Random) -> Verdict {
    let tape = Tape::new();
    let leaves: Vec<_> = x.iter().map(|x| tape.leaf(x.rows, x.cols, &x.entries)).collect();
    let (unused, dead_end) = (tape.leaf(2, 1, &[1.0, 2.0]), tape.leaf(1, 1, &[1.0]));
    let weights: Vec<Vec<f64>> = x.iter().map(|x| random.normals(x.entries.len())).collect();
    let others = |scale: f64| {
        let terms =
            leaves.iter().zip(&weights).map(|(&x, w)| (x * tape.constant(x.rows(), x.cols(), w)).sum());
        terms.fold(tape.zeros(1, 1), |sum, term| sum + term) * scale
    };

    let before = others(5.0);
    let y = (case.operation)(&tape, &leaves);
    let r_matrix = tape.constant(y.rows(), y.cols(), r);
    let users = (y * r_matrix).sum() * 4.0 - (r_matrix * y).sum() * 3.0;
    let loss = before + users + others(-2.0);
    let _ = dead_end.exp() * dead_end;
    loss.backward();
    loss.backward();

    for ((leaf, w), dx) in leaves.iter().zip(&weights).zip(&ran.gradients) {
        let want: Vec<f64> = dx.iter().zip(w).map(|(dx, w)| dx + 3.0 * w).collect();
        close("several users", &leaf.grad(), &want, 1e-12)?;
    }
    let untouched =
        unused.grad() == [0.0, 0.0] && unused.read_grad(|g| g.is_none()) && dead_end.grad() == [0.0];
    if untouched { Ok(()) } else { Err("unused leaf: it has a gradient".into()) }
}

/// `x * x`: inputs of equal shape are one leaf, whose gradient is the sum of theirs.
fn one_variable_for_all_inputs_of_a_shape(case: &Case<f64>, x: &[Matrix], r: &[f64]) -> Verdict {
    let first = |k: usize| (0..=k).find(|&j| case.shapes[j] == case.shapes[k]).unwrap_or(k);
    let shared: Vec<Matrix> = (0..x.len()).map(|k| x[first(k)].clone()).collect();
    let apart = case.run(&shared, r);

    let tape = Tape::new();
    let leaves: Vec<_> = x.iter().map(|x| tape.leaf(x.rows, x.cols, &x.entries)).collect();
    let same: Vec<_> = (0..x.len()).map(|k| leaves[first(k)]).collect();
    let y = (case.operation)(&tape, &same);
    y.backward_with(r);
    close("the same variable twice: value", &y.value(), &apart.value, 1e-12)?;
    for (j, leaf) in leaves.iter().enumerate() {
        let mut want = vec![0.0; x[j].entries.len()];
        (0..x.len()).filter(|&k| first(k) == j).for_each(|k| add(&mut want, &apart.gradients[k]));
        close("the same variable twice: gradient", &leaf.grad(), &want, 1e-12)?;
    }
    Ok(())
}

/// The inputs are blocks of rows, overlapping and nested, of one leaf per number of columns.
fn overlapping_views(case: &Case<f64>, r: &[f64], random: &mut Random) -> Verdict {
    let owner = |k: usize| (0..=k).find(|&j| case.shapes[j].1 == case.shapes[k].1).unwrap_or(k);
    let height =
        |cols| case.shapes.iter().filter(|shape| shape.1 == cols).map(|shape| shape.0).max().unwrap_or(0);
    let rows = |k: usize| height(case.shapes[k].1) + case.shapes.len() + 2;
    let leaf = |j: usize| case.entries.matrix(rows(j), case.shapes[j].1, random);
    let whole: Vec<Matrix> = (0..case.shapes.len()).map(leaf).collect();
    // Input k starts at row k + 1 of its leaf.
    let place = |k: usize| (k + 1) * case.shapes[k].1..(k + 1 + case.shapes[k].0) * case.shapes[k].1;
    let block = |k: usize| {
        let (rows, cols) = case.shapes[k];
        Matrix { rows, cols, entries: whole[owner(k)].entries[place(k)].to_vec() }
    };
    let apart = case.run(&(0..whole.len()).map(block).collect::<Vec<_>>(), r);

    let tape = Tape::new();
    let leaves: Vec<_> = whole.iter().map(|x| tape.leaf(x.rows, x.cols, &x.entries)).collect();
    let view = |k: usize| leaves[owner(k)].row_block(1..rows(k)).row_block(k..k + case.shapes[k].0);
    let views: Vec<_> = (0..whole.len()).map(view).collect();
    let y = (case.operation)(&tape, &views);
    y.backward_with(r);
    close("views: value", &y.value(), &apart.value, 1e-12)?;
    for (j, leaf) in leaves.iter().enumerate() {
        let (mut want, mut used) = (vec![0.0; whole[j].entries.len()], vec![false; whole[j].entries.len()]);
        for k in (0..whole.len()).filter(|&k| owner(k) == j) {
            add(&mut want[place(k)], &apart.gradients[k]);
            used[place(k)].fill(true);
        }
        let grad = leaf.grad();
        close("views: gradient of what they are views of", &grad, &want, 1e-12)?;
        if grad.iter().zip(used).any(|(&dx, used)| !used && dx != 0.0) {
            return Err("views: rows that no view covers have a gradient".into());
        }
    }
    Ok(())
}

/// A constant has no gradient and does not change the others'; constants alone make a constant.
fn constants_take_no_part(case: &Case<f64>, x: &[Matrix], r: &[f64], ran: &Ran) -> Verdict {
    let tape = Tape::new();
    for fixed in 0..=x.len() {
        let is_fixed = |k: usize| k == fixed || fixed == x.len();
        let given = x.iter().enumerate().map(|(k, x)| match is_fixed(k) {
            true => tape.constant(x.rows, x.cols, &x.entries),
            false => tape.leaf(x.rows, x.cols, &x.entries),
        });
        let given: Vec<_> = given.collect();
        let y = (case.operation)(&tape, &given);
        y.backward_with(r);
        close("constants: value", &y.value(), &ran.value, 1e-12)?;
        for (k, x) in given.iter().enumerate() {
            if is_fixed(k) && x.read_grad(|grad| grad.is_some()) {
                return Err(format!("constants: input {k} is one and has a gradient"));
            }
            if !is_fixed(k) {
                close("constants: gradient of the others", &x.grad(), &ran.gradients[k], 1e-12)?;
            }
        }
        if (0..x.len()).all(is_fixed) && y.read_grad(|grad| grad.is_some()) {
            return Err("constants: what is made of them has a gradient".into());
        }
    }
    Ok(())
}

fn single_precision(case: &Case<f32>, x: &[Matrix], cotangent: &[f64], double: &Ran) -> Verdict {
    let single = case.run(x, cotangent);
    close("f32: value", &single.value, &double.value, 1e-5)?;
    for (single, double) in single.gradients.iter().zip(&double.gradients) {
        close("f32: gradient", single, double, 1e-5)?;
    }
    Ok(())
}

/// `max |got − want| ≤ tolerance · max(1, max |want|)`.
fn close(what: &str, got: &[f64], want: &[f64], tolerance: f64) -> Verdict {
    if got.len() != want.len() {
        return Err(format!("{what}: {} entries, should be {}", got.len(), want.len()));
    }
    let scale = want.iter().fold(1.0, |largest: f64, x| largest.max(x.abs()));
    let agree = |(got, want): (&f64, &f64)| (got - want).abs() <= tolerance * scale;
    match got.iter().zip(want).position(|pair| !agree(pair)) {
        Some(at) => Err(format!("{what}: entry {at} is {}, should be {}", got[at], want[at])),
        None => Ok(()),
    }
}

fn add(to: &mut [f64], from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}
