//! What can be checked on this machine, without the PBX: secrets, certificates, database.

use super::report::{Finding, Report};
use crate::config::{Config, Pbx, Tls};
use crate::daemon::Secret;
use crate::exit::Exit;
use crate::store::examine::{Examined, State, examine};
use std::path::Path;

/// Adds what is found. The configuration itself has been read.
pub fn look(config: &Config, path: &Path, credentials: Option<&Path>, report: &mut Report<'_>) {
    report.section("Configuration");
    report.add(&Finding::ok("configuration", path.display().to_string()));
    for pbx in &config.pbx {
        secret(pbx, credentials, report);
        if let Some(Tls::CaFile(file)) = &pbx.tls
            && let Err(error) = std::fs::File::open(file)
        {
            let detail = format!("{} cannot be read: {error}", file.display());
            report.refuse(Exit::Config, &Finding::missing("tls_ca_file", detail));
        }
    }
    match examine(&config.store.path) {
        Ok(examined) => report.add(&database(&examined)),
        Err(error) => {
            let exit = Exit::from_code(error.exit_code());
            report.refuse(exit, &Finding::missing("database", error.to_string()));
        }
    }
    if rustix::process::geteuid().is_root() {
        let detail = "no file is closed to root; as the service's user: runuser -u callbackd -- callbackd check";
        report.add(&Finding::warn("checked as root", detail));
    }
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
