//! Settings as they are written, and the checked configuration made of them.
//!
//! A value is taken from the command line, else from the environment, else
//! from the TOML file, else from the defaults below. Unknown keys are errors.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::Uri;
use axum::http::uri::Authority;
use serde::Deserialize;

use crate::error::{Error, Result};

/// The settings file as it is written; every key is optional.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the indexes live.
    pub data_dir: Option<PathBuf>,
    /// Where the models live.
    pub models_dir: Option<PathBuf>,
    /// Threads for models and ingest; default: the machine's cores.
    pub threads: Option<usize>,
    /// `[ingest]`
    pub ingest: IngestSettings,
    /// `[models]`
    pub models: ModelSettings,
    /// `[openai]`: a server that writes the answers instead of the built-in model.
    pub openai: Option<OpenAiSettings>,
    /// `[qdrant]`: a server that holds the vectors instead of the built-in index.
    pub qdrant: Option<QdrantSettings>,
    /// `[answer]`
    pub answer: AnswerSettings,
}

/// `[ingest]`: limits for reading files.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IngestSettings {
    /// Seconds that one PDF may take; default 30.
    pub timeout_seconds: Option<u64>,
    /// Mebibytes of memory that reading one PDF may take; default 1024.
    pub memory_mib: Option<u64>,
    /// Largest file that is read, in mebibytes; default 256.
    pub max_file_mib: Option<u64>,
    /// Passage size in the embedding model's tokens; default 180.
    pub chunk_tokens: Option<usize>,
    /// Passwords to try on encrypted PDFs.
    pub passwords: Vec<String>,
}

/// `[models]`: which models to use, by name in `attest models list` or by path.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSettings {
    /// Embedding model; a name, or a folder with an ONNX model and its tokenizer.
    pub embedder: Option<String>,
    /// Language model; a name, or a GGUF file.
    pub generator: Option<String>,
    /// Cross-encoder for reranking; none by default.
    pub reranker: Option<String>,
}

/// `[openai]`: an OpenAI-compatible server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAiSettings {
    /// Base URL, up to and including `/v1`.
    pub base_url: String,
    /// The model's name on that server.
    pub model: String,
    /// The environment variable that holds the key, if the server wants one.
    pub api_key_env: Option<String>,
}

/// `[qdrant]`: a Qdrant server or cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QdrantSettings {
    /// gRPC address, such as `http://localhost:6334`.
    pub url: String,
    /// The environment variable that holds the key; default `QDRANT_API_KEY`.
    pub api_key_env: Option<String>,
}

/// `[answer]`: how much the model is given and may write.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerSettings {
    /// Tokens of document text given to the model; default 280.
    pub context_tokens: Option<usize>,
    /// The most tokens the model may write; default 320.
    pub max_tokens: Option<usize>,
    /// How likely it must be, from 0 to 1, that the documents hold the answer
    /// before one is given; default 0.25. `attest eval answers` shows the trade-off.
    pub threshold: Option<f32>,
    /// How the built-in model reads passages: `in-order` (default), or `apart`.
    pub reading: Option<Reading>,
}

/// How the model reads the passages of a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// One after the other, each in the light of those before.
    #[default]
    InOrder,
    /// Each by itself. What was read is kept, so that a later question on the
    /// same passages is answered sooner; a passage that leans on another loses.
    Apart,
}

impl Reading {
    /// Its name in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InOrder => "in-order",
            Self::Apart => "apart",
        }
    }
}

/// The configuration, checked and complete.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the indexes live.
    pub data_dir: PathBuf,
    /// Where the models live.
    pub models_dir: PathBuf,
    /// Threads for models and ingest, at least 1.
    pub threads: usize,
    /// Limits for reading files.
    pub ingest: Ingest,
    /// Embedding model: a name or a folder.
    pub embedder: String,
    /// What writes the answers.
    pub generator: Generator,
    /// Cross-encoder, if one is configured.
    pub reranker: Option<String>,
    /// The Qdrant server that holds the vectors, if one is configured.
    pub qdrant: Option<Qdrant>,
    /// How much the model is given and may write.
    pub answer: Answer,
}

/// Limits for reading files, checked.
#[derive(Clone, Debug)]
pub struct Ingest {
    /// Time that one PDF may take.
    pub timeout: Duration,
    /// Memory that reading one PDF may take, in bytes.
    pub memory: u64,
    /// Largest file that is read, in bytes.
    pub max_file: u64,
    /// Passage size in the embedding model's tokens.
    pub chunk_tokens: usize,
    /// Passwords to try on encrypted PDFs.
    pub passwords: Vec<String>,
}

