//! The gradient check itself: it passes what is right, rejects what is wrong, doubts what cannot
//! be judged, and says so.

use autograd::check::{Check, Kind, Random, Report, Since, Trust};
use autograd::{Gradients, Inputs, Op, Output, Tape, Var};

/// A random smooth function of three matrices, three to ten operations deep.
fn some_function<'t>(tape: &'t Tape<f64>, x: &[Var<'t, f64>], seed: u64) -> Var<'t, f64> {
    let mut random = Random::new(seed);
    let (a, b, column) = (x[0], x[1], x[2]);
    let mut y = a;
    for _ in 0..3 + random.below(8) {
        y = match random.below(14) {
            0 => y.tanh() * b,
            1 => y + b.sigmoid(),
            2 => b - y * 0.5,
            3 => y.matmul_t(b).matmul(a) * 0.2,
            4 => (y + column).tanh(),
            5 => y * column.sigmoid(),
            6 => y / (b.square() + 1.0),
            7 => y.softmax() * 3.0 - a,
            8 => y.log_softmax() * 0.3,
            9 => (y.square() + 0.5).sqrt(),
            10 => (y.square() + 1.5).ln(),
            11 => y.tanh().exp() + a * column,
            12 => tape.concat_rows(&[y.row_block(1..y.rows()), b.row_block(0..1)]),
            _ => tape.affine(&[(y.matmul_t(b) * 0.2, a)], column),
        };
    }
    y
}

fn three_matrices(seed: u64) -> Check {
    let mut random = Random::new(seed ^ 0xF00D);
    let (rows, cols) = (2 + random.below(3), 2 + random.below(3));
    Check::new(seed)
        .random_input("a", rows, cols, 1.0)
        .random_input("b", rows, cols, 1.0)
        .random_input("bias", rows, 1, 1.0)
}

#[test]
fn right_gradients_pass() {
    for seed in 0..600 {
        three_matrices(seed).run(|tape, x| some_function(tape, x, seed)).assert_passed();
    }
}

/// Ninety thousand more: `cargo test -p autograd --test check -- --ignored`. The other ten thousand are the
/// cells', in models/tests/mutants.
#[test]
#[ignore = "takes minutes"]
fn right_gradients_are_never_called_wrong() {
    let mut doubted = 0;
    for seed in 1000..91_000 {
        let report = three_matrices(seed).run(|tape, x| some_function(tape, x, seed));
        assert!(!report.wrong(), "seed {seed}\n{report}");
        doubted += usize::from(!report.passed());
    }
    println!("90000 right gradients: 0 called wrong, {doubted} doubted");
}

/// An operation with a right forward and a wrong backward rule.
struct Wrong {
    mistake: Mistake,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mistake {
    None,
    Sign,
    Factor,
    Zero,
    Percent,
    Transposed,
    MissingTerm,
    OneEntry,
    NotANumber,
    NotANumberNowAndThen,
}

const MISTAKES: [Mistake; 9] = [
    Mistake::Sign,
    Mistake::Factor,
    Mistake::Zero,
    Mistake::Percent,
    Mistake::Transposed,
    Mistake::MissingTerm,
    Mistake::OneEntry,
    Mistake::NotANumber,
    Mistake::NotANumberNowAndThen,
];

/// `y = x ⊙ (x + xᵀ)` of a square matrix: `x̄ = ȳ ⊙ (2 x + xᵀ) + (ȳ ⊙ x)ᵀ`.
impl Op<f64> for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }
    fn shape(&self, x: Inputs<'_, f64>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn forward(&self, x: Inputs<'_, f64>, y: &mut [f64], _saved: &mut [f64]) {
        let (x, n) = (x.value(0), x.cols(0));
        (0..n * n).for_each(|at| y[at] = x[at] * (x[at] + x[at % n * n + at / n]));
    }
    fn backward(&self, x: Inputs<'_, f64>, y: Output<'_, f64>, dx: &mut Gradients<'_, f64>) {
        let (x, dy, n) = (x.value(0), y.cotangent, x.cols(0));
        let Some(dx) = dx.of(0) else { return };
        for at in 0..n * n {
            let mirrored = at % n * n + at / n;
            let (first, second) = (dy[at] * (2.0 * x[at] + x[mirrored]), dy[mirrored] * x[mirrored]);
            let right = first + second;
            let place = if self.mistake == Mistake::Transposed { mirrored } else { at };
            dx[place] += match self.mistake {
                Mistake::Sign => -right,
                Mistake::Factor => 2.0 * right,
                Mistake::Zero => 0.0,
                Mistake::Percent => 1.01 * right,
                Mistake::MissingTerm => first,
                Mistake::OneEntry if at == 1 => right + 0.1,
                Mistake::NotANumber => f64::NAN,
                Mistake::NotANumberNowAndThen if dy[at] < 0.0 => f64::NAN,
                _ => right,
            };
        }
    }
}

