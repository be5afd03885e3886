//! The tables `[[sink]]`: databases of other engines that get a copy of the rows.

use super::Tls;
use super::list::{self, List};
use super::section::{Problems, Section};
use hyper::Uri;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// PostgreSQL's port.
const PORT: u16 = 5432;
const EXAMPLE: &str = "\"postgres://callbackd@db.example.com/callbackd\"";
const SINKS: List<'_> = List {
    key: "sink",
    one: "a sink",
    help: "write [[sink]] once for each database, with name, type, url and password_file below it",
    help_one: "write [[sink]] on a line of its own, with name, type, url and password_file below it",
};

/// One of `[[sink]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// By which commands, log and metrics know it; unique.
    pub name: String,
    /// The engine's host, an IPv6 address without its brackets.
    pub(crate) host: String,
    /// Its port; default 5432.
    pub(crate) port: u16,
    /// As whom rows are written there.
    pub(crate) user: String,
    /// Into which database.
    pub(crate) database: String,
    /// File that holds the user's password.
    pub(crate) password_file: PathBuf,
    /// Whose certificate the server must have; `None`: not encrypted.
    pub(crate) tls: Option<Tls>,
    /// Customers' numbers may go to another machine unencrypted. Default: no.
    pub(crate) allow_plaintext: bool,
}

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

/// Reads all tables; files are taken relative to `dir`.
pub(super) fn read(root: &DeTable<'_>, dir: &Path, problems: &Problems) -> Vec<Sink> {
    let Some(value) = root.get("sink") else { return Vec::new() };
    let (mut out, mut taken) = (Vec::new(), BTreeSet::new());
    for (table, place) in SINKS.tables(value, problems) {
        let section = Section::new("sink", Some(table), problems);
        let name = list::plain_name(&section, ("sink", "sinks"), "\"head-office\"", &mut taken);
        let engine = section.text("type", "\"postgres\"");
        if let Some(engine) = engine.as_ref().filter(|engine| engine.value != "postgres") {
            let title = format!("\"{}\" is no type of a sink", engine.value);
            problems.add(engine.span.clone(), title, "unknown", "write type = \"postgres\"");
        }
        let password_file = section.text("password_file", "\"sink-head-office\"");
        let (url, tls) = reached(&section, dir);
        let keys = [
            ("name", name.is_none(), "\"head-office\""),
            ("type", engine.is_none(), "\"postgres\""),
            ("url", url.is_none(), EXAMPLE),
            ("password_file", password_file.is_none(), "\"sink-head-office\""),
        ];
        list::needs(&section, SINKS.one, &place, &keys);
        // One that is refused is not used; it is read on for its other faults.
        let Some(PostgresUrl { user, host, port, database }) = url else { continue };
        out.push(Sink {
            name: name.map(|text| text.value).unwrap_or_default(),
            host,
            port,
            user,
            database,
            password_file: password_file.map(|text| dir.join(text.value)).unwrap_or_default(),
            tls,
            allow_plaintext: section.flag("allow_plaintext"),
        });
    }
    out
}

/// Where it is, and whose certificate it must have.
fn reached(section: &Section<'_, '_>, dir: &Path) -> (Option<PostgresUrl>, Option<Tls>) {
    let text = section.text("url", EXAMPLE);
    let ca = section.text("tls_ca_file", "\"head-office-ca.pem\"");
    let allow_plaintext = section.flag("allow_plaintext");
    let url = text.as_ref().and_then(|text| match PostgresUrl::parse(&text.value) {
        Ok(url) => Some(url),
        Err((label, help)) => {
            section.problems.add(text.span.clone(), "`url` cannot be used", label, help);
            None
        }
    });
    if let (Some(ca), true) = (&ca, allow_plaintext) {
        let help = "remove one of the two";
        section.problems.add(ca.span.clone(), "`tls_ca_file` has no effect with allow_plaintext", "no effect", help);
    }
    let is_plain = allow_plaintext || ca.is_none() && url.as_ref().is_some_and(PostgresUrl::is_here);
    let tls = if is_plain { None } else { Some(ca.map_or(Tls::System, |ca| Tls::CaFile(dir.join(ca.value)))) };
    (url, tls)
}
