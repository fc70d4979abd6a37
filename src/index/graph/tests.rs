//! The graph in a store: it is exact, and it finds what lies a hop away.

use attest_ingest::{Chunk, Document};

use super::*;
use crate::index::change::{Change, Put};
use crate::index::folder::fixture::{options, put};
use crate::index::{Index, Scope, Scored, document_id};

/// A file of paragraphs with the entities that the rules find in it.
fn file(path: &str, title: &str, text: &str) -> Change {
    let Change::Put(made) = put("c", path, text) else { unreachable!() };
    let document = Document { title: title.to_owned(), ..made.document };
    let chunks: Vec<Chunk> = made.chunks.into_iter().map(|chunk| Chunk { headings: vec![], ..chunk }).collect();
    let mentions = mentions(&document, &chunks);
    Change::Put(Box::new(Put { file: made.file, document, warnings: vec![], chunks, mentions }))
}

fn open(dir: &tempfile::TempDir) -> Index {
    Index::open(dir.path(), options()).unwrap()
}

fn fingerprint(changes: &[&[Change]]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let index = open(&dir);
    for batch in changes {
        index.apply(batch).unwrap();
    }
    index.store().fingerprint().unwrap()
}

fn library() -> Vec<Change> {
    vec![
        file("alu.md", "Alû", "In Akkadian mythology, Alû is a demon like Lilu and Gallu.\n\nThe Anunnaki feared it."),
        file("lilu.md", "Lilu (mythology)", "A lilu is a spirit of the night.\n\nIt is known from Babylon."),
        file("hub.md", "Hub H10", "The Hub H10 speaks to the K20 XL. See [the meter](k20-xl.md)."),
        file("k20-xl.md", "Flow meter", "It counts litres in a DN32 pipe."),
    ]
}

#[test]
fn what_was_added_and_removed_leaves_no_trace() {
    let remove = |path: &str| Change::Remove { document_id: document_id("c", path) };
    let all = library();
    let fresh = fingerprint(&[&all[1..]]);
    assert_eq!(fingerprint(&[&all, &[remove("alu.md")]]), fresh);
    assert_eq!(fingerprint(&[&all[..1], &[remove("alu.md")], &all[1..]]), fresh);
    let changed = [file("lilu.md", "Lilu", "It is gone from Babylon and from Nippur.")];
    assert_eq!(fingerprint(&[&all, &changed, &all[1..2], &[remove("alu.md")]]), fresh);
}

#[test]
fn the_order_of_adding_does_not_matter() {
    let all = library();
    let mut reversed = library();
    reversed.reverse();
    let one_by_one: Vec<&[Change]> = all.chunks(1).collect();
    assert_eq!(fingerprint(&one_by_one), fingerprint(&[&reversed]));
}

#[test]
fn files_with_the_same_content_share_their_names() {
    let text = "A spirit of the night, known from Babylon.";
    let (one, two) = (file("a/lilu.md", "Lilu", text), file("b/night-spirit.md", "Night", text));
    let remove = |path: &str| Change::Remove { document_id: document_id("c", path) };
    let both = fingerprint(&[&[one.clone(), two.clone()]]);
    assert_eq!(both, fingerprint(&[std::slice::from_ref(&two), std::slice::from_ref(&one)]));
    assert_eq!(fingerprint(&[&[one.clone(), two.clone()], &[remove("a/lilu.md")]]), fingerprint(&[&[two]]));
    assert_ne!(both, fingerprint(&[&[one]]));
}

fn found(index: &Index, question: &str, seeds: &[Scored]) -> Vec<(String, GraphPath)> {
    let hits = index.search_graph(question, &Seeds { dense: &[], lexical: seeds }, &Scope::All, 10).unwrap();
    let chunks: Vec<_> = hits.iter().map(|hit| hit.hit.chunk).collect();
    let passages = index.passages(&chunks).unwrap();
    passages.into_iter().zip(hits).map(|(passage, hit)| (passage.document, hit.path)).collect()
}

#[test]
fn the_second_hop_is_found_and_explained() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(&dir);
    index.apply(&library()).unwrap();
    let hits = found(&index, "if gallu is a demon, what is the other one?", &[]);
    assert_eq!(hits[0], ("alu.md".into(), GraphPath::Topic { entity: "Gallu".into() }));
    let (_, path) = hits.iter().find(|(document, _)| document == "lilu.md").expect("it is mentioned by alu.md");
    assert!(matches!(path, GraphPath::Shared { entity, .. } if entity == "Lilu"), "{path:?}");
}

