//! What the first words of a line say of it: list items, captions, numbered
//! headings, entries of a table of contents.

use super::script;

/// How a list item begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A sign that stands for nothing else.
    Bullet,
    /// A dash or an asterisk, which may also be part of running text.
    Dash,
    /// A number or letter with a dot or bracket.
    Number,
    /// The number of a reference in square brackets.
    Reference,
}

/// The marker that `text` begins with.
pub fn marker(text: &str) -> Option<Marker> {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut chars = first.chars();
    let sign = chars.next()?;
    if script::is_bullet(sign) {
        let dash = matches!(sign, '-' | '–' | '—' | '*' | '·' | '\u{2212}');
        return match (dash, chars.next()) {
            (false, _) => Some(Marker::Bullet),
            (true, None) if !rest.is_empty() => Some(Marker::Dash),
            (true, _) => None,
        };
    }
    if sign == char::REPLACEMENT_CHARACTER && chars.next().is_none() && !rest.is_empty() {
        // Bullets are what is most often drawn with signs that have no name.
        return Some(Marker::Bullet);
    }
    if ('①'..='⑳').contains(&sign) {
        return Some(Marker::Number);
    }
    if let Some((label, _)) = first.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let numbered = !label.is_empty() && label.len() <= 4 && label.chars().all(|c| c.is_ascii_digit());
        return numbered.then_some(Marker::Reference);
    }
    let open = first.starts_with(['(', '（']);
    let inner = first.trim_start_matches(['(', '（']);
    let label: String = inner.chars().take_while(|c| c.is_alphanumeric()).collect();
    let close = inner[label.len()..].chars().next();
    let after = inner[label.len()..].chars().nth(1);
    let closed = match close {
        Some(')' | '）') => true,
        Some('.' | '、' | '．') => !open && !after.is_some_and(char::is_alphanumeric) || close != Some('.'),
        _ => false,
    };
    (closed && is_short_number(&label) && (after.is_some() || !rest.is_empty())).then_some(Marker::Number)
}

/// A number of up to three digits, a letter, a small Roman or Chinese numeral.
fn is_short_number(label: &str) -> bool {
    let count = label.chars().count();
    let all = |f: fn(char) -> bool| label.chars().all(f);
    count > 0
        && (count <= 3 && all(|c| c.is_ascii_digit())
            || count == 1 && all(|c| c.is_ascii_alphabetic())
            || count <= 5 && (all(|c| "ivx".contains(c)) || all(|c| "IVX".contains(c)))
            || count <= 3 && all(is_chinese_digit))
}

fn is_chinese_digit(c: char) -> bool {
    "一二三四五六七八九十百零〇".contains(c)
}

/// The depth of a heading's number: 1 for "3" or "第三章", 2 for "3.1" and so
/// on; `None` if `text` begins with no such number or has nothing after it.
pub fn numbering_depth(text: &str) -> Option<u8> {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let lower = first.to_lowercase();
    if matches!(lower.as_str(), "chapter" | "part" | "appendix" | "kapitel" | "teil" | "anhang" | "item" | "article") {
        let label = rest.split(' ').next().unwrap_or_default().trim_end_matches(['.', ':']);
        return (!label.is_empty()
            && label.len() <= 4
            && (is_short_number(label) || label.chars().any(|c| c.is_ascii_digit())))
        .then_some(1);
    }
    if let Some(chinese) = text.strip_prefix('第') {
        let number: String =
            chinese.chars().take_while(|c| is_chinese_digit(*c) || c.is_ascii_digit() || *c == ' ').collect();
        let unit = chinese[number.len()..].chars().next();
        return match unit {
            Some('章' | '编' | '篇' | '部') if !number.is_empty() => Some(1),
            Some('节') if !number.is_empty() => Some(2),
            _ => None,
        };
    }
    let chinese: String = text.chars().take_while(|c| is_chinese_digit(*c)).collect();
    if !chinese.is_empty() && text[chinese.len()..].starts_with(['、', '．']) {
        return Some(1);
    }
    if let Some(inner) = text.strip_prefix(['（', '('])
        && let Some(end) = inner.find(['）', ')'])
        && end > 0
        && inner[..end].chars().all(is_chinese_digit)
    {
        return Some(2);
    }
    let digits: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let parts: Vec<&str> = digits.trim_end_matches('.').split('.').collect();
    let after = text[digits.len()..].chars().next()?;
    let numbered = parts.iter().all(|part| (1..=3).contains(&part.len())) && parts.len() <= 5;
    let separated = after == ' ' || after == '、' || script::is_unspaced(after);
    (numbered && separated).then_some(parts.len() as u8)
}

