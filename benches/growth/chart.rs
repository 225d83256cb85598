//! Curves on logarithmic axes, as SVG, on a bright ground or a dark one as the reader has it.

/// One drawing.
pub struct Panel {
    pub x: &'static str,
    pub y: &'static str,
    pub series: Vec<Series>,
}

/// One curve.
pub struct Series {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 300.0;
// The edges of the ground that the curves are drawn on.
const LEFT: f64 = 60.0;
const RIGHT: f64 = 400.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 255.0;
/// The colours of the first, second and third curve, and those of letters and ground.
const STYLE: &str = ".growth{color:#1f2328;background:#fff;font:12px sans-serif}
.growth .c0{color:#1557b0}.growth .c1{color:#c0231f}.growth .c2{color:#2a7030}
@media(prefers-color-scheme:dark){.growth{color:#e3e7ec;background:#14171c}
.growth .c0{color:#82b4ff}.growth .c1{color:#ff8f86}.growth .c2{color:#7fdc85}}";

/// Two panels a row.
pub fn svg(panels: &[Panel]) -> String {
    let mut body = String::new();
    for (k, panel) in panels.iter().enumerate() {
        let (across, down) = ((k % 2) as f64 * WIDTH, (k / 2) as f64 * HEIGHT);
        body += &format!("<g transform=\"translate({across} {down})\">\n{}</g>\n", draw(panel));
    }
    let (width, height) = (2.0 * WIDTH, panels.len().div_ceil(2) as f64 * HEIGHT);
    let frame = format!("viewBox=\"0 0 {width} {height}\" class=\"growth\" fill=\"currentColor\"");
    format!("<svg xmlns=\"http://www.w3.org/2000/svg\" {frame}>\n<style>{STYLE}</style>\n{body}</svg>\n")
}

/// The whole powers of ten around all values: the first and the last exponent.
fn decades(values: impl Iterator<Item = f64>) -> (i32, i32) {
    let (low, high) = values.fold((f64::MAX, f64::MIN_POSITIVE), |(low, high), v| (low.min(v), high.max(v)));
    let from = low.log10().floor() as i32;
    (from, (high.log10().ceil() as i32).max(from + 1))
}

fn draw(panel: &Panel) -> String {
    let points = || panel.series.iter().flat_map(|series| &series.points);
    let (xs, ys) = (decades(points().map(|p| p.0)), decades(points().map(|p| p.1)));
    let share = |value: f64, (from, to): (i32, i32)| (value.log10() - from as f64) / (to - from) as f64;
    let across = |x: f64| LEFT + share(x, xs) * (RIGHT - LEFT);
    let down = |y: f64| BOTTOM - share(y, ys) * (BOTTOM - TOP);
    let mut out = String::new();
    for value in (xs.0..=xs.1).map(|power| 10f64.powi(power)) {
        out += &grid_line(across(value), TOP, across(value), BOTTOM);
        out += &text(across(value), BOTTOM + 16.0, "middle", &value.to_string());
    }
    for value in (ys.0..=ys.1).map(|power| 10f64.powi(power)) {
        out += &grid_line(LEFT, down(value), RIGHT, down(value));
        out += &text(LEFT - 6.0, down(value) + 4.0, "end", &value.to_string());
    }
    out += &text((LEFT + RIGHT) / 2.0, HEIGHT - 8.0, "middle", panel.x);
    out += &text(LEFT, 14.0, "start", panel.y);
    for (k, series) in panel.series.iter().enumerate() {
        let path = series.points.iter().map(|&(x, y)| format!("{:.1},{:.1}", across(x), down(y)));
        let path = path.collect::<Vec<_>>().join(" ");
        let line = "fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"";
        // Costs grow: the upper left corner is free.
        let name = text(LEFT + 8.0, TOP + 14.0 + 16.0 * k as f64, "start", &series.name);
        out += &format!(
            "<g class=\"c{k}\" fill=\"currentColor\"><polyline points=\"{path}\" {line}/>\n{name}</g>\n"
        );
    }
    out
}

fn grid_line(x1: f64, y1: f64, x2: f64, y2: f64) -> String {
    let ends = format!("x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"");
    format!("<line {ends} stroke=\"currentColor\" stroke-opacity=\"0.2\"/>\n")
}

fn text(x: f64, y: f64, anchor: &str, text: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>\n")
}
