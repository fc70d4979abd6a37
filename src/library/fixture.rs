//! A library for tests, with an embedding model that needs no files.

use std::sync::Arc;

use tempfile::TempDir;

use crate::config::{Config, Overrides, Settings};
use crate::error::Result;
use crate::library::Library;
use crate::models::{Embed, EmbedRole, TokenVectors};

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
