//! The question, and the language to answer in.

use crate::error::{Error, Result};

/// Characters of the longest question that is answered.
pub const LONGEST_QUESTION: usize = 4_000;

/// A question as asked, trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The text.
    pub text: String,
    /// The language whose prompt and wording the answer uses.
    pub language: Language,
}

/// The languages that have prompts of their own. Questions in any other
/// language use the English prompt, which asks for the question's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, and every language without a prompt of its own.
    English,
    /// Chinese.
    Chinese,
}

impl Language {
    /// The text in this language.
    #[must_use]
    pub const fn of<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}

impl Question {
    /// Takes a question, deciding its language by its script: Chinese when at
    /// least a third of its words are Han characters (two characters count as
    /// one word), so that a Chinese question full of English names stays Chinese.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = text.trim().to_owned();
        let han = text.chars().filter(|&c| is_han(c)).count();
        let kana_or_hangul = text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{ac00}'..='\u{d7af}'));
        let words = text.split(|c: char| !c.is_alphabetic() || is_han(c)).filter(|word| !word.is_empty()).count();
        let chinese = !kana_or_hangul && han >= 1 && han.div_ceil(2) * 2 >= words;
        let language = if chinese { Language::Chinese } else { Language::English };
        Self { text, language }
    }

    /// Refuses a question that asks nothing.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is not a word in it.
    pub fn check(&self) -> Result<()> {
        if self.text.chars().any(char::is_alphanumeric) {
            return Ok(());
        }
        let given =
            if self.text.is_empty() { "it is empty".to_owned() } else { format!("{:?} has no word", self.text) };
        Err(Error::Usage(format!("there is nothing to look for: {given}; ask a question, or name some words")))
    }
}

/// Whether `c` is a Han character.
#[must_use]
pub const fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_a_word() {
        for text in ["", " \n", "?", "？！…", "\"\"", "🎉"] {
            assert!(matches!(Question::new(text).check(), Err(Error::Usage(_))), "{text}");
        }
        for text in ["a", "水", "7", "C++", "\"?x\""] {
            assert!(Question::new(text).check().is_ok(), "{text}");
        }
    }

    #[test]
    fn the_script_decides_the_language() {
        for (text, language) in [
            ("How long is the warranty?", Language::English),
            ("保修期多长？", Language::Chinese),
            ("K2 Pro 的 max_conn 默认值是多少？", Language::Chinese),
            ("What does 保修 mean in the contract for the K2 Pro?", Language::English),
            ("保証期間はどのくらいですか", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Question::new(text).language, language, "{text}");
        }
    }
}
