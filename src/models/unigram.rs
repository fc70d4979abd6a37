//! The unigram model of SentencePiece (Kudo 2018, "Subword Regularization"), in a
//! tenth of the memory.
//!
//! A multilingual vocabulary has 250,000 pieces. The `tokenizers` crate keeps them
//! in a trie of hash maps, which takes 280 MB; as a finite-state transducer they
//! take 10. The pieces found are the same, to the last tie.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use fst::raw::Output;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tokenizers::models::ModelWrapper;
use tokenizers::models::unigram::UnigramTrainer;
use tokenizers::{Model, Result, Token};

/// What finds the pieces of a text: this model where it can, one of the crate's otherwise.
pub(super) enum TextModel {
    Unigram(Unigram),
    Other(Box<ModelWrapper>),
}

/// Pieces with their scores.
pub(super) struct Unigram {
    /// Ids by piece.
    ids: fst::Map<Vec<u8>>,
    scores: Vec<f64>,
    /// All pieces, one after the other, and where each ends.
    pieces: String,
    ends: Vec<u32>,
    unknown: u32,
    unknown_score: f64,
}

/// How much less than the least of all pieces an unknown letter scores.
const UNKNOWN_PENALTY: f64 = 10.0;

/// The model's part of a `tokenizer.json`.
#[derive(Deserialize)]
struct Written<'a> {
    unk_id: Option<u32>,
    #[serde(borrow)]
    vocab: Vec<Piece<'a>>,
    #[serde(default)]
    byte_fallback: bool,
}

#[derive(Deserialize)]
struct Piece<'a>(#[serde(borrow)] Cow<'a, str>, f64);

impl<'de> Deserialize<'de> for TextModel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Kind<'a> {
            #[serde(rename = "type")]
            kind: Option<Cow<'a, str>>,
        }
        let text = <&RawValue>::deserialize(deserializer)?.get();
        let Kind { kind } = serde_json::from_str(text).map_err(D::Error::custom)?;
        if kind.as_deref() == Some("Unigram") {
            let Written { unk_id, vocab, byte_fallback } = serde_json::from_str(text).map_err(D::Error::custom)?;
            if let (Some(unknown), false) = (unk_id, byte_fallback) {
                return Unigram::new(vocab, unknown).map(Self::Unigram).map_err(D::Error::custom);
            }
        }
        serde_json::from_str(text).map(|model| Self::Other(Box::new(model))).map_err(D::Error::custom)
    }
}

impl Unigram {
    fn new(vocab: Vec<Piece<'_>>, unknown: u32) -> std::result::Result<Self, String> {
        if unknown as usize >= vocab.len() {
            return Err("its unk_id is not in its vocabulary".to_owned());
        }
        let mut order: Vec<usize> = (0..vocab.len()).filter(|&id| !vocab[id].0.is_empty()).collect();
        order.sort_by_key(|&id| (&*vocab[id].0, id));
        // Of pieces that are written twice, the last counts.
        let last = |at: usize| order.get(at + 1).is_none_or(|&next| vocab[next].0 != vocab[order[at]].0);
        let entries = (0..order.len()).filter(|&at| last(at)).map(|at| (&*vocab[order[at]].0, order[at] as u64));
        let ids = fst::Map::from_iter(entries).map_err(|error| error.to_string())?;
        let (mut pieces, mut ends) = (String::new(), Vec::with_capacity(vocab.len()));
        for Piece(piece, _) in &vocab {
            pieces.push_str(piece);
            ends.push(u32::try_from(pieces.len()).map_err(|_| "its vocabulary is too large")?);
        }
        pieces.shrink_to_fit();
        let scores: Vec<f64> = vocab.iter().map(|piece| piece.1).collect();
        let unknown_score = scores.iter().copied().fold(f64::INFINITY, f64::min) - UNKNOWN_PENALTY;
        Ok(Self { ids, scores, pieces, ends, unknown, unknown_score })
    }

    /// The ids of the pieces that `text` begins with and their lengths, the shortest first.
    fn prefixes(&self, text: &[u8]) -> impl Iterator<Item = (usize, u32)> {
        let trie = self.ids.as_fst();
        let (mut node, mut output, mut at) = (trie.root(), Output::zero(), 0);
        std::iter::from_fn(move || {
            loop {
                let taken = node.transition(node.find_input(*text.get(at)?)?);
                (node, output, at) = (trie.node(taken.addr), output.cat(taken.out), at + 1);
                if node.is_final() {
                    return Some((at, output.cat(node.final_output()).value() as u32));
                }
            }
        })
    }

    /// The pieces of the highest score, as the place where each ends and its id; unknown
    /// letters that follow each other are one.
    fn best(&self, text: &str) -> Vec<(usize, u32)> {
        #[derive(Clone, Copy)]
        struct Path {
            score: f64,
            start: usize,
            id: u32,
        }
        let mut best: Vec<Option<Path>> = vec![None; text.len() + 1];
        let take = |best: &mut Vec<Option<Path>>, end: usize, path: Path| {
            if best[end].is_none_or(|other| path.score > other.score) {
                best[end] = Some(path);
            }
        };
        for (start, letter) in text.char_indices() {
            let before = best[start].map_or(0.0, |path| path.score);
            let mut known = false;
            for (length, id) in self.prefixes(&text.as_bytes()[start..]) {
                known |= length == letter.len_utf8();
                take(&mut best, start + length, Path { score: self.scores[id as usize] + before, start, id });
            }
            if !known {
                let path = Path { score: self.unknown_score + before, start, id: self.unknown };
                take(&mut best, start + letter.len_utf8(), path);
            }
        }
        let mut pieces: Vec<(usize, u32)> = Vec::new();
        let mut end = text.len();
        while let Some(path) = best[end].filter(|_| end > 0) {
            let fused = path.id == self.unknown && pieces.last().is_some_and(|&(_, id)| id == self.unknown);
            if !fused {
                pieces.push((end, path.id));
            }
            end = path.start;
        }
        pieces.reverse();
        pieces
    }
}

