//! Products, and moves of rows.

use crate::{Mutant, mutant};
use autograd::check::{Check, Kind};

pub fn all() -> Vec<Mutant> {
    [products(), affine(), moves()].into_iter().flatten().collect()
}

fn products() -> Vec<Mutant> {
    use Kind::{Factor, MissingFactor, MissingTerm, NotSummed, Sign, Transposed, WrongPoint, Zero};
    let alone = Check::new(20).random_input("W", 2, 3, 1.0);
    let oblong = Check::new(21).random_input("W", 2, 3, 1.0).random_input("x", 3, 4, 1.0).size("B", 4);
    let square = Check::new(22).random_input("W", 3, 3, 1.0).random_input("x", 3, 4, 1.0).size("B", 4);
    vec![
        mutant(
            "matmul: sign of W",
            &[Sign],
            &oblong,
            |_, v| v[0].matmul(v[1]),
            |v, dy| vec![-dy.matmul_t(v[1]), v[0].t_matmul(dy)],
        ),
        mutant(
            "matmul: nothing for x",
            &[Zero],
            &oblong,
            |_, v| v[0].matmul(v[1]),
            |v, dy| vec![dy.matmul_t(v[1]), v[1] * 0.0],
        ),
        mutant(
            "matmul: mean over the batch",
            &[Factor],
            &oblong,
            |_, v| v[0].matmul(v[1]),
            |v, dy| vec![dy.matmul_t(v[1]) / 4.0, v[0].t_matmul(dy)],
        ),
        mutant(
            "matmul: W's gradient of one example",
            &[NotSummed],
            &oblong,
            |_, v| v[0].matmul(v[1]),
            |v, dy| {
                let last = v[0].tape().constant(
                    4,
                    4,
                    &[0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 1.],
                );
                vec![dy.matmul(last).matmul_t(v[1]), v[0].t_matmul(dy)]
            },
        ),
        mutant(
            "matmul: W's gradient transposed",
            &[Transposed],
            &square,
            |_, v| v[0].matmul(v[1]),
            |v, dy| vec![v[1].matmul_t(dy), v[0].t_matmul(dy)],
        ),
        mutant(
            "matmul: W for its transpose",
            &[Transposed],
            &square,
            |_, v| v[0].matmul(v[1]),
            |v, dy| vec![dy.matmul_t(v[1]), v[0].matmul(dy)],
        ),
        mutant(
            "matmul: both transposed",
            &[Transposed],
            &square,
            |_, v| v[0].matmul(v[1]),
            |v, dy| vec![v[1].matmul_t(dy), v[0].matmul(dy)],
        ),
        mutant(
            "matmul: y for x",
            &[WrongPoint],
            &square,
            |_, v| v[0].matmul(v[1]),
            |v, dy| vec![dy.matmul_t(v[0].matmul(v[1])), v[0].t_matmul(dy)],
        ),
        mutant(
            "matmul: x for ȳ",
            &[],
            &square,
            |_, v| v[0].matmul(v[1]),
            |v, dy| vec![v[1].matmul_t(v[1]), v[0].t_matmul(dy)],
        ),
        mutant(
            "matmul: x̄ without W",
            &[MissingFactor],
            &square,
            |_, v| v[0].matmul(v[1]),
            |v, dy| vec![dy.matmul_t(v[1]), dy],
        ),
        mutant(
            "t_matmul: W for its transpose",
            &[Transposed],
            &square,
            |_, v| v[0].t_matmul(v[1]),
            |v, dy| vec![v[1].matmul_t(dy), v[0].t_matmul(dy)],
        ),
        mutant(
            "W Wᵀ: one side",
            &[Factor, MissingTerm],
            &alone,
            |_, v| v[0].matmul_t(v[0]).exp(),
            |v, dy| vec![(dy * v[0].matmul_t(v[0]).exp()).matmul(v[0])],
        ),
    ]
}

