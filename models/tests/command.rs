//! The `rnn` command with everything that can be wrong: one line that names it, exit code 2, and no backtrace.

use models::tasks;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const TEXT: &str = "the quick brown fox jumps over the lazy dog; ";

/// A folder with a text (`text`) and, in `run`, a small model trained on it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.path("text"), TEXT.repeat(20)).unwrap();
        place
    }

    fn with_run() -> Self {
        let place = Self::new();
        let out = place.train("--out run");
        assert!(out.status.success(), "{}", errors(&out));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `rnn` in the folder; arguments are separated by spaces.
    fn rnn(&self, arguments: &str) -> Output {
        let arguments = arguments.split(' ').filter(|a| !a.is_empty());
        Command::new(env!("CARGO_BIN_EXE_rnn")).args(arguments).current_dir(self.0.path()).output().unwrap()
    }

    /// Trains a small model; later arguments take the place of earlier ones.
    fn train(&self, arguments: &str) -> Output {
        let mut all = String::from("train");
        let small =
            [("--text", "text"), ("--hidden", "4"), ("--embedding", "3"), ("--seq", "8"), ("--batch", "4")];
        for (name, value) in small.into_iter().chain([("--steps", "6")]) {
            if !arguments.split(' ').any(|a| a == name) {
                all += &format!(" {name} {value}");
            }
        }
        self.rnn(&format!("{all} {arguments}"))
    }

    /// `rnn: ` and this, on one line, with exit code 2; `{}` stands for the folder.
    #[track_caller]
    fn refused(&self, out: &Output, expected: &str) {
        let expected = expected.replace("{}", &self.0.path().canonicalize().unwrap().display().to_string());
        assert_eq!(errors(out), format!("rnn: {expected}\n"));
        assert_eq!(out.status.code(), Some(2));
        assert!(out.stdout.is_empty());
    }
}

fn errors(out: &Output) -> String {
    String::from_utf8(out.stderr.clone()).unwrap()
}

fn output(out: &Output) -> String {
    assert!(out.status.success(), "{}", errors(out));
    String::from_utf8(out.stdout.clone()).unwrap()
}

#[test]
fn texts() {
    let place = Place::new();
    fs::write(place.path("empty"), "").unwrap();
    fs::write(place.path("latin1"), b"caf\xe9 au lait").unwrap();
    fs::write(place.path("same"), "aaaaaaaaaaaaaaaaaaaaaaaaa").unwrap();
    fs::write(place.path("tiny"), "abcabc").unwrap();
    fs::write(place.path("short"), "abcdefgh".repeat(5)).unwrap();
    fs::create_dir(place.path("folder")).unwrap();
    for (text, expected) in [
        ("missing", "cannot read {}/missing: No such file or directory (os error 2)"),
        ("empty", "{}/empty: the file is empty"),
        ("latin1", "{}/latin1: not UTF-8 text from byte 3 on (0xe9); convert it with iconv"),
        ("same", "same: 1 different character(s): a model needs two or more"),
        ("tiny", "tiny: the held-out tenth has 1 characters and needs 2; take a longer text"),
        (
            "short",
            "short: the text has 36 characters, one window of 4 streams × 8 needs 36; take a longer text or a smaller batch or window",
        ),
        ("folder", "{}/folder is a folder without chapters (.md); give a file"),
        ("text/below", "cannot read {}/text/below: Not a directory (os error 20)"),
    ] {
        if text == "short" {
            // 36 characters just suffice.
            assert!(place.train("--text short --out just").status.success());
            fs::write(place.path("short"), "abcdefgh".repeat(5).split_off(2)).unwrap();
            let expected = expected.replace("has 36", "has 34");
            place.refused(&place.train("--text short"), &expected);
            continue;
        }
        place.refused(&place.train(&format!("--text {text}")), expected);
    }
}

