//! Batches of changes, each one transaction.

use std::collections::{BTreeSet, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use attest_ingest::{Chunk, Document};
use rusqlite::{OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use super::{Store, to_sql};
use crate::error::Result;
use crate::index::change::{Applied, Change, Failure, Known, Put, SourceFile};
use crate::index::graph::{self, Mention, Postings};
use crate::index::{ChunkId, CollectionId};

impl Store {
    /// Makes a collection. Gives whether it is new.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn create_collection(&self, name: &str) -> Result<bool> {
        self.write(|t| t.execute("INSERT OR IGNORE INTO collections (name) VALUES (?1)", [name]).map(|rows| rows > 0))
    }

    /// Forgets a collection that nothing is in any more.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn drop_collection(&self, name: &str) -> Result<()> {
        self.write(|t| {
            t.execute(
                "DELETE FROM collections WHERE name = ?1
                 AND NOT EXISTS (SELECT 1 FROM documents WHERE collection = collections.id)
                 AND NOT EXISTS (SELECT 1 FROM contents WHERE collection = collections.id)",
                [name],
            )
            .map(drop)
        })
    }
}

impl Store {
    /// Applies `changes` in one transaction; they are acknowledged when this
    /// returns. What the other indexes have to do about them is in the outbox.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing was changed.
    pub fn apply(&self, changes: &[Change]) -> Result<Applied> {
        let recipe = &self.recipe;
        self.write(|t| {
            let mut batch = Batch {
                t,
                recipe,
                touched: BTreeSet::new(),
                postings: Postings::default(),
                applied: Applied::default(),
            };
            for change in changes {
                match change {
                    Change::Put(put) => batch.put(put)?,
                    Change::Fail(failure) => batch.fail(failure)?,
                    Change::Touch { file } => batch.touch(file)?,
                    Change::Remove { document_id } => batch.remove(document_id)?,
                }
            }
            batch.settle()
        })
    }

    /// What is known of the file at `path` in `collection`, now of this size
    /// and time stamp.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn known(&self, collection: &str, path: &str, size: u64, mtime: i64) -> Result<Known> {
        let row = self.read(|t| {
            t.prepare_cached(
                "SELECT hash, recipe, size, mtime, reason, message FROM documents
                 WHERE path = ?2 AND collection = (SELECT id FROM collections WHERE name = ?1)",
            )?
            .query_row([collection, path], Row::read)
            .optional()
        })?;
        let Some(row) = row else { return Ok(Known::New) };
        let same_stamp = row.size.cast_unsigned() == size && row.mtime == mtime;
        if let Some(reason) = row.reason {
            let tried = row.recipe.strip_prefix(&failed_recipe(&self.recipe, ""));
            return Ok(match tried {
                Some(tried) if same_stamp => {
                    Known::Failed { reason, message: row.message.unwrap_or_default(), tried: tried.to_owned() }
                }
                _ => Known::Outdated,
            });
        }
        Ok(match row {
            row if row.recipe != self.recipe => Known::Outdated,
            _ if same_stamp => Known::Unchanged,
            row => Known::UnchangedIfHash(row.hash),
        })
    }
}

/// What [`Store::known`] reads of a document.
struct Row {
    hash: String,
    recipe: String,
    size: i64,
    mtime: i64,
    reason: Option<String>,
    message: Option<String>,
}

impl Row {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            hash: row.get(0)?,
            recipe: row.get(1)?,
            size: row.get(2)?,
            mtime: row.get(3)?,
            reason: row.get(4)?,
            message: row.get(5)?,
        })
    }
}

/// The recipe by which a file could not be read: limits count, too.
fn failed_recipe(recipe: &str, tried: &str) -> String {
    format!("{recipe}; tried: {tried}")
}

/// The id of a document: it depends on collection and path only, so that it
/// stays the same when the file changes or the index is built anew.
#[must_use]
pub fn document_id(collection: &str, path: &str) -> String {
    hex(&digest(&["document", collection, path])[..8])
}

fn chunk_id(collection: &str, content_key: &str, ordinal: u32) -> ChunkId {
    let digest = digest(&["chunk", collection, content_key, &ordinal.to_string()]);
    ChunkId(u64::from_be_bytes(first_eight(&digest)))
}

