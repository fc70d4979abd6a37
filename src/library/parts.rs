//! A question of several parts, of which some have an answer.

use std::ops::ControlFlow;
use std::time::Instant;

use crate::answer::{Answer, Citation, Hit, Note, NoteKind, Sentence, parts, subjects};
use crate::error::Result;
use crate::library::ask::{AskEvent, AskRequest, Asked, OnEvent};
use crate::library::{Library, Written};

/// Parts that are asked; the others are named as not answered.
const MOST: usize = 3;

impl Library {
    /// Answers the parts of a question that found no answer as a whole. What is left unanswered is said beside the
    /// answer; where none does, the outcome is that of the whole.
    ///
    /// # Errors
    /// As [`Library::ask`].
    pub(super) fn ask_parts(&self, request: &AskRequest, whole: Asked, on_event: &mut OnEvent<'_>) -> Result<Asked> {
        let start = Instant::now();
        let mut answered: Vec<(String, Option<Asked>)> = Vec::new();
        let parts = parts(&request.question);
        // "Do you deliver to Brazil, and what is the shipping cost?": the second part is about the first. One that
        // names what it is about is a question of its own.
        if !parts.iter().any(|part| !subjects(part).is_empty()) {
            return Ok(whole);
        }
        for (number, part) in parts.into_iter().enumerate() {
            if number >= MOST || subjects(&part).is_empty() {
                answered.push((part, None));
                continue;
            }
            let request = AskRequest { question: part.clone(), ..request.clone() };
            let (asked, _) = self.ask_whole(&request, &mut |event| match event {
                AskEvent::Waiting | AskEvent::Draft(_) => on_event(AskEvent::Waiting),
                _ => ControlFlow::Continue(()),
            })?;
            let grounded = matches!(asked.answer, Answer::Grounded { .. });
            answered.push((part, grounded.then_some(asked)));
        }
        if answered.iter().all(|(_, asked)| asked.is_none()) {
            return Ok(whole);
        }
        let took = start.elapsed().as_secs_f64() * 1e3;
        let joined = join(whole, answered, took);
        if let Answer::Grounded { sentences, citations } = &joined.answer {
            for sentence in sentences {
                // It is the end anyway: nothing is left to be cancelled.
                let _ = on_event(AskEvent::Sentence(sentence, citations));
            }
        }
        Ok(joined)
    }
}

/// The answers of the parts, in order, as one.
fn join(whole: Asked, parts: Vec<(String, Option<Asked>)>, took: f64) -> Asked {
    let mut joined =
        Asked { notes: Vec::new(), superseded: Vec::new(), elsewhere: Vec::new(), passages: Vec::new(), ..whole };
    joined.timings.total += took;
    let mut citations: Vec<Citation> = Vec::new();
    let mut sentences: Vec<Sentence> = Vec::new();
    let mut noted: Vec<Note> = Vec::new();
    let mut written: Option<Written> = None;
    for (part, asked) in parts {
        let Some(asked) = asked else {
            let text = joined.language.of("Not answered: “", "没有回答：“");
            // Without what was added to make it stand alone.
            let own = [" (about: ", "（关于："]
                .iter()
                .fold(part.as_str(), |own, about| own.split(about).next().unwrap_or(own));
            let part = own.trim_end_matches(['?', '？']);
            noted.push(Note { kind: NoteKind::Unanswered, text: format!("{text}{part}”."), citations: Vec::new() });
            continue;
        };
        let Answer::Grounded { sentences: own, citations: cited } = asked.answer else { continue };
        joined.tokens.prompt += asked.tokens.prompt;
        joined.tokens.cached += asked.tokens.cached;
        joined.tokens.generated += asked.tokens.generated;
        joined.timings.generate += asked.timings.generate;
        joined.timings.verify += asked.timings.verify;
        joined.superseded.extend(asked.superseded);
        joined.elsewhere.extend(asked.elsewhere);
        for hit in asked.passages {
            let known = |other: &Hit| other.passage.chunk == hit.passage.chunk;
            if !joined.passages.iter().any(known) {
                joined.passages.push(hit);
            }
        }
        let marks: Vec<(usize, usize)> = cited.iter().map(|one| (one.marker, marked(one, &mut citations))).collect();
        let mark = |of: &usize| marks.iter().find(|(own, _)| own == of).map_or(*of, |(_, new)| *new);
        sentences.extend(own.into_iter().map(|sentence| {
            let mut citations: Vec<usize> = sentence.citations.iter().map(mark).collect();
            citations.sort_unstable();
            Sentence { citations, ..sentence }
        }));
        joined.notes.extend(asked.notes);
        written = match (written, asked.written) {
            (Some(first), Some(next)) => Some(Written {
                prompt: format!("{} {}", first.prompt, next.prompt),
                draft: format!("{}\n{}", first.draft, next.draft),
                ..first
            }),
            (first, next) => first.or(next),
        };
    }
    for note in &mut joined.notes {
        for citation in &mut note.citations {
            citation.marker = marked(citation, &mut citations);
        }
    }
    // Only what the answer cites are its citations; those of notes go on from them.
    let most = sentences.iter().flat_map(|sentence| sentence.citations.iter().copied()).max().unwrap_or(0);
    citations.truncate(most);
    joined.notes.extend(noted);
    joined.answer = Answer::Grounded { sentences, citations };
    joined.written = written.or(joined.written);
    joined
}

/// The mark of a citation among all of them, which it joins if it is new.
fn marked(citation: &Citation, all: &mut Vec<Citation>) -> usize {
    let same =
        |other: &Citation| other.passage.document_id == citation.passage.document_id && other.span == citation.span;
    if let Some(at) = all.iter().position(same) {
        return at + 1;
    }
    all.push(Citation { marker: all.len() + 1, ..citation.clone() });
    all.len()
}
