//! Text from an OpenAI-compatible server: Ollama, llama.cpp, vLLM or a cloud.

use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::citation::CitationGuard;
use super::text::TextStream;
use super::{Finish, Generate, GenerateRequest, Generation, MessageRole};
use crate::error::{Error, Result};

/// A model on an OpenAI-compatible server, spoken to by `chat/completions`.
pub struct OpenAiGenerator {
    agent: ureq::Agent,
    base_url: String,
    model: String,
    key: Option<String>,
}

/// What every server that people use has at least; it is not told over this interface.
const CONTEXT_TOKENS: usize = 8192;
/// A server on the same machine may first load the model and read a long prompt.
const READ_TIMEOUT: Duration = Duration::from_secs(180);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest part of an error response that is shown.
const MAX_MESSAGE: usize = 400;
/// Longest mark of citations that is looked at as a whole.
const MAX_MARK: usize = 32;

impl OpenAiGenerator {
    /// A client for the server at `base_url` (up to and including `/v1`). No
    /// connection is made yet.
    ///
    /// # Errors
    /// [`Error::Config`] when the address is no HTTP address.
    pub fn new(base_url: &str, model: &str, key: Option<&str>) -> Result<Self> {
        Self::with_timeout(base_url, model, key, READ_TIMEOUT)
    }

