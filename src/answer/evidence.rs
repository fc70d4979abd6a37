//! What retrieval alone tells about whether the passages hold the answer.
//!
//! Everything is measured in one place: the passage and the sentence that fit
//! the question best. A passage about the Six-Day War has most of the words of a
//! question about the Seven-Day War, but not the one that counts.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::answer::excerpt::Packed;
use crate::answer::fit::Fit;
use crate::answer::names::names;
use crate::answer::question::is_han;
use crate::answer::rerank::{Hit, Reranked};
use crate::answer::terms::WeightedTerms;
use crate::answer::verify::facts::{identifiers, numbers};

/// Signals from 0 to 1, higher where an answer is more likely, unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Evidence {
    /// Share of the weight of the question's words in the best sentence, its headings and its neighbours.
    pub sentence: f32,
    /// Share of the weight of the question's words in the best passage and its headings.
    pub passage: f32,
    /// The same over all passages together: the words that are nowhere.
    pub anywhere: f32,
    /// Weight of the heaviest word that the best passage lacks, as a share of the heaviest; lower is better.
    pub missing: f32,
    /// Share of the question's numbers and identifiers that the best passage lacks; lower is better.
    pub exact_missing: f32,
    /// Share of the question's proper names that the best passage lacks; lower is better.
    pub names_missing: f32,
    /// Whether the best sentence holds the kind of thing that is asked for; one half where the question does not tell.
    pub kind: f32,
    /// Late-interaction score of the best passage, the mean over the question's tokens.
    pub late: f32,
    /// Cosine of the best passage by meaning.
    pub dense: f32,
    /// By how much the best late-interaction score is above the mean of the passages found.
    pub late_margin: f32,
    /// By how much the best cosine is above the mean of the passages found.
    pub dense_margin: f32,
    /// Whether the question is Chinese; scores of the embedding model are higher there.
    pub chinese: f32,
}

impl Evidence {
    /// Gathers the signals from the passages, read whole (`packed`).
    #[must_use]
    pub fn new(question: &str, terms: &WeightedTerms, reranked: &Reranked, packed: &Packed, fits: &[Fit]) -> Self {
        let texts: Vec<String> = packed
            .excerpts
            .iter()
            .map(|shown| format!("{}\n{}\n{}", shown.source, shown.hit.passage.context, shown.hit.passage.text))
            .collect();
        let fit = fits.first();
        let (exact, wanted) = (exact(question), names(question));
        let best =
            texts.iter().max_by(|a, b| terms.coverage(a).total_cmp(&terms.coverage(b))).map_or("", String::as_str);
        let lower = best.to_lowercase();
        let mean = |score: &dyn Fn(&Hit) -> Option<f32>| {
            let scores: Vec<f32> = reranked.hits.iter().filter_map(score).collect();
            scores.iter().sum::<f32>() / scores.len().max(1) as f32
        };
        let highest = |score: &dyn Fn(&Hit) -> Option<f32>| reranked.hits.iter().filter_map(score).fold(0.0, f32::max);
        let late = |hit: &Hit| hit.rerank.map(|place| place.score);
        let dense = |hit: &Hit| hit.places.dense.map(|place| place.score);
        Self {
            sentence: fit.map_or(0.0, |fit| fit.coverage),
            passage: terms.coverage(best),
            anywhere: terms.coverage(&texts.join("\n")),
            missing: terms.heaviest_missing(best),
            exact_missing: share_missing(&exact, |item| self::exact(best).contains(item)),
            names_missing: share_missing(&wanted, |name| lower.contains(&name.to_lowercase())),
            kind: fit.and_then(|fit| fit.right_kind).map_or(0.5, |right| if right { 1.0 } else { 0.0 }),
            late: highest(&late),
            dense: highest(&dense),
            late_margin: highest(&late) - mean(&late),
            dense_margin: highest(&dense) - mean(&dense),
            chinese: f32::from(u8::from(question.chars().any(is_han))),
        }
    }

    /// Whether the search by meaning and the second look took part; without
    /// their scores the others cannot be weighed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.late > 0.0 && self.dense > 0.0
    }

    /// The signals by name.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, f32); 12] {
        [
            ("sentence", self.sentence),
            ("passage", self.passage),
            ("anywhere", self.anywhere),
            ("missing", self.missing),
            ("exact_missing", self.exact_missing),
            ("names_missing", self.names_missing),
            ("kind", self.kind),
            ("late", self.late),
            ("dense", self.dense),
            ("late_margin", self.late_margin),
            ("dense_margin", self.dense_margin),
            ("chinese", self.chinese),
        ]
    }
}

fn exact(text: &str) -> HashSet<String> {
    numbers(text).into_iter().chain(identifiers(text)).collect()
}

fn share_missing(wanted: &HashSet<String>, held: impl Fn(&String) -> bool) -> f32 {
    if wanted.is_empty() {
        return 0.0;
    }
    wanted.iter().filter(|item| !held(item)).count() as f32 / wanted.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;

    fn evidence(question: &str, text: &str) -> Evidence {
        let packed = Packed { excerpts: vec![excerpt(1, "History", text)] };
        let terms = WeightedTerms::new(question, &|term| if term == "war" { 0.5 } else { 1.0 });
        let fits = crate::answer::fits(question, &terms, &packed);
        Evidence::new(question, &terms, &Reranked { hits: Vec::new() }, &packed, &fits)
    }

    #[test]
    fn a_missing_qualifier_is_seen() {
        let text = "The Six-Day War began in June 1967. It ended soon.";
        let six = evidence("Was it in June that the Six-Day War began?", text);
        let seven = evidence("Was it in June that the Seven-Day War began?", text);
        assert!(six.passage > seven.passage && six.missing < seven.missing, "{six:?} {seven:?}");
        assert_eq!((six.kind, six.exact_missing), (0.5, 0.0));
        let other = evidence("Did the war of 1973 begin?", text);
        assert_eq!((other.exact_missing, other.kind), (1.0, 0.5));
        assert_eq!(evidence("Who met Golda Meir there?", text).names_missing, 1.0);
    }
}
