//! Every route. The OpenAPI description is made from the same list, so that
//! none can be missing from it.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as OpenApiDescription, RefOr, Response as OneResponse};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::state::App;
use super::{
    ask, auth, collections, conversations, documents, graph, guard, jobs, mcp, metrics, openai, page, problem,
    receipts, search, status, undo, upload,
};

#[derive(OpenApi)]
#[openapi(info(
    title = "Attest",
    description = "Answers from your own documents, where every sentence can be checked.\n\nBeside what is described \
        here, the Model Context Protocol is spoken at `/mcp` (streamable HTTP; the tools `search`, `ask`, \
        `list_documents` and `read_span`)."
))]
struct Description;

/// JSON bodies; uploads have a limit of their own.
const BODY: usize = 1 << 20;

/// The whole server.
pub fn router(app: App) -> Router {
    let (routes, mut api) = protected().split_for_parts();
    let (open, open_api) =
        OpenApiRouter::<App>::new().routes(routes!(status::healthz)).routes(routes!(status::readyz)).split_for_parts();
    api.merge(open_api);
    let (uploads, upload_api) = OpenApiRouter::<App>::new().routes(routes!(upload::upload)).split_for_parts();
    api.merge(upload_api);
    describe(&mut api);
    let json = api.to_json().unwrap_or_default();
    let openapi = move || std::future::ready(([(header::CONTENT_TYPE, "application/json")], json.clone()));
    let guarded = routes
        .route_service("/mcp", mcp::service(&app))
        .layer(DefaultBodyLimit::max(BODY))
        .merge(uploads.layer(DefaultBodyLimit::max(app.options.max_upload)))
        .layer(from_fn_with_state(app.clone(), auth::authenticate))
        .layer(from_fn_with_state(app.clone(), guard::open));
    guarded
        .merge(open)
        .route("/api/openapi.json", get(openapi))
        .route_layer(from_fn_with_state(app.clone(), metrics::count))
        .fallback(fallback)
        .method_not_allowed_fallback(not_allowed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), guard::same_site))
        .layer(from_fn(problem::render))
        .layer(cors(&app.options.allow_origins))
        .layer(from_fn(guard::identify))
        .with_state(app)
}

/// The routes that need a key where keys are needed.
fn protected() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(status::status))
        .routes(routes!(search::search))
        .routes(routes!(ask::ask))
        .routes(routes!(graph::graph))
        .routes(routes!(collections::list, collections::create))
        .routes(routes!(collections::remove))
        .routes(routes!(documents::list))
        .routes(routes!(documents::one, documents::remove))
        .routes(routes!(documents::content))
        .routes(routes!(documents::span))
        .routes(routes!(documents::page))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::job))
        .routes(routes!(undo::undo))
        .routes(routes!(receipts::receipt))
        .routes(routes!(receipts::feedback))
        .routes(routes!(conversations::list, conversations::create))
        .routes(routes!(conversations::one, conversations::remove))
        .routes(routes!(conversations::export))
        .routes(routes!(metrics::metrics))
        .routes(routes!(openai::models))
        .routes(routes!(openai::model))
        .routes(routes!(openai::chat))
        .routes(routes!(openai::embeddings))
}

fn describe(api: &mut OpenApiDescription) {
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in [("get", &mut item.get), ("post", &mut item.post), ("delete", &mut item.delete)] {
            let Some(operation) = operation else { continue };
            // Handlers of different things have the same names; ids must differ.
            let parts = path.split(['/', '{', '}']).filter(|part| !part.is_empty());
            operation.operation_id = Some(parts.fold(method.to_owned(), |id, part| id + "_" + part));
            describe_responses(path, &mut operation.responses.responses);
        }
    }
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let components = api.components.get_or_insert_default();
    components.add_security_scheme("key", bearer);
    api.security = Some(vec![
        utoipa::openapi::security::SecurityRequirement::default(),
        utoipa::openapi::security::SecurityRequirement::new("key", Vec::<String>::new()),
    ]);
}

/// Gives every response its words, and every route what any route may answer.
fn describe_responses(path: &str, responses: &mut BTreeMap<String, RefOr<OneResponse>>) {
    let problem = match responses.get("4XX") {
        Some(RefOr::T(known)) => known.clone(),
        _ => OneResponse::new(""),
    };
    if path != "/healthz" {
        responses.entry("5XX".to_owned()).or_insert(RefOr::T(problem));
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = match status.as_bytes().first() {
                Some(b'2') => "What was asked for.",
                Some(b'4') => "The request is at fault, or comes too early or too often; the body says why.",
                _ => "The server failed, or cannot answer now; the body says why.",
            }
            .to_owned();
        }
    }
}

async fn fallback(
    state: axum::extract::State<App>,
    method: Method,
    uri: axum::http::Uri,
) -> Result<axum::response::Response, Problem> {
    let path = uri.path();
    let api = ["/api/", "/v1/", "/mcp"].iter().any(|prefix| path.starts_with(prefix));
    if api {
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address; see /api/openapi.json"));
    }
    if method != Method::GET && method != Method::HEAD {
        return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "files of the page can only be read"));
    }
    Ok(page::file(state, uri).await)
}

async fn not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address takes other methods; see /api/openapi.json")
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    let guard::Trace { id: request_id, path } = guard::trace();
    let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    tracing::error!(error = said.unwrap_or_default(), request_id, path, "a request panicked");
    axum::response::IntoResponse::into_response(Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the server failed; its log says why, under the request id",
    ))
}

/// Off, except for the origins that were named.
fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT])
        .expose_headers([header::RETRY_AFTER, header::HeaderName::from_static("x-request-id")])
}
