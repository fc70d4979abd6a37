//! Pictures of pages, with places marked in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use hayro_interpret::InterpreterSettings;
use hayro_interpret::font::{FontData, FontQuery};

use super::read;
use serde::{Deserialize, Serialize};

use crate::document::Rect;
use crate::error::IngestError;
use crate::failure::Failure;

/// How a page is drawn.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RenderOptions {
    /// Width of the picture in pixels; 0 means 1000.
    pub width: u32,
    /// Boxes to mark, in the page's points.
    pub highlights: Vec<Rect>,
    /// A file of a font with Han, kana and Hangul for documents that embed none.
    pub cjk_font: Option<PathBuf>,
}

const USUAL_WIDTH: u32 = 1000;
const MAX_WIDTH: u32 = 4000;
const MAX_HEIGHT: f32 = 8000.0;
/// Highlights multiply the picture with this colour, so that text stays black.
const MARK: [u16; 3] = [255, 235, 90];

/// Draws page `number` (counted from 1) of a PDF as PNG.
///
/// This runs in the calling process: give it only files that were read before.
///
/// # Errors
/// If the file cannot be opened, has no such page, or the picture cannot be made.
pub fn render_page(
    path: &Path,
    bytes: Vec<u8>,
    password: Option<&str>,
    number: u32,
    options: &RenderOptions,
) -> Result<Vec<u8>, IngestError> {
    draw(bytes, password, number, options).map_err(|failure| failure.at(path))
}

/// Draws page `number`, counted from 1.
pub fn draw(bytes: Vec<u8>, password: Option<&str>, number: u32, options: &RenderOptions) -> Result<Vec<u8>, Failure> {
    let pdf = read::open(bytes, password)?.pdf;
    let page = (number as usize)
        .checked_sub(1)
        .and_then(|index| pdf.pages().get(index))
        .ok_or_else(|| Failure::Damaged(format!("it has no page {number}")))?;
    let (width, height) = page.render_dimensions();
    let wanted = if options.width == 0 { USUAL_WIDTH } else { options.width.min(MAX_WIDTH) };
    let scale = (wanted as f32 / width.max(1.0)).min(MAX_HEIGHT / height.max(1.0));
    let pixels = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    let mut picture = hayro::render(
        page,
        &RenderCache::new(),
        &interpreter(options.cjk_font.as_deref()),
        &RenderSettings::default(),
        &pixels,
    );
    let (columns, rows) = (usize::from(picture.width()), usize::from(picture.height()));
    let data = picture.data_mut();
    for area in &options.highlights {
        let across = |x: f32| ((x * scale).round().max(0.0) as usize).min(columns);
        let down = |y: f32| ((y * scale).round().max(0.0) as usize).min(rows);
        for y in down(area.y0)..down(area.y1) {
            for pixel in &mut data[y * columns + across(area.x0)..y * columns + across(area.x1)] {
                let mark = |value: u8, mark: u16| (u16::from(value) * mark / 255) as u8;
                pixel.r = mark(pixel.r, MARK[0]);
                pixel.g = mark(pixel.g, MARK[1]);
                pixel.b = mark(pixel.b, MARK[2]);
            }
        }
    }
    picture.into_png().map_err(|error| Failure::Damaged(format!("page {number} has no picture: {error}")))
}

/// Settings that give text in fonts that are not embedded a shape.
fn interpreter(cjk: Option<&Path>) -> InterpreterSettings {
    // A page with boxes for characters is better than no page.
    let Some(cjk) = cjk.and_then(|font| std::fs::read(font).ok()) else { return InterpreterSettings::default() };
    let cjk: FontData = Arc::new(cjk);
    InterpreterSettings {
        font_resolver: Arc::new(move |query| match query {
            FontQuery::Standard(font) => Some(font.get_font_data()),
            FontQuery::Fallback(font) if font.character_collection.is_some() => Some((cjk.clone(), 0)),
            FontQuery::Fallback(font) => Some(font.pick_standard_font().get_font_data()),
        }),
        ..InterpreterSettings::default()
    }
}
