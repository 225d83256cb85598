//! What the tape promises to operations from outside, and what it says about itself.

use autograd::product::{Begin, Factor, Packed, Shape, multiply, pack};
use autograd::{Gradients, Inputs, Op, Output, Pass, Tape};
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// Numbers that a tape with no packed weights holds, and the bytes of its list of nodes: all of the nodes in these
/// tests fit where the first one did.
fn numbers(tape: &Tape<f64>) -> usize {
    let empty = Tape::<f64>::new();
    empty.leaf(0, 0, &[]);
    (tape.bytes() - empty.bytes()) / size_of::<f64>()
}

#[test]
fn a_tape_knows_what_it_holds() {
    let mut tape = Tape::<f64>::new();
    assert_eq!((tape.is_empty(), tape.len(), tape.bytes()), (true, 0, 0));
    let w = tape.leaf(2, 5, &[1.0; 10]);
    assert_eq!((tape.is_empty(), tape.len(), numbers(&tape)), (false, 1, 10));
    let y = w.square();
    assert_eq!((tape.len(), numbers(&tape)), (2, 20));
    y.sum().backward();
    // The sum; its cotangent and that of the squares, which wait to be used again; the gradient of w.
    assert_eq!((tape.len(), numbers(&tape)), (3, 20 + 1 + 1 + 10 + 10));
    tape.reset();
    assert!(tape.is_empty() && numbers(&tape) == 42);
    for _ in 0..1000 {
        tape.leaf(0, 0, &[]);
    }
    let bytes = tape.bytes() - 42 * size_of::<f64>();
    assert!((64 * 1000..512 * 1024).contains(&bytes), "{bytes} for 1000 nodes");
}

/// `y = W x` with some rows of W, packed or not, which says whether its gradients were new.
struct Rows {
    rows: Range<usize>,
    packed: bool,
    new: Rc<RefCell<Vec<Option<bool>>>>,
}

impl Op<f64> for Rows {
    fn name(&self) -> &'static str {
        "rows"
    }
    fn shape(&self, x: Inputs<'_, f64>) -> Result<(usize, usize), String> {
        Ok((self.rows.len(), x.cols(1)))
    }
    fn factors(&self, x: Inputs<'_, f64>, pass: Pass, need: &mut dyn FnMut(usize, Range<usize>, usize)) {
        if self.packed && (pass == Pass::Forward || x.needs_grad(1)) {
            need(0, self.rows.clone(), x.cols(1));
        }
    }
    fn scratch(&self, _: Inputs<'_, f64>) -> usize {
        7
    }
    fn forward(&self, x: Inputs<'_, f64>, y: &mut [f64], _: &mut [f64]) {
        multiply(y, Begin::Zero, &[(x.factor_rows(0, self.rows.clone()), x.value(1))]);
    }
    fn backward(&self, x: Inputs<'_, f64>, y: Output<'_, f64>, dx: &mut Gradients<'_, f64>) {
        assert_eq!(y.scratch.len(), 7);
        for k in [1, 0] {
            let given = dx.of_or_new(k);
            self.new.borrow_mut().push(given.as_ref().map(|(_, new)| *new));
            let Some((dx, new)) = given else { continue };
            if new {
                dx.fill(0.0);
            }
            if k == 1 {
                let transposed = x.factor_rows_transposed(0, self.rows.clone());
                multiply(dx, Begin::Add, &[(transposed, y.cotangent)]);
            } else {
                dx[0] += 1.0; // a mark
            }
        }
    }
    fn trace(&self, _: Inputs<'_, f64>, y: Output<'_, f64>, _: &mut autograd::Visit<'_, f64>) {
        assert_eq!(y.scratch.len(), 7);
    }
}

fn rows(rows: Range<usize>, packed: bool) -> (Rows, Rc<RefCell<Vec<Option<bool>>>>) {
    let new = Rc::default();
    (Rows { rows, packed, new: Rc::clone(&new) }, new)
}

