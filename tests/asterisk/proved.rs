//! What happened while events were not seen is recorded from Asterisk's own CDR and queue_log, and whoever was missed there is called back.

use crate::daemon::Daemon;
use crate::files;
use crate::lab::Lab;
use crate::outages::{Call, phones, recorded, soon};
use crate::script::{RINGS, STAYS};
use crate::wire::Wire;
use rusqlite::Connection;
use std::io::Write;
use std::path::Path;

/// Callbacks are made, and none is due while this lasts.
const GAP: &str = r#"
[gap]
cdr_csv = "@CDR@"
queue_log = "@LOG@"

[api]
socket = "@DIR@/api.sock"

[callback]
enabled = true
quiet = "off"
delay = "1h"
dial_customer = "PJSIP/{number}@trunk"
"#;

fn start(dir: &Path, lab: &Lab, address: String) -> Result<Daemon, String> {
    let (_, username, secret) = lab.ami();
    let (cdr, log) = (lab.cdr_csv().display().to_string(), lab.queue_log().display().to_string());
    let daemon = Daemon::start_with(dir, (address, username, secret), |text| {
        let calls = "[calls]\nshort_abandon = \"0s\"";
        text.replace("[calls]", calls) + &GAP.replace("@CDR@", &cdr).replace("@LOG@", &log)
    })?;
    daemon.wait_for_line(soon(), "Asterisk is ready", |l| l.contains("Asterisk is ready"))?;
    Ok(daemon)
}

/// State of the callback that a call made, with what it was recovered by; `none` if it made none.
fn callback(db: &Connection, call: &Call) -> String {
    let sql = "SELECT coalesce((SELECT concat_ws(' ', c.state, c.missed_count, k.recovered_by) FROM calls k JOIN callbacks c ON c.id = k.callback_id
                 WHERE k.linkedid = ?1), 'none')";
    db.query_row(sql, [&call.linkedid], |r| r.get(0)).expect("the tables are those of the design")
}

fn proved(daemon: &Daemon, call: &Call) -> Result<(), String> {
    let key = format!("call={} ", call.linkedid);
    let line = |l: &str| l.contains("Call ended") && l.contains(&key) && l.contains("quality=backfilled");
    daemon.wait_for_line(soon(), &format!("proof of {}", call.linkedid), line).map(drop)
}

/// One waits in a queue and one talks, and the daemon knows it.
fn in_progress(lab: &Lab, wire: &Wire) -> Result<(Call, Call), String> {
    for (cell, script) in [("00", RINGS), ("01", RINGS), ("30", STAYS), ("31", STAYS)] {
        phones(lab, cell, script)?;
    }
    let waiting = Call::place(lab, 0, "5550300")?;
    let talking = Call::place(lab, 1, "5550131")?;
    for event in [waiting.waits(lab)?, talking.talks(lab)?] {
        wire.wait_for(&event, soon())?;
    }
    Ok((waiting, talking))
}

/// The calls that nobody saw, or saw the end of.
struct Unseen {
    gave_up: Call,
    missed: Call,
    served: Call,
    missed_then_served: [Call; 2],
}

/// One waits already and gives up; three call, of whom one is served, one gives up, and one gives up and is served the next time.
fn what_nobody_sees(lab: &Lab, gave_up: Call, nth: usize) -> Result<Unseen, String> {
    gave_up.ends(lab)?;
    let missed = Call::place(lab, nth, "5550301")?;
    missed.waits(lab)?;
    missed.ends(lab)?;
    let served = Call::place(lab, nth + 1, "5550130")?;
    served.talks(lab)?;
    served.ends(lab)?;
    let first = Call::place(lab, nth + 2, "5550301")?;
    first.waits(lab)?;
    first.ends(lab)?;
    phones(lab, "30", STAYS)?;
    let second = Call::place(lab, nth + 2, "5550130")?;
    second.talks(lab)?;
    second.ends(lab)?;
    Ok(Unseen { gave_up, missed, served, missed_then_served: [first, second] })
}

