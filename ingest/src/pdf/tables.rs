//! Where tables are: inside ruling lines, or where lines in succession fall
//! into the same columns. The cells are made by `grid`.

use super::blocks::Placed;
use super::glyphs::{Axis, Direction, PageGlyphs, Rule};
use super::grid::{self, Piece, Row};
use super::lines::Line;
use super::markers;
use super::script;

/// A line of text, or a table that stands in place of its lines.
#[derive(Debug)]
pub enum Item {
    /// A line.
    Line(Line),
    /// Rows of cells of lines.
    Table(Vec<Row>),
}

impl Item {
    /// The line, if it is one.
    pub fn line(&self) -> Option<&Line> {
        match self {
            Self::Line(line) => Some(line),
            Self::Table(_) => None,
        }
    }
}

/// Puts tables in place of their lines.
pub fn find(lines: Vec<Line>, drawn: &PageGlyphs) -> Vec<Item> {
    let pieces: Vec<Vec<Piece>> = lines.iter().map(grid::pieces).collect();
    let mut tables: Vec<Option<Vec<Row>>> = Vec::new();
    // For each line, the table it is part of.
    let mut owner: Vec<Option<usize>> = vec![None; lines.len()];
    let tabular = tabular_lines(&lines, &pieces);
    for area in ruled_areas(&drawn.rules, &lines, &tabular, drawn.height) {
        let inside: Vec<usize> = (0..lines.len())
            .filter(|&i| owner[i].is_none() && lines[i].direction == Direction::LEVEL && area.holds(&lines[i]))
            .collect();
        let inside = without_prose_ends(inside, &lines, &pieces);
        let rules: Vec<Rule> = drawn.rules.iter().copied().filter(|rule| area.covers(rule)).collect();
        take(&inside, &pieces, &rules, &mut tables, &mut owner);
    }
    for window in windows(&lines, &tabular, &owner) {
        let rules: &[Rule] = if lines[window[0]].direction == Direction::LEVEL { &drawn.rules } else { &[] };
        let rules = rules_near(rules, &window, &lines);
        take(&window, &pieces, &rules, &mut tables, &mut owner);
    }
    let mut items = Vec::with_capacity(lines.len());
    for (line, owner) in lines.into_iter().zip(owner) {
        match owner {
            None => items.push(Item::Line(line)),
            Some(table) => items.extend(tables[table].take().map(Item::Table)),
        }
    }
    items
}

fn take(
    window: &[usize],
    pieces: &[Vec<Piece>],
    rules: &[Rule],
    tables: &mut Vec<Option<Vec<Row>>>,
    owner: &mut [Option<usize>],
) {
    let own: Vec<&Piece> = window.iter().flat_map(|&line| &pieces[line]).collect();
    if let Some(rows) = grid::build(&own, rules) {
        for &line in window {
            owner[line] = Some(tables.len());
        }
        tables.push(Some(rows));
    }
}

/// Whether a table at the top of a page goes on with the one at the end of the
/// page before.
pub fn continues(above: &[Vec<Vec<Placed>>], below: &[Vec<Vec<Placed>>]) -> bool {
    let columns = |rows: &[Vec<Vec<Placed>>]| rows.first().map_or(0, Vec::len);
    let (Some(upper), Some(lower)) = (extent(above), extent(below)) else { return false };
    let near = |a: f32, b: f32| (a - b).abs() < 0.15 * (upper.1 - upper.0).max(20.0);
    columns(above) == columns(below) && near(upper.0, lower.0) && near(upper.1, lower.1)
}

/// Adds the rows of a table's continuation, without a repeated header.
pub fn append(above: &mut Vec<Vec<Vec<Placed>>>, mut below: Vec<Vec<Vec<Placed>>>) {
    let text = |row: &Vec<Vec<Placed>>| row.iter().flatten().map(|placed| placed.line.text()).collect::<Vec<_>>();
    if let (Some(header), Some(first)) = (above.first(), below.first())
        && text(header) == text(first)
    {
        below.remove(0);
    }
    above.append(&mut below);
}

fn extent(rows: &[Vec<Vec<Placed>>]) -> Option<(f32, f32)> {
    let lines = || rows.iter().flatten().flatten().map(|placed| &placed.line);
    lines().next()?;
    let start = lines().map(|line| line.start).fold(f32::INFINITY, f32::min);
    Some((start, lines().map(|line| line.end).fold(f32::NEG_INFINITY, f32::max)))
}

/// A part of the page that ruling lines enclose or divide.
#[derive(Clone, Copy, Debug)]
struct RuledArea {
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
}

