//! A model in the ONNX format as the files of a folder, and what they say about it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ::fastembed::{
    EmbeddingModel, ModelInfo, OutputKey, Pooling, RerankerModelInfo, TextEmbedding, TextRerank, TokenizerFiles,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::failed;
use crate::error::{Error, Result};
use crate::models::registry::{ModelEntry, ModelFiles, PoolingKind, PullProgress, Registry};

/// The most tokens, unless the model's files say less.
const MAX_TOKENS: usize = 512;
/// Where exports put the network, best first.
const NETWORKS: [&str; 4] = ["model.onnx", "onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx"];
/// The files that make a tokenizer.
const TOKENIZER: [&str; 4] = ["tokenizer.json", "config.json", "special_tokens_map.json", "tokenizer_config.json"];

/// A model's files and how it is to be used.
pub(in crate::models) struct OnnxFolder {
    /// Name of the model, and what tells its vectors from others.
    pub(in crate::models) id: String,
    /// The network.
    pub(super) onnx: PathBuf,
    /// Weights that do not fit into the network's file.
    pub(super) external_data: Vec<PathBuf>,
    pub(super) tokenizer_files: TokenizerFiles,
    pub(super) pooling: PoolingKind,
    pub(super) output_key: Option<OutputKey>,
    pub(super) max_tokens: usize,
    pub(super) query_prefix: String,
    pub(super) passage_prefix: String,
}

impl OnnxFolder {
    /// A folder of one's own, as model hubs lay it out: the network, `tokenizer.json`,
    /// `config.json`, and what sentence-transformers writes about pooling and prefixes.
    ///
    /// # Errors
    /// [`Error::Model`] naming the file that is missing.
    pub(in crate::models) fn own(folder: &Path) -> Result<Self> {
        let name = folder.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
        let onnx = NETWORKS
            .iter()
            .map(|network| folder.join(network))
            .find(|path| path.is_file())
            .ok_or_else(|| failed(&name, &format!("{} has no {}", folder.display(), NETWORKS[0])))?;
        let id = format!("{name}-{}", fingerprint(&onnx)?);
        let mut model = Self::read(id, folder, onnx)?;
        let pooling = read_json(&folder.join("1_Pooling/config.json"));
        if pooling["pooling_mode_cls_token"] == true {
            model.pooling = PoolingKind::Cls;
        }
        if let Some(tokens) = read_json(&folder.join("sentence_bert_config.json"))["max_seq_length"].as_u64() {
            model.max_tokens = model.max_tokens.min(usize::try_from(tokens).unwrap_or(MAX_TOKENS));
        }
        let prompts = &read_json(&folder.join("config_sentence_transformers.json"))["prompts"];
        let prompt =
            |names: [&str; 2]| names.iter().find_map(|name| prompts[name].as_str()).unwrap_or_default().to_owned();
        model.query_prefix = prompt(["query", "search_query"]);
        model.passage_prefix = prompt(["passage", "document"]);
        Ok(model)
    }

    /// A model of the catalogue in the ONNX format.
    ///
    /// # Errors
    /// [`Error::Model`] when it is in another format.
    pub(in crate::models) fn of_catalogue(entry: &ModelEntry, files: &ModelFiles) -> Result<Self> {
        let onnx = files.path("model.onnx")?.to_owned();
        let folder = onnx.parent().unwrap_or(&files.folder).to_owned();
        let mut model = Self::read(entry.name.clone(), &folder, onnx)?;
        model.pooling = entry.pooling.unwrap_or(PoolingKind::Mean);
        model.max_tokens = model.max_tokens.min(entry.max_tokens.unwrap_or(MAX_TOKENS));
        model.query_prefix.clone_from(&entry.query_prefix);
        model.passage_prefix.clone_from(&entry.passage_prefix);
        Ok(model)
    }

    /// An embedding model that fastembed knows, fetched from the model hub.
    ///
    /// # Errors
    /// [`Error::NotFound`] when fastembed knows none of that name, [`Error::ModelMissing`] when
    /// the hub does not deliver it.
    pub(in crate::models) fn embedder_of_hub(
        registry: &Registry,
        name: &str,
        progress: &mut dyn PullProgress,
    ) -> Result<Self> {
        let known = known_embedder(name)?;
        let files = (known.model_file.as_str(), known.additional_files.as_slice());
        let mut model = Self::of_hub(registry, &known.model_code, files, progress)?;
        model.output_key = known.output_key;
        if let Some(Pooling::Mean) = TextEmbedding::get_default_pooling_method(&known.model) {
            model.pooling = PoolingKind::Mean;
        } else {
            model.pooling = PoolingKind::Cls;
        }
        // The E5 family was trained with these, and fastembed leaves them to its caller.
        if known.model_code.contains("multilingual-e5") {
            model.query_prefix = "query: ".into();
            model.passage_prefix = "passage: ".into();
        }
        Ok(model)
    }

