//! HTML: the text that a reader of the page sees.

mod color;
mod content;
mod css;
mod hidden;
mod lines;
mod look;
mod nesting;
mod selector;
mod sheet;
mod unseen;

use scraper::Html;

use crate::document::{Block, BlockKind, Document, Format, LineStart, Metadata, Parsed, Span};
use crate::text::{Decoded, stem, warn_hidden};
use content::{MAX_DEPTH, NodeRef, Shown, all_text, alternative, collapsed, is_block, list, shown, table};
use hidden::take_hidden;
use lines::LineFinder;
use nesting::flattened;
use sheet::Sheet;
pub(crate) use unseen::Unseen;

/// Reads HTML. What nests too deep is flattened first; the parser builds a tree
/// without recursion, and below a bounded depth the walk over it keeps its own
/// stack.
pub(crate) fn read(name: &str, decoded: Decoded) -> Parsed {
    let Decoded { text: source, mut warnings } = decoded;
    let mut page = Html::parse_document(&flattened(&source));
    let sheet = Sheet::of(&page);
    let hidden = take_hidden(&mut page, &sheet);
    let mut writer = Writer::new(&source);
    writer.walk(page.tree.root(), 0);
    writer.end_block();
    let title = first_text(&page, "title").or_else(|| first_text(&page, "h1")).unwrap_or_else(|| stem(name));
    let metadata = Metadata {
        author: meta(&page, "author"),
        date: meta(&page, "article:modified_time").or_else(|| meta(&page, "date")),
        tags: meta(&page, "keywords").iter().flat_map(|all| all.split(',')).map(|tag| tag.trim().to_owned()).collect(),
        links: links(&page),
        ..Metadata::default()
    };
    let characters = hidden.iter().map(|text| text.chars().count()).sum();
    if characters > 0 {
        warn_hidden(&mut warnings, characters);
    }
    let document = Document {
        format: Format::Html,
        title,
        text: writer.text,
        pages: Vec::new(),
        blocks: writer.blocks,
        lines: writer.line_starts,
        fragments: Vec::new(),
        hidden,
        metadata,
    };
    Parsed { document, warnings }
}

/// The words that a reader sees of a piece of HTML inside Markdown.
pub(crate) fn visible_words(source: &str) -> String {
    let mut piece = Html::parse_fragment(&flattened(source));
    let sheet = Sheet::of_part(&piece);
    take_hidden(&mut piece, &sheet);
    collapsed(&all_text(piece.tree.root()))
}

struct Writer<'a> {
    text: String,
    blocks: Vec<Block>,
    line_starts: Vec<LineStart>,
    /// Levels and indices of the headings above.
    path: Vec<(u8, u32)>,
    /// Running words that no block has ended yet, as in the source.
    running: String,
    /// Length of the running words at the last line break among them.
    last_break: Option<usize>,
    /// What running words are, by the element around them.
    running_kind: BlockKind,
    lines: LineFinder<'a>,
}

impl<'a> Writer<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            text: String::new(),
            blocks: Vec::new(),
            line_starts: Vec::new(),
            path: Vec::new(),
            running: String::new(),
            last_break: None,
            running_kind: BlockKind::Paragraph,
            lines: LineFinder::new(source),
        }
    }

    fn walk(&mut self, node: NodeRef<'_>, depth: usize) {
        match shown(node) {
            Shown::Text(text) => self.running.push_str(text),
            Shown::Element(_) if depth >= MAX_DEPTH => {
                let words = all_text(node);
                self.running.push_str(&words);
            }
            Shown::Element(name) => self.element(name, node, depth),
            Shown::Nothing => {}
            Shown::Root => node.children().for_each(|child| self.walk(child, depth)),
        }
    }

    fn element(&mut self, name: &str, node: NodeRef<'_>, depth: usize) {
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let words = collapsed(&all_text(node));
                self.block(BlockKind::Heading(name.as_bytes()[1] - b'0'), &words);
            }
            "pre" => {
                let code = all_text(node);
                self.block(BlockKind::Code, code.trim_matches(['\n', '\r']).trim_end());
            }
            "table" => {
                let caption = node.children().find(|child| matches!(shown(*child), Shown::Element("caption")));
                let caption = caption.map(|caption| collapsed(&all_text(caption)));
                let rows = table(node);
                self.block(BlockKind::Caption, &caption.unwrap_or_default());
                self.block(BlockKind::Table, &rows);
            }
            "ul" | "ol" => {
                let mut items = String::new();
                list(node, 0, &mut items);
                self.block(BlockKind::List, items.trim_end());
            }
            "figcaption" => {
                let words = collapsed(&all_text(node));
                self.block(BlockKind::Caption, &words);
            }
            "br" => self.line_break(),
            "img" => self.running.push_str(alternative(node)),
            _ if is_block(name) => {
                self.end_block();
                let outer = self.running_kind;
                if name == "blockquote" {
                    self.running_kind = BlockKind::Quote;
                }
                node.children().for_each(|child| self.walk(child, depth + 1));
                self.end_block();
                self.running_kind = outer;
            }
            _ => node.children().for_each(|child| self.walk(child, depth + 1)),
        }
    }

    /// Two breaks in a row part paragraphs on many an old page.
    fn line_break(&mut self) {
        if self.last_break.is_some_and(|at| self.running[at..].trim().is_empty()) {
            self.end_block();
        } else {
            self.running.push('\n');
            self.last_break = Some(self.running.len());
        }
    }

    /// Makes a paragraph of the running words, if there are any.
    fn end_block(&mut self) {
        self.last_break = None;
        let words = collapsed(&std::mem::take(&mut self.running));
        self.write(self.running_kind, &words);
    }

    fn block(&mut self, kind: BlockKind, text: &str) {
        self.end_block();
        self.write(kind, text);
    }

    fn write(&mut self, kind: BlockKind, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        let start = self.text.len();
        for line in text.split_inclusive('\n') {
            let found = self.lines.line_of(line);
            self.line_starts.push(LineStart { offset: self.text.len(), line: found });
            self.text.push_str(line);
        }
        if let BlockKind::Heading(level) = kind {
            self.path.retain(|&(above, _)| above < level);
        }
        let index = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        let path = self.path.iter().map(|&(_, index)| index).collect();
        self.blocks.push(Block { kind, span: Span::new(start, self.text.len()), path });
        if let BlockKind::Heading(level) = kind {
            self.path.push((level, index));
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
        if !target.is_empty()
            && !target.starts_with("//")
            && !target.contains(':')
            && !links.iter().any(|known| known == target)
        {
            links.push(target.to_owned());
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::decode;

    fn document(source: &str) -> Document {
        read("page.html", decode(source.as_bytes()).unwrap()).document
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
        for name in ["div", "span", "b", "ul><li", "table><tr><td", "blockquote"] {
            let source = format!("{}deep<h1>Below</h1>", format!("<{name}>").repeat(100_000));
            let document = document(&source);
            assert!(document.text.contains("deep"), "{name}");
        }
        let hidden = format!("{}<div style='display:none'>ignore</div>shown", "<div>".repeat(1_000));
        assert_eq!(document(&hidden).text, "shown");
    }
}
