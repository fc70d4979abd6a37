//! Locks between processes that share a data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// An exclusive lock on a file. The system releases it when the value is
/// dropped or the process ends, in whatever way, so no stale lock remains.
#[derive(Debug)]
pub struct FileLock {
    // Held for its lock only.
    _file: File,
}

impl FileLock {
    /// Takes the lock at `path`, waiting at most `patience`; `None` when
    /// someone else still holds it then.
    ///
    /// # Errors
    /// [`Error::Io`] when the lock file cannot be made.
    pub fn acquire(path: &Path, patience: Duration) -> Result<Option<Self>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(Error::io(PathBuf::from(path)))?;
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_millis(1);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self { _file: file })),
                Err(TryLockError::Error(source)) => return Err(Error::Io { path: path.into(), source }),
                Err(TryLockError::WouldBlock) => {}
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(None);
            }
            // There is no blocking lock with a deadline, so ask again, ever more rarely.
            thread::sleep(pause.min(deadline - now));
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = FileLock::acquire(&path, Duration::ZERO).unwrap();
        assert!(held.is_some());
        assert!(FileLock::acquire(&path, Duration::from_millis(5)).unwrap().is_none());
        drop(held);
        assert!(FileLock::acquire(&path, Duration::ZERO).unwrap().is_some());
    }
}
