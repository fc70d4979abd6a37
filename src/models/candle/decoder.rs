//! The forward pass of a decoder-only transformer.

use std::cell::RefCell;

use rayon::prelude::*;

use super::gguf::{GgufFile, Hyperparameters};
use super::kernels::{Attention, Inputs, Product, attend, multiply, multiply_silu, normalize, weigh};
use super::kv::{KvCache, KvShape, LayerCache, Segment};
use super::rope::Rope;
use super::weights::{Layer, Projection, Weights};
use crate::error::Result;

/// A model with the keys and values of the tokens that it has seen.
pub struct Decoder {
    shape: Hyperparameters,
    weights: Weights,
    rope: Rope,
    kv: KvCache,
    buffers: Buffers,
    /// The layer after which [`Outcome::state`] is taken.
    tap: Option<usize>,
    state: Vec<f32>,
    watch: Option<Watch>,
}

/// What some attention heads look at from the end of a prompt.
pub struct Watch {
    /// The heads, as layer and head.
    pub heads: Vec<(usize, usize)>,
    /// The first position that is looked from.
    pub from: usize,
    /// Number of positions in the prompt; the last one is looked from by itself as well.
    pub positions: usize,
    /// `[heads][2][positions]`: the sum over the positions that are looked from, and the last of them.
    pub seen: Vec<f32>,
}

impl Watch {
    /// Nothing seen yet.
    pub fn new(heads: Vec<(usize, usize)>, from: usize, positions: usize) -> Self {
        let seen = vec![0.0; heads.len() * 2 * positions];
        Self { heads, from, positions, seen }
    }

    /// Adds what the rows of `layer` look at; the first of them stands at position `first`.
    fn look(
        &mut self,
        layer: usize,
        first: usize,
        queries: &[f32],
        shape: &Hyperparameters,
        cache: &LayerCache<&mut [f32]>,
    ) {
        let (dim, positions, from) = (shape.head_dim, self.positions, self.from);
        let row_width = shape.heads * dim;
        let seen = self.seen.par_chunks_exact_mut(2 * positions).zip(&self.heads).filter(|(_, head)| head.0 == layer);
        seen.for_each(|(seen, &(_, head))| {
            let keys = cache.keys(head / (shape.heads / shape.kv_heads));
            let (sum, last) = seen.split_at_mut(positions);
            for (row, queries) in queries.chunks_exact(row_width).enumerate() {
                let position = first + row;
                if position < from {
                    continue;
                }
                let query = &queries[head * dim..][..dim];
                SCORES.with_borrow_mut(|scores| {
                    weigh(
                        &Attention { queries: query, keys, values: &[], head_dim: dim, positions: position + 1 },
                        scores,
                    );
                    sum.iter_mut().zip(&scores[..=position]).for_each(|(sum, weight)| *sum += weight);
                    if position + 1 == positions {
                        last.copy_from_slice(&scores[..positions]);
                    }
                });
            }
        });
    }
}

/// Whose next-token scores are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logits {
    /// None: only keys and values are.
    None,
    /// Those of the last token.
    Last,
    /// Those of every token given.
    All,
}

/// Working memory, kept from call to call.
#[derive(Default)]
struct Buffers {
    inputs: Inputs,
    /// The residual stream, `[rows][width]`.
    x: Vec<f32>,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    /// Outputs of the projections back to the model's width.
    back: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    logits: Vec<f32>,
}

/// What a forward pass gives.
pub struct Outcome<'a> {
    /// Next-token scores, `[tokens wanted][vocabulary]`.
    pub logits: &'a mut [f32],
    /// The residual stream of the last token after the tapped layer, scaled to a
    /// mean square of 1; empty when none is tapped.
    pub state: &'a [f32],
}

/// Tokens that go through the layers together. Larger gains nothing and costs memory.
const MAX_ROWS: usize = 256;

