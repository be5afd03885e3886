//! The unit at work: installed as the operator's manual says, run by a real systemd, with a PBX, calls, a callback, commands, reload, restart and stop. Three
//! users come near it: the daemon's own, a member of its group, a stranger. Skipped, and said so, where no container can be made.

use crate::scripted::{Action, GREETING, SECRET, Server, usual};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Ann's phone is free.
const MEMBERS: &str = "Response: Success\nActionID: @ID@\nEventList: start\nMessage: Queue status will follow\n\n\
    Event: QueueParams\nQueue: sales\nStrategy: ringall\nCalls: 0\nActionID: @ID@\n\n\
    Event: QueueMember\nQueue: sales\nName: Ann\nLocation: PJSIP/101\nStateInterface: PJSIP/101\nStatus: 1\nPaused: 0\n\
    PausedReason: \nPenalty: 0\nCallsTaken: 0\nLastCall: 0\nInCall: 0\nWrapuptime: 0\nActionID: @ID@\n\n\
    Event: QueueStatusComplete\nActionID: @ID@\nEventList: Complete\nListItems: 2\n\n";

/// A call that nobody answers, from its first event to its last.
const CALL: &str = "\
    Event: Newchannel\nChannel: PJSIP/trunk-00000002\nChannelState: 4\nCallerIDNum: 12025550123\nContext: from-trunk\nExten: 5550100\nUniqueid: 7.1\nLinkedid: 7.1\n\n\
    Event: QueueCallerJoin\nChannel: PJSIP/trunk-00000002\nChannelState: 6\nUniqueid: 7.1\nLinkedid: 7.1\nQueue: sales\nPosition: 1\nCount: 1\n\n\
    Event: QueueCallerAbandon\nChannel: PJSIP/trunk-00000002\nChannelState: 6\nUniqueid: 7.1\nLinkedid: 7.1\nQueue: sales\nPosition: 1\nOriginalPosition: 1\nHoldTime: 20\n\n\
    Event: QueueCallerLeave\nChannel: PJSIP/trunk-00000002\nChannelState: 6\nUniqueid: 7.1\nLinkedid: 7.1\nQueue: sales\nPosition: 1\nCount: 0\n\n\
    Event: Hangup\nChannel: PJSIP/trunk-00000002\nChannelState: 6\nUniqueid: 7.1\nLinkedid: 7.1\nCause: 16\n\n";

fn pbx(action: &Action) -> Option<String> {
    Some(match action.get("Action") {
        "QueueStatus" => MEMBERS.to_owned(),
        "CoreShowChannels" => usual(action) + CALL,
        _ => usual(action),
    })
}

/// What the container's script found, by its keys.
struct Report(BTreeMap<String, String>);

impl Report {
    fn of(&self, key: &str) -> &str {
        self.0.get(key).unwrap_or_else(|| panic!("nothing is reported of {key}: {:#?}", self.0))
    }

    /// It went well, and said this.
    fn went(&self, key: &str, words: &str) {
        let said = self.of(key);
        assert!(said.starts_with("0 ") && said.contains(words), "{key}: {said}\n{:#?}", self.0);
    }

    /// It did not, and said this.
    fn failed(&self, key: &str, words: &str) {
        let said = self.of(key);
        assert!(!said.starts_with("0 ") && said.contains(words), "{key}: {said}\n{:#?}", self.0);
    }
}

/// One life of the unit in a container, with these changes to it; `None` where there can be no container.
fn life(address: impl Fn(u16) -> String, dropin: Option<&str>) -> Option<(Report, Server)> {
    life_of("252", address, dropin)
}

