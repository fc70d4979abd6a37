//! Whether what an answer cites answers the question by itself.
//!
//! A draft can say what its sources say and still miss the question: the model
//! took the sentence beside the one that answers. So the model reads once more,
//! the cited sentences alone, and its inner state tells whether they are an
//! answer, see [`Generate::doubt`]. It writes nothing, and most of the prompt is
//! held already: it costs a few dozen tokens in two thirds of the layers, and is
//! left out where two ways led to the same sentence.

use std::collections::BTreeSet;

use crate::answer::{Answer, Citation, Packed, Question, Sentence, Source, Verdict, prompt};
use crate::config::Reading;
use crate::error::{Error, Result};
use crate::models::Generate;

/// How likely what an answer cites must answer the question.
const LEAST: f32 = 0.1;
/// How likely a quote must answer it that stands in for another answer.
const LEAST_INSTEAD: f32 = 0.5;

/// Below this doubt, the model was sure of all passages together.
const SURE: f32 = 0.2;

/// An answer, and the excerpts that its sources are of.
pub struct Candidate<'a> {
    /// The answer.
    pub answer: Answer,
    /// The excerpts.
    pub packed: &'a Packed,
}

/// The outcome.
pub struct Confirmed {
    /// What stands.
    pub answer: Answer,
    /// How likely what the first answer cites answers the question, if the model tells.
    pub probability: Option<f32>,
}

/// `written` when what it cites answers the question; else the one of `quoted`
/// whose citations surely do; else that nothing does.
///
/// Before the model reads anything, it is asked whether the answer is still `waited_for`.
///
/// # Errors
/// When the model fails, or nobody waits any more.
pub fn confirm<'a>(
    generator: &dyn Generate,
    question: &Question,
    written: Candidate<'_>,
    quoted: &mut dyn Iterator<Item = Candidate<'a>>,
    waited_for: &mut dyn FnMut() -> bool,
) -> Result<Confirmed> {
    let Some(probability) = alone(generator, question, &written, waited_for)? else {
        return Ok(Confirmed { answer: written.answer, probability: None });
    };
    if probability >= LEAST {
        return Ok(Confirmed { answer: written.answer, probability: Some(probability) });
    }
    let mut best = (LEAST_INSTEAD, None);
    let mut read = vec![written.answer.clone()];
    for candidate in quoted {
        if read.iter().any(|other| same_sources(other, &candidate.answer)) {
            continue;
        }
        read.push(candidate.answer.clone());
        let sure = alone(generator, question, &candidate, waited_for)?.filter(|sure| *sure >= best.0);
        best = sure.map_or(best, |sure| (sure, Some(candidate.answer)));
    }
    let closest = written.packed.excerpts.iter().map(|excerpt| excerpt.hit.clone()).collect();
    let fallen = fallen(written.answer);
    let answer = match best.1 {
        Some(Answer::Grounded { sentences, citations }) => {
            Answer::Grounded { sentences: fallen.into_iter().chain(sentences).collect(), citations }
        }
        _ => Answer::NotFound { sentences: fallen, closest },
    };
    Ok(Confirmed { answer, probability: Some(probability) })
}

/// Whether nothing is to be confirmed: the model was sure that the passages answer, its
/// `doubt` of them being small, and `answer` cites nothing but what the documents'
/// own words were to be, before it wrote.
#[must_use]
pub fn settled(answer: &Answer, own_words: &Answer, doubt: Option<f32>) -> bool {
    let (Answer::Grounded { citations, .. }, Answer::Grounded { citations: own, .. }) = (answer, own_words) else {
        return false;
    };
    let same = |a: &Citation, b: &Citation| {
        a.passage.document_id == b.passage.document_id && a.span.start < b.span.end && b.span.start < a.span.end
    };
    doubt.is_some_and(|doubt| doubt < SURE) && citations.iter().all(|cited| own.iter().any(|own| same(cited, own)))
}

/// Whether two answers cite the same.
fn same_sources(one: &Answer, other: &Answer) -> bool {
    let cited = |answer: &Answer| -> Option<BTreeSet<(u64, usize)>> {
        let Answer::Grounded { citations, .. } = answer else { return None };
        Some(citations.iter().map(|citation| (citation.passage.chunk.0, citation.span.start)).collect())
    };
    cited(one) == cited(other)
}

