//! The results as a table for a terminal.

use super::{Line, Outcome, Spread, TRIAL_SEED};
use std::fmt::Write;

/// One experiment, as lines of at most 120 characters.
pub fn table(outcome: &Outcome) -> String {
    let Outcome { task, summary, solved, measure, hidden, batch, steps, every, rates, .. } = outcome;
    let rates: Vec<String> = rates.iter().map(f64::to_string).collect();
    let rates = match &rates[..] {
        [rate] => format!("learning rate {rate}"),
        _ => format!("learning rate: the best of {} with seed {TRIAL_SEED}", rates.join(", ")),
    };
    let mut out = format!("{task}: {summary}\nsolved: {solved}\n");
    let _ = writeln!(out, "{hidden} units, {steps} steps of {batch} at most, an exam every {every}; {rates}");
    let _ = writeln!(out, "loss: {measure}");
    if let Some(baseline) = &outcome.baseline {
        let _ = writeln!(out, "beside it, {baseline}");
    }
    let _ = writeln!(
        out,
        "\n{:18} {:>10} {:>6} {:>6} {:>18} {:>16} {:>8} {:>24} {:>6}",
        "network",
        "parameters",
        "rate",
        "solved",
        "steps to solve",
        "seconds to solve",
        "ms/step",
        "loss at the end",
        "right"
    );
    outcome.networks.iter().for_each(|line| out += &row(line));
    out + &profiles(outcome)
}

fn row(line: &Line) -> String {
    let Line { network, parameters, rate, solved, .. } = line;
    let solved = format!("{solved}/{}", line.runs.len());
    let (steps, seconds) = (spread(line.steps, 0), spread(line.seconds, 1));
    let right = line.right.map_or("-".into(), |right| format!("{:.1}%", 100.0 * right.median));
    let ms = line.ms_per_step.map_or("-".into(), |ms| format!("{:.2}", ms.median));
    let loss = spread(line.loss, 4);
    format!(
        "{network:18} {parameters:>10} {rate:>6} {solved:>6} {steps:>18} {seconds:>16} {ms:>8} {loss:>24} {right:>6}\n"
    )
}

/// "350 (250–600)".
fn spread(spread: Option<Spread>, digits: usize) -> String {
    match spread {
        None => "-".into(),
        Some(Spread { median, least, most }) if least == most => format!("{median:.digits$}"),
        Some(Spread { median, least, most }) => {
            format!("{median:.digits$} ({least:.digits$}–{most:.digits$})")
        }
    }
}

/// How many points fit on a line.
const POINTS: usize = 14;

/// The medians point by point, of each network.
fn profiles(outcome: &Outcome) -> String {
    let Some(profile) = &outcome.profile else { return String::new() };
    let mut out = String::new();
    for (number, labels) in profile.labels.chunks(POINTS).enumerate() {
        let title = if number == 0 { &profile.of } else { "further" };
        let _ = write!(out, "\n{title}\n{:18}", "");
        labels.iter().for_each(|label| out += &format!(" {label:>6}"));
        out.push('\n');
        for line in &outcome.networks {
            let _ = write!(out, "{:18}", line.network);
            let points = line.profile.iter().skip(number * POINTS).take(POINTS);
            points.for_each(|figure| out += &format!(" {figure:>6.3}"));
            out.push('\n');
        }
    }
    out
}
