//! `attest add`: what comes in, what is skipped, what is told.

use std::fs;

use crate::support::{Attest, repository};

#[test]
fn unchanged_files_are_skipped_changed_ones_replaced_vanished_ones_removed() {
    let attest = Attest::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    fs::write(folder.path().join("a.md"), "# A\n\nThe first value is 17.\n").unwrap();
    fs::write(folder.path().join("b.txt"), "The second value is 23.\n").unwrap();

    let (code, report) = attest.json(&["add", path]);
    assert_eq!((code, report["added"].as_array().unwrap().len()), (0, 2), "{report}");

    let (_, report) = attest.json(&["add", path]);
    assert_eq!((report["added"].as_array().unwrap().len(), &report["unchanged"]), (0, &2.into()), "{report}");

    fs::write(folder.path().join("a.md"), "# A\n\nThe first value is now 18.\n").unwrap();
    fs::remove_file(folder.path().join("b.txt")).unwrap();
    let (_, report) = attest.json(&["add", path]);
    assert_eq!(report["updated"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["removed"].as_array().unwrap().len(), 1, "{report}");

    let (_, found) = attest.json(&["search", "--mode", "lexical", "value"]);
    let texts: Vec<&str> = found["hits"].as_array().unwrap().iter().map(|hit| hit["text"].as_str().unwrap()).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("18"), "{texts:?}");
}

#[test]
fn a_bad_file_is_a_row_in_the_report_and_the_rest_goes_on() {
    let attest = Attest::new();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("broken.pdf"), b"%PDF-1.7\nnothing of use").unwrap();
    fs::write(folder.path().join("good.md"), "# Good\n\nThis one is fine.\n").unwrap();
    let (code, report) = attest.json(&["add", folder.path().to_str().unwrap()]);
    assert_eq!(code, 4, "{report}");
    assert_eq!(report["added"].as_array().unwrap().len(), 1);
    let failure = &report["failed"][0];
    assert!(failure["document"].as_str().unwrap().ends_with("broken.pdf"));
    assert!(failure["message"].as_str().unwrap().contains("broken.pdf"), "{failure}");

    let (_, status) = attest.json(&["status"]);
    assert_eq!(status["failures"].as_array().unwrap().len(), 1, "{status}");
}

#[test]
fn removing_a_folder_takes_its_documents_out() {
    let attest = Attest::new();
    let folder = repository("data/handbook/zh");
    let folder = folder.to_str().unwrap();
    let (_, report) = attest.json(&["add", folder]);
    let added = report["added"].as_array().unwrap().len();
    assert!(added >= 5, "{report}");
    let (code, report) = attest.json(&["remove", folder]);
    assert_eq!((code, report["removed"].as_array().unwrap().len()), (0, added));
    let (_, status) = attest.json(&["status"]);
    assert_eq!(status["chunks"], 0, "{status}");
}
