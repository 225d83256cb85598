//! The LSTM as one writes it down: forward step by step, then back step by step, in plain loops.

use crate::problem::{Answer, Problem};
use crate::ways::{Functions, Products};
use benches::Sizes;
use models::cells::sequence::{parts, parts_mut};

/// The derivation of the LSTM's chapter, with the ways to multiply and to compute σ and tanh left open.
pub struct ByHand<'a> {
    problem: &'a Problem,
    products: Products,
    functions: Functions,
    /// The pre-activations of a step, and their cotangents: 4H×B.
    z: Vec<f32>,
    /// The gates i, f, g, o of every step, 4H×B each.
    gates: Vec<Vec<f32>>,
    /// From the initial ones on: H×B each.
    h: Vec<Vec<f32>>,
    c: Vec<Vec<f32>>,
    dh: Vec<f32>,
    dc: Vec<f32>,
    pub answer: Answer,
}

impl<'a> ByHand<'a> {
    pub fn new(problem: &'a Problem, products: Products, functions: Functions) -> Self {
        let Sizes { steps, batch, hidden, .. } = problem.sizes;
        let state = || vec![0.0; hidden * batch];
        let gates = || vec![0.0; 4 * hidden * batch];
        let gradients = [&problem.w, &problem.u, &problem.b].map(|weight| vec![0.0; weight.len()]);
        Self {
            problem,
            products,
            functions,
            z: gates(),
            gates: (0..steps).map(|_| gates()).collect(),
            h: (0..=steps).map(|_| state()).collect(),
            c: (0..=steps).map(|_| state()).collect(),
            dh: state(),
            dc: state(),
            answer: Answer { loss: 0.0, gradients },
        }
    }

    /// One training step, but for the optimiser's.
    pub fn train(&mut self) {
        let steps = self.problem.sizes.steps;
        self.answer.gradients.iter_mut().for_each(|d| d.fill(0.0));
        (0..steps).for_each(|t| self.forward(t));
        let all = self.h[1..].iter().flatten();
        self.answer.loss = all.map(|&h| f64::from(h) * f64::from(h)).sum();
        self.dh.fill(0.0);
        self.dc.fill(0.0);
        (0..steps).rev().for_each(|t| self.backward(t));
    }

    // ANCHOR: forward
    /// The equations of a step: from `h[t]` and `c[t]` to `h[t + 1]` and `c[t + 1]`.
    fn forward(&mut self, t: usize) {
        let (p, n) = (self.problem, self.problem.sizes.batch);
        self.z.chunks_exact_mut(n).zip(&p.b).for_each(|(z, &b)| z.fill(b));
        (self.products.forward)(&mut self.z, &p.w, p.x(t), n);
        (self.products.forward)(&mut self.z, &p.u, &self.h[t], n);

        let [z_i, z_f, z_g, z_o] = parts(&self.z);
        let [i, f, g, o] = parts_mut(&mut self.gates[t]);
        (self.functions.sigmoid)(i, z_i);
        (self.functions.sigmoid)(f, z_f);
        (self.functions.tanh)(g, z_g);
        (self.functions.sigmoid)(o, z_o);

        let (before, after) = self.c.split_at_mut(t + 1);
        let (before, c, h) = (&before[t], &mut after[0], &mut self.h[t + 1]);
        for k in 0..c.len() {
            c[k] = f[k] * before[k] + i[k] * g[k];
        }
        (self.functions.tanh)(h, c);
        h.iter_mut().zip(o).for_each(|(h, o)| *h *= *o);
    }
    // ANCHOR_END: forward

    // ANCHOR: backward
    /// The equations' derivation, from the last line to the first.
    fn backward(&mut self, t: usize) {
        let (p, n) = (self.problem, self.problem.sizes.batch);
        let [i, f, g, o] = parts(&self.gates[t]);
        let [dz_i, dz_f, dz_g, dz_o] = parts_mut(&mut self.z);
        let (before, c, h) = (&self.c[t], &self.c[t + 1], &self.h[t + 1]);
        let tanh_c = &mut vec![0.0; c.len()][..];
        (self.functions.tanh)(tanh_c, c);
        for k in 0..c.len() {
            let dh = self.dh[k] + 2.0 * h[k]; // the loss is the sum of all h²
            let dc = self.dc[k] + dh * o[k] * (1.0 - tanh_c[k] * tanh_c[k]);
            dz_i[k] = dc * g[k] * i[k] * (1.0 - i[k]);
            dz_f[k] = dc * before[k] * f[k] * (1.0 - f[k]);
            dz_g[k] = dc * i[k] * (1.0 - g[k] * g[k]);
            dz_o[k] = dh * tanh_c[k] * o[k] * (1.0 - o[k]);
            self.dc[k] = dc * f[k];
        }
        let [dw, du, db] = &mut self.answer.gradients;
        self.dh.fill(0.0);
        (self.products.back)(&mut self.dh, &p.u, &self.z, n);
        (self.products.weight)(dw, &self.z, p.x(t), n);
        (self.products.weight)(du, &self.z, &self.h[t], n);
        for (db, dz) in db.iter_mut().zip(self.z.chunks_exact(n)) {
            *db += dz.iter().sum::<f32>();
        }
    }
    // ANCHOR_END: backward
}
