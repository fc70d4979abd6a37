//! Ranking by BM25F over postings.
//!
//! BM25F (Robertson, Zaragoza, Taylor 2004, "Simple BM25 extension to multiple
//! weighted fields"): term frequencies of the fields are weighted and
//! normalised by length, summed, and only then saturated. All statistics are
//! those of the living chunks in scope: a deleted document or another
//! collection changes no score, so that a changed index ranks exactly as a
//! fresh one does. That is why tantivy's own scorer, which counts deleted
//! documents until a merge, is not used.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use tantivy::columnar::ColumnValues;
use tantivy::postings::{Postings, SegmentPostings};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, Searcher, SegmentReader, TERMINATED, Term};

use super::query::{Phrase, Query};
use super::{ChunkId, CollectionId, Fields, Scope, Scored, error};
use crate::error::Result;

/// Saturation of term frequency.
const K1: f32 = 1.2;
/// Weight and length normalisation of title, headings and body. They were
/// chosen on SciFact, HotpotQA, SQuAD, CMRC and the Rust book together, where
/// each step around them changes the mean nDCG@10 by less than 0.005.
const FIELDS: [(f32, f32); 3] = [(3.0, 0.5), (2.0, 0.5), (1.0, 0.75)];
/// How much a phrase in quotes counts, in the sum of its terms' idf.
const PHRASE: f32 = 2.0;

/// The natural logarithm of `1 + (N - n + 0.5) / (n + 0.5)`.
pub(super) fn idf(frequency: usize, total: usize) -> f32 {
    let (n, total) = (frequency as f64, total as f64);
    (1.0 + (total - n + 0.5) / (n + 0.5)).ln() as f32
}

/// One commit of the index, with the statistics that ranking needs.
pub(super) struct Snapshot {
    // Keeps the segment files alive.
    searcher: Searcher,
    fields: Fields,
    segments: Vec<Columns>,
    collections: BTreeMap<CollectionId, Statistics>,
}

/// The fast fields of a segment.
struct Columns {
    chunk: Arc<dyn ColumnValues<u64>>,
    collection: Arc<dyn ColumnValues<u64>>,
    lengths: [Arc<dyn ColumnValues<u64>>; 3],
}

/// Sizes of a collection, from which means are made.
#[derive(Clone, Copy, Default)]
struct Statistics {
    chunks: usize,
    lengths: [u64; 3],
}

/// How often a term stands in a chunk, weighted over the fields.
struct Occurrences {
    /// Per segment: document and weighted frequency, ascending.
    segments: Vec<Vec<(u32, f32)>>,
}

impl Snapshot {
    pub(super) fn new(searcher: Searcher, fields: Fields) -> Result<Self> {
        let mut segments = Vec::new();
        let mut collections: BTreeMap<CollectionId, Statistics> = BTreeMap::new();
        for reader in searcher.segment_readers() {
            let columns = Columns::open(reader, fields)?;
            for doc in reader.doc_ids_alive() {
                let statistics = collections.entry(columns.collection(doc)).or_default();
                statistics.chunks += 1;
                for (sum, column) in statistics.lengths.iter_mut().zip(&columns.lengths) {
                    *sum += column.get_val(doc);
                }
            }
            segments.push(columns);
        }
        Ok(Self { searcher, fields, segments, collections })
    }

