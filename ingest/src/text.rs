//! Plain text: from bytes in some encoding to paragraphs.

use std::path::{Path, PathBuf};

use crate::document::{Block, BlockKind, Document, Format, LineStart, Metadata, Parsed, Span, Warning};
use crate::error::IngestError;

/// Text and what decoding it took.
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) warnings: Vec<Warning>,
}

/// Decodes a text file. A byte order mark decides; else UTF-8 when it is valid;
/// else what the bytes look most like. The mark itself is no part of the text.
pub(crate) fn decode(path: &Path, bytes: &[u8]) -> Result<Decoded, IngestError> {
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, _, malformed) = encoding.decode(bytes);
        return Ok(decoded(text.into_owned(), malformed.then_some(encoding.name())));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.contains('\0')
    {
        return Ok(decoded(text.to_owned(), None));
    }
    if looks_binary(bytes) {
        return Err(IngestError::Unsupported { path: path.to_owned(), detail: "binary data".into() });
    }
    let mut detector = chardetng::EncodingDetector::new();
    detector.feed(bytes, true);
    let encoding = detector.guess(None, true);
    let (text, malformed) = encoding.decode_without_bom_handling(bytes);
    Ok(decoded(text.into_owned(), malformed.then_some(encoding.name())))
}

fn decoded(text: String, replaced: Option<&'static str>) -> Decoded {
    let mut warnings = Vec::new();
    if let Some(encoding) = replaced {
        warnings.push(Warning::UndecodableBytes { encoding: encoding.to_owned() });
    }
    let characters = text.chars().filter(|&c| is_invisible(c)).count();
    if characters > 0 {
        warnings.push(Warning::HiddenText { characters });
    }
    Decoded { text, warnings }
}

/// Characters that show nothing and can carry text that readers do not see:
/// zero-width spaces, direction overrides, tag characters. Joiners that
/// scripts and emoji need do not count.
#[must_use]
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
}

/// More than a few control characters, or zero bytes, in the first kilobytes.
fn looks_binary(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(8192)];
    let control = head.iter().filter(|&&b| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)).count();
    control * 50 > head.len() || head.contains(&0)
}

/// Reads plain text: paragraphs are what blank lines part.
pub(crate) fn read(name: &str, decoded: Decoded) -> Parsed {
    let Decoded { text, warnings } = decoded;
    let mut blocks = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        if line.trim().is_empty() {
            blocks.extend(open.take());
        } else {
            let begin = open.map_or(start + (line.len() - line.trim_start().len()), |(begin, _)| begin);
            open = Some((begin, start + line.trim_end().len()));
        }
    }
    blocks.extend(open);
    let blocks = blocks
        .into_iter()
        .map(|(start, end)| Block { kind: BlockKind::Paragraph, span: Span::new(start, end), path: Vec::new() })
        .collect();
    Parsed { document: source_document(Format::Text, stem(name), text, blocks, Metadata::default()), warnings }
}

/// A document whose text is its source.
pub(crate) fn source_document(
    format: Format,
    title: String,
    text: String,
    blocks: Vec<Block>,
    metadata: Metadata,
) -> Document {
    let lines = line_starts(&text);
    Document {
        format,
        title,
        text,
        pages: Vec::new(),
        blocks,
        lines,
        fragments: Vec::new(),
        hidden: Vec::new(),
        metadata,
    }
}

fn line_starts(text: &str) -> Vec<LineStart> {
    let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1).filter(|&offset| offset < text.len());
    std::iter::once(0).chain(after_breaks).zip(1..).map(|(offset, line)| LineStart { offset, line }).collect()
}

/// The name without folder and extension, as a title of last resort.
pub(crate) fn stem(name: &str) -> String {
    let path = PathBuf::from(name);
    path.file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned())
}

impl Document {
    /// A plain-text document that was never a file, such as a paragraph of a corpus.
    #[must_use]
    pub fn from_text(title: &str, text: &str) -> Self {
        let mut document = read(title, Decoded { text: text.to_owned(), warnings: Vec::new() }).document;
        title.clone_into(&mut document.title);
        document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(bytes: &[u8]) -> String {
        decode(Path::new("x.txt"), bytes).unwrap().text
    }

    #[test]
    fn encodings_are_told_apart() {
        let chinese = "保修期为二十四个月，自购买之日起计算。电池不在保修范围之内。";
        let (gb, _, _) = encoding_rs::GB18030.encode(chinese);
        let (big5, _, _) = encoding_rs::BIG5.encode("保固期為二十四個月，自購買之日起計算。電池不在保固範圍之內。");
        assert_eq!(text_of(chinese.as_bytes()), chinese);
        assert_eq!(text_of(&gb), chinese);
        assert!(text_of(&big5).starts_with("保固期為"));
        let utf16: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("Grüße".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(text_of(&utf16), "Grüße");
        assert_eq!(text_of(b"\xef\xbb\xbfmark"), "mark");
        assert_eq!(text_of(b"caf\xe9 cr\xe8me"), "café crème");
    }

    #[test]
    fn binary_data_is_refused() {
        let error = decode(Path::new("x.bin"), &[0, 1, 2, 3, 255, 254, 0, 9]).err().unwrap();
        assert_eq!(error.reason(), "unsupported");
    }

    #[test]
    fn paragraphs_and_lines() {
        let parsed = read("notes/a.txt", decode(Path::new("a"), b"One\r\ntwo\r\n\r\n  three\n").unwrap());
        let document = parsed.document;
        let texts: Vec<&str> = document.blocks.iter().map(|b| document.slice(b.span)).collect();
        assert_eq!(texts, ["One\r\ntwo", "three"]);
        assert_eq!(document.lines_at(document.blocks[1].span), Some((4, 4)));
        assert_eq!(document.title, "a");
    }
}
