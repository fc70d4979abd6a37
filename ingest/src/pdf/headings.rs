//! Which groups of lines are headings, and of which level: by the outline where
//! the file has one, else by size, weight and numbering.

use super::blocks::{Group, Nature};
use super::compose::Composed;
use super::markers;
use super::script;
use super::structure::Bookmark;
use super::style::Style;
use crate::document::BlockKind;

/// Longest heading, in units of a Latin letter.
const MAX_WIDTH: usize = 220;
const MAX_LINES: usize = 4;
/// Headings in the body's size are shorter.
const MAX_PLAIN_WIDTH: usize = 120;

/// The level of every group that is a heading.
pub fn levels(groups: &[Group], style: &Style, outline: &[Bookmark]) -> Vec<Option<u8>> {
    let candidates: Vec<Option<Candidate>> =
        groups.iter().enumerate().map(|(index, group)| candidate(group, groups.get(index + 1), style)).collect();
    let marked = bookmarked(groups, outline);
    let looks = looks(&candidates, &marked);
    let mut open: Vec<u8> = Vec::new();
    let levels = candidates.into_iter().zip(marked).map(|(candidate, marked)| {
        let level = marked.or_else(|| candidate.map(|candidate| candidate.level(&looks)))?;
        // Levels that were skipped, as after a chapter's large title, are closed up.
        open.retain(|&above| above < level);
        open.push(level);
        Some(open.len() as u8)
    });
    levels.collect()
}

/// The document's title: the file's own if it is one, else the first large
/// heading, else `name`.
pub fn title(given: Option<&str>, composed: &Composed, name: &str) -> String {
    if let Some(title) = given.and_then(usable_title) {
        return title;
    }
    let first_page = composed.pages.first().map_or(0, |span| span.end);
    let headings = composed.blocks.iter().filter_map(|block| match block.kind {
        BlockKind::Heading(level) if block.span.start < first_page => Some((level, block.span)),
        _ => None,
    });
    match headings.min_by_key(|&(level, span)| (level, span.start)) {
        Some((_, span)) => composed.text[span.start..span.end].to_owned(),
        None => name.to_owned(),
    }
}

/// A title as given, unless a program made it up.
fn usable_title(title: &str) -> Option<String> {
    let title =
        title.strip_prefix("Microsoft Word - ").or(title.strip_prefix("Microsoft PowerPoint - ")).unwrap_or(title);
    let lower = title.to_lowercase();
    let made_up =
        ["untitled", "unknown", "(anonymous)", "document", "title", "slide 1", "powerpoint presentation", "无标题"];
    let file = [
        ".doc", ".docx", ".dvi", ".pdf", ".tex", ".ps", ".indd", ".qxd", ".ppt", ".pptx", ".xls", ".xlsx", ".rtf",
        ".odt", ".odp", ".txt", ".wpd", ".html", ".htm", ".md", ".typ", ".pages",
    ];
    let usable = title.chars().filter(|c| c.is_alphabetic()).count() >= 2
        && !made_up.iter().any(|name| lower.starts_with(name) && lower.len() < name.len() + 4)
        && !file.iter().any(|end| lower.ends_with(end));
    usable.then(|| title.to_owned())
}

/// How a possible heading looks.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    size: f32,
    weight: Weight,
    depth: Option<u8>,
}

/// From strong to weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Bold,
    Regular,
}

/// A look that headings share.
#[derive(Clone, Copy, Debug)]
struct Look {
    size: f32,
    weight: Weight,
    /// The least depth of the numbers used with it.
    depth: u8,
    /// How many headings have it.
    count: usize,
    /// The level of headings with this look.
    level: u8,
}

