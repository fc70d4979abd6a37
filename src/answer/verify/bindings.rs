//! Which of several things a source says something of.
//!
//! "Designed by Anna Berg and built by Karl Otto" has every word of "designed by Karl
//! Otto", and so has "24 months for the K2 and 36 months for the K2 Pro" of "36 months
//! for the K2". Each rule asks for a crossing: the source ties what the sentence ties
//! together to other things, which the sentence does not name.

use crate::answer::verify::facts::numbers;
use crate::index::analyse;

/// Words that say the same from either side.
const MUTUAL: [&str; 14] = [
    "and", "or", "with", "between", "near", "beside", "equals", "equal", "borders", "meets", "met", "married", "as",
    "to",
];
/// Words that turn a verb around.
const TURNED: [&str; 4] = ["by", "被", "由", "from"];
/// Where one thing ends and the next begins.
const ENDS: [&str; 8] = [" and ", " but ", " while ", " whereas ", ",", ";", "，", "；"];

/// A word of a text, in order.
#[derive(Clone, Debug, PartialEq)]
enum Word {
    /// A proper name or identifier, of one word or several, in lower case.
    Name(String),
    /// A number in one form.
    Number(String),
    /// Another word with a meaning of its own, as a term.
    Plain(String),
}

/// Whether `sentence` ties together what `source` ties to something else.
pub(super) fn crossed(sentence: &str, source: &str) -> bool {
    let said = words(sentence);
    let given: Vec<Vec<Word>> = parts(source).into_iter().map(words).collect();
    is_turned_around(&said, &words(source), sentence, source)
        || given.len() > 1 && (has_number_of_another(&said, &given) || has_deed_of_another(&said, &given))
}

/// "The K2 has 36 months" for "24 months for the K2 and 36 for the K2 Pro".
fn has_number_of_another(said: &[Word], given: &[Vec<Word>]) -> bool {
    let (names, figures): (Vec<&Word>, Vec<&Word>) = (
        said.iter().filter(|word| matches!(word, Word::Name(_))).collect(),
        said.iter().filter(|word| matches!(word, Word::Number(_))).collect(),
    );
    let other = |part: &Vec<Word>, known: &[&Word]| {
        part.iter()
            .any(|word| std::mem::discriminant(word) == std::mem::discriminant(known[0]) && !known.contains(&word))
    };
    names.iter().any(|name| {
        figures.iter().any(|figure| {
            let (Some(of_name), Some(of_figure)) = (only_part(name, given), only_part(figure, given)) else {
                return false;
            };
            of_name != of_figure && other(&given[of_name], &figures) && other(&given[of_figure], &names)
        })
    })
}

/// "Designed by Karl Otto" for "designed by Anna Berg and built by Karl Otto".
fn has_deed_of_another(said: &[Word], given: &[Vec<Word>]) -> bool {
    let other_name = |word: &Word| matches!(word, Word::Name(_)) && !said.contains(word);
    pairs(said).any(|(deed, name)| {
        let (Some(of_deed), Some(of_name)) = (only_part(deed, given), only_part(name, given)) else { return false };
        of_deed != of_name
            && pairs(&given[of_deed]).any(|(other_deed, other)| other_deed == deed && other_name(other))
            && pairs(&given[of_name]).any(|(other_deed, other)| other == name && !said.contains(other_deed))
    })
}

/// Words and the names right beside them.
fn pairs(words: &[Word]) -> impl Iterator<Item = (&Word, &Word)> {
    words.windows(2).filter_map(|two| match two {
        [deed @ Word::Plain(_), name @ Word::Name(_)] | [name @ Word::Name(_), deed @ Word::Plain(_)] => {
            Some((deed, name))
        }
        _ => None,
    })
}

/// "The tank supplies the pump" for "the pump supplies the tank".
fn is_turned_around(said: &[Word], given: &[Word], sentence: &str, source: &str) -> bool {
    let has = |text: &str, words: &[&str]| {
        text.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
            || words.iter().any(|word| !word.is_ascii() && text.contains(word))
    };
    if has(sentence, &TURNED) != has(source, &TURNED) || has(sentence, &MUTUAL) {
        return false;
    }
    let (Some((first, between, second)), false) = (two_names(said), said.is_empty()) else { return false };
    let stands = |first: &Word, second: &Word| {
        let at = |word: &Word| given.iter().position(|other| other == word);
        matches!((at(first), at(second)), (Some(from), Some(to)) if from < to && given[from + 1..to] == *between)
    };
    stands(second, first) && !stands(first, second)
}

/// The only two names of a sentence, and the words between them.
fn two_names(said: &[Word]) -> Option<(&Word, &[Word], &Word)> {
    let mut at = (0..said.len()).filter(|&at| matches!(said[at], Word::Name(_)));
    let (first, second) = (at.next()?, at.next()?);
    let between = &said[first + 1..second];
    (at.next().is_none() && !between.is_empty()).then(|| (&said[first], between, &said[second]))
}

