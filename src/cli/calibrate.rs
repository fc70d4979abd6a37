//! `attest calibrate`: how likely an answer must be in a collection, fitted to one's own questions.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use attest::answer::{Answer, refuses};
use attest::{AskRequest, Asked, DEFAULT_COLLECTION, Error};
use attest_eval::{Outcome, Tradeoff};
use serde::Deserialize;

use super::out::{errln, outln};
use super::progress::Bars;
use super::{Context, DONE, eval, print_json, style};

#[derive(clap::Args)]
#[command(after_help = "\
QUESTIONS holds one question a line, with some that the documents do not answer:

  {\"text\": \"How long is the warranty?\"}
  {\"text\": \"Who painted the Mona Lisa?\", \"answerable\": false}

A dozen of each kind is a beginning; a hundred make a good threshold.")]
pub struct CalibrateArgs {
    /// File of questions (JSON lines)
    #[arg(required_unless_present = "reset")]
    questions: Option<PathBuf>,
    /// The collection to fit to
    #[arg(long, value_name = "NAME", default_value = DEFAULT_COLLECTION)]
    collection: String,
    /// Show the curve, change nothing
    #[arg(long)]
    dry_run: bool,
    /// Go back to the threshold of the settings
    #[arg(long, conflicts_with_all = ["questions", "dry_run"])]
    reset: bool,
    /// Print JSON for tools
    #[arg(long)]
    json: bool,
}

/// A question of the file; what else a line holds is passed over.
#[derive(Deserialize)]
struct Question {
    text: String,
    #[serde(default = "yes")]
    answerable: bool,
}

const fn yes() -> bool {
    true
}

pub fn run(args: &CalibrateArgs, context: &Context) -> Result<u8, Error> {
    let library = context.open()?;
    let Some(file) = &args.questions else {
        library.set_threshold(&args.collection, None)?;
        return Ok(DONE);
    };
    let questions = read(file)?;
    library.prepare_to_answer(&mut Bars::new(context))?;
    let bar = eval::bar(questions.len(), context);
    let mut all = Vec::with_capacity(questions.len());
    for question in questions {
        // Every gate is open, so that all of them can be tried afterwards.
        let request = AskRequest {
            question: question.text,
            collections: vec![args.collection.clone()],
            threshold: Some(0.0),
            ..AskRequest::default()
        };
        let asked = library.ask(&request, &mut |_| {
            if context.cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if context.cancelled() {
            return Err(Error::Cancelled);
        }
        all.push((question.answerable, asked));
        bar.inc(1);
    }
    bar.finish_and_clear();

    let curve: Vec<Tradeoff> = (0..20).map(|step| point(step as f32 / 20.0, &all)).collect();
    let best = Tradeoff::best(&curve).expect("twenty thresholds were tried");
    let now = library.thresholds()?.get(&args.collection).copied().unwrap_or(context.config.answer.threshold);
    let before = point(now, &all);
    if !args.dry_run {
        library.set_threshold(&args.collection, Some(best.threshold))?;
    }
    if args.json {
        print_json(&serde_json::json!({
            "collection": args.collection, "questions": all.len(), "curve": curve, "before": before, "best": best,
            "stored": !args.dry_run,
        }));
        return Ok(DONE);
    }
    outln!("threshold  precision  recall     F1  false refusals");
    for point in &curve {
        outln!("{point}{}", if point == &best { "  <- best F1" } else { "" });
    }
    let done = if args.dry_run { "would be" } else { "is" };
    outln!(
        "\nThe threshold of {} {done} {:.2} (F1 {:.2}); before, {:.2} (F1 {:.2}).",
        args.collection,
        best.threshold,
        best.f1,
        now,
        before.f1
    );
    if all.len() < 24 && !context.quiet {
        errln!(
            "{} {} questions are few: another dozen may well give another threshold",
            style::note_label(),
            all.len()
        );
    }
    Ok(DONE)
}

/// What would have happened at `threshold`.
fn point(threshold: f32, all: &[(bool, Asked)]) -> Tradeoff {
    let outcome = |(answerable, asked): &(bool, Asked)| {
        let evidence = asked.weighed.then_some(&asked.evidence);
        let doubt = asked.written.as_ref().and_then(|written| written.refusal);
        // With the gate open, what is refused did not stand up to the check.
        let unfounded = matches!(asked.answer, Answer::NotFound { .. });
        Outcome { answerable: *answerable, refused: unfounded || refuses(evidence, doubt, threshold) }
    };
    Tradeoff::new(threshold, &all.iter().map(outcome).collect::<Vec<_>>())
}

fn read(file: &Path) -> Result<Vec<Question>, Error> {
    let text = std::fs::read_to_string(file).map_err(Error::input(file))?;
    let wrong = |why: String| Error::Usage(format!("{}: {why}; see attest calibrate --help", file.display()));
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let questions: Vec<Question> = lines
        .map(|(number, line)| serde_json::from_str(line).map_err(|error| wrong(format!("line {number}: {error}"))))
        .collect::<Result<_, _>>()?;
    for (answerable, what) in [(true, "answer"), (false, "do not answer")] {
        if !questions.iter().any(|question| question.answerable == answerable) {
            return Err(wrong(format!("there must be questions that the documents {what}")));
        }
    }
    Ok(questions)
}
