//! The OpenAI API, for clients that know no other: the last user message is the
//! question, `model` names a collection (`attest`: all), and citations come as
//! `[n]` in the text and in the field `attest`.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};

use super::ask::{self, AskBody, AskOut, Cancel, Turn};
use super::auth::Caller;
use super::extract::{Json, Path};
use super::guard;
use super::keys::{now, random_hex};
use super::names::Names;
use super::problem::{OpenAiError, Problem, openai_error};
use super::state::App;
use crate::answer::Verdict;
use crate::error::Error;
use crate::library::AskEvent;
use crate::wire::{self, AskResult, Tokens};

/// The name that stands for all collections.
const ALL: &str = "attest";

/// A conversation. Other fields (temperature and the like) are accepted and have no effect.
#[derive(Deserialize, ToSchema)]
pub struct ChatBody {
    /// `attest`, a collection, or `attest:COLLECTION`.
    model: String,
    /// The conversation; the last message of the user is the question.
    #[schema(min_items = 1)]
    messages: Vec<ChatMessage>,
    /// Whether to send the sentences as they are verified.
    #[serde(default)]
    stream: Option<bool>,
    /// Options of the stream.
    #[serde(default)]
    stream_options: Option<StreamOptions>,
}

/// A message.
#[derive(Deserialize, ToSchema)]
pub struct ChatMessage {
    role: String,
    /// Text, or parts of which those of type `text` count.
    #[serde(default)]
    #[schema(value_type = Option<ContentShape>)]
    content: Value,
}

/// What a message says, as it is described.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the body only")]
pub enum ContentShape {
    /// A text.
    Text(String),
    /// Parts, of which those with a text count.
    Parts(Vec<PartShape>),
}

/// A part of a message, as it is described.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body only")]
pub struct PartShape {
    /// `text`.
    #[schema(rename = "type")]
    kind: String,
    text: Option<String>,
}

/// Options of a stream.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
pub struct StreamOptions {
    /// Whether to send the tokens used in a last chunk.
    #[serde(default)]
    include_usage: bool,
}

/// Texts to embed.
#[derive(Deserialize, ToSchema)]
pub struct EmbeddingsBody {
    /// A text or several.
    #[schema(schema_with = texts_shape)]
    input: TextsIn,
    /// Any name; the index's own embedding model is used.
    #[serde(default)]
    #[expect(dead_code, reason = "clients must send it")]
    model: Option<String>,
    /// Length of the vectors; where it is given, it must be that of the index's own model.
    #[serde(default)]
    dimensions: Option<usize>,
    /// `float` or `base64`.
    #[serde(default)]
    #[schema(pattern = "^(float|base64)$")]
    encoding_format: Option<String>,
}

/// A text or several, as it is described.
fn texts_shape() -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).pattern(Some("\\S")).build();
    let texts = ArrayBuilder::new().items(text.clone()).min_items(Some(1)).max_items(Some(MOST_TEXTS));
    OneOfBuilder::new().item(text).item(texts).build().into()
}

/// A text or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum TextsIn {
    /// One text.
    One(String),
    /// Several.
    Many(Vec<String>),
    /// Anything else, such as the tokens of another model's vocabulary; refused with the reason.
    Other(serde::de::IgnoredAny),
}

/// Texts of one request.
const MOST_TEXTS: usize = 256;

/// Tokens of an answer.
#[derive(Serialize, ToSchema)]
pub struct Usage {
    prompt_tokens: usize,
    completion_tokens: usize,
    total_tokens: usize,
}

/// The collections as models.
#[derive(Serialize, ToSchema)]
pub struct ModelList {
    /// `list`.
    object: &'static str,
    data: Vec<ModelOut>,
}

/// A collection as a model.
#[derive(Serialize, ToSchema)]
pub struct ModelOut {
    id: String,
    /// `model`.
    object: &'static str,
    created: i64,
    owned_by: &'static str,
}

/// An answer as a completion.
#[derive(Serialize, ToSchema)]
pub struct ChatOut {
    id: String,
    /// `chat.completion`.
    object: &'static str,
    created: i64,
    model: String,
    /// One.
    choices: Vec<ChoiceOut>,
    usage: Usage,
    /// The answer with its citations, as `/api/v1/ask` gives it.
    attest: AskOut,
}

/// What was answered.
#[derive(Serialize, ToSchema)]
pub struct ChoiceOut {
    index: usize,
    message: MessageOut,
    /// `stop`.
    finish_reason: &'static str,
}

/// The message of an answer.
#[derive(Serialize, ToSchema)]
pub struct MessageOut {
    /// `assistant`.
    role: &'static str,
    /// The answer with its marks, and the notes.
    content: String,
}

