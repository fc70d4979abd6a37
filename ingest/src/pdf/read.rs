//! From the bytes of a PDF to its document, in this process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use hayro_interpret::InterpreterCache;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use unicode_normalization::UnicodeNormalization;

use super::clean::Vocabulary;
use super::glyphs::{self, Direction, Glyph, InkCache, PageGlyphs};
use super::running::PageLines;
use super::structure::{self, Structure};
use super::style::Style;
use super::{blocks, compose, headings, lines, order, running, words};
use crate::document::{Document, Format, Metadata, Page, Parsed, Warning};
use crate::error::IngestError;
use crate::failure::Failure;

/// Reads a PDF in this process, without limits; `path` names it in errors and
/// gives the title of a document that has none.
///
/// # Errors
/// Says why the bytes gave no document.
pub fn read(path: &Path, bytes: Vec<u8>, password: Option<&str>) -> Result<Parsed, IngestError> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    parse(bytes, password, &name).map_err(|failure| failure.at(path))
}

/// Reads a PDF whose title, if it gives none itself, is `name`.
pub fn parse(bytes: Vec<u8>, password: Option<&str>, name: &str) -> Result<Parsed, Failure> {
    let opened = open(bytes, password)?;
    let pdf = &opened.pdf;
    let count = pdf.pages().len();
    if count == 0 {
        return Err(Failure::Damaged("it has no pages".into()));
    }
    let cache = InterpreterCache::new();
    let mut ink = InkCache::default();
    let mut pages: Vec<PageGlyphs> = pdf.pages().iter().map(|page| glyphs::extract(page, &cache, &mut ink)).collect();
    let textless = textless_pages(&mut pages);
    if textless.len() == count {
        return Err(Failure::NoText(count));
    }
    // The text does not depend on the structure, which may be in a worse state.
    let structure =
        catch_unwind(AssertUnwindSafe(|| structure::read(&opened.bytes, password, count))).unwrap_or_default();
    let mut parsed = document(&pages, structure, name);
    let unmapped = pages.iter().map(|page| page.unmapped).sum();
    if unmapped > 0 {
        parsed.warnings.push(Warning::UnmappedGlyphs { count: unmapped });
    }
    if !textless.is_empty() {
        parsed.warnings.push(Warning::TextlessPages { pages: textless });
    }
    parsed.document.hidden = pages.iter().map(hidden_text).filter(|text| !text.is_empty()).collect();
    let characters = parsed.document.hidden.iter().map(|text| text.chars().count()).sum();
    if characters > 0 {
        parsed.warnings.push(Warning::HiddenText { characters });
    }
    if let Some(reason) = opened.repair {
        parsed.warnings.push(Warning::Damaged { reason: reason.into() });
    }
    Ok(parsed)
}

/// An opened file.
pub struct Opened {
    /// The file as hayro sees it.
    pub pdf: Pdf,
    /// The bytes it was opened from.
    bytes: Arc<Vec<u8>>,
    /// What had to be done to open it.
    repair: Option<&'static str>,
}

/// Opens a file, after repair if need be.
pub fn open(bytes: Vec<u8>, password: Option<&str>) -> Result<Opened, Failure> {
    let bytes = Arc::new(bytes);
    match open_with_password(&bytes, password) {
        Ok(pdf) if !pdf.pages().is_empty() => Ok(Opened { pdf, bytes, repair: None }),
        Ok(_) | Err(LoadPdfError::Invalid) => {
            let repair = "its table of objects had to be rebuilt";
            let reopened = reopen(&bytes, password, Some(repair));
            reopened.ok_or_else(|| Failure::Damaged(damage(&bytes).into()))
        }
        Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected)) => {
            // lopdf also takes the owner's password of older kinds of encryption.
            password.and_then(|password| reopen(&bytes, Some(password), None)).ok_or(Failure::Encrypted)
        }
        Err(LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm)) => {
            Err(Failure::UnsupportedEncryption("unknown algorithm".into()))
        }
        Err(LoadPdfError::Decryption(error)) => {
            Err(Failure::UnsupportedEncryption(format!("its encryption data is broken: {error:?}")))
        }
    }
}

