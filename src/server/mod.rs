//! The library over HTTP: REST with server-sent events, and what guards it.
//!
//! - [`router`](router()): every route, and the OpenAPI description made from them;
//! - `guard`, `auth`, `keys`, `limits`: who may come in, and how much at once;
//! - `problem`: errors as `application/problem+json`;
//! - one file for each thing that can be asked for.

mod ask;
mod auth;
mod collections;
mod documents;
mod extract;
mod guard;
mod jobs;
mod keys;
mod limits;
mod page;
mod problem;
mod receipts;
mod router;
mod run;
mod search;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod undo;
mod upload;

pub use auth::{Caller, Permission};
pub use keys::{KeyInfo, Keys, NewKey};
pub use problem::Problem;
pub use router::router;
pub use run::{ServeOptions, serve};
pub use state::{App, AppOptions};
