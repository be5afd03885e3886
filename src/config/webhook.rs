//! The tables `[[webhook]]`: endpoints that receive what became true.

mod fields;
mod format;

use super::feed::Feed;
use super::file::one_of;
use super::list::{self, List, instead_of};
use super::pbx;
use super::section::{Problems, Section, Text, nearest};
use fields::Kind;
pub use fields::is_field;
pub use format::Format;
use format::{FORMATS, TELEGRAM};

use callbackd_core::model::{ChangeKind, PbxId};
use hyper::Uri;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

const WEBHOOKS: List<'_> = List {
    key: "webhook",
    one: "a webhook",
    help: "write [[webhook]] once for each endpoint, with name, url and secret_file below it",
    help_one: "write [[webhook]] on a line of its own, with name, url and secret_file below it",
};

/// One of `[[webhook]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// By which commands, log and metrics know it; unique.
    pub name: String,
    /// Where messages are sent.
    pub url: Uri,
    /// File that holds the keys of the signatures.
    pub(crate) secret_file: PathBuf,
    /// What is sent. Default `call.missed` and `callback.closed`.
    pub events: BTreeSet<ChangeKind>,
    /// What is of these PBXs alone; empty: of all.
    pub pbxs: BTreeSet<PbxId>,
    /// Calls and callbacks of these queues alone; empty: of all.
    pub queues: BTreeSet<String>,
    /// How a message is written. Default: standard.
    pub format: Format,
    /// Customers' numbers may go to another machine unencrypted. Default: no.
    pub(crate) allow_plaintext: bool,
    /// The authority that the endpoint's certificate must be of; default: the system's.
    pub(crate) tls_ca_file: Option<PathBuf>,
    /// Chat of Telegram, or address of mail; else empty.
    pub(crate) to: String,
    /// Program and arguments of mail; else empty.
    pub(crate) command: Vec<String>,
    /// Number of the user in the CRM who is responsible for what is made there.
    pub(crate) responsible: Option<u32>,
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

/// Reads all tables; files are taken relative to `dir`. `feed`: what it tells of; `pbxs`: those that there are.
pub(super) fn read(root: &DeTable<'_>, dir: &Path, feed: &Feed, pbxs: &[PbxId], problems: &Problems) -> Vec<Webhook> {
    let Some(value) = root.get("webhook") else { return Vec::new() };
    let (mut out, mut taken) = (Vec::new(), BTreeSet::new());
    for (table, place) in WEBHOOKS.tables(value, problems) {
        let section = Section::new("webhook", Some(table), problems);
        let name = list::plain_name(&section, ("webhook", "webhooks"), "\"crm\"", &mut taken);
        let format = one_of(&section, "format", &FORMATS).unwrap_or(Format::Standard);
        let mut url = url(&section);
        if format == Format::Telegram && section.span("url").is_none() {
            url = TELEGRAM.parse().ok();
        }
        let (to, command, responsible) = recipient(&section, format, place.clone(), problems);
        let by_command = format == Format::Mail;
        let secret_file = section.text("secret_file", "\"/etc/callbackd/webhook-crm\"");
        let keys = [
            ("name", name.is_none(), "\"crm\""),
            ("url", url.is_none() && !by_command, "\"https://crm.example.com/hooks/calls\""),
            ("secret_file", secret_file.is_none() && !by_command, "\"/etc/callbackd/webhook-crm\""),
        ];
        list::needs(&section, WEBHOOKS.one, &place, &keys);
        let ca = section.text("tls_ca_file", "\"/etc/callbackd/crm-ca.pem\"");
        ca_has_effect(&section, ca.as_ref(), url.as_ref());
        let queues = section.texts("queues", "[\"sales\"]");
        section.not_empty(
            "queues",
            queues.as_ref().is_some_and(Vec::is_empty),
            "name some queues, or leave it out for all",
        );
        let read = Webhook {
            name: name.as_ref().map(|text| text.value.clone()).unwrap_or_default(),
            url: url.clone().unwrap_or_default(),
            secret_file: secret_file.as_ref().map(|text| dir.join(&text.value)).unwrap_or_default(),
            events: events(&section, feed, format),
            pbxs: pbx::named(&section, pbxs),
            queues: queues.unwrap_or_default().into_iter().map(|text| text.value).collect(),
            format,
            allow_plaintext: section.flag("allow_plaintext"),
            tls_ca_file: ca.map(|text| dir.join(text.value)),
            to,
            command,
            responsible,
            map: section.table("map").map(|table| map(table, problems)).unwrap_or_default(),
        };
        out.push(read);
    }
    out
}

/// An authority is asked for by TLS alone.
pub(super) fn ca_has_effect(section: &Section<'_, '_>, ca: Option<&Text>, url: Option<&Uri>) {
    if let (Some(ca), Some(url)) = (ca, url)
        && url.scheme_str() != Some("https")
    {
        let help = "write https:// in `url`, or remove this key";
        section.problems.add(ca.span.clone(), "`tls_ca_file` has no effect without https", "no effect", help);
    }
}

