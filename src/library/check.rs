//! Whether what is written stands on the passages, and where in the documents.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use attest_ingest::{Document, Span};

use crate::answer::{
    Answer, CheckedSentence, Contradicted, Packed, Source, WeightedTerms, compose, is_refusal, looked_up, pointed,
    quote_instead, verify, without_false_premises,
};
use crate::index::{Passage, Scope};
use crate::library::Library;
use crate::library::confirm::Pointed;

/// Holds texts against passages. Each cited document is read once an answer.
pub(super) struct Checking<'a> {
    pub(super) library: &'a Library,
    /// The question, with the amounts of the documents where they contradict its own.
    pub(super) question: &'a str,
    /// What in the question as asked they contradict.
    pub(super) premises: &'a [Contradicted],
    pub(super) scope: &'a Scope,
    pub(super) documents: RefCell<HashMap<String, Option<Document>>>,
}

impl Checking<'_> {
    pub(super) fn check(&self, packed: &Packed, draft: &str) -> Answer {
        if is_refusal(draft) {
            return Answer::NotFound { sentences: Vec::new(), closest: packed.closest() };
        }
        let rarity = |term: &str| self.library.rarity(term, self.scope);
        let checked = verify(draft, self.question, packed, &rarity);
        self.compose(without_false_premises(checked, packed, self.premises), packed)
    }

    /// What the excerpts say in their own words, where the model answered and
    /// none of it stands. A wrong yes then shows the sentence that denies it.
    pub(super) fn quoted(&self, fallen: &Answer, packed: &Packed, draft: &str) -> Option<Answer> {
        let Answer::NotFound { sentences, .. } = fallen else { return None };
        if sentences.is_empty() {
            return None;
        }
        let rarity = |term: &str| self.library.rarity(term, self.scope);
        let terms = |text: &str| WeightedTerms::new(text, &rarity);
        let quotes = quote_instead(self.question, draft, &terms, packed);
        let fallen = sentences.iter().map(|sentence| sentence.checked.clone());
        let answer = self.compose(fallen.chain(quotes).collect(), packed);
        matches!(answer, Answer::Grounded { .. }).then_some(answer)
    }

    /// The cell that the question names, or what the model looked at most, if it tells.
    pub(super) fn pointed(&self, packed: &Packed) -> Option<Pointed> {
        let rarity = |term: &str| self.library.rarity(term, self.scope);
        let weighted = |text: &str| WeightedTerms::new(text, &rarity);
        let found = looked_up(self.question, &weighted, packed);
        let named = found.is_some();
        let (quote, looked) = found.map(|quote| (quote, 0.0)).or_else(|| pointed(self.question, &weighted, packed))?;
        Some(Pointed { answer: self.compose(quote, packed), looked, named })
    }

    pub(super) fn compose(&self, checked: Vec<CheckedSentence>, packed: &Packed) -> Answer {
        compose(checked, packed, &|passage, span| self.locate(passage, span))
    }

    /// Page and lines of `span`; those of the whole passage when the document
    /// was removed while the answer was being written.
    pub(super) fn locate(&self, passage: &Passage, span: Span) -> (Option<u32>, Option<(u32, u32)>) {
        let mut documents = self.documents.borrow_mut();
        let document = documents
            .entry(passage.document_id.clone())
            .or_insert_with(|| self.library.index.document(&passage.document_id).ok());
        match document {
            Some(document) if span.end <= document.text.len() => {
                (document.page_at(span.start), document.lines_at(span))
            }
            _ => (passage.page, passage.lines),
        }
    }
}

/// How likely the answer stands on what `answer` cites, by where the model looked, if it is known.
pub(super) fn cited_looked(answer: &Answer, packed: &Packed) -> Option<f32> {
    let Answer::Grounded { sentences, .. } = answer else { return None };
    let sources: HashSet<Source> = sentences.iter().flat_map(|sentence| sentence.checked.sources.clone()).collect();
    sources.iter().map(|source| packed.looked(source)).sum()
}
