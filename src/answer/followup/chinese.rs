//! Chinese follow-ups.

use super::{ZH_ABOUT, bare, cut, has_digit, is_about};

/// Beginnings of Chinese questions that leave out what they are about.
const CHINESE_OPEN: [&str; 22] = [
    "怎么",
    "如何",
    "为什么",
    "为何",
    "多久",
    "多少",
    "在哪",
    "哪里",
    "什么时候",
    "何时",
    "能",
    "可以",
    "可否",
    "需要",
    "要",
    "会",
    "有没有",
    "是否",
    "是不是",
    "支持",
    "贵",
    "谁",
];

/// Words that make what stands before 呢 a question of its own.
const CHINESE_ASKING: [&str; 16] = [
    "怎么",
    "如何",
    "为什么",
    "多少",
    "多久",
    "多大",
    "哪",
    "什么",
    "谁",
    "几",
    "是否",
    "吗",
    "能不能",
    "可以",
    "可不可以",
    "需要",
];

const CHINESE_PRONOUNS: [&str; 14] =
    ["它们的", "他们的", "它们", "他们", "它的", "他的", "她的", "这个", "那个", "这样", "那样", "它", "他", "她"];

/// What a variant of a thing is called by.
const CHINESE_VARIANTS: [&str; 7] = ["版本", "型号", "版", "型", "款", "系列", "代"];

/// A Chinese question after one in Chinese or not.
pub(super) fn chinese(question: &str, before: &str, before_is_chinese: bool) -> Option<String> {
    let plain = bare(question);
    let asked = ["那么", "那", "还有"].iter().find_map(|start| plain.strip_prefix(start)).unwrap_or(plain);
    let asked = asked.trim_start_matches(['，', ',', ' ']);
    let mark = question.chars().last().filter(|c| matches!(c, '？' | '?')).map(String::from).unwrap_or_default();
    let topic = chinese_topic(before).filter(|_| before_is_chinese && !is_about(before));
    if let Some(named) = asked.strip_suffix('呢').map(str::trim).filter(|named| !named.is_empty()) {
        let asks = CHINESE_ASKING.iter().any(|word| named.contains(word));
        let points = CHINESE_PRONOUNS.iter().any(|word| named.contains(word));
        if !asks && !points && named.chars().count() <= 12 {
            return Some(chinese_elliptical(plain, named, before, topic));
        }
        // "那怎么申请呢？", "那它的电池呢？"
        if identifier(named).is_none() {
            return Some(chinese_about(if asks { asked } else { plain }, before));
        }
    }
    if asked.contains("其他") || identifier(asked).is_some() || asked.contains('《') {
        // "其他" is no "他", and "这个网关" names what it means.
        return None;
    }
    let Some(pronoun) = CHINESE_PRONOUNS.iter().find(|pronoun| asked.contains(**pronoun)) else {
        let open = CHINESE_OPEN.iter().any(|start| asked.starts_with(start)) && asked.chars().count() <= 12;
        return open.then(|| chinese_about(asked, before));
    };
    match topic {
        // What stands first is what the question is about; elsewhere it may be anything that was said.
        Some(old) if asked.starts_with(pronoun) && !pronoun.starts_with(['这', '那']) && !pronoun.contains('们') => {
            let with = if pronoun.ends_with('的') { format!("{old}的") } else { old.to_owned() };
            Some(format!("{}{mark}", asked.replacen(pronoun, &with, 1)))
        }
        _ => Some(chinese_about(asked, before)),
    }
}

/// "那 X 呢？"
fn chinese_elliptical(plain: &str, named: &str, before: &str, topic: Option<&str>) -> String {
    let Some(old) = topic else { return chinese_about(plain, before) };
    let named = named.strip_suffix('的').unwrap_or(named);
    let is_title = |text: &str| text.starts_with('《');
    let latin = |text: &str| identifier(text) == Some(text);
    let variant = CHINESE_VARIANTS.iter().any(|word| named.ends_with(word)) && !has_digit(named);
    // "K2" and "Pro 版": the Pro version of the K2.
    if variant && latin(old) && named.starts_with(|c: char| c.is_ascii_uppercase()) {
        return before.replacen(old, &format!("{old} {named}"), 1);
    }
    let alike = latin(old) && latin(named) && has_digit(old) == has_digit(named) || is_title(old) && is_title(named);
    if alike { before.replacen(old, named, 1) } else { chinese_about(plain, before) }
}

/// The question with the earlier one in brackets.
fn chinese_about(asked: &str, before: &str) -> String {
    let topic = match before.split_once(ZH_ABOUT) {
        Some((said, topic)) => {
            let topic = topic.trim_end_matches(['？', '?', '）']);
            cut(&format!("{}；{}", bare(said), topic.rsplit('；').next().unwrap_or(topic)))
        }
        None => cut(bare(before)),
    };
    format!("{}{ZH_ABOUT}{topic}）？", bare(asked))
}

/// What a Chinese question is about: a name in Latin letters and digits, what
/// stands in title marks, or what stands before its first 的.
fn chinese_topic(question: &str) -> Option<&str> {
    if let Some(found) = identifier(question) {
        return Some(found);
    }
    if let (Some(open), Some(close)) = (question.find('《'), question.find('》'))
        && open < close
    {
        return question.get(open..close + '》'.len_utf8());
    }
    let (owner, _) = question.split_once('的')?;
    let count = owner.chars().count();
    (1..=10).contains(&count).then_some(owner)
}

/// The first run of Latin words that holds a capital or a digit.
fn identifier(question: &str) -> Option<&str> {
    let mut start = None;
    for (at, c) in question.char_indices().chain([(question.len(), '。')]) {
        let part = c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') || c == ' ' && start.is_some();
        match (part, start) {
            (true, None) if c.is_ascii_alphanumeric() => start = Some(at),
            (false, Some(from)) => {
                let run = question[from..at].trim_end_matches([' ', '.', '-']);
                if run.chars().any(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
                    && run.chars().any(|c| c.is_ascii_alphabetic())
                {
                    return Some(run);
                }
                start = None;
            }
            _ => {}
        }
    }
    None
}
