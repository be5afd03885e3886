//! Whether each webhook could be sent to: its secret, its authority, its address. Nothing is sent.

use super::report::{Finding, Report};
use crate::config::Webhook;
use crate::daemon::secret::text_of;
use crate::ownership::open_trusted;
use crate::webhook::Keys;
use std::net::ToSocketAddrs;

/// Adds what is found. The daemon starts without it, and sends nothing there until it is right.
pub fn look(webhook: &Webhook, report: &mut Report<'_>) {
    let what = format!("webhook {}", webhook.name);
    let mut whole = true;
    let mut missing = |detail: String| {
        whole = false;
        report.add(&Finding::missing(what.clone(), detail));
    };
    let file = &webhook.secret_file;
    match text_of(file) {
        Err(error) => missing(format!("secret_file: {error}")),
        Ok(text) => {
            if let Err(error) = Keys::from_text(&text) {
                missing(format!("secret_file: {}: {error}", file.display()));
            }
        }
    }
    if let Some(file) = &webhook.tls_ca_file
        && let Err(error) = open_trusted("it", file)
    {
        missing(format!("tls_ca_file: {} cannot be read: {error}", file.display()));
    }
    if !whole {
        return;
    }
    let (host, port) = webhook.host_and_port();
    let how = if webhook.is_encrypted() { "encrypted" } else { "not encrypted" };
    report.add(&match (host, port).to_socket_addrs() {
        Err(error) => Finding::warn(what, format!("{host} has no address now, messages would wait: {error}")),
        Ok(_) => Finding::ok(what, format!("{host}:{port}, {how}, secret in {}", file.display())),
    });
}