    pub(super) fn ids(&self) -> Vec<ChunkId> {
        let mut ids: Vec<ChunkId> = self
            .searcher
            .segment_readers()
            .iter()
            .zip(&self.segments)
            .flat_map(|(reader, columns)| reader.doc_ids_alive().map(|doc| ChunkId(columns.chunk.get_val(doc))))
            .collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn chunks_in(&self, scope: &Scope) -> usize {
        self.statistics(scope).chunks
    }

    pub(super) fn document_frequency(&self, term: &str, scope: &Scope) -> Result<usize> {
        let statistics = self.statistics(scope);
        Ok(self.occurrences(term, scope, &statistics)?.document_frequency())
    }

    pub(super) fn search(
        &self,
        query: &Query,
        scope: &Scope,
        k: usize,
        among: Option<&BTreeSet<ChunkId>>,
    ) -> Result<Vec<Scored>> {
        let statistics = self.statistics(scope);
        let mut scores: Vec<Vec<f32>> =
            self.searcher.segment_readers().iter().map(|reader| vec![0.0; reader.max_doc() as usize]).collect();
        let mut rarity: BTreeMap<&str, f32> = BTreeMap::new();
        for (term, weight) in &query.terms {
            let occurrences = self.occurrences(term, scope, &statistics)?;
            let idf = idf(occurrences.document_frequency(), statistics.chunks);
            rarity.insert(term, idf);
            for (scores, found) in scores.iter_mut().zip(&occurrences.segments) {
                for &(doc, frequency) in found {
                    scores[doc as usize] += weight * idf * saturate(frequency);
                }
            }
        }
        for phrase in &query.phrases {
            let idf: f32 = phrase.0.iter().filter_map(|(term, _)| rarity.get(term.as_str())).sum();
            for (scores, found) in scores.iter_mut().zip(self.phrase(phrase, scope)?) {
                for doc in found {
                    scores[doc as usize] += PHRASE * idf;
                }
            }
        }
        Ok(self.best(&scores, k, among))
    }

    /// The chunks that hold the phrase.
    pub(super) fn holding(&self, phrase: &Phrase, scope: &Scope) -> Result<BTreeSet<ChunkId>> {
        let found = self.phrase(phrase, scope)?;
        let chunks = self
            .segments
            .iter()
            .zip(found)
            .flat_map(|(columns, found)| found.into_iter().map(|doc| ChunkId(columns.chunk.get_val(doc))));
        Ok(chunks.collect())
    }

    fn best(&self, scores: &[Vec<f32>], k: usize, among: Option<&BTreeSet<ChunkId>>) -> Vec<Scored> {
        // A heap of the worst of the best, so that `peek` says whom to beat.
        let mut best: BinaryHeap<Ranked> = BinaryHeap::with_capacity(k + 1);
        for (columns, scores) in self.segments.iter().zip(scores) {
            for (doc, &score) in scores.iter().enumerate().filter(|&(_, &score)| score > 0.0) {
                if best.len() == k && best.peek().is_some_and(|worst| score < worst.0.score) {
                    continue;
                }
                let chunk = ChunkId(columns.chunk.get_val(doc as u32));
                if among.is_some_and(|among| !among.contains(&chunk)) {
                    continue;
                }
                best.push(Ranked(Scored { chunk, score }));
                if best.len() > k {
                    best.pop();
                }
            }
        }
        best.into_sorted_vec().into_iter().map(|ranked| ranked.0).collect()
    }

    fn statistics(&self, scope: &Scope) -> Statistics {
        let mut sum = Statistics::default();
        for (collection, statistics) in &self.collections {
            if in_scope(scope, *collection) {
                sum.chunks += statistics.chunks;
                for (sum, length) in sum.lengths.iter_mut().zip(statistics.lengths) {
                    *sum += length;
                }
            }
        }
        sum
    }

    fn occurrences(&self, term: &str, scope: &Scope, statistics: &Statistics) -> Result<Occurrences> {
        let mut segments = Vec::with_capacity(self.segments.len());
        for (reader, columns) in self.searcher.segment_readers().iter().zip(&self.segments) {
            let mut found: Vec<(u32, f32)> = Vec::new();
            for (index, field) in self.fields.texts.into_iter().enumerate() {
                let (weight, b) = FIELDS[index];
                let mean = statistics.lengths[index] as f32 / statistics.chunks.max(1) as f32;
                let term = Term::from_field_text(field, term);
                let postings = reader.inverted_index(field).map_err(error)?;
                let Some(mut postings) = postings.read_postings(&term, IndexRecordOption::WithFreqs).map_err(error)?
                else {
                    continue;
                };
                while postings.doc() != TERMINATED {
                    let doc = postings.doc();
                    if columns.is_in(reader, doc, scope) {
                        let length = columns.lengths[index].get_val(doc) as f32;
                        let norm = 1.0 - b + b * length / mean.max(1.0);
                        found.push((doc, weight * postings.term_freq() as f32 / norm));
                    }
                    postings.advance();
                }
            }
            found.sort_by_key(|&(doc, _)| doc);
            found.dedup_by(|next, kept| {
                next.0 == kept.0 && {
                    kept.1 += next.1;
                    true
                }
            });
            segments.push(found);
        }
        Ok(Occurrences { segments })
    }

    /// Per segment, the documents that hold the phrase in one of their fields.
    fn phrase(&self, phrase: &Phrase, scope: &Scope) -> Result<Vec<Vec<u32>>> {
        let mut segments = Vec::with_capacity(self.segments.len());
        for (reader, columns) in self.searcher.segment_readers().iter().zip(&self.segments) {
            let mut found = Vec::new();
            for field in self.fields.texts {
                let inverted = reader.inverted_index(field).map_err(error)?;
                let postings: Option<Vec<(SegmentPostings, u32)>> = phrase
                    .0
                    .iter()
                    .map(|(term, offset)| {
                        let term = Term::from_field_text(field, term);
                        let option = IndexRecordOption::WithFreqsAndPositions;
                        Ok(inverted.read_postings(&term, option).map_err(error)?.map(|p| (p, *offset)))
                    })
                    .collect::<Result<_>>()?;
                if let Some(postings) = postings {
                    found.extend(adjacent(postings).into_iter().filter(|&doc| columns.is_in(reader, doc, scope)));
                }
            }
            found.sort_unstable();
            found.dedup();
            segments.push(found);
        }
        Ok(segments)
    }
}

impl Columns {
    fn open(reader: &SegmentReader, fields: Fields) -> Result<Self> {
        let column = |field| {
            let name = reader.schema().get_field_name(field);
            reader.fast_fields().u64(name).map(|column| column.first_or_default_col(0)).map_err(error)
        };
        let [title, headings, body] = fields.lengths;
        Ok(Self {
            chunk: column(fields.chunk)?,
            collection: column(fields.collection)?,
            lengths: [column(title)?, column(headings)?, column(body)?],
        })
    }

