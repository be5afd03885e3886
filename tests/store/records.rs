//! Asterisk's record files as they lie about: rotated, compressed, torn, long, missing.

use callbackd::records::{self, Calls, Files, Lines, Part, Reading, Records, RecordsError, rotated};
use callbackd_core::reconcile::gatherer::Gatherer;
use callbackd_core::reconcile::{self, Account, Zone};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// 2026-11-22 08:00:00 UTC.
const MORNING: i64 = 1_795_334_400;

/// A call of five seconds that began so many seconds after the morning.
fn cdr(at: i64) -> String {
    let id = format!("{}.{at}", MORNING + at);
    cdr_of(at, at, &id, &id)
}

/// One whose channels have this number.
fn cdr_of(at: i64, n: i64, uniqueid: &str, linkedid: &str) -> String {
    let time = |s: i64| jiff::Timestamp::from_second(MORNING + s).unwrap().strftime("%Y-%m-%d %H:%M:%S").to_string();
    format!(
        "\"\",\"12025550123\",\"5550102\",\"from-trunk\",\"\",\"PJSIP/trunk-{n:08x}\",\"PJSIP/103-{n:08x}\",\"Dial\",\"PJSIP/103,20\",\"{}\",,\"{}\",5,0,\"NO ANSWER\",\"DOCUMENTATION\",\"{uniqueid}\",\"\",\"\",\"{linkedid}\",{n}\n",
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
    rest(begun(cdr_csv, queue_log, s)?)
}

fn begun(cdr_csv: &Path, queue_log: Option<&Path>, s: i64) -> Result<Reading, RecordsError> {
    let files = Files { cdr_csv: Some(cdr_csv.to_owned()), queue_log: queue_log.map(Path::to_owned) };
    Reading::since(&files, (MORNING + s) * 1_000, &TimeZone::UTC)
}

fn rest(mut reading: Reading) -> Result<Records, RecordsError> {
    let mut all = Records::default();
    while let Some(read) = reading.further()? {
        all.cdrs.extend(read.cdrs);
        all.events.extend(read.events);
        all.unreadable += read.unreadable;
    }
    Ok(all)
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

    let names = |parts: Vec<Part>| -> Vec<String> {
        parts.iter().map(|p| p.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    let parts = names(rotated(&master, (MORNING + 50) * 1_000).unwrap());
    assert_eq!(parts, ["Master.csv-20261122.gz", "Master.csv.1", "Master.csv"]);
    let records = since(&master, Some(&log), 50).unwrap();
    assert_eq!(ends(&records), [105, 205, 305]);
    assert_eq!((records.events.len(), records.unreadable), (2, 0));
}

#[test]
fn what_rotation_renames_while_it_is_read_is_read_once() {
    let dir = tempfile::tempdir().unwrap();
    let named = |name: &str| dir.path().join(name);
    let rename = |from: &str, to: &str| fs::rename(named(from), named(to)).unwrap();
    write(&named("Master.csv.2"), cdr(0).as_bytes(), 5);
    write(&named("Master.csv.1"), cdr(100).as_bytes(), 105);
    write(&named("Master.csv"), cdr(200).as_bytes(), 205);
    write(&named("queue_log.1"), queue_event(0, "ENTERQUEUE").as_bytes(), 105);
    write(&named("queue_log"), queue_event(200, "ENTERQUEUE").as_bytes(), 205);
    let reading = begun(&named("Master.csv"), Some(&named("queue_log")), 0).unwrap();
    rename("Master.csv.2", "Master.csv.3");
    rename("Master.csv.1", "Master.csv.2");
    rename("Master.csv", "Master.csv.1");
    write(&named("Master.csv"), cdr(300).as_bytes(), 305);
    rename("queue_log", "queue_log-20261122");
    let records = rest(reading).unwrap();
    assert_eq!(ends(&records), [5, 105, 205]);
    assert_eq!(records.events.len(), 2);
}

#[test]
fn a_part_that_rotation_takes_away_or_that_is_damaged_is_named_and_a_link_to_nothing_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let (master, part) = (dir.path().join("Master.csv"), dir.path().join("Master.csv.1.gz"));
    write(&master, cdr(100).as_bytes(), 105);
    std::os::unix::fs::symlink("nowhere", dir.path().join("Master.csv.old")).unwrap();
    assert_eq!(ends(&since(&master, None, 0).unwrap()), [105]);

    let whole = gzip(&cdr(0));
    write(&part, &whole, 5);
    let reading = begun(&master, None, 0).unwrap();
    fs::remove_file(&part).unwrap();
    let error = rest(reading).unwrap_err();
    assert!(matches!(&error, RecordsError::Gone { path } if *path == part), "{error}");
    for damaged in [&whole[..whole.len() / 2], b"no gzip at all"] {
        write(&part, damaged, 5);
        let error = since(&master, None, 0).unwrap_err();
        assert!(matches!(&error, RecordsError::Damaged { path, .. } if *path == part), "{error}");
    }
}

#[test]
fn of_a_long_file_only_the_end_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let master = dir.path().join("Master.csv");
    let calls = 40_000;
    let text: String = (0..calls).map(|n| cdr(n * 10)).collect();
    write(&master, text.as_bytes(), calls * 10);
    let wanted = (calls - 100) * 10;
    let files = Files { cdr_csv: Some(master.clone()), queue_log: None };
    let mut reading = Reading::since(&files, (MORNING + wanted) * 1_000, &TimeZone::UTC).unwrap();
    let mut read = 0;
    while let Some(portion) = reading.further().unwrap() {
        read += portion.cdrs.len();
    }
    assert_eq!(read, 100);
    // The zone of a file is learnt from its lines: what may be as far off as a zone is read too.
    let (passed, size) = (reading.passed(), text.len() as u64);
    assert!(passed < size / 2, "{passed} of {size} bytes were read");
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
fn a_quote_that_nothing_closes_costs_only_its_own_line() {
    let dir = tempfile::tempdir().unwrap();
    let master = dir.path().join("Master.csv");
    let behind: String = (10..60).map(cdr).collect();
    write(&master, format!("{}\"torn, as a full disk leaves it\n{behind}", cdr(0)).as_bytes(), 100);
    let records = since(&master, None, 0).unwrap();
    assert_eq!(ends(&records), std::iter::once(5).chain(15..65).collect::<Vec<_>>());
    assert_eq!(records.unreadable, 1);
}

#[test]
fn many_short_lines_behind_an_open_quote_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let master = dir.path().join("Master.csv");
    write(&master, format!("{}\"{}", cdr(0), "a\n".repeat(2 << 20)).as_bytes(), 10);
    // A reader for each of them would take minutes.
    let records = since(&master, None, 0).unwrap();
    assert_eq!(ends(&records), [5]);
}

#[test]
fn what_cannot_be_read_is_named_with_the_fix() {
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
    let passed = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&passed);
    let count = move |n| {
        counter.fetch_add(n, Ordering::Relaxed);
    };
    let mut lines = Lines::since(&master, records::CDR, 0, count).unwrap();
    let (mut records, mut all) = (Records::default(), Vec::new());
    loop {
        let bytes = lines.next(1).unwrap();
        if bytes.is_empty() {
            break;
        }
        all.extend(bytes);
    }
    records::read_cdrs(&all, &mut Zone::of(&TimeZone::UTC), &mut records);
    assert_eq!(ends(&records), [5, 15]);
    assert_eq!(passed.load(Ordering::Relaxed), fs::metadata(&master).unwrap().len());
}

