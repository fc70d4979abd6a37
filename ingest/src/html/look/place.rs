//! Whether the box of an element stands on the page at all.

use super::super::css::{Declaration, Term};

pub(super) fn is_read(name: &str) -> bool {
    const READ: &str = "position left right top bottom inset margin margin-left margin-top padding padding-left padding-top \
        text-indent transform -webkit-transform translate scale clip clip-path -webkit-clip-path width \
        height max-width max-height overflow overflow-x overflow-y";
    READ.split(' ').any(|known| known == name)
}

/// Whether the property takes any name there is.
pub(super) fn is_free(name: &str) -> bool {
    ["animation", "animation-name", "-webkit-animation", "transition", "-webkit-transition"].contains(&name)
}

/// What stands further to the left or above, in pixels, is off the page.
const OFF: f32 = -900.0;

/// What stands further to the right is off the page.
const FAR: f32 = 5000.0;

/// The place and the extent of a box, in pixels.
#[derive(Debug, Default)]
pub(super) struct Place {
    position: Position,
    left: Option<f32>,
    right: Option<f32>,
    top: Option<f32>,
    bottom: Option<f32>,
    /// Left and top margins.
    margin: (f32, f32),
    /// Left and top paddings, which make up for margins.
    padding: (f32, f32),
    indent: f32,
    /// By how much the box is moved.
    shift: (f32, f32),
    /// Whether it is shrunk to nothing, or all of it is cut away.
    is_scaled_away: bool,
    is_clipped: bool,
    is_cut_away: bool,
    /// Width and height, and the bounds of both.
    size: [Option<f32>; 4],
    cuts_overflow: bool,
    /// Whether it changes with time: what is seen in the end is not known.
    pub(super) moves: bool,
}

#[derive(Debug, Default, PartialEq)]
enum Position {
    #[default]
    InFlow,
    Moved,
    OutOfFlow,
}

impl Place {
    /// Whether it may lie on top of something else.
    pub(super) fn is_positioned(&self) -> bool {
        self.position == Position::OutOfFlow
    }

    pub(super) fn set(&mut self, declaration: &Declaration) {
        let value = declaration.value.as_slice();
        let Some(first) = value.first() else { return };
        let length = || pixels(first);
        let word = if let Term::Word(word) = first { word.as_str() } else { "" };
        match declaration.name.as_str() {
            "position" => {
                self.position = match word {
                    "absolute" | "fixed" => Position::OutOfFlow,
                    "relative" | "sticky" => Position::Moved,
                    _ => Position::InFlow,
                }
            }
            "left" => self.left = length(),
            "right" => self.right = length(),
            "top" => self.top = length(),
            "bottom" => self.bottom = length(),
            "inset" => [self.top, self.right, self.bottom, self.left] = sides(value),
            "margin" => {
                let [top, _, _, left] = sides(value);
                self.margin = (left.unwrap_or_default(), top.unwrap_or_default());
            }
            "margin-left" => self.margin.0 = length().unwrap_or_default(),
            "margin-top" => self.margin.1 = length().unwrap_or_default(),
            "padding" => {
                let [top, _, _, left] = sides(value);
                self.padding = (left.unwrap_or_default(), top.unwrap_or_default());
            }
            "padding-left" => self.padding.0 = length().unwrap_or_default(),
            "padding-top" => self.padding.1 = length().unwrap_or_default(),
            "text-indent" => self.indent = length().unwrap_or_default(),
            "transform" | "-webkit-transform" => {
                self.shift = moved(value);
                self.is_scaled_away = is_scaled_away(value);
            }
            "translate" => self.shift = pair(value),
            "scale" => self.is_scaled_away = is_nothing(first),
            "clip" => self.is_clipped = is_empty_rectangle(first),
            "clip-path" | "-webkit-clip-path" => self.is_cut_away = is_empty_shape(first),
            "width" => self.size[0] = length(),
            "height" => self.size[1] = length(),
            "max-width" => self.size[2] = length(),
            "max-height" => self.size[3] = length(),
            "overflow" | "overflow-x" | "overflow-y" => self.cuts_overflow = matches!(word, "hidden" | "clip"),
            "animation" | "animation-name" | "-webkit-animation" | "transition" | "-webkit-transition" => {
                self.moves |= word != "none" && *first != Term::Number(0.0);
            }
            _ => {}
        }
    }

    pub(super) fn is_out_of_sight(&self) -> bool {
        if self.moves {
            return false;
        }
        let is_placed = self.position != Position::InFlow;
        let offset = |near: Option<f32>, far: Option<f32>| match (near, far) {
            _ if !is_placed => 0.0,
            (Some(near), _) => near,
            (None, Some(far)) => -far,
            (None, None) => 0.0,
        };
        let x = offset(self.left, self.right) + self.margin.0 + self.padding.0 + self.indent + self.shift.0;
        let y = offset(self.top, self.bottom) + self.margin.1 + self.padding.1 + self.shift.1;
        let is_below = is_placed && self.bottom.is_some_and(|bottom| bottom < OFF);
        let is_tiny = self.size.iter().flatten().any(|&size| size <= 1.0);
        !(OFF..=FAR).contains(&x)
            || y < OFF
            || is_below
            || is_placed && self.right.is_some_and(|right| right < OFF)
            || self.is_scaled_away
            || self.is_cut_away
            || self.is_clipped && self.is_positioned()
            || is_tiny && self.cuts_overflow
    }
}

