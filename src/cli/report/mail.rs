//! `callbackd report --mail`: the report of a window, yesterday's by default, into a directory and to a mail command.

use super::{ReportArgs, Rules, not_written};
use crate::cli::failure::Failure;
use crate::cli::target::enter;
use crate::config::Config;
use crate::daemon::run::host_name;
use crate::daemon::webhooks::command;
use crate::ownership;
use crate::report::faces::{html, mail};
use crate::store::Reader;
use jiff::Timestamp;
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
/// See [`Failure`]. What was done before stays: a file that is written is there, though its message was not taken.
pub fn run(args: &ReportArgs, config: &Config, now: Timestamp, notes: &mut impl Write) -> Result<(), Failure> {
    let places = &config.report_mail;
    if places.is_nowhere() {
        let why =
            "--mail: the configuration says nowhere to send it: set directory, or to and command, in [report.mail]";
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
    let name = format!("report-{days}");
    if let Some(directory) = &places.directory {
        let file = directory.join(format!("{name}.html"));
        keep(directory, &file, &page).map_err(not_written(&file))?;
        let _ = writeln!(notes, "Written: {}", file.display());
    }
    if let Some(program) = places.command.first() {
        let subject = mail::subject(&config.site.clone().unwrap_or_else(host_name), &report);
        let message = mail::compose(&places.to, &subject, &name, &report, &page);
        let reply =
            command::wait(&places.command, &message, PATIENCE).map_err(|none| Failure::NotSent(none.to_string()))?;
        if reply.code != 0 {
            let said: String = reply.text.split_whitespace().collect::<Vec<_>>().join(" ");
            let said: String = said.chars().filter(|c| !c.is_control()).collect();
            let why = if said.is_empty() { String::new() } else { format!(": {said}") };
            return Err(Failure::NotSent(format!("{program} ended with {}{why}", reply.code)));
        }
        let _ = writeln!(notes, "Sent to {}", places.to);
    }
    Ok(())
}

/// The directory is made if it is not there; what is above it must be.
fn keep(directory: &Path, file: &Path, page: &str) -> io::Result<()> {
    match DirBuilder::new().mode(0o750).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    ownership::replace(file, page.as_bytes(), ownership::New::default())
}