#[test]
fn a_named_pipe_or_a_directory_is_refused_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("Master.csv");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let directory = dir.path().join("queue_log");
    fs::create_dir(&directory).unwrap();
    for path in [pipe, directory] {
        let files = Files { cdr_csv: Some(path.clone()), queue_log: None };
        for error in [since(&path, None, 0).unwrap_err(), records::newest(&files, &TimeZone::UTC).unwrap_err()] {
            assert!(matches!(&error, RecordsError::NotAFile { path: named } if *named == path), "{error}");
        }
    }
}

#[test]
fn a_caller_whose_name_holds_lines_makes_no_record_wherever_a_portion_ends() {
    let dir = tempfile::tempdir().unwrap();
    let master = dir.path().join("Master.csv");
    let forged = "\n,,,,,PJSIP/forged,,,,2026-11-22 08:00:00,,2026-11-22 08:00:00,0,0,,\n";
    let calls = 5_000;
    let text: String = (0..calls).map(|n| cdr(n).replacen("\"\"", &format!("\"{forged}\""), 1)).collect();
    write(&master, text.as_bytes(), calls);
    let read = since(&master, None, 0).unwrap();
    assert_eq!((read.cdrs.len(), read.unreadable), (5_000, 0));
    assert!(read.cdrs.iter().all(|cdr| cdr.channel != "PJSIP/forged"));
}

