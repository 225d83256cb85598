//! `rnn time`: how long a recurrent layer takes.

use anyhow::{Context, Result, bail};
use autograd::Tape;
use clap::ValueEnum;
use faer::{Accum, MatMut, MatRef};
use models::cells::{CellConfig, Kind};
use models::init::Init;
use models::layers::{Span, Stack, StackConfig, sum_of_squares};
use models::params::Params;
use models::threads;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::Serialize;
use std::io::Write;
use std::time::{Duration, Instant};

/// Measure the time that recurrent layers take, forward and for a training step.
///
/// A training step is forward, backward, and every parameter's gradient; the loss is the sum of the
/// squared outputs. float32. The times are medians; the speed counts the matrix products alone, and the share is
/// that of the speed of products of two 1024x1024 matrices in this same run, one on every thread.
#[derive(clap::Args)]
pub struct Args {
    /// The network, as listed by rnn compare
    #[arg(long, value_name = "NAME", default_value_t = Kind::Lstm)]
    model: Kind,
    /// Steps of the sequence: T
    #[arg(long, value_name = "N", default_value_t = 50)]
    seq: usize,
    /// Examples side by side: B
    #[arg(long, value_name = "N", default_value_t = 128)]
    batch: usize,
    /// Features of the input: I
    #[arg(long, value_name = "N", default_value_t = 20)]
    input: usize,
    /// Features of every layer: H
    #[arg(long, value_name = "N", default_value_t = 100)]
    hidden: usize,
    /// Layers on top of each other: L
    #[arg(long, value_name = "N", default_value_t = 1)]
    layers: usize,
    /// Run every layer both ways
    #[arg(long)]
    bidirectional: bool,
    /// How it is computed: in the fused derivation or in the equations, step by step
    #[arg(long, value_enum, default_value_t = Form::Fused)]
    form: Form,
    /// Seconds to measure each of the two
    #[arg(long, value_name = "F", default_value_t = 2.0)]
    seconds: f64,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The hand-derived backward pass, fused over the sequence
    Fused,
    /// The equations, step by step on the tape
    Equations,
}

/// What was measured.
#[derive(Serialize)]
struct Times {
    forward_ms: f64,
    train_ms: f64,
    /// Billions of floating-point operations per second in the matrix products of a training step.
    gflops: f64,
    /// The same of large products alone, one on every thread at the same time.
    peak_gflops: f64,
    share_of_peak: f64,
}

pub fn run(args: &Args) -> Result<()> {
    for (name, n) in [
        ("seq", args.seq),
        ("batch", args.batch),
        ("input", args.input),
        ("hidden", args.hidden),
        ("layers", args.layers),
    ] {
        if n == 0 {
            bail!("--{name} 0: there must be at least one");
        }
    }
    let times = measure(args)?;
    let text = if args.json { serde_json::to_string(&times)? + "\n" } else { table(args, &times) };
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}

fn measure(args: &Args) -> Result<Times> {
    let Args { seq, batch, input, hidden, layers, bidirectional, .. } = *args;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut params = Params::<f32>::new();
    let cell = CellConfig::new(input, hidden);
    let config = StackConfig { layers, bidirectional, ..StackConfig::new(args.model, cell) };
    let stack = Stack::new(&config, &mut params, "rnn", &mut rng);
    let x: Vec<f32> = Init::Normal { std: 1.0 }.fill(&mut rng, seq * input, batch);
    let span = Span { equations: args.form == Form::Equations, ..Span::default() };
    let mut tape = Tape::<f32>::new();

    let forward = median(args.seconds, || {
        tape.reset();
        let p = params.bind_constant(&tape);
        let x = tape.constant(seq * input, batch, &x);
        stack.forward(p, x, &stack.initial_states(p, batch), span, None);
    });
    let train = median(args.seconds, || {
        tape.reset();
        params.zero_grad();
        let p = params.bind(&tape);
        let x = tape.constant(seq * input, batch, &x);
        let (y, _) = stack.forward(p, x, &stack.initial_states(p, batch), span, None);
        sum_of_squares(y).backward();
        params.add_grads(p);
    });

    let peak = peak();
    let gflops = operations(args, &params) / train / 1e9;
    Ok(Times {
        forward_ms: forward * 1e3,
        train_ms: train * 1e3,
        gflops,
        peak_gflops: peak,
        share_of_peak: gflops / peak,
    })
}

/// The median of many runs, in seconds, after two that warm up.
fn median(seconds: f64, mut run: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = Vec::new();
    let mut end = Instant::now();
    for count in 0.. {
        if count == 2 {
            (times, end) = (Vec::new(), Instant::now() + Duration::from_secs_f64(seconds));
        }
        let start = Instant::now();
        run();
        times.push(start.elapsed().as_secs_f64());
        if count >= 6 && Instant::now() > end {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Multiplications and additions of a training step's products: each weight takes part in one product
/// forward and two backward; those of the first layer's input need no gradient of it.
fn operations(args: &Args, params: &Params<f32>) -> f64 {
    let products = params.iter().map(|p| {
        let count = if p.name.contains("bias") || p.cols == 1 && p.rows > 1 && args.hidden > 1 {
            0
        } else {
            p.value.len()
        };
        let first = p.name.contains("weight_ih_l0");
        count * if first { 2 } else { 3 }
    });
    2.0 * products.sum::<usize>() as f64 * (args.seq * args.batch) as f64
}

/// Billions of operations per second in products of two 1024×1024 matrices, one on every thread at the same time.
fn peak() -> f64 {
    const N: usize = 1024;
    let (a, b) = (vec![0.5; N * N], vec![0.25; N * N]);
    let mut outputs = vec![vec![0.0; N * N]; threads::count()];
    let seconds = median(0.5, || {
        on_every_thread(&mut outputs, &|c| {
            let c = MatMut::from_row_major_slice_mut(c, N, N);
            let (a, b) = (MatRef::from_row_major_slice(&a, N, N), MatRef::from_row_major_slice(&b, N, N));
            autograd::ops::matmul::<f32>(c, Accum::Replace, a, b);
        })
    });
    2.0 * (outputs.len() * N * N * N) as f64 / seconds / 1e9
}

fn on_every_thread(outputs: &mut [Vec<f32>], work: &(impl Fn(&mut [f32]) + Sync)) {
    if let Some((first, rest)) = outputs.split_first_mut() {
        threads::join(|| work(first), || on_every_thread(rest, work));
    }
}

fn table(args: &Args, times: &Times) -> String {
    let Args { model, seq, batch, input, hidden, layers, bidirectional, .. } = args;
    let both = if *bidirectional { " both ways" } else { "" };
    let form = if args.form == Form::Fused { "fused" } else { "equations" };
    format!(
        "{model}{both} T{seq} B{batch} I{input} H{hidden} L{layers}, {form}\n\
         forward        {:10.3} ms\n\
         training step  {:10.3} ms\n\
         products       {:10.1} GF/s, {:.0} % of the {:.1} that large products reach here\n",
        times.forward_ms,
        times.train_ms,
        times.gflops,
        100.0 * times.share_of_peak,
        times.peak_gflops,
    )
}
