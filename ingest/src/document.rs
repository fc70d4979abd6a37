//! What a reader produces: the text of a file and where every part of it stands.

use serde::{Deserialize, Serialize};

/// A half-open range of bytes in [`Document::text`], always on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range `start..end`.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Length in bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether the span covers no byte.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// Whether `other` lies inside this span.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The bytes that both spans cover, if any.
    #[must_use]
    pub fn intersect(self, other: Self) -> Option<Self> {
        let (start, end) = (self.start.max(other.start), self.end.min(other.end));
        (start < end).then_some(Self { start, end })
    }
}

/// The file formats that Attest reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Portable Document Format; has pages and boxes.
    Pdf,
    /// `CommonMark` with GFM extensions; the text is the source itself.
    Markdown,
    /// HTML; the text is what a reader would see.
    Html,
    /// Plain text; the text is the source itself.
    Text,
}

/// The readable content of one file.
///
/// Invariant: every [`Span`] in here lies in `text`, on character boundaries,
/// and `&text[span]` is exactly the part of the text it speaks of. For Markdown
/// and plain text, `text` is the decoded source (without a byte order mark), so
/// that offsets and lines are those of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// What the file was read as.
    pub format: Format,
    /// Title from metadata, front matter or the first heading; else the file stem.
    pub title: String,
    /// The extracted text; all spans point into it.
    pub text: String,
    /// Pages in order (PDF); empty for formats without pages.
    pub pages: Vec<Page>,
    /// Blocks in reading order; their spans do not overlap and increase.
    pub blocks: Vec<Block>,
    /// Where the lines of the source begin (formats without pages); ascending.
    pub lines: Vec<LineStart>,
    /// Where on the pages the text stands (PDF); ascending by span.
    pub fragments: Vec<Fragment>,
    /// Text that a human reader of the file would not see (white on white,
    /// zero-size, off the page, `display:none`). It is not part of `text`.
    pub hidden: Vec<String>,
    /// What the file says of itself.
    pub metadata: Metadata,
}

/// One page of a paginated document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Physical page number, counted from 1.
    pub number: u32,
    /// The label printed in the document's own numbering ("iv", "A-3"), if it has one.
    pub label: Option<String>,
    /// The page's part of the text.
    pub span: Span,
    /// Width in points, after rotation and crop.
    pub width: f32,
    /// Height in points, after rotation and crop.
    pub height: f32,
}

/// A structural unit of the text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Its part of the text.
    pub span: Span,
    /// Indices into [`Document::blocks`] of the headings it stands under,
    /// outermost first; a heading lists its ancestors, not itself.
    pub path: Vec<u32>,
}

/// The kinds of block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// A heading of the given level, 1 (outermost) to 6.
    Heading(u8),
    /// Running text.
    Paragraph,
    /// A whole list, nested items included.
    List,
    /// A whole table, as Markdown rows (`| a | b |`), the header row first.
    Table,
    /// Code or preformatted text, fences included where the source has them.
    Code,
    /// A quotation or callout.
    Quote,
    /// The caption of a figure or table.
    Caption,
    /// The text of a footnote.
    Footnote,
    /// Front matter and other data that belongs to the file, not to its prose.
    Metadata,
}

/// Where a line of the source begins in [`Document::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineStart {
    /// Byte offset in the text.
    pub offset: usize,
    /// Line number in the file, counted from 1.
    pub line: u32,
}

/// A piece of text in one line of a page (a word, or a run of CJK characters),
/// and its box.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fragment {
    /// The piece's part of the text.
    pub span: Span,
    /// Page number, counted from 1.
    pub page: u32,
    /// Its box on the page.
    pub rect: Rect,
}

/// A box on a page: points, origin at the top left, y downwards.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

/// A box with its page.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageRect {
    /// Page number, counted from 1.
    pub page: u32,
    /// The box.
    pub rect: Rect,
}

