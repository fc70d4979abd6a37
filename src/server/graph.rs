//! The knowledge graph over HTTP: the part around a question or a document.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::{Caller, Visible};
use super::extract::Query;
use super::problem::Problem;
use super::state::App;
use crate::library::{Around, GraphPicture};

/// What to draw: the graph around words, or around a document.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GraphQuery {
    /// Words, as in a search.
    #[param(min_length = 1, max_length = 4000, pattern = "\\S")]
    q: Option<String>,
    /// Id of a document.
    document: Option<String>,
    /// The most nodes, 1 to 1000.
    #[serde(default = "most")]
    #[param(minimum = 1, maximum = 1000, default = 200)]
    limit: usize,
}

const fn most() -> usize {
    200
}

/// A part of the graph.
#[derive(Serialize, ToSchema)]
pub struct GraphOut {
    /// Entities first, those that tell most before the others; then passages.
    nodes: Vec<NodeOut>,
    /// Which passage mentions which entity.
    edges: Vec<EdgeOut>,
    /// Whether there is more than the limit lets through.
    truncated: bool,
}

/// A node of the graph.
#[derive(Default, Serialize, ToSchema)]
pub struct NodeOut {
    /// Id within this answer.
    id: String,
    /// `entity` or `passage`.
    kind: &'static str,
    /// Name of the entity, or the last heading above the passage.
    label: String,
    /// How much it tells, from 0 to 1.
    weight: f64,
    /// Id of the passage's document.
    document_id: Option<String>,
    /// Title of the passage's document.
    title: Option<String>,
    /// The passage's part of the document's text, in bytes.
    span: Option<(usize, usize)>,
    /// Page on which the passage begins.
    page: Option<u32>,
    /// First and last line of the passage in the file.
    lines: Option<(u32, u32)>,
}

/// A line between two nodes.
#[derive(Serialize, ToSchema)]
pub struct EdgeOut {
    /// The passage.
    from: String,
    /// The entity.
    to: String,
    /// How much the passage speaks of it; 1 is once.
    weight: u8,
}

/// The part of the knowledge graph around words or a document.
#[utoipa::path(get, path = "/api/v1/graph", tag = "search", params(GraphQuery), responses(
    (status = 200, body = GraphOut),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn graph(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<GraphQuery>,
) -> Result<axum::Json<GraphOut>, Problem> {
    if !(1..=1000).contains(&query.limit) {
        return Err(Problem::field("limit", "limit must be between 1 and 1000"));
    }
    let around = match (query.q, query.document) {
        (Some(words), None) => {
            app.check_question("q", &words)?;
            Around::Words(words)
        }
        (None, Some(id)) => Around::Document(id),
        _ => return Err(Problem::field("q", "give either words (q) or the id of a document (document)")),
    };
    let turn = app.limits.search().await?;
    app.blocking(move |app| {
        let _turn = turn;
        if let Around::Document(id) = &around {
            super::documents::info(app, &caller, id)?;
        }
        let collections = match caller.visible(&app.library, &[])? {
            Visible::All => Vec::new(),
            Visible::These(names) => names,
            Visible::Nothing => return Ok(axum::Json(GraphOut { nodes: vec![], edges: vec![], truncated: false })),
        };
        Ok(axum::Json(draw(app.library.picture(&around, &collections, query.limit)?)))
    })
    .await
}

fn draw(picture: GraphPicture) -> GraphOut {
    let most = picture.entities.first().map_or(1.0, |entity| entity.weight);
    let entities = picture.entities.into_iter().enumerate().map(|(at, entity)| NodeOut {
        id: format!("e{at}"),
        kind: "entity",
        label: entity.label,
        weight: entity.weight / most,
        ..NodeOut::default()
    });
    let count = picture.passages.len().max(1) as f64;
    let passages = picture.passages.into_iter().enumerate().map(|(at, passage)| NodeOut {
        id: format!("p{at}"),
        kind: "passage",
        label: passage.headings.last().unwrap_or(&passage.title).clone(),
        weight: 1.0 - at as f64 / count,
        document_id: Some(passage.document_id),
        title: Some(passage.title),
        span: Some((passage.span.start, passage.span.end)),
        page: passage.page,
        lines: passage.lines,
    });
    let edges = picture.mentions.into_iter().map(|mention| EdgeOut {
        from: format!("p{}", mention.passage),
        to: format!("e{}", mention.entity),
        weight: mention.weight,
    });
    GraphOut { nodes: entities.chain(passages).collect(), edges: edges.collect(), truncated: picture.truncated }
}