/// The address, with `allow_plaintext`.
pub(super) fn url(section: &Section<'_, '_>) -> Option<Uri> {
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
    let named = authority.as_str().rsplit(']').next().is_some_and(|behind| behind.contains(':'));
    if named && authority.port_u16().is_none_or(|port| port == 0) {
        return refuse("no port at which somebody can listen", "write the port at which it listens, or leave it out");
    }
    if text.value.contains('#') {
        return refuse("with a fragment", "leave out what begins with `#`");
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    if scheme == "http" && !list::is_here(host) && !allow_plaintext {
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

fn events(section: &Section<'_, '_>, feed: &Feed, format: Format) -> BTreeSet<ChangeKind> {
    let (understood, default) = format.kinds(feed.in_progress);
    let all = || understood.iter().map(|kind| kind.as_str());
    let Some(named) = section.texts("events", "[\"call.missed\"]") else { return default.iter().copied().collect() };
    let mut out = BTreeSet::new();
    section.not_empty("events", named.is_empty(), "name some events, or leave it out for the usual ones");
    for text in named {
        let Some(kind) = understood.iter().copied().find(|kind| kind.as_str() == text.value) else {
            let help = instead_of(&text.value, all());
            section.problems.add(
                text.span,
                format!("\"{}\" is no event that is sent in this format", text.value),
                "unknown",
                help,
            );
            continue;
        };
        let missing = if kind.is_of_call_in_progress() && !feed.in_progress {
            Some(("calls in progress are left out", "set in_progress = true in [feed]"))
        } else if kind == ChangeKind::AgentState && !feed.agents {
            Some(("agents are left out", "set agents = true in [feed]"))
        } else {
            None
        };
        if let Some((label, help)) = missing {
            section.problems.add(text.span.clone(), format!("\"{kind}\" is not recorded"), label, help);
        }
        if !out.insert(kind) {
            section.problems.add(text.span, format!("\"{kind}\" stands there twice"), "again", "leave one of them out");
        }
    }
    out
}

/// To whom, by which command, and whose it is: what the formats of other programs have beside the address.
fn recipient(
    section: &Section<'_, '_>,
    format: Format,
    span: std::ops::Range<usize>,
    problems: &Problems,
) -> (String, Vec<String>, Option<u32>) {
    let to = section.text("to", "\"-1001234567890\"");
    let command = section.texts("command", "[\"/usr/sbin/sendmail\", \"-t\", \"-i\"]");
    let responsible = section.span("responsible").map(|_| section.number("responsible", 1, 1..=u32::MAX));
    for (key, is_there, is_wanted, example) in [
        (
            "to",
            to.is_some(),
            matches!(format, Format::Telegram | Format::Mail),
            "to = \"-1001234567890\", chat or address",
        ),
        ("command", command.is_some(), format == Format::Mail, "command = [\"/usr/sbin/sendmail\", \"-t\", \"-i\"]"),
    ] {
        match (section.span(key), is_there, is_wanted) {
            (None, _, true) => {
                problems.add(span.clone(), format!("this format needs `{key}`"), "without it", format!("add {example}"))
            }
            (Some(at), true, false) => {
                problems.add(at, format!("`{key}` has no effect in this format"), "no effect", "remove it")
            }
            _ => {}
        }
    }
    if let Some(at) = section.span("responsible")
        && !matches!(format, Format::AmoCrm | Format::Bitrix24)
    {
        problems.add(at, "`responsible` has no effect in this format", "no effect", "remove it");
    }
    let command: Vec<String> = command.unwrap_or_default().into_iter().map(|text| text.value).collect();
    if let Some(at) = section.span("command")
        && !command.first().is_some_and(|program| program.starts_with('/'))
    {
        problems.add(
            at,
            "`command` must begin with the path of a program",
            "no path",
            "write it whole: \"/usr/sbin/sendmail\"",
        );
    }
    (to.map(|text| text.value).unwrap_or_default(), command, responsible)
}

fn map(table: &DeTable<'_>, problems: &Problems) -> Map {
    let mut map = Map::default();
    for (key, value) in table {
        let (field, word) = key.get_ref().split_once('=').map_or((&**key.get_ref(), None), |(f, w)| (f, Some(w)));
        let Some(kind) = fields::kind_of(field) else {
            let help = match nearest(field, fields::names()) {
                Some(near) => format!("did you mean `{near}`? There are {}", fields::listed()),
                None => format!("there are {}", fields::listed()),
            };
            problems.add(key.span(), format!("`{field}` is no field of a message"), "unknown", help);
            continue;
        };
        let DeValue::String(to) = value.get_ref() else {
            let help = "write the other name or word in quotes: linkedid = \"call_id\", \"status=CANCEL\" = \"lost\"";
            problems.add(value.span(), "a name or word must be a text in quotes", "not a text", help);
            continue;
        };
        let known = if let Kind::Word(words) = kind { words() } else { Vec::new() };
        match word {
            _ if to.trim().is_empty() => {
                problems.add(
                    value.span(),
                    "a name or word must not be empty",
                    "empty",
                    "write one, or leave the line out",
                );
            }
            _ if to.trim() != &**to || word.is_some_and(|word| word.trim() != word) => {
                let help = "leave out the blanks at its beginning and end";
                problems.add(key.span(), "no name or word begins or ends with a blank", "with a blank", help);
            }
            Some(_) if matches!(kind, Kind::Value) => {
                let help = "leave the line out: numbers, times, lists and what is true or false are sent as they are";
                problems.add(key.span(), format!("`{field}` is no word"), "no word", help);
            }
            Some(word) if !known.is_empty() && !known.contains(&word) => {
                let help = instead_of(word, known.into_iter());
                problems.add(key.span(), format!("`{field}` is never `{word}`"), "unknown", help);
            }
            Some(word) => drop(map.words.insert((field.to_owned(), word.to_owned()), to.to_string())),
            None => {
                let twice = map.names.values().any(|name| *name == **to)
                    || is_field(to) && !table.contains_key(&**to) && **to != *field;
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