/// What a file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Author, as given.
    pub author: Option<String>,
    /// Date of the content, as given (front matter `date`, PDF `ModDate` or `CreationDate`).
    pub date: Option<String>,
    /// Version or edition, as given (front matter `version`).
    pub version: Option<String>,
    /// Aliases and tags (front matter), as given.
    pub tags: Vec<String>,
    /// Names of attached files (PDF).
    pub attachments: Vec<String>,
    /// Targets of `[[wikilinks]]` and relative links to other documents, in order, unique.
    pub links: Vec<String>,
}

/// A document and what is worth telling about how it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parsed {
    /// The document.
    pub document: Document,
    /// Remarks for the person who added the file; none of them is fatal.
    pub warnings: Vec<Warning>,
}

/// A remark about how a file was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Warning {
    /// These pages hold no text, probably scans that need character recognition.
    TextlessPages {
        /// Page numbers.
        pages: Vec<u32>,
    },
    /// Some glyphs have no known character.
    UnmappedGlyphs {
        /// How many.
        count: usize,
    },
    /// Text that readers would not see was left out.
    HiddenText {
        /// How many characters.
        characters: usize,
    },
    /// Bytes that are not valid in the detected encoding were replaced.
    UndecodableBytes {
        /// The encoding's label.
        encoding: String,
    },
    /// There is not a word in it.
    NoWords,
    /// The file is damaged; what could be read was read.
    Damaged {
        /// What was wrong.
        reason: String,
    },
}

impl Warning {
    /// A short stable name, for reports and tools; the one it has in JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::TextlessPages { .. } => "textless_pages",
            Self::UnmappedGlyphs { .. } => "unmapped_glyphs",
            Self::HiddenText { .. } => "hidden_text",
            Self::UndecodableBytes { .. } => "undecodable_bytes",
            Self::NoWords => "no_words",
            Self::Damaged { .. } => "damaged",
        }
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TextlessPages { pages } => {
                let numbers: Vec<String> = pages.iter().map(u32::to_string).collect();
                write!(f, "no text on page {}; probably scans that need character recognition", numbers.join(", "))
            }
            Self::UnmappedGlyphs { count } => write!(f, "{count} glyphs have no known character"),
            Self::HiddenText { characters } => {
                write!(f, "{characters} characters that a reader would not see; kept out of search and prompts")
            }
            Self::UndecodableBytes { encoding } => write!(f, "some bytes are not valid {encoding} and were replaced"),
            Self::NoWords => f.write_str("there is no text in it"),
            Self::Damaged { reason } => write!(f, "the file is damaged ({reason}); what could be read was read"),
        }
    }
}

