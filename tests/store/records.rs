//! Asterisk's record files as they lie about: rotated, compressed, torn, long, missing.

use callbackd::records::{self, Files, Lines, Records, RecordsError, rotated};
use callbackd_core::reconcile::gatherer::Gatherer;
use callbackd_core::reconcile::{self, Account};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// 2026-11-22 08:00:00 UTC.
const MORNING: i64 = 1_795_334_400;

/// A call of five seconds that began so many seconds after the morning.
fn cdr(at: i64) -> String {
    let time = |s: i64| jiff::Timestamp::from_second(MORNING + s).unwrap().strftime("%Y-%m-%d %H:%M:%S").to_string();
    let id = format!("{}.{at}", MORNING + at);
    format!(
        "\"\",\"12025550123\",\"5550102\",\"from-trunk\",\"\",\"PJSIP/trunk-{at:08x}\",\"PJSIP/103-{at:08x}\",\"Dial\",\"PJSIP/103,20\",\"{}\",,\"{}\",5,0,\"NO ANSWER\",\"DOCUMENTATION\",\"{id}\",\"\",\"\",\"{id}\",{at}\n",
        time(at),
        time(at + 5)
    )
}

fn queue_event(at: i64, what: &str) -> String {
    format!("{}|{}.{at}|sales|NONE|{what}||12025550123|1\n", MORNING + at, MORNING + at)
}

/// Last written so many seconds after the morning.
fn write(path: &Path, bytes: &[u8], written: i64) {
    let mut file = File::create(path).unwrap();
    file.write_all(bytes).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(u64::try_from(MORNING + written).unwrap())).unwrap();
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn ends(records: &Records) -> Vec<i64> {
    records.cdrs.iter().map(|cdr| cdr.end_ms / 1_000 - MORNING).collect()
}

fn since(cdr_csv: &Path, queue_log: Option<&Path>, s: i64) -> Result<Records, RecordsError> {
    let files = Files { cdr_csv: Some(cdr_csv.to_owned()), queue_log: queue_log.map(Path::to_owned) };
    records::since(&files, (MORNING + s) * 1_000, &TimeZone::UTC)
}

#[test]
fn rotated_and_compressed_parts_are_read_in_their_order_and_old_ones_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let master = dir.path().join("Master.csv");
    write(&master, cdr(300).as_bytes(), 305);
    write(&dir.path().join("Master.csv.1"), cdr(200).as_bytes(), 205);
    write(&dir.path().join("Master.csv-20261122.gz"), &gzip(&cdr(100)), 105);
    write(&dir.path().join("Master.csv.3.gz"), &gzip(&cdr(0)), 5);
    write(&dir.path().join("Master.csvx"), b"another file", 300);
    let log = dir.path().join("queue_log");
    write(&log, queue_event(300, "ENTERQUEUE").as_bytes(), 305);
    write(&dir.path().join("queue_log.2.gz"), &gzip(&queue_event(200, "ENTERQUEUE")), 205);

    let names = |paths: Vec<PathBuf>| -> Vec<String> {
        paths.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    let parts = names(rotated(&master, (MORNING + 50) * 1_000).unwrap());
    assert_eq!(parts, ["Master.csv-20261122.gz", "Master.csv.1", "Master.csv"]);
    let records = since(&master, Some(&log), 50).unwrap();
    assert_eq!(ends(&records), [105, 205, 305]);
    assert_eq!((records.events.len(), records.unreadable, records.cut), (2, 0, 0));
}

#[test]
fn of_a_long_file_only_the_end_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let master = dir.path().join("Master.csv");
    let calls = 40_000;
    let text: String = (0..calls).map(|n| cdr(n * 10)).collect();
    write(&master, text.as_bytes(), calls * 10);
    let wanted = (calls - 100) * 10;
    // The zone of a file is learnt from its lines: what may be as far off as a zone is read too.
    let read = since(&master, None, wanted).unwrap().cdrs;
    assert!(read.len() < 40_000 / 2, "{} lines were read", read.len());
    assert_eq!(read.iter().filter(|cdr| cdr.start_ms >= (MORNING + wanted) * 1_000).count(), 100);
}

