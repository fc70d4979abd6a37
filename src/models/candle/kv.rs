//! The keys and values of the tokens seen so far.

use std::ops::{Deref, DerefMut, Range};

use half::f16;
use half::slice::HalfFloatSliceExt;

/// Positions of a block of keys.
pub const KEY_BLOCK: usize = 16;

/// Keys and values of every layer, preallocated for a number of positions.
pub struct KvCache {
    /// `[layers]`, each its keys and its values. One piece, since memory is only taken
    /// where it is written if the system gives it by itself, which it does for large pieces.
    numbers: Vec<f32>,
    shape: KvShape,
    capacity: usize,
    len: usize,
}

/// What one position takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KvShape {
    /// Number of layers.
    pub layers: usize,
    /// Key and value heads.
    pub heads: usize,
    /// Length of a head's vector.
    pub head_dim: usize,
}

/// Keys and values of some positions in a row, by themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// The position that the first of them was computed at; keys are turned by it.
    pub first: usize,
    /// Number of positions.
    pub positions: usize,
    /// `[layers][heads][positions]`, each a key and a value.
    pub numbers: Vec<f16>,
}

/// One layer's keys and values.
pub struct LayerCache<S> {
    /// `[heads][positions / 16][head_dim][16]`: sixteen positions side by side,
    /// so that their products with a query fill vector registers.
    keys: S,
    /// `[heads][positions][head_dim]`.
    values: S,
    head_dim: usize,
    capacity: usize,
}

impl KvCache {
    /// An empty cache for at least `capacity` positions.
    pub fn new(shape: KvShape, capacity: usize) -> Self {
        let capacity = capacity.next_multiple_of(KEY_BLOCK);
        let numbers = vec![0.0; shape.layers * 2 * shape.heads * capacity * shape.head_dim];
        Self { numbers, shape, capacity, len: 0 }
    }

    /// Numbers of a layer's keys, or of its values.
    fn half_layer(&self) -> usize {
        self.shape.heads * self.capacity * self.shape.head_dim
    }

    fn layers(&self) -> impl Iterator<Item = LayerCache<&[f32]>> {
        let (half, head_dim, capacity) = (self.half_layer(), self.shape.head_dim, self.capacity);
        self.numbers.chunks_exact(2 * half).map(move |layer| {
            let (keys, values) = layer.split_at(half);
            LayerCache { keys, values, head_dim, capacity }
        })
    }

    fn layers_mut(&mut self) -> impl Iterator<Item = LayerCache<&mut [f32]>> {
        let (half, head_dim, capacity) = (self.half_layer(), self.shape.head_dim, self.capacity);
        self.numbers.chunks_exact_mut(2 * half).map(move |layer| {
            let (keys, values) = layer.split_at_mut(half);
            LayerCache { keys, values, head_dim, capacity }
        })
    }

    /// Number of positions held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The most positions that it can hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forgets all positions from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Counts `positions` as held, after every layer has stored them.
    pub fn advance(&mut self, positions: usize) {
        assert!(self.len + positions <= self.capacity, "the cache is full");
        self.len += positions;
    }

    /// The keys and values of the first `positions` positions, layer after layer.
    pub fn export(&self, positions: usize) -> Vec<f32> {
        assert!(positions <= self.len, "only what is held can be exported");
        self.layers().flat_map(|layer| layer.parts(positions)).flatten().copied().collect()
    }

    /// Takes what [`KvCache::export`] gave for `positions` positions in place of
    /// what is held; tells whether it fits.
    pub fn import(&mut self, positions: usize, mut values: &[f32]) -> bool {
        let wanted: usize = self.layers().flat_map(|layer| layer.parts(positions)).map(<[f32]>::len).sum();
        if values.len() != wanted || positions > self.capacity {
            return false;
        }
        for part in self.layers_mut().flat_map(|layer| layer.parts_mut(positions)) {
            let (own, rest) = values.split_at(part.len());
            part.copy_from_slice(own);
            values = rest;
        }
        self.len = positions;
        true
    }

