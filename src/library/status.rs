//! Status: what is in the index, what failed, what is still to do.

use serde::Serialize;

use crate::config::Generator;
use crate::error::Result;
use crate::library::{FileFailure, Library};

/// What is in the index.
#[derive(Clone, Debug, Serialize)]
pub struct StatusReport {
    /// Folder of the index.
    pub data_dir: String,
    /// Folder of the models.
    pub models_dir: String,
    /// Bytes that the index takes on disk.
    pub disk_bytes: u64,
    /// Collections by name.
    pub collections: Vec<CollectionStatus>,
    /// Documents by collection and path.
    pub documents: Vec<DocumentStatus>,
    /// Files that could not be read.
    pub failures: Vec<FileFailure>,
    /// Passages, all collections together.
    pub chunks: u64,
    /// Passages that are not searchable by meaning yet.
    pub pending: u64,
    /// The models in use.
    pub models: Vec<ModelStatus>,
}

/// A collection.
#[derive(Clone, Debug, Serialize)]
pub struct CollectionStatus {
    /// Its name.
    pub name: String,
    /// Documents in it.
    pub documents: u64,
    /// Passages in it.
    pub chunks: u64,
}

/// A document.
#[derive(Clone, Debug, Serialize)]
pub struct DocumentStatus {
    /// Its id, as `remove` takes it.
    pub id: String,
    /// Its collection.
    pub collection: String,
    /// Its path.
    pub path: String,
    /// Its title.
    pub title: String,
    /// Its passages.
    pub chunks: u64,
    /// Remarks about how it was read.
    pub warnings: Vec<String>,
}

/// A model in use.
#[derive(Clone, Debug, Serialize)]
pub struct ModelStatus {
    /// "embed", "generate" or "rerank".
    pub role: &'static str,
    /// Its name, path or address.
    pub name: String,
    /// Whether it is there; a server's is not asked.
    pub present: bool,
}
