//! What all requests share.

use std::num::NonZeroU32;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::guard::trace;
use super::history::History;
use super::jobs::Jobs;
use super::keys::Keys;
use super::limits::Limits;
use super::metrics::Metrics;
use super::problem::Problem;
use super::shelf::Shelf;
use crate::answer::LONGEST_QUESTION;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::library::Library;

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct AppOptions {
    /// Whether it is reachable from this machine only; else keys are needed always.
    pub loopback: bool,
    /// Names besides those of this machine that a proxy in front of it is called by; then keys are needed, too.
    pub public_hosts: Vec<String>,
    /// Origins whose pages may call it.
    pub allow_origins: Vec<String>,
    /// Take the page from this folder instead of the one inside the program.
    pub web_dir: Option<PathBuf>,
    /// Answers at once.
    pub max_asks: usize,
    /// The largest upload, in bytes.
    pub max_upload: usize,
    /// How long nothing may come of an upload before it is given up.
    pub upload_patience: Duration,
    /// The longest question, in characters.
    pub max_question: usize,
    /// Requests a minute for each key; none: no limit.
    pub rate: Option<NonZeroU32>,
}

impl Default for AppOptions {
    fn default() -> Self {
        Self {
            loopback: true,
            public_hosts: Vec::new(),
            allow_origins: Vec::new(),
            web_dir: None,
            max_asks: 4,
            max_upload: 128 << 20,
            upload_patience: Duration::from_secs(30),
            max_question: LONGEST_QUESTION,
            rate: NonZeroU32::new(600),
        }
    }
}

impl AppOptions {
    /// Whether only this machine can reach the server, so that no keys are needed before the first is made.
    #[must_use]
    pub const fn is_private(&self) -> bool {
        self.loopback && self.public_hosts.is_empty()
    }
}

/// What all requests share; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// See [`App`].
pub struct Shared {
    pub(super) library: Arc<Library>,
    pub(super) config: Config,
    pub(super) options: AppOptions,
    pub(super) keys: Keys,
    pub(super) limits: Limits,
    pub(super) jobs: Jobs,
    pub(super) history: History,
    pub(super) metrics: Metrics,
    pub(super) shelf: Shelf,
    /// Whether the models are loaded.
    pub(super) ready: AtomicBool,
    /// Set when the server shuts down: new work is refused.
    pub(super) closing: CancellationToken,
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    /// Opens the library and what the server keeps beside it.
    ///
    /// # Errors
    /// When the data folder cannot be opened.
    pub fn open(config: Config, options: AppOptions) -> Result<Self> {
        let library = Arc::new(Library::open(config.clone())?);
        let data_dir = config.data_dir.canonicalize().map_err(Error::io(&config.data_dir))?;
        Ok(Self(Arc::new(Shared {
            jobs: Jobs::start(Arc::clone(&library), &config.data_dir.join("uploads")),
            library,
            shelf: Shelf::new(data_dir),
            history: History::new(&config.data_dir),
            metrics: Metrics::new(),
            keys: Keys::open(&config.data_dir)?,
            limits: Limits::new(options.max_asks, config.threads, options.rate),
            config,
            options,
            ready: AtomicBool::new(false),
            closing: CancellationToken::new(),
        })))
    }

    /// Runs `work` with the library on a thread where it may block.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (app, trace) = (self.clone(), trace());
        // It ends before it has begun only when the server does.
        let stopped = |_| Err(Problem::unavailable("the server is shutting down", 10));
        tokio::task::spawn_blocking(move || trace.within(|| work(&app))).await.unwrap_or_else(stopped)
    }

    /// Refuses questions that are empty or too long.
    pub(super) fn check_question(&self, field: &str, question: &str) -> Result<(), Problem> {
        let longest = self.options.max_question;
        if question.trim().is_empty() {
            return Err(Problem::field(field, format!("{field} is empty")));
        }
        if question.chars().count() > longest {
            return Err(Problem::field(field, format!("{field} is longer than {longest} characters")));
        }
        Ok(())
    }
}
