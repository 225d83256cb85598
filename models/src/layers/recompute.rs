//! Memory for time: a computation that runs once more in the backward pass.

use autograd::{Float, Gradients, Inputs, Op, Output, Tape, Var, VarList};
use std::cell::RefCell;
use std::rc::Rc;

/// Runs a computation on the tape of these inputs as ONE operation that keeps its output and nothing else.
///
/// `run` gets the same inputs on a tape of its own, with the same whole numbers, and makes one matrix of
/// `rows × cols` of them. What it puts on that tape is forgotten at once. The backward pass runs it again, this time
/// to go back through it. Everything that `run` computes must come from what it is given, so that it
/// computes the same twice.
///
/// The gradients are, bit for bit, those of the same computation recorded without this: its
/// contributions are added, in the same order, to what the inputs' gradients already hold.
///
/// Also called rematerialisation. Griewank and Walther, "Algorithm 799: revolve" (2000); for networks:
/// Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost" (2016).
///
/// # Panics
/// If `run` makes a matrix of another shape, or runs this again on the same memory.
///
/// ```
/// use autograd::Tape;
/// use models::layers::Recomputation;
///
/// let (tape, memory) = (Tape::<f64>::new(), Recomputation::new());
/// let (w, x) = (tape.leaf(1, 1, &[2.0]), tape.leaf(1, 1, &[0.5]));
/// let mut inputs = tape.list();
/// [w, x].into_iter().for_each(|v| inputs.push(v));
/// let y = memory.run(&inputs, &[], (1, 1), |v, _| (v.get(0) * v.get(1)).tanh());
/// y.backward();
/// assert_eq!(w.grad()[0], (1.0 - y.item() * y.item()) * 0.5);
/// ```
pub struct Recomputation<T: Float> {
    tape: Rc<RefCell<Tape<T>>>,
}

impl<T: Float> Default for Recomputation<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Float> Recomputation<T> {
    /// The tape on which computations run again: one at a time, in memory that is kept.
    pub fn new() -> Self {
        Self { tape: Rc::default() }
    }

    /// Runs `run` on these inputs: see [`Recomputation`].
    #[track_caller]
    pub fn run<'t, F>(
        &self,
        inputs: &VarList<'t, T>,
        indices: &[usize],
        shape: (usize, usize),
        run: F,
    ) -> Var<'t, T>
    where
        F: for<'a> Fn(&VarList<'a, T>, &[usize]) -> Var<'a, T> + 'static,
    {
        inputs.apply_indexed(Recomputed { tape: self.tape.clone(), shape, run }, indices)
    }

    /// Bytes of the memory that computations run in.
    pub fn bytes(&self) -> usize {
        self.tape.borrow().bytes()
    }
}

struct Recomputed<T: Float, F> {
    tape: Rc<RefCell<Tape<T>>>,
    shape: (usize, usize),
    run: F,
}

impl<T: Float, F> Op<T> for Recomputed<T, F>
where
    F: for<'a> Fn(&VarList<'a, T>, &[usize]) -> Var<'a, T> + 'static,
{
    fn name(&self) -> &'static str {
        "recomputation"
    }

    fn shape(&self, _x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok(self.shape)
    }

    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        let mut tape = self.tape.borrow_mut();
        tape.reset();
        let mut inputs = tape.list();
        (0..x.len()).for_each(|k| inputs.push(tape.constant(x.rows(k), x.cols(k), x.value(k))));
        let out = (self.run)(&inputs, x.indices());
        let (shape, promised) = (out.shape(), self.shape);
        assert!(shape == promised, "recomputation: it made {shape:?} and not the promised {promised:?}");
        out.read(|entries| y.copy_from_slice(entries));
    }

    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        let mut tape = self.tape.borrow_mut();
        tape.reset();
        let (mut inputs, mut before) = (tape.list(), tape.list());
        for k in 0..x.len() {
            let (rows, cols) = x.shape(k);
            inputs.push(match x.needs_grad(k) {
                true => tape.leaf(rows, cols, x.value(k)),
                false => tape.constant(rows, cols, x.value(k)),
            });
        }
        // ANCHOR: resume
        before.push((self.run)(&inputs, x.indices()));
        let apart = are_apart(x);
        for k in 0..x.len() {
            let Some(dx) = dx.of(k).filter(|_| apart) else { continue };
            before.push(inputs.get(k));
            before.push(tape.constant(x.rows(k), x.cols(k), dx));
        }
        before.apply(Resume).backward_with(y.cotangent);
        // ANCHOR_END: resume
        for k in 0..x.len() {
            let Some(dx) = dx.of(k) else { continue };
            inputs.get(k).read_grad(|grad| match grad {
                Some(grad) if apart => dx.copy_from_slice(grad),
                Some(grad) => dx.iter_mut().zip(grad).for_each(|(dx, &g)| *dx += g),
                None => (),
            });
        }
    }
}

/// Whether no two inputs that have gradients share memory. Where two do, each gets its contributions in a sum
/// of its own, which is added at the end.
fn are_apart<T: Float>(x: Inputs<'_, T>) -> bool {
    let range = |k: usize| x.value(k).as_ptr_range();
    let mut pairs = (0..x.len()).flat_map(|j| (0..j).map(move |k| (j, k)));
    !pairs.any(|(j, k)| {
        let shared = range(j).start < range(k).end && range(k).start < range(j).end;
        shared && x.needs_grad(j) && x.needs_grad(k)
    })
}

/// Its first input, handed on. In the backward pass, of which it is the first, it gives to every
/// variable that follows in the list what stands behind that variable: the gradient that it has so far.
struct Resume;

impl<T: Float> Op<T> for Resume {
    fn name(&self) -> &'static str {
        "resume"
    }

    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }

    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        y.copy_from_slice(x.value(0));
    }

    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        let add = |dx: &mut [T], g: &[T]| dx.iter_mut().zip(g).for_each(|(dx, &g)| *dx += g);
        for k in (1..x.len()).step_by(2) {
            dx.of(k).into_iter().for_each(|dx| add(dx, x.value(k + 1)));
        }
        dx.of(0).into_iter().for_each(|dx| add(dx, y.cotangent));
    }
}
