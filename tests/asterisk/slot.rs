//! A slot: the ports and the run directory of one lab, held by a file lock that dies with its process.

use std::fs::{self, File, OpenOptions};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Slots on one machine; the last one's ports end below Linux's ephemeral range, which begins at 32768.
const SLOTS: u16 = 11;
/// First port of the first slot.
const FIRST_PORT: u16 = 21_000;
/// Ports of one slot: 10 for signalling, the rest for RTP.
const PORTS: u16 = 1_000;

/// Ports that nobody else has, and the number that names the run directory.
pub struct Slot {
    number: u16,
    _lock: File,
}

impl Slot {
    /// Takes the first free slot, and clears what dead labs have left behind in `home(number)`.
    pub fn acquire(home: impl Fn(u16) -> PathBuf) -> Result<Self, String> {
        let locks = own_dir().join("slots");
        fs::create_dir_all(&locks).map_err(|e| format!("cannot make {}: {e}", locks.display()))?;
        let mut ours = None;
        for number in 0..SLOTS {
            let path = locks.join(format!("{number}.lock"));
            let lock = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(|e| format!("cannot open {}: {e}", path.display()))?;
            if lock.try_lock().is_err() {
                continue;
            }
            bury(&home(number));
            if ours.is_none() && ports_are_free(number) {
                ours = Some(Slot { number, _lock: lock });
            }
        }
        ours.ok_or_else(|| {
            format!("all {SLOTS} lab slots are taken (locks in {}, ports from {FIRST_PORT})", locks.display())
        })
    }

    /// The number that names the run directory.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The `nth` port for signalling, 0–9.
    pub fn port(&self, nth: u16) -> u16 {
        port(self.number, nth)
    }

    /// First and last RTP port of instance 0 or 1.
    pub fn rtp(&self, instance: u16) -> (u16, u16) {
        let half = (PORTS - 10) / 2;
        let first = self.port(10) + instance * half;
        (first, first + half - 1)
    }
}

/// Where this user's labs keep what outlives them: what root made, others could not lock or clear.
/// Between users the look at the ports decides.
pub fn own_dir() -> PathBuf {
    let user = fs::metadata("/proc/self").map_or(0, |m| m.uid());
    std::env::temp_dir().join(format!("callbackd-lab-{user}"))
}

fn port(slot: u16, nth: u16) -> u16 {
    FIRST_PORT + slot * PORTS + nth
}

/// SIP on the first two, AMI on the next two.
fn ports_are_free(slot: u16) -> bool {
    (0..2).all(|n| UdpSocket::bind(("127.0.0.1", port(slot, n))).is_ok())
        && (2..4).all(|n| TcpListener::bind(("127.0.0.1", port(slot, n))).is_ok())
}

/// Kills the Asterisks that a dead lab has left in `home`, then removes it.
fn bury(home: &Path) {
    for pidfile in ["pbx/pid", "farm/pid"] {
        let Some(pid) = fs::read_to_string(home.join(pidfile)).ok().and_then(|s| s.trim().parse::<i32>().ok()) else {
            continue;
        };
        let is_asterisk = fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|c| String::from_utf8_lossy(&c).contains("/etc/asterisk.conf"));
        if let (true, Some(pid)) = (is_asterisk, rustix::process::Pid::from_raw(pid)) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
    let _ = fs::remove_dir_all(home);
}
