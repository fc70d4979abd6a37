//! Where sentences begin and end, in English and Chinese, in prose and in Markdown.

use crate::document::Span;

/// Words whose full stop ends no sentence, whatever follows.
const NEVER_LAST: &[&str] = &[
    "approx", "b.c", "ca", "cf", "dr", "e.g", "eds", "figs", "hon", "i.e", "messrs", "mr", "mrs", "ms", "nos", "pp",
    "prof", "refs", "v", "viz", "vs", "z.b",
];

/// Titles, and parts of names: their full stop ends no sentence when they are
/// written with a capital letter and one follows.
const TITLES: &[&str] = &[
    "adm", "capt", "col", "dept", "fr", "ft", "gen", "gov", "lt", "maj", "mt", "pres", "rep", "rev", "sen", "sgt",
    "st", "supt",
];

/// Words whose full stop ends no sentence before a number: "Fig. 3", "No. 5", "Jan. 2".
const BEFORE_NUMBERS: &[&str] = &[
    "apr", "art", "aug", "ch", "dec", "ed", "eq", "est", "feb", "fig", "jan", "jul", "jun", "mar", "no", "nov", "oct",
    "p", "par", "pt", "ref", "sec", "sep", "sept", "tab", "vol",
];

/// Words whose full stop ends a sentence only when the next word begins one.
const MAYBE_LAST: &[&str] = &["al", "bros", "co", "corp", "etc", "inc", "jr", "ltd", "sr", "a.m", "p.m"];

/// Words that begin sentences far more often than they are part of a name, so
/// that even after "U.S." or an initial a sentence ends before them.
const STARTERS: &[&str] = &[
    "A", "After", "All", "An", "And", "Are", "As", "At", "Before", "But", "By", "Can", "Do", "Does", "During", "Each",
    "For", "From", "He", "Her", "Here", "His", "How", "However", "If", "In", "Is", "It", "Its", "Many", "Most", "My",
    "No", "Not", "On", "Or", "Our", "She", "Since", "So", "Some", "Such", "That", "The", "Their", "Then", "There",
    "These", "They", "This", "Those", "Thus", "To", "Under", "Use", "We", "What", "When", "Where", "Which", "While",
    "Who", "Why", "With", "You", "Your",
];

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
    /// A heading, a table row or the first line of a callout: a unit by itself.
    Single,
    Item,
    Fence,
    /// The line under a heading, or a rule between paragraphs.
    Rule,
    Other,
}

fn kind(line: &str) -> Line {
    let line = line.trim();
    let quoted = line.starts_with('>');
    let line = line.trim_start_matches("> ").trim_start();
    if line.is_empty() {
        return Line::Blank;
    }
    if line.starts_with("```") || line.starts_with("~~~") {
        return Line::Fence;
    }
    let hashes = line.len() - line.trim_start_matches('#').len();
    let heading = (1..=6).contains(&hashes) && line[hashes..].starts_with([' ', '\t']);
    if heading || line.starts_with('|') || quoted && line.starts_with("[!") {
        return Line::Single;
    }
    if ['=', '-', '*', '_'].iter().any(|&mark| line.len() >= 2 && line.chars().all(|c| c == mark)) {
        return Line::Rule;
    }
    if is_item(line) { Line::Item } else { Line::Other }
}

/// Whether a line begins with the mark of a list item: "- ", "3. ", "2) ", "4、", "（一）", "①".
fn is_item(line: &str) -> bool {
    let Some(first) = line.chars().next() else { return false };
    let bulleted = ["- ", "* ", "+ ", "– ", "· "].iter().any(|bullet| line.starts_with(bullet));
    if bulleted || matches!(first, '•' | '●' | '▪' | '■' | '◆' | '①'..='⑳') {
        return true;
    }
    let after_digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = line.len() - after_digits.len();
    let numbered = after_digits.starts_with('、')
        || after_digits.starts_with(['.', ')']) && after_digits[1..].starts_with([' ', '\t']);
    if (1..=3).contains(&digits) && numbered {
        return true;
    }
    // At most three numerals in full-width brackets.
    line.strip_prefix('（').and_then(|rest| rest.split_once('）')).is_some_and(|(inside, _)| {
        (1..=3).contains(&inside.chars().count())
            && inside.chars().all(|c| c.is_ascii_digit() || "一二三四五六七八九十".contains(c))
    })
}

fn units(text: &str) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut open: Option<usize> = None;
    let mut fenced = begins_inside_code(text);
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let (start, end) = (offset, offset + line.len());
        offset = end;
        let kind = kind(line);
        let alone = Unit { span: Span::new(start, end), prose: false };
        let inside = fenced && kind != Line::Fence;
        if !inside && kind == Line::Rule {
            // An underlined heading is one unit with its underline.
            let begin = open.take().unwrap_or(start);
            units.push(Unit { span: Span::new(begin, end), prose: false });
            continue;
        }
        if inside || matches!(kind, Line::Blank | Line::Single | Line::Item | Line::Fence) {
            units.extend(open.take().map(|begin| Unit { span: Span::new(begin, start), prose: true }));
        }
        match kind {
            Line::Fence => {
                units.push(alone);
                fenced = !fenced;
            }
            _ if fenced => units.push(alone),
            Line::Single => units.push(alone),
            Line::Item => open = Some(start),
            Line::Other => drop(open.get_or_insert(start)),
            Line::Blank | Line::Rule => {}
        }
    }
    units.extend(open.map(|begin| Unit { span: Span::new(begin, text.len()), prose: true }));
    units
}

