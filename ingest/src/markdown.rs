//! Markdown: `CommonMark` with GFM extensions, front matter and wikilinks. The
//! text of the document is the source itself, so every offset is the file's.

use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};

use crate::document::{Block, BlockKind, Format, Metadata, Parsed, Span, heading_text};
use crate::text::{Decoded, source_document, stem};

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_WIKILINKS
        | Options::ENABLE_GFM
        | Options::ENABLE_MATH
}

/// Reads Markdown.
pub(crate) fn read(name: &str, decoded: Decoded) -> Parsed {
    let Decoded { text, warnings } = decoded;
    let mut blocks: Vec<Block> = Vec::new();
    let mut metadata = Metadata::default();
    let mut front_title = None;
    let mut path: Vec<(u8, u32)> = Vec::new();
    let mut depth = 0usize;
    for (event, range) in Parser::new_ext(&text, options()).into_offset_iter() {
        match event {
            Event::Start(tag) => {
                if let Tag::Link { dest_url, link_type, .. } = &tag {
                    note_link(&mut metadata, dest_url, *link_type);
                }
                if depth == 0
                    && let Some(kind) = kind(&tag, &text[range.clone()])
                {
                    let span = trimmed(&text, range.start, range.end);
                    let after_last = blocks.last().is_none_or(|last| last.span.end <= span.start);
                    if !span.is_empty() && after_last {
                        if kind == BlockKind::Metadata {
                            front_title = read_front_matter(&text[span.start..span.end], &mut metadata);
                        }
                        push(&mut blocks, &mut path, kind, span);
                    }
                }
                depth += 1;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    let first_heading = blocks
        .iter()
        .find(|block| block.kind == BlockKind::Heading(1))
        .or_else(|| blocks.iter().find(|block| matches!(block.kind, BlockKind::Heading(_))))
        .map(|block| plain(heading_text(&text[block.span.start..block.span.end])))
        .filter(|title| !title.is_empty());
    let title = front_title.or(first_heading).unwrap_or_else(|| stem(name));
    Parsed { document: source_document(Format::Markdown, title, text, blocks, metadata), warnings }
}

fn push(blocks: &mut Vec<Block>, path: &mut Vec<(u8, u32)>, kind: BlockKind, span: Span) {
    if let BlockKind::Heading(level) = kind {
        path.retain(|&(above, _)| above < level);
    }
    let index = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
    blocks.push(Block { kind, span, path: path.iter().map(|&(_, index)| index).collect() });
    if let BlockKind::Heading(level) = kind {
        path.push((level, index));
    }
}

fn kind(tag: &Tag<'_>, source: &str) -> Option<BlockKind> {
    Some(match tag {
        Tag::Heading { level, .. } => BlockKind::Heading(level_number(*level)),
        Tag::Paragraph | Tag::DefinitionList => BlockKind::Paragraph,
        Tag::List(_) => BlockKind::List,
        Tag::Table(_) => BlockKind::Table,
        Tag::CodeBlock(_) => BlockKind::Code,
        Tag::BlockQuote(_) => BlockKind::Quote,
        Tag::FootnoteDefinition(_) => BlockKind::Footnote,
        Tag::MetadataBlock(_) => BlockKind::Metadata,
        // A block of nothing but tags and comments says nothing.
        Tag::HtmlBlock if !plain_html(source).trim().is_empty() => BlockKind::Paragraph,
        _ => return None,
    })
}

const fn level_number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// Keeps links to other documents; not those into the web or within the page.
fn note_link(metadata: &mut Metadata, target: &CowStr<'_>, link_type: LinkType) {
    let target = target.split('#').next().unwrap_or_default().trim();
    let elsewhere = target.contains("://") || target.starts_with("mailto:") || link_type == LinkType::Email;
    if !target.is_empty() && !elsewhere && !metadata.links.iter().any(|known| known == target) {
        metadata.links.push(target.to_owned());
    }
}

/// Takes the fields that a document says of itself out of YAML front matter.
/// Only `key: value`, `key: [a, b]` and lists of `- item` are understood; the
/// rest of YAML has no meaning here. Returns the title.
fn read_front_matter(source: &str, metadata: &mut Metadata) -> Option<String> {
    let mut title = None;
    let mut list_key = None;
    for line in source.lines() {
        let item = line.trim_start().strip_prefix("- ").map(unquoted);
        if let (Some(item), Some("tags" | "aliases" | "keywords")) = (&item, list_key) {
            metadata.tags.push(item.clone());
            continue;
        }
        let Some((key, value)) = line.split_once(':') else { continue };
        if key.starts_with([' ', '\t', '-', '#']) {
            continue;
        }
        let key = key.trim();
        list_key = Some(key);
        let value = value.trim();
        if value.is_empty() {
            continue;
        }
        let one = Some(unquoted(value));
        match key.to_ascii_lowercase().as_str() {
            "title" => title = one,
            "author" => metadata.author = one,
            "date" | "updated" | "last_updated" => metadata.date = metadata.date.take().or(one),
            "version" | "edition" => metadata.version = one,
            "tags" | "aliases" | "keywords" => {
                let inside = value.trim_start_matches('[').trim_end_matches(']');
                metadata.tags.extend(inside.split(',').map(unquoted).filter(|tag| !tag.is_empty()));
            }
            _ => {}
        }
    }
    title.filter(|title| !title.is_empty())
}

fn unquoted(value: &str) -> String {
    let value = value.trim();
    let inside = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    inside.unwrap_or(value).trim().to_owned()
}

fn trimmed(text: &str, start: usize, end: usize) -> Span {
    let source = &text[start..end];
    let begin = start + (source.len() - source.trim_start_matches(['\n', '\r']).len());
    Span::new(begin, (start + source.trim_end().len()).max(begin))
}

/// The words of a piece of Markdown, without its markup: what a search should
/// match. Link texts and alternative texts stay, targets go; table cells are
/// set apart by ` | `.
pub(crate) fn plain(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut cells = 0;
    for event in Parser::new_ext(source, options()) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                out.push_str(&text);
            }
            Event::Html(html) | Event::InlineHtml(html) => out.push_str(&plain_html(&html)),
            Event::SoftBreak | Event::HardBreak | Event::Rule => out.push('\n'),
            Event::Start(Tag::TableCell) => {
                if cells > 0 {
                    out.push_str(" | ");
                }
                cells += 1;
            }
            Event::End(TagEnd::TableRow | TagEnd::TableHead) => {
                cells = 0;
                out.push('\n');
            }
            Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::CodeBlock | TagEnd::FootnoteDefinition,
            ) if !out.ends_with('\n') => out.push('\n'),
            _ => {}
        }
    }
    out.truncate(out.trim_end().len());
    out.retain(|c| !crate::text::is_invisible(c));
    out
}

