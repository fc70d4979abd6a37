//! Three indexes over one store.
//!
//! [`Store`] (`SQLite`) holds the truth: documents, texts, chunks, mentions, and
//! an outbox of what the other indexes still have to do. A write is
//! acknowledged when its transaction is committed; the lexical and dense
//! indexes then drain the outbox, idempotently, and a crash only means that the
//! next open drains it again. [`Index`] is all of them in one data folder.

mod analyse;
mod change;
mod dense;
mod edge;
mod folder;
mod graph;
mod lexical;
mod lock;
mod passage;
mod passage_text;
mod qdrant;
mod room;
mod store;

use serde::Serialize;

pub use analyse::{Expansion, Term, TermKind, analyse, expansions, instead};
pub use change::{Applied, Change, Failure, Known, Put, SourceFile};
pub use dense::{Dense, EmbedderSpec, Point};
pub use edge::EdgeIndex;
pub use folder::{DenseSearch, Embedded, Index, IndexOptions, IndexStatus};
pub use graph::{DrawnEntity, DrawnMention, GraphHit, GraphPath, Mention, Picture, Seeds, mentions};
pub use lexical::{Found, Lexical, LexicalEntry, Quoted};
pub use lock::FileLock;
pub use passage::Passage;
pub use passage_text::PassageText;
pub use qdrant::QdrantIndex;
pub use store::{DocumentInfo, DocumentState, Order, Section, Store, Target, document_id};

/// Identifies a chunk in all indexes: the first 8 bytes of a SHA-256 over
/// collection, document content and position, so that a fresh build gives the
/// same ids. Printed as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChunkId(pub u64);

impl std::fmt::Display for ChunkId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for ChunkId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A collection's row id in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CollectionId(pub u32);

/// Which collections a search may see; pushed down into every index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// These only.
    Collections(Vec<CollectionId>),
}

/// A chunk that one index found, with that index's own score; higher is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The chunk.
    pub chunk: ChunkId,
    /// The score; scales differ by index.
    pub score: f32,
}
