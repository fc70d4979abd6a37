//! Whether what an answer cites answers the question by itself.
//!
//! A draft can say what its sources say and still miss the question: the model
//! took the sentence beside the one that answers. So the model reads once more,
//! the cited sentences alone, and its inner state tells whether they are an
//! answer, see [`Generate::doubt`]. It writes nothing, and most of the prompt is
//! held already: it costs a few dozen tokens in two thirds of the layers, and is
//! left out where the answer cites what the model looked at most. Where it looked at
//! something else, or nothing stands of what it wrote, that sentence is read alone, too, and
//! quoted if it is the better answer.

use crate::answer::{
    Answer, CALIBRATION, Citation, Packed, Question, REFUSAL, Sentence, Source, Verdict, logit, prompt,
};
use crate::config::Reading;
use crate::error::{Error, Result};
use crate::models::Generate;

/// How likely what an answer cites must answer the question.
const LEAST: f32 = 0.1;
/// How likely a quote must answer it that stands in for another answer, or for none.
const LEAST_INSTEAD: f32 = 0.3;
/// By how much it must be likelier than an answer that stands.
const BETTER: f32 = 0.1;

/// Below this doubt, the model was sure of all passages together.
const SURE: f32 = 0.2;
/// How likely the answer must stand on what it looked at, for nothing to be read once more.
const SURELY_LOOKED_AT: f32 = 0.3;

/// What the model looked at most before it wrote, or the cell that the question names.
#[derive(Clone, Debug)]
pub struct Pointed {
    /// The sentence, quoted.
    pub answer: Answer,
    /// How likely the answer stands on it, by where the model looked.
    pub looked: f32,
    /// Whether the question names it: the row and the column of a cell. Then it is an answer, and need not be read.
    pub named: bool,
}

/// What the model wrote, and what it is held against.
pub struct Draft<'a> {
    /// The answer, as far as its sentences stand.
    pub answer: Answer,
    /// How likely it stands on what it cites, by where the model looked; 0 when that is not known.
    pub looked: f32,
    /// What the model looked at most, if it tells.
    pub pointed: Option<Pointed>,
    /// How sure the model was that the passages do not answer, if it tells.
    pub doubt: Option<f32>,
    /// The passages that it read.
    pub packed: &'a Packed,
    /// How likely an answer must be, as it was asked for.
    pub least: f32,
}

/// The outcome.
pub struct Confirmed {
    /// What stands.
    pub answer: Answer,
    /// How likely what the first answer cites answers the question, if it was read once more.
    pub alone: Option<f32>,
}

/// The answer when what it cites answers the question; what the model looked at most
/// where that is the likelier answer; else that nothing answers.
///
/// Before the model reads anything, it is asked whether the answer is still `waited_for`.
///
/// # Errors
/// When the model fails, or nobody waits any more.
pub fn confirm(
    generator: &dyn Generate,
    question: &Question,
    draft: Draft<'_>,
    waited_for: &mut dyn FnMut() -> bool,
) -> Result<Confirmed> {
    let Draft { answer, looked, pointed, doubt, packed, least } = draft;
    let cites_it = pointed.as_ref().is_some_and(|pointed| cites_only(&answer, &pointed.answer));
    let named = pointed.as_ref().is_some_and(|pointed| pointed.named);
    if cites_it && (named || looked >= SURELY_LOOKED_AT && doubt.is_some_and(|doubt| doubt < SURE)) {
        return Ok(Confirmed { answer, alone: None });
    }
    let grounded = matches!(answer, Answer::Grounded { .. });
    let own = alone(generator, question, &answer, packed, waited_for)?;
    let stands = grounded && own.is_none_or(|own| own >= LEAST);
    let instead = pointed.filter(|_| !(stands && (cites_it || named)) && (own.is_some() || !grounded));
    if let Some(Pointed { answer: quote, looked: looked_there, .. }) = instead {
        let read = match () {
            () if named => None,
            () if cites_it => own,
            () => alone(generator, question, &quote, packed, waited_for)?,
        };
        let likely = |looked: f32, alone: f32| {
            let doubt = (REFUSAL, logit(doubt.unwrap_or(0.5)));
            CALIBRATION.quote.probability(&[("looked", logit(looked)), ("alone", logit(alone)), doubt])
        };
        let wanted = LEAST_INSTEAD.max(least);
        let beaten = own.filter(|_| stands).map_or(0.0, |own| likely(looked, own) + BETTER);
        if (named || read.is_some_and(|read| likely(looked_there, read) >= wanted.max(beaten)))
            && let Answer::Grounded { sentences, citations } = quote
        {
            let sentences = fallen(answer).into_iter().chain(sentences).collect();
            return Ok(Confirmed { answer: Answer::Grounded { sentences, citations }, alone: own });
        }
    }
    let answer = if stands || !grounded {
        answer
    } else {
        Answer::NotFound { sentences: fallen(answer), closest: packed.closest() }
    };
    Ok(Confirmed { answer, alone: own })
}

