//! ONNX Runtime: loaded once a process, from the library that the registry holds.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use super::registry::{PullProgress, Registry};
use crate::error::{Error, Result};

pub(super) mod schema;

/// The process's only environment; ONNX Runtime allows no second one.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Loads ONNX Runtime if that has not happened yet: the library that
/// `ORT_DYLIB_PATH` names, else the registry's.
///
/// # Errors
/// [`Error::ModelMissing`] when there is no library, [`Error::Model`] when it does not load.
pub(super) fn environment(registry: &Registry, progress: &mut dyn PullProgress) -> Result<Environment> {
    let mut environment = ENVIRONMENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(environment) = &*environment {
        return Ok(environment.clone());
    }
    let library = library(registry, progress)?;
    let failed = |error: &dyn std::fmt::Display| Error::Model {
        name: "onnxruntime".into(),
        message: format!("{} does not load: {error}", library.display()),
    };
    let loaded = ort::init_from(&library)
        .map_err(|error| failed(&error))?
        .with_name("attest")
        .with_telemetry(false)
        .build()
        .map_err(|error| failed(&error))?;
    Ok(environment.insert(loaded).clone())
}

/// Opens a model that runs on the calling thread alone.
///
/// One thread a session makes the result the same for any number of threads, and
/// several sessions side by side are faster than one session on several threads:
/// the layers are too small to be worth sharing out.
///
/// # Errors
/// [`Error::Model`] when the file is no model that this library runs.
pub(super) fn open(environment: &Environment, model: &str, file: &[u8]) -> Result<Session> {
    let failed = |error: &dyn std::fmt::Display| Error::Model {
        name: model.to_owned(),
        message: format!("ONNX Runtime does not load it: {error}"),
    };
    let builder = Session::builder(environment).map_err(|error| failed(&error))?;
    let builder = builder.with_intra_threads(1).map_err(|error| failed(&error))?;
    let builder = builder.with_optimization_level(GraphOptimizationLevel::All);
    let mut builder = builder.map_err(|error| failed(&error))?;
    builder.commit_from_memory(file).map_err(|error| failed(&error))
}

fn library(registry: &Registry, progress: &mut dyn PullProgress) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let files = registry.ensure("onnxruntime", progress)?;
    files.only(std::env::consts::DLL_SUFFIX).or_else(|_| files.path("libonnxruntime.so.1.32.0")).map(Path::to_owned)
}
