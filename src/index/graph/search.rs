//! Searching along the graph.

use rusqlite::Transaction;

use super::neighbourhood;
use super::postings::{self, EntityId};
use super::question::{self, Candidate};
use super::rank::{Visited, Way, rank};
use crate::error::Result;
use crate::index::{ChunkId, Index, Scope, Scored, Term, analyse};

/// What other searches found for the question, each best first. Long lists do no
/// harm: the further down, the less a passage counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seeds<'a> {
    /// By meaning.
    pub dense: &'a [Scored],
    /// By words.
    pub lexical: &'a [Scored],
}

/// A passage that was found along the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphHit {
    /// The passage, and how often a random walk from the question comes by.
    pub hit: Scored,
    /// How it comes there.
    pub path: GraphPath,
}

/// Why a passage was found along the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphPath {
    /// Another search found it, and nothing leads there more.
    Seed,
    /// It mentions an entity of the question.
    Topic {
        /// The entity, as the passage writes it.
        entity: String,
    },
    /// It mentions an entity that another passage mentions.
    Shared {
        /// The other passage.
        from: ChunkId,
        /// The entity, as this passage writes it.
        entity: String,
    },
    /// It stands before or after another passage.
    Neighbour {
        /// The other passage.
        from: ChunkId,
    },
}

impl Index {
    /// The `k` best passages around the entities of `question` and around what
    /// other searches found, best first.
    ///
    /// # Errors
    /// When the store or the word index cannot be read.
    pub fn search_graph(&self, question: &str, seeds: &Seeds<'_>, scope: &Scope, k: usize) -> Result<Vec<GraphHit>> {
        let topics = self.topics(question, scope)?;
        self.store().read(|t| {
            let neighbourhood = neighbourhood::read(t, topics, &[seeds.dense, seeds.lexical], scope)?;
            rank(&neighbourhood, k).iter().map(|visited| explain(t, visited)).collect()
        })
    }

    /// The entities that the question may speak of. A word that many passages
    /// use is a poor guide even where few of them use it as a name (`Film`).
    fn topics(&self, question: &str, scope: &Scope) -> Result<Vec<Candidate>> {
        let mut candidates = question::candidates(question);
        let terms: Vec<Vec<Term>> = candidates.iter().map(|candidate| analyse(&candidate.key)).collect();
        let all: Vec<&str> = terms.iter().flatten().map(|term| term.text.as_str()).collect();
        let mut frequencies = self.lexical().document_frequency(&all, scope)?.into_iter();
        for (candidate, terms) in candidates.iter_mut().zip(&terms) {
            let rarest = frequencies.by_ref().take(terms.len()).filter(|&df| df > 0).min();
            candidate.df = rarest.unwrap_or(0);
        }
        Ok(candidates)
    }
}

fn explain(t: &Transaction<'_>, visited: &Visited) -> rusqlite::Result<GraphHit> {
    let label = |entity: EntityId| -> rusqlite::Result<String> {
        let told = postings::of_chunk(t, visited.chunk)?.remove(&entity);
        Ok(told.map_or_else(String::new, |told| told.label))
    };
    let path = match visited.by {
        Way::Start => GraphPath::Seed,
        Way::Topic(entity) => GraphPath::Topic { entity: label(entity)? },
        Way::Shared(from, entity) => GraphPath::Shared { from, entity: label(entity)? },
        Way::Neighbour(from) => GraphPath::Neighbour { from },
    };
    Ok(GraphHit { hit: Scored { chunk: visited.chunk, score: visited.score as f32 }, path })
}
