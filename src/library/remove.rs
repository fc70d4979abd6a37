//! Remove: documents leave the index, the files stay.

use std::path::Path;

use serde::Serialize;

use crate::error::Result;
use crate::index::Change;
use crate::library::Library;

/// What was removed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RemoveReport {
    /// Paths of the documents that were removed.
    pub removed: Vec<String>,
    /// What was asked for and is not in the index.
    pub unknown: Vec<String>,
}

impl Library {
    /// Removes documents by id, by path, or all that lie under a folder.
    ///
    /// # Errors
    /// When the collection does not exist, another process is writing, or an index fails.
    pub fn remove(&self, what: &[String], collection: Option<&str>) -> Result<RemoveReport> {
        if let Some(name) = collection {
            self.index.scope(&[name])?;
        }
        let documents = self.index.documents(collection)?;
        let mut report = RemoveReport::default();
        let mut changes = Vec::new();
        for wanted in what {
            let path = Path::new(wanted).canonicalize().or_else(|_| std::path::absolute(wanted));
            let before = changes.len();
            for document in &documents {
                let is_it = document.id == *wanted
                    || document.path == *wanted
                    || path.as_ref().is_ok_and(|path| Path::new(&document.path).starts_with(path));
                if is_it && !report.removed.contains(&document.path) {
                    report.removed.push(document.path.clone());
                    changes.push(Change::Remove { document_id: document.id.clone() });
                }
            }
            if changes.len() == before {
                report.unknown.push(wanted.clone());
            }
        }
        self.index.apply(&changes)?;
        Ok(report)
    }
}
