//! From the event that frees an agent to Originate on the wire: the real program, over real TCP, with a real database.
//!
//! `cargo bench --bench dispatch`. Two runs, without and with a background of 5,000 events a second (calls of a busy PBX, each of which becomes a row),
//! beside the lower bound in the same run: a commit of one row to a database beside it, which an Originate has to wait for.
//!
//! Then what one look at a callback costs that a cap holds back.
#![allow(clippy::disallowed_methods)] // a benchmark reads the clock

mod capped;

use callbackd::api::client;
use hyper::Method;
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// Agents who are freed, one after the other, each for a callback that waits.
const AGENTS: usize = 300;
/// Events a second of the background.
const BACKGROUND: u64 = 5_000;
/// The background comes in lots of this many, as from a busy socket.
const LOT: u64 = 50;
/// Between an Originate and the next agent, with up to as much again, so that no rhythm is hit.
const PAUSE: Duration = Duration::from_millis(23);
/// Nothing here takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let agents = if std::env::args().any(|arg| arg == "--bench") { AGENTS } else { 3 };
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
    capped::compare(if agents == AGENTS { 200 } else { 2 });
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
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let mut pbx = Pbx::listen(agents);
    let _daemon = Daemon::start(place.path(), pbx.port);
    pbx.logged_in();
    let socket = place.path().join("api.sock");
    let patience = Instant::now() + PATIENCE; // it may open after the login
    while !socket.exists() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(5));
    }
    for n in 0..agents {
        let body = json!({ "number": format!("+1202555{:04}", 200 + n), "queue": "sales" });
        let answer = client::request(&socket, Method::POST, "/v1/callbacks", Some(&body));
        answer.unwrap_or_else(|error| panic!("callback {n}: {error}"));
    }
    let noise = pbx.background(background);
    let began = Instant::now();
    let mut spans = Vec::with_capacity(agents);
    for n in 0..agents {
        thread::sleep(PAUSE + PAUSE * u32::try_from(n * 7919 % 97).expect("small") / 97);
        let freed = Instant::now();
        pbx.say(&pause(n, false));
        let (agent, at) = pbx.originated.recv_timeout(PATIENCE).expect("an Originate");
        assert!(agent.ends_with(&interface(n)), "{agent} instead of {}", interface(n));
        spans.push(at - freed);
    }
    let sent = noise.finish();
    (sorted(spans), u64::try_from(u128::from(sent) * 1_000 / began.elapsed().as_millis()).expect("small"))
}

fn interface(n: usize) -> String {
    format!("PJSIP/{}", 1_000 + n)
}

/// `QueueMemberPause` as Asterisk 22 sends it.
fn pause(n: usize, paused: bool) -> String {
    format!(
        "Event: QueueMemberPause\r\nPrivilege: agent,all\r\n{}Paused: {}\r\nPausedReason: \r\n\r\n",
        member(n),
        u8::from(paused)
    )
}

fn member(n: usize) -> String {
    let phone = interface(n);
    format!(
        "Queue: sales\r\nMemberName: Agent {n}\r\nInterface: {phone}\r\nStateInterface: {phone}\r\nMembership: static\r\nPenalty: 0\r\n\
         CallsTaken: 0\r\nLastCall: 0\r\nLastPause: 0\r\nInCall: 0\r\nStatus: 1\r\nRinginuse: 0\r\nWrapuptime: 0\r\n"
    )
}

struct Daemon(Child);

