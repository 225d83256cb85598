//! The page: one file with everything in it, the numbers, the program that draws them, and the library it draws with.

use super::record::{CellRecord, Record, Role, Traced};
use super::{Moments, components, health};
use serde_json::{Value, json};

const PAGE: &str = include_str!("report.html");
const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// How many numbers a page may hold: at about 8 bytes each, 2 MB beside the 4.7 MB of the library.
const MOST_NUMBERS: usize = 250_000;

/// The page `rnn inspect` writes: HTML that loads nothing from anywhere.
///
/// The browser itself enforces that, by the content security policy at the top. Of layers so wide that the page would grow
/// too large, the first units are shown; means, norms and principal components are always those of all units.
pub fn report(title: &str, about: &str, moments: &Moments) -> String {
    let most = most_units(moments);
    let data = json!({
        "about": about,
        "moments": moments.iter().map(|(name, record)| moment(name, record, most)).collect::<Vec<_>>(),
    });
    // `</script>` inside a string would end the script.
    let data = data.to_string().replace('<', "\\u003c");
    let part = |name: &str| match name {
        "title" => escape(title),
        "style" => STYLE.into(),
        "library" => library(),
        "data" => data.clone(),
        _ => SCRIPT.into(),
    };
    let mut chunks = PAGE.split("{{");
    let mut page = String::from(chunks.next().unwrap_or_default());
    for chunk in chunks {
        let (name, after) = chunk.split_once("}}").expect("what opens in report.html closes there");
        page = page + &part(name) + after;
    }
    page
}

/// plotly.js, of what the crate embeds: the typesetter of formulas beside it is not needed.
fn library() -> String {
    let scripts = plotly::Plot::offline_js_sources();
    let after = scripts.split_once('>').map_or("", |(_, after)| after);
    after.split_once("</script>").map_or("", |(library, _)| library).into()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// How many units of every cell there is room for.
fn most_units(moments: &Moments) -> usize {
    let cells = moments.iter().flat_map(|(_, record)| &record.cells);
    let of = |cell: &CellRecord| 2 * cell.symbols.len() * shown(cell).count();
    (MOST_NUMBERS / cells.map(of).sum::<usize>().max(1)).max(1)
}

/// The quantities that are drawn: what stands before a function is in the CSV files.
fn shown(cell: &CellRecord) -> impl Iterator<Item = &Traced> {
    cell.quantities.iter().filter(|q| cell.role(&q.name) != Role::Before)
}

fn moment(name: &str, record: &Record, most: usize) -> Value {
    let finding = |finding: &health::Finding| json!({ "ill": finding.ill, "text": finding.text });
    json!({
        "name": name,
        "loss": rounded(record.loss),
        "health": health::health(record).iter().map(finding).collect::<Vec<_>>(),
        "cells": record.cells.iter().map(|one| cell(one, most)).collect::<Vec<_>>(),
        "parameters": record.params.iter()
            .map(|p| json!({ "name": p.name, "norm": rounded(p.value), "grad": rounded(p.grad) }))
            .collect::<Vec<_>>(),
        "predictions": record.predictions.iter()
            .map(|p| json!({
                "step": p.step,
                "found": p.found,
                "probability": rounded(p.probability.into()),
                "expected": p.expected,
                "dependence": numbers(p.dependence.iter().copied()),
            }))
            .collect::<Vec<_>>(),
    })
}

fn cell(cell: &CellRecord, most: usize) -> Value {
    let quantities = shown(cell).map(|q| quantity(cell, q, most)).collect::<Vec<_>>();
    json!({ "name": cell.name, "symbols": cell.symbols, "reach": numbers(cell.reach.iter().copied()), "quantities": quantities })
}

fn quantity(cell: &CellRecord, q: &Traced, most: usize) -> Value {
    let role = cell.role(&q.name);
    let steps = || 0..q.steps();
    let row = |unit: usize, entries: &[f32]| numbers(steps().map(|t| entries[t * q.units + unit]));
    let rows = |entries| (0..q.units.min(most)).map(|unit| row(unit, entries)).collect::<Vec<_>>();
    let path = (role == Role::State).then(|| {
        let found = components::components(q);
        let points = (0..3).map(|k| numbers(found.points.iter().map(|point| point[k]))).collect::<Vec<_>>();
        json!({ "points": points, "share": numbers(found.share.into_iter()) })
    });
    json!({
        "name": q.name,
        "role": match role {
            Role::Gate => "gate",
            Role::Candidate => "candidate",
            Role::State => "state",
            Role::Before => "before",
        },
        "units": q.units,
        "mean": numbers(steps().map(|t| q.mean(t))),
        "least": numbers(steps().map(|t| q.at(t).iter().copied().fold(f32::INFINITY, f32::min))),
        "most": numbers(steps().map(|t| q.at(t).iter().copied().fold(f32::NEG_INFINITY, f32::max))),
        "norm": numbers(steps().map(|t| super::record::norm(q.at(t)) as f32)),
        "gradNorm": numbers(steps().map(|t| q.grad_norm(t) as f32)),
        "value": rows(&q.value),
        "grad": rows(&q.grad),
        "components": path,
    })
}

fn numbers(entries: impl Iterator<Item = f32>) -> Value {
    entries.map(|x| rounded(x.into())).collect()
}

/// Four digits: more cannot be seen, and would make the page larger.
fn rounded(x: f64) -> Value {
    format!("{x:.3e}").parse::<f64>().map_or(Value::Null, |x| json!(x))
}
