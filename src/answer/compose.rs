//! The answer: sentences with numbered citations, or that there is none.

use attest_ingest::Span;

use crate::answer::denials::item;
use crate::answer::excerpt::Packed;
use crate::answer::links::has_foreign_link;
use crate::answer::question::Language;
use crate::answer::rerank::Hit;
use crate::answer::rows::cells;
use crate::answer::verify::{CheckedSentence, Source, Verdict};
use crate::index::Passage;

/// What the documents say.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// They answer the question.
    Grounded {
        /// The sentences in order; unsupported ones have no citations and are not part of the text.
        sentences: Vec<Sentence>,
        /// What the marks stand for, in order.
        citations: Vec<Citation>,
    },
    /// They do not.
    NotFound {
        /// What the model wrote and the sources did not carry, if it wrote anything.
        sentences: Vec<Sentence>,
        /// The closest passages.
        closest: Vec<Hit>,
    },
}

/// A sentence with its marks.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentence {
    /// The sentence and its verdict.
    pub checked: CheckedSentence,
    /// Its marks, ascending.
    pub citations: Vec<usize>,
}

impl Sentence {
    /// Whether it is what its citations say, word for word; of `citations`, its marks name some.
    /// A row of a table says the same with the names of its columns, and an item of a list behind what denies it.
    #[must_use]
    pub fn is_quote(&self, citations: &[Citation]) -> bool {
        let dense = |text: &str| text.split_whitespace().collect::<String>();
        let own = dense(&self.checked.text);
        let cited: Vec<&Citation> = citations.iter().filter(|of| self.citations.contains(&of.marker)).collect();
        if let [row] = cited[..]
            && row.quote.starts_with('|')
        {
            return says_row(&self.checked.text, &row.quote) || own == dense(&row.quote);
        }
        if let [only] = cited[..]
            && says_item(&self.checked.text, only)
        {
            return true;
        }
        // The mark of a list's item is not said.
        let said = |citation: &&Citation| dense(item(&citation.quote).unwrap_or(&citation.quote));
        let length: usize = cited.iter().map(|citation| said(citation).len()).sum();
        !cited.is_empty() && own.len() == length && cited.iter().all(|citation| own.contains(&said(citation)))
    }
}

/// Whether a text is a row with the names of its columns: a part for each cell, which is the cell behind its name.
fn says_row(text: &str, row: &str) -> bool {
    let cells: Vec<String> = cells(row).into_iter().filter(|cell| !cell.is_empty()).collect();
    let mut rest = text;
    for (at, cell) in cells.iter().enumerate() {
        let end = if at + 1 < cells.len() { format!("{cell}; ") } else { cell.clone() };
        let Some(found) = rest.find(&end) else { return false };
        let name = &rest[..found];
        if !(name.is_empty() || name.ends_with(": ")) {
            return false;
        }
        rest = &rest[found + end.len()..];
    }
    rest.is_empty() && !cells.is_empty()
}

/// Whether a text is an item of a list behind the line that leads to it.
fn says_item(text: &str, citation: &Citation) -> bool {
    let Some(item) = item(&citation.quote) else { return false };
    let lead = text.strip_suffix(item.trim_end()).and_then(|lead| lead.strip_suffix(": "));
    let passage = &citation.passage;
    lead.is_some_and(|lead| passage.headings.iter().any(|heading| heading == lead) || passage.text.contains(lead))
}

/// A quoted source sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Citation {
    /// The number in the mark, counted from 1 in order of first use.
    pub marker: usize,
    /// The passage it stands in.
    pub passage: Passage,
    /// The quote, as part of the document's text.
    pub span: Span,
    /// The document's text at `span`.
    pub quote: String,
    /// Page on which it begins (PDF).
    pub page: Option<u32>,
    /// First and last line in the file (formats with lines).
    pub lines: Option<(u32, u32)>,
}

/// Where a span of a document stands.
pub type Locate<'a> = dyn Fn(&Passage, Span) -> (Option<u32>, Option<(u32, u32)>) + 'a;

