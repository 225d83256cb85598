//! Single operations: products, the gates' functions, and what stands before and after the layers.

use autograd::ops::matmul;
use autograd::product::{
    Begin, Factor, PANEL, Packed, Rows, Shape, add_outer, multiply, pack, turn, turned_size,
};
use autograd::{Float, Tape, Var};
use criterion::{BenchmarkId, Criterion, Throughput};
use faer::{Accum, MatMut, MatRef};
use models::init::Init;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

pub fn run(c: &mut Criterion) {
    products(c);
    packed_products(c);
    weight_gradients(c);
    functions(c);
    on_the_tape(c);
}

fn random(rows: usize, cols: usize) -> Vec<f32> {
    Init::Normal { std: 1.0 }.fill(&mut ChaCha8Rng::seed_from_u64(1), rows, cols)
}

/// One product by itself: that of a step forward, of a weight's gradient, of one example, and a large one.
fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("product (elem = multiplication or addition)");
    for (what, m, k, n) in [
        ("LSTM step H100 B128", 400, 100, 128),
        ("LSTM step H256 B32", 1024, 256, 32),
        ("LSTM step H512 B32", 2048, 512, 32),
        ("LSTM step H512 B1", 2048, 512, 1),
        ("weight gradient H256 TB2048", 1024, 2048, 256),
        ("square", 1024, 1024, 1024),
    ] {
        let (a, b, mut y) = (random(m, k), random(k, n), vec![0.0; m * n]);
        group.throughput(Throughput::Elements((2 * m * k * n) as u64));
        group.bench_function(BenchmarkId::new(what, format!("{m}x{k} by {k}x{n}")), |bench| {
            bench.iter(|| {
                let (a, b) = (MatRef::from_row_major_slice(&a, m, k), MatRef::from_row_major_slice(&b, k, n));
                matmul(MatMut::from_row_major_slice_mut(&mut y, m, n), Accum::Replace, a, b);
            });
        });
    }
    group.finish();
}

/// The product of a step by the library's kernel, from weights that are packed already and again in the caches: the speed
/// that a training step could have if it did nothing else.
fn packed_products(c: &mut Criterion) {
    let mut group = c.benchmark_group("packed product (elem = multiplication or addition)");
    for (what, m, k, n) in [
        ("LSTM step H100 B128", 400, 120, 128),
        ("LSTM step H256 B32", 1024, 384, 32),
        ("LSTM step H512 B32", 2048, 1024, 32),
        ("LSTM step H64 B1", 256, 96, 1),
    ] {
        let (w, x, mut y, shape) = (random(m, k), random(k, n), vec![0.0; m * n], Shape::of(n));
        let mut room = vec![0.0; shape.size::<f32>(m, k) + 16];
        let aligned = room.as_ptr().align_offset(64);
        let packed = &mut room[aligned..][..shape.size::<f32>(m, k)];
        let matrix = MatRef::from_row_major_slice(&w, m, k);
        pack(packed, matrix, shape);
        let factor = Factor::new(matrix).with(Packed::new(packed, m, k, shape));
        group.throughput(Throughput::Elements((2 * m * k * n) as u64));
        group.bench_function(BenchmarkId::new(what, format!("{m}x{k} by {k}x{n}")), |bench| {
            bench.iter(|| multiply(&mut y, Begin::Zero, &[(factor, &x)]));
        });
    }
    group.finish();
}

