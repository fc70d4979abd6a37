//! Reading the files of a data set row by row.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::DatasetError;

/// The rows of a JSONL file with their line numbers; empty lines are skipped.
pub(super) fn json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<(usize, T)>, DatasetError> {
    lines(path)?
        .into_iter()
        .map(|(line, text)| match serde_json::from_str(&text) {
            Ok(row) => Ok((line, row)),
            // serde_json counts lines too, but only within the row.
            Err(error) => Err(bad_row(path, line, error.to_string().replace(" at line 1 column", " at column"))),
        })
        .collect()
}

/// The rows of a tab-separated file of judgements: query, entry, grade. A first
/// row whose grade is no number is the header.
pub(super) fn judgements(path: &Path) -> Result<Vec<(usize, [String; 2], u32)>, DatasetError> {
    let mut rows = Vec::new();
    for (line, text) in lines(path)? {
        let fields: Vec<&str> = text.split('\t').map(str::trim).collect();
        let &[query, entry, grade] = fields.as_slice() else {
            return Err(bad_row(path, line, format!("expected query, entry and score, found {} fields", fields.len())));
        };
        match grade.parse::<i64>() {
            // Negative grades exist (spam) and are as irrelevant as 0.
            Ok(grade) => rows.push((line, [query.to_owned(), entry.to_owned()], u32::try_from(grade).unwrap_or(0))),
            Err(_) if line == 1 => {}
            Err(_) => return Err(bad_row(path, line, format!("the score is not an integer: {grade}"))),
        }
    }
    Ok(rows)
}

/// All files below `folder`, in a stable order. Hidden ones are left out.
pub(super) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(DatasetError::io(&folder))? {
            let entry = entry.map_err(DatasetError::io(&folder))?;
            let kind = entry.file_type().map_err(DatasetError::io(&entry.path()))?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if kind.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

pub(super) fn bad_row(path: &Path, line: usize, message: impl Into<String>) -> DatasetError {
    DatasetError::Row { path: path.to_owned(), line, message: message.into() }
}

fn lines(path: &Path) -> Result<Vec<(usize, String)>, DatasetError> {
    let bytes = fs::read(path).map_err(DatasetError::io(path))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut lines = Vec::new();
    for (row, line) in bytes.split(|&byte| byte == b'\n').zip(1..) {
        let row = row.strip_suffix(b"\r").unwrap_or(row);
        let text = std::str::from_utf8(row).map_err(|_| bad_row(path, line, "not UTF-8"))?;
        if !text.trim().is_empty() {
            lines.push((line, text.to_owned()));
        }
    }
    Ok(lines)
}

/// An id: a string, or a number as some data sets have it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Id {
    Text(String),
    Number(i64),
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        match id {
            Id::Text(text) => text,
            Id::Number(number) => number.to_string(),
        }
    }
}
