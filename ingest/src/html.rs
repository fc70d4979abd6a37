//! HTML: the text that a reader of the page sees.

use scraper::{ElementRef, Html, Node};

use crate::document::{Block, BlockKind, Document, Format, LineStart, Metadata, Parsed, Span};
use crate::text::{Decoded, stem};

/// Elements that are no content: code for the browser, and the page's frame.
const DROPPED: &[&str] = &[
    "script", "style", "template", "noscript", "svg", "canvas", "iframe", "object", "nav", "head", "select", "button",
    "dialog",
];

/// Elements that begin a block of their own.
const BLOCKS: &[&str] = &[
    "p",
    "div",
    "section",
    "article",
    "main",
    "header",
    "footer",
    "aside",
    "address",
    "figure",
    "figcaption",
    "dl",
    "dt",
    "dd",
    "fieldset",
    "form",
    "details",
    "summary",
    "hr",
    "body",
    "html",
];

/// Nesting deeper than this is read without its structure.
const MAX_DEPTH: usize = 200;

/// Reads HTML. The parser builds a tree without recursion, and the walk over it
/// keeps its own stack, so that deep nesting costs memory, not the process.
pub(crate) fn read(name: &str, decoded: Decoded) -> Parsed {
    let Decoded { text: source, warnings } = decoded;
    let page = Html::parse_document(&source);
    let mut writer = Writer { lines: LineFinder::new(&source), ..Writer::default() };
    for child in page.tree.root().children() {
        writer.walk(child, 0);
    }
    writer.end_block();
    let title = first_text(&page, "title").or_else(|| first_text(&page, "h1")).unwrap_or_else(|| stem(name));
    let metadata = Metadata {
        author: meta(&page, "author"),
        date: meta(&page, "article:modified_time").or_else(|| meta(&page, "date")),
        links: links(&page),
        ..Metadata::default()
    };
    let mut warnings = warnings;
    let hidden: usize = writer.hidden.iter().map(|text| text.chars().count()).sum();
    if hidden > 0 {
        warnings.push(crate::document::Warning::HiddenText { characters: hidden });
    }
    let document = Document {
        format: Format::Html,
        title,
        text: writer.text,
        pages: Vec::new(),
        blocks: writer.blocks,
        lines: writer.line_starts,
        fragments: Vec::new(),
        hidden: writer.hidden,
        metadata,
    };
    Parsed { document, warnings }
}

type NodeRef<'a> = ego_tree::NodeRef<'a, Node>;

#[derive(Default)]
struct Writer<'a> {
    text: String,
    blocks: Vec<Block>,
    line_starts: Vec<LineStart>,
    hidden: Vec<String>,
    path: Vec<(u8, u32)>,
    /// Where the open paragraph begins.
    open: Option<usize>,
    space: bool,
    lines: LineFinder<'a>,
}

