//! Putting pieces together to chunks.

use super::pieces::Piece;
use crate::document::{Document, Format};

/// The most pieces of one chunk; bounds the search where pieces have no size.
const MAX_PIECES: usize = 512;

/// What a chunk costs before its size: fewer chunks always beat better cuts.
const CHUNK_COST: u64 = 1 << 40;

/// The pieces as chunks of at most `budget` tokens, context included: as few as
/// possible; of all ways to do it, the one with the most even sizes, cut rather
/// between blocks than within one or behind "as follows:".
pub(super) fn pack<'a>(document: &Document, pieces: &'a [Piece], budget: usize) -> Vec<&'a [Piece]> {
    // For every number of pieces, the cheapest cost of packing them and where
    // the last chunk then begins.
    let mut best: Vec<(u64, usize)> = vec![(0, 0)];
    for end in 1..=pieces.len() {
        let mut cheapest = (u64::MAX, end - 1);
        let mut tokens = 0;
        for start in (end.saturating_sub(MAX_PIECES)..end).rev() {
            tokens += pieces[start].tokens;
            let alone = start + 1 == end;
            let context = pieces[start].context_tokens;
            if !alone && (tokens + context > budget || must_part(document, &pieces[start], &pieces[start + 1])) {
                break;
            }
            let cost =
                best[start].0 + CHUNK_COST + square(tokens + context) + cut_cost(document, pieces, start, budget);
            // Of equal ways, the one with the longer last chunk has the fuller first ones.
            if cost <= cheapest.0 {
                cheapest = (cost, start);
            }
        }
        best.push(cheapest);
    }
    let mut chunks = Vec::new();
    let mut end = pieces.len();
    while end > 0 {
        let start = best[end].1;
        chunks.push(&pieces[start..end]);
        end = start;
    }
    chunks.reverse();
    chunks
}

/// Whether no chunk may hold both: a comment or hidden text, which are no content,
/// stand between them.
fn must_part(document: &Document, one: &Piece, next: &Piece) -> bool {
    let gap = gap(document, one, next);
    document.format == Format::Markdown && gap.contains('<') && (gap.contains("<!--") || has_words(gap))
}

/// Whether there is something other than tags.
fn has_words(source: &str) -> bool {
    let behind_tag = |part: &str| part.split_once('>').map_or("", |(_, words)| words).trim().is_empty();
    let mut parts = source.split('<');
    !(parts.next().is_none_or(|words| words.trim().is_empty()) && parts.all(behind_tag))
}

fn gap<'a>(document: &'a Document, one: &Piece, next: &Piece) -> &'a str {
    &document.text[one.span.end..next.span.start]
}

/// What it costs to begin a chunk with the piece at `start`.
fn cut_cost(document: &Document, pieces: &[Piece], start: usize, budget: usize) -> u64 {
    let Some(before) = start.checked_sub(1).map(|before| &pieces[before]) else { return 0 };
    let announced = document.slice(before.span).ends_with([':', '：']);
    let apart = gap(document, before, &pieces[start]).matches('\n').count() > 1;
    match (pieces[start].within_block || announced, apart && !announced) {
        (false, _) => 0,
        (true, true) => square(budget / 8),
        (true, false) => square(budget / 4),
    }
}

const fn square(tokens: usize) -> u64 {
    let tokens = tokens as u64;
    tokens * tokens
}
