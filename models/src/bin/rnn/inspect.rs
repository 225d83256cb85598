//! `rnn inspect`: a network from inside.

use crate::train::book;
use anyhow::{Context, Result};
use models::choice::Invalid;
use models::config::Config;
use models::file;
use models::inspect::{
    CellRecord, Moments, Record, Role, Traced, dependence_csv, health, look, parameters_csv, report,
    trace_csv,
};
use models::params::{Bound, Params};
use models::run::{RunDir, read_text};
use models::tasks::{self, Sample, show_text};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Look inside a network: gates, states and gradients on one page.
///
/// The network reads one text, or one example of its task, and everything inside is written down: every gate, the
/// candidate, the states c and h at every step, their gradients, and which symbols each prediction depends on. What comes out
/// is one HTML file that opens in any browser, without a network: turn it, point at it, move its sliders. A summary is
/// printed, and --csv writes the numbers themselves.
///
/// To watch a network learn, let the training keep its weights on the way; the page then has a slider over them:
///
///   rnn train --task sentence --snapshots 0,10,50,100 --out runs/sentence
///   rnn inspect --from runs/sentence
///
/// Without a training, a network as it begins: rnn inspect --model gru --task recall
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Folder of a run, as given to train --out
    #[arg(long, value_name = "DIR", required_unless_present = "model", conflicts_with = "model")]
    from: Option<PathBuf>,
    /// A network that has not been trained, as listed by rnn compare; with --task
    #[arg(long)]
    model: Option<String>,
    /// The task of that network, as listed by rnn tasks
    #[arg(long, default_value = "sentence", conflicts_with = "from")]
    task: String,
    /// Bias of the forget gate of that network, if it is an LSTM: -10 or 10 show what the health check says [default: the task's]
    #[arg(long, value_name = "F", allow_negative_numbers = true, conflicts_with = "from")]
    forget_bias: Option<f64>,
    /// What is read: a text of up to 300 characters; for sentiment a sentence, for numbers a number, for dates a date.
    /// Without it, an example of the task
    #[arg(long, value_name = "STR")]
    text: Option<String>,
    /// Take the weights that were best on the held-out examples, not the last ones
    #[arg(long)]
    best: bool,
    /// The page
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    out: PathBuf,
    /// Folder for the same numbers as CSV: trace.csv, parameters.csv, dependence.csv
    #[arg(long, value_name = "DIR")]
    csv: Option<PathBuf>,
}

/// What puts the example on a tape.
type Show = Box<dyn for<'t> Fn(Bound<'t, f32>) -> Result<Sample<'t>, Invalid>>;

/// The network that is looked at.
struct Subject {
    config: Config,
    /// By name, at several moments of its training.
    params: Vec<(String, Params<f32>)>,
    show: Show,
}

pub fn run(args: &Args) -> Result<()> {
    let subject = match &args.from {
        Some(folder) => from_run(args, folder)?,
        None => untrained(args)?,
    };
    let mut moments = Vec::new();
    for (name, params) in &subject.params {
        let record = look(params, &subject.show);
        let record = if args.text.is_some() { record.context("--text") } else { Ok(record?) };
        moments.push((name.clone(), record?));
    }
    let Config { model, task, hidden, layers, .. } = &subject.config;
    let count = subject.params[0].1.count();
    let deep = if *layers > 1 { format!("{layers} layers of ") } else { String::new() };
    let title = format!("Inside {model} on {task}");
    let about = format!("{deep}{hidden} units, {count} parameters.");
    let page = report(&title, &about, &moments);
    file::replace(&args.out, page.as_bytes())?;
    if let Some(folder) = &args.csv {
        write_csv(folder, &moments)?;
    }
    let text = format!("{title}: {about}\n{}{}", summary(&moments), next(args, &subject, page.len()));
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}

/// The network of a run: its snapshots, and its last or best weights.
fn from_run(args: &Args, folder: &Path) -> Result<Subject> {
    let run = RunDir::open(folder)?;
    let config = run.load_config()?;
    let is_text = tasks::find(&config.task)?.is_text;
    let (last, show): (_, Show) = match args.text.clone() {
        // The text it was trained on need not be there any more.
        Some(text) if is_text => {
            let (_, vocabulary, network, params) = run.load(args.best)?;
            (params, Box::new(move |p| show_text(&network, &vocabulary, p, &text)))
        }
        text => {
            let (_, task, params) = run.load_task(args.best)?;
            (params, Box::new(move |p| task.show(p, text.as_deref())))
        }
    };
    let snapshots = run.load_snapshots(&config, &last)?;
    let mut params: Vec<_> =
        snapshots.into_iter().map(|(step, params)| (format!("{step} steps"), params)).collect();
    params.push((if args.best { "the best" } else { "the last" }.into(), last));
    Ok(Subject { config, params, show })
}

