//! The model writes from passages, and what it writes is held against them.

use std::ops::ControlFlow;
use std::time::Instant;

use attest_ingest::complete_sentences;

use crate::answer::{Answer, Hit, NOT_FOUND, PackOptions, Packed, Prompt, Question, pack, prompt};
use crate::error::{Error, Result};
use crate::library::ask::{AskEvent, EXCERPTS, OnEvent};
use crate::library::check::{Checking, cited_looked};
use crate::library::confirm::{Draft, Pointed, confirm};
use crate::library::receipt::sha256;
use crate::library::seek::Sought;
use crate::models::{Finish, GenerateRequest, Refusal};
use crate::wire::{AskTimings, Tokens};

/// What the model wrote, and from what.
#[derive(Clone, Debug)]
pub struct Written {
    /// SHA-256 of the rendered prompt.
    pub prompt: String,
    /// The excerpts it read.
    pub packed: Packed,
    /// Its text, unchecked.
    pub draft: String,
    /// How sure it was that there is no answer, if it tells.
    pub refusal: Option<f32>,
    /// Mean logarithm of the probabilities of its tokens, if it tells.
    pub confidence: Option<f32>,
    /// How likely what the answer cites answers the question by itself, if it tells.
    pub alone: Option<f32>,
    /// How likely the answer stands on what was cited at first, by where the model looked, if it tells.
    pub looked: Option<f32>,
    /// What the model looked at most before it wrote, if it tells.
    pub pointed: Option<Pointed>,
    /// Passes through the model that wrote the draft, if it tells.
    pub passes: Option<usize>,
}

/// What came of the model's writing.
pub(super) struct Drafted {
    /// What stands of it.
    pub(super) answer: Answer,
    /// The passages that the model read.
    pub(super) passages: Vec<Hit>,
    pub(super) timings: AskTimings,
    pub(super) tokens: Tokens,
    pub(super) written: Written,
}

/// What the model answers, and how.
pub(super) struct Writer<'a> {
    pub(super) checking: &'a Checking<'a>,
    pub(super) question: &'a Question,
    /// How sure the model may be that there is no answer, and still answer.
    pub(super) limit: f32,
    /// When the question came.
    pub(super) start: Instant,
}

impl Writer<'_> {
    /// Lets the model write from the sentences that fit the question best, and holds what it wrote against them.
    ///
    /// # Errors
    /// [`Error::Cancelled`] after `Break`, [`Error::Busy`] and [`Error::ModelMissing`] when there is no model to ask.
    pub(super) fn write(&self, sought: &Sought, on_event: &mut OnEvent<'_>) -> Result<Drafted> {
        let Self { checking, question, limit, start } = *self;
        let config = &checking.library.config.answer;
        let generator = checking.library.generator()?;
        let options = PackOptions { tokens: config.context_tokens, excerpts: EXCERPTS };
        let Sought { searched, reranked, .. } = sought;
        let packed = pack(&question.text, &searched.terms, reranked, options, &|text| generator.count_tokens(text));
        let passages: Vec<Hit> = packed.excerpts.iter().map(|excerpt| excerpt.hit.clone()).collect();
        if on_event(AskEvent::Reading(&passages)).is_break() {
            return Err(Error::Cancelled);
        }
        let Prompt { messages, passages: apart, places } = prompt(question, &packed, config.reading);
        let request = GenerateRequest {
            messages,
            max_tokens: config.max_tokens,
            stop: Vec::new(),
            max_citation: packed.excerpts.len(),
            refusal: Some(Refusal { text: NOT_FOUND.into(), limit }),
            passages: apart,
            places: Some(places),
        };
        tracing::debug!(prompt = %request.messages[1].content, "asking the model");
        let before = start.elapsed().as_secs_f64() * 1e3;
        let mut telling = Telling { checking, told: 0, spent: 0.0 };
        let mut draft = String::new();
        let mut complete_before = 0;
        // What the model confirms when it is done is not told before.
        let confirming = limit < 1.0 && generator.can_doubt();
        let generation = generator.generate(&request, &mut |piece| {
            if piece.is_empty() {
                return on_event(AskEvent::Waiting);
            }
            draft.push_str(piece);
            on_event(AskEvent::Draft(piece))?;
            let complete = complete_sentences(&draft);
            if confirming || complete.len() == complete_before {
                return ControlFlow::Continue(());
            }
            complete_before = complete.len();
            telling.tell(&packed, complete, on_event)
        })?;
        if generation.finish == Finish::Cancelled {
            return Err(Error::Cancelled);
        }
        let begin = Instant::now();
        // What was told already was checked without it.
        let packed = if confirming { packed.looked_at(generation.looked.as_deref()) } else { packed };
        let mut answer = checking.check(&packed, &generation.text);
        if let Some(quoted) = checking.quoted(&answer, &packed, &generation.text) {
            answer = quoted;
        }
        let looked = cited_looked(&answer, &packed);
        let pointed = if confirming { checking.pointed(&packed) } else { None };
        let pointed_at = pointed.clone();
        let mut read_alone = None;
        if confirming {
            let draft = Draft {
                answer,
                looked: looked.unwrap_or(0.0),
                pointed,
                doubt: generation.refusal,
                packed: &packed,
                least: 1.0 - limit,
            };
            let confirmed = confirm(&*generator, question, draft, &mut || on_event(AskEvent::Waiting).is_continue())?;
            (answer, read_alone) = (confirmed.answer, confirmed.alone);
        }
        if telling.tell_all(&answer, on_event).is_break() {
            return Err(Error::Cancelled);
        }
        let spent = telling.spent;
        let timings = AskTimings {
            first_token: Some(before + generation.first_token_ms),
            generate: generation.total_ms,
            verify: spent + begin.elapsed().as_secs_f64() * 1e3,
            ..AskTimings::default()
        };
        let tokens = Tokens {
            prompt: generation.prompt_tokens,
            cached: generation.cached_tokens,
            generated: generation.generated_tokens,
        };
        let written = Written {
            prompt: prompt_digest(&request),
            packed,
            draft: generation.text,
            refusal: generation.refusal,
            confidence: generation.confidence,
            alone: read_alone,
            looked,
            pointed: pointed_at,
            passes: generation.passes,
        };
        Ok(Drafted { answer, passages, timings, tokens, written })
    }
}

/// Hands over the sentences of a growing draft, each once.
struct Telling<'a> {
    checking: &'a Checking<'a>,
    told: usize,
    /// Milliseconds spent on checking.
    spent: f64,
}

impl Telling<'_> {
    fn tell(&mut self, packed: &Packed, draft: &str, on_event: &mut OnEvent<'_>) -> ControlFlow<()> {
        let begin = Instant::now();
        let answer = self.checking.check(packed, draft);
        self.spent += begin.elapsed().as_secs_f64() * 1e3;
        self.tell_all(&answer, on_event)
    }

    /// Hands over the sentences of `answer` that were not yet.
    fn tell_all(&mut self, answer: &Answer, on_event: &mut OnEvent<'_>) -> ControlFlow<()> {
        let Answer::Grounded { sentences, citations } = answer else { return ControlFlow::Continue(()) };
        for sentence in sentences.iter().skip(self.told) {
            self.told += 1;
            on_event(AskEvent::Sentence(sentence, citations))?;
        }
        ControlFlow::Continue(())
    }
}

fn prompt_digest(request: &GenerateRequest) -> String {
    let mut all = String::new();
    for message in &request.messages {
        all.push_str(&format!("{:?}\0{}\0", message.role, message.content));
    }
    sha256(all.as_bytes())
}
