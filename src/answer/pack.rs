//! What the model gets to read: the best sentences of the best passages,
//! within a budget of tokens.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use attest_ingest::{Span, sentences};

use crate::answer::rerank::{Hit, Reranked};
use crate::answer::terms::WeightedTerms;
use crate::answer::verify::Source;

/// The excerpts given to the model, in the order of their numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    /// Excerpt `n` of the prompt is `excerpts[n - 1]`.
    pub excerpts: Vec<Excerpt>,
}

/// A part of a passage, as the model sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Excerpt {
    /// The passage it comes from.
    pub hit: Hit,
    /// Title and headings, for the model and the reader.
    pub source: String,
    /// The sentences it shows, as spans of the document's text, in order.
    pub sentences: Vec<Span>,
    /// The text shown: the sentences, with an ellipsis where some are left out.
    pub text: String,
}

/// Limits of the pack.
#[derive(Clone, Copy, Debug)]
pub struct PackOptions {
    /// Tokens of excerpt text, all together.
    pub tokens: usize,
    /// The most excerpts.
    pub excerpts: usize,
}

/// What a standard deviation of nearness in meaning counts beside the share of the
/// question's words that a sentence has.
const BY_MEANING: f32 = 0.15;

/// How many times its passage's share of the budget the best sentence may take:
/// what answers is often the longest of all.
const BEST_SENTENCE: usize = 2;

/// Chooses sentences until the budget is used up.
///
/// Passages are taken by rank, each with a share of the budget, the first with
/// the largest. What does not fit is cut to the sentences that cover the
/// question's terms best and are nearest to it in meaning, those next to a good
/// one included. Rows of a table come with its head. Text that repeats a chosen
/// passage is skipped.
#[must_use]
pub fn pack(
    reranked: &Reranked,
    terms: &WeightedTerms,
    options: PackOptions,
    count_tokens: &dyn Fn(&str) -> usize,
) -> Packed {
    let mut excerpts: Vec<Excerpt> = Vec::new();
    let mut seen: HashSet<String> = HashSet::new();
    let mut left = options.tokens;
    for hit in &reranked.hits {
        if excerpts.len() == options.excerpts || left == 0 {
            break;
        }
        if !seen.insert(normalized(&hit.passage.text)) {
            continue;
        }
        let share = left.min(if excerpts.is_empty() { options.tokens * 2 / 5 } else { (options.tokens / 4).max(48) });
        let room = left.min(BEST_SENTENCE * share);
        let Some((chosen, used)) = choose(hit, terms, share, room, count_tokens) else { continue };
        left = left.saturating_sub(used);
        excerpts.push(excerpt(hit, &chosen));
    }
    Packed { excerpts }
}

impl Packed {
    /// Nothing but the sentences at `sources`, rows with the head of their table.
    #[must_use]
    pub fn only(&self, sources: &[Source]) -> Self {
        let cut = |number: usize, shown: &Excerpt| {
            let passage = &shown.hit.passage;
            let all = sentences(&passage.text);
            let heads = table_heads(&passage.text, &all);
            let wanted = |span: Span| {
                let (start, end) = (passage.span.start + span.start, passage.span.start + span.end);
                sources.iter().any(|at| at.excerpt == number && at.span.start < end && start < at.span.end)
            };
            let chosen: BTreeSet<usize> = (0..all.len())
                .filter(|&index| wanted(all[index]))
                .flat_map(|index| heads[index].clone().chain([index]))
                .collect();
            let chosen: Vec<Span> = chosen.into_iter().map(|index| all[index]).collect();
            (!chosen.is_empty()).then(|| excerpt(&shown.hit, &chosen))
        };
        Self { excerpts: self.excerpts.iter().enumerate().filter_map(|(number, shown)| cut(number, shown)).collect() }
    }
}

/// The chosen sentences and the tokens they cost: at most `budget`, but the best
/// sentence alone may take as many as `room`.
fn choose(
    hit: &Hit,
    terms: &WeightedTerms,
    budget: usize,
    room: usize,
    count_tokens: &dyn Fn(&str) -> usize,
) -> Option<(Vec<Span>, usize)> {
    let text = &hit.passage.text;
    let all = sentences(text);
    let costs: Vec<usize> = all.iter().map(|s| count_tokens(&text[s.start..s.end])).collect();
    if costs.iter().sum::<usize>() <= budget {
        return (!all.is_empty()).then(|| (all, costs.iter().sum()));
    }
    let own: Vec<f32> = all
        .iter()
        .map(|s| {
            let span = Span::new(hit.passage.span.start + s.start, hit.passage.span.start + s.end);
            terms.coverage(&text[s.start..s.end]) + BY_MEANING * hit.meaning.of(span)
        })
        .collect();
    let smoothed: Vec<f32> = (0..all.len())
        .map(|i| {
            let before = i.checked_sub(1).map_or(0.0, |j| own[j]);
            let after = own.get(i + 1).copied().unwrap_or(0.0);
            own[i] + 0.4 * before.max(after)
        })
        .collect();
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|&a, &b| smoothed[b].total_cmp(&smoothed[a]).then(a.cmp(&b)));
    let heads = table_heads(text, &all);
    let mut chosen = BTreeSet::new();
    let mut used = 0;
    for index in order {
        // A row says nothing without the names of its columns.
        let new = heads[index].clone().chain([index]).filter(|index| !chosen.contains(index));
        let cost: usize = new.clone().map(|index| costs[index]).sum();
        if used + cost <= if used == 0 { room } else { budget } {
            used += cost;
            chosen.extend(new.collect::<Vec<_>>());
        }
    }
    (!chosen.is_empty()).then(|| (chosen.into_iter().map(|index| all[index]).collect(), used))
}

