//! The pieces of a block: the whole of it when it fits into a chunk, else what
//! its structure offers.

use text_splitter::{ChunkConfig, ChunkSizer, TextSplitter};

use super::ChunkOptions;
use crate::document::{Block, BlockKind, Document, Format, Span};
use crate::plain;
use crate::sentences::sentences;

/// A part of the text that is not cut further.
pub(super) struct Piece {
    /// Its part of the text.
    pub(super) span: Span,
    /// Its words without markup.
    pub(super) plain: String,
    /// Size of these words.
    pub(super) tokens: usize,
    /// What has to stand in front of a chunk that begins with it: the header row of its table.
    pub(super) context: String,
    /// Size of the context.
    pub(super) context_tokens: usize,
    /// Whether the piece before it belongs to the same block.
    pub(super) within_block: bool,
}

/// Text of which more than this stands for every token of the budget is
/// certainly too long, so that nobody needs to count its tokens.
const MAX_BYTES_PER_TOKEN: usize = 64;

/// Longer runs without any structure are cut where the budget ends. The splitter
/// would look for better places, and count the tokens of all that is left at each.
const MAX_RUN: usize = 4 << 10;

/// The pieces of `block`, none larger than `budget` unless a single character is.
pub(super) fn pieces(document: &Document, block: &Block, budget: usize, options: &ChunkOptions<'_>) -> Vec<Piece> {
    let cutter = Cutter { document, kind: block.kind, count_tokens: options.count_tokens };
    let mut pieces = match cutter.piece(block.span, budget) {
        Some(whole) => vec![whole],
        None if block.kind == BlockKind::Table => cutter.rows(block.span, budget),
        None if block.kind == BlockKind::Code => cutter.fitting(cutter.code_lines(block.span), budget),
        None => {
            let shifted = |span: Span| Span::new(block.span.start + span.start, block.span.start + span.end);
            let sentences = sentences(document.slice(block.span)).into_iter().map(shifted).collect();
            cutter.fitting(sentences, budget)
        }
    };
    pieces.iter_mut().skip(1).for_each(|piece| piece.within_block = true);
    pieces
}

struct Cutter<'a> {
    document: &'a Document,
    kind: BlockKind,
    count_tokens: &'a (dyn Fn(&str) -> usize + Sync),
}

impl ChunkSizer for &Cutter<'_> {
    fn size(&self, text: &str) -> usize {
        (self.count_tokens)(text)
    }
}

impl Cutter<'_> {
    /// The span as one piece, if it fits.
    fn piece(&self, span: Span, budget: usize) -> Option<Piece> {
        let source = self.document.slice(span);
        if source.len() / MAX_BYTES_PER_TOKEN > budget {
            return None;
        }
        let plain = plain::of_block(self.document.format, self.kind, source);
        let tokens = (self.count_tokens)(&plain);
        (tokens <= budget).then_some(Piece {
            span,
            plain,
            tokens,
            context: String::new(),
            context_tokens: 0,
            within_block: false,
        })
    }

    /// The spans, those that are too long cut further.
    fn fitting(&self, spans: Vec<Span>, budget: usize) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for span in spans {
            match self.piece(span, budget) {
                Some(piece) => pieces.push(piece),
                None => self.cut(span, budget, &mut pieces),
            }
        }
        pieces
    }

    /// Cuts what has no structure of its own at words, or wherever it must be.
    fn cut(&self, span: Span, budget: usize, pieces: &mut Vec<Piece>) {
        let text = self.document.slice(span);
        if text.len() > MAX_RUN {
            return self.cut_run(span, budget, pieces);
        }
        let splitter = TextSplitter::new(ChunkConfig::new(budget).with_sizer(self));
        for (offset, part) in splitter.chunk_indices(text) {
            let start = span.start + offset;
            pieces.push(self.raw_piece(Span::new(start, start + part.len())));
        }
    }

    /// Cuts a long run in one pass: each part is as long as the budget allows by
    /// the size of the part before, and ends at white space if some is near.
    fn cut_run(&self, span: Span, budget: usize, pieces: &mut Vec<Piece>) {
        let mut start = span.start;
        let mut guess = budget * 4;
        loop {
            let rest = &self.document.text[start..span.end];
            start += rest.len() - rest.trim_start().len();
            let rest = rest.trim();
            if rest.is_empty() {
                return;
            }
            let head = head(rest, guess);
            let piece = self.raw_piece(Span::new(start, start + head.len()));
            let one = rest.chars().next().map_or(1, char::len_utf8);
            if piece.tokens > budget && head.len() > one {
                guess = (head.len() * budget / piece.tokens).min(head.len() - 1).max(one);
                continue;
            }
            if piece.tokens * 4 < budget * 3 {
                guess += guess / 4 + 1;
            }
            start = piece.span.end;
            pieces.push(piece);
        }
    }

    /// Parts of markup are taken as they are: what is left of it means nothing.
    fn raw_piece(&self, span: Span) -> Piece {
        let plain = self.document.slice(span).to_owned();
        let tokens = (self.count_tokens)(&plain);
        Piece { span, plain, tokens, context: String::new(), context_tokens: 0, within_block: false }
    }

    /// The rows of a table.
    fn rows(&self, span: Span, budget: usize) -> Vec<Piece> {
        let lines = self.lines(span);
        let has_header = lines.get(1).is_some_and(|&line| plain::is_rule(self.document.slice(line)));
        let (head, rows) = lines.split_at(if has_header { 2 } else { 0 });
        let header = head.first().map_or("", |&line| self.document.slice(line));
        let taken = (self.count_tokens)(header);
        if !has_header || taken > budget / 2 {
            return self.fitting(lines, budget);
        }
        // The header, its rule and the first row stay together. Any other row
        // needs the header as context, if a chunk begins with it.
        let first = Span::new(head[0].start, rows.first().unwrap_or(&head[1]).end);
        let mut pieces = self.fitting(vec![first], budget);
        let rest = self.fitting(rows.iter().skip(1).copied().collect(), budget - taken);
        pieces.extend(rest.into_iter().map(|row| Piece { context: header.to_owned(), context_tokens: taken, ..row }));
        pieces
    }

    /// The lines of a code block, the fences with the lines next to them.
    fn code_lines(&self, span: Span) -> Vec<Span> {
        let mut lines = self.lines(span);
        let fence = |line: Option<&Span>| {
            self.document.format == Format::Markdown
                && line.is_some_and(|&line| plain::is_fence(self.document.slice(line)))
        };
        if lines.len() > 1 && fence(lines.first()) {
            let opening = lines.remove(0);
            lines[0].start = opening.start;
        }
        if lines.len() > 1 && fence(lines.last()) {
            let closing = lines.pop().map_or(span.end, |line| line.end);
            lines.last_mut().expect("there was more than one line").end = closing;
        }
        lines
    }

    /// The lines that are not blank.
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
}

/// The beginning of `text`: at most `length` bytes, a character at least, up to
/// white space if the later half has some.
fn head(text: &str, length: usize) -> &str {
    if text.len() <= length {
        return text;
    }
    let end = text.floor_char_boundary(length).max(text.chars().next().map_or(0, char::len_utf8));
    let head = &text[..end];
    if text[end..].starts_with(char::is_whitespace) {
        return head;
    }
    let space = head.rfind(char::is_whitespace).filter(|&at| at > end / 2);
    head[..space.unwrap_or(end)].trim_end()
}