fn candidate(group: &Group, next: Option<&Group>, style: &Style) -> Option<Candidate> {
    let text = group.text();
    let width = script::width(&text);
    let depth = markers::numbering_depth(&text);
    let size = group.size();
    let large = size > 1.12 * style.body;
    let bold = group.boldness > 0.8;
    let named = matches!(group.nature, Nature::Text | Nature::Item(markers::Marker::Number));
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if !named
        || letters < 2
        || letters * 3 < text.chars().filter(|c| !c.is_whitespace()).count()
        || width > MAX_WIDTH
        || group.lines.len() > MAX_LINES
    {
        return None;
    }
    let listed = next.is_some_and(|next| {
        next.nature == group.nature && next.nature != Nature::Text && (next.size() - size).abs() < 0.1
    });
    let stop = listed || text.ends_with(['.', ',', ';', '。', '，', '；', '、']) && !(depth.is_some() && width < 60);
    let introduces = next.is_some_and(|next| next.nature != Nature::Footnote);
    let begins = text.chars().next().is_some_and(|c| !c.is_lowercase());
    let apart = group.space_above > 1.12;
    let short = width <= MAX_PLAIN_WIDTH && group.lines.len() <= 2;
    let capitals = letters >= 4 && text.chars().all(|c| !c.is_lowercase()) && text.chars().any(char::is_uppercase);
    let is_heading = if large {
        !stop && (width <= MAX_PLAIN_WIDTH || size > 1.3 * style.body)
    } else if size < 0.93 * style.body {
        false
    } else if bold {
        short && !stop && begins && introduces && !text.ends_with([':', '：'])
    } else {
        let numbered = depth.is_some() && width <= 60 && chapter_like(&text);
        short
            && !stop
            && begins
            && introduces
            && apart
            && group.lines.len() == 1
            && (capitals && width <= 80 || numbered)
    };
    is_heading.then_some(Candidate { size, weight: if bold { Weight::Bold } else { Weight::Regular }, depth })
}

/// Numbers that open headings and hardly ever list items or sentences.
fn chapter_like(text: &str) -> bool {
    let lower = text.to_lowercase();
    text.starts_with('第')
        || ["chapter ", "appendix ", "part ", "kapitel ", "anhang "].iter().any(|name| lower.starts_with(name))
}

/// The levels of groups whose text is that of a bookmark to their page.
fn bookmarked(groups: &[Group], outline: &[Bookmark]) -> Vec<Option<u8>> {
    let mut levels = vec![None; groups.len()];
    let mut from = 0;
    for bookmark in outline {
        let title = letters_only(&bookmark.title);
        if title.chars().count() < 2 {
            continue;
        }
        let page = bookmark.page as u32 + 1;
        // Bookmarks are in order, so each is first looked for below the last.
        let matches = |index: &usize| {
            let group = &groups[*index];
            group.page() == page && levels[*index].is_none() && group.lines.len() <= MAX_LINES && {
                let text = group.text();
                script::width(&text) <= MAX_WIDTH && is_titled(&letters_only(&text), &title)
            }
        };
        let found = (from..groups.len()).take_while(|&i| groups[i].page() <= page).find(matches);
        if let Some(index) = found.or_else(|| (0..from).find(matches)) {
            levels[index] = Some(bookmark.level.clamp(1, 6));
            from = index + 1;
        }
    }
    levels
}

/// Whether a heading's letters are a title's, but for a number in front.
fn is_titled(heading: &str, title: &str) -> bool {
    let bare = |text: &str| text.trim_start_matches(|c: char| c.is_numeric()).to_owned();
    heading == title || (bare(heading) == bare(title) && !bare(title).is_empty())
}

fn letters_only(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The looks of headings from the strongest to the weakest, with levels.
fn looks(candidates: &[Option<Candidate>], marked: &[Option<u8>]) -> Vec<Look> {
    let mut looks: Vec<Look> = Vec::new();
    let unmarked = candidates.iter().zip(marked).filter(|(_, marked)| marked.is_none());
    for candidate in unmarked.filter_map(|(candidate, _)| candidate.as_ref()) {
        let depth = candidate.depth.unwrap_or(1);
        match looks.iter_mut().find(|look| candidate.has(look)) {
            Some(look) => (look.depth, look.count) = (look.depth.min(depth), look.count + 1),
            None => looks.push(Look { size: candidate.size, weight: candidate.weight, depth, count: 1, level: 1 }),
        }
    }
    looks.sort_by(|a, b| b.size.total_cmp(&a.size).then(a.weight.cmp(&b.weight)));
    // A cover shows many looks once each; they do not push real levels down.
    let mut level = 0;
    for (index, look) in looks.iter_mut().enumerate() {
        if index == 0 || look.count > 1 {
            level += 1;
        }
        look.level = u8::min(level, 6);
    }
    looks
}

impl Candidate {
    fn has(&self, look: &Look) -> bool {
        (self.size - look.size).abs() < 0.04 * look.size && self.weight == look.weight
    }

    fn level(&self, looks: &[Look]) -> u8 {
        let Some(look) = looks.iter().find(|look| self.has(look)) else { return 1 };
        // One look may carry several depths of numbers.
        let deeper = self.depth.unwrap_or(1).saturating_sub(look.depth);
        look.level.saturating_add(deeper).min(6)
    }
}
