//! Which version of a document a passage comes from, and that newer ones stand first.
//!
//! A version is told by the name of the file, of its folder or by the title
//! (`policy-2025.pdf`, `v2/policy.md`, 员工手册第二版), or by the date that the
//! document states of itself at its top. Documents of one collection whose names
//! are the same without it are editions of one document. Where two of their
//! passages speak of the same matter, the newer one stands before the older
//! one, unless the question names an edition.

mod order;
mod scan;

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

pub use order::{newest_first, same_matter, without_superseded};
pub use scan::Date;
use scan::{Found, Within, versions};
pub(super) use scan::{Piece, Token, date_at, tokens};

use crate::answer::rerank::Hit;
use crate::index::Passage;

/// How many bytes from the top of a document tell of which date it is.
pub const HEAD: usize = 900;

/// What tells a document from others of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edition {
    /// Names without versions: of the file, with the title where only a folder or
    /// the top of the text tells the version, and of the title.
    family: Vec<String>,
    /// Name of the collection.
    collection: String,
    /// The version that the name or the title states.
    named: Option<Version>,
    /// The date that the document states of itself.
    stated: Option<Date>,
    /// The title, and the version for people where the title lacks it.
    label: String,
}

/// A version as a name states it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Version {
    date: Option<Date>,
    number: Option<Vec<u32>>,
}

impl Edition {
    /// The edition of a document, told by a passage of it and the beginning of its text (`head`).
    #[must_use]
    pub fn of(passage: &Passage, head: &str) -> Self {
        let mut folders = passage.document.rsplit(['/', '\\']);
        let file = folders.next().unwrap_or_default();
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let (stem_family, stem_version) = split(stem);
        let (title_family, title_version) = split(&passage.title);
        let folder_version =
            folders.next().map(split).filter(|(rest, _)| rest.is_empty()).and_then(|(_, version)| version);
        let together = format!("{stem_family} {title_family}");
        let mut family = Vec::new();
        if stem_version.is_some() && tells(&stem_family) {
            family.push(stem_family);
        }
        if title_version.is_some() && tells(&title_family) {
            family.push(format!("title {title_family}"));
        }
        family.push(together);
        let stated = stated_date(head);
        let named = [stem_version, title_version.clone(), folder_version].into_iter().flatten().next();
        let shown = match (&title_version, &named, stated) {
            (Some(_), ..) => None,
            (None, Some(version), _) => Some(version.to_string()),
            (None, None, stated) => stated.map(|date| date.to_string()),
        };
        let label = shown.map_or_else(|| passage.title.clone(), |version| format!("{} ({version})", passage.title));
        Self { family, collection: passage.collection.clone(), named, stated, label }
    }

    /// Title and version, for people.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Title and whatever is known of the version or the date.
    #[must_use]
    pub fn dated_label(&self) -> String {
        match (&self.named, self.stated) {
            (Some(_), Some(date)) if !self.label.contains(&date.year.to_string()) => format!("{} ({date})", self.label),
            _ => self.label.clone(),
        }
    }

    /// Whether both may be editions of one document.
    fn is_related(&self, other: &Self) -> bool {
        let common = |name: &String| other.family.contains(name) && !is_series(name);
        self.collection == other.collection && self.family.iter().any(common)
    }

    /// How this edition and another one of the same document follow each other
    /// in time; none when they are not of one document, or it cannot be told.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if !self.is_related(other) {
            return None;
        }
        let date = |edition: &Self| edition.named.as_ref().and_then(|v| v.date);
        let number = |edition: &Self| edition.named.as_ref().and_then(|v| v.number.clone());
        let later = |a: Date, b: Date| a.follows(b);
        if let (Some(a), Some(b)) = (date(self), date(other))
            && a != b
        {
            return later(a, b);
        }
        if let (Some(a), Some(b)) = (number(self), number(other))
            && a != b
        {
            return Some(a.cmp(&b));
        }
        // Where names do not tell, what the documents say of themselves does.
        later(date(self).or(self.stated)?, date(other).or(other.stated)?)
    }

    /// From when it is, by its name or by what it says of itself.
    fn date(&self) -> Option<Date> {
        self.named.as_ref().and_then(|version| version.date).or(self.stated)
    }

    /// Whether `question` names this edition.
    #[must_use]
    pub fn is_named_in(&self, question: &str) -> bool {
        versions(question, Within::Question).into_iter().any(|(_, found)| match found {
            Found::Date(asked) => self.date().is_some_and(|own| own == asked || own.follows(asked).is_none()),
            Found::Number(asked) => self.named.as_ref().and_then(|v| v.number.as_ref()) == Some(&asked),
        })
    }
}

