//! English follow-ups.

use std::ops::Range;

use super::{ABOUT, bare, cut, has_digit, is_about};

/// Beginnings of questions that only name another thing.
const ELLIPSES: [&str; 7] =
    ["and what about ", "and how about ", "what about ", "how about ", "and same for ", "same for ", "and "];

/// Before another thing of the kind that the earlier question names.
const OF: [&str; 3] = ["of", "for", "about"];

/// Before a circumstance, which is added to the earlier question.
const CIRCUMSTANCES: [&str; 18] = [
    "in", "on", "with", "at", "during", "after", "before", "without", "under", "from", "outside", "inside", "by",
    "via", "within", "until", "since", "over",
];

/// What a variant of a thing is called by; it is none without the thing.
const VARIANTS: [&str; 9] = ["version", "versions", "model", "models", "edition", "variant", "one", "ones", "series"];

/// Words that make a question a whole one.
const VERBS: [&str; 33] = [
    "is", "are", "was", "were", "do", "does", "did", "can", "could", "may", "must", "should", "will", "would", "has",
    "have", "had", "how", "what", "when", "where", "who", "why", "which", "cost", "costs", "work", "works", "need",
    "needs", "happens", "long", "much",
];

const ARTICLES: [&str; 9] = ["the", "a", "an", "my", "your", "our", "this", "that", "its"];

/// Words that point back.
const PRONOUNS: [(&str, Pronoun); 15] = [
    ("it", Pronoun::Thing),
    ("its", Pronoun::OfThing),
    ("he", Pronoun::Person),
    ("she", Pronoun::Person),
    ("him", Pronoun::Person),
    ("his", Pronoun::OfPerson),
    ("they", Pronoun::Unsure),
    ("them", Pronoun::Unsure),
    ("their", Pronoun::Unsure),
    ("this", Pronoun::Pointing),
    ("that", Pronoun::Pointing),
    ("these", Pronoun::Pointing),
    ("those", Pronoun::Pointing),
    ("there", Pronoun::Pointing),
    ("then", Pronoun::Pointing),
];

/// What a word that points back can stand for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pronoun {
    Thing,
    OfThing,
    Person,
    OfPerson,
    /// One of several, or all.
    Unsure,
    /// All that was said.
    Pointing,
}

/// Words after "it" that make it mean nothing in particular.
const DUMMY_IT: [&str; 6] = ["possible", "true", "allowed", "ok", "necessary", "safe"];

/// Words of questions that say nothing by themselves: "Why?", "And then?", "Since when?"
const EMPTY: [&str; 36] = [
    "the", "a", "and", "or", "but", "so", "then", "why", "how", "what", "when", "where", "who", "which", "much",
    "many", "long", "often", "not", "else", "now", "really", "since", "until", "is", "are", "does", "do", "by", "whom",
    "for", "to", "from", "about", "exactly", "too",
];

