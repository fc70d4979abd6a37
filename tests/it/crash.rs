//! `kill -9` at any moment: what was acknowledged is there, nothing is there
//! twice, and in the end the index is the same as one that was never killed.
//!
//! The test starts itself as a child that writes to an index, batch after
//! batch, and prints each batch when it is acknowledged. The parent kills it at
//! a random moment, looks, and starts the next. No model is needed: vectors
//! are made from hashes.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use attest::index::{Change, ChunkId, Embedded, EmbedderSpec, Index, IndexOptions, Known, Mention, Put, SourceFile};
use attest_ingest::{Chunk, Document, Format, Metadata, Span};
use sha2::{Digest, Sha256};

const KILLS: usize = 50;
const FILES: u64 = 24;
const DIM: usize = 32;
const CHILD: &str = "ATTEST_CRASH_CHILD";
const FIRST_BATCH: &str = "ATTEST_CRASH_FIRST_BATCH";

/// What the folder should hold: version by file.
type Files = BTreeMap<u64, u64>;

#[test]
fn killed_at_any_moment_nothing_is_lost_or_doubled() {
    if let Some(dir) = env::var_os(CHILD) {
        let first = env::var(FIRST_BATCH).unwrap().parse().unwrap();
        write_forever(Path::new(&dir), first);
    }
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(0x5eed);
    let mut acknowledged = 0;
    for kill in 0..KILLS {
        acknowledged = run_and_kill(dir.path(), acknowledged, &mut random);
        let index = open(dir.path());
        let found = versions(&index);
        // The batch in flight is there as a whole or not at all.
        let possible = [after(acknowledged), after(acknowledged + 1)];
        let at = possible.iter().position(|files| *files == found);
        acknowledged += at.unwrap_or_else(|| panic!("kill {kill}: {found:?} is none of {possible:?}")) as u64;
        assert_sound(&index);
    }

    let index = open(dir.path());
    embed(&index, usize::MAX);
    assert_sound(&index);
    let fresh_dir = tempfile::tempdir().unwrap();
    let fresh = open(fresh_dir.path());
    let files = after(acknowledged);
    assert!(files.len() > FILES as usize / 2, "the workload removed too much");
    fresh.apply(&files.iter().map(|(&file, &version)| put(file, version)).collect::<Vec<_>>()).unwrap();
    embed(&fresh, usize::MAX);
    assert_eq!(index.fingerprint().unwrap(), fresh.fingerprint().unwrap());
    assert!(acknowledged > KILLS as u64, "only {acknowledged} batches in {KILLS} runs");
}

