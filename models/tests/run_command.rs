//! `rnn run` against PyTorch's outputs and gradients, and against files that nobody vouches for.
#![cfg(feature = "cli")]

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Tensors by name: type, shape, bytes.
type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

const CASES: [(&str, &str); 18] = [
    ("elman", "elman"),
    ("elman_state", "elman"),
    ("elman_deep_bi", "elman"),
    ("elman_lengths_bi", "elman"),
    ("elman_one", "elman"),
    ("lstm", "lstm"),
    ("lstm_state", "lstm"),
    ("lstm_deep_bi", "lstm"),
    ("lstm_lengths_bi", "lstm"),
    ("lstm_one", "lstm"),
    ("gru", "gru"),
    ("gru_state", "gru"),
    ("gru_deep_bi", "gru"),
    ("gru_lengths_bi", "gru"),
    ("gru_one", "gru"),
    ("peephole", "peephole"),
    ("gru_reset_before", "gru-reset-before"),
    ("jordan", "jordan"),
];

fn fixture(case: &str) -> Tensors {
    let path = format!("{}/tests/fixtures/{case}.safetensors", env!("CARGO_MANIFEST_DIR"));
    read(Path::new(&path))
}

fn read(path: &Path) -> Tensors {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors = file.tensors().into_iter();
    tensors.map(|(name, t)| (name, (t.dtype(), t.shape().to_vec(), t.data().to_vec()))).collect()
}

fn to_bytes(tensors: &Tensors) -> Vec<u8> {
    let views = tensors
        .iter()
        .map(|(name, (dtype, shape, bytes))| (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

fn doubles(tensor: &(Dtype, Vec<usize>, Vec<u8>)) -> Vec<f64> {
    match tensor.0 {
        Dtype::F64 => tensor.2.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect(),
        Dtype::F32 => tensor.2.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b).into()).collect(),
        other => panic!("{other:?}"),
    }
}

fn bytes(entries: &[f64]) -> Vec<u8> {
    entries.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn rnn(folder: &Path, model: &str, form: &str, output: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rnn"));
    command.args(["run", "--model", model, "--form", form]).arg(folder.join("in.safetensors")).arg(output);
    command.output().unwrap()
}

/// What `rnn run` makes of these tensors.
fn run(folder: &Path, model: &str, form: &str, tensors: &Tensors) -> Tensors {
    fs::write(folder.join("in.safetensors"), to_bytes(tensors)).unwrap();
    let out = folder.join("out.safetensors");
    let result = rnn(folder, model, form, &out);
    assert!(
        result.status.success() && result.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&result.stderr)
    );
    read(&out)
}

/// max|a − b| ≤ tolerance · max(1, max|b|) for every expected tensor, and no tensor more.
fn assert_close(what: &str, found: &Tensors, expected: &Tensors, tolerance: f64) {
    let strip = |name: &str| name.strip_prefix("out.").unwrap_or(name).to_string();
    let expected: BTreeMap<_, _> = expected
        .iter()
        .filter(|(k, _)| k.starts_with("out.") || k.starts_with("grad."))
        .map(|(k, t)| (strip(k), t))
        .collect();
    let names = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(names(found.keys().cloned().collect()), names(expected.keys().cloned().collect()), "{what}");
    for (name, expected) in expected {
        let found = &found[&name];
        assert_eq!(found.1, expected.1, "{what}: shape of {name}");
        let (a, b) = (doubles(found), doubles(expected));
        let scale = b.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
        let apart = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, |m, d| if d <= m { m } else { d });
        assert!(apart <= tolerance * scale, "{what}: {name} is {apart:e} off, scale {scale}");
    }
}

fn map_floats(tensors: &Tensors, to: Dtype) -> Tensors {
    let floats = |t: &(Dtype, Vec<usize>, Vec<u8>)| {
        let entries = doubles(t).into_iter();
        let bytes = match to {
            Dtype::F32 => entries.flat_map(|x| (x as f32).to_le_bytes()).collect(),
            _ => entries.flat_map(f64::to_le_bytes).collect(),
        };
        (to, t.1.clone(), bytes)
    };
    tensors.iter().map(|(k, t)| (k.clone(), if t.0 == Dtype::I64 { t.clone() } else { floats(t) })).collect()
}

