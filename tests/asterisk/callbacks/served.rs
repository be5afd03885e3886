//! A customer who has been served, or is on the line, is not called.

use super::office::{self, Customer, Office, customer, soon};
use super::{EVERYWHERE, Scenario};
use crate::manager::Frame;
use crate::script::{RINGS, TALKS};
use std::time::Duration;

pub const ALL: &[Scenario] = &[
    ("C1 C2 two misses are one callback", two_misses, EVERYWHERE),
    ("C3 who calls again and is served is not called", served, EVERYWHERE),
    ("C3 C19 also while the agent's phone rings", served_while_ringing, EVERYWHERE),
    ("C5 an agent's own call is as good", own_call, EVERYWHERE),
    ("C4 who is on the line waits until they are missed again", on_the_line, EVERYWHERE),
    ("C19 a customer who calls while we call them burns no attempt", both_call, EVERYWHERE),
    ("C21 however a number is written it is one customer", one_number, EVERYWHERE),
];

const STAYS: &str = "ring-wait:1-answer-wait:60-hangup";

fn two_misses(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("10", customer(30));
    office.all_pause(cell)?;
    let first = office.misses(&ann, cell)?;
    // Again, by way of a menu and a key: now it is requested.
    office.calls(&ann, "5550179", "wait:1-dtmf:1-wait:9-hangup")?;
    let sql = format!(
        "SELECT count(*) || ' ' || max(missed_count) || ' ' || max(requested) FROM callbacks WHERE number_e164 = '{}'",
        ann.e164
    );
    office.until("callbacks, misses, requested", &sql, "1 2 1")?;
    office.agent_does(cell, 1, STAYS)?;
    office.pause(cell, 1, false)?;
    let shown = office.lab.farm.wait(0, soon(), "what the agent sees", |f| {
        f.is("Newchannel") && f.get("Exten") == "1101" && f.get("CallerIDName").starts_with("CB")
    })?;
    let shows = format!("{} {}", shown.get("CallerIDName"), shown.get("CallerIDNum"));
    office::same("what the agent sees", &shows, &format!("CB q10 ×2 {}", ann.number))?;
    let script = |f: &Frame| f.get("Variable") == "__CALLBACKD_SCRIPT" && f.get("Value") == "We missed you twice.";
    office.event(first, 1, "VarSet", script)?;
    office.comes_to(first, "DONE")?;
    let won = format!("SELECT count(*) FROM calls WHERE callback_id = {first} AND recovered_by = 'callback'");
    office.until("misses won back", &won, "2")
}

fn served(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("11", customer(31));
    office.all_pause(cell)?;
    let id = office.misses(&ann, cell)?;
    // On another number, where somebody is free.
    office.lab.script("1801", TALKS)?;
    office.calls(&ann, "5550180", "wait:60-hangup")?;
    office.comes_to(id, "RECOVERED_BY_CUSTOMER")?;
    office.pause(cell, 1, false)?;
    office.stays_silent(id, 1)?;
    let won = format!("SELECT recovered_by FROM calls WHERE callback_id = {id}");
    office.until("the miss's row", &won, "customer")
}

fn served_while_ringing(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("12", customer(32));
    office.all_pause(cell)?;
    office.agent_does(cell, 1, RINGS)?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    office.rings(id, 1)?;
    office.lab.script("1811", TALKS)?;
    office.calls(&ann, "5550181", "wait:60-hangup")?;
    office.attempt(id, 1, "ABORTED_SERVED PJSIP/1121")?;
    office.comes_to(id, "RECOVERED_BY_CUSTOMER")
}

fn own_call(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("13", customer(33));
    office.all_pause(cell)?;
    office.customer_does(&ann, "ring-wait:1-answer-wait:4-hangup")?;
    let id = office.misses(&ann, cell)?;
    office.lab.place("1132", &ann.number, "wait:60-hangup", Duration::from_secs(30))?;
    office.comes_to(id, "RECOVERED_BY_AGENT")?;
    office.pause(cell, 1, false)?;
    office.stays_silent(id, 1)
}

fn on_the_line(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("16", customer(34));
    office.all_pause(cell)?;
    office.all_pause("17")?;
    office.agent_does(cell, 1, STAYS)?;
    let id = office.misses(&ann, cell)?;
    let since = office.lab.pbx.position();
    office.lab.place(&ann.number, "5550317", "wait:60-hangup", Duration::from_secs(30))?;
    office.lab.arrival(since, &ann.number, "5550317", soon())?;
    office.comes_to(id, "WAITING CUSTOMER_ON_LINE")?;
    office.pause(cell, 1, false)?;
    office.stays_silent(id, 1)?;
    office.lab.hang_up(&ann.number)?;
    office.attempt(id, 1, "CONNECTED PJSIP/1161")?;
    office.until("misses", &format!("SELECT missed_count FROM callbacks WHERE id = {id}"), "2")
}

fn both_call(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("68", customer(35));
    office.pause(cell, 1, true)?;
    office.agent_does(cell, 1, STAYS)?;
    office.customer_does(&ann, RINGS)?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    office.event(id, 1, "DialBegin", |f| f.get("DestChannel").starts_with("PJSIP/trunk-"))?;
    office.pause(cell, 1, true)?;
    office.calls(&ann, "5550368", "wait:3-hangup")?;
    office.attempt(id, 1, "ABORTED_SERVED PJSIP/1681")?;
    let stands = format!("SELECT counted || ' ' || missed_count FROM callbacks WHERE id = {id}");
    office.until("counted attempts and misses", &stands, "0 2")?;
    office.customer_does(&ann, TALKS)?;
    office.pause(cell, 1, false)?;
    office.attempt(id, 2, "CONNECTED PJSIP/1681")
}

fn one_number(office: &Office<'_>) -> Result<(), String> {
    let cell = "67";
    let ann = customer(36);
    office.pause(cell, 1, true)?;
    let national = ann.number.strip_prefix('1').unwrap_or_default().to_owned();
    let mut id = 0;
    for number in [ann.e164.clone(), ann.number.clone(), national] {
        id = office.misses(&Customer { number, e164: ann.e164.clone() }, cell)?;
    }
    let sql = format!("SELECT count(*) || ' ' || max(missed_count) FROM callbacks WHERE number_e164 = '{}'", ann.e164);
    office.until("callbacks, misses", &sql, "1 3")?;
    office.agent_does(cell, 1, STAYS)?;
    office.customer_does(&ann, TALKS)?;
    office.pause(cell, 1, false)?;
    office.attempt(id, 1, "CONNECTED PJSIP/1671")
}
