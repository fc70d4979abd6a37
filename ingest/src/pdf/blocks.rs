//! Sixth stage: lines become paragraphs, headings, lists, captions, footnotes
//! and code; tables were found before.

use super::glyphs::PageGlyphs;
use super::headings;
use super::lines::Line;
use super::markers::{self, Marker};
use super::running::PageLines;
use super::script;
use super::structure::Bookmark;
use super::style::Style;
use super::tables::{self, Item};
use crate::document::BlockKind;

/// A block before its text is written.
#[derive(Debug)]
pub struct Draft {
    /// What it is; headings get their levels last.
    pub kind: BlockKind,
    /// Its lines.
    pub body: Body,
}

/// How a block's lines make up its text.
#[derive(Debug)]
pub enum Body {
    /// Joined into one line.
    Flow(Vec<Placed>),
    /// Each item joined, one item a line.
    Items(Vec<Vec<Placed>>),
    /// Kept as they are.
    Code(Vec<Placed>),
    /// Rows of cells, each cell joined.
    Rows(Vec<Vec<Vec<Placed>>>),
}

/// A line and the number of its page.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Page number, counted from 1.
    pub page: u32,
    /// The line.
    pub line: Line,
}

/// Drafts of all blocks of a document, in reading order.
pub fn drafts(pages: Vec<PageLines>, glyphs: &[PageGlyphs], style: &Style, outline: &[Bookmark]) -> Vec<Draft> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, (page, drawn)) in pages.into_iter().zip(glyphs).enumerate() {
        let items = tables::find(page.lines, drawn);
        let mut own = rejoin(group_page(items, index as u32 + 1, drawn.height, style), style);
        if let (Some(last), Some(first)) = (groups.last_mut(), own.first())
            && last.continues_with(first)
        {
            let first = own.remove(0);
            last.extend(first);
        }
        groups.append(&mut own);
    }
    let ranks = headings::levels(&groups, style, outline);
    assemble(groups, &ranks)
}

/// Lines that belong together, or a table.
#[derive(Debug)]
pub struct Group {
    /// What they seem to be; headings are told later, with the whole document in view.
    pub nature: Nature,
    /// The lines in reading order; empty for a table.
    pub lines: Vec<Placed>,
    /// The rows of a table.
    pub rows: Vec<Vec<Vec<Placed>>>,
    /// Boldness of the first line, from 0 to 1.
    pub boldness: f32,
    /// Distance from the baseline above in the same column, in usual leadings.
    pub space_above: f32,
}

/// What a group of lines is by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Running text, or a heading.
    Text,
    /// An item of a list.
    Item(Marker),
    /// An entry of a table of contents.
    Entry,
    /// A table.
    Table,
    /// Lines in a font of fixed pitch.
    Code,
    /// The caption of a figure or table.
    Caption,
    /// A note at the foot of a page.
    Footnote,
}

impl Group {
    fn of(placed: Placed, nature: Nature, boldness: f32, space_above: f32) -> Self {
        Self { nature, lines: vec![placed], rows: Vec::new(), boldness, space_above }
    }

    /// The words of all its lines.
    pub fn text(&self) -> String {
        self.lines.iter().map(|placed| placed.line.text()).collect::<Vec<_>>().join(" ")
    }

    /// Font size of its first line.
    pub fn size(&self) -> f32 {
        self.lines.first().map_or(0.0, |placed| placed.line.size)
    }

    /// Number of the page on which it begins.
    pub fn page(&self) -> u32 {
        let cell = || self.rows.iter().flatten().flatten().next();
        self.lines.first().or_else(cell).map_or(0, |placed| placed.page)
    }

    /// Whether `next`, the first group of the next page, goes on with it.
    fn continues_with(&self, next: &Self) -> bool {
        match (self.nature, next.nature) {
            (Nature::Table, Nature::Table) => tables::continues(&self.rows, &next.rows),
            (Nature::Text | Nature::Item(_), Nature::Text) => {
                let text = next.text();
                let same_size = (self.size() - next.size()).abs() < 0.06 * self.size();
                let open = self.lines.last().is_some_and(|last| !script::ends_sentence(&last.line.text()));
                let first = text.chars().next().unwrap_or(' ');
                let goes_on = first.is_lowercase()
                    || (script::is_unspaced(first) && next.lines.len() > 1 && self.lines.len() > 1);
                same_size && open && goes_on && next.boldness < 0.5 && self.boldness < 0.5
            }
            _ => false,
        }
    }

