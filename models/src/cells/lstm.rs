//! Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

use super::sequence::*;
use super::{Cell, CellConfig, Lengths, State};
use crate::init::set_gate_bias;
use crate::params::{Bound, ParamId, Params};
use autograd::simd::{map1, map2, map3};
use autograd::{Float, Gradients, Inputs, Op, Output, Var, Visit};
use rand_chacha::ChaCha8Rng;

/// ```text
/// z = W x_t + U h_{t−1} + b            all four pre-activations, stacked: 4H×B
/// i = σ(z_i)    f = σ(z_f)             input gate, forget gate
/// g = tanh(z_g) o = σ(z_o)             candidate, output gate
/// c_t = f ⊙ c_{t−1} + i ⊙ g            cell state
/// h_t = o ⊙ tanh(c_t)                  hidden state
/// ```
///
/// | quantity | shape |
/// |---|---|
/// | `x_t` | I×B |
/// | `i, f, g, o, c_t, h_t` | H×B |
/// | `W` (`weight_ih`) | 4H×I |
/// | `U` (`weight_hh`) | 4H×H |
/// | `b` (`bias`) | 4H×1 |
///
/// The gates are stacked in PyTorch's order i, f, g, o. Hochreiter and Schmidhuber, "Long short-term
/// memory", Neural Computation 9 (1997); Gers, Schmidhuber and Cummins, "Learning to forget",
/// Neural Computation 12 (2000).
#[derive(Clone, Debug)]
pub struct Lstm {
    input: usize,
    hidden: usize,
    w: ParamId,
    u: ParamId,
    b: ParamId,
}

impl Lstm {
    /// Adds the parameters of a new cell: 4(I·H + H² + H) numbers.
    pub fn new<T: Float>(
        config: CellConfig,
        params: &mut Params<T>,
        prefix: &str,
        layer: &str,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let CellConfig { input, hidden, init, forget_bias, .. } = config;
        let init = init.for_hidden(hidden);
        let (w, u) = (init.fill_gates(rng, 4, hidden, input), init.fill_gates(rng, 4, hidden, hidden));
        let mut b = init.for_bias().fill(rng, 4 * hidden, 1);
        if let Some(value) = forget_bias {
            set_gate_bias(&mut b, 4, 1, value);
        }
        let w = params.add(format!("{prefix}.weight_ih_{layer}"), 4 * hidden, input, w);
        let u = params.add(format!("{prefix}.weight_hh_{layer}"), 4 * hidden, hidden, u);
        let b = params.add(format!("{prefix}.bias_{layer}"), 4 * hidden, 1, b);
        Self { input, hidden, w, u, b }
    }
}

impl<T: Float> Cell<T> for Lstm {
    fn input(&self) -> usize {
        self.input
    }

    fn hidden(&self) -> usize {
        self.hidden
    }

    fn has_cell_state(&self) -> bool {
        true
    }

    // ANCHOR: step
    fn step<'t>(&self, p: Bound<'t, T>, x: Var<'t, T>, state: State<'t, T>) -> State<'t, T> {
        let (w, u, b) = (p.get(self.w), p.get(self.u), p.get(self.b));
        let z = x.tape().affine(&[(w, x), (u, state.h)], b).label("z"); // W x + U h + b
        let [i, f, g, o] = z.chunk();
        let i = i.sigmoid().label("i");
        let f = f.sigmoid().label("f");
        let g = g.tanh().label("g");
        let o = o.sigmoid().label("o");
        let c = (f * state.cell_state() + i * g).label("c");
        let h = (o * c.tanh()).label("h");
        State { h, c: Some(c) }
    }
    // ANCHOR_END: step

    fn sequence<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        state: State<'t, T>,
        lengths: Option<&Lengths>,
        reverse: bool,
    ) -> Option<(Var<'t, T>, State<'t, T>)> {
        let op = LstmSequence { hidden: self.hidden, reverse };
        let inputs = [x, p.get(self.w), p.get(self.u), p.get(self.b), state.h, state.cell_state()];
        let out = p.tape().apply_indexed(op, &inputs, lengths.map_or(&[], Lengths::packed));
        let (rows, hidden) = (out.rows(), self.hidden);
        let part = |from: usize, to: usize| out.row_block(rows - from * hidden..rows - to * hidden);
        let y = out.row_block(0..rows - 2 * hidden);
        Some((y, State { h: part(2, 1), c: Some(part(1, 0)) }))
    }
}

