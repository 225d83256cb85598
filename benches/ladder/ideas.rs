//! One idea at a time: each with and without.

use crate::on_tape::OnTape;
use crate::problem::Problem;
use crate::timing::{Timed, microseconds};
use crate::ways::{Functions, STANDARD, VECTORS, view};
use autograd::product::{Begin, Factor, Packed, Shape, multiply, pack};
use autograd::simd::{map1, map2};
use autograd::{Float, ops};
use benches::Sizes;
use faer::{Accum, MatMut, MatRef};
use models::cells::sequence::{parts, parts_mut, strips};
use models::init::Init;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// Several ways to do the same.
pub struct Idea<'a> {
    pub name: &'static str,
    /// What is counted, and how many of it a run has: `operation` or `entry`.
    pub unit: &'static str,
    pub count: f64,
    pub ways: Vec<Timed<'a>>,
}

/// All ideas, at the sizes of a problem.
pub fn ideas(problem: &Problem) -> Vec<Idea<'_>> {
    vec![
        function("sigmoid", problem, |functions| functions.sigmoid),
        function("tanh", problem, |functions| functions.tanh),
        one_pass(problem),
        transposed(problem),
        weight_gradient(problem),
        elementwise(problem),
        again(problem),
        memory(problem),
        subnormal(problem),
    ]
}

fn numbers(n: usize) -> Vec<f32> {
    Init::Normal { std: 1.0 }.fill(&mut ChaCha8Rng::seed_from_u64(3), n, 1)
}

fn way<'a>(name: &str, mut step: impl FnMut() + 'a) -> Timed<'a> {
    Timed { name: name.into(), run: Box::new(move || microseconds(&mut step)) }
}

/// σ or tanh of a step's pre-activations, 4H×B: the standard library's, and in vectors.
fn function<'a>(
    name: &'static str,
    problem: &Problem,
    of: fn(Functions) -> fn(&mut [f32], &[f32]),
) -> Idea<'a> {
    let n = 4 * problem.sizes.hidden * problem.sizes.batch;
    let ways = [("entry by entry", STANDARD), ("in vectors", VECTORS)].map(|(name, functions)| {
        let (x, mut y) = (numbers(n), vec![0.0; n]);
        way(name, move || of(functions)(&mut y, &x))
    });
    Idea { name, unit: "entry", count: n as f64, ways: ways.into() }
}

/// The pre-activations of a step, `W x + U h`: gate by gate, stacked, and both products in one pass.
fn one_pass(problem: &Problem) -> Idea<'_> {
    let Sizes { batch, input, hidden, .. } = problem.sizes;
    let (rows, x, h) = (4 * hidden, numbers(input * batch), numbers(hidden * batch));
    let by_faer = |name: &str, blocks: usize| {
        let (x, h, mut z) = (x.clone(), h.clone(), vec![0.0; rows * batch]);
        way(name, move || {
            let (x, h) = (view(&x, input, batch), view(&h, hidden, batch));
            let size = rows / blocks;
            for (k, z) in z.chunks_exact_mut(size * batch).enumerate() {
                let [w, u] = [view(&problem.w, rows, input), view(&problem.u, rows, hidden)]
                    .map(|weight| weight.subrows(k * size, size));
                let mut z = MatMut::from_row_major_slice_mut(z, size, batch);
                ops::matmul(z.as_mut(), Accum::Replace, w, x);
                ops::matmul(z, Accum::Add, u, h);
            }
        })
    };
    let mut ways = vec![by_faer("a product for each gate", 4), by_faer("gates stacked", 1)];
    let (w, u) = (view(&problem.w, rows, input), view(&problem.u, rows, hidden));
    let (packed_w, packed_u) = (packed(w, batch), packed(u, batch));
    let mut z = vec![0.0; rows * batch];
    ways.push(way("packed, both products in one pass", move || {
        let (w, u) = (factor(w, &packed_w, batch), factor(u, &packed_u, batch));
        multiply(&mut z, Begin::Zero, &[(w, &x), (u, &h)]);
    }));
    let count = 2.0 * (rows * (input + hidden) * batch) as f64;
    Idea { name: "one-pass", unit: "operation", count, ways }
}

fn packed(w: MatRef<'_, f32>, n: usize) -> Vec<f32> {
    let shape = Shape::of(n);
    let mut out = vec![0.0; shape.size::<f32>(w.nrows(), w.ncols())];
    pack(&mut out, w, shape);
    out
}

