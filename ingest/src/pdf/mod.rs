//! Reading PDF: from drawing operators to text whose every word has a box.
//!
//! The stages, each a module: a page's content stream gives `glyphs`; these
//! become `words` (right-to-left lines through `bidi`), are put into reading
//! `order` and joined to `lines`; `running` headers and footers are taken out;
//! `tables` are found and cut into cells (`grid`), the other lines grouped to
//! `blocks` by the document's `style` and their `markers`, and `headings` told
//! by looks and outline; `compose` writes the text, joining lines as `clean`
//! says. `structure` reads what the file says of itself.

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
#[cfg(test)]
mod properties;
mod read;
mod render;
mod running;
mod script;
mod structure;
mod style;
mod tables;
mod words;

pub(crate) use read::parse;
pub use read::read;
pub(crate) use render::draw;
pub use render::{RenderOptions, render_page};
