//! A chapter as a sequence of prose, code blocks and figures.
//!
//! Everything else here works on these three kinds, so that a `$` in a code block is never taken for a
//! formula. Put together again, the blocks are the chapter's text, byte for byte.

/// One piece of a chapter; `line` is its first line, counted from 1.
#[derive(Debug, PartialEq)]
pub enum Block<'a> {
    /// Anything that is neither of the others.
    Prose {
        /// First line.
        line: usize,
        /// The text, line ends included.
        text: &'a str,
    },
    /// A fenced code block.
    Code(Code<'a>),
    /// An image that stands alone on its line and is an SVG.
    Figure(Figure<'a>),
}

/// A fenced code block.
#[derive(Debug, PartialEq)]
pub struct Code<'a> {
    /// Line of the opening fence.
    pub line: usize,
    /// What stands before the opening fence: spaces, within a list.
    pub indent: &'a str,
    /// What stands behind the opening fence, such as `rust,ignore`.
    pub info: &'a str,
    /// The lines between the fences.
    pub body: &'a str,
    /// The whole block, fences included.
    pub text: &'a str,
}

/// `![alt](source "caption")`
#[derive(Debug, PartialEq)]
pub struct Figure<'a> {
    /// Line of the image.
    pub line: usize,
    /// The picture in words, for those who do not see it.
    pub alt: &'a str,
    /// A file beside the chapter, or `run:NAME`.
    pub source: &'a str,
    /// The line below the picture; may hold formulas, may be empty.
    pub caption: &'a str,
    /// The whole line.
    pub text: &'a str,
}

impl<'a> Block<'a> {
    /// The block as it stands in the chapter.
    pub fn text(&self) -> &'a str {
        match self {
            Self::Prose { text, .. } => text,
            Self::Code(code) => code.text,
            Self::Figure(figure) => figure.text,
        }
    }
}

impl<'a> Code<'a> {
    /// The comma-separated words of the info string.
    pub fn words(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.info.split([',', ' ']).filter(|w| !w.is_empty())
    }

    /// The value of `key:value` in the info string.
    pub fn value(&self, key: &str) -> Option<&'a str> {
        self.words().find_map(|w| w.strip_prefix(key)?.strip_prefix(':'))
    }
}

/// Splits a chapter. An unclosed fence reaches to the end, as in Markdown.
pub fn blocks(chapter: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = Lines { rest: chapter, number: 0 };
    let (mut prose, mut prose_line) = (chapter, 1);
    loop {
        let before = lines.rest;
        let Some(line) = lines.next() else { break };
        let number = lines.number;
        let special = match fence(line) {
            Some((indent, mark, info)) => {
                let (body, text) = lines.until_closed(before, line, mark);
                Some(Block::Code(Code { line: number, indent, info, body, text }))
            }
            None => figure(line, number).map(Block::Figure),
        };
        if let Some(block) = special {
            let read = prose.len() - before.len();
            push_prose(&mut blocks, prose_line, &prose[..read]);
            blocks.push(block);
            (prose, prose_line) = (lines.rest, lines.number + 1);
        }
    }
    push_prose(&mut blocks, prose_line, prose);
    blocks
}

fn push_prose<'a>(blocks: &mut Vec<Block<'a>>, line: usize, text: &'a str) {
    if !text.is_empty() {
        blocks.push(Block::Prose { line, text });
    }
}

/// What is left of a text, and the number of the line last read.
struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    /// The next line, its line end included.
    fn next(&mut self) -> Option<&'a str> {
        let line = self.rest.split_inclusive('\n').next()?;
        self.rest = &self.rest[line.len()..];
        self.number += 1;
        Some(line)
    }

    /// Reads to the fence that closes `mark`: the lines between, and all from `start` on.
    fn until_closed(&mut self, start: &'a str, opening: &str, mark: &str) -> (&'a str, &'a str) {
        let body = &start[opening.len()..];
        let mut length = 0;
        while let Some(line) = self.next() {
            let bare = line.trim();
            if bare.starts_with(mark) && bare.chars().all(|c| mark.starts_with(c)) {
                break;
            }
            length += line.len();
        }
        (&body[..length], &start[..start.len() - self.rest.len()])
    }
}

/// Indent, fence characters and info string, if the line opens a code block.
fn fence(line: &str) -> Option<(&str, &str, &str)> {
    let bare = line.trim_start();
    let mark = bare.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = bare.len() - bare.trim_start_matches(mark).len();
    let info = bare[length..].trim();
    let opens = length >= 3 && !(mark == '`' && info.contains('`'));
    opens.then(|| (&line[..line.len() - bare.len()], &bare[..length], info))
}

fn figure(line: &str, number: usize) -> Option<Figure<'_>> {
    let (alt, rest) = line.trim().strip_prefix("![")?.split_once("](")?;
    let inside = rest.strip_suffix(')')?;
    let (source, caption) = match inside.split_once(" \"") {
        Some((source, caption)) => (source, caption.strip_suffix('"')?),
        None => (inside, ""),
    };
    let ours = source.ends_with(".svg") || source.starts_with("run:");
    ours.then_some(Figure { line: number, alt, source, caption, text: line })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAPTER: &str = "one $a$\n\n```rust,ignore,colours:fi\nlet a = 1;\n```\ntwo\n   ~~~~text\n```\n   ~~~~\n\
                           ![a graph](g.svg \"the $x$\")\n![photo](p.png)\n```sh\nnever closed";

    #[test]
    fn blocks_put_together_are_the_chapter() {
        let text: String = blocks(CHAPTER).iter().map(Block::text).collect();
        assert_eq!(text, CHAPTER);
    }

    #[test]
    fn each_kind_is_found_with_its_line() {
        let found = blocks(CHAPTER);
        let [
            Block::Prose { line: 1, .. },
            Block::Code(first),
            Block::Prose { line: 6, text: "two\n" },
            rest @ ..,
        ] = &found[..]
        else {
            panic!("{found:#?}")
        };
        assert_eq!((first.line, first.info, first.body), (3, "rust,ignore,colours:fi", "let a = 1;\n"));
        assert_eq!(first.value("colours"), Some("fi"));
        let [Block::Code(second), Block::Figure(figure), Block::Prose { line: 11, .. }, Block::Code(last)] =
            rest
        else {
            panic!("{rest:#?}")
        };
        assert_eq!((second.line, second.indent, second.body), (7, "   ", "```\n"));
        assert_eq!(
            (figure.line, figure.alt, figure.source, figure.caption),
            (10, "a graph", "g.svg", "the $x$")
        );
        assert_eq!((last.line, last.body), (12, "never closed"));
    }
}
