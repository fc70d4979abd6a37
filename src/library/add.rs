//! Add: walk, read, chunk, write, embed.
//!
//! Files are read by several threads and handed over in batches, so that memory
//! stays bounded whatever the folder holds. A batch is searchable by words as
//! soon as it is written; the vectors follow, and a stop in between loses
//! nothing: the next `add` goes on where this one stopped.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use attest_ingest::{ChunkOptions, Found, IngestError, Parsed, WalkOptions, Walked, chunk, walk};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::heap;
use crate::index::{Change, DocumentInfo, DocumentState, Embedded, Put, SourceFile};
use crate::library::{DEFAULT_COLLECTION, Library};
use crate::models::{Embed, EmbedRole, late};
use look::{Outcome, Was};

mod look;

pub(crate) use look::hash_file;

/// What to add.
#[derive(Clone, Debug)]
pub struct AddRequest {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// The collection they go to; the default one when none is named.
    pub collection: Option<String>,
}

/// What happens while documents are added.
#[derive(Clone, Copy, Debug)]
pub enum AddEvent<'a> {
    /// So many files were found; reading begins.
    Found {
        /// Number of files.
        files: usize,
    },
    /// A file was read, skipped as unchanged, or failed.
    Read {
        /// Its path.
        path: &'a str,
    },
    /// Everything is searchable by words; so many passages are to be embedded.
    Searchable {
        /// Passages without a vector.
        pending: usize,
    },
    /// Passages were embedded.
    Embedded {
        /// How many, since the last event.
        passages: usize,
    },
    /// All is done.
    Finished,
}

/// Receives what happens while documents are added.
pub trait AddProgress {
    /// Called on the thread that called [`Library::add`].
    fn add_event(&mut self, event: AddEvent<'_>);
}

/// What was added, and what was not and why.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AddReport {
    /// Paths of new documents.
    pub added: Vec<String>,
    /// Paths of documents that were replaced because their files changed.
    pub updated: Vec<String>,
    /// Number of files that had not changed.
    pub unchanged: usize,
    /// Paths of documents whose files are gone from an added folder.
    pub removed: Vec<String>,
    /// Files that could not be read.
    pub failed: Vec<FileFailure>,
    /// Files in formats that are not read.
    pub skipped: Vec<Skipped>,
    /// Remarks about files that were read.
    pub warnings: Vec<FileWarning>,
    /// Passages that were written.
    pub chunks: usize,
    /// Passages that are not searchable by meaning yet.
    pub pending: usize,
    /// Files that were not looked at, because the work was stopped.
    pub unread: usize,
    /// Whether the work was stopped before all was done; adding the same again goes on from there.
    pub stopped: bool,
    /// Seconds it took.
    pub seconds: f64,
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileFailure {
    /// Its path.
    pub document: String,
    /// One word for tools: `encrypted`, `damaged`, `timed_out`, …
    pub reason: String,
    /// What happened and what to do.
    pub message: String,
}

/// A file in a format that is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its path.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// A remark about a file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileWarning {
    /// Its path.
    pub document: String,
    /// What kind of remark, one word for tools: `hidden_text`, `textless_pages`, …
    pub kind: &'static str,
    /// The remark.
    pub message: String,
}

/// Documents of one transaction.
const BATCH_DOCUMENTS: usize = 32;

/// Passages of one transaction, about; keeps the memory of huge files bounded.
const BATCH_CHUNKS: usize = 2048;

/// How long files that were read wait for others to share a transaction.
const BATCH_TIME: Duration = Duration::from_millis(500);

/// Passages embedded between two writes of vectors.
const EMBED_BATCH: usize = 64;

