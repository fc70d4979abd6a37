//! One error type for the library: whose fault it is, and what to do.

use std::path::PathBuf;

use attest_ingest::IngestError;

/// The result of a fallible operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller asked for something that makes no sense; nothing was changed.
    #[error("{0}")]
    Usage(String),
    /// A setting is wrong.
    #[error("{source_name}: {message}")]
    Config {
        /// File, variable or flag.
        source_name: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// A named thing does not exist.
    #[error("no {kind} named {name}")]
    NotFound {
        /// "document", "collection", "model".
        kind: &'static str,
        /// The name asked for.
        name: String,
    },
    /// A file could not be ingested.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// A model is missing and could not be fetched.
    #[error("model {name} is not there and could not be fetched: {message}")]
    ModelMissing {
        /// The model.
        name: String,
        /// Why, and the ways out.
        message: String,
    },
    /// A model file is not what it should be, or running it failed.
    #[error("model {name}: {message}")]
    Model {
        /// The model.
        name: String,
        /// What happened.
        message: String,
    },
    /// A model's queue is full; try again later.
    #[error("model {name} is busy; try again in a moment")]
    Busy {
        /// The model.
        name: String,
    },
    /// Another process holds what is needed; nothing is lost, try again later.
    #[error("{what} is in use by another attest process; try again when it is done")]
    InUse {
        /// The folder or index.
        what: String,
    },
    /// The work was cancelled by the caller.
    #[error("cancelled")]
    Cancelled,
    /// An index failed.
    #[error("{index} index: {message}")]
    Index {
        /// "store", "dense", "lexical", "graph".
        index: &'static str,
        /// What happened.
        message: String,
    },
    /// A server that Attest depends on did not answer as it should.
    #[error("{service}: {message}")]
    Remote {
        /// Which server.
        service: String,
        /// What happened and what is kept.
        message: String,
    },
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// Whether the caller can mend it (usage, unknown names, bad settings).
    #[must_use]
    pub const fn is_callers(&self) -> bool {
        matches!(self, Self::Usage(_) | Self::Config { .. } | Self::NotFound { .. })
    }

    /// What became of a file that the caller named: one that is not there is the caller's to mend.
    pub fn input(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            std::io::ErrorKind::NotFound => Self::Usage(format!("{} does not exist", path.display())),
            _ => Self::Io { path, source },
        }
    }

    /// An input-output error with its path.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
