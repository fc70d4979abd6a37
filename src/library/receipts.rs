//! Where receipts are kept: one small database in the data folder, bounded.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::receipt::Receipt;
use crate::error::{Error, Result};

/// What a reader thinks of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rating {
    /// It is right.
    Up,
    /// It is wrong, or lacks something.
    Down,
}

/// A rated answer: a case for the evaluation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FeedbackCase {
    /// What the reader thinks of it.
    pub rating: Rating,
    /// Why.
    pub comment: Option<String>,
    /// What a right answer says, if the reader told.
    #[serde(default)]
    pub expected: Option<String>,
    /// When it was rated, in seconds since 1970.
    pub at: u64,
    /// The answer.
    pub receipt: Receipt,
}

/// The database of receipts, opened at first use.
pub struct Receipts {
    path: PathBuf,
    connection: Mutex<Option<Connection>>,
}

/// Receipts that are kept; the oldest go first. Rated ones are kept beside them.
const KEPT: i64 = 10_000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS receipts (
        seq  INTEGER PRIMARY KEY AUTOINCREMENT,
        id   TEXT NOT NULL UNIQUE,
        -- Digest of question and conditions.
        key  TEXT NOT NULL,
        -- The receipt as JSON, compressed.
        json BLOB NOT NULL
    );
    CREATE INDEX IF NOT EXISTS receipts_by_key ON receipts (key);
    -- That of the answer which was shown last in the terminal; no row, if that had none.
    CREATE TABLE IF NOT EXISTS shown (id TEXT PRIMARY KEY) WITHOUT ROWID;
    -- The receipt is copied, so that a case outlives it.
    CREATE TABLE IF NOT EXISTS feedback (
        receipt TEXT PRIMARY KEY,
        json    BLOB NOT NULL
    ) WITHOUT ROWID;";

impl Receipts {
    /// The receipts of the data folder `dir`.
    pub fn new(dir: &Path) -> Self {
        Self { path: dir.join("receipts.sqlite"), connection: Mutex::default() }
    }

    /// Keeps a receipt, under `key` as well, and drops the oldest above the bound.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn put(&self, receipt: &Receipt, key: &str) -> Result<()> {
        self.put_bounded(receipt, key, KEPT)
    }

    fn put_bounded(&self, receipt: &Receipt, key: &str, kept: i64) -> Result<()> {
        self.with(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO receipts (id, key, json) VALUES (?1, ?2, ?3)",
                params![receipt.id, key, packed(receipt)],
            )?;
            connection.execute(
                "DELETE FROM receipts WHERE seq <= (SELECT seq FROM receipts ORDER BY seq DESC LIMIT 1 OFFSET ?1)",
                [kept],
            )?;
            Ok(())
        })
    }

    /// The receipt with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or no longer.
    pub fn get(&self, id: &str) -> Result<Receipt> {
        let found = self.blob("SELECT json FROM receipts WHERE id = ?1", id)?;
        // A rated one may have outlived the bound.
        let rated = match found {
            Some(_) => None,
            None => self.blob("SELECT json FROM feedback WHERE receipt = ?1", id)?,
        };
        match (found, rated) {
            (Some(blob), _) => self.unpacked(&blob),
            (None, Some(blob)) => Ok(self.unpacked::<FeedbackCase>(&blob)?.receipt),
            (None, None) => Err(Error::NotFound { kind: "receipt", name: id.to_owned() }),
        }
    }

    /// Notes whose answer is shown; `None`: one without a receipt.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn show(&self, id: Option<&str>) -> Result<()> {
        self.with(|connection| {
            connection.execute("DELETE FROM shown", [])?;
            id.map_or(Ok(0), |id| connection.execute("INSERT INTO shown VALUES (?1)", [id])).map(drop)
        })
    }

    /// Id of the receipt whose answer was shown last.
    ///
    /// # Errors
    /// [`Error::NotFound`] when none was, or it has no receipt.
    pub fn shown(&self) -> Result<String> {
        let none = || Error::NotFound { kind: "receipt", name: "the last answer's; it has none".to_owned() };
        if !self.path.is_file() {
            return Err(none());
        }
        let found =
            self.with(|connection| connection.query_row("SELECT id FROM shown", [], |row| row.get(0)).optional());
        found?.ok_or_else(none)
    }

    /// Whether nothing was ever kept.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_empty(&self) -> Result<bool> {
        if !self.path.is_file() {
            return Ok(true);
        }
        self.with(|connection| connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM receipts)", [], |row| row.get(0)))
    }

    /// The latest receipt under `key`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn by_key(&self, key: &str) -> Result<Option<Receipt>> {
        let blob = self.blob("SELECT json FROM receipts WHERE key = ?1 ORDER BY seq DESC LIMIT 1", key)?;
        blob.map(|blob| self.unpacked(&blob)).transpose()
    }

    /// Keeps a rated answer; a later rating of the same answer replaces it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn rate(&self, case: &FeedbackCase) -> Result<()> {
        self.with(|connection| {
            connection
                .execute("INSERT OR REPLACE INTO feedback VALUES (?1, ?2)", params![case.receipt.id, packed(case)])
                .map(drop)
        })
    }

    /// All rated answers, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn cases(&self) -> Result<Vec<FeedbackCase>> {
        let blobs: Vec<Vec<u8>> = self.with(|connection| {
            connection.prepare("SELECT json FROM feedback")?.query_map([], |row| row.get(0))?.collect()
        })?;
        let mut cases: Vec<FeedbackCase> = blobs.iter().map(|blob| self.unpacked(blob)).collect::<Result<_>>()?;
        cases.sort_by(|a, b| (a.at, &a.receipt.id).cmp(&(b.at, &b.receipt.id)));
        Ok(cases)
    }

    fn blob(&self, sql: &str, value: &str) -> Result<Option<Vec<u8>>> {
        self.with(|connection| connection.query_row(sql, [value], |row| row.get(0)).optional())
    }

    fn with<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let run = || -> rusqlite::Result<T> {
            if slot.is_none() {
                let connection = Connection::open(&self.path)?;
                connection.busy_timeout(Duration::from_secs(10))?;
                connection.pragma_update(None, "journal_mode", "wal")?;
                // A receipt lost to a power cut costs one answer asked again.
                connection.pragma_update(None, "synchronous", "normal")?;
                connection.execute_batch(SCHEMA)?;
                *slot = Some(connection);
            }
            query(slot.as_ref().expect("it was opened above"))
        };
        run().map_err(|source| self.broken(&source))
    }

    fn unpacked<T: serde::de::DeserializeOwned>(&self, blob: &[u8]) -> Result<T> {
        // The length in front is not to be trusted in a file that may be damaged.
        let length = blob.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        if length > MAX_JSON {
            return Err(self.broken(&"a receipt is damaged"));
        }
        let json = lz4_flex::block::decompress_size_prepended(blob).map_err(|source| self.broken(&source))?;
        serde_json::from_slice(&json).map_err(|source| self.broken(&source))
    }

    fn broken(&self, source: &dyn std::fmt::Display) -> Error {
        let path = self.path.display();
        let message = format!("{path}: {source}; move that file away, and receipts begin anew (nothing else is in it)");
        Error::Index { index: "receipts", message }
    }
}

