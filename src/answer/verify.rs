//! From the model's draft to sentences that stand on the sources.
//!
//! Whatever the model marked, every sentence is held against all sentences of
//! the excerpts. It is cited to the smallest set of them that carries its
//! words, and it is supported only when enough of its weight is found there and
//! every number of it is found there or in the question. A bare yes or no gives
//! way to what the sources say in their own words (`bare`).

pub(in crate::answer) mod bare;
mod bindings;
mod columns;
pub(in crate::answer) mod contradiction;
mod copies;
pub(in crate::answer) mod facts;
mod measures;
mod sequence;
mod signals;
mod wording;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

use attest_ingest::{Span, sentences};
use serde::{Deserialize, Serialize};

use crate::answer::denials::denied_by;
use crate::answer::excerpt::{Packed, is_table_rule};
use crate::answer::marks::{Draft, strip_marks};
use crate::answer::names::{long_names, names};
use crate::answer::negation::negative;
use crate::answer::question::is_han;
use crate::answer::rows::{is_of_longer_name, named_by};
use crate::answer::statements::header_of;

use crate::index::analyse;
use bindings::crossed;
use columns::Row;
use contradiction::{Contradiction, contradiction};
use facts::{numbers, spelt_numbers};
pub use signals::Signals;

/// A sentence of the answer and what it stands on.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedSentence {
    /// The sentence, without marks.
    pub text: String,
    /// The source sentences that carry it, the strongest first; empty when nothing does.
    pub sources: Vec<Source>,
    /// How sure it is that the sources carry it, from 0 to 1.
    pub support: f32,
    /// Whether that is enough.
    pub verdict: Verdict,
    /// What the support was computed from.
    pub signals: Signals,
}

impl CheckedSentence {
    /// A sentence that nothing carries.
    fn unsupported(text: String) -> Self {
        Self { text, sources: Vec::new(), support: 0.0, verdict: Verdict::Unsupported, signals: Signals::default() }
    }
}

/// A sentence of an excerpt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    /// Index of the excerpt.
    pub excerpt: usize,
    /// The sentence, as part of the document's text.
    pub span: Span,
}

/// Whether a sentence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The sources say it.
    Supported,
    /// The sources do not say it, or not enough of it.
    Unsupported,
}

/// The least support that a sentence needs.
pub const THRESHOLD: f32 = 0.5;

/// Below this share of carried weight, a sentence in one script is looked for
/// among sources in another.
const ACROSS_SCRIPTS: f32 = 0.6;

/// How much it counts, when the first source is chosen, that it speaks of what was asked.
const FITS_THE_QUESTION: f32 = 0.15;

/// Terms within so many places of each other are neighbours.
const NEAR: usize = 6;

/// The least additional support that makes another source worth citing.
const SECOND_SOURCE_GAIN: f32 = 0.12;

/// The share of a sentence's weight that the neighbour of a source must carry, and
/// the source not, to be cited with it.
const CITED_BESIDE: f32 = 0.15;

/// The most sources of one sentence, but for neighbours.
const MAX_SOURCES: usize = 3;

/// How much of a word's weight counts when it stands in the headings above the
/// source, or only in the question: both set the scene, neither proves it.
const FROM_HEADINGS: f32 = 0.9;
const FROM_QUESTION: f32 = 0.5;

/// How much of a word's weight counts when it stands in the sentence before or
/// after the source: what "it" and "there" stand for is said there.
const FROM_NEIGHBOURS: f32 = 0.7;

/// How much of a word's weight counts when another source than the first has it.
const FROM_ELSEWHERE: f32 = 0.5;

/// Words that only say that something is said; models join a question to its
/// answer with them, and they are rare enough in documents to weigh much.
static REPORTING: LazyLock<HashSet<String>> = LazyLock::new(|| {
    terms(
        "indicates indicating means meaning states stated says refers referred denotes represents signifies describes \
         mentions mentioned specified called known \
         表示 表明 意味着 是指 指的是 提到 说明",
    )
});

