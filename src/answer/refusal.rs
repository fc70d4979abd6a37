//! Telling "the passages do not say" from an answer.

use crate::answer::prompt::NOT_FOUND;

/// How small models refuse when they do not use the words they were told to use.
const PHRASES: &[&str] = &[
    "passages do not",
    "passage does not",
    "passages don't",
    "passage doesn't",
    "documents do not",
    "document does not",
    "text does not",
    "not mentioned in the",
    "not stated in the",
    "not specified in the",
    "not provided in the",
    "no information about",
    "no information on",
    "cannot be determined from",
    "i don't know",
    "i do not know",
    "段落中没有",
    "段落没有",
    "段落未",
    "段落中未",
    "文中没有",
    "文中未",
    "文档中没有",
    "文档没有",
    "未提及",
    "没有提及",
    "没有提到",
    "没有写出",
    "未写出",
    "无法确定",
    "我不知道",
];

/// Whether a draft says that the answer is not there: it begins with the words
/// that the prompt asks for, or is one short sentence that says so otherwise.
#[must_use]
pub fn is_refusal(draft: &str) -> bool {
    let plain = draft.trim().trim_start_matches(['"', '*', '`', '[', '(']).to_lowercase();
    let told = NOT_FOUND.to_lowercase();
    if plain.starts_with(&told)
        || plain.starts_with("not_found")
        || plain.starts_with("no found")
        || plain.starts_with("未找到")
    {
        return true;
    }
    let short = plain.chars().count() <= 160;
    short && PHRASES.iter().any(|phrase| plain.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_recognised_in_both_languages() {
        for text in [
            "NOT FOUND",
            "NO FOUND",
            "Not found.",
            "\"NOT FOUND\"",
            "The passages do not state the price of the K2 Pro.",
            "段落中没有提到苏州服务中心的门牌地址。",
            "NOT FOUND [1]",
        ] {
            assert!(is_refusal(text), "{text}");
        }
    }

    #[test]
    fn answers_are_not_refusals() {
        for text in [
            "The file was not found because the path is wrong.",
            "Damage by frost is not covered.",
            "不接收寄修件。",
            "",
        ] {
            assert!(!is_refusal(text), "{text}");
        }
    }
}
