//! Dates and version numbers, as they are written in names and texts.

use std::ops::Range;

/// A calendar date, as exact as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year of the common era, 1900 to 2099.
    pub year: u16,
    /// Month, 1 to 12, if it is given.
    pub month: Option<u8>,
    /// Day, 1 to 31, if it is given.
    pub day: Option<u8>,
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.year)?;
        if let Some(month) = self.month {
            write!(f, "-{month:02}")?;
        }
        self.day.map_or(Ok(()), |day| write!(f, "-{day:02}"))
    }
}

/// Something that tells one version from another, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A date.
    Date(Date),
    /// A number of one or more parts: 2, 1.10, B as 2.
    Number(Vec<u32>),
}

/// Where a search for versions looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// The name of a file or a folder, or a title.
    Name,
    /// A question: a lone year or a number with a point names a version, too.
    Question,
}

/// A piece of text: a run of digits or of letters, or one other character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Digits and their value; values that do not fit are cut.
    Digits(u32),
    /// Letters that are no Han characters, in lower case.
    Word(String),
    /// A Han character.
    Han(char),
    /// White space.
    Space,
    /// Anything else.
    Mark(char),
}

/// A piece and the bytes it stands at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub piece: Piece,
    /// Where it is.
    pub range: Range<usize>,
}

/// Cuts `text` into pieces.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for (start, c) in text.char_indices() {
        let range = start..start + c.len_utf8();
        let digit = c.to_digit(10).or_else(|| match c {
            '０'..='９' => Some(c as u32 - '０' as u32),
            _ => None,
        });
        let piece = match (digit, tokens.last_mut()) {
            (Some(digit), Some(Token { piece: Piece::Digits(value), range: before })) => {
                *value = value.saturating_mul(10).saturating_add(digit);
                before.end = range.end;
                continue;
            }
            (Some(digit), _) => Piece::Digits(digit),
            (None, _) if crate::answer::question::is_han(c) => Piece::Han(c),
            (None, Some(Token { piece: Piece::Word(word), range: before })) if c.is_alphabetic() => {
                word.extend(c.to_lowercase());
                before.end = range.end;
                continue;
            }
            (None, _) if c.is_alphabetic() => Piece::Word(c.to_lowercase().collect()),
            (None, Some(Token { piece: Piece::Space, range: before })) if c.is_whitespace() => {
                before.end = range.end;
                continue;
            }
            (None, _) if c.is_whitespace() => Piece::Space,
            (None, _) => Piece::Mark(c),
        };
        tokens.push(Token { piece, range });
    }
    tokens
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

fn month(word: &str) -> Option<u8> {
    let at = MONTHS.iter().position(|name| {
        *name == word || word.len() == 3 && name.starts_with(word) || word == "sept" && *name == "september"
    });
    at.map(|at| at as u8 + 1)
}

/// Reads pieces from a place on.
#[derive(Clone, Copy)]
struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Piece> {
        self.tokens.get(self.at).map(|token| &token.piece)
    }

    fn next(&mut self) -> Option<&'a Piece> {
        let piece = self.peek()?;
        self.at += 1;
        Some(piece)
    }

    fn space(&mut self) {
        if self.peek() == Some(&Piece::Space) {
            self.at += 1;
        }
    }

    /// The mark at this place, if it is one of `marks`.
    fn mark(&mut self, marks: &[char]) -> Option<char> {
        match self.peek() {
            Some(Piece::Mark(c)) if marks.contains(c) => {
                self.at += 1;
                Some(*c)
            }
            _ => None,
        }
    }

    fn han(&mut self, wanted: char) -> Option<()> {
        (self.peek() == Some(&Piece::Han(wanted))).then(|| self.at += 1)
    }

    /// Digits with a value in `range`.
    fn digits(&mut self, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        match self.peek() {
            Some(Piece::Digits(value)) if range.contains(value) => {
                self.at += 1;
                Some(*value)
            }
            _ => None,
        }
    }

    fn month_word(&mut self) -> Option<u8> {
        let Some(Piece::Word(word)) = self.peek() else { return None };
        let month = month(word)?;
        self.at += 1;
        Some(month)
    }

    /// Tries to read with `read`; reads nothing when that gives none.
    fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mut ahead = *self;
        let value = read(&mut ahead)?;
        *self = ahead;
        Some(value)
    }

    /// Number of digits at this place.
    fn width(&self) -> usize {
        self.tokens.get(self.at).map_or(0, |token| match token.piece {
            Piece::Digits(_) => token.range.len(),
            _ => 0,
        })
    }
}

