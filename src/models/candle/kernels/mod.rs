//! Products of quantized matrices with 8-bit inputs: the work of a language model.
//!
//! One rule fixes every result to the bit. For an output of an integer format,
//! block after block of the weight row: the dot product of the scaled integers
//! is computed exactly, in 32-bit integers; then it is added as
//! `sum = fma(d * input_d, dot, sum)`, followed for formats with minima by
//! `sum = fma(-dmin * input_d, minima, sum)`. So the portable kernel and the
//! vector kernels agree exactly, and it makes no difference how many rows are
//! computed at once: a kept prefix and a fresh one give the same text.

mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod floats;
mod format;
mod inputs;
mod portable;
mod product;
#[cfg(target_arch = "x86_64")]
mod vnni;

pub use attention::{Attention, attend, weigh};
pub use floats::{multiply_silu, normalize};
pub use format::Format;
pub use inputs::Inputs;
pub use product::{Product, multiply};
