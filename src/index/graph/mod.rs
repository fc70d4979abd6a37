//! A knowledge graph without a language model.
//!
//! Writing: [`mentions()`] finds the entities of a document's passages by rules,
//! and the store keeps them as rows, in the transaction of the passages.
//!
//! - [`english`], [`chinese`], [`marked`]: what is a name or a term;
//! - [`acronyms`]: what stands for what;
//! - [`key`]: which spellings are the same entity;
//! - [`postings`]: the rows.
//!
//! Searching: [`Index::search_graph`](super::Index::search_graph) reads the
//! [`neighbourhood`] of the question's entities and of the passages that other
//! searches found, and [`rank`]s its passages by a random walk.
//!
//! Looking: [`Index::picture`](super::Index::picture) reads a part of it to be drawn.

mod acronyms;
mod chinese;
mod english;
mod key;
mod kind;
mod marked;
mod mentions;
mod neighbourhood;
mod picture;
mod postings;
mod question;
mod rank;
mod search;
mod stop;
mod words;

pub use mentions::{Mention, mentions};
pub use picture::{DrawnEntity, DrawnMention, Picture};
pub(super) use postings::{Postings, name, remove};
pub use search::{GraphHit, GraphPath, Seeds};

#[cfg(test)]
mod tests;
