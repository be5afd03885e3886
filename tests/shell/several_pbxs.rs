//! One daemon and several PBXs: each by its own rules, with its own files; and commands that ask which one is meant.

use crate::pages::{ask, logged_in};
use crate::ports::free_port;
use crate::scripted::{GREETING, Running, Server, Site, usual};
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::Duration;

/// A call of the same linkedid on each PBX: nobody answers.
const CALL: &str = "\
Event: Newchannel\nTimestamp: 1795336414.770134\nChannel: PJSIP/trunk-00000002\nChannelState: 4\nCallerIDNum: 12025550123\nContext: from-trunk\nExten: 5550100\nUniqueid: 7.1\nLinkedid: 7.1\n\n\
Event: Hangup\nTimestamp: 1795336434.773000\nChannel: PJSIP/trunk-00000002\nChannelState: 4\nUniqueid: 7.1\nLinkedid: 7.1\nCause: 16\n\n";

fn server(events: &'static str) -> Server {
    let answer = move |action: &crate::scripted::Action| {
        let events = if action.get("Action") == "CoreShowChannels" { events } else { "" };
        Some(usual(action) + events)
    };
    Server::start(GREETING, 2, Box::new(answer))
}

/// Two PBXs, `a` and `b`, with these tables below each.
fn two(site: &Site, ports: [u16; 2], below: [&str; 2]) {
    let pbx = |name: &str, port: u16, below: &str| {
        format!("[[pbx]]\nname = \"{name}\"\naddress = \"127.0.0.1:{port}\"\nsecret_file = \"secret\"\n{below}")
    };
    let (a, b) = (pbx("a", ports[0], below[0]), pbx("b", ports[1], below[1]));
    site.configure(&format!(
        "{a}{b}[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n[hours]\ntimezone = \"UTC\"\n"
    ));
}

fn rows(site: &Site, sql: &str) -> Vec<(String, String)> {
    let db = Connection::open_with_flags(site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut rows = db.prepare(sql).unwrap();
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn each_pbx_has_rules_of_its_own() {
    let (a, b) = (server(CALL), server(CALL));
    let site = Site::new(1);
    two(&site, [a.port, b.port], ["[pbx.calls]\ninbound_contexts = [\"elsewhere\"]\n", ""]);
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("direction=inbound");
    daemon.end(Some(Signal::TERM));
    let found = rows(&site, "SELECT pbx, direction FROM calls WHERE linkedid = '7.1' AND direction = 'inbound'");
    assert_eq!(found, [("b".to_owned(), "inbound".to_owned())]);
}

#[test]
fn a_reload_takes_over_what_stands_below_a_pbx() {
    let server = server("");
    let site = Site::new(server.port);
    let recorded = UnixDatagram::bind(site.path("notify")).unwrap();
    // No test waits this long unless it fails.
    recorded.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let wait_for = |words: &str| {
        let mut buffer = [0; 4096];
        loop {
            let read = match recorded.recv(&mut buffer) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue, // a signal of another test
                read => read.unwrap_or_else(|e| panic!("not told {words}: {e}")),
            };
            let message = String::from_utf8_lossy(&buffer[..read]).into_owned();
            if message.contains(words) {
                return message;
            }
        }
    };
    let mut command = site.command(&["run", "--config", "callbackd.toml"]);
    command.env("NOTIFY_SOCKET", site.path("notify"));
    let daemon = Running::start(command);
    assert!(!wait_for("STATUS=pbx: live").contains("callbacks open"));
    let before = std::fs::read_to_string(site.path("callbackd.toml")).unwrap();
    site.configure(&format!("{before}[pbx.callback]\nenabled = true\n"));
    kill_process(Pid::from_child(&daemon.child), Signal::HUP).unwrap();
    wait_for("0 callbacks open, 0 going on");
    site.configure(&before);
    kill_process(Pid::from_child(&daemon.child), Signal::HUP).unwrap();
    wait_for("RELOADING=1");
    let (code, said) = daemon.end(Some(Signal::TERM));
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("take effect only after"), "{said}");
}

