//! How well each sentence of the passages fits the question: by the question's
//! rarity-weighted terms (in the sentence, in the headings above it, next to
//! it), by how near it is in meaning, by the kind of answer that is asked for, and
//! by whether the question's numbers and identifiers stand in the same stretch.

use std::collections::HashSet;

use attest_ingest::Span;

use crate::answer::asked_for::AskedFor;
use crate::answer::excerpt::{Excerpt, Packed, tables};
use crate::answer::lookup::{Cells, Names};
use crate::answer::question::{Language, Question};
use crate::answer::terms::WeightedTerms;
use crate::answer::verify::Source;
use crate::answer::verify::facts::{identifiers, numbers, spelt_numbers};
use crate::index::analyse;

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

/// What a row gains that is named together with a column.
const LOOKED_UP: f32 = 0.6;

/// How surely a row is named that has the most of what is asked for; where one is named by its words, that is surer.
const OUTERMOST: usize = 1;

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
    /// Of a row, the columns that are asked for.
    pub columns: Vec<usize>,
    /// Whether the row is, too: then its cells in these columns are the answer.
    pub named: bool,
    /// Whether another row has the most or the least that is asked for.
    pub outdone: bool,
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
    let names = Names::new(question);
    for fit in &mut fits {
        let shown = &packed.excerpts[fit.excerpt];
        let head = shown.heads[fit.index].as_ref();
        fit.columns = head.map(|head| names.columns_of(head, sentence(shown, fit.index))).unwrap_or_default();
    }
    for Lookup { excerpt, index, cells, .. } in lookups(question, &names, packed) {
        let Some(fit) = fits.iter_mut().find(|fit| (fit.excerpt, fit.index) == (excerpt, index)) else { continue };
        match cells {
            Some(Cells { columns, .. }) => {
                fit.score += LOOKED_UP;
                (fit.columns, fit.named) = (columns, true);
            }
            None => {
                fit.score *= NOT_A_STATEMENT;
                (fit.coverage, fit.outdone) = (0.0, true);
            }
        }
    }
    fits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| (a.excerpt, a.index).cmp(&(b.excerpt, b.index))));
    fits
}

/// A row of a table that is asked for in some cells, or that others outdo.
struct Lookup {
    excerpt: usize,
    index: usize,
    cells: Option<Cells>,
    /// Whether the table is in another language than the question.
    foreign: bool,
}

/// The rows whose cells are asked for most surely, see [`Names::cells`], and those that have less of what the most is
/// asked for.
fn lookups(question: &str, names: &Names, packed: &Packed) -> Vec<Lookup> {
    // "Which one" counts nothing.
    let spelt = spelt_numbers(question).into_iter().filter(|number| number != "1");
    let asked: HashSet<String> = numbers(question).into_iter().chain(spelt).collect();
    let language = Question::new(question).language;
    let mut found: Vec<Lookup> = Vec::new();
    let mut known: Option<HashSet<String>> = None;
    for (excerpt, shown) in packed.excerpts.iter().enumerate() {
        if shown.heads.iter().all(Option::is_none) {
            continue;
        }
        for table in tables(&shown.hit.passage) {
            let rows: Vec<&str> = table.rows.iter().map(|(_, row)| *row).collect();
            for ((span, row), cells) in table.rows.iter().zip(names.cells(table.head, &rows)) {
                let Some(index) = shown.sentences.iter().position(|shown| shown == span) else { continue };
                let extreme = shown.hit.extremes.iter().find(|extreme| extreme.row == *span);
                let outermost = extreme.filter(|extreme| extreme.surely).and_then(|extreme| extreme.columns.clone());
                let cells = cells.or_else(|| outermost.map(|columns| Cells { columns, score: OUTERMOST }));
                if cells.is_none() {
                    // One that others outdo is no answer, and none is where the table may be of other things, too.
                    if extreme.is_some() {
                        found.push(Lookup { excerpt, index, cells, foreign: false });
                    }
                    continue;
                }
                // What else the question speaks of, and the passages, is not what the cell is about: the weight of
                // a hub is not that of its battery. In another language nobody knows what the passages call it.
                let scene = format!("{}\n{row}\n{}\n{}", table.head, shown.source, shown.hit.passage.context);
                let beyond = names.beyond(&scene);
                let foreign = Question::new(&scene).language != language;
                let known = known.get_or_insert_with(|| known_to(packed));
                if asked.is_subset(&numbers(&scene)) && beyond.iter().all(|word| !foreign && !known.contains(*word)) {
                    found.push(Lookup { excerpt, index, cells, foreign });
                }
            }
        }
    }
    // What is named in the question's own language is surer.
    let score = |lookup: &Lookup| lookup.cells.as_ref().map(|cells| (!lookup.foreign, cells.score));
    let most = found.iter().filter_map(score).max();
    found.retain(|found| found.cells.is_none() || score(found) == most);
    found
}

/// The terms of all passages.
fn known_to(packed: &Packed) -> HashSet<String> {
    let passages = packed.excerpts.iter().map(|shown| &shown.hit.passage.text);
    passages.flat_map(|text| analyse(text)).map(|term| term.text).collect()
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
    // A question stands above its answer like a heading.
    let scene = if asks(before) { &format!("{scene}\n{before}") } else { scene };
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
    Fit {
        excerpt: 0,
        index,
        score,
        coverage,
        meaning: 0.0,
        right_kind,
        columns: Vec::new(),
        named: false,
        outdone: false,
    }
}

/// Whether a unit of text says something: headings, questions, table rules and
/// lines that only lead to a list do not.
pub(in crate::answer) fn states(text: &str) -> bool {
    let text = text.trim();
    let leads = text.ends_with([':', '：']);
    let rule = !text.chars().any(char::is_alphanumeric);
    !(asks(text) || leads || rule || text.starts_with('#'))
}

/// Whether a unit of text is a question, as in a list of frequent ones.
pub(in crate::answer) fn asks(text: &str) -> bool {
    text.trim().trim_end_matches(['*', '_', '"', '”', '’', ')', '）']).ends_with(['?', '？'])
}

/// The text of a sentence.
pub(in crate::answer) fn sentence(shown: &Excerpt, index: usize) -> &str {
    let passage = &shown.hit.passage;
    let Span { start, end } = shown.sentences[index];
    passage.text.get(start - passage.span.start..end - passage.span.start).unwrap_or("")
}
