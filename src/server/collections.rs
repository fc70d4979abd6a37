//! Collections over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{Caller, Permission};
use super::extract::{Json, Path};
use super::problem::Problem;
use super::state::App;
use super::status::{CollectionOut, counted};
use super::upload::check_collection;

/// Collections.
#[derive(Serialize, ToSchema)]
pub struct CollectionList {
    collections: Vec<CollectionOut>,
}

/// A collection to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCollection {
    /// 1 to 64 letters, digits, spaces, - and _.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\s!-,./:-@\[-^`{-~]([^\t-\r!-,./:-@\[-^`{-~]*[^\s!-,./:-@\[-^`{-~])?$"
    )]
    name: String,
}

/// The caller's collections, by name.
#[utoipa::path(get, path = "/api/v1/collections", tag = "collections", responses(
    (status = 200, body = CollectionList),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<axum::Json<CollectionList>, Problem> {
    app.blocking(move |app| Ok(axum::Json(CollectionList { collections: counted(app, &caller)?.0 }))).await
}

/// Makes a collection.
#[utoipa::path(post, path = "/api/v1/collections", tag = "collections", request_body = NewCollection, responses(
    (status = 201, body = CollectionOut),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewCollection>,
) -> Result<(StatusCode, axum::Json<CollectionOut>), Problem> {
    caller.require(Permission::Admin)?;
    check_collection(&new.name).map_err(|problem| Problem::field("name", problem.detail))?;
    if !caller.sees(&new.name) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this key may not make a collection of this name"));
    }
    app.blocking(move |app| {
        if !app.library.create_collection(&new.name)? {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                format!("there is a collection named {} already", new.name),
            ));
        }
        Ok((StatusCode::CREATED, axum::Json(CollectionOut { name: new.name, documents: 0, chunks: 0 })))
    })
    .await
}

/// Removes a collection and its documents from the index; files stay where they are.
#[utoipa::path(delete, path = "/api/v1/collections/{name}", tag = "collections", params(("name" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn remove(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    caller.require(Permission::Admin)?;
    app.blocking(move |app| {
        caller.visible(&app.library, std::slice::from_ref(&name))?;
        app.library.delete_collection(&name)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
