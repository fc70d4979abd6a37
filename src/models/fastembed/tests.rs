use super::*;
use crate::models::registry::{ModelState, PullEvent};

/// The catalogue's MiniLM; `None`, said aloud, when it is not there.
fn minilm() -> Option<FastEmbedder> {
    const NAME: &str = "all-minilm-l6-v2";
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
    let folder = OnnxFolder::of_catalogue(registry.entry(NAME).unwrap(), &files).unwrap();
    Some(FastEmbedder::open(&registry, folder, 2, &mut quiet).unwrap())
}

#[test]
fn related_texts_are_near_and_tokens_point_at_them() {
    let Some(model) = minilm() else { return };
    let texts = ["Who may return a parcel?", "Customers can send back packages.", "The moon orbits the earth."];
    let vectors = model.embed(EmbedRole::Passage, &texts).unwrap();
    let dot = |a: usize, b: usize| vectors[a].iter().zip(&vectors[b]).map(|(a, b)| a * b).sum::<f32>();
    assert!(dot(0, 1) > dot(0, 2) + 0.2, "{} {}", dot(0, 1), dot(0, 2));
    assert!((dot(0, 0) - 1.0).abs() < 1e-5);
    assert_eq!((model.dim(), model.max_tokens()), (384, 256));

    let many: Vec<&str> = texts.iter().copied().cycle().take(20).collect();
    let (pooled, tokens) = model.embed_tokens(EmbedRole::Passage, &many).unwrap().remove(19);
    assert_eq!(pooled, vectors[1], "a text gets the same bytes in any company");
    let pieces: Vec<&str> = tokens.offsets.iter().map(|&(start, end)| &texts[1][start..end]).collect();
    assert_eq!(pieces.join(" "), "Customers can send back packages .");
    let endless = "很长的 text ".repeat(20_000);
    assert_eq!(model.embed(EmbedRole::Query, &["", &endless]).unwrap().len(), 2);
}

#[test]
fn unknown_names_are_not_found() {
    let registry = Registry::new(std::env::temp_dir().join("attest-no-models"));
    let mut quiet = |_: PullEvent<'_>| ();
    for opened in [
        crate::models::open_embedder(&registry, "no/such-model", 1, &mut quiet).err(),
        crate::models::open_reranker(&registry, "no/such-model", 1, &mut quiet).err(),
        crate::models::embedder_identity(&registry, "no/such-model").err(),
    ] {
        assert!(matches!(opened, Some(Error::NotFound { .. })), "{opened:?}");
    }
    let known = crate::models::embedder_identity(&registry, "BAAI/bge-small-en-v1.5").unwrap();
    assert_eq!(known.dim, 384);
}
