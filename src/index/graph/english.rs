//! Names and noun phrases by capitals, stop words and neighbourhood: no model.

use std::collections::HashSet;

use super::kind::{EntityKind, Found};
use super::stop::{is_calendar, is_stop};
use super::words::{Shape, Word};

/// Words between the parts of a name (`University of the West`, `Ludwig van Beethoven`).
const PARTICLES: [&str; 17] =
    ["of", "the", "de", "del", "della", "der", "den", "di", "da", "du", "la", "le", "van", "von", "zu", "al", "for"];

/// Words of a name at most; longer runs are headlines.
const MAX_NAME_WORDS: usize = 8;

/// Units that make a number part of a name when a noun follows.
const UNITS: &[&str] = &[
    "%", "a", "ah", "bar", "bit", "byte", "c", "cell", "cm", "core", "day", "db", "degree", "f", "feet", "foot", "ft",
    "g", "gb", "ghz", "hour", "hz", "inch", "k", "kb", "kg", "khz", "km", "kv", "kw", "kwh", "l", "litre", "m", "ma",
    "mah", "mb", "mbit", "meter", "metre", "mhz", "min", "minute", "ml", "mm", "month", "mw", "nm", "ohm", "pin",
    "port", "s", "second", "tb", "v", "volt", "w", "watt", "wire", "year",
];

/// How the words of a document are written elsewhere in it; tells a name at the
/// beginning of a sentence from any other word there.
#[derive(Debug, Default)]
pub(super) struct Spellings {
    capital_inside: HashSet<String>,
}

