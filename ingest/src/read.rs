//! Which reader reads a file: its content decides, its extension helps.

use std::path::Path;

use crate::document::{Format, Parsed};
use crate::error::IngestError;
use crate::{html, markdown, pdf, text};

/// Reads files of all formats.
pub struct Reader {
    pdfs: pdf::Pool,
    passwords: Vec<String>,
    max_bytes: u64,
}

impl Reader {
    /// A reader that hands PDFs to `pdfs`, tries `passwords` on encrypted ones,
    /// and refuses files larger than `max_bytes`.
    #[must_use]
    pub const fn new(pdfs: pdf::Pool, passwords: Vec<String>, max_bytes: u64) -> Self {
        Self { pdfs, passwords, max_bytes }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`IngestError`], which names the file and the reason.
    pub fn read(&self, path: &Path) -> Result<Parsed, IngestError> {
        let io = |source| IngestError::Io { path: path.to_owned(), source };
        let bytes = path.metadata().map_err(io)?.len();
        if bytes > self.max_bytes {
            return Err(IngestError::TooLarge { path: path.to_owned(), bytes, limit: self.max_bytes });
        }
        let bytes = std::fs::read(path).map_err(io)?;
        match sniff(path, &bytes) {
            Format::Pdf => {
                drop(bytes);
                self.read_pdf(path)
            }
            format => read_as(format, path, &bytes),
        }
    }

    fn read_pdf(&self, path: &Path) -> Result<Parsed, IngestError> {
        let mut result = self.pdfs.read(path, None);
        for password in &self.passwords {
            if !matches!(result, Err(IngestError::Encrypted { .. })) {
                break;
            }
            result = self.pdfs.read(path, Some(password));
        }
        result
    }
}

/// Reads bytes that are not a PDF, in this process; `name` stands for the file.
///
/// # Errors
/// [`IngestError::Unsupported`] for binary data and for PDFs.
pub fn read_bytes(name: &str, bytes: &[u8]) -> Result<Parsed, IngestError> {
    let path = Path::new(name);
    match sniff(path, bytes) {
        Format::Pdf => Err(IngestError::Unsupported { path: path.to_owned(), detail: "a PDF has to be a file".into() }),
        format => read_as(format, path, bytes),
    }
}

fn read_as(format: Format, path: &Path, bytes: &[u8]) -> Result<Parsed, IngestError> {
    let decoded = text::decode(path, bytes)?;
    let name = path.to_string_lossy();
    Ok(match format {
        Format::Markdown => markdown::read(&name, decoded),
        Format::Html => html::read(&name, decoded),
        Format::Text | Format::Pdf => text::read(&name, decoded),
    })
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
