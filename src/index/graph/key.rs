//! The rule by which two spellings are the same entity.
//!
//! Two mentions are the same entity when their keys are equal. The key of a
//! mention is made so:
//!
//! 1. compatibility forms (full-width letters, ligatures), case and accents are
//!    folded;
//! 2. words are what stands between spaces and marks; possessives, apostrophes
//!    and the dots of initials vanish (`O'Brien's` is `obrien`, `U.S.` is `us`);
//! 3. a word with digits, underscores or inner capitals is an identifier and
//!    loses its marks (`E-1042` is `e1042`, `max_conn` and `MaxConn` are
//!    `maxconn`), but keeps the dots between digits; a `v` before a version goes;
//! 4. articles in front and the legal form of a company at the end go
//!    (`Quellin GmbH`, `某某有限公司`);
//! 5. the last word loses its English plural;
//! 6. spaces between Chinese characters go.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longer keys are sentences or data, not names.
const MAX_KEY_CHARS: usize = 80;

const ARTICLES: [&str; 3] = ["a", "an", "the"];

const LEGAL_FORMS: [&str; 18] = [
    "ab",
    "ag",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "gmbh",
    "inc",
    "incorporated",
    "kg",
    "limited",
    "llc",
    "llp",
    "ltd",
    "nv",
    "plc",
    "sarl",
];

const CHINESE_LEGAL_FORMS: [&str; 5] = ["股份有限公司", "有限责任公司", "集团有限公司", "有限公司", "股份公司"];

/// The key of the entity that `text` names; `None` when nothing is left of it.
pub(super) fn key_of(text: &str) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for raw in text.split_whitespace() {
        push_words(raw, &mut words);
    }
    let articles = words.iter().take_while(|word| ARTICLES.contains(&word.as_str())).count();
    // A name that is an article (vitamin A) stays what it is.
    if articles < words.len() {
        words.drain(..articles);
    }
    while words.len() > 1 && words.last().is_some_and(|word| LEGAL_FORMS.contains(&word.as_str())) {
        words.pop();
    }
    if let Some(last) = words.last_mut() {
        singular(last);
    }
    let mut key = join(&words);
    for form in CHINESE_LEGAL_FORMS {
        if let Some(name) = key.strip_suffix(form).filter(|name| name.chars().count() > 1) {
            key.truncate(name.len());
            break;
        }
    }
    let chars = key.chars().count();
    (chars > 0 && chars <= MAX_KEY_CHARS).then_some(key)
}

/// Characters that are written without spaces between words.
pub(super) const fn is_han(c: char) -> bool {
    matches!(c, '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether a word names a thing by its form alone: digits among letters, an
/// underscore, inner capitals, `::`.
pub(super) fn is_identifier(word: &str) -> bool {
    let letters = word.chars().any(char::is_alphabetic);
    let digits = word.chars().any(|c| c.is_ascii_digit());
    let dots = word.bytes().filter(|&b| b == b'.').count();
    if word.contains('_') || word.contains("::") {
        return letters;
    }
    if letters && digits {
        // Ordinals and decades are words: 2nd, 1990s.
        let tail = word.trim_start_matches(|c: char| c.is_ascii_digit());
        return !matches!(tail, "st" | "nd" | "rd" | "th" | "s" | "'s");
    }
    (!letters && dots >= 2) || has_inner_capital(word)
}

/// `maxConn`, `HTTPServer`, but not `McDonald` and not `USA`.
fn has_inner_capital(word: &str) -> bool {
    let chars: Vec<char> = word.chars().collect();
    if chars.len() < 4
        || !chars.iter().all(|c| c.is_alphanumeric())
        || word.starts_with("Mc")
        || word.starts_with("Mac")
    {
        return false;
    }
    chars.windows(2).any(|pair| pair[0].is_lowercase() && pair[1].is_uppercase())
}

fn push_words(raw: &str, words: &mut Vec<String>) {
    let identifier = is_identifier(raw.trim_matches(|c: char| !c.is_alphanumeric()));
    let mut word = String::new();
    let mut chars = raw.nfkd().filter(|&c| !is_combining_mark(c)).peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        let apostrophe = matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '`');
        if is_han(c) {
            flush(&mut word, words);
            words.push(c.to_string());
        } else if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        } else if apostrophe && matches!(next, 's' | 'S') && !word.is_empty() {
            chars.next();
            match chars.peek() {
                // L's Theory; but not O'Sullivan.
                Some(follows) if follows.is_alphanumeric() => word.push('s'),
                _ => {}
            }
        } else if c == '.' && before.is_ascii_digit() && next.is_ascii_digit() {
            word.push('.');
        } else if apostrophe || identifier || (c == '.' && is_initial(&word)) {
            // Vanishes, and what stands around it grows together.
        } else {
            flush(&mut word, words);
        }
        before = c;
    }
    flush(&mut word, words);
}

