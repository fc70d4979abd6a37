//! Search over HTTP.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::{Caller, Visible};
use super::extract::Json;
use super::names::Names;
use super::problem::Problem;
use super::state::App;
use crate::answer::Mode;
use crate::library::SearchRequest;
use crate::wire::SearchResult;

/// What to search for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchBody {
    /// The query, in any language.
    #[schema(min_length = 1, max_length = 4000, pattern = "\\S")]
    pub query: String,
    /// The most passages to return, 1 to 100.
    #[serde(default = "ten", deserialize_with = "super::extract::whole")]
    #[schema(minimum = 1, maximum = 100, default = 10)]
    pub k: usize,
    /// How to search.
    #[serde(default)]
    pub mode: ModeIn,
    /// Collections to search; none: all that the caller may see.
    #[serde(default)]
    pub collections: Vec<String>,
}

/// How to search.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModeIn {
    /// By meaning, by words and along the graph, fused and looked at again.
    #[default]
    Hybrid,
    /// By meaning only.
    Dense,
    /// By words only.
    Lexical,
    /// Along the knowledge graph only.
    Graph,
}

impl From<ModeIn> for Mode {
    fn from(mode: ModeIn) -> Self {
        match mode {
            ModeIn::Hybrid => Self::Hybrid,
            ModeIn::Dense => Self::Dense,
            ModeIn::Lexical => Self::Lexical,
            ModeIn::Graph => Self::Graph,
        }
    }
}

const fn ten() -> usize {
    10
}

/// Passages that say something about the query.
#[utoipa::path(post, path = "/api/v1/search", tag = "search", request_body = SearchBody, responses(
    (status = 200, body = SearchResult),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn search(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SearchBody>,
) -> Result<axum::Json<SearchResult>, Problem> {
    app.check_question("query", &body.query)?;
    if !(1..=100).contains(&body.k) {
        return Err(Problem::field("k", "k must be between 1 and 100"));
    }
    find(&app, caller, body).await.map(axum::Json)
}

/// Searches in what the caller may see.
pub(super) async fn find(app: &App, caller: Caller, body: SearchBody) -> Result<SearchResult, Problem> {
    let turn = app.limits.search().await?;
    app.blocking(move |app| {
        let _turn = turn;
        let collections = match caller.visible(&app.library, &body.collections)? {
            Visible::All => Vec::new(),
            Visible::These(names) => names,
            Visible::Nothing => return Ok(SearchResult::nothing(&body.query)),
        };
        let request = SearchRequest { query: body.query, limit: body.k, mode: body.mode.into(), collections };
        let mut result = SearchResult::new(&app.library.search(&request)?);
        Names::new(app).hits(&mut result.hits);
        app.metrics.searched(&result.timings_ms);
        Ok(result)
    })
    .await
}
