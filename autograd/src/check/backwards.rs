//! A backward pass with one mistake in it.
//!
//! The equations are on a tape. This loop goes back over it as the tape's own does, edge by edge: an
//! edge is one input of one operation. On the way, a [`Change`] makes of some edges what a learner may
//! have made of them.

use super::pattern::transposed_place;
use crate::memory::Pool;
use crate::node::{Kind, Node};
use crate::tape::Inner;
use crate::{Gradients, Inputs, Output, Tape};

/// Input `.1` of the operation that made node `.0`.
pub(super) type Edge = (u32, usize);

/// Which input, or the output, is read at which other node.
pub(super) type Read = (Option<usize>, u32);

/// What becomes of an edge.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// Its share is multiplied by this.
    Times(f64),
    /// Only this column of the cotangent counts.
    Column(Place),
    /// Column after column writes its share over that of the one before.
    Assigned,
    /// The cotangent passes unchanged, or summed for a column, as if the slope were 1.
    Slope,
    /// The rule reads another node in place of an input (or, if none is given, of its output); one of
    /// these per edge, and without it the edge is cut.
    Reads(Vec<Option<Read>>),
    /// The share is added to another node; one per edge.
    Into(Vec<Option<u32>>),
    /// The share is transposed, square block by square block.
    Transposed,
}

/// The first or the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    First,
    Last,
}

/// A mistake on some edges.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub edges: Vec<Edge>,
    pub what: What,
}

/// The equations on their tape. The inputs are its first nodes, `root` is the output; after it come
/// constants that changes may read, of which `silent` is one.
pub(super) struct Backwards<'a> {
    pub inner: &'a Inner<f64>,
    pub inputs: usize,
    pub root: u32,
    pub silent: u32,
}

