//! The store: one `SQLite` file that is the truth of a data folder.
//!
//! - [`write`]: batches of changes, each one transaction;
//! - [`read`]: documents, passages, counts;
//! - [`outbox`]: what the lexical and the dense index still have to do.

mod outbox;
mod read;
mod write;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior};

use super::ChunkId;
use crate::error::{Error, Result};

pub use outbox::{Order, Target};
pub use read::{DocumentInfo, DocumentState, Section};
pub use write::document_id;
pub(super) use write::{digest, first_eight};

/// Each step brings the schema from the version of its place to the next.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// How long a statement waits for another process's transaction.
const BUSY: Duration = Duration::from_secs(30);

/// Connections that are kept for the next reader.
const IDLE_READERS: usize = 8;

/// The store of one data folder. Readers never wait for the writer.
pub struct Store {
    path: PathBuf,
    recipe: String,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl Store {
    /// Opens the store at `path` and brings its schema up to date. `recipe`
    /// names everything that decides what a file's bytes become (versions of
    /// the readers, passage size): a file read by another recipe is outdated.
    ///
    /// # Errors
    /// When the file is no store, or one of a later version.
    pub fn open(path: &Path, recipe: &str) -> Result<Self> {
        let mut writer = connect(path)?;
        migrate(&mut writer, path)?;
        Ok(Self {
            path: path.to_owned(),
            recipe: recipe.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::default(),
        })
    }

    /// Runs `query` on a connection of its own, in one snapshot of the store.
    ///
    /// # Errors
    /// When the store cannot be read, or what `query` returns.
    pub fn read<T>(&self, query: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = idle.map_or_else(|| connect(&self.path), Ok)?;
        let result = {
            let transaction = connection.transaction().map_err(error)?;
            query(&transaction).map_err(error)
        };
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        result
    }

    /// Runs `change` in one transaction; it is durable when this returns.
    fn write<T>(&self, change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        let mut connection = self.writer();
        // Immediate: a transaction that reads first and writes later could
        // find its snapshot outdated by another process.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
        let value = change(&transaction).map_err(error)?;
        transaction.commit().map_err(error)?;
        Ok(value)
    }

    /// A note that is kept with the data.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn meta(&self, key: &str) -> Result<Option<String>> {
        self.read(|t| t.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional())
    }

    /// Keeps a note with the data.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        self.write(|t| t.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", [key, value]).map(|_| ()))
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        // A panic in a transaction rolled it back; the connection is sound.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path).map_err(|source| broken(path, &source))?;
    let set = || -> rusqlite::Result<()> {
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // A batch of documents is one commit, so a real sync per commit costs
        // little, and what was acknowledged outlives a power cut too.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // In KiB: a write touches pages all over the graph's index.
        connection.pragma_update(None, "cache_size", -65_536)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(())
    };
    set().map_err(|source| broken(path, &source))?;
    Ok(connection)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let step = |connection: &mut Connection| -> rusqlite::Result<usize> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = transaction.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))? as usize;
        for migration in MIGRATIONS.iter().skip(version) {
            transaction.execute_batch(migration)?;
        }
        if version < MIGRATIONS.len() {
            transaction.pragma_update(None, "user_version", MIGRATIONS.len() as u32)?;
        }
        transaction.commit()?;
        Ok(version)
    };
    let version = step(connection).map_err(|source| broken(path, &source))?;
    if version > MIGRATIONS.len() {
        return Err(Error::Index {
            index: "store",
            message: format!("{} was written by a later version of attest; use that one", path.display()),
        });
    }
    Ok(())
}

fn broken(path: &Path, source: &rusqlite::Error) -> Error {
    Error::Index { index: "store", message: format!("{}: {}", path.display(), explained(source)) }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn error(source: rusqlite::Error) -> Error {
    Error::Index { index: "store", message: explained(&source) }
}

/// What happened and, where somebody can do something about it, what.
fn explained(source: &rusqlite::Error) -> String {
    let advice = match source.sqlite_error_code() {
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "the data folder must be yours to write to; name another one with --data-dir"
        }
        Some(ErrorCode::DiskFull) => "free some space and go on; what was acknowledged is kept",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "move the data folder away and add the documents again"
        }
        _ => return source.to_string(),
    };
    format!("{source}; {advice}")
}

/// `SQLite` has signed integers only; the bits are the same.
pub(super) fn to_sql(chunk: ChunkId) -> i64 {
    chunk.0.cast_signed()
}

pub(super) fn from_sql(chunk: i64) -> ChunkId {
    ChunkId(chunk.cast_unsigned())
}

#[cfg(test)]
mod tests;
