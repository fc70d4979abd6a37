//! multilingual-e5-small (Wang et al. 2024, "Multilingual E5 Text Embeddings").
//!
//! The model comes as a packed file of 4-bit weights. At first use its network is
//! written as an ONNX model beside it, which ONNX Runtime runs ([`import`]); the
//! word embeddings are read from the packed file ([`packed`]).
//!
//! Each text runs by itself, at its exact length: nothing is padded, and a text's
//! vector does not depend on its companions or on the number of threads.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ort::environment::Environment;
use ort::session::Session;
use ort::value::TensorRef;

use super::onnx;
use super::queue::{WhenFull, Worker};
use super::registry::verified::write_atomically;
use super::registry::{ModelFiles, PullEvent, PullProgress, Registry};
use super::tokens::{TextTokenizer, Tokens, mean};
use super::{Embed, EmbedRole, TokenVectors};
use crate::error::{Error, Result};

mod import;
mod packed;

use packed::{Embeddings, Packed};

/// The model's name in the registry.
pub(super) const NAME: &str = "multilingual-e5-small";
/// Its packed file.
const PACKED: &str = "e5-small-q4.bin";

/// The embedder's id: another import makes other vectors.
pub(super) fn id() -> String {
    format!("{NAME}-v{}", import::VERSION)
}

/// Questions that may wait for the model.
const WAITING_QUESTIONS: usize = 32;
/// Up to so many texts count as a question: someone is waiting for the answer.
const FEW: usize = 8;
/// Texts that a thread gets at a time when there are many. Small enough for
/// several callers to take turns, large enough to keep all threads busy.
const SHARE: usize = 8;
/// The most sessions that are opened; each takes about 50 MB.
const MOST_SESSIONS: usize = 8;

/// The embedding model, on its own threads.
pub(super) struct E5 {
    id: String,
    dim: usize,
    sessions: usize,
    tokenizer: Arc<TextTokenizer>,
    /// A session of its own for whoever waits, so that a question need not queue behind an ingest.
    few: Worker<Job, Vec<Output>>,
    many: Worker<Job, Vec<Output>>,
}

struct Job {
    prefix: &'static str,
    texts: Vec<String>,
    wanted: Wanted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Pooled,
    PooledAndTokens,
}

struct Output {
    pooled: Vec<f32>,
    tokens: Option<TokenVectors>,
}

impl E5 {
    /// Opens the model; imports it if that has not happened yet.
    ///
    /// # Errors
    /// [`Error::ModelMissing`] and [`Error::Model`].
    pub(super) fn open(
        registry: &Registry,
        files: &ModelFiles,
        threads: usize,
        progress: &mut dyn PullProgress,
    ) -> Result<Self> {
        let environment = onnx::environment(registry, progress)?;
        let packed_path = files.path(PACKED)?;
        let bytes = std::fs::read(packed_path).map_err(Error::io(packed_path))?;
        let packed =
            Packed::parse(bytes).map_err(|message| failed(&format!("{}: {message}", packed_path.display())))?;
        let (dim, max_tokens) = (packed.shape.width, packed.shape.positions);
        let entry = registry.entry(NAME)?;
        let digest = entry.files().find(|file| file.name == PACKED).map_or("", |file| file.sha256.as_str());
        let network = imported(files, &packed, digest, progress)?;
        let embeddings = Arc::new(packed.into_embeddings().map_err(|message| failed(&message))?);

        let tokenizer_path = files.path("tokenizer.json")?;
        let json = std::fs::read(tokenizer_path).map_err(Error::io(tokenizer_path))?;
        let tokenizer = Arc::new(TextTokenizer::new(NAME, &json, max_tokens)?);

        let opened = Arc::clone(&tokenizer);
        let network = move || -> Result<Network> {
            let session = network.open(&environment)?;
            Ok(Network { session, embeddings: Arc::clone(&embeddings), tokenizer: Arc::clone(&opened), dim })
        };
        let sessions = threads.clamp(1, MOST_SESSIONS);
        let mut one = network()?;
        // Opened when there is much to embed for the first time: most processes only ask.
        let mut several: Vec<Network> = Vec::new();
        Ok(Self {
            id: id(),
            dim,
            sessions,
            tokenizer,
            few: Worker::spawn(NAME, WAITING_QUESTIONS, move |job: Job| {
                job.texts.iter().map(|text| one.run(job.prefix, text, job.wanted)).collect()
            })?,
            many: Worker::spawn(NAME, 1, move |job| {
                while several.len() < sessions {
                    several.push(network()?);
                }
                side_by_side(&mut several, &job)
            })?,
        })
    }

