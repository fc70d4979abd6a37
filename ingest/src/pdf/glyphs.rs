//! First stage: a page's content stream becomes characters with boxes.

use std::collections::HashMap;

use hayro_interpret::font::{Glyph as FontGlyph, GlyphRun};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect as Area, Shape, Vec2};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, Paint, RenderContent, SoftMask, TransformExt, interpret_page,
};
use hayro_syntax::object::{Dict, Name};
use hayro_syntax::page::Page;

use super::script;
use crate::document::Rect;

/// What a page draws, in the order of its content stream.
#[derive(Debug, Default)]
pub struct PageGlyphs {
    /// Width in points, after rotation and crop.
    pub width: f32,
    /// Height in points, after rotation and crop.
    pub height: f32,
    /// Visible characters.
    pub glyphs: Vec<Glyph>,
    /// Straight lines and thin bars, as a table would be ruled with.
    pub rules: Vec<Rule>,
    /// Characters that a reader of the page would not see.
    pub hidden: Vec<Glyph>,
    /// Glyphs without a known character.
    pub unmapped: usize,
    /// Part of the page that images cover, from 0 to 1 and more if they overlap.
    pub image_cover: f32,
}

/// One character on the page.
#[derive(Clone, Copy, Debug)]
pub struct Glyph {
    /// The character.
    pub ch: char,
    /// Its box on the page.
    pub rect: Rect,
    /// Where it begins along its line of writing.
    pub start: f32,
    /// Where the next glyph would begin.
    pub end: f32,
    /// Where its line of writing stands; grows from line to line.
    pub baseline: f32,
    /// Font size in points, as drawn.
    pub size: f32,
    /// Inked area in square em, which tells bold from regular in fonts that
    /// say nothing of their weight; 0 if unknown.
    pub ink: f32,
    /// Which way its line of writing runs.
    pub direction: Direction,
    /// Whether the file marks it as no part of the content.
    pub role: Role,
}

/// Which way a line of writing runs on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Glyphs follow each other at an angle, in steps of 15 degrees clockwise.
    Angle(i8),
    /// Upright glyphs below each other, columns from right to left.
    Vertical,
}

impl Direction {
    /// The usual direction, left to right (or right to left) along the page.
    pub const LEVEL: Self = Self::Angle(0);

    fn of(dir: Vec2) -> Self {
        let steps = (dir.y.atan2(dir.x).to_degrees() / 15.0).round() as i8;
        Self::Angle(if steps == -12 { 12 } else { steps })
    }

    /// Unit vectors along the line and from one line to the next.
    fn axes(self) -> (Vec2, Vec2) {
        match self {
            Self::Angle(steps) => {
                let (sin, cos) = (f64::from(steps) * 15.0).to_radians().sin_cos();
                (Vec2::new(cos, sin), Vec2::new(-sin, cos))
            }
            Self::Vertical => (Vec2::new(0.0, 1.0), Vec2::new(-1.0, 0.0)),
        }
    }
}

/// Whether a glyph belongs to the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Real content, as far as the file says.
    Content,
    /// Marked as an artifact: running header, folio, watermark.
    Artifact,
}

/// A ruling line on the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// Which way it runs.
    pub axis: Axis,
    /// Its place across its axis.
    pub at: f32,
    /// Where it begins along its axis.
    pub from: f32,
    /// Where it ends along its axis.
    pub to: f32,
}

/// Axis of a ruling line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// From left to right.
    Horizontal,
    /// From top to bottom.
    Vertical,
}

/// Interprets `page`; `cache` belongs to one document and one thread.
pub fn extract<'a>(page: &Page<'a>, cache: &InterpreterCache<'a>, ink: &mut InkCache) -> PageGlyphs {
    let (width, height) = page.render_dimensions();
    let bounds = Area::new(0.0, 0.0, f64::from(width), f64::from(height));
    let settings = InterpreterSettings { render_content: RenderContent::all(), ..InterpreterSettings::default() };
    let mut context = Context::new(page.initial_transform(true).to_kurbo(), bounds, cache, page.xref(), settings);
    let mut recorder = Recorder {
        bounds,
        ink,
        page: PageGlyphs { width, height, ..PageGlyphs::default() },
        invisible: Vec::new(),
        backdrops: Vec::new(),
        marked: Vec::new(),
    };
    interpret_page(page, &mut context, &mut recorder);
    recorder.finish()
}

