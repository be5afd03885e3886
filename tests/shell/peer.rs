//! An Asterisk that sends what a test gives it, on a real socket, and the link that talks to it.

use std::path::Path;
use std::time::Duration;

use callbackd::config::Pbx;
use callbackd::daemon::link::Tee;
use callbackd::daemon::{Link, LinkEvent, LostReason};
use callbackd_core::ami::budget::Budget;
use callbackd_core::ami::{Interest, Notice};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Nothing here takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

pub async fn within<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(done) => done,
        Err(_) => panic!("still waiting for {what}"),
    }
}

/// A file as `secret_file` must be.
pub fn secret_file(directory: &Path, text: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join("secret");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// A PBX at this address, with the secret `s3cret-lab`.
pub fn pbx(address: &str, directory: &TempDir) -> Pbx {
    Pbx {
        name: callbackd_core::model::PbxId::new("pbx"),
        address: address.into(),
        username: "callbackd".into(),
        secret_file: Some(secret_file(directory.path(), "s3cret-lab\n")),
        tls: None,
        allow_plaintext: false,
        allow_plain_login: false,
        ..Pbx::default()
    }
}

/// A socket to be found by, and the configuration of who finds it.
pub struct Listening {
    pub listener: TcpListener,
    pub directory: TempDir,
    pub pbx: Pbx,
}

impl Listening {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let pbx = pbx(&listener.local_addr().unwrap().to_string(), &directory);
        Self { listener, directory, pbx }
    }

    pub async fn accept(&self) -> Asterisk<TcpStream> {
        Asterisk::new(within("a connection", self.listener.accept()).await.unwrap().0)
    }

    pub fn link(&self) -> Linked {
        Linked::spawn(&self.pbx, 10_000, None)
    }
}

/// A link and what it has reported.
pub struct Linked {
    pub link: Link,
    pub events: mpsc::Receiver<LinkEvent>,
}

impl Linked {
    pub fn spawn(pbx: &Pbx, room: usize, tee: Option<Tee>) -> Self {
        let (sender, events) = mpsc::channel(room);
        Self { link: Link::spawn(pbx, None, Interest::tracker(), tee, sender, Budget::WHOLE), events }
    }

    pub async fn next(&mut self) -> LinkEvent {
        within("an event", self.events.recv()).await.expect("the link ended")
    }

    /// The next loss, whatever comes before.
    pub async fn lost(&mut self) -> (LostReason, Duration) {
        loop {
            if let LinkEvent::Lost { reason, retry_in } = self.next().await {
                return (reason, retry_in);
            }
        }
    }

    /// Up to this notice; the uniqueids of the frames before it.
    pub async fn until(&mut self, expected: &Notice) -> Vec<String> {
        let mut ids = Vec::new();
        loop {
            match self.next().await {
                LinkEvent::Notice(notice) if notice == *expected => return ids,
                LinkEvent::Notice(_) | LinkEvent::Connected { .. } => {}
                LinkEvent::Frame { frame, .. } => ids.push(frame.text("Uniqueid").unwrap_or_default().into_owned()),
                other => panic!("{other:?} instead of {expected:?}"),
            }
        }
    }

    /// The uniqueid of the next frame.
    pub async fn frame(&mut self) -> String {
        match self.next().await {
            LinkEvent::Frame { frame, .. } => frame.text("Uniqueid").unwrap_or_default().into_owned(),
            other => panic!("{other:?} instead of a frame"),
        }
    }
}

/// The other end of a connection.
pub struct Asterisk<S> {
    pub stream: BufReader<S>,
}

/// An action as it was received.
#[derive(Debug)]
pub struct Received(Vec<String>);

impl Received {
    pub fn get(&self, key: &str) -> &str {
        let value = self.0.iter().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        value.unwrap_or_else(|| panic!("no {key} in {:?}", self.0))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Asterisk<S> {
    pub fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// Sends text that is written with LF.
    pub async fn say(&mut self, text: &str) {
        self.stream.write_all(text.replace('\n', "\r\n").as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next action; `None` when the connection is closed.
    pub async fn hear(&mut self) -> Option<Received> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if within("an action", self.stream.read_line(&mut line)).await.unwrap_or(0) == 0 {
                assert!(lines.is_empty(), "half an action: {lines:?}");
                return None;
            }
            match line.strip_suffix("\r\n").expect("CRLF") {
                "" => return Some(Received(lines)),
                line => lines.push(line.to_owned()),
            }
        }
    }

    /// The next action, which must be this one, answered with these lines behind its id.
    pub async fn answer(&mut self, action: &str, response: &str, lines: &str) -> Received {
        let heard = self.hear().await.expect("an action");
        assert_eq!(heard.get("Action"), action, "{heard:?}");
        self.say(&format!("Response: {response}\nActionID: {}\n{lines}\n\n", heard.get("ActionID"))).await;
        heard
    }

    /// The next action, whatever it is, answered with an empty list.
    pub async fn list_whatever(&mut self) -> String {
        let heard = self.hear().await.expect("an action");
        let (action, id) = (heard.get("Action"), heard.get("ActionID"));
        let start = format!("Response: Success\nActionID: {id}\nEventList: start\nMessage: will follow\n\n");
        let end = format!("Event: {action}Complete\nActionID: {id}\nEventList: Complete\nListItems: 0\n\n");
        self.say(&(start + &end)).await;
        action.to_owned()
    }

    /// The next action, which must be this one, answered with an empty list.
    pub async fn list(&mut self, action: &str) {
        assert_eq!(self.list_whatever().await, action);
    }

    pub async fn greet_and_challenge(&mut self) {
        self.say("Asterisk Call Manager/11.0.0\n").await;
        self.answer("Challenge", "Success", "Challenge: 159846713").await;
    }

    /// All that is needed until the link is live.
    pub async fn serve(&mut self) {
        self.greet_and_challenge().await;
        let login = self.answer("Login", "Success", "Message: Authentication accepted").await;
        // printf '%s%s' 159846713 s3cret-lab | md5sum
        assert_eq!((login.get("Username"), login.get("Key")), ("callbackd", "048168e0f03a449698ccda2e59a4a699"));
        self.say("Event: FullyBooted\nUptime: 77\nStatus: Fully Booted\n\n").await;
        self.snapshot().await;
        self.answer("Ping", "Success", "Ping: Pong").await;
    }

    pub async fn snapshot(&mut self) {
        self.list("QueueStatus").await;
        self.list("CoreShowChannels").await;
    }

    /// A live event with this uniqueid.
    pub async fn event(&mut self, uniqueid: &str) {
        self.say(&format!("Event: Newchannel\nUniqueid: {uniqueid}\n\n")).await;
    }
}
