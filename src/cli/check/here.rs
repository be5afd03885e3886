//! What can be checked on this machine, without the PBX: secrets, certificates, database.

use super::hours;
use super::report::{Finding, Report};
use crate::api::socket::group_id;
use crate::config::{ApiCertificate, Config, Pbx, Store, Tls};
use crate::daemon::Secret;
use crate::daemon::api_certificate;
use crate::exit::Exit;
use crate::ownership::{open_trusted, within};
use crate::records::{self, Files, Records, RecordsError};
use crate::store::Error;
use crate::store::examine::{Examined, State, examine};
use callbackd_core::reconcile::CdrLine;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Adds what is found. The configuration itself has been read.
pub(crate) fn look(config: &Config, path: &Path, credentials: Option<&Path>, now_ms: i64, report: &mut Report<'_>) {
    report.section("Configuration");
    report.add(&Finding::ok("configuration", path.display().to_string()));
    report.extend(&hours::doubts(config, now_ms));
    for pbx in &config.pbx {
        secret(pbx, credentials, report);
        if let Some(Tls::CaFile(file)) = &pbx.tls
            && let Err(error) = open_trusted("it", file)
        {
            let detail = format!("{} cannot be read: {error}", file.display());
            report.refuse(Exit::Config, &Finding::missing("tls_ca_file", detail));
        }
    }
    // As its owner: with the rights that the daemon will have.
    let db = &config.store.path;
    match within(db, || examine(db)).map_err(Error::from).flatten() {
        Ok(examined) => report.add(&database(&examined)),
        Err(Error::NoDirectory { path, directory }) if is_state_directory(&directory) => {
            let detail = format!(
                "{}, not there yet: callbackd.service makes {} when it is started for the first time",
                path.display(),
                directory.display()
            );
            report.add(&Finding::ok("database", detail));
        }
        Err(error) => {
            let exit = Exit::from_code(error.exit_code());
            report.refuse(exit, &Finding::missing("database", error.to_string()));
        }
    }
    super::feed::look(config, report);
    for sink in &config.sinks {
        super::sinks::look(sink, report);
    }
    if let Some(group) = &config.group {
        super::sinks::look_at_group(group, report);
    }
    for webhook in config.webhooks.iter().chain(&config.report_mail.webhook) {
        super::webhooks::look(webhook, report);
    }
    if let Some(Err(error)) = config.api.group.as_deref().map(group_id) {
        let detail = format!("{error}: groupadd it, or name another; without it the socket is not made");
        report.refuse(Exit::Config, &Finding::missing("api.group", detail));
    }
    if let Some(files) = &config.api.tls {
        report.add(&certificate(files, now_ms));
    }
    for pbx in &config.pbx {
        gap(pbx, config.pbx.len() > 1, report);
    }
    if rustix::process::geteuid().is_root() {
        let detail = format!("root can read every file; as the service's user: {}", as_the_service(config, path));
        report.add(&Finding::warn("checked as root", detail));
    }
}

/// What the API shows to whoever comes by TLS.
fn certificate(files: &ApiCertificate, now_ms: i64) -> Finding {
    const SOON_S: u64 = 14 * 24 * 3600;
    let what = "certificate of the API";
    let now_s = u64::try_from(now_ms / 1000).unwrap_or_default();
    if let Err(error) = api_certificate::load(files).and_then(|_| api_certificate::in_its_time(files, now_s)) {
        return Finding::missing(what, error);
    }
    let shown = files.chain_file.display();
    match api_certificate::in_its_time(files, now_s + SOON_S) {
        Ok(()) => Finding::ok(what, format!("{shown}, with its key")),
        Err(_) => {
            Finding::warn(what, format!("{shown} expires within 14 days: renew it, then systemctl reload callbackd"))
        }
    }
}

/// What `StateDirectory=` of the unit names.
fn is_state_directory(directory: &Path) -> bool {
    Store::default().path.parent() == Some(directory)
}

/// The same check with the rights of the service, to which systemd hands the secrets that only root can read.
fn as_the_service(config: &Config, path: &Path) -> String {
    let beside = |file: &&PathBuf| file.parent() == path.parent() && file.to_string_lossy().contains("/ami-secret");
    let secrets: BTreeSet<&PathBuf> =
        config.pbx.iter().filter_map(|pbx| pbx.secret_file.as_ref()).filter(beside).collect();
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
    let mut command = "systemd-run --quiet --pipe --wait -p User=callbackd".to_owned();
    for secret in secrets {
        let name = secret.file_name().unwrap_or_default().to_string_lossy();
        command.push_str(&format!(" -p LoadCredential={name}:{}", absolute(secret)));
    }
    format!("{command} callbackd check --config {}", absolute(path))
}

