//! `attest feedback`: what a reader thinks of an answer.

use attest::Rating;

use super::out::errln;
use super::replay::LATEST;
use super::{Context, DONE};

#[derive(clap::Args)]
pub struct FeedbackArgs {
    /// Id of the receipt, as `ask --json` prints it, or `last` for that of the latest answer
    receipt: String,
    /// Whether the answer was right
    rating: RatingArg,
    /// What is wrong with it, or what it lacks
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// What a right answer says (a number, a name, some words); `eval feedback` then tells whether it does
    #[arg(long, value_name = "TEXT")]
    expected: Option<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum RatingArg {
    Up,
    Down,
}

pub fn run(args: FeedbackArgs, context: &Context) -> Result<u8, attest::Error> {
    let rating = match args.rating {
        RatingArg::Up => Rating::Up,
        RatingArg::Down => Rating::Down,
    };
    if args.expected.as_ref().is_some_and(|expected| !expected.chars().any(char::is_alphanumeric)) {
        return Err(attest::Error::Usage(
            "--expected has no word; give a number, a name, or some words of a right answer".into(),
        ));
    }
    let library = context.open()?;
    let receipt = if args.receipt == LATEST { library.shown_receipt()? } else { args.receipt };
    library.feedback(&receipt, rating, args.comment, args.expected)?;
    if !context.quiet {
        let asked = library.receipt(&receipt)?.request.question;
        errln!("kept for “{asked}”; `attest eval feedback` asks the disputed questions again");
    }
    Ok(DONE)
}
