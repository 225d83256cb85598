//! A recurrent layer's inputs and weights in one file; its outputs and gradients in another.

use super::{StackSizes, local, torch_tensors};
use crate::cells::{Kind, Lengths, State};
use crate::choice::Invalid;
use crate::layers::{Span, Stack, States};
use crate::params::{Bound, Params};
use crate::tensors::Tensors;
use autograd::{Float, Tape, Var};
use safetensors::{Dtype, tensor::TensorView};
use std::collections::{BTreeMap, HashMap};

/// Runs what a safetensors file describes, and returns the safetensors file of the results.
///
/// | tensor in | shape | |
/// |---|---|---|
/// | `x` | T, B, I | the batch; its type, F32 or F64, is that of all others and of the computation |
/// | `weight_ih_l0` … | | PyTorch's names, shapes and gate orders, layer by layer, `_reverse` for the backward direction; all biases or none |
/// | `h_0`, `c_0` | L·D, B, H | if not given, zeros; `y_0` (B, O) in a Jordan network |
/// | `h_0_l0`, `c_0_l0` … | H | learned initial states, of all layers or none: what every example begins with where no `h_0` is given |
/// | `lengths` | B, I64 | if not given, every example has T steps |
/// | `grad_y` | T, B, D·H | the cotangent of `y`, if gradients are wanted |
///
/// | tensor out | shape | |
/// |---|---|---|
/// | `y` | T, B, D·H | zero past an example's length |
/// | `h_n`, `c_n` | L·D, B, H | the states of the last valid steps; `y_n` (B, O) in a Jordan network |
/// | `grad.NAME` | that of NAME | of `x`, every weight and bias and the given initial states, where `grad_y` was given |
///
/// Sizes, the number of layers L and of directions D are inferred from the file. What stands past an
/// example's length may be anything; everything else must be finite. Tensors called `out.…` and
/// `grad.…`, expected results, are ignored. A Jordan network of several layers or directions has
/// states of L·D, B, O.
///
/// # Errors
/// If the file is damaged, or a tensor is missing, unknown, misshapen, wrongly typed or not finite:
/// its name, what was expected and what was found.
pub fn run_case(kind: Kind, file: &[u8], equations: bool) -> Result<Vec<u8>, Invalid> {
    let mut file = Tensors::open(file)?;
    file.ignore("out.");
    file.ignore("grad.");
    match file.kind("x") {
        Some((Dtype::F64, shape)) => run::<f64>(kind, file, Dtype::F64, &shape, equations),
        Some((Dtype::F32, shape)) => run::<f32>(kind, file, Dtype::F32, &shape, equations),
        Some((dtype, shape)) => {
            Err(Invalid(format!("tensor x: expected F64 or F32 [T, B, I], found {dtype:?} {shape:?}")))
        }
        None => Err(Invalid("tensor x: expected F64 or F32 [T, B, I], found none".into())),
    }
}

fn run<T: Float>(
    kind: Kind,
    mut file: Tensors<'_>,
    dtype: Dtype,
    x: &[usize],
    equations: bool,
) -> Result<Vec<u8>, Invalid> {
    let sizes = Sizes::infer(kind, &file, dtype, x)?;
    let (stack, mut params) = sizes.stack.stack::<T>();
    let case = Case::read(&sizes, &mut file, &mut params)?;
    file.finish()?;
    Ok(case.results(&sizes, &stack, &params, equations))
}

/// What the shapes say.
struct Sizes {
    dtype: Dtype,
    steps: usize,
    batch: usize,
    stack: StackSizes,
}

/// The most numbers a run may put on the tape: 32 GiB of them in F64.
const MOST_NUMBERS: u64 = 1 << 32;

impl Sizes {
    /// Infers all sizes, and checks the shapes of all weights that memory will be taken for.
    fn infer(kind: Kind, file: &Tensors<'_>, dtype: Dtype, x: &[usize]) -> Result<Self, Invalid> {
        let &[steps, batch, input] = x else {
            return Err(file.wrong("x", dtype, "[T, B, I]"));
        };
        if x.contains(&0) {
            return Err(file.wrong("x", dtype, "[T, B, I] of at least 1 each"));
        }
        let stack = StackSizes::infer(kind, file, "", dtype, Some(input))?;
        let StackSizes { hidden, output, layers, directions, .. } = stack;
        let numbers = [16, steps, batch, layers, directions, hidden.max(output)];
        if numbers.iter().fold(1, |product: u64, &n| product.saturating_mul(n as u64)) > MOST_NUMBERS {
            return Err(Invalid(format!(
                "x of {x:?} with H = {hidden} needs too much memory for one machine"
            )));
        }
        Ok(Self { dtype, steps, batch, stack })
    }

    fn kind(&self) -> Kind {
        self.stack.kind
    }

