//! What the rules find before entities are merged.

/// What kind of thing an entity is, by the rule that found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum EntityKind {
    /// The document's title or file name.
    Title,
    /// The heading of a section.
    Heading,
    /// The target of a link to another document.
    Link,
    /// A product number, error code, setting, path or version.
    Identifier,
    /// A name: capitalised words, or a proper noun of the Chinese dictionary.
    Name,
    /// An abbreviation in capitals.
    Acronym,
    /// What stands in quotation marks or title brackets.
    Quoted,
    /// A quantity that names a thing (`12 V adapter`).
    Quantity,
    /// A noun phrase.
    Term,
}

impl EntityKind {
    /// How much one mention of this kind counts. Titles and headings say what a
    /// passage is about; names and identifiers are rarely there by accident.
    pub(super) const fn weight(self) -> u32 {
        match self {
            Self::Title => 6,
            Self::Heading => 3,
            Self::Link | Self::Identifier | Self::Name | Self::Acronym | Self::Quoted => 2,
            Self::Quantity | Self::Term => 1,
        }
    }
}

/// A thing that a rule found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// As it is written.
    pub label: String,
    /// The rule.
    pub kind: EntityKind,
}

impl Found {
    pub(super) fn new(label: &str, kind: EntityKind) -> Self {
        Self { label: label.to_owned(), kind }
    }
}
