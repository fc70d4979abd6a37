//! Reading files, in child processes of this same program.

use std::process::{Command, ExitCode};

use attest_ingest::{Limits, Pool, Reader, child_main};

use crate::library::Library;

/// The hidden command that makes this program a reader of files for another.
pub const READER_COMMAND: &str = "read-files";

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
            command.arg(READER_COMMAND);
            command
        });
        Reader::new(pool, ingest.passwords.clone())
    }
}
