//! From text to the terms that the lexical index knows.
//!
//! One analyser serves English and Chinese in the same text:
//!
//! 1. [`fold`](fold::fold): compatibility forms (full-width letters), accents and case
//!    are folded, every character keeps its place in the source;
//! 2. runs of letters and digits become words ([`words`]): stop words are
//!    dropped, English is stemmed (Porter2), and compound identifiers are found
//!    whole and in parts;
//! 3. runs of Han characters become dictionary words and overlapping pairs of
//!    characters ([`han`]), since names are in no dictionary.

mod fold;
pub(super) mod han;
mod stop;
mod thesaurus;
mod words;

pub(super) use fold::is_unspaced;
use fold::{Class, Folded, fold};
pub use thesaurus::{Expansion, expansions, instead};

/// A term of the lexical index and where it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The normal form: folded, stemmed.
    pub text: String,
    /// First byte in the text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Number of the word in the text. Stop words count, so that a phrase
    /// with a gap is no phrase; in Chinese, every character counts.
    pub position: u32,
    /// What the term is.
    pub kind: TermKind,
}

/// The kinds of term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TermKind {
    /// A word, or a part of a compound.
    Word,
    /// A compound as a whole (`max_conn`, `E-1042`); its parts follow as words.
    Compound,
    /// Two neighbouring Han characters that are no dictionary word.
    Pair,
}

/// The terms of `text`, ascending by position.
#[must_use]
pub fn analyse(text: &str) -> Vec<Term> {
    let folded = fold(text);
    let mut terms = Vec::with_capacity(folded.len() / 5);
    let mut position = 0;
    let mut at = 0;
    while at < folded.len() {
        let from = at;
        match folded[at].class {
            Class::Han => {
                while at < folded.len() && folded[at].class == Class::Han {
                    at += 1;
                }
                han::push_terms(&folded[from..at], position, &mut terms);
                position += (at - from) as u32;
            }
            Class::Word => {
                at = words::run_end(&folded, at);
                position = words::push_terms(&folded[from..at], position, &mut terms);
            }
            Class::Connector | Class::Other => {
                at += 1;
                // A sentence's end is a gap, so that no phrase crosses it.
                if matches!(folded[from].character, '.' | '!' | '?' | '\n' | '\u{3002}') {
                    position += 1;
                }
            }
        }
    }
    terms
}

fn text_of(run: &[Folded]) -> String {
    run.iter().map(|c| c.character).collect()
}

fn term(run: &[Folded], text: String, position: u32, kind: TermKind) -> Term {
    let (start, end) = (run[0].start, run[run.len() - 1].end);
    Term { text, start, end, position, kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        let terms: Vec<String> = analyse(text)
            .iter()
            .map(|t| match t.kind {
                TermKind::Word => t.text.clone(),
                TermKind::Compound => format!("<{}>", t.text),
                TermKind::Pair => format!("({})", t.text),
            })
            .collect();
        terms.join(" ")
    }

    #[test]
    fn english_is_folded_stemmed_and_freed_of_stop_words() {
        assert_eq!(show("The Cafés were RUNNING, quickly!"), "cafe run quick");
        assert_eq!(show("What's the company's policy? It doesn't say."), "compani polici say");
        assert_eq!(show("ｆｕｌｌ－ｗｉｄｔｈ ＡＢＣ１２３"), "<fullwidth> full width abc123");
    }

    #[test]
    fn acronyms_are_no_stop_words() {
        assert_eq!(show("ask the WHO or IT"), "ask who it");
        assert_eq!(show("ask who it is"), "ask");
    }

    #[test]
    fn identifiers_are_found_whole_and_in_parts() {
        assert_eq!(show("max_conn"), "<maxconn> max conn");
        assert_eq!(show("MaxConn maxConn"), "<maxconn> max conn <maxconn> max conn");
        assert_eq!(show("E-1042"), "<e1042> e 1042");
        assert_eq!(show("tokio::spawn"), "<tokiospawn> tokio spawn");
        assert_eq!(show("v2.3.1"), "<v2.3.1> 2.3.1 <2.3>");
        assert_eq!(show("config.toml"), "<configtoml> config toml");
        assert_eq!(
            show("HTTPServer parseHTTPResponse"),
            "<httpserver> http server <parsehttprespons> pars http respons"
        );
        assert_eq!(show("C++ and C# on AT&T"), "c++ c# <att> at t");
        assert_eq!(show("IL-10, p53 mRNA"), "<il10> il 10 p53 mrna");
    }

    #[test]
    fn numbers_keep_their_value() {
        assert_eq!(show("1,000 3.5% 2024-01-15"), "1000 3.5 <20240115> 2024 01 15");
        assert_eq!(show("costs 3. Then 4"), "cost 3 4");
    }

    #[test]
    fn chinese_words_and_pairs() {
        assert_eq!(show("长江大桥的保修期"), "长江 长江大桥 (江大) 大桥 保修 保修期 (修期)");
        assert_eq!(show("水"), "水");
    }

    #[test]
    fn mixed_text_keeps_exact_places() {
        let text = "使用 E-1042 重启ＡＰＩ Naïve 𝔘𝔫𝔦";
        for term in analyse(text) {
            assert!(text.get(term.start..term.end).is_some_and(|part| !part.is_empty()), "{term:?}");
        }
        let api = analyse(text).into_iter().find(|t| t.text == "api").unwrap();
        assert_eq!(&text[api.start..api.end], "ＡＰＩ");
    }
}
