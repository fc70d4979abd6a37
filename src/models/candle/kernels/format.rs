//! The block formats of quantized weights, and how a block is unpacked.
//!
//! Every format becomes the same [`Block`]: small unsigned integers with an
//! integer scale and minimum for each group of 16, and one or two floats.
//! Layouts: ggml's `ggml-common.h` and `ggml-quants.c`. The loops are written
//! plainly so that the compiler turns them into vector code in the functions
//! that they are inlined into.

use candle_core::quantized::GgmlDType;
use half::{bf16, f16};

/// Values of a group that shares an integer scale.
pub const GROUP: usize = 16;
/// The most values in a block.
pub const MAX_BLOCK: usize = 256;

/// How the values of a matrix are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are those of the file format")]
pub enum Format {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
}

/// How the other factor of a product must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// As floats.
    Float,
    /// As 8-bit integers with a scale for 32 values.
    Blocks32,
    /// As 8-bit integers with a scale for 256 values.
    Blocks256,
}

/// An unpacked block: value `i` is
/// `d * scales[i / 16] * (q[i] - offset) - dmin * mins[i / 16]`,
/// where the offset is that of the [`Format`].
#[derive(Clone)]
#[repr(C, align(64))]
pub struct Block {
    /// The integers; formats of 32 values use the first 32.
    pub q: [u8; MAX_BLOCK],
    /// Scales of groups.
    pub scales: [i16; MAX_BLOCK / GROUP],
    /// Minima of groups; zero where the format has none.
    pub mins: [i16; MAX_BLOCK / GROUP],
    /// Factor of the scales.
    pub d: f32,
    /// Factor of the minima.
    pub dmin: f32,
}

impl Block {
    /// A block to unpack into.
    pub const ZERO: Self =
        Self { q: [0; MAX_BLOCK], scales: [0; MAX_BLOCK / GROUP], mins: [0; MAX_BLOCK / GROUP], d: 0.0, dmin: 0.0 };
}

impl Format {
    /// All formats, each at the index of its discriminant.
    pub const ALL: [Self; 13] = [
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q2K,
        Self::Q3K,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
    ];

    /// The format of a tensor in a file; `None` for those only used in memory.
    pub fn from_ggml(dtype: GgmlDType) -> Option<Self> {
        Some(match dtype {
            GgmlDType::F32 => Self::F32,
            GgmlDType::F16 => Self::F16,
            GgmlDType::BF16 => Self::BF16,
            GgmlDType::Q4_0 => Self::Q4_0,
            GgmlDType::Q4_1 => Self::Q4_1,
            GgmlDType::Q5_0 => Self::Q5_0,
            GgmlDType::Q5_1 => Self::Q5_1,
            GgmlDType::Q8_0 => Self::Q8_0,
            GgmlDType::Q2K => Self::Q2K,
            GgmlDType::Q3K => Self::Q3K,
            GgmlDType::Q4K => Self::Q4K,
            GgmlDType::Q5K => Self::Q5K,
            GgmlDType::Q6K => Self::Q6K,
            GgmlDType::Q8_1 | GgmlDType::Q8K => return None,
        })
    }

