//! Which reader reads a file: its content decides, its extension helps.

use std::path::Path;

use crate::document::{Format, Parsed, Warning};
use crate::error::IngestError;
use crate::failure::Failure;
use crate::sandbox::Pool;
use crate::{html, markdown, pdf, plain, text};

/// Reads files of all formats, in child processes.
pub struct Reader {
    pool: Pool,
    passwords: Vec<String>,
}

impl Reader {
    /// A reader that works in `pool` and tries `passwords` on encrypted files.
    #[must_use]
    pub const fn new(pool: Pool, passwords: Vec<String>) -> Self {
        Self { pool, passwords }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`IngestError`], which names the file and the reason.
    pub fn read(&self, path: &Path) -> Result<Parsed, IngestError> {
        self.with_passwords(|password| self.pool.read(path, password))
    }

    /// Draws page `number`, counted from 1, of a PDF as PNG.
    ///
    /// # Errors
    /// [`IngestError`], which names the file and the reason.
    pub fn draw(&self, path: &Path, number: u32, options: &pdf::RenderOptions) -> Result<Vec<u8>, IngestError> {
        self.with_passwords(|password| self.pool.draw(path, password, number, options))
    }

    fn with_passwords<T>(&self, open: impl Fn(Option<&str>) -> Result<T, IngestError>) -> Result<T, IngestError> {
        let mut result = open(None);
        for password in &self.passwords {
            if !matches!(result, Err(IngestError::Encrypted { .. })) {
                break;
            }
            result = open(Some(password));
        }
        result
    }
}

/// Reads bytes in this process, without limits; `name` stands for the file.
///
/// # Errors
/// [`IngestError`], which names the file and the reason.
pub fn read_bytes(name: &str, bytes: &[u8]) -> Result<Parsed, IngestError> {
    parse(name, bytes.to_vec(), None).map_err(|failure| failure.at(Path::new(name)))
}

/// Reads bytes in the format they are in.
pub(crate) fn parse(name: &str, bytes: Vec<u8>, password: Option<&str>) -> Result<Parsed, Failure> {
    let path = Path::new(name);
    let format = sniff(path, &bytes);
    if format == Format::Pdf {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut parsed = pdf::parse(bytes, password, &stem)?;
        parsed.document.title = plain::visible(parsed.document.title);
        return Ok(parsed);
    }
    let decoded = text::decode(&bytes)?;
    let mut parsed = match format {
        Format::Markdown => markdown::read(name, decoded),
        Format::Html => html::read(name, decoded),
        Format::Text | Format::Pdf => text::read(name, decoded),
    };
    parsed.document.title = plain::visible(parsed.document.title);
    if parsed.document.blocks.is_empty() {
        parsed.warnings.push(Warning::NoWords);
    }
    Ok(parsed)
}

/// The format, by the first bytes and then the extension.
fn sniff(path: &Path, bytes: &[u8]) -> Format {
    let head = &bytes[..bytes.len().min(1024)];
    // The marker may stand anywhere in the first kilobyte (PDF 32000-1, annex
    // H.3.4.1), but a text may also speak of it.
    let marker = head.windows(5).position(|window| window == b"%PDF-");
    if marker.is_some_and(|at| head[..at].trim_ascii().is_empty() || std::str::from_utf8(&bytes[at..]).is_err()) {
        return Format::Pdf;
    }
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let start = String::from_utf8_lossy(head).trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']).to_lowercase();
    let is_page = start.starts_with("<!doctype html")
        || start.starts_with("<html")
        || start.starts_with("<?xml") && start.contains("<html");
    match extension.as_deref() {
        Some("pdf") => Format::Pdf,
        _ if is_page => Format::Html,
        Some("html" | "htm" | "xhtml") => Format::Html,
        Some("md" | "markdown" | "mdown" | "mkd" | "mdx" | "qmd" | "rmd") => Format::Markdown,
        _ => Format::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_a_word_are_remarked() {
        for (name, text) in [("a.md", ""), ("a.txt", " \n\t"), ("a.html", "<nav>menu</nav>"), ("a.md", "<!-- x -->")] {
            assert_eq!(read_bytes(name, text.as_bytes()).unwrap().warnings, [Warning::NoWords], "{name}");
        }
        assert_eq!(read_bytes("a.md", b"# x").unwrap().warnings, []);
    }

    #[test]
    fn content_decides_over_the_extension() {
        for (name, bytes, format) in [
            ("a.txt", &b"junk\n%PDF-1.4\n%\xe2\xe3"[..], Format::Pdf),
            ("b.txt", b"A PDF begins with %PDF-1.7.", Format::Text),
            ("a.md", b"\n<!DOCTYPE html><p>x", Format::Html),
            ("a.MD", b"# x", Format::Markdown),
            ("a.htm", b"<p>x", Format::Html),
            ("a.py", b"x = 1", Format::Text),
            ("a.pdf", b"", Format::Pdf),
        ] {
            assert_eq!(sniff(Path::new(name), bytes), format, "{name}");
        }
    }
}