/// An English question after an English one.
pub(super) fn english(question: &str, before: &str) -> Option<String> {
    let lower = question.to_ascii_lowercase();
    if let Some(start) = ELLIPSES.iter().find(|start| lower.starts_with(**start)) {
        let named = bare(question.get(start.len()..)?);
        let words = words(named);
        let whole = words.iter().any(|(_, word)| is_one_of(word, &VERBS));
        if !whole && !words.is_empty() && words.len() <= 9 {
            return elliptical(question, named, before, !start.starts_with("and ") || start.len() > 4);
        }
        // "And how much is it?" goes on below, without its "and".
    }
    let opens = ELLIPSES.iter().any(|start| lower.starts_with(start));
    let began = lower.starts_with("and ");
    let asked = if began { question.get(4..)?.trim_start() } else { question };
    if words(asked).iter().all(|(_, word)| is_one_of(word, &EMPTY)) {
        return Some(about(question, &whole(before)));
    }
    let Some((at, kind)) = pronoun(asked) else {
        // "And how long is the warranty?" goes on with what was spoken of; without its "and" it stands alone.
        let leans = opens && topic(asked).is_none();
        return leans.then(|| about(&capital(asked), &subject(before)));
    };
    // What was named before the word in the same question is what it points to.
    if name(&asked[..at.start]).is_some() {
        return None;
    }
    let (thing, owns) = (name(before), matches!(kind, Pronoun::OfThing | Pronoun::OfPerson));
    let sure = match kind {
        Pronoun::Thing | Pronoun::OfThing => true,
        Pronoun::Person | Pronoun::OfPerson => thing.as_ref().is_some_and(|at| !has_digit(&before[at.clone()])),
        Pronoun::Unsure | Pronoun::Pointing => false,
    };
    match thing {
        // Where there is but one thing to speak of, it is meant.
        Some(thing) if sure && names(before).len() == 1 && compound(before, &thing).is_none() && !is_about(before) => {
            let thing = &before[thing];
            let with = if owns { format!("{thing}'s") } else { thing.to_owned() };
            Some(capital(&format!("{}{with}{}", &asked[..at.start], &asked[at.end..])))
        }
        _ if kind == Pronoun::Pointing => Some(about(&capital(asked), &whole(before))),
        _ => Some(about(&capital(asked), &subject(before))),
    }
}

/// "And X?": another thing of the kind that was asked about, a variant of it, a circumstance, or something else.
fn elliptical(question: &str, named: &str, before: &str, new_topic: bool) -> Option<String> {
    let (led, thing) = match named.split_once(' ') {
        Some((word, rest)) if is_one_of(word, &OF) || is_one_of(word, &CIRCUMSTANCES) => (word, rest.trim()),
        _ => ("", named),
    };
    let spoken = words(thing);
    let points = spoken.iter().any(|(_, word)| PRONOUNS.iter().any(|(pronoun, _)| word.eq_ignore_ascii_case(pronoun)));
    let plain = without_article(thing);
    let own = words(plain);
    let first = own.first().map_or("", |(_, word)| *word);
    let old = name(before);
    let old_text = old.clone().map_or("", |at| &before[at]);
    if points || own.is_empty() || is_one_of(first, &EMPTY) || is_one_of(first, &CIRCUMSTANCES) {
        return Some(about(question, &whole(before)));
    }
    // A name with an "of" and a thing of its own asks for something else altogether.
    if led.is_empty() && own.iter().any(|(_, word)| is_one_of(word, &OF)) {
        return name(thing).is_none().then(|| about(question, &subject(before)));
    }
    let is_variant = own.last().is_some_and(|(_, word)| is_one_of(word, &VARIANTS)) && !has_digit(plain);
    if is_variant {
        let capitals =
            own.len() > 1 && own[..own.len() - 1].iter().all(|(_, word)| word.starts_with(char::is_uppercase));
        return Some(match old {
            // "the K2", "the Pro version": the K2 Pro version.
            Some(at) if capitals && has_digit(old_text) && !is_one_of(led, &CIRCUMSTANCES) => {
                format!("{} {plain}{}", &before[..at.end], &before[at.end..])
            }
            _ => added(before, if led.is_empty() { "for" } else { led }, thing),
        });
    }
    if is_one_of(led, &CIRCUMSTANCES) {
        return Some(added(before, led, thing));
    }
    let all_capital = own.iter().all(|(_, word)| word.starts_with(char::is_uppercase) || has_digit(word));
    let alike = match (has_digit(first), has_digit(old_text)) {
        (true, true) => true,
        (false, false) => all_capital && !has_digit(plain) && is_one_of(led, &["", "of", "for"]),
        _ => false,
    };
    if let Some(at) = old.filter(|_| alike) {
        return Some(replaced(before, &at, thing));
    }
    // "of sensors", and then "of valves".
    if name(before).is_none()
        && is_one_of(led, &["of", "for"])
        && !all_capital
        && let Some(at) = object(before)
    {
        return Some(replaced(before, &at, thing));
    }
    let lower = !plain.chars().any(char::is_uppercase) && !has_digit(plain);
    // "What about returns?" asks for something else of the same thing.
    Some(about(question, &if new_topic && lower { thing_of(before) } else { whole(before) }))
}