#[test]
fn torn_lines_and_those_of_other_modules_are_counted_and_cost_only_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let master = dir.path().join("Master.csv");
    let torn = cdr(1)[..80].to_owned();
    write(&master, format!("{}{torn}\nanother,module\n{}\u{0}\n{}", cdr(0), "\"", cdr(2)).as_bytes(), 10);
    let records = since(&master, None, 0).unwrap();
    assert!(ends(&records).contains(&5), "{records:?}");
    assert!(records.unreadable >= 1, "{records:?}");
}

#[test]
fn what_cannot_be_read_is_named_with_the_mend() {
    let dir = tempfile::tempdir().unwrap();
    let missing = since(&dir.path().join("Master.csv"), None, 0).unwrap_err().to_string();
    assert!(missing.contains("Master.csv") && missing.contains("usermod"), "{missing}");
    let other = dir.path().join("other.csv");
    fs::write(&other, "a,b,c\nd,e,f\n").unwrap();
    let none = since(&other, None, 0).unwrap_err().to_string();
    assert!(none.contains("other.csv") && none.contains("none is a CDR"), "{none}");
    fs::write(&other, "").unwrap();
    assert!(since(&other, None, 0).unwrap().cdrs.is_empty(), "an empty file is no error: nobody has called yet");
}

#[test]
fn a_line_without_end_is_left_out_in_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let master = dir.path().join("Master.csv");
    let endless = "x".repeat(1 << 20);
    write(&master, format!("{}{endless}\n{}", cdr(0), cdr(10)).as_bytes(), 20);
    let mut passed = std::rc::Rc::new(std::cell::Cell::new(0_u64));
    let counter = std::rc::Rc::clone(&passed);
    let mut lines = Lines::of(&master, move |n| counter.set(counter.get() + n)).unwrap();
    let (mut records, mut all) = (Records::default(), Vec::new());
    loop {
        let bytes = lines.next(1).unwrap();
        if bytes.is_empty() {
            break;
        }
        all.extend(bytes);
    }
    records::read_cdrs(&all, &TimeZone::UTC, &mut records);
    assert_eq!(ends(&records), [5, 15]);
    drop(lines);
    let read = std::rc::Rc::get_mut(&mut passed).expect("nobody else counts").get();
    assert_eq!(read, fs::metadata(&master).unwrap().len());
}

fn shown(accounts: &[Account]) -> Vec<(String, usize, usize)> {
    accounts.iter().map(|a| (a.id(), a.cdrs.len(), a.events.len())).collect()
}

proptest! {
    #[test]
    fn in_however_many_parts_records_come_the_same_calls_come_out(
        starts in prop::collection::vec(0_i64..200_000, 1..60),
        parts in prop::collection::vec(1_usize..12, 1..20),
    ) {
        let mut starts = starts;
        starts.sort_unstable();
        starts.dedup();
        let text: String = starts.iter().map(|at| cdr(*at)).collect();
        let log: String = starts.iter().step_by(2).map(|at| queue_event(*at, "ENTERQUEUE")).collect();
        let mut records = Records::default();
        records::read_cdrs(text.as_bytes(), &TimeZone::UTC, &mut records);
        let events: Vec<_> = log.lines().filter_map(reconcile::queue_log::read).collect();

        let whole = reconcile::accounts(records.cdrs.clone(), events.clone());
        let (mut gatherer, mut given) = (Gatherer::default(), Vec::new());
        let (mut cdrs, mut waiting) = (records.cdrs.into_iter(), events);
        for size in parts.iter().cycle() {
            let part: Vec<_> = cdrs.by_ref().take(*size).collect();
            let Some(newest) = part.iter().map(|cdr| cdr.end_ms).max() else { break };
            let later = waiting.iter().position(|e| e.at_ms > newest).unwrap_or(waiting.len());
            let events = waiting.drain(..later).collect();
            given.extend(gatherer.take(part, events));
        }
        given.extend(gatherer.finish());
        prop_assert_eq!(shown(&given), shown(&whole));
    }
}
