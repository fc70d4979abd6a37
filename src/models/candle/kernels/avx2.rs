//! The kernel for x86-64 with AVX2: eight weight rows with up to eight input rows.
//!
//! The 32-bit sums of a product lie in the eight lanes of a register; those of
//! eight weight rows are added up together, which leaves one row a lane. The
//! weights are unpacked into registers and used for all input rows at once.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::format::Format;
use super::inputs::QuantizedRows;

/// Weight rows that are multiplied together.
pub const WEIGHT_ROWS: usize = 8;
/// The most input rows that are multiplied together.
pub const INPUT_ROWS: usize = 8;

/// Products of one input row with the weight rows.
pub type Products = [f32; WEIGHT_ROWS];

/// Whether [`multiply_rows`] can run here.
pub fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

/// Products of eight weight rows with the input rows from `first` on, one for
/// each element of `out`, of which there are at most [`INPUT_ROWS`].
#[target_feature(enable = "avx2,fma,f16c")]
pub fn multiply_rows(format: Format, weights: &[u8], inputs: &QuantizedRows, first: usize, out: &mut [Products]) {
    // One copy of the loop for each format and number of rows: the compiler
    // keeps everything in registers then.
    macro_rules! copies {
        ($($kernel:ident: $($format:ident)*;)*) => {
            match format {
                $($(Format::$format => match out.len() {
                    1 => $kernel::<{ Format::$format as u8 }, 1>(weights, inputs, first, out),
                    2 => $kernel::<{ Format::$format as u8 }, 2>(weights, inputs, first, out),
                    3 => $kernel::<{ Format::$format as u8 }, 3>(weights, inputs, first, out),
                    4 => $kernel::<{ Format::$format as u8 }, 4>(weights, inputs, first, out),
                    5 => $kernel::<{ Format::$format as u8 }, 5>(weights, inputs, first, out),
                    6 => $kernel::<{ Format::$format as u8 }, 6>(weights, inputs, first, out),
                    7 => $kernel::<{ Format::$format as u8 }, 7>(weights, inputs, first, out),
                    _ => $kernel::<{ Format::$format as u8 }, 8>(weights, inputs, first, out),
                },)*)*
                Format::F32 | Format::F16 | Format::BF16 => unreachable!("float formats have no blocks"),
            }
        };
    }
    copies! {
        small_blocks: Q4_0 Q4_1 Q5_0 Q5_1 Q8_0;
        large_blocks: Q2K Q3K Q4K Q5K Q6K;
    }
}

