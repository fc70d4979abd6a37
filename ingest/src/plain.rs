//! The words of a piece of a document, without its markup: what a search should
//! match and an embedding should read.

use pulldown_cmark::{BrokenLink, CowStr, Event, LinkType, Parser, Tag, TagEnd};

use crate::document::{BlockKind, Format};
use crate::{html, markdown, text};

/// The words of a block, or of whole sentences of one. Parts of tables and of
/// code have functions of their own, since they cannot be told from prose.
pub(crate) fn of_block(format: Format, kind: BlockKind, source: &str) -> String {
    match (format, kind) {
        (_, BlockKind::Code) => of_code(format, source),
        (_, BlockKind::Table) => of_rows(format, source),
        (Format::Markdown, _) => of_markdown(source),
        (Format::Text, BlockKind::Paragraph) => unwrapped(source),
        (Format::Pdf | Format::Html | Format::Text, _) => visible(source.to_owned()),
    }
}

/// Plain text with its Chinese lines joined where they seem to be wrapped:
/// where a long line ends without a stop.
fn unwrapped(source: &str) -> String {
    const LONG: usize = 16;
    let mut out = String::with_capacity(source.len());
    let mut previous = 0;
    for line in source.lines() {
        let words = line.trim();
        if !out.is_empty() {
            out.push('\n');
            if previous >= LONG && joins(&out, words) {
                out.pop();
            }
        }
        out.push_str(words);
        previous = words.chars().count();
    }
    visible(out)
}

/// Whether `next` goes on with a Chinese word or sentence that a line break cut.
fn joins(out: &str, next: &str) -> bool {
    let wide = |c: char| ('\u{3400}'..='\u{9fff}').contains(&c) || c == '，' || c == '、';
    let before = out.strip_suffix('\n').and_then(|out| out.chars().next_back());
    before.is_some_and(wide) && next.chars().next().is_some_and(wide)
}

/// Code as it stands, without the fences around it.
pub(crate) fn of_code(format: Format, source: &str) -> String {
    if format != Format::Markdown {
        return visible(source.to_owned());
    }
    let lines: Vec<&str> = source.lines().filter(|line| !is_fence(line)).collect();
    visible(lines.join("\n").trim_matches('\n').to_owned())
}

/// Rows of a table, the cells set apart by ` | `, without the rule under the header.
pub(crate) fn of_rows(format: Format, source: &str) -> String {
    let mut out = String::new();
    for row in source.lines().filter(|row| !is_rule(row)) {
        let row = row.trim().trim_start_matches('|');
        let row = row.strip_suffix('|').unwrap_or(row);
        let cells: Vec<String> = split_cells(row)
            .map(|cell| match format {
                Format::Markdown => of_markdown(&cell),
                Format::Pdf | Format::Html | Format::Text => visible(cell),
            })
            .collect();
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(cells.join(" | ").trim_end());
    }
    out
}

/// The words of Markdown prose. Texts of links and pictures stay, targets go.
pub(crate) fn of_markdown(source: &str) -> String {
    // A piece of a page lacks the definitions of its links and footnotes.
    let resolve = |link: BrokenLink<'_>| match link.link_type {
        LinkType::Reference | LinkType::ReferenceUnknown | LinkType::Collapsed | LinkType::CollapsedUnknown => {
            Some((CowStr::from(""), CowStr::from("")))
        }
        _ => None,
    };
    let mut out = String::with_capacity(source.len());
    let mut raw = String::new();
    let mut soft_break = false;
    let mut unseen = html::Unseen::default();
    for event in Parser::new_with_broken_link_callback(source, markdown::options(), Some(resolve)) {
        let after_soft_break = std::mem::take(&mut soft_break);
        match event {
            Event::Text(_) | Event::Code(_) | Event::InlineMath(_) | Event::DisplayMath(_) if unseen.is_hidden() => {}
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                // Chinese words go on in the next line without a space.
                if after_soft_break && joins(&out, &text) {
                    out.pop();
                }
                out.push_str(&text);
            }
            Event::Html(line) => raw.push_str(&line),
            Event::End(TagEnd::HtmlBlock) => {
                end_line(&mut out);
                out.push_str(&html::visible_words(&std::mem::take(&mut raw)));
                out.push('\n');
            }
            Event::InlineHtml(tag) if tag.starts_with("<br") => out.push('\n'),
            Event::InlineHtml(tag) => unseen.tag(&tag),
            Event::SoftBreak => {
                soft_break = true;
                out.push('\n');
            }
            Event::HardBreak => out.push('\n'),
            Event::Start(Tag::Item | Tag::Paragraph | Tag::CodeBlock(_))
            | Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::CodeBlock)
            | Event::End(TagEnd::TableRow | TagEnd::TableHead) => end_line(&mut out),
            Event::End(TagEnd::TableCell) => out.push_str(" | "),
            _ => {}
        }
    }
    visible(without_footnote_marks(out.trim()))
}