#[test]
fn all_cases_equal_pytorch_in_f64() {
    let folder = tempfile::tempdir().unwrap();
    for (case, model) in CASES {
        let fixture = fixture(case);
        for form in ["fused", "equations"] {
            let found = run(folder.path(), model, form, &fixture);
            assert!(found.values().all(|t| t.0 == Dtype::F64));
            assert_close(&format!("{case} {form}"), &found, &fixture, 1e-12);
        }
    }
}

/// The inputs are rounded to f32 first; what the rounded ones give in f64 is the measure.
#[test]
fn all_cases_hold_in_f32() {
    let folder = tempfile::tempdir().unwrap();
    for (case, model) in CASES {
        let fixture = fixture(case);
        let rounded = map_floats(&fixture, Dtype::F32);
        let exact = run(folder.path(), model, "equations", &map_floats(&rounded, Dtype::F64));
        let exact = exact
            .into_iter()
            .map(|(k, t)| (if k.starts_with("grad.") { k } else { format!("out.{k}") }, t))
            .collect();
        for form in ["fused", "equations"] {
            let found = run(folder.path(), model, form, &rounded);
            assert!(found.values().all(|t| t.0 == Dtype::F32));
            assert_close(&format!("{case} {form}"), &found, &exact, 1e-5);
            assert_close(&format!("{case} {form}"), &found, &fixture, 1e-5);
        }
    }
}

/// Expected results, states, lengths, gradients and biases may all be left out.
#[test]
fn what_is_optional_may_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = fixture("lstm_lengths_bi");
    let inputs = |keep: &dyn Fn(&str) -> bool| -> Tensors {
        let input = |name: &str| !name.starts_with("out.") && !name.starts_with("grad.");
        fixture.iter().filter(|(k, _)| input(k) && keep(k)).map(|(k, t)| (k.clone(), t.clone())).collect()
    };
    let names = |found: Tensors| found.into_keys().collect::<Vec<_>>();
    let found = names(run(folder.path(), "lstm", "fused", &inputs(&|k| k != "grad_y")));
    assert_eq!(found, ["c_n", "h_n", "y"]);
    let found = names(run(
        folder.path(),
        "lstm",
        "fused",
        &inputs(&|k| !k.ends_with("_0") && !k.starts_with("bias")),
    ));
    let gradients = found.iter().filter(|name| name.starts_with("grad.")).count();
    assert_eq!((gradients, found.len()), (1 + 8, 1 + 8 + 3), "{found:?}");

    // No biases and biases of zeros are the same, and so are no lengths and lengths of T.
    let (steps, batch) = (fixture["x"].1[0], fixture["x"].1[1]);
    let none = inputs(&|k| !k.starts_with("bias") && k != "lengths");
    let mut zeros = inputs(&|_| true);
    zeros.iter_mut().filter(|(k, _)| k.starts_with("bias")).for_each(|(_, t)| t.2.fill(0));
    zeros.get_mut("lengths").unwrap().2 =
        vec![steps as i64; batch].iter().flat_map(|n| n.to_le_bytes()).collect();
    let [none, zeros] = [none, zeros].map(|tensors| run(folder.path(), "lstm", "fused", &tensors));
    assert!(none.iter().all(|(name, tensor)| zeros[name].2 == tensor.2));
}

/// A learned state is one column for all examples, and its gradient their sum.
#[test]
fn states_may_be_learned() {
    let folder = tempfile::tempdir().unwrap();
    let mut given = fixture("gru");
    let (batch, hidden) = (given["x"].1[1], given["weight_hh_l0"].1[1]);
    let column: Vec<f64> = (0..hidden).map(|k| 0.3 - 0.2 * k as f64).collect();
    let mut learned = given.clone();
    learned.insert("h_0_l0".into(), (Dtype::F64, vec![hidden], bytes(&column)));
    given.insert("h_0".into(), (Dtype::F64, vec![1, batch, hidden], bytes(&column.repeat(batch))));
    let [given, learned] = [given, learned].map(|tensors| run(folder.path(), "gru", "fused", &tensors));
    assert_eq!(learned["y"], given["y"]);
    let sum = |k: usize| doubles(&given["grad.h_0"]).iter().skip(k).step_by(hidden).sum::<f64>();
    let gradient = doubles(&learned["grad.h_0_l0"]);
    let apart = gradient.iter().enumerate().map(|(k, g)| (g - sum(k)).abs());
    assert!(apart.fold(0.0, f64::max) <= 1e-12);
    assert!(gradient.iter().all(|g| g.abs() > 1e-3));
}

