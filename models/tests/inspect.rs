//! Seeing inside: records, health, principal components, CSV and the page.

use autograd::IGNORE_INDEX;
use models::cells::Kind;
use models::config::Config;
use models::inspect::*;
use models::params::Params;
use models::tasks::{self, Task};
use std::path::Path;
use std::process::Command;

/// A task with an untrained network of 5 units.
fn untrained(task: &str, model: &str, change: impl Fn(&mut Config)) -> (Box<dyn Task>, Params<f32>) {
    let info = tasks::find(task).unwrap();
    let mut config = Config { model: model.into(), hidden: 5, ..(info.config)() };
    change(&mut config);
    info.build(&config, if task == "chars" { "some text to be read, and some more of it; " } else { "" })
        .unwrap()
}

fn record(task: &str, model: &str, change: impl Fn(&mut Config)) -> Record {
    let (task, params) = untrained(task, model, change);
    look(&params, |p| task.show(p, None)).unwrap()
}

/// The findings, a line each.
fn sentences(record: &Record) -> String {
    let line = |finding: &Finding| format!("{} {}\n", if finding.ill { "!" } else { "-" }, finding.text);
    health(record).iter().map(line).collect()
}

#[test]
fn every_task_and_every_network_can_be_looked_into() {
    // Those that answer with numbers have no classes to show.
    let numbers = ["adding", "companies", "sine"];
    for task in tasks::ALL.iter().filter(|task| !numbers.contains(&task.name)) {
        for kind in Kind::ALL {
            let small = |c: &mut Config| (c.seq, c.batch) = (4, 1);
            let record = record(task.name, kind.name(), |c| {
                if task.name == "chars" {
                    small(c);
                }
            });
            // A relu may well be 0 in all of the five units.
            let silent = kind == Kind::ElmanRelu;
            assert!(record.loss.is_finite() && record.loss > 0.0, "{} {kind}", task.name);
            for cell in &record.cells {
                for q in &cell.quantities {
                    assert_eq!(
                        q.steps(),
                        cell.symbols.len(),
                        "{} {kind}: {} of {}",
                        task.name,
                        q.name,
                        cell.name
                    );
                    assert_eq!(q.grad.len(), q.value.len());
                }
                assert_eq!(cell.reach.len(), cell.symbols.len());
                let reached = cell.reach.iter().any(|&norm| norm > 0.0);
                assert!(reached || silent, "{} {kind}: {}", task.name, cell.name);
            }
            let last = record.predictions.last().unwrap();
            assert_eq!(last.dependence.len(), record.cells[0].symbols.len(), "{} {kind}", task.name);
            assert!((0.0..=1.0).contains(&last.probability));
            let depends = last.dependence.iter().any(|&norm| norm > 0.0);
            assert!(depends || silent, "{} {kind}", task.name);
        }
    }
}

/// Cells are told apart: layers, directions, encoder and decoder, each with what it reads.
#[test]
fn cells_have_names_and_symbols() {
    let cells = |record: &Record| {
        record.cells.iter().map(|c| format!("{} {}", c.name, c.symbols.len())).collect::<Vec<_>>().join(", ")
    };
    let deep = record("recall", "gru", |c| (c.layers, c.bidirectional) = (2, true));
    assert_eq!(cells(&deep), "l0 21, l0_reverse 21, l1 21, l1_reverse 21");
    let (task, params) = untrained("dates", "lstm", |_| ());
    let dates = look(&params, |p| task.show(p, Some("21 November 2026"))).unwrap();
    let written = dates.predictions.len();
    assert_eq!(cells(&dates), format!("encoder.l0 16, decoder.l0 {written}"));
    assert_eq!(dates.cells[0].symbols[..4], ["2", "1", "␣", "N"]);
}

