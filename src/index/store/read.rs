//! What the store tells: documents, passages, counts.

use std::path::MAIN_SEPARATOR;

use attest_ingest::{Document, Span, Warning};
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Store, from_sql, to_sql};
use crate::error::{Error, Result};
use crate::index::{ChunkId, CollectionId, Passage, PassageText};

/// A document as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DocumentInfo {
    /// Its id, as `remove` takes it.
    pub id: String,
    /// Name of the collection.
    pub collection: String,
    /// Path of the file.
    pub path: String,
    /// The folder under which it was found; none when the file was named itself.
    pub root: Option<String>,
    /// Title; empty when the file could not be read.
    pub title: String,
    /// Length of the file in bytes.
    pub size: u64,
    /// Time of the file's last change, in nanoseconds since 1970.
    pub mtime: i64,
    /// When it was added, in seconds since 1970.
    pub added_at: i64,
    /// Remarks about how it was read.
    pub warnings: Vec<Warning>,
    /// Whether it can be searched.
    pub state: DocumentState,
}

/// Whether a document can be searched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum DocumentState {
    /// It was read.
    Indexed {
        /// Format of the file.
        format: String,
        /// Number of its passages.
        chunks: usize,
    },
    /// It could not be read.
    Failed {
        /// The kind of failure, one word.
        reason: String,
        /// What happened.
        message: String,
    },
}

/// A part of a document's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Where it stands.
    pub span: Span,
    /// The text there.
    pub text: String,
}

const DOCUMENT: &str =
    "SELECT d.id, collections.name, d.path, d.root, d.title, d.size, d.mtime, d.added_at, d.warnings,
    contents.format, (SELECT count(*) FROM chunks WHERE chunks.content = d.content), d.reason, d.message
    FROM documents d JOIN collections ON collections.id = d.collection LEFT JOIN contents ON contents.id = d.content";

