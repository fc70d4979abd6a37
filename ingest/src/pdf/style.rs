//! What is usual in a document: its body text's size, leading and weight, by
//! which unusual lines are told.

use std::collections::HashMap;

use super::glyphs::PageGlyphs;
use super::lines::Line;
use super::running::PageLines;
use super::script;

/// The usual look of a document's text.
#[derive(Debug)]
pub struct Style {
    /// Font size of most characters, in points.
    pub body: f32,
    /// Usual distance of baselines, in units of the font size.
    pub leading: f32,
    /// Mean inked area of each character at the body size, in square em.
    ink: HashMap<char, f32>,
    /// The same for all Han characters together, few of which occur twice.
    han_ink: f32,
}

/// Bold fonts put down a third to a half more ink than their regular ones;
/// different regular fonts differ by less than a quarter.
const BOLD_INK: f32 = 1.27;

impl Style {
    /// Measures a document.
    pub fn of(glyphs: &[PageGlyphs], pages: &[PageLines]) -> Self {
        let body = mode(
            pages
                .iter()
                .flat_map(|page| &page.lines)
                .map(|line| (line.size, line.words().map(|(word, _)| script::width(&word.text)).sum::<usize>())),
        )
        .unwrap_or(10.0);
        let steps = pages.iter().flat_map(|page| page.lines.windows(2)).filter_map(|pair| {
            let (above, below) = (&pair[0], &pair[1]);
            let near = |size: f32| (size - body).abs() < 0.06 * body;
            let step = (below.baseline - above.baseline) / body;
            (near(above.size) && near(below.size) && (0.9..2.6).contains(&step)).then_some((step, 1))
        });
        let leading = mode(steps).unwrap_or(1.2);
        let mut sums: HashMap<char, (f32, f32)> = HashMap::new();
        for glyph in glyphs.iter().flat_map(|page| &page.glyphs) {
            if (glyph.size - body).abs() < 0.06 * body && glyph.ink > 0.0 && glyph.ch.is_alphanumeric() {
                let sum = sums.entry(glyph.ch).or_default();
                *sum = (sum.0 + glyph.ink, sum.1 + 1.0);
            }
        }
        let han = sums.iter().filter(|(c, _)| script::is_unspaced(**c)).map(|(_, sum)| *sum);
        let (han_sum, han_count) = han.fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
        let ink = sums.into_iter().map(|(c, (sum, count))| (c, sum / count)).collect();
        Self { body, leading, ink, han_ink: if han_count > 0.0 { han_sum / han_count } else { 0.0 } }
    }

    /// The part of a line's letters that is bold, from 0 to 1.
    pub fn boldness(&self, line: &Line) -> f32 {
        let (mut bold, mut all) = (0.0, 0.0);
        for (word, _) in line.words() {
            let usual: f32 = word.text.chars().map(|c| self.usual_ink(c)).sum();
            if usual > 0.0 && word.ink > 0.0 {
                let letters = script::width(&word.text) as f32;
                all += letters;
                // Signs count in a word's ink but not in what is usual.
                let signs = word.text.chars().filter(|c| !c.is_alphanumeric()).count() as f32 * 0.02;
                if word.ink - signs > BOLD_INK * usual {
                    bold += letters;
                }
            }
        }
        if all > 0.0 { bold / all } else { 0.0 }
    }

    fn usual_ink(&self, c: char) -> f32 {
        if script::is_unspaced(c) && c.is_alphanumeric() {
            self.han_ink
        } else {
            self.ink.get(&c).copied().unwrap_or_default()
        }
    }
}

/// The value, in steps of a twentieth, that weighs most.
fn mode(values: impl Iterator<Item = (f32, usize)>) -> Option<f32> {
    let mut weights: HashMap<i32, (usize, f32)> = HashMap::new();
    for (value, weight) in values {
        let entry = weights.entry((value * 20.0).round() as i32).or_default();
        *entry = (entry.0 + weight, entry.1 + value * weight as f32);
    }
    weights
        .into_iter()
        .max_by_key(|&(step, (weight, _))| (weight, step))
        .map(|(_, (weight, sum))| sum / weight.max(1) as f32)
}
