//! The program itself, and an AMI server on loopback that answers as a test scripts it.

use crate::whole::whole;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub const SECRET: &str = "s3cret-lab";
pub const GREETING: &str = "Asterisk Call Manager/11.0.0\n";

/// Whoever keeps the program waiting is not waited for as long as outside of tests (`callbackd::timing`).
pub const SHORT_WAITS: &str = "request_head=2000,request_body=2000,days=100";

/// An action as it was received.
#[derive(Debug, Clone)]
pub struct Action(Vec<String>);

impl Action {
    pub fn get(&self, key: &str) -> &str {
        self.0.iter().find_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).unwrap_or_default()
    }
}

/// What the server answers to an action, written with LF; `@ID@` stands for its ActionID. `None`: hang up.
pub type Answer = dyn FnMut(&Action) -> Option<String> + Send;

/// A server for so many connections, one after the other.
pub struct Server {
    pub port: u16,
    heard: Arc<Mutex<Vec<Action>>>,
    client: Arc<Mutex<Option<TcpStream>>>,
    _thread: JoinHandle<()>,
}

impl Server {
    pub fn start(greeting: &'static str, connections: usize, mut answer: Box<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        let client = Arc::new(Mutex::new(None));
        let connected = Arc::clone(&client);
        let thread = std::thread::spawn(move || {
            for socket in listener.incoming().take(connections) {
                let socket = socket.unwrap();
                *connected.lock().unwrap() = Some(socket.try_clone().unwrap());
                serve(socket, greeting, &log, &connected, &mut answer);
            }
        });
        Self { port, heard, client, _thread: thread }
    }

    /// Says something, written with LF, to whoever connected last.
    pub fn say(&self, text: &str) {
        let mut client = self.client.lock().unwrap();
        client
            .as_mut()
            .expect("somebody is connected")
            .write_all(whole(text).replace('\n', "\r\n").as_bytes())
            .unwrap();
    }

    /// Hangs up on whoever connected last.
    pub fn hang_up(&self) {
        let client = self.client.lock().unwrap();
        client.as_ref().expect("somebody is connected").shutdown(Shutdown::Both).unwrap();
    }

    pub fn heard(&self) -> Vec<Action> {
        self.heard.lock().unwrap().clone()
    }
}

fn serve(
    socket: TcpStream,
    greeting: &str,
    heard: &Mutex<Vec<Action>>,
    client: &Mutex<Option<TcpStream>>,
    answer: &mut Answer,
) {
    // An answer must not come into the middle of what a test says meanwhile.
    let write = |text: &str| {
        let _turn = client.lock().unwrap();
        (&socket).write_all(text.replace('\n', "\r\n").as_bytes())
    };
    // The other end may have gone at any time.
    let _ = write(greeting);
    let mut lines = Vec::new();
    for line in BufReader::new(&socket).lines().map_while(Result::ok) {
        if !line.is_empty() {
            lines.push(line);
            continue;
        }
        let action = Action(std::mem::take(&mut lines));
        heard.lock().unwrap().push(action.clone());
        let Some(text) = answer(&action) else { break };
        let text = whole(&text.replace("@ID@", action.get("ActionID")));
        if write(&text).is_err() || action.get("Action") == "Logoff" {
            break;
        }
    }
    let _ = socket.shutdown(Shutdown::Both);
}

/// What an Asterisk without calls and queues answers to a user of all rights.
pub fn usual(action: &Action) -> String {
    let text = match action.get("Action") {
        "Challenge" => "Response: Success\nActionID: @ID@\nChallenge: 840415273\n\n",
        "Login" => {
            "Response: Success\nActionID: @ID@\nMessage: Authentication accepted\n\n\
             Event: FullyBooted\nPrivilege: system,all\nUptime: 4711\nLastReload: 4711\nStatus: Fully Booted\n\n"
        }
        "QueueStatus" => {
            "Response: Success\nActionID: @ID@\nEventList: start\nMessage: Queue status will follow\n\n\
             Event: QueueParams\nQueue: sales\nMax: 0\nStrategy: ringall\nCalls: 0\nHoldtime: 0\nActionID: @ID@\n\n\
             Event: QueueMember\nQueue: sales\nName: Ann\nLocation: PJSIP/101\nStateInterface: PJSIP/101\nMembership: static\n\
             Penalty: 0\nCallsTaken: 0\nLastCall: 0\nActionID: @ID@\n\n\
             Event: QueueStatusComplete\nActionID: @ID@\nEventList: Complete\nListItems: 2\n\n"
        }
        "CoreShowChannels" => {
            "Response: Success\nActionID: @ID@\nEventList: start\nMessage: Channels will follow\n\n\
             Event: CoreShowChannelsComplete\nActionID: @ID@\nEventList: Complete\nListItems: 0\n\n"
        }
        "CoreSettings" => "Response: Success\nActionID: @ID@\nAMIversion: 11.0.0\nAsteriskVersion: 22.5.2\n\n",
        "ListCommands" => {
            "Response: Success\nActionID: @ID@\nOriginate: Originate a call.  (Priv: originate,all)\n\
             CoreShowChannels: List currently active channels.  (Priv: system,reporting,all)\n\
             Getvar: Gets a channel variable.  (Priv: call,reporting,all)\nSetvar: Sets.  (Priv: call,all)\n\
             QueuePause: Pauses.  (Priv: agent,all)\nShowDialPlan: Show  (Priv: config,reporting,all)\n\
             Ping: Keepalive command.  (Priv: <none>)\n\n"
        }
        "Getvar" => {
            let value = match action.get("Variable").split(',').nth(2) {
                Some("read") => "system,call,agent,user,dialplan",
                Some("write") => "originate,reporting,agent,call",
                Some("writetimeout") => "5000",
                _ => "yes",
            };
            return format!("Response: Success\nActionID: @ID@\nVariable: x\nValue: {value}\n\n");
        }
        "Setvar" => {
            "Response: Success\nActionID: @ID@\nMessage: Variable Set\n\n\
             Event: VarSet\nPrivilege: dialplan,all\nTimestamp: 1795353894.783215\nChannel: none\n\
             Uniqueid: none\nVariable: CALLBACKD_CHECK\nValue: \n\n"
        }
        "ShowDialPlan" => {
            "Response: Success\nActionID: @ID@\nEventList: start\nMessage: DialPlan list will follow\n\n\
             Event: ListDialplan\nActionID: @ID@\nContext: from-trunk\nExtension: s\nPriority: 1\n\n\
             Event: ShowDialPlanComplete\nActionID: @ID@\nEventList: Complete\nListItems: 1\n\n"
        }
        "Logoff" => "Response: Goodbye\nActionID: @ID@\nMessage: Thanks for all the fish.\n\n",
        _ => "Response: Success\nActionID: @ID@\n\n",
    };
    text.to_owned()
}

