//! What an operation is: a forward rule and, next to it, its vector–Jacobian product.
//!
//! The operations of this crate and those written elsewhere implement the same trait, [`Op`],
//! and are put on the tape in the same way, with [`Tape::apply`](crate::Tape::apply).

use crate::Float;
use crate::memory::Pool;
use crate::node::Node;
use crate::packs::{Packs, Weights};
use crate::product::{Factor, Packed, Shape};
use crate::trace::Visit;
use faer::MatRef;
use std::ops::Range;

/// An operation on matrices: `y = f(x₀, x₁, …)`.
///
/// An operation with one output and any number of inputs. Matrices are row-major slices: entry
/// `(r, c)` of a `rows × cols` matrix is `slice[r * cols + c]`.
///
/// ```
/// use autograd::{Float, Gradients, Inputs, Op, Output, Tape};
///
/// /// y = x³
/// struct Cube;
///
/// impl<T: Float> Op<T> for Cube {
///     fn name(&self) -> &'static str {
///         "cube"
///     }
///     fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
///         Ok(x.shape(0))
///     }
///     fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
///         for (y, &x) in y.iter_mut().zip(x.value(0)) {
///             *y = x * x * x;
///         }
///     }
///     fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
///         let Some(dx) = dx.of(0) else { return };
///         for ((dx, &dy), &x) in dx.iter_mut().zip(y.cotangent).zip(x.value(0)) {
///             *dx += dy * T::from_f64(3.0) * x * x;
///         }
///     }
/// }
///
/// let tape = Tape::<f64>::new();
/// let x = tape.leaf(1, 1, &[2.0]);
/// let y = tape.apply(Cube, &[x]);
/// y.backward();
/// assert_eq!((y.item(), x.grad()), (8.0, vec![12.0]));
/// ```
pub trait Op<T: Float>: 'static {
    /// The operation's name, for messages.
    fn name(&self) -> &'static str;

    /// Rows and columns of the output, or what is wrong with the inputs' shapes. The tape panics
    /// with that text after the operation's name and all its shapes.
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String>;

    /// How many numbers the forward pass keeps for the backward pass, beside its output.
    fn saved(&self, _x: Inputs<'_, T>) -> usize {
        0
    }

    /// How many numbers of working memory the backward pass needs.
    fn scratch(&self, _x: Inputs<'_, T>) -> usize {
        0
    }

    /// The inputs that this operation multiplies by from the left: `W X` in its forward pass, `Wᵀ Y` in
    /// its backward pass. `need` takes the input, its rows, and how many columns the other factor has.
    ///
    /// Those that are leaves, weights that is, the tape packs for such products, once for all
    /// operations: [`Inputs::factor`]. Others, and those not named here, are multiplied as they lie.
    fn factors(&self, _x: Inputs<'_, T>, _pass: Pass, _need: &mut dyn FnMut(usize, Range<usize>, usize)) {}

    /// Writes every entry of the output `y` and of `saved`; both hold rubbish before.
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], saved: &mut [T]);

    /// The vector–Jacobian product: given the cotangent `∂L/∂y`, ADDS `(∂y/∂xₖ)ᵀ ∂L/∂y` to the
    /// gradient of every input `k` that has one.
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>);

    /// Shows the named quantities an operation holds inside, one call of `visit` per quantity and
    /// time step, in order. Operations over whole sequences implement it, so that their gates can
    /// be drawn and checked; [`Tape::trace`](crate::Tape::trace) calls it. `y.cotangent` is empty
    /// unless the tape was asked to [retain gradients](crate::Tape::retain_grads).
    fn trace(&self, _x: Inputs<'_, T>, _y: Output<'_, T>, _visit: &mut Visit<'_, T>) {}
}

/// The way through the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// From the leaves to the loss.
    Forward,
    /// From the loss to the leaves.
    Backward,
}

/// The inputs of an operation, by position.
#[derive(Clone, Copy)]
pub struct Inputs<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) nodes: &'a [Node],
    pub(crate) parents: &'a [u32],
    pub(crate) indices: &'a [usize],
    pub(crate) packs: &'a Packs<T>,
}

