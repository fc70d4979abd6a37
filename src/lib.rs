//! Answers from your own documents, where every sentence can be checked.

#![deny(unsafe_code)]

mod error;
pub mod index;
pub mod models;

pub use error::{Error, Result};