fn end_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

/// Takes out `[^label]`, which the parser leaves where the note itself stands elsewhere.
fn without_footnote_marks(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("[^") {
        let label = rest[at + 2..].split(']').next().unwrap_or_default();
        let is_mark = !label.is_empty()
            && label.len() < rest.len() - at - 2
            && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
        // In code, `[^a-z]` is a set of characters and follows no word.
        let after_word = rest[..at].ends_with(|c: char| !c.is_whitespace() && !matches!(c, '(' | '/' | '"' | '\''));
        let kept = if is_mark && after_word { at } else { at + 2 };
        out.push_str(&rest[..kept]);
        rest = &rest[if is_mark && after_word { at + label.len() + 3 } else { at + 2 }..];
    }
    out.push_str(rest);
    out
}

/// Whether a table line is the rule under the header: `|---|:-:|`.
pub(crate) fn is_rule(line: &str) -> bool {
    line.contains('-') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t' | '\r' | '>'))
}

/// Whether a line opens or closes a code block.
pub(crate) fn is_fence(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("> ").trim_start();
    line.starts_with("```") || line.starts_with("~~~")
}

fn split_cells(row: &str) -> impl Iterator<Item = String> {
    let mut escaped = false;
    let ends = move |c: char| {
        let cell_ends = c == '|' && !escaped;
        escaped = c == '\\' && !escaped;
        cell_ends
    };
    row.split(ends).map(|cell| cell.trim().replace("\\|", "|")).collect::<Vec<_>>().into_iter()
}

/// The words without characters that show nothing.
pub(crate) fn visible(mut words: String) -> String {
    words.retain(|c| !text::is_invisible(c));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_and_markup_goes() {
        let source = "**Bold** [text](url) [more][ref]<!-- ignore --> `code` [[target|label]] <b>x</b>[^1] a[0]";
        assert_eq!(of_markdown(source), "Bold text more code label x a[0]");
        assert_eq!(of_markdown("- one\n- two\n  - three"), "one\ntwo\nthree");
        assert_eq!(of_markdown("Title\n==="), "Title");
        assert_eq!(of_markdown("<!-- a\n\nsecret\n-->\n\nShown `[^a-z]`."), "Shown [^a-z].");
        assert_eq!(of_markdown("# A <b style='opacity:0'>*no* `no`</b> title"), "A  title");
        assert_eq!(of_markdown("<div>\nA &amp; B<script>x()</script>\n</div>"), "A & B");
    }

    #[test]
    fn wrapped_chinese_is_joined() {
        assert_eq!(of_markdown("温度、湿\n度和用水量。\n下一句 abc\ndef"), "温度、湿度和用水量。\n下一句 abc\ndef");
        assert_eq!(of_markdown("- 苹果\n- 香蕉"), "苹果\n香蕉");
        let text = "本指南面向需要在整栋楼部署设备的物业公司和酒店工\n程部。\n苹果\n香蕉";
        let joined = "本指南面向需要在整栋楼部署设备的物业公司和酒店工程部。\n苹果\n香蕉";
        assert_eq!(of_block(Format::Text, BlockKind::Paragraph, text), joined);
    }

    #[test]
    fn tables_and_code_keep_their_lines() {
        assert_eq!(of_rows(Format::Markdown, "| a \\| b | *c* |\n|---|---|\n| `1` | |"), "a | b | c\n1 |");
        let code = "```py\n# main\ndef __init__(self): pass\n```";
        assert_eq!(of_block(Format::Markdown, BlockKind::Code, code), "# main\ndef __init__(self): pass");
    }
}
