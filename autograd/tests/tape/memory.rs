//! From the second step on the tape allocates nothing.

use allocation_counter::measure;
use autograd::{Float, Gradients, IGNORE_INDEX, Inputs, Op, Output, Tape};
use std::sync::Arc;

/// `y = Σₖ kernel[k] · x[row k]`, an operation from outside: it owns data and reads indices.
struct Blend<T> {
    kernel: Arc<[T]>,
}

impl<T: Float> Op<T> for Blend<T> {
    fn name(&self) -> &'static str {
        "blend"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        match x.indices().iter().all(|&row| row < x.rows(0)) && x.indices().len() == self.kernel.len() {
            true => Ok((1, x.cols(0))),
            false => Err("the rows do not fit".into()),
        }
    }
    fn saved(&self, x: Inputs<'_, T>) -> usize {
        x.cols(0)
    }
    fn scratch(&self, x: Inputs<'_, T>) -> usize {
        x.cols(0)
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], saved: &mut [T]) {
        y.fill(T::ZERO);
        for (&k, &row) in self.kernel.iter().zip(x.indices()) {
            let row = &x.value(0)[row * y.len()..(row + 1) * y.len()];
            y.iter_mut().zip(row).for_each(|(y, &x)| *y += k * x);
        }
        saved.copy_from_slice(y);
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        assert_eq!(y.saved, y.value);
        y.scratch.copy_from_slice(y.cotangent);
        let Some(dx) = dx.of(0) else { return };
        let cols = y.scratch.len();
        for (&k, &row) in self.kernel.iter().zip(x.indices()) {
            let row = &mut dx[row * cols..(row + 1) * cols];
            row.iter_mut().zip(&*y.scratch).for_each(|(dx, &dy)| *dx += k * dy);
        }
    }
}

/// A step with every operation there is, an outside one, an LSTM over a few time steps, reading
/// and a backward pass.
fn step<T: Float>(tape: &Tape<T>, weights: &[T], kernel: &Arc<[T]>) -> f64 {
    const HIDDEN: usize = 20;
    const BATCH: usize = 17;
    let w = tape.leaf(4 * HIDDEN, HIDDEN, &weights[..4 * HIDDEN * HIDDEN]).label("w");
    let u = tape.leaf(4 * HIDDEN, HIDDEN, &weights[4 * HIDDEN * HIDDEN..8 * HIDDEN * HIDDEN]);
    let b = tape.leaf(4 * HIDDEN, 1, &weights[..4 * HIDDEN]);
    let ids: [usize; 2 * BATCH] = std::array::from_fn(|k| k % 11);
    let xs = w.embedding(&ids, BATCH);
    let (mut h, mut c) = (tape.zeros(HIDDEN, BATCH), tape.constant_with(HIDDEN, BATCH, |c| c.fill(T::ONE)));
    let mut hidden = tape.list();
    for t in 0..2 {
        tape.set_step(Some(t));
        let z = tape.affine(&[(w, xs.row_block(t * HIDDEN..(t + 1) * HIDDEN)), (u, h)], b);
        let [i, f, g, o] = z.chunk();
        c = f.sigmoid() * c + i.sigmoid() * g.tanh();
        h = tape.select((0..BATCH).map(|k| k % 3 != 0), o.sigmoid() * c.tanh(), h);
        hidden.push(h);
    }
    let all = hidden.concat_rows();
    let targets: [usize; 2 * BATCH] =
        std::array::from_fn(|k| if k % 5 == 0 { IGNORE_INDEX } else { k % HIDDEN });
    let loss = all.cross_entropy(&targets);

    let blend = tape.apply_indexed(Blend { kernel: kernel.clone() }, &[all], &[3, 1, 3]);
    let column = all.sum_cols();
    let more = all.t_matmul(all).matmul_t(blend + h.sum_rows()) + h.t_matmul(c).detach().matmul_t(blend);
    let odd = (1.5 - (2.0 / ((all - 0.25).square() + 1.0)).sqrt().ln().exp()).relu() / 3.0;
    let soft = (all * column + column).softmax() / (all.log_softmax() - 1.0);
    let rows = tape.concat_rows(&[odd, -soft]).mean();
    let loss = loss + rows + more.mean() + 0.5 * h.mse_loss(c) + c.matmul(h.t_matmul(c)).sum();
    loss.backward();
    w.read_grad(|grad| grad.map_or(0.0, |grad| grad.iter().map(|g| g.to_f64()).sum::<f64>()))
        + loss.item().to_f64()
}

