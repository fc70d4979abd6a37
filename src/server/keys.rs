//! API keys: random tokens of which only the hash is kept.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::auth::{Caller, Permission};
use crate::error::{Error, Result};

/// The keys of a data folder, in an `SQLite` file of their own.
pub struct Keys(Mutex<Connection>);

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it is for, for people.
    pub name: String,
    /// What it allows; each permission includes those below it.
    pub permission: Permission,
    /// The collections it may see; empty: all.
    pub collections: Vec<String>,
    /// How long it is valid; `None`: until it is revoked.
    pub valid: Option<Duration>,
}

/// A key as lists show it.
#[derive(Clone, Debug, Serialize)]
pub struct KeyInfo {
    /// Its id, as `revoke` takes it.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it allows.
    pub permission: Permission,
    /// The collections it may see; null: all.
    pub collections: Option<Vec<String>>,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// When it ends, in seconds since 1970.
    pub expires: Option<i64>,
    /// Whether it was revoked.
    pub revoked: bool,
}

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, permission TEXT NOT NULL,
    collections TEXT, created INTEGER NOT NULL, expires INTEGER, revoked INTEGER NOT NULL DEFAULT 0)";

const COLUMNS: &str = "id, name, permission, collections, created, expires, revoked";

impl Keys {
    /// Opens the keys of a data folder.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(data_dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(data_dir).map_err(Error::io(data_dir))?;
        let connection = Connection::open(data_dir.join("keys.sqlite")).map_err(failed)?;
        connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
        connection.execute(SCHEMA, []).map_err(failed)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Makes a key. Gives its token, which is not kept, and what is kept.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(&self, new: &NewKey) -> Result<(String, KeyInfo)> {
        let token = format!("attest-{}", random_hex(32));
        let info = KeyInfo {
            id: random_hex(4),
            name: new.name.clone(),
            permission: new.permission,
            collections: (!new.collections.is_empty()).then(|| new.collections.clone()),
            created: now(),
            expires: new.valid.map(|valid| now().saturating_add_unsigned(valid.as_secs())),
            revoked: false,
        };
        let collections = info.collections.as_ref().map(|names| serde_json::json!(names).to_string());
        self.lock()
            .execute(
                "INSERT INTO keys (id, hash, name, permission, collections, created, expires) VALUES (?1,?2,?3,?4,?5,?6,?7)",
                params![info.id, hash(&token), info.name, info.permission.name(), collections, info.created, info.expires],
            )
            .map_err(failed)?;
        Ok((token, info))
    }

    /// All keys, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn list(&self) -> Result<Vec<KeyInfo>> {
        let connection = self.lock();
        let list = || -> rusqlite::Result<Vec<KeyInfo>> {
            let mut select = connection.prepare(&format!("SELECT {COLUMNS} FROM keys ORDER BY created, id"))?;
            select.query_map([], info)?.collect()
        };
        list().map_err(failed)
    }

    /// Makes a key worthless at once. Gives whether there was one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn revoke(&self, id: &str) -> Result<bool> {
        let rows = self.lock().execute("UPDATE keys SET revoked = 1 WHERE id = ?1", [id]).map_err(failed)?;
        Ok(rows > 0)
    }

    /// Whether a key was ever made: then nobody comes in without one, even
    /// after the last was revoked.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn any(&self) -> Result<bool> {
        self.lock().query_row("SELECT EXISTS (SELECT 1 FROM keys)", [], |row| row.get(0)).map_err(failed)
    }

    /// Who holds this token, if it is valid now.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub fn caller(&self, token: &str) -> Result<Option<Caller>> {
        // Looked up by hash: how long it takes says nothing about the token.
        let found = self
            .lock()
            .query_row(&format!("SELECT {COLUMNS} FROM keys WHERE hash = ?1"), [hash(token)], info)
            .optional()
            .map_err(failed)?;
        let valid = found.filter(|key| !key.revoked && key.expires.is_none_or(|expires| now() < expires));
        Ok(valid.map(|key| Caller { key: Some(key.id), permission: key.permission, collections: key.collections }))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn info(row: &Row<'_>) -> rusqlite::Result<KeyInfo> {
    let permission: String = row.get(2)?;
    let collections: Option<String> = row.get(3)?;
    Ok(KeyInfo {
        id: row.get(0)?,
        name: row.get(1)?,
        // What cannot be read allows the least.
        permission: permission.parse().unwrap_or(Permission::Read),
        collections: collections.map(|names| serde_json::from_str(&names).unwrap_or_default()),
        created: row.get(4)?,
        expires: row.get(5)?,
        revoked: row.get(6)?,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(source: rusqlite::Error) -> Error {
    Error::Index { index: "keys", message: source.to_string() }
}

fn hash(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(age.as_secs()).unwrap_or(i64::MAX)
}

/// So many random bytes, in hexadecimal.
///
/// # Panics
/// When the system has no randomness; nothing secret can be made then.
pub(super) fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).expect("the system has randomness");
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}
