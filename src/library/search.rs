//! Search: retrieve, fuse, rerank.

use std::time::Instant;

use crate::answer::{Hit, Mode, Question, Reranked, WeightedTerms, Weights, fuse, late_scores, rerank, retrieve};
use crate::error::Result;
use crate::index::{ChunkId, Scope};
use crate::library::Library;
use crate::models::TokenVectors;
use crate::wire::SearchTimings;

/// What to search for.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// The query, in any language.
    pub query: String,
    /// The most passages to return.
    pub limit: usize,
    /// Which searches take part.
    pub mode: Mode,
    /// Collections to search; empty: all.
    pub collections: Vec<String>,
}

/// Passages, best first, and how they were found.
#[derive(Clone, Debug)]
pub struct Searched {
    /// The query as given.
    pub query: String,
    /// The passages.
    pub hits: Vec<Hit>,
    /// The query's words and how much each of them says.
    pub terms: WeightedTerms,
    /// Why a search could not take part; empty when all did.
    pub degraded: Vec<String>,
    /// Passages that are not searchable by meaning yet.
    pub pending: usize,
    /// Milliseconds by stage.
    pub timings: SearchTimings,
}

impl Library {
    /// Finds passages.
    ///
    /// # Errors
    /// When a collection does not exist, or an index or the embedding model fails.
    pub fn search(&self, request: &SearchRequest) -> Result<Searched> {
        let start = Instant::now();
        let question = Question::new(&request.query);
        let scope = self.scope(&request.collections)?;
        let terms = WeightedTerms::new(&question.text, &|term| self.rarity(term));
        let (reranked, mut found) = self.find(&question, &scope, request.mode, request.limit)?;
        found.timings.total = start.elapsed().as_secs_f64() * 1e3;
        Ok(Searched {
            query: question.text,
            hits: reranked.hits,
            terms,
            degraded: found.degraded,
            pending: self.index.pending_dense()?,
            timings: found.timings,
        })
    }

    /// The stages up to the reranked passages, at most `limit` of them.
    pub(super) fn find(&self, question: &Question, scope: &Scope, mode: Mode, limit: usize) -> Result<(Reranked, Found)> {
        let embedder = if mode.uses_embedder() { Some(self.embedder()?) } else { None };
        let retrieved = retrieve(&self.index, embedder.as_deref(), question, scope, mode)?;
        let fused = fuse(&retrieved, Weights::default());
        let mut timings = SearchTimings {
            embed: retrieved.timings.embed,
            dense: retrieved.timings.dense,
            lexical: retrieved.timings.lexical,
            graph: retrieved.timings.graph,
            ..SearchTimings::default()
        };
        let start = Instant::now();
        let wanted: Vec<ChunkId> =
            fused.hits.iter().take(limit.max(crate::answer::RERANK_DEPTH)).map(|hit| hit.chunk).collect();
        let passages = self.index.passages(&wanted)?;
        let scores = match (mode, &retrieved.tokens) {
            (Mode::Hybrid, Some(tokens)) => self.second_look(question, tokens, &wanted, &passages)?,
            _ => std::collections::HashMap::new(),
        };
        let mut reranked = rerank(&fused, &scores, passages);
        reranked.hits.truncate(limit);
        timings.rerank = start.elapsed().as_secs_f64() * 1e3;
        Ok((reranked, Found { degraded: retrieved.degraded, timings }))
    }
}

/// How the passages were found.
pub(super) struct Found {
    pub(super) degraded: Vec<String>,
    pub(super) timings: SearchTimings,
}