/// How likely what `candidate` cites answers `question`; `None` when it cites
/// nothing or the model does not tell.
fn alone(
    generator: &dyn Generate,
    question: &Question,
    candidate: &Candidate<'_>,
    waited_for: &mut dyn FnMut() -> bool,
) -> Result<Option<f32>> {
    let Answer::Grounded { sentences, .. } = &candidate.answer else { return Ok(None) };
    if !waited_for() {
        return Err(Error::Cancelled);
    }
    let sources: Vec<Source> = sentences.iter().flat_map(|sentence| sentence.checked.sources.clone()).collect();
    let cited = candidate.packed.only(&sources);
    let doubt = generator.doubt(&prompt(question, &cited, Reading::InOrder).messages)?;
    Ok(doubt.map(|doubt| 1.0 - doubt.probability))
}

/// The sentences of an answer that does not stand.
fn fallen(answer: Answer) -> Vec<Sentence> {
    let fallen = |mut sentence: Sentence| {
        sentence.checked.verdict = Verdict::Unsupported;
        sentence.checked.sources.clear();
        sentence.citations.clear();
        sentence
    };
    let (Answer::Grounded { sentences, .. } | Answer::NotFound { sentences, .. }) = answer;
    sentences.into_iter().map(fallen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;
    use crate::answer::{CheckedSentence, Signals, compose};
    use crate::library::fixture::Scripted;

    /// Takes for an answer what speaks of months, and a little what speaks of weeks.
    const READER: Scripted = Scripted {
        pieces: &[],
        doubts: Some(|read| match (read.contains("months"), read.contains("weeks")) {
            (true, _) => 0.1,
            (_, true) => 0.6,
            _ => 0.95,
        }),
    };

    const TEXT: &str = "The pump is blue. The warranty lasts 24 months. Repairs take two weeks.";

    /// The answer that quotes one sentence of the text.
    fn quoting(packed: &Packed, index: usize) -> Answer {
        let checked = CheckedSentence {
            text: format!("sentence {index}"),
            sources: vec![Source { excerpt: 0, span: packed.excerpts[0].sentences[index] }],
            support: 1.0,
            verdict: Verdict::Supported,
            signals: Signals::default(),
        };
        compose(vec![checked], packed, &|_, _| (None, None))
    }

    #[test]
    fn nothing_is_read_that_nobody_waits_for() {
        let packed = Packed { excerpts: vec![excerpt(1, "Pump", TEXT)] };
        let candidate = |index: usize| Candidate { answer: quoting(&packed, index), packed: &packed };
        let question = Question::new("How long is the warranty?");
        for patience in 0..2 {
            let mut asked = 0;
            let mut waited_for = || {
                asked += 1;
                asked <= patience
            };
            let quotes = &mut [1].into_iter().map(candidate);
            let outcome = confirm(&READER, &question, candidate(0), quotes, &mut waited_for);
            assert!(matches!(outcome, Err(Error::Cancelled)), "{patience}");
        }
    }

    /// What stands of an answer with one sentence when others may be quoted.
    fn stands(written: usize, quoted: &[usize]) -> Option<String> {
        let packed = Packed { excerpts: vec![excerpt(1, "Pump", TEXT)] };
        let candidate = |index: usize| Candidate { answer: quoting(&packed, index), packed: &packed };
        let question = Question::new("How long is the warranty?");
        let confirmed = confirm(
            &READER,
            &question,
            candidate(written),
            &mut quoted.iter().map(|&index| candidate(index)),
            &mut || true,
        )
        .unwrap();
        assert!(confirmed.probability.is_some());
        match confirmed.answer {
            Answer::Grounded { sentences, .. } => {
                let mut standing = sentences.iter().filter(|s| s.checked.verdict == Verdict::Supported);
                standing.next().map(|sentence| sentence.checked.text.clone())
            }
            Answer::NotFound { sentences, .. } => {
                assert!(sentences.iter().all(|s| s.checked.verdict == Verdict::Unsupported && s.citations.is_empty()));
                None
            }
        }
    }

    #[test]
    fn what_two_ways_led_to_is_settled() {
        let packed = Packed { excerpts: vec![excerpt(1, "Pump", TEXT)] };
        let (blue, months) = (quoting(&packed, 0), quoting(&packed, 1));
        assert!(settled(&months, &months, Some(0.1)));
        assert!(!settled(&months, &months, Some(0.3)) && !settled(&months, &months, None));
        assert!(!settled(&months, &blue, Some(0.1)));
    }

    #[test]
    fn what_is_cited_must_answer_by_itself() {
        assert_eq!(stands(1, &[]).as_deref(), Some("sentence 1"));
        assert_eq!(stands(2, &[1]).as_deref(), Some("sentence 2"), "it answers a little, which is enough to stand");
        assert_eq!(stands(0, &[2, 1]).as_deref(), Some("sentence 1"), "the surest takes its place");
        assert_eq!(stands(0, &[2]), None, "to take a place, a little is not enough");
        assert_eq!(stands(0, &[]), None);
    }
}
