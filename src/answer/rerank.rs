//! A second look at the best passages, fused by rank.
//!
//! The best passages are ordered anew, by late interaction or by a cross-encoder
//! when one is configured, and that order is fused with the first one by
//! reciprocal ranks. Without scores the first order stays.

use std::collections::HashMap;

use attest_ingest::Span;

use crate::answer::extremes::Extreme;
use crate::answer::fuse::{Fused, Place, Places};
use crate::answer::meaning::Meaning;
use crate::index::{ChunkId, Passage};

/// A passage with its text, its score and how it came to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The passage.
    pub passage: Passage,
    /// The final score; only its order means anything.
    pub score: f32,
    /// Its places in the searches.
    pub places: Places,
    /// Its place in the second look, when it was looked at.
    pub rerank: Option<Place>,
    /// Title and version of its document, where there are other editions of it and the
    /// title alone does not tell them apart.
    pub edition: Option<String>,
    /// Path of the document whose passage stood here before this one of a newer
    /// edition was put in front of it.
    pub outranks: Option<String>,
    /// How near its sentences are to the question in meaning.
    pub meaning: Meaning,
    /// Its sentences that are not read, in the document's text: they tell whoever answers what to say, and another
    /// source says otherwise; they are rows that have less of what the most is asked for; or they speak of another
    /// variant of the model that is asked for.
    pub unread: Vec<Span>,
    /// Its rows, where the most or the least of what their table holds is asked for.
    pub extremes: Vec<Extreme>,
}

/// Passages in their final order, best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Reranked {
    /// The passages.
    pub hits: Vec<Hit>,
}

/// What a second look at the best passages gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SecondLook {
    /// How much its order counts beside the first one.
    pub weight: f32,
    /// Its scores; passages may be missing.
    pub scores: HashMap<ChunkId, f32>,
}

/// How many of the best passages get a second look.
pub const DEPTH: usize = 30;

/// The best place in the second look of what was found across languages.
const ACROSS_FROM: u32 = 6;

/// Damps the difference between neighbouring ranks of the two orders.
const K: f32 = 10.0;

/// Orders `fused` anew by the second `look` and keeps the passages whose text
/// is given. Ties are broken by the first order.
#[must_use]
pub fn rerank(fused: &Fused, look: &SecondLook, passages: Vec<Passage>) -> Reranked {
    // Token vectors are nearest to those of their own language: what was found
    // across languages is compared with its like, and has to stand behind as
    // many of the others as an answer is made from.
    let scored = |across: bool| {
        let of_them = fused.hits.iter().filter(move |hit| hit.places.across.is_some() == across);
        let mut second: Vec<(ChunkId, f32)> =
            of_them.filter_map(|hit| Some((hit.chunk, *look.scores.get(&hit.chunk)?))).collect();
        second.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        (if across { ACROSS_FROM } else { 1 }..)
            .zip(second)
            .map(|(rank, (chunk, score))| (chunk, Place { rank, score }))
    };
    let places: HashMap<ChunkId, Place> = scored(false).chain(scored(true)).collect();

    let mut texts: HashMap<ChunkId, Passage> = passages.into_iter().map(|passage| (passage.chunk, passage)).collect();
    let mut hits: Vec<Hit> = (1u32..)
        .zip(&fused.hits)
        .filter_map(|(rank, hit)| {
            let rerank = places.get(&hit.chunk).copied();
            let again = rerank.map_or(0.0, |place| look.weight / (K + place.rank as f32));
            let score = 1.0 / (K + rank as f32) + again;
            Some(Hit {
                passage: texts.remove(&hit.chunk)?,
                score,
                places: hit.places,
                rerank,
                edition: None,
                outranks: None,
                meaning: Meaning::default(),
                unread: Vec::new(),
                extremes: Vec::new(),
            })
        })
        .collect();
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    Reranked { hits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fuse::FusedHit;

    pub(crate) fn passage(id: u64) -> Passage {
        Passage {
            chunk: ChunkId(id),
            document_id: String::new(),
            document: format!("{id}.md"),
            collection: "default".into(),
            title: String::new(),
            headings: vec![],
            page: None,
            lines: None,
            span: Span::new(0, 0),
            section: Span::new(0, 0),
            context: String::new(),
            text: String::new(),
            ordinal: 0,
        }
    }

    fn order(fused: &[u64], scores: &[(u64, f32)]) -> Vec<u64> {
        let hits =
            fused.iter().map(|&id| FusedHit { chunk: ChunkId(id), score: 0.0, places: Places::default() }).collect();
        let scores = scores.iter().map(|&(id, score)| (ChunkId(id), score)).collect();
        let passages = fused.iter().map(|&id| passage(id)).collect();
        rerank(&Fused { hits }, &SecondLook { weight: 1.0, scores }, passages)
            .hits
            .iter()
            .map(|hit| hit.passage.chunk.0)
            .collect()
    }

    #[test]
    fn both_orders_count() {
        // 1: 1/11 + 1/13; 2: 1/12 + 1/11; 3: 1/13 + 1/12.
        assert_eq!(order(&[1, 2, 3], &[(2, 0.9), (3, 0.8), (1, 0.1)]), [2, 1, 3]);
    }

    #[test]
    fn without_scores_the_first_order_stays() {
        assert_eq!(order(&[3, 1, 2], &[]), [3, 1, 2]);
    }
}
