//! The rungs of the chapter on speed as bars, from what `ladder` has measured.

use serde_json::Value;
use std::fmt::Write;

const RESULTS: &str = include_str!("../../results/ladder.json");

/// Where the axis begins and ends, and how far down the bars go.
const LEFT: f64 = 240.0;
const RIGHT: f64 = 665.0;
const ROW: f64 = 30.0;

/// Milliseconds of every rung on a logarithmic axis: the median, and a line from the least to the most.
pub fn figure() -> String {
    let results: Value = serde_json::from_str(RESULTS).expect("it is JSON");
    let rows = results["cases"][0]["groups"][0]["rows"].as_array().expect("the first group is the ladder");
    let ms = |row: &Value, which: &str| row["us"][which].as_f64().unwrap_or(f64::NAN) / 1e3;
    let ends = |which: &str| rows.iter().map(|row| ms(row, which).log10()).collect::<Vec<_>>();
    let first = ends("least").into_iter().fold(f64::INFINITY, f64::min).floor();
    let last = ends("most").into_iter().fold(first + 1.0, f64::max).ceil();
    let across = |ms: f64| LEFT + (ms.log10() - first) / (last - first) * (RIGHT - LEFT);
    let bottom = ROW * rows.len() as f64 + 8.0;

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 {}\" font-size=\"14\" stroke=\"currentColor\">\n",
        bottom + 42.0
    );
    for power in first as i32..=last as i32 {
        let (x, label) = (across(10f64.powi(power)), 10f64.powi(power));
        let _ = writeln!(svg, "<path d=\"M{x:.1} 0V{bottom}\" stroke-opacity=\"0.25\"/>");
        let _ = writeln!(svg, "{}", text(x, bottom + 17.0, "middle", &label.to_string()));
    }
    for (row, y) in rows.iter().zip(0..).map(|(row, k)| (row, ROW * f64::from(k) + 20.0)) {
        let [median, least, most] = ["median", "least", "most"].map(|which| across(ms(row, which)));
        let name = row["name"].as_str().unwrap_or("?");
        let _ = writeln!(svg, "{}", text(LEFT - 10.0, y + 5.0, "end", name));
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {y}H{median:.1}\" class=\"q-h\" stroke-width=\"14\" stroke-opacity=\"0.75\"/>"
        );
        let _ = writeln!(svg, "<path d=\"M{least:.1} {y}H{most:.1}\" stroke-width=\"2\"/>");
    }
    let middle = (LEFT + RIGHT) / 2.0;
    svg + &text(middle, bottom + 36.0, "middle", "milliseconds for a training step") + "\n</svg>\n"
}

fn text(x: f64, y: f64, anchor: &str, text: &str) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"currentColor\" stroke=\"none\">{text}</text>"
    )
}