    fn with_timeout(base_url: &str, model: &str, key: Option<&str>, read_timeout: Duration) -> Result<Self> {
        let base_url = base_url.trim_end_matches('/');
        if !base_url.starts_with("http://") && !base_url.starts_with("https://") {
            return Err(Error::Config {
                source_name: "openai.base_url".into(),
                message: format!("{base_url} is no HTTP address; write one such as http://localhost:11434/v1"),
            });
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_per_read(Some(read_timeout))
            .build()
            .new_agent();
        Ok(Self { agent, base_url: base_url.to_owned(), model: model.to_owned(), key: key.map(str::to_owned) })
    }

    fn remote(&self, message: impl Into<String>) -> Error {
        Error::Remote { service: format!("{} at {}", self.model, self.base_url), message: message.into() }
    }

    fn send(&self, request: &GenerateRequest) -> Result<ureq::Body> {
        let messages: Vec<Value> = request
            .messages
            .iter()
            .map(|message| {
                let role = match message.role {
                    MessageRole::System => "system",
                    MessageRole::User => "user",
                    MessageRole::Assistant => "assistant",
                };
                json!({"role": role, "content": message.content})
            })
            .collect();
        let body = json!({
            "model": self.model,
            "messages": messages,
            "max_tokens": request.max_tokens,
            "temperature": 0,
            "seed": 0,
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        let mut post = self.agent.post(format!("{}/chat/completions", self.base_url));
        if let Some(key) = &self.key {
            post = post.header("Authorization", format!("Bearer {key}"));
        }
        let response = post.send_json(&body).map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        match status {
            200..=299 => Ok(body),
            429 => Err(Error::Busy { name: self.model.clone() }),
            _ => {
                let mut text = Vec::new();
                // What cannot be read of an error is not worth another error.
                drop(body.as_reader().take(64 << 10).read_to_end(&mut text));
                let said = error_message(&String::from_utf8_lossy(&text));
                Err(self.remote(match status {
                    401 | 403 => {
                        format!("refused the key ({status}: {said}); check the variable that openai.api_key_env names")
                    }
                    404 => format!("answered 404: {said}; check openai.base_url and openai.model"),
                    _ => format!("answered {status}: {said}"),
                }))
            }
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Error {
        self.remote(match error {
            ureq::Error::Timeout(_) => "did not answer in time; it may be loading the model, try again".to_owned(),
            error => {
                format!("cannot be reached: {error}; start the server, or correct openai.base_url in the settings")
            }
        })
    }
}

impl Generate for OpenAiGenerator {
    fn id(&self) -> &str {
        &self.model
    }

    fn context_tokens(&self) -> usize {
        CONTEXT_TOKENS
    }

    /// An estimate: the server's tokenizer is not known. Four letters or one
    /// ideograph to the token.
    fn count_tokens(&self, text: &str) -> usize {
        let (ascii, others) = text
            .chars()
            .fold((0, 0), |(ascii, others), c| if c.is_ascii() { (ascii + 1, others) } else { (ascii, others + 1) });
        usize::div_ceil(ascii, 4) + others
    }

    fn generate(
        &self,
        request: &GenerateRequest,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generation> {
        let start = Instant::now();
        let milliseconds = || start.elapsed().as_secs_f64() * 1e3;
        let mut events = Events { lines: BufReader::new(self.send(request)?.into_reader()) };
        let mut marks = MarkFilter::new(request.max_citation);
        let mut text = TextStream::new(&request.stop);
        let mut usage = Usage::default();
        let mut first_token_ms = None;
        let mut finish = None;
        while let Some(data) = events.next().map_err(|error| self.remote(format!("stopped in the middle: {error}")))? {
            if data == "[DONE]" {
                finish = finish.or(Some(Finish::Stop));
                break;
            }
            let event: Event = serde_json::from_str(&data).map_err(|error| {
                self.remote(format!("sent what is no chat completion ({error}): {}", shorten(&data)))
            })?;
            if let Some(error) = event.error {
                return Err(self.remote(format!("failed while writing: {}", error_message(&error.to_string()))));
            }
            usage = event.usage.unwrap_or(usage);
            let Some(choice) = event.choices.into_iter().next() else { continue };
            if let Some(content) = choice.delta.content.filter(|content| !content.is_empty()) {
                first_token_ms.get_or_insert_with(milliseconds);
                usage.pieces += 1;
                let piece = text.push(marks.push(&content).as_bytes()).to_owned();
                if !piece.is_empty() && on_text(&piece).is_break() {
                    finish = Some(Finish::Cancelled);
                    break;
                }
                if text.stopped() {
                    finish = Some(Finish::Stop);
                    break;
                }
            }
            // The usage comes after the event that says why it ended.
            finish = finish.or(choice.finish_reason.map(|reason| match reason.as_str() {
                "length" => Finish::Length,
                _ => Finish::Stop,
            }));
        }
        let finish = finish.ok_or_else(|| self.remote("stopped in the middle of the answer"))?;
        if finish != Finish::Cancelled && !text.stopped() {
            let mut rest = text.push(marks.finish().as_bytes()).to_owned();
            rest.push_str(text.finish());
            if !rest.is_empty() {
                // It is the end anyway: nothing is left to be cancelled.
                let _ = on_text(&rest);
            }
        }
        let asked = || request.messages.iter().map(|message| self.count_tokens(&message.content)).sum();
        Ok(Generation {
            refusal: None,
            looked: None,
            confidence: None,
            passes: None,
            text: text.into_text(),
            finish,
            prompt_tokens: usage.prompt_tokens.unwrap_or_else(asked),
            cached_tokens: usage.prompt_tokens_details.unwrap_or_default().cached_tokens.unwrap_or(0),
            generated_tokens: usage.completion_tokens.unwrap_or(usage.pieces),
            first_token_ms: first_token_ms.unwrap_or_else(milliseconds),
            total_ms: milliseconds(),
        })
    }
}

/// The `data` lines of a stream of server-sent events.
struct Events<R> {
    lines: BufReader<R>,
}

impl<R: Read> Events<R> {
    /// The next event's data; `None` at the end.
    fn next(&mut self) -> std::io::Result<Option<String>> {
        // Lines are read as bytes: a piece from the network may end inside a character.
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.lines.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            let text = String::from_utf8_lossy(&line);
            if let Some(data) = text.trim_end().strip_prefix("data:") {
                return Ok(Some(data.trim_start().to_owned()));
            }
        }
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
}

#[derive(Default, Deserialize)]
struct Usage {
    prompt_tokens: Option<usize>,
    completion_tokens: Option<usize>,
    prompt_tokens_details: Option<UsageDetails>,
    /// Pieces of text that came; about one a token, for servers that do not count.
    #[serde(skip)]
    pieces: usize,
}

#[derive(Default, Deserialize)]
struct UsageDetails {
    cached_tokens: Option<usize>,
}

/// Takes citation marks of passages that do not exist out of the text. A
/// server's sampling cannot be masked, so this is done afterwards.
struct MarkFilter {
    guard: CitationGuard,
    /// An opened mark that is not complete yet.
    mark: String,
}

impl MarkFilter {
    fn new(greatest: usize) -> Self {
        Self { guard: CitationGuard::new(greatest), mark: String::new() }
    }

    /// Takes text and returns what is certain to stay.
    fn push(&mut self, text: &str) -> String {
        let mut certain = String::new();
        for c in text.chars() {
            match c {
                '[' | '【' => {
                    certain.push_str(&std::mem::take(&mut self.mark));
                    self.mark.push(c);
                }
                _ if self.mark.is_empty() => certain.push(c),
                _ => {
                    self.mark.push(c);
                    if matches!(c, ']' | '】' | '\n') || self.mark.len() > MAX_MARK {
                        certain.push_str(&self.finish());
                    }
                }
            }
        }
        certain
    }

    /// The opened mark, if it may stay.
    fn finish(&mut self) -> String {
        let mark = std::mem::take(&mut self.mark);
        if self.guard.allows(mark.as_bytes()) { mark } else { String::new() }
    }
}

/// What an error response says, in whatever form it came.
fn error_message(body: &str) -> String {
    let json: Value = serde_json::from_str(body).unwrap_or_default();
    let found = [&json["error"]["message"], &json["message"], &json["error"]].into_iter().find_map(Value::as_str);
    shorten(found.unwrap_or(body).trim())
}

fn shorten(text: &str) -> String {
    text.chars().take(MAX_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::thread::JoinHandle;

    use super::super::Message;
    use super::*;

    /// A server that answers one request with the given pieces of bytes, each
    /// sent by itself, and returns the request.
    fn serve(pieces: Vec<Vec<u8>>) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            let request = read_request(&mut stream);
            for piece in pieces {
                // The client may have hung up: that is what some tests are about.
                if stream.write_all(&piece).and_then(|()| stream.flush()).is_err() {
                    break;
                }
            }
            request
        });
        (url, server)
    }

    fn read_request(stream: &mut TcpStream) -> String {
        let mut reader = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head.push_str(&line);
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        head + &String::from_utf8(body).unwrap()
    }

    fn delta(text: &str) -> String {
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]}))
    }