    fn extend(&mut self, next: Self) {
        self.lines.extend(next.lines);
        tables::append(&mut self.rows, next.rows);
    }
}

fn group_page(items: Vec<Item>, page: u32, height: f32, style: &Style) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let lines: Vec<Option<&Line>> = items.iter().map(Item::line).collect();
    let edges: Vec<f32> = (0..lines.len()).map(|index| right_edge(&lines, index, style)).collect();
    let mut previous: Option<(Line, f32)> = None;
    for (item, edge) in items.into_iter().zip(edges) {
        let line = match item {
            Item::Line(line) => line,
            Item::Table(rows) => {
                let place = |line| Placed { page, line };
                let rows = rows
                    .into_iter()
                    .map(|row| row.into_iter().map(|cell| cell.into_iter().map(place).collect()).collect())
                    .collect();
                groups.push(Group { nature: Nature::Table, lines: Vec::new(), rows, boldness: 0.0, space_above: 2.0 });
                previous = None;
                continue;
            }
        };
        let boldness = style.boldness(&line);
        let mut nature = nature(&line, height, style);
        if let (Some(group), Some((above, _))) = (groups.last(), &previous) {
            nature = in_context(nature, &line, group, above);
        }
        let step = previous.as_ref().map_or(f32::INFINITY, |(above, _)| line.baseline - above.baseline);
        let joins = match (groups.last(), &previous) {
            (Some(group), Some((above, edge))) => joins(group, above, *edge, &line, nature, boldness, style),
            _ => false,
        };
        let placed = Placed { page, line: for_reading(line.clone(), nature) };
        if let (true, Some(group)) = (joins, groups.last_mut()) {
            group.lines.push(placed);
        } else {
            let space = if step > 0.0 { step / (style.leading * style.body) } else { 2.0 };
            groups.push(Group::of(placed, nature, boldness, space));
        }
        previous = Some((line, edge));
    }
    mark_entries(&mut groups);
    groups
}

/// Lines between entries of a table of contents that end with a page number
/// are entries too, even without dots.
fn mark_entries(groups: &mut [Group]) {
    let entry = |group: &Group| group.nature == Nature::Entry;
    let numbered = |group: &Group| group.lines.len() == 1 && group.text().ends_with(|c: char| c.is_ascii_digit());
    let near = |groups: &[Group], index: usize| {
        index > 0 && (entry(&groups[index - 1]) || markers::is_contents_title(&groups[index - 1].text()))
            || groups.get(index + 1).is_some_and(entry)
    };
    // Once downwards and once upwards, so that several such lines in a row are found.
    for index in (0..groups.len()).chain((0..groups.len()).rev()) {
        let open = matches!(groups[index].nature, Nature::Text | Nature::Item(Marker::Number));
        if open && numbered(&groups[index]) && near(groups, index) {
            groups[index].nature = Nature::Entry;
        }
    }
}

/// Joins paragraphs that notes at the foot of their first column cut in two;
/// the notes follow the paragraph.
fn rejoin(mut groups: Vec<Group>, style: &Style) -> Vec<Group> {
    const MAX_NOTES: usize = 6;
    let is_note =
        |group: &Group| matches!(group.nature, Nature::Footnote | Nature::Text) && group.size() < 0.93 * style.body;
    let mut index = 0;
    while index + 2 < groups.len() {
        let notes = groups[index + 1..].iter().take(MAX_NOTES).take_while(|group| is_note(group)).count();
        let next = index + 1 + notes;
        if notes > 0 && next < groups.len() && !is_note(&groups[index]) && groups[index].continues_with(&groups[next]) {
            let rest = groups.remove(next);
            groups[index].extend(rest);
        } else {
            index += 1;
        }
    }
    groups
}

