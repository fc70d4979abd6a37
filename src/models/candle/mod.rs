//! Language models in GGUF files, run in this process.
//!
//! `gguf` maps the file and reads what the model is; `weights` finds its tensors;
//! `tokenizer` and `template` turn a conversation into tokens; `decoder` computes
//! the scores of the next token with `kernels`, keeping keys and values in `kv`;
//! `generator` picks tokens, some of them proposed by `lookup`, and hands over the
//! text that they make, see `writing`; `probe` reads off the model whether it knows an
//! answer, also of conversations that are looked at `aside`, and `looks` where it will find it;
//! `prefix` keeps the state after the system message on disk; `apart` reads passages
//! each by itself, and `segments` keeps what it read.
//!
//! The file format and the reference models are candle's; the decoder and its
//! kernels are our own, since candle's keep their cache private and unpack or
//! repack weights at the cost of memory.

mod apart;
mod aside;
mod decoder;
#[cfg(test)]
mod fidelity;
#[cfg(test)]
mod fixture;
mod generator;
mod gguf;
pub mod kernels;
mod kv;
mod looks;
mod lookup;
mod mapped;
mod prefix;
mod probe;
mod rope;
mod segments;
mod state_file;
mod template;
mod tokenizer;
mod weights;
mod writing;

pub use generator::CandleGenerator;
