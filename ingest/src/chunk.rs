//! Cutting a document into passages small enough for the embedding model.
//!
//! Blocks of one section are put together as long as they fit. A block that
//! does not fit is cut where its structure allows: tables between rows, lists
//! between items, code between lines, prose between sentences; what is still
//! too long is cut by `text-splitter`, which looks for the largest unit
//! (sentence, word, character) that fits.

use serde::{Deserialize, Serialize};
use text_splitter::{ChunkConfig, ChunkSizer, TextSplitter};

use crate::document::{Block, BlockKind, Document, Format, Span};
use crate::markdown;
use crate::sentences::sentences;

/// A passage: the unit that is embedded, searched and given to the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Position in the document, counted from 0.
    pub ordinal: u32,
    /// Its part of the document's text; never crosses a heading.
    pub span: Span,
    /// The section (heading and everything under it at its level) it stands in.
    pub section: Span,
    /// Page on which it begins (PDF).
    pub page: Option<u32>,
    /// First and last line in the file (formats with lines).
    pub lines: Option<(u32, u32)>,
    /// Headings above it, outermost first, without markup.
    pub headings: Vec<String>,
    /// What the indexes see in front of the passage and no citation ever shows:
    /// for a part of a table, its header row.
    pub context: String,
    /// The passage as the indexes see it: markup that is no word (link targets,
    /// emphasis marks, fences) taken out.
    pub plain: String,
}

/// How to cut.
pub struct ChunkOptions<'a> {
    /// Largest size in the embedding model's tokens, headings and context included.
    pub max_tokens: usize,
    /// Counts the embedding model's tokens of a text, without special tokens.
    pub count_tokens: &'a (dyn Fn(&str) -> usize + Sync),
}

/// Cuts `document` into chunks, in order. Headings and front matter are no
/// content of their own, unless the document has no other.
#[must_use]
pub fn chunk(document: &Document, options: &ChunkOptions<'_>) -> Vec<Chunk> {
    let cutter = Cutter { document, options };
    let has_body = document.blocks.iter().any(|block| is_body(block.kind));
    let mut chunks = Vec::new();
    let mut begin = 0;
    while begin < document.blocks.len() {
        let under = section_of(document, begin);
        let end = (begin + 1..document.blocks.len())
            .find(|&next| section_of(document, next) != under)
            .unwrap_or(document.blocks.len());
        let blocks: Vec<&Block> = document.blocks[begin..end]
            .iter()
            .filter(|block| is_body(block.kind) || !has_body && matches!(block.kind, BlockKind::Heading(_)))
            .collect();
        cutter.section(under, &blocks, &mut chunks);
        begin = end;
    }
    chunks
}

const fn is_body(kind: BlockKind) -> bool {
    !matches!(kind, BlockKind::Heading(_) | BlockKind::Metadata)
}

/// Index of the heading that the block stands under; a heading stands under itself.
fn section_of(document: &Document, index: usize) -> Option<u32> {
    let block = &document.blocks[index];
    match block.kind {
        BlockKind::Heading(_) => u32::try_from(index).ok(),
        _ => block.path.last().copied(),
    }
}

/// A piece of a block that is not cut further, and its size.
struct Piece {
    span: Span,
    tokens: usize,
    context: String,
}

struct Cutter<'a> {
    document: &'a Document,
    options: &'a ChunkOptions<'a>,
}

struct Sizer<'a>(&'a Cutter<'a>);

impl ChunkSizer for Sizer<'_> {
    fn size(&self, text: &str) -> usize {
        self.0.size(text)
    }
}

