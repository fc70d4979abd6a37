use super::*;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn load(files: &[(&str, &str)]) -> Result<Dataset, String> {
    let folder = folder(files);
    let clean = |error: DatasetError| error.to_string().replace(&*folder.path().to_string_lossy(), "DIR");
    Dataset::load(folder.path(), &Variant::Standard).map_err(clean)
}

const CORPUS: (&str, &str) = (
    "corpus.jsonl",
    "\u{feff}{\"id\": \"a\", \"title\": \"A\", \"text\": \"ay\"}\r\n\n{\"_id\": 7, \"text\": \"bee\"}\n",
);
const QUERIES: (&str, &str) = (
    "queries.jsonl",
    "{\"id\": \"q1\", \"text\": \"who?\", \"answers\": [\"x\"], \"type\": \"bridge\"}\n{\"id\": \"q2\", \"text\": \"why?\", \"answerable\": false}\n",
);

#[test]
fn texts_queries_and_judgements() {
    let qrels = ("qrels.tsv", "query_id\tcorpus_id\tscore\nq1\ta\t2\nq1\t7\t0\n");
    let dataset = load(&[CORPUS, QUERIES, qrels]).unwrap();
    assert_eq!(dataset.source, Source::Texts);
    assert_eq!(dataset.corpus.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["a", "7"]);
    assert_eq!(dataset.queries[0].relevant, BTreeMap::from([("a".to_owned(), 2)]));
    assert_eq!(dataset.queries[0].kind.as_deref(), Some("bridge"));
    assert!(dataset.queries[0].answerable && !dataset.queries[1].answerable);
    assert_eq!(dataset.judged().len(), 1);
    assert!(dataset.warnings.is_empty());
}

#[test]
fn judgements_of_unknown_things_are_remarked() {
    let qrels = ("qrels.tsv", "q1\tnowhere\t1\nq9\ta\t1\n");
    let dataset = load(&[CORPUS, QUERIES, qrels]).unwrap();
    assert_eq!(dataset.queries[0].relevant.len(), 1, "what was cut from the corpus counts as not found");
    assert_eq!(dataset.warnings.len(), 2);
    assert!(dataset.warnings[1].ends_with("qrels.tsv:2: there is no query q9"), "{:?}", dataset.warnings);
}

#[test]
fn bad_rows_are_named() {
    let qrels = ("qrels.tsv", "q1\ta\t1\n");
    let error = |files: &[(&str, &str)]| load(files).unwrap_err();
    let bad = ("queries.jsonl", "{\"id\": \"q1\", \"text\": \"who?\"}\n{\"id\": \"q2\"}\n");
    assert_eq!(error(&[CORPUS, bad, qrels]), "DIR/queries.jsonl:2: missing field `text` at column 12");
    let bad = ("corpus.jsonl", "{\"id\": \"a\", \"text\": \"\"}\n\n{\"id\": \"a\", \"text\": \"\"}");
    assert_eq!(error(&[bad, QUERIES, qrels]), "DIR/corpus.jsonl:3: the id a occurs twice");
    let bad = ("qrels.tsv", "query\tentry\tscore\nq1 a 1\n");
    assert_eq!(error(&[CORPUS, QUERIES, bad]), "DIR/qrels.tsv:2: expected query, entry and score, found 1 fields");
    let bad = ("qrels.tsv", "query\tentry\tscore\nq1\ta\tgood\n");
    assert_eq!(error(&[CORPUS, QUERIES, bad]), "DIR/qrels.tsv:2: the score is not an integer: good");
    assert!(error(&[CORPUS, QUERIES]).starts_with("DIR/qrels.tsv: "));
    assert!(error(&[CORPUS]).starts_with("DIR: no data set; expected"));
}