/// The same of the unit for a systemd of this version, run by the one that is here.
fn life_of(version: &str, address: impl Fn(u16) -> String, dropin: Option<&str>) -> Option<(Report, Server)> {
    let server = Server::start(GREETING, 8, Box::new(pbx));
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    put("inside", include_str!("../systemd/inside"));
    put("ami-secret", SECRET);
    let passed = version == "252";
    let secret = if passed { "" } else { "secret_file = \"ami-secret\"\n" };
    put(
        "callbackd.toml",
        &format!(
            "[pbx]\naddress = \"{}\"\n{secret}[callback]\nenabled = true\nquiet = \"off\"\ndial_customer = \"PJSIP/{{number}}@provider\"\n",
            address(server.port)
        ),
    );
    if let Some(dropin) = dropin {
        put("dropin.conf", dropin);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let unit = Command::new(root.join("systemd/unit")).arg(version).output().expect("it is executable");
    assert!(unit.status.success(), "{}", String::from_utf8_lossy(&unit.stderr));
    put("callbackd.service", &String::from_utf8_lossy(&unit.stdout));
    let output = Command::new(root.join("tests/systemd/container"))
        .arg(dir.path())
        .arg(env!("CARGO_BIN_EXE_callbackd"))
        .arg(dir.path().join("callbackd.service"))
        .output()
        .expect("it is executable");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(69) {
        eprintln!("{}: the unit was not run", said.trim_end());
        return None;
    }
    assert!(output.status.success(), "{said}");
    let report = std::fs::read_to_string(dir.path().join("report")).unwrap();
    let pairs = report.lines().filter_map(|line| line.split_once(": "));
    let report = Report(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect());
    assert_eq!(report.of("end"), "reached|");
    Some((report, server))
}

/// All that the daemon is there for.
fn works(report: &Report, server: &Server) {
    for step in ["start", "reload", "restart", "stop"] {
        report.went(step, "");
    }
    assert_eq!(report.of("result-after-reload"), "active|");
    report.failed("reload-of-a-fault", "");
    assert_eq!(report.of("result-after-fault"), "active|");
    assert_eq!(report.of("result"), "success 0 0|");
    report.went("status", "live");
    report.went("member-commands", "");
    report.went("member-lists", "+12025550142");
    report.went("log", "call: Call ended, call=7.1 pbx=pbx direction=inbound");
    report.went("log", "callback: Callback queued, callback=");
    report.went("log", "daemon: Configuration reloaded");
    report.went("log", "daemon: callbackd has stopped");
    assert_eq!(report.of("log-errors").trim_start_matches("0 ").replace("-- No entries --", ""), "|");
    let dialled: Vec<String> = server.heard().iter().map(|a| a.get("Action").to_owned()).collect();
    assert!(dialled.iter().any(|action| action == "Originate"), "{dialled:?}\n{:#?}", report.0);
}

#[test]
fn the_unit_runs_without_privilege_and_only_its_group_comes_near() {
    let Some((report, server)) = life(|port| format!("127.0.0.1:{port}"), None) else { return };
    works(&report, &server);
    report.went("check", "/var/lib/callbackd/calls.db, not there yet: callbackd.service makes /var/lib/callbackd");
    report.went(
        "check",
        "as the service's user: systemd-run --quiet --pipe --wait -p User=callbackd -p LoadCredential=ami-secret:",
    );
    report.went("check-as-the-service", "secret of pbx      credential in ");
    assert!(!report.of("check-as-the-service").contains("checked as root"), "{}", report.of("check-as-the-service"));

    assert_eq!(report.of("user").trim_end_matches('|').trim(), "callbackd callbackd");
    for set in ["CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(report.of(set), "0000000000000000|", "{set}");
    }
    assert_eq!((report.of("NoNewPrivs"), report.of("Seccomp")), ("1|", "2|"));
    report.failed("writes-etc", "Read-only file system");
    report.failed("writes-its-configuration", "Read-only file system");
    report.went("writes-its-state", "");
    report.failed("sees-homes", "Permission denied");
    report.went("sees-devices", "null");
    assert!(!report.of("sees-devices").contains("da"), "{}", report.of("sees-devices"));
    assert_eq!((report.of("listens"), report.of("talks")), ("0|", "1|"), "ports that it listens on, and its link");

    assert_eq!(
        report.of("modes").trim_end_matches('|').split('|').collect::<Vec<_>>(),
        [
            "750 callbackd callbackd /var/lib/callbackd",
            "640 callbackd callbackd /var/lib/callbackd/calls.db",
            "640 callbackd callbackd /var/lib/callbackd/calls.db-wal",
            "640 callbackd callbackd /var/lib/callbackd/calls.db-shm",
            "750 callbackd callbackd /run/callbackd",
            "660 callbackd callbackd /run/callbackd/api.sock",
        ]
    );
    report.went("member-reads-while-it-runs", "1|");
    report.went("member-reads-while-it-does-not-run", "1|");
    report.failed("member-writes", "readonly");
    for (refused, words) in [
        ("stranger-reads", "unable to open database"),
        ("stranger-reads-while-it-does-not-run", "unable to open database"),
        ("stranger-reads-the-secret", "Permission denied"),
        ("stranger-commands", "no permission for /run/callbackd/api.sock"),
        ("stranger-connects", "curl: (7)"),
    ] {
        report.failed(refused, words);
    }
}

#[test]
fn no_call_to_the_system_is_made_that_the_unit_forbids() {
    // Instead of EPERM, which a program may swallow. By name, so that the resolver works under the same filter.
    let kill = "[Service]\nSystemCallErrorNumber=kill\n";
    let Some((report, server)) = life(|port| format!("localhost:{port}"), Some(kill)) else { return };
    let bitten = report.of("forbidden-call");
    assert!(["signal|", "core-dump|"].contains(&bitten), "the filter does not bite here, and proves nothing: {bitten}");
    works(&report, &server);
}

#[test]
fn the_units_for_older_systemd_do_the_same_work() {
    for version in ["239", "219"] {
        let Some((report, server)) = life_of(version, |port| format!("127.0.0.1:{port}"), None) else { return };
        works(&report, &server);
        assert_eq!(report.of("user").trim_end_matches('|').trim(), "callbackd callbackd", "{version}");
        assert_eq!((report.of("CapEff"), report.of("NoNewPrivs")), ("0000000000000000|", "1|"), "{version}");
        report.failed("writes-etc", "Read-only file system");
        report.failed("stranger-reads-the-secret", "Permission denied");
        report.failed("stranger-reads", "unable to open database");
    }
}
