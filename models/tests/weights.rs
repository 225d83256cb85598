//! Weights in and out: PyTorch's names, shapes and two biases; sizes from the file; nothing lost.
#![cfg(feature = "files")]

use autograd::Tape;
use autograd::check::Random;
use models::cells::{CellConfig, Kind};
use models::layers::{Encoding, Span, Stack, StackConfig};
use models::network::{Network, NetworkConfig};
use models::params::Params;
use models::weights::{from_bytes, network_from_bytes, stack_from_bytes, to_bytes};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;

const INPUT: usize = 3;
const HIDDEN: usize = 5;

/// Every parameter random, so that no two are alike.
fn scramble(params: &mut Params<f32>, seed: u64) {
    let mut random = Random::new(seed);
    for p in params.iter_mut() {
        p.value = random.normals(p.value.len()).into_iter().map(|x| x as f32).collect();
    }
}

fn stack(kind: Kind, both: bool) -> (Stack<f32>, Params<f32>) {
    let output = (kind == Kind::Jordan).then_some(2);
    let cell = CellConfig { output, ..CellConfig::new(INPUT, HIDDEN) };
    let config = StackConfig {
        layers: 2,
        bidirectional: both,
        learn_initial_state: both,
        ..StackConfig::new(kind, cell)
    };
    let mut params = Params::new();
    let stack = Stack::new(&config, &mut params, "rnn", &mut ChaCha8Rng::seed_from_u64(1));
    scramble(&mut params, 2);
    (stack, params)
}

/// Names, shapes and entries of a file's tensors.
fn tensors(bytes: &[u8]) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let numbers =
        |t: &TensorView<'_>| t.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    file.iter().map(|(name, t)| (name.to_string(), (t.shape().to_vec(), numbers(&t)))).collect()
}

fn file(tensors: &BTreeMap<String, (Vec<usize>, Vec<f32>)>) -> Vec<u8> {
    let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, numbers))| (name, shape, numbers.iter().flat_map(|x| x.to_le_bytes()).collect()))
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn the_round_trip_loses_nothing() {
    for (kind, both) in Kind::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let (_, mut params) = stack(kind, both);
        params.iter_mut().next().unwrap().value[0] = -0.0;
        let bytes = to_bytes(&params);
        let mut read = stack(kind, both).1;
        scramble(&mut read, 3);
        from_bytes(&mut read, &bytes).unwrap();
        for (a, b) in read.iter().zip(params.iter()) {
            let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&a.value), bits(&b.value), "{kind} {}", a.name);
        }
        assert_eq!(to_bytes(&read), bytes, "{kind}");
    }
}

#[test]
fn names_and_shapes_are_those_of_pytorch() {
    let gates = |kind| match kind {
        Kind::Elman | Kind::ElmanRelu => 1,
        Kind::Gru => 3,
        _ => 4,
    };
    for kind in [Kind::Elman, Kind::ElmanRelu, Kind::Lstm, Kind::Gru] {
        let rows = gates(kind) * HIDDEN;
        let mut expected = BTreeMap::new();
        for (layer, input) in [(0, INPUT), (1, 2 * HIDDEN)] {
            for suffix in ["", "_reverse"] {
                let name = |name: &str| format!("rnn.{name}_l{layer}{suffix}");
                expected.insert(name("weight_ih"), vec![rows, input]);
                expected.insert(name("weight_hh"), vec![rows, HIDDEN]);
                expected.insert(name("bias_ih"), vec![rows]);
                expected.insert(name("bias_hh"), vec![rows]);
                // What PyTorch's layers do not have: load_state_dict is to be told of it.
                expected.insert(name("h_0"), vec![HIDDEN]);
                if kind == Kind::Lstm {
                    expected.insert(name("c_0"), vec![HIDDEN]);
                }
            }
        }
        let found = tensors(&to_bytes(&stack(kind, true).1));
        assert_eq!(
            found.into_iter().map(|(name, (shape, _))| (name, shape)).collect::<BTreeMap<_, _>>(),
            expected
        );
    }
    let names =
        |kind| tensors(&to_bytes(&stack(kind, false).1)).into_iter().filter(|(name, _)| name.ends_with("l0"));
    let names = |kind| {
        names(kind)
            .map(|(name, (shape, _))| format!("{} {shape:?}", &name[4..name.len() - 3]))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(Kind::Jordan),
        ["bias_h [5]", "bias_y [2]", "weight_hy [2, 5]", "weight_ih [5, 3]", "weight_yh [5, 2]"]
    );
    assert_eq!(
        names(Kind::Peephole),
        [
            "bias_hh [20]",
            "bias_ih [20]",
            "weight_cf [5]",
            "weight_ci [5]",
            "weight_co [5]",
            "weight_hh [20, 5]",
            "weight_ih [20, 3]"
        ]
    );
}

