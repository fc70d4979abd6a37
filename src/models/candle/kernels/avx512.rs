//! The kernel for x86-64 with AVX-512 and VNNI: sixteen weight rows with many input rows.
//!
//! The weights of sixteen rows are unpacked once, so that a register holds four
//! neighbouring integers of each row, one row a lane. One instruction then
//! multiplies them with four inputs, the same in every lane, and adds up: the sums
//! never have to be gathered from across a register. Unpacking costs as much as
//! some ten input rows, so that this is the kernel for reading a prompt, not for
//! writing token by token.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::avx2::prefetch;
use super::format::{Block, Format, GROUP, MAX_BLOCK};
use super::inputs::QuantizedRows;

/// Weight rows that are multiplied together.
pub const WEIGHT_ROWS: usize = 16;
/// With fewer input rows than this, unpacking does not pay.
pub const FEWEST_INPUT_ROWS: usize = 24;

/// Products of one input row with the weight rows.
pub type Products = [f32; WEIGHT_ROWS];

/// The most input rows whose sums are held in registers.
const INPUT_ROWS: usize = 8;
/// Integers of one row in a register.
const QUAD: usize = 4;
const GROUPS: usize = MAX_BLOCK / GROUP;

/// Whether [`multiply_rows`] can run here.
pub fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vnni")
}

/// A block of sixteen rows, one row a lane of every register.
#[repr(C, align(64))]
struct Tile {
    /// Four neighbouring integers of each row.
    q: [[[u8; QUAD]; WEIGHT_ROWS]; MAX_BLOCK / QUAD],
    /// The scale of each group of 16 integers.
    scales: [[i32; WEIGHT_ROWS]; GROUPS],
    /// What two neighbouring groups' sums of inputs are multiplied with: the
    /// minima, or the scales times the offset.
    of_sums: [[[i16; 2]; WEIGHT_ROWS]; GROUPS / 2],
    d: [f32; WEIGHT_ROWS],
    dmin: [f32; WEIGHT_ROWS],
}

impl Tile {
    const ZERO: Self = Self {
        q: [[[0; QUAD]; WEIGHT_ROWS]; MAX_BLOCK / QUAD],
        scales: [[0; WEIGHT_ROWS]; GROUPS],
        of_sums: [[[0; 2]; WEIGHT_ROWS]; GROUPS / 2],
        d: [0.0; WEIGHT_ROWS],
        dmin: [0.0; WEIGHT_ROWS],
    };

    /// Puts `block`, that of row `row`, into its lane.
    #[inline(always)]
    fn put(&mut self, row: usize, format: Format, block: &Block) {
        let (block_len, offset) = (format.block_len(), format.offset() as i16);
        for (lanes, quad) in self.q.iter_mut().zip(block.q[..block_len].as_chunks::<QUAD>().0) {
            lanes[row] = *quad;
        }
        for group in 0..block_len / GROUP {
            self.scales[group][row] = i32::from(block.scales[group]);
            self.of_sums[group / 2][row][group % 2] =
                if format.has_mins() { block.mins[group] } else { block.scales[group] * offset };
        }
        self.d[row] = block.d;
        self.dmin[row] = block.dmin;
    }
}

