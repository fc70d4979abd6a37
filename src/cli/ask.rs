//! `attest ask`: a question, a cited answer.

use std::ops::ControlFlow;
use std::path::PathBuf;

use attest::answer::{Hit, LONGEST_QUESTION, Question};
use attest::wire::{AskResult, CitationOut, Status};
use attest::{AskEvent, AskMode, AskRequest, Library, Verdict};

use super::out::{errln, out, outln};
use super::passwords::Passwords;
use super::progress::{Bars, Spinner};
use super::{Context, DONE, NOT_FOUND, style};

#[derive(clap::Args)]
pub struct AskArgs {
    /// The question, in the language the answer should have; what is in quotes need not occur (`search` wants that)
    question: String,
    /// Add these files and folders first (may be repeated); unchanged ones are skipped
    #[arg(long, value_name = "PATH")]
    docs: Vec<PathBuf>,
    #[command(flatten)]
    passwords: Passwords,
    /// Answer from this collection only, and add --docs to it
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    /// Ask the model even when the answer to this very question is kept
    #[arg(long)]
    fresh: bool,
    /// Quote the documents, without the language model
    #[arg(long)]
    extractive: bool,
    /// Give no answer at all when a sentence of it had to be left out
    #[arg(long, conflicts_with = "show_unsupported")]
    strict: bool,
    /// Print the sentences that were left out, too
    #[arg(long)]
    show_unsupported: bool,
    /// Print JSON for tools
    #[arg(long)]
    json: bool,
}

/// Said where there is nothing to answer from.
pub const EMPTY: &str = "the index is empty; add documents with `attest add PATH`, or name them with --docs";

pub fn run(args: AskArgs, context: &Context) -> Result<u8, attest::Error> {
    check(&args.question)?;
    let library = Library::open(args.passwords.added_to(&context.config))?;
    super::add::add_first(&library, &args.docs, args.collection.as_deref(), context)?;
    let mode = if args.extractive { AskMode::Extractive } else { AskMode::Full };
    let request = AskRequest {
        question: args.question,
        collections: args.collection.into_iter().collect(),
        mode,
        threshold: None,
    };
    library.check_collections(&request.collections)?;
    if library.is_empty()? {
        // No model need be fetched to say so.
        errln!("{EMPTY}");
        if args.json {
            super::print_json(&AskResult::nothing(&request.question));
        }
        return Ok(NOT_FOUND);
    }
    // A strict answer is known to stand only when all of it is written.
    let show = if args.json || args.strict { Show::Nothing } else { Show::Sentences };
    let stored = if args.fresh || args.extractive { None } else { library.stored_answer(&request)? };
    let was_stored = stored.is_some();
    let mut result = match stored {
        Some(result) => result,
        None => answer(&library, &request, show, context)?,
    };
    library.show_receipt(result.receipt.as_deref());
    if args.strict && result.status == Status::Partial {
        result.refuse();
    }
    if !args.json && (was_stored || args.strict) {
        print_rest(&result, false, context);
    }
    if args.show_unsupported && !args.json {
        print_unsupported(&result);
    }
    if args.json {
        super::print_json(&result);
    }
    Ok(if result.status == Status::NotFound { NOT_FOUND } else { DONE })
}

/// Refuses what is no question.
fn check(question: &str) -> Result<(), attest::Error> {
    let length = question.chars().count();
    if length > LONGEST_QUESTION {
        return Err(attest::Error::Usage(format!(
            "the question has {length} characters, and {LONGEST_QUESTION} are the most; a text to be answered from is \
             added with `attest add` or named with --docs"
        )));
    }
    Question::new(question).check()
}

/// What to print while an answer comes into being.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Every checked sentence at once, then the sources.
    Sentences,
    /// Nothing; the caller prints the result.
    Nothing,
}

