//! Labels, steps and what operations hold inside, in the order of the tape.

use autograd::{Float, Gradients, Inputs, Op, Output, Quantity, Tape, Visit};

/// `y = x₀ + 2 x₁ + 3 x₂ …` over the rows, as one operation with a quantity inside for each.
struct Sweep;

impl<T: Float> Op<T> for Sweep {
    fn name(&self) -> &'static str {
        "sweep"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok((1, x.cols(0)))
    }
    fn saved(&self, x: Inputs<'_, T>) -> usize {
        x.value(0).len()
    }
    fn scratch(&self, x: Inputs<'_, T>) -> usize {
        x.value(0).len()
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], saved: &mut [T]) {
        y.fill(T::ZERO);
        for (at, (term, &x)) in saved.iter_mut().zip(x.value(0)).enumerate() {
            *term = T::from_f64((at / y.len() + 1) as f64) * x;
            y[at % y.len()] += *term;
        }
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        let Some(dx) = dx.of(0) else { return };
        for (at, dx) in dx.iter_mut().enumerate() {
            *dx += T::from_f64((at / x.cols(0) + 1) as f64) * y.cotangent[at % x.cols(0)];
        }
    }
    fn trace(&self, x: Inputs<'_, T>, y: Output<'_, T>, visit: &mut Visit<'_, T>) {
        let cols = x.cols(0);
        assert_eq!(y.scratch.len(), y.saved.len());
        for (step, value) in y.saved.chunks_exact(cols).enumerate() {
            let grad = (!y.cotangent.is_empty()).then_some(y.cotangent);
            visit(Quantity { name: "term", scope: None, step: Some(step), rows: 1, cols, value, grad });
        }
    }
}

/// One line per quantity.
fn lines(tape: &Tape<f64>) -> Vec<String> {
    let mut lines = Vec::new();
    tape.trace(&mut |q| {
        let (scope, step) = (q.scope.unwrap_or("-"), q.step.map_or("-".into(), |step| step.to_string()));
        lines.push(format!("{} {scope} {step} {}×{} {:?} {:?}", q.name, q.rows, q.cols, q.value, q.grad));
    });
    lines
}

fn record(tape: &Tape<f64>) {
    let x = tape.leaf(2, 1, &[1.0, 2.0]).label("x");
    tape.set_scope(Some("l0"));
    for step in 0..2 {
        tape.set_step(Some(step));
        x.row_block(step..step + 1).label("input").square().label("square");
    }
    tape.set_step(None);
    let y = tape.apply(Sweep, &[x.square()]).label("y");
    tape.set_scope(None);
    (y * 10.0).backward();
}

#[test]
fn visits_labels_steps_and_insides_in_order() {
    let tape = Tape::new();
    tape.retain_grads(true);
    record(&tape);
    // y = x₀² + 2 x₁², times 10.
    assert_eq!(
        lines(&tape),
        [
            "x - - 2×1 [1.0, 2.0] Some([20.0, 80.0])",
            "input l0 0 1×1 [1.0] Some([20.0])",
            "square l0 0 1×1 [1.0] None",
            "input l0 1 1×1 [2.0] Some([80.0])",
            "square l0 1 1×1 [4.0] None",
            "y l0 - 1×1 [9.0] Some([10.0])",
            "term l0 0 1×1 [1.0] Some([10.0])",
            "term l0 1 1×1 [8.0] Some([10.0])",
        ]
    );
}

/// Without retained gradients the leaves' are there, views of them included, and no others.
#[test]
fn without_retained_gradients() {
    let mut tape = Tape::new();
    record(&tape);
    let seen = lines(&tape);
    assert_eq!(seen[0], "x - - 2×1 [1.0, 2.0] Some([20.0, 80.0])");
    assert_eq!(seen[5..], ["y l0 - 1×1 [9.0] None", "term l0 0 1×1 [1.0] None", "term l0 1 1×1 [8.0] None"]);

    // A reset forgets labels, scope and step.
    tape.set_scope(Some("l1"));
    tape.set_step(Some(9));
    tape.reset();
    tape.leaf(1, 1, &[5.0]).label("after");
    assert_eq!(lines(&tape), ["after - - 1×1 [5.0] None"]);
}
