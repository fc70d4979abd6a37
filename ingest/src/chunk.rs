//! Cutting a document into passages small enough for the embedding model.

use serde::{Deserialize, Serialize};

use crate::document::{Document, Span};

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
    /// Target size in the embedding model's tokens, headings and context included.
    pub max_tokens: usize,
    /// Counts the embedding model's tokens of a text, without special tokens.
    pub count_tokens: &'a (dyn Fn(&str) -> usize + Sync),
}

/// Cuts `document` into chunks, in order.
#[must_use]
pub fn chunk(document: &Document, options: &ChunkOptions<'_>) -> Vec<Chunk> {
    let _ = (document, options);
    Vec::new()
}
