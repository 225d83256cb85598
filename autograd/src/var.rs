//! The handle that expressions are written with.

use crate::node::{Kind, Node};
use crate::ops;
use crate::{Float, Tape};
use std::ops::Range;

/// A matrix on a tape: a handle to copy freely, so that code reads like the formula.
///
/// ```
/// # let tape = autograd::Tape::<f64>::new();
/// # let (w, x, b) = (tape.zeros(2, 3), tape.zeros(3, 4), tape.zeros(2, 1));
/// let h = (w.matmul(x) + b).tanh();
/// let y = 1.0 - h * h;
/// # assert_eq!(y.shape(), (2, 4));
/// ```
// ANCHOR: handle
#[derive(Clone, Copy)]
pub struct Var<'t, T: Float> {
    pub(crate) tape: &'t Tape<T>,
    pub(crate) id: u32,
}
// ANCHOR_END: handle

impl<T: Float> std::fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Var {} ({}×{}) {:?}", self.id, self.rows(), self.cols(), self.value())
    }
}

/// Reading.
impl<'t, T: Float> Var<'t, T> {
    /// The tape it is on.
    pub fn tape(self) -> &'t Tape<T> {
        self.tape
    }

    /// Its place on the tape: 0 is the first node.
    pub fn index(self) -> usize {
        self.id as usize
    }

    /// Rows and columns.
    pub fn shape(self) -> (usize, usize) {
        let inner = self.tape.inner.borrow();
        let node = &inner.nodes[self.id as usize];
        (node.rows, node.cols)
    }

    /// Rows: features.
    pub fn rows(self) -> usize {
        self.shape().0
    }

    /// Columns: examples of the batch.
    pub fn cols(self) -> usize {
        self.shape().1
    }

    /// Calls `read` with the entries, row by row. `read` must not use the tape.
    pub fn read<R>(self, read: impl FnOnce(&[T]) -> R) -> R {
        let inner = self.tape.inner.borrow();
        read(&inner.values.data()[inner.nodes[self.id as usize].value_range()])
    }

    /// A copy of the entries, row by row.
    pub fn value(self) -> Vec<T> {
        self.read(<[T]>::to_vec)
    }

    /// The only entry of a 1×1 matrix.
    ///
    /// # Panics
    /// If it is not 1×1.
    #[track_caller]
    pub fn item(self) -> T {
        let (rows, cols) = self.shape();
        assert!(rows == 1 && cols == 1, "item of {rows}×{cols}: only a 1×1 matrix is one number");
        self.read(|entries| entries[0])
    }

    /// Calls `read` with the gradient, row by row, as the last backward pass left it; `None` where
    /// it did not reach. The gradient of a view is the rows of what it is a view of, other users
    /// included. Leaves keep their gradients, others if [`Tape::retain_grads`] was asked for.
    pub fn read_grad<R>(self, read: impl FnOnce(Option<&[T]>) -> R) -> R {
        read(self.tape.inner.borrow().grad(self.id))
    }

    /// A copy of the gradient, zeros where the backward pass did not reach: see [`Var::read_grad`].
    pub fn grad(self) -> Vec<T> {
        let (rows, cols) = self.shape();
        self.read_grad(|grad| grad.map_or_else(|| vec![T::ZERO; rows * cols], <[T]>::to_vec))
    }

    /// Names the node in messages and in [`Tape::trace`].
    pub fn label(self, name: &'static str) -> Self {
        self.tape.inner.borrow_mut().nodes[self.id as usize].label = Some(name);
        self
    }

    /// The backward pass from a loss: the gradient of every leaf it depends on.
    /// Gradients of an earlier backward pass on this tape are forgotten.
    ///
    /// # Panics
    /// If the loss is not 1×1.
    #[track_caller]
    pub fn backward(self) {
        let (rows, cols) = self.shape();
        assert!(rows == 1 && cols == 1, "backward from {rows}×{cols}: a loss is 1×1; else use backward_with");
        self.backward_with(&[T::ONE]);
    }

    /// The backward pass from any matrix with a given cotangent `∂L/∂self`, row by row.
    ///
    /// # Panics
    /// If the cotangent has another number of entries.
    #[track_caller]
    pub fn backward_with(self, cotangent: &[T]) {
        let (rows, cols) = self.shape();
        assert_eq!(
            rows * cols,
            cotangent.len(),
            "backward from {rows}×{cols}: cotangent of {}",
            cotangent.len()
        );
        self.tape.inner.borrow_mut().backward(self.id, cotangent);
    }
}

/// Views: the same memory, the same gradient, nothing to compute.
impl<'t, T: Float> Var<'t, T> {
    /// The rows `range` as a view.
    ///
    /// # Panics
    /// If there are not that many rows.
    #[track_caller]
    // ANCHOR: row-block
    pub fn row_block(self, range: Range<usize>) -> Self {
        let (rows, cols) = self.shape();
        assert!(range.start <= range.end && range.end <= rows, "row_block {range:?} of {rows}×{cols}");
        let skip = range.start * cols;
        self.view(|node, parent| {
            node.rows = range.len();
            node.value = parent.value + skip;
            node.offset = parent.offset + skip;
        })
    }
    // ANCHOR_END: row-block

    /// `N` blocks of equally many rows, from the top: `let [i, f, g, o] = z.chunk();`
    ///
    /// # Panics
    /// If the number of rows is not a multiple of `N`.
    #[track_caller]
    pub fn chunk<const N: usize>(self) -> [Self; N] {
        let (rows, cols) = self.shape();
        assert_eq!(rows % N, 0, "chunk of {rows}×{cols}: {rows} rows do not make {N} equal blocks");
        let size = rows / N;
        std::array::from_fn(|k| self.row_block(k * size..(k + 1) * size))
    }

