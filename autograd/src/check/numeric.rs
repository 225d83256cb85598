//! Derivatives by differences.
//!
//! The central difference `D(h) = (s(x+h) − s(x−h)) / 2h` misses the derivative by a term in h²;
//! `(4 D(h/2) − D(h)) / 3` cancels that term (Richardson 1911) and leaves h⁴. Rounding adds an error
//! of about ε |s| / h, which grows as the step shrinks. No step suits every function, so several
//! are tried.

use super::report::{Entry, ParameterReport, Trust};
use super::{Input, Random};

/// Relative steps, the one that suits most functions first.
// ANCHOR: steps
const STEPS: [f64; 5] = [1e-3, LARGEST_STEP, 1e-4, 1e-5, 1e-6];
const LARGEST_STEP: f64 = 1e-2;
// ANCHOR_END: steps

/// Along how many random directions a large parameter is checked, and at how many of its entries
/// a failed check looks.
const DIRECTIONS: usize = 3;
const LOOKED_AT: usize = 200;

/// A function, the point, and the cotangents that make numbers of its outputs.
pub(super) struct Numeric<'a> {
    /// Behind a reference, so that this code is compiled once and not once per function checked.
    pub f: &'a dyn Fn(&[Vec<f64>]) -> Vec<f64>,
    pub x: &'a [Vec<f64>],
    pub cotangents: &'a [Vec<f64>],
    pub tolerance: f64,
    /// What the gradient should be, `[cotangent][input][entry]`, where equations say so.
    pub known: Option<&'a [Vec<Vec<f64>>]>,
}

/// A derivative by differences, one value per cotangent, how far rounding may have moved it, and how
/// far it would at the largest step.
struct Estimate {
    slope: Vec<f64>,
    noise: f64,
    least_noise: f64,
}

/// Of several steps, whose estimates they are, the first of the two that agree best with each other. (The
/// step that agrees best with a wrong gradient is no good one.)
fn most_trusted(mut slopes: Vec<Estimate>) -> Vec<f64> {
    let apart = |i: usize, j: usize| {
        let pairs = slopes[i].slope.iter().zip(&slopes[j].slope);
        pairs.map(|(p, q)| (p - q).abs()).fold(0.0, |m, d| if d <= m { m } else { d })
    };
    let pairs = (0..slopes.len()).flat_map(|j| (0..j).map(move |i| (i, j)));
    let best = pairs.map(|(i, j)| (apart(i, j), i)).min_by(|a, b| a.0.total_cmp(&b.0));
    slopes.swap_remove(best.map_or(0, |(_, i)| i)).slope
}

