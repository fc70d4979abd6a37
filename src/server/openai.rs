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

use super::ask::{self, AskBody, AskOut, Cancel, Turn};
use super::auth::Caller;
use super::extract::{Json, Path};
use super::keys::{now, random_hex};
use super::problem::Problem;
use super::state::App;
use crate::answer::Verdict;
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
    #[schema(value_type = Object)]
    content: Value,
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
    #[schema(value_type = TextsShape)]
    input: TextsIn,
    /// Any name; the index's own embedding model is used.
    #[serde(default)]
    #[expect(dead_code, reason = "clients must send it")]
    model: Option<String>,
    /// `float` or `base64`.
    #[serde(default)]
    #[schema(pattern = "^(float|base64)$")]
    encoding_format: Option<String>,
}

/// A text or several, as it is described.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the body only")]
pub enum TextsShape {
    /// One text.
    One(String),
    /// Several.
    Many(Vec<String>),
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

#[derive(Serialize)]
struct Usage {
    prompt_tokens: usize,
    completion_tokens: usize,
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
    (status = 200, body = Object), (status = "4XX", body = Object)))]
pub async fn models(State(app): State<App>, caller: Caller) -> Result<axum::Json<Value>, Problem> {
    app.blocking(move |app| {
        let collections = app.library.collections()?.into_iter().filter(|name| caller.sees(name));
        let names = std::iter::once(ALL.to_owned()).chain(collections.map(|name| format!("{ALL}:{name}")));
        let data: Vec<Value> = names.map(|id| described(&id)).collect();
        Ok(axum::Json(json!({ "object": "list", "data": data })))
    })
    .await
}

fn described(id: &str) -> Value {
    json!({ "id": id, "object": "model", "created": 0, "owned_by": ALL })
}

/// One collection as a model.
#[utoipa::path(get, path = "/v1/models/{id}", tag = "openai", params(("id" = String, Path)), responses(
    (status = 200, body = Object), (status = "4XX", body = Object)))]
pub async fn model(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Value>, Problem> {
    let wanted = collections_of(&id);
    app.blocking(move |app| {
        caller.visible(&app.library, &wanted)?;
        Ok(axum::Json(described(&id)))
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
    (status = 200, content((Object = "application/json"), (String = "text/event-stream"))),
    (status = "4XX", body = Object), (status = "5XX", body = Object)))]
pub async fn chat(State(app): State<App>, caller: Caller, Json(body): Json<ChatBody>) -> Result<Response, Problem> {
    let question = question(&body.messages)?;
    let earlier = earlier(&body.messages);
    app.check_question("messages", &question)?;
    let collections = collections_of(&body.model);
    let (visible, wanted) = (caller.clone(), collections.clone());
    app.blocking(move |app| visible.visible(&app.library, &wanted).map(drop)).await?;
    let permit: Turn = Box::new(app.limits.ask()?);
    let asking = AskBody { question, collections, earlier, ..AskBody::default() };
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
    let message = json!({ "role": "assistant", "content": content });
    Ok(axum::Json(json!({
        "id": id, "object": "chat.completion", "created": now(), "model": body.model,
        "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
        "usage": Usage::from(out.result.tokens),
        "attest": out,
    }))
    .into_response())
}

/// The last message of the user.
fn question(messages: &[ChatMessage]) -> Result<String, Problem> {
    let last = messages.iter().rfind(|message| message.role == "user");
    let last = last.ok_or_else(|| Problem::field("messages", "there is no message of the user"))?;
    Ok(text_of(&last.content))
}

/// The messages of the user before the last one, the oldest first.
fn earlier(messages: &[ChatMessage]) -> Vec<String> {
    let mut asked: Vec<String> =
        messages.iter().filter(|message| message.role == "user").map(|message| text_of(&message.content)).collect();
    asked.pop();
    asked
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
        let result = ask::answer(&app, &caller, asking, permit, &mut |event| {
            if let AskEvent::Sentence(sentence, citations) = event
                && sentence.checked.verdict == Verdict::Supported
            {
                let text = cited(&sent, &sentence.checked.text, &sentence.citations);
                sent.push_str(&text);
                let own = citations.iter().filter(|citation| sentence.citations.contains(&citation.marker));
                let own: Vec<_> = own.map(wire::citation).collect();
                let attest = json!({ "attest": { "citations": own, "support": sentence.checked.support } });
                let delta = json!([{ "index": 0, "delta": { "content": text }, "finish_reason": null }]);
                let _ = sender.send(chunk(delta, attest));
            }
            if sender.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        // A client that is gone needs no end.
        match result {
            Ok(out) => finish(&out, &sent, options, &|choices, more| {
                let _ = sender.send(chunk(choices, more));
            }),
            Err(problem) => {
                let error = json!({ "error": { "message": problem.detail, "type": "server_error" } });
                let _ = sender.send(Event::default().data(error.to_string()));
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
    (status = 200, body = Object), (status = "4XX", body = Object)))]
pub async fn embeddings(
    State(app): State<App>,
    _caller: Caller,
    Json(body): Json<EmbeddingsBody>,
) -> Result<axum::Json<Value>, Problem> {
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
    let turn = app.limits.search().await?;
    app.blocking(move |app| {
        let _turn = turn;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let embedded = app.library.embed(&texts)?;
        let data: Vec<Value> = (0..)
            .zip(&embedded.vectors)
            .map(|(index, vector): (usize, _)| {
                let embedding = if packed { json!(base64(vector)) } else { json!(vector) };
                json!({ "object": "embedding", "index": index, "embedding": embedding })
            })
            .collect();
        let usage = json!({ "prompt_tokens": embedded.tokens, "total_tokens": embedded.tokens });
        Ok(axum::Json(json!({ "object": "list", "data": data, "model": app.config.embedder, "usage": usage })))
    })
    .await
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
    }
}
