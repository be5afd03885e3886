//! A first look: a handful of calls on a real Asterisk, the daemon's log as it comes, and the rows that are left. Run by `tests/asterisk/show`.

#![allow(dead_code, reason = "the harness is made for the tests, and more than this needs")]
#![allow(clippy::disallowed_methods, reason = "outside of the pure rooms, against a clock that is real")]

mod daemon;
mod instance;
mod lab;
mod load;
mod manager;
mod oracle;
mod patience;
mod rows;
mod run;
mod scenarios;
mod script;
mod slot;

use daemon::Daemon;
use lab::Lab;
use script::{Caller, Scenario};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What is shown, in the order in which it begins.
const CALLS: &[&str] = &[
    "blind transfer: answered",
    "queue: abandoned",
    "queue: the first agent rings out, the second answers",
    "ring group: one answers",
    "menu: hung up",
    "direct: busy",
    "closed: heard out",
    "parking: a colleague retrieves the call",
    "queue without members: refused at the door",
    "outbound: answered, the customer hangs up",
];
/// The call that is shown at the end.
const TOLD: &str = "blind transfer: answered";
/// Between the beginnings of two calls.
const STAGGER: Duration = Duration::from_millis(900);
/// Nothing of this lasts longer.
const LONGEST: Duration = Duration::from_secs(120);
/// The daemon records a call so long after its end, at most.
const SETTLE: Duration = Duration::from_secs(10);

fn main() -> Result<(), String> {
    let dir = std::env::args().nth(1).map(PathBuf::from).ok_or("usage: show DIRECTORY")?;
    let lab = Lab::start().ok_or("CALLBACKD_NO_ASTERISK is set: there is nothing to show")?;
    let paint = Paint(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    paint.title(&format!("Asterisk {} is up: a PBX, and beside it its phones and callers", lab.version()));
    let daemon = Daemon::start(&dir, lab.ami())?;
    let over = AtomicBool::new(false);
    let placed = std::thread::scope(|scope| {
        scope.spawn(|| follow(&daemon, &over, paint));
        let placed = call(&lab, paint);
        let deadline = Instant::now() + SETTLE;
        let recorded: Result<Vec<()>, String> = placed
            .iter()
            .filter_map(|(_, linkedid)| linkedid.as_ref())
            .map(|linkedid| daemon.wait_for_call(linkedid, deadline))
            .collect();
        over.store(true, Ordering::Relaxed);
        recorded.map(|_| placed)
    })?;
    let db = daemon.stop()?;
    let file = dir.join("calls.db");
    paint.title("One row a call");
    let here = std::env::current_dir().unwrap_or_default();
    let binary = daemon::binary();
    let binary = binary.strip_prefix(&here).unwrap_or(&binary).display();
    paint.command(&format!("{binary} calls --db {}", file.display()));
    callbackd(&file, &[])?;
    let recorded = placed.iter().find(|(s, _)| s.name == TOLD).and_then(|(_, linkedid)| linkedid.clone());
    let id: i64 = db
        .query_row("SELECT id FROM calls WHERE linkedid = ?1", [recorded], |r| r.get(0))
        .map_err(|e| format!("the row of '{TOLD}': {e}"))?;
    paint.title("The story of one of them");
    paint.command(&format!("{binary} calls show {id} --db {}", file.display()));
    callbackd(&file, &["show", &id.to_string()])?;
    paint.title("It is plain SQLite");
    let sql = "SELECT status, outcome, count(*) AS calls FROM v_calls GROUP BY 1, 2 ORDER BY 3 DESC";
    paint.command(&format!("sqlite3 -box {} \"{sql}\"", file.display()));
    sqlite(&file, sql);
    println!();
    paint.command(&format!("sqlite3 {}      # then: .schema calls, SELECT * FROM v_missed;", file.display()));
    Ok(())
}

/// Prints the daemon's log as it comes, until it is over.
fn follow(daemon: &Daemon, over: &AtomicBool, paint: Paint) {
    let mut shown = 0;
    patience::until(Instant::now() + LONGEST, || {
        let ends = over.load(Ordering::Relaxed);
        let said = daemon.said();
        for line in said.lines().skip(shown) {
            println!("{}", paint.log(line));
            shown += 1;
        }
        ends.then_some(())
    });
}

/// The scenarios of these names.
fn named(names: &[&str]) -> Vec<Scenario> {
    let all = scenarios::all();
    names.iter().filter_map(|name| all.iter().find(|s| s.name == *name).copied()).collect()
}

/// Places the calls one after the other and says so; returns each with its Linkedid when all have ended.
fn call(lab: &Lab, paint: Paint) -> Vec<(Scenario, Option<String>)> {
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..)
            .zip(named(CALLS))
            .map(|(n, scenario)| {
                scope.spawn(move || {
                    patience::until(begin + STAGGER * (n + 1), || None::<()>);
                    let n = usize::try_from(n).unwrap_or_default();
                    let number = run::number(n, scenario.caller);
                    println!("{}", paint.call(&number, &scenario));
                    let placed = run::place(lab, &scenario, number, n);
                    (scenario, placed.into_iter().next().and_then(|p| p.linkedid.ok()))
                })
            })
            .collect();
        calls.into_iter().filter_map(|c| c.join().ok()).collect()
    })
}

fn callbackd(db: &Path, arguments: &[&str]) -> Result<(), String> {
    let binary = daemon::binary();
    let status = Command::new(&binary)
        .args(["calls", "--db"])
        .arg(db)
        .args(arguments)
        .status()
        .map_err(|e| format!("{}: {e}", binary.display()))?;
    if status.success() { Ok(()) } else { Err(format!("callbackd calls ended with {status}")) }
}

/// Where sqlite3 is not installed, the command above it says enough.
fn sqlite(db: &Path, sql: &str) {
    let _ = Command::new("sqlite3").arg("-box").arg("-readonly").arg(db).arg(sql).status();
}

/// Colours, where there is a terminal.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn paint(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn title(self, text: &str) {
        println!("\n{}\n", self.paint("1", text));
    }

    fn command(self, text: &str) {
        println!("{}", self.paint("36", &format!("$ {text}")));
    }

    fn call(self, number: &str, scenario: &Scenario) -> String {
        let who = match scenario.caller {
            Caller::Outside => format!("+{number}"),
            Caller::Phone(extension) => format!("Phone {extension}"),
        };
        self.paint("2", &format!("   {who} dials {} ({})", scenario.dials, scenario.name))
    }

    fn log(self, line: &str) -> String {
        let code = match line {
            l if l.contains("ERROR") => "31",
            l if l.contains("WARN") => "33",
            l if l.contains("status=ANSWER") => "32",
            l if l.contains("status=") => "35",
            _ => "0",
        };
        self.paint(code, line)
    }
}
