//! Several questions in one: "How long is the warranty, and who invented the telephone?"
//!
//! A part is a question of its own, made to stand alone as a follow-up is. Splitting is only for where the whole
//! found no answer, so that a question taken apart wrongly costs nothing but time.

use crate::answer::followup::self_contained;
use crate::answer::statements::content;

/// What joins two questions; a comma alone joins a condition.
const AND: &str = " and ";

/// Words that questions begin with.
const ASKS: [&str; 24] = [
    "who", "whom", "whose", "what", "which", "when", "where", "why", "how", "is", "are", "was", "were", "do", "does",
    "did", "can", "could", "may", "must", "should", "will", "would", "has",
];
const ASKS_ZH: [&str; 18] = [
    "谁",
    "什么",
    "哪",
    "何时",
    "何地",
    "多少",
    "多久",
    "多长",
    "多大",
    "多重",
    "多高",
    "怎么",
    "怎样",
    "如何",
    "为什么",
    "几",
    "吗",
    "是否",
];

/// The questions that `question` is made of, each standing alone; none when it is one.
#[must_use]
pub fn parts(question: &str) -> Vec<String> {
    let sentences: Vec<&str> = question.split_inclusive(['?', '？']).map(str::trim).filter(|part| asks(part)).collect();
    let pieces = match sentences.as_slice() {
        [only] => halves(only),
        several => several.to_vec(),
    };
    if pieces.len() < 2 {
        return Vec::new();
    }
    let mut parts: Vec<String> = Vec::new();
    for piece in pieces {
        let own = piece.trim_matches([',', '，', ';', '；', ' ']);
        let alone = parts.last().and_then(|before| self_contained(own, before));
        parts.push(alone.unwrap_or_else(|| own.to_owned()));
    }
    parts
}

/// Whether a piece says enough to be asked.
fn asks(piece: &str) -> bool {
    !content(piece, &[]).is_empty()
}

/// The two questions that a conjunction joins.
fn halves(question: &str) -> Vec<&str> {
    let lower = question.to_ascii_lowercase();
    let begins =
        |rest: &str| rest.split(|c: char| !c.is_alphanumeric()).next().is_some_and(|word| ASKS.contains(&word));
    let english =
        lower.match_indices(AND).map(|(at, joint)| (at, at + joint.len())).filter(|&(_, to)| begins(&lower[to..]));
    let chinese = question.match_indices(['，', '；']).map(|(at, mark)| (at, at + mark.len())).filter(|&(at, to)| {
        let asked = |half: &str| ASKS_ZH.iter().any(|word| half.contains(word));
        asked(&question[..at]) && asked(&question[to..])
    });
    let enough = |&(at, to): &(usize, usize)| asks(&question[..at]) && asks(&question[to..]);
    let place = english.chain(chinese).filter(enough).min();
    place.map_or_else(Vec::new, |(at, to)| vec![&question[..at], &question[to..]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_questions_are_told_from_one() {
        for (question, expected) in [
            ("K2 warranty and who invented the telephone?", &["K2 warranty", "who invented the telephone?"][..]),
            (
                "How long is the warranty of the K2, and how much does it cost?",
                &["How long is the warranty of the K2", "How much does it cost? (about: the warranty of the K2)"],
            ),
            ("Is it waterproof? Who sells it?", &["Is it waterproof?", "Who sells it?"]),
            ("K2 的保修期多久，电话是谁发明的？", &["K2 的保修期多久", "电话是谁发明的？"]),
            ("保修期多长？在哪里买？", &["保修期多长？", "在哪里买？"]),
            ("How long is the warranty of the K2 and the K20?", &[]),
            ("There are 44 sensors. Is there room for two more?", &[]),
            ("如果进水了，还能保修吗？", &[]),
            ("If he was arrested, what would happen?", &[]),
            ("Why?", &[]),
            ("", &[]),
        ] {
            let made = parts(question);
            assert_eq!(made.len(), expected.len(), "{question}: {made:?}");
            if question.starts_with("K2") || question.starts_with("How") {
                assert_eq!(made, expected, "{question}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_apart(question in ".{0,60}|([a-z]{1,5}( and who|, how|\\?)? ){0,8}|[谁多久吗，？保修]{0,12}") {
            proptest::prop_assert!(parts(&question).iter().all(|part| asks(part)));
        }
    }
}
