//! As FreePBX is set up: customers through the outbound routes, agents behind Local channels, and the agent paused meanwhile.

use super::cdr;
use super::office::{self, Office, customer, soon};
use crate::files;
use crate::lab::Lab;
use crate::manager::Frame;
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
fn paths_are_tried(office: &Office<'_>) -> Result<(), String> {
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

#[test]
fn callbacks_work_in_a_stock_freepbx_with_what_is_shipped() {
    let Some(mut lab) = Lab::start_freepbx() else { return };
    let files = files("callbacks-stock-freepbx");
    let run = || -> Result<(), String> {
        let as_shipped = |text: String| {
            [
                "dial_customer = \"PJSIP/{number}@trunk\"\n",
                "number_form = \"{digits}\"\n",
                "dial_agent = \"{interface}\"\n",
            ]
            .iter()
            .fold(text, |text, line| text.replace(line, ""))
        };
        let daemon = office::daemon_with(&files, &lab, as_shipped)?;
        let office = Office { since: lab.pbx.position(), lab: &lab, dir: files.clone() };
        paths_are_tried(&office)?;
        agent_first(&office)?;
        nobody_takes_it(&office)?;
        customer_first(&office)?;
        std::fs::write(files.join("log"), daemon.said()).map_err(|e| e.to_string())?;
        daemon.stop().map(drop)
    };
    let result = run();
    conclude(&mut lab, &files, result);
}

const STAYS: &str = "ring-wait:1-answer-wait:60-hangup";
const TALKS: &str = "ring-wait:1-answer-wait:4-hangup";

/// The member of a queue as FreePBX writes it.
fn member(cell: &str) -> (String, String) {
    (format!("q{cell}"), format!("Local/1{cell}1@from-queue/n"))
}

/// All but the first agent of a cell pause.
fn alone(office: &Office<'_>, cell: &str) -> Result<(), String> {
    let queue = format!("q{cell}");
    (2..=3).try_for_each(|n| office.pause_member(&queue, &format!("Local/1{cell}{n}@from-queue/n"), true))
}

fn missed(office: &Office<'_>, cell: &str, n: usize, agent: &str, ann: &str) -> Result<i64, String> {
    let (queue, member) = member(cell);
    alone(office, cell)?;
    office.lab.script(&format!("1{cell}1"), agent)?;
    office.customer_does(&customer(n), ann)?;
    office.pause_member(&queue, &member, true)?;
    let id = office.misses(&customer(n), cell)?;
    office.pause_member(&queue, &member, false)?;
    Ok(id)
}

/// The agent's phone rings by the extension, and the customer sees the number that they dialled.
fn agent_first(office: &Office<'_>) -> Result<(), String> {
    let id = missed(office, "10", 10, STAYS, TALKS)?;
    office.event(id, 1, "Newchannel", |f| f.get("Channel").starts_with("Local/1101@originate-skipvm"))?;
    let dialled = office.event(id, 1, "DialBegin", |f| f.get("DestChannel").starts_with("PJSIP/trunk-"))?;
    if dialled.get("CallerIDNum") != "5550310" {
        return Err(format!("the customer sees {}", dialled.get("CallerIDNum")));
    }
    office.comes_to(id, "DONE")?;
    office.until(
        "agent of the row",
        &format!("SELECT agent FROM calls WHERE callback_id = {id} AND direction = 'callback'"),
        "PJSIP/1101",
    )
}

/// A phone that rings out is not answered by its mailbox, and is not rung again at once.
fn nobody_takes_it(office: &Office<'_>) -> Result<(), String> {
    let id = missed(office, "11", 11, "ring-wait:60-hangup", TALKS)?;
    let sql = format!("SELECT result FROM callback_attempts WHERE callback_id = {id} AND n = 1");
    office.until("the first attempt", &sql, "AGENT_NOANSWER")?;
    office.stays_silent(id, 2)?;
    office.run(&["callbacks", "cancel", &id.to_string()])?;
    office.until("attempts that go on", "SELECT count(*) FROM callback_attempts WHERE result IS NULL", "0")
}

/// The customer first: the queue rings the agent in its own way.
fn customer_first(office: &Office<'_>) -> Result<(), String> {
    let id = missed(office, "57", 12, TALKS, STAYS)?;
    office.comes_to(id, "DONE")
}
