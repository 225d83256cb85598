//! The committed results: against their schema, and two rows of them against a fresh run.

mod support;

use models::experiments::{ALL, Outcome, Plan, Results, Watcher, find, network, picture, run};
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use support::check;

/// The file in the book.
fn committed() -> Results {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/results/compare.json");
    Results::from_json(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_committed_results_keep_their_schema() {
    let results = committed();
    assert_eq!(results.experiments.len(), ALL.len());
    for (outcome, experiment) in results.experiments.iter().zip(&ALL) {
        let mut fresh = Outcome::new(experiment, experiment.steps, &experiment.rates);
        (fresh.baseline, fresh.profile) = (outcome.baseline.clone(), outcome.profile.clone());
        fresh.networks = outcome.networks.clone();
        assert_eq!(*outcome, fresh, "the list has changed: cargo rnn compare --all");
        assert_eq!(outcome.profile.as_ref().map_or("", |profile| &profile.of), experiment.info().profile);
        let names: Vec<&str> = outcome.networks.iter().map(|line| line.network.as_str()).collect();
        assert_eq!(names, experiment.networks);
        check(outcome, &[1, 2, 3, 4, 5]);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/results");
        let drawn = fs::read_to_string(folder.join(format!("{}.svg", experiment.task))).unwrap();
        assert_eq!(drawn, picture(outcome), "{}", experiment.task);
    }
}

/// On another processor the last bits differ, and with them a step now and then; not much more.
#[test]
fn a_committed_row_is_what_comes_out() {
    let committed = committed();
    for task in ["hello", "companies"] {
        let experiment = find(task).unwrap();
        let fresh = {
            let (networks, rates) = (vec![network("lstm").unwrap()], experiment.rates.to_vec());
            let plan = Plan { experiment, networks, rates, seeds: 1..6, steps: experiment.steps };
            let watcher = Watcher { steps: &|_| {}, stop: &AtomicBool::new(false) };
            run(&[plan], 2, &watcher).unwrap().unwrap()
        };
        let kept = committed.experiments.iter().find(|outcome| outcome.task == task).unwrap();
        let kept = kept.networks.iter().find(|line| line.network == "lstm").unwrap();
        let fresh = &fresh.experiments[0].networks[0];
        assert_eq!(
            (fresh.rate, fresh.parameters, fresh.solved),
            (kept.rate, kept.parameters, kept.solved),
            "{task}"
        );
        for (fresh, kept) in fresh.runs.iter().zip(&kept.runs) {
            assert!(fresh.steps.abs_diff(kept.steps) <= 2 * experiment.every, "{task}: {fresh:?} {kept:?}");
        }
    }
}
