//! Plain text: from bytes in some encoding to paragraphs.

use std::path::PathBuf;

use crate::document::{Block, BlockKind, Document, Format, LineStart, Metadata, Parsed, Span, Warning};
use crate::failure::Failure;

/// Text and what decoding it took.
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) warnings: Vec<Warning>,
}

/// Decodes a text file. A byte order mark decides; else UTF-8 when it is valid,
/// but for a few bytes; else what the bytes look most like. The mark itself is
/// no part of the text.
pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, Failure> {
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, _, malformed) = encoding.decode(bytes);
        return Ok(decoded(text.into_owned(), malformed.then_some(encoding.name())));
    }
    if let Some(encoding) = unmarked_utf_16(bytes) {
        let (text, malformed) = encoding.decode_without_bom_handling(bytes);
        return Ok(decoded(text.into_owned(), malformed.then_some(encoding.name())));
    }
    if let Some(detail) = binary_format(bytes) {
        return Err(Failure::Unsupported(detail.to_owned()));
    }
    let utf_8 = String::from_utf8_lossy(bytes);
    if is_mostly_utf_8(&utf_8) {
        let replaced = matches!(utf_8, std::borrow::Cow::Owned(_));
        return Ok(decoded(utf_8.into_owned(), replaced.then_some("UTF-8")));
    }
    let mut detector = chardetng::EncodingDetector::new();
    detector.feed(bytes, true);
    let encoding = detector.guess(None, true);
    let (text, malformed) = encoding.decode_without_bom_handling(bytes);
    Ok(decoded(text.into_owned(), malformed.then_some(encoding.name())))
}

/// Whether at most one in twenty of the characters beyond ASCII is not valid: a
/// truncated or slightly damaged file. In another encoding nearly all would be.
fn is_mostly_utf_8(lossy: &str) -> bool {
    let replaced = lossy.matches('\u{fffd}').count();
    replaced == 0 || replaced * 20 <= lossy.chars().filter(|c| !c.is_ascii()).count()
}

/// UTF-16 without a mark: Latin text has a zero in every other byte.
fn unmarked_utf_16(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let head = &bytes[..bytes.len().min(4096) & !1];
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let pairs = head.len() / 2;
    let encoding = if odd * 10 > pairs * 4 && even * 50 < pairs {
        encoding_rs::UTF_16LE
    } else if even * 10 > pairs * 4 && odd * 50 < pairs {
        encoding_rs::UTF_16BE
    } else {
        return None;
    };
    let (text, malformed) = encoding.decode_without_bom_handling(head);
    let is_text = !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    (is_text && !malformed).then_some(encoding)
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

/// Adds `characters` to what is reported as hidden.
pub(crate) fn warn_hidden(warnings: &mut Vec<Warning>, characters: usize) {
    for warning in &mut *warnings {
        if let Warning::HiddenText { characters: known } = warning {
            *known += characters;
            return;
        }
    }
    warnings.push(Warning::HiddenText { characters });
}

/// Characters that show nothing and can carry text that readers do not see:
/// zero-width spaces, direction overrides, tag characters. Joiners that
/// scripts and emoji need do not count.
#[must_use]
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{feff}' | '\u{2060}'..='\u{2064}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
}

/// What a file that is no text is: by its first bytes where these are known,
/// else by zero bytes or more than a few control characters.
fn binary_format(bytes: &[u8]) -> Option<&'static str> {
    const KNOWN: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "a ZIP archive or an Office or EPUB file"),
        (b"\xd0\xcf\x11\xe0", "an old Office file"),
        (b"\x89PNG", "a PNG picture"),
        (b"\xff\xd8\xff", "a JPEG picture"),
        (b"GIF8", "a GIF picture"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"{\\rtf", "an RTF file"),
        (b"%!PS", "a PostScript file"),
        (b"\x7fELF", "a program"),
        (b"MZ\x90", "a program"),
    ];
    if let Some((_, detail)) = KNOWN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(detail);
    }
    let head = &bytes[..bytes.len().min(8192)];
    let is_control = |byte: &&u8| **byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    let control = head.iter().filter(is_control).count();
    (control * 50 > head.len() || head.contains(&0)).then_some("binary data")
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
        decode(bytes).unwrap().text
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
        let unmarked: Vec<u8> = "Plain words".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(text_of(&unmarked), "Plain words");
        assert_eq!(text_of(b"caf\xe9 cr\xe8me"), "café crème");
    }

    #[test]
    fn a_damaged_byte_does_not_change_the_encoding() {
        let mut bytes = "保修期为二十四个月，自购买之日起计算。电池不在保修范围之内。".as_bytes().to_vec();
        bytes.pop();
        let decoded = decode(&bytes).unwrap();
        assert!(decoded.text.starts_with("保修期为"));
        assert_eq!(decoded.warnings, [Warning::UndecodableBytes { encoding: "UTF-8".into() }]);
    }

    #[test]
    fn invisible_characters_are_counted_and_stay() {
        let decoded = decode("a\u{200b}b\u{202e}c".as_bytes()).unwrap();
        assert_eq!(decoded.text, "a\u{200b}b\u{202e}c");
        assert_eq!(decoded.warnings, [Warning::HiddenText { characters: 2 }]);
    }

    #[test]
    fn binary_data_is_refused() {
        let Some(Failure::Unsupported(detail)) = decode(b"PK\x03\x04rest").err() else { panic!("it is no text") };
        assert!(detail.contains("Office"), "{detail}");
        assert!(matches!(decode(&[0, 1, 2, 3, 255, 254, 0, 9]), Err(Failure::Unsupported(_))));
    }

    #[test]
    fn paragraphs_and_lines() {
        let parsed = read("notes/a.txt", decode(b"One\r\ntwo\r\n\r\n  three\n").unwrap());
        let document = parsed.document;
        let texts: Vec<&str> = document.blocks.iter().map(|b| document.slice(b.span)).collect();
        assert_eq!(texts, ["One\r\ntwo", "three"]);
        assert_eq!(document.lines_at(document.blocks[1].span), Some((4, 4)));
        assert_eq!(document.title, "a");
    }
}
