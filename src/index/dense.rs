//! The vector index: one trait, two adapters.
//!
//! [`EdgeIndex`](super::edge::EdgeIndex) runs Qdrant's engine in this process,
//! [`QdrantIndex`](super::qdrant::QdrantIndex) speaks to a server. Both pass the
//! same contract tests.

use super::{ChunkId, CollectionId, Scope, Scored};
use crate::error::Result;

/// A chunk's vector, and what a search can filter by.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The chunk.
    pub chunk: ChunkId,
    /// Its collection.
    pub collection: CollectionId,
    /// Key of the content it is part of.
    pub content: String,
    /// The vector, of unit length.
    pub vector: Vec<f32>,
}

/// A vector index. Everything it is told is durable when the call returns, and
/// may be told again without harm.
pub trait Dense: Send + Sync {
    /// Where the vectors are: tells one index from another.
    fn place(&self) -> &str;

    /// Adds points, or replaces those of the same chunks.
    ///
    /// # Errors
    /// [`crate::Error::InUse`] when another process holds the index, [`crate::Error::Remote`] when the
    /// server is away; then nothing may be assumed, and the call is to be repeated.
    fn upsert(&self, points: &[Point]) -> Result<()>;

    /// Removes chunks; those that are not there are no error.
    ///
    /// # Errors
    /// As [`Dense::upsert`].
    fn remove(&self, chunks: &[ChunkId]) -> Result<()>;

    /// The `k` chunks in `scope` whose vectors are closest to `vector`, best
    /// first, equal scores by chunk id; the score is the cosine.
    ///
    /// # Errors
    /// As [`Dense::upsert`].
    fn search(&self, vector: &[f32], scope: &Scope, k: usize) -> Result<Vec<Scored>>;

    /// Number of chunks.
    ///
    /// # Errors
    /// As [`Dense::upsert`].
    fn count(&self) -> Result<usize>;

    /// All chunks, ascending.
    ///
    /// # Errors
    /// As [`Dense::upsert`].
    fn ids(&self) -> Result<Vec<ChunkId>>;

    /// Makes the index empty, whatever state it is in, for vectors of the
    /// embedder `embedder`.
    ///
    /// # Errors
    /// As [`Dense::upsert`].
    fn reset(&self, embedder: &EmbedderSpec) -> Result<()>;

    /// Whether the index is there, readable, and holds vectors of `embedder`.
    ///
    /// # Errors
    /// As [`Dense::upsert`].
    fn matches(&self, embedder: &EmbedderSpec) -> Result<bool>;

    /// Makes searching faster after many changes. Takes time that grows with
    /// the index; searches in between are right, too.
    ///
    /// # Errors
    /// As [`Dense::upsert`].
    fn optimize(&self) -> Result<()>;
}

/// Whose vectors an index holds; those of different embedders do not mix.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EmbedderSpec {
    /// Name and version of the model.
    pub id: String,
    /// Length of a vector.
    pub dim: usize,
}

/// Sorts by score, best first, and equal scores by chunk.
pub(super) fn rank(hits: &mut [Scored]) {
    hits.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)));
}

#[cfg(test)]
pub(super) mod contract;