struct Candidate {
    source: Source,
    /// Id of its document.
    document: String,
    /// Its place among the sentences of its excerpt.
    place: usize,
    text: String,
    /// How it reads, see [`Excerpt::reads`](crate::answer::excerpt::Excerpt::reads).
    read: String,
    /// The heading above it.
    heading: String,
    /// What denies it, if it is an item of a list of what is not so.
    denied_by: Option<String>,
    terms: HashSet<String>,
    scene: HashSet<String>,
    /// Terms of the sentences before and after it.
    near: HashSet<String>,
    /// Title, headings and what the passage continues.
    scene_text: String,
    numbers: HashSet<String>,
    han: bool,
    /// It as a row of its table, if it is one.
    row: Option<Row>,
    /// For a row that is not asked for, the numbers of the one in its table that is.
    asked_row: Option<HashSet<String>>,
    /// How likely the answer stands on it, by where the model looked; 0 when that is not known.
    looked: f32,
}

impl Candidate {
    /// Whether it says a name, given in lower case, or stands under it.
    fn names(&self, name: &str) -> bool {
        self.text.to_lowercase().contains(name) || self.scene_text.to_lowercase().contains(name)
    }

    /// Whether what denies it is said in `terms`, as "covered" of "What is not covered".
    fn is_denied_in(&self, terms: &BTreeMap<String, f32>) -> bool {
        self.denied_by.as_ref().is_some_and(|lead| analyse(lead).iter().any(|term| terms.contains_key(&term.text)))
    }

    /// Whether it is a row of several values, of whose columns `question` names none.
    fn has_values_unnamed_by(&self, question: &Asked<'_>) -> bool {
        self.row.as_ref().is_some_and(|row| row.values() > 1 && !row.names_a_column(&question.terms))
    }

    /// Whether a row of its table is asked for, and that does not have this number of an answer.
    fn is_of_another_row(&self, number: &String) -> bool {
        self.asked_row.as_ref().is_some_and(|numbers| !numbers.contains(number))
    }

    fn beside_one_of(&self, others: &[&Self]) -> bool {
        others.iter().any(|other| other.source.excerpt == self.source.excerpt && other.place.abs_diff(self.place) == 1)
    }
}

/// What was asked, as far as the check needs it.
struct Asked<'a> {
    lower: String,
    terms: HashSet<String>,
    weighted: BTreeMap<String, f32>,
    numbers: HashSet<String>,
    rarity: &'a dyn Fn(&str) -> f32,
}

impl<'a> Asked<'a> {
    fn new(question: &str, rarity: &'a dyn Fn(&str) -> f32) -> Self {
        let terms = terms(question);
        let weighted = terms.iter().map(|term| (term.clone(), rarity(term))).collect();
        Self { lower: question.to_lowercase(), terms, weighted, numbers: numbers(question), rarity }
    }

    /// The share of the question's weight that a source and its headings hold.
    fn coverage(&self, candidate: &Candidate) -> f32 {
        let total: f32 = self.weighted.values().sum();
        let held = |term: &String| candidate.terms.contains(term) || candidate.scene.contains(term);
        self.weighted.iter().filter(|(term, _)| held(term)).map(|(_, weight)| weight).sum::<f32>()
            / total.max(f32::MIN_POSITIVE)
    }
}

/// Checks every sentence of `draft`. `rarity` is a term's inverse document frequency.
#[must_use]
pub fn verify(draft: &str, question: &str, packed: &Packed, rarity: &dyn Fn(&str) -> f32) -> Vec<CheckedSentence> {
    let mut candidates = candidates(packed);
    let asked = question;
    let question = Asked::new(question, rarity);
    leave_other_rows(&mut candidates, &question);
    let Draft { text, marks } = strip_marks(draft);
    let checked = sentences(&text)
        .into_iter()
        .map(|span| {
            let sentence = wording::plain(text[span.start..span.end].trim());
            let polarity = bare::polarity(&sentence);
            if let Some(said) = polarity.or_else(|| bare::restated(&sentence, &question))
                && let Some(settled) = bare::settle(&sentence, said, &question, &candidates)
            {
                return settled;
            }
            if polarity.is_some() {
                // Any source that has the word would carry it.
                return CheckedSentence::unsupported(sentence);
            }
            // A mark belongs to the sentence that ends before it.
            let marked: BTreeSet<usize> = marks
                .iter()
                .filter(|mark| mark.position > span.start && mark.position <= span.end)
                .filter_map(|mark| mark.number.checked_sub(1))
                .collect();
            let checked = check(&sentence, &marked, &candidates, &question);
            wording::whole(checked, &question, &candidates)
        })
        .filter(|checked| checked.text.chars().any(char::is_alphanumeric))
        .collect();
    sequence::with_the_amount(sequence::without_lost_references(checked), asked)
}

