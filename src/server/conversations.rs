//! Conversations: listed, shown, exported and forgotten. Asking within one is
//! a field of the question.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::extract::Path;
use super::history::{Conversation, Turn};
use super::names::Names;
use super::problem::Problem;
use super::state::App;

/// A conversation and what was said in it.
#[derive(Serialize, ToSchema)]
pub struct ConversationOut {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: Conversation,
    /// Its turns, the oldest first.
    pub turns: Vec<Turn>,
}

/// The caller's conversations.
#[derive(Serialize, ToSchema)]
pub struct ConversationsOut {
    /// The latest first; those without a question are left out.
    pub conversations: Vec<Conversation>,
}

/// Whose conversations they are.
pub(super) fn owner(caller: &Caller) -> String {
    caller.key.clone().unwrap_or_default()
}

/// A conversation's turns, but for those that show what the caller may no longer see.
pub(super) fn turns(app: &App, caller: &Caller, id: &str) -> Result<(Conversation, Vec<Turn>), Problem> {
    let (conversation, mut turns) = app.history.get(&owner(caller), id)?;
    turns.retain(|turn| {
        let hits = turn.answer.passages.iter().chain(&turn.answer.closest).map(|hit| &hit.collection);
        let mut shown = hits.chain(turn.answer.dropped.iter().map(|hit| &hit.collection));
        shown.all(|collection| caller.sees(collection))
    });
    let mut names = Names::new(app);
    turns.iter_mut().for_each(|turn| names.answer(&mut turn.answer));
    Ok((conversation, turns))
}

/// Begins a conversation; ask within it by its id.
#[utoipa::path(post, path = "/api/v1/conversations", tag = "conversations", responses(
    (status = 201, body = Conversation),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create(State(app): State<App>, caller: Caller) -> Result<(StatusCode, axum::Json<Conversation>), Problem> {
    app.blocking(move |app| Ok((StatusCode::CREATED, axum::Json(app.history.create(&owner(&caller))?)))).await
}

/// The caller's conversations, the latest first.
#[utoipa::path(get, path = "/api/v1/conversations", tag = "conversations", responses(
    (status = 200, body = ConversationsOut),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<axum::Json<ConversationsOut>, Problem> {
    app.blocking(move |app| Ok(axum::Json(ConversationsOut { conversations: app.history.list(&owner(&caller))? })))
        .await
}

/// A conversation and what was said in it.
#[utoipa::path(get, path = "/api/v1/conversations/{id}", tag = "conversations", params(("id" = String, Path)),
    responses((status = 200, body = ConversationOut),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<ConversationOut>, Problem> {
    app.blocking(move |app| {
        let (conversation, turns) = turns(app, &caller, &id)?;
        Ok(axum::Json(ConversationOut { conversation, turns }))
    })
    .await
}

/// Forgets a conversation.
#[utoipa::path(delete, path = "/api/v1/conversations/{id}", tag = "conversations", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn remove(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    app.blocking(move |app| {
        app.history.remove(&owner(&caller), &id)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// A conversation as Markdown, with its sources.
#[utoipa::path(get, path = "/api/v1/conversations/{id}/export", tag = "conversations", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/markdown", body = String),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn export(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    app.blocking(move |app| {
        let (conversation, turns) = turns(app, &caller, &id)?;
        let file = format!("attachment; filename=\"conversation-{}.md\"", conversation.id);
        let headers =
            [(header::CONTENT_TYPE, "text/markdown; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, file)];
        Ok((headers, markdown(&conversation, &turns)).into_response())
    })
    .await
}

fn markdown(conversation: &Conversation, turns: &[Turn]) -> String {
    let mut text = format!("# {}\n", conversation.title.replace('\n', " "));
    // Writing to a string does not fail.
    for turn in turns {
        let _ = write!(text, "\n## {}\n\n", turn.question.replace('\n', " "));
        if let Some(rewritten) = &turn.rewritten {
            let _ = write!(text, "*Understood as: {rewritten}*\n\n");
        }
        let _ = writeln!(text, "{}", turn.answer.answer);
        for note in &turn.answer.notes {
            let _ = writeln!(text, "\n{}", note.cited());
        }
        for citation in &turn.answer.citations {
            let place = match (citation.page, citation.lines) {
                (Some(page), _) => format!(", page {page}"),
                (None, Some((from, to))) if from == to => format!(", line {from}"),
                (None, Some((from, to))) => format!(", lines {from}–{to}"),
                (None, None) => String::new(),
            };
            let quote = citation.quote.split_whitespace().collect::<Vec<_>>().join(" ");
            let _ = write!(text, "\n[{}] {}{place}: “{quote}”\n", citation.marker, citation.document);
        }
    }
    text
}
