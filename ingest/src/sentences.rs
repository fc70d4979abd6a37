//! Where sentences begin and end, in English and Chinese, in prose and in Markdown.

use crate::document::Span;

/// Words whose full stop ends no sentence.
const ABBREVIATIONS: &[&str] = &[
    "adm", "approx", "art", "b.c", "ca", "capt", "cf", "ch", "col", "dept", "dr", "e.g", "ed", "eds", "eq", "est",
    "fig", "figs", "gen", "gov", "hon", "i.e", "lt", "maj", "mr", "mrs", "ms", "mt", "no", "nos", "p", "pp", "prof",
    "ref", "refs", "rep", "rev", "sec", "sen", "sgt", "st", "tab", "v", "viz", "vol", "vs", "z.b", "jan", "feb", "mar",
    "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
];

/// Words whose full stop ends a sentence only when the next word begins one.
const MAYBE_LAST: &[&str] = &["al", "bros", "co", "corp", "etc", "inc", "jr", "ltd", "sr", "a.m", "p.m"];

/// The sentences of `text`, in order: trimmed spans that together hold every
/// byte that is not white space. Headings, list items and table rows are units
/// of their own; a single line break inside a paragraph ends nothing.
#[must_use]
pub fn sentences(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    for unit in units(text) {
        if unit.prose {
            split_prose(text, unit.span, &mut spans);
        } else {
            push_trimmed(text, unit.span, &mut spans);
        }
    }
    spans
}

/// The part of a text still being written that no further word can change: up
/// to the end of the last sentence that another one follows.
#[must_use]
pub fn complete_sentences(text: &str) -> &str {
    let spans = sentences(text);
    match spans.as_slice() {
        [.., last_complete, _] => &text[..last_complete.end],
        _ => "",
    }
}

/// A paragraph, list item, table row or heading.
struct Unit {
    span: Span,
    prose: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Blank,
    Heading,
    Row,
    Item,
    Fence,
    Other,
}

fn kind(line: &str) -> Line {
    let line = line.trim_start().trim_start_matches("> ").trim_start();
    if line.trim().is_empty() {
        return Line::Blank;
    }
    if line.starts_with("```") || line.starts_with("~~~") {
        return Line::Fence;
    }
    if line.starts_with('|') {
        return Line::Row;
    }
    let hashes = line.len() - line.trim_start_matches('#').len();
    if (1..=6).contains(&hashes) && line[hashes..].starts_with([' ', '\t']) {
        return Line::Heading;
    }
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let numbered =
        (1..=3).contains(&digits) && line[digits..].starts_with(['.', ')']) && line[digits + 1..].starts_with(' ');
    let bulleted = ["- ", "* ", "+ ", "• ", "– ", "· "].iter().any(|bullet| line.starts_with(bullet));
    let chinese = line.starts_with('•') || line.starts_with('●');
    if numbered || bulleted || chinese { Line::Item } else { Line::Other }
}

fn units(text: &str) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut open: Option<usize> = None;
    let mut fenced = false;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let (start, end) = (offset, offset + line.len());
        offset = end;
        let kind = kind(line);
        let close = |open: &mut Option<usize>, units: &mut Vec<Unit>| {
            if let Some(begin) = open.take() {
                units.push(Unit { span: Span::new(begin, start), prose: true });
            }
        };
        match kind {
            Line::Fence => {
                close(&mut open, &mut units);
                units.push(Unit { span: Span::new(start, end), prose: false });
                fenced = !fenced;
            }
            _ if fenced => units.push(Unit { span: Span::new(start, end), prose: false }),
            Line::Blank => close(&mut open, &mut units),
            Line::Heading | Line::Row => {
                close(&mut open, &mut units);
                units.push(Unit { span: Span::new(start, end), prose: false });
            }
            Line::Item => {
                close(&mut open, &mut units);
                open = Some(start);
            }
            Line::Other => {
                open.get_or_insert(start);
            }
        }
    }
    if let Some(begin) = open {
        units.push(Unit { span: Span::new(begin, text.len()), prose: true });
    }
    units
}

