//! Ask: find, extract, gate, pack, prompt, generate, verify, compose.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::time::Instant;

use attest_ingest::{Document, Span, complete_sentences};
use serde::{Deserialize, Serialize};

use crate::answer::{
    Answer, CheckedSentence, Citation, Contradicted, EXTRACTED, Editions, Evidence, Gated, Hit, Language, Mode,
    NOT_FOUND, Note, PackOptions, Packed, Prompt, Question, Reading, Reranked, Sentence, Source, Statement,
    WeightedTerms, compose, contradicted, corrected, current_editions, extract, fits, gate, is_refusal, notes, pack,
    pointed, prompt, quote_instead, statements, verify, whole, without_false_premises, without_superseded,
};
use crate::config::DEFAULT_EMBEDDER;
use crate::error::{Error, Result};
use crate::index::{ChunkId, Passage, Scope};
use crate::library::confirm::{Draft, Pointed, alone, confirm};
use crate::library::receipt::sha256;
use crate::library::{Library, Searched};
use crate::models::{Finish, GenerateRequest, Refusal};
use crate::wire::{AskTimings, Tokens};

/// What to answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AskRequest {
    /// The question, in any language.
    pub question: String,
    /// Collections to answer from; empty: all.
    pub collections: Vec<String>,
    /// Who answers.
    #[serde(default)]
    pub mode: AskMode,
    /// How likely an answer must be, from 0 (always answer) to 1; none: as the
    /// collection's calibration or the settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
}

/// Who answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AskMode {
    /// The language model, held against the documents; when it is missing or
    /// busy, the documents in their own words.
    #[default]
    Full,
    /// The documents in their own words; no language model is needed.
    Extractive,
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
    /// The passages that it was not given, since a newer edition says the same.
    pub superseded: Vec<ChunkId>,
    /// The answer.
    pub answer: Answer,
    /// What the documents say in their own words, known before the model wrote.
    pub extractive: Answer,
    /// What a reader should know beside the answer.
    pub notes: Vec<Note>,
    /// What the search alone tells about whether there is an answer.
    pub evidence: Evidence,
    /// Whether the evidence is of the kind that the weights were fitted to, so that it counts.
    pub weighed: bool,
    /// Milliseconds by stage.
    pub timings: AskTimings,
    /// Tokens.
    pub tokens: Tokens,
    /// What the model wrote, if it was asked.
    pub written: Option<Written>,
    /// Id of the receipt; none when the documents are quoted because the model was missing or busy.
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

