//! How the indexes grow: speed of writing, latency of searching, memory and disk
//! at 1,000, 10,000, … passages.
//!
//! ```text
//! ATTEST_CORPUS=DIR/corpus.jsonl[:MORE] cargo bench --bench scale -- 1000 10000 50000
//! ```
//!
//! The passages are paragraphs of the given corpora (rows with `title` and `text`);
//! when they run out, sentences of two paragraphs are put together, which gives
//! the graph more links than real documents have. The vectors are made up, as
//! points around 500 centres: embedding 100,000 passages takes hours on two cores
//! and says nothing about the index. Nothing else is made up: texts, passages,
//! entities and files are what `attest add` writes.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use attest::index::{
    Change, ChunkId, DenseSearch, Embedded, EmbedderSpec, Index, IndexOptions, Put, Scope, Seeds, SourceFile, mentions,
};
use attest::models::TokenVectors;
use attest::models::late::{LateQuery, encode};
use attest_ingest::{ChunkOptions, Document, chunk};
use sha2::{Digest, Sha256};

const DIM: usize = 384;
const CENTRES: usize = 500;
/// As many as `attest add` puts into one transaction.
const BATCH: usize = 32;
const QUESTIONS: usize = 200;
/// Passages that a search returns, and that are looked at again.
const DEPTH: usize = 100;
const LOOKED_AT: usize = 30;

fn main() {
    let corpora = std::env::var("ATTEST_CORPUS").unwrap_or_default();
    let paragraphs: Vec<(String, String)> = corpora.split(':').flat_map(|path| read(Path::new(path))).collect();
    if paragraphs.is_empty() {
        println!("skipped: ATTEST_CORPUS names no corpus.jsonl");
        return;
    }
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|size| size.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![1_000, 10_000] } else { sizes };
    println!("{} paragraphs", paragraphs.len());
    println!(
        "| passages | written/s | vectors/s | optimized in | disk/passage (store, words, vectors) | memory | \
         words p50/p95 ms | meaning p50/p95 | graph p50/p95 | passages and second look p50/p95 | all p50/p95 | \
         recall@10 of the exact scan |"
    );
    println!("|{}", "---|".repeat(12));
    for size in sizes {
        measure(size, &paragraphs);
    }
}

fn read(path: &Path) -> Vec<(String, String)> {
    let Ok(file) = std::fs::File::open(path) else { return Vec::new() };
    std::io::BufReader::new(file)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(&line).ok())
        .filter_map(|row| Some((row["title"].as_str()?.to_owned(), row["text"].as_str()?.to_owned())))
        .filter(|(_, text)| text.len() > 80)
        .collect()
}

fn measure(size: usize, paragraphs: &[(String, String)]) {
    let dir = tempfile::tempdir().unwrap();
    let embedder = Some(EmbedderSpec { id: "made up".into(), dim: DIM });
    let index = Index::open(dir.path(), IndexOptions { recipe: "scale".into(), embedder, qdrant: None }).unwrap();
    let before = resident();

    let start = Instant::now();
    let (mut chunks, mut documents) = (0, 0);
    while chunks < size {
        let changes: Vec<Change> = (documents..documents + BATCH).map(|at| put(at, paragraphs)).collect();
        documents += BATCH;
        chunks += index.apply(&changes).unwrap().chunks_added;
    }
    let written = chunks as f64 / start.elapsed().as_secs_f64();

    let mut random = Random(7);
    let centres: Vec<Vec<f32>> = (0..CENTRES).map(|_| random.vector()).collect();
    let tokens: Vec<Vec<u8>> = (0..32).map(|_| encode(&token_vectors(&mut random, 150))).collect();
    let mut vectors: Vec<(ChunkId, Vec<f32>)> = Vec::with_capacity(chunks);
    let start = Instant::now();
    loop {
        let pending = index.pending_embeddings(64).unwrap();
        if pending.is_empty() {
            break;
        }
        let embedded = pending.into_iter().map(|(chunk, _)| {
            let vector = near(&centres[chunk.0 as usize % CENTRES], 1.0, &mut Random(chunk.0));
            vectors.push((chunk, vector.clone()));
            Embedded { chunk, vector, tokens: Some(tokens[chunk.0 as usize % tokens.len()].clone()) }
        });
        index.put_vectors(embedded.collect()).unwrap();
    }
    let embedded = chunks as f64 / start.elapsed().as_secs_f64();
    let start = Instant::now();
    index.optimize().unwrap();
    let optimized = start.elapsed().as_secs_f64();

    let mut times: HashMap<&str, Vec<f64>> = HashMap::new();
    let mut recall = 0.0;
    for _ in 0..QUESTIONS {
        let (_, text) = &paragraphs[random.below(paragraphs.len())];
        let words: Vec<&str> = text.split_whitespace().collect();
        let from = random.below(words.len().saturating_sub(9).max(1));
        let question = words[from..].iter().take(9).copied().collect::<Vec<_>>().join(" ");
        let vector = near(&vectors[random.below(vectors.len())].1, 0.7, &mut random);
        let query = LateQuery::new(&token_vectors(&mut random, 14));

        let whole = Instant::now();
        let lexical = timed(&mut times, "words", || index.search_lexical(&question, &Scope::All, DEPTH).unwrap());
        let dense = timed(&mut times, "meaning", || index.search_dense(&vector, &Scope::All, DEPTH));
        let DenseSearch::Hits(dense) = dense else { panic!("the vectors cannot be searched: {dense:?}") };
        let seeds = Seeds { dense: &dense, lexical: &lexical };
        let graph = timed(&mut times, "graph", || index.search_graph(&question, &seeds, &Scope::All, DEPTH).unwrap());
        timed(&mut times, "look", || {
            let best: Vec<ChunkId> = graph.iter().take(LOOKED_AT).map(|hit| hit.hit.chunk).collect();
            let kept = index.token_vectors(&best).unwrap();
            kept.iter().flatten().filter_map(|bytes| query.score(bytes)).for_each(|score| {
                std::hint::black_box(score);
            });
            index.passages(&best).unwrap().len()
        });
        times.entry("all").or_default().push(whole.elapsed().as_secs_f64() * 1e3);

        let mut exact: Vec<(f32, ChunkId)> =
            vectors.iter().map(|(chunk, other)| (vector.iter().zip(other).map(|(a, b)| a * b).sum(), *chunk)).collect();
        exact.sort_by(|a, b| b.0.total_cmp(&a.0));
        let found = exact.iter().take(10).filter(|(_, chunk)| dense[..10].iter().any(|hit| hit.chunk == *chunk));
        recall += found.count() as f64 / 10.0;
    }
    let kept_here = (vectors.len() * DIM * 4) as f64 / f64::from(1 << 20);
    let memory = resident() - before - kept_here;
    let disk = |names: &[&str]| {
        let bytes: u64 = names.iter().map(|name| size_of(&dir.path().join(name))).sum();
        bytes as f64 / chunks as f64 / 1024.0
    };
    let (store, words) = (disk(&["attest.sqlite", "attest.sqlite-wal"]), disk(&["lexical"]));
    let meaning = disk(&["dense"]);
    println!(
        "| {chunks} | {written:.0} | {embedded:.0} | {optimized:.1} s | {:.1} KiB ({store:.1}, {words:.1}, {meaning:.1}) | \
         {memory:.0} MiB | {} | {} | {} | {} | {} | {:.3} |",
        store + words + meaning,
        percentiles(&mut times, "words"),
        percentiles(&mut times, "meaning"),
        percentiles(&mut times, "graph"),
        percentiles(&mut times, "look"),
        percentiles(&mut times, "all"),
        recall / QUESTIONS as f64,
    );
}