impl Cutter<'_> {
    fn section(&self, heading: Option<u32>, blocks: &[&Block], chunks: &mut Vec<Chunk>) {
        let headings = self.headings(heading);
        // Headings are cut from the budget, but never more than a third of it.
        let taken = (self.options.count_tokens)(&headings.join("\n")).min(self.options.max_tokens / 3);
        let budget = (self.options.max_tokens - taken).max(1);
        let pieces: Vec<Piece> = blocks.iter().flat_map(|block| self.pieces(block, budget)).collect();
        let section = self.section_span(heading);
        let mut open: Option<Piece> = None;
        for piece in pieces {
            open = Some(match open {
                Some(held) if held.context == piece.context && held.tokens + piece.tokens <= budget => Piece {
                    span: Span::new(held.span.start, piece.span.end),
                    tokens: held.tokens + piece.tokens,
                    context: held.context,
                },
                Some(held) => {
                    chunks.push(self.finish(held, section, &headings, chunks.len()));
                    piece
                }
                None => piece,
            });
        }
        if let Some(held) = open {
            chunks.push(self.finish(held, section, &headings, chunks.len()));
        }
    }

    fn pieces(&self, block: &Block, budget: usize) -> Vec<Piece> {
        let tokens = self.size(self.document.slice(block.span));
        if tokens <= budget {
            return vec![Piece { span: block.span, tokens, context: String::new() }];
        }
        match block.kind {
            BlockKind::Table => self.rows(block.span, budget),
            BlockKind::Code => self.fitting(self.lines(block.span), budget),
            _ => {
                let text = self.document.slice(block.span);
                let shifted = sentences(text).into_iter().map(|s| shift(s, block.span.start)).collect();
                self.fitting(shifted, budget)
            }
        }
    }

    /// The rows of a table; the header row and the rule under it are context of
    /// all but the first part.
    fn rows(&self, span: Span, budget: usize) -> Vec<Piece> {
        let lines = self.lines(span);
        let rule = lines.get(1).is_some_and(|line| is_rule(self.document.slice(*line)));
        let header = if rule { self.document.slice(lines[0]).to_owned() } else { String::new() };
        let header_tokens = self.size(&header);
        let body = budget.saturating_sub(header_tokens);
        if !rule || body < budget / 2 {
            return self.fitting(lines, budget);
        }
        // The first part has the header row itself, and the room that it costs.
        let mut parts: Vec<Piece> = Vec::new();
        for row in self.fitting(lines, body) {
            match parts.last_mut() {
                Some(part) if part.tokens + row.tokens <= budget => {
                    part.span.end = row.span.end;
                    part.tokens += row.tokens;
                }
                Some(_) => parts.push(Piece { tokens: row.tokens + header_tokens, context: header.clone(), ..row }),
                None => parts.push(row),
            }
        }
        parts
    }

    fn lines(&self, span: Span) -> Vec<Span> {
        let mut offset = span.start;
        let mut lines = Vec::new();
        for line in self.document.slice(span).split_inclusive('\n') {
            let kept = line.trim_end();
            if !kept.is_empty() {
                lines.push(Span::new(offset, offset + kept.len()));
            }
            offset += line.len();
        }
        lines
    }

    /// The spans, those that are too long cut further.
    fn fitting(&self, spans: Vec<Span>, budget: usize) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for span in spans {
            let tokens = self.size(self.document.slice(span));
            if tokens <= budget {
                pieces.push(Piece { span, tokens, context: String::new() });
                continue;
            }
            let splitter = TextSplitter::new(ChunkConfig::new(budget).with_sizer(Sizer(self)));
            pieces.extend(splitter.chunk_indices(self.document.slice(span)).map(|(offset, part)| Piece {
                span: Span::new(span.start + offset, span.start + offset + part.len()),
                tokens: self.size(part),
                context: String::new(),
            }));
        }
        pieces
    }

    fn size(&self, text: &str) -> usize {
        (self.options.count_tokens)(text)
    }

    fn finish(&self, piece: Piece, section: Span, headings: &[String], ordinal: usize) -> Chunk {
        let source = self.document.slice(piece.span);
        let plain = match self.document.format {
            Format::Markdown => markdown::plain(source),
            Format::Pdf | Format::Html | Format::Text => {
                source.chars().filter(|&c| !crate::text::is_invisible(c)).collect()
            }
        };
        Chunk {
            ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
            span: piece.span,
            section,
            page: self.document.page_at(piece.span.start),
            lines: self.document.lines_at(piece.span),
            headings: headings.to_vec(),
            context: piece.context,
            plain,
        }
    }

    fn headings(&self, heading: Option<u32>) -> Vec<String> {
        let Some(own) = heading.and_then(|index| self.document.blocks.get(index as usize)) else { return Vec::new() };
        let mut path = self.document.heading_path(own);
        path.push(crate::document::heading_text(self.document.slice(own.span)));
        let words = |text: &str| match self.document.format {
            Format::Markdown => markdown::plain(text),
            Format::Pdf | Format::Html | Format::Text => text.to_owned(),
        };
        path.into_iter().map(words).filter(|text| !text.is_empty()).collect()
    }

    /// From the heading to the next one of its level or above.
    fn section_span(&self, heading: Option<u32>) -> Span {
        let blocks = &self.document.blocks;
        let level = |block: &Block| match block.kind {
            BlockKind::Heading(level) => Some(level),
            _ => None,
        };
        let end_of = |last: usize| blocks.get(last).map_or(self.document.text.len(), |block| block.span.end);
        let Some(index) = heading.map(|index| index as usize) else {
            let until = blocks.iter().position(|block| level(block).is_some()).unwrap_or(blocks.len());
            return Span::new(0, until.checked_sub(1).map_or(0, end_of));
        };
        let own = level(&blocks[index]).unwrap_or(1);
        let until = (index + 1..blocks.len())
            .find(|&next| level(&blocks[next]).is_some_and(|level| level <= own))
            .unwrap_or(blocks.len());
        Span::new(blocks[index].span.start, end_of(until - 1))
    }
}

