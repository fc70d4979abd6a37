//! Reading files, in child processes of this same program.

use std::process::{Command, ExitCode};

use attest_ingest::{Limits, Pool, Reader, child_main};

use crate::error::{Error, Result};
use crate::library::Library;

/// The hidden command that makes this program a reader of files for another.
pub const READER_COMMAND: &str = "read-files";

/// Set for readers, so that a program that does not know the command notices.
const READER_MARK: &str = "ATTEST_READER_PROCESS";

/// A program that uses the library but does not answer [`READER_COMMAND`] with
/// [`run_reader`] would start itself as a reader again and again.
pub(super) fn refuse_in_reader() -> Result<()> {
    if std::env::var_os(READER_MARK).is_none() {
        return Ok(());
    }
    let help = "this program must call attest::run_reader when its first argument is";
    Err(Error::Usage(format!("started as a reader of files, but {help} {READER_COMMAND}")))
}

/// Reads files for the parent process until it closes the pipe.
#[must_use]
pub fn run_reader() -> ExitCode {
    child_main(std::io::stdin(), std::io::stdout());
    ExitCode::SUCCESS
}

impl Library {
    /// A reader with the limits of the settings.
    pub(super) fn reader(&self) -> Reader {
        let ingest = &self.config.ingest;
        let limits = Limits { time: ingest.timeout, memory: ingest.memory, file_size: ingest.max_file };
        let pool = Pool::new(self.config.threads, limits, || {
            // Without its own path the program cannot start itself; then the
            // pool reports that the reader did not start, file by file.
            let mut command = Command::new(std::env::current_exe().unwrap_or_default());
            command.arg(READER_COMMAND).env(READER_MARK, "1");
            command
        });
        Reader::new(pool, ingest.passwords.clone())
    }
}
