//! What the files of these tests share: what holds of every outcome of an experiment.

use models::experiments::{Outcome, Run, TRIAL_SEED, find, network};
use models::tasks;

/// That an outcome holds what its schema says: every summary is the runs' own.
pub fn check(outcome: &Outcome, seeds: &[u64]) {
    let Outcome { task, steps, every, rates, .. } = outcome;
    let points = outcome.profile.as_ref().map_or(0, |profile| profile.labels.len());
    for line in &outcome.networks {
        let name = format!("{task} {}", line.network);
        assert!(line.trials.iter().all(|run| run.seed == TRIAL_SEED), "{name}");
        assert_eq!(line.trials.iter().map(|run| run.rate).collect::<Vec<_>>(), *rates, "{name}");
        let chosen = line.trials.iter().find(|run| run.rate == line.rate).unwrap();
        assert!(!line.trials.iter().any(|run| run.is_better(chosen)), "{name}");
        assert_eq!(line.runs.iter().map(|run| run.seed).collect::<Vec<_>>(), seeds, "{name}");
        for run in &line.runs {
            assert!(run.rate == line.rate && run.steps <= *steps && run.seconds >= 0.0, "{name}");
            assert!(run.steps % every == 0 || run.steps == *steps || run.loss.is_none(), "{name}");
            assert!(run.solved || run.steps == *steps || run.loss.is_none(), "{name}");
            assert!(run.loss.is_none() || run.profile.len() == points, "{name}");
            assert!(run.right.is_none_or(|right| (0.0..=1.0).contains(&right)), "{name}");
        }
        let solved: Vec<&Run> = line.runs.iter().filter(|run| run.solved).collect();
        assert_eq!(
            (line.solved, line.steps.is_some(), line.seconds.is_some()),
            (solved.len(), !solved.is_empty(), !solved.is_empty())
        );
        if let Some(spread) = line.steps {
            let count =
                |wanted: &dyn Fn(f64) -> bool| solved.iter().filter(|run| wanted(run.steps as f64)).count();
            assert!(2 * count(&|steps| steps <= spread.median) >= solved.len(), "{name}");
            assert!(2 * count(&|steps| steps >= spread.median) >= solved.len(), "{name}");
            assert_eq!(count(&|steps| steps < spread.least || steps > spread.most), 0, "{name}");
        }
        let network = network(&line.network).unwrap();
        let config = find(task).unwrap().config(network, line.rate, 1);
        let (_, params) = tasks::find(task).unwrap().build(&config, "").unwrap();
        assert_eq!(line.parameters, params.count(), "{name}");
    }
}
