//! From a passage that was found to the entries of the corpus it stands for.
//!
//! For a corpus of texts this is the path of the document. For a corpus of
//! files, an entry is a part of a file (the paragraph of a PDF, the quote of an
//! answer), and passages are cut elsewhere: a passage stands for every entry of
//! its file and page whose text it shares.

use std::collections::{BTreeMap, HashSet};

use crate::dataset::{Dataset, Part, Source};

/// Where a passage stands, and what it says.
#[derive(Clone, Copy, Debug)]
pub struct HitPlace<'a> {
    /// Path of its document: absolute, or as it was added.
    pub document: &'a str,
    /// Page on which it begins.
    pub page: Option<u32>,
    /// First and last line.
    pub lines: Option<(u32, u32)>,
    /// Offset in the document, which tells passages of a document apart.
    pub start: usize,
    /// Its text.
    pub text: &'a str,
}

/// Finds the entries of one data set.
pub struct Locator {
    /// Entries by file; for a corpus of texts, nothing.
    files: BTreeMap<String, Vec<Candidate>>,
    source: Source,
}

struct Candidate {
    id: String,
    part: Part,
    shingles: HashSet<u64>,
}

/// Letters and digits in a row that count as the same text.
const SHINGLE: usize = 6;

/// The share of the shorter text that must be in the longer one. Passages are
/// cut elsewhere than entries, so an entry may be spread over several passages
/// and each of them holds only a part.
const MIN_SHARED: f64 = 0.3;

impl Locator {
    /// Prepares the entries of `dataset`.
    #[must_use]
    pub fn new(dataset: &Dataset) -> Self {
        let mut files: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
        for entry in &dataset.corpus {
            let Some(place) = &entry.place else { continue };
            files.entry(place.file.clone()).or_default().push(Candidate {
                id: entry.id.clone(),
                part: place.part,
                shingles: shingles(&entry.text),
            });
        }
        Self { files, source: dataset.source.clone() }
    }

    /// The ids that `hits`, best first, stand for: each once, at its best rank.
    /// A passage that stands for no entry takes a place too, under an id that is
    /// nobody's.
    #[must_use]
    pub fn ranking<'a>(&self, hits: impl IntoIterator<Item = HitPlace<'a>>) -> Vec<String> {
        let mut seen = HashSet::new();
        hits.into_iter().flat_map(|hit| self.ids(&hit)).filter(|id| seen.insert(id.clone())).collect()
    }

    /// The ids that `hit` stands for, the one that shares most text first; never none.
    #[must_use]
    pub fn ids(&self, hit: &HitPlace<'_>) -> Vec<String> {
        if self.source == Source::Texts {
            return vec![hit.document.to_owned()];
        }
        let nobodys = || vec![format!("{}@{}", hit.document, hit.start)];
        let Some(candidates) = self.candidates(hit.document) else { return nobodys() };
        if let [only] = candidates
            && only.part == Part::Whole
        {
            return vec![only.id.clone()];
        }
        let text = shingles(hit.text);
        let mut found: Vec<(f64, &str)> = candidates
            .iter()
            .filter(|candidate| candidate.part.may_hold(hit))
            .map(|candidate| (shared(&text, &candidate.shingles), candidate.id.as_str()))
            .filter(|&(share, _)| share >= MIN_SHARED)
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        if found.is_empty() { nobodys() } else { found.into_iter().map(|(_, id)| id.to_owned()).collect() }
    }

    fn candidates(&self, document: &str) -> Option<&[Candidate]> {
        let document = document.replace('\\', "/");
        let below = match &self.source {
            Source::Files(folder) => {
                document.strip_prefix(&*folder.to_string_lossy()).map(|path| path.trim_start_matches('/'))
            }
            Source::Texts => None,
        };
        // A path that was added under another name of the folder still ends in
        // the file; of several that fit, the longest is meant.
        let ending = || {
            let ends = |file: &&String| document.strip_suffix(file.as_str()).is_some_and(|rest| rest.ends_with('/'));
            self.files.keys().filter(ends).max_by_key(|file| file.len())
        };
        let exact = |path: &str| self.files.get(path);
        let found = below.and_then(exact).or_else(|| exact(&document)).or_else(|| exact(ending()?));
        found.map(Vec::as_slice)
    }
}

impl Part {
    /// Whether the passage may lie in this part, by its place alone.
    fn may_hold(self, hit: &HitPlace<'_>) -> bool {
        match (self, hit.page, hit.lines) {
            // A passage may go on over the page on which it begins.
            (Self::Pages(first, last), Some(page), _) => first <= page + 1 && page <= last,
            (Self::Lines(first, last), _, Some((from, to))) => first <= to && from <= last,
            _ => true,
        }
    }
}

/// The share of the smaller set that is in the other one.
fn shared(a: &HashSet<u64>, b: &HashSet<u64>) -> f64 {
    let (small, large) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if small.is_empty() {
        return 0.0;
    }
    small.iter().filter(|shingle| large.contains(shingle)).count() as f64 / small.len() as f64
}

