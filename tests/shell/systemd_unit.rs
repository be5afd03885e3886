//! The systemd unit: accepted by systemd itself, and hardened. Without systemd-analyze only the text is examined.

use callbackd::exit::Exit;
use std::path::PathBuf;
use std::process::{Command, Output};

const UNIT: &str = include_str!("../../systemd/callbackd.service");

fn systemd(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("systemd").join(folder)
}

/// `None` where the tool is not installed.
fn run(tool: &str, args: &[&str]) -> Option<Output> {
    match Command::new(tool).args(args).output() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("{tool} is not installed here: not examined");
            None
        }
        other => Some(other.unwrap()),
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn its_exposure_is_at_most_1_5() {
    let unit = systemd("callbackd.service");
    let args = ["security", "--offline=true", "--threshold=15", "--no-pager", unit.to_str().unwrap()];
    let Some(output) = run("systemd-analyze", &args) else { return };
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("Overall exposure level for callbackd.service"), "{}", said(&output));
}

#[test]
fn systemd_understands_every_line() {
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("callbackd.service");
    let here = UNIT.replace("/usr/bin/callbackd", "/bin/true");
    assert_ne!(here, UNIT);
    std::fs::write(&unit, here).unwrap();
    let Some(output) = run("systemd-analyze", &["verify", "--man=no", "--recursive-errors=no", unit.to_str().unwrap()])
    else {
        return;
    };
    assert!(output.status.success(), "{}", said(&output));
    assert!(!said(&output).contains("callbackd.service"), "{}", said(&output));
}

#[test]
fn a_misspelt_line_would_be_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("callbackd.service");
    std::fs::write(&unit, UNIT.replace("/usr/bin/callbackd", "/bin/true").replace("ProtectHome=", "ProtectHouse="))
        .unwrap();
    let Some(output) = run("systemd-analyze", &["verify", "--man=no", "--recursive-errors=no", unit.to_str().unwrap()])
    else {
        return;
    };
    assert!(said(&output).contains("ProtectHouse"), "{}", said(&output));
}

#[test]
fn exits_that_a_restart_cannot_mend_are_not_restarted() {
    let line = UNIT.lines().find_map(|l| l.strip_prefix("RestartPreventExitStatus=")).unwrap();
    assert_eq!(line, format!("{} {} {}", Exit::Usage.code(), Exit::Data.code(), Exit::Config.code()));
}

#[test]
fn a_database_that_is_in_use_is_tried_for_ever() {
    let value = |key: &str| UNIT.lines().find_map(|line| line.strip_prefix(key));
    assert_eq!((value("StartLimitIntervalSec="), value("Restart=")), (Some("0"), Some("on-failure")));
    let never = value("RestartPreventExitStatus=").unwrap();
    assert!(!never.split(' ').any(|code| code == "75"), "{never}");
}

#[test]
fn the_user_of_the_unit_is_made_by_sysusers() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("etc")).unwrap();
    let root_arg = format!("--root={}", root.path().display());
    let users = systemd("callbackd.sysusers");
    let Some(output) = run("systemd-sysusers", &[&root_arg, users.to_str().unwrap()]) else { return };
    assert!(output.status.success(), "{}", said(&output));
    let user = UNIT.lines().find_map(|l| l.strip_prefix("User=")).unwrap();
    let passwd = std::fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    assert!(
        passwd.lines().any(|l| l.starts_with(&format!("{user}:")) && l.contains(":/var/lib/callbackd:")),
        "{passwd}"
    );
}