fn split_prose(text: &str, unit: Span, spans: &mut Vec<Span>) {
    let source = &text[unit.start..unit.end];
    let chars: Vec<(usize, char)> = source.char_indices().collect();
    let at = |i: usize| chars.get(i).map(|&(_, c)| c);
    let offset = |i: usize| chars.get(i).map_or(source.len(), |&(o, _)| o);
    // The number of an ordered item is no sentence.
    let mut i = leading_marker(&chars);
    let mut start = 0;
    while i < chars.len() {
        let c = chars[i].1;
        let cjk_stop = matches!(c, '。' | '！' | '？' | '｡');
        if !cjk_stop && !matches!(c, '.' | '!' | '?' | '…') {
            i += 1;
            continue;
        }
        let stop = i;
        let mut end = i + 1;
        while at(end).is_some_and(|c| matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？')) {
            end += 1;
        }
        end = closers(&chars, end);
        i = end;
        if !cjk_stop {
            let next = at(end);
            let gap = next.is_none_or(char::is_whitespace);
            if !gap && !next.is_some_and(is_cjk) {
                continue;
            }
            if c == '…' && !gap {
                continue;
            }
            let follower = (end..chars.len()).map(|j| chars[j].1).find(|c| !c.is_whitespace() && !is_opener(*c));
            if c == '.' && end == stop + 1 && !ends_at(&source[..offset(stop)], follower) {
                continue;
            }
            if matches!(c, '.' | '…') && follower.is_some_and(char::is_lowercase) {
                continue;
            }
        }
        push_trimmed(text, Span::new(unit.start + offset(start), unit.start + offset(end)), spans);
        start = end;
    }
    push_trimmed(text, Span::new(unit.start + offset(start), unit.end), spans);
}

/// How many characters the marker of a list item takes.
fn leading_marker(chars: &[(usize, char)]) -> usize {
    let blank = chars.iter().take_while(|(_, c)| c.is_whitespace() || *c == '>').count();
    let digits = chars[blank..].iter().take_while(|(_, c)| c.is_ascii_digit()).count();
    let stop = chars.get(blank + digits).map(|&(_, c)| c);
    if digits > 0 && digits <= 3 && matches!(stop, Some('.' | ')')) { blank + digits + 1 } else { blank }
}

/// The end of the closing quotes, brackets, emphasis and reference marks from `end` on.
fn closers(chars: &[(usize, char)], mut end: usize) -> usize {
    let at = |i: usize| chars.get(i).map(|&(_, c)| c);
    loop {
        match at(end) {
            Some('"' | '\'' | '”' | '’' | '»' | ')' | ']' | '）' | '」' | '』' | '》' | '】' | '*' | '_' | '`') => {
                end += 1
            }
            Some('[') => match reference(chars, end) {
                Some(after) => end = after,
                None => return end,
            },
            Some(' ') => match reference(chars, end + 1) {
                Some(after) => end = after,
                None => return end,
            },
            _ => return end,
        }
    }
}

/// The end of a reference mark such as `[1]`, `[2, 3]` or `[^note]` at `start`.
fn reference(chars: &[(usize, char)], start: usize) -> Option<usize> {
    if chars.get(start)?.1 != '[' {
        return None;
    }
    let inside: Vec<char> = chars[start + 1..].iter().map(|&(_, c)| c).take_while(|&c| c != ']').take(25).collect();
    let footnote = inside.first() == Some(&'^');
    let numbers = !inside.is_empty() && inside.iter().all(|c| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-' | '–'));
    let end = start + 1 + inside.len();
    (inside.len() <= 24 && (footnote || numbers) && chars.get(end)?.1 == ']').then_some(end + 1)
}

/// Whether the full stop after `before` ends a sentence that `follower` continues or not.
fn ends_at(before: &str, follower: Option<char>) -> bool {
    let word = before
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '"' | '“' | '[' | '（'))
        .next()
        .unwrap_or_default();
    let lower = word.trim_matches(['*', '_', '\'', '‘']).to_lowercase();
    if MAYBE_LAST.contains(&lower.as_str()) || is_dotted(&lower) {
        return follower.is_none_or(|c| c.is_uppercase() || is_cjk(c)) && !is_dotted_title(&lower, follower);
    }
    if ABBREVIATIONS.contains(&lower.as_str()) {
        // "No." alone is an answer; before a number it is an abbreviation.
        return lower == "no" && !follower.is_some_and(|c| c.is_ascii_digit());
    }
    let mut letters = word.chars();
    let initial = matches!((letters.next(), letters.next()), (Some(c), None) if c.is_uppercase() && c != 'I');
    !initial
}

