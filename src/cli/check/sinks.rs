//! Whether each sink could be written to: its password, its authority, its address. Nothing is sent; `callbackd sink show` asks the server.

use super::report::{Finding, Report};
use crate::config::{Group, Sink, SinkInto, Tls};
use crate::daemon::secret::line_of;
use crate::ownership::open_trusted;
use callbackd_core::callbacks::group::Alone;
use std::net::ToSocketAddrs;

/// Adds what is found. The daemon starts without it, and writes nothing there until it is right.
pub(crate) fn look(sink: &Sink, report: &mut Report<'_>) {
    let into = match &sink.into {
        SinkInto::Postgres(database) => database.clone(),
        SinkInto::Nats { stream, .. } => format!("stream {stream}"),
    };
    look_at(sink, (format!("sink {}", sink.name), into), "changes would wait", report);
}

/// The same of the group's server. The daemon starts without it, and does meanwhile what `alone` says.
pub(crate) fn look_at_group(group: &Group, report: &mut Report<'_>) {
    let what = (format!("group {}", group.name), format!("buckets {0} and {0}-dnc", group.name));
    let without = match group.alone {
        Alone::Wait => "callbacks would wait",
        Alone::Dial => "callbacks would be made without asking",
    };
    look_at(&group.server, what, without, report);
}

fn look_at(sink: &Sink, (what, into): (String, String), without: &str, report: &mut Report<'_>) {
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
        Err(error) => Finding::warn(what, format!("{host} has no address now, {without}: {error}")),
        Ok(_) => Finding::ok(what, format!("{into} at {host}:{port}, {how}")),
    });
}
