//! Formulas: `$…$` within a line, `$$…$$` on its own, turned into HTML before a browser sees them.
//!
//! The layout is KaTeX's, computed by katex-rs; the style sheet and the fonts are in `src/katex`.

use crate::problem::Problems;
use anyhow::{Context, Result};
use katex::macros::MacroDefinition;
use katex::{KatexContext, OutputFormat, Settings, TrustSetting, render_to_string};
use std::collections::BTreeMap;

/// Turns formulas into HTML, with the book's own notation.
pub struct Maths {
    context: KatexContext,
    settings: Settings,
}

impl Maths {
    /// `macros` is the text of `macros.toml`: one `name = 'expansion'` a line.
    ///
    /// # Errors
    /// When it is not such a file.
    pub fn new(macros: &str) -> Result<Self> {
        let named: BTreeMap<String, String> = toml::from_str(macros).context("book/macros.toml")?;
        let mut settings = Settings::builder()
            .output(OutputFormat::HtmlAndMathml)
            // \htmlClass carries the colours.
            .trust(TrustSetting::Bool(true))
            .build();
        for (name, expansion) in named {
            settings.macros.get_mut().insert(format!("\\{name}"), MacroDefinition::String(expansion));
        }
        Ok(Self { context: KatexContext::default(), settings })
    }

    /// One formula as HTML, or what KaTeX has against it.
    ///
    /// # Errors
    /// KaTeX's message, with the position in the formula.
    pub fn formula(&self, tex: &str, display: bool) -> Result<String, String> {
        let mut settings = self.settings.clone();
        settings.display_mode = display;
        let html = render_to_string(&self.context, tex, &settings).map_err(|e| e.to_string())?;
        Ok(protect(&without_annotation(html)))
    }

    /// Prose with each formula replaced by its HTML. `line` is the number of the first line of `text`.
    /// A formula within a line takes the punctuation that touches it along: see `unbroken`.
    pub fn prose(&self, text: &str, line: usize, problems: &mut Problems<'_>) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['$', '`', '\\']) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let length = match Piece::at(rest) {
                Piece::Plain(length) => {
                    out.push_str(&rest[..length]);
                    length
                }
                Piece::Formula { tex, display, mut length } => {
                    let line = line + newlines(text, rest);
                    match continued_quote(tex).map_or_else(|| self.formula(tex, display), Err) {
                        Ok(html) if display => out.push_str(&html),
                        Ok(html) => length += unbroken(&mut out, &html, &rest[length..]),
                        Err(why) => problems.add(line, format!("formula {}: {why}", shortened(tex))),
                    }
                    length
                }
                Piece::Stray(length) => {
                    let line = line + newlines(text, rest);
                    problems.add(
                        line,
                        "no formula begins at this $ and ends in this paragraph; the sign itself is \\$",
                    );
                    length
                }
            };
            rest = &rest[length..];
        }
        out + rest
    }
}

/// Appends a formula to the prose before it, together with the opening bracket that the prose may end with
/// and the punctuation that the text `after` it begins with, whose length is returned. A browser breaks lines
/// before and after each of the boxes that a formula is made of; what is `unbroken` only at a `<wbr>`, and
/// those stand between the boxes.
fn unbroken(before: &mut String, html: &str, after: &str) -> usize {
    let punctuation = after.len() - after.trim_start_matches(['.', ',', ';', ':', '?', '!', ')']).len();
    let bracket = if before.ends_with('(') && !before.ends_with("\\(") { "(" } else { "" };
    before.truncate(before.len() - bracket.len());
    if bracket.is_empty() && punctuation == 0 {
        before.push_str(html);
    } else {
        let html =
            html.replace("</span><span class=\"katex-base\">", "</span><wbr><span class=\"katex-base\">");
        before.push_str(&format!("<span class=\"unbroken\">{bracket}{html}{}</span>", &after[..punctuation]));
    }
    punctuation
}

/// The number of line ends in `text` before its tail `rest`.
fn newlines(text: &str, rest: &str) -> usize {
    text[..text.len() - rest.len()].matches('\n').count()
}

/// What begins at a `$`, a backtick or a backslash.
enum Piece<'a> {
    /// So many bytes to be left as they are.
    Plain(usize),
    Formula {
        tex: &'a str,
        display: bool,
        length: usize,
    },
    /// So many `$` that open nothing.
    Stray(usize),
}

impl<'a> Piece<'a> {
    fn at(rest: &'a str) -> Self {
        if rest.starts_with('\\') {
            // An escaped character stands for itself.
            return Self::Plain(1 + rest.chars().nth(1).map_or(0, char::len_utf8));
        }
        let paragraph = &rest[..rest.find("\n\n").unwrap_or(rest.len())];
        if rest.starts_with('`') {
            return Self::Plain(code_span(paragraph));
        }
        let display = rest.starts_with("$$");
        let mark = if display { "$$" } else { "$" };
        match closing(&paragraph[mark.len()..], mark) {
            Some(tex) => Self::Formula { tex, display, length: tex.len() + 2 * mark.len() },
            None => Self::Stray(mark.len()),
        }
    }
}

