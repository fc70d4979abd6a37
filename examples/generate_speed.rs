//! Measures how fast a GGUF model reads and writes:
//! `cargo run --release --example generate_speed -- MODEL.gguf [PROMPT_TOKENS] [ANSWER_TOKENS] [THREADS]`

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use attest::models::{GenerateRequest, GeneratorChoice, Message, MessageRole, open_generator};

const TEXT: &str = "The pump of the second circuit is checked every six months. Its seal must be replaced when \
                    the pressure falls below 2.4 bar; the valve beside it is closed first. 保修期为二十四个月。";

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let path = PathBuf::from(args.next().context("name a GGUF file")?);
    let mut number = |default: usize| args.next().map_or(Ok(default), |arg| arg.parse());
    let (prompt_tokens, answer_tokens) = (number(600)?, number(64)?);
    let threads = number(std::thread::available_parallelism()?.get())?;

    let start = Instant::now();
    let generator = open_generator(&GeneratorChoice::Gguf { model: path, states: None }, threads)?;
    println!("opened in {:.2} s", start.elapsed().as_secs_f64());
    for round in 0..3 {
        // Each round starts with another word, so that nothing kept can be used.
        let mut content = format!("Round {round}.");
        while generator.count_tokens(&content) + 30 < prompt_tokens {
            content.push(' ');
            content.push_str(TEXT);
        }
        content.push_str(" Tell a long story about this pump.");
        let request = GenerateRequest {
            messages: vec![
                Message { role: MessageRole::System, content: format!("{round}: you write.") },
                Message { role: MessageRole::User, content },
            ],
            max_tokens: answer_tokens,
            stop: Vec::new(),
            max_citation: 0,
            refusal: None,
            passages: Vec::new(),
            places: None,
        };
        let done = generator.generate(&request, &mut |_| ControlFlow::Continue(()))?;
        let fresh = done.prompt_tokens - done.cached_tokens;
        println!(
            "{} prompt tokens ({} kept): {:.1} tok/s, first token after {:.2} s; {} written: {:.1} tok/s",
            done.prompt_tokens,
            done.cached_tokens,
            fresh as f64 / done.first_token_ms * 1e3,
            done.first_token_ms / 1e3,
            done.generated_tokens,
            (done.generated_tokens.max(1) - 1) as f64 / (done.total_ms - done.first_token_ms) * 1e3,
        );
        if round == 0 {
            println!("{}", done.text);
        }
    }
    if let Some(peak) = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| status.lines().find(|line| line.starts_with("VmHWM")).map(str::to_owned))
    {
        println!("{peak}");
    }
    Ok(())
}
