//! Takes out tags that nest too deep for the parser.
//!
//! The parser looks through all open elements at nearly every tag, so a page of
//! 100,000 open elements takes it minutes. Browsers cut at 512; so do we, before
//! parsing: a tag below that depth becomes spaces, its text stays.

use std::borrow::Cow;
use std::collections::HashMap;

use super::content::DROPPED;

/// Elements that may be open at a time.
const MAX_OPEN: usize = 512;

/// Elements that end without an end tag, or never have one: they do not pile up.
const NOT_COUNTED: &[&str] = &[
    "area", "base", "body", "br", "caption", "col", "colgroup", "dd", "dt", "embed", "head", "hr", "html", "img",
    "input", "li", "link", "meta", "optgroup", "option", "p", "param", "rp", "rt", "source", "tbody", "td", "tfoot",
    "th", "thead", "tr", "track", "wbr",
];

/// Elements whose text is no markup.
pub(super) const RAW: &[&str] = &["script", "style", "textarea", "title", "xmp", "noscript", "iframe", "plaintext"];

/// The page with tags below the deepest level blanked out; the same length, so
/// that lines stay where they are.
pub(super) fn flattened(source: &str) -> Cow<'_, str> {
    let blanks = too_deep(source);
    if blanks.is_empty() {
        return Cow::Borrowed(source);
    }
    let mut out = String::with_capacity(source.len());
    let mut end = 0;
    for (start, stop) in blanks {
        out.push_str(&source[end..start]);
        out.extend(source[start..stop].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        end = stop;
    }
    out.push_str(&source[end..]);
    Cow::Owned(out)
}

/// The byte ranges of the tags that nest too deep.
fn too_deep(source: &str) -> Vec<(usize, usize)> {
    let mut blanks = Vec::new();
    let mut open = Open::default();
    let mut at = 0;
    while let Some(tag) = next_tag(source, at) {
        at = tag.end;
        if RAW.contains(&tag.name.as_str()) && !tag.is_end {
            at = end_of_raw(source, tag.end, &tag.name);
            continue;
        }
        if NOT_COUNTED.contains(&tag.name.as_str()) {
            continue;
        }
        let stays = if tag.is_end {
            open.end(&tag.name)
        } else {
            open.begin(&tag.name, hides(&tag.name, &source[tag.start..tag.end]))
        };
        if !stays {
            blanks.push((tag.start, tag.end));
        }
    }
    blanks
}

/// The open elements, outermost first.
#[derive(Default)]
struct Open {
    /// Their names, and whether their tags stay.
    elements: Vec<(String, bool)>,
    /// How many of them have tags that stay.
    staying: usize,
    /// How many there are of a name, so that ends of nothing need no search.
    by_name: HashMap<String, usize>,
}

impl Open {
    /// Whether the start tag stays.
    fn begin(&mut self, name: &str, must_stay: bool) -> bool {
        let stays = must_stay || self.staying < MAX_OPEN;
        self.staying += usize::from(stays);
        *self.by_name.entry(name.to_owned()).or_default() += 1;
        self.elements.push((name.to_owned(), stays));
        stays
    }

    /// Whether the end tag stays: it ends the innermost element of its name, and what is in it.
    fn end(&mut self, name: &str) -> bool {
        if self.by_name.get(name).is_none_or(|&count| count == 0) {
            return true;
        }
        while let Some((ended, stays)) = self.elements.pop() {
            self.staying -= usize::from(stays);
            if let Some(count) = self.by_name.get_mut(&ended) {
                *count -= 1;
            }
            if ended == name {
                return stays;
            }
        }
        true
    }
}

/// Where a tag stands.
pub(super) struct TagAt {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) name: String,
    pub(super) is_end: bool,
}

/// Whether blanking the tag could show what no reader of the page sees.
fn hides(name: &str, tag: &str) -> bool {
    let tag = tag.to_lowercase();
    DROPPED.contains(&name) || ["hidden", "style", "role", "color"].iter().any(|attribute| tag.contains(attribute))
}

/// The next tag from `from` on, comments left out.
pub(super) fn next_tag(source: &str, mut from: usize) -> Option<TagAt> {
    loop {
        let start = from + source[from..].find('<')?;
        let rest = &source[start + 1..];
        if rest.starts_with("!--") {
            from = start + 4 + source[start + 4..].find("-->")? + 3;
            continue;
        }
        let is_end = rest.starts_with('/');
        let name = rest.trim_start_matches('/');
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            from = start + 1;
            continue;
        }
        let name: String = name
            .chars()
            .take_while(|c| !c.is_whitespace() && !matches!(c, '>' | '/'))
            .collect::<String>()
            .to_lowercase();
        return Some(TagAt { start, end: end_of_tag(source, start), name, is_end });
    }
}

/// Where the tag at `start` ends; a `>` in a quoted attribute is none of its end.
fn end_of_tag(source: &str, start: usize) -> usize {
    let bytes = source.as_bytes();
    let mut quote = None;
    let mut after_equals = false;
    for (at, &byte) in bytes.iter().enumerate().skip(start) {
        match (quote, byte) {
            (Some(mark), _) if byte == mark => quote = None,
            (Some(_), _) => {}
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') if after_equals => quote = Some(byte),
            (None, b'=') => after_equals = true,
            (None, byte) if !byte.is_ascii_whitespace() => after_equals = false,
            _ => {}
        }
    }
    bytes.len()
}

/// Where the text of a raw element that begins at `from` ends.
pub(super) fn end_of_raw(source: &str, from: usize, name: &str) -> usize {
    let mut at = from;
    while let Some(found) = source[at..].find("</") {
        let tail = &source.as_bytes()[at + found + 2..];
        if tail.len() >= name.len() && tail[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
            return at + found;
        }
        at += found + 2;
    }
    source.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_pages_are_left_alone() {
        let page = "<!doctype html><!-- <div> --><ul><li>a<li>b</ul><script>x('<div>')</script><p title='a>b'>c<br>";
        assert!(matches!(flattened(&page.repeat(600)), Cow::Borrowed(_)));
        let unclosed = "<p>a<li>b<td>c".repeat(2_000);
        assert!(matches!(flattened(&unclosed), Cow::Borrowed(_)));
    }

    #[test]
    fn tags_below_the_limit_become_spaces_and_the_rest_stays() {
        let deep = format!("{}<b\nid='>'>deep</b>{}<h1>After</h1>", "<div>".repeat(512), "</div>".repeat(512));
        let flat = flattened(&deep);
        assert_eq!(flat.len(), deep.len());
        assert!(flat.contains("  \n       deep    </div>"), "{}", &flat[2550..2620]);
        assert!(flat.ends_with("</div><h1>After</h1>"));
    }

    #[test]
    fn odd_ends_do_no_harm() {
        for page in ["<", "</", "<div", "<!-- ", "<a href='", "<script>", "</b></div>", "<é>", "<script></"] {
            assert_eq!(flattened(page), page);
        }
    }
}
