//! Files that nobody vouches for: one clear line for each way to be wrong, and never a panic.

use models::checkpoint::Checkpoint;
use models::config::Config;
use models::session::Session;
use models::text::{Vocabulary, from_utf8};
use models::{run::load_weights, weights};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::HashMap;

const TEXT: &str = "hello world, hello rnn; a long text is not needed to learn hello.\n";

fn config() -> Config {
    Config { hidden: 3, embedding: 2, seq: 4, batch: 2, steps: 4, ..Config::default() }
}

fn session() -> Session {
    let mut session = Session::new(config(), TEXT).unwrap();
    session.step().unwrap();
    session
}

/// What is wrong with these bytes as weights.
fn weights_error(bytes: &[u8]) -> String {
    let vocabulary = Vocabulary::of(TEXT).unwrap();
    load_weights(&config(), &vocabulary, bytes).map(|_| ()).expect_err("this is wrong").to_string()
}

/// What is wrong with these bytes as a checkpoint.
fn checkpoint_error(bytes: &[u8]) -> String {
    let session = Checkpoint::open(bytes).and_then(|saved| Session::resume(saved, TEXT));
    session.map(|_| ()).expect_err("this is wrong").to_string()
}

/// One tensor of a file: name, type, shape, bytes.
type Tensor = (String, Dtype, Vec<usize>, Vec<u8>);

/// A safetensors file with its parts changed.
fn edited(bytes: &[u8], edit: impl FnOnce(&mut HashMap<String, String>, &mut Vec<Tensor>)) -> Vec<u8> {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let mut metadata = header.metadata().clone().unwrap_or_default();
    let file = SafeTensors::deserialize(bytes).unwrap();
    let part =
        |(name, t): (&str, TensorView<'_>)| (name.into(), t.dtype(), t.shape().to_vec(), t.data().to_vec());
    let mut tensors: Vec<Tensor> = file.iter().map(part).collect();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    edit(&mut metadata, &mut tensors);
    let view = |(name, dtype, shape, data): &'_ Tensor| (name.clone(), (*dtype, shape.clone(), data.clone()));
    let owned: Vec<_> = tensors.iter().map(view).collect();
    let views = owned
        .iter()
        .map(|(name, (dtype, shape, data))| (name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
    safetensors::serialize(views, Some(metadata)).unwrap()
}

/// The file whose header is this text.
fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

#[test]
fn cut_short_anywhere() {
    let (weights, checkpoint) = (weights::to_bytes(session().params()), session().checkpoint().unwrap());
    for end in 0..weights.len() {
        weights_error(&weights[..end]);
    }
    for end in 0..checkpoint.len() {
        checkpoint_error(&checkpoint[..end]);
    }
    let too_few = "100 bytes are too few for the weights of hidden 3 × layers 1; was it cut short?";
    assert_eq!(weights_error(&weights[..100]), too_few);
    let end = weights.len() - 1;
    let error = weights_error(&weights[..end]);
    assert!(error.starts_with("cut short: tensor "), "{error}");
    assert_eq!(checkpoint_error(&checkpoint[..5]), "not a safetensors file (it has no 8 bytes)");
    let error = checkpoint_error(&checkpoint[..1000]);
    assert!(
        error.starts_with("cut short: the header has ") && error.ends_with(" bytes, the file 992 more"),
        "{error}"
    );
}

#[test]
fn every_single_byte_changed() {
    // Whatever comes of it, it is an answer and not a panic.
    let (weights, checkpoint) = (weights::to_bytes(session().params()), session().checkpoint().unwrap());
    let vocabulary = Vocabulary::of(TEXT).unwrap();
    for at in 0..weights.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = weights.clone();
            bytes[at] ^= flip;
            let _ = load_weights(&config(), &vocabulary, &bytes);
        }
    }
    for at in 0..checkpoint.len() {
        for flip in [1, 2, 0x80] {
            let mut bytes = checkpoint.clone();
            bytes[at] ^= flip;
            let _ = Checkpoint::open(&bytes).and_then(|saved| Session::resume(saved, TEXT));
        }
    }
}

#[test]
fn foreign_files_and_lying_headers() {
    let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 2000]].concat();
    let error = "not a safetensors file (its header would have 727905341920923785 bytes)";
    assert_eq!((weights_error(&png), checkpoint_error(&png)), (error.into(), error.into()));
    let oversized = [u64::MAX.to_le_bytes().as_slice(), &[b' '; 2000]].concat();
    let error = "not a safetensors file (its header would have 18446744073709551615 bytes)";
    assert_eq!((weights_error(&oversized), checkpoint_error(&oversized)), (error.into(), error.into()));
    let error = checkpoint_error(&with_header("hello", &[]));
    assert_eq!(error, "not a safetensors file (its header is not JSON: expected value at line 1 column 1)");
    // Lengths whose sum overflows.
    let huge =
        r#"{"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}}"#;
    let error = "cut short: tensor a ends at byte 18446744073709551615 of 0";
    assert_eq!(checkpoint_error(&with_header(huge, &[])), error);
    let backwards = r#"{"a":{"dtype":"U8","shape":[0],"data_offsets":[4,0]}}"#;
    let error = "not a safetensors file (invalid offset for tensor `a`)";
    assert_eq!(checkpoint_error(&with_header(backwards, &[0; 4])), error);
    let deep = "[".repeat(100_000);
    assert!(checkpoint_error(&with_header(&deep, &[])).contains("recursion limit exceeded"));
    // One kind of file for the other.
    let (weights, checkpoint) = (weights::to_bytes(session().params()), session().checkpoint().unwrap());
    assert_eq!(checkpoint_error(&weights), "holds tensors, but is not a checkpoint");
    assert_eq!(weights_error(&checkpoint), "tensor embedding.weight of shape [19, 2] is missing");
}

