//! Removed and replaced documents that can come back: uploaded files wait in a
//! trash folder for a day, files from elsewhere are only remembered.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{Caller, Permission};
use super::jobs::{JobOut, Origin};
use super::problem::Problem;
use super::shelf::{Shelf, Turn};
use super::state::App;
use super::upload::may_put_into;
use super::{extract, keys};
use crate::error::{Error, Result};
use crate::library::hash_file;

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
    /// Its folder in the trash.
    #[serde(skip)]
    folder: PathBuf,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Undo {
    /// Puts the file of a document away that is about to be removed, if it was uploaded, and remembers it.
    pub(super) fn keep(turn: &Turn<'_>, collection: &str, path: &Path) -> Result<(UndoOut, Self)> {
        let (token, folder) = place(turn.shelf())?;
        let moved = path.starts_with(turn.shelf().uploads()) && path.is_file();
        let (collection, path) = (collection.to_owned(), path.to_owned());
        let undo = Self { collection, path, moved, gave_way_to: None, folder };
        undo.note()?;
        if moved {
            std::fs::rename(&undo.path, undo.file()).map_err(Error::io(&undo.path))?;
            turn.tidy(&undo.path);
        }
        Ok((UndoOut { undo: token, file_stays: !moved && undo.path.is_file() }, undo))
    }

    /// Keeps an uploaded file that `new` is about to replace. Gives the token.
    pub(super) fn keep_replaced(turn: &Turn<'_>, collection: &str, path: &Path, new: &Path) -> Result<String> {
        let (token, folder) = place(turn.shelf())?;
        let gave_way_to = Some(hash_file(new).map_err(Error::io(new))?);
        let undo = Self { collection: collection.to_owned(), path: path.to_owned(), moved: true, gave_way_to, folder };
        // It stays in its place until the new one is there.
        copy(path, &undo.file())?;
        undo.note()?;
        Ok(token)
    }

    fn note(&self) -> Result<()> {
        let note = self.folder.join("undo.json");
        std::fs::write(&note, serde_json::to_vec(self).unwrap_or_default()).map_err(Error::io(note))
    }

    /// The file in the trash.
    fn file(&self) -> PathBuf {
        self.folder.join("file")
    }

    /// The file that stood in its place when it came back.
    fn newer(&self) -> PathBuf {
        self.folder.join("newer")
    }

    /// What is kept under a token.
    pub(super) fn read(shelf: &Shelf, token: &str) -> Option<Self> {
        // Tokens are hexadecimal, so that they lead nowhere else.
        if token.len() != 32 || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let folder = shelf.trash().join(token);
        let note = std::fs::read(folder.join("undo.json")).ok()?;
        Some(Self { folder, ..serde_json::from_slice(&note).ok()? })
    }

    /// Puts the file back in its place. Gives whether it is there: another one may stand there meanwhile. What is kept
    /// is not forgotten, so that a second time does no harm.
    pub(super) fn put_back(&self, _turn: &Turn<'_>) -> Result<bool> {
        if !self.moved {
            return Ok(true);
        }
        if !self.file().exists() {
            return Ok(self.path.is_file());
        }
        if self.path.exists() {
            let known = self.gave_way_to.as_ref().is_some_and(|new| hash_file(&self.path).is_ok_and(|own| own == *new));
            if !known {
                return Ok(false);
            }
            copy(&self.path, &self.newer())?;
        }
        if let Some(parent) = self.path.parent() {
            std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
        }
        std::fs::rename(self.file(), &self.path).map_err(Error::io(&self.path))?;
        Ok(true)
    }

    /// Puts it away again.
    pub(super) fn put_away(&self, turn: &Turn<'_>) -> Result<()> {
        if !self.moved {
            return Ok(());
        }
        std::fs::rename(&self.path, self.file()).map_err(Error::io(&self.path))?;
        if self.newer().exists() {
            std::fs::rename(self.newer(), &self.path).map_err(Error::io(&self.path))?;
        } else {
            turn.tidy(&self.path);
        }
        Ok(())
    }

    /// Removes it from the trash.
    pub(super) fn forget(self) {
        // What cannot be removed is tried again after a day.
        let _ = std::fs::remove_dir_all(self.folder);
    }
}

/// A token and its folder in the trash.
fn place(shelf: &Shelf) -> Result<(String, PathBuf)> {
    let trash = shelf.trash();
    forget_old(&trash);
    let token = keys::random_hex(16);
    let folder = trash.join(&token);
    std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    Ok((token, folder))
}

/// Another name for the same bytes; where that is not possible, a copy of them.
fn copy(from: &Path, to: &Path) -> Result<()> {
    // What a crash left there may be the same file, which a copy onto itself would empty.
    let _ = std::fs::remove_file(to);
    if std::fs::hard_link(from, to).is_err() {
        std::fs::copy(from, to).map_err(Error::io(to))?;
    }
    Ok(())
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
        let gone = "nothing is kept under this token; what was removed is kept for a day";
        let unknown = || Problem::new(StatusCode::NOT_FOUND, gone).because("gone");
        let turn = app.shelf.turn();
        let undo = Undo::read(&app.shelf, &token).filter(|undo| caller.sees(&undo.collection)).ok_or_else(unknown)?;
        may_put_into(app, &caller, &undo.collection)?;
        if !undo.put_back(&turn)? {
            let detail = "another file of this name was uploaded meanwhile";
            return Err(Problem::new(StatusCode::CONFLICT, detail).because("newer"));
        }
        let name = undo.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let files = vec![(name, undo.path.clone())];
        let queued = app.jobs.queue(undo.collection.clone(), files, Vec::new(), Origin::Upload);
        match queued {
            Ok(job) => {
                undo.forget();
                Ok((StatusCode::ACCEPTED, axum::Json(JobOut { job })))
            }
            Err(problem) => {
                // What is not read again does not come back.
                undo.put_away(&turn)?;
                Err(problem)
            }
        }
    })
    .await
}