impl Decoder {
    /// A decoder that holds up to `context` positions.
    ///
    /// # Errors
    /// [`crate::Error::Model`] when the file does not hold such a model.
    pub fn load(gguf: &GgufFile, context: usize) -> Result<Self> {
        let shape = gguf.hyperparameters()?;
        let weights = Weights::load(gguf, &shape)?;
        let rope = Rope::new(&shape, &weights.rope_factors);
        let kv_shape = KvShape { layers: shape.layers, heads: shape.kv_heads, head_dim: shape.head_dim };
        let kv = KvCache::new(kv_shape, context);
        Ok(Self { kv, shape, weights, rope, buffers: Buffers::default(), tap: None, state: Vec::new(), watch: None })
    }

    /// Gives the [`Outcome::state`] after `layer` from now on, counted from 0.
    pub fn tap(&mut self, layer: usize) {
        self.tap = Some(layer);
    }

    /// Watches the next tokens, those of all layers but the last.
    pub fn watch(&mut self, watch: Watch) {
        self.watch = Some(watch);
    }

    /// What was seen since [`watch`](Self::watch).
    pub fn watched(&mut self) -> Option<Watch> {
        self.watch.take()
    }

    /// Heads of the layers that can be watched, as layer and head.
    pub fn watchable(&self) -> Vec<(usize, usize)> {
        let layers = self.shape.layers.saturating_sub(1);
        (0..layers).flat_map(|layer| (0..self.shape.heads).map(move |head| (layer, head))).collect()
    }

    /// Number of tokens that the model knows.
    pub fn vocabulary(&self) -> usize {
        self.weights.output.rows
    }

    /// The keys and values.
    pub fn kv(&mut self) -> &mut KvCache {
        &mut self.kv
    }

    /// Appends the keys and values of a segment, but for its first `skipped`
    /// positions, turned to the positions that they come to.
    ///
    /// # Panics
    /// When it does not fit, was computed further back, or there is no room for it.
    pub fn append(&mut self, segment: &Segment, skipped: usize) {
        self.rope.prepare(self.kv.len() - skipped - segment.first, 1);
        let rope = &self.rope;
        self.kv.append(segment, skipped, |key| rope.rotate(0, key));
    }

    /// As [`forward_unless`](Self::forward_unless), with nothing to stop it.
    #[cfg(test)]
    pub fn forward(&mut self, tokens: &[u32], wanted: Logits) -> &mut [f32] {
        self.forward_unless(tokens, wanted, &|| false).expect("nothing stops it").logits
    }