/// What is left of HTML source when tags and comments are taken out.
fn plain_html(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let tag = &rest[at..];
        let end =
            if tag.starts_with("<!--") { tag.find("-->").map(|end| end + 3) } else { tag.find('>').map(|end| end + 1) };
        rest = end.map_or("", |end| &tag[end..]);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::document::Document;
    use crate::text::decode;

    fn document(source: &str) -> Document {
        read("notes/page.md", decode(Path::new("page.md"), source.as_bytes()).unwrap()).document
    }

    #[test]
    fn blocks_know_their_kind_their_source_and_their_headings() {
        let source = "---\ntitle: \"The Page\"\ntags: [a, b]\ndate: 2026-01-02\n---\n\n# One\n\nText *here*.\n\n## Two ##\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```rust\n# not a heading\n```\n\nThree\n=====\n\n> [!NOTE]\n> Careful.\n\n[^1]: A note.\n";
        let document = document(source);
        assert_eq!(document.title, "The Page");
        assert_eq!(document.metadata.tags, ["a", "b"]);
        assert_eq!(document.metadata.date.as_deref(), Some("2026-01-02"));
        let seen: Vec<(BlockKind, &str, Vec<&str>)> = document
            .blocks
            .iter()
            .map(|b| (b.kind, document.slice(b.span).lines().next().unwrap(), document.heading_path(b)))
            .collect();
        assert_eq!(
            seen,
            [
                (BlockKind::Metadata, "---", vec![]),
                (BlockKind::Heading(1), "# One", vec![]),
                (BlockKind::Paragraph, "Text *here*.", vec!["One"]),
                (BlockKind::Heading(2), "## Two ##", vec!["One"]),
                (BlockKind::List, "- a", vec!["One", "Two"]),
                (BlockKind::Table, "| x | y |", vec!["One", "Two"]),
                (BlockKind::Code, "```rust", vec!["One", "Two"]),
                (BlockKind::Heading(1), "Three", vec![]),
                (BlockKind::Quote, "> [!NOTE]", vec!["Three"]),
                (BlockKind::Footnote, "[^1]: A note.", vec!["Three"]),
            ]
        );
        assert!(document.is_consistent());
    }

    #[test]
    fn comments_and_bare_tags_are_no_content() {
        let document = document("<!-- secret -->\n\n<Listing number=\"1\">\n\nShown.\n\n</Listing>\n");
        let texts: Vec<&str> = document.blocks.iter().map(|b| document.slice(b.span)).collect();
        assert_eq!(texts, ["Shown."]);
    }

    #[test]
    fn links_to_other_documents_are_kept() {
        let document =
            document("See [[Glossary]], [[warranty|the terms]], [a](faq.md#x) and [web](https://example.com).");
        assert_eq!(document.metadata.links, ["Glossary", "warranty", "faq.md"]);
    }

    #[test]
    fn plain_keeps_words_and_drops_markup() {
        assert_eq!(plain("**Bold** [text](url) `code` [[target|label]] <b>x</b>[^1]"), "Bold text code label x[^1]");
        assert_eq!(plain("| a | b |\n|---|---|\n| 1 | 2 |"), "a | b\n1 | 2");
        assert_eq!(plain("- one\n- two"), "one\ntwo");
        assert_eq!(plain("```\nlet x = 1;\n```"), "let x = 1;");
    }

    #[test]
    fn the_title_falls_back_to_the_first_heading_and_then_the_file() {
        assert_eq!(document("# A *fine* page\n").title, "A fine page");
        assert_eq!(document("no heading").title, "page");
    }
}
