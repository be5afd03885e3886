//! As FreePBX is set up: customers through the outbound routes, agents behind Local channels, and the agent paused meanwhile.

use super::office::{self, Office, customer, same, soon};
use super::{EVERYWHERE, Scenario, cdr};
use crate::files;
use crate::lab::Lab;
use crate::manager::Frame;
use crate::script::{RINGS, TALKS};
use std::path::Path;

#[test]
fn a_customer_is_dialled_through_the_outbound_routes_while_the_agent_is_paused() {
    let Some(mut lab) = Lab::start() else { return };
    let files = files("callbacks-freepbx");
    let run = || -> Result<(), String> {
        let as_shipped = |text: String| {
            let text = text.replace("dial_customer = \"PJSIP/{number}@trunk\"\n", "pause_agent = true\n");
            text.replace("number_form = \"{digits}\"\n", "").replace("dial_agent = \"{interface}\"\n", "")
        };
        let daemon = office::daemon_with(&files, &lab, as_shipped)?;
        let office = Office { since: lab.pbx.position(), lab: &lab, dir: files.clone() };
        paths_are_tried(&office)?;
        let (queue, member) = ("q60", "Local/1601@from-queue/n");
        let [answers, busy, unknown] = [0, 1, 2].map(customer);
        office.lab.script("1601", "ring-wait:1-answer-wait:60-hangup")?;
        office.customer_does(&answers, "ring-wait:1-answer-wait:4-hangup")?;
        office.customer_does(&busy, "busy")?;
        office.customer_does(&unknown, "unallocated")?;
        office.pause_member(queue, member, true)?;
        let id = office.misses(&answers, "60")?;
        office.pause_member(queue, member, false)?;
        let pause = |paused: &'static str| {
            move |f: &Frame| f.is("QueueMemberPause") && f.get("Interface") == member && f.get("Paused") == paused
        };
        let ours = office
            .lab
            .pbx
            .wait(office.since, soon(), "our pause", |f| pause("1")(f) && f.get("PausedReason") == "callbackd")?;
        drop(ours);
        office.event(id, 1, "Newchannel", |f| {
            f.get("Channel").starts_with(&format!("Local/{}@from-internal", answers.number))
        })?;
        office.attempt(id, 1, "CONNECTED PJSIP/1601")?;
        office.comes_to(id, "DONE")?;
        // The agent's state is back to what it was, which the next two show.
        for (ann, result, stands) in [
            (&busy, "CUSTOMER_BUSY PJSIP/1601", "WAITING RETRY_DELAY"),
            (&unknown, "INVALID_NUMBER PJSIP/1601", "NOT_CALLABLE invalid"),
        ] {
            office.run(&["callbacks", "add", &ann.e164, "--queue", queue])?;
            let id = office.callback(ann)?;
            office.attempt(id, 1, result)?;
            office.comes_to(id, stands)?;
        }
        // A pause that the agent takes during a callback is not ended by the daemon.
        let again = customer(3);
        office.customer_does(&again, "ring-wait:1-answer-wait:4-hangup")?;
        office.run(&["callbacks", "add", &again.e164, "--queue", queue])?;
        let id = office.callback(&again)?;
        office.comes_to(id, "TALKING")?;
        office.pause_member(queue, member, true)?; // for lunch
        office.comes_to(id, "DONE")?;
        office.run(&["callbacks", "add", &customer(4).e164, "--queue", queue])?;
        let next = office.callback(&customer(4))?;
        office.stays_silent(next, 1)?;
        let agents = office.run(&["agents"])?;
        if !agents.contains("paused (lunch)") {
            return Err(format!("agents shows\n{agents}"));
        }
        std::fs::write(files.join("log"), daemon.said()).map_err(|e| e.to_string())?;
        daemon.stop().map(drop)
    };
    let result = run();
    conclude(&mut lab, &files, result);
}

/// `check` finds the way to agents and customers, and that it is not there where an endpoint does not exist.
pub fn paths_are_tried(office: &Office<'_>) -> Result<(), String> {
    let said = office.run(&["check", "--connect"])?;
    if !said.contains("the dialplan takes each of them in") {
        return Err(format!("no way to the agents: {said}"));
    }
    let file = office.dir.join("callbackd.toml");
    let text = std::fs::read_to_string(&file).map_err(|e| e.to_string())?;
    let nowhere = text.replace("[callback]\n", "[callback]\ndial_customer = \"PJSIP/{number}@nowhere\"\n");
    std::fs::write(&file, nowhere).map_err(|e| e.to_string())?;
    let refused = office.run(&["check", "--connect"]);
    std::fs::write(&file, text).map_err(|e| e.to_string())?;
    match refused {
        Err(said) if said.contains("Asterisk has no PJSIP/nowhere") => Ok(()),
        other => Err(format!("an endpoint that does not exist was not found: {other:?}")),
    }
}

