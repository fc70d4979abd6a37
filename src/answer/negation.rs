//! Whether a text denies something, in English and Chinese.

/// Chinese words with a negative character that deny nothing.
const NO_DENIAL: [&str; 14] = [
    "不同",
    "不仅",
    "不但",
    "不锈",
    "不断",
    "不少于",
    "不超过",
    "不过",
    "未来",
    "不久",
    "差不多",
    "不管",
    "不论",
    "不锈钢",
];

/// Words that deny; a Chinese word counts by its first character.
const DENIALS: [&str; 16] = [
    "not", "no", "never", "neither", "nor", "without", "cannot", "none", "不", "没", "未", "无", "非", "别", "勿", "否",
];

/// Whether `text` denies something.
#[must_use]
pub fn denies(text: &str) -> bool {
    const ENGLISH: [&str; 10] =
        ["not", "no", "never", "cannot", "none", "neither", "nor", "without", "nothing", "nobody"];
    const CHINESE: [&str; 9] = ["不", "没", "无法", "未", "勿", "禁止", "切勿", "并非", "无需"];
    let lower = text.to_lowercase().replace('’', "'");
    lower.contains("n't")
        || lower.split(|c: char| !c.is_alphanumeric()).any(|word| ENGLISH.contains(&word))
        || CHINESE.iter().any(|word| lower.contains(word))
}

/// Whether `text` denies something; words such as 不同 do not.
#[must_use]
pub fn negative(text: &str) -> bool {
    let mut text = text.to_owned();
    for word in NO_DENIAL {
        text = text.replace(word, "");
    }
    denies(&text)
}

/// Whether a word, or a Chinese character, denies.
#[must_use]
pub fn is_denial(word: &str) -> bool {
    DENIALS.contains(&word) || word.ends_with("n't")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_are_seen() {
        for text in ["It does not detect water.", "It doesn't.", "It cannot.", "不可以使用。", "没有计量认证。"]
        {
            assert!(denies(text), "{text}");
        }
        for text in ["It detects water.", "Notes are kept.", "可以使用。"] {
            assert!(!denies(text), "{text}");
        }
    }
}
