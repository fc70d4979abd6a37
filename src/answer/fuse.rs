//! One ranking out of several: weighted reciprocal rank fusion.
//!
//! Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet
//! and individual rank learning methods" (SIGIR 2009): a passage scores the sum
//! over the rankings of `weight / (k + rank)`. Only ranks count, so scores of
//! different scales need no calibration.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::answer::retrieve::Retrieved;
use crate::index::{ChunkId, Scored};

/// Where a passage stood in one ranking.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Place {
    /// Rank, counted from 1.
    pub rank: u32,
    /// That ranking's own score.
    pub score: f32,
}

/// Where a passage stood in each of the three searches; `None`: not found there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Places {
    /// Search by meaning.
    pub dense: Option<Place>,
    /// Search by meaning across languages.
    pub across: Option<Place>,
    /// Search by words.
    pub lexical: Option<Place>,
    /// Search along the knowledge graph.
    pub graph: Option<Place>,
}

/// A passage with its fused score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FusedHit {
    /// The passage.
    pub chunk: ChunkId,
    /// The fused score.
    pub score: f32,
    /// Its places in the searches.
    pub places: Places,
}

/// Passages by fused score, best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Fused {
    /// The passages.
    pub hits: Vec<FusedHit>,
}

/// How much each ranking counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Damps the difference between neighbouring ranks.
    pub k: f32,
    /// Weight of the search by meaning.
    pub dense: f32,
    /// Weight of the search by meaning across languages.
    pub across: f32,
    /// Weight of the search by words.
    pub lexical: f32,
    /// Weight of the search along the graph.
    pub graph: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self { k: 10.0, dense: 1.0, across: 1.25, lexical: 1.0, graph: 0.3 }
    }
}

impl Weights {
    /// The weight of the search across languages, where one passage has this
    /// share of the question's weighted words: what is said in the question's own
    /// words need not be looked for in another language.
    #[must_use]
    pub fn across(said: f32) -> f32 {
        (ACROSS_UNSAID * (1.0 - said)).clamp(ACROSS_LEAST, ACROSS_MOST)
    }
}

const ACROSS_UNSAID: f32 = 1.75;
const ACROSS_LEAST: f32 = 0.3;
const ACROSS_MOST: f32 = 1.25;

/// Fuses the rankings. Ties are broken by the better single rank, then by id.
#[must_use]
pub fn fuse(retrieved: &Retrieved, weights: Weights) -> Fused {
    let mut found: HashMap<ChunkId, Places> = HashMap::new();
    let mut note = |ranking: &[Scored], set: fn(&mut Places) -> &mut Option<Place>| {
        for (rank, scored) in (1..).zip(ranking) {
            *set(found.entry(scored.chunk).or_default()) = Some(Place { rank, score: scored.score });
        }
    };
    note(&retrieved.dense, |places| &mut places.dense);
    note(&retrieved.across, |places| &mut places.across);
    note(&retrieved.lexical, |places| &mut places.lexical);
    note(&retrieved.graph, |places| &mut places.graph);

    let part = |place: Option<Place>, weight: f32| place.map_or(0.0, |place| weight / (weights.k + place.rank as f32));
    let mut hits: Vec<FusedHit> = found
        .into_iter()
        .map(|(chunk, places)| FusedHit {
            chunk,
            score: part(places.dense, weights.dense)
                + part(places.across, weights.across)
                + part(places.lexical, weights.lexical)
                + part(places.graph, weights.graph),
            places,
        })
        .collect();
    hits.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| a.places.best_rank().cmp(&b.places.best_rank()))
            .then_with(|| a.chunk.cmp(&b.chunk))
    });
    Fused { hits }
}

impl Places {
    fn best_rank(&self) -> u32 {
        [self.dense, self.across, self.lexical, self.graph]
            .into_iter()
            .flatten()
            .map(|place| place.rank)
            .min()
            .unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(ids: &[u64]) -> Vec<Scored> {
        ids.iter().map(|&id| Scored { chunk: ChunkId(id), score: 1.0 / id as f32 }).collect()
    }

    fn fused(dense: &[u64], lexical: &[u64], graph: &[u64]) -> Vec<(u64, f32)> {
        let retrieved =
            Retrieved { dense: ranking(dense), lexical: ranking(lexical), graph: ranking(graph), ..Default::default() };
        let weights = Weights { k: 10.0, dense: 1.0, across: 1.0, lexical: 1.0, graph: 0.5 };
        fuse(&retrieved, weights).hits.iter().map(|hit| (hit.chunk.0, hit.score)).collect()
    }

    #[test]
    fn scores_are_the_weighted_sums_of_reciprocal_ranks() {
        // 1: 1/11 + 1/12; 2: 1/12 + 1/11 + 0.5/11; 3: 0.5/12.
        let hits = fused(&[1, 2], &[2, 1], &[2, 3]);
        let expected = [(2, 1.0 / 12.0 + 1.0 / 11.0 + 0.5 / 11.0), (1, 1.0 / 11.0 + 1.0 / 12.0), (3, 0.5 / 12.0)];
        for ((id, score), (expected_id, expected_score)) in hits.iter().zip(expected) {
            assert_eq!(*id, expected_id);
            assert!((score - expected_score).abs() < 1e-6);
        }
        assert_eq!(hits.len(), 3);
    }

    #[test]
    fn ties_are_broken_by_rank_then_id() {
        let ids = |hits: Vec<(u64, f32)>| hits.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(ids(fused(&[9], &[4], &[])), [4, 9]);
        assert_eq!(ids(fused(&[], &[], &[])), [0u64; 0]);
    }
}
