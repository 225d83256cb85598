//! Runs the tests of one exercise, with a time limit, and reads what they say.

use anyhow::{Context, Result};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// As much as is kept of what a program prints: one that prints for ever must not fill the memory.
const KEPT: u64 = 1 << 20;

/// Runs a test program that has `tests` tests: how many passed, how many did not, and what the first of those says.
///
/// # Errors
/// When the program does not start.
pub fn run(program: &Path, folder: &Path, tests: usize, limit: Duration) -> Result<(usize, usize, String)> {
    let mut command = Command::new(program);
    // Not captured by the tests, which would keep all of it.
    command.args(["--nocapture", "--test-threads", "1", "--color", "never"]).current_dir(folder);
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
    let (printed, panics) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let Some(success) = wait(&mut child, limit)? else {
        return Ok((0, tests, format!("not finished after {} s", limit.as_secs())));
    };
    let grace = Duration::from_secs(2);
    let said = |from: mpsc::Receiver<String>| from.recv_timeout(grace).unwrap_or_default();
    let (printed, panics) = (said(printed), said(panics));
    if success {
        return Ok((tests, 0, String::new()));
    }
    let passed = passed(&printed).min(tests.saturating_sub(1));
    Ok((passed, tests - passed, diagnosis(&panics).unwrap_or_else(|| "the program broke off".to_owned())))
}

/// Whether the program has ended well; `None` if it had to be stopped.
fn wait(child: &mut Child, limit: Duration) -> Result<Option<bool>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Reads to the end, so that the program never has to wait, and hands over what it keeps of it.
fn reader(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let Some(mut pipe) = pipe else { return };
        let mut kept = Vec::new();
        let read = pipe.by_ref().take(KEPT).read_to_end(&mut kept);
        let read = read.and_then(|_| std::io::copy(&mut pipe, &mut std::io::sink()));
        // Whatever could not be read was not said.
        let _ = read.map(|_| sender.send(String::from_utf8_lossy(&kept).into_owned()));
    });
    receiver
}

/// The number in "test result: FAILED. 1 passed; 2 failed; …".
fn passed(printed: &str) -> usize {
    let result = printed.lines().rev().find(|line| line.starts_with("test result:"));
    let words: Vec<&str> = result.unwrap_or_default().split_whitespace().collect();
    let at = words.iter().position(|word| word.starts_with("passed"));
    at.and_then(|at| words[at - 1].parse().ok()).unwrap_or(0)
}

/// What the gradient check says the mistake looks like; or else what the first panic says.
fn diagnosis(panics: &str) -> Option<String> {
    let lines: Vec<&str> = panics.lines().map(str::trim).collect();
    if let Some(at) = lines.iter().position(|line| line.starts_with("looks like: ")) {
        let kind = lines[at].trim_start_matches("looks like: ");
        let unsure = kind.starts_with("unsure");
        let place = lines.get(at + 1).filter(|_| !unsure).map_or(String::new(), |place| format!(": {place}"));
        return Some(format!("{kind}{place}"));
    }
    let at = lines.iter().position(|line| line.starts_with("thread '") && line.contains("panicked at"))?;
    let mut said = lines[at + 1..].iter().filter(|line| !line.is_empty());
    let first = said.next()?;
    let sides: Vec<&str> =
        said.take(2).copied().filter(|line| first.contains("==") && line.contains(": ")).collect();
    Some([vec![*first], sides].concat().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_is_quoted_before_anything_else() {
        let said = "\nthread 'tests::a' (1) panicked at a.rs:3:9:\n\ngradient check FAILED\n  x  3×4\n  \
                    looks like: missing term\n    what h gets is missing\n  again: cargo test\n";
        assert_eq!(diagnosis(said).unwrap(), "missing term: what h gets is missing");
        let unsure = "  looks like: unsure, no known pattern fits every entry\n  again: cargo test\n";
        assert_eq!(diagnosis(unsure).unwrap(), "unsure, no known pattern fits every entry");
    }

    #[test]
    fn a_panic_is_quoted_in_one_line() {
        let said = "thread 'tests::a' (1) panicked at a.rs:3:9:\nmatmul of 2×4 and 3×4: no\nnote: run with\n";
        assert_eq!(diagnosis(said).unwrap(), "matmul of 2×4 and 3×4: no");
        let sides =
            "thread 'a' panicked at a.rs:3:9:\nassertion `left == right` failed\n  left: [1]\n right: [2]\n";
        assert_eq!(diagnosis(sides).unwrap(), "assertion `left == right` failed, left: [1], right: [2]");
        assert_eq!(diagnosis("thread 'main' has overflowed its stack\n"), None);
    }

    #[test]
    fn passed_tests_are_counted() {
        assert_eq!(passed("test a ... ok\ntest result: FAILED. 12 passed; 1 failed; 0 ignored;\n"), 12);
        assert_eq!(passed("nothing"), 0);
    }
}
