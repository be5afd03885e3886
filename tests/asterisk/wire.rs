//! The wire between the daemon and the PBX, which can be cut: a TCP proxy that knows what it has carried.

use crate::manager::Frame;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

#[derive(Default)]
struct State {
    cut: bool,
    ends: Vec<(TcpStream, TcpStream)>,
    carried: Vec<u8>,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// A proxy on loopback; while it is cut, connections to it are made and hear nothing.
pub struct Wire {
    address: String,
    shared: Shared,
}

impl Wire {
    /// A wire to the AMI at this address.
    pub fn to(pbx: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let (shared, pbx) = (Shared::default(), pbx.to_owned());
        let ours = Arc::clone(&shared);
        std::thread::spawn(move || {
            for daemon in listener.incoming().map_while(Result::ok) {
                connect(daemon, &pbx, &ours);
            }
        });
        Wire { address, shared }
    }

    /// Where the daemon connects to.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Ends all connections; what was carried before still arrives.
    pub fn cut(&self) {
        let mut state = self.shared.0.lock().expect("no carrier panics");
        state.cut = true;
        for (daemon, pbx) in state.ends.drain(..) {
            // A connection may have ended by itself.
            let _ = (daemon.shutdown(Shutdown::Write), pbx.shutdown(Shutdown::Both));
        }
    }

    /// Lets connections through again, also those that were made meanwhile.
    pub fn repair(&self) {
        self.shared.0.lock().expect("no carrier panics").cut = false;
        self.shared.1.notify_all();
    }

    /// Waits until the daemon has been sent this event of this channel.
    pub fn wait_for(&self, event: &Frame, deadline: Instant) -> Result<(), String> {
        let lines = ["Event", "Uniqueid"].map(|header| format!("{header}: {}", event.get(header)));
        let mut state = self.shared.0.lock().expect("no carrier panics");
        loop {
            let text = String::from_utf8_lossy(&state.carried);
            if text.split("\r\n\r\n").any(|frame| lines.iter().all(|line| frame.lines().any(|l| l == line))) {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("the daemon was not sent {event:?}"));
            }
            state = self.shared.1.wait_timeout(state, left).expect("no carrier panics").0;
        }
    }
}

fn connect(daemon: TcpStream, pbx: &str, shared: &Shared) {
    let state = shared.0.lock().expect("no carrier panics");
    let mut state = shared.1.wait_while(state, |s| s.cut).expect("no carrier panics");
    let Ok(pbx) = TcpStream::connect(pbx) else { return }; // the daemon sees its connection closed
    let clone = |socket: &TcpStream| socket.try_clone().expect("a descriptor is free");
    state.ends.push((clone(&daemon), clone(&pbx)));
    let (from_daemon, to_pbx, ours) = (clone(&daemon), clone(&pbx), Arc::clone(shared));
    std::thread::spawn(move || carry(from_daemon, to_pbx, |_| ()));
    std::thread::spawn(move || {
        carry(pbx, daemon, |bytes| {
            ours.0.lock().expect("no waiter panics").carried.extend_from_slice(bytes);
            ours.1.notify_all();
        });
    });
}

/// Carries until one end closes.
fn carry(mut from: TcpStream, mut to: TcpStream, carried: impl Fn(&[u8])) {
    let mut chunk = vec![0; 65_536];
    while let Ok(n @ 1..) = from.read(&mut chunk) {
        if to.write_all(&chunk[..n]).is_err() {
            break;
        }
        carried(&chunk[..n]);
    }
    let _ = to.shutdown(Shutdown::Write);
}
