//! Whole models, one training step, the optimiser included.

use benches::Model;
use criterion::{Criterion, Throughput};
use models::cells::Kind;

pub fn run(c: &mut Criterion, threads: usize) {
    let by = if threads == 1 { "1 thread".to_string() } else { format!("{threads} threads") };
    let mut group = c.benchmark_group(format!("variants on one task, recall (T101 B32 H32), {by}"));
    for kind in Kind::ALL {
        let mut model = Model::of_recall(kind, false);
        group.bench_function(kind.name(), |b| b.iter(|| model.train()));
    }
    let mut model = Model::of_recall(Kind::Lstm, true);
    group.bench_function("bidirectional-lstm", |b| b.iter(|| model.train()));
    group.finish();

    let mut group =
        c.benchmark_group(format!("character model (T64 B32 E64 H256 V65; elem = character), {by}"));
    group.throughput(Throughput::Elements(64 * 32));
    for kind in Kind::ALL {
        let mut model = Model::of_characters(kind);
        group.bench_function(kind.name(), |b| b.iter(|| model.train()));
    }
    group.finish();
}
