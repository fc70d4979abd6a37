//! What of an HTML tree is content, and what it reads like.

use scraper::{ElementRef, Node};

/// A node of the tree.
pub(super) type NodeRef<'a> = ego_tree::NodeRef<'a, Node>;

/// Nesting deeper than this is read without its structure.
pub(super) const MAX_DEPTH: usize = 200;

/// Elements that are no content: code for the browser, and the page's frame.
pub(super) const DROPPED: &[&str] = &[
    "script", "style", "template", "noscript", "svg", "canvas", "iframe", "object", "nav", "head", "select", "button",
    "dialog", "rp", "rt",
];

/// Elements that begin a line of their own.
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
    "ul",
    "ol",
    "li",
    "table",
    "tr",
    "pre",
    "blockquote",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "caption",
];

/// What becomes of a node.
pub(super) enum Shown<'a> {
    /// Text.
    Text(&'a str),
    /// An element that a reader sees; its name.
    Element(&'a str),
    /// No content.
    Nothing,
    /// The root of the tree.
    Root,
}

pub(super) fn shown(node: NodeRef<'_>) -> Shown<'_> {
    match node.value() {
        Node::Text(text) => Shown::Text(text),
        Node::Element(element) if DROPPED.contains(&element.name()) => Shown::Nothing,
        Node::Element(element) if element.attr("role") == Some("navigation") => Shown::Nothing,
        Node::Element(element) => Shown::Element(element.name()),
        Node::Document | Node::Fragment => Shown::Root,
        _ => Shown::Nothing,
    }
}

pub(super) fn is_block(name: &str) -> bool {
    BLOCKS.contains(&name)
}

/// All text under a node, line breaks where blocks begin and end. Needs no recursion, whatever the depth.
pub(super) fn all_text(node: NodeRef<'_>) -> String {
    enum Step<'a> {
        Enter(NodeRef<'a>),
        Write(&'static str),
    }
    let mut text = String::new();
    let mut steps = vec![Step::Enter(node)];
    while let Some(step) = steps.pop() {
        let node = match step {
            Step::Enter(node) => node,
            Step::Write(separator) => {
                text.push_str(separator);
                continue;
            }
        };
        match shown(node) {
            Shown::Text(part) => text.push_str(part),
            Shown::Element("br") => text.push('\n'),
            Shown::Element("img") => text.push_str(alternative(node)),
            Shown::Element(name) => {
                let separator = match name {
                    "td" | "th" => " ",
                    name if is_block(name) => "\n",
                    _ => "",
                };
                if !text.is_empty() && !text.ends_with(char::is_whitespace) {
                    text.push_str(separator);
                }
                steps.push(Step::Write(separator));
                steps.extend(node.children().rev().map(Step::Enter));
            }
            Shown::Root => steps.extend(node.children().rev().map(Step::Enter)),
            Shown::Nothing => {}
        }
    }
    text
}

/// What stands for a picture.
pub(super) fn alternative(node: NodeRef<'_>) -> &str {
    node.value().as_element().and_then(|element| element.attr("alt")).unwrap_or_default()
}

/// White space as a browser shows it: one space, none between Chinese characters
/// that stand on two lines of the source.
pub(super) fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some(at) = rest.find(char::is_whitespace) {
        out.push_str(&rest[..at]);
        let next = rest[at..].trim_start();
        let gap = &rest[at..rest.len() - next.len()];
        let wide = |c: Option<char>| c.is_some_and(|c| ('\u{2e80}'..='\u{ffef}').contains(&c));
        if !(gap.contains('\n') && wide(rest[..at].chars().last()) && wide(next.chars().next())) {
            out.push(' ');
        }
        rest = next;
    }
    out.push_str(rest);
    out
}

/// A table as Markdown rows, the first row as its header. Tables in its cells
/// are text of the cells.
pub(super) fn table(node: NodeRef<'_>) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut below: Vec<NodeRef<'_>> = node.children().rev().collect();
    while let Some(node) = below.pop() {
        match shown(node) {
            Shown::Element("tr") => {
                let cells = node.children().filter_map(ElementRef::wrap);
                let cells: Vec<String> = cells
                    .filter(|cell| matches!(shown(**cell), Shown::Element("td" | "th")))
                    .map(|cell| collapsed(&all_text(*cell)).replace('|', "\\|"))
                    .collect();
                if cells.iter().any(|cell| !cell.is_empty()) {
                    rows.push(cells);
                }
            }
            Shown::Element("thead" | "tbody" | "tfoot") => below.extend(node.children().rev()),
            _ => {}
        }
    }
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut lines: Vec<String> = Vec::with_capacity(rows.len() + 1);
    for (index, mut row) in rows.into_iter().enumerate() {
        row.resize(width, String::new());
        if index == 1 {
            lines.push(format!("|{}", " --- |".repeat(width)));
        }
        lines.push(format!("| {} |", row.join(" | ")));
    }
    lines.join("\n")
}

/// The items of a list, one a line, nested ones and code in them indented.
pub(super) fn list(list: NodeRef<'_>, depth: usize, out: &mut String) {
    let ordered = list.value().as_element().is_some_and(|element| element.name() == "ol");
    let first = list.value().as_element().and_then(|element| element.attr("start")?.parse().ok()).unwrap_or(1i64);
    let indent = "  ".repeat(depth);
    for (number, item) in (first..).zip(list.children().filter(|item| matches!(shown(*item), Shown::Element("li")))) {
        let mut own = String::new();
        let mut below = String::new();
        for child in item.children() {
            match shown(child) {
                Shown::Element("ul" | "ol") if depth < MAX_DEPTH => self::list(child, depth + 1, &mut below),
                Shown::Element("pre") => {
                    for line in all_text(child).trim_matches('\n').lines() {
                        below.push_str(&format!("{indent}  {line}\n"));
                    }
                }
                _ => {
                    let words = all_text(child);
                    let apart = matches!(shown(child), Shown::Element(name) if is_block(name));
                    if apart {
                        own.push(' ');
                    }
                    own.push_str(&words);
                }
            }
        }
        let mark = if ordered { format!("{number}.") } else { "-".to_owned() };
        let own = collapsed(&own);
        if !own.is_empty() {
            out.push_str(&format!("{indent}{mark} {own}\n"));
        }
        out.push_str(&below);
    }
}