/// What writes the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Generator {
    /// A GGUF model run in this process: a name in the registry or a file.
    Local(String),
    /// An OpenAI-compatible server.
    OpenAi {
        /// Base URL.
        base_url: String,
        /// Model name.
        model: String,
        /// The key, read from the environment.
        key: Option<String>,
    },
}

/// A Qdrant server.
#[derive(Clone, PartialEq, Eq)]
pub struct Qdrant {
    /// gRPC address.
    pub url: String,
    /// The key, read from the environment.
    pub key: Option<String>,
}

impl std::fmt::Debug for Qdrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Qdrant").field("url", &self.url).finish_non_exhaustive()
    }
}

/// How much the model is given and may write, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Tokens of document text given to the model.
    pub context_tokens: usize,
    /// The most tokens the model may write.
    pub max_tokens: usize,
    /// How likely it must be that the documents hold the answer, from 0 to 1.
    pub threshold: f32,
    /// How the built-in model reads passages.
    pub reading: Reading,
}

/// What the command line and the environment say; it wins over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--models-dir`
    pub models_dir: Option<PathBuf>,
    /// `--threads`
    pub threads: Option<usize>,
    /// `--qdrant`
    pub qdrant: Option<String>,
}

/// The embedding model used unless the settings name another.
pub const DEFAULT_EMBEDDER: &str = "multilingual-e5-small";
/// The language model used unless the settings name another.
pub const DEFAULT_GENERATOR: &str = "qwen2.5-coder-1.5b-instruct";

impl Settings {
    /// Reads a settings file.
    ///
    /// # Errors
    /// When the file does not exist or cannot be read, is not TOML, or has a key that does not exist.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::input(path))?;
        toml::from_str(&text).map_err(|error| Error::Config {
            source_name: path.display().to_string(),
            message: error.to_string().trim_end().to_owned(),
        })
    }

    /// The settings file that is used when none is named: `attest/config.toml`
    /// in the user's configuration folder.
    #[must_use]
    pub fn default_path() -> Option<PathBuf> {
        dirs::config_dir().map(|dir| dir.join("attest").join("config.toml"))
    }
}

