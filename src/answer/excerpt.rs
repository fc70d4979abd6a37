//! Passages as they are read: their sentences, all of them or some, each in its place.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use attest_ingest::{Span, sentences};

use crate::answer::denials::{denied_by, item};
use crate::answer::rerank::{Hit, Reranked};
use crate::answer::rows::named;
use crate::answer::statements::header_of;
use crate::answer::verify::Source;
use crate::index::Passage;

/// Excerpts in the order of their numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    /// Excerpt `n` of the prompt is `excerpts[n - 1]`.
    pub excerpts: Vec<Excerpt>,
}

/// A part of a passage, as the model sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Excerpt {
    /// The passage it comes from.
    pub hit: Hit,
    /// Title and headings, for the model and the reader.
    pub source: String,
    /// The sentences it shows, as spans of the document's text, in order.
    pub sentences: Vec<Span>,
    /// The text shown: the sentences as they read, with an ellipsis where some are left out.
    pub text: String,
    /// How each sentence reads: as it stands, but a row of a table with the names of its columns, nothing for
    /// the head that they come from, and an item of a list of what is not so behind what denies it.
    pub reads: Vec<String>,
    /// The head of its table for each sentence that is a row under one.
    pub heads: Vec<Option<String>>,
    /// How likely the answer stands on each sentence, by where the model looked when it
    /// read all excerpts; empty when that is not known.
    pub looked: Vec<f32>,
}

/// The best passages, so many of them, read whole; those that repeat one of higher rank are skipped.
#[must_use]
pub fn whole(reranked: &Reranked, passages: usize) -> Packed {
    let mut seen: HashSet<String> = HashSet::new();
    let hits = reranked.hits.iter().filter(|hit| seen.insert(normalized(&hit.passage.text)));
    let read = |hit: &Hit| -> Vec<Span> {
        let from = hit.passage.span.start;
        let unread = |span: &Span| hit.unread.contains(&Span::new(from + span.start, from + span.end));
        sentences(&hit.passage.text).into_iter().filter(|span| !unread(span)).collect()
    };
    let excerpts = hits.map(|hit| Excerpt::of(hit, &read(hit)));
    Packed { excerpts: excerpts.filter(|excerpt| !excerpt.sentences.is_empty()).take(passages).collect() }
}

impl Packed {
    /// With how likely the answer stands on each sentence, in their order, if it is known.
    #[must_use]
    pub fn looked_at(mut self, looked: Option<&[f32]>) -> Self {
        let Some(mut looked) = looked else { return self };
        for excerpt in &mut self.excerpts {
            let Some((own, rest)) = looked.split_at_checked(excerpt.sentences.len()) else { break };
            (excerpt.looked, looked) = (own.to_vec(), rest);
        }
        self
    }

    /// The passages, those first that the model looked at most, if it is known.
    #[must_use]
    pub fn closest(&self) -> Vec<Hit> {
        let looked = |excerpt: &Excerpt| excerpt.looked.iter().copied().fold(0.0, f32::max);
        let mut closest: Vec<&Excerpt> = self.excerpts.iter().collect();
        closest.sort_by(|a, b| looked(b).total_cmp(&looked(a)));
        closest.into_iter().map(|excerpt| excerpt.hit.clone()).collect()
    }

    /// How likely the answer stands on the sentence at `source`, if it is known.
    #[must_use]
    pub fn looked(&self, source: &Source) -> Option<f32> {
        let excerpt = self.excerpts.get(source.excerpt)?;
        let index = excerpt.sentences.iter().position(|span| *span == source.span)?;
        excerpt.looked.get(index).copied()
    }

    /// Nothing but the sentences at `sources`, rows with the head of their table.
    #[must_use]
    pub fn only(&self, sources: &[Source]) -> Self {
        let cut = |number: usize, shown: &Excerpt| {
            let passage = &shown.hit.passage;
            let all = sentences(&passage.text);
            let heads = table_heads(&passage.text, &all);
            let wanted = |span: Span| {
                let (start, end) = (passage.span.start + span.start, passage.span.start + span.end);
                sources.iter().any(|at| at.excerpt == number && at.span.start < end && start < at.span.end)
            };
            let chosen: BTreeSet<usize> = (0..all.len())
                .filter(|&index| wanted(all[index]))
                .flat_map(|index| heads[index].clone().chain([index]))
                .collect();
            let chosen: Vec<Span> = chosen.into_iter().map(|index| all[index]).collect();
            (!chosen.is_empty()).then(|| Excerpt::of(&shown.hit, &chosen))
        };
        Self { excerpts: self.excerpts.iter().enumerate().filter_map(|(number, shown)| cut(number, shown)).collect() }
    }
}