impl Spellings {
    pub(super) fn add(&mut self, words: &[Word<'_>]) {
        for word in words.iter().filter(|word| !word.initial && word.shape == Shape::Capital) {
            if !self.capital_inside.contains(word.text) {
                self.capital_inside.insert(word.text.to_owned());
            }
        }
    }
}

/// Names, acronyms, identifiers, quantities and noun phrases in `text`, whose
/// words are `words`.
pub(super) fn find(text: &str, words: &[Word<'_>], spellings: &Spellings, found: &mut Vec<Found>) {
    let mut at = 0;
    while at < words.len() {
        let end = match words[at].shape {
            Shape::Capital | Shape::Acronym | Shape::Identifier => name(text, words, at, spellings, found),
            Shape::Number => quantity(text, words, at, found),
            Shape::Lower => phrase(text, words, at, found),
        };
        at = end.max(at + 1);
    }
}

/// A name that begins at `at`; gives the place after it.
fn name(text: &str, words: &[Word<'_>], at: usize, spellings: &Spellings, found: &mut Vec<Found>) -> usize {
    let capital = |word: &Word<'_>| matches!(word.shape, Shape::Capital | Shape::Acronym | Shape::Identifier);
    let mut end = at + 1;
    while end < words.len() && end - at < MAX_NAME_WORDS && words[end].joined {
        if capital(&words[end]) || words[end].shape == Shape::Number {
            end += 1;
            continue;
        }
        // Particles only with a capital behind them.
        let particles = words[end..].iter().take_while(|w| w.joined && PARTICLES.contains(&w.text)).count();
        let Some(next) = words.get(end + particles) else { break };
        if particles == 0 || particles > 2 || !next.joined || !capital(next) {
            break;
        }
        end += particles + 1;
    }
    for word in &words[at..end] {
        match word.shape {
            Shape::Identifier => found.push(Found::new(word.text, EntityKind::Identifier)),
            Shape::Acronym if end - at > 1 => found.push(Found::new(word.text, EntityKind::Acronym)),
            _ => {}
        }
    }
    // "The", "In", "However" begin sentences, not names.
    let from =
        at + words[at..end].iter().take_while(|w| w.shape == Shape::Capital && is_stop(&w.text.to_lowercase())).count();
    if from >= end {
        return end;
    }
    let [first, .., last] = &words[from..end] else { return single(&words[from], spellings, found, end) };
    if words[from..end].iter().all(|w| w.shape == Shape::Number || is_calendar(&w.text.to_lowercase())) {
        return end;
    }
    found.push(Found::new(&text[first.start..last.end()], EntityKind::Name));
    end
}

/// A name of one word.
fn single(word: &Word<'_>, spellings: &Spellings, found: &mut Vec<Found>, end: usize) -> usize {
    match word.shape {
        Shape::Acronym => found.push(Found::new(word.text, EntityKind::Acronym)),
        Shape::Capital => {
            let letters = word.text.chars().count();
            let evident = !word.initial || spellings.capital_inside.contains(word.text);
            if letters > 1 && evident && !is_calendar(&word.text.to_lowercase()) {
                found.push(Found::new(word.text, EntityKind::Name));
            }
        }
        // Identifiers are in already; numbers and words name nothing alone.
        Shape::Identifier | Shape::Lower | Shape::Number => {}
    }
    end
}

/// `12 V adapter`, `24-month warranty`: a number, a unit, and what it is.
fn quantity(text: &str, words: &[Word<'_>], at: usize, found: &mut Vec<Found>) -> usize {
    let [number, unit, rest @ ..] = &words[at..] else { return at + 1 };
    let is_unit = UNITS.contains(&unit.text.to_lowercase().as_str());
    if !unit.joined || !is_unit || !rest.first().is_some_and(is_content) {
        return at + 1;
    }
    let nouns = 1 + rest[1..].iter().take(1).take_while(|word| is_content(word)).count();
    let last = &rest[nouns - 1];
    found.push(Found::new(&text[number.start..last.end()], EntityKind::Quantity));
    // The noun may begin a longer phrase.
    at + 2
}

/// A noun phrase: what stands between stop words (Rose et al., 2010, "Automatic
/// keyword extraction from individual documents"), two or three words of it.
fn phrase(text: &str, words: &[Word<'_>], at: usize, found: &mut Vec<Found>) -> usize {
    if is_stop(words[at].text) || is_adverb(words[at].text) {
        return at + 1;
    }
    let run = 1 + words[at + 1..].iter().take_while(|word| is_content(word)).count();
    let run = &words[at..at + run];
    let mut push = |part: &[Word<'_>]| {
        let [first, .., last] = part else { return };
        // A participle in front is an action on what follows, at the end a predicate.
        if !last.text.ends_with("ed") && first.text.len() + last.text.len() > 5 {
            found.push(Found::new(&text[first.start..last.end()], EntityKind::Term));
        }
    };
    match run.len() {
        0 | 1 => {}
        2 | 3 => push(run),
        _ => run.windows(2).for_each(push),
    }
    at + run.len()
}

/// Whether a word goes on with a phrase in front of it.
fn is_content(word: &Word<'_>) -> bool {
    word.joined && word.shape == Shape::Lower && word.text.len() > 1 && !is_stop(word.text) && !is_adverb(word.text)
}

fn is_adverb(word: &str) -> bool {
    word.len() > 4 && word.ends_with("ly")
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    fn show(text: &str) -> String {
        let words = words(text);
        let mut spellings = Spellings::default();
        spellings.add(&words);
        let mut found = Vec::new();
        find(text, &words, &spellings, &mut found);
        let show = |f: &Found| format!("{} <{}>", f.label, format!("{:?}", f.kind).to_lowercase());
        found.iter().map(show).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn names() {
        assert_eq!(
            show("The film was directed by Christopher Nolan and Sathish Kalathil."),
            "Christopher Nolan <name>; Sathish Kalathil <name>"
        );
        assert_eq!(
            show("He studied at the University of the West and met Ludwig van Beethoven in October 1973."),
            "University of the West <name>; Ludwig van Beethoven <name>"
        );
        assert_eq!(show("In London, Dr. Wu left."), "London <name>; Dr. Wu <name>");
    }

    #[test]
    fn the_first_word_of_a_sentence_needs_evidence() {
        assert_eq!(show("Alarms ring."), "");
        assert_eq!(show("Lilu is a demon. They feared Lilu."), "Lilu <name>; Lilu <name>");
    }

    #[test]
    fn identifiers_and_acronyms() {
        assert_eq!(
            show("Set max_conn on the K20 XL, says NATO."),
            "max_conn <identifier>; K20 <identifier>; XL <acronym>; K20 XL <name>; NATO <acronym>"
        );
    }

    #[test]
    fn phrases_and_quantities() {
        assert_eq!(
            show("a 12 V power adapter for the leak sensor"),
            "12 V power adapter <quantity>; power adapter <term>; leak sensor <term>"
        );
        assert_eq!(show("the sensor was slowly replaced"), "");
        assert_eq!(
            show("cerebral white matter diffusion"),
            "cerebral white <term>; white matter <term>; matter diffusion <term>"
        );
    }
}
