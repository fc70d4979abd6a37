//! The index of one data folder: the store, and the indexes that follow it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use attest_ingest::{Document, Span};
use sha2::{Digest, Sha256};

use super::change::{Applied, Change, Known};
use super::dense::{Dense, EmbedderSpec, Point};
use super::edge::EdgeIndex;
use super::lexical::{Found, Lexical, LexicalEntry};
use super::lock::FileLock;
use super::qdrant::QdrantIndex;
use super::store::{DocumentInfo, Section, Store, Target};
use super::{ChunkId, CollectionId, Passage, PassageText, Scope, Scored, room};
use crate::config::Qdrant;
use crate::error::{Error, Result};

/// How long a write waits for another process's write. Each write is short, so
/// two `attest add` take turns.
const PATIENCE: Duration = Duration::from_secs(30);

/// Orders that are carried out at once.
const BATCH: usize = 2_000;

/// How to open an index.
#[derive(Clone, Debug)]
pub struct IndexOptions {
    /// Names everything that decides what a file's bytes become; see [`Store::open`].
    pub recipe: String,
    /// Whose vectors the dense index holds; without one it is left alone.
    pub embedder: Option<EmbedderSpec>,
    /// The server that holds the vectors; without one they are in the folder.
    pub qdrant: Option<Qdrant>,
}

/// The index of one data folder. Several processes may have it open.
pub struct Index {
    dir: PathBuf,
    store: Store,
    lexical: Lexical,
    dense: Box<dyn Dense>,
    embedder: Option<EmbedderSpec>,
    /// Whether the dense index was seen to hold vectors of our embedder.
    dense_matches: AtomicBool,
}

/// What the dense index answered.
#[derive(Clone, Debug, PartialEq)]
pub enum DenseSearch {
    /// It was searched.
    Hits(Vec<Scored>),
    /// It could not be searched just now; the other indexes still answer.
    Unavailable {
        /// Why, for people.
        reason: String,
    },
}

/// What came with a chunk's text from the embedder.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// The chunk.
    pub chunk: ChunkId,
    /// Its vector, of unit length.
    pub vector: Vec<f32>,
    /// Its token vectors in the embedder's packing, if they are kept.
    pub tokens: Option<Vec<u8>>,
}

/// The state of an index, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexStatus {
    /// Documents that can be searched.
    pub documents: usize,
    /// Files that could not be read.
    pub failed: usize,
    /// Passages.
    pub chunks: usize,
    /// Passages that cannot be found by words yet.
    pub pending_lexical: usize,
    /// Passages that have no vector yet.
    pub pending_dense: usize,
    /// Bytes on disk.
    pub disk_bytes: u64,
}

impl Index {
    /// Opens the index in `dir`; makes it when there is none, and finishes what
    /// a crash cut off.
    ///
    /// # Errors
    /// When the folder cannot be read or written. A server that is away is no error.
    pub fn open(dir: &Path, options: IndexOptions) -> Result<Self> {
        if dir.exists() && !dir.is_dir() {
            let message = "it is no folder; name one for the index with --data-dir".to_owned();
            return Err(Error::Config { source_name: dir.display().to_string(), message });
        }
        fs::create_dir_all(dir).map_err(Error::io(dir))?;
        let store = Store::open(&dir.join("attest.sqlite"), &options.recipe)?;
        let dense: Box<dyn Dense> = match &options.qdrant {
            Some(server) => Box::new(QdrantIndex::new(&server.url, server.key.as_deref(), &name_of(dir, &store)?)?),
            None => Box::new(EdgeIndex::new(&dir.join("dense"))),
        };
        let lexical_dir = dir.join("lexical");
        let mut lock = FileLock::acquire(&dir.join("write.lock"), Duration::ZERO)?;
        let mut lexical = None;
        if lock.is_none() {
            // Whoever writes now finishes its own work; reading needs no lock,
            // unless there is nothing to read yet.
            lexical = Lexical::open(&lexical_dir)?;
            if lexical.is_none() {
                lock = Some(write_lock(dir)?);
            }
        }
        let lexical = match lexical {
            Some(lexical) => lexical,
            None => {
                let (lexical, found) = Lexical::open_or_reset(&lexical_dir)?;
                if found == Found::Reset {
                    store.order_rebuild(Target::Lexical)?;
                }
                lexical
            }
        };
        let index = Self {
            dir: dir.to_owned(),
            store,
            lexical,
            dense,
            embedder: options.embedder,
            dense_matches: AtomicBool::new(false),
        };
        if lock.is_some() {
            index.reconcile()?;
        }
        Ok(index)
    }