#[test]
fn the_calls_of_long_files_are_those_of_all_their_records_with_their_events() {
    let dir = tempfile::tempdir().unwrap();
    let (master, log) = (dir.path().join("Master.csv"), dir.path().join("queue_log"));
    // Nine a minute for a day; then one a day for a month.
    let begins = (0..13_000).map(|n| n * 6).chain((2..30).map(|day| day * 86_400));
    let begins: Vec<i64> = begins.collect();
    write(&master, begins.iter().map(|at| cdr(*at)).collect::<String>().as_bytes(), 30 * 86_400);
    let events: String = begins.iter().map(|at| queue_event(*at, "ENTERQUEUE")).collect();
    write(&log, events.as_bytes(), 30 * 86_400);
    let files = Files { cdr_csv: Some(master), queue_log: Some(log) };
    let mut calls = Calls::since(&files, 0, &TimeZone::UTC).unwrap();
    let (mut ended, mut portions) = (Vec::new(), 0);
    while let Some(accounts) = calls.further().unwrap() {
        assert!(accounts.iter().all(|account| account.events.len() == 1));
        portions += usize::from(!accounts.is_empty());
        ended.extend(accounts.iter().map(|account| account.ended_ms() / 1_000 - MORNING - 5));
    }
    assert_eq!(ended, begins);
    assert!(portions > 2, "they came in {portions} portions");
    assert_eq!((calls.unreadable(), calls.given_up()), (0, 0));
}

#[test]
fn where_too_many_calls_are_held_the_oldest_whole_ones_come_out_and_others_are_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let master = dir.path().join("Master.csv");
    // Within less than an hour; of every hundredth call only a phone that left it has been written.
    let calls = 80_000;
    let text = |n: i64| {
        let id = format!("{}.{n}", MORNING + n / 30);
        let phone = format!("{}.{}", MORNING + n / 30, calls + n);
        cdr_of(n / 30, n, if n % 100 == 0 { &phone } else { &id }, &id)
    };
    write(&master, (0..calls).map(text).collect::<String>().as_bytes(), calls);
    let files = Files { cdr_csv: Some(master), queue_log: None };
    let mut read = Calls::since(&files, 0, &TimeZone::UTC).unwrap();
    let mut given = Vec::new();
    while let Some(accounts) = read.further().unwrap() {
        given.push(accounts.iter().filter(|account| account.is_whole()).count() as i64);
    }
    let last = given.pop().unwrap();
    assert!(last < calls / 4 * 3, "{last} calls were held to the end");
    assert_eq!(given.iter().sum::<i64>() + last, calls / 100 * 99, "all that are whole came out");
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
        records::read_cdrs(text.as_bytes(), &mut Zone::of(&TimeZone::UTC), &mut records);
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
