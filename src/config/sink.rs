//! The tables `[[sink]]`: databases of other engines that get a copy of the rows, and streams that carry it there.

mod nats;
mod postgres;

pub(super) use nats::server;

use super::Tls;
use super::list::{self, List};
use super::section::{Problems, Section};
pub(crate) use postgres::PostgresUrl;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::DeTable;

const SINKS: List<'_> = List {
    key: "sink",
    one: "a sink",
    help: "write [[sink]] once for each database or stream, with name, type, url and password_file below it",
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
    /// What it is, and where in it the rows go.
    pub(crate) into: Into,
    /// File that holds the user's password.
    pub(crate) password_file: PathBuf,
    /// Whose certificate the server must have; `None`: not encrypted.
    pub(crate) tls: Option<Tls>,
    /// Customers' numbers may go to another machine unencrypted. Default: no.
    pub(crate) allow_plaintext: bool,
}

/// Where rows go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Into {
    /// A database of PostgreSQL, of this name.
    Postgres(String),
    /// A stream of NATS JetStream.
    Nats {
        /// Its name; default `callbackd`.
        stream: String,
        /// For so long the server knows messages again, in a stream that `callbackd sink init` makes; default 10 minutes.
        dedup_window: Duration,
    },
}

/// Where a sink is, and as whom it is used; files and TLS apart.
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    into: Into,
    pub(super) tls: Option<Tls>,
}

/// Reads all tables; files are taken relative to `dir`.
pub(super) fn read(root: &DeTable<'_>, dir: &Path, problems: &Problems) -> Vec<Sink> {
    let Some(value) = root.get("sink") else { return Vec::new() };
    let (mut out, mut taken) = (Vec::new(), BTreeSet::new());
    for (table, place) in SINKS.tables(value, problems) {
        let section = Section::new("sink", Some(table), problems);
        let name = list::plain_name(&section, ("sink", "sinks"), "\"head-office\"", &mut taken);
        let engine = section.text("type", "\"postgres\"");
        let is_nats = engine.as_ref().is_some_and(|engine| engine.value == "nats");
        if let Some(engine) = engine.as_ref().filter(|engine| !["postgres", "nats"].contains(&engine.value.as_str())) {
            let title = format!("\"{}\" is no type of a sink", engine.value);
            problems.add(engine.span.clone(), title, "unknown", "write type = \"postgres\", or \"nats\"");
        }
        let password_file = section.text("password_file", "\"sink-head-office\"");
        let keys = [
            ("name", name.is_none(), "\"head-office\""),
            ("type", engine.is_none(), "\"postgres\""),
            ("password_file", password_file.is_none(), "\"sink-head-office\""),
        ];
        list::needs(&section, SINKS.one, &place, &keys);
        let found = if is_nats { nats::read(&section, &place, dir) } else { postgres::read(&section, &place, dir) };
        // One that is refused is not used; it is read on for its other faults.
        let Some(Place { host, port, user, into, tls }) = found else { continue };
        out.push(Sink {
            name: name.map(|text| text.value).unwrap_or_default(),
            host,
            port,
            user,
            into,
            password_file: password_file.map(|text| dir.join(text.value)).unwrap_or_default(),
            tls,
            allow_plaintext: section.flag("allow_plaintext"),
        });
    }
    out
}

/// A key that one type of sink has is of no use to another.
fn unused(section: &Section<'_, '_>, key: &str, of: &str, help: &str) {
    if let Some(span) = section.span(key) {
        section.problems.add(span, format!("`{key}` is no key of a sink with type = \"{of}\""), "no effect", help);
    }
}

/// The key `url`, without which a sink is of no use.
fn url<U>(
    section: &Section<'_, '_>,
    one: &str,
    place: &Range<usize>,
    example: &str,
    parse: impl Fn(&str) -> Result<U, (&'static str, &'static str)>,
) -> Option<U> {
    let text = section.text("url", example);
    list::needs(section, one, place, &[("url", text.is_none(), example)]);
    let text = text?;
    match parse(&text.value) {
        Ok(url) => Some(url),
        Err((label, help)) => {
            section.problems.add(text.span.clone(), "`url` cannot be used", label, help);
            None
        }
    }
}
