//! What one sentence of a draft takes from those before it.

use super::{CheckedSentence, Verdict, bare};
use crate::answer::asked_for::AskedFor;

/// `checked` without sentences that refer back to one that fell.
pub(super) fn without_lost_references(checked: Vec<CheckedSentence>) -> Vec<CheckedSentence> {
    let mut fell = false;
    let one = |sentence: CheckedSentence| {
        let lost = fell && sentence.verdict == Verdict::Supported && refers_back(&sentence.text);
        // "Yes. It floats.": nothing refers to a yes.
        fell = lost || sentence.verdict == Verdict::Unsupported && bare::polarity(&sentence.text).is_none();
        if lost { CheckedSentence::unsupported(sentence.text) } else { sentence }
    };
    checked.into_iter().map(one).collect()
}

/// Whether a sentence begins with a word for something said before it.
fn refers_back(sentence: &str) -> bool {
    const ENGLISH: [&str; 8] = ["this", "that", "these", "those", "it", "they", "its", "their"];
    const CHINESE: [&str; 6] = ["这", "该", "它", "其", "此", "他们"];
    const NO_REFERENCE: [&str; 5] = ["其他", "其它", "其余", "其实", "此外"];
    let first = sentence.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or("");
    let begins = |words: &[&str]| words.iter().any(|word| sentence.starts_with(word));
    ENGLISH.contains(&first.to_lowercase().as_str()) || begins(&CHINESE) && !begins(&NO_REFERENCE)
}

/// `checked` without what comes before the first amount that stands, where `question` asks for an
/// amount, or for one of money: it answers something else.
pub(super) fn with_the_amount(checked: Vec<CheckedSentence>, question: &str) -> Vec<CheckedSentence> {
    let mut given = false;
    let one = |sentence: CheckedSentence| {
        if sentence.verdict == Verdict::Unsupported {
            return sentence;
        }
        given |= AskedFor::is_given(question, &sentence.text);
        if given { sentence } else { CheckedSentence::unsupported(sentence.text) }
    };
    checked.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::excerpt::Packed;
    use crate::answer::fixture::excerpt;
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
    fn a_yes_is_no_reference() {
        let said = verdicts("Yes. It restores the settings.", "Is there a command?", "It restores the settings.");
        assert_eq!(said, [Verdict::Unsupported, Verdict::Supported]);
        assert!(refers_back("该命令需要一分钟。") && !refers_back("此外，需要一分钟。"));
    }

    #[test]
    fn who_asks_how_many_gets_a_number() {
        let deer = |draft| verdicts(draft, "现存多少头鹿？", "现存的鹿面对近亲繁殖。只余下 650 头。");
        assert_eq!(deer("现存的鹿面对近亲繁殖。"), [Verdict::Unsupported]);
        assert_eq!(deer("只余下 650 头。"), [Verdict::Supported]);
        // A number that fell is no answer to what follows.
        assert_eq!(deer("这里有 777 头骆驼。现存的鹿面对近亲繁殖。"), [Verdict::Unsupported; 2]);
        let repair =
            |draft| verdicts(draft, "How much is a repair?", "The repair is free of charge. It takes two weeks.");
        assert_eq!(repair("The repair is free of charge."), [Verdict::Supported]);
        assert_eq!(repair("It takes two weeks."), [Verdict::Supported]);
    }
}
