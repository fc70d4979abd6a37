//! Ingest in the background: one job after another, on one thread.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use super::ask::{accepts_events, json_event};
use super::auth::Caller;
use super::extract::Path;
use super::keys::random_hex;
use super::problem::Problem;
use super::state::App;
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
    /// Its files.
    files: Vec<FileState>,
    /// Passages that were embedded.
    embedded: usize,
    /// Passages that are to be embedded, of all jobs.
    to_embed: usize,
}

/// A file of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FileState {
    name: String,
    state: Progress,
    /// Why it failed.
    message: Option<String>,
    /// Its document, once it is there.
    document_id: Option<String>,
    #[serde(skip)]
    path: PathBuf,
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
    /// It was there already.
    Unchanged,
    /// It could not be read.
    Failed,
}

/// Jobs that may wait.
const WAITING: usize = 64;

/// Jobs that are remembered.
const REMEMBERED: usize = 256;

/// The queue and what became of its jobs.
pub struct Jobs {
    queue: SyncSender<String>,
    board: Arc<Board>,
    stop: Arc<AtomicBool>,
}

struct Board {
    jobs: Mutex<VecDeque<Job>>,
    /// Counts changes.
    changes: watch::Sender<u64>,
}

impl Jobs {
    /// Starts the thread.
    pub fn start(library: Arc<Library>) -> Self {
        let (queue, waiting) = sync_channel::<String>(WAITING);
        let board = Arc::new(Board { jobs: Mutex::default(), changes: watch::Sender::new(0) });
        let stop = Arc::new(AtomicBool::new(false));
        let (here, cancel) = (Arc::clone(&board), Arc::clone(&stop));
        std::thread::spawn(move || {
            for id in waiting {
                if cancel.load(Ordering::Relaxed) {
                    break;
                }
                here.work(&library, &id, &cancel);
            }
        });
        Self { queue, board, stop }
    }

    /// Queues files with the names that people know them by. Gives the job's id.
    pub(super) fn queue(&self, collection: String, files: Vec<(String, PathBuf)>) -> Result<String, Problem> {
        let id = random_hex(8);
        let files = files.into_iter().map(|(name, path)| FileState {
            name,
            state: Progress::Queued,
            message: None,
            document_id: None,
            path,
        });
        let job = Job { id: id.clone(), done: false, collection, files: files.collect(), embedded: 0, to_embed: 0 };
        {
            let mut jobs = self.board.lock();
            if jobs.len() >= REMEMBERED && jobs.front().is_some_and(|job| job.done) {
                jobs.pop_front();
            }
            jobs.push_back(job);
        }
        match self.queue.try_send(id.clone()) {
            Ok(()) => Ok(id),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.board.lock().retain(|job| job.id != id);
                Err(Problem::busy("too many uploads wait to be read; try again in a moment", 10))
            }
        }
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

    fn work(&self, library: &Library, id: &str, cancel: &AtomicBool) {
        let Some(job) = self.lock().iter().find(|job| job.id == id).cloned() else { return };
        self.change(id, |job| job.files.iter_mut().for_each(|file| file.state = Progress::Reading));
        let request = AddRequest {
            paths: job.files.iter().map(|file| file.path.clone()).collect(),
            collection: Some(job.collection.clone()),
        };
        let result = library.add(&request, &mut Watch { board: self, id }, cancel);
        let documents = library.documents(Some(&job.collection)).unwrap_or_default();
        self.change(id, |job| {
            job.done = true;
            for file in &mut job.files {
                let path = file.path.display().to_string();
                (file.state, file.message) = match &result {
                    Ok(report) => outcome(report, &path),
                    Err(error) => (Progress::Failed, Some(error.to_string())),
                };
                file.document_id = documents.iter().find(|info| info.path == path).map(|info| info.id.clone());
            }
        });
    }
}

fn outcome(report: &AddReport, path: &str) -> (Progress, Option<String>) {
    if let Some(failure) = report.failed.iter().find(|failure| failure.document == path) {
        return (Progress::Failed, Some(failure.message.clone()));
    }
    if let Some(skipped) = report.skipped.iter().find(|skipped| skipped.path == path) {
        return (Progress::Failed, Some(skipped.reason.clone()));
    }
    let new = report.added.iter().chain(&report.updated).any(|added| added == path || added.starts_with(path));
    let state = match (new, report.pending) {
        (_, 1..) => Progress::Searchable,
        (true, 0) => Progress::Ready,
        (false, 0) => Progress::Unchanged,
    };
    (state, None)
}

struct Watch<'a> {
    board: &'a Board,
    id: &'a str,
}

impl AddProgress for Watch<'_> {
    fn add_event(&mut self, event: AddEvent<'_>) {
        match event {
            AddEvent::Searchable { pending } => self.board.change(self.id, |job| {
                job.to_embed = pending;
                job.files.iter_mut().for_each(|file| file.state = Progress::Searchable);
            }),
            AddEvent::Embedded { passages } => self.board.change(self.id, |job| job.embedded += passages),
            AddEvent::Found { .. } | AddEvent::Read { .. } | AddEvent::Finished => {}
        }
    }
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
    Path(id): Path<String>,
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
