//! Logistic regression: fitted by gradient descent on standardised signals,
//! judged by cross-validation over groups, so that no document is both learnt
//! from and judged on.

use std::collections::{BTreeMap, BTreeSet};

/// A labelled sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Samples of one group are never split between fitting and judging.
    pub group: String,
    /// What kind of sample it is, for the tables.
    pub kind: String,
    /// What is to be predicted.
    pub label: bool,
    /// How much it counts.
    pub weight: f64,
    /// Signals by name; missing ones are 0.
    pub signals: BTreeMap<String, f64>,
}

/// A fitted model, in the units of the signals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fitted {
    /// The constant term.
    pub bias: f64,
    /// The weight of each signal.
    pub weights: BTreeMap<String, f64>,
}

/// Steps of gradient descent.
const STEPS: usize = 4000;
/// Step length.
const RATE: f64 = 0.3;
/// Penalty on the squared weights of the standardised signals.
const RIDGE: f64 = 0.01;
/// Parts of the cross-validation.
const FOLDS: usize = 5;

impl Fitted {
    /// Fits the signals in `names` to the labels.
    #[must_use]
    pub fn new(samples: &[&Sample], names: &[&str]) -> Self {
        let total: f64 = samples.iter().map(|sample| sample.weight).sum();
        if total <= 0.0 {
            return Self::default();
        }
        let value = |sample: &Sample, name: &str| sample.signals.get(name).copied().unwrap_or(0.0);
        let mean: Vec<f64> =
            names.iter().map(|name| samples.iter().map(|s| s.weight * value(s, name)).sum::<f64>() / total).collect();
        let deviation: Vec<f64> = names
            .iter()
            .zip(&mean)
            .map(|(name, mean)| {
                let variance = samples.iter().map(|s| s.weight * (value(s, name) - mean).powi(2)).sum::<f64>() / total;
                variance.sqrt()
            })
            .collect();
        let rows: Vec<Vec<f64>> = samples
            .iter()
            .map(|sample| {
                let standard = |at: usize| {
                    if deviation[at] > 1e-9 { (value(sample, names[at]) - mean[at]) / deviation[at] } else { 0.0 }
                };
                (0..names.len()).map(standard).collect()
            })
            .collect();
        let (mut bias, mut weights) = (0.0, vec![0.0; names.len()]);
        for _ in 0..STEPS {
            let mut bias_step = 0.0;
            let mut steps: Vec<f64> = weights.iter().map(|weight| RIDGE * weight).collect();
            for (sample, row) in samples.iter().zip(&rows) {
                let sum: f64 = bias + row.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>();
                let error = sample.weight * (logistic(sum) - f64::from(u8::from(sample.label))) / total;
                bias_step += error;
                for (step, x) in steps.iter_mut().zip(row) {
                    *step += error * x;
                }
            }
            bias -= RATE * bias_step;
            for (weight, step) in weights.iter_mut().zip(steps) {
                *weight -= RATE * step;
            }
        }
        let mut fitted = Self { bias, weights: BTreeMap::new() };
        for (at, name) in names.iter().enumerate() {
            if deviation[at] > 1e-9 {
                let weight = weights[at] / deviation[at];
                fitted.bias -= weight * mean[at];
                fitted.weights.insert((*name).to_owned(), weight);
            }
        }
        fitted
    }

    /// The probability that the label is true.
    #[must_use]
    pub fn probability(&self, signals: &BTreeMap<String, f64>) -> f64 {
        let sum: f64 =
            self.weights.iter().map(|(name, weight)| weight * signals.get(name).copied().unwrap_or(0.0)).sum();
        logistic(self.bias + sum)
    }
}

/// The probability of each sample by a model fitted without its group.
#[must_use]
pub fn cross_validated(samples: &[Sample], names: &[&str]) -> Vec<f64> {
    let groups: BTreeSet<&str> = samples.iter().map(|sample| sample.group.as_str()).collect();
    let fold: BTreeMap<&str, usize> = groups.into_iter().enumerate().map(|(at, group)| (group, at % FOLDS)).collect();
    let mut probabilities = vec![0.0; samples.len()];
    for held_out in 0..FOLDS {
        let rest: Vec<&Sample> = samples.iter().filter(|s| fold[s.group.as_str()] != held_out).collect();
        let fitted = Fitted::new(&rest, names);
        for (probability, sample) in probabilities.iter_mut().zip(samples) {
            if fold[sample.group.as_str()] == held_out {
                *probability = fitted.probability(&sample.signals);
            }
        }
    }
    probabilities
}

/// Area under the ROC curve: how often a true sample is above a false one.
#[must_use]
pub fn area_under_curve(scored: &[(f64, bool)]) -> f64 {
    let (mut above, mut pairs) = (0.0, 0.0);
    for (high, _) in scored.iter().filter(|(_, label)| *label) {
        for (low, _) in scored.iter().filter(|(_, label)| !*label) {
            pairs += 1.0;
            above += if high > low { 1.0 } else { f64::from(u8::from(high >= low)) / 2.0 };
        }
    }
    if pairs > 0.0 { above / pairs } else { f64::NAN }
}

/// Mean distance between probability and outcome over ten equal ranges of probability.
#[must_use]
pub fn calibration_error(scored: &[(f64, bool)]) -> f64 {
    let mut error = 0.0;
    for bin in 0..10 {
        let (low, high) = (f64::from(bin) / 10.0, f64::from(bin + 1) / 10.0);
        let inside: Vec<_> = scored.iter().filter(|(p, _)| *p >= low && (*p < high || bin == 9)).collect();
        if !inside.is_empty() {
            let count = inside.len() as f64;
            let said = inside.iter().map(|(p, _)| p).sum::<f64>() / count;
            let was = inside.iter().filter(|(_, label)| *label).count() as f64 / count;
            error += (said - was).abs() * count / scored.len() as f64;
        }
    }
    error
}

fn logistic(sum: f64) -> f64 {
    1.0 / (1.0 + (-sum).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(group: usize, label: bool, x: f64) -> Sample {
        Sample {
            group: group.to_string(),
            kind: String::new(),
            label,
            weight: 1.0,
            signals: BTreeMap::from([("x".to_owned(), x)]),
        }
    }

    #[test]
    fn a_signal_that_tells_gets_weight_and_half_way_is_one_half() {
        let samples: Vec<Sample> =
            (0..40).map(|at| sample(at, at % 2 == 0, if at % 2 == 0 { 3.0 } else { 1.0 })).collect();
        let fitted = Fitted::new(&samples.iter().collect::<Vec<_>>(), &["x", "nothing"]);
        assert!(fitted.weights["x"] > 1.0 && !fitted.weights.contains_key("nothing"));
        let half = fitted.probability(&BTreeMap::from([("x".to_owned(), 2.0)]));
        assert!((half - 0.5).abs() < 0.01, "{half}");
        let judged = cross_validated(&samples, &["x"]);
        let scored: Vec<_> = judged.into_iter().zip(samples.iter().map(|s| s.label)).collect();
        assert!((area_under_curve(&scored) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn curves_and_errors_by_hand() {
        let scored = [(0.9, true), (0.8, false), (0.3, true), (0.2, false)];
        // Of four pairs, 0.3 against 0.8 is the wrong way round.
        assert!((area_under_curve(&scored) - 0.75).abs() < 1e-9);
        // |0.9-1| + |0.8-0| + |0.3-1| + |0.2-0| over four.
        assert!((calibration_error(&scored) - 0.45).abs() < 1e-9);
    }
}