const fn shift(span: Span, by: usize) -> Span {
    Span::new(span.start + by, span.end + by)
}

/// Whether a table line is the rule under the header: `|---|:-:|`.
fn is_rule(line: &str) -> bool {
    line.contains('-') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::read_bytes;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn chunks(source: &str, max_tokens: usize) -> (Document, Vec<Chunk>) {
        let document = read_bytes("page.md", source.as_bytes()).unwrap().document;
        let chunks = chunk(&document, &ChunkOptions { max_tokens, count_tokens: &words });
        (document, chunks)
    }

    #[test]
    fn blocks_of_a_section_are_put_together_and_headings_part_them() {
        let (document, chunks) = chunks("# One\n\nFirst here.\n\n- second\n\n## Two\n\nThird.\n", 20);
        let seen: Vec<(&str, Vec<String>)> =
            chunks.iter().map(|c| (document.slice(c.span), c.headings.clone())).collect();
        assert_eq!(
            seen,
            [("First here.\n\n- second", vec!["One".to_owned()]), ("Third.", vec!["One".to_owned(), "Two".to_owned()]),]
        );
        assert_eq!(document.slice(chunks[0].section), "# One\n\nFirst here.\n\n- second\n\n## Two\n\nThird.");
        assert_eq!(chunks[1].lines, Some((9, 9)));
    }

    #[test]
    fn long_tables_are_cut_between_rows_and_repeat_their_header() {
        let rows: String = (1..=6).map(|n| format!("| row {n} | value {n} |\n")).collect();
        let (document, chunks) = chunks(&format!("| name | worth |\n|---|---|\n{rows}"), 24);
        assert!(chunks.len() > 1);
        assert!(document.slice(chunks[0].span).starts_with("| name | worth |"));
        assert_eq!(chunks[0].context, "");
        for later in &chunks[1..] {
            assert_eq!(later.context, "| name | worth |");
            assert!(document.slice(later.span).starts_with("| row"));
        }
    }

    #[test]
    fn a_document_of_headings_alone_still_has_a_chunk() {
        let (document, chunks) = chunks("# Only a title\n", 20);
        assert_eq!(chunks.iter().map(|c| document.slice(c.span)).collect::<Vec<_>>(), ["# Only a title"]);
    }

    proptest! {
        #[test]
        fn chunks_keep_the_laws(source in "([#>*|`-]{0,3} ?[a-z保修。.!?]{0,9}[ \n]{1,2}){0,60}", max in 4usize..40) {
            let (document, chunks) = chunks(&source, max);
            let mut end = 0;
            for (ordinal, chunk) in chunks.iter().enumerate() {
                prop_assert_eq!(chunk.ordinal as usize, ordinal);
                prop_assert!(chunk.span.start >= end && !chunk.span.is_empty());
                end = chunk.span.end;
                prop_assert!(chunk.section.contains(chunk.span));
                prop_assert!(words(document.slice(chunk.span)) <= max);
                for block in document.blocks.iter().filter(|b| matches!(b.kind, BlockKind::Heading(_))) {
                    let lone = chunk.span == block.span;
                    prop_assert!(lone || chunk.span.intersect(block.span).is_none());
                }
            }
            for block in document.blocks.iter().filter(|block| is_body(block.kind)) {
                let text = document.slice(block.span);
                for (offset, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
                    let at = block.span.start + offset;
                    let holders = chunks.iter().filter(|chunk| chunk.span.start <= at && at < chunk.span.end).count();
                    prop_assert_eq!(holders, 1, "{:?} at {}", c, at);
                }
            }
        }

        #[test]
        fn no_bytes_bring_a_reader_down(bytes in proptest::collection::vec(any::<u8>(), 0..300), html in any::<bool>()) {
            let name = if html { "x.html" } else { "x.md" };
            if let Ok(parsed) = read_bytes(name, &bytes) {
                prop_assert!(parsed.document.is_consistent());
                let _ = chunk(&parsed.document, &ChunkOptions { max_tokens: 8, count_tokens: &words });
            }
        }
    }
}
