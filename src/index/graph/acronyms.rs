//! Acronyms and what they stand for, where a text says so itself.
//!
//! `Long Form (LF)` and `LF (Long Form)`, matched by the algorithm of Schwartz
//! and Hearst (2003), "A simple algorithm for identifying abbreviation
//! definitions in biomedical text".

/// An acronym and its expansion, as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub short: String,
    pub long: String,
}

/// The definitions in `text`.
pub(super) fn definitions(text: &str) -> Vec<Definition> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find(['(', '（']).map(|at| from + at) {
        let width = text[open..].chars().next().map_or(1, char::len_utf8);
        let inside = &text[open + width..];
        from = open + width;
        let Some(close) = inside.find([')', '）', '\n']) else { break };
        let inside = inside[..close].split([',', ';', '，', '；']).next().unwrap_or_default().trim();
        let before = text[..open].trim_end();
        if is_short_form(inside) {
            found.extend(long_form(inside, before).map(|long| Definition { short: inside.to_owned(), long }));
        } else if let Some(short) = before.rsplit([' ', '\n']).next().filter(|word| is_short_form(word)) {
            let whole = long_form(short, inside).filter(|long| long.len() == inside.len());
            found.extend(whole.map(|long| Definition { short: short.to_owned(), long }));
        }
    }
    found
}

/// Two to ten characters with a capital, a letter first.
fn is_short_form(word: &str) -> bool {
    let chars = word.chars().count();
    (2..=10).contains(&chars)
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '&' | '.'))
        && word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().filter(char::is_ascii_uppercase).count() >= 2
}

/// The words at the end of `text` that `short` stands for.
fn long_form(short: &str, text: &str) -> Option<String> {
    // The definition stands in the sentence, within a few words.
    let most = (short.len() + 5).min(short.len() * 2);
    let sentence = text.rsplit(['\n', '(', ')', '（', '）', '。', ';', '；']).next()?;
    let start = sentence.rmatch_indices(' ').nth(most).map_or(0, |(at, _)| at + 1);
    let window = &sentence[start..];
    let letters: Vec<char> = short.chars().filter(char::is_ascii_alphanumeric).collect();
    let from = by_initials(&letters, window).or_else(|| by_letters(&letters, window))?;
    let long = window[from..].trim_matches(['"', '“', '”', ' ']);
    let words = long.split_whitespace().count();
    // Not the acronym itself, and not a word that happens to hold the letters.
    (words >= 2 && words <= most && !long.split_whitespace().any(|word| word == short)).then(|| long.to_owned())
}

/// Where the words begin whose initials are `letters`; small words may be left
/// out. The published algorithm would take the `of` of `Organization of Arab
/// Petroleum Exporting Countries` for the O.
fn by_initials(letters: &[char], window: &str) -> Option<usize> {
    let mut letters = letters.iter().rev().peekable();
    let mut from = None;
    let starts = window.char_indices().filter(|&(at, c)| {
        c.is_alphanumeric() && !window[..at].ends_with(|before: char| before.is_alphanumeric() || before == '\'')
    });
    for (at, c) in starts.collect::<Vec<_>>().into_iter().rev() {
        let Some(letter) = letters.peek() else { break };
        if c.eq_ignore_ascii_case(letter) && !is_small(&window[at..]) {
            letters.next();
            from = Some(at);
        } else if !is_small(&window[at..]) {
            return None;
        }
    }
    from.filter(|_| letters.peek().is_none())
}

fn is_small(rest: &str) -> bool {
    let word = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    matches!(word, "of" | "the" | "and" | "for" | "in" | "on" | "to" | "de" | "la" | "a" | "an")
}

/// Where the shortest end begins that holds `letters` in order, the first of
/// them at the beginning of a word.
fn by_letters(letters: &[char], window: &str) -> Option<usize> {
    let window: Vec<(usize, char)> = window.char_indices().collect();
    let mut at = window.len();
    for (index, letter) in letters.iter().enumerate().rev() {
        loop {
            at = at.checked_sub(1)?;
            let word_start = at == 0 || !window[at - 1].1.is_alphanumeric();
            if window[at].1.eq_ignore_ascii_case(letter) && (index > 0 || word_start) {
                break;
            }
        }
    }
    Some(window[at].0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = definitions(text);
        let found: Vec<(&str, &str)> = found.iter().map(|d| (d.short.as_str(), d.long.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn long_forms_before_and_after() {
        check(
            "members of the Organization of Arab Petroleum Exporting Countries (OAPEC, consisting of OPEC) met",
            &[("OAPEC", "Organization of Arab Petroleum Exporting Countries")],
        );
        check("Use a VPN (virtual private network) here.", &[("VPN", "virtual private network")]);
        check("magnetic resonance imaging (MRI) sequence", &[("MRI", "magnetic resonance imaging")]);
    }

    #[test]
    fn what_defines_nothing() {
        check("the hub (see K2) and the meter (DN20 pipe) and (open", &[]);
        check("members of NATO (USA) and the (UN)", &[]);
        check("", &[]);
    }
}
