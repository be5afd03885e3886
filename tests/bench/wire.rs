//! The real program, and the other end of its wire: a pretend PBX that answers what is asked, frees agents, and sees each Originate.

use callbackd::api::client;
use hyper::Method;
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// Nothing here takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon whose agents are all paused, and as many callbacks that wait for them.
pub struct Desk {
    pub pbx: Pbx,
    pub daemon: Daemon,
    place: tempfile::TempDir,
}

impl Desk {
    pub fn open(agents: usize) -> Self {
        let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let mut pbx = Pbx::listen(agents);
        let daemon = Daemon::start(place.path(), pbx.port);
        pbx.logged_in();
        let desk = Self { pbx, daemon, place };
        let patience = Instant::now() + PATIENCE; // it may open after the login
        while !desk.socket().exists() && Instant::now() < patience {
            thread::sleep(Duration::from_millis(5));
        }
        for n in 0..agents {
            let body = json!({ "number": format!("+1202555{:04}", 200 + n), "queue": "sales" });
            let answer = client::request(&desk.socket(), Method::POST, "/v1/callbacks", Some(&body));
            answer.unwrap_or_else(|error| panic!("callback {n}: {error}"));
        }
        desk
    }

    pub fn socket(&self) -> PathBuf {
        self.place.path().join("api.sock")
    }

    /// Frees the nth agent, right behind these events: how long it takes until their Originate has come.
    pub fn free(&self, n: usize, before: &str) -> Duration {
        let text = before.to_owned() + &pause(n, false);
        let freed = Instant::now();
        self.pbx.say(&text);
        let (agent, at) = self.pbx.originated.recv_timeout(PATIENCE).expect("an Originate");
        assert!(agent.ends_with(&interface(n)), "{agent} instead of {}", interface(n));
        at - freed
    }
}

/// A real queue call, whose copies have other ids.
pub struct Call(String);

impl Call {
    pub fn captured() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/asterisk22/queue_answered.ami");
        let capture = fs::read_to_string(path).expect("the capture");
        let begin = capture.find("Event: Newchannel").expect("its first channel");
        // The capture may have been cut within an event.
        let end = capture.rfind("\r\n\r\n").expect("its last event") + 4;
        Self(capture[begin..end].to_owned())
    }

    /// All its events.
    pub fn copy(&self, n: u64) -> String {
        let ids = ["pbx-1795336404.0", "pbx-1795336404.1", "46fb7ba7-077f-49dc-8b8f-648b75f6b657"];
        ids.iter().fold(self.0.clone(), |text, id| text.replace(id, &format!("{id}-{n}")))
    }
}

fn interface(n: usize) -> String {
    format!("PJSIP/{}", 1_000 + n)
}

/// `QueueMemberPause` as Asterisk 22 sends it, stamped like the events of the captured call: one that is not would not be believed.
fn pause(n: usize, paused: bool) -> String {
    format!(
        "Event: QueueMemberPause\r\nPrivilege: agent,all\r\nTimestamp: 1795336411.263792\r\nSystemName: pbx\r\n{}Paused: {}\r\nPausedReason: \r\n\r\n",
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

pub struct Daemon(Child);

impl Daemon {
    /// Its resident set now and the largest so far, KiB (`man 5 proc`).
    pub fn resident_kib(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it lives");
        let kib = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("a line");
            line.trim().trim_end_matches(" kB").parse().expect("a number")
        };
        (kib("VmRSS:"), kib("VmHWM:"))
    }

    fn start(place: &Path, port: u16) -> Self {
        let secret = place.join("secret");
        fs::write(&secret, "s3cret-lab\n").expect("a secret");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("a mode");
        let text = format!(
            "[pbx]\naddress = \"127.0.0.1:{port}\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n\
             [log]\nlevel = \"error\"\n[callback]\nenabled = true\nquiet = \"off\"\nmax_active = 1000\ndaily = 1000000\ndaily_per_prefix = 100000\n\
             dial_customer = \"PJSIP/{{number}}@trunk\"\n[callback.retry]\noriginate_error = \"24h\"\n"
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
pub struct Pbx {
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

    /// Says these events.
    pub fn say(&self, text: &str) {
        say(&self.writer, text);
    }

    /// The same, for a thread of its own.
    pub fn sayer(&self) -> impl Fn(&str) + Send + 'static {
        let writer = Arc::clone(&self.writer);
        move |text| say(&writer, text)
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
