//! What agents say by dialling: the code of the call that they are in, of their last one, and that their after-call work is done.

use super::office::{Office, customer, soon};
use super::{EVERYWHERE, Scenario};
use std::time::Duration;

pub const ALL: &[Scenario] = &[
    ("an agent dials the codes of a call, while it lasts and afterwards", dialled, EVERYWHERE),
    ("an agent who dials that they are ready gets the next callback at once", ready, EVERYWHERE),
];

/// Dials, hears the answer, and hangs up.
fn dials(office: &Office<'_>, extension: &str, code: &str) -> Result<(), String> {
    office.lab.place(extension, code, "wait:1-hangup", Duration::from_secs(30))
}

fn dialled(office: &Office<'_>) -> Result<(), String> {
    let ann = customer(55);
    office.lab.script("1351", "ring-wait:1-answer-wait:20-hangup")?;
    let since = office.lab.pbx.position();
    office.lab.place(&ann.number, "5550135", "wait:60-hangup", Duration::from_secs(60))?;
    let talks = |f: &crate::manager::Frame| f.is("BridgeEnter") && f.get("Channel").starts_with("PJSIP/1351-");
    let linkedid = office.lab.pbx.wait(since, soon(), "the talk", talks)?.get("Linkedid").to_owned();

    dials(office, "1351", "*452")?;
    office.lab.departure(since, &linkedid, soon())?;
    let codes = format!(
        "SELECT group_concat(code || ' ' || \"by\", ', ') FROM (SELECT code, \"by\" FROM tags JOIN calls ON calls.id = call_id WHERE linkedid = '{linkedid}' ORDER BY code)"
    );
    office.until("the call's codes", &codes, "FOLLOW_UP PJSIP/1351")?;
    let id = office.callback(&ann)?;
    let due = format!(
        "SELECT requested || ' ' || (due_ms - (SELECT ended_ms FROM calls WHERE linkedid = '{linkedid}') BETWEEN 86300000 AND 86500000) FROM callbacks WHERE id = {id}"
    );
    office.until("a callback that was requested, a day later", &due, "1 1")?;

    // The agent's last call, and not the one in which they dial this.
    dials(office, "1351", "*454")?;
    office.until("the call's codes", &codes, "FOLLOW_UP PJSIP/1351, WRONG_NUMBER PJSIP/1351")?;
    office.until("the callback's state", &format!("SELECT state FROM callbacks WHERE id = {id}"), "DNC")?;
    let listed = office.run(&["dnc", "list"])?;
    if !listed.contains(&ann.e164) {
        return Err(format!("dnc list shows {listed}"));
    }
    let listed = office.run(&["codes"])?;
    let line = listed.lines().find(|line| line.contains("WRONG_NUMBER")).unwrap_or_default();
    if !line.contains("Wrong number") {
        return Err(format!("codes shows {listed}"));
    }
    office.run(&["dnc", "remove", &ann.e164]).map(drop)
}

fn ready(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann, ben) = ("24", customer(56), customer(57));
    [2, 3].into_iter().try_for_each(|other| office.pause(cell, other, true))?;
    office.agent_does(cell, 1, "answer-wait:2-hangup")?;
    office.calls(&ben, "5550424", "wait:60-hangup")?;
    // Now the agent wraps up for ten minutes.
    office.pause(cell, 1, true)?;
    let id = office.misses(&ann, cell)?;
    office.agent_does(cell, 1, "ring-wait:1-answer-wait:60-hangup")?;
    office.pause(cell, 1, false)?;
    office.stays_silent(id, 1)?;
    dials(office, "1241", "*46")?;
    office.attempt(id, 1, "CONNECTED PJSIP/1241")?;
    office.comes_to(id, "DONE")
}