/// Vectors of texts.
#[derive(Serialize, ToSchema)]
pub struct EmbeddingsOut {
    /// `list`.
    object: &'static str,
    data: Vec<EmbeddingOut>,
    /// The embedding model of the index.
    model: String,
    usage: EmbeddingsUsage,
}

/// The vector of a text.
#[derive(Serialize, ToSchema)]
pub struct EmbeddingOut {
    /// `embedding`.
    object: &'static str,
    /// Which text.
    index: usize,
    embedding: VectorOut,
}

/// A vector of unit length.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum VectorOut {
    /// As numbers.
    Float(Vec<f32>),
    /// As 32-bit floats, little-endian, in base64.
    Base64(String),
}

/// Tokens of texts.
#[derive(Serialize, ToSchema)]
pub struct EmbeddingsUsage {
    prompt_tokens: usize,
    total_tokens: usize,
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        Self {
            prompt_tokens: tokens.prompt,
            completion_tokens: tokens.generated,
            total_tokens: tokens.prompt + tokens.generated,
        }
    }
}

/// The collections as models.
#[utoipa::path(get, path = "/v1/models", tag = "openai", responses(
    (status = 200, body = ModelList), (status = "4XX", body = OpenAiError)))]
pub async fn models(State(app): State<App>, caller: Caller) -> Result<axum::Json<ModelList>, Problem> {
    app.blocking(move |app| {
        let collections = app.library.collections()?.into_iter().filter(|name| caller.sees(name));
        let names = std::iter::once(ALL.to_owned()).chain(collections.map(|name| format!("{ALL}:{name}")));
        Ok(axum::Json(ModelList { object: "list", data: names.map(described).collect() }))
    })
    .await
}

const fn described(id: String) -> ModelOut {
    ModelOut { id, object: "model", created: 0, owned_by: ALL }
}

/// One collection as a model.
#[utoipa::path(get, path = "/v1/models/{id}", tag = "openai", params(("id" = String, Path)), responses(
    (status = 200, body = ModelOut), (status = "4XX", body = OpenAiError)))]
pub async fn model(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<ModelOut>, Problem> {
    let wanted = collections_of(&id);
    app.blocking(move |app| {
        caller.visible(&app.library, &wanted).map_err(of_chat)?;
        Ok(axum::Json(described(id)))
    })
    .await
}

/// The collections that a model's name stands for; none: all.
fn collections_of(model: &str) -> Vec<String> {
    let name = model.strip_prefix("attest:").unwrap_or(model);
    if name == ALL { Vec::new() } else { vec![name.to_owned()] }
}

/// A cited answer to the last message.
#[utoipa::path(post, path = "/v1/chat/completions", tag = "openai", request_body = ChatBody, responses(
    (status = 200, content((ChatOut = "application/json"), (String = "text/event-stream"))),
    (status = "4XX", body = OpenAiError), (status = "5XX", body = OpenAiError)))]
