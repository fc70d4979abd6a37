//! The format of the sample handbook: `questions.jsonl` beside the documents.
//!
//! Every question lists its evidence: a file, the page or lines, and the quote
//! that answers it. Each piece of evidence is an entry of the corpus.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::Deserialize;

use super::rows::{bad_row, json_lines};
use super::{Dataset, DatasetError, Entry, Part, Place, Query, Source};

#[derive(Deserialize)]
struct QuestionRow {
    id: String,
    text: String,
    #[serde(default)]
    answers: Vec<String>,
    answerable: bool,
    kind: Option<String>,
    #[serde(default)]
    evidence: Vec<Evidence>,
}

#[derive(Deserialize)]
struct Evidence {
    file: String,
    page: Option<u32>,
    lines: Option<(u32, u32)>,
    quote: String,
}

pub(super) fn load(dir: &Path, questions: &Path) -> Result<Dataset, DatasetError> {
    let mut corpus: Vec<Entry> = Vec::new();
    let mut queries = Vec::new();
    let mut seen = HashSet::new();
    for (line, row) in json_lines::<QuestionRow>(questions)? {
        if !seen.insert(row.id.clone()) {
            return Err(bad_row(questions, line, format!("the id {} occurs twice", row.id)));
        }
        let mut relevant = BTreeMap::new();
        for evidence in row.evidence {
            if !dir.join(&evidence.file).is_file() {
                return Err(bad_row(questions, line, format!("{} does not exist", evidence.file)));
            }
            let entry = entry(evidence);
            relevant.insert(entry.id.clone(), 1);
            if !corpus.iter().any(|known| known.id == entry.id) {
                corpus.push(entry);
            }
        }
        queries.push(Query {
            id: row.id,
            text: row.text,
            answers: row.answers,
            answerable: row.answerable,
            kind: row.kind,
            relevant,
        });
    }
    Ok(Dataset { name: String::new(), source: Source::Files(dir.to_owned()), corpus, queries, warnings: Vec::new() })
}

/// Questions that rest on the same quote share the entry.
fn entry(evidence: Evidence) -> Entry {
    let (part, place) = match (evidence.page, evidence.lines) {
        (Some(page), _) => (Part::Pages(page, page), format!("p{page}")),
        (None, Some((first, last))) => (Part::Lines(first, last), format!("L{first}-{last}")),
        (None, None) => (Part::Whole, String::new()),
    };
    let id = format!("{}#{place} {}", evidence.file, evidence.quote);
    Entry { id, title: String::new(), text: evidence.quote, place: Some(Place { file: evidence.file, part }) }
}
