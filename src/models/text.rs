//! The text that grows from tokens: whole characters only, stop strings held back.

/// Collects bytes and hands over text that is final.
pub struct TextStream<'a> {
    stop: &'a [String],
    /// Bytes that end inside a character.
    partial: Vec<u8>,
    /// Whole characters so far.
    text: String,
    /// Up to here, the text was handed over.
    released: usize,
    stopped: bool,
}

impl<'a> TextStream<'a> {
    /// A stream that ends where one of `stop` appears.
    pub fn new(stop: &'a [String]) -> Self {
        Self { stop, partial: Vec::new(), text: String::new(), released: 0, stopped: false }
    }

    /// Takes a token's bytes and returns the text that became final with them.
    pub fn push(&mut self, bytes: &[u8]) -> &str {
        self.partial.extend_from_slice(bytes);
        let whole = whole_characters(&self.partial);
        let from = self.text.len();
        self.text.push_str(&String::from_utf8_lossy(&self.partial[..whole]));
        self.partial.drain(..whole);
        self.find_stop(from);
        let end = if self.stopped { self.text.len() } else { self.text.len() - self.held_back() };
        self.release(end)
    }

    /// Whether a stop string appeared.
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// Returns what was held back until now.
    pub fn finish(&mut self) -> &str {
        if !self.stopped {
            let rest = std::mem::take(&mut self.partial);
            self.text.push_str(&String::from_utf8_lossy(&rest));
        }
        self.release(self.text.len())
    }

    /// All of the text.
    pub fn into_text(self) -> String {
        self.text
    }

    fn release(&mut self, end: usize) -> &str {
        let end = end.max(self.released);
        let from = std::mem::replace(&mut self.released, end);
        &self.text[from..end]
    }

    /// Looks for a stop string that ends after `from`, and cuts the text there.
    fn find_stop(&mut self, from: usize) {
        let first = self
            .stop
            .iter()
            .filter(|stop| !stop.is_empty())
            .filter_map(|stop| {
                let mut start = from.saturating_sub(stop.len());
                while !self.text.is_char_boundary(start) {
                    start -= 1;
                }
                self.text[start..].find(stop.as_str()).map(|at| start + at)
            })
            .min();
        if let Some(at) = first {
            self.text.truncate(at);
            self.stopped = true;
        }
    }

    /// Length of the end of the text that could be the start of a stop string.
    fn held_back(&self) -> usize {
        let held = |stop: &String| {
            (1..stop.len()).rev().find(|&n| stop.is_char_boundary(n) && self.text.ends_with(&stop[..n])).unwrap_or(0)
        };
        self.stop.iter().map(held).max().unwrap_or(0)
    }
}

/// Number of bytes up to the start of a character that is not complete.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let needed = match byte {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF7 => 4,
            0x80..=0xBF => continue,
            _ => 1,
        };
        return if needed > back { bytes.len() - back } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream(text: &str, size: usize, stop: &[&str]) -> (String, String, bool) {
        let stop: Vec<String> = stop.iter().map(|&stop| stop.to_owned()).collect();
        let mut stream = TextStream::new(&stop);
        let mut pieces = String::new();
        for bytes in text.as_bytes().chunks(size) {
            pieces.push_str(stream.push(bytes));
            if stream.stopped() {
                break;
            }
        }
        pieces.push_str(stream.finish());
        let stopped = stream.stopped();
        (pieces, stream.into_text(), stopped)
    }

    #[test]
    fn characters_are_never_split() {
        for size in 1..6 {
            let (pieces, text, _) = stream("保修期👩‍👩‍👧 is é 24", size, &[]);
            assert_eq!(pieces, "保修期👩‍👩‍👧 is é 24");
            assert_eq!(pieces, text);
        }
    }

    #[test]
    fn stop_strings_end_the_text() {
        for size in 1..8 {
            let (pieces, text, stopped) = stream("One.\n\nQuestion: two", size, &["\nQuestion:", "###"]);
            assert_eq!((pieces.as_str(), text.as_str(), stopped), ("One.\n", "One.\n", true));
            let (pieces, _, stopped) = stream("One.\n\nQuest", size, &["\nQuestion:"]);
            assert_eq!((pieces.as_str(), stopped), ("One.\n\nQuest", false));
        }
        assert_eq!(stream("完。停止后", 2, &["停止"]).0, "完。");
    }

    #[test]
    fn broken_bytes_do_not_hang() {
        let mut stream = TextStream::new(&[]);
        assert_eq!(stream.push(&[b'a', 0xE4]), "a");
        assert_eq!(stream.push(&[0xFF, b'b']), "\u{FFFD}\u{FFFD}b");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "[a-c保é👧 ]{0,40}", size in 1usize..9, stop in "[a-c保]{1,3}") {
            let (pieces, whole, stopped) = stream(&text, size, &[&stop]);
            prop_assert_eq!(&pieces, &whole);
            match text.find(&stop) {
                Some(at) => prop_assert!(stopped && pieces == text[..at]),
                None => prop_assert!(!stopped && pieces == text),
            }
        }
    }
}
