//! What the lexical and the dense index still have to do.
//!
//! An order is deleted only when the index has done it durably, and doing it
//! twice changes nothing; so a crash at any moment is mended by doing the
//! orders that are left.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::read::from_json;
use super::{Store, from_sql, to_sql};
use crate::error::Result;
use crate::index::passage_text::PassageText;
use crate::index::{ChunkId, CollectionId};

/// An index that works off orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The word index.
    Lexical,
    /// The vector index.
    Dense,
}

/// An order to bring a chunk into an index, with everything the index needs.
#[derive(Clone, Debug)]
pub struct Order {
    /// Number of the order.
    pub seq: i64,
    /// The chunk.
    pub chunk: ChunkId,
    /// Its collection.
    pub collection: CollectionId,
    /// Key of what the chunk is part of; the same for all chunks of a document.
    pub content: String,
    /// Its words.
    pub text: PassageText,
}

const ADDITIONS: &str =
    "SELECT chunks.id, contents.collection, contents.title, chunks.headings, chunks.context, chunks.plain,
    outbox.seq, contents.key FROM outbox
    JOIN chunks ON chunks.id = outbox.chunk JOIN contents ON contents.id = chunks.content";

fn order(row: &Row<'_>) -> rusqlite::Result<Order> {
    Ok(Order {
        chunk: from_sql(row.get(0)?),
        collection: CollectionId(row.get(1)?),
        text: PassageText {
            title: row.get(2)?,
            headings: from_json(row, 3)?,
            context: row.get(4)?,
            plain: row.get(5)?,
        },
        seq: row.get(6)?,
        content: row.get(7)?,
    })
}

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::Lexical => "lexical",
            Self::Dense => "dense",
        }
    }
}

