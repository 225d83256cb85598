//! Weights on their way to PyTorch and back: names, biases, the order of the gates.
//!
//! `cargo run --package book --example pytorch`

use autograd::Tape;
use models::cells::{CellConfig, Kind, State};
use models::layers::{Span, Stack, StackConfig, unroll};
use models::params::Params;
use models::torch::torch_tensors;
use models::weights::{from_bytes, stack_from_bytes, to_bytes};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn main() {
    print_names();
    print_biases();
    print_orders();
    print_wrong_order();
    print_round_trip();
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(5)
}

/// Two layers in both directions, 3 inputs and 4 units.
fn stack(kind: Kind) -> Params<f32> {
    let config = StackConfig::new(kind, CellConfig::new(3, 4));
    let mut params = Params::new();
    Stack::new(&StackConfig { layers: 2, bidirectional: true, ..config }, &mut params, "rnn", &mut rng());
    params
}

/// The tensors of a safetensors file: names and shapes from its header, which is JSON behind its length.
fn header(bytes: &[u8]) -> Vec<(String, String)> {
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let json: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    let tensors = json.as_object().expect("an object");
    tensors.iter().map(|(name, tensor)| (name.clone(), tensor["shape"].to_string())).collect()
}

fn print_names() {
    println!("== names: a GRU of two layers in both directions, 3 inputs, 4 units");
    let params = stack(Kind::Gru);
    let bytes = to_bytes(&params);
    let mut tensors = header(&bytes);
    tensors.sort();
    for (name, shape) in &tensors {
        println!("{name:32} {shape}");
    }
    println!("\n== counts: numbers here, and in the file");
    let written: usize = tensors.iter().map(|(_, shape)| count(shape)).sum();
    println!("{} here, {written} in the file, {} bytes", params.count(), bytes.len());
}

/// `[12,3]` has 36 entries.
fn count(shape: &str) -> usize {
    shape.trim_matches(['[', ']']).split(',').map(|n| n.parse::<usize>().expect("a size")).product()
}

/// The numbers of one tensor of the file.
fn numbers(bytes: &[u8], name: &str) -> Vec<f32> {
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let json: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    let place = |k: usize| 8 + length + json[name]["data_offsets"][k].as_u64().expect("a place") as usize;
    let four = bytes[place(0)..place(1)].chunks_exact(4);
    four.map(|b| f32::from_le_bytes(b.try_into().expect("four bytes"))).collect()
}

fn print_biases() {
    println!("\n== biases: one unit, r z n: PyTorch's two, ours, and what is written");
    let mut params = Params::<f32>::new();
    CellConfig::new(1, 1).build(Kind::Gru, &mut params, "rnn", "l0", &mut rng());
    params.iter_mut().for_each(|p| p.value.fill(0.0));
    let (ih, hh) = ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]);
    println!("PyTorch   bias_ih {ih:?}     bias_hh {hh:?}");
    for tensor in torch_tensors(&params) {
        match tensor.name.as_str() {
            "rnn.bias_ih_l0" => tensor.add_to(&mut params, &ih),
            "rnn.bias_hh_l0" => tensor.add_to(&mut params, &hh),
            _ => {}
        }
    }
    let [b, b_hn] = ["rnn.bias_l0", "rnn.bias_hn_l0"].map(|name| params.find(name).expect("a bias"));
    println!("ours      bias    {:?}   bias_hn {:?}", params.get(b).value, params.get(b_hn).value);
    let bytes = to_bytes(&params);
    let [ih, hh] = ["rnn.bias_ih_l0", "rnn.bias_hh_l0"].map(|name| numbers(&bytes, name));
    println!("written   bias_ih {ih:?}   bias_hh {hh:?}");
}

// ANCHOR: orders
/// Libraries, and the order of their gates in our letters.
const LSTM: [(&str, &str); 4] =
    [("PyTorch", "ifgo"), ("Keras", "ifgo"), ("TensorFlow 1", "igfo"), ("ONNX", "iofg")];
const GRU: [(&str, &str); 3] = [("PyTorch", "rzn"), ("Keras", "zrn"), ("ONNX", "zrn")];

/// Block k of `to` is block `permutation[k]` of `from`.
fn permutation(from: &str, to: &str) -> Vec<usize> {
    to.chars().map(|gate| from.find(gate).expect("the same gates")).collect()
}
// ANCHOR_END: orders

fn print_orders() {
    println!("\n== orders: which block goes where");
    println!("                    order theirs from ours   ours from theirs");
    for (cell, ours, libraries) in [("LSTM", "ifgo", &LSTM[..]), ("GRU", "rzn", &GRU[..])] {
        for (library, theirs) in libraries {
            let [out, back] =
                [permutation(ours, theirs), permutation(theirs, ours)].map(|p| format!("{p:?}"));
            println!("{cell:5} {library:13} {theirs:5} {out:16}   {back}");
        }
    }
}

// ANCHOR: reorder
/// A stacked matrix, row by row, with its blocks of rows in another order.
fn reorder(stacked: &[f64], order: &[usize]) -> Vec<f64> {
    let size = stacked.len() / order.len();
    order.iter().flat_map(|&k| &stacked[k * size..(k + 1) * size]).copied().collect()
}
// ANCHOR_END: reorder

fn print_wrong_order() {
    println!("\n== wrong: the last hidden state after ten steps, blocks in the order given");
    for (kind, orders) in [
        (Kind::Lstm, &[("as ours", [0, 1, 2, 3].as_slice()), ("ONNX's", &[0, 3, 1, 2])][..]),
        (Kind::Gru, &[("as ours", &[0, 1, 2]), ("Keras's", &[1, 0, 2])]),
    ] {
        for (name, order) in orders {
            let (mut params, mut rng) = (Params::<f64>::new(), rng());
            let cell = CellConfig::new(2, 3).build(kind, &mut params, "rnn", "l0", &mut rng);
            for p in params.iter_mut().filter(|p| !p.name.contains("bias_hn")) {
                p.value = reorder(&p.value, order);
            }
            let tape = Tape::new();
            let p = params.bind_constant(&tape);
            let x: Vec<f64> = (0..20).map(|k| (0.9 * k as f64).sin()).collect();
            let start = State { h: tape.zeros(3, 1), c: cell.has_cell_state().then(|| tape.zeros(3, 1)) };
            let (_, end) = unroll(&*cell, p, tape.constant(20, 1, &x), start, Span::default());
            let h: String = end.h.value().iter().map(|h| format!(" {h:7.4}")).collect();
            println!("{:5} {name:8} {h}", kind.name());
        }
    }
}

fn print_round_trip() {
    println!("\n== back: read again, and what is refused");
    let params = stack(Kind::Lstm);
    let bytes = to_bytes(&params);
    let (_, read) = stack_from_bytes::<f32>(Kind::Lstm, &bytes).expect("our own file");
    println!("the same numbers: {}", read == params);
    let mut other = stack(Kind::Gru);
    let refused = [
        ("a GRU's file", stack_from_bytes::<f32>(Kind::Lstm, &to_bytes(&other)).map(|_| ())),
        ("into a GRU", from_bytes(&mut other, &bytes)),
        ("half a file", stack_from_bytes::<f32>(Kind::Lstm, &bytes[..bytes.len() / 2]).map(|_| ())),
    ];
    for (what, result) in refused {
        println!("{what}:\n  {}", result.expect_err("it does not fit"));
    }
}
