//! The LSTM, with and without a forget gate and peepholes.

use crate::{B, H, Hand, Slip, T, V, blocks_transposed, d_sigmoid, d_tanh, slips, step};
use autograd::check::Kind::*;
use models::cells::Kind;

const ALL: &[Slip] = &[
    ("dh not carried", &[MissingTerm]),
    ("dc not carried", &[MissingTerm]),
    ("dc only from the next step", &[MissingTerm]),
    ("slope of tanh c forgotten", &[MissingFactor]),
    ("slope of tanh c at c", &[WrongPoint]),
    ("o forgotten on the way to c", &[MissingFactor]),
    ("do with c", &[WrongPoint]),
    ("i for g", &[WrongPoint]),
    ("g for i", &[WrongPoint]),
    ("o (1 − o) at the pre-activation", &[WrongPoint]),
    ("o (1 − o) forgotten", &[MissingFactor]),
    ("1 − g² forgotten", &[MissingFactor]),
    ("1 − g² at the pre-activation", &[WrongPoint]),
    ("all slopes forgotten", &[MissingFactor]),
    ("all slopes at the pre-activations", &[WrongPoint]),
    ("i and o swapped", &[Swapped]),
    ("i and o swapped in the sums", &[Swapped]),
    ("U for its transpose", &[Transposed]),
    ("dU with h_t", &[Shifted]),
    ("dU transposed", &[Transposed]),
    ("dW assigned", &[Overwritten]),
    ("dU of the last step", &[Overwritten]),
    ("db of one column", &[NotSummed]),
    ("db zero", &[Zero]),
    ("dW / T", &[Factor]),
    ("dx reversed", &[Reversed]),
    ("dh_n forgotten", &[MissingTerm]),
    ("dc_n forgotten", &[MissingTerm]),
    ("nothing for c_0", &[Zero]),
    ("i negative", &[Sign]),
];

const FORGET: &[Slip] = &[
    ("f forgotten on the way to the c before", &[MissingFactor]),
    ("i for f", &[WrongPoint]),
    ("df with c_t", &[Shifted]),
    ("df missing", &[MissingTerm]),
    ("i and f swapped", &[Swapped]),
];

const PEEPHOLES: &[Slip] = &[
    ("w_co's share of dc missing", &[MissingTerm]),
    ("w_ci's share of dc missing", &[MissingTerm]),
    ("w_cf's share of dc missing", &[MissingTerm]),
    ("w_co with the c before", &[Shifted]),
    ("w_ci with c_t", &[Shifted]),
    ("w_cf of one column", &[NotSummed]),
    ("w_ci zero", &[Zero]),
    ("w_co assigned", &[Overwritten]),
    ("w_co for w_ci", &[WrongPoint]),
];

fn of(lists: &[&[Slip]]) -> Vec<Slip> {
    lists.iter().flat_map(|list| list.iter().copied()).collect()
}

#[test]
fn lstm() {
    slips(Kind::Lstm, &of(&[ALL, FORGET]), |hand, v, dy| vjp(hand, v, dy, true));
}

#[test]
fn lstm_1997() {
    slips(Kind::LstmNoForget, ALL, |hand, v, dy| vjp(hand, v, dy, false));
}

#[test]
fn peephole() {
    slips(Kind::Peephole, &of(&[ALL, FORGET, PEEPHOLES]), |hand, v, dy| vjp(hand, v, dy, true));
}

/// What a step forward leaves.
struct Step<'t> {
    z: [V<'t>; 4],
    i: V<'t>,
    f: V<'t>,
    g: V<'t>,
    o: V<'t>,
    c: V<'t>,
    h: V<'t>,
}

/// One step; `w_c` are the peepholes, `f` is 1 without a forget gate.
fn forward<'t>(v: &[V<'t>], w_c: Option<[V<'t>; 3]>, forget: bool, x: V<'t>, h: V<'t>, c: V<'t>) -> Step<'t> {
    let z = v[0].matmul(x) + v[1].matmul(h) + v[2];
    let part = |k: usize| z.row_block(k * H..(k + 1) * H);
    let mut z = if forget { [0, 1, 2, 3].map(part) } else { [part(0), part(0), part(1), part(2)] };
    if let Some([w_ci, w_cf, _]) = w_c {
        (z[0], z[1]) = (z[0] + c * w_ci, z[1] + c * w_cf);
    }
    let (i, g) = (z[0].sigmoid(), z[2].tanh());
    let f = if forget { z[1].sigmoid() } else { c * 0.0 + 1.0 };
    let c = f * c + i * g;
    if let Some([.., w_co]) = w_c {
        z[3] = z[3] + c * w_co;
    }
    let o = z[3].sigmoid();
    Step { z, i, f, g, o, c, h: o * c.tanh() }
}

