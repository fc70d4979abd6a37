//! What a question asks for in words that its answer does not use.
//!
//! "How heavy is it?" is answered by a row that says "weight", "多少钱" by one that
//! says "价格". Dimensions are few, and so are the words that ask for each, in any
//! field, so a table of them is enough. (WordNet calls the relation between
//! "heavy" and "weight" *attribute*: Fellbaum, "WordNet", 1998.)

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Term, analyse, is_unspaced};

/// Words that ask for something, and what an answer may say instead, as terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// The terms of the question that ask; there are none in words of grammar.
    pub asked: Vec<String>,
    /// The terms of what may be said instead.
    pub said: Vec<String>,
}

/// What is asked, and what answers say, separated by commas. A Chinese part is found anywhere, another as
/// whole words; what is said in Chinese is one term, a word of the dictionary or two characters.
const ATTRIBUTES: [(&str, &str); 26] = [
    ("how heavy, heavy, heaviest, lightest, weigh, weighs, weight, 多重, 最重, 最轻, 重量", "weight, mass, 重量, 净重"),
    ("how long", "length, duration, period, time, 长度, 时长, 期限"),
    ("多长", "长度, 时长, 期限, 时间, length, duration"),
    ("多久", "时长, 期限, 时间, duration, period"),
    ("how tall, how high, height, 多高, 高度", "height, 高度"),
    ("how wide, how broad, width, 多宽, 宽度", "width, 宽度"),
    ("how thick, thickness, 多厚, 厚度", "thickness, 厚度"),
    ("how deep, depth, 多深, 深度", "depth, 深度"),
    ("how big, how large, 多大", "size, dimensions, 尺寸, 大小"),
    ("how far, 多远", "distance, range, 距离, 范围"),
    ("how fast, how quick, fastest, slowest, 多快, 最快, 最慢", "speed, rate, 速度, 速率"),
    ("how hot, how cold, how warm, 多热, 多冷, 温度", "temperature, 温度"),
    ("how old, 几岁, 多大年纪", "age, 年龄"),
    ("how often, how frequently, 多久一次, 隔多久", "interval, frequency, every, 间隔, 频率, 周期"),
    (
        "how loud, how noisy, loudest, quietest, noisiest, 多响, 多吵, 最吵, 最安静, 噪声",
        "noise, volume, 噪音, 噪声, 音量",
    ),
    ("lifespan, service life, 用多久, 多久换, 几个月换", "life, lifetime, 寿命"),
    ("how accurate, how precise, 多准", "accuracy, precision, tolerance, 精度, 误差"),
    ("how bright, 多亮", "brightness, 亮度"),
    (
        "how much is, how much are, how much does, how much do, how expensive, most expensive, \
         least expensive, cheapest, dearest, cost, costs, charge, charges, pay, pays, price, 最贵, 最便宜, 多少钱, 多少元, 多少欧元, 多少美元, 什么价, 收费, 价格",
        "price, cost, fee, fare, charge, 价格, 费用, 售价, 单价, 收费, 票价",
    ),
    ("what time, when do you open, opening hours, 几点", "hours, open, 营业, 时间"),
    (
        "how do i reach, how can i reach, get in touch, how to contact, 怎么联系, 如何联系",
        "contact, phone, email, 联系, 电话, 邮箱",
    ),
    ("who made, who makes, who built, who builds, 谁造, 谁生产", "manufacturer, maker, 制造商, 生产商"),
    ("who wrote, 谁写", "author, written, 作者"),
    ("euro, euros, 欧元", "eur, 欧元"),
    ("dollar, dollars, 美元", "usd, 美元"),
    ("yuan, rmb, 人民币", "cny, 元"),
];

/// Small numbers, in words and in figures.
const NUMBERS: [(&str, &str); 11] = [
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
    ("eleven", "11"),
    ("twelve", "12"),
];

/// What answers to `question` may say in place of its own words; `terms` are those of the question.
#[must_use]
pub fn expansions(question: &str, terms: &[Term]) -> Vec<Expansion> {
    let lower = question.to_ascii_lowercase();
    let figures = NUMBERS.iter().flat_map(|&(word, figure)| [(word, figure), (figure, word)]);
    let expansion = |(asked, said): (&str, &str)| {
        let places: Vec<Range<usize>> = asked.split(", ").flat_map(|words| places(words, &lower)).collect();
        if places.is_empty() {
            return None;
        }
        let within = |term: &&Term| places.iter().any(|place| place.start <= term.start && term.end <= place.end);
        let asked: Vec<String> = terms.iter().filter(within).map(|term| term.text.clone()).collect();
        let said = said.split(", ").flat_map(said_as).filter(|term| !asked.contains(term)).collect();
        Some(Expansion { asked, said })
    };
    ATTRIBUTES.into_iter().chain(figures).filter_map(expansion).collect()
}

/// For the terms of `text` that ask for something, what may be said instead.
#[must_use]
pub fn instead(text: &str, terms: &[Term]) -> BTreeMap<String, Vec<String>> {
    let mut instead: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for expansion in expansions(text, terms) {
        for asked in expansion.asked {
            instead.entry(asked).or_default().extend(expansion.said.iter().cloned());
        }
    }
    instead
}

/// Where `words` stand in `text`.
fn places<'a>(words: &'a str, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    let found = text.match_indices(words).map(|(start, _)| start..start + words.len());
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !is_unspaced(c));
    let spaced = !words.chars().any(is_unspaced);
    found.filter(move |place| {
        !spaced || !inside(text[..place.start].chars().next_back()) && !inside(text[place.end..].chars().next())
    })
}

/// The terms of something that is said. Chinese is taken as the word it is: the dictionary need not
/// be read for an English question.
fn said_as(words: &str) -> Vec<String> {
    if words.chars().any(is_unspaced) {
        return vec![words.to_owned()];
    }
    analyse(words).into_iter().map(|term| term.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(question: &str) -> Vec<String> {
        let shown = |found: Expansion| format!("{} -> {}", found.asked.join(" "), found.said.join(" "));
        expansions(question, &analyse(question)).into_iter().map(shown).collect()
    }

    #[test]
    fn what_is_asked_is_said_in_other_words() {
        assert_eq!(shown("How heavy is the hub?"), ["heavi -> weight mass 重量 净重"]);
        assert_eq!(shown("What does it COST?"), ["cost -> price fee fare charg 价格 费用 售价 单价 收费 票价"]);
        assert_eq!(shown("网关有多重？"), ["多重 -> weight mass 重量 净重"]);
        assert_eq!(shown("a five-metre cable"), ["five -> 5"]);
        assert_eq!(shown("a 5 m cable"), ["5 -> five"]);
    }

    #[test]
    fn words_are_found_whole() {
        for question in ["How longer nights feel", "The costly one", "Show long lists: 15 of them", "Is it often late?"]
        {
            assert!(shown(question).is_empty(), "{question}: {:?}", shown(question));
        }
    }

    #[test]
    fn what_is_said_in_chinese_is_a_term() {
        for said in ATTRIBUTES.iter().flat_map(|(_, said)| said.split(", ")).filter(|said| !said.is_ascii()) {
            assert!(analyse(said).iter().any(|term| term.text == said), "{said}");
        }
    }
}
