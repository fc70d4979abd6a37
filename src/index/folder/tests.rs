use super::fixture::{embed_all, fail, options, put};
use super::*;
use crate::index::dense::contract;
use crate::index::store::DocumentState;

fn open(dir: &Path) -> Index {
    Index::open(dir, options()).unwrap()
}

fn texts(index: &Index, query: &str) -> Vec<String> {
    let hits = index.search_lexical(query, &Scope::All, 10).unwrap();
    let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk).collect();
    index.passages(&ids).unwrap().into_iter().map(|passage| passage.text).collect()
}

const MANUAL: &str = "The Gateway has four ports.\n\nThe Sensor runs on two batteries.";
const POLICY: &str = "The warranty of the Gateway lasts three years.\n\nReturns are free.";

#[test]
fn a_passage_knows_where_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    index.apply(&[put("docs", "/k/manual.txt", MANUAL)]).unwrap();
    let hits = index.search_lexical("sensor batteries", &Scope::All, 5).unwrap();
    let passage = index.passages(&[hits[0].chunk]).unwrap().remove(0);
    assert_eq!(passage.text, "The Sensor runs on two batteries.");
    assert_eq!((passage.document.as_str(), passage.collection.as_str()), ("/k/manual.txt", "docs"));
    assert_eq!((passage.ordinal, passage.lines), (1, Some((3, 3))));
    assert_eq!(index.text_at(&passage.document_id, passage.span).unwrap().text, passage.text);
    let document = index.document(&passage.document_id).unwrap();
    assert_eq!((document.slice(passage.span), document.title.as_str()), (passage.text.as_str(), "manual.txt"));
    assert_eq!(index.passages(&[ChunkId(1)]).unwrap(), []);
}

#[test]
fn words_first_vectors_later() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    index.apply(&[put("docs", "/k/manual.txt", MANUAL)]).unwrap();
    let status = index.status().unwrap();
    assert_eq!((status.chunks, status.pending_lexical, status.pending_dense), (2, 0, 2));
    let (chunk, text) = index.pending_embeddings(1).unwrap().remove(0);
    assert_eq!(text, "manual.txt > Notes\nThe Gateway has four ports.");
    let vector = contract::vector(7);
    let put = index.put_vectors(vec![
        Embedded { chunk, vector: vector.clone(), tokens: Some(vec![1, 2]) },
        Embedded { chunk: ChunkId(99), vector: vector.clone(), tokens: Some(vec![3]) },
    ]);
    assert_eq!(put.unwrap(), 1);
    let DenseSearch::Hits(hits) = index.search_dense(&vector, &Scope::All, 5) else { panic!("unavailable") };
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].chunk, chunk);
    assert_eq!(index.token_vectors(&[ChunkId(99), chunk]).unwrap(), [None, Some(vec![1, 2])]);
    assert_eq!(index.status().unwrap().pending_dense, 1);
}

#[test]
fn changes_leave_what_a_fresh_build_gives() {
    let (changed, fresh) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let index = open(changed.path());
    index
        .apply(&[put("docs", "/k/a.txt", MANUAL), put("docs", "/k/gone.txt", "Gone Soon"), fail("docs", "/k/b.txt")])
        .unwrap();
    embed_all(&index);
    // Updated, mended, copied, moved, removed; then the index is opened anew.
    index.apply(&[put("docs", "/k/a.txt", POLICY), put("docs", "/k/b.txt", "Mended now")]).unwrap();
    index
        .apply(&[put("docs", "/k/c.txt", MANUAL), put("other", "/k/c.txt", MANUAL), put("docs", "/k/0.txt", POLICY)])
        .unwrap();
    embed_all(&index);
    let gone = index.documents(None).unwrap().into_iter().find(|d| d.path == "/k/gone.txt").unwrap();
    index.apply(&[Change::Remove { document_id: gone.id }, fail("docs", "/k/z.txt")]).unwrap();
    drop(index);
    let index = open(changed.path());
    embed_all(&index);

    let rebuilt = open(fresh.path());
    rebuilt
        .apply(&[
            fail("docs", "/k/z.txt"),
            put("other", "/k/c.txt", MANUAL),
            put("docs", "/k/c.txt", MANUAL),
            put("docs", "/k/b.txt", "Mended now"),
            put("docs", "/k/a.txt", POLICY),
            put("docs", "/k/0.txt", POLICY),
        ])
        .unwrap();
    embed_all(&rebuilt);
    assert_eq!(index.fingerprint().unwrap(), rebuilt.fingerprint().unwrap());
    let search = |index: &Index| {
        let hits = index.search_lexical("gateway warranty ports 0.txt", &Scope::All, 10).unwrap();
        hits.iter().map(|hit| (hit.chunk, hit.score)).collect::<Vec<_>>()
    };
    assert_eq!(search(&index), search(&rebuilt));
}

#[test]
fn identical_content_is_stored_once_and_shown_under_the_first_path() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    index.apply(&[put("docs", "/k/b.txt", MANUAL)]).unwrap();
    index.apply(&[put("docs", "/k/a.txt", MANUAL)]).unwrap();
    assert_eq!(index.status().unwrap().chunks, 2);
    let passages = |index: &Index| {
        let hits = index.search_lexical("gateway", &Scope::All, 5).unwrap();
        index.passages(&hits.iter().map(|hit| hit.chunk).collect::<Vec<_>>()).unwrap()
    };
    assert_eq!(passages(&index)[0].document, "/k/a.txt");
    let first = passages(&index)[0].document_id.clone();
    index.apply(&[Change::Remove { document_id: first }]).unwrap();
    assert_eq!((passages(&index)[0].document.as_str(), passages(&index)[0].title.as_str()), ("/k/b.txt", "b.txt"));
    assert_eq!(index.search_lexical("atxt", &Scope::All, 5).unwrap(), []);
}

