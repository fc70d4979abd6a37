//! Numbers that count or measure something, with what they count: 24 months,
//! €240, 9 members, 48 只. What a text says of them can be compared.

use std::ops::Range;

use crate::answer::question::is_han;
use crate::answer::verify::facts::numbers;
use crate::answer::versions::{Piece, Token, date_at, tokens};
use crate::index::analyse;

/// A number and its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    /// The number.
    pub value: f64,
    /// The unit in one form for both languages, or what is counted, stemmed.
    pub unit: String,
    /// Whether the unit is one of measure (months, euros) and not of things.
    pub measure: bool,
    /// Whether the text sets a limit.
    pub bound: Option<Bound>,
    /// Where number and unit stand in the text.
    pub range: Range<usize>,
}

/// The kind of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Not less.
    Least,
    /// Not more.
    Most,
}

impl Amount {
    /// Whether both cannot be true of the same thing.
    #[must_use]
    pub fn excludes(&self, other: &Self) -> bool {
        if self.unit != other.unit || self.value == other.value {
            return false;
        }
        match (self.bound, other.bound) {
            (None, None) => true,
            (Some(a), Some(b)) if a == b => true,
            (Some(Bound::Least), _) => other.value < self.value,
            (Some(Bound::Most), _) => other.value > self.value,
            (None, Some(_)) => other.excludes(self),
        }
    }

    /// Whether both say the same.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.unit == other.unit && self.value == other.value
    }
}

/// Units of measure by their spellings, in one form.
const UNITS: [(&str, &[&str]); 35] = [
    ("month", &["month", "months", "个月"]),
    ("year", &["year", "years", "年"]),
    ("week", &["week", "weeks", "周", "个星期", "星期"]),
    ("day", &["day", "days", "天", "日"]),
    ("working day", &["工作日", "个工作日"]),
    ("hour", &["hour", "hours", "小时", "个小时"]),
    ("minute", &["minute", "minutes", "min", "分钟"]),
    ("second", &["second", "seconds", "秒"]),
    ("mm", &["mm", "millimetre", "millimetres", "毫米"]),
    ("cm", &["cm", "centimetre", "centimetres", "centimeters", "厘米"]),
    ("m", &["m", "metre", "metres", "meter", "meters", "米"]),
    ("km", &["km", "kilometre", "kilometres", "kilometers", "公里", "千米"]),
    ("g", &["g", "gram", "grams", "克"]),
    ("kg", &["kg", "kilogram", "kilograms", "公斤", "千克"]),
    ("l", &["l", "litre", "litres", "liter", "liters", "升"]),
    ("EUR", &["euro", "euros", "eur", "欧元", "€"]),
    ("USD", &["dollar", "dollars", "usd", "美元", "$"]),
    ("GBP", &["pound", "pounds", "gbp", "英镑", "£"]),
    ("CNY", &["yuan", "rmb", "cny", "元", "人民币", "¥", "￥"]),
    ("%", &["percent", "%", "％"]),
    ("°C", &["°c", "℃", "摄氏度"]),
    ("V", &["v", "volt", "volts", "伏"]),
    ("A", &["a", "ampere", "amperes", "安"]),
    ("W", &["w", "watt", "watts", "瓦"]),
    ("Hz", &["hz"]),
    ("kHz", &["khz"]),
    ("MHz", &["mhz"]),
    ("GHz", &["ghz"]),
    ("dB", &["db", "分贝"]),
    ("bar", &["bar"]),
    ("MPa", &["mpa"]),
    ("KB", &["kb"]),
    ("MB", &["mb"]),
    ("GB", &["gb"]),
    ("TB", &["tb"]),
];

/// Words between a number and its unit.
const QUALIFIERS: [&str; 9] =
    ["business", "working", "calendar", "full", "whole", "consecutive", "more", "extra", "additional"];

const SPELT: [&str; 12] =
    ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
const TENS: [(&str, f64); 8] = [
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("fifty", 50.0),
    ("sixty", 60.0),
    ("seventy", 70.0),
    ("eighty", 80.0),
    ("ninety", 90.0),
];

const NUMERALS: &str = "零〇一二两三四五六七八九十百千万";

/// Words after a number that make it a larger one.
const LARGE: [&str; 7] = ["hundred", "thousand", "million", "billion", "k", "mn", "bn"];

