//! A sink that is a database of PostgreSQL.

use super::super::section::Section;
use super::super::{Tls, list};
use super::{Into, Place, SINKS, unused, url};
use hyper::Uri;
use std::ops::Range;
use std::path::Path;

/// PostgreSQL's port.
const PORT: u16 = 5432;
const EXAMPLE: &str = "\"postgres://callbackd@db.example.com/callbackd\"";

/// Where a database of PostgreSQL is, and as whom it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PostgresUrl {
    pub(crate) user: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
}

impl PostgresUrl {
    /// It is on this machine.
    pub(crate) fn is_here(&self) -> bool {
        list::is_here(&self.host)
    }

    /// Reads `postgres://user@host:port/database`.
    ///
    /// # Errors
    /// What is wrong, and what helps.
    pub(crate) fn parse(text: &str) -> Result<Self, (&'static str, &'static str)> {
        const WHOLE: &str = "write it whole: postgres://callbackd@db.example.com/callbackd";
        let url: Uri = text.parse().map_err(|_| ("not a URL", WHOLE))?;
        if !matches!(url.scheme_str(), Some("postgres" | "postgresql")) {
            return Err(("neither postgres nor postgresql", WHOLE));
        }
        let authority = url.authority().ok_or(("names no host", WHOLE))?;
        let user = authority.as_str().rsplit_once('@').map_or("", |(user, _)| user);
        if user.contains(':') {
            return Err(("with a password", "leave it out: it is read from `password_file`"));
        }
        if url.query().is_some() || text.contains('#') {
            return Err(("with parameters", "leave out what begins with `?` or `#`: TLS has keys of its own"));
        }
        let database = url.path().trim_start_matches('/');
        let is_plain =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !is_plain(user) || !is_plain(database) || authority.host().is_empty() {
            return Err(("user, host or database is missing, or not plain", "use letters, digits, `-`, `_` and `.`"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { user: user.to_owned(), host, port: url.port_u16().unwrap_or(PORT), database: database.to_owned() })
    }
}

/// Where it is, and whose certificate it must have.
pub(super) fn read(section: &Section<'_, '_>, place: &Range<usize>, dir: &Path) -> Option<Place> {
    unused(section, "user", "postgres", "write it into `url`: postgres://USER@…");
    unused(section, "stream", "postgres", "remove it");
    unused(section, "dedup_window", "postgres", "remove it");
    let ca = section.text("tls_ca_file", "\"head-office-ca.pem\"");
    let allow_plaintext = section.flag("allow_plaintext");
    let url = url(section, SINKS.one, place, EXAMPLE, PostgresUrl::parse);
    if let (Some(ca), true) = (&ca, allow_plaintext) {
        let help = "remove one of the two";
        section.problems.add(ca.span.clone(), "`tls_ca_file` has no effect with allow_plaintext", "no effect", help);
    }
    let is_plain = allow_plaintext || ca.is_none() && url.as_ref().is_some_and(PostgresUrl::is_here);
    let tls = if is_plain { None } else { Some(ca.map_or(Tls::System, |ca| Tls::CaFile(dir.join(ca.value)))) };
    let PostgresUrl { user, host, port, database } = url?;
    Some(Place { host, port, user, into: Into::Postgres(database), tls })
}
