//! The words of a chunk as the indexes see them.

/// What is indexed of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassageText {
    /// Title of the document.
    pub title: String,
    /// Headings above the chunk, outermost first.
    pub headings: Vec<String>,
    /// A table's header row, in front of a part of the table.
    pub context: String,
    /// The text without markup.
    pub plain: String,
}

impl PassageText {
    /// The text that is embedded: where the passage stands, then what it says.
    #[must_use]
    pub fn to_embed(&self) -> String {
        let mut lines: Vec<&str> = Vec::new();
        let place = self.place();
        if !place.is_empty() {
            lines.push(&place);
        }
        lines.extend([self.context.trim(), self.plain.trim()].into_iter().filter(|part| !part.is_empty()));
        lines.join("\n")
    }

    /// Where the passage itself begins in [`PassageText::to_embed`].
    #[must_use]
    pub fn body(&self) -> usize {
        self.to_embed().len() - self.plain.trim().len()
    }

    /// Title and headings, each once: a title is often the first heading too.
    fn place(&self) -> String {
        let mut parts: Vec<&str> = Vec::new();
        for part in std::iter::once(&self.title).chain(&self.headings) {
            let part = part.trim();
            if !part.is_empty() && !parts.contains(&part) {
                parts.push(part);
            }
        }
        parts.join(" > ")
    }

    /// Headings and table header as one field of the word index.
    pub(super) fn headings_field(&self) -> String {
        let mut lines: Vec<&str> = self.headings.iter().map(String::as_str).collect();
        lines.push(&self.context);
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_comes_first_and_repeats_nothing() {
        let mut text = PassageText {
            title: "Gateway".into(),
            headings: vec!["Gateway".into(), "Limits".into()],
            context: "| Name | Value |".into(),
            plain: "max_conn 20\n".into(),
        };
        assert_eq!(text.to_embed(), "Gateway > Limits\n| Name | Value |\nmax_conn 20");
        assert_eq!(&text.to_embed()[text.body()..], "max_conn 20");
        text = PassageText { title: String::new(), headings: vec![], context: String::new(), ..text };
        assert_eq!(text.to_embed(), "max_conn 20");
    }
}
