//! The tables of the chapter on speed, from what `ladder` has measured.
//!
//! `cargo run --package book --example fastest`

use serde_json::Value;

fn main() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/results/ladder.json");
    let text = std::fs::read_to_string(path).expect("the command at the end of the chapter writes it");
    let results: Value = serde_json::from_str(&text).expect("it is JSON");
    let cases = list(&results["cases"]);
    let (threads, rounds) = (&results["threads"], &results["rounds"]);
    println!("== machine\n{}, {threads} threads, {rounds} rounds", word(&results["machine"]));
    for (case, part) in cases.iter().zip(["", "-one"]) {
        print_count(case, &format!("count{part}"));
        print_ladder(case, &format!("ladder{part}"));
    }
    for group in list(&cases[0]["groups"]).iter().skip(1) {
        print_idea(cases, word(&group["name"]));
    }
    print_long(&results["long"]);
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// T, B, I and H.
fn sizes(case: &Value) -> [f64; 4] {
    ["steps", "batch", "input", "hidden"].map(|size| number(&case[size]))
}

fn title(case: &Value) -> String {
    let [t, b, i, h] = sizes(case);
    format!("T{t} B{b} I{i} H{h}")
}

fn group<'a>(case: &'a Value, name: &str) -> &'a Value {
    list(&case["groups"]).iter().find(|group| group["name"] == name).expect("every case has all groups")
}

// ANCHOR: count
/// What a training step cannot avoid.
fn print_count(case: &Value, part: &str) {
    let [t, b, i, h] = sizes(case);
    let forward = 2.0 * 4.0 * h * (i + h) * t * b; // W x and U h
    let gradients = forward; // dz xᵀ and dz hᵀ
    let back = 2.0 * 4.0 * h * h * t * b; // Uᵀ dz
    let products = forward + gradients + back;
    let weights = 4.0 * 4.0 * h * (i + h); // four bytes a number
    let kept = 4.0 * (4.0 + 2.0) * h * t * b; // i, f, g, o, c, h
    let peak = number(&case["peak_gflops"]);
    println!("\n== {part}: {}", title(case));
    println!("operations, forward        {:10.3} million", forward / 1e6);
    println!("operations, backward       {:10.3} million", (gradients + back) / 1e6);
    println!("sigmoid and tanh           {:10.3} million", 5.0 * h * t * b / 1e6);
    println!("bytes of weights           {:10.3} million", weights / 1e6);
    println!("bytes kept for the way back{:10.3} million", kept / 1e6);
    println!("a large product here       {peak:10.1} GF/s");
    println!("all products at that speed {:10.3} ms", products / peak / 1e6);
}
// ANCHOR_END: count

fn print_ladder(case: &Value, part: &str) {
    let ladder = group(case, "ladder");
    println!("\n== {part}: {}", title(case));
    println!("{:32}{:>9}  {:18}{:>7}{:>10}", "", "ms", "least to most", "GF/s", "gain");
    let mut below = None;
    for row in list(&ladder["rows"]) {
        let [median, least, most] = spread(row).map(|us| us / 1e3);
        let speed = number(&ladder["count"]) / median / 1e6;
        let gain = below.map_or("".into(), |below: f64| format!("x {:.2}", below / median));
        let range = format!("{} to {}", short(least), short(most));
        let line = format!("{:32}{:>9}  {range:18}{speed:7.2}{gain:>10}", word(&row["name"]), short(median));
        println!("{}", line.trim_end());
        below = Some(median);
    }
}

fn spread(row: &Value) -> [f64; 3] {
    ["median", "least", "most"].map(|which| number(&row["us"][which]))
}

/// Four digits that count, or what stands before the point.
fn short(x: f64) -> String {
    let digits = (3 - x.log10().floor() as i32).clamp(0, 4) as usize;
    format!("{x:.digits$}")
}

/// An idea at the sizes of both cases: microseconds, and how many times as fast as the first way.
fn print_idea(cases: &[Value], name: &str) {
    let rows = |case| list(&group(case, name)["rows"]);
    let all = cases.iter().map(rows).max_by_key(|rows| rows.len()).unwrap_or_default();
    let titles: String = cases.iter().map(|case| format!("{:>19}", title(case))).collect();
    println!("\n== {name}\n{:34}{titles}", "microseconds, and times as fast");
    for way in all {
        let cells = cases.iter().map(|case| cell(rows(case), word(&way["name"])));
        println!("{}", format!("{:34}{}", word(&way["name"]), cells.collect::<String>()).trim_end());
    }
}

/// The time of a way and its gain over the first, or nothing where there is no such way.
fn cell(rows: &[Value], way: &str) -> String {
    let Some(row) = rows.iter().find(|row| row["name"] == way) else { return " ".repeat(19) };
    let [first, us] = [&rows[0], row].map(|row| spread(row)[0]);
    let digits = if first > 0.1 * us { 2 } else { 4 };
    format!("{:>10}{:>9}", short(us), format!("x {:.digits$}", first / us))
}

fn print_long(long: &Value) {
    println!("\n== long: {} steps", number(&long["count"]));
    println!("{:32}{:>9}{:>12}", "", "ms", "megabytes");
    for row in list(&long["rows"]) {
        let (ms, megabytes) = (spread(row)[0] / 1e3, number(&row["megabytes"]));
        println!("{:32}{:>9}{megabytes:12.3}", word(&row["name"]), short(ms));
    }
}
