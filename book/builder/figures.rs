//! Figures: `![alt](picture.svg "caption")` on a line of its own.
//!
//! The SVG is written into the page, so that its lines and letters take the page's colours
//! (`currentColor`, `class="q-h"`), in a light theme and in a dark one. A source `run:NAME` is no file: it
//! is drawn by a function of [`crate::runs`] when the book is built.

use crate::blocks::Figure;
use crate::runs;
use std::fs;
use std::path::Path;

/// The figure as HTML; `caption` is the caption's HTML.
///
/// # Errors
/// When there is no such picture, it is no SVG, or nothing says in words what it shows.
pub fn html(figure: &Figure<'_>, folder: &Path, caption: &str) -> Result<String, String> {
    if figure.alt.trim().is_empty() {
        return Err("a figure needs a text between the brackets, for those who do not see it".to_owned());
    }
    let svg = match figure.source.strip_prefix("run:") {
        Some(name) => runs::figure(name)?,
        None => fs::read_to_string(folder.join(figure.source))
            .map_err(|e| format!("cannot read the figure {}: {e}", figure.source))?,
    };
    let inside = svg.find("<svg ").map(|at| &svg[at + "<svg ".len()..]);
    let inside = inside.ok_or_else(|| format!("{} holds no <svg …>", figure.source))?;
    // An empty line would end the HTML and start a paragraph.
    let lines: Vec<&str> = inside.lines().filter(|l| !l.trim().is_empty()).collect();
    let caption =
        if caption.is_empty() { String::new() } else { format!("<figcaption>{caption}</figcaption>\n") };
    Ok(format!(
        "<figure>\n<svg role=\"img\" aria-label=\"{}\" {}\n{caption}</figure>\n",
        escaped(figure.alt),
        lines.join("\n")
    ))
}

/// Text as it may stand in an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::{Block, blocks};

    fn html_of(line: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("g.svg"), "<?xml?>\n<svg viewBox=\"0 0 1 1\">\n\n<path/>\n</svg>\n")
            .unwrap();
        let [Block::Figure(figure)] = &blocks(line)[..] else { panic!("no figure: {line}") };
        html(figure, folder.path(), figure.caption)
    }

    #[test]
    fn the_picture_comes_with_its_words() {
        let html = html_of("![a \"b\" < c](g.svg \"below\")").unwrap();
        let start = "<figure>\n<svg role=\"img\" aria-label=\"a &quot;b&quot; &lt; c\" viewBox=\"0 0 1 1\">\n<path/>\n</svg>";
        assert!(html.starts_with(start), "{html}");
        assert!(html.ends_with("<figcaption>below</figcaption>\n</figure>\n"), "{html}");
    }

    #[test]
    fn a_figure_that_is_not_there_or_says_nothing_is_refused() {
        for line in ["![words](none.svg)", "![](g.svg)", "![words](run:none)"] {
            assert!(html_of(line).is_err(), "{line}");
        }
    }
}
