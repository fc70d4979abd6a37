//! Wrong usage is told apart from failure, and says what to do.

use std::process::Stdio;

use crate::support::{Attest, HANDBOOK};

#[test]
fn unknown_settings_are_usage_errors_that_name_the_key() {
    let attest = Attest::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "[ingest]\ntimeout = 3\n").unwrap();
    let run = attest.run(&["status", "--config", file.to_str().unwrap()]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("timeout") && run.stderr.contains("config.toml"), "{}", run.stderr);
}

#[test]
fn help_teaches_by_example() {
    let run = Attest::new().run(&["--help"]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("attest ask --docs") && run.stdout.contains("Exit codes"), "{}", run.stdout);
}

#[test]
fn completions_are_printed_for_a_shell() {
    let run = Attest::new().run(&["completions", "bash"]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("attest"));
}

#[test]
fn an_empty_index_says_how_to_fill_it() {
    let run = Attest::new().run(&["search", "--mode", "lexical", "anything"]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("attest add"), "{}", run.stderr);
    let run = Attest::new().run(&["ask", "Anything?"]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("attest add") && run.stdout.is_empty(), "{}", run.stderr);
}

#[test]
fn a_reader_that_is_gone_is_no_failure() {
    let attest = Attest::new();
    for arguments in [
        &["completions", "bash"][..],
        &["status"],
        &["models", "list"],
        &["search", "--mode", "lexical", "-k", "100", "the hub and the valve"],
    ] {
        let attest = if arguments[0] == "search" { &*HANDBOOK } else { &attest };
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = attest.command(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.is_empty(), "{arguments:?}: {}: {told}", output.status);
    }
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    if cfg!(target_os = "linux") {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = Attest::new().command(&["status"]).stdout(full).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && told.contains("stdout"), "{}: {told}", output.status);
    }
}

#[test]
fn bare_it_prints_its_help_and_what_the_environment_says_is_in_no_usage_line() {
    let attest = Attest::new();
    let run = attest.run(&[]);
    assert_eq!((run.code, run.stderr.as_str()), (2, ""));
    let at = |command: &str| run.stdout.find(&format!("\n  {command} ")).unwrap_or_else(|| panic!("{}", run.stdout));
    assert!(at("ask") < at("add") && at("add") < at("search") && at("search") < at("eval"));
    let run = attest.run(&["ask"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("Usage: attest ask") && !run.stderr.contains("--data-dir"), "{}", run.stderr);
    let script = attest.run(&["completions", "bash"]).stdout;
    assert!(script.contains("completions") && !script.contains("read-files"), "the reader is no command for people");
}

#[test]
fn questions_without_a_word_are_refused_before_anything_is_loaded() {
    let attest = Attest::new();
    let models = tempfile::tempdir().unwrap();
    for arguments in
        [&["ask", ""][..], &["ask", "?"], &["ask", "--json", " ", "--docs", "data/handbook"], &["search", "  "]]
    {
        let run = attest.run(&[&["--models-dir", models.path().to_str().unwrap()], arguments].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains("nothing to look for"), "{}", run.stderr);
    }
    assert!(std::fs::read_dir(models.path()).unwrap().next().is_none(), "a model was fetched");
}

#[test]
fn an_empty_index_is_told_to_tools_at_once() {
    let models = tempfile::tempdir().unwrap();
    let without_models = ["--models-dir", models.path().to_str().unwrap()];
    let (code, answer) = Attest::new().json(&[&without_models[..], &["ask", "How long is the warranty?"]].concat());
    assert_eq!((code, &answer["status"], &answer["closest"]), (3, &"not_found".into(), &serde_json::json!([])));
    let (code, found) = Attest::new().json(&[&without_models[..], &["search", "warranty"]].concat());
    assert_eq!((code, &found["hits"]), (3, &serde_json::json!([])));
    assert!(std::fs::read_dir(models.path()).unwrap().next().is_none(), "a model was fetched");
}

#[test]
fn what_is_named_and_not_there_is_a_usage_error() {
    for (arguments, named) in [
        (&["add", "no/such/folder"][..], "no/such/folder does not exist"),
        (&["ask", "--docs", "no/such/folder", "Why?"], "no/such/folder does not exist"),
        (&["--config", "no/such/file.toml", "status"], "no/such/file.toml does not exist"),
        (&["calibrate", "no/such/questions.jsonl"], "no/such/questions.jsonl does not exist"),
        (&["models", "pull", "no-such-model"], "no-such-model"),
        (&["models", "verify", "no-such-model"], "no-such-model"),
        (&["keys", "revoke", "no-such-key"], "no-such-key"),
        (&["search", "--collection", "nowhere", "x"], "no collection named nowhere"),
        (&["ask", "--collection", "nowhere", "Why?"], "no collection named nowhere"),
        (&["remove", "--collection", "nowhere", "x"], "no collection named nowhere"),
        (&["add", "--collection", " ", "data/handbook/faq.md"], "a collection needs a name"),
    ] {
        let run = Attest::new().run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(named), "{arguments:?}: {}", run.stderr);
    }
}