fn candidates(packed: &Packed) -> Vec<Candidate> {
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
        let all_spans = sentences(&passage.text);
        let denied = denied_by(passage, &all_spans);
        let denied = |span: &Span| {
            let own = Span::new(span.start - passage.span.start, span.end - passage.span.start);
            all_spans.iter().position(|of| *of == own).and_then(|at| denied[at].clone())
        };
        for (index, (&text, &span)) in texts.iter().zip(&shown.sentences).enumerate() {
            if text.starts_with('#') {
                heading = text.trim_start_matches('#').trim();
            }
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
                denied_by: denied(&span),
                terms: terms(text),
                scene: if head.is_empty() { scene.clone() } else { scene.union(&terms(head)).cloned().collect() },
                scene_text: if head.is_empty() { scene_text.clone() } else { format!("{scene_text}\n{head}") },
                numbers: [numbers(text), spelt_numbers(text), scene_numbers.clone(), numbers(head)]
                    .into_iter()
                    .flatten()
                    .collect(),
                han: text.chars().any(is_han),
                row: if head.is_empty() { None } else { Row::new(head, text) },
                asked_row: None,
                looked: shown.looked.get(index).copied().unwrap_or(0.0),
            });
        }
    }
    all
}

/// Tells rows of a table of which the question names others, what numbers those have.
fn leave_other_rows(candidates: &mut [Candidate], question: &Asked<'_>) {
    let named = |candidate: &Candidate| candidate.row.as_ref().map_or(0, |row| named_by(row.label(), &question.terms));
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
    }
}

