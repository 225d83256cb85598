//! The optimisers against their formulas written out, and against PyTorch's numbers; clipping, schedules, checkpoints.

use autograd::Float;
use models::optim::{Optimizer, Rule, Schedule, clip_grad_norm, clip_grad_value};
use models::params::Params;
use proptest::prelude::*;

/// Every rule, at its defaults and away from them.
const RULES: [&str; 10] = [
    "sgd",
    "sgd:momentum=0.9,weight-decay=0.1",
    "rmsprop",
    "rmsprop:alpha=0.9,eps=0.1,momentum=0.5,weight-decay=0.1",
    "adagrad",
    "adagrad:eps=0.001,weight-decay=0.1",
    "adam",
    "adam:beta1=0.8,beta2=0.95,eps=0.001,weight-decay=0.1",
    "adamw",
    "adamw:beta1=0.8,beta2=0.95,eps=0.001,weight-decay=0.1",
];

fn rule(text: &str) -> Rule {
    text.parse().unwrap()
}

/// max |a − b| ≤ tolerance · max(1, max |b|)
#[track_caller]
fn close(what: &str, a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len(), "{what}: sizes");
    let scale = b.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
    let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let finite = a.iter().all(|x| x.is_finite());
    assert!(finite && worst <= tolerance * scale, "{what}: off by {worst:e}\n{a:?}\n{b:?}");
}

// --- against the formulas, one weight at a time, from the whole history of its gradients ---

/// Σ over s = 1…t of keepᵗ⁻ˢ · x_s, as it stands in the text: no recursion.
fn decayed_sum(keep: f64, x: &[f64]) -> f64 {
    let t = x.len();
    (0..t).map(|s| keep.powi((t - 1 - s) as i32) * x[s]).sum()
}

/// One weight after a step for each of these gradients.
fn naive(rule: &Rule, lr: f64, mut w: f64, gradients: &[f64]) -> f64 {
    let (mut g, mut quotients) = (Vec::new(), Vec::new()); // all so far, g with its decay
    for (s, &gradient) in gradients.iter().enumerate() {
        let t = s as i32 + 1;
        let lambda = match rule {
            Rule::Sgd(r) => r.weight_decay,
            Rule::RmsProp(r) => r.weight_decay,
            Rule::AdaGrad(r) => r.weight_decay,
            Rule::Adam(r) if r.decoupled => 0.0,
            Rule::Adam(r) => r.weight_decay,
        };
        g.push(gradient + lambda * w);
        let squares: Vec<f64> = g.iter().map(|g| g * g).collect();
        w -= lr
            * match rule {
                Rule::Sgd(r) => decayed_sum(r.momentum, &g),
                Rule::RmsProp(r) => {
                    let mean = (1.0 - r.alpha) * decayed_sum(r.alpha, &squares);
                    quotients.push(g[s] / (mean.sqrt() + r.eps));
                    decayed_sum(r.momentum, &quotients)
                }
                Rule::AdaGrad(r) => g[s] / (squares.iter().sum::<f64>().sqrt() + r.eps),
                Rule::Adam(r) => {
                    let mean = |beta: f64, x| (1.0 - beta) * decayed_sum(beta, x) / (1.0 - beta.powi(t));
                    let decay = if r.decoupled { r.weight_decay * w } else { 0.0 };
                    decay + mean(r.beta1, &g) / (mean(r.beta2, &squares).sqrt() + r.eps)
                }
            };
    }
    w
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let unit = || prop_oneof![Just(0.0), 0.0..0.999];
    let decay = || prop_oneof![Just(0.0), 0.0..0.5];
    let eps = || prop_oneof![Just(1e-8), 1e-10..1e-2];
    let name = prop_oneof![Just("adam"), Just("adamw")];
    prop_oneof![
        (unit(), decay()).prop_map(|(m, d)| format!("sgd:momentum={m},weight-decay={d}")),
        (unit(), eps(), unit(), decay())
            .prop_map(|(a, e, m, d)| format!("rmsprop:alpha={a},eps={e},momentum={m},weight-decay={d}")),
        (eps(), decay()).prop_map(|(e, d)| format!("adagrad:eps={e},weight-decay={d}")),
        (name, unit(), unit(), eps(), decay())
            .prop_map(|(n, b, c, e, d)| format!("{n}:beta1={b},beta2={c},eps={e},weight-decay={d}")),
    ]
    .prop_map(|text| rule(&text))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn every_rule_is_its_formula(
        rule in any_rule(),
        lr in 1e-4..0.1,
        start in prop::collection::vec(-2.0..2.0, 1..40),
        steps in prop::collection::vec(prop::collection::vec(-3.0..3.0, 40), 1..8),
    ) {
        let size = start.len();
        let mut params = Params::new();
        let first = params.add("first", size, 1, start.clone());
        let second = params.add("second", 1, size, start.clone());
        let mut optimizer = Optimizer::new(rule.clone(), &params);
        for g in &steps {
            params.get_mut(first).grad.copy_from_slice(&g[..size]);
            params.get_mut(second).grad.copy_from_slice(&g[40 - size..]);
            optimizer.step(&mut params, lr);
        }
        for (id, shift) in [(first, 0), (second, 40 - size)] {
            let history = |i: usize| steps.iter().map(|g| g[shift + i]).collect::<Vec<_>>();
            let expected: Vec<f64> = (0..size).map(|i| naive(&rule, lr, start[i], &history(i))).collect();
            close(&rule.to_string(), &params.get(id).value, &expected, 1e-12);
        }
    }

    #[test]
    fn what_is_printed_is_read_back(rule in any_rule()) {
        prop_assert_eq!(rule.to_string().parse::<Rule>().unwrap(), rule);
    }
}

