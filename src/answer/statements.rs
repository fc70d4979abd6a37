//! What the passages say, sentence by sentence and, in tables, cell by cell, so
//! that two places can be held against each other.

use std::collections::BTreeSet;

use attest_ingest::{Span, sentences};

use crate::answer::amounts::{Amount, amounts};
use crate::answer::names::names;
use crate::answer::rerank::Hit;
use crate::answer::rows::cells;
use crate::answer::verify::facts::identifiers;
use crate::index::{TermKind, analyse};

/// A sentence, or a cell of a table with its row and column.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Index of the passage.
    pub hit: usize,
    /// The sentence or the row, as part of the document's text.
    pub span: Span,
    /// The sentence, or what the cell holds.
    pub text: String,
    /// Whether it is a cell.
    pub cell: bool,
    /// For a cell, the name of its row.
    pub label: String,
    /// Its terms without amounts; for a cell, those of its row's and its column's name.
    pub terms: BTreeSet<String>,
    /// For a cell, the terms of its column's name.
    pub column: BTreeSet<String>,
    /// The terms of the title and the headings above it.
    pub scene: BTreeSet<String>,
    /// Names and identifiers that it speaks of, in lower case.
    pub subjects: BTreeSet<String>,
    /// Its amounts.
    pub amounts: Vec<Amount>,
}

impl Statement {
    /// The statement's only amount in `unit`.
    #[must_use]
    pub fn only(&self, unit: &str) -> Option<&Amount> {
        let mut all = self.amounts.iter().filter(|amount| amount.unit == unit);
        all.next().filter(|_| all.next().is_none())
    }

    /// The amount as it is written, on one line.
    #[must_use]
    pub fn written(&self, amount: &Amount) -> String {
        self.text[amount.range.clone()].split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Whether it or what stands above it has all words of a name.
    #[must_use]
    pub fn knows_name(&self, name: &str) -> bool {
        let words = content(name, &[]);
        self.subjects.contains(name) || !words.is_empty() && words.iter().all(|term| self.knows(term))
    }

    /// Whether it or what stands above it has the term.
    #[must_use]
    pub fn knows(&self, term: &str) -> bool {
        self.terms.contains(term) || self.scene.contains(term)
    }
}

/// All statements of the passages, in order.
#[must_use]
pub fn statements(hits: &[Hit]) -> Vec<Statement> {
    let mut all = Vec::new();
    for (index, hit) in hits.iter().enumerate() {
        let passage = &hit.passage;
        let scene_text = format!("{}\n{}", passage.title, passage.headings.join("\n"));
        let scene = content(&scene_text, &[]);
        let own: Vec<Span> = sentences(&passage.text);
        let mut head: Option<Vec<String>> = header_of(&passage.context).map(cells);
        let mut in_table = head.is_some();
        for span in own {
            let text = passage.text[span.start..span.end].trim();
            let in_document = Span::new(passage.span.start + span.start, passage.span.start + span.end);
            let statement = |text: String,
                             cell: bool,
                             names_text: &str,
                             column: BTreeSet<String>,
                             terms: BTreeSet<String>,
                             amounts: Vec<Amount>| Statement {
                hit: index,
                span: in_document,
                subjects: subjects(names_text),
                text,
                cell,
                label: if cell { names_text.to_owned() } else { String::new() },
                terms,
                column,
                scene: scene.clone(),
                amounts,
            };
            if text.starts_with('|') {
                let cells = cells(text);
                if !in_table || head.is_none() {
                    head = Some(cells);
                    in_table = true;
                    continue;
                }
                if text.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ')) {
                    continue;
                }
                let columns = head.as_deref().unwrap_or_default();
                let Some((label, values)) = cells.split_first() else { continue };
                // "Zone 1" and "Zone 2" are different rows.
                let all_terms = |text: &str| analyse(text).into_iter().map(|term| term.text).collect::<BTreeSet<_>>();
                let row = all_terms(label);
                for (at, value) in values.iter().enumerate() {
                    let name = columns.get(at + 1).map_or("", String::as_str);
                    let column = all_terms(name);
                    let terms = row.union(&column).cloned().collect();
                    all.push(statement(value.clone(), true, label, column, terms, amounts(value)));
                }
                continue;
            }
            in_table = false;
            head = None;
            // Headings and questions say nothing.
            if text.starts_with('#') || text.ends_with(['?', '？']) {
                continue;
            }
            let found = amounts(text);
            let terms = content(text, &found);
            all.push(statement(text.to_owned(), false, text, BTreeSet::new(), terms, found));
        }
    }
    all
}

