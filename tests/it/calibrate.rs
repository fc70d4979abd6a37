//! `attest calibrate`: a threshold of one's own, and back.

use crate::support::Attest;

const NOTE: &str = "# The blue kettle\n\nThe blue kettle holds 1.7 litres of water.\n\nIt weighs 900 grams.\n";
const QUESTIONS: &str = r#"{"text": "How much water does the blue kettle hold?"}
{"text": "How heavy is the blue kettle?", "answers": ["900 grams"]}

{"text": "Who won the football world cup in 1998?", "answerable": false}
"#;

#[test]
fn a_threshold_is_fitted_to_questions_and_kept_until_it_is_reset() {
    let attest = Attest::new();
    let folder = tempfile::tempdir().unwrap();
    let (note, questions) = (folder.path().join("kettle.md"), folder.path().join("questions.jsonl"));
    std::fs::write(&note, NOTE).unwrap();
    std::fs::write(&questions, QUESTIONS).unwrap();
    let questions = questions.to_str().unwrap();
    assert_eq!(attest.run(&["add", note.to_str().unwrap()]).code, 0);

    let (code, tried) = attest.json(&["calibrate", questions, "--dry-run"]);
    assert_eq!(code, 0);
    assert_eq!(tried["questions"], 3);
    assert_eq!(tried["best"]["f1"], 1.0, "{tried}");
    // At 0 everything is answered that stands up to the check.
    assert_eq!(tried["curve"][0]["false_refusals"], 0.0);
    let (_, again) = attest.json(&["calibrate", questions]);
    assert_eq!(again["best"], tried["best"]);
    let (_, stored) = attest.json(&["calibrate", questions, "--dry-run"]);
    assert_eq!(stored["before"]["threshold"], again["best"]["threshold"]);
    assert_eq!(attest.run(&["calibrate", "--reset"]).code, 0);
    let (_, reset) = attest.json(&["calibrate", questions, "--dry-run"]);
    assert_eq!(reset["before"], tried["before"]);
}

#[test]
fn questions_of_one_kind_and_broken_lines_are_usage_errors_that_say_what_is_wrong() {
    let attest = Attest::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("questions.jsonl");
    for (text, why) in
        [("{\"text\": \"How?\"}\n", "do not answer"), ("{\"text\": \"How?\"}\n{\"answerable\": false}\n", "line 2")]
    {
        std::fs::write(&file, text).unwrap();
        let run = attest.run(&["calibrate", file.to_str().unwrap()]);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
}
