//! Vectors on a Qdrant server or cluster: the [`Dense`] adapter of `qdrant-client`.
//!
//! When the server is away, every call fails with [`Error::Remote`] after a few
//! tries. Nothing is lost then: the store keeps what is pending, and the next
//! call catches up.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::time::Duration;

use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::vectors_config::Config as VectorsConfigKind;
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, DeletePointsBuilder,
    Distance, FieldType, Filter, PointId, PointStruct, PointsIdsList, QueryPointsBuilder, ScalarQuantizationBuilder,
    ScrollPointsBuilder, UpsertPointsBuilder, Value, VectorParamsBuilder,
};
use qdrant_client::{Qdrant, QdrantError};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use tonic::Code;

use super::dense::{Dense, EmbedderSpec, Point, rank};
use super::{ChunkId, Scope, Scored};
use crate::error::{Error, Result};

/// Points of one request: about half a megabyte.
const BATCH: usize = 256;

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How long finding the server may take; it is not there at once or not at all.
const CONNECT: Duration = Duration::from_secs(3);

/// Pauses between the tries of a call that failed for a passing reason.
const PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(400), Duration::from_millis(1600)];

/// The longest pause that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Points of one page of [`Dense::ids`].
const PAGE: u32 = 10_000;

/// The vector index of one data folder on a server.
pub struct QdrantIndex {
    client: Qdrant,
    url: String,
    /// What the names of its collections begin with.
    name: String,
    /// The collection of the embedder that was last asked for.
    current: RwLock<Option<String>>,
    /// Whether it could not be reached the last time; then it is tried once, not again and again.
    away: Arc<AtomicBool>,
    runtime: Runtime,
}

impl QdrantIndex {
    /// The index called `name` on the server at `url`; nothing is asked of the
    /// server yet. Several data folders can share a server under several names.
    ///
    /// # Errors
    /// When `url` is no address.
    pub fn new(url: &str, key: Option<&str>, name: &str) -> Result<Self> {
        let mut builder = Qdrant::from_url(url).timeout(TIMEOUT).connect_timeout(CONNECT).skip_compatibility_check();
        if let Some(key) = key {
            builder = builder.api_key(key);
        }
        let client = builder.build().map_err(|source| Error::Config {
            source_name: "qdrant".to_owned(),
            message: format!(
                "{url} is no gRPC address of a Qdrant server ({source}); one looks like http://localhost:6334"
            ),
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("qdrant")
            .enable_all()
            .build()
            .map_err(|source| Error::Index { index: "dense", message: source.to_string() })?;
        Ok(Self {
            client,
            url: url.to_owned(),
            name: name.to_owned(),
            current: RwLock::new(None),
            away: Arc::default(),
            runtime,
        })
    }

    /// Runs a request, again when it fails for a reason that may pass. Works on
    /// any thread, one that drives a runtime of its own included.
    fn call<T, F>(&self, what: &str, request: impl Fn(Qdrant) -> F + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, QdrantError>> + Send,
    {
        let client = self.client.clone();
        let away = Arc::clone(&self.away);
        let (sender, receiver) = mpsc::channel();
        self.runtime.spawn(async move {
            let tries = if away.load(Ordering::Relaxed) { 0 } else { PAUSES.len() };
            let mut pauses = PAUSES.into_iter().take(tries);
            let result = loop {
                let error = match request(client.clone()).await {
                    Ok(value) => break Ok(value),
                    Err(error) => error,
                };
                let Some(pause) = pauses.next().filter(|_| may_pass(&error)) else { break Err(error) };
                let asked = match &error {
                    QdrantError::ResourceExhaustedError { retry_after_seconds, .. } => {
                        Duration::from_secs(*retry_after_seconds).min(LONGEST_PAUSE)
                    }
                    _ => Duration::ZERO,
                };
                tokio::time::sleep(pause.max(asked)).await;
            };
            away.store(result.as_ref().is_err_and(may_pass), Ordering::Relaxed);
            // The receiver waits below; it is gone only if the process ends.
            let _ = sender.send(result);
        });
        let result = receiver.recv().map_err(|_| self.failed(what, "the request was abandoned"))?;
        result.map_err(|source| match source {
            QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. } => {
                match unreachable(status.message()) {
                    Some(why) => self.remote(format!("it cannot be reached ({why}); {PENDING}")),
                    None => self.failed(what, &format!("{}: {}", status.code(), status.message())),
                }
            }
            other => self.failed(what, &other.to_string()),
        })
    }

    fn failed(&self, what: &str, why: &str) -> Error {
        self.remote(format!("{what} failed ({why}); {PENDING}"))
    }

    fn remote(&self, message: String) -> Error {
        Error::Remote { service: format!("Qdrant at {}", self.url), message }
    }

    /// The collection for vectors of `embedder`. Its name holds the embedder,
    /// so that vectors of two models can never meet.
    fn collection_of(&self, embedder: &EmbedderSpec) -> String {
        let digest = Sha256::digest(format!("{}\0{}", embedder.id, embedder.dim));
        let tag: String = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{tag}", self.name)
    }

    fn current(&self) -> Result<String> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        current.ok_or_else(|| Error::Index { index: "dense", message: "there is no vector index yet".to_owned() })
    }

    fn set_current(&self, collection: String) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(collection);
    }
}

