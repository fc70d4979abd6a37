//! The outcome over all answered questions: metrics with intervals, in all and by language.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::answer_case::{AnswerCase, JudgedCitation, Planting};
use crate::answers::Refusals;
use crate::report::write_table;
use crate::sample::{Interval, bootstrap};

/// The metrics of one run. As JSON: `{"dataset", "queries", "metrics": {metric:
/// value}, "intervals": {metric: [low, high]}, "languages": {…}}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnswerSummary {
    /// Name of the data set.
    pub dataset: String,
    /// Over all questions.
    #[serde(flatten)]
    pub all: AnswerMetrics,
    /// By language, where there are several.
    pub languages: BTreeMap<String, AnswerMetrics>,
}

/// Metrics over some questions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnswerMetrics {
    /// Questions asked.
    pub queries: usize,
    /// By name; without those that nothing could be counted for.
    pub metrics: BTreeMap<&'static str, f64>,
    /// 95% bootstrap intervals over the questions.
    pub intervals: BTreeMap<&'static str, [f64; 2]>,
}

/// A metric over cases; none when there is nothing to count.
type Metric = fn(&[&AnswerCase]) -> Option<f64>;

/// The metrics in the order of the table.
pub const ANSWER_METRICS: [(&str, Metric); 16] = [
    ("exact_match", |cases| over_answerable(cases, |case| f64::from(u8::from(case.exact())))),
    ("f1", |cases| over_answerable(cases, AnswerCase::f1)),
    ("answer_in_output", |cases| over_answerable(cases, |case| f64::from(u8::from(case.hit())))),
    ("answer_in_output_when_answered", |cases| {
        mean(cases.iter().filter(|case| case.answerable && !case.refused).map(|case| f64::from(u8::from(case.hit()))))
    }),
    ("citation_precision", |cases| {
        let citations = cases.iter().filter(|case| case.answerable).flat_map(|case| &case.citations);
        mean(citations.map(|citation| f64::from(u8::from(citation.right()))))
    }),
    ("citation_recall", |cases| {
        let answered = cases.iter().filter(|case| case.answerable && !case.refused);
        mean(answered.map(|case| f64::from(u8::from(case.citations.iter().any(JudgedCitation::right)))))
    }),
    ("refusal_precision", |cases| refusals(cases, |r| r.right + r.wrong > 0, Refusals::precision)),
    ("refusal_recall", |cases| refusals(cases, |r| r.right + r.missed > 0, Refusals::recall)),
    ("refusal_f1", |cases| refusals(cases, |r| r.right + r.missed > 0, Refusals::f1)),
    ("false_refusals", |cases| refusals(cases, |r| r.wrong + r.answered > 0, Refusals::false_rate)),
    ("planted_errors_passed", |cases| {
        let all = plantings(cases)
            .into_values()
            .fold(Planting::default(), |a, b| Planting { planted: a.planted + b.planted, passed: a.passed + b.passed });
        (all.planted > 0).then(|| all.passed as f64 / all.planted as f64)
    }),
    ("seconds", |cases| mean(cases.iter().map(|case| case.seconds))),
    ("prompt_tokens", |cases| mean(cases.iter().map(|case| case.prompt_tokens as f64))),
    ("cached_tokens", |cases| mean(cases.iter().map(|case| case.cached_tokens as f64))),
    ("generated_tokens", |cases| mean(cases.iter().map(|case| case.generated_tokens as f64))),
    ("tokens_per_pass", |cases| {
        let told = || cases.iter().filter_map(|case| Some((case.generated_tokens, case.passes?)));
        let (tokens, passes) = told().fold((0, 0), |(tokens, passes), own| (tokens + own.0, passes + own.1));
        (passes > 0).then(|| tokens as f64 / passes as f64)
    }),
];

/// Intervals are the same in every run.
const SEED: u64 = 3;

impl AnswerSummary {
    /// Sums up `cases`.
    #[must_use]
    pub fn new(dataset: &str, cases: &[AnswerCase]) -> Self {
        let mut by_language: BTreeMap<String, Vec<&AnswerCase>> = BTreeMap::new();
        for case in cases {
            by_language.entry(case.language.clone()).or_default().push(case);
        }
        let languages = match by_language.len() {
            0 | 1 => BTreeMap::new(),
            _ => by_language.into_iter().map(|(name, cases)| (name, AnswerMetrics::new(&cases))).collect(),
        };
        let all: Vec<&AnswerCase> = cases.iter().collect();
        Self { dataset: dataset.to_owned(), all: AnswerMetrics::new(&all), languages }
    }