/// The sentences that stand, with their citations; "not found" when none does.
#[must_use]
pub fn compose(checked: Vec<CheckedSentence>, packed: &Packed, locate: &Locate<'_>) -> Answer {
    let mut citations: Vec<Citation> = Vec::new();
    let mut cited: Vec<Source> = Vec::new();
    let sentences: Vec<Sentence> = checked
        .into_iter()
        .map(|checked| without_foreign_links(checked, packed))
        .map(|checked| {
            if checked.verdict == Verdict::Unsupported {
                return Sentence { checked, citations: Vec::new() };
            }
            let mut marks: Vec<usize> = checked
                .sources
                .iter()
                .map(|source| {
                    if let Some(known) = cited.iter().position(|other| other == source) {
                        return known + 1;
                    }
                    cited.push(*source);
                    citations.push(citation(cited.len(), *source, packed, locate));
                    cited.len()
                })
                .collect();
            marks.sort_unstable();
            Sentence { checked, citations: marks }
        })
        .collect();
    if citations.is_empty() {
        return Answer::NotFound { sentences, closest: packed.closest() };
    }
    Answer::Grounded { sentences, citations }
}

/// A sentence with an image, or with a link that its sources do not have, does
/// not stand, whatever else it says.
fn without_foreign_links(checked: CheckedSentence, packed: &Packed) -> CheckedSentence {
    let quotes: Vec<&str> = checked.sources.iter().map(|&source| quote(source, packed)).collect();
    if checked.verdict == Verdict::Unsupported || !has_foreign_link(&checked.text, &quotes) {
        return checked;
    }
    CheckedSentence { verdict: Verdict::Unsupported, sources: Vec::new(), ..checked }
}

/// The document's text at `source`.
fn quote(source: Source, packed: &Packed) -> &str {
    let passage = &packed.excerpts[source.excerpt].hit.passage;
    &passage.text[source.span.start - passage.span.start..source.span.end - passage.span.start]
}

fn citation(marker: usize, source: Source, packed: &Packed, locate: &Locate<'_>) -> Citation {
    let passage = &packed.excerpts[source.excerpt].hit.passage;
    let (page, lines) = locate(passage, source.span);
    Citation {
        marker,
        span: source.span,
        quote: quote(source, packed).to_owned(),
        page,
        lines,
        passage: passage.clone(),
    }
}

impl Answer {
    /// The answer as one text with its marks; for "not found", a sentence in `language` that says so.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let Self::Grounded { sentences, .. } = self else {
            return match language {
                Language::English => "The documents do not answer this question.",
                Language::Chinese => "文档中没有找到这个问题的答案。",
            }
            .to_owned();
        };
        let mut text = String::new();
        for sentence in sentences.iter().filter(|s| s.checked.verdict == Verdict::Supported) {
            let words = sentence.checked.text.as_str();
            if !text.is_empty() {
                text.push_str(separator(&text, words));
            }
            text.push_str(words);
            if !words.ends_with(['。', '！', '？']) {
                text.push(' ');
            }
            for mark in &sentence.citations {
                text.push_str(&format!("[{mark}]"));
            }
        }
        text
    }
}

/// List items stand on lines of their own; Chinese sentences follow without a space.
fn separator(before: &str, next: &str) -> &'static str {
    let item =
        next.starts_with(['-', '*', '•', '|']) || next.split_once(". ").is_some_and(|(n, _)| n.parse::<u8>().is_ok());
    if item {
        "\n"
    } else if before.ends_with(']') && next.chars().next().is_some_and(super::question::is_han) {
        ""
    } else {
        " "
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;
    use crate::answer::verify::Signals;

    #[test]
    fn a_quote_is_what_is_cited_word_for_word() {
        let text =
            "Oil it.\nThe valve opens\nat nine bar. We like it.\n\n| part | price |\n|---|---|\n| seal | 3 euros |";
        let packed = Packed { excerpts: vec![excerpt(1, "Pump", text)] };
        let quotes = |text: &str, cited: &[usize]| {
            let source = |&index: &usize| Source { excerpt: 0, span: packed.excerpts[0].sentences[index] };
            let checked = CheckedSentence {
                text: text.into(),
                sources: cited.iter().map(source).collect(),
                support: 1.0,
                verdict: Verdict::Supported,
                signals: Signals::default(),
            };
            let answer = compose(vec![checked], &packed, &|_, _| (None, None));
            let Answer::Grounded { sentences, citations } = answer else { panic!("{answer:?}") };
            sentences[0].is_quote(&citations)
        };
        assert!(quotes("The valve opens at nine bar.", &[1]));
        assert!(quotes("The valve opens at nine bar. We like it.", &[1, 2]));
        assert!(quotes("part: seal; price: 3 euros", &[5]));
        assert!(!quotes("The valve opens at nine bar", &[1]), "it is cut off");
        assert!(!quotes("The valve opens at nine bar.", &[1, 2]), "it says less than is cited");
        assert!(!quotes("part: seal; price: 4 euros", &[5]));
        assert!(!quotes("The seal costs 3 euros", &[5]), "it is in other words");
    }
}
