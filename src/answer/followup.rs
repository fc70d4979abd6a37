//! Follow-up questions made to stand alone, by rules.
//!
//! "And the K2 Pro?" and "How much does it cost?" mean nothing to a search.
//! What they leave out stands in the question before. Where it is sure what is
//! meant, a thing is put in the place of a pronoun, or gives way to another of
//! its kind. Everywhere else the earlier topic is added in brackets, which reads
//! well for people, search and model alike and can never say something else:
//! "How do I claim it? (about: the warranty of the K2)". A question that stands
//! alone is left as it is.

mod chinese;
mod english;

use chinese::chinese;
use english::{english, in_english};

use crate::answer::question::{Language, Question};

/// The longest topic that is added, in characters.
const LONGEST: usize = 300;

/// How a question is said to be about something.
const ABOUT: &str = " (about: ";
const ZH_ABOUT: &str = "（关于：";

/// `question` so that it stands alone, if it does not yet; `before` is the
/// question before it, itself standing alone.
#[must_use]
pub fn self_contained(question: &str, before: &str) -> Option<String> {
    let (question, before) = (question.trim(), before.trim());
    let without_words = |text: &str| !text.chars().any(char::is_alphanumeric);
    if without_words(before) || without_words(question) || is_about(question) {
        return None;
    }
    match (Question::new(question).language, Question::new(before).language) {
        (Language::Chinese, before_is) => chinese(question, before, before_is == Language::Chinese),
        (Language::English, Language::English) => english(question, before),
        (Language::English, Language::Chinese) => in_english(question, before),
    }
}

/// Whether a question was made by adding a topic.
fn is_about(question: &str) -> bool {
    question.contains(ABOUT) || question.contains(ZH_ABOUT)
}

/// As much of a topic as a question needs.
fn cut(topic: &str) -> String {
    topic.chars().take(LONGEST).collect()
}

/// Without the mark at the end.
fn bare(text: &str) -> &str {
    text.trim().trim_end_matches(['?', '？', '.', '。', '!', '！', ' '])
}

