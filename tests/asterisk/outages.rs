//! Sync is lost and comes back: what the rows say about calls of which a part was not seen.

use crate::daemon::Daemon;
use crate::files;
use crate::lab::Lab;
use crate::manager::Frame;
use crate::run::number;
use crate::script::{Caller, RINGS, STAYS, TALKS, WAITS};
use crate::wire::Wire;
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;
use std::time::{Duration, Instant};

/// Nothing that is awaited takes longer, even on a machine that does other work.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a clock of Asterisk's and one of the daemon's may differ in about one event.
const SLACK_MS: i64 = 1_000;

pub fn soon() -> Instant {
    Instant::now() + PATIENCE
}

/// A call that goes on until the test ends it.
pub struct Call {
    pub number: String,
    pub linkedid: String,
    since: usize,
}

impl Call {
    /// The nth caller dials this DID, and is on the PBX.
    pub fn place(lab: &Lab, n: usize, did: &str) -> Result<Self, String> {
        let (number, since) = (number(n, Caller::Outside), lab.pbx.position());
        lab.place(&number, did, WAITS, PATIENCE)?;
        let arrival = lab.arrival(since, &number, did, soon())?;
        Ok(Call { number, linkedid: arrival.get("Linkedid").to_owned(), since })
    }

    fn event(&self, lab: &Lab, event: &str, nth: usize) -> Result<Frame, String> {
        let mut seen = 0;
        lab.pbx.fold(self.since, soon(), &format!("{event} number {nth} of {}", self.linkedid), |f| {
            seen += usize::from(f.is(event) && f.get("Linkedid") == self.linkedid);
            (seen == nth).then(|| f.clone())
        })
    }

    /// Waits until the customer and a person are in a bridge.
    pub fn talks(&self, lab: &Lab) -> Result<Frame, String> {
        self.event(lab, "BridgeEnter", 2)
    }

    /// Waits until the caller is in a queue and a phone rings.
    pub fn waits(&self, lab: &Lab) -> Result<Frame, String> {
        self.event(lab, "QueueCallerJoin", 1)?;
        self.event(lab, "AgentCalled", 1)
    }

    /// The caller hangs up.
    pub fn ends(&self, lab: &Lab) -> Result<(), String> {
        lab.hang_up(&self.number)?;
        lab.departure(self.since, &self.linkedid, soon())
    }

    /// From the second one in the bridge to the first one out of it, as Asterisk's own clock has it: ms since 1970 UTC.
    fn talk(&self, lab: &Lab) -> Result<(i64, i64), String> {
        Ok((at(&self.talks(lab)?), at(&self.event(lab, "BridgeLeave", 1)?)))
    }
}

/// `Timestamp`, in ms since 1970 UTC.
fn at(event: &Frame) -> i64 {
    let seconds: f64 = event.get("Timestamp").parse().expect("timestampevents = yes");
    (seconds * 1_000.0) as i64
}

/// A row in a few words, with its visits to queues; `no row` if there is none.
pub fn recorded(db: &Connection, call: &Call) -> String {
    let sql = "SELECT concat_ws(' ', direction, number, status, outcome, agent, quality,
                 (SELECT group_concat(queue || ' ' || result, ' ') FROM queue_visits WHERE call_id = calls.id))
               FROM calls WHERE linkedid = ?1";
    let recorded =
        db.query_row(sql, [&call.linkedid], |r| r.get(0)).optional().expect("the tables are those of the design");
    recorded.unwrap_or_else(|| "no row".to_owned())
}

/// How the last phone fared that is known to have rung for a call.
fn last_leg(db: &Connection, call: &Call) -> String {
    let sql =
        "SELECT result FROM legs WHERE call_id = (SELECT id FROM calls WHERE linkedid = ?1) ORDER BY started_ms DESC";
    db.query_row(sql, [&call.linkedid], |r| r.get(0)).expect("a leg")
}

fn talk_ms(db: &Connection, call: &Call) -> i64 {
    db.query_row("SELECT talk_ms FROM calls WHERE linkedid = ?1", [&call.linkedid], |r| r.get(0)).expect("a row")
}

