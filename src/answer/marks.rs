//! The model's citation marks, taken out of its text.

/// A draft without its marks, and where they stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The text without marks.
    pub text: String,
    /// The marks in order.
    pub marks: Vec<Mark>,
}

/// A mark `[n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Byte offset in [`Draft::text`] of the end of the words that it follows.
    pub position: usize,
    /// The number in it.
    pub number: usize,
}

/// Takes `[1]`, `[1, 2]`, `[1][2]` and `【1】` out of `draft`, together with the
/// space in front of them.
#[must_use]
pub fn strip_marks(draft: &str) -> Draft {
    let mut text = String::with_capacity(draft.len());
    let mut marks = Vec::new();
    let mut rest = draft;
    while let Some(c) = rest.chars().next() {
        if let Some((numbers, length)) = mark_at(rest) {
            // Marks after a full stop and a space belong to the words before it.
            let end = text.trim_end().len();
            marks.extend(numbers.into_iter().map(|number| Mark { position: end, number }));
            rest = &rest[length..];
            let stop_follows = rest.starts_with(['.', '。', ',', '，', ';', '；', '!', '！', '?', '？', ':', '：']);
            if stop_follows || rest.starts_with(char::is_whitespace) || rest.is_empty() {
                text.truncate(end);
            }
        } else {
            text.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    Draft { text, marks }
}

/// The numbers of the mark at the start of `text`, and its length in bytes.
fn mark_at(text: &str) -> Option<(Vec<usize>, usize)> {
    let (open, close) = match text.chars().next()? {
        '[' => ('[', ']'),
        '【' => ('【', '】'),
        _ => return None,
    };
    let end = text.find(close)?;
    let inside = &text[open.len_utf8()..end];
    if inside.is_empty() || inside.len() > 24 {
        return None;
    }
    let numbers: Option<Vec<usize>> = inside
        .split([',', '，', '、', ' '])
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().ok().filter(|number| (1..1000).contains(number)))
        .collect();
    let numbers = numbers.filter(|numbers| !numbers.is_empty())?;
    Some((numbers, end + close.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(draft: &str, text: &str, marks: &[(usize, usize)]) {
        let stripped = strip_marks(draft);
        assert_eq!(stripped.text, text);
        assert_eq!(stripped.marks.iter().map(|m| (m.position, m.number)).collect::<Vec<_>>(), marks);
    }

    #[test]
    fn marks_leave_no_trace() {
        check("It is 24 months [1].", "It is 24 months.", &[(15, 1)]);
        check("One. [1] Two. [2]", "One. Two.", &[(4, 1), (9, 2)]);
        check("保修期为两年。[1]更多【2】", "保修期为两年。更多", &[(21, 1), (27, 2)]);
        check("Both [1, 2][3] hold.", "Both hold.", &[(4, 1), (4, 2), (4, 3)]);
    }

    #[test]
    fn other_brackets_stay() {
        for text in ["an array a[i] and [link](x)", "[ ] to do", "[] empty", "open [1", "[0] [1000000]"] {
            check(text, text, &[]);
        }
    }
}
