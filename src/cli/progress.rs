//! Progress on stderr: bars for long work, a spinner for short.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use attest::{AddEvent, AddProgress, PullEvent, PullProgress};
use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Context;
use super::out::errln;

/// How the bars look in a terminal of so many columns: never wider, from 60 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    columns: usize,
}

impl Layout {
    fn of_terminal() -> Self {
        Self { columns: usize::from(console::Term::stderr().size().1) }
    }

    fn is_wide(self) -> bool {
        self.columns >= 100
    }

    fn bar(self) -> usize {
        match self.columns {
            ..80 => 8,
            80..100 => 10,
            _ => 20,
        }
    }

    fn download(self) -> String {
        format!("{{wide_msg}} {{bar:{}}} {{decimal_bytes:>9}} of {{decimal_total_bytes:<9}}{{prefix}}", self.bar())
    }

    fn reading(self) -> String {
        format!("reading   {{bar:{}}} {{pos}} of {{len}} files  {{wide_msg}}", self.bar())
    }

    fn embedding(self) -> String {
        format!("embedding {{bar:{}}} {{pos}} of {{len}} passages{{wide_msg}}", self.bar())
    }

    fn download_pace(self, pace: Option<Pace>) -> String {
        match pace {
            None => String::new(),
            Some(pace) if self.columns < 80 => format!("  {} left", pace.left()),
            Some(pace) => format!("  {}/s  {} left", super::style::shown_bytes(pace.per_second as u64), pace.left()),
        }
    }

    fn embedding_pace(self, pace: Option<Pace>) -> String {
        let words = if self.is_wide() { "  (searchable by words already)" } else { "" };
        let decimals = |rate: f64| usize::from(rate < 10.0);
        let pace = pace.map(|pace| {
            let rate = pace.per_second;
            format!("  {rate:.*}/s  {} left", decimals(rate), pace.left())
        });
        format!("{}{words}", pace.unwrap_or_default())
    }
}

/// When work began, and how much of it was done by then.
#[derive(Clone, Copy)]
struct Begin {
    at: Instant,
    done: u64,
}

/// How fast work goes on. It is told when some work is done, and stands until more is: work
/// is done in batches, and a rate that falls in between says nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pace {
    per_second: f64,
    left: Duration,
}

impl Pace {
    /// None before there is anything to go by.
    fn new(begin: Begin, now: Instant, done: u64, all: u64) -> Option<Self> {
        let seconds = now.duration_since(begin.at).as_secs_f64();
        if seconds < 0.5 || done <= begin.done {
            return None;
        }
        let per_second = (done - begin.done) as f64 / seconds;
        let left = Duration::from_secs_f64(all.saturating_sub(done) as f64 / per_second);
        Some(Self { per_second, left })
    }

    /// Such as "35s" or "2m".
    fn left(self) -> String {
        format!("{:#}", HumanDuration(self.left))
    }
}

/// A bar for which a pace is told.
struct Paced {
    bar: ProgressBar,
    begin: Option<Begin>,
}

impl Paced {
    /// Notes that `done` of it is done, and gives the pace.
    fn reach(&mut self, done: u64) -> Option<Pace> {
        let now = Instant::now();
        self.bar.set_position(done);
        if done == 0 {
            return None;
        }
        // What an earlier run has left says nothing about this one.
        let begin = *self.begin.get_or_insert(Begin { at: now, done });
        Pace::new(begin, now, done, self.bar.length().unwrap_or(0))
    }
}

/// Bars for downloads and ingest. Where stderr is no terminal nothing is
/// drawn, except a line for each download, so that logs stay readable.
pub struct Bars {
    all: MultiProgress,
    layout: Layout,
    quiet: bool,
    download: Option<Paced>,
    reading: Option<ProgressBar>,
    embedding: Option<Paced>,
}