fn affine() -> Vec<Mutant> {
    use Kind::{Factor, MissingFactor, NotSummed, Swapped, Zero};
    let check = Check::new(23)
        .random_input("W", 3, 2, 1.0)
        .random_input("x", 2, 5, 1.0)
        .random_input("b", 3, 1, 1.0)
        .size("B", 5);
    let scale = Check::new(24).random_input("a", 3, 5, 1.0).random_input("b", 3, 1, 1.0).size("B", 5);
    let (first, last) = ([1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]);
    let gates = Check::new(25).random_input("a", 6, 4, 1.0).gates(&["i", "f", "g"]);
    vec![
        mutant(
            "bias: the last column",
            &[NotSummed],
            &check,
            |t, v| t.affine(&[(v[0], v[1])], v[2]),
            |v, dy| {
                let last = v[0].tape().constant(5, 1, &last);
                vec![dy.matmul_t(v[1]), v[0].t_matmul(dy), dy.matmul(last)]
            },
        ),
        mutant(
            "bias: the first column",
            &[NotSummed],
            &check,
            |_, v| v[0].matmul(v[1]) + v[2],
            |v, dy| {
                let first = v[0].tape().constant(5, 1, &first);
                vec![dy.matmul_t(v[1]), v[0].t_matmul(dy), dy.matmul(first)]
            },
        ),
        mutant(
            "bias: the mean",
            &[Factor],
            &check,
            |_, v| v[0].matmul(v[1]) + v[2],
            |v, dy| vec![dy.matmul_t(v[1]), v[0].t_matmul(dy), dy.sum_cols() / 5.0],
        ),
        mutant(
            "bias: nothing",
            &[Zero],
            &check,
            |_, v| v[0].matmul(v[1]) + v[2],
            |v, dy| vec![dy.matmul_t(v[1]), v[0].t_matmul(dy), v[2] * 0.0],
        ),
        mutant(
            "affine: all means",
            &[Factor],
            &check,
            |_, v| v[0].matmul(v[1]) + v[2],
            |v, dy| vec![dy.matmul_t(v[1]) / 5.0, v[0].t_matmul(dy) / 5.0, dy.sum_cols() / 5.0],
        ),
        mutant(
            "diagonal: no b for a",
            &[MissingFactor],
            &scale,
            |_, v| v[0] * v[1],
            |v, dy| vec![dy, (dy * v[0]).sum_cols()],
        ),
        mutant(
            "diagonal: no a for b",
            &[MissingFactor],
            &scale,
            |_, v| v[0] * v[1],
            |v, dy| vec![dy * v[1], dy.sum_cols()],
        ),
        mutant(
            "diagonal: the last column for b",
            &[NotSummed],
            &scale,
            |_, v| v[0] * v[1],
            |v, dy| {
                let last = v[0].tape().constant(5, 1, &last);
                vec![dy * v[1], (dy * v[0]).matmul(last)]
            },
        ),
        mutant(
            "gates: i and f",
            &[Swapped],
            &gates,
            |_, v| {
                let [i, f, g] = v[0].chunk();
                i.sigmoid() * f.tanh() + g
            },
            |v, dy| {
                let [i, f, _] = v[0].chunk();
                let (i, f) = (i.sigmoid(), f.tanh());
                let di = dy * f * i * (1.0 - i);
                let df = dy * i * (1.0 - f.square());
                vec![v[0].tape().concat_rows(&[df, di, dy])]
            },
        ),
        mutant(
            "gates: all moved on",
            &[Swapped],
            &gates,
            |_, v| {
                let [i, f, g] = v[0].chunk();
                i.sigmoid() * f.tanh() + g
            },
            |v, dy| {
                let [i, f, _] = v[0].chunk();
                let (i, f) = (i.sigmoid(), f.tanh());
                let di = dy * f * i * (1.0 - i);
                let df = dy * i * (1.0 - f.square());
                vec![v[0].tape().concat_rows(&[dy, di, df])]
            },
        ),
    ]
}

