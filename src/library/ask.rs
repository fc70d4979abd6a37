//! Ask: find, extract, gate, pack, prompt, generate, verify, compose.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::answer::{
    Answer, Citation, Contradicted, EXTRACTED, Evidence, Gated, Hit, Known, Language, Note, Packed, Question, Sentence,
    WeightedTerms, contradicted, corrected, current_editions, extract, fits, gate, notes, statements, whole,
};
use crate::config::DEFAULT_EMBEDDER;
use crate::error::{Error, Result};
use crate::index::{ChunkId, Scope};
use crate::library::check::Checking;
use crate::library::confirm::alone;
use crate::library::seek::Sought;
use crate::library::write::{Writer, Written};
use crate::library::{Library, Searched};
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
    /// The passages that it was not given, since another edition counts: a newer one that says the same, or the one
    /// that the question names.
    pub superseded: Vec<ChunkId>,
    /// What was found in documents for another place than the question names.
    pub elsewhere: Vec<Hit>,
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

/// Among fewer passages, by how much the best is above the others tells nothing; the model decides alone.
const MANY_CHUNKS: usize = 5 * FOUND;

pub(super) type OnEvent<'a> = dyn FnMut(AskEvent<'_>) -> ControlFlow<()> + 'a;

impl Library {
    /// Answers a question. Sentences are handed over as soon as they are written and
    /// checked, or at the end where the model confirms what they cite; `Break` stops the model within a token.
    ///
    /// # Errors
    /// [`Error::Cancelled`] after `Break`: half a draft is no answer, and no reason to refuse one.
    /// When a collection does not exist, or an index or a model fails.
    pub fn ask(&self, request: &AskRequest, on_event: &mut OnEvent<'_>) -> Result<Asked> {
        let (mut asked, complete) = self.ask_whole(request, on_event)?;
        if complete && matches!(asked.answer, Answer::NotFound { .. }) {
            asked = self.ask_parts(request, asked, on_event)?;
        }
        if complete {
            asked.receipt = self.keep_receipt(request, &asked);
        }
        Ok(asked)
    }

    /// Answers a question as one; whether all took part that is asked for.
    pub(super) fn ask_whole(&self, request: &AskRequest, on_event: &mut OnEvent<'_>) -> Result<(Asked, bool)> {
        let start = Instant::now();
        let question = Question::new(&request.question);
        let scope = self.scope(&request.collections)?;
        let mut sought = self.seek(&question, &scope, on_event)?;
        let mut timings =
            AskTimings { retrieve: sought.retrieve, rerank: sought.searched.timings.rerank, ..AskTimings::default() };
        let rarity = |term: &str| self.rarity(term, &scope);
        let premises = contradicted(&question.text, &statements(&sought.searched.hits), &rarity);
        // What the documents contradict is no reason to find nothing: the rest of the question counts.
        let meant = corrected(&question.text, &premises);
        let meant_terms =
            if premises.is_empty() { sought.searched.terms.clone() } else { WeightedTerms::new(&meant, &rarity) };
        let checking = Checking {
            library: self,
            question: &meant,
            premises: &premises,
            scope: &scope,
            documents: RefCell::default(),
        };
        let whole = whole(&sought.reranked, EXTRACTED);
        let fits = fits(&meant, &meant_terms, &whole);
        let named = sought.editions.named_in(&question.text);
        let fits = current_editions(fits, &whole, &|a, b| sought.editions.prefer(a, b, &named));
        let evidence = Evidence::new(&meant, &meant_terms, &sought.reranked, &whole, &fits);
        // The weights were fitted to the scores of these models, of all searches, on all
        // passages, of questions in the language of the documents, and to the margins of many passages.
        let fitted = self.config.embedder == DEFAULT_EMBEDDER && self.config.reranker.is_none();
        let complete_search = sought.searched.degraded.is_empty() && sought.searched.pending == 0;
        let best = sought.reranked.hits.first().map(|hit| Question::new(&hit.passage.text).language);
        let same_language = best.is_none_or(|language| language == question.language);
        let many = self.index.lexical().chunks_in(&scope)? >= MANY_CHUNKS;
        let weighed = fitted && complete_search && same_language && many;
        let threshold = self.threshold(request, sought.reranked.hits.first())?;
        let gated = gate(&sought.reranked, weighed.then_some(&evidence), threshold);
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
            Gated::Open { limit } => {
                superseded = sought.leave_out_superseded(&question.text);
                let writer = Writer { checking: &checking, question: &question, limit, start };
                match writer.write(&sought, on_event) {
                    Ok(drafted) => {
                        timings = AskTimings {
                            retrieve: timings.retrieve,
                            rerank: timings.rerank,
                            extractive: timings.extractive,
                            ..drafted.timings
                        };
                        (answer, passages, tokens, written) =
                            (drafted.answer, drafted.passages, drafted.tokens, Some(drafted.written));
                    }
                    Err(error @ (Error::Busy { .. } | Error::ModelMissing { .. })) => {
                        complete = false;
                        sought.searched.degraded.push(format!("{error}; the answer is quoted from the documents"));
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
        let notes = self.notes(&question, &sought, &premises, &answer, &checking);
        timings.total = start.elapsed().as_secs_f64() * 1e3;
        let language = question.language;
        let asked = Asked {
            searched: sought.searched,
            language,
            passages,
            superseded,
            elsewhere: sought.elsewhere,
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
        Ok((asked, complete))
    }

    /// What a reader should know beside `answer`.
    fn notes(
        &self,
        question: &Question,
        sought: &Sought,
        premises: &[Contradicted],
        answer: &Answer,
        checking: &Checking<'_>,
    ) -> Vec<Note> {
        let hits = &sought.searched.hits;
        let known = Known {
            question,
            hits,
            statements: &statements(hits),
            premises,
            editions: &sought.editions,
            head: &|id| self.head(id),
            rarity: &|term| self.rarity(term, checking.scope),
        };
        notes(&known, answer, &|passage, span| checking.locate(passage, span))
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

#[cfg(test)]
mod tests;