/// Products of sixteen weight rows with all input rows, one element of `out` each.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma,f16c")]
pub fn multiply_rows(format: Format, weights: &[u8], inputs: &QuantizedRows, out: &mut [Products]) {
    // Formats whose scales hold for one group or for two.
    match format {
        Format::Q2K | Format::Q3K | Format::Q6K => multiply::<1>(format, weights, inputs, out),
        _ => multiply::<2>(format, weights, inputs, out),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma,f16c")]
fn multiply<const SHARED: usize>(format: Format, weights: &[u8], inputs: &QuantizedRows, out: &mut [Products]) {
    out.fill([0.0; WEIGHT_ROWS]);
    let (row_bytes, block_bytes) = (weights.len() / WEIGHT_ROWS, format.block_bytes());
    let (mut tile, mut unpacked) = (Tile::ZERO, Block::ZERO);
    for block in 0..row_bytes / block_bytes {
        for (row, bytes) in weights.chunks_exact(row_bytes).enumerate() {
            let bytes = &bytes[block * block_bytes..][..block_bytes];
            prefetch(bytes, weights.len());
            format.unpack(bytes, &mut unpacked);
            tile.put(row, format, &unpacked);
        }
        for first in (0..out.len()).step_by(INPUT_ROWS) {
            let rows = &mut out[first..(first + INPUT_ROWS).min(inputs.rows)];
            match rows.len() {
                1 => add_block::<SHARED, 1>(format, &tile, inputs, block, first, rows),
                2 => add_block::<SHARED, 2>(format, &tile, inputs, block, first, rows),
                3 => add_block::<SHARED, 3>(format, &tile, inputs, block, first, rows),
                4 => add_block::<SHARED, 4>(format, &tile, inputs, block, first, rows),
                5 => add_block::<SHARED, 5>(format, &tile, inputs, block, first, rows),
                6 => add_block::<SHARED, 6>(format, &tile, inputs, block, first, rows),
                7 => add_block::<SHARED, 7>(format, &tile, inputs, block, first, rows),
                _ => add_block::<SHARED, 8>(format, &tile, inputs, block, first, rows),
            }
        }
    }
}

/// Adds a block's part to the products of `N` input rows from `first` on.
/// `SHARED` groups have the same scale.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma,f16c")]
fn add_block<const SHARED: usize, const N: usize>(
    format: Format,
    tile: &Tile,
    inputs: &QuantizedRows,
    block: usize,
    first: usize,
    out: &mut [Products],
) {
    // The loop below is a seventh slower where it begins at an odd place of a cache line, which is the linker's
    // luck otherwise: a boundary in it makes the function's own place a multiple of it.
    // SAFETY: it emits no instruction but those that do nothing.
    unsafe { std::arch::asm!(".p2align 6", options(nomem, nostack, preserves_flags)) };
    let (block_len, groups) = (inputs.block_len, inputs.block_len / GROUP);
    let at = block * inputs.rows + first;
    let q: &[[i8; QUAD]] = inputs.q[at * block_len..(at + N) * block_len].as_chunks().0;
    let sums: &[[i16; 2]] = inputs.sums[at * groups..(at + N) * groups].as_chunks().0;
    let (quads, pairs) = (block_len / QUAD, groups / 2);

    let mut dots = [_mm512_setzero_si512(); N];
    let per_scale = SHARED * GROUP / QUAD;
    for part in 0..groups / SHARED {
        let weights: [__m512i; 8] = std::array::from_fn(|i| load(&tile.q[part * per_scale + i % per_scale]));
        let scales = load(&tile.scales[part * SHARED]);
        for n in 0..N {
            let x = &q[n * quads + part * per_scale..][..per_scale];
            let mut dot = _mm512_setzero_si512();
            for i in 0..per_scale {
                dot = _mm512_dpbusd_epi32(
                    dot,
                    weights[i],
                    _mm512_set1_epi32(i32::from_le_bytes(x[i].map(i8::cast_unsigned))),
                );
            }
            dots[n] = _mm512_add_epi32(dots[n], _mm512_mullo_epi32(dot, scales));
        }
    }
    let mut minima = [_mm512_setzero_si512(); N];
    for pair in 0..pairs {
        let of_sums = load(&tile.of_sums[pair]);
        for n in 0..N {
            let [low, high] = sums[n * pairs + pair].map(i16::cast_unsigned);
            let both = _mm512_set1_epi32((u32::from(low) | u32::from(high) << 16).cast_signed());
            minima[n] = _mm512_dpwssd_epi32(minima[n], of_sums, both);
        }
    }
    let (d, dmin) = (load_floats(&tile.d), load_floats(&tile.dmin));
    for n in 0..N {
        let input_d = _mm512_set1_ps(inputs.d[at + n]);
        let mut sum = load_floats(&out[n]);
        if format.has_mins() {
            sum = _mm512_fmadd_ps(_mm512_mul_ps(d, input_d), _mm512_cvtepi32_ps(dots[n]), sum);
            sum = _mm512_fnmadd_ps(_mm512_mul_ps(dmin, input_d), _mm512_cvtepi32_ps(minima[n]), sum);
        } else {
            let dot = _mm512_cvtepi32_ps(_mm512_sub_epi32(dots[n], minima[n]));
            sum = _mm512_fmadd_ps(_mm512_mul_ps(d, input_d), dot, sum);
        }
        // SAFETY: sixteen floats are written to an array of sixteen.
        unsafe { _mm512_storeu_ps(out[n].as_mut_ptr(), sum) };
    }
}

/// A register's worth of integers.
#[inline]
#[target_feature(enable = "avx512f")]
fn load<T: Copy>(lanes: &[T; WEIGHT_ROWS]) -> __m512i {
    const { assert!(size_of::<T>() == 4, "sixteen lanes of 32 bits") };
    // SAFETY: the array has exactly the 64 bytes that are read; alignment is not needed.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_floats(lanes: &[f32; WEIGHT_ROWS]) -> __m512 {
    // SAFETY: the array has exactly the sixteen floats that are read; alignment is not needed.
    unsafe { _mm512_loadu_ps(lanes.as_ptr()) }
}
