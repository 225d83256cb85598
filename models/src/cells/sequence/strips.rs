//! Elementwise work, strip by strip.
//!
//! A step of an LSTM goes over a dozen arrays of H·B numbers, several times. One array after the other,
//! they come from the second-level cache each time. Strip by strip they stay in the first; and threads
//! can share the strips.

use crate::threads;
use autograd::Float;

/// Entries of a strip: a dozen strips fit into 32 KiB.
const STRIP: usize = 512;

/// Entries of a strip where there are no more: less working memory to clear.
const SHORT: usize = 64;

/// How many outputs may be empty.
const SPARE: usize = 4;

/// Calls `f` for every strip with that part of all outputs and inputs, which have one length.
///
/// In the place of an output that is empty, `f` gets working memory, the same for every strip: what only
/// `f` itself needs never leaves the first-level cache. At most four outputs may be empty.
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
/// If the lengths differ, or more than four outputs are empty.
#[track_caller]
pub fn strips<T: Float, const O: usize, const I: usize>(
    outputs: [&mut [T]; O],
    inputs: [&[T]; I],
    f: impl Fn([&mut [T]; O], [&[T]; I]) + Sync,
) {
    let n = outputs.iter().map(|y| y.len()).max().unwrap_or(0);
    let empty = outputs.iter().filter(|y| y.is_empty()).count();
    let equal = outputs.iter().all(|y| y.is_empty() || y.len() == n) && inputs.iter().all(|x| x.len() == n);
    assert!(equal, "strips: an array has not {n} entries like another");
    assert!(n == 0 || empty <= SPARE, "strips: {empty} outputs are empty, at most {SPARE} may be");
    // An entry takes some cycles, in each of which a product does 32 multiplications.
    let threads = threads::worth(128 * n);
    // Working memory is cleared: none where none is needed.
    threads::share_entries(n, threads, outputs, inputs, &|n, y, x| match (n <= SHORT, empty) {
        (true, 0) => in_turn::<T, SHORT, 0, O, I>(n, y, x, &f),
        (true, _) => in_turn::<T, SHORT, SPARE, O, I>(n, y, x, &f),
        (false, 0) => in_turn::<T, STRIP, 0, O, I>(n, y, x, &f),
        (false, _) => in_turn::<T, STRIP, SPARE, O, I>(n, y, x, &f),
    });
}

/// Strips of S entries, one after the other, with working memory for P outputs.
fn in_turn<T: Float, const S: usize, const P: usize, const O: usize, const I: usize>(
    n: usize,
    outputs: [&mut [T]; O],
    inputs: [&[T]; I],
    // Not generic here: it is called once a strip, and this need not be compiled for every `f`.
    f: &dyn Fn([&mut [T]; O], [&[T]; I]),
) {
    let mut spare = [[T::ZERO; S]; P];
    let (mut outputs, mut inputs) = (outputs.map(|y| y.chunks_mut(S)), inputs.map(|x| x.chunks(S)));
    for start in (0..n).step_by(S) {
        let (len, mut spare) = (S.min(n - start), spare.iter_mut());
        let y = outputs.each_mut().map(|y| match y.next() {
            Some(strip) => strip,
            None => &mut spare.next().expect("counted by strips")[..len],
        });
        let x = inputs.each_mut().map(|x| x.next().unwrap_or_default());
        f(y, x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::simd::map1;

    #[test]
    fn working_memory_takes_the_place_of_empty_outputs() {
        for n in [0, 1, STRIP - 1, STRIP, STRIP + 1, 3 * STRIP + 5] {
            let a: Vec<f64> = (0..n).map(|k| k as f64).collect();
            let (mut y, mut seen) = (vec![0.0; n], vec![0.0; n]);
            for shown in [&mut [][..], &mut seen] {
                strips([&mut [], &mut y, shown], [&a], |[square, y, shown], [a]| {
                    map1(square, a, |square, a| *square = a * a);
                    map1(y, square, |y, square| *y = square + 1.0);
                    map1(shown, square, |shown, square| *shown = square);
                });
                assert!(y.iter().zip(&a).all(|(y, a)| *y == a * a + 1.0), "{n} entries");
            }
            assert!(seen.iter().zip(&a).all(|(seen, a)| *seen == a * a), "{n} entries");
        }
    }

    #[test]
    #[should_panic = "strips: 5 outputs are empty, at most 4 may be"]
    fn there_is_working_memory_for_four() {
        let mut y = [0.0];
        strips([&mut [], &mut [], &mut [], &mut [], &mut [], &mut y], [&[1.0]], |_, _| ());
    }

    #[test]
    #[should_panic = "strips: an array has not 2 entries like another"]
    fn lengths_must_agree() {
        strips([&mut [0.0; 2]], [&[1.0; 3]], |_, _| ());
    }
}