fn factor<'a>(w: MatRef<'a, f32>, packed: &'a [f32], n: usize) -> Factor<'a, f32> {
    Factor::new(w).with(Packed::new(packed, w.nrows(), w.ncols(), Shape::of(n)))
}

/// `Uᵀ dz`, the product that carries the gradient back: U as it lies, transposed, or packed; at every step or once.
fn transposed(problem: &Problem) -> Idea<'_> {
    let Sizes { batch: n, hidden, .. } = problem.sizes;
    let rows = 4 * hidden;
    let u = view(&problem.u, rows, hidden).transpose();
    let dz = numbers(rows * n);
    let by_faer = move |dh: &mut [f32], u: MatRef<'_, f32>, dz: &[f32]| {
        let dh = MatMut::from_row_major_slice_mut(dh, hidden, n);
        ops::matmul(dh, Accum::Replace, u, view(dz, rows, n));
    };
    let transpose = move |copy: &mut [f32]| {
        MatMut::from_row_major_slice_mut(copy, hidden, rows).copy_from(u);
    };
    let mut ways = Vec::new();

    let (b, mut y) = (dz.clone(), vec![0.0; hidden * n]);
    ways.push(way("faer, as it lies", move || by_faer(&mut y, u, &b)));

    let (b, mut y, mut copy) = (dz.clone(), vec![0.0; hidden * n], vec![0.0; rows * hidden]);
    ways.push(way("faer, transposed at every step", move || {
        transpose(&mut copy);
        by_faer(&mut y, view(&copy, hidden, rows), &b);
    }));

    let (b, mut y, mut copy) = (dz.clone(), vec![0.0; hidden * n], vec![0.0; rows * hidden]);
    transpose(&mut copy);
    ways.push(way("faer, transposed once", move || by_faer(&mut y, view(&copy, hidden, rows), &b)));

    let (b, mut y, mut panels) = (dz.clone(), vec![0.0; hidden * n], packed(u, n));
    ways.push(way("packed at every step", move || {
        pack(&mut panels, u, Shape::of(n));
        multiply(&mut y, Begin::Zero, &[(factor(u, &panels, n), &b)]);
    }));

    let (mut y, panels) = (vec![0.0; hidden * n], packed(u, n));
    ways.push(way("packed once", move || multiply(&mut y, Begin::Zero, &[(factor(u, &panels, n), &dz)])));
    Idea { name: "transposed", unit: "operation", count: 2.0 * (rows * hidden * n) as f64, ways }
}

/// `dU = Σ_t dz_t h_tᵀ`: a product for every step, or for the columns of several steps side by side.
fn weight_gradient(problem: &Problem) -> Idea<'_> {
    let Sizes { steps, batch: n, hidden, .. } = problem.sizes;
    let rows = 4 * hidden;
    let by = |name: &str, together: usize| {
        let (dz, h) = (numbers(steps * rows * n), numbers(steps * hidden * n));
        let wide = together * n;
        let (mut dz_wide, mut h_wide) = (vec![0.0; rows * wide], vec![0.0; hidden * wide]);
        let mut du = vec![0.0; rows * hidden];
        way(name, move || {
            du.fill(0.0);
            let chunks = dz.chunks(together * rows * n).zip(h.chunks(together * hidden * n));
            for (dz, h) in chunks {
                let width = dz.len() / rows;
                let (dz, h) = match together {
                    1 => (view(dz, rows, n), view(h, hidden, n)),
                    _ => (side_by_side(dz, rows, n, &mut dz_wide), side_by_side(h, hidden, n, &mut h_wide)),
                };
                let du = MatMut::from_row_major_slice_mut(&mut du, rows, hidden);
                ops::matmul(du, Accum::Add, dz.subcols(0, width), h.subcols(0, width).transpose());
            }
        })
    };
    let mut ways = vec![by("a product for each step", 1)];
    let some = 128 / n.min(128);
    if some > 1 {
        ways.push(by("128 columns together", some.min(steps)));
    }
    ways.push(by("all steps together", steps));
    Idea { name: "weight-gradient", unit: "operation", count: 2.0 * (rows * hidden * n * steps) as f64, ways }
}

/// The blocks of several steps, which lie below each other, side by side.
fn side_by_side<'a>(blocks: &[f32], rows: usize, n: usize, wide: &'a mut [f32]) -> MatRef<'a, f32> {
    let stride = wide.len() / rows;
    for (t, block) in blocks.chunks_exact(rows * n).enumerate() {
        for (to, from) in wide.chunks_exact_mut(stride).zip(block.chunks_exact(n)) {
            to[t * n..(t + 1) * n].copy_from_slice(from);
        }
    }
    view(wide, rows, stride)
}

