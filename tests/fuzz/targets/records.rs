//! Any Master.csv and queue_log: rows without a negative duration, one for each call, or nothing; never a panic.
#![no_main]

use callbackd::config::Config;
use callbackd::records::{Records, read_cdrs};
use callbackd_core::model::{OurAttempts, PbxId};
use callbackd_core::reconcile::gatherer::Gatherer;
use callbackd_core::reconcile::{self, Prover, Zone, queue_log};
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;
use std::sync::LazyLock;

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    Config::from_toml(include_str!("../../traces.toml"), "traces.toml").unwrap_or_else(|refusal| panic!("{refusal}"))
});

fuzz_target!(|data: &[u8]| {
    // The two files, one behind the other.
    let border = data.windows(2).position(|pair| pair == b"\n\n").unwrap_or(data.len());
    let (cdrs, log) = data.split_at(border);
    let mut records = Records::default();
    read_cdrs(cdrs, &mut Zone::of(&TimeZone::UTC), &mut records);
    let mut reader = queue_log::Reader::default();
    let events: Vec<_> = String::from_utf8_lossy(log).lines().filter_map(|line| reader.next(line)).collect();
    let count = records.cdrs.len();
    // In parts, as files are read: whatever the order, no record is lost or told twice.
    let (mut gatherer, mut given) = (Gatherer::default(), 0);
    let mut parts = events.chunks(3);
    for cdrs in records.cdrs.chunks(3) {
        let accounts = gatherer.take(cdrs.to_vec(), parts.next().unwrap_or_default().to_vec());
        given += accounts.iter().map(|a| a.cdrs.len()).sum::<usize>();
    }
    given += gatherer.finish().iter().map(|a| a.cdrs.len()).sum::<usize>();
    assert_eq!((given, gatherer.given_up()), (count, 0));
    let accounts = reconcile::accounts(records.cdrs, events);
    assert_eq!(accounts.iter().map(|a| a.cdrs.len()).sum::<usize>(), count, "no record is lost or told twice");
    let (rules, trunks) = (CONFIG.pbx[0].settings.rules(), BTreeSet::from(["PJSIP/trunk".to_owned()]));
    let prover = Prover { pbx: &PbxId::new("lab"), rules: &rules, trunks: &trunks, ours: &OurAttempts::of_anybody() };
    for account in accounts.into_iter().flat_map(|account| prover.calls(account)) {
        let account = &account;
        let row = prover.row(account, None).expect("an account has a first record");
        assert!(row.ended_ms >= row.started_ms && row.wait_ms >= 0 && row.talk_ms >= 0, "{row:?}");
        assert!(row.queue_wait_ms >= 0 && row.ring_ms >= 0, "{row:?}");
        assert!(row.legs.iter().all(|l| l.ended_ms >= l.started_ms && l.talk_ms >= 0), "{row:?}");
        assert!(row.visits.iter().all(|v| v.left_ms >= v.joined_ms), "{row:?}");
        let _ = reconcile::audit::compare(&row, account, &prover); // whatever it finds, it does not panic
    }
});
