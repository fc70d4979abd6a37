//! Agreement of our decoder with the models of candle-transformers.
//!
//! With weights in floats the two must agree to rounding errors. With quantized
//! weights, inputs are rounded to 8 bits in every layer, and a last-bit
//! difference flips some of these roundings: changing the embeddings by one part
//! in a million moves the scores of the 1.5B model by 2.5 %, ours and candle's
//! are as far apart. So there the bounds are wide, and what must be the same is
//! the token that is picked.

use std::fs::File;
use std::path::{Path, PathBuf};

use candle_core::quantized::{GgmlDType, QTensor, gguf_file};
use candle_core::{Device, Tensor};
use candle_transformers::models::{quantized_llama, quantized_qwen2, quantized_qwen3};

use super::decoder::{Decoder, Logits};
use super::fixture;
use super::gguf::{Architecture, GgufFile};
use super::tokenizer::Tokenizer;

/// Scores of the next token after `tokens`, by candle.
fn reference(path: &Path, architecture: Architecture, tokens: &[u32]) -> Vec<f32> {
    let mut file = File::open(path).unwrap();
    let content = gguf_file::Content::read(&mut file).unwrap();
    let device = Device::Cpu;
    let input = Tensor::new(tokens, &device).unwrap().unsqueeze(0).unwrap();
    let logits = match architecture {
        Architecture::Llama => {
            quantized_llama::ModelWeights::from_gguf(content, &mut file, &device).unwrap().forward(&input, 0)
        }
        Architecture::Qwen2 => {
            quantized_qwen2::ModelWeights::from_gguf(content, &mut file, &device).unwrap().forward(&input, 0)
        }
        Architecture::Qwen3 => {
            quantized_qwen3::ModelWeights::from_gguf(content, &mut file, &device).unwrap().forward(&input, 0)
        }
    };
    logits.unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Distance of two vectors, relative to the length of the second.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let square = |x: f32| f64::from(x) * f64::from(x);
    let difference: f64 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    (difference / b.iter().map(|&b| square(b)).sum::<f64>()).sqrt()
}

fn best(logits: &[f32]) -> usize {
    (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap()
}

fn tokens(count: u32) -> Vec<u32> {
    (0..count).map(|i| 3 + (i * 37 + i * i) % 250).collect()
}

#[test]
fn agrees_with_candle_in_floats() {
    for architecture in [Architecture::Llama, Architecture::Qwen2, Architecture::Qwen3] {
        for other in [GgmlDType::F32, GgmlDType::F16] {
            let distance = distance_to_candle(architecture, GgmlDType::F32, other);
            // candle computes Qwen 3's rotary angles in half floats.
            let bound = if architecture == Architecture::Qwen3 { 5e-3 } else { 1e-4 };
            assert!(distance < bound, "{architecture:?} {other:?}: {distance}");
        }
    }
}

#[test]
fn agrees_with_candle_in_every_quantized_format() {
    for (architecture, format, other) in [
        (Architecture::Qwen2, GgmlDType::Q4K, GgmlDType::Q6K),
        (Architecture::Qwen2, GgmlDType::Q5_0, GgmlDType::Q8_0),
        (Architecture::Llama, GgmlDType::Q4_1, GgmlDType::Q5K),
        (Architecture::Llama, GgmlDType::Q4_0, GgmlDType::Q5_1),
        (Architecture::Qwen3, GgmlDType::Q3K, GgmlDType::Q2K),
    ] {
        let distance = distance_to_candle(architecture, format, other);
        assert!(distance < 0.05, "{architecture:?} {format:?} {other:?}: {distance}");
    }
}

fn distance_to_candle(architecture: Architecture, format: GgmlDType, other: GgmlDType) -> f64 {
    let model = fixture::of(architecture, format, other);
    let tokens = tokens(75);
    let mut decoder = Decoder::load(&model.gguf(), 128).unwrap();
    distance(decoder.forward(&tokens, Logits::Last), &reference(model.path(), architecture, &tokens))
}

#[test]
fn pieces_and_single_tokens_give_the_same_bits() {
    let model = fixture::of(Architecture::Qwen2, GgmlDType::Q4K, GgmlDType::Q8_0);
    let tokens = tokens(300);
    let mut decoder = Decoder::load(&model.gguf(), 512).unwrap();
    let whole = decoder.forward(&tokens, Logits::All).to_vec();
    let vocabulary = decoder.vocabulary();

    decoder.kv().truncate(0);
    let mut at = 0;
    for size in [1, 2, 3, 5, 1, 16, 40, 232] {
        let piece = decoder.forward(&tokens[at..at + size], Logits::All);
        assert!(piece == &whole[at * vocabulary..(at + size) * vocabulary], "piece of {size} at {at}");
        at += size;
    }
    assert_eq!(at, tokens.len());
}

#[test]
fn what_was_stopped_on_the_way_is_computed_anew_with_the_same_bits() {
    let model = fixture::of(Architecture::Qwen2, GgmlDType::Q4K, GgmlDType::Q8_0);
    let tokens = tokens(300);
    let mut decoder = Decoder::load(&model.gguf(), 512).unwrap();
    let whole = decoder.forward(&tokens, Logits::Last).to_vec();
    let mut held = Vec::new();
    for least in 0.. {
        decoder.kv().truncate(0);
        let asked = std::cell::Cell::new(0);
        let stopped = || asked.replace(asked.get() + 1) == least;
        if decoder.forward_unless(&tokens, Logits::Last, &stopped).is_some() {
            break;
        }
        let done = decoder.kv().len();
        held.push(done);
        assert!(decoder.forward(&tokens[done..], Logits::Last) == whole, "stopped when asked for the {least}th time");
    }
    // Two pieces, and a question in every layer of each.
    assert!(held.is_sorted() && held[0] == 0 && *held.last().unwrap() == 150, "{held:?}");
}

const QWEN: &str = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf";
const SMOLLM: &str = "smollm2-135m-instruct.q4_1.gguf";

/// A model file by the end of its name, where the settings would look for it.
fn installed(end: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("ATTEST_MODELS_DIR")
        .map(PathBuf::from)
        .or_else(|| Some(dirs::data_dir()?.join("attest").join("models")))?;
    let mut dirs = vec![dir];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && dirs.len() < 64 {
                dirs.push(path);
            } else if path.to_string_lossy().to_lowercase().ends_with(end) {
                return Some(path);
            }
        }
    }
    None
}

