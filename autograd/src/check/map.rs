//! A small map of the entries that are wrong.

use super::ParameterReport;
use super::report::Paint;
use std::fmt;

/// Rows and columns of a map at most: a mark stands for several entries of a larger matrix.
const ROWS: usize = 8;
const COLS: usize = 32;

/// Lines that the maps of all parameters may take.
const LINES: usize = 10;

/// The maps of the wrong parameters, for as many of them as there is room.
pub(super) struct Map {
    lines: Vec<Line>,
}

/// The name of a block or a range of rows, and a mark per column: whether there is a wrong entry.
struct Line {
    name: String,
    marks: Vec<bool>,
}

impl Map {
    pub fn of(parameters: &[ParameterReport]) -> Self {
        let mut lines = Vec::new();
        for parameter in parameters.iter().filter(|p| p.wrong > 0 && p.wrong < p.checked) {
            let more = parameter.map();
            if lines.len() + more.len() <= LINES {
                lines.extend(more);
            }
        }
        Self { lines }
    }

    pub fn write(&self, f: &mut fmt::Formatter<'_>, paint: Paint) -> fmt::Result {
        if self.lines.is_empty() {
            return Ok(());
        }
        writeln!(f, "  where it is wrong (×) and where right (·)")?;
        let width = self.lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        for Line { name, marks } in &self.lines {
            let marks: String =
                marks.iter().map(|wrong| if *wrong { paint.bad(" ×") } else { paint.good(" ·") }).collect();
            writeln!(f, "    {name:width$} {marks}")?;
        }
        Ok(())
    }
}

impl ParameterReport {
    /// One line per block of rows, if they have names, or per row; a column vector lies down.
    fn map(&self) -> Vec<Line> {
        let lying = self.cols == 1 && self.blocks.is_empty();
        let (rows, cols) = if lying { (1, self.rows) } else { (self.rows, self.cols) };
        let lines = if self.blocks.is_empty() { rows.min(ROWS) } else { self.blocks.len() };
        let (high, wide) = (rows.div_ceil(lines.max(1)), cols.div_ceil(COLS).max(1));
        let mut marks = vec![vec![false; cols.div_ceil(wide)]; rows.div_ceil(high.max(1))];
        for entry in self.entries.iter().filter(|entry| entry.wrong) {
            let (row, col) = if lying { (0, entry.row) } else { (entry.row, entry.col) };
            marks[row / high][col / wide] = true;
        }
        let name = |k: usize| match self.blocks.get(k) {
            Some(block) => format!("{} {block}", self.name),
            None if k == 0 => self.name.clone(),
            None => String::new(),
        };
        marks.into_iter().enumerate().map(|(k, marks)| Line { name: name(k), marks }).collect()
    }
}
