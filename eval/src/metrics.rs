//! Metrics of rankings, as `trec_eval` computes them.
//!
//! A ranking is a list of distinct ids, best first; `relevant` holds the grades
//! of the relevant ones. All give a value from 0 to 1.

use std::collections::BTreeMap;

/// Normalised discounted cumulative gain of the first `k` (Järvelin and
/// Kekäläinen, 2002), with the grade itself as the gain. 0 when nothing is
/// relevant.
#[must_use]
pub fn ndcg(ranked: &[String], relevant: &BTreeMap<String, u32>, k: usize) -> f64 {
    let gain = |grade: u32, at: usize| f64::from(grade) / (at as f64 + 2.0).log2();
    let found: f64 =
        ranked.iter().take(k).enumerate().map(|(at, id)| gain(relevant.get(id).copied().unwrap_or(0), at)).sum();
    let mut grades: Vec<u32> = relevant.values().copied().collect();
    grades.sort_unstable_by(|a, b| b.cmp(a));
    let ideal: f64 = grades.into_iter().take(k).enumerate().map(|(at, grade)| gain(grade, at)).sum();
    if ideal > 0.0 { found / ideal } else { 0.0 }
}

/// The share of the relevant ones that is among the first `k`. 0 when nothing
/// is relevant.
#[must_use]
pub fn recall(ranked: &[String], relevant: &BTreeMap<String, u32>, k: usize) -> f64 {
    let all = relevant.values().filter(|&&grade| grade > 0).count();
    if all == 0 { 0.0 } else { found(ranked, relevant, k) as f64 / all as f64 }
}

/// 1 if all relevant ones are among the first `k`: what a question needs whose
/// answer has to be put together.
#[must_use]
pub fn complete(ranked: &[String], relevant: &BTreeMap<String, u32>, k: usize) -> f64 {
    let all = relevant.values().filter(|&&grade| grade > 0).count();
    f64::from(u8::from(all > 0 && found(ranked, relevant, k) == all))
}

/// One over the rank of the first relevant one, if it is among the first `k`.
#[must_use]
pub fn reciprocal_rank(ranked: &[String], relevant: &BTreeMap<String, u32>, k: usize) -> f64 {
    let first = ranked.iter().take(k).position(|id| is_relevant(id, relevant));
    first.map_or(0.0, |at| 1.0 / (at as f64 + 1.0))
}

/// The value below which `percent` of the values lie, interpolated between
/// neighbours. 0 for no values.
#[must_use]
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = percent.clamp(0.0, 100.0) / 100.0 * last as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    (above - below).mul_add(place.fract(), below)
}

/// 0 for no values.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

fn found(ranked: &[String], relevant: &BTreeMap<String, u32>, k: usize) -> usize {
    ranked.iter().take(k).filter(|id| is_relevant(id, relevant)).count()
}

fn is_relevant(id: &str, relevant: &BTreeMap<String, u32>) -> bool {
    relevant.get(id).is_some_and(|&grade| grade > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranking(ids: &str) -> Vec<String> {
        ids.chars().map(String::from).collect()
    }

    fn grades(grades: &[(char, u32)]) -> BTreeMap<String, u32> {
        grades.iter().map(|&(id, grade)| (id.to_string(), grade)).collect()
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn ndcg_by_hand() {
        // a at rank 2 and c at rank 3, of two relevant ones.
        let found = 1.0 / 3f64.log2() + 1.0 / 4f64.log2();
        let ideal = 1.0 + 1.0 / 3f64.log2();
        close(ndcg(&ranking("xac"), &grades(&[('a', 1), ('c', 1)]), 10), found / ideal);
        // Graded: the better one second.
        let found = 1.0 + 3.0 / 3f64.log2();
        let ideal = 3.0 + 1.0 / 3f64.log2();
        close(ndcg(&ranking("ab"), &grades(&[('a', 1), ('b', 3)]), 10), found / ideal);
        close(ndcg(&ranking("ba"), &grades(&[('a', 1), ('b', 3)]), 10), 1.0);
    }

    #[test]
    fn ndcg_looks_at_the_first_k_only() {
        close(ndcg(&ranking("xya"), &grades(&[('a', 1)]), 2), 0.0);
        // More relevant ones than places: a full list is perfect.
        close(ndcg(&ranking("ab"), &grades(&[('a', 1), ('b', 1), ('c', 1)]), 2), 1.0);
    }

    #[test]
    fn recall_and_completeness_by_hand() {
        let relevant = grades(&[('a', 1), ('b', 2), ('z', 0)]);
        close(recall(&ranking("axxb"), &relevant, 3), 0.5);
        close(recall(&ranking("axxb"), &relevant, 4), 1.0);
        close(complete(&ranking("axxb"), &relevant, 3), 0.0);
        close(complete(&ranking("axxb"), &relevant, 4), 1.0);
    }

    #[test]
    fn reciprocal_rank_by_hand() {
        let relevant = grades(&[('a', 1), ('b', 1), ('z', 0)]);
        close(reciprocal_rank(&ranking("zxba"), &relevant, 10), 1.0 / 3.0);
        close(reciprocal_rank(&ranking("zxba"), &relevant, 2), 0.0);
    }

    #[test]
    fn nothing_found_and_nothing_relevant_is_zero() {
        for metric in [ndcg, recall, complete, reciprocal_rank] {
            close(metric(&[], &grades(&[('a', 1)]), 10), 0.0);
            close(metric(&ranking("abc"), &grades(&[]), 10), 0.0);
            close(metric(&ranking("abc"), &grades(&[('a', 0)]), 10), 0.0);
            close(metric(&ranking("a"), &grades(&[('a', 1)]), 0), 0.0);
        }
    }

    #[test]
    fn percentiles_by_hand() {
        let values = [4.0, 1.0, 3.0, 2.0, 5.0];
        close(percentile(&values, 50.0), 3.0);
        close(percentile(&values, 95.0), 4.8);
        close(percentile(&values, 0.0), 1.0);
        close(percentile(&values, 100.0), 5.0);
        close(percentile(&[7.0], 95.0), 7.0);
        close(percentile(&[], 50.0), 0.0);
        close(mean(&[1.0, 2.0]), 1.5);
        close(mean(&[]), 0.0);
    }

    proptest! {
        #[test]
        fn metrics_stay_between_zero_and_one(
            order in Just((0..8u8).collect::<Vec<_>>()).prop_shuffle(),
            graded in prop::collection::btree_map(0..8u8, 0..4u32, 0..8),
            k in 0..10usize,
        ) {
            let ranked: Vec<String> = order.iter().map(u8::to_string).collect();
            let relevant: BTreeMap<String, u32> = graded.into_iter().map(|(id, g)| (id.to_string(), g)).collect();
            for metric in [ndcg, recall, complete, reciprocal_rank] {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&metric(&ranked, &relevant, k)));
            }
        }
    }
}
