//! Numbers with their units: 24 months, 24 个月, 5 m, 39 EUR.

use std::collections::BTreeSet;

use crate::answer::verify::facts::numbers;

/// A number and the unit after it, in one form for both languages.
pub type Measure = (String, &'static str);

/// Units by their spellings; longer spellings come before their beginnings.
const UNITS: [(&str, &str); 56] = [
    ("个月", "month"),
    ("months", "month"),
    ("month", "month"),
    ("years", "year"),
    ("year", "year"),
    ("年", "year"),
    ("weeks", "week"),
    ("week", "week"),
    ("周", "week"),
    ("days", "day"),
    ("day", "day"),
    ("天", "day"),
    ("hours", "hour"),
    ("hour", "hour"),
    ("小时", "hour"),
    ("minutes", "minute"),
    ("minute", "minute"),
    ("分钟", "minute"),
    ("seconds", "second"),
    ("second", "second"),
    ("秒", "second"),
    ("millimetres", "mm"),
    ("毫米", "mm"),
    ("mm", "mm"),
    ("centimetres", "cm"),
    ("厘米", "cm"),
    ("cm", "cm"),
    ("kilometres", "km"),
    ("kilometers", "km"),
    ("公里", "km"),
    ("千米", "km"),
    ("km", "km"),
    ("metres", "m"),
    ("meters", "m"),
    ("metre", "m"),
    ("meter", "m"),
    ("米", "m"),
    ("m", "m"),
    ("euros", "EUR"),
    ("euro", "EUR"),
    ("eur", "EUR"),
    ("欧元", "EUR"),
    ("€", "EUR"),
    ("dollars", "USD"),
    ("usd", "USD"),
    ("美元", "USD"),
    ("元", "CNY"),
    ("percent", "%"),
    ("per cent", "%"),
    ("%", "%"),
    ("％", "%"),
    ("kg", "kg"),
    ("千克", "kg"),
    ("°c", "°C"),
    ("℃", "°C"),
    ("v", "V"),
];

/// Words between a number and its unit.
const QUALIFIERS: [&str; 4] = ["business", "working", "calendar", "full"];

/// Numbers in words, from one.
const SPELT: [&str; 12] =
    ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// The measures of `text`.
#[must_use]
pub fn measures(text: &str) -> BTreeSet<Measure> {
    let lower = text.to_lowercase();
    let mut found = BTreeSet::new();
    for (at, c) in lower.char_indices() {
        let rest = &lower[at..];
        let Some(&(spelling, unit)) = UNITS.iter().find(|(spelling, _)| rest.starts_with(spelling)) else { continue };
        // "mm" is no second "m", and "24 months" no "24 m".
        let follows = rest[spelling.len()..].chars().next();
        if c.is_ascii_alphabetic() && follows.is_some_and(|next| next.is_ascii_alphanumeric()) {
            continue;
        }
        let before = lower[..at].trim_end_matches([' ', '\u{a0}', '-', '*', '_']);
        let before = QUALIFIERS.iter().find_map(|word| before.strip_suffix(word)).unwrap_or(before).trim_end();
        let spelt = SPELT.iter().position(|word| {
            before.strip_suffix(word).is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()))
        });
        if let Some(value) = spelt {
            found.insert(((value + 1).to_string(), unit));
            continue;
        }
        let run: Vec<char> = before.chars().rev().take_while(|&c| is_figure(c)).collect();
        let figures: String = run.into_iter().rev().collect();
        // The number next to the unit, with the unit so that a lone 两 counts.
        let number = numbers(&format!("{figures}个")).into_iter().next();
        if let Some(number) = number
            && figures.chars().next().is_some_and(|first| first != '.' && first != ',')
        {
            found.insert((number, unit));
        }
    }
    found
}

fn is_figure(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | ',' | '０'..='９') || "零〇一二两三四五六七八九十百千万".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = measures(text);
        let found: Vec<(&str, &str)> = found.iter().map(|(number, unit)| (number.as_str(), *unit)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn units_have_one_form_in_both_languages() {
        check("a warranty of 24 months", &[("24", "month")]);
        check("保修期为二十四个月", &[("24", "month")]);
        check("a five-day trial, 5 m of cable, 12 mm wide", &[("12", "mm"), ("5", "day"), ("5", "m")]);
        check("It costs 1,200 euros or 3.50 EUR.", &[("1200", "EUR"), ("3.5", "EUR")]);
        check("湿度 80％，两年", &[("2", "year"), ("80", "%")]);
        check("after three years or 8 business hours", &[("3", "year"), ("8", "hour")]);
        check("no measure: 24 and months", &[]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,60}|[0-9一二两 .,m年元%]{0,30}") {
            let _ = measures(&text);
        }
    }
}
