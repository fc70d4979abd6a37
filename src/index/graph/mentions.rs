//! The entities that the passages of a document mention.
//!
//! Everything is decided within the document, so that what a document adds to
//! the graph does not depend on what else is there:
//!
//! - spellings with the same [key](super::key) are one entity;
//! - an acronym that the document defines is one entity with its expansion,
//!   and is mentioned under its own key too, for those who know only that;
//! - a single name that is part of exactly one longer name of the document
//!   (`Nolan`, `Christopher Nolan`) stands for the longer one.

use std::collections::{BTreeMap, HashMap, HashSet};

use attest_ingest::{Chunk, Document};

use super::kind::{EntityKind, Found};
use super::{acronyms, chinese, english, key, marked, words};
use crate::index::analyse::han::JIEBA;

/// An entity that a passage mentions; one per passage and entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Position of the passage in the document ([`Chunk::ordinal`]).
    pub ordinal: u32,
    /// The entity's normal form: the same key is the same entity.
    pub key: String,
    /// The entity as it is written here.
    pub label: String,
    /// How much the passage is about it.
    pub weight: u8,
}

/// What the weight of one entity in one passage is cut at; beyond, repetition
/// says no more.
const MAX_WEIGHT: u32 = 12;

/// The mentions of `document`, which was cut into `chunks`: one per passage and
/// entity, in a fixed order. What the document is called is no part of them,
/// since files with the same content share its passages; see `names`.
#[must_use]
pub fn mentions(document: &Document, chunks: &[Chunk]) -> Vec<Mention> {
    let words: Vec<Vec<words::Word<'_>>> = chunks.iter().map(|chunk| words::words(&chunk.plain)).collect();
    let mut spellings = english::Spellings::default();
    for words in &words {
        spellings.add(words);
    }
    let mut passages: Vec<Vec<Keyed>> = Vec::with_capacity(chunks.len());
    let mut defined: HashMap<String, (String, String)> = HashMap::new();
    for (chunk, words) in chunks.iter().zip(&words) {
        let mut found = Vec::new();
        if chunk.ordinal == 0 {
            // Those that stand in the text are found again where they stand.
            document.metadata.links.iter().for_each(|target| marked::link(target, &mut found));
        }
        if let Some(heading) = chunk.headings.last() {
            found.push(Found::new(heading, EntityKind::Heading));
        }
        english::find(&chunk.plain, words, &spellings, &mut found);
        if chunk.plain.contains(key::is_han) {
            chinese::find(&JIEBA, &chunk.plain, &mut found);
        }
        let source = document.slice(chunk.span);
        marked::quoted(source, &mut found);
        marked::links(source, &mut found);
        for definition in acronyms::definitions(&chunk.plain) {
            let keys = (key::key_of(&definition.short), key::key_of(&definition.long));
            if let (Some(short), Some(long)) = keys {
                defined.entry(short).or_insert((long, definition.long));
            }
        }
        passages.push(found.into_iter().filter_map(Keyed::new).collect());
    }
    let whole_names = whole_names(&passages);
    let mut mentions = Vec::new();
    for (chunk, passage) in chunks.iter().zip(passages) {
        let mut entities: BTreeMap<String, Entity> = BTreeMap::new();
        for keyed in passage {
            if let Some((key, label)) = defined.get(&keyed.key) {
                let long = Keyed { key: key.clone(), label: label.clone(), kind: EntityKind::Name };
                Entity::count(&mut entities, long);
            }
            let keyed = match whole_names.get(&keyed.key).filter(|_| keyed.kind == EntityKind::Name) {
                Some(Some((key, label))) => Keyed { key: key.clone(), label: label.clone(), ..keyed },
                _ => keyed,
            };
            Entity::count(&mut entities, keyed);
        }
        mentions.extend(entities.into_iter().map(|(key, entity)| Mention {
            ordinal: chunk.ordinal,
            key,
            label: entity.label,
            weight: entity.weight.min(MAX_WEIGHT) as u8,
        }));
    }
    mentions
}

/// Something found, with its key.
struct Keyed {
    key: String,
    label: String,
    kind: EntityKind,
}

impl Keyed {
    fn new(found: Found) -> Option<Self> {
        let key = key::key_of(&found.label)?;
        let chars = key.chars().count();
        // One character says nothing, and bare numbers link what has nothing in common.
        let names =
            chars > 1 && key.chars().any(char::is_alphabetic) || found.kind == EntityKind::Identifier && chars > 2;
        names.then_some(Self { key, label: found.label, kind: found.kind })
    }
}

/// An entity in a passage.
struct Entity {
    label: String,
    kind: EntityKind,
    weight: u32,
}

