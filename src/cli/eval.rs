//! `attest eval`: how good are the search and the answers on a data set?

mod answers;
mod drafts;
mod feedback;
mod fit;
mod injections;
mod languages;
mod prompts;

use std::path::PathBuf;
use std::time::Instant;

pub use answers::bar;
use attest::{Library, Mode, SearchRequest, TextDocument};
use attest_eval::{Dataset, HitPlace, Locator, Query, Ranked, RetrievalSummary, Source, Variant, evaluate, sample};
use indicatif::ProgressBar;

use super::out::{errln, outln};
use super::progress::Bars;
use super::{Context, DONE};

#[derive(clap::Subcommand)]
pub enum EvalCommand {
    /// Rank the corpus for every query and compare with the judgements
    ///
    /// DIR holds corpus.jsonl or documents/, queries.jsonl and qrels.tsv. The
    /// index is built once and kept under the data folder, by content.
    Retrieval(RetrievalArgs),
    /// Answer every question and compare answers, citations and refusals with the right ones
    ///
    /// An interrupted run goes on where it stopped. What the model writes is
    /// kept, so that a run after a change of the check takes seconds.
    Answers(answers::AnswersArgs),
    /// Ask a question beside each of the attacks that come with the program
    Injections(injections::InjectionsArgs),
    /// Fit the probabilities of support and of answerability to reports, and print their weights
    ///
    /// The reports are those that `eval answers` writes. Tables of how well the
    /// probabilities tell right from wrong, cross-validated by document, go to
    /// stderr, and the weights, as data/calibration.toml has them, to stdout.
    Fit(fit::FitArgs),
    /// Write down what the model reads for questions with and without an answer, to fit a probe
    ///
    /// The excerpts, the evidence and the tokens of every question, and of the
    /// same question without its passages or about another number. eval/probe/fit.py
    /// fits the probe of a model to them.
    Prompts(prompts::PromptsArgs),
    /// Write down the mean vectors of an English and a Chinese corpus, to search across languages
    Languages(languages::LanguagesArgs),
    /// Ask again what readers rated down, and say which answers changed
    Feedback(feedback::FeedbackArgs),
}

#[derive(clap::Args)]
pub struct RetrievalArgs {
    /// Folder of the data set
    dir: PathBuf,
    /// Ask only so many queries, always the same ones
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Use corpus_NAME.jsonl and qrels_NAME.tsv of the folder
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Modes to compare, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "lexical,dense,graph,hybrid,hybrid+rerank")]
    modes: Vec<String>,
    /// Write every case to this file (JSON lines) [default: eval/NAME.retrieval.jsonl in the data folder]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print JSON for tools
    #[arg(long)]
    json: bool,
}

/// Passages per query; documents rank by their best one.
const PASSAGES: usize = 100;

/// Which queries a limit takes.
const SEED: u64 = 1;

pub fn run(command: EvalCommand, context: &Context) -> Result<u8, attest::Error> {
    match command {
        EvalCommand::Retrieval(args) => retrieval(args, context),
        EvalCommand::Answers(args) => answers::run(args, context),
        EvalCommand::Injections(args) => injections::run(&args, context),
        EvalCommand::Prompts(args) => prompts::run(&args, context),
        EvalCommand::Fit(args) => fit::run(&args),
        EvalCommand::Languages(args) => languages::run(&args, context),
        EvalCommand::Feedback(args) => feedback::run(&args, context),
    }
}

