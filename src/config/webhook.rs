//! The tables `[[webhook]]`: endpoints that receive what became true.

use super::file::one_of;
use super::section::{Problems, Section, nearest};
use callbackd_core::model::ChangeKind;
use hyper::Uri;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Longest name of an endpoint, bytes.
const MAX_NAME: usize = 32;

/// What is sent if the file does not say: nobody served a customer, and how a callback ended.
const EVENTS: [ChangeKind; 2] = [ChangeKind::CallMissed, ChangeKind::CallbackClosed];

/// Names of what a message may say in `data`: those of a call, a callback, an attempt, a gap, an entry of the do-not-call list.
pub const FIELDS: [&str; 54] = [
    "site",
    "pbx",
    "key",
    "rev",
    "linkedid",
    "quality",
    "direction",
    "status",
    "outcome",
    "why",
    "number",
    "number_e164",
    "name",
    "history",
    "did",
    "did_label",
    "trunk",
    "queue",
    "agent",
    "last_agent",
    "started",
    "answered",
    "ended",
    "wait_s",
    "talk_s",
    "hangup_by",
    "voicemail",
    "recovered_by",
    "recovered",
    "tags",
    "ratings",
    "callback",
    "script",
    "id",
    "state",
    "reason",
    "by",
    "note",
    "requested",
    "attempts",
    "missed_count",
    "first_missed",
    "last_missed",
    "due",
    "expires",
    "closed",
    "resolved_by",
    "callback_id",
    "n",
    "result",
    "detail",
    "payload",
    "webhook",
    "text",
];

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `type`, `timestamp`, `data`, by Standard Webhooks 1.0.0.
    Standard,
    /// A CloudEvent 1.0.2 in structured mode.
    CloudEvents,
}

/// One of `[[webhook]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// By which commands, log and metrics know it; unique.
    pub name: String,
    /// Where messages are sent.
    pub url: Uri,
    /// File that holds the keys of the signatures.
    pub secret_file: PathBuf,
    /// What is sent. Default `call.missed` and `callback.closed`.
    pub events: BTreeSet<ChangeKind>,
    /// Calls and callbacks of these queues alone; empty: of all.
    pub queues: BTreeSet<String>,
    /// How a message is written. Default: standard.
    pub format: Format,
    /// Customers' numbers may go to another machine unencrypted. Default: no.
    pub allow_plaintext: bool,
    /// The authority that the endpoint's certificate must be of; default: the system's.
    pub tls_ca_file: Option<PathBuf>,
    /// Fields of `data` under other names, and words of fields as other words: [`Map`].
    pub map: Map,
}

/// `[webhook.map]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map {
    /// The name in place of a field's.
    pub names: BTreeMap<String, String>,
    /// The word in place of a field's word: `status=CANCEL`.
    pub words: BTreeMap<(String, String), String>,
}

impl Webhook {
    /// It is sent to by TLS.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.url.scheme_str() == Some("https")
    }

    /// Where it is, an IPv6 address without its brackets.
    #[must_use]
    pub fn host_and_port(&self) -> (&str, u16) {
        let host = self.url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        (host, self.url.port_u16().unwrap_or(if self.is_encrypted() { 443 } else { 80 }))
    }
}

