//! Calls at load while the daemon is killed, the link is cut and Asterisk crashes; then every call is looked for, and every dial.
//!
//! `CALLBACKD_CHAOS` is the number of calls; 1,000 take some ten minutes. `CALLBACKD_LOAD_SEED` repeats a run.

use crate::callbacks::cdr;
use crate::callbacks::office::soon;
use crate::daemon::{self, Daemon};
use crate::files;
use crate::lab::Lab;
use crate::load::Dice;
use crate::oracle::{self, Cdr, QueueEvent};
use crate::run::number;
use crate::script::Caller;
use crate::wire::Wire;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Calls of an ordinary run.
const CALLS: usize = 90;
/// Calls a second.
const RATE: u32 = 3;
/// There are numbers for so many callers; then they call again.
const CALLERS: usize = 600;
/// Between two troubles of one kind, seconds.
const EVERY: std::ops::Range<u32> = 5..15;
/// Asterisk crashes so often.
const CRASHES: usize = 2;
/// The last calls end within this, and what was proved of the last gap is recorded.
const SETTLED: Duration = Duration::from_secs(75);
/// Of a hundred calls so many may be UNKNOWN at most, and one more: a short run has no hundred.
const UNKNOWN_PERCENT: usize = 1;
/// CDR have whole seconds, and a gap begins when the daemon was last seen to be alive.
const ROUNDING_MS: i64 = 2_000;

const CONFIGURATION: &str = r#"
[gap]
cdr_csv = "@CDR@"
queue_log = "@LOG@"

[api]
socket = "@DIR@/api.sock"

[callback]
enabled = true
quiet = "off"
delay = "1s"
min_talk = "2s"
max_active = 20
agent_ring = "8s"
customer_ring = "10s"
agent_cooldown = "10s"
daily_per_number = 20
daily_per_prefix = 100000
daily = 100000
dial_agent = "{interface}"
dial_customer = "PJSIP/{number}@trunk"
number_form = "{digits}"
last_dispatch = "0s"
"#;

/// What goes wrong, and how often it did.
#[derive(Debug, Default)]
struct Troubles {
    kills: usize,
    cuts: usize,
    crashes: usize,
}

struct Chaos<'a> {
    dir: &'a Path,
    wire: Wire,
    dice: Dice,
    daemon: Option<Daemon>,
    said: String,
    troubles: Troubles,
}

