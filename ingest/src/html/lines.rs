//! Where in the source the text of a page stands.

/// How far ahead of the last place the next one is looked for, in bytes.
const NEAR: usize = 16 << 10;

/// How far at most; a miss is cheap to bear, a search through a large page for
/// every one of its blocks is not.
const FAR: usize = 64 << 10;

/// Finds source lines. The parser does not tell where a node stood, so the
/// words of a block are looked for from where the last ones were found. Words
/// that are not found get the line of their predecessor.
pub(super) struct LineFinder<'a> {
    source: &'a str,
    offset: usize,
    line: u32,
    window: usize,
}

impl<'a> LineFinder<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let mut finder = Self { source, offset: 0, line: 1, window: NEAR };
        // The words of the first heading often are those of the title too.
        let body = ["<body", "<BODY"].iter().find_map(|tag| source.find(tag));
        body.into_iter().for_each(|at| finder.advance(at));
        finder
    }

    /// The line, counted from 1, on which `words` stand.
    pub(super) fn line_of(&mut self, words: &str) -> u32 {
        let words = lookup(words);
        if words.is_empty() {
            return self.line;
        }
        let rest = &self.source[self.offset..];
        let mut found = rest[..rest.floor_char_boundary(self.window)].match_indices(words).map(|(at, _)| at);
        // A short word such as "a" is also the name of a tag.
        let found = found.find(|&at| words.len() > 4 || !rest[..at].ends_with(['<', '/']));
        match found {
            Some(at) => {
                self.advance(at);
                self.window = NEAR;
            }
            None => self.window = (self.window * 2).min(FAR),
        }
        self.line
    }

    fn advance(&mut self, by: usize) {
        let breaks = self.source[self.offset..self.offset + by].matches('\n').count();
        self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
        self.offset += by;
    }
}

/// The first word or two of a line that should stand in the source as they are:
/// without the marks that lists and tables were given, without characters that
/// may be entities there, and short, since a tag or a line break may follow.
fn lookup(words: &str) -> &str {
    let line = words.trim().lines().next().unwrap_or_default();
    let line = line.trim_start_matches(|c: char| matches!(c, '|' | '-' | '#') || c.is_whitespace());
    let line = &line[..line.floor_char_boundary(64)];
    let mut parts = line.split(|c: char| c.is_whitespace() || matches!(c, '&' | '<' | '>' | '"' | '\'' | '|'));
    let longest = parts.clone().max_by_key(|part| part.len()).unwrap_or_default();
    let part = parts.find(|part| part.len() > 3).unwrap_or(longest);
    &part[..part.floor_char_boundary(18)]
}
