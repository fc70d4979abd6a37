use super::*;

fn entry(chunk: u64, collection: u32, title: &str, body: &str) -> LexicalEntry {
    LexicalEntry {
        chunk: ChunkId(chunk),
        collection: CollectionId(collection),
        title: title.into(),
        headings: String::new(),
        body: body.into(),
    }
}

fn index(entries: &[LexicalEntry]) -> (tempfile::TempDir, Lexical) {
    let dir = tempfile::tempdir().unwrap();
    let (lexical, found) = Lexical::open_or_reset(&dir.path().join("lexical")).unwrap();
    assert_eq!(found, Found::Reset);
    lexical.write(&[], entries).unwrap();
    (dir, lexical)
}

fn ids(hits: &[Scored]) -> Vec<u64> {
    hits.iter().map(|hit| hit.chunk.0).collect()
}

fn library() -> Vec<LexicalEntry> {
    vec![
        entry(1, 1, "Gateway manual", "Error E-1042 means that the battery of the sensor is empty."),
        entry(2, 1, "Gateway manual", "Set max_conn to limit the connections of the gateway."),
        entry(3, 2, "网关手册", "网关的保修期为三年，由张伟签字。"),
        entry(4, 2, "Warranty", "The warranty of the sensor lasts three years; the empty box is no warranty."),
    ]
}

#[test]
fn finds_words_identifiers_and_chinese() {
    let (_dir, lexical) = index(&library());
    let search = |query: &str| ids(&lexical.search(query, &Scope::All, 10).unwrap());
    assert_eq!(search("batteries"), [1]);
    assert_eq!(search("e1042"), [1]);
    assert_eq!(search("E 1042")[0], 1);
    assert_eq!(search("maxConn"), [2]);
    assert_eq!(search("connection"), [2]);
    assert_eq!(search("张伟"), [3]);
    assert_eq!(search("保修期多长？"), [3]);
    assert_eq!(search("warranty")[0], 4);
    assert_eq!(search("what is the"), [0; 0]);
}

#[test]
fn phrases_come_first() {
    let (_dir, lexical) = index(&[
        entry(1, 1, "", "three years of silence; warranty; warranty three years lasts"),
        entry(2, 1, "", "a long text in which the warranty lasts three years, among many other words that say little"),
    ]);
    let search = |query: &str| ids(&lexical.search(query, &Scope::All, 10).unwrap());
    assert_eq!(search("warranty lasts three years"), [1, 2]);
    assert_eq!(search("\"warranty lasts three years\""), [2, 1]);
}

#[test]
fn quoted_parts_are_where_their_terms_stand_side_by_side() {
    let (_dir, lexical) = index(&library());
    let quoted = |query: &str, scope: &Scope| -> Vec<(String, Vec<u64>)> {
        let found = lexical.quoted(query, scope).unwrap();
        found.into_iter().map(|part| (part.text, part.chunks.iter().map(|chunk| chunk.0).collect())).collect()
    };
    let part = |text: &str, chunks: &[u64]| (text.to_owned(), chunks.to_vec());
    assert_eq!(quoted("warranty \"Three YEARS\"", &Scope::All), [part("Three YEARS", &[4])]);
    assert_eq!(quoted("\"gateway manual\"", &Scope::All), [part("gateway manual", &[1, 2])], "titles count");
    assert_eq!(
        quoted("\"sénsor\" “the empty box”", &Scope::All),
        [part("sénsor", &[1, 4]), part("the empty box", &[4])]
    );
    assert_eq!(quoted("\"years three\" \"the\" \"open", &Scope::All), [part("years three", &[])]);
    assert_eq!(quoted("「保修期为三年」", &Scope::All), [part("保修期为三年", &[3])]);
    assert_eq!(quoted("\"sensor\"", &Scope::Collections(vec![CollectionId(2)])), [part("sensor", &[4])]);
    let among = BTreeSet::from([ChunkId(1)]);
    assert_eq!(ids(&lexical.search_among("sensor warranty", &Scope::All, 10, Some(&among)).unwrap()), [1]);
}

