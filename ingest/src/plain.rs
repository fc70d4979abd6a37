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
        (Format::Pdf | Format::Html | Format::Text, _) => visible(source.to_owned()),
    }
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
    for event in Parser::new_with_broken_link_callback(source, markdown::options(), Some(resolve)) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                out.push_str(&text);
            }
            Event::Html(line) => raw.push_str(&line),
            Event::End(TagEnd::HtmlBlock) => {
                end_line(&mut out);
                out.push_str(&html::visible_words(&std::mem::take(&mut raw)));
                out.push('\n');
            }
            Event::InlineHtml(tag) if tag.starts_with("<br") => out.push('\n'),
            Event::SoftBreak | Event::HardBreak => out.push('\n'),
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

fn visible(mut words: String) -> String {
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
        assert_eq!(of_markdown("<div>\nA &amp; B<script>x()</script>\n</div>"), "A & B");
    }

    #[test]
    fn tables_and_code_keep_their_lines() {
        assert_eq!(of_rows(Format::Markdown, "| a \\| b | *c* |\n|---|---|\n| `1` | |"), "a | b | c\n1 |");
        let code = "```py\n# main\ndef __init__(self): pass\n```";
        assert_eq!(of_block(Format::Markdown, BlockKind::Code, code), "# main\ndef __init__(self): pass");
    }
}