/// Words after a number that are not counted by it.
const NOT_COUNTED: [&str; 43] = [
    "a", "and", "are", "as", "at", "been", "but", "by", "can", "did", "do", "does", "for", "from", "had", "has",
    "have", "if", "in", "instead", "is", "it", "not", "of", "off", "on", "or", "out", "per", "than", "that", "the",
    "then", "there", "times", "to", "was", "were", "when", "which", "will", "with", "x",
];

/// Words before a number that make it a name: version 2, step 3, page 4.
const NAMED: [&str; 40] = [
    "version", "firmware", "step", "page", "chapter", "section", "table", "figure", "fig", "level", "port", "edition",
    "revision", "rev", "release", "no", "number", "article", "part", "phase", "day", "week", "error", "code", "v",
    "rule", "option", "line", "item", "question", "class", "type", "category", "grade", "season", "episode", "world",
    "channel", "room", "route",
];

const LEAST: [&str; 9] =
    ["at least", "no less than", "not less than", "minimum of", "minimum", "more than", "over", "above", "longer than"];
const MOST: [&str; 11] = [
    "up to",
    "at most",
    "no more than",
    "not more than",
    "maximum of",
    "maximum",
    "less than",
    "under",
    "below",
    "fewer than",
    "within",
];
const LEAST_ZH: [&str; 7] = ["至少", "不少于", "不低于", "不小于", "最少", "大于", "超过"];
const MOST_ZH: [&str; 8] = ["最多", "不超过", "不多于", "不大于", "至多", "少于", "小于", "低于"];
/// Without spaces.
const LEAST_AFTER: [&str; 4] = ["以上", "ormore", "orlonger", "起"];
const MOST_AFTER: [&str; 6] = ["以内", "之内", "以下", "内", "orless", "orfewer"];

/// Whether `text` is a unit of measure and nothing else.
#[must_use]
pub fn is_unit(text: &str) -> bool {
    unit_of(&text.trim().to_lowercase()).is_some()
}

/// The amounts of `text`, in order. Dates, version numbers, names with numbers
/// and ranges are none.
#[must_use]
pub fn amounts(text: &str) -> Vec<Amount> {
    let tokens = tokens(text);
    let mut found: Vec<Amount> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if let Some((_, length)) = date_at(&tokens, at)
            && (length > 1 || !counts_years(&tokens, at))
        {
            at += length;
            continue;
        }
        let Some((value, end)) = number(text, &tokens, at) else {
            at += 1;
            continue;
        };
        if let Some(amount) = amount(text, &tokens, at, end, value) {
            found.push(amount);
        }
        at = end;
    }
    found
}

/// Whether the number at `at`, which looks like a year, counts something ("2000 people").
fn counts_years(tokens: &[Token], at: usize) -> bool {
    let next = |at: usize| tokens.get(at).map(|token| &token.piece);
    let currency = |piece: Option<&Piece>| matches!(piece, Some(Piece::Mark('€' | '$' | '£' | '¥' | '￥')));
    let unit = match (next(at + 1), next(at + 2)) {
        (Some(Piece::Space), Some(Piece::Word(word))) => unit_of(word).is_some(),
        (Some(Piece::Han('元' | '人' | '个' | '只' | '台' | '米' | '升')), _) => true,
        _ => false,
    };
    unit || currency(next(at + 1)) || at > 0 && currency(next(at - 1))
}