/// Numbers that differ, and whose sums depend on their order.
fn entries(count: usize, seed: usize) -> Vec<f64> {
    (0..count).map(|k| 1.0 / (1.0 + ((k * 7919 + seed) % 1009) as f64)).collect()
}

/// What the products of packed factors are, bit by bit.
fn product(w: &[f64], (rows, cols): (usize, usize), transposed: bool, x: &[f64]) -> Vec<f64> {
    let matrix = faer::MatRef::from_row_major_slice(w, rows, cols);
    let matrix = if transposed { matrix.transpose() } else { matrix };
    let shape = Shape::of(x.len() / matrix.ncols());
    let mut packed = vec![0.0; shape.size::<f64>(matrix.nrows(), matrix.ncols())];
    pack(&mut packed, matrix, shape);
    let packed = Packed::new(&packed, matrix.nrows(), matrix.ncols(), shape);
    let mut y = vec![0.0; matrix.nrows() * x.len() / matrix.ncols()];
    multiply(&mut y, Begin::Zero, &[(Factor::new(matrix).with(packed), x)]);
    y
}

/// Weights are packed where an operation asks for it, each once for all operations; what they are multiplied by is
/// what the packed product makes of it, whichever rows they are, and views of weights are weights.
#[test]
fn weights_are_packed_once_and_only_where_asked() {
    const COLS: usize = 301;
    let (w, x) = (entries(20 * COLS, 1), entries(COLS * 3, 2));
    for (view, here) in [(0..20, 0..20), (0..20, 5..12), (3..14, 0..11), (3..14, 2..9)] {
        let size = |packed: bool| {
            let tape = Tape::<f64>::new();
            let leaf = tape.leaf(20, COLS, &w);
            let (w_var, x_var) = (leaf.row_block(view.clone()), tape.leaf(COLS, 3, &x));
            let y = tape.apply(rows(here.clone(), packed).0, &[w_var, x_var]);
            let again = tape.apply(rows(here.clone(), packed).0, &[w_var, x_var]);
            let forward = numbers(&tape);
            (y + again).sum().backward();
            (forward, numbers(&tape), y.value(), x_var.grad())
        };
        let ((forward, both, y, dx), (forward_0, both_0, ..)) = (size(true), size(false));
        let (count, own) = (here.len(), &w[(view.start + here.start) * COLS..][..here.len() * COLS]);
        let first = Shape::Columns.size::<f64>(count, COLS);
        assert_eq!(forward - forward_0, first, "{view:?} {here:?}");
        // The way back packs the transpose in the same memory.
        let transposed = Shape::Columns.size::<f64>(COLS, count);
        assert_eq!(both - both_0, first.max(transposed), "{view:?} {here:?}");
        assert_eq!(y, product(own, (count, COLS), false, &x), "{view:?} {here:?}");
        let once = product(own, (count, COLS), true, &vec![1.0; count * 3]);
        assert_eq!(dx, once.iter().map(|dx| dx + dx).collect::<Vec<_>>(), "{view:?} {here:?}");
    }
}

/// Only weights: what an operation made may serve once.
#[test]
fn what_is_no_leaf_is_not_packed() {
    let size = |packed: bool| {
        let tape = Tape::<f64>::new();
        let (w, x) = (tape.leaf(4, 4, &entries(16, 1)).square(), tape.leaf(4, 2, &entries(8, 2)));
        tape.apply(rows(0..4, packed).0, &[w, x]);
        tape.apply(rows(0..2, packed).0, &[w.row_block(1..4), x]);
        numbers(&tape)
    };
    assert_eq!(size(true), size(false));
}