fn check_wrong(mistake: Mistake, seed: u64) -> Report {
    let check = Check::new(seed).random_input("b", 3, 3, 1.0).random_input("x", 3, 3, 1.0);
    check.run(|tape, x| tape.apply(Wrong { mistake }, &[x[1]]).tanh() * x[0])
}

/// Every mistake is found in its parameter, called wrong and not a doubt, and no other is accused.
#[test]
fn wrong_rules_are_rejected() {
    for seed in 0..100 {
        check_wrong(Mistake::None, seed).assert_passed();
        for mistake in MISTAKES {
            let report = check_wrong(mistake, seed);
            assert!(!report.passed() && report.wrong(), "{mistake:?}\n{report}");
            assert!(
                report.parameters[0].wrong == 0 && report.parameters[1].wrong > 0,
                "{mistake:?}\n{report}"
            );
        }
    }
}

/// A derivation by hand of `Y = W X + b 1ᵀ` (W 2×3, X 3×4), whose gradients `change` may spoil: it
/// is called with which input, row, column and the right entry.
fn by_hand(seed: u64, change: impl Fn(usize, usize, usize, f64) -> f64) -> Report {
    let check = Check::new(seed)
        .random_input("W", 2, 3, 1.0)
        .random_input("X", 3, 4, 1.0)
        .random_input("b", 2, 1, 1.0);
    check.run_with(
        |x| {
            let entry =
                |r: usize, c: usize| (0..3).map(|k| x[0][r * 3 + k] * x[1][k * 4 + c]).sum::<f64>() + x[2][r];
            (0..8).map(|at| entry(at / 4, at % 4)).collect()
        },
        |x, cotangents| {
            let one = |dy: &Vec<f64>| {
                let dw = |r: usize, k: usize| (0..4).map(|c| dy[r * 4 + c] * x[1][k * 4 + c]).sum();
                let dx = |k: usize, c: usize| (0..2).map(|r| x[0][r * 3 + k] * dy[r * 4 + c]).sum();
                let db = |r: usize, _: usize| dy[r * 4..r * 4 + 4].iter().sum();
                vec![
                    (0..6).map(|at| change(0, at / 3, at % 3, dw(at / 3, at % 3))).collect(),
                    (0..12).map(|at| change(1, at / 4, at % 4, dx(at / 4, at % 4))).collect(),
                    (0..2).map(|at| change(2, at, 0, db(at, 0))).collect(),
                ]
            };
            cotangents.iter().map(one).collect()
        },
    )
}

