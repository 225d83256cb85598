//! The tape: every operation of a computation in the order it ran, and the loop that goes back.

use crate::memory::{Pool, Slab};
use crate::node::{Kind, Node};
use crate::op::Pass;
use crate::packs::Packs;
use crate::product::Shape;
use crate::store::Store;
use crate::{Float, Gradients, Inputs, Op, Output, Quantity, Var};
use std::cell::RefCell;

/// A list of operations in the order in which they ran.
///
/// That order is topological: whatever a node depends on comes before it. So the backward pass is
/// one loop from the loss to the beginning; there is no graph to sort and nothing to recurse into.
///
/// [`reset`](Tape::reset) forgets the operations and keeps the memory: from the second identical
/// step on, nothing is allocated. It needs the tape for itself, so a handle from before the reset
/// does not compile after it:
///
/// ```compile_fail
/// let mut tape = autograd::Tape::<f64>::new();
/// let x = tape.leaf(1, 1, &[2.0]);
/// tape.reset();
/// x.item(); // the handle would be stale
/// ```
///
/// ```
/// use autograd::Tape;
///
/// let tape = Tape::<f64>::new();
/// let w = tape.leaf(1, 2, &[3.0, -1.0]);
/// let x = tape.constant(2, 1, &[0.5, 2.0]);
/// let loss = w.matmul(x).square().sum();
/// loss.backward();
/// assert_eq!(loss.item(), 0.25);
/// assert_eq!(w.grad(), [-0.5, -2.0]); // 2 (w·x) xᵀ
/// ```
pub struct Tape<T: Float> {
    pub(crate) inner: RefCell<Inner<T>>,
}

pub(crate) struct Inner<T: Float> {
    pub nodes: Vec<Node>,
    pub parents: Vec<u32>,
    pub indices: Vec<usize>,
    pub ops: Store<T>,
    pub values: Slab<T>,
    pub packs: Packs<T>,
    /// One gradient per node, there while it is needed.
    pub grads: Vec<Option<Vec<T>>>,
    pub pool: Pool<T>,
    pub scratch: Vec<T>,
    pub retain_grads: bool,
    pub scope: Option<&'static str>,
    pub step: Option<usize>,
    /// Lists of handles that wait to be used again.
    pub lists: Vec<Vec<u32>>,
}

impl<T: Float> Default for Tape<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Float> Tape<T> {
    /// An empty tape.
    pub fn new() -> Self {
        let inner = Inner {
            nodes: Vec::new(),
            parents: Vec::new(),
            indices: Vec::new(),
            ops: Store::new(),
            values: Slab::new(),
            packs: Packs::default(),
            grads: Vec::new(),
            pool: Pool::new(),
            scratch: Vec::new(),
            retain_grads: false,
            scope: None,
            step: None,
            lists: Vec::new(),
        };
        Self { inner: RefCell::new(inner) }
    }

    /// Forgets every operation and keeps the memory for the next step.
    pub fn reset(&mut self) {
        let inner = self.inner.get_mut();
        inner.clear_grads();
        inner.nodes.clear();
        inner.parents.clear();
        inner.indices.clear();
        inner.grads.clear();
        inner.ops.clear();
        inner.values.reset();
        inner.packs.reset();
        inner.scope = None;
        inner.step = None;
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.inner.borrow().nodes.len()
    }

