//! The language in which a customer was served is that of both legs of their callback.

use super::office::{Office, customer};
use super::{EVERYWHERE, Scenario};

pub const ALL: &[Scenario] = &[
    ("both legs speak the customer's language, the agent's from the first ring on", agent_first, EVERYWHERE),
    ("both legs speak the customer's language where the customer is called first", customer_first, OWN_QUEUES),
];

/// Why it is not played in a FreePBX.
const OWN_QUEUES: &str = "its own queue's dialplan rings the agent there, and says what that leg speaks";
const STAYS: &str = "ring-wait:1-answer-wait:60-hangup";

/// A customer whom the dialplan greets in German gives up in the queue of this cell; then its agent comes, and the two talk.
fn in_german(office: &Office<'_>, cell: &str, n: usize) -> Result<i64, String> {
    let ann = customer(n);
    office.all_pause(cell)?;
    office.agent_does(cell, 1, "ring-wait:1-answer-wait:6-hangup")?;
    office.customer_does(&ann, STAYS)?;
    office.calls(&ann, &format!("55508{cell}"), "wait:2-hangup")?;
    let id = office.callback(&ann)?;
    office.until("the callback's language", &format!("SELECT language FROM callbacks WHERE id = {id}"), "de")?;
    let row = format!("SELECT language FROM calls WHERE callback_id = {id} AND direction = 'inbound'");
    office.until("the call's language", &row, "de")?;
    office.pause(cell, 1, false)?;
    office.event(id, 1, "DialEnd", |f| {
        f.get("DialStatus") == "ANSWER" && f.get("Language") == "de" && f.get("DestLanguage") == "de"
    })?;
    Ok(id)
}

fn agent_first(office: &Office<'_>) -> Result<(), String> {
    let id = in_german(office, "27", 47)?;
    let first = office.channel_id(id, 1)?;
    // By the Originate itself: the dialplan of callback.agent_context runs when the agent has picked up.
    office.event(id, 1, "Newstate", |f| {
        f.get("Uniqueid") == first && f.get("ChannelStateDesc") == "Ringing" && f.get("Language") == "de"
    })?;
    office.attempt(id, 1, "CONNECTED PJSIP/1271")
}

fn customer_first(office: &Office<'_>) -> Result<(), String> {
    let id = in_german(office, "28", 48)?;
    office.attempt(id, 1, "CONNECTED -")
}