/// Whether a declaration takes the box out of sight by itself, where it is one
/// that pages open and close things with.
pub(super) fn hides(declaration: &Declaration) -> Option<bool> {
    let first = declaration.value.first()?;
    match declaration.name.as_str() {
        "height" | "max-height" | "width" | "max-width" => Some(pixels(first).is_some_and(|size| size <= 1.0)),
        "left" | "right" | "top" | "bottom" => Some(pixels(first).is_some_and(|offset| offset < OFF)),
        "transform" => {
            let (x, y) = moved(&declaration.value);
            Some(is_scaled_away(&declaration.value) || x < OFF || y < OFF)
        }
        _ => None,
    }
}

/// A length in pixels of a usual screen, 1280 by 720; of a percentage, in a
/// narrow box.
pub(in super::super) fn pixels(term: &Term) -> Option<f32> {
    let (number, unit) = match term {
        Term::Number(number) if *number == 0.0 => return Some(0.0),
        Term::Percent(percent) => return Some(percent * 4.0),
        Term::Length(number, unit) => (number, unit.as_str()),
        _ => return None,
    };
    let factor = match unit {
        "px" => 1.0,
        "pt" => 96.0 / 72.0,
        "pc" | "em" | "rem" => 16.0,
        "in" => 96.0,
        "cm" => 96.0 / 2.54,
        "mm" => 96.0 / 25.4,
        "q" => 96.0 / 101.6,
        "ex" | "ch" => 8.0,
        "vw" | "vmax" => 12.8,
        "vh" | "vmin" => 7.2,
        _ => return None,
    };
    Some(number * factor)
}

/// Top, right, bottom and left of a shorthand.
fn sides(value: &[Term]) -> [Option<f32>; 4] {
    let side = |index: usize| value.get(index).map(pixels);
    let top = side(0).flatten();
    let right = side(1).unwrap_or(top);
    [top, right, side(2).unwrap_or(top), side(3).unwrap_or(right)]
}

/// By how much a box is moved; percentages are of its own, perhaps small, size.
fn pair(value: &[Term]) -> (f32, f32) {
    let mut lengths = value.iter().filter_map(|term| match term {
        Term::Percent(percent) => Some(*percent),
        _ => pixels(term),
    });
    (lengths.next().unwrap_or_default(), lengths.next().unwrap_or_default())
}

/// By how much a `transform` moves.
fn moved(value: &[Term]) -> (f32, f32) {
    let mut shift = (0.0, 0.0);
    for term in value {
        let Term::Function(name, inner) = term else { continue };
        let (x, y) = match name.as_str() {
            "translate" | "translate3d" => pair(inner),
            "translatex" => (pair(inner).0, 0.0),
            "translatey" => (0.0, pair(inner).0),
            _ => continue,
        };
        shift = (shift.0 + x, shift.1 + y);
    }
    shift
}

fn is_scaled_away(value: &[Term]) -> bool {
    let scales = |name: &str| matches!(name, "scale" | "scalex" | "scaley" | "scale3d");
    value
        .iter()
        .any(|term| matches!(term, Term::Function(name, inner) if scales(name) && inner.iter().take(3).any(is_nothing)))
}

fn is_nothing(term: &Term) -> bool {
    match term {
        Term::Number(number) => number.abs() < 0.02,
        Term::Percent(percent) => percent.abs() < 2.0,
        _ => false,
    }
}

/// `rect(top, right, bottom, left)` with no more than a dot in it.
fn is_empty_rectangle(term: &Term) -> bool {
    let Term::Function(name, inner) = term else { return false };
    let edges: Vec<Option<f32>> = inner.iter().filter(|term| **term != Term::Comma).map(pixels).collect();
    let within = |near: Option<f32>, far: Option<f32>| near.zip(far).is_some_and(|(near, far)| far - near <= 1.0);
    match edges.as_slice() {
        &[top, right, bottom, left] if name == "rect" => within(top, bottom) || within(left, right),
        _ => false,
    }
}

/// A shape of `clip-path` that leaves nothing.
fn is_empty_shape(term: &Term) -> bool {
    let Term::Function(name, inner) = term else { return false };
    let numbers: Vec<f32> = inner.iter().filter_map(pixels).collect();
    let half = |side: Option<&Term>| matches!(side, Some(Term::Percent(percent)) if *percent >= 50.0);
    match name.as_str() {
        "inset" => {
            half(inner.first()) && half(inner.get(2).or(inner.first()))
                || half(inner.get(1)) && half(inner.get(3).or(inner.get(1)))
        }
        "circle" | "ellipse" => numbers.first().is_some_and(|&radius| radius <= 1.0),
        "polygon" => numbers.windows(3).all(|corner| (corner[0] - corner[2]).abs() <= 1.0) && !numbers.is_empty(),
        _ => false,
    }
}
