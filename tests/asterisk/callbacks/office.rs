//! An office: a PBX with queues of three agents each, a daemon that calls missed callers back, and what the tests ask of both.

use crate::daemon::Daemon;
use crate::lab::Lab;
use crate::manager::Frame;
use crate::run::number;
use crate::script::Caller;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Nothing that is awaited takes longer, even on a machine that does other work.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Long enough for the daemon to have done what it must not do.
pub const LONG_ENOUGH: Duration = Duration::from_secs(3);
/// A caller's script: gives up in the queue after two seconds.
const GIVES_UP: &str = "wait:2-hangup";

/// Cells whose agents are members behind Local channels in the plain office too.
const BEHIND_LOCAL: [&str; 3] = ["19", "60", "61"];

/// How many agents the queue of a cell has.
fn agents(cell: &str) -> u8 {
    match cell {
        "19" | "61" => 2,
        "60" | "63" | "64" | "65" | "66" | "67" | "68" | "69" => 1,
        _ => 3,
    }
}

/// Hours that hold in Berlin now and for a while, and not where the other customers' area code lies, five or six hours behind.
fn night_in_berlin() -> String {
    let hour = jiff::Zoned::now().in_tz("Europe/Berlin").expect("a zone of the IANA database").hour();
    format!("{:02}:00-{:02}:00", (hour + 23) % 24, (hour + 3) % 24)
}

/// The configuration of callbacks, besides what all tests configure.
const CALLBACKS: &str = r#"
[gap]
cdr_csv = "@CDR@"

[api]
socket = "@DIR@/api.sock"

[callback]
enabled = true
delay = "1s"
min_talk = "2s"
max_active = 40
agent_ring = "8s"
customer_ring = "10s"
agent_cooldown = "10s"
daily_per_number = 20
daily_per_prefix = 1000
dial_agent = "{interface}"
dial_customer = "PJSIP/{number}@trunk"
number_form = "{digits}"
publish = true
last_dispatch = "0s"
owner_window = "20s"
quiet = "@NIGHT@"

[callback.did]
"5550179" = "q10"
"5550931" = "q31"

[[agents]]
name = "Uma"
interface = "PJSIP/1241"
wrapup = "10m"

[callback.queue.q50]
accept_key = "1"

[callback.queue.q10]
script = "We missed you twice."

[callback.queue.q64]
max_attempts = 1

[callback.queue.q69]
fallback = "heads"
fallback_after = "3s"

[callback.queue.heads]
agents = ["PJSIP/1661"]

[callback.queue.q14]
expire = "1m"

[callback.queue.q15]
hours = "never"

[callback.queue.q28]
first = "customer"

[callback.queue.q57]
first = "customer"

[hours.never]
open = "Jan 1 00:00-00:01"
"#;

/// Starts a daemon for an office in `dir`.
pub fn daemon(dir: &Path, lab: &Lab) -> Result<Daemon, String> {
    daemon_with(dir, lab, |configuration| configuration)
}

/// The same with another configuration.
pub fn daemon_with(dir: &Path, lab: &Lab, change: impl Fn(String) -> String) -> Result<Daemon, String> {
    daemon_as("callbackd-publishing", dir, lab, change)
}

/// The same as another user of the PBX.
pub fn daemon_as(user: &str, dir: &Path, lab: &Lab, change: impl Fn(String) -> String) -> Result<Daemon, String> {
    let (address, _, secret) = lab.ami();
    let cdr = lab.cdr_csv().display().to_string();
    let daemon = Daemon::start_with(dir, (address, user, secret), |text| {
        let calls = "[calls]\nshort_abandon = \"1s\"\nwrapup = \"0s\"";
        // Germany keeps one time, by which it is always night here; America keeps many.
        let numbers = "region = \"US\"\nallow = [\"+49\"]";
        let text = text.replace("[calls]", calls).replace("region = \"US\"", numbers);
        let text = text + &CALLBACKS.replace("@CDR@", &cdr).replace("@NIGHT@", &night_in_berlin());
        // Who is named in the configuration is named as `callbackd agents` names them before their phone has rung.
        let head = "Local/1661@from-queue/n";
        change(if lab.is_freepbx() { as_shipped(&text).replace("PJSIP/1661", head) } else { text })
    })?;
    daemon.wait_for_line(soon(), "Asterisk is ready", |l| l.contains("Asterisk is ready"))?;
    Ok(daemon)
}

