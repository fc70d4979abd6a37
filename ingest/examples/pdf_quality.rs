//! Measures the PDF reader on folders of files with known text.
//!
//! ```text
//! cargo run --release -p attest-ingest --example pdf_quality -- all DATASETS
//! cargo run --release -p attest-ingest --example pdf_quality -- text FILE [PASSWORD]
//! cargo run --release -p attest-ingest --example pdf_quality -- blocks FILE [PASSWORD]
//! ```
//! `DATASETS` holds `pdfs` and `pdfs_bad` (with `manifest.tsv`), `squad_pdf` and
//! `cmrc_pdf`; those that are absent are left out. Files are read in worker
//! processes, as the program itself does it: this binary is its own worker.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use attest_ingest::{BlockKind, Document, Limits, Pool, child_main};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).map(String::as_str);
    match (argument(0), argument(1)) {
        (Some("child"), _) => child_main(std::io::stdin(), std::io::stdout()),
        (Some("text"), Some(file)) => println!("{}", pool().read(Path::new(file), argument(2))?.document.text),
        (Some("blocks"), Some(file)) => print_blocks(&pool().read(Path::new(file), argument(2))?),
        (Some("render"), Some(file)) => render(Path::new(file), argument(2).unwrap_or("1").parse()?)?,
        (Some("speed"), Some(folder)) => print_speed(&pdfs_in(Path::new(folder))?),
        (Some("bad"), Some(folder)) => print_bad(Path::new(folder))?,
        (Some("all"), Some(sets)) => print_all(Path::new(sets))?,
        _ => anyhow::bail!("usage: pdf_quality all|bad|speed FOLDER, or text|blocks|render FILE"),
    }
    Ok(())
}

fn pool() -> Pool {
    let this = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("pdf_quality"));
    Pool::new(1, Limits::default(), move || {
        let mut command = Command::new(&this);
        command.arg("child");
        command
    })
}

fn print_all(sets: &Path) -> anyhow::Result<()> {
    println!("{:<34} {:>7} {:>9} {:>7} {:>7}", "file", "recall", "precision", "order", "page");
    if sets.join("pdfs").is_dir() {
        print_truth(&sets.join("pdfs"))?;
    }
    for (set, unit) in [("squad_pdf", 5), ("cmrc_pdf", 10)] {
        if sets.join(set).is_dir() {
            print_corpus(&sets.join(set), unit)?;
        }
    }
    if sets.join("pdfs_bad").is_dir() {
        print_bad(&sets.join("pdfs_bad"))?;
    }
    let mut files = Vec::new();
    for folder in ["pdfs", "squad_pdf/documents", "cmrc_pdf/documents"] {
        files.extend(pdfs_in(&sets.join(folder)).unwrap_or_default());
    }
    print_speed(&files);
    Ok(())
}

/// Share of truth words found, of found words true, and of truth n-grams found.
#[derive(Clone, Copy, Default)]
struct Score {
    recall: f64,
    precision: f64,
    order: f64,
}

fn score(truth: &str, found: &str, n: usize) -> Score {
    let (truth, found) = (tokens(truth), tokens(found));
    let common = |a: &[String], b: &[String]| {
        let mut counts: HashMap<&str, i64> = HashMap::new();
        b.iter().for_each(|token| *counts.entry(token).or_default() += 1);
        let taken = a.iter().filter(|token| {
            counts.get_mut(token.as_str()).is_some_and(|count| {
                *count -= 1;
                *count >= 0
            })
        });
        taken.count() as f64 / a.len().max(1) as f64
    };
    let grams: std::collections::HashSet<&[String]> = found.windows(n).collect();
    let kept = truth.windows(n).filter(|gram| grams.contains(gram)).count();
    Score {
        recall: common(&truth, &found),
        precision: common(&found, &truth),
        order: kept as f64 / truth.windows(n).len().max(1) as f64,
    }
}

/// Words in lower case; every Han character is a word of its own.
fn tokens(text: &str) -> Vec<String> {
    offset_tokens(text).into_iter().map(|(_, token)| token).collect()
}

