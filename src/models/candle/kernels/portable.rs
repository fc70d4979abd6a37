//! The kernel in plain Rust: the reference for the others, and what runs on
//! machines that they do not know.

use super::format::{Block, Format, GROUP};
use super::inputs::QuantizedRows;

/// Products of one weight row with all input rows; `out[r]` is that of row `r`.
#[inline(always)]
pub fn dot_row(format: Format, weights: &[u8], inputs: &QuantizedRows, out: &mut [f32]) {
    out.fill(0.0);
    let (block_len, groups) = (inputs.block_len, inputs.block_len / GROUP);
    let mut block = Block::ZERO;
    for (index, bytes) in weights.chunks_exact(format.block_bytes()).enumerate() {
        format.unpack(bytes, &mut block);
        for (row, out) in out.iter_mut().enumerate() {
            let at = index * inputs.rows + row;
            let q = &inputs.q[at * block_len..][..block_len];
            let sums = &inputs.sums[at * groups..][..groups];
            let (mut dot, mut minima) = (0i32, 0i32);
            for group in 0..groups {
                let weights = &block.q[group * GROUP..][..GROUP];
                let inputs = &q[group * GROUP..][..GROUP];
                let products: i32 = weights.iter().zip(inputs).map(|(&w, &x)| i32::from(w) * i32::from(x)).sum();
                let sum = i32::from(sums[group]);
                dot += i32::from(block.scales[group]) * (products - format.offset() * sum);
                minima += i32::from(block.mins[group]) * sum;
            }
            *out = accumulate(format, &block, inputs.d[at], dot, minima, *out);
        }
    }
}

/// Adds a block's part to an output: the rule of this module in floats.
#[inline(always)]
pub fn accumulate(format: Format, block: &Block, input_d: f32, dot: i32, minima: i32, sum: f32) -> f32 {
    let sum = (block.d * input_d).mul_add(dot as f32, sum);
    if format.has_mins() { (-(block.dmin * input_d)).mul_add(minima as f32, sum) } else { sum }
}

/// Product of a weight row of a float format with one input row.
#[inline(always)]
pub fn dot_floats(weights: &[f32], inputs: &[f32]) -> f32 {
    const LANES: usize = 32;
    let mut sums = [0f32; LANES];
    let (weight_chunks, weight_rest) = weights.as_chunks::<LANES>();
    let (input_chunks, input_rest) = inputs.as_chunks::<LANES>();
    for (weights, inputs) in weight_chunks.iter().zip(input_chunks) {
        for lane in 0..LANES {
            sums[lane] = weights[lane].mul_add(inputs[lane], sums[lane]);
        }
    }
    let rest: f32 = weight_rest.iter().zip(input_rest).map(|(w, x)| w * x).sum();
    sums.iter().sum::<f32>() + rest
}