#[test]
fn tensors_that_do_not_fit() {
    let weights = weights::to_bytes(session().params());
    let edit = |edit: fn(&mut Vec<Tensor>)| weights_error(&edited(&weights, |_, tensors| edit(tensors)));
    assert_eq!(edit(|t| drop(t.remove(0))), "tensor embedding.weight of shape [19, 2] is missing");
    let reshaped = edit(|t| t[0].2 = vec![2, 19]);
    assert_eq!(reshaped, "tensor embedding.weight: expected F32 [19, 2], found F32 [2, 19]");
    let integers = edit(|t| t[0].1 = Dtype::I32);
    assert_eq!(integers, "tensor embedding.weight: expected F32 [19, 2], found I32 [19, 2]");
    let nan = edit(|t| t[1].3[4..8].copy_from_slice(&f32::NAN.to_le_bytes()));
    assert_eq!(nan, "tensor head.bias: entry 1 is NaN, expected a finite number");
    let infinite = edit(|t| t[1].3[..4].copy_from_slice(&f32::NEG_INFINITY.to_le_bytes()));
    assert_eq!(infinite, "tensor head.bias: entry 0 is -inf, expected a finite number");
    let more = edit(|t| t.push(("extra".into(), Dtype::U8, vec![1], vec![0])));
    assert_eq!(more, "tensor extra is not one of this network's");
}

