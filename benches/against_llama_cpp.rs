//! Answers to the sample handbook's questions, by Attest's decoder and by
//! llama.cpp in turn: the same model file, the same prompts, as many threads.
//!
//! llama.cpp comes from the npm package node-llama-cpp, which brings it compiled:
//!
//! ```text
//! npm install --prefix PEER node-llama-cpp
//! ATTEST_PEER=PEER cargo bench --bench against_llama_cpp
//! ```
//!
//! With ATTEST_DATASET=DIR it asks questions of that data set (its `documents/` and `queries.jsonl`). With `-- writing` it measures only how fast long texts are written.
//! Without ATTEST_PEER it says so and measures Attest alone.

use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use attest::answer::{PackOptions, Prompt, Question, pack, prompt};
use attest::models::{Generate, GenerateRequest, GeneratorChoice, Message, Places, open_generator};
use attest::{
    AddRequest, Config, Library, Mode, Overrides, PullEvent, READER_COMMAND, Reading, SearchRequest, Settings,
    run_reader,
};
use serde::Deserialize;
use serde_json::json;

/// Questions that are asked, evenly taken from all.
const QUESTIONS: usize = 15;
const MAX_TOKENS: usize = 96;
/// Tokens of a text that is written to see how fast it goes.
const WRITTEN: usize = 128;

/// One answer of either side.
#[derive(Debug, Deserialize)]
struct Run {
    prompt_tokens: usize,
    #[serde(default)]
    cached_tokens: usize,
    generated_tokens: usize,
    #[serde(default)]
    passes: Option<usize>,
    first_token_ms: f64,
    total_ms: f64,
    text: String,
}

impl Run {
    fn prefill(&self) -> f64 {
        (self.prompt_tokens - self.cached_tokens) as f64 / self.first_token_ms * 1e3
    }

    fn decode(&self) -> Option<f64> {
        let steps = self.generated_tokens.checked_sub(1).filter(|&steps| steps >= 4)?;
        Some(steps as f64 / (self.total_ms - self.first_token_ms) * 1e3)
    }
}

fn main() -> Result<ExitCode> {
    if std::env::args().nth(1).as_deref() == Some(READER_COMMAND) {
        return Ok(run_reader());
    }
    let threads = std::thread::available_parallelism()?.get();
    let registry = attest::Registry::new(Config::new(Settings::default(), Overrides::default())?.models_dir);
    let files = registry.resolve("qwen2.5-coder-1.5b-instruct", &mut |_: PullEvent<'_>| {})?;
    let model = files.only(".gguf")?.to_owned();
    let open = || open_generator(&GeneratorChoice::Gguf { model: model.clone(), states: None }, threads);
    let generator = open()?;
    let prompts = prompts(&*generator)?;
    let mut peer = match std::env::var_os("ATTEST_PEER") {
        Some(folder) => Some(Peer::start(Path::new(&folder), &model, threads)?),
        None => {
            println!("llama.cpp is not measured: ATTEST_PEER names no folder with node-llama-cpp");
            None
        }
    };

    if std::env::args().any(|argument| argument == "writing") {
        writing(&*generator, &prompts, peer.as_mut())?;
        return Ok(ExitCode::SUCCESS);
    }
    let (mut own_runs, mut kept_runs, mut next_runs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut first_runs, mut again_runs, mut peer_runs) = (Vec::new(), Vec::new(), Vec::new());
    for (in_order, apart) in &prompts {
        // What is kept of the last question would be an advantage.
        let system = &in_order.messages[..1];
        own(&*generator, &saying("x", "x", in_order), 1)?;
        own_runs.push(own(&*generator, in_order, MAX_TOKENS)?);
        // A first question finds the state after the system message, no more.
        own(&*generator, &saying(&system[0].content, "x", in_order), 1)?;
        kept_runs.push(own(&*generator, in_order, MAX_TOKENS)?);
        // Another question on the very same excerpts finds them read.
        let user = &in_order.messages[1].content;
        let (excerpts, _) = user.rsplit_once("\n\n").context("the question stands behind the passages")?;
        own(&*generator, &saying(&system[0].content, excerpts, in_order), 1)?;
        next_runs.push(own(&*generator, in_order, MAX_TOKENS)?);
        // With passages read apart, the excerpts may come back in any order and company.
        let generator = open()?;
        own(&*generator, &saying(&system[0].content, "x", in_order), 1)?;
        first_runs.push(own(&*generator, apart, MAX_TOKENS)?);
        own(&*generator, &saying(&system[0].content, "x", in_order), 1)?;
        again_runs.push(own(&*generator, apart, MAX_TOKENS)?);
        anyhow::ensure!(first_runs.last().map(|run| &run.text) == again_runs.last().map(|run| &run.text));
        if let Some(peer) = &mut peer {
            peer_runs.push(peer.run(&in_order.messages, MAX_TOKENS)?);
        }
    }
    println!("{} prompts, {threads} threads, medians", prompts.len());
    let all = [
        ("nothing kept", &own_runs),
        ("system message kept", &kept_runs),
        ("same excerpts, in order", &next_runs),
        ("read apart, first question", &first_runs),
        ("read apart, read before", &again_runs),
    ];
    for (name, runs) in all {
        print(name, runs);
    }
    let same = |a: &[Run], b: &[Run]| a.iter().zip(b).filter(|(a, b)| a.text.trim() == b.text.trim()).count();
    println!("read apart, the text is the same as in order: {} of {}", same(&own_runs, &first_runs), own_runs.len());
    if !peer_runs.is_empty() {
        print("llama.cpp", &peer_runs);
        let tokens = own_runs.iter().zip(&peer_runs).all(|(a, b)| a.prompt_tokens == b.prompt_tokens);
        let equal = same(&own_runs, &peer_runs);
        println!("same text: {equal} of {}; same number of prompt tokens: {tokens}", own_runs.len());
        let ratio = |runs: &[Run], value: fn(&Run) -> Option<f64>| {
            median(runs.iter().zip(&peer_runs).filter_map(|(a, b)| Some(value(a)? / value(b)?)).collect())
        };
        println!(
            "attest / llama.cpp: prefill {:.2}x, decode {:.2}x",
            ratio(&own_runs, |run| Some(run.prefill())),
            ratio(&own_runs, Run::decode),
        );
        for (name, runs) in all {
            let equal =
                runs.iter().zip(&peer_runs).filter(|(a, b)| a.generated_tokens.abs_diff(b.generated_tokens) <= 2);
            let times: Vec<f64> = equal.map(|(a, b)| a.total_ms / b.total_ms).collect();
            println!(
                "attest / llama.cpp, {name}: time to the first token {:.2}x, of {} answers of equal length {:.2}x",
                ratio(runs, |run| Some(run.first_token_ms)),
                times.len(),
                median(times),
            );
        }
    }
    if let Some(peak) = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| status.lines().find(|line| line.starts_with("VmHWM")).map(str::to_owned))
    {
        println!("memory of this process, three models opened in turn: {peak}");
    }
    Ok(ExitCode::SUCCESS)
}