/// What was to happen has happened, and Asterisk's own CDR say the same.
fn conclude(lab: &mut Lab, files: &Path, result: Result<(), String>) {
    let (cdrs, _) = crate::oracle(lab, files);
    result.unwrap_or_else(|e| panic!("{e}"));
    let db = rusqlite::Connection::open(files.join("calls.db")).expect("the daemon has made it");
    let faults = cdr::faults(&db, &cdrs);
    assert!(faults.is_empty(), "{faults:#?}\nall that Asterisk wrote: {}", files.display());
}

/// What only an office of FreePBX's shape has.
pub const ALL: &[Scenario] = &[
    (
        "the agent's phone rings by the extension, and the customer sees the number that they dialled",
        agent_first,
        EVERYWHERE,
    ),
    ("a phone that rings out is not answered by its mailbox, and is not rung again at once", rings_out, EVERYWHERE),
    ("whom an agent's follow-me reaches talks with the customer", follow_me, EVERYWHERE),
    ("an agent on a mobile is reached by the outbound routes", mobile, EVERYWHERE),
    ("who gives up in a ring group behind a menu is called back", ring_group, EVERYWHERE),
];

const STAYS: &str = "ring-wait:1-answer-wait:60-hangup";

/// The only agent who comes back to this queue does this when a missed caller is called back.
fn missed(office: &Office<'_>, cell: &str, n: usize, agent: &str) -> Result<i64, String> {
    office.all_pause(cell)?;
    office.agent_does(cell, 1, agent)?;
    office.customer_does(&customer(n), TALKS)?;
    let id = office.misses(&customer(n), cell)?;
    office.pause(cell, 1, false)?;
    Ok(id)
}

fn talked(office: &Office<'_>, id: i64, agent: &str) -> Result<(), String> {
    office.comes_to(id, "DONE")?;
    let row = format!("SELECT status || ' ' || agent FROM calls WHERE callback_id = {id} AND direction = 'callback'");
    office.until("the callback's own row", &row, &format!("ANSWER {agent}"))
}

fn agent_first(office: &Office<'_>) -> Result<(), String> {
    let id = missed(office, "29", 60, STAYS)?;
    office.event(id, 1, "Newchannel", |f| f.get("Channel").starts_with("Local/1291@originate-skipvm"))?;
    let dialled = office.event(id, 1, "DialBegin", |f| f.get("DestChannel").starts_with("PJSIP/trunk-"))?;
    same("what the customer sees", dialled.get("CallerIDNum"), "5550329")?;
    talked(office, id, "PJSIP/1291")
}

fn rings_out(office: &Office<'_>) -> Result<(), String> {
    let id = missed(office, "30", 61, RINGS)?;
    office.attempt(id, 1, "AGENT_NOANSWER PJSIP/1301")?;
    office.stays_silent(id, 2)?;
    office.run(&["callbacks", "cancel", &id.to_string()]).map(drop)
}

fn follow_me(office: &Office<'_>) -> Result<(), String> {
    office.agent_does("33", 3, STAYS)?;
    office.agent_does("33", 2, RINGS)?;
    let id = missed(office, "33", 62, RINGS)?;
    office.attempt(id, 1, "CONNECTED PJSIP/1333")?;
    talked(office, id, "PJSIP/1333")
}

fn mobile(office: &Office<'_>) -> Result<(), String> {
    let (ann, member) = (customer(63), "Local/12025550195@from-queue/n");
    office.pause_member("q34", member, true)?;
    office.lab.script("12025550195", STAYS)?;
    office.customer_does(&ann, TALKS)?;
    let id = office.misses(&ann, "34")?;
    office.pause_member("q34", member, false)?;
    office.attempt(id, 1, "CONNECTED Local/12025550195@from-queue/n")?;
    // The row names the way by which this daemon has rung the mobile.
    talked(office, id, "Local/12025550195@originate-skipvm")
}

fn ring_group(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("31", customer(64));
    office.all_pause(cell)?;
    office.agent_does(cell, 2, RINGS)?;
    office.agent_does(cell, 1, RINGS)?;
    office.customer_does(&ann, TALKS)?;
    let linkedid = office.calls(&ann, "5550931", "wait:1-dtmf:2-wait:3-hangup")?;
    let id = office.callback(&ann)?;
    let row = format!(
        "SELECT status || ' ' || outcome || ' ' || (SELECT group_concat(context || ' ' || digits) FROM ivr_steps WHERE call_id = calls.id) FROM calls WHERE linkedid = '{linkedid}'"
    );
    office.until("the miss", &row, "CANCEL RING_ABANDON ivr-1 2")?;
    office.agent_does(cell, 1, STAYS)?;
    office.pause(cell, 1, false)?;
    office.attempt(id, 1, "CONNECTED PJSIP/1311")
}
