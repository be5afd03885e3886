//! Whether each sink could be written to: its password, its authority, its address. Nothing is sent; `callbackd sink show` asks the server.

use super::report::{Finding, Report};
use crate::config::{Sink, SinkInto, Tls};
use crate::daemon::secret::line_of;
use crate::ownership::open_trusted;
use std::net::ToSocketAddrs;

/// Adds what is found. The daemon starts without it, and writes nothing there until it is right.
pub(crate) fn look(sink: &Sink, report: &mut Report<'_>) {
    let what = format!("sink {}", sink.name);
    let mut whole = true;
    let mut missing = |detail: String| {
        whole = false;
        report.add(&Finding::missing(what.clone(), detail));
    };
    if let Err(error) = line_of(&sink.password_file) {
        missing(format!("password_file: {error}"));
    }
    if let Some(Tls::CaFile(file)) = &sink.tls
        && let Err(error) = open_trusted("it", file)
    {
        missing(format!("tls_ca_file: {} cannot be read: {error}", file.display()));
    }
    if !whole {
        return;
    }
    let how = if sink.tls.is_some() { "encrypted" } else { "not encrypted" };
    let (host, port) = (sink.host.as_str(), sink.port);
    report.add(&match (host, port).to_socket_addrs() {
        Err(error) => Finding::warn(what, format!("{host} has no address now, changes would wait: {error}")),
        Ok(_) => {
            let into = match &sink.into {
                SinkInto::Postgres(database) => database.clone(),
                SinkInto::Nats { stream, .. } => format!("stream {stream}"),
            };
            Finding::ok(what, format!("{into} at {host}:{port}, {how}"))
        }
    });
}
