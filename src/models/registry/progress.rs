//! What a download tells its watcher, and what the watcher tells it.

use std::ops::ControlFlow;

/// Something happened while a model was fetched or prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullEvent<'a> {
    /// Another process is fetching this model; we wait for it.
    Waiting {
        /// The model.
        model: &'a str,
    },
    /// A file is being fetched from a source.
    Started {
        /// The model.
        model: &'a str,
        /// The file.
        file: &'a str,
        /// Where from, for people.
        source: &'a str,
        /// Its length.
        bytes: u64,
    },
    /// How much of the file is here; it never goes down within one source.
    Received {
        /// The file.
        file: &'a str,
        /// Bytes here, an earlier run's included.
        bytes: u64,
    },
    /// The file's SHA-256 is being computed.
    Verifying {
        /// The file.
        file: &'a str,
    },
    /// A source did not deliver the file; the next one is tried.
    SourceFailed {
        /// The file.
        file: &'a str,
        /// The source, for people.
        source: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// The file is complete, verified and in its place.
    Finished {
        /// The file.
        file: &'a str,
    },
    /// The model is being turned into the form it runs in; happens once.
    Importing {
        /// The model.
        model: &'a str,
    },
}

/// Watches a download; any closure over [`PullEvent`] will do.
pub trait PullProgress {
    /// Called on the thread that asked for the model.
    fn on_event(&mut self, event: PullEvent<'_>);

    /// Whether nobody waits for the model any more; asked several times a second.
    /// What has arrived by then is kept.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Is told how many bytes of a file have arrived, several times a second; `Break` stops the download.
pub(super) type OnBytes<'a> = dyn FnMut(u64) -> ControlFlow<()> + 'a;

/// Why a download that was stopped brought nothing.
pub(super) const STOPPED: &str = "it was stopped";

impl<F: FnMut(PullEvent<'_>)> PullProgress for F {
    fn on_event(&mut self, event: PullEvent<'_>) {
        self(event);
    }
}
