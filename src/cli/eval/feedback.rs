//! `attest eval feedback`: the answers that readers disputed, asked again.

use attest::{FeedbackCase, Rating};
use serde::Serialize;

use super::super::progress::Bars;
use super::super::{Context, DONE, print_json};
use super::answers::bar;
use crate::cli::out::outln;

#[derive(clap::Args)]
pub struct FeedbackArgs {
    /// Print JSON for tools
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Outcome {
    cases: usize,
    changed: usize,
    disputed: Vec<Disputed>,
}

#[derive(Serialize)]
struct Disputed {
    receipt: String,
    question: String,
    comment: Option<String>,
    before: String,
    after: String,
    same: bool,
}

pub fn run(args: &FeedbackArgs, context: &Context) -> Result<u8, attest::Error> {
    let library = context.open()?;
    let cases: Vec<FeedbackCase> =
        library.feedback_cases()?.into_iter().filter(|case| case.rating == Rating::Down).collect();
    if !cases.is_empty() {
        library.prepare_to_answer(&mut Bars::new(context))?;
    }
    let bar = bar(cases.len(), context);
    let mut disputed = Vec::with_capacity(cases.len());
    for case in cases {
        if context.cancelled() {
            return Err(attest::Error::Cancelled);
        }
        let replayed = library.replay(&case.receipt)?;
        disputed.push(Disputed {
            receipt: case.receipt.id,
            question: case.receipt.request.question,
            comment: case.comment,
            before: case.receipt.answer.answer,
            after: replayed.answer.answer,
            same: replayed.same,
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    let changed = disputed.iter().filter(|one| one.before != one.after).count();
    let outcome = Outcome { cases: disputed.len(), changed, disputed };
    if args.json {
        print_json(&outcome);
        return Ok(DONE);
    }
    outln!("{} disputed answers, {} of them other ones now", outcome.cases, outcome.changed);
    for one in outcome.disputed {
        outln!("\n{}  {}", one.receipt, one.question);
        if let Some(comment) = one.comment {
            outln!("  comment: {comment}");
        }
        outln!("  before:  {}", one.before);
        if one.before == one.after {
            outln!("  now:     the same");
        } else {
            outln!("  now:     {}", one.after);
        }
    }
    Ok(DONE)
}
