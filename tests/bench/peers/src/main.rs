//! `callbackd-peers make CALLS FILE`: writes a recording of so many calls. `callbackd-peers WHAT FILE`: goes through one as far as WHAT, and says how many it met.
//!
//! `./run` beside this measures what each of them costs.
#![allow(clippy::disallowed_types)] // the harness keeps no order

use asterisk_rs_ami::{AmiCodec, AmiEvent, CallTracker};
use asterisk_rs_core::event::EventBus;
use bytes::BytesMut;
use callbackd::config::Config;
use callbackd_core::ami::{Frame, FrameDecoder, Interest, Kind, Received, Stamped};
use callbackd_core::model::{Moment, OurAttempts, PbxId};
use callbackd_core::tracker::{Input, Tracker};
use std::env::args;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use tokio_util::codec::Decoder as _;

/// What a socket, or a replay, reads at once.
const READ: usize = 256 * 1024;
/// Events that the peer's tracker has not taken yet: as many as one read holds, so that it loses none.
const WAITING: usize = 4_096;

fn main() {
    let args: Vec<String> = args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let count = match args[..] {
        ["make", calls, file] => make(calls.parse().expect("a number of calls"), file),
        ["read", file] => pieces(file, |_| 0),
        ["lines", file] => lines(file),
        ["frames", file] => frames(file, Interest::tracker(), |_| 1),
        ["all-frames", file] => frames(file, Interest::everything(), |_| 1),
        ["events", file] => frames(file, Interest::tracker(), |frame| u64::from(event(&frame).is_some())),
        ["all-events", file] => frames(file, Interest::everything(), |frame| u64::from(event(&frame).is_some())),
        ["calls", file] => calls(file),
        ["peer-frames", file] => peer_frames(file, |_| 1),
        ["peer-events", file] => peer_frames(file, |raw| u64::from(AmiEvent::from_raw(&raw).is_some())),
        ["peer-calls", file] => peer_calls(file),
        _ => panic!("see the first line of src/main.rs"),
    };
    println!("{count}");
}

/// A queue call as Asterisk 22 tells it, again and again with ids of its own: about 87 events and 40 kB each.
fn make(calls: usize, file: &str) -> u64 {
    let trace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/asterisk22/queue_answered.ami");
    let trace = std::fs::read_to_string(trace).expect("the trace");
    let (login, call) = trace.split_at(trace.find("Event: Newchannel").expect("its first channel"));
    let mut out = BufWriter::new(File::create(file).expect("a file"));
    out.write_all(login.as_bytes()).expect("room");
    for n in 0..calls {
        let ids = ["pbx-1795336404.0", "pbx-1795336404.1", "46fb7ba7-077f-49dc-8b8f-648b75f6b657"];
        let copy = ids.iter().fold(call.to_owned(), |text, id| text.replace(id, &format!("{id}-{n}")));
        out.write_all(copy.as_bytes()).expect("room");
    }
    out.flush().expect("room");
    calls as u64
}

/// Reads the file piece by piece.
fn pieces(file: &str, mut each: impl FnMut(&[u8]) -> u64) -> u64 {
    let mut file = File::open(file).expect("the recording");
    let mut piece = vec![0; READ];
    let mut count = 0;
    loop {
        match file.read(&mut piece).expect("the recording") {
            0 => return count,
            length => count += each(&piece[..length]),
        }
    }
}

/// The floor: each line cut at its first colon.
fn lines(file: &str) -> u64 {
    let mut rest = Vec::new();
    pieces(file, |piece| {
        rest.extend_from_slice(piece);
        let mut begun = 0;
        let mut count = 0;
        for end in memchr::memchr_iter(b'\n', &rest) {
            count += u64::from(std::hint::black_box(memchr::memchr(b':', &rest[begun..end])).is_some());
            begun = end + 1;
        }
        rest.drain(..begun);
        count
    })
}

fn frames(file: &str, interest: Interest, mut each: impl FnMut(Frame) -> u64) -> u64 {
    let mut decoder = FrameDecoder::new(interest);
    let mut buffer = BytesMut::with_capacity(READ);
    pieces(file, |piece| {
        buffer.extend_from_slice(piece);
        let mut count = 0;
        while let Some(received) = decoder.decode(&mut buffer) {
            if let Received::Frame(frame) = received {
                count += each(frame);
            }
        }
        count
    })
}

fn event(frame: &Frame) -> Option<Stamped<'_>> {
    match frame.kind() {
        Kind::Event(_) => Stamped::parse(frame).ok(),
        _ => None,
    }
}

/// The tracker by itself; what it wants stored is dropped.
fn calls(file: &str) -> u64 {
    let config = Config::from_toml(include_str!("../../../traces.toml"), "tests/traces.toml").expect("the configuration");
    let rules = config.pbx[0].settings.rules();
    let mut tracker = Tracker::new(&PbxId::new("lab"), rules, OurAttempts::of_anybody(), None);
    let mut ms = 0;
    frames(file, Interest::tracker(), |frame| {
        ms += 1;
        if let Some(stamped) = event(&frame) {
            tracker.handle(Input::Event(&stamped), Moment { wall_ms: ms, mono_ms: ms.cast_unsigned() });
        }
        std::iter::from_fn(|| tracker.poll()).count() as u64
    })
}

fn peer_frames(file: &str, mut each: impl FnMut(asterisk_rs_ami::RawAmiMessage) -> u64) -> u64 {
    let mut codec = AmiCodec::new();
    let mut buffer = BytesMut::with_capacity(READ);
    pieces(file, |piece| {
        buffer.extend_from_slice(piece);
        let mut count = 0;
        while let Some(raw) = codec.decode(&mut buffer).expect("a frame") {
            count += each(raw);
        }
        count
    })
}

/// The peer's tracker, which keeps the events of each channel until it hangs up; what it completes is dropped.
fn peer_calls(file: &str) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let bus = EventBus::new(WAITING);
        let (tracker, mut completed) = CallTracker::new(bus.subscribe());
        let mut codec = AmiCodec::new();
        let mut buffer = BytesMut::with_capacity(READ);
        let mut recording = File::open(file).expect("the recording");
        let mut piece = vec![0; READ];
        let mut count = 0;
        loop {
            let length = recording.read(&mut piece).expect("the recording");
            if length == 0 {
                break;
            }
            buffer.extend_from_slice(&piece[..length]);
            while let Some(raw) = codec.decode(&mut buffer).expect("a frame") {
                if let Some(event) = AmiEvent::from_raw(&raw) {
                    bus.publish(event);
                }
            }
            // It takes 128 at a time, as tokio's tasks do.
            for _ in 0..WAITING / 128 {
                tokio::task::yield_now().await;
                count += std::iter::from_fn(|| completed.try_recv().ok()).count() as u64;
            }
        }
        assert!(tracker.stats().valid, "the peer's tracker lost events: {:?}", tracker.stats());
        count
    })
}
