//! What to look for in the postings.

use std::collections::BTreeMap;

use super::super::analyse::{Term, TermKind, analyse, expansions, is_unspaced};

/// A question as terms and phrases.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Query {
    /// Distinct terms with their weights, in the order of the alphabet, so that
    /// sums of scores do not depend on the order of the words.
    pub terms: Vec<(String, f32)>,
    /// What stood in double quotes, each with two terms or more.
    pub phrases: Vec<Phrase>,
}

/// Terms and how far each stands from the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phrase(pub Vec<(String, u32)>);

/// What a term's repetition in the question adds to its weight.
const REPEATED: f32 = 0.25;

/// Weight of a pair of Han characters that is no word. Most such pairs stand
/// across a word boundary by chance; those of names are rare and count by
/// their rarity.
const PAIR: f32 = 0.5;

/// Weight of what an answer may say in place of a word of the question.
const INSTEAD: f32 = 0.5;

/// Weight of a compound as a whole; its parts count beside it.
const COMPOUND: f32 = 0.5;

impl Query {
    /// Any text is a query; one without words finds nothing.
    pub(super) fn parse(text: &str) -> Self {
        let mut weights: BTreeMap<String, f32> = BTreeMap::new();
        let terms = analyse(text);
        let instead = expansions(text, &terms).into_iter().flat_map(|expansion| expansion.said);
        for term in terms {
            let weight = match term.kind {
                TermKind::Word => 1.0,
                TermKind::Compound => COMPOUND,
                TermKind::Pair => PAIR,
            };
            weights.entry(term.text).and_modify(|w| *w += REPEATED * weight).or_insert(weight);
        }
        for term in instead {
            weights.entry(term).or_insert(INSTEAD);
        }
        let phrases = quoted(text).filter_map(Phrase::parse).filter(|phrase| phrase.0.len() > 1).collect();
        Self { terms: weights.into_iter().collect(), phrases }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

impl Phrase {
    /// None when there is no term in `text`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut terms = analyse(text);
        // A run of Han characters is literally there when all its pairs are;
        // which of them are words depends on the neighbourhood.
        let han = |term: &Term| term.text.chars().all(is_unspaced).then(|| term.text.chars().count());
        if terms.iter().any(|term| han(term) == Some(2)) {
            terms.retain(|term| han(term).is_none_or(|length| length <= 2));
        }
        terms.retain(|term: &Term| term.kind != TermKind::Compound);
        let first = terms.first()?.position;
        Some(Self(terms.into_iter().map(|term| (term.text, term.position - first)).collect()))
    }
}

/// The parts of `text` in double quotes of any script. An opening quote
/// without a closing one opens nothing.
pub(super) fn quoted(text: &str) -> impl Iterator<Item = &str> {
    const QUOTES: [char; 9] = ['"', '“', '”', '„', '«', '»', '「', '」', '＂'];
    let mut marks = text.match_indices(QUOTES);
    std::iter::from_fn(move || {
        let (open, mark) = marks.next()?;
        let (close, _) = marks.next()?;
        Some(&text[open + mark.len()..close])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_keep_their_gaps() {
        let query = Query::parse(r#"who said "state of the art" and "x" and "open"#);
        assert_eq!(query.phrases, [Phrase(vec![("state".into(), 0), ("art".into(), 3)])]);
        assert!(query.terms.iter().any(|(term, _)| term == "open"));
    }

    #[test]
    fn phrases_keep_words_of_every_script() {
        let phrase = |text| Phrase::parse(text).map(|phrase| phrase.0);
        let terms = |terms: &[(&str, u32)]| Some(terms.iter().map(|&(term, at)| (term.to_owned(), at)).collect());
        assert_eq!(phrase("Warranties"), terms(&[("warranti", 0)]));
        assert_eq!(phrase("保修期 Pro Max"), terms(&[("保修", 0), ("修期", 1), ("pro", 3), ("max", 4)]));
        assert_eq!(phrase("of the"), None);
    }

    #[test]
    fn nothing_is_a_syntax_error() {
        for text in ["", "\"", "AND OR NOT", "a:b^2 +(c", "*?~\\", "\"\"", "的", "\u{0}\u{fffd}"] {
            let _ = Query::parse(text);
        }
        assert!(Query::parse("什么是").is_empty());
    }
}
