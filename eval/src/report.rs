//! The outcome of an evaluation: a summary, its table, and a file of all cases.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::evaluate::{Case, METRICS};
use crate::metrics::{mean, percentile};
use crate::sample::{Interval, bootstrap_mean};

/// The means over all queries, by mode. As JSON:
/// `{"dataset", "queries", "metrics": {mode: {metric: value}}}`.
#[derive(Clone, Debug, PartialEq)]
pub struct RetrievalSummary {
    /// Name of the data set.
    pub dataset: String,
    /// Queries asked.
    pub queries: usize,
    /// Passages that became searchable a second, when an index was built for this.
    pub chunks_per_second: Option<f64>,
    modes: Vec<ModeSummary>,
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the report {path} could not be written: {source}")]
pub struct ReportError {
    path: PathBuf,
    source: io::Error,
}

#[derive(Clone, Debug, PartialEq)]
struct ModeSummary {
    mode: String,
    /// In the order of [`METRICS`].
    means: Vec<(&'static str, f64)>,
    /// Of the leading metric.
    interval: Interval,
    /// The leading metric less that of the best mode, paired by query; none for
    /// the best mode itself.
    behind: Option<(f64, Interval)>,
    p50_ms: f64,
    p95_ms: f64,
}

/// The metric by which modes are compared.
const LEADING: &str = METRICS[0].0;

/// Intervals are the same in every run.
const SEED: u64 = 2;

impl RetrievalSummary {
    /// Sums up `cases`, with the modes in the order in which they first occur.
    #[must_use]
    pub fn new(dataset: &str, cases: &[Case], chunks_per_second: Option<f64>) -> Self {
        let mut names: Vec<&str> = Vec::new();
        for case in cases {
            if !names.contains(&case.mode.as_str()) {
                names.push(&case.mode);
            }
        }
        let of = |mode: &str, metric: &str| -> Vec<f64> {
            cases.iter().filter(|c| c.mode == mode).map(|c| c.metrics[metric]).collect()
        };
        let leading: Vec<Vec<f64>> = names.iter().map(|mode| of(mode, LEADING)).collect();
        // Of equal ones the first, so that later stages have to earn their place.
        let best = (0..names.len()).rev().max_by(|&a, &b| mean(&leading[a]).total_cmp(&mean(&leading[b])));
        let summarise = |(at, mode): (usize, &&str)| {
            let latencies: Vec<f64> = cases.iter().filter(|c| c.mode == *mode).map(|c| c.latency_ms).collect();
            let behind = best.filter(|&best| best != at).map(|best| {
                let differences: Vec<f64> = leading[at].iter().zip(&leading[best]).map(|(a, b)| a - b).collect();
                (mean(&differences), bootstrap_mean(&differences, SEED))
            });
            ModeSummary {
                mode: (*mode).to_owned(),
                means: METRICS.iter().map(|&(name, ..)| (name, mean(&of(mode, name)))).collect(),
                interval: bootstrap_mean(&leading[at], SEED),
                behind,
                p50_ms: percentile(&latencies, 50.0),
                p95_ms: percentile(&latencies, 95.0),
            }
        };
        Self {
            dataset: dataset.to_owned(),
            queries: leading.first().map_or(0, Vec::len),
            chunks_per_second,
            modes: names.iter().enumerate().map(summarise).collect(),
        }
    }
}

/// A table for the terminal, which is Markdown too.
impl fmt::Display for RetrievalSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} queries", self.dataset, self.queries)?;
        if let Some(rate) = self.chunks_per_second {
            write!(f, ", {rate:.0} passages a second indexed")?;
        }
        writeln!(f, "\n")?;
        let mut rows: Vec<Vec<String>> = vec![
            [
                "mode",
                "nDCG@10",
                "95% interval",
                "behind the best",
                "Recall@5",
                "Recall@10",
                "MRR@10",
                "Complete@10",
                "p50",
                "p95",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        for mode in &self.modes {
            let Interval { low, high } = mode.interval;
            let behind = mode.behind.map_or_else(String::new, |(difference, Interval { low, high })| {
                // An interval with 0 in it: the best mode may be no better.
                let noise = if low <= 0.0 && 0.0 <= high { " ~" } else { "" };
                format!("{difference:+.3} [{low:+.3}, {high:+.3}]{noise}")
            });
            let mut row = vec![mode.mode.clone()];
            row.extend(mode.means.iter().map(|(_, value)| format!("{value:.3}")));
            row.insert(2, format!("{low:.3}-{high:.3}"));
            row.insert(3, behind);
            row.extend([mode.p50_ms, mode.p95_ms].map(|ms| format!("{ms:.1} ms")));
            rows.push(row);
        }
        write_table(f, &rows)
    }
}

pub(crate) fn write_table(f: &mut fmt::Formatter<'_>, rows: &[Vec<String>]) -> fmt::Result {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    for (at, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            write!(f, "| {cell:width$} ")?;
        }
        writeln!(f, "|")?;
        if at == 0 {
            for width in &widths {
                write!(f, "|{:-<1$}", "", width + 2)?;
            }
            writeln!(f, "|")?;
        }
    }
    Ok(())
}

impl Serialize for RetrievalSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("dataset", &self.dataset)?;
        map.serialize_entry("queries", &self.queries)?;
        map.serialize_entry("metrics", &Modes(self))?;
        map.end()
    }
}