/// The length of a code span, or of its opening backticks when nothing closes them.
fn code_span(paragraph: &str) -> usize {
    let ticks = paragraph.len() - paragraph.trim_start_matches('`').len();
    let mut at = ticks;
    while let Some(next) = paragraph[at..].find('`') {
        let found = &paragraph[at + next..];
        let length = found.len() - found.trim_start_matches('`').len();
        at += next + length;
        if length == ticks {
            return at;
        }
    }
    ticks
}

/// The formula before the closing mark. `$5 or $6` holds none: a space may not stand next to a mark.
fn closing<'a>(inside: &'a str, mark: &str) -> Option<&'a str> {
    let mut escaped = false;
    let end = inside.char_indices().find_map(|(at, c)| {
        let here = !escaped && inside[at..].starts_with(mark);
        escaped = c == '\\' && !escaped;
        here.then_some(at)
    })?;
    let tex = &inside[..end];
    let tight = !tex.starts_with(char::is_whitespace) && !tex.ends_with(char::is_whitespace);
    (!tex.trim().is_empty() && (mark == "$$" || tight)).then_some(tex)
}

/// In a quotation each further line of a formula would begin with `>`, which TeX takes for a relation.
fn continued_quote(tex: &str) -> Option<String> {
    let quoted = tex.lines().skip(1).any(|line| line.trim_start().starts_with('>'));
    quoted.then(|| "within a quotation, keep the formula on one line".to_owned())
}

fn shortened(tex: &str) -> String {
    let flat = tex.split_whitespace().collect::<Vec<_>>().join(" ");
    let start: String = flat.chars().take(40).collect();
    if start.len() < flat.len() { format!("${start}…$") } else { format!("${start}$") }
}

/// Takes out the TeX source that KaTeX repeats inside the MathML: search would find it.
fn without_annotation(mut html: String) -> String {
    let close = "</annotation>";
    if let (Some(from), Some(to)) = (html.find("<annotation"), html.find(close)) {
        html.replace_range(from..to + close.len(), "");
    }
    html
}

/// Prepares HTML for Markdown, which is still to read it: punctuation between the tags becomes character
/// references, and the tags' attributes, which come in any order, are sorted: the same book, the same bytes.
/// All on one line: the drawing of a root has line ends, and each would end the row of a table.
fn protect(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    for part in html.replace('\n', " ").split_inclusive('>') {
        let (text, tag) = part.split_at(part.find('<').unwrap_or(part.len()));
        for c in text.chars() {
            if c.is_ascii_punctuation() && !matches!(c, '&' | ';' | '#') {
                out.push_str(&format!("&#{};", c as u32));
            } else {
                out.push(c);
            }
        }
        out.push_str(&sorted_attributes(tag));
    }
    out
}

