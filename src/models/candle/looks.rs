//! Where a model looks before it answers: which sentence its answer will stand on.
//!
//! While a model reads the question, some of its attention heads look at the
//! sentence that answers it, whatever words it is put in and in whatever language
//! (Wu et al., "Retrieval Head Mechanistically Explains Long-Context Factuality", ICLR
//! 2025; Zhang et al., "Query-Focused Retrieval Heads", EMNLP 2025). A weighted sum of
//! the logarithms of what a few of them give to each sentence tells it. The prompt is
//! read anyway, so that it costs next to nothing. The heads and their weights belong to one
//! model; `eval/probe/heads.py` fits them.

use std::ops::Range;
use std::path::Path;

use super::decoder::Watch;
use super::state_file::ModelDigest;
use super::tokenizer::Tokenizer;
use crate::models::Places;

/// Built-in pointers. A file holds, little-endian: the SHA-256 by which the model's file is known, and for
/// each head its layer (u32), its number in it (u32), whether the last token alone counts (u32) and its weight (f32).
const POINTERS: [&[u8]; 1] = [include_bytes!("../../../data/probes/qwen2.5-coder-1.5b-instruct.heads")];

/// Added to shares, so that what is hardly looked at counts as little as what is not.
const FLOOR: f32 = 1e-3;

/// Heads that point at what answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Pointers(Vec<Pointer>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Pointer {
    head: (usize, usize),
    /// Whether the last token alone counts, or all of the question.
    last: bool,
    weight: f32,
}

impl Pointers {
    /// The built-in pointers of the model at `path`, if there are any.
    pub fn of(path: &Path) -> Option<Self> {
        let ModelDigest(model) = ModelDigest::of(path).ok()?;
        POINTERS
            .iter()
            .find_map(|bytes| Self::parse(bytes).filter(|(of, _)| *of == model))
            .map(|(_, pointers)| pointers)
    }

    /// The digest of the model, and the pointers.
    fn parse(bytes: &[u8]) -> Option<([u8; 32], Self)> {
        let (model, rest) = bytes.split_first_chunk::<32>()?;
        let (records, []) = rest.as_chunks::<16>() else { return None };
        let pointer = |record: &[u8; 16]| {
            let number = |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().expect("four bytes"));
            let head = (number(0) as usize, number(4) as usize);
            Pointer { head, last: number(8) != 0, weight: f32::from_bits(number(12)) }
        };
        (!records.is_empty()).then(|| (*model, Self(records.iter().map(pointer).collect())))
    }

    /// Which heads to watch.
    pub fn heads(&self) -> Vec<(usize, usize)> {
        self.0.iter().map(|pointer| pointer.head).collect()
    }

    /// How likely each place is what the answer stands on, from what was seen of [`Pointers::heads`].
    pub fn places(&self, watch: &Watch, places: &[Range<usize>]) -> Vec<f32> {
        let mut scores = vec![0.0; places.len()];
        for (number, pointer) in self.0.iter().enumerate() {
            let seen: Vec<f32> =
                places.iter().map(|place| looked_at(watch, number, place)[usize::from(pointer.last)]).collect();
            let all = seen.iter().sum::<f32>() + f32::MIN_POSITIVE;
            for (score, seen) in scores.iter_mut().zip(&seen) {
                *score += pointer.weight * (seen / all + FLOOR).ln();
            }
        }
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        scores.iter_mut().for_each(|score| *score = (*score - most).exp());
        let all: f32 = scores.iter().sum();
        scores.iter_mut().for_each(|score| *score /= all);
        scores
    }
}

/// What the head watched as `number` gave to the tokens of a place: from the question, and from the last token.
pub fn looked_at(watch: &Watch, number: usize, place: &Range<usize>) -> [f32; 2] {
    let seen = &watch.seen[number * 2 * watch.positions..][..2 * watch.positions];
    let (question, last) = seen.split_at(watch.positions);
    [question[place.clone()].iter().sum(), last[place.clone()].iter().sum()]
}

/// The tokens of each place in `content`, which stands in the prompt, and the first token behind
/// which the question stands; `None` when the prompt does not hold the content as it is.
pub fn tokens_of(
    places: &Places,
    content: &str,
    prompt: &[u32],
    tokenizer: &Tokenizer,
) -> Option<(Vec<Range<usize>>, usize)> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut starts = Vec::with_capacity(prompt.len());
    for &token in prompt {
        starts.push(bytes.len());
        bytes.extend_from_slice(tokenizer.bytes(token));
    }
    let at = std::str::from_utf8(&bytes).ok()?.rfind(content)?;
    let first = |byte: usize| starts.partition_point(|&start| start <= at + byte).saturating_sub(1);
    let behind = |byte: usize| starts.partition_point(|&start| start < at + byte);
    let tokens = |place: &Range<usize>| if place.is_empty() { 0..0 } else { first(place.start)..behind(place.end) };
    Some((places.sentences.iter().map(tokens).collect(), behind(places.question)))
}

