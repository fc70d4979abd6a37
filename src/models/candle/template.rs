//! The chat template that a GGUF file carries, rendered as its makers meant it.

use minijinja::{Environment, Error as JinjaError, ErrorKind, context};

use super::gguf::GgufFile;
use super::tokenizer::Tokenizer;
use crate::error::{Error, Result};
use crate::models::{Message, MessageRole};

/// A chat template.
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
    model: String,
}

const NAME: &str = "chat_template";

/// The day that templates are told when they ask for today's date. It never
/// changes, so that the same request gives the same answer on every day; it is
/// the one that Llama's own template falls back to.
const DATE: [(&str, &str); 6] =
    [("%d", "26"), ("%b", "Jul"), ("%B", "July"), ("%Y", "2024"), ("%m", "07"), ("%A", "Friday")];

impl ChatTemplate {
    /// The template of a model.
    ///
    /// # Errors
    /// [`Error::Model`] when there is none or it is broken.
    pub fn from_gguf(gguf: &GgufFile, tokenizer: &Tokenizer) -> Result<Self> {
        let source = gguf
            .text("tokenizer.chat_template")
            .ok_or_else(|| gguf.error("has no chat template; use an instruct or chat model"))?;
        Self::new(source, tokenizer.bos_text(), tokenizer.eos_text(), &gguf.path().display().to_string())
    }

    fn new(source: &str, bos: &str, eos: &str, model: &str) -> Result<Self> {
        let broken = |error: JinjaError| Error::Model {
            name: model.to_owned(),
            message: format!("its chat template is broken: {error}"),
        };
        let mut environment = Environment::new();
        let syntax = environment.syntax().to_builder().trim_blocks(true).lstrip_blocks(true).build().map_err(broken)?;
        environment.set_syntax(syntax);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<String, JinjaError> {
            Err(JinjaError::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_function("strftime_now", |format: String| {
            DATE.iter().fold(format, |text, (code, value)| text.replace(code, value))
        });
        environment.add_template_owned(NAME, source.to_owned()).map_err(broken)?;
        Ok(Self { environment, bos: bos.to_owned(), eos: eos.to_owned(), model: model.to_owned() })
    }

    /// The prompt of a conversation, up to where the model goes on.
    ///
    /// A template that knows no system turn gets the rules at the head of the
    /// first user turn.
    ///
    /// # Errors
    /// [`Error::Model`] when the template refuses the conversation.
    pub fn render(&self, messages: &[Message]) -> Result<String> {
        self.try_render(messages)
            .or_else(|error| without_system(messages).map_or(Err(error), |messages| self.try_render(&messages)))
            .map_err(|error| Error::Model {
                name: self.model.clone(),
                message: format!("its chat template cannot render the conversation: {error}"),
            })
    }

    fn try_render(&self, messages: &[Message]) -> Result<String, JinjaError> {
        let role = |message: &Message| match message.role {
            MessageRole::System => "system",
            MessageRole::User => "user",
            MessageRole::Assistant => "assistant",
        };
        let messages: Vec<_> = messages
            .iter()
            .map(|message| context! { role => role(message), content => message.content.as_str() })
            .collect();
        self.environment.get_template(NAME)?.render(context! {
            messages => messages,
            add_generation_prompt => true,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
        })
    }
}

fn without_system(messages: &[Message]) -> Option<Vec<Message>> {
    let [system, user, rest @ ..] = messages else { return None };
    if (system.role, user.role) != (MessageRole::System, MessageRole::User) {
        return None;
    }
    let first = Message { role: MessageRole::User, content: format!("{}\n\n{}", system.content, user.content) };
    Some(std::iter::once(first).chain(rest.iter().cloned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation() -> Vec<Message> {
        let message = |role, content: &str| Message { role, content: content.into() };
        vec![message(MessageRole::System, "Rules"), message(MessageRole::User, "Hi")]
    }

    #[track_caller]
    fn check(source: &str, expected: &str) {
        let template = ChatTemplate::new(source, "<s>", "</s>", "test").unwrap();
        assert_eq!(template.render(&conversation()).unwrap(), expected);
    }

    #[test]
    fn renders_as_the_makers_meant() {
        check(
            "{% for m in messages %}\n{{ '<|' + m['role'] + '|>' + m.content.strip() }}{% endfor %}\n{% if add_generation_prompt %}<|a|>{% endif %}",
            "<|system|>Rules<|user|>Hi<|a|>",
        );
        check("{{ bos_token }}{{ messages | length }}{{ eos_token }}", "<s>2</s>");
        check("{{ strftime_now('%d %b %Y') }}", "26 Jul 2024");
    }

    #[test]
    fn rules_move_where_there_is_no_system_turn() {
        check(
            "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}{{ messages[0].content }}",
            "Rules\n\nHi",
        );
    }

    #[test]
    fn refusals_are_told() {
        let template = ChatTemplate::new("{{ raise_exception('roles must alternate') }}", "", "", "m.gguf").unwrap();
        let error = template.render(&conversation()).unwrap_err().to_string();
        assert!(error.contains("m.gguf") && error.contains("roles must alternate"), "{error}");
    }
}
