//! Why a file gave nothing, without the file's name: what a child process can say.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::IngestError;

/// Why a file could not be read or drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// A password is needed, or another one.
    Encrypted,
    /// The encryption's method is not known.
    UnsupportedEncryption(String),
    /// It is in no format that is read.
    Unsupported(String),
    /// The file's structure cannot be followed.
    Damaged(String),
    /// None of the pages, so many, has text.
    NoText(usize),
}

impl Failure {
    /// The error for the file at `path`.
    pub fn at(self, path: &Path) -> IngestError {
        let path = path.to_path_buf();
        match self {
            Self::Encrypted => IngestError::Encrypted { path },
            Self::UnsupportedEncryption(detail) => IngestError::UnsupportedEncryption { path, detail },
            Self::Unsupported(detail) => IngestError::Unsupported { path, detail },
            Self::Damaged(reason) => IngestError::Damaged { path, reason },
            Self::NoText(pages) => IngestError::NoText { path, pages },
        }
    }
}
