//! Who is asked, and what comes of agents who cannot or do not take it.

use super::office::{Office, customer, extension, same, soon};
use super::{EVERYWHERE, Scenario};
use crate::script::{BUSY, REJECTS, RINGS, TALKS};
use std::time::Duration;

pub const ALL: &[Scenario] = &[
    ("C7 a missed caller is connected with the agent who becomes free", connected, EVERYWHERE),
    ("C6 an agent on another call is asked when it ends", on_another_call, EVERYWHERE),
    ("C9 an agent who does not answer burns no attempt, the next is asked", does_not_answer, EVERYWHERE),
    ("C9 an agent who rejects burns no attempt, the next is asked", rejects, EVERYWHERE),
    ("C9 a busy phone is not the end", busy_phone, EVERYWHERE),
    ("C10 without the key nobody is connected, with it they are", accept_key, EVERYWHERE),
    ("C13 an agent who hangs up while the customer rings", leaves, EVERYWHERE),
    ("C26 nobody logged in is waited for", nobody_there, EVERYWHERE),
    ("C29 the agent who talked with them last is asked first", owner, EVERYWHERE),
    ("C33 an agent of two queues gets one callback at a time", one_at_a_time, EVERYWHERE),
    ("C8 live callers go first", live_callers_first, EVERYWHERE),
    ("C7 C17 an agent whom Asterisk cannot dial is not the end", cannot_be_dialled, EVERYWHERE),
    (
        "members behind Local channels, as FreePBX has them, are rung as their queues ring them",
        local_members,
        EVERYWHERE,
    ),
    ("agents named for it help after a while", fallback, EVERYWHERE),
];

/// Answers after a second and does not hang up.
const STAYS: &str = "ring-wait:1-answer-wait:60-hangup";

fn connected(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("00", customer(0));
    office.all_pause(cell)?;
    office.agent_does(cell, 1, STAYS)?;
    office.customer_does(&ann, TALKS)?;
    let id = office.misses(&ann, cell)?;
    office.comes_to(id, "PENDING")?;
    office.pause(cell, 1, false)?;
    let shown = office.lab.farm.wait(0, soon(), "what the agent sees", |f| {
        f.is("Newchannel") && f.get("Exten") == extension(cell, 1) && f.get("CallerIDName").starts_with("CB")
    })?;
    same("what the agent sees", shown.get("CallerIDName"), "CB q00")?;
    let shown = office
        .lab
        .farm
        .wait(0, soon(), "what the customer sees", |f| f.is("Newchannel") && f.get("Exten") == ann.number)?;
    same("what the customer sees", shown.get("CallerIDNum"), "5550300")?;
    office.attempt(id, 1, "CONNECTED PJSIP/1001")?;
    office.comes_to(id, "DONE")?;
    let won = format!("SELECT recovered_by FROM calls WHERE callback_id = {id} AND direction = 'inbound'");
    office.until("the miss's row", &won, "callback")?;
    let ours = format!(
        "SELECT status || ' ' || outcome || ' ' || agent FROM calls WHERE linkedid = '{}' AND direction = 'callback'",
        office.channel_id(id, 1)?
    );
    office.until("the callback's own row", &ours, "ANSWER AGENT PJSIP/1001")?;
    let inbound = format!("SELECT count(*) FROM calls WHERE number_e164 = '{}' AND direction = 'inbound'", ann.e164);
    office.until("inbound rows", &inbound, "1")
}

fn on_another_call(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("01", customer(1));
    office.all_pause(cell)?;
    office.agent_does(cell, 1, STAYS)?;
    let id = office.misses(&ann, cell)?;
    let since = office.lab.pbx.position();
    office.lab.place("1011", "12025550189", "wait:9-hangup", Duration::from_secs(30))?;
    office.lab.pbx.wait(since, soon(), "the agent's own call", |f| {
        f.is("Newchannel") && f.get("Channel").starts_with("PJSIP/1011-")
    })?;
    office.pause(cell, 1, false)?;
    office.stays_silent(id, 1)?;
    office.rings(id, 1)?;
    office.comes_to(id, "DONE")
}