/// Starts a child after `first` batches, kills it at a random moment, and
/// gives the number of batches that are acknowledged.
fn run_and_kill(dir: &Path, first: u64, random: &mut Random) -> u64 {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::killed_at_any_moment_nothing_is_lost_or_doubled", "--nocapture"])
        .env(CHILD, dir)
        .env(FIRST_BATCH, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = first;
    let batches = random.below(7);
    let mut note = |line: &str| {
        if let Some(batch) = line.strip_prefix("acknowledged ") {
            acknowledged = batch.parse::<u64>().unwrap() + 1;
        }
        acknowledged - first
    };
    // The first line comes with the child; from then on any moment will do.
    for line in lines.by_ref() {
        if note(&line.unwrap()) >= batches {
            break;
        }
    }
    // Not to wait for anything, but to hit another moment each time.
    thread::sleep(Duration::from_micros(random.below(60_000)));
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines {
        note(&line.unwrap());
    }
    acknowledged
}

/// The child: applies batches and embeds some of what is pending.
fn write_forever(dir: &Path, first: u64) -> ! {
    println!("begins");
    let index = open(dir);
    for batch in first.. {
        index.apply(&changes(batch, &index)).unwrap();
        println!("acknowledged {batch}");
        embed(&index, 5);
    }
    unreachable!("there are more batches than time")
}

fn open(dir: &Path) -> Index {
    let embedder = Some(EmbedderSpec { id: "hash".into(), dim: DIM });
    Index::open(dir, IndexOptions { recipe: "crash".into(), embedder, qdrant: None }).unwrap()
}

/// What batch number `batch` does to its files.
fn steps(batch: u64) -> Vec<(u64, Option<u64>)> {
    (0..3)
        .map(|at| {
            let draw = Random(batch * 3 + at).draw();
            let version = (!draw.is_multiple_of(6)).then_some(draw / 6 % 4);
            (draw / 100 % FILES, version)
        })
        .collect()
}

fn after(batches: u64) -> Files {
    let mut files = Files::new();
    for (file, version) in (0..batches).flat_map(steps) {
        match version {
            Some(version) => files.insert(file, version),
            None => files.remove(&file),
        };
    }
    files
}

fn changes(batch: u64, index: &Index) -> Vec<Change> {
    let documents = index.documents(None).unwrap();
    let mut changes = Vec::new();
    for (file, version) in steps(batch) {
        match version {
            Some(version) => changes.push(put(file, version)),
            None => {
                // A file of this batch may not be there yet.
                let id = documents.iter().find(|d| d.path == path(file)).map(|d| d.id.clone());
                let id = id.or_else(|| id_of(file, &changes));
                changes.extend(id.map(|document_id| Change::Remove { document_id }));
            }
        }
    }
    changes
}

/// The id of a file that is put in the same batch; ids depend on the path only.
fn id_of(file: u64, changes: &[Change]) -> Option<String> {
    let put = changes.iter().any(|change| matches!(change, Change::Put(put) if put.file.path == path(file)));
    put.then(|| attest::index::document_id("docs", &path(file)))
}

fn path(file: u64) -> String {
    format!("/files/{file}.txt")
}

fn text(file: u64, version: u64) -> String {
    // Some files say the same, so that contents are shared and let go.
    let subject = if version == 3 { "shared".to_owned() } else { format!("File{file}") };
    let paragraph =
        |at: u64| format!("Paragraph {at} of {subject} in Version{version} speaks of max_conn and Gateways.");
    (0..2 + version).map(paragraph).collect::<Vec<_>>().join("\n\n")
}

fn put(file: u64, version: u64) -> Change {
    let text = text(file, version);
    let hash = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    let (mut chunks, mut mentions, mut at) = (Vec::new(), Vec::new(), 0);
    for (ordinal, part) in (0..).zip(text.split_inclusive("\n\n")) {
        let plain = part.trim_end();
        for (key, label) in [("gateway", "Gateways"), ("version", "Version")] {
            let (key, label) = (key.to_owned(), label.to_owned());
            mentions.push(Mention { ordinal, key, label, weight: 1 });
        }
        chunks.push(Chunk {
            ordinal,
            span: Span::new(at, at + plain.len()),
            section: Span::new(0, text.len()),
            page: None,
            lines: None,
            headings: vec![],
            context: String::new(),
            plain: plain.to_owned(),
        });
        at += part.len();
    }
    let file = SourceFile {
        collection: "docs".into(),
        path: path(file),
        root: Some("/files".into()),
        hash,
        mtime: version as i64,
        size: text.len() as u64,
    };
    let document = Document {
        format: Format::Text,
        title: file.path.clone(),
        text,
        pages: vec![],
        blocks: vec![],
        lines: vec![],
        fragments: vec![],
        hidden: vec![],
        metadata: Metadata::default(),
    };
    Change::Put(Box::new(Put { file, document, warnings: vec![], chunks, mentions }))
}

fn embed(index: &Index, batches: usize) {
    for _ in 0..batches {
        let pending = index.pending_embeddings(4).unwrap();
        if pending.is_empty() {
            return;
        }
        let embedded = pending.into_iter().map(|(chunk, text)| {
            let digest = Sha256::digest(&text);
            let mut vector: Vec<f32> = digest.iter().map(|&byte| f32::from(byte) - 127.5).collect();
            let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
            vector.iter_mut().for_each(|v| *v /= length);
            Embedded { chunk, vector, tokens: Some(digest.to_vec()) }
        });
        index.put_vectors(embedded.collect()).unwrap();
    }
}

fn versions(index: &Index) -> Files {
    let documents = index.documents(None).unwrap();
    let found = documents.into_iter().map(|document| {
        let file = document.path["/files/".len()..document.path.len() - ".txt".len()].parse().unwrap();
        // The time stamp is the version, and the content must be of that version.
        let version = document.mtime as u64;
        let expected = text(file, version);
        assert_eq!(index.document(&document.id).unwrap().text, expected);
        let known = index.known("docs", &document.path, expected.len() as u64, document.mtime).unwrap();
        assert_eq!(known, Known::Unchanged);
        (file, version)
    });
    found.collect()
}

/// All indexes hold what the store says, once.
fn assert_sound(index: &Index) {
    let stored: Vec<ChunkId> = index
        .documents(None)
        .unwrap()
        .iter()
        .flat_map(|document| index.chunks_of(&document.id).unwrap())
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    assert_eq!(index.lexical().ids().unwrap(), stored);
    let pending: Vec<ChunkId> =
        index.pending_embeddings(usize::MAX).unwrap().into_iter().map(|(chunk, _)| chunk).collect();
    let embedded = index.embedded().unwrap();
    let mut distinct = embedded.clone();
    distinct.dedup();
    assert_eq!(distinct, embedded, "a chunk has two vectors");
    for chunk in &stored {
        assert!(
            embedded.binary_search(chunk).is_ok() || pending.contains(chunk),
            "{chunk} has no vector and waits for none"
        );
    }
    for chunk in &embedded {
        assert!(stored.binary_search(chunk).is_ok(), "{chunk} has a vector but is gone");
    }
    assert_eq!(index.status().unwrap().chunks, stored.len());
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

    fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }
}
