//! Who answered, where only Asterisk's files tell: FollowMe, agents who stay on the line.

use super::{caller, row, rows, summary};

const FOLLOW_ME: (&str, &str) = ("FollowMe", "fm10,ns");
const FIRST: (&str, &str) = ("Local/4101@from-internal-000000ed;1", "Local/4101@from-internal-000000ed;2");
const SECOND: (&str, &str) = ("Local/4102@from-internal-000000ee;1", "Local/4102@from-internal-000000ee;2");

#[test]
fn a_phone_that_picked_up_and_did_not_take_the_followed_call_has_served_nobody() {
    // Two phones ring, one picks up at 6 s, is asked to press 1, and lets it be until the time is over.
    let missed = row(
        &[
            caller(("Dial", "PJSIP/4101,15"), "PJSIP/4101-000004ea", 5, 13)
                .answered(6)
                .said("ANSWERED")
                .of(FIRST.1, ("5.3", "0.1")),
            caller(("Dial", "PJSIP/4102,15"), "PJSIP/4102-000004eb", 5, 13).unanswered().of(SECOND.1, ("5.5", "0.1")),
            caller(FOLLOW_ME, FIRST.0, 0, 6).said("ANSWERED"),
            caller(FOLLOW_ME, SECOND.0, 5, 6),
            caller(("Hangup", ""), "", 13, 13).said("ANSWERED"),
        ],
        &[],
    );
    assert_eq!((missed.answered_ms, missed.talk_ms), (None, 0), "{missed:#?}");
    assert_eq!(summary(&missed), "NOANSWER RING_TIMEOUT 13 s pbx", "{missed:#?}");
}

#[test]
fn whoever_took_the_followed_call_is_in_the_callers_record_until_the_end() {
    // Seen on Asterisk 22: it is closed when the phone is answered, unless somebody takes the call.
    let phone = |to| {
        let rang = caller(("Dial", "PJSIP/4101,15"), "PJSIP/4101-000004ea", 2, to).said("ANSWERED");
        rang.of(FIRST.1, ("2.3", "0.1"))
    };
    let of_caller = |to| caller(FOLLOW_ME, FIRST.0, 0, to).said("ANSWERED");
    let taken = row(&[phone(20), of_caller(20)], &[]);
    assert_eq!((taken.status.to_string(), taken.talk_ms), ("ANSWER".to_owned(), 18_000), "{taken:#?}");
    assert_eq!(taken.agent.as_deref(), Some("PJSIP/4101"));
    let left = row(&[phone(20), of_caller(2)], &[]);
    assert_eq!((left.status.to_string(), left.talk_ms), ("NOANSWER".to_owned(), 0), "{left:#?}");
    // One second may be the rounding, or a talk.
    let unknown = row(&[phone(20), of_caller(3)], &[]);
    assert_eq!((unknown.status.to_string(), unknown.answered_ms), ("UNKNOWN".to_owned(), None), "{unknown:#?}");
    assert!(unknown.why[0].contains("FollowMe"), "{:?}", unknown.why);
    // Whoever else served the caller did.
    let other = caller(("Dial", "PJSIP/103,20"), "PJSIP/103-000004ef", 9, 30).said("ANSWERED");
    let served = row(&[phone(9), of_caller(2), other], &[]);
    assert_eq!((served.status.to_string(), served.agent.as_deref()), ("ANSWER".to_owned(), Some("PJSIP/103")));
}

#[test]
fn where_cdr_do_not_name_whom_a_call_rang_nobody_knows_whether_it_was_served() {
    // With ignoredialchanges = yes and ignorestatechanges = yes in cdr.conf, as Asterisk 22 writes it.
    let dial = |disposition| caller(("Dial", "PJSIP/101,10"), "", 0, 6).said(disposition);
    assert_eq!(row(&[dial("ANSWERED")], &[]).status.to_string(), "UNKNOWN");
    assert!(row(&[dial("ANSWERED")], &[]).why[0].contains("ignoredialchanges"));
    assert_eq!(row(&[dial("NO ANSWER").unanswered()], &[]).status.to_string(), "NOT_CONNECTED");
    // Records that name others show that the option is off: the phone could not be reached.
    let other =
        caller(("Dial", "PJSIP/102,10"), "PJSIP/102-00000001", 20, 30).of("PJSIP/trunk-00000009", ("20.9", "20.9"));
    let told = rows(&[dial("ANSWERED"), other], &[]);
    assert_eq!(told[0].outcome.to_string(), "UNAVAILABLE", "{told:#?}");
    // A queue's log tells by itself that an agent took the call.
    let queue = caller(("Queue", "sales"), "", 0, 9).said("ANSWERED");
    let events = [
        "0|0.1|sales|NONE|ENTERQUEUE||12025550123|1",
        "3|0.1|sales|Ann|CONNECT|3|pbx-1795820400.2|3",
        "9|0.1|sales|Ann|COMPLETEAGENT|3|6|1",
    ];
    let served = row(&[queue], &events);
    assert_eq!((served.status.to_string(), served.wait_ms, served.talk_ms), ("ANSWER".to_owned(), 3_000, 6_000));
}

