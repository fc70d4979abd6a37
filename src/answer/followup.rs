//! Follow-up questions made to stand alone, by rules.
//!
//! "And the K2 Pro?" and "How much does it cost?" mean nothing to a search.
//! What they leave out stands in the question before: the thing it was about is
//! put in the place of a pronoun, or gives way to the new one. Where the rules
//! cannot tell, the earlier question is added in brackets; a question that
//! stands alone is left as it is.

use crate::answer::question::{Language, Question, is_han};

/// Beginnings of questions that only name another thing.
const ELLIPSES: [&str; 12] = [
    "and what about for ",
    "and what about ",
    "and how about ",
    "what about for ",
    "what about ",
    "how about for ",
    "how about ",
    "and for ",
    "and with ",
    "and in ",
    "same for ",
    "and ",
];

const PREPOSITIONS: [&str; 5] = ["of ", "for ", "with ", "in ", "on "];

/// Words that make a question a whole one.
const VERBS: [&str; 32] = [
    "is", "are", "was", "were", "do", "does", "did", "can", "could", "may", "must", "should", "will", "would", "has",
    "have", "had", "how", "when", "where", "who", "why", "which", "cost", "costs", "work", "works", "need", "needs",
    "happens", "long", "much",
];

const PRONOUNS: [(&str, bool); 12] = [
    // With whether they stand before what they own.
    ("it", false),
    ("they", false),
    ("them", false),
    ("this", false),
    ("that", false),
    ("these", false),
    ("those", false),
    ("its", true),
    ("their", true),
    ("he", false),
    ("she", false),
    ("him", false),
];

/// Words after "it" that make it mean nothing in particular.
const DUMMY_IT: [&str; 6] = ["possible", "true", "allowed", "ok", "necessary", "safe"];

const CHINESE_PRONOUNS: [&str; 12] =
    ["它们的", "他们的", "它们", "他们", "它的", "他的", "她的", "这个", "那个", "它", "他", "她"];

/// `question` so that it stands alone, if it does not yet; `before` is the
/// question before it, itself standing alone.
#[must_use]
pub fn self_contained(question: &str, before: &str) -> Option<String> {
    let (question, before) = (question.trim(), before.trim());
    if before.is_empty() || question.is_empty() {
        return None;
    }
    match Question::new(question).language {
        Language::Chinese => chinese(question, before),
        Language::English => english(question, before),
    }
}

fn english(question: &str, before: &str) -> Option<String> {
    let lower = question.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|w| !w.is_empty()).collect();
    if let Some(start) = ELLIPSES.iter().find(|start| lower.starts_with(**start)) {
        let named = bare(question.get(start.len()..)?);
        let named = PREPOSITIONS.iter().find_map(|word| named.strip_prefix(word)).unwrap_or(named);
        let spoken = named.to_lowercase();
        let whole = spoken.split_whitespace().any(|word| VERBS.contains(&word));
        if !whole && !named.is_empty() && words.len() <= 9 {
            return Some(topic(before).map_or_else(
                || format!("{} ({named})?", bare(before)),
                |old| {
                    let article = old.to_lowercase().starts_with("the ") && !spoken.starts_with("the ");
                    let named = if article { format!("the {named}") } else { named.to_owned() };
                    // "of a V3", and then "the V3S": one article is enough.
                    let at = before.find(old).unwrap_or(0);
                    let led =
                        ["a ", "an ", "the "].iter().find(|article| before[..at].ends_with(&format!(" {article}")));
                    match (led, named.strip_prefix("the ")) {
                        (Some(led), Some(_)) => before.replacen(&format!("{led}{old}"), &named, 1),
                        _ => before.replacen(old, &named, 1),
                    }
                },
            ));
        }
        // "And how much is it?" goes on below, without its "and".
    }
    let question = if lower.starts_with("and ") { question.get(4..)?.trim_start() } else { question };
    if topic(question).is_some() {
        return None;
    }
    let (pronoun, owns) = pronoun(question)?;
    let Some(old) = topic(before) else { return Some(format!("{} (regarding: {})?", bare(question), bare(before))) };
    let with = if owns { format!("{old}'s") } else { old.to_owned() };
    Some(capital(&format!("{}{with}{}", &question[..pronoun.start], &question[pronoun.end..])))
}