/// The LSTM over a whole sequence, forward and backward, as one operation on the tape.
///
/// Inputs: `x` (T·I)×B, `W` 4H×I, `U` 4H×H, `b` 4H×1, `h_0` H×B, `c_0` H×B. Output: `y` (T·H)×B,
/// under it `h_n` and `c_n`, H×B each.
///
/// # The backward pass, derived
///
/// The forward pass of step t is
///
/// ```text
/// z = W x_t + U h_{t−1} + b,   i, f, o = σ(z_i), σ(z_f), σ(z_o),   g = tanh(z_g)
/// c_t = f ⊙ c_{t−1} + i ⊙ g,   h_t = o ⊙ tanh(c_t)
/// ```
///
/// Write `dq` for `∂L/∂q`. We go through those lines from the last to the first, at t = T … 1, and
/// carry `dh` and `dc`, which step t + 1 has left (at t = T: the cotangents of `h_n` and `c_n`).
///
/// 1. `h_t` is used by the output and by step t + 1: `dh = dy_t + dh`.
/// 2. `h_t = o ⊙ tanh(c_t)`: `do = dh ⊙ tanh(c_t)`, and `c_t` gets `dc = dc + dh ⊙ o ⊙ (1 − tanh²(c_t))`.
/// 3. `c_t = f ⊙ c_{t−1} + i ⊙ g`: `di = dc ⊙ g`, `df = dc ⊙ c_{t−1}`, `dg = dc ⊙ i`; and
///    `dc_{t−1} = dc ⊙ f`. That last line is the constant error carousel: where f is 1, the gradient
///    passes unchanged.
/// 4. Through the gates' functions, with `σ' = σ(1 − σ)` and `tanh' = 1 − tanh²`:
///    `dz_i = di ⊙ i(1−i)`, `dz_f = df ⊙ f(1−f)`, `dz_g = dg ⊙ (1−g²)`, `dz_o = do ⊙ o(1−o)`.
/// 5. `z = W x_t + U h_{t−1} + b`: `dh_{t−1} = Uᵀ dz`, `dx_t = Wᵀ dz`, and, added up over all steps,
///    `dW += dz x_tᵀ`, `dU += dz h_{t−1}ᵀ`, `db += dz 1`.
#[derive(Clone, Copy, Debug)]
struct LstmSequence {
    hidden: usize,
    reverse: bool,
}

/// What the forward pass keeps, packed: x (I×N), the gates i, f, g, o (4H×N), tanh(c) (H×N), and
/// c and h with the initial ones before them (H×(B+N) each).
struct Saved<S> {
    x: S,
    gates: S,
    tanh_c: S,
    c: S,
    h: S,
}

/// Sizes of the parts of [`Saved`], in order.
fn saved_sizes(plan: Plan<'_>, input: usize, hidden: usize) -> [usize; 5] {
    let (total, with_start) = (plan.total(), plan.total() + plan.batch);
    [input * total, 4 * hidden * total, hidden * total, hidden * with_start, hidden * with_start]
}

impl LstmSequence {
    fn saved<'a, T: Float>(&self, x: Inputs<'_, T>, memory: &'a [T]) -> Saved<&'a [T]> {
        let [x, gates, tanh_c, c, h] = split(memory, saved_sizes(self.plan(x), x.cols(1), self.hidden));
        Saved { x, gates, tanh_c, c, h }
    }

