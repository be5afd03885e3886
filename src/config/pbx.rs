//! The tables `[pbx]`: where a PBX is, and how it is spoken to safely.

use super::section::Section;
use super::{Pbx, Tls};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// Ports of the AMI in Asterisk's own sample (`configs/samples/manager.conf.sample`).
const PORT: u16 = 5038;
const TLS_PORT: u16 = 5039;

/// Longest name of a PBX: it is part of every row and of a credential's name.
const NAME_LEN: usize = 64;

/// Reads one table; files are taken relative to `dir`.
pub(super) fn read(section: &Section<'_, '_>, dir: &Path) -> Pbx {
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
        pbx.name = name.value;
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
