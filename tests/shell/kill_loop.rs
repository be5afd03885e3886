//! Killed with SIGKILL at any moment, again and again, while a PBX at work goes on: nothing that was seen is lost, nothing is dialled twice.
//!
//! `CALLBACKD_KILL_ROUNDS=200` kills so often; `CALLBACKD_KILL_SEED=7` repeats the callers, the people and the moments of one run.

use crate::exchange::{Exchange, configuration_of, now};
use crate::scripted::{Running, Site};
use callbackd::demo::office::Office;
use callbackd::demo::people::{Caller, People, Pickup, Talk};
use callbackd::demo::truth::{Fate, Past};
use fastrand::Rng;
use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What CI waits for.
const ROUNDS: u32 = 12;
/// The same of two PBXs.
const ROUNDS_OF_TWO: u32 = 6;
/// A call that ended so long (ms) before a kill is on the disk: the tracker waits for what still belongs to it (2.3 s), then one commit.
const ON_THE_DISK_MS: i64 = 3_500;
/// A call that began so long (ms) before a kill is on the disk as one in progress: one commit, on a busy machine.
const BEGUN_MS: i64 = 1_000;
/// Between the line that says that the PBX is seen and the moment from which it is, either way, ms.
const ROUGHLY_MS: i64 = 500;
/// Customers, few enough to call again while a callback is open for them.
const CUSTOMERS: u32 = 40;

/// Callers every half second, while the lines are open.
fn callers(mut rng: Rng, open: Arc<AtomicBool>) -> Box<crate::exchange::Callers> {
    let dids = Office::small().dids;
    let mut next = 0;
    Box::new(move |now| {
        if !open.load(Ordering::Relaxed) {
            return (Vec::new(), i64::MAX);
        }
        let mut come = Vec::new();
        while next <= now {
            next = next.max(now) + rng.i64(100..900);
            let key = rng.bool().then(|| (if rng.bool() { '1' } else { '2' }, rng.i64(100..1_500)));
            come.push(Caller {
                number: if rng.u32(..20) == 0 {
                    String::new()
                } else {
                    format!("1202555{:04}", 100 + rng.u32(..CUSTOMERS))
                },
                name: String::new(),
                did: dids[rng.usize(..dids.len())].0.clone(),
                key,
                patience_ms: rng.i64(300..4_000),
            });
        }
        (come, next)
    })
}

/// People who are quick, and of all kinds.
struct Quick(Rng);

impl People for Quick {
    fn agent(&mut self, _agent: usize, _callback: bool) -> Pickup {
        match self.0.u32(..10) {
            0..8 => Pickup::Answer(self.0.i64(100..1_200)),
            8 => Pickup::Reject(self.0.i64(100..600)),
            _ => Pickup::Unreachable,
        }
    }

    fn customer(&mut self, _number: &str) -> Pickup {
        match self.0.u32(..10) {
            0..7 => Pickup::Answer(self.0.i64(100..1_500)),
            7..9 => Pickup::Busy,
            _ => Pickup::Reject(self.0.i64(100..900)),
        }
    }

    fn talk(&mut self) -> Talk {
        Talk { ms: self.0.i64(300..3_000), ended_by_agent: self.0.bool() }
    }
}

fn number<T: std::str::FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

fn reading(db: &Path) -> Connection {
    let connection = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection
}

/// When a daemon saw the PBX, ms since 1970 UTC.
#[derive(Debug, Clone, Copy)]
struct Watch {
    from_ms: i64,
    to_ms: i64,
}

/// What the judge knows.
struct Case {
    past: Vec<Past>,
    watches: Vec<Watch>,
    calls: BTreeMap<String, (String, String)>,
    gaps: Vec<Watch>,
}