/// Inked areas of glyph outlines, by glyph; shared by the pages of a document.
#[derive(Default)]
pub struct InkCache(HashMap<u128, f32>);

impl InkCache {
    fn area(&mut self, glyph: &FontGlyph<'_>) -> f32 {
        match glyph {
            FontGlyph::Outline(outline) => *self
                .0
                .entry(outline.identifier().cache_key())
                .or_insert_with(|| (outline.outline().area().abs() / 1e6) as f32),
            FontGlyph::Type3(_) => 0.0,
        }
    }
}

/// Hidden text is shown to people as a warning, not searched: a part is enough.
const MAX_HIDDEN: usize = 8192;
/// Rules and backdrops beyond this are drawings, not tables or text boxes.
const MAX_SHAPES: usize = 20_000;

/// The device that records what the interpreter draws.
struct Recorder<'c> {
    bounds: Area,
    ink: &'c mut InkCache,
    page: PageGlyphs,
    /// Glyphs in invisible mode: a text layer behind a scan, or hidden text.
    invisible: Vec<Glyph>,
    /// Filled areas and images in painting order, with their luminance.
    backdrops: Vec<(Area, f32)>,
    /// One entry for every open marked-content sequence.
    marked: Vec<Role>,
}

impl Recorder<'_> {
    fn finish(mut self) -> PageGlyphs {
        // A scan with recognised text draws that text invisibly over its image;
        // without such an image, invisible text is hidden from readers.
        let scanned = self.page.image_cover > 0.4 && self.page.glyphs.len() * 2 < self.invisible.len();
        if scanned {
            self.page.glyphs.append(&mut self.invisible);
        }
        for glyph in std::mem::take(&mut self.invisible) {
            self.hide(glyph);
        }
        self.page
    }

    fn hide(&mut self, glyph: Glyph) {
        if self.page.hidden.len() < MAX_HIDDEN {
            self.page.hidden.push(glyph);
        }
    }

    fn role(&self) -> Role {
        if self.marked.contains(&Role::Artifact) { Role::Artifact } else { Role::Content }
    }

    /// Luminance of what lies behind a point; an unpainted page is white.
    fn backdrop(&self, point: Point) -> f32 {
        self.backdrops.iter().rev().find(|(area, _)| area.contains(point)).map_or(1.0, |&(_, light)| light)
    }

    fn is_seen(&self, glyph: &Glyph, light: Option<(f32, f32)>) -> bool {
        let rect = glyph.rect;
        let centre = Point::new(f64::from(rect.x0 + rect.x1) / 2.0, f64::from(rect.y0 + rect.y1) / 2.0);
        if !self.bounds.contains(centre) || glyph.size < (self.page.height / 800.0).min(1.0) {
            return false;
        }
        match light {
            Some((_, alpha)) if alpha < 0.05 => false,
            // Only light text is looked at: dark text on dark ground is rare
            // and the backdrop is only known roughly.
            Some((light, _)) if light > 0.95 => (self.backdrop(centre) - light).abs() > 0.04,
            _ => true,
        }
    }

    fn push_glyph(&mut self, glyph: Glyph, mode: &DrawMode, light: Option<(f32, f32)>) {
        if matches!(mode, DrawMode::Invisible) {
            self.invisible.push(glyph);
        } else if self.is_seen(&glyph, light) {
            self.page.glyphs.push(glyph);
        } else {
            self.hide(glyph);
        }
    }

    fn push_shape(&mut self, area: Area, filled: bool, paint: &Paint<'_>) {
        if self.backdrops.len() >= MAX_SHAPES {
            return;
        }
        let (width, height) = (area.width(), area.height());
        if filled && width > 4.0 && height > 4.0 {
            // A pattern or gradient is taken for a mid tone.
            let (light, alpha) = luminance(paint).unwrap_or((0.5, 1.0));
            if alpha > 0.3 {
                self.backdrops.push((area, light));
            }
        }
        let thin = 3.0;
        if height <= thin && width > 8.0 {
            self.push_rule(Axis::Horizontal, (area.y0 + area.y1) / 2.0, area.x0, area.x1);
        } else if width <= thin && height > 4.0 {
            self.push_rule(Axis::Vertical, (area.x0 + area.x1) / 2.0, area.y0, area.y1);
        } else if !filled && width > 8.0 && height > 4.0 {
            self.push_rule(Axis::Horizontal, area.y0, area.x0, area.x1);
            self.push_rule(Axis::Horizontal, area.y1, area.x0, area.x1);
            self.push_rule(Axis::Vertical, area.x0, area.y0, area.y1);
            self.push_rule(Axis::Vertical, area.x1, area.y0, area.y1);
        }
    }

    fn push_rule(&mut self, axis: Axis, at: f64, from: f64, to: f64) {
        if self.page.rules.len() < MAX_SHAPES {
            self.page.rules.push(Rule { axis, at: at as f32, from: from as f32, to: to as f32 });
        }
    }
}

