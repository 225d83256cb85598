//! A training that is stopped and resumed is the training that never stopped, bit for bit.

use models::checkpoint::Checkpoint;
use models::config::Config;
use models::session::Session;
use models::tasks;
use proptest::prelude::*;

const TEXT: &str =
    "when a network is stopped, whoever stops it wants it to go on as if nothing had happened; ";

fn text() -> String {
    TEXT.repeat(6)
}

fn small(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config { hidden: 5, embedding: 4, seq: 7, batch: 3, steps: 40, ..Config::default() };
    change(&mut config);
    config
}

/// What a training is: every setting that has a state of its own to lose.
fn configs() -> Vec<Config> {
    vec![
        small(|c| {
            (c.dropout, c.layers) = (0.3, 2);
            c.optimizer = "rmsprop:momentum=0.5".into();
            c.schedule = "cosine:warmup=5".into();
        }),
        small(|c| {
            (c.model, c.encoding, c.optimizer) =
                ("elman".into(), "hashing:6".into(), "sgd:momentum=0.9".into());
            (c.clip, c.clip_value, c.schedule) = (0.0, 0.01, "step:every=7,factor=0.5".into());
        }),
        small(|c| (c.optimizer, c.encoding, c.dropout) = ("adamw".into(), "one-hot".into(), 0.5)),
        small(|c| (c.optimizer, c.seq) = ("adagrad:weight-decay=0.01".into(), 50)),
        small(|c| (c.model, c.recurrent_dropout, c.learn_initial_state) = ("gru".into(), 0.3, true)),
        small(|c| (c.optimizer, c.patience) = ("adam:weight-decay=0.001".into(), 1)),
    ]
}

/// Trains to step `to`, looking at the held-out text every 9 steps as the command does.
fn train(session: &mut Session, to: u64) {
    while session.progress().step < to {
        let step = session.step().unwrap();
        session.warning(&step);
        if step.number % 9 == 0 {
            session.evaluate().unwrap();
        }
    }
}

fn resume(saved: &[u8], text: &str) -> Session {
    Session::resume(Checkpoint::open(saved).unwrap(), text).unwrap()
}