/// `dW += dz Yᵀ`, which reads both factors along their rows: by faer, and with Y turned.
fn weight_gradients(c: &mut Criterion) {
    let mut group = c.benchmark_group("weight gradient (elem = multiplication or addition)");
    for (what, rows, n, cols) in
        [("LSTM H100, 128 columns", 400usize, 128usize, 120usize), ("LSTM H256, 512 columns", 1024, 512, 384)]
    {
        let wide = cols.next_multiple_of(16);
        let (dz, y, mut sums) = (random(rows, n), random(cols, n), vec![0.0; rows * wide]);
        group.throughput(Throughput::Elements((2 * rows * n * cols) as u64));
        group.bench_function(BenchmarkId::new(what, "faer"), |bench| {
            bench.iter(|| {
                let (a, y) =
                    (MatRef::from_row_major_slice(&dz, rows, n), MatRef::from_row_major_slice(&y, cols, n));
                let sums = MatMut::from_row_major_slice_mut(&mut sums, rows, wide).subcols_mut(0, cols);
                matmul(sums, Accum::Add, a, y.transpose());
            });
        });
        let mut room = vec![0.0; turned_size(wide, n) + 16];
        let aligned = room.as_ptr().align_offset(64);
        let panels = &mut room[aligned..][..turned_size(wide, n)];
        group.bench_function(BenchmarkId::new(what, "turned"), |bench| {
            bench.iter(|| {
                let y = Rows { data: &y, width: n, apart: n };
                for (k, panel) in panels.chunks_exact_mut(PANEL * n).enumerate() {
                    turn(panel, 0, y.from(k * PANEL), PANEL.min(cols - k * PANEL));
                }
                add_outer(&mut sums, wide, (&[Rows { data: &dz, width: n, apart: n }], 0), panels);
            });
        });
    }
    group.finish();
}

/// The gates' functions on the pre-activations of one step: 4·256×32 entries.
fn functions(c: &mut Criterion) {
    let functions: [(&str, fn(&mut [f32], &[f32])); 3] =
        [("exp", f32::exp_slice), ("sigmoid", f32::sigmoid_slice), ("tanh", f32::tanh_slice)];
    let (x, mut y) = (random(1024, 32), vec![0.0; 1024 * 32]);
    let mut group = c.benchmark_group("function (elem = entry)");
    group.throughput(Throughput::Elements(x.len() as u64));
    for (name, function) in functions {
        group.bench_function(name, |b| b.iter(|| function(&mut y, &x)));
    }
    group.finish();
}

/// Operations as a network uses them: inputs put on the tape, forward, and backward to all of them.
fn on_the_tape(c: &mut Criterion) {
    let (hidden, batch, symbols, steps) = (256, 32, 65, 64);
    let ids: Vec<usize> = (0..steps * batch).map(|k| k * 7919 % symbols).collect();
    on_tape(c, "affine W x + U h + b, H256 B32", [(1024, 64), (64, 32), (1024, 256), (256, 32)], |v| {
        let b = v[0].tape().zeros(4 * hidden, 1);
        v[0].tape().affine(&[(v[0], v[1]), (v[2], v[3])], b)
    });
    on_tape(c, "sigmoid, 1024x32", [(1024, 32)], |[x]| x.sigmoid());
    on_tape(c, "embedding, T64 B32 E64 V65", [(symbols, 64)], |[table]| table.embedding(&ids, batch));
    on_tape(c, "softmax cross-entropy, T64 B32 V65", [(steps * symbols, batch)], |[x]| x.cross_entropy(&ids));
}

fn on_tape<const N: usize>(
    c: &mut Criterion,
    name: &str,
    shapes: [(usize, usize); N],
    run: impl for<'t> Fn([Var<'t, f32>; N]) -> Var<'t, f32>,
) {
    let mut group = c.benchmark_group(format!("on the tape: {name}"));
    let values = shapes.map(|(rows, cols)| (rows, cols, random(rows, cols)));
    let mut tape = Tape::new();
    let size = {
        let y = run(values.each_ref().map(|(rows, cols, x)| tape.leaf(*rows, *cols, x)));
        y.rows() * y.cols()
    };
    let cotangent = vec![1.0; size];
    for backward in [false, true] {
        group.bench_function(if backward { "forward and backward" } else { "forward" }, |b| {
            b.iter(|| {
                tape.reset();
                let y = run(values.each_ref().map(|(rows, cols, x)| tape.leaf(*rows, *cols, x)));
                if backward {
                    y.backward_with(&cotangent);
                }
            });
        });
    }
    group.finish();
}