/// Our one bias is `bias_ih`; `bias_hh` is zero, but for the candidate of the GRU.
#[test]
fn the_two_biases() {
    for kind in [Kind::Elman, Kind::Lstm, Kind::Gru, Kind::GruResetBefore] {
        let params = stack(kind, false).1;
        let found = tensors(&to_bytes(&params));
        let own = |name: &str| params.find(name).map(|id| params.get(id).value.clone());
        let (ih, hh) = (&found["rnn.bias_ih_l1"].1, &found["rnn.bias_hh_l1"].1);
        assert_eq!(Some(ih), own("rnn.bias_l1").as_ref());
        let candidate = own("rnn.bias_hn_l1").unwrap_or_default();
        assert_eq!(candidate.len(), if kind == Kind::Gru { HIDDEN } else { 0 });
        let (zeros, last) = hh.split_at(hh.len() - candidate.len());
        assert!(zeros.iter().all(|&x| x == 0.0) && last == candidate, "{kind}");
    }
}

/// What PyTorch writes: two biases, both of them not zero.
#[test]
fn two_biases_are_summed_but_for_the_candidate() {
    for kind in [Kind::Elman, Kind::Lstm, Kind::Gru] {
        let params = stack(kind, false).1;
        let mut theirs = tensors(&to_bytes(&params));
        let rows = theirs["rnn.bias_hh_l0"].1.len();
        let (ih, hh): (Vec<f32>, Vec<f32>) =
            ((0..rows).map(|k| k as f32).collect(), (0..rows).map(|k| 100.0 * k as f32).collect());
        theirs.get_mut("rnn.bias_ih_l0").unwrap().1 = ih.clone();
        theirs.get_mut("rnn.bias_hh_l0").unwrap().1 = hh.clone();
        let mut read = params.clone();
        from_bytes(&mut read, &file(&theirs)).unwrap();
        let own = |name: &str| read.get(read.find(name).unwrap()).value.clone();
        let summed = if kind == Kind::Gru { 2 * HIDDEN } else { rows };
        let expected = |k: usize| ih[k] + if k < summed { hh[k] } else { 0.0 };
        assert_eq!(own("rnn.bias_l0"), (0..rows).map(expected).collect::<Vec<_>>(), "{kind}");
        if kind == Kind::Gru {
            assert_eq!(own("rnn.bias_hn_l0"), hh[2 * HIDDEN..]);
        }
    }
}

#[test]
fn a_stack_takes_its_sizes_from_the_file() {
    for (kind, both) in Kind::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let (stack, params) = stack(kind, both);
        let bytes = to_bytes(&params);
        // As a state_dict has them: without rnn.
        let bare = tensors(&bytes).into_iter().map(|(name, t)| (name[4..].to_string(), t)).collect();
        for bytes in [bytes, file(&bare)] {
            let (found, read) = stack_from_bytes::<f32>(kind, &bytes).unwrap();
            assert_eq!(read, params, "{kind}");
            let run = |stack: &Stack<f32>, params: &Params<f32>| {
                let tape = Tape::new();
                let p = params.bind_constant(&tape);
                let x: Vec<f32> = (0..4 * INPUT * 2).map(|k| (k as f32).sin()).collect();
                let x = tape.constant(4 * INPUT, 2, &x);
                stack.forward(p, x, &stack.initial_states(p, 2), Span::default(), None).0.value()
            };
            assert_eq!(run(&found, &read), run(&stack, &params), "{kind}");
        }
    }
}