// --- against PyTorch; the names of the cases are what our own parser reads ---

fn torch() -> impl Iterator<Item = (&'static str, Vec<f64>)> {
    let lines = include_str!("data/optim/torch.txt").lines().filter(|l| !l.starts_with('#'));
    lines.map(|line| {
        let mut words = line.split(' ');
        (words.next().unwrap(), words.map(|x| x.parse().unwrap()).collect())
    })
}

fn torch_case(name: &str) -> Vec<f64> {
    torch().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("no case {name}")).1
}

const START: [f64; 6] = [0.5, -1.0, 1.5, -0.25, 0.75, -2.0];

fn start<T: Float>() -> Params<T> {
    let numbers: Vec<T> = START.into_iter().map(T::from_f64).collect();
    let mut params = Params::new();
    params.add("matrix", 2, 2, numbers[..4].to_vec());
    params.add("vector", 2, 1, numbers[4..].to_vec());
    params
}

fn flat<T: Float>(params: &Params<T>, of: impl Fn(&models::params::Param<T>) -> &Vec<T>) -> Vec<f64> {
    params.iter().flat_map(|p| of(p).iter().map(|x| x.to_f64())).collect()
}

/// The gradient of ½ wᵀA w − bᵀw + ¼ Σ w⁴, and a step: make.py's problem.
fn descend<T: Float>(params: &mut Params<T>, optimizer: &mut Optimizer<T>) {
    let b = [3.0, -2.0, 1.0, 0.5, -4.0, 2.0];
    let a = |i: usize, j: usize| {
        if i == j { 5.0 + i as f64 } else { 1.0 / (1 + i + j) as f64 }
    };
    let w: Vec<f64> = flat(params, |p| &p.value);
    let gradient = |i: usize| (0..6).map(|j| a(i, j) * w[j]).sum::<f64>() - b[i] + w[i].powi(3);
    let entries = params.iter_mut().flat_map(|p| &mut p.grad).enumerate();
    entries.for_each(|(i, g)| *g = T::from_f64(gradient(i)));
    optimizer.step(params, 0.01);
}

#[test]
fn a_hundred_steps_are_those_of_pytorch() {
    let mut checked = 0;
    for (case, expected) in torch() {
        let Some((name, steps)) = case.split_once('@') else {
            continue;
        };
        let mut params = start::<f64>();
        let mut optimizer = Optimizer::new(rule(name), &params);
        let steps: u64 = steps.parse().unwrap();
        (0..steps).for_each(|_| descend(&mut params, &mut optimizer));
        assert_eq!(optimizer.steps(), steps);
        close(case, &flat(&params, |p| &p.value), &expected, 1e-12);
        checked += 1;
    }
    assert_eq!(checked, 13 * 4);
}

