//! One answered question, judged: a line of the report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::answers::{answer_in_output, exact_match, token_f1, tokens};
use crate::dataset::Query;

/// A question, what was answered, and what that is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerCase {
    /// Digest of everything that decides an answer; with the query's id, it names the case.
    pub configuration: String,
    /// Id of the query.
    pub query: String,
    /// The question.
    pub text: String,
    /// `en` or `zh`.
    pub language: String,
    /// What it tests, where the data set says so.
    pub kind: Option<String>,
    /// Whether the corpus answers it.
    pub answerable: bool,
    /// Right answers.
    pub answers: Vec<String>,
    /// What was answered, without marks; empty for a refusal.
    pub output: String,
    /// What the model wrote before the check; empty when it was not asked.
    pub draft: String,
    /// Whether an answer was refused.
    pub refused: bool,
    /// The least support of a sentence of the answer, 0 to 1; 0 for a refusal.
    pub support: f64,
    /// What was cited.
    pub citations: Vec<JudgedCitation>,
    /// Errors planted into this answer, and those that the check let through, by kind.
    pub planted: BTreeMap<String, Planting>,
    /// What its evidence belongs to; cases of one group are not split when models are fitted.
    #[serde(default)]
    pub group: String,
    /// Sentences, true and made wrong, with what the check saw in each.
    #[serde(default)]
    pub checked: Vec<CheckedCase>,
    /// What was known when it was decided whether to answer, by name.
    #[serde(default)]
    pub signals: BTreeMap<String, f64>,
    /// What the documents say in their own words.
    #[serde(default)]
    pub extractive: String,
    /// The sentence that the model looked at most before it wrote, if it tells.
    #[serde(default)]
    pub pointed: Option<JudgedCitation>,
    /// Seconds from the question to the checked answer, with the time that the
    /// model took when it wrote the draft.
    pub seconds: f64,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of these, those whose state was kept from before.
    #[serde(default)]
    pub cached_tokens: usize,
    /// Tokens written.
    pub generated_tokens: usize,
    /// Passes through the model that wrote them, if it tells.
    #[serde(default)]
    pub passes: Option<usize>,
}

/// A sentence that was held against passages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckedCase {
    /// `true`, or what was made wrong.
    pub kind: String,
    /// The sentence.
    pub text: String,
    /// The signals of the check, by name.
    pub signals: BTreeMap<String, f64>,
}

/// A citation against the judgements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedCitation {
    /// Path of the document.
    pub document: String,
    /// Page on which the quote begins.
    pub page: Option<u32>,
    /// The quote.
    pub quote: String,
    /// Whether it lies in something relevant.
    pub relevant: bool,
    /// Whether it says the answer.
    pub holds_answer: bool,
}

/// Errors of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planting {
    /// Planted.
    pub planted: usize,
    /// Shown as supported nevertheless.
    pub passed: usize,
}

impl AnswerCase {
    /// Whether the output is a right answer, but for punctuation and articles.
    #[must_use]
    pub fn exact(&self) -> bool {
        exact_match(&self.output, &self.answers)
    }

    /// F1 of the output's tokens and a right answer's.
    #[must_use]
    pub fn f1(&self) -> f64 {
        token_f1(&self.output, &self.answers)
    }

    /// Whether a right answer stands in the output.
    #[must_use]
    pub fn hit(&self) -> bool {
        answer_in_output(&self.output, &self.answers)
    }

    /// Whether the system did what it should: refused what cannot be answered,
    /// and gave a right answer to what can.
    #[must_use]
    pub fn right(&self) -> bool {
        if self.answerable { !self.refused && self.hit() } else { self.refused }
    }
}

impl JudgedCitation {
    /// Whether it lies in something relevant and says the answer.
    #[must_use]
    pub const fn right(&self) -> bool {
        self.relevant && self.holds_answer
    }
}

/// The share of a short answer's or a piece of evidence's tokens that a quote
/// must have to say it in other order or with words between.
const ENTAILS: f64 = 0.8;

/// Whether `quote` says the answer of `query`: a right answer stands in it as
/// it is, nearly all tokens of one do, or those of a whole relevant entry
/// (`evidence`; a long paragraph is never in one sentence, a quoted piece of
/// evidence is).
#[must_use]
pub fn holds_answer(quote: &str, query: &Query, evidence: &[&str]) -> bool {
    let there = tokens(quote);
    let share = |text: &str| {
        let wanted = tokens(text);
        if wanted.is_empty() {
            return 0.0;
        }
        wanted.iter().filter(|token| there.contains(token)).count() as f64 / wanted.len() as f64
    };
    answer_in_output(quote, &query.answers)
        || query.answers.iter().any(|answer| tokens(answer).len() > 1 && share(answer) >= ENTAILS)
        || evidence.iter().any(|text| share(text) >= ENTAILS)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A case that was answered as `output`, cited once.
    pub(crate) fn case(query: &str, answerable: bool, output: &str, right_citation: bool) -> AnswerCase {
        AnswerCase {
            configuration: "c".into(),
            query: query.into(),
            text: "how long?".into(),
            language: "en".into(),
            kind: None,
            answerable,
            answers: if answerable { vec!["24 months".into()] } else { Vec::new() },
            output: output.into(),
            draft: output.into(),
            refused: output.is_empty(),
            support: if output.is_empty() { 0.0 } else { 0.9 },
            citations: if output.is_empty() {
                Vec::new()
            } else {
                vec![JudgedCitation {
                    document: "a.md".into(),
                    page: None,
                    quote: "24 months".into(),
                    relevant: right_citation,
                    holds_answer: true,
                }]
            },
            planted: BTreeMap::new(),
            signals: BTreeMap::new(),
            extractive: String::new(),
            pointed: None,
            group: String::new(),
            checked: Vec::new(),
            seconds: 2.0,
            prompt_tokens: 100,
            cached_tokens: 40,
            generated_tokens: 10,
            passes: Some(4),
        }
    }

    #[test]
    fn right_is_what_should_be_done() {
        assert!(case("a", true, "It is 24 months.", true).right());
        assert!(!case("a", true, "It is 36 months.", true).right() && !case("a", true, "", true).right());
        assert!(case("a", false, "", true).right() && !case("a", false, "It is 24 months.", true).right());
    }

    #[test]
    fn quotes_hold_answers() {
        let query = Query {
            id: "q".into(),
            text: String::new(),
            answers: vec!["nine members".into(), "24个月".into()],
            answerable: true,
            kind: None,
            relevant: BTreeMap::new(),
        };
        assert!(holds_answer("up to nine members", &query, &[]));
        assert!(holds_answer("members: up to nine", &query, &[]), "in another order");
        assert!(holds_answer("保修24个月。", &query, &[]));
        assert!(!holds_answer("up to nine guests", &query, &[]));
        let evidence = "An owner can invite up to nine people";
        assert!(holds_answer("An owner can invite up to\nnine people.", &query, &[evidence]));
        assert!(!holds_answer("An owner can invite", &query, &[evidence]));
        assert!(!holds_answer("", &query, &[""]));
    }
}