const PROMPT: &str = "<|im_start|>system\nAnswer from the text.<|im_end|>\n<|im_start|>user\nThe pump is checked \
                      every six months. 保修期为二十四个月。 How often is the pump checked?<|im_end|>\n\
                      <|im_start|>assistant\n";

/// A real prompt through a real model, by both decoders.
fn check_installed(end: &str, architecture: Architecture) {
    let Some(path) = installed(end) else {
        eprintln!("skipped: no {end} in the models folder (set ATTEST_MODELS_DIR)");
        return;
    };
    let gguf = GgufFile::open(&path).unwrap();
    let tokens = Tokenizer::from_gguf(&gguf).unwrap().encode_prompt(PROMPT).unwrap();
    let mut decoder = Decoder::load(&gguf, 256).unwrap();
    let got = decoder.forward(&tokens, Logits::Last);
    let expected = reference(&path, architecture, &tokens);
    assert!(distance(got, &expected) < 0.05, "{end}: {}", distance(got, &expected));
    assert_eq!(best(got), best(&expected));
}

#[test]
fn agrees_with_candle_on_an_installed_qwen() {
    check_installed(QWEN, Architecture::Qwen2);
}

#[test]
fn agrees_with_candle_on_an_installed_smollm() {
    check_installed(SMOLLM, Architecture::Llama);
}

/// The first layers of a real model, turned into floats.
#[test]
fn agrees_with_candle_on_real_weights_in_floats() {
    const LAYERS: usize = 6;
    let Some(path) = installed(SMOLLM) else {
        eprintln!("skipped: no {SMOLLM} in the models folder (set ATTEST_MODELS_DIR)");
        return;
    };
    let mut file = File::open(&path).unwrap();
    let content = gguf_file::Content::read(&mut file).unwrap();
    let kept = |name: &str| {
        let layer = name.strip_prefix("blk.").and_then(|rest| rest.split('.').next()?.parse::<usize>().ok());
        layer.is_none_or(|layer| layer < LAYERS)
    };
    let mut tensors = Vec::new();
    for name in content.tensor_infos.keys().filter(|name| kept(name)) {
        let tensor = content.tensor(&mut file, name, &Device::Cpu).unwrap().dequantize(&Device::Cpu).unwrap();
        tensors.push((name.as_str(), QTensor::quantize(&tensor, GgmlDType::F32).unwrap()));
    }
    let mut metadata = content.metadata.clone();
    metadata.insert("llama.block_count".into(), gguf_file::Value::U32(LAYERS as u32));
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (*name, tensor)).collect();
    let dir = tempfile::tempdir().unwrap();
    let floats = dir.path().join("floats.gguf");
    gguf_file::write(&mut File::create(&floats).unwrap(), &metadata, &tensors).unwrap();

    let gguf = GgufFile::open(&floats).unwrap();
    let tokens = Tokenizer::from_gguf(&gguf).unwrap().encode_prompt(PROMPT).unwrap();
    let mut decoder = Decoder::load(&gguf, 256).unwrap();
    let distance = distance(decoder.forward(&tokens, Logits::Last), &reference(&floats, Architecture::Llama, &tokens));
    assert!(distance < 1e-4, "{distance}");
}
