//! Errors as people and programs get them: RFC 9457 problem details, or the
//! shape that OpenAI's clients expect below `/v1`.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::{RequestId, Trace, trace};
use super::names::short;
use crate::error::Error;

/// What went wrong, by RFC 9457.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What failed and what to do.
    pub detail: String,
    /// The field or parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Why, in one word, for programs; told where several reasons are possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Names the request in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(skip)]
    retry_after: Option<u32>,
}

impl Problem {
    /// A problem with this status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            reason: None,
            request_id: None,
            retry_after: None,
        }
    }

    /// 400, naming the field.
    pub fn field(name: &str, detail: impl Into<String>) -> Self {
        Self { field: Some(name.to_owned()), ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    /// 404; the same words whether it does not exist or may not be seen.
    #[must_use]
    pub fn not_found(kind: &str, name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("no {kind} named {name}"))
    }

    /// 429: come back in so many seconds.
    pub fn busy(detail: impl Into<String>, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// 503: come back in so many seconds.
    pub fn unavailable(detail: impl Into<String>, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// The same about another field.
    #[must_use]
    pub fn about(self, field: &str) -> Self {
        Self { field: Some(field.to_owned()), ..self }
    }

    /// The same with the reason in one word.
    #[must_use]
    pub fn because(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// The same with other words.
    #[must_use]
    pub fn saying(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Error> for Problem {
    /// What clients cannot mend goes to the log, too.
    fn from(error: Error) -> Self {
        let detail = explained(&error);
        let problem = match &error {
            Error::Usage(_) => Self::new(StatusCode::BAD_REQUEST, detail),
            Error::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, detail),
            Error::Ingest(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
            Error::Busy { .. } => Self::busy(detail, 5),
            Error::Cancelled | Error::InUse { .. } => Self::unavailable(detail, 5),
            Error::ModelMissing { .. } => Self::unavailable(detail, 30),
            Error::Remote { .. } => Self::new(StatusCode::BAD_GATEWAY, detail),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail),
        };
        if problem.status >= 500 && !matches!(error, Error::Cancelled | Error::InUse { .. }) {
            let Trace { id: request_id, path } = trace();
            tracing::error!(%error, request_id, path, "a request failed");
        }
        problem
    }
}

/// What clients may know of an error: where things lie on this machine, and what stands beside it, is not told.
pub(super) fn explained(error: &Error) -> String {
    match error {
        Error::Usage(_) | Error::NotFound { .. } | Error::Busy { .. } | Error::Cancelled => error.to_string(),
        Error::ModelMissing { name, .. } => {
            format!("model {name} is not there and could not be fetched; the server's log says why")
        }
        Error::InUse { .. } => "the documents are in use by another attest process; try again in a moment".to_owned(),
        Error::Ingest(ingest) => short(&error.to_string(), &ingest.path().display().to_string()),
        Error::Remote { .. } => {
            "a server that this one needs did not answer as it should; the log says which".to_owned()
        }
        _ => "the server failed; its log says why".to_owned(),
    }
}

impl IntoResponse for Problem {
    /// The status only: `render` writes the body, in the shape that the route's clients know.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What went wrong, as OpenAI's clients expect it.
#[derive(Serialize, ToSchema)]
pub struct OpenAiError {
    error: OpenAiProblem,
}

/// See [`OpenAiError`].
#[derive(Serialize, ToSchema)]
pub struct OpenAiProblem {
    /// What failed and what to do.
    message: String,
    /// The kind of error.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The field that is wrong.
    param: Option<String>,
    /// One word for programs.
    code: Option<&'static str>,
}

/// Gives every error its body, also those that no handler of ours made.
pub async fn render(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    let mut response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        // MCP has errors of its own.
        None if path == "/mcp" => return response,
        None => {
            let body = std::mem::replace(response.body_mut(), Body::empty());
            let detail = to_bytes(body, 4096).await.ok().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
            Problem::new(status, detail.filter(|text| !text.is_empty()).unwrap_or_else(|| usual(status)))
        }
    };
    let problem = Problem { request_id: id, ..problem };
    let (kind, body) = if path == "/v1" || path.starts_with("/v1/") {
        ("application/json", serde_json::to_vec(&openai_error(&problem)))
    } else {
        ("application/problem+json", serde_json::to_vec(&problem))
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(seconds) = problem.retry_after {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    Response::from_parts(parts, Body::from(body.unwrap_or_default()))
}

fn usual(status: StatusCode) -> String {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => "this address takes other methods; see /api/openapi.json",
        StatusCode::PAYLOAD_TOO_LARGE => "the request is larger than the server takes",
        _ => "the request failed",
    }
    .to_owned()
}

/// A problem in the shape that OpenAI's clients expect.
pub(super) fn openai_error(problem: &Problem) -> serde_json::Value {
    let (kind, code) = match problem.status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        404 if problem.field.as_deref() == Some("model") => ("invalid_request_error", Some("model_not_found")),
        404 => ("invalid_request_error", Some("unknown_url")),
        429 => ("rate_limit_error", Some("rate_limit_exceeded")),
        500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    };
    serde_json::json!(OpenAiError {
        error: OpenAiProblem { message: problem.detail.clone(), kind, param: problem.field.clone(), code },
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_problem_says_where_a_document_lies() {
        let error = attest_ingest::IngestError::NoText { path: "/srv/docs/a.pdf".into(), pages: 1 };
        let problem = Problem::from(Error::Ingest(error));
        assert!(problem.detail.contains("a.pdf") && !problem.detail.contains("/srv"), "{}", problem.detail);
        let problem = Problem::from(Error::InUse { what: "/var/attest".into() });
        assert!(problem.status == 503 && !problem.detail.contains("/var"), "{}", problem.detail);
    }

    #[test]
    fn what_failed_is_in_the_log_under_the_request_id() {
        let log = Log::default();
        let to = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || to.clone()).with_ansi(false).finish();
        let request = Trace { id: "my-id".into(), path: "/api/v1/search".into() };
        let error = Error::Index { index: "dense", message: "it broke".into() };
        let failed = || request.within(|| Err::<(), _>(Problem::from(error)));
        let problem = tracing::subscriber::with_default(subscriber, failed).unwrap_err();
        let line = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(["it broke", "my-id", "/api/v1/search"].iter().all(|part| line.contains(part)), "{line}");
        assert!(problem.status == 500 && !problem.detail.contains("it broke"), "{problem:?}");
    }
}