/// The value of the number at `at`, and the token after it.
fn number(text: &str, tokens: &[Token], at: usize) -> Option<(f64, usize)> {
    match &tokens[at].piece {
        Piece::Digits(_) => {
            let mut end = at + 1;
            let digits = |at: usize| match tokens.get(at) {
                Some(Token { piece: Piece::Digits(_), range }) => text[range.clone()].chars().count(),
                _ => 0,
            };
            let mark = |at: usize, c: char| tokens.get(at).is_some_and(|token| token.piece == Piece::Mark(c));
            while mark(end, ',') && digits(end + 1) == 3 {
                end += 2;
            }
            if mark(end, '.') && digits(end + 1) > 0 {
                end += 2;
                // 4.1.2 is a version.
                if mark(end, '.') && digits(end + 1) > 0 {
                    return None;
                }
            }
            let written = &text[tokens[at].range.start..tokens[end - 1].range.end];
            let value = numbers(written).into_iter().next()?.parse().ok()?;
            Some((value, end))
        }
        Piece::Word(word) => {
            if let Some(at_word) = SPELT.iter().position(|spelt| spelt == word) {
                return Some(((at_word + 1) as f64, at + 1));
            }
            let &(_, tens) = TENS.iter().find(|(spelt, _)| spelt == word)?;
            // "twenty-four"
            let joined = matches!(tokens.get(at + 1).map(|t| &t.piece), Some(Piece::Space | Piece::Mark('-')));
            let ones = match tokens.get(at + 2).map(|t| &t.piece) {
                Some(Piece::Word(word)) if joined => SPELT[..9].iter().position(|spelt| spelt == word),
                _ => None,
            };
            Some(ones.map_or((tens, at + 1), |ones| (tens + (ones + 1) as f64, at + 3)))
        }
        Piece::Han(_) => {
            let numeral = |token: &&Token| matches!(token.piece, Piece::Han(c) if NUMERALS.contains(c));
            let length = tokens[at..].iter().take_while(numeral).count();
            if length == 0 || length > 8 {
                return None;
            }
            let run = &text[tokens[at].range.start..tokens[at + length - 1].range.end];
            // 三五天: three to five.
            if (2..=3).contains(&length) && !run.contains(['十', '百', '千', '万', '零', '〇']) {
                return None;
            }
            // With a unit, so that a lone 两 counts.
            let value = numbers(&format!("{run}天")).into_iter().next()?.parse().ok()?;
            Some((value, at + length))
        }
        Piece::Space | Piece::Mark(_) => None,
    }
}

fn amount(text: &str, tokens: &[Token], at: usize, end: usize, value: f64) -> Option<Amount> {
    let piece = |at: usize| tokens.get(at).map(|token| &token.piece);
    let before = at.checked_sub(1).map(|i| &tokens[i].piece);
    // K20, E-1042 and 08:00 are names and times; so is the second part of a range.
    let part_of_name = match before {
        Some(Piece::Word(_) | Piece::Digits(_)) => true,
        Some(Piece::Mark('-' | '–' | '—' | '~' | '～' | ':' | '/' | '#' | '§' | '_' | '.' | '−' | '+')) => true,
        // The day of a date is no number of days.
        Some(Piece::Han('第' | '至' | '到' | '月')) => true,
        // The second numeral of 三五天.
        Some(&Piece::Han(c)) if NUMERALS.contains(c) => true,
        _ => false,
    };
    if part_of_name {
        return None;
    }
    let word_before =
        text[..tokens[at].range.start].trim_end().rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
    let lower = word_before.to_lowercase();
    if NAMED.contains(&lower.as_str()) || ["to", "and", "or"].contains(&lower.as_str()) && is_range(text, tokens, at) {
        return None;
    }
    // "€1.2 million": more than the digits say.
    let next_word = tokens[end.min(tokens.len())..].iter().find(|token| token.piece != Piece::Space);
    if matches!(next_word.map(|token| &token.piece), Some(Piece::Word(word)) if LARGE.contains(&word.as_str())) {
        return None;
    }
    // "€240": the unit stands in front.
    if let Some(Piece::Mark(c)) = before
        && let Some(unit) = unit_of(&c.to_string())
        && matches!(c, '€' | '$' | '£' | '¥' | '￥')
    {
        let range = tokens[at - 1].range.start..tokens[end - 1].range.end;
        let bound = bound(text, &range);
        return Some(Amount { value, unit: unit.to_owned(), measure: true, bound, range });
    }
    let mut next = end;
    while matches!(piece(next), Some(Piece::Space)) || matches!(piece(next), Some(Piece::Mark('-' | '*'))) {
        next += 1;
    }
    let mut working = false;
    while let Some(Piece::Word(word)) = piece(next) {
        if !QUALIFIERS.contains(&word.as_str()) {
            break;
        }
        working |= word == "business" || word == "working";
        next += 1;
        while matches!(piece(next), Some(Piece::Space | Piece::Mark('-'))) {
            next += 1;
        }
    }
    // "5-7 days" and "5 to 7 days" are ranges.
    if matches!(piece(next), Some(Piece::Digits(_) | Piece::Mark('–' | '—' | '~' | '～' | ':' | '/'))) {
        return None;
    }
    let (unit, measure, stop) = match piece(next)? {
        Piece::Word(word) => {
            let own = &text[tokens[next].range.clone()];
            // °C comes as a mark and a word.
            let known = unit_of(word).filter(|unit| unit.len() > 1 || own == *unit || own.len() > 1);
            match known {
                Some("day") if working => ("working day".to_owned(), true, next + 1),
                Some(unit) => (unit.to_owned(), true, next + 1),
                None if own.starts_with(char::is_uppercase) || NOT_COUNTED.contains(&word.as_str()) => return None,
                None => (analyse(own).into_iter().next()?.text, false, next + 1),
            }
        }
        Piece::Mark('%' | '％') => ("%".to_owned(), true, next + 1),
        Piece::Mark('°') if matches!(piece(next + 1), Some(Piece::Word(w)) if w == "c") => {
            ("°C".to_owned(), true, next + 2)
        }
        Piece::Mark(c) => (unit_of(&c.to_string())?.to_owned(), true, next + 1),
        Piece::Han(_) => {
            let length = |unit: &str| unit.chars().count();
            let rest = &text[tokens[next].range.start..];
            let known = UNITS
                .iter()
                .flat_map(|(unit, spellings)| spellings.iter().map(move |spelling| (*unit, *spelling)))
                .filter(|(_, spelling)| spelling.chars().all(is_han) && rest.starts_with(*spelling))
                .max_by_key(|(_, spelling)| length(spelling));
            match known {
                Some((unit, spelling)) => (unit.to_owned(), true, next + length(spelling)),
                None => {
                    let classifier =
                        rest.chars().next().filter(|c| "个只台次人名位条项件套种张份倍岁层户辆本家".contains(*c))?;
                    (classifier.to_string(), false, next + 1)
                }
            }
        }
        Piece::Digits(_) | Piece::Space => return None,
    };
    let range = tokens[at].range.start..tokens[stop - 1].range.end;
    let bound = bound(text, &range);
    Some(Amount { value, unit, measure, bound, range })
}