    /// The node at this place.
    ///
    /// # Panics
    /// If there are not that many nodes.
    #[track_caller]
    pub fn var(&self, index: usize) -> Var<'_, T> {
        assert!(index < self.len(), "var: there is no node {index} among {}", self.len());
        Var { tape: self, id: index as u32 }
    }

    /// Bytes of the memory that it keeps: values, what operations saved, packed weights, gradients and working
    /// memory. It grows in the first step and hardly after.
    pub fn bytes(&self) -> usize {
        let inner = self.inner.borrow();
        let held: usize = inner.grads.iter().flatten().map(Vec::len).sum();
        let numbers =
            inner.values.data().len() + inner.packs.len() + inner.scratch.len() + held + inner.pool.len();
        numbers * size_of::<T>() + inner.nodes.capacity() * size_of::<Node>()
    }

    /// Whether nothing has been recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A `rows × cols` variable, with a gradient; entries row by row.
    ///
    /// # Panics
    /// If there are not `rows · cols` values.
    #[track_caller]
    pub fn leaf(&self, rows: usize, cols: usize, values: &[T]) -> Var<'_, T> {
        assert_eq!(values.len(), rows * cols, "leaf: {} values for {rows}×{cols}", values.len());
        self.given(rows, cols, true, |entries| entries.copy_from_slice(values))
    }

    /// A `rows × cols` constant, without a gradient; entries row by row.
    ///
    /// # Panics
    /// If there are not `rows · cols` values.
    #[track_caller]
    pub fn constant(&self, rows: usize, cols: usize, values: &[T]) -> Var<'_, T> {
        assert_eq!(values.len(), rows * cols, "constant: {} values for {rows}×{cols}", values.len());
        self.given(rows, cols, false, |entries| entries.copy_from_slice(values))
    }

    /// A `rows × cols` constant that `fill` writes in place, row by row, over zeros.
    pub fn constant_with(&self, rows: usize, cols: usize, fill: impl FnOnce(&mut [T])) -> Var<'_, T> {
        self.given(rows, cols, false, |entries| {
            entries.fill(T::ZERO);
            fill(entries);
        })
    }

    /// A `rows × cols` constant of zeros.
    pub fn zeros(&self, rows: usize, cols: usize) -> Var<'_, T> {
        self.constant_with(rows, cols, |_| ())
    }

    fn given(&self, rows: usize, cols: usize, needs_grad: bool, fill: impl FnOnce(&mut [T])) -> Var<'_, T> {
        let inner = &mut *self.inner.borrow_mut();
        let value = inner.values.take(rows * cols);
        fill(&mut inner.values.data_mut()[value..value + rows * cols]);
        let id = inner.push(Node { rows, cols, value, needs_grad, ..inner.blank() });
        Var { tape: self, id }
    }

    /// Runs an operation on its inputs and records it.
    ///
    /// # Panics
    /// If the operation does not accept the inputs' shapes, or an input is on another tape.
    #[track_caller]
    pub fn apply<'t>(&'t self, op: impl Op<T>, inputs: &[Var<'t, T>]) -> Var<'t, T> {
        self.apply_indexed(op, inputs, &[])
    }

    /// Runs an operation that also needs whole numbers (class or token indices, a mask, lengths);
    /// the tape copies them and the operation reads them with [`Inputs::indices`].
    ///
    /// # Panics
    /// If the operation does not accept the inputs' shapes, or an input is on another tape.
    #[track_caller]
    pub fn apply_indexed<'t>(
        &'t self,
        op: impl Op<T>,
        inputs: &[Var<'t, T>],
        indices: &[usize],
    ) -> Var<'t, T> {
        for x in inputs {
            assert!(std::ptr::eq(x.tape, self), "{}: an input is on another tape", op.name());
        }
        let inner = &mut *self.inner.borrow_mut();
        let start = inner.parents.len();
        inner.parents.extend(inputs.iter().map(|x| x.id));
        let id = inner.record(op, start, indices.iter().copied());
        Var { tape: self, id }
    }

    /// The layer or direction that the nodes to come belong to, for labels: `l0`, `l1_reverse`.
    pub fn set_scope(&self, scope: Option<&'static str>) {
        self.inner.borrow_mut().scope = scope;
    }

    /// The time step that the nodes to come belong to, for labels.
    pub fn set_step(&self, step: Option<usize>) {
        self.inner.borrow_mut().step = step;
    }

    /// Keeps the gradient of every node, not of the leaves alone, until the next backward pass or
    /// reset. Costs memory; [`trace`](Tape::trace) needs it to show gradients.
    pub fn retain_grads(&self, retain: bool) {
        self.inner.borrow_mut().retain_grads = retain;
    }

    /// Calls `visit` with every labelled quantity, and with those that the operations hold inside,
    /// in the order of the tape. `visit` must not use the tape.
    pub fn trace(&self, visit: &mut dyn FnMut(Quantity<'_, T>)) {
        self.inner.borrow_mut().trace(visit);
    }

    /// Fills all memory that is not in use with NaN. Nothing may change by it: a test.
    pub fn poison(&mut self) {
        let inner = self.inner.get_mut();
        assert!(inner.nodes.is_empty(), "poison: reset the tape first");
        inner.values.data_mut().fill(T::NAN);
        inner.packs.poison();
        inner.scratch.fill(T::NAN);
        inner.pool.poison();
    }
}