fn check(sentence: &str, marked: &BTreeSet<usize>, candidates: &[Candidate], question: &Asked<'_>) -> CheckedSentence {
    let weights: BTreeMap<String, f32> = terms(sentence)
        .into_iter()
        .map(|term| {
            let weight = if REPORTING.contains(&term) { 0.0 } else { (question.rarity)(&term) };
            (term, weight)
        })
        .collect();
    let total: f32 = weights.values().sum();
    let own_numbers = numbers(without_list_number(sentence));
    let wanted_numbers: HashSet<String> =
        own_numbers.iter().filter(|number| !question.numbers.contains(*number)).cloned().collect();
    let wanted_names: HashSet<String> = names(sentence)
        .into_iter()
        .map(|name| name.to_lowercase())
        .filter(|name| !question.lower.contains(name))
        .collect();
    let han = sentence.chars().any(is_han);

    let mut chosen: Vec<&Candidate> = Vec::new();
    // The share of its words that the first sources carry together, for each number of them.
    let mut reached: Vec<f32> = Vec::new();
    let mut carried: BTreeMap<&str, f32> = BTreeMap::new();
    let mut found_numbers: HashSet<&String> = HashSet::new();
    let mut single = 0.0;
    let mut together = 0.0;
    while chosen.len() < MAX_SOURCES {
        let best = candidates
            .iter()
            .filter(|candidate| chosen.iter().all(|other| other.source != candidate.source))
            .map(|candidate| {
                let gain: f32 = weights
                    .iter()
                    .map(|(term, weight)| {
                        let share = share(term, candidate, &question.terms);
                        weight * (share - carried.get(term.as_str()).copied().unwrap_or(0.0)).max(0.0)
                    })
                    .sum::<f32>()
                    / total.max(f32::MIN_POSITIVE);
                let new_numbers = wanted_numbers
                    .iter()
                    .filter(|number| candidate.numbers.contains(*number) && !found_numbers.contains(*number))
                    .count();
                // "Today, this is known as the Miasma theory": a name is often given in the next sentence.
                let new_names = wanted_names
                    .iter()
                    .filter(|name| candidate.beside_one_of(&chosen) && candidate.names(name))
                    .filter(|name| !chosen.iter().any(|other| other.names(name)))
                    .count();
                let mark = if marked.contains(&candidate.source.excerpt) { 0.05 } else { 0.0 };
                // Of two places with the same words, the one that speaks of what was asked.
                let asked = if chosen.is_empty() { FITS_THE_QUESTION * question.coverage(candidate) } else { 0.0 };
                let new = new_numbers + new_names;
                (candidate, gain, new, gain + 0.1 * new as f32 + mark + asked)
            })
            .max_by(|a, b| a.3.total_cmp(&b.3).then_with(|| b.0.source.cmp(&a.0.source)));
        let Some((candidate, gain, new, _)) = best else { break };
        // A sentence that only has the number elsewhere, of something else, is no source for it.
        let least = if new > 0 { SECOND_SOURCE_GAIN / 2.0 } else { SECOND_SOURCE_GAIN };
        let enough = if chosen.is_empty() { gain > 0.0 } else { gain >= least };
        if !enough {
            break;
        }
        for term in weights.keys() {
            let share = share(term, candidate, &question.terms);
            let best = carried.entry(term).or_insert(0.0);
            *best = best.max(share);
        }
        found_numbers.extend(wanted_numbers.iter().filter(|number| candidate.numbers.contains(*number)));
        // Words gathered from several places prove less than words said together:
        // "the fee is 5" and "the wait is 7 days" do not make "the fee is 7 days".
        if chosen.is_empty() {
            single = gain;
            together = gain;
        } else {
            together += gain * FROM_ELSEWHERE;
        }
        chosen.push(candidate);
        reached.push(together);
    }

    // Words cannot be compared across scripts. Then the model's own mark says
    // where to look, and the numbers and names written alike in both decide.
    let foreign = chosen.iter().all(|candidate| candidate.han != han) && together < ACROSS_SCRIPTS;
    if foreign && found_numbers.len() == wanted_numbers.len() {
        // A Latin word in Chinese is a name, unless the question brought it.
        let latin: HashSet<&String> = weights
            .keys()
            .filter(|term| han && !question.terms.contains(*term) && term.chars().all(|c| c.is_ascii_alphabetic()))
            .collect();
        let across = candidates
            .iter()
            .filter(|c| c.han != han && (marked.is_empty() || marked.contains(&c.source.excerpt)))
            .filter(|c| {
                latin.iter().all(|name| c.terms.contains(*name))
                    && !wanted_numbers.iter().any(|number| c.is_of_another_row(number))
            })
            .map(|c| {
                let numbers = wanted_numbers.iter().filter(|n| c.numbers.contains(*n)).count();
                (c, numbers, shared(&weights, c) + question.coverage(c) + c.looked)
            })
            .max_by(|a, b| a.1.cmp(&b.1).then(a.2.total_cmp(&b.2)).then_with(|| b.0.source.cmp(&a.0.source)));
        if let Some((candidate, numbers, _)) = across
            && (!marked.is_empty() || numbers > 0)
        {
            return CheckedSentence {
                text: sentence.to_owned(),
                sources: vec![candidate.source],
                support: together.max(ACROSS_SCRIPTS),
                verdict: Verdict::Supported,
                signals: Signals { single, together, ..Signals::default() },
            };
        }
    }

    // The fewest sources that carry it are enough.
    let weighed = |sources: &[&Candidate], together: f32| {
        let signals =
            Signals { single, together, ..signals(sentence, sources, marked, &weights, &wanted_numbers, question) };
        (signals, if total > 0.0 { signals.support() } else { 0.0 })
    };
    let enough = (1..=chosen.len()).map(|count| (count, weighed(&chosen[..count], reached[count - 1])));
    let (count, (signals, support)) = enough
        .reduce(|fewer, more| if fewer.1.1 >= THRESHOLD { fewer } else { more })
        .unwrap_or((0, (Signals::default(), 0.0)));
    let verdict = if support >= THRESHOLD { Verdict::Supported } else { Verdict::Unsupported };
    let chosen = &chosen[..count];
    let beside = candidates.iter().filter(|other| {
        other.beside_one_of(chosen)
            && !chosen.iter().any(|candidate| candidate.source == other.source)
            && only_beside(&weights, other, chosen, &question.terms) >= CITED_BESIDE * total
    });
    let mut sources: Vec<Source> = chosen.iter().copied().chain(beside).map(|candidate| candidate.source).collect();
    sources.sort_unstable();
    if verdict == Verdict::Unsupported {
        sources.clear();
    }
    CheckedSentence { text: sentence.to_owned(), sources, support, verdict, signals }
}

