//! Progress on stderr: bars for long work, a spinner for short.

use std::collections::HashMap;
use std::time::Duration;

use attest::{AddEvent, AddProgress, PullEvent, PullProgress};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Context;

/// Bars for downloads and ingest. Without a terminal, indicatif draws nothing,
/// so that logs stay readable.
pub struct Bars {
    all: MultiProgress,
    downloads: HashMap<String, ProgressBar>,
    reading: Option<ProgressBar>,
    embedding: Option<ProgressBar>,
}

impl Bars {
    pub fn new(context: &Context) -> Self {
        let target = if context.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Self {
            all: MultiProgress::with_draw_target(target),
            downloads: HashMap::new(),
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

    pub fn stop(&mut self) {
        self.0.finish_and_clear();
    }
}
