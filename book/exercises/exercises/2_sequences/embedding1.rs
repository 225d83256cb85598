//! The gradient of a table of vectors: column b of Y (E×B) is row ids[b] of the table (V×E).
//!
//! table̅[id] += Ȳ[:, b] for every b with ids[b] = id.
//!
//! The book: book/src/part2/symbols.md

/// The gradient of the table, V×E row by row, from Ȳ, E×B row by row.
fn gradient(ids: &[usize], v: usize, e: usize, dy: &[f64]) -> Vec<f64> {
    let mut table = vec![0.0; v * e];
    for (b, &id) in ids.iter().enumerate() {
        for k in 0..e {
            // TODO: and if the symbol has occurred before?
            table[id * e + k] = dy[k * ids.len() + b];
        }
    }
    table
}

fn main() {
    println!("{:?}", gradient(&[0], 1, 1, &[1.0]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    const IDS: [usize; 5] = [2, 0, 2, 3, 2];

    #[test]
    fn agrees_with_differences() {
        let one_hot: Vec<f64> = (0..20).map(|at| f64::from(u8::from(at / 5 == IDS[at % 5]))).collect();
        let check = Check::new(3).book("book/src/part2/symbols.md").random_input("table", 4, 3, 1.0);
        judge(&check.derivation(
            |tape, v| v[0].t_matmul(tape.constant(4, 5, &one_hot)),
            |v, dy| vec![v[0].tape().constant(4, 3, &gradient(&IDS, 4, 3, &dy.value()))],
        ));
    }
}
