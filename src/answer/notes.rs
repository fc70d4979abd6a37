//! What a reader should know beside the answer: which edition it comes from,
//! where sources disagree with it, and what the question wrongly takes for granted.
//!
//! A note says it in a sentence and cites the places. Nothing is said where it
//! is not sure that two places speak of the same thing: other products, other
//! identifiers, reports of how it used to be are no disagreement.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use attest_ingest::Span;
use serde::{Deserialize, Serialize};

use crate::answer::amounts::{Amount, amounts};
use crate::answer::compose::{Answer, Citation, Locate};

use crate::answer::negation::negative;
use crate::answer::premise::{Contradicted, clause};
use crate::answer::question::{Language, Question};
use crate::answer::rerank::Hit;
use crate::answer::statements::{Statement, content, overlap, says_the_same, subjects, words_of};
use crate::answer::verify::Verdict;
use crate::answer::verify::facts::identifiers;
use crate::answer::versions::{Edition, Editions, names_a_version, same_matter};
use crate::index::Passage;

/// Something that a reader should know beside the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// What about.
    pub kind: NoteKind,
    /// A sentence in the language of the question.
    pub text: String,
    /// The places, with marks that go on from those of the answer.
    pub citations: Vec<Citation>,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// The question takes something for granted that the documents contradict.
    Premise,
    /// The answer's document has other editions.
    NewerVersion,
    /// Another document says something else.
    Disagreement,
    /// A part of the question has no answer.
    Unanswered,
}

/// What was found for a question.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The question.
    pub question: &'a Question,
    /// The passages, best first.
    pub hits: &'a [Hit],
    /// What they say.
    pub statements: &'a [Statement],
    /// The premises of the question that they contradict.
    pub premises: &'a [Contradicted],
    /// The editions that their documents are.
    pub editions: &'a Editions,
    /// The beginning of a document's text.
    pub head: &'a dyn Fn(&str) -> String,
    /// A term's inverse document frequency.
    pub rarity: &'a dyn Fn(&str) -> f32,
}

/// The least shares of the smaller and of the larger set of terms that
/// sentences of two documents of their own have in common where they speak of the same thing.
const ALIKE: (f32, f32) = (0.75, 0.5);

/// Terms that they have in common, at least.
const IN_COMMON: usize = 2;

/// The same for an affirmation and a denial.
const SAME_CLAIM: f32 = 0.8;

/// How much less of the question another document may carry than the cited one.
const LESS_OF_THE_QUESTION: f32 = 0.1;

/// The share of the question that a disagreement is about, at least.
const OF_THE_QUESTION: f32 = 0.6;

/// Notes of one kind, at most.
const MOST: usize = 2;

/// The notes for `answer`: premises first, then editions, then disagreements.
#[must_use]
pub fn notes(known: &Known<'_>, answer: &Answer, locate: &Locate<'_>) -> Vec<Note> {
    let cited = match answer {
        Answer::Grounded { citations, .. } => citations.as_slice(),
        Answer::NotFound { .. } => &[],
    };
    let mut marks = Marks { cited: cited.to_vec(), locate };
    let premises = known.premises.iter().take(MOST);
    let mut notes: Vec<Note> = premises.map(|premise| known.premise(premise, &mut marks)).collect();
    notes.extend(known.editions(cited, &mut marks));
    notes.extend(known.disagreements(answer, &mut marks));
    notes
}

/// Citations so far; a place that is cited already keeps its mark.
struct Marks<'a> {
    cited: Vec<Citation>,
    locate: &'a Locate<'a>,
}

impl Marks<'_> {
    fn cite(&mut self, passage: &Passage, span: Span) -> Citation {
        let known = self.cited.iter().find(|c| c.passage.document_id == passage.document_id && c.span == span);
        if let Some(citation) = known {
            return citation.clone();
        }
        let (page, lines) = (self.locate)(passage, span);
        let quote = passage.text[span.start - passage.span.start..span.end - passage.span.start].to_owned();
        let citation = Citation { marker: self.cited.len() + 1, passage: passage.clone(), span, quote, page, lines };
        self.cited.push(citation.clone());
        citation
    }
}

