//! Ask: find, gate, pack, prompt, generate, verify, compose.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Instant;

use attest_ingest::{Document, Span, complete_sentences};
use serde::{Deserialize, Serialize};

use crate::answer::{
    Answer, Citation, Gated, Hit, Language, Mode, PackOptions, Packed, Question, Sentence, WeightedTerms, compose,
    gate, is_refusal, pack, prompt, verify,
};
use crate::error::Result;
use crate::index::{Index, Passage, Scope};
use crate::library::receipt::sha256;
use crate::library::{Library, Searched};
use crate::models::{Finish, GenerateRequest, Generation};
use crate::wire::{AskTimings, Tokens};

/// What to answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskRequest {
    /// The question, in any language.
    pub question: String,
    /// Collections to answer from; empty: all.
    pub collections: Vec<String>,
}

/// How a question was answered.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What the search found; its hits are the best passages, read or not.
    pub searched: Searched,
    /// The language of the answer.
    pub language: Language,
    /// The passages that the model read, in the order of the prompt.
    pub passages: Vec<Hit>,
    /// The answer.
    pub answer: Answer,
    /// Milliseconds by stage.
    pub timings: AskTimings,
    /// Tokens.
    pub tokens: Tokens,
    /// What the model wrote, if it was asked.
    pub written: Option<Written>,
    /// Id of the receipt; none for an answer that was broken off.
    pub receipt: Option<String>,
}

/// What the model wrote, and from what.
#[derive(Clone, Debug)]
pub struct Written {
    /// SHA-256 of the rendered prompt.
    pub prompt: String,
    /// The excerpts it read.
    pub packed: Packed,
    /// Its text, unchecked.
    pub draft: String,
}

