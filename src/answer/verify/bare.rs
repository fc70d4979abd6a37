//! Bare answers: a yes or a no that no words stand behind.
//!
//! Small models answer many questions with one word, which cannot be held
//! against a source. So it is never shown alone: the source sentence that speaks
//! of what was asked is shown instead, in its own words, and the yes or no stands
//! in front of it only where the sentence affirms or denies as the model does.

use super::{Asked, Candidate, CheckedSentence, Signals, Source, Verdict, terms};
use crate::answer::denials::item;
use crate::answer::negation::denies;
use crate::answer::question::is_han;

/// Whether something is said to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// The least share of the question's weight that a source sentence must carry to
/// be taken for its answer.
const LEAST_COVERAGE: f32 = 0.45;

/// The least share that it must carry for a yes or no to stand in front of it: "closed on holidays" denies nothing
/// in so many words.
const SURE_COVERAGE: f32 = 0.65;

/// What share of the question's weight it is worth that the model surely looked at a sentence.
const LOOKED_AT: f32 = 0.9;

/// Words that make up a bare answer without adding anything.
const FILLERS: [&str; 34] = [
    "it", "is", "does", "do", "can", "will", "has", "have", "are", "was", "be", "they", "you", "that", "this", "may",
    "should", "must", "i", "we", "correct", "the", "a", "would", "could", "did", "there", "s", "t", "indeed", "so",
    "he", "she", "of",
];

const CHINESE_YES: [&str; 16] =
    ["是", "是的", "对", "对的", "可以", "能", "能够", "会", "有", "行", "需要", "要", "支持", "允许", "属于", "包括"];
const CHINESE_NO: [&str; 16] = [
    "否",
    "不",
    "不是",
    "不对",
    "不可以",
    "不能",
    "不会",
    "没有",
    "不行",
    "不需要",
    "不用",
    "不支持",
    "不允许",
    "不属于",
    "不包括",
    "无",
];

/// The polarity of a sentence that says yes or no and nothing else.
pub fn polarity(sentence: &str) -> Option<Polarity> {
    let words: String = sentence.chars().filter(|&c| c.is_alphanumeric() || c.is_whitespace() || c == '\'').collect();
    let words = words.trim().to_lowercase();
    if words.chars().any(is_han) {
        let rest = words.strip_prefix('您').unwrap_or(&words);
        return match rest {
            rest if CHINESE_NO.contains(&rest) => Some(Polarity::No),
            rest if CHINESE_YES.contains(&rest) => Some(Polarity::Yes),
            _ => None,
        };
    }
    let mut parts = words.split(|c: char| c.is_whitespace() || c == '\'').filter(|part| !part.is_empty());
    let polarity = match parts.next()? {
        "yes" => Polarity::Yes,
        "no" => Polarity::No,
        _ => return None,
    };
    let bare = parts.all(|part| {
        FILLERS.contains(&part) || part == "not" || part.strip_suffix('n').is_some_and(|stem| FILLERS.contains(&stem))
    });
    bare.then_some(polarity)
}

/// How yes-or-no questions begin in English; in Chinese they end in 吗 or hold 是否, 能不能 and the like.
const ASKS: [&str; 20] = [
    "is", "are", "was", "were", "do", "does", "did", "can", "could", "may", "might", "must", "should", "will", "would",
    "has", "have", "had", "shall", "am",
];
const CHINESE_ASKS: [&str; 9] = ["吗", "是否", "能不能", "可不可以", "是不是", "有没有", "会不会", "行不行", "要不要"];

