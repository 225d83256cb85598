//! Sums and means.

use crate::{Mutant, mutant};
use autograd::check::{Check, Kind};

pub fn all() -> Vec<Mutant> {
    use Kind::{Factor, MissingFactor, Sign, Zero};
    let check = Check::new(31).random_input("x", 3, 4, 1.0).size("N", 12).size("B", 4).size("H", 3);
    vec![
        mutant(
            "sum: the mean's gradient",
            &[Factor],
            &check,
            |_, v| v[0].sum(),
            |v, dy| {
                vec![
                    v[0].tape()
                        .constant(3, 1, &[1.0; 3])
                        .matmul(dy)
                        .matmul(v[0].tape().constant(1, 4, &[1.0; 4]))
                        / 12.0,
                ]
            },
        ),
        mutant(
            "mean: the sum's gradient",
            &[Factor, MissingFactor],
            &check,
            |_, v| v[0].mean(),
            |v, dy| {
                vec![
                    v[0].tape()
                        .constant(3, 1, &[1.0; 3])
                        .matmul(dy)
                        .matmul(v[0].tape().constant(1, 4, &[1.0; 4])),
                ]
            },
        ),
        mutant(
            "mean: 1/B for 1/N",
            &[Factor],
            &check,
            |_, v| v[0].mean(),
            |v, dy| {
                vec![
                    v[0].tape()
                        .constant(3, 1, &[1.0; 3])
                        .matmul(dy)
                        .matmul(v[0].tape().constant(1, 4, &[0.25; 4])),
                ]
            },
        ),
        mutant(
            "sum_rows: first row alone",
            &[],
            &check,
            |_, v| v[0].sum_rows(),
            |v, dy| vec![v[0].tape().constant(3, 1, &[1.0, 0.0, 0.0]).matmul(dy)],
        ),
        mutant(
            "sum_rows: the mean's gradient",
            &[Factor],
            &check,
            |_, v| v[0].sum_rows(),
            |v, dy| vec![v[0].tape().constant(3, 1, &[1.0 / 3.0; 3]).matmul(dy)],
        ),
        mutant(
            "sum_cols: first column alone",
            &[],
            &check,
            |_, v| v[0].sum_cols(),
            |v, dy| vec![dy.matmul(v[0].tape().constant(1, 4, &[1.0, 0.0, 0.0, 0.0]))],
        ),
        mutant(
            "sum_cols: sign",
            &[Sign],
            &check,
            |_, v| v[0].sum_cols(),
            |v, dy| vec![dy.matmul(v[0].tape().constant(1, 4, &[-1.0; 4]))],
        ),
        mutant("sum_cols: nothing", &[Zero], &check, |_, v| v[0].sum_cols(), |v, _| vec![v[0] * 0.0]),
    ]
}
