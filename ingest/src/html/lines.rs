//! Where in the source the text of a page stands.

/// How far ahead of the last place the next one is looked for, in bytes.
const NEAR: usize = 16 << 10;

/// How far at most; a miss is cheap to bear, a search through a large page for
/// every one of its blocks is not.
const FAR: usize = 256 << 10;

/// Finds source lines. The parser does not tell where a node stood, so the
/// words of a block are looked for from where the last ones were found. Words
/// with entities in them are not found and get the line of their predecessor.
pub(super) struct LineFinder<'a> {
    source: &'a str,
    offset: usize,
    line: u32,
    window: usize,
}

impl<'a> LineFinder<'a> {
    pub(super) const fn new(source: &'a str) -> Self {
        Self { source, offset: 0, line: 1, window: NEAR }
    }

    /// The line, counted from 1, on which `words` stand.
    pub(super) fn line_of(&mut self, words: &str) -> u32 {
        let words = lookup(words);
        if words.is_empty() {
            return self.line;
        }
        let rest = &self.source[self.offset..];
        let found = rest[..rest.floor_char_boundary(self.window)].match_indices(words).map(|(at, _)| at);
        // A short word such as "a" is also the name of a tag.
        let found = found.filter(|&at| words.len() > 4 || !rest[..at].ends_with(['<', '/'])).next();
        match found {
            Some(at) => {
                let breaks = rest[..at].matches('\n').count();
                self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
                self.offset += at;
                self.window = NEAR;
            }
            None => self.window = (self.window * 2).min(FAR),
        }
        self.line
    }
}

/// The first words of a line, as they should stand in the source too: up to
/// about forty bytes, without the marks that lists and tables were given.
fn lookup(words: &str) -> &str {
    let line = words.trim().lines().next().unwrap_or_default();
    let line = line.trim_start_matches(|c: char| matches!(c, '|' | '-' | '#') || c.is_whitespace());
    let line = line.split(" |").next().unwrap_or_default().trim();
    let end = line.floor_char_boundary(40);
    // White space may be of another kind or amount in the source.
    let words_end = line[..end].find(char::is_whitespace).filter(|&at| at >= 6).unwrap_or(end);
    let short = &line[..words_end];
    short.split_once(' ').filter(|(first, _)| first.len() >= 3).map_or(short, |(first, _)| first)
}
