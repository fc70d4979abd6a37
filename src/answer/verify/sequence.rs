//! What one sentence of a draft takes from those before it.

use super::{CheckedSentence, Verdict};
use crate::answer::asked_for::AskedFor;

/// `checked` without sentences that refer back to one that fell.
pub(super) fn without_lost_references(checked: Vec<CheckedSentence>) -> Vec<CheckedSentence> {
    let mut fell = false;
    let one = |sentence: CheckedSentence| {
        let lost = fell && sentence.verdict == Verdict::Supported && refers_back(&sentence.text);
        fell = lost || sentence.verdict == Verdict::Unsupported;
        if lost { CheckedSentence::unsupported(sentence.text) } else { sentence }
    };
    checked.into_iter().map(one).collect()
}

/// Whether a sentence begins with a word for something said before it.
fn refers_back(sentence: &str) -> bool {
    const ENGLISH: [&str; 8] = ["this", "that", "these", "those", "it", "they", "its", "their"];
    const CHINESE: [&str; 6] = ["这", "该", "它", "其", "此", "他们"];
    let first = sentence.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or("");
    ENGLISH.contains(&first.to_lowercase().as_str()) || CHINESE.iter().any(|word| sentence.starts_with(word))
}

/// `checked` without what comes before the first number, where a number was
/// asked for: it answers something else.
pub(super) fn with_the_quantity(checked: Vec<CheckedSentence>) -> Vec<CheckedSentence> {
    let mut given = false;
    let one = |sentence: CheckedSentence| {
        given |= AskedFor::gives_a_quantity(&sentence.text);
        if given || sentence.verdict == Verdict::Unsupported {
            return sentence;
        }
        CheckedSentence::unsupported(sentence.text)
    };
    checked.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;
    use crate::answer::pack::Packed;
    use crate::answer::verify::verify;

    fn verdicts(draft: &str, question: &str, text: &str) -> Vec<Verdict> {
        let packed = Packed { excerpts: vec![excerpt(1, "Manual", text)] };
        verify(draft, question, &packed, &|_| 1.0).into_iter().map(|checked| checked.verdict).collect()
    }

    #[test]
    fn what_refers_to_a_sentence_that_fell_falls_with_it() {
        let hub = "The command restores the settings onto another hub. It takes a minute.";
        let asked = |draft| verdicts(draft, "How do I restore the settings?", hub);
        assert_eq!(asked("Use the vacuum cleaner 900. It takes a minute."), [Verdict::Unsupported; 2]);
        assert_eq!(
            asked("The command restores the settings onto another hub. It takes a minute."),
            [Verdict::Supported; 2]
        );
    }

    #[test]
    fn who_asks_how_many_gets_a_number() {
        let deer = |draft| verdicts(draft, "现存多少头鹿？", "现存的鹿面对近亲繁殖。只余下 650 头。");
        assert_eq!(deer("现存的鹿面对近亲繁殖。"), [Verdict::Unsupported]);
        assert_eq!(deer("只余下 650 头。"), [Verdict::Supported]);
        let repair =
            |draft| verdicts(draft, "How much is a repair?", "The repair is free of charge. It takes two weeks.");
        assert_eq!(repair("The repair is free of charge."), [Verdict::Supported]);
        assert_eq!(repair("It takes two weeks."), [Verdict::Supported]);
    }
}
