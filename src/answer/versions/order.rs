//! Which edition's passages are read, and which stand first.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};

use attest_ingest::{Span, sentences};

use super::{Editions, split};
use crate::answer::rerank::{DEPTH as RERANK_DEPTH, Hit, Reranked};
use crate::answer::statements::content;
use crate::index::{Passage, analyse};

/// The least share of the terms of the smaller passage that two passages of
/// one matter have in common.
const SAME_MATTER: f32 = 0.5;

/// The same for passages under the same heading.
const UNDER_ONE_HEADING: f32 = 0.3;

/// Puts passages of newer editions before those of older ones that speak of the
/// same matter, unless `question` names an edition; the rest keeps its order.
/// Each says which edition it is from.
#[must_use]
pub fn newest_first(reranked: Reranked, editions: &Editions, question: &str) -> Reranked {
    let mut hits = reranked.hits;
    for hit in &mut hits {
        hit.edition = editions.distinguished(&hit.passage);
    }
    if hits.iter().all(|hit| hit.edition.is_none() && !editions.has_others(&hit.passage)) {
        return Reranked { hits };
    }
    let looked_at = hits.len().min(RERANK_DEPTH);
    if !editions.named_in(question).is_empty() {
        // The search finds what it is called by, and the model is told which is which.
        return Reranked { hits };
    }
    let mut matters: Vec<Matter> = hits[..looked_at].iter().map(|hit| Matter::new(&hit.passage)).collect();
    let mut at = 0;
    while at < looked_at {
        let mut best = at;
        for below in at + 1..looked_at {
            let order = editions.compare(&hits[below].passage, &hits[best].passage);
            if order == Some(Ordering::Greater) && matters[below].is_that_of(&matters[at]) {
                best = below;
            }
        }
        if best > at {
            let mut hit = hits.remove(best);
            hit.score = hits[at].score;
            hit.outranks = Some(hits[at].passage.document.clone());
            hits.insert(at, hit);
            let matter = matters.remove(best);
            matters.insert(at, matter);
        }
        at += 1;
    }
    Reranked { hits }
}

/// The passages without those of editions that give way to another one whose
/// passage with the same words stands before them; without those of all other editions
/// than the one that `question` names, and all of them when it asks about more than one. What `question` asks for in words that
/// only the older edition has is still read there.
#[must_use]
pub fn without_superseded(reranked: Reranked, editions: &Editions, question: &str) -> Reranked {
    let lower = question.to_lowercase();
    let named = editions.named_in(question);
    if !named.is_empty() && !CONTRASTS.iter().any(|word| lower.contains(word)) {
        let mut hits = reranked.hits;
        hits.retain(|hit| !editions.gives_way_to(&hit.passage, &named));
        return Reranked { hits };
    }
    if !named.is_empty() || CONTRASTS.iter().chain(&RECALLS).any(|word| lower.contains(word)) {
        return reranked;
    }
    let asked = content(question, &[]);
    let said_by_newer = |older: &Passage| -> BTreeSet<String> {
        let newer = reranked.hits.iter().filter(|hit| editions.compare(&hit.passage, older) == Some(Ordering::Greater));
        newer.flat_map(|hit| content(&hit.passage.text, &[])).collect()
    };
    let mut hits: Vec<Hit> = Vec::with_capacity(reranked.hits.len());
    for hit in &reranked.hits {
        let superseded = hits.iter().any(|above| {
            editions.compare(&above.passage, &hit.passage) == Some(Ordering::Greater)
                && Matter::new(&hit.passage).is_repeated_by(&Matter::new(&above.passage))
        });
        if !superseded {
            hits.push(hit.clone());
            continue;
        }
        let newer = said_by_newer(&hit.passage);
        let only_here: BTreeSet<String> = asked.difference(&newer).cloned().collect();
        let from = hit.passage.span.start;
        let (kept, left): (Vec<Span>, Vec<Span>) = sentences(&hit.passage.text)
            .into_iter()
            .partition(|span| !content(&hit.passage.text[span.start..span.end], &[]).is_disjoint(&only_here));
        if !kept.is_empty() {
            let mut hit = hit.clone();
            hit.unread.extend(left.into_iter().map(|span| Span::new(from + span.start, from + span.end)));
            hits.push(hit);
        }
    }
    Reranked { hits }
}

/// Words of questions about what has changed, or what is so in more than one edition.
const CONTRASTS: [&str; 15] = [
    "between", "differ", "compar", "chang", "both", "editions", "versions", "used to", "dearer", "cheaper", "than in",
    "区别", "不同", "变", "改",
];

/// Words of questions about how it was.
const RECALLS: [&str; 12] =
    ["older", "old ", "previous", "former", "earlier", "before", "was ", "were ", "旧", "以前", "之前", "原来"];

/// Whether two passages speak of the same matter.
#[must_use]
pub fn same_matter(a: &Passage, b: &Passage) -> bool {
    Matter::new(a).is_that_of(&Matter::new(b))
}

/// What a passage speaks of.
struct Matter {
    /// The heading above it, without numbers; "3 Hours" and "4 Hours" are the same section of two editions.
    heading: Option<String>,
    words: HashSet<String>,
}

/// A passage of fewer words than this speaks of nothing that can be compared.
const FEWEST_WORDS: usize = 8;