#[test]
fn default_rates_are_those_of_pytorch() {
    for name in Rule::NAMES {
        assert_eq!([rule(name).default_rate()], *torch_case(&format!("default-rate:{name}")));
    }
}

#[test]
fn single_precision_follows_double() {
    for name in RULES {
        let (mut double, mut single) = (start::<f64>(), start::<f32>());
        let (mut d, mut s) = (Optimizer::new(rule(name), &double), Optimizer::new(rule(name), &single));
        for _ in 0..100 {
            descend(&mut double, &mut d);
            descend(&mut single, &mut s);
        }
        close(name, &flat(&single, |p| &p.value), &flat(&double, |p| &p.value), 1e-5);
    }
}

fn with_gradients() -> Params<f64> {
    let mut params = start();
    params.iter_mut().for_each(|p| p.grad = p.value.iter().map(|w| 3.0 * w).collect());
    params
}

#[test]
fn clipping_is_that_of_pytorch() {
    for (case, max_norm) in [("clip-norm-2", 2.0), ("clip-norm-20", 20.0)] {
        let mut params = with_gradients();
        let norm = clip_grad_norm(&mut params, max_norm);
        let expected = torch_case(case);
        close(case, &[norm], &expected[..1], 1e-12);
        close(case, &flat(&params, |p| &p.grad), &expected[1..], 1e-12);
    }
    let mut params = with_gradients();
    clip_grad_value(&mut params, 2.0);
    close("clip-value-2", &flat(&params, |p| &p.grad), &torch_case("clip-value-2"), 0.0);
}

#[test]
fn the_norm_counts_every_entry_once() {
    for size in 0..40 {
        let mut params = Params::<f64>::new();
        let id = params.add("w", size, 1, vec![0.0; size]);
        params.get_mut(id).grad = (1..=size).map(|i| i as f64).collect();
        let expected = (size * (size + 1) * (2 * size + 1)) as f64 / 6.0; // Σ i²
        let norm = clip_grad_norm(&mut params, f64::INFINITY);
        close("norm", &[norm], &[expected.sqrt()], 1e-14);
    }
    let mut params = Params::<f32>::new();
    let id = params.add("w", 2, 1, vec![0.0; 2]);
    params.get_mut(id).grad = vec![3e30, 4e30]; // whose squares are no f32
    let norm = clip_grad_norm(&mut params, 1.0);
    close("norm", &[norm / 1e30], &[5.0], 1e-6);
    close("clipped", &flat(&params, |p| &p.grad), &[0.6, 0.8], 1e-6);
}

#[test]
fn a_gradient_that_is_no_number_is_left_alone_and_reported() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut params = with_gradients();
        params.iter_mut().next().unwrap().grad[1] = bad;
        let before = params.clone();
        let norm = clip_grad_norm(&mut params, 1.0);
        assert!(!norm.is_finite());
        assert_eq!(format!("{params:?}"), format!("{before:?}")); // NaN ≠ NaN, but it prints alike
        clip_grad_value(&mut params, 2.0);
        let clipped = params.iter().next().unwrap().grad[1];
        assert!(if bad.is_nan() { clipped.is_nan() } else { clipped == 2.0 * bad.signum() });
    }
}

#[test]
fn schedules_are_those_of_pytorch() {
    let cases = ["cosine:steps=20", "step:every=7,factor=0.5", "constant:warmup=5"];
    let warm = ["cosine:steps=20,warmup=5", "step:every=7,factor=0.5,warmup=5"];
    for case in cases.into_iter().chain(warm) {
        let schedule: Schedule = case.parse().unwrap();
        let expected = torch_case(case);
        let rates: Vec<f64> = (0..expected.len() as u64).map(|t| schedule.rate(0.3, t)).collect();
        close(case, &rates, &expected, 1e-12);
    }
}

