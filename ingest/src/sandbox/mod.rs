//! Reading and drawing files in child processes.
//!
//! Broken and hostile files can hang, crash or starve any parser, so no file is
//! parsed in the process that serves people: [`pool`] is the parent's side,
//! [`child`] the child's, [`wire`] what they say to each other.

mod child;
mod pool;
mod wire;

pub use child::child_main;
pub use pool::{Limits, Pool};
