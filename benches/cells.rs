//! Every cell, forward and for a training step, against each of the sizes that its cost depends on.

use benches::{Layer, Sizes};
use criterion::{BenchmarkId, Criterion, Throughput};
use models::cells::Kind;
use models::layers::Span;

/// What the groups vary, one size at a time.
const SIZES: Sizes = Sizes { steps: 20, batch: 16, input: 32, hidden: 128 };

pub fn run(c: &mut Criterion) {
    let Sizes { steps, batch, input, hidden } = SIZES;
    group(c, format!("hidden size (T{steps} B{batch} I{input}; elem = step of one example)"), |hidden| {
        [32, 128, 512].map(|n| (n, Sizes { hidden: n, ..hidden }))
    });
    group(c, format!("batch (T{steps} I{input} H{hidden}; elem = step of one example)"), |batch| {
        [1, 8, 64].map(|n| (n, Sizes { batch: n, ..batch }))
    });
    group(c, format!("length (B{batch} I{input} H{hidden}; elem = step of one example)"), |steps| {
        [4, 30, 240].map(|n| (n, Sizes { steps: n, ..steps }))
    });
}

fn group(c: &mut Criterion, name: String, vary: impl Fn(Sizes) -> [(usize, Sizes); 3]) {
    let mut group = c.benchmark_group(name);
    for kind in Kind::ALL {
        for (n, sizes) in vary(SIZES) {
            group.throughput(Throughput::Elements(sizes.examples()));
            let mut layer = Layer::new(kind, sizes);
            let id = |what: &str| BenchmarkId::new(format!("{kind} {what}"), n);
            group.bench_function(id("forward"), |b| b.iter(|| layer.forward(Span::default())));
            group.bench_function(id("training step"), |b| b.iter(|| layer.train(Span::default())));
        }
    }
    group.finish();
}
