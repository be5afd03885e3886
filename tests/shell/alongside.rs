//! Two callbackd on one PBX, seen from one of them: the other's sign holds its callbacks back, and lets them go.

use crate::scripted::{Action, GREETING, Running, Server, Site, usual};
use rustix::process::Signal;
use serde_json::Value;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MEMBERS: &str = "Response: Success\nActionID: @ID@\nEventList: start\nMessage: Queue status will follow\n\n\
    Event: QueueParams\nQueue: sales\nStrategy: ringall\nCalls: 0\nActionID: @ID@\n\n\
    Event: QueueMember\nQueue: sales\nName: Ann\nLocation: PJSIP/101\nStateInterface: PJSIP/101\nStatus: 1\nPaused: 0\n\
    PausedReason: \nPenalty: 0\nCallsTaken: 0\nLastCall: 0\nInCall: 0\nWrapuptime: 0\nActionID: @ID@\n\n\
    Event: QueueStatusComplete\nActionID: @ID@\nEventList: Complete\nListItems: 2\n\n";

/// Asterisk's variable.
type Variable = Arc<Mutex<String>>;

/// A PBX whose agent is free, and whose variable holds this sign; and the signs that it is shown.
fn pbx(sign: &'static str) -> (Server, Receiver<String>, Variable) {
    #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
    let (seen, shown) = channel();
    let variable = Arc::new(Mutex::new(sign.to_owned()));
    let holds = variable.clone();
    let answer = move |action: &Action| {
        let variable = action.get("Variable") == "CALLBACKD_ACTIVE";
        Some(match action.get("Action") {
            "QueueStatus" => MEMBERS.to_owned(),
            "Getvar" if variable => {
                let value = holds.lock().unwrap();
                format!("Response: Success\nActionID: @ID@\nVariable: CALLBACKD_ACTIVE\nValue: {value}\n\n")
            }
            "Setvar" if variable => {
                action.get("Value").clone_into(&mut holds.lock().unwrap());
                let _ = seen.send(action.get("Value").to_owned());
                format!("Response: Success\nActionID: @ID@\n\n{}", set(action.get("Value")))
            }
            _ => usual(action),
        })
    };
    (Server::start(GREETING, 8, Box::new(answer)), shown, variable)
}

/// As Asterisk reports a global variable.
fn set(value: &str) -> String {
    format!(
        "Event: VarSet\nPrivilege: dialplan,all\nChannel: none\nUniqueid: none\nVariable: CALLBACKD_ACTIVE\nValue: {value}\n\n"
    )
}

/// The other daemon sets the variable.
fn sets(pbx: &Server, variable: &Variable, value: &str) {
    value.clone_into(&mut variable.lock().unwrap());
    pbx.say(&set(value));
}

fn site(pbx: &Server, callback: &str) -> Site {
    let site = Site::new(pbx.port);
    site.configure(&format!(
        "[pbx]\naddress = \"127.0.0.1:{}\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n\
         [callback]\nenabled = true\nquiet = \"off\"\ndial_agent = \"{{interface}}\"\ndial_customer = \"PJSIP/{{number}}@trunk\"\n{callback}",
        pbx.port
    ));
    site
}

fn run(site: &Site, args: &[&str]) -> crate::scripted::Said {
    let args: Vec<&str> = args.iter().copied().chain(["--config", "callbackd.toml"]).collect();
    site.run(&args)
}

fn signs(pbx: &Server) -> Vec<String> {
    let heard = pbx.heard();
    let shown = heard.iter().filter(|a| a.get("Action") == "Setvar" && a.get("Variable") == "CALLBACKD_ACTIVE");
    shown.map(|action| action.get("Value").to_owned()).collect()
}

fn originated(pbx: &Server) -> Vec<String> {
    let heard = pbx.heard();
    let calls = heard.iter().filter(|action| action.get("Action") == "Originate");
    calls.map(|action| action.get("ChannelId").to_owned()).collect()
}