/// The gradients are those of the loss: a difference quotient in the bias of every unit's forget gate, which feels f_t through
/// `dz_f = df ⊙ f(1 − f)` at every step.
#[test]
fn gradients_agree_with_differences() {
    let (task, mut params) = untrained("sentence", "lstm", |_| ());
    let show = |params: &Params<f32>| look(params, |p| task.show(p, Some("useful"))).unwrap();
    let record = show(&params);
    let f = record.cells[0].quantity("f").unwrap();
    let bias = params.find("rnn.bias_l0").unwrap();
    for unit in 0..f.units {
        let slope = |t: usize| {
            let (f, df) = (f.at(t)[unit], f.grad_at(t)[unit]);
            f64::from(df * f * (1.0 - f))
        };
        let sum: f64 = (0..f.steps()).map(slope).sum();
        let mut loss = |delta: f32| {
            params.get_mut(bias).value[5 + unit] += delta;
            let loss = show(&params).loss;
            params.get_mut(bias).value[5 + unit] -= delta;
            loss
        };
        let difference = (loss(0.05) - loss(-0.05)) / 0.1;
        assert!((sum - difference).abs() < 1e-5, "unit {unit}: {sum} {difference}");
    }
}

/// The norms of the parameters' gradients are those of the loss: differences in every entry of a bias.
#[test]
fn parameter_norms_agree_with_differences() {
    let (task, mut params) = untrained("sentence", "gru", |_| ());
    let show = |params: &Params<f32>| look(params, |p| task.show(p, Some("useful"))).unwrap();
    let record = show(&params);
    let bias = params.find("rnn.bias_l0").unwrap();
    let mut difference = |k: usize| {
        let mut loss = |delta: f32| {
            params.get_mut(bias).value[k] += delta;
            let loss = show(&params).loss;
            params.get_mut(bias).value[k] -= delta;
            loss
        };
        (loss(0.05) - loss(-0.05)) / 0.1
    };
    let norm = (0..15).map(|k| difference(k).powi(2)).sum::<f64>().sqrt();
    let found = record.params.iter().find(|p| p.name == "rnn.bias_l0").unwrap();
    assert!((found.grad - norm).abs() < 1e-4, "{} {norm}", found.grad);
}

/// Where derivatives can be written down: of the last logit in the last state, a row of the head's matrix V; and in the last
/// input, that row times diag(1 − h²) W. The class is the one that was found, the likeliest.
#[test]
fn the_last_step_of_an_elman_network_by_hand() {
    let (task, params) = untrained("sentence", "elman", |c| c.encoding = "one-hot".into());
    let record = look(&params, |p| task.show(p, Some("useful"))).unwrap();
    let matrix = |name: &str| params.get(params.find(name).unwrap());
    let (v, w) = (matrix("head.weight"), matrix("rnn.weight_ih_l0"));
    let last = record.predictions.last().unwrap();
    let tape = autograd::Tape::new();
    let classes = task.show(params.bind(&tape), Some("useful")).unwrap().classes;
    let class = classes.iter().position(|name| *name == last.found).unwrap();
    assert_ne!(class, 0, "another seed: the first class could be taken for granted");

    let (t, row) = (record.cells[0].symbols.len() - 1, &v.value[class * 5..(class + 1) * 5]);
    let norm = |x: &mut dyn Iterator<Item = f32>| x.map(|x| x * x).sum::<f32>().sqrt();
    let of_state = norm(&mut row.iter().copied());
    assert!((record.cells[0].reach[t] - of_state).abs() < 1e-6, "{} {of_state}", record.cells[0].reach[t]);
    let h = record.cells[0].quantity("h").unwrap().at(t);
    let back: Vec<f32> = row.iter().zip(h).map(|(v, h)| v * (1.0 - h * h)).collect();
    let of_input = norm(&mut (0..w.cols).map(|i| (0..5).map(|k| back[k] * w.value[k * w.cols + i]).sum()));
    assert!((last.dependence[t] - of_input).abs() < 1e-6, "{} {of_input}", last.dependence[t]);
}

/// Of many predictions, the last hundred are asked.
#[test]
fn the_last_predictions_are_asked() {
    let (task, params) = untrained("sentence", "elman", |_| ());
    let text = "useful ".repeat(16);
    let record = look(&params, |p| task.show(p, Some(&text))).unwrap();
    let asked: Vec<bool> = record.predictions.iter().map(|p| !p.dependence.is_empty()).collect();
    let (first, last) = asked.split_at(asked.len() - 100);
    assert!(!first.is_empty() && first.iter().all(|asked| !asked) && last.iter().all(|asked| *asked));
}

