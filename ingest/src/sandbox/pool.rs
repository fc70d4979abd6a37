//! The parent's side: a file that hangs its reader, eats memory or crashes it
//! costs that file, nothing else.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::wire::{self, Done, Reply, Request, Task};
use crate::document::Parsed;
use crate::error::IngestError;
use crate::pdf::RenderOptions;

/// What work on one file may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wall-clock time.
    pub time: Duration,
    /// Memory of the child process in bytes.
    pub memory: u64,
    /// Size of the file in bytes.
    pub file_size: u64,
}

impl Default for Limits {
    /// 30 s, 1 GiB of memory, files up to 512 MiB.
    fn default() -> Self {
        Self { time: Duration::from_secs(30), memory: 1 << 30, file_size: 512 << 20 }
    }
}

/// Child processes, started when first needed and used for many files.
///
/// Any number of threads may call [`Pool::read`] and [`Pool::draw`]; those beyond the number of
/// workers wait. Dropping the pool closes the workers' input, which ends them.
#[derive(Debug)]
pub struct Pool {
    start: Start,
    limits: Limits,
    idle: Mutex<Idle>,
    freed: Condvar,
}

/// Makes the command of a child process, which runs [`super::child_main`].
struct Start(Box<dyn Fn() -> Command + Send + Sync>);

/// What came of a task, and the picture it made.
type Outcome = (Done, Vec<u8>);

#[derive(Debug)]
struct Idle {
    workers: Vec<Worker>,
    /// How many more may be in use or idle.
    vacant: usize,
}

#[derive(Debug)]
struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Whether it has read no file yet.
    age: Age,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Fresh,
    Used,
}

impl Pool {
    /// A pool of at most `workers` processes, each started by `start`.
    pub fn new(workers: usize, limits: Limits, start: impl Fn() -> Command + Send + Sync + 'static) -> Self {
        Self {
            start: Start(Box::new(start)),
            limits,
            idle: Mutex::new(Idle { workers: Vec::new(), vacant: workers.max(1) }),
            freed: Condvar::new(),
        }
    }

    /// Reads the file at `path` in a child process.
    ///
    /// # Errors
    /// Says why the file gave no document; the pool stays usable.
    pub fn read(&self, path: &Path, password: Option<&str>) -> Result<Parsed, IngestError> {
        match self.work(path, password, &Task::Read)? {
            (Done::Read(parsed), _) => Ok(*parsed),
            (Done::Drawn, _) => Err(self.crashed(path, "it answered another question".into())),
        }
    }

    /// Draws page `number`, counted from 1, of the PDF at `path` as PNG.
    ///
    /// # Errors
    /// Says why there is no picture; the pool stays usable.
    pub fn draw(
        &self,
        path: &Path,
        password: Option<&str>,
        number: u32,
        options: &RenderOptions,
    ) -> Result<Vec<u8>, IngestError> {
        self.work(path, password, &Task::Draw(number, options.clone())).map(|(_, picture)| picture)
    }

    fn work(&self, path: &Path, password: Option<&str>, task: &Task) -> Result<Outcome, IngestError> {
        let worker = self.take(path)?;
        let age = worker.age;
        let started = Instant::now();
        let (mut worker, mut result) = self.work_with(worker, path, password, task, self.limits.time);
        if age == Age::Used && matches!(result, Err(IngestError::Crashed { .. })) {
            // What earlier files left in the process may have been at fault.
            (worker, result) = match self.spawn(path) {
                Ok(fresh) => {
                    let left = self.limits.time.saturating_sub(started.elapsed());
                    self.work_with(fresh, path, password, task, left)
                }
                Err(error) => (None, Err(error)),
            };
        }
        self.give_back(worker);
        result
    }

