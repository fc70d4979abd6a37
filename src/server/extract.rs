//! Extractors whose rejections are problems.

use axum::body::Bytes;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::problem::Problem;

/// A JSON body.
pub struct Json<T>(pub T);

/// The query string.
pub struct Query<T>(pub T);

/// The parameters in the path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "the body is to be JSON, with `Content-Type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than the server takes")
            }
            status => Problem::new(status, rejection.body_text()),
        })?;
        parse(&body).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
}

/// Reads a body; what is wrong with it is told with the name of the field.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if !error.is_data() {
            return Problem::new(StatusCode::BAD_REQUEST, format!("the body is no JSON: {error}"));
        }
        let message = error.to_string();
        let what = message.rsplit_once(" at line ").map_or(&*message, |(what, _)| what);
        // What is missing or too much stands in the message, and what it is missing from in the path.
        let named = named(what);
        let within = if path == "." { "" } else { &*path };
        let field = match named {
            Some(name) if within.is_empty() || within == name || within.ends_with(&format!(".{name}")) => {
                if within.is_empty() { name.to_owned() } else { within.to_owned() }
            }
            Some(name) => format!("{within}.{name}"),
            None => within.to_owned(),
        };
        if field.is_empty() {
            return Problem::new(StatusCode::BAD_REQUEST, format!("the body is not what is expected: {what}"));
        }
        let detail = if named.is_some() { what.to_owned() } else { format!("{field}: {what}") };
        Problem::field(&field, detail)
    })?;
    deserializer.end().map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("something stands after the JSON of the body: {error}"))
    })?;
    Ok(value)
}

/// The field that a message says is missing or too much.
fn named(message: &str) -> Option<&str> {
    let rest = ["missing field `", "unknown field `"].iter().find_map(|start| message.strip_prefix(start))?;
    rest.split('`').next()
}

/// A whole number; `46.0` is one for JSON Schema and for some clients.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Number {
        Whole(usize),
        Float(f64),
        Other(serde_json::Value),
    }
    let wrong = |found: &dyn std::fmt::Display| D::Error::custom(format!("{found} is no whole number from 0 up"));
    match Number::deserialize(deserializer)? {
        Number::Whole(number) => Ok(number),
        // Up to here every whole number is a float.
        Number::Float(number) if number.fract() == 0.0 && (0.0..9e15).contains(&number) => Ok(number as usize),
        Number::Float(number) => Err(wrong(&number)),
        Number::Other(value) => Err(wrong(&value)),
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let found = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        found.map(|query| Self(query.0)).map_err(|error| of_query(error.status(), &error.body_text()))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let found = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        found.map(|path| Self(path.0)).map_err(|error| {
            let problem = Problem::new(error.status(), error.body_text());
            match key_of(&error) {
                Some(key) => problem.about(key),
                None => problem,
            }
        })
    }
}

/// What is wrong with a query string, in axum's words: `…: FIELD: what`, or the name in the message.
fn of_query(status: StatusCode, text: &str) -> Problem {
    let what = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    let field = named(what).or_else(|| what.split_once(": ").map(|(field, _)| field));
    match field {
        Some(field) => Problem::new(status, what).about(field),
        None => Problem::new(status, what),
    }
}

/// The parameter of a path that is wrong.
fn key_of(error: &PathRejection) -> Option<&str> {
    let PathRejection::FailedToDeserializePathParams(error) = error else { return None };
    match error.kind() {
        ErrorKind::ParseErrorAtKey { key, .. } | ErrorKind::DeserializeError { key, .. } => Some(key),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::ask::AskBody;
    use super::super::search::SearchBody;
    use super::*;

    #[test]
    fn what_is_wrong_with_a_body_is_told_with_the_field() {
        for (body, field, words) in [
            (r#"{"question": "a", "colections": []}"#, Some("colections"), "unknown field `colections`"),
            ("{}", Some("question"), "missing field `question`"),
            (r#"{"question": 3}"#, Some("question"), "question: invalid type: integer `3`, expected a string"),
            (r#"{"question": "a", "collections": ["b", 4]}"#, Some("collections[1]"), "expected a string"),
            (r#"{"question": "#, None, "the body is no JSON"),
            (r#"{"question": "a"} {}"#, None, "something stands after"),
            ("[]", None, "the body is not what is expected: invalid length 0"),
            ("3", None, "the body is not what is expected: invalid type: integer `3`"),
        ] {
            let Err(problem) = parse::<AskBody>(body.as_bytes()) else { panic!("{body} was taken") };
            assert_eq!((problem.status, problem.field.as_deref()), (400, field), "{body}: {problem:?}");
            assert!(problem.detail.contains(words), "{body}: {problem:?}");
        }
    }

    #[test]
    fn whole_numbers_may_be_written_with_a_point() {
        let k = |body: &str| parse::<SearchBody>(body.as_bytes()).map(|body| body.k).map_err(|problem| problem.field);
        assert_eq!(k(r#"{"query": "a", "k": 46.0}"#), Ok(46));
        for wrong in ["4.5", "-1", "\"4\"", "1e300", "null"] {
            assert_eq!(k(&format!(r#"{{"query": "a", "k": {wrong}}}"#)), Err(Some("k".to_owned())), "{wrong}");
        }
    }
}