/// From, to, cause and lost calls of every gap.
fn gaps(db: &Connection) -> Vec<(i64, i64, String, i64)> {
    let mut gaps = db.prepare("SELECT from_ms, to_ms, cause, calls_lost FROM gaps ORDER BY from_ms").expect("a table");
    let rows = gaps.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))).expect("it can be read");
    rows.collect::<Result<_, _>>().expect("it can be read")
}

fn rows(db: &Connection) -> usize {
    crate::rows::count(db).expect("there is a table of calls")
}

/// The phones of a cell do this when they are called next.
pub fn phones(lab: &Lab, cell: &str, script: &str) -> Result<(), String> {
    (1..=3).try_for_each(|n| lab.script(&format!("1{cell}{n}"), script))
}

fn start(dir: &Path, lab: &Lab, wire: &Wire) -> Result<Daemon, String> {
    let (_, username, secret) = lab.ami();
    let daemon = Daemon::start(dir, (wire.address(), username, secret))?;
    daemon.wait_for_line(soon(), "Asterisk is ready", |l| l.contains("Asterisk is ready"))?;
    Ok(daemon)
}

fn has_said(daemon: &Daemon, sentences: &[&str]) {
    let said = daemon.said();
    for sentence in sentences {
        assert!(said.contains(sentence), "no \"{sentence}\" in\n{said}");
    }
}

#[test]
fn a_cut_link_costs_no_call_that_goes_on_and_says_what_it_did_not_see() {
    let Some(lab) = Lab::start() else { return };
    cut_link(&lab).unwrap_or_else(|e| panic!("{e}"));
}

fn cut_link(lab: &Lab) -> Result<(), String> {
    let wire = Wire::to(&lab.ami().0);
    let daemon = start(&files("cut_link"), lab, &wire)?;
    for (cell, script) in [("30", STAYS), ("00", RINGS), ("01", RINGS), ("31", STAYS), ("32", STAYS)] {
        phones(lab, cell, script)?;
    }
    let talking = Call::place(lab, 0, "5550130")?;
    let gives_up = Call::place(lab, 1, "5550300")?;
    let served_later = Call::place(lab, 2, "5550301")?;
    for event in [talking.talks(lab)?, gives_up.waits(lab)?, served_later.waits(lab)?] {
        wire.wait_for(&event, soon())?;
    }

    wire.cut();
    daemon.wait_for_line(soon(), "loss of the link", |l| l.contains("Connection to Asterisk lost"))?;
    let since = lab.pbx.position();
    let answered_unseen = Call::place(lab, 3, "5550131")?;
    let never_seen = Call::place(lab, 4, "5550132")?;
    never_seen.talks(lab)?;
    never_seen.ends(lab)?;
    gives_up.ends(lab)?;
    answered_unseen.talks(lab)?;
    lab.pbx.wait(since, soon(), "the next phone that rings for the one who waits on", |f| {
        f.is("AgentCalled") && f.get("Linkedid") == served_later.linkedid
    })?;
    wire.repair();
    daemon.wait_for_sync(soon())?;

    phones(lab, "01", TALKS)?;
    lab.departure(served_later.since, &served_later.linkedid, soon())?;
    talking.ends(lab)?;
    answered_unseen.ends(lab)?;
    for call in [&talking, &gives_up, &served_later, &answered_unseen] {
        daemon.wait_for_call(&call.linkedid, soon())?;
    }
    let said = daemon.said();
    let db = daemon.stop()?;

    let recorded = |call| recorded(&db, call);
    assert_eq!(
        [&talking, &gives_up, &served_later, &answered_unseen, &never_seen].map(recorded),
        [
            format!("inbound {} ANSWER AGENT PJSIP/1301 partial", talking.number),
            format!("inbound {} UNKNOWN GAP gap q00 UNKNOWN", gives_up.number),
            format!(
                "inbound {} ANSWER AGENT {} partial q01 CONNECTED",
                served_later.number,
                agent(lab, &served_later)?
            ),
            format!("inbound {} ANSWER AGENT PJSIP/1311 partial", answered_unseen.number),
            "no row".to_owned(),
        ],
        "\n{said}"
    );
    assert_eq!(rows(&db), 4, "\n{said}");
    assert_eq!(last_leg(&db, &gives_up), "UNKNOWN", "nobody saw that the caller left while it rang");

    let gaps = gaps(&db);
    let [(from, to, cause, calls_lost)] = &gaps[..] else { panic!("{gaps:?}\n{said}") };
    assert_eq!((cause.as_str(), *calls_lost), ("link_lost", 1), "\n{said}");
    let (began, ended) = never_seen.talk(lab)?;
    let gave_up = at(&gives_up.event(lab, "Hangup", 1)?);
    for unseen in [began, ended, gave_up] {
        assert!((*from..=*to).contains(&unseen), "{unseen} is outside of {gaps:?}");
    }
    for call in [&talking, &served_later] {
        let (began, ended) = call.talk(lab)?;
        let (true_ms, told_ms) = (ended - began, talk_ms(&db, call));
        assert!((told_ms - true_ms).abs() <= SLACK_MS, "{}: talked {true_ms} ms, row says {told_ms}", call.number);
    }
    // Of what was not seen from its beginning, no more is recorded than was seen.
    let (_, ended) = answered_unseen.talk(lab)?;
    let told_ms = talk_ms(&db, &answered_unseen);
    assert!((told_ms - (ended - to)).abs() <= SLACK_MS, "seen for {} ms, row says {told_ms}", ended - to);
    Ok(())
}

