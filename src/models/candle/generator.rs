//! Answers from a GGUF model: the thread that owns it and the loop that writes.

use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::apart::{self, Apart, Read};
use super::aside::Aside;
use super::decoder::{Decoder, Logits, Outcome, Watch};
use super::gguf::GgufFile;
use super::looks::{Pointers, looked_at, tokens_of};
use super::lookup::propose;
use super::prefix::{self, PrefixStore};
use super::probe::Probe;
use super::segments::{Bounds, SegmentStore};
use super::template::ChatTemplate;
use super::tokenizer::Tokenizer;
use super::writing::{Answer, Writing};
use crate::error::{Error, Result};
use crate::models::{
    Attention, Doubt, Finish, Generate, GenerateRequest, Generation, Message, Places, Refusal, WhenFull, Worker,
};

/// A GGUF model of the Llama or Qwen family.
pub struct CandleGenerator {
    name: String,
    context: usize,
    tokenizer: Arc<Tokenizer>,
    template: Arc<ChatTemplate>,
    worker: Worker<Job, Done>,
    probe: Option<Probe>,
}

/// How often a caller is asked whether it still waits.
const PULSE: Duration = Duration::from_millis(100);

/// Requests that may wait while one is worked on; each takes seconds.
const QUEUE: usize = 4;
/// The most positions that memory is set aside for. It is taken as it is used.
const MAX_CONTEXT: usize = 8192;

enum Job {
    Write(Writing),
    Doubt(Vec<Message>),
    Look(Vec<Message>, Places),
}

enum Done {
    Written(Generation),
    Doubted(Option<Doubt>),
    Looked(Option<Attention>),
}

