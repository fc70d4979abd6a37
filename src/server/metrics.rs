//! What the server counts, in the text format of Prometheus. No text of a
//! question or a document is in it.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::auth::{Caller, Permission};
use super::problem::Problem;
use super::state::App;
use crate::wire::{AskResult, SearchTimings, Status};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StageLabels {
    stage: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct QueueLabels {
    queue: &'static str,
}

/// The counters.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    stages: Family<StageLabels, Histogram, fn() -> Histogram>,
    answers: Family<KindLabels, Counter>,
    tokens: Family<KindLabels, Counter>,
    asking: Gauge,
    queues: Family<QueueLabels, Gauge>,
    pending: Gauge,
}

/// Upper bounds of the latencies, in seconds: a search takes milliseconds, an answer seconds.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

impl Metrics {
    pub fn new() -> Self {
        let requests = Family::default();
        let stages = Family::new_with_constructor(histogram as fn() -> Histogram);
        let answers = Family::default();
        let tokens = Family::default();
        let asking = Gauge::default();
        let mut registry = Registry::with_prefix("attest");
        registry.register("requests", "Requests by route, method and status", requests.clone());
        registry.register_with_unit(
            "stage",
            "Time by stage: request; embed, dense, lexical, graph, rerank, search; retrieve, extractive, first_token, \
             generate, verify, answer",
            Unit::Seconds,
            stages.clone(),
        );
        registry.register("answers", "Answers: grounded, partial, not_found, stored", answers.clone());
        registry.register("tokens", "Tokens of the language model: prompt, cached, generated", tokens.clone());
        registry.register("asking", "Questions being answered or waiting for the model", asking.clone());
        let queues = Family::default();
        registry.register("queue_depth", "What is at work or waits: ask, search, ingest", queues.clone());
        let pending = Gauge::default();
        registry.register("pending_passages", "Passages that are not searchable by meaning yet", pending.clone());
        Self { registry, requests, stages, answers, tokens, asking, queues, pending }
    }

    /// Notes the times of a search.
    pub fn searched(&self, times: &SearchTimings) {
        for (stage, time) in [
            ("embed", times.embed),
            ("dense", times.dense),
            ("lexical", times.lexical),
            ("graph", times.graph),
            ("rerank", times.rerank),
        ] {
            self.stage(stage, time);
        }
        // An answer's search is a part of it and has no total.
        if times.total > 0.0 {
            self.stage("search", times.total);
        }
    }

    /// Notes the time of a stage, in milliseconds.
    pub fn stage(&self, stage: &'static str, milliseconds: f64) {
        self.stages.get_or_create(&StageLabels { stage }).observe(milliseconds / 1e3);
    }

    /// Notes an answer.
    pub fn answered(&self, result: &AskResult) {
        let kind = match result.status {
            Status::Grounded => "grounded",
            Status::Partial => "partial",
            Status::NotFound => "not_found",
        };
        self.answers.get_or_create(&KindLabels { kind }).inc();
        if result.stored {
            self.answers.get_or_create(&KindLabels { kind: "stored" }).inc();
            return;
        }
        let times = &result.timings_ms;
        for (stage, time) in [
            ("retrieve", times.retrieve),
            ("extractive", times.extractive),
            ("verify", times.verify),
            ("answer", times.total),
        ] {
            self.stage(stage, time);
        }
        if let Some(first) = times.first_token {
            self.stage("first_token", first);
            self.stage("generate", times.generate);
        }
        let tokens = &result.tokens;
        for (kind, count) in [("prompt", tokens.prompt), ("cached", tokens.cached), ("generated", tokens.generated)] {
            self.tokens.get_or_create(&KindLabels { kind }).inc_by(count as u64);
        }
    }

    /// Counts a question as being answered until what is returned is dropped.
    pub fn asking(&self) -> impl Drop + use<> {
        struct Asking(Gauge);
        impl Drop for Asking {
            fn drop(&mut self) {
                self.0.dec();
            }
        }
        self.asking.inc();
        Asking(self.asking.clone())
    }
}

/// Counts and times every request. Routes are patterns, so that their number is bounded.
pub async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("page", MatchedPath::as_str).to_owned();
    let method = request.method().to_string();
    let start = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    app.metrics.requests.get_or_create(&RequestLabels { route, method, status }).inc();
    app.metrics.stage("request", milliseconds(start.elapsed()));
    response
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What was counted, for Prometheus. Needs the scope admin where keys are needed, for all collections.
#[utoipa::path(get, path = "/metrics", tag = "status", responses(
    (status = 200, content_type = "application/openmetrics-text", body = String),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn metrics(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    caller.require(Permission::Admin)?;
    if caller.collections.is_some() {
        let detail = "what is counted is about all collections, and this key may see some only";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    for (queue, depth) in
        [("ask", app.limits.answering()), ("search", app.limits.searching()), ("ingest", app.jobs.open())]
    {
        app.metrics.queues.get_or_create(&QueueLabels { queue }).set(depth as i64);
    }
    let pending = app.blocking(|app| Ok(app.library.pending()?)).await?;
    app.metrics.pending.set(pending as i64);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = encode(&mut text, &app.metrics.registry);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
