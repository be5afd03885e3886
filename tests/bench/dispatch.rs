//! From the event that frees an agent to Originate on the wire: the real program, over real TCP, with a real database.
//!
//! `cargo bench --bench dispatch`. Two runs, without and with a background of 5,000 events a second (calls of a busy PBX, each of which becomes a row),
//! beside the lower bound in the same run: a commit of one row to a database beside it, which an Originate has to wait for.
//!
//! Then what one look at a callback costs that a cap holds back, and the same way with and without 1,000 clients of `/v1/events`, which takes three
//! minutes; `-- streams` does that alone.
#![allow(clippy::disallowed_methods)] // a benchmark reads the clock

mod capped;
mod streams;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use wire::{Call, Desk, Pbx};

/// Agents who are freed, one after the other, each for a callback that waits.
const AGENTS: usize = 300;
/// Events a second of the background.
const BACKGROUND: u64 = 5_000;
/// The background comes in lots of this many, as from a busy socket.
const LOT: u64 = 50;
/// Between an Originate and the next agent, with up to as much again, so that no rhythm is hit.
const PAUSE: Duration = Duration::from_millis(23);

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let is_short = std::env::args().all(|arg| arg != "--bench");
    if std::env::args().all(|arg| arg != "streams") {
        dispatch(if is_short { 3 } else { AGENTS });
        capped::compare(if is_short { 2 } else { 200 });
    }
    streams::compare(is_short);
}

fn dispatch(agents: usize) {
    let presence = commits(agents);
    println!("from the event that frees an agent to Originate on the wire, {agents} times each\n");
    println!("{:28}{:>10}{:>10}{:>10}{:>16}", "", "p50", "p99", "max", "p50 / floor");
    let show = |name: &str, spans: &[Duration]| {
        let at = |q: usize| spans[(spans.len() - 1) * q / 100];
        let ms = |d: Duration| format!("{:.2} ms", d.as_secs_f64() * 1e3);
        let ratio = at(50).as_secs_f64() / presence[(presence.len() - 1) / 2].as_secs_f64();
        println!("{name:28}{:>10}{:>10}{:>10}{ratio:>16.1}", ms(at(50)), ms(at(99)), ms(at(100)));
    };
    show("floor: commit of one row", &presence);
    show("quiet", &dispatches(agents, 0).0);
    let (spans, rate) = dispatches(agents, BACKGROUND);
    show(&format!("{rate} events a second"), &spans);
}

/// Sorted durations of commits that wait for the disk.
fn commits(count: usize) -> Vec<Duration> {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let db = rusqlite::Connection::open(place.path().join("floor.db")).expect("a database");
    db.execute_batch(
        "PRAGMA journal_mode = wal; PRAGMA synchronous = FULL; CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)",
    )
    .expect("a table");
    let commit = |_| {
        let start = Instant::now();
        db.execute("INSERT INTO t (x) VALUES ('an intent')", []).expect("a row");
        start.elapsed()
    };
    sorted((0..count).map(commit).collect())
}

fn sorted(mut spans: Vec<Duration>) -> Vec<Duration> {
    spans.sort_unstable();
    spans
}

/// Sorted durations, and how many events a second there really were beside them.
fn dispatches(agents: usize, background: u64) -> (Vec<Duration>, u64) {
    let desk = Desk::open(agents);
    let noise = Noise::begin(&desk.pbx, background);
    let began = Instant::now();
    let mut spans = Vec::with_capacity(agents);
    for n in 0..agents {
        thread::sleep(PAUSE + PAUSE * u32::try_from(n * 7919 % 97).expect("small") / 97);
        spans.push(desk.free(n, ""));
    }
    let sent = noise.finish();
    (sorted(spans), u64::try_from(u128::from(sent) * 1_000 / began.elapsed().as_millis()).expect("small"))
}

/// Copies of a real queue call, so many events a second.
struct Noise {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    task: thread::JoinHandle<()>,
}

impl Noise {
    fn begin(pbx: &Pbx, rate: u64) -> Self {
        let call = Call::captured();
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (say, stopped, count) = (pbx.sayer(), Arc::clone(&stop), Arc::clone(&sent));
        let task = thread::spawn(move || {
            let mut events = (0..).flat_map(|n| {
                let copy = call.copy(n);
                copy.split_inclusive("\r\n\r\n").map(str::to_owned).collect::<Vec<_>>()
            });
            let began = Instant::now();
            while rate > 0 && !stopped.load(Ordering::Relaxed) {
                let lot: String = events.by_ref().take(usize::try_from(LOT).expect("small")).collect();
                say(&lot);
                let so_far = count.fetch_add(LOT, Ordering::Relaxed) + LOT;
                let due = began + Duration::from_nanos(so_far * 1_000_000_000 / rate);
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        });
        Self { stop, sent, task }
    }

    /// How many events there were.
    fn finish(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.task.join().expect("the background ends");
        self.sent.load(Ordering::Relaxed)
    }
}