/// A directory with a configuration, a secret, and a place for a database.
pub struct Site {
    pub directory: tempfile::TempDir,
}

impl Site {
    pub fn new(port: u16) -> Self {
        let site = Self { directory: tempfile::tempdir().unwrap() };
        site.write("secret", &format!("{SECRET}\n"), 0o600);
        site.configure(&format!(
            "[pbx]\naddress = \"127.0.0.1:{port}\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n"
        ));
        site
    }

    pub fn configure(&self, text: &str) {
        self.write("callbackd.toml", text, 0o644);
    }

    pub fn write(&self, name: &str, text: &str, mode: u32) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Names and contents of all that is there.
    pub fn everything(&self) -> Vec<(String, Vec<u8>)> {
        let mut all: Vec<_> = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
            .collect();
        all.sort();
        all
    }

    /// The program in this directory, with this configuration for the commands that take one.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = callbackd(args);
        command.current_dir(self.directory.path());
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        said(self.command(args).output().unwrap())
    }

    /// What `status --json` says of the daemon here, whatever troubles it has; `null` while it does not answer.
    pub fn any_status(&self) -> serde_json::Value {
        serde_json::from_str(&self.run(&["status", "--json", "--config", "callbackd.toml"]).out).unwrap_or_default()
    }
}

/// A counter of the PBX `pbx` in a status, by its path below `/counters/pbx/pbx`.
pub fn counter(status: &serde_json::Value, path: &str) -> u64 {
    let counter = status.pointer(&format!("/counters/pbx/pbx/{path}"));
    counter.and_then(serde_json::Value::as_u64).unwrap_or_else(|| panic!("no counter {path} in {status}"))
}

/// The program; `CALLBACKD_PROGRAM` names another build, such as an earlier one which a test is to fail on.
pub fn callbackd(args: &[&str]) -> Command {
    let program = std::env::var_os("CALLBACKD_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_callbackd").into());
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).env_remove("CREDENTIALS_DIRECTORY").env_remove("NOTIFY_SOCKET");
    command.env("CALLBACKD_TIMING", SHORT_WAITS);
    command
}

#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Said {
    /// The one line that has all of these words.
    pub fn line(&self, words: &[&str]) -> &str {
        let all = self.out.lines().chain(self.err.lines());
        let found: Vec<&str> = all.filter(|line| words.iter().all(|word| line.contains(word))).collect();
        match found[..] {
            [line] => line,
            _ => panic!("{} lines with {words:?} in {self:#?}", found.len()),
        }
    }
}

/// A program that runs, and what it says on stderr.
pub struct Running {
    pub child: Child,
    lines: Receiver<String>,
    said: String,
    /// Lines that came before it was ready.
    early: Vec<String>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        Self::watch(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// One that was started with its stderr in a pipe, which is read from now on.
    pub fn watch(mut child: Child) -> Self {
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).is_ok_and(|read| read > 0)
                && sender.send(std::mem::take(&mut line)).is_ok()
            {}
        });
        Self { child, lines, said: String::new(), early: Vec::new() }
    }

    /// Waits for a line with this text; those before it are passed over.
    pub fn wait_for(&mut self, text: &str) {
        if let Some(at) = self.early.iter().position(|line| line.contains(text)) {
            self.early.drain(..=at);
            return;
        }
        while !self.next(text).contains(text) {}
    }

    /// Waits for the line with which it is ready. What others of its parts say before it can be waited for all the same.
    pub fn is_ready(&mut self, text: &str) {
        loop {
            let line = self.next(text);
            if line.contains(text) {
                return;
            }
            self.early.push(line);
        }
    }

    fn next(&mut self, text: &str) -> String {
        // Nobody waits this long unless the test fails.
        let line = self.lines.recv_timeout(Duration::from_secs(30));
        let line = line.unwrap_or_else(|_| panic!("no \"{text}\" in {}", self.said));
        self.said.push_str(&line);
        line
    }

    /// Sends a signal and waits for the end: exit code and all that was said.
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    pub fn end(mut self, signal: Option<rustix::process::Signal>) -> (Option<i32>, String) {
        if let Some(signal) = signal {
            self.signal(signal);
        }
        self.said.extend(self.lines.iter());
        (self.child.wait().unwrap().code(), std::mem::take(&mut self.said))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