#[test]
fn links_lead_to_the_document_they_name() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(&dir);
    index.apply(&library()).unwrap();
    let hits = found(&index, "what does the H10 speak to?", &[]);
    assert!(hits.iter().any(|(document, _)| document == "k20-xl.md"), "{hits:?}");
}

#[test]
fn seeds_bring_their_neighbours_and_stay_in_scope() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(&dir);
    index.apply(&library()).unwrap();
    let Change::Put(mut other) = file("other.md", "Other", "They met Gallu and Lilu again.") else { unreachable!() };
    other.file.collection = "d".into();
    index.apply(&[Change::Put(other)]).unwrap();
    let seeds = index.search_lexical("spirit of the night", &Scope::All, 1).unwrap();
    let hits = found(&index, "?", &seeds);
    assert!(hits.iter().any(|(_, path)| *path == GraphPath::Neighbour { from: seeds[0].chunk }), "{hits:?}");
    let scope = index.scope(&["d"]).unwrap();
    let hits = index.search_graph("Gallu", &Seeds::default(), &scope, 10).unwrap();
    assert_eq!(hits.len(), 1, "{hits:?}");
}

#[test]
fn a_picture_shows_what_passages_mention_and_where_else_it_is_mentioned() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(&dir);
    index.apply(&library()).unwrap();
    let start = index.chunks_of(&document_id("c", "hub.md")).unwrap();
    let meter = index.chunks_of(&document_id("c", "k20-xl.md")).unwrap();
    let picture = index.picture(&start, &Scope::All, 100).unwrap();
    assert_eq!(picture.passages[..2], [start, meter].concat(), "{picture:?}");
    assert!(!picture.truncated);
    let of = |passage: usize| -> Vec<&str> {
        let mentions = picture.mentions.iter().filter(|mention| mention.passage == passage);
        mentions.map(|mention| picture.entities[mention.entity].label.as_str()).collect()
    };
    assert!(of(0).contains(&"Hub H10") && of(0).contains(&"k20 xl"), "{picture:?}");
    assert!(of(1).contains(&"k20 xl") && !of(1).contains(&"Hub H10"), "{picture:?}");
    assert!(picture.entities.is_sorted_by(|a, b| a.weight >= b.weight));
}

#[test]
fn a_picture_has_no_more_than_was_wanted_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(&dir);
    index.apply(&library()).unwrap();
    let all: Vec<_> = index.documents(None).unwrap().iter().flat_map(|d| index.chunks_of(&d.id).unwrap()).collect();
    for limit in 1..12 {
        let picture = index.picture(&all, &Scope::All, limit).unwrap();
        assert!(picture.passages.len() + picture.entities.len() <= limit, "{limit}: {picture:?}");
        assert!(picture.truncated && !picture.passages.is_empty());
    }
}

/// A file of another collection.
fn elsewhere(path: &str, text: &str) -> Change {
    let Change::Put(made) = file(path, "Hub H10", text) else { unreachable!() };
    Change::Put(Box::new(Put { file: crate::index::SourceFile { collection: "other".into(), ..made.file }, ..*made }))
}

#[test]
fn a_search_counts_nothing_in_other_collections() {
    let found = |changes: &[Change]| {
        let dir = tempfile::tempdir().unwrap();
        let index = open(&dir);
        index.apply(changes).unwrap();
        let scope = index.scope(&["c"]).unwrap();
        ["What does the Hub H10 speak to?", "Is Gallu like Lilu?", "Babylon"]
            .map(|question| index.search_graph(question, &Seeds::default(), &scope, 10).unwrap())
    };
    // So many that what they name would lead nowhere.
    let crowd =
        (0..120).map(|n| elsewhere(&format!("{n}.md"), &format!("Hub H10 {n}: K20 XL, Gallu, Lilu in Babylon.")));
    let beside: Vec<Change> = crowd.chain(library()).collect();
    let alone = found(&library());
    assert!(alone.iter().all(|hits| !hits.is_empty()), "{alone:?}");
    assert_eq!(found(&beside), alone);
}

#[test]
fn a_picture_neither_shows_nor_counts_other_collections() {
    let picture_of = |changes: &[Change]| {
        let dir = tempfile::tempdir().unwrap();
        let index = open(&dir);
        index.apply(changes).unwrap();
        let start = index.chunks_of(&document_id("c", "hub.md")).unwrap();
        index.picture(&start, &index.scope(&["c"]).unwrap(), 100).unwrap()
    };
    let hidden = |path: &str| elsewhere(path, "The Hub H10 knows the K20 XL.");
    let alone = library();
    let beside: Vec<Change> = [hidden("a.md"), hidden("z.md")].into_iter().chain(library()).collect();
    assert_eq!(picture_of(&beside), picture_of(&alone));
}
