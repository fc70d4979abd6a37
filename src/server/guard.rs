//! What every request goes through: an id, the host and the origin it names,
//! whether the server is closing, and headers that browsers obey.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::state::App;

/// Names a request in logs, errors and the response.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The request at work, as the log names it. Empty where none is.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    pub(super) id: String,
    pub(super) path: String,
}

tokio::task_local! {
    static TRACE: Trace;
}

/// The request that this is done for.
pub(super) fn trace() -> Trace {
    TRACE.try_with(Clone::clone).unwrap_or_default()
}

impl Trace {
    /// Does `work` for this request, on a thread of its own. A panic is a failure like others: who waits is told.
    pub(super) fn within<T>(self, work: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
        let Self { id: request_id, path } = self.clone();
        TRACE.sync_scope(self, || catch_unwind(AssertUnwindSafe(work))).unwrap_or_else(|_| {
            // The message of the panic has gone to stderr.
            tracing::error!(request_id, path, "a request panicked");
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the server failed; its log says why"))
        })
    }

    /// The same for what is waited for.
    pub(super) async fn around<T>(self, work: impl Future<Output = T>) -> T {
        TRACE.scope(self, work).await
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Takes the caller's request id, or makes one, and sends it back.
pub async fn identify(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| is_plain(id));
    let id = given.map_or_else(|| super::keys::random_hex(8), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let start = std::time::Instant::now();
    let trace = Trace { id: id.clone(), path: path.clone() };
    let mut response = trace.around(next.run(request)).await;
    let status = response.status().as_u16();
    let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, path, status, milliseconds, request_id = id, "request");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Refuses what a browser was tricked into: a foreign name that leads to this
/// machine (DNS rebinding), and writes from pages of other origins.
pub async fn same_site(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let named = app.options.public_hosts.iter().any(|public| public.eq_ignore_ascii_case(without_port(host)));
    if app.options.loopback && !named && !is_loopback_host(host) {
        return Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "this server answers on this machine only; open it as http://127.0.0.1 or http://localhost, or name the \
             host of the proxy in front of it with --public-host",
        )
        .into_response();
    }
    if !is_safe(request.method()) && !origin_allowed(headers, host, &app.options.allow_origins) {
        return Problem::new(
            StatusCode::FORBIDDEN,
            "pages of this origin may not write here; allow it with --allow-origin",
        )
        .into_response();
    }
    next.run(request).await
}

/// Refuses new work while the last answers are being finished.
pub async fn open(State(app): State<App>, request: Request, next: Next) -> Response {
    if app.closing.is_cancelled() {
        return Problem::unavailable("the server is shutting down; try again in a moment", 10).into_response();
    }
    next.run(request).await
}

const fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn is_loopback_host(host: &str) -> bool {
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = without_port(host);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

fn origin_allowed(headers: &HeaderMap, host: &str, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let same = origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
    same || allowed.iter().any(|allowed| allowed == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_that_is_told() {
        let outcome: Result<(), Problem> = Trace::default().within(|| panic!("a bug"));
        assert_eq!(outcome.unwrap_err().status, 500);
    }

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "127.9.9.9", "[::1]:80", "[::1]"] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1", "[::2]:80"]
        {
            assert!(!is_loopback_host(host), "{host}");
        }
    }
}