impl Store {
    /// The passages with these ids, in this order; ids of chunks that are gone
    /// are left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn passages(&self, chunks: &[ChunkId]) -> Result<Vec<Passage>> {
        self.read(|t| {
            let mut select = t.prepare_cached(
                "SELECT chunks.id, d.id, d.path, collections.name, contents.title, headings, page, line_first, line_last,
                    span_start, span_end, section_start, section_end, context, chunks.text, ordinal
                 FROM chunks JOIN contents ON contents.id = chunks.content
                 JOIN collections ON collections.id = contents.collection
                 JOIN documents d ON d.id = (SELECT id FROM documents WHERE content = contents.id ORDER BY path LIMIT 1)
                 WHERE chunks.id = ?1",
            )?;
            let mut passages = Vec::with_capacity(chunks.len());
            for &chunk in chunks {
                passages.extend(select.query_row([to_sql(chunk)], passage).optional()?);
            }
            Ok(passages)
        })
    }

    /// All chunks of the document, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn chunks_of(&self, document_id: &str) -> Result<Vec<ChunkId>> {
        self.read(|t| {
            t.prepare_cached(
                "SELECT chunks.id FROM documents JOIN chunks ON chunks.content = documents.content
                 WHERE documents.id = ?1 ORDER BY ordinal",
            )?
            .query_map([document_id], |row| row.get(0).map(from_sql))?
            .collect()
        })
    }

    /// What the document says, with the place of every part.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none with this id, or it could not be read when it was added.
    pub fn document(&self, document_id: &str) -> Result<Document> {
        let row: Option<(Vec<u8>, Vec<u8>, String)> = self.read(|t| {
            t.prepare_cached(
                "SELECT contents.text, layouts.bytes, contents.title FROM documents
                 JOIN contents ON contents.id = documents.content JOIN layouts ON layouts.content = contents.id
                 WHERE documents.id = ?1",
            )?
            .query_row([document_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()
        })?;
        let (text, layout, title) = row.ok_or_else(|| unknown_document(document_id))?;
        unpack(text, &layout, title).map_err(|source| Error::Index {
            index: "store",
            message: format!("document {document_id} cannot be unpacked: {source}"),
        })
    }

    /// The document's text at `span`, cut to what there is.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such document, [`Error::Usage`] when
    /// the span cuts a character.
    pub fn text_at(&self, document_id: &str, span: Span) -> Result<Section> {
        let bytes: Option<Vec<u8>> = self.read(|t| {
            t.prepare_cached(
                "SELECT substr(contents.text, ?2 + 1, ?3) FROM documents
                 JOIN contents ON contents.id = documents.content WHERE documents.id = ?1",
            )?
            .query_row(params![document_id, span.start as i64, span.len() as i64], |row| row.get(0))
            .optional()
        })?;
        let bytes = bytes.ok_or_else(|| unknown_document(document_id))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::Usage(format!("span {}..{} cuts a character", span.start, span.end)))?;
        Ok(Section { span: Span::new(span.start, span.start + text.len()), text })
    }

    /// The beginning of the document's text, at most `bytes` long; a character
    /// that is cut there is left out.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such document.
    pub fn head(&self, document_id: &str, bytes: usize) -> Result<String> {
        let head: Option<Vec<u8>> = self.read(|t| {
            t.prepare_cached(
                "SELECT substr(contents.text, 1, ?2) FROM documents
                 JOIN contents ON contents.id = documents.content WHERE documents.id = ?1",
            )?
            .query_row(params![document_id, bytes as i64], |row| row.get(0))
            .optional()
        })?;
        let head = head.ok_or_else(|| unknown_document(document_id))?;
        let valid = std::str::from_utf8(&head).map_or_else(|error| error.valid_up_to(), str::len);
        Ok(String::from_utf8_lossy(&head[..valid]).into_owned())
    }

    /// All documents, or those of one collection, by collection and path.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn documents(&self, collection: Option<&str>) -> Result<Vec<DocumentInfo>> {
        let sql = format!("{DOCUMENT} WHERE ?1 IS NULL OR collections.name = ?1 ORDER BY collections.name, d.path");
        self.read(|t| t.prepare_cached(&sql)?.query_map([collection], document_info)?.collect())
    }

    /// Id, path and content hash of every document, with the recipe by which it
    /// was read, by id: what decides which answers an index gives.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn document_hashes(&self) -> Result<Vec<(String, String, String, String)>> {
        self.read(|t| {
            let sql = "SELECT collections.name, d.id, path, hash || ' ' || recipe FROM documents d
                 JOIN collections ON collections.id = d.collection ORDER BY d.id";
            t.prepare_cached(sql)?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                .collect()
        })
    }

    /// The documents whose files were under the folder `root`, by path.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn documents_under(&self, collection: &str, root: &str) -> Result<Vec<DocumentInfo>> {
        let prefix = format!("{}{MAIN_SEPARATOR}", root.trim_end_matches(MAIN_SEPARATOR));
        // No pattern: a folder's name may hold any character.
        let sql =
            format!("{DOCUMENT} WHERE collections.name = ?1 AND substr(d.path, 1, length(?2)) = ?2 ORDER BY d.path");
        self.read(|t| t.prepare_cached(&sql)?.query_map([collection, &prefix], document_info)?.collect())
    }

    /// One document by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub fn document_info(&self, document_id: &str) -> Result<DocumentInfo> {
        let sql = format!("{DOCUMENT} WHERE d.id = ?1");
        let found = self.read(|t| t.prepare_cached(&sql)?.query_row([document_id], document_info).optional())?;
        found.ok_or_else(|| unknown_document(document_id))
    }

    /// Files that could not be read, by collection and path.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn failures(&self) -> Result<Vec<DocumentInfo>> {
        let sql = format!("{DOCUMENT} WHERE d.content IS NULL ORDER BY collections.name, d.path");
        self.read(|t| t.prepare_cached(&sql)?.query_map([], document_info)?.collect())
    }

    /// Ids and names of the collections, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn collections(&self) -> Result<Vec<(CollectionId, String)>> {
        self.read(|t| {
            t.prepare_cached("SELECT id, name FROM collections ORDER BY name")?
                .query_map([], |row| Ok((CollectionId(row.get(0)?), row.get(1)?)))?
                .collect()
        })
    }

    /// Numbers of documents that can be searched, of failures, and of chunks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn counts(&self) -> Result<(usize, usize, usize)> {
        self.read(|t| {
            t.query_row(
                "SELECT (SELECT count(*) FROM documents WHERE content IS NOT NULL),
                        (SELECT count(*) FROM documents WHERE content IS NULL), (SELECT count(*) FROM chunks)",
                [],
                |row| {
                    Ok((row.get::<_, i64>(0)? as usize, row.get::<_, i64>(1)? as usize, row.get::<_, i64>(2)? as usize))
                },
            )
        })
    }

    /// The words of `chunks` as they were embedded, in this order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn passage_texts(&self, chunks: &[ChunkId]) -> Result<Vec<Option<PassageText>>> {
        self.read(|t| {
            let mut select = t.prepare_cached(
                "SELECT contents.title, headings, context, plain
                 FROM chunks JOIN contents ON contents.id = chunks.content WHERE chunks.id = ?1",
            )?;
            let text = |row: &Row<'_>| {
                Ok(PassageText {
                    title: row.get(0)?,
                    headings: from_json(row, 1)?,
                    context: row.get(2)?,
                    plain: row.get(3)?,
                })
            };
            chunks.iter().map(|&chunk| select.query_row([to_sql(chunk)], text).optional()).collect()
        })
    }

    /// The token vectors of `chunks`, in this order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn token_vectors(&self, chunks: &[ChunkId]) -> Result<Vec<Option<Vec<u8>>>> {
        self.read(|t| {
            let mut select = t.prepare_cached("SELECT bytes FROM token_vectors WHERE chunk = ?1")?;
            chunks.iter().map(|&chunk| select.query_row([to_sql(chunk)], |row| row.get(0)).optional()).collect()
        })
    }

    /// A digest of everything that the store says, without row numbers and
    /// times of adding: two folders built from the same files have the same,
    /// whatever happened on the way.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        const TABLES: [&str; 6] = [
            "SELECT c.name, d.id, d.path, d.root, d.hash, d.recipe, d.size, d.title, d.reason, d.message, d.warnings,
                (SELECT key FROM contents WHERE id = d.content)
             FROM documents d JOIN collections c ON c.id = d.collection ORDER BY c.name, d.path",
            "SELECT c.name, key, format, title, text, l.bytes FROM contents JOIN collections c ON c.id = collection
             JOIN layouts l ON l.content = contents.id ORDER BY c.name, key",
            "SELECT chunks.id, contents.key, ordinal, span_start, span_end, section_start, section_end, page, line_first,
                line_last, headings, context, plain, chunks.text
             FROM chunks JOIN contents ON contents.id = content ORDER BY chunks.id",
            "SELECT chunk, entities, names FROM mentions ORDER BY chunk",
            "SELECT entity, chunk, weight FROM postings ORDER BY entity, chunk",
            "SELECT chunk, bytes FROM token_vectors ORDER BY chunk",
        ];
        let sha = self.read(|t| {
            let mut sha = Sha256::new();
            for sql in TABLES {
                let mut select = t.prepare(sql)?;
                let columns = select.column_count();
                let mut rows = select.query([])?;
                while let Some(row) = rows.next()? {
                    for column in 0..columns {
                        sha.update(format!("{:?}\0", row.get_ref(column)?));
                    }
                }
                sha.update("\0table\0");
            }
            Ok(sha)
        })?;
        Ok(sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

fn passage(row: &Row<'_>) -> rusqlite::Result<Passage> {
    let first: Option<u32> = row.get(7)?;
    let last: Option<u32> = row.get(8)?;
    let span = |from: usize| -> rusqlite::Result<Span> {
        Ok(Span::new(row.get::<_, i64>(from)? as usize, row.get::<_, i64>(from + 1)? as usize))
    };
    Ok(Passage {
        chunk: from_sql(row.get(0)?),
        document_id: row.get(1)?,
        document: row.get(2)?,
        collection: row.get(3)?,
        title: row.get(4)?,
        headings: from_json(row, 5)?,
        page: row.get(6)?,
        lines: first.zip(last),
        span: span(9)?,
        section: span(11)?,
        context: row.get(13)?,
        text: row.get(14)?,
        ordinal: row.get(15)?,
    })
}

fn document_info(row: &Row<'_>) -> rusqlite::Result<DocumentInfo> {
    let format: Option<String> = row.get(9)?;
    let state = match format {
        Some(format) => DocumentState::Indexed { format, chunks: row.get::<_, i64>(10)? as usize },
        None => DocumentState::Failed {
            reason: row.get::<_, Option<String>>(11)?.unwrap_or_default(),
            message: row.get::<_, Option<String>>(12)?.unwrap_or_default(),
        },
    };
    Ok(DocumentInfo {
        id: row.get(0)?,
        collection: row.get(1)?,
        path: row.get(2)?,
        root: row.get(3)?,
        title: row.get(4)?,
        size: row.get::<_, i64>(5)?.cast_unsigned(),
        mtime: row.get(6)?,
        added_at: row.get(7)?,
        warnings: from_json(row, 8)?,
        state,
    })
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|source| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(source))
    })
}

fn unpack(text: Vec<u8>, layout: &[u8], title: String) -> Result<Document, Box<dyn std::error::Error>> {
    let bytes = lz4_flex::block::decompress_size_prepended(layout)?;
    let layout: Document = rmp_serde::from_slice(&bytes)?;
    Ok(Document { text: String::from_utf8(text)?, title, ..layout })
}

fn unknown_document(id: &str) -> Error {
    Error::NotFound { kind: "document", name: id.to_owned() }
}
