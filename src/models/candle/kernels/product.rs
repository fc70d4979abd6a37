//! Matrix products, spread over the threads.
#![allow(unsafe_code)]

use rayon::prelude::*;

use super::format::{Format, InputKind};
use super::inputs::{Inputs, QuantizedRows};
use super::portable;
#[cfg(target_arch = "x86_64")]
use super::x86;

/// A matrix to multiply with, and where the outputs go.
pub struct Product<'a> {
    /// How the weights are stored.
    pub format: Format,
    /// The weights, row after row.
    pub weights: &'a [u8],
    /// `input rows x weight rows` outputs.
    pub out: &'a mut [f32],
}

/// Multiplies the inputs with each of the matrices, all of the inputs' width.
///
/// # Panics
/// When the sizes do not fit each other.
pub fn multiply(products: &mut [Product<'_>], inputs: &mut Inputs) {
    for product in products.iter() {
        inputs.prepare(product.format.input_kind());
    }
    let inputs = &*inputs;
    let mut tasks = Vec::new();
    for product in products.iter_mut() {
        let format = product.format;
        let row_bytes = inputs.width() / format.block_len() * format.block_bytes();
        let rows = product.weights.len() / row_bytes;
        assert_eq!(inputs.width() % format.block_len(), 0, "rows of whole blocks");
        assert_eq!(product.weights.len(), rows * row_bytes, "whole rows of weights");
        assert_eq!(product.out.len(), rows * inputs.rows(), "one output a weight row and input row");
        let out = Outputs { start: product.out.as_mut_ptr(), stride: rows };
        for first in (0..rows).step_by(ROWS_PER_TASK) {
            let last = (first + ROWS_PER_TASK).min(rows);
            tasks.push(Task { format, weights: &product.weights[first * row_bytes..last * row_bytes], first, out });
        }
    }
    tasks.into_par_iter().for_each(|task| task.run(inputs));
}

/// Weight rows that a thread takes at a time.
const ROWS_PER_TASK: usize = 64;

struct Task<'a> {
    format: Format,
    weights: &'a [u8],
    /// Index of the first weight row.
    first: usize,
    out: Outputs,
}

/// Where outputs are written: element `(input row, weight row)` is at
/// `input row * stride + weight row`.
#[derive(Clone, Copy)]
struct Outputs {
    start: *mut f32,
    stride: usize,
}

// SAFETY: the pointer comes from an exclusive borrow that outlives the parallel
// loop, and each task writes the columns of its own weight rows only.
unsafe impl Send for Outputs {}
// SAFETY: as above.
unsafe impl Sync for Outputs {}

impl Task<'_> {
    fn run(&self, inputs: &Inputs) {
        let row_bytes = inputs.width() / self.format.block_len() * self.format.block_bytes();
        let mut column = vec![0.0; inputs.rows()];
        for (offset, weights) in self.weights.chunks_exact(row_bytes).enumerate() {
            match self.format.input_kind() {
                InputKind::Float => self.dot_floats(weights, inputs, &mut column),
                kind => dot_row(self.format, weights, inputs.quantized(kind), &mut column),
            }
            for (row, &value) in column.iter().enumerate() {
                // SAFETY: `row` is below the number of input rows and the weight
                // row below the stride, so the place lies in the outputs; no
                // other task writes this weight row's column.
                unsafe { self.out.start.add(row * self.out.stride + self.first + offset).write(value) };
            }
        }
    }

    fn dot_floats(&self, weights: &[u8], inputs: &Inputs, column: &mut [f32]) {
        let mut floats = vec![0.0; inputs.width()];
        self.format.dequantize(weights, &mut floats);
        for (value, input) in column.iter_mut().zip(inputs.floats().chunks_exact(inputs.width())) {
            *value = portable::dot_floats(&floats, input);
        }
    }
}

fn dot_row(format: Format, weights: &[u8], inputs: &QuantizedRows, out: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if x86::has_avx2() {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { x86::dot_row(format, weights, inputs, out) };
    }
    portable::dot_row(format, weights, inputs, out);
}
