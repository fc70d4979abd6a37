//! Errors planted into true sentences: what a check of answers must not let through.

use std::collections::BTreeSet;

/// What was made wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlantKind {
    /// Another number.
    Number,
    /// Another name.
    Entity,
    /// Another unit.
    Unit,
    /// The opposite.
    Polarity,
    /// A limit to the other side: "under" for "over".
    Limit,
}

/// A sentence with one error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planted {
    /// What is wrong with it.
    pub kind: PlantKind,
    /// The sentence.
    pub text: String,
}

impl PlantKind {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Entity => "entity",
            Self::Unit => "unit",
            Self::Polarity => "polarity",
            Self::Limit => "limit",
        }
    }
}

/// Units and what each becomes; the same dimension, so that the sentence reads well.
const UNITS: &[(&str, &str)] = &[
    (" months", " years"),
    (" years", " months"),
    (" days", " weeks"),
    (" hours", " days"),
    (" minutes", " hours"),
    (" seconds", " minutes"),
    (" metres", " kilometres"),
    ("%", " euros"),
    ("个月", "年"),
    ("小时", "天"),
    ("分钟", "小时"),
    ("毫米", "厘米"),
    ("米", "公里"),
    ("元", "美元"),
];

/// Words of one polarity and their opposites, tried in this order.
const POLARITY: &[(&str, &str)] = &[
    (" cannot ", " can "),
    (" is not ", " is "),
    (" are not ", " are "),
    (" does not ", " does "),
    (" is no ", " is a "),
    (" are no ", " are "),
    (" has no ", " has a "),
    (" not ", " "),
    (" never ", " always "),
    (" can ", " cannot "),
    (" must ", " must not "),
    (" is ", " is not "),
    (" are ", " are not "),
    (" was ", " was not "),
    (" were ", " were not "),
    (" will ", " will not "),
    (" has to ", " does not have to "),
    (" has ", " has no "),
    ("不能", "能"),
    ("不会", "会"),
    ("没有", "有"),
    ("不是", "是"),
    ("可以", "不可以"),
    ("会", "不会"),
    ("需要", "不需要"),
    ("是", "不是"),
    ("有", "没有"),
    ("为", "不为"),
];

/// Words that set a limit to the number after them, and those for the other side.
const LIMITS: &[(&str, &str)] = &[
    (" no more than ", " no less than "),
    (" more than ", " less than "),
    (" less than ", " more than "),
    (" over ", " under "),
    (" under ", " over "),
    (" above ", " below "),
    (" below ", " above "),
    (" at least ", " at most "),
    (" at most ", " at least "),
    (" up to ", " at least "),
    ("不超过", "不少于"),
    ("不少于", "不超过"),
    ("至少", "至多"),
    ("最多", "至少"),
    ("超过", "少于"),
];