fn offset_tokens(text: &str) -> Vec<(usize, String)> {
    let mut tokens: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (offset, c) in text.char_indices() {
        let han = matches!(c as u32, 0x3040..=0x30FF | 0x3400..=0x9FFF);
        if !c.is_alphanumeric() {
            open = false;
        } else if open && !han {
            if let Some((_, token)) = tokens.last_mut() {
                token.extend(c.to_lowercase());
            }
        } else {
            tokens.push((offset, c.to_lowercase().collect()));
            open = !han;
        }
    }
    tokens
}

fn print_truth(folder: &Path) -> anyhow::Result<()> {
    let pool = pool();
    let mut total: Vec<Score> = Vec::new();
    for file in pdfs_in(folder)? {
        let Some((kind, truth)) = ["md", "txt", "html"]
            .into_iter()
            .find_map(|kind| Some((kind, std::fs::read_to_string(file.with_extension(format!("gt.{kind}"))).ok()?)))
        else {
            continue;
        };
        let truth = plain(&truth, kind);
        match pool.read(&file, None) {
            Ok(parsed) => {
                let found = if kind == "md" { plain(&parsed.document.text, "md") } else { parsed.document.text };
                let score = score(&truth, &found, 5);
                print_score(&name(&file), score, None);
                total.push(score);
            }
            Err(error) => println!("{:<34} {error}", name(&file)),
        }
    }
    let mean = |f: fn(&Score) -> f64| total.iter().map(f).sum::<f64>() / total.len().max(1) as f64;
    let mean = Score { recall: mean(|s| s.recall), precision: mean(|s| s.precision), order: mean(|s| s.order) };
    print_score("mean of pdfs", mean, None);
    Ok(())
}

/// Truth texts without their markup.
fn plain(text: &str, kind: &str) -> String {
    let mut out = String::new();
    let mut tag = false;
    for c in text.chars() {
        match (kind, c) {
            ("html" | "md", '<') => tag = true,
            ("html" | "md", '>') => tag = false,
            _ if tag => {}
            _ => out.push(c),
        }
    }
    out.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("\\_", "_")
}

fn print_corpus(set: &Path, n: usize) -> anyhow::Result<()> {
    let pool = pool();
    let mut paragraphs: HashMap<String, Vec<serde_json::Value>> = HashMap::new();
    for row in std::fs::read_to_string(set.join("corpus.jsonl"))?.lines() {
        let row: serde_json::Value = serde_json::from_str(row)?;
        paragraphs.entry(row["pdf"].as_str().unwrap_or_default().to_owned()).or_default().push(row);
    }
    for file in pdfs_in(&set.join("documents"))? {
        let rows = paragraphs.iter().find(|(pdf, _)| pdf.ends_with(&name(&file))).map(|(_, rows)| rows.as_slice());
        let Some(rows) = rows else { continue };
        let document = pool.read(&file, None)?.document;
        let mut texts: Vec<&str> = Vec::new();
        let mut last_title = "";
        for row in rows {
            let title = row["title"].as_str().unwrap_or_default();
            if title != last_title {
                texts.push(title);
            }
            last_title = title;
            texts.push(row["text"].as_str().unwrap_or_default());
        }
        print_score(
            &name(&file),
            score(&texts.join("\n"), &document.text, n),
            Some(right_pages(rows, &document, n + 1)),
        );
    }
    Ok(())
}

/// Share of the paragraphs whose first words stand on the page they should.
fn right_pages(rows: &[serde_json::Value], document: &Document, n: usize) -> f64 {
    let found = offset_tokens(&document.text);
    let mut places: HashMap<Vec<&str>, Vec<usize>> = HashMap::new();
    for window in found.windows(n) {
        places.entry(window.iter().map(|(_, token)| token.as_str()).collect()).or_default().push(window[0].0);
    }
    let right = rows.iter().filter(|row| {
        let first: Vec<String> = tokens(row["text"].as_str().unwrap_or_default()).into_iter().take(n).collect();
        let key: Vec<&str> = first.iter().map(String::as_str).collect();
        let page = row["start_page"].as_u64();
        let here = places.get(&key).into_iter().flatten();
        here.copied().any(|offset| document.page_at(offset).map(u64::from) == page)
    });
    right.count() as f64 / rows.len().max(1) as f64
}

