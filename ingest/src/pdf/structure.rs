//! What the file says of its own structure: outline, page labels, metadata and
//! attachments, read with `lopdf`; a damaged part costs that part only.

use std::collections::{HashMap, HashSet};

use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId, decode_text_string};

/// The structure that a file declares.
#[derive(Debug, Default)]
pub struct Structure {
    /// Bookmarks in order.
    pub outline: Vec<Bookmark>,
    /// Labels of pages by index, where the file numbers them itself.
    pub labels: HashMap<usize, String>,
    /// Names of attached files.
    pub attachments: Vec<String>,
    /// Title as given.
    pub title: Option<String>,
    /// Author as given.
    pub author: Option<String>,
    /// Date of the last change, else of creation, as `YYYY-MM-DD`.
    pub date: Option<String>,
}

/// An entry of the outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// Depth, 1 for the outermost.
    pub level: u8,
    /// Title.
    pub title: String,
    /// Index of the page it leads to.
    pub page: usize,
}

/// Reads the structure of a file of `pages` pages; empty if `lopdf` cannot.
pub fn read(bytes: &[u8], password: Option<&str>, pages: usize) -> Structure {
    let options = LoadOptions {
        password: password.map(Into::into),
        // The contents of streams are not looked at; only object streams are
        // needed, and those are unpacked before the filter sees them.
        filter: Some(|id, object| {
            if let Object::Stream(stream) = object {
                stream.content = Vec::new();
            }
            Some((id, object.clone()))
        }),
        ..LoadOptions::default()
    };
    let Ok(file) = Document::load_mem_with_options(bytes, options) else { return Structure::default() };
    let Ok(catalog) = file.catalog() else { return Structure::default() };
    let info = file.trailer.get_deref(b"Info", &file).and_then(Object::as_dict).ok();
    let say = |key: &[u8]| info.and_then(|info| text(&file, info, key));
    Structure {
        outline: outline(&file, catalog, pages),
        labels: labels(&file, catalog, pages),
        attachments: attachments(&file, catalog),
        title: say(b"Title"),
        author: say(b"Author"),
        date: say(b"ModDate").as_deref().and_then(day).or_else(|| say(b"CreationDate").as_deref().and_then(day)),
    }
}

/// Writes the file anew with all objects that a scan of it finds, for readers
/// that need a sound table of objects.
pub fn rebuild(bytes: &[u8], password: Option<&str>) -> Option<Vec<u8>> {
    let options = LoadOptions { password: password.map(Into::into), ..LoadOptions::default() };
    let mut file = Document::load_mem_with_options(bytes, options).ok()?;
    if file.get_pages().is_empty() || (file.is_encrypted() && file.encryption_state.is_none()) {
        return None;
    }
    file.encryption_state = None;
    file.trailer.remove(b"Encrypt");
    let mut rebuilt = Vec::new();
    file.save_to(&mut rebuilt).ok()?;
    Some(rebuilt)
}

/// Bounds on what a hostile file can make us follow.
const MAX_BOOKMARKS: usize = 20_000;
const MAX_DEPTH: usize = 32;

fn outline(file: &Document, catalog: &Dictionary, pages: usize) -> Vec<Bookmark> {
    let Ok(root) = dict(file, catalog, b"Outlines") else { return Vec::new() };
    let numbers: HashMap<ObjectId, usize> = file.page_iter().take(pages).enumerate().map(|(i, id)| (id, i)).collect();
    let named = named_destinations(file, catalog);
    let mut bookmarks = Vec::new();
    let mut seen = HashSet::new();
    // Items still to visit with their depth, the next one last.
    let mut stack: Vec<(&Object, u8)> = root.get(b"First").ok().map(|first| (first, 1)).into_iter().collect();
    while let Some((item, level)) = stack.pop() {
        let id = item.as_reference().ok();
        if id.is_some_and(|id| !seen.insert(id)) || seen.len() > MAX_BOOKMARKS {
            continue;
        }
        let Ok(item) = file.dereference(item).and_then(|(_, item)| item.as_dict()) else { continue };
        if let Ok(next) = item.get(b"Next") {
            stack.push((next, level));
        }
        if let (Ok(first), true) = (item.get(b"First"), usize::from(level) < MAX_DEPTH) {
            stack.push((first, level + 1));
        }
        let target = item
            .get(b"Dest")
            .or_else(|_| dict(file, item, b"A").and_then(|action| action.get(b"D")))
            .ok()
            .and_then(|target| destination(file, target, &named, &numbers));
        if let (Some(title), Some(page)) = (text(file, item, b"Title"), target) {
            bookmarks.push(Bookmark { level, title, page });
        }
    }
    bookmarks
}

