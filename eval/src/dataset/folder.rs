//! The folder format: `corpus.jsonl` or `documents/`, `queries.jsonl`, `qrels.tsv`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::Deserialize;

use super::rows::{Id, bad_row, json_lines, judgements};
use super::{Dataset, DatasetError, Entry, Part, Place, Query, Source, Variant};

#[derive(Deserialize)]
struct CorpusRow {
    #[serde(alias = "_id")]
    id: Id,
    #[serde(default)]
    title: String,
    text: String,
    #[serde(alias = "pdf")]
    file: Option<String>,
    start_page: Option<u32>,
    end_page: Option<u32>,
}

#[derive(Deserialize)]
struct QueryRow {
    #[serde(alias = "_id")]
    id: Id,
    text: String,
    #[serde(default)]
    answers: Vec<String>,
    #[serde(default = "answerable")]
    answerable: bool,
    #[serde(alias = "type")]
    kind: Option<String>,
}

const fn answerable() -> bool {
    true
}

pub(super) fn load(dir: &Path, queries: &Path, variant: &Variant) -> Result<Dataset, DatasetError> {
    let (corpus_file, qrels_file) = match variant {
        Variant::Standard => ("corpus.jsonl".to_owned(), "qrels.tsv".to_owned()),
        Variant::Named(name) => (format!("corpus_{name}.jsonl"), format!("qrels_{name}.tsv")),
    };
    let documents = dir.join("documents");
    let source = if documents.is_dir() { Source::Files(documents) } else { Source::Texts };
    let corpus = read_corpus(&dir.join(corpus_file), &source)?;
    let mut queries = read_queries(queries)?;
    let warnings = judge(&mut queries, &corpus, &dir.join(qrels_file))?;
    Ok(Dataset { name: String::new(), source, corpus, queries, warnings })
}

fn read_corpus(path: &Path, source: &Source) -> Result<Vec<Entry>, DatasetError> {
    let mut seen = HashSet::new();
    let mut corpus = Vec::new();
    for (line, row) in json_lines::<CorpusRow>(path)? {
        let id = String::from(row.id);
        if !seen.insert(id.clone()) {
            return Err(bad_row(path, line, format!("the id {id} occurs twice")));
        }
        let place = match source {
            Source::Texts => None,
            Source::Files(folder) => {
                let file = row.file.or_else(|| file_of(&id, folder)).ok_or_else(|| {
                    bad_row(path, line, format!("{id} names no file: neither a field \"file\" nor a file of that name"))
                })?;
                if !folder.join(&file).is_file() {
                    return Err(bad_row(path, line, format!("documents/{file} does not exist")));
                }
                let part = match (row.start_page, row.end_page) {
                    (None, None) => Part::Whole,
                    (Some(first), last) => Part::Pages(first, last.unwrap_or(first).max(first)),
                    (None, Some(last)) => Part::Pages(last, last),
                };
                Some(Place { file, part })
            }
        };
        corpus.push(Entry { id, title: row.title, text: row.text, place });
    }
    Ok(corpus)
}

/// Without a field that names the file, the id is its name, perhaps with a part
/// of it after `#`.
fn file_of(id: &str, folder: &Path) -> Option<String> {
    let is_file = |name: &&str| folder.join(name).is_file();
    let without_part = || id.rsplit_once('#').map(|(file, _)| file);
    Some(id).filter(is_file).or_else(|| without_part().filter(is_file)).map(str::to_owned)
}

fn read_queries(path: &Path) -> Result<Vec<Query>, DatasetError> {
    let mut seen = HashSet::new();
    let mut queries = Vec::new();
    for (line, row) in json_lines::<QueryRow>(path)? {
        let id = String::from(row.id);
        if !seen.insert(id.clone()) {
            return Err(bad_row(path, line, format!("the id {id} occurs twice")));
        }
        queries.push(Query {
            id,
            text: row.text,
            answers: row.answers,
            answerable: row.answerable,
            kind: row.kind,
            relevant: BTreeMap::new(),
        });
    }
    Ok(queries)
}

/// Fills in what is relevant. Judgements of unknown queries are left out; those
/// of unknown entries count as never found, since a corpus may have been cut.
fn judge(queries: &mut [Query], corpus: &[Entry], path: &Path) -> Result<Vec<String>, DatasetError> {
    let by_id: HashMap<String, usize> = queries.iter().zip(0..).map(|(query, at)| (query.id.clone(), at)).collect();
    let entries: HashSet<&str> = corpus.iter().map(|entry| entry.id.as_str()).collect();
    let mut warnings = Vec::new();
    for (line, [query, entry], grade) in judgements(path)? {
        let Some(&at) = by_id.get(&query) else {
            warnings.push(format!("{}:{line}: there is no query {query}", path.display()));
            continue;
        };
        if !entries.contains(entry.as_str()) {
            warnings.push(format!("{}:{line}: there is no entry {entry}", path.display()));
        }
        if grade > 0 {
            queries[at].relevant.insert(entry, grade);
        }
    }
    Ok(warnings)
}
