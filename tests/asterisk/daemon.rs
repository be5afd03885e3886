//! The daemon under test: the real binary with its own configuration, database and notification socket.

use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long it may take to say READY=1, and to end after SIGTERM.
const PROMPTLY: Duration = Duration::from_secs(20);

/// Its configuration for the lab's dialplan.
const CONFIGURATION: &str = r#"
[pbx]
name = "lab"
address = "@ADDRESS@"
username = "@USERNAME@"
secret_file = "@DIR@/secret"

[calls]
inbound_contexts = ["from-trunk"]
trunks = ["PJSIP/trunk-*", "PJSIP/deadtrunk-*"]
ivr_contexts = ["ivr-*"]
closed_contexts = ["closed"]
voicemail_contexts = ["voicemail", "voicemail-box"]
self_service_contexts = ["self-service"]
blocked_contexts = ["blocked"]
# Talks are short in the lab.
min_talk = "0s"

[numbers]
region = "US"

[store]
path = "@DIR@/calls.db"

[log]
numbers = "full"
"#;

#[derive(Default)]
struct Log {
    lines: Vec<String>,
    ended: bool,
}

/// A running `callbackd run`; killed when dropped.
pub struct Daemon {
    child: Child,
    dir: PathBuf,
    log: Arc<(Mutex<Log>, Condvar)>,
}

impl Daemon {
    /// Starts it in `dir` against this AMI (address, user, secret), and waits until it says that it is ready.
    pub fn start(dir: &Path, ami: (String, &str, &str)) -> Result<Self, String> {
        Self::start_with(dir, ami, |configuration| configuration)
    }

