//! The cells of a table that a question asks for.
//!
//! "How heavy is the K2 Pro?" names a row, "Weight", and a column, "K2 Pro", of a
//! table that has one column for each model, and a column "Weight" of one that has
//! a row for each. Where both are named, the cell where they meet is the answer, and
//! no model needs to count columns.

use std::collections::{BTreeSet, HashSet};

use crate::answer::amounts::is_unit;
use crate::answer::extremes::{direction, outermost, superlatives};
use crate::answer::regions::place_names;
use crate::answer::rows::{cells, head_and_aside};
use crate::index::{TermKind, analyse, expansions};

/// What a term of the question, and what stands for one, counts in a name.
const SAID: usize = 2;
const MEANT: usize = 1;

/// Words of questions that are not what is asked about, as terms.
const ASIDE: [&str; 51] = [
    "pleas", "tell", "know", "want", "need", "like", "get", "give", "say", "ask", "find", "work", "use", "take",
    "make", "buy", "run", "go", "come", "model", "type", "kind", "exact", "actual", "current", "much", "mani", "one",
    "valu", "number", "list", "请问", "想", "知道", "告诉", "一下", "现在", "需要", "具体", "数值", "型号", "买", "是",
    "什么", "product", "item", "thing", "option", "产品", "商品", "东西",
];

/// What a question names things by.
pub struct Names {
    question: String,
    lower: String,
    /// Its terms.
    said: HashSet<String>,
    /// Those of them that are words.
    words: BTreeSet<String>,
    /// What may be said instead of some of them.
    meant: HashSet<String>,
    /// The terms that something may be said instead of.
    asked: HashSet<String>,
}

/// The cells of a row that are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    /// Their columns, ascending; empty when none is named.
    pub columns: Vec<usize>,
    /// How surely row and columns are named.
    pub score: usize,
}

impl Names {
    /// The names in `question`.
    #[must_use]
    pub fn new(question: &str) -> Self {
        let terms = analyse(question);
        let (mut asked, mut meant) = (HashSet::new(), HashSet::new());
        for expansion in expansions(question, &terms) {
            asked.extend(expansion.asked);
            meant.extend(expansion.said);
        }
        let lower = question.to_ascii_lowercase();
        let most = superlatives().filter(|words| lower.contains(words));
        // Documents for another place are left out before, and which has the most is not what it is called.
        let aside = place_names(question).into_iter().chain(most).flat_map(words).collect();
        Self {
            question: question.to_owned(),
            words: &words(question) - &aside,
            lower,
            said: terms.into_iter().map(|term| term.text).chain(words(question)).collect(),
            meant,
            asked,
        }
    }

    /// The cells that are asked for in the rows under `head`, for each row: those where a row and columns that are
    /// named meet.
    #[must_use]
    pub fn cells(&self, head: &str, rows: &[&str]) -> Vec<Option<Cells>> {
        let names = head;
        let none = || vec![None; rows.len()];
        let columns = self.columns(head);
        if columns.columns.is_empty() {
            return none();
        }
        let head = cells(head);
        let labels: Vec<String> = rows.iter().map(|row| cells(row).into_iter().next().unwrap_or_default()).collect();
        let own = |at: usize| words(&labels[at]);
        let of_columns: BTreeSet<String> =
            columns.columns.iter().chain([&0]).flat_map(|&column| words(&head[column])).collect();
        // Beside a row that is named for what it is, one of its words alone says nothing.
        let Some(scores) = self.names(&labels) else { return none() };
        let cell = |at: usize| {
            let score = scores[at]?;
            let row = cells(rows[at]);
            let own = own(at);
            // A word of the question that is in the name of another row, and not in this one's, tells that it is not this.
            let other = (0..labels.len()).filter(|&other| other != at).flat_map(|other| words(&labels[other]));
            let another = other.into_iter().any(|word| {
                self.said.contains(&word)
                    && !own.contains(&word)
                    && !of_columns.contains(&word)
                    && !self.asked.contains(&word)
            });
            let filled: Vec<usize> = (self.columns_of(names, rows[at]).into_iter())
                .filter(|&column| row.get(column).is_some_and(|cell| !cell.is_empty()))
                .collect();
            let meant_only = score == own.len() * MEANT && columns.score <= MEANT;
            let whole = row.len() == head.len() && !filled.is_empty();
            (whole && !another && !meant_only).then(|| Cells { columns: filled, score: score + columns.score })
        };
        let found: Vec<Option<Cells>> = (0..rows.len()).map(cell).collect();
        let most = found.iter().flatten().map(|cells| cells.score).max();
        found.into_iter().map(|cells| cells.filter(|cells| Some(cells.score) == most)).collect()
    }

