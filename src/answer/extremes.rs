//! Which row of a table has the most or the least of what is asked for.
//!
//! A small model reads tables, but does not compare their rows. Numbers in a column can be compared: where a
//! question asks for the most of what a column holds, the rows that have less are not read.

use std::collections::{BTreeMap, HashSet};

use attest_ingest::Span;

use crate::answer::excerpt::tables;
use crate::answer::lookup::Names;
use crate::answer::rerank::Hit;
use crate::index::{analyse, expansions};

/// Words that ask for the most, or the least, of what stands beside them.
const MOST: [&str; 16] = [
    "most", "highest", "largest", "biggest", "greatest", "longest", "maximum", "heaviest", "最多", "最高", "最大",
    "最长", "最重", "最贵", "最强", "最久",
];
const LEAST: [&str; 14] = [
    "least",
    "lowest",
    "smallest",
    "fewest",
    "shortest",
    "minimum",
    "lightest",
    "最少",
    "最低",
    "最小",
    "最短",
    "最轻",
    "最便宜",
    "最弱",
];

/// Words that say themselves what they ask for the most (`true`) or the least of.
const OF_ITSELF: [(&str, bool); 24] = [
    ("heaviest", true),
    ("weighs the most", true),
    ("lightest", false),
    ("weighs the least", false),
    ("most expensive", true),
    ("dearest", true),
    ("costs the most", true),
    ("cheapest", false),
    ("least expensive", false),
    ("costs the least", false),
    ("costs least", false),
    ("loudest", true),
    ("noisiest", true),
    ("quietest", false),
    ("fastest", true),
    ("slowest", false),
    ("最重", true),
    ("最轻", false),
    ("最贵", true),
    ("最便宜", false),
    ("最吵", true),
    ("最安静", false),
    ("最快", true),
    ("最慢", false),
];

/// All words that ask for the most or the least.
pub(in crate::answer) fn superlatives() -> impl Iterator<Item = &'static str> {
    OF_ITSELF.iter().map(|(words, _)| *words).chain(MOST).chain(LEAST)
}

/// A row of a table where the most or the least of something is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Extreme {
    /// The row, in the document's text.
    pub row: Span,
    /// The columns in which it has it; none when others outdo it.
    pub columns: Option<Vec<usize>>,
    /// Whether the table is of what is asked about, as far as it is called.
    pub surely: bool,
}

/// A row of a passage.
struct Row {
    /// Index of the passage.
    hit: usize,
    span: Span,
    text: String,
}

/// Finds the rows that have the most or the least of what `question` asks for, see [`Hit::extremes`], and leaves those
/// unread that others surely outdo, see [`Hit::unread`]. A table may go on in other passages.
pub fn leave_lesser_rows_unread(question: &str, hits: &mut [Hit]) {
    let lower = question.to_lowercase();
    if !superlatives().any(|words| contains(&lower, words)) {
        return;
    }
    let names = Names::new(question);
    let known: HashSet<String> = hits.iter().flat_map(|hit| analyse(&hit.passage.text)).map(|term| term.text).collect();
    let mut together: BTreeMap<(String, String), Vec<Row>> = BTreeMap::new();
    for (at, hit) in hits.iter().enumerate() {
        for table in tables(&hit.passage) {
            let key = (hit.passage.document_id.clone(), table.head.to_owned());
            let rows = table.rows.into_iter().map(|(span, text)| Row { hit: at, span, text: text.to_owned() });
            together.entry(key).or_default().extend(rows);
        }
    }
    for ((_, head), rows) in together {
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        let found = names.outermost(&head, &texts);
        if found.iter().all(Option::is_none) {
            continue;
        }
        for (Row { hit, span, text }, cells) in rows.iter().zip(found) {
            let hit = &mut hits[*hit];
            let passage = &hit.passage;
            let scene =
                format!("{}\n{head}\n{text}\n{}\n{}", passage.title, passage.headings.join("\n"), passage.context);
            let surely = names.beyond(&scene).iter().all(|word| !known.contains(*word));
            let columns = cells.map(|cells| cells.columns);
            if columns.is_none() && surely {
                hit.unread.push(*span);
            }
            hit.extremes.push(Extreme { row: *span, columns, surely });
        }
    }
}

