//! A daemon with callbacks switched on, a PBX of two agents who are both paused, and a client of its socket.

use crate::scripted::{Action, GREETING, Running, Said, Server, Site, usual};
use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Nobody waits this long unless a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ann and Ben are at lunch: what is made here is kept until somebody changes it.
const MEMBERS: &str = "Response: Success\nActionID: @ID@\nEventList: start\nMessage: Queue status will follow\n\n\
    Event: QueueParams\nQueue: sales\nStrategy: ringall\nCalls: 0\nActionID: @ID@\n\n\
    Event: QueueMember\nQueue: sales\nName: Ann\nLocation: PJSIP/101\nStateInterface: PJSIP/101\nStatus: 1\nPaused: 1\n\
    PausedReason: lunch\nPenalty: 0\nCallsTaken: 0\nLastCall: 0\nInCall: 0\nWrapuptime: 0\nActionID: @ID@\n\n\
    Event: QueueMember\nQueue: sales\nName: Ben\nLocation: PJSIP/102\nStateInterface: PJSIP/102\nStatus: 1\nPaused: 1\n\
    PausedReason: \nPenalty: 0\nCallsTaken: 0\nLastCall: 0\nInCall: 0\nWrapuptime: 0\nActionID: @ID@\n\n\
    Event: QueueStatusComplete\nActionID: @ID@\nEventList: Complete\nListItems: 3\n\n";

pub fn lunch(action: &Action) -> Option<String> {
    Some(if action.get("Action") == "QueueStatus" { MEMBERS.to_owned() } else { usual(action) })
}

pub struct Front {
    pub site: Site,
    server: Server,
    socket: PathBuf,
    daemon: Option<Running>,
}

impl Front {
    /// A daemon that sees its PBX; `api` are more lines of that table.
    pub fn open(api: &str) -> Self {
        let mut front = Self::unopened(api);
        front.said("session: Asterisk is ready");
        front
    }

    /// The same, with waits of its own (`callbackd::timing`).
    pub fn with_waits(waits: &str) -> Self {
        Self::closed("").started(waits)
    }

    /// The same, with other agents and queues: `lists` answers what the daemon asks its PBX.
    pub fn of(lists: fn(&Action) -> Option<String>, waits: &str) -> Self {
        Self::before("", lists).started(waits)
    }

    /// A daemon of this configuration, with waits of its own.
    pub fn started(mut self, waits: &str) -> Self {
        let mut command = self.site.command(&["run", "--config", "callbackd.toml"]);
        command.env("CALLBACKD_TIMING", waits);
        let mut daemon = Running::start(command);
        daemon.is_ready("session: Asterisk is ready");
        self.daemon = Some(daemon);
        self
    }

    /// The same, not waited for.
    pub fn unopened(api: &str) -> Self {
        let mut front = Self::closed(api);
        front.daemon = Some(Running::start(front.site.command(&["run", "--config", "callbackd.toml"])));
        front
    }

    /// The configuration alone; no daemon.
    pub fn closed(api: &str) -> Self {
        Self::before(api, lunch)
    }

    /// The same, with other agents and queues; no daemon yet.
    pub fn before(api: &str, lists: fn(&Action) -> Option<String>) -> Self {
        // One for each daemon that follows a killed one.
        let server = Server::start(GREETING, 60, Box::new(lists));
        let site = Site::new(server.port);
        let socket = site.path("api.sock");
        Self { site, server, socket, daemon: None }.configured("api.sock", api)
    }

    /// A daemon whose socket is to be elsewhere.
    pub fn with_socket(socket: &Path) -> Self {
        let mut front = Self::closed("");
        front.socket = socket.to_owned();
        let mut front = front.configured(socket.to_str().unwrap(), "");
        front.daemon = Some(Running::start(front.site.command(&["run", "--config", "callbackd.toml"])));
        front
    }

    fn configured(self, socket: &str, api: &str) -> Self {
        self.site.configure(&format!(
            "[pbx]\naddress = \"127.0.0.1:{}\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n\
             [api]\nsocket = \"{socket}\"\n{api}\n[callback]\nenabled = true\nquiet = \"off\"\n\
             dial_agent = \"{{interface}}\"\ndial_customer = \"PJSIP/{{number}}@trunk\"\n",
            self.server.port
        ));
        self
    }

    pub fn start(&mut self) {
        self.daemon = Some(Running::start(self.site.command(&["run", "--config", "callbackd.toml"])));
        self.said("session: Asterisk is ready");
    }

    /// The PBX says this.
    pub fn pbx_says(&self, text: &str) {
        self.server.say(text);
    }

    /// Waits for this in the log.
    pub fn said(&mut self, text: &str) {
        self.daemon.as_mut().expect("a daemon").wait_for(text);
    }

    /// Sends the daemon a signal that it outlives.
    pub fn signal(&self, signal: Signal) {
        self.daemon.as_ref().expect("a daemon").signal(signal);
    }

    /// Ends the daemon: exit code, and its log.
    pub fn ended(&mut self, signal: Signal) -> (Option<i32>, String) {
        self.daemon.take().expect("a daemon").end(Some(signal))
    }

    pub fn killed(&mut self) {
        self.ended(Signal::KILL);
    }

    pub fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    /// Status and answer.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        http(&self.socket, method, path, &body).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    pub fn get(&self, path: &str) -> Value {
        self.well("GET", path, &Value::Null)
    }

    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.well("POST", path, body)
    }

    fn well(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(method, path, body);
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }

    /// A callback made by hand.
    pub fn added(&self, number: &str) -> i64 {
        let answer = self.post("/v1/callbacks", &json!({"number": number, "queue": "sales"}));
        answer["callback"]["id"].as_i64().unwrap()
    }

    /// One row of one or more columns, as it is on the disk.
    pub fn row<T: Columns>(&self, sql: &str) -> T {
        let db = Connection::open_with_flags(self.site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        db.query_row(sql, [], T::of).unwrap()
    }

    /// The program with this configuration.
    pub fn run(&self, args: &[&str]) -> Said {
        let args: Vec<&str> = args.iter().copied().chain(["--config", "callbackd.toml"]).collect();
        self.site.run(&args)
    }
}

/// What [`Front::row`] returns.
pub trait Columns: Sized {
    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self>;
}

impl Columns for i64 {
    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        row.get(0)
    }
}

impl Columns for String {
    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        row.get(0)
    }
}

impl Columns for (String, String) {
    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok((row.get(0)?, row.get(1)?))
    }
}

/// One request over a connection of its own: status and answer; an answer that is no JSON is a string.
pub fn http(socket: &Path, method: &str, path: &str, body: &str) -> io::Result<(u16, Value)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.0\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    // A server that refuses the body may close before all of it is written.
    let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{text}"));
    let answer = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, serde_json::from_str(answer).unwrap_or_else(|_| answer.into())))
}

/// Waits until the other end closes.
pub fn closed(stream: &mut UnixStream) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the server closes");
}
