//! The same calls recorded a third time, from a recording that is cut in at random: as by a daemon that is started while they go on, and knows
//! of them what Asterisk lists.

use crate::load;
use crate::stream::listed::Listed;
use crate::stream::{Driver, FORGOTTEN_MS, Recording, stamp};
use callbackd::config::Config;
use callbackd_core::model::rules::Rules;
use callbackd_core::model::{AttemptPrefix, Direction, FinishedCall, OurAttempts, Status};
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// Places at which the recording is cut in.
const CUTS: usize = 40;

/// What a row says of a call that was seen whole.
struct Whole {
    direction: String,
    served: bool,
    /// The last talk of the customer's was over then, ms since 1970 UTC.
    talked_until_ms: i64,
}

/// Calls of which the row says served where that of all events says missed, or the other way round, and rows of calls that there never were.
/// Who talked with somebody before the cut, and with nobody after it, may be either: no list of Asterisk's names it.
pub fn contradictions(live: &Connection, files: &Path) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(files.join("callbackd.toml")).map_err(|e| e.to_string())?;
    let config = Config::from_toml(&text, "third").map_err(|e| e.to_string())?;
    let recording = Recording::read(&files.join("calls.ami"));
    let identity = "SELECT substr(db_uuid, 1, 8) FROM identity";
    let identity: String = live.query_row(identity, [], |row| row.get(0)).map_err(|e| e.to_string())?;
    let ours = AttemptPrefix::of(&identity).ok_or("the database has no identity")?;
    let mut dice = fastrand::Rng::with_seed(load::seed());
    let mut found = Vec::new();
    for _ in 0..CUTS {
        let cut = dice.usize(1..recording.live.len());
        let at = stamp(&recording.live[cut]);
        for row in seen_from(&recording, cut, at, config.pbx[0].settings.rules(), ours) {
            let Some(whole) = whole(live, &row.linkedid).map_err(|e| e.to_string())? else {
                // A phone that goes on without its customer may have a call of its own then.
                if row.direction == Direction::Inbound {
                    found.push(format!("from event {cut} on there is a call that was none: {}", shown(&row)));
                }
                continue;
            };
            let served = row.status == Status::Answer;
            let over = whole.served && whole.talked_until_ms <= at;
            if row.status != Status::Unknown && served != whole.served && !over {
                found.push(format!(
                    "from event {cut} on {} is {}, and served: {}",
                    row.linkedid,
                    shown(&row),
                    whole.served
                ));
            }
            if row.direction.to_string() != whole.direction {
                found.push(format!("from event {cut} on {} is {}, not {}", row.linkedid, shown(&row), whole.direction));
            }
        }
    }
    Ok(found)
}

fn shown(row: &FinishedCall) -> String {
    format!("{} {} {} {:?} {:?}", row.direction, row.status, row.outcome, row.agent, row.why)
}

/// The rows of what came from this event on, after lists of what went on.
fn seen_from(recording: &Recording, cut: usize, at: i64, rules: Rules, ours: AttemptPrefix) -> Vec<FinishedCall> {
    let mut listed = Listed::default();
    recording.live[..cut].iter().for_each(|frame| listed.take(frame));
    let mut driver = Driver::unlinked_with(rules, OurAttempts::of(ours), at, None);
    driver.link(100_000, &listed.frames(at, false));
    recording.live[cut..].iter().for_each(|frame| driver.play(frame));
    driver.pass(FORGOTTEN_MS);
    driver.rows()
}

fn whole(live: &Connection, linkedid: &str) -> rusqlite::Result<Option<Whole>> {
    let sql = "SELECT direction, status, coalesce((SELECT max(l.ended_ms) FROM legs l WHERE l.call_id = c.id AND l.result = 'ANSWERED'), ended_ms)
               FROM calls c WHERE linkedid = ?1";
    let row = |r: &rusqlite::Row<'_>| {
        Ok(Whole { direction: r.get(0)?, served: r.get::<_, String>(1)? == "ANSWER", talked_until_ms: r.get(2)? })
    };
    live.query_row(sql, [linkedid], row).optional()
}
