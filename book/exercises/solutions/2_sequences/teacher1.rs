//! Teacher forcing (Williams and Zipser 1989): in training, a decoder is fed the right symbol before.
//!
//! Input at step 0: the start symbol; at step t: target t − 1.
//!
//! The book: book/src/part2/seq2seq.md

/// The inputs that go with these targets.
fn inputs(start: usize, targets: &[usize]) -> Vec<usize> {
    std::iter::once(start).chain(targets.iter().copied()).take(targets.len()).collect()
}

fn main() {
    println!("{:?}", inputs(0, &[5, 6, 7]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_behind() {
        assert_eq!(inputs(9, &[5, 6, 7]), [9, 5, 6], "start 9, targets 5 6 7; left: yours");
    }
}
