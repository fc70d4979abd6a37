//! Proper names in a question or a sentence, as far as their spelling tells.

use std::collections::HashSet;

use crate::answer::question::is_han;

/// Capitalised words that are no names.
const NO_NAMES: [&str; 24] = [
    "I", "A", "An", "The", "What", "Which", "Who", "Whom", "Whose", "When", "Where", "Why", "How", "Is", "Are", "Was",
    "Were", "Do", "Does", "Did", "Can", "Could", "In", "On",
];

/// Chinese brackets around titles and quoted names.
const QUOTED: [(char, char); 4] = [('《', '》'), ('「', '」'), ('“', '”'), ('『', '』')];

/// The proper names of `text`: capitalised words that do not begin a sentence,
/// words with a capital inside, and what stands in Chinese title marks.
#[must_use]
pub fn names(text: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut begins = true;
    for word in text.split_whitespace() {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric());
        let plain = plain.strip_suffix("'s").or_else(|| plain.strip_suffix("’s")).unwrap_or(plain);
        let latin = !plain.is_empty() && !plain.chars().any(is_han);
        let capital = plain.starts_with(char::is_uppercase);
        let inside = plain.chars().skip(1).any(char::is_uppercase);
        if latin && (inside || capital && !begins) && !NO_NAMES.contains(&plain) {
            found.insert(plain.to_owned());
        }
        begins = word.ends_with(['.', '?', '!', ':']);
    }
    for (open, close) in QUOTED {
        for part in text.split(open).skip(1) {
            if let Some((name, _)) = part.split_once(close)
                && name.chars().count() >= 2
            {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// Names that go on behind an identifier: "K2 Pro" is another thing than the K2, and not any Pro.
#[must_use]
pub fn long_names(text: &str) -> HashSet<String> {
    let words: Vec<&str> = text.split(' ').collect();
    let plain = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let identifier = |word: &str| {
        word.is_ascii()
            && word.chars().any(|c| c.is_ascii_digit())
            && word.starts_with(|c: char| c.is_ascii_uppercase())
    };
    let pairs = words.windows(2).filter(|two| {
        let whole = two[0].ends_with(char::is_alphanumeric) && two[1].starts_with(|c: char| c.is_ascii_uppercase());
        whole && identifier(&plain(two[0])) && plain(two[1]).is_ascii() && plain(two[1]).len() > 1
    });
    pairs.map(|two| format!("{} {}", plain(two[0]), plain(two[1]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_by_their_spelling() {
        for (text, expected) in [
            ("Who did Ada Quell meet in Paris?", &["Ada", "Paris", "Quell"][..]),
            ("What is the iPhone's price? The price is low.", &["iPhone"]),
            ("《战国无双3》是由谁开发的？", &["战国无双3"]),
            ("how long is it", &[]),
        ] {
            let mut found: Vec<String> = names(text).into_iter().collect();
            found.sort();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn names_go_on_behind_an_identifier() {
        let mut found: Vec<String> =
            long_names("The K2 Pro, the A7 (Mini) and the H10 are sold; the A5 Plus costs more.").into_iter().collect();
        found.sort();
        assert_eq!(found, ["A5 Plus", "K2 Pro"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,80}") {
            let _ = (names(&text), long_names(&text));
        }
    }
}
