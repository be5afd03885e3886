//! The tables `[pbx]`: where a PBX is, and how it is spoken to safely.

use super::inherit::{Source, overlaid, places};
use super::list::instead_of;
use super::section::{Problems, Section};
use super::{Pbx, Tls, gap, settings};
use callbackd_core::model::PbxId;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Ports of the AMI in Asterisk's own sample (`configs/samples/manager.conf.sample`).
const PORT: u16 = 5038;
const TLS_PORT: u16 = 5039;

/// Longest name of a PBX: it is part of every row and of a credential's name.
const NAME_LEN: usize = 64;

/// The PBXs that `pbxs` of this table names; empty, which means all, where it is not there.
pub(super) fn named(section: &Section<'_, '_>, known: &[PbxId]) -> BTreeSet<PbxId> {
    let Some(texts) = section.texts("pbxs", "[\"berlin\"]") else { return BTreeSet::new() };
    if let (true, Some(span)) = (texts.is_empty(), section.span("pbxs")) {
        section.problems.add(span, "no PBX is in an empty list", "empty", "name at least one, or remove the key");
    }
    let mut named = BTreeSet::new();
    for text in texts {
        match known.iter().find(|pbx| ***pbx == *text.value) {
            Some(pbx) => drop(named.insert(pbx.clone())),
            None => {
                let help = instead_of(&text.value, known.iter().map(|pbx| &**pbx));
                section.problems.add(text.span, format!("no PBX has the name \"{}\"", text.value), "unknown", help);
            }
        }
    }
    named
}

/// Reads all of them, each with what it does not inherit; files are taken relative to `dir`.
pub(super) fn pbxs(root: &DeTable<'_>, dir: &Path, problems: &Problems) -> Vec<Pbx> {
    let tables = tables(root, problems);
    // In small letters: files of secrets and units are named by them, and people type them.
    let mut names: HashMap<String, PbxId> = HashMap::new();
    let mut addresses: HashMap<(String, u16), PbxId> = HashMap::new();
    let mut out = Vec::new();
    for (table, span) in &tables {
        let section = Section::new("pbx", *table, problems);
        let mut pbx = read(&section, dir);
        let name = section.span("name");
        if tables.len() > 1 && name.is_none() {
            let help = "add its name, such as name = \"berlin\": the database knows it by that; what was stored while it had none is of \"pbx\"";
            problems.add(span.clone(), "each of several PBXs needs a `name`", "without one", help);
        } else if let Some(other) = names.insert(pbx.name.to_ascii_lowercase(), pbx.name.clone()) {
            let (title, help) = if other == pbx.name {
                (format!("two PBXs are named `{other}`"), "give each [[pbx]] a `name` of its own")
            } else {
                let title =
                    format!("two PBXs are named `{other}` and `{}`: the same but for capital letters", pbx.name);
                (title, "give each [[pbx]] a `name` of its own, in other letters")
            };
            problems.add(name.unwrap_or(span.clone()), title, "named like another", help);
        } else if let Some(other) = addresses.insert(place(&pbx.address), pbx.name.clone()) {
            let title = format!("two PBXs, `{other}` and `{}`, have the address {}", pbx.name, pbx.address);
            let label =
                if section.span("address").is_some() { "that of another" } else { "the address where none is given" };
            let help =
                "give each [[pbx]] the `address` of its own Asterisk: two of one address would record each call twice";
            problems.add(section.span("address").unwrap_or(span.clone()), title, label, help);
        }
        let own = table.cloned().unwrap_or_default();
        let found = problems.count();
        let root = overlaid(root, &own, problems);
        pbx.settings = settings::read(&Source { root: &root, own: Some(&own), problems });
        let own = places(&own);
        problems.retitle(found, |span, title| {
            let inherited = !own.iter().any(|place| place.contains(&span.start));
            if inherited { format!("{title}, for the PBX `{}`", pbx.name) } else { title.to_owned() }
        });
        out.push(pbx);
    }
    let own = tables.iter().map(|(table, _)| *table);
    gap::read(root, own, dir, &mut out, problems);
    out
}

/// Where a checked address leads, however it is written. Names are not resolved.
fn place(address: &str) -> (String, u16) {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    let host = if host == "localhost" { "127.0.0.1".to_owned() } else { host };
    let host = host.parse::<IpAddr>().map_or(host, |ip| ip.to_canonical().to_string());
    (host, port.parse().unwrap_or_default())
}

/// The tables, and where they begin; none where the file has none, or one that says nothing where it says nothing.
fn tables<'a, 'i>(root: &'a DeTable<'i>, problems: &Problems) -> Vec<(Option<&'a DeTable<'i>>, Range<usize>)> {
    let Some(value) = root.get("pbx") else { return vec![(None, 0..0)] };
    let items = match value.get_ref() {
        DeValue::Table(table) => return vec![(Some(table), value.span())],
        DeValue::Array(items) => items,
        _ => {
            let help = "write [pbx] on a line of its own and the keys below it";
            problems.add(value.span(), "`pbx` must be a table", "not a table", help);
            return Vec::new();
        }
    };
    if items.is_empty() {
        problems.add(
            value.span(),
            "there must be a PBX",
            "empty",
            "write [[pbx]] with its address, username and secret_file",
        );
    }
    let mut out = Vec::new();
    for item in items {
        match item.get_ref() {
            DeValue::Table(table) => out.push((Some(table), item.span())),
            _ => problems.add(
                item.span(),
                "each `pbx` must be a table",
                "not a table",
                "write [[pbx]] on a line of its own and the keys below it",
            ),
        }
    }
    out
}