/// What is configured without what the shipped defaults say for a FreePBX: its contexts, and how agents and customers are dialled.
pub fn as_shipped(text: &str) -> String {
    let own = ["inbound_contexts", "ivr_contexts", "closed_contexts", "voicemail_contexts", "self_service_contexts"];
    let own = [&own[..], &["blocked_contexts", "dial_agent", "dial_customer", "number_form"]].concat();
    let keeps = |line: &&str| !own.contains(&line.split(" = ").next().unwrap_or_default());
    text.lines().filter(keeps).fold(String::new(), |text, line| text + line + "\n")
}

/// A lab and a daemon's database.
pub struct Office<'a> {
    pub lab: &'a Lab,
    pub dir: PathBuf,
    /// Position in the PBX's events at which this office was opened.
    pub since: usize,
}

/// Somebody outside.
#[derive(Clone)]
pub struct Customer {
    /// As the customer is dialled and as the network sends the number.
    pub number: String,
    /// The same in E.164.
    pub e164: String,
}

pub fn soon() -> Instant {
    Instant::now() + PATIENCE
}

/// The nth customer.
pub fn customer(n: usize) -> Customer {
    let number = number(n, Caller::Outside);
    Customer { e164: format!("+{number}"), number }
}

/// The extension of an agent of a cell: 1, 2 or 3.
pub fn extension(cell: &str, agent: u8) -> String {
    format!("1{cell}{agent}")
}

