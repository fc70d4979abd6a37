//! Probabilities from signals, by logistic regression.
//!
//! The weights are fitted by `attest eval fit` on the reports of `attest eval
//! answers` and are part of the program (`data/calibration.toml`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A logistic model: the probability is the logistic function of the bias plus
/// the weighted sum of the signals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    /// The constant term.
    pub bias: f32,
    /// The weight of each signal, by name.
    pub weights: BTreeMap<String, f32>,
}

/// The fitted models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Whether sources carry a sentence, from `verify::Signals`.
    pub support: Logistic,
    /// Whether the passages hold the answer, from `Evidence` alone.
    pub gate: Logistic,
    /// Whether they do, from `Evidence` and from how sure the model is.
    pub answerable: Logistic,
    /// Whether a sentence answers the question: from how likely the answer stands on it by where the
    /// model looked (`looked`), how likely it answers when it is read alone (`alone`), and how sure the model is
    /// of all passages that there is no answer (`refusal`), each as log-odds.
    pub quote: Logistic,
}

/// The fitted models of this version.
pub static CALIBRATION: LazyLock<Calibration> = LazyLock::new(|| {
    toml::from_str(include_str!("../../data/calibration.toml")).expect("a test reads the calibration")
});

impl Logistic {
    /// The probability for these signals. Signals without a weight do not count.
    #[must_use]
    pub fn probability(&self, signals: &[(&str, f32)]) -> f32 {
        let sum: f32 = signals.iter().map(|(name, value)| self.weights.get(*name).unwrap_or(&0.0) * value).sum();
        logistic(self.bias + sum)
    }

    /// The highest probability of a refusal at which this model's probability
    /// still reaches `least`. The model weighs the refusal's log-odds as the
    /// signal `refusal`, and their product with the signal `x` as `refusal_x`.
    #[must_use]
    pub fn limit(&self, signals: &[(&str, f32)], least: f32) -> f32 {
        let weight: f32 = self
            .weights
            .iter()
            .filter_map(|(name, weight)| {
                let by = name.strip_prefix(REFUSAL)?;
                let times = match by.strip_prefix('_') {
                    None => 1.0,
                    Some(by) => signals.iter().find(|(name, _)| *name == by).map_or(0.0, |(_, value)| *value),
                };
                Some(weight * times)
            })
            .sum();
        let without = logit(self.probability(signals));
        if weight < 0.0 {
            logistic((logit(least) - without) / weight)
        } else if without >= logit(least) {
            1.0
        } else {
            0.0
        }
    }
}

/// The signal of how sure the model is that there is no answer, as log-odds.
pub const REFUSAL: &str = "refusal";

/// The log-odds of a probability, kept finite.
#[must_use]
pub fn logit(probability: f32) -> f32 {
    let p = probability.clamp(1e-4, 1.0 - 1e-4);
    (p / (1.0 - p)).ln()
}

fn logistic(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logistic_function_of_the_weighted_sum() {
        let model = Logistic { bias: -1.0, weights: BTreeMap::from([("a".into(), 2.0), ("b".into(), -1.0)]) };
        assert!((model.probability(&[("a", 0.5), ("c", 9.0)]) - 0.5).abs() < 1e-6);
        // -1 + 2 - 1 = 0; -1 + 4 = 3.
        assert!((model.probability(&[("a", 1.0), ("b", 1.0)]) - 0.5).abs() < 1e-6);
        assert!((model.probability(&[("a", 2.0)]) - 0.952_574).abs() < 1e-5);
        // -1 + 2 a - (0.5 + 0.5 a) r = 0 with a = 1: the limit is the logistic function of 1.
        let weights = [("a", 2.0), ("refusal", -0.5), ("refusal_a", -0.5)].map(|(name, w)| (name.to_owned(), w));
        let model = Logistic { bias: -1.0, weights: BTreeMap::from(weights) };
        assert!((model.limit(&[("a", 1.0)], 0.5) - 0.731_059).abs() < 1e-5);
    }

    #[test]
    fn the_weights_of_this_version_name_signals_that_exist() {
        let known: Vec<&str> =
            crate::answer::verify::Signals::default().named().iter().map(|(name, _)| *name).collect();
        assert!(CALIBRATION.support.weights.keys().all(|name| known.contains(&name.as_str())));
        let known: Vec<&str> = crate::answer::Evidence::default().named().iter().map(|(name, _)| *name).collect();
        assert!(CALIBRATION.gate.weights.keys().all(|name| known.contains(&name.as_str())));
    }
}
