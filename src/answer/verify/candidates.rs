//! The sentences of the excerpts, each with what it is read under: its headings, its neighbours, its table.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use attest_ingest::{Span, sentences};

use super::bare::{Polarity, polarity};
use super::columns::Row;
use super::facts::{numbers, spelt_numbers};
use super::{Asked, Source, shared, terms};
use crate::answer::denials::denied_by;
use crate::answer::excerpt::{Packed, is_table_rule};
use crate::answer::fit::asks;
use crate::answer::lookup::Names;
use crate::answer::negation::negative;
use crate::answer::question::is_han;
use crate::answer::rows::{asked, is_of_longer_name, named_by};
use crate::answer::statements::header_of;
use crate::index::analyse;

/// A question in a document.
#[derive(Clone)]
pub(super) struct AskedAbove {
    terms: HashSet<String>,
    /// Whether the first sentence under it says yes or no.
    said: Option<Polarity>,
}

/// The least share of the weight of a sentence that says yes to a question that must stand in the answer itself.
const LEAST_ITS_OWN: f32 = 0.2;

/// The share of a question's terms that a sentence must have to answer it with yes.
const RESTATES: f32 = 0.5;

/// A source sentence that an answer may stand on.
pub(super) struct Candidate {
    pub(super) source: Source,
    /// Id of its document.
    pub(super) document: String,
    /// Its place among the sentences of its excerpt.
    pub(super) place: usize,
    pub(super) text: String,
    /// How it reads, see [`Excerpt::reads`](crate::answer::excerpt::Excerpt::reads).
    pub(super) read: String,
    /// The heading above it.
    pub(super) heading: String,
    /// The question above it, whose answer it is or belongs to.
    pub(super) answers: Option<AskedAbove>,
    /// What denies it, if it is an item of a list of what is not so.
    pub(super) denied_by: Option<String>,
    pub(super) terms: HashSet<String>,
    pub(super) scene: HashSet<String>,
    /// Terms of the sentences before and after it.
    pub(super) near: HashSet<String>,
    /// Title, headings and what the passage continues.
    pub(super) scene_text: String,
    pub(super) numbers: HashSet<String>,
    pub(super) han: bool,
    /// It as a row of its table, if it is one.
    pub(super) row: Option<Row>,
    /// The row that names its columns; empty for what is none.
    pub(super) head: String,
    /// Its columns that are asked for, or that have the most or the least of what is.
    pub(super) columns: Vec<usize>,
    /// Where the most or the least is asked for: whether it surely has it, or another row does.
    pub(super) outermost: Option<bool>,
    /// For a row that is not asked for, the numbers of the one in its table that is.
    pub(super) asked_row: Option<HashSet<String>>,
    /// How likely the answer stands on it, by where the model looked; 0 when that is not known.
    pub(super) looked: f32,
}

impl Candidate {
    /// Whether a sentence with these words, which denies nothing, says yes to the question above it, and it does not:
    /// it says no, or nothing of it.
    pub(super) fn does_not_affirm(&self, words: &BTreeMap<String, f32>) -> bool {
        let Some(AskedAbove { terms, said }) = &self.answers else { return false };
        let restated = terms.iter().filter(|term| words.contains_key(*term)).count() as f32;
        if terms.is_empty() || restated < RESTATES * terms.len() as f32 {
            return false;
        }
        let own = shared(words, self) / words.values().sum::<f32>().max(f32::MIN_POSITIVE);
        *said == Some(Polarity::No) || said.is_none() && own < LEAST_ITS_OWN
    }

    /// Whether it says a name, given in lower case, or stands under it.
    pub(super) fn names(&self, name: &str) -> bool {
        self.text.to_lowercase().contains(name) || self.scene_text.to_lowercase().contains(name)
    }

    /// Whether what denies it is said in `terms`, as "covered" of "What is not covered".
    pub(super) fn is_denied_in(&self, terms: &BTreeMap<String, f32>) -> bool {
        self.denied_by.as_ref().is_some_and(|lead| analyse(lead).iter().any(|term| terms.contains_key(&term.text)))
    }

