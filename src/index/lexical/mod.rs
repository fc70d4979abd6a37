//! The word index: postings by tantivy, ranking by BM25F.
//!
//! The folder holds one tantivy index with a document per chunk. Any number of
//! processes may read it while one writes; which one that is, the write lock of
//! [`Index`](super::Index) decides.

mod query;
mod score;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tantivy::directory::MmapDirectory;
use tantivy::schema::{Field, INDEXED, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{Index as Tantivy, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, Term as TantivyTerm};

use super::analyse::{Term, TermKind, analyse};
use super::{ChunkId, CollectionId, Scope, Scored};
use crate::error::{Error, Result};
use query::{Phrase, Query};
use score::Snapshot;

/// Changes with the analyser and the fields; an index of another version is
/// built anew.
const VERSION: &str = "1";

/// Memory for postings before they are written out; also the least that tantivy takes.
const WRITER_BYTES: usize = 64 << 20;

/// So many chunks are too few to tell how rare a word is.
const FEW_CHUNKS: usize = 100;

/// What the word index knows of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LexicalEntry {
    /// The chunk.
    pub chunk: ChunkId,
    /// Its collection.
    pub collection: CollectionId,
    /// Title of the document.
    pub title: String,
    /// Headings above the chunk, and a table's header.
    pub headings: String,
    /// The text.
    pub body: String,
}

/// A part of a query in double quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// The part, without the quotes.
    pub text: String,
    /// The chunks that hold it.
    pub chunks: BTreeSet<ChunkId>,
}

/// The state in which the word index was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// As it was left.
    Intact,
    /// It was missing, damaged or of another version, and is empty now.
    Reset,
}

/// The word index of one data folder.
pub struct Lexical {
    dir: PathBuf,
    index: Tantivy,
    reader: IndexReader,
    fields: Fields,
    snapshot: Mutex<Option<(Stamp, Arc<Snapshot>)>>,
}

/// The fields of the tantivy schema. Texts are indexed in three fields with
/// positions; their lengths are kept exactly beside them, since tantivy's own
/// field norms are rounded.
#[derive(Clone, Copy)]
struct Fields {
    chunk: Field,
    collection: Field,
    texts: [Field; 3],
    lengths: [Field; 3],
}

/// Tells one commit from another without opening the index.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp(SystemTime, u64);

impl Lexical {
    /// Opens the index in `dir`, or makes an empty one when there is none that
    /// can be used. Only whoever holds the write lock may call this; others use
    /// [`Lexical::open`].
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open_or_reset(dir: &Path) -> Result<(Self, Found)> {
        if let Some(lexical) = Self::open(dir)? {
            return Ok((lexical, Found::Intact));
        }
        if dir.exists() {
            fs::remove_dir_all(dir).map_err(Error::io(dir))?;
        }
        fs::create_dir_all(dir).map_err(Error::io(dir))?;
        let (schema, _) = schema();
        let directory = MmapDirectory::open(dir).map_err(error)?;
        Tantivy::create(directory, schema, tantivy::IndexSettings::default()).map_err(error)?;
        // Written last: an index cut off while it was made has no version.
        let version = dir.join("version");
        fs::write(&version, VERSION).map_err(Error::io(version))?;
        let lexical = Self::open(dir)?.ok_or_else(|| error("a new index cannot be opened"))?;
        Ok((lexical, Found::Reset))
    }

    /// Opens the index in `dir`; none when there is none that can be used.
    ///
    /// # Errors
    /// When the system refuses to read it.
    pub fn open(dir: &Path) -> Result<Option<Self>> {
        if fs::read_to_string(dir.join("version")).ok().as_deref() != Some(VERSION) {
            return Ok(None);
        }
        let (expected, fields) = schema();
        let Ok(index) = MmapDirectory::open(dir).map_err(error).and_then(|d| Tantivy::open(d).map_err(error)) else {
            return Ok(None);
        };
        if index.schema() != expected {
            return Ok(None);
        }
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into();
        let Ok(reader) = reader else { return Ok(None) };
        Ok(Some(Self { dir: dir.to_owned(), index, reader, fields, snapshot: Mutex::new(None) }))
    }