/// "u.s", "u.k", "d.c": single letters with full stops between them.
fn is_dotted(word: &str) -> bool {
    word.contains('.') && word.split('.').all(|part| part.chars().count() == 1 && part.chars().all(char::is_alphabetic))
}

/// After "U.S." a capital letter is more often a name than a new sentence.
fn is_dotted_title(word: &str, follower: Option<char>) -> bool {
    is_dotted(word) && !MAYBE_LAST.contains(&word) && follower.is_some_and(|c| !is_cjk(c))
}

const fn is_opener(c: char) -> bool {
    matches!(c, '"' | '\'' | '“' | '‘' | '(' | '[' | '*' | '_' | '`' | '（' | '「' | '《')
}

const fn is_cjk(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

fn push_trimmed(text: &str, span: Span, spans: &mut Vec<Span>) {
    let source = &text[span.start..span.end];
    let start = span.start + (source.len() - source.trim_start().len());
    let end = start + source.trim().len();
    if start < end {
        spans.push(Span::new(start, end));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = sentences(text).into_iter().map(|s| &text[s.start..s.end]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn english_prose() {
        check("One ends. Two ends! Three?", &["One ends.", "Two ends!", "Three?"]);
        check(
            "Dr. Smith paid $3.50 to J. Doe, e.g. for v2.3.1. He left.",
            &["Dr. Smith paid $3.50 to J. Doe, e.g. for v2.3.1.", "He left."],
        );
        check(
            "See Fig. 3 and No. 5. It is at example.com/a.b. Done.",
            &["See Fig. 3 and No. 5.", "It is at example.com/a.b.", "Done."],
        );
        check(
            "The U.S. Army came. They met Apple Inc. The end.",
            &["The U.S. Army came.", "They met Apple Inc.", "The end."],
        );
        check(
            "He said \"Stop.\" Then he left.[12] She stayed. [3] End.",
            &["He said \"Stop.\"", "Then he left.[12]", "She stayed. [3]", "End."],
        );
        check("a line\nbreak is nothing. Next", &["a line\nbreak is nothing.", "Next"]);
    }

    #[test]
    fn chinese_prose() {
        check("保修期为24个月。电池除外！为什么？", &["保修期为24个月。", "电池除外！", "为什么？"]);
        check("他说：“不行。”然后走了。", &["他说：“不行。”", "然后走了。"]);
        check("版本 2.5 起支持；之前不支持。See v1.2. 完", &["版本 2.5 起支持；之前不支持。", "See v1.2.", "完"]);
    }

    #[test]
    fn markdown_units() {
        check(
            "# Title. More\n\n- one. two\n  goes on\n- three\n\n| a | b |\n|---|---|\n| 1. | 2 |\n1. First. Second.",
            &[
                "# Title. More",
                "- one. two\n  goes on",
                "- three",
                "| a | b |",
                "|---|---|",
                "| 1. | 2 |",
                "1. First.",
                "Second.",
            ],
        );
    }

    #[test]
    fn complete_is_what_another_sentence_follows() {
        assert_eq!(complete_sentences("One. Two. Thr"), "One. Two.");
        assert_eq!(complete_sentences("It costs 3."), "");
        assert_eq!(complete_sentences("一。二"), "一。");
    }

    proptest! {
        #[test]
        fn spans_hold_every_visible_byte_once(text in "[a-zA-Z0-9 .!?。！？|#\\-*\n\"“”\\[\\]保修期，；…]{0,80}") {
            let spans = sentences(&text);
            let mut end = 0;
            for span in &spans {
                prop_assert!(span.start >= end && span.start < span.end);
                prop_assert!(text[end..span.start].trim().is_empty());
                prop_assert_eq!(text[span.start..span.end].trim().len(), span.len());
                end = span.end;
            }
            prop_assert!(text[end..].trim().is_empty());
        }
    }
}