/// Reads all tables; files are taken relative to `dir`. `in_progress`: the feed tells of calls in progress too.
pub(super) fn read(root: &DeTable<'_>, dir: &Path, in_progress: bool, problems: &Problems) -> Vec<Webhook> {
    let Some(value) = root.get("webhook") else { return Vec::new() };
    let DeValue::Array(items) = value.get_ref() else {
        let help = "write [[webhook]] once for each endpoint, with name, url and secret_file below it";
        problems.add(value.span(), "`webhook` must be a list of tables", "not a list", help);
        return Vec::new();
    };
    let (mut out, mut taken): (Vec<Webhook>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
    for item in items {
        let DeValue::Table(table) = item.get_ref() else {
            let help = "write [[webhook]] on a line of its own, with name, url and secret_file below it";
            problems.add(item.span(), "a webhook must be a table", "not a table", help);
            continue;
        };
        let section = Section::new("webhook", Some(table), problems);
        let name = section.text("name", "\"crm\"");
        if let Some(name) = &name {
            let fits = name.value.len() <= MAX_NAME
                && name.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            if !fits {
                let help = format!("use up to {MAX_NAME} letters, digits, `-`, `_` and `.`");
                problems.add(name.span.clone(), "`name` must be short and plain", "not plain", help);
            }
            if !taken.insert(name.value.clone()) {
                let title = format!("two webhooks have the name \"{}\"", name.value);
                problems.add(name.span.clone(), title, "taken", "give each [[webhook]] its own");
            }
        }
        let url = url(&section);
        let secret_file = section.text("secret_file", "\"/etc/callbackd/webhook-crm\"");
        for (key, missing, example) in [
            ("name", name.is_none(), "\"crm\""),
            ("url", url.is_none(), "\"https://crm.example.com/hooks/calls\""),
            ("secret_file", secret_file.is_none(), "\"/etc/callbackd/webhook-crm\""),
        ] {
            if missing && section.span(key).is_none() {
                let help = format!("add {key} = {example}");
                problems.add(item.span(), format!("a webhook needs `{key}`"), "without it", help);
            }
        }
        let ca = section.text("tls_ca_file", "\"/etc/callbackd/crm-ca.pem\"");
        if let (Some(ca), Some(url)) = (&ca, &url)
            && url.scheme_str() != Some("https")
        {
            let help = "write https:// in `url`, or remove this key";
            problems.add(ca.span.clone(), "`tls_ca_file` has no effect without https", "no effect", help);
        }
        let queues = section.texts("queues", "[\"sales\"]").unwrap_or_default();
        let read = Webhook {
            name: name.as_ref().map(|text| text.value.clone()).unwrap_or_default(),
            url: url.clone().unwrap_or_default(),
            secret_file: secret_file.as_ref().map(|text| dir.join(&text.value)).unwrap_or_default(),
            events: events(&section, in_progress),
            queues: queues.into_iter().map(|text| text.value).collect(),
            format: one_of(&section, "format", &[("standard", Format::Standard), ("cloudevents", Format::CloudEvents)])
                .unwrap_or(Format::Standard),
            allow_plaintext: section.flag("allow_plaintext"),
            tls_ca_file: ca.map(|text| dir.join(text.value)),
            map: section.table("map").map(|table| map(table, problems)).unwrap_or_default(),
        };
        out.push(read);
    }
    out
}

fn url(section: &Section<'_, '_>) -> Option<Uri> {
    let text = section.text("url", "\"https://crm.example.com/hooks/calls\"")?;
    let allow_plaintext = section.flag("allow_plaintext");
    let refuse = |label: &str, help: &str| {
        section.problems.add(text.span.clone(), "`url` cannot be used", label, help);
        None
    };
    let example = "write it whole: \"https://crm.example.com/hooks/calls\"";
    let Ok(url) = text.value.parse::<Uri>() else { return refuse("not a URL", example) };
    let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return refuse("not a whole URL", example);
    };
    if !["http", "https"].contains(&scheme) {
        return refuse("neither http nor https", example);
    }
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return refuse("names a user, or no host", "leave user and password out: messages are signed");
    }
    if text.value.contains('#') {
        return refuse("with a fragment", "leave out what begins with `#`");
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    if scheme == "http" && !here && !allow_plaintext {
        let help = "use https, or set allow_plaintext = true if the network between is trusted";
        section.problems.add(
            text.span.clone(),
            "customers' numbers would go to another machine unencrypted",
            "not this machine",
            help,
        );
        return None;
    }
    Some(url)
}

fn events(section: &Section<'_, '_>, in_progress: bool) -> BTreeSet<ChangeKind> {
    let all = || ChangeKind::ALL.iter().map(|kind| kind.as_str());
    let Some(named) = section.texts("events", "[\"call.missed\"]") else { return EVENTS.into() };
    let mut out = BTreeSet::new();
    for text in named {
        let Some(kind) = ChangeKind::ALL.iter().copied().find(|kind| kind.as_str() == text.value) else {
            let help = match nearest(&text.value, all()) {
                Some(near) => format!("did you mean \"{near}\"? There are {}", all().collect::<Vec<_>>().join(", ")),
                None => format!("there are {}", all().collect::<Vec<_>>().join(", ")),
            };
            section.problems.add(text.span, format!("\"{}\" is no event", text.value), "unknown", help);
            continue;
        };
        if kind.is_of_call_in_progress() && !in_progress {
            let title = format!("\"{kind}\" is not recorded");
            let help = "set in_progress = true in [feed]";
            section.problems.add(text.span, title, "calls in progress are left out", help);
        }
        out.insert(kind);
    }
    out
}

fn map(table: &DeTable<'_>, problems: &Problems) -> Map {
    let mut map = Map::default();
    for (key, value) in table {
        let (field, word) = key.get_ref().split_once('=').map_or((&**key.get_ref(), None), |(f, w)| (f, Some(w)));
        if !FIELDS.contains(&field) {
            let help = match nearest(field, FIELDS.into_iter()) {
                Some(near) => format!("did you mean `{near}`? There are {}", FIELDS.join(", ")),
                None => format!("there are {}", FIELDS.join(", ")),
            };
            problems.add(key.span(), format!("`{field}` is no field of a message"), "unknown", help);
            continue;
        }
        let DeValue::String(to) = value.get_ref() else {
            let help = "write the other name or word in quotes: linkedid = \"call_id\", \"status=CANCEL\" = \"lost\"";
            problems.add(value.span(), "a name or word must be a text in quotes", "not a text", help);
            continue;
        };
        match word {
            _ if to.trim().is_empty() => {
                problems.add(
                    value.span(),
                    "a name or word must not be empty",
                    "empty",
                    "write one, or leave the line out",
                );
            }
            Some(word) => drop(map.words.insert((field.to_owned(), word.to_owned()), to.to_string())),
            None => {
                let twice = map.names.values().any(|name| *name == **to)
                    || FIELDS.contains(&&**to) && !table.contains_key(&**to) && **to != *field;
                if twice {
                    let title = format!("two fields would have the name `{to}`");
                    problems.add(value.span(), title, "taken", "give each field a name of its own");
                }
                map.names.insert(field.to_owned(), to.to_string());
            }
        }
    }
    map
}
