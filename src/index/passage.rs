//! A chunk as the indexes give it back: its text and where it stands.

use attest_ingest::Span;

use super::ChunkId;

/// A chunk with everything that a hit, a prompt or a citation needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    /// The chunk.
    pub chunk: ChunkId,
    /// Id of the document, as `remove` takes it.
    pub document_id: String,
    /// Path of the document; of several with the same content, the first by name.
    pub document: String,
    /// Name of the collection.
    pub collection: String,
    /// Title of the document.
    pub title: String,
    /// Headings above the passage, outermost first.
    pub headings: Vec<String>,
    /// Page on which it begins (PDF).
    pub page: Option<u32>,
    /// First and last line in the file (formats with lines).
    pub lines: Option<(u32, u32)>,
    /// Its part of the document's text.
    pub span: Span,
    /// The section it stands in, as part of the document's text.
    pub section: Span,
    /// What stands in front of it for the reader's sake: a table's header row.
    pub context: String,
    /// The document's text at `span`.
    pub text: String,
    /// Position in the document, counted from 0.
    pub ordinal: u32,
}
