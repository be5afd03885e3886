//! A sink that is a stream of NATS JetStream.

use super::super::section::Section;
use super::super::{Tls, list};
use super::{Into, Place, url};
use hyper::Uri;
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::time::Duration;

/// NATS' port.
const PORT: u16 = 4222;
const EXAMPLE: &str = "\"tls://nats.example.com\"";
const STREAM: &str = "callbackd";
/// Longest name of a stream, bytes.
const MAX_STREAM: usize = 32;
const WINDOW: Duration = Duration::from_mins(10);
const WINDOWS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);

struct NatsUrl {
    host: String,
    port: u16,
    encrypted: bool,
}

/// Reads `tls://host:port` or `nats://host:port`.
fn parse(text: &str) -> Result<NatsUrl, (&'static str, &'static str)> {
    const WHOLE: &str = "write it whole: tls://nats.example.com:4222";
    let url: Uri = text.parse().map_err(|_| ("not a URL", WHOLE))?;
    let encrypted = match url.scheme_str() {
        Some("tls") => true,
        Some("nats") => false,
        _ => return Err(("neither nats nor tls", WHOLE)),
    };
    let authority = url.authority().ok_or(("names no host", WHOLE))?;
    if authority.as_str().contains('@') {
        return Err(("with a user", "leave it out: there are `user` and `password_file`"));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || text.contains('#') {
        return Err((
            "with a path or parameters",
            "leave out what comes after the port: the stream has a key of its own",
        ));
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    if host.is_empty() {
        return Err(("names no host", WHOLE));
    }
    Ok(NatsUrl { host, port: url.port_u16().unwrap_or(PORT), encrypted })
}

/// Where it is, as whom it is used, and whose certificate it must have.
pub(super) fn read(section: &Section<'_, '_>, place: &Range<usize>, dir: &Path) -> Option<Place> {
    let stream = section.text("stream", "\"callbackd\"");
    let is_plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if let Some(stream) = stream.as_ref().filter(|s| s.value.len() > MAX_STREAM || !is_plain(&s.value)) {
        let help = format!("use up to {MAX_STREAM} letters, digits, `-` and `_`");
        section.problems.add(stream.span.clone(), "`stream` must be short and plain", "not plain", help);
    }
    let dedup_window = section.duration_in("dedup_window", WINDOW, WINDOWS);
    let server = server(section, ("a sink with type = \"nats\"", place), dir)?;
    let stream = stream.map_or_else(|| STREAM.to_owned(), |stream| stream.value);
    Some(Place { into: Into::Nats { stream, dedup_window }, ..server })
}

/// The server in this table, which is one that needs it, and no stream there.
pub(in super::super) fn server(
    section: &Section<'_, '_>,
    (one, place): (&str, &Range<usize>),
    dir: &Path,
) -> Option<Place> {
    let ca = section.text("tls_ca_file", "\"head-office-ca.pem\"");
    let allow_plaintext = section.flag("allow_plaintext");
    let user = section.text("user", "\"berlin\"");
    list::needs(section, one, place, &[("user", user.is_none(), "\"berlin\"")]);
    let url = url(section, one, place, EXAMPLE, parse)?;
    if url.encrypted {
        unused_with(section, "allow_plaintext", allow_plaintext, "tls://");
    } else {
        unused_with(section, "tls_ca_file", ca.is_some(), "nats://");
        if !allow_plaintext && !list::is_here(&url.host) {
            let span = section.span("url").unwrap_or_else(|| place.clone());
            let help = "write tls://, or set allow_plaintext = true if nobody else can listen on that network";
            section.problems.add(span, "`url` is not encrypted and leads to another machine", "not encrypted", help);
        }
    }
    let tls = url.encrypted.then(|| ca.map_or(Tls::System, |ca| Tls::CaFile(dir.join(ca.value))));
    let user = user.map(|user| user.value).unwrap_or_default();
    let into = Into::Nats { stream: String::new(), dedup_window: WINDOW };
    Some(Place { host: url.host, port: url.port, user, into, tls })
}

/// A key that has no effect with this kind of URL.
fn unused_with(section: &Section<'_, '_>, key: &str, is_set: bool, scheme: &str) {
    if let Some(span) = section.span(key).filter(|_| is_set) {
        let title = format!("`{key}` has no effect with {scheme}");
        section.problems.add(span, title, "no effect", "remove one of the two");
    }
}
