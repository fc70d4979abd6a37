use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::answer::Verdict;
use crate::library::TextDocument;
use crate::library::fixture::{self, Scripted};

/// A library of one document, with models that need no files.
fn library(model: Scripted) -> (TempDir, Library) {
    let (data, library) = fixture::library();
    let text = "The kettle has a warranty of 24 months. It holds 1.7 litres of water.";
    library.put_texts("default", &[TextDocument { id: "kettle", title: "Kettle", text }]).unwrap();
    *library.generator.lock().unwrap() = Some(Arc::new(model));
    (data, library)
}

const KETTLE: &[&str] = &["", "The kettle has ", "a warranty of 24 months. ", "It holds 1.7 litres."];

fn ask(library: &Library, stop_at: impl Fn(&AskEvent<'_>) -> bool) -> Result<Asked> {
    let request = AskRequest { question: "How long is the warranty of the kettle?".into(), ..AskRequest::default() };
    library.ask(&request, &mut |event| {
        if stop_at(&event) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

#[test]
fn an_answer_that_is_stopped_is_cancelled_wherever_it_is_and_never_a_refusal() {
    let (_data, library) = library(Scripted { pieces: KETTLE, doubts: None, looks: None });
    for (name, stop_at) in [
        ("found", (|event| matches!(event, AskEvent::Found(_))) as fn(&AskEvent<'_>) -> bool),
        ("quoted", |event| matches!(event, AskEvent::Extractive(..))),
        ("packed", |event| matches!(event, AskEvent::Reading(_))),
        ("reading", |event| matches!(event, AskEvent::Waiting)),
        ("writing", |event| matches!(event, AskEvent::Draft(_))),
        ("told a sentence", |event| matches!(event, AskEvent::Sentence(..))),
    ] {
        let outcome = ask(&library, stop_at);
        assert!(matches!(outcome, Err(Error::Cancelled)), "{name}: {outcome:?}");
    }
    let asked = ask(&library, |_| false).unwrap();
    assert!(matches!(asked.answer, Answer::Grounded { .. }), "{:?}", asked.answer);
    assert!(asked.receipt.is_some());
}

#[test]
fn an_answer_is_stopped_while_what_it_cites_is_read_once_more() {
    let (_data, library) =
        library(Scripted { pieces: &["The kettle holds 1.7 litres of water."], doubts: Some(|_| 0.5), looks: None });
    // No piece is empty, so that the only moment of reading is that one.
    let outcome = ask(&library, |event| matches!(event, AskEvent::Waiting));
    assert!(matches!(outcome, Err(Error::Cancelled)), "{outcome:?}");
    let outcome = ask(&library, |event| matches!(event, AskEvent::Sentence(..)));
    assert!(matches!(outcome, Err(Error::Cancelled)), "{outcome:?}");
}

/// What an answer says, and what was told of it as standing before it was there.
fn said(model: Scripted) -> (Vec<String>, Vec<String>) {
    let (_data, library) = library(model);
    let told = RefCell::new(Vec::new());
    let asked = ask(&library, |event| {
        if let AskEvent::Sentence(Sentence { checked, .. }, _) = event
            && checked.verdict == Verdict::Supported
        {
            told.borrow_mut().push(checked.text.clone());
        }
        false
    });
    let sentences = match asked.unwrap().answer {
        Answer::Grounded { sentences, .. } => sentences,
        Answer::NotFound { .. } => Vec::new(),
    };
    let standing = sentences.into_iter().filter(|sentence| sentence.checked.verdict == Verdict::Supported);
    (standing.map(|sentence| sentence.checked.text).collect(), told.into_inner())
}

#[test]
fn what_is_cited_and_misses_the_question_is_never_told() {
    let beside = Scripted { pieces: &["The kettle holds 1.7 litres of water."], doubts: None, looks: None };
    assert_eq!(said(beside).1, ["The kettle holds 1.7 litres of water."], "the sources say it");
    // Of all passages the model is not sure; of single sentences it knows.
    let knows = |read: &str| match (read.contains("24 months"), read.contains("1.7 litres")) {
        (true, false) => 0.1,
        (true, true) => 0.4,
        _ => 0.99,
    };
    let quoted = vec!["The kettle has a warranty of 24 months.".to_owned()];
    assert_eq!(said(Scripted { doubts: Some(knows), looks: Some("24 months"), ..beside }), (quoted.clone(), quoted));
    let refuses = Scripted { pieces: &["NOT FOUND"], doubts: Some(knows), looks: Some("24 months") };
    assert_eq!(said(refuses).1, ["The kettle has a warranty of 24 months."], "it looked at it and did not say it");
    let knows_nothing = |read: &str| if read.contains("24 months") && read.contains("1.7 litres") { 0.4 } else { 0.99 };
    assert_eq!(
        said(Scripted { doubts: Some(knows_nothing), looks: Some("1.7 litres"), ..beside }),
        (Vec::new(), Vec::new())
    );
}
