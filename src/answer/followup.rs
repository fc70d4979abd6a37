//! Follow-up questions made to stand alone, by rules.
//!
//! "And the K2 Pro?" and "How much does it cost?" mean nothing to a search.
//! What they leave out stands in the question before. Where it is sure what is
//! meant, a thing is put in the place of a pronoun, or gives way to another of
//! its kind. Everywhere else the earlier topic is added in brackets, which reads
//! well for people, search and model alike and can never say something else:
//! "How do I claim it? (about: the warranty of the K2)". A question that stands
//! alone is left as it is.

use std::ops::Range;

use crate::answer::question::{Language, Question, is_han};

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

/// The longest topic that is added, in characters.
const LONGEST: usize = 300;

const ABOUT: &str = " (about: ";

/// `question` so that it stands alone, if it does not yet; `before` is the
/// question before it, itself standing alone.
#[must_use]
pub fn self_contained(question: &str, before: &str) -> Option<String> {
    let (question, before) = (question.trim(), before.trim());
    let without_words = |text: &str| !text.chars().any(char::is_alphanumeric);
    if without_words(before) || without_words(question) || question.contains(ABOUT) || question.contains(ZH_ABOUT) {
        return None;
    }
    match (Question::new(question).language, Question::new(before).language) {
        (Language::Chinese, before_is) => chinese(question, before, before_is == Language::Chinese),
        (Language::English, Language::English) => english(question, before),
        // The rules look for names where English has them.
        (Language::English, Language::Chinese) => leans(question).then(|| about(question, &cut(bare(before)))),
    }
}