    /// The same with another configuration.
    pub fn start_with(
        dir: &Path,
        (address, username, secret): (String, &str, &str),
        change: impl Fn(String) -> String,
    ) -> Result<Self, String> {
        let io = |e: std::io::Error| format!("{}: {e}", dir.display());
        fs::write(dir.join("secret"), secret).map_err(io)?;
        fs::set_permissions(dir.join("secret"), fs::Permissions::from_mode(0o600)).map_err(io)?;
        let config = [("@ADDRESS@", address.as_str()), ("@USERNAME@", username), ("@DIR@", &dir.display().to_string())];
        let config =
            config.iter().fold(change(CONFIGURATION.to_owned()), |text, (key, value)| text.replace(key, value));
        fs::write(dir.join("callbackd.toml"), config).map_err(io)?;
        let _ = fs::remove_file(dir.join("notify")); // of an earlier run in this directory
        let notify = UnixDatagram::bind(dir.join("notify")).map_err(io)?;
        let mut child = Command::new(binary())
            .args(["run", "--config"])
            .arg(dir.join("callbackd.toml"))
            .env("NOTIFY_SOCKET", dir.join("notify"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(io)?;
        let log = Arc::new((Mutex::new(Log::default()), Condvar::new()));
        let (stderr, shared) = (child.stderr.take().expect("stderr is piped"), Arc::clone(&log));
        std::thread::spawn(move || collect(stderr, &shared));
        let mut daemon = Daemon { child, dir: dir.to_owned(), log };
        daemon.wait_until_ready(&notify)?;
        Ok(daemon)
    }

    fn wait_until_ready(&mut self, notify: &UnixDatagram) -> Result<(), String> {
        let deadline = Instant::now() + PROMPTLY;
        notify.set_read_timeout(Some(Duration::from_millis(100))).map_err(|e| e.to_string())?;
        let mut message = [0; 4096];
        while Instant::now() < deadline {
            if let Ok(n) = notify.recv(&mut message)
                && String::from_utf8_lossy(&message[..n]).lines().any(|l| l == "READY=1")
            {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("callbackd run ended before it was ready ({status}); it said:\n{}", self.said()));
            }
        }
        Err(format!("callbackd run did not say READY=1 in {PROMPTLY:?}; it said:\n{}", self.said()))
    }

    /// Waits for a line of its log that `wanted` accepts.
    pub fn wait_for_line(
        &self,
        deadline: Instant,
        what: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<String, String> {
        let (lock, arrived) = &*self.log;
        let mut log = lock.lock().expect("no reader panics");
        loop {
            if let Some(line) = log.lines.iter().find(|l| wanted(l)) {
                return Ok(line.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if log.ended || left.is_zero() {
                return Err(format!(
                    "the daemon's log has no {what}{}",
                    if log.ended { ", and it has ended" } else { "" }
                ));
            }
            log = arrived.wait_timeout(log, left).expect("no reader panics").0;
        }
    }

    /// Waits until it has logged the end of this call.
    pub fn wait_for_call(&self, linkedid: &str, deadline: Instant) -> Result<(), String> {
        let key = format!("call={linkedid} ");
        self.wait_for_line(deadline, &format!("'Call ended' of {linkedid}"), |l| {
            l.contains("Call ended") && format!("{l} ").contains(&key)
        })
        .map(drop)
    }

    /// Waits until it has ended a gap: then it is connected again, and knows what has become of the calls.
    pub fn wait_for_sync(&self, deadline: Instant) -> Result<String, String> {
        self.wait_for_line(deadline, "end of a gap", |l| l.contains("Event gap closed"))
    }

    /// Everything that it has logged so far.
    pub fn said(&self) -> String {
        self.log.0.lock().expect("no reader panics").lines.join("\n")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) -> Result<(), String> {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).map_err(|e| e.to_string())
    }

    /// Ends it by SIGKILL: nothing is written any more.
    pub fn crash(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends it by SIGTERM, after which every call that it has seen is in the database.
    pub fn stop(mut self) -> Result<Connection, String> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(|e| e.to_string())?;
        let status = crate::patience::until(Instant::now() + PROMPTLY, || self.child.try_wait().ok().flatten());
        // To be looked at beside what was on the wire.
        fs::write(self.dir.join("said"), self.said()).map_err(|e| e.to_string())?;
        match status {
            Some(status) if status.success() => {}
            Some(status) => {
                return Err(format!("callbackd ended with {status} after SIGTERM; it said:\n{}", self.said()));
            }
            None => {
                return Err(format!("callbackd did not end within {PROMPTLY:?} of SIGTERM; it said:\n{}", self.said()));
            }
        }
        Connection::open_with_flags(self.dir.join("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|e| e.to_string())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Replays a recording with the configuration that a daemon left in `dir`; the path of the database that this makes.
pub fn replay(dir: &Path, recording: &Path) -> Result<PathBuf, String> {
    let db = dir.join("replayed.db");
    let output = Command::new(binary())
        .args(["replay", "--config"])
        .arg(dir.join("callbackd.toml"))
        .arg("--db")
        .arg(&db)
        .arg(recording)
        .output()
        .map_err(|e| e.to_string())?;
    if output.status.success() { Ok(db) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Holds the database that a daemon left in `dir` against what Asterisk wrote, which lies beside it; what it says.
pub fn audit(dir: &Path) -> Result<String, String> {
    with_records(dir, &["audit", "--since", "24h"])
}

/// Tells the calls a second time, out of what Asterisk wrote alone; the path of the database that this makes.
pub fn import(dir: &Path) -> Result<PathBuf, String> {
    let db = dir.join("imported.db");
    with_records(dir, &["import", "--db", &db.display().to_string()])?;
    Ok(db)
}

/// A command about what Asterisk wrote, with the configuration that lies beside it; what it says.
fn with_records(dir: &Path, command: &[&str]) -> Result<String, String> {
    let file = |name: &str| dir.join(name);
    let output = Command::new(binary())
        .args(command)
        .arg("--config")
        .arg(file("callbackd.toml"))
        .arg("--cdr")
        .arg(file("calls.cdr.csv"))
        .arg("--queue-log")
        .arg(file("calls.queue_log"))
        .output()
        .map_err(|e| e.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(said) } else { Err(said + &String::from_utf8_lossy(&output.stderr)) }
}

/// The binary that is tested; where none is, the one that the environment names.
pub fn binary() -> PathBuf {
    option_env!("CARGO_BIN_EXE_callbackd")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("CALLBACKD_BINARY").map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from("callbackd"))
}

fn collect(stderr: impl std::io::Read, shared: &(Mutex<Log>, Condvar)) {
    let lines = BufReader::new(stderr).lines().map_while(Result::ok);
    for line in lines {
        shared.0.lock().expect("no waiter panics").lines.push(line);
        shared.1.notify_all();
    }
    shared.0.lock().expect("no waiter panics").ended = true;
    shared.1.notify_all();
}
