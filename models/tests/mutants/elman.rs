//! Elman's network: `a = W x_t + U h_{t−1} + b`, `h_t = tanh(a)`.

use crate::{H, Hand, Slip, T, V, blocks_transposed, d_tanh, slips, step};
use autograd::check::Kind::*;
use models::cells::Kind;

const SLIPS: &[Slip] = &[
    ("dh not carried", &[MissingTerm]),
    ("dh carried with the other sign", &[Sign]),
    ("dh carried twice as large", &[Factor]),
    ("slope forgotten", &[MissingFactor]),
    ("slope at a", &[WrongPoint]),
    ("slope of the step before", &[Shifted, WrongPoint]),
    ("U for its transpose", &[Transposed]),
    ("U forgotten", &[MissingFactor]),
    ("dU with h_t", &[Shifted]),
    ("dU transposed", &[Transposed]),
    ("dU with x reversed in time", &[Reversed]),
    ("dW with the x before", &[Shifted]),
    ("dW assigned", &[Overwritten]),
    ("dW of the last step", &[Overwritten]),
    ("dW without step 0", &[MissingTerm]),
    ("dU assigned", &[Overwritten]),
    ("db assigned", &[Overwritten]),
    ("db of one column", &[NotSummed]),
    ("db zero", &[Zero]),
    ("dW / T", &[Factor]),
    ("dU / B", &[Factor]),
    ("dW negative", &[Sign]),
    ("dh_n forgotten", &[MissingTerm]),
    ("dy of the step before", &[Shifted]),
    ("dy reversed", &[Reversed]),
    ("dx reversed", &[Reversed]),
    ("dx one step late", &[Shifted]),
    ("dh_0 forgotten", &[Zero]),
];

#[test]
fn tanh() {
    slips(Kind::Elman, SLIPS, |hand, v, dy| vjp(hand, v, dy, |h| d_tanh(h)));
}

#[test]
fn relu() {
    let of_relu: Vec<Slip> = SLIPS
        .iter()
        .filter(|(name, _)| !name.contains("slope at") && !name.contains("of the step"))
        .copied()
        .collect();
    slips(Kind::ElmanRelu, &of_relu, |hand, v, dy| {
        let slope = |h: V<'_>| h.value().iter().map(|h| f64::from(u8::from(*h > 0.0))).collect::<Vec<_>>();
        vjp_with(hand, v, dy, |a| a.relu(), |h| h.tape().constant(h.rows(), h.cols(), &slope(h)))
    });
}

fn vjp<'t>(hand: &Hand, v: &[V<'t>], dy: V<'t>, slope: fn(V<'t>) -> V<'t>) -> Vec<V<'t>> {
    vjp_with(hand, v, dy, |a| a.tanh(), slope)
}

fn vjp_with<'t>(
    hand: &Hand,
    v: &[V<'t>],
    dy: V<'t>,
    activation: impl Fn(V<'t>) -> V<'t>,
    slope: impl Fn(V<'t>) -> V<'t>,
) -> Vec<V<'t>> {
    let [w, u, b, x, h_0] = [0, 1, 2, 3, 4].map(|k| v[k]);
    let (mut a, mut h) = (Vec::new(), vec![h_0]);
    for t in 0..T {
        a.push(w.matmul(step(x, t)) + u.matmul(h[t]) + b);
        h.push(activation(a[t]));
    }
    let outputs = dy.row_block(0..T * H);
    let mut carried = dy.row_block(T * H..(T + 1) * H);
    if hand.slips("dh_n forgotten") {
        carried = carried * 0.0;
    }
    let (mut dw, mut du, mut db, mut dx) = (None, None, None, Vec::new());
    for t in (0..T).rev() {
        let dy_t = match () {
            () if hand.slips("dy of the step before") && t == 0 => h_0 * 0.0,
            () if hand.slips("dy of the step before") => step(outputs, t - 1),
            () => step(outputs, hand.line("dy reversed", T - 1 - t, t)),
        };
        let dh = dy_t + carried;
        let point = match () {
            () if hand.slips("slope at a") => a[t],
            () if hand.slips("slope of the step before") => h[t],
            () => h[t + 1],
        };
        let da = if hand.slips("slope forgotten") { dh } else { dh * slope(point) };
        let x_t = step(x, hand.line("dW with the x before", t.saturating_sub(1), t));
        hand.add("dW", t, &mut dw, da.matmul_t(x_t));
        let before = match () {
            () if hand.slips("dU with h_t") => h[t + 1],
            () if hand.slips("dU with x reversed in time") => h[T - 1 - t],
            () => h[t],
        };
        hand.add("dU", t, &mut du, da.matmul_t(before));
        hand.add("db", t, &mut db, hand.columns("db of one column", da));
        dx.push(w.t_matmul(da));
        let factor = hand.line(
            "dh carried twice as large",
            2.0,
            hand.line("dh carried with the other sign", -1.0, 1.0),
        );
        let factor = hand.line("dh not carried", 0.0, factor);
        let u = hand.line("U for its transpose", blocks_transposed(u), u);
        carried = if hand.slips("U forgotten") { da } else { u.t_matmul(da) * factor };
    }
    let du = hand.sum("dU", du);
    let du = hand.line("dU transposed", blocks_transposed(du), du);
    let dh_0 = hand.line("dh_0 forgotten", carried * 0.0, carried);
    vec![hand.sum("dW", dw), du, hand.sum("db", db), hand.sequence(dx), dh_0]
}
