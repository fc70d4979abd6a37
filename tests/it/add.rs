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

    // It is still broken, and the next run says so again.
    let (code, report) = attest.json(&["add", folder.path().to_str().unwrap()]);
    assert_eq!((code, &report["unchanged"]), (4, &1.into()), "{report}");
    assert_eq!(&report["failed"][0], failure);

    // A failure whose file is gone is forgotten.
    fs::remove_file(folder.path().join("broken.pdf")).unwrap();
    let (code, report) = attest.json(&["add", folder.path().to_str().unwrap()]);
    assert_eq!((code, report["removed"].as_array().unwrap().len()), (0, 0), "{report}");
    let (_, status) = attest.json(&["status"]);
    assert_eq!(status["failures"].as_array().unwrap().len(), 0, "{status}");
}

#[test]
fn a_locked_file_is_read_once_its_password_is_given() {
    let attest = Attest::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("locked.pdf");
    fs::write(&path, locked_pdf("The vault code is 4711.", "open sesame")).unwrap();
    let path = path.to_str().unwrap();
    let (code, report) = attest.json(&["add", path]);
    assert_eq!((code, report["failed"][0]["reason"].as_str()), (4, Some("encrypted")), "{report}");
    let (code, report) = attest.json(&["add", path, "--password", "open sesame"]);
    assert_eq!(code, 0, "{report}");
    let (_, found) = attest.json(&["search", "--mode", "lexical", "vault code"]);
    assert!(found["hits"][0]["text"].as_str().unwrap().contains("4711"), "{found}");
}

/// A PDF of one page and one line that opens with `password`.
fn locked_pdf(line: &str, password: &str) -> Vec<u8> {
    use lopdf::{Document, EncryptionState, EncryptionVersion, Object, Permissions, Stream, dictionary};
    let mut pdf = Document::with_version("1.5");
    let pages = pdf.new_object_id();
    let font = pdf.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica" });
    let content = format!("BT /F1 12 Tf 72 700 Td ({line}) Tj ET");
    let content = pdf.add_object(Stream::new(dictionary! {}, content.into_bytes()));
    let page = pdf.add_object(dictionary! {
        "Type" => "Page", "Parent" => pages, "Contents" => content,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
        "Resources" => dictionary! { "Font" => dictionary! { "F1" => font } },
    });
    let kids = dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 };
    pdf.objects.insert(pages, kids.into());
    let catalogue = pdf.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    pdf.trailer.set("Root", catalogue);
    pdf.trailer.set("ID", vec![Object::string_literal("0123456789abcdef"), Object::string_literal("0123456789abcdef")]);
    let version = EncryptionVersion::V2 {
        document: &pdf,
        owner_password: "owner",
        user_password: password,
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).unwrap();
    pdf.encrypt(&state).unwrap();
    let mut bytes = Vec::new();
    pdf.save_to(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_moved_file_keeps_its_passages() {
    let attest = Attest::new();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap();
    fs::create_dir(folder.path().join("old")).unwrap();
    fs::create_dir(folder.path().join("new")).unwrap();
    fs::write(folder.path().join("old/a.md"), "# A\n\nThe first value is 17.\n").unwrap();
    attest.json(&["add", root]);
    fs::rename(folder.path().join("old/a.md"), folder.path().join("new/b.md")).unwrap();
    let (_, report) = attest.json(&["add", root]);
    assert_eq!((report["added"].as_array().unwrap().len(), report["removed"].as_array().unwrap().len()), (1, 1));
    assert_eq!(report["chunks"], 0, "nothing new was to be embedded: {report}");
    let (_, found) = attest.json(&["search", "first value"]);
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    assert!(found["hits"][0]["document"].as_str().unwrap().ends_with("new/b.md"), "{found}");
}

#[test]
fn what_is_named_and_not_there_fails_and_the_rest_goes_on() {
    let attest = Attest::new();
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.md");
    fs::write(&good, "# Good\n\nThis one is fine.\n").unwrap();
    let (code, report) = attest.json(&["add", "no/such/file.md", good.to_str().unwrap()]);
    assert_eq!((code, report["added"].as_array().unwrap().len()), (4, 1), "{report}");
    assert_eq!(report["failed"][0]["document"], "no/such/file.md");
}

#[test]
fn a_file_is_gone_whichever_folder_above_it_is_added() {
    let attest = Attest::new();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    let file = folder.path().join("sub/a.md");
    fs::write(&file, "# A\n\nThe first value is 17.\n").unwrap();
    attest.json(&["add", folder.path().to_str().unwrap()]);
    fs::remove_file(&file).unwrap();
    let (_, report) = attest.json(&["add", folder.path().join("sub").to_str().unwrap()]);
    assert_eq!(report["removed"].as_array().unwrap().len(), 1, "{report}");
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

#[test]
fn remarks_are_summed_up_and_listed_by_status() {
    let attest = Attest::new();
    let folder = tempfile::tempdir().unwrap();
    for n in 0..5 {
        fs::write(
            folder.path().join(format!("{n}.md")),
            format!("# Part {n}\n\n<!-- to be written next week -->\n\nText.\n"),
        )
        .unwrap();
        fs::write(folder.path().join(format!("empty-{n}.md")), "\n").unwrap();
    }
    let run = attest.run(&["add", folder.path().to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let notes: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(notes.len(), 5, "{}", run.stderr);
    assert!(notes[0].starts_with("note: empty-"), "{}", notes[0]);
    assert!(notes[3].contains("and 2 more remarks") && notes[4].contains("5 files have text"), "{}", run.stderr);
    let status = attest.run(&["status"]).stdout;
    assert_eq!(status.matches("a reader would not see").count(), 5, "{status}");
    assert_eq!(status.matches("there is no text in it").count(), 5, "{status}");
}