/// The index of the page that a destination leads to.
fn destination(
    file: &Document,
    target: &Object,
    named: &HashMap<Vec<u8>, &Object>,
    numbers: &HashMap<ObjectId, usize>,
) -> Option<usize> {
    let (_, mut target) = file.dereference(target).ok()?;
    if let Object::Name(name) | Object::String(name, _) = target {
        target = file.dereference(named.get(name)?).ok()?.1;
    }
    if let Ok(wrapped) = target.as_dict() {
        target = wrapped.get_deref(b"D", file).ok()?;
    }
    match target.as_array().ok()?.first()? {
        Object::Reference(id) => numbers.get(id).copied(),
        Object::Integer(index) => usize::try_from(*index).ok(),
        _ => None,
    }
}

fn named_destinations<'a>(file: &'a Document, catalog: &'a Dictionary) -> HashMap<Vec<u8>, &'a Object> {
    let mut named = HashMap::new();
    if let Ok(old) = dict(file, catalog, b"Dests") {
        named.extend(old.iter().map(|(name, target)| (name.clone(), target)));
    }
    if let Ok(tree) = dict(file, catalog, b"Names").and_then(|names| dict(file, names, b"Dests")) {
        for (key, target) in tree_entries(file, tree, b"Names") {
            if let Ok(name) = key.as_str() {
                named.insert(name.to_vec(), target);
            }
        }
    }
    named
}

fn labels(file: &Document, catalog: &Dictionary, pages: usize) -> HashMap<usize, String> {
    let Ok(tree) = dict(file, catalog, b"PageLabels") else { return HashMap::new() };
    let mut ranges: Vec<(usize, &Dictionary)> = tree_entries(file, tree, b"Nums")
        .into_iter()
        .filter_map(|(key, value)| {
            let first = usize::try_from(key.as_i64().ok()?).ok()?;
            Some((first, file.dereference(value).ok()?.1.as_dict().ok()?))
        })
        .collect();
    ranges.sort_by_key(|&(first, _)| first);
    let mut labels = HashMap::new();
    for (index, &(first, style)) in ranges.iter().enumerate() {
        let end = ranges.get(index + 1).map_or(pages, |&(next, _)| next.min(pages));
        let prefix = text(file, style, b"P").unwrap_or_default();
        let start = style.get(b"St").and_then(Object::as_i64).unwrap_or(1).clamp(0, 1 << 20) as usize;
        let kind = style.get(b"S").and_then(Object::as_name).ok();
        for page in first..end {
            let number = page - first + start;
            let numeral = match kind {
                Some(b"D") => number.to_string(),
                Some(b"r") => roman(number).to_lowercase(),
                Some(b"R") => roman(number),
                Some(b"a") => letters(number).to_lowercase(),
                Some(b"A") => letters(number),
                _ => String::new(),
            };
            let label = format!("{prefix}{numeral}");
            if !label.is_empty() {
                labels.insert(page, label);
            }
        }
    }
    labels
}

fn attachments(file: &Document, catalog: &Dictionary) -> Vec<String> {
    let Ok(tree) = dict(file, catalog, b"Names").and_then(|names| dict(file, names, b"EmbeddedFiles")) else {
        return Vec::new();
    };
    tree_entries(file, tree, b"Names")
        .into_iter()
        .filter_map(|(key, value)| {
            let specification = file.dereference(value).ok().and_then(|(_, value)| value.as_dict().ok());
            specification
                .and_then(|specification| text(file, specification, b"UF").or_else(|| text(file, specification, b"F")))
                .or_else(|| decode_text_string(key).ok())
        })
        .collect()
}

