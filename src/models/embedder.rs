//! Opens the embedding model or the reranker that the settings name.

use std::path::Path;
use std::sync::Arc;

use super::fastembed::{FastEmbedder, FastReranker, OnnxFolder};
use super::registry::{PullProgress, Registry};
use super::{Embed, Rerank, e5};
use crate::error::{Error, Result};

/// Whose vectors an embedder makes, known without loading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedderIdentity {
    /// What [`Embed::id`] will be.
    pub id: String,
    /// What [`Embed::dim`] will be.
    pub dim: usize,
}

/// Opens an embedding model, fetching it first if it is not there: one of the
/// registry, one that fastembed knows (by its repository on the model hub, such as
/// `BAAI/bge-small-en-v1.5`), or a folder with an ONNX model and its tokenizer.
///
/// # Errors
/// [`Error::NotFound`] for an unknown name, [`Error::ModelMissing`] when it is not there and
/// cannot be fetched, [`Error::Model`] when it does not load.
pub fn open_embedder(
    registry: &Registry,
    name_or_folder: &str,
    threads: usize,
    progress: &mut dyn PullProgress,
) -> Result<Arc<dyn Embed>> {
    if name_or_folder == e5::NAME {
        let files = registry.ensure(name_or_folder, progress)?;
        return Ok(Arc::new(e5::E5::open(registry, &files, threads, progress)?));
    }
    let folder = if Path::new(name_or_folder).is_dir() {
        OnnxFolder::own(Path::new(name_or_folder))?
    } else if let Ok(entry) = registry.entry(name_or_folder) {
        OnnxFolder::of_catalogue(entry, &registry.ensure(name_or_folder, progress)?)?
    } else {
        OnnxFolder::embedder_of_hub(registry, name_or_folder, progress)?
    };
    Ok(Arc::new(FastEmbedder::open(registry, folder, threads, progress)?))
}

/// Whose vectors [`open_embedder`] will make; loads and fetches nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown name, [`Error::Model`] when a folder does not say its
/// vectors' length.
pub fn embedder_identity(registry: &Registry, name_or_folder: &str) -> Result<EmbedderIdentity> {
    if Path::new(name_or_folder).is_dir() {
        let folder = OnnxFolder::own(Path::new(name_or_folder))?;
        return Ok(EmbedderIdentity { dim: folder.dim()?, id: folder.id });
    }
    if let Ok(entry) = registry.entry(name_or_folder) {
        let id = if name_or_folder == e5::NAME { e5::id() } else { entry.name.clone() };
        let dim = entry
            .dim
            .ok_or_else(|| Error::Model { name: entry.name.clone(), message: "it is not an embedding model".into() })?;
        return Ok(EmbedderIdentity { id, dim });
    }
    let known = super::fastembed::known_embedder(name_or_folder)?;
    Ok(EmbedderIdentity { id: known.model_code.clone(), dim: known.dim })
}

/// Opens a cross-encoder, fetching it first if it is not there: one that fastembed
/// knows (by its repository, such as `BAAI/bge-reranker-base`), or a folder with an
/// ONNX model and its tokenizer.
///
/// # Errors
/// As [`open_embedder`].
pub fn open_reranker(
    registry: &Registry,
    name_or_folder: &str,
    threads: usize,
    progress: &mut dyn PullProgress,
) -> Result<Arc<dyn Rerank>> {
    let folder = if Path::new(name_or_folder).is_dir() {
        OnnxFolder::own(Path::new(name_or_folder))?
    } else {
        OnnxFolder::reranker_of_hub(registry, name_or_folder, progress)?
    };
    Ok(Arc::new(FastReranker::open(registry, folder, threads, progress)?))
}
