//! What a question takes for granted and the documents contradict.
//!
//! Only amounts that the question gives to something ("the 36-month warranty",
//! "is the warranty 36 months?", 36个月的保修期) are held against the documents.
//! What the asker says of the own situation ("28 months after purchase", "my hub
//! is 2 m away") is no premise, and neither is what the documents allow ("Can it
//! be returned within 10 days?", when 30 are given). Silence is better than a
//! false alarm.

use std::collections::{BTreeSet, HashSet};

use crate::answer::amounts::{Amount, Bound, amounts};
use crate::answer::excerpt::Packed;
use crate::answer::negation::negative;
use crate::answer::question::is_han;
use crate::answer::rows::named_by;
use crate::answer::statements::{Statement, content, subjects, words_of};
use crate::answer::verify::bare::{Polarity, polarity};
use crate::answer::verify::{CheckedSentence, Verdict};

/// The least share of the weight of a clause of the question that a statement
/// must carry to be about the same thing.
const SAME_MATTER: f32 = 0.6;

/// Statements that carry as much of the question, up to this, speak of it as well.
const AS_GOOD: f32 = 0.08;

/// How much of a word's weight counts when only the title or a heading has it.
const FROM_SCENE: f32 = 0.7;

/// Amounts of a question that are looked at.
const MOST: usize = 8;

/// A premise that a statement contradicts.
#[derive(Clone, Debug, PartialEq)]
pub struct Contradicted {
    /// Index of the statement.
    pub statement: usize,
    /// The amount of the question.
    pub asked: Amount,
    /// The amount of the statement, as it is written there.
    pub given: String,
}

/// The premises of `question` that `statements` contradict. `rarity` is a
/// term's inverse document frequency.
#[must_use]
pub fn contradicted(question: &str, statements: &[Statement], rarity: &dyn Fn(&str) -> f32) -> Vec<Contradicted> {
    let asked = amounts(question);
    let looked_at = asked.iter().take(MOST);
    looked_at.filter_map(|amount| wrong_amount(question, amount, &asked, statements, rarity)).collect()
}

/// `question` with the amounts that the documents give in place of its own.
#[must_use]
pub fn corrected(question: &str, premises: &[Contradicted]) -> String {
    let mut text = question.to_owned();
    // From the end, so that the places before stay.
    for premise in premises.iter().rev() {
        text.replace_range(premise.asked.range.clone(), &premise.given);
    }
    text
}

/// Takes the support from sentences that adopt a premise which the documents
/// contradict. A bare yes in front of what they say goes, too: it would affirm the premise.
#[must_use]
pub fn without_false_premises(
    checked: Vec<CheckedSentence>,
    packed: &Packed,
    premises: &[Contradicted],
) -> Vec<CheckedSentence> {
    let wrong: Vec<&Amount> = premises.iter().map(|premise| &premise.asked).collect();
    if wrong.is_empty() {
        return checked;
    }
    let gives = |text: &str, wrong: &Amount| amounts(text).iter().any(|amount| amount.equals(wrong));
    let one = |sentence: CheckedSentence| {
        let sentence = CheckedSentence { text: without_yes(&sentence.text).to_owned(), ..sentence };
        let sourced = |wrong: &Amount| {
            sentence.sources.iter().any(|source| {
                let passage = &packed.excerpts[source.excerpt].hit.passage;
                let span = source.span;
                gives(&passage.text[span.start - passage.span.start..span.end - passage.span.start], wrong)
            })
        };
        let adopted = wrong.iter().any(|wrong| gives(&sentence.text, wrong) && !sourced(wrong));
        if adopted && !negative(&sentence.text) {
            return CheckedSentence { verdict: Verdict::Unsupported, sources: Vec::new(), support: 0.0, ..sentence };
        }
        sentence
    };
    checked.into_iter().map(one).collect()
}

/// `text` without a first sentence that only says yes, if more follows.
fn without_yes(text: &str) -> &str {
    match text.split_once(['.', '。', ',', '，']) {
        Some((first, rest)) if polarity(first) == Some(Polarity::Yes) && rest.chars().any(char::is_alphanumeric) => {
            rest.trim_start()
        }
        _ => text,
    }
}