    /// The rows of the table: metric, all, and each language.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<String>> {
        let columns: Vec<(&str, &AnswerMetrics)> = std::iter::once(("all", &self.all))
            .chain(self.languages.iter().map(|(name, metrics)| (name.as_str(), metrics)))
            .collect();
        let mut head = vec!["metric".to_owned()];
        head.extend(columns.iter().map(|(name, metrics)| format!("{name} ({})", metrics.queries)));
        let mut rows = vec![head];
        for (name, _) in ANSWER_METRICS {
            if !self.all.metrics.contains_key(name) {
                continue;
            }
            let mut row = vec![name.to_owned()];
            row.extend(columns.iter().map(|(_, metrics)| metrics.shown(name)));
            rows.push(row);
        }
        rows
    }
}

impl AnswerMetrics {
    fn new(cases: &[&AnswerCase]) -> Self {
        let mut metrics = BTreeMap::new();
        let mut intervals = BTreeMap::new();
        for (name, metric) in ANSWER_METRICS {
            let Some(value) = metric(cases) else { continue };
            let Interval { low, high } = bootstrap(cases, SEED, metric);
            metrics.insert(name, value);
            intervals.insert(name, [low, high]);
        }
        Self { queries: cases.len(), metrics, intervals }
    }

    fn shown(&self, name: &str) -> String {
        let (Some(value), Some([low, high])) = (self.metrics.get(name), self.intervals.get(name)) else {
            return "–".to_owned();
        };
        if *high >= 10.0 {
            format!("{value:.1} [{low:.1}, {high:.1}]")
        } else {
            format!("{value:.2} [{low:.2}, {high:.2}]")
        }
    }
}

impl fmt::Display for AnswerSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} questions\n", self.dataset, self.all.queries)?;
        write_table(f, &self.rows())
    }
}

/// Planted errors by kind, over all cases.
#[must_use]
pub fn plantings(cases: &[&AnswerCase]) -> BTreeMap<String, Planting> {
    let mut all: BTreeMap<String, Planting> = BTreeMap::new();
    for (kind, one) in cases.iter().flat_map(|case| &case.planted) {
        let sum = all.entry(kind.clone()).or_default();
        sum.planted += one.planted;
        sum.passed += one.passed;
    }
    all
}

fn over_answerable(cases: &[&AnswerCase], value: impl Fn(&AnswerCase) -> f64) -> Option<f64> {
    mean(cases.iter().filter(|case| case.answerable).map(|case| value(case)))
}

fn refusals(cases: &[&AnswerCase], counts: fn(&Refusals) -> bool, metric: fn(Refusals) -> f64) -> Option<f64> {
    let mut refusals = Refusals::default();
    for case in cases {
        refusals.count(case.answerable, case.refused);
    }
    counts(&refusals).then(|| metric(refusals))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer_case::tests::case;

    #[test]
    fn metrics_by_hand() {
        let mut cases = vec![
            case("1", true, "24 months", true),
            case("2", true, "It is 24 months", false),
            case("3", true, "", true),
            case("4", false, "", true),
            case("5", false, "24 months", true),
        ];
        cases[0].planted.insert("number".into(), Planting { planted: 3, passed: 1 });
        cases[1].planted.insert("polarity".into(), Planting { planted: 1, passed: 0 });
        let summary = AnswerSummary::new("d", &cases);
        let value = |name: &str| summary.all.metrics[name];
        let close =
            |name: &str, expected: f64| assert!((value(name) - expected).abs() < 1e-9, "{name} {}", value(name));
        close("exact_match", 1.0 / 3.0);
        close("answer_in_output", 2.0 / 3.0);
        close("answer_in_output_when_answered", 1.0);
        close("citation_precision", 0.5);
        close("citation_recall", 0.5);
        close("refusal_precision", 0.5);
        close("refusal_recall", 0.5);
        close("false_refusals", 1.0 / 3.0);
        close("planted_errors_passed", 0.25);
        close("seconds", 2.0);
        close("tokens_per_pass", 2.5);
        let [low, high] = summary.all.intervals["citation_precision"];
        assert!(low <= 0.5 && 0.5 <= high && (0.0..=1.0).contains(&low));
        assert!(summary.languages.is_empty());
    }

    #[test]
    fn languages_stand_apart_and_nothing_is_counted_from_nothing() {
        let mut cases = vec![case("1", true, "24 months", true), case("2", true, "", true)];
        cases[1].language = "zh".into();
        let summary = AnswerSummary::new("d", &cases);
        assert!((summary.languages["zh"].metrics["false_refusals"] - 1.0).abs() < 1e-9);
        assert!(!summary.languages["zh"].metrics.contains_key("citation_precision"));
        assert!(!summary.all.metrics.contains_key("refusal_f1"), "there are no unanswerable questions");
        let table = summary.to_string();
        assert!(table.contains("false_refusals") && table.contains("zh (1)"), "{table}");
        let json = serde_json::to_value(&summary).unwrap();
        assert_eq!(json["queries"], 2);
        assert!(AnswerSummary::new("d", &[]).all.metrics.is_empty());
    }
}