    /// Values in a block.
    pub const fn block_len(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::BF16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q2K | Self::Q3K | Self::Q4K | Self::Q5K | Self::Q6K => 256,
        }
    }

    /// Bytes of a block.
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q2K => 84,
            Self::Q3K => 110,
            Self::Q4K => 144,
            Self::Q5K => 176,
            Self::Q6K => 210,
        }
    }

    /// What a product with this format takes.
    pub const fn input_kind(self) -> InputKind {
        match self.block_len() {
            1 => InputKind::Float,
            32 => InputKind::Blocks32,
            _ => InputKind::Blocks256,
        }
    }

    /// What is taken from the unpacked integers; always a power of two or zero.
    pub const fn offset(self) -> i32 {
        match self {
            Self::Q3K => 4,
            Self::Q4_0 => 8,
            Self::Q5_0 => 16,
            Self::Q6K => 32,
            Self::Q8_0 => 128,
            _ => 0,
        }
    }

    /// Whether groups have minima.
    pub const fn has_mins(self) -> bool {
        matches!(self, Self::Q4_1 | Self::Q5_1 | Self::Q2K | Self::Q4K | Self::Q5K)
    }

    /// Unpacks one block of an integer format from its first [`Format::block_bytes`] bytes.
    #[inline(always)]
    pub fn unpack(self, bytes: &[u8], block: &mut Block) {
        match self {
            Self::Q4_0 => {
                let bytes: &[u8; 18] = first(bytes);
                simple(block, half(bytes, 0), 0.0);
                nibbles(&bytes[2..18], &mut block.q[..32]);
            }
            Self::Q4_1 => {
                let bytes: &[u8; 20] = first(bytes);
                simple(block, half(bytes, 0), -half(bytes, 2));
                nibbles(&bytes[4..20], &mut block.q[..32]);
            }
            Self::Q5_0 => {
                let bytes: &[u8; 22] = first(bytes);
                simple(block, half(bytes, 0), 0.0);
                nibbles(&bytes[6..22], &mut block.q[..32]);
                fifth_bits(u32::from_le_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]), &mut block.q[..32]);
            }
            Self::Q5_1 => {
                let bytes: &[u8; 24] = first(bytes);
                simple(block, half(bytes, 0), -half(bytes, 2));
                nibbles(&bytes[8..24], &mut block.q[..32]);
                fifth_bits(u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]), &mut block.q[..32]);
            }
            Self::Q8_0 => {
                let bytes: &[u8; 34] = first(bytes);
                simple(block, half(bytes, 0), 0.0);
                for (q, &byte) in block.q[..32].iter_mut().zip(&bytes[2..34]) {
                    *q = byte ^ 0x80;
                }
            }
            Self::Q2K => unpack_q2k(first(bytes), block),
            Self::Q3K => unpack_q3k(first(bytes), block),
            Self::Q4K => unpack_q4k(first(bytes), block),
            Self::Q5K => unpack_q5k(first(bytes), block),
            Self::Q6K => unpack_q6k(first(bytes), block),
            Self::F32 | Self::F16 | Self::BF16 => unreachable!("float formats have no blocks"),
        }
    }

    /// The values of a row as floats.
    pub fn dequantize(self, bytes: &[u8], out: &mut [f32]) {
        match self {
            Self::F32 => {
                for (value, bytes) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *value = f32::from_le_bytes(*bytes);
                }
            }
            Self::F16 => {
                for (value, bytes) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *value = f16::from_le_bytes(*bytes).to_f32();
                }
            }
            Self::BF16 => {
                for (value, bytes) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *value = bf16::from_le_bytes(*bytes).to_f32();
                }
            }
            _ => {
                let mut block = Block::ZERO;
                let blocks = bytes.chunks_exact(self.block_bytes());
                for (values, bytes) in out.chunks_exact_mut(self.block_len()).zip(blocks) {
                    self.unpack(bytes, &mut block);
                    for (i, value) in values.iter_mut().enumerate() {
                        let q = i32::from(block.q[i]) - self.offset();
                        *value = block.d * f32::from(block.scales[i / GROUP]) * q as f32
                            - block.dmin * f32::from(block.mins[i / GROUP]);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn first<const N: usize>(bytes: &[u8]) -> &[u8; N] {
    bytes.first_chunk().expect("a block's bytes")
}

#[inline(always)]
fn half(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

/// The scales of a format that has only floats.
#[inline(always)]
fn simple(block: &mut Block, d: f32, dmin: f32) {
    block.d = d;
    block.dmin = dmin;
    block.scales[..2].fill(1);
    block.mins[..2].fill(i16::from(dmin != 0.0));
}

/// 16 bytes hold values 0..16 in their low and 16..32 in their high halves.
#[inline(always)]
fn nibbles(bytes: &[u8], q: &mut [u8]) {
    for i in 0..16 {
        q[i] = bytes[i] & 15;
        q[i + 16] = bytes[i] >> 4;
    }
}

#[inline(always)]
fn fifth_bits(bits: u32, q: &mut [u8]) {
    for (i, q) in q.iter_mut().enumerate() {
        *q |= (((bits >> i) & 1) as u8) << 4;
    }
}

#[inline(always)]
fn unpack_q2k(bytes: &[u8; 84], block: &mut Block) {
    for (i, both) in bytes[..16].iter().enumerate() {
        block.scales[i] = i16::from(both & 15);
        block.mins[i] = i16::from(both >> 4);
    }
    for half in 0..2 {
        for part in 0..4 {
            for i in 0..32 {
                block.q[half * 128 + part * 32 + i] = (bytes[16 + half * 32 + i] >> (2 * part)) & 3;
            }
        }
    }
    block.d = self::half(bytes, 80);
    block.dmin = self::half(bytes, 82);
}

#[inline(always)]
fn unpack_q3k(bytes: &[u8; 110], block: &mut Block) {
    let (high, low, packed) = (&bytes[..32], &bytes[32..96], &bytes[96..108]);
    for half in 0..2 {
        for part in 0..4 {
            for i in 0..32 {
                let two = (low[half * 32 + i] >> (2 * part)) & 3;
                let third = (high[i] >> (half * 4 + part)) & 1;
                block.q[half * 128 + part * 32 + i] = two | (third << 2);
            }
        }
    }
    for i in 0..16 {
        let four = if i < 8 { packed[i] & 15 } else { packed[i - 8] >> 4 };
        let two = (packed[8 + i % 4] >> (2 * (i / 4))) & 3;
        block.scales[i] = i16::from(four | (two << 4)) - 32;
    }
    block.mins.fill(0);
    block.d = self::half(bytes, 108);
    block.dmin = 0.0;
}

/// The eight 6-bit scales and minima of Q4_K and Q5_K, each for two groups.
#[inline(always)]
fn six_bit_scales(packed: &[u8], block: &mut Block) {
    for i in 0..8 {
        let (scale, min) = if i < 4 {
            (packed[i] & 63, packed[i + 4] & 63)
        } else {
            let both = packed[i + 4];
            ((both & 15) | ((packed[i - 4] >> 6) << 4), (both >> 4) | ((packed[i] >> 6) << 4))
        };
        block.scales[2 * i] = i16::from(scale);
        block.scales[2 * i + 1] = i16::from(scale);
        block.mins[2 * i] = i16::from(min);
        block.mins[2 * i + 1] = i16::from(min);
    }
}

#[inline(always)]
fn unpack_q4k(bytes: &[u8; 144], block: &mut Block) {
    block.d = half(bytes, 0);
    block.dmin = half(bytes, 2);
    six_bit_scales(&bytes[4..16], block);
    for part in 0..4 {
        for i in 0..32 {
            let both = bytes[16 + part * 32 + i];
            block.q[part * 64 + i] = both & 15;
            block.q[part * 64 + 32 + i] = both >> 4;
        }
    }
}

#[inline(always)]
fn unpack_q5k(bytes: &[u8; 176], block: &mut Block) {
    block.d = half(bytes, 0);
    block.dmin = half(bytes, 2);
    six_bit_scales(&bytes[4..16], block);
    for part in 0..4 {
        for i in 0..32 {
            let (high, both) = (bytes[16 + i], bytes[48 + part * 32 + i]);
            block.q[part * 64 + i] = (both & 15) | (((high >> (2 * part)) & 1) << 4);
            block.q[part * 64 + 32 + i] = (both >> 4) | (((high >> (2 * part + 1)) & 1) << 4);
        }
    }
}

#[inline(always)]
fn unpack_q6k(bytes: &[u8; 210], block: &mut Block) {
    for half in 0..2 {
        for i in 0..32 {
            let (a, b) = (bytes[half * 64 + i], bytes[half * 64 + 32 + i]);
            let high = bytes[128 + half * 32 + i];
            let q = &mut block.q[half * 128..half * 128 + 128];
            q[i] = (a & 15) | ((high & 3) << 4);
            q[i + 32] = (b & 15) | (((high >> 2) & 3) << 4);
            q[i + 64] = (a >> 4) | (((high >> 4) & 3) << 4);
            q[i + 96] = (b >> 4) | ((high >> 6) << 4);
        }
    }
    for i in 0..16 {
        block.scales[i] = i16::from(bytes[192 + i] as i8);
    }
    block.mins.fill(0);
    block.d = half(bytes, 208);
    block.dmin = 0.0;
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn formats_are_at_their_indices() {
        for (index, &format) in Format::ALL.iter().enumerate() {
            assert_eq!(format as usize, index);
        }
    }

    /// Every format must give what candle's own dequantization gives.
    #[test]
    fn dequantizes_as_candle_does() {
        let values: Vec<f32> =
            (0..1024).map(|i| ((i * 7919) % 1013) as f32 / 507.0 - 1.0 + i as f32 / 4096.0).collect();
        let tensor = Tensor::from_vec(values, (2, 512), &Device::Cpu).unwrap();
        for dtype in [
            GgmlDType::F32,
            GgmlDType::F16,
            GgmlDType::BF16,
            GgmlDType::Q4_0,
            GgmlDType::Q4_1,
            GgmlDType::Q5_0,
            GgmlDType::Q5_1,
            GgmlDType::Q8_0,
            GgmlDType::Q2K,
            GgmlDType::Q3K,
            GgmlDType::Q4K,
            GgmlDType::Q5K,
            GgmlDType::Q6K,
        ] {
            let quantized = QTensor::quantize(&tensor, dtype).unwrap();
            let expected: Vec<f32> =
                quantized.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            let format = Format::from_ggml(dtype).unwrap();
            let mut got = vec![0.0; expected.len()];
            format.dequantize(&quantized.data().unwrap(), &mut got);
            for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
                assert!((got - expected).abs() < 1e-5, "{dtype:?} value {i}: {got} instead of {expected}");
            }
        }
    }
}
