//! What has faded on its way back is 0, so that a long sequence is not computed in subnormal numbers.

use autograd::Tape;
use models::cells::{CellConfig, Kind, State};
use models::layers::{Span, unroll};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const BIAS: f64 = -22.5;

/// With weights of 0 the cell state's cotangent, 1 at the end, is multiplied by f at every step and by nothing else.
fn arrives(steps: usize) -> Vec<f64> {
    let mut params = Params::<f64>::new();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let cell = CellConfig::new(2, 3).build(Kind::Lstm, &mut params, "rnn", "l0", &mut rng);
    params.iter_mut().for_each(|p| p.value.fill(0.0));
    let bias = params.find("rnn.bias_l0").unwrap();
    params.get_mut(bias).value[3..6].fill(BIAS);

    let tape = Tape::new();
    let (p, x) = (params.bind(&tape), tape.zeros(steps * 2, 4));
    let c = tape.leaf(3, 4, &[1.0; 12]);
    let (_, end) = unroll(&*cell, p, x, State { h: tape.zeros(3, 4), c: Some(c) }, Span::default());
    end.c.unwrap().sum().backward();
    c.grad()
}

/// In double precision what is below 1e-290 has faded; f is 1.7e-10, and its 30th power 6e-294.
#[test]
fn the_cell_states_cotangent_fades() {
    let f = 1.0 / (1.0 + (-BIAS).exp());
    for dc in arrives(30) {
        assert!((dc / f.powi(30) - 1.0).abs() < 1e-12, "{dc:e}");
    }
    assert_eq!(arrives(31), [0.0; 12]);
}