fn is_reconstructed(db: &Connection, unseen: &Unseen, said: &str) {
    let Unseen { gave_up, missed, served, missed_then_served: [first, second] } = unseen;
    assert_eq!(
        [gave_up, missed, served, first, second].map(|call| recorded(db, call)),
        [
            format!("inbound {} CANCEL QUEUE_ABANDON backfilled q00 ABANDONED", gave_up.number),
            format!("inbound {} CANCEL QUEUE_ABANDON backfilled q01 ABANDONED", missed.number),
            format!("inbound {} ANSWER AGENT PJSIP/1301 backfilled", served.number),
            format!("inbound {} CANCEL QUEUE_ABANDON backfilled q01 ABANDONED", first.number),
            format!("inbound {} ANSWER AGENT PJSIP/1301 backfilled", second.number),
        ],
        "\n{said}"
    );
    assert_eq!(
        [gave_up, missed, served, first].map(|call| callback(db, call)),
        ["WAITING 1", "WAITING 1", "none", "RECOVERED_BY_CUSTOMER 1 customer"],
        "\n{said}"
    );
}

#[test]
fn calls_of_a_cut_link_are_reconstructed_from_asterisks_records() {
    let Some(lab) = Lab::start() else { return };
    let cut = || -> Result<(), String> {
        let wire = Wire::to(&lab.ami().0);
        let daemon = start(&files("proved-cut"), &lab, wire.address())?;
        let (waiting, talking) = in_progress(&lab, &wire)?;
        wire.cut();
        daemon.wait_for_line(soon(), "loss of the link", |l| l.contains("Connection to Asterisk lost"))?;
        let unseen = what_nobody_sees(&lab, waiting, 2)?;
        wire.repair();
        daemon.wait_for_sync(soon())?;
        for call in [&unseen.gave_up, &unseen.missed, &unseen.served, &unseen.missed_then_served[1]] {
            proved(&daemon, call)?;
        }
        talking.ends(&lab)?;
        daemon.wait_for_call(&talking.linkedid, soon())?;
        let said = daemon.said();
        let db = daemon.stop()?;
        is_reconstructed(&db, &unseen, &said);
        assert_eq!(recorded(&db, &talking), format!("inbound {} ANSWER AGENT PJSIP/1311 partial", talking.number));
        assert_eq!(crate::rows::count(&db).expect("a table"), 6, "\n{said}");
        Ok(())
    };
    cut().unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn calls_of_a_killed_daemon_are_reconstructed_from_asterisks_records() {
    let Some(lab) = Lab::start() else { return };
    let killed = || -> Result<(), String> {
        let dir = files("proved-killed");
        let wire = Wire::to(&lab.ami().0);
        let daemon = start(&dir, &lab, wire.address())?;
        let (waiting, talking) = in_progress(&lab, &wire)?;
        daemon.crash();
        let unseen = what_nobody_sees(&lab, waiting, 2)?;
        talking.ends(&lab)?;
        let daemon = start(&dir, &lab, wire.address())?;
        for call in [&unseen.gave_up, &unseen.missed, &unseen.served, &unseen.missed_then_served[1], &talking] {
            proved(&daemon, call)?;
        }
        let said = daemon.said();
        let db = daemon.stop()?;
        is_reconstructed(&db, &unseen, &said);
        assert_eq!(recorded(&db, &talking), format!("inbound {} ANSWER AGENT PJSIP/1311 backfilled", talking.number));
        assert_eq!(crate::rows::count(&db).expect("a table"), 6, "\n{said}");
        Ok(())
    };
    killed().unwrap_or_else(|e| panic!("{e}"));
}

/// User events that somebody raises without end, far more than fit into the buffers between Asterisk and a daemon that does not read.
struct Flood(std::net::TcpStream);

impl Flood {
    /// Each event has so many bytes.
    const SIZE: usize = 1_700;

    fn start(address: &str, secret: &str) -> Result<Self, String> {
        let flood = || -> std::io::Result<std::net::TcpStream> {
            let mut stream = std::net::TcpStream::connect(address)?;
            write!(stream, "Action: Login\r\nUsername: harness\r\nSecret: {secret}\r\nEvents: off\r\n\r\n")?;
            let (mut reader, mut writer) = (stream.try_clone()?, stream.try_clone()?);
            std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
            // A line of an action has 1,024 bytes at most (`main/manager.c`, `inbuf`).
            let text = "x".repeat(Self::SIZE / 2);
            let event = format!("Action: UserEvent\r\nUserEvent: Flood\r\nOne: {text}\r\nTwo: {text}\r\n\r\n");
            // Some 1,000 a second: what a busy PBX makes, and what it can make beside its calls.
            let some = event.repeat(10);
            std::thread::spawn(move || {
                while writer.write_all(some.as_bytes()).is_ok() {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
            });
            Ok(stream)
        };
        flood().map(Flood).map_err(|e| e.to_string())
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        // It may have been hung up on.
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

/// Waits until Asterisk has hung up on the daemon, which does not read: `writetimeout` (5 s) after all buffers are full.
fn is_dropped(lab: &Lab) -> Result<(), String> {
    let connected = [("Action", "Command"), ("Command", "manager show connected")];
    let dropped = crate::patience::until(soon(), || {
        let shown = lab.pbx.action(&connected);
        shown.map(|shown| (!format!("{shown:?}").contains("\"callbackd ")).then_some(())).transpose()
    });
    dropped.unwrap_or_else(|| Err("Asterisk never hung up on a client that does not read".to_owned()))
}

#[test]
fn what_a_daemon_that_stood_still_did_not_read_is_reconstructed_from_asterisks_records() {
    let Some(lab) = Lab::start() else { return };
    let stood_still = || -> Result<(), String> {
        let (address, _, secret) = lab.ami();
        let daemon = start(&files("proved-still"), &lab, address.clone())?;
        phones(&lab, "00", RINGS)?;
        phones(&lab, "01", RINGS)?;
        phones(&lab, "30", STAYS)?;
        let flood = Flood::start(&address, secret)?;
        daemon.signal(rustix::process::Signal::STOP)?;
        let early = Call::place(&lab, 0, "5550300")?;
        early.waits(&lab)?;
        early.ends(&lab)?;
        is_dropped(&lab)?;
        let late = Call::place(&lab, 1, "5550301")?;
        late.waits(&lab)?;
        late.ends(&lab)?;
        let served = Call::place(&lab, 2, "5550130")?;
        served.talks(&lab)?;
        served.ends(&lab)?;
        drop(flood);
        daemon.signal(rustix::process::Signal::CONT)?;
        daemon.wait_for_line(soon(), "loss of the link", |l| l.contains("Connection to Asterisk lost"))?;
        daemon.wait_for_sync(soon()).map_err(|e| format!("{e}\n{}", daemon.said()))?;
        for call in [&early, &late, &served] {
            daemon.wait_for_call(&call.linkedid, soon())?;
        }
        let said = daemon.said();
        let db = daemon.stop()?;
        let of =
            |call: &Call| recorded(&db, call).replace(" full", "").replace(" backfilled", "").replace(" partial", "");
        assert_eq!(
            [&early, &late, &served].map(of),
            [
                format!("inbound {} CANCEL QUEUE_ABANDON q00 ABANDONED", early.number),
                format!("inbound {} CANCEL QUEUE_ABANDON q01 ABANDONED", late.number),
                format!("inbound {} ANSWER AGENT PJSIP/1301", served.number),
            ],
            "\n{said}"
        );
        Ok(())
    };
    stood_still().unwrap_or_else(|e| panic!("{e}"));
}
