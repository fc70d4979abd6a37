//! `attest eval languages`: where the texts of either language lie among the
//! vectors of the embedding model.

use std::fs;
use std::path::PathBuf;

use attest::Library;
use attest_eval::{Dataset, Variant, sample};

use super::super::{Context, DONE};
use super::{SEED, usage};

#[derive(clap::Args)]
pub struct LanguagesArgs {
    /// Folder of a data set with an English corpus
    english: PathBuf,
    /// Folder of a data set with a Chinese corpus
    chinese: PathBuf,
    /// Texts of each language, always the same ones
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
    /// Write the mean vectors to this file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Characters of a text that count; a passage has about as many.
const LENGTH: [usize; 2] = [600, 250];

pub fn run(args: &LanguagesArgs, context: &Context) -> Result<u8, attest::Error> {
    let library = Library::open(context.config.clone())?;
    let mut bytes = Vec::new();
    for (dir, length) in [&args.english, &args.chinese].into_iter().zip(LENGTH) {
        let dataset = Dataset::load(dir, &Variant::Standard).map_err(usage)?;
        let chosen = sample(dataset.corpus.len(), args.limit, SEED);
        let texts: Vec<String> =
            chosen.into_iter().map(|at| dataset.corpus[at].text.chars().take(length).collect()).collect();
        let mut mean: Vec<f64> = Vec::new();
        for batch in texts.chunks(16) {
            if context.cancelled() {
                return Err(attest::Error::Cancelled);
            }
            let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
            for vector in library.embed(&batch)?.vectors {
                mean.resize(vector.len(), 0.0);
                mean.iter_mut().zip(vector).for_each(|(sum, value)| *sum += f64::from(value) / texts.len() as f64);
            }
        }
        bytes.extend(mean.into_iter().flat_map(|value| (value as f32).to_le_bytes()));
    }
    fs::write(&args.out, bytes).map_err(attest::Error::io(&args.out))?;
    Ok(DONE)
}