impl Date {
    /// How two dates follow each other; none when one is a part of the other, as June is of the year.
    fn follows(self, other: Self) -> Option<Ordering> {
        let parts = |d: Self| [Some(d.year), d.month.map(u16::from), d.day.map(u16::from)];
        for (a, b) in parts(self).into_iter().zip(parts(other)) {
            match (a, b) {
                (Some(a), Some(b)) if a != b => return Some(a.cmp(&b)),
                (Some(_), Some(_)) => {}
                _ => return None,
            }
        }
        None
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = self.number.as_ref().map(|parts| parts.iter().map(u32::to_string).collect::<Vec<_>>().join("."));
        match (self.date, number) {
            (Some(date), Some(number)) => write!(f, "{date}, v{number}"),
            (Some(date), None) => write!(f, "{date}"),
            (None, number) => write!(f, "v{}", number.unwrap_or_default()),
        }
    }
}

/// A name without its version, in lower case, and the version.
fn split(name: &str) -> (String, Option<Version>) {
    let mut version = Version::default();
    let mut rest = String::new();
    let mut end = 0;
    for (range, found) in versions(name, Within::Name) {
        rest.push_str(&name[end..range.start]);
        rest.push(' ');
        end = range.end;
        match found {
            Found::Date(date) => version.date = version.date.or(Some(date)),
            Found::Number(number) => version.number = version.number.or(Some(number)),
        }
    }
    rest.push_str(&name[end..]);
    let words = tokens(&rest).into_iter().filter_map(|token| match token.piece {
        Piece::Digits(value) => Some(value.to_string()),
        Piece::Word(word) => Some(word),
        Piece::Han(c) => Some(c.to_string()),
        Piece::Space | Piece::Mark(_) => None,
    });
    let known = version != Version::default();
    (words.collect::<Vec<_>>().join(" "), known.then_some(version))
}

/// Whether a name without its version still tells one document from others.
fn tells(family: &str) -> bool {
    const GENERIC: [&str; 8] = ["index", "readme", "document", "untitled", "main", "draft", "final", "page"];
    family.chars().filter(|c| c.is_alphanumeric()).count() >= 2 && !GENERIC.contains(&family)
}

/// Whether documents of this name come one after the other and stay true, as
/// the minutes of March do when those of June are there.
fn is_series(family: &str) -> bool {
    const SERIES: [&str; 24] = [
        "minutes",
        "report",
        "reports",
        "newsletter",
        "invoice",
        "receipt",
        "diary",
        "journal",
        "log",
        "notes",
        "meeting",
        "weekly",
        "monthly",
        "daily",
        "statement",
        "纪 要",
        "周 报",
        "月 报",
        "日 报",
        "年 报",
        "发 票",
        "账 单",
        "日 志",
        "简 报",
    ];
    let spaced = format!(" {family} ");
    SERIES.iter().any(|word| spaced.contains(&format!(" {word} ")))
}

/// Words in front of the date of a document.
const CUES: [&str; 25] = [
    "effective",
    "updated",
    "revised",
    "revision",
    "version",
    "date",
    "edition",
    "published",
    "modified",
    "valid from",
    "as of",
    "issued",
    "reviewed",
    "lastmod",
    "生效",
    "更新",
    "修订",
    "发布",
    "版本",
    "版",
    "日期",
    "实施",
    "施行",
    "印发",
    "制定",
];

/// Words in front of the dates of other documents.
const OTHERS: [&str; 11] =
    ["replace", "supersede", "next", "until", "expire", "before", "代替", "取代", "替代", "废止", "下次"];

/// The date that a document states of itself at its top.
fn stated_date(head: &str) -> Option<Date> {
    let tokens = tokens(head);
    let mut end = 0;
    let mut at = 0;
    while at < tokens.len() {
        let Some((date, length)) = date_at(&tokens, at) else {
            at += 1;
            continue;
        };
        let start = tokens[at].range.start;
        // The words since the last date or full stop belong to this one.
        let before = head[end..start].rsplit(['\n', '.', '。', ';', '；']).next().unwrap_or_default();
        let lead = before.to_lowercase();
        at += length;
        end = tokens[at - 1].range.end;
        // "Candidate" is no cue.
        let starts = |cue: &str| {
            lead.match_indices(cue).any(|(at, _)| !lead[..at].ends_with(|c: char| c.is_ascii_alphanumeric()))
        };
        if CUES.iter().any(|cue| starts(cue)) && !OTHERS.iter().any(|other| lead.contains(other)) {
            return Some(date);
        }
    }
    None
}

/// The editions of the documents that were found, by document id.
#[derive(Clone, Debug, Default)]
pub struct Editions(HashMap<String, Edition>);