impl Backwards<'_> {
    pub fn node(&self, at: u32) -> &Node {
        &self.inner.nodes[at as usize]
    }

    pub fn parents(&self, at: u32) -> &[u32] {
        &self.inner.parents[self.node(at).parents.clone()]
    }

    /// The gradients of the inputs, one after the other, for a cotangent of the output.
    pub fn gradient(&self, cotangent: &[f64], change: Option<&Change>) -> Vec<Vec<f64>> {
        let mut grads: Vec<Option<Vec<f64>>> = vec![None; self.inner.nodes.len()];
        self.add(&mut grads, self.root, cotangent);
        for at in (0..=self.root).rev() {
            let node = self.node(at);
            if self.inner.ops.get(node.kind).is_none() || !node.needs_grad {
                continue;
            }
            let Some(cotangent) = grads[at as usize].take() else { continue };
            for (k, &parent) in self.parents(at).iter().enumerate() {
                if !self.node(parent).needs_grad {
                    continue;
                }
                let place = change.and_then(|c| c.edges.iter().position(|&edge| edge == (at, k)));
                let (share, into) = match (change, place) {
                    (Some(change), Some(place)) => self.changed((at, k), &cotangent, &change.what, place),
                    _ => (self.share((at, k), &cotangent, None), Some(parent)),
                };
                if let Some(into) = into {
                    self.add(&mut grads, into, &share);
                }
            }
        }
        let zeros = |at: usize| vec![0.0; self.inner.nodes[at].size()];
        (0..self.inputs).map(|at| grads[at].take().unwrap_or_else(|| zeros(at))).collect()
    }

    fn add(&self, grads: &mut [Option<Vec<f64>>], to: u32, share: &[f64]) {
        let node = self.node(to);
        let size = self.node(node.owner).size();
        let buffer = grads[node.owner as usize].get_or_insert_with(|| vec![0.0; size]);
        buffer[node.offset..].iter_mut().zip(share).for_each(|(sum, share)| *sum += share);
    }

    /// What the rule of an edge adds, and to which node, with a mistake in it.
    fn changed(&self, edge: Edge, cotangent: &[f64], what: &What, place: usize) -> (Vec<f64>, Option<u32>) {
        let parent = self.parents(edge.0)[edge.1];
        let plain = |cotangent: &[f64]| self.share(edge, cotangent, None);
        let cols = self.node(edge.0).cols.max(1);
        let share = match what {
            What::Times(factor) => plain(cotangent).into_iter().map(|x| factor * x).collect(),
            What::Column(which) => {
                let column = if *which == Place::First { 0 } else { cols - 1 };
                plain(&masked(cotangent, cols, column))
            }
            What::Assigned => (0..cols).fold(vec![0.0; self.node(parent).size()], |mut sum, column| {
                let share = plain(&masked(cotangent, cols, column));
                sum.iter_mut().zip(share).filter(|(_, x)| *x != 0.0).for_each(|(sum, x)| *sum = x);
                sum
            }),
            What::Slope if self.node(parent).cols == 1 => {
                cotangent.chunks(cols).map(|row| row.iter().sum()).collect()
            }
            What::Slope => cotangent.to_vec(),
            What::Reads(reads) if reads[place].is_none() => return (Vec::new(), None),
            What::Reads(reads) => self.share(edge, cotangent, reads[place]),
            What::Into(nodes) => return (plain(cotangent), nodes[place]),
            What::Transposed => {
                let (share, cols) = (plain(cotangent), self.node(parent).cols);
                (0..share.len()).map(|at| share[transposed_place(at, cols)]).collect()
            }
        };
        (share, Some(parent))
    }

    /// What the rule of one edge adds, if it reads some other node in place of an input or its output.
    fn share(&self, (at, k): Edge, cotangent: &[f64], reads: Option<Read>) -> Vec<f64> {
        let (node, inner) = (self.node(at), self.inner);
        let Some(op) = inner.ops.get(node.kind) else { return Vec::new() };
        let real = self.parents(at);
        let (mut seen, mut value) = (real.to_vec(), node.value_range());
        match reads {
            Some((Some(input), other)) => seen[input] = other,
            Some((None, other)) => value = self.node(other).value_range(),
            None => (),
        }
        // All inputs but this one are lent as constants, which get no gradient.
        let lent: Vec<u32> = (0..real.len()).map(|j| if j == k { real[k] } else { self.silent }).collect();
        let x = Inputs {
            values: inner.values.data(),
            nodes: &inner.nodes,
            parents: &seen,
            indices: &inner.indices[node.indices.clone()],
            packs: &inner.packs,
        };
        let mut scratch = vec![0.0; op.scratch(x)];
        let mut buffers: Vec<Option<Vec<f64>>> = vec![None; self.node(real[k]).owner as usize + 1];
        let saved = &inner.values.data()[node.saved_range()];
        let y = Output { value: &x.values[value], cotangent, saved, scratch: &mut scratch };
        let mut pool = Pool::new();
        let mut dx =
            Gradients { buffers: &mut buffers, pool: &mut pool, nodes: &inner.nodes, parents: &lent };
        op.backward(x, y, &mut dx);
        let parent = self.node(real[k]);
        let place = parent.offset..parent.offset + parent.size();
        buffers[parent.owner as usize].take().map_or_else(|| vec![0.0; parent.size()], |b| b[place].to_vec())
    }
}

/// Puts the transpose of a leaf, or of rows of one, on the tape, if it consists of square blocks: each of
/// them transposed.
pub(super) fn push_transpose(tape: &Tape<f64>, at: usize) {
    let var = tape.var(at);
    let (rows, cols) = var.shape();
    let leaf = {
        let nodes = &tape.inner.borrow().nodes;
        nodes[nodes[at].owner as usize].kind == Kind::Leaf
    };
    if leaf && cols > 1 && rows % cols == 0 {
        let entries = var.value();
        let turned: Vec<f64> = (0..entries.len()).map(|at| entries[transposed_place(at, cols)]).collect();
        tape.constant(rows, cols, &turned);
    }
}

/// The cotangent with zeros in all columns but one.
fn masked(cotangent: &[f64], cols: usize, column: usize) -> Vec<f64> {
    let keep = |(at, x): (usize, &f64)| if at % cols == column { *x } else { 0.0 };
    cotangent.iter().enumerate().map(keep).collect()
}