impl Library {
    /// Adds files and folders: new files are read, changed ones replaced,
    /// vanished ones removed. Returns when everything is embedded, or early
    /// when `cancel` is set; what was written until then stays.
    ///
    /// # Errors
    /// When the collection has no name, none of the paths exists, another process is writing, or an index or
    /// the embedding model fails. A file that cannot be read is no error; it is
    /// in the report.
    pub fn add(&self, request: &AddRequest, progress: &mut dyn AddProgress, cancel: &AtomicBool) -> Result<AddReport> {
        let start = Instant::now();
        let collection = request.collection.as_deref().unwrap_or(DEFAULT_COLLECTION);
        if collection.trim().is_empty() {
            return Err(Error::Usage("a collection needs a name".into()));
        }
        let embedder = self.embedder()?;
        let mut report = AddReport::default();

        let mut batch = Batch::default();
        let mut files = Vec::new();
        let mut gone = Vec::new();
        let options = WalkOptions { max_bytes: self.config.ingest.max_file };
        let mut missing: Vec<IngestError> = Vec::new();
        for path in &request.paths {
            let root = match path.canonicalize() {
                Ok(root) => root,
                Err(source) => {
                    let error = IngestError::Io { path: path.clone(), source };
                    report.failed.push(failure_of(&error));
                    missing.push(error);
                    continue;
                }
            };
            let walked = walk(&root, &options);
            gone.extend(self.vanished(collection, &root, &walked)?);
            report.skipped.extend(
                walked.skipped.into_iter().map(|s| Skipped { path: s.path.display().to_string(), reason: s.reason }),
            );
            for error in walked.errors {
                let failure = self.unreachable(collection, &root, &error);
                batch.note(error.path().display().to_string(), Outcome::Failed(failure), &mut report);
            }
            files.extend(walked.files);
        }
        if missing.len() == request.paths.len()
            && let Some(error) = missing.pop()
        {
            // Nothing of what was named is there: a slip, not a file that failed.
            return Err(match error {
                IngestError::Io { path, source } => Error::input(path)(source),
                other => other.into(),
            });
        }
        let mut seen = HashSet::new();
        files.retain(|file| seen.insert(file.path.clone()));
        progress.add_event(AddEvent::Found { files: files.len() });
        self.write_batch(&mut batch, &mut report)?;
        report.unread = files.len() - self.read_all(collection, &files, &*embedder, progress, cancel, &mut report)?;
        // Last, so that a file that was moved keeps its passages and their vectors.
        let changes: Vec<Change> = gone.iter().map(|gone| Change::Remove { document_id: gone.id.clone() }).collect();
        self.index.apply(&changes)?;
        let indexed = gone.into_iter().filter(|gone| matches!(gone.state, DocumentState::Indexed { .. }));
        report.removed.extend(indexed.map(|gone| gone.path));
        let pending = self.index.pending_dense()?;
        progress.add_event(AddEvent::Searchable { pending });
        self.embed_pending(&*embedder, progress, cancel).map_err(|error| self.with_pending(error))?;
        report.pending = self.index.pending_dense()?;
        report.stopped = cancel.load(Ordering::Relaxed) && (report.unread > 0 || report.pending > 0);
        report.seconds = start.elapsed().as_secs_f64();
        heap::give_back();
        progress.add_event(AddEvent::Finished);
        Ok(report)
    }
}

impl Library {
    /// Embeds what is pending, a batch at a time, until all is done or `cancel` is set.
    pub(super) fn embed_pending(
        &self,
        embedder: &dyn Embed,
        progress: &mut dyn AddProgress,
        cancel: &AtomicBool,
    ) -> Result<()> {
        let Some(_turn) = self.index.embedding_turn()? else {
            // Another process embeds; it will find what we added.
            return Ok(());
        };
        if self.index.pending_dense()? > 0 {
            // Before time is spent on vectors that nobody takes.
            self.index.reach_dense()?;
        }
        let mut put = 0;
        while !cancel.load(Ordering::Relaxed) {
            let pending = self.index.pending_embeddings(EMBED_BATCH)?;
            if pending.is_empty() {
                if put == 0 {
                    break;
                }
                // This takes a while, in which others may leave us more to do.
                self.index.optimize()?;
                put = 0;
                continue;
            }
            let texts: Vec<&str> = pending.iter().map(|(_, text)| text.as_str()).collect();
            let embedded = embedder.embed_tokens(EmbedRole::Passage, &texts)?;
            let vectors = pending.iter().zip(embedded).map(|((chunk, _), (vector, tokens))| Embedded {
                chunk: *chunk,
                vector,
                tokens: Some(late::encode(&tokens)),
            });
            put += self.index.put_vectors(vectors.collect())?;
            progress.add_event(AddEvent::Embedded { passages: pending.len() });
        }
        Ok(())
    }