    /// A cross-encoder that fastembed knows, fetched from the model hub.
    ///
    /// # Errors
    /// As [`OnnxFolder::embedder_of_hub`].
    pub(in crate::models) fn reranker_of_hub(
        registry: &Registry,
        name: &str,
        progress: &mut dyn PullProgress,
    ) -> Result<Self> {
        let known: Vec<RerankerModelInfo> = TextRerank::list_supported_models();
        let known = known
            .into_iter()
            .find(|info| info.model_code.eq_ignore_ascii_case(name))
            .ok_or_else(|| Error::NotFound { kind: "reranking model", name: name.to_owned() })?;
        let files = (known.model_file.as_str(), known.additional_files.as_slice());
        Self::of_hub(registry, &known.model_code, files, progress)
    }

    /// Length of the vectors, as `config.json` says.
    ///
    /// # Errors
    /// [`Error::Model`] when it does not.
    pub(in crate::models) fn dim(&self) -> Result<usize> {
        let config: Value = serde_json::from_slice(&self.tokenizer_files.config_file).unwrap_or_default();
        ["hidden_size", "dim", "d_model"]
            .iter()
            .find_map(|key| config[key].as_u64())
            .and_then(|dim| usize::try_from(dim).ok())
            .ok_or_else(|| failed(&self.id, &"its config.json has no hidden_size"))
    }

    fn of_hub(
        registry: &Registry,
        repo: &str,
        (network, external): (&str, &[String]),
        progress: &mut dyn PullProgress,
    ) -> Result<Self> {
        let onnx = registry.hub_file(repo, network, progress)?;
        for path in TOKENIZER {
            registry.hub_file(repo, path, progress)?;
        }
        for path in external {
            registry.hub_file(repo, path, progress)?;
        }
        let folder = onnx.parent().unwrap_or_else(|| registry.folder()).to_owned();
        Self::read(repo.to_owned(), &folder, onnx)
    }

    fn read(id: String, folder: &Path, onnx: PathBuf) -> Result<Self> {
        let read = |name: &str, otherwise: Option<Value>| {
            let path = folder.join(name);
            match (std::fs::read(&path), otherwise) {
                (Ok(content), _) => Ok(content),
                (Err(_), Some(value)) => Ok(value.to_string().into_bytes()),
                (Err(error), None) => Err(Error::io(path)(error)),
            }
        };
        // Texts run one by one and are never padded, so which token pads does not matter.
        let no_config = json!({ "model_max_length": MAX_TOKENS, "pad_token": "[PAD]" });
        let tokenizer_files = TokenizerFiles {
            tokenizer_file: read(TOKENIZER[0], None)?,
            config_file: read(TOKENIZER[1], Some(json!({})))?,
            special_tokens_map_file: read(TOKENIZER[2], Some(json!({})))?,
            tokenizer_config_file: read(TOKENIZER[3], Some(no_config))?,
        };
        let config: Value = serde_json::from_slice(&tokenizer_files.tokenizer_config_file).unwrap_or_default();
        let limit = config["model_max_length"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        Ok(Self {
            id,
            external_data: external_data(&onnx),
            onnx,
            tokenizer_files,
            pooling: PoolingKind::Mean,
            output_key: None,
            max_tokens: limit.map_or(MAX_TOKENS, |limit| limit.min(MAX_TOKENS)),
            query_prefix: String::new(),
            passage_prefix: String::new(),
        })
    }
}

/// What fastembed knows about an embedding model: by its repository, or by the
/// part after the slash, since many are copies of somebody else's repository.
///
/// # Errors
/// [`Error::NotFound`] when it knows none of that name.
pub(in crate::models) fn known_embedder(name: &str) -> Result<ModelInfo<EmbeddingModel>> {
    let mut models = TextEmbedding::list_supported_models();
    let short = |name: &str| name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let found = models
        .iter()
        .position(|info| info.model_code.eq_ignore_ascii_case(name))
        .or_else(|| models.iter().position(|info| short(&info.model_code) == short(name)))
        .ok_or_else(|| Error::NotFound { kind: "embedding model", name: name.to_owned() })?;
    Ok(models.swap_remove(found))
}

/// The files beside the network that hold its weights: `model.onnx_data`, `model.onnx.data`.
fn external_data(onnx: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (onnx.parent(), onnx.file_name()) else { return Vec::new() };
    let name = name.to_string_lossy();
    ["_data", ".data"]
        .map(|ending| folder.join(format!("{name}{ending}")))
        .into_iter()
        .filter(|path| path.is_file())
        .collect()
}

fn read_json(path: &Path) -> Value {
    std::fs::read(path).ok().and_then(|content| serde_json::from_slice(&content).ok()).unwrap_or_default()
}

/// Tells one network from another of the same name by its length, beginning and
/// end; hashing all of it would read gigabytes at every start.
fn fingerprint(onnx: &Path) -> Result<String> {
    let read = || {
        let mut file = File::open(onnx)?;
        let length = file.metadata()?.len();
        let mut ends = Vec::new();
        file.by_ref().take(ENOUGH).read_to_end(&mut ends)?;
        file.seek(SeekFrom::Start(length.saturating_sub(ENOUGH)))?;
        file.take(ENOUGH).read_to_end(&mut ends)?;
        Ok((length, ends))
    };
    let (length, ends) = read().map_err(Error::io(onnx))?;
    let digest = Sha256::new().chain_update(length.to_le_bytes()).chain_update(&ends).finalize();
    Ok(digest[..4].iter().map(|byte| format!("{byte:02x}")).collect())
}

/// How much of either end of a network's file tells it from others.
const ENOUGH: u64 = 1 << 20;
