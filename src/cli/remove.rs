//! `attest remove`: documents leave the index, the files stay.

use std::path::Path;

use super::out::{errln, outln};
use super::{Context, DONE, NOT_FOUND, style};

#[derive(clap::Args)]
pub struct RemoveArgs {
    /// Paths of files or folders that were added, or ids from `attest status`
    #[arg(required = true, value_name = "PATH|ID")]
    what: Vec<String>,
    /// Remove from this collection only
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    /// Print JSON for tools
    #[arg(long)]
    json: bool,
}

pub fn run(args: RemoveArgs, context: &Context) -> Result<u8, attest::Error> {
    let library = context.open()?;
    let report = library.remove(&args.what, args.collection.as_deref())?;
    if args.json {
        super::print_json(&report);
    } else {
        for document in &report.removed {
            outln!("removed {}", style::shown_path(document));
        }
        if report.removed.iter().any(|path| Path::new(path).exists()) && !context.quiet {
            errln!(
                "{} the files are still there, and adding their folder brings them back; \
                 a line in its .attestignore keeps one out",
                style::note_label()
            );
        }
    }
    for unknown in &report.unknown {
        errln!("{} {unknown} is not in the index; `attest status` lists what is", style::error_label());
    }
    Ok(if report.unknown.is_empty() { DONE } else { NOT_FOUND })
}