/// A network as it begins.
fn untrained(args: &Args) -> Result<Subject> {
    let info = tasks::find(&args.task)?;
    let mut config = (info.config)();
    config.model = args.model.clone().unwrap_or(config.model);
    config.forget_bias = args.forget_bias.unwrap_or(config.forget_bias);
    if info.takes("text") {
        config.text = book().display().to_string();
    }
    let corpus = if config.text.is_empty() { String::new() } else { read_text(Path::new(&config.text))? };
    let (task, params) = info.build(&config, &corpus)?;
    let text = args.text.clone();
    let show: Show = Box::new(move |p| task.show(p, text.as_deref()));
    Ok(Subject { config, params: vec![("not at all".into(), params)], show })
}

fn write_csv(folder: &Path, moments: &Moments) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let files = [
        ("trace.csv", trace_csv(moments)),
        ("parameters.csv", parameters_csv(moments)),
        ("dependence.csv", dependence_csv(moments)),
    ];
    for (name, csv) in files {
        file::replace(&folder.join(name), csv.as_bytes())?;
    }
    Ok(())
}

/// What was written, and what to do next.
fn next(args: &Args, subject: &Subject, bytes: usize) -> String {
    let (out, size) = (args.out.display(), bytes as f64 / 1e6);
    let mut text = format!("\n{out} ({size:.1} MB) has the pictures; open it in a browser\n");
    if let Some(folder) = &args.csv {
        let _ = writeln!(text, "{} has the numbers", folder.display());
    }
    text + &match (&args.from, subject.params.len()) {
        (None, _) => format!("Next: cargo rnn train --task {} --snapshots 0,10,50,100\n", args.task),
        (Some(_), 1) => "Next: train with --snapshots 0,10,50,100 to see it learn\n".into(),
        (Some(folder), _) => {
            format!("Next: cargo rnn inspect --from {} --text \"another text\"\n", folder.display())
        }
    }
}

// ---- The summary

/// The widest picture, in characters.
const WIDTH: usize = 60;

/// Every moment in a line; the last one in full.
fn summary(moments: &Moments) -> String {
    let mut text = String::new();
    for (name, record) in moments {
        let (right, known) = score(record);
        let right = if known > 0 { format!(", {right} of {known} predictions right") } else { String::new() };
        let _ = writeln!(text, "trained {name}: loss {:.4}{right}", record.loss);
    }
    let Some((_, record)) = moments.last() else { return text };
    for cell in &record.cells {
        let _ = write!(text, "\n{}", table(cell));
    }
    text += "\n";
    for finding in health(record) {
        let mark = if finding.ill { "!" } else { "-" };
        let _ = writeln!(text, "{mark} {}", finding.text);
    }
    text + &depends(record).unwrap_or_default()
}

/// How many predictions are right, of those of which it is known.
fn score(record: &Record) -> (usize, usize) {
    let known: Vec<_> =
        record.predictions.iter().filter_map(|p| p.expected.as_ref().map(|e| *e == p.found)).collect();
    (known.iter().filter(|&&right| right).count(), known.len())
}

/// A cell's gates, candidate and states: mean, extremes, and the mean over the steps as a row of bars.
fn table(cell: &CellRecord) -> String {
    let symbols: String = cell.symbols.concat().chars().take(WIDTH).collect();
    let head = if cell.symbols.iter().all(|s| s.chars().count() == 1) { symbols.as_str() } else { "" };
    let mut text = format!("{:<12} {:>6} {:>6} {:>6}  {head}\n", cell.name, "mean", "least", "most");
    for q in cell.quantities.iter().filter(|q| cell.role(&q.name) != Role::Before) {
        let mean = q.value.iter().sum::<f32>() / q.value.len() as f32;
        let (least, most) = extremes(&q.value);
        let (from, to) = if cell.role(&q.name) == Role::Gate { (0.0, 1.0) } else { mean_range(q) };
        let heights = (0..q.steps().min(WIDTH)).map(|t| (q.mean(t) - from) / (to - from));
        let bars: String = heights.map(bar).collect();
        let _ = writeln!(text, "  {:<10} {mean:>6.2} {least:>6.2} {most:>6.2}  {bars}", q.name);
    }
    text
}

fn extremes(entries: &[f32]) -> (f32, f32) {
    entries.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), &x| (least.min(x), most.max(x)))
}

/// From the least to the greatest mean over the units.
fn mean_range(q: &Traced) -> (f32, f32) {
    let means: Vec<f32> = (0..q.steps()).map(|t| q.mean(t)).collect();
    let (from, to) = extremes(&means);
    if from < to { (from, to) } else { (from - 1.0, to + 1.0) }
}

/// A bar of a height from 0 to 1.
fn bar(height: f32) -> char {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    BARS[((height * 8.0) as usize).min(7)]
}

/// What the last prediction depends on most.
fn depends(record: &Record) -> Option<String> {
    let (last, symbols) = (record.predictions.last()?, &record.cells.first()?.symbols);
    let mut steps: Vec<usize> = (0..last.dependence.len()).collect();
    steps.sort_by(|&a, &b| last.dependence[b].total_cmp(&last.dependence[a]));
    let most: Vec<String> = steps.iter().take(4).map(|&t| format!("{} at step {t}", symbols[t])).collect();
    let share = 100.0 * last.probability;
    Some(format!(
        "- the last prediction, {} ({share:.0} %), depends most on {}\n",
        last.found,
        most.join(", ")
    ))
}