/// Whether the most (`true`) or the least of a column is asked for: the word stands right before or behind its name.
fn asks_for(question: &str, name: &str) -> Option<bool> {
    // Of `Salt (g)`, the unit is not asked for.
    let name = name.split(['(', '（']).next().unwrap_or_default().trim().to_lowercase();
    let beside = |word: &str| {
        let phrases =
            [format!("{word} {name}"), format!("{name}{word}"), format!("{name}含量{word}"), format!("{word}的{name}")];
        phrases.iter().any(|phrase| contains(question, phrase))
    };
    match (MOST.iter().any(|word| beside(word)), LEAST.iter().any(|word| beside(word))) {
        _ if name.is_empty() => None,
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

/// Whether the most (`true`) or the least of what is called `name` is asked for.
pub(in crate::answer) fn direction(question: &str, name: &str) -> Option<bool> {
    let lower = question.to_lowercase();
    let of_itself = OF_ITSELF.iter().filter(|(words, _)| contains(&lower, words)).find(|(words, _)| {
        let own: Vec<String> = analyse(name).into_iter().map(|term| term.text).collect();
        expansions(words, &analyse(words)).iter().any(|expansion| expansion.said.iter().any(|said| own.contains(said)))
    });
    of_itself.map(|(_, most)| *most).or_else(|| asks_for(&lower, name))
}

/// Which of these cells have the most (or the least); none when they cannot be compared, or all are the same.
pub(in crate::answer) fn outermost(cells: &[&str], most: bool) -> Vec<usize> {
    let values: Vec<Option<(f64, String)>> = cells.iter().map(|cell| amount(cell)).collect();
    let mut known = values.iter().flatten();
    let Some((first, unit)) = known.next() else { return Vec::new() };
    if known.clone().any(|(_, other)| other != unit) || known.clone().all(|(value, _)| value == first) {
        return Vec::new();
    }
    let best = known.fold(*first, |best, (value, _)| if most { best.max(*value) } else { best.min(*value) });
    (0..cells.len()).filter(|&at| values[at].as_ref().is_some_and(|(value, _)| *value == best)).collect()
}

/// Whether `phrase` stands in `text`, not within a longer word.
fn contains(text: &str, phrase: &str) -> bool {
    let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.match_indices(phrase).any(|(at, _)| {
        let within = |edge: Option<char>, beside: Option<char>| latin(edge) && latin(beside);
        let end = at + phrase.len();
        !within(phrase.chars().next(), text[..at].chars().next_back())
            && !within(phrase.chars().next_back(), text[end..].chars().next())
    })
}

/// The number that a cell begins with, and what stands behind it.
fn amount(cell: &str) -> Option<(f64, String)> {
    let cell = cell.trim().trim_start_matches(['€', '£', '$', '¥', '￥']);
    let end = cell.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ','))).unwrap_or(cell.len());
    let value = cell[..end].replace(',', "").parse().ok()?;
    Some((value, cell[end..].trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use attest_ingest::sentences;

    use super::*;
    use crate::answer::fixture::excerpt;
    use crate::answer::rows::cells;

    const DISHES: &str = "| 菜名 | 热量（千卡） | 盐（克） |\n|---|---|---|\n| 炒蛋 | 420 | 2.1 |\n| 鸡丁 | 1,560 | 3.4 |\n| 鲈鱼 | 310 | 1.6 |";
    const SERVERS: &str = "| Model | Memory slots | Max memory |\n|---|---|---|\n| R2 | 8 | 512 GB |\n| R4 | 16 | 2 TB |\n| R8 | 16 | 8 TB |\n| R9 | – | – |";

    /// The first cells of the rows that are read.
    fn read(question: &str, table: &str) -> Vec<String> {
        let mut hits = vec![excerpt(1, "Table", &format!("Intro.\n\n{table}\n\nOutro.")).hit];
        leave_lesser_rows_unread(question, &mut hits);
        let (text, from) = (&hits[0].passage.text, hits[0].passage.span.start);
        let rows = sentences(text).into_iter().filter(|span| text[span.start..].starts_with('|')).skip(2);
        let read = rows.filter(|span| !hits[0].unread.contains(&Span::new(from + span.start, from + span.end)));
        read.map(|span| cells(&text[span.start..span.end])[0].clone()).collect()
    }

    #[test]
    fn the_row_that_has_the_most_is_read() {
        assert_eq!(read("哪道菜的热量最多？", DISHES), ["鸡丁"]);
        assert_eq!(read("盐含量最少的是哪道菜？", DISHES), ["鲈鱼"]);
        assert_eq!(read("Which model has the most memory slots?", SERVERS), ["R4", "R8"]);
        assert_eq!(read("Which model has the fewest memory slots?", SERVERS), ["R2"]);
    }

    #[test]
    fn all_rows_are_read_where_it_is_not_sure() {
        let all = ["R2", "R4", "R8", "R9"];
        // The units differ; another column's is asked for; nothing is compared; two columns are.
        for question in [
            "Which model has the largest max memory?",
            "How much max memory has the biggest model?",
            "What is the max memory of the R2?",
            "Which has the most memory slots and the lowest max memory?",
            "Which has the most memory slotsets?",
        ] {
            assert_eq!(read(question, SERVERS), all, "{question}");
        }
        assert_eq!(read("哪道菜最贵？", DISHES), ["炒蛋", "鸡丁", "鲈鱼"]);
        assert_eq!(read("How many memory slots has the biggest model?", SERVERS), all);
    }

    #[test]
    fn a_table_that_goes_on_in_another_passage_is_one() {
        let hit = |from: usize, context: &str, text: &str| {
            let mut hit = excerpt(1, "Prices", text).hit;
            (hit.passage.document_id, hit.passage.context) = ("prices".into(), context.into());
            hit.passage.span = Span::new(from, from + text.len());
            hit
        };
        let head = "| Item | Price |\n|---|---|\n| drill | 49 EUR |\n| saw | 29 EUR |";
        let mut hits = vec![hit(0, "", head), hit(100, "| Item | Price |", "| file | 9 EUR |")];
        leave_lesser_rows_unread("Which item is the cheapest?", &mut hits);
        let outdone = |hit: &Hit| hit.extremes.iter().filter(|extreme| extreme.columns.is_none()).count();
        assert_eq!(hits.iter().map(outdone).collect::<Vec<_>>(), [2, 0]);
        // How the others are compared elsewhere does not matter.
        let mut hits = vec![hit(0, "", head), hit(100, "", "The highest level of all prices is reached.")];
        leave_lesser_rows_unread("Which item has the highest price?", &mut hits);
        assert!(hits[0].unread.len() == 1 && hits[0].extremes.iter().all(|extreme| extreme.surely));
        // Nobody says that one of them is a tool.
        let mut hits = vec![hit(0, "", head), hit(100, "", "Oil the tool.")];
        leave_lesser_rows_unread("Which tool is the cheapest?", &mut hits);
        assert!(hits[0].unread.is_empty() && outdone(&hits[0]) == 1);
    }

    #[test]
    fn words_of_themselves_say_of_what() {
        for (words, _) in OF_ITSELF {
            assert!(!expansions(words, &analyse(words)).is_empty(), "{words}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_table_is_read(question in "[a-c最多most ]{0,20}", table in "([|][a-c1-9. ]{0,4}){0,4}[|]?\n([|]---){0,4}\n([|][a-c1-9. ]{0,4}){0,9}") {
            let _ = read(&question, &table);
        }
    }
}
