//! The GRU in both forms: reset after the matrix, and before it.

use crate::{H, Hand, Slip, T, V, blocks_transposed, d_sigmoid, d_tanh, slips, step};
use autograd::check::Kind::*;
use models::cells::Kind;

const BOTH: &[Slip] = &[
    ("dh past the gates not carried", &[MissingTerm]),
    ("dh through the gates not carried", &[MissingTerm]),
    ("z forgotten on the way to the h before", &[MissingFactor]),
    ("1 − z forgotten", &[MissingFactor]),
    ("z for 1 − z", &[WrongPoint]),
    ("dz with n alone", &[MissingTerm]),
    ("dz with h alone", &[MissingTerm]),
    ("dz with the other sign", &[Sign]),
    ("dz with h_t", &[Shifted]),
    ("1 − n² forgotten", &[MissingFactor]),
    ("1 − n² at the pre-activation", &[WrongPoint]),
    ("r (1 − r) at the pre-activation", &[WrongPoint]),
    ("r (1 − r) forgotten", &[MissingFactor]),
    ("r and z swapped", &[Swapped]),
    ("U for its transpose", &[Transposed]),
    ("dU with h_t", &[Shifted]),
    ("dW assigned", &[Overwritten]),
    ("dU of the last step", &[Overwritten]),
    ("db of one column", &[NotSummed]),
    ("db zero", &[Zero]),
    ("dW / B", &[Factor]),
    ("dx reversed", &[Reversed]),
    ("dh_n forgotten", &[MissingTerm]),
    ("nothing for h_0", &[Zero]),
];

const AFTER: &[Slip] = &[
    ("r forgotten in dq", &[MissingFactor]),
    ("dr with n", &[WrongPoint]),
    ("dr missing", &[MissingTerm]),
    ("b_hn of one column", &[NotSummed]),
    ("b_hn without r", &[MissingFactor]),
];

const BEFORE: &[Slip] = &[
    ("r's share of h missing", &[MissingTerm]),
    ("r forgotten on the way to the h before", &[MissingFactor]),
    ("dr with h_t", &[Shifted]),
    ("dU_n with h for r h", &[WrongPoint]),
];

#[test]
fn gru() {
    slips(Kind::Gru, &[BOTH, AFTER].concat(), after);
}

#[test]
fn gru_reset_before() {
    slips(Kind::GruResetBefore, &[BOTH, BEFORE].concat(), before);
}

/// The rows of a gate in a stacked matrix: r, z, n.
fn part(m: V<'_>, k: usize) -> V<'_> {
    m.row_block(k * H..(k + 1) * H)
}

/// What a step forward leaves.
struct Step<'t> {
    a: [V<'t>; 3],
    r: V<'t>,
    z: V<'t>,
    q: V<'t>,
    n: V<'t>,
    h: V<'t>,
}

/// The part that both forms share: dn, dz, and what passes around the gates.
fn mix<'t>(hand: &Hand, s: &Step<'t>, h_before: V<'t>, dh: V<'t>) -> (V<'t>, V<'t>, V<'t>) {
    let dn = match () {
        () if hand.slips("1 − z forgotten") => dh,
        () if hand.slips("z for 1 − z") => dh * s.z,
        () => dh * (1.0 - s.z),
    };
    let dz = match () {
        () if hand.slips("dz with n alone") => -dh * s.n,
        () if hand.slips("dz with h alone") => dh * h_before,
        () if hand.slips("dz with the other sign") => dh * (s.n - h_before),
        () if hand.slips("dz with h_t") => dh * (s.h - s.n),
        () => dh * (h_before - s.n),
    };
    let past = match () {
        () if hand.slips("dh past the gates not carried") => dh * 0.0,
        () if hand.slips("z forgotten on the way to the h before") => dh,
        () => dh * s.z,
    };
    (dn, dz, past)
}

fn candidate<'t>(hand: &Hand, s: &Step<'t>, dn: V<'t>) -> V<'t> {
    match () {
        () if hand.slips("1 − n² forgotten") => dn,
        () if hand.slips("1 − n² at the pre-activation") => dn * d_tanh(s.a[2]),
        () => dn * d_tanh(s.n),
    }
}

/// da_r and da_z.
fn gates<'t>(hand: &Hand, s: &Step<'t>, dr: V<'t>, dz: V<'t>) -> (V<'t>, V<'t>) {
    let da_r = match () {
        () if hand.slips("r (1 − r) forgotten") => dr,
        () if hand.slips("r (1 − r) at the pre-activation") => dr * d_sigmoid(s.a[0]),
        () => dr * d_sigmoid(s.r),
    };
    let da_z = dz * d_sigmoid(s.z);
    hand.line("r and z swapped", (da_z, da_r), (da_r, da_z))
}

