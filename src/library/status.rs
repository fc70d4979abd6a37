//! Status: what is in the index, what failed, what is still to do.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::config::Generator;
use crate::error::{Error, Result};
use crate::index::{DocumentInfo, DocumentState, IndexStatus};
use crate::library::{FileFailure, Library};
use crate::models::ModelState;

/// What is in the index.
#[derive(Clone, Debug, Serialize)]
pub struct StatusReport {
    /// Folder of the index.
    pub data_dir: String,
    /// Folder of the models.
    pub models_dir: String,
    /// Passages.
    pub chunks: usize,
    /// Files that could not be read.
    pub failed: usize,
    /// Passages that cannot be found by words yet.
    pub pending_lexical: usize,
    /// Passages that have no vector yet.
    pub pending_dense: usize,
    /// Passages that are not searchable by meaning yet.
    pub pending: usize,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Where the vectors are.
    pub vectors: VectorStore,
    /// Collections by name.
    pub collections: Vec<CollectionStatus>,
    /// Documents that can be searched, by collection and path.
    pub documents: Vec<DocumentInfo>,
    /// Files that could not be read.
    pub failures: Vec<FileFailure>,
    /// The models in use.
    pub models: Vec<ModelInUse>,
}

/// Where the vectors are.
#[derive(Clone, Debug, Serialize)]
pub struct VectorStore {
    /// `folder`: in the folder of the index; `qdrant`: on a server.
    pub kind: &'static str,
    /// Address of the server.
    pub url: Option<String>,
    /// Why the server cannot be used now.
    pub problem: Option<String>,
}

/// A collection.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CollectionStatus {
    /// Its name.
    pub name: String,
    /// Documents in it.
    pub documents: usize,
    /// Passages in it.
    pub chunks: usize,
}

/// A model in use.
#[derive(Clone, Debug, Serialize)]
pub struct ModelInUse {
    /// What it is for.
    pub role: &'static str,
    /// Its name, path or address.
    pub name: String,
    /// Whether it is there; a server's model is not asked for.
    pub present: bool,
}

impl Library {
    /// What is in the index.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn status(&self) -> Result<StatusReport> {
        let IndexStatus { documents: _, failed, chunks, pending_lexical, pending_dense, disk_bytes } =
            self.index.status()?;
        let mut documents = Vec::new();
        let mut failures = Vec::new();
        let mut collections: BTreeMap<String, CollectionStatus> = BTreeMap::new();
        for document in self.index.documents(None)? {
            let name = document.collection.clone();
            let collection =
                collections.entry(name.clone()).or_insert_with(|| CollectionStatus { name, ..Default::default() });
            match &document.state {
                DocumentState::Indexed { chunks, .. } => {
                    collection.documents += 1;
                    collection.chunks += chunks;
                    documents.push(document);
                }
                DocumentState::Failed { reason, message } => failures.push(FileFailure {
                    document: document.path,
                    reason: reason.clone(),
                    message: message.clone(),
                }),
            }
        }
        Ok(StatusReport {
            data_dir: self.config.data_dir.display().to_string(),
            models_dir: self.config.models_dir.display().to_string(),
            chunks,
            failed,
            pending_lexical,
            pending_dense,
            pending: pending_dense,
            disk_bytes,
            vectors: self.vectors(),
            collections: collections.into_values().collect(),
            documents,
            failures,
            models: self.models_in_use(),
        })
    }

    fn vectors(&self) -> VectorStore {
        match &self.config.qdrant {
            None => VectorStore { kind: "folder", url: None, problem: None },
            Some(server) => VectorStore {
                kind: "qdrant",
                url: Some(server.url.clone()),
                problem: self.index.reach_dense().err().map(|error| match error {
                    Error::Remote { message, .. } => message,
                    other => other.to_string(),
                }),
            },
        }
    }

    fn models_in_use(&self) -> Vec<ModelInUse> {
        let mut models = vec![self.in_use("embed", &self.config.embedder)];
        models.push(match &self.config.generator {
            Generator::Local(name) => self.in_use("generate", name),
            Generator::OpenAi { base_url, model, .. } => {
                ModelInUse { role: "generate", name: format!("{model} at {base_url}"), present: true }
            }
        });
        models.extend(self.config.reranker.as_ref().map(|name| self.in_use("rerank", name)));
        models
    }

    fn in_use(&self, role: &'static str, name: &str) -> ModelInUse {
        let known = self.registry.list().into_iter().find(|model| model.entry.name == name);
        let present = known.map_or_else(|| Path::new(name).exists(), |model| model.state == ModelState::Present);
        ModelInUse { role, name: name.to_owned(), present }
    }
}