/// Where the lines of the column around `index` end.
fn right_edge(lines: &[Option<&Line>], index: usize, style: &Style) -> f32 {
    const REACH: usize = 10;
    let Some(line) = lines[index] else { return 0.0 };
    let (lead, tail) = line.extent();
    let near = |a: &Line, b: &Line| {
        let step = b.baseline - a.baseline;
        (b.extent().0 - lead).abs() < 3.0 * line.size
            && (b.size - line.size).abs() < 0.1 * line.size
            && (0.0..2.2 * style.leading * line.size).contains(&step.abs())
    };
    let widest = |others: &mut dyn Iterator<Item = &Option<&Line>>| {
        let mut last = line;
        let mut edge = tail;
        for other in others.take(REACH).map_while(|other| *other) {
            if !near(last, other) {
                break;
            }
            edge = edge.max(other.extent().1);
            last = other;
        }
        edge
    };
    widest(&mut lines[..index].iter().rev()).max(widest(&mut lines[index + 1..].iter()))
}

fn nature(line: &Line, height: f32, style: &Style) -> Nature {
    let text = line.text();
    if markers::is_contents_entry(&text) {
        return Nature::Entry;
    }
    if line.fixed_pitch().is_some() {
        return Nature::Code;
    }
    if markers::is_caption(&text) {
        return Nature::Caption;
    }
    let note = line.middle() > 0.6 * height && line.size < 0.92 * style.body;
    let mark = text.split(' ').next().unwrap_or_default().trim_end_matches(['.', ')']);
    let marked = mark.len() <= 3 && mark.chars().all(|c| c.is_ascii_digit())
        || mark.starts_with(['*', '†', '‡', '§', '①', '②', '③']);
    let attached = text.starts_with(|c: char| c.is_ascii_digit())
        && text.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(char::is_alphabetic);
    if note && (marked && !mark.is_empty() || attached) {
        return Nature::Footnote;
    }
    markers::marker(&text).map_or(Nature::Text, Nature::Item)
}

/// Lines too short to show a fixed pitch of their own, like a lone bracket, go
/// with the code above them.
fn in_context(nature: Nature, line: &Line, group: &Group, above: &Line) -> Nature {
    let alike =
        line.common_pitch().zip(above.common_pitch()).is_some_and(|((own, _), (upper, _))| (own - upper).abs() < 0.02);
    let near =
        (line.size - above.size).abs() < 0.1 && (0.0..3.0 * line.size).contains(&(line.baseline - above.baseline));
    if group.nature == Nature::Code && alike && near { Nature::Code } else { nature }
}

/// Whether `line`, which follows `above`, belongs to the group that ends there.
fn joins(group: &Group, above: &Line, edge: f32, line: &Line, nature: Nature, boldness: f32, style: &Style) -> bool {
    let em = line.size.max(1.0);
    let ((above_lead, above_tail), (lead, tail)) = (above.extent(), line.extent());
    let step = line.baseline - above.baseline;
    let ratio = line.size / above.size.max(0.1);
    let usual = style.leading * above.size;
    if !(0.88..1.14).contains(&ratio)
        || nature == Nature::Entry
        || nature == Nature::Caption
        || group.nature == Nature::Entry
    {
        return false;
    }
    if (group.nature == Nature::Code) != (nature == Nature::Code) {
        return false;
    }
    if nature == Nature::Code {
        return step > 0.0 && step < 2.6 * usual && step < 3.5 * em;
    }
    if (boldness > 0.9) != (group.boldness > 0.9) && (boldness - group.boldness).abs() > 0.6 {
        return false;
    }
    let above_text = above.text();
    let ended = script::ends_sentence(&above_text);
    let first = line.first_word();
    // Had the first word fitted on the line above, the break is an author's.
    let room = edge - above_tail - first.map_or(0.0, |word| word.end - word.start).min(12.0 * em);
    let filled = room < 0.6 * em;
    let begins_inside = first.and_then(|word| word.text.chars().next()).is_some_and(char::is_lowercase);
    if step < -0.5 * em {
        // The text goes on at the top of the next column.
        let unspaced = above_text.chars().next_back().is_some_and(script::is_unspaced);
        return filled
            && !ended
            && matches!(nature, Nature::Text)
            && (begins_inside || unspaced)
            && group.nature != Nature::Footnote;
    }
    if step < 0.5 * em || lead > above_tail || tail < above_lead {
        return false;
    }
    let pitch = match group.lines.as_slice() {
        [.., a, b] if b.line.baseline > a.line.baseline => (b.line.baseline - a.line.baseline).max(usual * 0.8),
        _ => usual.max(above.size * 1.15),
    };
    if step > 1.28 * pitch + 0.5 {
        return false;
    }
    match nature {
        Nature::Item(Marker::Bullet | Marker::Reference) | Nature::Footnote => return false,
        Nature::Item(Marker::Dash | Marker::Number)
            if ended || !filled || matches!(group.nature, Nature::Item(_)) && is_aligned(group, line) =>
        {
            return false;
        }
        _ => {}
    }
    let hanging = !matches!(group.nature, Nature::Text);
    let left = match group.lines.as_slice() {
        [_] => above_lead,
        [_, rest @ ..] => rest.iter().map(|placed| placed.line.extent().0).fold(f32::INFINITY, f32::min),
        [] => above_lead,
    };
    let centred = (line.start + line.end - above.start - above.end).abs() < 2.0 * em && group.lines.len() < 4;
    let forced = ended || !(begins_inside || centred);
    if forced && room > 1.5 * em {
        return false;
    }
    let indent = lead - left;
    if indent > 0.9 * em && !hanging && !centred && (group.lines.len() > 1 || ended) {
        return false;
    }
    if indent < -0.9 * em && !centred && (group.lines.len() > 1 && ended || hanging && indent < -2.5 * em) {
        return false;
    }
    true
}

