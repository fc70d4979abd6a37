//! Answers from your own documents, where every sentence can be checked.
//!
//! A small local language model makes things up, and cites what it never read.
//! This crate does not ask it to be better than it is: it finds the passages,
//! gives the model little to read, and holds every sentence that comes back
//! against the very sentences it was given. What they carry is cited to them;
//! what they do not carry is left out; when nothing is left, the answer is that
//! the documents do not say.
//!
//! In reading order:
//!
//! - [`config`](Config): settings as written, and the checked configuration;
//! - [`models`]: the three roles of a model and what runs them;
//! - [`index`]: three indexes over one store;
//! - [`answer`]: from a question to a checked answer, one file a stage;
//! - [`Library`]: an opened data folder, and what can be done with it;
//! - [`server`]: the library over HTTP and MCP;
//! - [`wire`]: the JSON shapes that users' tools rely on.

#![deny(unsafe_code)]

pub mod answer;
mod config;
mod error;
mod heap;
pub mod index;
mod library;
pub mod models;
pub mod server;
pub mod wire;

pub use answer::{Mode, Verdict};
pub use config::{Config, Overrides, Reading, Settings};
pub use error::{Error, Result};
pub use library::{
    AddEvent, AddProgress, AddReport, AddRequest, Around, AskEvent, AskMode, AskRequest, Asked, Changed,
    CollectionStatus, Conditions, DEFAULT_COLLECTION, EXCERPTS, Embeddings, FOUND, FeedbackCase, FileFailure,
    FileWarning, GraphPicture, Library, ModelInUse, PageRequest, READER_COMMAND, Rating, Receipt, RemoveReport,
    Replayed, SearchRequest, Searched, Skipped, SourceDocument, StatusReport, TextDocument, VectorStore, Written,
    build, output_digest, run_reader,
};
pub use models::{ModelState, PullEvent, PullProgress, Registry};
pub use wire::SearchResult;
