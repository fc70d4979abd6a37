//! Late interaction on compressed token vectors.
//!
//! MaxSim (Khattab and Zaharia, "ColBERT", SIGIR 2020) compares every token of a
//! question with every token of a passage. Computing the token vectors of 30
//! passages takes seconds, so they are kept from when the passage was embedded, at
//! one bit a dimension:
//!
//! 1. Neighbouring tokens are averaged in pairs (after Clavié et al.,
//!    "Reducing the Footprint of Multi-Vector Retrieval", 2024).
//! 2. The passage's mean vector is split off and kept in 8 bits a dimension. Token
//!    vectors of one text are much alike, and what tells them apart is the rest.
//! 3. The rest is rotated pseudo-randomly and kept as signs and one length, from
//!    which inner products are estimated without bias (after Gao and Long,
//!    "RaBitQ", SIGMOD 2024).
//!
//! Nothing is learned from data, so this serves any embedding model.

use std::ops::Range;

use super::TokenVectors;

/// First byte of the format; a passage encoded otherwise gets no score.
const VERSION: u8 = 1;
/// Tokens that share a vector.
const GROUP: usize = 2;
/// Bytes before the mean vector: version, padding, dimensions (u16), scale of the mean (f32).
const HEADER: usize = 8;
/// Bytes before a group's signs: their scale (f32).
const SCALE: usize = 4;

/// Compresses the token vectors of a passage: a header and the mean, then
/// `dim / 8 + 4` bytes for every two tokens; 4 KB for a passage of 150 tokens.
#[must_use]
pub fn encode(tokens: &TokenVectors) -> Vec<u8> {
    let dim = tokens.dim;
    let rotation = Rotation::new(dim);
    let mut rows: Vec<Vec<f32>> = tokens.values.chunks(dim.max(1) * GROUP).map(|group| unit_mean(group, dim)).collect();
    rows.iter_mut().for_each(|row| rotation.apply(row));
    let mut mean = vec![0.0; dim];
    for row in &rows {
        mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / rows.len() as f32);
    }
    let largest = mean.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let mean_scale = largest / 127.0;

    let mut encoded = Vec::with_capacity(HEADER + dim + rows.len() * (SCALE + dim.div_ceil(8)));
    encoded.extend([VERSION, 0]);
    encoded.extend(u16::try_from(dim).unwrap_or(0).to_le_bytes());
    encoded.extend(mean_scale.to_le_bytes());
    for value in &mut mean {
        let byte = quantize(*value, mean_scale);
        encoded.push(byte.cast_unsigned());
        // The rest is what the kept mean leaves, not the exact one.
        *value = f32::from(byte) * mean_scale;
    }
    for row in &rows {
        let rest: Vec<f32> = row.iter().zip(&mean).map(|(value, mean)| value - mean).collect();
        let (mut sum, mut squares) = (0.0, 0.0);
        for value in &rest {
            sum += value.abs();
            squares += value * value;
        }
        let scale = if sum > 0.0 { squares / sum } else { 0.0 };
        encoded.extend(scale.to_le_bytes());
        encoded.extend(rest.chunks(8).map(|chunk| {
            chunk.iter().enumerate().fold(0_u8, |bits, (bit, value)| bits | (u8::from(*value >= 0.0) << bit))
        }));
    }
    encoded
}

/// A question's token vectors, made ready to be compared with many passages.
#[derive(Clone, Debug)]
pub struct LateQuery {
    dim: usize,
    tokens: Vec<QueryToken>,
}

#[derive(Clone, Debug)]
struct QueryToken {
    rotated: Vec<f32>,
    /// The same in 8 bits, for the many products with signs.
    quantized: Vec<i8>,
    scale: f32,
}

impl LateQuery {
    /// Makes a question's token vectors ready.
    #[must_use]
    pub fn new(tokens: &TokenVectors) -> Self {
        let rotation = Rotation::new(tokens.dim);
        let ready = |token: &[f32]| {
            let mut rotated = token.to_vec();
            rotation.apply(&mut rotated);
            let scale = rotated.iter().fold(0.0_f32, |largest, value| largest.max(value.abs())) / 127.0;
            let quantized = rotated.iter().map(|&value| quantize(value, scale)).collect();
            QueryToken { rotated, quantized, scale }
        };
        Self { dim: tokens.dim, tokens: tokens.values.chunks_exact(tokens.dim.max(1)).map(ready).collect() }
    }