fn after<'t>(hand: &Hand, v: &[V<'t>], dy: V<'t>) -> Vec<V<'t>> {
    let [w, u, b, b_hn, x, h_0] = [0, 1, 2, 3, 4, 5].map(|k| v[k]);
    let tape = w.tape();
    let mut steps: Vec<Step<'_>> = Vec::new();
    for t in 0..T {
        let before = steps.last().map_or(h_0, |s| s.h);
        let (wx, uh) = (w.matmul(step(x, t)) + b, u.matmul(before));
        let [a_r, a_z] = [0, 1].map(|k| part(wx, k) + part(uh, k));
        let (r, z, q) = (a_r.sigmoid(), a_z.sigmoid(), part(uh, 2) + b_hn);
        let a_n = part(wx, 2) + r * q;
        let n = a_n.tanh();
        steps.push(Step { a: [a_r, a_z, a_n], r, z, q, n, h: (1.0 - z) * n + z * before });
    }
    let (mut dw, mut du, mut db, mut db_hn, mut dx) = (None, None, None, None, Vec::new());
    let mut carried = dy.row_block(T * H..(T + 1) * H) * hand.line("dh_n forgotten", 0.0, 1.0);
    for t in (0..T).rev() {
        let (s, h_before) = (&steps[t], if t == 0 { h_0 } else { steps[t - 1].h });
        let dh = step(dy.row_block(0..T * H), t) + carried;
        let (dn, dz, past) = mix(hand, s, h_before, dh);
        let da_n = candidate(hand, s, dn);
        let dr = da_n * hand.line("dr with n", s.n, s.q) * hand.line("dr missing", 0.0, 1.0);
        let dq = hand.line("r forgotten in dq", da_n, da_n * s.r);
        let (da_r, da_z) = gates(hand, s, dr, dz);
        let (of_u, of_w) = (tape.concat_rows(&[da_r, da_z, dq]), tape.concat_rows(&[da_r, da_z, da_n]));
        hand.add("dU", t, &mut du, of_u.matmul_t(hand.line("dU with h_t", s.h, h_before)));
        let of_b_hn = hand.line("b_hn without r", da_n, dq);
        hand.add("b_hn", t, &mut db_hn, hand.columns("b_hn of one column", of_b_hn));
        hand.add("dW", t, &mut dw, of_w.matmul_t(step(x, t)));
        hand.add("db", t, &mut db, hand.columns("db of one column", of_w));
        dx.push(w.t_matmul(of_w));
        let u = hand.line("U for its transpose", blocks_transposed(u), u);
        carried = past + u.t_matmul(of_u) * hand.line("dh through the gates not carried", 0.0, 1.0);
    }
    let dh_0 = carried * hand.line("nothing for h_0", 0.0, 1.0);
    vec![
        hand.sum("dW", dw),
        hand.sum("dU", du),
        hand.sum("db", db),
        hand.sum("b_hn", db_hn),
        hand.sequence(dx),
        dh_0,
    ]
}

fn before<'t>(hand: &Hand, v: &[V<'t>], dy: V<'t>) -> Vec<V<'t>> {
    let [w, u, b, x, h_0] = [0, 1, 2, 3, 4].map(|k| v[k]);
    let (tape, u_rz, u_n) = (w.tape(), u.row_block(0..2 * H), part(u, 2));
    let mut steps: Vec<Step<'_>> = Vec::new();
    for t in 0..T {
        let before = steps.last().map_or(h_0, |s| s.h);
        let (wx, uh) = (w.matmul(step(x, t)) + b, u_rz.matmul(before));
        let [a_r, a_z] = [0, 1].map(|k| part(wx, k) + part(uh, k));
        let (r, z) = (a_r.sigmoid(), a_z.sigmoid());
        let k = r * before;
        let a_n = part(wx, 2) + u_n.matmul(k);
        let n = a_n.tanh();
        steps.push(Step { a: [a_r, a_z, a_n], r, z, q: k, n, h: (1.0 - z) * n + z * before });
    }
    let (mut dw, mut du, mut db, mut dx) = (None, None, None, Vec::new());
    let mut carried = dy.row_block(T * H..(T + 1) * H) * hand.line("dh_n forgotten", 0.0, 1.0);
    for t in (0..T).rev() {
        let (s, h_before) = (&steps[t], if t == 0 { h_0 } else { steps[t - 1].h });
        let dh = step(dy.row_block(0..T * H), t) + carried;
        let (dn, dz, past) = mix(hand, s, h_before, dh);
        let da_n = candidate(hand, s, dn);
        let turned = hand.line("U for its transpose", blocks_transposed(u), u);
        let dk = part(turned, 2).t_matmul(da_n);
        let dr = dk * hand.line("dr with h_t", s.h, h_before);
        let through_r = hand.line("r forgotten on the way to the h before", dk, dk * s.r);
        let through_r = through_r * hand.line("r's share of h missing", 0.0, 1.0);
        let (da_r, da_z) = gates(hand, s, dr, dz);
        let (da_rz, da) = (tape.concat_rows(&[da_r, da_z]), tape.concat_rows(&[da_r, da_z, da_n]));
        let right = hand.line("dU with h_t", s.h, h_before);
        let k = hand.line("dU_n with h for r h", h_before, s.q);
        hand.add("dU", t, &mut du, tape.concat_rows(&[da_rz.matmul_t(right), da_n.matmul_t(k)]));
        hand.add("dW", t, &mut dw, da.matmul_t(step(x, t)));
        hand.add("db", t, &mut db, hand.columns("db of one column", da));
        dx.push(w.t_matmul(da));
        let gates = turned.row_block(0..2 * H).t_matmul(da_rz);
        carried = past + through_r + gates * hand.line("dh through the gates not carried", 0.0, 1.0);
    }
    let dh_0 = carried * hand.line("nothing for h_0", 0.0, 1.0);
    vec![hand.sum("dW", dw), hand.sum("dU", du), hand.sum("db", db), hand.sequence(dx), dh_0]
}
