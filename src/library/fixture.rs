//! A library for tests, with models that need no files.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use tempfile::TempDir;

use crate::config::{Config, Overrides, Settings};
use crate::error::Result;
use crate::library::Library;
use crate::models::{Doubt, Embed, EmbedRole, Finish, Generate, GenerateRequest, Generation, Message, TokenVectors};

/// An empty library in a folder of its own.
pub fn library() -> (TempDir, Library) {
    let data = TempDir::new().unwrap();
    let overrides = Overrides {
        data_dir: Some(data.path().to_owned()),
        models_dir: Some(data.path().join("models")),
        threads: Some(1),
        ..Overrides::default()
    };
    let library = Library::open(Config::new(Settings::default(), overrides).unwrap()).unwrap();
    *library.embedder.lock().unwrap() = Some(Arc::new(OneMeaning));
    (data, library)
}

/// All texts mean the same to it.
struct OneMeaning;

impl Embed for OneMeaning {
    fn id(&self) -> &str {
        "one meaning"
    }

    fn dim(&self) -> usize {
        2
    }

    fn max_tokens(&self) -> usize {
        512
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len() / 4
    }

    fn token_offsets(&self, _: EmbedRole, _: &str) -> Vec<(usize, usize)> {
        Vec::new()
    }

    fn embed(&self, _: EmbedRole, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        Ok(vec![vec![1.0, 0.0]; texts.len()])
    }

    fn embed_tokens(&self, role: EmbedRole, texts: &[&str]) -> Result<Vec<(Vec<f32>, TokenVectors)>> {
        let tokens = TokenVectors { dim: 2, values: Vec::new(), offsets: Vec::new() };
        Ok(self.embed(role, texts)?.into_iter().map(|vector| (vector, tokens.clone())).collect())
    }
}

/// A language model that does as it is told.
#[derive(Clone, Copy, Default)]
pub struct Scripted {
    /// What it writes; an empty piece is a moment of reading.
    pub pieces: &'static [&'static str],
    /// How it doubts what it reads, if it tells.
    pub doubts: Option<fn(&str) -> f32>,
    /// What the sentence says that it looks at, if it tells.
    pub looks: Option<&'static str>,
}

impl Generate for Scripted {
    fn id(&self) -> &str {
        "scripted"
    }

    fn context_tokens(&self) -> usize {
        4096
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len() / 4
    }

    fn generate(
        &self,
        request: &GenerateRequest,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generation> {
        let mut text = String::new();
        let mut finish = Finish::Stop;
        for piece in self.pieces {
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
            refusal: self.doubt(&request.messages)?.map(|doubt| doubt.probability),
            looked: self.looks.and_then(|looks| looked(request, looks)),
            confidence: None,
            first_token_ms: 0.0,
            total_ms: 0.0,
        })
    }

    fn can_doubt(&self) -> bool {
        self.doubts.is_some()
    }

    fn doubt(&self, messages: &[Message]) -> Result<Option<Doubt>> {
        let read = &messages.last().expect("there is a question").content;
        Ok(self.doubts.map(|doubts| Doubt { probability: doubts(read), state: Vec::new() }))
    }
}

/// How likely each place of a request is, when the model looks at what says `looks`.
fn looked(request: &GenerateRequest, looks: &str) -> Option<Vec<f32>> {
    let read = &request.messages.last()?.content;
    let share = |place: &Range<usize>| if read[place.clone()].contains(looks) { 0.9 } else { 0.1 };
    Some(request.places.as_ref()?.sentences.iter().map(share).collect())
}
