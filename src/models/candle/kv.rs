//! The keys and values of the tokens seen so far.

/// Positions of a block of keys.
pub const KEY_BLOCK: usize = 16;

/// Keys and values of every layer, preallocated for a number of positions.
/// The memory is only taken from the system where it is written.
pub struct KvCache {
    layers: Vec<LayerCache>,
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

/// One layer's keys and values.
pub struct LayerCache {
    /// `[heads][positions / 16][head_dim][16]`: sixteen positions side by side,
    /// so that their products with a query fill vector registers.
    keys: Vec<f32>,
    /// `[heads][positions][head_dim]`.
    values: Vec<f32>,
    head_dim: usize,
    capacity: usize,
}

impl KvCache {
    /// An empty cache for at least `capacity` positions.
    pub fn new(shape: KvShape, capacity: usize) -> Self {
        let capacity = capacity.next_multiple_of(KEY_BLOCK);
        let size = shape.heads * capacity * shape.head_dim;
        let layer =
            |_| LayerCache { keys: vec![0.0; size], values: vec![0.0; size], head_dim: shape.head_dim, capacity };
        Self { layers: (0..shape.layers).map(layer).collect(), capacity, len: 0 }
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
        self.layers.iter().flat_map(|layer| layer.parts(positions)).flat_map(<[f32]>::iter).copied().collect()
    }

    /// Takes what [`KvCache::export`] gave for `positions` positions in place of
    /// what is held; tells whether it fits.
    pub fn import(&mut self, positions: usize, mut values: &[f32]) -> bool {
        let wanted: usize = self.layers.iter().flat_map(|layer| layer.parts(positions)).map(<[f32]>::len).sum();
        if values.len() != wanted || positions > self.capacity {
            return false;
        }
        for part in self.layers.iter_mut().flat_map(|layer| layer.parts_mut(positions)) {
            let (own, rest) = values.split_at(part.len());
            part.copy_from_slice(own);
            values = rest;
        }
        self.len = positions;
        true
    }

    /// A layer's keys and values.
    pub fn layer(&mut self, index: usize) -> &mut LayerCache {
        &mut self.layers[index]
    }
}

impl LayerCache {
    /// Stores the key and value of one position and head.
    pub fn store(&mut self, head: usize, position: usize, key: &[f32], value: &[f32]) {
        let (dim, start) = (self.head_dim, head * self.capacity * self.head_dim);
        let block = start + position / KEY_BLOCK * KEY_BLOCK * dim + position % KEY_BLOCK;
        for (i, &key) in key.iter().enumerate() {
            self.keys[block + i * KEY_BLOCK] = key;
        }
        self.values[start + position * dim..][..dim].copy_from_slice(value);
    }

    /// What holds the first `positions` positions: of each head the whole blocks
    /// of keys and the rows of values.
    fn parts(&self, positions: usize) -> impl Iterator<Item = &[f32]> {
        let (keys, values) = (positions.next_multiple_of(KEY_BLOCK) * self.head_dim, positions * self.head_dim);
        let size = self.capacity * self.head_dim;
        let keys = self.keys.chunks_exact(size).map(move |head| &head[..keys]);
        keys.chain(self.values.chunks_exact(size).map(move |head| &head[..values]))
    }

    fn parts_mut(&mut self, positions: usize) -> impl Iterator<Item = &mut [f32]> {
        let (keys, values) = (positions.next_multiple_of(KEY_BLOCK) * self.head_dim, positions * self.head_dim);
        let size = self.capacity * self.head_dim;
        let keys = self.keys.chunks_exact_mut(size).map(move |head| &mut head[..keys]);
        keys.chain(self.values.chunks_exact_mut(size).map(move |head| &mut head[..values]))
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
    fn truncation_only_shortens() {
        let mut cache = filled(20);
        cache.truncate(30);
        assert_eq!(cache.len(), 20);
        cache.truncate(3);
        assert_eq!(cache.len(), 3);
    }
}
