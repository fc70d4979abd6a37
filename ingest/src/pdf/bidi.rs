//! Lines of right-to-left scripts: files draw their glyphs in the order they
//! are seen, readers and indexes need the order they are read.
//!
//! This is the part of the Unicode bidirectional algorithm (UAX #9) that body
//! text needs: words from right to left, with runs of Latin words and numbers
//! kept from left to right. Embeddings and overrides do not occur in glyphs.

use super::glyphs::Glyph;
use super::script::is_right_to_left;
use super::words::{Joint, Run, Word, collect};

const WORD_GAP: f32 = 0.17;
/// How many lines back a glyph may belong to; tools draw words out of order.
const OPEN_LINES: usize = 6;

/// Runs of a page that holds right-to-left text, one a line for such lines.
pub fn runs(glyphs: &[Glyph]) -> Vec<Run> {
    visual_lines(glyphs)
        .into_iter()
        .flat_map(|line| {
            let drawn = line.iter().filter(|g| g.ch != ' ').count();
            let reversed = line.iter().filter(|g| is_right_to_left(g.ch)).count();
            if reversed * 3 >= drawn { logical_run(line).into_iter().collect() } else { collect(&line) }
        })
        .collect()
}

/// Groups glyphs, in drawing order, by baseline and nearness.
fn visual_lines(glyphs: &[Glyph]) -> Vec<Vec<Glyph>> {
    struct Line {
        start: f32,
        end: f32,
        baseline: f32,
        size: f32,
        glyphs: Vec<Glyph>,
    }
    let mut lines: Vec<Line> = Vec::new();
    for glyph in glyphs {
        let open = lines.len().saturating_sub(OPEN_LINES);
        let line = lines[open..].iter_mut().rev().find(|line| {
            let em = glyph.size.max(line.size).max(1.0);
            (glyph.baseline - line.baseline).abs() < 0.4 * em
                && glyph.start < line.end + 1.2 * em
                && glyph.end > line.start - 1.2 * em
        });
        match line {
            Some(line) => {
                line.start = line.start.min(glyph.start);
                line.end = line.end.max(glyph.end);
                line.size = line.size.max(glyph.size);
                line.glyphs.push(*glyph);
            }
            None if glyph.ch == ' ' => {}
            None => lines.push(Line {
                start: glyph.start,
                end: glyph.end,
                baseline: glyph.baseline,
                size: glyph.size,
                glyphs: vec![*glyph],
            }),
        }
    }
    // A Latin word is drawn from its far end, so it meets its line only when complete.
    let mut index = 1;
    while index < lines.len() {
        let open = index.saturating_sub(OPEN_LINES);
        let near = (open..index).rev().find(|&other| {
            let (a, b) = (&lines[other], &lines[index]);
            let em = a.size.max(b.size).max(1.0);
            let gap = (b.start - a.end).max(a.start - b.end);
            (a.baseline - b.baseline).abs() < 0.4 * em && gap < 1.2 * em
        });
        match near {
            Some(other) => {
                let line = lines.remove(index);
                let into = &mut lines[other];
                into.start = into.start.min(line.start);
                into.end = into.end.max(line.end);
                into.size = into.size.max(line.size);
                into.glyphs.extend(line.glyphs);
            }
            None => index += 1,
        }
    }
    lines.into_iter().map(|line| line.glyphs).collect()
}

/// One line's glyphs as a run in reading order.
fn logical_run(mut glyphs: Vec<Glyph>) -> Option<Run> {
    let places = reading_places(&glyphs);
    let mut order: Vec<usize> = (0..glyphs.len()).collect();
    order.sort_by(|&a, &b| places[b].total_cmp(&places[a]));
    glyphs = order.into_iter().map(|index| glyphs[index]).collect();
    let tallest = *glyphs.iter().max_by(|a, b| a.size.total_cmp(&b.size))?;
    let mut words: Vec<Vec<Glyph>> = vec![Vec::new()];
    for glyph in glyphs {
        let last = words.last_mut()?;
        if glyph.ch == ' ' {
            words.push(Vec::new());
        } else if last.last().is_some_and(|right| {
            // A change of script ends a word even where no gap shows it.
            let changes = right.ch.is_alphabetic()
                && glyph.ch.is_alphabetic()
                && is_right_to_left(right.ch) != is_right_to_left(glyph.ch);
            changes || right.start - glyph.end > WORD_GAP * glyph.size
        }) {
            words.push(vec![glyph]);
        } else {
            last.push(glyph);
        }
    }
    words.retain(|word| !word.is_empty());
    reverse_stretches(&mut words, |word| is_left_to_right(word));
    let words: Vec<Word> = words.into_iter().filter_map(logical_word).collect();
    let mut run = Run::of(words.first()?.clone(), &tallest);
    run.start = words.iter().map(|word| word.start).fold(f32::INFINITY, f32::min);
    run.end = words.iter().map(|word| word.end).fold(f32::NEG_INFINITY, f32::max);
    run.words = words;
    Some(run)
}

/// Where each glyph stands in the line; vowel signs follow their letter.
fn reading_places(glyphs: &[Glyph]) -> Vec<f32> {
    let middle = |g: &Glyph| f32::midpoint(g.start, g.end);
    let place = |glyph: &Glyph| {
        if !is_vowel_sign(glyph.ch) {
            return middle(glyph);
        }
        let letters = glyphs.iter().filter(|g| is_right_to_left(g.ch) && !is_vowel_sign(g.ch));
        let off = |g: &Glyph| (middle(g) - middle(glyph)).abs();
        letters.min_by(|a, b| off(a).total_cmp(&off(b))).map_or(middle(glyph), |letter| middle(letter) - 0.01)
    };
    glyphs.iter().map(place).collect()
}

/// Arabic and Hebrew signs above and below letters.
fn is_vowel_sign(c: char) -> bool {
    matches!(c as u32, 0x591..=0x5C7 | 0x610..=0x61A | 0x64B..=0x65F | 0x670 | 0x6D6..=0x6ED)
}

fn logical_word(mut glyphs: Vec<Glyph>) -> Option<Word> {
    // Digits and Latin letters inside a word are read from left to right; the
    // signs between them go along, the signs around them do not.
    let plain = |g: &Glyph| g.ch.is_alphanumeric() && !is_right_to_left(g.ch);
    let mut from = 0;
    while from < glyphs.len() {
        if !plain(&glyphs[from]) {
            from += 1;
            continue;
        }
        let mut to = from;
        while to < glyphs.len() && (plain(&glyphs[to]) || ".,:/-%".contains(glyphs[to].ch)) {
            to += 1;
        }
        while !plain(&glyphs[to - 1]) {
            to -= 1;
        }
        glyphs[from..to].reverse();
        from = to;
    }
    let mut glyphs = glyphs.iter();
    let mut word = Word::of(glyphs.next()?, Joint::Space);
    glyphs.for_each(|glyph| word.push(glyph));
    Some(word)
}

fn is_left_to_right(word: &[Glyph]) -> bool {
    !word.iter().any(|g| is_right_to_left(g.ch)) && word.iter().any(|g| g.ch.is_alphanumeric())
}

/// Reverses every longest stretch of items for which `turned` holds.
fn reverse_stretches<T>(items: &mut [T], turned: impl Fn(&T) -> bool) {
    let mut from = 0;
    while from < items.len() {
        let length = items[from..].iter().take_while(|&item| turned(item)).count();
        items[from..from + length].reverse();
        from += length.max(1);
    }
}