    fn end(reason: &str) -> String {
        let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]});
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 32}}});
        format!("data: {last}\n\ndata: {usage}\n\ndata: [DONE]\n\n")
    }

    /// The body in chunks of the HTTP transfer coding, `size` bytes each.
    fn chunked(body: &str, size: usize) -> Vec<Vec<u8>> {
        let mut pieces =
            vec![b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec()];
        for chunk in body.as_bytes().chunks(size) {
            pieces.push([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
        }
        pieces.push(b"0\r\n\r\n".to_vec());
        pieces
    }

    fn plain(status: &str, body: &str) -> Vec<Vec<u8>> {
        vec![
            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
                .into_bytes(),
        ]
    }

    fn request() -> GenerateRequest {
        GenerateRequest {
            messages: vec![
                Message { role: MessageRole::System, content: "Rules".into() },
                Message { role: MessageRole::User, content: "保修期？".into() },
            ],
            max_tokens: 50,
            stop: Vec::new(),
            max_citation: 2,
            refusal: None,
            passages: Vec::new(),
            places: None,
        }
    }

    fn ask(url: &str, request: &GenerateRequest) -> (String, Result<Generation>) {
        let generator = OpenAiGenerator::new(url, "small", Some("secret")).unwrap();
        let mut pieces = String::new();
        let generation = generator.generate(request, &mut |piece| {
            pieces.push_str(piece);
            ControlFlow::Continue(())
        });
        (pieces, generation)
    }

    #[test]
    fn streams_whole_characters() {
        let body = format!(": hello\n\n{}{}{}", delta("保修期为"), delta("24个月👧 [1]。"), end("stop"));
        // Chunks of 3 and 7 bytes end inside of characters and of lines.
        for size in [3, 7, 4096] {
            let (url, server) = serve(chunked(&body, size));
            let (pieces, generation) = ask(&url, &request());
            let generation = generation.unwrap();
            assert_eq!(
                (pieces.as_str(), generation.text.as_str()),
                ("保修期为24个月👧 [1]。", "保修期为24个月👧 [1]。")
            );
            assert_eq!(generation.finish, Finish::Stop);
            assert_eq!((generation.prompt_tokens, generation.cached_tokens, generation.generated_tokens), (40, 32, 7));
            let sent = server.join().unwrap();
            assert!(sent.starts_with("POST /v1/chat/completions HTTP/1.1"), "{sent}");
            assert!(sent.to_lowercase().contains("authorization: bearer secret"), "{sent}");
            assert!(sent.contains(r#""temperature": 0"#) && sent.contains("保修期？"), "{sent}");
        }
    }

    #[test]
    fn marks_of_no_passage_are_taken_out() {
        let body = format!("{}{}{}{}", delta("A [1][7] b ["), delta("2"), delta("] c [x] 【9】"), end("length"));
        let (url, _server) = serve(chunked(&body, 4096));
        let (pieces, generation) = ask(&url, &request());
        assert_eq!(pieces, "A [1] b [2] c [x] ");
        assert_eq!(generation.unwrap().finish, Finish::Length);
    }

    #[test]
    fn stops_at_stop_strings_and_on_demand() {
        let body = format!("{}{}{}", delta("One. E"), delta("ND two"), end("stop"));
        let (url, _server) = serve(chunked(&body, 4096));
        let (pieces, generation) = ask(&url, &GenerateRequest { stop: vec!["END".into()], ..request() });
        assert_eq!((pieces.as_str(), generation.unwrap().finish), ("One. ", Finish::Stop));

        let (url, _server) = serve(chunked(&body, 4096));
        let generator = OpenAiGenerator::new(&url, "small", None).unwrap();
        let generation = generator.generate(&request(), &mut |_| ControlFlow::Break(())).unwrap();
        assert_eq!((generation.finish, generation.text.as_str()), (Finish::Cancelled, "One. E"));
    }

    #[test]
    fn server_errors_say_what_to_do() {
        let check = |status: &str, body: &str, expected: &[&str]| {
            let (url, _server) = serve(plain(status, body));
            let error = ask(&url, &request()).1.unwrap_err();
            for part in expected {
                assert!(error.to_string().contains(part), "{error}");
            }
            error
        };
        check("401 Unauthorized", r#"{"error":{"message":"bad key"}}"#, &["bad key", "api_key_env"]);
        check("404 Not Found", r#"{"error":"model 'small' not found"}"#, &["model 'small' not found", "openai.model"]);
        check("500 Internal Server Error", "oops", &["500", "oops"]);
        let busy = check("429 Too Many Requests", "{}", &["busy"]);
        assert!(matches!(busy, Error::Busy { .. }));
    }

    #[test]
    fn broken_streams_are_errors() {
        for (body, expected) in [
            (delta("half"), "stopped in the middle"),
            (format!("{}data: {{\"error\":{{\"message\":\"out of memory\"}}}}\n\n", delta("half")), "out of memory"),
            ("data: nonsense\n\n".to_owned(), "no chat completion"),
        ] {
            let (url, _server) = serve(chunked(&body, 4096));
            let error = ask(&url, &request()).1.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        // The connection breaks inside of a chunk.
        let mut pieces = chunked(&delta("half"), 4096);
        pieces.truncate(1);
        pieces.push(b"ff\r\ndata: ".to_vec());
        let (url, _server) = serve(pieces);
        let error = ask(&url, &request()).1.unwrap_err().to_string();
        assert!(error.contains("stopped in the middle"), "{error}");
    }

    #[test]
    fn absent_and_silent_servers_are_named() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}/v1");
        let error = ask(&url, &request()).1.unwrap_err().to_string();
        assert!(error.contains(&url) && error.contains("start the server"), "{error}");

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let generator = OpenAiGenerator::with_timeout(&url, "small", None, Duration::from_millis(50)).unwrap();
        let error = generator.generate(&request(), &mut |_| ControlFlow::Continue(())).unwrap_err().to_string();
        assert!(error.contains("did not answer in time"), "{error}");
    }

    #[test]
    fn addresses_are_checked() {
        let error = OpenAiGenerator::new("localhost:11434", "small", None).err().unwrap().to_string();
        assert!(error.contains("http://localhost:11434/v1"), "{error}");
    }
}
