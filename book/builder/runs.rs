//! The figures that are drawn by a run of the crates while the book is built.
//!
//! To add one: a function without arguments that returns the SVG (seeded, a few seconds at most), in a
//! file of its own, and its name in [`FIGURES`]; a chapter shows it with `![alt](run:NAME "caption")`.

mod beginning;
pub mod cliff;
mod cross_entropy;
mod encodings;
pub mod gradient_flow;
mod ladder;
mod loss_slope;
pub mod lstm_carousel;
pub mod optimisers;
mod step_size;
pub mod temperature;
pub mod truncation;

use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

/// Draws a figure: the text of an SVG.
pub type Draw = fn() -> String;

/// Every figure by its name.
pub const FIGURES: &[(&str, Draw)] = &[
    ("first-weights", beginning::first_weights),
    ("forget-bias", beginning::forget_bias),
    ("optimisers", optimisers::compared),
    ("bias-correction", optimisers::correction),
    ("cliff", cliff::figure),
    ("truncated-gradient", truncation::figure),
    ("temperature", temperature::figure),
    ("ladder", ladder::figure),
    ("loss-slope", loss_slope::figure),
    ("lstm-carousel", lstm_carousel::figure),
    ("encodings", encodings::figure),
    ("gradient-scales", gradient_flow::scales),
    ("gradient-kinds", gradient_flow::kinds),
    ("settled-factor", gradient_flow::factor),
    ("cross-entropy", cross_entropy::figure),
    ("step-size", step_size::figure),
];

/// The SVG of the figure `name`: from the last build if this program has not changed since, else new.
///
/// # Errors
/// When there is no such figure.
pub fn figure(name: &str) -> Result<String, String> {
    let draw = FIGURES.iter().find(|(known, _)| *known == name).map(|(_, draw)| draw);
    let draw = draw.ok_or_else(|| {
        let known: Vec<&str> = FIGURES.iter().map(|(known, _)| *known).collect();
        format!("no figure run:{name} in book/builder/runs.rs, only {}", known.join(", "))
    })?;
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/book-figures/{name}.svg"));
    if let (true, Ok(svg)) = (newer_than_this_program(&kept), fs::read_to_string(&kept)) {
        return Ok(svg);
    }
    let svg = draw();
    // Without a kept copy the next build is slower and otherwise the same.
    let _ = keep(&kept, &svg);
    Ok(svg)
}

fn newer_than_this_program(file: &PathBuf) -> bool {
    let modified = |path: &PathBuf| fs::metadata(path)?.modified();
    let program = env::current_exe().and_then(|program| modified(&program));
    matches!((modified(file), program), (Ok(file), Ok(program)) if file > program)
}

/// Writes beside and renames, so that nobody ever reads half a figure.
fn keep(file: &Path, svg: &str) -> io::Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(file))?;
    let beside = file.with_extension(format!("{}.new", process::id()));
    fs::write(&beside, svg)?;
    fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_can_be_drawn_and_is_the_same_each_time() {
        for (name, draw) in FIGURES {
            let svg = draw();
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{name}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
            assert_eq!(svg, draw(), "{name}");
            assert_eq!(figure(name).unwrap(), svg, "{name}");
        }
    }
}