fn is_aligned(group: &Group, line: &Line) -> bool {
    group.lines.first().is_some_and(|first| (first.line.start - line.start).abs() < 0.6 * line.size)
}

/// The line as it is to be read: without the dots that lead to a page number,
/// and with a bullet for a sign that has no name.
fn for_reading(mut line: Line, nature: Nature) -> Line {
    if nature == Nature::Item(Marker::Bullet)
        && let Some(sign) = line.runs.first_mut().and_then(|run| run.words.first_mut())
        && sign.text.chars().all(|c| matches!(c, '\u{e000}'..='\u{f8ff}' | char::REPLACEMENT_CHARACTER))
    {
        sign.text = "•".into();
    }
    if nature == Nature::Entry {
        for run in &mut line.runs {
            run.words.retain(|word| !markers::is_leader_word(&word.text));
            for word in &mut run.words {
                let kept = word.text.trim_end_matches(['.', '…', '·', '_']).len();
                word.text.truncate(kept.max(1));
            }
        }
        line.runs.retain(|run| !run.words.is_empty());
    }
    line
}

/// Makes drafts of groups; neighbours that are items become one list.
fn assemble(groups: Vec<Group>, levels: &[Option<u8>]) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut listed: Option<Nature> = None;
    let natures: Vec<Nature> = groups.iter().map(|group| group.nature).collect();
    for (index, (group, level)) in groups.into_iter().zip(levels).enumerate() {
        let nature = group.nature;
        if let Some(level) = *level {
            drafts.push(Draft { kind: BlockKind::Heading(level), body: Body::Flow(group.lines) });
            listed = None;
            continue;
        }
        let draft = match nature {
            Nature::Table => Draft { kind: BlockKind::Table, body: Body::Rows(group.rows) },
            Nature::Code => Draft { kind: BlockKind::Code, body: Body::Code(group.lines) },
            Nature::Caption => Draft { kind: BlockKind::Caption, body: Body::Flow(group.lines) },
            Nature::Footnote => Draft { kind: BlockKind::Footnote, body: Body::Flow(group.lines) },
            Nature::Item(_) | Nature::Entry => {
                let continued = listed.is_some_and(|kind| (kind == Nature::Entry) == (nature == Nature::Entry));
                if let (true, Some(Draft { body: Body::Items(items), .. })) = (continued, drafts.last_mut()) {
                    items.push(group.lines);
                    continue;
                }
                // A single number or dash may open a paragraph; two make a list.
                let next = natures.get(index + 1).filter(|_| levels.get(index + 1).is_some_and(Option::is_none));
                let certain = matches!(nature, Nature::Item(Marker::Bullet) | Nature::Entry);
                if certain || matches!(next, Some(Nature::Item(_))) {
                    listed = Some(nature);
                    drafts.push(Draft { kind: BlockKind::List, body: Body::Items(vec![group.lines]) });
                    continue;
                }
                Draft { kind: BlockKind::Paragraph, body: Body::Flow(group.lines) }
            }
            Nature::Text => Draft { kind: BlockKind::Paragraph, body: Body::Flow(group.lines) },
        };
        listed = None;
        drafts.push(draft);
    }
    drafts
}