/// Rules this near to each other touch.
const TOUCH: f32 = 2.5;

impl RuledArea {
    fn of(rule: &Rule) -> Self {
        match rule.axis {
            Axis::Horizontal => Self { left: rule.from, right: rule.to, top: rule.at, bottom: rule.at },
            Axis::Vertical => Self { left: rule.at, right: rule.at, top: rule.from, bottom: rule.to },
        }
    }

    fn touches(&self, other: &Self) -> bool {
        self.left - TOUCH <= other.right
            && other.left - TOUCH <= self.right
            && self.top - TOUCH <= other.bottom
            && other.top - TOUCH <= self.bottom
    }

    fn join(&mut self, other: &Self) {
        self.left = self.left.min(other.left);
        self.right = self.right.max(other.right);
        self.top = self.top.min(other.top);
        self.bottom = self.bottom.max(other.bottom);
    }

    fn holds(&self, line: &Line) -> bool {
        let (x, y) = ((line.rect.x0 + line.rect.x1) / 2.0, line.middle());
        (self.left - TOUCH..=self.right + TOUCH).contains(&x) && (self.top - TOUCH..=self.bottom + TOUCH).contains(&y)
    }

    fn covers(&self, rule: &Rule) -> bool {
        self.touches(&Self::of(rule))
    }
}

/// Areas whose rules form a grid, or that lie between rules of equal length.
fn ruled_areas(rules: &[Rule], lines: &[Line], tabular: &[Use], height: f32) -> Vec<RuledArea> {
    const MAX_RULES: usize = 4000;
    if rules.len() > MAX_RULES {
        return Vec::new();
    }
    let mut areas: Vec<(RuledArea, usize, usize)> = Vec::new();
    for rule in rules {
        let (across, down) = (usize::from(rule.axis == Axis::Horizontal), usize::from(rule.axis == Axis::Vertical));
        let mut joined = (RuledArea::of(rule), across, down);
        // Joining one area may bring the next within reach.
        while let Some(index) = areas.iter().position(|(area, ..)| area.touches(&joined.0)) {
            let (area, across, down) = areas.swap_remove(index);
            joined.0.join(&area);
            joined.1 += across;
            joined.2 += down;
        }
        areas.push(joined);
    }
    let mut found: Vec<RuledArea> =
        areas.iter().filter(|(_, across, down)| *across >= 2 && *down >= 2).map(|&(area, ..)| area).collect();
    // The outer one of two nested areas comes first.
    let size = |area: &RuledArea| (area.right - area.left) * (area.bottom - area.top);
    found.sort_by(|a, b| size(b).total_cmp(&size(a)));
    found.extend(barred_areas(rules, lines, tabular, height));
    found.retain(|area| area.right - area.left > 40.0 && area.bottom - area.top > 15.0);
    found
}

/// Areas of tables ruled between rows only: horizontal rules of one length
/// below each other, as far as there are cells between them.
fn barred_areas(rules: &[Rule], lines: &[Line], tabular: &[Use], height: f32) -> Vec<RuledArea> {
    let mut bars: Vec<&Rule> =
        rules.iter().filter(|rule| rule.axis == Axis::Horizontal && rule.to - rule.from > 60.0).collect();
    bars.sort_by(|a, b| a.at.total_cmp(&b.at));
    let mut found = Vec::new();
    let mut used = vec![false; bars.len()];
    for first in 0..bars.len() {
        if used[first] {
            continue;
        }
        let mut area = RuledArea::of(bars[first]);
        let mut count = 1;
        for next in first + 1..bars.len() {
            let same = (bars[next].from - area.left).abs() < TOUCH && (bars[next].to - area.right).abs() < TOUCH;
            if used[next] || !same || bars[next].at - area.bottom > 0.5 * height {
                continue;
            }
            let between = RuledArea { top: area.bottom, bottom: bars[next].at, ..area };
            let inside = || (0..lines.len()).filter(|&i| between.holds(&lines[i]));
            let cells = inside().filter(|&i| tabular[i] == Use::Tabular).count();
            if cells * 2 < inside().count() {
                // Text, not a row: the table, if there is one, begins below.
                if count >= 2 {
                    break;
                }
                area = RuledArea::of(bars[next]);
                used[next] = true;
                continue;
            }
            count += usize::from(bars[next].at - area.bottom > TOUCH);
            area.bottom = bars[next].at;
            used[next] = true;
        }
        if count >= 3 {
            found.push(area);
        }
    }
    found
}

