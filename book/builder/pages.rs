//! What a browser would find wrong with the finished pages: dead links, and anything from the network.

use crate::chapters::Sources;
use crate::includes::tidy;
use crate::problem::{Problem, Problems};
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// One opening tag of a page.
#[derive(Debug, PartialEq)]
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Tag<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
    }

    /// The addresses that a browser loads by itself when it shows the page.
    fn loaded(&self) -> impl Iterator<Item = &'a str> {
        let href = matches!(self.name, "link" | "use" | "image").then_some("href");
        let names = ["src", "srcset", "poster", "data", "xlink:href"].into_iter().chain(href);
        let own = names.filter_map(|name| self.get(name)).filter(|_| self.name != "a");
        own.chain(self.get("style").into_iter().flat_map(style_urls))
    }
}

/// The opening tags of a page as mdBook writes it; what stands in scripts, styles and comments is no tag.
fn tags(html: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
        } else if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let (tag, after) = tag(rest);
            rest = match tag.name {
                "script" | "style" => after.split_once("</").map_or("", |(_, after)| after),
                _ => after,
            };
            tags.push(tag);
        }
    }
    tags
}

/// Reads `name attribute="value" attribute …>`: the tag and what follows it.
fn tag(text: &str) -> (Tag<'_>, &str) {
    let (name, mut rest) = split_at_char(text, |c| c.is_whitespace() || matches!(c, '>' | '/'));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (Tag { name, attributes }, rest.get(1..).unwrap_or_default());
        }
        let (key, after) = split_at_char(rest, |c| c.is_whitespace() || matches!(c, '=' | '>' | '/'));
        let Some(value) = after.strip_prefix('=') else {
            attributes.push((key, ""));
            // A lone '=' without a name must not keep the loop where it is.
            rest = if key.is_empty() { &after[1..] } else { after };
            continue;
        };
        let (value, after) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            _ => split_at_char(value, |c| c.is_whitespace() || c == '>'),
        };
        attributes.push((key, value));
        rest = after;
    }
}

fn split_at_char(text: &str, stop: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(stop).unwrap_or(text.len()))
}

/// What a style sheet, or a style attribute, loads: `url(…)` and `@import "…"`.
fn style_urls(css: &str) -> Vec<&str> {
    let bare = |s: &'static str| move |c: char| c == '"' || c == '\'' || s.contains(c);
    let urls = css.split("url(").skip(1).filter_map(|s| Some(s.split_once(')')?.0.trim_matches(bare(" "))));
    let imports = css.split("@import").skip(1).filter_map(|s| s.split(';').next());
    urls.chain(imports.filter(|i| !i.contains("url(")).map(|i| i.trim_matches(bare(" ")))).collect()
}

/// Whether an address leaves the folder of the book. `data:` carries its content with it.
fn is_outside(address: &str) -> bool {
    let scheme = address
        .split_once(':')
        .is_some_and(|(s, _)| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric()));
    (scheme && !address.starts_with("data:")) || address.starts_with("//")
}

/// The names that a link may end in: every `id` of the page.
fn ids<'a>(tags: &[Tag<'a>]) -> Vec<&'a str> {
    tags.iter().filter_map(|tag| tag.get("id")).collect()
}

/// A built book, read into memory.
struct Site {
    folder: PathBuf,
    /// Text of each page and style sheet, by its path in the folder.
    texts: BTreeMap<PathBuf, String>,
    files: BTreeSet<PathBuf>,
}

impl Site {
    fn read(folder: &Path) -> Result<Self> {
        let mut site = Self { folder: folder.to_path_buf(), texts: BTreeMap::new(), files: BTreeSet::new() };
        site.read_folder(folder)
            .with_context(|| format!("cannot read the built book in {}", folder.display()))?;
        Ok(site)
    }

    fn read_folder(&mut self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.read_folder(&path)?;
                continue;
            }
            let short = path.strip_prefix(&self.folder)?.to_path_buf();
            if short.extension().is_some_and(|e| e == "html" || e == "css") {
                self.texts.insert(short.clone(), fs::read_to_string(&path)?);
            }
            self.files.insert(short);
        }
        Ok(())
    }

    /// What is wrong with an address that `page` loads or, with `link`, leads to.
    fn trouble(&self, page: &Path, address: &str, link: bool) -> Option<String> {
        if address.starts_with("data:") || (link && is_outside(address)) {
            return None;
        }
        if is_outside(address) {
            return Some(format!("loads {address} from the network: keep a copy in the book"));
        }
        let (path, name) = address.split_once('#').unwrap_or((address, ""));
        let path = path.split('?').next().unwrap_or(path);
        let target = if path.is_empty() { page.to_path_buf() } else { tidy(&page.parent()?.join(path)) };
        if !self.files.contains(&target) {
            return Some(format!("{address} leads to no file"));
        }
        let text = self.texts.get(&target)?;
        let known = name.is_empty()
            || target.extension().is_none_or(|e| e != "html")
            || ids(&tags(text)).contains(&name);
        (!known).then(|| format!("{address}: that page has nothing named #{name}"))
    }
}

