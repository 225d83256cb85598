//! `rnn train`, killed again and again, ends with the same bytes as if it had been left alone.
#![cfg(unix)]

use models::checkpoint::Checkpoint;
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Whatever has a state to lose: dropout, RMSprop with momentum, a schedule with warm-up, two layers.
const SETTINGS: &str = "--text text --hidden 16 --embedding 8 --layers 2 --seq 16 --batch 4 --dropout 0.3 \
    --optimizer rmsprop:momentum=0.5 --schedule cosine:warmup=10 --lr 0.003";

/// A folder with a text of many different lines.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let words = ["forget", "gate", "cell", "state", "tape", "node", "the", "a", "of", "and", "\n"];
    let text: Vec<&str> = (0..4000).map(|_| words[random.random_range(0..words.len())]).collect();
    fs::write(folder.path().join("text"), text.join(" ")).unwrap();
    folder
}

fn rnn(folder: &Path, arguments: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rnn"));
    command.args(arguments.split_whitespace()).current_dir(folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What a run has left that must not depend on when it was killed: metrics without their times.
fn results(run: &Path) -> [Vec<u8>; 3] {
    let read = |name: &str| fs::read(run.join(name)).unwrap();
    let metrics = String::from_utf8(read("metrics.csv")).unwrap();
    let timeless = metrics.lines().map(|line| {
        let columns = line.split(',').enumerate().filter(|(k, _)| *k != 3);
        columns.map(|(_, text)| text).collect::<Vec<_>>().join(",") + "\n"
    });
    [read("model.safetensors"), read("best.safetensors"), timeless.collect::<String>().into_bytes()]
}

/// Trains `steps` steps once in peace and once killed up to `kills` times, and compares; returns how often it was killed.
fn killed(settings: &str, kills: usize, steps: u64, save_every: u64, seed: u64) -> usize {
    let folder = folder();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let train =
        format!("train {settings} --steps {steps} --eval-every {} --save-every {save_every}", steps / 10);
    let start = Instant::now();
    let out = rnn(folder.path(), &format!("{train} --out whole")).wait_with_output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let whole = start.elapsed();

    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut done, mut halves) = (0, 0);
    let mut child = rnn(folder.path(), &format!("{train} --out killed"));
    while done < kills {
        // All kills together take about half of the whole: the machine may be less busy by then.
        let share = random.random::<f64>() / (kills + 1) as f64;
        sleep(Duration::from_millis(20) + whole.mul_f64(share));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        done += 1;
        halves += usize::from(path("killed/checkpoint.safetensors.tmp").exists());
        // Killed before its first checkpoint, a run has done nothing yet.
        let begun = path("killed/checkpoint.safetensors").exists();
        child = rnn(
            folder.path(),
            &if begun { "train --resume killed".into() } else { format!("{train} --out killed") },
        );
    }
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let [a, b] = [results(&path("whole")), results(&path("killed"))];
    assert!(a[0] == b[0], "model.safetensors differs after {done} kills");
    assert!(a[1] == b[1], "best.safetensors differs after {done} kills");
    assert_eq!(String::from_utf8_lossy(&a[2]), String::from_utf8_lossy(&b[2]));
    println!("{done} kills, {halves} of them while a checkpoint was being written; {whole:?} in peace");
    done
}

#[test]
fn sigkill_a_few_times() {
    assert!(killed(SETTINGS, 4, 300, 3, 1) > 0, "the run was over before it could be killed");
}

/// A task that draws its batches: dropout and scheduled sampling draw from the same random numbers.
#[test]
fn sigkill_a_generated_task() {
    let settings =
        "--task dates --hidden 12 --embedding 6 --layers 2 --batch 8 --dropout 0.3 --teacher-forcing 0.5";
    assert!(killed(settings, 3, 200, 3, 3) > 0, "the run was over before it could be killed");
}

#[test]
#[ignore = "takes a minute; cargo test --release -p models --test kill -- --ignored --nocapture"]
fn sigkill_20() {
    assert_eq!(killed(SETTINGS, 20, 4000, 7, 2), 20);
}

/// Sends Ctrl-C's signal to a training that has begun, and returns the step after which it stopped.
fn interrupted(mut child: Child) -> u64 {
    let mut first_line = String::new();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    errors.read_line(&mut first_line).unwrap();
    sleep(Duration::from_millis(200));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(130));
    let line = String::from_utf8(out.stdout).unwrap();
    let step: u64 = line.split([' ', ';']).nth(3).unwrap().parse().unwrap();
    assert_eq!(line, format!("stopped after step {step}; go on with: cargo rnn train --resume run\n"));
    step
}

#[test]
fn ctrl_c_saves_and_says_how_to_go_on() {
    let folder = folder();
    let train = format!("train {SETTINGS} --steps 100000 --eval-every 100000 --save-every 90000 --out run");
    let mut before = 0;
    for arguments in [train.as_str(), "train --resume run", "train --resume run"] {
        let step = interrupted(rnn(folder.path(), arguments));
        let saved = fs::read(folder.path().join("run/checkpoint.safetensors")).unwrap();
        assert_eq!(Checkpoint::open(&saved).unwrap().summary.progress.step, step);
        assert!(step > before);
        before = step;
    }
}

#[test]
fn two_trainings_do_not_share_a_folder() {
    let folder = folder();
    let train = format!("train {SETTINGS} --steps 100000 --eval-every 100000 --out run");
    let mut first = rnn(folder.path(), &train);
    while !folder.path().join("run/config.toml").exists() {
        sleep(Duration::from_millis(10));
    }
    let second = rnn(folder.path(), "train --resume run").wait_with_output().unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let expected = "rnn: another training is writing run/metrics.csv; wait for it or stop it\n";
    assert_eq!(String::from_utf8_lossy(&second.stderr), expected);
}
