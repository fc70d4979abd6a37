//! Which country a document is for.
//!
//! A company has one manual for Europe and one for China, with other numbers in each.
//! Where a question says where it is asked, and a document says that it is for
//! there, those that say that they are for elsewhere do not answer it.

use std::collections::{BTreeSet, HashMap};

use attest_ingest::sentences;

use crate::answer::rerank::Hit;

/// Names of a place in both languages, in lower case, and the larger place that it is in.
type Region = (&'static [&'static str], Option<&'static str>);

const REGIONS: [Region; 31] = [
    (
        &[
            "china",
            "chinese mainland",
            "prc",
            "shanghai",
            "beijing",
            "shenzhen",
            "guangzhou",
            "hangzhou",
            "suzhou",
            "chengdu",
            "中国",
            "大陆",
            "国内",
            "境内",
            "上海",
            "北京",
            "深圳",
            "广州",
            "杭州",
            "苏州",
            "成都",
        ],
        None,
    ),
    (&["hong kong", "香港"], None),
    (&["taiwan", "台湾"], None),
    (&["japan", "日本", "东京"], None),
    (&["korea", "韩国"], None),
    (&["india", "印度"], None),
    (&["singapore", "新加坡"], None),
    (&["australia", "澳大利亚", "澳洲"], None),
    (&["overseas", "海外"], None),
    (&["europe", "european union", "eu", "欧洲", "欧盟"], None),
    (&["germany", "德国"], Some("europe")),
    (&["austria", "奥地利"], Some("europe")),
    (&["switzerland", "瑞士"], Some("europe")),
    (&["france", "法国"], Some("europe")),
    (&["italy", "意大利"], Some("europe")),
    (&["spain", "西班牙"], Some("europe")),
    (&["portugal", "葡萄牙"], Some("europe")),
    (&["netherlands", "荷兰"], Some("europe")),
    (&["belgium", "比利时"], Some("europe")),
    (&["denmark", "丹麦"], Some("europe")),
    (&["norway", "挪威"], Some("europe")),
    (&["sweden", "瑞典"], Some("europe")),
    (&["finland", "芬兰"], Some("europe")),
    (&["poland", "波兰"], Some("europe")),
    (&["ireland", "爱尔兰"], Some("europe")),
    (&["united kingdom", "uk", "great britain", "英国"], Some("europe")),
    (&["north america", "北美"], None),
    (&["united states", "usa", "美国"], Some("north america")),
    (&["canada", "加拿大"], Some("north america")),
    (&["mexico", "墨西哥"], None),
    (&["brazil", "巴西"], None),
];

/// What a document says in front of or behind the place that it is for.
const FOR: [&str; 22] = [
    "sold in",
    "sold for",
    "customers in",
    "customers from",
    "users in",
    "visitors from",
    "guests from",
    "available in",
    "valid in",
    "valid for",
    "applies to",
    "apply to",
    "applies in",
    "apply in",
    "edition",
    "market",
    "for use in",
    "适用",
    "销售",
    "客户",
    "用户",
    "地区",
];

/// Parts `hits` into those that may answer and those of documents that are for elsewhere, where `question` names a place
/// and a document is for there. `head` gives the beginning of a document's text.
#[must_use]
pub fn for_the_place(question: &str, hits: Vec<Hit>, head: &dyn Fn(&str) -> String) -> (Vec<Hit>, Vec<Hit>) {
    let asked = places(question);
    if asked.is_empty() {
        return (hits, Vec::new());
    }
    let mut scopes: HashMap<String, BTreeSet<usize>> = HashMap::new();
    for hit in &hits {
        let passage = &hit.passage;
        scopes.entry(passage.document_id.clone()).or_insert_with(|| {
            let file = passage.document.rsplit(['/', '\\']).next().unwrap_or_default();
            let mut scope = places(&format!("{}\n{}", passage.title, file.replace(['-', '_'], " ")));
            let head = head(&passage.document_id);
            for span in sentences(&head) {
                let said = head[span.start..span.end].to_lowercase();
                if FOR.iter().any(|cue| said.contains(cue)) {
                    scope.extend(places(&said));
                }
            }
            scope
        });
    }
    let larger = |scope: &BTreeSet<usize>| -> BTreeSet<usize> {
        let parents = scope.iter().filter_map(|&at| REGIONS[at].1).flat_map(places);
        parents.chain(scope.iter().copied()).collect()
    };
    let meets = |scope: &BTreeSet<usize>| !larger(scope).is_disjoint(&asked) || !scope.is_disjoint(&larger(&asked));
    if !scopes.values().any(&meets) {
        return (hits, Vec::new());
    }
    let elsewhere =
        |hit: &Hit| scopes.get(&hit.passage.document_id).is_some_and(|scope| !scope.is_empty() && !meets(scope));
    hits.into_iter().partition(|hit| !elsewhere(hit))
}

/// The names of places in `text`, in lower case.
#[must_use]
pub fn place_names(text: &str) -> Vec<&'static str> {
    let lower = text.to_lowercase();
    REGIONS.iter().flat_map(|(names, _)| *names).copied().filter(|name| is_in(name, &lower)).collect()
}

/// The places that `text` names, as indices of [`REGIONS`].
fn places(text: &str) -> BTreeSet<usize> {
    let lower = text.to_lowercase();
    (0..REGIONS.len()).filter(|&at| REGIONS[at].0.iter().any(|name| is_in(name, &lower))).collect()
}

/// Whether `name` stands in `lower`, not within a longer word.
fn is_in(name: &str, lower: &str) -> bool {
    let beside = |c: Option<char>| name.is_ascii() && c.is_some_and(|c| c.is_ascii_alphanumeric());
    lower
        .match_indices(name)
        .any(|(at, _)| !beside(lower[..at].chars().next_back()) && !beside(lower[at + name.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;

    fn read(question: &str) -> Vec<&'static str> {
        let documents = [
            ("manual.md", "Manual", "This manual is for devices sold in Europe and North America."),
            ("说明书.md", "使用说明书（中国版）", "净重 4.5 千克。"),
            ("prices.md", "Prices", "We ship to China, too. The seal costs 3 euros."),
        ];
        let hits = documents.iter().map(|(path, title, text)| {
            let mut hit = excerpt(1, title, text).hit;
            hit.passage.document = (*path).into();
            hit.passage.document_id = (*path).into();
            hit
        });
        let head = |id: &str| documents.iter().find(|(path, ..)| *path == id).map_or("", |(.., text)| text).to_owned();
        let (read, unread) = for_the_place(question, hits.collect(), &head);
        assert_eq!(read.len() + unread.len(), documents.len());
        let path =
            |hit: Hit| documents.iter().find(|(path, ..)| *path == hit.passage.document).map_or("", |(path, ..)| path);
        read.into_iter().map(path).collect()
    }

    #[test]
    fn documents_for_elsewhere_are_not_read() {
        assert_eq!(read("How heavy is it in China?"), ["说明书.md", "prices.md"]);
        assert_eq!(read("我在上海买的，有多重？"), ["说明书.md", "prices.md"]);
        assert_eq!(read("在欧洲有多重？"), ["manual.md", "prices.md"]);
        assert_eq!(read("How heavy is it in Germany?"), ["manual.md", "prices.md"]);
        // Nobody says where, none is for there, or both places are named.
        for question in ["How heavy is it?", "How heavy is it in Japan?", "Is it heavier in China than in Europe?"] {
            assert_eq!(read(question).len(), 3, "{question}");
        }
        assert!(places("Chinatown in Europea; usage").is_empty());
    }
}
