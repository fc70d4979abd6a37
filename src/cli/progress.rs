//! Progress on stderr: bars for long work, a spinner for short.

use std::sync::atomic::Ordering;
use std::time::Duration;

use attest::{AddEvent, AddProgress, PullEvent, PullProgress};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Context;
use super::out::errln;

const BYTES: &str = "{msg:34!} {bar:30} {bytes:>10} of {total_bytes:<10} {bytes_per_sec:>11} {eta:>4} left";
const FILES: &str = "reading   {bar:30} {pos} of {len} files  {wide_msg}";
const PASSAGES: &str =
    "embedding {bar:30} {pos} of {len} passages  {per_sec} {eta} left  (searchable by words already)";

/// Bars for downloads and ingest. Where stderr is no terminal nothing is
/// drawn, except a line for each download, so that logs stay readable.
pub struct Bars {
    all: MultiProgress,
    quiet: bool,
    download: Option<ProgressBar>,
    reading: Option<ProgressBar>,
    embedding: Option<ProgressBar>,
}

impl Bars {
    pub fn new(context: &Context) -> Self {
        let target = if context.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Self {
            all: MultiProgress::with_draw_target(target),
            quiet: context.quiet,
            download: None,
            reading: None,
            embedding: None,
        }
    }

    fn bar(&self, length: u64, template: &str) -> ProgressBar {
        let style = ProgressStyle::with_template(template).expect("the templates are valid").progress_chars("━╸─");
        let bar = self.all.add(ProgressBar::new(length).with_style(style));
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    fn say(&self, line: &str) {
        if self.quiet {
            return;
        }
        if self.all.is_hidden() {
            errln!("{line}");
        } else {
            // A bar that cannot draw must not stop the work.
            let _ = self.all.println(line);
        }
    }
}

impl PullProgress for Bars {
    fn on_event(&mut self, event: PullEvent<'_>) {
        match event {
            PullEvent::Waiting { model } => self.say(&format!("waiting for another process that fetches {model}")),
            PullEvent::Started { model, file, source, bytes } => {
                if self.all.is_hidden() {
                    self.say(&format!("fetching {model}: {file}, {} from {source}", super::style::shown_bytes(bytes)));
                }
                let bar = self.bar(bytes, BYTES);
                bar.set_message(file.to_owned());
                self.download = Some(bar);
            }
            PullEvent::Received { bytes, .. } => {
                if let Some(bar) = &self.download {
                    bar.set_position(bytes);
                }
            }
            PullEvent::Verifying { file } => {
                if let Some(bar) = &self.download {
                    bar.set_message(format!("verifying {file}"));
                }
            }
            PullEvent::SourceFailed { file, source, reason } => {
                tracing::info!("{source} has no {file}: {reason}");
            }
            PullEvent::Finished { file } => {
                if let Some(bar) = self.download.take() {
                    bar.finish_with_message(format!("{file} ✓"));
                }
            }
            PullEvent::Importing { model } => self.say(&format!("preparing {model} (once)")),
        }
    }

    fn cancelled(&self) -> bool {
        super::CANCEL.load(Ordering::Relaxed)
    }
}

impl AddProgress for Bars {
    fn add_event(&mut self, event: AddEvent<'_>) {
        match event {
            AddEvent::Found { files } => self.reading = Some(self.bar(files as u64, FILES)),
            AddEvent::Read { path } => {
                if let Some(bar) = &self.reading {
                    bar.set_message(super::style::shown_path(path));
                    bar.inc(1);
                }
            }
            AddEvent::Searchable { pending } => {
                if let Some(bar) = self.reading.take() {
                    bar.finish_and_clear();
                }
                if pending > 0 {
                    self.embedding = Some(self.bar(pending as u64, PASSAGES));
                }
            }
            AddEvent::Embedded { passages } => {
                if let Some(bar) = &self.embedding {
                    bar.inc(passages as u64);
                }
            }
            AddEvent::Finished => {
                if let Some(bar) = self.embedding.take() {
                    bar.finish_and_clear();
                }
            }
        }
    }
}

/// A spinner with a word; gone when stopped.
pub struct Spinner(ProgressBar);

impl Spinner {
    pub fn new(word: &str, context: &Context) -> Self {
        let bar = if context.quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        bar.enable_steady_tick(Duration::from_millis(100));
        bar.set_message(word.to_owned());
        Self(bar)
    }

    pub fn say(&self, word: &str) {
        self.0.set_message(word.to_owned());
    }

    pub fn stop(&self) {
        self.0.finish_and_clear();
    }
}
