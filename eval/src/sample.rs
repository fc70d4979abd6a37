//! Chance that is the same in every run: samples and bootstrap intervals.

use std::collections::BTreeMap;

/// The places of `limit` of `count` things, ascending: a uniform sample without
/// replacement that depends on `seed` only. All places when there are no more.
#[must_use]
pub fn sample(count: usize, limit: usize, seed: u64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    if limit >= count {
        return places;
    }
    // The first steps of a Fisher-Yates shuffle.
    let mut random = SplitMix(seed);
    for at in 0..limit {
        places.swap(at, at + random.below(count - at));
    }
    places.truncate(limit);
    places.sort_unstable();
    places
}

/// A range of plausible values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// How often the values are drawn anew.
const RESAMPLES: usize = 1000;

/// The 95% percentile bootstrap interval (Efron, 1979) of the mean of `values`.
/// For a comparison of two systems, give the differences query by query.
#[must_use]
pub fn bootstrap_mean(values: &[f64], seed: u64) -> Interval {
    if values.is_empty() {
        return Interval::default();
    }
    let mut random = SplitMix(seed);
    let means: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..values.len()).map(|_| values[random.below(values.len())]).sum::<f64>() / values.len() as f64)
        .collect();
    Interval { low: crate::metrics::percentile(&means, 2.5), high: crate::metrics::percentile(&means, 97.5) }
}

/// The 95% percentile bootstrap interval of any statistic of `items`: draws
/// for which it is not defined are left out.
#[must_use]
pub fn bootstrap<T: Copy>(items: &[T], seed: u64, statistic: impl Fn(&[T]) -> Option<f64>) -> Interval {
    if items.is_empty() {
        return Interval::default();
    }
    let mut random = SplitMix(seed);
    let values: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            let drawn: Vec<T> = (0..items.len()).map(|_| items[random.below(items.len())]).collect();
            statistic(&drawn)
        })
        .collect();
    if values.is_empty() {
        return Interval::default();
    }
    Interval { low: crate::metrics::percentile(&values, 2.5), high: crate::metrics::percentile(&values, 97.5) }
}

/// The 95% score interval (Wilson, 1927) of the share of `hits` among `of`: where none of a few hits,
/// a bootstrap would be sure of zero.
#[must_use]
pub fn wilson(hits: usize, of: usize) -> [f64; 2] {
    const Z: f64 = 1.959_964;
    if of == 0 {
        return [0.0, 1.0];
    }
    let (n, share) = (of as f64, hits as f64 / of as f64);
    let centre = share + Z * Z / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    [((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0)]
}

/// The places of `limit` of `strata`, ascending, each stratum with its share of
/// the whole (largest remainders first), drawn within it as [`sample`] does.
#[must_use]
pub fn stratified<S: Ord>(strata: &[S], limit: usize, seed: u64) -> Vec<usize> {
    let mut members: BTreeMap<&S, Vec<usize>> = BTreeMap::new();
    for (at, stratum) in strata.iter().enumerate() {
        members.entry(stratum).or_default().push(at);
    }
    let limit = limit.min(strata.len());
    // Shares in units of 1/len: whole seats first, then the largest remainders.
    let mut seats: Vec<(usize, usize)> =
        members.values().map(|m| (m.len() * limit / strata.len(), m.len() * limit % strata.len())).collect();
    let mut left = limit - seats.iter().map(|seat| seat.0).sum::<usize>();
    let mut order: Vec<usize> = (0..seats.len()).collect();
    order.sort_by(|&a, &b| seats[b].1.cmp(&seats[a].1).then(a.cmp(&b)));
    for at in order {
        if left > 0 && seats[at].1 > 0 {
            seats[at].0 += 1;
            left -= 1;
        }
    }
    let mut chosen: Vec<usize> = members
        .values()
        .zip(seats)
        .flat_map(|(members, (seats, _))| sample(members.len(), seats, seed).into_iter().map(|at| members[at]))
        .collect();
    chosen.sort_unstable();
    chosen
}

/// `SplitMix64` (Steele, Lea and Flood, 2014): small, and good enough to draw samples.
struct SplitMix(u64);

impl SplitMix {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0; the bias is below 2^-32 for any
    /// bound that fits in memory here.
    const fn below(&mut self, bound: usize) -> usize {
        ((self.next() as u128 * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_few_is_not_sure() {
        let shown = |hits, of| wilson(hits, of).map(|bound| format!("{bound:.3}"));
        assert_eq!(shown(0, 10), ["0.000", "0.278"]);
        assert_eq!(shown(1, 86), ["0.002", "0.063"]);
        assert_eq!(shown(5, 10), ["0.237", "0.763"]);
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
    }

    #[test]
    fn samples_are_distinct_ascending_and_repeatable() {
        let once = sample(1000, 50, 7);
        assert_eq!(once.len(), 50);
        assert!(once.windows(2).all(|pair| pair[0] < pair[1]) && once[49] < 1000);
        assert_eq!(once, sample(1000, 50, 7));
        assert_ne!(once, sample(1000, 50, 8));
    }

    #[test]
    fn samples_are_spread_evenly() {
        let mut hits = [0usize; 10];
        for seed in 0..2000 {
            for place in sample(10, 3, seed) {
                hits[place] += 1;
            }
        }
        assert!(hits.iter().all(|&count| (500..700).contains(&count)), "{hits:?}");
    }

    #[test]
    fn a_limit_above_the_count_takes_all() {
        assert_eq!(sample(3, 10, 1), [0, 1, 2]);
        assert_eq!(sample(0, 10, 1), [0usize; 0]);
    }

    #[test]
    fn every_stratum_has_its_share() {
        let strata: Vec<u8> = (0..100).map(|at| u8::from(at % 10 == 0) + u8::from(at % 50 == 0)).collect();
        let chosen = stratified(&strata, 20, 1);
        let count = |stratum| chosen.iter().filter(|&&at| strata[at] == stratum).count();
        // 90, 8 and 2 of 100: 18, 1.6 and 0.4 seats.
        assert_eq!([count(0), count(1), count(2)], [18, 2, 0]);
        assert_eq!(chosen, stratified(&strata, 20, 1));
        assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(stratified(&strata, 1000, 1).len(), 100);
        assert!(stratified::<u8>(&[], 5, 1).is_empty());
    }

    #[test]
    fn any_statistic_has_an_interval() {
        let items = [1.0, 2.0, 3.0, 4.0];
        let Interval { low, high } = bootstrap(&items, 1, |drawn| drawn.iter().copied().reduce(f64::max));
        assert!(low >= 1.0 && (high - 4.0).abs() < 1e-9);
        assert_eq!(bootstrap(&items, 1, |_| None), Interval::default());
    }

    #[test]
    fn the_interval_holds_the_mean_and_narrows() {
        let coin = |n: usize| -> Vec<f64> { (0..n).map(|at| (at % 2) as f64).collect() };
        let (few, many) = (bootstrap_mean(&coin(20), 1), bootstrap_mean(&coin(2000), 1));
        assert!(few.low < 0.5 && 0.5 < few.high && many.low < 0.5 && 0.5 < many.high);
        // The normal approximation: 1.96 * 0.5 / sqrt(2000) = 0.022 to each side.
        assert!((many.high - many.low - 0.044).abs() < 0.01, "{many:?}");
        assert!(few.high - few.low > many.high - many.low);
        assert_eq!(bootstrap_mean(&[], 1), Interval::default());
        assert_eq!(bootstrap_mean(&[0.3, 0.3], 1).low, bootstrap_mean(&[0.3, 0.3], 2).high);
    }
}
