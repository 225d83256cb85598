//! One training step: forward, backward, all parameters' gradients.

use benches::{CharacterModel, Layer};
use criterion::{Criterion, criterion_group, criterion_main};
use models::cells::Kind;
use models::layers::Span;

/// T, B, I, H.
const SIZES: [[usize; 4]; 4] = [[50, 128, 20, 100], [100, 32, 128, 256], [100, 1, 32, 64], [4, 1, 1, 1]];

fn layers(c: &mut Criterion) {
    for [steps, batch, input, hidden] in SIZES {
        let mut group = c.benchmark_group(format!("layer T{steps} B{batch} I{input} H{hidden}"));
        group.sample_size(10);
        for kind in Kind::ALL {
            let mut layer = Layer::new(kind, steps, batch, input, hidden);
            for form in ["fused", "equations"] {
                let span = Span { equations: form == "equations", ..Span::default() };
                group.bench_function(format!("{kind}/forward/{form}"), |b| b.iter(|| layer.forward(span)));
                group.bench_function(format!("{kind}/train/{form}"), |b| b.iter(|| layer.train(span)));
            }
        }
        group.finish();
    }
}

fn character_model(c: &mut Criterion) {
    let mut group = c.benchmark_group("character model T64 B32 E64 H256 V65");
    group.sample_size(10);
    for kind in Kind::ALL {
        let mut model = CharacterModel::new(kind);
        group.bench_function(format!("{kind}/train"), |b| b.iter(|| model.train()));
    }
    group.finish();
}

criterion_group!(benches, layers, character_model);
criterion_main!(benches);