/// The terms of what a statement says of its only amount: those of the clause that has it. "For 24 months, counted
/// from the day of purchase" is about the same as "for 30 months".
fn point(statement: &Statement) -> BTreeSet<String> {
    match statement.amounts.as_slice() {
        [amount] if !statement.cell => {
            let (_, end) = clause(&statement.text, amount);
            // What stands before a colon is what it is about.
            let before = &statement.text[..amount.range.start];
            let start = before
                .rfind([',', '，', ';', '；', '。', '(', '（'])
                .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8));
            let range = amount.range.start - start..amount.range.end - start;
            content(&statement.text[start..end], &[Amount { range, ..amount.clone() }])
        }
        _ => statement.terms.clone(),
    }
}

/// Two statements about the same thing.
type Pair<'a> = (&'a Statement, &'a Statement);

/// How two statements about the same thing differ.
#[derive(Clone, Debug, PartialEq)]
enum Difference {
    /// One amount, as it is written in each.
    Amounts(String, String),
    /// One affirms, the other denies.
    Polarity,
    /// Other numbers or words.
    Words,
}

impl Known<'_> {
    fn passage(&self, statement: &Statement) -> &Passage {
        &self.hits[statement.hit].passage
    }

    fn chinese(&self) -> bool {
        self.question.language == Language::Chinese
    }

    fn premise(&self, premise: &Contradicted, marks: &mut Marks<'_>) -> Note {
        let statement = &self.statements[premise.statement];
        let (given, asked) = (&premise.given, &self.question.text[premise.asked.range.clone()]);
        let text = if self.chinese() {
            format!("文档中是{given}，而不是{asked}。")
        } else {
            // "24 months, not 36" reads better than "not 36-month".
            let number = asked.split([' ', '-']).next().unwrap_or(asked);
            format!("The documents give {given}, not {number}.")
        };
        let citations = vec![marks.cite(self.passage(statement), statement.span)];
        Note { kind: NoteKind::Premise, text, citations }
    }

    /// The statements that a citation quotes; of a table's row, the cells that the question is about.
    fn quoted(&self, citation: &Citation) -> Vec<&Statement> {
        let all: Vec<&Statement> = self
            .statements
            .iter()
            .filter(|s| self.passage(s).document_id == citation.passage.document_id && s.span == citation.span)
            .collect();
        let asked = content(&self.question.text, &[]);
        let named: Vec<&Statement> = all.iter().copied().filter(|s| s.cell && !s.column.is_disjoint(&asked)).collect();
        if named.is_empty() { all } else { named }
    }

    /// Which edition the answer comes from, where there are several.
    fn editions(&self, cited: &[Citation], marks: &mut Marks<'_>) -> Vec<Note> {
        let mut notes: Vec<Note> = Vec::new();
        let mut told: BTreeSet<&str> = BTreeSet::new();
        for first in cited {
            let own = &first.passage;
            if told.contains(own.document_id.as_str()) || notes.len() == MOST {
                continue;
            }
            let of_it = cited.iter().filter(|c| c.passage.document_id == own.document_id);
            let point: Vec<&Statement> = of_it.clone().flat_map(|citation| self.quoted(citation)).collect();
            // Other editions that speak of it: the sentence that says the same thing, or the passage.
            let mut others: Vec<(&Hit, Ordering, Option<Pair<'_>>)> = Vec::new();
            for hit in self.hits {
                let Some(order) = self.editions.compare(own, &hit.passage) else { continue };
                if others.iter().any(|other| other.0.passage.document_id == hit.passage.document_id) {
                    continue;
                }
                let parallel = self.parallel(&point, &hit.passage);
                if parallel.is_some() || same_matter(own, &hit.passage) {
                    others.push((hit, order, parallel));
                }
            }
            // The newest of the others says most about how the answer stands.
            others.sort_by(|a, b| self.editions.compare(&b.0.passage, &a.0.passage).unwrap_or(Ordering::Equal));
            let Some(&(hit, order, parallel)) = others.first() else { continue };
            told.insert(&own.document_id);
            told.extend(others.iter().map(|other| other.0.passage.document_id.as_str()));
            let difference = parallel.and_then(|(a, b)| difference(a, b));
            let (used, other) = (self.label(own), self.label(&hit.passage));
            let text = self.edition_text(own, order, &used, &other, difference.as_ref());
            let citations = match (parallel, &difference) {
                (Some((a, b)), Some(_)) => {
                    vec![marks.cite(self.passage(a), a.span), marks.cite(self.passage(b), b.span)]
                }
                _ => vec![first.clone()],
            };
            notes.push(Note { kind: NoteKind::NewerVersion, text, citations });
        }
        notes
    }

    fn edition_text(
        &self,
        own: &Passage,
        order: Ordering,
        used: &str,
        other: &str,
        difference: Option<&Difference>,
    ) -> String {
        let asked_for = self.editions.get(&own.document_id).is_some_and(|e| e.is_named_in(&self.question.text));
        let says = match (difference, self.chinese()) {
            (Some(Difference::Amounts(_, theirs)), true) => format!("{other}为{theirs}"),
            (Some(Difference::Amounts(_, theirs)), false) => format!("{other} has {theirs}"),
            (Some(_), true) => format!("{other}的说法不同"),
            (Some(_), false) => format!("{other} puts it differently"),
            (None, true) => format!("另有{other}"),
            (None, false) => format!("there is also {other}"),
        };
        match (order, asked_for, self.chinese()) {
            (Ordering::Greater, _, true) => format!("依据较新的{used}；{says}。"),
            (Ordering::Greater, _, false) => format!("From {used}, the newer edition; {says}."),
            (_, true, true) => format!("按问题所指，依据{used}；较新的{says}。").replace("较新的另有", "另有较新的"),
            (_, true, false) => format!("From {used}, as asked; the newer {says}.")
                .replace("the newer there is also", "there is also the newer"),
            (_, false, true) => format!("注意：{used}不是最新版；较新的{says}。").replace("较新的另有", "另有较新的"),
            (_, false, false) => format!("{used} is not the newest edition; the newer {says}.")
                .replace("the newer there is also", "there is also the newer"),
        }
    }

    /// A statement of `passage`'s document that says the same thing as one of `point`, and that one.
    fn parallel<'s>(&'s self, point: &[&'s Statement], passage: &Passage) -> Option<(&'s Statement, &'s Statement)> {
        let there = || self.statements.iter().filter(|s| self.passage(s).document_id == passage.document_id);
        let mut best: Option<(f32, &Statement, &Statement)> = None;
        for a in point {
            for b in there().filter(|b| b.cell == a.cell && same_subjects(a, b)) {
                let (_, larger) = overlap(&a.terms, &b.terms);
                let enough = if a.cell { a.terms == b.terms } else { says_the_same(&a.terms, &b.terms) };
                // Of the cells of a row, the one that was asked for.
                let fits = larger + self.of_the_question(a);
                if enough && best.is_none_or(|(most, ..)| fits > most) {
                    best = Some((fits, a, b));
                }
            }
        }
        best.map(|(_, a, b)| (a, b))
    }

    /// Where other documents say something else than the answer.
    fn disagreements(&self, answer: &Answer, marks: &mut Marks<'_>) -> Vec<Note> {
        let Answer::Grounded { sentences, citations } = answer else { return Vec::new() };
        let mut notes: Vec<Note> = Vec::new();
        let mut told: BTreeSet<(usize, usize)> = BTreeSet::new();
        for sentence in sentences.iter().filter(|s| s.checked.verdict == Verdict::Supported) {
            let said = amounts(&sentence.checked.text);
            for citation in citations.iter().filter(|c| sentence.citations.contains(&c.marker)) {
                for a in self.quoted(citation) {
                    let other = self.statements.iter().find_map(|b| Some((b, self.disagreement(a, b, &said)?)));
                    let Some((b, difference)) = other else { continue };
                    let (one, two) = ((a.hit, a.span.start), (b.hit, b.span.start));
                    if notes.len() == MOST || told.contains(&one) && told.contains(&two) {
                        continue;
                    }
                    told.extend([one, two]);
                    let label = |statement: &Statement| self.label_with_date(self.passage(statement));
                    let text = match (difference, self.chinese()) {
                        (Difference::Amounts(x, y), true) => {
                            format!("出处不一致：{}为{x}，{}为{y}。", label(a), label(b))
                        }
                        (Difference::Amounts(x, y), false) => {
                            format!("The sources disagree: {} says {x}, {} says {y}.", label(a), label(b))
                        }
                        (_, true) => format!("出处不一致：{}与{}的说法相反。", label(a), label(b)),
                        (_, false) => format!("The sources disagree: {} and {} say the opposite.", label(a), label(b)),
                    };
                    let citations = vec![marks.cite(self.passage(a), a.span), marks.cite(self.passage(b), b.span)];
                    notes.push(Note { kind: NoteKind::Disagreement, text, citations });
                }
            }
        }
        notes
    }

    /// How `b` contradicts `a` on a point of the answer, whose amounts are `said`.
    fn disagreement(&self, a: &Statement, b: &Statement, said: &[Amount]) -> Option<Difference> {
        let (own, other) = (self.passage(a), self.passage(b));
        if own.document_id == other.document_id || self.editions.compare(own, other).is_some() {
            return None;
        }
        let (own_terms, other_terms) = (point(a), point(b));
        let both = own_terms.intersection(&other_terms).count();
        let (smaller, larger) = overlap(&own_terms, &other_terms);
        if both < IN_COMMON || smaller < ALIKE.0 || larger < ALIKE.1 {
            return None;
        }
        let asked = subjects(&self.question.text);
        let same_subject = same_subjects(a, b) && asked.iter().all(|name| a.knows_name(name) && b.knows_name(name));
        // The battery of one product is not that of another.
        let place = |passage: &Passage| identifiers(&format!("{}\n{}", passage.title, passage.headings.join("\n")));
        let (here, there) = (place(own), place(other));
        let other_product = !here.is_empty() && !there.is_empty() && here.is_disjoint(&there);
        if !same_subject || other_product || self.is_history(a) || self.is_history(b) {
            return None;
        }
        let (here, there) = (self.of_the_question(a), self.of_the_question(b));
        if there < OF_THE_QUESTION || there < here - LESS_OF_THE_QUESTION {
            return None;
        }
        // The other document may say the same as the answer elsewhere, too.
        let agrees = |amount: &Amount| {
            self.statements.iter().any(|s| {
                self.passage(s).document_id == other.document_id
                    && s.amounts.iter().any(|x| x.equals(amount))
                    && self.of_the_question(s) >= there - LESS_OF_THE_QUESTION
            })
        };
        let amounts = a.amounts.iter().find_map(|x| {
            let (x, y) = (a.only(&x.unit)?, b.only(&x.unit)?);
            let on_the_point = said.iter().any(|amount| amount.equals(x));
            (on_the_point && x.excludes(y) && !agrees(x)).then(|| Difference::Amounts(a.written(x), b.written(y)))
        });
        if amounts.is_some() {
            return amounts;
        }
        let opposed =
            !a.cell && !b.cell && both > IN_COMMON && larger >= SAME_CLAIM && negative(&a.text) != negative(&b.text);
        opposed.then_some(Difference::Polarity)
    }

    /// The share of the question's weight that the statement and what stands above it carry.
    fn of_the_question(&self, statement: &Statement) -> f32 {
        let asked = content(&self.question.text, &amounts(&self.question.text));
        let words = words_of(&self.question.text);
        let asked: BTreeSet<String> = asked.intersection(&words).cloned().collect();
        let weight = |held: bool| {
            asked.iter().filter(|term| !held || statement.knows(term)).map(|term| (self.rarity)(term)).sum::<f32>()
        };
        weight(true) / weight(false).max(f32::MIN_POSITIVE)
    }

    /// Whether a statement tells how it was, or of one version among several.
    fn is_history(&self, statement: &Statement) -> bool {
        const WORDS: [&str; 14] = [
            "was",
            "were",
            "until",
            "before",
            "previously",
            "formerly",
            "instead",
            "earlier",
            "raised",
            "lowered",
            "changed",
            "goes",
            "since",
            "had",
        ];
        const WORDS_ZH: [&str; 10] = ["之前", "以前", "原来", "曾", "此前", "改为", "恢复", "由", "起，", "旧"];
        let lower = statement.text.to_lowercase();
        let told = lower.split(|c: char| !c.is_alphanumeric()).any(|word| WORDS.contains(&word))
            || WORDS_ZH.iter().any(|word| lower.contains(word));
        // 2.5 m is no version.
        let mut text = statement.text.clone();
        for amount in statement.amounts.iter().rev() {
            text.replace_range(amount.range.clone(), " ");
        }
        told || names_a_version(&text) || self.passage(statement).headings.iter().any(|h| names_a_version(h))
    }

    fn label(&self, passage: &Passage) -> String {
        let edition = self.editions.get(&passage.document_id).map_or(passage.title.as_str(), Edition::label);
        if self.chinese() { format!("《{edition}》") } else { edition.to_owned() }
    }

    fn label_with_date(&self, passage: &Passage) -> String {
        let edition = Edition::of(passage, &(self.head)(&passage.document_id)).dated_label();
        if self.chinese() { format!("《{edition}》") } else { format!("“{edition}”") }
    }
}

