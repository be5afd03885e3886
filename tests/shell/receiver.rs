//! A receiver of webhooks on loopback that answers as it is told, and says what came.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver as Channel, channel};
use std::time::Duration;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Nobody waits this long unless a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the receiver does with a request that it has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Answers with this status.
    Status(u16),
    /// The same with a text of a MiB, lines and numbers in it.
    Words(u16),
    /// Answers 302, and a place to go to.
    Redirect,
    /// Closes without a word.
    Reset,
    /// Keeps the connection and says nothing.
    Never,
    /// Says what is no HTTP.
    Garbage,
    /// Has taken it, and is cut off in the middle of saying so.
    TakenThenReset,
}

/// A request that came.
#[derive(Debug)]
pub struct Got {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The status that it was answered with; 0 if with none.
    pub answered: u16,
}

impl Got {
    pub fn header(&self, name: &str) -> String {
        let found: Vec<&str> =
            self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
        assert_eq!(found.len(), 1, "{name} in {self:?}");
        found[0].to_owned()
    }
}

pub struct Receiver {
    port: u16,
    got: Channel<Got>,
    elsewhere: Arc<AtomicUsize>,
}

trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

type Wrap = Box<dyn Fn(TcpStream) -> Box<dyn Wire> + Send>;

impl Receiver {
    /// `then`: what is done with the request of this number, from 0.
    pub fn open(then: impl Fn(usize) -> Then + Send + Sync + 'static) -> Self {
        Self::start(Box::new(|stream| Box::new(stream)), then)
    }

    /// The same with TLS, by a certificate and its key in PEM.
    pub fn open_tls(certificate: &Path, key: &Path, then: impl Fn(usize) -> Then + Send + Sync + 'static) -> Self {
        let chain = CertificateDer::pem_file_iter(certificate).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let config = Arc::new(config);
        let wrap = move |stream| -> Box<dyn Wire> {
            Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream))
        };
        Self::start(Box::new(wrap), then)
    }

    fn start(wrap: Wrap, then: impl Fn(usize) -> Then + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
        let (sender, got) = channel();
        let elsewhere = Arc::new(AtomicUsize::new(0));
        let (count, seen) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&elsewhere));
        let then = Arc::new(then);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (sender, count, seen, then) =
                    (sender.clone(), Arc::clone(&count), Arc::clone(&seen), Arc::clone(&then));
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let mut wire = wrap(stream);
                std::thread::spawn(move || {
                    // A client that does not trust us, or goes away, has sent nothing.
                    let Some(mut got) = read(&mut wire) else { return };
                    if got.line.contains("/elsewhere") {
                        seen.fetch_add(1, Ordering::Relaxed);
                    }
                    let then = then(count.fetch_add(1, Ordering::Relaxed));
                    got.answered = if let Then::Status(status) | Then::Words(status) = then { status } else { 0 };
                    let _ = sender.send(got);
                    answer(&mut wire, then);
                });
            }
        });
        Self { port, got, elsewhere }
    }

    pub fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://localhost:{}{path}", self.port)
    }

    /// The next request.
    pub fn next(&mut self) -> Got {
        self.got.recv_timeout(PATIENCE).expect("a request")
    }

    /// No request comes for so long.
    #[track_caller]
    pub fn nothing_for(&mut self, time: Duration) {
        if let Ok(got) = self.got.recv_timeout(time) {
            panic!("this came: {got:?}");
        }
    }

    /// A redirect was never followed.
    pub fn followed_nowhere(&self) {
        assert_eq!(self.elsewhere.load(Ordering::Relaxed), 0);
    }
}

fn read(wire: &mut Box<dyn Wire>) -> Option<Got> {
    let mut wire = BufReader::new(wire);
    let mut line = || {
        let mut text = String::new();
        wire.read_line(&mut text).ok().filter(|read| *read > 0)?;
        Some(text.trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = Vec::new();
    loop {
        let text = line()?;
        let Some((name, value)) = text.split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    wire.read_exact(&mut body).ok()?;
    Some(Got { line: first, headers, body: String::from_utf8(body).ok()?, answered: 0 })
}

fn answer(wire: &mut Box<dyn Wire>, then: Then) {
    let text = match then {
        Then::Status(status) => format!("HTTP/1.1 {status} Something\r\nContent-Length: 2\r\n\r\nok"),
        Then::Words(status) => {
            let words = "+12025550177 is theirs\n<3>store: theirs\u{1b}[2J\n".repeat(22_000);
            format!("HTTP/1.1 {status} Theirs\r\nContent-Length: {}\r\n\r\n{words}", words.len())
        }
        Then::Redirect => "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".to_owned(),
        Then::Garbage => "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
        Then::TakenThenReset => "HTTP/1.1 2".to_owned(),
        Then::Reset => return,
        Then::Never => {
            // Until the other end has had enough.
            let _ = wire.read(&mut [0; 1]);
            return;
        }
    };
    // Whoever sent may have gone.
    let _ = wire.write_all(text.as_bytes()).and_then(|()| wire.flush());
}