/// The terms of `text` outside of its amounts that are not mere numbers.
#[must_use]
pub fn content(text: &str, amounts: &[Amount]) -> BTreeSet<String> {
    analyse(text)
        .into_iter()
        .filter(|term| amounts.iter().all(|a| term.end <= a.range.start || term.start >= a.range.end))
        .map(|term| term.text)
        .filter(|term| !term.chars().all(|c| c.is_ascii_digit() || c == '.'))
        .collect()
}

/// The terms of `text` that are words, not mere pairs of Han characters.
#[must_use]
pub fn words_of(text: &str) -> BTreeSet<String> {
    analyse(text).into_iter().filter(|term| term.kind != TermKind::Pair).map(|term| term.text).collect()
}

/// Names and identifiers, in lower case.
#[must_use]
pub fn subjects(text: &str) -> BTreeSet<String> {
    names(text).into_iter().map(|name| name.to_lowercase()).chain(identifiers(text)).collect()
}

pub(in crate::answer) fn header_of(context: &str) -> Option<&str> {
    context.lines().find(|line| line.trim_start().starts_with('|'))
}

/// The share of the smaller set that both have, and of the larger one.
#[must_use]
pub fn overlap(a: &BTreeSet<String>, b: &BTreeSet<String>) -> (f32, f32) {
    let both = a.intersection(b).count() as f32;
    (both / a.len().min(b.len()).max(1) as f32, both / a.len().max(b.len()).max(1) as f32)
}

/// The least shares of the smaller and of the larger set of terms that
/// sentences of two editions have in common where they say the same thing.
const PARALLEL: (f32, f32) = (0.6, 0.4);

/// Whether two sentences of two editions, by their terms, are about the same thing.
#[must_use]
pub fn says_the_same(a: &BTreeSet<String>, b: &BTreeSet<String>) -> bool {
    let (smaller, larger) = overlap(a, b);
    smaller >= PARALLEL.0 && larger >= PARALLEL.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;

    #[test]
    fn sentences_and_cells_are_statements() {
        let text = "# Tiers\n\nAll is well. Is it?\n\n| | Plus | Critical |\n| --- | --- | --- |\n| First response | 8 hours | 4 hours |";
        let found = statements(&[excerpt(1, "Policy", text).hit]);
        let shown: Vec<(&str, bool)> = found.iter().map(|s| (s.text.as_str(), s.cell)).collect();
        assert_eq!(shown, [("All is well.", false), ("8 hours", true), ("4 hours", true)]);
        assert!(found[1].terms.contains("plus") && found[1].terms.contains("respons") && found[1].knows("polici"));
        assert_eq!(found[1].only("hour").map(|a| a.value), Some(8.0));
        let row = &text[found[2].span.start..found[2].span.end];
        assert_eq!(row, "| First response | 8 hours | 4 hours |");
    }

    proptest::proptest! {
        #[test]
        fn spans_stand_in_the_passage(text in "(\\| ?[a-z0-9 ]{0,6}\\|\\n?|[a-z]{1,6}[.] ?|\\|-\\|\\n|保修24个月。|.){0,30}") {
            for statement in statements(&[excerpt(1, "T", &text).hit]) {
                proptest::prop_assert!(text.get(statement.span.start..statement.span.end).is_some());
                for amount in &statement.amounts {
                    proptest::prop_assert!(statement.text.get(amount.range.clone()).is_some());
                }
            }
        }
    }
}