#[test]
fn chinese_phrases_are_literal() {
    let (_dir, lexical) = index(&[
        entry(1, 1, "", "大桥很长，江在桥下，长江以南的大桥，大桥，长江"),
        entry(2, 1, "", "这里写的是关于南京市的许多事情，其中也有长江大桥的历史和其他许多不相干的内容"),
    ]);
    let search = |query: &str| ids(&lexical.search(query, &Scope::All, 10).unwrap());
    assert_eq!(search("“长江大桥的历史”"), [2, 1]);
}

#[test]
fn scope_limits_hits_and_statistics() {
    let (_dir, lexical) = index(&library());
    let scope = Scope::Collections(vec![CollectionId(2)]);
    assert_eq!(ids(&lexical.search("sensor", &scope, 10).unwrap()), [4]);
    assert_eq!(lexical.document_frequency(&["sensor"], &scope).unwrap(), [1]);
    assert_eq!(lexical.document_frequency(&["sensor"], &Scope::All).unwrap(), [2]);
}

#[test]
fn removed_and_replaced_chunks_leave_no_trace_in_scores() {
    let (_dir, changed) = index(&library());
    let extra: Vec<_> = (10..60).map(|id| entry(id, 1, "Noise", "sensor warranty battery")).collect();
    changed.write(&[], &extra).unwrap();
    changed.write(&extra.iter().map(|e| e.chunk).collect::<Vec<_>>(), &library()).unwrap();
    let (_dir, fresh) = index(&library());
    assert_eq!(changed.ids().unwrap(), fresh.ids().unwrap());
    for query in ["sensor warranty", "three years", "保修", "\"empty box\""] {
        let search = |lexical: &Lexical| lexical.search(query, &Scope::All, 10).unwrap();
        assert_eq!(search(&changed), search(&fresh), "{query}");
    }
}

#[test]
fn ties_are_broken_by_chunk_id() {
    let same: Vec<_> = [9, 3, 7, 5].map(|id| entry(id, 1, "", "same words")).into();
    let (_dir, lexical) = index(&same);
    assert_eq!(ids(&lexical.search("words", &Scope::All, 3).unwrap()), [3, 5, 7]);
}

#[test]
fn a_damaged_index_is_reset_and_an_intact_one_kept() {
    let (dir, lexical) = index(&library());
    drop(lexical);
    let path = dir.path().join("lexical");
    let (lexical, found) = Lexical::open_or_reset(&path).unwrap();
    assert_eq!((lexical.ids().unwrap().len(), found), (4, Found::Intact));
    drop(lexical);
    fs::write(path.join("meta.json"), "{").unwrap();
    let (lexical, found) = Lexical::open_or_reset(&path).unwrap();
    assert_eq!((lexical.ids().unwrap().len(), found), (0, Found::Reset));
}

/// As when a process is killed after it wrote which documents are deleted and
/// before it committed that: the file is there and nothing refers to it.
#[test]
fn files_of_a_commit_that_was_cut_off_are_no_hindrance() {
    let (dir, lexical) = index(&library());
    let meta = dir.path().join("lexical/meta.json");
    let before = std::fs::read(&meta).unwrap();
    lexical.write(&[ChunkId(1)], &[]).unwrap();
    drop(lexical);
    std::fs::write(&meta, before).unwrap();
    let (lexical, found) = Lexical::open_or_reset(&dir.path().join("lexical")).unwrap();
    assert_eq!(found, Found::Intact);
    lexical.write(&[ChunkId(1)], &[]).unwrap();
    assert_eq!(ids(&lexical.search("battery", &Scope::All, 10).unwrap()), [0; 0]);
    assert_eq!(ids(&lexical.search("warranty", &Scope::All, 10).unwrap())[0], 4);
}
