//! Logins that a real Asterisk refuses: the daemon names the fix, keeps trying, and is in as soon as it was done.

use crate::daemon::Daemon;
use crate::files;
use crate::lab::Lab;
use std::time::{Duration, Instant};

/// A refused login is tried again after half a minute.
fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn refused(daemon: &Daemon, words: &str) -> Result<(), String> {
    daemon
        .wait_for_line(soon(), "refused login", |l| {
            l.contains("AMI connection needs operator action; no calls are being recorded") && l.contains(words)
        })
        .map(drop)
}

fn is_in(daemon: &Daemon) -> Result<(), String> {
    daemon.wait_for_line(soon(), "Asterisk is ready", |l| l.contains("Asterisk is ready")).map(drop)
}

#[test]
fn a_secret_that_is_corrected_on_the_disk_is_taken_without_a_restart() {
    let Some(lab) = Lab::start() else { return };
    let corrected = || -> Result<(), String> {
        let (address, username, secret) = lab.ami();
        let dir = files("wrong_secret");
        let daemon = Daemon::start(&dir, (address, username, "not this one"))?;
        refused(&daemon, "compare username and secret with manager.conf")?;
        std::fs::write(dir.join("secret"), secret).map_err(|e| e.to_string())?;
        is_in(&daemon)?;
        let said = daemon.said();
        assert!(!said.contains("not this one") && !said.contains(secret), "{said}");
        daemon.stop().map(drop)
    };
    corrected().unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn a_second_client_of_the_same_user_waits_until_the_first_has_gone() {
    let Some(lab) = Lab::start() else { return };
    let waits = || -> Result<(), String> {
        let (address, _, secret) = lab.ami();
        let user = (address, "callbackd-alone", secret);
        let first = Daemon::start(&files("first_client"), user.clone())?;
        is_in(&first)?;
        let second = Daemon::start(&files("second_client"), user)?;
        refused(&second, "allowmultiplelogin = no")?;
        first.stop()?;
        is_in(&second)?;
        second.stop().map(drop)
    };
    waits().unwrap_or_else(|e| panic!("{e}"));
}
