//! Answers from a GGUF model: the thread that owns it and the loop that writes.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use super::decoder::{Decoder, Logits};
use super::gguf::GgufFile;
use super::template::ChatTemplate;

use super::tokenizer::Tokenizer;
use crate::error::{Error, Result};
use crate::models::citation::CitationGuard;
use crate::models::text::TextStream;
use crate::models::{Finish, Generate, GenerateRequest, Generation, WhenFull, Worker};

/// A GGUF model of the Llama or Qwen family.
pub struct CandleGenerator {
    name: String,
    context: usize,
    tokenizer: Arc<Tokenizer>,
    worker: Worker<Job, Generation>,
}

/// Requests that may wait while one is worked on; each takes seconds.
const QUEUE: usize = 4;
/// The most positions that memory is set aside for. It is taken as it is used.
const MAX_CONTEXT: usize = 8192;

struct Job {
    request: GenerateRequest,
    pieces: Sender<String>,
    cancelled: Arc<AtomicBool>,
}

impl CandleGenerator {
    /// Opens a model and starts its thread.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, [`Error::Model`] when it holds no supported chat model.
    pub fn open(path: &Path) -> Result<Self> {
        let gguf = GgufFile::open(path)?;
        let name = path.file_stem().map_or_else(|| gguf.name(), |stem| stem.to_string_lossy().into_owned());
        let context = gguf.hyperparameters()?.context_length.min(MAX_CONTEXT);
        let decoder = Decoder::load(&gguf, context)?;
        let tokenizer = Arc::new(Tokenizer::from_gguf(&gguf)?);
        let template = ChatTemplate::from_gguf(&gguf, &tokenizer)?;
        let mut writer = Writer {
            name: name.clone(),
            context,
            tokenizer: Arc::clone(&tokenizer),
            template,
            decoder,
            held: Vec::new(),
        };
        // Run on the pool that the layers are spread over: its threads hand work
        // to each other faster than a thread from outside can.
        let worker = Worker::spawn(&name, QUEUE, move |job: Job| rayon::scope(|_| writer.write(&job)))?;
        Ok(Self { name, context, tokenizer, worker })
    }
}

impl Generate for CandleGenerator {
    fn id(&self) -> &str {
        &self.name
    }

    fn context_tokens(&self) -> usize {
        self.context
    }

    fn count_tokens(&self, text: &str) -> usize {
        // Text that cannot be encoded is counted as if each byte were a token.
        self.tokenizer.encode(text).map_or(text.len(), |tokens| tokens.len())
    }

    fn generate(
        &self,
        request: &GenerateRequest,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generation> {
        let (sender, pieces) = channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let job = Job { request: request.clone(), pieces: sender, cancelled: Arc::clone(&cancelled) };
        let pending = self.worker.submit(job, WhenFull::Busy)?;
        for piece in pieces {
            if on_text(&piece).is_break() {
                cancelled.store(true, Ordering::Release);
                break;
            }
        }
        pending.wait()
    }
}

/// The model on its thread.
struct Writer {
    name: String,
    context: usize,
    tokenizer: Arc<Tokenizer>,
    template: ChatTemplate,
    decoder: Decoder,
    /// The tokens whose keys and values are held, those of the last request.
    held: Vec<u32>,
}

impl Writer {
    fn write(&mut self, job: &Job) -> Result<Generation> {
        let start = Instant::now();
        let milliseconds = || start.elapsed().as_secs_f64() * 1e3;
        let request = &job.request;
        let prompt = self.prompt(request)?;
        let budget = request.max_tokens.min(self.context - prompt.len());
        let cached = self.reuse(&prompt);

        let mut guard = CitationGuard::new(request.max_citation);
        let mut text = TextStream::new(&request.stop);
        let mut generated = 0;
        let mut first_token_ms = 0.0;
        let mut fresh = &prompt[cached..];
        let mut next;
        let finish = loop {
            if generated == budget {
                break Finish::Length;
            }
            let logits = self.decoder.forward(fresh, Logits::Last);
            self.held.extend_from_slice(fresh);
            let token = pick(logits, |token| guard.allows(self.tokenizer.bytes(token)));
            if generated == 0 {
                first_token_ms = milliseconds();
            }
            if self.tokenizer.is_end(token) {
                break Finish::Stop;
            }
            generated += 1;
            let bytes = self.tokenizer.bytes(token);
            guard.advance(bytes);
            let piece = text.push(bytes);
            if job.hand_over(piece).is_break() {
                break Finish::Cancelled;
            }
            if text.stopped() {
                break Finish::Stop;
            }
            next = [token];
            fresh = &next;
        };
        if finish != Finish::Cancelled && job.hand_over(text.finish()).is_break() {
            tracing::debug!("{}: cancelled after the last token", self.name);
        }
        Ok(Generation {
            text: text.into_text(),
            finish,
            prompt_tokens: prompt.len(),
            cached_tokens: cached,
            generated_tokens: generated,
            first_token_ms,
            total_ms: milliseconds(),
        })
    }

    /// The tokens of the request's conversation.
    fn prompt(&self, request: &GenerateRequest) -> Result<Vec<u32>> {
        let messages: Vec<_> = request
            .messages
            .iter()
            .map(|message| crate::models::Message {
                role: message.role,
                content: self.tokenizer.as_data(&message.content),
            })
            .collect();
        let error = |message| Error::Model { name: self.name.clone(), message };
        let prompt = self.tokenizer.encode_prompt(&self.template.render(&messages)?).map_err(error)?;
        if prompt.is_empty() || prompt.len() >= self.context {
            return Err(error(format!(
                "a prompt of {} tokens does not fit its context of {}",
                prompt.len(),
                self.context
            )));
        }
        Ok(prompt)
    }