    /// The cells that have the most or the least of what is asked for in the rows under `head`, for each row: of a
    /// row that is named, its outermost cells; else of a column that is, the outermost rows.
    #[must_use]
    pub fn outermost(&self, head: &str, rows: &[&str]) -> Vec<Option<Cells>> {
        let mut found = vec![None; rows.len()];
        let names = cells(head);
        let own: Vec<Vec<String>> = rows.iter().map(|row| cells(row)).collect();
        if names.len() < 2 || own.iter().any(|row| row.len() != names.len()) {
            return found;
        }
        let labels: Vec<String> = own.iter().map(|row| row[0].clone()).collect();
        let named = self.names(&labels).unwrap_or_default();
        let most = named.iter().flatten().max();
        for at in (0..named.len()).filter(|&at| named[at].is_some() && named[at].as_ref() == most) {
            let Some(most) = direction(&self.question, &labels[at]) else { continue };
            let values: Vec<&str> = own[at].iter().skip(1).map(String::as_str).collect();
            let columns: Vec<usize> = outermost(&values, most).into_iter().map(|column| column + 1).collect();
            found[at] = named[at].filter(|_| !columns.is_empty()).map(|score| Cells { columns, score });
        }
        if found.iter().any(Option::is_some) {
            return found;
        }
        let Cells { columns, score } = self.columns(head);
        let Some(&column) = columns.first() else { return found };
        // Of several, only prices in more than one currency are of one thing.
        let name = |column: usize| head_and_aside(&names[column]);
        let unit = |column: usize| name(column).1.is_some_and(|aside| is_unit(&aside));
        let same = |other: usize| name(other).0 == name(column).0 && unit(other) && unit(column);
        let one = columns.iter().all(|&other| other == column || same(other));
        let Some(most) = direction(&self.question, &names[column]).filter(|_| one) else { return found };
        let values: Vec<&str> = own.iter().map(|row| row[column].as_str()).collect();
        for at in outermost(&values, most) {
            found[at] = Some(Cells { columns: columns.clone(), score });
        }
        found
    }

    /// The words of the question that neither `text` has nor anything that stands for them, and that it does not say
    /// in passing: it asks about something else as well.
    #[must_use]
    pub fn beyond(&self, text: &str) -> BTreeSet<&str> {
        let known = words(text);
        let beyond = self
            .words
            .iter()
            .filter(|word| !known.contains(*word) && !self.asked.contains(*word) && !ASIDE.contains(&word.as_str()));
        beyond.map(String::as_str).collect()
    }

    /// The columns of a row that are asked for: those that are named, and those in whose cells the question has words
    /// that neither the row nor a column is called by, as the seals in "seals: 12 months".
    #[must_use]
    pub fn columns_of(&self, head: &str, row: &str) -> Vec<usize> {
        let mut columns = self.columns(head).columns;
        if !columns.is_empty() {
            let cells = cells(row);
            let mut called = words(head);
            called.extend(cells.first().map(|label| words(label)).unwrap_or_default());
            let own: Vec<BTreeSet<String>> = cells.iter().map(|cell| words(cell)).collect();
            // What half of the cells have is the unit.
            let having = |word: &String| own.iter().skip(1).filter(|own| own.contains(word)).count();
            let common = |word: &String| having(word) > 1 && 2 * having(word) >= own.len() - 1;
            let speaks = |at: &usize| {
                let asked = |word: &&String| self.words.contains(*word) && !self.asked.contains(*word);
                let of_it = |word: &String| !called.contains(word) && !is_number(word) && !common(word);
                own[*at].iter().filter(asked).any(of_it)
            };
            columns.extend((1..cells.len()).filter(speaks));
            columns.sort_unstable();
            columns.dedup();
        }
        columns
    }

