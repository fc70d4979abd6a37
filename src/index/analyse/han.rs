//! Terms of text that is written without spaces.

use std::sync::LazyLock;

use jieba_rs::{Jieba, TokenizeMode};

use super::fold::Folded;
use super::{Term, TermKind, stop, term, text_of};

// Loading the dictionary takes a good part of a second, so it is done once, on
// the first Chinese text.
pub(in crate::index) static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);

/// Appends the terms of a run of Han characters: the dictionary's words, long
/// ones with the words inside them, and every other pair of neighbours. Names
/// and new words are in no dictionary; their pairs still find them, and the
/// same pairs make quoted phrases exact whatever the segmentation.
pub(super) fn push_terms(run: &[Folded], position: u32, terms: &mut Vec<Term>) {
    let text = text_of(run);
    let mut found: Vec<(usize, usize, TermKind)> = JIEBA
        // Without the hidden Markov model: its guesses at new words depend on
        // the sentence, and a question's guess would miss the document's.
        .tokenize(&text, TokenizeMode::Search, false)
        .into_iter()
        .map(|token| (token.start, token.end, TermKind::Word))
        .collect();
    let mut is_word = vec![false; run.len()];
    for &(start, end, _) in &found {
        is_word[start] |= end - start == 2;
    }
    let grammar = |at: usize| stop::is_function_character(run[at].character);
    let pairs = (1..run.len()).filter(|&at| !is_word[at - 1] && !grammar(at - 1) && !grammar(at));
    found.extend(pairs.map(|at| (at - 1, at + 1, TermKind::Pair)));
    found.sort_unstable_by_key(|&(start, end, _)| (start, end));
    found.dedup();
    for (start, end, kind) in found {
        let part = &run[start..end];
        let text = text_of(part);
        if !stop::is_chinese(&text) {
            terms.push(term(part, text, position + start as u32, kind));
        }
    }
}
