//! Whether to answer, before the model is asked and once more when it begins.

use crate::answer::calibration::CALIBRATION;
use crate::answer::evidence::Evidence;
use crate::answer::rerank::{Hit, Reranked};

/// The passages, if they may hold the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Gated {
    /// They may. The model is let to refuse when it is surer of that than `limit`.
    Open {
        /// The passages.
        reranked: Reranked,
        /// The highest probability of a refusal at which an answer is still given.
        limit: f32,
    },
    /// They do not; the model is not asked.
    Closed {
        /// The closest passages.
        closest: Vec<Hit>,
    },
}

/// Evidence alone tells less than evidence and model together, so it closes the
/// gate only below this share of the threshold.
const ALONE: f32 = 0.5;

/// Decides from the evidence. `threshold` is how likely an answer must be, from
/// 0 (always answer) to 1.
#[must_use]
pub fn gate(reranked: Reranked, evidence: &Evidence, threshold: f32) -> Gated {
    let signals = evidence.named();
    if reranked.hits.is_empty() || CALIBRATION.gate.probability(&signals) < ALONE * threshold {
        return Gated::Closed { closest: reranked.hits };
    }
    let limit = if threshold > 0.0 { CALIBRATION.answerable.limit(&signals, threshold) } else { 1.0 };
    Gated::Open { reranked, limit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;

    fn gated(evidence: Evidence, threshold: f32) -> Gated {
        let hit = excerpt(1, "Warranty", "The warranty is 24 months.").hit;
        gate(Reranked { hits: vec![hit] }, &evidence, threshold)
    }

    #[test]
    fn nothing_found_closes_it_and_a_threshold_of_zero_opens_it() {
        let nothing = gate(Reranked { hits: Vec::new() }, &Evidence::default(), 0.0);
        assert_eq!(nothing, Gated::Closed { closest: Vec::new() });
        assert!(matches!(gated(Evidence::default(), 0.0), Gated::Open { limit, .. } if limit == 1.0));
        assert!(matches!(gated(Evidence::default(), 0.5), Gated::Closed { .. }));
    }

    #[test]
    fn better_evidence_lets_a_less_sure_model_answer() {
        let limit = |late| match gated(
            Evidence {
                late,
                dense: late,
                sentence: 0.9,
                passage: 1.0,
                anywhere: 1.0,
                kind: 0.5,
                ..Evidence::default()
            },
            0.5,
        ) {
            Gated::Open { limit, .. } => limit,
            Gated::Closed { .. } => 0.0,
        };
        assert!(limit(0.95) > limit(0.7), "{} {}", limit(0.95), limit(0.7));
    }
}