/// Whether `answer` cites something, and nothing but what `other` cites.
fn cites_only(answer: &Answer, other: &Answer) -> bool {
    let (Answer::Grounded { citations, .. }, Answer::Grounded { citations: others, .. }) = (answer, other) else {
        return false;
    };
    let same = |a: &Citation, b: &Citation| {
        a.passage.document_id == b.passage.document_id && a.span.start < b.span.end && b.span.start < a.span.end
    };
    citations.iter().all(|cited| others.iter().any(|other| same(cited, other)))
}

/// How likely what `answer` cites of `packed` answers `question`; `None` when it cites
/// nothing or the model does not tell.
pub fn alone(
    generator: &dyn Generate,
    question: &Question,
    answer: &Answer,
    packed: &Packed,
    waited_for: &mut dyn FnMut() -> bool,
) -> Result<Option<f32>> {
    let Answer::Grounded { sentences, .. } = answer else { return Ok(None) };
    if !waited_for() {
        return Err(Error::Cancelled);
    }
    let sources: Vec<Source> = sentences.iter().flat_map(|sentence| sentence.checked.sources.clone()).collect();
    let cited = packed.only(&sources);
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
        looks: None,
        doubts: Some(|read| match (read.contains("months"), read.contains("weeks")) {
            (true, _) => 0.1,
            (_, true) => 0.6,
            _ => 0.95,
        }),
    };

    const TEXT: &str = "The pump is blue. The warranty lasts 24 months. Repairs take two weeks.";
    /// The sentences of it.
    const BLUE: usize = 0;
    const MONTHS: usize = 1;
    const WEEKS: usize = 2;

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

    fn draft<'a>(packed: &'a Packed, written: Option<usize>, pointed: Option<usize>, doubt: f32) -> Draft<'a> {
        let nothing = Answer::NotFound { sentences: Vec::new(), closest: Vec::new() };
        Draft {
            answer: written.map_or(nothing, |index| quoting(packed, index)),
            looked: if written == pointed { 0.9 } else { 0.05 },
            pointed: pointed.map(|index| Pointed { answer: quoting(packed, index), looked: 0.9, named: false }),
            doubt: Some(doubt),
            packed,
            least: 0.25,
        }
    }

    fn packed() -> Packed {
        Packed { excerpts: vec![excerpt(1, "Pump", TEXT)] }
    }

    #[test]
    fn nothing_is_read_that_nobody_waits_for() {
        let packed = packed();
        let question = Question::new("How long is the warranty?");
        for patience in 0..2 {
            let mut asked = 0;
            let mut waited_for = || {
                asked += 1;
                asked <= patience
            };
            let outcome = confirm(&READER, &question, draft(&packed, Some(BLUE), Some(MONTHS), 0.4), &mut waited_for);
            assert!(matches!(outcome, Err(Error::Cancelled)), "{patience}");
        }
    }

    /// What stands, and how often the model read once more.
    fn stands(written: Option<usize>, pointed: Option<usize>, doubt: f32) -> (Option<String>, usize) {
        let packed = packed();
        let question = Question::new("How long is the warranty?");
        let mut read = 0;
        let mut waited_for = || {
            read += 1;
            true
        };
        let confirmed = confirm(&READER, &question, draft(&packed, written, pointed, doubt), &mut waited_for).unwrap();
        let stands = match confirmed.answer {
            Answer::Grounded { sentences, .. } => {
                let mut standing = sentences.iter().filter(|s| s.checked.verdict == Verdict::Supported);
                standing.next().map(|sentence| sentence.checked.text.clone())
            }
            Answer::NotFound { sentences, .. } => {
                assert!(sentences.iter().all(|s| s.checked.verdict == Verdict::Unsupported && s.citations.is_empty()));
                None
            }
        };
        (stands, read)
    }

    #[test]
    fn what_two_ways_led_to_is_settled() {
        assert_eq!(stands(Some(MONTHS), Some(MONTHS), 0.1), (Some("sentence 1".into()), 0));
        // The model was not sure of all passages, or looked elsewhere.
        assert_eq!(stands(Some(MONTHS), Some(MONTHS), 0.3), (Some("sentence 1".into()), 1));
        assert_eq!(stands(Some(MONTHS), Some(BLUE), 0.1), (Some("sentence 1".into()), 2));
        assert_eq!(stands(Some(MONTHS), None, 0.1), (Some("sentence 1".into()), 1));
    }

    #[test]
    fn the_cell_that_is_named_need_not_be_read() {
        let packed = packed();
        let question = Question::new("How blue is the pump?");
        let confirmed = |written: Option<usize>| {
            let mut read = 0;
            let mut draft = draft(&packed, written, Some(BLUE), 0.7);
            draft.pointed.as_mut().unwrap().named = true;
            let mut waited_for = || {
                read += 1;
                true
            };
            let Answer::Grounded { sentences, .. } =
                confirm(&READER, &question, draft, &mut waited_for).unwrap().answer
            else {
                return (None, read);
            };
            let mut standing = sentences.iter().filter(|s| s.checked.verdict == Verdict::Supported);
            (standing.next().map(|sentence| sentence.checked.text.clone()), read)
        };
        assert_eq!(confirmed(None), (Some("sentence 0".into()), 0), "where nothing was written");
        assert_eq!(confirmed(Some(BLUE)), (Some("sentence 0".into()), 0), "where it is cited");
        assert_eq!(confirmed(Some(MONTHS)), (Some("sentence 1".into()), 1), "what stands is left");
    }

    #[test]
    fn what_is_cited_must_answer_by_itself() {
        assert_eq!(
            stands(Some(WEEKS), None, 0.3).0.as_deref(),
            Some("sentence 2"),
            "it answers a little, which is enough"
        );
        assert_eq!(stands(Some(WEEKS), Some(BLUE), 0.3).0.as_deref(), Some("sentence 2"));
        assert_eq!(
            stands(Some(WEEKS), Some(MONTHS), 0.3).0.as_deref(),
            Some("sentence 1"),
            "the likelier one is quoted"
        );
        assert_eq!(stands(Some(BLUE), Some(MONTHS), 0.3).0.as_deref(), Some("sentence 1"));
        assert_eq!(stands(Some(BLUE), None, 0.3).0, None);
        assert_eq!(stands(Some(BLUE), Some(BLUE), 0.7), (None, 1), "nothing is read twice");
    }

    #[test]
    fn where_the_model_wrote_no_answer_what_it_looked_at_may_be_one() {
        assert_eq!(stands(None, Some(MONTHS), 0.7).0.as_deref(), Some("sentence 1"));
        assert_eq!(stands(None, Some(BLUE), 0.7).0, None);
        assert_eq!(stands(None, None, 0.7), (None, 0));
    }
}
