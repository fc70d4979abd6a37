//! Three searches at once: by meaning, by words, along the graph.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Instant;

use crate::answer::languages::moved;
use crate::answer::question::Question;
use crate::error::Result;
use crate::index::{ChunkId, DenseSearch, GraphHit, GraphPath, Index, Scope, Scored, Seeds};
use crate::models::{Embed, EmbedRole, TokenVectors};

/// What the three searches found, each best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retrieved {
    /// By meaning.
    pub dense: Vec<Scored>,
    /// By meaning, as if the question were asked in the other language; passages in that language only.
    pub across: Vec<Scored>,
    /// By words.
    pub lexical: Vec<Scored>,
    /// Along the knowledge graph, from the question's entities and the best of the other two.
    pub graph: Vec<Scored>,
    /// How the graph led to each of its passages.
    pub paths: HashMap<ChunkId, GraphPath>,
    /// The question's token vectors, for late interaction.
    pub tokens: Option<TokenVectors>,
    /// Why a search could not take part; empty when all did.
    pub degraded: Vec<String>,
    /// Milliseconds each part took.
    pub timings: RetrieveTimings,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RetrieveTimings {
    /// Embedding the question.
    pub embed: f64,
    /// The dense search.
    pub dense: f64,
    /// The lexical search.
    pub lexical: f64,
    /// The graph search.
    pub graph: f64,
}

/// Which searches take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// All three, fused, with a second look: what answers are made from.
    Hybrid,
    /// All three, fused.
    Fused,
    /// By meaning only.
    Dense,
    /// By words only.
    Lexical,
    /// Along the graph only, from the question's entities and the best of the other two.
    Graph,
}

impl Mode {
    /// Whether the question has to be embedded.
    #[must_use]
    pub const fn uses_embedder(self) -> bool {
        !matches!(self, Self::Lexical)
    }
}

/// Passages that each search returns.
pub const DEPTH: usize = 100;

/// How much deeper the searches go that cannot be told which passages are wanted.
const DEEPER: usize = 10;

/// Runs the searches of `mode`, for passages `among` these only, if they are given.
/// Without an embedder there is no dense search; when it was wanted, the result says so.
///
/// # Errors
/// When an index or the embedding model fails.
pub fn retrieve(
    index: &Index,
    embedder: Option<&dyn Embed>,
    question: &Question,
    scope: &Scope,
    mode: Mode,
    among: Option<&BTreeSet<ChunkId>>,
) -> Result<Retrieved> {
    let depth = if among.is_some() { DEEPER * DEPTH } else { DEPTH };
    let wanted = |chunk: ChunkId| among.is_none_or(|among| among.contains(&chunk));
    let mut retrieved = Retrieved::default();
    std::thread::scope(|threads| -> Result<()> {
        let lexical = (mode != Mode::Dense)
            .then(|| threads.spawn(|| timed(|| index.lexical().search_among(&question.text, scope, DEPTH, among))));
        if let Some(embedder) = embedder {
            let (embedded, ms) = timed(|| embedder.embed_tokens(EmbedRole::Query, &[&question.text]));
            retrieved.timings.embed = ms;
            if let Some((vector, tokens)) = embedded?.pop() {
                let (dense, ms) = timed(|| index.search_dense(&vector, scope, depth));
                retrieved.timings.dense = ms;
                match dense {
                    DenseSearch::Hits(hits) => {
                        retrieved.dense = hits;
                        retrieved.dense.retain(|hit| wanted(hit.chunk));
                        if matches!(mode, Mode::Hybrid | Mode::Fused) {
                            let (across, ms) = timed(|| across(index, embedder, question, &vector, scope));
                            retrieved.across = across?;
                            retrieved.across.retain(|hit| wanted(hit.chunk));
                            retrieved.timings.dense += ms;
                        }
                    }
                    DenseSearch::Unavailable { reason } => {
                        retrieved.degraded.push(format!("not searched by meaning: {reason}"));
                    }
                }
                retrieved.tokens = Some(tokens);
            }
        }
        if let Some(lexical) = lexical {
            let (hits, ms) = lexical.join().expect("the lexical search does not panic");
            retrieved.lexical = hits?;
            retrieved.timings.lexical = ms;
        }
        Ok(())
    })?;
    if matches!(mode, Mode::Dense | Mode::Lexical) {
        return Ok(retrieved);
    }
    let seeds = Seeds { dense: &retrieved.dense, lexical: &retrieved.lexical };
    let (graph, ms) = timed(|| index.search_graph(&question.text, &seeds, scope, depth));
    for GraphHit { hit, path } in graph?.into_iter().filter(|found| wanted(found.hit.chunk)) {
        retrieved.paths.insert(hit.chunk, path);
        retrieved.graph.push(hit);
    }
    retrieved.timings.graph = ms;
    if mode == Mode::Graph {
        retrieved.dense.clear();
        retrieved.lexical.clear();
    }
    Ok(retrieved)
}

/// Passages that a search as if from the other language looks at.
const ACROSS: usize = 20;

/// The passages in the other language that are nearest to the question, once it
/// is moved to where that language lies. Where all passages are in one language,
/// there are none.
fn across(
    index: &Index,
    embedder: &dyn Embed,
    question: &Question,
    vector: &[f32],
    scope: &Scope,
) -> Result<Vec<Scored>> {
    let Some(moved) = moved(embedder.id(), vector, question.language) else { return Ok(Vec::new()) };
    let DenseSearch::Hits(mut hits) = index.search_dense(&moved, scope, ACROSS) else { return Ok(Vec::new()) };
    let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk).collect();
    let other: HashSet<ChunkId> = index
        .passages(&ids)?
        .into_iter()
        .filter(|passage| Question::new(&passage.text).language != question.language)
        .map(|passage| passage.chunk)
        .collect();
    hits.retain(|hit| other.contains(&hit.chunk));
    Ok(hits)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed().as_secs_f64() * 1e3)
}