/// Whether "to", "and" or "or" before the number at `at` joins it to another number.
fn is_range(text: &str, tokens: &[Token], at: usize) -> bool {
    let before = text[..tokens[at].range.start].trim_end();
    let joins = ["to", "and", "or"].into_iter().find_map(|word| before.strip_suffix(word));
    let before = joins.unwrap_or(before).trim_end();
    before.ends_with(|c: char| c.is_ascii_digit()) || SPELT.iter().any(|word| before.to_lowercase().ends_with(word))
}

/// The numbers in figures of `text`, of whatever, in one form, and whether the text makes limits of them.
#[must_use]
pub fn limits(text: &str) -> Vec<(String, Option<Bound>)> {
    let figure = |c: char| c.is_ascii_digit();
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find(figure).map(|at| from + at) {
        let more = |(_, c): &(usize, char)| !(figure(*c) || matches!(c, '.' | ','));
        let end = text[start..].char_indices().find(more).map_or(text.len(), |(at, _)| start + at);
        let written = text[start..end].trim_end_matches(['.', ',']);
        let currency = text[..start].chars().next_back().filter(|c| matches!(c, '€' | '$' | '£' | '¥' | '￥'));
        let rest = &text[start + written.len()..];
        let spaced = rest.len() - rest.trim_start().len();
        let word = rest.trim_start().split(|c: char| !c.is_alphanumeric() || is_han(c)).next().unwrap_or_default();
        let han = (1..=3).rev().filter_map(|count| rest.get(..3 * count)).find(|unit| unit_of(unit).is_some());
        // "100元以上", "6 months or more": the unit stands between the number and its limit.
        let unit = match han {
            Some(unit) => unit.len(),
            None if unit_of(&word.to_lowercase()).is_some() => spaced + word.len(),
            None => 0,
        };
        let range = start - currency.map_or(0, char::len_utf8)..start + written.len() + unit;
        found.extend(numbers(written).into_iter().map(|number| (number, bound(text, &range))));
        from = end;
    }
    found
}