/// The phone that was in the bridge with the caller, as the harness saw it.
fn agent(lab: &Lab, call: &Call) -> Result<String, String> {
    let phone = lab.pbx.wait(call.since, soon(), "the agent in the bridge", |f| {
        f.is("BridgeEnter") && f.get("Linkedid") == call.linkedid && !f.get("Channel").contains("trunk")
    })?;
    Ok(phone.get("Channel").rsplit_once('-').map_or_else(String::new, |(peer, _)| peer.to_owned()))
}

#[test]
fn a_restart_of_asterisk_ends_its_calls_as_far_as_they_were_seen() {
    let Some(mut lab) = Lab::start() else { return };
    restart_of_asterisk(&mut lab).unwrap_or_else(|e| panic!("{e}"));
}

fn restart_of_asterisk(lab: &mut Lab) -> Result<(), String> {
    let wire = Wire::to(&lab.ami().0);
    let daemon = start(&files("restart_of_asterisk"), lab, &wire)?;
    for (cell, script) in [("30", STAYS), ("00", RINGS), ("31", TALKS)] {
        phones(lab, cell, script)?;
    }
    let before = Call::place(lab, 3, "5550131")?;
    lab.departure(before.since, &before.linkedid, soon())?;
    let talking = Call::place(lab, 0, "5550130")?;
    let waiting = Call::place(lab, 1, "5550300")?;
    let talks = talking.talks(lab)?;
    for event in [&talks, &waiting.waits(lab)?] {
        wire.wait_for(event, soon())?;
    }

    lab.crash_pbx();
    daemon.wait_for_line(soon(), "failed attempt", |l| {
        l.contains("Cannot connect to Asterisk; calls are not recorded")
    })?;
    lab.start_pbx_again()?;
    daemon.wait_for_sync(soon())?;
    let fresh = Call::place(lab, 2, "5550131")?;
    lab.departure(fresh.since, &fresh.linkedid, soon())?;
    for call in [&talking, &waiting, &fresh] {
        daemon.wait_for_call(&call.linkedid, soon())?;
    }
    has_said(
        &daemon,
        &[
            "Connection to Asterisk lost; calls are not recorded until it is back",
            "Event gap closed; calls that ended in it are UNKNOWN",
        ],
    );
    let said = daemon.said();
    assert_eq!(said.matches("Asterisk is ready").count(), 2, "\n{said}");
    let db = daemon.stop()?;

    let recorded = |call| recorded(&db, call);
    assert_eq!(
        [&before, &talking, &waiting, &fresh].map(recorded),
        [
            format!("inbound {} ANSWER AGENT PJSIP/1311 full", before.number),
            format!("inbound {} ANSWER AGENT PJSIP/1301 gap", talking.number),
            format!("inbound {} UNKNOWN GAP gap q00 UNKNOWN", waiting.number),
            format!("inbound {} ANSWER AGENT PJSIP/1311 full", fresh.number),
        ],
        "\n{said}"
    );
    assert_eq!(rows(&db), 4, "\n{said}");
    let gaps = gaps(&db);
    let [(from, _, cause, calls_lost)] = &gaps[..] else { panic!("{gaps:?}\n{said}") };
    assert_eq!((cause.as_str(), *calls_lost), ("pbx_restart", 2), "\n{said}");
    let (seen_ms, told_ms) = (from - at(&talks), talk_ms(&db, &talking));
    assert!((told_ms - seen_ms).abs() <= SLACK_MS, "seen to talk for {seen_ms} ms, row says {told_ms}");
    Ok(())
}