    /// What a server that is away leaves undone.
    fn with_pending(&self, error: Error) -> Error {
        match (error, self.index.pending_dense()) {
            (Error::Remote { service, message }, Ok(pending)) => {
                let left = format!(
                    "{pending} passages are searchable by words but not yet by meaning; the same command goes on once \
                     the server is back"
                );
                Error::Remote { service, message: format!("{message}. {left}") }
            }
            (error, _) => error,
        }
    }

    /// Documents whose files were under `root` before and are not there any more.
    fn vanished(&self, collection: &str, root: &Path, walked: &Walked) -> Result<Vec<DocumentInfo>> {
        if !root.is_dir() {
            return Ok(Vec::new());
        }
        let root = root.display().to_string();
        let found: HashSet<String> = walked.files.iter().map(|file| file.path.display().to_string()).collect();
        // What could not be looked at may be there.
        let hidden = |path: &Path| walked.errors.iter().any(|error| path.starts_with(error.path()));
        let mut documents = self.index.store().documents_under(collection, &root)?;
        documents.retain(|document| {
            let path = Path::new(&document.path);
            // A file that was named itself stays, even if a walk does not come by.
            let is_gone = document.root.as_ref() == Some(&root) || !path.exists();
            !found.contains(&document.path) && !hidden(path) && is_gone
        });
        Ok(documents)
    }

