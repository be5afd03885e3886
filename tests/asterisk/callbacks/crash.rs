//! The daemon is killed in the middle of a callback: nothing is dialled twice, nothing is lost, nobody is left paused.

use super::cdr;
use super::office::{self, Office, customer, soon};
use crate::files;
use crate::lab::Lab;
use crate::script::{RINGS, TALKS};

const STAYS: &str = "ring-wait:1-answer-wait:60-hangup";

#[test]
fn a_crash_in_the_middle_of_a_callback_is_looked_up_and_never_dialled_blindly() {
    let Some(mut lab) = Lab::start() else { return };
    let files = files("callbacks-crash");
    let run = || -> Result<(), String> {
        let daemon = office::daemon(&files, &lab)?;
        let office = Office { since: lab.pbx.position(), lab: &lab, dir: files.clone() };
        for cell in ["00", "01", "02", "03", "04"] {
            office.all_pause(cell)?;
        }
        // 00: they talk, and go on. 01: they talk, and hang up unseen. 02: the customer was busy, unseen. 03: the agent's phone rings on.
        // 04: the miss itself, and nothing more.
        let [goes_on, talked, busy, rings, waits] = [0, 1, 2, 3, 4].map(customer);
        office.customer_does(&goes_on, "ring-wait:1-answer-wait:25-hangup")?;
        office.customer_does(&talked, "ring-wait:1-answer-wait:15-hangup")?;
        office.customer_does(&busy, "ring-wait:4-busy")?;
        office.customer_does(&rings, "ring-wait:1-answer-wait:25-hangup")?;
        let mut ids = Vec::new();
        for (cell, ann, agent) in [
            ("00", &goes_on, STAYS),
            ("01", &talked, STAYS),
            ("02", &busy, STAYS),
            ("03", &rings, "ring-wait:6-answer-wait:60-hangup"),
            ("04", &waits, RINGS),
        ] {
            office.agent_does(cell, 1, agent)?;
            ids.push(office.misses(ann, cell)?);
        }
        for cell in ["00", "01", "02", "03"] {
            office.pause(cell, 1, false)?;
        }
        office.comes_to(ids[0], "TALKING")?;
        office.comes_to(ids[1], "TALKING")?;
        office.event(ids[2], 1, "DialBegin", |f| f.get("DestChannel").starts_with("PJSIP/trunk-"))?;
        office.rings(ids[3], 1)?;
        daemon.crash();
        office.event(ids[2], 1, "Hangup", |f| f.get("Uniqueid").starts_with("cb-"))?;
        office.event(ids[1], 1, "Hangup", |f| f.get("Uniqueid").starts_with("cb-"))?;
        let daemon = office::daemon(&files, &lab)?;
        office.attempt(ids[0], 1, "CONNECTED PJSIP/1001")?;
        office.comes_to(ids[0], "DONE")?;
        // Its CDR proves that the customer answered, for longer than the customer's phone may have been rung.
        office.attempt(ids[1], 1, "CONNECTED PJSIP/1011")?;
        office.attempt(ids[2], 1, "CUSTOMER_BUSY PJSIP/1021")?;
        office.comes_to(ids[2], "WAITING RETRY_DELAY")?;
        office.attempt(ids[3], 1, "CONNECTED PJSIP/1031")?;
        office.comes_to(ids[4], "PENDING")?;
        office.pause("04", 1, false)?;
        office.rings(ids[4], 1)?;
        daemon.wait_for_line(soon(), "offer", |l| l.contains("Callback offered"))?;
        office.attempt(ids[4], 1, "AGENT_NOANSWER PJSIP/1041")?;
        std::fs::write(files.join("log"), daemon.said()).map_err(|e| e.to_string())?;
        daemon.stop().map(drop)
    };
    let result = run();
    let (cdrs, _) = crate::oracle(&mut lab, &files);
    result.unwrap_or_else(|e| panic!("{e}"));
    let db = rusqlite::Connection::open(files.join("calls.db")).expect("the daemon has made it");
    let faults = cdr::faults(&db, &cdrs);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_fate_that_nothing_tells_is_lost_and_pauses_are_undone() {
    let Some(lab) = Lab::start() else { return };
    let files = files("callbacks-lost");
    let run = || -> Result<(), String> {
        let without_cdr = |text: String| {
            text.replace("[gap]\ncdr_csv", "# [gap]\n# cdr_csv").replace("publish = true", "pause_agent = true")
        };
        let daemon = office::daemon_with(&files, &lab, without_cdr)?;
        let office = Office { since: lab.pbx.position(), lab: &lab, dir: files.clone() };
        let ann = customer(0);
        office.all_pause("00")?;
        office.agent_does("00", 1, STAYS)?;
        office.customer_does(&ann, TALKS)?;
        let id = office.misses(&ann, "00")?;
        office.pause("00", 1, false)?;
        office.rings(id, 1)?;
        let ours = |f: &crate::manager::Frame, paused: &str| {
            f.is("QueueMemberPause") && f.get("Interface") == "PJSIP/1001" && f.get("Paused") == paused
        };
        office
            .lab
            .pbx
            .wait(office.since, soon(), "our pause", |f| ours(f, "1") && f.get("PausedReason") == "callbackd")?;
        daemon.crash();
        let ended = office.event(id, 1, "Hangup", |f| f.get("Uniqueid").starts_with("cb-"))?;
        let since = office.lab.pbx.position();
        let daemon = office::daemon_with(&files, &lab, without_cdr)?;
        office.lab.pbx.wait(since, soon(), "the end of our pause", |f| ours(f, "0"))?;
        office.attempt(id, 1, "LOST PJSIP/1001")?;
        office.comes_to(id, "WAITING UNPROVEN")?;
        office.stays_silent(id, 2)?;
        drop(ended);
        daemon.stop().map(drop)
    };
    run().unwrap_or_else(|e| panic!("{e}"));
}