impl Dense for QdrantIndex {
    fn place(&self) -> &str {
        &self.url
    }

    fn upsert(&self, points: &[Point]) -> Result<()> {
        let collection = self.current()?;
        for batch in points.chunks(BATCH) {
            let stored: Vec<PointStruct> = batch.iter().map(stored).collect();
            let upsert = UpsertPointsBuilder::new(&collection, stored).wait(true).build();
            self.call("storing vectors", move |client| {
                let upsert = upsert.clone();
                async move { client.upsert_points(upsert).await }
            })?;
        }
        Ok(())
    }

    fn remove(&self, chunks: &[ChunkId]) -> Result<()> {
        let collection = self.current()?;
        for batch in chunks.chunks(PAGE as usize) {
            let ids = batch.iter().map(|chunk| PointId::from(chunk.0)).collect();
            let delete = DeletePointsBuilder::new(&collection).points(PointsIdsList { ids }).wait(true).build();
            self.call("removing vectors", move |client| {
                let delete = delete.clone();
                async move { client.delete_points(delete).await }
            })?;
        }
        Ok(())
    }

    fn search(&self, vector: &[f32], scope: &Scope, k: usize) -> Result<Vec<Scored>> {
        let mut query =
            QueryPointsBuilder::new(self.current()?).query(vector.to_vec()).limit(k as u64).with_payload(false);
        if let Scope::Collections(collections) = scope {
            if collections.is_empty() {
                return Ok(Vec::new());
            }
            let wanted: Vec<i64> = collections.iter().map(|collection| i64::from(collection.0)).collect();
            query = query.filter(Filter::must([Condition::matches("collection", wanted)]));
        }
        let query = query.build();
        let response = self.call("searching", move |client| {
            let query = query.clone();
            async move { client.query(query).await }
        })?;
        let mut hits: Vec<Scored> = response
            .result
            .into_iter()
            .filter_map(|point| Some(Scored { chunk: chunk(point.id)?, score: point.score }))
            .collect();
        rank(&mut hits);
        Ok(hits)
    }

    fn count(&self) -> Result<usize> {
        let count = CountPointsBuilder::new(self.current()?).exact(true).build();
        let response = self.call("counting", move |client| {
            let count = count.clone();
            async move { client.count(count).await }
        })?;
        Ok(response.result.map_or(0, |result| result.count as usize))
    }

    fn ids(&self) -> Result<Vec<ChunkId>> {
        let collection = self.current()?;
        let mut ids = Vec::new();
        let mut offset: Option<PointId> = None;
        loop {
            let mut scroll = ScrollPointsBuilder::new(&collection).limit(PAGE).with_payload(false).with_vectors(false);
            if let Some(offset) = offset {
                scroll = scroll.offset(offset);
            }
            let scroll = scroll.build();
            let page = self.call("listing vectors", move |client| {
                let scroll = scroll.clone();
                async move { client.scroll(scroll).await }
            })?;
            ids.extend(page.result.into_iter().filter_map(|point| chunk(point.id)));
            offset = page.next_page_offset;
            if offset.is_none() {
                ids.sort_unstable();
                return Ok(ids);
            }
        }
    }

