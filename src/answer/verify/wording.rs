//! How a checked sentence reads: without talk of passages, and whole.

use crate::answer::question::is_han;
use crate::answer::verify::{Asked, Candidate, CheckedSentence, Verdict, terms};

/// How small models begin a sentence to say where it comes from; the mark says that.
const PREAMBLES: [&str; 12] = [
    "the passage states that ",
    "the passages state that ",
    "the passage says that ",
    "the passages say that ",
    "the passage mentions that ",
    "the passage indicates that ",
    "the document states that ",
    "according to the passage, ",
    "according to the passages, ",
    "based on the passage, ",
    "based on the passages, ",
    "based on the information provided, ",
];
const CHINESE_PREAMBLES: [&str; 8] = [
    "根据段落，",
    "根据文档，",
    "根据文中，",
    "段落中提到，",
    "段落中写道，",
    "文中提到，",
    "根据提供的段落，",
    "根据提供的信息，",
];

/// The longest source sentence, in characters, that stands in for a fragment of it.
const LONGEST: usize = 320;

/// `sentence` without a preamble such as "The passage states that".
pub(super) fn plain(sentence: &str) -> String {
    let lower = sentence.to_ascii_lowercase();
    let length = PREAMBLES
        .iter()
        .find(|preamble| lower.starts_with(**preamble))
        .map(|preamble| preamble.len())
        .or_else(|| CHINESE_PREAMBLES.iter().find(|p| sentence.starts_with(**p)).map(|p| p.len()));
    let Some(length) = length else { return sentence.to_owned() };
    let rest = &sentence[length..];
    let mut characters = rest.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// A sentence that only repeats the question says nothing. A supported fragment,
/// a number or a name alone, gives way to the source sentence that it is taken from.
pub(super) fn whole(checked: CheckedSentence, question: &Asked<'_>, candidates: &[Candidate]) -> CheckedSentence {
    let bare = letters(&checked.text);
    if !bare.is_empty() && letters(&question.lower).contains(&bare) {
        return CheckedSentence { verdict: Verdict::Unsupported, sources: Vec::new(), support: 0.0, ..checked };
    }
    if checked.verdict == Verdict::Unsupported || !is_fragment(&checked.text) {
        return checked;
    }
    let wanted = terms(&checked.text);
    let held = checked
        .sources
        .iter()
        .filter_map(|source| candidates.iter().find(|candidate| candidate.source == *source))
        .find(|candidate| wanted.is_subset(&candidate.terms) && candidate.text.chars().count() <= LONGEST);
    match held {
        // One value of a row of several, of which the question names none: nobody could tell whose it is.
        Some(candidate) if !candidate.text.starts_with('|') || candidate.has_unnamed_values() => CheckedSentence {
            text: candidate.read_of(None).split_whitespace().collect::<Vec<_>>().join(" "),
            sources: vec![candidate.source],
            ..checked
        },
        // "41 to 95 percent", put together from two places, is said nowhere.
        None if checked.sources.len() > 1 => {
            CheckedSentence { verdict: Verdict::Unsupported, sources: Vec::new(), support: 0.0, ..checked }
        }
        _ => checked,
    }
}

fn letters(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

fn is_fragment(text: &str) -> bool {
    let han = text.chars().filter(|&c| is_han(c)).count();
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    if han > 0 { han <= 3 && words <= 3 } else { words <= 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preambles_are_dropped() {
        for (sentence, expected) in [
            ("The passage states that an owner can invite nine.", "An owner can invite nine."),
            ("According to the passages, it floats.", "It floats."),
            ("根据段落，保修期为两年。", "保修期为两年。"),
            ("The passage is long.", "The passage is long."),
        ] {
            assert_eq!(plain(sentence), expected);
        }
    }

    #[test]
    fn fragments_are_short() {
        for text in ["9", "30 天", "TCP 8883.", "Ghent"] {
            assert!(is_fragment(text), "{text}");
        }
        for text in ["It is 9.", "保修期为两年。", "€240 a week"] {
            assert!(!is_fragment(text), "{text}");
        }
    }
}
