//! What is being written: the request, and its answer as it grows.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use super::tokenizer::Tokenizer;
use crate::models::citation::CitationGuard;
use crate::models::text::TextStream;
use crate::models::{Finish, GenerateRequest};

/// A request to write, and who waits for the text.
pub struct Writing {
    pub request: GenerateRequest,
    pub pieces: Sender<String>,
    pub cancelled: Arc<AtomicBool>,
}

/// An answer as it grows.
pub struct Answer<'a> {
    job: &'a Writing,
    tokenizer: &'a Tokenizer,
    guard: CitationGuard,
    text: TextStream<'a>,
    pub generated: usize,
    /// Tokens that may still be written.
    pub budget: usize,
}

impl<'a> Answer<'a> {
    /// Nothing yet, of at most `room` tokens.
    pub fn new(job: &'a Writing, tokenizer: &'a Tokenizer, room: usize) -> Self {
        Self {
            job,
            tokenizer,
            guard: CitationGuard::new(job.request.max_citation),
            text: TextStream::new(&job.request.stop),
            generated: 0,
            budget: job.request.max_tokens.min(room),
        }
    }

    /// Whether `token` may come next.
    pub fn allows(&self, token: u32) -> bool {
        self.guard.allows(self.tokenizer.bytes(token))
    }

    /// Takes a token and hands over the text that is final with it; tells
    /// whether the answer ends here.
    pub fn take(&mut self, token: u32) -> Option<Finish> {
        if self.tokenizer.is_end(token) {
            return Some(Finish::Stop);
        }
        self.generated += 1;
        self.budget -= 1;
        let bytes = self.tokenizer.bytes(token);
        self.guard.advance(bytes);
        if self.job.hand_over(self.text.push(bytes)).is_break() {
            Some(Finish::Cancelled)
        } else if self.text.stopped() {
            Some(Finish::Stop)
        } else {
            (self.budget == 0).then_some(Finish::Length)
        }
    }

    /// Writes the words of the refusal, and nothing else.
    pub fn refuse(&mut self, words: &str) {
        // It is the end anyway: nothing is left to be cancelled.
        let _ = self.job.hand_over(self.text.push(words.as_bytes()));
    }

    /// Hands over what was held back; returns the whole text.
    pub fn finish(mut self, finish: Finish) -> String {
        if finish != Finish::Cancelled {
            // It is the end anyway: nothing is left to be cancelled.
            let _ = self.job.hand_over(self.text.finish());
        }
        self.text.into_text()
    }
}

impl Writing {
    /// Hands a piece of text to the caller, who may have had enough.
    fn hand_over(&self, piece: &str) -> ControlFlow<()> {
        let gone = !piece.is_empty() && self.pieces.send(piece.to_owned()).is_err();
        if gone || self.cancelled.load(Ordering::Acquire) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
