//! Conversations on disk: one small database in the data folder, bounded.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::keys::random_hex;
use crate::error::{Error, Result};
use crate::wire::AskResult;

/// A conversation, without its turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// Its first question; empty before that.
    pub title: String,
    /// When it began, in seconds since 1970.
    pub created: u64,
    /// When its last answer was given, in seconds since 1970.
    pub updated: u64,
}

/// A question and its answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    /// The question as asked.
    pub question: String,
    /// The question that was answered, where the one asked did not stand alone.
    pub rewritten: Option<String>,
    /// The answer.
    pub answer: AskResult,
    /// When it was given, in seconds since 1970.
    pub at: u64,
}

/// The database, opened at first use. Every conversation belongs to an owner,
/// the id of a key, or nobody where no keys are needed; others do not see it.
pub struct History {
    path: PathBuf,
    connection: Mutex<Option<Connection>>,
}

/// Conversations that are kept for an owner, and turns in each; the oldest go first.
const KEPT: i64 = 1_000;
const KEPT_TURNS: i64 = 200;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS conversations (
        seq     INTEGER PRIMARY KEY AUTOINCREMENT,
        id      TEXT NOT NULL UNIQUE,
        owner   TEXT NOT NULL,
        title   TEXT NOT NULL,
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS conversations_by_owner ON conversations (owner, updated);
    CREATE TABLE IF NOT EXISTS turns (
        seq          INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation INTEGER NOT NULL REFERENCES conversations (seq) ON DELETE CASCADE,
        json         TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS turns_by_conversation ON turns (conversation, seq);";

impl History {
    /// The conversations of the data folder `dir`.
    pub fn new(dir: &Path) -> Self {
        Self { path: dir.join("conversations.sqlite"), connection: Mutex::default() }
    }

    /// Begins a conversation.
    ///
    /// # Errors
    /// When the database cannot be written; so for all of these.
    pub fn create(&self, owner: &str) -> Result<Conversation> {
        let at = now();
        let made = Conversation { id: random_hex(8), title: String::new(), created: at, updated: at };
        self.with(|connection| {
            connection.execute(
                "INSERT INTO conversations (id, owner, title, created, updated) VALUES (?1, ?2, '', ?3, ?3)",
                params![made.id, owner, at as i64],
            )?;
            connection.execute(
                "DELETE FROM conversations WHERE owner = ?1 AND seq <= (SELECT seq FROM conversations
                 WHERE owner = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
                params![owner, KEPT],
            )
        })?;
        Ok(made)
    }

    /// The conversations of `owner` that have a question, the latest first.
    pub fn list(&self, owner: &str) -> Result<Vec<Conversation>> {
        self.with(|connection| {
            connection
                .prepare(
                    "SELECT id, title, created, updated FROM conversations WHERE owner = ?1 AND title <> ''
                     ORDER BY updated DESC, seq DESC",
                )?
                .query_map([owner], conversation)?
                .collect()
        })
    }

    /// A conversation with its turns, the oldest first.
    pub fn get(&self, owner: &str, id: &str) -> Result<(Conversation, Vec<Turn>)> {
        let found = self.with(|connection| {
            let found = connection
                .query_row(
                    "SELECT id, title, created, updated FROM conversations WHERE owner = ?1 AND id = ?2",
                    [owner, id],
                    conversation,
                )
                .optional()?;
            let Some(found) = found else { return Ok(None) };
            let turns: Vec<String> = connection
                .prepare(
                    "SELECT json FROM turns WHERE conversation = (SELECT seq FROM conversations WHERE id = ?1)
                     ORDER BY seq",
                )?
                .query_map([id], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Some((found, turns)))
        })?;
        let (found, turns) = found.ok_or_else(|| unknown(id))?;
        let turns = turns.iter().map(|json| serde_json::from_str(json)).collect::<Result<_, _>>();
        Ok((found, turns.map_err(|source| self.broken(&source))?))
    }

    /// Adds a turn; the first question becomes the title.
    pub fn append(&self, owner: &str, id: &str, turn: &Turn) -> Result<()> {
        let json = serde_json::to_string(turn).expect("turns are plain data");
        let title: String = turn.question.chars().take(120).collect();
        let known = self.with(|connection| {
            let transaction = connection.unchecked_transaction()?;
            let known = transaction.execute(
                "UPDATE conversations SET updated = ?3, title = CASE title WHEN '' THEN ?4 ELSE title END
                 WHERE owner = ?1 AND id = ?2",
                params![owner, id, turn.at as i64, title],
            )?;
            if known > 0 {
                transaction.execute(
                    "INSERT INTO turns (conversation, json) SELECT seq, ?2 FROM conversations WHERE id = ?1",
                    params![id, json],
                )?;
                transaction.execute(
                    "DELETE FROM turns WHERE conversation = (SELECT seq FROM conversations WHERE id = ?1) AND seq <=
                     (SELECT seq FROM turns WHERE conversation = (SELECT seq FROM conversations WHERE id = ?1)
                      ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
                    params![id, KEPT_TURNS],
                )?;
            }
            transaction.commit()?;
            Ok(known > 0)
        })?;
        if known { Ok(()) } else { Err(unknown(id)) }
    }

    /// Forgets a conversation.
    pub fn remove(&self, owner: &str, id: &str) -> Result<()> {
        let removed = self.with(|connection| {
            connection.execute("DELETE FROM conversations WHERE owner = ?1 AND id = ?2", [owner, id])
        })?;
        if removed > 0 { Ok(()) } else { Err(unknown(id)) }
    }

    fn with<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let run = || -> rusqlite::Result<T> {
            if slot.is_none() {
                let connection = Connection::open(&self.path)?;
                connection.busy_timeout(Duration::from_secs(10))?;
                connection.pragma_update(None, "journal_mode", "wal")?;
                connection.pragma_update(None, "foreign_keys", true)?;
                connection.execute_batch(SCHEMA)?;
                *slot = Some(connection);
            }
            query(slot.as_ref().expect("it was opened above"))
        };
        run().map_err(|source| self.broken(&source))
    }

    fn broken(&self, source: &dyn std::fmt::Display) -> Error {
        Error::Index { index: "conversations", message: format!("{}: {source}", self.path.display()) }
    }
}

fn conversation(row: &rusqlite::Row<'_>) -> rusqlite::Result<Conversation> {
    let seconds = |at: i64| u64::try_from(at).unwrap_or(0);
    Ok(Conversation {
        id: row.get(0)?,
        title: row.get(1)?,
        created: seconds(row.get(2)?),
        updated: seconds(row.get(3)?),
    })
}

fn unknown(id: &str) -> Error {
    Error::NotFound { kind: "conversation", name: id.to_owned() }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(question: &str, at: u64) -> Turn {
        let answer = crate::wire::AskResult::nothing(question);
        Turn { question: question.into(), rewritten: None, answer, at }
    }

    #[test]
    fn a_conversation_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::new(folder.path());
        let made = history.create("ada").unwrap();
        assert!(history.list("ada").unwrap().is_empty(), "nothing was asked yet");
        history.append("ada", &made.id, &turn("How long?", 5)).unwrap();
        history.append("ada", &made.id, &turn("And why?", 6)).unwrap();
        let again = History::new(folder.path());
        let (found, turns) = again.get("ada", &made.id).unwrap();
        assert_eq!((found.title.as_str(), found.updated, turns.len()), ("How long?", 6, 2));
        assert_eq!(turns[1].question, "And why?");
        assert!(again.list("ben").unwrap().is_empty());
        assert!(again.get("ben", &made.id).is_err() && again.remove("ben", &made.id).is_err());
        assert!(again.append("ben", &made.id, &turn("?", 7)).is_err());
        again.remove("ada", &made.id).unwrap();
        assert!(again.get("ada", &made.id).is_err() && again.list("ada").unwrap().is_empty());
    }
}
