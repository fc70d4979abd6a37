//! Picture: the part of the graph around a question or a document.

use crate::answer::Mode;
use crate::error::Result;
use crate::index::{ChunkId, DrawnEntity, DrawnMention, Passage};
use crate::library::{Library, SearchRequest};

/// What to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Around {
    /// What a search finds for these words.
    Words(String),
    /// The document with this id.
    Document(String),
}

/// Entities, passages, and which passage mentions which entity.
#[derive(Clone, Debug)]
pub struct GraphPicture {
    /// Those that tell most first.
    pub entities: Vec<DrawnEntity>,
    /// Those that were asked for first.
    pub passages: Vec<Passage>,
    /// Places in the two lists.
    pub mentions: Vec<DrawnMention>,
    /// Whether there is more than was wanted.
    pub truncated: bool,
}

/// Passages that words lead to.
const FOUND: usize = 20;

impl Library {
    /// At most `limit` nodes around something, from `collections` alone; empty: from all.
    ///
    /// # Errors
    /// When a collection or the document does not exist, or an index or the embedding model fails.
    pub fn picture(&self, around: &Around, collections: &[String], limit: usize) -> Result<GraphPicture> {
        let start = match around {
            Around::Document(id) => self.index.chunks_of(id)?,
            Around::Words(words) => {
                let request = SearchRequest {
                    query: words.clone(),
                    limit: FOUND,
                    mode: Mode::Hybrid,
                    collections: collections.to_vec(),
                };
                self.search_as_asked(&request)?.hits.iter().map(|hit| hit.passage.chunk).collect()
            }
        };
        let picture = self.index.picture(&start, &self.scope(collections)?, limit)?;
        let passages = self.index.passages(&picture.passages)?;
        // Some may have been removed since.
        let place = |chunk: ChunkId| passages.iter().position(|passage| passage.chunk == chunk);
        let places: Vec<Option<usize>> = picture.passages.iter().map(|&chunk| place(chunk)).collect();
        let still = |mention: DrawnMention| Some(DrawnMention { passage: places[mention.passage]?, ..mention });
        let mentions = picture.mentions.into_iter().filter_map(still).collect();
        Ok(GraphPicture { entities: picture.entities, mentions, truncated: picture.truncated, passages })
    }
}
