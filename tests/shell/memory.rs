//! Memory is bounded in bytes: each way in which a PBX, or whoever writes in its name, could fill it is tried on the real program.

use crate::scripted::{Action, GREETING, Running, Server, Site, counter, usual};
use serde_json::Value;
use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;
use tokio::time::Instant;

/// The daemon's resident set stays below this at all times, KiB.
const MOST_KIB: u64 = 256 * 1024;

/// A daemon beside a server that says what a test gives it.
pub(crate) struct Watched {
    pub(crate) site: Site,
    pub(crate) server: Server,
    pub(crate) daemon: Running,
}

/// The daemon of this site, with the environment that its unit gives it.
pub(crate) fn as_the_unit_runs_it(site: &Site) -> Command {
    const UNIT: &str = include_str!("../../systemd/callbackd.service");
    let set = UNIT.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('='));
    let mut command = site.command(&["run", "--config", "callbackd.toml"]);
    command.envs(set);
    command
}

impl Watched {
    fn start(answer: impl FnMut(&Action) -> Option<String> + Send + 'static, more: &str) -> Self {
        Self::with_waits(answer, more, "")
    }

    /// The same, with waits of its own (`callbackd::timing`).
    pub(crate) fn with_waits(
        answer: impl FnMut(&Action) -> Option<String> + Send + 'static,
        more: &str,
        waits: &str,
    ) -> Self {
        let server = Server::start(GREETING, 1_000, Box::new(answer));
        let site = Site::new(server.port);
        site.configure(&format!(
            "[pbx]\naddress = \"127.0.0.1:{}\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[numbers]\nregion = \"US\"\n\
             [api]\nsocket = \"api.sock\"\n{more}",
            server.port
        ));
        let mut command = as_the_unit_runs_it(&site);
        if !waits.is_empty() {
            command.env("CALLBACKD_TIMING", waits);
        }
        let mut daemon = Running::start(command);
        daemon.wait_for("Asterisk is ready");
        Self { site, server, daemon }
    }

    /// The largest resident set so far, KiB (`man 5 proc`, `VmHWM`).
    fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.daemon.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the daemon lives");
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub(crate) fn stays_small(&self) {
        let peak = self.peak_kib();
        println!("{peak} KiB");
        assert!(peak < MOST_KIB, "{peak} KiB were resident");
    }

