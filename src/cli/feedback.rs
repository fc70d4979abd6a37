//! `attest feedback`: what a reader thinks of an answer.

use attest::Rating;

use super::out::errln;
use super::{Context, DONE};

#[derive(clap::Args)]
pub struct FeedbackArgs {
    /// Id of the receipt, as `ask --json` prints it
    receipt: String,
    /// Whether the answer was right
    rating: RatingArg,
    /// What is wrong with it, or what it lacks
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
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
    context.open()?.feedback(&args.receipt, rating, args.comment)?;
    if !context.quiet {
        errln!("kept; `attest eval feedback` asks the disputed questions again");
    }
    Ok(DONE)
}