/// One call that nobody answered, which has just ended.
#[allow(clippy::disallowed_methods, reason = "a gap is of now")]
fn cdr(linkedid: &str) -> String {
    let at = |shift: i64| {
        let at = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(shift);
        at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    };
    format!(
        "\"\",\"12025550123\",\"5550100\",\"from-trunk\",\"\",\"PJSIP/trunk-{linkedid}\",\"PJSIP/101-{linkedid}\",\"Dial\",\"PJSIP/101,20\",\"{}\",,\"{}\",\
         5,0,\"NO ANSWER\",\"DOCUMENTATION\",\"{linkedid}\",\"\",\"\",\"{linkedid}\",1\n",
        at(6),
        at(1)
    )
}

#[test]
fn the_gap_of_each_pbx_is_filled_from_its_own_files() {
    let (a, b) = (server(""), server(""));
    let site = Site::new(1);
    let files = ["[pbx.gap]\ncdr_csv = \"a.csv\"\n", "[pbx.gap]\ncdr_csv = \"b.csv\"\n"];
    two(&site, [a.port, b.port], files);
    site.write("a.csv", "", 0o644);
    site.write("b.csv", "", 0o644);
    let run = || {
        let mut command = site.command(&["run", "--config", "callbackd.toml"]);
        command.env("CALLBACKD_TIMING", "records_look=100");
        Running::start(command)
    };
    let ready = |daemon: &mut Running| {
        daemon.wait_for("Asterisk is ready");
        daemon.wait_for("Asterisk is ready");
    };
    let mut daemon = run();
    ready(&mut daemon);
    daemon.end(Some(Signal::TERM));
    site.write("a.csv", &cdr("100.1"), 0o644);
    site.write("b.csv", &(cdr("200.1") + &cdr("100.1")), 0o644);
    let mut daemon = run();
    ready(&mut daemon);
    daemon.wait_for("Gap reconstructed from Asterisk's CDR and queue_log");
    daemon.wait_for("Gap reconstructed from Asterisk's CDR and queue_log");
    daemon.end(Some(Signal::TERM));
    let of = |pbx: &str, linkedid: &str| (pbx.to_owned(), linkedid.to_owned());
    assert_eq!(
        rows(&site, "SELECT pbx, linkedid FROM calls ORDER BY pbx, linkedid"),
        [of("a", "100.1"), of("b", "100.1"), of("b", "200.1")]
    );
}

#[test]
fn commands_ask_which_pbx_is_meant_where_several_may_be() {
    let site = Site::new(1);
    two(&site, [1, 2], ["", ""]);
    site.write("x.ami", "Asterisk Call Manager/9.0.0\r\n", 0o644);
    site.write("Master.csv", &cdr("100.1"), 0o644);
    let config = ["--config", "callbackd.toml"];
    let run = |args: &[&str]| site.run(&[args, &config].concat());
    for args in [
        &["replay", "--db", "x.db", "x.ami"][..],
        &["import"],
        &["import", "--cdr", "Master.csv"],
        &["audit", "--cdr", "Master.csv"],
    ] {
        let said = run(args);
        assert_eq!((said.code, said.err.trim()), (64, "error: which PBX? Add --pbx with one of: a, b"), "{args:?}");
        let said = run(&[args, &["--pbx", "c"]].concat());
        assert_eq!((said.code, said.err.trim()), (64, "error: no PBX `c`; there are `a`, `b`"), "{args:?}");
    }
    let said = run(&["import", "--cdr", "Master.csv", "--pbx", "b"]);
    assert_eq!(said.code, 0, "{said:#?}");
    assert_eq!(rows(&site, "SELECT pbx, linkedid FROM calls"), [("b".to_owned(), "100.1".to_owned())]);
    two(&site, [1, 2], ["", "[pbx.gap]\ncdr_csv = \"Master.csv\"\n"]);
    let said = run(&["audit", "--until", "2099-01-01"]);
    assert_eq!(said.code, 0, "only b has files: {said:#?}");
    let said = run(&["check", "--pbx", "c"]);
    assert_eq!((said.code, said.err.trim()), (64, "error: no PBX `c`; there are `a`, `b`"));
    let said = run(&["check", "--pbx", "b"]);
    assert!(said.out.contains("secret of b") && !said.out.contains("secret of a"), "{said:#?}");
    assert!(run(&["check"]).line(&["gap.cdr_csv of b"]).contains("Master.csv"));
}

