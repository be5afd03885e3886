//! The daemon's life: readiness, status, reload, watchdog, stop, a second signal, a PBX that comes and goes.

use crate::ports::free_port;
use crate::scripted::{Action, GREETING, Running, Server, Site, usual};
use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// What the daemon sends to the service manager, as it comes.
struct Notifications(UnixDatagram);

impl Notifications {
    fn at(site: &Site) -> Self {
        let socket = UnixDatagram::bind(site.path("notify")).unwrap();
        // No test waits this long unless it fails.
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self(socket)
    }

    /// Waits for a message with this line and returns the whole message.
    fn wait_for(&self, wanted: impl Fn(&str) -> bool, what: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            let read = self.0.recv(&mut buffer).unwrap_or_else(|e| panic!("systemd was not told {what}: {e}"));
            let message = String::from_utf8_lossy(&buffer[..read]).into_owned();
            if message.lines().any(&wanted) {
                return message;
            }
        }
    }

    fn wait_for_line(&self, line: &str) -> String {
        self.wait_for(|l| l == line, line)
    }
}

fn start(site: &Site, environment: &[(&str, &str)]) -> (Running, Notifications) {
    let recorded = Notifications::at(site);
    let mut command = site.command(&["run", "--config", "callbackd.toml"]);
    command.env("NOTIFY_SOCKET", site.path("notify"));
    for (key, value) in environment {
        command.env(key, value);
    }
    (Running::start(command), recorded)
}

fn usual_server(connections: usize) -> Server {
    Server::start(GREETING, connections, Box::new(|action| Some(usual(action))))
}

/// The events of a customer's call that nobody answers, from its first channel to the end of its last.
const CALL: &str = "\
Event: Newchannel\nTimestamp: 1795336414.770134\nChannel: PJSIP/trunk-00000002\nChannelState: 4\nCallerIDNum: 12025550123\nContext: from-trunk\nExten: 5550100\nUniqueid: 7.1\nLinkedid: 7.1\n\n\
Event: Newchannel\nTimestamp: 1795336414.871000\nChannel: PJSIP/101-00000003\nChannelState: 0\nContext: from-internal\nExten: s\nUniqueid: 7.2\nLinkedid: 7.1\n\n\
Event: DialBegin\nTimestamp: 1795336414.872000\nChannel: PJSIP/trunk-00000002\nChannelState: 4\nContext: from-trunk\nExten: 5550100\nUniqueid: 7.1\nLinkedid: 7.1\nDestChannel: PJSIP/101-00000003\nDestChannelState: 0\nDestUniqueid: 7.2\nDestLinkedid: 7.1\nDialString: 101\n\n";

const CALL_ENDS: &str = "\
Event: HangupRequest\nTimestamp: 1795336434.770000\nChannel: PJSIP/trunk-00000002\nChannelState: 4\nUniqueid: 7.1\nLinkedid: 7.1\nCause: 16\n\n\
Event: DialEnd\nTimestamp: 1795336434.771000\nChannel: PJSIP/trunk-00000002\nChannelState: 4\nUniqueid: 7.1\nLinkedid: 7.1\nDestChannel: PJSIP/101-00000003\nDestChannelState: 5\nDestUniqueid: 7.2\nDestLinkedid: 7.1\nDialStatus: CANCEL\n\n\
Event: Hangup\nTimestamp: 1795336434.772000\nChannel: PJSIP/101-00000003\nChannelState: 5\nUniqueid: 7.2\nLinkedid: 7.1\nCause: 0\n\n\
Event: Hangup\nTimestamp: 1795336434.773000\nChannel: PJSIP/trunk-00000002\nChannelState: 4\nUniqueid: 7.1\nLinkedid: 7.1\nCause: 16\n\n";

