//! Third stage: the reading order of a page's runs.
//!
//! Most files draw their text in the order it is read, tables and columns
//! included, and know better than geometry does. Only where the drawing order
//! itself jumps to and fro across a gutter between two columns of prose is the
//! page cut into columns (recursive XY-cut; Nagy, Seth and Viswanathan, "A
//! prototype document image analysis system for technical journals", 1992).

use super::script;
use super::words::Run;

/// Puts `runs`, given in drawing order, into reading order.
pub fn reading_order(runs: Vec<Run>) -> Vec<Run> {
    if zigzags(&runs) {
        let mut ordered = Vec::with_capacity(runs.len());
        cut(runs, &mut ordered, 0);
        ordered
    } else {
        sink(runs)
    }
}

/// Parts of the page that were drawn in one go.
struct Stretch {
    runs: Vec<Run>,
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
}

impl Stretch {
    fn of(run: Run) -> Self {
        let (top, bottom) = extent(&run);
        Self { left: run.start, right: run.end, top, bottom, runs: vec![run] }
    }

    fn takes(&self, run: &Run) -> bool {
        let step = self.runs.last().map_or(0.0, |last| run.baseline - last.baseline);
        step > -3.0 * run.size && step < 5.0 * run.size
    }

    fn push(&mut self, run: Run) {
        let (top, bottom) = extent(&run);
        self.left = self.left.min(run.start);
        self.right = self.right.max(run.end);
        self.top = self.top.min(top);
        self.bottom = self.bottom.max(bottom);
        self.runs.push(run);
    }

    /// Whether all of it stands above `other`, over at least a part of it.
    fn is_above(&self, other: &Self) -> bool {
        let shared = self.right.min(other.right) - self.left.max(other.left);
        self.bottom <= other.top && shared > 0.3 * (self.right - self.left).min(other.right - other.left)
    }
}

/// Titles and notes are sometimes drawn before or after the text between them:
/// what stands wholly above something else is read before it. All else stays
/// in drawing order.
fn sink(runs: Vec<Run>) -> Vec<Run> {
    const MAX_STRETCHES: usize = 150;
    let mut stretches: Vec<Stretch> = Vec::new();
    let total = runs.len();
    for run in runs {
        match stretches.last_mut() {
            Some(last) if last.takes(&run) => last.push(run),
            _ => stretches.push(Stretch::of(run)),
        }
    }
    let mut ordered = Vec::with_capacity(total);
    if stretches.len() > MAX_STRETCHES {
        return stretches.into_iter().flat_map(|stretch| stretch.runs).collect();
    }
    // "Above" is a strict order, so there is always one that nothing stands above.
    while !stretches.is_empty() {
        let free = |index: &usize| stretches.iter().all(|other| !other.is_above(&stretches[*index]));
        let next = (0..stretches.len()).find(free).unwrap_or(0);
        ordered.extend(stretches.remove(next).runs);
    }
    ordered
}

fn extent(run: &Run) -> (f32, f32) {
    (run.baseline - 0.75 * run.size, run.baseline + 0.25 * run.size)
}

/// Letters that make a line piece prose rather than a table cell.
const PROSE_WIDTH: usize = 18;
const MAX_CUTS: usize = 12;

/// Whether the drawing order keeps jumping between prose columns.
fn zigzags(runs: &[Run]) -> bool {
    let prose: Vec<bool> = runs.iter().map(|run| script::width(&run.text()) >= PROSE_WIDTH).collect();
    let jumps = (1..runs.len())
        .filter(|&i| {
            let (left, right) = (&runs[i - 1], &runs[i]);
            let em = left.size.max(right.size);
            prose[i - 1]
                && prose[i]
                && (left.baseline - right.baseline).abs() < 0.3 * em
                && right.start - left.end > 0.8 * em
        })
        .count();
    jumps >= 5 && jumps * 7 >= runs.len()
}

fn cut(runs: Vec<Run>, ordered: &mut Vec<Run>, depth: usize) {
    if depth > MAX_CUTS || runs.len() < 6 {
        ordered.extend(by_lines(runs));
        return;
    }
    let em = median_size(&runs).max(4.0);
    let gutter = widest_gap(runs.iter().map(|run| (run.start, run.end)), 0.8 * em);
    if let Some(at) = gutter {
        let (left, right): (Vec<Run>, Vec<Run>) = runs.iter().cloned().partition(|run| run.end <= at);
        if is_prose(&left, em) && is_prose(&right, em) {
            cut(left, ordered, depth + 1);
            cut(right, ordered, depth + 1);
            return;
        }
    }
    let band = widest_gap(runs.iter().map(extent), 0.35 * em);
    if let Some(at) = band {
        let (above, below): (Vec<Run>, Vec<Run>) = runs.iter().cloned().partition(|run| extent(run).1 <= at + 0.01);
        if !above.is_empty() && !below.is_empty() {
            cut(above, ordered, depth + 1);
            cut(below, ordered, depth + 1);
            return;
        }
    }
    ordered.extend(by_lines(runs));
}

/// Line by line from the top, each from left to right.
fn by_lines(mut runs: Vec<Run>) -> Vec<Run> {
    runs.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
    let mut from = 0;
    while from < runs.len() {
        let (baseline, mut size) = (runs[from].baseline, runs[from].size);
        let mut to = from + 1;
        while to < runs.len() && runs[to].baseline - baseline < 0.5 * size.min(runs[to].size).max(2.0) {
            size = size.max(runs[to].size);
            to += 1;
        }
        runs[from..to].sort_by(|a, b| a.start.total_cmp(&b.start));
        from = to;
    }
    runs
}

fn is_prose(runs: &[Run], em: f32) -> bool {
    let mut lines: Vec<i32> = runs.iter().map(|run| (run.baseline / (0.5 * em)) as i32).collect();
    lines.sort_unstable();
    lines.dedup();
    let letters: usize = runs.iter().map(|run| script::width(&run.text())).sum();
    lines.len() >= 3 && letters / lines.len() >= PROSE_WIDTH
}

fn median_size(runs: &[Run]) -> f32 {
    let mut sizes: Vec<f32> = runs.iter().map(|run| run.size).collect();
    sizes.sort_by(f32::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or_default()
}

/// The middle of the widest gap, wider than `least`, that no extent covers.
fn widest_gap(extents: impl Iterator<Item = (f32, f32)>, least: f32) -> Option<f32> {
    let mut extents: Vec<(f32, f32)> = extents.collect();
    extents.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut covered = extents.first()?.1;
    let mut widest = (least, None);
    for &(from, to) in &extents[1..] {
        if from - covered > widest.0 {
            widest = (from - covered, Some(f32::midpoint(from, covered)));
        }
        covered = covered.max(to);
    }
    widest.1
}