impl Daemon {
    fn start(place: &Path, port: u16) -> Self {
        let secret = place.join("secret");
        fs::write(&secret, "s3cret-lab\n").expect("a secret");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("a mode");
        let text = format!(
            "[pbx]\naddress = \"127.0.0.1:{port}\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n\
             [log]\nlevel = \"warn\"\n[callback]\nenabled = true\nquiet = \"off\"\nmax_active = 1000\ndaily = 1000000\ndaily_per_prefix = 100000\n\
             dial_customer = \"PJSIP/{{number}}@trunk\"\n"
        );
        fs::write(place.join("callbackd.toml"), text).expect("a configuration");
        let mut command = Command::new(env!("CARGO_BIN_EXE_callbackd"));
        command.args(["run", "--config", "callbackd.toml"]).current_dir(place).stdin(Stdio::null());
        Self(command.spawn().expect("the program"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The other end: answers what is asked, and reports of each Originate when its last byte was read.
struct Pbx {
    port: u16,
    writer: Arc<Mutex<Option<TcpStream>>>,
    ready: Receiver<()>,
    originated: Receiver<(String, Instant)>,
}

impl Pbx {
    fn listen(agents: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let writer = Arc::new(Mutex::new(None));
        #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
        let (ready, is_ready) = channel();
        #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
        let (dialled, originated) = channel();
        let socket = Arc::clone(&writer);
        thread::spawn(move || {
            let (stream, _) = listener.accept().expect("the daemon");
            stream.set_nodelay(true).expect("a socket");
            serve(stream, agents, &socket, &ready, &dialled);
        });
        Self { port, writer, ready: is_ready, originated }
    }

    fn logged_in(&mut self) {
        self.ready.recv_timeout(PATIENCE).expect("a login");
    }

    fn say(&self, text: &str) {
        say(&self.writer, text);
    }

    /// Copies of a real queue call, from now on.
    fn background(&self, rate: u64) -> Noise {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/asterisk22/queue_answered.ami");
        let capture = fs::read_to_string(path).expect("the capture");
        let call =
            capture[capture.find("Event: Newchannel").expect("its first channel")..].replace("\r\n\r\n", "\r\n\r\n\0");
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (writer, stopped, count) = (Arc::clone(&self.writer), Arc::clone(&stop), Arc::clone(&sent));
        let task = thread::spawn(move || {
            let ids = ["pbx-1795336404.0", "pbx-1795336404.1", "46fb7ba7-077f-49dc-8b8f-648b75f6b657"];
            let mut events = (0..).flat_map(|n| {
                let copy = ids.iter().fold(call.clone(), |text, id| text.replace(id, &format!("{id}-{n}")));
                copy.split_terminator('\0').map(str::to_owned).collect::<Vec<_>>()
            });
            let began = Instant::now();
            while rate > 0 && !stopped.load(Ordering::Relaxed) {
                let lot: String = events.by_ref().take(usize::try_from(LOT).expect("small")).collect();
                say(&writer, &lot);
                let so_far = count.fetch_add(LOT, Ordering::Relaxed) + LOT;
                let due = began + Duration::from_nanos(so_far * 1_000_000_000 / rate);
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        });
        Noise { stop, sent, task }
    }
}

struct Noise {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    task: thread::JoinHandle<()>,
}

impl Noise {
    /// How many events there were.
    fn finish(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.task.join().expect("the background ends");
        self.sent.load(Ordering::Relaxed)
    }
}

fn say(writer: &Mutex<Option<TcpStream>>, text: &str) {
    let mut stream = writer.lock().expect("nobody panicked");
    stream.as_mut().expect("connected").write_all(text.as_bytes()).expect("the daemon reads");
}

fn serve(
    stream: TcpStream,
    agents: usize,
    writer: &Mutex<Option<TcpStream>>,
    ready: &Sender<()>,
    originated: &Sender<(String, Instant)>,
) {
    *writer.lock().expect("nobody panicked") = Some(stream.try_clone().expect("a socket"));
    say(writer, "Asterisk Call Manager/11.0.0\r\n");
    let mut lines = Vec::new();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if !line.is_empty() {
            lines.push(line);
            continue;
        }
        let at = Instant::now();
        let action = std::mem::take(&mut lines);
        let get =
            |key: &str| action.iter().find_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).unwrap_or_default();
        let id = get("ActionID");
        let said = |text: &str| say(writer, &format!("Response: Success\r\nActionID: {id}\r\n{text}"));
        let complete = |what: &str| {
            format!("Event: {what}Complete\r\nActionID: {id}\r\nEventList: Complete\r\nListItems: 0\r\n\r\n")
        };
        match get("Action") {
            "Challenge" => said("Challenge: 840415273\r\n\r\n"),
            "Login" => said(
                "Message: Authentication accepted\r\n\r\nEvent: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n",
            ),
            "QueueStatus" => {
                let member = |n| {
                    let text = member(n).replace("MemberName", "Name").replace("Interface: PJSIP", "Location: PJSIP");
                    let text = text.replace("StateLocation", "StateInterface");
                    format!("Event: QueueMember\r\nActionID: {id}\r\n{text}Paused: 1\r\nPausedReason: \r\n\r\n")
                };
                let members: String = (0..agents).map(member).collect();
                let queue = format!(
                    "Event: QueueParams\r\nQueue: sales\r\nStrategy: ringall\r\nCalls: 0\r\nActionID: {id}\r\n\r\n"
                );
                said(&format!("EventList: start\r\n\r\n{queue}{members}{}", complete("QueueStatus")));
            }
            "CoreShowChannels" => {
                said(&format!("EventList: start\r\n\r\n{}", complete("CoreShowChannels")));
                ready.send(()).expect("somebody waits");
            }
            "Originate" => {
                said("Message: Originate successfully queued\r\n\r\n");
                originated.send((get("Channel").to_owned(), at)).expect("somebody waits");
            }
            _ => said("\r\n"),
        }
    }
}
