//! The JSON shapes that users' tools rely on: `--json` prints them, and the
//! server sends them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::{Answer, Citation, Hit, Language, Note, NoteKind, Place, Question, Sentence, Verdict};
use crate::index::{ChunkId, GraphPath};
use crate::library::{Asked, Searched, Walked};

/// What a search found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchResult {
    /// The query as given.
    pub query: String,
    /// Passages, best first.
    pub hits: Vec<HitOut>,
    /// Why a search could not take part; empty when all did.
    pub degraded: Vec<String>,
    /// Passages that are not searchable by meaning yet.
    pub pending: usize,
    /// Milliseconds by stage.
    pub timings_ms: SearchTimings,
}

/// A passage that was found, and why.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HitOut {
    /// Rank, counted from 1.
    pub rank: usize,
    /// Final score; only its order means anything.
    pub score: f32,
    /// Path of the document.
    pub document: String,
    /// Id of the document.
    pub document_id: String,
    /// Name of the collection.
    pub collection: String,
    /// Id of the passage.
    pub chunk_id: String,
    /// Title of the document.
    pub title: String,
    /// Headings above the passage, outermost first.
    pub heading: Vec<String>,
    /// Page on which it begins.
    pub page: Option<u32>,
    /// First and last line in the file.
    pub lines: Option<(u32, u32)>,
    /// First byte and one past the last, in the document's extracted text.
    pub span: (usize, usize),
    /// The text at `span`.
    pub text: String,
    /// The question's words that occur in it, as the index sees them.
    pub matched: Vec<String>,
    /// Its place in each search; null: not found there.
    pub sources: SourcesOut,
    /// Path of the document whose passage stood here before this one of a newer edition was put in
    /// front of it; null: it came here by its score.
    #[serde(default)]
    pub outranks: Option<String>,
}

/// A passage's place in each search.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SourcesOut {
    /// By meaning.
    pub dense: Option<Place>,
    /// By meaning, as if the question were asked in the other language; null for passages in its own.
    #[serde(default)]
    pub across: Option<Place>,
    /// By words.
    pub lexical: Option<Place>,
    /// Along the graph.
    pub graph: Option<Place>,
    /// In the second look.
    pub rerank: Option<Place>,
    /// The last step along the graph that led here; null when none did, or another search found it first.
    #[serde(default)]
    pub path: Option<PathOut>,
}

/// The last step along the graph.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PathOut {
    /// What leads to the passage.
    pub by: StepOut,
    /// The name that both ends mention, as the passage writes it.
    pub entity: Option<String>,
    /// Title of the document that the step came from.
    pub from_title: Option<String>,
    /// Headings there, outermost first.
    pub from_heading: Vec<String>,
}

/// A kind of step along the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepOut {
    /// The question and the passage mention the same.
    Topic,
    /// Another passage and this one mention the same.
    Shared,
    /// It stands before or after another passage.
    Neighbour,
}

/// A passage that was found and not read by the model.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DroppedOut {
    /// Its place among all that were found, counted from 1.
    pub rank: usize,
    /// Id of the document.
    pub document_id: String,
    /// Name of the collection.
    pub collection: String,
    /// Title of the document.
    pub title: String,
    /// Headings above the passage, outermost first.
    pub heading: Vec<String>,
    /// Page on which it begins.
    pub page: Option<u32>,
    /// First and last line in the file.
    pub lines: Option<(u32, u32)>,
    /// First byte and one past the last, in the document's extracted text.
    pub span: (usize, usize),
    /// The question's words that occur in it, as the index sees them.
    pub matched: Vec<String>,
    /// Its place in each search; null: not found there.
    pub sources: SourcesOut,
    /// Why it was not read.
    pub why: WhyDropped,
}

/// Why a passage that was found was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhyDropped {
    /// It says the same, word for word, as one that was read.
    Repeats,
    /// Better ones took up what the model reads for one answer.
    NoRoom,
    /// Another edition of its document counts: a newer one that says the same, or the one that the question names.
    Superseded,
    /// Its document is for another place than the question names.
    Elsewhere,
    /// The answer is in the documents' own words; no model read anything.
    NoModel,
}