    /// Appends tokens and returns what comes of them. The tokens are worked on in
    /// pieces; the result does not depend on the pieces.
    /// `stopped` is asked in every layer; when it says so, there are no scores, and
    /// the cache holds as many of the tokens as whole pieces were done.
    ///
    /// # Panics
    /// When there are no tokens, too many for the cache, or one that does not exist.
    pub fn forward_unless(
        &mut self,
        tokens: &[u32],
        wanted: Logits,
        stopped: &dyn Fn() -> bool,
    ) -> Option<Outcome<'_>> {
        assert!(!tokens.is_empty(), "at least one token is needed");
        assert!(self.kv.len() + tokens.len() <= self.kv.capacity(), "the tokens must fit the cache");
        let vocabulary = self.vocabulary();
        let wanted_rows = match wanted {
            Logits::None => 0,
            Logits::Last => 1,
            Logits::All => tokens.len(),
        };
        let mut done = 0;
        resize(&mut self.buffers.logits, wanted_rows * vocabulary);
        let pieces = tokens.len().div_ceil(MAX_ROWS);
        for (index, piece) in tokens.chunks(tokens.len().div_ceil(pieces)).enumerate() {
            let rows = match wanted {
                Logits::None => 0,
                Logits::All => piece.len(),
                Logits::Last => usize::from(index + 1 == pieces),
            };
            self.forward_piece(None, piece, rows, done, self.weights.layers.len() - 1, stopped)?;
            done += rows;
        }
        Some(Outcome { logits: &mut self.buffers.logits[..wanted_rows * vocabulary], state: &self.state })
    }

    /// Appends tokens to `kv` instead of the own keys and values, in the layers up
    /// to the tapped one only, and returns the state of the last, see [`Outcome::state`];
    /// empty when no layer is tapped.
    ///
    /// # Panics
    /// When there are no tokens, too many for `kv`, or one that does not exist.
    pub fn state_after(&mut self, kv: &mut KvCache, tokens: &[u32]) -> &[f32] {
        assert!(!tokens.is_empty(), "at least one token is needed");
        assert!(kv.len() + tokens.len() <= kv.capacity(), "the tokens must fit the cache");
        let Some(tap) = self.tap else { return &[] };
        let pieces = tokens.len().div_ceil(MAX_ROWS);
        for (index, piece) in tokens.chunks(tokens.len().div_ceil(pieces)).enumerate() {
            let wanted = usize::from(index + 1 == pieces);
            self.forward_piece(Some(&mut *kv), piece, wanted, 0, tap, &|| false).expect("nothing stops it");
        }
        &self.state
    }

    /// Another cache, for at least `capacity` positions.
    pub fn another_kv(&self, capacity: usize) -> KvCache {
        let Hyperparameters { layers, kv_heads: heads, head_dim, .. } = self.shape;
        KvCache::new(KvShape { layers, heads, head_dim }, capacity)
    }

    /// Computes the layers up to `last`, and, where that is the last of all, the
    /// scores of the last `wanted` tokens, to be put `at` that row of the logits;
    /// nothing, when it was stopped. Keys and values go to `aside` instead of the own
    /// ones, if it is given.
    fn forward_piece(
        &mut self,
        aside: Option<&mut KvCache>,
        tokens: &[u32],
        wanted: usize,
        at: usize,
        last: usize,
        stopped: &dyn Fn() -> bool,
    ) -> Option<()> {
        let Self { shape, weights, rope, kv, buffers, tap, state, watch } = self;
        let kv = aside.unwrap_or(kv);
        let (rows, width, first) = (tokens.len(), shape.width, kv.len());
        rope.prepare(first, rows);
        resize(&mut buffers.x, rows * width);
        for (x, &token) in buffers.x.chunks_exact_mut(width).zip(tokens) {
            weights.embedding.dequantize_row(token as usize, x);
        }
        for (index, layer) in weights.layers[..=last].iter().enumerate() {
            if stopped() {
                return None;
            }
            project(shape, layer, rope, buffers, rows);
            let mut cache = kv.layer(index);
            let dim = shape.head_dim;
            for row in 0..rows {
                for head in 0..shape.kv_heads {
                    let at = (row * shape.kv_heads + head) * dim;
                    cache.store(head, first + row, &buffers.keys[at..][..dim], &buffers.values[at..][..dim]);
                }
            }
            if let Some(watch) = watch
                && index + 1 < weights.layers.len()
            {
                watch.look(index, first, &buffers.queries, shape, &cache);
            }
            // Of the last layer, only the wanted rows are of interest.
            let kept = if index == last { wanted } else { rows };
            if kept < rows {
                buffers.x.drain(..(rows - kept) * width);
                buffers.queries.drain(..(rows - kept) * shape.heads * dim);
            }
            if kept == 0 {
                break;
            }
            let heads_together = shape.heads / shape.kv_heads * dim;
            let attended = buffers.inputs.begin(kept, shape.heads * dim);
            let queries = &buffers.queries;
            attended.par_chunks_mut(heads_together).enumerate().for_each(|(i, out)| {
                let (row, head) = (i / shape.kv_heads, i % shape.kv_heads);
                let attention = Attention {
                    queries: &queries[i * heads_together..][..heads_together],
                    keys: cache.keys(head),
                    values: cache.values(head),
                    head_dim: dim,
                    positions: first + rows - kept + row + 1,
                };
                SCORES.with_borrow_mut(|scores| attend(&attention, scores, out));
            });
            resize(&mut buffers.back, kept * width);
            multiply(&mut [layer.attention_output.times(&mut buffers.back)], &mut buffers.inputs);
            add(&mut buffers.x, &buffers.back);
            feed_forward(shape, layer, buffers, kept);
            if *tap == Some(index) {
                let last = &buffers.x[(kept - 1) * width..][..width];
                let scale = (last.iter().map(|x| x * x).sum::<f32>() / width as f32 + f32::EPSILON).sqrt().recip();
                state.clear();
                state.extend(last.iter().map(|x| x * scale));
            }
        }
        kv.advance(rows);
        if wanted > 0 && last + 1 == weights.layers.len() {
            normalize_rows(&buffers.x, &weights.output_norm, shape.norm_epsilon, buffers.inputs.begin(wanted, width));
            let vocabulary = weights.output.rows;
            let logits = &mut buffers.logits[at * vocabulary..][..wanted * vocabulary];
            multiply(&mut [weights.output.times(logits)], &mut buffers.inputs);
        }
        Some(())
    }
}

