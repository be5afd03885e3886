//! Who looks at a page, and how: the language, the colours, what stands behind the `?`.

use super::session::Session;
use crate::api::percent;
use crate::language::{Language, Words};
use axum::extract::{FromRequestParts, Query};
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use callbackd_core::order::Gather as _;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// Longest text that a page takes from its address, in characters.
const MAX_FIELD: usize = 100;

/// Who looks, and how.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) language: Language,
    pub(crate) words: &'static Words,
    /// `dark` or `light`, if it was asked for; else as the machine likes it.
    pub(crate) theme: Option<&'static str>,
    pub(crate) session: Option<Session>,
    /// What stands behind the `?`; nothing empty.
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) path: String,
}

/// The fields behind the `?`. Of one that comes twice the last counts; what cannot be read is none.
pub(crate) fn query(uri: &Uri) -> BTreeMap<String, String> {
    Query::<BTreeMap<String, String>>::try_from_uri(uri).map(|Query(fields)| fields).unwrap_or_default()
}

impl<S: Send + Sync> FromRequestParts<S> for View {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut query = query(&parts.uri);
        query.retain(|_, value| {
            *value = value.trim().chars().take(MAX_FIELD).collect();
            !value.is_empty()
        });
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let language = query
            .get("lang")
            .and_then(|code| Language::from_code(code))
            .or_else(|| cookie(&parts.headers, "callbackd_lang").and_then(Language::from_code))
            .or_else(|| header(ACCEPT_LANGUAGE).and_then(Language::accepted))
            .unwrap_or_default();
        let theme = query.get("theme").and_then(|theme| ["dark", "light"].into_iter().find(|known| known == theme));
        let session = parts.extensions.get::<Session>().cloned();
        Ok(Self { language, words: language.words(), theme, session, query, path: parts.uri.path().to_owned() })
    }
}

impl View {
    /// A field behind the `?`.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// Only the part that changes is wanted.
    pub(crate) fn is_part(&self) -> bool {
        self.asked("part") == Some("live")
    }

    pub(crate) fn may_operate(&self) -> bool {
        self.session.as_ref().is_some_and(Session::may_operate)
    }

    /// This page with other fields; an empty one is left out.
    pub(crate) fn link(&self, path: &str, other: &[(&str, &str)]) -> String {
        let mut fields: BTreeMap<&str, &str> =
            self.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).to_map();
        fields.remove("part");
        fields.extend(other.iter().copied());
        let pairs: Vec<String> = fields
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{}={}", percent(name), percent(value)))
            .collect();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }
}

/// A cookie's value.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(of, _)| *of == name))
        .map(|(_, value)| value)
}
