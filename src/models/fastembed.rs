//! Models in the ONNX format, run by fastembed: embedders and cross-encoders.
//!
//! Each text runs by itself. That is faster than padded batches on processors
//! (measured: 19 against 13 passages a second), and a quantized model's vectors then
//! do not depend on a text's companions.

use std::sync::Arc;

use ::fastembed::{
    InitOptionsUserDefined, OnnxSource, OutputKey, Pooling, RerankInitOptionsUserDefined, TextEmbedding, TextRerank,
    UserDefinedEmbeddingModel, UserDefinedRerankingModel,
};

use super::onnx;
use super::queue::{WhenFull, Worker};
use super::registry::{PoolingKind, PullProgress, Registry};
use super::tokens::{self, TextTokenizer, normalize};
use super::{Embed, EmbedRole, Rerank, TokenVectors};
use crate::error::{Error, Result};

mod folder;

pub(super) use folder::{OnnxFolder, known_embedder};

/// Requests that may wait for the model.
const WAITING: usize = 32;
/// Texts that are handed to the model at a time, so that several callers take turns.
const SHARE: usize = 8;

/// An embedding model run by fastembed, on its own thread.
pub(super) struct FastEmbedder {
    id: String,
    dim: usize,
    query_prefix: String,
    passage_prefix: String,
    tokenizer: Arc<TextTokenizer>,
    worker: Worker<Job, Vec<Output>>,
}

struct Job {
    prefix: String,
    texts: Vec<String>,
}

/// The pooled vector, and the tokens' where the model gives them.
type Output = (Vec<f32>, Option<TokenVectors>);

impl FastEmbedder {
    /// Opens the model in a folder.
    ///
    /// # Errors
    /// [`Error::Model`] when it does not load, or gives no vectors.
    pub(super) fn open(
        registry: &Registry,
        folder: OnnxFolder,
        threads: usize,
        progress: &mut dyn PullProgress,
    ) -> Result<Self> {
        let environment = onnx::environment(registry, progress)?;
        let tokenizer =
            Arc::new(TextTokenizer::new(&folder.id, &folder.tokenizer_files.tokenizer_file, folder.max_tokens)?);
        let pooling = match folder.pooling {
            PoolingKind::Mean => Pooling::Mean,
            PoolingKind::Cls => Pooling::Cls,
        };
        let onnx = std::fs::read(&folder.onnx).map_err(Error::io(&folder.onnx))?;
        let mut model = UserDefinedEmbeddingModel::new(onnx, folder.tokenizer_files);
        for path in &folder.external_data {
            let content = std::fs::read(path).map_err(Error::io(path))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            model = model.with_external_initializer(name, content);
        }
        let options = InitOptionsUserDefined::new()
            .with_environment(environment)
            .with_intra_threads(threads)
            .with_max_length(folder.max_tokens);
        let model =
            TextEmbedding::try_new_from_user_defined(model, options).map_err(|error| failed(&folder.id, &error))?;

        let mut network = Network {
            id: folder.id.clone(),
            model,
            tokenizer: Arc::clone(&tokenizer),
            output: folder.output_key,
            pooling,
        };
        // The length of a vector is known for certain only from one.
        let dim = network.run("", "probe")?.0.len();
        let worker = Worker::spawn(&folder.id, WAITING, move |job: Job| {
            job.texts.iter().map(|text| network.run(&job.prefix, text)).collect()
        })?;
        Ok(Self {
            id: folder.id,
            dim,
            query_prefix: folder.query_prefix,
            passage_prefix: folder.passage_prefix,
            tokenizer,
            worker,
        })
    }

    fn prefix(&self, role: EmbedRole) -> &str {
        match role {
            EmbedRole::Query => &self.query_prefix,
            EmbedRole::Passage => &self.passage_prefix,
        }
    }

    fn run(&self, role: EmbedRole, texts: &[&str]) -> Result<Vec<Output>> {
        let prefix = self.prefix(role);
        let when_full = if texts.len() <= SHARE { WhenFull::Busy } else { WhenFull::Wait };
        let mut outputs = Vec::with_capacity(texts.len());
        for texts in texts.chunks(SHARE) {
            let texts = texts.iter().map(|&text| text.to_owned()).collect();
            outputs.extend(self.worker.call(Job { prefix: prefix.to_owned(), texts }, when_full)?);
        }
        Ok(outputs)
    }
}

