//! Prints the chunks of files, to look at: `cargo run --release -p attest-ingest --example chunks -- FILE...`

use std::path::Path;

use attest_ingest::{ChunkOptions, chunk, read_bytes};

/// About what a multilingual tokenizer makes of a text.
fn count_tokens(text: &str) -> usize {
    let wide = text.chars().filter(|c| ('\u{2e80}'..='\u{9fff}').contains(c)).count();
    let marks = text.chars().filter(char::is_ascii_punctuation).count();
    let words: usize = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.len().div_ceil(5))
        .sum();
    wide * 2 / 3 + marks + words
}

fn main() -> anyhow::Result<()> {
    let mut sizes = Vec::new();
    for path in std::env::args().skip(1) {
        let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let parsed = read_bytes(&name, &std::fs::read(&path)?)?;
        let document = parsed.document;
        println!("==== {path}: {} {:?}", document.title, parsed.warnings);
        for chunk in chunk(&document, &ChunkOptions { max_tokens: 180, count_tokens: &count_tokens }) {
            let size = count_tokens(&chunk.plain);
            sizes.push(size);
            println!("---- {} {:?} {:?} {size} {:?}", chunk.ordinal, chunk.lines, chunk.headings, chunk.context);
            println!("{}", chunk.plain);
        }
    }
    sizes.sort_unstable();
    let at = |share: usize| sizes.get(sizes.len() * share / 100).copied().unwrap_or(0);
    println!(
        "{} chunks; tokens p10 {} p50 {} p90 {} max {}",
        sizes.len(),
        at(10),
        at(50),
        at(90),
        at(100).max(sizes.last().copied().unwrap_or(0))
    );
    Ok(())
}