    /// The mean over the question's tokens of the largest cosine to any token of
    /// the passage; `None` when either has no tokens, or the passage was encoded by
    /// another version or for another model's dimensions.
    #[must_use]
    pub fn score(&self, encoded: &[u8]) -> Option<f32> {
        let whole = 0..usize::MAX;
        self.score_parts(encoded, std::slice::from_ref(&whole))?.pop()?
    }

    /// The same for parts of the passage, given as ranges of its tokens; `None`
    /// for a part without tokens. Tokens that share a vector count for the part of either.
    #[must_use]
    pub fn score_parts(&self, encoded: &[u8], parts: &[Range<usize>]) -> Option<Vec<Option<f32>>> {
        let (header, rest) = encoded.split_first_chunk::<HEADER>()?;
        let dim = usize::from(u16::from_le_bytes([header[2], header[3]]));
        if header[0] != VERSION || dim != self.dim || self.tokens.is_empty() {
            return None;
        }
        let mean_scale = f32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        let (mean, groups) = rest.split_at_checked(dim)?;

        let count = self.tokens.len();
        let mut best = vec![f32::NEG_INFINITY; count * parts.len()];
        let mut signs = vec![0_i8; dim.next_multiple_of(8)];
        let mut products = vec![0.0; count];
        for (index, group) in groups.chunks_exact(SCALE + dim.div_ceil(8)).enumerate() {
            let (scale, bits) = group.split_first_chunk::<SCALE>()?;
            let scale = f32::from_le_bytes(*scale);
            for (signs, &byte) in signs.chunks_exact_mut(8).zip(bits) {
                for (bit, sign) in signs.iter_mut().enumerate() {
                    *sign = if byte >> bit & 1 == 1 { 1 } else { -1 };
                }
            }
            for (product, token) in products.iter_mut().zip(&self.tokens) {
                *product = token.scale * scale * dot(&token.quantized, &signs) as f32;
            }
            let tokens = index * GROUP..(index + 1) * GROUP;
            for (best, part) in best.chunks_exact_mut(count).zip(parts) {
                if part.start < tokens.end && tokens.start < part.end {
                    best.iter_mut().zip(&products).for_each(|(best, product)| *best = best.max(*product));
                }
            }
        }
        let to_mean = |token: &QueryToken| {
            let products = token.rotated.iter().zip(mean).map(|(value, &byte)| value * f32::from(byte.cast_signed()));
            products.sum::<f32>() * mean_scale
        };
        let to_mean = self.tokens.iter().map(to_mean).sum::<f32>();
        let score = |best: &[f32]| Some((best.iter().sum::<f32>() + to_mean) / count as f32).filter(|s| s.is_finite());
        Some(best.chunks_exact(count).map(score).collect())
    }
}

/// The mean of rows of `dim` values, scaled to unit length.
fn unit_mean(rows: &[f32], dim: usize) -> Vec<f32> {
    super::tokens::mean(rows, dim)
}

/// `value / scale` to the nearest 8-bit integer.
fn quantize(value: f32, scale: f32) -> i8 {
    if scale > 0.0 { (value / scale).round().clamp(-127.0, 127.0) as i8 } else { 0 }
}

/// Integer products compile to vector instructions and have one result on every machine.
fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(i16::from(a) * i16::from(b))).sum()
}

/// A pseudo-random rotation: three rounds of random signs, a Walsh-Hadamard
/// transform in blocks, and a shuffle that carries values across blocks.
struct Rotation {
    dim: usize,
    /// The largest power of two that divides `dim`.
    block: usize,
}

const ROUNDS: u64 = 3;

impl Rotation {
    fn new(dim: usize) -> Self {
        Self { dim, block: if dim == 0 { 1 } else { 1 << dim.trailing_zeros() } }
    }

    fn apply(&self, row: &mut [f32]) {
        let mut random = SplitMix64(0x00a7_7e57);
        let mut shuffled = vec![0.0; self.dim];
        for _ in 0..ROUNDS {
            for value in row.iter_mut() {
                if random.next() >> 63 == 1 {
                    *value = -*value;
                }
            }
            for block in row.chunks_exact_mut(self.block) {
                walsh_hadamard(block);
            }
            let blocks = self.dim / self.block;
            for (index, value) in row.iter().enumerate() {
                // Reads block by block, writes across them: a transpose.
                shuffled[index % self.block * blocks + index / self.block] = *value;
            }
            row.copy_from_slice(&shuffled);
        }
    }
}