    /// Whether it is a row of several values, of whose columns the question names none.
    pub(super) fn has_unnamed_values(&self) -> bool {
        self.columns.is_empty() && self.row.as_ref().is_some_and(|row| row.values() > 1)
    }

    /// How it reads to who asked: of a row of whose columns some are asked for, only these, and those that `also`
    /// names.
    pub(super) fn read_of(&self, also: Option<&Names>) -> Cow<'_, str> {
        if self.columns.is_empty() {
            return Cow::Borrowed(&self.read);
        }
        let also = also.map(|names| names.columns(&self.head).columns).unwrap_or_default();
        let columns: Vec<usize> = self.columns.iter().copied().chain(also).collect();
        asked(&self.head, &self.text, &columns).map_or(Cow::Borrowed(&self.read), Cow::Owned)
    }

    /// Whether a row of its table is asked for, and that does not have this number of an answer.
    pub(super) fn is_of_another_row(&self, number: &String) -> bool {
        self.asked_row.as_ref().is_some_and(|numbers| !numbers.contains(number))
    }

    /// Whether it does not have the most or the least that is asked for, or not in a column that the sentence with
    /// these names speaks of.
    pub(super) fn is_outdone(&self, sentence: &Names) -> bool {
        let named = || sentence.columns(&self.head).columns;
        match self.outermost {
            Some(true) => !named().is_empty() && named().iter().all(|column| !self.columns.contains(column)),
            other => other == Some(false),
        }
    }

    /// Whether it has these numbers of an answer in other columns than those that are asked for.
    pub(super) fn is_of_another_column(&self, numbers: &HashSet<String>, question: &Asked<'_>) -> bool {
        let elsewhere = |row: &Row| row.is_of_another_column(numbers, &self.columns, &question.terms, &self.heading);
        self.row.as_ref().is_some_and(elsewhere)
    }

    pub(super) fn beside_one_of(&self, others: &[&Self]) -> bool {
        others.iter().any(|other| other.source.excerpt == self.source.excerpt && other.place.abs_diff(self.place) == 1)
    }
}