/// Whether two statements name the same things, or what stands above them does.
fn same_subjects(a: &Statement, b: &Statement) -> bool {
    a.subjects.iter().all(|name| b.knows_name(name)) && b.subjects.iter().all(|name| a.knows_name(name))
}

/// How two statements about the same thing differ, if they do.
fn difference(a: &Statement, b: &Statement) -> Option<Difference> {
    let amounts = a.amounts.iter().find_map(|x| {
        let (x, y) = (a.only(&x.unit)?, b.only(&x.unit)?);
        x.excludes(y).then(|| Difference::Amounts(a.written(x), b.written(y)))
    });
    let letters = |text: &str| -> String { text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect() };
    let same = letters(&a.text) == letters(&b.text);
    amounts.or_else(|| (!same).then_some(Difference::Words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::compose::compose;
    use crate::answer::excerpt::whole;
    use crate::answer::extract::{PASSAGES, current_editions, extract};
    use crate::answer::fit::fits;
    use crate::answer::fixture::excerpt;
    use crate::answer::premise::{contradicted, corrected};
    use crate::answer::rerank::Reranked;
    use crate::answer::statements::statements;
    use crate::answer::terms::WeightedTerms;
    use crate::answer::versions::newest_first;

    /// Answers in the documents' own words, as far as these stages do it; documents are (path, title, text).
    fn asked(question: &str, documents: &[(&str, &str, &str)]) -> (String, Vec<(NoteKind, String, Vec<String>)>) {
        let hits: Vec<Hit> = (1..)
            .zip(documents)
            .map(|(id, (path, title, text))| {
                let mut hit = excerpt(id, title, text).hit;
                hit.passage.document = (*path).into();
                hit.passage.document_id = (*path).into();
                hit
            })
            .collect();
        let head = |id: &str| documents.iter().find(|document| document.0 == id).map_or("", |d| d.2).to_owned();
        let editions = Editions::of(&hits, &head);
        let reranked = newest_first(Reranked { hits }, &editions, question);
        let said = statements(&reranked.hits);
        let premises = contradicted(question, &said, &|_| 1.0);
        let meant = corrected(question, &premises);
        let packed = whole(&reranked, PASSAGES);
        let found = fits(&meant, &WeightedTerms::new(&meant, &|_| 1.0), &packed);
        let named = editions.named_in(question);
        let found = current_editions(found, &packed, &|a, b| editions.prefer(a, b, &named));
        let answer = compose(extract(&found, &packed), &packed, &|_, _| (None, None));
        let question = Question::new(question);
        let known = Known {
            question: &question,
            hits: &reranked.hits,
            statements: &said,
            premises: &premises,
            editions: &editions,
            head: &head,
            rarity: &|_| 1.0,
        };
        let notes = notes(&known, &answer, &|_, _| (None, None));
        for citation in notes.iter().flat_map(|note| &note.citations) {
            let text = documents.iter().find(|document| document.0 == citation.passage.document).unwrap().2;
            assert_eq!(&text[citation.span.start..citation.span.end], citation.quote);
        }
        let shown = notes.into_iter().map(|note| {
            let quotes = note.citations.into_iter().map(|c| format!("[{}] {}", c.marker, c.quote)).collect();
            (note.kind, note.text, quotes)
        });
        (answer.text(question.language), shown.collect())
    }

    /// The text of the only note.
    fn only(question: &str, documents: &[(&str, &str, &str)]) -> Option<String> {
        let (_, notes) = asked(question, documents);
        assert!(notes.len() < 2, "{notes:?}");
        notes.into_iter().next().map(|note| note.1)
    }

    const OLD: (&str, &str, &str) = (
        "policy-2025.md",
        "Support Policy",
        "Plus customers get a first response within 8 hours. Training takes a day.",
    );
    const NEW: (&str, &str, &str) = (
        "policy-2026.md",
        "Support Policy",
        "Plus customers get a first response within 4 hours. Loan units are free.",
    );

    #[test]
    fn the_newer_edition_answers_and_the_older_one_is_shown() {
        let (answer, notes) = asked("How fast do Plus customers get a first response?", &[OLD, NEW]);
        assert_eq!(answer, "Plus customers get a first response within 4 hours. [1]");
        let [(kind, text, quotes)] = notes.as_slice() else { panic!("{notes:?}") };
        assert_eq!(*kind, NoteKind::NewerVersion);
        assert_eq!(text, "From Support Policy (2026), the newer edition; Support Policy (2025) has 8 hours.");
        assert_eq!(
            *quotes,
            [
                "[1] Plus customers get a first response within 4 hours.",
                "[2] Plus customers get a first response within 8 hours."
            ]
        );
    }

    #[test]
    fn the_edition_that_is_asked_for_answers() {
        let (answer, notes) =
            asked("Under the 2025 policy, how fast do Plus customers get a first response?", &[NEW, OLD]);
        assert!(answer.contains("8 hours"), "{answer}");
        assert_eq!(notes[0].1, "From Support Policy (2025), as asked; the newer Support Policy (2026) has 4 hours.");
    }

    #[test]
    fn cells_of_editions_are_compared_by_row_and_column() {
        let old = (
            "p2025/tiers.md",
            "Tiers 2025",
            "| | Plus | Critical |\n| --- | --- | --- |\n| First response | 8 hours | 4 hours |\n| Price | €240 | €1,450 |",
        );
        let new = (
            "p2026/tiers.md",
            "Tiers 2026",
            "| | Plus | Critical |\n| --- | --- | --- |\n| First response | 4 hours | 1 hour |\n| Price | €264 | €1,450 |",
        );
        assert_eq!(
            only("What is the price of Plus?", &[old, new]).as_deref(),
            Some("From Tiers 2026, the newer edition; Tiers 2025 has €240.")
        );
        assert_eq!(
            only("What is the price of Critical?", &[old, new]).as_deref(),
            Some("From Tiers 2026, the newer edition; there is also Tiers 2025.")
        );
    }

    #[test]
    fn chinese_editions_are_told_in_chinese() {
        let old = ("手册2025版.md", "员工手册", "员工每年有十天带薪年假。");
        let new = ("手册2026版.md", "员工手册", "员工每年有十五天带薪年假。");
        let (answer, notes) = asked("员工每年有多少天带薪年假？", &[old, new]);
        assert_eq!(answer, "员工每年有十五天带薪年假。[1]");
        assert_eq!(notes[0].1, "依据较新的《员工手册 (2026)》；《员工手册 (2025)》为十天。");
    }

    #[test]
    fn sources_that_disagree_are_both_shown_with_their_dates() {
        let faq = ("faq.md", "FAQ", "Updated 2026-10-01.\n\nYou may return a product within 14 days of delivery.");
        let terms = ("terms.md", "Terms", "You may return a product within 30 days of delivery, for any reason.");
        let (answer, notes) = asked("Within how many days of delivery may I return a product?", &[terms, faq]);
        assert!(answer.contains('['), "{answer}");
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert_eq!(notes[0].0, NoteKind::Disagreement);
        assert!(
            ["“FAQ (2026-10-01)” says 14 days", "“Terms” says 30 days"].iter().all(|part| notes[0].1.contains(part)),
            "{notes:?}"
        );
        let one = ("甲.md", "甲", "退货须在签收后七天内提出申请。");
        let two = ("乙.md", "乙", "退货须在签收后十五天内提出申请。");
        let note = only("签收后多少天内可以提出退货申请？", &[one, two]).unwrap();
        assert!(note.starts_with("出处不一致") && note.contains("七天内") == note.contains("十五天内"), "{note}");
        // What else a sentence says is not what they disagree about.
        let one = ("甲.md", "水壶K7", "水壶K7的保修期为24个月，从购买之日算起。");
        let two = ("乙.md", "水壶K7补充说明", "其他文件有误。水壶K7：保修期30个月。");
        let note = only("水壶K7的保修期多长？", &[one, two]).unwrap();
        assert!(note.contains("24个月") && note.contains("30个月"), "{note}");
    }

    #[test]
    fn other_products_times_and_subjects_are_no_disagreement() {
        for (question, a, b) in [
            (
                "How long is the warranty of the K2?",
                "The warranty of the K2 is 24 months.",
                "The warranty of the K20 is 60 months.",
            ),
            (
                "How long is the warranty of the hub?",
                "The warranty of the hub is 24 months.",
                "The warranty of the valve is 36 months.",
            ),
            (
                "How many connections does the hub allow?",
                "The hub allows 64 connections.",
                "The hub allowed 32 connections until 5.0.",
            ),
            ("How long are logs kept?", "Logs are kept for 90 days.", "Logs are kept for 90 days by default."),
            ("How far may the cable reach?", "The cable may reach up to 10 m.", "The cable may reach 5 m."),
            (
                "How long is a reply in the Plus tier?",
                "A reply in the Plus tier takes 4 hours.",
                "A reply in the Standard tier takes 9 hours.",
            ),
        ] {
            assert_eq!(only(question, &[("a.md", "A", a), ("b.md", "B", b)]), None, "{question}");
        }
    }

    #[test]
    fn a_wrong_premise_is_said() {
        let manual = ("m.md", "Manual", "The hub has a warranty of 24 months.");
        assert_eq!(
            only("What does the 36-month warranty of the hub cover?", &[manual]).as_deref(),
            Some("The documents give 24 months, not 36.")
        );
        let chinese = ("手册.md", "手册", "网关的保修期为24个月。");
        assert_eq!(only("网关的保修期是36个月吗？", &[chinese]).as_deref(), Some("文档中是24个月，而不是36个月。"));
    }

    proptest::proptest! {
        #[test]
        fn any_documents_are_read(
            question in ".{0,40}|[a-z 0-9?保修个月]{0,30}",
            texts in proptest::collection::vec("(\\| ?[a-z0-9 ]{0,6}\\|\\n?|the hub has [0-9] days. |保修[0-9]个月。|.){0,12}", 0..4),
        ) {
            let names = ["policy-2025.md", "policy-2026.md", "a.md", "b.md"];
            let documents: Vec<(&str, &str, &str)> = names.iter().zip(&texts).map(|(name, text)| (*name, "T", text.as_str())).collect();
            let _ = asked(&question, &documents);
        }
    }
}
