//! How well each sentence of the passages fits the question: by the question's
//! rarity-weighted terms (in the sentence, in the headings above it, next to
//! it), by how near it is in meaning, by the kind of answer that is asked for, and
//! by whether the question's numbers and identifiers stand in the same stretch.

use std::collections::HashSet;

use attest_ingest::Span;

use crate::answer::asked_for::AskedFor;
use crate::answer::excerpt::{Excerpt, Packed};
use crate::answer::question::{Language, Question};
use crate::answer::terms::WeightedTerms;
use crate::answer::verify::Source;
use crate::answer::verify::facts::{identifiers, numbers};

/// How much of a term's weight counts when it stands in the headings above the
/// sentence, or in a neighbouring sentence, and not in the sentence itself.
const FROM_HEADINGS: f32 = 0.7;
const FROM_NEIGHBOURS: f32 = 0.35;

/// What a sentence gains when it holds the kind of thing that is asked for.
const RIGHT_KIND: f32 = 0.2;

/// What each further passage loses against the one before it.
const RANK_DECAY: f32 = 0.03;

/// What remains of the score when a number or an identifier of the question is
/// not to be found around the sentence.
const CONSTRAINT_MISSED: f32 = 0.5;

/// What remains of the score of a sentence that asks or only names its topic.
const NOT_A_STATEMENT: f32 = 0.3;

/// What a standard deviation of nearness in meaning adds to the score of a sentence.
const BY_MEANING: f32 = 0.1;
/// The same where it is in another language, and cannot have the question's words.
const BY_MEANING_ACROSS: f32 = 0.25;

/// How well a sentence fits the question.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    pub(in crate::answer) excerpt: usize,
    pub(in crate::answer) index: usize,
    pub(in crate::answer) score: f32,
    /// The share of the question's weight that it carries.
    pub coverage: f32,
    /// How near it is in meaning, as a standard score among all sentences found.
    pub meaning: f32,
    /// Whether it holds the kind of thing that is asked for, if the question tells.
    pub right_kind: Option<bool>,
}

impl Fit {
    /// Where the sentence stands in `packed`, which it was found in.
    #[must_use]
    pub fn source(&self, packed: &Packed) -> Source {
        Source { excerpt: self.excerpt, span: packed.excerpts[self.excerpt].sentences[self.index] }
    }
}

/// All sentences of the passages, the best first.
#[must_use]
pub fn fits(question: &str, terms: &WeightedTerms, packed: &Packed) -> Vec<Fit> {
    let asked = Demand::new(question);
    let mut fits: Vec<Fit> = Vec::new();
    for (excerpt, shown) in packed.excerpts.iter().enumerate() {
        let scene = format!("{}\n{}", shown.source, shown.hit.passage.context);
        for index in 0..shown.sentences.len() {
            let mut fit = fit(&asked, terms, shown, index, &scene);
            fit.excerpt = excerpt;
            fit.score -= RANK_DECAY * excerpt as f32;
            fit.meaning = shown.hit.meaning.of(shown.sentences[index]);
            let across = Question::new(&shown.reads[index]).language != asked.language;
            fit.score += if across { BY_MEANING_ACROSS } else { BY_MEANING } * fit.meaning;
            fits.push(fit);
        }
    }
    fits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| (a.excerpt, a.index).cmp(&(b.excerpt, b.index))));
    fits
}

/// What a question demands beside its words.
struct Demand {
    kind: Option<AskedFor>,
    numbers: HashSet<String>,
    identifiers: HashSet<String>,
    question: String,
    language: Language,
}

impl Demand {
    fn new(question: &str) -> Self {
        Self {
            kind: AskedFor::of(question),
            numbers: numbers(question),
            identifiers: identifiers(question),
            question: question.to_owned(),
            language: Question::new(question).language,
        }
    }
}

fn fit(asked: &Demand, terms: &WeightedTerms, shown: &Excerpt, index: usize, scene: &str) -> Fit {
    let own = &*shown.reads[index];
    let before = index.checked_sub(1).map_or("", |i| &shown.reads[i]);
    let after = shown.reads.get(index + 1).map_or("", String::as_str);
    let in_sentence = terms.coverage(own);
    let with_scene = terms.coverage(&format!("{own}\n{scene}"));
    let with_all = terms.coverage(&format!("{own}\n{scene}\n{before}\n{after}"));
    let coverage = in_sentence
        + FROM_HEADINGS * (with_scene - in_sentence).max(0.0)
        + FROM_NEIGHBOURS * (with_all - with_scene).max(0.0);
    let mut score = coverage;
    let right_kind = asked.kind.map(|kind| kind.stands_in(own, &asked.question));
    if right_kind == Some(true) {
        score += RIGHT_KIND;
    }
    let stretch = format!("{scene}\n{before}\n{own}");
    if !asked.identifiers.is_subset(&identifiers(&stretch)) || !asked.numbers.is_subset(&numbers(&stretch)) {
        score *= CONSTRAINT_MISSED;
    }
    if !states(own) {
        score *= NOT_A_STATEMENT;
    }
    Fit { excerpt: 0, index, score, coverage, meaning: 0.0, right_kind }
}

/// Whether a unit of text says something: headings, questions, table rules and
/// lines that only lead to a list do not.
pub(in crate::answer) fn states(text: &str) -> bool {
    let text = text.trim();
    let asks = text.trim_end_matches(['*', '_', '"', '”', ')']).ends_with(['?', '？']);
    let leads = text.ends_with([':', '：']);
    let rule = !text.chars().any(char::is_alphanumeric);
    !(asks || leads || rule || text.starts_with('#'))
}

/// The text of a sentence.
pub(in crate::answer) fn sentence(shown: &Excerpt, index: usize) -> &str {
    let passage = &shown.hit.passage;
    let Span { start, end } = shown.sentences[index];
    passage.text.get(start - passage.span.start..end - passage.span.start).unwrap_or("")
}
