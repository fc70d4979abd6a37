//! From the model's draft to sentences that stand on the sources.
//!
//! Whatever the model marked, every sentence is held against all sentences of
//! the excerpts. It is cited to the smallest set of them that carries its
//! words, and it is supported only when enough of its weight is found there and
//! every number of it is found there or in the question. A bare yes or no gives
//! way to what the sources say in their own words (`bare`).

mod bare;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use attest_ingest::{Span, sentences};
use serde::{Deserialize, Serialize};

use crate::answer::marks::{Draft, strip_marks};
use crate::answer::pack::Packed;
use crate::answer::question::is_han;
use crate::index::analyse;

/// A sentence of the answer and what it stands on.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedSentence {
    /// The sentence, without marks.
    pub text: String,
    /// The source sentences that carry it, the strongest first; empty when nothing does.
    pub sources: Vec<Source>,
    /// How much of the sentence's weight the sources carry, from 0 to 1.
    pub support: f32,
    /// Whether that is enough.
    pub verdict: Verdict,
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
pub const THRESHOLD: f32 = 0.6;

/// The least additional support that makes another source worth citing.
const SECOND_SOURCE_GAIN: f32 = 0.12;

/// The most sources of one sentence.
const MAX_SOURCES: usize = 3;

/// How much of a word's weight counts when it stands in the headings above the
/// source, or only in the question: both set the scene, neither proves it.
const FROM_HEADINGS: f32 = 0.9;
const FROM_QUESTION: f32 = 0.5;

/// How much of a word's weight counts when another source than the first has it.
const FROM_ELSEWHERE: f32 = 0.5;

struct Candidate {
    source: Source,
    text: String,
    terms: HashSet<String>,
    scene: HashSet<String>,
    numbers: HashSet<String>,
    han: bool,
}

/// Checks every sentence of `draft`. `rarity` is a term's inverse document frequency.
#[must_use]
pub fn verify(draft: &str, question: &str, packed: &Packed, rarity: &dyn Fn(&str) -> f32) -> Vec<CheckedSentence> {
    let candidates = candidates(packed);
    let question_terms = terms(question);
    let question_numbers = numbers(question);
    let weighted: BTreeMap<String, f32> = question_terms.iter().map(|term| (term.clone(), rarity(term))).collect();
    let Draft { text, marks } = strip_marks(draft);
    sentences(&text)
        .into_iter()
        .map(|span| {
            let sentence = text[span.start..span.end].trim();
            if let Some(polarity) = bare::polarity(sentence)
                && let Some(settled) = bare::settle(sentence, polarity, &weighted, &question_numbers, &candidates)
            {
                return settled;
            }
            // A mark belongs to the sentence that ends before it.
            let marked: BTreeSet<usize> = marks
                .iter()
                .filter(|mark| mark.position > span.start && mark.position <= span.end)
                .filter_map(|mark| mark.number.checked_sub(1))
                .collect();
            check(sentence, &marked, &candidates, &question_terms, &question_numbers, rarity)
        })
        .filter(|checked| checked.text.chars().any(char::is_alphanumeric))
        .collect()
}

fn candidates(packed: &Packed) -> Vec<Candidate> {
    let mut all = Vec::new();
    for (excerpt, shown) in packed.excerpts.iter().enumerate() {
        let passage = &shown.hit.passage;
        let mut scene = terms(&shown.source);
        scene.extend(terms(&passage.context));
        let scene_numbers: HashSet<String> =
            numbers(&shown.source).into_iter().chain(numbers(&passage.context)).collect();
        for &span in &shown.sentences {
            let text = &passage.text[span.start - passage.span.start..span.end - passage.span.start];
            all.push(Candidate {
                source: Source { excerpt, span },
                text: text.trim().to_owned(),
                terms: terms(text),
                scene: scene.clone(),
                numbers: numbers(text).into_iter().chain(scene_numbers.iter().cloned()).collect(),
                han: text.chars().any(is_han),
            });
        }
    }
    all
}

