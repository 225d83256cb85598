//! Experiments: the list, that threads change no figure, and what the command does and refuses.

mod support;

use models::experiments::{
    ALL, Line, NETWORKS, Plan, Results, Run, Watcher, find, network, picture, run, table,
};
use models::tasks;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::AtomicBool;
use support::check;

static NEVER: AtomicBool = AtomicBool::new(false);

fn plan(task: &str, networks: &[&str], seeds: u64, steps: u64) -> Plan {
    let experiment = find(task).unwrap();
    let networks = networks.iter().map(|name| network(name).unwrap()).collect();
    Plan { experiment, networks, rates: experiment.rates.to_vec(), seeds: 1..1 + seeds, steps }
}

fn results(plans: &[Plan], threads: usize) -> Results {
    run(plans, threads, &Watcher { steps: &|_| {}, stop: &NEVER }).unwrap().unwrap()
}

/// The results without what no machine repeats.
fn without_times(mut results: Results) -> Results {
    for line in results.experiments.iter_mut().flat_map(|outcome| &mut outcome.networks) {
        (line.seconds, line.ms_per_step) = (None, None);
        line.trials.iter_mut().chain(&mut line.runs).for_each(|run| run.seconds = 0.0);
    }
    results
}

#[test]
fn the_list_is_whole() {
    for experiment in &ALL {
        let plan = plan(experiment.task, experiment.networks, 5, experiment.steps);
        plan.check().unwrap();
        assert_eq!(experiment.steps % experiment.every, 0, "{}", experiment.task);
        assert!(
            experiment.rates.iter().all(|rate| experiment.rates.iter().filter(|r| *r == rate).count() == 1)
        );
    }
    // Every task but a text of one's own, which nobody has solved.
    let with: Vec<&str> = ALL.iter().map(|experiment| experiment.task).collect();
    let all: Vec<&str> = tasks::ALL.iter().map(|task| task.name).filter(|name| *name != "chars").collect();
    for task in &all {
        assert!(with.contains(task), "{task}");
    }
    assert_eq!(with.len(), all.len());
    for network in &NETWORKS {
        assert!(ALL.iter().any(|experiment| experiment.networks.contains(&network.name)), "{}", network.name);
    }
}

/// What the forget gate was invented for: Gers, Schmidhuber and Cummins (2000).
#[test]
fn an_endless_stream_needs_a_forget_gate() {
    let plan = plan("continual", &["lstm-no-forget", "lstm"], 1, 1000);
    let (rates, seeds) = (vec![0.03], 4..5);
    let results = results(&[Plan { rates, seeds, ..plan }], 2);
    let [without, with] = &results.experiments[0].networks[..] else { panic!("{results:?}") };
    let right = |line: &Line| line.right.unwrap().median;
    assert!(right(without) < 0.7 && right(with) >= 0.99, "{without:?} {with:?}");
}

#[test]
fn threads_change_no_figure() {
    let plans = [plan("hello", &["elman", "gru"], 3, 40), plan("xor", &["lstm"], 2, 50)];
    let one = results(&plans, 1);
    assert_eq!(without_times(one.clone()), without_times(results(&plans, 4)));
    let file = one.to_json();
    assert_eq!(Results::from_json(&file).unwrap(), one);
    assert!(Results::from_json(&file.replacen("\"version\": 1", "\"version\": 2", 1)).is_err());
    assert!(Results::from_json(&file.replacen("\"task\"", "\"tusk\"", 1)).is_err());
    // The networks and seeds are those of the plan, and the picture shows every run.
    for (plan, outcome) in plans.iter().zip(&one.experiments) {
        let names: Vec<&str> = plan.networks.iter().map(|network| network.name).collect();
        assert_eq!(outcome.networks.iter().map(|line| line.network.as_str()).collect::<Vec<_>>(), names);
        check(outcome, &plan.seeds.clone().collect::<Vec<_>>());
        let runs: usize = outcome.networks.iter().map(|line| line.runs.len()).sum();
        assert_eq!(picture(outcome).matches("<circle").count(), runs);
        assert!(names.iter().all(|name| table(outcome).contains(&format!("\n{name} "))));
    }
}

