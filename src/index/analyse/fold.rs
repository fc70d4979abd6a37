//! Folding characters while keeping their places.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A folded character and the source it comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Folded {
    /// Lower case, without accents, in the compatibility form.
    pub character: char,
    /// First byte of the source character.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// What it can be part of.
    pub class: Class,
    /// Whether the source was an upper-case letter.
    pub upper: bool,
}

/// What a character can be part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A word of letters and digits.
    Word,
    /// A compound of words, when it stands between two of them.
    Connector,
    /// A run of Han characters or kana, written without spaces.
    Han,
    /// Nothing.
    Other,
}

/// Folds every character of `text`; combining marks vanish.
pub(super) fn fold(text: &str) -> Vec<Folded> {
    let mut folded = Vec::with_capacity(text.len());
    for (start, source) in text.char_indices() {
        let end = start + source.len_utf8();
        // Hangul syllables would fall into letters; a search is for syllables.
        if source.is_ascii() || ('\u{ac00}'..='\u{d7a3}').contains(&source) {
            folded.push(one(source, start, end, source.is_ascii_uppercase()));
            continue;
        }
        let upper = source.is_uppercase();
        for part in std::iter::once(source).nfkd() {
            if is_combining_mark(part) {
                // The mark belongs to the letter before it, also in a citation's span.
                if let Some(last) = folded.last_mut() {
                    let last: &mut Folded = last;
                    last.end = end;
                }
                continue;
            }
            folded.push(one(part, start, end, upper || part.is_uppercase()));
        }
    }
    folded
}

/// Whether `c` is written without spaces around words.
pub(in crate::index) fn is_unspaced(c: char) -> bool {
    class(c) == Class::Han
}

fn one(source: char, start: usize, end: usize, upper: bool) -> Folded {
    // Lower case can be two characters ('İ'); the second is always a mark.
    let character = source.to_lowercase().next().unwrap_or(source);
    let character = match character {
        '\u{2019}' | '\u{2018}' | '`' | '\u{b4}' => '\'',
        '\u{2010}' | '\u{2011}' => '-',
        other => other,
    };
    Folded { character, start, end, class: class(character), upper }
}

fn class(c: char) -> Class {
    match c {
        'a'..='z' | '0'..='9' => Class::Word,
        '_' | '-' | '.' | '\'' | ':' | '&' | '+' | '#' | ',' => Class::Connector,
        '\0'..='\x7f' => Class::Other,
        // Hiragana, katakana, ideographs with their extensions.
        '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Class::Han,
        c if c.is_alphanumeric() => Class::Word,
        _ => Class::Other,
    }
}
