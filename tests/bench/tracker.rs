//! How many events the tracker takes a second, beside the frame parser in the same run, and what a live call costs in memory.
//!
//! `cargo bench --bench tracker`. A PBX that does 100 calls a second sends about 5,600 of the events that the tracker needs a second.

use std::path::Path;

use bytes::BytesMut;
use callbackd::config::Config;
use callbackd_core::ami::{Frame, FrameDecoder, Interest, Kind, Received, Stamped};
use callbackd_core::model::{Moment, OurAttempts};
use callbackd_core::tracker::{Input, LINGER_MS, Tracker};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

/// Calls in one round.
const CALLS: usize = 2_000;

fn main() {
    memory_of_live_calls();
    divan::main();
}

/// The frames of an answered queue call, with the ids of its n-th copy.
fn call(capture: &str, n: usize) -> String {
    let mut text = capture.to_owned();
    for id in ["pbx-1795336404.0", "pbx-1795336404.1"] {
        text = text.replace(id, &format!("{id}-{n}"));
    }
    let bridge = "46fb7ba7-077f-49dc-8b8f-648b75f6b657";
    text.replace(bridge, &format!("{bridge}-{n}"))
}

/// Copies of a real call after each other, without the login and the lists at the start.
fn stream(calls: usize) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/asterisk22/queue_answered.ami");
    let capture = std::fs::read_to_string(path).expect("the capture");
    let start = capture.find("Event: Newchannel").expect("its first channel");
    (0..calls).map(|n| call(&capture[start..], n)).collect::<String>().into_bytes()
}

fn frames(stream: &[u8]) -> Vec<Frame> {
    let mut decoder = FrameDecoder::new(Interest::tracker());
    let mut buffer = BytesMut::from(&b"Asterisk Call Manager/11.0.0\r\n"[..]);
    buffer.extend_from_slice(stream);
    let mut frames = Vec::new();
    while let Some(received) = decoder.decode_idle(&mut buffer) {
        if let Received::Frame(frame) = received
            && matches!(frame.kind(), Kind::Event(_))
        {
            frames.push(frame);
        }
    }
    frames
}

fn tracker() -> Tracker {
    let config = Config::from_toml(include_str!("../traces.toml"), "tests/traces.toml").expect("the configuration");
    let pbx = callbackd_core::model::PbxId::new("lab");
    Tracker::new(&pbx, config.pbx[0].settings.rules(), OurAttempts::of_anybody(), None)
}

/// Takes all frames, a millisecond apart, and drops what the tracker wants stored.
fn track(tracker: &mut Tracker, frames: &[Frame], mut ms: u64) -> usize {
    let mut records = 0;
    for frame in frames {
        ms += 1;
        let now = Moment { wall_ms: i64::try_from(ms).expect("small"), mono_ms: ms };
        let stamped = Stamped::parse(frame).expect("a real event");
        tracker.handle(Input::Event(&stamped), now);
        while tracker.poll().is_some() {
            records += 1;
        }
    }
    records
}

#[divan::bench]
fn frames_only(bencher: Bencher<'_, '_>) {
    let stream = stream(CALLS);
    let events = frames(&stream).len();
    bencher.counter(ItemsCount::new(events)).bench(|| frames(black_box(&stream)).len());
}

#[divan::bench]
fn events_parsed(bencher: Bencher<'_, '_>) {
    let frames = frames(&stream(CALLS));
    bencher
        .counter(ItemsCount::new(frames.len()))
        .bench(|| frames.iter().filter(|frame| black_box(Stamped::parse(frame)).is_ok()).count());
}

#[divan::bench]
fn events_parsed_and_tracked_to_records(bencher: Bencher<'_, '_>) {
    let frames = frames(&stream(CALLS));
    bencher
        .counter(ItemsCount::new(frames.len()))
        .with_inputs(tracker)
        .bench_values(|mut tracker| track(&mut tracker, black_box(&frames), 0));
}

/// Bytes that live calls hold, measured by what the process holds before and after.
fn memory_of_live_calls() {
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
        statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("pages") * 4096
    };
    let live: Vec<Frame> = (0..50)
        .flat_map(|part| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/asterisk22/queue_answered.ami");
            let capture = std::fs::read_to_string(path).expect("the capture");
            let start = capture.find("Event: Newchannel").expect("its first channel");
            let end = capture.find("Event: HangupRequest").expect("its end");
            let text: String = (0..200).map(|n| call(&capture[start..end], part * 200 + n)).collect();
            frames(text.as_bytes())
        })
        .collect();
    let mut tracker = tracker();
    track(&mut tracker, &live[..live.len() / 100], 0);
    let before = resident();
    track(&mut tracker, &live, LINGER_MS);
    let (channels, _, calls) = tracker.sizes();
    println!("memory: {calls} live calls with {channels} channels hold {} bytes each", (resident() - before) / calls);
}
