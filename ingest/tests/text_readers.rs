//! The readers of Markdown, HTML and text on whole files: what they make of
//! small fixtures, and that no input harms them.

use std::path::Path;
use std::time::{Duration, Instant};

use attest_ingest::{ChunkOptions, Document, chunk, read_bytes, sentences};
use proptest::prelude::*;

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// One line for every block and every chunk.
fn outline(name: &str, source: &str) -> String {
    let parsed = read_bytes(name, source.as_bytes()).expect("the fixture is text");
    let document = parsed.document;
    let mut out = format!("title: {}\n{:?}\n", document.title, document.metadata);
    for block in &document.blocks {
        let lines = document.lines_at(block.span).expect("every block has lines");
        out.push_str(&format!("{:?} {lines:?} {:?}\n", block.kind, document.slice(block.span)));
    }
    for chunk in chunk(&document, &ChunkOptions { max_tokens: 40, count_tokens: &words }) {
        out.push_str(&format!(
            "chunk {:?} {:?} | {} | {:?}\n",
            chunk.lines, chunk.headings, chunk.context, chunk.plain
        ));
    }
    out.push_str(&format!("hidden: {:?}\nwarnings: {:?}\n", document.hidden, parsed.warnings));
    out
}

#[test]
fn a_markdown_page() {
    insta::assert_snapshot!(outline("guide.md", include_str!("fixtures/guide.md")));
}

#[test]
fn an_html_page() {
    insta::assert_snapshot!(outline("guide.html", include_str!("fixtures/guide.html")));
}

#[test]
fn a_text_file() {
    insta::assert_snapshot!(outline("note.txt", "第一段，说明。\r\n续行。\r\n\r\nSecond part.\r\n"));
}

/// What must hold of any document and of its chunks.
fn check_laws(document: &Document) {
    assert!(document.is_consistent());
    let chunks = chunk(document, &ChunkOptions { max_tokens: 12, count_tokens: &words });
    let mut end = 0;
    for chunk in &chunks {
        assert!(chunk.span.start >= end && document.text.get(chunk.span.start..chunk.span.end).is_some());
        end = chunk.span.end;
        let text = document.slice(chunk.span);
        let visible = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
        let held: usize = sentences(text).iter().map(|s| visible(&text[s.start..s.end])).sum();
        assert_eq!(held, visible(text));
    }
}

/// Hostile input has to cost no more than its size.
#[test]
fn large_and_hostile_files_are_read_in_time() {
    let many = |part: &str, times: usize| part.repeat(times);
    let cases = [
        ("letters.txt", many("a", 2 << 20)),
        ("words.txt", many("word ", 400_000)),
        ("sentences.txt", many("A sentence. ", 100_000)),
        ("chinese.txt", many("保修期", 200_000)),
        ("quotes.md", many("> ", 20_000)),
        ("brackets.md", many("[", 50_000)),
        ("comments.md", many("<!--", 20_000)),
        ("emphasis.md", many("*a _b ", 20_000)),
        ("tags.md", many("<b style='color:#123'>x ", 10_000)),
        ("ends.md", format!("{}{}", many("<b>x ", 20_000), many("</i>x ", 20_000))),
        ("long.md", format!("<b title='{}'>{}", many("x", 500_000), many("<i title=x>x</i> ", 10_000))),
        ("list.md", many("- a\n  - b\n", 20_000)),
        ("table.md", format!("| a | b |\n|---|---|\n{}", many("| c | d |\n", 20_000))),
        ("code.md", format!("```\n{}```\n", many("let x = 1;\n", 20_000))),
        ("divs.html", many("<div>x", 20_000)),
        ("lists.html", many("<ul><li>x", 3_000)),
        ("tables.html", many("<table><tr><td>x", 1_000)),
        ("spans.html", many("<b>x", 10_000)),
        ("paragraphs.html", many("<p>&amp;x</p>", 50_000)),
    ];
    for (name, source) in cases {
        let start = Instant::now();
        let document = read_bytes(name, source.as_bytes()).expect("it is text").document;
        let chunks = chunk(&document, &ChunkOptions { max_tokens: 180, count_tokens: &words });
        let took = start.elapsed();
        println!("{name}: {} bytes, {} blocks, {} chunks, {took:?}", source.len(), document.blocks.len(), chunks.len());
        assert!(took < Duration::from_secs(20), "{name} took {took:?}");
    }
}

/// `CommonMark`'s own examples, where they are at hand: `ATTEST_DATASETS` names
/// the folder that holds `markdown/commonmark_spec_tests.json`.
#[test]
fn the_examples_of_commonmark() {
    let Some(folder) = std::env::var_os("ATTEST_DATASETS") else {
        eprintln!("skipped: ATTEST_DATASETS is not set");
        return;
    };
    let path = Path::new(&folder).join("markdown/commonmark_spec_tests.json");
    let examples: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let options = ChunkOptions { max_tokens: 100_000, count_tokens: &words };
    let letters = |name: &str, source: &str| {
        let document = read_bytes(name, source.as_bytes()).unwrap().document;
        check_laws(&document);
        let mut all: Vec<char> = Vec::new();
        for chunk in chunk(&document, &options) {
            all.extend(chunk.headings.iter().flat_map(|heading| heading.chars()).chain(chunk.plain.chars()));
        }
        all.retain(|c| c.is_alphanumeric());
        all.into_iter().collect::<String>()
    };
    let mut different = Vec::new();
    for example in &examples {
        let (markdown, html) = (example["markdown"].as_str().unwrap(), example["html"].as_str().unwrap());
        let (ours, theirs) = (letters("x.md", markdown), letters("x.html", html));
        if ours != theirs {
            different.push(format!("{}: {markdown:?}\n  {ours:?}\n  {theirs:?}", example["number"]));
        }
    }
    let share = 1.0 - different.len() as f64 / examples.len() as f64;
    println!("{}\nsame words in {:.1}% of {} examples", different.join("\n"), share * 100.0, examples.len());
    // The others differ where an extension reads more into the source than CommonMark does.
    assert!(share > 0.9, "only {share} of the examples have the same words");
}

proptest! {
    #[test]
    fn any_bytes_give_a_consistent_document_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        name in prop::sample::select(vec!["x.md", "x.html", "x.txt", "x.csv"]),
    ) {
        if let Ok(parsed) = read_bytes(name, &bytes) {
            check_laws(&parsed.document);
        }
    }

    #[test]
    fn any_markup_gives_a_consistent_document(
        parts in proptest::collection::vec(prop::sample::select(vec![
            "# ", "\n", "\n\n", "- ", "> ", "| a | b |\n|---|---|\n", "```\n", "<!--", "-->", "<div>", "<div hidden>", "<b style='color:#fff'>", "</b>", "</div>", "</p>", "<table><tr><td>",
            "<li>", "[^1]: ", "[^1]", "[[x|y]]", "---\n", "title: x\n", "**", "`", "保修期。", "word ", "A. ", "\t", "\u{200b}",
            "===\n", "1. ", "$x$", "&amp;", "<br>", "<pre>", "{#id}", "\r\n",
        ]), 0..60),
        name in prop::sample::select(vec!["x.md", "x.html", "x.txt"]),
    ) {
        check_laws(&read_bytes(name, parts.concat().as_bytes()).expect("it is text").document);
    }
}
