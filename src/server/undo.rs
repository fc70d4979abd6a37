//! Removed and replaced documents that can come back: uploaded files wait in a
//! trash folder for a day, files from elsewhere are only remembered.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::auth::{Caller, Permission};
use super::jobs::{JobOut, Origin};
use super::problem::Problem;
use super::state::App;
use super::{extract, keys};
use crate::error::{Error, Result};

/// How to undo.
#[derive(Serialize, ToSchema)]
pub struct UndoOut {
    /// Give it to `/api/v1/undo/{token}`.
    pub undo: String,
    /// Whether the file stays where it is, outside of the server's own folder: it comes back when its folder is added
    /// again, as `attest serve --docs` does at every start.
    pub file_stays: bool,
}

/// What is needed to bring a document back.
#[derive(Serialize, Deserialize)]
pub struct Undo {
    collection: String,
    path: PathBuf,
    /// Whether the file itself is in the trash.
    moved: bool,
    /// Whether it gave way to another of its name, whose hash is kept: only that one is put away again.
    #[serde(default)]
    gave_way_to: Option<String>,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Undo {
    /// Remembers a document that was removed.
    pub(super) fn keep(data_dir: &Path, collection: &str, path: &Path) -> Result<UndoOut> {
        let (token, folder) = place(data_dir)?;
        let uploads = data_dir.join("uploads").canonicalize().ok();
        let moved = uploads.is_some_and(|uploads| path.starts_with(uploads)) && path.is_file();
        if moved {
            std::fs::rename(path, folder.join("file")).map_err(Error::io(path))?;
        }
        Self { collection: collection.to_owned(), path: path.to_owned(), moved, gave_way_to: None }.note(&folder)?;
        Ok(UndoOut { undo: token, file_stays: !moved && path.is_file() })
    }

    /// Keeps an uploaded file that `new` is about to replace. Gives the token.
    pub(super) fn keep_replaced(data_dir: &Path, collection: &str, path: &Path, new: &Path) -> Result<String> {
        let (token, folder) = place(data_dir)?;
        // It stays in its place until the new one is there.
        let kept = folder.join("file");
        if std::fs::hard_link(path, &kept).is_err() {
            std::fs::copy(path, &kept).map_err(Error::io(&kept))?;
        }
        let gave_way_to = Some(hash(new)?);
        Self { collection: collection.to_owned(), path: path.to_owned(), moved: true, gave_way_to }.note(&folder)?;
        Ok(token)
    }

    fn note(&self, folder: &Path) -> Result<()> {
        let note = folder.join("undo.json");
        std::fs::write(&note, serde_json::to_vec(self).unwrap_or_default()).map_err(Error::io(note))
    }

    /// Puts the file of a token back in its place. Gives the note, or `None` when another file stands there meanwhile
    /// or nothing is kept under the token.
    pub(super) fn back(data_dir: &Path, token: &str) -> Result<Option<Self>> {
        let Some((folder, undo)) = Self::read(data_dir, token) else { return Ok(None) };
        if undo.moved {
            if undo.path.exists() && undo.gave_way_to != hash(&undo.path).ok() {
                return Ok(None);
            }
            if let Some(parent) = undo.path.parent() {
                std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
            }
            std::fs::rename(folder.join("file"), &undo.path).map_err(Error::io(&undo.path))?;
        }
        let _ = std::fs::remove_dir_all(folder);
        Ok(Some(undo))
    }

    fn read(data_dir: &Path, token: &str) -> Option<(PathBuf, Self)> {
        // Tokens are hexadecimal, so that they lead nowhere else.
        if token.len() != 32 || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let folder = data_dir.join("trash").join(token);
        let note = std::fs::read(folder.join("undo.json")).ok()?;
        Some((folder, serde_json::from_slice(&note).ok()?))
    }
}

/// A token and its folder in the trash.
fn place(data_dir: &Path) -> Result<(String, PathBuf)> {
    let trash = data_dir.join("trash");
    forget_old(&trash);
    let token = keys::random_hex(16);
    let folder = trash.join(&token);
    std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    Ok((token, folder))
}

fn hash(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let read = std::fs::File::open(path).and_then(|mut file| std::io::copy(&mut file, &mut hasher));
    read.map_err(Error::io(path))?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn forget_old(trash: &Path) {
    let Ok(entries) = std::fs::read_dir(trash) else { return };
    for entry in entries.flatten() {
        let changed = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        if changed.and_then(|time| SystemTime::now().duration_since(time).ok()).is_some_and(|age| age > DAY) {
            // What cannot be removed is tried again next time.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Brings a removed or replaced document back: its file is read again.
#[utoipa::path(post, path = "/api/v1/undo/{token}", tag = "documents", params(("token" = String, Path)), responses(
    (status = 202, body = JobOut),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn undo(
    State(app): State<App>,
    caller: Caller,
    extract::Path(token): extract::Path<String>,
) -> std::result::Result<(StatusCode, axum::Json<JobOut>), Problem> {
    caller.require(Permission::Write)?;
    app.blocking(move |app| {
        let unknown = || Problem::not_found("removed document", &token);
        let (_, kept) = Undo::read(&app.config.data_dir, &token).ok_or_else(unknown)?;
        if !caller.sees(&kept.collection) {
            return Err(unknown());
        }
        let undo = Undo::back(&app.config.data_dir, &token)?
            .ok_or_else(|| Problem::new(StatusCode::CONFLICT, "another file of this name was uploaded meanwhile"))?;
        let name = undo.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let job = app.jobs.queue(undo.collection, vec![(name, undo.path)], Vec::new(), Origin::Upload)?;
        Ok((StatusCode::ACCEPTED, axum::Json(JobOut { job })))
    })
    .await
}