fn wrong_amount(
    question: &str,
    asked: &Amount,
    others: &[Amount],
    statements: &[Statement],
    rarity: &dyn Fn(&str) -> f32,
) -> Option<Contradicted> {
    let clause = clause(question, asked);
    // "One" and 一个 are articles as well.
    if is_own_situation(question, asked, clause) || !asked.measure && asked.value == 1.0 {
        return None;
    }
    let mut heads = heads(question, asked, clause);
    if !asked.measure {
        heads.insert(asked.unit.clone());
    }
    let wanted: BTreeSet<String> = subjects(question);
    let asked_terms: HashSet<String> = content(question, &[]).into_iter().collect();
    let mut about: BTreeSet<String> = match attributed(question, asked, clause) {
        Some(phrase) => phrase.into_iter().chain(wanted.iter().flat_map(|name| content(name, &[]))).collect(),
        None => {
            let all = content(&question[clause.0..clause.1], &shifted(others, clause));
            let words = words_of(&question[clause.0..clause.1]);
            all.intersection(&words).cloned().collect()
        }
    };
    about.retain(|term| !FILLERS.contains(&term.as_str()));
    let total: f32 = about.iter().map(|term| rarity(term)).sum();
    if heads.is_empty() || total <= 0.0 {
        return None;
    }
    let fits: Vec<(usize, f32)> = statements
        .iter()
        .enumerate()
        .filter(|(_, s)| s.amounts.iter().any(|amount| amount.unit == asked.unit))
        .filter(|(_, s)| wanted.iter().all(|name| s.knows_name(name)))
        .filter(|(_, s)| {
            !(s.cell && wanted.iter().any(|name| s.subjects.contains(name)) && named_by(&s.label, &asked_terms) == 0)
        })
        .filter(|(_, s)| heads.iter().any(|head| s.terms.contains(head)) || !asked.measure)
        .map(|(at, s)| {
            let share = |term: &String| match (s.terms.contains(term), s.scene.contains(term)) {
                (true, _) => 1.0,
                (false, true) => FROM_SCENE,
                (false, false) => 0.0,
            };
            (at, about.iter().map(|term| rarity(term) * share(term)).sum::<f32>() / total)
        })
        .collect();
    let best = fits.iter().map(|fit| fit.1).fold(0.0, f32::max);
    if best < SAME_MATTER {
        return None;
    }
    let mut as_good = fits.iter().filter(|fit| fit.1 >= best - AS_GOOD).map(|fit| (fit.0, &statements[fit.0]));
    let (first, statement) = as_good.next()?;
    let given = statement.only(&asked.unit)?;
    if is_allowed(&question[clause.0..clause.1], asked, given) || is_given_beside(asked, statement, statements) {
        return None;
    }
    let agreed = as_good.all(|(_, other)| other.only(&asked.unit).is_some_and(|amount| amount.equals(given)));
    let near = statement.cell || near(statement, given, &heads);
    (agreed && near && given.excludes(asked)).then(|| Contradicted {
        statement: first,
        asked: asked.clone(),
        given: statement.written(given),
    })
}

/// Whether what the documents give includes what is asked: 20 sensors, when the
/// hub holds 48; within 10 days, when it is within 30.
fn is_allowed(clause: &str, asked: &Amount, given: &Amount) -> bool {
    let permits = words(clause).any(|word| ["can", "could", "may", "able", "allowed"].contains(&word.as_str()))
        || ["可以", "能", "允许"].iter().any(|word| clause.contains(word));
    if permits { asked.value < given.value } else { asked.bound == Some(Bound::Most) && asked.value > given.value }
}

/// Whether the passage of `statement` gives the amount elsewhere, for a table in the same row.
fn is_given_beside(asked: &Amount, statement: &Statement, statements: &[Statement]) -> bool {
    statements.iter().any(|other| {
        other.hit == statement.hit
            && other.cell == statement.cell
            && (!other.cell || other.span == statement.span)
            && other.amounts.iter().any(|amount| amount.equals(asked))
    })
}

/// Whether one of `heads` stands in the same clause as the amount.
fn near(statement: &Statement, amount: &Amount, heads: &BTreeSet<String>) -> bool {
    let (start, end) = clause(&statement.text, amount);
    let terms = content(&statement.text[start..end], &[]);
    heads.iter().any(|head| terms.contains(head) || *head == amount.unit)
}

/// The clause of `text` that holds the amount.
pub(in crate::answer) fn clause(text: &str, amount: &Amount) -> (usize, usize) {
    let separates = |(at, c): &(usize, char)| {
        let thousands = *c == ',' && text[at + 1..].starts_with(|next: char| next.is_ascii_digit());
        let stop = *c == '.' && text[at + 1..].starts_with(char::is_whitespace);
        let mark = matches!(
            c,
            ',' | ';' | ':' | '，' | '；' | '：' | '。' | '?' | '？' | '!' | '！' | '(' | ')' | '（' | '）' | '\n'
        );
        stop || mark && !thousands
    };
    let start = text[..amount.range.start].char_indices().rfind(separates).map_or(0, |(at, c)| at + c.len_utf8());
    let end = text[amount.range.end..]
        .char_indices()
        .find(|(at, c)| separates(&(amount.range.end + at, *c)))
        .map_or(text.len(), |(at, _)| amount.range.end + at);
    (start, end)
}