impl Chaos<'_> {
    fn start(&mut self, lab: &Lab) -> Result<(), String> {
        let (_, username, secret) = lab.ami();
        let (cdr, log) = (lab.cdr_csv().display().to_string(), lab.queue_log().display().to_string());
        let more = CONFIGURATION.replace("@CDR@", &cdr).replace("@LOG@", &log);
        let calls = "[calls]\nshort_abandon = \"0s\"\nwrapup = \"0s\"";
        let change = |text: String| text.replace("[calls]", calls) + &more;
        self.daemon = Some(Daemon::start_with(self.dir, (self.wire.address(), username, secret), change)?);
        Ok(())
    }

    fn kill(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            self.said.push_str(&daemon.said());
            self.said.push_str("\n-- killed --\n");
            daemon.crash();
            self.troubles.kills += 1;
        }
    }

    fn after(&mut self, seconds: std::ops::Range<u32>) -> Instant {
        let ms = 1_000 * seconds.start + self.dice.roll(1_000 * (seconds.end - seconds.start));
        Instant::now() + Duration::from_millis(u64::from(ms))
    }

    /// Places the calls, and makes the troubles meanwhile.
    fn live(&mut self, lab: &mut Lab, calls: usize) -> Result<(), String> {
        for cell in (0..=61).chain(67..=68) {
            for phone in 1..=3 {
                lab.script(&format!("1{cell:02}{phone}"), &self.dice.phone())?;
            }
        }
        self.start(lab)?;
        let begin = Instant::now();
        let (mut placed, mut crashed_for) = (0, Duration::ZERO);
        let (mut kill, mut cut) = (self.after(EVERY), self.after(EVERY));
        let (mut start, mut repair): (Option<Instant>, Option<Instant>) = (None, None);
        while placed < calls {
            let call = begin + crashed_for + Duration::from_secs(1) * u32::try_from(placed).unwrap_or(u32::MAX) / RATE;
            let due = [Some(call), Some(kill), Some(cut), start, repair].into_iter().flatten().min().unwrap_or(call);
            crate::patience::until(due, || None::<()>);
            let now = Instant::now();
            if repair.is_some_and(|at| at <= now) {
                self.wire.repair();
                repair = None;
            }
            if start.is_some_and(|at| at <= now) && repair.is_none() {
                self.start(lab)?;
                start = None;
            } else if start.is_some_and(|at| at <= now) {
                start = repair;
            }
            if kill <= now {
                self.kill();
                start = Some(self.after(0..3));
                kill = self.after(EVERY);
            }
            if cut <= now {
                self.wire.cut();
                self.troubles.cuts += 1;
                repair = Some(self.after(0..4));
                cut = self.after(EVERY);
            }
            if call <= now {
                let (from, did) = (number(placed % CALLERS, Caller::Outside), self.dice.did());
                let (script, patience) = self.dice.caller(&did);
                lab.place(&from, &did, &script, patience)?;
                placed += 1;
                if placed.is_multiple_of(calls / (CRASHES + 1) + 1) {
                    let began = Instant::now();
                    // The first time it gets no chance to write anything; the second time it hangs up first.
                    match self.troubles.crashes {
                        0 => lab.crash_pbx(),
                        _ => lab.stop_pbx()?,
                    }
                    lab.start_pbx_again()?;
                    crashed_for += began.elapsed();
                    self.troubles.crashes += 1;
                }
            }
        }
        self.wire.repair();
        if self.daemon.is_none() {
            self.start(lab)?;
        }
        crate::patience::until(Instant::now() + SETTLED, || None::<()>);
        let daemon = self.daemon.take().ok_or("the daemon was started")?;
        daemon.wait_for_line(soon(), "readiness", |l| l.contains("Asterisk is ready"))?;
        self.said.push_str(&daemon.said());
        daemon.stop().map(drop)
    }
}

#[test]
fn whatever_is_killed_every_call_is_recorded_once_and_nobody_is_dialled_twice() {
    let Some(mut lab) = Lab::start() else { return };
    let dir = files("chaos");
    let calls = std::env::var("CALLBACKD_CHAOS").ok().and_then(|n| n.parse().ok()).unwrap_or(CALLS);
    let seed = crate::load::seed();
    let wire = Wire::to(&lab.ami().0);
    let (dice, troubles) = (Dice::new(seed), Troubles::default());
    let mut chaos = Chaos { dir: &dir, wire, dice, daemon: None, said: String::new(), troubles };
    let result = chaos.live(&mut lab, calls);
    std::fs::write(dir.join("log"), &chaos.said).expect("target is writable");
    let version = lab.version();
    let (cdrs, events) = crate::oracle(&mut lab, &dir);
    result.unwrap_or_else(|e| panic!("{e}; seed {seed}"));

    let db = Connection::open(dir.join("calls.db")).expect("the daemon has made it");
    let mut faults = cdr::double_dials(&db, &cdrs);
    let (recorded, unknown) = tell(&db, &cdrs, &events, &mut faults);
    faults.extend(forgotten(&db));
    let integrity: String = db.query_row("PRAGMA integrity_check", [], |r| r.get(0)).expect("it can be read");
    if integrity != "ok" {
        faults.push(integrity);
    }
    let audit = daemon::audit(&dir).unwrap_or_else(|e| format!("{e}\n"));
    let outcomes =
        count(&db, "SELECT status || ' ' || outcome || ' ' || quality FROM calls WHERE direction = 'inbound'");
    let attempts = count(&db, "SELECT coalesce(result, 'in flight') FROM callback_attempts");
    let mut report = format!(
        "Asterisk {version}, seed {seed}: {calls} calls placed, {recorded} in CDR, {unknown} UNKNOWN; {:?}\n",
        chaos.troubles
    );
    for (what, n) in outcomes.iter().chain(&attempts) {
        let _ = writeln!(report, "    {n:4}  {what}");
    }
    report.push_str(&audit);
    println!("{report}");
    std::fs::write(dir.join("report"), &report).expect("target is writable");
    assert!(faults.is_empty(), "{report}{faults:#?}\nall that was written: {}", dir.display());
    assert!(unknown <= 1 + recorded * UNKNOWN_PERCENT / 100, "{report}too many are UNKNOWN: {}", dir.display());
    assert!(audit.contains("Every call is there"), "{report}{}", dir.display());
    assert!(chaos.troubles.kills > 0 && chaos.troubles.cuts > 0 && chaos.troubles.crashes == CRASHES, "{report}");
}

