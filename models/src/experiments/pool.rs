//! Running experiments: many runs that know nothing of each other, one on each thread.
//!
//! A run has a thread to itself and a seed of its own, so that neither the number of threads nor the order of the runs
//! changes a bit of what it computes; only the seconds are not the same twice.

use super::results::rounded;
use super::{Contender, Experiment, Line, Outcome, Profile, Results, Run};
use crate::choice::Invalid;
use crate::config::Config;
use crate::session::Session;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// The seed with which the learning rate is chosen. It is not reported.
pub const TRIAL_SEED: u64 = 1001;

/// What of an experiment is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The experiment.
    pub experiment: &'static Experiment,
    /// The networks.
    pub networks: Vec<&'static Contender>,
    /// The learning rates to choose from; with one alone there is no choice and no trial.
    pub rates: Vec<f64>,
    /// The seeds that are reported.
    pub seeds: Range<u64>,
    /// Steps at most.
    pub steps: u64,
}

impl Plan {
    fn config(&self, network: &Contender, rate: f64, seed: u64) -> Config {
        Config { steps: self.steps, ..self.experiment.config(network, rate, seed) }
    }

    /// The runs of all networks that choose their rates.
    fn trials(&self) -> Vec<Config> {
        if self.rates.len() == 1 {
            return Vec::new();
        }
        let runs =
            self.networks.iter().flat_map(|network| self.rates.iter().map(move |&rate| (network, rate)));
        runs.map(|(network, rate)| self.config(network, rate, TRIAL_SEED)).collect()
    }

    /// Checks that every network can do the task.
    ///
    /// # Errors
    /// If one cannot, or a rate or the number of steps is not possible.
    pub fn check(&self) -> Result<(), Invalid> {
        for (network, &rate) in
            self.networks.iter().flat_map(|n| self.rates.iter().map(move |rate| (n, rate)))
        {
            let config = self.config(network, rate, TRIAL_SEED);
            config.check()?;
            self.experiment.info().check(&config).map_err(|e| Invalid(format!("{}: {e}", network.name)))?;
        }
        Ok(())
    }

    /// How many steps all runs make at most.
    pub fn budget(&self) -> u64 {
        let runs =
            self.trials().len() as u64 + self.networks.len() as u64 * (self.seeds.end - self.seeds.start);
        runs * self.steps
    }
}

/// Sees how far the runs have come, and can end them.
pub struct Watcher<'a> {
    /// Is told of steps that are made or, where a run ends early, not needed any more.
    pub steps: &'a (dyn Fn(u64) + Sync),
    /// Ends all runs when it becomes true.
    pub stop: &'a AtomicBool,
}

/// Runs all plans on so many threads: first the trials of all, then what is reported of all. `None` if it was stopped.
///
/// # Errors
/// If a network cannot do a task.
pub fn run(plans: &[Plan], threads: usize, watcher: &Watcher<'_>) -> Result<Option<Results>, Invalid> {
    let configs: Vec<Config> = plans.iter().flat_map(Plan::trials).collect();
    let Some(trials) = all(&configs, threads, watcher)? else { return Ok(None) };
    let mut trials = trials.into_iter();
    let mut chosen = Vec::new();
    for (plan, network) in networks(plans) {
        let trials: Vec<Run> =
            trials.by_ref().take(if plan.rates.len() > 1 { plan.rates.len() } else { 0 }).collect();
        let best = trials.iter().reduce(|best, run| if run.is_better(best) { run } else { best });
        let rate = best.map_or(plan.rates[0], |run| run.rate);
        chosen.push((plan, network, rate, trials));
    }
    let seeds = chosen.iter().flat_map(|(plan, network, rate, _)| {
        plan.seeds.clone().map(|seed| plan.config(network, *rate, seed))
    });
    let configs: Vec<Config> = seeds.collect();
    let Some(runs) = all(&configs, threads, watcher)? else { return Ok(None) };
    let mut runs = runs.into_iter();
    let mut results = Results { version: Results::VERSION, experiments: Vec::new() };
    for plan in plans {
        results.experiments.push(outcome(plan)?);
    }
    for (plan, network, rate, trials) in chosen {
        let runs = runs.by_ref().take((plan.seeds.end - plan.seeds.start) as usize).collect();
        let (_, params) = plan.experiment.info().build(&plan.config(network, rate, 0), "")?;
        let line = Line::new(network, params.count(), rate, trials, runs);
        let of = results.experiments.iter_mut().find(|outcome| outcome.task == plan.experiment.task);
        of.expect("every plan has its outcome").networks.push(line);
    }
    Ok(Some(results))
}

fn networks(plans: &[Plan]) -> impl Iterator<Item = (&Plan, &'static Contender)> {
    plans.iter().flat_map(|plan| plan.networks.iter().map(move |&network| (plan, network)))
}

/// The experiment, without its networks.
fn outcome(plan: &Plan) -> Result<Outcome, Invalid> {
    let mut session = Session::new(plan.config(plan.networks[0], plan.rates[0], 0), "")?;
    session.evaluate()?;
    let labels: Vec<String> = session
        .exam()
        .map(|exam| exam.profile.iter().map(|(label, _)| label.clone()).collect())
        .unwrap_or_default();
    let of = plan.experiment.info().profile.to_string();
    let profile = (!labels.is_empty()).then_some(Profile { of, labels });
    let baseline = session.task().baseline();
    Ok(Outcome { profile, baseline, ..Outcome::new(plan.experiment, plan.steps, &plan.rates) })
}

/// Makes all these runs, each on one of the threads, and returns them in their order.
fn all(configs: &[Config], threads: usize, watcher: &Watcher<'_>) -> Result<Option<Vec<Run>>, Invalid> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..threads.min(configs.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(config) = configs.get(at) else { break };
                    let run = one(config, watcher);
                    done.lock().expect("no run panics").push((at, run));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no run panics");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, run)| run).collect()
}

/// Trains a network until the task is solved, the budget is used up or the loss is no longer finite.
fn one(config: &Config, watcher: &Watcher<'_>) -> Result<Option<Run>, Invalid> {
    let clock = Instant::now();
    let mut session = Session::new(config.clone(), "")?;
    while !session.finished() && session.progress().solved.is_none() {
        if watcher.stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        if session.step().is_err() {
            return Ok(Some(Run { loss: None, ..report(&session, clock) }));
        }
        (watcher.steps)(1);
        let step = session.progress().step;
        if (step.is_multiple_of(config.eval_every) || session.finished()) && session.evaluate().is_err() {
            return Ok(Some(Run { loss: None, ..report(&session, clock) }));
        }
    }
    (watcher.steps)(config.steps - session.progress().step);
    Ok(Some(report(&session, clock)))
}

fn report(session: &Session, clock: Instant) -> Run {
    let exam = session.exam().cloned().unwrap_or_default();
    Run {
        seed: session.config().seed,
        rate: session.config().lr,
        steps: session.progress().step,
        solved: session.progress().solved.is_some(),
        seconds: rounded(clock.elapsed().as_secs_f64()),
        loss: Some(rounded(exam.loss)),
        right: exam.right().map(rounded),
        profile: exam.profile.iter().map(|(_, figure)| rounded(*figure)).collect(),
    }
}
