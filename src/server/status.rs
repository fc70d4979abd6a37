//! What the server has and can do, as far as the caller may know.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::{Caller, Visible};
use super::names::short;
use super::problem::Problem;
use super::state::App;
use crate::config::Generator;
use crate::index::DocumentState;

/// The server and what it holds.
#[derive(Serialize, ToSchema)]
pub struct ServerStatus {
    /// Version of the program.
    version: &'static str,
    /// Whether the models are loaded.
    ready: bool,
    /// What writes the answers.
    language_model: LanguageModel,
    /// Name of the embedding model.
    embedder: String,
    /// Documents that can be searched.
    documents: usize,
    /// Passages.
    passages: usize,
    /// Passages that are not searchable by meaning yet.
    pending: usize,
    /// All passages that are to be searchable by meaning.
    pending_total: usize,
    /// What the caller may do.
    scopes: Vec<&'static str>,
    /// Limits on requests.
    limits: StatusLimits,
    /// Collections by name.
    collections: Vec<CollectionOut>,
    /// Files that could not be read.
    failures: Vec<FailureOut>,
}

/// What writes the answers.
#[derive(Serialize, ToSchema)]
pub struct LanguageModel {
    name: String,
    present: bool,
    /// Answers that are being worked on.
    busy: usize,
    /// Answers that wait for the one at work.
    queue: usize,
}

/// Limits on requests.
#[derive(Serialize, ToSchema)]
pub struct StatusLimits {
    upload_bytes: usize,
    question_chars: usize,
}

/// A collection.
#[derive(Serialize, ToSchema, Clone)]
pub struct CollectionOut {
    /// Its name.
    pub name: String,
    /// Documents that can be searched.
    pub documents: usize,
    /// Passages.
    pub chunks: usize,
}

/// A file that could not be read.
#[derive(Serialize, ToSchema)]
pub struct FailureOut {
    document: String,
    reason: String,
    message: String,
}

/// What the server has and can do.
#[utoipa::path(get, path = "/api/v1/status", tag = "status", responses(
    (status = 200, body = ServerStatus), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn status(State(app): State<App>, caller: Caller) -> Result<axum::Json<ServerStatus>, Problem> {
    app.blocking(move |app| {
        let (collections, failures) = counted(app, &caller)?;
        let busy = app.limits.answering();
        let (name, present) = match &app.config.generator {
            Generator::OpenAi { model, .. } => (model.clone(), true),
            Generator::Local(name) => (name.clone(), app.ready.load(Ordering::Relaxed)),
        };
        let passages = collections.iter().map(|c| c.chunks).sum();
        Ok(axum::Json(ServerStatus {
            version: env!("CARGO_PKG_VERSION"),
            ready: app.ready.load(Ordering::Relaxed),
            language_model: LanguageModel { name, present, busy: busy.min(1), queue: busy.saturating_sub(1) },
            embedder: app.config.embedder.clone(),
            documents: collections.iter().map(|c| c.documents).sum(),
            passages,
            pending: pending_for(app, &caller)?,
            pending_total: passages,
            scopes: caller.permission.scopes(),
            limits: StatusLimits { upload_bytes: app.options.max_upload, question_chars: app.options.max_question },
            collections,
            failures,
        }))
    })
    .await
}

/// The caller's collections, and the files in them that could not be read.
pub(super) fn counted(app: &App, caller: &Caller) -> Result<(Vec<CollectionOut>, Vec<FailureOut>), Problem> {
    let mut collections: BTreeMap<String, CollectionOut> = app
        .library
        .collections()?
        .into_iter()
        .filter(|name| caller.sees(name))
        .map(|name| (name.clone(), CollectionOut { name, documents: 0, chunks: 0 }))
        .collect();
    let mut failures = Vec::new();
    for document in app.library.documents(None)? {
        let Some(collection) = collections.get_mut(&document.collection) else { continue };
        match document.state.clone() {
            DocumentState::Indexed { chunks, .. } => {
                collection.documents += 1;
                collection.chunks += chunks;
            }
            DocumentState::Failed { reason, message } => {
                let message = short(&message, &document.path);
                failures.push(FailureOut { document: app.name_of(&document), reason, message });
            }
        }
    }
    Ok((collections.into_values().collect(), failures))
}

/// Passages that the caller may see and that are not searchable by meaning yet.
fn pending_for(app: &App, caller: &Caller) -> Result<usize, Problem> {
    Ok(match caller.visible(&app.library, &[])? {
        Visible::All => app.library.pending()?,
        Visible::These(names) => app.library.pending_in(&names)?,
        Visible::Nothing => 0,
    })
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "status", responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn healthz() -> &'static str {
    "ok"
}

/// Whether the models are loaded.
#[utoipa::path(get, path = "/readyz", tag = "status", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
pub async fn readyz(State(app): State<App>) -> Result<&'static str, Problem> {
    if app.closing.is_cancelled() {
        return Err(Problem::unavailable("the server is shutting down", 10));
    }
    if app.ready.load(Ordering::Relaxed) {
        Ok("ready")
    } else {
        Err(Problem::unavailable("the models are being fetched or loaded; the server's log tells how far", 5))
    }
}