impl<T: Float> Inner<T> {
    /// A node that owns its gradient, at the place where the next one will be.
    pub fn blank(&self) -> Node {
        Node {
            rows: 0,
            cols: 0,
            value: 0,
            saved: 0,
            kind: Kind::Leaf,
            owner: self.nodes.len() as u32,
            offset: 0,
            needs_grad: false,
            parents: 0..0,
            indices: 0..0,
            label: None,
            scope: self.scope,
            step: self.step,
        }
    }

    pub fn push(&mut self, node: Node) -> u32 {
        self.nodes.push(node);
        self.nodes.len() as u32 - 1
    }

    fn inputs<'a>(&'a self, node: &Node) -> Inputs<'a, T> {
        Inputs {
            values: self.values.data(),
            nodes: &self.nodes,
            parents: &self.parents[node.parents.clone()],
            indices: &self.indices[node.indices.clone()],
            packs: &self.packs,
        }
    }

    /// Runs an operation whose parents are already listed from `start` on.
    #[track_caller]
    pub fn record<O: Op<T>>(&mut self, op: O, start: usize, indices: impl Iterator<Item = usize>) -> u32 {
        let parents = start..self.parents.len();
        let first_index = self.indices.len();
        self.indices.extend(indices);
        let mut node = Node { parents, indices: first_index..self.indices.len(), ..self.blank() };

        // ANCHOR: reserve
        let x = self.inputs(&node);
        (node.rows, node.cols) = match op.shape(x) {
            Ok(shape) => shape,
            Err(problem) => panic!("{}{}: {problem}", op.name(), shapes(x)),
        };
        node.saved = op.saved(x);
        node.needs_grad = (0..x.len()).any(|k| x.needs_grad(k));
        node.value = self.values.take(node.size() + node.saved);
        // ANCHOR_END: reserve

        let mut packs = std::mem::take(&mut self.packs);
        pack_factors(&op, self.inputs(&node), Pass::Forward, &mut packs);
        self.packs = packs;

        // ANCHOR: run
        // Everything an operation reads lies before what it writes.
        let (before, rest) = self.values.data_mut().split_at_mut(node.value);
        let (y, rest) = rest.split_at_mut(node.size());
        let x = Inputs {
            values: before,
            nodes: &self.nodes,
            parents: &self.parents[node.parents.clone()],
            indices: &self.indices[node.indices.clone()],
            packs: &self.packs,
        };
        op.forward(x, y, &mut rest[..node.saved]);
        node.kind = self.ops.push(op);
        self.push(node)
        // ANCHOR_END: run
    }

    pub fn clear_grads(&mut self) {
        self.grads.drain(..).flatten().for_each(|buffer| self.pool.give_back(buffer));
    }

    /// The backward pass from node `id` with cotangent `seed`: one loop, from there to the start.
    // ANCHOR: backward
    pub fn backward(&mut self, id: u32, seed: &[T]) {
        self.clear_grads();
        self.packs.reset(); // the way back multiplies by transposes: packed in the same memory
        self.grads.resize_with(self.nodes.len(), || None);
        let own = [id];
        let mut start =
            Gradients { buffers: &mut self.grads, pool: &mut self.pool, nodes: &self.nodes, parents: &own };
        let Some(cotangent) = start.of(0) else { return };
        cotangent.copy_from_slice(seed);

        for at in (0..=id as usize).rev() {
            if self.ops.get(self.nodes[at].kind).is_none() {
                continue;
            }
            // Nothing that the loss depends on has used this node: its cotangent is zero.
            let Some(cotangent) = self.grads[at].take() else { continue };
            self.pull_back(at, &cotangent);
            if self.retain_grads {
                self.grads[at] = Some(cotangent);
            } else {
                self.pool.give_back(cotangent);
            }
        }
    }
    // ANCHOR_END: backward

    /// The backward rule of node `at`: adds to the gradients of its inputs.
    pub fn pull_back(&mut self, at: usize, cotangent: &[T]) {
        let node = &self.nodes[at];
        let Some(op) = self.ops.get(node.kind) else { return };
        let mut packs = std::mem::take(&mut self.packs);
        pack_factors(op, self.inputs(node), Pass::Backward, &mut packs);
        self.packs = packs;
        let x = Inputs {
            values: self.values.data(),
            nodes: &self.nodes,
            parents: &self.parents[node.parents.clone()],
            indices: &self.indices[node.indices.clone()],
            packs: &self.packs,
        };
        let scratch = op.scratch(x);
        if self.scratch.len() < scratch {
            self.scratch.resize(scratch, T::ZERO);
        }
        // ANCHOR: pull-back
        let y = Output {
            value: &x.values[node.value_range()],
            cotangent,
            saved: &x.values[node.saved_range()],
            scratch: &mut self.scratch[..scratch],
        };
        let mut dx = Gradients {
            buffers: &mut self.grads,
            pool: &mut self.pool,
            nodes: &self.nodes,
            parents: x.parents,
        };
        op.backward(x, y, &mut dx);
        // ANCHOR_END: pull-back
    }

    /// The gradient of a node, if the backward pass reached it and it is still there.
    pub fn grad(&self, id: u32) -> Option<&[T]> {
        let node = &self.nodes[id as usize];
        if !node.needs_grad {
            return None;
        }
        let buffer = self.grads.get(node.owner as usize)?.as_ref()?;
        Some(&buffer[node.offset..node.offset + node.size()])
    }

    fn trace(&mut self, visit: &mut dyn FnMut(Quantity<'_, T>)) {
        // What an operation computes again, it computes from the factors of its forward pass.
        let mut packs = std::mem::take(&mut self.packs);
        for node in &self.nodes {
            let Some(op) = self.ops.get(node.kind) else { continue };
            pack_factors(op, self.inputs(node), Pass::Forward, &mut packs);
        }
        self.packs = packs;
        let mut scratch = std::mem::take(&mut self.scratch);
        for (at, node) in self.nodes.iter().enumerate() {
            let (value, grad) = (&self.values.data()[node.value_range()], self.grad(at as u32));
            if let Some(name) = node.label {
                let (scope, step, rows, cols) = (node.scope, node.step, node.rows, node.cols);
                visit(Quantity { name, scope, step, rows, cols, value, grad });
            }
            let Some(op) = self.ops.get(node.kind) else { continue };
            let x = self.inputs(node);
            if scratch.len() < op.scratch(x) {
                scratch.resize(op.scratch(x), T::ZERO);
            }
            let y = Output {
                value,
                cotangent: grad.unwrap_or(&[]),
                saved: &self.values.data()[node.saved_range()],
                scratch: &mut scratch[..op.scratch(x)],
            };
            op.trace(x, y, &mut |quantity| {
                visit(Quantity { scope: quantity.scope.or(node.scope), ..quantity })
            });
        }
        self.scratch = scratch;
    }
}

/// Packs the weights that an operation multiplies by.
fn pack_factors<T: Float>(op: &dyn Op<T>, x: Inputs<'_, T>, pass: Pass, packs: &mut Packs<T>) {
    op.factors(x, pass, &mut |k, rows, columns| {
        if let Some(weights) = x.weights(k, rows, pass == Pass::Backward, Shape::of(columns)) {
            packs.ensure(weights, x.values);
        }
    });
}

/// ` of 2×3 and 4×5`: the shapes, for messages.
fn shapes<T: Float>(x: Inputs<'_, T>) -> String {
    let list: Vec<String> = (0..x.len()).map(|k| format!("{}×{}", x.rows(k), x.cols(k))).collect();
    if list.is_empty() { String::new() } else { format!(" of {}", list.join(" and ")) }
}