/// For each sentence, those that are the head of its table: the first row and
/// the line of dashes under it. Empty for what is no row under such a head.
fn table_heads(text: &str, all: &[Span]) -> Vec<Range<usize>> {
    let row = |index: usize| all.get(index).map(|s| &text[s.start..s.end]).filter(|row| row.starts_with('|'));
    let mut head = 0..0;
    let of = |index: usize| {
        if row(index).is_none() {
            head = 0..0;
        } else if row(index + 1).is_some_and(is_table_rule) {
            head = index..index + 2;
        }
        if head.contains(&index) { 0..0 } else { head.clone() }
    };
    (0..all.len()).map(of).collect()
}

/// Whether a row of a table is the line of dashes under its head.
pub(in crate::answer) fn is_table_rule(row: &str) -> bool {
    row.contains('-') && row.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

fn excerpt(hit: &Hit, chosen: &[Span]) -> Excerpt {
    let passage = &hit.passage;
    let mut text = String::new();
    let mut end = None;
    for span in chosen {
        match end {
            // The gap between two neighbouring sentences is kept as it is, so
            // that lists and tables stay lists and tables.
            Some(end) if passage.text[end..span.start].trim().is_empty() => {
                text.push_str(&passage.text[end..span.start]);
            }
            Some(_) => text.push_str(" … "),
            None => {}
        }
        text.push_str(&passage.text[span.start..span.end]);
        end = Some(span.end);
    }
    let mut source = vec![hit.edition.as_deref().unwrap_or(&passage.title)];
    source.extend(passage.headings.iter().map(String::as_str).filter(|heading| *heading != passage.title));
    let context = passage.context.trim();
    Excerpt {
        source: source.join(" › "),
        sentences: chosen.iter().map(|s| Span::new(passage.span.start + s.start, passage.span.start + s.end)).collect(),
        text: if context.is_empty() { text } else { format!("{context}\n{text}") },
        hit: hit.clone(),
    }
}

fn normalized(text: &str) -> String {
    text.split_whitespace().flat_map(|word| word.chars().flat_map(char::to_lowercase)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::fixture;
    use crate::answer::meaning::Meaning;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn packed(texts: &[&str], question: &str, tokens: usize) -> Vec<Excerpt> {
        let hits = (1..).zip(texts).map(|(id, text)| fixture::excerpt(id, "Pumps", text).hit).collect();
        let terms = WeightedTerms::new(question, &|_| 1.0);
        pack(&Reranked { hits }, &terms, PackOptions { tokens, excerpts: 5 }, &words).excerpts
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
        assert_eq!(shown(&[text], "When does the valve open?", 15), ["The valve opens at nine bar."]);
    }

    #[test]
    fn the_best_sentence_is_shown_though_it_is_long() {
        let long =
            "The valve opens at nine bar when the pump runs and closes as soon as nobody needs it. We greet you.";
        let texts = [long, "The valve is blue. The valve is round. We like it."];
        // Two fifths of 30 tokens are 12, and the sentence has 18.
        assert_eq!(shown(&texts, "When does the valve open?", 30)[0], long.split_inclusive('.').next().unwrap());
    }

    #[test]
    fn what_means_the_same_in_other_words_is_shown() {
        let text = "We greet all of you here. Charge no cell of it again, ever. Then we say goodbye.";
        let mut hit = fixture::excerpt(1, "Pumps", text).hit;
        let nearest = sentences(text)[1];
        hit.meaning = Meaning::known([(nearest, 2.0)]);
        let terms = WeightedTerms::new("可以用充电电池吗？", &|_| 1.0);
        let options = PackOptions { tokens: 20, excerpts: 5 };
        let packed = pack(&Reranked { hits: vec![hit] }, &terms, options, &words);
        assert_eq!(packed.excerpts[0].text, "Charge no cell of it again, ever.");
    }

    #[test]
    fn rows_come_with_the_head_of_their_table() {
        let table = "| part | price |\n|---|---|\n| seal | 3 euros |\n| ring | 4 euros |\n| valve | 9 euros |";
        assert_eq!(
            shown(&[table], "What is the price of a valve?", 32),
            ["| part | price |\n|---|---| … | valve | 9 euros |"]
        );
    }

    #[test]
    fn only_what_is_cited_is_left_with_the_head_of_its_table() {
        let table = "| part | price |\n|---|---|\n| seal | 3 euros |\n| ring | 4 euros |";
        let packed = Packed { excerpts: packed(&["It pumps. It hums.", table, "Oil it."], "pump", 100) };
        let source = |excerpt: usize, index: usize| Source { excerpt, span: packed.excerpts[excerpt].sentences[index] };
        let shown: Vec<String> =
            packed.only(&[source(1, 3), source(0, 1)]).excerpts.into_iter().map(|excerpt| excerpt.text).collect();
        assert_eq!(shown, ["It hums.", "| part | price |\n|---|---| … | ring | 4 euros |"]);
    }

    proptest! {
        #[test]
        fn the_budget_holds_and_sentences_stand_in_the_passage(
            texts in proptest::collection::vec("([|]?[a-z保修 -]{1,9}[|.。]?[ \n]?){1,30}", 1..7), tokens in 0usize..60,
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let excerpts = packed(&texts, "ab 保修", tokens);
            let used = |excerpt: &Excerpt| -> usize {
                excerpt.sentences.iter().map(|s| words(&excerpt.hit.passage.text[s.start..s.end])).sum()
            };
            prop_assert!(excerpts.iter().map(used).sum::<usize>() <= tokens);
            for excerpt in &excerpts {
                prop_assert!(excerpt.sentences.is_sorted_by(|a, b| a.end <= b.start));
                prop_assert!(!excerpt.sentences.is_empty());
            }
        }
    }
}
