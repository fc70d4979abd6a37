//! Drafts of the model on disk: an evaluation after a change of the check or
//! of the gate takes milliseconds a question. What the model writes when it is
//! not let to refuse is kept with its inner state, so that any limit, and any probe of that
//! state, can be tried.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use attest::models::{Doubt, Finish, Generate, GenerateRequest, Generation, Message, Refusal};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A generator that writes nothing twice.
pub struct Drafts {
    inner: Arc<dyn Generate>,
    /// Name and digest of the model.
    model: String,
    folder: PathBuf,
    /// Microseconds that the drafts taken from disk had cost.
    saved: Arc<AtomicU64>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    text: String,
    ended: bool,
    prompt_tokens: usize,
    #[serde(default)]
    cached_tokens: usize,
    generated_tokens: usize,
    #[serde(default)]
    passes: Option<usize>,
    #[serde(default)]
    refusal: Option<f32>,
    #[serde(default)]
    looked: Option<Vec<f32>>,
    #[serde(default)]
    confidence: Option<f32>,
    first_token_ms: f64,
    total_ms: f64,
}

impl Drafts {
    pub fn new(inner: Arc<dyn Generate>, model: String, folder: PathBuf, saved: Arc<AtomicU64>) -> Self {
        Self { inner, model, folder, saved }
    }

    fn sha(&self, messages: &[Message]) -> Sha256 {
        let mut sha = Sha256::new();
        sha.update(&self.model);
        for message in messages {
            sha.update(format!("\0{:?}\0{}", message.role, message.content));
        }
        sha
    }

    fn file(&self, sha: Sha256) -> PathBuf {
        let name: String = sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(format!("{name}.json"))
    }

    fn keep<T: Serialize>(&self, path: &Path, kept: &T) -> attest::Result<()> {
        fs::create_dir_all(&self.folder).map_err(attest::Error::io(&self.folder))?;
        let json = serde_json::to_vec(kept).expect("it is plain data");
        fs::write(path, json).map_err(attest::Error::io(path))
    }

    fn path(&self, request: &GenerateRequest) -> PathBuf {
        let mut sha = self.sha(&request.messages);
        sha.update(format!("\0{}\0{:?}\0{}", request.max_tokens, request.stop, request.max_citation));
        if !request.passages.is_empty() {
            sha.update("\0apart");
        }
        self.file(sha)
    }
}

impl Generate for Drafts {
    fn id(&self) -> &str {
        self.inner.id()
    }

    fn context_tokens(&self) -> usize {
        self.inner.context_tokens()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.inner.count_tokens(text)
    }

    fn can_doubt(&self) -> bool {
        self.inner.can_doubt()
    }

    fn doubt(&self, messages: &[Message]) -> attest::Result<Option<Doubt>> {
        let mut sha = self.sha(messages);
        sha.update("\0state");
        let path = self.file(sha);
        let kept: Option<Vec<f32>> = fs::read(&path).ok().and_then(|json| serde_json::from_slice(&json).ok());
        if let Some(state) = kept
            && let Some(probability) = self.inner.doubt_of(&state)
        {
            return Ok(Some(Doubt { probability, state }));
        }
        let doubt = self.inner.doubt(messages)?;
        if let Some(doubt) = &doubt {
            self.keep(&path, &doubt.state)?;
        }
        Ok(doubt)
    }

    fn doubt_of(&self, state: &[f32]) -> Option<f32> {
        self.inner.doubt_of(state)
    }

    fn generate(
        &self,
        request: &GenerateRequest,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> attest::Result<Generation> {
        let path = self.path(request);
        // A draft that cannot be read is written again.
        let kept: Option<Kept> = fs::read(&path).ok().and_then(|json| serde_json::from_slice(&json).ok());
        if let Some(kept) = kept {
            self.saved.fetch_add((kept.total_ms * 1e3) as u64, Ordering::Relaxed);
            return self.told(kept, request, on_text);
        }
        let refusal = request.refusal.clone().map(|refusal| Refusal { limit: 1.0, ..refusal });
        let generation = self.inner.generate(&GenerateRequest { refusal, ..request.clone() }, &mut |_| {
            // Asks now and then whether to go on.
            on_text("")
        })?;
        if generation.finish == Finish::Cancelled {
            return Ok(generation);
        }
        let kept = Kept {
            text: generation.text,
            ended: generation.finish == Finish::Stop,
            prompt_tokens: generation.prompt_tokens,
            cached_tokens: generation.cached_tokens,
            generated_tokens: generation.generated_tokens,
            passes: generation.passes,
            refusal: generation.refusal,
            looked: generation.looked,
            confidence: generation.confidence,
            first_token_ms: generation.first_token_ms,
            total_ms: generation.total_ms,
        };
        self.keep(&path, &kept)?;
        self.told(kept, request, on_text)
    }
}

impl Drafts {
    /// What the model would have written under the limit of `request`, by what its probe says today. Passages that
    /// were read apart leave another state behind, which is not kept: there, what the probe said then counts.
    fn told(
        &self,
        mut kept: Kept,
        request: &GenerateRequest,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> attest::Result<Generation> {
        if request.refusal.is_some()
            && request.passages.is_empty()
            && let Some(doubt) = self.doubt(&request.messages)?
        {
            kept.refusal = Some(doubt.probability);
        }
        Ok(kept.told(request, on_text))
    }
}

impl Kept {
    /// What the model would have written under the limit of `request`.
    fn told(self, request: &GenerateRequest, on_text: &mut dyn FnMut(&str) -> ControlFlow<()>) -> Generation {
        let refused = request.refusal.as_ref().filter(|refusal| self.refusal.is_some_and(|p| p > refusal.limit));
        let text = refused.map_or(self.text, |refusal| refusal.text.clone());
        let finish = match (on_text(&text), self.ended) {
            (ControlFlow::Break(()), _) => Finish::Cancelled,
            (_, true) => Finish::Stop,
            (_, false) => Finish::Length,
        };
        Generation {
            text,
            finish,
            prompt_tokens: self.prompt_tokens,
            cached_tokens: self.cached_tokens,
            generated_tokens: self.generated_tokens,
            passes: self.passes,
            refusal: self.refusal,
            looked: self.looked,
            confidence: self.confidence,
            first_token_ms: self.first_token_ms,
            total_ms: self.total_ms,
        }
    }
}