    fn reset(&self, embedder: &EmbedderSpec) -> Result<()> {
        let listed = self.call("listing collections", |client| async move { client.list_collections().await })?;
        let ours = format!("{}-", self.name);
        for stale in listed.collections.into_iter().map(|collection| collection.name) {
            if stale.starts_with(&ours) {
                self.call("removing a collection", move |client| {
                    let stale = stale.clone();
                    async move { client.delete_collection(stale).await }
                })?;
            }
        }
        let collection = self.collection_of(embedder);
        // Vectors have unit length, so the dot product is the cosine.
        let vectors = VectorParamsBuilder::new(embedder.dim as u64, Distance::Dot).on_disk(true);
        let create = CreateCollectionBuilder::new(&collection)
            .vectors_config(vectors)
            .quantization_config(ScalarQuantizationBuilder::default().quantile(0.99).always_ram(true))
            .build();
        self.call("making a collection", move |client| {
            let create = create.clone();
            async move {
                match client.create_collection(create).await {
                    // A try that seemed to fail had worked.
                    Err(QdrantError::ResponseError { status }) if status.code() == Code::AlreadyExists => Ok(()),
                    other => other.map(|_| ()),
                }
            }
        })?;
        for (field, kind) in [("collection", FieldType::Integer), ("content", FieldType::Keyword)] {
            let index = CreateFieldIndexCollectionBuilder::new(&collection, field, kind).wait(true).build();
            self.call("making a payload index", move |client| {
                let index = index.clone();
                async move { client.create_field_index(index).await }
            })?;
        }
        self.set_current(collection);
        Ok(())
    }

    fn matches(&self, embedder: &EmbedderSpec) -> Result<bool> {
        let collection = self.collection_of(embedder);
        let name = collection.clone();
        let dim = self.call("looking for the collection", move |client| {
            let name = name.clone();
            async move {
                match client.collection_info(name).await {
                    Err(QdrantError::ResponseError { status }) if status.code() == Code::NotFound => Ok(None),
                    Err(other) => Err(other),
                    Ok(info) => Ok(info.result.and_then(|info| info.config?.params?.vectors_config?.config).and_then(
                        |config| match config {
                            VectorsConfigKind::Params(params) => Some(params.size as usize),
                            VectorsConfigKind::ParamsMap(_) => None,
                        },
                    )),
                }
            }
        })?;
        let matches = dim == Some(embedder.dim);
        if matches {
            self.set_current(collection);
        }
        Ok(matches)
    }

    fn optimize(&self) -> Result<()> {
        // A server builds its graphs by itself.
        Ok(())
    }
}

/// What a server that is away costs.
const PENDING: &str = "nothing is lost, and what is pending is sent when it answers again";

/// Why there is no connection, if that is what the client's message tells: it puts the words
/// of the system last, in quotes.
fn unreachable(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("Failed to connect")?;
    Some(rest.rsplit('"').nth(1).unwrap_or(rest))
}

/// Whether the same request may succeed a moment later.
fn may_pass(error: &QdrantError) -> bool {
    match error {
        QdrantError::ResponseError { status } => matches!(
            status.code(),
            Code::Unavailable
                | Code::DeadlineExceeded
                | Code::Aborted
                | Code::Cancelled
                | Code::Internal
                | Code::Unknown
        ),
        QdrantError::ResourceExhaustedError { .. } | QdrantError::Io(_) => true,
        _ => false,
    }
}

fn stored(point: &Point) -> PointStruct {
    let payload: [(&str, Value); 2] =
        [("collection", i64::from(point.collection.0).into()), ("content", point.content.as_str().into())];
    PointStruct::new(point.chunk.0, point.vector.clone(), payload)
}

fn chunk(id: Option<PointId>) -> Option<ChunkId> {
    match id?.point_id_options? {
        PointIdOptions::Num(id) => Some(ChunkId(id)),
        PointIdOptions::Uuid(_) => None,
    }
}

#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;