#[test]
fn a_restarted_daemon_takes_up_the_calls_that_still_live() {
    let Some(lab) = Lab::start() else { return };
    restarted_daemon(&lab).unwrap_or_else(|e| panic!("{e}"));
}

fn restarted_daemon(lab: &Lab) -> Result<(), String> {
    let wire = Wire::to(&lab.ami().0);
    let dir = files("restarted_daemon");
    let daemon = start(&dir, lab, &wire)?;
    for (cell, script) in [("30", STAYS), ("00", RINGS), ("01", RINGS)] {
        phones(lab, cell, script)?;
    }
    let talking = Call::place(lab, 0, "5550130")?;
    let gives_up = Call::place(lab, 1, "5550300")?;
    let served_later = Call::place(lab, 2, "5550301")?;
    let calls = [&talking, &gives_up, &served_later];
    for event in [talking.talks(lab)?, gives_up.waits(lab)?, served_later.waits(lab)?] {
        wire.wait_for(&event, soon())?;
    }

    let db = daemon.stop()?;
    assert_eq!(
        calls.map(|call| recorded(&db, call)),
        [
            format!("inbound {} ANSWER AGENT PJSIP/1301 gap", talking.number),
            format!("inbound {} UNKNOWN GAP gap q00 UNKNOWN", gives_up.number),
            format!("inbound {} UNKNOWN GAP gap q01 UNKNOWN", served_later.number),
        ]
    );
    drop(db);
    gives_up.ends(lab)?;
    let daemon = start(&dir, lab, &wire)?;
    daemon.wait_for_sync(soon())?;
    phones(lab, "01", TALKS)?;
    lab.departure(served_later.since, &served_later.linkedid, soon())?;
    talking.ends(lab)?;
    for call in [&talking, &served_later] {
        daemon.wait_for_call(&call.linkedid, soon())?;
    }
    let said = daemon.said();
    let db = daemon.stop()?;

    assert_eq!(
        calls.map(|call| recorded(&db, call)),
        [
            format!("inbound {} ANSWER AGENT PJSIP/1301 partial", talking.number),
            format!("inbound {} UNKNOWN GAP gap q00 UNKNOWN", gives_up.number),
            format!(
                "inbound {} ANSWER AGENT {} partial q01 CONNECTED",
                served_later.number,
                agent(lab, &served_later)?
            ),
        ],
        "\n{said}"
    );
    assert_eq!(rows(&db), 3, "\n{said}");
    let gaps = gaps(&db);
    let [(from, to, cause, _)] = &gaps[..] else { panic!("{gaps:?}\n{said}") };
    assert_eq!(cause, "daemon_down", "\n{said}");
    let gave_up = at(&gives_up.event(lab, "Hangup", 1)?);
    assert!((*from..=*to).contains(&gave_up), "{gave_up} is outside of {gaps:?}");
    let (began, ended) = served_later.talk(lab)?;
    let (true_ms, told_ms) = (ended - began, talk_ms(&db, &served_later));
    assert!((told_ms - true_ms).abs() <= SLACK_MS, "talked {true_ms} ms, row says {told_ms}");
    Ok(())
}

#[test]
fn the_queue_tells_how_long_a_talk_was_whose_beginning_nobody_saw() {
    let Some(lab) = Lab::start() else { return };
    talks_begun_unseen(&lab).unwrap_or_else(|e| panic!("{e}"));
}