    fn run(&self, role: EmbedRole, texts: &[&str], wanted: Wanted) -> Result<Vec<Output>> {
        let prefix = prefix(role);
        let job = |texts: &[&str]| Job { prefix, texts: texts.iter().map(|&text| text.to_owned()).collect(), wanted };
        if texts.len() <= FEW {
            return self.few.call(job(texts), WhenFull::Busy);
        }
        let mut outputs = Vec::with_capacity(texts.len());
        for texts in texts.chunks(self.sessions * SHARE) {
            outputs.extend(self.many.call(job(texts), WhenFull::Wait)?);
        }
        Ok(outputs)
    }
}

const fn prefix(role: EmbedRole) -> &'static str {
    match role {
        EmbedRole::Query => "query: ",
        EmbedRole::Passage => "passage: ",
    }
}

impl Embed for E5 {
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
        self.tokenizer.offsets(prefix(role), text)
    }

    fn embed(&self, role: EmbedRole, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        Ok(self.run(role, texts, Wanted::Pooled)?.into_iter().map(|output| output.pooled).collect())
    }

    fn embed_tokens(&self, role: EmbedRole, texts: &[&str]) -> Result<Vec<(Vec<f32>, TokenVectors)>> {
        let outputs = self.run(role, texts, Wanted::PooledAndTokens)?;
        let empty = TokenVectors { dim: self.dim, values: Vec::new(), offsets: Vec::new() };
        Ok(outputs.into_iter().map(|output| (output.pooled, output.tokens.unwrap_or_else(|| empty.clone()))).collect())
    }
}

/// One session and what it needs to run a text.
struct Network {
    session: Session,
    embeddings: Arc<Embeddings>,
    tokenizer: Arc<TextTokenizer>,
    dim: usize,
}

impl Network {
    fn run(&mut self, prefix: &str, text: &str, wanted: Wanted) -> Result<Output> {
        let tokens = self.tokenizer.encode(prefix, text).map_err(|message| failed(&message))?;
        let hidden = self.hidden(&tokens).map_err(|error| failed(&error.to_string()))?;
        Ok(Output {
            pooled: mean(&hidden, self.dim),
            tokens: (wanted == Wanted::PooledAndTokens).then(|| tokens.vectors(&hidden, self.dim)),
        })
    }

    fn hidden(&mut self, tokens: &Tokens) -> ort::Result<Vec<f32>> {
        let rows = self.embeddings.rows(&tokens.ids);
        let input = TensorRef::from_array_view(([1, tokens.ids.len(), self.dim], rows.as_slice()))?;
        let outputs = self.session.run(ort::inputs![import::INPUT => input])?;
        let (_, hidden) = outputs[import::OUTPUT].try_extract_tensor::<f32>()?;
        Ok(hidden.to_vec())
    }
}

/// Runs the texts on all sessions at once, the longest first so that none is left to the end.
fn side_by_side(networks: &mut [Network], job: &Job) -> Result<Vec<Output>> {
    let mut order: Vec<usize> = (0..job.texts.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(job.texts[index].len()));
    let next = AtomicUsize::new(0);
    let mut done: Vec<(usize, Result<Output>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = networks
            .iter_mut()
            .map(|network| {
                let (next, order) = (&next, &order);
                scope.spawn(move || {
                    let mut done = Vec::new();
                    while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                        done.push((index, network.run(job.prefix, &job.texts[index], job.wanted)));
                    }
                    done
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    done.sort_by_key(|&(index, _)| index);
    done.into_iter().map(|(_, output)| output).collect()
}

/// The model's network as an ONNX file.
enum Imported {
    At(PathBuf),
    /// It could not be written.
    Held(Vec<u8>),
}

impl Imported {
    fn open(&self, environment: &Environment) -> Result<Session> {
        match self {
            Self::At(path) => onnx::open(environment, NAME, &std::fs::read(path).map_err(Error::io(path))?),
            Self::Held(bytes) => onnx::open(environment, NAME, bytes),
        }
    }
}

/// Writes the model's network beside the packed file if it is not there.
fn imported(files: &ModelFiles, packed: &Packed, digest: &str, progress: &mut dyn PullProgress) -> Result<Imported> {
    let path = files.folder.join(format!("network-v{}-{}.onnx", import::VERSION, digest.get(..12).unwrap_or_default()));
    if std::fs::File::open(&path).is_ok() {
        return Ok(Imported::At(path));
    }
    progress.on_event(PullEvent::Importing { model: NAME });
    let network = import::to_onnx(packed).map_err(|message| failed(&message))?;
    // A models folder that cannot be written to still serves; it is only imported at every start.
    let written = std::fs::create_dir_all(&files.folder).map_err(Error::io(&files.folder));
    match written.and_then(|()| write_atomically(&path, &network)) {
        Ok(()) => Ok(Imported::At(path)),
        Err(error) => {
            tracing::debug!(%error, "could not keep the imported model");
            Ok(Imported::Held(network))
        }
    }
}

fn failed(message: &str) -> Error {
    Error::Model { name: NAME.into(), message: message.to_owned() }
}

#[cfg(test)]
mod tests;