/// The document with this number: a paragraph as it is, or, in later rounds,
/// sentences of two.
fn put(number: usize, paragraphs: &[(String, String)]) -> Change {
    let (title, text) = &paragraphs[number % paragraphs.len()];
    let round = number / paragraphs.len();
    let (title, text) = if round == 0 {
        (title.clone(), text.clone())
    } else {
        let other = &paragraphs[(number * 7919 + round * 104_729) % paragraphs.len()].1;
        let mixed: Vec<&str> = text.split(". ").step_by(2).chain(other.split(". ").skip(1).step_by(2)).collect();
        (format!("{title} {round}"), mixed.join(". "))
    };
    let document = Document::from_text(&title, &text);
    let options = ChunkOptions { max_tokens: 180, count_tokens: &|text| text.len() / 4 };
    let chunks = chunk(&document, &options);
    let mentions = mentions(&document, &chunks);
    let hash = Sha256::digest(format!("{number}\0{text}")).iter().map(|byte| format!("{byte:02x}")).collect();
    let file = SourceFile {
        collection: "default".into(),
        path: format!("/scale/{number}.txt"),
        root: Some("/scale".into()),
        hash,
        mtime: 0,
        size: text.len() as u64,
    };
    Change::Put(Box::new(Put { file, document, warnings: Vec::new(), chunks, mentions }))
}

fn timed<T>(times: &mut HashMap<&str, Vec<f64>>, what: &'static str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let value = work();
    times.entry(what).or_default().push(start.elapsed().as_secs_f64() * 1e3);
    value
}

fn percentiles(times: &mut HashMap<&str, Vec<f64>>, what: &str) -> String {
    let all = times.get_mut(what).expect("it was measured");
    all.sort_by(f64::total_cmp);
    format!("{:.1} / {:.1}", all[all.len() / 2], all[all.len() * 95 / 100])
}

/// Memory of this process in MiB; 0 where the system does not tell.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn size_of(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return path.metadata().map_or(0, |metadata| metadata.len()) };
    entries.flatten().map(|entry| size_of(&entry.path())).sum()
}

fn token_vectors(random: &mut Random, tokens: usize) -> TokenVectors {
    let values = (0..tokens).flat_map(|_| random.vector()).collect();
    TokenVectors { dim: DIM, values, offsets: vec![(0, 1); tokens] }
}

/// A point of unit length around `centre`; `spread` 1 is as much noise as signal.
fn near(centre: &[f32], spread: f32, random: &mut Random) -> Vec<f32> {
    let noise = random.vector();
    unit(centre.iter().zip(noise).map(|(centre, noise)| centre + spread * noise).collect())
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}

/// A sequence that is the same in every run (`SplitMix64`).
struct Random(u64);

impl Random {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.draw() % bound as u64) as usize
    }

    /// A direction, every one as likely as another, about: sums of uniform values.
    fn vector(&mut self) -> Vec<f32> {
        let uniform = |bits: u64| (bits & 0xffff) as f32 / 65_535.0 - 0.5;
        let value = |bits: u64| uniform(bits) + uniform(bits >> 16) + uniform(bits >> 32) + uniform(bits >> 48);
        unit((0..DIM).map(|_| value(self.draw())).collect())
    }
}
