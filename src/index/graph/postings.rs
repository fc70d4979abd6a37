//! The rows of the graph: which passages mention which entities.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::mentions::{Mention, names};
use crate::index::store::{digest, first_eight, from_sql, to_sql};
use crate::index::{ChunkId, CollectionId, Scope};

/// An entity: a hash of its key, so that it needs no table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct EntityId(pub i64);

impl EntityId {
    pub(super) fn of(key: &str) -> Self {
        Self(i64::from_be_bytes(first_eight(&digest(&["entity", key]))))
    }
}

/// What a passage mentions.
pub(super) type Mentioned = BTreeMap<EntityId, Told>;

/// How a passage mentions an entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub weight: u8,
    pub label: String,
}

/// Postings of a transaction. They are written together, ordered by entity:
/// one by one, each would touch another page.
#[derive(Default)]
pub(in crate::index) struct Postings(Vec<(EntityId, ChunkId, u8)>);

impl Postings {
    /// Adds what the new passage `chunk` mentions.
    pub(in crate::index) fn add(
        &mut self,
        t: &Transaction<'_>,
        chunk: ChunkId,
        mentions: &[&Mention],
    ) -> rusqlite::Result<()> {
        let mentioned: Mentioned = mentions
            .iter()
            .map(|m| (EntityId::of(&m.key), Told { weight: m.weight, label: m.label.clone() }))
            .collect();
        self.0.extend(mentioned.iter().map(|(&entity, told)| (entity, chunk, told.weight)));
        t.prepare_cached("INSERT INTO mentions (chunk, entities) VALUES (?1, ?2)")?
            .execute(params![to_sql(chunk), pack(&mentioned)?])?;
        Ok(())
    }

    /// Writes what was added.
    pub(in crate::index) fn write(mut self, t: &Transaction<'_>) -> rusqlite::Result<()> {
        self.0.sort_unstable();
        let mut insert = t.prepare_cached("INSERT INTO postings VALUES (?1, ?2, ?3)")?;
        for (entity, chunk, weight) in self.0 {
            insert.execute(params![entity.0, to_sql(chunk), weight])?;
        }
        Ok(())
    }
}

