//! Classes of characters that decide how pieces of text are joined.

use unicode_normalization::UnicodeNormalization;

/// Scripts written without spaces between words: Han, kana, Bopomofo and
/// their punctuation. Hangul is not among them, it separates words.
pub fn is_unspaced(c: char) -> bool {
    matches!(c as u32,
        0x2E80..=0x30FF | 0x3100..=0x312F | 0x3190..=0x4DBF | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF00..=0xFF65 | 0xFFE0..=0xFFEF
        | 0x1B000..=0x1B2FF | 0x20000..=0x3FFFF)
}

/// Letters of scripts written from right to left.
pub fn is_right_to_left(c: char) -> bool {
    matches!(c as u32, 0x590..=0x8FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFF)
}

/// Signs that open a list item when they stand alone at the start of a line.
pub fn is_bullet(c: char) -> bool {
    matches!(
        c,
        '•' | '◦'
            | '▪'
            | '▫'
            | '■'
            | '□'
            | '●'
            | '○'
            | '‣'
            | '⁃'
            | '∙'
            | '·'
            | '◆'
            | '◇'
            | '➢'
            | '➤'
            | '►'
            | '▶'
            | '✓'
            | '✔'
            | '❖'
            | '–'
            | '—'
            | '-'
            | '*'
            | '\u{2212}'
            | '\u{e000}'..='\u{f8ff}'
    )
}

/// Whether a sentence, or a lead-in to what follows, ends with `text`.
pub fn ends_sentence(text: &str) -> bool {
    let text = text.trim_end_matches(['"', '\'', '”', '’', ')', '）', ']', '」', '』', '》']);
    text.ends_with(['.', '!', '?', '。', '！', '？', '…', ':', '：', ';', '；'])
}

/// Width of a text in units of a Latin letter: Han and Hangul count double.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| if is_unspaced(c) || matches!(c as u32, 0xAC00..=0xD7AF) { 2 } else { 1 }).sum()
}

/// Takes ligatures and presentation forms apart (`ﬁ` becomes `fi`, `⼀` becomes
/// `一`, Arabic shapes become letters), makes one space and one hyphen of the
/// many, and leaves out what has no shape.
pub fn decompose(c: char, mut emit: impl FnMut(char)) {
    match c as u32 {
        0x132..=0x133
        | 0x2F00..=0x2FD5
        | 0xF900..=0xFAFF
        | 0xFB00..=0xFB06
        | 0xFB13..=0xFB17
        | 0xFB1D..=0xFDFB
        | 0xFE70..=0xFEFC => std::iter::once(c).nfkc().for_each(emit),
        0xAD | 0x2010 | 0x2011 => emit('-'),
        0x09 | 0x0A | 0x0D | 0xA0 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000 => emit(' '),
        0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2064 | 0xFE00..=0xFE0F | 0xFEFF => {}
        _ => emit(c),
    }
}