/// The tasks that draw their batches: what they go on from is the state of the random numbers alone. The held-out
/// questions have their own, so that looking at them does not change the training.
#[test]
fn generated_tasks_stopped_anywhere() {
    for task in tasks::ALL.iter().filter(|task| !task.takes("text")) {
        let mut config = Config { hidden: 6, layers: 2, dropout: 0.3, steps: 12, ..(task.config)() };
        config.batch = config.batch.min(5);
        config.recurrent_dropout = 0.2;
        config.teacher_forcing = if task.takes("teacher-forcing") { 0.5 } else { 1.0 };
        config.learn_initial_state = task.takes("learn-initial-state");
        let start = || Session::new(config.clone(), "").unwrap();
        let (mut whole, mut session, mut unseen) = (start(), start(), start());
        train(&mut whole, 12);
        for stop in [0, 5, 9, 10] {
            train(&mut session, stop);
            session = resume(&session.checkpoint().unwrap(), "");
        }
        train(&mut session, 12);
        assert!(session.checkpoint() == whole.checkpoint(), "{}", task.name);
        while !unseen.finished() {
            unseen.step().unwrap();
        }
        assert_eq!(unseen.params(), whole.params(), "{}: looking changes the training", task.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn stopped_anywhere_any_number_of_times(mut stops in prop::collection::vec(0u64..40, 1..5)) {
        stops.sort_unstable();
        let text = text();
        for config in configs() {
            let mut whole = Session::new(config.clone(), &text).unwrap();
            train(&mut whole, 40);
            let mut session = Session::new(config.clone(), &text).unwrap();
            for &stop in &stops {
                train(&mut session, stop);
                session = resume(&session.checkpoint().unwrap(), &text);
            }
            train(&mut session, 40);
            // All of it: weights, moments, carried state, random numbers, place in the text, sums, best, warnings.
            prop_assert!(session.checkpoint() == whole.checkpoint(), "{config:?} stopped at {stops:?}");
        }
    }

    #[test]
    fn every_number_of_the_progress_survives(seconds: u64, tally in prop::array::uniform2(-1e300..1e300), best in 0.0..9.0) {
        let mut session = Session::new(configs().remove(0), &text()).unwrap();
        session.note(f64::from_bits(seconds >> 2), 12345); // any positive number, subnormal ones too
        let saved = session.checkpoint().unwrap();
        let mut saved = Checkpoint::open(&saved).unwrap();
        let progress = &mut saved.summary.progress;
        prop_assert_eq!(progress.seconds.to_bits(), seconds >> 2);
        (progress.tally.loss, progress.tally.grad_norm, progress.best) = (tally[0], tally[1], best);
        let expected = progress.clone();
        let again = Session::resume(saved, &text()).unwrap().checkpoint().unwrap();
        prop_assert_eq!(Checkpoint::open(&again).unwrap().summary.progress, expected);
    }
}

#[test]
fn all_that_a_checkpoint_holds_is_needed() {
    // Each of these is forgotten once; the training then must come out otherwise.
    let text = text();
    let config = configs().remove(0);
    let mut whole = Session::new(config.clone(), &text).unwrap();
    train(&mut whole, 13);
    let saved = whole.checkpoint().unwrap();
    train(&mut whole, 20);
    let forget: [(&str, fn(&mut Checkpoint<'_>)); 4] = [
        ("the place in the text", |c| c.summary.progress.position = 0),
        ("the number of steps", |c| c.summary.progress.step = 12),
        ("the dropout", |c| c.summary.config.dropout = 0.0),
        ("the schedule", |c| c.summary.config.schedule = "constant".into()),
    ];
    for (what, forget) in forget {
        let mut checkpoint = Checkpoint::open(&saved).unwrap();
        forget(&mut checkpoint);
        let mut session = Session::resume(checkpoint, &text).unwrap();
        train(&mut session, 20);
        assert_ne!(session.params(), whole.params(), "{what} is not used");
    }
    // The tensors: each one, shifted by one entry.
    let tensors = safetensors::SafeTensors::deserialize(&saved).unwrap();
    let start = saved.len() - tensors.iter().map(|(_, t)| t.data().len()).sum::<usize>();
    let mut offset = start;
    let mut order: Vec<_> =
        tensors.iter().map(|(name, t)| (t.data().as_ptr(), name, t.data().len())).collect();
    order.sort();
    for (_, name, length) in order {
        let mut other = saved.clone();
        other[offset..offset + length].rotate_left(4);
        offset += length;
        let mut session = resume(&other, &text);
        train(&mut session, 20);
        assert_ne!(session.params(), whole.params(), "{name} is not used");
    }
    assert_eq!(offset, saved.len());
}

#[test]
fn more_steps_under_a_constant_schedule() {
    let text = text();
    let mut whole = Session::new(small(|c| c.steps = 40), &text).unwrap();
    let mut first = Session::new(small(|c| c.steps = 20), &text).unwrap();
    train(&mut whole, 40);
    train(&mut first, 20);
    assert!(first.finished());
    let saved = first.checkpoint().unwrap();
    let mut saved = Checkpoint::open(&saved).unwrap();
    saved.summary.config.steps = 40;
    let mut second = Session::resume(saved, &text).unwrap();
    train(&mut second, 40);
    assert_eq!(second.params(), whole.params());
}

#[test]
fn patience_stops_and_improvement_resets_it() {
    let text = text();
    let mut session =
        Session::new(small(|c| (c.patience, c.steps, c.lr) = (3, 100_000, 0.05)), &text).unwrap();
    let mut best = f64::INFINITY;
    let mut stale = 0;
    while !session.finished() {
        session.step().unwrap();
        let (row, better) = session.evaluate().unwrap();
        assert_eq!(better, row.validation < best);
        stale = if better { 0 } else { stale + 1 };
        best = best.min(row.validation);
        assert_eq!((session.progress().best, session.progress().stale), (best, stale));
    }
    assert_eq!(stale, 3);
    assert!(session.out_of_patience() && session.progress().step < 100_000);
}

#[test]
fn another_text_is_refused_by_name() {
    let session = Session::new(small(|c| c.text = "some/text".into()), &text()).unwrap();
    let saved = session.checkpoint().unwrap();
    let resume = |text: &str| Session::resume(Checkpoint::open(&saved).unwrap(), text).map(|_| ());
    assert_eq!(resume(&text()), Ok(()));
    let error = resume(&text().replacen("network", "notwork", 1)).unwrap_err().to_string();
    assert!(error.starts_with("the text some/text has changed: it had 540 bytes (hash "), "{error}");
}
