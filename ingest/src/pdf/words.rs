//! Second stage: characters become words, and words that follow each other on
//! a baseline without a wide gap become runs.

use std::collections::VecDeque;

use super::glyphs::{Direction, Glyph, Role};
use super::{bidi, script};
use crate::document::Rect;

/// Words that were drawn one after the other on one baseline.
#[derive(Clone, Debug)]
pub struct Run {
    /// The words, in reading order.
    pub words: Vec<Word>,
    /// Left end along the line of writing.
    pub start: f32,
    /// Right end along the line of writing.
    pub end: f32,
    /// Place of the line of writing.
    pub baseline: f32,
    /// Size of its largest font.
    pub size: f32,
    /// Whether the file marks it as content.
    pub role: Role,
    /// Which way its line of writing runs on the page.
    pub direction: Direction,
    /// Mean gap between the letters of its words so far, in em, and their number.
    pub tracking: (f32, f32),
}

/// A word, or a run of characters of a script without word spaces.
#[derive(Clone, Debug)]
pub struct Word {
    /// Its characters.
    pub text: String,
    /// Its box on the page.
    pub rect: Rect,
    /// Left end along the line of writing.
    pub start: f32,
    /// Right end along the line of writing.
    pub end: f32,
    /// Font size.
    pub size: f32,
    /// Sum of its glyphs' inked areas, in square em.
    pub ink: f32,
    /// How it follows the word before it.
    pub joint: Joint,
    /// Whether all of its glyphs have the same advance.
    pub pitch: Pitch,
}

/// What stands between a word and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// Nothing.
    Tight,
    /// A word space.
    Space,
}

/// Whether a font gives all characters the same width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pitch {
    /// All glyphs so far advanced by this part of an em.
    Even(f32),
    /// Advances differ.
    Varied,
}

/// Gaps in em of the font size; measured on real documents, where word spaces
/// start at about .17 and letter spacing ends at about .08.
const WORD_GAP: f32 = 0.12;
/// Han characters are spread to justify a line.
const UNSPACED_GAP: f32 = 0.6;
/// Between Han and Latin text typesetters put a quarter of an em.
const MIXED_GAP: f32 = 0.28;
const RUN_GAP: f32 = 1.2;
const RUN_OVERLAP: f32 = 0.6;
const BASELINE_SHIFT: f32 = 0.45;

/// Runs of `glyphs`, which share one direction, in the order they were drawn.
pub fn runs(glyphs: &[Glyph]) -> Vec<Run> {
    let glyphs = without_overprints(glyphs);
    if glyphs.iter().filter(|g| script::is_right_to_left(g.ch)).count() > 3 {
        bidi::runs(&glyphs)
    } else {
        collect(&glyphs)
    }
}

/// Runs of glyphs that are read from left to right.
pub fn collect(glyphs: &[Glyph]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut space = Joint::Tight;
    for glyph in glyphs {
        let continues = runs.last().is_some_and(|run| run.takes(glyph));
        if glyph.ch == ' ' {
            if continues {
                space = Joint::Space;
            }
            continue;
        }
        if !continues {
            runs.push(Run::of(Word::of(glyph, Joint::Tight), glyph));
        } else if let Some(run) = runs.last_mut() {
            run.push(glyph, space);
        }
        space = Joint::Tight;
    }
    runs.iter_mut().for_each(Run::close_up);
    runs
}

impl Run {
    /// A run of one word.
    pub fn of(word: Word, glyph: &Glyph) -> Self {
        Self {
            start: word.start,
            end: word.end,
            baseline: glyph.baseline,
            size: glyph.size,
            role: glyph.role,
            direction: glyph.direction,
            tracking: (0.0, 0.0),
            words: vec![word],
        }
    }