fn does_not_answer(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("02", customer(2));
    office.all_pause(cell)?;
    office.agent_does(cell, 1, RINGS)?;
    office.agent_does(cell, 2, STAYS)?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    office.rings(id, 1)?;
    office.pause(cell, 2, false)?;
    office.attempt(id, 1, "AGENT_NOANSWER PJSIP/1021")?;
    office.attempt(id, 2, "CONNECTED PJSIP/1022")?;
    office.until("counted attempts", &format!("SELECT counted FROM callbacks WHERE id = {id}"), "1")
}

fn rejects(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("03", customer(3));
    office.all_pause(cell)?;
    office.agent_does(cell, 1, REJECTS)?;
    office.agent_does(cell, 2, STAYS)?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    office.attempt(id, 1, "AGENT_REJECTED PJSIP/1031")?;
    office.pause(cell, 2, false)?;
    office.attempt(id, 2, "CONNECTED PJSIP/1032")
}

fn busy_phone(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("04", customer(4));
    office.all_pause(cell)?;
    office.agent_does(cell, 1, BUSY)?;
    office.agent_does(cell, 2, STAYS)?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    office.attempt(id, 1, "AGENT_BUSY PJSIP/1041")?;
    office.pause(cell, 2, false)?;
    office.attempt(id, 2, "CONNECTED PJSIP/1042")
}

fn accept_key(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("50", customer(5));
    office.all_pause(cell)?;
    office.agent_does(cell, 1, "answer-wait:60-hangup")?; // a voicemail
    office.agent_does(cell, 2, "ring-wait:1-answer-wait:2-dtmf:1-wait:60-hangup")?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    office.attempt(id, 1, "AGENT_NOANSWER PJSIP/1501")?;
    office.pause(cell, 2, false)?;
    office.attempt(id, 2, "CONNECTED PJSIP/1502")
}

fn leaves(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("05", customer(6));
    office.all_pause(cell)?;
    office.agent_does(cell, 1, "ring-wait:1-answer-wait:3-hangup")?;
    office.customer_does(&ann, RINGS)?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    office.attempt(id, 1, "AGENT_LEFT PJSIP/1051")?;
    office.event(id, 1, "Hangup", |f| f.get("Channel").starts_with("PJSIP/trunk-"))?;
    office.until("counted attempts", &format!("SELECT counted FROM callbacks WHERE id = {id}"), "0")
}

fn nobody_there(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("70", customer(7)); // its members come and go
    office.agent_does(cell, 1, STAYS)?;
    let id = office.misses(&ann, cell)?;
    office.comes_to(id, "WAITING NO_AGENT")?;
    office.joins("q70", (cell, 1), &[])?;
    office.attempt(id, 1, "CONNECTED PJSIP/1701")
}

fn owner(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("07", customer(8));
    office.all_pause(cell)?;
    office.agent_does(cell, 2, STAYS)?;
    office.pause(cell, 2, false)?;
    office.calls(&ann, "5550307", "wait:4-hangup")?;
    office.pause(cell, 2, true)?;
    let id = office.misses(&ann, cell)?;
    office.until("the owner", &format!("SELECT owner FROM callbacks WHERE id = {id}"), "PJSIP/1072")?;
    office.pause(cell, 1, false)?; // the agent has been idle for longer
    office.stays_silent(id, 1)?;
    office.pause(cell, 2, false)?;
    office.attempt(id, 1, "CONNECTED PJSIP/1072")
}

fn one_at_a_time(office: &Office<'_>) -> Result<(), String> {
    let (ann, bob) = (customer(9), customer(10));
    for cell in ["08", "09"] {
        office.all_pause(cell)?;
    }
    office.joins("q09", ("08", 1), &[("Paused", "true")])?;
    office.agent_does("08", 1, STAYS)?;
    let (first, second) = (office.misses(&ann, "08")?, office.misses(&bob, "09")?);
    office.pause("08", 1, false)?;
    office.pause_member("q09", &office.interface("08", 1), false)?;
    office.attempt(first, 1, "CONNECTED PJSIP/1081")?;
    office.attempt(second, 1, "CONNECTED PJSIP/1081") // the judge looks whether they overlapped
}