impl Editions {
    /// Tells the editions of the documents of `hits`; `head` gives the
    /// beginning of a document's text, which is read only where names do not tell.
    #[must_use]
    pub fn of(hits: &[Hit], head: &dyn Fn(&str) -> String) -> Self {
        let mut all: HashMap<String, Edition> = HashMap::new();
        for Hit { passage, .. } in hits {
            all.entry(passage.document_id.clone()).or_insert_with(|| Edition::of(passage, ""));
        }
        let mut unclear: HashSet<String> = all
            .iter()
            .filter(|(id, edition)| {
                all.iter().any(|(other_id, other)| {
                    other_id != *id && edition.is_related(other) && edition.compare(other).is_none()
                })
            })
            .map(|(id, _)| id.clone())
            .collect();
        for Hit { passage, .. } in hits {
            let id = &passage.document_id;
            if unclear.remove(id) {
                all.insert(id.clone(), Edition::of(passage, &head(id)));
            }
        }
        Self(all)
    }

    /// The edition of this document.
    #[must_use]
    pub fn get(&self, document_id: &str) -> Option<&Edition> {
        self.0.get(document_id)
    }

    /// Title and version of a passage's document, where other editions of it were
    /// found and the title does not tell.
    fn distinguished(&self, passage: &Passage) -> Option<String> {
        let own = self.get(&passage.document_id)?;
        (self.has_others(passage) && own.label != passage.title).then(|| own.label.clone())
    }

    /// Whether other editions of the passage's document were found.
    fn has_others(&self, passage: &Passage) -> bool {
        let own = self.get(&passage.document_id);
        let is_other = |(id, other): (&String, &Edition)| {
            *id != passage.document_id && own.is_some_and(|own| own.compare(other).is_some())
        };
        self.0.iter().any(is_other)
    }

    /// How the documents of two passages follow each other; none when they are no editions of one.
    #[must_use]
    pub fn compare(&self, a: &Passage, b: &Passage) -> Option<Ordering> {
        if a.document_id == b.document_id {
            return None;
        }
        self.get(&a.document_id)?.compare(self.get(&b.document_id)?)
    }

    /// Ids of the documents whose edition `question` names, or whose was in force on a date that it names.
    #[must_use]
    pub fn named_in(&self, question: &str) -> HashSet<&str> {
        let named = self.0.iter().filter(|(_, edition)| edition.is_named_in(question));
        let named: HashSet<&str> = named.map(|(id, _)| id.as_str()).collect();
        if named.is_empty() { self.in_force(question) } else { named }
    }

    /// The editions that were the newest on a date that `question` names, and are not any more.
    fn in_force(&self, question: &str) -> HashSet<&str> {
        let asked = versions(question, Within::Question).into_iter().filter_map(|(_, found)| match found {
            Found::Date(date) => Some(date),
            Found::Number(_) => None,
        });
        let before =
            |edition: &Edition, date: Date| edition.date().and_then(|own| own.follows(date)) == Some(Ordering::Less);
        let after =
            |edition: &Edition, date: Date| edition.date().and_then(|own| own.follows(date)) == Some(Ordering::Greater);
        asked
            .flat_map(|date| {
                self.0.iter().filter(move |(_, edition)| {
                    let others = || self.0.values().filter(|other| other.is_related(edition));
                    before(edition, date)
                        && others().any(|other| after(other, date))
                        && !others()
                            .any(|other| before(other, date) && other.compare(edition) == Some(Ordering::Greater))
                })
            })
            .map(|(id, _)| id.as_str())
            .collect()
    }

    /// Whether a passage is of another edition of a document of which one is `named`.
    fn gives_way_to(&self, passage: &Passage, named: &HashSet<&str>) -> bool {
        let id = passage.document_id.as_str();
        let related = |other: &&str| match (self.0.get(id), self.0.get(*other)) {
            (Some(own), Some(other)) => own.compare(other).is_some_and(|order| order != Ordering::Equal),
            _ => false,
        };
        !named.contains(id) && named.iter().any(related)
    }

    /// Which of two editions a question is about that names those in `named`:
    /// the one it names, else the newer one.
    #[must_use]
    pub fn prefer(&self, a: &Passage, b: &Passage, named: &HashSet<&str>) -> Option<Ordering> {
        let order = self.compare(a, b)?;
        let is_named = |passage: &Passage| named.contains(passage.document_id.as_str());
        match (is_named(a), is_named(b)) {
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            _ => Some(order),
        }
    }
}

