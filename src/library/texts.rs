//! Documents that are no files: the paragraphs of an evaluation corpus.

use std::sync::atomic::AtomicBool;

use attest_ingest::{Document, Parsed};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::index::{Change, Known, SourceFile};
use crate::library::{AddEvent, AddProgress, Library};

/// A document that is no file.
#[derive(Clone, Debug)]
pub struct TextDocument<'a> {
    /// Unique; stands for the path.
    pub id: &'a str,
    /// Its title; may be empty.
    pub title: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Texts of one transaction.
const BATCH: usize = 512;

impl Library {
    /// Adds texts to `collection` and embeds them. Known ones are skipped, so
    /// that an interrupted run goes on where it stopped. Returns the number of
    /// passages that became searchable.
    ///
    /// # Errors
    /// When an index or the embedding model fails.
    pub fn add_texts(
        &self,
        collection: &str,
        texts: &[TextDocument<'_>],
        progress: &mut dyn AddProgress,
        cancel: &AtomicBool,
    ) -> Result<usize> {
        let embedder = self.embedder()?;
        progress.add_event(AddEvent::Found { files: texts.len() });
        let mut chunks = 0;
        for batch in texts.chunks(BATCH) {
            let mut changes = Vec::with_capacity(batch.len());
            for text in batch {
                let file = source_of(collection, text);
                if self.index.known(collection, text.id, file.size, file.mtime)? != Known::Unchanged {
                    let document = Document::from_text(text.title, text.text);
                    let parsed = Parsed { document, warnings: Vec::new() };
                    changes.push(Change::Put(Box::new(self.prepare(file, parsed, &*embedder))));
                }
                progress.add_event(AddEvent::Read { path: text.id });
            }
            chunks += self.index.apply(&changes)?.chunks_added;
        }
        progress.add_event(AddEvent::Searchable { pending: self.index.pending_dense()? });
        self.embed_pending(&*embedder, progress, cancel)?;
        progress.add_event(AddEvent::Finished);
        Ok(chunks)
    }
}

#[cfg(test)]
impl Library {
    /// Puts texts into the index without any model: they are found by words and along the graph.
    pub(crate) fn put_texts(&self, collection: &str, texts: &[TextDocument<'_>]) -> Result<()> {
        let changes = texts.iter().map(|text| {
            let document = Document::from_text(text.title, text.text);
            let options = attest_ingest::ChunkOptions { max_tokens: 180, count_tokens: &|text| text.len() / 4 };
            let chunks = attest_ingest::chunk(&document, &options);
            let mentions = crate::index::mentions(&document, &chunks);
            let file = source_of(collection, text);
            Change::Put(Box::new(crate::index::Put { file, document, warnings: Vec::new(), chunks, mentions }))
        });
        self.index.apply(&changes.collect::<Vec<_>>()).map(drop)
    }
}

/// Two texts are two documents even when they say the same, so the id is hashed too.
fn source_of(collection: &str, text: &TextDocument<'_>) -> SourceFile {
    let mut hasher = Sha256::new();
    for part in [text.id, text.title, text.text] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    SourceFile {
        collection: collection.to_owned(),
        path: text.id.to_owned(),
        root: None,
        hash: hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
        mtime: 0,
        size: text.text.len() as u64,
    }
}
