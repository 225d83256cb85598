//! Heads: which states answer, and what a decoder is fed.

use autograd::check::{Check, Random};
use autograd::{Tape, Var};
use models::cells::{CellConfig, Kind};
use models::heads::{ManyToOne, OneToMany, Padded, Targets};
use models::layers::StackConfig;
use models::optim::{Rule, Sgd};
use models::params::{Bound, Params};
use models::seq2seq::Seq2Seq;
use models::train::Trainer;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Embedding 3, hidden 4 (in a Jordan network 2 of them are put out).
fn config(kind: Kind, layers: usize) -> StackConfig {
    let output = Some(if kind == Kind::Jordan { 2 } else { 4 });
    let cell = CellConfig { output, ..CellConfig::new(3, 4) };
    StackConfig { layers, ..StackConfig::new(kind, cell) }
}

/// Parameters with random numbers in them, so that no bias is zero.
fn shaken(mut params: Params<f64>, seed: u64) -> Params<f64> {
    let mut random = Random::new(seed);
    params.iter_mut().for_each(|p| p.value.iter_mut().for_each(|x| *x = 0.6 * random.normal()));
    params
}

const SOURCES: [&[usize]; 3] = [&[4, 0, 2, 1], &[3], &[1, 2, 0, 3, 4, 4]];
const TARGETS: [&[usize]; 3] = [&[0, 5], &[1, 2, 3], &[]];

fn sources() -> Padded {
    Padded::new(&SOURCES)
}

fn targets(sequences: &[&[usize]]) -> Targets {
    let mut targets = Targets::new();
    targets.set(sequences, 6);
    targets
}

fn seq2seq(config: &StackConfig) -> (Seq2Seq<f64>, Params<f64>) {
    let mut params = Params::new();
    let network = Seq2Seq::new([5, 6], config, &mut params, &mut rng(1));
    (network, shaken(params, 2))
}

/// Two vectors of two features, side by side with a third.
fn vectors<'t>(p: Bound<'t, f64>) -> Var<'t, f64> {
    p.tape().constant(2, 3, &[0.5, -1.0, 2.0, 1.5, 0.0, -0.7])
}

/// Finite differences against the tape, for every parameter.
fn check(params: &Params<f64>, loss: impl for<'t> Fn(Bound<'t, f64>) -> Var<'t, f64>) {
    let mut check = Check::new(5);
    for p in params.iter() {
        check = check.input(p.name.clone(), p.rows, p.cols, &p.value);
    }
    check.run(|tape, _| loss(params.bound_at(tape, 0))).assert_passed();
}

fn value<R>(params: &Params<f64>, run: impl FnOnce(Bound<'_, f64>) -> R) -> R {
    run(params.bind_constant(&Tape::new()))
}

#[track_caller]
fn assert_close(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    let scale = b.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-12 * scale), "{a:?}\n{b:?}");
}

#[test]
fn gradients_of_every_parameter() {
    for kind in Kind::ALL {
        let (network, params) = seq2seq(&config(kind, 2));
        let (sources, targets) = (sources(), targets(&TARGETS));
        check(&params, |p| network.forward(p, &sources, &targets).cross_entropy(targets.symbols()));

        let mut params = Params::new();
        let network = OneToMany::new(2, 6, &config(kind, 2), &mut params, &mut rng(3));
        let params = shaken(params, 4);
        check(&params, |p| network.forward(p, vectors(p), &targets).cross_entropy(targets.symbols()));

        let mut params = Params::new();
        let both = StackConfig { bidirectional: true, learn_initial_state: true, ..config(kind, 1) };
        let network = ManyToOne::new(5, &both, 2, &mut params, &mut rng(5));
        let params = shaken(params, 6);
        check(&params, |p| network.forward(p, &sources, None).cross_entropy(&[0, 1, 1]));
    }
}

#[test]
fn every_parameter_learns() {
    let moved = |params: Params<f64>, loss: &mut dyn FnMut(&mut Trainer<f64>)| {
        let before = params.clone();
        let mut trainer = Trainer::new(params, Rule::Sgd(Sgd::default()), 0.1);
        loss(&mut trainer);
        for (p, before) in trainer.params.iter().zip(before.iter()) {
            assert_ne!(p.value, before.value, "{}", p.name);
        }
    };
    let (sources, mut targets) = (sources(), targets(&TARGETS));
    let symbols = targets.symbols().to_vec();
    for ratio in [1.0, 0.5] {
        let learned = StackConfig { learn_initial_state: true, ..config(Kind::Lstm, 2) };
        let (network, params) = seq2seq(&learned);
        moved(params, &mut |trainer| {
            let step = trainer.step(|p| {
                network.forward_train(p, &sources, &mut targets, ratio, &mut rng(1)).cross_entropy(&symbols)
            });
            step.unwrap();
        });
    }
    let mut params = Params::new();
    let network = OneToMany::new(2, 6, &config(Kind::Lstm, 2), &mut params, &mut rng(3));
    moved(params, &mut |trainer| {
        let step = trainer.step(|p| {
            network.forward_train(p, vectors(p), &mut targets, 1.0, &mut rng(1)).cross_entropy(&symbols)
        });
        step.unwrap();
    });
}