/// Milliseconds of a search.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct SearchTimings {
    /// Embedding the question.
    pub embed: f64,
    /// The search by meaning.
    pub dense: f64,
    /// The search by words.
    pub lexical: f64,
    /// The search along the graph.
    pub graph: f64,
    /// The second look.
    pub rerank: f64,
    /// All of it.
    pub total: f64,
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AskResult {
    /// The question as asked.
    pub question: String,
    /// The answer with its marks; for `not_found`, a sentence that says so.
    pub answer: String,
    /// How the question was answered.
    pub status: Status,
    /// The sentences of the answer, and those that were left out of it.
    pub sentences: Vec<SentenceOut>,
    /// What the marks stand for.
    pub citations: Vec<CitationOut>,
    /// What a reader should know beside it: which edition it comes from, where sources disagree,
    /// what the question wrongly takes for granted.
    #[serde(default)]
    pub notes: Vec<NoteOut>,
    /// The passages the model was given.
    pub passages: Vec<HitOut>,
    /// For `not_found`: the closest passages.
    pub closest: Vec<HitOut>,
    /// Passages that were found and not read by the model, best first.
    #[serde(default)]
    pub dropped: Vec<DroppedOut>,
    /// What the documents say in their own words, known before the model wrote; null when no sentence fits.
    #[serde(default)]
    pub extractive: Option<ExtractiveOut>,
    /// Why a search could not take part; empty when all did.
    pub degraded: Vec<String>,
    /// Passages that are not searchable by meaning yet.
    pub pending: usize,
    /// Id of the answer's receipt; null for an answer without the language model.
    pub receipt: Option<String>,
    /// Whether this is an earlier answer to the same question under the same conditions.
    pub stored: bool,
    /// Milliseconds by stage.
    pub timings_ms: AskTimings,
    /// Tokens.
    pub tokens: Tokens,
}

/// Sentences of the documents that fit the question.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExtractiveOut {
    /// The sentences with their marks, which are not those of the answer.
    pub answer: String,
    /// The sentences.
    pub sentences: Vec<SentenceOut>,
    /// What their marks stand for.
    pub citations: Vec<CitationOut>,
}

/// How a question was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every sentence stands on the documents.
    Grounded,
    /// Some sentences did not and were left out.
    Partial,
    /// The documents do not answer it.
    NotFound,
}

/// A sentence and its verdict.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SentenceOut {
    /// The sentence, without marks.
    pub text: String,
    /// Its marks.
    pub citations: Vec<usize>,
    /// Whether it is what its citations say, word for word; a row of a table with the names of its columns.
    #[serde(default)]
    pub quoted: bool,
    /// How much of it the sources carry, from 0 to 1.
    pub support: f32,
    /// Whether that is enough.
    pub verdict: Verdict,
}

/// What a mark stands for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CitationOut {
    /// The number in the mark.
    pub marker: usize,
    /// Path of the document.
    pub document: String,
    /// Id of the document.
    pub document_id: String,
    /// Title of the document.
    pub title: String,
    /// Headings above it.
    pub heading: Vec<String>,
    /// Id of the passage.
    pub chunk_id: String,
    /// Page on which the quote begins.
    pub page: Option<u32>,
    /// First and last line in the file.
    pub lines: Option<(u32, u32)>,
    /// First byte and one past the last, in the document's extracted text.
    pub span: (usize, usize),
    /// The text at `span`.
    pub quote: String,
}

/// Something that a reader should know beside the answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NoteOut {
    /// What about.
    pub kind: NoteKind,
    /// A sentence in the language of the question.
    pub text: String,
    /// The places; their marks go on from those of the answer, and a place that the answer cites has its mark.
    pub citations: Vec<CitationOut>,
}

impl NoteOut {
    /// The sentence with its marks.
    #[must_use]
    pub fn cited(&self) -> String {
        let space = if self.text.ends_with('。') { "" } else { " " };
        let marks: String = self.citations.iter().map(|citation| format!("[{}]", citation.marker)).collect();
        format!("{}{space}{marks}", self.text)
    }
}

/// Milliseconds of an answer.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct AskTimings {
    /// The searches and their fusion.
    pub retrieve: f64,
    /// The second look.
    pub rerank: f64,
    /// From the question to the extractive answer.
    #[serde(default)]
    pub extractive: f64,
    /// From the question to the model's first token.
    pub first_token: Option<f64>,
    /// Writing the draft.
    pub generate: f64,
    /// Checking the draft.
    pub verify: f64,
    /// All of it.
    pub total: f64,
}