/// `before` about `thing` in the place of what it named at `at`. One article is enough.
fn replaced(before: &str, at: &Range<usize>, thing: &str) -> String {
    let (mut head, tail) = (&before[..at.start], &before[at.end..]);
    let old = &before[at.clone()];
    let has_own = without_article(thing) != thing;
    if let Some(article) =
        ["a ", "an ", "the "].iter().find(|article| head.to_ascii_lowercase().ends_with(&format!(" {article}")))
        && has_own
    {
        head = &head[..head.len() - article.len()];
    }
    let article = if !has_own && without_article(old) != old { "the " } else { "" };
    format!("{head}{article}{thing}{tail}")
}

/// `before` with a circumstance more, or another in the place of one that begins with the same word.
fn added(before: &str, led: &str, thing: &str) -> String {
    let (head, about) = before.find(ABOUT).map_or((before, ""), |at| before.split_at(at));
    let head = bare(head);
    if let Some(at) = head.to_ascii_lowercase().rfind(&format!(" {} ", led.to_ascii_lowercase())) {
        let rest = &head[at + led.len() + 2..];
        if words(rest).len() <= 3 && is_one_of(led, &CIRCUMSTANCES) {
            return format!("{} {led} {thing}?{about}", &head[..at]);
        }
    }
    format!("{head}, {led} {thing}?{about}")
}

/// The question with what it is about.
fn about(question: &str, topic: &str) -> String {
    let mark = if question.ends_with(|c: char| c.is_alphanumeric()) { "?" } else { "" };
    format!("{question}{mark}{ABOUT}{topic})")
}

/// All of an earlier question, as a topic.
fn whole(before: &str) -> String {
    let Some((asked, topic)) = before.split_once(ABOUT) else { return cut(bare(before)) };
    // What was asked last, and what all of it goes back to.
    let topic = topic.trim_end_matches(')');
    let root = topic.rsplit("; ").next().unwrap_or(topic);
    cut(&format!("{}; {root}", bare(asked)))
}

/// What an earlier question was about, as far as it can be told: "the warranty of the K2".
fn subject(before: &str) -> String {
    if is_about(before) {
        return whole(before);
    }
    let thing = name(before).or_else(|| object(before));
    // What stands after the thing belongs to it: "the seals of a V3 under warranty".
    let found = thing.filter(|at| at.end == bare(before).len()).and_then(|at| compound(before, &at));
    found.map_or_else(|| whole(before), |at| cut(&before[at]))
}

/// The thing that an earlier question named, or all of it.
fn thing_of(before: &str) -> String {
    match name(before) {
        Some(at) if !is_about(before) => cut(&before[at]),
        _ => whole(before),
    }
}

/// Where a thing stands with what is asked of it: "the warranty of the K2".
fn compound(before: &str, thing: &Range<usize>) -> Option<Range<usize>> {
    let head: Vec<(usize, &str)> = words(&before[..thing.start]);
    let article = head.last().is_some_and(|(_, word)| is_one_of(word, &ARTICLES));
    let head = &head[..head.len() - usize::from(article)];
    let (of, before_of) = head.split_last()?;
    if !is_one_of(of.1, &["of", "for"]) {
        return None;
    }
    let near = before_of.iter().rev().take(4).position(|(_, word)| is_one_of(word, &ARTICLES));
    let first = &before_of[before_of.len().checked_sub(1 + near.unwrap_or(0))?];
    (!is_one_of(first.1, &VERBS)).then_some(first.0..thing.end)
}

/// An English question after one in another language: the rules look for names where
/// English has them, so that all of it is the topic.
pub(super) fn in_english(question: &str, before: &str) -> Option<String> {
    leans(question).then(|| about(question, &cut(bare(before))))
}

