//! Cutting a document into passages small enough for the embedding model.
//!
//! Every section is cut by itself. Its blocks, or where a block is too long the
//! `pieces` that its structure offers (rows of a table, lines of code,
//! sentences), are put together to as few chunks as possible, of about the same
//! size (`pack`): a leftover of ten words would be hard to find and easy to
//! mistake.

mod pack;
mod pieces;

use serde::{Deserialize, Serialize};

use crate::document::{Block, BlockKind, Document, Format, Span, heading_text};
use crate::plain;
use pieces::{Piece, pieces};

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
    let has_body = document.blocks.iter().any(|block| is_body(block.kind));
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut begin = 0;
    while begin < document.blocks.len() {
        let heading = section_of(document, begin);
        let end = (begin + 1..document.blocks.len())
            .find(|&next| section_of(document, next) != heading)
            .unwrap_or(document.blocks.len());
        let wanted = |block: &&Block| is_body(block.kind) || !has_body && matches!(block.kind, BlockKind::Heading(_));
        let blocks: Vec<&Block> = document.blocks[begin..end].iter().filter(wanted).collect();
        if !blocks.is_empty() {
            cut_section(document, options, heading, &blocks, &mut chunks);
        }
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

fn cut_section(
    document: &Document,
    options: &ChunkOptions<'_>,
    heading: Option<u32>,
    blocks: &[&Block],
    chunks: &mut Vec<Chunk>,
) {
    let headings = headings(document, heading);
    let place = place(&document.title, &headings);
    // Where a passage stands may take a third of its room, never more.
    let taken = (options.count_tokens)(&place).min(options.max_tokens / 3);
    let budget = (options.max_tokens - taken).max(1);
    let section = section_span(document, heading);
    let pieces: Vec<Piece> = blocks.iter().flat_map(|block| pieces(document, block, budget, options)).collect();
    for part in pack::pack(document, &pieces, budget) {
        let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
        let plain: Vec<&str> =
            part.iter().map(|piece| piece.plain.as_str()).filter(|plain| !plain.is_empty()).collect();
        let span = Span::new(first.span.start, last.span.end);
        chunks.push(Chunk {
            ordinal: u32::try_from(chunks.len()).unwrap_or(u32::MAX),
            span,
            section,
            page: document.page_at(span.start),
            lines: document.lines_at(span),
            headings: headings.clone(),
            context: first.context.clone(),
            plain: plain.join("\n"),
        });
    }
}

/// What the indexes put in front of a passage: title and headings, each once.
fn place(title: &str, headings: &[String]) -> String {
    let mut parts = vec![title];
    parts.extend(headings.iter().map(String::as_str).filter(|heading| *heading != title));
    parts.join(" > ")
}

/// The words of a section's heading and of those above it.
fn headings(document: &Document, heading: Option<u32>) -> Vec<String> {
    let block = |index: u32| document.blocks.get(index as usize);
    let Some(own) = heading.and_then(block) else { return Vec::new() };
    let words = |heading: &Block| {
        let source = document.slice(heading.span);
        let words = match document.format {
            Format::Markdown => plain::of_markdown(source),
            Format::Pdf | Format::Html | Format::Text => heading_text(source).to_owned(),
        };
        plain::visible(words.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let above = own.path.iter().filter_map(|&index| block(index));
    above.chain([own]).map(words).filter(|words| !words.is_empty()).collect()
}

/// From the heading to the next one of its level or above; what stands above
/// the first heading is a section too.
fn section_span(document: &Document, heading: Option<u32>) -> Span {
    let blocks = &document.blocks;
    let level = |block: &Block| match block.kind {
        BlockKind::Heading(level) => Some(level),
        _ => None,
    };
    let first = heading.map_or(0, |index| index as usize);
    let own = heading.and_then(|_| level(blocks.get(first)?)).unwrap_or(u8::MAX);
    let rest = blocks.iter().skip(first + usize::from(heading.is_some()));
    let last = rest.take_while(|block| level(block).is_none_or(|level| level > own)).last();
    let start = blocks.get(first).map_or(0, |block| block.span.start);
    let end = last.or(blocks.get(first)).map_or(start, |block| block.span.end);
    Span::new(start, end)
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
    fn what_shows_nothing_is_in_no_title_and_no_heading() {
        let source = "---\ntitle: \"Pu\u{200b}mp\"\n---\n\n# Val\u{e0041}ve\n\nIt opens.\n";
        let (document, chunks) = chunks(source, 20);
        assert_eq!((document.title.as_str(), &chunks[0].headings[..]), ("Pump", &["Valve".to_owned()][..]));
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
    fn no_chunk_holds_what_is_hidden() {
        let source = "# A <b hidden>secret</b>\n\nOne <i style='opacity:0'>secret</i> two.\n\n<div style='display:none'>\n\nsecret\n\n</div>\n\n<p align=center>\n\nThree.\n\n</p>\n\nFour.";
        let (document, chunks) = chunks(source, 40);
        let seen: Vec<(&str, &str)> = chunks.iter().map(|c| (document.slice(c.span), c.plain.as_str())).collect();
        let last = "Three.\n\n</p>\n\nFour.";
        assert_eq!(seen, [("One", "One"), ("two.", "two."), (last, "Three.\nFour.")]);
        assert!(chunks.iter().all(|chunk| chunk.headings == ["A"]));
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
    fn runs_without_structure_are_cut_in_one_pass() {
        let counted = std::sync::atomic::AtomicUsize::new(0);
        let count = |text: &str| {
            counted.fetch_add(text.len(), std::sync::atomic::Ordering::Relaxed);
            // As tokens of unbroken text are: some characters each.
            text.split_whitespace().map(|word| word.chars().count().div_ceil(3)).sum()
        };
        for source in ["x".repeat(1_000_000), "字".repeat(300_000), "word and some ".repeat(70_000)] {
            counted.store(0, std::sync::atomic::Ordering::Relaxed);
            let document = read_bytes("page.txt", source.as_bytes()).unwrap().document;
            let chunks = chunk(&document, &ChunkOptions { max_tokens: 180, count_tokens: &count });
            let held: String = chunks.iter().flat_map(|c| document.slice(c.span).split_whitespace()).collect();
            assert_eq!(held, source.replace(' ', ""));
            assert!(chunks.iter().all(|c| count(&c.plain) <= 180 && c.span.len() > 300));
            let counted = counted.load(std::sync::atomic::Ordering::Relaxed);
            assert!(counted < 12 * source.len(), "{counted} bytes were counted of {}", source.len());
        }
    }

    #[test]
    fn a_document_of_headings_alone_still_has_a_chunk() {
        let (document, chunks) = chunks("# Only a title\n", 20);
        assert_eq!(chunks.iter().map(|c| document.slice(c.span)).collect::<Vec<_>>(), ["# Only a title"]);
    }

    proptest! {
        #[test]
        fn chunks_keep_the_laws(source in "([#>*|`-]{0,3}(<!--|-->|\\[a\\]: )? ?[a-z保修。.!?]{0,9}[ \n]{1,2}){0,60}", max in 4usize..40) {
            let (document, chunks) = chunks(&source, max);
            let mut end = 0;
            for (ordinal, chunk) in chunks.iter().enumerate() {
                prop_assert_eq!(chunk.ordinal as usize, ordinal);
                prop_assert!(chunk.span.start >= end && !chunk.span.is_empty());
                end = chunk.span.end;
                prop_assert!(chunk.section.contains(chunk.span));
                let place = words(&place(&document.title, &chunk.headings)).min(max / 3);
                prop_assert!(place + words(&chunk.context) + words(&chunk.plain) <= max);
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