#[test]
fn what_is_stopped_leaves_nothing() {
    let stop = AtomicBool::new(true);
    let stopped = run(&[plan("hello", &["elman"], 1, 40)], 2, &Watcher { steps: &|_| {}, stop: &stop });
    assert_eq!(stopped, Ok(None));
}

#[test]
fn the_better_run() {
    let [fast, slow, near, far] = [(true, 10, 0.5), (true, 20, 0.1), (false, 30, 0.2), (false, 30, 0.3)].map(
        |(solved, steps, loss)| Run {
            seed: 1,
            rate: 0.1,
            steps,
            solved,
            seconds: 0.0,
            loss: Some(loss),
            right: None,
            profile: vec![],
        },
    );
    let lost = Run { loss: None, ..far.clone() };
    let ranking = [fast, slow, near, far, lost];
    for (k, run) in ranking.iter().enumerate() {
        for (j, other) in ranking.iter().enumerate() {
            assert_eq!(run.is_better(other), k < j, "{k} {j}");
        }
    }
}

fn rnn(arguments: &str, folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rnn")).args(arguments.split(' ')).current_dir(folder).output().unwrap()
}

#[test]
fn the_command() {
    let place = tempfile::tempdir().unwrap();
    let here = place.path();
    let few = "compare --task hello --networks elman,gru --seeds 2 --steps 20";
    let out = rnn(few, here);
    let shown = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && shown.contains("the best of 0.1, 0.03, 0.3 with seed 1001"), "{shown}");
    let files = rnn(&format!("{few} --json a.json --svg a.svg"), here);
    assert!(files.status.success());
    let written = Results::from_json(&fs::read_to_string(here.join("a.json")).unwrap()).unwrap();
    assert_eq!(fs::read_to_string(here.join("a.svg")).unwrap(), picture(&written.experiments[0]));
    // Without a file it is printed, whole and alone.
    let printed =
        Results::from_json(&String::from_utf8(rnn(&format!("{few} --json"), here).stdout).unwrap()).unwrap();
    assert_eq!(without_times(printed), without_times(written));
    // One rate is no choice, and takes no trials.
    let one = rnn(&format!("{few} --rates 0.1 --json"), here);
    let one = Results::from_json(&String::from_utf8(one.stdout).unwrap()).unwrap();
    assert!(one.experiments[0].networks.iter().all(|line| line.rate == 0.1 && line.trials.is_empty()));
}

#[test]
fn what_the_command_refuses() {
    let place = tempfile::tempdir().unwrap();
    let refused = |arguments: &str| {
        let out = rnn(&format!("compare {arguments}"), place.path());
        assert_eq!((out.status.code(), out.stdout.len()), (Some(2), 0), "{arguments}");
        String::from_utf8(out.stderr).unwrap()
    };
    let task = refused("--task nope");
    assert_eq!(task.lines().next(), Some("rnn: no experiment on a task nope; there are:"));
    let lines = |text: &str| text.lines().skip(1).map(String::from).collect::<Vec<_>>();
    let known: Vec<String> = ALL.iter().map(|e| format!("{:10} {}", e.task, e.info().summary)).collect();
    assert_eq!(lines(&task), known);
    let name = refused("--task hello --networks elman,nope");
    assert_eq!(name.lines().next(), Some("rnn: unknown network nope; known:"));
    let known: Vec<String> = NETWORKS.iter().map(|n| format!("{:18} {}", n.name, n.summary)).collect();
    assert_eq!(lines(&name), known);
    for (arguments, expected) in [
        ("--task hello --networks gru,gru", "--networks names one network twice"),
        ("--task hello --rates 0", "lr is 0; it must be more than 0"),
        (
            "--task xor --networks bidirectional-lstm",
            "bidirectional-lstm: the task xor does not take --bidirectional (of those that not every task takes: --encoding, \
             --learn-initial-state)",
        ),
        (
            "--task hello --networks elman --steps 5 --seeds 1 --svg no/a.svg",
            "cannot write no/a.svg: No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(refused(arguments), format!("rnn: {expected}\n"));
    }
    assert!(fs::read_dir(place.path()).unwrap().next().is_none());
}