fn english(question: &str, before: &str) -> Option<String> {
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

fn is_about(question: &str) -> bool {
    question.contains(ABOUT) || question.contains(ZH_ABOUT)
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

fn has_digit(word: &str) -> bool {
    word.chars().any(|c| c.is_ascii_digit())
}

fn without_article(thing: &str) -> &str {
    match thing.split_once(' ') {
        Some((word, rest)) if is_one_of(word, &["the", "a", "an"]) => rest.trim_start(),
        _ => thing,
    }
}

/// As much of a topic as a question needs.
fn cut(topic: &str) -> String {
    topic.chars().take(LONGEST).collect()
}

/// How a Chinese question is said to be about something.
const ZH_ABOUT: &str = "（关于：";

/// Beginnings of Chinese questions that leave out what they are about.
const CHINESE_OPEN: [&str; 22] = [
    "怎么",
    "如何",
    "为什么",
    "为何",
    "多久",
    "多少",
    "在哪",
    "哪里",
    "什么时候",
    "何时",
    "能",
    "可以",
    "可否",
    "需要",
    "要",
    "会",
    "有没有",
    "是否",
    "是不是",
    "支持",
    "贵",
    "谁",
];

/// Words that make what stands before 呢 a question of its own.
const CHINESE_ASKING: [&str; 16] = [
    "怎么",
    "如何",
    "为什么",
    "多少",
    "多久",
    "多大",
    "哪",
    "什么",
    "谁",
    "几",
    "是否",
    "吗",
    "能不能",
    "可以",
    "可不可以",
    "需要",
];

const CHINESE_PRONOUNS: [&str; 14] =
    ["它们的", "他们的", "它们", "他们", "它的", "他的", "她的", "这个", "那个", "这样", "那样", "它", "他", "她"];

/// What a variant of a thing is called by.
const CHINESE_VARIANTS: [&str; 7] = ["版本", "型号", "版", "型", "款", "系列", "代"];

fn chinese(question: &str, before: &str, before_is_chinese: bool) -> Option<String> {
    let plain = bare(question);
    let asked = ["那么", "那", "还有"].iter().find_map(|start| plain.strip_prefix(start)).unwrap_or(plain);
    let asked = asked.trim_start_matches(['，', ',', ' ']);
    let mark = question.chars().last().filter(|c| matches!(c, '？' | '?')).map(String::from).unwrap_or_default();
    let topic = chinese_topic(before).filter(|_| before_is_chinese && !is_about(before));
    if let Some(named) = asked.strip_suffix('呢').map(str::trim).filter(|named| !named.is_empty()) {
        let asks = CHINESE_ASKING.iter().any(|word| named.contains(word));
        let points = CHINESE_PRONOUNS.iter().any(|word| named.contains(word));
        if !asks && !points && named.chars().count() <= 12 {
            return Some(chinese_elliptical(plain, named, before, topic));
        }
        // "那怎么申请呢？", "那它的电池呢？"
        if identifier(named).is_none() {
            return Some(chinese_about(if asks { asked } else { plain }, before));
        }
    }
    if asked.contains("其他") || identifier(asked).is_some() || asked.contains('《') {
        // "其他" is no "他", and "这个网关" names what it means.
        return None;
    }
    let Some(pronoun) = CHINESE_PRONOUNS.iter().find(|pronoun| asked.contains(**pronoun)) else {
        let open = CHINESE_OPEN.iter().any(|start| asked.starts_with(start)) && asked.chars().count() <= 12;
        return open.then(|| chinese_about(asked, before));
    };
    match topic {
        // What stands first is what the question is about; elsewhere it may be anything that was said.
        Some(old) if asked.starts_with(pronoun) && !pronoun.starts_with(['这', '那']) && !pronoun.contains('们') => {
            let with = if pronoun.ends_with('的') { format!("{old}的") } else { old.to_owned() };
            Some(format!("{}{mark}", asked.replacen(pronoun, &with, 1)))
        }
        _ => Some(chinese_about(asked, before)),
    }
}

/// "那 X 呢？"
fn chinese_elliptical(plain: &str, named: &str, before: &str, topic: Option<&str>) -> String {
    let Some(old) = topic else { return chinese_about(plain, before) };
    let named = named.strip_suffix('的').unwrap_or(named);
    let is_title = |text: &str| text.starts_with('《');
    let latin = |text: &str| identifier(text) == Some(text);
    let variant = CHINESE_VARIANTS.iter().any(|word| named.ends_with(word)) && !has_digit(named);
    // "K2" and "Pro 版": the Pro version of the K2.
    if variant && latin(old) && named.starts_with(|c: char| c.is_ascii_uppercase()) {
        return before.replacen(old, &format!("{old} {named}"), 1);
    }
    let alike = latin(old) && latin(named) && has_digit(old) == has_digit(named) || is_title(old) && is_title(named);
    if alike { before.replacen(old, named, 1) } else { chinese_about(plain, before) }
}

/// The question with the earlier one in brackets.
fn chinese_about(asked: &str, before: &str) -> String {
    let topic = match before.split_once(ZH_ABOUT) {
        Some((said, topic)) => {
            let topic = topic.trim_end_matches(['？', '?', '）']);
            cut(&format!("{}；{}", bare(said), topic.rsplit('；').next().unwrap_or(topic)))
        }
        None => cut(bare(before)),
    };
    format!("{}{ZH_ABOUT}{topic}）？", bare(asked))
}

/// What a Chinese question is about: a name in Latin letters and digits, what
/// stands in title marks, or what stands before its first 的.
fn chinese_topic(question: &str) -> Option<&str> {
    if let Some(found) = identifier(question) {
        return Some(found);
    }
    if let (Some(open), Some(close)) = (question.find('《'), question.find('》'))
        && open < close
    {
        return question.get(open..close + '》'.len_utf8());
    }
    let (owner, _) = question.split_once('的')?;
    let count = owner.chars().count();
    (1..=10).contains(&count).then_some(owner)
}

/// The first run of Latin words that holds a capital or a digit.
fn identifier(question: &str) -> Option<&str> {
    let mut start = None;
    for (at, c) in question.char_indices().chain([(question.len(), '。')]) {
        let part = c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') || c == ' ' && start.is_some();
        match (part, start) {
            (true, None) if c.is_ascii_alphanumeric() => start = Some(at),
            (false, Some(from)) => {
                let run = question[from..at].trim_end_matches([' ', '.', '-']);
                if run.chars().any(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
                    && run.chars().any(|c| c.is_ascii_alphabetic())
                {
                    return Some(run);
                }
                start = None;
            }
            _ => {}
        }
    }
    None
}

/// Without the mark at the end.
fn bare(text: &str) -> &str {
    text.trim().trim_end_matches(['?', '？', '.', '。', '!', '！', ' '])
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        if is_han(first) { text.to_owned() } else { first.to_uppercase().chain(characters).collect() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, question: &str, expected: &str) {
        let made = self_contained(question, before);
        assert_eq!(made.as_deref().unwrap_or(question), expected, "{before} | {question}");
    }

    #[test]
    fn what_is_sure_is_put_in_its_place() {
        let price = "How much does the K2 cost?";
        check(price, "And the K2 Pro?", "How much does the K2 Pro cost?");
        check(price, "what about the H10?", "How much does the H10 cost?");
        check(price, "And for the Pro version?", "How much does the K2 Pro version cost?");
        check(price, "How long does it run on a battery?", "How long does the K2 run on a battery?");
        check(price, "And where can I buy it?", "Where can I buy the K2?");
        check(price, "What is its range?", "What is the K2's range?");
        check(price, "Does it work with Android?", "Does the K2 work with Android?");
        check("How long is the warranty of sensors?", "And of valves?", "How long is the warranty of valves?");
        check("How long is the warranty of sensors?", "And for valves?", "How long is the warranty of valves?");
        check(
            "How long are the seals of a V3 covered?",
            "And of the V3S?",
            "How long are the seals of the V3S covered?",
        );
        check("Who is Ada Quell?", "When did she join?", "When did Ada Quell join?");
        check("Who is Ada Quell?", "and Ben Hart?", "Who is Ben Hart?");
        check("What is the capital of France?", "And of Germany?", "What is the capital of Germany?");
    }

    #[test]
    fn the_earlier_thing_stays() {
        let warranty = "How long is the warranty of the K2?";
        check(warranty, "and for the Pro version?", "How long is the warranty of the K2 Pro version?");
        check(warranty, "And for the older version?", "How long is the warranty of the K2, for the older version?");
        check(warranty, "And in Germany?", "How long is the warranty of the K2, in Germany?");
        check(
            "How long is the warranty of the K2 in Norway?",
            "And in Germany?",
            "How long is the warranty of the K2 in Germany?",
        );
        check(warranty, "And the K20?", "How long is the warranty of the K20?");
        let about = " (about: How long is the warranty of the K2)";
        for whole in
            ["And its battery?", "And then?", "Why?", "Why is that?", "And Germany?", "And now?", "And why not?"]
        {
            check(warranty, whole, &format!("{whole}{about}"));
        }
        for topic in ["How do I claim it?", "What does it cover?", "Do they replace it?"] {
            check(warranty, topic, &format!("{topic} (about: the warranty of the K2)"));
        }
        check(warranty, "What about returns?", "What about returns? (about: the K2)");
        check(warranty, "And how long is the delivery?", "How long is the delivery? (about: the warranty of the K2)");
        check(
            "How long is the warranty of sensors?",
            "How do I claim it?",
            "How do I claim it? (about: the warranty of sensors)",
        );
        check(
            "How long are the seals of a V3 under warranty?",
            "How do I claim it?",
            "How do I claim it? (about: How long are the seals of a V3 under warranty)",
        );
        check(
            "How do I reset a hub?",
            "How long does it take?",
            "How long does it take? (about: How do I reset a hub)",
        );
    }

    #[test]
    fn follow_ups_of_follow_ups() {
        let claim = "How do I claim it? (about: the warranty of the K2)";
        check(claim, "And of the K20?", "How do I claim it? (about: the warranty of the K20)");
        check(claim, "And in Germany?", "How do I claim it, in Germany? (about: the warranty of the K2)");
        check(
            claim,
            "How long does it take?",
            "How long does it take? (about: How do I claim it; the warranty of the K2)",
        );
        let third = "How long does it take? (about: How do I claim it; the warranty of the K2)";
        check(third, "Why?", "Why? (about: How long does it take; the warranty of the K2)");
        assert_eq!(self_contained(claim, "How much is the H1?"), None);
    }

    #[test]
    fn chinese_follow_ups() {
        let warranty = "K2 的保修期多长？";
        check(warranty, "那 K20 呢？", "K20 的保修期多长？");
        check(warranty, "K2 Pro 呢？", "K2 Pro 的保修期多长？");
        check(warranty, "那 Pro 版呢？", "K2 Pro 版 的保修期多长？");
        check(warranty, "它多重？", "K2多重？");
        check(warranty, "它的价格是多少？", "K2的价格是多少？");
        check(warranty, "怎么申请？", "怎么申请（关于：K2 的保修期多长）？");
        check(warranty, "那怎么申请呢？", "怎么申请呢（关于：K2 的保修期多长）？");
        check(warranty, "怎么申请它？", "怎么申请它（关于：K2 的保修期多长）？");
        check(warranty, "那电池呢？", "那电池呢（关于：K2 的保修期多长）？");
        check(warranty, "那在德国呢？", "那在德国呢（关于：K2 的保修期多长）？");
        check("网关的保修期多长？", "那传感器呢？", "那传感器呢（关于：网关的保修期多长）？");
        check("网关的保修期多长？", "它多少钱？", "网关多少钱？");
        check("保修期多长？", "传感器呢？", "传感器呢（关于：保修期多长）？");
        check("退货政策是什么？", "那换货呢？", "那换货呢（关于：退货政策是什么）？");
        check(warranty, "那它的电池呢？", "那它的电池呢（关于：K2 的保修期多长）？");
        check("《战国无双3》是由谁开发的？", "它什么时候发售？", "《战国无双3》什么时候发售？");
        check("《战国无双3》是由谁开发的？", "那《三国无双》呢？", "《三国无双》是由谁开发的？");
        check("如何重置？", "这个要多久？", "这个要多久（关于：如何重置）？");
        check("H1 Mini 有多重？", "那么 H10 呢？", "H10 有多重？");
        check("max_conn 默认是多少？", "它们可以改吗？", "它们可以改吗（关于：max_conn 默认是多少）？");
        check("怎么申请（关于：K2 的保修期多长）？", "要多久？", "要多久（关于：怎么申请；K2 的保修期多长）？");
    }

    #[test]
    fn a_question_in_the_other_language_keeps_the_topic() {
        check("How much does the K2 cost?", "那 K20 呢？", "那 K20 呢（关于：How much does the K2 cost）？");
        check("K2 的保修期多长？", "And the K20?", "And the K20? (about: K2 的保修期多长)");
        check("K2 的保修期多长？", "How much does the H1 cost?", "How much does the H1 cost?");
    }

    #[test]
    fn what_stands_alone_stays() {
        for question in [
            "How long is the warranty of the K2?",
            "How long is the warranty?",
            "Is it possible to return a hub after a year?",
            "And how do I reset the H10?",
            "And the warranty of the H10?",
            "Does this sensor float?",
            "Is there a battery in the H1?",
            "When was Ada Quell born, and where did she live?",
            "H1 可以挂墙上吗？",
            "其他型号的保修期多长？",
            "春节期间会推送新固件吗？",
        ] {
            let made = self_contained(question, "How much does the K20 cost?");
            assert_eq!(made, None, "{question}");
        }
        assert_eq!(self_contained("And the K2?", ""), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(question in ".{0,50}", before in ".{0,50}") {
            let _ = self_contained(&question, &before);
        }

        #[test]
        fn the_subject_is_never_dropped_and_nothing_is_glued(
            start in "(And |What about |How about |And for |And of |And in |)",
            article in "(the |a |its |their |)",
            noun in "(battery|returns|then|now|there|in Germany|why|it|that|Pro version|older one|delivery times)",
            before in "(How long is the warranty of the K2|How much does the K2 cost|Does the K2 float|Who makes the K2)",
        ) {
            let question = format!("{start}{article}{noun}?");
            let made = self_contained(&question, &format!("{before}?"));
            let leans = !start.is_empty();
            proptest::prop_assert!(made.is_some() || !leans, "{question}");
            let Some(made) = made else { return Ok(()) };
            proptest::prop_assert!(made.contains("K2"), "{question} -> {made}");
            if article != "the " && article != "a " {
                for article in ["the", "a", "of the"] {
                    for word in ["its", "their", "then", "now", "there", "in", "why", "it", "that"] {
                        proptest::prop_assert!(!made.contains(&format!(" {article} {word} ")), "{question} -> {made}");
                        proptest::prop_assert!(!made.contains(&format!(" {article} {word}?")), "{question} -> {made}");
                    }
                }
            }
        }
    }
}
