//! Two directions: at each time step, the forward state above the backward one (2H×B).
//!
//! y_t = [h_t forward; h_t backward], where the backward run has produced h_T first.
//!
//! The book: book/src/part2/bidirectional.md

/// The outputs step by step; `backward` lists the backward run's states in the order of that run.
fn concat(forward: &[Vec<f64>], backward: &[Vec<f64>]) -> Vec<Vec<f64>> {
    // TODO: do these two belong to the same time step?
    forward.iter().zip(backward).map(|(f, b)| [f.clone(), b.clone()].concat()).collect()
}

fn main() {
    println!("{:?}", concat(&[vec![1.0]], &[vec![2.0]]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_time() {
        let run = |x: [f64; 3]| x.map(|x| vec![x]).to_vec();
        let y = concat(&run([1.0, 2.0, 3.0]), &run([30.0, 20.0, 10.0]));
        assert_eq!(y, [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]], "step by step; left: yours");
    }
}
