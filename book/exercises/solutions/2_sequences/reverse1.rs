//! Reversal within lengths: a run backward in time begins at an example's last valid step.
//!
//! Of T steps an example fills `length`; what comes after is padding and stays where it is.
//!
//! The book: book/src/part2/lengths.md

/// Which step the reversed sequence has at place t.
fn reversed(t: usize, length: usize, steps: usize) -> usize {
    assert!(length <= steps);
    if t < length { length - 1 - t } else { t }
}

fn main() {
    println!("{}", reversed(0, 2, 3));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_example_by_its_length() {
        let order = |length: usize| (0..4).map(|t| reversed(t, length, 4)).collect::<Vec<_>>();
        assert_eq!((order(4), order(2), order(1)), (vec![3, 2, 1, 0], vec![1, 0, 2, 3], vec![0, 1, 2, 3]));
    }

    #[test]
    fn twice_is_nothing() {
        assert!((0..7).all(|t| reversed(reversed(t, 5, 7), 5, 7) == t));
    }
}
