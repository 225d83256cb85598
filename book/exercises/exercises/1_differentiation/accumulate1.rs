//! Accumulate: the cotangent of a number is the sum of what all its users send back.
//!
//! x̄ += slope · ȳ for every y that x was used in. All are numbers (1×1).
//!
//! The book: book/src/part1/tape.md

/// A number on a tape: which earlier numbers it was made of, and its slope towards each.
struct Node {
    parents: Vec<(usize, f64)>,
}

/// The cotangents of all numbers, from that of the last, which is 1.
fn backward(nodes: &[Node]) -> Vec<f64> {
    let mut cotangents = vec![0.0; nodes.len()];
    cotangents[nodes.len() - 1] = 1.0;
    for at in (0..nodes.len()).rev() {
        for &(parent, slope) in &nodes[at].parents {
            // TODO: what did an earlier user leave here?
            cotangents[parent] = slope * cotangents[at];
        }
    }
    cotangents
}

fn main() {
    println!("{:?}", backward(&[Node { parents: vec![] }]));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x = 3, y = x², z = x y, w = y + z: dw/dx = 2 x + 3 x² = 33.
    #[test]
    fn cotangents() {
        let node = |parents: &[(usize, f64)]| Node { parents: parents.to_vec() };
        let nodes = [node(&[]), node(&[(0, 6.0)]), node(&[(0, 9.0), (1, 3.0)]), node(&[(1, 1.0), (2, 1.0)])];
        assert_eq!(backward(&nodes), [33.0, 4.0, 1.0, 1.0], "dw/dx, dw/dy, dw/dz, dw/dw; left: yours");
    }
}
