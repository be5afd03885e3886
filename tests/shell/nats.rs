//! A server of NATS with a store of its own, as Debian has it (`CALLBACKD_NATS`: 2.9, 2.10 or 2.15), and its administrator.

use crate::ports::free_port;
use crate::scripted::Running;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Of the user `admin`, who may do all, and of `site`, who may publish and look.
pub const ADMIN: &str = "admin-secret";
pub const SITE: &str = "site-secret";

pub struct Nats {
    directory: TempDir,
    pub port: u16,
    server: Option<Running>,
    /// Lines of the configuration.
    more: String,
    site: String,
}

/// A message of a stream.
#[derive(Debug)]
pub struct Message {
    pub subject: String,
    pub headers: String,
    pub body: Vec<u8>,
}

impl Message {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn number(&self, name: &str) -> Option<i64> {
        self.header(name)?.parse().ok()
    }

    /// Its body, unpacked.
    pub fn json(&self) -> Value {
        if self.header("Content-Encoding") != Some("gzip") {
            return serde_json::from_slice(&self.body).unwrap();
        }
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&self.body[..]).read_to_end(&mut unpacked).unwrap();
        serde_json::from_slice(&unpacked).unwrap()
    }
}

fn program() -> PathBuf {
    let version = std::env::var("CALLBACKD_NATS").unwrap_or_else(|_| "2.10".to_owned());
    let provide = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nats/provide");
    let output = Command::new(provide).arg(version).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}

/// A server of this configuration, once it listens.
pub fn serving(configuration: &Path) -> Running {
    let mut command = Command::new(program());
    command.arg("-c").arg(configuration).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut server = Running::watch(command.spawn().unwrap());
    server.wait_for("Server is ready");
    server
}

impl Nats {
    pub fn new() -> Self {
        Self::with("")
    }

    /// With these lines in its configuration.
    pub fn with(more: &str) -> Self {
        let mut server = Self::unstarted(more);
        server.start();
        server
    }

    pub fn unstarted(more: &str) -> Self {
        let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
        Self { directory, port, server: None, more: more.to_owned(), site: SITE.to_owned() }
    }

    /// What `site` may do is what the manual says.
    fn configure(&self) {
        let store = self.directory.path().join("store");
        let text = format!(
            "listen: \"127.0.0.1:{}\"\njetstream {{ store_dir: {store:?}, max_file_store: 8GB, max_memory_store: 64MB }}\n{}\n\
             authorization {{ users: [\n\
               {{ user: admin, password: \"{ADMIN}\" }},\n\
               {{ user: site, password: \"{}\", permissions: {{ publish: [\"callbackd.>\", \"$JS.API.STREAM.INFO.callbackd\", \
                 \"$JS.API.STREAM.MSG.GET.callbackd\", \"$KV.team.>\", \"$KV.team-dnc.>\", \
                 \"$JS.API.STREAM.MSG.GET.KV_team\", \"$JS.API.STREAM.MSG.GET.KV_team-dnc\"], subscribe: \"_INBOX.>\" }} }}\n] }}\n",
            self.port, self.more, self.site
        );
        std::fs::write(self.directory.path().join("nats.conf"), text).unwrap();
    }

    pub fn start(&mut self) {
        self.configure();
        self.server = Some(serving(&self.directory.path().join("nats.conf")));
    }

    /// Starts it with these lines in its configuration.
    pub fn configured(&mut self, more: &str) {
        self.more = more.to_owned();
        self.start();
    }

    /// The site's password is another one from now on.
    pub fn password(&mut self, password: &str) {
        self.site = password.to_owned();
        self.configure();
        let server = self.server.as_mut().unwrap();
        server.signal(Signal::HUP);
        server.wait_for("Reloaded server configuration");
    }

    pub fn kill(&mut self) {
        self.server.take().unwrap().end(Some(Signal::KILL));
    }

    fn connected(&self) -> BufReader<TcpStream> {
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", self.port)).unwrap());
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let connect = json!({"verbose": false, "headers": true, "user": "admin", "pass": ADMIN});
        stream.get_mut().write_all(format!("CONNECT {connect}\r\nSUB answers 1\r\n").as_bytes()).unwrap();
        stream
    }

    /// What JetStream answers.
    pub fn api(&self, what: &str, body: &Value) -> Value {
        ask(&mut self.connected(), &format!("$JS.API.{what}"), "", body.to_string().as_bytes())
    }

    /// Publishes something with these headers, as anybody may who has an account there.
    pub fn publish(&self, subject: &str, headers: &str, body: &[u8]) -> Value {
        ask(&mut self.connected(), subject, headers, body)
    }

    /// All messages of the stream.
    pub fn messages(&self) -> Vec<Message> {
        let state = self.api("STREAM.INFO.callbackd", &json!({}))["state"].clone();
        let mut stream = self.connected();
        let numbers = state["first_seq"].as_u64().unwrap()..=state["last_seq"].as_u64().unwrap();
        let got = numbers.map(|seq| {
            let question = json!({"seq": seq}).to_string();
            ask(&mut stream, "$JS.API.STREAM.MSG.GET.callbackd", "", question.as_bytes())["message"].clone()
        });
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let bytes = |value: &Value| {
            use base64::Engine as _;
            base64::prelude::BASE64_STANDARD.decode(text(value)).unwrap()
        };
        got.filter(|message| !message.is_null())
            .map(|message| Message {
                subject: text(&message["subject"]),
                headers: String::from_utf8(bytes(&message["hdrs"])).unwrap(),
                body: bytes(&message["data"]),
            })
            .collect()
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.end(Some(Signal::KILL));
        }
    }
}

fn ask(stream: &mut BufReader<TcpStream>, subject: &str, headers: &str, body: &[u8]) -> Value {
    let line = if headers.is_empty() {
        format!("PUB {subject} answers {}\r\n", body.len())
    } else {
        format!("HPUB {subject} answers {} {}\r\n{headers}", headers.len(), headers.len() + body.len())
    };
    let all = [line.as_bytes(), body, b"\r\n"].concat();
    stream.get_mut().write_all(&all).unwrap();
    loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).unwrap() > 0, "the server hung up");
        if line.starts_with("PING") {
            stream.get_mut().write_all(b"PONG\r\n").unwrap();
        } else if line.starts_with("MSG ") {
            let size: usize = line.split_whitespace().last().unwrap().parse().unwrap();
            let mut body = vec![0; size + 2];
            stream.read_exact(&mut body).unwrap();
            return serde_json::from_slice(&body[..size]).unwrap();
        } else {
            assert!(!line.starts_with("-ERR"), "{subject}: {line}");
        }
    }
}
