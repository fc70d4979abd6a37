//! The library over HTTP and MCP: REST with server-sent events, an
//! OpenAI-compatible API, and what guards them.
//!
//! - [`router`](router()): every route, and the OpenAPI description made from them;
//! - `guard`, `auth`, `keys`, `limits`: who may come in, and how much at once;
//! - `problem`: errors as `application/problem+json`;
//! - one file for each thing that can be asked for.

mod ask;
mod auth;
mod collections;
mod conversations;
mod documents;
mod extract;
mod graph;
mod guard;
mod history;
mod jobs;
mod keys;
mod limits;
mod mcp;
mod metrics;
mod names;
mod openai;
mod page;
mod problem;
mod receipts;
mod router;
mod run;
mod search;
mod shelf;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod undo;
mod upload;

pub use auth::{Caller, Permission};
pub use keys::{KeyInfo, Keys, NewKey};
pub use mcp::{Mcp, serve_stdio};
pub use problem::Problem;
pub use router::router;
pub use run::{ServeOptions, serve};
pub use state::{App, AppOptions};
