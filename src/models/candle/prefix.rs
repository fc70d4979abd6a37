//! The state after the system message, kept on disk.
//!
//! A program that answers one question computes the same first tokens every
//! time. Their keys and values are written to a file once and read by the next
//! process; being the same numbers, they change nothing in the text. A file
//! holds the number of tokens and the numbers, little-endian.

use std::path::{Path, PathBuf};

use super::kv::KvCache;
use super::state_file::{self, ModelDigest};

/// Goes into the names of files: kernels that give other bits need another number.
const VERSION: u32 = 1;
/// Files that stay; the least recently written are deleted.
const MOST_FILES: usize = 8;
/// Shorter prefixes are computed faster than they are worth.
pub const LEAST_TOKENS: usize = 16;

/// A folder with the states of one model.
pub struct PrefixStore {
    folder: PathBuf,
    model: ModelDigest,
}

impl PrefixStore {
    /// The states in `folder` of the model at `model`.
    pub fn open(folder: PathBuf, model: &Path) -> std::io::Result<Self> {
        Ok(Self { folder, model: ModelDigest::of(model)? })
    }

    /// Puts the state after `tokens` into `kv`; tells whether there was one.
    pub fn load(&self, tokens: &[u32], kv: &mut KvCache) -> bool {
        let Some(content) = state_file::read(&self.path(tokens)) else { return false };
        let Some((count, numbers)) = content.split_first_chunk::<8>() else { return false };
        if u64::from_le_bytes(*count) != tokens.len() as u64 {
            return false;
        }
        let numbers: Vec<f32> = numbers.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        kv.import(tokens.len(), &numbers)
    }

    /// Keeps the state after `tokens`, which are the first that `kv` holds.
    pub fn save(&self, tokens: &[u32], kv: &KvCache) -> std::io::Result<()> {
        let path = self.path(tokens);
        if path.exists() {
            return Ok(());
        }
        let mut content = (tokens.len() as u64).to_le_bytes().to_vec();
        content.extend(kv.export(tokens.len()).into_iter().flat_map(f32::to_le_bytes));
        state_file::write(&path, &content)?;
        state_file::delete_oldest(&self.folder, "kv", |files, _| files <= MOST_FILES)
    }

    fn path(&self, tokens: &[u32]) -> PathBuf {
        self.folder.join(format!("{}.kv", self.model.name(VERSION, &[tokens])))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::kv::KvShape;
    use super::*;

    const SHAPE: KvShape = KvShape { layers: 1, heads: 1, head_dim: 2 };

    fn kv(positions: usize) -> KvCache {
        let mut kv = KvCache::new(SHAPE, 32);
        for position in 0..positions {
            kv.layer(0).store(0, position, &[position as f32, 0.5], &[1.0, position as f32]);
        }
        kv.advance(positions);
        kv
    }

    #[test]
    fn a_state_is_found_again_and_a_damaged_one_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model.gguf");
        fs::write(&model, b"weights").unwrap();
        let store = PrefixStore::open(folder.path().join("states"), &model).unwrap();
        let tokens: Vec<u32> = (0..5).collect();
        let mut empty = KvCache::new(SHAPE, 32);
        assert!(!store.load(&tokens, &mut empty));

        store.save(&tokens, &kv(9)).unwrap();
        assert!(store.load(&tokens, &mut empty));
        assert_eq!(empty.export(5), kv(9).export(5));
        assert!(!store.load(&tokens[..4], &mut empty));
        fs::write(&model, b"other weights").unwrap();
        let other = PrefixStore::open(folder.path().join("states"), &model).unwrap();
        assert!(!other.load(&tokens, &mut empty));

        let path = store.path(&tokens);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(!store.load(&tokens, &mut empty));
        fs::write(&path, b"short").unwrap();
        assert!(!store.load(&tokens, &mut empty));
    }

    #[test]
    fn the_folder_stays_small() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model.gguf");
        fs::write(&model, b"weights").unwrap();
        let store = PrefixStore::open(folder.path().join("states"), &model).unwrap();
        for first in 0..MOST_FILES as u32 + 3 {
            store.save(&[first, 1], &kv(2)).unwrap();
        }
        assert_eq!(fs::read_dir(&store.folder).unwrap().count(), MOST_FILES);
    }
}