/// The date at `at`, and how many tokens it takes.
#[must_use]
pub fn date_at(tokens: &[Token], at: usize) -> Option<(Date, usize)> {
    let mut reader = Reader { tokens, at };
    // E-2042 is an error code, SP-2025 an edition.
    let code = at >= 2
        && tokens[at - 1].piece == Piece::Mark('-')
        && matches!(&tokens[at - 2].piece, Piece::Word(letter) if letter.chars().count() == 1);
    let starts = !code && (at == 0 || !joined(&tokens[at - 1], &tokens[at]));
    let date = starts.then(|| date(&mut reader)).flatten()?;
    // "2026C" is no year.
    let ends = match (tokens.get(reader.at), tokens.get(reader.at - 1)) {
        (Some(next), Some(last)) => !joined(last, next),
        _ => true,
    };
    ends.then_some((date, reader.at - at))
}

/// Whether two neighbouring pieces make one word, such as K and 20.
fn joined(before: &Token, after: &Token) -> bool {
    let plain = |piece: &Piece| matches!(piece, Piece::Digits(_) | Piece::Word(_));
    plain(&before.piece) && plain(&after.piece)
}

fn date(reader: &mut Reader<'_>) -> Option<Date> {
    let full =
        |year: u32, month: u32, day: u32| Date { year: year as u16, month: Some(month as u8), day: Some(day as u8) };
    if let Some(month) = reader.maybe(Reader::month_word) {
        // "June 2026", "June 15, 2026".
        reader.mark(&['.']);
        reader.space();
        let day = reader.maybe(|r| {
            let day = (r.width() <= 2).then(|| r.digits(1..=31)).flatten()?;
            r.maybe(|r| {
                matches!(r.next(), Some(Piece::Word(w)) if ["st", "nd", "rd", "th"].contains(&w.as_str())).then_some(())
            });
            r.mark(&[',']);
            r.space();
            Some(day)
        });
        let year = reader.digits(1900..=2099)?;
        return Some(Date { year: year as u16, month: Some(month), day: day.map(|day| day as u8) });
    }
    match reader.width() {
        1 | 2 => {
            // "15 June 2026".
            let day = reader.digits(1..=31)?;
            reader.maybe(|r| {
                matches!(r.next(), Some(Piece::Word(w)) if ["st", "nd", "rd", "th"].contains(&w.as_str())).then_some(())
            });
            reader.space();
            let month = reader.month_word()?;
            reader.mark(&['.', ',']);
            reader.space();
            let year = reader.digits(1900..=2099)?;
            Some(full(year, month.into(), day))
        }
        8 => {
            let value = reader.digits(19_000_101..=20_991_231)?;
            let (year, month, day) = (value / 10_000, value / 100 % 100, value % 100);
            ((1..=12).contains(&month) && (1..=31).contains(&day)).then(|| full(year, month, day))
        }
        4 => {
            let year = reader.digits(1900..=2099)?;
            let mut date = Date { year: year as u16, month: None, day: None };
            let chinese = reader.maybe(|r| {
                r.space();
                r.han('年')?;
                let month = r.maybe(|r| {
                    r.space();
                    let month = r.digits(1..=12)?;
                    r.space();
                    r.han('月').map(|()| month)
                });
                let day = month.and_then(|_| {
                    r.maybe(|r| {
                        r.space();
                        let day = r.digits(1..=31)?;
                        r.space();
                        r.han('日').map(|()| day)
                    })
                });
                Some((month, day))
            });
            if let Some((month, day)) = chinese {
                return Some(Date { month: month.map(|m| m as u8), day: day.map(|d| d as u8), ..date });
            }
            reader.maybe(|r| {
                let mark = r.mark(&['-', '/', '.', '_'])?;
                let month = (r.width() <= 2).then(|| r.digits(1..=12)).flatten()?;
                let day = r.maybe(|r| {
                    r.mark(&[mark])?;
                    (r.width() <= 2).then(|| r.digits(1..=31)).flatten()
                });
                // "2026.5" is a number.
                let exact = day.is_some() || mark == '-' || mark == '/';
                exact.then(|| {
                    date.month = Some(month as u8);
                    date.day = day.map(|day| day as u8);
                })
            });
            Some(date)
        }
        _ => None,
    }
}

