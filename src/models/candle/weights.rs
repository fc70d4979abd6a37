//! The tensors of a decoder-only transformer.

use super::gguf::{Architecture, GgufFile, Hyperparameters, Matrix};
use crate::error::Result;

/// All tensors of a model. The matrices stay in the mapped file.
pub struct Weights {
    /// One row a token.
    pub embedding: Matrix,
    /// The layers in order.
    pub layers: Vec<Layer>,
    /// Scales of the last normalisation.
    pub output_norm: Vec<f32>,
    /// One row a token; the embedding itself in models that tie the two.
    pub output: Matrix,
    /// Divisors of the rotary frequencies (Llama 3.1), all 1 elsewhere.
    pub rope_factors: Vec<f32>,
}

/// One layer.
pub struct Layer {
    /// Scales of the normalisation before attention.
    pub attention_norm: Vec<f32>,
    /// Queries, keys and values.
    pub query: Projection,
    /// As above.
    pub key: Projection,
    /// As above.
    pub value: Projection,
    /// Scales of the normalisation of each head's query and key (Qwen 3).
    pub head_norms: Option<HeadNorms>,
    /// Heads back to the model's width.
    pub attention_output: Matrix,
    /// Scales of the normalisation before the feed-forward part.
    pub ffn_norm: Vec<f32>,
    /// The gate, which goes through SiLU.
    pub gate: Matrix,
    /// What the gate lets through.
    pub up: Matrix,
    /// Back to the model's width.
    pub down: Matrix,
}

/// A matrix and what is added to its outputs.
pub struct Projection {
    /// The matrix.
    pub matrix: Matrix,
    /// One value an output, or none.
    pub bias: Option<Vec<f32>>,
}

/// Scales of the normalisation of queries and keys, head by head.
pub struct HeadNorms {
    /// For queries.
    pub query: Vec<f32>,
    /// For keys.
    pub key: Vec<f32>,
}

impl Weights {
    /// Finds the tensors of a model and checks their shapes.
    ///
    /// # Errors
    /// [`crate::Error::Model`] naming the tensor that is missing or misshapen.
    pub fn load(gguf: &GgufFile, shape: &Hyperparameters) -> Result<Self> {
        let vocabulary = gguf.rows("token_embd.weight")?;
        let embedding = gguf.matrix("token_embd.weight", vocabulary, shape.width)?;
        let output = match gguf.has("output.weight") {
            true => gguf.matrix("output.weight", vocabulary, shape.width)?,
            false => embedding.clone(),
        };
        let rope_factors = match gguf.has("rope_freqs.weight") {
            true => gguf.vector("rope_freqs.weight", shape.rope_dim / 2)?,
            false => vec![1.0; shape.rope_dim / 2],
        };
        Ok(Self {
            embedding,
            layers: (0..shape.layers).map(|index| Layer::load(gguf, shape, index)).collect::<Result<_>>()?,
            output_norm: gguf.vector("output_norm.weight", shape.width)?,
            output,
            rope_factors,
        })
    }
}

impl Layer {
    fn load(gguf: &GgufFile, shape: &Hyperparameters, index: usize) -> Result<Self> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let (queries, keys) = (shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim);
        let projection = |part: &str, rows: usize| -> Result<Projection> {
            let bias = name(&format!("{part}.bias"));
            Ok(Projection {
                matrix: gguf.matrix(&name(&format!("{part}.weight")), rows, shape.width)?,
                bias: gguf.has(&bias).then(|| gguf.vector(&bias, rows)).transpose()?,
            })
        };
        let ffn = gguf.rows(&name("ffn_gate.weight"))?;
        let head_norms = match shape.architecture {
            Architecture::Qwen3 => Some(HeadNorms {
                query: gguf.vector(&name("attn_q_norm.weight"), shape.head_dim)?,
                key: gguf.vector(&name("attn_k_norm.weight"), shape.head_dim)?,
            }),
            Architecture::Llama | Architecture::Qwen2 => None,
        };
        Ok(Self {
            attention_norm: gguf.vector(&name("attn_norm.weight"), shape.width)?,
            query: projection("attn_q", queries)?,
            key: projection("attn_k", keys)?,
            value: projection("attn_v", keys)?,
            head_norms,
            attention_output: gguf.matrix(&name("attn_output.weight"), shape.width, queries)?,
            ffn_norm: gguf.vector(&name("ffn_norm.weight"), shape.width)?,
            gate: gguf.matrix(&name("ffn_gate.weight"), ffn, shape.width)?,
            up: gguf.matrix(&name("ffn_up.weight"), ffn, shape.width)?,
            down: gguf.matrix(&name("ffn_down.weight"), shape.width, ffn)?,
        })
    }
}
