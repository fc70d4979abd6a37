//! How good is it? Data sets, metrics and reports.
//!
//! This crate knows nothing of how Attest searches or answers: whoever runs an
//! evaluation hands in what was found, as ranked ids. In the order of a run:
//!
//! - [`Dataset`] is a folder: a corpus (texts, or files to ingest), queries,
//!   and which parts of the corpus are relevant to which query;
//! - [`sample`] takes a part of the queries, always the same one;
//! - [`Locator`] says which entries of the corpus a passage stands for;
//! - [`evaluate`] asks every query in every mode and scores the rankings
//!   with the [`metrics`];
//! - [`RetrievalSummary`] is the outcome: a table for people, one JSON object
//!   for tools, and [`write_cases`] keeps every case.
//!
//! [`answers`] holds the metrics for written answers.

#![forbid(unsafe_code)]

pub mod answers;
mod dataset;
mod evaluate;
mod locate;
pub mod metrics;
mod report;
mod sample;

pub use dataset::{Dataset, DatasetError, Entry, Part, Place, Query, Source, Variant};
pub use evaluate::{Case, Ranked, evaluate};
pub use locate::{HitPlace, Locator};
pub use report::{ReportError, RetrievalSummary, write_cases};
pub use sample::{Interval, bootstrap_mean, sample};
