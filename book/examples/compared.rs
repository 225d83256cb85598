//! The tables of the chapter that compares the networks, from the results that `cargo rnn compare --all` has written.
//!
//! `cargo run --package book --example compared`

use serde_json::Value;

fn main() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/results/compare.json");
    let text = std::fs::read_to_string(path).expect("cargo rnn compare --all writes it");
    let results: Value = serde_json::from_str(&text).expect("it is JSON");
    for experiment in list(&results["experiments"]) {
        print_experiment(experiment);
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn print_experiment(experiment: &Value) {
    println!("== {}: {}", word(&experiment["task"]), word(&experiment["summary"]));
    println!("network             weights   solved  steps to solve      right");
    for row in list(&experiment["networks"]) {
        let runs = list(&row["runs"]).len();
        let solved = format!("{} of {runs}", row["solved"]);
        println!(
            "{:19} {:7} {solved:>8}  {:16} {:5.1} %",
            word(&row["network"]),
            row["parameters"].to_string(),
            steps(&row["steps"]),
            100.0 * number(&row["right"]["median"])
        );
    }
    println!();
}

/// The median, and the least and the most beside it.
fn steps(steps: &Value) -> String {
    match steps.is_null() {
        true => "-".into(),
        false => {
            let [median, least, most] = ["median", "least", "most"].map(|which| number(&steps[which]));
            format!("{median} ({least}-{most})")
        }
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
