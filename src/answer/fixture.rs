//! What the tests of the stages read.

use attest_ingest::{Span, sentences};

use crate::answer::excerpt::Excerpt;
use crate::answer::fuse::Places;
use crate::answer::meaning::Meaning;
use crate::answer::rerank::Hit;
use crate::index::{ChunkId, Passage};

/// An excerpt that shows all sentences of `text`; `source` stands for title and headings.
pub fn excerpt(id: u64, source: &str, text: &str) -> Excerpt {
    let span = Span::new(0, text.len());
    let passage = Passage {
        chunk: ChunkId(id),
        document_id: id.to_string(),
        document: format!("{id}.md"),
        collection: "default".into(),
        title: source.into(),
        headings: vec![],
        page: None,
        lines: None,
        span,
        section: span,
        context: String::new(),
        text: text.into(),
        ordinal: 0,
    };
    let hit = Hit {
        passage,
        score: 1.0,
        places: Places::default(),
        rerank: None,
        edition: None,
        outranks: None,
        meaning: Meaning::default(),
        unread: Vec::new(),
        extremes: Vec::new(),
    };
    Excerpt { source: source.into(), ..Excerpt::of(&hit, &sentences(text)) }
}