/// The amounts with their places counted from the start of the clause.
fn shifted(all: &[Amount], (start, end): (usize, usize)) -> Vec<Amount> {
    all.iter()
        .filter(|amount| amount.range.start >= start && amount.range.end <= end)
        .map(|amount| Amount { range: amount.range.start - start..amount.range.end - start, ..amount.clone() })
        .collect()
}

/// Words after an amount that make it a point in somebody's time.
const AFTER: [&str; 10] = ["after", "ago", "before", "later", "old", "from", "since", "earlier", "past", "away"];
/// Words before an amount that make it a condition.
const BEFORE: [&str; 10] = ["after", "since", "past", "another", "every", "each", "first", "last", "next", "initial"];
/// What is of some amount in somebody's case: "for an order of 100 euros".
const SUMS: [&str; 12] = [
    "order", "orders", "purchase", "basket", "invoice", "value", "total", "sum", "bill", "distance", "weight", "parcel",
];
const FIRST_PERSON: [&str; 10] = ["i", "my", "we", "our", "us", "me", "if", "i've", "we've", "mine"];
const AFTER_ZH: [&str; 5] = ["后", "以后", "之后", "前", "之前"];
const BEFORE_ZH: [&str; 11] = ["过了", "已经", "用了", "买了", "满", "再", "等了", "前", "头", "首", "最近"];
const FIRST_PERSON_ZH: [&str; 3] = ["我", "咱", "如果"];

/// Whether the amount belongs to what the asker tells of the own case.
fn is_own_situation(question: &str, asked: &Amount, (start, end): (usize, usize)) -> bool {
    let (before, after) = (&question[start..asked.range.start], &question[asked.range.end..end]);
    let next = words(after).next().unwrap_or_default();
    let last = words(before).last().unwrap_or_default();
    let own = words(&question[start..end]).any(|word| FIRST_PERSON.contains(&word.as_str()))
        || FIRST_PERSON_ZH.iter().any(|word| question[start..end].contains(word));
    let of_an_order = words(before).collect::<Vec<_>>();
    let of_an_order = matches!(of_an_order.as_slice(), [.., thing, of] if of == "of" && SUMS.contains(&thing.as_str()));
    of_an_order
        || AFTER.contains(&next.as_str())
        || BEFORE.contains(&last.as_str())
        || AFTER_ZH.iter().any(|word| after.trim_start().starts_with(word))
        || BEFORE_ZH.iter().any(|word| before.trim_end().ends_with(word))
        || own && !is_attribute(question, asked)
}

/// Whether the amount is an attribute of what follows: "36-month warranty", 36个月的保修期.
fn is_attribute(question: &str, asked: &Amount) -> bool {
    let written = &question[asked.range.clone()];
    let after = &question[asked.range.end..];
    let singular =
        written.is_ascii() && asked.measure && asked.value != 1.0 && written.to_lowercase().ends_with(&asked.unit);
    let noun = words(after).next().is_some_and(|word| !content(&word, &[]).is_empty());
    singular && noun && after.starts_with([' ', '-']) || after.starts_with('的')
}

/// The terms of what the amount is an attribute of, with what that belongs to ("warranty of the hub").
fn attributed(question: &str, asked: &Amount, (start, end): (usize, usize)) -> Option<BTreeSet<String>> {
    let after = &question[asked.range.end..end];
    if !is_attribute(question, asked) {
        return None;
    }
    if after.starts_with('的') {
        let mut all = words_of(&question[start..asked.range.start]);
        all.extend(words_of(&follows(after)));
        all.retain(|word| word.chars().count() > 1);
        return Some(all);
    }
    let (mut length, mut named) = (0, false);
    for word in after.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let joins = plain.is_empty() || ["of", "the", "a", "for"].contains(&plain.as_str());
        if !joins && content(&plain, &[]).is_empty() || named && PREDICATES.contains(&plain.as_str()) {
            break;
        }
        named |= !joins;
        length += word.len();
    }
    Some(content(&after[..length], &[]))
}

/// The Han characters after 的, as many as a noun has.
fn follows(after: &str) -> String {
    after.trim_start_matches(['的', ' ']).chars().take_while(|&c| is_han(c)).take(4).collect()
}

