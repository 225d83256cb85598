//! `rnn plot`: training curves.

use anyhow::{Context, Result, bail};
use models::choice::Invalid;
use models::file;
use models::metrics::curve;
use models::plot::{Axis, Plot};
use models::run::RunDir;
use std::io::Write;
use std::path::PathBuf;

/// Draw the training curves of some runs over each other, from their metrics.csv, as one SVG.
///
/// Without --column it is the loss: dashed in training, full on the held-out examples. A held-out curve that turns up
/// while the other still falls is a network that learns by heart.
#[derive(clap::Args)]
pub struct Args {
    /// Folders of runs, as given to train --out
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Another column of metrics.csv: grad_norm, clip_rate, param_norm, lr, accuracy, seconds, ...
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// The logarithm to base ten, in place of the value
    #[arg(long)]
    log: bool,
    /// The picture
    #[arg(long, value_name = "FILE", default_value = "curves.svg")]
    out: PathBuf,
}

/// A curve, the number of its run, and its dashes.
type Series = (Vec<(f64, f64)>, usize, &'static str);

pub fn run(args: &Args) -> Result<()> {
    if args.runs.len() > COLOURS.len() {
        bail!("{} runs; more than {} cannot be told apart", args.runs.len(), COLOURS.len());
    }
    let columns: &[(&str, &str)] = match &args.column {
        Some(name) => &[(name, "")],
        None => &[("train", "6 4"), ("validation", "")],
    };
    let (mut series, mut last): (Vec<Series>, _) = (Vec::new(), String::new());
    for (number, folder) in args.runs.iter().enumerate() {
        let run = RunDir::open(folder)?;
        let csv = run.load_metrics()?;
        for (column, dash) in columns {
            let name = || run.metrics_path().display().to_string();
            let mut points = curve(&csv, column).with_context(name)?;
            let Some((step, value)) = points.last() else {
                return Err(Invalid("there is no row yet; wait for the first look".into()))
                    .with_context(name);
            };
            last += &format!("{}: {column} {value} after {step} steps\n", folder.display());
            if args.log {
                points.retain(|(_, y)| *y > 0.0);
                points.iter_mut().for_each(|(_, y)| *y = y.log10());
            }
            series.push((points, number, dash));
        }
    }
    file::replace(&args.out, drawn(args, &series).as_bytes())?;
    let text = format!("{last}{} has the curves; open it in a browser\n", args.out.display());
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}

/// The colours of the runs, on a bright ground and on a dark one.
const COLOURS: [[&str; 2]; 8] = [
    ["#1557b0", "#82b4ff"],
    ["#c0231f", "#ff8f86"],
    ["#2a7030", "#7fdc85"],
    ["#7b1fa2", "#d3a1ff"],
    ["#a85400", "#ffb866"],
    ["#00697f", "#63d3e8"],
    ["#b0155f", "#ff93c4"],
    ["#66600a", "#d9d25a"],
];

/// The SVG.
fn drawn(args: &Args, series: &[Series]) -> String {
    let what = args.column.as_deref().unwrap_or("loss (training dashed)");
    let title = if args.log { format!("log₁₀ {what}") } else { what.into() };
    let points = || series.iter().flat_map(|(points, ..)| points);
    let x = Axis::around("step", points().map(|p| p.0));
    let y = Axis::around(&title, points().map(|p| p.1));
    let mut plot = Plot::new(x, y).style(&style());
    for (points, number, dash) in series {
        plot = plot.line(points.iter().copied(), &format!("run-{number}"), dash);
    }
    for (number, folder) in args.runs.iter().enumerate() {
        // Curves fall: the upper right corner is free.
        let across = |share: f64| x.from + share * (x.to - x.from);
        let up = y.to - (0.06 + 0.07 * number as f64) * (y.to - y.from);
        let name = folder.display().to_string().replace('&', "&amp;").replace('<', "&lt;");
        plot = plot.line([(across(0.6), up), (across(0.65), up)], &format!("run-{number}"), "");
        plot = plot.word((across(0.66), up - 0.015 * (y.to - y.from)), &name);
    }
    plot.svg()
}

fn style() -> String {
    let side = |k: usize, ink: &str, ground: &str| {
        let runs = COLOURS.iter().enumerate().map(|(n, colours)| format!(".run-{n}{{color:{}}}", colours[k]));
        format!("svg{{color:{ink};background:{ground};font-family:sans-serif}}{}", runs.collect::<String>())
    };
    let (bright, dark) = (side(0, "#1f2328", "#ffffff"), side(1, "#e3e7ec", "#14171c"));
    format!("{bright}@media(prefers-color-scheme:dark){{{dark}}}")
}
