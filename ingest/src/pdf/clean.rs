//! How the words at the end of one line and the start of the next are joined.

use std::collections::HashSet;

use super::lines::Line;
use super::script;
use super::words::Joint;

/// What becomes of a line break inside a paragraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// It becomes a space.
    Space,
    /// It vanishes, as between two Han characters or after a hyphen that stays.
    Nothing,
    /// It vanishes with the hyphen before it.
    Hyphen,
}

/// The words that a document writes inside its lines, where no line break can
/// have put a hyphen into them.
#[derive(Debug, Default)]
pub struct Vocabulary {
    words: HashSet<String>,
    /// How often Han text meets Latin text without and with a space, as a
    /// balance: positive where the document writes no space.
    tight: i64,
}

impl Vocabulary {
    /// Takes up the words of `line` that a line break cannot have cut.
    pub fn learn(&mut self, line: &Line) {
        let mut before = None;
        for (word, joint) in line.words() {
            let (first, last) = (word.text.chars().next(), word.text.chars().next_back());
            if let (Some(before), Some(first)) = (before, first)
                && is_mixed(before, first)
            {
                self.tight += if joint == Joint::Tight { 1 } else { -1 };
            }
            before = last;
        }
        let words: Vec<&str> = line.words().map(|(word, _)| word.text.as_str()).collect();
        let inner = words.len().saturating_sub(1);
        for word in words.iter().take(inner).skip(1) {
            let word = bare(word);
            if (word.chars().count() > 3 || word.chars().any(is_hangul))
                && word.chars().all(|c| c.is_alphabetic() || c == '-')
            {
                self.words.insert(word);
            }
        }
    }

    /// How `before`, at the end of a line, and `after`, at the start of the
    /// next, are joined.
    pub fn join(&self, before: &str, after: &str) -> Break {
        let (Some(last), Some(first)) = (before.chars().next_back(), after.chars().next()) else { return Break::Space };
        if script::is_unspaced(last) && script::is_unspaced(first) {
            return Break::Nothing;
        }
        if script::is_unspaced(last) != script::is_unspaced(first) {
            let sign = |c: char| script::is_unspaced(c) && !c.is_alphanumeric();
            let tight = sign(last) || sign(first) || (is_mixed(last, first) && self.tight > 0);
            return if tight { Break::Nothing } else { Break::Space };
        }
        // Korean may break a word anywhere; only the same word elsewhere shows it.
        if is_hangul(last) && is_hangul(first) && self.words.contains(&format!("{}{}", bare(before), bare(after))) {
            return Break::Nothing;
        }
        let stem = before.strip_suffix('-').unwrap_or_default();
        if last != '-' || !stem.ends_with(char::is_alphanumeric) {
            return Break::Space;
        }
        if !stem.ends_with(char::is_alphabetic) || !first.is_lowercase() {
            return if first.is_alphanumeric() { Break::Nothing } else { Break::Space };
        }
        let (stem, rest) = (bare(stem), bare(after));
        let (joined, hyphened) = (format!("{stem}{rest}"), format!("{stem}-{rest}"));
        match (self.words.contains(&joined), self.words.contains(&hyphened)) {
            (true, _) => Break::Hyphen,
            (false, true) => Break::Nothing,
            // A word with a hyphen in it already ("state-of-the-") is a compound.
            (false, false) if stem.contains('-') || is_conjunction(&rest) => Break::Nothing,
            (false, false) => Break::Hyphen,
        }
    }
}

/// Whether one of two neighbours is a Han letter and the other a Latin one or a digit.
fn is_mixed(before: char, after: char) -> bool {
    before.is_alphanumeric() && after.is_alphanumeric() && script::is_unspaced(before) != script::is_unspaced(after)
}

fn is_hangul(c: char) -> bool {
    matches!(c as u32, 0xAC00..=0xD7AF)
}

/// German writes "Vor- und Nachteile": that hyphen is no line break's, and a
/// space follows it; here it stands at a line's end by chance.
fn is_conjunction(word: &str) -> bool {
    matches!(word, "und" | "oder" | "bzw" | "and" | "or" | "to")
}

/// A word in lower case without the marks around it.
fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_words_that_a_line_break_cut() {
        let words = Vocabulary { words: HashSet::from(["well-known".to_owned(), "email".to_owned()]), tight: 0 };
        assert_eq!(words.join("inter-", "national"), Break::Hyphen);
        assert_eq!(words.join("well-", "known,"), Break::Nothing);
        assert_eq!(words.join("e-", "mail"), Break::Hyphen);
        assert_eq!(words.join("COVID-", "19"), Break::Nothing);
        assert_eq!(words.join("Anglo-", "Saxon"), Break::Nothing);
        assert_eq!(words.join("state-of-the-", "art"), Break::Nothing);
        assert_eq!(words.join("-", "item"), Break::Space);
        assert_eq!(words.join("plain", "words"), Break::Space);
    }

    #[test]
    fn joins_han_without_a_space() {
        let words = Vocabulary::default();
        assert_eq!(words.join("第一", "章"), Break::Nothing);
        assert_eq!(words.join("使用Rust", "语言"), Break::Space);
        assert_eq!(words.join("年），", "The"), Break::Nothing);
        assert_eq!(words.join("한국어", "문장"), Break::Space);
        let tight = Vocabulary { tight: 3, ..Vocabulary::default() };
        assert_eq!(tight.join("建于", "1958"), Break::Nothing);
    }
}