/// Answers a question, printing as `show` says.
pub fn answer(
    library: &Library,
    request: &AskRequest,
    show: Show,
    context: &Context,
) -> Result<AskResult, attest::Error> {
    check(&request.question)?;
    match request.mode {
        AskMode::Extractive => library.prepare_embedder(&mut Bars::new(context))?,
        AskMode::Full => match library.prepare_to_answer(&mut Bars::new(context)) {
            // The library then quotes the documents, and says why.
            Err(attest::Error::ModelMissing { .. }) => library.prepare_embedder(&mut Bars::new(context))?,
            prepared => prepared?,
        },
    }
    let spinner = Spinner::new("searching", context);
    let mut printed = false;
    let asked = library.ask(request, &mut |event| {
        match event {
            AskEvent::Reading(hits) => spinner.say(&reading(hits)),
            AskEvent::Draft(_) => spinner.say("writing; a sentence is shown once it is checked"),
            AskEvent::Found(_) | AskEvent::Extractive(..) | AskEvent::Waiting => {}
            AskEvent::Sentence(sentence, citations) => {
                if show == Show::Sentences && sentence.checked.verdict == Verdict::Supported {
                    spinner.stop();
                    print_sentence(&sentence.checked.text, sentence.is_quote(citations), &sentence.citations);
                    printed = true;
                }
            }
        }
        if context.cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    spinner.stop();
    let result = AskResult::new(&asked);
    if show == Show::Sentences {
        print_rest(&result, printed, context);
    }
    Ok(result)
}

/// What the model reads, by the names of its documents.
fn reading(hits: &[Hit]) -> String {
    let mut titles: Vec<&str> = Vec::new();
    for hit in hits {
        if !titles.contains(&hit.passage.title.as_str()) {
            titles.push(&hit.passage.title);
        }
    }
    let plural = if hits.len() == 1 { "" } else { "s" };
    format!("reading {} passage{plural} from {}", hits.len(), titles.join(", "))
}

fn print_rest(result: &AskResult, printed: bool, context: &Context) {
    let language = Question::new(&result.question).language;
    if result.status == Status::NotFound {
        out!("{}", style::wrapped(&result.answer, 0));
        if print_notes(result) {
            print_places(result);
        }
        if !result.closest.is_empty() {
            outln!("\n{}\n", language.of("Closest passages:", "最接近的段落："));
            result.closest.iter().take(3).for_each(super::search::print_hit);
        }
    } else {
        if !printed {
            print_sentences(result);
        }
        if !print_notes(result) {
            outln!();
        }
        print_places(result);
    }
    let dropped = result.sentences.iter().filter(|s| s.verdict == Verdict::Unsupported).count();
    if dropped > 0 && !context.quiet {
        let plural = if dropped == 1 { "sentence was" } else { "sentences were" };
        errln!(
            "{} {dropped} {plural} left out because the documents do not say it, or what they say does not answer the question",
            style::note_label()
        );
    }
    print_remarks(&result.degraded, result.pending, context);
    if !context.quiet {
        let receipt = result.receipt.as_ref().map(|id| format!("; receipt {id}")).unwrap_or_default();
        if result.stored {
            let before = "answered before, and nothing has changed since; --fresh asks the model again";
            errln!("{}", style::dim(&format!("{before}{receipt}")));
            return;
        }
        let timings = &result.timings_ms;
        let tokens = &result.tokens;
        errln!(
            "{}",
            style::dim(&format!(
                "{:.1} s ({:.0} ms search, {:.1} s writing; {} tokens read, {} kept, {} written){receipt}",
                timings.total / 1e3,
                timings.retrieve + timings.rerank,
                timings.generate / 1e3,
                tokens.prompt,
                tokens.cached,
                tokens.generated
            ))
        );
    }
}

/// The sentences that stand, each as it is shown while an answer comes into being.
fn print_sentences(result: &AskResult) {
    for sentence in result.sentences.iter().filter(|sentence| sentence.verdict == Verdict::Supported) {
        print_sentence(&sentence.text, sentence.quoted, &sentence.citations);
    }
}

fn print_sentence(text: &str, quoted: bool, citations: &[usize]) {
    let marks: String = citations.iter().map(|&mark| style::mark(mark)).collect();
    let text = if quoted { format!("“{text}”") } else { text.to_owned() };
    out!("{}", style::wrapped(&format!("{text} {marks}"), 0));
}

/// What the marks of the answer and of its notes stand for.
fn print_places(result: &AskResult) {
    let mut cited: Vec<&CitationOut> =
        result.citations.iter().chain(result.notes.iter().flat_map(|note| &note.citations)).collect();
    cited.sort_by_key(|citation| citation.marker);
    cited.dedup_by_key(|citation| citation.marker);
    cited.into_iter().for_each(print_citation);
}

/// What a reader should know beside the answer; whether there was anything.
fn print_notes(result: &AskResult) -> bool {
    if !result.notes.is_empty() {
        outln!();
    }
    for note in &result.notes {
        let marks: String = note.citations.iter().map(|citation| style::mark(citation.marker)).collect();
        let language = Question::new(&result.question).language;
        // A full-width colon brings its own space.
        let (label, space) = (style::bold(language.of("Note:", "注意：")), language.of(" ", ""));
        out!("{}", style::wrapped(&format!("{label}{space}{} {marks}", note.text), 0));
    }
    if !result.notes.is_empty() {
        outln!();
    }
    !result.notes.is_empty()
}

fn print_unsupported(result: &AskResult) {
    for sentence in result.sentences.iter().filter(|sentence| sentence.verdict == Verdict::Unsupported) {
        out!("{}", style::wrapped(&format!("{} {}", style::dim("not supported:"), sentence.text), 0));
    }
}

fn print_citation(citation: &CitationOut) {
    let place = style::shown_place(citation.page, citation.lines);
    let heading =
        citation.heading.iter().filter(|h| **h != citation.title).map(|h| format!(" › {h}")).collect::<String>();
    outln!(
        "{} {}, {place}{}",
        style::mark(citation.marker),
        style::bold(&style::shown_path(&citation.document)),
        style::dim(&heading)
    );
    out!("{}", style::wrapped(&format!("“{}”", style::one_line(&citation.quote, 400)), 4));
}

/// What the reader should know about how complete the search was.
pub fn print_remarks(degraded: &[String], pending: usize, context: &Context) {
    if context.quiet {
        return;
    }
    for reason in degraded {
        errln!("{} {reason}", style::note_label());
    }
    if pending > 0 {
        errln!(
            "{} {pending} passages are searchable by words but not yet by meaning; `attest add` finishes them",
            style::note_label()
        );
    }
}
