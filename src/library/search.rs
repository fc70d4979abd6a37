//! Search: retrieve, fuse, rerank.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use crate::answer::{
    Editions, HEAD, Hit, Mode, Question, RERANK_DEPTH, Reranked, SecondLook, WeightedTerms, Weights, fuse, meanings,
    newest_first, rerank, retrieve, sentence_tokens,
};
use crate::error::Result;
use crate::index::{ChunkId, GraphPath, Passage, PassageText, Quoted, Scope};
use crate::library::Library;
use crate::models::EmbedRole;
use crate::models::late::LateQuery;
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
    /// How the graph led to passages, for those it led to.
    pub paths: HashMap<ChunkId, Walked>,
    /// Why a search could not take part; empty when all did.
    pub degraded: Vec<String>,
    /// The phrases that every passage must have, and which passages have each.
    pub quoted: Vec<Quoted>,
    /// Passages of the collections that are not searchable by meaning yet.
    pub pending: usize,
    /// Milliseconds by stage.
    pub timings: SearchTimings,
}

/// The last step of a walk along the graph.
#[derive(Clone, Debug)]
pub struct Walked {
    /// What leads to the passage.
    pub path: GraphPath,
    /// The passage that the step came from, if it came from one.
    pub from: Option<Passage>,
}

/// How much late interaction counts beside the first order, by measurement on
/// the development sets (`eval/README.md`).
const LATE_INTERACTION: f32 = 0.5;
/// Passages with the question's own words that are looked at for how many of them they have.
const BEST_BY_WORDS: usize = 3;
/// How much a cross-encoder counts.
const CROSS_ENCODER: f32 = 1.0;

impl Library {
    /// Finds passages that have every phrase of the query in double quotes; see [`Lexical::quoted`].
    ///
    /// # Errors
    /// When there is not a word in the query, a collection does not exist, or an index or the embedding model fails.
    ///
    /// [`Lexical::quoted`]: crate::index::Lexical::quoted
    pub fn search(&self, request: &SearchRequest) -> Result<Searched> {
        let scope = self.scope(&request.collections)?;
        let quoted = self.index.lexical().quoted(&request.query, &scope)?;
        self.search_with(request, &scope, quoted)
    }

    /// Finds passages as for an answer: a phrase in double quotes counts, but need not occur.
    ///
    /// # Errors
    /// As [`Library::search`].
    pub fn search_as_asked(&self, request: &SearchRequest) -> Result<Searched> {
        self.search_with(request, &self.scope(&request.collections)?, Vec::new())
    }

    fn search_with(&self, request: &SearchRequest, scope: &Scope, quoted: Vec<Quoted>) -> Result<Searched> {
        let start = Instant::now();
        let question = Question::new(&request.query);
        let among = quoted.iter().map(|part| part.chunks.clone()).reduce(|all, more| &all & &more);
        let terms = WeightedTerms::new(&question.text, &|term| self.rarity(term, scope));
        let (reranked, mut found) = self.find(&question, &terms, scope, request.mode, request.limit, among.as_ref())?;
        found.timings.total = start.elapsed().as_secs_f64() * 1e3;
        Ok(Searched {
            query: question.text,
            hits: reranked.hits,
            terms,
            paths: found.paths,
            degraded: found.degraded,
            quoted,
            pending: self.index.pending_dense_in(scope)?,
            timings: found.timings,
        })
    }

    /// The stages up to the reranked passages, at most `limit` of them, `among` these if they are given.
    pub(super) fn find(
        &self,
        question: &Question,
        terms: &WeightedTerms,
        scope: &Scope,
        mode: Mode,
        limit: usize,
        among: Option<&BTreeSet<ChunkId>>,
    ) -> Result<(Reranked, Found)> {
        question.check()?;
        let embedder = if mode.uses_embedder() { Some(self.embedder()?) } else { None };
        let retrieved = retrieve(&self.index, embedder.as_deref(), question, scope, mode, among)?;
        let best: Vec<ChunkId> = retrieved.lexical.iter().take(BEST_BY_WORDS).map(|hit| hit.chunk).collect();
        let best = if retrieved.across.is_empty() { Vec::new() } else { self.index.passages(&best)? };
        let said = best.iter().map(|passage| {
            terms.coverage(&format!("{}\n{}\n{}", passage.title, passage.headings.join("\n"), passage.text))
        });
        let weights = Weights { across: Weights::across(said.fold(0.0, f32::max)), ..Weights::default() };
        let fused = fuse(&retrieved, weights);
        let mut timings = SearchTimings {
            embed: retrieved.timings.embed,
            dense: retrieved.timings.dense,
            lexical: retrieved.timings.lexical,
            graph: retrieved.timings.graph,
            ..SearchTimings::default()
        };
        let start = Instant::now();
        let wanted: Vec<ChunkId> = fused.hits.iter().take(limit.max(RERANK_DEPTH)).map(|hit| hit.chunk).collect();
        let passages = self.index.passages(&wanted)?;
        let late = retrieved.tokens.as_ref().map(LateQuery::new);
        let look = if mode == Mode::Hybrid {
            self.second_look(question, late.as_ref(), &passages)?
        } else {
            SecondLook::default()
        };
        let reranked = rerank(&fused, &look, passages);
        let editions = Editions::of(&reranked.hits, &|id| self.head(id));
        let mut reranked = newest_first(reranked, &editions, &question.text);
        reranked.hits.truncate(limit);
        timings.rerank = start.elapsed().as_secs_f64() * 1e3;
        let paths = self.walked(&reranked, retrieved.paths)?;
        Ok((reranked, Found { paths, degraded: retrieved.degraded, editions, late, timings }))
    }