fn print_score(name: &str, score: Score, page: Option<f64>) {
    let page = page.map_or(String::new(), |page| format!("{page:>7.3}"));
    println!("{name:<34} {:>7.3} {:>9.3} {:>7.3} {page}", score.recall, score.precision, score.order);
}

fn print_bad(folder: &Path) -> anyhow::Result<()> {
    let manifest = std::fs::read_to_string(folder.join("manifest.tsv")).unwrap_or_default();
    let passwords: HashMap<&str, &str> = manifest
        .lines()
        .skip(1)
        .filter_map(|row| {
            let columns: Vec<&str> = row.split('\t').collect();
            Some((*columns.first()?, *columns.get(3)?))
        })
        .filter(|(_, password)| !password.is_empty())
        .collect();
    let pool = pool();
    let mut outcomes: HashMap<String, usize> = HashMap::new();
    let mut slowest = Duration::ZERO;
    for file in pdfs_in(folder)? {
        let name = name(&file);
        for password in [None, passwords.get(name.as_str()).copied()] {
            let started = Instant::now();
            let outcome = match pool.read(&file, password) {
                Ok(parsed) => {
                    format!("text ({} characters) {:?}", parsed.document.text.chars().count(), parsed.warnings)
                }
                Err(error) => format!("{}: {error}", error.reason()),
            };
            slowest = slowest.max(started.elapsed());
            let kind = outcome.split([' ', ':']).next().unwrap_or_default().to_owned();
            *outcomes.entry(kind).or_default() += 1;
            let with = if password.is_some() { " (password)" } else { "" };
            println!(
                "{name}{with}: {} in {} ms",
                outcome.replace(&*folder.to_string_lossy(), ""),
                started.elapsed().as_millis()
            );
            if !passwords.contains_key(name.as_str()) {
                break;
            }
        }
    }
    println!("outcomes: {outcomes:?}; slowest {slowest:?}");
    Ok(())
}

fn print_speed(files: &[PathBuf]) {
    let pool = pool();
    let _ = files.first().map(|file| pool.read(file, None));
    let started = Instant::now();
    let pages: usize = files.iter().filter_map(|file| pool.read(file, None).ok()).map(|p| p.document.pages.len()).sum();
    let own = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let peer = files
        .iter()
        .all(|file| Command::new("pdftotext").arg(file).arg("-").output().is_ok_and(|output| output.status.success()));
    let theirs = started.elapsed().as_secs_f64();
    print!("speed: {} files, {pages} pages, {:.0} pages/s", files.len(), pages as f64 / own);
    match peer {
        true => println!("; pdftotext {:.0} pages/s", pages as f64 / theirs),
        false => println!("; pdftotext is not installed or failed"),
    }
}

fn print_blocks(parsed: &attest_ingest::Parsed) {
    let document = &parsed.document;
    println!("title: {} | {:?} | {:?}", document.title, document.metadata, parsed.warnings);
    for block in &document.blocks {
        let page = document.page_at(block.span.start).unwrap_or_default();
        let kind = match block.kind {
            BlockKind::Heading(level) => "#".repeat(usize::from(level)),
            kind => format!("{kind:?}"),
        };
        println!("[p{page} {kind}] {}\n", document.slice(block.span));
    }
}

fn render(file: &Path, page: u32) -> anyhow::Result<()> {
    let document = pool().read(file, None)?.document;
    let options = attest_ingest::pdf::RenderOptions {
        highlights: document.fragments.iter().filter(|f| f.page == page).map(|f| f.rect).collect(),
        ..Default::default()
    };
    let picture = pool().draw(file, None, page, &options)?;
    std::fs::write("page.png", picture)?;
    Ok(())
}

fn pdfs_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "pdf"))
        .collect();
    files.sort();
    Ok(files)
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
