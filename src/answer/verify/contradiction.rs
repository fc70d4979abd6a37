//! Where a source says something else than a sentence in nearly the same words.
//!
//! Each rule looks for one exact difference, so that paraphrases are left alone:
//! another amount of the same unit, the opposite polarity, another quantifier, a limit to the other side,
//! an exception taken for the rule, a copy with another number or a denial more or less.

use std::collections::HashSet;

use crate::answer::amounts::{Bound, limits};
use crate::answer::negation::negative;
use crate::answer::verify::copies::{Miscopied, miscopied};
use crate::answer::verify::measures::measures;
use crate::index::analyse;

/// How a source contradicts a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// Another amount of the same unit.
    Amount,
    /// One says that it is so, the other that it is not.
    Polarity,
    /// "all" for "some", "at least" for "at most".
    Quantifier,
}

/// The least share of the sentence's terms that a clause must hold to be about the same thing.
const SAME_MATTER: f32 = 0.6;

/// The share of a clause's terms that a sentence must have to have all of it.
const WHOLE: f32 = 0.95;

/// A clause with fewer words names something; it cannot be denied.
const LEAST_WORDS: usize = 3;

/// Words of each kind of quantifier. Kinds exclude each other in the same clause.
const QUANTIFIERS: [&[&str]; 5] = [
    &["all", "every", "each", "always", "所有", "全部", "每个", "总是"],
    &["some", "several", "sometimes", "部分", "有些", "有时"],
    &["only", "只有", "仅"],
    &["at least", "minimum", "no less than", "至少", "不少于"],
    &["at most", "maximum", "up to", "no more than", "最多", "不超过"],
];

/// How `source` contradicts `sentence`, if it does.
#[must_use]
pub fn contradiction(sentence: &str, source: &str) -> Option<Contradiction> {
    let (said, given) = (measures(sentence), measures(source));
    let other_amount = said.iter().any(|measure| {
        !given.contains(measure)
            && given.iter().any(|(number, unit)| *unit == measure.1 && !said.contains(&(number.clone(), *unit)))
    });
    if other_amount {
        return Some(Contradiction::Amount);
    }
    if limited_otherwise(sentence, source) {
        return Some(Contradiction::Quantifier);
    }
    if takes_an_exception(sentence, source) {
        return Some(Contradiction::Polarity);
    }
    match miscopied(sentence, source) {
        Some(Miscopied::Number) => return Some(Contradiction::Amount),
        Some(Miscopied::Denial) => return Some(Contradiction::Polarity),
        None => {}
    }
    // The same number, counting something else.
    let other_unit = said.iter().any(|measure| {
        !given.contains(measure) && given.iter().any(|(number, unit)| *number == measure.0 && *unit != measure.1)
    });
    if other_unit {
        return Some(Contradiction::Amount);
    }
    // What nothing denies cannot carry a denial.
    if negative(sentence) && !negative(source) {
        return Some(Contradiction::Polarity);
    }
    let about = terms(source);
    if overlap(&terms(sentence), &about) < SAME_MATTER {
        return None;
    }
    // A whole clause of the source, but for its denial, within a longer one.
    let taken = clauses(source).filter(|given| negative(given)).map(terms).any(|given| {
        let without: HashSet<String> = given.into_iter().filter(|term| !negative(term)).collect();
        without.len() > LEAST_WORDS && !negative(sentence) && overlap(&without, &terms(sentence)) >= WHOLE
    });
    let opposed = taken
        || clauses(sentence).any(|said| {
            let wanted = terms(said);
            let best = clauses(source)
                .map(|given| (given, overlap(&wanted, &terms(given))))
                .max_by(|a, b| a.1.total_cmp(&b.1));
            best.is_some_and(|(given, share)| {
                wanted.len() >= LEAST_WORDS
                    && share >= SAME_MATTER
                    && negative(given)
                    && !negative(said)
                    && !negative(sentence)
            })
        });
    if opposed {
        return Some(Contradiction::Polarity);
    }
    let (said, given) = (quantifiers(sentence), quantifiers(source));
    let swapped = said.iter().any(|kind| !given.contains(kind)) && given.iter().any(|kind| !said.contains(kind));
    swapped.then_some(Contradiction::Quantifier)
}

/// Whether a number is a limit to the other side than in the source: "under 1,000 euros" for "over 1,000 euros",
/// "at least 6 bar" for "6 bar".
fn limited_otherwise(sentence: &str, source: &str) -> bool {
    let given = limits(source);
    limits(sentence).into_iter().any(|(number, bound)| {
        let mut same = given.iter().filter(|(other, _)| *other == number).peekable();
        let otherwise = |given: &Option<Bound>| match given {
            Some(_) => *given != bound,
            None => bound == Some(Bound::Least),
        };
        bound.is_some() && same.peek().is_some() && same.all(|(_, given)| otherwise(given))
    })
}

/// What leads to an exception, and what ends it.
const EXCEPT: [&str; 9] = [
    "except for ",
    "except ",
    "with the exception of ",
    "apart from ",
    "other than ",
    "excluding ",
    "but not ",
    "除了",
    "除",
];
const EXCEPT_ENDS: [&str; 10] = [",", ";", ".", ")", "，", "；", "。", "以外", "之外", "外"];

