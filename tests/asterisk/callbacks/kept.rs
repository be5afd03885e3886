//! Requested callbacks, and until when they are kept.

use super::office::{Customer, Office, customer};
use super::{EVERYWHERE, Scenario};
use crate::script::TALKS;
use std::time::{Duration, Instant};

pub const ALL: &[Scenario] = &[
    ("C24 nobody is called outside of hours", out_of_hours, EVERYWHERE),
    ("C25 what is too old expires, and is seen to", expires, EVERYWHERE),
    ("C27 who is not to be called any more is not", not_any_more, EVERYWHERE),
    ("a person holds, assigns and releases", by_hand, EVERYWHERE),
    ("C28 the greeting takes a wish, and knows the promise", greeting, EVERYWHERE),
    ("C28 C32 the greeting of closed hours takes a wish for its queue", closed, EVERYWHERE),
    ("a caller names a time, and is called then and not before", named, EVERYWHERE),
    ("a caller names a moment of the clock", named_moment, EVERYWHERE),
    ("a long wait is told in hours", hours, EVERYWHERE),
    ("C23 who gives up at once is not called back", short_abandon, EVERYWHERE),
    ("C24 nobody is called in the night of their own country", night, EVERYWHERE),
];

fn out_of_hours(office: &Office<'_>) -> Result<(), String> {
    office.all_pause("15")?;
    let id = office.misses(&customer(40), "15")?;
    office.pause("15", 1, false)?;
    office.comes_to(id, "WAITING OUT_OF_HOURS")?;
    office.stays_silent(id, 1)
}

fn expires(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("14", customer(41));
    office.all_pause(cell)?;
    let id = office.misses(&ann, cell)?;
    office.comes_to(id, "PENDING")?;
    office.comes_to_within(std::time::Duration::from_secs(60) + super::office::PATIENCE, id, "EXPIRED")
}

fn greeting(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("18", customer(42));
    office.all_pause(cell)?;
    office.calls(&ann, "5550418", "wait:4-dtmf:1-wait:20-hangup")?;
    let id = office.callback(&ann)?;
    office.until("requested", &format!("SELECT requested FROM callbacks WHERE id = {id}"), "1")?;
    let key = format!("number/{}", ann.number);
    // It waits for its delay before it is as it says here.
    let mut recorded = None;
    let pending = crate::patience::until(super::office::soon(), || {
        let since = office.lab.pbx.position();
        office.lab.pbx.action(&[("Action", "DBGet"), ("Family", "callbackd"), ("Key", &key)]).ok()?;
        let found = office.lab.pbx.wait(since, super::office::soon(), "DBGetResponse", |f| f.is("DBGetResponse"));
        recorded = found.ok().map(|f| f.get("Val").to_owned());
        recorded.as_ref().filter(|said| said.starts_with("open|") && said.ends_with("|PENDING")).map(drop)
    });
    pending.ok_or_else(|| format!("published is {recorded:?}"))?;
    // The customer calls again and needs no callback any more.
    office.calls(&ann, "5550418", "wait:5-dtmf:2-wait:20-hangup")?;
    office.comes_to(id, "CANCELLED declined")
}

fn not_any_more(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("17", customer(43));
    office.all_pause(cell)?;
    let id = office.misses(&ann, cell)?;
    office.comes_to(id, "PENDING")?;
    office.run(&["dnc", "add", &ann.e164, "--reason", "asked us not to", "--for", "30d"])?;
    office.comes_to(id, "DNC asked us not to")?;
    let listed = office.run(&["dnc", "list"])?;
    if !listed.contains(&ann.e164) {
        return Err(format!("dnc list shows {listed}"));
    }
    let refused = office.run(&["callbacks", "add", &ann.e164]).err().unwrap_or_default();
    if !refused.contains("is on the do-not-call list") {
        return Err(format!("callbacks add said {refused:?}"));
    }
    office.run(&["dnc", "remove", &ann.e164])?;
    let opened = office.run(&["callbacks", "retry", &id.to_string()])?;
    if !opened.contains("PENDING") {
        return Err(format!("callbacks retry said {opened:?}"));
    }
    office.run(&["callbacks", "cancel", &id.to_string(), "--note", "enough"]).map(drop)
}

fn by_hand(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("06", customer(44));
    office.all_pause(cell)?;
    office.agent_does(cell, 3, "ring-wait:1-answer-wait:60-hangup")?;
    office.run(&["callbacks", "add", &ann.e164, "--queue", "q06", "--note", "wrote an e-mail"])?;
    let id = office.callback(&ann)?;
    office.run(&["callbacks", "hold", &id.to_string()])?;
    office.comes_to(id, "WAITING HELD")?;
    for agent in [2, 3] {
        office.pause(cell, agent, false)?;
    }
    office.stays_silent(id, 1)?;
    // The queue's name for an agent, whose phone a FreePBX does not tell before it has rung.
    let chosen = office.interface(cell, 3);
    office.run(&["callbacks", "assign", &id.to_string(), &chosen])?;
    office.run(&["callbacks", "release", &id.to_string()])?;
    office.attempt(id, 1, "CONNECTED PJSIP/1063")?;
    let story = office.run(&["callbacks", "show", &id.to_string()])?;
    let assigned = format!("assigned to {chosen}");
    for part in ["wrote an e-mail (by root)", "WAITING HELD (by root)", &assigned, "CONNECTED", "talked"] {
        if !story.contains(part) {
            return Err(format!("{part:?} is not in the story:\n{story}"));
        }
    }
    Ok(())
}

