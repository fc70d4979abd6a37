//! Documents over HTTP: lists, text with its places, pictures of pages.

use std::collections::HashMap;
use std::path::PathBuf;

use attest_ingest::{BlockKind, Document, PageRect, Span, Warning};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::auth::{Caller, Permission};
use super::extract::{Path, Query};
use super::names::short;
use super::problem::Problem;
use super::state::App;
use super::undo::{Undo, UndoOut};
use crate::index::{DocumentInfo, DocumentState};
use crate::library::PageRequest;

/// Which documents to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Of this collection only.
    collection: Option<String>,
    /// Whose title or path has these words.
    #[serde(default)]
    q: String,
    /// So many are left out first.
    #[serde(default)]
    offset: usize,
    /// The most to list; at most 1000.
    #[serde(default = "hundred")]
    limit: usize,
}

const fn hundred() -> usize {
    100
}

/// Documents.
#[derive(Serialize, ToSchema)]
pub struct DocumentList {
    /// How many there are in all.
    total: usize,
    /// Those asked for.
    documents: Vec<DocumentOut>,
}

/// A document.
#[derive(Serialize, ToSchema)]
pub struct DocumentOut {
    id: String,
    /// Its path below the folder that was added, or the name that it was uploaded with.
    path: String,
    title: String,
    collection: String,
    /// `pdf`, `markdown`, `html` or `text`; null when it could not be read.
    format: Option<String>,
    /// Pages; told for a single document only.
    pages: Option<usize>,
    chunks: usize,
    /// Length of the file.
    bytes: u64,
    /// `ready`, or `failed`.
    state: &'static str,
    /// Why it could not be read.
    message: Option<String>,
    /// The same in one word, for programs: `encrypted`, `damaged`, `no_text`, …
    reason: Option<String>,
    /// Remarks about how it was read.
    warnings: Vec<String>,
    /// What is wrong with it, one word each, for programs.
    health: Vec<Health>,
    /// Path of another document of the collection with the same bytes; told in lists only.
    duplicate_of: Option<String>,
    /// When it was added, in seconds since 1970.
    added: i64,
}

/// What can be wrong with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It could not be read.
    Unreadable,
    /// There is no text in it.
    Empty,
    /// Pages hold no text; probably scans.
    TextlessPages,
    /// It holds text that readers would not see.
    HiddenText,
    /// Some of its characters could not be told.
    UnknownCharacters,
    /// It is damaged; what could be read was read.
    Damaged,
    /// Another document has the same bytes.
    Duplicate,
}

impl From<&Warning> for Health {
    fn from(warning: &Warning) -> Self {
        match warning {
            Warning::NoWords => Self::Empty,
            Warning::TextlessPages { .. } => Self::TextlessPages,
            Warning::HiddenText { .. } => Self::HiddenText,
            Warning::UnmappedGlyphs { .. } | Warning::UndecodableBytes { .. } => Self::UnknownCharacters,
            Warning::Damaged { .. } => Self::Damaged,
        }
    }
}

impl DocumentOut {
    fn new(app: &App, info: DocumentInfo) -> Self {
        let path = app.name_of(&info);
        let (format, chunks, state, failure) = match info.state {
            DocumentState::Indexed { format, chunks } => (Some(format), chunks, "ready", None),
            DocumentState::Failed { message, reason } => {
                (None, 0, "failed", Some((short(&message, &info.path), reason)))
            }
        };
        let (message, reason) = failure.unzip();
        let mut health: Vec<Health> = info.warnings.iter().map(Health::from).collect();
        if message.is_some() {
            health.push(Health::Unreadable);
        }
        Self {
            health,
            duplicate_of: None,
            added: info.added_at,
            warnings: info.warnings.iter().map(ToString::to_string).collect(),
            id: info.id,
            path,
            title: info.title,
            collection: info.collection,
            format,
            pages: None,
            chunks,
            bytes: info.size,
            state,
            message,
            reason,
        }
    }
}

/// A document and its headings.
#[derive(Serialize, ToSchema)]
pub struct DocumentDetail {
    /// The document.
    #[serde(flatten)]
    document: DocumentOut,
    /// Its headings, in order.
    outline: Vec<HeadingOut>,
}

