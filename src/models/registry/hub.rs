//! Files from the model hub.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use hf_hub::Cache;
use hf_hub::api::sync::{Api, ApiBuilder, Metadata};

use super::progress::{OnBytes, STOPPED};

/// How long the hub may take to answer at all. The client itself knows no
/// limit, and where the hub is out of reach the other sources must get their turn.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// How often the caller is asked whether it still waits.
const POLL: Duration = Duration::from_millis(100);

/// The model hub, or the knowledge that it cannot be reached.
#[derive(Default)]
pub(super) struct Hub {
    endpoint: Option<String>,
    away: OnceLock<String>,
}

impl Hub {
    /// A hub at another address than the usual one.
    #[cfg(test)]
    pub(super) fn at(endpoint: String) -> Self {
        Self { endpoint: Some(endpoint), away: OnceLock::new() }
    }

    /// Why the hub cannot be reached, if that is known.
    pub(super) fn away(&self) -> Option<&str> {
        self.away.get().map(String::as_str)
    }

    /// Downloads a file under `folder` and returns where it lies; goes on where
    /// an earlier download stopped, and keeps what has arrived when `on_bytes` stops it. A file that the hub itself says has another
    /// SHA-256 than `sha256` is not downloaded.
    pub(super) fn download(
        &self,
        repo: &str,
        path: &str,
        sha256: Option<&str>,
        folder: &Path,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<PathBuf, String> {
        if let Some(reason) = self.away() {
            return Err(reason.to_owned());
        }
        let mut builder = ApiBuilder::from_env().with_progress(false);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.clone());
        }
        // The token of the user's own cache still applies: `from_env` has read it.
        let api = builder.with_cache_dir(folder.to_owned()).build().map_err(|error| error.to_string())?;
        let metadata = self.ask(&api, repo, path, on_bytes)?;
        // Large files have their SHA-256 as their tag; small ones another hash.
        let tag = metadata.etag();
        if let Some(sha256) = sha256
            && tag.len() == 64
            && tag != sha256
        {
            return Err(format!("{repo} has another file of that name (sha256 {tag})"));
        }
        let pointer = fetch(&api, repo, path, on_bytes)?;
        std::fs::canonicalize(&pointer).map_err(|error| format!("{}: {error}", pointer.display()))
    }

    /// The hub's description of a file, or why there is none; a hub that does not
    /// answer is not asked again by this process.
    fn ask(&self, api: &Api, repo: &str, path: &str, on_bytes: &mut OnBytes<'_>) -> Result<Metadata, String> {
        let url = api.model(repo.to_owned()).url(path);
        let (sender, answer) = channel();
        let api = api.clone();
        std::thread::Builder::new()
            .name("model hub".into())
            .spawn(move || drop(sender.send(api.metadata(&url))))
            .map_err(|error| error.to_string())?;
        let asked = Instant::now();
        let told = loop {
            match answer.recv_timeout(POLL) {
                Err(RecvTimeoutError::Timeout) if asked.elapsed() < FIRST_ANSWER => {
                    if on_bytes(0).is_break() {
                        return Err(STOPPED.to_owned());
                    }
                }
                told => break told,
            }
        };
        let reason = match told {
            Ok(Ok(metadata)) => return Ok(metadata),
            // An answer that is an error status concerns this file only.
            Ok(Err(error)) if error.to_string().contains("http status") => return Err(error.to_string()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", FIRST_ANSWER.as_secs()),
        };
        Err(self.away.get_or_init(|| format!("the model hub cannot be reached: {reason}")).clone())
    }
}

/// The user's own cache of hub files, if it has the file.
pub(super) fn in_user_cache(repo: &str, path: &str) -> Option<PathBuf> {
    Cache::from_env().model(repo.to_owned()).get(path)
}

/// Downloads a file on a thread of its own: the client listens to nobody while it does.
fn fetch(api: &Api, repo: &str, path: &str, on_bytes: &mut OnBytes<'_>) -> Result<PathBuf, String> {
    let (sender, events) = channel();
    let (files, path) = (api.model(repo.to_owned()), path.to_owned());
    let work = move || {
        let watch = Watch { received: 0, events: sender.clone() };
        let fetched = files.download_with_progress(&path, watch).map_err(|error| error.to_string());
        drop(sender.send(Arrived::All(fetched)));
    };
    std::thread::Builder::new().name("model hub".into()).spawn(work).map_err(|error| error.to_string())?;
    let mut received = 0;
    loop {
        match events.recv_timeout(POLL) {
            Ok(Arrived::Bytes(bytes)) => received = bytes,
            Ok(Arrived::All(fetched)) => return fetched,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err("the download ended without a reason".to_owned()),
        }
        if on_bytes(received).is_break() {
            return Err(STOPPED.to_owned());
        }
    }
}

enum Arrived {
    /// So many bytes are here.
    Bytes(u64),
    /// It is over.
    All(Result<PathBuf, String>),
}

struct Watch {
    received: u64,
    events: Sender<Arrived>,
}

impl hf_hub::api::Progress for Watch {
    fn init(&mut self, _bytes: usize, _file: &str) {
        self.received = 0;
    }

    fn update(&mut self, bytes: usize) {
        self.received += bytes as u64;
        if self.events.send(Arrived::Bytes(self.received)).is_err() {
            // Nobody waits any more, and there is no other way to tell the client.
            std::panic::resume_unwind(Box::new(STOPPED));
        }
    }

    fn finish(&mut self) {}
}
