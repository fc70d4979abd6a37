//! Whether what an answer cites answers the question by itself.
//!
//! A draft can say what its sources say and still miss the question: the model
//! took the sentence beside the one that answers. So the model reads once more,
//! the cited sentences alone, and its inner state tells whether they are an
//! answer, see [`Generate::doubt`]. It writes nothing, and most of the prompt is
//! held already: it costs a few dozen tokens in two thirds of the layers.

use crate::answer::{Answer, Packed, Question, Sentence, Source, Verdict, prompt};
use crate::config::Reading;
use crate::error::Result;
use crate::models::Generate;

/// How likely what an answer cites must answer the question.
const LEAST: f32 = 0.1;
/// How likely a quote must answer it that stands in for another answer.
const LEAST_INSTEAD: f32 = 0.5;

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
/// # Errors
/// When the model fails.
pub fn confirm(
    generator: &dyn Generate,
    question: &Question,
    written: Candidate<'_>,
    quoted: &[Candidate<'_>],
) -> Result<Confirmed> {
    let Some(probability) = alone(generator, question, &written)? else {
        return Ok(Confirmed { answer: written.answer, probability: None });
    };
    if probability >= LEAST {
        return Ok(Confirmed { answer: written.answer, probability: Some(probability) });
    }
    let mut best = (LEAST_INSTEAD, None);
    for candidate in quoted {
        let sure = alone(generator, question, candidate)?.filter(|sure| *sure >= best.0);
        best = sure.map_or(best, |sure| (sure, Some(&candidate.answer)));
    }
    let answer = best.1.cloned().unwrap_or_else(|| nothing(written));
    Ok(Confirmed { answer, probability: Some(probability) })
}

/// How likely what `candidate` cites answers `question`; `None` when it cites
/// nothing or the model does not tell.
fn alone(generator: &dyn Generate, question: &Question, candidate: &Candidate<'_>) -> Result<Option<f32>> {
    let Answer::Grounded { sentences, .. } = &candidate.answer else { return Ok(None) };
    let sources: Vec<Source> = sentences.iter().flat_map(|sentence| sentence.checked.sources.clone()).collect();
    let cited = candidate.packed.only(&sources);
    let doubt = generator.doubt(&prompt(question, &cited, Reading::InOrder).messages)?;
    Ok(doubt.map(|doubt| 1.0 - doubt.probability))
}

/// That nothing answers, with what does not.
fn nothing(candidate: Candidate<'_>) -> Answer {
    let Answer::Grounded { sentences, .. } = candidate.answer else { return candidate.answer };
    let fallen = |mut sentence: Sentence| {
        sentence.checked.verdict = Verdict::Unsupported;
        sentence.checked.sources.clear();
        sentence.citations.clear();
        sentence
    };
    Answer::NotFound {
        sentences: sentences.into_iter().map(fallen).collect(),
        closest: candidate.packed.excerpts.iter().map(|excerpt| excerpt.hit.clone()).collect(),
    }
}
