//! Whether each webhook could be sent to: its secret, its authority, its address. Nothing is sent.

use super::report::{Finding, Report};
use crate::config::{Format, Webhook};
use crate::daemon::secret::text_of;
use crate::ownership::open_trusted;
use crate::webhook::Secret;
use std::net::ToSocketAddrs;
use std::os::unix::fs::PermissionsExt;

/// Adds what is found. The daemon starts without it, and sends nothing there until it is right.
pub(crate) fn look(webhook: &Webhook, report: &mut Report<'_>) {
    let what = format!("webhook {}", webhook.name);
    let file = &webhook.secret_file;
    if webhook.format == Format::Mail {
        let program = webhook.command.first().map(String::as_str).unwrap_or_default();
        let is_there =
            std::fs::metadata(program).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
        report.add(&if is_there {
            Finding::ok(what, format!("mail to {} by {program}", webhook.to))
        } else {
            Finding::missing(what, format!("command: there is no program {program}"))
        });
        return;
    }
    let mut whole = true;
    let mut missing = |detail: String| {
        whole = false;
        report.add(&Finding::missing(what.clone(), detail));
    };
    match text_of(file) {
        Err(error) => missing(format!("secret_file: {error}")),
        Ok(text) => {
            if let Err(error) = Secret::from_text(webhook.format, &text) {
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
