//! Parameters live outside the tape, by name, with their gradients; optimisers see only them.

use crate::threads::{share_entries, worth};
use autograd::{Float, Tape, Var};

/// One parameter matrix (a vector is a column).
#[derive(Clone, Debug, PartialEq)]
pub struct Param<T> {
    /// PyTorch's name, for example `rnn.weight_ih_l0`.
    pub name: String,
    /// Rows of the matrix.
    pub rows: usize,
    /// Columns of the matrix.
    pub cols: usize,
    /// The entries, row by row.
    pub value: Vec<T>,
    /// The gradient of the loss, row by row, added up until [`Params::zero_grad`].
    pub grad: Vec<T>,
}

/// Which parameter: its position in [`Params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParamId(usize);

/// All parameters of a network, in the order they were added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params<T> {
    list: Vec<Param<T>>,
}

impl<T: Float> Params<T> {
    /// No parameters yet.
    pub fn new() -> Self {
        Self { list: Vec::new() }
    }

    /// Adds a `rows × cols` parameter with these entries, row by row.
    ///
    /// # Panics
    /// If the number of entries is not `rows · cols`, or the name is taken.
    #[track_caller]
    pub fn add(&mut self, name: impl Into<String>, rows: usize, cols: usize, value: Vec<T>) -> ParamId {
        let name = name.into();
        assert_eq!(value.len(), rows * cols, "parameter {name}: {} entries for {rows}×{cols}", value.len());
        assert!(self.find(&name).is_none(), "parameter {name}: the name is taken");
        let grad = vec![T::ZERO; value.len()];
        self.list.push(Param { name, rows, cols, value, grad });
        ParamId(self.list.len() - 1)
    }

    /// The parameter of that name.
    pub fn find(&self, name: &str) -> Option<ParamId> {
        self.list.iter().position(|p| p.name == name).map(ParamId)
    }

    /// The parameter behind an id.
    pub fn get(&self, id: ParamId) -> &Param<T> {
        &self.list[id.0]
    }

    /// The parameter behind an id, to change it.
    pub fn get_mut(&mut self, id: ParamId) -> &mut Param<T> {
        &mut self.list[id.0]
    }

    /// All parameters, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Param<T>> {
        self.list.iter()
    }

    /// All parameters, in order, to change them.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Param<T>> {
        self.list.iter_mut()
    }

    /// How many numbers are learned in all.
    pub fn count(&self) -> usize {
        self.list.iter().map(|p| p.value.len()).sum()
    }

    /// Sets every gradient to zero. Without it the gradients of successive steps add up.
    pub fn zero_grad(&mut self) {
        for p in &mut self.list {
            let n = p.grad.len();
            share_entries(n, worth(32 * n), [&mut p.grad], [], &|_, [g], []| g.fill(T::ZERO));
        }
    }

    /// Puts every parameter on the tape as a leaf, in order.
    pub fn bind<'t>(&self, tape: &'t Tape<T>) -> Bound<'t, T> {
        let first = tape.len();
        self.list.iter().for_each(|p| {
            tape.leaf(p.rows, p.cols, &p.value);
        });
        Bound { tape, first, from: 0 }
    }

    /// Puts every parameter on the tape as a constant, in order: to evaluate, not to train.
    pub fn bind_constant<'t>(&self, tape: &'t Tape<T>) -> Bound<'t, T> {
        let first = tape.len();
        self.list.iter().for_each(|p| {
            tape.constant(p.rows, p.cols, &p.value);
        });
        Bound { tape, first, from: 0 }
    }

    /// The parameters as leaves that are on the tape already, the first at place `first`.
    ///
    /// # Panics
    /// If what lies there has other shapes.
    #[track_caller]
    pub fn bound_at<'t>(&self, tape: &'t Tape<T>, first: usize) -> Bound<'t, T> {
        for (k, p) in self.list.iter().enumerate() {
            let shape = tape.var(first + k).shape();
            assert_eq!(shape, (p.rows, p.cols), "bound_at: node {} is not parameter {}", first + k, p.name);
        }
        Bound { tape, first, from: 0 }
    }

    /// Adds the gradients that the backward pass left on the tape to the parameters' own.
    pub fn add_grads(&mut self, bound: Bound<'_, T>) {
        for (k, p) in self.list.iter_mut().enumerate() {
            bound.get(ParamId(k)).read_grad(|grad| {
                let Some(grad) = grad else { return };
                let n = grad.len();
                share_entries(n, worth(32 * n), [&mut p.grad], [grad], &|_, [sum], [grad]| {
                    sum.iter_mut().zip(grad).for_each(|(sum, &g)| *sum += g);
                });
            });
        }
    }
}

/// The parameters of a network on a tape.
#[derive(Clone, Copy)]
pub struct Bound<'t, T: Float> {
    tape: &'t Tape<T>,
    first: usize,
    /// The number of the parameter that lies at `first`.
    from: usize,
}

impl<'t, T: Float> Bound<'t, T> {
    /// Parameters that are on a tape one after the other, from number `from` on at place `first`:
    /// those of one cell, on a tape of its own.
    pub(crate) fn part(tape: &'t Tape<T>, first: usize, from: usize) -> Self {
        Self { tape, first, from }
    }

    /// The variable of the parameter of this number.
    pub(crate) fn number(self, number: usize) -> Var<'t, T> {
        self.tape.var(self.first + number - self.from)
    }

    /// The tape they are on.
    pub fn tape(self) -> &'t Tape<T> {
        self.tape
    }

    /// The variable of a parameter.
    pub fn get(self, id: ParamId) -> Var<'t, T> {
        self.number(id.0)
    }
}
