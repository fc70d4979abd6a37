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
//! For written answers: [`answers`] holds the metrics, an [`AnswerCase`] is one judged
//! answer, [`plant`] makes true sentences wrong, [`AnswerSummary`] is the outcome, and
//! [`html`] the report for readers. [`logistic`] fits probabilities to such reports.

#![forbid(unsafe_code)]

mod answer_case;
mod answer_report;
mod answer_summary;
pub mod answers;
mod dataset;
mod evaluate;
mod injections;
mod locate;
pub mod logistic;
pub mod metrics;
mod plant;
mod report;
mod sample;
mod tradeoff;

pub use answer_case::{AnswerCase, CheckedCase, JudgedCitation, Planting, holds_answer};
pub use answer_report::{Curve, curves, html};
pub use answer_summary::{ANSWER_METRICS, AnswerMetrics, AnswerSummary, plantings};
pub use dataset::{Dataset, DatasetError, Entry, Part, Place, Query, Source, Variant};
pub use evaluate::{Case, Ranked, evaluate};
pub use injections::{Attack, attacks, succeeded};
pub use locate::{HitPlace, Locator};
pub use plant::{PlantKind, Planted, names, plant};
pub use report::{ReportError, RetrievalSummary, write_cases};
pub use sample::{Interval, bootstrap, bootstrap_mean, sample, stratified, wilson};
pub use tradeoff::{Outcome, Tradeoff};
