//! Where the texts of a language lie among all vectors.
//!
//! A multilingual embedding puts what is said into nearly the same place in every
//! language, but what language it is said in counts, too: a question is nearer to
//! anything in its own language than to its answer in another. The mean vectors of
//! two languages differ by just that, so that a question moved by their difference
//! is as near to the other language's passages as to its own (after Libovický et
//! al., "On the Language Neutrality of Pre-trained Multilingual Representations",
//! EMNLP Findings 2020, who take the means off). `attest eval languages` finds the
//! means of a model.

use crate::answer::question::Language;

/// Means that are known, by the id of the embedder. A file holds, as f32,
/// little-endian, the mean vector of English texts and that of Chinese ones.
const MEANS: [(&str, &[u8]); 1] =
    [("multilingual-e5-small-v1", include_bytes!("../../data/languages/multilingual-e5-small.means"))];

/// `vector`, of a text in the language `from`, moved to where the other language
/// lies; none when the means of the embedder `model` are not known.
#[must_use]
pub fn moved(model: &str, vector: &[f32], from: Language) -> Option<Vec<f32>> {
    let (_, bytes) = MEANS.iter().find(|(name, _)| *name == model)?;
    let means: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
    let (english, chinese) = means.split_at_checked(vector.len()).filter(|(_, rest)| rest.len() == vector.len())?;
    let (own, other) = match from {
        Language::English => (english, chinese),
        Language::Chinese => (chinese, english),
    };
    let moved: Vec<f32> = vector.iter().zip(own).zip(other).map(|((value, own), other)| value - own + other).collect();
    let length = moved.iter().map(|value| value * value).sum::<f32>().sqrt();
    Some(moved.into_iter().map(|value| value / length.max(f32::MIN_POSITIVE)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_moved_there_and_back() {
        let name = MEANS[0].0;
        let question: Vec<f32> = (0..384).map(|i| if i % 2 == 0 { 0.051 } else { -0.051 }).collect();
        let there = moved(name, &question, Language::English).unwrap();
        assert!((there.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-4);
        let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        assert!(cosine(&question, &there) < 0.99);
        let back = moved(name, &there, Language::Chinese).unwrap();
        assert!(cosine(&question, &back) > 0.99);
        assert_eq!(moved(name, &[1.0], Language::English), None);
        assert_eq!(moved("another model", &question, Language::English), None);
    }
}