/// Where the first pronoun stands that points back, and whether it owns what follows.
fn pronoun(question: &str) -> Option<(std::ops::Range<usize>, bool)> {
    let mut at = 0;
    let words: Vec<(usize, &str)> = question
        .split_inclusive(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|piece| {
            let start = at;
            at += piece.len();
            (start, piece.trim_end_matches(|c: char| !c.is_alphanumeric()))
        })
        .filter(|(_, word)| !word.is_empty())
        .collect();
    words.iter().enumerate().find_map(|(index, &(start, word))| {
        let (_, owns) = PRONOUNS.iter().find(|(pronoun, _)| word.eq_ignore_ascii_case(pronoun))?;
        let next = words.get(index + 1).map_or(String::new(), |(_, word)| word.to_lowercase());
        let last = index + 1 == words.len();
        // "this sensor" and "that the hub is on" name what they mean, or nothing.
        let names = ["this", "that", "these", "those"].iter().any(|w| word.eq_ignore_ascii_case(w));
        if names && !(last || VERBS.contains(&next.as_str())) || DUMMY_IT.contains(&next.as_str()) {
            return None;
        }
        Some((start..start + word.len(), *owns))
    })
}

/// What an English question is about: its last run of names, or what stands
/// after its last "of", "for" or "about"; with the article.
fn topic(question: &str) -> Option<&str> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    let mut article: Option<usize> = None;
    let mut first = true;
    let mut open = false;
    for piece in question.split_inclusive(char::is_whitespace) {
        let start = at;
        at += piece.len();
        let word = piece.trim().trim_end_matches(|c: char| !c.is_alphanumeric());
        let name = word.chars().any(|c| c.is_ascii_digit()) && word.starts_with(|c: char| c.is_ascii_alphabetic())
            || !first && word.starts_with(char::is_uppercase) && word != "I";
        if name {
            match runs.last_mut() {
                Some(run) if open => run.1 = start + word.len(),
                _ => runs.push((article.unwrap_or(start), start + word.len())),
            }
        }
        open = name && piece.trim().len() == word.len();
        article = (word.eq_ignore_ascii_case("the")).then_some(start);
        first = false;
    }
    if let Some(&(start, end)) = runs.last() {
        return question.get(start..end);
    }
    let after = [" of ", " for ", " about "].iter().filter_map(|w| question.rfind(w).map(|at| at + w.len())).max()?;
    let object = bare(question.get(after..)?);
    (!object.is_empty() && object.split_whitespace().count() <= 4).then_some(object)
}

fn chinese(question: &str, before: &str) -> Option<String> {
    let plain = bare(question);
    let asked = plain.strip_prefix("那么").or_else(|| plain.strip_prefix('那')).unwrap_or(plain);
    let asked = asked.trim_start_matches(['，', ',', ' ']);
    if let Some(named) =
        asked.strip_suffix('呢').map(str::trim).filter(|named| named.chars().count() <= 12 && !named.is_empty())
    {
        return Some(match chinese_topic(before) {
            Some(old) => before.replacen(old, named, 1),
            None => format!("{named}{before}"),
        });
    }
    let pronoun = CHINESE_PRONOUNS.iter().find(|pronoun| asked.contains(**pronoun))?;
    // "其他" is no "他", and "这个网关" names what it means.
    if asked.contains("其他") || identifier(asked).is_some() {
        return None;
    }
    let Some(old) = chinese_topic(before) else { return Some(format!("{asked}（关于：{}）？", bare(before))) };
    let with = if pronoun.ends_with('的') { format!("{old}的") } else { old.to_owned() };
    let mark = question.chars().last().filter(|c| matches!(c, '？' | '?')).map(String::from).unwrap_or_default();
    Some(format!("{}{mark}", asked.replacen(pronoun, &with, 1)))
}

/// What a Chinese question is about: a name in Latin letters and digits, what
/// stands in title marks, or what stands before its first 的.
fn chinese_topic(question: &str) -> Option<&str> {
    if let Some(found) = identifier(question) {
        return Some(found);
    }
    if let (Some(open), Some(close)) = (question.find('《'), question.find('》'))
        && open < close
    {
        return question.get(open..close + '》'.len_utf8());
    }
    let (owner, _) = question.split_once('的')?;
    let count = owner.chars().count();
    (1..=10).contains(&count).then_some(owner)
}