/// A heading.
#[derive(Serialize, ToSchema)]
pub struct HeadingOut {
    level: u8,
    text: String,
    span: (usize, usize),
    page: Option<u32>,
}

/// The text of a document and its parts; spans are byte offsets into the text.
#[derive(Serialize, ToSchema)]
pub struct ContentOut {
    id: String,
    title: String,
    format: String,
    /// Another one when the document was changed; also the `ETag`.
    version: String,
    text: String,
    pages: Vec<PageOut>,
    blocks: Vec<BlockOut>,
}

/// A page.
#[derive(Serialize, ToSchema)]
pub struct PageOut {
    number: u32,
    label: Option<String>,
    span: (usize, usize),
    /// In points.
    width: f32,
    /// In points.
    height: f32,
}

/// A part of the text.
#[derive(Serialize, ToSchema)]
pub struct BlockOut {
    /// `heading`, `paragraph`, `list`, `table`, `code`, `quote`, `caption`, `footnote`, `metadata`.
    kind: &'static str,
    level: Option<u8>,
    span: (usize, usize),
    page: Option<u32>,
    lines: Option<(u32, u32)>,
}

/// A part of a document's text.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SpanQuery {
    /// First byte.
    start: usize,
    /// One past the last byte.
    end: usize,
}

/// The text at a span.
#[derive(Serialize, ToSchema)]
pub struct SpanOut {
    /// The text there.
    pub text: String,
    /// Page on which it begins.
    pub page: Option<u32>,
    /// First and last line in the file.
    pub lines: Option<(u32, u32)>,
    /// Where it stands on the pages of a PDF, line by line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub boxes: Vec<BoxOut>,
}

/// A part of a page, as parts of its width and height: from 0, left and top, to 1.
#[derive(Serialize, ToSchema)]
pub struct BoxOut {
    page: u32,
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

/// Which page.
#[derive(Deserialize)]
pub struct PageOf {
    id: String,
    number: u32,
}

/// How to draw a page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DrawQuery {
    /// Width in pixels, 100 to 2400.
    #[serde(default = "usual_width")]
    #[param(minimum = 100, maximum = 2400, default = 900)]
    width: u32,
    /// `START-END`: bytes of the text to mark.
    #[param(pattern = "^[0-9]{1,9}-[0-9]{1,9}$")]
    span: Option<String>,
    /// The `version` of the content, so that a picture that is kept is not that of a former one.
    #[expect(dead_code, reason = "it only makes the address another")]
    version: Option<String>,
}

const fn usual_width() -> u32 {
    900
}

/// Documents, by collection and path.
#[utoipa::path(get, path = "/api/v1/documents", tag = "documents", params(ListQuery), responses(
    (status = 200, body = DocumentList),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<DocumentList>, Problem> {
    app.blocking(move |app| {
        let wanted: Vec<String> = query.collection.clone().into_iter().collect();
        caller.visible(&app.library, &wanted)?;
        let words = query.q.to_lowercase();
        let mut found = app.library.documents(query.collection.as_deref())?;
        found.retain(|info| {
            let named = || [&info.title, &app.name_of(info)].iter().any(|text| text.to_lowercase().contains(&words));
            caller.sees(&info.collection) && (words.is_empty() || named())
        });
        let total = found.len();
        let mut duplicates = app.library.duplicates()?;
        let names: HashMap<&str, String> = found.iter().map(|info| (info.path.as_str(), app.name_of(info))).collect();
        for path in duplicates.values_mut() {
            *path = names.get(path.as_str()).cloned().unwrap_or_else(|| short(path, path));
        }
        let page = found.into_iter().skip(query.offset).take(query.limit.min(1000)).map(|info| {
            let duplicate_of = duplicates.remove(&info.id);
            let mut out = DocumentOut { duplicate_of, ..DocumentOut::new(app, info) };
            if out.duplicate_of.is_some() {
                out.health.push(Health::Duplicate);
            }
            out
        });
        Ok(axum::Json(DocumentList { total, documents: page.collect() }))
    })
    .await
}