/// Gives the first passage of a content the names of all its documents, as they
/// are now: a fresh build would not know what they were called before.
pub(in crate::index) fn name(t: &Transaction<'_>, content: i64) -> rusqlite::Result<()> {
    let first: Option<(i64, Option<Vec<u8>>)> = t
        .prepare_cached(
            "SELECT mentions.chunk, mentions.names FROM mentions JOIN chunks ON chunks.id = mentions.chunk
             WHERE chunks.content = ?1 AND chunks.ordinal = 0",
        )?
        .query_row([content], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((first, before)) = first else { return Ok(()) };
    let mut now = Mentioned::new();
    let mut documents = t.prepare_cached("SELECT title, path FROM documents WHERE content = ?1 ORDER BY path")?;
    let called = documents.query_map([content], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    for document in called {
        let (title, path) = document?;
        for Mention { key, label, weight, .. } in names(&title, &path) {
            now.entry(EntityId::of(&key)).or_insert(Told { weight, label });
        }
    }
    let packed = pack(&now)?;
    if before.as_ref() == Some(&packed) {
        return Ok(());
    }
    let own = own_mentions(t, first)?;
    let before = before.map_or_else(|| Ok(Mentioned::new()), |bytes| unpack(&bytes))?;
    let touched: BTreeSet<EntityId> = before.keys().chain(now.keys()).copied().collect();
    for entity in touched {
        match joined(own.get(&entity), now.get(&entity)) {
            Some(told) => t.prepare_cached("INSERT OR REPLACE INTO postings VALUES (?1, ?2, ?3)")?.execute(params![
                entity.0,
                first,
                told.weight
            ])?,
            None => {
                t.prepare_cached("DELETE FROM postings WHERE entity = ?1 AND chunk = ?2")?.execute([entity.0, first])?
            }
        };
    }
    t.prepare_cached("UPDATE mentions SET names = ?2 WHERE chunk = ?1")?.execute(params![first, packed])?;
    Ok(())
}

/// Removes the postings of all passages of a content; the passages go after this.
pub(in crate::index) fn remove(t: &Transaction<'_>, content: i64) -> rusqlite::Result<()> {
    let chunks: Vec<ChunkId> = t
        .prepare_cached("SELECT id FROM chunks WHERE content = ?1")?
        .query_map([content], |row| row.get(0).map(from_sql))?
        .collect::<rusqlite::Result<_>>()?;
    let mut delete = t.prepare_cached("DELETE FROM postings WHERE entity = ?1 AND chunk = ?2")?;
    for chunk in chunks {
        for entity in of_chunk(t, chunk)?.into_keys() {
            delete.execute([entity.0, to_sql(chunk)])?;
        }
    }
    Ok(())
}

/// What a passage mentions, and what its document is called if it is the first.
pub(super) fn of_chunk(t: &Transaction<'_>, chunk: ChunkId) -> rusqlite::Result<Mentioned> {
    let row: Option<(Vec<u8>, Option<Vec<u8>>)> = t
        .prepare_cached("SELECT entities, names FROM mentions WHERE chunk = ?1")?
        .query_row([to_sql(chunk)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((own, names)) = row else { return Ok(Mentioned::new()) };
    let mut all = unpack(&own)?;
    for (entity, named) in names.map_or_else(|| Ok(Mentioned::new()), |bytes| unpack(&bytes))? {
        if let Some(told) = joined(all.get(&entity), Some(&named)) {
            all.insert(entity, told);
        }
    }
    Ok(all)
}

/// The passages that mention an entity, in the order of their ids, with weights;
/// `most` of them at most.
fn of_entity(t: &Transaction<'_>, entity: EntityId, most: usize) -> rusqlite::Result<Vec<(ChunkId, u8)>> {
    t.prepare_cached("SELECT chunk, weight FROM postings WHERE entity = ?1 ORDER BY chunk LIMIT ?2")?
        .query_map(params![entity.0, most as i64], |row| Ok((from_sql(row.get(0)?), row.get(1)?)))?
        .collect()
}

/// The passages in `scope` that mention an entity, as [`of_entity`] gives all.
pub(super) fn of_entity_in(
    t: &Transaction<'_>,
    entity: EntityId,
    scope: &Scope,
    most: usize,
) -> rusqlite::Result<Vec<(ChunkId, u8)>> {
    let Scope::Collections(allowed) = scope else { return of_entity(t, entity, most) };
    let mut found = t.prepare_cached(
        "SELECT postings.chunk, postings.weight, contents.collection FROM postings
         JOIN chunks ON chunks.id = postings.chunk JOIN contents ON contents.id = chunks.content
         WHERE postings.entity = ?1 ORDER BY postings.chunk",
    )?;
    let rows =
        found.query_map([entity.0], |row| Ok((from_sql(row.get(0)?), row.get(1)?, CollectionId(row.get(2)?))))?;
    let visible = rows.filter(|row| row.as_ref().map_or(true, |(_, _, collection)| allowed.contains(collection)));
    visible.take(most).map(|row| row.map(|(chunk, weight, _)| (chunk, weight))).collect()
}

fn own_mentions(t: &Transaction<'_>, chunk: i64) -> rusqlite::Result<Mentioned> {
    let bytes: Vec<u8> =
        t.prepare_cached("SELECT entities FROM mentions WHERE chunk = ?1")?.query_row([chunk], |row| row.get(0))?;
    unpack(&bytes)
}

/// A passage can speak of what its document is called.
fn joined(own: Option<&Told>, named: Option<&Told>) -> Option<Told> {
    match (own, named) {
        (Some(own), Some(named)) => {
            Some(Told { weight: own.weight.saturating_add(named.weight), label: named.label.clone() })
        }
        (one, other) => one.or(other).cloned(),
    }
}

fn pack(mentioned: &Mentioned) -> rusqlite::Result<Vec<u8>> {
    rmp_serde::to_vec(mentioned).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

fn unpack(bytes: &[u8]) -> rusqlite::Result<Mentioned> {
    rmp_serde::from_slice(bytes)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(e)))
}
