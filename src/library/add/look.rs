//! Whether a file has changed, and what it says if so.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use attest_ingest::{Found, IngestError, Parsed, Reader};
use sha2::{Digest, Sha256};

use crate::config::Ingest;
use crate::error::Result;
use crate::index::{Failure, Known, Put, SourceFile};
use crate::library::Library;
use crate::models::Embed;

/// A file after a worker has looked at it.
pub(super) enum Outcome {
    /// Nothing is to be done.
    Unchanged,
    /// Only its time stamp is another.
    Touched(SourceFile),
    /// It was read.
    Read(Box<Put>, Was),
    /// It could not be read.
    Failed(Failure),
    /// It could not be read before, and trying again would end the same.
    StillFailing {
        /// The kind of failure.
        reason: String,
        /// What happened.
        message: String,
    },
}

/// Whether the path was known before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Was {
    New,
    Known,
}

/// How often a file is read anew that changes while it is read.
const TRIES: usize = 3;

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    mtime: i64,
    size: u64,
}

impl Library {
    /// Finds out whether a file has changed, and reads it if so.
    pub(super) fn look_at(
        &self,
        collection: &str,
        file: &Found,
        reader: &Reader,
        embedder: &dyn Embed,
    ) -> Result<Outcome> {
        let path = file.path.display().to_string();
        let nothing = Stamp { mtime: 0, size: 0 };
        let mut stamp = match Stamp::of(&file.path) {
            Ok(stamp) => stamp,
            Err(error) => return Ok(Outcome::Failed(self.failure(collection, file, String::new(), nothing, &error))),
        };
        let known = self.index.known(collection, &path, stamp.size, stamp.mtime)?;
        match known {
            Known::Unchanged => return Ok(Outcome::Unchanged),
            Known::Failed { reason, message, tried } if !self.is_worth_a_try(&reason, &tried) => {
                return Ok(Outcome::StillFailing { reason, message });
            }
            _ => {}
        }
        let was = if known == Known::New { Was::New } else { Was::Known };
        // What is kept of a file must be of one moment: its hash of the same bytes as its text.
        for _ in 0..TRIES {
            let hash = match hash_file(&file.path) {
                Ok(hash) => hash,
                Err(source) => {
                    let error = IngestError::Io { path: file.path.clone(), source };
                    return Ok(Outcome::Failed(self.failure(collection, file, String::new(), stamp, &error)));
                }
            };
            let source = source_file(collection, file, hash.clone(), stamp);
            if known == Known::UnchangedIfHash(hash.clone()) {
                return Ok(Outcome::Touched(source));
            }
            let read = reader.read(&file.path);
            match Stamp::of(&file.path) {
                Ok(now) if now != stamp => stamp = now,
                _ => return Ok(self.outcome(collection, file, source, read, was, embedder)),
            }
        }
        let source = std::io::Error::other("it changes while it is read; add it again when it is at rest");
        let error = IngestError::Io { path: file.path.clone(), source };
        Ok(Outcome::Failed(self.failure(collection, file, String::new(), nothing, &error)))
    }

    fn outcome(
        &self,
        collection: &str,
        file: &Found,
        source: SourceFile,
        read: Result<Parsed, IngestError>,
        was: Was,
        embedder: &dyn Embed,
    ) -> Outcome {
        match read {
            Ok(parsed) => Outcome::Read(Box::new(self.prepare(source, parsed, embedder)), was),
            Err(error) => {
                let stamp = Stamp { mtime: source.mtime, size: source.size };
                Outcome::Failed(self.failure(collection, file, source.hash, stamp, &error))
            }
        }
    }

    /// The row of a file that could not be looked at.
    pub(super) fn unreachable(&self, collection: &str, root: &Path, error: &IngestError) -> Failure {
        let file = Found { path: error.path().to_owned(), root: Some(root.to_owned()) };
        self.failure(collection, &file, String::new(), Stamp { mtime: 0, size: 0 }, error)
    }

    fn failure(&self, collection: &str, file: &Found, hash: String, stamp: Stamp, error: &IngestError) -> Failure {
        Failure {
            file: source_file(collection, file, hash, stamp),
            reason: error.reason().to_owned(),
            message: error.to_string(),
            tried: conditions(&self.config.ingest),
        }
    }

    /// Whether a file that could not be read may be readable now, though it is the same.
    fn is_worth_a_try(&self, reason: &str, tried: &str) -> bool {
        match reason {
            // What was in the way may be gone: rights, a network drive.
            "unreadable" => true,
            "encrypted" if !self.config.ingest.passwords.is_empty() => true,
            _ => tried != conditions(&self.config.ingest),
        }
    }
}

/// What decides whether a file can be read, apart from its bytes and passwords.
fn conditions(ingest: &Ingest) -> String {
    let (seconds, mebibytes) = (ingest.timeout.as_secs(), ingest.memory >> 20);
    format!("attest {}, {seconds} s, {mebibytes} MiB", env!("CARGO_PKG_VERSION"))
}

fn source_file(collection: &str, file: &Found, hash: String, stamp: Stamp) -> SourceFile {
    SourceFile {
        collection: collection.to_owned(),
        path: file.path.display().to_string(),
        root: file.root.as_ref().map(|root| root.display().to_string()),
        hash,
        mtime: stamp.mtime,
        size: stamp.size,
    }
}

impl Stamp {
    fn of(path: &Path) -> Result<Self, IngestError> {
        let metadata = path.metadata().map_err(|source| IngestError::Io { path: path.to_owned(), source })?;
        let age = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH).duration_since(UNIX_EPOCH);
        let mtime = age.ok().and_then(|age| i64::try_from(age.as_nanos()).ok()).unwrap_or(0);
        Ok(Self { mtime, size: metadata.len() })
    }
}

/// SHA-256 of a file's bytes, in hexadecimal, without holding them all.
///
/// # Errors
/// When it cannot be read.
pub fn hash_file(path: &Path) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    std::io::copy(&mut std::fs::File::open(path)?, &mut hasher)?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