/// Calls were answered in Dial() or Queue(), and no record names whom they rang: Asterisk was set to ignore it.
fn lacks_destinations(read: &Records) -> bool {
    let rang = |cdr: &CdrLine| ["Dial", "Queue"].contains(&&*cdr.lastapp) && cdr.disposition == "ANSWERED";
    read.cdrs.iter().any(rang) && read.cdrs.iter().all(|cdr| cdr.dstchannel.is_empty())
}

/// Asterisk's own files, by which gaps are proved; the PBX is named where there are `several`.
fn gap(pbx: &Pbx, several: bool, report: &mut Report<'_>) {
    let (files, zone) = (&pbx.gap, TimeZone::system());
    let here = ["127.", "localhost", "[::1]"].iter().any(|name| pbx.address.starts_with(name));
    let named = |key: &str| if several { format!("{key} of {}", pbx.name) } else { key.to_owned() };
    if let Some(path) = &files.cdr_csv {
        let what = named("gap.cdr_csv");
        let only = Files { cdr_csv: Some(path.clone()), queue_log: None };
        report.add(&match records::newest(&only, &zone) {
            Err(error) => not_yet(path, &error, what.clone(), "call")
                .unwrap_or_else(|| Finding::missing(what, error.to_string())),
            Ok(read) if read.cdrs.is_empty() => Finding::ok(what, format!("{}, no call yet", path.display())),
            Ok(read) if read.cdrs.iter().all(|cdr| cdr.uniqueid.is_none()) => {
                Finding::warn(what, "it holds no uniqueid: set loguniqueid = yes in [csv] of cdr.conf")
            }
            Ok(read) if read.cdrs.iter().all(|cdr| cdr.linkedid.is_none()) => {
                let hint = "it holds no linkedid, calls that were transferred are reconstructed in parts: set newcdrcolumns = yes in [csv] of cdr.conf";
                Finding::warn(what, hint)
            }
            Ok(read) if lacks_destinations(&read) => {
                let hint = "it does not name whom calls rang, so it cannot be known who was served in a gap: set ignoredialchanges = no and ignorestatechanges = no in [general] of cdr.conf";
                Finding::warn(what, hint)
            }
            Ok(_) => Finding::ok(what, format!("{}, with uniqueid and linkedid", path.display())),
        });
    }
    match &files.queue_log {
        Some(path) => {
            let only = Files { cdr_csv: None, queue_log: Some(path.clone()) };
            report.add(&match records::newest(&only, &zone) {
                Err(error) => not_yet(path, &error, named("gap.queue_log"), "call through a queue")
                    .unwrap_or_else(|| Finding::missing(named("gap.queue_log"), error.to_string())),
                Ok(_) => Finding::ok(named("gap.queue_log"), path.display().to_string()),
            });
        }
        None if files.cdr_csv.is_some() => {
            let detail = "not set: calls through queues stay UNKNOWN in event gaps";
            report.add(&Finding::warn(named("gap.queue_log"), detail));
        }
        None if here => {
            let table =
                if several { "cdr_csv and queue_log in [pbx.gap] below it" } else { "gap.cdr_csv and gap.queue_log" };
            let detail = format!("not set: calls stay UNKNOWN in event gaps; set {table}");
            report.add(&Finding::warn(named("gap"), detail));
        }
        None => {}
    }
}

/// A file that Asterisk makes when it has something to write into it, in a directory that is there.
fn not_yet(path: &Path, error: &RecordsError, what: String, first: &str) -> Option<Finding> {
    let absent = matches!(error, RecordsError::Unreadable { source, .. } if source.kind() == ErrorKind::NotFound);
    let directory = path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    let made_there = directory.is_some_and(|directory| directory.read_dir().is_ok());
    (absent && made_there).then(|| {
        let detail = format!(
            "{} is not there: Asterisk makes it with the first {first}; if there were some, it is another file",
            path.display()
        );
        Finding::warn(what, detail)
    })
}

fn secret(pbx: &Pbx, credentials: Option<&Path>, report: &mut Report<'_>) {
    let what = format!("secret of {}", pbx.name);
    match Secret::of(pbx, credentials).load() {
        Ok(_) => {
            let place = match (&pbx.secret_file, credentials) {
                (Some(file), _) => file.display().to_string(),
                (None, Some(directory)) => format!("credential in {}", directory.display()),
                (None, None) => String::new(),
            };
            report.add(&Finding::ok(what, place));
        }
        Err(error) => report.refuse(Exit::Config, &Finding::missing(what, error.to_string())),
    }
}

fn database(examined: &Examined) -> Finding {
    let path = examined.path.display();
    let state = match examined.state {
        State::Absent => "not there yet, the daemon will create it".to_owned(),
        State::Current => "of this version's schema".to_owned(),
        State::Older(version) => format!("schema {version}, the daemon will migrate it"),
        State::Unrecovered => "was not closed in order, the daemon will recover it".to_owned(),
    };
    match examined.in_use_by {
        Some(pid) => Finding::ok("database", format!("{path}, {state}, in use by the daemon (pid {pid})")),
        None => Finding::ok("database", format!("{path}, {state}")),
    }
}
