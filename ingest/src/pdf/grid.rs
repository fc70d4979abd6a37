//! Cells from the places of words: columns lie between gutters that hardly any
//! row crosses, or between vertical rules; lines close below each other, or
//! between two horizontal rules, are one row.

use std::collections::BTreeSet;

use super::glyphs::{Axis, Direction, Role, Rule};
use super::lines::Line;
use super::markers;
use super::script;
use super::words::{Run, Word};

/// The cells of a row; each holds its lines.
pub type Row = Vec<Vec<Line>>;

/// Words of a line that stand close together.
#[derive(Clone, Debug)]
pub struct Piece {
    words: Vec<Word>,
    start: f32,
    end: f32,
    baseline: f32,
    size: f32,
    direction: Direction,
    role: Role,
}

/// Why lines are thought to be a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Evidence {
    /// Vertical rules run between them.
    Ruled,
    /// They stand in columns.
    Aligned,
}

/// Gap in em that makes two pieces of a line; word spaces are smaller.
const CELL_GAP: f32 = 0.75;
/// The same within a table, where the other rows show that it is a gutter.
const NARROW_GAP: f32 = 0.45;
/// Least width of a gutter that runs through the table, in em.
const GUTTER: f32 = 0.45;
/// Part of the rows that may cross a gutter, as headings over several columns do.
const CROSSING: f32 = 0.1;

/// Cuts a line at its wide gaps.
pub fn pieces(line: &Line) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for run in &line.runs {
        for word in &run.words {
            let near = pieces.last().is_some_and(|piece| piece.gap_to(word) <= CELL_GAP * word.size.max(1.0));
            match pieces.last_mut() {
                Some(piece) if near => {
                    piece.start = piece.start.min(word.start);
                    piece.end = piece.end.max(word.end);
                    piece.words.push(word.clone());
                }
                _ => pieces.push(Piece::of(word.clone(), run, line.direction)),
            }
        }
    }
    pieces
}

/// The rows of the table that `pieces` make up, if they do.
pub fn build(pieces: &[&Piece], rules: &[Rule]) -> Option<Vec<Row>> {
    let bars = rule_places(rules, Axis::Vertical, pieces);
    let (left, right) =
        pieces.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, r), p| (l.min(p.start), r.max(p.end)));
    let inner = bars.iter().filter(|&&bar| bar > left + 1.0 && bar < right - 1.0).count();
    let evidence = if inner > 0 { Evidence::Ruled } else { Evidence::Aligned };
    let separators = rule_places(rules, Axis::Horizontal, pieces);
    let pieces: Vec<Piece> = pieces.iter().flat_map(|piece| piece.cut(&bars)).collect();
    let lines = visual_rows(&pieces);
    let columns = Columns::find(&lines, &bars, evidence)?;
    let mut rows: Vec<Cells> = lines.iter().map(|line| columns.place(line)).collect();
    drop_empty_columns(&mut rows);
    merge_sign_columns(&mut rows);
    if !looks_tabular(&rows, evidence) {
        return None;
    }
    let rows = merge_wrapped(rows, &separators);
    if !is_filled(&rows) {
        return None;
    }
    let words = || pieces.iter().flat_map(|piece| &piece.words);
    let right_to_left = words().filter(|word| word.text.chars().any(script::is_right_to_left)).count();
    let reversed = right_to_left * 2 > words().count();
    let rows = rows.into_iter().map(|mut cells| {
        if reversed {
            let by_reading = |a: &Piece, b: &Piece| a.baseline.total_cmp(&b.baseline).then(b.start.total_cmp(&a.start));
            cells.0.iter_mut().for_each(|cell| cell.sort_by(by_reading));
        }
        let line = |cell: Vec<Piece>| cell.into_iter().filter_map(Piece::into_line).collect();
        let mut row: Row = cells.0.into_iter().map(line).collect();
        if reversed {
            row.reverse();
        }
        row
    });
    Some(rows.collect())
}

