//! Answers over HTTP, at once or as server-sent events.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use utoipa::ToSchema;

use super::auth::{Caller, Visible};
use super::conversations::{owner, turns};
use super::extract::Json;
use super::guard;
use super::history::{self, now};
use super::names::Names;
use super::problem::Problem;
use super::state::App;
use crate::answer::self_contained;
use crate::error::Error;
use crate::library::{AskEvent, AskMode, AskRequest, Searched};
use crate::wire::{self, AskResult, HitOut, SearchTimings};

/// A question.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskBody {
    /// The question, in the language that the answer should have.
    #[schema(min_length = 1, max_length = 4000, pattern = "\\S")]
    pub question: String,
    /// Collections to answer from; none: all that the caller may see.
    #[serde(default)]
    pub collections: Vec<String>,
    /// Whether to answer at once, in the documents' own words, without the language model.
    #[serde(default)]
    pub extractive: bool,
    /// Id of the conversation that the question belongs to: a follow-up is understood from the question before it.
    #[serde(default)]
    pub conversation: Option<String>,
    /// Questions before this one, the oldest first, of a conversation that is not kept here; the last eight count.
    #[serde(default)]
    pub earlier: Vec<String>,
}

/// An answer.
#[derive(Serialize, ToSchema)]
pub struct AskOut {
    /// The answer.
    #[serde(flatten)]
    pub result: AskResult,
    /// The question that was answered, where the one asked did not stand alone; null also where that one would be longer
    /// than a question may be, so that it was answered as it was asked.
    pub rewritten: Option<String>,
    /// Id of the conversation that the answer was put into, if the question belongs to one.
    pub conversation: Option<String>,
}

/// The event `retrieval`: what was found, before anything is written.
#[derive(Serialize)]
struct RetrievalOut<'a> {
    question: &'a str,
    hits: Vec<HitOut>,
    timings_ms: SearchTimings,
}

#[derive(Serialize)]
struct TokenOut<'a> {
    text: &'a str,
}

/// A place among the answers or searches at work, until it is dropped.
pub(super) type Turn = Box<dyn Send>;

/// Stops the model when the one who asked is gone.
pub(super) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A guard that sets the flag when it is dropped.
    pub(super) fn new() -> (Self, Arc<AtomicBool>) {
        let flag = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&flag)), flag)
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A cited answer. With `Accept: text/event-stream`: the events `retrieval`,
/// `extractive` (the documents' own words, when some fit), `token` (draft, not verified), `citation`, `verified` (a sentence that stays),
/// then `done` with the whole answer, or `error` with a problem.
#[utoipa::path(post, path = "/api/v1/ask", tag = "ask", request_body = AskBody, responses(
    (status = 200, content((AskOut = "application/json"), (String = "text/event-stream"))),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
    (status = "5XX", body = Problem, content_type = "application/problem+json")))]
