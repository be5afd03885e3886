//! A minimal AMI client of the harness's own, so that what it reports is independent of the daemon's.

use std::fmt;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long an action's response may take; Asterisk answers within milliseconds unless the machine is overloaded.
const RESPONSE: Duration = Duration::from_secs(20);

/// One frame: an event or a response.
#[derive(Clone)]
pub struct Frame(Vec<(String, String)>);

impl Frame {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        Frame(
            text.lines()
                .filter_map(|l| l.split_once(':'))
                .map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned()))
                .collect(),
        )
    }

    /// The first header of this name, or nothing.
    pub fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v)
    }

    /// A header of any party of the event (`Linkedid`, `DestLinkedid`, `ParkeeLinkedid`, …) has this value.
    pub fn names(&self, key: &str, value: &str) -> bool {
        self.0.iter().any(|(k, v)| k.ends_with(key) && v == value)
    }

    /// Is it this event?
    pub fn is(&self, event: &str) -> bool {
        self.get("Event") == event
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(k, v)| (k, v))).finish()
    }
}

#[derive(Default)]
struct Stream {
    frames: Vec<Frame>,
    closed: bool,
}

/// A logged-in AMI connection that keeps everything it received.
pub struct Manager {
    socket: TcpStream,
    stream: Arc<(Mutex<Stream>, Condvar)>,
    actions: AtomicU64,
}

impl Manager {
    /// Connects and logs in, trying until `deadline`; with `record`, everything received is written there as it came.
    pub fn login(
        port: u16,
        username: &str,
        secret: &str,
        record: Option<&Path>,
        deadline: Instant,
    ) -> Result<Self, String> {
        let socket = connect(port, deadline)?;
        let stream = Arc::new((Mutex::new(Stream::default()), Condvar::new()));
        let mut record = record
            .map(|p| std::fs::File::create(p).map_err(|e| format!("cannot make {}: {e}", p.display())))
            .transpose()?;
        let mut input = socket.try_clone().map_err(|e| e.to_string())?;
        let shared = Arc::clone(&stream);
        std::thread::spawn(move || receive(&mut input, &shared, record.as_mut()));
        let manager = Manager { socket, stream, actions: AtomicU64::new(0) };
        manager.action(&[("Action", "Login"), ("Username", username), ("Secret", secret)])?;
        manager.wait(0, deadline, "FullyBooted", |f| f.is("FullyBooted"))?;
        Ok(manager)
    }

    /// Sends an action and waits for its response; one that is not a success is an error.
    pub fn action(&self, headers: &[(&str, &str)]) -> Result<Frame, String> {
        let id = format!("harness-{}", self.actions.fetch_add(1, Ordering::Relaxed));
        let mut text = format!("ActionID: {id}\r\n");
        for (key, value) in headers {
            text.push_str(&format!("{key}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let from = self.position();
        (&self.socket).write_all(text.as_bytes()).map_err(|e| format!("AMI write: {e}"))?;
        let what = format!("response to {headers:?}");
        let response = self.wait(from, Instant::now() + RESPONSE, &what, |f| {
            f.get("ActionID") == id && !f.get("Response").is_empty()
        })?;
        if response.get("Response") == "Error" {
            Err(format!("{headers:?} was refused: {}", response.get("Message")))
        } else {
            Ok(response)
        }
    }

    /// How many frames have come: where a later wait begins.
    pub fn position(&self) -> usize {
        self.stream.0.lock().expect("no reader panics").frames.len()
    }

    /// The first frame since `from` that `wanted` accepts; `what` names it if it does not come in time.
    pub fn wait(
        &self,
        from: usize,
        deadline: Instant,
        what: &str,
        wanted: impl Fn(&Frame) -> bool,
    ) -> Result<Frame, String> {
        self.find(from, deadline, what, wanted).map(|(_, frame)| frame)
    }

    /// The same, with the position after that frame.
    pub fn find(
        &self,
        from: usize,
        deadline: Instant,
        what: &str,
        wanted: impl Fn(&Frame) -> bool,
    ) -> Result<(usize, Frame), String> {
        let mut next = from;
        self.fold(from, deadline, what, |frame| {
            next += 1;
            wanted(frame).then(|| frame.clone())
        })
        .map(|frame| (next, frame))
    }

    /// Feeds every frame since `from` to `step`, in order, until it gives a result.
    pub fn fold<T>(
        &self,
        from: usize,
        deadline: Instant,
        what: &str,
        mut step: impl FnMut(&Frame) -> Option<T>,
    ) -> Result<T, String> {
        let (lock, arrived) = &*self.stream;
        let mut stream = lock.lock().expect("no reader panics");
        let mut next = from;
        loop {
            while let Some(frame) = stream.frames.get(next) {
                next += 1;
                if let Some(result) = step(frame) {
                    return Ok(result);
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if stream.closed || left.is_zero() {
                return Err(format!(
                    "{what} did not come{}",
                    if stream.closed { ": the connection was closed" } else { " in time" }
                ));
            }
            stream = arrived.wait_timeout(stream, left).expect("no reader panics").0;
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// A starting Asterisk opens its AMI port late, and gives no sign of it.
fn connect(port: u16, deadline: Instant) -> Result<TcpStream, String> {
    let mut last = String::new();
    let socket = crate::patience::until(deadline, || {
        TcpStream::connect(("127.0.0.1", port)).map_err(|e| last = e.to_string()).ok()
    });
    socket.ok_or_else(|| format!("AMI on port {port}: {last}"))
}

fn receive(input: &mut TcpStream, shared: &(Mutex<Stream>, Condvar), mut record: Option<&mut std::fs::File>) {
    let mut buffer = Vec::new();
    let mut chunk = vec![0; 65_536];
    let mut greeted = false;
    loop {
        let n = input.read(&mut chunk).unwrap_or(0);
        if n > 0
            && let Some(file) = record.as_mut()
        {
            let _ = file.write_all(&chunk[..n]);
        }
        buffer.extend_from_slice(&chunk[..n]);
        if !greeted && let Some(end) = find(&buffer, b"\r\n") {
            buffer.drain(..end + 2);
            greeted = true;
        }
        let mut stream = shared.0.lock().expect("no waiter panics");
        while greeted && let Some(end) = find(&buffer, b"\r\n\r\n") {
            stream.frames.push(Frame::parse(&buffer[..end]));
            buffer.drain(..end + 4);
        }
        stream.closed = n == 0;
        shared.1.notify_all();
        if n == 0 {
            return;
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}