#[test]
fn one_by_one_is_the_same_as_side_by_side() {
    let (network, params) = seq2seq(&config(Kind::Gru, 2));
    let together = targets(&TARGETS);
    let logits = value(&params, |p| network.forward(p, &sources(), &together).value());
    let mut many = Params::new();
    let both = StackConfig { bidirectional: true, ..config(Kind::Lstm, 2) };
    let reader = ManyToOne::new(5, &both, 2, &mut many, &mut rng(5));
    let answers = value(&many, |p| reader.forward(p, &sources(), None).value());
    for b in 0..3 {
        let (source, alone) = (Padded::new(&[SOURCES[b]]), targets(&[TARGETS[b]]));
        let column = |all: &[f64]| all.iter().skip(b).step_by(3).copied().collect::<Vec<f64>>();
        let found = value(&params, |p| network.forward(p, &source, &alone).value());
        assert_close(&column(&logits)[..found.len()], &found);
        assert_close(&column(&answers), &value(&many, |p| reader.forward(p, &source, None).value()));
        let greedy = |sources: &Padded| value(&params, |p| network.greedy(p, sources, 7));
        assert_eq!(greedy(&sources())[b], greedy(&source)[0]);
    }
}

#[test]
fn a_bidirectional_answer_mirrors_its_input() {
    // With equal weights in both directions, the reversed sequence swaps the two halves of the summary.
    let mut params = Params::<f64>::new();
    let both = StackConfig { bidirectional: true, ..config(Kind::Lstm, 1) };
    let network = ManyToOne::new(5, &both, 2, &mut params, &mut rng(5));
    let mut params = shaken(params, 8);
    for name in ["weight_ih_l0", "weight_hh_l0", "bias_l0"] {
        let id = |suffix: &str| params.find(&format!("rnn.{name}{suffix}")).unwrap();
        let (forward, backward) = (id(""), id("_reverse"));
        params.get_mut(backward).value = params.get(forward).value.clone();
    }
    let head = params.find("head.weight").unwrap();
    let mut mirrored = params.clone();
    mirrored.get_mut(head).value.chunks_exact_mut(8).for_each(|row| row.rotate_left(4));
    let reversed: Vec<Vec<usize>> = SOURCES.iter().map(|s| s.iter().rev().copied().collect()).collect();
    let answer = value(&params, |p| network.forward(p, &sources(), None).value());
    let mirror = value(&mirrored, |p| network.forward(p, &Padded::new(&reversed), None).value());
    assert_close(&answer, &mirror);
}

#[test]
fn teacher_forcing() {
    let (network, mut params) = seq2seq(&config(Kind::Lstm, 2));
    let bias = params.find("decoder.head.bias").unwrap();
    params.get_mut(bias).value[6] = -9.0; // so that it never ends early
    let train = |sequences: &[&[usize]], ratio: f64| {
        let mut targets = targets(sequences);
        value(&params, |p| network.forward_train(p, &sources(), &mut targets, ratio, &mut rng(9)).value())
    };
    let longest: [&[usize]; 3] = [&[0, 5, 1, 1], &[1, 2, 3, 0], &[2, 2, 4, 4]];
    let taught = value(&params, |p| network.forward(p, &sources(), &targets(&longest)).value());
    assert_close(&train(&longest, 1.0), &taught);
    // All but surely the truth: step by step, the same.
    assert_close(&train(&longest, 1.0 - 1e-12), &taught);
    // ANCHOR: own
    // Never the truth: the same as being taught what it writes itself.
    let written = value(&params, |p| network.greedy(p, &sources(), 4));
    assert!(written.iter().all(|w| w.len() == 4), "{written:?}");
    let own: Vec<&[usize]> = written.iter().map(Vec::as_slice).collect();
    assert_close(
        &train(&longest, 0.0),
        &value(&params, |p| network.forward(p, &sources(), &targets(&own)).value()),
    );
    // ANCHOR_END: own
    assert!(train(&longest, 0.5) != taught && train(&longest, 0.5) != train(&longest, 0.0));
}

#[test]
fn targets_begin_and_end_with_the_boundary() {
    let targets = targets(&TARGETS);
    let none = autograd::IGNORE_INDEX;
    assert_eq!(targets.symbols(), [0, 1, 6, 5, 2, none, 6, 3, none, none, 6, none]);
    assert_eq!((targets.batch(), targets.steps()), (3, 4));
}

#[test]
#[should_panic(expected = "decoder: it cannot read from behind what it has yet to write")]
fn a_decoder_has_one_direction() {
    let both = StackConfig { bidirectional: true, ..config(Kind::Lstm, 1) };
    OneToMany::<f64>::new(2, 6, &both, &mut Params::new(), &mut rng(1));
}
