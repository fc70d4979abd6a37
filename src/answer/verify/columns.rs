//! Which column of a table an answer is taken from.
//!
//! A row gives one value for each column, and all of them are in the sentence that is
//! cited. Where the question names a column, a number out of another one is wrong.

use std::collections::HashSet;

use crate::answer::rows::cells;

use super::facts::numbers;
use super::terms;

/// A row under the head of its table.
pub(super) struct Row {
    /// The head of each column, and what the row has in it.
    cells: Vec<(String, String)>,
}

impl Row {
    /// `None` when head and row do not have the same cells.
    pub(super) fn new(head: &str, row: &str) -> Option<Self> {
        let (head, row) = (cells(head), cells(row));
        (head.len() == row.len() && row.len() > 1).then(|| Self { cells: head.into_iter().zip(row).collect() })
    }

    /// Whether both stand under the same head.
    pub(super) fn has_head_of(&self, other: &Self) -> bool {
        self.cells.iter().map(|(head, _)| head).eq(other.cells.iter().map(|(head, _)| head))
    }

    /// What the row is about: its first cell.
    pub(super) fn label(&self) -> &str {
        self.cells.first().map_or("", |(_, cell)| cell)
    }

    /// Cells beside the first that have something in them.
    pub(super) fn values(&self) -> usize {
        self.cells.iter().skip(1).filter(|(_, cell)| !cell.is_empty()).count()
    }

    /// Whether `wanted`, numbers of an answer, stand in the row, but not in the `columns` that are asked for with the
    /// terms `asked`. What the heading above the table says names none: under "Warranty", every column is one of
    /// warranty.
    pub(super) fn is_of_another_column(
        &self,
        wanted: &HashSet<String>,
        columns: &[usize],
        asked: &HashSet<String>,
        heading: &str,
    ) -> bool {
        let common = terms(heading);
        // A number in the name of the row is in no column.
        let label = numbers(self.label());
        let wanted: HashSet<&String> = wanted.iter().filter(|number| !label.contains(*number)).collect();
        let named = columns.iter().filter_map(|&column| self.cells.get(column));
        let own: HashSet<String> =
            named.filter(|(head, _)| !terms(head).is_subset(&common)).flat_map(|(_, cell)| numbers(cell)).collect();
        // "seals: 12 months" answers a question about seals in whatever column.
        let elsewhere = || {
            let having =
                self.cells.iter().filter(|(_, cell)| wanted.iter().any(|number| numbers(cell).contains(*number)));
            let mut words = having.map(|(_, cell)| terms(cell)).peekable();
            words.peek().is_some() && words.all(|words| words.is_disjoint(asked))
        };
        !own.is_empty() && !wanted.is_empty() && !wanted.iter().any(|number| own.contains(*number)) && elsewhere()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::lookup::Names;

    fn wrong(answer: &str, asked: &str) -> bool {
        let row = Row::new("| | H1 | H1 Mini |", "| Weight | 210 g | 96 g |").unwrap();
        let columns = Names::new(asked).columns("| | H1 | H1 Mini |").columns;
        row.is_of_another_column(&numbers(answer), &columns, &terms(asked), "Hubs")
    }

    #[test]
    fn a_number_of_another_column_than_the_one_asked_for_is_wrong() {
        assert!(wrong("210 g", "How heavy is the H1 Mini?"));
        assert!(!wrong("96 g", "How heavy is the H1 Mini?"));
        assert!(!wrong("210 g", "How heavy is the H1?"));
        assert!(wrong("96 g", "How heavy is the H1?"));
        // No column is named, or the number is from elsewhere.
        assert!(!wrong("210 g", "How heavy is the hub?"));
        assert!(!wrong("5 g", "How heavy is the H1 Mini?"));
        assert!(Row::new("| a | b |", "| 1 | 2 | 3 |").is_none());
    }

    #[test]
    fn two_columns_that_are_named_alike_decide_nothing() {
        let row = Row::new("| Year | Price | Fee |", "| 2024 | 39 | 5 |").unwrap();
        assert!(!row.is_of_another_column(&numbers("5"), &[1, 2], &terms("price and fee in 2024"), "Costs"));
    }

    #[test]
    fn what_the_heading_says_of_all_columns_names_none() {
        let row = Row::new("| | Warranty | With registration |", "| K2 Pro | 36 months | 42 months |").unwrap();
        let wrong = |answer: &str, heading: &str| {
            let asked = terms("the warranty of a K2 Pro with registration");
            row.is_of_another_column(&numbers(answer), &[1, 2], &asked, heading)
        };
        assert!(wrong("36 months", "Length of the warranty") && !wrong("42 months", "Length of the warranty"));
        assert!(!wrong("36 months", "Products"), "both are named");
        let row = Row::new("| | Warranty | Exception |", "| Valve V3 | 24 months | seals: 12 months |").unwrap();
        let wrong = |answer: &str, heading: &str| {
            let asked = terms("How long is the warranty of the seals of a V3?");
            row.is_of_another_column(&numbers(answer), &[1], &asked, heading)
        };
        assert!(!wrong("12 months", "Warranty periods") && !wrong("12 months", "Products"));
    }
}
