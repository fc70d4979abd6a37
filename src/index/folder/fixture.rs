//! Small documents and made-up vectors for the tests of the index.

use attest_ingest::{Chunk, Document, Format, Metadata, Span};

use super::*;
use crate::index::Mention;
use crate::index::change::{Failure, Put, SourceFile};
use crate::index::dense::contract;

pub(in crate::index) fn options() -> IndexOptions {
    IndexOptions { recipe: "test-1".into(), embedder: Some(contract::spec()), qdrant: None }
}

pub(in crate::index) fn source(collection: &str, path: &str, text: &str) -> SourceFile {
    let hash = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    SourceFile {
        collection: collection.into(),
        path: path.into(),
        root: path.rsplit_once('/').map(|(folder, _)| folder.to_owned()),
        hash,
        mtime: 1,
        size: text.len() as u64,
    }
}

/// A file of paragraphs; each is a chunk, and each word with a capital an entity.
pub(in crate::index) fn put(collection: &str, path: &str, text: &str) -> Change {
    let mut chunks = Vec::new();
    let mut mentions = Vec::new();
    let mut at = 0;
    for part in text.split_inclusive("\n\n") {
        let plain = part.trim_end();
        let ordinal = chunks.len() as u32;
        for word in plain.split_whitespace().filter(|word| word.starts_with(char::is_uppercase)) {
            let key = word.to_lowercase();
            mentions.push(Mention { ordinal, key, label: word.into(), weight: 1 });
        }
        chunks.push(Chunk {
            ordinal,
            span: Span::new(at, at + plain.len()),
            section: Span::new(0, text.len()),
            page: None,
            lines: Some((ordinal * 2 + 1, ordinal * 2 + 1)),
            headings: vec!["Notes".into()],
            context: String::new(),
            plain: plain.to_owned(),
        });
        at += part.len();
    }
    let document = Document {
        format: Format::Text,
        title: path.rsplit('/').next().unwrap_or(path).to_owned(),
        text: text.to_owned(),
        pages: vec![],
        blocks: vec![],
        lines: vec![],
        fragments: vec![],
        hidden: vec![],
        metadata: Metadata { links: vec!["other".into()], ..Metadata::default() },
    };
    Change::Put(Box::new(Put { file: source(collection, path, text), document, warnings: vec![], chunks, mentions }))
}

pub(in crate::index) fn fail(collection: &str, path: &str) -> Change {
    Change::Fail(Failure {
        file: source(collection, path, "broken"),
        reason: "damaged".into(),
        message: "no end of file".into(),
        tried: "1 s".into(),
    })
}

/// Vectors that depend on the text only.
pub(in crate::index) fn embed_all(index: &Index) {
    loop {
        let pending = index.pending_embeddings(16).unwrap();
        if pending.is_empty() {
            return;
        }
        let embedded = pending
            .into_iter()
            .map(|(chunk, text)| {
                let digest = Sha256::digest(&text);
                let seed = u64::from_be_bytes(std::array::from_fn(|at| digest[at]));
                Embedded { chunk, vector: contract::vector(seed), tokens: Some(digest.to_vec()) }
            })
            .collect();
        index.put_vectors(embedded).unwrap();
    }
}