#[test]
fn entries_of_files_have_places() {
    let corpus = "{\"id\": \"p1\", \"text\": \"\", \"pdf\": \"m.pdf\", \"start_page\": 2, \"end_page\": 3}
{\"id\": \"p2\", \"text\": \"\", \"file\": \"m.pdf\", \"start_page\": 4}
{\"id\": \"sub/a.md\", \"text\": \"\"}
{\"id\": \"sub/a.md#1\", \"text\": \"\"}";
    let files = [("documents/m.pdf", "%PDF"), ("documents/sub/a.md", "# A"), QUERIES, ("qrels.tsv", "")];
    let dataset = load(&[files.as_slice(), &[("corpus.jsonl", corpus)]].concat()).unwrap();
    let places: Vec<(&str, Part)> =
        dataset.corpus.iter().map(|e| e.place.as_ref().unwrap()).map(|p| (p.file.as_str(), p.part)).collect();
    let expected = [
        ("m.pdf", Part::Pages(2, 3)),
        ("m.pdf", Part::Pages(4, 4)),
        ("sub/a.md", Part::Whole),
        ("sub/a.md", Part::Whole),
    ];
    assert_eq!(places, expected);
    let lost = [files.as_slice(), &[("corpus.jsonl", "{\"id\": \"b.md\", \"text\": \"\"}")]].concat();
    assert!(load(&lost).unwrap_err().starts_with("DIR/corpus.jsonl:1: b.md names no file"));
    let lost = [files.as_slice(), &[("corpus.jsonl", "{\"id\": \"b\", \"text\": \"\", \"file\": \"b.md\"}")]].concat();
    assert_eq!(load(&lost).unwrap_err(), "DIR/corpus.jsonl:1: documents/b.md does not exist");
}

#[test]
fn a_variant_has_its_own_corpus_and_judgements() {
    let folder = folder(&[
        QUERIES,
        ("corpus_sections.jsonl", "{\"id\": \"a#1\", \"text\": \"\"}"),
        ("qrels_sections.tsv", "q2\ta#1\t1"),
    ]);
    let dataset = Dataset::load(folder.path(), &Variant::Named("sections".to_owned())).unwrap();
    assert_eq!(dataset.queries[1].relevant.len(), 1);
    assert!(dataset.name.ends_with("/sections"), "{}", dataset.name);
}

#[test]
fn questions_with_evidence() {
    let questions = r#"{"id": "q1", "text": "which port?", "lang": "en", "answers": ["8883"], "answerable": true, "kind": "fact", "evidence": [{"file": "a.md", "lines": [3, 4], "quote": "port 8883"}]}
{"id": "q2", "text": "哪个端口？", "lang": "zh", "answers": ["8883"], "answerable": true, "kind": "fact", "evidence": [{"file": "a.md", "lines": [3, 4], "quote": "port 8883"}, {"file": "m.pdf", "page": 2, "quote": "8883"}]}
{"id": "q3", "text": "who?", "lang": "en", "answers": [], "answerable": false, "kind": "unanswerable", "evidence": []}"#;
    let files = [("a.md", "# A\n\nUse port 8883."), ("m.pdf", "%PDF"), ("questions.jsonl", questions)];
    let dataset = load(&files).unwrap();
    let parts: Vec<Part> = dataset.corpus.iter().map(|e| e.place.as_ref().unwrap().part).collect();
    assert_eq!(parts, [Part::Lines(3, 4), Part::Pages(2, 2)], "the same quote is one entry");
    assert_eq!(dataset.queries[1].relevant.len(), 2);
    assert_eq!(dataset.judged().len(), 2);
    let error = load(&files[1..]).unwrap_err();
    assert_eq!(error, "DIR/questions.jsonl:1: a.md does not exist");
}

#[test]
fn the_hash_follows_what_is_ingested() {
    let hash = |files: &[(&str, &str)]| {
        let folder = folder(files);
        Dataset::load(folder.path(), &Variant::Standard).unwrap().content_hash().unwrap()
    };
    let qrels = ("qrels.tsv", "");
    let same = hash(&[CORPUS, QUERIES, qrels]);
    assert_eq!(same, hash(&[CORPUS, ("queries.jsonl", ""), qrels]), "queries are not ingested");
    assert_ne!(same, hash(&[("corpus.jsonl", ""), QUERIES, qrels]));
    let files = [("corpus.jsonl", ""), QUERIES, qrels];
    let with = |document| hash(&[files.as_slice(), &[document]].concat());
    assert_ne!(with(("documents/a.md", "A")), with(("documents/a.md", "B")));
    assert_ne!(with(("documents/a.md", "A")), with(("documents/b.md", "A")));
}
