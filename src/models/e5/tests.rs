use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::models::registry::ModelState;

/// What the package's own engine (4-bit weights, AVX2 kernels) makes of a text.
#[derive(Deserialize)]
struct Reference {
    role: String,
    text: String,
    tokens: usize,
    vector: Vec<f32>,
}

/// The model from the usual models folder; `None`, said aloud, when it is not there.
fn model() -> Option<&'static E5> {
    static MODEL: std::sync::OnceLock<Option<E5>> = std::sync::OnceLock::new();
    let open = || {
        let folder = std::env::var_os("ATTEST_MODELS_DIR")
            .map(std::path::PathBuf::from)
            .or_else(|| Some(dirs::data_dir()?.join("attest").join("models")))?;
        let registry = Registry::new(folder);
        let present = |name| registry.list().iter().any(|m| m.entry.name == name && m.state == ModelState::Present);
        if !present(NAME) || !present("onnxruntime") {
            eprintln!("skipped: {NAME} is not in {} (`attest models pull`)", registry.folder().display());
            return None;
        }
        let mut quiet = |_: PullEvent<'_>| ();
        let files = registry.ensure(NAME, &mut quiet).unwrap();
        Some(E5::open(&registry, &files, 2, &mut quiet).unwrap())
    };
    MODEL.get_or_init(open).as_ref()
}

fn references() -> Vec<Reference> {
    serde_json::from_str(include_str!("../../../tests/fixtures/e5-reference.json")).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn agrees_with_the_packages_own_engine() {
    let Some(model) = model() else { return };
    let mut cosines = Vec::new();
    for reference in references() {
        let (role, prefix) = match reference.role.as_str() {
            "query" => (EmbedRole::Query, "query: "),
            _ => (EmbedRole::Passage, "passage: "),
        };
        assert_eq!(model.tokenizer.encode(prefix, &reference.text).unwrap().ids.len(), reference.tokens);
        let vector = model.embed(role, &[&reference.text]).unwrap().remove(0);
        let cosine = cosine(&vector, &reference.vector);
        assert!(cosine > 0.98, "{cosine} for {:?}", reference.text);
        cosines.push(cosine);
    }
    let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
    println!("cosine to the reference: mean {mean:.4}, all {cosines:.4?}");
    assert!(mean > 0.995, "{mean}");
}

#[test]
fn a_text_gets_the_same_bytes_in_any_company() {
    let Some(model) = model() else { return };
    let references = references();
    let texts: Vec<&str> = references.iter().map(|reference| reference.text.as_str()).collect();
    let together = model.embed(EmbedRole::Passage, &texts).unwrap();
    for (text, vector) in texts.iter().zip(&together) {
        assert_eq!(&model.embed(EmbedRole::Passage, &[text]).unwrap()[0], vector, "{text:?}");
    }
    let length = together[0].iter().map(|value| value * value).sum::<f32>();
    assert!((length - 1.0).abs() < 1e-5);
}

#[test]
fn empty_and_endless_texts_are_fine() {
    let Some(model) = model() else { return };
    let endless = "很长的 text ".repeat(20_000);
    for text in ["", " \n", &endless] {
        let (vector, tokens) = model.embed_tokens(EmbedRole::Passage, &[text]).unwrap().remove(0);
        assert_eq!(vector.len(), model.dim());
        assert_eq!(tokens.values.len(), tokens.offsets.len() * tokens.dim);
        assert!(tokens.offsets.len() < model.max_tokens());
    }
    assert_eq!(model.count_tokens(""), 0);
    assert!(model.count_tokens(&endless) > 20_000);
    assert!(model.embed(EmbedRole::Query, &[]).unwrap().is_empty());
}

#[test]
fn tokens_point_at_their_text() {
    let Some(model) = model() else { return };
    let text = "Rückgabe: 商品自签收之日起七天内可以退货。";
    let (_, tokens) = model.embed_tokens(EmbedRole::Passage, &[text]).unwrap().remove(0);
    let pieces: Vec<&str> = tokens.offsets.iter().map(|&(start, end)| &text[start..end]).collect();
    assert_eq!(pieces.concat(), text.replace(' ', ""), "{pieces:?}");
    assert!(pieces.len() > 8 && pieces.len() == tokens.values.len() / tokens.dim);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn offsets_are_ranges_of_the_callers_text(
        text in "([a-zA-Zéüñßﬁ①Ａｂ０　 \n\t.,。，！？\u{301}\u{200b}\u{1f600}]|[\u{4e00}-\u{4fff}]|\\PC){0,40}",
    ) {
        if let Some(model) = model() {
            for prefix in ["query: ", "passage: ", ""] {
                let tokens = model.tokenizer.encode(prefix, &text).unwrap();
                let mut last = 0;
                for &(index, (start, end)) in &tokens.of_text {
                    prop_assert!(index > 0 && index + 1 < tokens.ids.len());
                    prop_assert!(start <= end && text.get(start..end).is_some(), "{start}..{end} of {text:?}");
                    prop_assert!(start >= last, "{start} comes after {last} in {text:?}");
                    last = start;
                }
            }
        }
    }
}