/// Whether the text is cut out of a document in the middle of a code block: its
/// first fence is bare and follows a line that is not blank, as closing ones do.
fn begins_inside_code(text: &str) -> bool {
    let fences = text.lines().filter(|line| kind(line) == Line::Fence).count();
    let mut above = "";
    for line in text.lines() {
        if kind(line) == Line::Fence {
            let bare = line.trim().chars().all(|c| matches!(c, '`' | '~'));
            return fences % 2 == 1 && bare && !above.trim().is_empty();
        }
        above = line;
    }
    false
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
            let next = Follower::of(&source[offset(end)..]);
            if next.continues() || c == '.' && end == stop + 1 && !ends_at(&source[..offset(stop)], &next) {
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
            Some('"' | '\'' | '”' | '’' | '»' | ')' | ']' | '）' | '」' | '』' | '》' | '】' | '*' | '_' | '`') =>
            {
                end += 1;
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

/// What comes after a full stop.
struct Follower<'a> {
    /// The next word, without opening quotes and brackets.
    word: &'a str,
    /// Whether it stands in a code span, whose case says nothing.
    code: bool,
}

impl<'a> Follower<'a> {
    fn of(rest: &'a str) -> Self {
        let word = rest.trim_start_matches(|c: char| c.is_whitespace() || is_opener(c));
        let code = rest[..rest.len() - word.len()].ends_with('`');
        let end = word.find(|c: char| !c.is_alphanumeric() && c != '\'').unwrap_or(word.len());
        Self { word: &word[..end], code }
    }

    fn first(&self) -> Option<char> {
        self.word.chars().next()
    }

    /// A small letter goes on with the sentence, unless it is the first of code or of a name like "iPhone".
    fn continues(&self) -> bool {
        self.first().is_some_and(char::is_lowercase) && !self.code && !self.word.chars().any(char::is_uppercase)
    }

    fn is_number(&self) -> bool {
        self.first().is_some_and(char::is_numeric)
    }

    /// "A", "S2", "IV": what figures and sections are called.
    fn is_label(&self) -> bool {
        (1..=3).contains(&self.word.len()) && self.word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    }

    fn begins_a_sentence(&self) -> bool {
        self.word.is_empty() || self.first().is_some_and(is_cjk) || STARTERS.contains(&self.word)
    }
}

/// Whether the full stop between `before` and `next` ends a sentence.
fn ends_at(before: &str, next: &Follower<'_>) -> bool {
    let word = before
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '"' | '“' | '[' | '（') || is_cjk(c))
        .next()
        .unwrap_or_default()
        .trim_matches(['*', '_', '\'', '‘', '`']);
    let lower = word.to_lowercase();
    let known = |words: &[&str]| words.contains(&lower.as_str());
    let capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    if known(NEVER_LAST) {
        return false;
    }
    if known(MAYBE_LAST) {
        return next.word.is_empty() || capital(next.word) || next.first().is_some_and(is_cjk);
    }
    if known(TITLES) && capital(word) && capital(next.word) {
        return next.begins_a_sentence();
    }
    let labelled = known(&["ch", "eq", "fig", "sec", "tab"]) && capital(word) && next.is_label();
    if labelled || known(BEFORE_NUMBERS) && next.is_number() {
        return false;
    }
    let mut letters = word.chars();
    let initial =
        matches!((letters.next(), letters.next()), (Some(c), None) if c.is_uppercase() && c != 'I' && !is_cjk(c));
    // After "U.S." or "J." a capital letter is more often a name than a new sentence.
    if initial || is_dotted(&lower) {
        return next.begins_a_sentence();
    }
    true
}

/// "u.s", "u.k", "d.c": single letters with full stops between them.
fn is_dotted(word: &str) -> bool {
    word.contains('.') && word.split('.').all(|part| part.chars().count() == 1 && part.chars().all(char::is_alphabetic))
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
    fn abbreviations_depend_on_what_follows() {
        check(
            "Open a new tab. Then try modern art. See Art. 5 and Fig. S2.",
            &["Open a new tab.", "Then try modern art.", "See Art. 5 and Fig. S2."],
        );
        check(
            "He lives in the U.S. The flat is small. St. Paul met Gen. Lee.",
            &["He lives in the U.S.", "The flat is small.", "St. Paul met Gen. Lee."],
        );
        check(
            "It failed with etc. in it. Pick plan B. This helps.",
            &["It failed with etc. in it.", "Pick plan B.", "This helps."],
        );
        check(
            "\"Stop!\" he said. It is done. `foo` stays. iPhone too.",
            &["\"Stop!\" he said.", "It is done.", "`foo` stays.", "iPhone too."],
        );
        check("Is it covered? No. The battery is not.", &["Is it covered?", "No.", "The battery is not."]);
    }

    #[test]
    fn parts_of_code_blocks_are_known_by_their_fence() {
        check("let a;\nlet b;\n```\n\nIt goes\non here.", &["let a;", "let b;", "```", "It goes\non here."]);
        check("So:\n\n```\nlet a;\nlet b;", &["So:", "```", "let a;", "let b;"]);
    }

    #[test]
    fn units_of_other_markup() {
        check("Title\n=====\nText goes\non.\n\n---\nEnd", &["Title\n=====", "Text goes\non.", "---", "End"]);
        check("> [!NOTE]\n> Be careful.\n> And\n> slow.", &["> [!NOTE]", "> Be careful.", "> And\n> slow."]);
        check("1、开机\n2、等待\n（三）完成\n① 检查", &["1、开机", "2、等待", "（三）完成", "① 检查"]);
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
