//! The passages that an answer is made from.

use std::time::Instant;

use crate::answer::{
    Editions, Hit, Mode, Question, Reranked, WeightedTerms, for_the_place, leave_lesser_rows_unread,
    leave_other_variants_unread, leave_steering_unread, without_superseded,
};
use crate::error::{Error, Result};
use crate::index::{ChunkId, Scope};
use crate::library::ask::{AskEvent, FOUND, OnEvent};
use crate::library::{Library, Searched};

/// What was found for a question.
pub(super) struct Sought {
    /// What the search found.
    pub(super) searched: Searched,
    /// Its passages, and how near each of their sentences is to the question in meaning.
    pub(super) reranked: Reranked,
    /// What was found in documents for another place than the question names.
    pub(super) elsewhere: Vec<Hit>,
    /// Which documents are editions of one.
    pub(super) editions: Editions,
    /// Milliseconds of the search without its second look.
    pub(super) retrieve: f64,
}

impl Library {
    /// Searches for what may answer `question`.
    ///
    /// # Errors
    /// [`Error::Cancelled`] after `Break`; when an index or the embedding model fails.
    pub(super) fn seek(&self, question: &Question, scope: &Scope, on_event: &mut OnEvent<'_>) -> Result<Sought> {
        let start = Instant::now();
        let terms = WeightedTerms::new(&question.text, &|term| self.rarity(term, scope));
        let (mut reranked, found) = self.find(question, &terms, scope, Mode::Hybrid, FOUND, None)?;
        let (hits, elsewhere) = for_the_place(&question.text, reranked.hits, &|id| self.head(id));
        reranked.hits = hits;
        leave_steering_unread(&mut reranked.hits);
        leave_lesser_rows_unread(&question.text, &mut reranked.hits);
        leave_other_variants_unread(&question.text, &mut reranked.hits);
        let retrieve = start.elapsed().as_secs_f64() * 1e3 - found.timings.rerank;
        let searched = Searched {
            query: question.text.clone(),
            hits: reranked.hits.clone(),
            terms,
            paths: found.paths,
            degraded: found.degraded,
            quoted: Vec::new(),
            pending: self.index.pending_dense_in(scope)?,
            timings: found.timings,
        };
        if on_event(AskEvent::Found(&searched)).is_break() {
            return Err(Error::Cancelled);
        }
        if let Some(late) = &found.late {
            self.look_with(late, &mut reranked.hits)?;
        }
        Ok(Sought { searched, reranked, elsewhere, editions: found.editions, retrieve })
    }
}

impl Sought {
    /// Leaves out the passages of which another edition says the same, the newer one or the one that `question` names;
    /// returns them.
    pub(super) fn leave_out_superseded(&mut self, question: &str) -> Vec<ChunkId> {
        let before: Vec<ChunkId> = self.reranked.hits.iter().map(|hit| hit.passage.chunk).collect();
        let found = Reranked { hits: std::mem::take(&mut self.reranked.hits) };
        self.reranked = without_superseded(found, &self.editions, question);
        let stays = |chunk: &ChunkId| self.reranked.hits.iter().any(|hit| hit.passage.chunk == *chunk);
        before.into_iter().filter(|chunk| !stays(chunk)).collect()
    }
}