/// What the page's curves show of a step: the mean over the units, and the norm of the gradient.
#[test]
fn a_step_of_a_trace_in_one_number() {
    let q = Traced {
        name: "f".into(),
        units: 2,
        value: vec![0.0, 1.0, 0.5, 0.25],
        grad: vec![1.0, 0.0, 3.0, -4.0],
    };
    assert_eq!((q.mean(1), q.grad_norm(1)), (0.375, 5.0));
    assert_eq!(q.unit(1).collect::<Vec<_>>(), [1.0, 0.25]);
}

/// What a prediction depends on is what changes its logit; a character model does not see what comes later.
#[test]
fn predictions_depend_on_the_past_alone() {
    let record = record("sentence", "gru", |_| ());
    assert_eq!(record.predictions.len(), 69);
    for prediction in &record.predictions {
        let (past, future) = prediction.dependence.split_at(prediction.step + 1);
        assert!(past[prediction.step] > 0.0 && future.iter().all(|&norm| norm == 0.0), "{prediction:?}");
    }
    assert_eq!(record.predictions[0].expected.as_deref(), Some("S"));
    assert_eq!(record.predictions[68].expected, None);
}

/// The example's answer, where it is not known, is the network's own.
#[test]
fn a_sentence_of_ones_own_has_no_right_answer() {
    let (task, params) = untrained("sentiment", "lstm", |_| ());
    let record =
        look(&params, |p| task.show(p, Some("Although the food was awful, the view was great"))).unwrap();
    assert_eq!(record.cells[0].symbols.join(" "), "although the food was awful , the view was great");
    let [prediction] = &record.predictions[..] else { panic!("{:?}", record.predictions) };
    assert_eq!(prediction.expected, None);
    assert!((record.loss + f64::from(prediction.probability).ln()).abs() < 1e-6);
    let tape = autograd::Tape::new();
    let sample = task.show(params.bind(&tape), Some("the bed was cold")).unwrap();
    assert_eq!(sample.targets, [IGNORE_INDEX]);
}

