//! Metrics of written answers.
//!
//! Answers are compared as `SQuAD` does (Rajpurkar et al., 2016): lower case,
//! without punctuation and articles. In Chinese every character is a token, as
//! CMRC does (Cui et al., 2019), so that one rule serves mixed text.

use std::collections::HashMap;

/// The tokens by which answers are compared.
#[must_use]
pub fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let end = |word: &mut String, tokens: &mut Vec<String>| {
        if !word.is_empty() && !matches!(word.as_str(), "a" | "an" | "the") {
            tokens.push(std::mem::take(word));
        }
        word.clear();
    };
    for c in text.chars().map(halfwidth).flat_map(char::to_lowercase) {
        if is_ideographic(c) {
            end(&mut word, &mut tokens);
            tokens.push(c.to_string());
        } else if c.is_alphanumeric() {
            word.push(c);
        } else if c.is_whitespace() || is_separator(c) {
            end(&mut word, &mut tokens);
        }
    }
    end(&mut word, &mut tokens);
    tokens
}

/// Whether `output` is one of the right answers, but for what [`tokens`] drops.
/// For a question without an answer, nothing is right but an empty output.
#[must_use]
pub fn exact_match(output: &str, answers: &[String]) -> bool {
    let output = tokens(output);
    if answers.is_empty() { output.is_empty() } else { answers.iter().any(|answer| tokens(answer) == output) }
}

/// The best F1 of the tokens of `output` and those of a right answer, 0 to 1.
#[must_use]
pub fn token_f1(output: &str, answers: &[String]) -> f64 {
    let output = tokens(output);
    let best = answers.iter().map(|answer| f1(&output, &tokens(answer))).max_by(f64::total_cmp);
    best.unwrap_or_else(|| f64::from(u8::from(output.is_empty())))
}

/// Whether a right answer stands in `output`, as a run of whole tokens: `9` does
/// not stand in `1989`.
#[must_use]
pub fn answer_in_output(output: &str, answers: &[String]) -> bool {
    let output = tokens(output);
    answers.iter().any(|answer| {
        let answer = tokens(answer);
        !answer.is_empty() && output.windows(answer.len()).any(|run| run == answer)
    })
}

/// Who was refused an answer, counted over questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// Cannot be answered from the corpus, and was refused.
    pub right: usize,
    /// Could have been answered, but was refused.
    pub wrong: usize,
    /// Cannot be answered, but was.
    pub missed: usize,
    /// Could be answered, and was.
    pub answered: usize,
}

impl Refusals {
    /// Counts one question.
    pub const fn count(&mut self, answerable: bool, refused: bool) {
        match (answerable, refused) {
            (false, true) => self.right += 1,
            (true, true) => self.wrong += 1,
            (false, false) => self.missed += 1,
            (true, false) => self.answered += 1,
        }
    }

    /// Right refusals of all refusals; 0 when there are none.
    #[must_use]
    pub fn precision(self) -> f64 {
        ratio(self.right, self.right + self.wrong)
    }

    /// Right refusals of all that should be; 0 when there are none.
    #[must_use]
    pub fn recall(self) -> f64 {
        ratio(self.right, self.right + self.missed)
    }

    /// Harmonic mean of precision and recall.
    #[must_use]
    pub fn f1(self) -> f64 {
        ratio(2 * self.right, 2 * self.right + self.wrong + self.missed)
    }

