//! `kill -9` of the program itself while it adds a folder that changes from run
//! to run: in the end the index finds what one finds that was never killed.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Attest;

const KILLS: usize = 50;

/// What both indexes are asked, in every mode.
const QUERIES: [&str; 3] = ["How long is the warranty of the valve?", "E-3004", "电池能用多久？"];

#[test]
fn an_add_that_is_killed_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let files = copy_markdown(folder.path());
    let docs = folder.path().to_str().unwrap();
    let killed = Attest::new();
    let mut pause = 0x5eed_u64;
    for kill in 0..KILLS {
        // One file is another, one is gone, and one is back.
        let (name, text) = &files[kill % files.len()];
        fs::write(folder.path().join(name), format!("{text}\n\nRevision {kill}.\n")).unwrap();
        let (name, _) = &files[(kill + 1) % files.len()];
        drop(fs::remove_file(folder.path().join(name)));
        let (name, text) = &files[(kill + 3) % files.len()];
        fs::write(folder.path().join(name), text).unwrap();
        let mut child = killed.command(&["add", "--quiet", docs]).spawn().unwrap();
        // Not to wait for anything, but to hit another moment each time.
        pause = pause.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        thread::sleep(Duration::from_millis((pause >> 33) % 900));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let end = killed.run(&["add", docs]);
    assert_eq!(end.code, 0, "{}", end.stderr);
    let fresh = Attest::new();
    assert_eq!(fresh.run(&["add", docs]).code, 0);
    assert_eq!(documents(&killed), documents(&fresh));
    for mode in ["dense", "lexical", "graph", "hybrid"] {
        for query in QUERIES {
            assert_eq!(found(&killed, mode, query), found(&fresh, mode, query), "{mode}: {query}");
        }
    }
}

/// Copies the handbook's Markdown files; returns their names and texts.
fn copy_markdown(folder: &Path) -> Vec<(String, String)> {
    let handbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/handbook");
    let mut files: Vec<(String, String)> = [handbook.clone(), handbook.join("zh")]
        .iter()
        .flat_map(|from| fs::read_dir(from).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    for (name, text) in &files {
        fs::write(folder.join(name), text).unwrap();
    }
    files
}

/// What is in, without when it came in.
fn documents(attest: &Attest) -> Vec<Value> {
    let (_, status) = attest.json(&["status"]);
    let one = |document: &Value| json!([document["path"], document["size"], document["state"]]);
    let mut all: Vec<Value> = status["documents"].as_array().unwrap().iter().map(one).collect();
    all.sort_by_key(Value::to_string);
    assert!(all.len() > 5, "{status}");
    all
}

/// Where the hits stand, and what they are worth.
fn found(attest: &Attest, mode: &str, query: &str) -> Vec<Value> {
    let (_, result) = attest.json(&["search", "--mode", mode, "-k", "8", query]);
    let hits = result["hits"].as_array().unwrap();
    assert!(!hits.is_empty() || mode == "graph", "{mode}: {query}");
    hits.iter().map(|hit| json!([hit["document"], hit["span"], hit["text"], hit["score"]])).collect()
}