/// A server that sends these events after the lists of each login.
fn server_with(connections: usize, events: &'static [&'static [&'static str]]) -> Server {
    let mut login = 0;
    let answer = move |action: &Action| {
        let mut text = usual(action);
        if action.get("Action") == "CoreShowChannels" {
            text.push_str(&events.get(login).map(|texts| texts.concat()).unwrap_or_default());
            login += 1;
        }
        Some(text)
    };
    Server::start(GREETING, connections, Box::new(answer))
}

fn row(site: &Site) -> (String, String, String) {
    let db = Connection::open_with_flags(site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    db.query_row("SELECT status, outcome, quality FROM calls WHERE linkedid = '7.1'", [], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
    .unwrap()
}

#[test]
fn systemd_is_notified_that_the_daemon_is_ready_when_the_pbx_is_seen_and_how_it_stands() {
    let server = usual_server(1);
    let site = Site::new(server.port);
    let (daemon, recorded) = start(&site, &[]);
    recorded.wait_for_line("READY=1");
    recorded.wait_for_line("STATUS=pbx: live, 0 calls in progress; 0 calls stored since start");
    let (code, said) = daemon.end(Some(Signal::TERM));
    assert_eq!(code, Some(0), "{said}");
    recorded.wait_for_line("STOPPING=1");
    assert!(said.contains("session: Asterisk is ready"), "{said}");
    assert!(said.contains("daemon: callbackd has stopped"), "{said}");
}

#[test]
fn a_daemon_whose_pbx_is_away_starts_all_the_same_and_says_so() {
    let nobody = free_port();
    let site = Site::new(nobody);
    let (mut daemon, recorded) = start(&site, &[]);
    recorded.wait_for_line("READY=1");
    recorded.wait_for(
        |l| l.starts_with("STATUS=pbx: NOT CONNECTED (cannot connect to 127.0.0.1"),
        "that it is not connected",
    );
    daemon.wait_for("Cannot connect to Asterisk; calls are not recorded");
    assert_eq!(daemon.end(Some(Signal::INT)).0, Some(0));
}

#[test]
fn a_call_is_a_line_in_the_log_and_a_row_on_the_disk() {
    let server = server_with(1, &[&[CALL, CALL_ENDS]]);
    let site = Site::new(server.port);
    let (mut daemon, _told) = start(&site, &[]);
    daemon.wait_for(
        "call: Call ended, call=7.1 pbx=pbx direction=inbound status=CANCEL outcome=RING_ABANDON number=+12…0123 wait_s=20",
    );
    assert_eq!(row(&site), ("CANCEL".to_owned(), "RING_ABANDON".to_owned(), "full".to_owned()));
    daemon.end(Some(Signal::TERM));
}

#[test]
fn a_stop_in_the_middle_of_a_call_tells_it_as_unknown_and_a_start_without_it_keeps_that() {
    let server = server_with(2, &[&[CALL]]);
    let site = Site::new(server.port);
    let (daemon, recorded) = start(&site, &[]);
    recorded.wait_for_line("READY=1");
    recorded.wait_for(|l| l.starts_with("STATUS=pbx: live, 1 calls in progress"), "the call in progress");
    let (code, said) = daemon.end(Some(Signal::TERM));
    assert_eq!(code, Some(0));
    assert!(said.contains("status=UNKNOWN outcome=GAP"), "{said}");
    assert_eq!(row(&site), ("UNKNOWN".to_owned(), "GAP".to_owned(), "gap".to_owned()));

    std::fs::remove_file(site.path("notify")).unwrap();
    let (mut daemon, recorded) = start(&site, &[]);
    recorded.wait_for_line("READY=1");
    daemon.wait_for("reason=daemon_down");
    daemon.end(Some(Signal::TERM));
    assert_eq!(row(&site).0, "UNKNOWN");
}

#[test]
fn a_reload_applies_a_good_configuration_and_refuses_a_bad_one() {
    let server = usual_server(1);
    let site = Site::new(server.port);
    let (mut daemon, recorded) = start(&site, &[]);
    recorded.wait_for_line("READY=1");
    let hangup = |daemon: &Running| {
        rustix::process::kill_process(rustix::process::Pid::from_child(&daemon.child), Signal::HUP).unwrap();
    };

    let good = std::fs::read_to_string(site.path("callbackd.toml")).unwrap();
    site.configure(&format!("{good}[calls]\nshort_abandon = \"2s\"\n"));
    hangup(&daemon);
    let reloading = recorded.wait_for_line("RELOADING=1");
    assert!(reloading.lines().any(|l| l.starts_with("MONOTONIC_USEC=")), "{reloading}");
    recorded.wait_for_line("READY=1");
    daemon.wait_for("daemon: Configuration reloaded");

    site.configure(&format!("{good}[calls]\nshort_abadon = \"2s\"\n"));
    hangup(&daemon);
    recorded.wait_for_line("RELOADING=1");
    recorded.wait_for_line("READY=1");
    daemon.wait_for("The changed configuration has an error and is not used; the old one stays in force");

    site.configure(&good.replace("calls.db", "other.db"));
    hangup(&daemon);
    daemon.wait_for("Some changes take effect only after systemctl restart callbackd, tables=store");
    assert_eq!(daemon.end(Some(Signal::TERM)).0, Some(0));
    assert!(!site.path("other.db").exists());
}

#[test]
fn the_watchdog_is_fed_by_the_loop_at_half_its_period() {
    let server = usual_server(1);
    let site = Site::new(server.port);
    let (daemon, recorded) = start(&site, &[("WATCHDOG_USEC", "400000")]);
    for _ in 0..3 {
        recorded.wait_for_line("WATCHDOG=1");
    }
    assert_eq!(daemon.end(Some(Signal::TERM)).0, Some(0));
}

#[test]
fn a_second_signal_ends_a_daemon_that_is_slow_to_stop() {
    // The server never answers the good-bye, and the database is locked: an orderly stop would take a while.
    let server = Server::start(
        GREETING,
        1,
        Box::new(|action| {
            let text = if action.get("Action") == "Logoff" { String::new() } else { usual(action) };
            let events = if action.get("Action") == "CoreShowChannels" { CALL } else { "" };
            Some(text + events)
        }),
    );
    let site = Site::new(server.port);
    let (mut daemon, recorded) = start(&site, &[]);
    recorded.wait_for_line("READY=1");
    recorded.wait_for(|l| l.starts_with("STATUS=pbx: live, 1 calls in progress"), "the call in progress");
    let db = Connection::open(site.path("calls.db")).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let pid = rustix::process::Pid::from_child(&daemon.child);
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    daemon.wait_for("a second signal ends the daemon at once");
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(daemon.end(None).0, Some(143));
}

#[test]
fn a_pbx_that_hangs_up_before_it_is_known_is_tried_again() {
    let mut connection = 0;
    let server = Server::start(
        GREETING,
        2,
        Box::new(move |action| {
            let last = action.get("Action") == "CoreShowChannels";
            connection += usize::from(last);
            // The first connection is cut in the middle of the list.
            (!last || connection > 1).then(|| usual(action))
        }),
    );
    let site = Site::new(server.port);
    let (mut daemon, recorded) = start(&site, &[]);
    daemon.wait_for("session: Asterisk is ready");
    recorded.wait_for_line("READY=1");
    assert_eq!(daemon.end(Some(Signal::TERM)).0, Some(0));
}

/// What cannot be read, what nobody needs, and an answer that nobody asked for: beside a call that goes on unharmed.
const RUBBISH: &str = "\
Event: Hangup\nPrivilege: call,all\nTimestamp: 1795336420.000000\nthis line is no header\n\n\
of a frame that was torn\nUniqueid: 7.1\n\n\
Torn: too\nUniqueid: 7.1\n\n\
Event: Hangup\nPrivilege: call,all\nTimestamp: 1795336420.000000\nChannel: PJSIP/trunk-00000002\nChannelState: 6\n\
ChannelStateDesc: Up\nCallerIDNum: 1\nCallerIDName: x\nConnectedLineNum: 1\nConnectedLineName: x\nLanguage: en\nAccountCode: \n\
Context: from-trunk\nExten: s\nPriority: 1\nUniqueid: 7.1\nLinkedid: 7.1\nEvent: Hangup\n\n\
Event: Newchannel\nTimestamp: 1795336420.000000\nChannel: PJSIP/trunk-00000009\nChannelState: many\nUniqueid: 7.9\n\n\
Event: RTCPSent\nTimestamp: 1795336420.000000\nChannel: PJSIP/trunk-00000002\nUniqueid: 7.1\n\n\
Response: Success\nActionID: of-somebody-else\n\n";

#[test]
fn everything_that_is_counted_can_be_read_while_the_daemon_runs() {
    let mut connection = 0;
    let answer = move |action: &Action| {
        let last = action.get("Action") == "CoreShowChannels";
        connection += usize::from(last);
        // What is forged has the lists asked for again, some seconds later.
        let more = if last && connection == 2 { [CALL, RUBBISH, CALL_ENDS].concat() } else { String::new() };
        // The first connection is cut in the middle of the list.
        (!last || connection > 1).then(|| usual(action) + &more)
    };
    let server = Server::start(GREETING, 2, Box::new(answer));
    let site = Site::new(server.port);
    let configuration = std::fs::read_to_string(site.path("callbackd.toml")).unwrap();
    site.configure(&format!(
        "{configuration}[api]\nsocket = \"api.sock\"\n[callback]\nenabled = true\nquiet = \"off\"\ndial_agent = \"{{interface}}\"\n\
         dial_customer = \"PJSIP/{{number}}@trunk\"\n"
    ));
    let (mut daemon, _told) = start(&site, &[]);
    daemon.wait_for("call: Call ended, call=7.1");
    let counters = || -> serde_json::Value {
        let said = site.run(&["status", "--json", "--config", "callbackd.toml"]);
        serde_json::from_str::<serde_json::Value>(&said.out).unwrap_or_else(|e| panic!("{e}: {said:?}"))["counters"]
            .take()
    };
    // Of the call seven, of each connection three (the queue, its member, and that Asterisk has booted or the list has ended), and the
    // answer to the sign that this daemon makes callbacks.
    let all = 7 + 2 * 3 + 1;
    // The link adds up what it has read when it has handed it on, and a callback is one record more.
    let mut counted = counters();
    while counted["pbx"]["pbx"]["link"]["discarded"]["headless"] == 0
        || counted["store"]["batches"] == 0
        || counted["pbx"]["pbx"]["tracker"]["events"].as_u64() < Some(all)
    {
        counted = counters();
    }
    let link = &counted["pbx"]["pbx"]["link"];
    assert_eq!((&link["connections"], &link["logins"], &link["losses"]), (&2.into(), &1.into(), &1.into()), "{link}");
    let discarded = link["discarded"].as_object().unwrap();
    let reasons: Vec<(&str, u64)> = discarded.iter().map(|(r, n)| (r.as_str(), n.as_u64().unwrap())).collect();
    assert_eq!(
        reasons,
        [
            ("cut_short", 0),
            ("forged", 1),
            ("frame_too_long", 0),
            ("headless", 1),
            ("line_too_long", 0),
            ("not_a_header", 2),
            ("nul", 0),
            ("tainted", 0),
            ("too_many_headers", 0),
            ("torn", 0)
        ]
    );
    assert_eq!((&link["skipped"], &link["unknown_responses"], &link["dropped"]), (&1.into(), &1.into(), &0.into()));
    assert!(link["bytes"].as_u64() > Some((CALL.len() + RUBBISH.len() + CALL_ENDS.len()) as u64), "{link}");
    let tracker = &counted["pbx"]["pbx"]["tracker"];
    assert!(link["frames"].as_u64() > tracker["events"].as_u64(), "{counted}");
    assert_eq!(tracker["events"], all, "{tracker}");
    assert_eq!((&tracker["calls_recorded"], &tracker["events_unreadable"]), (&1.into(), &1.into()), "{tracker}");
    assert_eq!((&counted["callbacks"]["queued"], &counted["callbacks"]["dialled"]), (&1.into(), &0.into()));
    let store = &counted["store"];
    assert!(store["records"].as_u64() >= Some(2) && store["commits"].as_u64() >= Some(1), "{store}");
    assert_eq!((&store["refused"], &store["given_up"]), (&0.into(), &0.into()), "{store}");
    daemon.end(Some(Signal::TERM));
}