fn live_callers_first(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann, bob) = ("51", customer(11), customer(12));
    office.all_pause(cell)?;
    let id = office.misses(&ann, cell)?;
    office.agent_does(cell, 1, RINGS)?;
    office.agent_does(cell, 2, STAYS)?;
    let since = office.lab.pbx.position();
    office.lab.place(&bob.number, "5550351", "wait:8-hangup", Duration::from_secs(30))?;
    office
        .lab
        .pbx
        .wait(since, soon(), "a caller in the queue", |f| f.is("QueueCallerJoin") && f.get("Queue") == "q51")?;
    office.pause(cell, 1, false)?; // the queue rings 1512
    office.lab.pbx.wait(since, soon(), "a ringing agent", |f| f.is("AgentCalled") && f.get("Queue") == "q51")?;
    // 1512 takes callbacks and no calls of this queue: the agent is free while the caller waits, and would be asked.
    office.joins("q51", (cell, 3), &[("Penalty", "9")]).err();
    office.pause(cell, 2, false)?;
    office.comes_to(id, "WAITING LIVE_CALLERS")?;
    office.pause(cell, 1, true)?;
    office.attempt(id, 1, "CONNECTED PJSIP/1512")
}

fn cannot_be_dialled(office: &Office<'_>) -> Result<(), String> {
    let (queue, ann) = ("q62", customer(13));
    // Nobody answers there: the channel that the Originate names cannot be made.
    let nowhere = [
        ("Action", "QueueAdd"),
        ("Queue", queue),
        ("Interface", "PJSIP/nobody"),
        ("StateInterface", "PJSIP/1183"),
        ("MemberName", "Nobody"),
    ];
    office.lab.pbx.action(&nowhere)?;
    office.pause_member(queue, "PJSIP/nobody", true)?;
    office.run(&["callbacks", "add", &ann.e164, "--queue", queue])?;
    let id = office.callback(&ann)?;
    office.pause_member(queue, "PJSIP/nobody", false)?;
    let result = format!("SELECT result FROM callback_attempts WHERE callback_id = {id} AND n = 1");
    office.until("its result", &result, "AGENT_BUSY")?;
    office.agent_does("18", 2, STAYS)?;
    office.customer_does(&ann, TALKS)?;
    office.lab.pbx.action(&[("Action", "QueueAdd"), ("Queue", queue), ("Interface", "PJSIP/1182")])?;
    office.comes_to(id, "DONE")?;
    office.until("counted attempts", &format!("SELECT counted FROM callbacks WHERE id = {id}"), "1")
}

fn local_members(office: &Office<'_>) -> Result<(), String> {
    // A FreePBX hangs up in its queues' context what no queue has sent: there its own way around the mailbox is taken.
    let context = if office.lab.is_freepbx() { "originate-skipvm" } else { "from-queue" };
    for (n, cell) in [(14, "60"), (15, "19")] {
        let (ann, extension) = (customer(n), extension(cell, 1));
        office.all_pause(cell)?;
        office.agent_does(cell, 1, STAYS)?;
        office.customer_does(&ann, TALKS)?;
        let id = office.misses(&ann, cell)?;
        office.pause(cell, 1, false)?;
        let local = format!("Local/{extension}@{context}");
        office.event(id, 1, "Newchannel", |f| f.get("Channel").starts_with(&local))?;
        office.comes_to(id, "DONE")?;
        let talked = format!("SELECT agent FROM calls WHERE linkedid = '{}'", office.channel_id(id, 1)?);
        office.until("who talked", &talked, &format!("PJSIP/{extension}"))?;
    }
    Ok(())
}

fn fallback(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("69", customer(16));
    office.pause(cell, 1, true)?;
    office.agent_does("66", 1, STAYS)?;
    office.customer_does(&ann, TALKS)?;
    let id = office.misses(&ann, cell)?;
    office.attempt(id, 1, "CONNECTED PJSIP/1661")
}
