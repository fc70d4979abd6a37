//! How often do the excerpts that the model reads recur from question to
//! question? No model writes; the questions of a data set are searched and
//! packed in their order.
//!
//! ```text
//! ATTEST_DATASET=DIR cargo bench --bench recurring      # documents/ and queries.jsonl; default: the handbook
//! ```

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use attest::answer::{PackOptions, Reranked, pack};
use attest::models::{Generate, GeneratorChoice, open_generator};
use attest::{
    AddRequest, Config, Library, Mode, Overrides, PullEvent, READER_COMMAND, SearchRequest, Settings, run_reader,
};

/// As `attest ask` has them.
const OPTIONS: PackOptions = PackOptions { tokens: 280, excerpts: 5 };
const FOUND: usize = 12;

fn main() -> Result<ExitCode> {
    if std::env::args().nth(1).as_deref() == Some(READER_COMMAND) {
        return Ok(run_reader());
    }
    let handbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/handbook");
    let dir = std::env::var_os("ATTEST_DATASET").map_or(handbook, PathBuf::from);
    let (documents, questions) = match dir.join("documents") {
        documents if documents.is_dir() => (documents, dir.join("queries.jsonl")),
        _ => (dir.clone(), dir.join("questions.jsonl")),
    };
    let folder = tempfile::tempdir()?;
    let overrides = Overrides { data_dir: Some(folder.path().to_owned()), ..Overrides::default() };
    let config = Config::new(Settings::default(), overrides)?;
    let registry = attest::Registry::new(config.models_dir.clone());
    let files = registry.resolve("qwen2.5-coder-1.5b-instruct", &mut |_: PullEvent<'_>| {})?;
    let choice = GeneratorChoice::Gguf { model: files.only(".gguf")?.to_owned(), states: None };
    let generator = open_generator(&choice, config.threads)?;
    let library = Library::open(config)?;
    let request = AddRequest { paths: vec![documents], collection: None };
    library.add(&request, &mut Silent, &AtomicBool::new(false))?;

    let mut packed = Recurrence::default();
    let mut passages = Recurrence::default();
    let questions = std::fs::read_to_string(questions)?;
    for line in questions.lines() {
        let row: serde_json::Value = serde_json::from_str(line)?;
        let text = row["text"].as_str().context("a question has a text")?;
        let request = SearchRequest { query: text.into(), limit: FOUND, mode: Mode::Hybrid, collections: Vec::new() };
        let found = library.search_as_asked(&request)?;
        let reranked = Reranked { hits: found.hits };
        let excerpts =
            pack(text, &found.terms, &reranked, OPTIONS, &|text: &str| generator.count_tokens(text)).excerpts;
        for excerpt in &excerpts {
            let whole = &excerpt.hit.passage.text;
            packed.count(&excerpt.text, &*generator, excerpt.text.len() >= whole.trim().len());
            passages.count(whole, &*generator, true);
        }
    }
    println!("{}: {} questions", dir.display(), questions.lines().count());
    packed.print("excerpts as packed");
    passages.print("their whole passages");
    Ok(ExitCode::SUCCESS)
}

/// How many tokens were there before.
#[derive(Default)]
struct Recurrence {
    seen: HashSet<String>,
    tokens: HashMap<bool, usize>,
    whole: usize,
    texts: usize,
}

impl Recurrence {
    fn count(&mut self, text: &str, generator: &dyn Generate, whole: bool) {
        let recurs = !self.seen.insert(text.to_owned());
        *self.tokens.entry(recurs).or_default() += generator.count_tokens(text);
        self.texts += 1;
        self.whole += usize::from(whole);
    }

    fn print(&self, name: &str) {
        let of = |recurs| self.tokens.get(&recurs).copied().unwrap_or(0);
        println!(
            "{name:<22} {:>6} texts ({:.0}% whole passages), {:>7} tokens, of them {:.0}% read before",
            self.texts,
            100.0 * self.whole as f64 / self.texts as f64,
            of(true) + of(false),
            100.0 * of(true) as f64 / (of(true) + of(false)) as f64,
        );
    }
}

struct Silent;

impl attest::AddProgress for Silent {
    fn add_event(&mut self, _: attest::AddEvent<'_>) {}
}
