//! A layer `h = tanh(W x + b)`, and a layer around which its input is led: `y = x + V tanh(W x)`.

use crate::{Mutant, V, mutant};
use autograd::Tape;
use autograd::check::{Check, Kind};

pub fn all() -> Vec<Mutant> {
    [layer(), residual()].into_iter().flatten().collect()
}

fn equations<'t>(tape: &'t Tape<f64>, v: &[V<'t>]) -> V<'t> {
    tape.affine(&[(v[0], v[1])], v[2]).label("z").tanh().label("h")
}

fn layer() -> Vec<Mutant> {
    use Kind::{Factor, MissingFactor, NotSummed, Sign, WrongPoint, Zero};
    let check = Check::new(51)
        .random_input("W", 3, 4, 0.7)
        .random_input("x", 4, 5, 1.0)
        .random_input("b", 3, 1, 0.7)
        .size("B", 5)
        .book("part1/vjps.md");
    let z = |v: &[V<'_>]| v[0].tape().affine(&[(v[0], v[1])], v[2]).value();
    let dz_at = move |v: &[V<'_>], dh: &[f64], slope: fn(f64) -> f64| -> Vec<f64> {
        z(v).iter().zip(dh).map(|(z, dh)| dh * slope(*z)).collect()
    };
    fn after<'t>(v: &[V<'t>], dz: V<'t>) -> Vec<V<'t>> {
        vec![dz.matmul_t(v[1]), v[0].t_matmul(dz), dz.sum_cols()]
    }
    let right: fn(f64) -> f64 = |z| 1.0 - z.tanh().powi(2);
    vec![
        mutant("layer: slope of tanh at the pre-activation", &[WrongPoint], &check, equations, |v, dh| {
            let dz = v[0].tape().constant(3, 5, &dz_at(v, &dh.value(), |z| 1.0 - z * z));
            after(v, dz)
        }),
        mutant("layer: slope forgotten", &[MissingFactor], &check, equations, after),
        mutant("layer: slope for b alone forgotten", &[], &check, equations, |v, dh| {
            let dz = v[0].tape().constant(3, 5, &dz_at(v, &dh.value(), right));
            let mut all = after(v, dz);
            all[2] = dh.sum_cols();
            all
        }),
        mutant("layer: sign of everything", &[Sign], &check, equations, |v, dh| {
            after(v, v[0].tape().constant(3, 5, &dz_at(v, &(-dh).value(), right)))
        }),
        mutant("layer: W divided by B", &[Factor], &check, equations, |v, dh| {
            let mut all = after(v, v[0].tape().constant(3, 5, &dz_at(v, &dh.value(), right)));
            all[0] = all[0] / 5.0;
            all
        }),
        mutant("layer: nothing for x", &[Zero], &check, equations, |v, dh| {
            let mut all = after(v, v[0].tape().constant(3, 5, &dz_at(v, &dh.value(), right)));
            all[1] = all[1] * 0.0;
            all
        }),
        mutant("layer: bias of the last example", &[NotSummed], &check, equations, |v, dh| {
            let dz = v[0].tape().constant(3, 5, &dz_at(v, &dh.value(), right));
            let mut all = after(v, dz);
            all[2] = dz.matmul(v[0].tape().constant(5, 1, &[0.0, 0.0, 0.0, 0.0, 1.0]));
            all
        }),
        mutant("layer: slope twice", &[], &check, equations, |v, dh| {
            after(v, v[0].tape().constant(3, 5, &dz_at(v, &dh.value(), |z| (1.0 - z.tanh().powi(2)).powi(2))))
        }),
    ]
}

fn residual() -> Vec<Mutant> {
    use Kind::{Factor, MissingFactor, MissingTerm, Sign, Transposed, Zero};
    let check =
        Check::new(52).random_input("W", 3, 3, 0.7).random_input("V", 3, 3, 0.7).random_input("x", 3, 4, 1.0);
    fn equations<'t>(_: &'t Tape<f64>, v: &[V<'t>]) -> V<'t> {
        let h = v[0].matmul(v[2]).label("z").tanh().label("h");
        v[2] + v[1].matmul(h)
    }
    fn parts<'t>(v: &[V<'t>], dy: V<'t>) -> (V<'t>, V<'t>) {
        let h = v[0].matmul(v[2]).tanh();
        (h, v[1].t_matmul(dy) * (1.0 - h * h))
    }
    vec![
        mutant("residual: the way around forgotten", &[MissingTerm], &check, equations, |v, dy| {
            let (h, dz) = parts(v, dy);
            vec![dz.matmul_t(v[2]), dy.matmul_t(h), v[0].t_matmul(dz)]
        }),
        mutant("residual: the way through forgotten", &[MissingTerm], &check, equations, |v, dy| {
            let (h, dz) = parts(v, dy);
            vec![dz.matmul_t(v[2]), dy.matmul_t(h), dy]
        }),
        mutant("residual: sign of the way through", &[Sign], &check, equations, |v, dy| {
            let (h, dz) = parts(v, dy);
            vec![dz.matmul_t(v[2]), dy.matmul_t(h), dy - v[0].t_matmul(dz)]
        }),
        mutant("residual: the way around twice", &[Factor], &check, equations, |v, dy| {
            let (h, dz) = parts(v, dy);
            vec![dz.matmul_t(v[2]), dy.matmul_t(h), dy * 2.0 + v[0].t_matmul(dz)]
        }),
        mutant("residual: a third of the way around", &[Factor], &check, equations, |v, dy| {
            let (h, dz) = parts(v, dy);
            vec![dz.matmul_t(v[2]), dy.matmul_t(h), dy / 3.0 + v[0].t_matmul(dz)]
        }),
        mutant("residual: V for its transpose", &[Transposed], &check, equations, |v, dy| {
            let (h, _) = parts(v, dy);
            let dz = v[1].matmul(dy) * (1.0 - h * h);
            vec![dz.matmul_t(v[2]), dy.matmul_t(h), dy + v[0].t_matmul(dz)]
        }),
        mutant("residual: W for its transpose", &[Transposed], &check, equations, |v, dy| {
            let (h, dz) = parts(v, dy);
            vec![dz.matmul_t(v[2]), dy.matmul_t(h), dy + v[0].matmul(dz)]
        }),
        mutant("residual: V forgotten on the way", &[MissingFactor], &check, equations, |v, dy| {
            let (h, _) = parts(v, dy);
            let dz = dy * (1.0 - h * h);
            vec![dz.matmul_t(v[2]), dy.matmul_t(h), dy + v[0].t_matmul(dz)]
        }),
        mutant("residual: W never learns", &[Zero], &check, equations, |v, dy| {
            let (h, dz) = parts(v, dy);
            vec![v[0] * 0.0, dy.matmul_t(h), dy + v[0].t_matmul(dz)]
        }),
    ]
}
