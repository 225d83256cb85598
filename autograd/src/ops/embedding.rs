//! Looking rows of a table up.

use crate::{Float, Gradients, Inputs, Op, Output};

/// Column `b` of block `t` of `y` is row `ids[t·B + b]` of the V×E table: `y = tableᵀ · onehot(ids)`
/// without the product. The ids are the operation's indices, B = `cols` of them per block.
///
/// The gradient of a row is the sum of the columns it was copied to: `table̅[id] += ȳ[:, b]`.
pub struct Embedding {
    /// Columns of the output: examples of the batch.
    pub cols: usize,
}

impl Embedding {
    /// Calls `visit` with (place in the table, place in `y`) of every entry copied.
    // ANCHOR: entries
    fn entries<T: Float>(&self, x: Inputs<'_, T>, mut visit: impl FnMut(usize, usize)) {
        let (size, cols) = (x.cols(0), self.cols);
        for (at, &id) in x.indices().iter().enumerate() {
            let (block, column) = (at / cols, at % cols);
            for e in 0..size {
                visit(id * size + e, (block * size + e) * cols + column);
            }
        }
    }
    // ANCHOR_END: entries
}

impl<T: Float> Op<T> for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        let (ids, cols) = (x.indices(), self.cols);
        if let Some(id) = ids.iter().find(|&&id| id >= x.rows(0)) {
            return Err(format!("there is no row {id} in a table of {}", x.rows(0)));
        }
        if cols == 0 || ids.len() % cols != 0 {
            return Err(format!("{} ids do not fill blocks of {cols} columns", ids.len()));
        }
        Ok((ids.len() / cols * x.cols(0), cols))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        // ANCHOR: forward
        let table = x.value(0);
        self.entries(x, |from, to| y[to] = table[from]);
        // ANCHOR_END: forward
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: backward
        let Some(dtable) = dx.of(0) else { return };
        self.entries(x, |from, to| dtable[from] += y.cotangent[to]);
        // ANCHOR_END: backward
    }
}