#[test]
fn padding_may_be_anything() {
    let folder = tempfile::tempdir().unwrap();
    let clean = fixture("gru_lengths_bi");
    let (batch, lengths) = (4, clean["lengths"].2.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b)));
    let lengths: Vec<usize> = lengths.map(|n| n as usize).collect();
    let mut dirty = clean.clone();
    for name in ["x", "grad_y"] {
        let features = clean[name].1[2];
        let mut entries = doubles(&clean[name]);
        for i in (0..entries.len()).filter(|i| i / features / batch >= lengths[i / features % batch]) {
            entries[i] = f64::NAN;
        }
        dirty.get_mut(name).unwrap().2 = bytes(&entries);
    }
    for form in ["fused", "equations"] {
        let [clean, dirty] = [&clean, &dirty].map(|tensors| run(folder.path(), "gru", form, tensors));
        assert!(clean == dirty, "{form}");
    }
}

/// A table of what can be wrong: how to spoil the file `lstm_lengths_bi`, and the one line that says it.
#[test]
fn a_wrong_tensor_is_named() {
    type Spoil = fn(&mut Tensors);
    fn set(t: &mut Tensors, name: &str, at: usize, value: f64) {
        t.get_mut(name).unwrap().2[8 * at..8 * at + 8].copy_from_slice(&value.to_le_bytes());
    }
    let table: [(Spoil, &str); 18] = [
        (|t| drop(t.remove("x")), "tensor x: expected F64 or F32 [T, B, I], found none"),
        (|t| t.get_mut("x").unwrap().1 = vec![7, 12], "tensor x: expected F64 [T, B, I], found F64 [7, 12]"),
        (
            |t| t.get_mut("x").unwrap().0 = Dtype::I64,
            "tensor x: expected F64 or F32 [T, B, I], found I64 [7, 4, 3]",
        ),
        (
            |t| *t.get_mut("x").unwrap() = (Dtype::F64, vec![7, 0, 3], vec![]),
            "tensor x: expected F64 [T, B, I] of at least 1 each, found F64 [7, 0, 3]",
        ),
        (|t| drop(t.remove("weight_hh_l0")), "tensor weight_hh_l0: expected F64 [gates · H, H], found none"),
        (
            |t| drop(t.remove("weight_ih_l1_reverse")),
            "tensor weight_ih_l1_reverse: expected F64 [16, 8], found none",
        ),
        (
            |t| drop(t.remove("bias_hh_l0_reverse")),
            "tensor bias_hh_l0_reverse: expected F64 [16], found none",
        ),
        (|t| drop(t.remove("c_0")), "tensor c_0: expected F64 [4, 4, 4], found none"),
        (
            |t| t.get_mut("weight_ih_l0").unwrap().1 = vec![12, 4],
            "tensor weight_ih_l0: expected F64 [16, 3], found F64 [12, 4]",
        ),
        (
            |t| t.get_mut("h_0").unwrap().1 = vec![2, 8, 4],
            "tensor h_0: expected F64 [4, 4, 4], found F64 [2, 8, 4]",
        ),
        (
            |t| t.get_mut("grad_y").unwrap().1 = vec![7, 8, 4],
            "tensor grad_y: expected F64 [7, 4, 8], found F64 [7, 8, 4]",
        ),
        (
            |t| {
                let half = map_floats(t, Dtype::F32).remove("bias_ih_l0").unwrap();
                t.insert("bias_ih_l0".into(), half);
            },
            "tensor bias_ih_l0: expected F64 [16], found F32 [16]",
        ),
        (|t| t.get_mut("lengths").unwrap().0 = Dtype::F64, "tensor lengths: expected I64 [4], found F64 [4]"),
        (|t| t.get_mut("lengths").unwrap().2[8] = 8, "tensor lengths: expected 1 to 7, found 8 at [1]"),
        (
            |t| t.get_mut("lengths").unwrap().2[16..24].fill(255),
            "tensor lengths: expected 1 to 7, found -1 at [2]",
        ),
        (
            |t| set(t, "weight_hh_l1", 6, f64::NAN),
            "tensor weight_hh_l1: expected finite numbers, found NaN at [1, 2]",
        ),
        (|t| set(t, "x", 1, f64::INFINITY), "tensor x: expected finite numbers, found inf at [0, 0, 1]"),
        (
            |t| drop(t.insert("weight_zz_l0".into(), (Dtype::F64, vec![1], vec![0; 8]))),
            "tensor weight_zz_l0 is not one of this network's",
        ),
    ];
    for (spoil, message) in table {
        let mut tensors = fixture("lstm_lengths_bi");
        spoil(&mut tensors);
        refused(&to_bytes(&tensors), message);
    }
}

