//! Matrix products, spread over the threads.
#![allow(unsafe_code)]

use rayon::prelude::*;

use super::format::{Format, InputKind};
use super::inputs::Inputs;
use super::portable;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512, vnni};

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
        let out = Outputs { start: product.out.as_mut_ptr(), rows: inputs.rows(), stride: rows };
        let share = rows.div_ceil(rayon::current_num_threads() * TASKS_PER_THREAD).next_multiple_of(ROWS_OF_A_TASK);
        for first in (0..rows).step_by(share) {
            let last = (first + share).min(rows);
            tasks.push(Task { format, weights: &product.weights[first * row_bytes..last * row_bytes], first, out });
        }
    }
    tasks.into_par_iter().for_each(|task| task.run(inputs));
}

/// The tasks of a matrix for each thread: enough that none waits long for the
/// others, and so few that handing them out costs nothing.
const TASKS_PER_THREAD: usize = 8;
/// The weight rows of a task are a multiple of this, so that the kernels' rows come out even.
const ROWS_OF_A_TASK: usize = 64;

struct Task<'a> {
    format: Format,
    weights: &'a [u8],
    /// Index of the first weight row.
    first: usize,
    out: Outputs,
}

/// Where outputs are written: that of an input row and a weight row is at
/// `input row * stride + weight row`.
#[derive(Clone, Copy)]
struct Outputs {
    start: *mut f32,
    rows: usize,
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
        let kind = self.format.input_kind();
        let mut done = 0;
        #[cfg(target_arch = "x86_64")]
        if kind != InputKind::Float {
            if avx512::is_available() && inputs.rows() >= avx512::FEWEST_INPUT_ROWS {
                done = self.run_avx512(row_bytes, inputs);
            }
            if avx2::is_available() {
                done = self.run_avx2(done, row_bytes, inputs);
            }
        }
        let mut column = vec![0.0; inputs.rows()];
        for (offset, weights) in self.weights.chunks_exact(row_bytes).enumerate().skip(done) {
            match kind {
                InputKind::Float => self.dot_floats(weights, inputs, &mut column),
                kind => portable::dot_row(self.format, weights, inputs.quantized(kind), &mut column),
            }
            for (row, &value) in column.iter().enumerate() {
                self.write(row, offset, &[value]);
            }
        }
    }

    /// Multiplies weight rows by sixteens; returns how many rows are done then.
    #[cfg(target_arch = "x86_64")]
    fn run_avx512(&self, row_bytes: usize, inputs: &Inputs) -> usize {
        use avx512::WEIGHT_ROWS;

        let quantized = inputs.quantized(self.format.input_kind());
        let mut products = vec![[0.0; WEIGHT_ROWS]; inputs.rows()];
        let mut done = 0;
        for weights in self.weights.chunks_exact(WEIGHT_ROWS * row_bytes) {
            // SAFETY: the processor has what the function is compiled for.
            unsafe { avx512::multiply_rows(self.format, weights, quantized, &mut products) };
            for (row, products) in products.iter().enumerate() {
                self.write(row, done, products);
            }
            done += WEIGHT_ROWS;
        }
        done
    }

    /// Multiplies weight rows from `done` on by eights; returns how many rows are done then.
    #[cfg(target_arch = "x86_64")]
    fn run_avx2(&self, mut done: usize, row_bytes: usize, inputs: &Inputs) -> usize {
        use avx2::{INPUT_ROWS, WEIGHT_ROWS};

        let quantized = inputs.quantized(self.format.input_kind());
        let vnni = avx512::is_available() && vnni::serves(self.format);
        let mut products = [[0.0; WEIGHT_ROWS]; INPUT_ROWS];
        for weights in self.weights[done * row_bytes..].chunks_exact(WEIGHT_ROWS * row_bytes) {
            for first in (0..inputs.rows()).step_by(INPUT_ROWS) {
                let products = &mut products[..INPUT_ROWS.min(inputs.rows() - first)];
                // SAFETY: the processor has what each function is compiled for.
                unsafe {
                    if vnni {
                        vnni::multiply_rows(self.format, weights, quantized, first, products);
                    } else {
                        avx2::multiply_rows(self.format, weights, quantized, first, products);
                    }
                }
                for (row, products) in (first..).zip(products) {
                    self.write(row, done, products);
                }
            }
            done += WEIGHT_ROWS;
        }
        done
    }

    fn dot_floats(&self, weights: &[u8], inputs: &Inputs, column: &mut [f32]) {
        let mut floats = vec![0.0; inputs.width()];
        self.format.dequantize(weights, &mut floats);
        for (value, input) in column.iter_mut().zip(inputs.floats().chunks_exact(inputs.width())) {
            *value = portable::dot_floats(&floats, input);
        }
    }

    /// Writes the products of an input row with this task's weight rows from `offset` on.
    fn write(&self, row: usize, offset: usize, products: &[f32]) {
        let column = self.first + offset;
        assert!(column + products.len() <= self.out.stride && row < self.out.rows, "products lie in the outputs");
        // SAFETY: the place lies in the outputs, as was just checked, and no
        // other task writes the columns of this task's weight rows.
        unsafe {
            let to = self.out.start.add(row * self.out.stride + column);
            to.copy_from_nonoverlapping(products.as_ptr(), products.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};
    use proptest::prelude::*;

    use super::*;

    const FORMATS: [GgmlDType; 10] = [
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
    ];

    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut state = seed | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next() * next().exp()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// Whatever runs on this machine gives the bits of the portable kernel,
        /// for any number of rows on either side.
        #[test]
        fn kernels_agree_to_the_bit(
            format in 0..FORMATS.len(), weight_rows in 1usize..70, rows in 1usize..40, blocks in 1usize..12, seed: u64,
        ) {
            let dtype = FORMATS[format];
            let format = Format::from_ggml(dtype).unwrap();
            let width = blocks * format.block_len();
            let weights = numbers(weight_rows * width, seed);
            let weights = Tensor::from_vec(weights, (weight_rows, width), &Device::Cpu).unwrap();
            let weights = QTensor::quantize(&weights, dtype).unwrap();
            let weights = weights.data().unwrap();
            let mut inputs = Inputs::default();
            inputs.begin(rows, width).copy_from_slice(&numbers(rows * width, !seed));
            let mut got = vec![f32::NAN; rows * weight_rows];
            multiply(&mut [Product { format, weights: &weights, out: &mut got }], &mut inputs);

            let mut column = vec![0.0; rows];
            for (index, weights) in weights.chunks_exact(weights.len() / weight_rows).enumerate() {
                portable::dot_row(format, weights, inputs.quantized(format.input_kind()), &mut column);
                for (row, expected) in column.iter().enumerate() {
                    let got = got[row * weight_rows + index];
                    prop_assert_eq!(got.to_bits(), expected.to_bits(), "{:?} {} {}", format, row, index);
                }
            }
        }
    }
}
