//! The table `[group]`: which sites share their customers, and by which server of NATS.

use super::file::one_of;
use super::list;
use super::section::{Problems, Section};
use super::sink::{self, Into, Place, Sink};
use callbackd_core::callbacks::group::Alone;
use std::path::Path;
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// Longest name, bytes.
const MAX_NAME: usize = 32;
const ONE: &str = "[group]";
/// What is of no use beside `sink`.
const OF_SERVER: [&str; 5] = ["url", "user", "password_file", "tls_ca_file", "allow_plaintext"];

/// The sites that share this name have each customer together: one calls at a time, and whom one has served the others do not call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// By which its buckets are known there.
    pub(crate) name: String,
    /// The server, and as whom it is used.
    pub(crate) server: Sink,
    /// What a site does while the server cannot be reached.
    pub(crate) alone: Alone,
}

/// Reads the table; files are taken relative to `dir`.
pub(super) fn read(root: &DeTable<'_>, dir: &Path, sinks: &[Sink], problems: &Problems) -> Option<Group> {
    let value = root.get("group")?;
    let place = value.span();
    let DeValue::Table(table) = value.get_ref() else {
        let help = "write [group] on a line of its own, with name and sink below it";
        problems.add(place, "`group` must be a table", "not a table", help);
        return None;
    };
    let section = Section::new("group", Some(table), problems);
    let name = section.text("name", "\"callbackd\"");
    list::needs(&section, ONE, &place, &[("name", name.is_none(), "\"callbackd\"")]);
    let is_plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if let Some(name) = name.as_ref().filter(|name| name.value.len() > MAX_NAME || !is_plain(&name.value)) {
        let help = format!("use up to {MAX_NAME} letters, digits, `-` and `_`");
        problems.add(name.span.clone(), "`name` must be short and plain", "not plain", help);
    }
    let alone = one_of(&section, "alone", &[("wait", Alone::Wait), ("dial", Alone::Dial)]).unwrap_or(Alone::Wait);
    let server = match section.text("sink", "\"stream\"") {
        Some(named) => {
            for key in OF_SERVER {
                if let Some(span) = section.span(key) {
                    let title = format!("`{key}` has no effect beside `sink`");
                    problems.add(span, title, "no effect", "remove it: the server and the user are those of the sink");
                }
            }
            let streams = || sinks.iter().filter(|sink| matches!(sink.into, Into::Nats { .. }));
            let found = streams().find(|sink| sink.name == named.value).cloned();
            if found.is_none() {
                let known: Vec<&str> = streams().map(|sink| sink.name.as_str()).collect();
                let help = match known.as_slice() {
                    [] => "write a [[sink]] with type = \"nats\", or url, user and password_file here".to_owned(),
                    known => format!("there are {}", known.join(", ")),
                };
                let title = format!("no sink with type = \"nats\" has the name \"{}\"", named.value);
                problems.add(named.span, title, "unknown", help);
            }
            found
        }
        None => {
            let password_file = section.text("password_file", "\"group\"");
            if section.span("url").is_none() {
                let help =
                    "name a [[sink]] with type = \"nats\": sink = \"stream\"; or add url, user and password_file";
                problems.add(place, "[group] does not say which server it uses", "without one", help);
                return None;
            }
            list::needs(&section, ONE, &place, &[("password_file", password_file.is_none(), "\"group\"")]);
            let Place { host, port, user, tls, .. } = sink::server(&section, (ONE, &place), dir)?;
            let into = Into::Nats { stream: String::new(), dedup_window: Duration::ZERO };
            let password_file = password_file.map(|text| dir.join(text.value)).unwrap_or_default();
            let allow_plaintext = section.flag("allow_plaintext");
            Some(Sink { name: String::new(), host, port, user, into, password_file, tls, allow_plaintext })
        }
    };
    // One that is refused is not used.
    Some(Group { name: name.map(|text| text.value).unwrap_or_default(), server: server?, alone })
}
