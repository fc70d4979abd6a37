//! Rows of tables, as Markdown writes them.

use std::collections::{BTreeSet, HashSet};

use crate::answer::amounts::is_unit;
use crate::index::analyse;

/// The cells of a row, each on one line.
pub(in crate::answer) fn cells(row: &str) -> Vec<String> {
    let row = row.trim();
    let row = row.strip_prefix('|').unwrap_or(row);
    let row = row.strip_suffix('|').unwrap_or(row);
    row.split('|').map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// A row with the names of its columns, so that nobody has to count bars: `Part: seal; Price: 3 euros`.
/// `None` when head and row do not have the same cells.
pub(in crate::answer) fn named(head: &str, row: &str) -> Option<String> {
    read(head, row, &|_| true)
}

/// The same of some columns alone, behind the first, which says what the row is about.
pub(in crate::answer) fn asked(head: &str, row: &str, columns: &[usize]) -> Option<String> {
    read(head, row, &|column| column == 0 || columns.contains(&column))
}

fn read(head: &str, row: &str, shown: &dyn Fn(usize) -> bool) -> Option<String> {
    let (head, row) = (cells(head), cells(row));
    if head.len() != row.len() {
        return None;
    }
    let pairs = head.iter().zip(&row).enumerate().filter(|(column, (_, cell))| shown(*column) && !cell.is_empty());
    // The number of a cell is read with the unit that its column, or its row, is in.
    let of_row = row.first().and_then(|label| unit(label));
    let pairs = pairs.map(|(column, (name, cell))| {
        let number = cell.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ' '));
        let (plain, own) = (head_and_aside(name).0, unit(name));
        match own.as_ref().or(of_row.as_ref().filter(|_| column > 0)).filter(|_| number) {
            Some(unit) if !name.is_empty() => {
                let name = if own.is_some() { &plain } else { name };
                format!("{name}: {cell} {unit}")
            }
            _ if name.is_empty() => cell.clone(),
            _ => format!("{name}: {cell}"),
        }
    });
    Some(pairs.collect::<Vec<_>>().join("; "))
}

/// The unit that stands in brackets behind a name, as of `Weight (kg, with battery)`.
fn unit(name: &str) -> Option<String> {
    let aside = head_and_aside(name).1?;
    let first = aside.split([',', '，', ';', '；', '、']).next().unwrap_or_default().trim();
    // Alone, it is a month of the calendar.
    let first = if first == "月" { "个月" } else { first };
    is_unit(first).then(|| first.to_owned())
}

/// The name of a column, and what stands in brackets behind it, mostly the unit.
pub(in crate::answer) fn head_and_aside(head: &str) -> (String, Option<String>) {
    let head = head.trim();
    let inside = head.strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    let inside = inside.or_else(|| head.strip_suffix('）').and_then(|rest| rest.rsplit_once('（')));
    inside.map_or_else(
        || (head.to_owned(), None),
        |(name, aside)| (name.trim().to_owned(), Some(aside.trim().to_owned())),
    )
}

/// How surely a question with the terms `asked` names the row with this label; 0 when it does not. All words of the
/// label are in it, or, less surely, all its identifiers and all words but one: "Model K2" is the K2 of a question,
/// and neither "K2 Pro" nor "Spare part for K2" is.
pub(in crate::answer) fn named_by(label: &str, asked: &HashSet<String>) -> usize {
    let own = terms(label);
    let held = own.iter().filter(|term| asked.contains(*term)).count();
    if held == own.len() {
        return 2 * held;
    }
    let label = Label::new(label, asked);
    let one_more = label.words.iter().filter(|word| !label.known(word)).count() < 2;
    let identifiers = label.identifiers();
    let named = one_more && !identifiers.is_empty() && identifiers.iter().all(|&at| label.known(label.words[at]));
    if named && !label.goes_on() { 2 * held - 1 } else { 0 }
}