    /// A copy of the keys and values at `positions`, in half precision.
    pub fn copy(&self, positions: Range<usize>) -> Segment {
        assert!(positions.end <= self.len, "only what is held can be copied");
        let mut segment = Segment { first: positions.start, positions: positions.len(), numbers: Vec::new() };
        let mut key = Vec::new();
        let mut halves = Vec::new();
        for layer in self.layers() {
            for head in 0..layer.heads() {
                for position in positions.clone() {
                    layer.load_key(head, position, &mut key);
                    halves.resize(key.len(), f16::ZERO);
                    halves.convert_from_f32_slice(&key);
                    segment.numbers.extend_from_slice(&halves);
                    let value = &layer.values(head)[position * layer.head_dim..][..layer.head_dim];
                    halves.convert_from_f32_slice(value);
                    segment.numbers.extend_from_slice(&halves);
                }
            }
        }
        segment
    }

    /// Whether a segment is one of a cache like this.
    pub fn fits(&self, segment: &Segment) -> bool {
        let KvShape { layers, heads, head_dim } = self.shape;
        segment.numbers.len() == layers * heads * segment.positions * 2 * head_dim
    }

    /// Appends the keys and values of a segment, but for its first `skipped`
    /// positions, each key turned to its new position by `turn`.
    ///
    /// # Panics
    /// When it does not fit, or there is no room for it.
    pub fn append(&mut self, segment: &Segment, skipped: usize, turn: impl Fn(&mut [f32])) {
        let fresh = segment.positions - skipped;
        assert!(self.fits(segment) && self.len + fresh <= self.capacity, "a segment must fit");
        let mut rest = &segment.numbers[..];
        let held = self.len;
        for mut layer in self.layers_mut() {
            let (mut key, mut value) = (vec![0.0; layer.head_dim], vec![0.0; layer.head_dim]);
            for head in 0..layer.heads() {
                let (rows, others) = rest.split_at(segment.positions * 2 * layer.head_dim);
                rest = others;
                for (at, row) in rows.chunks_exact(2 * layer.head_dim).skip(skipped).enumerate() {
                    row[..layer.head_dim].convert_to_f32_slice(&mut key);
                    row[layer.head_dim..].convert_to_f32_slice(&mut value);
                    turn(&mut key);
                    layer.store(head, held + at, &key, &value);
                }
            }
        }
        self.len += fresh;
    }

    /// A layer's keys and values.
    pub fn layer(&mut self, index: usize) -> LayerCache<&mut [f32]> {
        self.layers_mut().nth(index).expect("a cache has as many layers as its model")
    }
}

impl<S: Deref<Target = [f32]>> LayerCache<S> {
    /// Number of heads.
    fn heads(&self) -> usize {
        self.values.len() / (self.capacity * self.head_dim)
    }

    /// Puts the key of one position and head in place of `key`.
    fn load_key(&self, head: usize, position: usize, key: &mut Vec<f32>) {
        let block = position / KEY_BLOCK * KEY_BLOCK * self.head_dim + position % KEY_BLOCK;
        key.clear();
        key.extend((0..self.head_dim).map(|i| self.keys(head)[block + i * KEY_BLOCK]));
    }

    /// A head's keys, `[positions / 16][head_dim][16]`.
    pub fn keys(&self, head: usize) -> &[f32] {
        let size = self.capacity * self.head_dim;
        &self.keys[head * size..][..size]
    }

    /// A head's values, `[positions][head_dim]`.
    pub fn values(&self, head: usize) -> &[f32] {
        let size = self.capacity * self.head_dim;
        &self.values[head * size..][..size]
    }
}

impl<S: DerefMut<Target = [f32]>> LayerCache<S> {
    /// Stores the key and value of one position and head.
    pub fn store(&mut self, head: usize, position: usize, key: &[f32], value: &[f32]) {
        let (dim, start) = (self.head_dim, head * self.capacity * self.head_dim);
        let block = start + position / KEY_BLOCK * KEY_BLOCK * dim + position % KEY_BLOCK;
        for (i, &key) in key.iter().enumerate() {
            self.keys[block + i * KEY_BLOCK] = key;
        }
        self.values[start + position * dim..][..dim].copy_from_slice(value);
    }
}