thread_local! {
    /// Attention weights of one row; kept, since every layer of every token needs them.
    static SCORES: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl super::gguf::Matrix {
    fn times<'a>(&'a self, out: &'a mut [f32]) -> Product<'a> {
        Product { format: self.format, weights: self.bytes(), out }
    }
}

/// Queries, keys and values of the residual stream, turned to their positions.
fn project(shape: &Hyperparameters, layer: &Layer, rope: &Rope, buffers: &mut Buffers, rows: usize) {
    let Buffers { inputs, x, queries, keys, values, .. } = buffers;
    normalize_rows(x, &layer.attention_norm, shape.norm_epsilon, inputs.begin(rows, shape.width));
    let (query_width, key_width) = (shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim);
    resize(queries, rows * query_width);
    resize(keys, rows * key_width);
    resize(values, rows * key_width);
    multiply(
        &mut [layer.query.matrix.times(queries), layer.key.matrix.times(keys), layer.value.matrix.times(values)],
        inputs,
    );
    let head_norms = layer.head_norms.as_ref();
    let finish = |projection: &Projection, norm: Option<&[f32]>, out: &mut [f32], row_width: usize| {
        for_rows(out, row_width, |row, out| {
            add_bias(out, projection);
            for head in out.chunks_exact_mut(shape.head_dim) {
                if let Some(norm) = norm {
                    let plain = head.to_vec();
                    normalize(&plain, norm, shape.norm_epsilon, head);
                }
                rope.rotate(row, head);
            }
        });
    };
    finish(&layer.query, head_norms.map(|norms| &norms.query[..]), queries, query_width);
    finish(&layer.key, head_norms.map(|norms| &norms.key[..]), keys, key_width);
    values.chunks_exact_mut(key_width).for_each(|out| add_bias(out, &layer.value));
}

/// `x += down(silu(gate(norm(x))) * up(norm(x)))`
fn feed_forward(shape: &Hyperparameters, layer: &Layer, buffers: &mut Buffers, rows: usize) {
    let Buffers { inputs, x, back, gate, up, .. } = buffers;
    normalize_rows(x, &layer.ffn_norm, shape.norm_epsilon, inputs.begin(rows, shape.width));
    let inner = layer.gate.rows;
    resize(gate, rows * inner);
    resize(up, rows * inner);
    multiply(&mut [layer.gate.times(gate), layer.up.times(up)], inputs);
    let gated = inputs.begin(rows, inner);
    for_rows(gated, inner, |row, out| {
        out.copy_from_slice(&up[row * inner..][..inner]);
        multiply_silu(&gate[row * inner..][..inner], out);
    });
    resize(back, rows * shape.width);
    multiply(&mut [layer.down.times(back)], inputs);
    add(x, back);
}

fn normalize_rows(x: &[f32], scales: &[f32], epsilon: f32, out: &mut [f32]) {
    let width = scales.len();
    for_rows(out, width, |row, out| normalize(&x[row * width..][..width], scales, epsilon, out));
}

/// Calls `work` with every row, on several threads when there are many.
fn for_rows(data: &mut [f32], width: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    if data.len() < 1 << 14 {
        data.chunks_exact_mut(width).enumerate().for_each(|(row, data)| work(row, data));
    } else {
        data.par_chunks_exact_mut(width).enumerate().for_each(|(row, data)| work(row, data));
    }
}

fn add_bias(out: &mut [f32], projection: &Projection) {
    if let Some(bias) = &projection.bias {
        add(out, bias);
    }
}

fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

fn resize(buffer: &mut Vec<f32>, len: usize) {
    buffer.resize(len, 0.0);
}