/// How fast each side writes, once it has read: answers to the handbook's
/// questions are too short to tell. Free text gives lookup decoding nothing to
/// propose, so that it is plain decoding; what retells its excerpts does.
fn writing(generator: &dyn Generate, prompts: &[(Prompt, Prompt)], mut peer: Option<&mut Peer>) -> Result<()> {
    let topics = ["a lighthouse keeper", "the history of bread", "a night train", "how glaciers move"];
    let free = topics.map(|topic| ("You write well.".to_owned(), format!("Write two paragraphs about {topic}.")));
    let retold = prompts.iter().step_by(4).map(|(prompt, _)| {
        let user = &prompt.messages[1].content;
        let excerpts = user.rsplit_once("\n\n").map_or(user.as_str(), |(excerpts, _)| excerpts);
        ("You retell texts.".to_owned(), format!("{excerpts}\n\nRetell all of this, sentence by sentence."))
    });
    let like = &prompts[0].0;
    for (name, asked) in [("free text", free.to_vec()), ("retold excerpts", retold.collect::<Vec<_>>())] {
        let (mut own_runs, mut peer_runs) = (Vec::new(), Vec::new());
        for (system, user) in &asked {
            let prompt = saying(system, user, like);
            own_runs.push(own(generator, &prompt, WRITTEN)?);
            if let Some(peer) = peer.as_deref_mut() {
                peer_runs.push(peer.run(&prompt.messages, WRITTEN)?);
            }
        }
        let passes: usize = own_runs.iter().filter_map(|run| run.passes).sum();
        let tokens: usize = own_runs.iter().map(|run| run.generated_tokens).sum();
        println!("writing {name}: {:.2} tokens a pass", tokens as f64 / passes.max(1) as f64);
        print(name, &own_runs);
        if !peer_runs.is_empty() {
            print("llama.cpp", &peer_runs);
            let rates = own_runs.iter().zip(&peer_runs).filter_map(|(a, b)| Some(a.decode()? / b.decode()?));
            println!("attest / llama.cpp, writing {name}: decode {:.2}x", median(rates.collect()));
        }
    }
    Ok(())
}

