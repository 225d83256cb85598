//! One-hot vectors: symbol `ids[b]` is a column with a 1 in row `ids[b]`.
//!
//! V×B, row by row in memory.
//!
//! The book: book/src/part2/symbols.md

/// The one-hot columns of these symbols, of an alphabet of `v`.
fn one_hot(ids: &[usize], v: usize) -> Vec<f64> {
    let batch = ids.len();
    let mut x = vec![0.0; v * batch];
    for (b, &id) in ids.iter().enumerate() {
        // TODO: which place is (id, b)?
        x[b * v + id] = 1.0;
    }
    x
}

fn main() {
    println!("{:?}", one_hot(&[1, 0], 3));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns() {
        assert_eq!(
            one_hot(&[2, 0, 2, 3], 5).chunks(4).map(|row| row.iter().sum::<f64>()).collect::<Vec<_>>(),
            [1., 0., 2., 1., 0.]
        );
        assert_eq!(one_hot(&[1, 0], 3), [0., 1., 1., 0., 0., 0.], "left: yours");
    }
}
