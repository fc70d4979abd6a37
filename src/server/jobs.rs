//! Ingest in the background: one job after another, on one thread. What was
//! uploaded is noted on disk until it is done, so that no restart forgets it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use super::ask::{accepts_events, json_event};
use super::auth::Caller;
use super::extract;
use super::keys::random_hex;
use super::names::short;
use super::problem::{Problem, explained};
use super::state::App;
use crate::error::Error;
use crate::index::DocumentState;
use crate::library::{AddEvent, AddProgress, AddReport, AddRequest, Library};

/// A job that was queued.
#[derive(Serialize, ToSchema)]
pub struct JobOut {
    /// Its id.
    pub job: String,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Job {
    id: String,
    /// Whether nothing is left to do.
    done: bool,
    #[serde(skip)]
    collection: String,
    /// Its files, or the folders that are read.
    files: Vec<FileState>,
    /// Files that were read or failed.
    read: usize,
    /// Files that there are in all; 0 before that is known.
    found: usize,
    /// Passages that were embedded.
    embedded: usize,
    /// Passages of the collection that are to be embedded.
    to_embed: usize,
}

/// A file of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FileState {
    name: String,
    state: Progress,
    /// Why it failed.
    message: Option<String>,
    /// The same in one word, for programs: `encrypted`, `damaged`, `too_large`, …
    reason: Option<String>,
    /// Its document, once it is there.
    document_id: Option<String>,
    /// Where it is; none for a file that was not taken.
    #[serde(skip)]
    path: Option<PathBuf>,
}

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// It waits.
    Queued,
    /// It is being read.
    Reading,
    /// It can be found by words.
    Searchable,
    /// It can be found by meaning as well.
    Ready,
    /// The index had it already, as it is.
    Unchanged,
    /// It could not be read.
    Failed,
}

/// The caller's jobs.
#[derive(Serialize, ToSchema)]
pub struct JobList {
    /// The latest first.
    jobs: Vec<Job>,
}

/// Where the files of a job come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From a client, who was told that they are taken.
    Upload,
    /// From this machine; named again at the next start.
    Folder,
}

/// An upload that is not done yet, as it is noted on disk.
#[derive(Serialize, Deserialize)]
struct Note {
    collection: String,
    files: Vec<(String, PathBuf)>,
    /// Files that were not taken.
    #[serde(default)]
    refused: Vec<Refused>,
}

/// A file that was not taken.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Refused {
    /// The name it was to have.
    pub(super) name: String,
    /// Why it was not taken.
    pub(super) message: String,
    /// The same in one word.
    pub(super) reason: String,
}

/// Jobs that may wait.
const WAITING: usize = 64;

/// Jobs that are remembered.
const REMEMBERED: usize = 256;

/// Jobs that a list shows.
const LISTED: usize = 20;

/// The queue and what became of its jobs.
pub struct Jobs {
    queue: SyncSender<String>,
    board: Arc<Board>,
    stop: Arc<AtomicBool>,
    /// Where uploads are noted.
    notes: PathBuf,
}

struct Board {
    jobs: Mutex<VecDeque<Job>>,
    /// Counts changes.
    changes: watch::Sender<u64>,
}

impl Jobs {
    /// Starts the thread, with what a former server left in the folder `uploads`.
    pub fn start(library: Arc<Library>, uploads: &Path) -> Self {
        let (queue, waiting) = sync_channel::<String>(WAITING);
        let board = Arc::new(Board { jobs: Mutex::default(), changes: watch::Sender::new(0) });
        let stop = Arc::new(AtomicBool::new(false));
        // Files of requests that were cut off.
        let _ = std::fs::remove_dir_all(uploads.join(".incoming"));
        let jobs = Self { queue, board: Arc::clone(&board), stop: Arc::clone(&stop), notes: uploads.join(".jobs") };
        let left = jobs.take_up();
        let notes = jobs.notes.clone();
        std::thread::spawn(move || {
            for id in left.into_iter().chain(waiting) {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                if board.work(&library, &id, &stop) {
                    // Most jobs have none.
                    let _ = std::fs::remove_file(note_of(&notes, &id));
                }
            }
        });
        jobs
    }

    /// Puts what is noted on the board. Gives the ids.
    fn take_up(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(&self.notes) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        let note = |path: &PathBuf| {
            let id = path.file_stem()?.to_str()?.to_owned();
            let note: Note = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
            self.board.lock().push_back(Job::new(id.clone(), note.collection, note.files, note.refused));
            Some(id)
        };
        paths.iter().filter_map(note).collect()
    }

