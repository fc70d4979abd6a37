//! What a sentence asserts that can be compared exactly: numbers and identifiers.

use std::collections::HashSet;

use crate::index::analyse;

/// The numbers of a text, in one form: full-width digits narrowed, thousands
/// separators dropped, trailing zeros of a fraction dropped, times of day whole, Chinese numerals
/// of more than one character (or before a counted unit) written in digits.
#[must_use]
pub fn numbers(text: &str) -> HashSet<String> {
    let narrow: Vec<char> = text
        .chars()
        .map(|c| match c {
            '０'..='９' => char::from(b'0' + (c as u32 - '０' as u32) as u8),
            '．' => '.',
            '，' => ',',
            '：' => ':',
            other => other,
        })
        .collect();
    let digit = |i: usize| narrow.get(i).is_some_and(char::is_ascii_digit);
    let mut found = HashSet::new();
    let mut i = 0;
    while i < narrow.len() {
        if let Some((value, length)) = chinese_numeral(&narrow[i..]) {
            found.extend(value);
            i += length;
            continue;
        }
        if !digit(i) {
            i += 1;
            continue;
        }
        let mut number = String::new();
        while i < narrow.len() {
            match narrow[i] {
                c if c.is_ascii_digit() => number.push(c),
                // A comma groups thousands only before exactly three digits.
                ',' if digit(i + 1) && digit(i + 2) && digit(i + 3) && !digit(i + 4) => {}
                '.' if digit(i + 1) => number.push('.'),
                _ => break,
            }
            i += 1;
        }
        if number.matches('.').count() == 1 {
            number = number.trim_end_matches('0').trim_end_matches('.').to_owned();
        }
        // A time of day is one number; 07:00 is 7.
        let minutes = narrow.get(i) == Some(&':') && digit(i + 1) && digit(i + 2) && !digit(i + 3);
        if minutes && number.len() <= 2 {
            let hour = number.trim_start_matches('0');
            let hour = if hour.is_empty() { "0" } else { hour };
            let minutes: String = narrow[i + 1..=i + 2].iter().collect();
            number = if minutes == "00" { hour.to_owned() } else { format!("{hour}:{minutes}") };
            i += 3;
        }
        found.insert(number);
    }
    found
}

/// The English numerals of `text` up to twelve, in digits.
#[must_use]
pub fn spelt_numbers(text: &str) -> HashSet<String> {
    const SPELT: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric());
    words.filter_map(|word| SPELT.iter().position(|spelt| *spelt == word)).map(|at| (at + 1).to_string()).collect()
}

/// Units that make a single Chinese numeral a count, and not part of a word.
const COUNTED: [char; 24] = [
    '年', '月', '日', '天', '周', '个', '次', '元', '米', '岁', '人', '小', '分', '秒', '台', '只', '件', '名', '位',
    '节', '倍', '号', '种', '条',
];

/// Of these, the ones before which 一 counts, too.
const ARTICLE_FREE: [char; 6] = ['年', '月', '日', '天', '周', '小'];

/// A Chinese numeral at the start of `text`: its value, if it counts something,
/// and its length in characters.
fn chinese_numeral(text: &[char]) -> Option<(Option<String>, usize)> {
    let figure = |c: char| "零一二三四五六七八九".chars().position(|d| d == c).map(|d| d as u64);
    let figure = |c: char| match c {
        '〇' => Some(0),
        '两' => Some(2),
        c => figure(c),
    };
    let unit = |c: char| match c {
        '十' => Some(10u64),
        '百' => Some(100),
        '千' => Some(1000),
        _ => None,
    };
    let length = text.iter().take_while(|&&c| figure(c).is_some() || unit(c).is_some() || c == '万').count();
    // Longer runs than any number that is written out are no numerals.
    if length == 0 || length > 12 {
        return (length > 0).then_some((None, length));
    }
    let run = &text[..length];
    let counts = length > 1
        || text.get(1).is_some_and(|c| match run[0] {
            '万' => false,
            // "一个" is mostly an article.
            '一' => ARTICLE_FREE.contains(c),
            _ => COUNTED.contains(c),
        });
    if !counts {
        return Some((None, length));
    }
    // 二〇二六: figure by figure.
    if run.iter().all(|&c| figure(c).is_some()) {
        let digits: String = run.iter().filter_map(|&c| figure(c)).map(|d| d.to_string()).collect();
        return Some((Some(digits), length));
    }
    let (mut total, mut section, mut last) = (0u64, 0u64, None);
    for &c in run {
        if let Some(value) = figure(c) {
            last = Some(value);
        } else if let Some(times) = unit(c) {
            section += last.take().unwrap_or(1) * times;
        } else {
            total = (total + section + last.take().unwrap_or(0)).max(1) * 10_000;
            section = 0;
        }
    }
    Some((Some((total + section + last.unwrap_or(0)).to_string()), length))
}

/// The identifiers of a text as the index knows them: words that begin with a
/// letter and hold a digit, such as E-2042 (`e2042`) or K2.
#[must_use]
pub fn identifiers(text: &str) -> HashSet<String> {
    let names =
        |term: &str| term.starts_with(|c: char| c.is_ascii_alphabetic()) && term.chars().any(|c| c.is_ascii_digit());
    analyse(text).into_iter().map(|term| term.text).filter(|term| names(term)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: HashSet<String>, expected: &[&str]) {
        let mut all: Vec<String> = found.into_iter().collect();
        all.sort();
        assert_eq!(all, expected);
    }

    #[test]
    fn numbers_are_compared_in_one_form() {
        check(numbers("1,000 m and 1000 m"), &["1000"]);
        check(numbers("２４个月"), &["24"]);
        check(numbers("v2.10.3 costs 3.50 or 12, 13"), &["12", "13", "2.10.3", "3.5"]);
        check(numbers("1,23"), &["1", "23"]);
        check(numbers("from 0:30 to 07:00, 16：05"), &["0:30", "16:05", "7"]);
        check(numbers("a ratio of 10:1; 1:234"), &["1", "10", "234"]);
        check(numbers("none"), &[]);
    }

    #[test]
    fn english_numerals_are_numbers() {
        check(spelt_numbers("Two of the twelve hubs; someone."), &["12", "2"]);
    }

    #[test]
    fn chinese_numerals_are_numbers_where_they_count() {
        check(numbers("保修期为二十四个月"), &["24"]);
        check(numbers("两年"), &["2"]);
        check(numbers("二〇二六年"), &["2026"]);
        check(numbers("三千零五米"), &["3005"]);
        check(numbers("十五天"), &["15"]);
        check(numbers("一百二十万元"), &["1200000"]);
        check(numbers("第一、一般、统一的"), &[]);
    }

    #[test]
    fn identifiers_hold_letters_and_digits() {
        let found = identifiers("The app says E-2042 on a K20; the hub is plain.");
        assert!(found.contains("e2042") && found.contains("k20"), "{found:?}");
        assert!(!found.contains("hub"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[零一二两三十百千万〇年0-9.,A-z -]{0,60}|.{0,60}") {
            let _ = (numbers(&text), identifiers(&text));
        }
    }
}
