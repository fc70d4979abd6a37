//! How much at once, and how often.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::auth::Caller;
use super::problem::Problem;

/// What bounds the work that clients can cause.
pub struct Limits {
    /// Answers at once.
    pub asks: Arc<Semaphore>,
    asks_total: usize,
    searches: Arc<Semaphore>,
    /// Searches at work or waiting.
    search_queue: Arc<Semaphore>,
    drawings: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    embeddings: Arc<Semaphore>,
    rate: Option<DefaultKeyedRateLimiter<String>>,
}

/// Searches that may wait for their turn.
const SEARCHES_WAITING: usize = 256;

/// Pictures of pages that are drawn or wait at once.
const DRAWINGS: usize = 8;

/// Uploads that come in at once; each may fill the disk by its limit.
const UPLOADS: usize = 8;

/// Requests for vectors that are worked on at once; each may take a minute.
const EMBEDDINGS: usize = 2;

impl Limits {
    /// `asks` answers at once, searches on `threads` threads, and so many requests a minute for each key.
    #[must_use]
    pub fn new(asks: usize, threads: usize, per_minute: Option<NonZeroU32>) -> Self {
        Self {
            asks: Arc::new(Semaphore::new(asks)),
            asks_total: asks,
            searches: Arc::new(Semaphore::new(threads.max(1))),
            search_queue: Arc::new(Semaphore::new(SEARCHES_WAITING)),
            drawings: Arc::new(Semaphore::new(DRAWINGS)),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            embeddings: Arc::new(Semaphore::new(EMBEDDINGS)),
            rate: per_minute.map(|limit| RateLimiter::keyed(Quota::per_minute(limit))),
        }
    }

    /// Answers that are being worked on.
    #[must_use]
    pub fn answering(&self) -> usize {
        self.asks_total.saturating_sub(self.asks.available_permits())
    }

    /// Searches that are worked on or wait.
    #[must_use]
    pub fn searching(&self) -> usize {
        SEARCHES_WAITING.saturating_sub(self.search_queue.available_permits())
    }

    /// Counts a request of this key.
    ///
    /// # Errors
    /// 429 when it made too many.
    pub fn count(&self, caller: &Caller) -> Result<(), Problem> {
        let (Some(rate), Some(key)) = (&self.rate, &caller.key) else { return Ok(()) };
        rate.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
            Problem::busy("this key made too many requests", seconds)
        })
    }

    /// A place to answer in, or 429.
    ///
    /// # Errors
    /// When all are taken.
    pub fn ask(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.asks)
            .try_acquire_owned()
            .map_err(|_| Problem::busy("the server is writing as many answers as it can; try again in a moment", 10))
    }

    /// A turn to search; waits unless too many wait already.
    ///
    /// # Errors
    /// 429 when too many wait.
    pub async fn search(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), Problem> {
        let busy = || Problem::busy("too many searches wait; try again in a moment", 2);
        let place = Arc::clone(&self.search_queue).try_acquire_owned().map_err(|_| busy())?;
        let turn = Arc::clone(&self.searches).acquire_owned().await.map_err(|_| busy())?;
        Ok((place, turn))
    }

    /// A turn to upload.
    ///
    /// # Errors
    /// 429 when too many come in.
    pub fn upload(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.uploads)
            .try_acquire_owned()
            .map_err(|_| Problem::busy("the server takes as many uploads as it can; try again in a moment", 5))
    }

    /// A turn to make vectors of texts.
    ///
    /// # Errors
    /// 429 when others are at it.
    pub fn embed(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.embeddings)
            .try_acquire_owned()
            .map_err(|_| Problem::busy("the server makes as many vectors as it can; try again in a moment", 5))
    }

    /// A turn to draw a page.
    ///
    /// # Errors
    /// 429 when too many are drawn.
    pub fn draw(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.drawings)
            .try_acquire_owned()
            .map_err(|_| Problem::busy("the server draws as many pages as it can; try again in a moment", 2))
    }
}