#[test]
fn schedules_by_name() {
    let read = |text: &str| text.parse::<Schedule>();
    for text in ["constant", "constant:warmup=3", "cosine:floor=0.05", "step:every=5,factor=0.1"] {
        assert_eq!(read(text).unwrap().to_string(), text);
    }
    let cosine = read("cosine:warmup=10").unwrap().for_steps(110);
    assert_eq!(cosine.to_string(), "cosine:steps=100,floor=0.05,warmup=10");
    assert_eq!(cosine.clone().for_steps(7), cosine);
    let floor = cosine.rate(1.0, 110);
    assert!((floor - 0.05).abs() < 1e-15);
    assert_eq!(cosine.rate(1.0, 1_000_000), floor); // it does not rise again
    for (text, error) in [
        ("linear", "unknown schedule 'linear' (known: constant, cosine, step)"),
        ("step", "schedule step needs every, for example step:every=1000"),
        ("step:every=0", "schedule step: every=0 must be a whole number, at least 1"),
        ("cosine:floor=2", "schedule cosine: floor=2 must be a number in 0.0..=1.0"),
        ("constant:steps=3", "schedule constant does not take steps (it takes warmup)"),
    ] {
        assert_eq!(read(text).unwrap_err().to_string(), error);
    }
}

#[test]
#[should_panic(expected = "set it with for_steps")]
fn an_open_cosine_has_no_rate() {
    "cosine".parse::<Schedule>().unwrap().rate(0.1, 0);
}

#[test]
fn errors_of_names_say_what_is_known() {
    for (text, error) in [
        ("adamax", "unknown optimiser 'adamax' (known: sgd, rmsprop, adagrad, adam, adamw)"),
        ("sgd:momentum=1", "optimiser sgd: momentum=1 must be a number in 0.0..1.0"),
        ("sgd:momentum=fast", "optimiser sgd: momentum=fast must be a number in 0.0..1.0"),
        ("adam:eps=inf", "optimiser adam: eps=inf must be a number in 0.0.."),
        ("adam:eps", "optimiser adam: 'eps' is not of the form key=number"),
        ("adam:eps=1,eps=2", "optimiser adam: eps is given twice"),
        ("adagrad:beta1=0.9", "optimiser adagrad does not take beta1 (it takes eps, weight-decay)"),
    ] {
        assert_eq!(text.parse::<Rule>().unwrap_err().to_string(), error);
    }
    for (name, expected) in Rule::NAMES.iter().zip([
        "sgd:momentum=0,weight-decay=0",
        "rmsprop:alpha=0.99,eps=0.00000001,momentum=0,weight-decay=0",
        "adagrad:eps=0.0000000001,weight-decay=0",
        "adam:beta1=0.9,beta2=0.999,eps=0.00000001,weight-decay=0",
        "adamw:beta1=0.9,beta2=0.999,eps=0.00000001,weight-decay=0.01",
    ]) {
        assert_eq!(rule(name).to_string(), expected);
    }
}

// --- checkpoints, memory, misuse ---

fn save(optimizer: &Optimizer<f32>) -> Vec<(String, Vec<f32>)> {
    optimizer.state().into_iter().map(|(name, x)| (name, x.to_vec())).collect()
}

#[test]
fn a_restored_run_goes_on_bit_for_bit() {
    for name in RULES {
        let mut params = start::<f32>();
        let mut optimizer = Optimizer::new(rule(name), &params);
        (0..7).for_each(|_| descend(&mut params, &mut optimizer));
        let (mut params2, mut saved) = (params.clone(), save(&optimizer));
        saved.reverse(); // the names count, not the order
        let mut restored = Optimizer::new(rule(&optimizer.rule().to_string()), &params2);
        restored.load_state(optimizer.steps(), &saved).unwrap();
        for _ in 0..7 {
            descend(&mut params, &mut optimizer);
            descend(&mut params2, &mut restored);
        }
        assert_eq!(params, params2, "{name}");
        assert_eq!(optimizer.state(), restored.state(), "{name}");
        assert_eq!(restored.steps(), 14);
    }
}

