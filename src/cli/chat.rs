//! `attest chat`: one question after another; a follow-up is understood from the one before it.

use std::path::PathBuf;

use attest::answer::self_contained;
use attest::{AskRequest, Library};
use rustyline::error::ReadlineError;

use super::ask::{EMPTY, Show};
use super::out::{errln, outln};
use super::passwords::Passwords;
use super::{Context, DONE, NOT_FOUND, out, style};

#[derive(clap::Args)]
pub struct ChatArgs {
    /// Add these files and folders first (may be repeated)
    #[arg(long, value_name = "PATH")]
    docs: Vec<PathBuf>,
    #[command(flatten)]
    passwords: Passwords,
    /// Answer from this collection only, and add --docs to it
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
}

pub fn run(args: ChatArgs, context: &Context) -> Result<u8, attest::Error> {
    let library = Library::open(args.passwords.added_to(&context.config))?;
    super::add::add_first(&library, &args.docs, args.collection.as_deref(), context)?;
    let collections: Vec<String> = args.collection.into_iter().collect();
    library.check_collections(&collections)?;
    if library.is_empty()? {
        errln!("{EMPTY}");
        return Ok(NOT_FOUND);
    }
    let history = context.config.data_dir.join("chat-history");
    let mut editor = rustyline::DefaultEditor::new()
        .map_err(|error| attest::Error::Usage(format!("the terminal cannot be read: {error}")))?;
    // A history that cannot be read or written is no reason not to answer.
    let _ = editor.load_history(&history);
    if !context.quiet {
        errln!(
            "{}",
            style::dim("Ask a question. /exit, an empty line or Ctrl-D ends the conversation; /help says more.")
        );
    }
    let mut before = String::new();
    loop {
        context.rearm();
        let line = match editor.readline("? ") {
            Ok(line) => line,
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => return Ok(DONE),
            Err(error) => return Err(attest::Error::Usage(format!("the terminal cannot be read: {error}"))),
        };
        match Line::of(&line) {
            Line::Exit => return Ok(DONE),
            Line::Help => {
                errln!("{HELP}");
                continue;
            }
            Line::Unknown(command) => {
                errln!("{} there is no command {command}; /help lists them", style::error_label());
                continue;
            }
            Line::Question => {}
        }
        let _ = editor.add_history_entry(&line);
        let _ = editor.save_history(&history);
        let question = match self_contained(&line, &before) {
            Some(rewritten) => {
                errln!("{}", style::dim(&format!("understood as: {rewritten}")));
                rewritten
            }
            None => line,
        };
        before.clone_from(&question);
        let request = AskRequest { question, collections: collections.clone(), ..AskRequest::default() };
        match super::ask::answer(&library, &request, Show::Sentences, context) {
            Ok(result) => {
                library.show_receipt(result.receipt.as_deref());
                outln!();
            }
            Err(attest::Error::Cancelled) => errln!("{} stopped", style::note_label()),
            Err(error) => errln!("{} {error}", style::error_label()),
        }
        if out::failure().is_some() {
            return Ok(DONE);
        }
    }
}

const HELP: &str = "\
  Ask in your own words. A follow-up is understood from the question before it.
  Ctrl-C           stops an answer
  /help            shows this
  /exit            ends the conversation; so do exit, quit, :q, an empty line and Ctrl-D";

/// What a line of the conversation is.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Question,
    Help,
    Exit,
    /// Looks like a command and is none.
    Unknown(&'a str),
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let line = line.trim();
        match line.to_lowercase().as_str() {
            "" | "exit" | "quit" | ":q" | ":quit" | ":exit" | "/q" | "/quit" | "/exit" => Self::Exit,
            "help" | "?" | ":h" | ":help" | "/h" | "/help" | "/?" => Self::Help,
            // A path is no command.
            command => match command.strip_prefix(['/', ':']) {
                Some(name) if !name.is_empty() && name.chars().all(char::is_alphabetic) => Self::Unknown(line),
                _ => Self::Question,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_questions() {
        for line in ["", " ", "exit", "Quit ", ":q", "/exit"] {
            assert_eq!(Line::of(line), Line::Exit, "{line}");
        }
        for line in ["help", "?", "/help", ":help"] {
            assert_eq!(Line::of(line), Line::Help, "{line}");
        }
        assert_eq!(Line::of("/clear"), Line::Unknown("/clear"));
        for line in ["How do I exit?", "help with E-1042", "/etc/passwd", "/help me with this", "退出"] {
            assert_eq!(Line::of(line), Line::Question, "{line}");
        }
    }
}