/// One document and its headings.
#[utoipa::path(get, path = "/api/v1/documents/{id}", tag = "documents", params(("id" = String, Path)), responses(
    (status = 200, body = DocumentDetail),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<DocumentDetail>, Problem> {
    app.blocking(move |app| {
        let info = info(app, &caller, &id)?;
        let (pages, outline) = match app.library.document(&id) {
            Ok(document) => (Some(document.pages.len()).filter(|&pages| pages > 0), outline(&document)),
            // It could not be read; its state says why.
            Err(_) => (None, Vec::new()),
        };
        Ok(axum::Json(DocumentDetail { document: DocumentOut { pages, ..DocumentOut::new(app, info) }, outline }))
    })
    .await
}

/// Takes a document out of the index. An uploaded file is kept for a day, so that it can be undone; a file from
/// elsewhere stays where it is (`file_stays`).
#[utoipa::path(delete, path = "/api/v1/documents/{id}", tag = "documents", params(("id" = String, Path)), responses(
    (status = 200, body = UndoOut),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<UndoOut>, Problem> {
    caller.require(Permission::Write)?;
    app.blocking(move |app| {
        let turn = app.shelf.turn();
        let info = info(app, &caller, &id)?;
        let (out, undo) = Undo::keep(&turn, &info.collection, &PathBuf::from(&info.path))?;
        if let Err(error) = app.library.remove_document(&id) {
            undo.put_back(&turn)?;
            return Err(error.into());
        }
        Ok(axum::Json(out))
    })
    .await
}

/// The text of a document and its parts. With `If-None-Match`, 304 when it is still the same.
#[utoipa::path(get, path = "/api/v1/documents/{id}/content", tag = "documents", params(("id" = String, Path)), responses(
    (status = 200, body = ContentOut),
    (status = 304, description = "It is still the same."),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn content(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    app.blocking(move |app| {
        let info = info(app, &caller, &id)?;
        let document = app.library.document(&id)?;
        let version = version(&info, &document);
        let tag = format!("\"{version}\"");
        let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| is_known(known, &tag));
        // Kept by the browser of who asked, and asked about every time.
        let cache = [
            (header::ETAG, tag),
            (header::CACHE_CONTROL, "private, no-cache".to_owned()),
            (header::VARY, "authorization".to_owned()),
        ];
        if known {
            return Ok((StatusCode::NOT_MODIFIED, cache).into_response());
        }
        let pages = document.pages.iter().map(|page| PageOut {
            number: page.number,
            label: page.label.clone(),
            span: pair(page.span),
            width: page.width,
            height: page.height,
        });
        let blocks = document.blocks.iter().map(|block| {
            let (kind, level) = kind(block.kind);
            BlockOut {
                kind,
                level,
                span: pair(block.span),
                page: document.page_at(block.span.start),
                lines: document.lines_at(block.span),
            }
        });
        let content = ContentOut {
            id,
            title: document.title.clone(),
            format: DocumentOut::new(app, info).format.unwrap_or_default(),
            version,
            pages: pages.collect(),
            blocks: blocks.collect(),
            text: document.text,
        };
        Ok((cache, axum::Json(content)).into_response())
    })
    .await
}