    /// Queues files with the names that people know them by, beside those that were refused. Gives the job's id.
    pub(super) fn queue(
        &self,
        collection: String,
        files: Vec<(String, PathBuf)>,
        refused: Vec<Refused>,
        origin: Origin,
    ) -> Result<String, Problem> {
        let id = random_hex(8);
        let note = note_of(&self.notes, &id);
        if origin == Origin::Upload {
            let noted = Note { collection: collection.clone(), files: files.clone(), refused: refused.clone() };
            std::fs::create_dir_all(&self.notes).map_err(Error::io(&self.notes))?;
            std::fs::write(&note, serde_json::to_vec(&noted).unwrap_or_default()).map_err(Error::io(&note))?;
        }
        {
            let mut jobs = self.board.lock();
            if jobs.len() >= REMEMBERED && jobs.front().is_some_and(|job| job.done) {
                jobs.pop_front();
            }
            jobs.push_back(Job::new(id.clone(), collection, files, refused));
        }
        match self.queue.try_send(id.clone()) {
            Ok(()) => Ok(id),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.board.lock().retain(|job| job.id != id);
                let _ = std::fs::remove_file(note);
                Err(Problem::busy("too many uploads wait to be read; try again in a moment", 10))
            }
        }
    }

    /// Jobs that are not done.
    pub(super) fn open(&self) -> usize {
        self.board.lock().iter().filter(|job| !job.done).count()
    }

    /// Stops the work at hand; what is left is done after the next start.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn get(&self, caller: &Caller, id: &str) -> Result<Job, Problem> {
        let found = self.board.lock().iter().find(|job| job.id == id && caller.sees(&job.collection)).cloned();
        found.ok_or_else(|| Problem::not_found("job", id))
    }
}

fn note_of(notes: &Path, id: &str) -> PathBuf {
    notes.join(format!("{id}.json"))
}

impl Job {
    fn new(id: String, collection: String, files: Vec<(String, PathBuf)>, refused: Vec<Refused>) -> Self {
        let queued = files.into_iter().map(|(name, path)| FileState {
            name,
            state: Progress::Queued,
            message: None,
            reason: None,
            document_id: None,
            path: Some(path),
        });
        let refused = refused.into_iter().map(|refused| FileState {
            name: refused.name,
            state: Progress::Failed,
            message: Some(refused.message),
            reason: Some(refused.reason),
            document_id: None,
            path: None,
        });
        let files = queued.chain(refused).collect();
        Self { id, done: false, collection, files, read: 0, found: 0, embedded: 0, to_embed: 0 }
    }
}

impl Job {
    /// The files that were taken, with their paths.
    fn taken(&mut self) -> impl Iterator<Item = (&mut FileState, String)> {
        self.files.iter_mut().filter_map(|file| {
            let path = file.path.as_ref()?.display().to_string();
            Some((file, path))
        })
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.lock().iter_mut().find(|job| job.id == id) {
            change(job);
        }
        self.changes.send_modify(|count| *count += 1);
    }

    /// Reads the files of a job. Gives whether that came to its end.
    fn work(&self, library: &Library, id: &str, cancel: &AtomicBool) -> bool {
        let Some(job) = self.lock().iter().find(|job| job.id == id).cloned() else { return true };
        self.change(id, |job| job.taken().for_each(|(file, _)| file.state = Progress::Reading));
        let request = AddRequest {
            paths: job.files.iter().filter_map(|file| file.path.clone()).collect(),
            collection: Some(job.collection.clone()),
        };
        let mut watch = Watch { board: self, library, job: &job };
        // Other jobs wait for this thread.
        let result = catch_unwind(AssertUnwindSafe(|| library.add(&request, &mut watch, cancel)));
        let panicked = |_| Err(Error::Index { index: "store", message: "adding to it panicked".to_owned() });
        let result = result.unwrap_or_else(panicked);
        let documents = library.documents(Some(&job.collection)).unwrap_or_default();
        let pending = pending(library, &job);
        let failure = result.as_ref().err().map(|error| {
            tracing::error!(%error, job = id, "the files of a job could not be added");
            (explained(error), "failed".to_owned())
        });
        self.change(id, |job| {
            job.done = true;
            for (file, path) in job.taken() {
                let (state, failure) = match &result {
                    Ok(report) => outcome(report, &path, pending),
                    Err(_) => (Progress::Failed, failure.clone()),
                };
                file.state = state;
                (file.message, file.reason) = failure.unzip();
                file.document_id = documents.iter().find(|info| info.path == path).map(|info| info.id.clone());
            }
        });
        result.is_ok() && !cancel.load(Ordering::Relaxed)
    }
}