    /// Reads the files with several threads and writes what they say in batches. Returns
    /// the number of files that were looked at.
    fn read_all(
        &self,
        collection: &str,
        files: &[Found],
        embedder: &dyn Embed,
        progress: &mut dyn AddProgress,
        cancel: &AtomicBool,
        report: &mut AddReport,
    ) -> Result<usize> {
        let reader = self.reader();
        let mut looked_at = 0;
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let workers = self.config.threads.min(files.len()).max(1);
        std::thread::scope(|threads| {
            // As many finished files may wait as there are readers.
            let (sender, receiver) = mpsc::sync_channel::<Result<(String, Outcome)>>(workers);
            for _ in 0..workers {
                let sender = sender.clone();
                let (next, stop, reader) = (&next, &stop, &reader);
                threads.spawn(move || {
                    while !stop.load(Ordering::Relaxed) && !cancel.load(Ordering::Relaxed) {
                        let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                        let outcome = self.look_at(collection, file, reader, embedder);
                        if sender.send(outcome.map(|outcome| (file.path.display().to_string(), outcome))).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let mut batch = Batch::default();
            let mut write = || loop {
                match receiver.recv_timeout(BATCH_TIME) {
                    Ok(outcome) => {
                        let (path, outcome) = outcome?;
                        looked_at += 1;
                        progress.add_event(AddEvent::Read { path: &path });
                        batch.note(path, outcome, report);
                        if batch.is_full() {
                            self.write_batch(&mut batch, report)?;
                        }
                    }
                    // A slow file must not keep the others from being found.
                    Err(RecvTimeoutError::Timeout) => self.write_batch(&mut batch, report)?,
                    Err(RecvTimeoutError::Disconnected) => return self.write_batch(&mut batch, report),
                }
            };
            let written = write();
            stop.store(true, Ordering::Relaxed);
            // Readers that wait for room in the channel are let go.
            drop(receiver);
            written
        })?;
        Ok(looked_at)
    }

    fn write_batch(&self, batch: &mut Batch, report: &mut AddReport) -> Result<()> {
        if batch.changes.is_empty() {
            return Ok(());
        }
        let applied = self.index.apply(&std::mem::take(&mut batch.changes))?;
        report.chunks += applied.chunks_added;
        batch.chunks = 0;
        Ok(())
    }
}

impl Library {
    pub(super) fn prepare(&self, file: SourceFile, parsed: Parsed, embedder: &dyn Embed) -> Put {
        let Parsed { document, warnings } = parsed;
        let options = ChunkOptions {
            max_tokens: self.config.ingest.chunk_tokens,
            count_tokens: &|text| embedder.count_tokens(text),
        };
        let chunks = chunk(&document, &options);
        let mentions = crate::index::mentions(&document, &chunks);
        Put { file, document, warnings, chunks, mentions }
    }
}

/// Changes that wait for the next transaction.
#[derive(Default)]
struct Batch {
    changes: Vec<Change>,
    chunks: usize,
}

impl Batch {
    fn note(&mut self, path: String, outcome: Outcome, report: &mut AddReport) {
        match outcome {
            Outcome::Unchanged => report.unchanged += 1,
            Outcome::Touched(file) => {
                report.unchanged += 1;
                self.changes.push(Change::Touch { file });
            }
            Outcome::Read(put, was) => {
                let warnings = put.warnings.iter();
                report.warnings.extend(warnings.map(|warning| FileWarning {
                    document: path.clone(),
                    kind: warning.kind(),
                    message: warning.to_string(),
                }));
                match was {
                    Was::New => report.added.push(path),
                    Was::Known => report.updated.push(path),
                }
                self.chunks += put.chunks.len();
                self.changes.push(Change::Put(put));
            }
            Outcome::StillFailing { reason, message } => {
                report.failed.push(FileFailure { document: path, reason, message });
            }
            Outcome::Failed(failure) => {
                report.failed.push(FileFailure {
                    document: path,
                    reason: failure.reason.clone(),
                    message: failure.message.clone(),
                });
                self.changes.push(Change::Fail(failure));
            }
        }
    }

    fn is_full(&self) -> bool {
        self.changes.len() >= BATCH_DOCUMENTS || self.chunks >= BATCH_CHUNKS
    }
}

fn failure_of(error: &IngestError) -> FileFailure {
    FileFailure {
        document: error.path().display().to_string(),
        reason: error.reason().to_owned(),
        message: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::fixture;

    struct Silent;

    impl AddProgress for Silent {
        fn add_event(&mut self, _: AddEvent<'_>) {}
    }

    #[test]
    fn what_a_stop_has_left_to_do_is_told() {
        let (_data, library) = fixture::library();
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.md", "b.md"] {
            std::fs::write(folder.path().join(name), "# A\n\nThe first value is 17.\n").unwrap();
        }
        let request = AddRequest { paths: vec![folder.path().to_owned()], collection: None };
        let report = library.add(&request, &mut Silent, &AtomicBool::new(true)).unwrap();
        assert_eq!((report.stopped, report.unread, report.added.len()), (true, 2, 0));
        // A signal that comes when all is done stops nothing.
        let empty = tempfile::tempdir().unwrap();
        let request = AddRequest { paths: vec![empty.path().to_owned()], collection: None };
        assert!(!library.add(&request, &mut Silent, &AtomicBool::new(true)).unwrap().stopped);
    }

    #[test]
    fn a_collection_has_a_name() {
        let (data, library) = fixture::library();
        let request = AddRequest { paths: vec![data.path().to_owned()], collection: Some(" ".into()) };
        let outcome = library.add(&request, &mut Silent, &AtomicBool::new(false));
        assert!(matches!(outcome, Err(Error::Usage(_))), "{outcome:?}");
    }
}
