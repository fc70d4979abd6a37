//! The other factor of a product: rows of floats, quantized to 8 bits.

use rayon::prelude::*;

use super::format::{GROUP, InputKind};

/// Rows of floats and their 8-bit forms, made once for all the matrices that
/// they are multiplied with. The buffers are kept from call to call.
#[derive(Default)]
pub struct Inputs {
    rows: usize,
    width: usize,
    floats: Vec<f32>,
    blocks32: QuantizedRows,
    blocks256: QuantizedRows,
}

/// Rows as 8-bit integers, block after block: all rows of the first block come
/// first, so that a kernel which walks along the blocks reads memory in order.
#[derive(Default)]
pub struct QuantizedRows {
    /// Values in a block, 32 or 256; zero when there is nothing.
    pub block_len: usize,
    /// Number of rows.
    pub rows: usize,
    /// The integers, `[blocks][rows][block_len]`.
    pub q: Vec<i8>,
    /// The value of 1 in each block, `[blocks][rows]`.
    pub d: Vec<f32>,
    /// Sums of groups of 16 integers, `[blocks][rows][block_len / 16]`.
    pub sums: Vec<i16>,
}

impl Inputs {
    /// Room for `rows` rows of `width` floats, to be filled by the caller; the
    /// previous ones are gone.
    pub fn begin(&mut self, rows: usize, width: usize) -> &mut [f32] {
        self.rows = rows;
        self.width = width;
        self.blocks32.block_len = 0;
        self.blocks256.block_len = 0;
        grow(&mut self.floats, rows * width);
        &mut self.floats[..rows * width]
    }

    /// Makes the form that a format needs, unless it is there.
    pub fn prepare(&mut self, kind: InputKind) {
        match kind {
            InputKind::Float => {}
            InputKind::Blocks32 => self.blocks32.quantize(&self.floats[..self.rows * self.width], self.width, 32),
            InputKind::Blocks256 => self.blocks256.quantize(&self.floats[..self.rows * self.width], self.width, 256),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Length of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The rows as they were given.
    pub fn floats(&self) -> &[f32] {
        &self.floats[..self.rows * self.width]
    }

    /// The rows in 8 bits; they must have been prepared.
    pub fn quantized(&self, kind: InputKind) -> &QuantizedRows {
        match kind {
            InputKind::Blocks32 => &self.blocks32,
            InputKind::Blocks256 => &self.blocks256,
            InputKind::Float => unreachable!("floats are not quantized"),
        }
    }
}

impl QuantizedRows {
    fn quantize(&mut self, floats: &[f32], width: usize, block_len: usize) {
        if self.block_len == block_len {
            return;
        }
        let (rows, blocks, groups) = (floats.len() / width, width / block_len, block_len / GROUP);
        self.block_len = block_len;
        self.rows = rows;
        // Only grown, never cleared: every element in use is written below.
        grow(&mut self.q, floats.len());
        grow(&mut self.d, rows * blocks);
        grow(&mut self.sums, rows * blocks * groups);
        let parts = self.q[..floats.len()]
            .par_chunks_mut(rows * block_len)
            .zip(self.d[..rows * blocks].par_chunks_mut(rows))
            .zip(self.sums[..rows * blocks * groups].par_chunks_mut(rows * groups))
            .enumerate();
        // Waking other threads costs more than a few rows do.
        let min_blocks = if floats.len() < 1 << 14 { blocks } else { 1 };
        parts.with_min_len(min_blocks).for_each(|(block, ((q, d), sums))| {
            for row in 0..rows {
                let values = &floats[row * width + block * block_len..][..block_len];
                let q = &mut q[row * block_len..][..block_len];
                d[row] = match block_len {
                    32 => quantize32(values, q),
                    _ => quantize256(values, q),
                };
                for (sum, group) in sums[row * groups..][..groups].iter_mut().zip(q.as_chunks::<GROUP>().0) {
                    *sum = group.iter().map(|&q| i16::from(q)).sum();
                }
            }
        });
    }
}

fn grow<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
}

/// ggml's `quantize_row_q8_0`: the largest value becomes 127, and the scale is
/// rounded to a half float as if it were stored.
fn quantize32(values: &[f32], q: &mut [i8]) -> f32 {
    let largest = values.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    let d = largest / 127.0;
    let inverse = if d > 0.0 { 1.0 / d } else { 0.0 };
    for (q, value) in q.iter_mut().zip(values) {
        *q = (value * inverse).round() as i8;
    }
    half::f16::from_f32(d).to_f32()
}

/// ggml's `quantize_row_q8_K`: the value of the largest magnitude becomes -127.
fn quantize256(values: &[f32], q: &mut [i8]) -> f32 {
    let (least, most) = values.iter().fold((0f32, 0f32), |(least, most), &value| (least.min(value), most.max(value)));
    let extreme = if -least > most {
        least
    } else if most > -least {
        most
    } else {
        // Of two values of the same magnitude, the first one decides.
        values.iter().copied().find(|value| value.abs() == most).unwrap_or(0.0)
    };
    if extreme == 0.0 {
        q.fill(0);
        return 0.0;
    }
    let inverse = -127.0 / extreme;
    for (q, &value) in q.iter_mut().zip(values) {
        *q = (inverse * value).round().clamp(-127.0, 127.0) as i8;
    }
    1.0 / inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_in_order() {
        let mut inputs = Inputs::default();
        let floats: Vec<f32> = (0..128).map(|i| if i < 64 { 1.0 } else { -2.0 }).collect();
        inputs.begin(2, 64).copy_from_slice(&floats);
        inputs.prepare(InputKind::Blocks32);
        let quantized = inputs.quantized(InputKind::Blocks32);
        assert_eq!(quantized.q[..32], [127; 32]);
        assert_eq!(quantized.q[32..64], [-127; 32]);
        assert_eq!(quantized.sums[..4], [16 * 127, 16 * 127, -16 * 127, -16 * 127]);
        assert!((quantized.d[1] * 127.0 - 2.0).abs() < 1e-3);
    }

    #[test]
    fn values_come_back() {
        let mut inputs = Inputs::default();
        let floats: Vec<f32> = (0..512).map(|i| (i as f32 * 0.37).sin() * 3.0).collect();
        inputs.begin(1, 512).copy_from_slice(&floats);
        inputs.prepare(InputKind::Blocks256);
        let quantized = inputs.quantized(InputKind::Blocks256);
        for (i, value) in floats.iter().enumerate() {
            assert!((f32::from(quantized.q[i]) * quantized.d[i / 256] - value).abs() < 3.0 / 127.0);
        }
    }

    #[test]
    fn zeros_stay_zero() {
        let mut inputs = Inputs::default();
        inputs.begin(1, 256).fill(0.0);
        inputs.prepare(InputKind::Blocks256);
        assert!(inputs.quantized(InputKind::Blocks256).q.iter().all(|&q| q == 0));
    }
}