    /// The columns under `head` that are named, but for the first, which says what a row is about.
    #[must_use]
    pub fn columns(&self, head: &str) -> Cells {
        let heads: Vec<(String, Option<String>)> =
            cells(head).iter().skip(1).map(|head| head_and_aside(head)).collect();
        let names: Vec<String> = heads.iter().map(|(name, _)| name.clone()).collect();
        let Some(scores) = self.names(&names) else { return Cells::default() };
        // What the question says itself is surer than what stands for it.
        let said = |at: usize| scores[at].is_some_and(|score| score > MEANT * words(&names[at]).len());
        let any_said = (0..names.len()).any(said);
        let named = |at: usize| scores[at].is_some() && (said(at) || !any_said);
        let in_aside =
            |at: usize| heads[at].1.as_ref().is_some_and(|aside| words(aside).iter().any(|word| self.knows(word) > 0));
        let any_in_aside = (0..names.len()).any(|at| named(at) && in_aside(at));
        let chosen: Vec<usize> = (0..names.len()).filter(|&at| named(at) && (in_aside(at) || !any_in_aside)).collect();
        let score = chosen.iter().filter_map(|&at| scores[at]).max().unwrap_or(0);
        Cells { columns: chosen.into_iter().map(|at| at + 1).collect(), score }
    }

    /// How surely each of `names` is named; `None` when none is. One that is only a part of another that is named
    /// as well is not, unless it stands by itself.
    fn names(&self, names: &[String]) -> Option<Vec<Option<usize>>> {
        let own: Vec<BTreeSet<String>> = names.iter().map(|name| words(name)).collect();
        let mut scores: Vec<Option<usize>> = names.iter().map(|name| self.name(name)).collect();
        let longer = |at: usize, scores: &[Option<usize>]| {
            let contains = |&other: &usize| {
                scores[other].is_some() && own[at].len() < own[other].len() && own[at].is_subset(&own[other])
            };
            (0..names.len()).filter(contains).map(|other| self.occurrences(&names[other]).count().max(1)).sum::<usize>()
        };
        let within: Vec<bool> = (0..names.len())
            .map(|at| {
                let longer = longer(at, &scores);
                longer > 0 && self.occurrences(&names[at]).count() <= longer
            })
            .collect();
        for (score, within) in scores.iter_mut().zip(within) {
            *score = score.filter(|_| !within);
        }
        scores.iter().any(Option::is_some).then_some(scores)
    }

    /// How surely `name` is named: by all its words, none of which begins a longer name in the question.
    #[must_use]
    pub fn name(&self, name: &str) -> Option<usize> {
        let own = words(name);
        let known = own.iter().map(|word| self.knows(word));
        let named = !own.is_empty() && known.clone().all(|known| known > 0) && !self.goes_on(name);
        named.then(|| known.sum())
    }

    fn knows(&self, word: &str) -> usize {
        if self.said.contains(word) {
            SAID
        } else if self.meant.contains(word) {
            MEANT
        } else {
            0
        }
    }

    /// Whether an identifier of `name` always begins a longer one in the question: the K2, where the K2 Pro is
    /// asked for.
    fn goes_on(&self, name: &str) -> bool {
        let own = words(name);
        let identifier =
            |word: &&str| word.chars().any(|c| c.is_ascii_digit()) && word.chars().any(char::is_alphabetic);
        name.split(|c: char| !c.is_alphanumeric()).filter(identifier).any(|word| {
            let mut places = self.occurrences(word).peekable();
            let goes_on = |end: usize| {
                let rest = &self.question[end..];
                let next = rest.strip_prefix([' ', '-']).unwrap_or("");
                let next = next.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
                let another = || words(next).iter().any(|word| !own.contains(word));
                rest.starts_with('+')
                    || next.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit() && rest.starts_with('-'))
                        && another()
            };
            places.peek().is_some() && places.all(goes_on)
        })
    }

    /// Where `name` stands in the question, not within a longer word: the ends.
    fn occurrences<'a>(&'a self, name: &str) -> impl Iterator<Item = usize> + 'a {
        let name = name.to_ascii_lowercase();
        let inside = |edge: Option<char>, beside: Option<char>| {
            let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            latin(edge) && latin(beside)
        };
        let mut from = 0;
        std::iter::from_fn(move || {
            while !name.is_empty()
                && let Some(start) = self.lower[from..].find(&name).map(|at| from + at)
            {
                let end = start + name.len();
                from = end;
                let (before, after) = (self.lower[..start].chars().next_back(), self.lower[end..].chars().next());
                if !inside(name.chars().next(), before) && !inside(name.chars().next_back(), after) {
                    return Some(end);
                }
            }
            None
        })
    }
}