impl Embed for FastEmbedder {
    fn id(&self) -> &str {
        &self.id
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn max_tokens(&self) -> usize {
        self.tokenizer.max_tokens()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }

    fn token_offsets(&self, role: EmbedRole, text: &str) -> Vec<(usize, usize)> {
        self.tokenizer.offsets(self.prefix(role), text)
    }

    fn embed(&self, role: EmbedRole, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        Ok(self.run(role, texts)?.into_iter().map(|(pooled, _)| pooled).collect())
    }

    fn embed_tokens(&self, role: EmbedRole, texts: &[&str]) -> Result<Vec<(Vec<f32>, TokenVectors)>> {
        self.run(role, texts)?
            .into_iter()
            .map(|(pooled, tokens)| match tokens {
                Some(tokens) => Ok((pooled, tokens)),
                None => Err(failed(&self.id, &"it gives one vector a text, none for its tokens")),
            })
            .collect()
    }
}

struct Network {
    id: String,
    model: TextEmbedding,
    tokenizer: Arc<TextTokenizer>,
    output: Option<OutputKey>,
    pooling: Pooling,
}

impl Network {
    fn run(&mut self, prefix: &str, text: &str) -> Result<Output> {
        let id = &self.id;
        let text = tokens::seen(text);
        let output = self.model.transform([format!("{prefix}{text}")], None).map_err(|error| failed(id, &error))?;
        let batches = output.into_raw();
        let batch = batches.first().ok_or_else(|| failed(id, &"it gave no output"))?;

        let pooled_from = self.output.as_ref().map_or(POOLED, std::slice::from_ref);
        let pooled = batch.select_and_pool_output(&pooled_from, Some(self.pooling.clone()));
        let mut pooled = pooled.map_err(|error| failed(id, &error))?.row(0).to_vec();
        normalize(&mut pooled);

        let tokens = self.tokenizer.encode(prefix, text).map_err(|message| failed(id, &message))?;
        let vectors = batch.select_output(&HIDDEN).ok().and_then(|hidden| match (hidden.shape(), hidden.as_slice()) {
            (&[1, rows, dim], Some(values)) if rows == tokens.ids.len() => Some(tokens.vectors(values, dim)),
            _ => None,
        });
        Ok((pooled, vectors))
    }
}

/// What models call the output that one vector is made from, best first.
const POOLED: &[OutputKey] = &[
    OutputKey::OnlyOne,
    OutputKey::ByName("text_embeds"),
    OutputKey::ByName("last_hidden_state"),
    OutputKey::ByName("sentence_embedding"),
];
/// What models call their output of one row a token.
const HIDDEN: &[OutputKey] =
    &[OutputKey::ByName("last_hidden_state"), OutputKey::ByName("token_embeddings"), OutputKey::OnlyOne];

/// A cross-encoder run by fastembed, on its own thread.
pub(super) struct FastReranker {
    id: String,
    worker: Worker<(String, Vec<String>), Vec<f32>>,
}

impl FastReranker {
    /// Opens the model in a folder.
    ///
    /// # Errors
    /// [`Error::Model`] when it does not load.
    pub(super) fn open(
        registry: &Registry,
        folder: OnnxFolder,
        threads: usize,
        progress: &mut dyn PullProgress,
    ) -> Result<Self> {
        let environment = onnx::environment(registry, progress)?;
        let model = UserDefinedRerankingModel::new(OnnxSource::File(folder.onnx), folder.tokenizer_files);
        let mut options = RerankInitOptionsUserDefined::default();
        options.environment = Some(environment);
        options.intra_threads = Some(threads);
        options.max_length = folder.max_tokens;
        let id = folder.id.clone();
        let mut model = TextRerank::try_new_from_user_defined(model, options).map_err(|error| failed(&id, &error))?;
        let worker = Worker::spawn(&folder.id, WAITING, move |(question, passages): (String, Vec<String>)| {
            let mut scores = vec![0.0; passages.len()];
            // One pair at a time, as with embeddings; the results come sorted by score.
            let ranked = model.rerank(question, passages, false, Some(1)).map_err(|error| failed(&id, &error))?;
            for result in ranked {
                scores[result.index] = result.score;
            }
            Ok(scores)
        })?;
        Ok(Self { id: folder.id, worker })
    }
}

impl Rerank for FastReranker {
    fn id(&self) -> &str {
        &self.id
    }

    fn rerank(&self, question: &str, passages: &[&str]) -> Result<Vec<f32>> {
        let passages = passages.iter().map(|&passage| tokens::seen(passage).to_owned()).collect();
        self.worker.call((question.to_owned(), passages), WhenFull::Busy)
    }
}

fn failed(model: &str, reason: &dyn std::fmt::Display) -> Error {
    Error::Model { name: model.to_owned(), message: reason.to_string() }
}

#[cfg(test)]
mod tests;
