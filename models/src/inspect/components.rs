//! Principal components: the three directions in which a state moves most.

use super::record::Traced;
use faer::Mat;

/// A path through space, and how much of the whole movement it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Components {
    /// Where the state is at every step: its three coordinates.
    pub points: Vec<[f32; 3]>,
    /// The share of the variance along each of the three directions.
    pub share: [f32; 3],
}

/// The principal components of a quantity over time: with X (T×U) its values less their mean over time and X = U S Vᵀ the
/// singular value decomposition, the coordinates are the first three columns of U S, their shares s² ⁄ Σ s².
///
/// A direction and its opposite are as good as each other: of the two we take the one whose largest entry is positive, so that
/// pictures of successive moments do not flip. Pearson, "On lines and planes of closest fit" (1901).
pub fn components(quantity: &Traced) -> Components {
    let (steps, units) = (quantity.steps(), quantity.units);
    let entry = |t: usize, u: usize| f64::from(quantity.value[t * units + u]);
    let means: Vec<f64> =
        (0..units).map(|u| (0..steps).map(|t| entry(t, u)).sum::<f64>() / steps as f64).collect();
    let x = Mat::from_fn(steps, units, |t, u| entry(t, u) - means[u]);
    let (mut points, mut share) = (vec![[0.0; 3]; steps], [0.0; 3]);
    // It fails on numbers that are not finite only, and those do not get into a record.
    let Ok(svd) = x.thin_svd() else { return Components { points, share } };
    let singular: Vec<f64> = (0..steps.min(units)).map(|k| svd.S()[k]).collect();
    let total: f64 = singular.iter().map(|s| s * s).sum();
    for k in 0..3.min(singular.len()) {
        let largest =
            (0..units).map(|u| svd.V()[(u, k)]).fold(0.0, |m: f64, v| if v.abs() > m.abs() { v } else { m });
        for (t, point) in points.iter_mut().enumerate() {
            point[k] = (svd.U()[(t, k)] * singular[k] * largest.signum()) as f32;
        }
        share[k] = if total > 0.0 { (singular[k] * singular[k] / total) as f32 } else { 0.0 };
    }
    Components { points, share }
}
