//! The three roles of a model and what runs them.
//!
//! Everything outside this folder speaks to a model through [`Embed`],
//! [`Rerank`] or [`Generate`]; no tensor and no session type leaves it.

use std::ops::{ControlFlow, Range};

use crate::error::Result;

mod candle;
mod citation;
mod e5;
mod embedder;
mod fastembed;
mod generator;
pub mod late;
mod onnx;
mod openai;
mod queue;
mod registry;
mod text;
mod tokens;
mod unigram;

pub use candle::{CandleGenerator, kernels};
pub use embedder::{EmbedderIdentity, embedder_identity, open_embedder, open_reranker};
pub use generator::{GeneratorChoice, open_generator, set_threads};
pub use openai::OpenAiGenerator;
pub use queue::{Pending, WhenFull, Worker};
pub use registry::{
    ModelEntry, ModelFiles, ModelState, ModelStatus, PoolingKind, PullEvent, PullProgress, Registry, Role, catalogue,
};

/// Which side of a search a text is on; some models want different prefixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmbedRole {
    /// The question.
    Query,
    /// A passage of a document.
    Passage,
}

/// Unit-length token vectors of one text, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenVectors {
    /// Vector length.
    pub dim: usize,
    /// `tokens x dim` values, special tokens and the role's prefix left out.
    pub values: Vec<f32>,
    /// Byte range of each token in the text.
    pub offsets: Vec<(usize, usize)>,
}

/// Turns texts into vectors. Implementations may be called from any thread.
pub trait Embed: Send + Sync {
    /// Name and version of the model; vectors of different ids do not mix.
    fn id(&self) -> &str;
    /// Length of a vector.
    fn dim(&self) -> usize;
    /// The most tokens of a text that the model sees, prefix and special tokens included.
    fn max_tokens(&self) -> usize;
    /// Number of tokens of `text`, without prefix and special tokens.
    fn count_tokens(&self, text: &str) -> usize;
    /// Byte ranges in `text` of the tokens that [`Embed::embed_tokens`] gives vectors for.
    fn token_offsets(&self, role: EmbedRole, text: &str) -> Vec<(usize, usize)>;
    /// One unit-length vector a text, in order.
    ///
    /// # Errors
    /// [`crate::Error::Busy`] when the queue is full, [`crate::Error::Model`] when the model fails.
    fn embed(&self, role: EmbedRole, texts: &[&str]) -> Result<Vec<Vec<f32>>>;
    /// The pooled vector and the token vectors of each text, in order.
    ///
    /// # Errors
    /// As [`Embed::embed`].
    fn embed_tokens(&self, role: EmbedRole, texts: &[&str]) -> Result<Vec<(Vec<f32>, TokenVectors)>>;
}

/// Scores passages against a question; higher is better, scales differ by model.
pub trait Rerank: Send + Sync {
    /// Name and version of the model.
    fn id(&self) -> &str;
    /// One score a passage, in order.
    ///
    /// # Errors
    /// [`crate::Error::Busy`] when the queue is full, [`crate::Error::Model`] when the model fails.
    fn rerank(&self, question: &str, passages: &[&str]) -> Result<Vec<f32>>;
}

/// A turn of a conversation, as chat templates know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: MessageRole,
    /// What is said.
    pub content: String,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageRole {
    /// The rules.
    System,
    /// The person, with the passages.
    User,
    /// The model.
    Assistant,
}

/// What to generate.
#[derive(Clone, Debug)]
pub struct GenerateRequest {
    /// The conversation; the model writes the next assistant turn.
    pub messages: Vec<Message>,
    /// The most tokens to write.
    pub max_tokens: usize,
    /// Text that ends the answer when it appears; it is not part of the answer.
    pub stop: Vec<String>,
    /// Citation marks `[n]` above this number can not be written.
    pub max_citation: usize,
    /// How the model says that there is no answer, if the conversation tells it how.
    pub refusal: Option<Refusal>,
    /// Passages that the last message begins with, as they stand in it, one
    /// directly behind the other. The model may read each of them by itself and
    /// keep what it read for the next request; empty: all is read in order.
    pub passages: Vec<String>,
    /// What may be answered with, if the model is to tell where it looked.
    pub places: Option<Places>,
}

