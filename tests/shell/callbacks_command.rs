//! `callbackd callbacks`, `agents`, `dnc` and `status` as a person types them: with the daemon, and from the database when it is away.

use crate::front::Front;
use crate::scripted::{Running, Said, Site};
use rustix::process::Signal;

const EX_USAGE: i32 = 64;
const EX_NO_INPUT: i32 = 66;
const EX_UNAVAILABLE: i32 = 69;

/// It went well; what it said.
#[track_caller]
fn well(said: Said) -> String {
    assert_eq!(said.code, 0, "{said:#?}");
    said.out
}

/// It did not, with this code and these words in one line on stderr, and nothing on stdout.
#[track_caller]
fn refused(said: &Said, code: i32, words: &[&str]) {
    assert_eq!((said.code, said.out.as_str()), (code, ""), "{said:#?}");
    for word in words {
        assert!(said.err.contains(word), "{word:?} is not in {said:#?}");
    }
}

#[track_caller]
fn has(text: &str, words: &[&str]) {
    let found = text.lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(found, "no line has {words:?} in\n{text}");
}

#[test]
fn a_callback_is_made_changed_and_shown_by_hand() {
    let front = Front::open("");
    let made =
        well(front.run(&["callbacks", "add", "(202) 555-0123", "--queue", "sales", "--note", "wrote an e-mail"]));
    assert_eq!(made, "Callback 1 for +12025550123: PENDING: its turn comes with the next free agent\n");
    let list = well(front.run(&["callbacks"]));
    has(&list, &["ID", "Missed", "Number", "Queue", "State", "Why", "Due", "Misses", "Tried"]);
    has(&list, &["1 ", "+12025550123", "sales", "PENDING", "now"]);

    has(&well(front.run(&["callbacks", "hold", "1", "--note", "asks for Monday"])), &["WAITING HELD"]);
    has(&well(front.run(&["callbacks", "release", "1"])), &["PENDING"]);
    has(&well(front.run(&["callbacks", "delay", "1", "2h", "--note", "in a meeting"])), &["Callback 1", ", due "]);
    has(&well(front.run(&["callbacks", "assign", "1", "Ben"])), &["for PJSIP/102"]);
    has(&well(front.run(&["callbacks", "assign", "1", "--anyone"])), &["Callback 1"]);
    has(&well(front.run(&["callbacks", "prioritise", "1", "-3"])), &["Callback 1"]);
    has(&well(front.run(&["callbacks", "retry", "1"])), &["PENDING"]);
    has(&well(front.run(&["callbacks", "cancel", "1", "--note", "solved"])), &["CANCELLED"]);

    let story = well(front.run(&["callbacks", "show", "1"]));
    for words in ["Callback 1 to +12025550123", "none: it was made by hand", "priority -3"] {
        has(&story, &[words]);
    }
    for words in ["wrote an e-mail", "HELD", "asks for Monday", "in a meeting", "PJSIP/102", "CANCELLED", "solved"] {
        has(&story, &[words, "(by "]);
    }
    assert_eq!(well(front.run(&["callbacks"])), "");
    has(&front.run(&["callbacks"]).err, &["No callback is open (--all shows closed ones)."]);
    has(&well(front.run(&["callbacks", "--all"])), &["+12025550123", "CANCELLED"]);
    has(&well(front.run(&["callbacks", "--number", "0123"])), &["CANCELLED"]);
    let json: serde_json::Value = serde_json::from_str(&well(front.run(&["callbacks", "--all", "--json"]))).unwrap();
    assert_eq!(json["state"], "CANCELLED");
}

#[test]
fn what_the_daemon_refuses_is_said_in_its_words() {
    let front = Front::open("");
    front.added("+12025550123");
    refused(&front.run(&["callbacks", "hold", "4711"]), 1, &["error: there is no callback 4711"]);
    refused(&front.run(&["callbacks", "assign", "1", "PJSIP/999"]), 1, &["PJSIP/999"]);
    let misspelt = front.run(&["callbacks", "add", "+12025550124", "--queue", "salse"]);
    refused(&misspelt, 1, &["no queue is known as salse: there are sales"]);
    refused(&front.run(&["callbacks", "add", "not a number"]), 1, &["cannot be called"]);
    refused(&front.run(&["dnc", "remove", "+12025550199"]), 1, &["+12025550199"]);
    refused(&front.run(&["callbacks", "show", "4711"]), EX_NO_INPUT, &["there is no callback 4711"]);
}

