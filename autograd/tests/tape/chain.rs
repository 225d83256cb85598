//! 100,000 operations in a row.

use autograd::Tape;

const LENGTH: usize = 100_000;

/// Forward, back, and through reset and drop, in a thread with little stack: nothing recurses. The
/// derivative of the chain is known step by step.
#[test]
fn neither_overflows_nor_slows_down() {
    let walk = || {
        let mut tape = Tape::<f64>::new();
        for _ in 0..2 {
            let x = tape.leaf(1, 1, &[0.3]);
            let mut y = x;
            let (mut value, mut slope): (f64, f64) = (0.3, 1.0);
            for _ in 0..LENGTH / 4 {
                y = (y + x).tanh() * 0.9 - 0.1;
                let t = (value + 0.3).tanh();
                slope = (slope + 1.0) * (1.0 - t * t) * 0.9;
                value = t * 0.9 - 0.1;
            }
            assert_eq!(y.index(), LENGTH);
            y.backward();
            assert!((y.item() - value).abs() < 1e-12);
            assert!((x.grad()[0] - slope).abs() < 1e-12);
            assert!(y.anomaly().is_none() && tape.gradient_anomaly().is_none());
            tape.reset();
        }
        drop(tape);
    };
    let started = std::time::Instant::now();
    let thread = std::thread::Builder::new().stack_size(128 * 1024).spawn(walk);
    thread.expect("a thread").join().expect("the walk");
    // It takes some hundredths of a second; anything quadratic would take minutes.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

/// A chain of views is as flat: each knows its owner.
#[test]
fn a_chain_of_views() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(LENGTH, 1, &vec![1.0; LENGTH]);
    let last = (1..LENGTH).fold(x, |view, _| view.row_block(1..view.rows()));
    last.backward_with(&[2.0]);
    assert_eq!(last.shape(), (1, 1));
    assert_eq!(
        x.read_grad(|grad| grad.map(|g| (g[0], g[LENGTH - 1], g.iter().sum::<f64>()))),
        Some((0.0, 2.0, 2.0))
    );
}
