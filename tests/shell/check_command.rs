//! `callbackd check`: what it says of a machine and of a PBX, and that it changes neither.

use crate::ports::free_port;
use crate::scripted::{Action, GREETING, SECRET, Said, Server, Site, usual};
use callbackd::store::Store;

const CHECK: [&str; 3] = ["check", "--config", "callbackd.toml"];
const CONNECT: [&str; 4] = ["check", "--config", "callbackd.toml", "--connect"];

/// Checks a PBX that answers as usual, but where `other` has an answer of its own.
fn with_pbx(mut other: impl FnMut(&Action) -> Option<String> + Send + 'static) -> (Said, Server) {
    let server =
        Server::start(GREETING, 1, Box::new(move |action| Some(other(action).unwrap_or_else(|| usual(action)))));
    let site = Site::new(server.port);
    (site.run(&CONNECT), server)
}

#[test]
fn a_pbx_that_tells_and_allows_all_that_is_needed_is_well() {
    let (said, server) = with_pbx(|_| None);
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(!said.out.contains("MISSING") && !said.out.contains("To fix it"), "{}", said.out);
    for (what, evidence) in [
        ("Asterisk", "22.5.2"),
        ("read system", "FullyBooted came"),
        ("read call", "manager.conf has it"),
        ("read dialplan", "VarSet came"),
        ("write originate", "may Originate"),
        ("timestampevents", "events say when they happened"),
        ("queues", "1 queue with 1 member: sales"),
        ("inbound", "from-trunk"),
    ] {
        assert!(said.line(&[what, evidence]).trim_start().starts_with("ok "), "{what}");
    }
    let mut actions: Vec<String> = server.heard().iter().map(|action| action.get("Action").to_owned()).collect();
    actions.dedup();
    let asked = [
        "Challenge",
        "Login",
        "QueueStatus",
        "CoreShowChannels",
        "Ping",
        "ListCommands",
        "CoreSettings",
        "Getvar",
        "ShowDialPlan",
        "Setvar",
        "Logoff",
    ];
    assert_eq!(actions, asked, "nothing else is asked of a PBX at work");
}

#[test]
fn rights_that_are_not_there_are_named_one_by_one_with_the_lines_that_give_them() {
    let (said, _) = with_pbx(|action| {
        match (action.get("Action"), action.get("Variable").contains(",read,")) {
        ("ListCommands", _) => Some(
            "Response: Success\nActionID: @ID@\nQueueStatus: Show.  (Priv: <none>)\nGetvar: Gets.  (Priv: call,reporting,all)\n\
             CoreShowChannels: List.  (Priv: system,reporting,all)\n\n"
                .to_owned(),
        ),
        ("Getvar", true) => Some("Response: Success\nActionID: @ID@\nVariable: x\nValue: system, call\n\n".to_owned()),
        _ => None,
    }
    });
    assert_eq!(said.code, 1, "{said:#?}");
    for missing in ["read agent", "read user", "read dialplan", "write originate", "write agent", "write call"] {
        assert!(said.line(&[missing, ":"]).trim_start().starts_with("MISSING"), "{missing}");
    }
    assert!(said.line(&["read call"]).contains("manager.conf has it"));
    let lines = "[callbackd]\nread = system,call,agent,user,dialplan\nwrite = originate,reporting,agent,call\nwritetimeout = 5000\n";
    assert!(said.out.contains(lines), "{}", said.out);
}

#[test]
fn what_cannot_be_known_is_not_guessed() {
    let (said, _) = with_pbx(|action| {
        let empty = "Response: Success\nActionID: @ID@\nVariable: x\nValue: \n\n";
        (action.get("Action") == "Getvar").then(|| empty.to_owned())
    });
    assert_eq!(said.code, 0, "{said:#?}");
    for unknown in ["read call", "read agent", "read user"] {
        let line = said.line(&[unknown]);
        assert!(line.trim_start().starts_with("warn") && line.contains("not seen yet"), "{line}");
    }
    assert!(said.line(&["read dialplan"]).contains("VarSet came"));
}

#[test]
fn an_event_that_was_raised_and_does_not_come_back_is_missing() {
    let (said, _) = with_pbx(|action| {
        let silent = "Response: Success\nActionID: @ID@\nMessage: Variable Set\n\n";
        (action.get("Action") == "Setvar").then(|| silent.to_owned())
    });
    assert_eq!(said.code, 1, "{said:#?}");
    assert!(said.line(&["read dialplan"]).contains("manager reload"));
}