impl Document {
    /// The text at `span`.
    ///
    /// # Panics
    /// If the span is not one of this document's.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        &self.text[span.start..span.end]
    }

    /// The number of the page on which `offset` stands, if the document has pages.
    #[must_use]
    pub fn page_at(&self, offset: usize) -> Option<u32> {
        let after = self.pages.partition_point(|page| page.span.start <= offset);
        self.pages.get(after.checked_sub(1)?).map(|page| page.number)
    }

    /// First and last source line that `span` touches, if the format has lines.
    #[must_use]
    pub fn lines_at(&self, span: Span) -> Option<(u32, u32)> {
        let line = |offset: usize| {
            let after = self.lines.partition_point(|line| line.offset <= offset);
            Some(self.lines.get(after.checked_sub(1)?)?.line)
        };
        let first = line(span.start)?;
        Some((first, line(span.end.saturating_sub(1).max(span.start))?))
    }

    /// Whether all spans lie in the text, on character boundaries, in order, and
    /// all heading paths lead to earlier blocks. Readers guarantee it; it is
    /// asked of documents that come from another process.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let inside = |span: Span| self.text.get(span.start..span.end).is_some();
        let ordered = |spans: &[Span]| {
            spans.iter().all(|&span| inside(span)) && spans.windows(2).all(|pair| pair[0].end <= pair[1].start)
        };
        ordered(&self.pages.iter().map(|page| page.span).collect::<Vec<_>>())
            && ordered(&self.blocks.iter().map(|block| block.span).collect::<Vec<_>>())
            && ordered(&self.fragments.iter().map(|fragment| fragment.span).collect::<Vec<_>>())
            && self.fragments.iter().all(|fragment| !fragment.span.is_empty())
            && self.lines.is_sorted_by_key(|line| line.offset)
            && self.lines.iter().all(|line| self.text.is_char_boundary(line.offset))
            && self.blocks.iter().zip(0..).all(|(block, index)| block.path.iter().all(|&above| above < index))
    }

    /// The texts of the headings above `block`, outermost first.
    #[must_use]
    pub fn heading_path(&self, block: &Block) -> Vec<&str> {
        block
            .path
            .iter()
            .filter_map(|&index| self.blocks.get(index as usize))
            .map(|heading| heading_text(self.slice(heading.span)))
            .collect()
    }

    /// The boxes that `span` covers, one a line, clipped to the span by
    /// interpolating along each fragment.
    #[must_use]
    pub fn boxes(&self, span: Span) -> Vec<PageRect> {
        let first = self.fragments.partition_point(|f| f.span.end <= span.start);
        let mut boxes: Vec<PageRect> = Vec::new();
        for fragment in &self.fragments[first..] {
            if fragment.span.start >= span.end {
                break;
            }
            let Some(part) = fragment.span.intersect(span) else { continue };
            let rect = fragment.clip(part, &self.text);
            match boxes.last_mut() {
                Some(last) if last.page == fragment.page && last.rect.same_line(rect) => {
                    last.rect = last.rect.union(rect);
                }
                _ => boxes.push(PageRect { page: fragment.page, rect }),
            }
        }
        boxes
    }
}

impl Fragment {
    fn clip(&self, part: Span, text: &str) -> Rect {
        let chars = |a: usize, b: usize| text.get(a..b).map_or(0, |s| s.chars().count()) as f32;
        let total = chars(self.span.start, self.span.end).max(1.0);
        let width = self.rect.x1 - self.rect.x0;
        let from = chars(self.span.start, part.start) / total;
        let to = chars(self.span.start, part.end) / total;
        Rect { x0: self.rect.x0 + width * from, x1: self.rect.x0 + width * to, ..self.rect }
    }
}

impl Rect {
    /// Whether two boxes share most of their height and follow each other.
    fn same_line(self, other: Self) -> bool {
        let overlap = self.y1.min(other.y1) - self.y0.max(other.y0);
        let height = (self.y1 - self.y0).min(other.y1 - other.y0);
        overlap > 0.5 * height && other.x0 >= self.x0 && other.x0 - self.x1 < 3.0 * height
    }

    /// The smallest box around both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }
}

/// A heading's words without its markup (`## Title ##`, setext underlines).
#[must_use]
pub fn heading_text(source: &str) -> &str {
    let line = source.trim().lines().next().unwrap_or_default().trim_end();
    let words = line.trim_start_matches('#');
    // "#1 in sales" and "C#" keep their marks: those of Markdown stand apart.
    if !(1..=6).contains(&(line.len() - words.len())) || !words.is_empty() && !words.starts_with([' ', '\t']) {
        return line;
    }
    let open = words.trim_end_matches('#');
    if open.len() == words.len() || open.ends_with([' ', '\t']) { open.trim() } else { words.trim() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_have_one_name() {
        for warning in [
            Warning::TextlessPages { pages: vec![1] },
            Warning::UnmappedGlyphs { count: 1 },
            Warning::HiddenText { characters: 1 },
            Warning::UndecodableBytes { encoding: String::new() },
            Warning::NoWords,
            Warning::Damaged { reason: String::new() },
        ] {
            assert_eq!(serde_json::to_value(&warning).unwrap()["kind"], warning.kind());
        }
    }
}
