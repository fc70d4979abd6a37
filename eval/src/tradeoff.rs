//! What a threshold costs: questions refused rightly, and answers withheld.

use std::fmt;

use serde::Serialize;

/// How a question would end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the documents answer it.
    pub answerable: bool,
    /// Whether it is refused.
    pub refused: bool,
}

/// The figures at one threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Tradeoff {
    /// How likely an answer must be.
    pub threshold: f32,
    /// Share of the refusals that were right; 1 when nothing was refused.
    pub precision: f64,
    /// Share of the unanswerable questions that were refused; 1 when there are none.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Share of the answerable questions that were refused; 0 when there are none.
    pub false_refusals: f64,
}

impl Tradeoff {
    /// Counts.
    #[must_use]
    pub fn new(threshold: f32, outcomes: &[Outcome]) -> Self {
        let count = |answerable: Option<bool>, refused: Option<bool>| {
            let fits =
                |o: &&Outcome| answerable.is_none_or(|a| a == o.answerable) && refused.is_none_or(|r| r == o.refused);
            outcomes.iter().filter(fits).count()
        };
        let share = |part: usize, of: usize, none: f64| if of == 0 { none } else { part as f64 / of as f64 };
        let right = count(Some(false), Some(true));
        let precision = share(right, count(None, Some(true)), 1.0);
        let recall = share(right, count(Some(false), None), 1.0);
        let f1 = if right == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
        let false_refusals = share(count(Some(true), Some(true)), count(Some(true), None), 0.0);
        Self { threshold, precision, recall, f1, false_refusals }
    }

    /// The threshold with the highest F1; of several the middle one, which is the
    /// least likely to be an accident of these questions.
    #[must_use]
    pub fn best(curve: &[Self]) -> Option<Self> {
        let most = curve.iter().map(|point| point.f1).max_by(f64::total_cmp)?;
        let first = curve.iter().position(|point| point.f1 == most)?;
        let run = curve[first..].iter().take_while(|point| point.f1 == most).count();
        Some(curve[first + (run - 1) / 2])
    }
}

impl fmt::Display for Tradeoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { threshold, precision, recall, f1, false_refusals } = self;
        write!(f, "{threshold:>9.2} {precision:>10.2} {recall:>7.2} {f1:>6.2} {false_refusals:>15.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(counts: [(bool, bool, usize); 4]) -> Vec<Outcome> {
        let one = |(answerable, refused, count)| std::iter::repeat_n(Outcome { answerable, refused }, count);
        counts.into_iter().flat_map(one).collect()
    }

    #[test]
    fn figures_by_hand() {
        let all = outcomes([(false, true, 3), (false, false, 1), (true, true, 2), (true, false, 4)]);
        let point = Tradeoff::new(0.3, &all);
        assert_eq!((point.precision, point.recall), (0.6, 0.75));
        assert!((point.f1 - 2.0 / 3.0).abs() < 1e-12 && (point.false_refusals - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_refused_or_nothing_asked_divides_by_nothing() {
        let none =
            Tradeoff::new(0.0, &outcomes([(false, false, 2), (true, false, 2), (true, true, 0), (false, true, 0)]));
        assert_eq!((none.precision, none.recall, none.f1, none.false_refusals), (1.0, 0.0, 0.0, 0.0));
        assert_eq!(Tradeoff::new(0.0, &[]).false_refusals, 0.0);
    }

    #[test]
    fn the_middle_of_the_best_stretch_is_chosen() {
        let curve: Vec<Tradeoff> = [0.2, 0.8, 0.8, 0.8, 0.5, 0.8]
            .iter()
            .zip(0u8..)
            .map(|(&f1, at)| Tradeoff { threshold: f32::from(at), f1, ..Tradeoff::default() })
            .collect();
        assert_eq!(Tradeoff::best(&curve).unwrap().threshold, 2.0);
        assert_eq!(Tradeoff::best(&[]), None);
    }
}