/// New is the first, not the second; what has no gradient has none; and a view gets its own rows of the owner's.
#[test]
fn a_gradient_is_new_once() {
    let tape = Tape::<f64>::new();
    let (w, x) = (tape.leaf(6, 2, &entries(12, 1)), tape.constant(2, 1, &[1.0, 2.0]));
    let (op, new) = rows(0..1, false);
    let y = tape.apply(op, &[w.row_block(2..5).row_block(1..3), x]);
    let (op, new_before) = rows(0..1, false);
    let y_before = tape.apply(op, &[w.row_block(1..2), x]);
    (y + y_before).sum().backward();
    // Backward: what was recorded last comes first.
    assert_eq!((&*new_before.borrow(), &*new.borrow()), (&vec![None, Some(true)], &vec![None, Some(false)]));
    let mut marks = [0.0; 12];
    (marks[2], marks[6]) = (1.0, 1.0);
    assert_eq!(w.grad(), marks);
}

/// What is to be written holds rubbish before, and a poisoned tape has NaN there.
#[test]
fn a_poisoned_tape_has_nan_wherever_rubbish_is() {
    /// `y = x`, which reads what it ought to write.
    struct Reads(Rc<RefCell<Vec<f64>>>);
    impl Op<f64> for Reads {
        fn name(&self) -> &'static str {
            "reads"
        }
        fn shape(&self, x: Inputs<'_, f64>) -> Result<(usize, usize), String> {
            Ok(x.shape(0))
        }
        fn saved(&self, _: Inputs<'_, f64>) -> usize {
            1
        }
        fn scratch(&self, _: Inputs<'_, f64>) -> usize {
            1
        }
        fn forward(&self, x: Inputs<'_, f64>, y: &mut [f64], saved: &mut [f64]) {
            self.0.borrow_mut().extend([y[0], saved[0]]);
            y.copy_from_slice(x.value(0));
            saved[0] = 0.0;
        }
        fn backward(&self, _: Inputs<'_, f64>, y: Output<'_, f64>, dx: &mut Gradients<'_, f64>) {
            let (dx, _) = dx.of_or_new(0).expect("a gradient");
            self.0.borrow_mut().extend([y.scratch[0], dx[0]]);
            dx.copy_from_slice(y.cotangent);
        }
    }
    let (mut tape, seen) = (Tape::<f64>::new(), Rc::default());
    for poisoned in [false, true] {
        let x = tape.leaf(3, 1, &[1.0, 2.0, 3.0]);
        tape.apply(Reads(Rc::clone(&seen)), &[x]).sum().backward();
        assert_eq!(x.grad(), [1.0; 3]);
        tape.reset();
        if !poisoned {
            tape.poison();
        }
    }
    let seen = seen.borrow();
    assert!(seen.len() == 8 && seen[4..].iter().all(|x| x.is_nan()), "{seen:?}");
}

/// A trace needs it too, even if it comes before any backward pass.
#[test]
fn working_memory_is_there_when_it_is_needed() {
    let tape = Tape::<f64>::new();
    let (w, x) = (tape.leaf(1, 2, &[1.0; 2]), tape.leaf(2, 1, &[1.0; 2]));
    let y = tape.apply(rows(0..1, false).0, &[w, x]);
    let before = numbers(&tape);
    tape.trace(&mut |_| ());
    assert_eq!(numbers(&tape), before + 7);
    y.backward();
    // The cotangent of y, and the gradients of w and x; the working memory is there already.
    assert_eq!(numbers(&tape), before + 7 + 1 + 2 + 2);
}

#[test]
fn a_variable_says_what_it_is() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 7.5]);
    assert_eq!(format!("{x:?}"), "Var 0 (2×3) [1.0, 2.0, 3.0, 4.0, 5.0, 7.5]");
    assert!(std::ptr::eq(x.tape(), &tape));
    let mean = x.mean();
    mean.backward();
    assert_eq!((mean.item(), x.grad()), (22.5 * (1.0 / 6.0), vec![1.0 / 6.0; 6]));
}

#[test]
fn a_list_of_variables_turns_round() {
    let tape = Tape::<f64>::new();
    let mut list = tape.list();
    assert!(list.is_empty());
    list.push(tape.leaf(1, 1, &[1.0]));
    list.push(tape.leaf(1, 1, &[2.0]));
    assert!(!list.is_empty());
    list.reverse();
    assert_eq!(list.concat_rows().value(), [2.0, 1.0]);
}