/// What the amount is given to: the nearest words with a meaning of their own.
fn heads(question: &str, asked: &Amount, (start, end): (usize, usize)) -> BTreeSet<String> {
    let (before, after) = (&question[start..asked.range.start], &question[asked.range.end..end]);
    let mut heads = BTreeSet::new();
    if question[asked.range.clone()].chars().chain(after.chars().take(2)).any(is_han) || before.ends_with(is_han) {
        let run: Vec<char> = before.chars().rev().take(6).take_while(|&c| is_han(c)).collect();
        let leads: String = run.into_iter().rev().collect();
        if after.starts_with('的') {
            heads.extend(content(&follows(after), &[]));
        } else {
            heads.extend(content(&leads, &[]));
        }
        return heads;
    }
    // After it: "36-month warranty", "36 months of warranty".
    let mut follows = words(after).skip_while(|word| word == "of" || word == "the" || word == "a");
    heads.extend(follows.next().map(|word| content(&word, &[])).unwrap_or_default());
    // Before it: "the warranty is 36 months", "is the warranty 36 months".
    let leads: Vec<String> = words(before).collect();
    let meaning = leads.iter().rev().filter(|word| !LINKS.contains(&word.as_str()));
    let nearest = meaning
        .map(|word| content(word, &[]))
        .find(|terms| !terms.is_empty() && terms.iter().all(|term| !FILLERS.contains(&term.as_str())));
    heads.extend(nearest.unwrap_or_default());
    heads
}

/// Words that only shade an amount or join clauses, as terms.
const FILLERS: [&str; 31] = [
    "onli", "just", "realli", "alreadi", "current", "still", "now", "about", "rough", "exact", "true", "correct",
    "sinc", "dure", "given", "becaus", "within", "under", "although", "even", "also", "per", "while", "over", "只有",
    "只", "仅", "才", "已经", "现在", "目前",
];

/// Verbs after which something else is said of a thing than its amount.
const PREDICATES: [&str; 31] = [
    "cover", "covers", "covered", "include", "includes", "included", "exclude", "excludes", "apply", "applies",
    "start", "starts", "begin", "begins", "end", "ends", "expire", "expires", "last", "lasts", "mean", "means",
    "protect", "protects", "extend", "extends", "still", "also", "run", "runs", "hold",
];

