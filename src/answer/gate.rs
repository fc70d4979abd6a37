//! Whether there is anything to answer from, before the model is asked.

use crate::answer::rerank::{Hit, Reranked};

/// The passages, if there are any worth reading.
#[derive(Clone, Debug, PartialEq)]
pub enum Gated {
    /// These may hold the answer.
    Open(Reranked),
    /// Nothing was found that could; the closest passages, if any.
    Closed {
        /// The closest passages.
        closest: Vec<Hit>,
    },
}

/// Lets the passages through unless no search found any.
#[must_use]
pub fn gate(reranked: Reranked) -> Gated {
    if reranked.hits.is_empty() { Gated::Closed { closest: reranked.hits } } else { Gated::Open(reranked) }
}