/// Where in the last message of a conversation the sentences stand that may be
/// answered with, and where the question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Byte range of each sentence, one behind the other; an empty one for what is not there.
    pub sentences: Vec<Range<usize>>,
    /// Byte at which what is asked begins, behind all of them.
    pub question: usize,
}

/// The words with which a model says that there is no answer, and how sure it
/// must be of that. Small models say them far too easily; what they know shows
/// in how sure they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The words.
    pub text: String,
    /// The answer is these words when the model is surer than this that there is
    /// none, and does not begin with the first token of them otherwise.
    pub limit: f32,
}

/// What was generated. Decoding is greedy: the same request gives the same text.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// The text, stop strings excluded.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of these, how many were not computed because their state was kept.
    pub cached_tokens: usize,
    /// Tokens written.
    pub generated_tokens: usize,
    /// Passes through the model that wrote them, fewer than tokens when proposed
    /// ones were right; `None` when the model does not tell.
    pub passes: Option<usize>,
    /// How sure the model was that there is no answer, from 0 to 1: by a probe of
    /// its inner state where one is known for it, else by how probable the first
    /// token of the refusal was. `None` when the request has no refusal or the model does not tell.
    pub refusal: Option<f32>,
    /// How likely each of the request's places is what the answer stands on, by where
    /// the model looked before it wrote; they sum to 1. `None` when the request has none or the model does not tell.
    pub looked: Option<Vec<f32>>,
    /// Mean natural logarithm of the probabilities of the tokens written; `None` when the model does not tell.
    pub confidence: Option<f32>,
    /// Milliseconds until the first token was known.
    pub first_token_ms: f64,
    /// Milliseconds for all of it.
    pub total_ms: f64,
}

/// What a model makes of a conversation before it writes a word.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    /// How sure it is, from 0 to 1, that the passages do not answer the question.
    pub probability: f32,
    /// The inner state that tells, of the prompt's last token.
    pub state: Vec<f32>,
}

/// What attention heads look at while a question is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// Heads of a layer.
    pub heads: usize,
    /// `[places][layers][heads][2]`: the shares that each place gets, summed over the tokens from the
    /// question on, and from the last of them alone. The last layer is left out.
    pub seen: Vec<f32>,
}

/// Why generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model was done, or wrote a stop string.
    Stop,
    /// The token budget was used up.
    Length,
    /// The receiver asked to stop.
    Cancelled,
}

/// Writes text. Implementations may be called from any thread.
pub trait Generate: Send + Sync {
    /// Name and version of the model.
    fn id(&self) -> &str;
    /// The most tokens of prompt and answer together.
    fn context_tokens(&self) -> usize;
    /// Number of tokens of `text`.
    fn count_tokens(&self, text: &str) -> usize;
    /// The tokens of a conversation as the model reads it; `None` when it does not tell.
    fn prompt_tokens(&self, _messages: &[Message]) -> Option<Vec<u32>> {
        None
    }
    /// Writes an answer, handing over each piece of text as it is final;
    /// `Break` stops within one token. While the prompt is being read, empty
    /// pieces ask whether anybody still waits; `Break` stops that, too.
    ///
    /// # Errors
    /// [`crate::Error::Busy`] when the queue is full, [`crate::Error::Model`] when the model
    /// fails or the prompt does not fit.
    fn generate(
        &self,
        request: &GenerateRequest,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generation>;
    /// Whether [`Generate::doubt`] tells anything.
    fn can_doubt(&self) -> bool {
        false
    }
    /// Reads a conversation that ends with one question on a few passages, and
    /// tells whether they answer it; it goes before whatever waits. `None` when the
    /// model does not tell.
    ///
    /// # Errors
    /// [`crate::Error::Model`] when the model fails or the prompt does not fit.
    fn doubt(&self, _messages: &[Message]) -> Result<Option<Doubt>> {
        Ok(None)
    }

    /// The probability of [`Generate::doubt`] by its inner state; `None` when the model does not tell.
    fn doubt_of(&self, _state: &[f32]) -> Option<f32> {
        None
    }

    /// Reads a conversation and tells how much each attention head looked at each place;
    /// `None` when the model does not tell.
    ///
    /// # Errors
    /// [`crate::Error::Model`] when the model fails or the prompt does not fit.
    fn attention(&self, _messages: &[Message], _places: &Places) -> Result<Option<Attention>> {
        Ok(None)
    }
}