#[test]
fn settings() {
    let place = Place::new();
    for (arguments, expected) in [
        ("--hidden 0", "hidden is 0; it must be 1 to 16777216"),
        ("--embedding 0", "embedding is 0; it must be 1 to 16777216"),
        ("--layers 0", "layers is 0; it must be 1 to 1024"),
        ("--seq 0", "seq is 0; it must be 1 to 16777216"),
        ("--batch 0", "batch is 0; it must be 1 to 16777216"),
        ("--steps 0", "steps is 0; it must be 1 to 1099511627776"),
        ("--eval-every 0", "eval-every is 0; it must be 1 to 1099511627776"),
        ("--save-every 0", "save-every is 0; it must be 1 to 1099511627776"),
        ("--lr 0", "lr is 0; it must be more than 0"),
        ("--lr inf", "lr is inf; it must be more than 0"),
        ("--dropout 1", "dropout is 1; it must be at least 0 and less than 1"),
        ("--recurrent-dropout 1", "recurrent-dropout is 1; it must be at least 0 and less than 1"),
        (
            "--bidirectional",
            "the task chars does not take --bidirectional (of those that not every task takes: --text, --encoding, --seq, \
             --learn-initial-state)",
        ),
        ("--clip NaN", "clip is NaN; it must be 0 (off) or more"),
        ("--clip 1 --clip-value 1", "clip 1 and clip-value 1 are both set; set one of them to 0"),
        ("--seed 18446744073709551615", "seed is 18446744073709551615; it must be 0 to 9223372036854775807"),
        ("--optimizer adma", "unknown optimiser 'adma' (known: sgd, rmsprop, adagrad, adam, adamw)"),
        ("--optimizer sgd:mu=1", "optimiser sgd does not take mu (it takes momentum, weight-decay)"),
        ("--schedule cosin", "unknown schedule 'cosin' (known: constant, cosine, step)"),
        ("--encoding bytes", "unknown encoding 'bytes' (known: embedding, one-hot, hashing; hashing:N)"),
        (
            "--init glorot",
            "unknown initialiser 'glorot' (known: zeros, normal, xavier-uniform, orthogonal, uniform)",
        ),
        ("--task nope", &unknown_task("nope")),
        (
            "--teacher-forcing 0.5",
            "the task chars does not take --teacher-forcing (of those that not every task takes: --text, --encoding, \
             --seq, --learn-initial-state)",
        ),
        (
            "--hidden 200000",
            "text: hidden 200000 × layers 1 with 28 characters makes too many weights for one machine",
        ),
        ("--out text", "cannot make the folder text: File exists (os error 17)"),
        ("--out text/below", "cannot make the folder text/below: Not a directory (os error 20)"),
        ("--resume nowhere", "nowhere holds no run: there is no checkpoint.safetensors"),
    ] {
        place.refused(&place.train(arguments), expected);
    }
    assert!(!place.path("runs").exists());
}

#[test]
fn a_folder_that_holds_a_run() {
    let place = Place::with_run();
    place.refused(&place.train("--out run"), "run already holds a run; choose another --out");
    // Killed before its setup was written, it can still be resumed, and not be overwritten.
    fs::remove_file(place.path("run/config.toml")).unwrap();
    place.refused(&place.train("--out run"), "run already holds a run; choose another --out");
}

#[test]
fn a_loss_that_is_not_finite() {
    let place = Place::new();
    let out = place.train("--lr 1e38 --steps 20 --eval-every 20");
    let line = errors(&out).lines().last().unwrap().to_string();
    assert!(line.starts_with("rnn: the loss of step 2 is not finite, first in "), "{line}");
    assert!(line.ends_with("; try a smaller learning rate or clipping"), "{line}");
    assert_eq!((out.status.code(), out.stdout.len()), (Some(2), 0));
}