fn rules_near(rules: &[Rule], window: &[usize], lines: &[Line]) -> Vec<Rule> {
    let Some(area) = window.iter().map(|&i| lines[i].rect).reduce(crate::document::Rect::union) else {
        return Vec::new();
    };
    let area = RuledArea { left: area.x0, right: area.x1, top: area.y0, bottom: area.y1 };
    rules.iter().copied().filter(|rule| area.covers(rule)).collect()
}

/// How many lines away the other cells of a row may be drawn.
const REACH: usize = 8;
/// A line as long as this in one piece is prose, no cell.
const MAX_CELL_WIDTH: usize = 70;

/// A ruled area may hold a paragraph above or below its table.
fn without_prose_ends(mut window: Vec<usize>, lines: &[Line], pieces: &[Vec<Piece>]) -> Vec<usize> {
    let prose = |&i: &usize| is_prose(&lines[i], &pieces[i]);
    while window.last().is_some_and(prose) {
        window.pop();
    }
    let lead = window.iter().take_while(|i| prose(i)).count();
    window.drain(..lead);
    window
}

fn is_prose(line: &Line, pieces: &[Piece]) -> bool {
    let width = script::width(&line.text());
    width > MAX_CELL_WIDTH && width > 45 * pieces.len()
}

/// What a line may be in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// It holds several cells, or one beside others.
    Tabular,
    /// It may be part of a cell of several lines.
    Possible,
    /// It is prose, code or an entry of a table of contents.
    Excluded,
}

fn tabular_lines(lines: &[Line], pieces: &[Vec<Piece>]) -> Vec<Use> {
    let texts: Vec<String> = lines.iter().map(Line::text).collect();
    let entries: Vec<bool> = texts.iter().map(|text| markers::is_contents_entry(text)).collect();
    let contents = texts.iter().position(|text| markers::is_contents_title(text));
    let usable: Vec<bool> = (0..lines.len())
        .map(|i| {
            let near = entries[i.saturating_sub(3)..(i + 4).min(lines.len())].contains(&true);
            let listed =
                (near || contents.is_some_and(|title| title < i)) && texts[i].ends_with(|c: char| c.is_ascii_digit());
            !is_prose(&lines[i], &pieces[i]) && !listed && lines[i].fixed_pitch().is_none()
        })
        .collect();
    let beside = |a: usize, b: usize| {
        let em = lines[a].size.min(lines[b].size);
        let gap = (lines[b].start - lines[a].end).max(lines[a].start - lines[b].end);
        let level = (lines[a].baseline - lines[b].baseline).abs() < 0.35 * em;
        level && lines[a].direction == lines[b].direction && gap > 0.75 * em
    };
    (0..lines.len())
        .map(|i| {
            let mut near = i.saturating_sub(REACH)..(i + REACH + 1).min(lines.len());
            if !usable[i] {
                Use::Excluded
            } else if pieces[i].len() > 1 || near.any(|j| j != i && usable[j] && beside(i, j)) {
                Use::Tabular
            } else {
                Use::Possible
            }
        })
        .collect()
}

/// Stretches of lines that may be tables: cells, and lines between them.
fn windows(lines: &[Line], uses: &[Use], owner: &[Option<usize>]) -> Vec<Vec<usize>> {
    let tabular = |i: usize| uses[i] == Use::Tabular && owner[i].is_none();
    let mut windows: Vec<Vec<usize>> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut bottom = f32::NEG_INFINITY;
    for i in 0..lines.len() {
        let near = open.last().is_none_or(|&last| {
            let step = lines[i].baseline - bottom;
            lines[i].direction == lines[last].direction && step < 3.2 * lines[i].size && step > -14.0 * lines[i].size
        });
        let possible = uses[i] != Use::Excluded && owner[i].is_none();
        let bridge = possible && !open.is_empty() && (i + 1..(i + 4).min(lines.len())).any(tabular);
        if !(near && (tabular(i) || bridge)) {
            windows.extend(close(&mut open, uses));
            bottom = f32::NEG_INFINITY;
        }
        if tabular(i) || (near && bridge && !open.is_empty()) {
            open.push(i);
            bottom = bottom.max(lines[i].baseline);
        }
    }
    windows.extend(close(&mut open, uses));
    windows
}

fn close(open: &mut Vec<usize>, uses: &[Use]) -> Option<Vec<usize>> {
    let mut window = std::mem::take(open);
    while window.last().is_some_and(|&last| uses[last] != Use::Tabular) {
        window.pop();
    }
    (window.len() >= 2).then_some(window)
}