    /// The names of the states, without their `_0` or `_n`.
    fn state_names(&self) -> &'static [&'static str] {
        match self.kind() {
            Kind::Jordan => &["y"],
            Kind::Lstm | Kind::LstmNoForget | Kind::Peephole => &["h", "c"],
            Kind::Elman | Kind::ElmanRelu | Kind::Gru | Kind::GruResetBefore => &["h"],
        }
    }

    fn state_shape(&self) -> Vec<usize> {
        let cells = self.stack.layers * self.stack.directions;
        let shape = [cells, self.batch, self.stack.output];
        if self.kind() == Kind::Jordan && cells == 1 { shape[1..].to_vec() } else { shape.to_vec() }
    }
}

/// The batch of a file, in our layout.
struct Case<T> {
    /// (T·I)×B.
    x: Vec<T>,
    lengths: Option<Vec<usize>>,
    /// For `h` and, in the LSTM kinds, `c`: all cells' entries, H×B each, one cell after the other.
    states: Option<Vec<Vec<T>>>,
    /// (T·D·H)×B.
    grad_y: Option<Vec<T>>,
    has_biases: bool,
}

impl<T: Float> Case<T> {
    /// Reads the batch, and the weights into `params`, which are zeros.
    fn read(sizes: &Sizes, file: &mut Tensors<'_>, params: &mut Params<T>) -> Result<Self, Invalid> {
        let &Sizes { dtype, steps, batch, stack: StackSizes { input, output, directions, .. } } = sizes;
        let has_biases = file.names().any(|name| name.starts_with("bias"));
        for tensor in torch_tensors(params) {
            let name = local(&tensor.name);
            if has_biases || !name.starts_with("bias") {
                tensor.add_to(params, &numbers(file, name, dtype, &tensor.shape, |_| true)?);
            }
        }
        let lengths = lengths(file, steps, batch)?;
        let wanted = file.kind("grad_y").is_some();
        let mut sequence = |name: &str, features: usize| {
            let (t, b) = (|at: usize| at / features / batch, |at: usize| at / features % batch);
            let valid =
                |at: usize| lengths.as_ref().is_none_or(|lengths: &Vec<usize>| t(at) < lengths[b(at)]);
            let entries: Vec<T> = numbers(file, name, dtype, &[steps, batch, features], valid)?;
            Ok(transpose(&entries, batch, features))
        };
        let x = sequence("x", input)?;
        let grad_y = if wanted { Some(sequence("grad_y", directions * output)?) } else { None };
        Ok(Self { x, states: states(sizes, file)?, grad_y, lengths, has_biases })
    }

    /// Runs the network on a tape, and packs what comes out.
    fn results(&self, sizes: &Sizes, stack: &Stack<T>, params: &Params<T>, equations: bool) -> Vec<u8> {
        let &Sizes { steps, batch, stack: StackSizes { input, .. }, .. } = sizes;
        let tape = Tape::new();
        let p = params.bind(&tape);
        let x = tape.leaf(steps * input, batch, &self.x);
        let start = self.start(sizes, stack, p);
        let lengths = self.lengths.as_deref().map(Lengths::new);
        let span = Span { lengths: lengths.as_ref(), equations, ..Span::default() };
        let (y, ends) = stack.forward(p, x, &start, span, None);

        let mut out = Out { dtype: sizes.dtype, tensors: BTreeMap::new() };
        let features = y.rows() / steps;
        out.add("y", vec![steps, batch, features], transpose(&y.value(), features, batch));
        for (k, name) in sizes.state_names().iter().enumerate() {
            out.add(&format!("{name}_n"), sizes.state_shape(), every_state(&ends, k, Var::value, batch));
        }
        if let Some(grad_y) = &self.grad_y {
            y.backward_with(grad_y);
            out.add("grad.x", vec![steps, batch, input], transpose(&x.grad(), input, batch));
            for (k, name) in sizes.state_names().iter().enumerate().filter(|_| self.states.is_some()) {
                out.add(
                    &format!("grad.{name}_0"),
                    sizes.state_shape(),
                    every_state(&start, k, Var::grad, batch),
                );
            }
            let mut params = params.clone();
            params.add_grads(p);
            for tensor in torch_tensors(&params) {
                let name = local(&tensor.name);
                if self.has_biases || !name.starts_with("bias") {
                    let grad = tensor.gather(|id| &params.get(id).grad);
                    out.add(&format!("grad.{name}"), tensor.shape, grad);
                }
            }
        }
        out.into_file(sizes.kind())
    }

    /// The given initial states as leaves, or zeros.
    fn start<'t>(&self, sizes: &Sizes, stack: &Stack<T>, p: Bound<'t, T>) -> States<'t, T> {
        let Some(states) = &self.states else { return stack.initial_states(p, sizes.batch) };
        let (rows, batch) = (sizes.stack.output, sizes.batch);
        let mut start = States::new(p.tape());
        for cell in 0..sizes.stack.layers * sizes.stack.directions {
            let leaf = |entries: &Vec<T>| {
                p.tape().leaf(rows, batch, &entries[cell * rows * batch..][..rows * batch])
            };
            start.push(State { h: leaf(&states[0]), c: states.get(1).map(leaf) });
        }
        start
    }
}