#[test]
fn what_is_typed_wrong_is_answered_with_what_is_right() {
    let front = Front::closed("");
    refused(&front.run(&["callbacks", "delay", "1", "soon"]), EX_USAGE, &["is not a time: give", "30m, 2h, 1d"]);
    refused(&front.run(&["callbacks", "delay", "1", "366d"]), EX_USAGE, &["365d at most"]);
    refused(&front.run(&["callbacks", "assign", "1"]), EX_USAGE, &["<AGENT>"]);
    refused(&front.run(&["callbacks", "--state", "OPEN"]), EX_USAGE, &["PENDING", "WAITING", "EXHAUSTED"]);
    refused(&front.run(&["callbacks", "hold", "first"]), EX_USAGE, &["first"]);
    refused(&front.run(&["callbacks", "explode", "1"]), EX_USAGE, &["explode"]);
}

#[test]
fn without_the_daemon_lists_come_from_the_database_and_orders_are_refused() {
    let mut front = Front::open("");
    front.added("+12025550123");
    well(front.run(&["dnc", "add", "+12025550124", "--reason", "asked us not to"]));
    assert_eq!(front.ended(Signal::TERM).0, Some(0));

    has(&well(front.run(&["callbacks"])), &["+12025550123", "PENDING"]);
    has(&well(front.run(&["callbacks", "show", "1"])), &["Callback 1 to +12025550123"]);
    has(&well(front.run(&["dnc", "list"])), &["+12025550124", "asked us not to"]);
    let status = front.run(&["status"]);
    assert_eq!(status.code, EX_UNAVAILABLE, "not running is not well");
    assert_eq!(front.run(&["status", "--json"]).code, EX_UNAVAILABLE);
    has(&status.out, &["callbackd", "NOT RUNNING: systemctl start callbackd"]);
    has(&status.out, &["callbacks", "1 open (1 PENDING)"]);
    has(&status.err, &["The daemon does not run", "api.sock", "this is from the database"]);
    has(&front.run(&["agents"]).err, &["The daemon does not run"]);
    for order in
        [&["callbacks", "hold", "1"][..], &["callbacks", "add", "+12025550125"], &["dnc", "remove", "+12025550124"]]
    {
        refused(&front.run(order), EX_UNAVAILABLE, &["the daemon does not run", "systemctl start callbackd"]);
    }
}

#[test]
fn one_screen_says_how_things_stand() {
    let front = Front::open("");
    front.added("+12025550123");
    let number_policy = well(front.run(&["status"]));
    for words in [
        &["callbackd", env!("CARGO_PKG_VERSION"), "runs for"][..],
        &["pbx", "127.0.0.1:", "live"],
        &["calls", "0 in progress"],
        &["agents", "0 of 2 free"],
        &["waiting", "nobody"],
        &["callbacks", "1 open (1 PENDING), 0 going on"],
        &["last gap"],
    ] {
        has(&number_policy, words);
    }
}

#[test]
fn agents_are_shown_with_what_keeps_them() {
    let front = Front::open("");
    let agents = well(front.run(&["agents"]));
    has(&agents, &["Agent", "Name", "Free", "Since", "Why not", "Last talk", "Calls", "Queues"]);
    has(&agents, &["PJSIP/101", "Ann", "no", "paused", "sales (paused: lunch)"]);
    has(&agents, &["PJSIP/102", "Ben", "no", "paused", "sales (paused)"]);
    let lines = well(front.run(&["agents", "--json"]));
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["agent"], "PJSIP/101");
}

