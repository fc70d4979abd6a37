//! Wrong usage is told apart from failure, and says what to do.

use crate::support::Attest;

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
fn a_path_that_does_not_exist_is_named() {
    let run = Attest::new().run(&["add", "no/such/folder"]);
    assert_ne!(run.code, 0);
    assert!(run.stderr.contains("no/such/folder"), "{}", run.stderr);
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