/// The same for a derivation by hand: one wrong entry is enough, and it is pointed at.
#[test]
fn a_wrong_entry_of_a_hand_derivation_is_found() {
    for seed in 0..30 {
        by_hand(seed, |_, _, _, right| right).assert_passed();
        for (input, (rows, cols)) in [(2, 3), (3, 4), (2, 1)].into_iter().enumerate() {
            for place in 0..rows * cols {
                let here = (input, place / cols, place % cols);
                let report = by_hand(seed, |k, r, c, right| if (k, r, c) == here { -right } else { right });
                let found = &report.parameters[input];
                let worst = found.worst.as_ref().expect("a worst entry");
                assert!(report.wrong() && found.wrong == 1, "{report}");
                assert_eq!((worst.row, worst.col, worst.trust), (here.1, here.2, Trust::Stable), "{report}");
                assert!((worst.error - 2.0).abs() < 1e-6, "{report}");
            }
        }
    }
}

/// Where a function is large and its slopes are small, rounding is large too. It must excuse a
/// right gradient and must not excuse a wrong one.
#[test]
fn a_large_constant_hides_no_mistake() {
    for seed in 0..50 {
        for exponent in 0..10 {
            let base = 10_f64.powi(exponent);
            let report = |factor: f64| {
                Check::new(seed).random_input("x", 1, 3, 1.0).run_with(
                    |x| x[0].iter().map(|x| x.sin() + 2.0 * x + base).collect(),
                    |x, rs| {
                        let dx = |r: &Vec<f64>| {
                            x[0].iter().zip(r).map(|(x, r)| factor * (x.cos() + 2.0) * r).collect()
                        };
                        rs.iter().map(|r| vec![dx(r)]).collect()
                    },
                )
            };
            report(1.0).assert_passed();
            for factor in [-1.0, 0.0, 2.0, 0.5] {
                assert!(report(factor).wrong(), "base {base}, factor {factor}\n{}", report(factor));
            }
        }
    }
}

/// The larger part of the rounding may happen inside, where the check cannot see it. Then a right
/// gradient may not pass, but it is never called wrong.
#[test]
fn cancellation_inside_is_doubted_and_not_accused() {
    let mut doubted = 0;
    for seed in 0..600 {
        let base = 10_f64.powi(5 + (seed % 8) as i32);
        let check = Check::new(seed).random_input("x", 1, 3, 1.0);
        let report = check.run(|_, x| (x[0].square() + x[0] + base) - base);
        assert!(!report.wrong(), "{report}");
        doubted += usize::from(!report.passed());
    }
    assert!(doubted > 50, "only {doubted} were hard");
}

/// Equations for the same function know its gradient to the last digits. Differences that agree with them would
/// excuse a small mistake as well: below a constant in the output, or one that is added and taken away inside.
#[test]
fn random_mistakes_too_small_for_differences() {
    for seed in 0..20 {
        let check = Check::new(seed).random_input("x", 1, 3, 1.0);
        for (base, inside, factor) in [(1e4, 0.0, 1.0 + 1e-5), (1e7, 1e7, 1.0 + 1e-6)] {
            let vjp = |factor: f64| {
                check.derivation(
                    move |_, x| (x[0].square() + x[0] + base) - inside,
                    move |x, dy| vec![(x[0] * 2.0 + 1.0) * dy * factor],
                )
            };
            assert!(vjp(factor).wrong() && !vjp(1.0).wrong(), "{}", vjp(factor));
            // What differences alone say of the same gradient.
            let alone = check.run_with(
                |x| x[0].iter().map(|x| (x * x + x + base) - inside).collect(),
                |x, rs| {
                    let dx = |(x, r): (&f64, &f64)| (2.0 * x + 1.0) * r * factor;
                    rs.iter().map(|r| vec![x[0].iter().zip(r).map(dx).collect()]).collect()
                },
            );
            assert!(!alone.wrong(), "{alone}");
        }
    }
}

/// A step that leaves the domain (the logarithm of a negative number) is no verdict; a smaller one is.
#[test]
fn steps_out_of_the_domain() {
    let check = Check::new(2).input("x", 1, 2, &[1e-3, 2e-3]);
    check.run(|_, x| x[0].ln()).assert_passed();
    check.run(|_, x| x[0].sqrt()).assert_passed();
    assert!(check.run(|_, x| x[0].detach().ln() + x[0]).wrong());
}