impl Store {
    /// The oldest orders to add chunks, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn additions(&self, target: Target, limit: usize) -> Result<Vec<Order>> {
        let sql = format!("{ADDITIONS} WHERE target = ?1 AND op = 'add' ORDER BY seq LIMIT ?2");
        self.read(|t| t.prepare_cached(&sql)?.query_map(params![target.name(), limit as i64], order)?.collect())
    }

    /// The oldest orders to remove chunks, at most `limit`, as numbers and chunks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn removals(&self, target: Target, limit: usize) -> Result<Vec<(i64, ChunkId)>> {
        self.read(|t| {
            t.prepare_cached("SELECT seq, chunk FROM outbox WHERE target = ?1 AND op = 'remove' ORDER BY seq LIMIT ?2")?
                .query_map(params![target.name(), limit as i64], |row| Ok((row.get(0)?, from_sql(row.get(1)?))))?
                .collect()
        })
    }

    /// The open orders to add these chunks to an index.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn additions_of(&self, target: Target, chunks: &[ChunkId]) -> Result<Vec<Order>> {
        let sql = format!("{ADDITIONS} WHERE target = ?1 AND op = 'add' AND outbox.chunk = ?2");
        self.read(|t| {
            let mut select = t.prepare_cached(&sql)?;
            let mut orders = Vec::with_capacity(chunks.len());
            for &chunk in chunks {
                orders.extend(select.query_row(params![target.name(), to_sql(chunk)], order).optional()?);
            }
            Ok(orders)
        })
    }

    /// Strikes orders that have been carried out.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn done(&self, orders: impl IntoIterator<Item = i64>) -> Result<()> {
        self.write(|t| strike(t, orders))
    }

    /// Strikes orders to add vectors, and keeps the token vectors that came with them.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn done_with_tokens(
        &self,
        orders: impl IntoIterator<Item = i64>,
        tokens: impl IntoIterator<Item = (ChunkId, Vec<u8>)>,
    ) -> Result<()> {
        self.write(|t| {
            let mut insert = t.prepare_cached("INSERT OR REPLACE INTO token_vectors VALUES (?1, ?2)")?;
            for (chunk, bytes) in tokens {
                insert.execute(params![to_sql(chunk), bytes])?;
            }
            strike(t, orders)
        })
    }

    /// Orders an index to be built from nothing: add every chunk, remove none.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn order_rebuild(&self, target: Target) -> Result<()> {
        self.write(|t| {
            t.execute("DELETE FROM outbox WHERE target = ?1", [target.name()])?;
            t.execute(
                "INSERT INTO outbox (target, chunk, op)
                 SELECT ?1, chunks.id, 'add' FROM chunks ORDER BY content, ordinal",
                [target.name()],
            )?;
            if target == Target::Dense {
                t.execute("DELETE FROM token_vectors", [])?;
            }
            Ok(())
        })
    }

    /// Orders the difference between what an index holds and what it should
    /// hold, leaving open orders as they are. Gives the number of new orders.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn order_difference(&self, target: Target, present: &[ChunkId]) -> Result<usize> {
        self.write(|t| {
            t.execute_batch("CREATE TEMP TABLE IF NOT EXISTS present (chunk INTEGER PRIMARY KEY); DELETE FROM present;")?;
            let mut insert = t.prepare_cached("INSERT OR IGNORE INTO present VALUES (?1)")?;
            for &chunk in present {
                insert.execute([to_sql(chunk)])?;
            }
            let missing = t.execute(
                "INSERT OR IGNORE INTO outbox (target, chunk, op)
                 SELECT ?1, id, 'add' FROM chunks WHERE id NOT IN (SELECT chunk FROM present) ORDER BY content, ordinal",
                [target.name()],
            )?;
            let orphans = t.execute(
                "INSERT OR IGNORE INTO outbox (target, chunk, op)
                 SELECT ?1, chunk, 'remove' FROM present WHERE chunk NOT IN (SELECT id FROM chunks)",
                [target.name()],
            )?;
            t.execute("DELETE FROM present", [])?;
            Ok(missing + orphans)
        })
    }

    /// How many chunks an index should hold when it has done all its orders,
    /// and how many orders to add and to remove are open.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn expected(&self, target: Target) -> Result<Expected> {
        self.read(|t| {
            let count = |sql: &str, parameters: &[Value]| -> rusqlite::Result<usize> {
                t.prepare_cached(sql)?
                    .query_row(rusqlite::params_from_iter(parameters), |row| row.get::<_, i64>(0))
                    .map(|n| n as usize)
            };
            let name = Value::Text(target.name().to_owned());
            let orders = "SELECT count(*) FROM outbox WHERE target = ?1 AND op = ?2";
            Ok(Expected {
                chunks: count("SELECT count(*) FROM chunks", &[])?,
                additions: count(orders, &[name.clone(), Value::Text("add".to_owned())])?,
                removals: count(orders, &[name, Value::Text("remove".to_owned())])?,
            })
        })
    }

    /// Number of passages of these collections that `target` has still to take in.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn additions_in(&self, target: Target, collections: &[CollectionId]) -> Result<usize> {
        let sql = "SELECT count(*) FROM outbox JOIN chunks ON chunks.id = outbox.chunk
             JOIN contents ON contents.id = chunks.content
             WHERE target = ?1 AND op = 'add' AND contents.collection = ?2";
        self.read(|t| {
            let mut count = t.prepare_cached(sql)?;
            let counts = collections.iter().map(|collection| {
                count.query_row(params![target.name(), collection.0], |row| row.get::<_, i64>(0)).map(|n| n as usize)
            });
            counts.sum()
        })
    }
}

/// What an index should hold, and what it has still to do for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Chunks in the store.
    pub chunks: usize,
    /// Orders to add that are open.
    pub additions: usize,
    /// Orders to remove that are open.
    pub removals: usize,
}

impl Expected {
    /// Whether an index that holds `count` chunks may be sound: a chunk that is
    /// to be added may be there already, one that is to be removed may be gone.
    pub(in crate::index) const fn allows(&self, count: usize) -> bool {
        count + self.additions >= self.chunks && count <= self.chunks + self.removals
    }
}

fn strike(t: &Transaction<'_>, orders: impl IntoIterator<Item = i64>) -> rusqlite::Result<()> {
    let mut delete = t.prepare_cached("DELETE FROM outbox WHERE seq = ?1")?;
    for seq in orders {
        delete.execute([seq])?;
    }
    Ok(())
}