/// The modes as an object, in their order.
struct Modes<'a>(&'a RetrievalSummary);

impl Serialize for Modes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.modes.iter().map(|mode| (&mode.mode, Values(mode, self.0.chunks_per_second))))
    }
}

/// The values of a mode as an object of numbers.
struct Values<'a>(&'a ModeSummary, Option<f64>);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(mode, chunks_per_second) = self;
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &mode.means {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry(&format!("{LEADING}_low"), &mode.interval.low)?;
        map.serialize_entry(&format!("{LEADING}_high"), &mode.interval.high)?;
        map.serialize_entry("latency_p50_ms", &mode.p50_ms)?;
        map.serialize_entry("latency_p95_ms", &mode.p95_ms)?;
        if let Some(rate) = chunks_per_second {
            map.serialize_entry("chunks_per_second", rate)?;
        }
        map.end()
    }
}

/// Writes `cases` to the file `path`, one JSON object a line; folders are made.
///
/// # Errors
/// When the file cannot be written.
pub fn write_cases<T: serde::Serialize>(path: &Path, cases: &[T]) -> Result<(), ReportError> {
    let write = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = BufWriter::new(File::create(path)?);
        for case in cases {
            serde_json::to_writer(&mut file, case)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    };
    write().map_err(|source| ReportError { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn case(query: &str, mode: &str, value: f64, latency_ms: f64) -> Case {
        Case {
            query: query.to_owned(),
            text: "谁?".to_owned(),
            kind: None,
            mode: mode.to_owned(),
            latency_ms,
            metrics: METRICS.iter().map(|&(name, ..)| (name.to_owned(), value)).collect(),
            relevant: BTreeMap::from([("a".to_owned(), 1)]),
            ranked: vec!["a".to_owned()],
        }
    }

    fn cases() -> Vec<Case> {
        vec![
            case("1", "lexical", 0.25, 1.0),
            case("1", "hybrid", 0.75, 3.0),
            case("2", "lexical", 0.5, 2.0),
            case("2", "hybrid", 1.0, 5.0),
        ]
    }

    #[test]
    fn the_table() {
        let summary = RetrievalSummary::new("handbook", &cases(), Some(1234.5));
        insta::assert_snapshot!(summary.to_string(), @r"
        handbook: 2 queries, 1234 passages a second indexed

        | mode    | nDCG@10 | 95% interval | behind the best         | Recall@5 | Recall@10 | MRR@10 | Complete@10 | p50    | p95    |
        |---------|---------|--------------|-------------------------|----------|-----------|--------|-------------|--------|--------|
        | lexical | 0.375   | 0.250-0.500  | -0.500 [-0.500, -0.500] | 0.375    | 0.375     | 0.375  | 0.375       | 1.5 ms | 1.9 ms |
        | hybrid  | 0.875   | 0.750-1.000  |                         | 0.875    | 0.875     | 0.875  | 0.875       | 4.0 ms | 4.9 ms |
        ");
    }

    #[test]
    fn the_json_is_that_of_the_contract() {
        let summary = RetrievalSummary::new("handbook", &cases(), None);
        insta::assert_snapshot!(serde_json::to_string_pretty(&summary).unwrap(), @r#"
        {
          "dataset": "handbook",
          "queries": 2,
          "metrics": {
            "lexical": {
              "ndcg@10": 0.375,
              "recall@5": 0.375,
              "recall@10": 0.375,
              "mrr@10": 0.375,
              "complete@10": 0.375,
              "ndcg@10_low": 0.25,
              "ndcg@10_high": 0.5,
              "latency_p50_ms": 1.5,
              "latency_p95_ms": 1.95
            },
            "hybrid": {
              "ndcg@10": 0.875,
              "recall@5": 0.875,
              "recall@10": 0.875,
              "mrr@10": 0.875,
              "complete@10": 0.875,
              "ndcg@10_low": 0.75,
              "ndcg@10_high": 1.0,
              "latency_p50_ms": 4.0,
              "latency_p95_ms": 4.9
            }
          }
        }
        "#);
    }

    #[test]
    fn no_case_is_no_mode() {
        let summary = RetrievalSummary::new("empty", &[], None);
        assert_eq!(serde_json::to_string(&summary).unwrap(), r#"{"dataset":"empty","queries":0,"metrics":{}}"#);
        assert!(summary.to_string().starts_with("empty: 0 queries"));
    }

    #[test]
    fn of_equal_modes_the_first_is_the_best() {
        let cases = [case("1", "simple", 0.5, 1.0), case("1", "complex", 0.5, 1.0)];
        let summary = RetrievalSummary::new("equal", &cases, None);
        assert_eq!(summary.modes[0].behind, None);
        assert_eq!(summary.modes[1].behind.unwrap().0, 0.0);
    }

    #[test]
    fn every_case_is_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/report.jsonl");
        write_cases(&path, &cases()).unwrap();
        let lines: Vec<serde_json::Value> =
            fs::read_to_string(&path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 4);
        assert_eq!((&lines[1]["mode"], &lines[1]["metrics"]["mrr@10"]), (&"hybrid".into(), &0.75.into()));
        let error = write_cases(folder.path(), &cases()).unwrap_err().to_string();
        assert!(error.contains("could not be written"), "{error}");
    }
}