/// Whether `text` is the caption of a figure, table or listing.
pub fn is_caption(text: &str) -> bool {
    const NAMES: [&str; 22] = [
        "figure",
        "fig.",
        "fig",
        "table",
        "tab.",
        "abbildung",
        "abb.",
        "tabelle",
        "listing",
        "algorithm",
        "exhibit",
        "chart",
        "scheme",
        "plate",
        "box",
        "图表",
        "图",
        "表",
        "圖",
        "그림",
        "표",
        "附图",
    ];
    let lower = text.to_lowercase();
    let Some(rest) = NAMES.iter().find_map(|name| lower.strip_prefix(name)) else { return false };
    let rest = rest.trim_start();
    let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '–')).collect();
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let after = rest[number.len()..].trim_start();
    // "Figure 3 shows" is a sentence; "Figure 3. Shows" and "图3 结构" are captions.
    let marked = number.ends_with('.') || after.starts_with([':', '：', '|', '—', '–', '-', '.']);
    let short = script::width(text) <= 90 && !script::ends_sentence(text);
    let titled = text
        .chars()
        .rev()
        .take(after.chars().count())
        .last()
        .is_some_and(|c| c.is_uppercase() || script::is_unspaced(c));
    marked || after.is_empty() || (short && titled)
}

/// Whether `text` is an entry of a table of contents: dots lead to a number.
pub fn is_contents_entry(text: &str) -> bool {
    let body = text.trim_end_matches(|c: char| c.is_alphanumeric() || c == ' ');
    let dots = body.chars().rev().take_while(|c| is_leader(*c) || *c == ' ').filter(|c| is_leader(*c)).count();
    let number = text[body.len()..].trim();
    dots >= 3 && !number.is_empty() && number.len() <= 6
}

/// Whether `text` is the heading of a table of contents.
pub fn is_contents_title(text: &str) -> bool {
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    matches!(
        letters.as_str(),
        "contents"
            | "tableofcontents"
            | "inhalt"
            | "inhaltsverzeichnis"
            | "目录"
            | "目次"
            | "sommaire"
            | "índice"
            | "indice"
            | "차례"
            | "목차"
    )
}

/// Whether a word is part of the dots that lead to a page number.
pub fn is_leader_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_leader)
}

fn is_leader(c: char) -> bool {
    matches!(c, '.' | '…' | '·' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_list_markers() {
        assert_eq!(marker("• First"), Some(Marker::Bullet));
        assert_eq!(marker("•First"), Some(Marker::Bullet));
        assert_eq!(marker("- a dash"), Some(Marker::Dash));
        assert_eq!(marker("-5 degrees"), None);
        assert_eq!(marker("1. First"), Some(Marker::Number));
        assert_eq!(marker("(iv) Fourth"), Some(Marker::Number));
        assert_eq!(marker("1）第一"), Some(Marker::Number));
        assert_eq!(marker("一、总则"), Some(Marker::Number));
        assert_eq!(marker("3.5 percent"), None);
        assert_eq!(marker("2024. It was"), None);
        assert_eq!(marker("[12] Smith"), Some(Marker::Reference));
    }

    #[test]
    fn knows_numbered_headings() {
        assert_eq!(numbering_depth("3 Results"), Some(1));
        assert_eq!(numbering_depth("3.1.2 Results"), Some(3));
        assert_eq!(numbering_depth("第三章 结果"), Some(1));
        assert_eq!(numbering_depth("一、总则"), Some(1));
        assert_eq!(numbering_depth("（二）范围"), Some(2));
        assert_eq!(numbering_depth("Chapter 4"), Some(1));
        assert_eq!(numbering_depth("Results"), None);
        assert_eq!(numbering_depth("12345 Results"), None);
    }

    #[test]
    fn knows_captions() {
        assert!(is_caption("Figure 3: The system"));
        assert!(is_caption("Table 2. Results"));
        assert!(is_caption("图3 系统结构"));
        assert!(!is_caption("Figure 3 shows that it works."));
        assert!(!is_caption("Tables are useful"));
    }

    #[test]
    fn knows_contents_entries() {
        assert!(is_contents_entry("1 Introduction . . . . . . 5"));
        assert!(is_contents_entry("Preface......xii"));
        assert!(!is_contents_entry("He waited... 5 minutes passed"));
        assert!(!is_contents_entry("It was 1999."));
    }
}
