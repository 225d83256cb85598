//! Mistakes in the fused derivations themselves, which show what they hold inside: the check says since
//! which quantity and step the backward pass is wrong.

use crate::{H, I, Subject, assert_named};
use autograd::check::Kind::{MissingTerm, Sign, Swapped};
use autograd::check::Report;
use models::cells::sequence::{Backward, Derivation, Forward, Inside, Sizes, Sums, fused};
use models::cells::{CellConfig, Kind, Lstm};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::ops::Range;

/// The LSTM's derivation, after whose step back something is spoilt.
#[derive(Clone, Copy)]
struct Spoilt {
    lstm: Lstm,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Not,
    DhNotCarried,
    DcNotCarried,
    SwappedInTheSums,
    NegativeFromTheNextStep,
}

impl Derivation<f64> for Spoilt {
    fn name(&self) -> &'static str {
        "spoilt"
    }
    fn sizes(&self) -> Sizes {
        Derivation::<f64>::sizes(&self.lstm)
    }
    fn factors(&self, need: &mut dyn FnMut(usize, Range<usize>)) {
        Derivation::<f64>::factors(&self.lstm, need);
    }
    fn forward(&self, step: Forward<'_, f64>) {
        self.lstm.forward(step);
    }
    fn backward(&self, step: Backward<'_, f64>) {
        let Backward {
            inputs,
            h_before,
            c_before,
            kept,
            h,
            c,
            dh,
            dc,
            d_kept,
            d_pre,
            dh_before,
            dc_before,
            dx,
        } = step;
        self.lstm.backward(Backward {
            inputs,
            h_before,
            c_before,
            kept,
            h,
            c,
            dh,
            dc,
            d_kept,
            d_pre: &mut *d_pre,
            dh_before: &mut *dh_before,
            dc_before: &mut *dc_before,
            dx,
        });
        match self.how {
            How::Not => (),
            How::DhNotCarried => dh_before.fill(0.0),
            How::DcNotCarried => dc_before.fill(0.0),
            How::SwappedInTheSums => {
                let size = d_pre.len() / 4;
                let (i, rest) = d_pre.split_at_mut(size);
                i.swap_with_slice(&mut rest[..size]);
            }
            How::NegativeFromTheNextStep => dh_before.iter_mut().for_each(|dh| *dh = -*dh),
        }
    }
    fn sums(&self, sums: &mut Sums<'_, '_, f64>) {
        self.lstm.sums(sums);
    }
    fn inside(&self, show: &mut Inside<'_, f64>) {
        Derivation::<f64>::inside(&self.lstm, show);
    }
}

fn report(how: How) -> Report {
    let subject = Subject::new(Kind::Lstm);
    let mut params = Params::<f64>::new();
    let lstm = Lstm::new(CellConfig::new(I, H), &mut params, "rnn", "l0", &mut ChaCha8Rng::seed_from_u64(7));
    subject.check.run_beside(
        |tape, v| subject.equations(tape, v),
        |tape, v| {
            let inputs = [v[3], v[0], v[1], v[2], v[4], v[5]];
            let (y, end) = fused(Spoilt { lstm, how }, &inputs, None, false);
            tape.concat_rows(&[y, end.h, end.cell_state()])
        },
    )
}

#[test]
fn since_when() {
    report(How::Not).assert_passed();
    let spoilt = [
        (("dh not carried", &[MissingTerm][..]), report(How::DhNotCarried)),
        (("dc not carried", &[MissingTerm]), report(How::DcNotCarried)),
        (("i and f swapped in the sums", &[Swapped]), report(How::SwappedInTheSums)),
        (("the other sign from the next step", &[Sign]), report(How::NegativeFromTheNextStep)),
    ];
    let screen = spoilt[1].1.to_string();
    assert_named("fused", spoilt.into_iter().collect());
    insta::assert_snapshot!("fused_screen", screen);
}
