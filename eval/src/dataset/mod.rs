//! Data sets: a folder with a corpus, queries and relevance judgements.
//!
//! - [`folder`]: `corpus.jsonl`, `queries.jsonl`, `qrels.tsv`, `documents/`;
//! - [`handbook`]: `questions.jsonl` beside the documents, with the evidence of
//!   every answer;
//! - [`rows`]: reading files line by line, with errors that name the line.

mod folder;
mod handbook;
mod rows;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// A data set in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Name of the folder, and of the variant if one was asked for.
    pub name: String,
    /// What is to be ingested.
    pub source: Source,
    /// What can be relevant.
    pub corpus: Vec<Entry>,
    /// The queries, in the order of the file.
    pub queries: Vec<Query>,
    /// Oddities that do not stop an evaluation: judgements of unknown queries
    /// or entries.
    pub warnings: Vec<String>,
}

/// What is to be ingested before the queries are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Every [`Entry`] is a document of its own, with its id as its path.
    Texts,
    /// The files of this folder.
    Files(PathBuf),
}

/// A part of the corpus that can be relevant to a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Unique in the corpus.
    pub id: String,
    /// May be empty.
    pub title: String,
    /// What it says; for a part of a file, as the file says it or nearly so.
    pub text: String,
    /// Where it stands, for a corpus of files.
    pub place: Option<Place>,
}

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path relative to the folder of [`Source::Files`], with `/`.
    pub file: String,
    /// Which part.
    pub part: Part,
}

/// Which part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it, or an unknown part of it.
    Whole,
    /// Something on the pages from the first to the second.
    Pages(u32, u32),
    /// Something on the lines from the first to the second.
    Lines(u32, u32),
}

/// A question, and what is right for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Unique in the data set.
    pub id: String,
    /// The question.
    pub text: String,
    /// Right answers, any of them.
    pub answers: Vec<String>,
    /// Whether the corpus answers it.
    pub answerable: bool,
    /// What it tests, where the data set says so ("table", "multi").
    pub kind: Option<String>,
    /// Grades of the relevant entries by id, all above 0.
    pub relevant: BTreeMap<String, u32>,
}

/// Which corpus and judgements of a folder to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// `corpus.jsonl` and `qrels.tsv`.
    #[default]
    Standard,
    /// `corpus_NAME.jsonl` and `qrels_NAME.tsv`.
    Named(String),
}

/// Why a data set could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The folder holds no data set.
    #[error("{path}: no data set; expected corpus.jsonl, queries.jsonl and qrels.tsv, or questions.jsonl")]
    NotADataset {
        /// The folder.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A row is not what it should be.
    #[error("{path}:{line}: {message}")]
    Row {
        /// The file.
        path: PathBuf,
        /// Line number, counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
}

impl Dataset {
    /// Loads the data set in the folder `dir`.
    ///
    /// # Errors
    /// When the folder holds none, or a file cannot be read or has a bad row.
    pub fn load(dir: &Path, variant: &Variant) -> Result<Self, DatasetError> {
        let queries = dir.join("queries.jsonl");
        let questions = dir.join("questions.jsonl");
        let loaded = if queries.is_file() {
            folder::load(dir, &queries, variant)?
        } else if questions.is_file() {
            handbook::load(dir, &questions)?
        } else {
            return Err(DatasetError::NotADataset { path: dir.to_owned() });
        };
        let folder = fs::canonicalize(dir).map_err(DatasetError::io(dir))?;
        let mut name = folder.file_name().map_or_else(|| "data".to_owned(), |name| name.to_string_lossy().into_owned());
        if let Variant::Named(variant) = variant {
            name = format!("{name}/{variant}");
        }
        Ok(Self { name, ..loaded })
    }

    /// The queries for which something is relevant; a ranking can be judged for
    /// these only.
    #[must_use]
    pub fn judged(&self) -> Vec<&Query> {
        self.queries.iter().filter(|query| !query.relevant.is_empty()).collect()
    }

    /// SHA-256 of everything that is to be ingested, in hexadecimal: two data
    /// sets with the same hash can share an index.
    ///
    /// # Errors
    /// When a file of the corpus cannot be read.
    pub fn content_hash(&self) -> Result<String, DatasetError> {
        let mut sha = Sha256::new();
        let mut part = |bytes: &[u8]| {
            sha.update((bytes.len() as u64).to_be_bytes());
            sha.update(bytes);
        };
        match &self.source {
            Source::Texts => {
                for entry in &self.corpus {
                    for field in [&entry.id, &entry.title, &entry.text] {
                        part(field.as_bytes());
                    }
                }
            }
            Source::Files(folder) => {
                for file in rows::files_below(folder)? {
                    part(file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().as_bytes());
                    part(&fs::read(&file).map_err(DatasetError::io(&file))?);
                }
            }
        }
        Ok(sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl DatasetError {
    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

#[cfg(test)]
mod tests;
