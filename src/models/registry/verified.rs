//! SHA-256 of files, and the memory of files that were checked.
//!
//! Hashing a gigabyte at every start would cost a second or more, so the result
//! is kept beside the model with the file's length and time of change; a file
//! that still has both is taken as checked.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::catalogue::FileEntry;
use crate::error::{Error, Result};

/// Which checks were made, by the file's path.
#[derive(Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Verified(BTreeMap<PathBuf, Stamp>);

#[derive(Deserialize, Serialize, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    changed_ns: u128,
    sha256: String,
}

impl Verified {
    /// What was kept in `path`; nothing when there is no such file or it is damaged.
    pub(super) fn read(path: &Path) -> Self {
        std::fs::read(path).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    /// Keeps the checks in `path`.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_vec(self).map_err(std::io::Error::other).map_err(Error::io(path))?;
        write_atomically(path, &json)
    }

    /// Whether `path` was found to be `file` and has not changed since.
    pub(super) fn knows(&self, path: &Path, file: &FileEntry) -> bool {
        self.0
            .get(path)
            .is_some_and(|stamp| stamp.sha256 == file.sha256 && Stamp::of(path, file).as_ref() == Some(stamp))
    }

    /// Remembers that `path` was found to be `file`.
    pub(super) fn remember(&mut self, path: &Path, file: &FileEntry) {
        if let Some(stamp) = Stamp::of(path, file) {
            self.0.insert(path.to_owned(), stamp);
        }
    }
}

impl Stamp {
    fn of(path: &Path, file: &FileEntry) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        let changed_ns = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        Some(Self { bytes: metadata.len(), changed_ns, sha256: file.sha256.clone() })
    }
}

/// SHA-256 of a file, in lower-case hexadecimal.
///
/// # Errors
/// When the file cannot be read.
pub(in crate::models) fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(Error::io(path))? {
            0 => return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Writes a file so that a crash leaves the old content or the new, never a part.
pub(in crate::models) fn write_atomically(path: &Path, content: &[u8]) -> Result<()> {
    let temporary = path.with_added_extension(format!("{}.tmp", std::process::id()));
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        sync_folder_of(path)
    };
    write().map_err(Error::io(path))
}

/// Makes a rename in the file's folder last.
pub(super) fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    // Windows does not let a folder be opened as a file, and needs no such sync.
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