/// Keys and values of a name or number tree, in order.
fn tree_entries<'a>(file: &'a Document, root: &'a Dictionary, leaves: &[u8]) -> Vec<(&'a Object, &'a Object)> {
    let mut entries = Vec::new();
    let mut stack = vec![(root, 0)];
    let mut nodes = 0;
    while let Some((node, depth)) = stack.pop() {
        nodes += 1;
        if nodes > MAX_BOOKMARKS || entries.len() > 4 * MAX_BOOKMARKS {
            break;
        }
        if let Ok(pairs) = node.get_deref(leaves, file).and_then(Object::as_array) {
            entries.extend(
                pairs.chunks_exact(2).map(|pair| (file.dereference(&pair[0]).map_or(&pair[0], |d| d.1), &pair[1])),
            );
        }
        if let (Ok(kids), true) = (node.get_deref(b"Kids", file).and_then(Object::as_array), depth < MAX_DEPTH) {
            let kids = kids.iter().rev().filter_map(|kid| file.dereference(kid).ok()?.1.as_dict().ok());
            stack.extend(kids.map(|kid| (kid, depth + 1)));
        }
    }
    entries
}

fn dict<'a>(file: &'a Document, parent: &'a Dictionary, key: &[u8]) -> lopdf::Result<&'a Dictionary> {
    parent.get_deref(key, file)?.as_dict()
}

/// A text string's characters, trimmed; `None` if nothing readable is left.
fn text(file: &Document, parent: &Dictionary, key: &[u8]) -> Option<String> {
    let object = parent.get_deref(key, file).ok()?;
    let bytes = object.as_str().ok()?;
    let marked = bytes.starts_with(&[0xFE, 0xFF]) || bytes.starts_with(&[0xEF, 0xBB, 0xBF]);
    let decoded = match std::str::from_utf8(bytes) {
        // Many producers write UTF-8 without its mark.
        Ok(utf8) if !marked => utf8.to_owned(),
        _ if bytes.starts_with(&[0xFF, 0xFE]) => {
            let units: Vec<u16> =
                bytes[2..].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        _ => decode_text_string(object).ok()?,
    };
    let clean: String = decoded.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    (!clean.is_empty() && !clean.contains(char::REPLACEMENT_CHARACTER)).then_some(clean)
}

/// The day of a PDF date (`D:YYYYMMDDHHmmSS`, later parts optional).
fn day(date: &str) -> Option<String> {
    let digits: String = date.trim_start_matches("D:").chars().take_while(char::is_ascii_digit).collect();
    let part = |from: usize, to: usize| digits.get(from..to);
    let year = part(0, 4)?;
    let (month, day) = (part(4, 6).unwrap_or("01"), part(6, 8).unwrap_or("01"));
    Some(format!("{year}-{month}-{day}"))
}

fn roman(mut number: usize) -> String {
    const SIGNS: [(usize, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    number = number.min(10_000);
    let mut numeral = String::new();
    for (value, sign) in SIGNS {
        while number >= value {
            numeral.push_str(sign);
            number -= value;
        }
    }
    numeral
}

/// A to Z, then AA to ZZ, and so on (ISO 32000-1, 12.4.2).
fn letters(number: usize) -> String {
    let Some(index) = number.min(26 * 100).checked_sub(1) else { return String::new() };
    let letter = char::from(b'A' + (index % 26) as u8);
    std::iter::repeat_n(letter, index / 26 + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_pages_as_the_standard_says() {
        assert_eq!((roman(4), roman(1994)), ("IV".into(), "MCMXCIV".into()));
        assert_eq!((letters(1), letters(26), letters(28)), ("A".into(), "Z".into(), "BB".into()));
    }

    #[test]
    fn takes_the_day_from_a_date() {
        assert_eq!(day("D:20240131120000+01'00'").as_deref(), Some("2024-01-31"));
        assert_eq!(day("D:2024").as_deref(), Some("2024-01-01"));
        assert_eq!(day("yesterday"), None);
    }
}
