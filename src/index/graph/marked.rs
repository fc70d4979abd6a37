//! What the author marked as a name: quotation marks, title brackets, code
//! spans, links.

use super::key::is_han;
use super::kind::{EntityKind, Found};

/// Opening and closing marks, and the characters allowed between them.
const MARKS: [(char, char, usize); 8] = [
    ('《', '》', 40),
    ('〈', '〉', 40),
    ('「', '」', 24),
    ('『', '』', 24),
    ('【', '】', 24),
    ('“', '”', 40),
    ('"', '"', 40),
    ('`', '`', 40),
];

/// Words of a quoted name at most; more is a quotation.
const MAX_WORDS: usize = 6;

/// Characters of a quoted Chinese name at most, but for titles of works.
const MAX_HAN: usize = 12;

/// Names in marks in `text`.
pub(super) fn quoted(text: &str, found: &mut Vec<Found>) {
    let mut at = 0;
    while let Some((open, mark)) =
        text[at..].char_indices().find_map(|(i, c)| Some((at + i, *MARKS.iter().find(|m| m.0 == c)?)))
    {
        let inside = &text[open + mark.0.len_utf8()..];
        let close = inside.char_indices().take(mark.2 + 1).find(|&(_, c)| c == mark.1 || c == '\n');
        at = open + mark.0.len_utf8();
        // 3" is a length, and a mark before a space closes.
        if mark.0 == '"' && (text[..open].ends_with(char::is_alphanumeric) || inside.starts_with(char::is_whitespace)) {
            continue;
        }
        let Some((close, _)) = close.filter(|&(_, c)| c == mark.1) else { continue };
        let name = inside[..close].trim();
        if is_name(name, mark.0) {
            let kind = if mark.0 == '`' { EntityKind::Identifier } else { EntityKind::Quoted };
            found.push(Found::new(name, kind));
        }
        at += close + mark.1.len_utf8();
    }
}

fn is_name(name: &str, mark: char) -> bool {
    let work = matches!(mark, '《' | '〈');
    let han = name.chars().filter(|&c| is_han(c)).count();
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    letters > 1
        && (work || han <= MAX_HAN)
        && name.split_whitespace().count() <= MAX_WORDS
        && !name.contains(['。', '！', '？', '；', '!', '?', ';', '{', '}', '='])
        && !(mark != '`' && name.ends_with(['.', ',', '，']))
}

/// Targets of links to other documents in Markdown source: `[[Target#part|label]]`
/// and `[label](path.md)`. Links to the web are no entities.
pub(super) fn links(source: &str, found: &mut Vec<Found>) {
    for part in source.split("[[").skip(1) {
        let Some((target, _)) = part.split_once("]]") else { continue };
        let target = target.split(['|', '#', '\n']).next().unwrap_or_default();
        link(target, found);
    }
    for part in source.split("](").skip(1) {
        let Some((target, _)) = part.split_once(')') else { continue };
        let target = target.split(['#', ' ', '\n']).next().unwrap_or_default();
        link(target, found);
    }
}

/// The document that a link leads to.
pub(super) fn link(target: &str, found: &mut Vec<Found>) {
    let name = file_name(target);
    let elsewhere = target.contains("://") || target.starts_with("mailto:");
    if !name.is_empty() && !elsewhere {
        found.push(Found { label: name, kind: EntityKind::Link });
    }
}

/// What a path calls its document: the stem of the file name, with spaces.
pub(super) fn file_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let stem = match name.rsplit_once('.') {
        // A dot within a title is no extension.
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= 5 && !extension.contains(' ') => stem,
        _ => name,
    };
    stem.replace("%20", " ").replace(['_', '-', '+'], " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(find: fn(&str, &mut Vec<Found>), text: &str) -> Vec<String> {
        let mut found = Vec::new();
        find(text, &mut found);
        found.into_iter().map(|f| f.label).collect()
    }

    #[test]
    fn quoted_names() {
        let text = "基于《跑跑卡丁车》与“泡泡堂”，他说：“我们明天再来。”press `Hold` or \"Factory reset\" in 【设置】";
        assert_eq!(labels(quoted, text), ["跑跑卡丁车", "泡泡堂", "Hold", "Factory reset", "设置"]);
        assert!(labels(quoted, "an inch (3\") and 5\" wide\nx").is_empty());
    }

    #[test]
    fn link_targets() {
        let text = "see [[Leak sensor#Cells|cells]], [API](../docs/cli-and-api.md#top) and [web](https://a.b/c.md), [x](#here)";
        assert_eq!(labels(links, text), ["Leak sensor", "cli and api"]);
    }

    #[test]
    fn file_names() {
        assert_eq!(file_name("a/b/k-series_manual.pdf"), "k series manual");
        assert_eq!(file_name("St. John"), "St. John");
        assert_eq!(file_name("错误代码.md"), "错误代码");
    }
}