fn count(db: &Connection, sql: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut statement = db.prepare(sql).expect("the tables are those of the design");
    for word in statement.query_map([], |r| r.get::<_, String>(0)).expect("it can be read") {
        *found.entry(word.expect("it can be read")).or_default() += 1;
    }
    found
}

/// Looks every customer's call that Asterisk wrote up in the rows. Returns how many there are, and how many of them are UNKNOWN.
fn tell(db: &Connection, cdrs: &[Cdr], events: &[QueueEvent], faults: &mut Vec<String>) -> (usize, usize) {
    let gaps: Vec<(i64, i64, bool)> = db
        .prepare("SELECT from_ms, to_ms, cause = 'pbx_restart' FROM gaps")
        .and_then(|mut s| s.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?.collect())
        .expect("the tables are those of the design");
    let first = |c: &&Cdr| c.uniqueid == c.linkedid && c.line.contains(",PJSIP/trunk-");
    let mut linkedids: Vec<&str> = cdrs.iter().filter(first).map(|c| &*c.linkedid).collect();
    linkedids.retain(|id| !id.starts_with("cb-"));
    linkedids.sort_unstable();
    linkedids.dedup();
    let mut unknown = 0;
    for id in &linkedids {
        let account = oracle::account(cdrs, events, id);
        let row =
            db.query_row("SELECT status, outcome, started_ms, ended_ms FROM calls WHERE linkedid = ?", [id], |r| {
                Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, i64>(2)?, r.get::<_, i64>(3)?))
            });
        let Ok((status, outcome, started, ended)) = row else {
            faults.push(format!("{id} has no row: {:?}", account.lines));
            continue;
        };
        let covers = |(from, to, _): &&(i64, i64, bool)| started <= to + ROUNDING_MS && ended + ROUNDING_MS >= *from;
        let covering: Vec<_> = gaps.iter().filter(covers).collect();
        if status == "UNKNOWN" {
            unknown += 1;
            if covering.is_empty() {
                faults.push(format!("{id} is UNKNOWN, and no gap covers it"));
            }
            continue;
        }
        // An Asterisk that stops hangs up on those who wait, and its queue_log says that they gave up.
        let stopped = covering.iter().any(|(_, _, restart)| *restart);
        let abandoned = !stopped && account.visits.last().is_some_and(|(_, result)| result == "ABANDONED");
        let connected = account.connected_to.is_some();
        let fault = match status.as_str() {
            "ANSWER" if outcome != "SELF_SERVICE" && account.talked.is_empty() => "nobody talked with the caller",
            "CANCEL" | "NOANSWER" | "BUSY" | "NOT_CONNECTED" if connected => "a queue connected the caller",
            "NOANSWER" | "BUSY" | "NOT_CONNECTED" if abandoned => "the caller gave up in a queue",
            _ => continue,
        };
        faults.push(format!("{id} is {status} {outcome}, and Asterisk says: {fault}: {:?}", account.lines));
    }
    (linkedids.len(), unknown)
}

/// Misses that should have made a callback and have none.
fn forgotten(db: &Connection) -> Vec<String> {
    let sql = "SELECT linkedid || ' ' || status || ' ' || outcome FROM calls WHERE direction = 'inbound' AND callback_id IS NULL
                 AND status NOT IN ('ANSWER', 'UNKNOWN') AND outcome NOT IN ('BLOCKED', 'SHORT_ABANDON', 'INVALID')";
    let mut statement = db.prepare(sql).expect("the tables are those of the design");
    let found = statement.query_map([], |r| r.get::<_, String>(0)).expect("it can be read");
    found.map(|miss| format!("no callback for {}", miss.expect("it can be read"))).collect()
}
