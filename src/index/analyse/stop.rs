//! Words too common to search for.

use std::collections::HashSet;
use std::sync::LazyLock;

/// English function words and the words that questions are made of, folded,
/// apostrophes removed. Prepositions of time and words of quantity, which
/// change what a sentence says ("without", "after", "most"), stay searchable:
/// BM25 weighs them down by itself.
static ENGLISH: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "a about am an and any are arent as at be been being but by can cannot cant could couldnt did didnt
    do does doesnt doing dont for from had hadnt has hasnt have havent having he her hers him his how i
    if im in into is isnt it its itself ive lets me my myself of on or our ours she should shouldnt so
    some such than that thats the their theirs them themselves then there theres these they this those
    to too was wasnt we were werent what whats when where which while who whom whose why will with wont
    would wouldnt you your youre yours"
        .split_whitespace()
        .collect()
});

/// Chinese function words and question words.
static CHINESE: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "的 了 和 是 在 与 或 及 也 都 而 之 其 于 以 被 把 让 吗 呢 吧 啊 么 着 过 地 得 我 你 您 他 她 它 们 我们 你们 他们 她们 它们 这 那 这个 那个 这些 那些
    什么 哪 哪个 哪些 哪里 怎么 怎样 怎么样 如何 为什么 为何 多少 谁 几 是否 以及 并 并且 就 还 但 但是 有 请 请问 一个 何 何时"
    .split_whitespace()
    .collect()
});

/// Characters that are words of grammar wherever they stand between words; a
/// pair with one of them says nothing.
const FUNCTION_CHARACTERS: &str = "的了是在吗呢吧么们这那哪";

/// Whether a folded English word is a stop word.
pub(super) fn is_english(word: &str) -> bool {
    ENGLISH.contains(word)
}

/// Whether a Chinese word is a stop word.
pub(super) fn is_chinese(word: &str) -> bool {
    CHINESE.contains(word)
}

/// Whether a character is grammar.
pub(super) fn is_function_character(c: char) -> bool {
    FUNCTION_CHARACTERS.contains(c)
}
