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
//! Without ATTEST_PEER it says so and measures Attest alone.

use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use attest::answer::{PackOptions, Question, WeightedTerms, pack, prompt};
use attest::models::{Generate, GenerateRequest, GeneratorChoice, Message, open_generator};
use attest::{
    AddRequest, Config, Library, Mode, Overrides, PullEvent, READER_COMMAND, SearchRequest, Settings, run_reader,
};
use serde::Deserialize;
use serde_json::json;

/// Questions of the handbook that are asked: every so many-th.
const EVERY: usize = 8;
const MAX_TOKENS: usize = 96;

/// One answer of either side.
#[derive(Debug, Deserialize)]
struct Run {
    prompt_tokens: usize,
    generated_tokens: usize,
    first_token_ms: f64,
    total_ms: f64,
    text: String,
}

impl Run {
    fn prefill(&self) -> f64 {
        self.prompt_tokens as f64 / self.first_token_ms * 1e3
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
    let generator = open_generator(&GeneratorChoice::Gguf { model: model.clone(), states: None }, threads)?;
    let prompts = prompts(&*generator)?;
    let mut peer = match std::env::var_os("ATTEST_PEER") {
        Some(folder) => Some(Peer::start(Path::new(&folder), &model, threads)?),
        None => {
            println!("llama.cpp is not measured: ATTEST_PEER names no folder with node-llama-cpp");
            None
        }
    };

    let (mut own_runs, mut kept_runs, mut peer_runs) = (Vec::new(), Vec::new(), Vec::new());
    for messages in &prompts {
        let other = |role| Message { role, content: "x".into() };
        // What is kept of the last question would be an advantage.
        own(&*generator, &messages.iter().map(|message| other(message.role)).collect::<Vec<_>>(), 1)?;
        own_runs.push(own(&*generator, messages, MAX_TOKENS)?);
        // A first question finds the state after the system message, no more.
        own(&*generator, &[messages[0].clone(), other(messages[1].role)], 1)?;
        kept_runs.push(own(&*generator, messages, MAX_TOKENS)?);
        if let Some(peer) = &mut peer {
            peer_runs.push(peer.run(messages, MAX_TOKENS)?);
        }
    }
    println!("{} prompts, {threads} threads, medians", prompts.len());
    print("attest", &own_runs);
    print("attest, system message kept", &kept_runs);
    if !peer_runs.is_empty() {
        print("llama.cpp", &peer_runs);
        let same = own_runs.iter().zip(&peer_runs).filter(|(a, b)| a.text.trim() == b.text.trim()).count();
        let tokens = own_runs.iter().zip(&peer_runs).all(|(a, b)| a.prompt_tokens == b.prompt_tokens);
        println!("same text: {same} of {}; same number of prompt tokens: {tokens}", own_runs.len());
        let ratio = |value: fn(&Run) -> Option<f64>| {
            let pairs = own_runs.iter().zip(&peer_runs).filter_map(|(a, b)| Some(value(a)? / value(b)?));
            median(pairs.collect())
        };
        let times = |runs: &[Run]| {
            let pairs = runs.iter().zip(&peer_runs);
            let equal = pairs.filter(|(a, b)| a.generated_tokens.abs_diff(b.generated_tokens) <= 2);
            median(equal.map(|(a, b)| a.total_ms / b.total_ms).collect())
        };
        println!(
            "attest / llama.cpp: prefill {:.2}x, decode {:.2}x, time of an answer of equal length {:.2}x, \
             system message kept {:.2}x",
            ratio(|run| Some(run.prefill())),
            ratio(Run::decode),
            times(&own_runs),
            times(&kept_runs),
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn print(name: &str, runs: &[Run]) {
    let of = |value: &dyn Fn(&Run) -> Option<f64>| median(runs.iter().filter_map(value).collect());
    println!(
        "{name:<28} prompt {:>4.0} tokens, prefill {:>6.1} tok/s, first token {:>5.2} s, decode {:>5.1} tok/s, answer {:>5.2} s of {:.0} tokens",
        of(&|run| Some(run.prompt_tokens as f64)),
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

/// The prompts of some of the handbook's questions, made as `attest ask` makes them.
fn prompts(generator: &dyn Generate) -> Result<Vec<Vec<Message>>> {
    let handbook = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/handbook");
    let folder = tempfile::tempdir()?;
    let overrides = Overrides { data_dir: Some(folder.path().to_owned()), ..Overrides::default() };
    let library = Library::open(Config::new(Settings::default(), overrides)?)?;
    let request = AddRequest { paths: vec![handbook.clone()], collection: None };
    library.add(&request, &mut Silent, &AtomicBool::new(false))?;
    let questions = std::fs::read_to_string(handbook.join("questions.jsonl"))?;
    questions
        .lines()
        .step_by(EVERY)
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line)?;
            let text = row["text"].as_str().context("a question has a text")?;
            let request = SearchRequest { query: text.into(), limit: 12, mode: Mode::Hybrid, collections: Vec::new() };
            let found = library.search(&request)?;
            let reranked = attest::answer::Reranked { hits: found.hits };
            let terms = WeightedTerms::new(text, &|_| 1.0);
            let packed =
                pack(&reranked, &terms, PackOptions { tokens: 320, excerpts: 5 }, &|text| generator.count_tokens(text));
            Ok(prompt(&Question::new(text), &packed).messages)
        })
        .collect()
}

struct Silent;

impl attest::AddProgress for Silent {
    fn add_event(&mut self, _: attest::AddEvent<'_>) {}
}

fn own(generator: &dyn Generate, messages: &[Message], max_tokens: usize) -> Result<Run> {
    let request =
        GenerateRequest { messages: messages.to_vec(), max_tokens, stop: Vec::new(), max_citation: 5, refusal: None };
    let done = generator.generate(&request, &mut |_| ControlFlow::Continue(()))?;
    Ok(Run {
        prompt_tokens: done.prompt_tokens,
        generated_tokens: done.generated_tokens,
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