/// A call on each PBX in a queue, which is of one name and one linkedid on both: nobody answers, and the agents are at lunch.
fn both_miss() -> (Server, Server, Site) {
    let call = call_of_now();
    let (a, b) = (at_lunch(call.clone()), at_lunch(call));
    let site = Site::new(1);
    two(&site, [a.port, b.port], ["", ""]);
    let config = std::fs::read_to_string(site.path("callbackd.toml")).unwrap();
    let enabled = "[callback]\nenabled = true\nquiet = \"off\"\ndial_agent = \"{interface}\"\ndial_customer = \"PJSIP/{number}@trunk\"\n";
    site.configure(&(config + enabled));
    (a, b, site)
}

/// [`CALL`], which ended ten seconds ago: an older miss is too old to be called back.
#[allow(clippy::disallowed_methods, reason = "a miss is of now")]
fn call_of_now() -> String {
    let at = |ago: i64| format!("{}.770134", jiff::Timestamp::now().as_second() - ago);
    CALL.replace("1795336414.770134", &at(30)).replace("1795336434.773000", &at(10))
}

fn at_lunch(events: String) -> Server {
    let answer = move |action: &crate::scripted::Action| {
        let events = if action.get("Action") == "CoreShowChannels" { &*events } else { "" };
        Some(crate::front::lunch(action).unwrap_or_default() + events)
    };
    Server::start(GREETING, 2, Box::new(answer))
}

#[test]
fn a_customer_missed_on_both_has_one_callback_and_both_calls_say_so_over_a_restart() {
    let (_a, _b, site) = both_miss();
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("Missed again; merged into the open callback, callback=1 pbx=");
    let said = site.run(&["callbacks", "--json", "--config", "callbackd.toml"]);
    let row: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let (pbx, first) = (row["pbx"].as_str().unwrap(), row["linkedid_pbx"].as_str().unwrap());
    assert_eq!((row["missed_count"].as_u64(), pbx != first), (Some(2), true), "on the PBX of the latest: {row}");
    daemon.end(Some(Signal::TERM));
    let missed = "SELECT pbx, callback_id || ' ' || linkedid FROM calls ORDER BY pbx";
    let on = |pbx: &str, text: &str| (pbx.to_owned(), text.to_owned());
    assert_eq!(rows(&site, missed), [on("a", "1 7.1"), on("b", "1 7.1")]);

    // It knows both misses again, and what ends the callback is said of both calls.
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("Asterisk is ready");
    daemon.wait_for("Asterisk is ready");
    let said = site.run(&["callbacks", "show", "1", "--config", "callbackd.toml"]);
    assert!(
        said.out.contains(&format!("call 1 of {first}")) != said.out.contains(&format!("call 2 of {first}")),
        "{said:#?}"
    );
    let (_, log) = daemon.end(Some(Signal::TERM));
    assert!(!log.contains("Callback queued"), "{log}");
}

