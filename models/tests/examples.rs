//! The example programs: what they print, and what they promise.
#![cfg(feature = "files")]

#[allow(dead_code)]
#[path = "../examples/companies.rs"]
mod companies;
#[allow(dead_code)]
#[path = "../examples/hello.rs"]
mod hello;
#[allow(dead_code)]
#[path = "../examples/lstm_step.rs"]
mod lstm_step;

use models::params::Params;

fn bits(params: &Params<f32>) -> Vec<u32> {
    params.iter().flat_map(|p| p.value.iter().map(|x| x.to_bits())).collect()
}

#[test]
fn the_companies_stopped_and_resumed() {
    let (network, mut whole) = companies::by_hand();
    companies::train(&network, &mut whole, 5_000);
    let folder = tempfile::tempdir().unwrap();
    let (network, mut resumed) =
        companies::stopped_and_resumed(&folder.path().join("companies.safetensors")).unwrap();
    assert_eq!(bits(&resumed.params), bits(&whole.params));
    assert_eq!(resumed.optimizer.state(), whole.optimizer.state());
    let [a, b] = companies::predictions(&network, &mut resumed).try_into().unwrap();
    assert!(a.abs() <= 0.01 && (b - 1.0).abs() <= 0.01, "{a} and {b}");
}

#[test]
fn the_companies_with_the_ready_made_layer() {
    let [a, b] = companies::ready_made(300).try_into().unwrap();
    assert!(a.abs() <= 0.02 && (b - 1.0).abs() <= 0.02, "{a} and {b}");
    let [a, b] = companies::ready_made(0).try_into().unwrap();
    assert!((a - b).abs() < 0.5, "it has to learn: {a} and {b}");
}

/// A file that is none of a trainer's, or of another one's.
#[test]
fn a_saved_trainer_must_fit() {
    use models::saved::{load, to_bytes};
    let (network, mut trainer) = companies::by_hand();
    companies::train(&network, &mut trainer, 3);
    let (before, good) = (trainer.params.clone(), to_bytes(&trainer));
    let error = |trainer: &mut _, bytes: &[u8]| load(trainer, bytes).unwrap_err().to_string();
    assert!(error(&mut trainer, &good[..good.len() - 1]).starts_with("cut short: tensor "));
    let weights = models::weights::to_bytes(&trainer.params);
    assert_eq!(error(&mut trainer, &weights), "holds tensors, but is not a saved trainer");
    assert_eq!(trainer.params, before);

    let mut sgd = models::train::Trainer::new(before.clone(), "sgd".parse().unwrap(), 0.1);
    let expected = format!(
        "was saved by the optimiser {}; this one is sgd:momentum=0,weight-decay=0",
        trainer.optimizer.rule()
    );
    assert_eq!(error(&mut sgd, &good), expected);
    let mut fewer = Params::new();
    before.iter().skip(1).for_each(|p| _ = fewer.add(p.name.clone(), p.rows, p.cols, p.value.clone()));
    let mut fewer = models::train::Trainer::new(fewer, "adam".parse().unwrap(), 0.1);
    assert!(error(&mut fewer, &good).ends_with(" is not one of this network's"));
}

#[test]
fn one_lstm_step() {
    insta::assert_snapshot!(lstm_step::report(), @r"
    x                          1.0000  -0.5000   0.2500
    h before                   0.3000  -0.2000
    c before                   0.6000  -0.4000
    W, 8×3: i i f f g g o o    0.5000  -0.3000   0.8000
                              -0.6000   0.4000   0.1000
                               0.2000   0.7000  -0.5000
                               0.9000  -0.1000   0.3000
                              -0.4000   0.6000   0.2000
                               0.3000   0.3000  -0.7000
                               0.1000  -0.8000   0.4000
                              -0.2000   0.5000   0.6000
    U, 8×2                     0.1000  -0.4000
                               0.3000   0.2000
                              -0.5000   0.6000
                               0.4000  -0.1000
                               0.7000   0.2000
                              -0.3000   0.5000
                               0.2000   0.1000
                              -0.6000   0.4000
    b                          0.1000  -0.1000   1.0000   1.0000   0.0000   0.2000  -0.2000   0.1000

    Stacked: z = W x + U h + b, then σ or tanh of its quarters
    z                          1.0600  -0.8250   0.4550   2.1650  -0.4800  -0.0150   0.4400  -0.4600
    i = σ(z_i)                 0.7427   0.3047
    f = σ(z_f)                 0.6118   0.8971
    g = tanh(z_g)             -0.4462  -0.0150
    o = σ(z_o)                 0.6083   0.3870
    c = f ⊙ c + i ⊙ g          0.0357  -0.3634
    h = o ⊙ tanh(c)            0.0217  -0.1347

    One matrix per gate, on [h; x]
    W_i, for [h; x]            0.1000  -0.4000   0.5000  -0.3000   0.8000
                               0.3000   0.2000  -0.6000   0.4000   0.1000
    W_f, for [h; x]           -0.5000   0.6000   0.2000   0.7000  -0.5000
                               0.4000  -0.1000   0.9000  -0.1000   0.3000
    W_g, for [h; x]            0.7000   0.2000  -0.4000   0.6000   0.2000
                              -0.3000   0.5000   0.3000   0.3000  -0.7000
    W_o, for [h; x]            0.2000   0.1000   0.1000  -0.8000   0.4000
                              -0.6000   0.4000  -0.2000   0.5000   0.6000
    c                          0.0357  -0.3634
    h                          0.0217  -0.1347
    The same c and h.
    ");
}

#[test]
fn hello() {
    insta::assert_snapshot!(hello::report(), @r"
    step   1  loss 1.5305
    step  10  loss 0.2452
    step  50  loss 0.0024
    step 100  loss 0.0012
    step 200  loss 0.0006

    The 40 numbers it has learned:
    W     -2.24  -0.38   1.74  -0.32
          -1.74   1.70   0.30  -0.40
           0.44  -1.20   0.78   0.09
    U     -0.45   0.66  -1.91
          -2.63  -0.18  -0.04
           2.54  -0.91  -0.31
    b     -0.46
          -0.01
          -0.84
    V      0.31  -0.08   1.33
          -3.20  -2.51   0.86
           1.90   2.53  -2.95
           2.94  -2.21   3.11
    d     -2.43
           0.41
           0.83
          -0.03

    Letter by letter: hidden state, logits, probabilities of h e l o
    h  state  -0.99  -0.94  -0.38  logits  -3.17   5.62  -2.33  -2.04  softmax   0.00   1.00   0.00   0.00  → e
    e  state  -0.28   1.00  -1.00  logits  -3.93  -2.05   5.76  -6.18  softmax   0.00   0.00   1.00   0.00  → l
    l  state   1.00   0.72  -0.88  logits  -3.35  -5.34   7.13  -1.41  softmax   0.00   0.00   1.00   0.00  → l
    l  state   0.99  -0.98   0.97  logits  -0.75   0.53  -2.64   8.10  softmax   0.00   0.00   0.00   1.00  → o
    ");
}
