//! Runs the binary on a data folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::strict;

/// The binary with a data folder of its own, removed at the end.
pub struct Attest {
    data: TempDir,
}

/// How a run ended.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Attest {
    pub fn new() -> Self {
        Self { data: TempDir::new().expect("a temporary folder") }
    }

    /// Where it keeps everything.
    pub fn data_dir(&self) -> &std::path::Path {
        self.data.path()
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::from(self.command(arguments).output().expect("the binary starts"))
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_attest"));
        command
            .args(arguments)
            .env("ATTEST_DATA_DIR", self.data.path())
            .env_remove("ATTEST_CONFIG")
            .env("XDG_CONFIG_HOME", self.data.path())
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        command
    }

    /// Runs with `--json` and parses what is printed.
    pub fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let mut all = arguments.to_vec();
        all.push("--json");
        let run = self.run(&all);
        let value =
            strict::parse(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", run.stdout, run.stderr));
        (run.code, value)
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The handbook, ingested once for all tests.
pub static HANDBOOK: LazyLock<Attest> = LazyLock::new(|| {
    let attest = Attest::new();
    let run = attest.run(&["add", "data/handbook"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    attest
});

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