#[cfg(test)]
mod tests {
    use super::super::decoder::{Decoder, Logits};
    use super::super::fixture;
    use super::super::probe::PROBES;
    use super::*;

    fn pointers(pointers: &[(usize, usize, bool, f32)]) -> Pointers {
        let pointer = |&(layer, head, last, weight): &_| Pointer { head: (layer, head), last, weight };
        Pointers(pointers.iter().map(pointer).collect())
    }

    #[test]
    fn what_the_heads_look_at_is_pointed_at() {
        // Four tokens, two heads: the first looks at token 1 from all of the question, the second at 2 from its last token.
        let mut watch = Watch::new(vec![(3, 0), (4, 1)], 3, 4);
        watch.seen.copy_from_slice(&[0.1, 0.6, 0.2, 0.1, 0.9, 0.0, 0.0, 0.1, 0.7, 0.1, 0.1, 0.1, 0.0, 0.1, 0.9, 0.0]);
        let places = [0..1, 1..2, 2..3, 0..0];
        let first = pointers(&[(3, 0, false, 1.0)]).places(&watch, &places);
        // Shares of what the places have: 1, 6 and 2 of 9.
        for (found, expected) in first.iter().zip([1.0 / 9.0, 6.0 / 9.0, 2.0 / 9.0, 0.0]) {
            assert!((found - expected).abs() < 2e-3, "{first:?}");
        }
        let both = pointers(&[(3, 0, false, 0.5), (4, 1, true, 2.0)]).places(&watch, &places);
        assert!(both[2] > 0.95 && (both.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{both:?}");
        assert!(pointers(&[(3, 0, false, 1.0)]).places(&watch, &[]).is_empty());
    }

    #[test]
    fn places_are_found_in_the_tokens_of_the_prompt() {
        let tokenizer = fixture::model().tokenizer();
        let content = "It hums. 电池 is low.\nQuestion: why?";
        let prompt = tokenizer.encode(&format!("the system says: {content} and so on")).unwrap();
        let places = Places { sentences: vec![0..8, 9..23, 0..0], question: 24 };
        let (found, from) = tokens_of(&places, content, &prompt, &tokenizer).unwrap();
        let text = |tokens: &[u32]| {
            let bytes: Vec<u8> = tokens.iter().flat_map(|&token| tokenizer.bytes(token).to_vec()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        for (found, place) in found.iter().zip(&places.sentences).take(2) {
            assert!(text(&prompt[found.clone()]).contains(&content[place.clone()]), "{found:?}");
            let rest: usize =
                prompt[found.start + 1..found.end].iter().map(|&token| tokenizer.bytes(token).len()).sum();
            assert!(rest < place.len(), "no token more than is needed");
        }
        assert!(found[2].is_empty());
        assert!(text(&prompt[from..]).starts_with("Question: why?"));
        assert_eq!(tokens_of(&places, "something else", &prompt, &tokenizer), None);
    }

    #[test]
    fn what_is_seen_depends_on_no_pieces_and_makes_no_difference() {
        let model = fixture::model();
        let tokens: Vec<u32> = (0..40).map(|at| at % 50 + 1).collect();
        let decoder = || Decoder::load(&model.gguf(), 64).unwrap();
        let mut plain = decoder();
        let logits = plain.forward(&tokens, Logits::Last).to_vec();
        let watch = |decoder: &mut Decoder, held: usize| {
            decoder.watch(Watch::new(decoder.watchable(), 30, tokens.len()));
            assert_eq!(decoder.forward(&tokens[held..], Logits::Last), &logits[..]);
            decoder.watched().unwrap().seen
        };
        let whole = watch(&mut decoder(), 0);
        let mut held = decoder();
        held.forward(&tokens[..30], Logits::None);
        assert_eq!(watch(&mut held, 30), whole);
        assert!(held.watched().is_none());
        // Each row gives 1 in all: ten rows from the thirtieth position on, and the last of them.
        for seen in whole.chunks_exact(2 * tokens.len()) {
            let (question, last) = seen.split_at(tokens.len());
            assert!(
                (question.iter().sum::<f32>() - 10.0).abs() < 1e-3 && (last.iter().sum::<f32>() - 1.0).abs() < 1e-4
            );
        }
        assert!(!whole.is_empty());
    }

    #[test]
    fn the_built_in_pointers_are_whole() {
        for bytes in POINTERS {
            let (model, Pointers(pointers)) = Pointers::parse(bytes).unwrap();
            assert!(PROBES.iter().any(|probe| probe.starts_with(&model)), "no model is known by that digest");
            assert!(!pointers.is_empty() && pointers.iter().all(|pointer| pointer.weight.is_finite()));
        }
        assert_eq!(Pointers::parse(&[0; 20]), None);
        assert_eq!(Pointers::parse(&[0; 40]), None);
    }
}
