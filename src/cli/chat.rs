//! `attest chat`: one question after another; a follow-up is understood from the one before it.

use std::path::PathBuf;

use attest::answer::self_contained;
use attest::{AskRequest, Library};
use rustyline::error::ReadlineError;

use super::ask::Show;
use super::out::{errln, outln};
use super::passwords::Passwords;
use super::{Context, DONE, out, style};

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
    let history = context.config.data_dir.join("chat-history");
    let mut editor = rustyline::DefaultEditor::new()
        .map_err(|error| attest::Error::Usage(format!("the terminal cannot be read: {error}")))?;
    // A history that cannot be read or written is no reason not to answer.
    let _ = editor.load_history(&history);
    if !context.quiet {
        errln!("{}", style::dim("Ask a question; an empty line or Ctrl-D ends the conversation."));
    }
    let mut before = String::new();
    loop {
        context.rearm();
        match editor.readline("? ") {
            Ok(line) if line.trim().is_empty() => return Ok(DONE),
            Ok(line) => {
                let _ = editor.add_history_entry(&line);
                let _ = editor.save_history(&history);
                let collections = args.collection.clone().into_iter().collect();
                let question = match self_contained(&line, &before) {
                    Some(rewritten) => {
                        errln!("{}", style::dim(&format!("understood as: {rewritten}")));
                        rewritten
                    }
                    None => line,
                };
                before.clone_from(&question);
                let request = AskRequest { question, collections, ..AskRequest::default() };
                match super::ask::answer(&library, &request, Show::Sentences, context) {
                    Ok(_) => outln!(),
                    Err(error) => errln!("{} {error}", style::error_label()),
                }
                if out::is_closed() {
                    return Ok(DONE);
                }
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => return Ok(DONE),
            Err(error) => return Err(attest::Error::Usage(format!("the terminal cannot be read: {error}"))),
        }
    }
}
