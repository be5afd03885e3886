//! Two callbackd on one PBX: whoever misses a call is dialled by one of them, and by the other when the first has gone.

use super::cdr;
use super::office::{self, Office, customer, same, soon};
use crate::files;
use crate::lab::Lab;
use std::collections::BTreeMap;

const CELL: &str = "00";
const STAYS: &str = "ring-wait:1-answer-wait:60-hangup";

#[test]
fn of_two_daemons_on_one_pbx_the_second_waits_and_takes_over_when_the_first_has_gone() {
    let Some(mut lab) = Lab::start() else { return };
    let files = files("callbacks-beside");
    let [first_dir, second_dir] = ["first", "second"].map(|name| files.join(name));
    for dir in [&first_dir, &second_dir] {
        std::fs::create_dir_all(dir).expect("target is writable");
    }
    let run = || -> Result<[rusqlite::Connection; 2], String> {
        let first = office::daemon(&first_dir, &lab)?;
        // Its sign is on the PBX before the other looks.
        let position = lab.pbx.position();
        let shown = lab.pbx.action(&[("Action", "Getvar"), ("Variable", "CALLBACKD_ACTIVE")])?;
        if shown.get("Value").is_empty() {
            lab.pbx.wait(position, soon(), "the sign of the first", |f| {
                f.is("VarSet") && f.get("Variable") == "CALLBACKD_ACTIVE"
            })?;
        }
        let second = office::daemon(&second_dir, &lab)?;
        let waits = "Another callbackd makes callbacks on this PBX; this one makes none";
        second.wait_for_line(soon(), waits, |l| l.contains(waits))?;
        let of = |dir: &std::path::Path| Office { since: lab.pbx.position(), lab: &lab, dir: dir.to_owned() };
        let (by_first, by_second) = (of(&first_dir), of(&second_dir));
        by_first.all_pause(CELL)?;
        by_first.agent_does(CELL, 1, STAYS)?;

        // Both see the miss; one calls, and what it reaches serves the customer for both.
        let ann = customer(0);
        let id = by_first.misses(&ann, CELL)?;
        let same_miss = by_second.callback(&ann)?;
        by_second.comes_to(same_miss, "WAITING ANOTHER_DAEMON")?;
        let status = by_second.run(&["status"])?;
        same("status of the second", &status.contains("ANOTHER CALLBACKD").to_string(), "true")?;
        by_first.pause(CELL, 1, false)?;
        by_first.attempt(id, 1, "CONNECTED PJSIP/1001")?;
        by_second.comes_to(same_miss, "RECOVERED_BY_AGENT")?;

        // The first goes: what it did not get to is the second's.
        by_first.all_pause(CELL)?;
        let bob = customer(1);
        let left = by_first.misses(&bob, CELL)?;
        let taken = by_second.callback(&bob)?;
        by_second.comes_to(taken, "WAITING ANOTHER_DAEMON")?;
        let first = first.stop()?;
        by_second.pause(CELL, 1, false)?;
        by_second.attempt(taken, 1, "CONNECTED PJSIP/1001")?;
        let state = "SELECT state || ' ' || (SELECT count(*) FROM callback_attempts a WHERE a.callback_id = c.id)
            FROM callbacks c WHERE id = ?";
        let state: String = first.query_row(state, [left], |row| row.get(0)).map_err(|e| e.to_string())?;
        if !state.ends_with(" 0") {
            return Err(format!("the first dialled too: {state}"));
        }
        std::fs::write(files.join("log"), second.said()).map_err(|e| e.to_string())?;
        Ok([first, second.stop()?])
    };
    let result = run();
    let (cdrs, _) = crate::oracle(&mut lab, &files);
    let databases = result.unwrap_or_else(|e| panic!("{e}"));
    let faults: Vec<_> = databases.iter().flat_map(|db| cdr::faults(db, &own(db, &cdrs))).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let mut dialled: BTreeMap<&str, usize> = BTreeMap::new();
    for cdr in cdrs.iter().filter(|c| c.uniqueid.starts_with("cb-") && !c.dstchannel.is_empty()) {
        *dialled
            .entry(cdr.line.split("PJSIP/").find_map(|l| l.split_once("@trunk")).map_or("", |(n, _)| n))
            .or_default() += 1;
    }
    let wanted = [customer(0).number, customer(1).number].map(|number| (number, 1));
    let found: Vec<_> = dialled.into_iter().map(|(number, times)| (number.to_owned(), times)).collect();
    assert_eq!(found, wanted, "each customer is dialled once, by one of the two");
}

/// The CDR of the attempts of this database, as those of the other are strangers to it.
fn own(db: &rusqlite::Connection, cdrs: &[crate::oracle::Cdr]) -> Vec<crate::oracle::Cdr> {
    let identity: String =
        db.query_row("SELECT substr(db_uuid, 1, 8) FROM identity", [], |row| row.get(0)).expect("it has an identity");
    let prefix = format!("cb-{identity}-");
    cdrs.iter().filter(|c| !c.uniqueid.starts_with("cb-") || c.uniqueid.starts_with(&prefix)).cloned().collect()
}
