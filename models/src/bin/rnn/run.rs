//! `rnn run`: a recurrent layer on inputs and weights from a file.

use anyhow::{Context, Result};
use clap::ValueEnum;
use models::cells::Kind;
use models::file;
use models::torch::run_case;
use std::fs;
use std::path::PathBuf;

/// Run a recurrent layer on inputs and weights from a safetensors file, and write its outputs and
/// gradients to another: to compare with PyTorch.
///
/// IN holds x (T,B,I), the weights under PyTorch's names (weight_ih_l0, ...; any number of layers, _reverse
/// for the backward direction) and, as you like, h_0 and c_0 (y_0 for jordan), lengths and grad_y. OUT gets y, h_n
/// and c_n (y_n for jordan) and, if there was a grad_y, grad.NAME for every weight, for x and for the states given.
/// float64 is computed in float64, float32 in float32.
#[derive(clap::Args)]
pub struct Args {
    /// The network: elman, elman-relu, jordan, lstm-no-forget, lstm, peephole, gru or gru-reset-before
    #[arg(long, value_name = "NAME")]
    model: Kind,
    /// How it is computed: in the fused derivation or in the equations, step by step
    #[arg(long, value_enum, default_value_t = Form::Fused)]
    form: Form,
    /// Inputs and weights
    #[arg(value_name = "IN.safetensors")]
    input: PathBuf,
    /// Outputs and gradients
    #[arg(value_name = "OUT.safetensors")]
    output: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The hand-derived backward pass, fused over the sequence
    Fused,
    /// The equations, step by step on the tape
    Equations,
}

/// The largest file that is read: 8 GiB.
const LARGEST: u64 = 1 << 33;

pub fn run(args: &Args) -> Result<()> {
    let bytes = file::read(&args.input, LARGEST)?;
    let equations = args.form == Form::Equations;
    let results =
        run_case(args.model, &bytes, equations).with_context(|| args.input.display().to_string())?;
    let special = fs::metadata(&args.output).is_ok_and(|found| !found.is_file());
    if special {
        // A device or a pipe cannot be replaced by a file: it is written to as it is.
        return fs::write(&args.output, results)
            .with_context(|| format!("cannot write {}", args.output.display()));
    }
    Ok(file::replace(&args.output, &results)?)
}