/// An agent on the line, two customers one behind the other, and one who gives up; as Asterisk 22 writes it.
fn pool<'a>() -> [super::Line<'a>; 9] {
    const QUEUE: (&str, &str) = ("Queue", "pool,,,,20");
    const LOGIN: (&str, &str) = ("AgentLogin", "1001,s");
    let on_the_line = |dst, from, to| {
        let login = caller(LOGIN, dst, from, to).said("ANSWERED").of("PJSIP/106-00000055", ("-3.161", "-3.161"));
        login.at("agent-login", "1001").from("106")
    };
    let request = |half, id, at| {
        let asked = caller(("AgentRequest", "1001"), "", at, at + 1).said("FAILED");
        asked.at("agents", "1001").of(half, (id, "-3.161"))
    };
    [
        caller(QUEUE, "Local/1001@agents-00000026;1", 0, 5).said("ANSWERED"),
        request("Local/1001@agents-00000026;2", "2.166", 2),
        caller(QUEUE, "Local/1001@agents-00000029;1", 2, 4)
            .of("PJSIP/trunk-00000003", ("2.164", "2.164"))
            .from("12025550133"),
        caller(QUEUE, "Local/1001@agents-00000027;1", 1, 3)
            .of("PJSIP/trunk-00000002", ("1.163", "1.163"))
            .from("12025550132"),
        caller(("Hangup", ""), "", 3, 3).unanswered().of("Local/1001@agents-00000027;2", ("3.168", "1.163")),
        caller(QUEUE, "Local/1001@agents-0000002b;1", 6, 13)
            .said("ANSWERED")
            .of("PJSIP/trunk-00000002", ("1.163", "1.163"))
            .from("12025550132"),
        request("Local/1001@agents-0000002b;2", "6.176", 6),
        on_the_line("Local/1001@agents-00000026;2", -3, 5),
        on_the_line("Local/1001@agents-0000002b;2", 5, 13),
    ]
}

#[test]
fn customers_of_an_agent_who_stays_on_the_line_are_calls_of_their_own() {
    let told = rows(
        &pool(),
        &[
            "0|0.1|pool|NONE|ENTERQUEUE||12025550123|1",
            "1|1.163|pool|NONE|ENTERQUEUE||12025550132|2",
            "2|2.164|pool|NONE|ENTERQUEUE||12025550133|3",
            "3|0.1|pool|Pool Agent|CONNECT|3|pbx-1795820402.165|0",
            "5|0.1|pool|Pool Agent|COMPLETECALLER|3|2|1",
            "6|2.164|pool|NONE|ABANDON|2|3|4",
            "7|1.163|pool|Pool Agent|CONNECT|6|pbx-1795820406.175|0",
            "13|1.163|pool|Pool Agent|COMPLETECALLER|6|6|2",
        ],
    );
    let shown: Vec<String> = told
        .iter()
        .map(|r| {
            let (number, agent) = (r.number.as_deref().unwrap_or("-"), r.agent.as_deref().unwrap_or("-"));
            format!("{} {number} {} {agent} {}+{}", r.direction, r.status, r.wait_ms / 1_000, r.talk_ms / 1_000)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "inbound 12025550123 ANSWER PJSIP/106 3+2",
            "inbound 12025550132 ANSWER PJSIP/106 6+6",
            "inbound 12025550133 CANCEL - 4+0",
        ],
        "{told:#?}"
    );
    assert_eq!(told[0].legs[0].interface, "Local/1001@agents");
}

#[test]
fn while_the_agent_is_still_on_the_line_the_talk_is_known_and_the_phone_is_not() {
    let lines: Vec<_> = pool().into_iter().take(2).collect();
    let events = ["0|0.1|pool|NONE|ENTERQUEUE||12025550123|1", "3|0.1|pool|Pool Agent|CONNECT|3|pbx-1795820402.165|0"];
    let served = row(&lines, &events);
    assert_eq!((served.status.to_string(), served.agent.as_deref()), ("ANSWER".to_owned(), Some("Local/1001@agents")));
}