impl Case {
    fn open(db: &Connection, pbx: &str, past: Vec<Past>, watches: Vec<Watch>) -> Self {
        let mut calls = BTreeMap::new();
        // One that is not recorded as a customer's has its direction in place of its status.
        let sql = "SELECT linkedid, CASE direction WHEN 'inbound' THEN status ELSE direction END, quality FROM calls
                    WHERE direction <> 'callback' AND pbx = ?";
        let mut statement = db.prepare(sql).unwrap();
        for row in statement.query_map([pbx], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))).unwrap() {
            let (linkedid, row) = row.unwrap();
            assert!(calls.insert(linkedid, row).is_none());
        }
        let mut statement =
            db.prepare("SELECT from_ms, to_ms FROM gaps WHERE pbx = ? ORDER BY from_ms, to_ms").unwrap();
        let rows = statement.query_map([pbx], |row| Ok(Watch { from_ms: row.get(0)?, to_ms: row.get(1)? })).unwrap();
        let mut gaps: Vec<Watch> = Vec::new();
        for gap in rows.map(Result::unwrap) {
            match gaps.last_mut().filter(|last| gap.from_ms <= last.to_ms) {
                Some(last) => last.to_ms = last.to_ms.max(gap.to_ms),
                None => gaps.push(gap),
            }
        }
        Self { past, watches, calls, gaps }
    }

    /// A daemon saw its end, and had the time to write it down; or its beginning, and the next daemon records what had begun.
    fn must_be_there(&self, call: &Past) -> bool {
        let saw = |w: &Watch, at_ms: i64, needs_ms: i64| w.from_ms + ROUGHLY_MS < at_ms && at_ms + needs_ms < w.to_ms;
        self.watches.iter().any(|w| saw(w, call.to_ms, ON_THE_DISK_MS) || saw(w, call.from_ms, BEGUN_MS))
    }

    /// One daemon saw all of it.
    fn was_seen_whole(&self, call: &Past) -> bool {
        self.watches.iter().any(|w| w.from_ms + ROUGHLY_MS < call.from_ms && call.to_ms + ON_THE_DISK_MS < w.to_ms)
    }

    fn lies_in_a_gap(&self, call: &Past) -> bool {
        self.gaps.iter().any(|gap| gap.from_ms <= call.from_ms && call.to_ms <= gap.to_ms)
    }

    /// What is wrong, call by call, and a count of verdicts.
    fn judge(&self) -> (Vec<String>, BTreeMap<&'static str, u32>) {
        let (mut faults, mut counts) = (Vec::new(), BTreeMap::new());
        let theirs: Vec<&Past> = self.past.iter().filter(|call| call.attempt.is_none()).collect();
        let known: BTreeSet<&str> = theirs.iter().map(|call| call.linkedid.as_str()).collect();
        faults.extend(self.calls.keys().filter(|id| !known.contains(id.as_str())).map(|id| format!("{id} never was")));
        for call in theirs {
            let truth = match call.fate {
                Fate::Served => "ANSWER",
                Fate::LostInMenu | Fate::Abandoned => "CANCEL",
                Fate::QueueTimeout | Fate::Unattended => "NOANSWER",
                Fate::CutOff => "UNKNOWN",
            };
            let whole = self.was_seen_whole(call);
            let verdict = match self.calls.get(&call.linkedid) {
                Some((status, quality)) if status == truth && whole && quality == "full" => "seen whole and told truly",
                Some((status, _)) if status == truth => "told truly",
                Some((status, quality)) if status == "UNKNOWN" && quality == "gap" && !whole => "UNKNOWN",
                // With what was not seen of it the status could be another one.
                Some((status, quality)) if status.starts_with(char::is_uppercase) && quality == "partial" && !whole => {
                    "told as far as it was seen"
                }
                None if !self.must_be_there(call) && self.lies_in_a_gap(call) => "absent, within a gap",
                found => {
                    faults.push(format!("{call:?} is {found:?}, seen whole: {whole}"));
                    "wrong"
                }
            };
            *counts.entry(verdict).or_default() += 1;
        }
        (faults, counts)
    }
}