/// The values or the gradients of all `h` (`k` = 0) or all `c` (`k` = 1), as L·D blocks of B×H.
fn every_state<'t, T: Float>(
    states: &States<'t, T>,
    k: usize,
    read: impl Fn(Var<'t, T>) -> Vec<T>,
    batch: usize,
) -> Vec<T> {
    let all = (0..states.len()).map(|cell| states.get(cell));
    let all = all.map(|state| if k == 0 { state.h } else { state.cell_state() });
    all.flat_map(|var| transpose(&read(var), var.rows(), batch)).collect()
}

/// The initial states, all or none.
fn states<T: Float>(sizes: &Sizes, file: &mut Tensors<'_>) -> Result<Option<Vec<Vec<T>>>, Invalid> {
    let names = sizes.state_names().iter().map(|name| format!("{name}_0"));
    if !names.clone().any(|name| file.kind(&name).is_some()) {
        return Ok(None);
    }
    let states = names.map(|name| {
        let entries: Vec<T> = numbers(file, &name, sizes.dtype, &sizes.state_shape(), |_| true)?;
        Ok(transpose(&entries, sizes.batch, sizes.stack.output))
    });
    states.collect::<Result<_, _>>().map(Some)
}

/// The lengths, if there are any; each is 1 to T.
fn lengths(file: &mut Tensors<'_>, steps: usize, batch: usize) -> Result<Option<Vec<usize>>, Invalid> {
    if file.kind("lengths").is_none() {
        return Ok(None);
    }
    file.expect("lengths", Dtype::I64, &[batch])?;
    let (entries, _) = file.bytes("lengths", Dtype::I64, &[batch])?.as_chunks();
    let entries = entries.iter().map(|&bytes| i64::from_le_bytes(bytes)).enumerate();
    let lengths = entries.map(|(at, length)| match usize::try_from(length) {
        Ok(length) if (1..=steps).contains(&length) => Ok(length),
        _ => Err(Invalid(format!("tensor lengths: expected 1 to {steps}, found {length} at [{at}]"))),
    });
    lengths.collect::<Result<_, _>>().map(Some)
}

/// The entries of a tensor; those for which `must_be_finite` says so must be.
fn numbers<T: Float>(
    file: &mut Tensors<'_>,
    name: &str,
    dtype: Dtype,
    shape: &[usize],
    must_be_finite: impl Fn(usize) -> bool,
) -> Result<Vec<T>, Invalid> {
    file.expect(name, dtype, shape)?;
    let bytes = file.bytes(name, dtype, shape)?;
    let entries: Vec<T> = match dtype {
        Dtype::F64 => bytes.as_chunks().0.iter().map(|&b| T::from_f64(f64::from_le_bytes(b))).collect(),
        _ => bytes.as_chunks().0.iter().map(|&b| T::from_f64(f32::from_le_bytes(b).into())).collect(),
    };
    match (0..entries.len()).find(|&at| !entries[at].finite() && must_be_finite(at)) {
        Some(at) => {
            let place = place(at, shape);
            Err(Invalid(format!(
                "tensor {name}: expected finite numbers, found {} at {place:?}",
                entries[at]
            )))
        }
        None => Ok(entries),
    }
}

/// Which row, column … entry `at` is.
fn place(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut place: Vec<usize> = shape
        .iter()
        .rev()
        .map(|size| {
            let index = at % size;
            at /= size;
            index
        })
        .collect();
    place.reverse();
    place
}

/// Blocks of rows×cols, one after the other, each transposed.
fn transpose<T: Float>(blocks: &[T], rows: usize, cols: usize) -> Vec<T> {
    let mut out = vec![T::ZERO; blocks.len()];
    for (block, out) in blocks.chunks_exact(rows * cols).zip(out.chunks_exact_mut(rows * cols)) {
        for (at, &entry) in block.iter().enumerate() {
            out[at % cols * rows + at / cols] = entry;
        }
    }
    out
}

/// The tensors of the results.
struct Out {
    dtype: Dtype,
    tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)>,
}

impl Out {
    fn add<T: Float>(&mut self, name: &str, shape: Vec<usize>, entries: Vec<T>) {
        let entries = entries.into_iter().map(Float::to_f64);
        let bytes = match self.dtype {
            Dtype::F64 => entries.flat_map(f64::to_le_bytes).collect(),
            _ => entries.flat_map(|x| (x as f32).to_le_bytes()).collect(),
        };
        self.tensors.insert(name.into(), (shape, bytes));
    }

    fn into_file(self, kind: Kind) -> Vec<u8> {
        let views = self.tensors.iter().map(|(name, (shape, bytes))| {
            let view = TensorView::new(self.dtype, shape.clone(), bytes);
            (name, view.expect("the bytes were made for this shape"))
        });
        let metadata = HashMap::from([("model".to_string(), kind.to_string())]);
        safetensors::serialize(views, Some(metadata)).expect("a file in memory can always be written")
    }
}
