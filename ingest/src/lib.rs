//! Turns files into documents whose every part has an exact place, and
//! documents into chunks.

#![forbid(unsafe_code)]

mod chunk;
mod document;
mod error;
pub mod pdf;

pub use chunk::{Chunk, ChunkOptions, chunk};
pub use document::{
    Block, BlockKind, Document, Format, Fragment, LineStart, Metadata, Page, PageRect, Parsed, Rect, Span, Warning,
    heading_text,
};
pub use error::IngestError;