/// Reads every page and style sheet in `folder` and reports what is wrong, in terms of the sources.
///
/// # Errors
/// When the folder cannot be read.
pub fn check(folder: &Path, sources: &Sources) -> Result<Vec<Problem>> {
    let site = Site::read(folder)?;
    let mut problems = licences(&site);
    for (page, text) in &site.texts {
        // All chapters in one page: the same addresses once more, with other names.
        if page == Path::new("print.html") {
            continue;
        }
        problems.extend(if page.extension().is_some_and(|e| e == "css") {
            check_style(&site, page, text)
        } else {
            check_page(&site, page, text, sources)
        });
    }
    Ok(problems)
}

/// Fonts are other people's work: their licence lies beside them, or one folder up.
fn licences(site: &Site) -> Vec<Problem> {
    let fonts = site.files.iter().filter(|file| file.extension().is_some_and(|e| e == "woff2"));
    let folders: BTreeSet<&Path> = fonts.filter_map(|file| file.parent()).collect();
    let licence = |file: &PathBuf| {
        file.file_name()
            .is_some_and(|name| ["LICENSE", "OFL"].iter().any(|l| name.to_string_lossy().contains(l)))
    };
    let without = folders.into_iter().filter(|folder| {
        !site.files.iter().any(|file| licence(file) && file.parent().is_some_and(|p| folder.starts_with(p)))
    });
    let what = "fonts without their licence beside them";
    without.map(|folder| Problem { file: folder.to_path_buf(), line: 0, what: what.to_owned() }).collect()
}

fn check_style(site: &Site, page: &Path, css: &str) -> Vec<Problem> {
    let mut problems = Problems::new(page);
    for url in style_urls(css) {
        if let Some(what) = site.trouble(page, url, false) {
            problems.add(0, what);
        }
    }
    problems.finish()
}

fn check_page(site: &Site, page: &Path, html: &str, sources: &Sources) -> Vec<Problem> {
    let (file, source) = source_of(page, sources);
    let mut problems = Problems::new(&file);
    let tags = tags(html);
    for tag in &tags {
        let links = tag.get("href").filter(|_| tag.name == "a").map(|href| (href, true));
        for (address, link) in tag.loaded().map(|a| (a, false)).chain(links) {
            if let Some(what) = site.trouble(page, address, link) {
                problems.add(line_of(source, address), what);
            }
        }
        if tag.name == "img" && tag.get("alt").is_none_or(|alt| alt.trim().is_empty()) {
            problems.add(
                line_of(source, tag.get("src").unwrap_or_default()),
                "an image needs a text in its brackets",
            );
        }
        if tag.get("class").is_some_and(|c| c.split(' ').any(|c| c == "katex-error")) {
            problems
                .add(0, format!("a formula was not understood: {}", tag.get("title").unwrap_or_default()));
        }
        if tag.get("class").is_some_and(|c| c.split(' ').any(|c| c == "playground")) {
            problems.add(
                0,
                "a playground block asks a server for its crates: keep runnable = false in book.toml",
            );
        }
    }
    for raw in raw_formulas(html) {
        problems.add(line_of(source, raw), format!("{raw} is shown as it stands: it is in no formula"));
    }
    let mut seen = BTreeSet::new();
    for id in ids(&tags).into_iter().filter(|id| !seen.insert(*id)) {
        problems.add(line_of(source, id), format!("the name {id} is given twice in this page"));
    }
    problems.finish()
}

/// What looks like TeX in the text of a page, outside code: a backslash before a letter, or a dollar sign
/// before one. A formula that was not found, in a table say, ends up there.
fn raw_formulas(html: &str) -> Vec<&str> {
    let mut raw = Vec::new();
    let (mut rest, mut code) = (html, 0_usize);
    while let Some((text, after)) = rest.split_once('<') {
        if code == 0 {
            raw.extend(text.split_whitespace().filter(|word| is_raw(word)));
        }
        let hidden = ["code", "pre", "script", "style"];
        let name = after.split(|c: char| !c.is_ascii_alphanumeric() && c != '/').next().unwrap_or("");
        match name.strip_prefix('/') {
            Some(name) if hidden.contains(&name) => code = code.saturating_sub(1),
            None if hidden.contains(&name) => code += 1,
            _ => {}
        }
        let script = matches!(name, "script" | "style").then(|| after.split_once("</").map(|(_, rest)| rest));
        rest = match script {
            // What stands in a script is no tag.
            Some(rest) => {
                code -= 1;
                rest.unwrap_or_default()
            }
            None => after.split_once('>').map_or("", |(_, rest)| rest),
        };
    }
    raw
}

fn is_raw(word: &str) -> bool {
    let letter_after = |sign: char| {
        word.match_indices(sign)
            .any(|(at, _)| word[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '\\'))
    };
    letter_after('\\') || letter_after('$')
}