/// What happens while a question is being answered.
#[derive(Debug)]
pub enum AskEvent<'a> {
    /// What the search found; comes first.
    Found(&'a Searched),
    /// What the documents say in their own words; comes right after the search.
    Extractive(&'a Answer, Language),
    /// The passages that the model reads now.
    Reading(&'a [Hit]),
    /// Nothing yet; comes several times a second while the model reads.
    Waiting,
    /// The next piece of the draft as the model writes it; not checked yet.
    Draft(&'a str),
    /// The next sentence of the answer, checked and final, and what all marks
    /// up to this one stand for.
    Sentence(&'a Sentence, &'a [Citation]),
}

/// Passages that are found for a question.
pub const FOUND: usize = 12;

/// The most excerpts that the model reads.
pub const EXCERPTS: usize = 5;

type OnEvent<'a> = dyn FnMut(AskEvent<'_>) -> ControlFlow<()> + 'a;

impl Library {
    /// Answers a question. Sentences are handed over as soon as they are written and
    /// checked, or at the end where the model confirms what they cite; `Break` stops the model within a token.
    ///
    /// # Errors
    /// [`Error::Cancelled`] after `Break`: half a draft is no answer, and no reason to refuse one.
    /// When a collection does not exist, or an index or a model fails.
    pub fn ask(&self, request: &AskRequest, on_event: &mut OnEvent<'_>) -> Result<Asked> {
        let start = Instant::now();
        let question = Question::new(&request.question);
        let scope = self.scope(&request.collections)?;
        let terms = WeightedTerms::new(&question.text, &|term| self.rarity(term, &scope));
        let (mut reranked, found) = self.find(&question, &terms, &scope, Mode::Hybrid, FOUND, None)?;
        let mut timings = AskTimings {
            retrieve: start.elapsed().as_secs_f64() * 1e3 - found.timings.rerank,
            rerank: found.timings.rerank,
            ..AskTimings::default()
        };
        let mut searched = Searched {
            query: question.text.clone(),
            hits: reranked.hits.clone(),
            terms,
            paths: found.paths,
            degraded: found.degraded,
            quoted: Vec::new(),
            pending: self.index.pending_dense_in(&scope)?,
            timings: found.timings,
        };
        if on_event(AskEvent::Found(&searched)).is_break() {
            return Err(Error::Cancelled);
        }
        if let Some(late) = &found.late {
            self.look_with(late, &mut reranked.hits)?;
        }
        let rarity = |term: &str| self.rarity(term, &scope);
        let said = statements(&searched.hits);
        let premises = contradicted(&question.text, &said, &rarity);
        // What the documents contradict is no reason to find nothing: the rest of the question counts.
        let meant = corrected(&question.text, &premises);
        let meant_terms =
            if premises.is_empty() { searched.terms.clone() } else { WeightedTerms::new(&meant, &rarity) };
        let checking = Checking {
            library: self,
            question: &meant,
            premises: &premises,
            scope: &scope,
            documents: RefCell::default(),
        };
        let whole = whole(&reranked, EXTRACTED);
        let fits = fits(&meant, &meant_terms, &whole);
        let named = found.editions.named_in(&question.text);
        let fits = current_editions(fits, &whole, &|a, b| found.editions.prefer(a, b, &named));
        let evidence = Evidence::new(&meant, &meant_terms, &reranked, &whole, &fits);
        // The weights were fitted to the scores of these models, of all searches, on all
        // passages, of questions in the language of the documents.
        let fitted = self.config.embedder == DEFAULT_EMBEDDER && self.config.reranker.is_none();
        let complete_search = searched.degraded.is_empty() && searched.pending == 0;
        let best = reranked.hits.first().map(|hit| Question::new(&hit.passage.text).language);
        let same_language = best.is_none_or(|language| language == question.language);
        let weighed = fitted && complete_search && same_language;
        let threshold = self.threshold(request, reranked.hits.first())?;
        let gated = gate(reranked, weighed.then_some(&evidence), threshold);
        let extractive = match &gated {
            Gated::Open { .. } => checking.compose(extract(&fits, &whole), &whole),
            Gated::Closed { closest } => Answer::NotFound { sentences: Vec::new(), closest: closest.clone() },
        };
        timings.extractive = start.elapsed().as_secs_f64() * 1e3;
        if on_event(AskEvent::Extractive(&extractive, question.language)).is_break() {
            return Err(Error::Cancelled);
        }
        let mut complete = request.mode == AskMode::Full;
        let mut answer = extractive.clone();
        let (mut passages, mut superseded, mut tokens, mut written) = (Vec::new(), Vec::new(), Tokens::default(), None);
        match gated {
            Gated::Closed { .. } => {}
            Gated::Open { .. } if request.mode == AskMode::Extractive => {}
            Gated::Open { reranked, limit } => {
                let all: Vec<ChunkId> = reranked.hits.iter().map(|hit| hit.passage.chunk).collect();
                let reranked = without_superseded(reranked, &found.editions, &question.text);
                let stays = |chunk: &ChunkId| reranked.hits.iter().any(|hit| hit.passage.chunk == *chunk);
                superseded = all.into_iter().filter(|chunk| !stays(chunk)).collect();
                let terms = &searched.terms;
                match self.write(&checking, &question, &reranked, limit, terms, start, on_event) {
                    Ok(draft) => {
                        timings = AskTimings {
                            retrieve: timings.retrieve,
                            rerank: timings.rerank,
                            extractive: timings.extractive,
                            ..draft.timings
                        };
                        (answer, passages, tokens, written) =
                            (draft.answer, draft.passages, draft.tokens, Some(draft.written));
                    }
                    Err(error @ (Error::Busy { .. } | Error::ModelMissing { .. })) => {
                        complete = false;
                        searched.degraded.push(format!("{error}; the answer is quoted from the documents"));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        // What contradicts the question answers it.
        if complete
            && !premises.is_empty()
            && matches!(answer, Answer::NotFound { .. })
            && let Answer::Grounded { sentences, citations } = &extractive
        {
            answer = extractive.clone();
            for sentence in sentences {
                // It is the end anyway: nothing is left to be cancelled.
                let _ = on_event(AskEvent::Sentence(sentence, citations));
            }
        }
        let notes = self.notes(&question, &searched.hits, &said, &premises, &found.editions, &answer, &checking);
        timings.total = start.elapsed().as_secs_f64() * 1e3;
        let language = question.language;
        let mut asked = Asked {
            searched,
            language,
            passages,
            superseded,
            answer,
            extractive,
            notes,
            evidence,
            weighed,
            timings,
            tokens,
            written,
            receipt: None,
        };
        if complete {
            asked.receipt = self.keep_receipt(request, &asked);
        }
        Ok(asked)
    }

    /// Lets the model write, and holds its answer against the passages it read.
    #[expect(clippy::too_many_arguments, reason = "each is another thing that a draft depends on")]
    fn write(
        &self,
        checking: &Checking<'_>,
        question: &Question,
        reranked: &Reranked,
        limit: f32,
        terms: &WeightedTerms,
        start: Instant,
        on_event: &mut OnEvent<'_>,
    ) -> Result<Drafted> {
        let generator = self.generator()?;
        let options = PackOptions { tokens: self.config.answer.context_tokens, excerpts: EXCERPTS };
        let packed = pack(&question.text, terms, reranked, options, &|text| generator.count_tokens(text));
        let passages: Vec<Hit> = packed.excerpts.iter().map(|excerpt| excerpt.hit.clone()).collect();
        if on_event(AskEvent::Reading(&passages)).is_break() {
            return Err(Error::Cancelled);
        }
        let Prompt { messages, passages: apart, places } = prompt(question, &packed, self.config.answer.reading);
        let request = GenerateRequest {
            messages,
            max_tokens: self.config.answer.max_tokens,
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

    /// What a reader should know beside `answer`.
    #[expect(clippy::too_many_arguments, reason = "a note looks at everything that was found")]
    fn notes(
        &self,
        question: &Question,
        hits: &[Hit],
        statements: &[Statement],
        premises: &[Contradicted],
        editions: &Editions,
        answer: &Answer,
        checking: &Checking<'_>,
    ) -> Vec<Note> {
        let reading = Reading {
            question,
            hits,
            statements,
            premises,
            editions,
            head: &|id| self.head(id),
            rarity: &|term| self.rarity(term, checking.scope),
        };
        notes(&reading, answer, &|passage, span| checking.locate(passage, span))
    }

    /// How likely what `answer` cites of `packed` answers `question` by itself; `None` when it cites nothing or the
    /// model does not tell.
    ///
    /// # Errors
    /// When there is no model, or it fails.
    pub fn answers_alone(&self, question: &str, packed: &Packed, answer: &Answer) -> Result<Option<f32>> {
        alone(&*self.generator()?, &Question::new(question), answer, packed, &mut || true)
    }

    /// Holds a text against the excerpts as if the model had written it.
    #[must_use]
    pub fn check_draft(&self, question: &str, packed: &Packed, draft: &str) -> Answer {
        Checking { library: self, question, premises: &[], scope: &Scope::All, documents: RefCell::default() }
            .check(packed, draft)
    }
}

/// What came of the model's writing.
struct Drafted {
    answer: Answer,
    passages: Vec<Hit>,
    timings: AskTimings,
    tokens: Tokens,
    written: Written,
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

/// Holds texts against passages. Each cited document is read once an answer.
struct Checking<'a> {
    library: &'a Library,
    /// The question, with the amounts of the documents where they contradict its own.
    question: &'a str,
    /// What in the question as asked they contradict.
    premises: &'a [Contradicted],
    scope: &'a Scope,
    documents: RefCell<HashMap<String, Option<Document>>>,
}

impl Checking<'_> {
    fn check(&self, packed: &Packed, draft: &str) -> Answer {
        if is_refusal(draft) {
            return Answer::NotFound { sentences: Vec::new(), closest: packed.closest() };
        }
        let rarity = |term: &str| self.library.rarity(term, self.scope);
        let checked = verify(draft, self.question, packed, &rarity);
        self.compose(without_false_premises(checked, packed, self.premises), packed)
    }

    /// What the excerpts say in their own words, where the model answered and
    /// none of it stands. A wrong yes then shows the sentence that denies it.
    fn quoted(&self, fallen: &Answer, packed: &Packed, draft: &str) -> Option<Answer> {
        let Answer::NotFound { sentences, .. } = fallen else { return None };
        if sentences.is_empty() {
            return None;
        }
        let rarity = |term: &str| self.library.rarity(term, self.scope);
        let terms = |text: &str| WeightedTerms::new(text, &rarity);
        let quotes = quote_instead(self.question, draft, &terms, packed);
        let fallen = sentences.iter().map(|sentence| sentence.checked.clone());
        let answer = self.compose(fallen.chain(quotes).collect(), packed);
        matches!(answer, Answer::Grounded { .. }).then_some(answer)
    }

    /// What the model looked at most, if it tells.
    fn pointed(&self, packed: &Packed) -> Option<Pointed> {
        let rarity = |term: &str| self.library.rarity(term, self.scope);
        let (quote, looked) = pointed(self.question, &|text| WeightedTerms::new(text, &rarity), packed)?;
        Some(Pointed { answer: self.compose(quote, packed), looked })
    }

    fn compose(&self, checked: Vec<CheckedSentence>, packed: &Packed) -> Answer {
        compose(checked, packed, &|passage, span| self.locate(passage, span))
    }

    /// Page and lines of `span`; those of the whole passage when the document
    /// was removed while the answer was being written.
    fn locate(&self, passage: &Passage, span: Span) -> (Option<u32>, Option<(u32, u32)>) {
        let mut documents = self.documents.borrow_mut();
        let document = documents
            .entry(passage.document_id.clone())
            .or_insert_with(|| self.library.index.document(&passage.document_id).ok());
        match document {
            Some(document) if span.end <= document.text.len() => {
                (document.page_at(span.start), document.lines_at(span))
            }
            _ => (passage.page, passage.lines),
        }
    }
}

/// How likely the answer stands on what `answer` cites, by where the model looked, if it is known.
fn cited_looked(answer: &Answer, packed: &Packed) -> Option<f32> {
    let Answer::Grounded { sentences, .. } = answer else { return None };
    let sources: HashSet<Source> = sentences.iter().flat_map(|sentence| sentence.checked.sources.clone()).collect();
    sources.iter().map(|source| packed.looked(source)).sum()
}

fn prompt_digest(request: &GenerateRequest) -> String {
    let mut all = String::new();
    for message in &request.messages {
        all.push_str(&format!("{:?}\0{}\0", message.role, message.content));
    }
    sha256(all.as_bytes())
}

#[cfg(test)]
mod tests;