/// All sentences of the excerpts but the heads of tables and, unless questions are asked for, questions.
pub(super) fn candidates(packed: &Packed, with_questions: bool) -> Vec<Candidate> {
    let mut all = Vec::new();
    for (excerpt, shown) in packed.excerpts.iter().enumerate() {
        let passage = &shown.hit.passage;
        let scene_text = format!("{}\n{}", shown.source, passage.context);
        let scene = terms(&scene_text);
        let scene_numbers = numbers(&scene_text);
        let texts: Vec<&str> = (shown.sentences.iter())
            .map(|span| passage.text[span.start - passage.span.start..span.end - passage.span.start].trim())
            .collect();
        let continued = header_of(&passage.context).unwrap_or_default();
        let mut head = continued;
        let mut heading = passage.headings.last().map_or("", String::as_str);
        // The question that the sentences below it answer.
        let mut asked = if asks(heading) { heading } else { "" };
        let mut answers: Option<AskedAbove> = None;
        let all_spans = sentences(&passage.text);
        let denied = denied_by(passage, &all_spans);
        let denied = |span: &Span| {
            let own = Span::new(span.start - passage.span.start, span.end - passage.span.start);
            all_spans.iter().position(|of| *of == own).and_then(|at| denied[at].clone())
        };
        for (index, (&text, &span)) in texts.iter().zip(&shown.sentences).enumerate() {
            if text.starts_with('#') {
                heading = text.trim_start_matches('#').trim();
                (asked, answers) = (if asks(heading) { heading } else { "" }, None);
                if !asked.is_empty() {
                    continue;
                }
            }
            // Who asks whether something is so does not say that it is.
            if asks(text) && !with_questions {
                (asked, answers) = (text, None);
                continue;
            }
            if answers.is_none() && !asked.is_empty() {
                let said = polarity(text).or_else(|| negative(text).then_some(Polarity::No));
                answers = Some(AskedAbove { terms: terms(asked), said });
            }
            let (scene, scene_text) = match asked {
                "" => (Cow::Borrowed(&scene), Cow::Borrowed(&scene_text)),
                asked => (
                    Cow::Owned(scene.union(&terms(asked)).cloned().collect()),
                    Cow::Owned(format!("{scene_text}\n{asked}")),
                ),
            };
            // The head of a table sets the scene for its rows, and proves nothing.
            if !text.starts_with('|') {
                head = "";
            } else if texts.get(index + 1).is_some_and(|next| is_table_rule(next)) {
                head = text;
                continue;
            } else if is_table_rule(text) {
                continue;
            }
            let beside = [index.checked_sub(1), Some(index + 1)].into_iter().flatten().filter_map(|at| texts.get(at));
            // Rows are beside each other, but speak of different things.
            let near = beside
                .filter(|other| head.is_empty() && !other.starts_with('|'))
                .flat_map(|text| terms(text))
                .collect();
            all.push(Candidate {
                near,
                source: Source { excerpt, span },
                document: passage.document_id.clone(),
                place: index,
                text: text.to_owned(),
                read: shown.reads[index].clone(),
                heading: heading.to_owned(),
                answers: answers.clone(),
                denied_by: denied(&span),
                terms: terms(text),
                scene: if head.is_empty() { scene.into_owned() } else { scene.union(&terms(head)).cloned().collect() },
                scene_text: if head.is_empty() { scene_text.into_owned() } else { format!("{scene_text}\n{head}") },
                numbers: [numbers(text), spelt_numbers(text), scene_numbers.clone(), numbers(head)]
                    .into_iter()
                    .flatten()
                    .collect(),
                han: text.chars().any(is_han),
                row: if head.is_empty() { None } else { Row::new(head, text) },
                head: head.to_owned(),
                columns: Vec::new(),
                outermost: None,
                asked_row: None,
                looked: shown.looked.get(index).copied().unwrap_or(0.0),
            });
        }
    }
    all
}

/// Tells rows of a table of which the question names others, what numbers those have, and all which columns are asked for.
pub(super) fn leave_other_rows(candidates: &mut [Candidate], question: &Asked<'_>, packed: &Packed) {
    let named = |candidate: &Candidate| {
        let label = candidate.row.as_ref().map_or("", Row::label);
        named_by(label, &question.terms).max(question.names.name(label).unwrap_or(0))
    };
    // A long table is in several passages, each with its head.
    let same_table = |a: &Candidate, b: &Candidate| match (&a.row, &b.row) {
        (Some(own), Some(other)) => a.document == b.document && own.has_head_of(other),
        _ => false,
    };
    let asked_row = |candidate: &Candidate| {
        // Where the K2 is asked for, nothing of the K2 Pro's row is it, whether the K2's was found or not.
        if candidate.row.as_ref().is_some_and(|row| is_of_longer_name(row.label(), &question.terms)) {
            return Some(HashSet::new());
        }
        let rows = || candidates.iter().filter(|other| same_table(candidate, other));
        let most = rows().map(named).max().filter(|&most| most > named(candidate))?;
        Some(rows().filter(|other| named(other) == most).flat_map(|other| numbers(&other.text)).collect())
    };
    let asked: Vec<Option<HashSet<String>>> = candidates.iter().map(asked_row).collect();
    for (candidate, asked) in candidates.iter_mut().zip(asked) {
        candidate.asked_row = asked;
        if candidate.row.is_some() {
            candidate.columns = question.names.columns_of(&candidate.head, &candidate.text);
        }
    }
    for (excerpt, shown) in packed.excerpts.iter().enumerate() {
        for extreme in &shown.hit.extremes {
            let source = Source { excerpt, span: extreme.row };
            let Some(candidate) = candidates.iter_mut().find(|candidate| candidate.source == source) else { continue };
            candidate.outermost = Some(extreme.columns.is_some() && extreme.surely);
            if let Some(columns) = &extreme.columns {
                candidate.columns.clone_from(columns);
            }
        }
    }
}