/// Every attempt was on the disk before it was made, made at most once, and every callback is open or ended for a reason.
fn judge_callbacks(db: &Connection, past: &[Past], originated: &[String], opened: &BTreeSet<i64>) -> Vec<String> {
    let mut faults = Vec::new();
    let unique: BTreeSet<&String> = originated.iter().collect();
    if unique.len() != originated.len() {
        faults.push(format!("{} Originates with {} ChannelIds", originated.len(), unique.len()));
    }
    let count = |sql: &str, parameter: &dyn rusqlite::ToSql| {
        db.query_row(sql, [parameter], |row| row.get::<_, i64>(0)).unwrap()
    };
    for id in &unique {
        if count("SELECT count(*) FROM callback_attempts WHERE channel_id = ?", id) != 1 {
            faults.push(format!("{id} was dialled and is not in the database"));
        }
    }
    let mut dialled = BTreeMap::new();
    for call in past.iter().filter(|call| call.dialled_ms.is_some()) {
        if let Some(attempt) = &call.attempt {
            *dialled.entry(attempt).or_insert(0) += 1;
        }
    }
    faults.extend(
        dialled.iter().filter(|(_, n)| **n > 1).map(|(id, n)| format!("{id}: the customer was dialled {n} times")),
    );
    for id in opened {
        let kept = "SELECT count(*) FROM callbacks c WHERE id = ? AND (closed_ms IS NULL OR EXISTS (SELECT 1 FROM callback_events e
                     WHERE e.callback_id = c.id AND e.state = c.state AND e.n = (SELECT max(n) FROM callback_events WHERE callback_id = c.id)))";
        if count(kept, id) != 1 {
            faults.push(format!("callback {id} was open and is forgotten"));
        }
    }
    let none: &dyn rusqlite::ToSql = &0;
    for (what, sql) in [
        (
            "two open callbacks for a number",
            "SELECT count(*) - count(DISTINCT number_e164) FROM callbacks WHERE closed_ms IS NULL AND ?1 = 0",
        ),
        (
            "attempts of closed callbacks that never end",
            "SELECT count(*) FROM callback_attempts a JOIN callbacks c ON c.id = a.callback_id
            WHERE a.result IS NULL AND c.closed_ms IS NOT NULL AND ?1 = 0",
        ),
        (
            "callbacks whose attempts are not all there",
            "SELECT count(*) FROM callbacks c WHERE ?1 = 0
            AND attempts <> (SELECT count(*) FROM callback_attempts a WHERE a.callback_id = c.id)",
        ),
    ] {
        let n = count(sql, none);
        if n != 0 {
            faults.push(format!("{n} {what}"));
        }
    }
    faults
}

/// The moments of the kills if nobody says otherwise; `tests/night` throws others.
const SEED: u64 = 311;

#[test]
fn a_daemon_that_is_killed_at_any_moment_loses_nothing_that_it_saw_and_dials_nobody_twice() {
    is_killed(&["demo"], number("CALLBACKD_KILL_ROUNDS").unwrap_or(ROUNDS));
}

#[test]
fn a_daemon_of_two_pbxs_that_is_killed_at_any_moment_keeps_them_apart_and_dials_nobody_twice() {
    is_killed(&["demo", "branch"], number("CALLBACKD_KILL_ROUNDS").unwrap_or(ROUNDS_OF_TWO));
}

/// One configuration for these PBXs, each on its own port.
fn configured(pbxs: &[&str], exchanges: &[Exchange]) -> String {
    let pbxs: Vec<_> = pbxs.iter().zip(exchanges).map(|(name, exchange)| (*name, exchange.port)).collect();
    configuration_of(&pbxs, "pause_agent = true\nmax_active = 8", "")
}

