//! How fast the AMI stream is read, beside the lower bound: counting its empty lines.
//!
//! `cargo bench --bench frames`: the lower bound's throughput divided by another one's is that one's ratio.

use std::path::Path;

use bytes::BytesMut;
use callbackd_core::ami::{Frame, FrameDecoder, Interest, Kind, Received, Stamped};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

/// About so much is read in one round.
const STREAM: usize = 10 * 1024 * 1024;
/// A socket's read.
const READ: usize = 16 * 1024;

/// The captures one after the other, again and again.
fn stream() -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let mut files: Vec<_> = ["asterisk16", "asterisk22"]
        .iter()
        .flat_map(|version| std::fs::read_dir(root.join(version)).expect("captures"))
        .map(|file| file.expect("a capture").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ami"))
        .collect();
    files.sort();
    let once = files.iter().map(|file| std::fs::read(file).expect("a capture")).collect::<Vec<_>>().concat();
    once.repeat(STREAM.div_ceil(once.len()))
}

fn read(stream: &[u8], interest: Interest, mut each: impl FnMut(Frame)) -> u64 {
    let mut decoder = FrameDecoder::new(interest);
    let mut buffer = BytesMut::with_capacity(READ);
    for bytes in stream.chunks(READ) {
        buffer.extend_from_slice(bytes);
        while let Some(received) = decoder.decode(&mut buffer) {
            if let Received::Frame(frame) = received {
                each(frame);
            }
        }
    }
    let counters = decoder.counters();
    assert_eq!(counters.discarded_total(), 0);
    counters.frames + counters.skipped
}

#[divan::bench]
fn floor_counting_empty_lines(bencher: Bencher<'_, '_>) {
    let stream = stream();
    bencher
        .counter(BytesCount::of_slice(&stream))
        .bench(|| memchr::memmem::find_iter(black_box(&stream[..]), b"\r\n\r\n").count());
}

#[divan::bench]
fn floor_with_the_copy_of_a_read(bencher: Bencher<'_, '_>) {
    let stream = stream();
    bencher.counter(BytesCount::of_slice(&stream)).bench(|| {
        let mut buffer = BytesMut::with_capacity(READ);
        let count = |bytes: &[u8]| {
            buffer.clear();
            buffer.extend_from_slice(bytes);
            memchr::memmem::find_iter(black_box(&buffer[..]), b"\r\n\r\n").count()
        };
        black_box(&stream[..]).chunks(READ).map(count).sum::<usize>()
    });
}

#[divan::bench]
fn frames_that_the_engine_needs(bencher: Bencher<'_, '_>) {
    let stream = stream();
    bencher.counter(BytesCount::of_slice(&stream)).bench(|| {
        read(black_box(&stream), Interest::tracker(), |frame| {
            black_box(frame);
        })
    });
}

#[divan::bench]
fn all_frames(bencher: Bencher<'_, '_>) {
    let stream = stream();
    bencher.counter(BytesCount::of_slice(&stream)).bench(|| {
        read(black_box(&stream), Interest::everything(), |frame| {
            black_box(frame);
        })
    });
}

#[divan::bench]
fn events_that_the_engine_needs(bencher: Bencher<'_, '_>) {
    let stream = stream();
    bencher.counter(BytesCount::of_slice(&stream)).bench(|| {
        read(black_box(&stream), Interest::tracker(), |frame| {
            if matches!(frame.kind(), Kind::Event(_)) {
                black_box(Stamped::parse(&frame).expect("a capture's event"));
            }
        })
    });
}
