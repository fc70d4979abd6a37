//! `attest status`: what is in the index.

use attest::StatusReport;

use super::out::outln;
use super::{Context, DONE, style};

#[derive(clap::Args)]
pub struct StatusArgs {
    /// List every document with its id
    #[arg(long)]
    documents: bool,
    /// Print JSON for tools (always lists the documents)
    #[arg(long)]
    json: bool,
}

pub fn run(args: &StatusArgs, context: &Context) -> Result<u8, attest::Error> {
    let library = context.open()?;
    let status = library.status()?;
    if args.json {
        super::print_json(&status);
    } else {
        print(&status, args.documents);
    }
    Ok(DONE)
}

fn print(status: &StatusReport, documents: bool) {
    outln!("{} {}", style::bold("index"), style::shown_path(&status.data_dir));
    for collection in &status.collections {
        outln!("  {:<20} {:>6} documents {:>8} passages", collection.name, collection.documents, collection.chunks);
    }
    if status.collections.is_empty() {
        outln!("  empty; add documents with `attest add PATH`");
    }
    let vectors = &status.vectors;
    outln!(
        "  {:<20} {}",
        "vectors",
        vectors.url.as_deref().map_or("in this folder".into(), |url| format!("Qdrant at {url}"))
    );
    if let Some(problem) = &vectors.problem {
        outln!("  {:<20} {}", "", style::problem(problem));
    }
    outln!("  {:<20} {}", "on disk", style::shown_bytes(status.disk_bytes));
    if status.pending > 0 {
        outln!("  {:<20} {} passages, finished by `attest add`", "not yet by meaning", status.pending);
    }
    if documents {
        outln!("{}", style::bold("documents"));
        for document in &status.documents {
            outln!(
                "  {}  {}  {}",
                style::dim(&document.id),
                style::shown_path(&document.path),
                style::dim(&document.title)
            );
        }
    }
    if !status.failures.is_empty() {
        outln!("{}", style::bold("could not be read"));
        for failure in &status.failures {
            outln!("  {} {}", style::dim(&failure.reason), failure.message);
        }
    }
    let remarks = || status.documents.iter().flat_map(|document| document.warnings.iter().map(move |w| (document, w)));
    if remarks().next().is_some() {
        outln!("{}", style::bold("remarks"));
        for (document, warning) in remarks() {
            outln!("  {}: {warning}", style::shown_path(&document.path));
        }
    }
    outln!("{} {}", style::bold("models"), style::shown_path(&status.models_dir));
    for model in &status.models {
        let state = if model.present { "ready" } else { "not downloaded yet" };
        outln!("  {:<12} {:<32} {}", model.role, model.name, style::dim(state));
    }
}