    /// Removes and adds chunks, durably; an entry replaces one of the same chunk.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn write(&self, remove: &[ChunkId], add: &[LexicalEntry]) -> Result<()> {
        let mut writer: IndexWriter = self.index.writer_with_num_threads(1, WRITER_BYTES).map_err(error)?;
        // A process that was killed before its commit may have left files whose
        // names the same work done again would give to its own.
        writer.garbage_collect_files().wait().map_err(error)?;
        for &chunk in remove.iter().chain(add.iter().map(|entry| &entry.chunk)) {
            writer.delete_term(TantivyTerm::from_field_u64(self.fields.chunk, chunk.0));
        }
        for entry in add {
            writer.add_document(self.fields.document(entry)).map_err(error)?;
        }
        writer.commit().map_err(error)?;
        // Merges that the commit has begun run in threads of the writer, which
        // must not outlive the caller's lock.
        writer.wait_merging_threads().map_err(error)
    }

    /// The `k` best chunks for `query`, best first; equal scores by chunk id.
    /// Any text is a query; passages that hold a part in double quotes
    /// literally come before those that do not.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn search(&self, query: &str, scope: &Scope, k: usize) -> Result<Vec<Scored>> {
        self.search_among(query, scope, k, None)
    }

    /// As [`search`](Self::search), among these chunks only, if they are given.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn search_among(
        &self,
        query: &str,
        scope: &Scope,
        k: usize,
        among: Option<&BTreeSet<ChunkId>>,
    ) -> Result<Vec<Scored>> {
        let query = Query::parse(query);
        if query.is_empty() || k == 0 {
            return Ok(Vec::new());
        }
        self.snapshot()?.search(&query, scope, k, among)
    }

    /// The parts of `query` in double quotes, and where each stands literally: in
    /// the title, the headings or the text, term by term as they are indexed, so
    /// that case, accents and endings do not matter. A part without a term is none.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn quoted(&self, query: &str, scope: &Scope) -> Result<Vec<Quoted>> {
        let snapshot = self.snapshot()?;
        query::quoted(query)
            .filter_map(|text| Some((text, Phrase::parse(text)?)))
            .map(|(text, phrase)| {
                Ok(Quoted { text: text.trim().to_owned(), chunks: snapshot.holding(&phrase, scope)? })
            })
            .collect()
    }

    /// How rare each of the analysed `terms` is: the natural logarithm of
    /// `1 + (N - n + 0.5) / (n + 0.5)` for `n` of `N` chunks in `scope`. Fewer than 100 chunks
    /// count as 100: in a handful of them the topic's own words are everywhere, and still say what a text is about.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn idf(&self, terms: &[&str], scope: &Scope) -> Result<Vec<f32>> {
        let snapshot = self.snapshot()?;
        let total = snapshot.chunks_in(scope).max(FEW_CHUNKS);
        terms.iter().map(|term| Ok(score::idf(snapshot.document_frequency(term, scope)?, total))).collect()
    }

    /// Chunks in `scope`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn chunks_in(&self, scope: &Scope) -> Result<usize> {
        Ok(self.snapshot()?.chunks_in(scope))
    }

    /// In how many chunks of `scope` each of the analysed `terms` stands.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn document_frequency(&self, terms: &[&str], scope: &Scope) -> Result<Vec<usize>> {
        let snapshot = self.snapshot()?;
        terms.iter().map(|term| snapshot.document_frequency(term, scope)).collect()
    }

    /// All chunks in the index, ascending.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn ids(&self) -> Result<Vec<ChunkId>> {
        Ok(self.snapshot()?.ids())
    }

    /// The state of the last commit, of whichever process.
    fn snapshot(&self) -> Result<Arc<Snapshot>> {
        let stamp = self.stamp()?;
        let mut slot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, snapshot)) = &*slot
            && *known == stamp
        {
            return Ok(Arc::clone(snapshot));
        }
        self.reader.reload().map_err(error)?;
        let snapshot = Arc::new(Snapshot::new(self.reader.searcher(), self.fields)?);
        *slot = Some((stamp, Arc::clone(&snapshot)));
        Ok(snapshot)
    }

    fn stamp(&self) -> Result<Stamp> {
        let path = self.dir.join("meta.json");
        let metadata = fs::metadata(&path).map_err(Error::io(&path))?;
        let modified = metadata.modified().map_err(Error::io(&path))?;
        Ok(Stamp(modified, metadata.len()))
    }
}

impl Fields {
    fn document(&self, entry: &LexicalEntry) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_u64(self.chunk, entry.chunk.0);
        document.add_u64(self.collection, u64::from(entry.collection.0));
        let texts = [&entry.title, &entry.headings, &entry.body];
        for ((field, length), text) in self.texts.iter().zip(self.lengths).zip(texts) {
            let terms = analyse(text);
            document.add_u64(length, field_length(&terms) as u64);
            document.add_pre_tokenized_text(*field, pre_tokenized(terms));
        }
        document
    }
}

/// The length of a field as BM25 sees it. Compounds and pairs say a second
/// time what words have said.
fn field_length(terms: &[Term]) -> usize {
    terms.iter().filter(|term| term.kind == TermKind::Word).count()
}

fn pre_tokenized(terms: Vec<Term>) -> PreTokenizedString {
    let tokens = terms
        .into_iter()
        .map(|term| Token {
            offset_from: term.start,
            offset_to: term.end,
            position: term.position as usize,
            text: term.text,
            position_length: 1,
        })
        .collect();
    // The text itself would only be stored, and the store has it.
    PreTokenizedString { text: String::new(), tokens }
}

fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let fast = || NumericOptions::default().set_fast();
    let text = || {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        TextOptions::default().set_indexing_options(indexing)
    };
    let fields = Fields {
        chunk: builder.add_u64_field("chunk", fast() | INDEXED),
        collection: builder.add_u64_field("collection", fast()),
        texts: ["title", "headings", "body"].map(|name| builder.add_text_field(name, text())),
        lengths: ["title_length", "headings_length", "body_length"].map(|name| builder.add_u64_field(name, fast())),
    };
    (builder.build(), fields)
}

fn error(source: impl ToString) -> Error {
    Error::Index { index: "lexical", message: source.to_string() }
}

#[cfg(test)]
mod tests;
