//! Browse: collections, documents, their text, pictures of their pages.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use attest_ingest::{Document, Span, pdf};

use crate::error::{Error, Result};
use crate::index::{Change, DocumentInfo, Section};
use crate::library::Library;
use crate::models::EmbedRole;

/// A page to draw.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<'a> {
    /// Id of the document.
    pub document: &'a str,
    /// Page, counted from 1.
    pub number: u32,
    /// Width in pixels; 0 means the usual one.
    pub width: u32,
    /// Part of the document's text to mark.
    pub highlight: Option<Span>,
}

impl Library {
    /// Names of the collections, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn collections(&self) -> Result<Vec<String>> {
        Ok(self.index.store().collections()?.into_iter().map(|(_, name)| name).collect())
    }

    /// Refuses names that no collection has.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the first of them.
    pub fn check_collections(&self, names: &[String]) -> Result<()> {
        self.scope(names).map(drop)
    }

    /// Makes a collection. Gives whether it is new.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn create_collection(&self, name: &str) -> Result<bool> {
        self.index.store().create_collection(name)
    }

    /// Removes a collection and all documents in it; the files stay.
    ///
    /// # Errors
    /// When another process is writing, or an index fails.
    pub fn delete_collection(&self, name: &str) -> Result<()> {
        let documents = self.index.documents(Some(name))?;
        let changes: Vec<Change> =
            documents.into_iter().map(|document| Change::Remove { document_id: document.id }).collect();
        self.index.apply(&changes)?;
        self.index.store().drop_collection(name)
    }

    /// All documents, or those of one collection; also those that could not be read.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn documents(&self, collection: Option<&str>) -> Result<Vec<DocumentInfo>> {
        self.index.documents(collection)
    }

    /// Documents whose bytes are those of another one in their collection: the id,
    /// and the path of the first of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn duplicates(&self) -> Result<HashMap<String, String>> {
        let mut documents = self.index.document_hashes()?;
        documents.sort_by(|(_, _, a, _), (_, _, b, _)| a.cmp(b));
        let mut first: HashMap<(String, String), String> = HashMap::new();
        let mut duplicates = HashMap::new();
        for (collection, id, path, hash) in documents {
            match first.entry((collection, hash)) {
                Entry::Vacant(free) => drop(free.insert(path)),
                Entry::Occupied(taken) => drop(duplicates.insert(id, taken.get().clone())),
            }
        }
        Ok(duplicates)
    }

    /// A document as lists show it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such document.
    pub fn document_info(&self, id: &str) -> Result<DocumentInfo> {
        self.index.store().document_info(id)
    }

    /// What a document says, with the place of every part.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such document.
    pub fn document(&self, id: &str) -> Result<Document> {
        self.index.document(id)
    }

    /// A part of a document's text.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such document, [`Error::Usage`] when the span cuts a character.
    pub fn text_at(&self, id: &str, span: Span) -> Result<Section> {
        self.index.text_at(id, span)
    }

    /// Removes one document; its file stays.
    ///
    /// # Errors
    /// When another process is writing, or an index fails.
    pub fn remove_document(&self, id: &str) -> Result<()> {
        self.index.apply(&[Change::Remove { document_id: id.to_owned() }]).map(drop)
    }

    /// Passages that are not searchable by meaning yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn pending(&self) -> Result<usize> {
        self.index.pending_dense()
    }

    /// Passages of these collections that are not searchable by meaning yet; empty: of all.
    ///
    /// # Errors
    /// When a collection does not exist, or the store cannot be read.
    pub fn pending_in(&self, collections: &[String]) -> Result<usize> {
        self.index.pending_dense_in(&self.scope(collections)?)
    }

    /// The picture of a page as PNG, drawn in a child process with limits.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such document or page, [`Error::Ingest`] when it cannot be drawn.
    pub fn draw_page(&self, request: PageRequest<'_>) -> Result<Vec<u8>> {
        let info = self.document_info(request.document)?;
        let document = self.document(request.document)?;
        if !document.pages.iter().any(|page| page.number == request.number) {
            return Err(Error::NotFound { kind: "page", name: request.number.to_string() });
        }
        let marked = request.highlight.map(|span| document.boxes(span)).unwrap_or_default();
        let highlights = marked.into_iter().filter(|b| b.page == request.number).map(|b| b.rect).collect();
        let options = pdf::RenderOptions { width: request.width, highlights, ..Default::default() };
        let drawer = self.drawer.get_or_init(|| self.reader());
        Ok(drawer.draw(Path::new(&info.path), request.number, &options)?)
    }

    /// Vectors of texts, by the embedding model of the index.
    ///
    /// # Errors
    /// When the model fails or is busy.
    pub fn embed(&self, texts: &[&str]) -> Result<Embeddings> {
        let embedder = self.embedder()?;
        Ok(Embeddings {
            tokens: texts.iter().map(|text| embedder.count_tokens(text)).sum(),
            vectors: embedder.embed(EmbedRole::Query, texts)?,
        })
    }
}

/// Vectors of texts.
#[derive(Clone, Debug)]
pub struct Embeddings {
    /// One unit-length vector a text, in order.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens of all texts.
    pub tokens: usize,
}