impl CandleGenerator {
    /// Opens a model and starts its thread. States that many answers begin with,
    /// and passages that were read apart, are kept in the folder `states`, if one
    /// is given.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, [`Error::Model`] when it holds no supported chat model.
    pub fn open(path: &Path, states: Option<PathBuf>) -> Result<Self> {
        let gguf = GgufFile::open(path)?;
        let name = path.file_stem().map_or_else(|| gguf.name(), |stem| stem.to_string_lossy().into_owned());
        let context = gguf.hyperparameters()?.context_length.min(MAX_CONTEXT);
        let mut decoder = Decoder::load(&gguf, context)?;
        let probe = Probe::of(path);
        if let Some(probe) = &probe {
            decoder.tap(probe.layer);
        }
        let tokenizer = Arc::new(Tokenizer::from_gguf(&gguf)?);
        let template = Arc::new(ChatTemplate::from_gguf(&gguf, &tokenizer)?);
        let passages = states.as_ref().map(|folder| folder.join("passages"));
        let passages = SegmentStore::open(passages, path, Bounds::default()).map_err(Error::io(path))?;
        let states = states.map(|folder| PrefixStore::open(folder, path)).transpose().map_err(Error::io(path))?;
        let teller = probe.clone();
        let mut writer = Writer {
            name: name.clone(),
            context,
            tokenizer: Arc::clone(&tokenizer),
            template: Arc::clone(&template),
            aside: Aside::new(decoder.another_kv(context)),
            decoder,
            probe,
            pointers: Pointers::of(path),
            held: Vec::new(),
            states,
            passages,
        };
        // Run on the pool that the layers are spread over: its threads hand work
        // to each other faster than a thread from outside can.
        let worker = Worker::spawn(&name, QUEUE, move |job: Job| {
            rayon::scope(|_| match &job {
                Job::Write(writing) => writer.write(writing).map(Done::Written),
                Job::Doubt(messages) => writer.doubt(messages).map(Done::Doubted),
                Job::Look(messages, places) => writer.look(messages, places).map(Done::Looked),
            })
        })?;
        Ok(Self { name, context, tokenizer, template, worker, probe: teller })
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

    fn prompt_tokens(&self, messages: &[Message]) -> Option<Vec<u32>> {
        encode(messages, &self.template, &self.tokenizer, &self.name).ok()
    }

    fn generate(
        &self,
        request: &GenerateRequest,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generation> {
        let (sender, pieces) = channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let writing = Writing { request: request.clone(), pieces: sender, cancelled: Arc::clone(&cancelled) };
        let pending = self.worker.submit(Job::Write(writing), WhenFull::Busy)?;
        loop {
            let piece = match pieces.recv_timeout(PULSE) {
                Ok(piece) => piece,
                Err(RecvTimeoutError::Timeout) => String::new(),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if on_text(&piece).is_break() {
                cancelled.store(true, Ordering::Release);
                break;
            }
        }
        match pending.wait()? {
            Done::Written(generation) => Ok(generation),
            _ => unreachable!("a request to write is answered by what was written"),
        }
    }

    fn can_doubt(&self) -> bool {
        self.probe.is_some()
    }

    fn doubt_of(&self, state: &[f32]) -> Option<f32> {
        self.probe.as_ref()?.doubt(state)
    }

    fn doubt(&self, messages: &[Message]) -> Result<Option<Doubt>> {
        match self.worker.call(Job::Doubt(messages.to_vec()), WhenFull::Ahead)? {
            Done::Doubted(doubt) => Ok(doubt),
            _ => unreachable!("a request to doubt is answered by the doubt"),
        }
    }

    fn attention(&self, messages: &[Message], places: &Places) -> Result<Option<Attention>> {
        match self.worker.call(Job::Look(messages.to_vec(), places.clone()), WhenFull::Ahead)? {
            Done::Looked(seen) => Ok(seen),
            _ => unreachable!("a request to look is answered by what was seen"),
        }
    }
}

/// The model on its thread.
struct Writer {
    name: String,
    context: usize,
    tokenizer: Arc<Tokenizer>,
    template: Arc<ChatTemplate>,
    decoder: Decoder,
    /// Tells whether the model knows an answer; none is known for most models.
    probe: Option<Probe>,
    /// Tell what the model will answer with; none are known for most models.
    pointers: Option<Pointers>,
    /// The tokens whose keys and values are held, those of the last request.
    held: Vec<u32>,
    states: Option<PrefixStore>,
    passages: SegmentStore,
    aside: Aside,
}

impl Writer {
    /// What the model makes of a conversation; nothing is written, and what is held for
    /// the next answer stays.
    fn doubt(&mut self, messages: &[Message]) -> Result<Option<Doubt>> {
        let Some(probe) = &self.probe else { return Ok(None) };
        let tokens = self.prompt(messages)?;
        let state = self.aside.state_after(&mut self.decoder, &self.held, &tokens);
        Ok(probe.doubt(&state).map(|probability| Doubt { probability, state }))
    }

    /// What every head looks at, see [`Generate::attention`]; what is held for the next answer is lost.
    fn look(&mut self, messages: &[Message], places: &Places) -> Result<Option<Attention>> {
        let tokens = self.prompt(messages)?;
        let content = messages.last().map_or("", |message| &message.content);
        let Some((places, from)) = tokens_of(places, content, &tokens, &self.tokenizer) else { return Ok(None) };
        let held = self.keep_common(&tokens[..from]);
        self.decoder.watch(Watch::new(self.decoder.watchable(), from, tokens.len()));
        self.decoder.forward_unless(&tokens[held..], Logits::Last, &|| false);
        self.held = tokens;
        let watch = self.decoder.watched().expect("it was just set");
        let all = 0..watch.heads.len();
        let seen =
            places.iter().flat_map(|place| all.clone().flat_map(|head| looked_at(&watch, head, place))).collect();
        Ok(Some(Attention { heads: watch.heads.iter().filter(|(layer, _)| *layer == 0).count(), seen }))
    }

    /// Where the places of a request stand in its prompt, and from where on they are looked at, if the model tells.
    fn to_watch(&self, request: &GenerateRequest, tokens: &[u32]) -> Option<(Vec<Range<usize>>, usize)> {
        let (places, _) = (request.places.as_ref()?, self.pointers.as_ref()?);
        tokens_of(places, &request.messages.last()?.content, tokens, &self.tokenizer)
    }

    fn write(&mut self, job: &Writing) -> Result<Generation> {
        let start = Instant::now();
        let mut tokens = self.prompt(&job.request.messages)?;
        let prompt_tokens = tokens.len();
        let places = self.to_watch(&job.request, &tokens);
        // What is looked from must be read, whether it is held or not.
        let read_from = places.as_ref().map_or(prompt_tokens - 1, |(_, from)| *from);
        let common = self.keep_common(&tokens[..read_from]);
        let system = self.system_tokens(&job.request, &tokens)?;
        let kept = if common < system { self.load_state(&tokens[..system]) } else { common };
        let stopped = || job.cancelled.load(Ordering::Acquire);
        let (read, base) = self.read_apart(&job.request, &tokens, &stopped)?;
        let cached_tokens = read.as_ref().map_or(kept, |read| kept.min(base) + read.kept);
        if let (Some(pointers), Some((_, from))) = (&self.pointers, &places) {
            self.decoder.watch(Watch::new(pointers.heads(), *from, prompt_tokens));
        }
        let mut looked = None;
        let tokenizer = Arc::clone(&self.tokenizer);
        let mut answer = Answer::new(job, &tokenizer, self.context - prompt_tokens);
        let refusal = self.refusal_tokens(&job.request)?;
        let mut refusal_probability = None;
        let mut log_probability = 0.0;
        let mut first_token_ms = None;
        let mut passes = 0;
        let finish = loop {
            if answer.budget == 0 {
                break Finish::Length;
            }
            // Nothing is proposed while the prompt is read: it is computed in large pieces as it is.
            let proposed = if passes == 0 { &[] } else { propose(&tokens) };
            let proposed = proposed[..proposed.len().min(answer.budget - 1)].to_vec();
            let fresh: Vec<u32> = tokens[self.held.len()..].iter().chain(&proposed).copied().collect();
            let wanted = if proposed.is_empty() { Logits::Last } else { Logits::All };
            let outcome = self.decoder.forward_unless(&fresh, wanted, &stopped);
            let Some(Outcome { logits, state }) = outcome else {
                let held = self.decoder.kv().len() - self.held.len();
                self.held.extend_from_slice(&fresh[..held]);
                break Finish::Cancelled;
            };
            passes += 1;
            self.held.extend_from_slice(&fresh);
            let doubt = self.probe.as_ref().filter(|_| passes == 1).and_then(|probe| probe.doubt(state));
            let mut finish = None;
            let rows = logits.chunks_exact_mut(logits.len() / (proposed.len() + 1));
            for (logits, proposed) in rows.zip(proposed.iter().map(Some).chain([None])) {
                let all = log_sum_exp(logits);
                if answer.generated == 0
                    && let Some((refusal, tokens)) = &refusal
                {
                    let said = || tokens.iter().map(|&token| (logits[token as usize] - all).exp()).sum();
                    let probability = doubt.unwrap_or_else(said);
                    refusal_probability = Some(probability);
                    if probability > refusal.limit {
                        answer.refuse(&refusal.text);
                        finish = Some(Finish::Stop);
                        break;
                    }
                    for &token in tokens {
                        logits[token as usize] = f32::NEG_INFINITY;
                    }
                }
                let token = pick(logits, |token| answer.allows(token));
                log_probability += logits[token as usize] - all;
                first_token_ms.get_or_insert_with(|| milliseconds(start));
                finish = answer.take(token);
                if finish.is_some() {
                    break;
                }
                tokens.push(token);
                if proposed != Some(&token) {
                    break;
                }
            }
            if let (Some(watch), Some(pointers), Some((places, _))) = (self.decoder.watched(), &self.pointers, &places)
            {
                looked = Some(pointers.places(&watch, places));
            }
            self.keep_common(&tokens);
            if let Some(finish) = finish {
                break finish;
            }
        };
        // Whatever ended it before the prompt was read.
        self.decoder.watched();
        tracing::debug!("{}: {} tokens in {passes} passes", self.name, answer.generated);
        // A few tokens, which all conversations begin with, are held after any other one.
        if kept < system {
            self.save_state(&tokens[..system]);
        }
        if let Some(read) = read {
            // What stands behind was not read as it is read in order.
            self.keep_common(&tokens[..base]);
            self.save_passages(&tokens, base, &read);
        }
        let generated_tokens = answer.generated;
        Ok(Generation {
            text: answer.finish(finish),
            finish,
            prompt_tokens,
            cached_tokens,
            generated_tokens,
            passes: Some(passes),
            refusal: refusal_probability,
            looked,
            confidence: (generated_tokens > 0).then(|| log_probability / generated_tokens as f32),
            first_token_ms: first_token_ms.unwrap_or_else(|| milliseconds(start)),
            total_ms: milliseconds(start),
        })
    }

    /// The refusal of the request, and the tokens that it may begin with: with
    /// and without a space before it.
    fn refusal_tokens<'a>(&self, request: &'a GenerateRequest) -> Result<Option<(&'a Refusal, Vec<u32>)>> {
        let Some(refusal) = &request.refusal else { return Ok(None) };
        let error = |message| Error::Model { name: self.name.clone(), message };
        let mut tokens = Vec::new();
        for text in [refusal.text.clone(), format!(" {}", refusal.text)] {
            let first = self.tokenizer.encode(&text).map_err(error)?.first().copied();
            // A lone space begins many other answers, too.
            let spoken = |token: &u32| !self.tokenizer.bytes(*token).trim_ascii().is_empty();
            tokens.extend(first.filter(spoken).filter(|token| !tokens.contains(token)));
        }
        Ok((!tokens.is_empty()).then_some((refusal, tokens)))
    }

    /// How many tokens of the prompt do not depend on what the user says; zero
    /// when they are not worth keeping.
    fn system_tokens(&self, request: &GenerateRequest, tokens: &[u32]) -> Result<usize> {
        let mut messages = request.messages.clone();
        if self.states.is_none() || messages.len() < 2 {
            return Ok(0);
        }
        messages.truncate(2);
        // Says something else, whatever the user says.
        messages[1].content = if messages[1].content.starts_with('a') { "b" } else { "a" }.into();
        let other = self.prompt(&messages)?;
        let common = tokens.iter().zip(&other).take_while(|(a, b)| a == b).count();
        Ok(if common < prefix::LEAST_TOKENS { 0 } else { common })
    }

    /// Takes the state after `tokens` from disk; returns how many tokens are held then.
    fn load_state(&mut self, tokens: &[u32]) -> usize {
        if !tokens.is_empty() && self.states.as_ref().is_some_and(|states| states.load(tokens, self.decoder.kv())) {
            self.held = tokens.to_vec();
        }
        self.held.len()
    }

    /// Keeps the state after `tokens`, unless it is there; answers do not depend on it.
    fn save_state(&mut self, tokens: &[u32]) {
        let Some(states) = &self.states else { return };
        if !tokens.is_empty()
            && self.held.starts_with(tokens)
            && let Err(error) = states.save(tokens, self.decoder.kv())
        {
            tracing::warn!("the state after the system message could not be kept: {error}");
        }
    }

    /// Reads the passages of the request apart, if it has any and they can be
    /// told in its tokens; returns how many tokens stand before the first.
    fn read_apart(
        &mut self,
        request: &GenerateRequest,
        tokens: &[u32],
        stopped: &dyn Fn() -> bool,
    ) -> Result<(Option<Read>, usize)> {
        let error = |message| Error::Model { name: self.name.clone(), message };
        let passages: Vec<Vec<u32>> =
            request.passages.iter().map(|text| self.tokenizer.encode(text)).collect::<Result<_, _>>().map_err(error)?;
        let Some(places) = apart::places(tokens, &passages) else { return Ok((None, 0)) };
        let base = places[0].start;
        let held = self.keep_common(&tokens[..base]);
        if held < base {
            if self.decoder.forward_unless(&tokens[held..base], Logits::None, stopped).is_none() {
                self.decoder.kv().truncate(held);
                return Ok((Some(Read::default()), base));
            }
            self.held.extend_from_slice(&tokens[held..base]);
        }
        let reader = Apart { decoder: &mut self.decoder, store: &mut self.passages, stopped };
        let read = reader.read(tokens, &places);
        self.held.extend_from_slice(&tokens[base..self.decoder.kv().len()]);
        Ok((Some(read), base))
    }

    /// Keeps the passages that were read now; answers do not depend on it.
    fn save_passages(&self, tokens: &[u32], base: usize, read: &Read) {
        let fresh = read.fresh.iter().map(|(range, segment)| (&tokens[range.clone()], &**segment));
        if let Err(error) = self.passages.save(&tokens[..base], fresh) {
            tracing::warn!("what was read of the passages could not be kept: {error}");
        }
    }

    /// The tokens of a conversation.
    fn prompt(&self, messages: &[Message]) -> Result<Vec<u32>> {
        let error = |message| Error::Model { name: self.name.clone(), message };
        let prompt = encode(messages, &self.template, &self.tokenizer, &self.name)?;
        if prompt.is_empty() || prompt.len() >= self.context {
            return Err(error(format!(
                "a prompt of {} tokens does not fit its context of {}",
                prompt.len(),
                self.context
            )));
        }
        Ok(prompt)
    }

    /// Forgets the held tokens from where they are not those of `tokens`;
    /// returns the number of those that stay.
    fn keep_common(&mut self, tokens: &[u32]) -> usize {
        if self.decoder.kv().len() != self.held.len() {
            // The last request was cut off by a panic.
            self.held.clear();
        }
        let common = self.held.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        self.held.truncate(common);
        self.decoder.kv().truncate(common);
        common
    }
}

/// The tokens of a conversation, up to where the model is to speak. What is said
/// in it cannot spell a control token.
fn encode(messages: &[Message], template: &ChatTemplate, tokenizer: &Tokenizer, model: &str) -> Result<Vec<u32>> {
    let data = |message: &Message| Message { role: message.role, content: tokenizer.as_data(&message.content) };
    let messages: Vec<Message> = messages.iter().map(data).collect();
    let error = |message| Error::Model { name: model.to_owned(), message };
    tokenizer.encode_prompt(&template.render(&messages)?).map_err(error)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
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

/// The logarithm of the sum of the exponentials, which turns scores into the
/// logarithms of probabilities.
fn log_sum_exp(logits: &[f32]) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    most + logits.iter().map(|&score| (score - most).exp()).sum::<f32>().ln()
}

#[cfg(test)]
mod tests;
