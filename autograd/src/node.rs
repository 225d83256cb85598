//! One entry of the tape.

use std::ops::Range;

/// Where a node comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Given from outside: a variable or a constant.
    Leaf,
    /// Some rows of another node: its memory, its gradient.
    View,
    /// The output of an operation: which type, and which of that type.
    Op { kind: u32, slot: u32 },
}

// ANCHOR: node
pub(crate) struct Node {
    pub rows: usize,
    pub cols: usize,
    /// Where its entries start in the values' slab. What the operation saved follows them.
    pub value: usize,
    pub saved: usize,
    pub kind: Kind,
    /// The node whose gradient this one's is part of: itself, except for views.
    pub owner: u32,
    /// Where in the owner's gradient this node's starts.
    pub offset: usize,
    pub needs_grad: bool,
    pub parents: Range<usize>,
    pub indices: Range<usize>,
    pub label: Option<&'static str>,
    pub scope: Option<&'static str>,
    pub step: Option<usize>,
}
// ANCHOR_END: node

impl Node {
    pub fn size(&self) -> usize {
        self.rows * self.cols
    }

    pub fn value_range(&self) -> Range<usize> {
        self.value..self.value + self.size()
    }

    pub fn saved_range(&self) -> Range<usize> {
        let start = self.value + self.size();
        start..start + self.saved
    }
}