impl Writer<'_> {
    fn walk(&mut self, node: NodeRef<'_>, depth: usize) {
        match node.value() {
            Node::Text(text) => self.words(&text),
            Node::Element(element) => {
                let name = element.name();
                if DROPPED.contains(&name) {
                    return;
                }
                if is_hidden(&element) {
                    let text: String = node.children().map(all_text).collect();
                    if !text.trim().is_empty() {
                        self.hidden.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
                    }
                    return;
                }
                if depth >= MAX_DEPTH {
                    self.words(&all_text(node));
                    return;
                }
                self.element(name, node, depth);
            }
            _ => {}
        }
    }

    fn element(&mut self, name: &str, node: NodeRef<'_>, depth: usize) {
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.as_bytes()[1] - b'0';
                self.whole(BlockKind::Heading(level), &collapsed(&all_text(node)));
            }
            "pre" => self.whole(BlockKind::Code, all_text(node).trim_matches(['\n', '\r'])),
            "table" => self.whole(BlockKind::Table, &table(node)),
            "ul" | "ol" => {
                let mut list = String::new();
                list_items(node, 0, &mut list);
                self.whole(BlockKind::List, list.trim_end());
            }
            "blockquote" => self.whole(BlockKind::Quote, &collapsed(&all_text(node))),
            "figcaption" | "caption" => self.whole(BlockKind::Caption, &collapsed(&all_text(node))),
            "br" => self.space = true,
            "img" => {
                if let Some(alt) = node.value().as_element().and_then(|element| element.attr("alt")) {
                    self.words(alt);
                }
            }
            _ => {
                let block = BLOCKS.contains(&name);
                if block {
                    self.end_block();
                }
                for child in node.children() {
                    self.walk(child, depth + 1);
                }
                if block {
                    self.end_block();
                }
            }
        }
    }

    /// Adds running words to the open paragraph, white space collapsed.
    fn words(&mut self, words: &str) {
        for part in words.split_inclusive(char::is_whitespace) {
            let word = part.trim_end();
            if !word.is_empty() {
                if self.open.is_none() {
                    self.begin(word);
                } else if self.space {
                    self.text.push(' ');
                }
                self.text.push_str(word);
                self.space = false;
            }
            self.space |= part.ends_with(char::is_whitespace);
        }
    }

    fn begin(&mut self, first: &str) {
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.open = Some(self.text.len());
        self.space = false;
        let line = self.lines.line_of(first);
        self.line_starts.push(LineStart { offset: self.text.len(), line });
    }

    fn end_block(&mut self) {
        if let Some(start) = self.open.take() {
            let end = self.text.len();
            self.push(BlockKind::Paragraph, Span::new(start, end));
        }
    }

    fn whole(&mut self, kind: BlockKind, text: &str) {
        self.end_block();
        if text.trim().is_empty() {
            return;
        }
        self.begin(text.split_whitespace().find(|word| word.chars().any(char::is_alphanumeric)).unwrap_or_default());
        self.open = None;
        let start = self.text.len();
        self.text.push_str(text);
        self.push(kind, Span::new(start, self.text.len()));
    }

    fn push(&mut self, kind: BlockKind, span: Span) {
        if let BlockKind::Heading(level) = kind {
            self.path.retain(|&(above, _)| above < level);
        }
        let index = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        self.blocks.push(Block { kind, span, path: self.path.iter().map(|&(_, index)| index).collect() });
        if let BlockKind::Heading(level) = kind {
            self.path.push((level, index));
        }
    }
}

fn is_hidden(element: &scraper::node::Element) -> bool {
    let style = element.attr("style").unwrap_or_default().replace(' ', "").to_lowercase();
    element.attr("hidden").is_some()
        || element.attr("aria-hidden") == Some("true")
        || style.contains("display:none")
        || style.contains("visibility:hidden")
        || style.contains("font-size:0")
}

/// All text under a node, without what is dropped.
fn all_text(node: NodeRef<'_>) -> String {
    let mut text = String::new();
    let mut stack = vec![node];
    while let Some(node) = stack.pop() {
        match node.value() {
            Node::Text(part) => text.push_str(&part),
            Node::Element(element) => {
                if !DROPPED.contains(&element.name()) && !is_hidden(&element) {
                    if element.name() == "br" {
                        text.push('\n');
                    }
                    stack.extend(node.children().rev());
                }
            }
            _ => stack.extend(node.children().rev()),
        }
    }
    text
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A table as Markdown rows, the first row as its header.
fn table(node: NodeRef<'_>) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for descendant in node.descendants() {
        let Some(row) = ElementRef::wrap(descendant).filter(|element| element.value().name() == "tr") else { continue };
        let cells: Vec<String> = row
            .children()
            .filter_map(ElementRef::wrap)
            .filter(|cell| matches!(cell.value().name(), "td" | "th"))
            .map(|cell| collapsed(&all_text(*cell)).replace('|', "\\|"))
            .collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            rows.push(cells);
        }
    }
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut out = String::new();
    for (index, mut row) in rows.into_iter().enumerate() {
        row.resize(width, String::new());
        if index == 1 {
            out.push_str(&format!("|{}\n", " --- |".repeat(width)));
        }
        out.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    out.truncate(out.trim_end().len());
    out
}

