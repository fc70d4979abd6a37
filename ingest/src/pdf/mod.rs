//! Reading PDF: from drawing operators to text whose every word has a box.
//!
//! The stages, each a module: a page's content stream gives `glyphs`; these
//! become `words` (right-to-left lines through `bidi`), are put into reading
//! `order` and joined to `lines`; `running` headers and footers are taken out;
//! `tables` are found and cut into cells (`grid`), the other lines grouped to
//! `blocks` by the document's `style` and their `markers`, and `headings` told
//! by looks and outline; `compose` writes the text, joining lines as `clean`
//! says. `structure` reads what the file says of itself.
//!
//! Broken and hostile files can hang, crash or starve any PDF reader, so files
//! are read in child processes: `pool` is the parent's side, `worker` the
//! child's, `wire` what they say to each other.

mod bidi;
mod blocks;
mod clean;
mod compose;
mod glyphs;
mod grid;
mod headings;
mod lines;
mod markers;
mod order;
mod pool;
#[cfg(test)]
mod properties;
mod read;
mod render;
mod running;
mod script;
mod structure;
mod style;
mod tables;
mod wire;
mod words;
mod worker;

pub use pool::{Limits, Pool};
pub use read::read;
pub use render::{RenderOptions, render_page};
pub use worker::worker_main;
