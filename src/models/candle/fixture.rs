//! Small models with random weights, written by the tests themselves.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use tempfile::TempDir;

use super::gguf::{Architecture, GgufFile};
use super::tokenizer::Tokenizer;

/// A model file that vanishes with this value.
pub struct Fixture {
    _dir: TempDir,
    path: PathBuf,
}

impl Fixture {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn gguf(&self) -> GgufFile {
        GgufFile::open(&self.path).unwrap()
    }

    pub fn tokenizer(&self) -> Tokenizer {
        Tokenizer::from_gguf(&self.gguf()).unwrap()
    }
}

/// A Qwen2 model in the formats of a Q4_K_M file.
pub fn model() -> Fixture {
    of(Architecture::Qwen2, GgmlDType::Q4K, GgmlDType::Q6K)
}

const WIDTH: usize = 256;
const FFN: usize = 512;
const HEADS: usize = 8;
const KV_HEADS: usize = 2;
const HEAD_DIM: usize = 32;
const LAYERS: usize = 2;

/// A model whose matrices are in `format`, some of them in `other`.
pub fn of(architecture: Architecture, format: GgmlDType, other: GgmlDType) -> Fixture {
    let name = match architecture {
        Architecture::Llama => "llama",
        Architecture::Qwen2 => "qwen2",
        Architecture::Qwen3 => "qwen3",
    };
    let tokens = vocabulary();
    let mut random = Random(0x5EED);
    let mut tensors: Vec<(String, QTensor)> = Vec::new();
    let mut add = |name: String, rows: usize, cols: usize, dtype: GgmlDType, mean: f32, spread: f32| {
        let values: Vec<f32> = (0..rows * cols).map(|_| mean + spread * random.next()).collect();
        let shape = if rows == 1 { vec![cols] } else { vec![rows, cols] };
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
        tensors.push((name, QTensor::quantize(&tensor, dtype).unwrap()));
    };
    add("token_embd.weight".into(), tokens.len(), WIDTH, format, 0.0, 1.0);
    add("output.weight".into(), tokens.len(), WIDTH, other, 0.0, 0.3);
    add("output_norm.weight".into(), 1, WIDTH, GgmlDType::F32, 1.0, 0.1);
    for layer in 0..LAYERS {
        let part = |part: &str| format!("blk.{layer}.{part}");
        let (queries, keys) = (HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM);
        add(part("attn_norm.weight"), 1, WIDTH, GgmlDType::F32, 1.0, 0.1);
        add(part("ffn_norm.weight"), 1, WIDTH, GgmlDType::F32, 1.0, 0.1);
        add(part("attn_q.weight"), queries, WIDTH, format, 0.0, 0.15);
        add(part("attn_k.weight"), keys, WIDTH, format, 0.0, 0.15);
        add(part("attn_v.weight"), keys, WIDTH, other, 0.0, 0.15);
        add(part("attn_output.weight"), WIDTH, queries, format, 0.0, 0.15);
        add(part("ffn_gate.weight"), FFN, WIDTH, format, 0.0, 0.1);
        add(part("ffn_up.weight"), FFN, WIDTH, format, 0.0, 0.1);
        add(part("ffn_down.weight"), WIDTH, FFN, other, 0.0, 0.1);
        match architecture {
            Architecture::Llama => {}
            Architecture::Qwen2 => {
                add(part("attn_q.bias"), 1, queries, GgmlDType::F32, 0.0, 0.2);
                add(part("attn_k.bias"), 1, keys, GgmlDType::F32, 0.0, 0.2);
                add(part("attn_v.bias"), 1, keys, GgmlDType::F32, 0.0, 0.2);
            }
            Architecture::Qwen3 => {
                add(part("attn_q_norm.weight"), 1, HEAD_DIM, GgmlDType::F32, 1.0, 0.1);
                add(part("attn_k_norm.weight"), 1, HEAD_DIM, GgmlDType::F32, 1.0, 0.1);
            }
        }
    }

    let mut metadata = HashMap::new();
    let mut set = |key: String, value: Value| metadata.insert(key, value);
    set("general.architecture".into(), Value::String(name.into()));
    for (key, value) in [
        ("block_count", LAYERS),
        ("context_length", 1024),
        ("embedding_length", WIDTH),
        ("feed_forward_length", FFN),
        ("attention.head_count", HEADS),
        ("attention.head_count_kv", KV_HEADS),
        ("attention.key_length", HEAD_DIM),
        ("rope.dimension_count", HEAD_DIM),
    ] {
        set(format!("{name}.{key}"), Value::U32(value as u32));
    }
    set(format!("{name}.attention.layer_norm_rms_epsilon"), Value::F32(1e-6));
    set(format!("{name}.rope.freq_base"), Value::F32(10_000.0));
    let specials = SPECIALS.len();
    let types = (0..tokens.len()).map(|id| Value::I32(if id < specials { 3 } else { 1 })).collect();
    set("tokenizer.ggml.model".into(), Value::String("gpt2".into()));
    set("tokenizer.ggml.pre".into(), Value::String("qwen2".into()));
    set("tokenizer.ggml.token_type".into(), Value::Array(types));
    set("tokenizer.ggml.eos_token_id".into(), Value::U32(2));
    set("tokenizer.ggml.add_bos_token".into(), Value::Bool(false));
    set("tokenizer.chat_template".into(), Value::String(TEMPLATE.into()));
    let merges = MERGES.iter().map(|merge| Value::String((*merge).into())).collect();
    set("tokenizer.ggml.merges".into(), Value::Array(merges));
    set("tokenizer.ggml.tokens".into(), Value::Array(tokens.into_iter().map(Value::String).collect()));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    gguf_file::write(&mut File::create(&path).unwrap(), &metadata, &tensors).unwrap();
    Fixture { _dir: dir, path }
}

const SPECIALS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const MERGES: [&str; 6] = ["Ġ t", "h e", "Ġt he", "i n", "Ġ p", "Ġ Ġ"];
const TEMPLATE: &str = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}\
                        {% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/// The special tokens, a token for each byte, and the merged ones.
fn vocabulary() -> Vec<String> {
    let mut moved = 0;
    let bytes = (0..=255u8).map(|byte| match byte {
        b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => char::from(byte).to_string(),
        _ => {
            moved += 1;
            char::from_u32(255 + moved).unwrap().to_string()
        }
    });
    let specials = SPECIALS.iter().map(ToString::to_string);
    specials.chain(bytes).chain(MERGES.iter().map(|merge| merge.replace(' ', ""))).collect()
}

/// A seeded generator of numbers from -1 to 1 (xorshift64*, Vigna 2016).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
        bits as f32 / (1u64 << 23) as f32 - 1.0
    }
}
