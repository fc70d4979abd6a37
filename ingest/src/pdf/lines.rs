//! Fourth stage: runs on one baseline become lines.

use super::glyphs::{Direction, Role};
use super::script;
use super::words::{Joint, Pitch, Run, Word};
use crate::document::Rect;

/// Runs that stand beside each other, in reading order.
#[derive(Clone, Debug)]
pub struct Line {
    /// The runs; between them are gaps wider than a word space.
    pub runs: Vec<Run>,
    /// Left end along the line of writing.
    pub start: f32,
    /// Right end along the line of writing.
    pub end: f32,
    /// Place of the line of writing.
    pub baseline: f32,
    /// Font size of most of its characters.
    pub size: f32,
    /// Its box on the page.
    pub rect: Rect,
    /// Which way it runs on the page.
    pub direction: Direction,
    /// Which way its script is read.
    reading: Reading,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    LeftToRight,
    RightToLeft,
}

/// Joins neighbours in reading order that share a baseline.
pub fn collect(runs: Vec<Run>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for run in runs {
        match lines.last_mut() {
            Some(line) if line.takes(&run) => line.push(run),
            _ => lines.extend(Line::of(vec![run])),
        }
    }
    lines
}

impl Line {
    /// A line of the given runs, none if there is no word in them.
    pub fn of(runs: Vec<Run>) -> Option<Self> {
        let first = runs.first()?;
        let (baseline, size) = (first.baseline, first.size);
        let rect = runs.iter().flat_map(|run| &run.words).map(|word| word.rect).reduce(Rect::union)?;
        let mut line = Self {
            start: runs.iter().map(|run| run.start).fold(f32::INFINITY, f32::min),
            end: runs.iter().map(|run| run.end).fold(f32::NEG_INFINITY, f32::max),
            baseline,
            size,
            rect,
            direction: first.direction,
            reading: reading(&runs),
            runs,
        };
        line.size = line.usual_size();
        Some(line)
    }

    /// Its words in reading order; a run's first word follows a wide gap.
    pub fn words(&self) -> impl Iterator<Item = (&Word, Joint)> {
        self.runs.iter().flat_map(|run| {
            run.words.iter().enumerate().map(|(index, word)| {
                let joint = if index == 0 { Joint::Space } else { word.joint };
                (word, joint)
            })
        })
    }

    /// The words with their spaces.
    pub fn text(&self) -> String {
        self.runs.iter().map(Run::text).collect::<Vec<_>>().join(" ")
    }

    /// Its first word.
    pub fn first_word(&self) -> Option<&Word> {
        self.runs.first()?.words.first()
    }

    /// The line's ends in the order of reading, on an axis that grows with it.
    pub fn extent(&self) -> (f32, f32) {
        match self.reading {
            Reading::LeftToRight => (self.start, self.end),
            Reading::RightToLeft => (-self.end, -self.start),
        }
    }

    /// Height of the page's part it stands in, as centre of its box.
    pub fn middle(&self) -> f32 {
        f32::midpoint(self.rect.y0, self.rect.y1)
    }

    /// Whether the file marks all of it as no content.
    pub fn is_artifact(&self) -> bool {
        self.runs.iter().all(|run| run.role == Role::Artifact)
    }

    /// The common advance of its letters in em, if there are enough different
    /// letters to show that its font gives all the same.
    pub fn fixed_pitch(&self) -> Option<f32> {
        self.common_pitch().filter(|&(_, proof)| proof >= 2).map(|(pitch, _)| pitch)
    }

    /// The common advance of its letters in em, and how many signs there are
    /// that it is no coincidence.
    pub fn common_pitch(&self) -> Option<(f32, usize)> {
        let mut pitch = None;
        let mut proof = 0;
        for (word, _) in self.words() {
            match (word.pitch, pitch) {
                (Pitch::Varied, _) => return None,
                (Pitch::Even(own), Some(all)) if f32::abs(own - all) > 0.02 => return None,
                (Pitch::Even(own), _) => pitch = Some(own),
            }
            let narrow = word.text.chars().any(|c| "iljftI.,;:'|!()[]{}".contains(c));
            let wide = word.text.chars().any(|c| "mwMWABCDEGHKNOQRUVXYaceg_=".contains(c));
            proof += usize::from(narrow) + usize::from(wide);
        }
        pitch.map(|pitch| (pitch, proof))
    }

    fn takes(&self, run: &Run) -> bool {
        let (Some(last), Some(first)) = (self.runs.last(), run.words.first()) else { return false };
        let em = run.size.max(last.size);
        if last.role != run.role || last.direction != run.direction {
            return false;
        }
        let shift = (run.baseline - last.baseline).abs().min((run.baseline - self.baseline).abs());
        let gap = run.start - last.end;
        // Signs of formulas, like roots and sums, hang from lines of their own;
        // an index may stand below an exponent.
        let sign = |run: &Run| run.words.iter().all(|word| word.text.chars().all(|c| !c.is_alphanumeric()));
        let formula = (sign(run) || sign(last)) && shift < 1.2 * em && (-0.4..0.6).contains(&(gap / em));
        let index = first.size < 0.85 * last.size && gap > -1.2 * em;
        formula || (shift < 0.45 * em && (gap > -0.5 * em || index))
    }

    fn push(&mut self, run: Run) {
        if let Some(rect) = run.words.iter().map(|word| word.rect).reduce(Rect::union) {
            self.rect = self.rect.union(rect);
        }
        self.start = self.start.min(run.start);
        self.end = self.end.max(run.end);
        self.runs.push(run);
        self.size = self.usual_size();
    }

    fn usual_size(&self) -> f32 {
        let mut sizes: Vec<(f32, usize)> = Vec::new();
        for word in self.runs.iter().flat_map(|run| &run.words) {
            let letters = word.text.chars().count();
            match sizes.iter_mut().find(|(size, _)| (size - word.size).abs() < 0.1) {
                Some((_, count)) => *count += letters,
                None => sizes.push((word.size, letters)),
            }
        }
        sizes.into_iter().max_by_key(|&(_, count)| count).map_or(self.size, |(size, _)| size)
    }
}

fn reading(runs: &[Run]) -> Reading {
    let words = || runs.iter().flat_map(|run| &run.words);
    let reversed = words().filter(|word| word.text.chars().any(script::is_right_to_left)).count();
    if reversed * 2 > words().count() { Reading::RightToLeft } else { Reading::LeftToRight }
}
