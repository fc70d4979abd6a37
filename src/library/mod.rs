//! The library: an opened data folder and the models, and what can be done with them.
//!
//! This is the interface of the crate; the command line and the server are
//! clients of it. Models are opened at first use and stay open.

mod add;
mod ask;
mod browse;
mod build;
mod check;
mod confirm;
#[cfg(test)]
mod fixture;
mod parts;
mod picture;
mod read;
mod receipt;
mod receipts;
mod remove;
mod replay;
mod room;
mod search;
mod seek;
mod status;
mod texts;
mod thresholds;
mod write;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub(crate) use add::hash_file;
pub use add::{AddEvent, AddProgress, AddReport, AddRequest, FileFailure, FileWarning, Skipped};
pub use ask::{AskEvent, AskMode, AskRequest, Asked, EXCERPTS, FOUND};
pub use browse::{Embeddings, PageRequest};
pub use build::build;
pub use picture::{Around, GraphPicture};
pub use read::{READER_COMMAND, run_reader};
pub use receipt::{Changed, Conditions, Receipt, SourceDocument, output_digest};
pub use receipts::{FeedbackCase, Rating};
pub use remove::RemoveReport;
pub use replay::Replayed;
pub use search::{SearchRequest, Searched, Walked};
pub use status::{CollectionStatus, ModelInUse, StatusReport, VectorStore};
pub use texts::TextDocument;
pub use write::Written;

use crate::config::{Config, Generator};
use crate::error::Result;
use crate::heap;
use crate::index::{EmbedderSpec, Index, IndexOptions, Scope};
use crate::models::{self, Embed, Generate, GeneratorChoice, PullEvent, PullProgress, Registry, Rerank};

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
    receipts: receipts::Receipts,
    generator_identity: OnceLock<String>,
    /// Draws pages; its child processes are kept for the next page.
    drawer: OnceLock<attest_ingest::Reader>,
}

impl Library {
    /// Opens the data folder, creating it when it does not exist, and finishes
    /// what a crash may have cut off. No model is loaded yet.
    ///
    /// # Errors
    /// When the folder or an index in it cannot be opened, or this process is to read files for another.
    pub fn open(config: Config) -> Result<Self> {
        read::refuse_in_reader()?;
        models::set_threads(config.threads);
        let registry = Registry::new(config.models_dir.clone());
        let identity = models::embedder_identity(&registry, &config.embedder)?;
        let options = IndexOptions {
            recipe: format!("chunks-1 {} {}", config.ingest.chunk_tokens, config.embedder),
            embedder: Some(EmbedderSpec { id: identity.id, dim: identity.dim }),
            qdrant: config.qdrant.clone(),
        };
        let index = Index::open(&config.data_dir, options)?;
        Ok(Self {
            receipts: receipts::Receipts::new(&config.data_dir),
            generator_identity: OnceLock::new(),
            registry,
            index,
            config,
            embedder: Mutex::default(),
            generator: Mutex::default(),
            reranker: Mutex::default(),
            drawer: OnceLock::new(),
        })
    }

    /// Makes the embedding model ready, fetching it when it is not there.
    ///
    /// # Errors
    /// When it can neither be found nor fetched, or does not load.
    pub fn prepare_embedder(&self, progress: &mut dyn PullProgress) -> Result<()> {
        self.embedder_with(progress).map(drop)
    }

    /// Makes everything ready that an answer needs, fetching what is not there.
    ///
    /// # Errors
    /// When a model can neither be found nor fetched, or does not load.
    pub fn prepare_to_answer(&self, progress: &mut dyn PullProgress) -> Result<()> {
        self.embedder_with(progress)?;
        self.generator_with(progress)?;
        self.reranker_with(progress)?;
        Ok(())
    }

    /// Whether no document was ever added.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.index.status()?.chunks == 0)
    }

    /// Puts another generator in the place of the one in use; what stands in
    /// front of a model, such as a cache of its drafts, is put in this way.
    ///
    /// # Errors
    /// When the model can neither be found nor fetched, or does not load.
    pub fn wrap_generator(&self, wrap: impl FnOnce(Arc<dyn Generate>) -> Arc<dyn Generate>) -> Result<()> {
        let inner = self.generator()?;
        *self.generator.lock().unwrap_or_else(PoisonError::into_inner) = Some(wrap(inner));
        Ok(())
    }

    /// The models that can be fetched.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    fn scope(&self, collections: &[String]) -> Result<Scope> {
        self.index.scope(collections)
    }

    /// How much a term says: its inverse document frequency in `scope`, or that of an
    /// unknown term when the index cannot be asked.
    fn rarity(&self, term: &str, scope: &Scope) -> f32 {
        let found = self.index.lexical().idf(&[term], scope).ok();
        found.and_then(|all| all.first().copied()).unwrap_or(1.0)
    }

    fn embedder(&self) -> Result<Arc<dyn Embed>> {
        self.embedder_with(&mut |_: PullEvent<'_>| {})
    }

    fn generator(&self) -> Result<Arc<dyn Generate>> {
        self.generator_with(&mut |_: PullEvent<'_>| {})
    }

    fn reranker(&self) -> Result<Option<Arc<dyn Rerank>>> {
        self.reranker_with(&mut |_: PullEvent<'_>| {})
    }

    fn embedder_with(&self, progress: &mut dyn PullProgress) -> Result<Arc<dyn Embed>> {
        opened(&self.embedder, || {
            models::open_embedder(&self.registry, &self.config.embedder, self.config.threads, progress)
        })
    }

    fn generator_with(&self, progress: &mut dyn PullProgress) -> Result<Arc<dyn Generate>> {
        opened(&self.generator, || {
            let choice = match &self.config.generator {
                Generator::Local(name) => {
                    let files = self.registry.resolve(name, progress)?;
                    let states = Some(self.config.data_dir.join("states"));
                    GeneratorChoice::Gguf { model: files.only(".gguf")?.to_owned(), states }
                }
                Generator::OpenAi { base_url, model, key } => {
                    GeneratorChoice::OpenAi { base_url: base_url.clone(), model: model.clone(), key: key.clone() }
                }
            };
            models::open_generator(&choice, self.config.threads)
        })
    }

    fn reranker_with(&self, progress: &mut dyn PullProgress) -> Result<Option<Arc<dyn Rerank>>> {
        let Some(name) = &self.config.reranker else { return Ok(None) };
        opened(&self.reranker, || models::open_reranker(&self.registry, name, self.config.threads, progress)).map(Some)
    }
}

/// The model in `slot`, opened first when there is none.
fn opened<T: ?Sized>(slot: &Mutex<Option<Arc<T>>>, open: impl FnOnce() -> Result<Arc<T>>) -> Result<Arc<T>> {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(model) = &*slot {
        return Ok(Arc::clone(model));
    }
    let model = open()?;
    heap::give_back();
    *slot = Some(Arc::clone(&model));
    Ok(model)
}