fn second_step_allocates_nothing<T: Float>() {
    let weights: Vec<T> =
        autograd::check::Random::new(5).normals(8 * 400).iter().map(|&x| T::from_f64(0.1 * x)).collect();
    let kernel: Arc<[T]> = [0.5, -1.0, 2.0].map(T::from_f64).into();
    let mut tape = Tape::<T>::new();
    let first = step(&tape, &weights, &kernel);
    assert!(first.is_finite());
    for number in 2..5 {
        let mut result = 0.0;
        // ANCHOR: nothing
        let used = measure(|| {
            tape.reset();
            result = step(&tape, &weights, &kernel);
        });
        assert_eq!(used.count_total, 0, "step {number} made {} allocations", used.count_total);
        // ANCHOR_END: nothing
        assert_eq!(result.to_bits(), first.to_bits(), "step {number} is another one");
    }
    // The tape drops what the operations own.
    tape.reset();
    assert_eq!(Arc::strong_count(&kernel), 1);
    tape.poison();
    assert_eq!(step(&tape, &weights, &kernel).to_bits(), first.to_bits());
}

#[test]
fn second_step_allocates_nothing_f64() {
    second_step_allocates_nothing::<f64>();
}

#[test]
fn second_step_allocates_nothing_f32() {
    second_step_allocates_nothing::<f32>();
}

/// With gradients retained the buffers come back one step later, and still nothing is allocated.
#[test]
fn retained_gradients_are_reused_too() {
    let mut tape = Tape::<f64>::new();
    tape.retain_grads(true);
    let mut steps = [0; 3];
    for allocations in &mut steps {
        let used = measure(|| {
            tape.reset();
            let x = tape.leaf(3, 3, &[0.5; 9]);
            x.matmul(x).tanh().sum().backward();
        });
        *allocations = used.count_total;
    }
    assert!(steps[0] > 0, "the counter counts");
    assert_eq!(steps[1..], [0, 0]);
}

/// `y = 3 x`, an operation that writes its gradient if that is new.
struct Triple;

impl Op<f64> for Triple {
    fn name(&self) -> &'static str {
        "triple"
    }
    fn shape(&self, x: Inputs<'_, f64>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn forward(&self, x: Inputs<'_, f64>, y: &mut [f64], _saved: &mut [f64]) {
        y.iter_mut().zip(x.value(0)).for_each(|(y, x)| *y = 3.0 * x);
    }
    fn backward(&self, _x: Inputs<'_, f64>, y: Output<'_, f64>, dx: &mut Gradients<'_, f64>) {
        let Some((dx, new)) = dx.of_or_new(0) else { return };
        for (dx, dy) in dx.iter_mut().zip(y.cotangent) {
            *dx = if new { 3.0 * dy } else { *dx + 3.0 * dy };
        }
    }
}

/// Of a matrix of which some rows are used by such operations, some rows twice, and one row not at all.
#[test]
fn a_new_gradient_is_written_and_an_old_one_added_to() {
    let mut tape = Tape::<f64>::new();
    for _ in 0..2 {
        let (x, constant) = (tape.leaf(4, 1, &[1.0, 2.0, 3.0, 4.0]), tape.constant(2, 1, &[1.0, 2.0]));
        let parts = [x.row_block(1..3), x.row_block(2..4), constant];
        let all = tape.concat_rows(&parts.map(|part| tape.apply(Triple, &[part])));
        all.backward_with(&[1.0, 10.0, 100.0, 1000.0, 7.0, 7.0]);
        assert_eq!(x.grad(), [0.0, 3.0, 330.0, 3000.0]);
        tape.reset();
        tape.poison();
    }
}
