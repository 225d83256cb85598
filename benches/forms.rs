//! The two forms of every cell: the equations step by step, and the derivation fused over the sequence.

use benches::{Layer, Sizes};
use criterion::{BenchmarkId, Criterion, Throughput};
use models::cells::Kind;
use models::layers::Span;

pub fn run(c: &mut Criterion) {
    let sizes = Sizes { steps: 50, batch: 32, input: 20, hidden: 100 };
    let mut group =
        c.benchmark_group("fused against equations (T50 B32 I20 H100; elem = step of one example)");
    group.throughput(Throughput::Elements(sizes.examples()));
    for kind in Kind::ALL {
        let mut layer = Layer::new(kind, sizes);
        for form in ["fused", "equations"] {
            let span = Span { equations: form == "equations", ..Span::default() };
            let id = |what: &str| BenchmarkId::new(format!("{kind} {what}"), form);
            group.bench_function(id("forward"), |b| b.iter(|| layer.forward(span)));
            group.bench_function(id("training step"), |b| b.iter(|| layer.train(span)));
        }
    }
    group.finish();
}