/// A prompt like another, saying something else.
fn saying(system: &str, user: &str, like: &Prompt) -> Prompt {
    let message = |at: usize, content: &str| Message { content: content.into(), ..like.messages[at].clone() };
    Prompt { messages: vec![message(0, system), message(1, user)], passages: Vec::new(), places: Places::default() }
}

fn print(name: &str, runs: &[Run]) {
    let of = |value: &dyn Fn(&Run) -> Option<f64>| median(runs.iter().filter_map(value).collect());
    println!(
        "{name:<28} prompt {:>4.0} tokens ({:.0} kept), prefill {:>6.1} tok/s, first token {:>5.2} s, decode {:>5.1} tok/s, answer {:>5.2} s of {:.0} tokens",
        of(&|run| Some(run.prompt_tokens as f64)),
        of(&|run| Some(run.cached_tokens as f64)),
        of(&|run| Some(run.prefill())),
        of(&|run| Some(run.first_token_ms / 1e3)),
        of(&Run::decode),
        of(&|run| Some(run.total_ms / 1e3)),
        of(&|run| Some(run.generated_tokens as f64)),
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The prompts of some of the handbook's questions, or of those of the data set that
/// ATTEST_DATASET names, made as `attest ask` makes them: read in order, and apart.
fn prompts(generator: &dyn Generate) -> Result<Vec<(Prompt, Prompt)>> {
    let (documents, questions) = match std::env::var_os("ATTEST_DATASET").map(PathBuf::from) {
        Some(set) => (set.join("documents"), set.join("queries.jsonl")),
        None => {
            let handbook = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/handbook");
            (handbook.clone(), handbook.join("questions.jsonl"))
        }
    };
    let folder = tempfile::tempdir()?;
    let overrides = Overrides { data_dir: Some(folder.path().to_owned()), ..Overrides::default() };
    let library = Library::open(Config::new(Settings::default(), overrides)?)?;
    let request = AddRequest { paths: vec![documents], collection: None };
    library.add(&request, &mut Silent, &AtomicBool::new(false))?;
    let questions = std::fs::read_to_string(&questions).with_context(|| format!("{}", questions.display()))?;
    let every = questions.lines().count().div_ceil(QUESTIONS);
    questions
        .lines()
        .step_by(every)
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line)?;
            let text = row["text"].as_str().context("a question has a text")?;
            let request = SearchRequest { query: text.into(), limit: 12, mode: Mode::Hybrid, collections: Vec::new() };
            let found = library.search_as_asked(&request)?;
            let reranked = attest::answer::Reranked { hits: found.hits };
            let options = PackOptions { tokens: 280, excerpts: 5 };
            let packed = pack(text, &found.terms, &reranked, options, &|text| generator.count_tokens(text));
            let prompt = |reading| prompt(&Question::new(text), &packed, reading);
            Ok((prompt(Reading::InOrder), prompt(Reading::Apart)))
        })
        .collect()
}

struct Silent;

impl attest::AddProgress for Silent {
    fn add_event(&mut self, _: attest::AddEvent<'_>) {}
}

fn own(generator: &dyn Generate, prompt: &Prompt, max_tokens: usize) -> Result<Run> {
    let request = GenerateRequest {
        messages: prompt.messages.clone(),
        max_tokens,
        stop: Vec::new(),
        max_citation: 5,
        refusal: None,
        passages: prompt.passages.clone(),
        places: Some(prompt.places.clone()).filter(|places| !places.sentences.is_empty()),
    };
    let done = generator.generate(&request, &mut |_| ControlFlow::Continue(()))?;
    Ok(Run {
        prompt_tokens: done.prompt_tokens,
        cached_tokens: done.cached_tokens,
        generated_tokens: done.generated_tokens,
        passes: done.passes,
        first_token_ms: done.first_token_ms,
        total_ms: done.total_ms,
        text: done.text,
    })
}

/// llama.cpp in a process of its own.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(folder: &Path, model: &Path, threads: usize) -> Result<Self> {
        // Modules are looked for beside the script.
        let script = folder.join("llama_cpp.mjs");
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/llama_cpp.mjs"), &script)?;
        let mut child = Command::new("node")
            .arg(script)
            .arg(model)
            .arg(threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start node")?;
        let input = child.stdin.take().context("it has an input")?;
        let mut output = BufReader::new(child.stdout.take().context("it has an output")?);
        output.read_line(&mut String::new())?;
        Ok(Self { child, input, output })
    }

    fn run(&mut self, messages: &[Message], max_tokens: usize) -> Result<Run> {
        let request = json!({"system": messages[0].content, "user": messages[1].content, "max_tokens": max_tokens});
        writeln!(self.input, "{request}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("llama.cpp said {line:?}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