impl Piece {
    fn of(word: Word, run: &Run, direction: Direction) -> Self {
        Self {
            start: word.start,
            end: word.end,
            baseline: run.baseline,
            size: word.size,
            direction,
            role: run.role,
            words: vec![word],
        }
    }

    fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Whether it holds what tables hold, rather than the parts of a formula.
    fn is_worded(&self) -> bool {
        let text = self.text();
        let known = text.chars().filter(|c| c.is_alphanumeric() || "$€£¥%-–—+✓✗•*.,()/".contains(*c)).count();
        known * 2 >= text.chars().filter(|c| !c.is_whitespace()).count()
    }

    fn middle(&self) -> f32 {
        f32::midpoint(self.start, self.end)
    }

    fn gap_to(&self, word: &Word) -> f32 {
        (word.start - self.end).max(self.start - word.end)
    }

    /// Its parts between vertical rules and between gaps that may be gutters.
    fn cut(&self, bars: &[f32]) -> Vec<Self> {
        let column = |start: f32, end: f32| bars.partition_point(|&bar| bar < f32::midpoint(start, end));
        let mut parts: Vec<Self> = Vec::new();
        for word in &self.words {
            match parts.last_mut() {
                Some(part)
                    if column(part.start, part.end) == column(word.start, word.end)
                        && part.gap_to(word) <= NARROW_GAP * word.size =>
                {
                    part.start = part.start.min(word.start);
                    part.end = part.end.max(word.end);
                    part.words.push(word.clone());
                }
                _ => parts.push(Self { words: vec![word.clone()], start: word.start, end: word.end, ..self.clone() }),
            }
        }
        parts
    }

    fn into_line(self) -> Option<Line> {
        let run = Run {
            start: self.start,
            end: self.end,
            baseline: self.baseline,
            size: self.size,
            role: self.role,
            direction: self.direction,
            tracking: (0.0, 0.0),
            words: self.words,
        };
        Line::of(vec![run])
    }
}

/// Places of the rules of one axis that are long enough to divide the table.
fn rule_places(rules: &[Rule], axis: Axis, pieces: &[&Piece]) -> Vec<f32> {
    let extent = |piece: &&Piece| match axis {
        Axis::Horizontal => (piece.start, piece.end),
        Axis::Vertical => (piece.baseline - 0.8 * piece.size, piece.baseline + 0.22 * piece.size),
    };
    let extents: Vec<(f32, f32)> = pieces.iter().map(extent).collect();
    let from = extents.iter().map(|e| e.0).fold(f32::INFINITY, f32::min);
    let to = extents.iter().map(|e| e.1).fold(f32::NEG_INFINITY, f32::max);
    let mut lengths: Vec<(f32, f32)> = Vec::new();
    let mut sorted: Vec<&Rule> = rules.iter().filter(|rule| rule.axis == axis).collect();
    sorted.sort_by(|a, b| a.at.total_cmp(&b.at));
    for rule in sorted {
        let length = (rule.to.min(to) - rule.from.max(from)).max(0.0);
        match lengths.last_mut() {
            Some((at, sum)) if rule.at - *at < 2.5 => *sum += length,
            _ => lengths.push((rule.at, length)),
        }
    }
    lengths.into_iter().filter(|&(_, length)| length > 0.5 * (to - from)).map(|(at, _)| at).collect()
}

