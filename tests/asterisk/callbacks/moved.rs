//! Attempts that move or end as nobody planned: picked up by a colleague, forwarded by the phone, hung up by others, rung nowhere.

use super::office::{Office, customer, soon};
use super::{EVERYWHERE, Scenario};
use crate::script::{RINGS, TALKS, WAITS};
use std::time::Duration;

pub const ALL: &[Scenario] = &[
    ("C9 a callback that a colleague picks up goes on with the colleague", picked_up, EVERYWHERE),
    ("C9 a phone that forwards leads nobody to the customer, and the next agent is asked", forwards, FOLLOWED),
    ("C9 a callback that others hang up while the agent's phone rings was killed", killed_at_the_agents, BY_DIAL),
    (
        "C13 a callback that others hang up while the customer's phone rings was killed",
        killed_at_the_customers,
        EVERYWHERE,
    ),
    ("C9 members whose dialplan rings nobody never rang", rings_nobody, EVERYWHERE),
];

/// Why it is not played in a FreePBX.
const FOLLOWED: &str =
    "its own dialplan follows a phone that forwards, as for every call: whoever answers there has the callback";

const BY_DIAL: &str =
    "the Dial() of its own dialplan says of a phone that others hang up what it says of one that rings out";

/// Answers after a second and does not hang up.
const STAYS: &str = "ring-wait:1-answer-wait:60-hangup";

/// The phone of this extension rings for the attempt.
fn phone_rings(office: &Office<'_>, id: i64, extension: &str) -> Result<String, String> {
    let phone = format!("PJSIP/{extension}-");
    let rings = |f: &crate::manager::Frame| f.get("Channel").starts_with(&phone) && f.get("ChannelState") == "5";
    office.event(id, 1, "Newstate", rings).map(|event| event.get("Channel").to_owned())
}

fn hang_up(office: &Office<'_>, channel: &str) -> Result<(), String> {
    office.lab.pbx.action(&[("Action", "Hangup"), ("Channel", channel)]).map(drop)
}

/// Status, outcome, number and queue of the attempt's own row.
fn row_is(office: &Office<'_>, id: i64, wanted: &str) -> Result<(), String> {
    let sql = format!(
        "SELECT status || ' ' || outcome || ' ' || coalesce(number_e164, '-') || ' ' || coalesce(queue, '-') FROM calls WHERE linkedid = '{}'",
        office.channel_id(id, 1)?
    );
    office.until("the attempt's row", &sql, wanted)
}

fn picked_up(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("20", customer(50));
    office.all_pause(cell)?;
    office.agent_does(cell, 1, RINGS)?;
    office.customer_does(&ann, TALKS)?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    phone_rings(office, id, "1201")?;
    office.lab.place("1202", "*8", WAITS, Duration::from_secs(30))?;
    office.attempt(id, 1, "CONNECTED PJSIP/1202")?;
    office.comes_to(id, "DONE")?;
    let talked = format!("SELECT status || ' ' || agent FROM calls WHERE linkedid = '{}'", office.channel_id(id, 1)?);
    office.until("who talked", &talked, "ANSWER PJSIP/1202")
}

fn forwards(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("21", customer(51));
    office.all_pause(cell)?;
    office.agent_does(cell, 1, "forward:1213")?;
    office.agent_does(cell, 2, STAYS)?;
    office.agent_does(cell, 3, STAYS)?;
    office.customer_does(&ann, TALKS)?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    office.attempt(id, 1, "AGENT_FORWARDED PJSIP/1211")?;
    let ended = |f: &crate::manager::Frame| f.is("Hangup") && f.get("Channel").starts_with("PJSIP/1213-");
    office.lab.pbx.wait(office.since, soon(), "the end of what was forwarded", ended)?;
    let dialled = format!(
        "SELECT count(*) FROM calls WHERE number_e164 = '{}' AND direction <> 'inbound' AND talk_ms > 0",
        ann.e164
    );
    office.until("talks with the customer", &dialled, "0")?;
    office.pause(cell, 2, false)?;
    office.attempt(id, 2, "CONNECTED PJSIP/1212")
}

fn killed_at_the_agents(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("22", customer(52));
    office.all_pause(cell)?;
    office.agent_does(cell, 1, RINGS)?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    let phone = phone_rings(office, id, "1221")?;
    office.pause(cell, 1, true)?;
    hang_up(office, &phone)?;
    office.attempt(id, 1, "KILLED PJSIP/1221")?;
    row_is(office, id, &format!("CANCEL RING_ABANDON {} q22", ann.e164))
}

fn killed_at_the_customers(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("23", customer(53));
    office.all_pause(cell)?;
    office.agent_does(cell, 1, STAYS)?;
    office.customer_does(&ann, RINGS)?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    let phone = phone_rings(office, id, "1231")?;
    office
        .event(id, 1, "Newstate", |f| f.get("Channel").starts_with("PJSIP/trunk-") && f.get("ChannelState") == "5")?;
    office.pause(cell, 1, true)?;
    hang_up(office, &phone)?;
    office.attempt(id, 1, "KILLED PJSIP/1231")?;
    row_is(office, id, &format!("CANCEL RING_ABANDON {} q23", ann.e164))
}

fn rings_nobody(office: &Office<'_>) -> Result<(), String> {
    let (queue, cell, ann) = ("q24", "24", customer(54));
    office.all_pause(cell)?;
    let id = office.misses(&ann, cell)?;
    let interface = "Local/1241@dead-end/n";
    let member = [
        ("Action", "QueueAdd"),
        ("Queue", queue),
        ("Interface", interface),
        ("StateInterface", "PJSIP/1243"),
        ("MemberName", "Nowhere"),
    ];
    office.lab.pbx.action(&member)?;
    let result = format!("SELECT result FROM callback_attempts WHERE callback_id = {id} AND n = 1");
    office.until("its result", &result, "NEVER_RANG").map_err(|e| format!("{e}\n{}", office.story(id)))?;
    office.pause_member(queue, interface, true)?;
    office.comes_to(id, "WAITING RETRY_DELAY")
}