impl Office<'_> {
    /// The agents of a cell do not take calls of its queue.
    pub fn all_pause(&self, cell: &str) -> Result<(), String> {
        (1..=agents(cell)).try_for_each(|agent| self.pause(cell, agent, true))
    }

    /// One of them pauses, or comes back.
    pub fn pause(&self, cell: &str, agent: u8, paused: bool) -> Result<(), String> {
        self.pause_member(&format!("q{cell}"), &self.interface(cell, agent), paused)
    }

    /// By what a queue rings an agent: the phone itself, or a Local channel that leads to it.
    pub fn interface(&self, cell: &str, agent: u8) -> String {
        let extension = extension(cell, agent);
        let local = self.lab.is_freepbx() || BEHIND_LOCAL.contains(&cell);
        if local { format!("Local/{extension}@from-queue/n") } else { format!("PJSIP/{extension}") }
    }

    /// An agent comes into a queue.
    pub fn joins(&self, queue: &str, (cell, agent): (&str, u8), more: &[(&str, &str)]) -> Result<(), String> {
        let (interface, hint) = (self.interface(cell, agent), format!("hint:{}@ext-local", extension(cell, agent)));
        let mut action = vec![("Action", "QueueAdd"), ("Queue", queue), ("Interface", &interface)];
        if self.lab.is_freepbx() {
            action.push(("StateInterface", &hint));
        }
        action.extend(more);
        self.lab.pbx.action(&action).map(drop)
    }

    /// The same by the names that the queue uses.
    pub fn pause_member(&self, queue: &str, interface: &str, paused: bool) -> Result<(), String> {
        let paused = if paused { "true" } else { "false" };
        let action = [
            ("Action", "QueuePause"),
            ("Queue", queue),
            ("Interface", interface),
            ("Paused", paused),
            ("Reason", "lunch"),
        ];
        self.lab.pbx.action(&action).map(drop)
    }

    /// What an agent's phone does when it is called next.
    pub fn agent_does(&self, cell: &str, agent: u8, script: &str) -> Result<(), String> {
        self.lab.script(&extension(cell, agent), script)
    }

    /// What a customer's phone does when it is called next.
    pub fn customer_does(&self, customer: &Customer, script: &str) -> Result<(), String> {
        self.lab.script(&customer.number, script)
    }

    /// A customer waits two seconds in the queue of a cell and gives up; the callback that comes of it, in one transaction with the
    /// call's row: whoever sees the one sees the other.
    pub fn misses(&self, customer: &Customer, cell: &str) -> Result<i64, String> {
        let linkedid = self.calls(customer, &format!("55503{cell}"), GIVES_UP)?;
        let sql = format!("SELECT callback_id FROM calls WHERE linkedid = '{linkedid}'");
        match crate::patience::until(soon(), || self.ask(&sql)).as_deref() {
            None => Err(format!("the call {linkedid} has no row")),
            Some("-") => Err(format!("the row of {linkedid} was stored before its callback")),
            Some(id) => id.parse().map_err(|_| format!("{id} is no callback")),
        }
    }

    /// A customer calls, does this, and hangs up.
    pub fn calls(&self, customer: &Customer, did: &str, script: &str) -> Result<String, String> {
        let since = self.lab.pbx.position();
        self.lab.place(&customer.number, did, script, PATIENCE)?;
        let arrival = self.lab.arrival(since, &customer.number, did, soon())?;
        let linkedid = arrival.get("Linkedid").to_owned();
        self.lab.departure(since, &linkedid, soon())?;
        Ok(linkedid)
    }

    /// The database, as anyone may read it.
    pub fn db(&self) -> Connection {
        let db = Connection::open_with_flags(self.dir.join("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY);
        let db = db.expect("the daemon has made it");
        db.busy_timeout(Duration::from_secs(5)).expect("it can be set");
        db
    }

    /// The first column of the first row, as text.
    pub fn ask(&self, sql: &str) -> Option<String> {
        let row = self.db().query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0)).optional();
        match row.expect("the tables are those of the design")? {
            rusqlite::types::Value::Null => Some("-".to_owned()),
            rusqlite::types::Value::Integer(n) => Some(n.to_string()),
            rusqlite::types::Value::Text(text) => Some(text),
            other => panic!("{sql}: {other:?}"),
        }
    }

    /// Waits until this query answers so.
    pub fn until(&self, what: &str, sql: &str, wanted: &str) -> Result<(), String> {
        self.until_by(soon(), what, sql, wanted)
    }

    fn until_by(&self, deadline: Instant, what: &str, sql: &str, wanted: &str) -> Result<(), String> {
        let mut last = None;
        let came = crate::patience::until(deadline, || {
            last = self.ask(sql);
            (last.as_deref() == Some(wanted)).then_some(())
        });
        came.ok_or_else(|| format!("{what} never was {wanted}, but {last:?}"))
    }

    /// The latest callback of a customer, once there is one.
    pub fn callback(&self, customer: &Customer) -> Result<i64, String> {
        let sql = format!("SELECT id FROM callbacks WHERE number_e164 = '{}' ORDER BY id DESC", customer.e164);
        let id = crate::patience::until(soon(), || self.ask(&sql));
        id.and_then(|id| id.parse().ok()).ok_or_else(|| format!("no callback was made for {}", customer.e164))
    }

    /// Waits until a callback is there: state and reason.
    pub fn comes_to(&self, id: i64, wanted: &str) -> Result<(), String> {
        self.comes_to_within(PATIENCE, id, wanted)
    }

    /// The same for what takes its time.
    pub fn comes_to_within(&self, patience: Duration, id: i64, wanted: &str) -> Result<(), String> {
        let sql = format!("SELECT trim(state || ' ' || reason) FROM callbacks WHERE id = {id}");
        let came = self.until_by(Instant::now() + patience, &format!("callback {id}"), &sql, wanted);
        came.map_err(|e| format!("{e}\n{}", self.story(id)))
    }

    /// Waits for the result of an attempt: result and agent.
    pub fn attempt(&self, id: i64, n: u32, wanted: &str) -> Result<(), String> {
        let sql = format!(
            "SELECT coalesce(result, '-') || ' ' || coalesce(agent, '-') FROM callback_attempts WHERE callback_id = {id} AND n = {n}"
        );
        self.until(&format!("attempt {n} of callback {id}"), &sql, wanted)
            .map_err(|e| format!("{e}\n{}", self.story(id)))
    }

    /// Has the program itself do something, and returns what it printed.
    pub fn run(&self, args: &[&str]) -> Result<String, String> {
        let output = std::process::Command::new(crate::daemon::binary())
            .args(args)
            .arg("--config")
            .arg(self.dir.join("callbackd.toml"))
            .output()
            .map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            Ok(text)
        } else {
            Err(format!("{args:?}: {text}{}", String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// Every change and attempt, for a failure's report.
    pub fn story(&self, id: i64) -> String {
        let db = self.db();
        let lines = |sql: &str| -> Vec<String> {
            let mut statement = db.prepare(sql).expect("the tables are those of the design");
            let rows = statement.query_map([id], |row| row.get(0)).expect("it can be read");
            rows.map(|row| row.unwrap_or_default()).collect()
        };
        let mut story = lines(
            "SELECT '    ' || at_ms % 1000000 || ' ' || state || ' ' || reason || ' | ' || note FROM callback_events WHERE callback_id = ? ORDER BY n",
        );
        story.extend(lines(
            "SELECT '    ' || channel_id || ' ' || coalesce(agent, '-') || ' ' || coalesce(result, '-') || ' ' || detail
               FROM callback_attempts WHERE callback_id = ? ORDER BY n",
        ));
        story.join("\n")
    }

    /// The first channel of an attempt, once it is there.
    pub fn rings(&self, id: i64, n: u32) -> Result<Frame, String> {
        self.event(id, n, "Newchannel", |_| true)
    }

    /// The id of an attempt's first channel, by the identity of the daemon's database.
    pub fn channel_id(&self, id: i64, n: u32) -> Result<String, String> {
        let identity = self.ask("SELECT substr(db_uuid, 1, 8) FROM identity").ok_or("the database has no identity")?;
        Ok(format!("cb-{identity}-{id}-{n}"))
    }

    /// An event of an attempt's call.
    pub fn event(&self, id: i64, n: u32, event: &str, wanted: impl Fn(&Frame) -> bool) -> Result<Frame, String> {
        let channel_id = self.channel_id(id, n)?;
        let what = format!("{event} of {channel_id}");
        let found = self.lab.pbx.wait(self.since, soon(), &what, |f| {
            f.is(event) && (f.get("Uniqueid") == channel_id || f.names("Linkedid", &channel_id)) && wanted(f)
        });
        found.map_err(|e| format!("{e}\n{}", self.story(id)))
    }

    /// No channel of this attempt comes for a while.
    pub fn stays_silent(&self, id: i64, n: u32) -> Result<(), String> {
        std::thread::sleep(LONG_ENOUGH); // nothing can be awaited where nothing must happen
        let channel_id = self.channel_id(id, n)?;
        let seen = self
            .lab
            .pbx
            .wait(self.since, Instant::now(), "nothing", |f| f.is("Newchannel") && f.get("Uniqueid") == channel_id);
        match seen {
            Ok(_) => Err(format!("{channel_id} was dialled\n{}", self.story(id))),
            Err(_) => Ok(()),
        }
    }
}

/// An error unless both are the same.
pub fn same(what: &str, found: &str, wanted: &str) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what} is {found:?}, and should be {wanted:?}")) }
}
