//! Finding where a NaN or an infinity came from.

use crate::node::{Kind, Node};
use crate::tape::Inner;
use crate::{Float, Tape, Var};
use std::fmt;

/// What produced the first non-finite number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was given: a variable or a constant from outside.
    Given,
    /// An operation's forward pass made it from finite inputs.
    Forward(&'static str),
    /// An operation's backward pass made it from a finite cotangent.
    Backward(&'static str),
}

/// The first NaN or infinity on the way to a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly {
    /// What produced it.
    pub source: Source,
    /// The label of the node, if it has one.
    pub label: Option<&'static str>,
    /// The layer or direction, if it was set.
    pub scope: Option<&'static str>,
    /// The time step, if it was set.
    pub step: Option<usize>,
    /// The node's place on the tape.
    pub node: usize,
    /// The entry's row.
    pub row: usize,
    /// The entry's column.
    pub col: usize,
    /// The entry: NaN, inf or −inf.
    pub value: f64,
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Source::Given => write!(f, "a given matrix")?,
            Source::Forward(name) => write!(f, "{name}")?,
            Source::Backward(name) => write!(f, "the backward pass of {name}")?,
        }
        if let Some(label) = self.label {
            write!(f, " ({label})")?;
        }
        if let Some(scope) = self.scope {
            write!(f, " in {scope}")?;
        }
        if let Some(step) = self.step {
            write!(f, " at time step {step}")?;
        }
        write!(f, ": entry ({}, {}) is {}", self.row, self.col, self.value)
    }
}

impl<T: Float> Var<'_, T> {
    /// The operation that produced the first NaN or infinity on which this value depends, with its
    /// label, time step and entry; `None` if this value is finite.
    ///
    /// There is no mode to switch on beforehand: the tape still holds every value, so this looks
    /// back over them. A NaN that was masked away (by [`Tape::select`]) is not on the way.
    ///
    /// ```
    /// let tape = autograd::Tape::<f64>::new();
    /// let x = tape.leaf(1, 2, &[1.0, -1.0]);
    /// let loss = x.ln().label("log").sum();
    /// let found = loss.anomaly().unwrap();
    /// assert_eq!(found.to_string(), "ln (log): entry (0, 1) is NaN");
    /// ```
    pub fn anomaly(self) -> Option<Anomaly> {
        let inner = self.tape.inner.borrow();
        let mut first = inner.bad_value(self.id as usize)?;
        // Follow the bad values upwards. Parents come first, so one sweep down the tape suffices.
        let mut on_the_way = vec![false; self.id as usize + 1];
        on_the_way[self.id as usize] = true;
        for at in (0..=self.id as usize).rev().filter(|&at| inner.bad_value(at).is_some()) {
            if !on_the_way[at] {
                continue;
            }
            first = inner.bad_value(at).unwrap_or(first);
            inner.parents[inner.nodes[at].parents.clone()]
                .iter()
                .for_each(|&parent| on_the_way[parent as usize] = true);
        }
        Some(first)
    }
}

impl<T: Float> Tape<T> {
    /// The operation whose backward pass produced the first NaN or infinity among the gradients
    /// that the last backward pass left, if one did. Needs [`Tape::retain_grads`] during that pass
    /// to look inside; without it only the leaves' gradients are still there.
    pub fn gradient_anomaly(&self) -> Option<Anomaly> {
        let inner = &mut *self.inner.borrow_mut();
        (0..inner.nodes.len()).rev().find_map(|at| inner.bad_gradient(at))
    }
}

fn is_bad<T: Float>(entries: &[T]) -> bool {
    entries.iter().any(|x| !x.finite())
}

impl<T: Float> Inner<T> {
    fn bad_value(&self, at: usize) -> Option<Anomaly> {
        let node = &self.nodes[at];
        let source = match self.ops.get(node.kind) {
            Some(op) => Source::Forward(op.name()),
            None => Source::Given,
        };
        self.bad_entry(at, &self.values.data()[node.value_range()], source)
    }

    fn bad_gradient(&mut self, at: usize) -> Option<Anomaly> {
        if self.nodes[at].kind == Kind::View || !is_bad(self.grad(at as u32)?) {
            return None;
        }
        let source = self.culprit(at).map_or(Source::Given, Source::Backward);
        self.bad_entry(at, self.grad(at as u32)?, source)
    }

    /// Which of a node's users added the bad number to its gradient: the rule of each runs again,
    /// alone. If no cotangents were retained to do that with, it is the last user.
    fn culprit(&mut self, at: usize) -> Option<&'static str> {
        let owners = |user: usize| {
            self.parents[self.nodes[user].parents.clone()].iter().map(|&p| self.nodes[p as usize].owner)
        };
        let reached = |user: usize| !self.retain_grads || self.grads.get(user).is_some_and(Option::is_some);
        let uses = |&user: &usize| reached(user) && owners(user).any(|owner| owner as usize == at);
        let name = |inner: &Self, user: usize| inner.ops.get(inner.nodes[user].kind).map(|op| op.name());
        let users = (at + 1..self.nodes.len()).rev().filter(uses).filter(|&user| name(self, user).is_some());
        let users: Vec<usize> = users.collect();

        let nothing = self.nodes.iter().map(|_| None).collect();
        let kept = std::mem::replace(&mut self.grads, nothing);
        let bad = users.iter().find(|&&user| {
            let Some(Some(cotangent)) = kept.get(user) else { return false };
            self.pull_back(user, cotangent);
            let added = self.grads[at].take();
            self.grads.fill_with(|| None);
            added.is_some_and(|dx| is_bad(&dx))
        });
        self.grads = kept;
        bad.or(users.first()).and_then(|&user| name(self, user))
    }

    fn bad_entry(&self, at: usize, entries: &[T], source: Source) -> Option<Anomaly> {
        let place = entries.iter().position(|x| !x.finite())?;
        let Node { cols, label, scope, step, .. } = self.nodes[at];
        let (row, col, value) = (place / cols, place % cols, entries[place].to_f64());
        Some(Anomaly { source, label, scope, step, node: at, row, col, value })
    }
}