impl Matter {
    fn new(passage: &Passage) -> Self {
        let last = passage.headings.iter().rfind(|heading| **heading != passage.title);
        let bare = last
            .map(|heading| split(heading).0.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').to_owned());
        Self { heading: bare.filter(|heading| !heading.is_empty()), words: words(&passage.text) }
    }

    /// Whether they share enough of the smaller one's words, fewer under the same heading.
    fn is_that_of(&self, other: &Self) -> bool {
        let both = self.words.intersection(&other.words).count() as f32;
        let share = both / self.words.len().min(other.words.len()).max(FEWEST_WORDS) as f32;
        let same_heading = self.heading.is_some() && self.heading == other.heading;
        share >= if same_heading { UNDER_ONE_HEADING } else { SAME_MATTER }
    }

    /// Whether enough of its own words stand in the other one.
    fn is_repeated_by(&self, other: &Self) -> bool {
        let both = self.words.intersection(&other.words).count() as f32;
        both / self.words.len().max(FEWEST_WORDS) as f32 >= SAME_MATTER
    }
}

/// The terms of `text` that are not mere numbers.
fn words(text: &str) -> HashSet<String> {
    let terms = analyse(text).into_iter().map(|term| term.text);
    terms.filter(|term| !term.chars().all(|c| c.is_ascii_digit() || c == '.')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;

    const SAME: &str = "A first response of our support team comes within some business hours.";

    /// A passage of the document at `path`.
    fn edition(id: u64, path: &str, text: &str) -> Hit {
        let mut hit = excerpt(id, "Policy", text).hit;
        hit.passage.document = path.into();
        hit.passage.document_id = path.into();
        hit
    }

    fn ordered(question: &str, found: &[(&str, &str)]) -> Vec<String> {
        let hits = (1..).zip(found).map(|(id, (path, text))| {
            let mut hit = edition(id, path, text);
            hit.score = 1.0 / id as f32;
            hit
        });
        let hits: Vec<Hit> = hits.collect();
        let editions = Editions::of(&hits, &|_| String::new());
        let ordered = newest_first(Reranked { hits }, &editions, question);
        assert!(ordered.hits.is_sorted_by(|a, b| a.score >= b.score));
        for hit in
            ordered.hits.iter().filter(|_| editions.0.len() == 4 && question == "How fast is the first response?")
        {
            let version = hit.passage.document.strip_prefix("policy-").and_then(|rest| rest.strip_suffix(".md"));
            assert_eq!(hit.edition, version.map(|version| format!("Policy ({version})")));
        }
        ordered.hits.into_iter().map(|hit| hit.passage.document).collect()
    }

    #[test]
    fn the_newer_edition_stands_first_unless_the_older_one_is_named() {
        let found = [
            ("policy-2025.md", "Plus customers get a first response within 8 hours."),
            ("faq.md", "We like customers."),
            ("policy-2026.md", "Plus customers get a first response within 4 hours."),
            ("policy-2024.md", "Plus customers get a first response within 9 hours."),
        ];
        assert_eq!(
            ordered("How fast is the first response?", &found),
            ["policy-2026.md", "policy-2025.md", "faq.md", "policy-2024.md"]
        );
        assert_eq!(
            ordered("Under the 2024 rules, how fast was the first response?", &found),
            ["policy-2025.md", "faq.md", "policy-2026.md", "policy-2024.md"]
        );
        let hits = |question: &str| {
            let hits: Vec<Hit> =
                (1..).zip(["policy-2026.md", "policy-2025.md"]).map(|(id, path)| edition(id, path, SAME)).collect();
            let editions = Editions::of(&hits, &|_| String::new());
            let left = without_superseded(Reranked { hits }, &editions, question).hits;
            left.into_iter().map(|hit| hit.passage.document).collect::<Vec<_>>()
        };
        assert_eq!(hits("How fast?"), ["policy-2026.md"]);
        assert_eq!(hits("Under the 2025 rules, how fast was it?"), ["policy-2025.md"]);
        assert_eq!(hits("What has changed between the two?").len(), 2);
        assert_eq!(hits("What has changed since the 2025 rules?").len(), 2);
        let other = [("policy-2025.md", "Training takes a day."), ("policy-2026.md", "Loan units are free.")];
        assert_eq!(ordered("How long is the training?", &other), ["policy-2025.md", "policy-2026.md"]);
    }

    #[test]
    fn what_only_the_older_edition_says_is_still_read() {
        let left = |question: &str| -> Vec<Vec<String>> {
            let texts = [
                ("policy-2026.md", SAME.to_owned()),
                ("policy-2025.md", format!("{SAME} Gift cards can be returned.")),
            ];
            let hits: Vec<Hit> = (1..).zip(texts).map(|(id, (path, text))| edition(id, path, &text)).collect();
            let editions = Editions::of(&hits, &|_| String::new());
            let left = without_superseded(Reranked { hits }, &editions, question).hits;
            let read = |hit: Hit| {
                let from = hit.passage.span.start;
                let shown = |span: &Span| !hit.unread.contains(&Span::new(from + span.start, from + span.end));
                let all = sentences(&hit.passage.text).into_iter().filter(shown);
                all.map(|span| hit.passage.text[span.start..span.end].trim().to_owned()).collect()
            };
            left.into_iter().map(read).collect()
        };
        assert_eq!(left("How fast is the first response?"), [[SAME]]);
        assert_eq!(left("Can gift cards be returned?"), [[SAME], ["Gift cards can be returned."]]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_lost_or_made_up(names in proptest::collection::vec("policy-202[0-6]|a|b", 0..8), question in ".{0,20}|202[0-6]") {
            let found: Vec<(String, &str)> = names.iter().map(|name| (format!("{name}.md"), "same words here")).collect();
            let found: Vec<(&str, &str)> = found.iter().map(|(name, text)| (name.as_str(), *text)).collect();
            let mut after = ordered(&question, &found);
            let mut before: Vec<String> = found.iter().map(|(name, _)| (*name).to_owned()).collect();
            after.sort();
            before.sort();
            proptest::prop_assert_eq!(after, before);
        }
    }
}