    /// The words with their spaces.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (index, word) in self.words.iter().enumerate() {
            if index > 0 && word.joint == Joint::Space {
                text.push(' ');
            }
            text.push_str(&word.text);
        }
        text
    }

    /// Joins the letters of text that is spaced out, as titles are.
    fn close_up(&mut self) {
        let single = |word: &Word| word.text.chars().count() == 1 && word.text.chars().all(char::is_alphabetic);
        let spaced = |word: &Word| single(word) && !word.text.chars().any(script::is_unspaced);
        let count = self.words.iter().filter(|word| spaced(word)).count();
        if count < 5 || count * 10 < self.words.len() * 9 {
            return;
        }
        let mut gaps: Vec<f32> = self.words.windows(2).map(|pair| pair[1].start - pair[0].end).collect();
        gaps.sort_by(f32::total_cmp);
        let usual = gaps[gaps.len() / 2];
        let mut closed: Vec<Word> = Vec::new();
        for word in self.words.drain(..) {
            match closed.last_mut() {
                Some(last) if word.start - last.end < 1.5 * usual => last.absorb(&word),
                _ => closed.push(word),
            }
        }
        self.words = closed;
    }

    fn takes(&self, glyph: &Glyph) -> bool {
        let em = glyph.size.max(self.size).max(1.0);
        let gap = glyph.start - self.end;
        self.role == glyph.role
            && (glyph.baseline - self.baseline).abs() <= BASELINE_SHIFT * em
            && gap <= RUN_GAP * em
            && gap >= -RUN_OVERLAP * em
    }

    fn push(&mut self, glyph: &Glyph, space: Joint) {
        let Some(last) = self.words.last_mut() else { return };
        let before = last.text.chars().next_back().unwrap_or(' ');
        let em = glyph.size.min(last.size).max(1.0);
        let gap = (glyph.start - self.end) / em;
        let joint = joint(before, glyph.ch, gap - self.tracking.0, space);
        if joint == Joint::Tight {
            let (mean, count) = self.tracking;
            self.tracking = ((mean * count + gap.clamp(0.0, 0.3)) / (count + 1.0), count + 1.0);
        }
        let raised = glyph.size < 0.85 * last.size && self.baseline - glyph.baseline > 0.12 * last.size;
        if joint == Joint::Tight && raised && glyph.ch.is_ascii_digit() && script::width(&last.text) > 3 {
            // A raised digit after a word is a note mark, no part of the word.
            self.words.push(Word::of(glyph, Joint::Space));
        } else if joint == Joint::Space || script::is_unspaced(before) != script::is_unspaced(glyph.ch) {
            self.words.push(Word::of(glyph, joint));
        } else {
            last.push(glyph);
        }
        self.end = self.end.max(glyph.end);
        if glyph.size > self.size {
            (self.size, self.baseline) = (glyph.size, glyph.baseline);
        }
    }
}

/// What stands between two characters `gap` em apart, given whether the file
/// drew a space between them.
fn joint(before: char, after: char, gap: f32, space: Joint) -> Joint {
    let least = match (script::is_unspaced(before), script::is_unspaced(after)) {
        (false, false) => return if space == Joint::Space || gap > WORD_GAP { Joint::Space } else { Joint::Tight },
        (true, true) if space == Joint::Space => 0.2,
        (true, true) => UNSPACED_GAP,
        _ if space == Joint::Space => 0.15,
        _ => MIXED_GAP,
    };
    if gap > least { Joint::Space } else { Joint::Tight }
}

impl Word {
    /// A word of one glyph.
    pub fn of(glyph: &Glyph, joint: Joint) -> Self {
        Self {
            text: glyph.ch.into(),
            rect: glyph.rect,
            start: glyph.start,
            end: glyph.end,
            size: glyph.size,
            ink: glyph.ink,
            joint,
            pitch: Pitch::Even((glyph.end - glyph.start) / glyph.size.max(0.01)),
        }
    }

    /// Adds the word that follows.
    fn absorb(&mut self, next: &Self) {
        self.text.push_str(&next.text);
        self.rect = self.rect.union(next.rect);
        self.start = self.start.min(next.start);
        self.end = self.end.max(next.end);
        self.ink += next.ink;
        self.pitch = Pitch::Varied;
    }

    /// Adds the glyph that follows.
    pub fn push(&mut self, glyph: &Glyph) {
        self.text.push(glyph.ch);
        self.rect = self.rect.union(glyph.rect);
        self.start = self.start.min(glyph.start);
        self.end = self.end.max(glyph.end);
        self.size = self.size.max(glyph.size);
        self.ink += glyph.ink;
        let advance = (glyph.end - glyph.start) / glyph.size.max(0.01);
        if matches!(self.pitch, Pitch::Even(pitch) if (pitch - advance).abs() > 0.01) {
            self.pitch = Pitch::Varied;
        }
    }
}

/// Bold is often faked by drawing a text twice, a little apart.
fn without_overprints(glyphs: &[Glyph]) -> Vec<Glyph> {
    const WINDOW: usize = 64;
    const NEAR: f32 = 0.12;
    let mut recent: VecDeque<Glyph> = VecDeque::with_capacity(WINDOW);
    let mut kept = Vec::with_capacity(glyphs.len());
    for glyph in glyphs {
        if glyph.ch != ' ' {
            let near = NEAR * glyph.size;
            if recent.iter().any(|g| {
                g.ch == glyph.ch && (g.start - glyph.start).abs() < near && (g.baseline - glyph.baseline).abs() < near
            }) {
                continue;
            }
            if recent.len() == WINDOW {
                recent.pop_front();
            }
            recent.push_back(*glyph);
        }
        kept.push(*glyph);
    }
    kept
}
