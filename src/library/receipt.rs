//! What an answer rested on, so that it can be had again or what changed can be named.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::library::AskRequest;
use crate::library::build::build;
use crate::wire::{AskResult, AskTimings, Tokens};

/// The record of one answer. Its id is a digest of all of it but times and
/// token counts, so the same answer under the same conditions has the same id.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Sixteen hexadecimal digits.
    pub id: String,
    /// When it was given, in seconds since 1970.
    pub at: u64,
    /// What was asked.
    #[schema(value_type = RequestShape)]
    pub request: AskRequest,
    /// Under which conditions.
    pub conditions: Conditions,
    /// SHA-256 of the rendered prompt; none when the model was not asked.
    pub prompt: Option<String>,
    /// The documents of the passages that were found.
    pub documents: Vec<SourceDocument>,
    /// SHA-256 of the answer as JSON, without times, token counts and this receipt.
    pub output: String,
    /// The answer with its passages and their scores.
    pub answer: AskResult,
}

/// What was asked, as it is described.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the request only")]
pub struct RequestShape {
    /// The question.
    question: String,
    /// Collections to answer from; empty: all.
    collections: Vec<String>,
    /// `full`, or `extractive` for the documents' own words.
    mode: String,
    /// How likely an answer had to be, where the request said so.
    threshold: Option<f32>,
}

/// Everything besides the question that decides an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Conditions {
    /// Digest of the documents in the index and of what is still to be embedded.
    pub index: String,
    /// The language model: its name and a digest of its file, or the server's address.
    pub generator: String,
    /// The embedding model.
    pub embedder: String,
    /// The cross-encoder, if there is one.
    pub reranker: Option<String>,
    /// Digest of the prompt templates.
    pub prompts: String,
    /// The program: its version and the linker's build id.
    pub build: String,
    /// The processor's instructions that the kernels use; other ones round differently.
    pub cpu: String,
    /// Threads that the models compute on.
    pub threads: usize,
    /// Other settings that decide an answer, as `name=value`.
    pub settings: Vec<String>,
}

/// A document as it was when the answer was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceDocument {
    /// Its id.
    pub id: String,
    /// Its path.
    pub path: String,
    /// SHA-256 of its bytes, and how it was read and embedded.
    pub hash: String,
}

/// A condition that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Which: `documents`, `model`, `prompt`, `build`, `threads`, `settings`, `receipt`.
    pub what: &'static str,
    /// From what to what, for people.
    pub detail: String,
}

impl Receipt {
    /// Writes the receipt of `answer`.
    #[must_use]
    pub fn new(
        request: AskRequest,
        conditions: Conditions,
        prompt: Option<String>,
        documents: Vec<SourceDocument>,
        answer: AskResult,
        at: u64,
    ) -> Self {
        let output = output_digest(&answer);
        let receipt = Self { id: String::new(), at, request, conditions, prompt, documents, output, answer };
        Self { id: receipt.digest(), ..receipt }
    }

    /// Whether it is as it was written here: nobody edited it, and no server put shorter names in it.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        // Another program may know parts of an answer that this one does not.
        let own = self.conditions.build != build() || output_digest(&self.answer) == self.output;
        own && self.digest() == self.id
    }

    fn digest(&self) -> String {
        let Self { request, conditions, prompt, documents, output, .. } = self;
        sha256(&json(&(request, conditions, prompt, documents, output)))[..16].to_owned()
    }
}

impl Conditions {
    /// A digest of a question under these conditions: equal keys, equal answers.
    #[must_use]
    pub fn key(&self, request: &AskRequest) -> String {
        sha256(&json(&(request, self)))
    }

    /// What differs between these conditions and those of `now`, except the index.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Vec<Changed> {
        let mut changes = Vec::new();
        let mut compare = |what, before: &str, after: &str| {
            if before != after {
                changes.push(Changed { what, detail: format!("{before} → {after}") });
            }
        };
        compare("model", &self.generator, &now.generator);
        compare("model", &self.embedder, &now.embedder);
        let name = |reranker: &Option<String>| reranker.clone().unwrap_or_else(|| "no cross-encoder".into());
        compare("model", &name(&self.reranker), &name(&now.reranker));
        compare("prompt", &self.prompts, &now.prompts);
        compare("build", &self.build, &now.build);
        compare("build", &self.cpu, &now.cpu);
        compare("threads", &self.threads.to_string(), &now.threads.to_string());
        let only_in = |a: &[String], b: &[String]| -> String {
            a.iter().filter(|x| !b.contains(x)).cloned().collect::<Vec<_>>().join(" ")
        };
        compare("settings", &only_in(&self.settings, &now.settings), &only_in(&now.settings, &self.settings));
        changes
    }
}

/// SHA-256 of what a reader sees of `answer`: times, token counts and marks of
/// its own keeping are left out, since they differ between equal answers.
#[must_use]
pub fn output_digest(answer: &AskResult) -> String {
    let plain = AskResult {
        timings_ms: AskTimings::default(),
        tokens: Tokens::default(),
        receipt: None,
        stored: false,
        ..answer.clone()
    };
    sha256(&json(&plain))
}

/// SHA-256 in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("receipts are plain data")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions() -> Conditions {
        Conditions {
            index: "i".into(),
            generator: "m 1".into(),
            embedder: "e".into(),
            reranker: None,
            prompts: "p".into(),
            build: "b".into(),
            cpu: "avx2".into(),
            threads: 2,
            settings: vec!["context_tokens=320".into(), "max_tokens=320".into()],
        }
    }

    #[test]
    fn equal_conditions_have_no_changes() {
        assert_eq!(conditions().changes(&conditions()), []);
    }

    #[test]
    fn every_change_is_named() {
        let now = Conditions {
            generator: "m 2".into(),
            prompts: "q".into(),
            build: "c".into(),
            threads: 4,
            settings: vec!["context_tokens=640".into(), "max_tokens=320".into()],
            ..conditions()
        };
        let changes = conditions().changes(&now);
        let named: Vec<&str> = changes.iter().map(|change| change.what).collect();
        assert_eq!(named, ["model", "prompt", "build", "threads", "settings"]);
        assert_eq!(changes[4].detail, "context_tokens=320 → context_tokens=640");
    }

    #[test]
    fn keys_tell_questions_and_conditions_apart() {
        let ask = |question: &str| AskRequest { question: question.into(), ..AskRequest::default() };
        let key = conditions().key(&ask("a"));
        assert_eq!(key, conditions().key(&ask("a")));
        assert_ne!(key, conditions().key(&ask("b")));
        assert_ne!(key, Conditions { index: "j".into(), ..conditions() }.key(&ask("a")));
    }
}