fn check(
    sentence: &str,
    marked: &BTreeSet<usize>,
    candidates: &[Candidate],
    question_terms: &HashSet<String>,
    question_numbers: &HashSet<String>,
    rarity: &dyn Fn(&str) -> f32,
) -> CheckedSentence {
    let unsupported = |support| CheckedSentence {
        text: sentence.to_owned(),
        sources: Vec::new(),
        support,
        verdict: Verdict::Unsupported,
    };
    let weights: BTreeMap<String, f32> = terms(sentence)
        .into_iter()
        .map(|term| {
            let weight = rarity(&term);
            (term, weight)
        })
        .collect();
    let total: f32 = weights.values().sum();
    let wanted_numbers: HashSet<String> =
        numbers(sentence).into_iter().filter(|number| !question_numbers.contains(number)).collect();
    let han = sentence.chars().any(is_han);

    let mut sources: Vec<Source> = Vec::new();
    let mut carried: BTreeMap<&str, f32> = BTreeMap::new();
    let mut found_numbers: HashSet<&String> = HashSet::new();
    let mut support = 0.0;
    while sources.len() < MAX_SOURCES {
        let best = candidates
            .iter()
            .filter(|candidate| !sources.contains(&candidate.source))
            .map(|candidate| {
                let gain: f32 = weights
                    .iter()
                    .map(|(term, weight)| {
                        let share = share(term, candidate, question_terms);
                        weight * (share - carried.get(term.as_str()).copied().unwrap_or(0.0)).max(0.0)
                    })
                    .sum::<f32>()
                    / total.max(f32::MIN_POSITIVE);
                let new_numbers = wanted_numbers
                    .iter()
                    .filter(|number| candidate.numbers.contains(*number) && !found_numbers.contains(*number))
                    .count();
                let mark = if marked.contains(&candidate.source.excerpt) { 0.05 } else { 0.0 };
                (candidate, gain, new_numbers, gain + 0.1 * new_numbers as f32 + mark)
            })
            .max_by(|a, b| a.3.total_cmp(&b.3).then_with(|| b.0.source.cmp(&a.0.source)));
        let Some((candidate, gain, new_numbers, _)) = best else { break };
        let enough = if sources.is_empty() { gain > 0.0 } else { gain >= SECOND_SOURCE_GAIN || new_numbers > 0 };
        if !enough {
            break;
        }
        for term in weights.keys() {
            let share = share(term, candidate, question_terms);
            let best = carried.entry(term).or_insert(0.0);
            *best = best.max(share);
        }
        found_numbers.extend(wanted_numbers.iter().filter(|number| candidate.numbers.contains(*number)));
        // Words gathered from several places prove less than words said together:
        // "the fee is 5" and "the wait is 7 days" do not make "the fee is 7 days".
        support += if sources.is_empty() { gain } else { gain * FROM_ELSEWHERE };
        sources.push(candidate.source);
    }
    let numbers_stand = found_numbers.len() == wanted_numbers.len();

    // Words cannot be compared across scripts. Then the model's own mark says
    // where to look, and the numbers and names written alike in both decide.
    let other_script = sources.is_empty()
        || support < THRESHOLD && sources.iter().all(|s| candidates.iter().any(|c| c.source == *s && c.han != han));
    if other_script && numbers_stand && !marked.is_empty() {
        let across = candidates
            .iter()
            .filter(|c| marked.contains(&c.source.excerpt) && c.han != han)
            .map(|c| (c, wanted_numbers.iter().filter(|n| c.numbers.contains(*n)).count(), shared(&weights, c)))
            .max_by(|a, b| a.1.cmp(&b.1).then(a.2.total_cmp(&b.2)).then_with(|| b.0.source.cmp(&a.0.source)));
        if let Some((candidate, _, _)) = across {
            return CheckedSentence {
                text: sentence.to_owned(),
                sources: vec![candidate.source],
                support: support.max(THRESHOLD),
                verdict: Verdict::Supported,
            };
        }
    }
    if sources.is_empty() || total <= 0.0 {
        return unsupported(0.0);
    }
    let support = if numbers_stand { support.min(1.0) } else { support.min(1.0) * 0.5 };
    let verdict = if support >= THRESHOLD && numbers_stand { Verdict::Supported } else { Verdict::Unsupported };
    sources.sort_unstable();
    CheckedSentence { text: sentence.to_owned(), sources, support, verdict }
}

fn share(term: &str, candidate: &Candidate, question: &HashSet<String>) -> f32 {
    if candidate.terms.contains(term) {
        1.0
    } else if candidate.scene.contains(term) {
        FROM_HEADINGS
    } else if question.contains(term) {
        FROM_QUESTION
    } else {
        0.0
    }
}

fn shared(weights: &BTreeMap<String, f32>, candidate: &Candidate) -> f32 {
    weights.iter().filter(|(term, _)| candidate.terms.contains(*term)).map(|(_, weight)| weight).sum()
}

fn terms(text: &str) -> HashSet<String> {
    analyse(text).into_iter().map(|term| term.text).collect()
}

/// The numbers of a text, in one form: full-width digits narrowed, thousands
/// separators dropped, trailing zeros of a fraction dropped.
#[must_use]
pub fn numbers(text: &str) -> HashSet<String> {
    let narrow: Vec<char> = text
        .chars()
        .map(|c| match c {
            '０'..='９' => char::from(b'0' + (c as u32 - '０' as u32) as u8),
            '．' => '.',
            '，' => ',',
            other => other,
        })
        .collect();
    let digit = |i: usize| narrow.get(i).is_some_and(char::is_ascii_digit);
    let mut found = HashSet::new();
    let mut i = 0;
    while i < narrow.len() {
        if !digit(i) {
            i += 1;
            continue;
        }
        let mut number = String::new();
        while i < narrow.len() {
            match narrow[i] {
                c if c.is_ascii_digit() => number.push(c),
                // A comma groups thousands only before exactly three digits.
                ',' if digit(i + 1) && digit(i + 2) && digit(i + 3) && !digit(i + 4) => {}
                '.' if digit(i + 1) => number.push('.'),
                _ => break,
            }
            i += 1;
        }
        if number.matches('.').count() == 1 {
            number = number.trim_end_matches('0').trim_end_matches('.').to_owned();
        }
        found.insert(number);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
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
        // Nothing here speaks of it.
        let other = [("Prices", "The cable costs 39 euros.")];
        assert_eq!(said("Yes.", question, &other), [("Yes.".to_owned(), Verdict::Unsupported, 0)]);
    }

    #[test]
    fn numbers_are_compared_in_one_form() {
        let set = |text: &str| {
            let mut all: Vec<String> = numbers(text).into_iter().collect();
            all.sort();
            all
        };
        assert_eq!(set("1,000 m and 1000 m"), ["1000"]);
        assert_eq!(set("２４个月"), ["24"]);
        assert_eq!(set("v2.10.3 costs 3.50 or 12, 13"), ["12", "13", "2.10.3", "3.5"]);
        assert_eq!(set("1,23"), ["1", "23"]);
        assert_eq!(set("none"), [""; 0]);
    }
}