fn talks_begun_unseen(lab: &Lab) -> Result<(), String> {
    let wire = Wire::to(&lab.ami().0);
    let dir = files("talks_begun_unseen");
    let daemon = start(&dir, lab, &wire)?;
    for cell in ["00", "01"] {
        phones(lab, cell, "ring-wait:3-answer-wait:90-hangup")?;
    }
    let over_the_cut = Call::place(lab, 0, "5550300")?;
    wire.wait_for(&over_the_cut.waits(lab)?, soon())?;
    wire.cut();
    daemon.wait_for_line(soon(), "loss of the link", |l| l.contains("Connection to Asterisk lost"))?;
    over_the_cut.talks(lab)?;
    wire.repair();
    daemon.wait_for_sync(soon())?;

    let over_the_restart = Call::place(lab, 1, "5550301")?;
    wire.wait_for(&over_the_restart.talks(lab)?, soon())?;
    daemon.stop()?;
    let daemon = start(&dir, lab, &wire)?;
    daemon.wait_for_sync(soon())?;
    let calls = [&over_the_cut, &over_the_restart];
    for call in calls {
        call.ends(lab)?;
        daemon.wait_for_call(&call.linkedid, soon())?;
    }
    let said = daemon.said();
    let db = daemon.stop()?;
    for (call, queue) in calls.into_iter().zip(["q00", "q01"]) {
        let agent = agent(lab, call)?;
        let expected = format!("inbound {} ANSWER AGENT {agent} partial {queue} CONNECTED", call.number);
        assert_eq!(recorded(&db, call), expected, "\n{said}");
        let (began, ended) = call.talk(lab)?;
        let (true_ms, told_ms) = (ended - began, talk_ms(&db, call));
        // The queue reckons in whole seconds.
        assert!(
            (told_ms - true_ms).abs() <= SLACK_MS,
            "{}: talked {true_ms} ms, row says {told_ms}\n{said}",
            call.number
        );
    }
    Ok(())
}

#[test]
fn a_killed_daemon_leaves_its_calls_in_progress_to_the_next() {
    let Some(lab) = Lab::start() else { return };
    killed_daemon(&lab).unwrap_or_else(|e| panic!("{e}"));
}

fn killed_daemon(lab: &Lab) -> Result<(), String> {
    let wire = Wire::to(&lab.ami().0);
    let dir = files("killed_daemon");
    let daemon = start(&dir, lab, &wire)?;
    for cell in ["00", "01"] {
        phones(lab, cell, RINGS)?;
    }
    let gives_up = Call::place(lab, 0, "5550300")?;
    let served_later = Call::place(lab, 1, "5550301")?;
    let calls = [&gives_up, &served_later];
    for call in calls {
        wire.wait_for(&call.waits(lab)?, soon())?;
    }
    let open = "SELECT group_concat(concat_ws(' ', number, did, queue), ', ') FROM (SELECT * FROM calls_in_progress ORDER BY queue)";
    let in_progress = || -> Option<String> {
        let db = Connection::open(dir.join("calls.db")).expect("a database");
        db.query_row(open, [], |r| r.get(0)).expect("the tables are those of the design")
    };
    let both = format!("{} 5550300 q00, {} 5550301 q01", gives_up.number, served_later.number);
    let by = soon();
    while in_progress().as_ref() != Some(&both) {
        assert!(Instant::now() < by, "in progress: {:?}, expected {both}", in_progress());
        std::thread::sleep(Duration::from_millis(20));
    }

    daemon.crash();
    gives_up.ends(lab)?;
    let daemon = start(&dir, lab, &wire)?;
    daemon.wait_for_call(&gives_up.linkedid, soon())?;
    phones(lab, "01", TALKS)?;
    lab.departure(served_later.since, &served_later.linkedid, soon())?;
    daemon.wait_for_call(&served_later.linkedid, soon())?;
    let said = daemon.said();
    let db = daemon.stop()?;
    let agent = agent(lab, &served_later)?;
    assert_eq!(
        calls.map(|call| recorded(&db, call)),
        [
            format!("inbound {} UNKNOWN GAP gap q00 UNKNOWN", gives_up.number),
            format!("inbound {} ANSWER AGENT {agent} partial q01 CONNECTED", served_later.number),
        ],
        "\n{said}"
    );
    assert_eq!((rows(&db), in_progress()), (2, None), "\n{said}");
    let gaps = gaps(&db);
    let [(_, _, cause, calls_lost)] = &gaps[..] else { panic!("{gaps:?}\n{said}") };
    assert_eq!((cause.as_str(), *calls_lost), ("daemon_down", 1), "\n{said}");
    Ok(())
}
