use std::time::Instant;

use super::super::dense::contract;
use super::server::Server;
use super::*;

fn client(url: &str, name: &str) -> QdrantIndex {
    QdrantIndex::new(url, Some("secret"), name).unwrap()
}

#[test]
fn keeps_the_contract() {
    let server = Server::start();
    contract::check(&|name| Box::new(client(&server.url(), name)));
}

#[test]
fn sends_the_key_and_makes_payload_indexes() {
    let server = Server::start();
    client(&server.url(), "one").reset(&contract::spec()).unwrap();
    assert_eq!(server.indexed_fields(), ["collection", "content"]);
    let stranger = QdrantIndex::new(&server.url(), Some("guess"), "one").unwrap();
    let error = stranger.matches(&contract::spec()).unwrap_err();
    assert!(matches!(error, Error::Remote { .. }) && error.to_string().contains("key"), "{error}");
}

#[test]
fn two_folders_share_a_server() {
    let server = Server::start();
    let (one, two) = (client(&server.url(), "one"), client(&server.url(), "two"));
    one.reset(&contract::spec()).unwrap();
    one.upsert(&contract::points(0..5)).unwrap();
    two.reset(&contract::spec()).unwrap();
    assert_eq!((one.count().unwrap(), two.count().unwrap()), (5, 0));
}

#[test]
fn large_batches_are_split() {
    let server = Server::start();
    let index = client(&server.url(), "large");
    index.reset(&contract::spec()).unwrap();
    index.upsert(&contract::points(0..1000)).unwrap();
    assert_eq!(index.count().unwrap(), 1000);
    assert_eq!(server.upserts(), 4);
}

#[test]
fn passing_failures_are_tried_again() {
    let server = Server::start();
    let index = client(&server.url(), "flaky");
    index.reset(&contract::spec()).unwrap();
    server.fail_next(2);
    index.upsert(&contract::points(0..10)).unwrap();
    server.fail_next(1);
    assert_eq!(index.search(&contract::vector(1), &Scope::All, 3).unwrap().len(), 3);
    // More failures than tries.
    server.fail_next(100);
    let error = index.count().unwrap_err();
    assert!(error.to_string().contains("nothing is lost"), "{error}");
}

#[test]
fn a_server_that_is_away_is_said_so_soon() {
    let server = Server::start();
    let url = server.url();
    let index = client(&url, "away");
    index.reset(&contract::spec()).unwrap();
    drop(server);
    let begin = Instant::now();
    let error = index.upsert(&contract::points(0..1)).unwrap_err();
    assert!(matches!(&error, Error::Remote { service, .. } if service.contains(&url)), "{error}");
    // What failed, where, and what becomes of it; nothing of the client's own types.
    let message = error.to_string();
    assert!(message.contains("it cannot be reached (") && message.contains("nothing is lost"), "{message}");
    assert!(!message.contains("tonic") && !message.contains("ConnectError"), "{message}");
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[test]
fn what_is_pending_is_sent_when_the_server_is_back() {
    use crate::config;
    use crate::index::folder::fixture::{options, put};
    use crate::index::{DenseSearch, Embedded, Index, IndexOptions};

    let dir = tempfile::tempdir().unwrap();
    let server = Server::start();
    let qdrant = config::Qdrant { url: server.url(), key: Some("secret".into()) };
    let open = || Index::open(dir.path(), IndexOptions { qdrant: Some(qdrant.clone()), ..options() }).unwrap();
    server.set_away(true);
    let index = open();
    index.apply(&[put("docs", "/k/a.txt", "One\n\nTwo"), put("docs", "/k/b.txt", "Three")]).unwrap();
    // Found by words, although no vector can be stored.
    assert_eq!(index.search_lexical("three", &Scope::All, 3).unwrap().len(), 1);
    let embedded = |index: &Index| -> Vec<Embedded> {
        let pending = index.pending_embeddings(10).unwrap();
        pending
            .into_iter()
            .map(|(chunk, _)| Embedded { chunk, vector: contract::vector(chunk.0), tokens: None })
            .collect()
    };
    index.put_vectors(embedded(&index)).unwrap_err();
    assert!(matches!(index.search_dense(&contract::vector(1), &Scope::All, 3), DenseSearch::Unavailable { .. }));
    assert_eq!(index.status().unwrap().pending_dense, 3);
    server.set_away(false);
    assert_eq!(index.put_vectors(embedded(&index)).unwrap(), 3);
    // A removal while the server is away is caught up with at the next open.
    server.set_away(true);
    let id = index.documents(None).unwrap().remove(0).id;
    index.apply(&[crate::index::Change::Remove { document_id: id }]).unwrap();
    server.set_away(false);
    drop(index);
    let index = open();
    let DenseSearch::Hits(hits) = index.search_dense(&contract::vector(1), &Scope::All, 9) else { panic!("away") };
    assert_eq!(hits.len(), 1);
}

#[test]
fn works_inside_a_runtime() {
    let server = Server::start();
    let index = client(&server.url(), "inside");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        index.reset(&contract::spec()).unwrap();
        assert_eq!(index.count().unwrap(), 0);
    });
}