fn retrieval(args: RetrievalArgs, context: &Context) -> Result<u8, attest::Error> {
    let variant = args.variant.map_or(Variant::Standard, Variant::Named);
    let dataset = Dataset::load(&args.dir, &variant).map_err(usage)?;
    for warning in &dataset.warnings {
        tracing::warn!("{warning}");
    }
    let modes: Vec<(&str, Mode)> =
        args.modes.iter().map(|name| Ok((name.as_str(), mode(name)?))).collect::<Result<_, attest::Error>>()?;
    let folder = context.config.data_dir.join("eval");
    let (library, chunks_per_second) = index(&dataset, &folder, context)?;

    let judged = dataset.judged();
    let chosen: Vec<&Query> = match args.limit {
        Some(limit) => sample(judged.len(), limit, SEED).into_iter().map(|at| judged[at]).collect(),
        None => judged,
    };
    let locator = Locator::new(&dataset);
    let bar = if context.quiet { ProgressBar::hidden() } else { ProgressBar::new((chosen.len() * modes.len()) as u64) };
    let names: Vec<&str> = modes.iter().map(|&(name, _)| name).collect();
    let cases = evaluate(&chosen, &names, |name, query| {
        if context.cancelled() {
            return Err(attest::Error::Cancelled);
        }
        let mode = modes.iter().find(|(known, _)| *known == name).map_or(Mode::Hybrid, |&(_, mode)| mode);
        let request = SearchRequest { query: query.text.clone(), limit: PASSAGES, mode, collections: Vec::new() };
        let start = Instant::now();
        let found = library.search_as_asked(&request)?;
        let latency_ms = start.elapsed().as_secs_f64() * 1e3;
        let hits = found.hits.iter().map(|hit| HitPlace {
            document: &hit.passage.document,
            page: hit.passage.page,
            lines: hit.passage.lines,
            start: hit.passage.span.start,
            text: &hit.passage.text,
        });
        bar.inc(1);
        Ok(Ranked { ids: locator.ranking(hits), latency_ms })
    })?;
    bar.finish_and_clear();

    let report =
        args.report.unwrap_or_else(|| folder.join(format!("{}.retrieval.jsonl", dataset.name.replace('/', "-"))));
    attest_eval::write_cases(&report, &cases).map_err(usage)?;
    let summary = RetrievalSummary::new(&dataset.name, &cases, chunks_per_second);
    if args.json {
        super::print_json(&summary);
    } else {
        outln!("{summary}");
    }
    if !context.quiet {
        errln!("every case: {}", report.display());
    }
    Ok(DONE)
}

/// The index of the data set's corpus, built unless it is there, and the
/// passages per second that building took.
fn index(
    dataset: &Dataset,
    folder: &std::path::Path,
    context: &Context,
) -> Result<(Library, Option<f64>), attest::Error> {
    let hash = dataset.content_hash().map_err(usage)?;
    let mut config = context.config.clone();
    config.data_dir = folder.join(&hash[..16]);
    let library = Library::open(config)?;
    let mut bars = Bars::new(context);
    library.prepare_embedder(&mut bars)?;
    let start = Instant::now();
    let before = library.status()?.chunks;
    match &dataset.source {
        Source::Texts => {
            let texts: Vec<TextDocument<'_>> = dataset
                .corpus
                .iter()
                .map(|entry| TextDocument { id: &entry.id, title: &entry.title, text: &entry.text })
                .collect();
            library.add_texts("eval", &texts, &mut bars, context.cancel())?;
        }
        Source::Files(documents) => {
            let request = attest::AddRequest { paths: vec![documents.clone()], collection: Some("eval".into()) };
            let report = library.add(&request, &mut bars, context.cancel())?;
            super::add::print_failures(&report);
        }
    }
    if context.cancelled() {
        return Err(attest::Error::Cancelled);
    }
    let added = library.status()?.chunks - before;
    let rate = (added > 0).then(|| added as f64 / start.elapsed().as_secs_f64());
    Ok((library, rate))
}

fn mode(name: &str) -> Result<Mode, attest::Error> {
    Ok(match name {
        "lexical" => Mode::Lexical,
        "dense" => Mode::Dense,
        "graph" => Mode::Graph,
        "hybrid" => Mode::Fused,
        "hybrid+rerank" => Mode::Hybrid,
        other => {
            let known = "lexical, dense, graph, hybrid, hybrid+rerank";
            return Err(attest::Error::Usage(format!("there is no mode {other}; there are {known}")));
        }
    })
}

fn usage(error: impl std::fmt::Display) -> attest::Error {
    attest::Error::Usage(error.to_string())
}