impl Model for Unigram {
    type Trainer = UnigramTrainer;

    fn tokenize(&self, text: &str) -> Result<Vec<Token>> {
        let mut start = 0;
        let token = |(end, id): (usize, u32)| {
            let range = start..end;
            start = end;
            Token { id, value: text[range.clone()].to_owned(), offsets: (range.start, range.end) }
        };
        Ok(self.best(text).into_iter().map(token).collect())
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        self.ids.get(token).map(|id| id as u32)
    }

    fn id_to_token(&self, id: u32) -> Option<String> {
        let end = *self.ends.get(id as usize)?;
        let start = id.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
        Some(self.pieces[start as usize..end as usize].to_owned())
    }

    fn get_vocab(&self) -> HashMap<String, u32> {
        (0..self.ends.len() as u32).filter_map(|id| Some((self.id_to_token(id)?, id))).collect()
    }

    fn get_vocab_size(&self) -> usize {
        self.ends.len()
    }

    fn save(&self, _: &Path, _: Option<&str>) -> Result<Vec<PathBuf>> {
        Err("this model is only read".into())
    }

    fn get_trainer(&self) -> UnigramTrainer {
        UnigramTrainer::default()
    }
}

impl Model for TextModel {
    type Trainer = UnigramTrainer;

    fn tokenize(&self, text: &str) -> Result<Vec<Token>> {
        match self {
            Self::Unigram(model) => model.tokenize(text),
            Self::Other(model) => model.tokenize(text),
        }
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        match self {
            Self::Unigram(model) => model.token_to_id(token),
            Self::Other(model) => model.token_to_id(token),
        }
    }

    fn id_to_token(&self, id: u32) -> Option<String> {
        match self {
            Self::Unigram(model) => model.id_to_token(id),
            Self::Other(model) => model.id_to_token(id),
        }
    }

    fn get_vocab(&self) -> HashMap<String, u32> {
        match self {
            Self::Unigram(model) => model.get_vocab(),
            Self::Other(model) => model.get_vocab(),
        }
    }

    fn get_vocab_size(&self) -> usize {
        match self {
            Self::Unigram(model) => model.get_vocab_size(),
            Self::Other(model) => model.get_vocab_size(),
        }
    }

    fn save(&self, folder: &Path, prefix: Option<&str>) -> Result<Vec<PathBuf>> {
        match self {
            Self::Unigram(model) => model.save(folder, prefix),
            Self::Other(model) => model.save(folder, prefix),
        }
    }

    fn get_trainer(&self) -> UnigramTrainer {
        UnigramTrainer::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokenizers::models::unigram::Unigram as Reference;

    use super::*;

    fn both(vocab: &[(String, f64)]) -> (Unigram, Reference) {
        let own = vocab.iter().map(|(piece, score)| Piece(piece.into(), *score)).collect();
        (Unigram::new(own, 0).unwrap(), Reference::from(vocab.to_vec(), Some(0), false).unwrap())
    }

    fn tokens(model: &impl Model, text: &str) -> Vec<(u32, String, (usize, usize))> {
        model.tokenize(text).unwrap().into_iter().map(|token| (token.id, token.value, token.offsets)).collect()
    }

    #[test]
    fn a_model_of_a_tokenizer_file_is_read() {
        let model = r#"{"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["电", -1.5], ["电池", -2.0], ["\u0061b", -1]]}"#;
        let Ok(TextModel::Unigram(model)) = serde_json::from_str(model) else { panic!("it is a unigram model") };
        assert_eq!((model.token_to_id("电池"), model.id_to_token(3)), (Some(2), Some("ab".to_owned())));
        assert_eq!(
            tokens(&model, "电池ab??"),
            [(2, "电池".to_owned(), (0, 6)), (3, "ab".to_owned(), (6, 8)), (0, "??".to_owned(), (8, 10)),]
        );
        let other = r#"{"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0}}"#;
        assert!(matches!(serde_json::from_str(other), Ok(TextModel::Other(_))));
        assert!(serde_json::from_str::<TextModel>(r#"{"type": "Unigram", "unk_id": 1, "vocab": [["a", 0]]}"#).is_err());
    }

    proptest! {
        #[test]
        fn pieces_are_those_of_the_crate(
            pieces in proptest::collection::vec(("[ab电池 ]{1,3}", -4i8..0), 0..12), text in "[abc电池。 ]{0,14}",
        ) {
            let unknown = std::iter::once(("<unk>".to_owned(), 0.0));
            let vocab: Vec<_> = unknown.chain(pieces.into_iter().map(|(piece, score)| (piece, score.into()))).collect();
            let (own, reference) = both(&vocab);
            prop_assert_eq!(tokens(&own, &text), tokens(&reference, &text));
        }
    }
}