/// Files of a run that are not what they should be: what `generate` and `eval` say.
#[test]
fn broken_runs() {
    let place = Place::with_run();
    let (config, vocabulary, model) = ("run/config.toml", "run/vocabulary.json", "run/model.safetensors");
    let break_file = |name: &str, bytes: &[u8], expected: &str| {
        let good = fs::read(place.path(name)).unwrap();
        fs::write(place.path(name), bytes).unwrap();
        for command in ["generate --from run", "eval --from run --text text"] {
            place.refused(&place.rnn(command), &format!("{name}: {expected}"));
        }
        fs::write(place.path(name), good).unwrap();
    };
    break_file(config, b"", "the file is empty");
    break_file(config, b"\xff", "not UTF-8 text from byte 0 on (0xff); convert it with iconv");
    break_file(config, b"hello", "line 1: key with no value, expected `=`");
    break_file(config, b"version = 2", "version 2; this program reads version 1");
    let good = fs::read_to_string(place.path(config)).unwrap();
    let huge = good.replace("hidden = 4", "hidden = 4000");
    let line = b"hidden = \"4\"";
    let text = good.replace("hidden = 4", std::str::from_utf8(line).unwrap());
    break_file(config, text.as_bytes(), "line 7: invalid type: string \"4\", expected usize");
    break_file(
        vocabulary,
        b"[\"a\"",
        "not a list of characters: EOF while parsing a list at line 1 column 4",
    );
    break_file(vocabulary, b"[]", "0 different character(s): a model needs two or more");
    let weights = fs::read(place.path(model)).unwrap();
    break_file(model, b"", "0 bytes are too few for the weights of hidden 4 × layers 1; was it cut short?");
    break_file(
        model,
        &[b'x'; 4000],
        "not a safetensors file (its header would have 8680820740569200760 bytes)",
    );
    break_file(
        model,
        &[&[255; 8], &weights[8..]].concat(),
        "not a safetensors file (its header would have 18446744073709551615 bytes)",
    );
    let checkpoint = fs::read(place.path("run/checkpoint.safetensors")).unwrap();
    break_file(model, &checkpoint, "tensor embedding.weight of shape [28, 3] is missing");
    let mut nan = weights.clone();
    let end = nan.len();
    nan[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    break_file(model, &nan, "tensor rnn.weight_ih_l0: entry 47 is NaN, expected a finite number");
    break_file(model, &weights[..end - 1], "cut short: tensor rnn.weight_ih_l0 ends at byte 1472 of 1471");
    // The configuration of another network, too large for these weights: no memory is taken for it.
    fs::write(place.path(config), huge).unwrap();
    let few = format!(
        "{model}: {end} bytes are too few for the weights of hidden 4000 × layers 1; was it cut short?"
    );
    place.refused(&place.rnn("generate --from run"), &few);
    fs::remove_file(place.path(config)).unwrap();
    place.refused(&place.rnn("generate --from run"), "run holds no run: there is no config.toml");
}

#[test]
fn generating_and_measuring() {
    let place = Place::with_run();
    for (arguments, expected) in [
        (
            "--prompt X",
            "--prompt: the model never saw the character 'X' (character 1); it knows  ;abcdefghijklmnopqrstuvwxyz",
        ),
        ("--temperature -1", "--temperature -1: it must be 0 (greedy) or more"),
        ("--temperature NaN", "--temperature NaN: it must be 0 (greedy) or more"),
    ] {
        let arguments = arguments.replace(" -1", "=-1");
        place.refused(&place.rnn(&format!("generate --from run {arguments}")), expected);
    }
    fs::write(place.path("one"), "a").unwrap();
    fs::write(place.path("other"), "a fox\nand a dog").unwrap();
    let one = "one: one character leaves nothing to predict; take a longer text";
    place.refused(&place.rnn("eval --from run --text one"), one);
    let other =
        "other: the model never saw the character '\\n' (character 6); it knows  ;abcdefghijklmnopqrstuvwxyz";
    place.refused(&place.rnn("eval --from run --text other"), other);
    assert_eq!(output(&place.rnn("generate --from run --prompt fox --length 20")).chars().count(), 24);
    assert!(output(&place.rnn("eval --from run --text text")).contains(" nats per character = "));
    let best = output(&place.rnn("eval --from run --text text --best"));
    assert!(best.contains(" nats per character = "));
}

#[test]
fn resuming_with_other_settings() {
    let place = Place::with_run();
    let resume = |arguments: &str| place.rnn(&format!("train --resume run {arguments}"));
    let past = |what: &str, has: &str| {
        format!(
            "--{what} would change the past of this run, which has {has}; leave it out, or begin anew with --out"
        )
    };
    for (arguments, expected) in [
        ("--lr 0.1", past("lr 0.1", "0.003")),
        ("--hidden 5", past("hidden 5", "4")),
        ("--model elman", past("model \"elman\"", "\"lstm\"")),
        ("--optimizer sgd", past("optimizer \"sgd\"", "\"adam\"")),
        ("--dropout 0.5", past("dropout 0.5", "0.0")),
        ("--learn-initial-state", past("learn-initial-state true", "false")),
        ("--eval-every 7", past("eval-every 7", "1")),
        ("--seed 2", past("seed 2", "1")),
        ("--steps 3", "--steps 3: this run has made 6 already".into()),
    ] {
        place.refused(&resume(arguments), &expected);
    }
    let both = resume("--out elsewhere");
    assert_eq!(both.status.code(), Some(2));
    assert!(
        errors(&both).starts_with("error: the argument '--resume <DIR>' cannot be used with '--out <DIR>'")
    );
    // What was the same before is no change, and nothing is left to do.
    assert_eq!(
        output(&resume("--lr 0.003 --hidden 4")),
        "run has made its 6 steps; --steps with a larger number goes on\n"
    );
    assert!(output(&resume("--steps 9")).contains("after 9 steps"));
    // A schedule that ends with the steps.
    assert!(place.train("--schedule cosine --out cosine").status.success());
    let ends = "--steps 9 would change the past of this run: its schedule cosine ends with its 6 steps";
    place.refused(&place.rnn("train --resume cosine --steps 9"), ends);
}

#[test]
fn resuming_with_broken_files() {
    let place = Place::with_run();
    let name = "run/checkpoint.safetensors";
    let good = fs::read(place.path(name)).unwrap();
    let resume = |bytes: &[u8]| {
        fs::write(place.path(name), bytes).unwrap();
        place.rnn("train --resume run --steps 9")
    };
    place.refused(&resume(b""), &format!("{name}: not a safetensors file (it has no 8 bytes)"));
    let model = fs::read(place.path("run/model.safetensors")).unwrap();
    place.refused(&resume(&model), &format!("{name}: holds tensors, but is not a checkpoint"));
    let later = String::from_utf8_lossy(&good).find("version = 1").unwrap();
    let mut version = good.clone();
    version[later + 10] = b'2';
    place.refused(&resume(&version), &format!("{name}: version 2; this program reads version 1"));
    let mut nan = good.clone();
    let end = nan.len() - 56; // the random numbers' state is last
    nan[end - 4..end].copy_from_slice(&f32::INFINITY.to_le_bytes());
    let out = resume(&nan);
    assert!(errors(&out).ends_with("is inf, expected a finite number\n"), "{}", errors(&out));
    // The text: changed, moved, and found again.
    let text = fs::read(place.path("text")).unwrap();
    fs::write(place.path("text"), [&text[1..], b"!"].concat()).unwrap();
    let out = resume(&good);
    let changed = format!(
        "rnn: {name}: the text {} has changed: it had 900 bytes (hash ",
        place.path("text").canonicalize().unwrap().display()
    );
    assert!(errors(&out).starts_with(&changed), "{}", errors(&out));
    assert_eq!(out.status.code(), Some(2));
    fs::remove_file(place.path("text")).unwrap();
    let moved = "cannot read {}/text: No such file or directory (os error 2); if the text lies elsewhere now, say where with --text FILE";
    place.refused(&resume(&good), moved);
    fs::write(place.path("elsewhere"), text).unwrap();
    assert!(place.rnn("train --resume run --steps 9 --text elsewhere").status.success());
    let metrics = place.path("run/metrics.csv");
    let length = fs::metadata(&metrics).unwrap().len();
    fs::write(&metrics, "step").unwrap();
    let lost =
        format!("run/metrics.csv has lost rows: 4 of {length} bytes are left; put it back or remove it");
    place.refused(&place.rnn("train --resume run --steps 12"), &lost);
    fs::remove_file(&metrics).unwrap();
    assert!(place.rnn("train --resume run --steps 12").status.success());
}

/// The error for a task that does not exist.
fn unknown_task(name: &str) -> String {
    format!("unknown task {name}; known:\n{}", known_tasks())
}

fn known_tasks() -> String {
    let lines: Vec<String> =
        tasks::ALL.iter().map(|task| format!("{:10} {}", task.name, task.summary)).collect();
    lines.join("\n")
}

/// Every task: trained, measured again, resumed, and refused what it does not take.
#[test]
fn every_task() {
    let place = Place::new();
    let list = output(&place.rnn("tasks"));
    for task in tasks::ALL.iter().filter(|task| !task.takes("text")) {
        let (name, out) = (task.name, format!("run-{}", task.name));
        assert!(list.contains(&format!("{name:10} {}\n", task.summary)));
        let shown = output(&place.rnn(&format!("tasks {name}")));
        assert!(shown.contains(task.solved) && shown.contains("\n  model = "), "{shown}");
        let trained = output(
            &place.rnn(&format!("train --task {name} --hidden 4 --steps 4 --schedule constant --out {out}")),
        );
        let lines: Vec<&str> = trained.lines().collect();
        assert!(
            lines[0].contains(task.measure) && lines[0].ends_with(" % right, after 4 steps"),
            "{trained}"
        );
        let solved = format!("\nnot solved: solved means that {}\n", task.solved);
        assert!(trained.contains(&solved) && trained.contains("\nNext: cargo rnn "), "{trained}");
        // The same weights, the same questions: the same figures and answers.
        let again = output(&place.rnn(&format!("eval --from {out}")));
        assert_eq!(again.lines().next(), lines[0].strip_suffix(", after 4 steps"));
        assert!(trained.contains(again.split_once('\n').unwrap().1), "{again}");
        assert!(output(&place.rnn(&format!("train --resume {out} --steps 5"))).contains("after 5 steps"));
        let rows = fs::read_to_string(place.path(&format!("{out}/metrics.csv"))).unwrap();
        assert!(
            rows.lines().skip(1).all(|row| row.split(',').nth(8).unwrap().parse::<f64>().is_ok()),
            "{rows}"
        );
        // Only a text can be continued, and another text be measured on.
        let generated = place.rnn(&format!("generate --from {out} --length 9"));
        if task.is_text {
            assert_eq!(output(&generated).chars().count(), 1 + 9 + 1);
            continue;
        }
        assert!(!place.path(&format!("{out}/vocabulary.json")).exists());
        let refusal = format!(
            "{out} holds a run of the task {name}, which is not a text; rnn eval --from {out} measures it"
        );
        place.refused(&generated, &refusal);
        place.refused(&place.rnn(&format!("eval --from {out} --text text")), &refusal);
    }
    place.refused(&place.rnn("tasks nope"), &unknown_task("nope"));
}

#[test]
fn settings_that_a_task_does_not_take() {
    let place = Place::new();
    let all = [
        ("text", "text"),
        ("encoding", "one-hot"),
        ("seq", "5"),
        ("bidirectional", ""),
        ("teacher-forcing", "0.5"),
        ("learn-initial-state", ""),
    ];
    for task in &tasks::ALL {
        for (setting, value) in all.into_iter().filter(|(setting, _)| !task.takes(setting)) {
            let out = place.rnn(&format!("train --task {} --{setting} {value}", task.name));
            let line = format!("rnn: the task {} does not take --{setting} (of those that not", task.name);
            assert!(errors(&out).starts_with(&line) && errors(&out).lines().count() == 1, "{}", errors(&out));
            assert_eq!(out.status.code(), Some(2));
        }
    }
    assert!(!place.path("runs").exists());
    let huge = "dates: hidden 200000 × layers 1 makes too many weights for one machine";
    place.refused(&place.rnn("train --task dates --hidden 200000"), huge);
    // Nor when a run goes on, nor in its files.
    let train = "train --task dates --hidden 4 --steps 2 --out run";
    output(&place.rnn(train));
    let takes = "(of those that not every task takes: --teacher-forcing, --learn-initial-state)";
    let seq = format!("the task dates does not take --seq {takes}");
    place.refused(&place.rnn("train --resume run --seq 28"), &seq);
    let past = "--task \"recall\" would change the past of this run, which has \"dates\"; leave it out, or begin anew with --out";
    place.refused(&place.rnn("train --resume run --task recall"), past);
    let config = fs::read_to_string(place.path("run/config.toml")).unwrap();
    for (from, to, expected) in [
        ("seq = 28", "seq = 29", &*seq),
        ("bidirectional = false", "bidirectional = true", &seq.replace("--seq", "--bidirectional")),
    ] {
        fs::write(place.path("run/config.toml"), config.replace(from, to)).unwrap();
        place.refused(&place.rnn("eval --from run"), &format!("run/config.toml: {expected}"));
    }
    fs::write(place.path("run/config.toml"), config.replace("\"dates\"", "\"date\"")).unwrap();
    let unknown = format!("run/config.toml: {}", unknown_task("date"));
    place.refused(&place.rnn("eval --from run"), &unknown);
}

#[test]
fn a_text_is_measured_on_its_own_held_out_tenth() {
    let place = Place::with_run();
    let trained = output(&place.train("--out again"));
    let eval = output(&place.rnn("eval --from again"));
    assert!(trained.starts_with(eval.trim_end()), "{trained}{eval}");
}

#[test]
fn metrics() {
    let place = Place::new();
    assert!(place.train("--steps 12 --eval-every 4 --clip 0.001 --out run").status.success());
    let metrics = fs::read_to_string(place.path("run/metrics.csv")).unwrap();
    let rows: Vec<Vec<&str>> = metrics.lines().map(|line| line.split(',').collect()).collect();
    let header =
        ["step", "train", "validation", "seconds", "grad_norm", "clip_rate", "param_norm", "lr", "accuracy"];
    assert_eq!(rows[0], header);
    assert_eq!(rows[1..].iter().map(|row| row[0]).collect::<Vec<_>>(), ["4", "8", "12"]);
    for row in &rows[1..] {
        assert_eq!(row[8], "", "no character is right or wrong");
        let numbers: Vec<f64> = row[..8].iter().map(|x| x.parse().unwrap()).collect();
        assert!(numbers[4] > 0.001 && numbers[6] > 1.0, "{row:?}");
        assert_eq!((numbers[5], numbers[7]), (1.0, 0.003), "all steps are clipped, the rate is constant");
    }
}

#[test]
fn warnings_are_one_line_each() {
    let place = Place::new();
    let out = place.train("--steps 120 --lr 1e-9 --clip 0.0001 --eval-every 120");
    let lines: Vec<String> =
        errors(&out).lines().filter(|l| l.starts_with("warning: ")).map(String::from).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with("warning: every one of the last 100 steps was clipped, up to step 100"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("warning: the loss does not fall: 3."), "{lines:?}");
}

#[test]
fn early_stopping_keeps_the_best() {
    let place = Place::new();
    let out = place.train("--steps 3000 --lr 0.3 --eval-every 1 --patience 4 --out run");
    let text = output(&out);
    assert!(text.contains("\nstopped early: the best, "), "{text}");
    let rows = fs::read_to_string(place.path("run/metrics.csv")).unwrap();
    let losses: Vec<f64> =
        rows.lines().skip(1).map(|row| row.split(',').nth(2).unwrap().parse().unwrap()).collect();
    let best =
        losses.iter().position(|&x| x == losses.iter().copied().fold(f64::INFINITY, f64::min)).unwrap();
    assert_eq!(losses.len(), best + 1 + 4);
    assert!(losses.len() < 3000);
    let eval = |flag: &str| output(&place.rnn(&format!("eval --from run --text text {flag}")));
    assert_ne!(eval("--best"), eval(""));
    assert_ne!(
        fs::read(place.path("run/best.safetensors")).unwrap(),
        fs::read(place.path("run/model.safetensors")).unwrap()
    );
    // More patience goes on.
    assert!(output(&place.rnn("train --resume run --patience 5")).contains(" steps\n"));
}

#[test]
fn the_help_states_the_defaults() {
    let place = Place::new();
    let help = output(&place.rnn("train --help")).split_whitespace().collect::<Vec<_>>().join(" ");
    let config = toml::Table::try_from(models::config::Config::default()).unwrap();
    for (key, value) in config {
        let option = format!("--{} ", key.replace('_', "-"));
        let value = value.to_string().trim_matches('"').trim_end_matches(".0").to_string();
        let said = help
            .split(&option)
            .nth(1)
            .unwrap_or("")
            .split(']')
            .next()
            .unwrap_or("")
            .split("[default: ")
            .nth(1);
        let said = said.map(|said| said.split(',').next().unwrap());
        match key.as_str() {
            "version" | "text" => {}
            "bidirectional" | "learn_initial_state" => assert_eq!(value, "false"), // set by being there
            "eval_every" => assert_eq!(said, Some("a tenth of the steps")),
            "save_every" => assert_eq!(said, Some("as --eval-every")),
            _ => assert_eq!(said, Some(value.as_str()), "{option}"),
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let place = Place::with_run();
    let full = |name: &str| std::os::unix::fs::symlink("/dev/full", place.path(name)).unwrap();
    let before = fs::read(place.path("run/checkpoint.safetensors")).unwrap();
    for name in ["run/checkpoint.safetensors", "run/model.safetensors"] {
        full(&format!("{name}.tmp"));
        let out = place.rnn("train --resume run --steps 9");
        let line = errors(&out).lines().last().unwrap().to_string();
        let expected = format!(
            "rnn: cannot write {name}: No space left on device (os error 28); the last checkpoint is whole: \
                                make room, then cargo rnn train --resume run"
        );
        assert_eq!((line, out.status.code()), (expected, Some(2)));
        // The last good checkpoint is as it was, and resumes.
        assert_eq!(fs::read(place.path("run/checkpoint.safetensors")).unwrap(), before);
    }
    assert!(output(&place.rnn("train --resume run --steps 9")).contains("after 9 steps"));
    // Standard output, too, can be full.
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in ["generate --from run", "eval --from run --text text", "train --resume run --steps 12"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rnn"));
        let out =
            command.args(arguments.split(' ')).current_dir(place.0.path()).stdout(full()).output().unwrap();
        let line = errors(&out).lines().last().unwrap().to_string();
        assert!(
            line.starts_with("rnn: cannot write ") && line.ends_with("No space left on device (os error 28)"),
            "{line}"
        );
        assert_eq!(out.status.code(), Some(2));
    }
}

#[test]
fn chapters_of_a_folder_are_one_text() {
    let place = Place::new();
    fs::create_dir_all(place.path("book/part")).unwrap();
    let write = |name: &str, text: &str| fs::write(place.path(name), text.repeat(40)).unwrap();
    write("book/a.md", "abc ");
    write("book/part/b.md", "def ");
    write("book/other.txt", "XYZ ");
    output(&place.train("--text book --out run"));
    let vocabulary = fs::read_to_string(place.path("run/vocabulary.json")).unwrap();
    assert_eq!(vocabulary, r#"[" ","a","b","c","d","e","f"]"#);
    assert!(place.rnn("train --resume run --steps 9").status.success());
    assert!(Path::new(&place.path("run/best.safetensors")).exists());
}
