//! The same calls recorded a second time, from Asterisk's files alone, as after a gap in which the daemon was dead.

use rusqlite::Connection;
use std::path::Path;

/// What a row is about, so that two of one call can be held against each other.
const RECORDED: &str = "SELECT linkedid, direction, status, outcome, number, agent FROM calls";

/// Words of the files for what only events show: the outcome by events, and out of the files. operator.md names them.
const NO_WORD: &[(&str, &str)] = &[
    // Of a caller whom a queue refuses nothing is written.
    ("QUEUE_FULL", "NOT_OFFERED"),
    ("QUEUE_EMPTY", "NOT_OFFERED"),
    // A UserEvent is in no file.
    ("CALLBACK_REQUESTED", "NOT_OFFERED"),
    // What was pressed for Read() is in no record.
    ("IVR_INVALID", "IVR_TIMEOUT"),
    // A mailbox with a message looks like an empty one.
    ("VOICEMAIL_LEFT", "RING_TIMEOUT"),
    ("VOICEMAIL_LEFT", "EARLY_ABANDON"),
    // A transfer that nobody took may have been taken by somebody whom no record names.
    ("TRANSFER_LOST", "AGENT"),
    // Of what cannot be reached CDR say FAILED or NO ANSWER.
    ("CONGESTION", "UNAVAILABLE"),
    ("REJECTED", "UNAVAILABLE"),
    ("FAILED", "UNAVAILABLE"),
    ("UNAVAILABLE", "RING_TIMEOUT"),
    // What the PBX cut is as the caller's own hand.
    ("CUT_OFF", "QUEUE_ABANDON"),
    ("CUT_OFF", "RING_ABANDON"),
    ("CUT_OFF", "SHORT_ABANDON"),
    ("CUT_OFF", "RING_TIMEOUT"),
];

struct Recorded {
    linkedid: String,
    direction: String,
    status: String,
    outcome: String,
    number: Option<String>,
    agent: Option<String>,
}

/// Calls of which one row says served and the other missed, or that differ in a way that nothing explains.
pub fn contradictions(live: &Connection, imported: &Path) -> rusqlite::Result<Vec<String>> {
    let files = Connection::open(imported)?;
    let (live, files) = (recorded(live)?, recorded(&files)?);
    let mut found = Vec::new();
    for of_files in &files {
        let Some(seen) = live.iter().find(|l| l.linkedid == of_files.linkedid) else {
            found.push(format!("only the files have {}", of_files.shown()));
            continue;
        };
        let explained = NO_WORD.contains(&(&*seen.outcome, &*of_files.outcome));
        let same = (&seen.status, &seen.outcome) == (&of_files.status, &of_files.outcome) || explained;
        if !same
            || seen.direction != of_files.direction
            || seen.number != of_files.number
            || seen.served() != of_files.served()
        {
            found.push(format!("the events show {}, the files {}", seen.shown(), of_files.shown()));
        }
    }
    let missing = live.iter().filter(|l| !files.iter().any(|f| f.linkedid == l.linkedid));
    found.extend(missing.map(|l| format!("the files do not have {}", l.shown())));
    Ok(found)
}

fn recorded(db: &Connection) -> rusqlite::Result<Vec<Recorded>> {
    let mut statement = db.prepare(RECORDED)?;
    let rows = statement.query_map([], |r| {
        Ok(Recorded {
            linkedid: r.get(0)?,
            direction: r.get(1)?,
            status: r.get(2)?,
            outcome: r.get(3)?,
            number: r.get(4)?,
            agent: r.get(5)?,
        })
    })?;
    rows.collect()
}

impl Recorded {
    fn served(&self) -> bool {
        self.status == "ANSWER"
    }

    fn shown(&self) -> String {
        let Self { linkedid, direction, status, outcome, number, agent } = self;
        let [number, agent] = [number, agent].map(|text| text.as_deref().unwrap_or("nobody"));
        format!("{linkedid} {direction} {number} {status} {outcome} {agent}")
    }
}