/// Whether `text` names a version, as entries of release notes do.
#[must_use]
pub fn names_a_version(text: &str) -> bool {
    !versions(text, Within::Question).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;

    fn passage(path: &str, title: &str, text: &str) -> Passage {
        let mut passage = excerpt(1, title, text).hit.passage;
        passage.document = path.into();
        passage.document_id = path.into();
        passage
    }

    fn order(a: (&str, &str, &str), b: (&str, &str, &str)) -> Option<Ordering> {
        let edition = |(path, title, head): (&str, &str, &str)| Edition::of(&passage(path, title, ""), head);
        edition(a).compare(&edition(b))
    }

    #[test]
    fn the_edition_in_force_on_a_date_is_the_one_that_is_asked_for() {
        let hits = ["rules-2022.md", "rules-2024.md", "rules-2026.md"];
        let hits: Vec<Hit> = hits
            .iter()
            .map(|path| Hit { passage: passage(path, "Rules", "A ticket costs 60 euros."), ..excerpt(1, "", "x").hit })
            .collect();
        let editions = Editions::of(&hits, &|_| String::new());
        let named = |question: &str| {
            let mut named: Vec<&str> = editions.named_in(question).into_iter().collect();
            named.sort_unstable();
            named.join(" ")
        };
        assert_eq!(named("I was caught in October 2025. What did it cost?"), "rules-2024.md");
        assert_eq!(named("2025年10月要付多少钱？"), "rules-2024.md");
        assert_eq!(named("And in March 2023?"), "rules-2022.md");
        assert_eq!(named("And in May 2024?"), "rules-2024.md");
        assert_eq!(named("And in October 2021?"), "");
        assert_eq!(named("And in May 2027?"), "");
        assert_eq!(named("What does it cost?"), "");
    }

    #[test]
    fn editions_of_one_document_follow_each_other() {
        use Ordering::{Greater, Less};
        for (a, b, expected) in [
            (("d/policy-2026.pdf", "Policy", ""), ("d/policy-2025.pdf", "Policy", ""), Some(Greater)),
            (("a.pdf", "Support Policy 2025", ""), ("b.pdf", "Support Policy 2026", ""), Some(Less)),
            (("v1.10/api.md", "API", ""), ("v1.9/api.md", "API", ""), Some(Greater)),
            (("2024/leave.md", "Leave", ""), ("2026/leave.md", "Leave", ""), Some(Less)),
            (("zh/员工手册2025版.md", "员工手册", ""), ("zh/员工手册2026版.md", "员工手册", ""), Some(Less)),
            (("手册第2版.pdf", "手册", ""), ("手册第三版.pdf", "手册", ""), Some(Less)),
            (
                ("a/terms.md", "Terms", "Effective 1 May 2024"),
                ("b/terms.md", "Terms", "Updated 2025-02-01"),
                Some(Less),
            ),
            // The name of one tells, the text of the other.
            (("terms-2024.md", "Terms", ""), ("terms.md", "Terms", "date: 2025-02-01"), Some(Less)),
            // Others are no editions of one document.
            (("policy-2026.pdf", "Policy", ""), ("manual-2025.pdf", "Manual", ""), None),
            (("k2-manual.pdf", "K2 manual", ""), ("k20-manual.pdf", "K20 manual", ""), None),
            (("ch01/readme.md", "Intro", "date: 2024-01-01"), ("ch02/readme.md", "Types", "date: 2025-01-01"), None),
            (("a/terms.md", "Terms", ""), ("b/terms.md", "Terms", ""), None),
            (("policy-2026.pdf", "P", ""), ("policy-2026-05.pdf", "P", ""), None),
            (("minutes-2025-03-01.md", "Minutes", ""), ("minutes-2025-06-01.md", "Minutes", ""), None),
            (("周报2025-03.md", "周报", ""), ("周报2025-04.md", "周报", ""), None),
        ] {
            assert_eq!(order(a, b), expected, "{a:?} {b:?}");
            assert_eq!(order(b, a), expected.map(Ordering::reverse), "{b:?} {a:?}");
        }
    }

    #[test]
    fn documents_state_their_date() {
        for (head, expected) in [
            ("SP-2025. Effective 1 January 2025 to 31 December 2025. Replaces SP-2023.", Some("2025-01-01")),
            ("Document QM-201, edition 4, 15 June 2026\nReplaces edition 3 of 10 March 2025", Some("2026-06-15")),
            ("文件编号 QM-110C，第 3 版，2026 年 9 月 10 日", Some("2026-09-10")),
            ("---\ntitle: Returns\nversion: \"2026-01\"\n---", Some("2026-01")),
            ("---\ntitle: 保修\n生效日期: 2026-01-01\n---", Some("2026-01-01")),
            ("---\nnext_review: 2027-06-01\nreviewed: 2026-06-01\n---", Some("2026-06-01")),
            ("Replaces edition 3 of 10 March 2025", None),
            ("The hub was sold in 2024. It weighs 5 kg.", None),
            ("We interviewed candidates in 2019", None),
            ("", None),
        ] {
            assert_eq!(stated_date(head).map(|date| date.to_string()).as_deref(), expected, "{head}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_read(path in ".{0,40}", title in ".{0,30}", head in ".{0,80}") {
            let edition = Edition::of(&passage(&path, &title, ""), &head);
            proptest::prop_assert_eq!(edition.compare(&edition), None);
        }
    }
}