/// The errors that can be planted into `sentence`, at most one of each kind.
/// `names` are the names of other answers, of which one may stand in for one of
/// the sentence's.
#[must_use]
pub fn plant(sentence: &str, names: &[String]) -> Vec<Planted> {
    let one = |kind, text: Option<String>| text.map(|text| Planted { kind, text });
    [
        one(PlantKind::Number, other_number(sentence)),
        one(PlantKind::Entity, other_name(sentence, names)),
        one(PlantKind::Unit, other_unit(sentence)),
        one(PlantKind::Polarity, replaced(sentence, POLARITY)),
        one(PlantKind::Limit, other_limit(sentence)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Only before a number: "over the years" is no limit.
fn other_limit(sentence: &str) -> Option<String> {
    let before_a_number =
        |rest: &str| rest.trim_start_matches(['€', '$', '£', ' ']).starts_with(|c: char| c.is_ascii_digit());
    LIMITS.iter().find_map(|(words, other)| {
        let (at, _) = sentence.match_indices(words).find(|(at, _)| before_a_number(&sentence[at + words.len()..]))?;
        Some(format!("{}{other}{}", &sentence[..at], &sentence[at + words.len()..]))
    })
}

/// Capitalised words that are no names, as where an answer is a sentence.
const NO_NAMES: [&str; 10] = ["The", "This", "That", "These", "Those", "Our", "Your", "Its", "And", "Not"];

/// The names in `text`: runs of capitalised words after the first word of a sentence.
#[must_use]
pub fn names(text: &str) -> Vec<String> {
    let mut names = BTreeSet::new();
    let mut run: Vec<&str> = Vec::new();
    let mut first = true;
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let capital = bare.chars().next().is_some_and(char::is_uppercase)
            && bare.chars().all(char::is_alphabetic)
            && bare.chars().count() > 2
            && !NO_NAMES.contains(&bare);
        if capital && !first {
            run.push(bare);
        }
        let ends = word.ends_with(['.', '!', '?', ',', ':', ';']);
        if (!capital || ends) && !run.is_empty() {
            names.insert(run.join(" "));
            run.clear();
        }
        first = word.ends_with(['.', '!', '?', ':']);
    }
    if !run.is_empty() {
        names.insert(run.join(" "));
    }
    names.into_iter().collect()
}

/// The last digit of the first number becomes another one, the first of a
/// number of several digits too, so that the error is not a slip of one.
fn other_number(sentence: &str) -> Option<String> {
    // The number of a list's item says nothing.
    let digits = sentence.bytes().take_while(u8::is_ascii_digit).count();
    let item = if digits > 0 && sentence[digits..].starts_with(". ") { digits } else { 0 };
    let start = item + sentence[item..].find(|c: char| c.is_ascii_digit())?;
    let length = sentence[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(sentence.len() - start);
    let number = &sentence[start..start + length];
    let turned: String = number
        .char_indices()
        .map(|(at, digit)| match digit {
            _ if at != 0 && at + 1 != number.len() => digit,
            // Never a leading zero.
            '9' => '4',
            digit => char::from(digit as u8 + 1),
        })
        .collect();
    Some(format!("{}{turned}{}", &sentence[..start], &sentence[start + length..]))
}

fn other_name(sentence: &str, others: &[String]) -> Option<String> {
    // Words that something stands between make no name that could be replaced.
    let name = names(sentence).into_iter().filter(|name| sentence.contains(name.as_str())).max_by_key(String::len)?;
    let other = others.iter().find(|other| !sentence.contains(other.as_str()) && !other.is_empty())?;
    Some(sentence.replacen(&name, other, 1))
}

/// The first unit that stands behind a number becomes another one: 元 is also a part of words.
fn other_unit(sentence: &str) -> Option<String> {
    let numeral = |c: char| c.is_ascii_digit() || "零一二两三四五六七八九十百千万".contains(c);
    UNITS.iter().find_map(|(from, to)| {
        let (at, _) = sentence.match_indices(from).find(|(at, _)| sentence[..*at].trim_end().ends_with(numeral))?;
        Some(format!("{}{to}{}", &sentence[..at], &sentence[at + from.len()..]))
    })
}

fn replaced(sentence: &str, pairs: &[(&str, &str)]) -> Option<String> {
    let (from, to) = pairs.iter().find(|(from, _)| sentence.contains(from))?;
    Some(sentence.replacen(from, to, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planted(sentence: &str) -> Vec<(PlantKind, String)> {
        plant(sentence, &["Marie Curie".to_owned()]).into_iter().map(|p| (p.kind, p.text)).collect()
    }

    #[test]
    fn one_error_of_each_kind() {
        assert_eq!(
            planted("The seals of the Quellin are covered for 12 months."),
            [
                (PlantKind::Number, "The seals of the Quellin are covered for 23 months.".to_owned()),
                (PlantKind::Entity, "The seals of the Marie Curie are covered for 12 months.".to_owned()),
                (PlantKind::Unit, "The seals of the Quellin are covered for 12 years.".to_owned()),
                (PlantKind::Polarity, "The seals of the Quellin are not covered for 12 months.".to_owned()),
            ]
        );
        assert_eq!(
            planted("保修期为24个月。"),
            [
                (PlantKind::Number, "保修期为35个月。".to_owned()),
                (PlantKind::Unit, "保修期为24年。".to_owned()),
                (PlantKind::Polarity, "保修期不为24个月。".to_owned()),
            ]
        );
    }

    #[test]
    fn what_is_negative_becomes_positive() {
        assert_eq!(planted("it cannot swim")[0].1, "it can swim");
        assert_eq!(planted("断电后不会丢失")[0].1, "断电后会丢失");
    }

    #[test]
    fn limits_turn_to_the_other_side() {
        let limit = |sentence: &str| planted(sentence).into_iter().find(|(kind, _)| *kind == PlantKind::Limit);
        let turned = |sentence: &str| limit(sentence).map(|(_, text)| text);
        assert_eq!(turned("Free over €1,000.").as_deref(), Some("Free under €1,000."));
        assert_eq!(turned("It holds up to 48 sensors.").as_deref(), Some("It holds at least 48 sensors."));
        assert_eq!(turned("至少 3 只").as_deref(), Some("至多 3 只"));
        assert_eq!(turned("It has grown over the years."), None);
    }

    #[test]
    fn nothing_is_planted_where_nothing_can_be() {
        assert_eq!(names("x The valve. x This Hub"), ["Hub"]);
        assert!(planted("").is_empty() && planted("Yes!").is_empty());
    }

    #[test]
    fn only_numbers_and_units_that_say_something_change() {
        assert!(planted("天聪元年，多元化，尔米亚湖").is_empty());
        assert!(planted("1. Stop all water.").is_empty());
        assert_eq!(planted("2. Press for 5 seconds")[0].1, "2. Press for 6 seconds");
    }

    #[test]
    fn a_name_that_does_not_stand_in_one_piece_stays() {
        assert!(planted("% Aaa% Aa年 ").iter().all(|(kind, _)| *kind != PlantKind::Entity));
    }

    #[test]
    fn numbers_change_in_value() {
        for number in ["0", "9", "99", "1,000", "3.5", "2019"] {
            let (_, text) = planted(number).remove(0);
            assert_ne!(text, number);
            assert_eq!(text.len(), number.len());
        }
    }

    #[test]
    fn names_are_capitalised_runs_inside_sentences() {
        assert_eq!(names("It was Marie Curie, in Paris. The end of Radium"), ["Marie Curie", "Paris", "Radium"]);
    }

    proptest::proptest! {
        #[test]
        fn planting_never_fails_and_always_changes(sentence in "[ a-zA-Z0-9.,是不有个月年%é]{0,40}") {
            for planted in plant(&sentence, &["Zz".to_owned()]) {
                proptest::prop_assert_ne!(planted.text, sentence.clone());
            }
        }
    }
}
