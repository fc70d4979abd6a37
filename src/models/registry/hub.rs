//! Files from the model hub.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::time::Duration;

use hf_hub::Cache;
use hf_hub::api::sync::{Api, ApiBuilder, Metadata};

/// How long the hub may take to answer at all. The client itself knows no
/// limit, and where the hub is out of reach the other sources must get their turn.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

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
    /// an earlier download stopped. A file that the hub itself says has another
    /// SHA-256 than `sha256` is not downloaded.
    pub(super) fn download(
        &self,
        repo: &str,
        path: &str,
        sha256: Option<&str>,
        folder: &Path,
        on_bytes: &mut dyn FnMut(u64),
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
        let metadata = self.ask(&api, repo, path)?;
        // Large files have their SHA-256 as their tag; small ones another hash.
        let tag = metadata.etag();
        if let Some(sha256) = sha256
            && tag.len() == 64
            && tag != sha256
        {
            return Err(format!("{repo} has another file of that name (sha256 {tag})"));
        }
        let watch = Watch { received: 0, on_bytes };
        let pointer =
            api.model(repo.to_owned()).download_with_progress(path, watch).map_err(|error| error.to_string())?;
        std::fs::canonicalize(&pointer).map_err(|error| format!("{}: {error}", pointer.display()))
    }

    /// The hub's description of a file, or why there is none; a hub that does not
    /// answer is not asked again by this process.
    fn ask(&self, api: &Api, repo: &str, path: &str) -> Result<Metadata, String> {
        let url = api.model(repo.to_owned()).url(path);
        let (sender, answer) = channel();
        let api = api.clone();
        std::thread::Builder::new()
            .name("model hub".into())
            .spawn(move || drop(sender.send(api.metadata(&url))))
            .map_err(|error| error.to_string())?;
        let reason = match answer.recv_timeout(FIRST_ANSWER) {
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

struct Watch<'a> {
    received: u64,
    on_bytes: &'a mut dyn FnMut(u64),
}

impl hf_hub::api::Progress for Watch<'_> {
    fn init(&mut self, _bytes: usize, _file: &str) {
        self.received = 0;
    }

    fn update(&mut self, bytes: usize) {
        self.received += bytes as u64;
        (self.on_bytes)(self.received);
    }

    fn finish(&mut self) {}
}