/// Opens what lopdf makes of the file.
fn reopen(bytes: &[u8], password: Option<&str>, repair: Option<&'static str>) -> Option<Opened> {
    let rebuilt = catch_unwind(AssertUnwindSafe(|| structure::rebuild(bytes, password))).ok().flatten()?;
    let bytes = Arc::new(rebuilt);
    let pdf = Pdf::new(bytes.clone()).ok()?;
    (!pdf.pages().is_empty()).then_some(Opened { pdf, bytes, repair })
}

fn open_with_password(bytes: &Arc<Vec<u8>>, password: Option<&str>) -> Result<Pdf, LoadPdfError> {
    let password = password.unwrap_or_default();
    let opened = Pdf::new_with_password(bytes.clone(), password);
    if !matches!(opened, Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected))) {
        return opened;
    }
    // Newer encryption wants passwords normalised (SASLprep, RFC 4013); what
    // that changes in practice is compatibility forms and soft hyphens.
    let prepared: String = password.chars().filter(|c| *c != '\u{ad}').nfkc().collect();
    if prepared == password { opened } else { Pdf::new_with_password(bytes.clone(), &prepared) }
}

fn damage(bytes: &[u8]) -> &'static str {
    let head = &bytes[..bytes.len().min(1024)];
    if head.windows(5).any(|window| window == b"%PDF-") {
        "neither its table of objects nor its pages can be found"
    } else {
        "it does not begin like a PDF"
    }
}

/// Numbers of the pages without text. Text whose characters are mostly unknown
/// is none: it is taken off its page.
fn textless_pages(pages: &mut [PageGlyphs]) -> Vec<u32> {
    let mut textless = Vec::new();
    for (index, page) in pages.iter_mut().enumerate() {
        let drawn = page.glyphs.iter().filter(|glyph| glyph.ch != ' ').count();
        let unknown = page.glyphs.iter().filter(|glyph| glyph.ch == char::REPLACEMENT_CHARACTER).count();
        if unknown * 10 >= drawn * 7 {
            page.glyphs.clear();
            textless.push(index as u32 + 1);
        }
    }
    textless
}

/// The stages from glyphs to the document.
pub fn document(pages: &[PageGlyphs], structure: Structure, name: &str) -> Parsed {
    let mut laid: Vec<PageLines> = pages
        .iter()
        .map(|page| {
            let lines = by_direction(&page.glyphs)
                .into_iter()
                .flat_map(|glyphs| lines::collect(order::reading_order(words::runs(&glyphs))))
                .collect();
            PageLines { height: page.height, lines }
        })
        .collect();
    running::remove(&mut laid);
    let mut vocabulary = Vocabulary::default();
    laid.iter().flat_map(|page| &page.lines).for_each(|line| vocabulary.learn(line));
    let style = Style::of(pages, &laid);
    let drafts = blocks::drafts(laid, pages, &style, &structure.outline);
    let composed = compose::compose(&drafts, &vocabulary, pages.len());
    let spans = composed.pages.iter();
    let numbered = pages.iter().zip(spans).enumerate().map(|(index, (page, &span))| Page {
        number: index as u32 + 1,
        label: structure.labels.get(&index).cloned(),
        span,
        width: page.width,
        height: page.height,
    });
    let document = Document {
        format: Format::Pdf,
        title: headings::title(structure.title.as_deref(), &composed, name),
        pages: numbered.collect(),
        text: composed.text,
        blocks: composed.blocks,
        lines: Vec::new(),
        fragments: composed.fragments,
        hidden: Vec::new(),
        metadata: Metadata {
            author: structure.author,
            date: structure.date,
            attachments: structure.attachments,
            ..Metadata::default()
        },
    };
    Parsed { document, warnings: Vec::new() }
}

/// The page's glyphs by direction, the most used direction first.
fn by_direction(glyphs: &[Glyph]) -> Vec<Vec<Glyph>> {
    let mut groups: Vec<(Direction, Vec<Glyph>)> = Vec::new();
    for glyph in glyphs {
        match groups.iter_mut().find(|(direction, _)| *direction == glyph.direction) {
            Some((_, group)) => group.push(*glyph),
            None => groups.push((glyph.direction, vec![*glyph])),
        }
    }
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.len()));
    groups.into_iter().map(|(_, group)| group).collect()
}

fn hidden_text(page: &PageGlyphs) -> String {
    words::collect(&page.hidden).iter().map(words::Run::text).collect::<Vec<_>>().join(" ")
}
