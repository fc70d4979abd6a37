//! Why a file could not be read; every error names the file.

use std::path::PathBuf;

/// A file that could not be turned into a document.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The file could not be opened or read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The format is not one that Attest reads.
    #[error("{path} is not a format that can be read ({detail}); readable are PDF, Markdown, HTML and plain text")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        detail: String,
    },
    /// The file is protected and no password, or a wrong one, was given.
    #[error("{path} is encrypted; give its password with --password, or in ingest.passwords")]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// The file is protected in a way that cannot be opened.
    #[error("{path} is encrypted with a method that is not supported ({detail})")]
    UnsupportedEncryption {
        /// The file.
        path: PathBuf,
        /// The method.
        detail: String,
    },
    /// The file is damaged beyond reading.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file holds no text; it may be a scan.
    #[error("{path} holds no text on its {pages} page(s); it may be a scan that needs character recognition first")]
    NoText {
        /// The file.
        path: PathBuf,
        /// How many pages it has.
        pages: usize,
    },
    /// Reading took longer than the limit.
    #[error("{path} took longer than {seconds} s to read; raise ingest.timeout_seconds to allow more")]
    TimedOut {
        /// The file.
        path: PathBuf,
        /// The limit.
        seconds: u64,
    },
    /// Reading needed more memory than the limit, or brought the reader down.
    #[error(
        "{path} could not be read within {mebibytes} MiB of memory, or crashed its reader ({detail}); raise ingest.memory_mib to allow more"
    )]
    Crashed {
        /// The file.
        path: PathBuf,
        /// The limit.
        mebibytes: u64,
        /// How the reader ended.
        detail: String,
    },
    /// The file is larger than the limit.
    #[error("{path} has {bytes} bytes, more than the limit of {limit}; raise ingest.max_file_mib to allow more")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
}

impl IngestError {
    /// The file that could not be read.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        match self {
            Self::Io { path, .. }
            | Self::Unsupported { path, .. }
            | Self::Encrypted { path }
            | Self::UnsupportedEncryption { path, .. }
            | Self::Damaged { path, .. }
            | Self::NoText { path, .. }
            | Self::TimedOut { path, .. }
            | Self::Crashed { path, .. }
            | Self::TooLarge { path, .. } => path,
        }
    }

    /// A short stable name for the reason, for reports and tools.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Io { .. } => "unreadable",
            Self::Unsupported { .. } => "unsupported",
            Self::Encrypted { .. } => "encrypted",
            Self::UnsupportedEncryption { .. } => "unsupported_encryption",
            Self::Damaged { .. } => "damaged",
            Self::NoText { .. } => "no_text",
            Self::TimedOut { .. } => "timed_out",
            Self::Crashed { .. } => "crashed",
            Self::TooLarge { .. } => "too_large",
        }
    }
}