/// The orthonormal transform, in place; the length is a power of two.
fn walsh_hadamard(values: &mut [f32]) {
    let mut half = 1;
    while half < values.len() {
        for pair in values.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let scale = 1.0 / (values.len() as f32).sqrt();
    values.iter_mut().for_each(|value| *value *= scale);
}

/// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Unit vectors around a common direction, as a text's token vectors are.
    fn tokens(count: usize, dim: usize, seed: u64) -> TokenVectors {
        let mut random = SplitMix64(seed);
        let mut values = Vec::new();
        for _ in 0..count {
            let row: Vec<f32> =
                (0..dim).map(|i| (random.next() >> 40) as f32 / (1 << 23) as f32 - 1.0 + (i % 3) as f32).collect();
            values.extend(unit_mean(&row, dim));
        }
        TokenVectors { dim, values, offsets: vec![(0, 0); count] }
    }

    fn exact(query: &TokenVectors, passage: &TokenVectors) -> f32 {
        let rows = query.values.chunks(query.dim);
        let best = rows.map(|q| {
            let products = passage.values.chunks(passage.dim).map(|p| p.iter().zip(q).map(|(a, b)| a * b).sum::<f32>());
            products.fold(f32::NEG_INFINITY, f32::max)
        });
        best.sum::<f32>() / query.offsets.len() as f32
    }

    #[test]
    fn rotation_keeps_lengths_and_spreads_them() {
        for dim in [1, 8, 12, 384, 768, 1024] {
            let mut row = vec![0.0; dim];
            row[dim / 2] = 1.0;
            Rotation::new(dim).apply(&mut row);
            let length = row.iter().map(|value| value * value).sum::<f32>();
            assert!((length - 1.0).abs() < 1e-4, "{dim}: {length}");
            if dim >= 384 {
                let largest = row.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
                assert!(largest < 0.3, "{dim}: {largest}");
            }
        }
    }

    #[test]
    fn the_own_passage_scores_best_and_near_the_exact_value() {
        let passages: Vec<_> = (0..20).map(|seed| tokens(90, 384, seed)).collect();
        let encoded: Vec<_> = passages.iter().map(encode).collect();
        assert!(encoded.iter().all(|bytes| bytes.len() < 3000), "{}", encoded[0].len());
        for (index, passage) in passages.iter().enumerate() {
            // A question whose tokens are groups of this passage.
            let values: Vec<f32> =
                passage.values.chunks(2 * 384).step_by(9).flat_map(|group| unit_mean(group, 384)).collect();
            let query = TokenVectors { dim: 384, offsets: vec![(0, 0); values.len() / 384], values };
            let late = LateQuery::new(&query);
            let scores: Vec<f32> = encoded.iter().map(|bytes| late.score(bytes).unwrap()).collect();
            let best = (0..20).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
            assert_eq!(best, index, "{scores:?}");
            assert!((scores[index] - 1.0).abs() < 0.05, "{}", scores[index]);
            let other = (index + 1) % 20;
            assert!((scores[other] - exact(&query, &passages[other])).abs() < 0.08);
        }
    }

    #[test]
    fn the_part_that_was_asked_for_scores_best() {
        let passage = tokens(90, 384, 7);
        let encoded = encode(&passage);
        let parts = [0..20, 20..50, 50..90, 90..120, 10..10];
        for (asked, from) in [(0, 4), (1, 30), (2, 60)] {
            let values = passage.values[from * 384..(from + 6) * 384].to_vec();
            let query = LateQuery::new(&TokenVectors { dim: 384, values, offsets: vec![(0, 0); 6] });
            let scores = query.score_parts(&encoded, &parts).unwrap();
            let best = scores.iter().flatten().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(scores[asked], Some(best), "{scores:?}");
            assert!(query.score(&encoded) >= Some(best));
            assert_eq!(scores[3..], [None, None]);
        }
    }

    #[test]
    fn nothing_and_foreign_bytes_have_no_score() {
        let empty = TokenVectors { dim: 384, values: vec![], offsets: vec![] };
        let query = LateQuery::new(&tokens(3, 384, 1));
        assert_eq!(query.score(&encode(&empty)), None);
        assert_eq!(LateQuery::new(&empty).score(&encode(&tokens(3, 384, 1))), None);
        assert_eq!(query.score(&encode(&tokens(3, 768, 1))), None);
        assert_eq!(query.score(&[]), None);
        assert!(query.score(&encode(&tokens(1, 384, 1))).is_some());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let query = LateQuery::new(&tokens(2, 16, 3));
            let mut with_header = vec![VERSION, 0, 16, 0];
            with_header.extend(&bytes);
            prop_assert_eq!(query.score(&bytes[..bytes.len().min(HEADER)]), None);
            prop_assert!(query.score(&with_header).is_none_or(f32::is_finite));
        }
    }
}