impl<'a, T: Float> Inputs<'a, T> {
    fn node(&self, k: usize) -> &'a Node {
        &self.nodes[self.parents[k] as usize]
    }

    /// How many inputs there are.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Rows and columns of input `k`.
    pub fn shape(&self, k: usize) -> (usize, usize) {
        (self.node(k).rows, self.node(k).cols)
    }

    /// Rows of input `k`.
    pub fn rows(&self, k: usize) -> usize {
        self.node(k).rows
    }

    /// Columns of input `k`.
    pub fn cols(&self, k: usize) -> usize {
        self.node(k).cols
    }

    /// The entries of input `k`, row by row.
    pub fn value(&self, k: usize) -> &'a [T] {
        &self.values[self.node(k).value_range()]
    }

    /// Input `k` as a faer matrix.
    pub fn matrix(&self, k: usize) -> MatRef<'a, T> {
        MatRef::from_row_major_slice(self.value(k), self.rows(k), self.cols(k))
    }

    /// Input `k` as the left factor of products.
    pub fn factor(&self, k: usize) -> Factor<'a, T> {
        self.factor_rows(k, 0..self.rows(k))
    }

    /// Some rows of input `k` as the left factor of products.
    pub fn factor_rows(&self, k: usize, rows: Range<usize>) -> Factor<'a, T> {
        let matrix = self.matrix(k).subrows(rows.start, rows.len());
        Factor { matrix, packed: self.packed(k, rows, false) }
    }

    /// The transpose of input `k` as the left factor of products.
    pub fn factor_transposed(&self, k: usize) -> Factor<'a, T> {
        self.factor_rows_transposed(k, 0..self.rows(k))
    }

    /// The transpose of some rows of input `k` as the left factor of products.
    pub fn factor_rows_transposed(&self, k: usize, rows: Range<usize>) -> Factor<'a, T> {
        let matrix = self.matrix(k).subrows(rows.start, rows.len()).transpose();
        Factor { matrix, packed: self.packed(k, rows, true) }
    }

    fn packed(&self, k: usize, rows: Range<usize>, transposed: bool) -> [Option<Packed<'a, T>>; 2] {
        [Shape::Column, Shape::Columns]
            .map(|shape| self.packs.find(self.weights(k, rows.clone(), transposed, shape)?))
    }

    /// Some rows of input `k`, if they can be packed.
    pub(crate) fn weights(
        &self,
        k: usize,
        rows: Range<usize>,
        transposed: bool,
        shape: Shape,
    ) -> Option<Weights> {
        Weights::of(self.nodes, self.node(k), rows, transposed, shape)
    }

    /// The whole numbers the operation was recorded with
    /// ([`Tape::apply_indexed`](crate::Tape::apply_indexed)): class or token indices, masks, lengths.
    pub fn indices(&self) -> &'a [usize] {
        self.indices
    }

    /// Whether input `k` wants a gradient. Constants, and what depends on constants alone, do not.
    pub fn needs_grad(&self, k: usize) -> bool {
        self.node(k).needs_grad
    }
}

/// The output of an operation, as its backward pass sees it.
pub struct Output<'a, T> {
    /// The entries of `y`.
    pub value: &'a [T],
    /// `∂L/∂y`, complete: every consumer of `y` has added its part.
    pub cotangent: &'a [T],
    /// What the forward pass saved.
    pub saved: &'a [T],
    /// Working memory of the size asked for with [`Op::scratch`]; holds rubbish before.
    pub scratch: &'a mut [T],
}

/// The gradients of an operation's inputs, lent one at a time (`x * x` has one gradient, not two).
pub struct Gradients<'a, T> {
    pub(crate) buffers: &'a mut [Option<Vec<T>>],
    pub(crate) pool: &'a mut Pool<T>,
    pub(crate) nodes: &'a [Node],
    pub(crate) parents: &'a [u32],
}

impl<T: Float> Gradients<'_, T> {
    /// The gradient of input `k`, to be ADDED to; `None` if input `k` has none.
    // ANCHOR: of
    pub fn of(&mut self, k: usize) -> Option<&mut [T]> {
        let node = &self.nodes[self.parents[k] as usize];
        if !node.needs_grad {
            return None;
        }
        // A view has no gradient of its own: it is lent its rows of the owner's.
        let owner = node.owner as usize;
        let size = self.nodes[owner].size();
        let buffer = self.buffers[owner].get_or_insert_with(|| self.pool.take_zeroed(size));
        Some(&mut buffer[node.offset..node.offset + node.size()])
    }
    // ANCHOR_END: of

    /// The gradient of input `k`, and whether it is new: then nothing has been added to it yet, it holds
    /// rubbish instead of zeros, and every entry must be WRITTEN. For operations with large inputs: to
    /// fill them with zeros and to read those again takes as long as the gradient itself.
    // ANCHOR: of-or-new
    pub fn of_or_new(&mut self, k: usize) -> Option<(&mut [T], bool)> {
        let node = &self.nodes[self.parents[k] as usize];
        if !node.needs_grad {
            return None;
        }
        let (owner, own) = (node.owner as usize, node.offset..node.offset + node.size());
        let new = self.buffers[owner].is_none();
        let buffer = self.buffers[owner].get_or_insert_with(|| {
            let mut buffer = self.pool.take(self.nodes[owner].size());
            buffer[..own.start].fill(T::ZERO); // of the owner's other rows nobody writes all
            buffer[own.end..].fill(T::ZERO);
            buffer
        });
        Some((&mut buffer[own], new))
    }
    // ANCHOR_END: of-or-new
}