#[test]
fn what_the_file_says_is_no_evidence_where_it_is_not_in_force() {
    let (said, _) = with_pbx(|action| {
        let originate = "Originate: Originate a call.  (Priv: originate,all)\n";
        (action.get("Action") == "ListCommands").then(|| usual(action).replace(originate, ""))
    });
    assert_eq!(said.code, 1, "{said:#?}");
    assert!(said.line(&["MISSING", "write originate"]).contains("not in force"));
    for class in ["read call", "read agent", "read user"] {
        assert!(said.line(&["warn", class]).contains("changed since Asterisk read it"));
    }
}

#[test]
fn a_queue_that_the_configuration_names_and_no_pbx_has_is_reported_with_its_place() {
    let server = Server::start(GREETING, 1, Box::new(|action| Some(usual(action))));
    let site = Site::new(server.port);
    site.write("hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 0o600);
    let text = std::fs::read_to_string(site.path("callbackd.toml")).unwrap();
    let more = "\n[callback.queue.sales]\n[callback.queue.support]\n[[code]]\ncode = \"ASKED\"\n[[code.rule]]\nqueues = [\"slaes\"]\n\
                [[webhook]]\nname = \"crm\"\nurl = \"https://localhost/\"\nsecret_file = \"hook\"\nqueues = [\"sales\", \"slaes\"]\n";
    site.configure(&(text + more));
    let said = site.run(&CONNECT);
    let slaes = said.line(&["warn", "slaes"]);
    assert!(slaes.contains("[[code.rule]] of ASKED, [[webhook]] crm names slaes; Asterisk lists sales"), "{said:#?}");
    assert!(said.line(&["warn", "support"]).contains("[callback.queue.support] names support"), "{said:#?}");
    assert_eq!(said.out.matches("Asterisk lists").count(), 2, "{said:#?}");
}

#[test]
fn rights_beyond_the_needed_are_a_warning() {
    let (said, _) = with_pbx(|action| {
        let more = "Command: Execute Asterisk CLI Command.  (Priv: command,all)\nPing: ";
        (action.get("Action") == "ListCommands").then(|| usual(action).replace("Ping: ", more))
    });
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.line(&["write, too much"]).contains("command: not needed"));
}

#[test]
fn contexts_that_sound_like_something_and_that_no_rule_names_are_reported() {
    let (said, _) = with_pbx(|action| {
        let context =
            |name: &str| format!("Event: ListDialplan\nActionID: @ID@\nContext: {name}\nExtension: s\nPriority: 1\n\n");
        let list: String = [
            "macro-dialout-trunk",
            "night-shift",
            "ivr-7",
            "main-menu",
            "from-internal",
            "trunk-dial-with-exten",
            "vm-callme",
            "callbackd-closed",
        ]
        .map(context)
        .concat();
        (action.get("Action") == "ShowDialPlan").then(|| {
            usual(action)
                .replace("from-trunk", "incoming-acme")
                .replace("Event: ShowDialPlanC", &format!("{list}Event: ShowDialPlanC"))
        })
    });
    assert_eq!(said.code, 1, "{said:#?}");
    assert!(said.line(&["inbound", "fits no context"]).contains("MISSING"));
    assert!(said.line(&["main-menu", "a menu"]).contains("warn"));
    assert!(said.out.contains("ivr_contexts = [\"ivr-*\", \"main-menu\"]"), "{}", said.out);
    assert!(said.line(&["night-shift", "closed hours"]).contains("warn"));
    for not in ["macro-dialout", "ivr-7", "trunk-dial-with-exten", "vm-callme", "callbackd-closed"] {
        assert!(!said.out.contains(not), "{}", said.out);
    }
}

#[test]
fn an_inbound_pattern_that_takes_line_breaks_is_reported_unless_it_filters() {
    let check = |steps: &'static [(&'static str, &'static str, &'static str)]| {
        let (said, _) = with_pbx(|action| {
            let step = |(context, extension, data): &(&str, &str, &str)| {
                format!(
                    "Event: ListDialplan\nActionID: @ID@\nContext: {context}\nExtension: {extension}\nPriority: 1\n\
                     Application: ExecIf\nAppData: {data}\n\n"
                )
            };
            let list: String = steps.iter().map(step).collect();
            (action.get("Action") == "ShowDialPlan")
                .then(|| usual(action).replace("Event: ShowDialPlanC", &format!("{list}Event: ShowDialPlanC")))
        });
        said
    };
    let said =
        check(&[("from-trunk", "_X.", "1?NoOp"), ("from-trunk", "_5550XXX", "1?NoOp"), ("from-internal", "_.", "")]);
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.line(&["warn", "inbound", "_X.@from-trunk accepts line breaks"]).contains("accepts line breaks"));
    assert!(!said.out.contains("_5550XXX") && !said.out.contains("_.@"), "{}", said.out);
    let said = check(&[
        ("from-trunk", "_X.", "1?NoOp"),
        ("from-trunk", "_X.", "$[${LEN(${FILTER(0-9+,${EXTEN})})} = 3]?NoOp"),
    ]);
    assert!(!said.out.contains("line breaks"), "{}", said.out);
}

