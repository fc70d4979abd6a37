//! Files of keys and values: named by what they were computed from, and not
//! used when they are damaged.
//!
//! A file holds a SHA-256 of all that follows. It is renamed into its place
//! when it is whole, but not forced to the disk: what a power cut takes away is
//! computed again.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

/// Bytes of a model's file that tell it from others, at its start and its end.
const ENDS: u64 = 1 << 16;

/// What tells a model's file from others: SHA-256 of its length, its start and its end.
pub struct ModelDigest(pub [u8; 32]);

impl ModelDigest {
    /// The digest of the model at `path`.
    pub fn of(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut ends = Vec::new();
        (&mut file).take(ENDS).read_to_end(&mut ends)?;
        file.seek(SeekFrom::Start(length.saturating_sub(ENDS)))?;
        file.take(ENDS).read_to_end(&mut ends)?;
        Ok(Self(Sha256::new().chain_update(length.to_le_bytes()).chain_update(ends).finalize().into()))
    }

    /// A name for what this model makes of runs of tokens. Kernels that give
    /// other bits need another `version`.
    pub fn name(&self, version: u32, runs: &[&[u32]]) -> String {
        let mut hasher = Sha256::new_with_prefix(version.to_le_bytes()).chain_update(self.0);
        for (index, run) in runs.iter().enumerate() {
            if index > 0 {
                hasher.update(u32::MAX.to_le_bytes());
            }
            run.iter().for_each(|token| hasher.update(token.to_le_bytes()));
        }
        hasher.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The content of a file, if it is there and whole.
pub fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = fs::read(path).ok()?;
    let (digest, content) = bytes.split_first_chunk::<32>()?;
    if *digest != <[u8; 32]>::from(Sha256::digest(content)) {
        return None;
    }
    bytes.drain(..32);
    Some(bytes)
}

/// Writes a file, and its folder if need be.
pub fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let temporary = path.with_added_extension(format!("{}.tmp", std::process::id()));
    let mut file = File::create(&temporary)?;
    file.write_all(&Sha256::digest(content))?;
    file.write_all(content)?;
    fs::rename(&temporary, path)
}

/// Makes a file the last that is deleted.
pub fn touch(path: &Path) {
    // If it cannot be touched, it is deleted a little early.
    let _ = File::options().write(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

/// Deletes the files of `folder` with this extension that were not touched for
/// longest, until their number and their bytes are `few` enough.
pub fn delete_oldest(folder: &Path, extension: &str, few: impl Fn(usize, u64) -> bool) -> std::io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|own| own == extension) {
            let metadata = entry.metadata()?;
            files.push((metadata.modified()?, entry.path(), metadata.len()));
        }
    }
    files.sort();
    let (mut number, mut bytes) = (files.len(), files.iter().map(|(.., bytes)| bytes).sum());
    for (_, path, own) in files {
        if few(number, bytes) {
            break;
        }
        fs::remove_file(path)?;
        number -= 1;
        bytes -= own;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (age, name) in [(30, "a.kv"), (20, "b.kv"), (10, "c.kv"), (40, "other")] {
            write(&path(name), &[7; 100]).unwrap();
            let file = File::options().write(true).open(path(name)).unwrap();
            file.set_modified(SystemTime::now() - std::time::Duration::from_secs(age)).unwrap();
        }
        touch(&path("a.kv"));
        delete_oldest(folder.path(), "kv", |_, bytes| bytes <= 300).unwrap();
        let there = ["a.kv", "b.kv", "c.kv", "other"].map(|name| path(name).exists());
        assert_eq!(there, [true, false, true, true]);
        assert_eq!(read(&path("a.kv")).unwrap(), [7; 100]);
    }

    #[test]
    fn names_tell_runs_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::write(&path, "weights").unwrap();
        let model = ModelDigest::of(&path).unwrap();
        assert_ne!(model.name(1, &[&[1, 2], &[3]]), model.name(1, &[&[1], &[2, 3]]));
        assert_ne!(model.name(1, &[&[1]]), model.name(2, &[&[1]]));
    }
}
