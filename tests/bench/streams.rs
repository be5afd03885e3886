//! From the end of a call that frees an agent to Originate, without and with 1,000 clients of `/v1/events`: in turns on one daemon, 100 calls a minute.

use super::wire::{Call, Desk};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

/// As many as one user may have, nearly.
const CLIENTS: usize = 1_000;
/// Calls in a turn, and turns of each kind: what else happens on the machine meets both kinds. In all three minutes: later, agents of the first are asked anew.
const CALLS: usize = 15;
const TURNS: usize = 10;
/// 100 calls a minute.
const EVERY: Duration = Duration::from_millis(600);

/// Prints both.
pub fn compare(is_short: bool) {
    let (clients, calls, turns) = if is_short { (10, 2, 1) } else { (CLIENTS, CALLS, TURNS) };
    // Each client is an open file of this process.
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).expect("a limit");
    let desk = Desk::open(2 * calls * turns);
    let call = Call::captured();
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let (mut received, mut resident) = (0, Vec::new());
    let mut agents = 0..;
    let mut turn = || {
        let begun = Instant::now();
        let free = |(n, agent): (u32, usize)| {
            thread::sleep((EVERY * n).saturating_sub(begun.elapsed()));
            desk.free(agent, &call.copy(agent as u64))
        };
        (0..).zip(agents.by_ref().take(calls)).map(free).collect::<Vec<_>>()
    };
    for _ in 0..turns {
        without.extend(turn());
        let before = desk.daemon.resident_kib().0;
        let crowd = Crowd::gather(&desk.socket(), clients);
        with.extend(turn());
        resident.push((before, desk.daemon.resident_kib().0));
        received += crowd.disperse();
    }
    println!(
        "\nfrom the end of a call that frees an agent to Originate, at 100 calls a minute, {} times each\n",
        calls * turns
    );
    println!("{:28}{:>10}{:>10}{:>10}", "", "p50", "p99", "max");
    let (without, with) = (quantiles(without), quantiles(with));
    let show = |name: &str, [p50, p99, max]: [f64; 3]| println!("{name:28}{p50:>7.2} ms{p99:>7.2} ms{max:>7.2} ms");
    show("no client of the feed", without);
    show(&format!("{clients} clients of the feed"), with);
    let [p50, p99, max] = [0, 1, 2].map(|q| with[q] / without[q]);
    println!("{:28}{p50:>10.2}{p99:>10.2}{max:>10.2}", "ratio");
    let mib = |kib: u64| kib as f64 / 1024.0;
    let pairs: Vec<_> = resident.iter().map(|(a, b)| format!("{:.1}/{:.1}", mib(*a), mib(*b))).collect();
    println!(
        "events received {received}; resident without/with, MiB: {}; peak {:.1} MiB",
        pairs.join(" "),
        mib(desk.daemon.resident_kib().1)
    );
}

/// Median, 99th percentile and the largest, ms.
fn quantiles(mut spans: Vec<Duration>) -> [f64; 3] {
    spans.sort_unstable();
    [50, 99, 100].map(|q| spans[(spans.len() - 1) * q / 100].as_secs_f64() * 1e3)
}

/// Clients that read all that comes, on a thread of their own.
struct Crowd {
    runtime: Runtime,
    received: Arc<AtomicU64>,
}

impl Crowd {
    /// So many, all of whose streams have begun.
    fn gather(socket: &Path, clients: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let (runtime, received) = (runtime.expect("a runtime"), Arc::new(AtomicU64::new(0)));
        for _ in 0..clients {
            let (socket, received) = (socket.to_owned(), Arc::clone(&received));
            let mut stream = runtime.block_on(async move {
                let mut stream = UnixStream::connect(socket).await.expect("the daemon");
                stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("a request");
                let mut head = vec![0; 4_096];
                let length = stream.read(&mut head).await.expect("an answer");
                assert!(head[..length].starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&head[..length]));
                stream
            });
            runtime.spawn(async move {
                let mut piece = vec![0; 16 << 10];
                while let Ok(length @ 1..) = stream.read(&mut piece).await {
                    received.fetch_add(
                        piece[..length].windows(5).filter(|line| *line == b"\nid: ").count() as u64,
                        Relaxed,
                    );
                }
            });
        }
        Self { runtime, received }
    }

    /// All hang up: how many events they had received.
    fn disperse(self) -> u64 {
        self.runtime.shutdown_timeout(Duration::from_secs(5));
        self.received.load(Relaxed)
    }
}
