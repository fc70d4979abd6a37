//! Receipts with the real models: stored answers, replay, and what changed.

use std::fs;

use crate::support::Attest;

#[test]
fn an_answer_is_kept_replayed_and_told_from_a_changed_one() {
    let attest = Attest::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kettle.md");
    fs::write(&file, "# Kettle K7\n\nThe kettle K7 has a warranty of 24 months. It holds 1.7 litres.\n").unwrap();
    let path = file.to_str().unwrap();
    assert_eq!(attest.run(&["add", path]).code, 0);

    let question = "How long is the warranty of the kettle K7?";
    let (code, first) = attest.json(&["ask", question]);
    assert_eq!((code, &first["stored"]), (0, &false.into()), "{first}");
    assert!(first["answer"].as_str().unwrap().contains("24 months"), "{first}");
    let receipt = first["receipt"].as_str().unwrap();

    let (_, again) = attest.json(&["ask", question]);
    assert_eq!((&again["stored"], &again["answer"]), (&true.into(), &first["answer"]));
    assert_eq!(again["receipt"], first["receipt"]);
    let (code, replayed) = attest.json(&["replay", receipt]);
    assert_eq!((code, &replayed["same"], replayed["changes"].as_array().unwrap().len()), (0, &true.into(), 0));

    // Somebody who edits a receipt is found out.
    let shown = attest.run(&["replay", receipt, "--show"]).stdout;
    let edited = folder.path().join("edited.json");
    fs::write(&edited, shown.replace("24 months", "99 months")).unwrap();
    let (code, replayed) = attest.json(&["replay", edited.to_str().unwrap()]);
    assert_eq!((code, &replayed["same"], &replayed["changes"][0]["what"]), (1, &false.into(), &"receipt".into()));
    fs::write(&edited, shown).unwrap();
    assert_eq!(attest.json(&["replay", edited.to_str().unwrap()]).1["same"], true);

    let expected = ["--comment", "which country?", "--expected", "24 months"];
    assert_eq!(attest.run(&[&["feedback", "last", "down"][..], &expected].concat()).code, 0);
    let (code, feedback) = attest.json(&["eval", "feedback"]);
    assert_eq!((code, &feedback["cases"], &feedback["changed"]), (0, &1.into(), &0.into()), "{feedback}");
    assert_eq!(feedback["disputed"][0]["right"], true, "{feedback}");

    fs::write(&file, "# Kettle K7\n\nThe kettle K7 has a warranty of 36 months. It holds 1.7 litres.\n").unwrap();
    assert_eq!(attest.run(&["add", path]).code, 0);
    let (code, replayed) = attest.json(&["replay", receipt]);
    assert_eq!((code, &replayed["same"]), (1, &false.into()), "{replayed}");
    assert_eq!(replayed["changes"][0]["what"], "documents");
    assert_eq!(replayed["changes"][0]["detail"].as_str().unwrap(), format!("{path} changed"));
    let (_, now) = attest.json(&["ask", question]);
    assert_ne!(now["receipt"], first["receipt"], "the stored answer belongs to the documents of then");
    assert!(now["answer"].as_str().unwrap().contains("36 months"), "{now}");
}

#[test]
fn receipts_that_cannot_be_read_cost_no_answer() {
    let attest = Attest::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kettle.md");
    fs::write(&file, "The kettle K7 holds 1.7 litres.\n").unwrap();
    assert_eq!(attest.run(&["add", file.to_str().unwrap()]).code, 0);
    fs::write(attest.data_dir().join("receipts.sqlite"), "no database").unwrap();
    let run = attest.run(&["ask", "How much does the kettle K7 hold?"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("1.7 litres"), "{}", run.stdout);
    assert!(run.stderr.contains("move that file away"), "{}", run.stderr);
}

#[test]
fn an_unknown_receipt_is_named() {
    let run = Attest::new().run(&["replay", "0123456789abcdef"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("no receipt named 0123456789abcdef"), "{}", run.stderr);
}
