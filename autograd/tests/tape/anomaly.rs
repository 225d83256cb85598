//! Where the first NaN or infinity came from.

use autograd::{Source, Tape};

#[test]
fn names_the_first_operation_label_scope_step_and_entry() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(2, 3, &[1.0, 2.0, 3.0, 4.0, -5.0, -6.0]);
    tape.set_scope(Some("l1"));
    let mut y = x;
    for step in 0..4 {
        tape.set_step(Some(step));
        y = if step == 2 { y.ln().label("log") } else { y * 1.0 };
    }
    let found = (y.exp() + y).sum().anomaly().expect("an anomaly");
    assert_eq!(found.source, Source::Forward("ln"));
    assert_eq!((found.label, found.scope, found.step), (Some("log"), Some("l1"), Some(2)));
    assert_eq!((found.node, found.row, found.col), (3, 1, 1));
    assert_eq!(found.to_string(), "ln (log) in l1 at time step 2: entry (1, 1) is NaN");
}

#[test]
fn infinity_counts_and_finite_is_none() {
    let tape = Tape::<f32>::new();
    let x = tape.leaf(1, 2, &[3.0, 100.0]);
    assert!(x.square().sum().anomaly().is_none());
    let found = x.exp().sum().anomaly().expect("an anomaly");
    assert_eq!(found.to_string(), "exp: entry (0, 1) is inf");
}

#[test]
fn a_given_nan() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(3, 1, &[0.0, 1.0, f64::NAN]).label("weights");
    let y = x.row_block(1..3).row_block(1..2).tanh().sum();
    assert_eq!(y.anomaly().expect("an anomaly").to_string(), "a given matrix (weights): entry (2, 0) is NaN");
    assert_eq!(y.anomaly().expect("an anomaly").source, Source::Given);
}

/// What was masked away, detached from, or lies in other rows is not blamed.
#[test]
fn only_what_the_result_depends_on() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(2, 2, &[-1.0, 2.0, 3.0, 4.0]);
    let masked = tape.select([false, true], x.ln(), x);
    assert!(masked.sum().anomaly().is_none());
    assert!(x.ln().row_block(1..2).sum().anomaly().is_none());
    let found = (masked.sum() * f64::INFINITY).anomaly().expect("an anomaly");
    assert_eq!(found.source, Source::Forward("scale_shift"));
}

#[test]
fn the_backward_pass_of_a_root_at_zero() {
    let tape = Tape::<f64>::new();
    tape.retain_grads(true);
    tape.set_step(Some(3));
    let x = tape.leaf(1, 2, &[2.0, 1.0]).label("x");
    let distance = (x - x).label("difference").square().sqrt().sum();
    distance.backward();
    assert_eq!(distance.item(), 0.0);
    assert!(distance.anomaly().is_none(), "the values are all good");
    let found = tape.gradient_anomaly().expect("an anomaly");
    assert_eq!(found.source, Source::Backward("sqrt"));
    assert_eq!(found.to_string(), "the backward pass of sqrt at time step 3: entry (0, 0) is inf");

    // Without retained gradients only the leaf's is left to look at: it is 0 · ∞.
    tape.retain_grads(false);
    distance.backward();
    let found = tape.gradient_anomaly().expect("an anomaly");
    assert_eq!((found.label, found.row, found.col), (Some("x"), 0, 0));
    assert_eq!(found.source, Source::Backward("sub"), "the last that used it");
}

/// Several operations use the bad gradient's owner: the one that made it bad is named, wherever
/// it stands, and also when it used a view.
#[test]
fn the_backward_pass_among_several_users() {
    for place in 0..3 {
        let tape = Tape::<f64>::new();
        tape.retain_grads(true);
        let x = tape.leaf(2, 2, &[1.0, 4.0, 9.0, 0.0]).label("x");
        let users =
            [0, 1, 2].map(|k| if k == place { x.row_block(1..2).sqrt().sum() } else { x.tanh().sum() });
        (users[0] + users[1] + users[2]).backward();
        let _ = x.exp(); // after the loss, and not on the way to it
        let found = tape.gradient_anomaly().expect("an anomaly");
        assert_eq!(found.to_string(), "the backward pass of sqrt (x): entry (1, 1) is inf");
    }
}

#[test]
fn a_given_cotangent() {
    let tape = Tape::<f64>::new();
    tape.retain_grads(true);
    let y = tape.leaf(1, 1, &[2.0]).square();
    y.backward_with(&[f64::NAN]);
    assert_eq!(tape.gradient_anomaly().expect("an anomaly").source, Source::Given);
    y.backward();
    assert!(tape.gradient_anomaly().is_none());
}