    fn plan<'a, T: Float>(&self, x: Inputs<'a, T>) -> Plan<'a> {
        Plan::new(x.rows(0) / x.cols(1), x.cols(0), self.reverse, x.indices())
    }

    /// Steps 1 to 5 above, but for the sums over all steps. `dz` gets every step's gradient of the
    /// pre-activations, packed; `visit` sees `s`, `dh` and `dc` of every step; `dh` and `dc` end as
    /// the gradients of `h_0` and `c_0`, packed as step 0 is.
    fn through_time<T: Float>(
        &self,
        x: Inputs<'_, T>,
        (cotangent, saved): (&[T], &Saved<&[T]>),
        dz: &mut [T],
        work: &mut [T],
        mut visit: impl FnMut(usize, &[T], &[T]),
    ) {
        let (plan, hidden) = (self.plan(x), self.hidden);
        let size = hidden * plan.batch;
        let (dy, finals) = cotangent.split_at(cotangent.len() - 2 * size);
        let (dh_n, dc_n) = finals.split_at(size);
        let [dh, dc, c_copy, dy_s] = split_mut(work, [size; 4]);
        for s in (0..plan.recurrences()).rev() {
            let n = plan.active(s);
            let size = hidden * n;
            let step = plan.block(s, hidden);
            let (dz, tanh_c) = (&mut dz[plan.block(s, 4 * hidden)], &saved.tanh_c[step.clone()]);
            let [i, f, g, o] = split(&saved.gates[plan.block(s, 4 * hidden)], [size; 4]);
            let (c_before, have) = plan.before(s, saved.c);
            let c_before = columns(c_before, have, n, c_copy);
            // ANCHOR: backward
            plan.widen(s, hidden, dh_n, dh);
            plan.widen(s, hidden, dc_n, dc);
            let (dh, dc) = (&mut dh[..size], &mut dc[..size]);
            plan.gather(s, dy, &mut dy_s[..size]);
            map1(dh, &dy_s[..size], |dh, dy| *dh += dy); // 1
            map3(dc, dh, o, tanh_c, |dc, dh, o, tc| *dc += dh * o * (T::ONE - tc * tc)); // 2
            visit(s, dh, dc);
            let [dz_i, dz_f, dz_g, dz_o] = split_mut(dz, [size; 4]);
            map3(dz_o, dh, tanh_c, o, |dz, dh, tc, o| *dz = dh * tc * o * (T::ONE - o)); // 2, 4
            map3(dz_i, dc, g, i, |dz, dc, g, i| *dz = dc * g * i * (T::ONE - i)); // 3, 4
            map3(dz_f, dc, c_before, f, |dz, dc, c, f| *dz = dc * c * f * (T::ONE - f)); // 3, 4
            map3(dz_g, dc, i, g, |dz, dc, i, g| *dz = dc * i * (T::ONE - g * g)); // 3, 4
            map1(dc, f, |dc, f| *dc *= f); // 3
            dh.fill(T::ZERO);
            add_product(dh, x.matrix(2).transpose(), block_matrix(dz, 4 * hidden, n, n)); // 5
            // ANCHOR_END: backward
        }
    }
}

