//! The kernels for x86-64 with AVX2.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::format::{Block, Format, GROUP};
use super::inputs::QuantizedRows;
use super::portable::accumulate;

/// Whether [`dot_row`] can run here.
pub fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

/// As [`super::portable::dot_row`], with AVX2.
#[target_feature(enable = "avx2,fma,f16c")]
pub fn dot_row(format: Format, weights: &[u8], inputs: &QuantizedRows, out: &mut [f32]) {
    // One copy of the loop a format, so that the tests on it cost nothing inside.
    match format {
        Format::Q4_0 => blocks32(Format::Q4_0, weights, inputs, out),
        Format::Q4_1 => blocks32(Format::Q4_1, weights, inputs, out),
        Format::Q5_0 => blocks32(Format::Q5_0, weights, inputs, out),
        Format::Q5_1 => blocks32(Format::Q5_1, weights, inputs, out),
        Format::Q8_0 => blocks32(Format::Q8_0, weights, inputs, out),
        Format::Q2K => blocks256(Format::Q2K, weights, inputs, out),
        Format::Q3K => blocks256(Format::Q3K, weights, inputs, out),
        Format::Q4K => blocks256(Format::Q4K, weights, inputs, out),
        Format::Q5K => blocks256(Format::Q5K, weights, inputs, out),
        Format::Q6K => blocks256(Format::Q6K, weights, inputs, out),
        Format::F32 | Format::F16 | Format::BF16 => unreachable!("float formats have no blocks"),
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn blocks256(format: Format, weights: &[u8], inputs: &QuantizedRows, out: &mut [f32]) {
    assert_eq!(inputs.block_len, 256);
    out.fill(0.0);
    let mut block = Block::ZERO;
    for (index, bytes) in weights.chunks_exact(format.block_bytes()).enumerate() {
        format.unpack(bytes, &mut block);
        let group_scales = load16(&block.scales);
        let group_mins = load16(&block.mins);
        let mut scales = [_mm256_setzero_si256(); 8];
        for (i, scales) in scales.iter_mut().enumerate() {
            let (low, high) = (_mm_set1_epi16(block.scales[2 * i]), _mm_set1_epi16(block.scales[2 * i + 1]));
            *scales = _mm256_set_m128i(high, low);
        }
        let q = block.q.as_chunks::<32>().0;
        for (row, out) in out.iter_mut().enumerate() {
            let at = index * inputs.rows + row;
            let x = inputs.q[at * 256..][..256].as_chunks::<32>().0;
            let sums = load16(inputs.sums[at * 16..].first_chunk().expect("16 sums"));
            let mut dots = _mm256_setzero_si256();
            for i in 0..8 {
                // At most 63 * 128 * 2 in 16 bits: no saturation.
                let pairs = _mm256_maddubs_epi16(load_u8(&q[i]), load_i8(&x[i]));
                dots = _mm256_add_epi32(dots, _mm256_madd_epi16(pairs, scales[i]));
            }
            if format.offset() > 0 {
                let scaled = _mm256_madd_epi16(group_scales, sums);
                dots = _mm256_sub_epi32(dots, _mm256_mullo_epi32(scaled, _mm256_set1_epi32(format.offset())));
            }
            let minima = if format.has_mins() { sum_lanes(_mm256_madd_epi16(group_mins, sums)) } else { 0 };
            *out = accumulate(format, &block, inputs.d[at], sum_lanes(dots), minima, *out);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn blocks32(format: Format, weights: &[u8], inputs: &QuantizedRows, out: &mut [f32]) {
    assert_eq!(inputs.block_len, 32);
    out.fill(0.0);
    let mut block = Block::ZERO;
    for (index, bytes) in weights.chunks_exact(format.block_bytes()).enumerate() {
        format.unpack(bytes, &mut block);
        let q = load_u8(block.q.first_chunk().expect("32 values"));
        let signed = _mm256_sub_epi8(q, _mm256_set1_epi8(format.offset() as u8 as i8));
        let magnitudes = _mm256_abs_epi8(signed);
        for (row, out) in out.iter_mut().enumerate() {
            let at = index * inputs.rows + row;
            let x = load_i8(inputs.q[at * 32..].first_chunk().expect("32 values"));
            // |w| * sign(w) x: at most 128 * 127 * 2 in 16 bits, no saturation.
            let pairs = _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(x, signed));
            let dots = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
            let sums = &inputs.sums[at * 2..][..2];
            let minima = if format.has_mins() {
                i32::from(block.mins[0]) * (i32::from(sums[0]) + i32::from(sums[1]))
            } else {
                0
            };
            *out = accumulate(format, &block, inputs.d[at], sum_lanes(dots), minima, *out);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn sum_lanes(lanes: __m256i) -> i32 {
    let four = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256::<1>(lanes));
    let two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_u8(values: &[u8; 32]) -> __m256i {
    // SAFETY: 32 bytes are read from an array of 32 bytes; alignment is not needed.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_i8(values: &[i8; 32]) -> __m256i {
    // SAFETY: 32 bytes are read from an array of 32 bytes; alignment is not needed.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load16(values: &[i16; 256 / GROUP]) -> __m256i {
    // SAFETY: 32 bytes are read from an array of 16 two-byte values; alignment is not needed.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}
