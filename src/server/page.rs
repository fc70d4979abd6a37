//! The page: the files of `web/`, inside the program or from a folder.

use std::path::{Component, Path};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::state::App;

/// The page as it was when the program was built.
#[derive(rust_embed::RustEmbed)]
#[folder = "web/"]
struct Web;

/// Nothing from outside, nothing inline, no frames around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// A file of the page; the page itself at `/`.
pub async fn file(State(app): State<App>, uri: Uri) -> Response {
    let name = match uri.path().trim_start_matches('/') {
        "" => "index.html",
        name => name,
    };
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address; see /api/openapi.json");
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    let hidden = name.split('/').any(|part| part.starts_with('.'));
    if !plain || hidden {
        return unknown().into_response();
    }
    let bytes = match &app.options.web_dir {
        Some(folder) => {
            let path = folder.join(name);
            tokio::task::spawn_blocking(move || std::fs::read(path).ok()).await.ok().flatten()
        }
        None => Web::get(name).map(|file| file.data.into_owned()),
    };
    let Some(bytes) = bytes else { return unknown().into_response() };
    let kind = mime_of(name);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, Body::from(bytes)).into_response()
}

fn mime_of(name: &str) -> &'static str {
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("json" | "webmanifest") => "application/json",
        Some("woff2") => "font/woff2",
        _ => "text/plain; charset=utf-8",
    }
}
