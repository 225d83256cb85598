//! The operations on the tape, in one list per type.
//!
//! A box per operation would allocate in every step. A list per type keeps its capacity when it is
//! cleared, and welcomes types that this crate has never heard of.

use crate::node::Kind;
use crate::{Float, Op};
use std::any::{Any, TypeId};

trait List<T>: Any {
    fn get(&self, slot: usize) -> &dyn Op<T>;
    fn clear(&mut self);
}

impl<T: Float, O: Op<T>> List<T> for Vec<O> {
    fn get(&self, slot: usize) -> &dyn Op<T> {
        &self[slot]
    }
    fn clear(&mut self) {
        Vec::clear(self);
    }
}

pub(crate) struct Store<T> {
    lists: Vec<(TypeId, Box<dyn List<T>>)>,
}

impl<T: Float> Store<T> {
    pub fn new() -> Self {
        Self { lists: Vec::new() }
    }

    pub fn push<O: Op<T>>(&mut self, op: O) -> Kind {
        let id = TypeId::of::<O>();
        let kind = match self.lists.iter().position(|(known, _)| *known == id) {
            Some(kind) => kind,
            None => {
                self.lists.push((id, Box::new(Vec::<O>::new())));
                self.lists.len() - 1
            }
        };
        let list: &mut dyn Any = &mut *self.lists[kind].1;
        let list: &mut Vec<O> = list.downcast_mut().expect("the list was found by its type");
        list.push(op);
        Kind::Op { kind: kind as u32, slot: list.len() as u32 - 1 }
    }

    /// The operation that made a node, if one did.
    pub fn get(&self, kind: Kind) -> Option<&dyn Op<T>> {
        match kind {
            Kind::Op { kind, slot } => Some(self.lists[kind as usize].1.get(slot as usize)),
            Kind::Leaf | Kind::View => None,
        }
    }

    pub fn clear(&mut self) {
        self.lists.iter_mut().for_each(|(_, list)| list.clear());
    }
}
