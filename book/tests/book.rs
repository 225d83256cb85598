//! The book as a whole: everything that `cargo book check` finds, and what only a test can.

use book::chapters::Sources;
use book::{outputs, render};
use std::collections::BTreeSet;
use std::fs;

fn lines<T: ToString>(problems: &[T]) -> String {
    problems.iter().map(|p| p.to_string() + "\n").collect()
}

#[test]
fn sources_and_pages_are_sound() {
    let folder = tempfile::tempdir().unwrap();
    let problems = render::check(render::root(), folder.path().to_path_buf()).unwrap();
    assert!(problems.is_empty(), "\n{}", lines(&problems));
}

#[test]
fn output_blocks_are_what_the_programs_print() {
    let sources = Sources::load(render::root()).unwrap();
    let printed = outputs::run(&outputs::examples(&sources)).unwrap();
    let problems = outputs::differences(&sources, &printed);
    assert!(problems.is_empty(), "\n{}", lines(&problems));
}

#[test]
fn the_code_of_every_chapter_is_tested() {
    let tested = fs::read_to_string(render::root().join("builder/doctests.rs")).unwrap();
    for chapter in Sources::load(render::root()).unwrap().chapters {
        let file = chapter.file.strip_prefix("book/src").unwrap().display().to_string();
        assert!(tested.contains(&format!("\"{file}\"")), "list {file} in book/builder/doctests.rs");
    }
}

/// The quantities' classes in a text: `q-f`, `q-h` and so on.
fn classes(text: &str) -> BTreeSet<&str> {
    text.match_indices("q-").map(|(at, _)| &text[at..at + 3]).collect()
}

#[test]
fn every_quantity_has_a_colour_for_light_and_for_dark_pages() {
    let read = |name: &str| fs::read_to_string(render::root().join(name)).unwrap();
    let (macros, style) = (read("macros.toml"), read("theme/unrolled.css"));
    let (light, dark) = style.split_once(".navy").expect("the dark themes' colours follow the light ones'");
    for class in classes(&macros) {
        let coloured = |part: &str| part.contains(&format!("--{class}:"));
        assert!(
            coloured(light) && coloured(dark),
            "{class} needs a colour in both parts of theme/unrolled.css"
        );
        assert!(style.contains(&format!(".{class} {{ color: var(--{class}); }}")), "{class} is not used");
    }
}

/// The name in quotes behind `key = `.
fn entries<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')).collect()
}

#[test]
fn exercises_and_chapters_lead_to_each_other() {
    let read = |name: &str| fs::read_to_string(render::root().join(name)).unwrap();
    let (info, page) = (read("exercises/info.toml"), read("src/exercises.md"));
    let (names, folders) = (entries(&info, "name"), entries(&info, "dir"));
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| <span id=")).collect();
    assert_eq!((names.len(), folders.len()), (rows.len(), rows.len()), "rows of src/exercises.md");
    for ((name, folder), row) in names.iter().zip(&folders).zip(rows) {
        let [stub, solution] =
            ["exercises", "solutions"].map(|of| read(&format!("exercises/{of}/{folder}/{name}.rs")));
        let chapter = stub.lines().find_map(|line| line.strip_prefix("//! The book: book/src/")).expect(name);
        assert!(
            row.contains(&format!("id=\"{name}\"")) && row.contains(&format!("]({chapter})")),
            "{name}: {row}"
        );
        let link = format!("[{name}](../exercises.md#{name})");
        assert!(read(&format!("src/{chapter}")).contains(&link), "{chapter} does not lead to {name}");
        let rest = |text: &str| text.split_once("#[cfg(test)]").map(|(_, tests)| tests.to_owned());
        assert!(
            rest(&stub).is_some() && rest(&stub) == rest(&solution),
            "{name}: the solution has other tests"
        );
    }
}