/// Pieces on one baseline, from left to right, line by line.
fn visual_rows(pieces: &[Piece]) -> Vec<Vec<Piece>> {
    let mut sorted: Vec<&Piece> = pieces.iter().collect();
    sorted.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
    let mut rows: Vec<Vec<Piece>> = Vec::new();
    for piece in sorted {
        match rows.last_mut() {
            Some(row) if piece.baseline - row[0].baseline < 0.4 * piece.size.min(row[0].size) => {
                row.push(piece.clone());
            }
            _ => rows.push(vec![piece.clone()]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| a.start.total_cmp(&b.start));
    }
    rows
}

/// Columns by the borders between them.
struct Columns(Vec<f32>);

impl Columns {
    fn find(rows: &[Vec<Piece>], bars: &[f32], evidence: Evidence) -> Option<Self> {
        let several: Vec<&Vec<Piece>> = rows.iter().filter(|row| row.len() > 1).collect();
        if several.is_empty() {
            return None;
        }
        let em = several.iter().flat_map(|row| row.iter()).map(|piece| piece.size).sum::<f32>()
            / several.iter().map(|row| row.len()).sum::<usize>() as f32;
        let mut events: Vec<(f32, i32)> =
            several.iter().flat_map(|row| row.iter()).flat_map(|piece| [(piece.start, 1), (piece.end, -1)]).collect();
        events.sort_by(|a, b| a.0.total_cmp(&b.0));
        let limit = (CROSSING * several.len() as f32) as i32;
        let mut borders: Vec<f32> = Vec::new();
        let (mut depth, mut free_from) = (0, None);
        for (at, change) in events {
            let before = depth;
            depth += change;
            if before > limit && depth <= limit {
                free_from = Some(at);
            } else if before <= limit
                && depth > limit
                && let Some(from) = free_from.take()
                && at - from > GUTTER * em
            {
                borders.push(f32::midpoint(from, at));
            }
        }
        let (left, right) =
            rows.iter().flatten().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, r), p| (l.min(p.start), r.max(p.end)));
        if evidence == Evidence::Ruled || bars.len() >= 2 {
            let inner = bars.iter().filter(|&&bar| bar > left + 1.0 && bar < right - 1.0);
            let free: Vec<f32> =
                inner.filter(|&&bar| borders.iter().all(|border| (border - bar).abs() > 1.2 * em)).copied().collect();
            borders.extend(free);
            borders.sort_by(f32::total_cmp);
        }
        (!borders.is_empty() && borders.len() < 40).then_some(Self(borders))
    }

    fn place(&self, row: &[Piece]) -> Cells {
        let mut cells = Cells(vec![Vec::new(); self.0.len() + 1]);
        for piece in row {
            let column = |x: f32| self.0.partition_point(|&border| border < x);
            // A heading over several columns stands in the first of them.
            let (first, middle) = (column(piece.start + 0.3 * piece.size), column(piece.middle()));
            let spans = column(piece.end - 0.3 * piece.size) > first;
            cells.0[if spans { first } else { middle }].push(piece.clone());
        }
        cells
    }
}

/// The pieces in each column of a row.
#[derive(Clone, Debug)]
struct Cells(Vec<Vec<Piece>>);

impl Cells {
    fn filled(&self) -> usize {
        self.0.iter().filter(|cell| !cell.is_empty()).count()
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.0.iter().flatten()
    }

    fn top(&self) -> f32 {
        self.pieces().map(|piece| piece.baseline).fold(f32::INFINITY, f32::min)
    }

    fn bottom(&self) -> f32 {
        self.pieces().map(|piece| piece.baseline).fold(f32::NEG_INFINITY, f32::max)
    }

    fn size(&self) -> f32 {
        self.pieces().map(|piece| piece.size).fold(0.0, f32::max)
    }

    fn absorb(&mut self, other: Self) {
        for (cell, more) in self.0.iter_mut().zip(other.0) {
            cell.extend(more);
        }
    }
}

