//! The library: an opened data folder and the models, and what can be done with them.
//!
//! This is the interface of the crate; the command line and the server are
//! clients of it. Models are opened at first use and stay open.

mod add;
mod ask;
mod remove;
mod search;
mod status;

use std::sync::{Arc, Mutex};

pub use add::{AddEvent, AddProgress, AddReport, AddRequest, FileFailure, FileWarning, Skipped};
pub use ask::{AskEvent, AskRequest, Asked};
pub use remove::RemoveReport;
pub use search::{SearchRequest, Searched};
pub use status::{CollectionStatus, DocumentStatus, ModelStatus, StatusReport};

use crate::config::{Config, Generator};
use crate::error::{Error, Result};
use crate::index::{Index, IndexOptions, Scope};
use crate::models::{self, Embed, Generate, GeneratorChoice, PullProgress, Registry, Rerank};

/// The collection that documents go to unless another is named.
pub const DEFAULT_COLLECTION: &str = "default";

/// An opened data folder and the models.
pub struct Library {
    config: Config,
    registry: Registry,
    index: Index,
    embedder: Mutex<Option<Arc<dyn Embed>>>,
    generator: Mutex<Option<Arc<dyn Generate>>>,
    reranker: Mutex<Option<Arc<dyn Rerank>>>,
}

impl Library {
    /// Opens the data folder, creating it when it does not exist, and finishes
    /// what a crash may have cut off. No model is loaded yet.
    ///
    /// # Errors
    /// When the folder or an index in it cannot be opened.
    pub fn open(config: Config) -> Result<Self> {
        models::set_threads(config.threads);
        let index = Index::open(&config.data_dir, &IndexOptions::new(&config))?;
        Ok(Self {
            registry: Registry::new(config.models_dir.clone()),
            index,
            config,
            embedder: Mutex::new(None),
            generator: Mutex::new(None),
            reranker: Mutex::new(None),
        })
    }
}
