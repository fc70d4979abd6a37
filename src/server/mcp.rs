//! The Model Context Protocol: the documents as read-only tools and resources.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::http::request::Parts;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolResult, ContentBlock, Implementation, ListResourceTemplatesResult, ListResourcesResult,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate, ServerCapabilities, ServerConfig,
};
use rmcp::schemars::JsonSchema;
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServerHandler, ServiceExt, schemars, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};

use super::ask::{self, AskBody};
use super::auth::Caller;
use super::documents;
use super::guard::{RequestId, Trace};
use super::problem::Problem;
use super::search::{self, ModeIn, SearchBody};
use super::state::App;
use crate::error::{Error, Result};
use crate::index::{DocumentInfo, DocumentState};
use crate::wire::{AskResult, CitationOut, HitOut, NoteOut, Status};

/// The tools and resources, for one way of calling.
#[derive(Clone)]
pub struct Mcp {
    app: App,
    /// Who calls, where requests do not say so themselves (stdio).
    caller: Option<Caller>,
}

/// What to search for.
#[derive(Deserialize, JsonSchema)]
struct SearchArgs {
    /// What to look for, in any language; words in "double quotes" must occur as they are
    query: String,
    /// The most passages to return, 1 to 50
    #[serde(default = "five", deserialize_with = "super::extract::whole")]
    limit: usize,
    /// Search these collections only
    #[serde(default)]
    collections: Vec<String>,
}

const fn five() -> usize {
    5
}

/// What to answer.
#[derive(Deserialize, JsonSchema)]
struct AskArgs {
    /// A complete question, in the language that the answer should have
    question: String,
    /// Answer from these collections only
    #[serde(default)]
    collections: Vec<String>,
}

/// Which documents to list.
#[derive(Deserialize, JsonSchema)]
struct ListArgs {
    /// Of this collection only
    collection: Option<String>,
    /// So many are left out first
    #[serde(default, deserialize_with = "super::extract::whole")]
    offset: usize,
}

/// What to read.
#[derive(Deserialize, JsonSchema)]
struct SpanArgs {
    /// Id of the document, from `search` or `list_documents`
    document_id: String,
    /// First byte of the text
    #[serde(deserialize_with = "super::extract::whole")]
    start: usize,
    /// One past the last byte
    #[serde(deserialize_with = "super::extract::whole")]
    end: usize,
}

/// Passages as a model reads them: nothing that it has no use for, since it pays for every word.
#[derive(Serialize)]
struct Found {
    hits: Vec<Passage>,
    /// Why a search could not take part.
    degraded: Vec<String>,
}

#[derive(Serialize)]
struct Passage {
    document_id: String,
    document: String,
    title: String,
    heading: Vec<String>,
    page: Option<u32>,
    lines: Option<(u32, u32)>,
    span: (usize, usize),
    text: String,
}

impl From<HitOut> for Passage {
    fn from(hit: HitOut) -> Self {
        Self {
            document_id: hit.document_id,
            document: hit.document,
            title: hit.title,
            heading: hit.heading,
            page: hit.page,
            lines: hit.lines,
            span: hit.span,
            text: hit.text,
        }
    }
}

/// An answer as a model reads it.
#[derive(Serialize)]
struct Answered {
    status: Status,
    answer: String,
    citations: Vec<CitationOut>,
    /// What a reader should know beside the answer: other editions, sources that disagree, what the question wrongly
    /// takes for granted.
    notes: Vec<NoteOut>,
    /// For `not_found`: what comes closest.
    closest: Vec<Passage>,
    degraded: Vec<String>,
    receipt: Option<String>,
}

impl From<AskResult> for Answered {
    fn from(result: AskResult) -> Self {
        Self {
            status: result.status,
            answer: result.answer,
            citations: result.citations,
            notes: result.notes,
            closest: result.closest.into_iter().map(Passage::from).collect(),
            degraded: result.degraded,
            receipt: result.receipt,
        }
    }
}

#[derive(Serialize)]
struct Listed {
    id: String,
    title: String,
    /// Below the folder that was added, or the name of the upload.
    path: String,
    collection: String,
}

/// Documents of one list.
const PAGE: usize = 200;