/// Kills a daemon that is connected to these PBXs, which have the same customers, agents and queues, so many times.
fn is_killed(pbxs: &[&str], rounds: u32) {
    let seed = number("CALLBACKD_KILL_SEED").unwrap_or(SEED);
    println!("CALLBACKD_KILL_SEED={seed} CALLBACKD_KILL_ROUNDS={rounds}");
    let mut rng = Rng::with_seed(seed);
    let lines = Arc::new(AtomicBool::new(false));
    let site = Site::new(0);
    let db = site.path("calls.db");
    let mut office = Office::small();
    for queue in &mut office.queues {
        (queue.ring_ms, queue.max_wait_ms, queue.wrapup_ms) = (1_500, 5_000, 500);
    }
    let unpromised = Arc::new(Mutex::new(Vec::new()));
    let (promised_in, recorded) = (db.clone(), Arc::clone(&unpromised));
    let mut exchange = || {
        let (promised_in, recorded) = (promised_in.clone(), Arc::clone(&recorded));
        let (people, callers) = (Box::new(Quick(rng.fork())), callers(rng.fork(), Arc::clone(&lines)));
        Exchange::open(office.clone(), people, callers, move |id| {
            let written = "SELECT count(*) FROM callback_attempts WHERE channel_id = ? AND result IS NULL";
            let written = reading(&promised_in).query_row(written, [id], |row| row.get::<_, i64>(0));
            if written != Ok(1) {
                recorded.lock().unwrap().push(format!("{id} is dialled and not on the disk: {written:?}"));
            }
        })
    };
    let exchanges: Vec<Exchange> = pbxs.iter().map(|_| exchange()).collect();
    let ready = |daemon: &mut Running| pbxs.iter().for_each(|_| daemon.wait_for("session: Asterisk is ready"));
    site.write("secret", "demo\n", 0o600);
    site.configure(&configured(pbxs, &exchanges));

    let (mut watches, mut opened, mut killed_unready) = (Vec::new(), BTreeSet::new(), 0);
    let run = || Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    for round in 0..rounds {
        let mut daemon = run();
        // Now and then before it has seen anything. Before the first call was written no daemon had ever been connected, and there is no gap.
        if round > 0 && rng.u32(..6) == 0 {
            std::thread::sleep(Duration::from_millis(rng.u64(..250)));
            killed_unready += 1;
            daemon.end(Some(Signal::KILL));
            continue;
        }
        ready(&mut daemon);
        let from_ms = now();
        if round == 0 {
            lines.store(true, Ordering::Relaxed);
            daemon.wait_for("call: Call ended");
        }
        std::thread::sleep(Duration::from_millis(if rng.bool() { rng.u64(..1_500) } else { rng.u64(..8_000) }));
        watches.push(Watch { from_ms, to_ms: now() });
        daemon.end(Some(Signal::KILL));
        let reader = reading(&db);
        let mut statement = reader.prepare("SELECT id FROM callbacks WHERE closed_ms IS NULL").unwrap();
        opened.extend(statement.query_map([], |row| row.get::<_, i64>(0)).unwrap().map(Result::unwrap));
        std::thread::sleep(Duration::from_millis(rng.u64(..1_500)));
    }
    let mut daemon = run();
    ready(&mut daemon);
    let from_ms = now();
    for exchange in &exchanges {
        exchange.until("the end of a call that this run has seen whole", |known| {
            known.past.iter().any(|call| call.attempt.is_none() && call.from_ms > from_ms + 2 * ROUGHLY_MS)
        });
    }
    lines.store(false, Ordering::Relaxed);
    for exchange in &exchanges {
        exchange.until("the end of the customers' calls", |known| known.live == 0);
    }
    // No more callbacks: what goes on now is finished in peace.
    site.configure(&configured(pbxs, &exchanges).replace("enabled = true", "enabled = false"));
    rustix::process::kill_process(rustix::process::Pid::from_child(&daemon.child), Signal::HUP).unwrap();
    daemon.wait_for("Configuration reloaded");
    let end = |exchange: &Exchange| {
        exchange.until("the end of the last attempts, with all pauses of ours undone", |known| {
            known.live == 0 && !known.paused.values().any(|why| why == "callbackd")
        })
    };
    let known: Vec<_> = exchanges.iter().map(end).collect();
    std::thread::sleep(Duration::from_millis(ON_THE_DISK_MS.unsigned_abs()));
    watches.push(Watch { from_ms, to_ms: now() });
    let (code, said) = daemon.end(Some(Signal::TERM));
    assert_eq!(code, Some(0), "{said}");

    let reader = reading(&db);
    let integrity: String = reader.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(integrity, "ok");
    let (mut faults, mut counts) = (Vec::new(), BTreeMap::new());
    for (pbx, known) in pbxs.iter().zip(&known) {
        let (wrong, verdicts) = Case::open(&reader, pbx, known.past.clone(), watches.clone()).judge();
        faults.extend(wrong.into_iter().map(|fault| format!("{pbx}: {fault}")));
        verdicts.into_iter().for_each(|(verdict, n)| *counts.entry(verdict).or_insert(0) += n);
    }
    let past: Vec<Past> = known.iter().flat_map(|known| known.past.clone()).collect();
    let originated: Vec<String> = known.iter().flat_map(|known| known.originated.clone()).collect();
    faults.extend(judge_callbacks(&reader, &past, &originated, &opened));
    faults.extend(unpromised.lock().unwrap().drain(..));
    faults.extend(crate::feed::faults(&reader));
    let count = |sql| reader.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let dialled = past.iter().filter(|call| call.dialled_ms.is_some()).count();
    println!(
        "{rounds} kills ({killed_unready} before the PBX was seen), {} customers' calls: {counts:?}; {} callbacks, {} attempts, \
         {} Originates, {dialled} customers dialled, {} attempts lost from sight, {} gaps",
        past.iter().filter(|call| call.attempt.is_none()).count(),
        count("SELECT count(*) FROM callbacks"),
        count("SELECT count(*) FROM callback_attempts"),
        originated.len(),
        count("SELECT count(*) FROM callback_attempts WHERE result = 'LOST'"),
        count("SELECT count(*) FROM gaps"),
    );
    assert!(faults.is_empty(), "seed {seed}: {} faults\n{}", faults.len(), faults.join("\n"));
    assert!(counts.contains_key("seen whole and told truly"), "nothing was proved");
    assert!(originated.len() > 1, "nobody was called back");
}