/// Currency signs, per cent signs and brackets set in columns of their own go
/// to their numbers.
fn merge_sign_columns(rows: &mut [Cells]) {
    let mut column = 0;
    while rows.first().is_some_and(|row| column < row.0.len()) {
        let texts: Vec<String> = rows.iter().flat_map(|row| &row.0[column]).map(Piece::text).collect();
        let all = |signs: &[&str]| !texts.is_empty() && texts.iter().all(|text| signs.contains(&text.as_str()));
        let count = rows.first().map_or(0, |row| row.0.len());
        if all(&["$", "€", "£", "¥", "￥", "US$", "("]) && column + 1 < count {
            for row in rows.iter_mut() {
                let signs = row.0.remove(column);
                row.0[column].splice(0..0, signs);
            }
        } else if all(&["%", ")", ")%", "%)"]) && column > 0 {
            for row in rows.iter_mut() {
                let signs = row.0.remove(column);
                row.0[column - 1].extend(signs);
            }
        } else {
            column += 1;
        }
    }
}

/// Rules and gutters may enclose columns with nothing in them.
fn drop_empty_columns(rows: &mut [Cells]) {
    let columns = rows.first().map_or(0, |row| row.0.len());
    let empty: Vec<bool> = (0..columns).map(|column| rows.iter().all(|row| row.0[column].is_empty())).collect();
    for row in rows {
        let mut column = 0;
        row.0.retain(|_| {
            column += 1;
            !empty[column - 1]
        });
    }
}

/// Whether the cells look like a table's and not like columns of prose, lists
/// beside each other or the labels of a drawing.
fn looks_tabular(rows: &[Cells], evidence: Evidence) -> bool {
    let columns = rows.first().map_or(0, |row| row.0.len());
    let several = rows.iter().filter(|row| row.filled() > 1).count();
    let least = match (evidence, columns) {
        (_, 0 | 1) => return false,
        (Evidence::Ruled, _) => 1,
        (Evidence::Aligned, 2) => 3,
        (Evidence::Aligned, _) => 2,
    };
    if rows.len() < 2 || several < least || several * 3 < rows.len() {
        return false;
    }
    let cells = |column: usize| rows.iter().flat_map(move |row| &row.0[column]);
    let prose = (0..columns).filter(|&column| is_prose(&cells(column).collect::<Vec<_>>())).count();
    if prose >= 2 && evidence == Evidence::Aligned || prose == columns {
        return false;
    }
    let pieces: usize = rows.iter().map(|row| row.pieces().count()).sum();
    let worded = rows.iter().flat_map(Cells::pieces).filter(|piece| piece.is_worded()).count();
    if worded * 4 < pieces * 3 {
        return false;
    }
    if evidence == Evidence::Ruled {
        return true;
    }
    let is_marker = |piece: &Piece| markers::marker(&format!("{} x", piece.text())).is_some();
    let marked = rows.iter().flat_map(Cells::pieces).filter(|piece| is_marker(piece)).count();
    if columns == 2 && (0..2).any(|column| cells(column).all(is_marker)) || marked * 5 > pieces * 2 {
        return false;
    }
    let aligned: usize = (0..columns).map(|column| aligned(&cells(column).collect::<Vec<_>>())).sum();
    aligned * 10 >= pieces * 6
}

/// Whether enough cells hold something; drawings with scattered labels do not.
fn is_filled(rows: &[Cells]) -> bool {
    let cells: usize = rows.iter().map(|row| row.0.len()).sum();
    let filled: usize = rows.iter().map(Cells::filled).sum();
    rows.len() >= 2 && filled * 10 >= cells * if cells < 30 { 5 } else { 4 }
}

/// Long lines that mostly fill their column.
fn is_prose(cells: &[&Piece]) -> bool {
    let left = cells.iter().map(|piece| piece.start).fold(f32::INFINITY, f32::min);
    let right = cells.iter().map(|piece| piece.end).fold(f32::NEG_INFINITY, f32::max);
    let width: usize = cells.iter().map(|piece| script::width(&piece.text())).sum();
    let full = cells.iter().filter(|piece| piece.end - piece.start > 0.75 * (right - left)).count();
    cells.len() >= 3 && width > 28 * cells.len() && full * 10 > cells.len() * 6
}

