//! `callbackd report --mail`: the report of a window, yesterday's by default, into a directory, to a mail command, to a webhook.

use super::{ReportArgs, Rules, not_written};
use crate::cli::failure::Failure;
use crate::cli::target::enter;
use crate::config::{Config, ReportMail};
use crate::daemon::run::host_name;
use crate::daemon::webhooks::{command, deliver};
use crate::ownership;
use crate::report::faces::{Report, html, mail};
use crate::store::Reader;
use crate::webhook::Endpoint;
use jiff::Timestamp;
use serde_json::json;
use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

/// A mail command that takes longer is killed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the command. The daemon need not run.
///
/// # Errors
/// See [`Failure`]; of several the last. Each place gets it, though another one did not take it.
pub fn run(args: &ReportArgs, config: &Config, now: Timestamp, notes: &mut impl Write) -> Result<(), Failure> {
    let places = &config.report_mail;
    if places.is_nowhere() {
        let why = "--mail: the configuration says nowhere to send it: set directory, to and command, or url and secret_file, in [report.mail]";
        return Err(Failure::Usage(why.to_owned()));
    }
    let (db, zone) = (&config.store.path, config.zone());
    enter(db)?;
    let reader = Reader::open(db)?;
    let word = args.window.as_deref().or(Some("yesterday")).filter(|_| args.from.is_none());
    let pbxs = config.pbx.iter().map(|pbx| pbx.name.clone()).collect();
    let by_what = Rules { pbxs: &pbxs, thresholds: &config.report, zone: &zone, now };
    let (window, chosen, reported) = by_what.read(args, word, &reader, notes)?;
    let report = reported.shown(
        args.lang.unwrap_or(config.report_language),
        &window,
        &chosen,
        (&config.report, &zone),
        now.as_millisecond(),
    );
    let page = html::page(&report);
    let last = window.to.yesterday().unwrap_or(window.to);
    let days = if last == window.from { window.from.to_string() } else { format!("{}-to-{last}", window.from) };
    let site = config.site.clone().unwrap_or_else(host_name);
    let subject = mail::subject(&site, &report);
    let made = Made { report: &report, site, subject, days, page };
    let mut failed = None;
    for done in [made.keep(places), made.send(places), made.post(places)] {
        match done {
            Ok(said) => said.into_iter().for_each(|said| drop(writeln!(notes, "{said}"))),
            // The others have it all the same.
            Err(failure) => {
                if let Some(before) = failed.replace(failure) {
                    let _ = writeln!(notes, "{before}");
                }
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// What is sent.
struct Made<'r> {
    report: &'r Report<'r>,
    site: String,
    subject: String,
    /// As they stand in names of files.
    days: String,
    page: String,
}

impl Made<'_> {
    fn name(&self) -> String {
        format!("report-{}", self.days)
    }

    /// Into the directory.
    fn keep(&self, places: &ReportMail) -> Result<Option<String>, Failure> {
        let Some(directory) = &places.directory else { return Ok(None) };
        let file = directory.join(format!("{}.html", self.name()));
        keep(directory, &file, &self.page).map_err(not_written(&file))?;
        Ok(Some(format!("Written: {}", file.display())))
    }

    /// To the mail command.
    fn send(&self, places: &ReportMail) -> Result<Option<String>, Failure> {
        let Some(program) = places.command.first() else { return Ok(None) };
        let message = mail::compose(&places.to, &self.subject, &self.name(), self.report, &self.page);
        let reply =
            command::wait(&places.command, &message, PATIENCE).map_err(|none| Failure::NotSent(none.to_string()))?;
        if reply.code != 0 {
            let said: String = reply.text.split_whitespace().collect::<Vec<_>>().join(" ");
            let said: String = said.chars().filter(|c| !c.is_control()).collect();
            let why = if said.is_empty() { String::new() } else { format!(": {said}") };
            return Err(Failure::NotSent(format!("{program} ended with {}{why}", reply.code)));
        }
        Ok(Some(format!("Sent to {}", places.to)))
    }

    /// To the webhook: the message's id is of the days and the moment, and the same over all attempts.
    fn post(&self, places: &ReportMail) -> Result<Option<String>, Failure> {
        let Some(webhook) = &places.webhook else { return Ok(None) };
        let (window, made_ms) = (self.report.window, self.report.made_ms);
        let id = format!("msg_{}_{made_ms}", self.name());
        let data = json!({
            "site": self.site,
            "from": window.from,
            "to": window.to,
            "language": self.report.language.code(),
            "subject": self.subject,
            "text": mail::text(self.report),
            "file": format!("{}.html", self.name()),
            "html": self.page,
        });
        let body = |endpoint: &Endpoint| endpoint.report_body(&id, made_ms, (&self.site, &self.days), &data);
        let (host, _) = webhook.host_and_port();
        deliver(webhook, &id, body).map_err(|why| Failure::NotSent(format!("the webhook at {host}: {why}")))?;
        Ok(Some(format!("Sent to the webhook at {host}")))
    }
}

/// The directory is made if it is not there; what is above it must be.
fn keep(directory: &Path, file: &Path, page: &str) -> io::Result<()> {
    match DirBuilder::new().mode(0o750).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    ownership::replace(file, page.as_bytes(), ownership::New::default())
}