/// The only part that has `word`.
fn only_part(word: &Word, parts: &[Vec<Word>]) -> Option<usize> {
    let mut having = (0..parts.len()).filter(|&at| parts[at].contains(word));
    having.next().filter(|_| having.next().is_none())
}

fn parts(text: &str) -> Vec<&str> {
    let mut parts = vec![text];
    for end in ENDS {
        let thousands = |before: &str, after: &str| {
            end == ","
                && before.ends_with(|c: char| c.is_ascii_digit())
                && after.starts_with(|c: char| c.is_ascii_digit())
        };
        parts = parts
            .into_iter()
            .flat_map(|part| {
                let mut from = 0;
                let mut cut = Vec::new();
                for (at, mark) in part.match_indices(end) {
                    if !thousands(&part[..at], &part[at + mark.len()..]) {
                        cut.push(&part[from..at]);
                        from = at + mark.len();
                    }
                }
                cut.push(&part[from..]);
                cut
            })
            .collect();
    }
    parts.retain(|part| part.chars().any(char::is_alphanumeric));
    parts
}

fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    // Whether the next word continues a name, and whether a sentence begins.
    let (mut joins, mut begins) = (false, true);
    // The first word of a sentence, which begins a name if another of it follows.
    let mut opening: Option<String> = None;
    for token in text.split_whitespace() {
        let plain = token.trim_matches(|c: char| !c.is_alphanumeric());
        let plain = plain.strip_suffix("'s").or_else(|| plain.strip_suffix("’s")).unwrap_or(plain);
        let ends = !token.ends_with(plain) || !token.starts_with(plain);
        let terms: Vec<String> = analyse(plain).into_iter().map(|term| term.text).collect();
        let mixed = plain.chars().skip(1).any(char::is_uppercase)
            || plain.starts_with(char::is_uppercase) && plain.chars().any(|c| c.is_ascii_digit());
        let name = plain.is_ascii() && (mixed || plain.starts_with(char::is_uppercase) && (!begins || joins));
        let figures = numbers(plain);
        let first = begins && !ends && plain.is_ascii() && plain.starts_with(char::is_uppercase) && terms.len() == 1;
        begins = token.ends_with(['.', '?', '!', ':']);
        if name && !terms.is_empty() {
            let own = plain.to_lowercase();
            match (words.last_mut(), opening.take()) {
                (Some(Word::Name(last)), _) if joins => *last = format!("{last} {own}"),
                (Some(last), Some(opening)) => *last = Word::Name(format!("{opening} {own}")),
                _ => words.push(Word::Name(own)),
            }
            joins = !ends;
            continue;
        }
        joins = false;
        opening = first.then(|| plain.to_lowercase());
        if !figures.is_empty() {
            words.extend(figures.into_iter().map(Word::Number));
        } else {
            words.extend(terms.into_iter().map(Word::Plain));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tied_to_something_else_is_seen() {
        let pump = "The Pump X5 was designed by Anna Berg in 1998 and built by Karl Otto in 2004.";
        let months = "The warranty is 24 months for the K2 and 36 months for the K2 Pro.";
        let supplies = "The Pump X5 supplies the Tank T2.";
        for (sentence, source, wrong) in [
            ("Karl Otto designed the Pump X5.", pump, true),
            ("Anna Berg designed the Pump X5.", pump, false),
            ("It was built by Karl Otto.", pump, false),
            ("It was designed by Karl Otto.", pump, true),
            ("It was designed by Anna Berg and built by Karl Otto.", pump, false),
            ("Anna Berg did it in 2004.", pump, true),
            ("The warranty of the K2 is 36 months.", months, true),
            ("The K2 Pro has a warranty of 24 months.", months, true),
            ("The warranty of the K2 is 24 months.", months, false),
            ("The K2 Pro has a warranty of 36 months.", months, false),
            ("It is 24 months for the K2, and 36 months for the K2 Pro.", months, false),
            ("The Tank T2 supplies the Pump X5.", supplies, true),
            ("The Pump X5 supplies the Tank T2.", supplies, false),
            ("The Tank T2 is supplied by the Pump X5.", supplies, false),
            (
                "The company of Ada, which moved to Ghent in 2004, was founded in 1998.",
                "Founded by Ada in 1998, the company moved to Ghent in 2004 and makes pumps.",
                false,
            ),
        ] {
            assert_eq!(crossed(sentence, source), wrong, "{sentence} | {source}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_text_is_tied_as_it_is(text in "([A-Z]?[a-z]{1,5}[0-9]{0,2}(,| and)? ?){0,14}|.{0,60}") {
            let _ = crossed(&text, &text);
        }
    }
}
