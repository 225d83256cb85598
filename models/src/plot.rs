//! A line plot as SVG, small enough to read: for training curves, and for the book's figures of real runs.
//!
//! Axes and letters are drawn in `currentColor`, so that they follow the page's theme; a series takes
//! the colour of a CSS class such as `q-h`. A plot that is a file of its own brings its style along.
//!
//! ```
//! use models::plot::{Axis, Plot};
//! let points = [(0.0, 3.3), (100.0, 0.13), (250.0, 0.02)];
//! let x = Axis::around("step", points.iter().map(|p| p.0));
//! let y = Axis::around("loss", points.iter().map(|p| p.1));
//! assert_eq!((y.from, y.to, y.step), (0.0, 3.5, 0.5));
//! let svg = Plot::new(x, y).line(points, "mine", "").style(".mine { color: teal }").svg();
//! # assert!(svg.contains("teal"));
//! ```

use std::fmt::Write;

// Size of the drawing and of the margins around the axes, in SVG units; the page scales them.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 15.0;
const BOTTOM: f64 = 50.0;

/// One axis: what it shows, and from where to where.
#[derive(Clone, Copy, Debug)]
pub struct Axis<'a> {
    /// Name and unit.
    pub title: &'a str,
    /// Its least value.
    pub from: f64,
    /// Its greatest value.
    pub to: f64,
    /// The distance between two marks.
    pub step: f64,
}

impl<'a> Axis<'a> {
    /// An axis that holds these values, with 4 to 10 marks at round numbers. From 0 to 1 if there are none.
    pub fn around(title: &'a str, values: impl Iterator<Item = f64>) -> Self {
        let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        let (least, most) = if least <= most { (least, most) } else { (0.0, 1.0) };
        let range = if least < most { most - least } else { 1.0 };
        // The largest of 1, 2 and 5 times a power of ten with which there are four marks or more.
        let ten = 10_f64.powf((range / 4.0).log10().floor());
        let step =
            [5.0, 2.0, 1.0].map(|k| k * ten).into_iter().find(|step| range / step >= 4.0).unwrap_or(ten);
        let (from, to) = ((least / step).floor() * step, (most / step).ceil() * step);
        Self { title, from, to: if from < to { to } else { from + step }, step }
    }

    /// Where `value` lies on the axis: 0 at its start, 1 at its end.
    fn place(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }

    /// The values that are marked. Counted, not summed, so that rounding does not lose the last one.
    fn marks(&self) -> impl Iterator<Item = f64> {
        let count = ((self.to - self.from) / self.step + 1e-9).floor() as usize;
        (0..=count).map(|k| self.from + k as f64 * self.step)
    }

    /// As many decimals as the marks need to differ.
    fn label(&self, value: f64) -> String {
        let decimals = (-self.step.log10()).ceil().max(0.0) as usize;
        format!("{value:.decimals$}")
    }
}

/// A drawing under way.
#[derive(Clone, Debug)]
pub struct Plot<'a> {
    x: Axis<'a>,
    y: Axis<'a>,
    body: String,
}

impl<'a> Plot<'a> {
    /// Empty axes.
    pub fn new(x: Axis<'a>, y: Axis<'a>) -> Self {
        let mut plot = Self { x, y, body: String::new() };
        for value in x.marks() {
            let (at, _) = plot.at(value, y.from);
            plot.grid_line(at, TOP, at, HEIGHT - BOTTOM);
            plot.text(at, HEIGHT - BOTTOM + 20.0, "middle", &x.label(value));
        }
        for value in y.marks() {
            let (_, at) = plot.at(x.from, value);
            plot.grid_line(LEFT, at, WIDTH - RIGHT, at);
            plot.text(LEFT - 8.0, at + 5.0, "end", &y.label(value));
        }
        plot.text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8.0, "middle", x.title);
        let (across, down) = (16.0, (TOP + HEIGHT - BOTTOM) / 2.0);
        let turned = format!("transform=\"rotate(-90 {across} {down})\"");
        let _ = writeln!(
            plot.body,
            "<text x=\"{across}\" y=\"{down}\" text-anchor=\"middle\" {turned}>{}</text>",
            y.title
        );
        plot
    }

    /// A series of points joined by a line; `dash` is SVG's stroke-dasharray, empty for a full line.
    pub fn line(mut self, points: impl IntoIterator<Item = (f64, f64)>, class: &str, dash: &str) -> Self {
        let mut path = String::new();
        for (x, y) in points {
            let (x, y) = self.at(x, y);
            let _ = write!(path, "{x:.1},{y:.1} ");
        }
        let style =
            format!("fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.5\" stroke-dasharray=\"{dash}\"");
        let _ = writeln!(self.body, "<polyline class=\"{class}\" points=\"{}\" {style}/>", path.trim_end());
        self
    }

    /// A dot, with a word beside it.
    pub fn dot(mut self, (x, y): (f64, f64), class: &str, label: &str) -> Self {
        let (x, y) = self.at(x, y);
        let _ = writeln!(
            self.body,
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"currentColor\"/>"
        );
        self.text(x + 10.0, y - 8.0, "start", label);
        self
    }

    /// A word that begins at a point.
    pub fn word(mut self, (x, y): (f64, f64), word: &str) -> Self {
        let (x, y) = self.at(x, y);
        self.text(x, y, "start", word);
        self
    }

    /// A style of its own, for a plot that no page gives one.
    pub fn style(mut self, css: &str) -> Self {
        let _ = writeln!(self.body, "<style>{css}</style>");
        self
    }

    /// The finished SVG.
    pub fn svg(self) -> String {
        let frame =
            format!("viewBox=\"0 0 {WIDTH} {HEIGHT}\" class=\"plot\" font-size=\"14\" fill=\"currentColor\"");
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" {frame}>\n{}</svg>\n", self.body)
    }

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let across = LEFT + self.x.place(x) * (WIDTH - LEFT - RIGHT);
        let down = HEIGHT - BOTTOM - self.y.place(y) * (HEIGHT - TOP - BOTTOM);
        (across, down)
    }

    fn grid_line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64) {
        let ends = format!("x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"");
        let _ = writeln!(self.body, "<line {ends} stroke=\"currentColor\" stroke-opacity=\"0.2\"/>");
    }

    fn text(&mut self, x: f64, y: f64, anchor: &str, text: &str) {
        let _ = writeln!(self.body, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_lies_where_the_axes_say() {
        let axis = Axis { title: "t", from: 0.0, to: 0.3, step: 0.1 };
        assert_eq!(axis.marks().map(|v| axis.label(v)).collect::<Vec<_>>(), ["0.0", "0.1", "0.2", "0.3"]);
        let svg = Plot::new(axis, axis).line([(0.0, 0.0), (0.3, 0.3)], "q-h", "").svg();
        let corners = format!("points=\"{LEFT:.1},{:.1} {:.1},{TOP:.1}\"", HEIGHT - BOTTOM, WIDTH - RIGHT);
        assert!(svg.contains(&corners), "{svg}");
    }
}