fn vjp<'t>(hand: &Hand, v: &[V<'t>], dy: V<'t>, forget: bool) -> Vec<V<'t>> {
    let (w, u, first) = (v[0], v[1], v.len() - 3);
    let w_c = (first > 3).then(|| [v[3], v[4], v[5]]);
    let [x, h_0, c_0] = [0, 1, 2].map(|k| v[first + k]);
    let mut steps: Vec<Step<'_>> = Vec::new();
    for t in 0..T {
        let (h, c) = steps.last().map_or((h_0, c_0), |before| (before.h, before.c));
        steps.push(forward(v, w_c, forget, step(x, t), h, c));
    }
    let outputs = dy.row_block(0..T * H);
    let mut carried_h = dy.row_block(T * H..(T + 1) * H) * hand.line("dh_n forgotten", 0.0, 1.0);
    let mut carried_c = dy.row_block((T + 1) * H..(T + 2) * H) * hand.line("dc_n forgotten", 0.0, 1.0);
    let (mut dw, mut du, mut db, mut dw_c, mut dx) = (None, None, None, [None; 3], Vec::new());
    for t in (0..T).rev() {
        let s = &steps[t];
        let (h_before, c_before) = if t == 0 { (h_0, c_0) } else { (steps[t - 1].h, steps[t - 1].c) };
        let dh = step(outputs, t) + carried_h;
        let tanh_c = s.c.tanh();
        let d_o = dh * hand.line("do with c", s.c, tanh_c);
        let through = hand.line("o forgotten on the way to c", dh, dh * s.o);
        let slope = d_tanh(hand.line("slope of tanh c at c", s.c, tanh_c));
        let through = hand.line("slope of tanh c forgotten", through, through * slope);
        let mut dc = hand.line("dc only from the next step", carried_c, carried_c + through);
        let dz_o = gate(hand, d_o, s.o, s.z[3], "o (1 − o) at the pre-activation", "o (1 − o) forgotten");
        if let Some([.., w_co]) = w_c {
            dc = hand.line("w_co's share of dc missing", dc, dc + dz_o * w_co);
        }
        let di = dc * hand.line("i for g", s.i, s.g) * hand.line("i negative", -1.0, 1.0);
        let df = dc * hand.line("df with c_t", s.c, c_before) * hand.line("df missing", 0.0, 1.0);
        let dg = dc * hand.line("g for i", s.g, s.i);
        let f = hand.line("i for f", s.i, s.f);
        let mut dc_before = hand.line("f forgotten on the way to the c before", dc, dc * f);
        let dz_i = gate(hand, di, s.i, s.z[0], "", "");
        let dz_f = gate(hand, df, s.f, s.z[1], "", "");
        let g_point = hand.line("all slopes at the pre-activations", s.z[2], s.g);
        let g_point = hand.line("1 − g² at the pre-activation", s.z[2], g_point);
        let no_slope = hand.slips("1 − g² forgotten") || hand.slips("all slopes forgotten");
        let dz_g = if no_slope { dg } else { dg * d_tanh(g_point) };
        if let Some([w_ci, w_cf, w_co]) = w_c {
            let w_ci = hand.line("w_co for w_ci", w_co, w_ci);
            dc_before = hand.line("w_ci's share of dc missing", dc_before, dc_before + dz_i * w_ci);
            dc_before = hand.line("w_cf's share of dc missing", dc_before, dc_before + dz_f * w_cf);
            let co = hand.line("w_co with the c before", c_before, s.c);
            let ci = hand.line("w_ci with c_t", s.c, c_before);
            hand.add("w_ci", t, &mut dw_c[0], hand.columns("w_ci of one column", dz_i * ci));
            hand.add("w_cf", t, &mut dw_c[1], hand.columns("w_cf of one column", dz_f * c_before));
            hand.add("w_co", t, &mut dw_c[2], hand.columns("w_co of one column", dz_o * co));
        }
        let tape = w.tape();
        let (a, b) = hand.line("i and o swapped", (dz_o, dz_i), (dz_i, dz_o));
        let (a, f_part) = hand.line("i and f swapped", (dz_f, a), (a, dz_f));
        let stacked = |a: V<'t>, b: V<'t>| match forget {
            true => tape.concat_rows(&[a, f_part, dz_g, b]),
            false => tape.concat_rows(&[a, dz_g, b]),
        };
        let dz = stacked(a, b);
        let of_sums = hand.line("i and o swapped in the sums", stacked(b, a), dz);
        hand.add("dW", t, &mut dw, of_sums.matmul_t(step(x, t)));
        hand.add("dU", t, &mut du, of_sums.matmul_t(hand.line("dU with h_t", s.h, h_before)));
        hand.add("db", t, &mut db, hand.columns("db of one column", of_sums));
        dx.push(w.t_matmul(dz));
        let u = hand.line("U for its transpose", blocks_transposed(u), u);
        carried_h = u.t_matmul(dz) * hand.line("dh not carried", 0.0, 1.0);
        carried_c = dc_before * hand.line("dc not carried", 0.0, 1.0);
    }
    let du = hand.sum("dU", du);
    let mut all =
        vec![hand.sum("dW", dw), hand.line("dU transposed", blocks_transposed(du), du), hand.sum("db", db)];
    if w_c.is_some() {
        all.extend(["w_ci", "w_cf", "w_co"].into_iter().zip(dw_c).map(|(name, d)| hand.sum(name, d)));
    }
    assert_eq!(dy.cols(), B);
    all.extend([hand.sequence(dx), carried_h, carried_c * hand.line("nothing for c_0", 0.0, 1.0)]);
    all
}

/// `dz = d ⊙ σ (1 − σ)`.
fn gate<'t>(hand: &Hand, d: V<'t>, gate: V<'t>, z: V<'t>, at_z: &str, forgotten: &str) -> V<'t> {
    let slipped = |line: &str| !line.is_empty() && hand.slips(line);
    match () {
        () if slipped(forgotten) || hand.slips("all slopes forgotten") => d,
        () if slipped(at_z) || hand.slips("all slopes at the pre-activations") => d * d_sigmoid(z),
        () => d * d_sigmoid(gate),
    }
}
