//! The part of the graph around a question, read from the store.
//!
//! A search never loads the whole graph: it reads the entities of the seeds and
//! of the question, the passages that mention them, the most promising first and
//! within a budget, and the neighbours of the best seeds.

use std::collections::BTreeMap;

use rusqlite::Transaction;

use super::postings::{self, EntityId};
use super::question::{self, Candidate};
use crate::index::store::{from_sql, to_sql};
use crate::index::{ChunkId, Scope, Scored};

/// What is around a question. All lists are in a fixed order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Neighbourhood {
    /// Passages that other searches found, and how much the walk starts there.
    pub seeds: Vec<(ChunkId, f64)>,
    /// Entities of the question, and how much the walk starts there.
    pub topics: Vec<(EntityId, f64)>,
    /// The entities with the passages that mention them, and how much.
    pub entities: Vec<(EntityId, Vec<(ChunkId, u8)>)>,
    /// Passages that follow each other, and how close they belong together.
    pub neighbours: Vec<(ChunkId, ChunkId, f64)>,
}

/// An entity that more passages mention links what has nothing in common.
pub(super) const MAX_DF: usize = 100;

/// Passages whose entities are read.
const EXPANDED_PASSAGES: usize = 24;

/// What the only passage that mentions an entity of the question is worth; the
/// first of a list is worth a third.
const TOPIC_WORTH: f64 = 0.25;

/// Postings that are read at most, of all entities together.
const MAX_POSTINGS: usize = 2000;

/// Seeds whose neighbours are read.
const SEEDS_WITH_NEIGHBOURS: usize = 20;

/// Damps the differences between the first ranks of a list, as in reciprocal
/// rank fusion (Cormack et al., 2009), but keeps the first seeds well ahead.
const RANK_OFFSET: f64 = 2.0;

/// Reads what is around the entities `topics`, which a question may name, and
/// the passages `seeds`, a list from each other search, best first. What is
/// outside `scope` is not even counted: it would show in the scores.
pub(super) fn read(
    t: &Transaction<'_>,
    topics: Vec<Candidate>,
    seeds: &[&[Scored]],
    scope: &Scope,
) -> rusqlite::Result<Neighbourhood> {
    let mut found = Neighbourhood { seeds: merge(seeds), ..Neighbourhood::default() };
    found.read_topics(t, topics, scope)?;
    found.read_entities(t, scope)?;
    found.read_neighbours(t)?;
    Ok(found)
}

/// How much an entity tells, from the number of passages that mention it.
pub(super) fn rarity(df: usize) -> f64 {
    1.0 / (1.0 + (df.max(1) as f64).ln())
}

/// One list of several: the weights of a passage's places add up.
fn merge(lists: &[&[Scored]]) -> Vec<(ChunkId, f64)> {
    let mut weights: BTreeMap<ChunkId, f64> = BTreeMap::new();
    for list in lists {
        for (hit, rank) in list.iter().zip(1..) {
            *weights.entry(hit.chunk).or_default() += 1.0 / (RANK_OFFSET + f64::from(rank));
        }
    }
    let mut merged: Vec<(ChunkId, f64)> = weights.into_iter().collect();
    merged.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    merged
}

impl Neighbourhood {
    /// Reads those of `topics` that there are.
    fn read_topics(&mut self, t: &Transaction<'_>, topics: Vec<Candidate>, scope: &Scope) -> rusqlite::Result<()> {
        let mut known = Vec::new();
        for topic in topics {
            let entity = EntityId::of(&topic.key);
            let postings = postings::of_entity_in(t, entity, scope, MAX_DF + 1)?;
            if !postings.is_empty() {
                known.push((topic, (entity, postings)));
            }
        }
        for (topic, (entity, postings)) in question::longest(known) {
            if postings.len() <= MAX_DF {
                self.topics.push((entity, rarity(postings.len().max(topic.df))));
                self.entities.push((entity, postings));
            }
        }
        Ok(())
    }

    /// Reads the entities of the passages to start from, those first that the
    /// best of these passages are about.
    fn read_entities(&mut self, t: &Transaction<'_>, scope: &Scope) -> rusqlite::Result<()> {
        let mut promise: BTreeMap<EntityId, f64> = BTreeMap::new();
        for (chunk, worth) in self.origins() {
            for (entity, told) in postings::of_chunk(t, chunk)? {
                *promise.entry(entity).or_default() += worth * f64::from(told.weight);
            }
        }
        for (entity, _) in &self.entities {
            promise.remove(entity);
        }
        let mut promising: Vec<(EntityId, f64)> = promise.into_iter().collect();
        promising.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut budget = MAX_POSTINGS;
        for (entity, _) in promising {
            let postings = postings::of_entity_in(t, entity, scope, MAX_DF + 1)?;
            let Some(left) = budget.checked_sub(postings.len()) else { break };
            budget = left;
            // Mentioned once, it leads nowhere.
            if (2..=MAX_DF).contains(&postings.len()) {
                self.entities.push((entity, postings));
            }
        }
        Ok(())
    }

    /// The passages to start from: the seeds, and those that mention the
    /// question's entities, each entity sharing its rarity among them.
    fn origins(&self) -> Vec<(ChunkId, f64)> {
        let mut worth: BTreeMap<ChunkId, f64> = self.seeds.iter().copied().collect();
        // No other entities have been read yet.
        for ((_, rarity), (_, postings)) in self.topics.iter().zip(&self.entities) {
            for &(chunk, _) in postings {
                *worth.entry(chunk).or_default() += TOPIC_WORTH * rarity / postings.len() as f64;
            }
        }
        let mut origins: Vec<(ChunkId, f64)> = worth.into_iter().collect();
        origins.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        origins.truncate(EXPANDED_PASSAGES);
        origins
    }

    /// Reads the passages before and after the best seeds; those of the same
    /// section belong together more.
    fn read_neighbours(&mut self, t: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut around = t.prepare_cached(
            "SELECT near.id, near.section_start = here.section_start FROM chunks here
             JOIN chunks near ON near.content = here.content
             AND near.ordinal BETWEEN here.ordinal - 1 AND here.ordinal + 1 AND near.id <> here.id
             WHERE here.id = ?1 ORDER BY near.ordinal",
        )?;
        for &(chunk, _) in self.seeds.iter().take(SEEDS_WITH_NEIGHBOURS) {
            let rows = around.query_map([to_sql(chunk)], |row| Ok((from_sql(row.get(0)?), row.get::<_, bool>(1)?)))?;
            for row in rows {
                let (near, same_section) = row?;
                self.neighbours.push((chunk, near, if same_section { 2.0 } else { 1.0 }));
            }
        }
        Ok(())
    }
}
