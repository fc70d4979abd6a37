//! Receipts: written with every answer, read again, replayed and rated.

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::build::{build, cpu};
use super::receipt::{Changed, Conditions, Receipt, SourceDocument, output_digest, sha256};
use super::receipts::{FeedbackCase, Rating};
use crate::answer::prompt_sources;
use crate::config::Generator;
use crate::error::{Error, Result};
use crate::library::{AskRequest, Asked, Library};
use crate::models::{self, PullEvent};
use crate::wire::AskResult;

/// A question asked again.
#[derive(Debug)]
pub struct Replayed {
    /// Whether the answer is the same, byte for byte.
    pub same: bool,
    /// What is not as it was then.
    pub changes: Vec<Changed>,
    /// The answer now.
    pub answer: AskResult,
}

impl Library {
    /// The receipt with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or no longer.
    pub fn receipt(&self, id: &str) -> Result<Receipt> {
        self.receipts.get(id)
    }

    /// Notes that an answer is shown in the terminal, with a receipt or without; a failure is only warned of.
    pub fn show_receipt(&self, id: Option<&str>) {
        if let Err(error) = self.receipts.show(id) {
            tracing::warn!("it is not noted which answer was the last: {error}");
        }
    }

    /// Id of the receipt of the answer that was shown last.
    ///
    /// # Errors
    /// [`Error::NotFound`] when none was, or it has no receipt.
    pub fn shown_receipt(&self) -> Result<String> {
        self.receipts.shown()
    }

