//! Receipts of answers, and what readers think of them.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::extract::{Json, Path};
use super::names::Names;
use super::problem::Problem;
use super::state::App;
use crate::library::{Rating, Receipt};

/// What a reader thinks of an answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackBody {
    /// Id of the answer's receipt.
    receipt: String,
    /// Whether it was right.
    verdict: VerdictIn,
    /// What is wrong with it.
    comment: Option<String>,
    /// What a right answer says.
    expected: Option<String>,
}

/// Whether an answer was right.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerdictIn {
    /// It was.
    Up,
    /// It was not.
    Down,
}

/// The receipt of an answer: the question, the conditions, the passages and the answer.
#[utoipa::path(get, path = "/api/v1/receipts/{id}", tag = "ask", params(("id" = String, Path)), responses(
    (status = 200, body = Receipt),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn receipt(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Receipt>, Problem> {
    app.blocking(move |app| {
        let mut receipt = visible(app, &caller, &id)?;
        let mut names = Names::new(app);
        names.answer(&mut receipt.answer);
        receipt.documents.iter_mut().for_each(|document| names.put(&document.id, &mut document.path));
        Ok(axum::Json(receipt))
    })
    .await
}

/// Keeps what a reader thinks of an answer.
#[utoipa::path(post, path = "/api/v1/feedback", tag = "ask", request_body = FeedbackBody, responses(
    (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn feedback(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<FeedbackBody>,
) -> Result<StatusCode, Problem> {
    let longest = app.options.max_question;
    for (name, text) in [("comment", &body.comment), ("expected", &body.expected)] {
        if text.as_ref().is_some_and(|text| text.chars().count() > longest) {
            return Err(Problem::field(name, format!("{name} is longer than {longest} characters")));
        }
    }
    app.blocking(move |app| {
        visible(app, &caller, &body.receipt)?;
        let rating = match body.verdict {
            VerdictIn::Up => Rating::Up,
            VerdictIn::Down => Rating::Down,
        };
        app.library.feedback(&body.receipt, rating, body.comment, body.expected)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// A receipt of an answer from nothing but what the caller may see.
fn visible(app: &App, caller: &Caller, id: &str) -> Result<Receipt, Problem> {
    let receipt = app.library.receipt(id)?;
    let asked = &receipt.request.collections;
    let seen = caller.collections.is_none() || !asked.is_empty() && asked.iter().all(|name| caller.sees(name));
    if seen { Ok(receipt) } else { Err(crate::Error::NotFound { kind: "receipt", name: id.to_owned() }.into()) }
}
