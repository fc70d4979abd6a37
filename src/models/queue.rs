//! One thread a model, behind a bounded queue.
//!
//! A model's tensors and sessions never leave the thread that owns them: a
//! caller hands over a request and waits for the response. The queue has a
//! fixed length, so a burst of callers is told "busy" instead of growing memory
//! and waiting times without end. Only who has had a turn may go ahead of it, so
//! that there are no more of those than answers being made.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::error::{Error, Result};

/// What a caller wants when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// To be told at once ([`Error::Busy`]): a person or a client is waiting.
    Busy,
    /// To wait for a place: background work that has all the time it needs.
    Wait,
    /// To be next, whatever waits: the end of a request that has had its turn.
    Ahead,
}

/// A thread that answers requests one at a time, in the order they came but for those that go [`WhenFull::Ahead`].
pub struct Worker<Req, Resp> {
    name: String,
    queue: Arc<Queue<Job<Req, Resp>>>,
    thread: Option<JoinHandle<()>>,
}

/// What waits, and for whom.
struct Queue<T> {
    state: Mutex<QueueState<T>>,
    /// Something was put in or taken out, or the queue was closed.
    changed: Condvar,
    capacity: usize,
}

struct QueueState<T> {
    waiting: VecDeque<T>,
    /// Whether the thread works on nothing: what is put in is taken out at once.
    idle: bool,
    closed: bool,
}

/// A request that was accepted. One that is dropped before its turn is not worked on.
pub struct Pending<Resp> {
    name: String,
    response: Receiver<Result<Resp>>,
    abandoned: Arc<AtomicBool>,
}

struct Job<Req, Resp> {
    request: Req,
    response: Sender<Result<Resp>>,
    abandoned: Arc<AtomicBool>,
}

impl<Req: Send + 'static, Resp: Send + 'static> Worker<Req, Resp> {
    /// Starts the thread. `name` is the model's, for errors and thread lists;
    /// up to `capacity` requests wait while one is worked on.
    ///
    /// A panic in `handler` becomes an error of that request, and the thread
    /// lives on: `handler` must bring its own state back in order at the start
    /// of the next request.
    ///
    /// # Errors
    /// [`Error::Model`] when the system refuses another thread.
    pub fn spawn<H>(name: &str, capacity: usize, mut handler: H) -> Result<Self>
    where
        H: FnMut(Req) -> Result<Resp> + Send + 'static,
    {
        let queue = Arc::new(Queue::<Job<Req, Resp>>::new(capacity));
        let owner = name.to_owned();
        let jobs = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name(format!("model {name}"))
            .spawn(move || {
                // However the thread ends, nobody waits for it any longer.
                let jobs = Closing(jobs);
                while let Some(job) = jobs.0.take() {
                    if job.abandoned.load(Ordering::Acquire) {
                        continue;
                    }
                    let response = catch_unwind(AssertUnwindSafe(|| handler(job.request))).unwrap_or_else(|panic| {
                        Err(Error::Model { name: owner.clone(), message: panic_message(panic.as_ref()) })
                    });
                    // The caller may have gone away while we worked; nobody misses the response then.
                    drop(job.response.send(response));
                }
            })
            .map_err(|error| Error::Model {
                name: name.to_owned(),
                message: format!("its thread could not be started: {error}"),
            })?;
        Ok(Self { name: name.to_owned(), queue, thread: Some(thread) })
    }

    /// Queues a request.
    ///
    /// # Errors
    /// [`Error::Busy`] when the queue is full and the caller does not wait, [`Error::Model`]
    /// when the thread is gone.
    pub fn submit(&self, request: Req, when_full: WhenFull) -> Result<Pending<Resp>> {
        let (sender, response) = channel();
        let abandoned = Arc::new(AtomicBool::new(false));
        let job = Job { request, response: sender, abandoned: Arc::clone(&abandoned) };
        match self.queue.put(job, when_full) {
            Put::Taken => {}
            Put::Full => return Err(Error::Busy { name: self.name.clone() }),
            Put::Closed => return Err(stopped(&self.name)),
        }
        Ok(Pending { name: self.name.clone(), response, abandoned })
    }

    /// Queues a request and waits for its response.
    ///
    /// # Errors
    /// As [`Worker::submit`], and what the model itself reports.
    pub fn call(&self, request: Req, when_full: WhenFull) -> Result<Resp> {
        self.submit(request, when_full)?.wait()
    }
}

/// What became of an item.
enum Put {
    Taken,
    /// There was no place, and it was not to wait for one.
    Full,
    /// Nobody takes anything any more.
    Closed,
}

/// Closes a queue when it goes, and drops what waits there.
struct Closing<T>(Arc<Queue<T>>);

impl<T> Drop for Closing<T> {
    fn drop(&mut self) {
        self.0.close();
        self.0.lock().waiting.clear();
    }
}

