//! Prints marks.

use super::Mark;
use std::fmt::Write;

/// A table for each learner, and one of all if there are several.
pub fn text(marks: &[Mark]) -> String {
    let mut text = String::new();
    let learners: Vec<&[Mark]> = marks.chunk_by(|a, b| a.learner == b.learner).collect();
    for marks in &learners {
        let _ = writeln!(text, "{}\n{:<16}  passed  failed  diagnosis", marks[0].learner, "exercise");
        for Mark { name, passed, failed, diagnosis, .. } in *marks {
            let line = format!("{name:<16}  {passed:>6}  {failed:>6}  {diagnosis}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        let _ = writeln!(text, "{} of {} solved\n", solved(marks), marks.len());
    }
    if learners.len() > 1 {
        let _ = writeln!(text, "solved  learner");
        for marks in learners {
            let _ = writeln!(text, "{:>6}  {}", solved(marks), marks[0].learner);
        }
    }
    text
}

fn solved(marks: &[Mark]) -> usize {
    marks.iter().filter(|mark| mark.solved()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_for_each_and_one_of_all() {
        let mark = |learner: &str, name: &str, passed, failed, diagnosis: &str| Mark {
            learner: learner.into(),
            name: name.into(),
            passed,
            failed,
            diagnosis: diagnosis.into(),
        };
        let marks = [
            mark("anna", "bias1", 1, 0, ""),
            mark("anna", "tanh1", 0, 1, "zero: nothing arrives (x)"),
            mark("ben", "bias1", 0, 1, "not handed in"),
        ];
        let want = "anna\n\
                    exercise          passed  failed  diagnosis\n\
                    bias1                  1       0\n\
                    tanh1                  0       1  zero: nothing arrives (x)\n\
                    1 of 2 solved\n\n\
                    ben\n\
                    exercise          passed  failed  diagnosis\n\
                    bias1                  0       1  not handed in\n\
                    0 of 1 solved\n\n\
                    solved  learner\n     1  anna\n     0  ben\n";
        assert_eq!(text(&marks), want);
    }
}