impl Numeric<'_> {
    /// Every entry of input `k`. `yours` holds its gradient for each cotangent.
    pub fn entries(&self, k: usize, input: &Input, yours: &[&[f64]]) -> ParameterReport {
        let all: Vec<usize> = (0..input.value.len()).collect();
        self.at_entries(k, input, yours, &all)
    }

    fn at_entries(&self, k: usize, input: &Input, yours: &[&[f64]], places: &[usize]) -> ParameterReport {
        let mut report = ParameterReport::new(input, places.len());
        for &place in places {
            let mut direction = vec![0.0; input.value.len()];
            direction[place] = 1.0;
            let yours: Vec<f64> = yours.iter().map(|gradient| gradient[place]).collect();
            let scale = input.value[place].abs().max(1.0);
            let known = self.known.map(|all| all.iter().map(|gradients| gradients[k][place]).collect());
            let at = (place / input.cols, place % input.cols);
            let (entry, right) = self.compare(k, &direction, scale, (&yours, known), at);
            report.add(entry);
            report.yours.push(yours);
            report.right.push(right);
        }
        report
    }

    /// Random directions in input `k`; if one disagrees, a sample of its entries.
    pub fn directions(
        &self,
        k: usize,
        input: &Input,
        yours: &[&[f64]],
        random: &mut Random,
    ) -> ParameterReport {
        let mut report = ParameterReport::new(input, DIRECTIONS);
        for number in 0..DIRECTIONS {
            // ANCHOR: direction
            // Of length about 1, so that the step moves the function as one entry's step would.
            let length = (input.value.len() as f64).sqrt();
            let direction: Vec<f64> = random.normals(input.value.len()).iter().map(|v| v / length).collect();
            let dot = |gradient: &&[f64]| gradient.iter().zip(&direction).map(|(g, v)| g * v).sum();
            // ANCHOR_END: direction
            let yours: Vec<f64> = yours.iter().map(dot).collect();
            report.add(self.compare(k, &direction, 1.0, (&yours, None), (number, 0)).0);
        }
        if report.wrong == 0 {
            return report.along_directions();
        }
        let places: Vec<usize> = (0..LOOKED_AT).map(|_| random.below(input.value.len())).collect();
        let sample = self.at_entries(k, input, yours, &places);
        if sample.wrong == 0 { report.along_directions() } else { sample }
    }

    /// Your derivative along a direction against the numeric one, at the step that agrees best; and the
    /// numeric one for every cotangent.
    fn compare(
        &self,
        k: usize,
        direction: &[f64],
        scale: f64,
        (yours, known): (&[f64], Option<Vec<f64>>),
        at: (usize, usize),
    ) -> (Entry, Vec<f64>) {
        let mut best: Option<Entry> = None;
        let mut slopes = Vec::new();
        // ANCHOR: tries
        for step in STEPS {
            let mut estimate = self.richardson(k, direction, step * scale);
            estimate.least_noise = estimate.noise * step / LARGEST_STEP;
            let entry = self.worst_cotangent(yours, &estimate, at);
            if !self.agrees(&entry)
                && let Some(known) = &known
                && let Some(disproved) = self.disproved(yours, known, &estimate, at)
            {
                return (disproved, known.clone());
            }
            let closer = best.as_ref().is_none_or(|b| entry.error < b.error || b.error.is_nan());
            slopes.push(estimate);
            if closer {
                best = Some(entry);
            }
            if best.as_ref().is_some_and(|best| self.agrees(best)) {
                break;
            }
        }
        // ANCHOR_END: tries
        let mut best = best.unwrap_or_else(|| unreachable!("there is at least one step"));
        best.wrong = !self.agrees(&best);
        if best.wrong {
            best.trust = self.trust(k, direction, scale, yours, &slopes);
        }
        (best, most_trusted(slopes))
    }

    /// Where the differences confirm what is known, it says whether yours is wrong: if so, by how much.
    fn disproved(
        &self,
        yours: &[f64],
        known: &[f64],
        estimate: &Estimate,
        at: (usize, usize),
    ) -> Option<Entry> {
        let confirmed = self.agrees(&self.worst_cotangent(known, estimate, at));
        let right = Estimate { slope: known.to_vec(), ..*estimate };
        let entry = self.worst_cotangent(yours, &right, at);
        (confirmed && !self.agrees(&entry)).then_some(Entry { wrong: true, ..entry })
    }

    /// A NaN agrees with nothing.
    fn agrees(&self, entry: &Entry) -> bool {
        entry.error <= self.tolerance
    }

    /// The relative error of the cotangent that disagrees most. What rounding explains is no error,
    /// but a step too small to see the derivative excuses nothing: rounding may explain a thousandth
    /// of it, or what it explains at the largest step.
    fn worst_cotangent(&self, yours: &[f64], estimate: &Estimate, at: (usize, usize)) -> Entry {
        let mut worst = Entry {
            row: at.0,
            col: at.1,
            yours: 0.0,
            numeric: 0.0,
            error: 0.0,
            wrong: false,
            trust: Trust::Stable,
        };
        for (number, (&yours, &numeric)) in yours.iter().zip(&estimate.slope).enumerate() {
            // ANCHOR: worst
            let size = yours.abs().max(numeric.abs());
            let excess = (yours - numeric).abs() - estimate.noise.min(estimate.least_noise.max(1e-3 * size));
            let error = if excess <= 0.0 { 0.0 } else { excess / size };
            // ANCHOR_END: worst
            // A NaN, once found, stays the worst.
            if number == 0 || error.is_nan() || error > worst.error {
                worst = Entry { yours, numeric, error, ..worst };
            }
        }
        worst
    }

    // ANCHOR: richardson
    fn richardson(&self, k: usize, direction: &[f64], h: f64) -> Estimate {
        let (wide, narrow) = (self.central(k, direction, h), self.central(k, direction, h / 2.0));
        let slope = wide.slope.iter().zip(&narrow.slope).map(|(w, n)| (4.0 * n - w) / 3.0).collect();
        Estimate { slope, noise: narrow.noise, least_noise: 0.0 }
    }
    // ANCHOR_END: richardson

    // ANCHOR: central
    fn central(&self, k: usize, direction: &[f64], h: f64) -> Estimate {
        self.difference(&self.moved(k, direction, h), &self.moved(k, direction, -h), 2.0 * h)
    }
    // ANCHOR_END: central

    /// `Σ r ⊙ (a − b) / width` for every cotangent `r`: subtract first, so that what the outputs
    /// have in common does not drown the difference.
    fn difference(&self, a: &[f64], b: &[f64], width: f64) -> Estimate {
        // ANCHOR: difference
        let slope = self
            .cotangents
            .iter()
            .map(|r| r.iter().zip(a).zip(b).map(|((r, a), b)| r * (a - b)).sum::<f64>() / width);
        let size = |r: &Vec<f64>| r.iter().zip(a).map(|(r, a)| (r * a).abs()).sum::<f64>();
        let largest = self.cotangents.iter().map(size).fold(0.0, f64::max);
        // The outputs are sums of many rounded terms: allow some tens of roundings.
        Estimate { slope: slope.collect(), noise: 64.0 * f64::EPSILON * largest / width, least_noise: 0.0 }
        // ANCHOR_END: difference
    }

    fn moved(&self, k: usize, direction: &[f64], h: f64) -> Vec<f64> {
        let mut x = self.x.to_vec();
        x[k].iter_mut().zip(direction).for_each(|(x, v)| *x += h * v);
        (self.f)(&x)
    }

    /// How far rounding moves the numbers, from the fourth differences along a line: of a smooth
    /// function they vanish with the spacing, and what is left is √70 roundings (Hamming 1962).
    fn rounding(&self, k: usize, direction: &[f64], spacing: f64) -> f64 {
        // ANCHOR: rounding
        let line: Vec<Vec<f64>> =
            (-4..=4).map(|j| self.moved(k, direction, f64::from(j) * spacing)).collect();
        let fourth = |r: &[f64], y: &[Vec<f64>]| -> f64 {
            let weights = [1.0, -4.0, 6.0, -4.0, 1.0];
            (0..r.len()).map(|at| r[at] * (0..5).map(|j| weights[j] * y[j][at]).sum::<f64>()).sum()
        };
        let all = self.cotangents.iter().flat_map(|r| line.windows(5).map(move |y| fourth(r, y).abs()));
        all.fold(0.0, f64::max) / 70_f64.sqrt()
        // ANCHOR_END: rounding
    }

    /// Whether to trust a disagreement: do two steps agree with each other ten times better than
    /// with yours, and is that more than rounding can do?
    fn trust(&self, k: usize, direction: &[f64], scale: f64, yours: &[f64], slopes: &[Estimate]) -> Trust {
        // By chance rounded numbers may lie on a smooth line at one spacing and at a tenth of it, but hardly at
        // 0.618 of both as well.
        let small = STEPS.iter().filter(|&&step| step < 1e-3).flat_map(|step| [*step, 0.618 * step]);
        let rounding = small.map(|spacing| self.rounding(k, direction, spacing * scale)).fold(0.0, f64::max);
        // Steps so small that the function stood still agree on 0, and know nothing.
        let still = |a: &Estimate| a.slope.iter().all(|p| *p == 0.0);
        let all_still = slopes.iter().all(still);
        // ANCHOR: confirm
        let confirm = |i: usize, j: usize| {
            let noise = 20.0 * rounding / (STEPS[i].min(STEPS[j]) * scale);
            let three = yours.iter().zip(&slopes[i].slope).zip(&slopes[j].slope);
            let mut gaps = three.map(|((y, p), q)| ((y - p).abs().min((y - q).abs()), (p - q).abs()));
            (all_still || !still(&slopes[i]))
                && gaps.any(|(off, apart)| {
                    apart.is_finite() && (off.is_nan() || off > (10.0 * apart).max(noise))
                })
        };
        // ANCHOR_END: confirm
        // A kink: the slope to the left and the slope to the right differ, however small the step.
        // ANCHOR: kink
        let here = (self.f)(self.x);
        let kink = [1e-4, 1e-6].iter().all(|step| {
            let h = step * scale;
            let right = self.difference(&self.moved(k, direction, h), &here, h);
            let left = self.difference(&here, &self.moved(k, direction, -h), h);
            let far =
                |(r, l): (&f64, &f64)| (r - l).abs() > 1e-2 * r.abs().max(l.abs()) + right.noise + left.noise;
            right.slope.iter().zip(&left.slope).any(far)
        });
        // ANCHOR_END: kink
        match () {
            () if kink => Trust::Kink,
            () if (0..slopes.len()).any(|i| (0..i).any(|j| confirm(i, j))) => Trust::Stable,
            () => Trust::Noise,
        }
    }
}
