//! Asterisk's own CDR as judge: one dial for an attempt, one attempt for an agent at a time.

use crate::oracle::Cdr;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// Result and agent of each attempt, by its channel.
fn attempts(db: &Connection) -> BTreeMap<String, (String, String)> {
    let mut stored = BTreeMap::new();
    let mut statement = db
        .prepare("SELECT channel_id, coalesce(result, '-'), coalesce(agent, '-') FROM callback_attempts")
        .expect("the tables are those of the design");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("it can be read");
    for row in rows {
        let (channel_id, result, agent): (String, String, String) = row.expect("it can be read");
        stored.insert(channel_id, (result, agent));
    }
    stored
}

/// What Asterisk's CDR say against the daemon: a second dial, an agent in two attempts at once, an attempt that nobody stored, a stored result
/// that they contradict.
pub fn faults(db: &Connection, cdrs: &[Cdr]) -> Vec<String> {
    let mut faults = double_dials(db, cdrs);
    for (channel_id, (result, agent)) in &attempts(db) {
        // Who picks the ringing phone up dials the customer, in a call of their own.
        let picked_up = |c: &Cdr| c.line.contains("callbackd-agent") && c.line.contains(&format!("{agent}-"));
        let ours = |c: &&Cdr| (c.uniqueid == *channel_id || picked_up(c)) && !c.dstchannel.is_empty();
        let answered = cdrs.iter().filter(ours).any(|c| c.disposition == "ANSWERED");
        if result == "CONNECTED" && !answered {
            faults.push(format!("{channel_id} is stored as CONNECTED, and no CDR says that the customer answered"));
        }
        if ["-", "LOST"].contains(&result.as_str()) && std::env::var_os("CALLBACKD_SCENARIO").is_none() {
            faults.push(format!("the result of {channel_id} is {result}"));
        }
    }
    faults
}

/// A second dial for one attempt, an agent in two attempts at once, an attempt that nobody stored.
pub fn double_dials(db: &Connection, cdrs: &[Cdr]) -> Vec<String> {
    let mut faults = Vec::new();
    let stored = attempts(db);
    let ours: Vec<&Cdr> = cdrs.iter().filter(|c| c.uniqueid.starts_with("cb-")).collect();
    let mut dialled: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut busy: BTreeMap<&str, Vec<(i64, i64, &str)>> = BTreeMap::new();
    for cdr in &ours {
        // The far half of a Local channel, by which an agent was rung, is of the attempt that its near half names.
        let (id, near) = cdr.uniqueid.strip_suffix(";2").map_or((cdr.uniqueid.as_str(), true), |id| (id, false));
        let Some((_, agent)) = stored.get(id) else {
            faults
                .push(format!("Asterisk dialled {} and the database knows nothing of it: {}", cdr.uniqueid, cdr.line));
            continue;
        };
        if near && !cdr.dstchannel.is_empty() {
            dialled.entry(id).or_default().insert(&cdr.dstchannel);
        }
        let times = busy.entry(agent).or_default();
        if !times.iter().any(|(_, _, known)| *known == id) {
            times.push((cdr.start, cdr.end, id));
        }
    }
    for (channel_id, customers) in dialled {
        if customers.len() > 1 {
            faults.push(format!("{channel_id} dialled more than once: {customers:?}"));
        }
    }
    for (agent, mut times) in busy {
        times.sort_unstable();
        for pair in times.windows(2) {
            // Whole seconds: one may begin in the second in which the other ends.
            if agent != "-" && pair[1].0 < pair[0].1 {
                faults.push(format!("{agent} was offered {} and {} at once", pair[0].2, pair[1].2));
            }
        }
    }
    faults
}