#[test]
fn contexts_of_channels_that_no_rule_names_are_reported() {
    let (said, _) = with_pbx(|action| {
        let channel =
            "Event: CoreShowChannel\nActionID: @ID@\nChannel: PJSIP/101-1\nUniqueid: 1.1\nContext: shop-floor\n\n";
        let end = "Event: CoreShowChannelsC";
        (action.get("Action") == "CoreShowChannels").then(|| usual(action).replace(end, &format!("{channel}{end}")))
    });
    assert!(said.line(&["shop-floor"]).contains("where channels are now"), "{said:#?}");
}

/// The same where callbacks are switched on, with these lines of `[callback]`.
pub fn with_callbacks(lines: &str, mut other: impl FnMut(&Action) -> Option<String> + Send + 'static) -> Said {
    let server =
        Server::start(GREETING, 1, Box::new(move |action| Some(other(action).unwrap_or_else(|| usual(action)))));
    let site = Site::new(server.port);
    let text = std::fs::read_to_string(site.path("callbackd.toml")).unwrap();
    site.configure(&format!("{text}[callback]\nenabled = true\n{lines}\n"));
    site.run(&CONNECT)
}

#[test]
fn callbacks_that_are_off_need_nothing() {
    let (said, _) = with_pbx(|_| None);
    assert!(said.line(&["callbacks", "callback.enabled = false"]).trim_start().starts_with("ok "));
}

#[test]
fn callbacks_need_their_dialplan() {
    let said = with_callbacks("", |_| None);
    assert_eq!(said.code, 1, "{said:#?}");
    assert!(said.line(&["no context callbackd-agent"]).contains("MISSING"));
    assert!(said.line(&["no context from-internal", "callback.dial_customer"]).contains("MISSING"));
    assert!(!said.out.contains("callbackd-customer"), "nobody is put into a queue: {}", said.out);
    assert!(said.out.contains("#include \"extensions_callbackd.conf\""), "{}", said.out);
    let included = |action: &Action| {
        (action.get("Action") == "ShowDialPlan").then(|| {
            let line =
                |name| format!("Event: ListDialplan\nActionID: @ID@\nContext: {name}\nExtension: s\nPriority: 1\n\n");
            let list = format!("{}{}", line("callbackd-agent"), line("callbackd-customer"));
            usual(action).replace("Event: ShowDialPlanC", &format!("{list}Event: ShowDialPlanC"))
        })
    };
    let dial = "dial_customer = \"PJSIP/{number}@provider\"";
    let said = with_callbacks(dial, included);
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.line(&["callbacks", "agents are dialled as {interface}", "PJSIP/{number}@provider"]).contains("ok "));
    let said = with_callbacks(&format!("{dial}\n[callback.queue.sales]\nfirst = \"customer\""), |_| None);
    assert!(said.line(&["no context callbackd-customer"]).contains("MISSING"));
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a clock is off by what it differs from now")]
fn a_clock_that_is_off_is_named_with_by_how_much() {
    let with_clock = |shift_s: i64| {
        let (said, _) = with_pbx(move |action| {
            let shows = jiff::Timestamp::now().as_second() + shift_s;
            let pong = format!("Response: Success\nActionID: @ID@\nPing: Pong\nTimestamp: {shows}.500000\n\n");
            (action.get("Action") == "Ping").then_some(pong)
        });
        said
    };
    assert!(with_clock(0).line(&["clock", "agree"]).contains("ok "));
    let said = with_clock(-5 * 3_600 - 20);
    let line = said.line(&["clock", "behind this machine's", "NTP"]);
    assert!(line.contains("warn") && line.contains("is 5h "), "{line}");
    assert!(with_clock(90).line(&["clock", "ahead of"]).contains("1m"));
}

