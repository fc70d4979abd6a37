//! What a write to the index consists of.

use attest_ingest::{Chunk, Document, Warning};

use super::graph::Mention;

/// One change of the index. A batch of them is one transaction: all or nothing.
#[derive(Clone, Debug)]
pub enum Change {
    /// A file was read: insert it, or replace what was known of its path.
    Put(Box<Put>),
    /// A file could not be read: keep the reason, forget what it said before.
    Fail(Failure),
    /// A file has another time stamp but the same bytes.
    Touch {
        /// The file as it is now.
        file: SourceFile,
    },
    /// A document is gone.
    Remove {
        /// Id of the document.
        document_id: String,
    },
}

/// A file as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Name of the collection; it is created when it does not exist.
    pub collection: String,
    /// Path of the file.
    pub path: String,
    /// The folder under which it was found; none when the file was named itself.
    pub root: Option<String>,
    /// SHA-256 of the bytes, in hexadecimal.
    pub hash: String,
    /// Time of the last change, in nanoseconds since 1970.
    pub mtime: i64,
    /// Length in bytes.
    pub size: u64,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Put {
    /// The file.
    pub file: SourceFile,
    /// What it says.
    pub document: Document,
    /// Remarks about how it was read.
    pub warnings: Vec<Warning>,
    /// Its passages, in order.
    pub chunks: Vec<Chunk>,
    /// The entities that the passages mention.
    pub mentions: Vec<Mention>,
}

/// A file that could not be read.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The file; the hash is empty when not even its bytes could be read.
    pub file: SourceFile,
    /// The kind of failure, one word for machines: `encrypted`, `damaged`, `timeout`, ...
    pub reason: String,
    /// What happened, for people.
    pub message: String,
    /// How it was tried (limits, version); trying the same bytes so again would end the same.
    pub tried: String,
}

/// What is known of a file before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    New,
    /// Size and time stamp are the same, and the bytes were read in the same way.
    Unchanged,
    /// The file may have changed; it has not if its bytes still have this SHA-256.
    UnchangedIfHash(String),
    /// It was read by another version or with other settings.
    Outdated,
    /// It could not be read, and has the same size and time stamp.
    Failed {
        /// The kind of failure.
        reason: String,
        /// What happened.
        message: String,
        /// How it was tried; see [`Failure::tried`].
        tried: String,
    },
}

/// What a write did, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Documents inserted or replaced.
    pub put: usize,
    /// Files whose failure was noted.
    pub failed: usize,
    /// Documents removed.
    pub removed: usize,
    /// Passages that became searchable.
    pub chunks_added: usize,
    /// Passages that are gone.
    pub chunks_removed: usize,
}