#[test]
fn who_is_not_to_be_called_survives_the_way_through_a_file() {
    let front = Front::open("");
    well(front.run(&["dnc", "add", "(202) 555-0123", "--reason", "said \"never\", twice"]));
    well(front.run(&["dnc", "add", "+12025550124", "--reason", "=cmd|' /C calc'!A1", "--for", "365d"]));
    let exported = well(front.run(&["dnc", "export"]));
    has(&exported, &["number,reason,until,by,added"]);
    assert!(!exported.contains(",=cmd") && !exported.contains("\"=cmd"), "no spreadsheet runs it: {exported}");

    let reasons = |front: &Front| -> Vec<_> {
        let list = front.get("/v1/dnc");
        let of = |e: &serde_json::Value| (e["number_e164"].clone(), e["reason"].clone(), e["until_ms"].clone());
        list.as_array().unwrap().iter().map(of).collect()
    };
    let before = reasons(&front);
    let other = Front::open("");
    other.site.write("opposed.csv", &exported, 0o644);
    let said = well(other.run(&["dnc", "import", "opposed.csv"]));
    assert_eq!(said, "2 numbers are not called any more, 0 lines were left out\n");
    // The time that is left goes with the number; its end is worked out anew.
    let near = |a: &serde_json::Value, b: &serde_json::Value| match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => (a - b).abs() < 60_000,
        _ => a == b,
    };
    for (was, is) in before.iter().zip(&reasons(&other)) {
        assert!(was.0 == is.0 && was.1 == is.1 && near(&was.2, &is.2), "{was:?} became {is:?}");
    }
    assert_eq!(before.len(), 2);
}

#[test]
fn a_bad_line_of_a_list_costs_no_other_and_is_named() {
    let front = Front::open("");
    front.site.write(
        "bad.csv",
        "number,until\n+12025550123,\nnobody,\n+12025550124,soon\n\"+12025550126,\n+12025550125,\n",
        0o644,
    );
    let said = front.run(&["dnc", "import", "bad.csv"]);
    assert_eq!(said.code, EX_USAGE, "{said:#?}");
    assert_eq!(said.out, "2 numbers are not called any more, 3 lines were left out\n");
    has(&said.err, &["line 3: "]);
    has(&said.err, &["line 5: a quote is not closed"]);
    has(&said.err, &["line 4: the column until is not a time such as"]);
    refused(&front.run(&["dnc", "import", "missing.csv"]), EX_NO_INPUT, &["missing.csv"]);
}

#[test]
fn nothing_that_a_caller_chose_reaches_the_terminal_as_a_command() {
    let front = Front::open("");
    let id = front.added("+12025550123");
    let note = "\u{1b}]0;pwned\u{7}\u{202e}gnp.exe";
    front.post(&format!("/v1/callbacks/{id}/hold"), &serde_json::json!({ "note": note }));
    for args in [&["callbacks"][..], &["callbacks", "show", "1"]] {
        let out = well(front.run(args));
        assert!(!out.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{out:?}");
    }
}

#[test]
fn what_is_ordered_says_at_once_that_it_waits_and_why() {
    let site = Site::new(9);
    site.configure(
        "[pbx]\naddress = \"127.0.0.1:9\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n\
         [callback]\nenabled = true\nquiet = \"off\"\n",
    );
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("Cannot connect to Asterisk");
    let run = |args: &[&str]| {
        let mut all = args.to_vec();
        all.extend(["--config", "callbackd.toml"]);
        let output = site.command(&all).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    let made = run(&["callbacks", "add", "+12025550123"]);
    assert_eq!(made, "Callback 1 for +12025550123: WAITING NO_LINK: the PBX is not seen now\n");
    assert!(run(&["callbacks", "prioritise", "1", "5000"]).contains("5000 is not in -1000..=1000"));
    assert!(run(&["callbacks", "prioritize", "1", "7"]).contains("Callback 1"));
    // A date where a weekday could be any.
    run(&["callbacks", "delay", "1", "200d"]);
    let list = run(&["callbacks"]);
    let due = list.lines().nth(1).unwrap();
    assert!(due.contains("DELAY") && due.matches("20").count() >= 3, "{list}");
    run(&["callbacks", "delay", "1", "2d"]);
    let list = run(&["callbacks"]);
    let weekdays = ["Mon ", "Tue ", "Wed ", "Thu ", "Fri ", "Sat ", "Sun "];
    assert!(weekdays.iter().any(|day| list.contains(day)), "{list}");
}