/// Whether a label names something else that is called by an identifier of the question and more: the K2 Pro, where
/// the K2 is asked for.
pub(in crate::answer) fn is_of_longer_name(label: &str, asked: &HashSet<String>) -> bool {
    Label::new(label, asked).goes_on()
}

struct Label<'a> {
    words: Vec<&'a str>,
    asked: &'a HashSet<String>,
}

impl<'a> Label<'a> {
    fn new(label: &'a str, asked: &'a HashSet<String>) -> Self {
        Self { words: label.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect(), asked }
    }

    fn known(&self, word: &str) -> bool {
        terms(word).iter().all(|term| self.asked.contains(term))
    }

    fn identifiers(&self) -> Vec<usize> {
        let identifier = |word: &str| word.chars().any(|c| c.is_ascii_digit()) && word.chars().any(char::is_alphabetic);
        (0..self.words.len()).filter(|&at| identifier(self.words[at])).collect()
    }

    /// Whether a name that the question does not have follows an identifier that it has.
    fn goes_on(&self) -> bool {
        let next = |at: usize| self.words.get(at + 1).filter(|next| next.starts_with(char::is_uppercase));
        self.identifiers()
            .into_iter()
            .any(|at| self.known(self.words[at]) && next(at).is_some_and(|next| next.is_ascii() && !self.known(next)))
    }
}

fn terms(text: &str) -> BTreeSet<String> {
    analyse(text).into_iter().map(|term| term.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_rows() {
        for (label, question, expected) in [
            ("Model K2", "How long is the warranty of the K2?", 1),
            ("K2 Pro", "How long is the warranty of the K2?", 0),
            ("K2 Pro", "How long is the warranty of the K2 Pro?", 4),
            ("Filter for K2", "What does the K2 cost?", 1),
            ("Wall bracket (K2 only)", "What does the K2 cost?", 0),
            ("Model K2", "How long is the warranty of the K2 Pro?", 1),
            ("Battery life", "How long is the life of a K2?", 0),
            ("Battery life", "How long is the battery life?", 4),
            ("K2 传感器", "K2 的保修期多长？", 1),
            ("", "How long?", 0),
        ] {
            let asked: HashSet<String> = terms(question).into_iter().collect();
            assert_eq!(named_by(label, &asked), expected, "{label} | {question}");
        }
        let asked: HashSet<String> = terms("the warranty of the K2").into_iter().collect();
        assert!(is_of_longer_name("K2 Pro", &asked) && !is_of_longer_name("Model K2", &asked));
        assert!(!is_of_longer_name("K20 XL", &asked) && !is_of_longer_name("Hub H1", &asked));
    }

    #[test]
    fn a_row_says_what_its_cells_are() {
        assert_eq!(
            named("| Part | Price |  Weight\n |", "| seal |  3 euros | 5 g |").unwrap(),
            "Part: seal; Price: 3 euros; Weight: 5 g"
        );
        assert_eq!(named("| | H1 |", "| Weight | 210 g |").unwrap(), "Weight; H1: 210 g");
        assert_eq!(named("|部件|价格|", "|密封圈||").unwrap(), "部件: 密封圈");
        assert_eq!(named("| a | b |", "| 1 | 2 | 3 |"), None);
        assert_eq!(
            named("| Item | Price (EUR) | 盐（克） | Rooms (max) |", "| bed | 1,049.00 | 约 3 | 2 |").unwrap(),
            "Item: bed; Price: 1,049.00 EUR; 盐（克）: 约 3; Rooms (max): 2"
        );
        assert_eq!(
            named("| 参数 | U5 | U5e |", "| 开机时间（秒，冷启动） | 35 | 约 22 |").unwrap(),
            "参数: 开机时间（秒，冷启动）; U5: 35 秒; U5e: 约 22"
        );
        assert_eq!(asked("| | H1 | H1 Mini |", "| Weight | 210 g | 96 g |", &[2]).unwrap(), "Weight; H1 Mini: 96 g");
    }
}
