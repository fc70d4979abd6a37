//! `attest add`: files and folders into the index.

use std::path::PathBuf;

use attest::{AddReport, AddRequest, Library};

use super::out::{errln, outln};
use super::passwords::Passwords;
use super::progress::Bars;
use super::{Context, DONE, SOME_FAILED, style};

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
        print(&report, context);
    }
    Ok(if report.failed.is_empty() { DONE } else { SOME_FAILED })
}

/// Adds paths behind progress bars, without printing the report.
pub fn add(
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

fn print(report: &AddReport, context: &Context) {
    let mut parts = vec![format!("{} added", report.added.len())];
    if !report.updated.is_empty() {
        parts.push(format!("{} updated", report.updated.len()));
    }
    if report.unchanged > 0 {
        parts.push(format!("{} unchanged", report.unchanged));
    }
    if !report.removed.is_empty() {
        parts.push(format!("{} removed because their files are gone", report.removed.len()));
    }
    if !report.failed.is_empty() {
        parts.push(format!("{} failed", report.failed.len()));
    }
    outln!("{} ({} passages, {:.1} s)", parts.join(", "), report.chunks, report.seconds);
    print_failures(report);
    if context.quiet {
        return;
    }
    if parts.len() == 1 && report.added.is_empty() {
        errln!(
            "{} nothing to read was found; hidden files and what .gitignore or .attestignore there exclude are left out",
            style::note_label()
        );
    }
    for warning in &report.warnings {
        errln!("{} {}: {}", style::note_label(), style::shown_path(&warning.document), warning.message);
    }
    if !report.skipped.is_empty() {
        let plural = if report.skipped.len() == 1 { "" } else { "s" };
        errln!(
            "{} {} file{plural} in other formats skipped (-v lists them)",
            style::note_label(),
            report.skipped.len()
        );
        for skipped in &report.skipped {
            tracing::info!("skipped {}: {}", skipped.path, skipped.reason);
        }
    }
    if report.pending > 0 {
        let pending = report.pending;
        let next = if context.cancelled() {
            "stopped; `attest add` goes on where this stopped"
        } else {
            "another attest process is at work on them"
        };
        errln!("{} {pending} passages are searchable by words but not yet by meaning: {next}", style::note_label());
    }
}

/// Every file that could not be read, with its reason.
pub fn print_failures(report: &AddReport) {
    for failure in &report.failed {
        errln!("{} {}", style::error_label(), failure.message);
    }
}
