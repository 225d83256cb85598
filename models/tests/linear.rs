//! The linear layer at every step of a sequence, and the sum of squared outputs: against the same made of operations
//! step by step, against differences, and by several threads.

use autograd::check::Check;
use autograd::{Float, Tape, Var};
use models::init::Init;
use models::layers::{Linear, sum_of_squares};
use models::params::Params;
use models::threads::with_threads;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// Steps, examples, features of the input and of the output.
type Sizes = [usize; 4];

/// The layer as an operation of its own, or step by step.
fn layer<'t, T: Float>(
    linear: &Linear,
    params: &Params<T>,
    x: Var<'t, T>,
    sizes: Sizes,
    fused: bool,
) -> Var<'t, T> {
    let ([_, _, inputs, _], p) = (sizes, params.bind(x.tape()));
    if fused {
        return linear.forward(p, x);
    }
    let [w, b] = ["fc.weight", "fc.bias"].map(|name| p.get(params.find(name).expect("a parameter")));
    let steps = (0..x.rows() / inputs).map(|t| x.row_block(t * inputs..(t + 1) * inputs));
    let steps: Vec<_> = steps.map(|x| x.tape().affine(&[(w, x)], b)).collect();
    x.tape().concat_rows(&steps)
}

/// The outputs and all gradients.
fn run<T: Float>(sizes: Sizes, fused: bool, used_before: bool) -> Vec<Vec<T>> {
    let ([steps, batch, inputs, outputs], mut rng) = (sizes, ChaCha8Rng::seed_from_u64(5));
    let mut params = Params::<T>::new();
    let linear = Linear::new(&mut params, "fc", inputs, outputs, &mut rng);
    let [x, g] = [inputs, outputs].map(|rows| Init::Normal { std: 1.0 }.fill(&mut rng, steps * rows, batch));
    let tape = Tape::new();
    let x = tape.leaf(steps * inputs, batch, &x);
    let first = tape.len();
    let y = layer(&linear, &params, x, sizes, fused);
    let mut loss = (y * tape.constant(steps * outputs, batch, &g)).sum();
    if used_before {
        // What is recorded later adds to the gradient of x first.
        loss = loss + x.square().sum();
    }
    loss.backward();
    let grads = (first..first + 2).map(|k| tape.var(k).grad());
    [y.value(), x.grad()].into_iter().chain(grads).collect()
}

/// Panels of the weights' gradient that are full, or not; steps of one example, or of none; a single step.
#[test]
fn every_step_is_the_step() {
    for sizes in [
        [3, 4, 5, 7],
        [4, 3, 64, 65],
        [3, 33, 130, 2],
        [5, 1, 70, 3],
        [1, 6, 17, 1],
        [1, 1, 1, 1],
        [3, 0, 2, 4],
    ] {
        for before in [false, true] {
            let [have, expected] = [true, false].map(|fused| run::<f64>(sizes, fused, before).concat());
            let off = have.iter().zip(&expected).map(|(a, b)| (a - b).abs() / (1.0 + b.abs()));
            let off = off.map(|off| if off.is_nan() { f64::INFINITY } else { off }).fold(0.0, f64::max);
            assert!(have.len() == expected.len() && off < 1e-13, "{sizes:?}: {off:e}");
        }
    }
}

/// So large that four threads share the steps, and the panels.
#[test]
fn every_number_of_threads_gives_the_same_bits() {
    for sizes in [[9, 40, 300, 200], [2, 512, 130, 150]] {
        let [steps, batch, inputs, outputs] = sizes;
        assert!(steps * batch * inputs * outputs > 4 << 22);
        let by = |threads| {
            with_threads(threads, || run::<f32>(sizes, true, false)).expect("so few threads are there")
        };
        let one = by(1);
        assert!(one.iter().flatten().all(|x| x.is_finite()) && one[2].iter().any(|&dw| dw != 0.0));
        for threads in 2..=4 {
            assert!(one == by(threads), "{sizes:?} by {threads} threads");
        }
    }
}

#[test]
fn differences_agree() {
    let (inputs, outputs, steps, batch) = (3, 5, 4, 2);
    let mut params = Params::<f64>::new();
    let linear = Linear::new(&mut params, "fc", inputs, outputs, &mut ChaCha8Rng::seed_from_u64(5));
    let check = Check::new(6)
        .random_input("w", outputs, inputs, 1.0)
        .random_input("b", outputs, 1, 1.0)
        .random_input("x", steps * inputs, batch, 1.0);
    check.run(|tape, v| linear.forward(params.bound_at(tape, tape.len() - 3), v[2])).assert_passed();
    let check = Check::new(7).random_input("y", 6, 7, 1.0);
    check
        .run(|_, v| sum_of_squares(v[0]) + v[0].sum() + sum_of_squares(v[0].row_block(1..3)))
        .assert_passed();
}

#[test]
#[should_panic = "linear of 5×1 and 5×3 and 7×2: 7 rows are not a sequence of 3 features"]
fn the_input_is_a_sequence() {
    let (tape, mut params) = (Tape::<f64>::new(), Params::new());
    let linear = Linear::new(&mut params, "fc", 3, 5, &mut ChaCha8Rng::seed_from_u64(5));
    linear.forward(params.bind(&tape), tape.zeros(7, 2));
}
