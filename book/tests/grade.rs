//! Grading from end to end. It builds exercises, so it is not part of `cargo test`: .ci/exercises runs it.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn exercises() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("exercises")
}

fn grade(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_grade")).args(arguments).output().unwrap()
}

/// A folder with one right solution, one wrong, one that does not compile, one whose tests were changed, and one
/// that never ends and never stops to print.
fn learner(folder: &Path) {
    let read = |place: &str| fs::read_to_string(exercises().join(place)).unwrap();
    let write = |name: &str, text: String| fs::write(folder.join(name).with_extension("rs"), text).unwrap();
    write("scalar1", read("solutions/1_differentiation/scalar1.rs"));
    write("tanh1", read("exercises/1_differentiation/tanh1.rs"));
    write("sigmoid1", read("solutions/1_differentiation/sigmoid1.rs").replace("x.sigmoid()", "x.sigmoid(1)"));
    let (code, _) = read("exercises/4_training/clip1.rs")
        .split_once("#[cfg(test)]")
        .map(|(a, _)| (a.to_owned(), ()))
        .unwrap();
    write("clip1", code + "#[cfg(test)]\nmod tests {\n    #[test]\n    fn all_is_well() {}\n}\n");
    let endless = "loop {\n        println!(\"still here\");\n    }";
    write("reverse1", read("exercises/2_sequences/reverse1.rs").replace("steps - 1 - t", endless));
}

#[test]
#[ignore = "builds exercises: .ci/exercises runs it"]
fn right_and_wrong_solutions_and_one_that_never_ends() {
    let folder = tempfile::tempdir().unwrap();
    learner(folder.path());
    let before: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let output = grade(&["--json", "--seconds", "5", folder.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let marks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let mark = |name: &str| {
        let mark = marks.iter().find(|mark| mark["name"] == name).unwrap();
        (
            mark["passed"].as_u64().unwrap(),
            mark["failed"].as_u64().unwrap(),
            mark["diagnosis"].as_str().unwrap(),
        )
    };
    assert_eq!(mark("scalar1"), (1, 0, ""));
    let (passed, failed, diagnosis) = mark("tanh1");
    assert!((passed, failed) == (0, 1) && diagnosis.starts_with("missing factor: "), "{diagnosis}");
    let (passed, failed, diagnosis) = mark("sigmoid1");
    assert!(
        (passed, failed) == (0, 1) && diagnosis.starts_with("does not compile, line 13: "),
        "{diagnosis}"
    );
    assert_eq!(mark("clip1"), (0, 1, "[1.0, 1.0], should be [0.6, 0.8]"));
    assert_eq!(mark("reverse1"), (0, 2, "not finished after 5 s"));
    assert_eq!(mark("matmul1"), (0, 1, "not handed in"));
    let after: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(before, after, "nothing is written where the learner's files are");
}

/// Every stub is a plausible mistake: it is rejected, and this is what the learner is told.
#[test]
#[ignore = "builds exercises: .ci/exercises runs it"]
fn every_stub_is_rejected_and_this_is_its_diagnosis() {
    let stubs = exercises().join("exercises");
    let output = grade(&["--json", stubs.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let marks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let mut lines = String::new();
    for mark in marks {
        assert!(mark["failed"].as_u64() > Some(0), "{mark}");
        let (name, diagnosis) = (mark["name"].as_str().unwrap(), mark["diagnosis"].as_str().unwrap());
        lines += &format!("{name}: {}\n", short_numbers(diagnosis));
    }
    insta::assert_snapshot!(lines);
}

/// Of every number the whole part: the rest may differ from one processor to another.
fn short_numbers(text: &str) -> String {
    let mut number = false; // after the point of a number
    let mut before = ' ';
    text.chars()
        .filter(|&c| {
            number = c.is_ascii_digit() && number || c == '.' && before.is_ascii_digit();
            before = c;
            !number
        })
        .collect()
}

#[test]
fn a_bad_folder_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [vec![folder.path().to_str().unwrap()], vec!["/none"], vec![], vec!["--seconds", "x", "."]]
    {
        let output = grade(&arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{arguments:?}: {said}");
        assert!(said.starts_with("error: ") && output.stdout.is_empty(), "{said}");
    }
}
