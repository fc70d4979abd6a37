//! From the model's draft to sentences that stand on the sources.
//!
//! Whatever the model marked, every sentence is held against all sentences of
//! the excerpts. It is cited to the smallest set of them that carries its
//! words, and it is supported only when enough of its weight is found there and
//! every number of it is found there or in the question. A bare yes or no gives
//! way to what the sources say in their own words (`bare`).

pub(in crate::answer) mod bare;
mod bindings;
mod candidates;
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

use crate::answer::excerpt::Packed;
use crate::answer::lookup::Names;
use crate::answer::marks::{Draft, strip_marks};
use crate::answer::names::{long_names, names};
use crate::answer::negation::negative;
use crate::answer::question::is_han;

use crate::index::{analyse, instead};
use bindings::crossed;
use candidates::{Candidate, candidates, leave_other_rows};
use contradiction::{Contradiction, contradiction};
use facts::{identifiers, numbers};
use measures::{Measure, measures};
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

/// What was asked, as far as the check needs it.
struct Asked<'a> {
    lower: String,
    terms: HashSet<String>,
    weighted: BTreeMap<String, f32>,
    numbers: HashSet<String>,
    names: Names,
    rarity: &'a dyn Fn(&str) -> f32,
}

impl<'a> Asked<'a> {
    fn new(question: &str, rarity: &'a dyn Fn(&str) -> f32) -> Self {
        let terms = terms(question);
        let weighted = terms.iter().map(|term| (term.clone(), rarity(term))).collect();
        Self {
            lower: question.to_lowercase(),
            terms,
            weighted,
            numbers: numbers(question),
            names: Names::new(question),
            rarity,
        }
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
    let asked = question;
    let question = Asked::new(question, rarity);
    let mut candidates = candidates(packed, ["question", "问题"].iter().any(|word| question.terms.contains(*word)));
    leave_other_rows(&mut candidates, &question, packed);
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

fn check(sentence: &str, marked: &BTreeSet<usize>, candidates: &[Candidate], question: &Asked<'_>) -> CheckedSentence {
    let words = Words::new(sentence, question);
    let weights = &words.weights;
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
                        let share = words.share(term, candidate, &question.terms);
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
            let share = words.share(term, candidate, &question.terms);
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
        // Amounts are written alike in both, and a denial must be one there.
        let said = measures(sentence);
        let in_another_unit = |c: &Candidate| {
            let given = measures(&c.read_of(None));
            let other = |(number, unit): &Measure| given.iter().any(|(own, of)| own == number && of != unit);
            said.iter().any(|measure| !given.contains(measure) && other(measure))
        };
        let denied = negative(sentence);
        let across = candidates
            .iter()
            .filter(|c| (!denied || negative(&c.text)) && !in_another_unit(c))
            .filter(|c| c.han != han && (marked.is_empty() || marked.contains(&c.source.excerpt)))
            .filter(|c| {
                latin.iter().all(|name| c.terms.contains(*name))
                    && !wanted_numbers.iter().any(|number| c.is_of_another_row(number))
                    && c.outermost != Some(false)
                    && !c.is_of_another_column(&wanted_numbers, question)
            })
            .map(|c| {
                let numbers = wanted_numbers.iter().filter(|n| c.numbers.contains(*n)).count();
                (c, numbers, shared(weights, c) + question.coverage(c) + c.looked)
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
            Signals { single, together, ..signals(sentence, sources, marked, &words, &wanted_numbers, question) };
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
            && only_beside(weights, other, chosen, &question.terms) >= CITED_BESIDE * total
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
    words: &Words,
    wanted_numbers: &HashSet<String>,
    question: &Asked<'_>,
) -> Signals {
    let weights = &words.weights;
    let heaviest = weights.values().copied().fold(0.0, f32::max);
    let carried = |term: &str| sources.iter().map(|c| words.share(term, c, &question.terms)).fold(0.0, f32::max);
    let uncarried = weights.iter().map(|(term, weight)| weight * (1.0 - carried(term))).fold(0.0, f32::max);
    let said = sources.iter().map(|c| format!("{}\n{}", c.scene_text, c.text)).collect::<Vec<_>>().join("\n");
    let said_of = Names::new(sentence);
    let known = identifiers(&said);
    let texts = sources.iter().map(|c| c.read_of(Some(&said_of))).collect::<Vec<_>>().join("\n");
    let denied = sources.first().is_some_and(|c| c.is_denied_in(weights));
    let denied = denied || sources.first().is_some_and(|c| c.does_not_affirm(weights));
    let contradiction = match (denied, negative(sentence)) {
        (true, true) => None,
        (true, false) => Some(Contradiction::Polarity),
        // In one source, since what stands in several is put together by the model.
        (false, _) => contradiction(sentence, &texts).or_else(|| {
            sources
                .first()
                .filter(|first| crossed(sentence, &first.read_of(Some(&said_of))))
                .map(|_| Contradiction::Amount)
        }),
    };
    let misplaced = sources.first().is_some_and(|c| c.is_of_another_column(wanted_numbers, question));
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
        .max(missing(&identifiers(sentence), |name| question.terms.contains(name) || known.contains(name)))
        .ceil(),
        order: order(sentence, sources),
        amount: f32::from(contradiction == Some(Contradiction::Amount)),
        polarity: f32::from(contradiction == Some(Contradiction::Polarity)),
        quantifier: f32::from(
            contradiction == Some(Contradiction::Quantifier) || sources.iter().any(|c| c.is_outdone(&said_of)),
        ),
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

/// The words of a sentence.
struct Words {
    /// What each weighs, by its rarity.
    weights: BTreeMap<String, f32>,
    /// What sources may say instead of some of them, as "price" for "costs".
    instead: BTreeMap<String, Vec<String>>,
}

impl Words {
    fn new(sentence: &str, question: &Asked<'_>) -> Self {
        let all = analyse(sentence);
        let instead = instead(sentence, &all);
        let weight = |term: &String| if REPORTING.contains(term) { 0.0 } else { (question.rarity)(term) };
        let weights = all.into_iter().map(|term| (weight(&term.text), term.text)).map(|(weight, term)| (term, weight));
        Self { weights: weights.collect(), instead }
    }

    /// How much of a word's weight a source carries.
    fn share(&self, term: &str, candidate: &Candidate, question: &HashSet<String>) -> f32 {
        let instead = || self.instead.get(term).into_iter().flatten();
        if candidate.terms.contains(term) {
            1.0
        } else if candidate.scene.contains(term)
            || instead().any(|other| candidate.terms.contains(other) || candidate.scene.contains(other))
        {
            FROM_HEADINGS
        } else if candidate.near.contains(term) {
            FROM_NEIGHBOURS
        } else if question.contains(term) {
            FROM_QUESTION
        } else {
            0.0
        }
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
mod tests;
