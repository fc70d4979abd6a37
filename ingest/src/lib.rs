//! Turns files into documents whose every part has an exact place, and
//! documents into chunks.

#![forbid(unsafe_code)]

mod chunk;
mod document;
mod error;
mod failure;
mod front_matter;
mod html;
mod markdown;
pub mod pdf;
mod plain;
mod read;
mod sandbox;
mod sentences;
mod text;
mod walk;

pub use chunk::{Chunk, ChunkOptions, chunk};
pub use document::{
    Block, BlockKind, Document, Format, Fragment, LineStart, Metadata, Page, PageRect, Parsed, Rect, Span, Warning,
    heading_text,
};
pub use error::IngestError;
pub use read::{Reader, read_bytes};
pub use sandbox::{Limits, Pool, child_main};
pub use sentences::{complete_sentences, sentences};
pub use walk::{Found, SkippedFile, WalkOptions, Walked, walk};
