//! `attest eval answers`: how good are the answers on a data set?

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use attest::answer::{Answer, Language, Packed, Question};
use attest::{AskMode, AskRequest, Asked, Library, Verdict};
use attest_eval::{
    AnswerCase, AnswerSummary, CheckedCase, Dataset, HitPlace, JudgedCitation, Locator, Planting, Query, Variant,
    curves, holds_answer, html, names, plant, stratified,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::super::progress::Bars;
use super::super::{Context, DONE, print_json};
use super::drafts::Drafts;
use super::{SEED, index, usage};
use crate::cli::out::{errln, outln};

#[derive(clap::Args)]
pub struct AnswersArgs {
    /// Folder of the data set
    dir: PathBuf,
    /// Ask only so many questions, always the same ones, from every language and kind its share
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Use `corpus_NAME.jsonl` and `qrels_NAME.tsv` of the folder
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Measure the answers in the documents' own words; no language model is needed
    #[arg(long)]
    extractive: bool,
    /// Write every case to this file (JSON lines), and the report beside it as .html
    /// [default: eval/NAME.answers.jsonl, or NAME.extractive.jsonl, in the data folder]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print JSON for tools
    #[arg(long)]
    json: bool,
}

pub fn run(args: AnswersArgs, context: &Context) -> Result<u8, attest::Error> {
    let variant = args.variant.map_or(Variant::Standard, Variant::Named);
    let dataset = Dataset::load(&args.dir, &variant).map_err(usage)?;
    for warning in &dataset.warnings {
        tracing::warn!("{warning}");
    }
    let folder = context.config.data_dir.join("eval");
    let (library, _) = index(&dataset, &folder, context)?;
    let mode = if args.extractive { AskMode::Extractive } else { AskMode::Full };
    let saved = if args.extractive {
        Arc::default()
    } else {
        library.prepare_to_answer(&mut Bars::new(context))?;
        keep_drafts(&library, &folder)?
    };
    let kind = if args.extractive { "extractive" } else { "answers" };
    let configuration = format!("{} {kind}", library.configuration()?);

    let chosen = chosen(&dataset, args.limit);
    let report = args.report.unwrap_or_else(|| folder.join(format!("{}.{kind}.jsonl", dataset.name.replace('/', "-"))));
    let begun = if report.exists() { read_cases(&report)? } else { Vec::new() };
    let mut known: HashMap<String, AnswerCase> = begun
        .into_iter()
        .filter(|case| case.configuration == configuration)
        .map(|case| (case.query.clone(), case))
        .collect();
    let locator = Locator::new(&dataset);
    let evidence: HashMap<&str, &str> =
        dataset.corpus.iter().map(|entry| (entry.id.as_str(), entry.text.as_str())).collect();
    let strangers = strangers(&dataset);

    let bar = bar(chosen.len(), context);
    bar.inc(chosen.iter().filter(|query| known.contains_key(&query.id)).count() as u64);
    bar.reset_eta();
    let (mut cases, of) = (Vec::with_capacity(chosen.len()), chosen.len());
    let stopped = |done: usize| {
        bar.finish_and_clear();
        errln!("stopped after {done} of {of}; the same command goes on from there");
        attest::Error::Cancelled
    };
    for query in chosen {
        if let Some(case) = known.remove(&query.id) {
            cases.push(case);
            continue;
        }
        let before = saved.load(Ordering::Relaxed);
        let start = Instant::now();
        let request = AskRequest { question: query.text.clone(), mode, ..AskRequest::default() };
        let asked = library.ask(&request, &mut |_| {
            if context.cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if context.cancelled() {
            return Err(stopped(cases.len()));
        }
        let asked = asked?;
        let waited = start.elapsed().as_secs_f64();
        let seconds = waited + (saved.load(Ordering::Relaxed) - before) as f64 / 1e6;
        let mut case = judge(query, &asked, &locator, &evidence, seconds);
        case.configuration.clone_from(&configuration);
        // Of every question, also where it made no difference: what `eval fit` learns from must not be the doubtful ones alone.
        if let Some(written) = &asked.written
            && let Some(pointed) = &written.pointed
            && let Some(alone) = library.answers_alone(&query.text, &written.packed, &pointed.answer)?
        {
            case.signals.insert("pointed_alone".into(), attest::answer::logit(alone).into());
        }
        if case.right() && case.answerable {
            (case.planted, case.checked) = planted(&library, query, &asked, &strangers);
        }
        append(&report, &case)?;
        cases.push(case);
        bar.inc(1);
    }
    bar.finish_and_clear();

    let summary = AnswerSummary::new(&dataset.name, &cases);
    let page = report.with_extension("html");
    fs::write(&page, html(&summary, &cases, &about(&library, context)?)).map_err(attest::Error::io(&page))?;
    for curve in curves(&cases) {
        let file = report.with_extension(format!("{}.svg", curve.name));
        fs::write(&file, curve.file()).map_err(attest::Error::io(&file))?;
    }
    if args.json {
        print_json(&summary);
    } else {
        outln!("{summary}");
    }
    if !context.quiet {
        errln!("every case: {}\nto read:    {}", report.display(), page.display());
    }
    Ok(DONE)
}

/// Under which conditions it was asked.
fn about(library: &Library, context: &Context) -> Result<String, attest::Error> {
    let config = &context.config;
    Ok(format!(
        "Asked until {} of attest {}, with {} and the embedding model {}, {} threads, threshold {}, {} tokens of \
         excerpts",
        httpdate::fmt_http_date(SystemTime::now()),
        attest::build(),
        library.generator_identity()?,
        config.embedder,
        config.threads,
        config.answer.threshold,
        config.answer.context_tokens
    ))
}

/// Puts the cache of drafts in front of the model. Returns the microseconds
/// that it has saved so far.
pub fn keep_drafts(library: &Library, folder: &Path) -> Result<Arc<AtomicU64>, attest::Error> {
    let saved = Arc::new(AtomicU64::new(0));
    let model = library.generator_identity()?;
    library.wrap_generator(|inner| Arc::new(Drafts::new(inner, model, folder.join("drafts"), Arc::clone(&saved))))?;
    Ok(saved)
}

pub fn bar(length: usize, context: &Context) -> ProgressBar {
    if context.quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("asking {bar:30} {pos} of {len}  {eta} left").expect("it is valid");
    ProgressBar::new(length as u64).with_style(style)
}

/// The questions to ask: all, or a sample by language, answerability and kind.
fn chosen(dataset: &Dataset, limit: Option<usize>) -> Vec<&Query> {
    let Some(limit) = limit else { return dataset.queries.iter().collect() };
    let strata: Vec<_> = dataset.queries.iter().map(|q| (language(&q.text), q.answerable, q.kind.as_deref())).collect();
    stratified(&strata, limit, SEED).into_iter().map(|at| &dataset.queries[at]).collect()
}

pub fn language(text: &str) -> &'static str {
    match Question::new(text).language {
        Language::English => "en",
        Language::Chinese => "zh",
    }
}

fn judge(query: &Query, asked: &Asked, locator: &Locator, evidence: &HashMap<&str, &str>, seconds: f64) -> AnswerCase {
    let relevant: Vec<&str> = query.relevant.keys().filter_map(|id| evidence.get(id.as_str()).copied()).collect();
    let cite = |document: &str, page: Option<u32>, lines: Option<(u32, u32)>, start: usize, quote: &str| {
        let ids = locator.ids(&HitPlace { document, page, lines, start, text: quote });
        JudgedCitation {
            document: document.to_owned(),
            page,
            quote: quote.to_owned(),
            relevant: ids.iter().any(|id| query.relevant.contains_key(id)),
            holds_answer: holds_answer(quote, query, &relevant),
        }
    };
    let (mut output, mut support, mut citations) = (String::new(), 0.0, Vec::new());
    if let Answer::Grounded { sentences, citations: cited } = &asked.answer {
        let shown = sentences.iter().filter(|sentence| sentence.checked.verdict == Verdict::Supported);
        output = shown_text(&asked.answer);
        support = shown.map(|sentence| f64::from(sentence.checked.support)).fold(1.0, f64::min);
        citations = cited.iter().map(|c| cite(&c.passage.document, c.page, c.lines, c.span.start, &c.quote)).collect();
    }
    let pointed = asked.written.as_ref().and_then(|written| written.pointed.as_ref()).and_then(|pointed| {
        let Answer::Grounded { citations, .. } = &pointed.answer else { return None };
        citations.first().map(|c| cite(&c.passage.document, c.page, c.lines, c.span.start, &c.quote))
    });
    AnswerCase {
        configuration: String::new(),
        query: query.id.clone(),
        text: query.text.clone(),
        language: language(&query.text).to_owned(),
        kind: query.kind.clone(),
        answerable: query.answerable,
        answers: query.answers.clone(),
        refused: matches!(asked.answer, Answer::NotFound { .. }),
        output,
        draft: asked.written.as_ref().map_or_else(String::new, |written| written.draft.clone()),
        support,
        citations,
        planted: BTreeMap::new(),
        group: query.relevant.keys().next().map_or(&*query.id, |id| id.split('#').next().unwrap_or(id)).to_owned(),
        checked: Vec::new(),
        signals: signals(asked),
        extractive: shown_text(&asked.extractive),
        pointed,
        seconds,
        prompt_tokens: asked.tokens.prompt,
        cached_tokens: asked.tokens.cached,
        generated_tokens: asked.tokens.generated,
        passes: asked.written.as_ref().and_then(|written| written.passes),
    }
}

/// The supported sentences of an answer.
fn shown_text(answer: &Answer) -> String {
    let Answer::Grounded { sentences, .. } = answer else { return String::new() };
    let shown = sentences.iter().filter(|sentence| sentence.checked.verdict == Verdict::Supported);
    shown.map(|sentence| sentence.checked.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn signals(asked: &Asked) -> BTreeMap<String, f64> {
    let evidence = serde_json::to_value(asked.evidence).expect("evidence is plain data");
    let mut signals: BTreeMap<String, f64> = serde_json::from_value(evidence).expect("its signals are numbers");
    if let Some(written) = &asked.written {
        signals.extend(written.refusal.map(|p| (attest::answer::REFUSAL.to_owned(), attest::answer::logit(p).into())));
        let log_odds = |p: f32| f64::from(attest::answer::logit(p));
        signals.extend(written.looked.map(|p| ("looked".to_owned(), log_odds(p))));
        signals.extend(written.pointed.as_ref().map(|pointed| ("pointed_looked".to_owned(), log_odds(pointed.looked))));
        signals.extend(written.alone.map(|p| ("alone".to_owned(), attest::answer::logit(p).into())));
        signals.extend(written.confidence.map(|confidence| ("confidence".to_owned(), confidence.into())));
    }
    if let Answer::Grounded { citations, .. } = &asked.answer {
        let quoted: Vec<&str> = citations.iter().map(|citation| citation.quote.as_str()).collect();
        let placed: Vec<String> = citations
            .iter()
            .map(|c| {
                format!("{}\n{}\n{}\n{}", c.passage.title, c.passage.headings.join("\n"), c.passage.context, c.quote)
            })
            .collect();
        signals.insert("quoted".into(), asked.searched.terms.coverage(&quoted.join("\n")).into());
        signals.insert("placed".into(), asked.searched.terms.coverage(&placed.join("\n")).into());
    }
    signals
}

/// Makes every sentence of a right answer wrong and counts what passes the check.
fn planted(
    library: &Library,
    query: &Query,
    asked: &Asked,
    strangers: &[String],
) -> (BTreeMap<String, Planting>, Vec<CheckedCase>) {
    let mut counts: BTreeMap<String, Planting> = BTreeMap::new();
    let mut cases = Vec::new();
    let (Answer::Grounded { sentences, citations }, Some(written)) = (&asked.answer, &asked.written) else {
        return (counts, cases);
    };
    let mut check = |kind: &str, packed: &Packed, text: &str| -> bool {
        let (Answer::Grounded { sentences, .. } | Answer::NotFound { sentences, .. }) =
            library.check_draft(&query.text, packed, text);
        let signals = sentences.first().map(|sentence| sentence.checked.signals.named()).unwrap_or_default();
        let signals = signals.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        cases.push(CheckedCase { kind: kind.to_owned(), text: text.to_owned(), signals });
        // The check may set a wrong sentence right from the source; what counts
        // is whether the wrong words are shown.
        sentences.iter().any(|s| s.checked.verdict == Verdict::Supported && s.checked.text.trim() == text.trim())
    };
    // The same passages, but for those that the answer stands in.
    let mut elsewhere = written.packed.clone();
    elsewhere.excerpts.retain(|shown| citations.iter().all(|c| c.passage.document_id != shown.hit.passage.document_id));
    for sentence in sentences.iter().filter(|sentence| sentence.checked.verdict == Verdict::Supported) {
        let text = &sentence.checked.text;
        check("true", &written.packed, text);
        let wrong = plant(text, strangers).into_iter().map(|wrong| (wrong.kind.name(), &written.packed, wrong.text));
        for (kind, packed, text) in wrong.chain([("near miss", &elsewhere, text.clone())]) {
            let count = counts.entry(kind.to_owned()).or_default();
            count.planted += 1;
            count.passed += usize::from(check(kind, packed, &text));
        }
    }
    (counts, cases)
}

/// Names out of the answers of the data set, to stand in for right ones.
fn strangers(dataset: &Dataset) -> Vec<String> {
    let mut seen = HashSet::new();
    let answers = dataset.queries.iter().flat_map(|query| &query.answers);
    // The first word of an answer is a name more often than that of a sentence.
    answers
        .flat_map(|answer| names(&format!("x {answer}")))
        .filter(|name| seen.insert(name.clone()))
        .take(200)
        .collect()
}

/// The cases of an earlier run; a last line that a crash cut off is left out.
/// The cases of a report; one that was stopped may end within a line.
pub fn read_cases(path: &Path) -> Result<Vec<AnswerCase>, attest::Error> {
    let file = File::open(path).map_err(attest::Error::input(path))?;
    let lines: Vec<String> = BufReader::new(file).lines().collect::<Result<_, _>>().map_err(attest::Error::io(path))?;
    Ok(lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn append(path: &Path, case: &AnswerCase) -> Result<(), attest::Error> {
    let mut line = serde_json::to_vec(case).expect("cases are plain data");
    line.push(b'\n');
    let write = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        OpenOptions::new().create(true).append(true).open(path)?.write_all(&line)
    };
    write().map_err(attest::Error::io(path))
}
