//! Colours and shapes of the terminal output, kept in one place.

use std::path::{Path, PathBuf};

use console::{Style, style};

/// `error:` in red, where the terminal has colours.
pub fn error_label() -> String {
    style("error:").for_stderr().red().bold().to_string()
}

/// `note:` in yellow.
pub fn note_label() -> String {
    style("note:").for_stderr().yellow().to_string()
}

/// What is wrong with something.
pub fn problem(text: &str) -> String {
    style(text).red().to_string()
}

/// A citation mark.
pub fn mark(number: usize) -> String {
    style(format!("[{number}]")).cyan().to_string()
}

/// Secondary text.
pub fn dim(text: &str) -> String {
    Style::new().dim().apply_to(text).to_string()
}

/// Text that stands out.
pub fn bold(text: &str) -> String {
    Style::new().bold().apply_to(text).to_string()
}

/// A path as the user would type it: relative when it lies under the working folder.
pub fn shown_path(path: &str) -> String {
    let Ok(here) = std::env::current_dir() else { return path.to_owned() };
    Path::new(path).strip_prefix(here).map_or_else(|_| path.to_owned(), |relative| relative.display().to_string())
}

/// A path as [`shown_path`] shows it; one that lies elsewhere, from the named folder above it.
pub fn path_below(path: &str, named: &[PathBuf]) -> String {
    let shown = shown_path(path);
    if Path::new(&shown).is_relative() {
        return shown;
    }
    let below = |folder: &PathBuf| {
        let inside = Path::new(path).strip_prefix(folder.canonicalize().ok()?).ok()?;
        (!inside.as_os_str().is_empty()).then(|| inside.display().to_string())
    };
    named.iter().find_map(below).unwrap_or(shown)
}

/// "p. 3" or "lines 12-14", for people.
pub fn shown_place(page: Option<u32>, lines: Option<(u32, u32)>) -> String {
    match (page, lines) {
        (Some(page), _) => format!("p. {page}"),
        (None, Some((first, last))) if first == last => format!("line {first}"),
        (None, Some((first, last))) => format!("lines {first}-{last}"),
        (None, None) => String::new(),
    }
}

/// Bytes for people: 1.1 GB.
pub fn shown_bytes(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

/// The text on one line, cut to `width` columns.
pub fn one_line(text: &str, width: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    console::truncate_str(&line, width, "…").into_owned()
}

/// The text wrapped to the terminal, every line indented by `indent` spaces.
/// Wide characters count twice, and a line may break between any two of them.
pub fn wrapped(text: &str, indent: usize) -> String {
    let width = usize::from(console::Term::stdout().size().1).clamp(40, 100) - indent;
    let pad = " ".repeat(indent);
    let mut out = String::new();
    for line in text.lines() {
        let mut column = 0;
        out.push_str(&pad);
        for word in pieces(line) {
            let wide = console::measure_text_width(word);
            if column > 0 && column + console::measure_text_width(word.trim_end()) > width {
                out.truncate(out.trim_end().len());
                out.push('\n');
                out.push_str(&pad);
                column = 0;
            }
            out.push_str(word);
            column += wide;
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
    out
}

/// Where a line may be broken: after spaces, and around wide characters,
/// except in front of closing punctuation.
fn pieces(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut previous: Option<char> = None;
    for (at, c) in line.char_indices() {
        if let Some(before) = previous {
            let closing = matches!(c, '。' | '，' | '、' | '；' | '：' | '！' | '？' | '）' | '》' | '」' | '”' | ' ');
            let breakable = before == ' ' && c != ' ' || (is_wide(before) || is_wide(c)) && !closing && before != '（';
            if breakable && at > start {
                pieces.push(&line[start..at]);
                start = at;
            }
        }
        previous = Some(c);
    }
    pieces.push(&line[start..]);
    pieces
}

fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_between_wide_characters() {
        assert_eq!(pieces("one two"), ["one ", "two"]);
        assert_eq!(pieces("保修期。K2"), ["保", "修", "期。", "K2"]);
    }

    #[test]
    fn paths_are_told_from_the_folder_that_was_named() {
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().canonicalize().unwrap();
        let file = named.join("sub/a.md");
        let shown = |named: &[PathBuf]| path_below(file.to_str().unwrap(), named);
        assert_eq!(shown(&[PathBuf::from("/elsewhere"), folder.path().to_owned()]), "sub/a.md");
        assert_eq!(shown(std::slice::from_ref(&file)), file.to_str().unwrap());
        let here = std::env::current_dir().unwrap().join("b.md");
        assert_eq!(path_below(here.to_str().unwrap(), &[]), "b.md");
    }

    #[test]
    fn places_read_like_speech() {
        assert_eq!(shown_place(Some(3), None), "p. 3");
        assert_eq!(shown_place(None, Some((4, 4))), "line 4");
        assert_eq!(shown_place(None, Some((4, 6))), "lines 4-6");
    }
}
