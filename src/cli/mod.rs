//! The command line: parse, call the library, print. One file per command.

// `out` prints, and outlives its reader.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod add;
mod ask;
mod calibrate;
mod chat;
mod completions;
mod eval;
mod feedback;
mod keys;
mod log;
mod mcp;
mod models;
mod out;
mod passwords;
mod progress;
mod remove;
mod replay;
mod search;
mod serve;
mod status;
mod style;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use attest::{Config, Error, Library, Overrides, Settings};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use log::LogFormat;
use out::{errln, outln};

/// Exit code: done.
const DONE: u8 = 0;
/// Exit code: our failure.
const FAILED: u8 = 1;
/// Exit code: wrong usage or settings.
const USAGE: u8 = 2;
/// Exit code: nothing found, or the documents do not answer the question.
const NOT_FOUND: u8 = 3;
/// Exit code: some files failed, the others are in.
const SOME_FAILED: u8 = 4;
/// Exit code: stopped by Ctrl-C or SIGTERM.
const CANCELLED: u8 = 130;

/// Answers from your own documents, where every sentence can be checked.
///
/// Attest reads PDF, Markdown, HTML and text files into a local index and
/// answers questions from them with a language model that runs inside this
/// program, offline. Every sentence of an answer cites the exact place it
/// comes from; what the documents do not say is not answered.
#[derive(Parser)]
#[command(name = "attest", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  attest ask --docs ~/papers \"Which optimizer was used?\"   add a folder, then ask
  attest add manual.pdf notes/                             add files and folders
  attest ask \"How long is the warranty?\"                   ask what is already in
  attest search -k 5 \"error E-1042\"                        passages only, no model
  attest status                                            what is in, what failed

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 nothing found or not answerable;
4 some files could not be read (the others are in); 130 stopped by Ctrl-C.";

/// The environment is asked after parsing: clap would count what it says as given, and show it in every usage line.
#[derive(Args)]
struct Global {
    /// Folder of the index [env: ATTEST_DATA_DIR] [default: attest/data in the user's data folder]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    data_dir: Option<PathBuf>,
    /// Folder of the models [env: ATTEST_MODELS_DIR] [default: attest/models in the user's data folder]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    models_dir: Option<PathBuf>,
    /// Settings file (TOML; unknown keys are errors) [env: ATTEST_CONFIG] [default: attest/config.toml in the user's
    /// configuration folder]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    config: Option<PathBuf>,
    /// Keep the vectors in this Qdrant server instead (gRPC address; key in QDRANT_API_KEY) [env: ATTEST_QDRANT]
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    qdrant: Option<String>,
    /// Threads for models and ingest [default: all cores]
    #[arg(long, global = true, value_name = "N", help_heading = "Global options")]
    threads: Option<usize>,
    /// Say more on stderr (-vv: even more)
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    verbose: u8,
    /// How the log on stderr is written: for people, or one JSON object a line [env: ATTEST_LOG_FORMAT] [default: text]
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Global options")]
    log_format: Option<LogFormat>,
    /// No progress and no remarks on stderr, only errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    quiet: bool,
}