#[test]
fn another_daemons_sign_holds_callbacks_back_until_it_stops_and_everyone_says_so() {
    let (pbx, _, variable) = pbx("ffffffff 500");
    let site = site(&pbx, "");
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("Another callbackd makes callbacks on this PBX; this one makes none");
    let added = run(&site, &["callbacks", "add", "+12025550123", "--queue", "sales"]);
    assert_eq!(added.code, 0, "{added:?}");
    let listed = run(&site, &["callbacks", "--json"]);
    assert!(listed.out.contains("ANOTHER_DAEMON"), "{listed:?}");
    run(&site, &["status"]).line(&["ANOTHER CALLBACKD", "ffffffff", "this one makes none"]);
    let status: Value = serde_json::from_str(&run(&site, &["status", "--json"]).out).unwrap();
    assert_eq!(
        (&status["pbx"][0]["another_callbackd"], &status["pbx"][0]["gives_way"]),
        (&"ffffffff".into(), &true.into())
    );
    assert!(originated(&pbx).is_empty() && signs(&pbx).is_empty(), "who waits shows nothing");

    sets(&pbx, &variable, "ffffffff off");
    daemon.wait_for("No other callbackd makes callbacks on this PBX any more");
    daemon.wait_for("Callback offered");
    daemon.end(Some(Signal::TERM));
    let identity = callbackd::store::Reader::open(&site.path("calls.db")).unwrap().attempt_prefix().unwrap();
    let own = identity.as_str();
    assert_eq!(originated(&pbx), [format!("cb-{own}-1-1")]);
    assert_eq!(signs(&pbx), [format!("{own} 1"), format!("{own} off")], "taken back at the end");
}

#[test]
fn check_names_another_callbackd_but_not_ones_own() {
    for (sign, found) in [("ffffffff 500", true), ("ffffffff off", false), ("", false)] {
        let (pbx, _, _) = pbx(sign);
        let said = run(&site(&pbx, ""), &["check", "--connect"]);
        assert_eq!(said.out.contains("another callbackd"), found, "{sign}: {}", said.out);
    }
    let (pbx, shown, _) = pbx("");
    let site = site(&pbx, "");
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("session: Asterisk is ready");
    // Nobody waits this long unless the test fails.
    shown.recv_timeout(Duration::from_secs(30)).expect("a sign");
    daemon.end(Some(Signal::KILL));
    assert_eq!(signs(&pbx).len(), 1, "it was killed and took nothing back");
    let said = run(&site, &["check", "--connect"]);
    assert!(!said.out.contains("another callbackd"), "{}", said.out);
}

#[test]
fn where_callbacks_are_off_another_daemon_is_in_nobodys_way() {
    let (pbx, _, variable) = pbx("ffffffff 500");
    let site = site(&pbx, "");
    let text = std::fs::read_to_string(site.path("callbackd.toml")).unwrap();
    site.configure(&text.replace("enabled = true", "enabled = false"));
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("session: Asterisk is ready");
    sets(&pbx, &variable, "ffffffff 501");
    let status = run(&site, &["status"]);
    assert!(status.out.contains("callback.enabled = false") && !status.out.contains("ANOTHER"), "{status:?}");
    // The sign has been taken when the end of what came behind it is seen.
    pbx.hang_up();
    daemon.wait_for("Connection to Asterisk lost");
    let (_, said) = daemon.end(Some(Signal::TERM));
    assert!(!said.contains("callbackd makes callbacks"), "{said}");
    assert!(signs(&pbx).is_empty(), "who makes none shows none");
}

#[test]
fn a_lost_link_does_not_say_that_the_other_daemon_is_gone() {
    let (pbx, _, _) = pbx("ffffffff 500");
    let site = site(&pbx, "");
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("Another callbackd makes callbacks on this PBX; this one makes none");
    pbx.hang_up();
    daemon.wait_for("Event gap closed");
    let (_, said) = daemon.end(Some(Signal::TERM));
    assert!(!said.contains("No other callbackd"), "{said}");
    assert_eq!(said.matches("Another callbackd makes").count(), 1, "said once, for it was never gone: {said}");
}

#[test]
fn who_is_configured_to_makes_callbacks_beside_the_other() {
    let (pbx, _, _) = pbx("ffffffff 500");
    let site = site(&pbx, "alongside = true\n");
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("and so does this one");
    assert_eq!(run(&site, &["callbacks", "add", "+12025550123", "--queue", "sales"]).code, 0);
    daemon.wait_for("Callback offered");
    run(&site, &["status"]).line(&["ANOTHER CALLBACKD", "so does this one"]);
    daemon.end(Some(Signal::TERM));
}
