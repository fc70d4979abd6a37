//! How near each sentence of a passage is to the question in meaning.
//!
//! The late-interaction score of every sentence by itself: for each token of the
//! question the nearest token of the sentence, where a token's vector means what
//! the word means in its passage. So a sentence is found that answers in other
//! words, or in another language. Cosines of one model are all alike and those of
//! another language lower, so what counts is by how many standard deviations a
//! sentence is above the mean of all that were found in its script.

use std::ops::Range;

use attest_ingest::{Span, sentences};

use crate::answer::question::is_han;
use crate::index::Passage;

/// Fewer sentences than this have no mean to be compared with.
const LEAST_SENTENCES: usize = 6;
/// Scores beyond these say no more.
const LOWEST: f32 = -2.0;
const HIGHEST: f32 = 3.0;
/// How far a letter of the embedded text is looked for in the passage's own.
const REACH: usize = 256;

/// The standard score of each sentence of a passage; zero, the mean, where it is not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meaning(Vec<(usize, f32)>);

impl Meaning {
    /// The scores of sentences, by their spans.
    #[cfg(test)]
    pub fn known(scores: impl IntoIterator<Item = (Span, f32)>) -> Self {
        Self(scores.into_iter().map(|(span, score)| (span.start, score)).collect())
    }

    /// The standard score of the sentence at `span` of the document.
    #[must_use]
    pub fn of(&self, span: Span) -> f32 {
        let known = self.0.iter().find(|(start, _)| *start == span.start);
        known.map_or(0.0, |(_, score)| score.clamp(LOWEST, HIGHEST))
    }
}

/// The tokens of each sentence of `passage` in the order of its sentences.
/// `embedded` is the text whose tokens stand at `offsets`; the passage, without
/// its markup, is the end of it from `body` on.
#[must_use]
pub fn sentence_tokens(
    passage: &Passage,
    embedded: &str,
    body: usize,
    offsets: &[(usize, usize)],
) -> Vec<Range<usize>> {
    let text = &passage.text;
    let letters: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| c.is_alphanumeric()).collect();
    let mut at = 0;
    // Where each letter of the embedded text stands in the passage's own.
    let mut places: Vec<(usize, usize)> = Vec::with_capacity(letters.len());
    for (position, wanted) in embedded[body..].char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        if let Some(skipped) = letters[at..].iter().take(REACH).position(|&(_, letter)| letter == wanted) {
            at += skipped + 1;
            places.push((letters[at - 1].0, body + position));
        }
    }
    let tokens = |span: Span| {
        let first = places.partition_point(|&(own, _)| own < span.start);
        let last = places.partition_point(|&(own, _)| own < span.end);
        let (Some(&(_, start)), Some(&(_, end))) = (places[..last].get(first), places[first..last].last()) else {
            return 0..0;
        };
        let from = offsets.partition_point(|&(_, token_end)| token_end <= start);
        from..offsets.partition_point(|&(token_start, _)| token_start <= end).max(from)
    };
    sentences(text).into_iter().map(tokens).collect()
}

/// Standard scores of the sentences of all passages from their cosines.
#[must_use]
pub fn meanings(scored: &[(&Passage, Vec<Option<f32>>)]) -> Vec<Meaning> {
    let of_script = |han: bool| {
        let scores = scored.iter().filter(move |(passage, _)| is_chinese(passage) == han);
        let scores: Vec<f32> = scores.flat_map(|(_, scores)| scores.iter().flatten().copied()).collect();
        let mean = scores.iter().sum::<f32>() / scores.len().max(1) as f32;
        let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f32>() / scores.len().max(1) as f32;
        (scores.len() >= LEAST_SENTENCES && variance > 0.0).then(|| (mean, variance.sqrt()))
    };
    let (latin, chinese) = (of_script(false), of_script(true));
    let meaning = |(passage, scores): &(&Passage, Vec<Option<f32>>)| {
        let Some((mean, deviation)) = (if is_chinese(passage) { chinese } else { latin }) else {
            return Meaning::default();
        };
        let starts = sentences(&passage.text).into_iter().map(|span| passage.span.start + span.start);
        let standard = starts.zip(scores).filter_map(|(start, score)| Some((start, ((*score)? - mean) / deviation)));
        Meaning(standard.collect())
    };
    scored.iter().map(meaning).collect()
}

fn is_chinese(passage: &Passage) -> bool {
    let letters = passage.text.chars().filter(|c| c.is_alphabetic()).count();
    2 * passage.text.chars().filter(|&c| is_han(c)).count() > letters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;

    fn passage(text: &str) -> Passage {
        excerpt(1, "", text).hit.passage
    }

    /// A token a word.
    fn words(text: &str) -> Vec<(usize, usize)> {
        text.split_whitespace()
            .map(|word| {
                let start = word.as_ptr() as usize - text.as_ptr() as usize;
                (start, start + word.len())
            })
            .collect()
    }

    #[test]
    fn sentences_are_found_among_the_tokens_whatever_their_markup() {
        let passage = passage("The **valve** opens [at nine bar](https://example.com/the/valve). `It` closes alone.");
        let embedded = "Pump > Valve\nThe valve opens at nine bar. It closes alone.";
        let tokens = sentence_tokens(&passage, embedded, 13, &words(embedded));
        assert_eq!(tokens, [3..9, 9..12]);
        // What the model did not see has no tokens.
        assert_eq!(sentence_tokens(&passage, embedded, 13, &words(embedded)[..9]), [3..9, 9..9]);
        assert_eq!(sentence_tokens(&passage, "", 0, &[]), [0..0, 0..0]);
    }

    #[test]
    fn scores_are_compared_within_a_script() {
        let english = passage("One is here. Two is here. Three is here. Four is here. Five is here. Six is here.");
        let chinese = passage("一在这里。二在这里。三在这里。四在这里。五在这里。六在这里。");
        let scores = vec![Some(0.8), Some(0.8), Some(0.8), Some(0.8), Some(0.9), None];
        let lower: Vec<Option<f32>> = scores.iter().map(|score| score.map(|score| score - 0.2)).collect();
        let six = [scores[0]; 6].to_vec();
        let found = meanings(&[(&english, scores.clone()), (&chinese, lower), (&english, six)]);
        let spans = sentences(&chinese.text);
        assert_eq!(found[1], Meaning::default(), "five of one script are too few");
        assert_eq!(found[1].of(spans[4]), 0.0);
        let spans = sentences(&english.text);
        assert!(found[0].of(spans[4]) > 2.0 && found[0].of(spans[0]) < 0.0 && found[0].of(spans[5]) == 0.0);
    }

    proptest::proptest! {
        #[test]
        fn any_two_texts_are_held_together(text in "(.|\\n){0,120}", embedded in "(.|\\n){0,120}") {
            let passage = passage(&text);
            let offsets = words(&embedded);
            for tokens in sentence_tokens(&passage, &embedded, 0, &offsets) {
                proptest::prop_assert!(tokens.start <= tokens.end && tokens.end <= offsets.len());
            }
        }
    }
}
