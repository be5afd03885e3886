//! The table `[api]`: where the local API listens, and who may speak to it.

use super::section::Section;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// `sockaddr_un` holds 108 bytes with the closing NUL (`man 7 unix`).
const MAX_SOCKET: usize = 107;

/// The table `[api]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// The socket. Default `/run/callbackd/api.sock`.
    pub socket: PathBuf,
    /// Its file mode: who may write to it may command. Default 0660.
    pub mode: u32,
    /// Its group; default: the daemon's.
    pub group: Option<String>,
    /// Where it listens to programs with tokens too; default: nowhere. Without `tls` on this machine alone.
    pub(crate) listen: Option<SocketAddr>,
    /// Whoever comes by `listen` comes by TLS. Default: no.
    pub(crate) tls: Option<Certificate>,
    /// Names by which they may call this machine, beside `localhost` and addresses.
    pub(crate) hosts: Vec<String>,
    /// There are pages for people too, who log in with such a token. Default: no.
    pub(crate) pages: bool,
}

/// What the API shows by TLS, both in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The certificate, followed by those between it and its authority.
    pub(crate) chain_file: PathBuf,
    /// Its key, which nobody else may read.
    pub(crate) key_file: PathBuf,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            socket: PathBuf::from("/run/callbackd/api.sock"),
            mode: 0o660,
            group: None,
            listen: None,
            tls: None,
            hosts: Vec::new(),
            pages: false,
        }
    }
}

/// Reads it; the socket is taken relative to `dir`.
pub(super) fn read(section: &Section<'_, '_>, dir: &Path) -> Api {
    let mut api = Api::default();
    if let Some(text) = section.text("socket", "\"/run/callbackd/api.sock\"") {
        let socket = dir.join(&text.value);
        if socket.as_os_str().len() > MAX_SOCKET {
            section.problems.add(
                text.span,
                format!("the path of `socket` is longer than {MAX_SOCKET} bytes"),
                "too long for a Unix socket",
                "use a shorter path, such as \"/run/callbackd/api.sock\"",
            );
        }
        api.socket = socket;
    }
    if let Some(text) = section.text("mode", "\"0660\"") {
        let octal = text.value.bytes().all(|b| (b'0'..=b'7').contains(&b)) && (3..=4).contains(&text.value.len());
        match u32::from_str_radix(&text.value, 8).ok().filter(|_| octal) {
            Some(mode) if mode & 0o002 != 0 => section.problems.add(
                text.span,
                "with this `mode` everyone on the machine could make calls",
                "writable by others",
                "use \"0660\" and name in `group` those who may",
            ),
            Some(mode) if mode & 0o600 != 0o600 || mode & !0o777 != 0 => section.problems.add(
                text.span,
                "`mode` does not let the daemon's own user in, or sets special bits",
                "cannot be used",
                "use \"0660\", or \"0600\" for the daemon's user and root alone",
            ),
            Some(mode) => api.mode = mode,
            None => section.problems.add(
                text.span,
                "`mode` is not a file mode",
                "not octal",
                "write three or four octal digits in quotes: mode = \"0660\"",
            ),
        }
    }
    if let Some(text) = section.text("group", "\"operators\"") {
        let named = text.value.len() <= 32
            && text.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && !text.value.starts_with('-');
        if !named {
            let help = "use the name of a group as in /etc/group";
            section.problems.add(text.span.clone(), "`group` is not a group's name", "not a name", help);
        }
        api.group = Some(text.value);
    }
    api.tls = tls(section, dir);
    api.listen = listen(section, api.tls.is_some());
    api.hosts = hosts(section);
    api.pages = pages(section, api.listen.is_some());
    api
}

/// A certificate and its key: both or none.
fn tls(section: &Section<'_, '_>, dir: &Path) -> Option<Certificate> {
    let (chain, key) = ("\"/etc/callbackd/api.crt\"", "\"/etc/callbackd/api.key\"");
    let file = |name, example| section.text(name, example).map(|text| (dir.join(&text.value), text.span));
    let (only, other, example, span) = match (file("tls_cert_file", chain), file("tls_key_file", key)) {
        (Some((chain_file, _)), Some((key_file, _))) => return Some(Certificate { chain_file, key_file }),
        (Some((_, span)), None) => ("tls_cert_file", "tls_key_file", key, span),
        (None, Some((_, span))) => ("tls_key_file", "tls_cert_file", chain, span),
        (None, None) => return None,
    };
    let help = format!("add for example: {other} = {example}");
    section.problems.add(span, format!("`{only}` needs `{other}`"), "a certificate and its key belong together", help);
    None
}

fn listen(section: &Section<'_, '_>, tls: bool) -> Option<SocketAddr> {
    let example = "\"127.0.0.1:8380\"";
    let text = section.text("listen", example)?;
    match text.value.parse::<SocketAddr>() {
        Ok(address) if (tls || address.ip().is_loopback()) && address.port() > 0 => Some(address),
        Ok(address) if tls || address.ip().is_loopback() => {
            section.problems.add(
                text.span,
                "`listen` needs a port",
                "no port",
                format!("for example: listen = {example}"),
            );
            None
        }
        Ok(_) => {
            section.problems.add(
                text.span,
                "without TLS `listen` may be on this machine alone: tokens and customers' numbers would cross the network in the clear",
                "not a loopback address",
                "set `tls_cert_file` and `tls_key_file`; or use \"127.0.0.1:8380\" or \"[::1]:8380\", with a reverse proxy with TLS (nginx, caddy, stunnel) in front of it",
            );
            None
        }
        Err(_) => {
            let help = format!("write an address and a port, for example: listen = {example}");
            section.problems.add(text.span, "`listen` is not an address with a port", "not an address", help);
            None
        }
    }
}

fn pages(section: &Section<'_, '_>, listens: bool) -> bool {
    let pages = section.flag("pages");
    if let Some(value) = section.get("pages").filter(|_| pages && !listens) {
        let help = "add for example: listen = \"127.0.0.1:8380\"";
        section.problems.add(
            value.span(),
            "`pages` needs `listen`: a browser comes by TCP",
            "nowhere to look at",
            help,
        );
    }
    pages
}

fn hosts(section: &Section<'_, '_>) -> Vec<String> {
    let mut hosts = Vec::new();
    for text in section.texts("hosts", "[\"pbx.example.com\"]").into_iter().flatten() {
        if text.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b)) {
            hosts.push(text.value);
        } else {
            let help = "write names without port or scheme, for example: hosts = [\"pbx.example.com\"]";
            section.problems.add(text.span, "this is not the name of a host", "not a name", help);
        }
    }
    hosts
}