/// Whether the client has this version, by RFC 9110, 13.1.2.
fn is_known(known: &HeaderValue, tag: &str) -> bool {
    let known = known.to_str().unwrap_or_default();
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// Tells one state of a document from another: by its file, and by what was read of it.
fn version(info: &DocumentInfo, document: &Document) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{} {} {}\0", info.mtime, info.size, document.title));
    hasher.update(&document.text);
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The text at a span, and where it stands.
#[utoipa::path(get, path = "/api/v1/documents/{id}/span", tag = "documents", params(("id" = String, Path), SpanQuery),
    responses((status = 200, body = SpanOut),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn span(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SpanQuery>,
) -> Result<axum::Json<SpanOut>, Problem> {
    app.blocking(move |app| {
        let mut found = read_span(app, &caller, &id, query.start, query.end)?;
        let document = app.library.document(&id)?;
        found.boxes = boxes(&document, Span::new(query.start, query.end));
        Ok(axum::Json(found))
    })
    .await
}

fn boxes(document: &Document, span: Span) -> Vec<BoxOut> {
    let relative = |marked: PageRect| {
        let page = document.pages.iter().find(|page| page.number == marked.page)?;
        let rect = marked.rect;
        let part = |length: f32, of: f32| (length / of.max(1.0)).clamp(0.0, 1.0);
        Some(BoxOut {
            page: marked.page,
            left: part(rect.x0, page.width),
            top: part(rect.y0, page.height),
            right: part(rect.x1, page.width),
            bottom: part(rect.y1, page.height),
        })
    };
    document.boxes(span).into_iter().filter_map(relative).collect()
}

/// The text at a span of a document that the caller may see.
pub(super) fn read_span(app: &App, caller: &Caller, id: &str, start: usize, end: usize) -> Result<SpanOut, Problem> {
    info(app, caller, id)?;
    let document = app.library.document(id)?;
    let text = document.text.get(start..end).ok_or_else(|| {
        let length = document.text.len();
        Problem::field("start", format!("{start}-{end} is no span of the text, which has {length} bytes"))
    })?;
    let span = Span::new(start, end);
    Ok(SpanOut {
        text: text.to_owned(),
        page: document.page_at(start),
        lines: document.lines_at(span),
        boxes: Vec::new(),
    })
}

/// The picture of a page, with a span marked in it.
#[utoipa::path(get, path = "/api/v1/documents/{id}/pages/{number}", tag = "documents",
    params(("id" = String, Path), ("number" = u32, Path), DrawQuery),
    responses((status = 200, body = String, content_type = "image/png"),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn page(
    State(app): State<App>,
    caller: Caller,
    Path(PageOf { id, number }): Path<PageOf>,
    Query(query): Query<DrawQuery>,
) -> Result<Response, Problem> {
    let highlight = query.span.as_deref().map(parse_span).transpose()?;
    if !(100..=2400).contains(&query.width) {
        return Err(Problem::field("width", "width must be between 100 and 2400"));
    }
    let turn = app.limits.draw()?;
    let png = app
        .blocking(move |app| {
            let _turn = turn;
            info(app, &caller, &id)?;
            Ok(app.library.draw_page(PageRequest { document: &id, number, width: query.width, highlight })?)
        })
        .await?;
    Ok(([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "private, max-age=300")], png).into_response())
}

fn parse_span(text: &str) -> Result<Span, Problem> {
    // `parse` takes a sign as well.
    let number = |part: &str| {
        let plain = (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|_| plain)
    };
    let parts = text.split_once('-').and_then(|(a, b)| Some((number(a)?, number(b)?)));
    parts
        .filter(|(start, end)| start <= end)
        .map(|(start, end)| Span::new(start, end))
        .ok_or_else(|| Problem::field("span", "span is START-END, in bytes of the text"))
}

/// The document, unless it does not exist or may not be seen, which sound the same.
pub(super) fn info(app: &App, caller: &Caller, id: &str) -> Result<DocumentInfo, Problem> {
    let found = app.library.document_info(id)?;
    if caller.sees(&found.collection) { Ok(found) } else { Err(Problem::not_found("document", id)) }
}

fn outline(document: &Document) -> Vec<HeadingOut> {
    let headings = document.blocks.iter().filter_map(|block| match block.kind {
        BlockKind::Heading(level) => Some((level, block.span)),
        _ => None,
    });
    headings
        .map(|(level, span)| HeadingOut {
            level,
            text: attest_ingest::heading_text(document.slice(span)).to_owned(),
            span: pair(span),
            page: document.page_at(span.start),
        })
        .collect()
}

const fn kind(kind: BlockKind) -> (&'static str, Option<u8>) {
    match kind {
        BlockKind::Heading(level) => ("heading", Some(level)),
        BlockKind::Paragraph => ("paragraph", None),
        BlockKind::List => ("list", None),
        BlockKind::Table => ("table", None),
        BlockKind::Code => ("code", None),
        BlockKind::Quote => ("quote", None),
        BlockKind::Caption => ("caption", None),
        BlockKind::Footnote => ("footnote", None),
        BlockKind::Metadata => ("metadata", None),
    }
}

const fn pair(span: Span) -> (usize, usize) {
    (span.start, span.end)
}
