//! `callbackd setup` beside a real Asterisk with a dialplan in no English words: its first call is recorded rightly.

use crate::daemon::Daemon;
use crate::lab::Lab;
use crate::{files, rows};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Where the trunk's calls arrive, a menu, and what is played at night, which it is on every day that there is.
const DIALPLAN: &str = "
[eingang]
exten => _555XXXX,1,Answer()
 same => n,GotoIfTime(*,*,30,feb?begruessung,s,1)
 same => n,Goto(nachtansage,s,1)
[begruessung]
exten => s,1,Background(announcement)
 same => n,WaitExten(3)
exten => 1,1,Queue(q00,,,,20)
 same => n,Hangup()
[nachtansage]
exten => s,1,Playback(announcement)
 same => n,Hangup()
";
const PROMPTLY: Duration = Duration::from_secs(30);

fn setup(lab: &Lab, files: &Path, more: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callbackd"));
    command.args(["setup", "--config", "fresh.toml", "--reload", "./console", "--asterisk"]).arg(lab.etc()).args(more);
    let Output { status, stdout, stderr } =
        command.current_dir(files).stdin(Stdio::null()).output().expect("it starts");
    (status.code().unwrap_or(-1), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

#[test]
fn after_setup_the_first_call_is_recorded_rightly() {
    let Some(lab) = Lab::start() else { return };
    let files = files("setup");
    let pjsip = fs::read_to_string(lab.etc().join("pjsip.conf")).expect("the lab has one");
    fs::write(lab.etc().join("pjsip.conf"), pjsip.replace("context=from-trunk", "context=eingang"))
        .expect("it can be written");
    let dialplan = fs::read_to_string(lab.etc().join("extensions.conf")).expect("the lab has one");
    fs::write(lab.etc().join("extensions.conf"), dialplan + DIALPLAN).expect("it can be written");
    for command in ["dialplan reload", "module reload res_pjsip.so"] {
        lab.pbx.action(&[("Action", "Command"), ("Command", command)]).unwrap_or_else(|e| panic!("{command}: {e}"));
    }
    fs::write(files.join("console"), format!("#!/bin/sh\nexec {} \"$@\"\n", lab.console()))
        .expect("target is writable");
    fs::set_permissions(files.join("console"), fs::Permissions::from_mode(0o755)).expect("it was written");
    let shipped =
        include_str!("../../config/callbackd.toml").replace("username = \"callbackd\"", "username = \"newcomer\"");
    fs::write(files.join("fresh.toml"), &shipped).expect("target is writable");

    let (code, said) = setup(&lab, &files, &["--apply", "--region", "US"]);
    assert_eq!(code, 0, "{said}");
    let config = fs::read_to_string(files.join("fresh.toml")).expect("it is there");
    for words in
        ["    \"eingang\",\n", "ivr_contexts = [\"ivr-*\", \"begruessung\"]", "\"out-of-hours*\", \"nachtansage\"]"]
    {
        assert!(config.contains(words), "{words}: {said}");
    }
    assert!(!config.contains("\"from-internal\""), "phones are no customers: {said}");
    let (code, said) = setup(&lab, &files, &["--apply"]);
    assert!(code == 0 && said.contains("Nothing to change."), "a second time: {said}");

    let secret = fs::read_to_string(files.join("ami-secret")).expect("it was made");
    let placed = |_| {
        let config = config.replace("/var/lib/callbackd/calls.db", "@DIR@/calls.db");
        config.replace("# secret_file = \"ami-secret\"", "secret_file = \"@DIR@/secret\"")
    };
    let (address, ..) = lab.ami();
    let daemon =
        Daemon::start_with(&files, (address, "newcomer", secret.trim()), placed).unwrap_or_else(|e| panic!("{e}"));
    let checked = Command::new(env!("CARGO_BIN_EXE_callbackd"))
        .args(["check", "--connect", "--config", "callbackd.toml"])
        .current_dir(&files)
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success() && !said.contains("MISSING"), "{said}");
    let since = lab.pbx.position();
    let deadline = Instant::now() + PROMPTLY;
    lab.place("2135550117", "5550100", "wait:20-hangup", PROMPTLY).unwrap_or_else(|e| panic!("{e}"));
    let arrived = lab.arrival(since, "2135550117", "5550100", deadline).unwrap_or_else(|e| panic!("{e}"));
    daemon.wait_for_call(arrived.get("Linkedid"), deadline).unwrap_or_else(|e| panic!("{e}"));
    let linkedid = arrived.get("Linkedid").to_owned();
    let db = daemon.stop().unwrap_or_else(|e| panic!("{e}"));
    let row = rows::read(&db, &linkedid).expect("the tables are those of the design").expect("there is a row");
    for line in ["direction inbound", "status OUT_OF_TIME", "outcome ANNOUNCEMENT"] {
        assert!(row.lines.iter().any(|l| l == line), "{line}: {:?}, {}", row.lines, row.why);
    }

    let (code, said) = setup(&lab, &files, &["--undo"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(fs::read_to_string(files.join("fresh.toml")).expect("it is there"), shipped);
    assert!(!lab.etc().join("manager_callbackd.conf").exists() && !files.join("ami-secret").exists());
    assert!(!fs::read_to_string(lab.etc().join("manager.conf")).expect("it is there").contains("manager_callbackd"));
}