/// The chapter that a page was made from: its file for messages, and its text.
fn source_of<'a>(page: &Path, sources: &'a Sources) -> (PathBuf, &'a str) {
    let markdown = Path::new("book/src").join(page.with_extension("md"));
    let readme = markdown.with_file_name("README.md");
    let is_index = page.file_stem().is_some_and(|s| s == "index");
    let chapter = sources.chapters.iter().find(|c| c.file == markdown || (is_index && c.file == readme));
    chapter.map_or((page.to_path_buf(), ""), |c| (c.file.clone(), &c.text))
}

/// The line of the chapter that holds an address, 0 when it is not there as it stands in the page.
fn line_of(source: &str, address: &str) -> usize {
    let markdown = address.replace(".html", ".md");
    source.lines().position(|l| l.contains(address) || l.contains(&markdown)).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chapters::Chapter;

    /// The problems of a page `part/page.html` that was made from the same lines.
    fn problems(html: &str) -> Vec<Problem> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("part")).unwrap();
        fs::write(folder.path().join("part/page.html"), html).unwrap();
        fs::write(folder.path().join("index.html"), "<h1 id=\"top\">Top</h1>").unwrap();
        fs::write(folder.path().join("picture.png"), "").unwrap();
        let chapter = Chapter {
            name: "Page".to_owned(),
            file: PathBuf::from("book/src/part/page.md"),
            folder: PathBuf::new(),
            text: html.to_owned(),
        };
        check(folder.path(), &Sources { root: PathBuf::new(), chapters: vec![chapter] }).unwrap()
    }

    #[test]
    fn sound_pages_pass() {
        let page = "<p id=\"here\"><a href=\"#here\">a</a> <a href=\"../index.html#top\">b</a>\n\
                    <a href=\"https://example.org/\">c</a> <img alt=\"d\" src='../picture.png'><details open>\n\
                    <img alt=\"e\" src=\"data:image/png;base64,AAAA\"> <!-- <img src=none.png> -->\n\
                    <script>let a = 1 < 2; '<img src=\"none.png\">'</script><link rel=icon href=../picture.png>";
        assert_eq!(problems(page), []);
    }

    #[test]
    fn each_kind_of_trouble_is_named_with_its_line() {
        for bad in [
            "<a href=\"../none.html\">",
            "<a href=\"../index.html#bottom\">",
            "<a href=\"#nowhere\">",
            "<img alt=\"a\" src=\"none.png\">",
            "<img alt=\"\" src=\"../picture.png\">",
            "<img alt=\"a\" src=\"https://example.org/a.png\">",
            "<script src=\"//example.org/a.js\"></script>",
            "<link rel=\"stylesheet\" href=\"http://example.org/a.css\">",
            "<p style=\"background: url('none.png')\">",
            "<svg><use href=\"https://example.org/a.svg\"/></svg>",
        ] {
            let found = problems(&format!("<p>\n{bad}\n"));
            assert_eq!(found.len(), 1, "{bad}: {found:?}");
            assert_eq!(found[0].file, Path::new("book/src/part/page.md"));
            assert!(found[0].line == 2 || bad.contains("url("), "{bad}: {found:?}");
        }
        assert_eq!(problems("<p id=\"a\"><p id=\"a\">").len(), 1);
        assert_eq!(problems("<pre class=\"playground\">").len(), 1);
    }

    #[test]
    fn a_formula_that_was_left_over_is_named() {
        let found = problems(
            "<p>fine</p>\n<td>\\sqrt{x} or <b>$x$</b></td><code>\\sqrt $y$</code> costs $5 <pre>$z</pre>",
        );
        let expected = [
            "$x$ is shown as it stands: it is in no formula",
            "\\sqrt{x} is shown as it stands: it is in no formula",
        ];
        let mut what: Vec<_> = found.iter().map(|p| p.what.as_str()).collect();
        what.sort_unstable();
        assert_eq!(what, expected);
        assert!(found.iter().all(|p| p.line == 2));
        assert_eq!(problems("<script>let a = '\\sqrt $x';</script><span class=\"katex-error\">").len(), 1);
    }

    #[test]
    fn fonts_come_with_their_licence() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("fonts")).unwrap();
        fs::write(folder.path().join("fonts/a.woff2"), "").unwrap();
        let sources = Sources { root: PathBuf::new(), chapters: vec![] };
        assert_eq!(check(folder.path(), &sources).unwrap().len(), 1);
        fs::write(folder.path().join("fonts/OFL.txt"), "").unwrap();
        assert_eq!(check(folder.path(), &sources).unwrap(), []);
    }

    #[test]
    fn a_style_sheet_shows_what_it_loads() {
        let css =
            "@import \"a.css\"; @import url(b.css); p { background: url( 'c.png' ) } q { x: url(d.woff2) }";
        assert_eq!(style_urls(css), ["b.css", "c.png", "d.woff2", "a.css"]);
    }
}
