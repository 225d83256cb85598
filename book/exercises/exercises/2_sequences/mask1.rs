//! Masks: past an example's end its state stays what it was.
//!
//! h = next where t < length, h before elsewhere, column by column (H×B).
//!
//! The book: book/src/part2/lengths.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// The state after step t.
fn keep<'t>(next: V<'t>, before: V<'t>, lengths: &[usize], t: usize) -> V<'t> {
    let valid: Vec<bool> = lengths.iter().map(|&length| t < length).collect();
    let tape = next.tape();
    // TODO: whatever stands in the padding gets in, multiplied by 0.
    let mask: Vec<f64> =
        valid.iter().cycle().take(next.rows() * next.cols()).map(|&v| f64::from(u8::from(v))).collect();
    let mask = tape.constant(next.rows(), next.cols(), &mask);
    next * mask + before * (1.0 - mask)
}

fn main() {
    let tape = autograd::Tape::new();
    keep(tape.zeros(1, 2), tape.zeros(1, 2), &[1, 2], 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_changes_nothing() {
        let tape = autograd::Tape::new();
        let (next, before) =
            (tape.constant(1, 3, &[1.0, f64::NAN, 3.0]), tape.constant(1, 3, &[7.0, 8.0, 9.0]));
        let kept = keep(next, before, &[4, 2, 3], 2).value();
        assert_eq!(kept, [1.0, 8.0, 3.0], "examples of lengths 4, 2, 3 at step 2; left: yours");
    }
}
