//! Words, numbers and compound identifiers.

use std::sync::LazyLock;

use qdrant_rust_stemmers::{Algorithm, Stemmer};

use super::fold::{Class, Folded};
use super::{Term, TermKind, stop, term, text_of};

static STEMMER: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));

/// Longer runs are no words but encoded data.
const MAX_TERM_CHARS: usize = 80;

/// One past the last character of the run of words and connectors that begins at `at`.
pub(super) fn run_end(folded: &[Folded], at: usize) -> usize {
    let is = |index: usize, class: Class| folded.get(index).is_some_and(|c| c.class == class);
    let digit = |index: usize| folded.get(index).is_some_and(|c| c.character.is_ascii_digit());
    let mut end = at;
    loop {
        while is(end, Class::Word) {
            end += 1;
        }
        let connector = folded.get(end).map(|c| c.character);
        let length = match connector {
            Some('_' | '-' | '.' | '\'' | '&') if is(end + 1, Class::Word) => 1,
            Some(':') if folded.get(end + 1).is_some_and(|c| c.character == ':') && is(end + 2, Class::Word) => 2,
            // Thousands: 1,000 but not 1, 2.
            Some(',') if digit(end - 1) && (1..=3).all(|n| digit(end + n)) && !digit(end + 4) => 1,
            // C++, C#.
            Some('+') if end == at + 1 && folded.get(end + 1).is_some_and(|c| c.character == '+') => return end + 2,
            Some('#') if end == at + 1 && !is(end + 1, Class::Word) => return end + 1,
            _ => return end,
        };
        end += length;
    }
}

/// Appends the terms of a run; gives the position after it.
pub(super) fn push_terms(run: &[Folded], position: u32, terms: &mut Vec<Term>) -> u32 {
    let run = without_possessive(run);
    if run.len() > MAX_TERM_CHARS {
        return position + 1;
    }
    if is_plain(run) {
        push_word(run, position, terms);
        return position + 1;
    }
    if let Some(next) = push_number(run, position, terms) {
        return next;
    }
    let parts = parts(run);
    if parts.len() == 1 {
        push_word(run, position, terms);
        return position + 1;
    }
    let whole: String = run.iter().map(|c| c.character).filter(|c| c.is_alphanumeric()).collect();
    terms.push(term(run, stem(whole), position, TermKind::Compound));
    let mut position = position;
    for part in parts {
        push_word(part, position, terms);
        position += 1;
    }
    position
}

/// A word without marks and inner capitals, or one like `C++`.
fn is_plain(run: &[Folded]) -> bool {
    let tail = run.last().is_some_and(|c| matches!(c.character, '+' | '#'));
    tail || (run.iter().all(|c| c.class == Class::Word) && camel_breaks(run).is_empty())
}

/// `company's` is about the company.
fn without_possessive(run: &[Folded]) -> &[Folded] {
    match run {
        [word @ .., mark, s] if mark.character == '\'' && s.character == 's' && !word.is_empty() => word,
        _ => run,
    }
}

/// Dotted and grouped numbers, versions: `1,000`, `3.5`, `v2.3.1`.
fn push_number(run: &[Folded], position: u32, terms: &mut Vec<Term>) -> Option<u32> {
    let digits = usize::from(run[0].character.is_ascii_alphabetic());
    let number = &run[digits..];
    let ok = number.first()?.character.is_ascii_digit()
        && number.iter().all(|c| c.character.is_ascii_digit() || matches!(c.character, '.' | ','));
    // A letter in front makes a version, which has dots.
    if !ok || (digits == 1 && number.iter().all(|c| c.character != '.')) {
        return None;
    }
    let text: String = number.iter().map(|c| c.character).filter(|&c| c != ',').collect();
    if digits == 1 {
        terms.push(term(run, format!("{}{text}", run[0].character), position, TermKind::Compound));
    }
    // 2.3.1 is also a 2.3.
    let minor = number.iter().enumerate().filter(|(_, c)| c.character == '.').nth(1).map(|(at, _)| at);
    terms.push(term(number, text, position, TermKind::Word));
    if let Some(at) = minor {
        terms.push(term(&number[..at], text_of(&number[..at]), position, TermKind::Compound));
    }
    Some(position + 1)
}

/// The words of a compound: cut at marks and inner capitals. An apostrophe
/// does not cut: `don't` is one word.
fn parts(run: &[Folded]) -> Vec<&[Folded]> {
    let mut parts = Vec::new();
    for piece in run.split(|c| c.class == Class::Connector && c.character != '\'') {
        let mut from = 0;
        for at in camel_breaks(piece).into_iter().chain([piece.len()]) {
            if from < at {
                parts.push(&piece[from..at]);
            }
            from = at;
        }
    }
    parts
}

/// Where inner capitals begin a new part (`maxConn`, `HTTPServer`), if all
/// parts have two letters or more: `mRNA`, `iPhone` and `PhD` are one word.
fn camel_breaks(piece: &[Folded]) -> Vec<usize> {
    let lower = |at: usize| piece[at].character.is_alphabetic() && !piece[at].upper;
    let breaks: Vec<usize> = (1..piece.len())
        .filter(|&at| piece[at].upper)
        .filter(|&at| lower(at - 1) || (piece[at - 1].upper && at + 1 < piece.len() && lower(at + 1)))
        .collect();
    let ends = breaks.iter().copied().chain([piece.len()]);
    let starts = std::iter::once(0).chain(breaks.iter().copied());
    if starts.zip(ends).all(|(from, to)| to - from >= 2) { breaks } else { Vec::new() }
}

fn push_word(run: &[Folded], position: u32, terms: &mut Vec<Term>) {
    let text: String = run.iter().map(|c| c.character).filter(|&c| c != '\'').collect();
    // A word in capitals is a name: WHO, IT, US.
    let name = run.len() > 1 && run.iter().all(|c| c.upper);
    if text.is_empty() || (!name && stop::is_english(&text)) {
        return;
    }
    terms.push(term(run, stem(text), position, TermKind::Word));
}

fn stem(word: String) -> String {
    if word.len() > 2 && word.bytes().all(|b| b.is_ascii_lowercase()) { STEMMER.stem(&word).into_owned() } else { word }
}
