//! The tape's memory: grown while the first step is recorded, reused ever after.

use crate::Float;

/// Values, one after the other, in the order of the tape. Keeps its length across resets, so that
/// memory is cleared once and not in every step.
pub(crate) struct Slab<T> {
    data: Vec<T>,
    used: usize,
}

impl<T: Float> Slab<T> {
    pub fn new() -> Self {
        Self { data: Vec::new(), used: 0 }
    }

    /// The next `size` numbers; where they start.
    // ANCHOR: take
    pub fn take(&mut self, size: usize) -> usize {
        let start = self.used;
        self.used += size;
        if self.data.len() < self.used {
            self.data.resize(self.used, T::ZERO);
        }
        start
    }
    // ANCHOR_END: take

    pub fn reset(&mut self) {
        self.used = 0;
    }

    pub fn data(&self) -> &[T] {
        &self.data
    }

    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }
}

/// Gradient buffers that wait to be used again, by length.
///
/// A gradient lives from the first contribution to it until its node's own backward pass has run,
/// and the next one of that length takes the same, still cached, memory.
pub(crate) struct Pool<T> {
    shelves: Vec<Shelf<T>>,
}

/// The buffers of one length.
struct Shelf<T> {
    length: usize,
    made: usize,
    free: Vec<Vec<T>>,
}

impl<T: Float> Pool<T> {
    pub fn new() -> Self {
        Self { shelves: Vec::new() }
    }

    fn shelf(&mut self, length: usize) -> &mut Shelf<T> {
        let at = match self.shelves.iter().position(|shelf| shelf.length == length) {
            Some(at) => at,
            None => {
                self.shelves.push(Shelf { length, made: 0, free: Vec::new() });
                self.shelves.len() - 1
            }
        };
        &mut self.shelves[at]
    }

    /// A buffer of `length` zeros.
    pub fn take_zeroed(&mut self, length: usize) -> Vec<T> {
        let mut buffer = self.take(length);
        buffer.fill(T::ZERO);
        buffer
    }

    /// A buffer of `length` numbers, whatever they are.
    pub fn take(&mut self, length: usize) -> Vec<T> {
        let shelf = self.shelf(length);
        match shelf.free.pop() {
            Some(buffer) => buffer,
            None => {
                // Room for every buffer to come back, so that giving back never allocates.
                shelf.made += 1;
                shelf.free.reserve(shelf.made);
                vec![T::ZERO; length]
            }
        }
    }

    pub fn give_back(&mut self, buffer: Vec<T>) {
        self.shelf(buffer.len()).free.push(buffer);
    }

    /// Numbers in the buffers that wait.
    pub fn len(&self) -> usize {
        self.shelves.iter().map(|shelf| shelf.length * shelf.free.len()).sum()
    }

    pub fn poison(&mut self) {
        self.shelves.iter_mut().flat_map(|shelf| &mut shelf.free).for_each(|buffer| buffer.fill(T::NAN));
    }
}
