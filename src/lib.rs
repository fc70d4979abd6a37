//! Answers from your own documents, where every sentence can be checked.

#![deny(unsafe_code)]

mod config;
mod error;
pub mod index;
pub mod models;

pub use config::{Config, Overrides, Settings};
pub use error::{Error, Result};
