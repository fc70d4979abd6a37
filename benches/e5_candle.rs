//! How fast does the embedding model run on candle's quantized products instead of ONNX Runtime?
//!
//! The network of multilingual-e5-small (BERT: 12 layers, 384 wide, 12 heads, 1536 inside) on candle, with
//! made-up weights, since speed does not depend on them; in turn with Attest's own way, whole texts and all.
//!
//! ```text
//! cargo bench --bench e5_candle
//! ```

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use attest::{Config, Library, Overrides, Settings};
use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{Device, Module, Tensor};
use candle_nn::ops::softmax_last_dim;
use rayon::prelude::*;

const WIDTH: usize = 384;
const HEADS: usize = 12;
const INNER: usize = 1536;
const LAYERS: usize = 12;
/// Rounds of all ways in turn.
const ROUNDS: usize = 5;
/// Texts of one round.
const TEXTS: usize = 64;

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let overrides = Overrides { data_dir: Some(folder.path().to_owned()), ..Overrides::default() };
    let library = Library::open(Config::new(Settings::default(), overrides)?)?;
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/handbook/error-codes.md"))?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let texts: Vec<String> = (0..TEXTS)
        .map(|at| words[at * 3 % words.len()..].iter().take(70).copied().collect::<Vec<_>>().join(" "))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let tokens = library.embed(&texts)?.tokens / TEXTS;
    let question = ["How long is the warranty of the pump when it was registered?"];
    let asked = library.embed(&question)?.tokens;
    println!("{TEXTS} texts of {tokens} tokens, a question of {asked}; {ROUNDS} rounds, medians");

    let ways = [
        ("candle, f32", Bert::new(GgmlDType::F32)?),
        ("candle, Q8_0", Bert::new(GgmlDType::Q8_0)?),
        ("candle, Q4_0", Bert::new(GgmlDType::Q4_0)?),
    ];
    let mut passages = vec![Vec::new(); ways.len() + 1];
    let mut questions = vec![Vec::new(); ways.len() + 1];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        library.embed(&texts)?;
        passages[0].push(TEXTS as f64 / start.elapsed().as_secs_f64());
        let start = Instant::now();
        library.embed(&question)?;
        questions[0].push(start.elapsed().as_secs_f64() * 1e3);
        for (at, (_, bert)) in (1..).zip(&ways) {
            let start = Instant::now();
            // A text a thread, as Attest runs them.
            (0..TEXTS).into_par_iter().try_for_each(|_| bert.run(tokens))?;
            passages[at].push(TEXTS as f64 / start.elapsed().as_secs_f64());
            let start = Instant::now();
            bert.run(asked)?;
            questions[at].push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    println!("{:<28} {:>12} {:>14}", "", "passages/s", "a question, ms");
    let names = std::iter::once("Attest: ONNX Runtime, int8").chain(ways.iter().map(|(name, _)| *name));
    for ((name, mut speed), mut time) in names.zip(passages).zip(questions) {
        println!("{name:<28} {:>12.1} {:>14.1}", median(&mut speed), median(&mut time));
    }
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The network without its word embeddings.
struct Bert(Vec<Layer>);

struct Layer {
    query: QMatMul,
    key: QMatMul,
    value: QMatMul,
    out: QMatMul,
    up: QMatMul,
    down: QMatMul,
    bias: Tensor,
    inner_bias: Tensor,
}

impl Bert {
    fn new(format: GgmlDType) -> Result<Self> {
        let matrix = |rows: usize, columns: usize| -> Result<QMatMul> {
            let weights = Tensor::randn(0f32, 0.02, (rows, columns), &Device::Cpu)?;
            Ok(QMatMul::from_qtensor(QTensor::quantize(&weights, format)?)?)
        };
        let layer = || -> Result<Layer> {
            Ok(Layer {
                query: matrix(WIDTH, WIDTH)?,
                key: matrix(WIDTH, WIDTH)?,
                value: matrix(WIDTH, WIDTH)?,
                out: matrix(WIDTH, WIDTH)?,
                up: matrix(INNER, WIDTH)?,
                down: matrix(WIDTH, INNER)?,
                bias: Tensor::randn(0f32, 0.02, WIDTH, &Device::Cpu)?,
                inner_bias: Tensor::randn(0f32, 0.02, INNER, &Device::Cpu)?,
            })
        };
        Ok(Self((0..LAYERS).map(|_| layer()).collect::<Result<_>>()?))
    }

    /// One text of so many tokens.
    fn run(&self, tokens: usize) -> Result<()> {
        let mut x = Tensor::randn(0f32, 1.0, (tokens, WIDTH), &Device::Cpu)?;
        let heads = |x: Tensor| -> Result<Tensor> {
            Ok(x.reshape((tokens, HEADS, WIDTH / HEADS))?.transpose(0, 1)?.contiguous()?)
        };
        for layer in &self.0 {
            let query = heads(layer.query.forward(&x)?.broadcast_add(&layer.bias)?)?;
            let key = heads(layer.key.forward(&x)?.broadcast_add(&layer.bias)?)?;
            let value = heads(layer.value.forward(&x)?.broadcast_add(&layer.bias)?)?;
            let scores = (query.matmul(&key.transpose(1, 2)?)? * (WIDTH as f64 / HEADS as f64).sqrt().recip())?;
            let mixed = softmax_last_dim(&scores)?.matmul(&value)?.transpose(0, 1)?.reshape((tokens, WIDTH))?;
            x = normalized(&(x + layer.out.forward(&mixed)?.broadcast_add(&layer.bias)?)?, &layer.bias)?;
            let inner = layer.up.forward(&x)?.broadcast_add(&layer.inner_bias)?.gelu_erf()?;
            x = normalized(&(x + layer.down.forward(&inner)?.broadcast_add(&layer.bias)?)?, &layer.bias)?;
        }
        assert!(x.mean_all()?.to_scalar::<f32>()?.is_finite());
        Ok(())
    }
}

fn normalized(x: &Tensor, scale: &Tensor) -> Result<Tensor> {
    Ok(candle_nn::ops::layer_norm(x, scale, scale, 1e-12)?)
}