/// The words of a name, as terms, and the letters that a zone or a class is called by, though they are no terms: the A
/// of "Zone A".
fn words(name: &str) -> BTreeSet<String> {
    let terms = analyse(name);
    let single = terms.iter().any(|term| term.kind != TermKind::Pair);
    let letter = |word: &&str| word.len() == 1 && word.starts_with(|c: char| c.is_ascii_uppercase());
    let letters = name.split(|c: char| !c.is_alphanumeric()).filter(letter).map(str::to_owned);
    let terms = terms.into_iter().filter(|term| !single || term.kind != TermKind::Pair).map(|term| term.text);
    terms.chain(letters).collect()
}

fn is_number(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit() || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::rows::asked;

    const DATA: [&str; 5] = [
        "| | A5 | A5 Plus | A7 | A7 Mini |",
        "| Weight | 4.2 kg | 5.1 kg | 8.6 kg | 2.3 kg |",
        "| Noise, lowest level | 21 dB | 19 dB | 24 dB | 23 dB |",
        "| Noise, highest level | 51 dB | 53 dB | 58 dB | 47 dB |",
        "| Wi-Fi | no | yes | yes | no |",
    ];
    const PRICES: [&str; 5] = [
        "| Item | Order number | Price (EUR) | Price (USD) | Members |",
        "| A5 | NV-105 | 149.00 | 159.00 | 139.00 EUR |",
        "| A7 Mini | NV-108 | 89.00 | 95.00 | 82.00 EUR |",
        "| HEPA filter A5 | NV-205 | 29.90 | 32.00 | 26.90 EUR |",
        "| Wall bracket (A7 Mini only) | NV-301 | 14.50 | 16.00 | 12.50 EUR |",
    ];

    fn found(question: &str, table: &[&str]) -> Vec<String> {
        let names = Names::new(question);
        let rows = &table[1..];
        let cells = names.cells(table[0], rows);
        let read = |(row, cells): (&&str, Option<Cells>)| asked(table[0], row, &cells?.columns);
        rows.iter().zip(cells).filter_map(read).collect()
    }

    #[test]
    fn a_cell_is_found_where_row_and_column_are_named() {
        for (question, expected) in [
            ("How heavy is the A5 Plus?", "Weight; A5 Plus: 5.1 kg"),
            ("A5 Plus 有多重？", "Weight; A5 Plus: 5.1 kg"),
            ("How loud is the A7 at the highest level?", "Noise, highest level; A7: 58 dB"),
            (
                "What is the noise of the A5 and the A5 Plus at the lowest level?",
                "Noise, lowest level; A5: 21 dB; A5 Plus: 19 dB",
            ),
            ("Does the A7 Mini have Wi-Fi?", "Wi-Fi; A7 Mini: no"),
        ] {
            assert_eq!(found(question, &DATA), [expected], "{question}");
        }
        for (question, expected) in [
            ("What do you charge for the A7 Mini?", "Item: A7 Mini; Price: 89.00 EUR; Price: 95.00 USD"),
            ("How much is an A5 HEPA filter in dollars?", "Item: HEPA filter A5; Price: 32.00 USD"),
            ("What do members pay for the A5?", "Item: A5; Members: 139.00 EUR"),
            ("A5 多少欧元？", "Item: A5; Price: 149.00 EUR"),
        ] {
            assert_eq!(found(question, &PRICES), [expected], "{question}");
        }
    }

    #[test]
    fn the_most_and_the_least_are_found_along_rows_and_columns() {
        let outermost = |question: &str, table: &[&str]| -> Vec<String> {
            let rows = &table[1..];
            let cells = Names::new(question).outermost(table[0], rows);
            let read = |(row, cells): (&&str, Option<Cells>)| asked(table[0], row, &cells?.columns);
            rows.iter().zip(cells).filter_map(read).collect()
        };
        for (question, expected) in [
            ("Which model is the heaviest?", "Weight; A7: 8.6 kg"),
            ("哪款最轻？", "Weight; A7 Mini: 2.3 kg"),
            ("Which is the quietest at the lowest level?", "Noise, lowest level; A5 Plus: 19 dB"),
            ("Which is the quietest at the highest level?", "Noise, highest level; A7 Mini: 47 dB"),
        ] {
            assert_eq!(outermost(question, &DATA), [expected], "{question}");
        }
        for (question, expected) in [
            ("Which item is the cheapest?", "Item: Wall bracket (A7 Mini only); Price: 14.50 EUR; Price: 16.00 USD"),
            ("哪个最贵？", "Item: A5; Price: 149.00 EUR; Price: 159.00 USD"),
        ] {
            assert_eq!(outermost(question, &PRICES), [expected], "{question}");
        }
        for question in ["Which model is the best?", "Which is the quietest?", "Which has the most buttons?"] {
            assert!(outermost(question, &DATA).is_empty(), "{question}");
        }
    }

    #[test]
    fn chinese_tables_are_looked_up() {
        let table = [
            "| 项目 | H1 | H1 Mini |",
            "| 尺寸 | 118 × 118 × 32 毫米 | 80 × 80 × 24 毫米 |",
            "| 重量 | 210 克 | 96 克 |",
            "| 供电 | 5 V，2 A，USB-C | 5 V，1 A，USB-C |",
            "| 事件容量 | 10,000 条 | 2,000 条 |",
        ];
        assert_eq!(found("小号网关 H1 Mini 有多重？", &table), ["项目: 重量; H1 Mini: 96 克"]);
        assert_eq!(found("H1 的事件容量是多少？", &table), ["项目: 事件容量; H1: 10,000 条"]);
        assert_eq!(found("How heavy is the H1?", &table), ["项目: 重量; H1: 210 克"]);
    }

    #[test]
    fn a_letter_is_a_name_and_no_article() {
        let table = [
            "| Pass | Zone A | Zones AB |",
            "| Annual Pass, 12 payments | 744.00 | 984.00 |",
            "| Annual Pass, paid at once | 710.00 | 940.00 |",
        ];
        assert!(Names::new("Price of a yearly pass for all zones").columns(table[0]).columns.is_empty());
        assert_eq!(
            found("What is an Annual Pass for zone A, paid at once?", &table),
            ["Pass: Annual Pass, paid at once; Zone A: 710.00"]
        );
    }

    #[test]
    fn a_cell_that_speaks_of_what_is_asked_comes_along() {
        let table = ["| Product | Warranty | Exception |", "| Valve V3 | 24 months | seals: 12 months |"];
        assert_eq!(
            found("How long is the warranty of the seals of a valve V3?", &table),
            ["Product: Valve V3; Warranty: 24 months; Exception: seals: 12 months"]
        );
        let row = "| Warranty | 24 months | 36 months |";
        assert_eq!(Names::new("Is the warranty of the V3 36 months?").columns_of("| | V3 | V4 |", row), [1]);
        assert_eq!(
            found("How long is the warranty of a valve V3?", &table),
            ["Product: Valve V3; Warranty: 24 months"]
        );
    }

    #[test]
    fn what_is_not_named_is_not_found() {
        for question in [
            "How heavy is the A5 Pro?",
            "How heavy is it?",
            "How heavy is the A9?",
            "How loud is the A5?",
            "What is the Wi-Fi password?",
        ] {
            assert!(found(question, &DATA).is_empty(), "{question}: {:?}", found(question, &DATA));
        }
        // The bracket has a price, and so has the filter, but not under these names.
        for question in ["What does a bracket for the A7 Mini cost?", "How much is a filter for the A7 Mini?"] {
            assert!(found(question, &PRICES).is_empty(), "{question}: {:?}", found(question, &PRICES));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_table_is_looked_up(question in "([aA]5|Plus|how heavy|保修| |[-+]){0,8}", table in proptest::collection::vec("([|](A5|Plus|weight|保修| |[(]){0,3}){0,4}[|]?", 1..5)) {
            let rows: Vec<&str> = table.iter().map(String::as_str).collect();
            let _ = found(&question, &rows);
            let _ = Names::new(&format!("most {question}")).outermost(rows[0], &rows[1..]);
        }
    }
}
