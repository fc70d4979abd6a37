//! Words of running text, as the rules for names and phrases see them.

use super::key::{is_han, is_identifier};

/// A word without the marks around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// The word.
    pub text: &'a str,
    /// First byte in the text.
    pub start: usize,
    /// Whether it begins a sentence, a cell or an item.
    pub initial: bool,
    /// Whether only spaces stand between it and the word before.
    pub joined: bool,
    /// What it looks like.
    pub shape: Shape,
}

/// What a word looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Lower-case letters.
    Lower,
    /// A capital first.
    Capital,
    /// Two or more capitals and nothing else but digits.
    Acronym,
    /// Digits among letters, underscores, inner capitals.
    Identifier,
    /// Digits, perhaps with a decimal mark.
    Number,
}

impl Word<'_> {
    /// One past its last byte.
    pub(super) const fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Words with a dot that ends no sentence.
const ABBREVIATIONS: [&str; 24] = [
    "Dr", "Mr", "Mrs", "Ms", "Prof", "St", "Mt", "Ft", "No", "Nos", "Vol", "Fig", "Sec", "Ch", "Art", "Jr", "Sr",
    "Gen", "Col", "Lt", "Sgt", "Capt", "vs", "approx",
];

/// The words of `text` that are written with spaces; runs of Han characters are
/// breaks between them.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::with_capacity(text.len() / 6);
    let (mut initial, mut joined) = (true, false);
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if !starts_word(c) || is_han(c) {
            match c {
                '\n' if ends_line(&text[at + 1..]) => (initial, joined) = (true, false),
                c if c.is_whitespace() => {}
                '.' if words.last().is_some_and(|word| word.end() == at && keeps_on(word.text)) => {}
                '.' | '!' | '?' | '。' | '！' | '？' | '|' | '•' => (initial, joined) = (true, false),
                _ => joined = false,
            }
            at += c.len_utf8();
            continue;
        }
        let end = word_end(text, at);
        let word = &text[at..end];
        words.push(Word { text: word, start: at, initial, joined, shape: shape(word) });
        (initial, joined) = (false, true);
        at = end;
    }
    words
}

fn starts_word(c: char) -> bool {
    c.is_alphanumeric()
}

/// Whether a line break with this after it ends a sentence: an empty line, an
/// item, a row.
fn ends_line(rest: &str) -> bool {
    let rest = rest.trim_start_matches([' ', '\t']);
    rest.starts_with(['\n', '\r', '|', '-', '*', '+', '#', '>', '•']) || rest.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a dot after `word` belongs to it.
fn keeps_on(word: &str) -> bool {
    let mut chars = word.chars();
    let single = chars.next().is_some_and(char::is_uppercase) && chars.next().is_none();
    single || ABBREVIATIONS.contains(&word) || (word.contains('.') && word.len() <= 5)
}

/// One past the last byte of the word that begins at `at`.
fn word_end(text: &str, at: usize) -> usize {
    let mut end = at;
    loop {
        let rest = &text[end..];
        let run = rest.find(|c: char| !c.is_alphanumeric() || is_han(c)).unwrap_or(rest.len());
        end += run;
        let rest = &text[end..];
        let Some(mark) = rest.chars().next() else { return end };
        let joins = match mark {
            '_' | '-' | '.' | '\'' | '\u{2019}' | '&' => mark.len_utf8(),
            ':' if rest.starts_with("::") => 2,
            // Thousands.
            ',' if text[..end].ends_with(|c: char| c.is_ascii_digit()) => 1,
            '+' if rest.starts_with("++") => return end + 2,
            '#' if end == at + 1 => return end + 1,
            _ => return end,
        };
        let follows = rest[joins..].chars().next();
        let goes_on = match mark {
            ',' => follows.is_some_and(|c| c.is_ascii_digit()),
            _ => follows.is_some_and(|c| c.is_alphanumeric() && !is_han(c)),
        };
        if !goes_on {
            return end;
        }
        end += joins;
    }
}

fn shape(word: &str) -> Shape {
    if is_identifier(word) {
        return Shape::Identifier;
    }
    let letters = || word.chars().filter(|c| c.is_alphabetic());
    match letters().next() {
        None => Shape::Number,
        Some(first) if !first.is_uppercase() => Shape::Lower,
        Some(_) if letters().count() > 1 && letters().all(char::is_uppercase) => Shape::Acronym,
        Some(_) => Shape::Capital,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        let word = |w: &Word<'_>| {
            format!(
                "{}{}{}",
                if w.initial {
                    "^"
                } else if w.joined {
                    ""
                } else {
                    ","
                },
                w.text,
                mark(w.shape)
            )
        };
        words(text).iter().map(word).collect::<Vec<_>>().join(" ")
    }

    fn mark(shape: Shape) -> &'static str {
        match shape {
            Shape::Lower => "",
            Shape::Capital => ":C",
            Shape::Acronym => ":A",
            Shape::Identifier => ":I",
            Shape::Number => ":N",
        }
    }

    #[test]
    fn sentences_and_marks() {
        assert_eq!(show("The hub (an H10) failed. Dr. Wu came."), "^The:C hub ,an H10:I ,failed ^Dr:C Wu:C came");
        assert_eq!(show("J. R. R. Tolkien, U.S. army"), "^J:C R:C R:C Tolkien:C ,U.S:A army");
        assert_eq!(show("soft\nwrap\n\nNew\n- item"), "^soft wrap ^New:C ^item");
    }

    #[test]
    fn identifiers_and_numbers() {
        assert_eq!(show("set max_conn=1,000 in a::b v2.3.1"), "^set max_conn:I ,1,000:N in a::b:I v2.3.1:I");
        assert_eq!(show("C++ and C# on AT&T"), "^C++:C and C#:C on AT&T:A");
    }

    #[test]
    fn han_is_a_break() {
        assert_eq!(show("按住H1网关 K2"), "^H1:I ,K2:I");
    }
}
