//! Opens what writes the answers.

use std::path::PathBuf;
use std::sync::Arc;

use super::{CandleGenerator, Generate, OpenAiGenerator};
use crate::error::Result;

/// What writes the answers.
#[derive(Clone, PartialEq, Eq)]
pub enum GeneratorChoice {
    /// A GGUF file, run in this process.
    Gguf {
        /// The file.
        model: PathBuf,
        /// A folder to keep states in that many answers begin with; `None`: nothing is kept.
        states: Option<PathBuf>,
    },
    /// An OpenAI-compatible server.
    OpenAi {
        /// Base URL, up to and including `/v1`.
        base_url: String,
        /// The model's name on that server.
        model: String,
        /// The key, if the server wants one.
        key: Option<String>,
    },
}

/// Opens a generator. Models in this process compute on `threads` threads, see
/// [`set_threads`].
///
/// # Errors
/// When the file holds no supported model or the server's address makes no sense.
/// Whether the server is there shows with the first request.
pub fn open_generator(choice: &GeneratorChoice, threads: usize) -> Result<Arc<dyn Generate>> {
    match choice {
        GeneratorChoice::Gguf { model, states } => {
            set_threads(threads);
            Ok(Arc::new(CandleGenerator::open(model, states.clone())?))
        }
        GeneratorChoice::OpenAi { base_url, model, key } => {
            Ok(Arc::new(OpenAiGenerator::new(base_url, model, key.as_deref())?))
        }
    }
}

/// Sets the number of threads that all models of this process share. The first
/// call decides, since the threads cannot be replaced while models use them;
/// call it at startup.
pub fn set_threads(threads: usize) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|index| format!("compute {index}"));
    if pool.build_global().is_err() && rayon::current_num_threads() != threads {
        tracing::debug!("computing goes on with {} threads", rayon::current_num_threads());
    }
}