impl<T> Queue<T> {
    fn new(capacity: usize) -> Self {
        let state = QueueState { waiting: VecDeque::new(), idle: true, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), capacity }
    }

    /// Puts `item` in, if there is a place for it.
    fn put(&self, item: T, when_full: WhenFull) -> Put {
        let mut state = self.lock();
        let full =
            |state: &QueueState<T>| !state.closed && state.waiting.len() >= self.capacity + usize::from(state.idle);
        if when_full == WhenFull::Busy && full(&state) {
            return Put::Full;
        }
        if when_full == WhenFull::Wait {
            state = self.changed.wait_while(state, |state| full(state)).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return Put::Closed;
        }
        match when_full {
            WhenFull::Ahead => state.waiting.push_front(item),
            WhenFull::Busy | WhenFull::Wait => state.waiting.push_back(item),
        }
        drop(state);
        self.changed.notify_all();
        Put::Taken
    }

    /// The next item; `None` when the queue is closed and empty.
    fn take(&self) -> Option<T> {
        let mut state = self.lock();
        state.idle = true;
        self.changed.notify_all();
        let nothing = |state: &mut QueueState<T>| state.waiting.is_empty() && !state.closed;
        let mut state = self.changed.wait_while(state, nothing).unwrap_or_else(PoisonError::into_inner);
        state.idle = false;
        let item = state.waiting.pop_front();
        drop(state);
        self.changed.notify_all();
        item
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, QueueState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Resp> Pending<Resp> {
    /// Waits for the response.
    ///
    /// # Errors
    /// What the model reports, or [`Error::Model`] when its thread is gone.
    pub fn wait(self) -> Result<Resp> {
        self.response.recv().unwrap_or_else(|_| Err(stopped(&self.name)))
    }
}

impl<Resp> Drop for Pending<Resp> {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Release);
    }
}

impl<Req, Resp> Drop for Worker<Req, Resp> {
    /// Closes the queue and waits for the work at hand, so that no model is
    /// torn down under a running computation.
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn stopped(name: &str) -> Error {
    Error::Model { name: name.to_owned(), message: "its thread has stopped".into() }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let reason = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown reason");
    format!("stopped with an internal error: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_order() {
        let worker = Worker::spawn("adder", 4, |n: u32| Ok(n + 1)).unwrap();
        let pending: Vec<_> = (0..20).map(|n| worker.submit(n, WhenFull::Wait).unwrap()).collect();
        let answers: Vec<_> = pending.into_iter().map(|pending| pending.wait().unwrap()).collect();
        assert_eq!(answers, (1..21).collect::<Vec<_>>());
    }

    /// A worker that tells what it starts, and does no more until it is let to.
    fn slow(capacity: usize) -> (Worker<u32, u32>, Receiver<u32>, Sender<()>) {
        let (started, has_started) = channel();
        let (release, released) = channel::<()>();
        let worker = Worker::spawn("slow", capacity, move |n| {
            started.send(n).unwrap();
            released.recv().unwrap();
            Ok(n)
        });
        (worker.unwrap(), has_started, release)
    }

    #[test]
    fn full_queue_says_busy() {
        let (worker, has_started, release) = slow(1);
        let first = worker.submit(1, WhenFull::Busy).unwrap();
        has_started.recv().unwrap();
        let second = worker.submit(2, WhenFull::Busy).unwrap();
        assert!(matches!(worker.submit(3, WhenFull::Busy), Err(Error::Busy { name }) if name == "slow"));
        release.send(()).unwrap();
        release.send(()).unwrap();
        assert_eq!((first.wait().unwrap(), second.wait().unwrap()), (1, 2));
    }

    #[test]
    fn the_end_of_a_request_goes_before_what_waits() {
        let (worker, has_started, release) = slow(2);
        let first = worker.submit(1, WhenFull::Busy).unwrap();
        assert_eq!(has_started.recv().unwrap(), 1);
        let waiting = [2, 3].map(|n| worker.submit(n, WhenFull::Busy).unwrap());
        let ahead = worker.submit(4, WhenFull::Ahead).unwrap();
        for _ in 0..4 {
            release.send(()).unwrap();
        }
        first.wait().unwrap();
        assert_eq!(ahead.wait().unwrap(), 4);
        for pending in waiting {
            pending.wait().unwrap();
        }
        assert_eq!(has_started.iter().take(3).collect::<Vec<_>>(), [4, 2, 3]);
    }

    #[test]
    fn abandoned_requests_are_not_worked_on() {
        let (worker, has_started, release) = slow(2);
        let first = worker.submit(1, WhenFull::Busy).unwrap();
        assert_eq!(has_started.recv().unwrap(), 1);
        drop(worker.submit(2, WhenFull::Busy).unwrap());
        let third = worker.submit(3, WhenFull::Busy).unwrap();
        release.send(()).unwrap();
        release.send(()).unwrap();
        assert_eq!((first.wait().unwrap(), third.wait().unwrap()), (1, 3));
        assert_eq!(has_started.recv().unwrap(), 3);
    }

    #[test]
    fn panic_is_an_error_of_its_request_only() {
        let worker = Worker::spawn("fragile", 1, |n: u32| {
            assert!(n != 7, "seven is too much");
            Ok(n)
        })
        .unwrap();
        let error = worker.call(7, WhenFull::Wait).unwrap_err();
        assert!(error.to_string().contains("seven is too much"), "{error}");
        assert_eq!(worker.call(8, WhenFull::Wait).unwrap(), 8);
    }
}
