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
/// Questions that only an amount answers.
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
/// Words that answer them without a number: how often, how much, and units, as in "a week".
const IN_WORDS: [&str; 62] = [
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
    "few",
    "several",
    "many",
    "every",
    "each",
    "until",
    "while",
    "depends",
    "lifetime",
    "life",
    "overnight",
    "daily",
    "weekly",
    "monthly",
    "yearly",
    "second",
    "minute",
    "hour",
    "day",
    "night",
    "week",
    "month",
    "year",
    "decade",
    "century",
    "centuries",
    "dozen",
    "couple",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
    "million",
    "billion",
];
const CHINESE_IN_WORDS: [&str; 15] =
    ["不", "没", "无", "免", "全", "半", "每", "任", "永", "几", "终身", "直到", "为止", "取决", "视情况"];
/// Words of questions for a sum.
const PAYS: [&str; 6] = ["cost", "costs", "pay", "pays", "charge", "charges"];
const PRICE: [&str; 14] = [
    "what is the price",
    "what's the price",
    "what was the price",
    "what are the prices",
    "at what price",
    "which price",
    "how expensive",
    "多少钱",
    "价格是",
    "价格多少",
    "多少费用",
    "费用是",
    "费用多少",
    "收费多少",
];
/// Words and signs that make a number a sum.
const MONEY: [&str; 24] = [
    "price", "prices", "cost", "costs", "fee", "fees", "fare", "fares", "charge", "charged", "rate", "pay", "pays",
    "euro", "euros", "eur", "dollar", "dollars", "usd", "pound", "pounds", "cents", "percent", "yuan",
];
const SIGNS: [&str; 13] = ["€", "$", "£", "¥", "￥", "%", "％", "元", "价", "费", "块钱", "折", "币"];
const FREE: [&str; 11] = [
    "free",
    "no charge",
    "no cost",
    "nothing",
    "no refund",
    "included",
    "免费",
    "不收费",
    "不另收",
    "无需付",
    "包含在",
];
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

    /// Whether `question` asks for an amount.
    #[must_use]
    pub fn a_quantity(question: &str) -> bool {
        let lower = question.to_lowercase();
        QUANTITY.iter().any(|phrase| {
            // No "show many" and no "how longer".
            let ends = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
            lower
                .match_indices(phrase)
                .any(|(at, _)| ends(lower[..at].chars().next_back()) && ends(lower[at + phrase.len()..].chars().next()))
        })
    }

    /// Whether `sentence` gives an amount, in figures or in words, or says that there is none.
    #[must_use]
    pub fn gives_a_quantity(sentence: &str) -> bool {
        let lower = sentence.to_lowercase();
        let mut words = lower.split(|c: char| !c.is_alphanumeric());
        !numbers(sentence).is_empty()
            || !spelt_numbers(sentence).is_empty()
            || words.any(|word| {
                IN_WORDS.contains(&word) || word.strip_suffix('s').is_some_and(|one| IN_WORDS.contains(&one))
            })
            || lower.contains("as long as")
            || CHINESE_IN_WORDS.iter().any(|word| lower.contains(word))
    }

    /// Whether `question` asks for an amount of money.
    #[must_use]
    pub fn money(question: &str) -> bool {
        let lower = question.to_lowercase();
        let pays = words(&lower).any(|word| PAYS.contains(&word));
        pays && ["how much", "what do", "what did", "what will"].iter().any(|phrase| lower.contains(phrase))
            || PRICE.iter().any(|phrase| lower.contains(phrase))
    }

    /// Whether `sentence` gives an amount of money, or says that there is none to pay.
    #[must_use]
    pub fn gives_money(sentence: &str) -> bool {
        let lower = sentence.to_lowercase();
        let figure = !numbers(sentence).is_empty() || !spelt_numbers(sentence).is_empty();
        FREE.iter().any(|phrase| lower.contains(phrase))
            || figure
                && (words(&lower).any(|word| MONEY.contains(&word)) || SIGNS.iter().any(|sign| lower.contains(sign)))
    }

    /// Whether `sentence` gives what `question` asks for, as far as it tells.
    #[must_use]
    pub fn is_given(question: &str, sentence: &str) -> bool {
        if Self::money(question) {
            Self::gives_money(sentence)
        } else {
            !Self::a_quantity(question) || Self::gives_a_quantity(sentence)
        }
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
    fn amounts_are_given_in_many_ways() {
        for (question, asks) in
            [("How long is it?", true), ("保修多久？", true), ("Show many hubs.", false), ("How does it work?", false)]
        {
            assert_eq!(AskedFor::a_quantity(question), asks, "{question}");
        }
        for sentence in [
            "It takes a week.",
            "About an hour.",
            "Twenty.",
            "Dozens of them.",
            "It is free.",
            "As long as it is registered.",
            "两周。",
            "终身保修。",
            "需要一周。",
            "24",
        ] {
            assert!(AskedFor::gives_a_quantity(sentence), "{sentence}");
        }
        for sentence in ["The seals are white.", "密封圈是白色的。"] {
            assert!(!AskedFor::gives_a_quantity(sentence), "{sentence}");
        }
    }

    #[test]
    fn sums_of_money_are_asked_for_and_given() {
        for (question, asks) in [
            ("What do you charge for a cable?", true),
            ("How much does it cost?", true),
            ("What does a pensioner pay for a day return?", true),
            ("宫保鸡丁多少钱？", true),
            ("How do I charge the battery?", false),
            ("How much does it weigh?", false),
            ("The price of oil is stable until when?", false),
            ("What happens if I do not pay?", false),
            ("What is in the box?", false),
        ] {
            assert_eq!(AskedFor::money(question), asks, "{question}");
        }
        for (sentence, gives) in [
            ("probe cable 5 m; Price: 39.00", true),
            ("It is €39.", true),
            ("Bicycles are carried free of charge.", true),
            ("每次 0.5 元。", true),
            ("菜名: 宫保鸡丁; 热量（千卡）: 560; 盐（克）: 3.4", false),
            ("It holds 48 sensors.", false),
        ] {
            assert_eq!(AskedFor::gives_money(sentence), gives, "{sentence}");
        }
        assert!(AskedFor::is_given("Who built it?", "Ada."));
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
