//! What was computed of passages, kept for the next question: in memory, then
//! on disk, both bounded, the least recently used going first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use half::f16;

use super::kv::Segment;
use super::state_file::{self, ModelDigest};

/// Goes into the names of files: kernels that give other bits need another number.
const VERSION: u32 = 1;

/// Segments of one model.
pub struct SegmentStore {
    /// Where they are kept on disk, if they are.
    folder: Option<PathBuf>,
    model: ModelDigest,
    bounds: Bounds,
    memory: HashMap<String, Held>,
    bytes: usize,
    /// Counts uses.
    clock: u64,
}

/// The most bytes that are kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// In memory.
    pub memory: usize,
    /// On disk.
    pub disk: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { memory: 256 << 20, disk: 1 << 30 }
    }
}

struct Held {
    segment: Arc<Segment>,
    used: u64,
}

impl SegmentStore {
    /// The segments of the model at `model`, on disk in `folder` if one is given.
    pub fn open(folder: Option<PathBuf>, model: &Path, bounds: Bounds) -> std::io::Result<Self> {
        let model = ModelDigest::of(model)?;
        Ok(Self { folder, model, bounds, memory: HashMap::new(), bytes: 0, clock: 0 })
    }

    /// What was kept of `tokens` after `before`.
    pub fn get(&mut self, before: &[u32], tokens: &[u32]) -> Option<Arc<Segment>> {
        let name = self.model.name(VERSION, &[before, tokens]);
        self.clock += 1;
        if let Some(held) = self.memory.get_mut(&name) {
            held.used = self.clock;
            return Some(Arc::clone(&held.segment));
        }
        let path = self.folder.as_ref()?.join(format!("{name}.{EXTENSION}"));
        let content = state_file::read(&path)?;
        let numbers: Vec<f16> = content.as_chunks::<2>().0.iter().map(|&bytes| f16::from_le_bytes(bytes)).collect();
        let segment = Arc::new(Segment { first: before.len(), positions: tokens.len(), numbers });
        state_file::touch(&path);
        self.hold(name, &segment);
        Some(segment)
    }

    /// Keeps what was computed of `tokens` after `before`, in memory.
    pub fn put(&mut self, before: &[u32], tokens: &[u32], segment: &Arc<Segment>) {
        self.clock += 1;
        self.hold(self.model.name(VERSION, &[before, tokens]), segment);
    }

    /// Keeps some on disk as well, and deletes there what is too much.
    pub fn save<'a>(
        &self,
        before: &[u32],
        segments: impl IntoIterator<Item = (&'a [u32], &'a Segment)>,
    ) -> std::io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for (tokens, segment) in segments {
            let content: Vec<u8> = segment.numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            let name = self.model.name(VERSION, &[before, tokens]);
            state_file::write(&folder.join(format!("{name}.{EXTENSION}")), &content)?;
        }
        state_file::delete_oldest(folder, EXTENSION, |_, bytes| bytes <= self.bounds.disk)
    }

    fn hold(&mut self, name: String, segment: &Arc<Segment>) {
        let held = Held { segment: Arc::clone(segment), used: self.clock };
        self.bytes += size(segment);
        if let Some(before) = self.memory.insert(name, held) {
            self.bytes -= size(&before.segment);
        }
        while self.bytes > self.bounds.memory {
            let oldest = self.memory.iter().min_by_key(|(_, held)| held.used).map(|(name, _)| name.clone());
            let Some(dropped) = oldest.and_then(|name| self.memory.remove(&name)) else { break };
            self.bytes -= size(&dropped.segment);
        }
    }
}

const EXTENSION: &str = "passage";

fn size(segment: &Segment) -> usize {
    size_of_val(&segment.numbers[..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(folder: &Path, memory: usize, disk: u64) -> SegmentStore {
        let model = folder.join("model.gguf");
        std::fs::write(&model, b"weights").unwrap();
        SegmentStore::open(Some(folder.join("passages")), &model, Bounds { memory, disk }).unwrap()
    }

    fn segment(number: u32) -> Arc<Segment> {
        Arc::new(Segment { first: 2, positions: 1, numbers: vec![f16::from_f32(number as f32); 50] })
    }

    #[test]
    fn the_least_recently_used_goes_from_memory_and_comes_back_from_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path(), 250, 1 << 20);
        for number in 0..2 {
            store.put(&[8, 9], &[number], &segment(number));
        }
        store.save(&[8, 9], [(&[1][..], &*segment(1))]).unwrap();
        assert!(store.get(&[8, 9], &[0]).is_some());
        store.put(&[8, 9], &[2], &segment(2));
        assert_eq!((store.memory.len(), store.bytes), (2, 200));
        assert_eq!(store.get(&[8, 9], &[1]), Some(segment(1)), "read from disk");
        assert!(store.get(&[8, 9], &[0]).is_none(), "neither here nor there");
        assert!(store.get(&[8], &[1]).is_none(), "after something else, it is another");
    }

    #[test]
    fn the_folder_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path(), 0, 300);
        for number in 0..5 {
            store.save(&[8], [(&[number][..], &*segment(number))]).unwrap();
        }
        // A file is a digest of 32 bytes and 100 bytes of numbers.
        assert_eq!(std::fs::read_dir(folder.path().join("passages")).unwrap().count(), 2);
    }
}