    /// The same values as a constant: the gradient stops here.
    pub fn detach(self) -> Self {
        self.view(|node, _| node.needs_grad = false)
    }

    // ANCHOR: view
    fn view(self, change: impl FnOnce(&mut Node, &Node)) -> Self {
        let inner = &mut *self.tape.inner.borrow_mut();
        let parent = &inner.nodes[self.id as usize];
        let mut node = Node {
            rows: parent.rows,
            cols: parent.cols,
            value: parent.value,
            kind: Kind::View,
            owner: parent.owner,
            needs_grad: parent.needs_grad,
            parents: inner.parents.len()..inner.parents.len() + 1,
            ..inner.blank()
        };
        change(&mut node, parent);
        inner.parents.push(self.id);
        let id = inner.push(node);
        Self { id, ..self }
    }
    // ANCHOR_END: view
}

/// Operations. Each is documented, forward and backward, where it is defined: [`mod@crate::ops`].
impl<'t, T: Float> Var<'t, T> {
    #[track_caller]
    fn unary(self, op: impl crate::Op<T>) -> Self {
        self.tape.apply(op, &[self])
    }

    /// Matrix product `A B`.
    #[track_caller]
    pub fn matmul(self, b: Self) -> Self {
        self.tape.apply(ops::MatMul { transpose_a: false, transpose_b: false }, &[self, b])
    }

    /// Matrix product `Aᵀ B`.
    #[track_caller]
    pub fn t_matmul(self, b: Self) -> Self {
        self.tape.apply(ops::MatMul { transpose_a: true, transpose_b: false }, &[self, b])
    }

    /// Matrix product `A Bᵀ`.
    #[track_caller]
    pub fn matmul_t(self, b: Self) -> Self {
        self.tape.apply(ops::MatMul { transpose_a: false, transpose_b: true }, &[self, b])
    }

    /// `σ(x) = 1 / (1 + e⁻ˣ)`, entry by entry.
    #[track_caller]
    pub fn sigmoid(self) -> Self {
        self.unary(ops::Sigmoid)
    }

    /// `tanh(x)`, entry by entry.
    #[track_caller]
    pub fn tanh(self) -> Self {
        self.unary(ops::Tanh)
    }

    /// `max(x, 0)`, entry by entry.
    #[track_caller]
    pub fn relu(self) -> Self {
        self.unary(ops::Relu)
    }

    /// `eˣ`, entry by entry.
    #[track_caller]
    pub fn exp(self) -> Self {
        self.unary(ops::Exp)
    }

    /// The natural logarithm, entry by entry.
    #[track_caller]
    pub fn ln(self) -> Self {
        self.unary(ops::Ln)
    }

    /// `x²`, entry by entry.
    #[track_caller]
    pub fn square(self) -> Self {
        self.unary(ops::Square)
    }

    /// `√x`, entry by entry.
    #[track_caller]
    pub fn sqrt(self) -> Self {
        self.unary(ops::Sqrt)
    }

    /// The sum of all entries, 1×1.
    #[track_caller]
    pub fn sum(self) -> Self {
        self.unary(ops::Sum)
    }

    /// The mean of all entries, 1×1.
    #[track_caller]
    // ANCHOR: mean
    pub fn mean(self) -> Self {
        let (rows, cols) = self.shape();
        self.sum() * (1.0 / (rows * cols) as f64)
    }
    // ANCHOR_END: mean

    /// The sum over the rows: R×C → 1×C.
    #[track_caller]
    pub fn sum_rows(self) -> Self {
        self.unary(ops::SumRows)
    }

    /// The sum over the columns: R×C → R×1.
    #[track_caller]
    pub fn sum_cols(self) -> Self {
        self.unary(ops::SumCols)
    }

    /// Softmax of every column.
    #[track_caller]
    pub fn softmax(self) -> Self {
        self.unary(ops::Softmax)
    }

    /// The logarithm of the softmax of every column.
    #[track_caller]
    pub fn log_softmax(self) -> Self {
        self.unary(ops::LogSoftmax)
    }

    /// Row `ids[k]` of this V×E table for every `k`, as columns. With `cols` columns, `ids` holds
    /// one id per column (E×cols), or T blocks of `cols` ids ((T·E)×cols: a sequence).
    ///
    /// # Panics
    /// If an id is not below V, or the number of ids is not a multiple of `cols`.
    #[track_caller]
    pub fn embedding(self, ids: &[usize], cols: usize) -> Self {
        self.tape.apply_indexed(ops::Embedding { cols }, &[self], ids)
    }

    /// The mean cross-entropy, in nats, between these logits and class indices.
    ///
    /// The logits are V×B with one target per column, or T blocks of V×B with T·B targets, step by
    /// step. Columns whose target is [`IGNORE_INDEX`](crate::IGNORE_INDEX) do not count; if none
    /// counts the loss is 0.
    ///
    /// # Panics
    /// If the targets do not fit the logits' shape or a target is not below V.
    #[track_caller]
    pub fn cross_entropy(self, targets: &[usize]) -> Self {
        self.tape.apply_indexed(ops::CrossEntropy, &[self], targets)
    }

    /// The mean of `(x − target)²`.
    #[track_caller]
    // ANCHOR: mse
    pub fn mse_loss(self, target: Self) -> Self {
        (self - target).square().mean()
    }
    // ANCHOR_END: mse
}
