//! The child process: reads and draws files that its parent hands it, one after another.

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use super::wire::{self, Done, Reply, Request, Task};
use crate::failure::Failure;
use crate::{pdf, read};

/// Nested objects are followed by recursion; a deep stack lets odd files pass.
const STACK: usize = 32 << 20;

/// Serves requests from `input` until it ends, then ends the process.
///
/// The end of `input` is noticed even while a file is being read, so that no
/// child outlives a parent that was killed. Call this from a hidden command
/// of the binary that [`super::Pool`] starts.
pub fn child_main(input: impl Read + Send + 'static, output: impl Write) {
    // Panics are part of a reply; their messages belong in no log.
    std::panic::set_hook(Box::new(|_| {}));
    let (requests, inbox) = mpsc::sync_channel(1);
    thread::spawn(move || {
        receive_requests(input, &requests);
        std::process::exit(0);
    });
    serve(&inbox, output);
}

fn receive_requests(mut input: impl Read, requests: &mpsc::SyncSender<(Request, Vec<u8>)>) {
    while let (Ok(Some(request)), Ok(Some(file))) = (wire::receive(&mut input), wire::receive(&mut input)) {
        let Ok(request) = serde_json::from_slice(&request) else { return };
        if requests.send((request, file)).is_err() {
            return;
        }
    }
}

fn serve(inbox: &mpsc::Receiver<(Request, Vec<u8>)>, mut output: impl Write) {
    while let Ok((request, file)) = inbox.recv() {
        limit_memory(request.memory);
        let done = thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || guarded(&request, file))
            .map(thread::JoinHandle::join);
        let (reply, picture) = match done {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => failed("its reader stopped".into()),
            Err(error) => failed(format!("no reader could be started: {error}")),
        };
        let Ok(reply) = serde_json::to_vec(&reply) else { return };
        if wire::send(&mut output, &reply).is_err() || wire::send(&mut output, &picture).is_err() {
            return;
        }
    }
}

type Outcome = (Reply, Vec<u8>);

fn guarded(request: &Request, file: Vec<u8>) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| work(request, file)))
        .unwrap_or_else(|panic| failed(format!("its reader failed: {}", panic_message(&*panic))))
}

fn work(request: &Request, file: Vec<u8>) -> Outcome {
    let password = request.password.as_deref();
    match &request.task {
        Task::Read => match read::parse(&request.name, file, password) {
            Ok(parsed) => (Ok(Done::Read(Box::new(parsed))), Vec::new()),
            Err(failure) => (Err(failure), Vec::new()),
        },
        Task::Draw(page, options) => match pdf::draw(file, password, *page, options) {
            Ok(picture) => (Ok(Done::Drawn), picture),
            Err(failure) => (Err(failure), Vec::new()),
        },
    }
}

fn failed(reason: String) -> Outcome {
    (Err(Failure::Damaged(reason)), Vec::new())
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown reason")
}

/// Caps the memory that this process can still ask for; going past it ends the
/// process, which the parent reports.
#[cfg(unix)]
fn limit_memory(bytes: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // Linux counts private writable memory as data, which is what a file costs;
    // the address space would also count the binary's own mappings.
    let resource = if cfg!(target_os = "linux") { Resource::Data } else { Resource::As };
    let maximum = getrlimit(resource).maximum;
    let current = Some(maximum.map_or(bytes, |maximum| maximum.min(bytes)));
    // Where the system refuses, the wall-clock limit still holds.
    let _ = setrlimit(resource, Rlimit { current, maximum });
}

#[cfg(not(unix))]
fn limit_memory(_: u64) {}