/// The signals of a sentence and its sources, but for the shares of its words that they carry.
fn signals(
    sentence: &str,
    sources: &[&Candidate],
    marked: &BTreeSet<usize>,
    weights: &BTreeMap<String, f32>,
    wanted_numbers: &HashSet<String>,
    question: &Asked<'_>,
) -> Signals {
    let heaviest = weights.values().copied().fold(0.0, f32::max);
    let carried = |term: &str| sources.iter().map(|c| share(term, c, &question.terms)).fold(0.0, f32::max);
    let uncarried = weights.iter().map(|(term, weight)| weight * (1.0 - carried(term))).fold(0.0, f32::max);
    let said = sources.iter().map(|c| format!("{}\n{}", c.scene_text, c.text)).collect::<Vec<_>>().join("\n");
    let texts = sources.iter().map(|c| c.read.as_str()).collect::<Vec<_>>().join("\n");
    let denied = sources.first().is_some_and(|c| c.is_denied_in(weights));
    let contradiction = match (denied, negative(sentence)) {
        (true, true) => None,
        (true, false) => Some(Contradiction::Polarity),
        // In one source, since what stands in several is put together by the model.
        (false, _) => contradiction(sentence, &texts)
            .or_else(|| sources.first().filter(|first| crossed(sentence, &first.read)).map(|_| Contradiction::Amount)),
    };
    let another_column = |c: &&Candidate| {
        c.row.as_ref().is_some_and(|row| row.is_of_another_column(wanted_numbers, &question.terms, &c.heading))
    };
    let misplaced = sources.first().is_some_and(another_column);
    // Who says what the row is about does not pass it off as another.
    let lower = sentence.to_lowercase();
    let another_row = |c: &Candidate, number: &String| {
        let said = c.row.as_ref().is_some_and(|row| lower.contains(&row.label().to_lowercase()));
        c.is_of_another_row(number) && !said
    };
    Signals {
        uncarried: if heaviest > 0.0 { uncarried / heaviest } else { 1.0 },
        // One wrong number or name makes the sentence wrong, however many are right.
        numbers_missing: missing(wanted_numbers, |number| {
            !misplaced && sources.iter().any(|c| c.numbers.contains(number) && !another_row(c, number))
        })
        .ceil(),
        names_missing: missing(&names(sentence).into_iter().chain(long_names(sentence)).collect(), |name| {
            let name = name.to_lowercase();
            said.to_lowercase().contains(&name) || question.lower.contains(&name)
        })
        .ceil(),
        order: order(sentence, sources),
        amount: f32::from(contradiction == Some(Contradiction::Amount)),
        polarity: f32::from(contradiction == Some(Contradiction::Polarity)),
        quantifier: f32::from(contradiction == Some(Contradiction::Quantifier)),
        marked: f32::from(sources.first().is_some_and(|first| marked.contains(&first.source.excerpt))),
        ..Signals::default()
    }
}

/// `sentence` without the number of a list's item.
fn without_list_number(sentence: &str) -> &str {
    let digits = sentence.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &sentence[digits..];
    let item = (1..=2).contains(&digits) && rest.starts_with(['.', ')', '、', '）']);
    let rest = rest.trim_start_matches(['.', ')', '、', '）']);
    if item && !rest.starts_with(|c: char| c.is_ascii_digit()) { rest } else { sentence }
}

/// The share of `wanted` that is not held.
fn missing(wanted: &HashSet<String>, held: impl Fn(&String) -> bool) -> f32 {
    if wanted.is_empty() { 0.0 } else { wanted.iter().filter(|item| !held(item)).count() as f32 / wanted.len() as f32 }
}

/// The share of the sentence's neighbouring terms, of those that the sources
/// have, that are near each other there in the same order.
fn order(sentence: &str, chosen: &[&Candidate]) -> f32 {
    let sequence: Vec<String> = analyse(sentence).into_iter().map(|term| term.text).collect();
    let sources: Vec<Vec<String>> =
        chosen.iter().map(|c| analyse(&c.text).into_iter().map(|term| term.text).collect()).collect();
    let (mut pairs, mut kept) = (0, 0);
    for pair in sequence.windows(2) {
        let both = sources.iter().any(|source| source.contains(&pair[0]) && source.contains(&pair[1]));
        if pair[0] == pair[1] || !both {
            continue;
        }
        pairs += 1;
        let near = sources.iter().any(|source| {
            (0..source.len())
                .any(|at| source[at] == pair[0] && source[at + 1..source.len().min(at + NEAR)].contains(&pair[1]))
        });
        kept += usize::from(near);
    }
    if pairs == 0 { 0.5 } else { kept as f32 / pairs as f32 }
}