pub async fn chat(State(app): State<App>, caller: Caller, Json(body): Json<ChatBody>) -> Result<Response, Problem> {
    let question = question(&body.messages)?;
    let earlier = earlier(&body.messages, app.options.max_question);
    app.check_question("messages", &question)?;
    let asking = AskBody { question, collections: collections_of(&body.model), earlier, ..AskBody::default() };
    let asking = ask::checked(&app, &caller, asking).await.map_err(of_chat)?;
    let permit: Turn = Box::new(app.limits.ask()?);
    let id = format!("chatcmpl-{}", random_hex(12));
    if body.stream == Some(true) {
        return Ok(stream(app, caller, asking, permit, id, body.model, body.stream_options.unwrap_or_default()));
    }
    let (_cancel, cancelled) = Cancel::new();
    let out = app
        .blocking(move |app| {
            ask::answer(app, &caller, asking, permit, &mut |_| {
                if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        })
        .await?;
    let content = format!("{}{}", out.result.answer, noted(&out.result));
    let message = MessageOut { role: "assistant", content };
    Ok(axum::Json(ChatOut {
        id,
        object: "chat.completion",
        created: now(),
        model: body.model,
        choices: vec![ChoiceOut { index: 0, message, finish_reason: "stop" }],
        usage: Usage::from(out.result.tokens),
        attest: out,
    })
    .into_response())
}

/// The last message of the user.
fn question(messages: &[ChatMessage]) -> Result<String, Problem> {
    let last = messages.iter().rfind(|message| message.role == "user");
    let last = last.ok_or_else(|| Problem::field("messages", "there is no message of the user"))?;
    Ok(text_of(&last.content))
}

/// A problem with a question, in the words of this API.
fn of_chat(problem: Problem) -> Problem {
    let field = match problem.field.as_deref() {
        Some("question") => "messages",
        // The one thing that a question names and that may not be there.
        None if problem.status == 404 => "model",
        _ => return problem,
    };
    problem.about(field)
}

/// The messages of the user before the last one, the oldest first: as many as say what is meant. What is longer than
/// any question was pasted to be read, not asked.
fn earlier(messages: &[ChatMessage], longest: usize) -> Vec<String> {
    let asked = messages.iter().filter(|message| message.role == "user").rev().skip(1);
    let texts = asked.map(|message| text_of(&message.content)).filter(|text| text.chars().count() <= longest);
    let mut last: Vec<String> = texts.take(ask::EARLIER).collect();
    last.reverse();
    last
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

/// Sentences as they are verified, each with what it stands on; with the last chunk, all of the answer.
fn stream(
    app: App,
    caller: Caller,
    asking: AskBody,
    permit: Turn,
    id: String,
    model: String,
    options: StreamOptions,
) -> Response {
    let (sender, receiver) = unbounded_channel::<Event>();
    let trace = guard::trace();
    tokio::task::spawn_blocking(move || {
        let created = now();
        let chunk = |choices: Value, more: Value| {
            let mut chunk = json!({
                "id": id, "object": "chat.completion.chunk", "created": created, "model": model, "choices": choices,
            });
            if let (Some(chunk), Value::Object(more)) = (chunk.as_object_mut(), more) {
                chunk.extend(more);
            }
            Event::default().data(chunk.to_string())
        };
        let delta = |delta: Value| chunk(json!([{ "index": 0, "delta": delta, "finish_reason": null }]), Value::Null);
        let _ = sender.send(delta(json!({ "role": "assistant", "content": "" })));
        let mut sent = String::new();
        let result = trace.within(|| {
            ask::answer(&app, &caller, asking, permit, &mut |event| {
                if let AskEvent::Sentence(sentence, citations) = event
                    && sentence.checked.verdict == Verdict::Supported
                {
                    let text = cited(&sent, &sentence.checked.text, &sentence.citations);
                    sent.push_str(&text);
                    let own = citations.iter().filter(|citation| sentence.citations.contains(&citation.marker));
                    let mut own: Vec<_> = own.map(wire::citation).collect();
                    Names::new(&app).citations(&mut own);
                    let attest = json!({ "attest": { "citations": own, "support": sentence.checked.support } });
                    let delta = json!([{ "index": 0, "delta": { "content": text }, "finish_reason": null }]);
                    let _ = sender.send(chunk(delta, attest));
                }
                if sender.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        });
        // A client that is gone needs no end.
        match result {
            Ok(out) => finish(&out, &sent, options, &|choices, more| {
                let _ = sender.send(chunk(choices, more));
            }),
            Err(problem) => {
                let _ = sender.send(Event::default().data(openai_error(&problem).to_string()));
            }
        }
        let _ = sender.send(Event::default().data("[DONE]"));
    });
    let events = UnboundedReceiverStream::new(receiver).map(Ok::<_, Infallible>);
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

fn finish(out: &AskOut, sent: &str, options: StreamOptions, send: &dyn Fn(Value, Value)) {
    let result = &out.result;
    if sent.is_empty() {
        let delta = json!({ "content": result.answer });
        send(json!([{ "index": 0, "delta": delta, "finish_reason": null }]), Value::Null);
    }
    let noted = noted(result);
    if !noted.is_empty() {
        send(json!([{ "index": 0, "delta": { "content": noted }, "finish_reason": null }]), Value::Null);
    }
    send(json!([{ "index": 0, "delta": {}, "finish_reason": "stop" }]), json!({ "attest": out }));
    if options.include_usage {
        send(json!([]), json!({ "usage": Usage::from(result.tokens) }));
    }
}

/// The notes, as they follow the answer.
fn noted(result: &AskResult) -> String {
    result.notes.iter().map(|note| format!("\n\n{}", note.cited())).collect()
}

/// A sentence with its marks, as it follows what was sent before.
fn cited(before: &str, sentence: &str, marks: &[usize]) -> String {
    let space = if before.is_empty() { "" } else { " " };
    let marks: String = marks.iter().map(|mark| format!("[{mark}]")).collect();
    format!("{space}{sentence} {marks}")
}

/// Vectors of texts, by the embedding model of the index.
#[utoipa::path(post, path = "/v1/embeddings", tag = "openai", request_body = EmbeddingsBody, responses(
    (status = 200, body = EmbeddingsOut), (status = "4XX", body = OpenAiError)))]
pub async fn embeddings(
    State(app): State<App>,
    _caller: Caller,
    Json(body): Json<EmbeddingsBody>,
) -> Result<axum::Json<EmbeddingsOut>, Problem> {
    let texts = match body.input {
        TextsIn::One(text) => vec![text],
        TextsIn::Many(texts) => texts,
        TextsIn::Other(_) => {
            let detail = "input is a text or a list of texts; tokens mean nothing to this embedding model (LangChain: \
                          check_embedding_ctx_length=False)";
            return Err(Problem::field("input", detail));
        }
    };
    if texts.is_empty() || texts.len() > MOST_TEXTS {
        return Err(Problem::field("input", format!("input must have 1 to {MOST_TEXTS} texts")));
    }
    let packed = match body.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(Problem::field("encoding_format", "encoding_format is `float` or `base64`")),
    };
    if texts.iter().any(|text| text.trim().is_empty()) {
        return Err(Problem::field("input", "input has a text that is empty"));
    }
    let _place = app.limits.embed()?;
    let texts = app
        .blocking(move |app| {
            let all: Vec<&str> = texts.iter().map(String::as_str).collect();
            let long = |error| match error {
                Error::Usage(detail) => Problem::field("input", detail),
                error => error.into(),
            };
            let dim = app.library.check_embeddable(&all).map_err(long)?;
            if body.dimensions.is_some_and(|wanted| wanted != dim) {
                return Err(Problem::field("dimensions", format!("the vectors of this model have {dim} dimensions")));
            }
            Ok(texts)
        })
        .await?;
    let (mut data, mut tokens) = (Vec::with_capacity(texts.len()), 0);
    // A part at a time: searches get their turn in between, and for a client that has left nothing more is done.
    for part in parts(texts) {
        let turn = app.limits.search().await?;
        let embedded = app
            .blocking(move |app| {
                let _turn = turn;
                let part: Vec<&str> = part.iter().map(String::as_str).collect();
                Ok(app.library.embed(&part)?)
            })
            .await?;
        tokens += embedded.tokens;
        for vector in embedded.vectors {
            let embedding = if packed { VectorOut::Base64(base64(&vector)) } else { VectorOut::Float(vector) };
            data.push(EmbeddingOut { object: "embedding", index: data.len(), embedding });
        }
    }
    let usage = EmbeddingsUsage { prompt_tokens: tokens, total_tokens: tokens };
    Ok(axum::Json(EmbeddingsOut { object: "list", data, model: app.config.embedder.clone(), usage }))
}

/// Texts that are embedded in the time that a search may be kept waiting: one that is long, or a few short ones.
fn parts(texts: Vec<String>) -> Vec<Vec<String>> {
    const BYTES: usize = 2_000;
    const TEXTS: usize = 8;
    let mut parts: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for text in texts {
        match parts.last_mut().filter(|part| part.len() < TEXTS && bytes + text.len() <= BYTES) {
            Some(part) => {
                bytes += text.len();
                part.push(text);
            }
            None => {
                bytes = text.len();
                parts.push(vec![text]);
            }
        }
    }
    parts
}

/// Little-endian 32-bit floats in base64, as OpenAI's own client asks for them.
fn base64(vector: &[f32]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().enumerate().fold(0_u32, |bits, (i, &byte)| bits | u32::from(byte) << (16 - 8 * i));
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i)) as usize & 63];
            text.push(if i <= group.len() { digit as char } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_packed_as_clients_unpack_them() {
        // Python: base64.b64encode(struct.pack('<f', 1.0)), and of (1.0, -2.0).
        assert_eq!(base64(&[1.0]), "AACAPw==");
        assert_eq!(base64(&[1.0, -2.0]), "AACAPwAAAMA=");
    }

    #[test]
    fn the_last_message_of_the_user_is_the_question() {
        let messages: Vec<ChatMessage> = serde_json::from_value(json!([
            { "role": "user", "content": "first" },
            { "role": "assistant", "content": "answer" },
            { "role": "user", "content": [{ "type": "text", "text": "second" }] },
            { "role": "assistant", "content": null },
        ]))
        .unwrap();
        assert_eq!(question(&messages).unwrap(), "second");
        assert!(question(&messages[1..2]).is_err());
        assert_eq!(earlier(&messages, 100), ["first"]);
    }

    #[test]
    fn the_last_messages_say_what_is_meant() {
        let message = |text: String| ChatMessage { role: "user".into(), content: json!(text) };
        let mut messages: Vec<ChatMessage> = (0..500).map(|n| message(format!("question {n}"))).collect();
        messages.insert(497, message("pasted ".repeat(10_000)));
        let last = earlier(&messages, 4_000);
        assert_eq!(
            (last.len(), last.first(), last.last()),
            (8, Some(&"question 491".into()), Some(&"question 498".into()))
        );
    }

    #[test]
    fn texts_are_embedded_in_small_parts() {
        let lengths = |texts: Vec<String>| parts(texts).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(vec!["a".repeat(900); 5]), [2, 2, 1]);
        assert_eq!(lengths(vec!["a".into(); 20]), [8, 8, 4]);
        assert_eq!(lengths(vec!["a".repeat(20_000)]), [1]);
    }
}
