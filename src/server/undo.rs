//! Removed documents that can come back: uploaded files wait in a trash folder
//! for a day, files from elsewhere are only remembered.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
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
}

/// What is needed to bring a document back.
#[derive(Serialize, Deserialize)]
pub struct Undo {
    collection: String,
    path: PathBuf,
    /// Whether the file itself is in the trash.
    moved: bool,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Undo {
    /// Remembers a document that was removed. Gives the token.
    pub(super) fn keep(data_dir: &Path, collection: &str, path: &Path) -> Result<String> {
        let trash = data_dir.join("trash");
        forget_old(&trash);
        let token = keys::random_hex(16);
        let folder = trash.join(&token);
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let uploads = data_dir.join("uploads").canonicalize().ok();
        let moved = uploads.is_some_and(|uploads| path.starts_with(uploads)) && path.is_file();
        if moved {
            std::fs::rename(path, folder.join("file")).map_err(Error::io(path))?;
        }
        let undo = Self { collection: collection.to_owned(), path: path.to_owned(), moved };
        let note = folder.join("undo.json");
        std::fs::write(&note, serde_json::to_vec(&undo).unwrap_or_default()).map_err(Error::io(note))?;
        Ok(token)
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

/// Brings a removed document back: its file is read again.
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
        let (folder, undo) = Undo::read(&app.config.data_dir, &token).ok_or_else(unknown)?;
        if !caller.sees(&undo.collection) {
            return Err(unknown());
        }
        if undo.moved {
            if undo.path.exists() {
                return Err(Problem::new(StatusCode::CONFLICT, "another file of this name was uploaded meanwhile"));
            }
            if let Some(parent) = undo.path.parent() {
                std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
            }
            std::fs::rename(folder.join("file"), &undo.path).map_err(Error::io(&undo.path))?;
        }
        let name = undo.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let job = app.jobs.queue(undo.collection, vec![(name, undo.path)], Origin::Upload)?;
        let _ = std::fs::remove_dir_all(folder);
        Ok((StatusCode::ACCEPTED, axum::Json(JobOut { job })))
    })
    .await
}
