//! `attest add`: files and folders into the index.

use std::path::PathBuf;

use attest::{AddReport, AddRequest, FileWarning, Library};

use super::out::{errln, outln};
use super::passwords::Passwords;
use super::progress::Bars;
use super::{CANCELLED, Context, DONE, SOME_FAILED, style};

#[derive(clap::Args)]
pub struct AddArgs {
    /// Files and folders; folders are read with everything in them, .gitignore respected
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Put them into this collection; it is created when it does not exist
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    #[command(flatten)]
    passwords: Passwords,
    /// Print JSON for tools
    #[arg(long)]
    json: bool,
}

pub fn run(args: AddArgs, context: &Context) -> Result<u8, attest::Error> {
    let library = Library::open(args.passwords.added_to(&context.config))?;
    let report = add(&library, &args.paths, args.collection.as_deref(), context)?;
    if args.json {
        super::print_json(&report);
    } else {
        print(&report, &args.paths, context);
    }
    if report.stopped {
        print_stopped(&report);
        return Ok(CANCELLED);
    }
    Ok(if report.failed.is_empty() { DONE } else { SOME_FAILED })
}

/// Adds what is to be asked about, and tells only what went wrong.
///
/// # Errors
/// As [`Library::add`]; [`attest::Error::Cancelled`] when it was stopped.
pub fn add_first(
    library: &Library,
    paths: &[PathBuf],
    collection: Option<&str>,
    context: &Context,
) -> Result<(), attest::Error> {
    if paths.is_empty() {
        return Ok(());
    }
    let report = add(library, paths, collection, context)?;
    print_failures(&report);
    if report.stopped {
        print_stopped(&report);
        return Err(attest::Error::Cancelled);
    }
    Ok(())
}

/// Adds paths behind progress bars, without printing the report.
fn add(
    library: &Library,
    paths: &[PathBuf],
    collection: Option<&str>,
    context: &Context,
) -> Result<AddReport, attest::Error> {
    let request = AddRequest { paths: paths.to_vec(), collection: collection.map(str::to_owned) };
    let mut bars = Bars::new(context);
    library.prepare_embedder(&mut bars)?;
    library.add(&request, &mut bars, context.cancel())
}

fn print(report: &AddReport, paths: &[PathBuf], context: &Context) {
    let mut parts = vec![format!("{} added", report.added.len())];
    if !report.updated.is_empty() {
        parts.push(format!("{} updated", report.updated.len()));
    }
    if report.unchanged > 0 {
        parts.push(format!("{} unchanged", report.unchanged));
    }
    if !report.removed.is_empty() {
        parts.push(format!("{} removed because their files are gone or not read any more", report.removed.len()));
    }
    if !report.failed.is_empty() {
        parts.push(format!("{} failed", report.failed.len()));
    }
    outln!("{} ({} passages, {:.1} s)", parts.join(", "), report.chunks, report.seconds);
    print_failures(report);
    if context.quiet {
        return;
    }
    if parts.len() == 1 && report.added.is_empty() && !report.stopped {
        errln!(
            "{} nothing to read was found; hidden files and what .gitignore or .attestignore there exclude are left out",
            style::note_label()
        );
    }
    print_remarks(report, paths);
    if !report.skipped.is_empty() {
        let plural = if report.skipped.len() == 1 { "" } else { "s" };
        errln!(
            "{} {} file{plural} skipped: other formats, or scripts that a program wrote (-v lists them)",
            style::note_label(),
            report.skipped.len()
        );
        for skipped in &report.skipped {
            tracing::info!("skipped {}: {}", skipped.path, skipped.reason);
        }
    }
    if report.pending > 0 && !report.stopped {
        errln!(
            "{} {} passages are searchable by words but not yet by meaning: another attest process is at work on them",
            style::note_label(),
            report.pending
        );
    }
}

/// Remarks that are printed one by one.
const REMARKS: usize = 3;

/// Remarks about files that were read. Text that a reader would not see is an everyday thing,
/// such as comments in Markdown: of several such files only the number is told.
fn print_remarks(report: &AddReport, paths: &[PathBuf]) {
    let (hidden, others): (Vec<&FileWarning>, Vec<_>) =
        report.warnings.iter().partition(|warning| warning.kind == "hidden_text");
    let single = if hidden.len() == 1 { hidden.as_slice() } else { &[] };
    for warning in others.iter().take(REMARKS).chain(single) {
        errln!("{} {}: {}", style::note_label(), style::path_below(&warning.document, paths), warning.message);
    }
    if others.len() > REMARKS {
        let more = others.len() - REMARKS;
        errln!("{} and {more} more remarks; `attest status` lists them", style::note_label());
    }
    if hidden.len() > 1 {
        errln!(
            "{} {} files have text that a reader would not see, such as comments; it is kept out of search and prompts \
             (`attest status` lists them)",
            style::note_label(),
            hidden.len()
        );
    }
}

/// Every file that could not be read, with its reason.
pub fn print_failures(report: &AddReport) {
    for failure in &report.failed {
        errln!("{} {}", style::error_label(), failure.message);
    }
}

/// What a stop has left to do.
fn print_stopped(report: &AddReport) {
    let mut left = Vec::new();
    if report.unread > 0 {
        left.push(format!("{} files are not read yet", report.unread));
    }
    if report.pending > 0 {
        left.push(format!("{} passages are searchable by words but not yet by meaning", report.pending));
    }
    errln!("{} stopped: {}; the same command goes on from here", style::error_label(), left.join(", "));
}
