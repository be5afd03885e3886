//! Ports for daemons and servers that open them themselves.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that the system gives to whoever asks for any (`net.ipv4.ip_local_port_range`): between this answer and the moment when the port is opened
/// no other test can be given the same one.
const FIRST: u16 = 10_000;
/// So many tests have ports of their own at once, as their processes have numbers that follow each other.
const TESTS: u32 = 2_000;
/// Ports of one test.
const OF_TEST: u16 = 10;

/// A port at which nobody listens, and which no other test is given.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let test = u16::try_from(process::id() % TESTS).expect("fewer tests than ports");
    loop {
        let given = GIVEN.fetch_add(1, Ordering::Relaxed);
        assert!(given < OF_TEST, "a test has {OF_TEST} ports");
        let port = FIRST + test * OF_TEST + given;
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}
