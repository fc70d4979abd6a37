//! The entities that a question may speak of.

use super::key::{is_han, key_of};
use super::stop::is_stop;
use super::words::words;

/// A key that the question may mean, and the units of the question it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub key: String,
    /// First unit.
    pub first: usize,
    /// One past the last unit.
    pub last: usize,
    /// In how many passages its rarest word stands; 0: not known.
    pub df: usize,
}

/// Words of a name at most.
const MAX_WORDS: usize = 6;

/// Chinese characters of a name at most.
const MAX_HAN: usize = 10;

/// All keys that stand in `question`. A question may be written carelessly
/// ("who is christopher nolan"), so every run of its words, and of its Chinese
/// characters, is looked up; there are a few hundred at most.
pub(super) fn candidates(question: &str) -> Vec<Candidate> {
    let units = units(question);
    let mut found: Vec<Candidate> = Vec::new();
    for first in 0..units.len() {
        let most = if units[first].han { MAX_HAN } else { MAX_WORDS };
        for last in first + 1..=units.len().min(first + most) {
            let run = &units[first..last];
            let single_han = run.len() == 1 && units[first].han;
            let stop = run.iter().all(|unit| unit.stop) || (run.len() > 1 && (run[0].stop || run[run.len() - 1].stop));
            if single_han || stop {
                continue;
            }
            let text = &question[units[first].start..units[last - 1].end];
            let known = |key: &String| found.iter().any(|candidate| candidate.key == *key);
            if let Some(key) = key_of(text).filter(|key| key.chars().count() > 1 && !known(key)) {
                found.push(Candidate { key, first, last, df: 0 });
            }
        }
    }
    found
}

/// A word, or a Chinese character.
struct Unit {
    start: usize,
    end: usize,
    han: bool,
    stop: bool,
}

fn units(question: &str) -> Vec<Unit> {
    let mut units: Vec<Unit> = words(question)
        .iter()
        .map(|word| Unit { start: word.start, end: word.end(), han: false, stop: is_stop(&word.text.to_lowercase()) })
        .collect();
    let han = question.char_indices().filter(|&(_, c)| is_han(c));
    units.extend(han.map(|(at, c)| Unit { start: at, end: at + c.len_utf8(), han: true, stop: false }));
    units.sort_unstable_by_key(|unit| unit.start);
    units
}

/// Leaves out what stands inside a longer one: who asks for the K20 XL does not
/// ask for the K20.
pub(super) fn longest<T>(mut found: Vec<(Candidate, T)>) -> Vec<(Candidate, T)> {
    let spans: Vec<(usize, usize)> = found.iter().map(|(candidate, _)| (candidate.first, candidate.last)).collect();
    let inside =
        |inner: (usize, usize), outer: (usize, usize)| inner != outer && outer.0 <= inner.0 && inner.1 <= outer.1;
    found.retain(|(c, _)| !spans.iter().any(|&span| inside((c.first, c.last), span)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(question: &str) -> Vec<String> {
        candidates(question).into_iter().map(|candidate| candidate.key).collect()
    }

    #[test]
    fn runs_of_words_without_stop_words_at_their_ends() {
        let keys = keys("who directed the film of christopher nolan?");
        for key in ["christopher nolan", "film of christopher", "directed"] {
            assert!(keys.iter().any(|k| k == key), "{key} is not in {keys:?}");
        }
        assert!(!keys.iter().any(|key| key.starts_with("of ") || key == "who"), "{keys:?}");
    }

    #[test]
    fn chinese_and_mixed() {
        let keys = keys("H1网关能用吗");
        for key in ["h1网关", "h1", "网关"] {
            assert!(keys.iter().any(|k| k == key), "{key} is not in {keys:?}");
        }
    }

    #[test]
    fn the_longest_wins() {
        let found = candidates("the K20 XL").into_iter().map(|c| (c, ())).collect();
        let keys: Vec<String> = longest(found).into_iter().map(|(c, ())| c.key).collect();
        assert_eq!(keys, ["k20 xl"]);
    }
}