#[test]
fn lists_have_the_pbx_where_there_are_several_and_can_be_of_one() {
    let (_a, _b, site) = both_miss();
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("Missed again; merged into the open callback");
    let list = |args: &[&str]| {
        let said = site.run(&[args, &["--config", "callbackd.toml"]].concat());
        assert_eq!(said.code, 0, "{args:?}: {said:#?}");
        said.out
    };
    for (command, of_b) in [(&["calls"][..], 1), (&["agents"], 2), (&["missed", "--since", "1d"], 3)] {
        let all = list(command);
        assert!(all.lines().next().unwrap().ends_with(" PBX"), "{all}");
        assert!(all.lines().any(|l| l.ends_with(" a")) && all.lines().any(|l| l.ends_with(" b")), "{all}");
        let one = list(&[command, &["--pbx", "b"]].concat());
        assert_eq!((one.lines().count(), one.contains("PBX")), (1 + of_b, false), "{one}");
    }
    let owner = rows(&site, "SELECT pbx, state FROM callbacks").remove(0).0;
    let other = if owner == "a" { "b" } else { "a" };
    assert!(list(&["callbacks"]).lines().nth(1).unwrap().ends_with(&format!("  {owner}")));
    let lines = |pbx: &str| list(&["callbacks", "--pbx", pbx]).lines().count();
    assert_eq!((lines(&owner), lines(other)), (2, 0));
    let socket = site.path("api.sock");
    let get = |path: &str| crate::front::http(&socket, "GET", path, "").unwrap();
    let count = |path: &str| get(path).1.as_array().map_or(0, Vec::len);
    assert_eq!((count("/v1/agents"), count("/v1/agents?pbx=b")), (4, 2));
    let unknown = "no PBX `c`; there are `a`, `b`";
    for path in
        ["agents", "callbacks", "calls", "calls/7.1", "codes", "tags", "queues", "live", "changes", "events", "status"]
    {
        let (status, answer) = get(&format!("/v1/{path}?pbx=c"));
        assert_eq!((status, &answer["error"], &answer["field"]), (400, &unknown.into(), &"pbx".into()), "{path}");
    }
    assert_eq!(count(&format!("/v1/callbacks?pbx={owner}")), 1);
    assert_eq!(count(&format!("/v1/callbacks?pbx={other}")), 0);
    assert_eq!(get("/v1/agents?of=b").0, 400);
    let refused = |args: &[&str], why: &str| {
        let said = site.run(&[args, &["--config", "callbackd.toml"]].concat());
        assert_eq!(
            (said.code, said.out.as_str(), said.err.trim()),
            (64, "", format!("error: {why}").as_str()),
            "{args:?}"
        );
    };
    let lists = ["calls", "callbacks", "agents", "missed", "codes", "status"].map(|list| [list, "--pbx", "c"]);
    refused(&["tail", "--pbx", "c"], unknown);
    refused(&["top", "--pbx", "c"], unknown);
    refused(&["calls", "show", "7.1", "--pbx", "c"], unknown);
    lists.iter().for_each(|list| refused(list, unknown));
    for command in [&["show", "1"][..], &["cancel", "1"], &["add", "+1 202 555 0199"]] {
        let why = "--pbx selects callbacks for the list: leave it out, or write it behind the command if that has such an option";
        refused(&[&["callbacks", "--pbx", "a"], command].concat(), why);
    }
    let add = ["callbacks", "add", "+1 202 555 0199", "--queue", "sales"];
    refused(&add, "which PBX? name it (--pbx, or \"pbx\" in the API): there are `a`, `b`");
    refused(&[&add[..], &["--pbx", "c"]].concat(), unknown);
    daemon.end(Some(Signal::TERM));
    lists.iter().for_each(|list| refused(list, unknown));
    let said = site.run(&["calls", "--db", "calls.db", "--pbx", "c"]);
    assert_eq!((said.code, said.err.trim()), (64, format!("error: {unknown}").as_str()), "without a configuration");
    // One that has left the configuration keeps its history.
    let only_a = std::fs::read_to_string(site.path("callbackd.toml")).unwrap().replace("name = \"b\"", "name = \"d\"");
    site.write("other.toml", &only_a, 0o644);
    let said = site.run(&["calls", "--pbx", "b", "--config", "other.toml"]);
    assert_eq!((said.code, said.out.lines().count()), (0, 2), "{said:#?}");
    let said = site.run(&["calls", "--pbx", "d", "--config", "other.toml"]);
    assert_eq!((said.code, said.err.trim()), (0, "No calls match."), "one that has no calls yet");
    let said = site.run(&["agents", "--pbx", "b", "--config", "callbackd.toml"]);
    assert_eq!((said.code, said.out.lines().count()), (0, 3), "out of the database: {said:#?}");
}

