//! A sentence that is a source's, word for word, but for a number or a denial.
//!
//! Words and numbers may all be found around the source and yet be put together wrongly: "2 is a lost
//! sensor, 2 is air in a pipe". Where the other words are a copy, these must be one, too.

use crate::answer::negation::is_denial;
use crate::answer::question::is_han;

/// What may differ between a sentence and what it copies, and must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miscopied {
    /// Another number, or another name with a number in it.
    Number,
    /// A denial more or less.
    Denial,
}

/// Fewer words are in many a source.
const LEAST_WORDS: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    /// Whether it is one that changes what the others say.
    turns: Option<Miscopied>,
}

/// How `sentence` differs from the stretch of `source` that it copies, if it copies one and differs.
pub(super) fn miscopied(sentence: &str, source: &str) -> Option<Miscopied> {
    let (said, given) = (words(sentence), words(source));
    let plain = |all: &[Word]| -> Vec<usize> { (0..all.len()).filter(|&at| all[at].turns.is_none()).collect() };
    let (own, theirs) = (plain(&said), plain(&given));
    if own.len() < LEAST_WORDS {
        return None;
    }
    let same = |window: &&[usize]| window.iter().zip(&own).all(|(&at, &own)| given[at].text == said[own].text);
    let mut differs = None;
    for window in theirs.windows(own.len()).filter(same) {
        // What stands before the first word and behind the last one may belong to it, or not.
        let (first, last) = (window[0], window[window.len() - 1]);
        let inner = turns(&given[first..=last]);
        let before = given[..first].iter().rev().take_while(|word| word.turns.is_some()).count();
        let behind = given[last..].iter().skip(1).take_while(|word| word.turns.is_some()).count();
        let outer = turns(&given[first - before..=last + behind]);
        let wanted = turns(&said);
        // Where it stands as it is said, once is enough.
        differs = Some(difference(&wanted, &inner, &outer)?);
    }
    differs
}

/// How `wanted` is not `inner` with some of what `outer` has around it.
fn difference(wanted: &[&Word], inner: &[&Word], outer: &[&Word]) -> Option<Miscopied> {
    let fits = outer.windows(wanted.len().max(1)).any(|window| window == wanted) && wanted.len() >= inner.len();
    if fits || wanted.is_empty() && inner.is_empty() {
        return None;
    }
    let denials = |all: &[&Word]| all.iter().filter(|word| word.turns == Some(Miscopied::Denial)).count();
    let denied = (denials(inner)..=denials(outer)).contains(&denials(wanted));
    Some(if denied { Miscopied::Number } else { Miscopied::Denial })
}

fn turns(words: &[Word]) -> Vec<&Word> {
    words.iter().filter(|word| word.turns.is_some()).collect()
}

/// Words in lower case, Chinese characters one by one, numbers without separators of thousands.
fn words(text: &str) -> Vec<Word> {
    let chars: Vec<char> = text.to_lowercase().chars().map(plain_digit).collect();
    let digit = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(char::is_ascii_digit);
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for (at, &c) in chars.iter().enumerate() {
        let within = digit(at.checked_sub(1)) && digit(Some(at + 1));
        if is_han(c) {
            words.push(c.to_string());
            open = false;
        } else if c.is_alphanumeric() || c == '.' && within || c == '\'' && open {
            if !open {
                words.push(String::new());
            }
            words.last_mut().expect("one was just pushed").push(c);
            open = true;
        } else if c != ',' || !within {
            open = false;
        }
    }
    let turns = |text: &str| match text.chars().any(|c| c.is_ascii_digit()) {
        true => Some(Miscopied::Number),
        false => is_denial(text).then_some(Miscopied::Denial),
    };
    words.into_iter().map(|text| Word { turns: turns(&text), text }).collect()
}

/// A digit of full width as one of ASCII.
fn plain_digit(c: char) -> char {
    match c {
        '０'..='９' => char::from(b'0' + (c as u32 - '０' as u32) as u8),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_numbers_and_denials_of_what_it_copies() {
        use Miscopied::{Denial, Number};
        let digits = "Ask the customer: 1 is a lost sensor, 2 is air in a pipe.";
        let limited = "Support is limited to hubs with firmware 4.x, because firmware 5.0 no longer knows repeaters.";
        for (sentence, source, expected) in [
            ("1 is a lost sensor, 2 is air in a pipe.", digits, None),
            ("2 is a lost sensor, 2 is air in a pipe.", digits, Some(Number)),
            ("2 is a lost sensor, 1 is air in a pipe.", digits, Some(Number)),
            ("Support is limited to hubs with firmware 4.x.", limited, None),
            ("Support is not limited to hubs with firmware 4.x.", limited, Some(Denial)),
            ("Firmware 5.0 no longer knows repeaters or anything.", limited, None),
            ("Version 7 knew only three levels.", "Version 6 knew only three levels and no more.", Some(Number)),
            ("knew only three levels", "Version 6 knew only three levels and no more.", None),
            ("It holds 1000 events at a time.", "It holds 1,000 events at a time.", None),
            ("K20 默认值为 96，而是 128。", "大陆版 K20 默认值为 96，而不是 128。", Some(Denial)),
            ("网关会自动连接", "如果名称没有变，网关会自动连接。", None),
            ("网关不会自动连接", "如果名称没有变，网关会自动连接。", Some(Denial)),
            // It stands in one of two places as it is said.
            ("The red pump runs for 5 days.", "The red pump runs for 3 days. The red pump runs for 5 days.", None),
            ("They don't float in warm water.", "They float in warm water.", Some(Denial)),
            ("Frost is covered.", "Frost is not covered.", None),
            ("Another thing is said here.", digits, None),
        ] {
            assert_eq!(miscopied(sentence, source), expected, "{sentence} | {source}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_copies_itself(text in ".{0,60}|[0-9a-c不 ,.]{0,40}") {
            proptest::prop_assert_eq!(miscopied(&text, &text), None);
        }
    }
}
