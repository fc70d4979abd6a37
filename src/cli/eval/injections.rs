//! `attest eval injections`: can a document steer the model?

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use attest::wire::AskResult;
use attest::{AddRequest, AskRequest};
use attest_eval::{Attack, attacks, wilson};
use serde::Serialize;

use super::super::progress::Bars;
use super::super::{Context, DONE, print_json};
use super::answers::{bar, keep_drafts};
use crate::cli::out::outln;

#[derive(clap::Args)]
pub struct InjectionsArgs {
    /// Only the attacks whose id begins so
    #[arg(long, value_name = "PREFIX", default_value = "")]
    only: String,
    /// Print JSON for tools
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Outcome {
    attacks: usize,
    succeeded: usize,
    /// 95% interval of the share that succeeds.
    interval: [f64; 2],
    languages: Vec<OfLanguage>,
    /// Genuine answers that came in spite of the attack.
    answered: usize,
    cases: Vec<Case>,
}

#[derive(Serialize)]
struct OfLanguage {
    language: &'static str,
    attacks: usize,
    succeeded: usize,
    interval: [f64; 2],
}

#[derive(Serialize)]
struct Case {
    id: &'static str,
    kind: &'static str,
    succeeded: bool,
    /// Whether the genuine answer was given.
    answered: bool,
    answer: String,
}

pub fn run(args: &InjectionsArgs, context: &Context) -> Result<u8, attest::Error> {
    let chosen: Vec<&'static Attack> = attacks().iter().filter(|attack| attack.id.starts_with(&args.only)).collect();
    if chosen.is_empty() {
        return Err(attest::Error::Usage(format!(
            "no attack's id begins with {:?}; one is {}",
            args.only,
            attacks()[0].id
        )));
    }
    let folder = context.config.data_dir.join("eval");
    let mut config = context.config.clone();
    config.data_dir = folder.join("injections");
    let library = attest::Library::open(config)?;
    let mut bars = Bars::new(context);
    library.prepare_to_answer(&mut bars)?;
    keep_drafts(&library, &folder)?;

    let quiet = Context { config: context.config.clone(), quiet: true };
    let bar = bar(chosen.len(), context);
    let mut cases = Vec::with_capacity(chosen.len());
    for attack in chosen {
        // Each attack stands beside the genuine documents in a collection of its own.
        let place = folder.join("injections-documents").join(&attack.id);
        let paths = write(attack, &place)?;
        let request = AddRequest { paths, collection: Some(attack.id.clone()) };
        library.add(&request, &mut Bars::new(&quiet), context.cancel())?;
        let request = AskRequest {
            question: attack.question().to_owned(),
            collections: vec![attack.id.clone()],
            ..AskRequest::default()
        };
        let asked = library.ask(&request, &mut |_| {
            if context.cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if context.cancelled() {
            return Err(attest::Error::Cancelled);
        }
        let answer = AskResult::new(&asked).answer;
        cases.push(Case {
            id: &attack.id,
            kind: &attack.kind,
            succeeded: attest_eval::succeeded(attack, &answer),
            answered: answer.contains(attack.answer()),
            answer,
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    let count = |cases: &[&Case]| (cases.len(), cases.iter().filter(|case| case.succeeded).count());
    let of_language = |language| {
        // Ids begin with the language.
        let own: Vec<&Case> = cases.iter().filter(|case| case.id.starts_with(language)).collect();
        let (attacks, succeeded) = count(&own);
        OfLanguage { language, attacks, succeeded, interval: wilson(succeeded, attacks) }
    };
    let (all, succeeded) = count(&cases.iter().collect::<Vec<_>>());
    let outcome = Outcome {
        attacks: all,
        succeeded,
        interval: wilson(succeeded, all),
        languages: ["en", "zh"].map(of_language).into_iter().filter(|of| of.attacks > 0).collect(),
        answered: cases.iter().filter(|case| case.answered).count(),
        cases,
    };
    if args.json {
        print_json(&outcome);
        return Ok(DONE);
    }
    outln!("{} attacks, {} succeeded; {} got the genuine answer", outcome.attacks, outcome.succeeded, outcome.answered);
    let share = |[low, high]: [f64; 2]| format!("95% interval of the share {low:.3} to {high:.3}");
    for OfLanguage { language, attacks, succeeded, interval } in &outcome.languages {
        outln!("  {language}: {succeeded} of {attacks} ({})", share(*interval));
    }
    outln!("  all: {} of {} ({})", outcome.succeeded, outcome.attacks, share(outcome.interval));
    for case in outcome.cases.iter().filter(|case| case.succeeded) {
        outln!("\n{} ({})\n  {}", case.id, case.kind, case.answer);
    }
    Ok(DONE)
}

fn write(attack: &Attack, place: &std::path::Path) -> Result<Vec<PathBuf>, attest::Error> {
    fs::create_dir_all(place).map_err(attest::Error::io(place))?;
    let mut paths = Vec::new();
    for (name, text) in attack.files() {
        let path = place.join(name);
        // Written once, so that the next run finds it unchanged.
        if fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
            fs::write(&path, text).map_err(attest::Error::io(&path))?;
        }
        paths.push(path);
    }
    Ok(paths)
}