#[test]
fn texts_that_are_not_the_tasks_are_refused() {
    for (task, text, expected) in [
        (
            "sentence",
            "xyz",
            "the model never saw the character 'x' (character 1); it knows  .LMSTabcdefiklmnopqrstuwy",
        ),
        ("sentence", "L", "a text of 1 characters; it must have 2 to 300"),
        ("numbers", "12345", "\"12345\" is not a number from 0 to 9999"),
        ("dates", "21 ~", "the model never saw the character '~' (character 4)"),
        ("dates", "", "a date of 0 characters; it must have 1 to 300"),
        ("recall", "3", "the task recall takes no --text; without it, a sample of its own is shown"),
        ("sentiment", "the dog was fine", "the model never saw the word \"dog\"; it knows"),
        ("sentiment", " ", "a sentence of 0 words; it must have 1 to 300"),
    ] {
        let (task, params) = untrained(task, "elman", |_| ());
        let error = look(&params, |p| task.show(p, Some(text))).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

/// Sets all biases of a gate.
fn with_bias(gate: usize, bias: f32) -> Record {
    let (task, mut params) = untrained("sentence", "lstm", |_| ());
    let id = params.find("rnn.bias_l0").unwrap();
    params.get_mut(id).value[gate * 5..(gate + 1) * 5].fill(bias);
    look(&params, |p| task.show(p, None)).unwrap()
}

#[test]
fn a_forget_gate_that_is_shut() {
    insta::assert_snapshot!(sentences(&with_bias(1, -10.0)), @r"
    ! l0: the forget gate f is stuck near 0 at every step in all 5 units: it cannot remember, as less than 5 % of the cell state survives a step. Begin with --forget-bias 1, and try a smaller learning rate.
    - l0: f is 0.00 on average; half of the cell state is gone in less than a step.
    - l0: the last prediction's gradient has vanished, to a thousandth, 4 steps back; from what was read before, it learns nothing.
    ");
}

#[test]
fn a_forget_gate_that_is_open() {
    insta::assert_snapshot!(sentences(&with_bias(1, 10.0)), @r"
    ! l0: the forget gate f is stuck near 1 at every step in all 5 units: it cannot forget, and the cell state only piles up. Begin with --forget-bias 1 or 0; if the task is to hold one thing for long, this is as it should be.
    - l0: f is 1.00 on average; half of the cell state is gone after more than 10,000 steps.
    - l0: the last prediction's gradient reaches back over all 69 steps.
    ");
}

#[test]
fn an_input_gate_that_is_dead() {
    insta::assert_snapshot!(sentences(&with_bias(0, -10.0)), @r"
    ! l0: the input gate i is stuck near 0 at every step in all 5 units: nothing is written into the cell state, so that nothing read is remembered. Try a smaller learning rate, or another --seed.
    - l0: f is 0.73 on average; half of the cell state is gone after 2.2 steps.
    - l0: the last prediction's gradient has vanished, to a thousandth, one step back.
    ");
}

#[test]
fn other_cells_that_are_stuck() {
    let broken = |model: &str, change: &dyn Fn(&mut Params<f32>)| {
        let (task, mut params) = untrained("sentence", model, |_| ());
        change(&mut params);
        let record = look(&params, |p| task.show(p, None)).unwrap();
        sentences(&record).lines().find(|line| line.starts_with('!')).unwrap_or("-").to_string()
    };
    let fill = |name: &'static str, part: std::ops::Range<usize>, value: f32| {
        move |params: &mut Params<f32>| {
            let id = params.find(name).unwrap();
            params.get_mut(id).value[part.clone()].fill(value);
        }
    };
    let found = [
        broken("lstm", &|_| ()),
        broken("lstm", &fill("rnn.bias_l0", 15..20, -10.0)),
        broken("lstm", &fill("rnn.bias_l0", 10..15, 10.0)),
        broken("gru", &fill("rnn.bias_l0", 5..10, 10.0)),
        broken("gru-reset-before", &fill("rnn.bias_l0", 0..5, -10.0)),
        broken("elman", &fill("rnn.bias_l0", 0..5, 10.0)),
        broken("elman-relu", &fill("rnn.bias_l0", 0..5, -10.0)),
    ];
    insta::assert_snapshot!(found.join("\n"), @r"
    -
    ! l0: the output gate o is stuck near 0 at every step in all 5 units: h is nearly 0, and what the cell remembers is never said. Try a smaller learning rate, or another --seed.
    ! l0: the candidate is saturated at ±1 at every step in all 5 units: no gradient passes where tanh is flat. Try a smaller learning rate, or clip with --clip 1.
    ! l0: the update gate z is stuck near 1 at every step in all 5 units: it cannot forget, as h is copied from step to step and nothing new gets in. Try a smaller learning rate, or another --seed.
    ! l0: the reset gate r is stuck near 0 at every step in all 5 units: the candidate n never sees the past. Try a smaller learning rate, or another --seed.
    ! l0: the state h is saturated at ±1 at every step in all 5 units: no gradient passes where tanh is flat. Try a smaller learning rate, or --init orthogonal.
    ! l0: the state h is 0 at every step in all 5 units: a relu that is never positive has no gradient and stays so. Try a smaller learning rate, or --init orthogonal.
    ");
}

/// A path in a plane that is turned into five dimensions has two components, with these coordinates up to their signs.
#[test]
fn principal_components_of_a_path_in_a_plane() {
    let (u, v) = ([0.6, 0.0, 0.8, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0]);
    let path = [(3.0, 1.0), (-3.0, 1.0), (3.0, -1.0), (-3.0, -1.0)];
    let value = path.iter().flat_map(|(a, b)| (0..5).map(move |k| 7.0 + a * u[k] + b * v[k])).collect();
    let found = components(&Traced { name: "h".into(), units: 5, value, grad: Vec::new() });
    for ((a, b), point) in path.iter().zip(&found.points) {
        let apart = [point[0] - a, point[1] - b, point[2]];
        assert!(apart.iter().all(|d| d.abs() < 1e-5), "{:?}", found.points);
    }
    assert!((found.share[0] - 0.9).abs() < 1e-6 && (found.share[1] - 0.1).abs() < 1e-6, "{:?}", found.share);
    let still = components(&Traced { name: "h".into(), units: 2, value: vec![1.0; 6], grad: Vec::new() });
    assert_eq!((still.points, still.share), (vec![[0.0; 3]; 3], [0.0; 3]));
}

/// Half is left after k steps if fᵏ = 1/2.
#[test]
fn memory_is_a_half_life() {
    let mut record = with_bias(1, 0.0);
    let cell = &mut record.cells[0];
    let f = cell.quantities.iter_mut().find(|q| q.name == "f").unwrap();
    f.value.fill(0.5_f32.powf(0.125));
    let (gate, half) = memory(cell).unwrap();
    assert_eq!(gate.name, "f");
    assert!((half - 8.0).abs() < 1e-5, "{half}");
}

#[test]
fn csv_holds_the_records_numbers() {
    let record = record("sentence", "peephole", |_| ());
    let moments = vec![("a, \"b\"".to_string(), record.clone())];
    let csv = trace_csv(&moments);
    let mut lines = csv.lines().skip(1);
    for cell in &record.cells {
        for q in &cell.quantities {
            for (at, (value, grad)) in q.value.iter().zip(&q.grad).enumerate() {
                let line = lines.next().unwrap();
                let (t, unit) = (at / q.units, at % q.units);
                let rest = line.strip_prefix("\"a, \"\"b\"\"\",").unwrap();
                let fields: Vec<&str> = rest.split(',').collect();
                assert_eq!(
                    fields[..5],
                    [&cell.name, &q.name, &t.to_string(), &cell.symbols[t], &unit.to_string()][..]
                );
                assert_eq!((fields[5].parse(), fields[6].parse()), (Ok(*value), Ok(*grad)), "{line}");
            }
        }
    }
    assert_eq!(lines.next(), None);
    assert_eq!(parameters_csv(&moments).lines().count(), 1 + record.params.len());
    assert_eq!(dependence_csv(&moments).lines().count(), 1 + 69 * 69);
}

/// Nothing that a browser would load from elsewhere; and the data ends no script, whatever its symbols are.
#[test]
fn the_page_loads_nothing() {
    let (task, params) = untrained("sentiment", "lstm", |_| ());
    let mut record = look(&params, |p| task.show(p, None)).unwrap();
    record.cells[0].symbols[0] = "</script><img src=https://example.org/>".into();
    let page = report("<b>title</b>", "about", &[("now".into(), record)]);
    assert!(page.contains("default-src 'none'") && page.contains("<h1>&lt;b&gt;title&lt;/b&gt;</h1>"));
    assert!(page.len() < 8_000_000, "{} bytes", page.len());
    let (head, rest) = page.split_once("<script>").unwrap();
    let (library, rest) = rest.split_once("</script>").unwrap();
    assert!(library.contains("plotly.js v") && library.len() > 4_000_000);
    // The library holds addresses of maps, which it loads when a map is drawn; we draw none.
    let ours = [head, rest].concat();
    for loads in ["http:", "https:", "src=http", "href=", "@import", "url(", "<link", "<iframe"] {
        assert!(!ours.replace("\\u003cimg src=https://example.org/>", "").contains(loads), "{loads}");
    }
    assert_eq!(ours.matches("</script>").count(), 2);
}

/// Layers that are too wide for a page show their first units; the means are those of all.
#[test]
fn a_wide_network_still_makes_a_small_page() {
    let record = record("sentence", "lstm", |c| c.hidden = 200);
    let page = report("wide", "", &[("now".into(), record.clone()), ("then".into(), record)]);
    assert!(page.len() < 8_000_000, "{} bytes", page.len());
    assert!(page.contains("\"units\":200"));
}

/// Runs `rnn` in a folder; arguments are separated by `|`.
fn rnn(folder: &Path, arguments: &str) -> (Option<i32>, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_rnn"))
        .args(arguments.split('|'))
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

fn files(folder: &Path) -> Vec<String> {
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

const TRAIN: &str = "train|--task|sentence|--hidden|6|--steps|20|--snapshots|0,7,20|--out|run";

/// Snapshots are the weights after these steps, also when the training was stopped in between.
#[test]
fn a_training_is_watched_on_one_page() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (code, out, errors) = rnn(folder, TRAIN);
    assert_eq!(code, Some(0), "{errors}");
    assert!(out.contains("cargo rnn inspect --from run"), "{out}");
    assert_eq!(files(&folder.join("run/snapshots")), ["0.safetensors", "20.safetensors", "7.safetensors"]);
    let read = |path: &str| std::fs::read(folder.join(path)).unwrap();
    assert_eq!(read("run/snapshots/20.safetensors"), read("run/model.safetensors"));

    std::fs::rename(folder.join("run/snapshots"), folder.join("first")).unwrap();
    let (code, _, errors) = rnn(folder, "train|--resume|run|--steps|30|--snapshots|0,25");
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!(files(&folder.join("run/snapshots")), ["25.safetensors"]);
    std::fs::copy(folder.join("first/0.safetensors"), folder.join("run/snapshots/0.safetensors")).unwrap();

    let (code, out, errors) = rnn(folder, "inspect|--from|run|--csv|numbers");
    assert_eq!(code, Some(0), "{errors}");
    assert!(out.contains("trained 0 steps: loss 3.") && out.contains("trained 25 steps:"), "{out}");
    assert!(out.contains("- l0: f is 0.") && out.contains("report.html ("), "{out}");
    assert_eq!(files(&folder.join("numbers")), ["dependence.csv", "parameters.csv", "trace.csv"]);
    let page = String::from_utf8(read("report.html")).unwrap();
    for name in ["0 steps", "25 steps", "the last"] {
        assert!(page.contains(&format!("\"name\":\"{name}\"")), "{name}");
    }
    // Row for row what the library finds in the same weights.
    let run = models::run::RunDir::open(&folder.join("run")).unwrap();
    let (_, task, params) = run.load_task(false).unwrap();
    let record = look(&params, |p| task.show(p, None)).unwrap();
    let last = trace_csv(&[("the last".into(), record)]);
    let rows = last.split_once('\n').unwrap().1;
    assert!(String::from_utf8(read("numbers/trace.csv")).unwrap().ends_with(rows));
}

#[test]
fn what_cannot_be_shown_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("taken")).unwrap();
    for (arguments, expected) in [
        ("inspect|--model|lstm|--text|LSTM?", "--text: the model never saw the character '?' (character 5)"),
        ("inspect|--model|lstm|--out|missing/page.html", "cannot write missing/page.html: No such file"),
        ("inspect|--model|lstm|--out|taken", "cannot write taken: "),
        ("inspect|--model|lstm|--task|sine", "the networks of the task sine answer with a number"),
        ("inspect|--model|transformer", "unknown network transformer"),
        ("inspect|--from|nowhere", "nowhere holds no run"),
        ("plot|nowhere", "nowhere holds no run"),
        ("train|--task|sentence|--snapshots|501", "snapshot 501 is beyond the 500 steps"),
    ] {
        let (code, out, errors) = rnn(folder, arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments}: {errors}");
        let line = errors.strip_prefix("rnn: ").unwrap_or_else(|| panic!("{errors}"));
        assert!(line.starts_with(expected) && line.lines().count() == 1, "{arguments}: {errors}");
        assert_eq!(files(folder), ["taken"], "{arguments}");
    }
}

#[test]
fn curves_of_runs_lie_over_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for out in ["a&b", "c"] {
        let (code, _, errors) = rnn(folder, &format!("train|--task|hello|--steps|20|--out|{out}"));
        assert_eq!(code, Some(0), "{errors}");
    }
    let (code, out, errors) = rnn(folder, "plot|a&b|c|--log");
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        out.contains("c: validation ") && out.ends_with("curves.svg has the curves; open it in a browser\n")
    );
    let svg = std::fs::read_to_string(folder.join("curves.svg")).unwrap();
    // A legend's stroke for each run, and two curves.
    assert_eq!((svg.matches("<polyline class=\"run-0\"").count(), svg.matches("\"run-1\"").count()), (3, 3));
    assert!(svg.contains(">a&amp;b<") && !svg.contains("NaN"));
    let (code, _, errors) = rnn(folder, "plot|c|--column|mood");
    let known = "train, validation, seconds, grad_norm, clip_rate, param_norm, lr, accuracy";
    assert_eq!(errors, format!("rnn: c/metrics.csv: there is no column mood (there are {known})\n"));
    assert_eq!(code, Some(2));
}
