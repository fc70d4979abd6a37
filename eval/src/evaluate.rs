//! Asking every query in every mode.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::dataset::Query;
use crate::metrics;

/// What a search gave for one query.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// Distinct ids of the corpus, best first.
    pub ids: Vec<String>,
    /// How long it took.
    pub latency_ms: f64,
}

/// One query in one mode: a line of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// Id of the query.
    pub query: String,
    /// The question.
    pub text: String,
    /// What it tests, where the data set says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The mode.
    pub mode: String,
    /// How long the search took.
    pub latency_ms: f64,
    /// The metrics of this ranking by name.
    pub metrics: BTreeMap<String, f64>,
    /// Grades of the relevant entries.
    pub relevant: BTreeMap<String, u32>,
    /// The first `DEPTH` of the ranking.
    pub ranked: Vec<String>,
}

/// How much of a ranking is judged and kept.
pub const DEPTH: usize = 10;

/// A metric of a ranking.
type Metric = fn(&[String], &BTreeMap<String, u32>, usize) -> f64;

/// The metrics of a ranking, by the name under which they are reported.
pub(crate) const METRICS: [(&str, Metric, usize); 5] = [
    ("ndcg@10", metrics::ndcg, 10),
    ("recall@5", metrics::recall, 5),
    ("recall@10", metrics::recall, 10),
    ("mrr@10", metrics::reciprocal_rank, 10),
    ("complete@10", metrics::complete, 10),
];

/// Asks every query in every mode and judges the rankings. The cases of a query
/// follow each other, in the order of `modes`.
///
/// # Errors
/// The first error of `search`.
pub fn evaluate<E>(
    queries: &[&Query],
    modes: &[&str],
    mut search: impl FnMut(&str, &Query) -> Result<Ranked, E>,
) -> Result<Vec<Case>, E> {
    let mut cases = Vec::with_capacity(queries.len() * modes.len());
    for query in queries {
        for &mode in modes {
            cases.push(judge(query, mode, search(mode, query)?));
        }
    }
    Ok(cases)
}

fn judge(query: &Query, mode: &str, mut ranked: Ranked) -> Case {
    let metrics =
        METRICS.iter().map(|&(name, metric, k)| (name.to_owned(), metric(&ranked.ids, &query.relevant, k))).collect();
    ranked.ids.truncate(DEPTH);
    Case {
        query: query.id.clone(),
        text: query.text.clone(),
        kind: query.kind.clone(),
        mode: mode.to_owned(),
        latency_ms: ranked.latency_ms,
        metrics,
        relevant: query.relevant.clone(),
        ranked: ranked.ids,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_is_asked_in_every_mode() {
        let query = |id: &str| Query {
            id: id.to_owned(),
            text: format!("text of {id}"),
            answers: Vec::new(),
            answerable: true,
            kind: None,
            relevant: BTreeMap::from([("good".to_owned(), 1)]),
        };
        let queries = [query("q1"), query("q2")];
        let cases = evaluate::<()>(&queries.each_ref(), &["words", "graph"], |mode, query| {
            let first = if mode == "words" || query.id == "q2" { "good" } else { "bad" };
            Ok(Ranked { ids: vec![first.to_owned(), "good".to_owned()], latency_ms: 1.0 })
        })
        .unwrap();
        let seen: Vec<(&str, &str, f64)> =
            cases.iter().map(|c| (c.query.as_str(), c.mode.as_str(), c.metrics["mrr@10"])).collect();
        let expected = [("q1", "words", 1.0), ("q1", "graph", 0.5), ("q2", "words", 1.0), ("q2", "graph", 1.0)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_error_ends_the_run() {
        let query = Query {
            id: "q".to_owned(),
            text: String::new(),
            answers: Vec::new(),
            answerable: true,
            kind: None,
            relevant: BTreeMap::new(),
        };
        assert_eq!(evaluate(&[&query], &["words"], |_, _| Err("away")).unwrap_err(), "away");
    }
}