#[test]
fn what_is_promised_needs_one_right_more() {
    let said = with_callbacks("publish = true", |_| None);
    assert!(said.line(&["write system", "may not DBPut"]).contains("MISSING"));
    assert!(said.out.contains("write = originate,reporting,agent,call,system\n"), "{}", said.out);
    let said = with_callbacks("publish = true", |action| {
        (action.get("Action") == "ListCommands")
            .then(|| usual(action).replace("Ping: ", "DBPut: Puts a value.  (Priv: system,all)\nPing: "))
    });
    assert!(said.line(&["write system", "may DBPut"]).contains("ok "));
    assert!(!said.out.contains("too much"), "{}", said.out);
}

#[test]
fn nobody_listening_is_said_with_the_fix() {
    let port = free_port();
    let said = Site::new(port).run(&CONNECT);
    assert_eq!(said.code, 69, "{said:#?}");
    assert!(said.line(&["MISSING"]).contains("nobody listens there: is Asterisk running"));
}

#[test]
fn what_is_no_ami_is_recognised_by_what_it_says() {
    let server = Server::start("SSH-2.0-OpenSSH_9.2\n", 1, Box::new(|_| None));
    let said = Site::new(server.port).run(&CONNECT);
    assert_eq!(said.code, 69, "{said:#?}");
    assert!(said.line(&["MISSING"]).contains("not the Asterisk Manager Interface, it says \"SSH-2.0-OpenSSH_9.2\""));
}

#[test]
fn a_refused_login_ends_with_its_own_code_and_shows_no_secret() {
    let (said, _) = with_pbx(|action| {
        let refused = "Response: Error\nActionID: @ID@\nMessage: Authentication failed\n\n";
        (action.get("Action") == "Login").then(|| refused.to_owned())
    });
    assert_eq!(said.code, 77, "{said:#?}");
    assert!(said.line(&["MISSING", "login"]).contains("Authentication failed"));
    assert!(!said.out.contains(SECRET) && !said.err.contains(SECRET));
}

#[test]
fn nothing_is_created_or_changed() {
    let (server, with_database) = (Server::start(GREETING, 2, Box::new(|action| Some(usual(action)))), [false, true]);
    for there in with_database {
        let site = Site::new(server.port);
        if there {
            drop(Store::open(&site.path("calls.db")).unwrap());
        }
        let before = site.everything();
        assert_eq!(site.run(&CONNECT).code, 0);
        assert_eq!(site.everything(), before);
    }
}

#[test]
fn a_database_that_a_daemon_uses_is_said_to_be_in_use_and_left_to_it() {
    let site = Site::new(1);
    let store = Store::open(&site.path("calls.db")).unwrap();
    let said = site.run(&CHECK);
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.line(&["database"]).contains(&format!("in use by the daemon (pid {})", std::process::id())));
    drop(store);
    assert!(!site.run(&CHECK).line(&["database"]).contains("in use"));
}

#[test]
fn for_programs_there_is_one_object_a_line() {
    let server = Server::start(GREETING, 1, Box::new(|action| Some(usual(action))));
    let said = Site::new(server.port).run(&[&CONNECT[..], &["--json"]].concat());
    let lines: Vec<serde_json::Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 10);
    let login = lines.iter().find(|line| line["what"] == "login").unwrap();
    assert_eq!((&login["mark"], &login["detail"]), (&"ok".into(), &"as callbackd".into()));
    assert!(login["about"].as_str().unwrap().starts_with("PBX pbx at 127.0.0.1:"));
}

#[test]
fn without_a_terminal_there_are_neither_colours_nor_broken_lines() {
    let said = Site::new(1).run(&CHECK);
    assert!(!said.out.contains('\x1b'), "{}", said.out);
    assert_eq!(
        said.out.lines().filter(|line| line.contains("root")).count(),
        usize::from(rustix::process::geteuid().is_root())
    );
}

#[test]
fn the_secret_beside_the_configuration_is_the_one_that_the_service_loads() {
    let site = Site::new(1);
    site.configure("[store]\npath = \"calls.db\"\n");
    assert_eq!(site.run(&CHECK).code, 78, "there is none yet");
    site.write("ami-secret", SECRET, 0o600);
    let said = site.run(&CHECK);
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.line(&["secret of pbx"]).contains("ami-secret"));
}