/// What is to be embedded of the job's collection; other collections are not for
/// everyone who may see the job.
fn pending(library: &Library, job: &Job) -> usize {
    library.pending_in(std::slice::from_ref(&job.collection)).unwrap_or(0)
}

/// How a file ended, with the message and the word for a failure.
fn outcome(report: &AddReport, path: &str, pending: usize) -> (Progress, Option<(String, String)>) {
    if let Some(failure) = report.failed.iter().find(|failure| failure.document == path) {
        return (Progress::Failed, Some((short(&failure.message, path), failure.reason.clone())));
    }
    if let Some(skipped) = report.skipped.iter().find(|skipped| skipped.path == path) {
        return (Progress::Failed, Some((skipped.reason.clone(), "unsupported".to_owned())));
    }
    let new = report.added.iter().chain(&report.updated).any(|added| added == path || added.starts_with(path));
    let state = match (new, pending) {
        (_, 1..) => Progress::Searchable,
        (true, 0) => Progress::Ready,
        (false, 0) => Progress::Unchanged,
    };
    (state, None)
}

struct Watch<'a> {
    board: &'a Board,
    library: &'a Library,
    job: &'a Job,
}

impl Watch<'_> {
    /// Tells which files can be found by words and which could not be read, long
    /// before the last of them is embedded.
    fn searchable(&self) {
        let pending = pending(self.library, self.job);
        let documents = self.library.documents(Some(&self.job.collection)).unwrap_or_default();
        self.board.change(&self.job.id, |job| {
            job.to_embed = pending;
            for (file, path) in job.taken() {
                let known = documents.iter().find(|info| info.path == path).map(|info| &info.state);
                (file.state, file.message, file.reason) = match known {
                    Some(DocumentState::Failed { message, reason }) => {
                        (Progress::Failed, Some(short(message, &path)), Some(reason.clone()))
                    }
                    _ => (Progress::Searchable, None, None),
                };
            }
        });
    }
}

impl AddProgress for Watch<'_> {
    fn add_event(&mut self, event: AddEvent<'_>) {
        let id = &self.job.id;
        match event {
            AddEvent::Found { files } => self.board.change(id, |job| job.found = files),
            AddEvent::Read { .. } => self.board.change(id, |job| job.read += 1),
            AddEvent::Searchable { .. } => self.searchable(),
            AddEvent::Embedded { .. } => {
                let pending = pending(self.library, self.job);
                self.board.change(id, |job| job.embedded = job.to_embed.saturating_sub(pending));
            }
            AddEvent::Finished => {}
        }
    }
}

/// Jobs that are at work, wait, or were done lately.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "documents", responses(
    (status = 200, body = JobList),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list(State(app): State<App>, caller: Caller) -> axum::Json<JobList> {
    let jobs = app.jobs.board.lock();
    let own = jobs.iter().rev().filter(|job| caller.sees(&job.collection));
    axum::Json(JobList { jobs: own.take(LISTED).cloned().collect() })
}

/// How far a job is. With `Accept: text/event-stream`: the event `job` whenever
/// that changes, then `done`.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "documents", params(("id" = String, Path)), responses(
    (status = 200, content((Job = "application/json"), (String = "text/event-stream"))),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn job(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    extract::Path(id): extract::Path<String>,
) -> Result<Response, Problem> {
    let job = app.jobs.get(&caller, &id)?;
    if !accepts_events(&headers) {
        return Ok(axum::Json(job).into_response());
    }
    let mut changes = app.jobs.board.changes.subscribe();
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut told: Option<Job> = None;
        while let Ok(job) = app.jobs.get(&caller, &id) {
            if told.as_ref() != Some(&job) && sender.send(json_event("job", &job)).await.is_err() {
                return;
            }
            if job.done {
                // A receiver that is gone needs no end.
                let _ = sender.send(json_event("done", &job)).await;
                return;
            }
            told = Some(job);
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = sender.closed() => return,
                () = app.closing.cancelled() => return,
            }
        }
    });
    let events = ReceiverStream::new(receiver).map(Ok::<_, Infallible>);
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}
