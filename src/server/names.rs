//! Documents by the names that people know them by. Where they lie on this
//! machine is nobody's business: a reader gets the path below the folder that was
//! added, with that folder's name, or the name that a file was uploaded with.

use std::collections::HashMap;
use std::path::Path;

use super::state::App;
use crate::index::DocumentInfo;
use crate::wire::{AskResult, CitationOut, ExtractiveOut, HitOut};

/// The names within one response; a document is looked up once.
pub(super) struct Names<'a> {
    app: &'a App,
    known: HashMap<String, String>,
}

impl App {
    /// The name of a document.
    pub(super) fn name_of(&self, info: &DocumentInfo) -> String {
        shown(&info.path, info.root.as_deref(), self.shelf.uploads())
    }
}

impl<'a> Names<'a> {
    pub(super) fn new(app: &'a App) -> Self {
        Self { app, known: HashMap::new() }
    }

    /// Names the documents of an answer.
    pub(super) fn answer(&mut self, result: &mut AskResult) {
        self.hits(&mut result.passages);
        self.hits(&mut result.closest);
        self.citations(&mut result.citations);
        if let Some(extractive) = &mut result.extractive {
            self.extractive(extractive);
        }
        for note in &mut result.notes {
            self.citations(&mut note.citations);
        }
    }

    pub(super) fn extractive(&mut self, extractive: &mut ExtractiveOut) {
        self.citations(&mut extractive.citations);
    }

    pub(super) fn hits(&mut self, hits: &mut [HitOut]) {
        for hit in hits.iter_mut() {
            self.put(&hit.document_id, &mut hit.document);
        }
        // What one was put in front of is mostly among them.
        for path in hits.iter_mut().filter_map(|hit| hit.outranks.as_mut()) {
            let name = self.known.get(path).cloned();
            *path = name.unwrap_or_else(|| shown(path, None, self.app.shelf.uploads()));
        }
    }

    pub(super) fn citations(&mut self, citations: &mut [CitationOut]) {
        citations.iter_mut().for_each(|citation| self.citation(citation));
    }

    pub(super) fn citation(&mut self, citation: &mut CitationOut) {
        self.put(&citation.document_id, &mut citation.document);
    }

    /// Puts the name in the place of the path.
    pub(super) fn put(&mut self, id: &str, path: &mut String) {
        if !Path::new(path.as_str()).is_absolute() {
            return;
        }
        let app = self.app;
        let name = self.known.entry(path.clone()).or_insert_with(|| {
            // Of a document that is gone, the folder it was found under is not known any more.
            let root = app.library.document_info(id).ok().and_then(|info| info.root);
            shown(path, root.as_deref(), app.shelf.uploads())
        });
        name.clone_into(path);
    }
}

/// A message without the place of the file on this machine.
#[must_use]
pub(super) fn short(message: &str, path: &str) -> String {
    let name = Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy());
    message.replace(path, &name)
}

fn shown(path: &str, root: Option<&str>, uploads: &Path) -> String {
    let place = Path::new(path);
    // Texts that are no files have names only.
    if !place.is_absolute() {
        return path.to_owned();
    }
    let uploaded = place.strip_prefix(uploads).ok().map(|rest| rest.components().skip(1).collect());
    let found = || {
        let root = Path::new(root?);
        let within = place.starts_with(root).then_some(root.parent()?)?;
        place.strip_prefix(within).ok().map(Path::to_owned)
    };
    let name = uploaded.or_else(found).filter(|name| !name.as_os_str().is_empty());
    name.or_else(|| place.file_name().map(Into::into)).unwrap_or_default().display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_says_where_a_document_lies() {
        let name = |path, root| shown(path, root, Path::new("/var/attest/uploads"));
        for (path, root, expected) in [
            ("/srv/docs/handbook/zh/a.md", Some("/srv/docs/handbook"), "handbook/zh/a.md"),
            ("/srv/docs/a.md", None, "a.md"),
            ("/srv/a.md", Some("/elsewhere"), "a.md"),
            ("/var/attest/uploads/manuals/folder/a.md", None, "folder/a.md"),
            ("/a.md", Some("/"), "a.md"),
            ("a text", None, "a text"),
        ] {
            assert_eq!(name(path, root), expected);
        }
    }
}