#[test]
fn a_state_that_does_not_fit_changes_nothing() {
    let mut params = start::<f32>();
    let mut optimizer = Optimizer::new(rule("adam"), &params);
    descend(&mut params, &mut optimizer);
    let good = save(&optimizer);
    let names: Vec<&str> = good.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["matrix.exp_avg", "matrix.exp_avg_sq", "vector.exp_avg", "vector.exp_avg_sq"]);

    let mut short = good.clone();
    short[2].1.pop();
    let extra: Vec<_> = good.iter().cloned().chain([("vector.sum".into(), vec![])]).collect();
    for (state, error) in [
        (&good[1..], "matrix.exp_avg is missing"),
        (&short, "vector.exp_avg has 1 entries, expected 2"),
        (&extra, "vector.sum is not part of the state of adam:beta1"),
    ] {
        let mut zeroed: Vec<_> = state.to_vec();
        zeroed.iter_mut().for_each(|(_, x)| x.fill(0.0));
        let message = optimizer.load_state(9, &zeroed).unwrap_err().to_string();
        assert!(message.starts_with(error), "{message}");
        assert_eq!((optimizer.steps(), save(&optimizer)), (1, good.clone()));
    }
}

#[test]
fn steps_allocate_nothing() {
    for name in RULES {
        let mut params = start::<f32>();
        let mut optimizer = Optimizer::new(rule(name), &params);
        params.iter_mut().for_each(|p| p.grad.fill(0.5));
        let schedule: Schedule = "cosine:steps=9,warmup=2".parse().unwrap();
        let allocations = allocation_counter::measure(|| {
            for t in 0..5 {
                clip_grad_norm(&mut params, 0.1);
                clip_grad_value(&mut params, 0.1);
                optimizer.step(&mut params, schedule.rate(0.1, t));
            }
        });
        assert_eq!(allocations.count_total, 0, "{name}");
    }
}

#[test]
fn memory_is_taken_only_for_what_a_rule_remembers() {
    for name in RULES {
        let mut params = Params::<f32>::new();
        params.add("w", 100, 100, vec![0.0; 10_000]);
        let mut buffers = 0;
        let allocations = allocation_counter::measure(|| {
            buffers = Optimizer::new(rule(name), &params).state().len() as u64;
        });
        let spare = allocations.bytes_total - buffers * 40_000;
        assert!(spare < 4_000, "{name}: {buffers} buffers and {spare} bytes");
    }
}

#[test]
fn what_is_remembered_never_becomes_denormal() {
    for name in RULES {
        let mut params = Params::<f32>::new();
        let sizes: Vec<f32> = (-44..4).map(|k| 10_f32.powi(k)).collect();
        let id = params.add("w", sizes.len(), 1, vec![0.0; sizes.len()]);
        params.get_mut(id).grad = sizes;
        let mut optimizer = Optimizer::new(rule(name), &params);
        for t in 0..3000 {
            optimizer.step(&mut params, 0.0);
            let state = optimizer.state();
            let healthy = |x: &&f32| **x == 0.0 || x.is_normal();
            let sick = state.iter().flat_map(|(_, x)| *x).find(|x| !healthy(x));
            assert_eq!(sick, None, "{name}, step {t}");
            if t == 2 {
                params.zero_grad();
            }
        }
    }
}

#[test]
fn a_gradient_that_is_no_number_is_not_hidden() {
    for name in RULES {
        let mut params = start::<f32>();
        params.iter_mut().next().unwrap().grad[1] = f32::NAN;
        Optimizer::new(rule(name), &params).step(&mut params, 0.1);
        let weights = flat(&params, |p| &p.value);
        let bad: Vec<usize> = (0..6).filter(|&i| weights[i].is_nan()).collect();
        assert_eq!(bad, [1], "{name}");
    }
}

#[test]
#[should_panic(expected = r#"made for ("matrix", 4), called with ("other", 4)"#)]
fn other_parameters_are_refused() {
    let mut optimizer = Optimizer::new(rule("sgd"), &start::<f64>());
    let mut other = Params::new();
    other.add("other", 2, 2, vec![0.0; 4]);
    other.add("vector", 2, 1, vec![0.0; 2]);
    optimizer.step(&mut other, 0.1);
}