impl Bars {
    pub fn new(context: &Context) -> Self {
        let target = if context.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Self {
            all: MultiProgress::with_draw_target(target),
            layout: Layout::of_terminal(),
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
                let bar = self.bar(bytes, &self.layout.download());
                bar.set_message(file.to_owned());
                self.download = Some(Paced { bar, begin: None });
            }
            PullEvent::Received { bytes, .. } => {
                if let Some(paced) = &mut self.download {
                    let pace = paced.reach(bytes);
                    paced.bar.set_prefix(self.layout.download_pace(pace));
                }
            }
            PullEvent::Verifying { file } => {
                if let Some(Paced { bar, .. }) = &self.download {
                    bar.set_prefix("");
                    bar.set_message(format!("verifying {file}"));
                }
            }
            PullEvent::SourceFailed { file, source, reason } => {
                tracing::info!("{source} has no {file}: {reason}");
            }
            PullEvent::Finished { file } => {
                if let Some(Paced { bar, .. }) = self.download.take() {
                    bar.set_prefix("");
                    bar.finish_with_message(format!("✓ {file}"));
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
            AddEvent::Found { files } => self.reading = Some(self.bar(files as u64, &self.layout.reading())),
            AddEvent::Read { path } => {
                if let Some(bar) = &self.reading {
                    // The name tells more than the beginning of a long path.
                    let name = Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy());
                    bar.set_message(name.into_owned());
                    bar.inc(1);
                }
            }
            AddEvent::Searchable { pending } => {
                if let Some(bar) = self.reading.take() {
                    bar.finish_and_clear();
                }
                if pending > 0 {
                    let bar = self.bar(pending as u64, &self.layout.embedding());
                    bar.set_message(self.layout.embedding_pace(None));
                    self.embedding = Some(Paced { bar, begin: Some(Begin { at: Instant::now(), done: 0 }) });
                }
            }
            AddEvent::Embedded { passages } => {
                if let Some(paced) = &mut self.embedding {
                    let pace = paced.reach(paced.bar.position() + passages as u64);
                    paced.bar.set_message(self.layout.embedding_pace(pace));
                }
            }
            AddEvent::Finished => {
                if let Some(Paced { bar, .. }) = self.embedding.take() {
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
        bar.set_style(ProgressStyle::with_template("{spinner} {wide_msg}").expect("the template is valid"));
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;

    use super::*;

    /// A terminal of so many columns that keeps what is drawn on it.
    #[derive(Clone, Debug)]
    struct Screen {
        columns: u16,
        drawn: Arc<Mutex<String>>,
    }

    impl Screen {
        fn put(&self, text: &str) -> io::Result<()> {
            self.drawn.lock().unwrap().push_str(text);
            Ok(())
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            self.columns
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            self.put("\n")
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            self.put("\n")
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.put(&format!("{text}\n"))
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.put(text)
        }

        fn clear_line(&self) -> io::Result<()> {
            self.put("\n")
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_pace_is_told_once_something_is_done_and_counts_this_run_alone() {
        let at = Instant::now();
        let begin = Begin { at, done: 100 };
        let pace = |seconds, done| Pace::new(begin, at + Duration::from_secs_f64(seconds), done, 400);
        assert_eq!((pace(3.0, 100), pace(0.1, 150)), (None, None));
        assert_eq!(pace(10.0, 200), Some(Pace { per_second: 10.0, left: Duration::from_secs(20) }));
        let layout = |columns| Layout { columns };
        assert_eq!(layout(60).embedding_pace(pace(10.0, 200)), "  10/s  20s left");
        assert_eq!(layout(60).embedding_pace(pace(100.0, 200)), "  1.0/s  3m left");
        assert_eq!(layout(80).download_pace(pace(10.0, 200)), "  10 B/s  20s left");
        assert_eq!((layout(60).embedding_pace(None), layout(80).download_pace(None)), (String::new(), String::new()));
    }

    #[test]
    fn no_bar_is_wider_than_the_terminal_and_all_that_counts_is_seen() {
        let file = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf";
        let left = Duration::from_secs(59);
        let (fast, slow) = (Some(Pace { per_second: 999.99e6, left }), Some(Pace { per_second: 123.4, left }));
        for columns in [60, 79, 80, 99, 100, 160] {
            let layout = Layout { columns };
            for (template, length, message, seen) in [
                (layout.download(), 99_999_999_999, file.to_owned(), ["qwen2.5-", "100.00 GB", "59s left"]),
                (layout.reading(), 99_999, file.to_owned(), ["qwen2.5-coder", "99999 of 99999", "files"]),
                (layout.embedding(), 99_999, layout.embedding_pace(slow), ["123/s", "99999 of 99999", "59s left"]),
            ] {
                let screen = Screen { columns: columns as u16, drawn: Arc::default() };
                let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
                let style = ProgressStyle::with_template(&template).unwrap();
                let bar = ProgressBar::with_draw_target(Some(length), target).with_style(style);
                bar.set_position(length);
                bar.set_prefix(layout.download_pace(fast));
                bar.set_message(message);
                let drawn = screen.drawn.lock().unwrap().clone();
                let last = drawn.lines().map(str::trim_end).rfind(|line| !line.is_empty()).unwrap_or_default();
                assert!(seen.iter().all(|part| last.contains(part)), "{columns}: {last}");
                assert!(drawn.lines().all(|line| console::measure_text_width(line) <= columns), "{columns}: {drawn}");
            }
        }
    }
}
