//! Elementwise work, strip by strip.
//!
//! A step of an LSTM goes over a dozen arrays of H·B numbers, several times. One array after the other,
//! they come from the second-level cache each time. Strip by strip they stay in the first; and threads
//! can share the strips.

use crate::threads;
use autograd::Float;

/// Entries of a strip: a dozen strips fit into 32 KiB.
const STRIP: usize = 512;

/// Calls `f` for every strip with that part of all outputs and inputs, which have one length.
///
/// ```
/// use models::cells::sequence::strips;
///
/// let (a, b) = (vec![1.0; 1000], vec![2.0; 1000]);
/// let (mut sum, mut product) = (vec![0.0; 1000], vec![0.0; 1000]);
/// strips([&mut sum, &mut product], [&a, &b], |[sum, product], [a, b]| {
///     autograd::simd::map2(sum, a, b, |sum, a, b| *sum = a + b);
///     autograd::simd::map2(product, a, b, |product, a, b| *product = a * b);
/// });
/// assert_eq!((sum[999], product[999]), (3.0, 2.0));
/// ```
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn strips<T: Float, const O: usize, const I: usize>(
    outputs: [&mut [T]; O],
    inputs: [&[T]; I],
    f: impl Fn([&mut [T]; O], [&[T]; I]) + Sync,
) {
    let n = outputs[0].len();
    let equal = outputs.iter().all(|y| y.len() == n) && inputs.iter().all(|x| x.len() == n);
    assert!(equal, "strips: an array has not {n} entries like the first");
    // An entry takes some cycles, in each of which a product does 32 multiplications.
    share(outputs, inputs, &f, threads::worth(128 * n));
}

fn share<T: Float, const O: usize, const I: usize>(
    outputs: [&mut [T]; O],
    inputs: [&[T]; I],
    f: &(impl Fn([&mut [T]; O], [&[T]; I]) + Sync),
    threads: usize,
) {
    let first = threads / 2;
    if first > 0 {
        let at = (outputs[0].len() * first / threads).next_multiple_of(STRIP).min(outputs[0].len());
        let mut halves = outputs.map(|y| {
            let (above, below) = y.split_at_mut(at);
            [above, below]
        });
        let [above, below] = [0, 1].map(|half| inputs.map(|x| if half == 0 { &x[..at] } else { &x[at..] }));
        let [y_above, y_below] = [0, 1].map(|half| halves.each_mut().map(|y| std::mem::take(&mut y[half])));
        threads::join(|| share(y_above, above, f, first), || share(y_below, below, f, threads - first));
        return;
    }
    let n = outputs[0].len();
    let (mut outputs, mut inputs) = (outputs.map(|y| y.chunks_mut(STRIP)), inputs.map(|x| x.chunks(STRIP)));
    for _ in 0..n.div_ceil(STRIP) {
        let y = outputs.each_mut().map(|y| y.next().unwrap_or_default());
        let x = inputs.each_mut().map(|x| x.next().unwrap_or_default());
        f(y, x);
    }
}
