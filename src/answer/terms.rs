//! The question's words and how much each of them says.

use std::collections::{BTreeMap, HashSet};

use crate::index::analyse;

/// Analysed terms (stemmed words, identifiers, Chinese words) with weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WeightedTerms {
    weights: BTreeMap<String, f32>,
    total: f32,
}

impl WeightedTerms {
    /// The terms of `text`, each weighted by `rarity` (its inverse document frequency).
    #[must_use]
    pub fn new(text: &str, rarity: &dyn Fn(&str) -> f32) -> Self {
        let weights: BTreeMap<String, f32> = analyse(text)
            .into_iter()
            .map(|term| {
                let weight = rarity(&term.text);
                (term.text, weight)
            })
            .collect();
        let total = weights.values().sum();
        Self { weights, total }
    }

    /// The share of the terms' weight that `text` contains, from 0 to 1.
    #[must_use]
    pub fn coverage(&self, text: &str) -> f32 {
        if self.total <= 0.0 {
            return 0.0;
        }
        let present: HashSet<String> = analyse(text).into_iter().map(|term| term.text).collect();
        self.weights.iter().filter(|(term, _)| present.contains(*term)).map(|(_, weight)| weight).sum::<f32>()
            / self.total
    }

    /// The weight of the heaviest term that `text` lacks, as a share of the heaviest of all.
    #[must_use]
    pub fn heaviest_missing(&self, text: &str) -> f32 {
        let present: HashSet<String> = analyse(text).into_iter().map(|term| term.text).collect();
        let most = self.weights.values().copied().fold(0.0, f32::max);
        let missing = self.weights.iter().filter(|(term, _)| !present.contains(*term)).map(|(_, weight)| *weight);
        if most <= 0.0 { 0.0 } else { missing.fold(0.0, f32::max) / most }
    }

    /// The terms that `text` contains, in alphabetical order.
    #[must_use]
    pub fn matched(&self, text: &str) -> Vec<&str> {
        let present: HashSet<String> = analyse(text).into_iter().map(|term| term.text).collect();
        self.weights.keys().filter(|term| present.contains(*term)).map(String::as_str).collect()
    }

    /// Whether there is no term at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }
}
