//! Variants of a model: the M2 is not the M2 Pro.
//!
//! Where the documents tell variants apart and the question names one, what they say of another one only is no
//! answer. A small model takes it for one all the same, and writes the name that was asked for in front of it.

use std::collections::{BTreeMap, BTreeSet};

use attest_ingest::{Span, sentences};

use crate::answer::excerpt::table_heads;
use crate::answer::rerank::Hit;
use crate::answer::rows::cells;
use crate::answer::statements::header_of;

/// What speaks of all variants by the name of one.
const ALL: [&str; 16] = [
    "series",
    "family",
    "range",
    "line",
    "generation",
    "all",
    "every",
    "each",
    "both",
    "any",
    "系列",
    "全系",
    "所有",
    "各",
    "每",
    "都",
];

/// A model with what follows its name, both in lower case: `m2` and `pro`; nothing follows the plain one.
type Variant = (String, String);

/// Marks the sentences that speak of variants of a model that the question names, and not of the one it names.
pub fn leave_other_variants_unread(question: &str, hits: &mut [Hit]) {
    let names = designations(question);
    if names.is_empty() {
        return;
    }
    let known = known_of(&names, hits);
    if known.is_empty() {
        return;
    }
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (model, variant) in variants(question, &known) {
        asked.entry(model).or_default().insert(variant);
    }
    let other = |text: &str| -> bool {
        let mut said: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (model, variant) in variants(text, &known) {
            said.entry(model).or_default().insert(variant);
        }
        let of_another =
            |(model, said): (&String, &BTreeSet<String>)| asked.get(model).is_some_and(|asked| asked.is_disjoint(said));
        !said.is_empty() && said.iter().all(of_another) && !speaks_of_all(text)
    };
    for hit in hits {
        let passage = &hit.passage;
        // A section about the one that is asked for may call it by half its name.
        let scene = passage.headings.iter().chain([&passage.title]);
        let settled =
            |text: &String| variants(text, &known).iter().any(|(m, v)| asked.get(m).is_some_and(|a| a.contains(v)));
        if scene.clone().any(|text| settled(text) && !variants(text, &known).iter().all(|(_, v)| v.is_empty())) {
            continue;
        }
        let all = sentences(&passage.text);
        let heads = table_heads(&passage.text, &all);
        let own = |index: usize| &passage.text[all[index].start..all[index].end];
        let is_head = |index: usize| heads.iter().any(|head| head.contains(&index));
        for index in 0..all.len() {
            let above = match heads[index].clone().next() {
                Some(head) => own(head),
                None if own(index).starts_with('|') => header_of(&passage.context).unwrap_or_default(),
                None => "",
            };
            if !is_head(index) && other(&format!("{above}\n{}", own(index))) {
                let from = passage.span.start;
                hit.unread.push(Span::new(from + all[index].start, from + all[index].end));
            }
        }
    }
}

/// Whether a text speaks of all variants.
fn speaks_of_all(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| ALL.contains(&word)) || ALL.iter().any(|all| !all.is_ascii() && lower.contains(all))
}

/// The models that `names` has variants of, with those that the documents tell apart: each stands by itself in a
/// cell or a heading, or beside another in one sentence.
fn known_of(names: &BTreeSet<String>, hits: &[Hit]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut add = |text: &str| {
        let text = text.trim().trim_matches(['*', '#', '`', ' ']);
        if let Some((model, rest)) = whole_name(text)
            && names.contains(&model)
        {
            found.entry(model).or_default().insert(rest);
        }
    };
    for hit in hits {
        let passage = &hit.passage;
        passage.headings.iter().for_each(|heading| add(heading));
        let head = header_of(&passage.context).unwrap_or_default();
        for row in passage.text.lines().chain([head]).filter(|line| line.trim_start().starts_with('|')) {
            for cell in cells(row) {
                cell.split([',', '，', '、', ';', '；', '/']).for_each(&mut add);
            }
        }
    }
    found.retain(|_, variants| variants.len() > 1);
    found
}

/// What a text that is nothing but the name of a model is the name of.
fn whole_name(text: &str) -> Option<Variant> {
    let mut words = text.split_whitespace();
    let model = words.next().filter(|word| designation(word))?.to_lowercase();
    let rest: Vec<String> = words.map(str::to_lowercase).collect();
    let plain = |word: &String| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '+' || c == '-');
    (rest.len() <= 2 && rest.iter().all(plain)).then(|| (model, rest.join(" ")))
}

