//! Whether to answer, before the model is asked and once more when it begins.

use crate::answer::calibration::CALIBRATION;
use crate::answer::evidence::Evidence;
use crate::answer::rerank::{Hit, Reranked};

/// Whether the passages may hold the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Gated {
    /// They may. The model is let to refuse when it is surer of that than `limit`.
    Open {
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

/// Where there is no calibrated evidence, the model refuses when it is surer than this.
const WITHOUT_EVIDENCE: f32 = 0.8;

/// Decides from the evidence. `threshold` is how likely an answer must be, from
/// 0 (always answer) to 1. Without evidence that the weights were fitted to
/// (another embedding model, a search that could not take part), the model
/// alone decides.
#[must_use]
pub fn gate(reranked: &Reranked, evidence: Option<&Evidence>, threshold: f32) -> Gated {
    match limit(evidence, threshold).filter(|_| !reranked.hits.is_empty()) {
        Some(limit) => Gated::Open { limit },
        None => Gated::Closed { closest: reranked.hits.clone() },
    }
}

/// Whether a question with this evidence is refused at `threshold`, if the
/// model, once asked, thinks so with the probability `doubt`.
#[must_use]
pub fn refuses(evidence: Option<&Evidence>, doubt: Option<f32>, threshold: f32) -> bool {
    limit(evidence, threshold).is_none_or(|limit| doubt.is_some_and(|doubt| doubt > limit))
}

/// The highest probability of a refusal at which an answer is still given; none
/// when the evidence alone closes the gate.
fn limit(evidence: Option<&Evidence>, threshold: f32) -> Option<f32> {
    if threshold <= 0.0 {
        return Some(1.0);
    }
    let Some(signals) = evidence.filter(|evidence| evidence.is_complete()).map(Evidence::named) else {
        return Some(WITHOUT_EVIDENCE);
    };
    let alone = CALIBRATION.gate.probability(&signals);
    (alone >= ALONE * threshold).then(|| CALIBRATION.answerable.limit(&signals, threshold))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;

    fn gated(evidence: Evidence, threshold: f32) -> Gated {
        let hit = excerpt(1, "Warranty", "The warranty is 24 months.").hit;
        gate(&Reranked { hits: vec![hit] }, Some(&evidence), threshold)
    }

    #[test]
    fn nothing_found_closes_it_and_a_threshold_of_zero_opens_it() {
        let nothing = gate(&Reranked { hits: Vec::new() }, None, 0.0);
        assert_eq!(nothing, Gated::Closed { closest: Vec::new() });
        let weak = Evidence { late: 0.5, dense: 0.5, ..Evidence::default() };
        assert!(matches!(gated(weak, 0.0), Gated::Open { limit } if limit == 1.0));
        assert!(matches!(gated(weak, 0.5), Gated::Closed { .. }));
    }

    #[test]
    fn a_refusal_is_what_the_gate_would_do() {
        let good =
            Evidence { late: 0.87, dense: 0.87, sentence: 0.9, passage: 1.0, anywhere: 1.0, ..Evidence::default() };
        let weak = Evidence { late: 0.5, dense: 0.5, ..Evidence::default() };
        assert!(refuses(Some(&weak), None, 0.5) && !refuses(Some(&weak), Some(0.99), 0.0));
        let Gated::Open { limit } = gated(good, 0.3) else { panic!("{good:?}") };
        assert!(!refuses(Some(&good), Some(limit), 0.3));
        assert!(limit == 1.0 || refuses(Some(&good), Some(limit + 1e-3), 0.3));
        assert!(refuses(None, Some(0.81), 0.3) && !refuses(None, Some(0.79), 0.3));
    }

    #[test]
    fn without_a_search_by_meaning_the_model_decides() {
        // Scores that are missing say nothing about the documents.
        assert!(matches!(gated(Evidence::default(), 0.5), Gated::Open { limit } if limit == WITHOUT_EVIDENCE));
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
            Gated::Open { limit } => limit,
            Gated::Closed { .. } => 0.0,
        };
        assert!(limit(0.95) > limit(0.7), "{} {}", limit(0.95), limit(0.7));
    }
}