/// Whether the dot after `word` may be one of an initialism (`u.s.`).
fn is_initial(word: &str) -> bool {
    word.chars().count() == 1
        || (word.len() <= 4 && word.chars().all(|c| !matches!(c, 'a' | 'e' | 'i' | 'o' | 'u')))
        || word.len() == 2
}

fn flush(word: &mut String, words: &mut Vec<String>) {
    if word.is_empty() {
        return;
    }
    let mut word = std::mem::take(word);
    if word.strip_prefix('v').is_some_and(|rest| rest.contains('.') && rest.starts_with(|c: char| c.is_ascii_digit())) {
        word.remove(0);
    }
    words.push(word);
}

/// The English rules that are safe without a dictionary; both sides of a
/// comparison go through them, so a wrong one only merges rare words.
fn singular(word: &mut String) {
    let n = word.len();
    if n < 4 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return;
    }
    if word.ends_with("ies") && n > 4 {
        word.truncate(n - 3);
        word.push('y');
    } else if ["sses", "xes", "ches", "shes", "zzes"].iter().any(|end| word.ends_with(end)) {
        word.truncate(n - 2);
    } else if word.ends_with('s') && !["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        word.truncate(n - 1);
    }
}

/// With spaces, but not between Chinese characters.
fn join(words: &[String]) -> String {
    let mut key = String::new();
    for word in words {
        let spaced = match (key.chars().next_back(), word.chars().next()) {
            (Some(last), Some(first)) => !is_han(last) && !is_han(first),
            _ => false,
        };
        if spaced {
            key.push(' ');
        }
        key.push_str(word);
    }
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(texts: &[&str], key: &str) {
        for text in texts {
            assert_eq!(key_of(text).as_deref(), Some(key), "{text}");
        }
    }

    #[test]
    fn case_accents_width_and_marks() {
        check(
            &["Café Noir", "CAFE NOIR", "ｃａｆｅ　ｎｏｉｒ", "café-noir", "“Café Noir”", "the Cafe Noir,"],
            "cafe noir",
        );
        check(&["O'Brien's", "O’Brien", "OBrien"], "obrien");
        check(&["U.S.", "US", "u.s"], "us");
    }

    #[test]
    fn plurals_and_legal_forms() {
        check(&["leak sensors", "Leak Sensor", "leak-sensor"], "leak sensor");
        check(&["Batteries", "battery"], "battery");
        check(&["Quellin GmbH", "Quellin", "Quellin Co. Ltd."], "quellin");
        check(&["bus", "Status of the bus"].map(|s| &s[s.len() - 3..]), "bus");
        check(&["The Company"], "company");
        check(&["上海某某科技有限公司", "上海某某科技", "上海 某某 科技"], "上海某某科技");
    }

    #[test]
    fn identifiers() {
        check(&["E-1042", "E1042", "e-1042", "e 1042".replace(' ', "_").as_str()], "e1042");
        check(&["max_conn", "MaxConn", "maxConn"], "maxconn");
        check(&["v2.3.1", "2.3.1"], "2.3.1");
        check(&["K20 XL"], "k20 xl");
        check(&["tokio::spawn"], "tokiospawn");
    }

    #[test]
    fn mixed_scripts() {
        check(&["H1 网关", "H1网关", "Ｈ１网关"], "h1网关");
    }

    #[test]
    fn nothing_is_no_entity() {
        assert_eq!(key_of("—"), None);
        assert_eq!(key_of(""), None);
        assert_eq!(key_of(&"long ".repeat(40)), None);
        check(&["The"], "the");
    }

    #[test]
    fn identifiers_by_form() {
        for word in ["E-1042", "max_conn", "maxConn", "HTTPServer2", "K20", "2.3.1", "a::b"] {
            assert!(is_identifier(word), "{word}");
        }
        for word in ["Word", "USA", "2nd", "1990s", "1990", "3.5", "McDonald", "well-known", "CD"] {
            assert!(!is_identifier(word), "{word}");
        }
    }

    proptest! {
        #[test]
        fn keys_are_clean(text in "\\PC{0,40}") {
            if let Some(key) = key_of(&text) {
                prop_assert_eq!(key.trim(), &key);
                prop_assert!(!key.contains("  "));
            }
        }
    }
}
