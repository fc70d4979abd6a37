use super::*;
use crate::models::candle::fixture;
use crate::models::citation::CitationGuard;
use crate::models::{Message, MessageRole};

fn request(text: &str, max_tokens: usize) -> GenerateRequest {
    GenerateRequest {
        messages: vec![
            Message { role: MessageRole::System, content: "Answer from the text.".into() },
            Message { role: MessageRole::User, content: text.into() },
        ],
        max_tokens,
        stop: Vec::new(),
        max_citation: 3,
        refusal: None,
        passages: Vec::new(),
        places: None,
    }
}

fn run(generator: &CandleGenerator, request: &GenerateRequest) -> Generation {
    let mut pieces = String::new();
    let generation = generator
        .generate(request, &mut |piece| {
            pieces.push_str(piece);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(pieces, generation.text);
    generation
}

#[test]
fn picks_the_first_best_that_is_allowed() {
    assert_eq!(pick(&mut [1.0, 3.0, 3.0, 2.0], |_| true), 1);
    assert_eq!(pick(&mut [1.0, 3.0, 3.0, 2.0], |token| token != 1), 2);
    assert_eq!(pick(&mut [f32::NAN, 3.0], |_| true), 1);
}

#[test]
fn same_bytes_every_time_and_after_a_restart() {
    let model = fixture::model();
    let request = request("保修期是多久？ How long is the warranty?", 24);
    let generator = CandleGenerator::open(model.path(), None).unwrap();
    let first = run(&generator, &request);
    assert!(first.generated_tokens > 4, "{first:?}");
    for _ in 0..4 {
        assert_eq!(run(&generator, &request).text, first.text);
    }
    assert_eq!(run(&CandleGenerator::open(model.path(), None).unwrap(), &request).text, first.text);
}

#[test]
fn a_kept_prefix_changes_nothing() {
    let model = fixture::model();
    let generator = CandleGenerator::open(model.path(), None).unwrap();
    let long = "Some text about pumps. ".repeat(20);
    run(&generator, &request(&format!("{long} What is a pump?"), 8));
    let second = request(&format!("{long} Where is the valve?"), 24);
    let with = run(&generator, &second);
    let without = run(&CandleGenerator::open(model.path(), None).unwrap(), &second);
    assert!(with.cached_tokens > 100 && without.cached_tokens == 0, "{with:?}");
    assert_eq!(with.text, without.text);
    let again = run(&generator, &second);
    assert_eq!((again.cached_tokens, again.text), (again.prompt_tokens - 1, without.text));
}

#[test]
fn a_state_from_disk_changes_nothing() {
    let model = fixture::model();
    let folder = tempfile::tempdir().unwrap();
    let open = || CandleGenerator::open(model.path(), Some(folder.path().to_owned())).unwrap();
    let asked = request("Where is the valve?", 24);
    let first = run(&open(), &asked);
    let second = run(&open(), &asked);
    assert_eq!(first.cached_tokens, 0);
    assert!(second.cached_tokens >= prefix::LEAST_TOKENS && second.cached_tokens < second.prompt_tokens);
    assert_eq!(first.text, second.text);
}

fn about(passages: &[&str], question: &str) -> GenerateRequest {
    let passages: Vec<String> = passages.iter().map(|text| format!("<p>\n{text}\n</p>\n\n")).collect();
    GenerateRequest { passages: passages.clone(), ..request(&format!("{}{question}", passages.concat()), 24) }
}

const PUMP: &str = "The pump is checked every six months.";
const VALVE: &str = "阀门在九巴时打开。The valve opens at nine bar.";
const SEAL: &str = "A seal lasts for two years.";

#[test]
fn passages_that_were_read_apart_before_change_nothing() {
    let model = fixture::model();
    let folder = tempfile::tempdir().unwrap();
    let open = || CandleGenerator::open(model.path(), Some(folder.path().to_owned())).unwrap();
    let fresh = || CandleGenerator::open(model.path(), None).unwrap();
    let generator = open();
    run(&generator, &about(&[PUMP, VALVE], "When?"));
    run(&generator, &request("something else", 8));
    // In another order, with one more between them.
    let second = about(&[VALVE, SEAL, PUMP], "How long?");
    let (with, without) = (run(&generator, &second), run(&fresh(), &second));
    let own = |text: &str| model.tokenizer().encode(&format!("<p>\n{text}\n</p>\n\n")).unwrap().len();
    // The head of PUMP is read again in its new place.
    assert!(with.cached_tokens > own(PUMP) / 4 + own(VALVE) && without.cached_tokens == 0, "{with:?}");
    assert_eq!((with.text, with.confidence), (without.text.clone(), without.confidence));
    let all = run(&open(), &second);
    assert!(all.cached_tokens > with.cached_tokens, "from disk: {all:?}");
    assert_eq!(all.text, without.text);
    // Of what was read apart nothing is taken for what is read in order.
    let in_order = GenerateRequest { passages: Vec::new(), ..second };
    let (after, alone) = (run(&generator, &in_order), run(&fresh(), &in_order));
    assert_eq!((after.text, after.confidence), (alone.text, alone.confidence));
}

#[test]
fn one_passage_apart_is_read_nearly_as_in_order() {
    let model = fixture::model();
    let apart = about(&[VALVE], "When does it open?");
    let in_order = GenerateRequest { passages: Vec::new(), ..apart.clone() };
    let run = |request| run(&CandleGenerator::open(model.path(), None).unwrap(), request);
    let (apart, in_order) = (run(&apart), run(&in_order));
    // Half floats make the difference.
    assert!((apart.confidence.unwrap() - in_order.confidence.unwrap()).abs() < 0.02, "{apart:?} {in_order:?}");
}

#[test]
fn every_system_message_is_kept_whatever_was_asked_before() {
    let model = fixture::model();
    let folder = tempfile::tempdir().unwrap();
    let open = || CandleGenerator::open(model.path(), Some(folder.path().to_owned())).unwrap();
    let mut other = request("阀门在哪里？", 8);
    other.messages[0].content = "Answer from the text, in Chinese, and in one sentence.".into();
    let generator = open();
    run(&generator, &request("Where is the valve?", 8));
    run(&generator, &other);
    let again = run(&open(), &other);
    assert!(again.cached_tokens >= other.messages[0].content.len() / 2, "{again:?}");
}

/// A model that repeats itself is proposed the right tokens, and says so
/// what it says when they are computed one by one.
#[test]
fn proposed_tokens_change_nothing() {
    let model = fixture::model();
    let gguf = model.gguf();
    let mut decoder = Decoder::load(&gguf, 1024).unwrap();
    let tokenizer = model.tokenizer();
    let template = ChatTemplate::from_gguf(&gguf, &tokenizer).unwrap();
    let request = request("one two one two one two", 200);
    let mut fresh = tokenizer.encode_prompt(&template.render(&request.messages).unwrap()).unwrap();
    let mut guard = CitationGuard::new(3);
    let mut bytes = Vec::new();
    for _ in 0..200 {
        let token = pick(decoder.forward(&fresh, Logits::Last), |token| guard.allows(tokenizer.bytes(token)));
        if tokenizer.is_end(token) {
            break;
        }
        guard.advance(tokenizer.bytes(token));
        bytes.extend_from_slice(tokenizer.bytes(token));
        fresh = vec![token];
    }
    let generator = CandleGenerator::open(model.path(), None).unwrap();
    assert_eq!(run(&generator, &request).text, String::from_utf8_lossy(&bytes));
}

#[test]
fn a_refusal_is_written_only_when_the_model_is_sure_of_it() {
    let model = fixture::model();
    let generator = CandleGenerator::open(model.path(), None).unwrap();
    let mut asked = request("pumps", 16);
    let plain = run(&generator, &asked);
    let refusal = |limit| Some(Refusal { text: plain.text.clone(), limit });
    asked.refusal = refusal(1.0);
    let never = run(&generator, &asked);
    let probability = never.refusal.unwrap();
    assert!(probability > 0.0 && probability < 1.0 && never.confidence.unwrap() < 0.0, "{never:?}");
    assert_ne!(never.text, plain.text, "its first token is not to be written");
    asked.refusal = refusal(probability * 0.9);
    let refused = run(&generator, &asked);
    assert_eq!((refused.text, refused.finish, refused.generated_tokens), (plain.text, Finish::Stop, 0));
}

#[test]
fn stops_at_budget_stop_string_and_cancellation() {
    let model = fixture::model();
    let generator = CandleGenerator::open(model.path(), None).unwrap();
    let mut asked = request("pumps", 16);
    let full = run(&generator, &asked);
    assert_eq!((full.finish, full.generated_tokens), (Finish::Length, 16));

    let characters: Vec<char> = full.text.chars().collect();
    asked.stop = vec![characters[characters.len() / 2].to_string()];
    let stopped = run(&generator, &asked);
    assert_eq!(stopped.finish, Finish::Stop);
    assert_eq!(stopped.text, full.text[..full.text.find(&asked.stop[0]).unwrap()]);

    asked.stop.clear();
    asked.max_tokens = 4000;
    let mut calls = 0;
    let cancelled = generator
        .generate(&asked, &mut |_| {
            calls += 1;
            ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!((cancelled.finish, calls), (Finish::Cancelled, 1));
}

#[test]
fn too_long_a_prompt_is_an_error() {
    let model = fixture::model();
    let generator = CandleGenerator::open(model.path(), None).unwrap();
    let error = generator.generate(&request(&"x".repeat(5000), 8), &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains("does not fit its context of 1024"), "{error}");
}