/// The polarity of a sentence that answers a yes-or-no question by saying its
/// words again and nothing else: as little of a reason as a bare yes.
pub(super) fn restated(sentence: &str, question: &Asked<'_>) -> Option<Polarity> {
    let lower = &question.lower;
    let last =
        lower.rsplit([',', '.', ';', ':', '，', '。']).find(|clause| clause.chars().any(char::is_alphanumeric))?;
    let begins = |clause: &str| clause.split_whitespace().next().is_some_and(|word| ASKS.contains(&word));
    if !begins(lower) && !begins(last) && !CHINESE_ASKS.iter().any(|word| lower.contains(word)) {
        return None;
    }
    let plain = sentence.to_lowercase();
    let rest = plain.strip_prefix("yes").or_else(|| plain.strip_prefix("no,")).unwrap_or(&plain);
    let adds = terms(rest).into_iter().any(|term| {
        let known = question.terms.contains(&term) || FILLERS.contains(&term.as_str());
        !(known || term == "not" || CHINESE_YES.contains(&term.as_str()) || CHINESE_NO.contains(&term.as_str()))
    });
    (!adds).then(|| if plain.starts_with("no,") || denies(rest) { Polarity::No } else { Polarity::Yes })
}

/// What stands in the place of the bare answer `sentence`, if a source speaks of
/// what was asked, by its words or since the model looked at it; `question` gives its terms their weights.
pub(super) fn settle(
    sentence: &str,
    polarity: Polarity,
    question: &Asked<'_>,
    candidates: &[Candidate],
) -> Option<CheckedSentence> {
    let (best, coverage) = candidates
        .iter()
        .filter(|candidate| super::bare::polarity(&candidate.text).is_none())
        .filter(|candidate| question.numbers.is_subset(&candidate.numbers))
        .map(|candidate| (candidate, question.coverage(candidate).max(LOOKED_AT * candidate.looked)))
        .max_by(|a, b| (a.1 + a.0.looked).total_cmp(&(b.1 + b.0.looked)).then_with(|| b.0.source.cmp(&a.0.source)))
        .filter(|&(_, coverage)| coverage >= LEAST_COVERAGE)?;

    // "Can it be charged?" is often a heading, and "No." the sentence after it.
    let said = candidates
        .iter()
        .filter(|other| other.source.excerpt == best.source.excerpt && other.source.span.end <= best.source.span.start)
        .max_by_key(|other| other.source.span.end)
        .filter(|other| super::bare::polarity(&other.text) == Some(polarity));
    // Where the model alone tells that it speaks of what was asked, it speaks for itself; so does a row,
    // which says neither yes nor no, and what stands under "What is not covered".
    let row = best.text.starts_with('|');
    let by_words = question.coverage(best) >= SURE_COVERAGE && !row && best.denied_by.is_none();
    let agrees = said.is_some() || by_words && denies(&best.text) == (polarity == Polarity::No);
    let read = best.read_of(None);
    let read = item(&read).unwrap_or(&read);
    let quote = read.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = match () {
        () if !agrees => quote,
        // A restatement is longer than the source's own words are clear.
        () if super::bare::polarity(sentence).is_none() => quote,
        () if quote.chars().any(is_han) => format!("{}。{quote}", sentence.trim_end_matches(['。', '.', '！', '!'])),
        () => format!("{}. {quote}", sentence.trim_end_matches(['.', '!', '。'])),
    };
    let mut sources: Vec<Source> = said.into_iter().chain([best]).map(|candidate| candidate.source).collect();
    sources.sort_unstable();
    Some(CheckedSentence {
        text,
        sources,
        support: coverage.min(1.0),
        verdict: Verdict::Supported,
        signals: Signals::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_answers_are_told_from_sentences() {
        for (sentence, expected) in [
            ("Yes.", Some(Polarity::Yes)),
            ("No", Some(Polarity::No)),
            ("Yes, it does.", Some(Polarity::Yes)),
            ("No, it doesn't.", Some(Polarity::No)),
            ("No, it is not.", Some(Polarity::No)),
            ("不可以。", Some(Polarity::No)),
            ("是的。", Some(Polarity::Yes)),
            ("No, the K20 is a flow meter.", None),
            ("Nobody knows.", None),
            ("不可以使用充电电池。", None),
            ("", None),
        ] {
            assert_eq!(polarity(sentence), expected, "{sentence}");
        }
    }
}
