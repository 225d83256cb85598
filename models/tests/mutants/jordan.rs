//! Jordan's network: `a = W_ih x_t + W_yh y_{t−1} + b_h`, `h_t = tanh(a)`, `y_t = W_hy h_t + b_y`.

use crate::{Hand, O, Slip, T, V, d_tanh, slips, step};
use autograd::check::Kind::*;
use models::cells::Kind;

const SLIPS: &[Slip] = &[
    ("y not fed back", &[MissingTerm]),
    ("y fed back with the other sign", &[Sign]),
    ("slope forgotten", &[MissingFactor]),
    ("slope at a", &[WrongPoint]),
    ("W_hy with a", &[WrongPoint]),
    ("W_hy with the h before", &[Shifted]),
    ("W_yh with y_t", &[Shifted]),
    ("b_h of one column", &[NotSummed]),
    ("b_y of one column", &[NotSummed]),
    ("W_hy assigned", &[Overwritten]),
    ("W_ih assigned", &[Overwritten]),
    ("b_y of the last step", &[Overwritten]),
    ("W_yh without step 0", &[MissingTerm]),
    ("b_y zero", &[Zero]),
    ("W_yh zero", &[Zero]),
    ("W_hy / B", &[Factor]),
    ("dx reversed", &[Reversed]),
    ("dy of the last step alone", &[MissingTerm]),
    ("dy_0 forgotten", &[Zero]),
];

#[test]
fn jordan() {
    slips(Kind::Jordan, SLIPS, vjp);
}

fn vjp<'t>(hand: &Hand, v: &[V<'t>], cotangent: V<'t>) -> Vec<V<'t>> {
    let [w_ih, w_yh, b_h, w_hy, b_y, x, y_0] = [0, 1, 2, 3, 4, 5, 6].map(|k| v[k]);
    let (mut a, mut h, mut y) = (Vec::new(), Vec::new(), vec![y_0]);
    for t in 0..T {
        a.push(w_ih.matmul(step(x, t)) + w_yh.matmul(y[t]) + b_h);
        h.push(a[t].tanh());
        y.push(w_hy.matmul(h[t]) + b_y);
    }
    let (outputs, mut carried) = (cotangent.row_block(0..T * O), cotangent.row_block(T * O..(T + 1) * O));
    let (mut dw_ih, mut dw_yh, mut db_h, mut dw_hy, mut db_y) = (None, None, None, None, None);
    let mut dx = Vec::new();
    for t in (0..T).rev() {
        let here = f64::from(u8::from(!hand.slips("dy of the last step alone") || t == T - 1));
        let dy = step(outputs, t) * here + carried;
        let right = match () {
            () if hand.slips("W_hy with a") => a[t],
            () if hand.slips("W_hy with the h before") => h[t.saturating_sub(1)],
            () => h[t],
        };
        hand.add("W_hy", t, &mut dw_hy, dy.matmul_t(right));
        hand.add("b_y", t, &mut db_y, hand.columns("b_y of one column", dy));
        let dh = w_hy.t_matmul(dy);
        let da =
            if hand.slips("slope forgotten") { dh } else { dh * d_tanh(hand.line("slope at a", a[t], h[t])) };
        hand.add("W_ih", t, &mut dw_ih, da.matmul_t(step(x, t)));
        hand.add("W_yh", t, &mut dw_yh, da.matmul_t(hand.line("W_yh with y_t", y[t + 1], y[t])));
        hand.add("b_h", t, &mut db_h, hand.columns("b_h of one column", da));
        dx.push(w_ih.t_matmul(da));
        let factor = hand.line("y fed back with the other sign", -1.0, 1.0);
        carried = w_yh.t_matmul(da) * hand.line("y not fed back", 0.0, factor);
    }
    vec![
        hand.sum("W_ih", dw_ih),
        hand.sum("W_yh", dw_yh),
        hand.sum("b_h", db_h),
        hand.sum("W_hy", dw_hy),
        hand.sum("b_y", db_y),
        hand.sequence(dx),
        hand.line("dy_0 forgotten", carried * 0.0, carried),
    ]
}
