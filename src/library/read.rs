//! Reading files; PDFs in child processes of this same program.

use std::process::{Command, ExitCode};

use attest_ingest::{Reader, pdf};

use crate::library::Library;

/// The hidden command that makes this program a reader of PDFs.
pub const PDF_WORKER_COMMAND: &str = "read-pdfs";

/// Reads PDFs for the parent process until it closes the pipe.
#[must_use]
pub fn run_pdf_worker() -> ExitCode {
    pdf::worker_main(std::io::stdin(), std::io::stdout());
    ExitCode::SUCCESS
}

impl Library {
    /// A reader with the limits of the settings.
    pub(super) fn reader(&self) -> Reader {
        let ingest = &self.config.ingest;
        let limits = pdf::Limits { time: ingest.timeout, memory: ingest.memory, file_size: ingest.max_file };
        let pool = pdf::Pool::new(self.config.threads, limits, || {
            // Without its own path the program cannot start itself; then the
            // pool reports that the reader did not start, file by file.
            let mut command = Command::new(std::env::current_exe().unwrap_or_default());
            command.arg(PDF_WORKER_COMMAND);
            command
        });
        Reader::new(pool, ingest.passwords.clone(), ingest.max_file)
    }
}