/// A file that is no file of tensors at all, or promises more than it holds.
#[test]
fn a_damaged_file_is_refused() {
    let whole = to_bytes(&fixture("lstm_lengths_bi"));
    refused(b"", "not a safetensors file (it has no 8 bytes)");
    refused(
        b"# not a safetensors file\n",
        "not a safetensors file (its header would have 2333181766412410915 bytes)",
    );
    let end = whole.len() - 5;
    let cut = refused_with(&whole[..end]);
    assert!(cut.contains("cut short: tensor "), "{cut}");
    assert!(refused_with(&whole[..100]).contains("cut short: the header has "));
    let mut foreign = whole.clone();
    foreign[8] = b'!';
    assert!(refused_with(&foreign).contains("not a safetensors file (its header is not JSON: "));
    // A network of very many layers, or of very many units, of which there is only the name.
    let mut tensors = fixture("lstm");
    tensors.insert("bias_ih_l18446744073709551614".into(), (Dtype::F64, vec![1], vec![0; 8]));
    refused(&to_bytes(&tensors), "tensor weight_ih_l1: expected F64 [8, 2], found none");
    let mut tensors = fixture("lstm");
    tensors.insert("weight_hh_l0".into(), (Dtype::F64, vec![1, 1 << 40, 0], vec![]));
    refused(
        &to_bytes(&tensors),
        "tensor weight_hh_l0: expected F64 [gates · H, H], found F64 [1, 1099511627776, 0]",
    );
}

fn refused(file: &[u8], message: &str) {
    let line = refused_with(file);
    assert!(line.ends_with(&format!("in.safetensors: {message}\n")), "{line}");
}

/// The one line on the standard error stream; exit code 2, and no file written.
fn refused_with(file: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.safetensors"), file).unwrap();
    let result = rnn(folder.path(), "lstm", "fused", &folder.path().join("out.safetensors"));
    let line = String::from_utf8(result.stderr).unwrap();
    assert_eq!(result.status.code(), Some(2), "{line}");
    assert!(line.starts_with("rnn: ") && line.lines().count() == 1 && result.stdout.is_empty(), "{line}");
    let left: Vec<PathBuf> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [folder.path().join("in.safetensors")]);
    line
}

/// Another model's file is missing what this one needs, or has too much.
#[test]
fn the_model_must_fit_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for (case, model, message) in [
        ("gru", "lstm", "tensor weight_ih_l0: expected F64 [28, 4], found F64 [21, 4]"),
        ("lstm", "jordan", "tensor weight_hy_l0: expected F64 [O, H], found none"),
        ("lstm", "peephole", "tensor weight_ci_l0: expected F64 [2], found none"),
        ("peephole", "lstm", "tensor weight_cf_l0 is not one of this network's"),
        ("elman", "gru", "tensor weight_ih_l0: expected F64 [21, 5], found F64 [7, 5]"),
    ] {
        fs::write(folder.path().join("in.safetensors"), to_bytes(&fixture(case))).unwrap();
        let result = rnn(folder.path(), model, "fused", &folder.path().join("out.safetensors"));
        let line = String::from_utf8(result.stderr).unwrap();
        assert!(result.status.code() == Some(2) && line.ends_with(&format!("{message}\n")), "{line}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.safetensors"), to_bytes(&fixture("lstm"))).unwrap();
    for output in
        [folder.path().join("missing/out.safetensors"), folder.path().to_path_buf(), "/dev/full".into()]
    {
        let result = rnn(folder.path(), "lstm", "fused", &output);
        let line = String::from_utf8(result.stderr).unwrap();
        assert!(
            result.status.code() == Some(2)
                && line.starts_with("rnn: cannot write ")
                && line.lines().count() == 1,
            "{line}"
        );
    }
    assert!(!fs::metadata("/dev/full").unwrap().is_file(), "a device is written to and not replaced");
    // An old output gives way to a new one, and stays where the input is refused.
    let out = folder.path().join("out.safetensors");
    fs::write(&out, "old").unwrap();
    fs::write(folder.path().join("in.safetensors"), "nonsense").unwrap();
    assert_eq!(rnn(folder.path(), "lstm", "fused", &out).status.code(), Some(2));
    assert_eq!(fs::read(&out).unwrap(), b"old");
}
