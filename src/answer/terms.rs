//! The question's words and how much each of them says.

use std::collections::{BTreeMap, HashSet};

use crate::index::{analyse, instead};

/// Analysed terms (stemmed words, identifiers, Chinese words) with weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WeightedTerms {
    weights: BTreeMap<String, f32>,
    /// What may stand for a term, as "weight" for "heavy".
    instead: BTreeMap<String, Vec<String>>,
    total: f32,
}

impl WeightedTerms {
    /// The terms of `text`, each weighted by `rarity` (its inverse document frequency).
    #[must_use]
    pub fn new(text: &str, rarity: &dyn Fn(&str) -> f32) -> Self {
        let terms = analyse(text);
        let instead = instead(text, &terms);
        let weights: BTreeMap<String, f32> = terms
            .into_iter()
            .map(|term| {
                let weight = rarity(&term.text);
                (term.text, weight)
            })
            .collect();
        let total = weights.values().sum();
        Self { weights, instead, total }
    }

    /// The share of the terms' weight that `text` contains, from 0 to 1.
    #[must_use]
    pub fn coverage(&self, text: &str) -> f32 {
        if self.total <= 0.0 {
            return 0.0;
        }
        let stands = self.standing_in(text);
        self.weights.iter().filter(|(term, _)| stands(term)).map(|(_, weight)| weight).sum::<f32>() / self.total
    }

    /// The weight of the heaviest term that `text` lacks, as a share of the heaviest of all.
    #[must_use]
    pub fn heaviest_missing(&self, text: &str) -> f32 {
        let stands = self.standing_in(text);
        let most = self.weights.values().copied().fold(0.0, f32::max);
        let missing = self.weights.iter().filter(|(term, _)| !stands(term)).map(|(_, weight)| *weight);
        if most <= 0.0 { 0.0 } else { missing.fold(0.0, f32::max) / most }
    }

    /// The terms that `text` contains, in alphabetical order.
    #[must_use]
    pub fn matched(&self, text: &str) -> Vec<&str> {
        let stands = self.standing_in(text);
        self.weights.keys().filter(|term| stands(term)).map(String::as_str).collect()
    }

    /// Tells whether a term, or what may stand for it, is in `text`.
    fn standing_in(&self, text: &str) -> impl Fn(&str) -> bool {
        let present: HashSet<String> = analyse(text).into_iter().map(|term| term.text).collect();
        move |term| {
            let instead = self.instead.get(term).map_or(&[][..], Vec::as_slice);
            present.contains(term) || instead.iter().any(|term| present.contains(term))
        }
    }

    /// Whether there is no term at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }
}