fn has_digit(word: &str) -> bool {
    word.chars().any(|c| c.is_ascii_digit())
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
    fn what_is_sure_is_put_in_its_place() {
        let price = "How much does the K2 cost?";
        check(price, "And the K2 Pro?", "How much does the K2 Pro cost?");
        check(price, "what about the H10?", "How much does the H10 cost?");
        check(price, "And for the Pro version?", "How much does the K2 Pro version cost?");
        check(price, "How long does it run on a battery?", "How long does the K2 run on a battery?");
        check(price, "And where can I buy it?", "Where can I buy the K2?");
        check(price, "What is its range?", "What is the K2's range?");
        check(price, "Does it work with Android?", "Does the K2 work with Android?");
        check("How long is the warranty of sensors?", "And of valves?", "How long is the warranty of valves?");
        check("How long is the warranty of sensors?", "And for valves?", "How long is the warranty of valves?");
        check(
            "How long are the seals of a V3 covered?",
            "And of the V3S?",
            "How long are the seals of the V3S covered?",
        );
        check("Who is Ada Quell?", "When did she join?", "When did Ada Quell join?");
        check("Who is Ada Quell?", "and Ben Hart?", "Who is Ben Hart?");
        check("What is the capital of France?", "And of Germany?", "What is the capital of Germany?");
    }

    #[test]
    fn the_earlier_thing_stays() {
        let warranty = "How long is the warranty of the K2?";
        check(warranty, "and for the Pro version?", "How long is the warranty of the K2 Pro version?");
        check(warranty, "And for the older version?", "How long is the warranty of the K2, for the older version?");
        check(warranty, "And in Germany?", "How long is the warranty of the K2, in Germany?");
        check(
            "How long is the warranty of the K2 in Norway?",
            "And in Germany?",
            "How long is the warranty of the K2 in Germany?",
        );
        check(warranty, "And the K20?", "How long is the warranty of the K20?");
        let about = " (about: How long is the warranty of the K2)";
        for whole in
            ["And its battery?", "And then?", "Why?", "Why is that?", "And Germany?", "And now?", "And why not?"]
        {
            check(warranty, whole, &format!("{whole}{about}"));
        }
        for topic in ["How do I claim it?", "What does it cover?", "Do they replace it?"] {
            check(warranty, topic, &format!("{topic} (about: the warranty of the K2)"));
        }
        check(warranty, "What about returns?", "What about returns? (about: the K2)");
        check(warranty, "And how long is the delivery?", "How long is the delivery? (about: the warranty of the K2)");
        check(
            "How long is the warranty of sensors?",
            "How do I claim it?",
            "How do I claim it? (about: the warranty of sensors)",
        );
        check(
            "How long are the seals of a V3 under warranty?",
            "How do I claim it?",
            "How do I claim it? (about: How long are the seals of a V3 under warranty)",
        );
        check(
            "How do I reset a hub?",
            "How long does it take?",
            "How long does it take? (about: How do I reset a hub)",
        );
    }

    #[test]
    fn follow_ups_of_follow_ups() {
        let claim = "How do I claim it? (about: the warranty of the K2)";
        check(claim, "And of the K20?", "How do I claim it? (about: the warranty of the K20)");
        check(claim, "And in Germany?", "How do I claim it, in Germany? (about: the warranty of the K2)");
        check(
            claim,
            "How long does it take?",
            "How long does it take? (about: How do I claim it; the warranty of the K2)",
        );
        let third = "How long does it take? (about: How do I claim it; the warranty of the K2)";
        check(third, "Why?", "Why? (about: How long does it take; the warranty of the K2)");
        assert_eq!(self_contained(claim, "How much is the H1?"), None);
    }

    #[test]
    fn chinese_follow_ups() {
        let warranty = "K2 的保修期多长？";
        check(warranty, "那 K20 呢？", "K20 的保修期多长？");
        check(warranty, "K2 Pro 呢？", "K2 Pro 的保修期多长？");
        check(warranty, "那 Pro 版呢？", "K2 Pro 版 的保修期多长？");
        check(warranty, "它多重？", "K2多重？");
        check(warranty, "它的价格是多少？", "K2的价格是多少？");
        check(warranty, "怎么申请？", "怎么申请（关于：K2 的保修期多长）？");
        check(warranty, "那怎么申请呢？", "怎么申请呢（关于：K2 的保修期多长）？");
        check(warranty, "怎么申请它？", "怎么申请它（关于：K2 的保修期多长）？");
        check(warranty, "那电池呢？", "那电池呢（关于：K2 的保修期多长）？");
        check(warranty, "那在德国呢？", "那在德国呢（关于：K2 的保修期多长）？");
        check("网关的保修期多长？", "那传感器呢？", "那传感器呢（关于：网关的保修期多长）？");
        check("网关的保修期多长？", "它多少钱？", "网关多少钱？");
        check("保修期多长？", "传感器呢？", "传感器呢（关于：保修期多长）？");
        check("退货政策是什么？", "那换货呢？", "那换货呢（关于：退货政策是什么）？");
        check(warranty, "那它的电池呢？", "那它的电池呢（关于：K2 的保修期多长）？");
        check("《战国无双3》是由谁开发的？", "它什么时候发售？", "《战国无双3》什么时候发售？");
        check("《战国无双3》是由谁开发的？", "那《三国无双》呢？", "《三国无双》是由谁开发的？");
        check("如何重置？", "这个要多久？", "这个要多久（关于：如何重置）？");
        check("H1 Mini 有多重？", "那么 H10 呢？", "H10 有多重？");
        check("max_conn 默认是多少？", "它们可以改吗？", "它们可以改吗（关于：max_conn 默认是多少）？");
        check("怎么申请（关于：K2 的保修期多长）？", "要多久？", "要多久（关于：怎么申请；K2 的保修期多长）？");
    }

    #[test]
    fn a_question_in_the_other_language_keeps_the_topic() {
        check("How much does the K2 cost?", "那 K20 呢？", "那 K20 呢（关于：How much does the K2 cost）？");
        check("K2 的保修期多长？", "And the K20?", "And the K20? (about: K2 的保修期多长)");
        check("K2 的保修期多长？", "How much does the H1 cost?", "How much does the H1 cost?");
    }

    #[test]
    fn what_stands_alone_stays() {
        for question in [
            "How long is the warranty of the K2?",
            "How long is the warranty?",
            "Is it possible to return a hub after a year?",
            "And how do I reset the H10?",
            "And the warranty of the H10?",
            "Does this sensor float?",
            "Is there a battery in the H1?",
            "When was Ada Quell born, and where did she live?",
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

        #[test]
        fn the_subject_is_never_dropped_and_nothing_is_glued(
            start in "(And |What about |How about |And for |And of |And in |)",
            article in "(the |a |its |their |)",
            noun in "(battery|returns|then|now|there|in Germany|why|it|that|Pro version|older one|delivery times)",
            before in "(How long is the warranty of the K2|How much does the K2 cost|Does the K2 float|Who makes the K2)",
        ) {
            let question = format!("{start}{article}{noun}?");
            let made = self_contained(&question, &format!("{before}?"));
            let leans = !start.is_empty();
            proptest::prop_assert!(made.is_some() || !leans, "{question}");
            let Some(made) = made else { return Ok(()) };
            proptest::prop_assert!(made.contains("K2"), "{question} -> {made}");
            if article != "the " && article != "a " {
                for article in ["the", "a", "of the"] {
                    for word in ["its", "their", "then", "now", "there", "in", "why", "it", "that"] {
                        proptest::prop_assert!(!made.contains(&format!(" {article} {word} ")), "{question} -> {made}");
                        proptest::prop_assert!(!made.contains(&format!(" {article} {word}?")), "{question} -> {made}");
                    }
                }
            }
        }
    }
}