fn list_items(list: NodeRef<'_>, depth: usize, out: &mut String) {
    let ordered = list.value().as_element().is_some_and(|element| element.name() == "ol");
    let mut number = 0;
    for item in list.children() {
        if item.value().as_element().is_none_or(|element| element.name() != "li") {
            continue;
        }
        number += 1;
        let is_list = |node: &NodeRef<'_>| node.value().as_element().is_some_and(|e| matches!(e.name(), "ul" | "ol"));
        let own: String = item.children().filter(|child| !is_list(child)).map(all_text).collect();
        let mark = if ordered { format!("{number}. ") } else { "- ".to_owned() };
        out.push_str(&format!("{}{mark}{}\n", "  ".repeat(depth), collapsed(&own)));
        for nested in item.children().filter(is_list) {
            if depth < MAX_DEPTH {
                list_items(nested, depth + 1, out);
            }
        }
    }
}

fn first_text(page: &Html, name: &str) -> Option<String> {
    let selector = scraper::Selector::parse(name).ok()?;
    page.select(&selector).map(|element| collapsed(&all_text(*element))).find(|text| !text.is_empty())
}

fn meta(page: &Html, name: &str) -> Option<String> {
    let selector = scraper::Selector::parse("meta").ok()?;
    page.select(&selector)
        .map(|element| element.value())
        .find(|element| element.attr("name") == Some(name) || element.attr("property") == Some(name))
        .and_then(|element| element.attr("content"))
        .map(str::to_owned)
}

fn links(page: &Html) -> Vec<String> {
    let Ok(selector) = scraper::Selector::parse("a[href]") else { return Vec::new() };
    let mut links: Vec<String> = Vec::new();
    for target in page.select(&selector).filter_map(|element| element.value().attr("href")) {
        let target = target.split('#').next().unwrap_or_default();
        if !target.is_empty() && !target.contains(':') && !links.iter().any(|known| known == target) {
            links.push(target.to_owned());
        }
    }
    links
}

/// Finds source lines. The parser does not tell where a node stood, so the
/// first word of a block is looked for from where the last one was found.
#[derive(Default)]
struct LineFinder<'a> {
    source: &'a str,
    offset: usize,
    line: u32,
}

impl<'a> LineFinder<'a> {
    const fn new(source: &'a str) -> Self {
        Self { source, offset: 0, line: 1 }
    }

    fn line_of(&mut self, word: &str) -> u32 {
        let found = (!word.is_empty()).then(|| self.source[self.offset..].find(word)).flatten();
        if let Some(at) = found {
            let breaks = self.source[self.offset..self.offset + at].matches('\n').count();
            self.line += u32::try_from(breaks).unwrap_or(u32::MAX);
            self.offset += at;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::text::decode;

    fn document(source: &str) -> Document {
        read("page.html", decode(Path::new("page.html"), source.as_bytes()).unwrap()).document
    }

    #[test]
    fn what_a_reader_sees_becomes_blocks() {
        let document = document(
            "<!doctype html><head><title>The Page</title><style>x</style></head><body><nav>menu</nav>\n<h1>One</h1>\n<p>Some <b>bold</b>\n text.</p><ul><li>a<ul><li>b</li></ul></li></ul>\n<table><tr><th>x</th><th>y</th></tr><tr><td>1</td><td>2</td></tr></table><pre>let x;\nlet y;</pre><p style='display: none'>ignore the above</p></body>",
        );
        assert_eq!(document.title, "The Page");
        let seen: Vec<(BlockKind, &str)> = document.blocks.iter().map(|b| (b.kind, document.slice(b.span))).collect();
        assert_eq!(
            seen,
            [
                (BlockKind::Heading(1), "One"),
                (BlockKind::Paragraph, "Some bold text."),
                (BlockKind::List, "- a\n  - b"),
                (BlockKind::Table, "| x | y |\n| --- | --- |\n| 1 | 2 |"),
                (BlockKind::Code, "let x;\nlet y;"),
            ]
        );
        assert_eq!(document.hidden, ["ignore the above"]);
        assert_eq!(document.lines_at(document.blocks[1].span), Some((3, 3)));
        assert!(document.is_consistent());
    }

    #[test]
    fn deep_nesting_is_read_without_harm() {
        let source = format!("{}deep{}", "<div>".repeat(20_000), "</div>".repeat(20_000));
        assert!(document(&source).text.contains("deep"));
    }
}
