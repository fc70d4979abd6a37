//! Keeps the model from citing what it was not given.

/// Follows the text as it is written and tells which continuations would make a
/// citation mark `[n]` (or `【n】`) whose number is not among the passages.
///
/// After an opening bracket, digits may only spell a number from 1 to the
/// greatest; several numbers may stand in one mark. Everything else that
/// brackets are used for, such as links or `[x]`, stays possible.
#[derive(Clone, Debug)]
pub struct CitationGuard {
    greatest: usize,
    state: State,
    /// The last bytes, to know brackets of several bytes by.
    tail: [u8; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Outside of marks.
    Text,
    /// After an opening bracket or a separator inside of a mark.
    Open,
    /// Inside a number.
    Number(usize),
}

impl CitationGuard {
    /// A guard for an answer from `greatest` passages.
    pub fn new(greatest: usize) -> Self {
        Self { greatest, state: State::Text, tail: [0; 3] }
    }

    /// Whether these bytes may follow.
    pub fn allows(&self, bytes: &[u8]) -> bool {
        let mut copy = self.clone();
        bytes.iter().all(|&byte| copy.step(byte))
    }

    /// Takes note that these bytes followed.
    pub fn advance(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.step(byte);
        }
    }

    fn step(&mut self, byte: u8) -> bool {
        self.tail = [self.tail[1], self.tail[2], byte];
        let next = match (self.state, byte) {
            (_, b'[') => State::Open,
            (State::Open, b'0'..=b'9') => State::Number(usize::from(byte - b'0')),
            (State::Number(n), b'0'..=b'9') => {
                State::Number(n.saturating_mul(10).saturating_add(usize::from(byte - b'0')))
            }
            (State::Open | State::Number(_), b' ' | b',' | b';' | b'-' | b'^') => State::Open,
            _ if self.tail == *"【".as_bytes() => State::Open,
            (State::Open | State::Number(_), _) if is_wide_separator_part(self.tail) => State::Open,
            _ => State::Text,
        };
        // The bytes before the last one of a wide separator end the number but not the mark.
        self.state = match (self.state, next) {
            (State::Open | State::Number(_), State::Text) if byte >= 0x80 && !ends_character(self.tail) => State::Open,
            (_, next) => next,
        };
        !matches!(self.state, State::Number(n) if n == 0 || n > self.greatest)
    }
}

/// Whether the tail is `，` or `、` or `–`, with which numbers are listed.
fn is_wide_separator_part(tail: [u8; 3]) -> bool {
    ["，", "、", "–"].iter().any(|separator| separator.as_bytes() == tail)
}

/// Whether the last byte completes a character of two or three bytes, or is the
/// third of four.
fn ends_character(tail: [u8; 3]) -> bool {
    let follows = |byte: u8| byte & 0xC0 == 0x80;
    follows(tail[2]) && (matches!(tail[1], 0xC0..=0xDF) || tail[0] >= 0xE0 && follows(tail[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard_after(greatest: usize, text: &str) -> CitationGuard {
        let mut guard = CitationGuard::new(greatest);
        guard.advance(text.as_bytes());
        guard
    }

    #[track_caller]
    fn check(greatest: usize, before: &str, allowed: &[&str], forbidden: &[&str]) {
        let guard = guard_after(greatest, before);
        for token in allowed {
            assert!(guard.allows(token.as_bytes()), "{before:?} + {token:?} must be possible");
        }
        for token in forbidden {
            assert!(!guard.allows(token.as_bytes()), "{before:?} + {token:?} must be impossible");
        }
    }

    #[test]
    fn only_given_numbers_can_be_cited() {
        check(3, "It is so ", &["[", " [", "[1", "[3]", " [2].", "[1][2"], &["[4", " [12", "[0", "[1][4", "[99]."]);
        check(3, "It is so [", &["1", "2]", "3].", "1, 2"], &["0", "4", "12", "31", "1, 4"]);
        check(12, "[1", &["2", "]", "0", ", 12]"], &["3", "20", "99", "23"]);
        check(3, "[1", &["]", "][2]", ","], &["0", "1", "2]"]);
        check(3, "[1, ", &["3]", "2"], &["4", "77"]);
    }

    #[test]
    fn wide_marks_are_marks() {
        check(3, "保修期【", &["1】", "3"], &["4】", "17"]);
        check(3, "保修期", &["【2】"], &["【9】"]);
        check(3, "【1，", &["2】"], &["8】"]);
        check(3, "[1、", &["2]"], &["8]"]);
    }

    #[test]
    fn without_passages_nothing_can_be_cited() {
        check(0, "So ", &["[", "[x]", "7"], &["[1", "[0"]);
    }

    #[test]
    fn other_brackets_stay_possible() {
        check(2, "See ", &["[link](http://a/7)", "[x] 55", "[ ] 55", "a[i] = 40", "[a4]"], &[]);
        check(2, "See [link", &["](http://a/99", "7]"], &[]);
        check(2, "[1] in 2024", &["5", " 17"], &[]);
        check(2, "[中", &["9", "文9"], &[]);
        check(2, "[é", &["9"], &[]);
        check(2, "[👧", &["9"], &[]);
        check(2, "12", &["34"], &[]);
    }

    #[test]
    fn tokens_may_end_anywhere() {
        // The wide bracket arrives byte by byte.
        let mut guard = CitationGuard::new(2);
        for byte in "【".bytes() {
            assert!(guard.allows(&[byte]));
            guard.advance(&[byte]);
        }
        assert!(guard.allows(b"2") && !guard.allows(b"3"));
    }
}