/// For each sentence, those that are the head of its table: the first row and
/// the line of dashes under it. Empty for what is no row under such a head.
pub(in crate::answer) fn table_heads(text: &str, all: &[Span]) -> Vec<Range<usize>> {
    let row = |index: usize| all.get(index).map(|s| &text[s.start..s.end]).filter(|row| row.starts_with('|'));
    let mut head = 0..0;
    let of = |index: usize| {
        if row(index).is_none() {
            head = 0..0;
        } else if row(index + 1).is_some_and(is_table_rule) {
            head = index..index + 2;
        }
        if head.contains(&index) { 0..0 } else { head.clone() }
    };
    (0..all.len()).map(of).collect()
}

/// A table of a passage.
pub(in crate::answer) struct Table<'a> {
    /// The row that names the columns.
    pub head: &'a str,
    /// The rows under it, and where they stand in the document.
    pub rows: Vec<(Span, &'a str)>,
}

/// The tables of a passage whose columns have names.
pub(in crate::answer) fn tables(passage: &Passage) -> Vec<Table<'_>> {
    let all = sentences(&passage.text);
    let heads = table_heads(&passage.text, &all);
    let own = |index: usize| &passage.text[all[index].start..all[index].end];
    let span = |index: usize| Span::new(passage.span.start + all[index].start, passage.span.start + all[index].end);
    let mut tables: Vec<(usize, Table<'_>)> = Vec::new();
    // The rows that continue the table of the passage before.
    let continued = header_of(&passage.context).unwrap_or_default();
    for index in (0..all.len()).filter(|&index| own(index).starts_with('|') && !is_table_rule(own(index))) {
        let (begins, head) = match heads[index].clone().next() {
            Some(head) => (head, own(head)),
            None if heads.iter().any(|head| head.contains(&index)) || continued.is_empty() => continue,
            None => (usize::MAX, continued),
        };
        let row = (span(index), own(index));
        match tables.last_mut().filter(|(of, _)| *of == begins) {
            Some((_, table)) => table.rows.push(row),
            None => tables.push((begins, Table { head, rows: vec![row] })),
        }
    }
    tables.into_iter().map(|(_, table)| table).collect()
}

