//! The weights on a tape, packed for products: each once, however many steps use it.

use crate::Float;
use crate::memory::Slab;
use crate::node::{Kind, Node};
use crate::product::{Packed, Shape, pack};
use faer::MatRef;
use std::ops::Range;

/// Packed copies of leaves and of their rows, which keep their values until the tape is reset.
pub(crate) struct Packs<T> {
    data: Slab<T>,
    list: Vec<(Weights, usize)>,
}

/// Which weights, and how they are packed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weights {
    /// Where they start in the values' slab.
    value: usize,
    rows: usize,
    cols: usize,
    transposed: bool,
    shape: Shape,
}

impl Weights {
    /// Some rows of a node, if it is a leaf or part of one.
    pub fn of(
        nodes: &[Node],
        node: &Node,
        rows: Range<usize>,
        transposed: bool,
        shape: Shape,
    ) -> Option<Self> {
        let leaf = match node.kind {
            Kind::Leaf => true,
            Kind::View => nodes[node.owner as usize].kind == Kind::Leaf,
            Kind::Op { .. } => false,
        };
        let (value, cols) = (node.value + rows.start * node.cols, node.cols);
        leaf.then_some(Self { value, rows: rows.len(), cols, transposed, shape })
    }

    /// Rows and columns of what is packed.
    fn size(&self) -> (usize, usize) {
        if self.transposed { (self.cols, self.rows) } else { (self.rows, self.cols) }
    }
}

impl<T: Float> Default for Packs<T> {
    fn default() -> Self {
        Self { data: Slab::new(), list: Vec::new() }
    }
}

impl<T: Float> Packs<T> {
    /// Packs these weights, if that has not been done.
    pub fn ensure(&mut self, weights: Weights, values: &[T]) {
        if self.list.iter().any(|(known, _)| *known == weights) {
            return;
        }
        let (rows, cols) = weights.size();
        let size = weights.shape.size::<T>(rows, cols);
        let at = self.data.take(size);
        let values = &values[weights.value..weights.value + rows * cols];
        let w = MatRef::from_row_major_slice(values, weights.rows, weights.cols);
        let w = if weights.transposed { w.transpose() } else { w };
        pack(&mut self.data.data_mut()[at..at + size], w, weights.shape);
        self.list.push((weights, at));
    }

    /// These weights, if they are packed.
    pub fn find(&self, weights: Weights) -> Option<Packed<'_, T>> {
        let (_, at) = *self.list.iter().find(|(known, _)| *known == weights)?;
        let (rows, cols) = weights.size();
        let size = weights.shape.size::<T>(rows, cols);
        Some(Packed::new(&self.data.data()[at..at + size], rows, cols, weights.shape))
    }

    /// Numbers in the packed copies.
    pub fn len(&self) -> usize {
        self.data.data().len()
    }

    pub fn reset(&mut self) {
        self.data.reset();
        self.list.clear();
    }

    pub fn poison(&mut self) {
        self.data.data_mut().fill(T::NAN);
    }
}
