//! Whether the disk has room for a write.
//!
//! The vector engine writes through memory maps, and a page for which the disk
//! has no room ends the process without a word. So we look before.

use std::path::Path;

use crate::error::{Error, Result};

/// The least that must be free: the engine makes files of up to 32 MiB at a time.
const LEAST: u64 = 64 << 20;

/// Checks that there is room in `dir`.
///
/// # Errors
/// [`Error::Io`] when there is not; nothing was changed.
pub(super) fn check(dir: &Path) -> Result<()> {
    match free(dir) {
        Some(bytes) if bytes < LEAST => Err(no_room(dir, bytes)),
        _ => Ok(()),
    }
}

fn no_room(dir: &Path, free: u64) -> Error {
    let (free, least) = (free >> 20, LEAST >> 20);
    let message =
        format!("the disk is nearly full ({free} MiB left, {least} MiB needed); free some and go on, nothing is lost");
    Error::Io { path: dir.to_owned(), source: std::io::Error::new(std::io::ErrorKind::StorageFull, message) }
}

/// Bytes that we may still write, if the system tells.
#[cfg(unix)]
fn free(dir: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_with_its_folder() {
        assert!(check(&std::env::temp_dir()).is_ok());
        assert!(check(Path::new("/no/such/folder")).is_ok(), "what the system does not tell is no reason to stop");
        let message = no_room(Path::new("/data"), 3 << 20).to_string();
        assert!(message.contains("/data") && message.contains("3 MiB left"), "{message}");
    }
}