/// The first run of Latin words that holds a capital or a digit.
fn identifier(question: &str) -> Option<&str> {
    let mut start = None;
    for (at, c) in question.char_indices().chain([(question.len(), '。')]) {
        let part = c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') || c == ' ' && start.is_some();
        match (part, start) {
            (true, None) if c.is_ascii_alphanumeric() => start = Some(at),
            (false, Some(from)) => {
                let run = question[from..at].trim_end_matches([' ', '.', '-']);
                if run.chars().any(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
                    && run.chars().any(|c| c.is_ascii_alphabetic())
                {
                    return Some(run);
                }
                start = None;
            }
            _ => {}
        }
    }
    None
}

/// Without the mark at the end.
fn bare(text: &str) -> &str {
    text.trim().trim_end_matches(['?', '？', '.', '。', '!', '！', ' '])
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        if is_han(first) { text.to_owned() } else { first.to_uppercase().chain(characters).collect() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, question: &str, expected: &str) {
        let made = self_contained(question, before);
        assert_eq!(made.as_deref().unwrap_or(question), expected, "{before} | {question}");
    }

    #[test]
    fn english_follow_ups() {
        let price = "How much does the K2 cost?";
        check(price, "And the K2 Pro?", "How much does the K2 Pro cost?");
        check(price, "what about the H10?", "How much does the H10 cost?");
        check(price, "And for the Pro version?", "How much does the Pro version cost?");
        check(price, "How long does it run on a battery?", "How long does the K2 run on a battery?");
        check(price, "And where can I buy it?", "Where can I buy the K2?");
        check(price, "What is its range?", "What is the K2's range?");
        check("How long is the warranty of sensors?", "And of valves?", "How long is the warranty of valves?");
        check(
            "How long are the seals of a V3 covered?",
            "And of the V3S?",
            "How long are the seals of the V3S covered?",
        );
        check("How long is the warranty of sensors?", "And for valves?", "How long is the warranty of valves?");
        check("How long is the warranty of sensors?", "How do I claim it?", "How do I claim sensors?");
        check(
            "How do I reset a hub?",
            "How long does it take?",
            "How long does it take (regarding: How do I reset a hub)?",
        );
        check("Who is Ada Quell?", "When did she join?", "When did Ada Quell join?");
        check("Who is Ada Quell?", "and Ben Hart?", "Who is Ben Hart?");
    }

    #[test]
    fn chinese_follow_ups() {
        check("K2 的保修期多长？", "那 K20 呢？", "K20 的保修期多长？");
        check("K2 的保修期多长？", "K2 Pro 呢？", "K2 Pro 的保修期多长？");
        check("K2 的保修期多长？", "它多重？", "K2多重？");
        check("K2 的保修期多长？", "它的价格是多少？", "K2的价格是多少？");
        check("网关的保修期多长？", "那传感器呢？", "传感器的保修期多长？");
        check("网关的保修期多长？", "它多少钱？", "网关多少钱？");
        check("保修期多长？", "传感器呢？", "传感器保修期多长？");
        check("《战国无双3》是由谁开发的？", "它什么时候发售？", "《战国无双3》什么时候发售？");
        check("《战国无双3》是由谁开发的？", "那《三国无双》呢？", "《三国无双》是由谁开发的？");
        check("如何重置？", "这个要多久？", "这个要多久（关于：如何重置）？");
        check("H1 Mini 有多重？", "那么 H10 呢？", "H10 有多重？");
        check("max_conn 默认是多少？", "它们可以改吗？", "它们可以改吗（关于：max_conn 默认是多少）？");
    }

    #[test]
    fn what_stands_alone_stays() {
        for question in [
            "How long is the warranty of the K2?",
            "Is it possible to return a hub after a year?",
            "And how do I reset the H10?",
            "Does this sensor float?",
            "H1 可以挂墙上吗？",
            "其他型号的保修期多长？",
            "春节期间会推送新固件吗？",
        ] {
            let made = self_contained(question, "How much does the K20 cost?");
            assert_eq!(made, None, "{question}");
        }
        assert_eq!(self_contained("And the K2?", ""), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(question in ".{0,50}", before in ".{0,50}") {
            let _ = self_contained(&question, &before);
        }
    }
}