pub async fn ask(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body): Json<AskBody>,
) -> Result<Response, Problem> {
    app.check_question("question", &body.question)?;
    if body.earlier.iter().map(|question| question.chars().count()).sum::<usize>() > 8 * app.options.max_question {
        return Err(Problem::field("earlier", "the questions before this one are too long; the last few are enough"));
    }
    // An answer in the documents' own words is a search: it waits for no model.
    let permit: Turn = if body.extractive { Box::new(app.limits.search().await?) } else { Box::new(app.limits.ask()?) };
    if accepts_events(&headers) {
        // What is wrong with a question is told before the stream begins.
        let body = checked(&app, &caller, body).await?;
        return Ok(stream(app, caller, body, permit));
    }
    let (_cancel, cancelled) = Cancel::new();
    let out = app
        .blocking(move |app| {
            answer(app, &caller, body, permit, &mut |_| {
                if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        })
        .await?;
    Ok(axum::Json(out).into_response())
}

/// A question that can be answered: its collections and its conversation are there, and the models can read it.
pub(super) async fn checked(app: &App, caller: &Caller, body: AskBody) -> Result<AskBody, Problem> {
    let caller = caller.clone();
    app.blocking(move |app| {
        caller.visible(&app.library, &body.collections)?;
        understood(app, &caller, &body)?;
        Ok(body)
    })
    .await
}

/// The question so that it stands alone, if it does not by itself.
fn understood(app: &App, caller: &Caller, body: &AskBody) -> Result<Option<String>, Problem> {
    // Each follow-up is understood from the one before it, as it was understood.
    let before = match &body.conversation {
        Some(id) => turns(app, caller, id)?.1.pop().map(|turn| turn.rewritten.unwrap_or(turn.question)),
        None => {
            let last = body.earlier.len().saturating_sub(EARLIER);
            let earlier = body.earlier[last..].iter().cloned();
            earlier.reduce(|before, next| self_contained(&next, &before).unwrap_or(next))
        }
    };
    let longest = app.options.max_question;
    let rewritten = before.and_then(|before| self_contained(&body.question, &before));
    let rewritten = rewritten.filter(|question| question.chars().count() <= longest);
    if !body.extractive {
        let read = app.library.check_room(rewritten.as_ref().unwrap_or(&body.question));
        read.map_err(|error| Problem::field("question", error.to_string()))?;
    }
    Ok(rewritten)
}

/// Questions before one that it is understood from.
pub(super) const EARLIER: usize = 8;

/// Whether the client wants server-sent events.
pub(super) fn accepts_events(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/event-stream"))
}

fn stream(app: App, caller: Caller, body: AskBody, permit: Turn) -> Response {
    // Not bounded: what an answer may send is bounded by its tokens, and a slow
    // reader must not hold up the model, which others wait for.
    let (sender, receiver) = unbounded_channel::<Event>();
    let trace = guard::trace();
    tokio::task::spawn_blocking(move || {
        let (mut cited, mut names) = (0, Names::new(&app));
        let result = trace
            .within(|| answer(&app, &caller, body, permit, &mut |event| tell(&sender, event, &mut cited, &mut names)));
        // A receiver that is gone needs no end.
        let _ = match result {
            Ok(out) => sender.send(json_event("done", &out)),
            Err(problem) => sender.send(json_event("error", &problem)),
        };
    });
    let events = UnboundedReceiverStream::new(receiver).map(Ok::<_, Infallible>);
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

/// Sends what happened; `Break` when nobody listens any more.
fn tell(
    sender: &UnboundedSender<Event>,
    event: AskEvent<'_>,
    cited: &mut usize,
    names: &mut Names<'_>,
) -> ControlFlow<()> {
    let send = |event: Event| sender.send(event).map_or(ControlFlow::Break(()), |()| ControlFlow::Continue(()));
    match event {
        AskEvent::Found(searched) => send(json_event("retrieval", &retrieval(searched, names))),
        AskEvent::Extractive(answer, language) => match wire::extractive(answer, language) {
            Some(mut extractive) => {
                names.extractive(&mut extractive);
                send(json_event("extractive", &extractive))
            }
            None => ControlFlow::Continue(()),
        },
        AskEvent::Reading(_) | AskEvent::Waiting => {
            if sender.is_closed() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }
        AskEvent::Draft(text) => send(json_event("token", &TokenOut { text })),
        AskEvent::Sentence(sentence, citations) => {
            for citation in citations.iter().skip(*cited) {
                // Those that only later sentences use come with them.
                if sentence.citations.iter().all(|&mark| mark < citation.marker) {
                    break;
                }
                let mut shown = wire::citation(citation);
                names.citation(&mut shown);
                send(json_event("citation", &shown))?;
                *cited = citation.marker;
            }
            send(json_event("verified", &wire::sentence(sentence, citations)))
        }
    }
}

fn retrieval<'a>(searched: &'a Searched, names: &mut Names<'_>) -> RetrievalOut<'a> {
    let mut hits = wire::hits(&searched.hits, searched);
    names.hits(&mut hits);
    RetrievalOut { question: &searched.query, hits, timings_ms: searched.timings }
}

/// An event with a JSON body.
pub(super) fn json_event(name: &str, body: &impl Serialize) -> Event {
    Event::default().event(name).data(serde_json::to_string(body).unwrap_or_default())
}

/// Answers from what the caller may see, within a conversation if one is named.
/// The permit is held until the answer is there.
pub(super) fn answer(
    app: &App,
    caller: &Caller,
    body: AskBody,
    permit: Turn,
    on_event: &mut dyn FnMut(AskEvent<'_>) -> ControlFlow<()>,
) -> Result<AskOut, Problem> {
    let (_permit, _asking) = (permit, app.metrics.asking());
    let rewritten = understood(app, caller, &body)?;
    let question = rewritten.clone().unwrap_or_else(|| body.question.clone());
    let mut broken_off = false;
    let mut result = match caller.visible(&app.library, &body.collections)? {
        Visible::Nothing => AskResult::nothing(&question),
        visible => {
            let collections = if let Visible::These(names) = visible { names } else { Vec::new() };
            let mode = if body.extractive { AskMode::Extractive } else { AskMode::Full };
            let request = AskRequest { question, collections, mode, threshold: None };
            match app.library.stored_answer(&request)? {
                Some(stored) => stored,
                None => AskResult::new(&app.library.ask(&request, &mut |event| {
                    if let AskEvent::Found(searched) = event {
                        app.metrics.searched(&searched.timings);
                    }
                    let flow = on_event(event);
                    broken_off |= flow.is_break();
                    flow
                })?),
            }
        }
    };
    Names::new(app).answer(&mut result);
    app.metrics.answered(&result);
    let mut conversation = body.conversation;
    // Nobody wants to find half an answer there.
    if let Some(id) = conversation.clone().filter(|_| !broken_off) {
        let turn =
            history::Turn { question: body.question, rewritten: rewritten.clone(), answer: result.clone(), at: now() };
        conversation = conversation.filter(|_| kept(app, caller, &id, &turn));
    }
    Ok(AskOut { result, rewritten, conversation })
}

/// Puts a turn into its conversation. Gives whether it is there: one that was deleted meanwhile, or a full disk, is no
/// reason to lose an answer.
pub(super) fn kept(app: &App, caller: &Caller, id: &str, turn: &history::Turn) -> bool {
    let kept = app.history.append(&owner(caller), id, turn);
    if let Err(error) = &kept
        && !matches!(error, Error::NotFound { .. })
    {
        let guard::Trace { id: request_id, path } = guard::trace();
        tracing::error!(%error, request_id, path, "an answer could not be put into its conversation");
    }
    kept.is_ok()
}
