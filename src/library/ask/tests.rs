use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::library::{TextDocument, fixture};
use crate::models::{Generate, Generation, Message};

/// Writes these pieces; an empty one is a moment of reading.
struct Pieces(&'static [&'static str]);

impl Generate for Pieces {
    fn id(&self) -> &str {
        "pieces"
    }

    fn context_tokens(&self) -> usize {
        4096
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len() / 4
    }

    fn prompt_tokens(&self, _: &[Message]) -> Option<Vec<u32>> {
        None
    }

    fn generate(&self, _: &GenerateRequest, on_text: &mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<Generation> {
        let mut text = String::new();
        let mut finish = Finish::Stop;
        for piece in self.0 {
            text.push_str(piece);
            if on_text(piece).is_break() {
                finish = Finish::Cancelled;
                break;
            }
        }
        Ok(Generation {
            text,
            finish,
            prompt_tokens: 0,
            cached_tokens: 0,
            generated_tokens: 0,
            passes: None,
            refusal: None,
            confidence: None,
            first_token_ms: 0.0,
            total_ms: 0.0,
        })
    }
}

/// A library of one document, with models that need no files.
fn library(pieces: &'static [&'static str]) -> (TempDir, Library) {
    let (data, library) = fixture::library();
    let text = "The kettle has a warranty of 24 months. It holds 1.7 litres of water.";
    library.put_texts("default", &[TextDocument { id: "kettle", title: "Kettle", text }]).unwrap();
    *library.generator.lock().unwrap() = Some(Arc::new(Pieces(pieces)));
    (data, library)
}

fn ask(library: &Library, stop_at: impl Fn(&AskEvent<'_>) -> bool) -> Result<Asked> {
    let request = AskRequest { question: "How long is the warranty of the kettle?".into(), ..AskRequest::default() };
    library.ask(&request, &mut |event| {
        if stop_at(&event) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

#[test]
fn an_answer_that_is_stopped_is_cancelled_wherever_it_is_and_never_a_refusal() {
    let (_data, library) = library(&["", "The kettle has ", "a warranty of 24 months. ", "It holds 1.7 litres."]);
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
