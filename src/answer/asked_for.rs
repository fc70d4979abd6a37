//! The kind of thing that a question asks for, as far as its words tell.

use std::collections::HashSet;

use crate::answer::verify::facts::{numbers, spelt_numbers};

/// Kinds of answers that can be recognised in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedFor {
    /// A number, an amount, a duration, a date.
    Number,
    /// A person, a place, an organisation.
    Name,
}

const NUMBER: [&str; 16] = [
    "how many",
    "how much",
    "how long",
    "how often",
    "how far",
    "how fast",
    "how old",
    "how high",
    "how large",
    "how big",
    "how deep",
    "how heavy",
    "when ",
    "what year",
    "price",
    "cost",
];
const CHINESE_NUMBER: [&str; 16] = [
    "多少",
    "几个",
    "几年",
    "几天",
    "几次",
    "多长",
    "多久",
    "多大",
    "多高",
    "多远",
    "多重",
    "多快",
    "什么时候",
    "何时",
    "哪年",
    "哪一年",
];
/// Questions that only a number answers.
const QUANTITY: [&str; 12] = [
    "how many",
    "how much",
    "how long",
    "how old",
    "how high",
    "how deep",
    "how heavy",
    "how far",
    "多少",
    "多重",
    "多高",
    "多久",
];
/// Answers to them that are no numbers.
const IN_WORDS: [&str; 20] = [
    "no",
    "not",
    "none",
    "nothing",
    "free",
    "all",
    "any",
    "always",
    "never",
    "unlimited",
    "forever",
    "once",
    "twice",
    "half",
    "both",
    "daily",
    "weekly",
    "monthly",
    "yearly",
    "until",
];
const CHINESE_IN_WORDS: [&str; 12] = ["不", "没", "无", "免", "全", "半", "每", "任", "永", "终身", "直到", "两"];
const NAME: [&str; 4] = ["who ", "whose ", "whom ", "where "];

impl AskedFor {
    /// What `question` asks for, if its words tell.
    #[must_use]
    pub fn of(question: &str) -> Option<Self> {
        let lower = question.to_lowercase();
        let holds = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        if holds(&NUMBER) || holds(&CHINESE_NUMBER) {
            Some(Self::Number)
        } else if NAME.iter().any(|word| lower.starts_with(word)) {
            Some(Self::Name)
        } else {
            None
        }
    }

    /// Whether `question` asks for nothing but a number.
    #[must_use]
    pub fn a_quantity(question: &str) -> bool {
        let lower = question.to_lowercase();
        QUANTITY.iter().any(|word| lower.contains(word))
    }

    /// Whether `sentence` gives a number, in figures or in words, or says that there is none.
    #[must_use]
    pub fn gives_a_quantity(sentence: &str) -> bool {
        let lower = sentence.to_lowercase();
        let words = || lower.split(|c: char| !c.is_alphanumeric());
        !numbers(sentence).is_empty()
            || !spelt_numbers(sentence).is_empty()
            || words().any(|word| IN_WORDS.contains(&word))
            || CHINESE_IN_WORDS.iter().any(|word| lower.contains(word))
    }

    /// Whether `sentence` holds something of this kind that `question` does not name.
    #[must_use]
    pub fn stands_in(self, sentence: &str, question: &str) -> bool {
        match self {
            Self::Number => !numbers(sentence).is_subset(&numbers(question)),
            Self::Name => {
                let known: HashSet<String> = words(question).map(str::to_lowercase).collect();
                words(sentence)
                    .skip(1)
                    .any(|word| word.starts_with(char::is_uppercase) && !known.contains(&word.to_lowercase()))
            }
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_question_tell() {
        for (question, kind) in [
            ("How many hubs can I have?", Some(AskedFor::Number)),
            ("保修期多长？", Some(AskedFor::Number)),
            ("Who founded Quellin?", Some(AskedFor::Name)),
            ("Does the K2 float?", None),
        ] {
            assert_eq!(AskedFor::of(question), kind, "{question}");
        }
    }

    #[test]
    fn what_the_question_names_is_no_answer() {
        let number = AskedFor::Number;
        assert!(number.stands_in("The K2 runs for 24 months.", "How long does the K2 run?"));
        assert!(!number.stands_in("After 24 months it ends.", "How long is it, if not 24 months?"));
        assert!(number.stands_in("保修期为二十四个月。", "保修期多长？"));
        let name = AskedFor::Name;
        assert!(name.stands_in("It was founded by Ada Quell.", "Who founded Quellin?"));
        assert!(!name.stands_in("The company Quellin is old.", "Who founded Quellin?"));
    }
}