/// The largest receipt that is read, in bytes of JSON.
const MAX_JSON: u32 = 64 << 20;

fn packed(value: &impl Serialize) -> Vec<u8> {
    lz4_flex::block::compress_prepend_size(&serde_json::to_vec(value).expect("receipts are plain data"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::AskRequest;
    use crate::library::receipt::{Conditions, SourceDocument};
    use crate::wire::{AskResult, Status};

    fn receipt(question: &str) -> Receipt {
        let answer =
            AskResult { answer: "24 months [1]".into(), status: Status::Grounded, ..AskResult::nothing(question) };
        let conditions = Conditions {
            index: String::new(),
            generator: String::new(),
            embedder: String::new(),
            reranker: None,
            prompts: String::new(),
            build: String::new(),
            cpu: String::new(),
            threads: 1,
            settings: Vec::new(),
        };
        let documents = vec![SourceDocument { id: "d".into(), path: "a.md".into(), hash: "h".into() }];
        let request = AskRequest { question: question.into(), ..AskRequest::default() };
        Receipt::new(request, conditions, None, documents, answer, 7)
    }

    #[test]
    fn what_is_kept_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let receipts = Receipts::new(folder.path());
        let one = receipt("how long?");
        receipts.put(&one, "key").unwrap();
        let back = Receipts::new(folder.path()).get(&one.id).unwrap();
        assert_eq!((back.output, back.answer.answer.as_str()), (one.output, "24 months [1]"));
        assert_eq!(receipts.by_key("key").unwrap().unwrap().id, one.id);
        assert!(receipts.by_key("other").unwrap().is_none());
        assert!(matches!(receipts.get("0000"), Err(Error::NotFound { kind: "receipt", .. })));
    }

    #[test]
    fn the_oldest_go_first_and_rated_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let receipts = Receipts::new(folder.path());
        let all: Vec<Receipt> = (0..5).map(|n| receipt(&format!("question {n}"))).collect();
        for (n, one) in all.iter().enumerate() {
            receipts.put_bounded(one, "key", 3).unwrap();
            if n == 0 {
                let comment = Some("wrong year".to_owned());
                receipts
                    .rate(&FeedbackCase { rating: Rating::Down, comment, expected: None, at: 9, receipt: one.clone() })
                    .unwrap();
            }
        }
        let there: Vec<bool> = all.iter().map(|one| receipts.get(&one.id).is_ok()).collect();
        assert_eq!(there, [true, false, true, true, true], "the rated one outlives the bound");
        let cases = receipts.cases().unwrap();
        assert_eq!((cases.len(), cases[0].rating, cases[0].comment.as_deref()), (1, Rating::Down, Some("wrong year")));
    }

    #[test]
    fn damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("receipts.sqlite"), "no database, but long enough to be read as one")
            .unwrap();
        let message = Receipts::new(folder.path()).get("x").unwrap_err().to_string();
        assert!(message.contains("receipts.sqlite"), "{message}");
    }
}
