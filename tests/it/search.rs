//! `attest search`: the JSON that tools rely on, and that hits are where they say.

use crate::support::{Attest, HANDBOOK, repository};

#[test]
fn hits_have_the_fields_of_the_contract_and_exact_spans() {
    let (code, result) = HANDBOOK.json(&["search", "-k", "5", "How long is the warranty of the K2 Pro?"]);
    assert_eq!(code, 0);
    let hits = result["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 5);
    for (rank, hit) in (1..).zip(hits) {
        assert_eq!(hit["rank"], rank);
        for field in ["score", "document", "collection", "chunk_id", "title", "heading", "span", "text", "sources"] {
            assert!(!hit[field].is_null(), "{field} is missing in {hit}");
        }
        for source in ["dense", "lexical", "graph", "rerank"] {
            assert!(hit["sources"].get(source).is_some(), "{source} is missing in {hit}");
        }
        let document = hit["document"].as_str().unwrap();
        if document.ends_with(".md") {
            // The text of a Markdown document is the file, so spans and lines can be checked against it.
            let file = std::fs::read_to_string(document).unwrap();
            let span = |i: usize| hit["span"][i].as_u64().unwrap() as usize;
            assert_eq!(&file[span(0)..span(1)], hit["text"].as_str().unwrap());
            let line = file[..span(0)].matches('\n').count() + 1;
            assert_eq!(hit["lines"][0], line);
        } else {
            assert!(hit["page"].as_u64().unwrap() >= 1);
        }
    }
    for stage in ["embed", "dense", "lexical", "graph", "rerank", "total"] {
        assert!(result["timings_ms"][stage].is_number(), "{stage}");
    }
}

#[test]
fn every_mode_finds_the_error_code_or_its_neighbourhood() {
    for mode in ["hybrid", "lexical", "dense", "graph"] {
        let (code, result) = HANDBOOK.json(&["search", "--mode", mode, "-k", "10", "E-3004 motor current"]);
        assert_eq!(code, 0, "{mode}");
        let found =
            result["hits"].as_array().unwrap().iter().any(|hit| hit["text"].as_str().unwrap().contains("E-3004"));
        assert!(found, "{mode} does not find E-3004");
    }
}

#[test]
fn chinese_is_found_in_chinese_documents() {
    let (_, result) = HANDBOOK.json(&["search", "-k", "3", "苏州服务中心 寄修"]);
    let first = result["hits"][0]["document"].as_str().unwrap();
    assert!(first.contains("/zh/"), "{first}");
}

#[test]
fn a_collection_that_does_not_exist_is_a_usage_error() {
    let run = HANDBOOK.run(&["search", "--collection", "nowhere", "x"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("nowhere"), "{}", run.stderr);
}

#[test]
fn collections_do_not_see_each_other() {
    let attest = Attest::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("note.md");
    std::fs::write(&path, "# Zebra\n\nThe zebra password is quagga.\n").unwrap();
    attest.run(&["add", "--collection", "one", path.to_str().unwrap()]);
    attest.run(&["add", "--collection", "two", repository("data/handbook/faq.md").to_str().unwrap()]);
    let (code, result) = attest.json(&["search", "--collection", "two", "zebra password quagga"]);
    assert!(code == 0 || code == 3);
    for hit in result["hits"].as_array().unwrap() {
        assert_eq!(hit["collection"], "two");
    }
}

#[test]
fn phrases_in_quotes_are_required_in_every_mode() {
    for mode in ["hybrid", "lexical", "dense", "graph"] {
        let (code, found) = HANDBOOK.json(&["search", "--mode", mode, "valve \"MOTOR current too high\""]);
        assert_eq!(code, 0, "{mode}");
        for hit in found["hits"].as_array().unwrap() {
            assert!(hit["text"].as_str().unwrap().contains("motor current too high"), "{mode}: {hit}");
        }
        let run = HANDBOOK.run(&["search", "--mode", mode, "valve \"high too current motor\""]);
        assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{mode}");
        assert!(run.stderr.contains("no passage has the phrase \"high too current motor\""), "{}", run.stderr);
    }
    // Without the quotes they are words like all others.
    assert_eq!(HANDBOOK.run(&["search", "valve high too current motor"]).code, 0);
}
