//! The results as a picture: a dot for every run at the step at which it solved the task, a ring at the right margin
//! for one that did not; and below, if the task shows something point by point, a line for each network.

use super::{Line, Outcome, Profile};
use std::fmt::Write;

// Sizes in SVG units.
const WIDTH: f64 = 720.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 30.0;
const ROW: f64 = 24.0;
const AXIS: f64 = 50.0;
const CURVES: f64 = 240.0;

/// Okabe and Ito's colours (2008), which colour-blind readers can tell apart, and two more.
const COLOURS: [&str; 10] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#999999", "#6a51a3",
    "#a50026",
];

/// The SVG of one experiment.
pub fn picture(outcome: &Outcome) -> String {
    let mut svg = Svg::default();
    let rows = outcome.networks.len() as f64 * ROW;
    svg.text(WIDTH / 2.0, 18.0, "middle", &format!("{}: steps until it is solved", outcome.task));
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let x = across(share);
        svg.line(x, TOP, x, TOP + rows);
        svg.text(x, TOP + rows + 18.0, "middle", &format!("{:.0}", share * outcome.steps as f64));
    }
    svg.text(across(1.0) + RIGHT / 2.0, TOP + rows + 18.0, "middle", "not solved");
    for (number, line) in outcome.networks.iter().enumerate() {
        svg.runs(line, TOP + (number as f64 + 0.5) * ROW, COLOURS[number % COLOURS.len()], outcome.steps);
    }
    let mut height = TOP + rows + AXIS;
    if let Some(profile) = &outcome.profile {
        svg.curves(profile, &outcome.networks, height);
        height += CURVES + AXIS;
    }
    let frame =
        format!("viewBox=\"0 0 {WIDTH} {height}\" class=\"plot\" font-size=\"13\" fill=\"currentColor\"");
    format!("<svg xmlns=\"http://www.w3.org/2000/svg\" {frame}>\n{}</svg>\n", svg.0)
}

/// Where a share of the horizontal axis lies.
fn across(share: f64) -> f64 {
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

#[derive(Default)]
struct Svg(String);

impl Svg {
    fn text(&mut self, x: f64, y: f64, anchor: &str, text: &str) {
        let _ = writeln!(self.0, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
    }

    fn line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64) {
        let ends = format!("x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"");
        let _ = writeln!(self.0, "<line {ends} stroke=\"currentColor\" stroke-opacity=\"0.2\"/>");
    }

    /// One network's runs, side by side a little so that equal ones can be counted.
    fn runs(&mut self, line: &Line, y: f64, colour: &str, steps: u64) {
        self.text(LEFT - 12.0, y + 4.0, "end", &line.network);
        let mut missed = 0;
        for (number, run) in line.runs.iter().enumerate() {
            let y = y + 3.0 * (number as f64 - (line.runs.len() as f64 - 1.0) / 2.0);
            let (x, fill) = match run.solved {
                true => (across(run.steps as f64 / steps as f64), colour),
                false => {
                    missed += 1;
                    (across(1.0) + 12.0 * missed as f64, "none")
                }
            };
            let _ = writeln!(
                self.0,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{fill}\" stroke=\"{colour}\"/>"
            );
        }
    }

    /// A line for each network through the points of the profile, from 0 up to the highest.
    fn curves(&mut self, profile: &Profile, lines: &[Line], top: f64) {
        let figures = lines.iter().flat_map(|line| line.profile.iter().copied());
        let highest = figures.fold(f64::MIN_POSITIVE, f64::max);
        let bottom = top + CURVES;
        let x = |k: usize| across(k as f64 / (profile.labels.len() - 1).max(1) as f64);
        let y = |figure: f64| bottom - figure / highest * (CURVES - 30.0);
        self.text(WIDTH / 2.0, top + 14.0, "middle", &profile.of);
        for share in [0.0, 0.5, 1.0] {
            self.line(LEFT, y(share * highest), across(1.0), y(share * highest));
            self.text(LEFT - 8.0, y(share * highest) + 4.0, "end", &format!("{:.2}", share * highest));
        }
        profile
            .labels
            .iter()
            .enumerate()
            .for_each(|(k, label)| self.text(x(k), bottom + 18.0, "middle", label));
        for (number, line) in lines.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let points = line.profile.iter().enumerate().map(|(k, &f)| format!("{:.1},{:.1}", x(k), y(f)));
            let points = points.collect::<Vec<_>>().join(" ");
            let _ = writeln!(
                self.0,
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
            );
        }
    }
}