/// In the order in which people need them.
#[derive(Subcommand)]
enum Command {
    /// Answer a question from the documents, with citations
    Ask(ask::AskArgs),
    /// Add files and folders; unchanged files are skipped, changed ones replaced
    Add(add::AddArgs),
    /// Find passages, without a language model
    Search(search::SearchArgs),
    /// Ask one question after another in the terminal
    Chat(chat::ChatArgs),
    /// Serve the page, REST, an OpenAI-compatible API and MCP over HTTP
    Serve(serve::ServeArgs),
    /// Show what is in the index: documents, passages, failures, pending work, models, disk
    Status(status::StatusArgs),
    /// Remove documents by path or id; the files themselves stay
    Remove(remove::RemoveArgs),
    /// Download, list or verify the models
    #[command(subcommand)]
    Models(models::ModelsCommand),
    /// Serve MCP over stdin and stdout
    Mcp,
    /// Make, list or revoke the keys of the server
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Answer a receipt's question again: the same bytes, or what changed
    Replay(replay::ReplayArgs),
    /// Say whether an answer was right, which makes it a case for `eval feedback`
    Feedback(feedback::FeedbackArgs),
    /// Fit how likely an answer must be in a collection to your own questions
    Calibrate(calibrate::CalibrateArgs),
    /// Measure retrieval and answers on a data set
    #[command(subcommand)]
    Eval(eval::EvalCommand),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

/// What every command gets.
struct Context {
    config: Config,
    quiet: bool,
}

/// Set by Ctrl-C; long work stops cleanly, a second Ctrl-C ends the process.
static CANCEL: AtomicBool = AtomicBool::new(false);

/// Parses the command line, runs the command and says how it ended.
pub fn run() -> ExitCode {
    match std::env::args_os().nth(1) {
        Some(word) if word == attest::READER_COMMAND => return attest::run_reader(),
        Some(_) => {}
        None => {
            // A reader that is gone misses nothing.
            let _ = Cli::command().print_help();
            return ExitCode::from(USAGE);
        }
    }
    let Cli { global, command } = Cli::parse();
    let code = match command {
        Command::Completions(args) => ended(Ok(completions::run(&args))),
        Command::Ask(args) => with_context(global, |context| ask::run(args, context)),
        Command::Add(args) => with_context(global, |context| add::run(args, context)),
        Command::Remove(args) => with_context(global, |context| remove::run(args, context)),
        Command::Search(args) => with_context(global, |context| search::run(args, context)),
        Command::Status(args) => with_context(global, |context| status::run(&args, context)),
        Command::Chat(args) => with_context(global, |context| chat::run(args, context)),
        Command::Serve(args) => with_context(global, |context| serve::run(args, context)),
        Command::Mcp => with_context(global, mcp::run),
        Command::Keys(command) => with_context(global, |context| keys::run(command, context)),
        Command::Models(command) => with_context(global, |context| models::run(command, context)),
        Command::Replay(args) => with_context(global, |context| replay::run(&args, context)),
        Command::Feedback(args) => with_context(global, |context| feedback::run(args, context)),
        Command::Calibrate(args) => with_context(global, |context| calibrate::run(&args, context)),
        Command::Eval(command) => with_context(global, |context| eval::run(command, context)),
    };
    ExitCode::from(code)
}

fn with_context(global: Global, command: impl FnOnce(&Context) -> Result<u8, Error>) -> u8 {
    listen_for_ctrl_c();
    let quiet = global.quiet;
    let start = || {
        start_log(&global)?;
        configure(global)
    };
    ended(start().and_then(|config| command(&Context { config, quiet })))
}

/// Tells what failed, and gives the exit code.
fn ended(outcome: Result<u8, Error>) -> u8 {
    let unread = out::failure();
    let closed = unread.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe);
    match (outcome, unread) {
        // Whoever read the output has had enough of it.
        (Ok(code), _) if closed => code,
        (Err(Error::Cancelled), _) if closed => DONE,
        (Ok(_) | Err(Error::Cancelled), Some(error)) => {
            errln!("{} stdout: {error}", style::error_label());
            FAILED
        }
        (Ok(code), None) => code,
        (Err(error), _) => {
            errln!("{} {error}", style::error_label());
            match error {
                Error::Cancelled => CANCELLED,
                error if error.is_callers() => USAGE,
                _ => FAILED,
            }
        }
    }
}

fn listen_for_ctrl_c() {
    let handler = || {
        if CANCEL.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        tracing::warn!("Ctrl-C will end the program at once: {error}");
    }
}

impl Context {
    /// Opens the library that the settings name.
    fn open(&self) -> Result<Library, Error> {
        Library::open(self.config.clone())
    }

    /// The flag that Ctrl-C sets.
    fn cancel(&self) -> &'static AtomicBool {
        &CANCEL
    }

    fn cancelled(&self) -> bool {
        CANCEL.load(Ordering::Relaxed)
    }

    /// Forgets an earlier Ctrl-C, before the next question of a conversation.
    fn rearm(&self) {
        CANCEL.store(false, Ordering::SeqCst);
    }
}

fn print_json(value: &impl serde::Serialize) {
    outln!("{}", serde_json::to_string_pretty(value).expect("the wire types are plain data"));
}

fn configure(global: Global) -> Result<Config, Error> {
    let file = global.config.or_else(|| environment("ATTEST_CONFIG").map(PathBuf::from));
    let settings = match (file, Settings::default_path()) {
        (Some(path), _) => Settings::read(&path)?,
        (None, Some(path)) if path.is_file() => Settings::read(&path)?,
        (None, _) => Settings::default(),
    };
    let text = |value: OsString| value.to_string_lossy().into_owned();
    Config::new(
        settings,
        Overrides {
            data_dir: global.data_dir.or_else(|| environment("ATTEST_DATA_DIR").map(PathBuf::from)),
            models_dir: global.models_dir.or_else(|| environment("ATTEST_MODELS_DIR").map(PathBuf::from)),
            threads: global.threads,
            qdrant: global.qdrant.or_else(|| environment("ATTEST_QDRANT").map(text)),
        },
    )
}

/// What an environment variable says; an empty one says nothing.
fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn start_log(global: &Global) -> Result<(), Error> {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "attest=info,attest_ingest=info,warn",
        (false, _) => "attest=debug,attest_ingest=debug,info",
    };
    let named = environment("ATTEST_LOG_FORMAT").map(|name| LogFormat::from_str(&name.to_string_lossy(), true));
    let format = global.log_format.map_or_else(|| named.unwrap_or(Ok(LogFormat::Text)), Ok);
    let unknown = |message| Error::Config {
        source_name: "ATTEST_LOG_FORMAT".into(),
        message: format!("{message}; it is text or json"),
    };
    log::start(level, format.map_err(unknown)?);
    Ok(())
}
