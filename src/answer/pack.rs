//! What the model gets to read: the best sentences of all passages, within a
//! budget of tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use attest_ingest::Span;

use crate::answer::excerpt::{Excerpt, Packed, table_heads, whole};
use crate::answer::fit::fits;
use crate::answer::rerank::Reranked;
use crate::answer::terms::WeightedTerms;

/// Limits of the pack.
#[derive(Clone, Copy, Debug)]
pub struct PackOptions {
    /// Tokens of excerpt text, all together.
    pub tokens: usize,
    /// The most excerpts.
    pub excerpts: usize,
}

/// What a sentence gains of how well the better of its neighbours fits.
const BY_NEIGHBOUR: f32 = 0.4;

/// What fits less than this share of the best sentence is not read, room or not.
const WORTH_READING: f32 = 0.3;

/// Chooses the sentences that fit `question` best until the budget is used up.
///
/// They compete across passages: a passage of lower rank gives few sentences, or
/// none. A sentence counts the more, the better its neighbours fit. Rows of a table
/// come with its head, which they read with. What fits far less than the best is left
/// out, room or not. Excerpts stand in the order of their passages.
#[must_use]
pub fn pack(
    question: &str,
    terms: &WeightedTerms,
    reranked: &Reranked,
    options: PackOptions,
    count_tokens: &dyn Fn(&str) -> usize,
) -> Packed {
    let all = whole(reranked, usize::MAX);
    let heads: Vec<Vec<Range<usize>>> = all.excerpts.iter().map(heads).collect();
    let mut left = options.tokens;
    let mut chosen: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut best = None;
    for (score, at, index) in by_fit(question, terms, &all) {
        let best = *best.get_or_insert(score);
        // Where nothing fits, nothing fits less.
        if best > 0.0 && score < WORTH_READING * best {
            break;
        }
        let own = chosen.get(&at);
        let no_more = own.is_none() && chosen.len() == options.excerpts;
        if no_more || all.excerpts[at].reads[index].is_empty() {
            continue;
        }
        // A row says nothing without the names of its columns.
        let new = heads[at][index].clone().chain([index]).filter(|index| !own.is_some_and(|own| own.contains(index)));
        let new: Vec<usize> = new.collect();
        let cost: usize = new.iter().map(|&index| count_tokens(&all.excerpts[at].reads[index])).sum();
        if cost <= left {
            left -= cost;
            chosen.entry(at).or_default().extend(new);
        }
    }
    let shown = |(at, chosen): (usize, BTreeSet<usize>)| {
        let read: &Excerpt = &all.excerpts[at];
        let from = read.hit.passage.span.start;
        let span = |index: usize| Span::new(read.sentences[index].start - from, read.sentences[index].end - from);
        Excerpt::of(&read.hit, &chosen.into_iter().map(span).collect::<Vec<_>>())
    };
    Packed { excerpts: chosen.into_iter().map(shown).collect() }
}

/// The sentences of all passages, as passage and index, the best first.
fn by_fit(question: &str, terms: &WeightedTerms, all: &Packed) -> Vec<(f32, usize, usize)> {
    let mut own: Vec<Vec<f32>> = all.excerpts.iter().map(|read| vec![0.0; read.sentences.len()]).collect();
    for fit in fits(question, terms, all) {
        own[fit.excerpt][fit.index] = fit.score;
    }
    let mut order: Vec<(f32, usize, usize)> = Vec::new();
    for (at, own) in own.iter().enumerate() {
        let of = |index: usize| own.get(index).copied().unwrap_or(0.0);
        let beside = |index: usize| index.checked_sub(1).map_or(0.0, of).max(of(index + 1));
        order.extend((0..own.len()).map(|index| (own[index] + BY_NEIGHBOUR * beside(index), at, index)));
    }
    // The sort is stable: of equals, the one of higher rank, and the first.
    order.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
    order
}