/// Whether `sentence` says of something what `source` says of all but it.
fn takes_an_exception(sentence: &str, source: &str) -> bool {
    let (said, given) = (sentence.to_lowercase(), source.to_lowercase());
    let excepts = |text: &str| EXCEPT.iter().any(|word| text.contains(word));
    if negative(sentence) || excepts(&said) {
        return false;
    }
    let own = terms(sentence);
    EXCEPT.iter().filter_map(|word| given.split_once(word)).any(|(rule, rest)| {
        let end = EXCEPT_ENDS.iter().filter_map(|mark| rest.find(mark)).min().unwrap_or(rest.len());
        let (excepted, after) = (terms(&rest[..end]), terms(&rest[end..]));
        // "除此之外" excepts nothing; what stands on both sides is no matter of the exception.
        let rule: HashSet<String> = terms(rule).union(&after).cloned().collect();
        let what: Vec<&String> = excepted.difference(&rule).collect();
        !what.is_empty() && what.iter().all(|term| own.contains(*term)) && own.intersection(&rule).next().is_some()
    })
}

fn clauses(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';', '，', '；', ':', '：', '。', '(', ')', '（', '）'])
}

fn terms(text: &str) -> HashSet<String> {
    analyse(text).into_iter().map(|term| term.text).collect()
}

/// The share of `terms` that are held.
fn overlap(terms: &HashSet<String>, held: &HashSet<String>) -> f32 {
    if terms.is_empty() {
        return 0.0;
    }
    terms.iter().filter(|term| held.contains(*term)).count() as f32 / terms.len() as f32
}

fn quantifiers(text: &str) -> HashSet<usize> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let spaced = format!(" {} ", words.join(" "));
    let holds = |word: &str| if word.is_ascii() { spaced.contains(&format!(" {word} ")) } else { lower.contains(word) };
    (0..QUANTIFIERS.len()).filter(|&kind| QUANTIFIERS[kind].iter().any(|word| holds(word))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_differences_are_seen() {
        use Contradiction::{Amount, Polarity, Quantifier};
        for (sentence, source, expected) in [
            ("The warranty is 36 months.", "The hub has a warranty of 24 months.", Some(Amount)),
            ("After 36 months the 24 months have ended.", "The warranty is 24 months.", None),
            ("The warranty is 24 months.", "The hub has a warranty of 24 months.", None),
            ("保修期为36个月。", "保修期为二十四个月。", Some(Amount)),
            ("Frost damage is covered.", "Frost damage is not covered by the warranty.", Some(Polarity)),
            ("Frost damage is not covered.", "Frost damage is covered.", Some(Polarity)),
            ("Water damage is covered.", "Water damage is covered, frost damage is not.", None),
            ("K2 可以使用充电电池。", "K2 不可以使用充电电池。", Some(Polarity)),
            ("使用不锈钢螺丝。", "使用钢螺丝。", None),
            ("All sensors float.", "Some sensors float.", Some(Quantifier)),
            ("It holds at least 5 sensors.", "It holds at most 5 sensors.", Some(Quantifier)),
            ("Sensors float.", "All sensors float.", None),
            ("Orders under 1,000 euros are free.", "Orders over 1,000 euros are free.", Some(Quantifier)),
            ("Orders over 1,000 euros are free.", "Orders of more than 1000 euros are free.", None),
            ("It bears at least 6 bar.", "The maximum pressure is 6 bar.", Some(Quantifier)),
            ("It bears at least 6 bar.", "It bears 6 bar.", Some(Quantifier)),
            ("It bears up to 6 bar.", "It bears 6 bar.", None),
            ("It keeps at least 10,000 of them.", "It keeps up to 10,000 of them.", Some(Quantifier)),
            ("Raise it from 4 to at least 30 seconds.", "Raise it from 4 to at most 30 seconds.", Some(Quantifier)),
            ("每年的涨幅不可以少于10.5%。", "每年的涨幅不可以超过10.5%。", Some(Quantifier)),
            ("满不超过100元免运费。", "满100元以上免运费。", Some(Quantifier)),
            ("The shaft seal is of rubber.", "All seals, except the shaft seal, are of rubber.", Some(Polarity)),
            ("The lid seal is of rubber.", "All seals, except the shaft seal, are of rubber.", None),
            (
                "All seals except the shaft seal are of rubber.",
                "All seals, except the shaft seal, are of rubber.",
                None,
            ),
            ("The shaft seal is not of rubber.", "All seals, except the shaft seal, are of rubber.", Some(Polarity)),
            ("轴封是橡胶的。", "除轴封外，所有密封圈都是橡胶的。", Some(Polarity)),
            ("The seals last 12 years.", "seals: 12 months", Some(Amount)),
            ("They reply within 8 business days.", "A reply comes within 8 business hours.", Some(Amount)),
            ("The water did pass at all.", "In 9 of 25 kitchens, the water did not pass at all.", Some(Polarity)),
            ("Meggers was not a proponent.", "Meggers was a proponent.", Some(Polarity)),
            ("纳豆不是艺名。", "林郁智，艺名纳豆。", Some(Polarity)),
            (
                "Status 6 tells that the valve did reach its end position.",
                "Status: 6; Meaning: valve did not reach its end position",
                Some(Polarity),
            ),
            ("Port 8883", "Outgoing TCP port 8883 is not blocked.", None),
            ("The cable is blue.", "Nobody has seen the pump.", None),
        ] {
            assert_eq!(contradiction(sentence, source), expected, "{sentence} | {source}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(sentence in ".{0,60}", source in ".{0,60}") {
            let _ = contradiction(&sentence, &source);
        }
    }
}