/// At a kink there is no derivative; a mistake elsewhere in the same parameter is still one.
#[test]
fn kinks() {
    let at_kink = Check::new(1).input("x", 1, 3, &[-1.0, 0.0, 2.0]);
    let report = at_kink.run(|_, x| x[0].relu());
    assert!(!report.passed() && !report.wrong() && report.parameters[0].wrong == 1);
    assert_eq!(report.parameters[0].trust, Trust::Kink);
    let report = at_kink.run(|_, x| x[0].relu() + x[0].detach());
    assert!(report.wrong() && report.parameters[0].wrong == 3);
    // Close to a kink a smaller step still has a side to itself.
    Check::new(1).input("x", 1, 2, &[-1e-4, 1e-4]).run(|_, x| x[0].relu()).assert_passed();
}

/// `y = W x` of many rows, whose rule forgets a block of four rows of W.
struct Forgetful;

const FORGOTTEN: std::ops::Range<usize> = 40..44;

impl Op<f64> for Forgetful {
    fn name(&self) -> &'static str {
        "forgetful"
    }
    fn shape(&self, x: Inputs<'_, f64>) -> Result<(usize, usize), String> {
        Ok((x.rows(0), 1))
    }
    fn forward(&self, x: Inputs<'_, f64>, y: &mut [f64], _saved: &mut [f64]) {
        for (y, row) in y.iter_mut().zip(x.value(0).chunks_exact(x.cols(0))) {
            *y = row.iter().zip(x.value(1)).map(|(w, x)| w * x).sum();
        }
    }
    fn backward(&self, x: Inputs<'_, f64>, y: Output<'_, f64>, dx: &mut Gradients<'_, f64>) {
        let Some(dw) = dx.of(0) else { return };
        for (row, (dw, dy)) in dw.chunks_exact_mut(x.cols(0)).zip(y.cotangent).enumerate() {
            if !FORGOTTEN.contains(&row) {
                dw.iter_mut().zip(x.value(1)).for_each(|(dw, x)| *dw += dy * x);
            }
        }
    }
}

/// Large inputs are checked along random directions; one that disagrees leads to the entries.
#[test]
fn large_inputs_go_by_directions() {
    for seed in 0..10 {
        let check = Check::new(seed).random_input("W", 100, 60, 1.0);
        let x = Random::new(seed).normals(60);
        let right = check.run(|tape, w| w[0].matmul(tape.constant(60, 1, &x)));
        right.assert_passed();
        assert!(!right.every_entry && right.parameters[0].directions);

        let report = check.run(|tape, w| tape.apply(Forgetful, &[w[0], tape.constant(60, 1, &x)]));
        assert!(report.wrong(), "{report}");
        let found = &report.parameters[0];
        let wrong: Vec<_> = found.entries.iter().filter(|entry| entry.wrong).collect();
        assert!(!found.directions && !wrong.is_empty(), "{report}");
        assert!(wrong.iter().all(|entry| FORGOTTEN.contains(&entry.row)), "{report}");
    }
}

#[test]
fn a_seed_repeats_a_check() {
    let checks = [three_matrices(7), three_matrices(7).every_entry_up_to(3)];
    for check in &checks {
        let report = |check: &Check| check.run(|tape, x| some_function(tape, x, 7));
        assert_eq!(report(check), report(check));
    }
    let other = Check::new(8).input("x", 1, 1, &[1.0]).run(|_, x| x[0].exp());
    let this = Check::new(7).input("x", 1, 1, &[1.0]).run(|_, x| x[0].exp());
    assert_ne!(this.parameters[0].entries[0].yours, other.parameters[0].entries[0].yours);
}