#[test]
fn asterisks_own_files_are_looked_at_too() {
    let site = Site::new(1);
    let at = |cdr: &str, files: &str| {
        site.configure(&format!(
            "[pbx]\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[gap]\ncdr_csv = \"{cdr}\"\n{files}"
        ));
        site.run(&CHECK)
    };
    let with = |files: &str| at("Master.csv", files);
    // A PBX that has had no call yet has none of them.
    let said = with("queue_log = \"queue_log\"\n");
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.line(&["gap.cdr_csv", "with the first call"]).trim_start().starts_with("warn"), "{said:#?}");
    assert!(said.line(&["gap.queue_log", "with the first call through a queue"]).contains("warn"), "{said:#?}");
    let said = at("nowhere/Master.csv", "");
    assert_eq!(said.code, 1, "{said:#?}");
    assert!(said.line(&["gap.cdr_csv", "cannot read"]).contains("usermod -aG asterisk callbackd"), "{said:#?}");
    let record = |ids: &str| {
        format!(
            "\"\",\"12025550123\",\"5550102\",\"from-trunk\",\"\",\"PJSIP/trunk-1\",\"\",\"Dial\",\"\",\"2026-11-22 08:00:00\",,\
             \"2026-11-22 08:00:05\",5,0,\"NO ANSWER\",\"DOCUMENTATION\"{ids}\n"
        )
    };
    for (ids, mark, words) in [
        ("", "warn", "loguniqueid = yes"),
        (",\"1795334400.1\"", "warn", "newcdrcolumns = yes"),
        (",\"1795334400.1\",\"\",\"\",\"1795334400.1\",1", "ok", "with uniqueid and linkedid"),
    ] {
        site.write("Master.csv", &record(ids), 0o644);
        let said = with("");
        assert!(said.line(&["gap.cdr_csv", words]).trim_start().starts_with(mark), "{said:#?}");
        assert!(said.line(&["gap.queue_log", "not set"]).contains("warn"), "{said:#?}");
    }
    site.write("queue_log", "", 0o644);
    assert!(with("queue_log = \"queue_log\"\n").line(&["gap.queue_log"]).trim_start().starts_with("ok "));
}

/// The configuration with these hours, and nothing that could be connected to.
fn hours(table: &str, args: &[&str]) -> Said {
    let site = Site::new(1);
    site.configure(&format!(
        "[pbx]\nname = \"pbx\"\naddress = \"127.0.0.1:1\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n{table}"
    ));
    site.run(args)
}

const HOURS: &[&str] = &["check", "--config", "callbackd.toml", "--hours"];

#[test]
fn hours_are_shown_day_by_day_with_holidays_and_what_may_be_meant_otherwise() {
    let said = hours(
        "[hours]\ntimezone = \"Europe/London\"\ncountry = \"GB\"\nopen = \"Mo-Su 09:00-12:30,13:30-24:00; PH off\"\n\
         [hours.shop]\nopen = 'Mo-Su 22:00-06:00 \"by appointment\"'\n",
        HOURS,
    );
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(
        said.out.matches("open 09:00 to 12:30 and 13:30 to 24:00").count() + said.out.matches("closed (").count(),
        10,
        "{}",
        said.out
    );
    assert!(said.out.contains("GB is read as England and Wales"), "{}", said.out);
    assert!(said.out.contains("[hours.shop]"), "{}", said.out);
    assert!(said.out.contains("counts as closed: write `off` or `open` before the words"), "{}", said.out);
    assert!(said.out.contains("closed for the next 10 days") || said.out.contains("never opens"), "{}", said.out);
}

#[test]
fn the_check_says_what_of_the_hours_may_be_meant_otherwise() {
    let plain = &["check", "--config", "callbackd.toml"];
    let said = hours("[hours]\ncountry = \"GB\"\nopen = \"Mo-Fr 09:00-18:00; PH off\"\n", plain);
    assert!(said.out.contains("[hours]") && said.out.contains("England and Wales"), "{}", said.out);
    let said = hours("[hours]\ncountry = \"GB-SCT\"\nopen = \"Mo-Fr 09:00-18:00; PH off\"\n", plain);
    assert!(!said.out.contains("[hours]"), "{}", said.out);
}

#[test]
fn a_tz_that_names_no_zone_is_refused_where_it_would_count() {
    let site = Site::new(1);
    let text =
        "[pbx]\nname = \"pbx\"\naddress = \"127.0.0.1:1\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n";
    for (more, refused) in [("", true), ("[hours]\ntimezone = \"Europe/Berlin\"\n", false)] {
        site.configure(&format!("{text}{more}"));
        let out = site.command(HOURS).env("TZ", "Nowhere/Nothing").output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(said.contains("TZ=\"Nowhere/Nothing\" is not a time zone"), refused, "{said}");
        assert_eq!(out.status.code(), Some(if refused { 78 } else { 0 }), "{said}");
    }
}