/// Verbs between a thing and its amount.
const LINKS: [&str; 22] = [
    "last", "lasts", "take", "takes", "cost", "costs", "run", "runs", "get", "gets", "give", "gives", "need", "needs",
    "hold", "holds", "weigh", "weighs", "require", "requires", "come", "comes",
];

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;
    use crate::answer::statements::statements;
    use crate::answer::verify::{Signals, Source};

    fn found(question: &str, sources: &[(&str, &str)]) -> Option<(String, String)> {
        let hits: Vec<_> = (1..).zip(sources).map(|(id, (title, text))| excerpt(id, title, text).hit).collect();
        let all = contradicted(question, &statements(&hits), &|_| 1.0);
        assert!(all.len() < 2, "{all:?}");
        all.into_iter().next().map(|premise| (question[premise.asked.range].to_owned(), premise.given))
    }

    const HUB: (&str, &str) = (
        "Hub manual",
        "The hub has a warranty of 24 months. It has four antennas. It needs 5 V. \
        A loan unit comes within 4 hours.",
    );

    #[test]
    fn amounts_that_the_sources_contradict_are_seen() {
        for (question, asked, given) in [
            ("What does the 36-month warranty of the hub cover?", "36-month", "24 months"),
            ("Is the warranty of the hub 36 months?", "36 months", "24 months"),
            ("Why is the hub's warranty only 12 months?", "12 months", "24 months"),
            ("Who pays for shipping during my 36-month hub warranty?", "36-month", "24 months"),
            ("Since the hub has two antennas, which one is for radio?", "two antennas", "four antennas"),
            ("Does a loan unit come within 2 hours?", "2 hours", "4 hours"),
            ("Can the hub have six antennas?", "six antennas", "four antennas"),
        ] {
            assert_eq!(found(question, &[HUB]), Some((asked.into(), given.into())), "{question}");
        }
        let chinese = ("手册", "网关的保修期为二十四个月。网关有四根天线，最多接48只传感器。");
        for (question, asked, given) in [
            ("网关的保修期是36个月吗？", "36个月", "二十四个月"),
            ("网关36个月的保修期从哪天算起？", "36个月", "二十四个月"),
            ("为什么网关的保修期只有12个月？", "12个月", "二十四个月"),
        ] {
            assert_eq!(found(question, &[chinese]), Some((asked.into(), given.into())), "{question}");
        }
    }

    #[test]
    fn cells_of_a_table_contradict_by_row_and_column() {
        let table = (
            "Warranty",
            "| Product | Warranty | With registration |\n| --- | --- | --- |\n| Hub H1 | 24 months | 30 months |\n| Hub H10 | 36 months | 48 months |",
        );
        assert_eq!(
            found("Why is the warranty of the H1 36 months?", &[table]),
            Some(("36 months".into(), "24 months".into()))
        );
        assert_eq!(found("Why is the warranty of the H10 36 months?", &[table]), None);
        let longer =
            ("Warranty", "| Product | Warranty |\n| --- | --- |\n| Model K2 | 24 months |\n| K2 Pro | 36 months |");
        assert_eq!(
            found("Does the 36-month warranty cover the batteries of the K2?", &[longer]),
            Some(("36-month".into(), "24 months".into()))
        );
        assert_eq!(found("Does the 36-month warranty cover the batteries of the K2 Pro?", &[longer]), None);
    }

    #[test]
    fn what_the_asker_tells_and_what_is_true_is_no_false_premise() {
        for question in [
            "My hub died 28 months after purchase. Is it still in warranty?",
            "I have two hubs. How long is the warranty?",
            "After 40 days, does the hub warranty still hold?",
            "We use the hub for 12 months a year, what of the warranty?",
            "Is the warranty of the hub 24 months?",
            "What does the 24-month warranty of the hub cover?",
            "Is the warranty of the valve V3 36 months?",
            "How long is a 5 m cable under warranty?",
            "What was decided in 36 months of peace?",
            "How many antennas does the hub have?",
            "Can the hub have two antennas?",
            "Does a loan unit come within 8 hours?",
            "A customer has had the hub for 30 months. Is it still under warranty?",
            "What does the warranty of the hub cover in the first 3 months?",
            "Does one antenna of the hub need 5 V?",
            "How long is the warranty of the hub for an order of 36 months?",
        ] {
            assert_eq!(found(question, &[HUB]), None, "{question}");
        }
        let registered = ("Manual", "The hub has a warranty of 24 months. With registration, it is 36 months.");
        assert_eq!(found("What does the 36-month warranty of the hub cover?", &[registered]), None);
        for question in
            ["网关用了28个月后坏了，还保修吗？", "我有36个月没换电池，网关保修吗？", "网关的保修期是24个月吗？"]
        {
            assert_eq!(found(question, &[("手册", "网关的保修期为24个月。")]), None, "{question}");
        }
    }

    #[test]
    fn a_wrong_amount_is_corrected_and_not_repeated() {
        let hits = [excerpt(1, HUB.0, HUB.1).hit];
        let question = "What does the 36-month warranty of the hub cover?";
        let premises = contradicted(question, &statements(&hits), &|_| 1.0);
        assert_eq!(corrected(question, &premises), "What does the 24 months warranty of the hub cover?");
        let twice = "Is the warranty of the hub 6 months, or is the warranty of the hub 36 months?";
        let premises_twice = contradicted(twice, &statements(&hits), &|_| 1.0);
        assert_eq!(
            corrected(twice, &premises_twice),
            "Is the warranty of the hub 24 months, or is the warranty of the hub 24 months?"
        );
        let packed = Packed { excerpts: vec![excerpt(1, HUB.0, HUB.1)] };
        for (sentence, expected) in [
            ("The 36-month warranty covers faults.", None),
            ("It is not 36 months.", Some("It is not 36 months.")),
            ("It is 24 months.", Some("It is 24 months.")),
            ("Yes. The hub has a warranty of 24 months.", Some("The hub has a warranty of 24 months.")),
        ] {
            let checked = CheckedSentence {
                text: sentence.into(),
                sources: vec![Source { excerpt: 0, span: packed.excerpts[0].sentences[0] }],
                support: 0.9,
                verdict: Verdict::Supported,
                signals: Signals::default(),
            };
            let after = without_false_premises(vec![checked], &packed, &premises).remove(0);
            assert_eq!((after.verdict == Verdict::Supported).then_some(after.text.as_str()), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(question in ".{0,60}|[a-z0-9 保修个月年是的，?]{0,40}", text in "(.|\\n){0,120}|[a-z0-9 保修个月年是的，。]{0,60}") {
            let _ = found_any(&question, &text);
        }
    }

    fn found_any(question: &str, text: &str) -> usize {
        contradicted(question, &statements(&[excerpt(1, "T", text).hit]), &|_| 1.0).len()
    }
}