/// SplitMix64's published numbers, and the moments of the normal distribution.
#[test]
fn random_numbers() {
    let mut random = Random::new(1_234_567);
    let bits: Vec<u64> = (0..3).map(|_| random.bits()).collect();
    assert_eq!(bits, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);

    let normals = random.normals(100_000);
    let moment = |power: i32| normals.iter().map(|x| x.powi(power)).sum::<f64>() / normals.len() as f64;
    assert!(moment(1).abs() < 0.02 && (moment(2) - 1.0).abs() < 0.03 && (moment(4) - 3.0).abs() < 0.15);
    let below: Vec<usize> = (0..1000).map(|_| random.below(7)).collect();
    assert!((0..7).all(|k| below.contains(&k)) && below.iter().all(|&k| k < 7));
}

/// What a report prints, with the digits that differ from one processor to another rounded away.
fn screen(mut report: Report) -> String {
    let round = |x: f64, digits: i32| {
        let unit = 10_f64.powi(x.abs().log10().floor() as i32 + 1 - digits);
        if x == 0.0 { 0.0 } else { (x / unit).round() * unit }
    };
    for parameter in &mut report.parameters {
        if parameter.wrong == 0 {
            parameter.relative_error = 0.0;
        }
        if let Some(worst) = parameter.worst.as_mut().filter(|worst| worst.trust == Trust::Noise) {
            (worst.numeric, parameter.relative_error) =
                (round(worst.numeric, 1), round(parameter.relative_error, 1));
        }
    }
    report.to_string()
}

/// A layer `tanh(W x + b)`, the bias once as it should be and once without the gradient of all but
/// the last column.
fn layer<'t>(tape: &'t Tape<f64>, p: &[Var<'t, f64>], forgets: bool) -> Var<'t, f64> {
    let last = |z: Var<'t, f64>| {
        let mask: Vec<bool> = (0..z.cols()).map(|c| c + 1 == z.cols()).collect();
        tape.select(mask, z + p[2], z + p[2].detach())
    };
    let z = p[0].matmul(p[1]);
    if forgets { last(z).tanh() } else { (z + p[2]).tanh() }
}

fn layer_check() -> Check {
    Check::new(3)
        .random_input("weight", 3, 4, 0.5)
        .random_input("x", 4, 5, 1.0)
        .random_input("bias", 3, 1, 0.5)
}