impl Config {
    /// Puts settings and overrides together and checks them.
    ///
    /// # Errors
    /// [`Error::Config`] naming the setting that is wrong.
    pub fn new(settings: Settings, overrides: Overrides) -> Result<Self> {
        let data_home = || {
            dirs::data_dir().map(|dir| dir.join("attest")).ok_or_else(|| Error::Config {
                source_name: "--data-dir".into(),
                message: "there is no home folder to put the index in; name a folder".into(),
            })
        };
        let data_dir = match overrides.data_dir.or(settings.data_dir) {
            Some(dir) => dir,
            None => data_home()?.join("data"),
        };
        let models_dir = match overrides.models_dir.or(settings.models_dir) {
            Some(dir) => dir,
            None => data_home()?.join("models"),
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = in_range("threads", overrides.threads.or(settings.threads).unwrap_or(cores), 1, 1024)?;
        let generator = match settings.openai {
            Some(server) => Generator::OpenAi {
                base_url: server.base_url,
                model: server.model,
                key: server.api_key_env.as_deref().map(key_from_environment).transpose()?,
            },
            None => Generator::Local(settings.models.generator.unwrap_or_else(|| DEFAULT_GENERATOR.into())),
        };
        let qdrant = match (overrides.qdrant, settings.qdrant) {
            (Some(url), _) => Some(Qdrant {
                url: address("--qdrant (ATTEST_QDRANT)", url)?,
                key: std::env::var("QDRANT_API_KEY").ok(),
            }),
            (None, Some(server)) => Some(Qdrant {
                url: address("qdrant.url", server.url)?,
                key: match server.api_key_env {
                    Some(name) => Some(key_from_environment(&name)?),
                    None => std::env::var("QDRANT_API_KEY").ok(),
                },
            }),
            (None, None) => None,
        };
        let ingest = settings.ingest;
        Ok(Self {
            data_dir,
            models_dir,
            threads,
            ingest: Ingest {
                timeout: Duration::from_secs(in_range(
                    "ingest.timeout_seconds",
                    ingest.timeout_seconds.unwrap_or(30),
                    1,
                    86_400,
                )?),
                memory: in_range("ingest.memory_mib", ingest.memory_mib.unwrap_or(1024), 128, 1 << 20)? << 20,
                max_file: in_range("ingest.max_file_mib", ingest.max_file_mib.unwrap_or(256), 1, 1 << 20)? << 20,
                chunk_tokens: in_range("ingest.chunk_tokens", ingest.chunk_tokens.unwrap_or(180), 32, 480)?,
                passwords: ingest.passwords,
            },
            embedder: settings.models.embedder.unwrap_or_else(|| DEFAULT_EMBEDDER.into()),
            generator,
            reranker: settings.models.reranker,
            qdrant,
            answer: Answer {
                context_tokens: in_range(
                    "answer.context_tokens",
                    settings.answer.context_tokens.unwrap_or(280),
                    64,
                    1 << 17,
                )?,
                max_tokens: in_range("answer.max_tokens", settings.answer.max_tokens.unwrap_or(320), 8, 1 << 14)?,
                threshold: in_range("answer.threshold", settings.answer.threshold.unwrap_or(0.25), 0.0, 1.0)?,
                reading: settings.answer.reading.unwrap_or_default(),
            },
        })
    }
}

fn in_range<T: PartialOrd + std::fmt::Display>(name: &str, value: T, low: T, high: T) -> Result<T> {
    if value < low || value > high {
        return Err(Error::Config {
            source_name: name.to_owned(),
            message: format!("{value} is out of range; it must be between {low} and {high}"),
        });
    }
    Ok(value)
}

/// An address of a server, as far as it can be checked without asking there.
fn address(name: &str, url: String) -> Result<String> {
    let sane = |uri: &Uri| {
        let web = matches!(uri.scheme_str(), Some("http" | "https"));
        // A port that is none is not told apart from none.
        let whole = |at: &Authority| !at.host().is_empty() && (at.port().is_some() || at.as_str() == at.host());
        web && uri.authority().is_some_and(whole)
    };
    if url.parse::<Uri>().is_ok_and(|uri| sane(&uri)) {
        return Ok(url);
    }
    Err(Error::Config {
        source_name: name.to_owned(),
        message: format!("{url:?} is no address of a Qdrant server; its gRPC address looks like http://localhost:6334"),
    })
}

fn key_from_environment(name: &str) -> Result<String> {
    std::env::var(name).map_err(|_| Error::Config {
        source_name: format!("api_key_env = {name:?}"),
        message: format!("the environment variable {name} is not set; set it to the server's key"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let settings: Settings = toml::from_str(text).map_err(|error| error.to_string())?;
        let overrides =
            Overrides { data_dir: Some("/d".into()), models_dir: Some("/m".into()), ..Overrides::default() };
        Config::new(settings, overrides).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_file_is_complete() {
        let config = parse("").unwrap();
        assert_eq!(config.embedder, DEFAULT_EMBEDDER);
        assert_eq!(config.generator, Generator::Local(DEFAULT_GENERATOR.into()));
        assert_eq!(config.ingest.memory, 1 << 30);
        assert!(config.threads >= 1);
    }

    #[test]
    fn unknown_keys_are_errors_that_name_the_key() {
        assert!(parse("[ingest]\ntimeout = 3").unwrap_err().contains("timeout"));
        assert!(parse("colour = 'red'").unwrap_err().contains("colour"));
    }

    #[test]
    fn values_out_of_range_are_errors_that_name_the_range() {
        let message = parse("[ingest]\nchunk_tokens = 4000").unwrap_err();
        assert!(message.contains("ingest.chunk_tokens") && message.contains("480"), "{message}");
    }

    #[test]
    fn addresses_of_servers_are_checked_before_anything_is_sent() {
        for url in ["foo", "localhost:6334", "http://", "http://:6334", "ftp://a:1", "http://a:b", "http://a b:1", ""] {
            let message = parse(&format!("[qdrant]\nurl = {url:?}")).unwrap_err();
            assert!(message.contains("qdrant.url") && message.contains("http://localhost:6334"), "{message}");
        }
        for url in ["http://localhost:6334", "https://a.example", "http://[::1]:6334", "http://[::1]", "https://a:1/b"]
        {
            assert_eq!(parse(&format!("[qdrant]\nurl = {url:?}")).unwrap().qdrant.unwrap().url, url);
        }
    }

    #[test]
    fn overrides_win_over_the_file() {
        let settings: Settings = toml::from_str("data_dir = '/file'\nthreads = 3").unwrap();
        let overrides = Overrides {
            data_dir: Some("/flag".into()),
            models_dir: Some("/m".into()),
            threads: Some(5),
            ..Overrides::default()
        };
        let config = Config::new(settings, overrides).unwrap();
        assert_eq!((config.data_dir.as_path(), config.threads), (Path::new("/flag"), 5));
    }
}