/// Whether a row of a table is the line of dashes under its head.
pub(in crate::answer) fn is_table_rule(row: &str) -> bool {
    row.contains('-') && row.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

impl Excerpt {
    /// An excerpt of a passage: these sentences of its text.
    pub(in crate::answer) fn of(hit: &Hit, chosen: &[Span]) -> Self {
        let passage = &hit.passage;
        let (reads, heads) = reads(passage, chosen).into_iter().unzip::<_, _, Vec<String>, Vec<Option<String>>>();
        let mut text = String::new();
        let mut last: Option<Span> = None;
        for (&span, own) in chosen.iter().zip(&reads).filter(|(_, own)| !own.is_empty()) {
            let row = |span: Span| passage.text[span.start..span.end].starts_with('|');
            match last.map(|last| (last, &passage.text[last.end..span.start])) {
                // The gap between two neighbouring sentences is kept as it is, so that lists stay lists.
                Some((_, gap)) if gap.trim().is_empty() => text.push_str(gap),
                Some((last, _)) if row(last) || row(span) => text.push('\n'),
                Some(_) => text.push_str(" … "),
                None => {}
            }
            text.push_str(own);
            last = Some(span);
        }
        let mut source = vec![hit.edition.as_deref().unwrap_or(&passage.title)];
        source.extend(passage.headings.iter().map(String::as_str).filter(|heading| *heading != passage.title));
        let context: Vec<&str> = passage.context.lines().filter(|line| !line.trim_start().starts_with('|')).collect();
        let context = context.join("\n");
        let context = context.trim();
        Self {
            source: source.join(" › "),
            sentences: chosen
                .iter()
                .map(|s| Span::new(passage.span.start + s.start, passage.span.start + s.end))
                .collect(),
            text: if context.is_empty() { text } else { format!("{context}\n{text}") },
            reads,
            heads,
            hit: hit.clone(),
            looked: Vec::new(),
        }
    }
}

/// How each of these sentences of a passage reads, see [`Excerpt::reads`], and the head of its table.
fn reads(passage: &Passage, chosen: &[Span]) -> Vec<(String, Option<String>)> {
    let all = sentences(&passage.text);
    let heads = table_heads(&passage.text, &all);
    let own = |span: Span| &passage.text[span.start..span.end];
    let denied = denied_by(passage, &all);
    let context = header_of(&passage.context);
    let read = |span: &Span| {
        let Some(index) = all.iter().position(|of| of == span) else { return (own(*span).to_owned(), None) };
        if heads.iter().any(|head| head.contains(&index)) {
            return (String::new(), None);
        }
        if let (Some(lead), Some(item)) = (&denied[index], item(own(*span))) {
            return (format!("{lead}: {}", item.trim_end()), None);
        }
        let head = heads[index].clone().next().map(|head| own(all[head])).or(context);
        let named =
            head.filter(|_| own(*span).starts_with('|')).and_then(|head| Some((head, named(head, own(*span))?)));
        named.map_or_else(|| (own(*span).to_owned(), None), |(head, read)| (read, Some(head.to_owned())))
    };
    chosen.iter().map(read).collect()
}

fn normalized(text: &str) -> String {
    text.split_whitespace().flat_map(|word| word.chars().flat_map(char::to_lowercase)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture;

    fn reranked(texts: &[&str]) -> Reranked {
        Reranked { hits: (1..).zip(texts).map(|(id, text)| fixture::excerpt(id, "Pumps", text).hit).collect() }
    }

    #[test]
    fn passages_are_read_once() {
        let shown = |passages: usize| -> Vec<String> {
            let read = whole(&reranked(&["It pumps. It hums.", "It  pumps. it hums.", "", "Oil it."]), passages);
            read.excerpts.into_iter().map(|excerpt| excerpt.text).collect()
        };
        assert_eq!(shown(9), ["It pumps. It hums.", "Oil it."]);
        assert_eq!(shown(1), ["It pumps. It hums."]);
    }

    #[test]
    fn only_what_is_cited_is_left_with_the_head_of_its_table() {
        let table = "| part | price |\n|---|---|\n| seal | 3 euros |\n| ring | 4 euros |";
        let packed = whole(&reranked(&["It pumps. It hums.", table, "Oil it."]), 3);
        let source = |excerpt: usize, index: usize| Source { excerpt, span: packed.excerpts[excerpt].sentences[index] };
        let shown: Vec<String> =
            packed.only(&[source(1, 3), source(0, 1)]).excerpts.into_iter().map(|excerpt| excerpt.text).collect();
        assert_eq!(shown, ["It hums.", "part: ring; price: 4 euros"]);
    }

    #[test]
    fn a_table_reads_row_by_row_also_where_it_goes_on_in_another_passage() {
        let shown = |text: &str, context: &str, chosen: &[usize]| -> String {
            let mut hit = fixture::excerpt(1, "Pumps", text).hit;
            hit.passage.context = context.into();
            let all = sentences(text);
            Excerpt::of(&hit, &chosen.iter().map(|&index| all[index]).collect::<Vec<_>>()).text
        };
        let table = "It has parts.\n\n| part | price |\n|---|---|\n| seal | 3 euros |\n| ring | 4 euros |\n\nOil it.";
        assert_eq!(
            shown(table, "", &[0, 1, 2, 3, 4, 5]),
            "It has parts.\npart: seal; price: 3 euros\npart: ring; price: 4 euros\n\nOil it."
        );
        assert_eq!(shown(table, "", &[0, 1, 2, 4]), "It has parts.\npart: ring; price: 4 euros");
        let rest = "| ring | 4 euros |\n| no | cells | more |";
        assert_eq!(
            shown(rest, "The parts:\n| part | price |", &[0, 1]),
            "The parts:\npart: ring; price: 4 euros\n| no | cells | more |"
        );
    }
}