    fn collection(&self, doc: u32) -> CollectionId {
        CollectionId(self.collection.get_val(doc) as u32)
    }

    fn is_in(&self, reader: &SegmentReader, doc: u32, scope: &Scope) -> bool {
        !reader.is_deleted(doc) && (*scope == Scope::All || in_scope(scope, self.collection(doc)))
    }
}

impl Occurrences {
    fn document_frequency(&self) -> usize {
        self.segments.iter().map(Vec::len).sum()
    }
}

fn saturate(frequency: f32) -> f32 {
    frequency * (K1 + 1.0) / (frequency + K1)
}

fn in_scope(scope: &Scope, collection: CollectionId) -> bool {
    match scope {
        Scope::All => true,
        Scope::Collections(collections) => collections.contains(&collection),
    }
}

/// The documents in which all terms stand at their distances.
fn adjacent(mut postings: Vec<(SegmentPostings, u32)>) -> Vec<u32> {
    // The rarest term leads; the others follow it from document to document.
    postings.sort_by_key(|(postings, _)| postings.doc_freq());
    let Some(((lead, lead_offset), others)) = postings.split_first_mut() else { return Vec::new() };
    let mut found = Vec::new();
    let (mut starts, mut positions) = (Vec::new(), Vec::new());
    'documents: while lead.doc() != TERMINATED {
        let doc = lead.doc();
        lead.positions(&mut starts);
        // Positions of the phrase's first term; a negative one is no match.
        starts.retain_mut(|at| at.checked_sub(*lead_offset).map(|start| *at = start).is_some());
        for (other, offset) in others.iter_mut() {
            if other.doc() < doc {
                other.seek(doc);
            }
            if other.doc() != doc {
                lead.advance();
                continue 'documents;
            }
            other.positions(&mut positions);
            starts.retain(|start| positions.binary_search(&(start + *offset)).is_ok());
        }
        if !starts.is_empty() {
            found.push(doc);
        }
        lead.advance();
    }
    found
}

/// Ordered from best to worst: by score, then by chunk id.
struct Ranked(Scored);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.score.total_cmp(&self.0.score).then(self.0.chunk.cmp(&other.0.chunk))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}