/// `<svg width="1em" height="2em"/>` with `height` first.
fn sorted_attributes(tag: &str) -> String {
    let bare = tag.trim_end_matches(['/', '>']);
    let end = &tag[bare.len()..];
    let Some((name, attributes)) = bare.split_once(' ') else {
        return tag.to_owned();
    };
    let mut attributes: Vec<&str> = attributes.trim_end().split_inclusive("\" ").map(str::trim).collect();
    attributes.sort_unstable();
    format!("{name} {}{end}", attributes.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;
    use std::path::Path;

    fn prose(text: &str) -> (String, Vec<Problem>) {
        let maths = Maths::new(include_str!("../macros.toml")).unwrap();
        let mut problems = Problems::new(Path::new("chapter.md"));
        (maths.prose(text, 10, &mut problems), problems.finish())
    }

    #[test]
    fn formulas_become_html_and_nothing_else_changes() {
        let (html, problems) = prose("a `$x$` \\$5 $x_1$ b\n");
        assert_eq!(problems, []);
        let (before, formula) = html.split_at("a `$x$` \\$5 ".len());
        assert_eq!(before, "a `$x$` \\$5 ");
        assert!(
            formula.starts_with("<span class=\"katex\">") && formula.ends_with("</span> b\n"),
            "{formula}"
        );
    }

    /// The formula stands between brackets, so that only the text around it is compared.
    fn around_formula(text: &str) -> String {
        let (html, problems) = prose(text);
        assert_eq!(problems, []);
        html.replace(&prose("$x$").0, "[x]")
    }

    #[test]
    fn punctuation_stays_on_the_line_of_its_formula() {
        assert_eq!(around_formula("a $x$, b"), "a <span class=\"unbroken\">[x],</span> b");
        assert_eq!(around_formula("b ($x$)."), "b <span class=\"unbroken\">([x]).</span>");
        assert_eq!(around_formula("($x$ a"), "<span class=\"unbroken\">([x]</span> a");
        assert_eq!(
            around_formula("($x$,$x$)"),
            "<span class=\"unbroken\">([x],</span><span class=\"unbroken\">[x])</span>"
        );
    }

    #[test]
    fn a_long_formula_with_punctuation_may_still_break_after_each_relation() {
        let (html, _) = prose("$a = b + c$.");
        assert_eq!(html.matches("<wbr><span class=\"katex-base\">").count(), 2, "{html}");
        assert_eq!(html.matches("<span class=\"katex-base\">").count(), 3, "{html}");
    }

    #[test]
    fn what_is_no_punctuation_of_a_formula_stays_outside() {
        assert_eq!(around_formula("a $x$ , [$x$](b.md), \\($x$"), "a [x] , [[x]](b.md), \\([x]");
        assert!(prose("($$x$$).").0.ends_with("</span>)."));
    }

    #[test]
    fn a_macro_carries_the_colour_of_its_quantity() {
        let (html, _) = prose("$$\n\\fgate{t} = \\sigma(z)\n$$");
        assert!(html.starts_with("<span class=\"katex-display\">"), "{html}");
        assert!(html.contains("q-f"), "{html}");
    }

    #[test]
    fn a_wrong_formula_is_named_with_its_line() {
        let (_, problems) = prose("fine $a$\n\nbroken $\\frac{a$ here");
        let [problem] = &problems[..] else { panic!("{problems:?}") };
        assert_eq!(problem.line, 12);
        assert!(problem.what.starts_with("formula $\\frac{a$: "), "{}", problem.what);
        assert_eq!(prose("$\\unknowncommand$").1.len(), 1);
    }

    /// A row of a table is one line of Markdown; what is in its formulas is looked at all the same.
    #[test]
    fn a_wrong_formula_in_a_table_is_named_with_its_line() {
        let (html, problems) = prose("| a | b |\n|---|---|\n| $|x|$ | $\\sqrt{x}$ |\n| $\\sqrt{x$ | c |\n");
        assert_eq!(problems.iter().map(|p| p.line).collect::<Vec<_>>(), [13], "{problems:?}");
        let row = html.lines().nth(2).unwrap();
        assert_eq!(row.matches('|').count(), 3, "a bar within a formula begins no column: {row}");
    }

    #[test]
    fn a_dollar_that_opens_nothing_is_named() {
        for text in ["costs $5", "costs $5 or $ 6", "$$ a\n\nb $$", "$$$$"] {
            assert!(!prose(text).1.is_empty(), "{text}");
        }
        assert_eq!(prose("> $$ a\n> = b $$").1.len(), 1);
    }

    #[test]
    fn the_same_formula_is_the_same_bytes() {
        let tags = ["<b>", "</b>", "<b/>", "<a y=\"1 2\" x=\"3\">", "<svg w=\"1\" h=\"2 /\"/>"];
        let sorted = ["<b>", "</b>", "<b/>", "<a x=\"3\" y=\"1 2\">", "<svg h=\"2 /\" w=\"1\"/>"];
        assert_eq!(tags.map(sorted_attributes), sorted);
    }

    #[test]
    fn markdown_finds_nothing_to_do_in_a_formula() {
        let (html, _) = prose("$a*b*c_d[e](f)|g|$");
        let mut in_tag = false;
        let bare: String = html
            .chars()
            .filter(|&c| {
                in_tag = (in_tag || c == '<') && c != '>';
                !in_tag && c != '>'
            })
            .collect();
        assert!(!bare.contains(['*', '_', '[', ']', '|', '`', '\\']), "{bare}");
    }
}