/// Whether a word names a model: a letter first, a digit somewhere, nothing else but hyphens.
fn designation(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().any(|c| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// The words of a text that name models, in lower case, and where they end.
fn designated(text: &str) -> impl Iterator<Item = (String, usize)> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(part).map(|start| at + start) {
        let end = text[start..].find(|c| !part(c)).map_or(text.len(), |length| start + length);
        let word = text[start..end].trim_end_matches('-');
        if designation(word) {
            found.push((word.to_lowercase(), start + word.len()));
        }
        at = end;
    }
    found.into_iter()
}

fn designations(text: &str) -> BTreeSet<String> {
    designated(text).map(|(model, _)| model).collect()
}

/// The variants that a text speaks of, each model with the longest known name that follows it.
fn variants(text: &str, known: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Variant> {
    let lower = text.to_lowercase();
    let of = |(model, end): (String, usize)| {
        let known = known.get(&model)?;
        let behind = lower.get(end..).unwrap_or_default();
        let follows = |variant: &&String| {
            let name = behind.strip_prefix([' ', '-', '\n']).and_then(|behind| behind.strip_prefix(variant.as_str()));
            name.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        };
        let longest = known.iter().filter(|v| !v.is_empty()).filter(follows).max_by_key(|variant| variant.len());
        Some((model, longest.cloned().unwrap_or_default()))
    };
    designated(text).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;

    const TABLE: &str = "| Model | Weight |\n|---|---|\n| M2 | 2 kg |\n| M2 Pro | 3 kg |\n| M20 | 9 kg |\n";

    /// What is not read of `text`, which stands beside a table of the models.
    fn unread(question: &str, text: &str) -> Vec<String> {
        let mut hits = vec![excerpt(1, "Models", TABLE).hit, excerpt(2, "Notes", text).hit];
        leave_other_variants_unread(question, &mut hits);
        let own = |hit: &Hit| -> Vec<String> {
            let from = hit.passage.span.start;
            hit.unread
                .iter()
                .map(|span| hit.passage.text[span.start - from..span.end - from].trim().to_owned())
                .collect()
        };
        own(&hits[1])
    }

    #[test]
    fn what_is_said_of_another_variant_only_is_not_read() {
        let text = "The M2 runs for 5 hours. The M2 Pro is louder. It hums. The M2 and the M2 Pro are blue.";
        assert_eq!(unread("How long does the M2 Pro run?", text), ["The M2 runs for 5 hours."]);
        assert_eq!(unread("how long does the m2 run", text), ["The M2 Pro is louder."]);
        assert_eq!(unread("Is the M2 or the M2 Pro louder?", text), [""; 0]);
        assert_eq!(unread("M2 Pro能用几个小时？", "M2能用5小时。M20能用2小时。"), ["M2能用5小时。"]);
    }

    #[test]
    fn what_is_said_of_all_is_read() {
        for text in
            ["All M2 monitors run for 5 hours.", "The M2 series runs for 5 hours.", "M2系列能用5小时。", "It runs."]
        {
            assert_eq!(unread("How long does the M2 Pro run?", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn variants_that_nobody_tells_apart_are_one() {
        assert_eq!(unread("How long does the M20 Ultra run?", "The M20 runs for 5 hours."), [""; 0]);
        assert_eq!(unread("How long does the K2 Pro run?", "The K2 runs for 5 hours."), [""; 0]);
        assert_eq!(unread("How long does it run?", "The M2 runs for 5 hours."), [""; 0]);
    }

    #[test]
    fn rows_of_another_variant_are_not_read() {
        let mut hits = vec![excerpt(1, "Models", TABLE).hit];
        leave_other_variants_unread("What does the M2 Pro weigh?", &mut hits);
        let rows: Vec<&str> = hits[0]
            .unread
            .iter()
            .map(|span| {
                let from = hits[0].passage.span.start;
                hits[0].passage.text[span.start - from..span.end - from].trim()
            })
            .collect();
        assert_eq!(rows, ["| M2 | 2 kg |"]);
    }
}