/// The rows that each sentence comes with.
fn heads(read: &Excerpt) -> Vec<Range<usize>> {
    let from = read.hit.passage.span.start;
    let own: Vec<Span> = read.sentences.iter().map(|s| Span::new(s.start - from, s.end - from)).collect();
    table_heads(&read.hit.passage.text, &own)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use attest_ingest::sentences;

    use super::*;
    use crate::answer::fixture;
    use crate::answer::meaning::Meaning;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn packed(texts: &[&str], question: &str, tokens: usize) -> Vec<Excerpt> {
        let hits = (1..).zip(texts).map(|(id, text)| fixture::excerpt(id, "Pumps", text).hit).collect();
        let terms = WeightedTerms::new(question, &|_| 1.0);
        pack(question, &terms, &Reranked { hits }, PackOptions { tokens, excerpts: 5 }, &words).excerpts
    }

    fn shown(texts: &[&str], question: &str, tokens: usize) -> Vec<String> {
        packed(texts, question, tokens).into_iter().map(|excerpt| excerpt.text).collect()
    }

    #[test]
    fn what_fits_is_shown_whole_and_once() {
        assert_eq!(
            shown(&["It pumps. It hums.", "It  pumps. it hums.", "Oil it."], "pump", 100),
            ["It pumps. It hums.", "Oil it."]
        );
    }

    #[test]
    fn of_what_does_not_fit_the_best_sentences_are_shown() {
        let text = "First we greet you. The valve opens at nine bar. Then we say goodbye to all.";
        assert_eq!(shown(&[text], "When does the valve open?", 9), ["The valve opens at nine bar."]);
    }

    #[test]
    fn what_answers_is_shown_though_it_is_long_and_stands_lower() {
        let long =
            "The valve opens at nine bar when the pump runs and closes as soon as nobody needs it. We greet you.";
        let texts = ["The valve is blue. The valve is round. We like it.", long];
        // It has 18 words.
        assert_eq!(shown(&texts, "When does the valve open?", 20), [long.split_inclusive('.').next().unwrap()]);
    }

    #[test]
    fn what_fits_far_less_is_left_out_unless_nothing_fits() {
        let texts = ["The valve opens at nine bar. We greet you.", "Say goodbye to all."];
        assert_eq!(shown(&texts, "When does the valve open?", 100), ["The valve opens at nine bar. We greet you."]);
        assert_eq!(shown(&texts, "保修期多长？", 100), texts);
    }

    #[test]
    fn what_means_the_same_in_other_words_is_shown() {
        let text = "We greet all of you here. Charge no cell of it again, ever. Then we say goodbye.";
        let mut hit = fixture::excerpt(1, "Pumps", text).hit;
        let nearest = sentences(text)[1];
        hit.meaning = Meaning::known([(nearest, 2.0)]);
        let question = "可以用充电电池吗？";
        let terms = WeightedTerms::new(question, &|_| 1.0);
        let options = PackOptions { tokens: 9, excerpts: 5 };
        let packed = pack(question, &terms, &Reranked { hits: vec![hit] }, options, &words);
        assert_eq!(packed.excerpts[0].text, "Charge no cell of it again, ever.");
    }

    #[test]
    fn a_row_is_read_with_the_names_of_its_columns() {
        let table = "| part | price |\n|---|---|\n| seal | 3 euros |\n| ring | 4 euros |\n| valve | 9 euros |";
        assert_eq!(shown(&[table], "What is the price of a valve?", 5), ["part: valve; price: 9 euros"]);
    }

    proptest! {
        #[test]
        fn the_budget_holds_and_sentences_stand_in_the_passage(
            texts in proptest::collection::vec("([|]?[a-z保修 -]{1,9}[|.。]?[ \n]?){1,30}", 1..7), tokens in 0usize..60,
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let excerpts = packed(&texts, "ab 保修", tokens);
            let used = |excerpt: &Excerpt| -> usize { excerpt.reads.iter().map(|read| words(read)).sum() };
            prop_assert!(excerpts.iter().map(used).sum::<usize>() <= tokens);
            for excerpt in &excerpts {
                prop_assert!(excerpt.sentences.is_sorted_by(|a, b| a.end <= b.start));
                prop_assert!(!excerpt.sentences.is_empty());
            }
        }
    }
}