/// Hashes of all runs of [`SHINGLE`] letters and digits. Spaces, case, hyphens
/// at line ends and table rules differ between a file and what was extracted
/// from it, so only letters and digits count.
fn shingles(text: &str) -> HashSet<u64> {
    let letters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if letters.is_empty() {
        return HashSet::new();
    }
    let size = SHINGLE.min(letters.len());
    letters.windows(size).map(|run| run.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &c| fnv(hash, c))).collect()
}

/// One step of FNV-1a, over characters.
fn fnv(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Entry, Place};

    const A: &str = "The reservoir was built in 1911 and holds four million litres of drinking water.";
    const B: &str = "A second basin followed in 1954, on the other side of the valley, for the new town.";
    const C: &str = "Neither of them is open to the public.";

    fn dataset(entries: &[(&str, &str, Part)]) -> Dataset {
        let entry = |&(id, text, part): &(&str, &str, Part)| Entry {
            id: id.to_owned(),
            title: String::new(),
            text: text.to_owned(),
            place: Some(Place { file: "deep/water.pdf".to_owned(), part }),
        };
        Dataset {
            name: "test".to_owned(),
            source: Source::Files("/data/documents".into()),
            corpus: entries.iter().map(entry).collect(),
            queries: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn hit(text: &str, page: u32) -> HitPlace<'_> {
        HitPlace { document: "/data/documents/deep/water.pdf", page: Some(page), lines: None, start: 5, text }
    }

    #[test]
    fn texts_are_known_by_their_path() {
        let dataset = Dataset { source: Source::Texts, ..dataset(&[]) };
        let hit = HitPlace { document: "Alû", ..hit("x", 1) };
        assert_eq!(Locator::new(&dataset).ids(&hit), ["Alû"]);
    }

    #[test]
    fn a_whole_file_needs_no_text() {
        let locator = Locator::new(&dataset(&[("all", "", Part::Whole)]));
        assert_eq!(locator.ids(&hit("anything", 9)), ["all"]);
    }

    #[test]
    fn a_passage_stands_for_all_paragraphs_it_shares() {
        let pages = Part::Pages(2, 2);
        let locator = Locator::new(&dataset(&[("a", A, pages), ("b", B, pages), ("c", C, pages)]));
        // As extracted: hyphenated, other spaces, the end of A and all of B.
        let text = "holds four million litres of drink-\ning water. A second  basin followed in 1954, on the other side of the valley, for the new town.";
        assert_eq!(locator.ids(&hit(text, 2)), ["b", "a"]);
        assert_eq!(locator.ids(&hit(C, 2)), ["c"]);
        assert_eq!(locator.ids(&hit(C, 1)), ["c"], "it may begin on the page before");
    }

    #[test]
    fn the_place_tells_equal_texts_apart() {
        let locator = Locator::new(&dataset(&[("first", A, Part::Pages(1, 1)), ("later", A, Part::Pages(7, 8))]));
        assert_eq!(locator.ids(&hit(A, 8)), ["later"]);
        let locator = Locator::new(&dataset(&[("l3", A, Part::Lines(3, 3)), ("l9", A, Part::Lines(9, 12))]));
        let hit = HitPlace { lines: Some((10, 11)), page: None, ..hit(A, 0) };
        assert_eq!(locator.ids(&hit), ["l9"]);
    }

    #[test]
    fn what_stands_for_nothing_takes_a_place() {
        let locator = Locator::new(&dataset(&[("a", A, Part::Pages(1, 1)), ("b", B, Part::Pages(1, 1))]));
        let ranking = locator.ranking([hit("Contents", 1), hit(B, 1), hit(B, 1), hit(A, 1)]);
        assert_eq!(ranking, ["/data/documents/deep/water.pdf@5", "b", "a"]);
    }

    #[test]
    fn files_are_found_under_another_name_of_the_folder() {
        let locator = Locator::new(&dataset(&[("all", "", Part::Whole)]));
        for path in ["deep/water.pdf", "../data/documents/deep/water.pdf", r"C:\copy\deep\water.pdf"] {
            assert_eq!(locator.ids(&HitPlace { document: path, ..hit("x", 1) }), ["all"], "{path}");
        }
        assert_eq!(locator.ids(&HitPlace { document: "shallow/water.pdf", ..hit("x", 1) }), ["shallow/water.pdf@5"]);
    }

    #[test]
    fn short_quotes_and_chinese() {
        let locator = Locator::new(&dataset(&[("p", "8883", Part::Whole), ("z", "网关会自动重启", Part::Whole)]));
        assert_eq!(locator.ids(&hit("断电以后，网关会自动重启。", 1)), ["z"]);
        assert_eq!(locator.ids(&hit("断电以后不会", 1)), ["/data/documents/deep/water.pdf@5"]);
    }
}
