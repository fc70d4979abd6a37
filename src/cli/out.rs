//! What is printed, as long as somebody reads it.
//!
//! `println!` panics when its reader is gone, as in `attest search x | head -1`. Here a closed
//! pipe stops the command as Ctrl-C does, and the program ends without a word. (To let the
//! signal of the system do that would be a danger to all the other pipes of this process.)

use std::fmt::Arguments;
use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use super::CANCEL;

/// Why stdout takes no more.
static FAILED: OnceLock<io::Error> = OnceLock::new();

/// Prints to stdout.
macro_rules! out {
    ($($part:tt)*) => { $crate::cli::out::print(format_args!($($part)*)) };
}

/// Prints a line to stdout.
macro_rules! outln {
    () => { $crate::cli::out::print(format_args!("\n")) };
    ($($part:tt)*) => { $crate::cli::out::print(format_args!("{}\n", format_args!($($part)*))) };
}

/// Prints a line to stderr; where nobody reads it, it is not missed.
macro_rules! errln {
    ($($part:tt)*) => { $crate::cli::out::remark(format_args!($($part)*)) };
}

pub(super) use {errln, out, outln};

/// What [`out`] and [`outln`] do.
pub fn print(text: Arguments<'_>) {
    if FAILED.get().is_none() {
        note(io::stdout().write_fmt(text));
    }
}

/// What [`errln`] does.
pub fn remark(text: Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Why what was printed did not arrive, if it did not.
pub fn failure() -> Option<&'static io::Error> {
    if FAILED.get().is_none() {
        note(io::stdout().flush());
    }
    FAILED.get()
}

fn note(result: io::Result<()>) {
    if let Err(error) = result {
        // The first reason is kept.
        let _ = FAILED.set(error);
        CANCEL.store(true, Ordering::SeqCst);
    }
}