#[tool_router]
impl Mcp {
    /// Finds passages of the documents. Each comes with its document id and span, for `read_span`.
    #[tool(
        name = "search",
        annotations(title = "Search the documents", read_only_hint = true, open_world_hint = false)
    )]
    async fn search(
        &self,
        Parameters(args): Parameters<SearchArgs>,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResult, ErrorData> {
        let work = async {
            let caller = self.caller(&context)?;
            self.app.check_question("query", &args.query)?;
            if !(1..=50).contains(&args.limit) {
                return Err(Problem::field("limit", "limit must be between 1 and 50"));
            }
            let body =
                SearchBody { query: args.query, k: args.limit, mode: ModeIn::Hybrid, collections: args.collections };
            let found = search::find(&self.app, caller, body).await?;
            let hits = found.hits.into_iter().map(Passage::from).collect();
            Ok(Found { hits, degraded: found.degraded })
        };
        Ok(told(traced(&context, work).await))
    }

    /// Answers a question from the documents. Every sentence cites the exact text it stands on; `notes` tell of other
    /// editions, disagreements and wrong premises; `status` says `not_found` when the documents do not answer it.
    /// Takes about ten seconds.
    #[tool(name = "ask", annotations(title = "Ask the documents", read_only_hint = true, open_world_hint = false))]
    async fn ask(
        &self,
        Parameters(args): Parameters<AskArgs>,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResult, ErrorData> {
        let cancelled = context.ct.clone();
        let work = async {
            let caller = self.caller(&context)?;
            self.app.check_question("question", &args.question)?;
            let permit = self.app.limits.ask()?;
            let body = AskBody { question: args.question, collections: args.collections, ..AskBody::default() };
            self.app
                .blocking(move |app| {
                    ask::answer(app, &caller, body, Box::new(permit), &mut |_| {
                        if cancelled.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                    })
                })
                .await
                .map(|out| Answered::from(out.result))
        };
        Ok(told(traced(&context, work).await))
    }

    /// Lists the documents, 200 at a time.
    #[tool(
        name = "list_documents",
        annotations(title = "List the documents", read_only_hint = true, open_world_hint = false)
    )]
    async fn list_documents(
        &self,
        Parameters(args): Parameters<ListArgs>,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResult, ErrorData> {
        let work = async {
            let all = self.documents(self.caller(&context)?, args.collection).await?;
            let total = all.len();
            let page = all.into_iter().skip(args.offset).take(PAGE).map(|info| Listed {
                path: self.app.name_of(&info),
                id: info.id,
                title: info.title,
                collection: info.collection,
            });
            Ok(serde_json::json!({ "total": total, "documents": page.collect::<Vec<_>>() }))
        };
        Ok(told(traced(&context, work).await))
    }

    /// Reads the text of a document between two byte offsets, such as the `span` of a passage or citation.
    #[tool(
        name = "read_span",
        annotations(title = "Read a part of a document", read_only_hint = true, open_world_hint = false)
    )]
    async fn read_span(
        &self,
        Parameters(args): Parameters<SpanArgs>,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResult, ErrorData> {
        let work = async {
            let caller = self.caller(&context)?;
            self.app
                .blocking(move |app| documents::read_span(app, &caller, &args.document_id, args.start, args.end))
                .await
        };
        Ok(told(traced(&context, work).await))
    }
}

const URI: &str = "attest://documents/";

