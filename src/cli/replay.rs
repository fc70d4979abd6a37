//! `attest replay`: a receipt's question again.

use std::path::Path;

use attest::{Changed, Library, Receipt};
use serde::Serialize;

use super::out::outln;
use super::progress::Bars;
use super::{Context, DONE, FAILED};

/// The word for the latest receipt.
pub const LATEST: &str = "last";

#[derive(clap::Args)]
pub struct ReplayArgs {
    /// Id of a receipt, `last` for the latest, or a file that holds one as JSON
    receipt: String,
    /// Print the receipt as JSON instead of asking again
    #[arg(long)]
    show: bool,
    /// Print JSON for tools
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Outcome<'a> {
    receipt: &'a str,
    same: bool,
    changes: &'a [Changed],
    before: &'a str,
    after: &'a str,
}

pub fn run(args: &ReplayArgs, context: &Context) -> Result<u8, attest::Error> {
    let library = context.open()?;
    let receipt = read(&library, &args.receipt)?;
    if args.show {
        super::print_json(&receipt);
        return Ok(DONE);
    }
    library.prepare_to_answer(&mut Bars::new(context))?;
    let replayed = library.replay(&receipt, &|| !context.cancelled())?;
    if args.json {
        super::print_json(&Outcome {
            receipt: &receipt.id,
            same: replayed.same,
            changes: &replayed.changes,
            before: &receipt.answer.answer,
            after: &replayed.answer.answer,
        });
        return Ok(if replayed.same { DONE } else { FAILED });
    }
    for Changed { what, detail } in &replayed.changes {
        outln!("{what}: {detail}");
    }
    if replayed.same {
        outln!("the answer is the same, byte for byte");
        return Ok(DONE);
    }
    if replayed.changes.is_empty() {
        outln!("nothing that decides an answer has changed, and yet it is another one; please report this");
    }
    outln!("before: {}", receipt.answer.answer);
    outln!("now:    {}", replayed.answer.answer);
    Ok(FAILED)
}

fn read(library: &Library, name: &str) -> Result<Receipt, attest::Error> {
    if name == LATEST {
        return library.receipt(&library.shown_receipt()?);
    }
    let path = Path::new(name);
    if !path.is_file() {
        return library.receipt(name);
    }
    let json = std::fs::read(path).map_err(|error| attest::Error::Usage(format!("{name}: {error}")))?;
    serde_json::from_slice(&json).map_err(|error| attest::Error::Usage(format!("{name} is no receipt: {error}")))
}
