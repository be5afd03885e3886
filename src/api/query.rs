//! What stands behind the `?` of a request: the one place where it is read, and where a parameter that cannot be taken is refused.

use super::front::Failure;
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Where the packages install the description of the API.
pub(super) const DESCRIBED: &str = "/usr/share/doc/callbackd/openapi.json";

/// The parameters of a request. One that is not known, comes twice, is empty or cannot be read is refused by its name, with what to write instead.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub T);

/// The parameters of a request that takes none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let given = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(given) = given.map_err(|rejection| Failure::new(StatusCode::BAD_REQUEST, rejection.body_text()))?;
        let read = Query::<T>::try_from_uri(&parts.uri).map_err(|rejection| rejection.body_text());
        if let Some(unknown) = read.as_ref().err().and_then(|error| unknown("parameter", error)) {
            return Err(unknown);
        }
        for (n, (name, value)) in given.iter().enumerate() {
            let shown = name.escape_debug();
            if given[..n].iter().any(|(other, _)| other == name) {
                let fix = "give it once; where several values are taken, commas separate them";
                return Err(Failure::of_field(name, format!("`{shown}` is given more than once"), fix));
            }
            if value.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
                let fix = "write it in UTF-8, without control characters";
                return Err(Failure::of_field(name, format!("`{shown}` cannot be read: {fix}"), fix));
            }
            if value.is_empty() {
                let fix = "give it a value, or leave it out";
                return Err(Failure::of_field(name, format!("`{shown}` is empty: {fix}"), fix));
            }
        }
        match read {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => Err(unreadable(&given, &error)),
        }
    }
}

/// A name that nothing has, by the words of serde: "unknown field `stat`, expected one of `status`, `since_ms`", or "…, there are no fields".
/// `what`: how it is called where it was given. `None` if that is not what is wrong.
pub(crate) fn unknown(what: &str, error: &str) -> Option<Failure> {
    let (_, rest) = error.split_once("unknown field `")?;
    let (name, rest) = rest.split_once('`')?;
    let known: Vec<String> = rest.split('`').skip(1).step_by(2).map(|name| format!("`{name}`")).collect();
    let fix = match known.as_slice() {
        [] => format!("leave it out: none is taken here ({DESCRIBED})"),
        known => format!("use {} ({DESCRIBED})", known.join(", ")),
    };
    Some(Failure::of_field(name, format!("unknown {what} `{}`: {fix}", name.escape_debug()), fix))
}

/// A value that is not of the kind that is wanted: "Failed to deserialize query string: limit: invalid digit found in string".
fn unreadable(given: &[(String, String)], error: &str) -> Failure {
    let named = |(name, _): &&(String, String)| error.contains(&format!(": {name}: "));
    let Some((name, value)) = given.iter().find(named) else {
        return Failure::new(StatusCode::BAD_REQUEST, format!("the parameters cannot be read: {DESCRIBED} has them"));
    };
    let wanted = match error {
        error if error.contains("`true` or `false`") => "true or false",
        error if error.contains("too large") || error.contains("too small") => "a smaller number",
        _ => "a whole number",
    };
    let fix = format!("write {wanted} ({DESCRIBED})");
    let value: String = value.chars().take(40).flat_map(char::escape_debug).collect();
    Failure::of_field(name, format!("`{name}` cannot be `{value}`: {fix}"), fix)
}

/// A text as a part of a path or of a query: all but letters, digits, `-`, `_` and `.` as `%xx` (RFC 3986).
pub(crate) fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