    /// Compares the indexes with the store, and does what is left to do. Called
    /// under the write lock.
    fn reconcile(&self) -> Result<()> {
        let ids = self.lexical.ids()?;
        if !self.store.expected(Target::Lexical)?.allows(ids.len()) {
            let orders = self.store.order_difference(Target::Lexical, &ids)?;
            tracing::warn!(orders, "the word index was not what the store says; it is being mended");
        }
        self.drain_lexical()?;
        if let Err(reason) = self.reconcile_dense() {
            tracing::info!(%reason, "the vector index is not available now");
        }
        Ok(())
    }

    fn reconcile_dense(&self) -> Result<()> {
        const PLACE: &str = "dense_place";
        let Some(embedder) = &self.embedder else { return Ok(()) };
        let moved = self.store.meta(PLACE)?.as_deref() != Some(self.dense.place());
        if self.dense.matches(embedder)? {
            let expected = self.store.expected(Target::Dense)?;
            if moved || !expected.allows(self.dense.count()?) {
                let orders = self.store.order_difference(Target::Dense, &self.dense.ids()?)?;
                tracing::warn!(orders, "the vector index was not what the store says; it is being mended");
            }
        } else {
            self.dense.reset(embedder)?;
            self.store.order_rebuild(Target::Dense)?;
        }
        if moved {
            self.store.set_meta(PLACE, self.dense.place())?;
        }
        self.dense_matches.store(true, Ordering::Relaxed);
        self.drain_dense_removals()
    }

    /// Applies `changes`: all of them, durably, or none. When this returns, the
    /// passages can be found by words; by meaning, once their vectors are
    /// [put](Index::put_vectors).
    ///
    /// # Errors
    /// [`Error::InUse`] when another process writes for long, [`Error::Io`] when the disk is nearly full.
    pub fn apply(&self, changes: &[Change]) -> Result<Applied> {
        if changes.iter().any(|change| !matches!(change, Change::Remove { .. })) {
            room::check(&self.dir)?;
        }
        let _lock = write_lock(&self.dir)?;
        let applied = self.store.apply(changes)?;
        self.drain_lexical()?;
        if applied.chunks_removed > 0
            && self.dense_is_ours().unwrap_or(false)
            && let Err(reason) = self.drain_dense_removals()
        {
            // The orders stay; the next write or open carries them out.
            tracing::info!(%reason, "vectors of removed passages are still there");
        }
        Ok(applied)
    }

