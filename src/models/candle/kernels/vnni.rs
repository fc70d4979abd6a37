//! The kernel for x86-64 with AVX-512 and VNNI: eight weight rows with up to eight input rows.
//!
//! As the one with AVX2, for the two formats that models are mostly made of, with
//! half as many instructions: 64 integers are multiplied and added up by fours at
//! once, and the scales are multiplied with sums instead of with pairs. It is what
//! a token costs that is written by itself, when every weight is read for one row.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use half::f16;

use super::avx2::{
    Products, WEIGHT_ROWS, add_up, floats, load, load_half, minima_of_groups, prefetch, six_bits, store,
};
use super::format::Format;
use super::inputs::QuantizedRows;

/// Whether [`multiply_rows`] has this format.
pub const fn serves(format: Format) -> bool {
    matches!(format, Format::Q4K | Format::Q6K)
}

/// Products of eight weight rows with the input rows from `first` on, one for
/// each element of `out`, of which there are at most eight.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma,f16c")]
pub fn multiply_rows(format: Format, weights: &[u8], inputs: &QuantizedRows, first: usize, out: &mut [Products]) {
    let short = weights.len() / WEIGHT_ROWS < FEW_BLOCKS * format.block_bytes();
    // One copy of the loop for each format and number of rows: the compiler
    // keeps everything in registers then.
    macro_rules! copies {
        ($q6k:literal) => {
            match out.len() {
                1 if short => row_by_row::<$q6k>(weights, inputs, first, &mut out[0]),
                1 => blocks::<$q6k, 1>(weights, inputs, first, out),
                2 => blocks::<$q6k, 2>(weights, inputs, first, out),
                3 => blocks::<$q6k, 3>(weights, inputs, first, out),
                4 => blocks::<$q6k, 4>(weights, inputs, first, out),
                5 => blocks::<$q6k, 5>(weights, inputs, first, out),
                6 => blocks::<$q6k, 6>(weights, inputs, first, out),
                7 => blocks::<$q6k, 7>(weights, inputs, first, out),
                _ => blocks::<$q6k, 8>(weights, inputs, first, out),
            }
        };
    }
    match format {
        Format::Q4K => copies!(false),
        Format::Q6K => copies!(true),
        _ => unreachable!("the caller asks whether the format is served"),
    }
}

