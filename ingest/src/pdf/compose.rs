//! Last stage: drafts of blocks become the document's text, with the span of
//! every block and the box of every word.

use super::blocks::{Body, Draft, Placed};
use super::clean::{Break, Vocabulary};
use super::words::{Joint, Word};
use crate::document::{Block, BlockKind, Fragment, Rect, Span};

/// The text of a document with its parts.
#[derive(Debug, Default)]
pub struct Composed {
    /// The text; blocks are separated by a blank line.
    pub text: String,
    /// The blocks with their spans and heading paths.
    pub blocks: Vec<Block>,
    /// The boxes of the words.
    pub fragments: Vec<Fragment>,
    /// Each page's part of the text.
    pub pages: Vec<Span>,
}

/// Writes the text of `drafts`, which are in reading order, for `pages` pages.
pub fn compose(drafts: &[Draft], vocabulary: &Vocabulary, pages: usize) -> Composed {
    let mut composer = Composer { out: Composed::default(), vocabulary, starts: Vec::new() };
    let mut headings: Vec<(u8, u32)> = Vec::new();
    for draft in drafts {
        let undo = composer.out.text.len();
        if undo > 0 {
            composer.out.text.push_str("\n\n");
        }
        let start = composer.out.text.len();
        composer.body(&draft.body);
        let end = composer.out.text.len();
        if end == start {
            composer.out.text.truncate(undo);
            continue;
        }
        if let BlockKind::Heading(level) = draft.kind {
            headings.retain(|&(above, _)| above < level);
        }
        let path = headings.iter().map(|&(_, block)| block).collect();
        if let BlockKind::Heading(level) = draft.kind {
            headings.push((level, composer.out.blocks.len() as u32));
        }
        composer.out.blocks.push(Block { kind: draft.kind, span: Span::new(start, end), path });
    }
    composer.finish(pages)
}

struct Composer<'a> {
    out: Composed,
    vocabulary: &'a Vocabulary,
    /// Where each page's text begins, for the pages begun so far.
    starts: Vec<usize>,
}

impl Composer<'_> {
    fn body(&mut self, body: &Body) {
        match body {
            Body::Flow(lines) => self.flow(lines),
            Body::Items(items) => {
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.out.text.push('\n');
                    }
                    self.flow(item);
                }
            }
            Body::Code(lines) => self.code(lines),
            Body::Rows(rows) => self.rows(rows),
        }
    }

    /// Lines of one paragraph, joined.
    fn flow(&mut self, lines: &[Placed]) {
        let mut before: Option<&Word> = None;
        for Placed { page, line } in lines {
            for (index, (word, joint)) in line.words().enumerate() {
                let separator = match (before, index) {
                    (None, _) => "",
                    (Some(before), 0) => match self.vocabulary.join(&before.text, &word.text) {
                        Break::Space => " ",
                        Break::Nothing => "",
                        Break::Hyphen => {
                            self.drop_hyphen();
                            ""
                        }
                    },
                    (Some(_), _) if joint == Joint::Space => " ",
                    (Some(_), _) => "",
                };
                self.out.text.push_str(separator);
                self.word(*page, word, &word.text);
                before = Some(word);
            }
        }
    }

    /// Lines kept as lines, with their indentation.
    fn code(&mut self, lines: &[Placed]) {
        let left = lines.iter().map(|placed| placed.line.start).fold(f32::INFINITY, f32::min);
        for (index, Placed { page, line }) in lines.iter().enumerate() {
            let advance = line.fixed_pitch().unwrap_or(0.6) * line.size;
            if index > 0 {
                self.out.text.push('\n');
            }
            let mut end = left;
            for (index, (word, _)) in line.words().enumerate() {
                let columns = ((word.start - end) / advance.max(0.1)).round().clamp(0.0, 80.0) as usize;
                if index > 0 || columns > 0 {
                    self.enter(*page);
                }
                self.out.text.extend(std::iter::repeat_n(' ', columns));
                self.word(*page, word, &word.text);
                end = word.end;
            }
        }
    }

    /// A table as Markdown rows.
    fn rows(&mut self, rows: &[Vec<Vec<Placed>>]) {
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                self.out.text.push('\n');
            }
            if let Some(first) = row.iter().flatten().next() {
                self.enter(first.page);
            }
            self.out.text.push('|');
            for cell in row {
                self.out.text.push(' ');
                self.flow(cell);
                self.out.text.push_str(if cell.is_empty() { "|" } else { " |" });
            }
            if index == 0 {
                self.out.text.push_str("\n|");
                self.out.text.push_str(&" --- |".repeat(row.len()));
            }
        }
    }

    fn word(&mut self, page: u32, word: &Word, text: &str) {
        self.enter(page);
        let start = self.out.text.len();
        self.out.text.push_str(text);
        if self.out.text.len() > start {
            let span = Span::new(start, self.out.text.len());
            self.out.fragments.push(Fragment { span, page, rect: rounded(word.rect) });
        }
    }

    /// Takes back the hyphen that ends the text; its box still covers it.
    fn drop_hyphen(&mut self) {
        if self.out.text.pop().is_some()
            && let Some(fragment) = self.out.fragments.last_mut()
        {
            fragment.span.end = self.out.text.len();
        }
    }

    /// Notes that page `number` has begun.
    fn enter(&mut self, number: u32) {
        while self.starts.len() < number as usize {
            self.starts.push(self.out.text.len());
        }
    }

    fn finish(mut self, pages: usize) -> Composed {
        self.enter(pages as u32);
        let ends = self.starts.iter().skip(1).copied().chain([self.out.text.len()]);
        self.out.pages = self.starts.iter().zip(ends).map(|(&start, end)| Span::new(start, end)).collect();
        self.out
    }
}

/// A hundredth of a point is finer than any display.
fn rounded(rect: Rect) -> Rect {
    let round = |x: f32| (x * 100.0).round() / 100.0;
    Rect { x0: round(rect.x0), y0: round(rect.y0), x1: round(rect.x1), y1: round(rect.y1) }
}