/// What happens while a question is being answered.
#[derive(Debug)]
pub enum AskEvent<'a> {
    /// What the search found; comes first.
    Found(&'a Searched),
    /// The passages that the model reads now.
    Reading(&'a [Hit]),
    /// The next piece of the draft as the model writes it; not checked yet.
    Draft(&'a str),
    /// The next sentence of the answer, checked and final, and what all marks
    /// up to this one stand for.
    Sentence(&'a Sentence, &'a [Citation]),
}

/// Passages that are found for a question.
const FOUND: usize = 12;

/// The most excerpts that the model reads.
const EXCERPTS: usize = 5;

impl Library {
    /// Answers a question. Sentences are handed over as soon as they are
    /// written and checked; `Break` stops the model within a token, and what
    /// was written until then is the answer.
    ///
    /// # Errors
    /// When a collection does not exist, or an index or a model fails.
    pub fn ask(
        &self,
        request: &AskRequest,
        on_event: &mut dyn FnMut(AskEvent<'_>) -> ControlFlow<()>,
    ) -> Result<Asked> {
        let start = Instant::now();
        let question = Question::new(&request.question);
        let scope = self.scope(&request.collections)?;
        let terms = WeightedTerms::new(&question.text, &|term| self.rarity(term, &scope));
        let (reranked, found) = self.find(&question, &scope, Mode::Hybrid, FOUND)?;
        let mut timings = AskTimings {
            retrieve: start.elapsed().as_secs_f64() * 1e3 - found.timings.rerank,
            rerank: found.timings.rerank,
            ..AskTimings::default()
        };
        let searched = Searched {
            query: question.text.clone(),
            hits: reranked.hits.clone(),
            terms,
            degraded: found.degraded,
            pending: self.index.pending_dense()?,
            timings: found.timings,
        };
        if on_event(AskEvent::Found(&searched)).is_break() {
            return Err(crate::Error::Cancelled);
        }
        let mut complete = true;
        let (answer, passages, tokens, written) = match gate(reranked) {
            Gated::Closed { closest } => {
                (Answer::NotFound { sentences: Vec::new(), closest }, Vec::new(), Tokens::default(), None)
            }
            Gated::Open(reranked) => {
                let generator = self.generator()?;
                let options = PackOptions { tokens: self.config.answer.context_tokens, excerpts: EXCERPTS };
                let packed = pack(&reranked, &searched.terms, options, &|text| generator.count_tokens(text));
                let passages: Vec<Hit> = packed.excerpts.iter().map(|excerpt| excerpt.hit.clone()).collect();
                if on_event(AskEvent::Reading(&passages)).is_break() {
                    return Err(crate::Error::Cancelled);
                }
                let before = start.elapsed().as_secs_f64() * 1e3;
                let places = Places { index: &self.index, documents: RefCell::default() };
                let (generation, checking, prompt) =
                    self.write_answer(&question, &packed, &places, &scope, on_event)?;
                timings.generate = generation.total_ms;
                timings.first_token = Some(before + generation.first_token_ms);
                let begin = Instant::now();
                let answer = self.check(&question, &packed, &generation.text, &places, &scope);
                timings.verify = checking + begin.elapsed().as_secs_f64() * 1e3;
                let tokens = Tokens {
                    prompt: generation.prompt_tokens,
                    cached: generation.cached_tokens,
                    generated: generation.generated_tokens,
                };
                complete = generation.finish != Finish::Cancelled;
                (answer, passages, tokens, Some(Written { prompt, packed, draft: generation.text }))
            }
        };
        timings.total = start.elapsed().as_secs_f64() * 1e3;
        let language = question.language;
        let mut asked = Asked { searched, language, passages, answer, timings, tokens, written, receipt: None };
        if complete {
            asked.receipt = self.keep_receipt(request, &asked);
        }
        Ok(asked)
    }

    /// Lets the model write, handing over every sentence once the next one has
    /// begun. Returns the draft, the milliseconds spent on checking and the digest of the prompt.
    fn write_answer(
        &self,
        question: &Question,
        packed: &Packed,
        places: &Places<'_>,
        scope: &Scope,
        on_event: &mut dyn FnMut(AskEvent<'_>) -> ControlFlow<()>,
    ) -> Result<(Generation, f64, String)> {
        let request = GenerateRequest {
            messages: prompt(question, packed).messages,
            max_tokens: self.config.answer.max_tokens,
            stop: Vec::new(),
            max_citation: packed.excerpts.len(),
        };
        let prompt = prompt_digest(&request);
        tracing::debug!(prompt = %request.messages[1].content, "asking the model");
        let mut draft = String::new();
        let mut told = 0;
        let mut complete_before = 0;
        let mut checking = 0.0;
        let mut tell = |draft: &str, told: &mut usize, on_event: &mut dyn FnMut(AskEvent<'_>) -> ControlFlow<()>| {
            let begin = Instant::now();
            let answer = self.check(question, packed, draft, places, scope);
            checking += begin.elapsed().as_secs_f64() * 1e3;
            let Answer::Grounded { sentences, citations } = &answer else { return ControlFlow::Continue(()) };
            for sentence in sentences.iter().skip(*told) {
                *told += 1;
                on_event(AskEvent::Sentence(sentence, citations))?;
            }
            ControlFlow::Continue(())
        };
        let generation = self.generator()?.generate(&request, &mut |piece| {
            draft.push_str(piece);
            on_event(AskEvent::Draft(piece))?;
            let complete = complete_sentences(&draft);
            if complete.len() == complete_before {
                return ControlFlow::Continue(());
            }
            complete_before = complete.len();
            tell(complete, &mut told, on_event)
        })?;
        if generation.finish != Finish::Cancelled {
            let _ = tell(&generation.text, &mut told, on_event);
        }
        Ok((generation, checking, prompt))
    }

    /// Holds a text against the excerpts as if the model had written it.
    #[must_use]
    pub fn check_draft(&self, question: &str, packed: &Packed, draft: &str) -> Answer {
        let places = Places { index: &self.index, documents: RefCell::default() };
        self.check(&Question::new(question), packed, draft, &places, &Scope::All)
    }

    fn check(&self, question: &Question, packed: &Packed, draft: &str, places: &Places<'_>, scope: &Scope) -> Answer {
        if is_refusal(draft) {
            let closest = packed.excerpts.iter().map(|excerpt| excerpt.hit.clone()).collect();
            return Answer::NotFound { sentences: Vec::new(), closest };
        }
        let checked = verify(draft, &question.text, packed, &|term| self.rarity(term, scope));
        compose(checked, packed, &|passage, span| places.locate(passage, span))
    }
}

fn prompt_digest(request: &GenerateRequest) -> String {
    let mut all = String::new();
    for message in &request.messages {
        all.push_str(&format!("{:?}\0{}\0", message.role, message.content));
    }
    sha256(all.as_bytes())
}

/// Where spans of the cited documents stand; each document is read once an answer.
struct Places<'a> {
    index: &'a Index,
    documents: RefCell<HashMap<String, Option<Document>>>,
}

impl Places<'_> {
    /// Page and lines of `span`; those of the whole passage when the document
    /// was removed while the answer was being written.
    fn locate(&self, passage: &Passage, span: Span) -> (Option<u32>, Option<(u32, u32)>) {
        let mut documents = self.documents.borrow_mut();
        let document = documents
            .entry(passage.document_id.clone())
            .or_insert_with(|| self.index.document(&passage.document_id).ok());
        match document {
            Some(document) if span.end <= document.text.len() => {
                (document.page_at(span.start), document.lines_at(span))
            }
            _ => (passage.page, passage.lines),
        }
    }
}