/// Reads one table; files are taken relative to `dir`.
fn read(section: &Section<'_, '_>, dir: &Path) -> Pbx {
    let mut pbx = Pbx {
        allow_plaintext: section.flag("allow_plaintext"),
        allow_plain_login: section.flag("allow_plain_login"),
        ..Pbx::default()
    };
    if let Some(name) = section.text("name", "\"pbx\"") {
        let fits = name.value.len() <= NAME_LEN
            && name.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !fits {
            section.problems.add(
                name.span.clone(),
                "`name` must be short and plain",
                "not plain",
                format!("use up to {NAME_LEN} letters, digits, `-`, `_` and `.`"),
            );
        }
        pbx.name = PbxId::new(&name.value);
    }
    if let Some(username) = section.text("username", "\"callbackd\"") {
        pbx.username = username.value;
    }
    pbx.secret_file = section.text("secret_file", "\"/etc/callbackd/ami-secret\"").map(|t| dir.join(t.value));
    pbx.tls = tls(section, dir);
    if let Some(address) = section.text("address", "\"127.0.0.1:5038\"") {
        match parse_address(&address.value, if pbx.tls.is_some() { TLS_PORT } else { PORT }) {
            Err(fault) => section.problems.add(
                address.span,
                "`address` is not an address",
                fault,
                "write host:port, for example \"127.0.0.1:5038\" or \"[2001:db8::5]:5039\"",
            ),
            Ok((host, port)) => {
                if let (Ok(ip), None, false) = (host.parse::<IpAddr>(), &pbx.tls, pbx.allow_plaintext)
                    && !ip.to_canonical().is_loopback()
                {
                    section.problems.add(
                        address.span,
                        "this connection to another machine would not be encrypted",
                        "not this machine",
                        "set tls = true (Asterisk: tlsenable = yes in manager.conf), or allow_plaintext = true if the network between is trusted",
                    );
                }
                pbx.address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
            }
        }
    } else if pbx.tls.is_some() {
        pbx.address = format!("127.0.0.1:{TLS_PORT}");
    }
    pbx
}

fn tls(section: &Section<'_, '_>, dir: &Path) -> Option<Tls> {
    let on = section.flag("tls");
    let ca = section.text("tls_ca_file", "\"/etc/callbackd/asterisk-ca.pem\"");
    let pin = section.text("tls_fingerprint_sha256", "\"…64 hexadecimal digits…\"");
    if !on {
        for (key, text) in [("tls_ca_file", &ca), ("tls_fingerprint_sha256", &pin)] {
            if let Some(text) = text {
                section.problems.add(
                    text.span.clone(),
                    format!("`{key}` has no effect without `tls = true`"),
                    "no effect",
                    "add tls = true, or remove this key",
                );
            }
        }
        return None;
    }
    if let (Some(_), Some(pin)) = (&ca, &pin) {
        section.problems.add(
            pin.span.clone(),
            "`tls_ca_file` and `tls_fingerprint_sha256` cannot both be set",
            "two ways to trust one certificate",
            "keep `tls_fingerprint_sha256` for a self-signed certificate, `tls_ca_file` for one that an authority signed",
        );
    }
    match (ca, pin) {
        (_, Some(pin)) => match fingerprint(&pin.value) {
            Ok(bytes) => Some(Tls::Fingerprint(bytes)),
            Err(fault) => {
                let help = "take it from: openssl x509 -in /etc/asterisk/keys/asterisk.pem -noout -fingerprint -sha256";
                section.problems.add(pin.span, "`tls_fingerprint_sha256` is not a SHA-256 fingerprint", fault, help);
                Some(Tls::System)
            }
        },
        (Some(ca), None) => Some(Tls::CaFile(dir.join(ca.value))),
        (None, None) => Some(Tls::System),
    }
}

/// 64 hexadecimal digits, with or without colons between the bytes, as `openssl x509 -fingerprint` prints them.
fn fingerprint(text: &str) -> Result<[u8; 32], String> {
    let text = text.trim();
    let text = text.rsplit_once('=').map_or(text, |(_, hex)| hex); // `sha256 Fingerprint=AB:CD:…`
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != ':' && *c != ' ')
        .map(|c| {
            c.to_digit(16)
                .map(|d| d as u8)
                .ok_or_else(|| format!("`{}` is not a hexadecimal digit", c.escape_default()))
        })
        .collect::<Result<_, _>>()?;
    let mut out = [0; 32];
    if digits.len() != 2 * out.len() {
        return Err(format!("{} hexadecimal digits, not 64", digits.len()));
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Ok(out)
}

/// Host (an IPv6 address without its brackets) and port.
fn parse_address(text: &str, default_port: u16) -> Result<(String, u16), &'static str> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return if address.port() == 0 {
            Err("port 0 cannot be connected to")
        } else {
            Ok((address.ip().to_string(), address.port()))
        };
    }
    let unbracketed = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = unbracketed.parse::<IpAddr>() {
        return Ok((ip.to_string(), default_port));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().ok().filter(|p| *p != 0).ok_or("the port is not 1 to 65535")?),
        None => (text, default_port),
    };
    let label = |l: &str| {
        !l.is_empty() && l.len() <= 63 && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if !host.trim_end_matches('.').split('.').all(label) {
        return Err("this is not a host name");
    }
    if host.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err("this is not an IPv4 address");
    }
    Ok((host.to_owned(), port))
}