#[test]
fn what_happens_and_how_things_are_name_the_pbx_and_can_be_of_one() {
    let (_a, _b, site) = both_miss();
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("Missed again; merged into the open callback");
    let follow = |args: &[&str]| {
        let args = [&["tail", "--config", "callbackd.toml"], args].concat();
        let mut tail = site.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let begin = BufReader::new(tail.stderr.take().unwrap()).lines().next().unwrap().unwrap();
        assert!(begin.contains("Waiting for what happens"), "{begin}");
        let lines = BufReader::new(tail.stdout.take().unwrap()).lines();
        (tail, lines)
    };
    let (mut all, mut of_all) = follow(&[]);
    let (mut tail_of_b, mut of_one) = follow(&["--pbx", "b"]);
    for (pbx, number) in [("a", "+1 202 555 0144"), ("b", "+1 202 555 0155")] {
        let said = site.run(&["callbacks", "add", number, "--pbx", pbx, "--config", "callbackd.toml"]);
        assert_eq!(said.code, 0, "{said:#?}");
    }
    let mut next = |number: &str| of_all.by_ref().map(Result::unwrap).find(|line| line.contains(number)).unwrap();
    let (of_a, of_b) = (next("+12025550144"), next("+12025550155"));
    assert_eq!([&of_a[8..12], &of_b[8..12]], ["  a ", "  b "], "{of_a}\n{of_b}");
    let line = of_one.next().unwrap().unwrap();
    assert!(line.contains("+12025550155") && line[8..].starts_with("  callback "), "{line}");
    // What is about no PBX in particular is for each.
    assert_eq!(site.run(&["dnc", "add", "+12025550166", "--config", "callbackd.toml"]).code, 0);
    let mut on = of_one.map(Result::unwrap).skip_while(|line| line.contains("+12025550155"));
    assert!(on.next().unwrap().contains("+12025550166"));

    let top = |args: &[&str]| {
        let said = site.run(&[&["top", "--config", "callbackd.toml"], args].concat());
        assert_eq!(said.code, 0, "{said:#?}");
        said
    };
    let both = top(&[]);
    both.line(&["0 of 4 agents free", "3 callbacks open"]);
    both.line(&["+12025550144", " a "]);
    both.line(&["PJSIP/101", "Ann", " b ", "paused (lunch)"]);
    let one = top(&["--pbx", "b"]);
    let open = rows(&site, "SELECT pbx, count(*) || '' FROM callbacks WHERE pbx = 'b'").remove(0).1;
    one.line(&["0 of 2 agents free", &format!("{open} callbacks open")]);
    assert!(!one.out.contains("+12025550144") && one.out.contains("+12025550155"), "{}", one.out);
    daemon.end(Some(Signal::TERM));
    assert_eq!(
        [all.wait().unwrap().code(), tail_of_b.wait().unwrap().code()],
        [Some(66); 2],
        "they end with the daemon"
    );
}

