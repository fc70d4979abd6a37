//! How likely an answer must be, by collection: kept beside the index, since it
//! was fitted to what is in there.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use crate::answer::Hit;
use crate::error::{Error, Result};
use crate::library::{AskRequest, Library};

impl Library {
    /// The threshold of every collection that has one of its own.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn thresholds(&self) -> Result<BTreeMap<String, f32>> {
        let path = self.thresholds_path();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(Error::io(path)(error)),
        };
        toml::from_str(&text).map_err(|error| Error::Config {
            source_name: path.display().to_string(),
            message: format!("{}; run `attest calibrate` again, or remove the file", error.message()),
        })
    }

    /// Gives `collection` a threshold of its own, or takes it away.
    ///
    /// # Errors
    /// When the collection does not exist, or the file cannot be written.
    pub fn set_threshold(&self, collection: &str, threshold: Option<f32>) -> Result<()> {
        self.scope(&[collection.to_owned()])?;
        let mut all = self.thresholds()?;
        match threshold {
            Some(threshold) => all.insert(collection.to_owned(), threshold),
            None => all.remove(collection),
        };
        let path = self.thresholds_path();
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.config.data_dir)?;
            writeln!(file, "# Fitted by `attest calibrate`; 0 always answers, 1 never.")?;
            file.write_all(toml::to_string(&all).expect("names and numbers are TOML").as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(Error::io(&path))
    }

    /// How likely an answer must be: as the request says, or the collection of the
    /// best passage, or the settings.
    pub(super) fn threshold(&self, request: &AskRequest, best: Option<&Hit>) -> Result<f32> {
        if let Some(threshold) = request.threshold {
            return Ok(threshold);
        }
        let own = self.thresholds()?;
        let of_best = best.and_then(|hit| own.get(&hit.passage.collection));
        Ok(of_best.copied().unwrap_or(self.config.answer.threshold))
    }

    fn thresholds_path(&self) -> PathBuf {
        self.config.data_dir.join("thresholds.toml")
    }
}