    /// Wrong refusals of all answerable questions; 0 when there are none.
    #[must_use]
    pub fn false_rate(self) -> f64 {
        ratio(self.wrong, self.wrong + self.answered)
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn f1(output: &[String], answer: &[String]) -> f64 {
    if output.is_empty() || answer.is_empty() {
        return f64::from(u8::from(output.is_empty() && answer.is_empty()));
    }
    let mut left: HashMap<&str, usize> = HashMap::new();
    for token in answer {
        *left.entry(token).or_default() += 1;
    }
    let mut shared = 0;
    for token in output {
        if let Some(count) = left.get_mut(token.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    ratio(2 * shared, output.len() + answer.len())
}

const fn halfwidth(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => match char::from_u32(c as u32 - 0xfee0) {
            Some(ascii) => ascii,
            None => c,
        },
        '\u{3000}' => ' ',
        _ => c,
    }
}

/// Characters of languages that are written without spaces.
const fn is_ideographic(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Marks between words without spaces; `SQuAD` drops its punctuation without a
/// trace (`1,000` is `1000`, `U.S.` is `us`), but a dash between two words or a
/// range, or a slash, would weld words together that are none.
const fn is_separator(c: char) -> bool {
    matches!(c, '\u{2012}'..='\u{2015}' | '/' | '\u{2026}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn tokens_are_those_of_squad() {
        assert_eq!(tokens("The  Eiffel Tower, in the U.S.!"), ["eiffel", "tower", "in", "us"]);
        assert_eq!(tokens("an A-Team's 1,000"), ["ateams", "1000"]);
        assert_eq!(tokens("9:00–18:00 and/or"), ["900", "1800", "and", "or"]);
        assert!(tokens("  the ... ").is_empty());
    }

    #[test]
    fn chinese_characters_are_tokens() {
        assert_eq!(tokens("保修 24个月。"), ["保", "修", "24", "个", "月"]);
        assert_eq!(tokens("《ＡＢＣ》电视台"), ["abc", "电", "视", "台"]);
    }

    #[test]
    fn exact_matches() {
        let answers = strings(&["the Norse", "Normans"]);
        assert!(exact_match("Norse.", &answers) && exact_match("normans", &answers));
        assert!(!exact_match("the Norse people", &answers));
        assert!(exact_match("", &[]) && !exact_match("Norse", &[]));
    }

    #[test]
    fn f1_by_hand() {
        // 2 shared of 4 and of 2: precision 1/2, recall 1.
        assert!((token_f1("in the old year 1066", &strings(&["year 1066"])) - 2.0 / 3.0).abs() < 1e-9);
        // The best answer counts.
        assert!((token_f1("year 1066", &strings(&["1067", "1066 year"])) - 1.0).abs() < 1e-9);
        // A token counts as often as it occurs in both.
        assert!((token_f1("no no no", &strings(&["no"])) - 0.5).abs() < 1e-9);
        assert!((token_f1("二十四个月", &strings(&["24个月"])) - 0.5).abs() < 1e-9);
        assert!(token_f1("", &strings(&["x"])).abs() < 1e-9);
        assert!((token_f1("", &[]) - 1.0).abs() < 1e-9 && token_f1("x", &[]).abs() < 1e-9);
    }

    #[test]
    fn answers_stand_in_outputs_as_whole_tokens() {
        let nine = strings(&["nine", "9"]);
        assert!(answer_in_output("You can invite up to nine members [1].", &nine));
        assert!(answer_in_output("最多9位家人。", &nine));
        assert!(!answer_in_output("It was built in 1989.", &nine));
        assert!(!answer_in_output("anything", &strings(&["..."])) && !answer_in_output("anything", &[]));
    }

    #[test]
    fn refusals_by_hand() {
        let mut refusals = Refusals::default();
        for (answerable, refused) in [(false, true), (false, true), (false, false), (true, true), (true, false)] {
            refusals.count(answerable, refused);
        }
        assert_eq!(refusals, Refusals { right: 2, wrong: 1, missed: 1, answered: 1 });
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9);
        close(refusals.precision(), 2.0 / 3.0);
        close(refusals.recall(), 2.0 / 3.0);
        close(refusals.f1(), 2.0 / 3.0);
        close(refusals.false_rate(), 0.5);
        let none = Refusals::default();
        close(none.precision() + none.recall() + none.f1() + none.false_rate(), 0.0);
    }
}