    /// The steps that led to the passages which are left.
    fn walked(&self, reranked: &Reranked, mut paths: HashMap<ChunkId, GraphPath>) -> Result<HashMap<ChunkId, Walked>> {
        let steps: Vec<(ChunkId, GraphPath)> = reranked
            .hits
            .iter()
            .filter_map(|hit| Some((hit.passage.chunk, paths.remove(&hit.passage.chunk)?)))
            .filter(|(_, path)| *path != GraphPath::Seed)
            .collect();
        let from = |path: &GraphPath| match path {
            GraphPath::Shared { from, .. } | GraphPath::Neighbour { from } => Some(*from),
            GraphPath::Seed | GraphPath::Topic { .. } => None,
        };
        let origins: Vec<ChunkId> = steps.iter().filter_map(|(_, path)| from(path)).collect();
        let origins = self.index.passages(&origins)?;
        let origin = |path: &GraphPath| origins.iter().find(|passage| Some(passage.chunk) == from(path)).cloned();
        Ok(steps.into_iter().map(|(chunk, path)| (chunk, Walked { from: origin(&path), path })).collect())
    }

    /// The beginning of a document's text; nothing, if it was removed meanwhile.
    pub(super) fn head(&self, document_id: &str) -> String {
        self.index.head(document_id, HEAD).unwrap_or_default()
    }
}

impl Library {
    /// Scores the best passages: with the cross-encoder, if one is configured,
    /// otherwise by late interaction, if the question was embedded.
    fn second_look(&self, question: &Question, query: Option<&LateQuery>, passages: &[Passage]) -> Result<SecondLook> {
        let looked_at = &passages[..passages.len().min(RERANK_DEPTH)];
        let chunks = looked_at.iter().map(|passage| passage.chunk);
        if let Some(reranker) = self.reranker()? {
            let texts: Vec<&str> = looked_at.iter().map(|passage| passage.text.as_str()).collect();
            let scores = reranker.rerank(&question.text, &texts)?;
            return Ok(SecondLook { weight: CROSS_ENCODER, scores: chunks.zip(scores).collect() });
        }
        let Some(query) = query else { return Ok(SecondLook::default()) };
        let packed = self.index.token_vectors(&chunks.clone().collect::<Vec<_>>())?;
        let scores = chunks.zip(packed).filter_map(|(chunk, packed)| Some((chunk, query.score(&packed?)?))).collect();
        Ok(SecondLook { weight: LATE_INTERACTION, scores })
    }

    /// Finds how near the sentences of `hits` are to `query` in meaning, as it is
    /// done before anything is read for an answer.
    ///
    /// # Errors
    /// When the index or the embedding model fails.
    pub fn look_at_sentences(&self, query: &str, hits: &mut [Hit]) -> Result<()> {
        let embedded = self.embedder()?.embed_tokens(EmbedRole::Query, &[query])?;
        embedded.first().map_or(Ok(()), |(_, tokens)| self.look_with(&LateQuery::new(tokens), hits))
    }

    pub(super) fn look_with(&self, query: &LateQuery, hits: &mut [Hit]) -> Result<()> {
        let embedder = self.embedder()?;
        let chunks: Vec<ChunkId> = hits.iter().map(|hit| hit.passage.chunk).collect();
        let texts = self.index.passage_texts(&chunks)?;
        let packed = self.index.token_vectors(&chunks)?;
        let score = |passage: &Passage, text: PassageText, packed: Vec<u8>| {
            let embedded = text.to_embed();
            let offsets = embedder.token_offsets(EmbedRole::Passage, &embedded);
            query.score_parts(&packed, &sentence_tokens(passage, &embedded, text.body(), &offsets))
        };
        let scored: Vec<_> = (hits.iter().zip(texts).zip(packed))
            .map(|((hit, text), packed)| {
                let scores = text.zip(packed).and_then(|(text, packed)| score(&hit.passage, text, packed));
                (&hit.passage, scores.unwrap_or_default())
            })
            .collect();
        let meanings = meanings(&scored);
        hits.iter_mut().zip(meanings).for_each(|(hit, meaning)| hit.meaning = meaning);
        Ok(())
    }
}

/// How the passages were found.
pub(super) struct Found {
    pub(super) paths: HashMap<ChunkId, Walked>,
    pub(super) degraded: Vec<String>,
    /// Which documents are editions of one.
    pub(super) editions: Editions,
    /// The question's token vectors, if it was embedded.
    pub(super) late: Option<LateQuery>,
    pub(super) timings: SearchTimings,
}