#[test]
fn codes_one_call_the_status_and_the_pages_can_be_of_one_pbx() {
    let (_a, _b, site) = both_miss();
    let port = free_port();
    let config = std::fs::read_to_string(site.path("callbackd.toml")).unwrap();
    site.configure(&config.replace("[api]\n", &format!("[api]\nlisten = \"127.0.0.1:{port}\"\npages = true\n")));
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("Missed again; merged into the open callback");
    let run = |args: &[&str]| {
        let said = site.run(&[args, &["--config", "callbackd.toml"]].concat());
        assert_eq!(said.code, 0, "{args:?}: {said:#?}");
        said.out
    };
    for which in [&["tag", "7.1", "COMPLAINT"][..], &["tag", "7.1", "COMPLAINT", "--remove"]] {
        let said = site.run(&[which, &["--config", "callbackd.toml"]].concat());
        let why = "error: several PBXs have a call of this linkedid: which PBX, a or b? Add --pbx NAME";
        assert_eq!((said.code, said.err.trim()), (64, why));
    }
    run(&["tag", "7.1", "COMPLAINT", "--pbx", "a"]);
    let counted = |pbx: &str| {
        let codes = run(&["codes", "--pbx", pbx]);
        let line = codes.lines().find(|line| line.starts_with("COMPLAINT")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!((counted("a"), counted("b")), ("1".to_owned(), "0".to_owned()));
    let socket = site.path("api.sock");
    let get = |path: &str| crate::front::http(&socket, "GET", path, "").unwrap().1;
    let which = get("/v1/calls/7.1");
    assert_eq!((&which["field"], &which["fix"]), (&"pbx".into(), &"use a or b".into()), "{which}");
    let tags = |pbx: &str| get(&format!("/v1/tags?code=COMPLAINT{pbx}")).as_array().unwrap().len();
    assert_eq!((tags("&pbx=a"), tags("&pbx=b"), tags("")), (1, 0, 1));
    let of = |pbx: &str| {
        let codes = get(&format!("/v1/codes?pbx={pbx}"));
        codes.as_array().unwrap().iter().find(|code| code["code"] == "COMPLAINT").unwrap()["calls"].as_u64()
    };
    assert_eq!((of("a"), of("b")), (Some(1), Some(0)));

    let shown = |args: &[&str]| run(args).lines().filter(|line| line.contains("linkedid 7.1")).count();
    let both = run(&["calls", "show", "7.1"]);
    let only_b = run(&["calls", "show", "7.1", "--pbx", "b"]);
    assert_eq!((both.matches("COMPLAINT").count(), only_b.matches("COMPLAINT").count()), (1, 0), "{both}\n{only_b}");
    assert!(both.len() > only_b.len() && both.contains(&only_b), "{both}\n{only_b}");
    assert_eq!(shown(&["calls", "--pbx", "b", "show", "7.1"]), shown(&["calls", "show", "7.1", "--pbx", "b"]));

    let owner = rows(&site, "SELECT pbx, state FROM callbacks").remove(0).0;
    let other = if owner == "a" { "b" } else { "a" };
    for (pbx, open) in [(&*owner, "1 open"), (other, "0 open")] {
        let status = run(&["status", "--pbx", pbx]);
        let pbxs = status.lines().filter(|line| line.starts_with("pbx ")).collect::<Vec<_>>();
        assert!(pbxs.len() == 1 && pbxs[0].contains(&format!(" {pbx} at ")), "{status}");
        assert!(status.lines().any(|line| line.starts_with("callbacks ") && line.contains(open)), "{status}");
        let stored = "database    1 calls stored since the start";
        assert!(status.lines().any(|line| line.starts_with(stored)), "of this PBX alone: {status}");
    }

    let cookie = logged_in(port, run(&["token", "add", "wall", "--role", "read"]).trim());
    let page = |path: &str| ask(port, "GET", path, &[("Cookie", cookie.as_str())], "");
    let rows_of = |path: &str, row: &str| page(path).body.matches(row).count();
    let waiting = "<td class=\"why\"";
    assert_eq!(rows_of("/missed", waiting), 1);
    assert_eq!(rows_of(&format!("/missed?pbx={owner}"), waiting), 1);
    assert_eq!(rows_of(&format!("/missed?pbx={other}"), waiting), 0);
    assert!(page("/missed").body.contains("<option value=\"b\">b</option>"));
    assert_eq!((rows_of("/wall", "data-call="), rows_of("/wall?pbx=b", "data-call=")), (2, 1));
    assert_eq!((rows_of("/wall", "<bdi>Ann</bdi>"), rows_of("/wall?pbx=b", "<bdi>Ann</bdi>")), (2, 1));
    assert!(page("/report?pbx=b").body.contains("<option value=\"b\" selected>"));
    assert!(page("/report").body.contains("2 calls") && page("/report?pbx=b").body.contains("1 call"), "each its own");
    for path in ["/wall?pbx=c", "/missed?pbx=c", "/missed.csv?pbx=c", "/report?pbx=c"] {
        let refused = page(path);
        assert!(refused.status == 404 && refused.body.contains("no PBX `c`; there are `a`, `b`"), "{}", refused.body);
    }
    daemon.end(Some(Signal::TERM));
    let said = site.run(&["status", "--pbx", "b", "--config", "callbackd.toml"]);
    assert!(
        said.code == 69 && said.out.contains("pbx         b: last seen") && !said.out.contains(" a: "),
        "{said:#?}"
    );
}
