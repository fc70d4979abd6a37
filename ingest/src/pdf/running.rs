//! Fifth stage: lines that belong to the pages and not to the text are taken
//! out: running headers and footers, and page numbers.

use std::collections::HashMap;

use super::lines::Line;

/// The lines of one page, in reading order.
#[derive(Debug)]
pub struct PageLines {
    /// Height of the page in points.
    pub height: f32,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// Part of the page's height, at either end, in which page numbers stand.
const MARGIN: f32 = 0.2;
/// The same for running lines of words, which are no nearer to the text than
/// this; further in, a repeated line is more likely to be text.
const WORD_MARGIN: f32 = 0.13;
/// The outer part of the margin, where hardly any page has content.
const OUTER_MARGIN: f32 = 0.085;
/// How many lines a running header or footer has at most.
const MAX_LINES: usize = 4;
/// How far a running line's place may differ from page to page, in points.
const WOBBLE: f32 = 5.0;
/// How many pages away a line may be repeated; chapters have their own headers.
const WINDOW: usize = 8;

/// Removes running lines from `pages`.
pub fn remove(pages: &mut [PageLines]) {
    for page in pages.iter_mut() {
        remove_artifacts(page);
    }
    let candidates: Vec<Vec<Candidate>> = pages.iter().map(candidates).collect();
    let index = Index::of(&candidates);
    for (page, lines) in pages.iter_mut().enumerate() {
        let mut running: Vec<usize> = candidates[page]
            .iter()
            .filter(|candidate| index.is_running(candidate, page))
            .map(|candidate| candidate.line)
            .collect();
        running.sort_unstable();
        running.dedup();
        // A page of nothing else says what it has to say in these lines.
        if running.len() == lines.lines.len() {
            continue;
        }
        for line in running.into_iter().rev() {
            lines.lines.remove(line);
        }
    }
}

/// Tagged files say which lines are no content; a file that says so of a large
/// part of a page is not believed.
fn remove_artifacts(page: &mut PageLines) {
    let letters = |line: &Line| line.words().map(|(word, _)| word.text.len()).sum::<usize>();
    let all: usize = page.lines.iter().map(letters).sum();
    let marked: usize = page.lines.iter().filter(|line| line.is_artifact()).map(letters).sum();
    if marked * 3 < all {
        page.lines.retain(|line| !line.is_artifact());
    }
}

/// A line in a page's margin.
#[derive(Debug)]
struct Candidate {
    line: usize,
    edge: Edge,
    /// Distance of its middle from the edge.
    distance: f32,
    height: f32,
    /// Its text with numbers masked.
    key: String,
    /// Its number, if it consists of a number and words like "page".
    folio: Option<i64>,
    /// Whether it is the first line of the page from its edge.
    rank: Rank,
    /// Whether it stands in pieces, as the cells of a table do.
    pieces: usize,
    /// Numbers it begins or ends with.
    numbers: [Option<i64>; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rank {
    Outermost,
    Inner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Edge {
    Top,
    Bottom,
}

fn candidates(page: &PageLines) -> Vec<Candidate> {
    let mut order: Vec<usize> = (0..page.lines.len()).collect();
    order.sort_by(|&a, &b| page.lines[a].middle().total_cmp(&page.lines[b].middle()));
    let reversed: Vec<usize> = order.iter().rev().copied().collect();
    let edge = |edge: Edge, order: Vec<usize>| {
        order.into_iter().take(MAX_LINES * 2).enumerate().map(move |(rank, index)| {
            let line = &page.lines[index];
            let text = line.text();
            Candidate {
                line: index,
                edge,
                distance: if edge == Edge::Top { line.middle() } else { page.height - line.middle() },
                height: page.height,
                key: mask(&text),
                folio: folio(&text),
                rank: if rank == 0 { Rank::Outermost } else { Rank::Inner },
                pieces: line.runs.len(),
                numbers: end_numbers(&text),
            }
        })
    };
    let all = edge(Edge::Top, order).chain(edge(Edge::Bottom, reversed));
    all.filter(|candidate| candidate.distance < MARGIN * page.height).collect()
}

/// Where lines stand in the margins of all pages.
struct Index<'a> {
    by_key: HashMap<(Edge, &'a str), Vec<(usize, &'a Candidate)>>,
    pages: &'a [Vec<Candidate>],
}

impl<'a> Index<'a> {
    fn of(pages: &'a [Vec<Candidate>]) -> Self {
        let mut by_key: HashMap<_, Vec<_>> = HashMap::new();
        for (page, candidates) in pages.iter().enumerate() {
            for candidate in candidates {
                by_key.entry((candidate.edge, candidate.key.as_str())).or_default().push((page, candidate));
            }
        }
        Self { by_key, pages }
    }

    fn is_running(&self, candidate: &Candidate, page: usize) -> bool {
        let outer = candidate.distance < OUTER_MARGIN * candidate.height;
        let alike = |other: usize, like: &Candidate| {
            other != page && other.abs_diff(page) <= WINDOW && (like.distance - candidate.distance).abs() < WOBBLE
        };
        let same = self.by_key.get(&(candidate.edge, candidate.key.as_str()));
        let repeats = same.into_iter().flatten().filter(|(other, like)| alike(*other, like)).count();
        if self.counts(candidate, page) {
            return true;
        }
        if candidate.folio.is_some() {
            return candidate.rank == Rank::Outermost && (repeats > 0 || outer && self.pages.len() == 1);
        }
        // The head of a table that goes on over pages is repeated too.
        let words = candidate.key.chars().filter(|c| c.is_alphabetic()).count() >= 2;
        let placed = candidate.distance < WORD_MARGIN * candidate.height;
        words && placed && (outer || candidate.pieces < 3) && repeats >= if self.pages.len() > 3 { 2 } else { 1 }
    }

    /// Whether a number at one of its ends grows with the pages, whatever the
    /// rest of the line says (chapters have headers of their own). Numbered
    /// lines of the text are further in, or do not keep pace with the pages.
    fn counts(&self, candidate: &Candidate, page: usize) -> bool {
        let near = page.saturating_sub(WINDOW)..(page + WINDOW + 1).min(self.pages.len());
        let keeps_pace = |like: &Candidate, other: usize| {
            let outermost = |c: &Candidate| c.rank == Rank::Outermost || c.folio.is_some();
            let step = page as i64 - other as i64;
            like.edge == candidate.edge
                && (like.distance - candidate.distance).abs() < WOBBLE
                && outermost(like)
                && outermost(candidate)
                && candidate.numbers.iter().flatten().any(|own| like.numbers.contains(&Some(own - step)))
        };
        let pages = near.filter(|&other| other != page);
        let agreeing = pages.filter(|&other| self.pages[other].iter().any(|like| keeps_pace(like, other))).count();
        agreeing >= if self.pages.len() > 4 { 2 } else { 1 }
    }
}

/// The numbers that a short line begins and ends with.
fn end_numbers(text: &str) -> [Option<i64>; 2] {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() > 14 {
        return [None, None];
    }
    let number = |word: Option<&&str>| {
        let word = word?.trim_matches(|c: char| !c.is_alphanumeric());
        if is_roman(word) { Some(roman_value(word)) } else { word.parse().ok().filter(|n| (0..10_000).contains(n)) }
    };
    let last = if words.len() > 1 { number(words.last()) } else { None };
    [number(words.first()).or_else(|| folio(text)), last]
}

/// Lower case with every number replaced by `#` and single spaces.
fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !masked.is_empty() {
            masked.push(' ');
        }
        if is_roman(word) {
            masked.push('#');
            continue;
        }
        for c in word.chars() {
            if !c.is_numeric() {
                masked.extend(c.to_lowercase());
            } else if !masked.ends_with('#') {
                masked.push('#');
            }
        }
    }
    masked
}

/// The page number that a line gives, if it gives nothing else.
fn folio(text: &str) -> Option<i64> {
    let masked = mask(text);
    let words = masked.replace(['#', '-', '–', '—', '|', '/', '.', '·', '[', ']', '(', ')', ' ', ','], "");
    if !matches!(
        words.as_str(),
        "" | "page" | "pageof" | "of" | "seite" | "seitevon" | "p" | "第页" | "第页共页" | "页" | "共页第页" | "f"
    ) {
        return None;
    }
    let first = text
        .split(|c: char| !c.is_alphanumeric())
        .find(|word| word.chars().any(|c| c.is_ascii_digit()) || is_roman(word))?;
    if is_roman(first) {
        return Some(roman_value(first));
    }
    let digits: String = first.chars().filter(char::is_ascii_digit).collect();
    (digits.len() <= 5).then(|| digits.parse().ok())?
}

fn is_roman(word: &str) -> bool {
    !word.is_empty()
        && word.len() <= 7
        && (word.chars().all(|c| "ivxlc".contains(c)) || word.chars().all(|c| "IVXLC".contains(c)))
}

fn roman_value(numeral: &str) -> i64 {
    let value = |c: char| match c.to_ascii_lowercase() {
        'i' => 1,
        'v' => 5,
        'x' => 10,
        'l' => 50,
        _ => 100,
    };
    let values: Vec<i64> = numeral.chars().map(value).collect();
    let signed =
        |i: usize| if values.get(i + 1).is_some_and(|next| *next > values[i]) { -values[i] } else { values[i] };
    (0..values.len()).map(signed).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_numbers() {
        assert_eq!(mask("Chapter 12  Results 345"), "chapter # results #");
        assert_eq!(mask("xiv  Preface"), "# preface");
    }

    #[test]
    fn knows_page_numbers() {
        assert_eq!(folio("- 17 -"), Some(17));
        assert_eq!(folio("Page 3 of 10"), Some(3));
        assert_eq!(folio("第 5 页"), Some(5));
        assert_eq!(folio("xiv"), Some(14));
        assert_eq!(folio("F-12"), Some(12));
        assert_eq!(folio("17 apples"), None);
    }
}