impl<'a> Device<'a> for Recorder<'_> {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        let light = luminance(&props.paint);
        let role = self.role();
        for positioned in run.glyphs() {
            let advance = match &**positioned {
                FontGlyph::Outline(glyph) => glyph.advance_width(),
                FontGlyph::Type3(glyph) => glyph.advance_width(),
            };
            let place = props.transform * positioned.transform();
            let Some(mut glyph) = place_glyph(place, f64::from(advance.unwrap_or(500.0)), run.writing_mode()) else {
                continue;
            };
            glyph.role = role;
            glyph.ink = self.ink.area(positioned);
            let text = match positioned.as_unicode() {
                Some(BfString::Char(c)) => Text::One(c),
                Some(BfString::String(text)) => Text::Many(text),
                None => Text::One(char::REPLACEMENT_CHARACTER),
            };
            let mut chars: Vec<char> = Vec::with_capacity(4);
            text.for_each(|c| script::decompose(c, |c| chars.push(c)));
            if chars.iter().any(|c| c.is_control() || *c == char::REPLACEMENT_CHARACTER) {
                // A glyph that draws nothing needs no character.
                if glyph.ink == 0.0 && matches!(&**positioned, FontGlyph::Outline(_)) {
                    continue;
                }
                self.page.unmapped += 1;
                chars = vec![char::REPLACEMENT_CHARACTER];
            }
            let count = chars.len();
            for (index, ch) in chars.into_iter().enumerate() {
                self.push_glyph(glyph.part(ch, index, count), mode, light);
            }
        }
    }

    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        let filled = matches!(mode, DrawMode::Fill(_) | DrawMode::FillAndStroke(..));
        // A table's lines may all be drawn by one path, one sub-path a line.
        let mut points: Vec<Point> = Vec::new();
        let mut flush = |points: &mut Vec<Point>, curved: bool| {
            if let (Some(first), false) = (points.first(), curved && !filled) {
                let area = points.iter().fold(Area::from_points(*first, *first), |area, &p| area.union_pt(p));
                let straight = points.len() <= 2 || is_box(points, area);
                if straight || filled {
                    self.push_shape(area, filled, &props.paint);
                }
            }
            points.clear();
        };
        let mut curved = false;
        for element in path.elements().iter().take(MAX_SHAPES) {
            use hayro_interpret::kurbo::PathEl;
            match *element {
                PathEl::MoveTo(p) => {
                    flush(&mut points, curved);
                    curved = false;
                    points.push(props.transform * p);
                }
                PathEl::LineTo(p) => points.push(props.transform * p),
                PathEl::QuadTo(_, p) | PathEl::CurveTo(_, _, p) => {
                    curved = true;
                    points.push(props.transform * p);
                }
                PathEl::ClosePath => {}
            }
        }
        flush(&mut points, curved);
    }

    fn draw_rect(&mut self, rect: &Area, props: DrawProps<'a>, mode: &DrawMode) {
        let filled = matches!(mode, DrawMode::Fill(_) | DrawMode::FillAndStroke(..));
        self.push_shape(props.transform.transform_rect_bbox(*rect), filled, &props.paint);
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let unit = Area::new(0.0, 0.0, f64::from(image.width()), f64::from(image.height()));
        let area = props.transform.transform_rect_bbox(unit).intersect(self.bounds);
        if area.area() > 0.0 {
            self.page.image_cover += (area.area() / self.bounds.area().max(1.0)) as f32;
            if self.backdrops.len() < MAX_SHAPES {
                self.backdrops.push((area, 0.5));
            }
        }
    }

    fn begin_marked_content(&mut self, tag: &[u8], properties: Option<&Dict<'_>>) {
        let background = properties
            .and_then(|dict| dict.get::<Name<'_>>(b"Type".as_slice()))
            .is_some_and(|kind| kind.as_str() == "Layout");
        self.marked.push(if tag == b"Artifact" && !background { Role::Artifact } else { Role::Content });
    }

    fn end_marked_content(&mut self) {
        self.marked.pop();
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

enum Text {
    One(char),
    Many(String),
}

impl Text {
    fn for_each(self, mut f: impl FnMut(char)) {
        match self {
            Self::One(c) => f(c),
            Self::Many(text) => text.chars().for_each(f),
        }
    }
}

impl Glyph {
    /// The `index`th of `count` characters that share this glyph's box.
    fn part(self, ch: char, index: usize, count: usize) -> Self {
        if count == 1 {
            return Self { ch, ..self };
        }
        // The letters of an Arabic ligature follow each other from the right.
        let index = if script::is_right_to_left(ch) { count - 1 - index } else { index };
        let at = |from: f32, to: f32, step: usize| from + (to - from) * step as f32 / count as f32;
        let mut part = Self {
            ch,
            start: at(self.start, self.end, index),
            end: at(self.start, self.end, index + 1),
            ink: self.ink / count as f32,
            ..self
        };
        if self.direction == Direction::LEVEL {
            part.rect.x0 = part.start;
            part.rect.x1 = part.end;
        }
        part
    }
}

/// Text boxes are drawn from a fifth below the baseline to four fifths above.
const ASCENT: f64 = 0.8;
const DESCENT: f64 = 0.22;

/// Places a glyph whose space (1000 units an em) `place` maps to the page.
fn place_glyph(place: Affine, advance: f64, mode: WritingMode) -> Option<Glyph> {
    let origin = place * Point::ZERO;
    let up = (place * Point::new(0.0, 1000.0)) - origin;
    let right = (place * Point::new(1000.0, 0.0)) - origin;
    let size = up.hypot();
    if !(origin.is_finite() && size.is_finite() && right.hypot() > 1e-6 && size > 1e-3 && size < 1e5) {
        return None;
    }
    let (direction, from, to, baseline_point) = match mode {
        WritingMode::Horizontal => {
            // A mirrored or turned page is read the way its glyphs stand.
            let along = right / right.hypot();
            (Direction::of(along), origin, origin + right * (advance / 1000.0), origin)
        }
        WritingMode::Vertical => {
            let top = origin + up * 0.88;
            (Direction::Vertical, top, top - up, origin + right * 0.5)
        }
    };
    let (along, across) = direction.axes();
    let corners = match mode {
        WritingMode::Horizontal => [from + up * ASCENT, from - up * DESCENT, to + up * ASCENT, to - up * DESCENT],
        WritingMode::Vertical => [from, from + right, to, to + right],
    };
    let area = corners.iter().fold(Area::from_points(from, to), |area, &p| area.union_pt(p));
    let (start, end) = (from.to_vec2().dot(along) as f32, to.to_vec2().dot(along) as f32);
    Some(Glyph {
        ch: ' ',
        rect: Rect { x0: area.x0 as f32, y0: area.y0 as f32, x1: area.x1 as f32, y1: area.y1 as f32 },
        start: start.min(end),
        end: start.max(end),
        baseline: baseline_point.to_vec2().dot(across) as f32,
        size: size as f32,
        ink: 0.0,
        direction,
        role: Role::Content,
    })
}

/// Luminance and opacity of a plain colour.
fn luminance(paint: &Paint<'_>) -> Option<(f32, f32)> {
    match paint {
        Paint::Color(color) => {
            let [r, g, b, a] = color.to_rgba().components();
            Some((0.299 * r + 0.587 * g + 0.114 * b, a))
        }
        Paint::Pattern(_) => None,
    }
}

/// Whether all points lie on the border of their bounding box.
fn is_box(points: &[Point], area: Area) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() < 0.5;
    (4..=6).contains(&points.len())
        && points
            .iter()
            .all(|p| (near(p.x, area.x0) || near(p.x, area.x1)) && (near(p.y, area.y0) || near(p.y, area.y1)))
}