    pub(crate) fn status(&self) -> Value {
        let said = self.site.run(&["status", "--json", "--config", "callbackd.toml"]);
        assert_eq!(said.code, 0, "{said:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    /// The same of a daemon that has its troubles; `null` while it does not answer yet.
    pub(crate) fn any_status(&self) -> Value {
        self.site.any_status()
    }

    pub(crate) fn calls_stored(&self) -> u64 {
        self.any_status()["calls_stored"].as_u64().unwrap_or(0)
    }

    /// A counter, by its path below `/counters/pbx/pbx`.
    fn counts(&self, path: &str) -> u64 {
        counter(&self.status(), path)
    }

    /// Says these events in portions, each when the daemon has taken the one before, so that none of them is dropped on the way.
    pub(crate) fn take(&self, events: impl Iterator<Item = String>) {
        let (mut said, mut portion) = (self.counts("tracker/events"), String::new());
        let mut events = events.peekable();
        while let Some(event) = events.next() {
            portion += &event;
            said += 1;
            if portion.len() > 8 << 20 || events.peek().is_none() {
                self.server.say(&std::mem::take(&mut portion));
                self.wait_for("all events to be taken", |watched| watched.counts("tracker/events") >= said);
                self.stays_small();
            }
        }
    }

    pub(crate) fn wait_for(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !is_so(self) {
            assert!(started.elapsed() < Duration::from_secs(60), "still waiting for {what}: {}", self.status());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A channel snapshot as Asterisk writes it, with this prefix; `long`: length of each text that others choose.
pub(crate) fn channel(prefix: &str, name: &str, id: &str, linkedid: &str, context: &str, long: usize) -> String {
    let mut text = String::new();
    let filler = "x".repeat(long);
    for (header, value) in [
        ("Channel", name),
        ("ChannelState", "4"),
        ("ChannelStateDesc", "Ring"),
        ("CallerIDNum", "12025550123"),
        ("CallerIDName", &filler),
        ("ConnectedLineNum", "<unknown>"),
        ("ConnectedLineName", "<unknown>"),
        ("Language", "en"),
        ("AccountCode", ""),
        ("Context", context),
        ("Exten", "5550100"),
        ("Priority", "1"),
        ("Uniqueid", id),
        ("Linkedid", linkedid),
    ] {
        writeln!(text, "{prefix}{header}: {value}").unwrap();
    }
    text
}

pub(crate) fn event(name: &str, headers: &str) -> String {
    format!("Event: {name}\nPrivilege: call,all\n{headers}\n")
}

/// A text that begins like no other and has this length.
pub(crate) fn longest(n: usize, length: usize) -> String {
    format!("{n:06}{}", "y".repeat(length - 6))
}

#[test]
fn channels_with_long_fields_are_cut_and_the_rest_refused() {
    let watched = Watched::start(|action| Some(usual(action)), "");
    let channels = 14_900;
    watched.take((0..channels).map(|n| {
        let (name, id) = (format!("PJSIP/{}-{n:08x}", longest(n, 4_000)), longest(n, 4_000));
        event("Newchannel", &channel("", &name, &id, &id, "from-trunk", 4_000))
    }));
    assert_eq!(watched.counts("tracker/texts_cut"), channels as u64 * 4);
    watched.stays_small();
}

#[test]
fn menu_steps_are_kept_while_there_is_room_for_all_of_them() {
    let watched = Watched::start(|action| Some(usual(action)), "[calls]\nivr_contexts = [\"ivr-*\"]\n");
    let (calls, steps) = (600, 200);
    let place = |n: usize, context: &str| {
        channel("", &format!("PJSIP/trunk-{n:08x}"), &format!("1.{n}"), &format!("1.{n}"), context, 10)
    };
    watched.take((0..calls).map(|n| event("Newchannel", &place(n, "from-trunk"))));
    watched.take((0..steps * calls).map(|n| {
        let context = format!("ivr-{}", longest(n / calls, 2_500));
        let runs = format!("{}Extension: s\nApplication: Background\nAppData: welcome\n", place(n % calls, &context));
        event("Newexten", &runs.replace("Exten: 5550100", "Exten: s"))
    }));
    watched.take(
        (0..calls)
            .map(|n| event("Hangup", &format!("{}Cause: 16\nCause-txt: Normal Clearing\n", place(n, "from-trunk")))),
    );
    watched.wait_for("the rows", |watched| watched.status()["calls_stored"] == calls);
    watched.stays_small();
}

#[test]
fn legs_are_kept_while_there_is_room_for_all_of_them() {
    let watched = Watched::start(|action| Some(usual(action)), "");
    let (calls, legs) = (60, 480);
    let caller =
        |n: usize| channel("", &format!("PJSIP/trunk-{n:08x}"), &format!("1.{n}"), &format!("1.{n}"), "from-trunk", 10);
    watched.take((0..calls).map(|n| event("Newchannel", &caller(n))));
    watched.take((0..legs * calls).map(|n| {
        let (name, id) = (format!("PJSIP/{}-{n:08x}", longest(n, 2_000)), longest(n, 2_000));
        let dest = channel("Dest", &name, &id, &format!("1.{}", n % calls), "internal", 10);
        event("DialBegin", &format!("{}{dest}DialString: PJSIP/{}\n", caller(n % calls), longest(n, 4_000)))
    }));
    watched.take((0..calls).map(|n| event("Hangup", &format!("{}Cause: 16\nCause-txt: Normal Clearing\n", caller(n)))));
    watched.wait_for("the rows", |watched| watched.status()["calls_stored"] == calls);
    watched.stays_small();
}

#[test]
fn members_with_long_names_are_cut_and_the_rest_refused() {
    let watched = Watched::start(|action| Some(usual(action)), "");
    watched.take((0..12_000).map(|n| {
        let text = longest(n, 4_000);
        let member = format!(
            "Queue: {text}\nMemberName: {text}\nInterface: PJSIP/{text}\nStateInterface: Local/{text}@x\nMembership: dynamic\nPenalty: 0\nCallsTaken: 0\n\
             LastCall: 0\nLastPause: 0\nInCall: 0\nStatus: 1\nPaused: 1\nPausedReason: {text}\nRinginuse: 1\nWrapuptime: 0\n"
        );
        event("QueueMemberAdded", &member).replace("call,all", "agent,all")
    }));
    assert!(watched.counts("tracker/agents_refused") > 0);
    watched.stays_small();
}

#[test]
fn a_list_without_end_in_answer_to_an_action_is_cut() {
    // The first thing that a daemon with callbacks does: its sign for others.
    let answer = |action: &Action| match action.get("Action") {
        "Setvar" => Some("Response: Success\nActionID: @ID@\nEventList: start\n\n".to_owned()),
        _ => Some(usual(action)),
    };
    let dial = "[callback]\nenabled = true\nquiet = \"off\"\ndial_customer = \"PJSIP/{number}@provider\"\n";
    let watched = Watched::start(answer, dial);
    let sign = || watched.server.heard().into_iter().find(|action| action.get("Action") == "Setvar");
    watched.wait_for("the sign", |_| sign().is_some());
    let id = sign().unwrap().get("ActionID").to_owned();
    let item = format!("Event: QueueMember\nActionID: {id}\n{}\n", format!("Note: {}\n", "n".repeat(7_000)).repeat(8));
    for _ in 0..50 {
        watched.server.say(&item.repeat(100));
        watched.stays_small();
    }
    watched.server.say(&format!("Event: ListComplete\nActionID: {id}\nEventList: Complete\nListItems: 5000\n\n"));
    watched.wait_for("the end of the list", |watched| watched.counts("link/lists_cut") > 0);
    watched.stays_small();
}

/// A CDR with long texts of a call that nobody answered and that ended so many seconds before `now`.
fn cdr(n: usize, now: &jiff::Zoned, ago: i64) -> String {
    let at = |s: i64| (now - jiff::SignedDuration::from_secs(ago + s)).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let id = format!("{}.{n}", now.timestamp().as_second() - ago - 5);
    let (long, text) = ("l".repeat(250), "t".repeat(70));
    format!(
        "\"{text}\",\"12025550123\",\"5550100\",\"{text}\",\"{text}\",\"PJSIP/trunk-{n:08x}\",\"PJSIP/101-{n:08x}\",\"Dial\",\"{long}\",\"{}\",,\"{}\",\
         5,0,\"NO ANSWER\",\"DOCUMENTATION\",\"{id}\",\"{long}\",\"\",\"{id}\",{n}\n",
        at(5),
        at(0)
    )
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a gap is of now")]
fn a_long_cdr_file_is_read_in_portions_after_a_gap() {
    let files = "[calls]\ninbound_contexts = [\"from-trunk\"]\n[gap]\ncdr_csv = \"Master.csv\"\n";
    let watched = Watched::start(|action| Some(usual(action)), files);
    let Watched { site, server, daemon } = watched;
    daemon.end(Some(rustix::process::Signal::TERM));
    // Three hours of a busy PBX, and what ended in the gap.
    let (before, within) = (90_000, 6_000);
    let now = jiff::Zoned::now();
    let mut text = std::io::BufWriter::new(std::fs::File::create(site.path("Master.csv")).unwrap());
    for n in 0..before {
        use std::io::Write;
        text.write_all(cdr(n, &now, (before - n) as i64 / 9 + 30).as_bytes()).unwrap();
    }
    for n in before..before + within {
        use std::io::Write;
        text.write_all(cdr(n, &now, 0).as_bytes()).unwrap();
    }
    drop(text);
    let size = std::fs::metadata(site.path("Master.csv")).unwrap().len();
    assert!(size > 75 << 20, "{size}");
    let daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    let watched = Watched { site, server, daemon };
    let started = Instant::now();
    while watched.calls_stored() < within as u64 {
        assert!(started.elapsed() < Duration::from_secs(300), "{} calls are stored", watched.calls_stored());
        std::thread::sleep(Duration::from_millis(100));
    }
    watched.stays_small();
}

#[test]
fn what_is_to_be_sent_to_a_peer_that_does_not_read_has_an_end() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let site = Site::new(port);
    let mut command = site.command(&["run", "--config", "callbackd.toml"]);
    command.env("CALLBACKD_TIMING", "ami_unread=1000");
    let daemon = Running::start(command);
    let portion =
        "Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 1\r\nStatus: Fully Booted\r\n\r\n".repeat(10_000);
    // The daemon hangs up and comes again; each time it waits longer.
    for _ in 0..3 {
        let (mut client, _) = listener.accept().unwrap();
        client.write_all(GREETING.replace('\n', "\r\n").as_bytes()).unwrap();
        for message in ["Challenge: 840415273", "Message: Authentication accepted"] {
            let mut heard = String::new();
            while !heard.ends_with("\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte).unwrap();
                heard.push(char::from(byte[0]));
            }
            let id = heard.lines().find_map(|line| line.strip_prefix("ActionID: ")).unwrap();
            client.write_all(format!("Response: Success\r\nActionID: {id}\r\n{message}\r\n\r\n").as_bytes()).unwrap();
        }
        let taken = (0..500).take_while(|_| client.write_all(portion.as_bytes()).is_ok()).count();
        assert!(taken > 0);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the daemon lives");
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!("{peak} KiB");
    // How much would come together depends on how fast the machine is.
    assert!(peak < MOST_KIB / 4, "{peak} KiB were resident");
}

/// A server of PostgreSQL that lets everybody in and then says this for as long as it is listened to.
fn without_an_end(listener: &std::net::TcpListener, on_login: &[u8], portion: &[u8]) {
    use std::io::{Read, Write};
    let (mut client, _) = listener.accept().unwrap();
    let mut startup = [0; 4];
    client.read_exact(&mut startup).unwrap();
    let mut rest = vec![0; u32::from_be_bytes(startup) as usize - 4];
    client.read_exact(&mut rest).unwrap();
    client.write_all(on_login).unwrap();
    let taken = (0..4_000).take_while(|_| client.write_all(portion).is_ok()).count();
    assert!(taken < 4_000, "all of it was read");
}

#[test]
fn a_server_that_never_ends_its_answer_fills_no_memory_and_is_named() {
    const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut watched = Watched::start(
        |action| Some(usual(action)),
        &format!(
            "[[sink]]\nname = \"head\"\ntype = \"postgres\"\nurl = \"postgres://callbackd@127.0.0.1:{port}/callbackd\"\npassword_file = \"secret\"\n"
        ),
    );
    let zeros = vec![0; 1 << 20];
    // One message of 1 GiB in the place of the welcome; the same in the place of a row; short messages one after another.
    without_an_end(&listener, b"R\x40\0\0\0", &zeros);
    watched.daemon.wait_for("the server's answer is longer than 1 MiB");
    without_an_end(&listener, &[WELCOME, b"D\x40\0\0\0"].concat(), &zeros);
    without_an_end(&listener, WELCOME, &b"N\0\0\0\x05\0".repeat(100_000));
    watched.wait_for("three failures", |watched| {
        watched.status()["counters"]["sinks"]["head"]["errors"].as_u64() >= Some(3)
    });
    watched.stays_small();
    assert!(watched.peak_kib() < MOST_KIB / 4);
}
