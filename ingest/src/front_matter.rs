//! What a Markdown file says of itself in front of its text: YAML between
//! `---` lines, or TOML between `+++` lines.

use crate::document::Metadata;

/// The block in front of the text.
pub(crate) struct FrontMatter<'a> {
    /// The lines between the two marks.
    inner: &'a str,
    /// Length of the block in bytes, marks included.
    pub(crate) len: usize,
}

impl<'a> FrontMatter<'a> {
    /// The front matter of `text`. A rule at the top of a page is none: the
    /// block has to be closed, and to begin with a key.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let mut offset = 0;
        let mut lines = text.split_inclusive('\n').map(|line| {
            offset += line.len();
            (line, offset)
        });
        let (first, begin) = lines.next()?;
        let (mark, assign) = match first.trim_end() {
            "---" => ("---", ':'),
            "+++" => ("+++", '='),
            _ => return None,
        };
        let (last, end) = lines.find(|(line, _)| {
            let line = line.trim_end();
            line == mark || mark == "---" && line == "..."
        })?;
        let inner = &text[begin..end - last.len()];
        let is_comment = |line: &&str| line.trim().is_empty() || line.starts_with('#');
        let keyed = |line: &str| line.split_once(assign).is_some_and(|(key, _)| !key.trim().is_empty());
        let data = inner.lines().find(|line| !is_comment(line)).map_or(inner.trim().is_empty(), keyed);
        data.then_some(Self { inner, len: end })
    }

    /// Fills in what is known of the document and gives back its title. Only
    /// `key: value`, `key: [a, b]` and lists of `- item` are understood, in
    /// TOML `key = value`; the rest has no meaning here.
    pub(crate) fn read(&self, metadata: &mut Metadata) -> Option<String> {
        let mut title = None;
        let mut list_key = String::new();
        for line in self.inner.lines() {
            let item = line.trim_start().strip_prefix("- ").map(unquoted);
            if let Some(item) = item {
                if is_tags(&list_key) && !item.is_empty() {
                    metadata.tags.push(item);
                }
                continue;
            }
            let Some((key, value)) = line.split_once([':', '=']) else { continue };
            if key.starts_with([' ', '\t', '#']) {
                continue;
            }
            list_key = key.trim().to_ascii_lowercase();
            let value = value.trim();
            if value.is_empty() || value.starts_with(['|', '>', '{']) {
                continue;
            }
            let one = Some(unquoted(value)).filter(|value| !value.is_empty());
            match list_key.as_str() {
                "title" => title = one,
                "author" => metadata.author = one,
                "authors" => metadata.author = Some(items(value).collect::<Vec<_>>().join(", ")),
                // The day of the last change says more about the content than that of the first.
                "updated" | "last_updated" | "lastmod" | "modified" => metadata.date = one,
                "date" | "created" => metadata.date = metadata.date.take().or(one),
                "version" | "edition" => metadata.version = one,
                key if is_tags(key) => metadata.tags.extend(items(value)),
                _ => {}
            }
        }
        title
    }
}

fn is_tags(key: &str) -> bool {
    matches!(key, "tags" | "aliases" | "keywords" | "categories")
}

fn items(value: &str) -> impl Iterator<Item = String> {
    let inside = value.trim_start_matches('[').trim_end_matches(']');
    inside.split(',').map(unquoted).filter(|item| !item.is_empty())
}

/// A scalar without its quotes or the comment behind it.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some((inside, _)) = value.strip_prefix(quote).and_then(|rest| rest.rsplit_once(quote)) {
            return inside.to_owned();
        }
    }
    value.split(" #").next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<String>, Metadata) {
        let mut metadata = Metadata::default();
        let title = FrontMatter::of(text).and_then(|front| front.read(&mut metadata));
        (title, metadata)
    }

    #[test]
    fn yaml() {
        let (title, metadata) = read(
            "---\ntitle: \"The: Page\" # shown\ntags: [a, 'b c']\naliases:\n  - P\n  - Q\nowner:\n  - nobody\ndate: 2026-01-02\nversion: 5.1\nauthor: A. Writer\n---\nText",
        );
        assert_eq!(title.as_deref(), Some("The: Page"));
        assert_eq!(metadata.tags, ["a", "b c", "P", "Q"]);
        assert_eq!(metadata.date.as_deref(), Some("2026-01-02"));
        assert_eq!(metadata.version.as_deref(), Some("5.1"));
        assert_eq!(metadata.author.as_deref(), Some("A. Writer"));
    }

    #[test]
    fn toml() {
        let (title, metadata) = read("+++\ntitle = '关于'\ntags = [\"x\"]\n+++\n");
        assert_eq!(title.as_deref(), Some("关于"));
        assert_eq!(metadata.tags, ["x"]);
    }

    #[test]
    fn rules_are_not_front_matter() {
        for text in [
            "---\n\nProse.\n\n---\n",
            "---\nProse without a key\n---\n",
            "---\ntitle: open\n",
            "text\n---\na: b\n---\n",
        ] {
            assert!(FrontMatter::of(text).is_none(), "{text:?}");
        }
    }
}