#[tool_handler]
impl ServerHandler for Mcp {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().enable_resources().build())
            .with_server_info(Implementation::new("attest", env!("CARGO_PKG_VERSION")))
            .with_instructions(
                "Answers from the user's own documents. `ask` gives a checked answer with citations; `search` gives \
                 passages, and `read_span` more of the text around them.",
            )
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<ListResourcesResult, ErrorData> {
        let start = match request.and_then(|request| request.cursor) {
            None => 0,
            Some(cursor) => cursor
                .to_string()
                .parse::<usize>()
                .map_err(|_| ErrorData::invalid_params("the cursor is none that this server gave", None))?,
        };
        let caller = self.caller(&context).map_err(protocol_error)?;
        let all = self.documents(caller, None).await.map_err(protocol_error)?;
        let more = (all.len() > start.saturating_add(PAGE)).then(|| (start + PAGE).to_string());
        let page = all.into_iter().skip(start).take(PAGE).map(|info| {
            let name = info.path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
            Resource::new(format!("{URI}{}", info.id), name).with_title(info.title).with_mime_type("text/plain")
        });
        let mut result = ListResourcesResult::with_all_items(page.collect());
        result.next_cursor = more;
        Ok(result)
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> std::result::Result<ListResourceTemplatesResult, ErrorData> {
        let template = ResourceTemplate::new(format!("{URI}{{id}}"), "document")
            .with_title("The text of a document")
            .with_description("`list_documents` and `search` give the ids")
            .with_mime_type("text/plain");
        Ok(ListResourceTemplatesResult::with_all_items(vec![template]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<ReadResourceResponse, ErrorData> {
        let caller = self.caller(&context).map_err(protocol_error)?;
        let uri = request.uri;
        let id = uri.strip_prefix(URI).map(str::to_owned).ok_or_else(|| {
            ErrorData::resource_not_found(format!("{uri} is no document; their addresses begin with {URI}"), None)
        })?;
        let read = self.app.blocking(move |app| {
            documents::info(app, &caller, &id)?;
            Ok(app.library.document(&id)?.text)
        });
        let text = read.await.map_err(protocol_error)?;
        Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri)]).into())
    }
}

impl Mcp {
    fn caller(&self, context: &RequestContext<RoleServer>) -> std::result::Result<Caller, Problem> {
        let named = context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get::<Caller>());
        named
            .or(self.caller.as_ref())
            .cloned()
            .ok_or_else(|| Problem::new(axum::http::StatusCode::UNAUTHORIZED, "this request came without a key"))
    }

    async fn documents(
        &self,
        caller: Caller,
        collection: Option<String>,
    ) -> std::result::Result<Vec<DocumentInfo>, Problem> {
        self.app
            .blocking(move |app| {
                let wanted: Vec<String> = collection.iter().cloned().collect();
                caller.visible(&app.library, &wanted)?;
                let mut all = app.library.documents(collection.as_deref())?;
                all.retain(|info| caller.sees(&info.collection) && matches!(info.state, DocumentState::Indexed { .. }));
                Ok(all)
            })
            .await
    }
}

/// Work of a tool; the request, where there is one, is named in the log.
async fn traced<T>(context: &RequestContext<RoleServer>, work: impl Future<Output = T>) -> T {
    let parts = context.extensions.get::<Parts>();
    let id = parts.and_then(|parts| parts.extensions.get::<RequestId>()).map(|id| id.0.clone());
    Trace { id: id.unwrap_or_default(), path: "/mcp".to_owned() }.around(work).await
}

/// A result as a model reads it; errors as well, so that it can act on them.
fn told(result: std::result::Result<impl Serialize, Problem>) -> CallToolResult {
    match result {
        Ok(value) => CallToolResult::structured(serde_json::json!(value)),
        Err(problem) => {
            let hint = match problem.status {
                404 => "; `list_documents` shows what there is",
                429 => "; wait a moment and try again",
                _ => "",
            };
            CallToolResult::error(vec![ContentBlock::text(format!("{}{hint}", problem.detail))])
        }
    }
}

fn protocol_error(problem: Problem) -> ErrorData {
    match problem.status {
        404 => ErrorData::resource_not_found(problem.detail, None),
        500.. => ErrorData::internal_error(problem.detail, None),
        _ => ErrorData::invalid_params(problem.detail, None),
    }
}

/// MCP over HTTP. Without sessions: every request says who calls, and nothing
/// is kept between requests.
pub(super) fn service(app: &App) -> StreamableHttpService<Mcp, NeverSessionManager> {
    let mcp = Mcp { app: app.clone(), caller: None };
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        // `guard` has looked at the host and the origin already.
        .disable_allowed_hosts();
    StreamableHttpService::new(move || Ok(mcp.clone()), Arc::new(NeverSessionManager::default()), config)
}

/// MCP over stdin and stdout, until the client closes them.
///
/// # Errors
/// When the client does not speak the protocol.
pub async fn serve_stdio(app: App) -> Result<()> {
    let mcp = Mcp { app, caller: Some(Caller::owner()) };
    let failed = |message: String| Error::Remote { service: "the MCP client".to_owned(), message };
    let running = mcp.serve(rmcp::transport::stdio()).await.map_err(|error| failed(error.to_string()))?;
    running.waiting().await.map(drop).map_err(|error| failed(error.to_string()))
}