/// What follows the products of a step forward: array by array, or strip by strip.
fn elementwise(problem: &Problem) -> Idea<'_> {
    let size = problem.sizes.hidden * problem.sizes.batch;
    fn gates(to: [&mut [f32]; 6], from: [&[f32]; 5]) {
        let ([i, f, g, o, c, h], [z_i, z_f, z_g, z_o, before]) = (to, from);
        f32::sigmoid_slice(i, z_i);
        f32::sigmoid_slice(f, z_f);
        f32::tanh_slice(g, z_g);
        f32::sigmoid_slice(o, z_o);
        map2(c, f, before, |c, f, before| *c = f * before);
        map2(c, i, g, |c, i, g| *c += i * g);
        f32::tanh_slice(h, c);
        map1(h, o, |h, o| *h *= o);
    }
    let mut ways = Vec::new();
    for in_strips in [false, true] {
        let (from, mut to) = (numbers(5 * size), vec![0.0; 6 * size]);
        ways.push(way(if in_strips { "strip by strip" } else { "array by array" }, move || {
            let (to, from) = (parts_mut(&mut to), parts(&from));
            if in_strips { strips(to, from, gates) } else { gates(to, from) }
        }));
    }
    Idea { name: "strips", unit: "entry", count: size as f64, ways }
}

/// tanh c of all steps, which the backward pass needs: kept, or computed again.
fn again(problem: &Problem) -> Idea<'_> {
    let Sizes { steps, batch, hidden, .. } = problem.sizes;
    let size = hidden * batch;
    let mut ways = Vec::new();

    let (c, mut tanh_c, mut d) = (numbers(steps * size), vec![0.0; steps * size], vec![0.0; size]);
    ways.push(way("written and read back", move || {
        for (tanh_c, c) in tanh_c.chunks_exact_mut(size).zip(c.chunks_exact(size)) {
            f32::tanh_slice(tanh_c, c);
        }
        for (tanh_c, c) in tanh_c.chunks_exact(size).zip(c.chunks_exact(size)).rev() {
            map2(&mut d, tanh_c, c, |d, tanh_c, c| *d = c * (1.0 - tanh_c * tanh_c));
        }
    }));

    let (c, mut tanh_c, mut d) = (numbers(steps * size), vec![0.0; size], vec![0.0; size]);
    ways.push(way("computed again", move || {
        for c in c.chunks_exact(size) {
            f32::tanh_slice(&mut tanh_c, c);
        }
        for c in c.chunks_exact(size).rev() {
            f32::tanh_slice(&mut tanh_c, c);
            map2(&mut d, &tanh_c, c, |d, tanh_c, c| *d = c * (1.0 - tanh_c * tanh_c));
        }
    }));
    Idea { name: "again", unit: "entry", count: (steps * size) as f64, ways }
}

/// A whole training step, on a tape whose memory is new, and on one that has been used.
fn memory(problem: &Problem) -> Idea<'_> {
    let on_tape = |name: &str, step: fn(&mut OnTape<f32>)| {
        let mut layer = OnTape::new(problem, false);
        way(name, move || step(&mut layer))
    };
    let ways = vec![
        on_tape("a new tape for every step", OnTape::train_on_a_new_tape),
        on_tape("the same tape, reset", OnTape::train),
    ];
    Idea { name: "memory", unit: "operation", count: problem.operations(), ways }
}

/// `Uᵀ dz`, where the cotangents have faded below the smallest normal number, and where they have not.
fn subnormal(problem: &Problem) -> Idea<'_> {
    let Sizes { batch: n, hidden, .. } = problem.sizes;
    let u = view(&problem.u, 4 * hidden, hidden).transpose();
    let ways =
        [("ordinary numbers", 1.0), ("numbers below 1.2e-38", 1e-39), ("zeros", 0.0)].map(|(name, scale)| {
            let dz: Vec<f32> = numbers(4 * hidden * n).iter().map(|dz| dz * scale).collect();
            let (mut dh, panels) = (vec![0.0; hidden * n], packed(u, n));
            way(name, move || multiply(&mut dh, Begin::Zero, &[(factor(u, &panels, n), &dz)]))
        });
    let count = 2.0 * (4 * hidden * hidden * n) as f64;
    Idea { name: "subnormal", unit: "operation", count, ways: ways.into() }
}
