//! The table `[report.mail]`: where `callbackd report --mail` sends the report of each day.

use super::section::Section;
use super::webhook::{self, Format, Map, Webhook};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where it goes; all may be set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReportMail {
    /// A file for each window is kept here.
    pub(crate) directory: Option<PathBuf>,
    /// The addressee of a message; empty: none is sent.
    pub(crate) to: String,
    /// Program and arguments that take a whole message on standard input.
    pub(crate) command: Vec<String>,
    /// An endpoint that takes it as one signed message.
    pub(crate) webhook: Option<Webhook>,
}

impl ReportMail {
    /// Nothing is sent anywhere.
    #[must_use]
    pub(crate) fn is_nowhere(&self) -> bool {
        self.directory.is_none() && self.command.is_empty() && self.webhook.is_none()
    }
}

/// Reads it out of `[report]`; files are taken relative to `dir`.
pub(super) fn read(report: &Section<'_, '_>, dir: &Path) -> ReportMail {
    let Some(table) = report.table("mail") else { return ReportMail::default() };
    let section = Section::new("report.mail", Some(table), report.problems);
    let to = section.text("to", "\"manager@example.com\"");
    let command = section.texts("command", "[\"/usr/sbin/sendmail\", \"-t\", \"-i\"]");
    let command: Option<Vec<String>> = command.map(|texts| texts.into_iter().map(|text| text.value).collect());
    for (key, other, example) in [
        ("to", "command", "command = [\"/usr/sbin/sendmail\", \"-t\", \"-i\"]"),
        ("command", "to", "to = \"manager@example.com\""),
        ("url", "secret_file", "secret_file = \"/etc/callbackd/webhook-report\""),
        ("secret_file", "url", "url = \"https://example.com/hooks/report\""),
        ("tls_ca_file", "url", "url = \"https://example.com/hooks/report\""),
        ("allow_plaintext", "url", "url = \"https://example.com/hooks/report\""),
    ] {
        if let (Some(at), None) = (section.span(key), section.span(other)) {
            section.problems.add(at, format!("`{key}` needs `{other}`"), "without it", format!("add {example}"));
        }
    }
    if let Some(at) = section.span("command")
        && !command.as_ref().and_then(|command| command.first()).is_some_and(|program| program.starts_with('/'))
    {
        let help = "write it whole: \"/usr/sbin/sendmail\"";
        section.problems.add(at, "`command` must begin with the path of a program", "no path", help);
    }
    ReportMail {
        directory: section.text("directory", "\"/var/lib/callbackd/reports\"").map(|text| dir.join(text.value)),
        to: to.map(|text| text.value).unwrap_or_default(),
        command: command.unwrap_or_default(),
        webhook: endpoint(&section, dir),
    }
}

/// The endpoint; `None` if there is none, or it is not as it must be.
fn endpoint(section: &Section<'_, '_>, dir: &Path) -> Option<Webhook> {
    let url = webhook::url(section);
    let secret_file = section.text("secret_file", "\"/etc/callbackd/webhook-report\"");
    let ca = section.text("tls_ca_file", "\"/etc/callbackd/report-ca.pem\"");
    webhook::ca_has_effect(section, ca.as_ref(), url.as_ref());
    Some(Webhook {
        name: "report.mail".to_owned(),
        url: url?,
        secret_file: dir.join(secret_file?.value),
        events: BTreeSet::new(),
        pbxs: BTreeSet::new(),
        queues: BTreeSet::new(),
        format: Format::Standard,
        allow_plaintext: section.flag("allow_plaintext"),
        tls_ca_file: ca.map(|text| dir.join(text.value)),
        to: String::new(),
        command: Vec::new(),
        responsible: None,
        map: Map::default(),
    })
}
