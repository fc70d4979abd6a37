//! Text to the token ids an embedding model reads, and back to byte ranges.

use tokenizers::{
    DecoderWrapper, Encoding, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerImpl,
};

use super::TokenVectors;
use super::unigram::TextModel;
use crate::error::{Error, Result};

/// More text than this is not looked at: no model reads so far, and tokenizing a
/// whole book to throw it away would hold up its queue.
const LONGEST: usize = 64 * 1024;

type Tokenizer = TokenizerImpl<TextModel, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;

/// A model's tokenizer with the model's length limit.
pub(super) struct TextTokenizer {
    tokenizer: Tokenizer,
    max_tokens: usize,
}

/// A text as the model reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tokens {
    /// All ids: special tokens, prefix and text.
    pub(super) ids: Vec<u32>,
    /// Which of `ids` are the text's, and where they stand in it.
    pub(super) of_text: Vec<(usize, (usize, usize))>,
}

impl TextTokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`Error::Model`] when it is not one.
    pub(super) fn new(model: &str, json: &[u8], max_tokens: usize) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| Error::Model {
            name: model.to_owned(),
            message: format!("its tokenizer.json cannot be used: {error}"),
        };
        let mut tokenizer: Tokenizer = serde_json::from_slice(json).map_err(|error| failed(&error))?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| failed(&error))?;
        Ok(Self { tokenizer, max_tokens })
    }

    pub(super) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Number of tokens of `text` alone, however long it is.
    pub(super) fn count(&self, text: &str) -> usize {
        self.tokenizer.encode_fast(text, false).map_or(0, |encoding| encoding.len())
    }

    /// Byte ranges of the tokens of `text` that [`Tokens::vectors`] gives vectors for;
    /// none of a text that cannot be tokenized, which has no vectors either.
    pub(super) fn offsets(&self, prefix: &str, text: &str) -> Vec<(usize, usize)> {
        let tokens = self.encode(prefix, text).map(|tokens| tokens.of_text).unwrap_or_default();
        tokens.into_iter().map(|(_, range)| range).collect()
    }

    /// The tokens of `prefix` and `text` together, cut off at the model's limit.
    ///
    /// # Errors
    /// What the tokenizer says.
    pub(super) fn encode(&self, prefix: &str, text: &str) -> Result<Tokens, String> {
        let seen = seen(text);
        let encoding = self.tokenizer.encode(format!("{prefix}{seen}"), true).map_err(|error| error.to_string())?;
        let mut ids = encoding.get_ids().to_vec();
        let cut = ids.len() > self.max_tokens;
        if cut {
            // The last token is the one that ends a text; the model expects it.
            let end = ids.last().copied();
            ids.truncate(self.max_tokens - 1);
            ids.extend(end);
        }
        let kept = if cut { self.max_tokens - 1 } else { ids.len() };
        Ok(Tokens { of_text: of_text(&encoding, kept, prefix.len(), seen), ids })
    }
}

impl Tokens {
    /// The vectors of the text's own tokens out of `hidden`, which has one row of
    /// `dim` values an id; scaled to unit length.
    pub(super) fn vectors(&self, hidden: &[f32], dim: usize) -> TokenVectors {
        let mut values = Vec::with_capacity(self.of_text.len() * dim);
        for &(index, _) in &self.of_text {
            values.extend_from_slice(&hidden[index * dim..(index + 1) * dim]);
        }
        values.chunks_exact_mut(dim).for_each(normalize);
        TokenVectors { dim, values, offsets: self.of_text.iter().map(|&(_, range)| range).collect() }
    }
}

/// As much of `text` as is looked at.
pub(super) fn seen(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

/// The mean of rows of `dim` values, scaled to unit length.
pub(super) fn mean(hidden: &[f32], dim: usize) -> Vec<f32> {
    let mut sum = vec![0.0; dim];
    for row in hidden.chunks_exact(dim) {
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    normalize(&mut sum);
    sum
}

/// Scales a vector to unit length; the zero vector stays what it is.
pub(super) fn normalize(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}

/// The tokens among the first `kept` that stand for something in `text`, which
/// begins `prefix` bytes into what was encoded.
fn of_text(encoding: &Encoding, kept: usize, prefix: usize, text: &str) -> Vec<(usize, (usize, usize))> {
    let special = encoding.get_special_tokens_mask();
    let offsets = encoding.get_offsets();
    (0..kept)
        .filter(|&index| special[index] == 0 && offsets[index].1 > prefix)
        .filter_map(|index| {
            let (start, end) = offsets[index];
            let range = (start.saturating_sub(prefix), end - prefix);
            // The tokenizer counts the space before a word as part of its first token.
            let blank = text.get(range.0..range.1)?;
            let blank = blank.len() - blank.trim_start().len();
            Some((index, (range.0 + blank, range.1)))
        })
        .collect()
}
