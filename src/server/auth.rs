//! Who calls, and what they may see and do.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::state::App;
use crate::library::Library;

/// What a caller may do; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Search, ask, and look at documents.
    Read,
    /// Add and remove documents.
    Write,
    /// Collections, metrics, and everything else.
    Admin,
}

impl Permission {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// The names of all that it includes.
    #[must_use]
    pub fn scopes(self) -> Vec<&'static str> {
        [Self::Read, Self::Write, Self::Admin].into_iter().filter(|&p| p <= self).map(Self::name).collect()
    }
}

impl std::str::FromStr for Permission {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Read, Self::Write, Self::Admin];
        all.into_iter().find(|p| p.name() == name).ok_or_else(|| format!("{name:?} is none of read, write, admin"))
    }
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Id of the key; `None` where no keys are needed.
    pub key: Option<String>,
    /// What they may do.
    pub permission: Permission,
    /// The collections they may see; `None`: all.
    pub collections: Option<Vec<String>>,
}

/// The collections that a request looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visible {
    /// All, as if nobody had named any.
    All,
    /// These, at least one.
    These(Vec<String>),
    /// None: the caller may see collections, but none of them exists.
    Nothing,
}

impl Caller {
    /// The caller where no keys are needed, who owns the machine.
    #[must_use]
    pub const fn owner() -> Self {
        Self { key: None, permission: Permission::Admin, collections: None }
    }

    /// Refuses callers who may not do this.
    ///
    /// # Errors
    /// 403.
    pub fn require(&self, permission: Permission) -> Result<(), Problem> {
        if self.permission >= permission {
            return Ok(());
        }
        let name = permission.name();
        Err(Problem::new(StatusCode::FORBIDDEN, format!("this key may not do that; it needs the scope {name}")))
    }

    /// Whether they may see this collection.
    #[must_use]
    pub fn sees(&self, collection: &str) -> bool {
        self.collections.as_ref().is_none_or(|names| names.iter().any(|name| name == collection))
    }

    /// What a request for `wanted` looks at; all that may be seen when it names none.
    ///
    /// # Errors
    /// 404 for a collection that does not exist or may not be seen.
    pub fn visible(&self, library: &Library, wanted: &[String]) -> Result<Visible, Problem> {
        if wanted.is_empty() && self.collections.is_none() {
            return Ok(Visible::All);
        }
        let mut names = library.collections()?;
        names.retain(|name| self.sees(name));
        if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
            return Err(Problem::not_found("collection", unknown));
        }
        if !wanted.is_empty() {
            names.retain(|name| wanted.contains(name));
        }
        Ok(if names.is_empty() { Visible::Nothing } else { Visible::These(names) })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, NO_KEY))
    }
}

const NO_KEY: &str = "this server needs a key; send it as `Authorization: Bearer KEY` (`attest keys create` makes one)";

/// Finds out who calls, and stops those who need a key and have none.
pub async fn authenticate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match caller(&app, &request) {
        Ok(caller) => {
            if let Err(problem) = app.limits.count(&caller) {
                return problem.into_response();
            }
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn caller(app: &App, request: &Request) -> Result<Caller, Problem> {
    if app.options.is_private() && !app.keys.any()? {
        return Ok(Caller::owner());
    }
    let unauthorized = |detail| Problem::new(StatusCode::UNAUTHORIZED, detail);
    let given = request.headers().get(header::AUTHORIZATION).ok_or_else(|| unauthorized(NO_KEY))?;
    let token = given.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let token = token.ok_or_else(|| unauthorized(NO_KEY))?;
    app.keys.caller(token)?.ok_or_else(|| unauthorized("this key is not valid: unknown, expired or revoked"))
}