#[test]
fn checkpoints_that_do_not_fit() {
    let saved = session().checkpoint().unwrap();
    let replace = |from: &str, to: &str| {
        checkpoint_error(&edited(&saved, |metadata, _| {
            let summary = metadata.get_mut("checkpoint").unwrap();
            assert!(summary.contains(from), "{summary}");
            *summary = summary.replacen(from, to, 1);
        }))
    };
    assert_eq!(replace("version = 1", "version = 2"), "version 2; this program reads version 1");
    assert_eq!(replace("version = 1\n", ""), "there is no version = 1; is it one of our files?");
    assert_eq!(replace("step = 1", "step = 5"), "its counts do not agree with its step 5");
    assert_eq!(replace("step = 1", "step = \"1\""), r#"line 37: invalid type: string "1", expected u64"#);
    assert_eq!(replace("position = 4", "position = 400"), "position 400 is beyond the streams' end at 28");
    assert_eq!(replace("hidden = 3", "hidden = 0"), "hidden is 0; it must be 1 to 16777216");
    assert_eq!(replace("\"chars\"", "\"words\""), models::tasks::find("words").unwrap_err().0);
    let foreign = "the task dates does not take --seq (of those that not every task takes: --teacher-forcing, \
                   --learn-initial-state)";
    assert_eq!(replace("\"chars\"", "\"dates\""), foreign);
    let error = replace("hidden = 3", "hidden = 2");
    assert_eq!(error, "tensor model.rnn.weight_ih_l0: expected F32 [16], found F32 [24]");
    let error = replace("hidden = 3", "hidden = 4000");
    assert!(
        error.ends_with("bytes are too few for the weights of hidden 4000 × layers 1; was it cut short?"),
        "{error}"
    );
    let error = replace("\"adam\"", "\"sgd\"");
    assert_eq!(error, "tensor optimizer.embedding.weight.exp_avg is not one of this network's");
    let error = replace("\"sgd\"".replace("sgd", "adam").as_str(), "\"sgd:momentum=0.9\"");
    assert_eq!(error, "tensor optimizer.embedding.weight.momentum_buffer of shape [38] is missing");
    let edit = |edit: fn(&mut Vec<Tensor>)| checkpoint_error(&edited(&saved, |_, tensors| edit(tensors)));
    let random = edit(|t| t.retain(|t| t.0 != "random"));
    assert_eq!(random, "tensor random of shape [56] is missing");
    let carried = edit(|t| t[0].3[..4].copy_from_slice(&f32::NAN.to_le_bytes()));
    assert_eq!(carried, "tensor carry.l0.c: entry 0 is NaN, expected a finite number");
}

#[test]
fn configurations() {
    let good = config().to_toml().unwrap();
    assert_eq!(Config::from_toml(&good), Ok(config()));
    let error = |text: &str| Config::from_toml(text).unwrap_err().to_string();
    let replace = |from: &str, to: &str| {
        assert!(good.contains(from));
        error(&good.replacen(from, to, 1))
    };
    assert_eq!(error("hello"), "line 1: key with no value, expected `=`");
    assert_eq!(error(""), "there is no version = 1; is it one of our files?");
    assert_eq!(replace("version = 1", "version = 7"), "version 7; this program reads version 1");
    assert_eq!(replace("hidden = 3\n", ""), "missing field `hidden`");
    // What came later may be missing.
    for newer in ["bidirectional = false\n", "recurrent_dropout = 0.0\n", "learn_initial_state = false\n"] {
        assert_eq!(Config::from_toml(&good.replacen(newer, "", 1)), Ok(config()));
    }
    assert_eq!(replace("hidden = 3", "hidden = -3"), "line 7: invalid value: integer `-3`, expected usize");
    assert_eq!(replace("hidden = 3", "hidden = \"3\""), "line 7: invalid type: string \"3\", expected usize");
    assert_eq!(replace("hidden = 3", "hidden = 3\nhidden = 4"), "line 8: duplicate key");
    assert!(
        replace("hidden = 3", "hiden = 3")
            .starts_with("line 7: unknown field `hiden`, expected one of `version`")
    );
    let settings = [
        ("hidden = 3", "hidden = 0", "hidden is 0; it must be 1 to 16777216"),
        ("layers = 1", "layers = 100000", "layers is 100000; it must be 1 to 1024"),
        (
            "patience = 0",
            "patience = 2000000000000",
            "patience is 2000000000000; it must be 0 to 1099511627776",
        ),
        ("dropout = 0.0", "dropout = 1.0", "dropout is 1; it must be at least 0 and less than 1"),
        ("dropout = 0.0", "dropout = nan", "dropout is NaN; it must be at least 0 and less than 1"),
        (
            "recurrent_dropout = 0.0",
            "recurrent_dropout = -0.1",
            "recurrent-dropout is -0.1; it must be at least 0 and less than 1",
        ),
        ("forget_bias = 1.0", "forget_bias = inf", "forget-bias is inf; it must be a number"),
        ("lr = 0.003", "lr = -0.1", "lr is -0.1; it must be more than 0"),
        ("clip_value = 0.0", "clip_value = nan", "clip-value is NaN; it must be 0 (off) or more"),
        (
            "clip_value = 0.0",
            "clip_value = 1.0",
            "clip 1 and clip-value 1 are both set; set one of them to 0",
        ),
        ("teacher_forcing = 1.0", "teacher_forcing = 1.5", "teacher-forcing is 1.5; it must be 0 to 1"),
    ];
    for (from, to, expected) in settings {
        assert_eq!(replace(from, to), expected);
    }
}

#[test]
fn sizes_that_no_machine_has() {
    let error = |config: Config| config.network(65, 65).map(|_| ()).unwrap_err().to_string();
    let huge = |hidden, layers| error(Config { hidden, layers, ..Config::default() });
    let weights = "hidden 100000 × layers 1 with 65 characters makes too many weights for one machine";
    assert_eq!(huge(100_000, 1), weights);
    assert_eq!(
        huge(1 << 24, 1 << 10),
        weights.replace("100000", "16777216").replace("layers 1 ", "layers 1024 ")
    );
    let window = error(Config { batch: 1 << 24, seq: 1 << 24, ..Config::default() });
    assert_eq!(window, "batch 16777216 × seq 16777216 needs too much memory for one machine; take fewer");
}

#[test]
fn vocabularies() {
    let error = |json: &str| Vocabulary::from_json(json.as_bytes()).unwrap_err().to_string();
    assert_eq!(Vocabulary::from_json(br#"["a","b"]"#), Vocabulary::of("abba"));
    assert_eq!(error(""), "not a list of characters: EOF while parsing a value at line 1 column 0");
    assert_eq!(error(r#"["a","#), "not a list of characters: EOF while parsing a value at line 1 column 5");
    let two =
        r#"not a list of characters: invalid value: string "bc", expected a character at line 1 column 9"#;
    assert_eq!(error(r#"["a","bc"]"#), two);
    assert_eq!(error(r#"["a"]"#), "1 different character(s): a model needs two or more");
    assert_eq!(error(r#"["b","a"]"#), "the characters of a vocabulary must be sorted and different");
    assert_eq!(error(r#"["a","a"]"#), "the characters of a vocabulary must be sorted and different");
    assert!(Vocabulary::from_json(b"[\"a\",\"\xff\"]").is_err());
}

#[test]
fn texts() {
    assert_eq!(from_utf8(Vec::new()).unwrap_err().to_string(), "the file is empty");
    let latin1 = from_utf8(b"na\xefve".to_vec()).unwrap_err().to_string();
    assert_eq!(latin1, "not UTF-8 text from byte 2 on (0xef); convert it with iconv");
    let error = |config: Config, text: &str| Session::new(config, text).map(|_| ()).unwrap_err().to_string();
    let both = "the task chars does not take --bidirectional (of those that not every task takes: --text, --encoding, \
                --seq, --learn-initial-state)";
    assert_eq!(error(Config { bidirectional: true, ..config() }, TEXT), both);
    assert_eq!(error(config(), "a"), "1 different character(s): a model needs two or more");
    let short = "the held-out tenth has 1 characters and needs 2; take a longer text";
    assert_eq!(error(config(), "abcabcabc"), short);
    let window = "the text has 60 characters, one window of 32 streams × 64 needs 2080; take a longer text or a smaller \
                  batch or window";
    assert_eq!(error(Config::default(), TEXT), window.replace("60", "59"));
}