pub(in crate::index) fn digest(parts: &[&str]) -> [u8; 32] {
    let mut sha = Sha256::new();
    for part in parts {
        // With lengths, so that no two lists of parts run together.
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    sha.finalize().into()
}

pub(in crate::index) fn first_eight(digest: &[u8; 32]) -> [u8; 8] {
    std::array::from_fn(|at| digest[at])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What reading a file gave.
struct Read<'a> {
    /// The row of what it says; none when it could not be read.
    content: Option<i64>,
    title: &'a str,
    /// As JSON.
    warnings: &'a str,
    failure: Option<&'a Failure>,
}

/// A transaction in the making.
struct Batch<'a> {
    t: &'a Transaction<'a>,
    recipe: &'a str,
    /// Contents whose documents changed; they are settled at the end, so that a
    /// file that was moved keeps its chunks.
    touched: BTreeSet<i64>,
    /// What the graph gains; written at the end, in its own order.
    postings: Postings,
    applied: Applied,
}

impl Batch<'_> {
    fn put(&mut self, put: &Put) -> rusqlite::Result<()> {
        let collection = self.collection(&put.file.collection)?;
        let content = self.content(collection, put)?;
        let warnings = json(&put.warnings)?;
        let read = Read { content: Some(content), title: &put.document.title, warnings: &warnings, failure: None };
        self.document(collection, &put.file, &read)?;
        self.applied.put += 1;
        Ok(())
    }

    fn fail(&mut self, failure: &Failure) -> rusqlite::Result<()> {
        let collection = self.collection(&failure.file.collection)?;
        let read = Read { content: None, title: "", warnings: "[]", failure: Some(failure) };
        self.document(collection, &failure.file, &read)?;
        self.applied.failed += 1;
        Ok(())
    }

    fn touch(&mut self, file: &SourceFile) -> rusqlite::Result<()> {
        self.t
            .prepare_cached("UPDATE documents SET mtime = ?2, size = ?3, root = coalesce(?4, root) WHERE id = ?1")?
            .execute(params![
                document_id(&file.collection, &file.path),
                file.mtime,
                file.size.cast_signed(),
                file.root
            ])?;
        Ok(())
    }

    fn remove(&mut self, document_id: &str) -> rusqlite::Result<()> {
        let content: Option<Option<i64>> = self
            .t
            .prepare_cached("DELETE FROM documents WHERE id = ?1 RETURNING content")?
            .query_row([document_id], |row| row.get(0))
            .optional()?;
        if let Some(content) = content {
            self.touched.extend(content);
            self.applied.removed += 1;
        }
        Ok(())
    }

    fn collection(&self, name: &str) -> rusqlite::Result<CollectionId> {
        self.t.prepare_cached("INSERT OR IGNORE INTO collections (name) VALUES (?1)")?.execute([name])?;
        self.t
            .prepare_cached("SELECT id FROM collections WHERE name = ?1")?
            .query_row([name], |row| row.get(0).map(CollectionId))
    }

    fn document(&mut self, collection: CollectionId, file: &SourceFile, read: &Read<'_>) -> rusqlite::Result<()> {
        let id = document_id(&file.collection, &file.path);
        let before: Option<Option<i64>> = self
            .t
            .prepare_cached("SELECT content FROM documents WHERE id = ?1")?
            .query_row([&id], |row| row.get(0))
            .optional()?;
        self.touched.extend(before.flatten());
        self.touched.extend(read.content);
        let recipe = read.failure.map_or_else(|| self.recipe.to_owned(), |f| failed_recipe(self.recipe, &f.tried));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let mut insert = self.t.prepare_cached(
            "INSERT OR REPLACE INTO documents
             (id, collection, path, root, hash, recipe, mtime, size, content, title, reason, message, warnings, added_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        insert.execute(params![
            id,
            collection.0,
            file.path,
            file.root,
            file.hash,
            recipe,
            file.mtime,
            file.size.cast_signed(),
            read.content,
            read.title,
            read.failure.map(|failure| &failure.reason),
            read.failure.map(|failure| &failure.message),
            read.warnings,
            now.cast_signed()
        ])?;
        Ok(())
    }

    /// The row of what the file says, made if these bytes are new.
    fn content(&mut self, collection: CollectionId, put: &Put) -> rusqlite::Result<i64> {
        let document = &put.document;
        let format = format!("{:?}", document.format).to_lowercase();
        let key = hex(&digest(&["content", self.recipe, &format, &put.file.hash])[..16]);
        let known: Option<i64> = self
            .t
            .prepare_cached("SELECT id FROM contents WHERE collection = ?1 AND key = ?2")?
            .query_row(params![collection.0, key], |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            return Ok(id);
        }
        self.t
            .prepare_cached("INSERT INTO contents (collection, key, format, title, text) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![collection.0, key, format, document.title, document.text.as_bytes()])?;
        let content = self.t.last_insert_rowid();
        self.t
            .prepare_cached("INSERT INTO layouts VALUES (?1, ?2)")?
            .execute(params![content, pack_layout(document)?])?;
        let mut mentions: HashMap<u32, Vec<&Mention>> = HashMap::new();
        for mention in &put.mentions {
            mentions.entry(mention.ordinal).or_default().push(mention);
        }
        for chunk in &put.chunks {
            let id = chunk_id(&put.file.collection, &key, chunk.ordinal);
            self.chunk(content, id, chunk, document.slice(chunk.span))?;
            self.postings.add(self.t, id, &mentions.remove(&chunk.ordinal).unwrap_or_default())?;
            self.order(id, "add")?;
        }
        self.applied.chunks_added += put.chunks.len();
        Ok(content)
    }

    fn chunk(&self, content: i64, id: ChunkId, chunk: &Chunk, text: &str) -> rusqlite::Result<()> {
        let mut insert = self.t.prepare_cached(
            "INSERT INTO chunks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        insert.execute(params![
            to_sql(id),
            content,
            chunk.ordinal,
            chunk.span.start as i64,
            chunk.span.end as i64,
            chunk.section.start as i64,
            chunk.section.end as i64,
            chunk.page,
            chunk.lines.map(|lines| lines.0),
            chunk.lines.map(|lines| lines.1),
            json(&chunk.headings)?,
            chunk.context,
            chunk.plain,
            text
        ])?;
        Ok(())
    }

    fn order(&self, chunk: ChunkId, op: &str) -> rusqlite::Result<()> {
        let mut insert =
            self.t.prepare_cached("INSERT OR REPLACE INTO outbox (target, chunk, op) VALUES (?1, ?2, ?3)")?;
        for target in ["lexical", "dense"] {
            insert.execute(params![target, to_sql(chunk), op])?;
        }
        Ok(())
    }

    /// Removes contents that no document has any more, and gives the others
    /// the title and the names that a fresh build would give them.
    fn settle(mut self) -> rusqlite::Result<Applied> {
        std::mem::take(&mut self.postings).write(self.t)?;
        for content in std::mem::take(&mut self.touched) {
            let title: Option<String> = self
                .t
                .prepare_cached("SELECT title FROM documents WHERE content = ?1 ORDER BY path LIMIT 1")?
                .query_row([content], |row| row.get(0))
                .optional()?;
            match title {
                None => {
                    self.applied.chunks_removed += self.order_all(content, "remove")?;
                    graph::remove(self.t, content)?;
                    self.t.prepare_cached("DELETE FROM contents WHERE id = ?1")?.execute([content])?;
                }
                Some(title) => {
                    graph::name(self.t, content)?;
                    let changed = self
                        .t
                        .prepare_cached("UPDATE contents SET title = ?2 WHERE id = ?1 AND title <> ?2")?
                        .execute(params![content, title])?;
                    if changed > 0 {
                        self.order_all(content, "add")?;
                    }
                }
            }
        }
        Ok(self.applied)
    }

    fn order_all(&self, content: i64, op: &str) -> rusqlite::Result<usize> {
        let mut orders = 0;
        for target in ["lexical", "dense"] {
            orders = self
                .t
                .prepare_cached(
                    "INSERT OR REPLACE INTO outbox (target, chunk, op) SELECT ?2, id, ?3 FROM chunks WHERE content = ?1",
                )?
                .execute(params![content, target, op])?;
        }
        Ok(orders)
    }
}

/// Packs everything of a document but its text and title.
fn pack_layout(document: &Document) -> rusqlite::Result<Vec<u8>> {
    // The title depends on which of several files with these bytes is asked.
    let layout = Document { text: String::new(), title: String::new(), ..document.clone() };
    let bytes = rmp_serde::to_vec(&layout).map_err(conversion)?;
    Ok(lz4_flex::block::compress_prepend_size(&bytes))
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(conversion)
}

fn conversion(source: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(source))
}
