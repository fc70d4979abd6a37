//! `attest eval feedback`: the answers that readers disputed, asked again.

use attest::{FeedbackCase, Rating};
use attest_eval::answers::answer_in_output;
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
    /// What a right answer says, and whether the answer now says it.
    expected: Option<String>,
    right: Option<bool>,
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
        let replayed = library.replay(&case.receipt, &|| !context.cancelled())?;
        let says = |expected: &String| answer_in_output(&replayed.answer.answer, std::slice::from_ref(expected));
        disputed.push(Disputed {
            receipt: case.receipt.id,
            question: case.receipt.request.question,
            comment: case.comment,
            right: case.expected.as_ref().map(says),
            expected: case.expected,
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
    let answers = if outcome.cases == 1 { "answer" } else { "answers" };
    outln!("{} disputed {answers}, {} changed since", outcome.cases, outcome.changed);
    let judged = outcome.disputed.iter().filter_map(|one| one.right);
    let (right, of) = judged.fold((0, 0), |(right, of), is| (right + usize::from(is), of + 1));
    if of > 0 {
        outln!("{right} of {of} whose right answer is known are right now");
    }
    for one in outcome.disputed {
        outln!("\n{}  {}", one.receipt, one.question);
        if let Some(comment) = one.comment {
            outln!("  comment: {comment}");
        }
        if let (Some(expected), Some(right)) = (one.expected, one.right) {
            outln!("  right:   {} ({expected})", if right { "yes" } else { "no" });
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