fn bound(text: &str, range: &Range<usize>) -> Option<Bound> {
    let before = text[..range.start].trim_end().to_lowercase();
    let after = text[range.end..].to_lowercase().replace(' ', "");
    // 不超过 ends in 超过, and "no less than" in "less than": the longest phrase counts.
    let longest = |phrases: &[&str]| {
        let ends = |phrase: &&&str| {
            before
                .strip_suffix(**phrase)
                .is_some_and(|rest| !phrase.is_ascii() || !rest.ends_with(char::is_alphanumeric))
        };
        phrases.iter().filter(ends).map(|phrase| phrase.len()).max()
    };
    let starts = |phrases: &[&str]| phrases.iter().any(|phrase| after.starts_with(phrase));
    let most = longest(&MOST).max(longest(&MOST_ZH));
    let least = longest(&LEAST).max(longest(&LEAST_ZH));
    if most > least || least.is_none() && starts(&MOST_AFTER) {
        Some(Bound::Most)
    } else if least.is_some() || starts(&LEAST_AFTER) {
        Some(Bound::Least)
    } else {
        None
    }
}

fn unit_of(spelling: &str) -> Option<&'static str> {
    UNITS.iter().find(|(_, spellings)| spellings.contains(&spelling)).map(|(unit, _)| *unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        amounts(text)
            .into_iter()
            .map(|amount| {
                let bound = match amount.bound {
                    None => "",
                    Some(Bound::Least) => ">=",
                    Some(Bound::Most) => "<=",
                };
                format!("{bound}{} {}", amount.value, amount.unit)
            })
            .collect()
    }

    #[test]
    fn numbers_have_units() {
        for (text, expected) in [
            ("a warranty of 24 months", &["24 month"][..]),
            ("the 36-month warranty", &["36 month"]),
            ("within 4 business hours", &["<=4 hour"]),
            ("It costs €240 a hub, or 264 euros.", &["240 EUR", "264 EUR"]),
            ("The hub has two antennas and 1,200 members.", &["2 antenna", "1200 member"]),
            ("保修期为二十四个月，最多48只", &["24 month", "<=48 只"]),
            ("自签收之日起七天内", &["<=7 day"]),
            ("至少 3 米，15% 以上", &[">=3 m", ">=15 %"]),
            ("at least 2.50 m and 5 °C", &[">=2.5 m", "5 °C"]),
            ("两年", &["2 year"]),
            ("提前不少于30天，不大于 5 米", &[">=30 day", "<=5 m"]),
            ("no less than 30 days, less than 5 m", &[">=30 day", "<=5 m"]),
            ("within 10 business days or 14 days", &["<=10 working day", "14 day"]),
            ("twenty-four months", &["24 month"]),
            ("A licence costs €2000, the other 2000 euros, 每台2000元", &["2000 EUR", "2000 EUR", "2000 CNY"]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn names_dates_times_and_ranges_are_no_amounts() {
        for text in [
            "K20 and E-1042 at 08:00",
            "on 8 September 2026",
            "in 2025",
            "5-7 days",
            "5 to 7 days",
            "firmware 5.0 has",
            "version 4.1.2 is",
            "9 of 25",
            "第3章",
            "2026年9月",
            "step 2 is",
            "5–7 天",
            "between 5 and 7 days",
            "三五天",
            "5千元",
            "12月25日",
            "€1.2 million",
        ] {
            assert_eq!(shown(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn limits_exclude_only_what_is_beyond_them() {
        let one = |text: &str| amounts(text).remove(0);
        for (a, b, expected) in [
            ("24 months", "36 months", true),
            ("24 months", "24 months", false),
            ("24 months", "36 years", false),
            ("up to 10 m", "5 m", false),
            ("up to 10 m", "15 m", true),
            ("at least 3 days", "2 days", true),
            ("at least 3 days", "4 days", false),
            ("within 30 days", "within 60 days", true),
            ("at least 3 days", "at most 2 days", true),
            ("at least 3 days", "at most 5 days", false),
        ] {
            assert_eq!(one(a).excludes(&one(b)), expected, "{a} | {b}");
            assert_eq!(one(b).excludes(&one(a)), expected, "{b} | {a}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,60}|[0-9一二两十 .,m年元%€个-]{0,30}") {
            for amount in amounts(&text) {
                proptest::prop_assert!(text.get(amount.range.clone()).is_some());
            }
        }
    }
}
