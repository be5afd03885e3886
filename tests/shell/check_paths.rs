//! `callbackd check --connect` tries where callbacks would be dialled, and rings nobody for it.

use crate::check_command::with_callbacks;
use crate::scripted::{Action, Said, usual};

/// A line of the dialplan, by what it has beside its context.
type Item = (&'static str, &'static str);

/// Checks a PBX with callbacks on, these lines of `[callback]`, this dialplan beside that of callbacks, and this member in a queue.
fn check(lines: &str, dialplan: &[Item], member: &str) -> Said {
    let own = [("callbackd-agent", "Extension: s\nPriority: 1"), ("callbackd-customer", "Extension: s\nPriority: 1")];
    let item = |(context, more): &Item| format!("Event: ListDialplan\nActionID: @ID@\nContext: {context}\n{more}\n\n");
    let list: String = own.iter().chain(dialplan).map(item).collect();
    let watched = if member.starts_with("Local/") { "PJSIP/101" } else { member };
    let member = format!("Location: {member}\nStateInterface: {watched}\n");
    with_callbacks(lines, move |action: &Action| match action.get("Action") {
        "ShowDialPlan" => Some(usual(action).replace("Event: ShowDialPlanC", &format!("{list}Event: ShowDialPlanC"))),
        "QueueStatus" => Some(usual(action).replace("Location: PJSIP/101\nStateInterface: PJSIP/101\n", &member)),
        "Getvar" if action.get("Variable").starts_with("DEVICE_STATE(") => {
            let state = if action.get("Variable").contains("provider") { "NOT_INUSE" } else { "INVALID" };
            Some(format!("Response: Success\nActionID: @ID@\nVariable: x\nValue: {state}\n\n"))
        }
        _ => None,
    })
}

#[test]
fn a_dialplan_file_of_an_older_version_is_a_warning_with_the_fix_unless_no_language_is_set() {
    let dial = "dial_customer = \"PJSIP/{number}@provider\"";
    let said = check(dial, &[], "PJSIP/101");
    let line = said.line(&["of an older version", "callbackd-leg", "Copy it anew: cp /usr/share/callbackd/asterisk/"]);
    assert!(line.contains("warn") && said.code == 0, "{said:#?}");
    let leg = ("callbackd-leg", "Extension: s\nPriority: 1");
    let none = format!("{dial}\nlanguage = \"\"");
    for said in [check(dial, &[leg], "PJSIP/101"), check(&none, &[], "PJSIP/101")] {
        assert!(!said.out.contains("older version") && said.code == 0, "{said:#?}");
    }
    let german = format!("{none}\n[callback.queue.sales]\nlanguage = \"de\"");
    assert!(check(&german, &[], "PJSIP/101").out.contains("older version"));
}

#[test]
fn a_context_that_the_dialplan_goes_to_and_that_is_not_there_ends_calls() {
    let dial = "dial_customer = \"PJSIP/{number}@provider\"";
    let greets = ("closed", "Extension: s\nPriority: 1\nApplication: Gosub\nAppData: callbackd-closed,s,1(sales)");
    let codes = ("phones", "IncludeContext: callbackd-codes");
    let leg = ("callbackd-leg", "Extension: s\nPriority: 1");
    let said = check(dial, &[leg, greets, codes], "PJSIP/101");
    let line = said.line(&["callbackd-closed, callbackd-codes", "are not in the dialplan", "calls end there"]);
    assert!(line.contains("MISSING") && said.code == 1, "{said:#?}");
    let there = ["callbackd-closed", "callbackd-codes"].map(|context| (context, "Extension: s\nPriority: 1"));
    assert_eq!(check(dial, &[&[leg, greets, codes], &there[..]].concat(), "PJSIP/101").code, 0);
    let steps = "Extension: s\nPriority: 2\nApplication: Dial\nAppData: ${CALLBACKD_DIAL},20,b(callbackd-leg^s^1)";
    assert!(
        check(dial, &[("callbackd-agent", steps)], "PJSIP/101").line(&["callbackd-leg is not"]).contains("MISSING")
    );
}

#[test]
fn an_endpoint_that_does_not_exist_is_named() {
    let said = check("dial_customer = \"PJSIP/{number}@provider\"", &[], "PJSIP/101");
    assert_eq!(said.code, 0, "{said:#?}");
    for dial in ["PJSIP/{number}@nowhere", "SIP/nowhere/{number}", "IAX2/nowhere/{number}"] {
        let said = check(&format!("dial_customer = \"{dial}\""), &[], "PJSIP/101");
        assert!(said.line(&["/nowhere", "INVALID"]).contains("MISSING"), "{dial}");
        assert_eq!(said.code, 1, "{dial}");
    }
}

#[test]
fn a_context_that_takes_no_numbers_reaches_no_customer() {
    let dial = "dial_customer = \"Local/{number}@out/n\"";
    let services = ("out", "Extension: 911\nPriority: 1");
    let phones = ("out", "Extension: _1XX\nPriority: 1");
    let said = check(dial, &[services, phones], "PJSIP/101");
    assert!(said.line(&["out takes no number", "callback.dial_customer"]).contains("MISSING"));
    for more in [
        vec![("out", "Extension: _9NXXXXXX\nPriority: 1")],
        vec![("out", "IncludeContext: routes,09:00-17:00,mon-fri,*,*"), ("routes", "Extension: _X.\nPriority: 1")],
        vec![("out", "Switch: Realtime/@")],
    ] {
        let said = check(dial, &[vec![services, phones], more.clone()].concat(), "PJSIP/101");
        assert_eq!(said.code, 0, "{more:?} {said:#?}");
    }
    let hint = ("out", "Extension: _X.\nPriority: hint");
    assert_eq!(check(dial, &[services, hint], "PJSIP/101").code, 1, "nobody can dial a hint");
}

#[test]
fn each_agents_extension_is_looked_up_where_the_queue_dials_it() {
    let dial = "dial_customer = \"PJSIP/{number}@provider\"";
    let agents = [("agents", "Extension: _2XX\nPriority: 1")];
    let said = check(dial, &agents, "Local/101@agents/n");
    assert!(said.line(&["takes no 101 in agents", "cannot be rung"]).contains("MISSING"));
    let said = check(dial, &agents, "Local/201@agents/n");
    assert!(said.line(&["the dialplan takes each of them in agents"]).trim_start().starts_with("ok "));
    let said = check(&format!("{dial}\ndial_agent = \"Local/{{extension}}@agents\""), &agents, "PJSIP/ann");
    assert!(said.line(&["PJSIP/ann", "has no extension"]).contains("MISSING"));
}

#[test]
fn on_freepbx_the_way_of_its_queues_is_a_trap_and_its_own_way_is_not() {
    let dial = "dial_customer = \"PJSIP/{number}@provider\"";
    let freepbx = [
        ("from-queue", "Extension: _X.\nPriority: 1"),
        ("originate-skipvm", "Extension: _X!\nPriority: 1"),
        ("from-internal", "Extension: _X.\nPriority: 1"),
    ];
    let member = "Local/101@from-queue/n";
    let said = check(&format!("{dial}\ndial_agent = \"{{interface}}\""), &freepbx, member);
    assert!(said.line(&["from-queue hangs up", "originate-skipvm"]).contains("MISSING"));
    let said = check(dial, &freepbx, member);
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.line(&["takes each of them in originate-skipvm"]).trim_start().starts_with("ok "));
}