fn moves() -> Vec<Mutant> {
    use Kind::{MissingFactor, MissingTerm, NotSummed, Overwritten, Reversed, Shifted, Swapped, Zero};
    let two = Check::new(26).random_input("a", 2, 4, 1.0).random_input("b", 2, 4, 1.0);
    let steps = Check::new(27).random_input("x", 8, 3, 1.0).steps(4);
    let table = Check::new(28).random_input("table", 5, 3, 1.0);
    // Ids 2, 0, 2, 4, 2 as one-hot columns.
    let one_hot = |ids: [usize; 5]| -> Vec<f64> {
        (0..25).map(|at| f64::from(u8::from(at / 5 == ids[at % 5]))).collect()
    };
    let hot = one_hot([2, 0, 2, 4, 2]);
    vec![
        mutant(
            "concat: changed places",
            &[Swapped],
            &two,
            |t, v| t.concat_rows(v),
            |_, dy| vec![dy.row_block(2..4), dy.row_block(0..2)],
        ),
        mutant(
            "concat: nothing for b",
            &[Zero],
            &two,
            |t, v| t.concat_rows(v),
            |v, dy| vec![dy.row_block(0..2), v[1] * 0.0],
        ),
        mutant(
            "select: mask forgotten",
            &[MissingFactor],
            &two,
            |t, v| {
                let mask = t.constant(2, 4, &[1., 0., 1., 1., 0., 0., 1., 0.]);
                v[0] * mask + v[1] * (1.0 - mask)
            },
            |v, dy| {
                let mask = v[0].tape().constant(2, 4, &[1., 0., 1., 1., 0., 0., 1., 0.]);
                vec![dy, dy * (1.0 - mask)]
            },
        ),
        mutant(
            "select: nothing for b",
            &[Zero],
            &two,
            |t, v| t.select([true, false, true, false], v[0], v[1]),
            |v, dy| {
                let t = v[0].tape();
                vec![t.select([true, false, true, false], dy, t.zeros(2, 4)), t.zeros(2, 4)]
            },
        ),
        mutant(
            "steps: reversed",
            &[Reversed],
            &steps,
            |_, v| v[0].tanh(),
            |v, dy| {
                let dx = dy * (1.0 - v[0].tanh().square());
                let block = |t: usize| dx.row_block(2 * t..2 * t + 2);
                vec![v[0].tape().concat_rows(&[block(3), block(2), block(1), block(0)])]
            },
        ),
        mutant(
            "steps: one too late",
            &[Shifted],
            &steps,
            |_, v| v[0].tanh(),
            |v, dy| {
                let dx = dy * (1.0 - v[0].tanh().square());
                vec![v[0].tape().concat_rows(&[dx.row_block(0..2), dx.row_block(0..6)])]
            },
        ),
        mutant(
            "steps: one too early",
            &[Shifted],
            &steps,
            |_, v| v[0].tanh(),
            |v, dy| {
                let dx = dy * (1.0 - v[0].tanh().square());
                vec![v[0].tape().concat_rows(&[dx.row_block(2..8), v[0].tape().zeros(2, 3)])]
            },
        ),
        mutant(
            "embedding: the last use counts",
            &[Overwritten],
            &table,
            |t, v| v[0].t_matmul(t.constant(5, 5, &hot)),
            |v, dy| {
                let t = v[0].tape();
                vec![t.constant(5, 5, &one_hot([9, 0, 9, 4, 2])).matmul_t(dy)]
            },
        ),
        mutant(
            "embedding: the last example counts",
            &[NotSummed],
            &table,
            |t, v| v[0].t_matmul(t.constant(5, 5, &hot)),
            |v, dy| {
                let t = v[0].tape();
                vec![t.constant(5, 5, &one_hot([9, 9, 9, 9, 2])).matmul_t(dy)]
            },
        ),
        mutant(
            "views: one of two overlapping ones",
            &[MissingTerm],
            &table,
            |_, v| v[0].row_block(0..3).exp() + v[0].row_block(2..5).tanh(),
            |v, dy| {
                let t = v[0].tape();
                let da = dy * v[0].row_block(0..3).exp();
                vec![t.concat_rows(&[da, t.zeros(2, 3)])]
            },
        ),
    ]
}
