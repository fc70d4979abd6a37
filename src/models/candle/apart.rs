//! Passages read apart: each by itself after the system message, whatever
//! stands beside it, and joined behind each other for a question.
//!
//! What a passage's tokens become then depends on nothing but the system
//! message and the passage, so it is kept, and a later question on the same
//! passage need not read it again. A key is turned to its new position, which
//! rotary embedding allows. The first tokens of each passage are read again in
//! their place, so that they see the passages before; the others do not, and that
//! is what is lost. The question sees everything. Whether something was kept or
//! not makes no difference in the text. (Prompt Cache, Gim et al. 2024; TurboRAG,
//! Lu et al. 2024; EPIC, Hu et al. 2025; Block-Attention, Ma et al. 2025.)

use std::ops::Range;
use std::sync::Arc;

use super::decoder::{Decoder, Logits};
use super::kv::Segment;
use super::segments::SegmentStore;

/// First tokens of a passage that are read again in their place: about its
/// source and half a sentence. Without them, answers are far worse.
const AGAIN: usize = 24;

/// Reads the passages of a prompt into a decoder.
pub struct Apart<'a> {
    /// Its cache holds the first tokens of the prompt, exactly.
    pub decoder: &'a mut Decoder,
    /// What earlier questions left.
    pub store: &'a mut SegmentStore,
    /// Whether nobody waits any longer.
    pub stopped: &'a dyn Fn() -> bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Read {
    /// Tokens of passages that were kept from earlier questions and need not be read.
    pub kept: usize,
    /// What was read now: where it stands, and what became of it.
    pub fresh: Vec<(Range<usize>, Arc<Segment>)>,
}

impl Apart<'_> {
    /// Reads the passages that stand in `tokens` at `ranges`, one behind the
    /// other; the decoder holds all tokens before the first of them, and then
    /// these, too. When it is stopped, it holds no more than before.
    pub fn read(self, tokens: &[u32], ranges: &[Range<usize>]) -> Read {
        let base = self.decoder.kv().len();
        assert_eq!(ranges.first().map(|range| range.start), Some(base), "what stands before is held");
        let before = &tokens[..base];
        let mut read = Read::default();
        let mut segments: Vec<(Arc<Segment>, bool)> = Vec::with_capacity(ranges.len());
        for range in ranges {
            let passage = &tokens[range.clone()];
            if let Some(segment) = self.store.get(before, passage).filter(|segment| self.decoder.kv().fits(segment)) {
                segments.push((segment, true));
                continue;
            }
            let done = self.decoder.forward_unless(passage, Logits::None, self.stopped).is_some();
            let segment = done.then(|| Arc::new(self.decoder.kv().copy(base..base + passage.len())));
            self.decoder.kv().truncate(base);
            let Some(segment) = segment else { return read };
            self.store.put(before, passage, &segment);
            read.fresh.push((range.clone(), Arc::clone(&segment)));
            segments.push((segment, false));
        }
        for (index, (range, (segment, kept))) in ranges.iter().zip(segments).enumerate() {
            // The first stands where it was read.
            let again = if index == 0 { 0 } else { AGAIN.min(range.len()) };
            let head = &tokens[range.start..range.start + again];
            if !head.is_empty() && self.decoder.forward_unless(head, Logits::None, self.stopped).is_none() {
                self.decoder.kv().truncate(base);
                break;
            }
            self.decoder.append(&segment, again);
            read.kept += if kept { range.len() - again } else { 0 };
        }
        read
    }
}

/// Where the passages stand in a prompt: each directly behind the one before.
/// Nothing, when the tokens of a passage by itself are not those that it has in
/// the prompt.
pub fn places(tokens: &[u32], passages: &[Vec<u32>]) -> Option<Vec<Range<usize>>> {
    let first = passages.first().filter(|first| !first.is_empty())?;
    let mut at = tokens.windows(first.len()).position(|window| window == first)?;
    let mut ranges = Vec::with_capacity(passages.len());
    for passage in passages {
        if passage.is_empty() || !tokens[at..].starts_with(passage) {
            return None;
        }
        ranges.push(at..at + passage.len());
        at += passage.len();
    }
    // Something must be left to ask.
    (at < tokens.len()).then_some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_are_found_where_they_stand() {
        let tokens = [1, 2, 5, 6, 7, 5, 6, 9];
        assert_eq!(places(&tokens, &[vec![5, 6, 7], vec![5, 6]]), Some(vec![2..5, 5..7]));
        assert_eq!(places(&tokens, &[vec![5, 6], vec![5, 6]]), None, "there is a gap");
        assert_eq!(places(&tokens, &[vec![5, 6, 7], vec![5, 6, 9]]), None, "nothing is left to ask");
        assert_eq!(places(&tokens, &[]), None);
    }
}