impl Entity {
    fn count(entities: &mut BTreeMap<String, Self>, keyed: Keyed) {
        let weight = keyed.kind.weight();
        match entities.get_mut(&keyed.key) {
            Some(entity) => {
                entity.weight += weight;
                // The kind that says most, as it is written there.
                if keyed.kind < entity.kind {
                    entity.kind = keyed.kind;
                    entity.label = keyed.label;
                }
            }
            None => {
                entities.insert(keyed.key, Self { label: keyed.label, kind: keyed.kind, weight });
            }
        }
    }
}

/// What a document with this title and path is called: the title, and if it ends
/// in a remark in brackets (`Lilu (mythology)`), also without it; and the name of
/// the file. Links lead there.
pub(super) fn names(title: &str, path: &str) -> Vec<Mention> {
    let title = title.replace('_', " ");
    let bare = title.split_once(['(', '（']).map(|(bare, _)| bare.trim().to_owned());
    let mut entities = BTreeMap::new();
    for label in [Some(title), bare, Some(marked::file_name(path))].into_iter().flatten() {
        if let Some(keyed) = Keyed::new(Found { label, kind: EntityKind::Title }) {
            Entity::count(&mut entities, keyed);
        }
    }
    entities
        .into_iter()
        .map(|(key, entity)| Mention {
            ordinal: 0,
            key,
            label: entity.label,
            weight: entity.weight.min(MAX_WEIGHT) as u8,
        })
        .collect()
}

/// The longer name for each word of one; none where there are several.
fn whole_names(passages: &[Vec<Keyed>]) -> HashMap<String, Option<(String, String)>> {
    let mut whole: HashMap<String, Option<(String, String)>> = HashMap::new();
    let mut seen: HashSet<&str> = HashSet::new();
    let names = passages.iter().flatten().filter(|keyed| keyed.kind == EntityKind::Name);
    for keyed in names.filter(|keyed| keyed.key.contains(' ')) {
        if !seen.insert(&keyed.key) || keyed.key.split(' ').count() > 4 {
            continue;
        }
        for word in keyed.key.split(' ') {
            whole
                .entry(word.to_owned())
                .and_modify(|name| *name = None)
                .or_insert_with(|| Some((keyed.key.clone(), keyed.label.clone())));
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use attest_ingest::{Format, Metadata, Span};

    use super::*;

    /// A document of one paragraph a passage; the keys of each passage.
    fn keys(paragraphs: &[&str]) -> Vec<Vec<String>> {
        let mut text = String::new();
        let mut chunks = Vec::new();
        for (paragraph, ordinal) in paragraphs.iter().zip(0..) {
            let start = text.len();
            text.push_str(paragraph);
            chunks.push(Chunk {
                ordinal,
                span: Span::new(start, text.len()),
                section: Span::new(0, text.len()),
                page: None,
                lines: None,
                headings: Vec::new(),
                context: String::new(),
                plain: (*paragraph).to_owned(),
            });
        }
        let document = Document {
            format: Format::Text,
            title: "Any".to_owned(),
            text,
            pages: Vec::new(),
            blocks: Vec::new(),
            lines: Vec::new(),
            fragments: Vec::new(),
            hidden: Vec::new(),
            metadata: Metadata::default(),
        };
        let found = mentions(&document, &chunks);
        let of = |ordinal: u32| found.iter().filter(|m| m.ordinal == ordinal).map(|m| m.key.clone()).collect();
        (0..paragraphs.len() as u32).map(of).collect()
    }

    #[test]
    fn a_short_name_stands_for_the_long_one_of_the_document() {
        let keys = keys(&["It was made by Christopher Nolan in London.", "Then Nolan left for Oxford."]);
        assert_eq!(keys, [vec!["christopher nolan", "london"], vec!["christopher nolan", "oxford"]]);
    }

    #[test]
    fn an_ambiguous_short_name_stands_for_itself() {
        let keys = keys(&["He met Christopher Nolan and Jonathan Nolan.", "Then Nolan left."]);
        assert_eq!(keys[1], ["nolan"]);
    }

    #[test]
    fn a_defined_acronym_is_its_expansion_too() {
        let keys = keys(&["Ask the Field Service Desk (FSD) first.", "Only FSD may open it."]);
        assert_eq!(keys[1], ["field service desk", "fsd"]);
    }

    #[test]
    fn titles_lose_their_remark() {
        let names = |title, path| names(title, path).into_iter().map(|m| m.key).collect::<Vec<_>>();
        assert_eq!(names("Lilu (mythology)", "x/demons-of-sumer.md"), ["demons of sumer", "lilu", "lilu mythology"]);
        assert_eq!(names("1973_oil_crisis", "old/1973-oil-crisis.md"), ["1973 oil crisis"]);
    }
}
