//! Proposes how the text goes on, from what was said before.
//!
//! Answers quote their sources. Where the last tokens have appeared before, the
//! tokens that followed them there are likely to follow again; the model checks
//! several of them in one pass and the text stays what it would have been
//! (prompt lookup decoding, Saxena 2023; a form of speculative decoding,
//! Leviathan et al. 2023).

/// Tokens in a row that must have appeared before.
const LEAST_MATCH: usize = 3;
/// The most tokens that are proposed: with the last one they fill a pass of the
/// kernels, which take eight rows at once.
const MOST_PROPOSED: usize = 7;

/// The tokens that followed the longest earlier appearance of the end of
/// `tokens`; of several, the last. The longer the match, the more are proposed.
pub fn propose(tokens: &[u32]) -> &[u32] {
    let mut best = (0, 0);
    for end in 1..tokens.len() {
        let before = tokens[..end].iter().rev();
        let length = before.zip(tokens.iter().rev()).take(MOST_PROPOSED).take_while(|(a, b)| a == b).count();
        best = best.max((length, end));
    }
    let (length, end) = best;
    if length < LEAST_MATCH { &[] } else { &tokens[end..tokens.len().min(end + length)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_match_wins_then_the_last() {
        assert_eq!(propose(&[1, 2, 3, 4, 5, 9, 2, 3, 4, 6, 1, 2, 3, 4]), [5, 9, 2, 3]);
        assert_eq!(propose(&[1, 2, 3, 7, 8, 1, 2, 3, 9, 8, 1, 2, 3]), [9, 8, 1, 2]);
    }

    #[test]
    fn without_a_match_nothing_is_proposed() {
        assert!(propose(&[1, 2, 3, 4]).is_empty());
        assert!(propose(&[1, 2, 9, 1, 2]).is_empty());
        assert!(propose(&[]).is_empty());
    }

    #[test]
    fn repetitions_go_on() {
        assert_eq!(propose(&[5; 20]), [5]);
        assert_eq!(propose(&[1, 2, 1, 2, 1, 2, 1, 2]), [1, 2]);
    }
}