fn closed(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("63", customer(45));
    let linkedid = office.calls(&ann, &format!("55505{cell}"), "wait:4-dtmf:1-wait:20-hangup")?;
    let id = office.callback(&ann)?;
    let row = format!(
        "SELECT calls.status || ' ' || callbacks.queue || ' ' || requested FROM callbacks JOIN calls ON calls.callback_id = callbacks.id WHERE calls.linkedid = '{linkedid}'"
    );
    office.until("status, queue, requested", &row, "OUT_OF_TIME q63 1")?;
    office.run(&["callbacks", "cancel", &id.to_string(), "--note", "it was seen"]).map(drop)
}

fn named(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("25", customer(58));
    [2, 3].into_iter().try_for_each(|other| office.pause(cell, other, true))?;
    office.agent_does(cell, 1, "ring-wait:1-answer-wait:60-hangup")?;
    office.customer_does(&ann, TALKS)?;
    office.calls(&ann, &format!("55506{cell}"), "wait:2-hangup")?;
    let id = office.callback(&ann)?;
    office.comes_to(id, "WAITING DELAY")?;
    office.attempt(id, 1, "CONNECTED PJSIP/1251")?;
    let kept = format!(
        "SELECT requested || ' ' || (intended_ms BETWEEN due AND due + 5000) || ' ' || (due - first_missed_ms BETWEEN 11000 AND 15000)
           FROM callbacks JOIN callback_attempts ON callback_id = id
           JOIN (SELECT tags.at_ms + 15000 AS due, calls.callback_id AS of FROM tags JOIN calls ON calls.id = call_id WHERE code = 'CALLBACK_AT') ON of = id
          WHERE id = {id} AND n = 1"
    );
    office.until("requested, asked in time, promised in 15 s", &kept, "1 1 1")
}

fn named_moment(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("26", customer(59));
    office.all_pause(cell)?;
    office.calls(&ann, &format!("55507{cell}"), "wait:2-hangup")?;
    let id = office.callback(&ann)?;
    office.comes_to(id, "WAITING DELAY")?;
    let due = format!(
        "SELECT requested || ' ' || (due_ms % 60000) || ' ' || (due_ms - last_missed_ms BETWEEN 50000 AND 120000) FROM callbacks WHERE id = {id}"
    );
    office.until("requested, at a full minute, in one to two minutes", &due, "1 0 1")?;
    office.run(&["callbacks", "cancel", &id.to_string(), "--note", "it was seen"]).map(drop)
}

fn short_abandon(office: &Office<'_>) -> Result<(), String> {
    let ann = customer(46);
    // A busy machine may let a second pass: then it was no short one, and it is tried again.
    for _ in 0..5 {
        let linkedid = office.calls(&ann, "5550366", "hangup")?;
        let sql = format!("SELECT wait_ms < 1000 FROM calls WHERE linkedid = '{linkedid}'");
        if crate::patience::until(super::office::soon(), || office.ask(&sql)).as_deref() == Some("1") {
            return office.until("its callback", &sql.replace("wait_ms < 1000", "callback_id"), "-");
        }
    }
    Err("no call was short".to_owned())
}

fn night(office: &Office<'_>) -> Result<(), String> {
    let ben = Customer { number: "493023125000".to_owned(), e164: "+493023125000".to_owned() };
    office.all_pause("61")?;
    let id = office.misses(&ben, "61")?;
    office.pause("61", 1, false)?;
    office.comes_to(id, "WAITING QUIET_HOURS")?;
    office.stays_silent(id, 1)
}

fn hours(office: &Office<'_>) -> Result<(), String> {
    // A queue that the daemon does not know, so that nobody corrects what is published of it; what it finds at its start it takes away, once.
    let wait = [("Action", "DBPut"), ("Family", "callbackd"), ("Key", "queue/q99/wait"), ("Val", "901")];
    let said = |since: usize, application: &'static str, data: &'static str| {
        let soon = Instant::now() + Duration::from_secs(15);
        office.lab.pbx.wait(since, soon, data, |f| {
            f.is("Newexten") && f.get("Application") == application && f.get("AppData") == data
        })
    };
    let mut heard = Ok(());
    for _ in 0..4 {
        office.lab.pbx.action(&wait)?;
        let since = office.lab.pbx.position();
        office.lab.place("anonymous", "5550599", "wait:25-hangup", super::office::PATIENCE)?;
        heard = said(since, "SayNumber", "16").and_then(|_| said(since, "Playback", "hours")).map(drop);
        if heard.is_ok() {
            break;
        }
    }
    heard
}
