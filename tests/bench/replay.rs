//! How fast a recording becomes rows on the disk, beside the lower bound: counting its empty lines.
//!
//! `cargo bench --bench replay`: the lower bound's throughput divided by the replay's is its ratio.

use std::path::Path;

use callbackd::cli::replay::{self, ReplayArgs};
use callbackd::config::Config;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};

/// Calls in the recording.
const CALLS: usize = 500;

fn main() {
    divan::main();
}

/// A real recording whose call is repeated with ids of its own.
fn recording() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/asterisk22/queue_answered.ami");
    let capture = std::fs::read_to_string(path).expect("the capture");
    let start = capture.find("Event: Newchannel").expect("its first channel");
    let (login, call) = capture.split_at(start);
    let copies = (0..CALLS).map(|n| {
        ["pbx-1795336404.0", "pbx-1795336404.1", "46fb7ba7-077f-49dc-8b8f-648b75f6b657"]
            .iter()
            .fold(call.to_owned(), |text, id| text.replace(id, &format!("{id}-{n}")))
    });
    format!("{login}{}", copies.collect::<String>()).into_bytes()
}

#[divan::bench(sample_count = 20)]
fn floor_counting_empty_lines(bencher: Bencher<'_, '_>) {
    let stream = recording();
    bencher
        .counter(BytesCount::of_slice(&stream))
        .bench(|| memchr::memmem::find_iter(black_box(&stream[..]), b"\r\n\r\n").count());
}

#[divan::bench(sample_count = 20)]
fn recording_to_rows_on_the_disk(bencher: Bencher<'_, '_>) {
    let stream = recording();
    let config = Config::from_toml(include_str!("../traces.toml"), "tests/traces.toml").expect("the configuration");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("recording.ami");
    std::fs::write(&file, &stream).expect("room for the recording");
    let mut round = 0;
    bencher.counter(BytesCount::of_slice(&stream)).bench_local(|| {
        round += 1;
        let db = directory.path().join(format!("{round}.db"));
        let args = ReplayArgs { config: None, pbx: None, db, files: vec![file.clone()] };
        let tally = replay::run(&args, &config, &mut std::io::sink()).expect("a replay");
        assert_eq!(tally.calls, CALLS as u64);
    });
}