/// How many of a column's pieces share a left edge, right edge or middle.
fn aligned(cells: &[&Piece]) -> usize {
    let best = |place: fn(&Piece) -> f32| {
        let shared = |piece: &&Piece| {
            cells.iter().filter(|other| (place(other) - place(piece)).abs() < 0.6 * piece.size).count()
        };
        cells.iter().map(shared).max().unwrap_or_default()
    };
    best(|piece| piece.start).max(best(|piece| piece.end)).max(best(Piece::middle))
}

/// Joins the lines of cells that take several lines.
fn merge_wrapped(rows: Vec<Cells>, separators: &[f32]) -> Vec<Cells> {
    let band = |row: &Cells| separators.partition_point(|&at| at < row.top() - 0.25 * row.size());
    let bands: BTreeSet<usize> = rows.iter().map(band).collect();
    let mut steps: Vec<f32> = rows.windows(2).map(|pair| pair[1].top() - pair[0].bottom()).collect();
    steps.sort_by(f32::total_cmp);
    // The usual distance of rows, taken high so that wrapped lines do not lower it.
    let usual = steps.get(steps.len() * 3 / 4).copied().unwrap_or_default();
    // Rules between most rows tell the rows; a few rules tell head from body.
    let ruled = bands.len() >= 3 && bands.len() * 3 >= rows.len();
    let head = head_length(&rows);
    let mut merged: Vec<Cells> = Vec::new();
    // Of the row being built: its band, and the patterns of its full lines.
    let mut last_band = None;
    let mut patterns: Vec<Vec<bool>> = Vec::new();
    for (index, row) in rows.into_iter().enumerate() {
        let own_band = band(&row);
        let pattern: Vec<bool> = row.0.iter().map(|cell| !cell.is_empty()).collect();
        let full = row.filled() > 1 && row.filled() * 2 >= row.0.len();
        let joins = merged.last().is_some_and(|above| {
            let step = row.top() - above.bottom();
            let size = row.size().min(above.size()).max(1.0);
            if ruled {
                let repeated = full && patterns.contains(&pattern) && !goes_on(&row, above);
                return last_band == Some(own_band) && !repeated;
            }
            // Two lines of text cannot be closer than their size.
            if step < 0.9 * size || index < head {
                return true;
            }
            let lone = row.filled() == 1 && row.0[0].is_empty();
            let loose = usual > 1.2 * step || goes_on(&row, above) || lone;
            row.0[0].is_empty() && step < 1.45 * size && loose
        });
        match merged.last_mut() {
            Some(above) if joins => above.absorb(row),
            _ => {
                merged.push(row);
                patterns.clear();
            }
        }
        if full {
            patterns.push(pattern);
        }
        last_band = Some(own_band);
    }
    for row in &mut merged {
        for cell in &mut row.0 {
            cell.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
        }
    }
    merged
}

/// How many of the first lines make up a head of several lines: those above the
/// first line that begins in the first column, if they hold no numbers.
fn head_length(rows: &[Cells]) -> usize {
    let numeric = |piece: &Piece| piece.text().chars().all(|c| c.is_ascii_digit() || ".,-–%".contains(c));
    let Some(body) = rows.iter().skip(1).position(|row| !row.0[0].is_empty()) else { return 0 };
    let head = &rows[..=body];
    let close = head.windows(2).all(|pair| pair[1].top() - pair[0].bottom() < 1.6 * pair[1].size());
    if close && !head.iter().flat_map(Cells::pieces).any(numeric) { head.len() } else { 0 }
}

/// Whether `row` only goes on with sentences that `above` began.
fn goes_on(row: &Cells, above: &Cells) -> bool {
    row.0.iter().zip(&above.0).all(|(cell, upper)| match (cell.first(), upper.last()) {
        (None, _) => true,
        (Some(piece), Some(before)) => {
            piece.text().starts_with(char::is_lowercase) && !script::ends_sentence(&before.text())
        }
        (Some(_), None) => false,
    })
}