#[test]
fn failures_are_rows_with_reasons() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    index.apply(&[put("docs", "/k/a.txt", MANUAL)]).unwrap();
    index.apply(&[fail("docs", "/k/a.txt")]).unwrap();
    // What the file said before is not what it says now.
    assert_eq!(texts(&index, "gateway"), [""; 0]);
    let failed = index.store().failures().unwrap().remove(0);
    assert!(matches!(failed.state, DocumentState::Failed { ref reason, .. } if reason == "damaged"));
    let status = index.status().unwrap();
    assert_eq!((status.documents, status.failed, status.chunks), (0, 1, 0));
    // It need not be tried again as long as nothing about it changes.
    let known = |mtime| index.known("docs", "/k/a.txt", 6, mtime).unwrap();
    assert!(matches!(known(1), Known::Failed { ref tried, .. } if tried == "1 s"), "{:?}", known(1));
    assert_eq!(known(2), Known::Outdated);
}

#[test]
fn unchanged_files_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    let known = |index: &Index, size, mtime| index.known("docs", "/k/a.txt", size, mtime).unwrap();
    assert_eq!(known(&index, 5, 1), Known::New);
    let change = put("docs", "/k/a.txt", MANUAL);
    index.apply(std::slice::from_ref(&change)).unwrap();
    let Change::Put(put) = change else { unreachable!() };
    let mut file = put.file;
    assert_eq!(known(&index, file.size, 1), Known::Unchanged);
    assert_eq!(known(&index, file.size, 2), Known::UnchangedIfHash(file.hash.clone()));
    file.mtime = 2;
    index.apply(&[Change::Touch { file: file.clone() }]).unwrap();
    assert_eq!(known(&index, file.size, 2), Known::Unchanged);
    drop(index);
    let index = Index::open(dir.path(), IndexOptions { recipe: "test-2".into(), ..options() }).unwrap();
    assert_eq!(known(&index, file.size, 2), Known::Outdated);
}

#[test]
fn lost_indexes_are_built_again() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    index.apply(&[put("docs", "/k/a.txt", MANUAL), put("docs", "/k/b.txt", POLICY)]).unwrap();
    embed_all(&index);
    let before = index.fingerprint().unwrap();
    drop(index);
    fs::remove_dir_all(dir.path().join("lexical")).unwrap();
    fs::remove_dir_all(dir.path().join("dense")).unwrap();
    let index = open(dir.path());
    assert_eq!(texts(&index, "batteries").len(), 1);
    assert_eq!(index.status().unwrap().pending_dense, 4);
    embed_all(&index);
    assert_eq!(index.fingerprint().unwrap(), before);
}

#[test]
fn another_embedder_starts_anew() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    index.apply(&[put("docs", "/k/a.txt", MANUAL)]).unwrap();
    embed_all(&index);
    drop(index);
    let other = EmbedderSpec { id: "another".into(), dim: 8 };
    let index = Index::open(dir.path(), IndexOptions { embedder: Some(other), ..options() }).unwrap();
    assert_eq!(index.status().unwrap().pending_dense, 2);
    assert_eq!(index.search_dense(&[0.5; 8], &Scope::All, 3), DenseSearch::Hits(vec![]));
}

#[test]
fn without_a_vector_index_the_rest_works() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), IndexOptions { embedder: None, ..options() }).unwrap();
    index.apply(&[put("docs", "/k/a.txt", MANUAL), put("docs", "/k/b.txt", POLICY)]).unwrap();
    let id = index.documents(None).unwrap().remove(0).id;
    index.apply(&[Change::Remove { document_id: id }]).unwrap();
    assert_eq!(texts(&index, "gateway").len(), 1);
    assert!(matches!(index.search_dense(&[0.1; 16], &Scope::All, 3), DenseSearch::Unavailable { .. }));
}

#[test]
fn scopes_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let index = open(dir.path());
    index.apply(&[put("one", "/k/a.txt", MANUAL), put("two", "/k/a.txt", MANUAL)]).unwrap();
    let scope = index.scope(&["two"]).unwrap();
    let hits = index.search_lexical("gateway", &scope, 5).unwrap();
    assert_eq!(hits.len(), 1);
    assert_eq!(index.passages(&[hits[0].chunk]).unwrap()[0].collection, "two");
    assert!(matches!(index.scope(&["three"]), Err(Error::NotFound { .. })));
    assert_eq!(index.scope(&[""; 0]).unwrap(), Scope::All);
}

#[test]
fn two_processes_take_turns() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open(dir.path()), open(dir.path()));
    one.apply(&[put("docs", "/k/a.txt", MANUAL)]).unwrap();
    assert_eq!(texts(&two, "batteries").len(), 1);
    two.apply(&[put("docs", "/k/b.txt", POLICY)]).unwrap();
    assert_eq!(texts(&one, "warranty").len(), 1);
    embed_all(&two);
    assert_eq!(one.status().unwrap().pending_dense, 0);
    assert!(
        matches!(one.search_dense(&contract::vector(1), &Scope::All, 9), DenseSearch::Hits(hits) if hits.len() == 4)
    );
    let turn = one.embedding_turn().unwrap();
    assert!(turn.is_some() && two.embedding_turn().unwrap().is_none());
}