    /// Sends one file and waits for its reply; the worker is gone if it failed.
    fn work_with(
        &self,
        mut worker: Worker,
        path: &Path,
        password: Option<&str>,
        task: &Task,
        time: Duration,
    ) -> (Option<Worker>, Result<Outcome, IngestError>) {
        let unreadable = |source| IngestError::Io { path: path.to_path_buf(), source };
        let (file, length) = match open(path) {
            Ok(opened) => opened,
            Err(error) => return (Some(worker), Err(unreadable(error))),
        };
        if length > self.limits.file_size {
            let error = IngestError::TooLarge { path: path.to_path_buf(), bytes: length, limit: self.limits.file_size };
            return (Some(worker), Err(error));
        }
        worker.age = Age::Used;
        let request = Request {
            name: path.to_string_lossy().into_owned(),
            password: password.map(Into::into),
            memory: self.limits.memory,
            task: task.clone(),
        };
        let Worker { child, mut input, mut output, age } = worker;
        let child = Mutex::new(child);
        let (timing, reply) = within(
            time,
            || exchange(&mut input, &mut output, &request, file, length),
            // Killing the child ends the exchange, which waits on its pipes.
            || drop(lock(&child).kill()),
        );
        let mut child = child.into_inner().unwrap_or_else(PoisonError::into_inner);
        if timing == Timing::Late {
            let _ = child.wait();
            let seconds = self.limits.time.as_secs();
            return (None, Err(IngestError::TimedOut { path: path.to_path_buf(), seconds }));
        }
        match reply {
            Ok((reply, picture)) => {
                let result = reply.map(|done| (done, picture)).map_err(|failure| failure.at(path));
                (Some(Worker { child, input, output, age }), result)
            }
            Err(error) => {
                let _ = child.kill();
                let detail = child.wait().map_or_else(|e| e.to_string(), |status| ending(status, &error));
                (None, Err(self.crashed(path, detail)))
            }
        }
    }

    fn crashed(&self, path: &Path, detail: String) -> IngestError {
        IngestError::Crashed { path: path.to_path_buf(), mebibytes: self.limits.memory >> 20, detail }
    }

    fn take(&self, path: &Path) -> Result<Worker, IngestError> {
        let mut idle = lock(&self.idle);
        loop {
            if let Some(worker) = idle.workers.pop() {
                return Ok(worker);
            }
            if idle.vacant > 0 {
                idle.vacant -= 1;
                drop(idle);
                return self.spawn(path).inspect_err(|_| self.give_back(None));
            }
            idle = self.freed.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, worker: Option<Worker>) {
        let mut idle = lock(&self.idle);
        match worker {
            Some(worker) => idle.workers.push(worker),
            None => idle.vacant += 1,
        }
        self.freed.notify_one();
    }

    fn spawn(&self, path: &Path) -> Result<Worker, IngestError> {
        let failed = |source| IngestError::Io { path: path.to_path_buf(), source };
        let mut command = (self.start.0)();
        // Ctrl-C in a terminal is for the parent, who then ends its children; a reader that
        // it killed would look like one that its file has killed.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Worker { child, input, output: BufReader::new(output), age: Age::Fresh }),
            _ => Err(failed(io::Error::other("the child process has no pipes"))),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for worker in lock(&self.idle).workers.drain(..) {
            stop(worker);
        }
    }
}

impl std::fmt::Debug for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Start")
    }
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

fn exchange(
    input: &mut ChildStdin,
    output: &mut BufReader<ChildStdout>,
    request: &Request,
    file: File,
    length: u64,
) -> io::Result<(Reply, Vec<u8>)> {
    wire::send(input, &serde_json::to_vec(request)?)?;
    wire::send_from(input, file, length)?;
    let reply = wire::receive(output)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let picture = wire::receive(output)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let reply: Reply = serde_json::from_slice(&reply)?;
    match reply {
        Ok(Done::Read(parsed)) if !parsed.document.is_consistent() => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the reply contradicts itself"))
        }
        reply => Ok((reply, picture)),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timing {
    InTime,
    Late,
}

/// Runs `work`; if it is not done after `limit`, runs `abort` beside it, which
/// must make it end.
fn within<T>(limit: Duration, work: impl FnOnce() -> T, abort: impl FnOnce() + Send) -> (Timing, T) {
    let (done, watch) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let watcher = scope.spawn(move || match watch.recv_timeout(limit) {
            Err(mpsc::RecvTimeoutError::Timeout) => {
                abort();
                Timing::Late
            }
            _ => Timing::InTime,
        });
        let result = work();
        drop(done);
        (watcher.join().unwrap_or(Timing::InTime), result)
    })
}

fn stop(worker: Worker) {
    let Worker { mut child, input, output, .. } = worker;
    drop((input, output));
    let _ = child.kill();
    let _ = child.wait();
}

fn ending(status: ExitStatus, error: &io::Error) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        // SIGKILL is our own, sent after a reply that made no sense.
        return if signal == 9 { error.to_string() } else { format!("signal {signal}") };
    }
    format!("{status}, {error}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
