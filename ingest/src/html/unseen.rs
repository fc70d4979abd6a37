//! Which parts of a text with tags among it are not seen: HTML in Markdown,
//! where tags and words come one after the other.

use scraper::Html;

use super::hidden::take_hidden;
use super::nesting::{RAW, end_of_raw, next_tag};
use super::sheet::Sheet;

/// Elements without an end.
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

/// Elements that the next one of their name ends.
const ENDED_BY_NEXT: &[&str] = &["p", "li", "dt", "dd", "tr", "td", "th", "option"];

/// How many of the elements around a tag decide whether it hides: enough for
/// the background that its colour stands on.
const AROUND: usize = 12;

/// The longest tag that is remembered for those in it.
const LONGEST: usize = 1 << 10;

/// How many elements an end tag can end at most.
const DEEPEST: usize = 512;

/// The open elements at some place of a text.
pub(crate) struct Unseen {
    sheet: Sheet,
    /// Outermost first.
    open: Vec<Open>,
}

impl Default for Unseen {
    fn default() -> Self {
        Self { sheet: Sheet::of_nothing(), open: Vec::new() }
    }
}

/// An open element.
struct Open {
    name: String,
    tag: String,
    /// Whether the words in it are hidden.
    is_hidden: bool,
}

impl Unseen {
    /// At the begin of a text whose HTML has these `style` elements in it.
    pub(crate) fn with_styles(html: &str) -> Self {
        if html.is_empty() {
            return Self::default();
        }
        Self { sheet: Sheet::of_part(&Html::parse_fragment(html)), open: Vec::new() }
    }

    /// Whether the words that follow are hidden.
    pub(crate) fn is_hidden(&self) -> bool {
        self.open.last().is_some_and(|last| last.is_hidden)
    }

    /// How many elements are open.
    pub(crate) const fn depth(&self) -> usize {
        self.open.len()
    }

    /// Ends the elements within the outermost `depth`.
    pub(crate) fn end_below(&mut self, depth: usize) {
        self.open.truncate(depth);
    }

    /// Ends an open paragraph, as any block does.
    pub(crate) fn end_paragraph(&mut self) {
        if self.open.last().is_some_and(|last| last.name == "p") {
            self.end_below(self.open.len() - 1);
        }
    }

    /// Takes in one tag.
    pub(crate) fn tag(&mut self, source: &str) {
        let Some(tag) = next_tag(source, 0) else { return };
        let name = tag.name;
        if tag.is_end {
            let within = self.open.iter().rev().take(DEEPEST).position(|open| open.name == name);
            if let Some(within) = within {
                self.end_below(self.open.len() - within - 1);
            }
            return;
        }
        if VOID.contains(&name.as_str()) || source.ends_with("/>") {
            return;
        }
        if ENDED_BY_NEXT.contains(&name.as_str()) && self.open.last().is_some_and(|last| last.name == name) {
            self.end_below(self.open.len() - 1);
        }
        let is_plain = !source.contains([' ', '\n', '\t', '/', '=']) && self.sheet.is_empty();
        let is_hidden = if is_plain { self.is_hidden() } else { self.hides(source) };
        let is_hidden = is_hidden || self.is_hidden() && self.open.len() > AROUND;
        // What is far longer than any tag would be read over and over.
        let tag = if source.len() > LONGEST { format!("<{name}>") } else { source.to_owned() };
        self.open.push(Open { name, tag, is_hidden });
    }

    /// Whether a word behind the tag is taken out of the page.
    fn hides(&self, tag: &str) -> bool {
        let around = &self.open[self.open.len().saturating_sub(AROUND)..];
        let tags: String = around.iter().map(|open| open.tag.as_str()).collect();
        let mut page = Html::parse_fragment(&format!("{tags}{tag}x"));
        !take_hidden(&mut page, &self.sheet).is_empty()
    }

    /// Takes in a piece of HTML; `hidden` is told of the parts that are not seen,
    /// from the tag that hides them to the one that ends it, and of how many
    /// characters stand there.
    pub(crate) fn html(&mut self, source: &str, mut hidden: impl FnMut(std::ops::Range<usize>, usize)) {
        let mut since = self.is_hidden().then_some(0);
        let mut characters = 0;
        let mut at = 0;
        while let Some(tag) = next_tag(source, at) {
            if since.is_some() {
                characters += letters(&source[at..tag.start]);
            }
            at = tag.end;
            if RAW.contains(&tag.name.as_str()) && !tag.is_end {
                at = end_of_raw(source, tag.end, &tag.name);
                continue;
            }
            self.tag(&source[tag.start..tag.end]);
            match (since, self.is_hidden()) {
                (None, true) => since = Some(tag.start),
                (Some(start), false) => {
                    if characters > 0 {
                        hidden(start..tag.end, std::mem::take(&mut characters));
                    }
                    since = None;
                }
                _ => {}
            }
        }
        if let Some(start) = since {
            characters += letters(&source[at..]);
            if characters > 0 {
                hidden(start..source.len(), characters);
            }
        }
    }
}

fn letters(text: &str) -> usize {
    text.trim().chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(source: &str) -> Vec<(&str, usize)> {
        let mut parts = Vec::new();
        Unseen::with_styles(source).html(source, |range, characters| parts.push((&source[range], characters)));
        parts
    }

    #[test]
    fn hidden_parts_are_found_with_their_tags() {
        assert_eq!(hidden("a <b style='opacity:0'>no <i>no</i></b> c"), [("<b style='opacity:0'>no <i>no</i></b>", 4)]);
        assert_eq!(hidden("<p hidden>no<p>yes"), [("<p hidden>no<p>", 2)]);
        assert_eq!(hidden("yes <div hidden>no"), [("<div hidden>no", 2)]);
        assert_eq!(hidden("<div style='background:#000'><b style='color:#fff'>yes</b></div>"), []);
        assert_eq!(hidden("<style>b {display:none}</style><b>no</b> yes"), [("<b>no</b>", 2)]);
        assert_eq!(hidden("<table><tr><td hidden>no</td><td>yes</td></table>"), [("<td hidden>no</td>", 2)]);
        assert_eq!(hidden("<script>'<div hidden>'</script><img hidden>yes</b><Own hidden />yes"), []);
    }
}