/// A block of 256 in registers: the integers, their scales in 16 bits, and what
/// is multiplied with the sums of groups of inputs.
struct Large {
    q: [__m256i; 8],
    scales: [__m256i; 8],
    /// The minima, or the scales times the offset.
    of_sums: __m256i,
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn large_blocks<const FORMAT: u8, const N: usize>(
    weights: &[u8],
    inputs: &QuantizedRows,
    first: usize,
    out: &mut [Products],
) {
    let format = const { Format::ALL[FORMAT as usize] };
    let row_bytes = weights.len() / WEIGHT_ROWS;
    let (d_at, dmin_at) = match format {
        Format::Q2K => (80, 82),
        Format::Q3K => (108, 108),
        Format::Q6K => (208, 208),
        _ => (0, 2),
    };
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
            let large = match format {
                Format::Q2K => unpack_q2k(bytes),
                Format::Q3K => unpack_q3k(bytes),
                Format::Q4K => unpack_q4k(bytes),
                Format::Q5K => unpack_q5k(bytes),
                _ => unpack_q6k(bytes),
            };
            let mut lanes = [_mm256_setzero_si256(); N];
            for i in 0..8 {
                for n in 0..N {
                    // At most 63 * 128 * 2 in 16 bits: no saturation.
                    let pairs = _mm256_maddubs_epi16(large.q[i], load(&x[n][i * 32..]));
                    lanes[n] = _mm256_add_epi32(lanes[n], _mm256_madd_epi16(pairs, large.scales[i]));
                }
            }
            of_sums[row] = large.of_sums;
            for n in 0..N {
                if !format.has_mins() {
                    let offsets = _mm256_madd_epi16(large.of_sums, load(&group_sums[n]));
                    lanes[n] = _mm256_sub_epi32(lanes[n], offsets);
                }
                dots[n][row] = lanes[n];
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

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn small_blocks<const FORMAT: u8, const N: usize>(
    weights: &[u8],
    inputs: &QuantizedRows,
    first: usize,
    out: &mut [Products],
) {
    let format = const { Format::ALL[FORMAT as usize] };
    let row_bytes = weights.len() / WEIGHT_ROWS;
    let mut sums = [_mm256_setzero_ps(); N];
    // Written anew for each block; out here they are not cleared in between.
    let mut dots = [[_mm256_setzero_si256(); WEIGHT_ROWS]; N];
    for (block, start) in (0..row_bytes).step_by(format.block_bytes()).enumerate() {
        let (mut d, mut min) = ([0u16; WEIGHT_ROWS], [0u16; WEIGHT_ROWS]);
        let at = block * inputs.rows + first;
        let x: &[[i8; 32]] = &inputs.q[at * 32..].as_chunks().0[..N];
        let group_sums: &[[i16; 2]] = &inputs.sums[at * 2..].as_chunks().0[..N];
        for row in 0..WEIGHT_ROWS {
            let bytes = &weights[row * row_bytes + start..][..format.block_bytes()];
            prefetch(bytes, weights.len());
            d[row] = u16::from_le_bytes([bytes[0], bytes[1]]);
            min[row] = u16::from_le_bytes([bytes[2], bytes[3]]);
            let q = match format {
                Format::Q4_0 => nibbles(&bytes[2..]),
                Format::Q4_1 => nibbles(&bytes[4..]),
                Format::Q5_0 => _mm256_or_si256(nibbles(&bytes[6..]), fifth_bits(&bytes[2..])),
                Format::Q5_1 => _mm256_or_si256(nibbles(&bytes[8..]), fifth_bits(&bytes[4..])),
                _ => load(&bytes[2..]),
            };
            for n in 0..N {
                let x = load(&x[n]);
                let pairs = match format {
                    // |w| * sign(w) x: at most 128 * 127 * 2 in 16 bits, no saturation.
                    Format::Q8_0 => _mm256_maddubs_epi16(_mm256_abs_epi8(q), _mm256_sign_epi8(x, q)),
                    _ => _mm256_maddubs_epi16(q, x),
                };
                dots[n][row] = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
            }
        }
        let (d, min) = (floats(&d), floats(&min));
        for n in 0..N {
            let input_d = _mm256_set1_ps(inputs.d[at + n]);
            let sum = i32::from(group_sums[n][0]) + i32::from(group_sums[n][1]);
            let mut dot = add_up(&dots[n]);
            if format.offset() > 0 && format != Format::Q8_0 {
                dot = _mm256_sub_epi32(dot, _mm256_set1_epi32(format.offset() * sum));
            }
            sums[n] = _mm256_fmadd_ps(_mm256_mul_ps(d, input_d), _mm256_cvtepi32_ps(dot), sums[n]);
            if format.has_mins() {
                sums[n] = _mm256_fmadd_ps(_mm256_mul_ps(min, input_d), _mm256_set1_ps(sum as f32), sums[n]);
            }
        }
    }
    store(&sums, out);
}

/// The sums of the lanes of each register, one a lane.
#[inline]
#[target_feature(enable = "avx2")]
pub fn add_up(rows: &[__m256i; WEIGHT_ROWS]) -> __m256i {
    let pairs = |a: usize| _mm256_hadd_epi32(rows[a], rows[a + 1]);
    let low = _mm256_hadd_epi32(pairs(0), pairs(2));
    let high = _mm256_hadd_epi32(pairs(4), pairs(6));
    _mm256_add_epi32(_mm256_permute2x128_si256::<0x20>(low, high), _mm256_permute2x128_si256::<0x31>(low, high))
}

/// Eight half floats as floats.
#[inline]
#[target_feature(enable = "avx2,f16c")]
pub fn floats(halves: &[u16; WEIGHT_ROWS]) -> __m256 {
    _mm256_cvtph_ps(load_half(halves))
}

#[inline]
#[target_feature(enable = "avx2")]
pub fn store(sums: &[__m256], out: &mut [Products]) {
    for (out, &sums) in out.iter_mut().zip(sums) {
        // SAFETY: eight floats are written to an array of eight.
        unsafe { _mm256_storeu_ps(out.as_mut_ptr(), sums) };
    }
}

/// Sixteen bytes hold 32 values: first their low halves, then their high ones.
#[inline]
#[target_feature(enable = "avx2")]
fn nibbles(bytes: &[u8]) -> __m256i {
    let both = load_half(bytes);
    let spread = _mm256_set_m128i(_mm_srli_epi16::<4>(both), both);
    _mm256_and_si256(spread, _mm256_set1_epi8(15))
}

/// 32 bits as the fifth bits of 32 values.
#[inline]
#[target_feature(enable = "avx2")]
fn fifth_bits(bytes: &[u8]) -> __m256i {
    let bits = _mm256_set1_epi32(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    // Byte i gets the byte that holds bit i, and keeps this bit only.
    let holder = _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
    let own = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64 as i64);
    let held = _mm256_and_si256(_mm256_shuffle_epi8(bits, holder), own);
    _mm256_and_si256(_mm256_cmpeq_epi8(held, own), _mm256_set1_epi8(16))
}

#[inline]
#[target_feature(enable = "avx2")]
fn unpack_q4k(bytes: &[u8]) -> Large {
    let (scales, of_sums) = six_bit_scales(&bytes[4..]);
    let low = _mm256_set1_epi8(15);
    let mut q = [_mm256_setzero_si256(); 8];
    for part in 0..4 {
        let both = load(&bytes[16 + part * 32..]);
        q[2 * part] = _mm256_and_si256(both, low);
        q[2 * part + 1] = _mm256_and_si256(_mm256_srli_epi16::<4>(both), low);
    }
    Large { q, scales, of_sums }
}

#[inline]
#[target_feature(enable = "avx2")]
fn unpack_q5k(bytes: &[u8]) -> Large {
    let (scales, of_sums) = six_bit_scales(&bytes[4..]);
    let (low, fifth) = (_mm256_set1_epi8(15), _mm256_set1_epi8(16));
    let mut high = load(&bytes[16..]);
    let mut q = [_mm256_setzero_si256(); 8];
    for part in 0..4 {
        let both = load(&bytes[48 + part * 32..]);
        let first = _mm256_and_si256(_mm256_slli_epi16::<4>(high), fifth);
        let second = _mm256_and_si256(_mm256_slli_epi16::<3>(high), fifth);
        q[2 * part] = _mm256_or_si256(_mm256_and_si256(both, low), first);
        q[2 * part + 1] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16::<4>(both), low), second);
        high = _mm256_srli_epi16::<2>(high);
    }
    Large { q, scales, of_sums }
}

#[inline]
#[target_feature(enable = "avx2")]
fn unpack_q6k(bytes: &[u8]) -> Large {
    let (low, two) = (_mm256_set1_epi8(15), _mm256_set1_epi8(0x30));
    let mut q = [_mm256_setzero_si256(); 8];
    for half in 0..2 {
        let (a, b) = (load(&bytes[half * 64..]), load(&bytes[half * 64 + 32..]));
        let high = load(&bytes[128 + half * 32..]);
        let join = |four: __m256i, two_bits: __m256i| {
            _mm256_or_si256(_mm256_and_si256(four, low), _mm256_and_si256(two_bits, two))
        };
        q[half * 4] = join(a, _mm256_slli_epi16::<4>(high));
        q[half * 4 + 1] = join(b, _mm256_slli_epi16::<2>(high));
        q[half * 4 + 2] = join(_mm256_srli_epi16::<4>(a), high);
        q[half * 4 + 3] = join(_mm256_srli_epi16::<4>(b), _mm256_srli_epi16::<2>(high));
    }
    let groups = _mm256_cvtepi8_epi16(load_half(&bytes[192..]));
    Large { q, scales: for_groups(groups), of_sums: _mm256_slli_epi16::<5>(groups) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn unpack_q2k(bytes: &[u8]) -> Large {
    let two = _mm256_set1_epi8(3);
    let mut q = [_mm256_setzero_si256(); 8];
    for half in 0..2 {
        let mut four = load(&bytes[16 + half * 32..]);
        for part in 0..4 {
            q[half * 4 + part] = _mm256_and_si256(four, two);
            four = _mm256_srli_epi16::<2>(four);
        }
    }
    let both = load_half(bytes);
    let low = _mm_set1_epi8(15);
    let groups = _mm256_cvtepu8_epi16(_mm_and_si128(both, low));
    let minima = _mm256_cvtepu8_epi16(_mm_and_si128(_mm_srli_epi16::<4>(both), low));
    Large { q, scales: for_groups(groups), of_sums: minima }
}

#[inline]
#[target_feature(enable = "avx2")]
fn unpack_q3k(bytes: &[u8]) -> Large {
    let (two, third) = (_mm256_set1_epi8(3), _mm256_set1_epi8(4));
    let one = _mm256_set1_epi8(1);
    let mut high = load(bytes);
    let mut q = [_mm256_setzero_si256(); 8];
    for half in 0..2 {
        let mut four = load(&bytes[32 + half * 32..]);
        for part in 0..4 {
            let bit = _mm256_and_si256(_mm256_slli_epi16::<2>(_mm256_and_si256(high, one)), third);
            q[half * 4 + part] = _mm256_or_si256(_mm256_and_si256(four, two), bit);
            four = _mm256_srli_epi16::<2>(four);
            high = _mm256_srli_epi16::<1>(high);
        }
    }
    // Sixteen scales of 6 bits: 4 low bits in 8 bytes, 2 high bits in 4 bytes.
    let packed = &bytes[96..108];
    let word = |at: usize| u32::from_le_bytes([packed[at], packed[at + 1], packed[at + 2], packed[at + 3]]);
    let (a, b, c) = (word(0), word(4), word(8));
    let join = |low: u32, high: u32| ((low & 0x0F0F_0F0F) | ((high & 0x0303_0303) << 4)) as i32;
    let six = _mm_setr_epi32(join(a, c), join(b, c >> 2), join(a >> 4, c >> 4), join(b >> 4, c >> 6));
    let groups = _mm256_cvtepi8_epi16(_mm_sub_epi8(six, _mm_set1_epi8(32)));
    Large { q, scales: for_groups(groups), of_sums: _mm256_slli_epi16::<2>(groups) }
}

/// The eight 6-bit scales of Q4_K and Q5_K spread over their 32 values each, and
/// the minima of the sixteen groups.
#[inline]
#[target_feature(enable = "avx2")]
fn six_bit_scales(packed: &[u8]) -> ([__m256i; 8], __m256i) {
    let six = six_bits(packed);
    let scales = _mm256_permute4x64_epi64::<0b01_00_01_00>(_mm256_cvtepu8_epi16(six));
    let mut spread = [_mm256_setzero_si256(); 8];
    for (i, spread) in spread.iter_mut().enumerate() {
        let own = i as i16 * 2;
        *spread = _mm256_shuffle_epi8(scales, _mm256_set1_epi16((own + 1) << 8 | own));
    }
    (spread, minima_of_groups(six))
}

/// The eight 6-bit scales of Q4_K and Q5_K, then their eight minima, a byte each.
#[inline]
#[target_feature(enable = "avx2")]
pub fn six_bits(packed: &[u8]) -> __m128i {
    let word = |at: usize| u32::from_le_bytes([packed[at], packed[at + 1], packed[at + 2], packed[at + 3]]);
    let (a, b, c) = (word(0), word(4), word(8));
    let join = |low: u32, high: u32| ((low & 0x0F0F_0F0F) | ((high & 0x0303_0303) << 4)) as i32;
    _mm_setr_epi32((a & 0x3F3F_3F3F) as i32, join(c, a >> 6), (b & 0x3F3F_3F3F) as i32, join(c >> 4, b >> 6))
}

/// The minima among [`six_bits`], one for each group of 16 in 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
pub fn minima_of_groups(six: __m128i) -> __m256i {
    let minima = _mm256_extracti128_si256::<1>(_mm256_cvtepu8_epi16(six));
    _mm256_set_m128i(_mm_unpackhi_epi16(minima, minima), _mm_unpacklo_epi16(minima, minima))
}

/// Sixteen scales of groups, spread over the 16 values of each.
#[inline]
#[target_feature(enable = "avx2")]
fn for_groups(scales: __m256i) -> [__m256i; 8] {
    let first = _mm256_permute4x64_epi64::<0b01_00_01_00>(scales);
    let second = _mm256_permute4x64_epi64::<0b11_10_11_10>(scales);
    let mut spread = [_mm256_setzero_si256(); 8];
    for (i, spread) in spread.iter_mut().enumerate() {
        let own = (i % 4) as i16 * 4;
        let (low, high) = ((own + 1) << 8 | own, (own + 3) << 8 | (own + 2));
        let choice = _mm256_set_m128i(_mm_set1_epi16(high), _mm_set1_epi16(low));
        *spread = _mm256_shuffle_epi8(if i < 4 { first } else { second }, choice);
    }
    spread
}

/// Asks for what lies `ahead` bytes behind `bytes`: the rows are read in turn, so that
/// the processor does not see by itself where it goes on.
#[inline]
pub fn prefetch(bytes: &[u8], ahead: usize) {
    for line in (0..bytes.len()).step_by(64) {
        // SAFETY: a hint, which has no effect for an address that does not exist.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(bytes.as_ptr().wrapping_add(line + ahead).cast()) };
    }
}

/// The first 32 bytes of a slice.
#[inline]
#[target_feature(enable = "avx2")]
pub fn load<T: Copy>(values: &[T]) -> __m256i {
    assert!(size_of_val(values) >= 32, "a whole register of values");
    // SAFETY: the slice has at least 32 bytes; alignment is not needed.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

/// The first 16 bytes of a slice.
#[inline]
#[target_feature(enable = "avx2")]
pub fn load_half<T: Copy>(values: &[T]) -> __m128i {
    assert!(size_of_val(values) >= 16, "half a register of values");
    // SAFETY: the slice has at least 16 bytes; alignment is not needed.
    unsafe { _mm_loadu_si128(values.as_ptr().cast()) }
}