    /// What is known of a file; see [`Store::known`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn known(&self, collection: &str, path: &str, size: u64, mtime: i64) -> Result<Known> {
        self.store.known(collection, path, size, mtime)
    }

    fn drain_lexical(&self) -> Result<()> {
        loop {
            let removals = self.store.removals(Target::Lexical, BATCH)?;
            let additions = self.store.additions(Target::Lexical, BATCH)?;
            if removals.is_empty() && additions.is_empty() {
                return Ok(());
            }
            let gone: Vec<ChunkId> = removals.iter().map(|&(_, chunk)| chunk).collect();
            let mut orders: Vec<i64> = removals.into_iter().map(|(seq, _)| seq).collect();
            orders.extend(additions.iter().map(|order| order.seq));
            let entries: Vec<LexicalEntry> = additions
                .into_iter()
                .map(|order| LexicalEntry {
                    chunk: order.chunk,
                    collection: order.collection,
                    headings: order.text.headings_field(),
                    title: order.text.title,
                    body: order.text.plain,
                })
                .collect();
            self.lexical.write(&gone, &entries)?;
            self.store.done(orders)?;
        }
    }

    fn drain_dense_removals(&self) -> Result<()> {
        loop {
            let removals = self.store.removals(Target::Dense, BATCH)?;
            if removals.is_empty() {
                return Ok(());
            }
            let gone: Vec<ChunkId> = removals.iter().map(|&(_, chunk)| chunk).collect();
            self.dense.remove(&gone)?;
            self.store.done(removals.into_iter().map(|(seq, _)| seq))?;
        }
    }

    /// Passages that have no vector yet, oldest first, with the text to embed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn pending_embeddings(&self, limit: usize) -> Result<Vec<(ChunkId, String)>> {
        let orders = self.store.additions(Target::Dense, limit)?;
        Ok(orders.into_iter().map(|order| (order.chunk, order.text.to_embed())).collect())
    }

    /// Number of passages that have no vector yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn pending_dense(&self) -> Result<usize> {
        Ok(self.store.expected(Target::Dense)?.additions)
    }

    /// As [`pending_dense`](Self::pending_dense), in `scope` alone.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn pending_dense_in(&self, scope: &Scope) -> Result<usize> {
        match scope {
            Scope::All => self.pending_dense(),
            Scope::Collections(allowed) => self.store.additions_in(Target::Dense, allowed),
        }
    }

    /// Takes the turn to embed what is pending; `None` while another process
    /// has it. Without it, two processes would compute the same vectors.
    ///
    /// # Errors
    /// When the lock file cannot be made.
    pub fn embedding_turn(&self) -> Result<Option<FileLock>> {
        FileLock::acquire(&self.dir.join("embed.lock"), Duration::ZERO)
    }

    /// Puts vectors into the dense index, durably. Those of chunks that are not
    /// pending (any more) are ignored. Gives the number of vectors put.
    ///
    /// # Errors
    /// When the dense index is away; the passages stay pending.
    pub fn put_vectors(&self, embedded: Vec<Embedded>) -> Result<usize> {
        room::check(&self.dir)?;
        let _lock = write_lock(&self.dir)?;
        if !self.dense_is_ours()? {
            self.reconcile_dense()?;
        }
        let chunks: Vec<ChunkId> = embedded.iter().map(|e| e.chunk).collect();
        // Asked under the lock: what is pending now stays so until we are done.
        let mut orders = self.store.additions_of(Target::Dense, &chunks)?;
        orders.sort_unstable_by_key(|order| order.chunk);
        let (mut points, mut done, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
        for Embedded { chunk, vector, tokens: packed } in embedded {
            let Ok(at) = orders.binary_search_by_key(&chunk, |order| order.chunk) else { continue };
            let order = &orders[at];
            points.push(Point { chunk, collection: order.collection, content: order.content.clone(), vector });
            done.push(order.seq);
            tokens.extend(packed.map(|bytes| (chunk, bytes)));
        }
        if !points.is_empty() {
            self.dense.upsert(&points)?;
            self.store.done_with_tokens(done, tokens)?;
        }
        Ok(points.len())
    }

    /// Makes searching by vectors faster after many of them were put.
    ///
    /// # Errors
    /// When the dense index is away.
    pub fn optimize(&self) -> Result<()> {
        self.dense.optimize()
    }

    /// The `k` chunks whose vectors are closest to `vector`, best first.
    #[must_use]
    pub fn search_dense(&self, vector: &[f32], scope: &Scope, k: usize) -> DenseSearch {
        let found = self
            .dense_is_ours()
            .and_then(|ours| if ours { self.dense.search(vector, scope, k).map(Some) } else { Ok(None) });
        match found {
            Ok(Some(hits)) => DenseSearch::Hits(hits),
            Ok(None) => DenseSearch::Unavailable { reason: "there are no vectors of this embedding model yet".into() },
            Err(reason) => DenseSearch::Unavailable { reason: reason.to_string() },
        }
    }

    /// Whether vectors can be put and searched: a server may be away.
    ///
    /// # Errors
    /// Why they cannot.
    pub fn reach_dense(&self) -> Result<()> {
        let Some(embedder) = &self.embedder else { return Ok(()) };
        self.dense.matches(embedder).map(drop)
    }

    /// Another process may have made the dense index since it was last looked at.
    fn dense_is_ours(&self) -> Result<bool> {
        let Some(embedder) = &self.embedder else { return Ok(false) };
        if !self.dense_matches.load(Ordering::Relaxed) && self.dense.matches(embedder)? {
            self.dense_matches.store(true, Ordering::Relaxed);
        }
        Ok(self.dense_matches.load(Ordering::Relaxed))
    }

    /// The `k` best chunks for the words of `query`; see [`Lexical::search`].
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn search_lexical(&self, query: &str, scope: &Scope, k: usize) -> Result<Vec<Scored>> {
        self.lexical.search(query, scope, k)
    }

    /// The word index, for statistics of terms.
    #[must_use]
    pub const fn lexical(&self) -> &Lexical {
        &self.lexical
    }

    /// The store, for what other indexes keep in it.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The collections with these names.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a name that no collection has.
    pub fn scope(&self, names: &[impl AsRef<str>]) -> Result<Scope> {
        if names.is_empty() {
            return Ok(Scope::All);
        }
        let known = self.store.collections()?;
        let find = |name: &str| -> Result<CollectionId> {
            let found = known.iter().find(|(_, known)| known == name);
            found.map(|&(id, _)| id).ok_or_else(|| Error::NotFound { kind: "collection", name: name.to_owned() })
        };
        names.iter().map(|name| find(name.as_ref())).collect::<Result<_>>().map(Scope::Collections)
    }

    /// The passages with these ids, in this order; see [`Store::passages`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn passages(&self, chunks: &[ChunkId]) -> Result<Vec<Passage>> {
        self.store.passages(chunks)
    }

    /// The words of `chunks` as they were embedded, in this order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn passage_texts(&self, chunks: &[ChunkId]) -> Result<Vec<Option<PassageText>>> {
        self.store.passage_texts(chunks)
    }

    /// Token vectors as they were put, in this order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn token_vectors(&self, chunks: &[ChunkId]) -> Result<Vec<Option<Vec<u8>>>> {
        self.store.token_vectors(chunks)
    }

    /// The chunks of a document, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn chunks_of(&self, document_id: &str) -> Result<Vec<ChunkId>> {
        self.store.chunks_of(document_id)
    }

    /// The chunks that have a vector, ascending.
    ///
    /// # Errors
    /// When the dense index is away.
    pub fn embedded(&self) -> Result<Vec<ChunkId>> {
        self.dense.ids()
    }

    /// What a document says, with the place of every part.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such document.
    pub fn document(&self, document_id: &str) -> Result<Document> {
        self.store.document(document_id)
    }

    /// A part of a document's text.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such document.
    pub fn text_at(&self, document_id: &str, span: Span) -> Result<Section> {
        self.store.text_at(document_id, span)
    }

    /// The beginning of a document's text, at most `bytes` long.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such document.
    pub fn head(&self, document_id: &str, bytes: usize) -> Result<String> {
        self.store.head(document_id, bytes)
    }

    /// All documents, or those of one collection.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn documents(&self, collection: Option<&str>) -> Result<Vec<DocumentInfo>> {
        self.store.documents(collection)
    }

    /// Counts and sizes.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn status(&self) -> Result<IndexStatus> {
        let (documents, failed, chunks) = self.store.counts()?;
        Ok(IndexStatus {
            documents,
            failed,
            chunks,
            pending_lexical: self.store.expected(Target::Lexical)?.additions,
            pending_dense: self.store.expected(Target::Dense)?.additions,
            disk_bytes: size_of(&self.dir),
        })
    }

    /// Collection, id, path and content hash of every document; see [`Store::document_hashes`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn document_hashes(&self) -> Result<Vec<(String, String, String, String)>> {
        self.store.document_hashes()
    }

    /// A digest of what all indexes hold; see [`Store::fingerprint`].
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        let mut sha = Sha256::new();
        sha.update(self.store.fingerprint()?);
        let dense = if self.embedder.is_some() { self.dense.ids()? } else { Vec::new() };
        for ids in [self.lexical.ids()?, dense] {
            sha.update(ids.len().to_be_bytes());
            for id in ids {
                sha.update(id.0.to_be_bytes());
            }
        }
        Ok(sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The name under which the folder's vectors are on a server: made up once, so
/// that folders of several machines can share it.
fn name_of(dir: &Path, store: &Store) -> Result<String> {
    const NAME: &str = "name";
    if let Some(name) = store.meta(NAME)? {
        return Ok(name);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let digest = Sha256::digest(format!("{}\0{}\0{now}", dir.display(), std::process::id()));
    let tag: String = digest[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("attest-{tag}");
    store.set_meta(NAME, &name)?;
    Ok(name)
}

fn write_lock(dir: &Path) -> Result<FileLock> {
    FileLock::acquire(&dir.join("write.lock"), PATIENCE)?
        .ok_or_else(|| Error::InUse { what: format!("the data folder {}", dir.display()) })
}

fn size_of(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
            // Files may vanish while we look.
            metadata => metadata.map_or(0, |metadata| taken_by(&metadata)),
        })
        .sum()
}

/// What a file takes of the disk: the vector engine sets room aside that it has not filled yet.
#[cfg(unix)]
fn taken_by(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(not(unix))]
fn taken_by(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}

#[cfg(test)]
pub(super) mod fixture;
#[cfg(test)]
mod tests;
