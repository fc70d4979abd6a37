//! Which row of a table has the most or the least of what is asked for.
//!
//! A small model reads tables, but does not compare their rows. Numbers in a column can be compared: where a
//! question asks for the most of what a column holds, the rows that have less are not read.

use attest_ingest::{Span, sentences};

use crate::answer::excerpt::{is_table_rule, table_heads};
use crate::answer::rerank::Hit;
use crate::answer::rows::cells;

const MOST: [&str; 21] = [
    "most", "highest", "largest", "biggest", "greatest", "longest", "maximum", "heaviest", "loudest", "fastest",
    "dearest", "最吵", "最多", "最高", "最大", "最长", "最重", "最贵", "最强", "最快", "最久",
];
const LEAST: [&str; 20] = [
    "least",
    "lowest",
    "smallest",
    "fewest",
    "shortest",
    "minimum",
    "lightest",
    "quietest",
    "slowest",
    "cheapest",
    "最安静",
    "最静",
    "最少",
    "最低",
    "最小",
    "最短",
    "最轻",
    "最便宜",
    "最弱",
    "最慢",
];

/// Marks the rows that have less (more) of a column than another one, where `question` asks for the most (least) of
/// it; see [`Hit::unread`].
pub fn leave_lesser_rows_unread(question: &str, hits: &mut [Hit]) {
    let question = question.to_lowercase();
    if !MOST.iter().chain(&LEAST).any(|word| question.contains(word)) {
        return;
    }
    for hit in hits {
        let text = &hit.passage.text;
        let all = sentences(text);
        let heads = table_heads(text, &all);
        let own = |index: usize| &text[all[index].start..all[index].end];
        let mut at = 0;
        while at < all.len() {
            let head = heads[at].clone();
            let rows: Vec<usize> = (at..all.len()).take_while(|&row| heads[row] == head).collect();
            at += rows.len().max(1);
            if head.is_empty() || is_table_rule(own(head.start)) {
                continue;
            }
            let lesser = lesser(&question, own(head.start), &rows.iter().map(|&row| own(row)).collect::<Vec<_>>());
            let from = hit.passage.span.start;
            let span = |&row: &usize| Span::new(from + all[rows[row]].start, from + all[rows[row]].end);
            hit.unread.extend(lesser.iter().map(span));
        }
    }
}

/// Of the rows under `head`, those that do not have the most or the least that `question` asks for.
fn lesser(question: &str, head: &str, rows: &[&str]) -> Vec<usize> {
    let names = cells(head);
    // The first column says what the row is about.
    let asked: Vec<(usize, bool)> =
        (1..names.len()).filter_map(|column| Some((column, asks_for(question, &names[column])?))).collect();
    let [(column, most)] = asked[..] else { return Vec::new() };
    let own: Vec<Vec<String>> = rows.iter().map(|row| cells(row)).collect();
    let own: Vec<&str> = own.iter().map(|cells| cells.get(column).map_or("", String::as_str)).collect();
    let best = outermost(&own, most);
    (0..rows.len()).filter(|row| !best.is_empty() && !best.contains(row)).collect()
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

/// Whether the most (`true`) or the least of something is asked for, by words that `name` does not have: "lowest level"
/// is the name of a row, and asks for nothing.
pub(in crate::answer) fn direction(question: &str, name: &str) -> Option<bool> {
    let (question, name) = (question.to_lowercase(), name.to_lowercase());
    let asks = |words: &[&str]| words.iter().any(|word| contains(&question, word) && !contains(&name, word));
    match (asks(&MOST), asks(&LEAST)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
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
    use super::*;
    use crate::answer::fixture::excerpt;

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
    }

    proptest::proptest! {
        #[test]
        fn any_table_is_read(question in "[a-c最多most ]{0,20}", table in "([|][a-c1-9. ]{0,4}){0,4}[|]?\n([|]---){0,4}\n([|][a-c1-9. ]{0,4}){0,9}") {
            let _ = read(&question, &table);
        }
    }
}
