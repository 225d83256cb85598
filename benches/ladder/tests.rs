//! Every rung computes the same.

use crate::by_hand::ByHand;
use crate::long::Long;
use crate::on_tape::OnTape;
use crate::problem::{Answer, Problem};
use crate::rungs::BY_HAND;
use benches::Sizes;

/// The largest of the absolute values, or NaN if there is one.
fn largest(x: impl Iterator<Item = f32>) -> f32 {
    x.map(f32::abs).max_by(f32::total_cmp).unwrap_or(0.0)
}

/// Against the equations in `f64`: the loss, and every gradient against the largest of its entries.
fn assert_close(name: &str, answer: &Answer, exact: &Answer) {
    let error = (answer.loss - exact.loss).abs() / exact.loss;
    assert!(error < 1e-5, "{name}: the loss is {} and not {}", answer.loss, exact.loss);
    for (which, (have, want)) in ["W", "U", "b"].iter().zip(answer.gradients.iter().zip(&exact.gradients)) {
        let error = largest(have.iter().zip(want).map(|(have, want)| have - want));
        let size = largest(want.iter().copied());
        assert!(have.len() == want.len() && size > 0.0);
        assert!(error <= 1e-5 * size, "{name}: the gradient of {which} is off by {error} at size {size}");
    }
}

#[test]
fn every_rung_is_the_equations_in_f64() {
    for batch in [1, 3, 37] {
        let problem = Problem::new(Sizes { steps: 6, batch, input: 5, hidden: 11 });
        let mut exact = OnTape::<f64>::new(&problem, true);
        exact.train();
        let exact = exact.answer();
        for (name, products, functions) in BY_HAND {
            let mut layer = ByHand::new(&problem, products, functions);
            // The second step must not see the first.
            layer.train();
            layer.train();
            assert_close(name, &layer.answer, &exact);
        }
        for equations in [true, false] {
            let mut layer = OnTape::<f32>::new(&problem, equations);
            layer.train();
            layer.train_on_a_new_tape();
            assert_close("on the tape", &layer.answer(), &exact);
        }
    }
}

#[test]
fn segments_are_the_whole_sequence() {
    let (mut whole, mut segments) = (Long::new(None), Long::new(Some(100)));
    let (loss, same) = (whole.train(), segments.train());
    assert!((loss - same).abs() <= 1e-5 * loss, "{loss} {same}");
    let (d, same) = (whole.gradients(), segments.gradients());
    let (error, size) = (largest(d.iter().zip(&same).map(|(d, same)| d - same)), largest(d.iter().copied()));
    assert!(size > 0.0 && error <= 1e-5 * size, "{error} at size {size}");
    assert!(segments.megabytes() < 0.3 * whole.megabytes());
}