/// A block of 256 in registers: the integers in order, the scale of each four
/// of them, and what is multiplied with the sums of groups of inputs.
struct Unpacked {
    q: [__m512i; 4],
    scales: [__m512i; 4],
    /// The minima, or the scales times the offset.
    of_sums: __m256i,
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma,f16c")]
fn blocks<const Q6K: bool, const N: usize>(weights: &[u8], inputs: &QuantizedRows, first: usize, out: &mut [Products]) {
    let format = const { if Q6K { Format::Q6K } else { Format::Q4K } };
    let row_bytes = weights.len() / WEIGHT_ROWS;
    let (d_at, dmin_at) = if Q6K { (208, 208) } else { (0, 2) };
    let mut sums = [_mm256_setzero_ps(); N];
    // Written anew for each block; out here they are not cleared in between.
    let mut dots = [[_mm256_setzero_si256(); WEIGHT_ROWS]; N];
    let mut of_sums = [_mm256_setzero_si256(); WEIGHT_ROWS];
    for (block, start) in (0..row_bytes).step_by(format.block_bytes()).enumerate() {
        let (mut d, mut dmin) = ([0u16; WEIGHT_ROWS], [0u16; WEIGHT_ROWS]);
        let at = block * inputs.rows + first;
        let x: &[[i8; 256]] = &inputs.q[at * 256..].as_chunks().0[..N];
        let group_sums: &[[i16; 16]] = &inputs.sums[at * 16..].as_chunks().0[..N];
        for row in 0..WEIGHT_ROWS {
            let bytes = &weights[row * row_bytes + start..][..format.block_bytes()];
            prefetch(bytes, weights.len());
            d[row] = u16::from_le_bytes([bytes[d_at], bytes[d_at + 1]]);
            dmin[row] = u16::from_le_bytes([bytes[dmin_at], bytes[dmin_at + 1]]);
            let unpacked = if Q6K { unpack_q6k(bytes) } else { unpack_q4k(bytes) };
            let mut lanes = [_mm512_setzero_si512(); N];
            for i in 0..4 {
                for n in 0..N {
                    // At most 4 * 63 * 128 in 32 bits: exact.
                    let fours = _mm512_dpbusd_epi32(_mm512_setzero_si512(), unpacked.q[i], load_64(&x[n][i * 64..]));
                    lanes[n] = _mm512_add_epi32(lanes[n], _mm512_mullo_epi32(fours, unpacked.scales[i]));
                }
            }
            of_sums[row] = unpacked.of_sums;
            for n in 0..N {
                let (low, high) = (_mm512_castsi512_si256(lanes[n]), _mm512_extracti64x4_epi64::<1>(lanes[n]));
                let mut both = _mm256_add_epi32(low, high);
                if !format.has_mins() {
                    both = _mm256_sub_epi32(both, _mm256_madd_epi16(unpacked.of_sums, load(&group_sums[n])));
                }
                dots[n][row] = both;
            }
        }
        let (d, dmin) = (floats(&d), floats(&dmin));
        for n in 0..N {
            let input_d = _mm256_set1_ps(inputs.d[at + n]);
            let dot = _mm256_cvtepi32_ps(add_up(&dots[n]));
            sums[n] = _mm256_fmadd_ps(_mm256_mul_ps(d, input_d), dot, sums[n]);
            if format.has_mins() {
                let group_sums = load(&group_sums[n]);
                let minima = of_sums.map(|minima| _mm256_madd_epi16(minima, group_sums));
                let minima = _mm256_cvtepi32_ps(add_up(&minima));
                sums[n] = _mm256_fnmadd_ps(_mm256_mul_ps(dmin, input_d), minima, sums[n]);
            }
        }
    }
    store(&sums, out);
}

/// Rows of fewer blocks are read one after the other when there is one input
/// row; longer ones eight side by side.
const FEW_BLOCKS: usize = 16;

/// How far ahead of the weights in use others are asked for, in bytes.
const AHEAD: usize = 4096;

/// The products of one input row, the weights read in the order in which they
/// lie: eight short rows side by side are over before memory has caught up.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma,f16c")]
fn row_by_row<const Q6K: bool>(weights: &[u8], inputs: &QuantizedRows, first: usize, out: &mut Products) {
    let format = const { if Q6K { Format::Q6K } else { Format::Q4K } };
    let (d_at, dmin_at) = if Q6K { (208, 208) } else { (0, 2) };
    let x: &[[i8; 256]] = inputs.q.as_chunks().0;
    let group_sums: &[[i16; 16]] = inputs.sums.as_chunks().0;
    for (row, out) in weights.chunks_exact(weights.len() / WEIGHT_ROWS).zip(out) {
        let mut sum = 0.0_f32;
        for (block, bytes) in row.chunks_exact(format.block_bytes()).enumerate() {
            let at = block * inputs.rows + first;
            prefetch(bytes, AHEAD);
            let unpacked = if Q6K { unpack_q6k(bytes) } else { unpack_q4k(bytes) };
            let mut lanes = _mm512_setzero_si512();
            for i in 0..4 {
                // At most 4 * 63 * 128 in 32 bits: exact.
                let fours = _mm512_dpbusd_epi32(_mm512_setzero_si512(), unpacked.q[i], load_64(&x[at][i * 64..]));
                lanes = _mm512_add_epi32(lanes, _mm512_mullo_epi32(fours, unpacked.scales[i]));
            }
            let of_sums = _mm256_madd_epi16(unpacked.of_sums, load(&group_sums[at]));
            let half = |at: usize| f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32();
            let input_d = inputs.d[at];
            if format.has_mins() {
                sum = (half(d_at) * input_d).mul_add(_mm512_reduce_add_epi32(lanes) as f32, sum);
                let minima = _mm512_reduce_add_epi32(_mm512_zextsi256_si512(of_sums));
                sum = (-(half(dmin_at) * input_d)).mul_add(minima as f32, sum);
            } else {
                let dot = _mm512_sub_epi32(lanes, _mm512_zextsi256_si512(of_sums));
                sum = (half(d_at) * input_d).mul_add(_mm512_reduce_add_epi32(dot) as f32, sum);
            }
        }
        *out = sum;
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx2")]
fn unpack_q4k(bytes: &[u8]) -> Unpacked {
    let six = six_bits(&bytes[4..]);
    let scales = _mm512_castsi256_si512(_mm256_cvtepu8_epi32(six));
    let low = _mm512_set1_epi8(15);
    let q = std::array::from_fn(|part| {
        // First the low halves of 32 bytes, then their high ones.
        let both = load(&bytes[16 + part * 32..]);
        let spread = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(both), _mm256_srli_epi16::<4>(both));
        _mm512_and_si512(spread, low)
    });
    let scales = std::array::from_fn(|part| {
        let (a, b) = (2 * part as i32, 2 * part as i32 + 1);
        _mm512_permutexvar_epi32(_mm512_setr_epi32(a, a, a, a, a, a, a, a, b, b, b, b, b, b, b, b), scales)
    });
    Unpacked { q, scales, of_sums: minima_of_groups(six) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx2")]
fn unpack_q6k(bytes: &[u8]) -> Unpacked {
    let (low, two) = (_mm512_set1_epi8(15), _mm512_set1_epi8(0x30));
    // By how much the two bits of the first and of the second 32 integers are shifted.
    let shifts = |first, second| {
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(_mm256_set1_epi16(first)), _mm256_set1_epi16(second))
    };
    let (left, right) = (shifts(4, 2), shifts(0, 2));
    let mut q = [_mm512_setzero_si512(); 4];
    for half in 0..2 {
        let fours = load_64(&bytes[half * 64..]);
        let twos = _mm512_broadcast_i64x4(load(&bytes[128 + half * 32..]));
        let join = |fours, twos| _mm512_or_si512(_mm512_and_si512(fours, low), _mm512_and_si512(twos, two));
        q[half * 2] = join(fours, _mm512_sllv_epi16(twos, left));
        q[half * 2 + 1] = join(_mm512_srli_epi16::<4>(fours), _mm512_srlv_epi16(twos, right));
    }
    let groups = load_half(&bytes[192..]);
    let all = _mm512_cvtepi8_epi32(groups);
    let scales = std::array::from_fn(|i| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|group| 4 * i as i32 + group);
        _mm512_permutexvar_epi32(_mm512_setr_epi32(a, a, a, a, b, b, b, b, c, c, c, c, d, d, d, d), all)
    });
    Unpacked { q, scales, of_sums: _mm256_slli_epi16::<5>(_mm256_cvtepi8_epi16(groups)) }
}

/// The first 64 bytes of a slice.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_64<T: Copy>(values: &[T]) -> __m512i {
    assert!(size_of_val(values) >= 64, "a whole register of values");
    // SAFETY: the slice has at least 64 bytes; alignment is not needed.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}