#[test]
fn a_network_takes_its_sizes_from_the_file() {
    let ids = [3, 0, 6, 1, 1, 5, 2, 4];
    for (encoding, kind) in [(Encoding::Embedding(4), Kind::Gru), (Encoding::OneHot, Kind::Jordan)] {
        let config = NetworkConfig {
            encoding,
            layers: 2,
            bidirectional: kind == Kind::Gru,
            outputs: 6,
            learn_initial_state: kind == Kind::Gru,
            ..NetworkConfig::new(kind, 7, HIDDEN)
        };
        let mut params = Params::<f32>::new();
        let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
        scramble(&mut params, 2);
        let (found, read) = network_from_bytes::<f32>(kind, &to_bytes(&params)).unwrap();
        assert_eq!(read, params);
        let run = |network: &Network<f32>| {
            let tape = Tape::new();
            network.forward(params.bind_constant(&tape), &ids, &mut network.initial_carry(2)).value()
        };
        assert_eq!(run(&found), run(&network));
    }
}

#[test]
fn what_does_not_fit_is_named() {
    type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;
    let error = |kind: Kind, spoil: fn(&mut Tensors)| {
        let mut tensors = tensors(&to_bytes(&stack(Kind::Lstm, false).1));
        spoil(&mut tensors);
        stack_from_bytes::<f32>(kind, &file(&tensors)).map(|_| ()).unwrap_err().to_string()
    };
    for (spoil, message) in [
        (
            (|t| drop(t.remove("rnn.bias_hh_l1"))) as fn(&mut Tensors),
            "tensor rnn.bias_hh_l1 of shape [20] is missing",
        ),
        (
            |t| drop(t.remove("rnn.weight_ih_l0")),
            "tensor rnn.weight_ih_l0: expected F32 [gates · H, I], found none",
        ),
        (
            |t| drop(t.insert("rnn.weight_ih_l2".into(), (vec![1], vec![0.0]))),
            "tensor rnn.weight_ih_l2: expected F32 [20, 5], found F32 [1]",
        ),
        (
            |t| drop(t.insert("head.weight".into(), (vec![1], vec![0.0]))),
            "tensor head.weight is not one of this network's",
        ),
        (
            |t| t.get_mut("rnn.bias_ih_l0").unwrap().1[3] = f32::NAN,
            "tensor rnn.bias_ih_l0: entry 3 is NaN, expected a finite number",
        ),
    ] {
        assert_eq!(error(Kind::Lstm, spoil), message);
    }
    let none: fn(&mut Tensors) = |_| ();
    assert_eq!(error(Kind::Gru, none), "tensor rnn.weight_ih_l0: expected F32 [15, 3], found F32 [20, 3]");
    assert_eq!(error(Kind::Peephole, none), "tensor rnn.weight_ci_l0 of shape [5] is missing");
    assert_eq!(error(Kind::Jordan, none), "tensor rnn.weight_hy_l0: expected F32 [O, H], found none");
    assert!(stack_from_bytes::<f32>(Kind::Lstm, b"\x80\x02torch").is_err());
    let narrow = to_bytes(&stack(Kind::Jordan, false).1);
    let error = network_from_bytes::<f32>(Kind::Jordan, &narrow).map(|_| ()).unwrap_err().to_string();
    assert_eq!(error, "tensor rnn.weight_hy_l0: expected F32 [H, H], found F32 [2, 5]");
    // A matrix of no numbers may claim any number of rows.
    let mut huge = tensors(&to_bytes(&stack(Kind::Gru, false).1));
    huge.insert("head.weight".into(), (vec![1 << 40, 0], vec![]));
    let error = network_from_bytes::<f32>(Kind::Gru, &file(&huge)).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "tensor head.weight: expected F32 […, 5], found F32 [1099511627776, 0]");
}

/// Whatever comes of a damaged file, it is an answer and not a panic.
#[test]
fn every_single_byte_changed() {
    let config = NetworkConfig { learn_initial_state: true, ..NetworkConfig::new(Kind::Gru, 3, 2) };
    let mut params = Params::<f32>::new();
    Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
    let good = to_bytes(&params);
    assert!(network_from_bytes::<f32>(Kind::Gru, &good).is_ok());
    for at in 0..good.len() {
        assert!(network_from_bytes::<f32>(Kind::Gru, &good[..at]).is_err());
        for flip in [1, 2, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] ^= flip;
            let _ = network_from_bytes::<f32>(Kind::Gru, &bytes);
            let _ = stack_from_bytes::<f32>(Kind::Gru, &bytes);
        }
    }
}