#[test]
fn a_pass_on_the_screen() {
    insta::assert_snapshot!(screen(layer_check().run(|tape, x| layer(tape, x, false))), @r"
    gradient check passed (seed 3, tolerance 1e-7)
      parameter   shape       wrong   error
      weight        3×4     0 of 12   0.0e0 ok
      x             4×5     0 of 20   0.0e0 ok
      bias          3×1      0 of 3   0.0e0 ok
    ");
}

#[test]
fn a_failure_on_the_screen() {
    insta::assert_snapshot!(screen(layer_check().run(|tape, x| layer(tape, x, true))), @r"
    gradient check FAILED (seed 3, tolerance 1e-7)
      parameter   shape       wrong   error worst at        yours       numeric
      weight        3×4     0 of 12   0.0e0 ok
      x             4×5     0 of 20   0.0e0 ok
      bias          3×1      3 of 3   2.0e0 (0, 0)    7.643197e-1  -7.930637e-1
      looks like: unsure, no known pattern fits every entry
      again: cargo test a_failure_on_the_screen -- --exact
    ");
}

/// Three steps of a = 1.5 h, h = tanh(a); after one of them, 2 h − h in place of h: the same value, twice the gradient.
#[test]
fn the_report_says_since_when() {
    fn steps<'t>(tape: &'t Tape<f64>, x: Var<'t, f64>, spoiled: Option<usize>) -> Var<'t, f64> {
        let mut h = x;
        for t in 0..3 {
            tape.set_step(Some(t));
            h = (h * 1.5).label("a").tanh().label("h");
            if spoiled == Some(t) {
                h = h * 2.0 - h.detach();
            }
        }
        tape.set_step(None);
        h
    }
    let check = Check::new(3).random_input("x", 2, 3, 1.0);
    for (spoiled, last_right) in [(0, Some("a at step 1")), (1, Some("a at step 2")), (2, None)] {
        let report =
            check.run_beside(|tape, x| steps(tape, x[0], None), |tape, x| steps(tape, x[0], Some(spoiled)));
        let first_wrong = format!("h at step {spoiled}");
        assert_eq!(report.since, Some(Since { last_right: last_right.map(str::to_string), first_wrong }));
    }
    let report = check.run_beside(|tape, x| steps(tape, x[0], None), |tape, x| steps(tape, x[0], None));
    assert!(report.passed() && report.since.is_none(), "{report}");
}

/// A mark stands for three rows by three columns here: (4, 60) is in the second line and the 21st column.
#[test]
fn a_map_of_a_large_matrix_on_the_screen() {
    let wrong = |x: &[Vec<f64>], cotangent: &Vec<f64>| {
        let mut dx: Vec<f64> = x[0].iter().map(|x| 2.0 * x * cotangent[0]).collect();
        dx[4 * 70 + 60] += 1.0;
        vec![dx]
    };
    let report = Check::new(5)
        .random_input("x", 20, 70, 1.0)
        .run_with(|x| vec![x[0].iter().map(|x| x * x).sum()], |x, r| r.iter().map(|r| wrong(x, r)).collect());
    let screen = screen(report);
    let map: Vec<&str> = screen.lines().filter(|line| line.contains('·')).skip(1).collect();
    assert_eq!(map.len(), 7, "{screen}");
    for (k, line) in map.iter().enumerate() {
        let marks: Vec<char> = line.chars().filter(|mark| "×·".contains(*mark)).collect();
        let expected: Vec<char> = (0..24).map(|at| if (k, at) == (1, 20) { '×' } else { '·' }).collect();
        assert_eq!(marks, expected, "{screen}");
    }
}

#[test]
#[should_panic = "gates: 5 rows do not make 2 equal blocks"]
fn gates_on_the_screen_are_equal_blocks() {
    let _ = Check::new(1).random_input("W", 5, 2, 1.0).gates(&["r", "z"]);
}

#[test]
#[should_panic = "gates: 5 rows do not make 0 equal blocks"]
fn gates_on_the_screen_have_names() {
    let _ = Check::new(1).random_input("W", 5, 2, 1.0).gates(&[]);
}

#[test]
fn the_inputs_of_a_seed() {
    let check = layer_check();
    let names: Vec<&str> = check.inputs().iter().map(|input| input.name.as_str()).collect();
    assert_eq!(names, ["weight", "x", "bias"]);
}

/// Derivations with a gradient too few for this seed's inputs, and with one of another shape.
#[test]
#[should_panic = "derivation: 1 gradients for 2 inputs"]
fn a_seeds_inputs_have_a_gradient_each() {
    let check = Check::new(1).random_input("a", 1, 3, 1.0).random_input("b", 1, 3, 1.0);
    check.derivation(|_, x| x[0] * x[1], |x, dy| vec![x[1] * dy]);
}

#[test]
#[should_panic = "derivation: a is 1×3, its gradient 1×1"]
fn a_random_gradient_has_its_inputs_shape() {
    let check = Check::new(1).random_input("a", 1, 3, 1.0);
    check.derivation(|_, x| x[0].square(), |x, dy| vec![(x[0] * dy).sum()]);
}

#[test]
fn a_pass_along_directions_on_the_screen() {
    let check = layer_check().every_entry_up_to(10);
    insta::assert_snapshot!(screen(check.run(|tape, x| layer(tape, x, false))), @r"
    gradient check passed (seed 3, tolerance 1e-7)
      parameter   shape       wrong   error
      weight        3×4 0 of 3 dirs   0.0e0 ok
      x             4×5 0 of 3 dirs   0.0e0 ok
      bias          3×1 0 of 3 dirs   0.0e0 ok
    ");
}

#[test]
fn a_failure_along_directions_on_the_screen() {
    let check = Check::new(4).random_input("weight", 100, 30, 0.5);
    // Yours is w, the slope is w + w².
    let report = check.run(|_, w| (w[0].square() * 0.5 + w[0].detach().square() * w[0].detach() / 3.0).sum());
    insta::assert_snapshot!(screen(report), @r"
    gradient check FAILED (seed 4, tolerance 1e-7)
      parameter   shape       wrong   error worst at        yours       numeric
      weight     100×30  200 of 200   1.1e0 (30, 20)  -1.149936e0   1.574680e-1
      again: cargo test a_failure_along_directions_on_the_screen -- --exact
    ");
}

#[test]
fn a_kink_on_the_screen() {
    let check = Check::new(5).input("x", 2, 2, &[1.0, -2.0, 0.0, 3.0]);
    let report = check.run(|tape, x| {
        let positive: Vec<bool> = x[0].value().iter().map(|x| *x > 0.0).collect();
        tape.select(positive, x[0], -x[0])
    });
    insta::assert_snapshot!(screen(report), @r"
    gradient check IN DOUBT (seed 5, tolerance 1e-7)
      the check, not the gradient, may be wrong
      parameter   shape       wrong   error worst at        yours       numeric
      x             2×2      1 of 4   1.0e0 (1, 0)    -2.073936e0    0.000000e0
        (kink: no derivative at this point)
      where it is wrong (×) and where right (·)
        x  · ·
           × ·
      again: cargo test a_kink_on_the_screen -- --exact
    ");
}

#[test]
fn noise_on_the_screen() {
    let check = Check::new(6).input("x", 1, 1, &[0.3]);
    insta::assert_snapshot!(screen(check.run(|_, x| (x[0].square() + 1e12) - 1e12)), @r"
    gradient check IN DOUBT (seed 6, tolerance 1e-7)
      the check, not the gradient, may be wrong
      parameter   shape       wrong   error worst at        yours       numeric
      x             1×1      1 of 1  3.0e-3 (0, 0)   -4.395539e-1  -4.000000e-1
        (noise: the steps disagree among themselves)
      again: cargo test noise_on_the_screen -- --exact
    ");
}

/// The gradient of a matrix, column by column where rows belong, or each of its square blocks transposed.
#[test]
fn gradients_stored_in_another_order() {
    for (rows, cols) in [(3, 4), (4, 3), (2, 5), (3, 3), (6, 3), (1, 4), (4, 1)] {
        let columns = move |to: usize| to % rows * cols + to / rows;
        let blocks = move |to: usize| {
            let (row, col) = (to / cols, to % cols);
            (row / cols * cols + col) * cols + row % cols
        };
        let orders: [(bool, &dyn Fn(usize) -> usize); 2] = [(true, &columns), (rows % cols == 0, &blocks)];
        for (_, order) in orders.into_iter().filter(|(fits, _)| *fits) {
            let check = Check::new(8).random_input("W", rows, cols, 1.0);
            let report = check.run_with(
                |v| v[0].iter().map(|w| w * w).collect(),
                |v, rs| {
                    let entry = |r: &Vec<f64>, at: usize| 2.0 * r[at] * v[0][at];
                    rs.iter()
                        .map(|r| vec![(0..rows * cols).map(|to| entry(r, order(to))).collect()])
                        .collect()
                },
            );
            let right = rows == 1 || cols == 1; // one row or one column lies alike in both orders
            assert_eq!(report.passed(), right, "{rows}×{cols}: {report}");
            let kinds: &[Kind] = if right { &[] } else { &[Kind::Transposed] };
            assert_eq!(report.diagnosis.kinds(), kinds, "{rows}×{cols}: {report}");
        }
    }
}