    /// The answer to the same question under the same conditions, if one is
    /// kept: the same documents, models, prompts, program and settings. Receipts that
    /// cannot be read are none, with a warning.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn stored_answer(&self, request: &AskRequest) -> Result<Option<AskResult>> {
        let warn = |error: &Error| tracing::warn!("no answer is looked up: {error}");
        if self.receipts.is_empty().inspect_err(warn).unwrap_or(true) {
            return Ok(None);
        }
        let key = self.conditions(&request.collections)?.key(request);
        let kept = self.receipts.by_key(&key).inspect_err(warn).ok().flatten();
        Ok(kept.map(|receipt| AskResult { stored: true, receipt: Some(receipt.id), ..receipt.answer }))
    }

    /// Keeps what a reader thinks of an answer.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such receipt.
    pub fn feedback(
        &self,
        receipt_id: &str,
        rating: Rating,
        comment: Option<String>,
        expected: Option<String>,
    ) -> Result<()> {
        let receipt = self.receipt(receipt_id)?;
        self.receipts.rate(&FeedbackCase { rating, comment, expected, at: now(), receipt })
    }

    /// The rated answers, the oldest first.
    ///
    /// # Errors
    /// When the receipts cannot be read.
    pub fn feedback_cases(&self) -> Result<Vec<FeedbackCase>> {
        self.receipts.cases()
    }

    /// Asks a receipt's question again, and says what changed since. It is given up when the
    /// outcome is no longer `waited_for`.
    ///
    /// # Errors
    /// As [`Library::ask`].
    pub fn replay(&self, receipt: &Receipt, waited_for: &dyn Fn() -> bool) -> Result<Replayed> {
        let conditions = self.conditions(&receipt.request.collections)?;
        let mut changes = receipt.conditions.changes(&conditions);
        if receipt.conditions.index != conditions.index {
            changes.extend(self.changed_documents(receipt)?);
        }
        let asked = self.ask(&receipt.request, &mut |_| match waited_for() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        })?;
        let answer = AskResult::new(&asked);
        let intact = receipt.is_intact();
        if !intact {
            let detail = "it is not as it was written: edited, or from a server, which shortens names".into();
            changes.push(Changed { what: "receipt", detail });
        }
        let same = intact && output_digest(&answer) == receipt.output;
        if asked.written.as_ref().map(|written| &written.prompt) != receipt.prompt.as_ref() && changes.is_empty() {
            changes.push(Changed { what: "prompt", detail: "the rendered prompt is another one".into() });
        }
        Ok(Replayed { same, changes, answer })
    }

    /// Keeps the receipt of a complete answer; `None`, with a warning, when it cannot be kept.
    pub(super) fn keep_receipt(&self, request: &AskRequest, asked: &Asked) -> Option<String> {
        let keep = || -> Result<String> {
            let conditions = self.conditions(&request.collections)?;
            let key = conditions.key(request);
            let found: HashSet<&str> = asked.searched.hits.iter().map(|hit| hit.passage.document_id.as_str()).collect();
            let all = self.source_documents()?.into_iter().map(|(_, document)| document);
            let documents = all.filter(|document| found.contains(document.id.as_str())).collect();
            let answer = AskResult::new(asked);
            let prompt = asked.written.as_ref().map(|written| written.prompt.clone());
            let receipt = Receipt::new(request.clone(), conditions, prompt, documents, answer, now());
            self.receipts.put(&receipt, &key)?;
            Ok(receipt.id)
        };
        keep().inspect_err(|error| tracing::warn!("the answer has no receipt: {error}")).ok()
    }

    /// A digest of everything besides the question that decides an answer.
    ///
    /// # Errors
    /// When the store cannot be read, or a named model does not exist.
    pub fn configuration(&self) -> Result<String> {
        Ok(self.conditions(&[])?.key(&AskRequest::default()))
    }

    /// The conditions under which a question to these collections (none: to all) is
    /// answered now. Nothing in others matters: who may not see them must not see
    /// either that they changed.
    fn conditions(&self, collections: &[String]) -> Result<Conditions> {
        let config = &self.config;
        let mut documents = String::new();
        for (collection, SourceDocument { id, path, hash }) in self.source_documents()? {
            if collections.is_empty() || collections.contains(&collection) {
                documents.push_str(&format!("{id}\0{path}\0{hash}\0"));
            }
        }
        documents.push_str(&self.pending_in(collections)?.to_string());
        let (english, chinese) = prompt_sources();
        let mut settings = vec![
            format!("context_tokens={}", config.answer.context_tokens),
            format!("max_tokens={}", config.answer.max_tokens),
            format!("threshold={}", config.answer.threshold),
            format!("reading={}", config.answer.reading.name()),
            format!("vectors={}", config.qdrant.as_ref().map_or("here", |server| server.url.as_str())),
        ];
        let mut own = self.thresholds()?;
        own.retain(|collection, _| collections.is_empty() || collections.contains(collection));
        settings.extend(own.iter().map(|(collection, threshold)| format!("threshold of {collection}={threshold}")));
        Ok(Conditions {
            index: sha256(documents.as_bytes()),
            generator: self.generator_identity()?,
            embedder: models::embedder_identity(&self.registry, &config.embedder)?.id,
            reranker: config.reranker.clone(),
            prompts: sha256(format!("{english}\0{chinese}").as_bytes())[..16].to_owned(),
            build: build().to_owned(),
            cpu: cpu(),
            threads: config.threads,
            settings,
        })
    }

    /// The language model's name, and a digest of its file or the server's address.
    ///
    /// # Errors
    /// When the model does not exist or cannot be read.
    pub fn generator_identity(&self) -> Result<String> {
        let known = self.generator_identity.get();
        if let Some(identity) = known {
            return Ok(identity.clone());
        }
        let identity = match &self.config.generator {
            Generator::OpenAi { base_url, model, .. } => format!("{model} at {base_url}"),
            // A model of the catalogue is checked against this digest when it is opened.
            Generator::Local(name) => match self.registry.entry(name).ok().and_then(|entry| entry.sha256_of(".gguf")) {
                Some(sha256) => format!("{name} {}", &sha256[..16]),
                None => {
                    let files = self.registry.resolve(name, &mut |_: PullEvent<'_>| {})?;
                    let path = files.only(".gguf")?;
                    format!("{name} {}", &sampled_digest(path).map_err(Error::io(path))?[..16])
                }
            },
        };
        Ok(self.generator_identity.get_or_init(|| identity).clone())
    }

    /// All documents with the names of their collections.
    fn source_documents(&self) -> Result<Vec<(String, SourceDocument)>> {
        let all = self.index.document_hashes()?;
        let named = |(collection, id, path, hash)| (collection, SourceDocument { id, path, hash });
        Ok(all.into_iter().map(named).collect())
    }

    /// Which documents are not those of the receipt.
    fn changed_documents(&self, receipt: &Receipt) -> Result<Vec<Changed>> {
        let now = self.source_documents()?;
        let changed = |detail: String| Changed { what: "documents", detail };
        let mut changes: Vec<Changed> = receipt
            .documents
            .iter()
            .filter_map(|then| match now.iter().map(|(_, document)| document).find(|document| document.id == then.id) {
                None => Some(changed(format!("{} was removed", then.path))),
                Some(document) if document.hash != then.hash => Some(changed(format!("{} changed", then.path))),
                Some(_) => None,
            })
            .collect();
        let new = self.index.documents(None)?.into_iter().filter(|document| {
            let known = receipt.documents.iter().any(|then| then.id == document.id);
            !known && u64::try_from(document.added_at).is_ok_and(|at| at >= receipt.at)
        });
        changes.extend(new.map(|document| changed(format!("{} was added or changed", document.path))));
        if changes.is_empty() {
            changes.push(changed("others than those that were read were changed or removed".into()));
        }
        Ok(changes)
    }
}

/// SHA-256 of a file's length and of samples all over it: a gigabyte is told
/// from another one in milliseconds.
fn sampled_digest(path: &Path) -> std::io::Result<String> {
    const SAMPLES: u64 = 64;
    const SAMPLE: u64 = 16 << 10;
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = length.to_be_bytes().to_vec();
    for sample in 0..SAMPLES {
        file.seek(SeekFrom::Start(length.saturating_sub(SAMPLE) / (SAMPLES - 1) * sample))?;
        (&mut file).take(SAMPLE).read_to_end(&mut bytes)?;
    }
    Ok(sha256(&bytes))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