impl<'a> LayerCache<&'a [f32]> {
    /// What holds the first `positions` positions: of each head the whole blocks
    /// of keys and the rows of values.
    fn parts(self, positions: usize) -> impl Iterator<Item = &'a [f32]> {
        let (keys, values) = (positions.next_multiple_of(KEY_BLOCK) * self.head_dim, positions * self.head_dim);
        let size = self.capacity * self.head_dim;
        let keys = self.keys.chunks_exact(size).map(move |head| &head[..keys]);
        keys.chain(self.values.chunks_exact(size).map(move |head| &head[..values]))
    }
}

impl<'a> LayerCache<&'a mut [f32]> {
    fn parts_mut(self, positions: usize) -> impl Iterator<Item = &'a mut [f32]> {
        let (keys, values) = (positions.next_multiple_of(KEY_BLOCK) * self.head_dim, positions * self.head_dim);
        let size = self.capacity * self.head_dim;
        let keys = self.keys.chunks_exact_mut(size).map(move |head| &mut head[..keys]);
        keys.chain(self.values.chunks_exact_mut(size).map(move |head| &mut head[..values]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: KvShape = KvShape { layers: 2, heads: 2, head_dim: 4 };

    fn filled(positions: usize) -> KvCache {
        let mut cache = KvCache::new(SHAPE, 40);
        for position in 0..positions {
            for layer in 0..SHAPE.layers {
                for head in 0..SHAPE.heads {
                    let base = (position * 100 + layer * 10 + head) as f32;
                    let key: Vec<f32> = (0..4).map(|i| base + i as f32 / 10.0).collect();
                    let value: Vec<f32> = key.iter().map(|x| -x).collect();
                    cache.layer(layer).store(head, position, &key, &value);
                }
            }
        }
        cache.advance(positions);
        cache
    }

    #[test]
    fn keys_lie_in_blocks_and_values_in_rows() {
        let mut cache = filled(20);
        let layer = cache.layer(1);
        // Position 17 is the second of the second block.
        assert_eq!(layer.keys(1)[16 * 4 + 2 * 16 + 1], 1711.2);
        assert_eq!(layer.values(1)[17 * 4 + 2], -1711.2);
    }

    #[test]
    fn what_was_exported_can_be_imported() {
        let full = filled(20);
        let values = full.export(17);
        // Two heads of two layers: two blocks of keys and seventeen rows of values.
        assert_eq!(values.len(), 4 * (2 * 16 * 4 + 17 * 4));
        let mut other = KvCache::new(SHAPE, 64);
        assert!(!other.import(16, &values) && !other.import(17, &values[1..]) && other.len() == 0);
        assert!(other.import(17, &values));
        assert_eq!((other.len(), other.export(17)), (17, values));
        assert_eq!(other.layer(1).values(1)[16 * 4 + 2], -1611.2);
    }

    #[test]
    fn copies_are_put_behind_what_is_held() {
        let full = filled(20);
        let segment = full.copy(15..19);
        assert_eq!((segment.first, segment.positions), (15, 4));
        let mut other = filled(3);
        assert!(other.fits(&segment));
        other.append(&segment, 1, |key| key[0] += 1000.0);
        assert_eq!(other.len(), 6);
        let layer = other.layer(1);
        // Position 3 holds what was at 16; half floats keep eleven bits.
        assert_eq!(layer.values(1)[3 * 4 + 2], f16::from_f32(-1611.2).to_f32());
        assert_eq!(layer.keys(1)[3], f16::from_f32(1611.0).to_f32() + 1000.0);
        assert_eq!(layer.values(0)[2 * 4], -210.0, "what was held stays");
        assert!(!other.fits(&Segment { numbers: segment.numbers[1..].to_vec(), ..segment }));
    }

    #[test]
    fn truncation_only_shortens() {
        let mut cache = filled(20);
        cache.truncate(30);
        assert_eq!(cache.len(), 20);
        cache.truncate(3);
        assert_eq!(cache.len(), 3);
    }
}