    /// Keeps what the last request and this one have in common from the start;
    /// returns the number of tokens that need not be computed.
    fn reuse(&mut self, prompt: &[u32]) -> usize {
        if self.decoder.kv().len() != self.held.len() {
            // The last request was cut off by a panic.
            self.held.clear();
        }
        let common = self.held.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        // The scores of the last token are needed, so it is computed in any case.
        let kept = common.min(prompt.len() - 1);
        self.held.truncate(kept);
        self.decoder.kv().truncate(kept);
        kept
    }
}

impl Job {
    /// Hands a piece of text to the caller, who may have had enough.
    fn hand_over(&self, piece: &str) -> ControlFlow<()> {
        let gone = !piece.is_empty() && self.pieces.send(piece.to_owned()).is_err();
        if gone || self.cancelled.load(Ordering::Acquire) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// The token of the highest score that is allowed; of equals, the first.
/// Scores of tokens that are not allowed are lost.
fn pick(logits: &mut [f32], allowed: impl Fn(u32) -> bool) -> u32 {
    for _ in 0..logits.len() {
        let mut best = 0;
        for (token, &score) in logits.iter().enumerate() {
            if score > logits[best] || logits[best].is_nan() {
                best = token;
            }
        }
        if allowed(best as u32) {
            return best as u32;
        }
        logits[best] = f32::NEG_INFINITY;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::models::{Message, MessageRole};

    fn request(text: &str, max_tokens: usize) -> GenerateRequest {
        GenerateRequest {
            messages: vec![
                Message { role: MessageRole::System, content: "Answer from the text.".into() },
                Message { role: MessageRole::User, content: text.into() },
            ],
            max_tokens,
            stop: Vec::new(),
            max_citation: 3,
        }
    }

    fn run(generator: &CandleGenerator, request: &GenerateRequest) -> Generation {
        let mut pieces = String::new();
        let generation = generator
            .generate(request, &mut |piece| {
                pieces.push_str(piece);
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(pieces, generation.text);
        generation
    }

    #[test]
    fn picks_the_first_best_that_is_allowed() {
        assert_eq!(pick(&mut [1.0, 3.0, 3.0, 2.0], |_| true), 1);
        assert_eq!(pick(&mut [1.0, 3.0, 3.0, 2.0], |token| token != 1), 2);
        assert_eq!(pick(&mut [f32::NAN, 3.0], |_| true), 1);
    }

    #[test]
    fn same_bytes_every_time_and_after_a_restart() {
        let model = fixture::model();
        let request = request("保修期是多久？ How long is the warranty?", 24);
        let generator = CandleGenerator::open(model.path()).unwrap();
        let first = run(&generator, &request);
        assert!(first.generated_tokens > 4, "{first:?}");
        for _ in 0..4 {
            assert_eq!(run(&generator, &request).text, first.text);
        }
        assert_eq!(run(&CandleGenerator::open(model.path()).unwrap(), &request).text, first.text);
    }

    #[test]
    fn a_kept_prefix_changes_nothing() {
        let model = fixture::model();
        let generator = CandleGenerator::open(model.path()).unwrap();
        let long = "Some text about pumps. ".repeat(20);
        run(&generator, &request(&format!("{long} What is a pump?"), 8));
        let second = request(&format!("{long} Where is the valve?"), 24);
        let with = run(&generator, &second);
        let without = run(&CandleGenerator::open(model.path()).unwrap(), &second);
        assert!(with.cached_tokens > 100 && without.cached_tokens == 0, "{with:?}");
        assert_eq!(with.text, without.text);
        let again = run(&generator, &second);
        assert_eq!((again.cached_tokens, again.text), (again.prompt_tokens - 1, without.text));
    }

    #[test]
    fn stops_at_budget_stop_string_and_cancellation() {
        let model = fixture::model();
        let generator = CandleGenerator::open(model.path()).unwrap();
        let mut asked = request("pumps", 16);
        let full = run(&generator, &asked);
        assert_eq!((full.finish, full.generated_tokens), (Finish::Length, 16));

        let characters: Vec<char> = full.text.chars().collect();
        asked.stop = vec![characters[characters.len() / 2].to_string()];
        let stopped = run(&generator, &asked);
        assert_eq!(stopped.finish, Finish::Stop);
        assert_eq!(stopped.text, full.text[..full.text.find(&asked.stop[0]).unwrap()]);

        asked.stop.clear();
        asked.max_tokens = 4000;
        let mut calls = 0;
        let cancelled = generator
            .generate(&asked, &mut |_| {
                calls += 1;
                ControlFlow::Break(())
            })
            .unwrap();
        assert_eq!((cancelled.finish, calls), (Finish::Cancelled, 1));
    }

    #[test]
    fn too_long_a_prompt_is_an_error() {
        let model = fixture::model();
        let generator = CandleGenerator::open(model.path()).unwrap();
        let error = generator.generate(&request(&"x".repeat(5000), 8), &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(error.to_string().contains("does not fit its context of 1024"), "{error}");
    }
}