impl<T: Float> Op<T> for LstmSequence {
    fn name(&self) -> &'static str {
        "lstm_sequence"
    }

    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        let (hidden, (_, batch)) = (self.hidden, x.shape(0));
        let state = (hidden, batch);
        let fits = x.cols(1) > 0 && x.rows(0) % x.cols(1) == 0;
        if fits && x.shape(2) == (4 * hidden, hidden) && x.shape(4) == state && x.shape(5) == state {
            Ok((x.rows(0) / x.cols(1) * hidden + 2 * hidden, batch))
        } else {
            Err(format!("states must be {hidden}×{batch}, and the rows of x a multiple of W's columns"))
        }
    }

    fn saved(&self, x: Inputs<'_, T>) -> usize {
        // The last part is working memory for one step's pre-activations.
        let sizes = saved_sizes(self.plan(x), x.cols(1), self.hidden);
        sizes.iter().sum::<usize>() + 4 * self.hidden * x.cols(0)
    }

    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], memory: &mut [T]) {
        let (plan, hidden, input) = (self.plan(x), self.hidden, x.cols(1));
        let state = hidden * plan.batch;
        let (memory, z) = memory.split_at_mut(memory.len() - 4 * state);
        let [xs, gates, tanh_c, c, h] = split_mut(memory, saved_sizes(plan, input, hidden));
        let (y, finals) = y.split_at_mut(y.len() - 2 * state);
        let (h_n, c_n) = finals.split_at_mut(state);
        plan.gather_batch(0, x.value(4), &mut h[..state]);
        plan.gather_batch(0, x.value(5), &mut c[..state]);
        y.fill(T::ZERO);
        for s in 0..plan.recurrences() {
            let n = plan.active(s);
            let x_s = &mut xs[plan.block(s, input)];
            let (z, gates) = (&mut z[..4 * hidden * n], &mut gates[plan.block(s, 4 * hidden)]);
            let tanh_c = &mut tanh_c[plan.block(s, hidden)];
            plan.gather(s, x.value(0), x_s);
            let ((h_before, h), have) = plan.before_and_at(s, h);
            let ((c_before, c), _) = plan.before_and_at(s, c);
            // ANCHOR: forward
            fill_bias(z, x.value(3), n);
            add_product(z, x.matrix(1), block_matrix(x_s, input, n, n));
            add_product(z, x.matrix(2), block_matrix(h_before, hidden, n, have));
            let part = hidden * n;
            T::sigmoid_slice(&mut gates[..2 * part], &z[..2 * part]); // i, f
            T::tanh_slice(&mut gates[2 * part..3 * part], &z[2 * part..3 * part]); // g
            T::sigmoid_slice(&mut gates[3 * part..], &z[3 * part..]); // o
            let [i, f, g, o] = split(gates, [part; 4]);
            let c_before = columns(c_before, have, n, z);
            map2(c, f, c_before, |c, f, before| *c = f * before);
            map2(c, i, g, |c, i, g| *c += i * g);
            T::tanh_slice(tanh_c, c);
            map2(h, o, tanh_c, |h, o, tc| *h = o * tc);
            // ANCHOR_END: forward
            plan.scatter(s, h, y);
            plan.scatter_ended(s, h, h_n);
            plan.scatter_ended(s, c, c_n);
        }
    }

    fn scratch(&self, x: Inputs<'_, T>) -> usize {
        let (plan, hidden, input) = (self.plan(x), self.hidden, x.cols(1));
        let gather = gather_scratch(plan.batch, 4 * hidden, hidden.max(input));
        4 * hidden * plan.total() + 4 * hidden * plan.batch + gather.max(input * plan.batch)
    }

    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        let (plan, hidden, input) = (self.plan(x), self.hidden, x.cols(1));
        let state = hidden * plan.batch;
        let saved = self.saved(x, y.saved);
        let (dz, rest) = y.scratch.split_at_mut(4 * hidden * plan.total());
        let (work, gather) = rest.split_at_mut(4 * state);
        self.through_time(x, (y.cotangent, &saved), dz, work, |_, _, _| ());
        for (k, start) in [(4, &work[..state]), (5, &work[state..2 * state])] {
            if let Some(d) = dx.of(k) {
                plan.scatter_batch_add(start, d);
            }
        }
        let dz = &*dz;
        if let Some(dw) = dx.of(1) {
            let x_of = |s| (&saved.x[plan.block(s, input)], plan.active(s));
            add_weight_gradient(plan, dw, (4 * hidden, input), dz, x_of, gather);
        }
        if let Some(du) = dx.of(2) {
            add_weight_gradient(plan, du, (4 * hidden, hidden), dz, |s| plan.before(s, saved.h), gather);
        }
        if let Some(db) = dx.of(3) {
            (0..plan.recurrences())
                .for_each(|s| add_bias_gradient(db, &dz[plan.block(s, 4 * hidden)], plan.active(s)));
        }
        if let Some(dx) = dx.of(0) {
            for s in 0..plan.recurrences() {
                let n = plan.active(s);
                let dx_s = &mut gather[..input * n];
                dx_s.fill(T::ZERO);
                add_product(
                    dx_s,
                    x.matrix(1).transpose(),
                    block_matrix(&dz[plan.block(s, 4 * hidden)], 4 * hidden, n, n),
                );
                plan.scatter_add(s, dx_s, dx);
            }
        }
    }

    fn trace(&self, x: Inputs<'_, T>, y: Output<'_, T>, visit: &mut Visit<'_, T>) {
        let (plan, hidden) = (self.plan(x), self.hidden);
        let saved = self.saved(x, y.saved);
        // Traces are rare: memory of their own keeps the training path free of them.
        let (start, total) = (hidden * plan.batch, plan.total());
        let [mut dz, mut dh, mut dc] = [4, 1, 1].map(|parts| vec![T::ZERO; parts * hidden * total]);
        let known = !y.cotangent.is_empty();
        if known {
            let work = &mut vec![T::ZERO; 4 * start];
            self.through_time(x, (y.cotangent, &saved), &mut dz, work, |s, dh_s, dc_s| {
                dh[plan.block(s, hidden)].copy_from_slice(dh_s);
                dc[plan.block(s, hidden)].copy_from_slice(dc_s);
            });
        }
        let gate = |name, part| Inside { name, parts: 4, part, value: saved.gates, grad: None };
        let state = |name, value, grad| Inside { name, parts: 1, part: 0, value, grad };
        let inside = [
            gate("i", 0),
            gate("f", 1),
            gate("g", 2),
            gate("o", 3),
            state("c", &saved.c[start..], known.then_some(&*dc)),
            state("h", &saved.h[start..], known.then_some(&*dh)),
        ];
        show(plan, hidden, &inside, visit);
    }
}