/// Tokens of an answer.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// Of the prompt.
    pub prompt: usize,
    /// Of these, not computed because their state was kept.
    pub cached: usize,
    /// Written.
    pub generated: usize,
}

impl SearchResult {
    /// What a search finds where nothing is.
    #[must_use]
    pub fn nothing(query: &str) -> Self {
        Self {
            query: query.trim().to_owned(),
            hits: Vec::new(),
            degraded: Vec::new(),
            pending: 0,
            timings_ms: SearchTimings::default(),
        }
    }

    /// The wire shape of a search.
    #[must_use]
    pub fn new(searched: &Searched) -> Self {
        Self {
            query: searched.query.clone(),
            hits: hits(&searched.hits, searched),
            degraded: searched.degraded.clone(),
            pending: searched.pending,
            timings_ms: searched.timings,
        }
    }
}

impl AskResult {
    /// The answer where nothing is that could be found.
    #[must_use]
    pub fn nothing(question: &str) -> Self {
        let question = Question::new(question);
        Self {
            answer: Answer::NotFound { sentences: Vec::new(), closest: Vec::new() }.text(question.language),
            question: question.text,
            status: Status::NotFound,
            sentences: Vec::new(),
            citations: Vec::new(),
            notes: Vec::new(),
            passages: Vec::new(),
            closest: Vec::new(),
            dropped: Vec::new(),
            extractive: None,
            degraded: Vec::new(),
            pending: 0,
            receipt: None,
            stored: false,
            timings_ms: AskTimings::default(),
            tokens: Tokens::default(),
        }
    }

    /// The wire shape of an answer.
    #[must_use]
    pub fn new(asked: &Asked) -> Self {
        let found = &asked.searched;
        let (status, sentences, citations, closest) = match &asked.answer {
            Answer::Grounded { sentences, citations } => {
                let partial = sentences.iter().any(|s| s.checked.verdict == Verdict::Unsupported)
                    || asked.notes.iter().any(|note| note.kind == NoteKind::Unanswered);
                let status = if partial { Status::Partial } else { Status::Grounded };
                (status, sentences.as_slice(), citations.as_slice(), Vec::new())
            }
            Answer::NotFound { sentences, closest } => {
                (Status::NotFound, sentences.as_slice(), [].as_slice(), hits(closest, found))
            }
        };
        Self {
            question: found.query.clone(),
            answer: asked.answer.text(asked.language),
            status,
            sentences: sentences.iter().map(|s| sentence(s, citations)).collect(),
            citations: citations.iter().map(citation).collect(),
            notes: asked.notes.iter().map(note).collect(),
            passages: hits(&asked.passages, found),
            closest,
            dropped: dropped(asked),
            extractive: extractive(&asked.extractive, asked.language),
            degraded: found.degraded.clone(),
            pending: found.pending,
            receipt: asked.receipt.clone(),
            stored: false,
            timings_ms: asked.timings,
            tokens: asked.tokens,
        }
    }

    /// Turns an answer of which a part does not stand into none; its sentences stay to be looked at.
    pub fn refuse(&mut self) {
        self.status = Status::NotFound;
        self.answer = match Question::new(&self.question).language {
            Language::English => "A part of the answer does not stand on the documents, so none is given.",
            Language::Chinese => "答案有一部分没有文档依据，因此不予给出。",
        }
        .to_owned();
        self.citations.clear();
        // The others are about an answer that is none any more.
        self.notes.retain(|note| note.kind == NoteKind::Premise);
        for sentence in &mut self.sentences {
            sentence.citations.clear();
        }
        self.closest = std::mem::take(&mut self.passages);
    }
}

fn note(note: &Note) -> NoteOut {
    NoteOut { kind: note.kind, text: note.text.clone(), citations: note.citations.iter().map(citation).collect() }
}

/// The wire shape of what the documents say in their own words.
pub(crate) fn extractive(answer: &Answer, language: Language) -> Option<ExtractiveOut> {
    let Answer::Grounded { sentences, citations } = answer else { return None };
    Some(ExtractiveOut {
        answer: answer.text(language),
        sentences: sentences.iter().map(|s| sentence(s, citations)).collect(),
        citations: citations.iter().map(citation).collect(),
    })
}