/// Words that a version number follows.
const VERSION_WORDS: [&str; 10] =
    ["v", "ver", "version", "rev", "revision", "edition", "ed", "issue", "release", "版本"];

const ORDINALS: [&str; 10] =
    ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];

/// The dates and version numbers of `text`, in order.
#[must_use]
pub fn versions(text: &str, within: Within) -> Vec<(Range<usize>, Found)> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let read = date_at(&tokens, at)
            .map(|(date, length)| (Found::Date(date), length + edition_word(&tokens, at + length)))
            .or_else(|| number_at(text, &tokens, at, within));
        match read {
            Some((value, length)) => {
                found.push((tokens[at].range.start..tokens[at + length - 1].range.end, value));
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

/// How many pieces after a date only say that it is an edition's: 版, 年版, edition.
fn edition_word(tokens: &[Token], at: usize) -> usize {
    let mut reader = Reader { tokens, at };
    reader.maybe(|r| {
        r.maybe(|r| r.han('年'));
        r.maybe(|r| r.han('度'));
        r.han('版')
    });
    reader.maybe(|r| {
        r.space();
        matches!(r.next(), Some(Piece::Word(word)) if word == "edition").then_some(())
    });
    reader.at - at
}

/// The version number at `at`, and how many tokens it takes.
fn number_at(text: &str, tokens: &[Token], at: usize, within: Within) -> Option<(Found, usize)> {
    let mut reader = Reader { tokens, at };
    let begins = at == 0 || !joined(&tokens[at - 1], &tokens[at]);
    let parts = |r: &mut Reader<'_>| {
        let mut parts = vec![r.digits(0..=99_999)?];
        while let Some(part) = r.maybe(|r| r.mark(&['.']).and_then(|_| r.digits(0..=99_999))) {
            parts.push(part);
        }
        // "v2b", "2.0beta" are something else.
        (!matches!(r.peek(), Some(Piece::Word(_)))).then_some(parts)
    };
    let found = match reader.next()? {
        Piece::Word(word) if begins && VERSION_WORDS.contains(&word.as_str()) => {
            let own = &text[tokens[at].range.clone()];
            let attached = matches!(reader.peek(), Some(Piece::Digits(_)));
            while reader.mark(&['.', '-', '_']).is_some() {}
            reader.space();
            if let Some(letter) = reader.maybe(|r| letter(r, word)) {
                vec![letter]
            } else {
                let number = parts(&mut reader)?;
                // V3 may well be a product, and so may a name that begins with v3.
                let product = word == "v" && number.len() == 1 && (own == "V" || at == 0 && tokens.len() > reader.at);
                if product && attached || word == "v" && !attached {
                    return None;
                }
                number
            }
        }
        // "2nd edition", "second edition".
        Piece::Digits(value)
            if begins
                && matches!(reader.peek(), Some(Piece::Word(w)) if ["st", "nd", "rd", "th"].contains(&w.as_str())) =>
        {
            reader.next();
            edition(&mut reader)?;
            vec![*value]
        }
        Piece::Word(word) if begins && ORDINALS.contains(&word.as_str()) => {
            edition(&mut reader)?;
            vec![ORDINALS.iter().position(|ordinal| ordinal == word)? as u32 + 1]
        }
        Piece::Han('第') => {
            reader.space();
            let number = chinese_number(&mut reader)?;
            reader.space();
            reader.han('版')?;
            vec![number]
        }
        // "manual-4.2"; a name that begins with 4.2 is a chapter.
        Piece::Digits(_) if begins && (at > 0 || within == Within::Question) => {
            let mut dotted = Reader { tokens, at };
            let number = parts(&mut dotted)?;
            let fraction = number.len() < 2 || at > 0 && matches!(tokens[at - 1].piece, Piece::Mark('.' | ','));
            if fraction {
                return None;
            }
            reader = dotted;
            number
        }
        _ => return None,
    };
    Some((Found::Number(found), reader.at - at))
}

/// A single letter as a version, after "rev" only: A is 1.
fn letter(reader: &mut Reader<'_>, after: &str) -> Option<u32> {
    if !after.starts_with("rev") {
        return None;
    }
    match reader.next()? {
        Piece::Word(word) if word.len() == 1 => word.bytes().next().map(|b| u32::from(b.saturating_sub(b'a')) + 1),
        _ => None,
    }
}

fn edition(reader: &mut Reader<'_>) -> Option<()> {
    while reader.mark(&['-', '_']).is_some() {}
    reader.space();
    matches!(reader.next(), Some(Piece::Word(word)) if word == "edition" || word == "ed").then_some(())
}

/// Digits, or a Chinese numeral up to ten.
fn chinese_number(reader: &mut Reader<'_>) -> Option<u32> {
    match reader.next()? {
        Piece::Digits(value) => Some(*value),
        Piece::Han(c) => "一二三四五六七八九十".chars().position(|numeral| numeral == *c).map(|at| at as u32 + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, within: Within) -> Vec<String> {
        versions(text, within)
            .into_iter()
            .map(|(_, found)| match found {
                Found::Date(date) => date.to_string(),
                Found::Number(parts) => format!("#{}", parts.iter().map(u32::to_string).collect::<Vec<_>>().join(".")),
            })
            .collect()
    }

    #[test]
    fn names_tell_their_version() {
        for (name, expected) in [
            ("support-policy-2025", &["2025"][..]),
            ("Support Policy 2026", &["2026"]),
            ("policy_2025-03-01_final", &["2025-03-01"]),
            ("minutes 20250301", &["2025-03-01"]),
            ("price list June 2026", &["2026-06"]),
            ("Handbook, 3rd edition", &["#3"]),
            ("Handbook (second edition)", &["#2"]),
            ("manual-v2", &["#2"]),
            ("manual-v2.10", &["#2.10"]),
            ("spec rev B", &["#2"]),
            ("API version 1.2", &["#1.2"]),
            ("release-notes-4.2", &["#4.2"]),
            ("员工手册2025年版", &["2025"]),
            ("员工手册（第二版）", &["#2"]),
            ("员工手册2026年3月1日", &["2026-03-01"]),
            ("手册 第 3 版", &["#3"]),
        ] {
            assert_eq!(shown(name, Within::Name), expected, "{name}");
        }
    }

    #[test]
    fn products_chapters_and_amounts_are_no_versions() {
        for name in [
            "V3 installation guide",
            "v3-manual",
            "manual-V3",
            "K20 XL",
            "ch01-02-hello",
            "4.1-introduction",
            "H10 guide",
            "E-2042",
            "release notes",
            "report 12",
            "第三章",
            "model-2026c",
            "3 V battery",
        ] {
            assert_eq!(shown(name, Within::Name), [""; 0], "{name}");
        }
    }

    #[test]
    fn questions_name_versions() {
        for (question, expected) in [
            ("Under the 2025 rules, how fast?", &["2025"][..]),
            ("We are still on hub firmware 4.1. How many?", &["#4.1"]),
            ("按 2025 年版支持政策，多久删除？", &["2025"]),
            ("What does v2 say?", &["#2"]),
            ("How long is 24 months?", &[]),
        ] {
            assert_eq!(shown(question, Within::Question), expected, "{question}");
        }
    }

    proptest::proptest! {
        #[test]
        fn spans_are_in_order_and_on_characters(text in "(v|rev |第|版|年|月|20[0-9]{2}|[0-9.]{1,4}|[-_ a-c]|June ){0,20}|.{0,40}") {
            let found = versions(&text, Within::Name);
            let mut end = 0;
            for (range, _) in found {
                proptest::prop_assert!(range.start >= end && text.get(range.clone()).is_some());
                end = range.end;
            }
        }
    }
}