/// Whether an English question needs the one before it, whatever that was.
fn leans(question: &str) -> bool {
    let lower = question.to_ascii_lowercase();
    let empty = words(question).iter().all(|(_, word)| is_one_of(word, &EMPTY));
    empty
        || ELLIPSES.iter().any(|start| lower.starts_with(start))
        || pronoun(question).is_some() && name(question).is_none()
}

/// Where the first word stands that points back, and what it can stand for.
fn pronoun(question: &str) -> Option<(Range<usize>, Pronoun)> {
    let words = words(question);
    words.iter().enumerate().find_map(|(index, &(start, word))| {
        let (_, kind) = PRONOUNS.iter().find(|(pronoun, _)| word.eq_ignore_ascii_case(pronoun))?;
        let next = words.get(index + 1).map_or(String::new(), |(_, word)| word.to_ascii_lowercase());
        let last = index + 1 == words.len();
        // "this sensor", "that the hub is on" and "is there" name what they mean, or nothing.
        let names =
            *kind == Pronoun::Pointing && !(last || VERBS.contains(&next.as_str()) && !is_one_of(word, &["there"]));
        if names || DUMMY_IT.contains(&next.as_str()) {
            return None;
        }
        Some((start..start + word.len(), *kind))
    })
}

/// What an English question is about, by a name or by what stands after its last "of", "for" or "about".
fn topic(question: &str) -> Option<Range<usize>> {
    name(question).or_else(|| object(question))
}

/// The last run of names, with the article.
fn name(question: &str) -> Option<Range<usize>> {
    names(question).pop()
}

/// Runs of names, each with its article.
fn names(question: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut article: Option<usize> = None;
    let (mut first, mut open) = (true, false);
    let mut at = 0;
    for piece in question.split_inclusive(char::is_whitespace) {
        let begin = at;
        at += piece.len();
        let trimmed = piece.trim();
        let word = trimmed.trim_matches(|c: char| !c.is_alphanumeric());
        let start = begin + piece.find(word).unwrap_or(0);
        let word = word.strip_suffix("'s").unwrap_or(word);
        let is_name = has_digit(word) && word.starts_with(|c: char| c.is_ascii_alphabetic())
            || !first && word.starts_with(char::is_uppercase) && word != "I";
        if is_name {
            match runs.last_mut() {
                Some(run) if open => run.end = start + word.len(),
                _ => runs.push(article.unwrap_or(start)..start + word.len()),
            }
        }
        open = is_name && trimmed.ends_with(word);
        article = word.eq_ignore_ascii_case("the").then_some(start);
        // A question within brackets begins anew.
        first = word.is_empty() && first || trimmed.ends_with(':');
    }
    runs
}

/// What stands after the last "of", "for" or "about", if it is short and nothing that points back.
fn object(question: &str) -> Option<Range<usize>> {
    let after =
        OF.iter().filter_map(|word| question.rfind(&format!(" {word} ")).map(|at| at + word.len() + 2)).max()?;
    let object = bare(question.get(after..)?);
    let spoken = words(object);
    let points = spoken.iter().any(|(_, word)| PRONOUNS.iter().any(|(pronoun, _)| word.eq_ignore_ascii_case(pronoun)));
    (!points && (1..=4).contains(&spoken.len())).then_some(after..after + object.len())
}

/// The words of a text and where they begin.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let pieces = text.split_inclusive(|c: char| !c.is_alphanumeric() && c != '\'').map(|piece| {
        let start = at;
        at += piece.len();
        (start, piece.trim_end_matches(|c: char| !c.is_alphanumeric()))
    });
    pieces.filter(|(_, word)| !word.is_empty()).collect()
}

fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.iter().any(|one| word.eq_ignore_ascii_case(one))
}

fn without_article(thing: &str) -> &str {
    match thing.split_once(' ') {
        Some((word, rest)) if is_one_of(word, &["the", "a", "an"]) => rest.trim_start(),
        _ => thing,
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