fn share(term: &str, candidate: &Candidate, question: &HashSet<String>) -> f32 {
    if candidate.terms.contains(term) {
        1.0
    } else if candidate.scene.contains(term) {
        FROM_HEADINGS
    } else if candidate.near.contains(term) {
        FROM_NEIGHBOURS
    } else if question.contains(term) {
        FROM_QUESTION
    } else {
        0.0
    }
}

/// The weight of the words, those of the question left out, that `other` has and
/// `chosen` lack.
fn only_beside(
    weights: &BTreeMap<String, f32>,
    other: &Candidate,
    chosen: &[&Candidate],
    question: &HashSet<String>,
) -> f32 {
    let known = |term: &String| {
        question.contains(term) || chosen.iter().any(|c| c.terms.contains(term) || c.scene.contains(term))
    };
    let words = weights.iter().filter(|(term, _)| other.terms.contains(*term) && !known(term));
    words.map(|(_, weight)| weight).sum()
}

fn shared(weights: &BTreeMap<String, f32>, candidate: &Candidate) -> f32 {
    weights.iter().filter(|(term, _)| candidate.terms.contains(*term)).map(|(_, weight)| weight).sum()
}

fn terms(text: &str) -> HashSet<String> {
    analyse(text).into_iter().map(|term| term.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::excerpt::Excerpt;
    use crate::answer::fixture::excerpt;

    fn said(draft: &str, question: &str, sources: &[(&str, &str)]) -> Vec<(String, Verdict, usize)> {
        let excerpts = (1..).zip(sources).map(|(id, (source, text))| excerpt(id, source, text)).collect();
        let checked = verify(draft, question, &Packed { excerpts }, &|_| 1.0);
        checked.into_iter().map(|checked| (checked.text, checked.verdict, checked.sources.len())).collect()
    }

    #[test]
    fn a_bare_answer_gives_way_to_the_words_of_the_source() {
        let faq =
            [("FAQ › Is the K20 a newer K2?", "No. The K20 is a flow meter. It does not detect water on the floor.")];
        let question = "Does a K20 detect water on the floor?";
        let words = "It does not detect water on the floor.";
        // The model is wrong: only the source speaks.
        assert_eq!(said("Yes.", question, &faq), [(words.to_owned(), Verdict::Supported, 1)]);
        assert_eq!(said("No.", question, &faq), [(format!("No. {words}"), Verdict::Supported, 1)]);
        let battery = [("常见问题 › K2 可以用充电电池吗？", "不可以。充电电池的电压太低，K2 会误报电量不足。")];
        assert_eq!(
            said("不可以", "K2 可以用充电电池吗", &battery),
            [("不可以。充电电池的电压太低，K2 会误报电量不足。".to_owned(), Verdict::Supported, 2)]
        );
        // Saying the question again is no better than a bare yes.
        let quiet = [("Alarms", "Quiet hours never mute a leak alarm; they mute only beeps.")];
        assert_eq!(
            said("Yes, quiet hours can mute a leak alarm.", "Can quiet hours mute a leak alarm?", &quiet),
            [("Quiet hours never mute a leak alarm; they mute only beeps.".to_owned(), Verdict::Supported, 1)]
        );
        // A word of a source proves nothing, either.
        let feeds = [("Feeds", "The feed says yes or no for every valve.")];
        assert_eq!(said("Yes.", question, &feeds), [("Yes.".to_owned(), Verdict::Unsupported, 0)]);
        // Nothing here speaks of it.
        let other = [("Prices", "The cable costs 39 euros.")];
        assert_eq!(said("Yes.", question, &other), [("Yes.".to_owned(), Verdict::Unsupported, 0)]);
    }

    #[test]
    fn a_bare_answer_gives_way_to_what_the_model_looked_at_in_another_language() {
        let settled = |looked: &[f32]| {
            let mut shown = excerpt(1, "Batteries", "The K2 takes two cells. Rechargeable cells must not be used.");
            shown.looked = looked.to_vec();
            let checked = verify("不能。", "可以用充电电池吗？", &Packed { excerpts: vec![shown] }, &|_| 1.0);
            (checked[0].text.clone(), checked[0].verdict)
        };
        assert_eq!(settled(&[0.2, 0.7]), ("Rechargeable cells must not be used.".to_owned(), Verdict::Supported));
        assert_eq!(settled(&[0.3, 0.4]).1, Verdict::Unsupported);
        assert_eq!(settled(&[]).1, Verdict::Unsupported);
    }

    #[test]
    fn a_name_is_found_in_the_next_sentence() {
        let plague = [(
            "Plague",
            "That the plague was caused by bad air became the accepted theory. Today, this is known as the Miasma \
             theory.",
        )];
        let question = "What is the bad air theory called?";
        let draft = "The bad air theory is called the Miasma theory.";
        assert_eq!(said(draft, question, &plague), [(draft.to_owned(), Verdict::Supported, 2)]);
        // One wrong name among many right ones is wrong.
        let dates = [("Plague", "It reached Crimea, Genoa, Messina, Pisa and Venice by ship from Caffa.")];
        let right = "By ship it reached Crimea, Genoa, Messina, Pisa and Venice.";
        assert_eq!(said(right, "Where did the plague go?", &dates)[0].1, Verdict::Supported);
        let other = right.replace("Pisa", "Ghent");
        assert_eq!(said(&other, "Where did the plague go?", &dates)[0].1, Verdict::Unsupported);
        let wrong = "The bad air theory is called the Aether theory.";
        assert_eq!(said(wrong, question, &plague)[0].1, Verdict::Unsupported);
    }

    #[test]
    fn a_neighbour_that_carries_a_part_is_cited_too() {
        let brandt = [("Pump", "Ada Brandt built the pump in Ghent and tested it at nine bar. The valve is brass.")];
        let draft = "Ada Brandt built the pump in Ghent and tested it at nine bar, and the valve is brass.";
        assert_eq!(said(draft, "Who built the pump?", &brandt), [(draft.to_owned(), Verdict::Supported, 2)]);
        let pump = [("Pump", "The pump is made in Ghent. It needs oil every 500 hours. Nobody likes the smell of it.")];
        let draft = "The pump needs oil every 500 hours.";
        assert_eq!(said(draft, "How often does it need oil?", &pump), [(draft.to_owned(), Verdict::Supported, 1)]);
    }

    #[test]
    fn across_scripts_a_shared_name_is_needed_and_not_enough() {
        let faq = [("FAQ", "Data of customers in Europe is kept in Ghent for 90 days.")];
        let verdict = |draft: &str| said(draft, "欧洲用户的数据放在哪里？", &faq)[0].1;
        assert_eq!(verdict("放在 Ghent，保存 90 天。"), Verdict::Supported);
        assert_eq!(verdict("放在 Lyon，保存 90 天。"), Verdict::Unsupported);
        assert_eq!(verdict("Ghent 没有机房。"), Verdict::Unsupported);
    }

    #[test]
    fn a_value_of_another_column_does_not_stand() {
        let hubs = [("Hubs", "| | H1 | H1 Mini |\n| --- | --- | --- |\n| Weight | 210 g | 96 g |")];
        let verdict = |draft: &str| said(draft, "What is the weight of the H1 Mini?", &hubs)[0].1;
        assert_eq!(verdict("The weight of the H1 Mini is 96 g."), Verdict::Supported);
        assert_eq!(verdict("The weight of the H1 Mini is 210 g."), Verdict::Unsupported);
    }

    #[test]
    fn a_value_of_another_row_does_not_stand() {
        let rows = "| Product | Warranty |\n| --- | --- |\n| K2 | 24 months |\n| K2 Pro | 36 months |";
        let verdict = |draft: &str, asked: &str| said(draft, asked, &[("Warranty", rows)])[0].1;
        assert_eq!(verdict("It is 36 months.", "How long is the warranty of the K2 Pro?"), Verdict::Supported);
        assert_eq!(verdict("It is 24 months.", "How long is the warranty of the K2 Pro?"), Verdict::Unsupported);
        assert_eq!(verdict("It is 24 months.", "How long is the warranty of the K2?"), Verdict::Supported);
        assert_eq!(verdict("它是 24 个月。", "K2 Pro 的保修期是多久？"), Verdict::Unsupported);
        assert_eq!(verdict("The K2 Pro has 36 months.", "Which K2 is covered longest?"), Verdict::Supported);
        let asked = "How long is the warranty of the K2, and who sells it?";
        assert_eq!(verdict("The warranty is 36 months, and shops sell it.", asked), Verdict::Unsupported);
        assert_eq!(verdict("It is 24 months.", "How long is the shortest warranty?"), Verdict::Supported);
    }

    #[test]
    fn what_stands_under_a_heading_that_denies_is_denied() {
        let text = "- Corrosion by chlorinated pool water\n- Damage by frost";
        let mut hit = excerpt(1, "Warranty", text).hit;
        hit.passage.headings = vec!["Warranty".into(), "What is not covered".into()];
        let shown = Excerpt::of(&hit, &sentences(text));
        let verdict = |draft: &str| {
            let packed = Packed { excerpts: vec![shown.clone()] };
            let question = "Does the warranty cover corrosion by chlorinated pool water?";
            let checked = verify(draft, question, &packed, &|_| 1.0);
            (checked[0].text.clone(), checked[0].verdict)
        };
        // A restatement gives way to the source, under its heading.
        let quote = "What is not covered: Corrosion by chlorinated pool water";
        assert_eq!(
            verdict("Yes, the warranty covers corrosion by chlorinated pool water."),
            (quote.into(), Verdict::Supported)
        );
        assert_eq!(verdict("Yes.").0, quote);
        assert_eq!(verdict("The warranty covers damage by frost and corrosion.").1, Verdict::Unsupported);
        let right = "Damage by frost is not covered.";
        assert_eq!(verdict(right), (right.into(), Verdict::Supported));
    }

    #[test]
    fn no_name_is_put_together_from_two_columns() {
        let rows = [("Noise", "| | A5 Plus | A7 |\n| --- | --- | --- |\n| Noise | 54 dB | 61 dB |")];
        assert_eq!(said("The A7 Plus has 61 dB.", "Which is the loudest?", &rows)[0].1, Verdict::Unsupported);
        let checked = verify(
            "The A7 has a noise of 61 dB.",
            "Which is the loudest?",
            &Packed { excerpts: vec![excerpt(1, rows[0].0, rows[0].1)] },
            &|_| 1.0,
        );
        assert_eq!(checked[0].verdict, Verdict::Supported, "{checked:?}");
    }

    #[test]
    fn one_value_of_a_row_says_whose_it_is() {
        let fares = [("Fares", "| | Adult | Senior |\n| --- | --- | --- |\n| day return | £22.00 | £17.50 |")];
        let row = "day return; Adult: £22.00; Senior: £17.50";
        assert_eq!(said("£22.00", "What does a pensioner pay for a day return?", &fares)[0].0, row);
        assert_eq!(said("£17.50", "What does a senior pay for a day return?", &fares)[0].0, "£17.50");
    }

    #[test]
    fn what_is_no_sum_answers_no_question_for_one() {
        let menu = [("Menu", "| Dish | Salt |\n| --- | --- |\n| Tofu | 3.9 g |")];
        assert_eq!(said("Tofu has 3.9 g.", "What does the tofu cost?", &menu)[0].1, Verdict::Unsupported);
    }

    #[test]
    fn a_row_affirms_nothing() {
        let rows = [("Warranty", "| Product | Warranty |\n| --- | --- |\n| Hub H10 | 36 months |")];
        let found = said("Yes.", "Does the warranty of the Hub H10 last long?", &rows);
        assert_eq!(found, [("Product: Hub H10; Warranty: 36 months".to_owned(), Verdict::Supported, 1)]);
    }

    #[test]
    fn a_row_is_cited_alone_and_read_under_its_head() {
        let codes = [(
            "Exit codes",
            "| Code | Meaning |\n| --- | --- |\n| 5 | the hub reports an error |\n| 6 | the valve did not reach its end position |",
        )];
        let draft = "The exit code 6 indicates that the valve did not reach its end position.";
        assert_eq!(said(draft, "What does exit code 6 mean?", &codes), [(draft.to_owned(), Verdict::Supported, 1)]);
    }
}