/// The wire shape of a sentence, of whose marks are `citations`.
pub(crate) fn sentence(sentence: &Sentence, citations: &[Citation]) -> SentenceOut {
    let checked = &sentence.checked;
    SentenceOut {
        text: checked.text.clone(),
        citations: sentence.citations.clone(),
        quoted: sentence.is_quote(citations),
        support: checked.support,
        verdict: checked.verdict,
    }
}

pub(crate) fn hits(hits: &[Hit], searched: &Searched) -> Vec<HitOut> {
    (1..)
        .zip(hits)
        .map(|(rank, hit)| {
            let passage = &hit.passage;
            HitOut {
                rank,
                score: hit.score,
                document: passage.document.clone(),
                document_id: passage.document_id.clone(),
                collection: passage.collection.clone(),
                chunk_id: passage.chunk.to_string(),
                title: passage.title.clone(),
                heading: passage.headings.clone(),
                page: passage.page,
                lines: passage.lines,
                span: (passage.span.start, passage.span.end),
                text: passage.text.clone(),
                matched: searched.terms.matched(&passage.text).into_iter().map(str::to_owned).collect(),
                sources: SourcesOut {
                    dense: hit.places.dense,
                    across: hit.places.across,
                    lexical: hit.places.lexical,
                    graph: hit.places.graph,
                    rerank: hit.rerank,
                    path: searched.paths.get(&passage.chunk).and_then(path),
                },
                outranks: hit.outranks.clone(),
            }
        })
        .collect()
}

fn path(walked: &Walked) -> Option<PathOut> {
    let (by, entity) = match &walked.path {
        GraphPath::Seed => return None,
        GraphPath::Topic { entity } => (StepOut::Topic, Some(entity.clone())),
        GraphPath::Shared { entity, .. } => (StepOut::Shared, Some(entity.clone())),
        GraphPath::Neighbour { .. } => (StepOut::Neighbour, None),
    };
    let from = walked.from.as_ref();
    Some(PathOut {
        by,
        entity: entity.filter(|entity| !entity.is_empty()),
        from_title: from.map(|passage| passage.title.clone()),
        from_heading: from.map(|passage| passage.headings.clone()).unwrap_or_default(),
    })
}

/// What was found and not read.
fn dropped(asked: &Asked) -> Vec<DroppedOut> {
    let no_model = asked.passages.is_empty();
    if no_model && matches!(asked.answer, Answer::NotFound { .. }) {
        return Vec::new();
    }
    let plain = |text: &str| text.split_whitespace().collect::<String>().to_lowercase();
    let read: Vec<String> = asked.passages.iter().map(|hit| plain(&hit.passage.text)).collect();
    let is_one_of = |chunks: &[ChunkId], id: &str| chunks.iter().any(|chunk| chunk.to_string() == id);
    let elsewhere: Vec<ChunkId> = asked.elsewhere.iter().map(|hit| hit.passage.chunk).collect();
    let found: Vec<Hit> = asked.searched.hits.iter().chain(&asked.elsewhere).cloned().collect();
    let unread = hits(&found, &asked.searched)
        .into_iter()
        .filter(|hit| !asked.passages.iter().any(|read| read.passage.chunk.to_string() == hit.chunk_id));
    unread
        .map(|hit| DroppedOut {
            why: match read.contains(&plain(&hit.text)) {
                _ if no_model => WhyDropped::NoModel,
                _ if is_one_of(&elsewhere, &hit.chunk_id) => WhyDropped::Elsewhere,
                _ if is_one_of(&asked.superseded, &hit.chunk_id) => WhyDropped::Superseded,
                true => WhyDropped::Repeats,
                false => WhyDropped::NoRoom,
            },
            rank: hit.rank,
            document_id: hit.document_id,
            collection: hit.collection,
            title: hit.title,
            heading: hit.heading,
            page: hit.page,
            lines: hit.lines,
            span: hit.span,
            matched: hit.matched,
            sources: hit.sources,
        })
        .collect()
}

pub(crate) fn citation(citation: &Citation) -> CitationOut {
    let passage = &citation.passage;
    CitationOut {
        marker: citation.marker,
        document: passage.document.clone(),
        document_id: passage.document_id.clone(),
        title: passage.title.clone(),
        heading: passage.headings.clone(),
        chunk_id: passage.chunk.to_string(),
        page: citation.page,
        lines: citation.lines,
        span: (citation.span.start, citation.span.end),
        quote: citation.quote.clone(),
    }
}
