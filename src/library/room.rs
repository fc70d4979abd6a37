//! Room: whether the models can read a text, before they are asked to.

use crate::config::Answer;
use crate::error::{Error, Result};
use crate::library::Library;

/// Tokens for the rules, the names of sources and the marks between them.
const RULES: usize = 2048;

/// What is left to questions however large the rest is.
const LEAST: usize = 2048;

impl Library {
    /// Refuses a question that the language model could not read beside the passages.
    ///
    /// # Errors
    /// [`Error::Usage`] when it has too many tokens.
    pub fn check_room(&self, question: &str) -> Result<()> {
        // A token is a byte at the least, so that most questions need not be counted.
        if question.len() <= LEAST {
            return Ok(());
        }
        // Where there is no model, the answer is quoted.
        let Ok(generator) = self.generator() else { return Ok(()) };
        let room = room(generator.context_tokens(), &self.config.answer);
        let tokens = if question.len() > room { generator.count_tokens(question) } else { 0 };
        if tokens > room {
            return Err(Error::Usage(format!(
                "the question has {tokens} tokens, and the language model can read {room} beside the documents; ask it in \
                 fewer words"
            )));
        }
        Ok(())
    }

    /// Refuses texts that the embedding model could not see to their end. Gives the length of its vectors.
    ///
    /// # Errors
    /// [`Error::Usage`] for the first text that is too long; when the model does not load.
    pub fn check_embeddable(&self, texts: &[&str]) -> Result<usize> {
        /// For "query: " and the marks at both ends.
        const AROUND: usize = 8;
        let embedder = self.embedder()?;
        let most = embedder.max_tokens().saturating_sub(AROUND);
        for (at, text) in texts.iter().enumerate().filter(|(_, text)| text.len() > most) {
            let tokens = embedder.count_tokens(text);
            if tokens > most {
                return Err(Error::Usage(format!(
                    "text {at} of the input has {tokens} tokens, and the embedding model sees {most}; cut it into parts"
                )));
            }
        }
        Ok(embedder.dim())
    }
}

/// Tokens of a context that a question may take.
fn room(context: usize, answer: &Answer) -> usize {
    context.saturating_sub(answer.max_tokens + answer.context_tokens + RULES).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Reading;

    #[test]
    fn a_question_has_room_beside_the_passages() {
        let answer =
            |context_tokens| Answer { context_tokens, max_tokens: 320, threshold: 0.5, reading: Reading::InOrder };
        assert_eq!(room(8192, &answer(320)), 8192 - 320 - 320 - RULES);
        assert_eq!(room(8192, &answer(8000)), LEAST);
    }
}
