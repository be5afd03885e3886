//! What Asterisk's CDR and queue_log alone prove of a call, held against what its events showed.

use callbackd::config::Config;
use callbackd::store::{Reader, Store};
use callbackd_core::model::{AttemptPrefix, FinishedCall, OurAttempts, PbxId, Quality};
use callbackd_core::reconcile::audit::{Finding, Reason};
use callbackd_core::reconcile::{self, Account, CdrLine, Prover, QueueEvent, Zone, queue_log};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::path::Path;

fn configuration() -> Config {
    let text = include_str!("../traces.toml");
    Config::from_toml(text, "tests/traces.toml").unwrap_or_else(|refusal| panic!("{}", refusal.render(false)))
}

fn cdrs(text: &[u8]) -> Vec<CdrLine> {
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let lines: Vec<csv::ByteRecord> = reader.into_byte_records().map(Result::unwrap).collect();
    let zone = Zone::learn(&TimeZone::UTC, &lines);
    lines.iter().map(|line| reconcile::cdr::read(line, &zone).unwrap_or_else(|| panic!("{line:?}"))).collect()
}

fn accounts(cdr_csv: &Path, queue_log: &Path) -> Vec<Account> {
    let log = std::fs::read_to_string(queue_log).unwrap();
    let mut reader = queue_log::Reader::default();
    let events: Vec<QueueEvent> = log.lines().filter_map(|line| reader.next(line)).collect();
    reconcile::accounts(cdrs(&std::fs::read(cdr_csv).unwrap()), events)
}

/// The records of a lab in which one daemon makes callbacks: all of them are its own.
fn prove(account: &Account) -> FinishedCall {
    prove_as(account, &OurAttempts::of_anybody())
}

fn prove_as(account: &Account, ours: &OurAttempts) -> FinishedCall {
    let config = configuration();
    let trunks = BTreeSet::from(["PJSIP/trunk".to_owned()]);
    let pbx = PbxId::new("lab");
    let prover = Prover { pbx: &pbx, rules: &config.pbx[0].settings.rules(), trunks: &trunks, ours };
    prover.row(account, None).expect("an account has a first record")
}

/// What the records cannot show, and what they prove instead: a queue that refuses a caller writes nothing.
const BLIND: &[(&str, &str)] = &[("BUSY QUEUE_FULL", "NOANSWER NOT_OFFERED")];

#[test]
fn the_records_alone_prove_what_the_events_said() {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let mut differing = Vec::new();
    let mut calls = 0;
    for version in ["asterisk16", "asterisk22"] {
        let files = std::fs::read_dir(traces.join(version)).unwrap().map(|file| file.unwrap().path());
        for expectation in files.filter(|path| path.extension().is_some_and(|e| e == "toml")) {
            let name = expectation.file_stem().unwrap().to_string_lossy().into_owned();
            let table: toml::Table = std::fs::read_to_string(&expectation).unwrap().parse().unwrap();
            let proved: Vec<FinishedCall> =
                accounts(&expectation.with_extension("cdr.csv"), &expectation.with_extension("queue_log"))
                    .iter()
                    .map(prove)
                    .collect();
            for call in table["call"].as_array().unwrap() {
                calls += 1;
                let text = |key: &str| call.get(key).and_then(toml::Value::as_str).map(str::to_owned);
                let Some(p) = proved.iter().find(|p| Some(&p.linkedid) == text("linkedid").as_ref()) else {
                    differing.push(format!("{version} {name}: {:?} is not proved", text("linkedid")));
                    continue;
                };
                let recorded = format!("{} {}", text("status").unwrap(), text("outcome").unwrap());
                let expected = BLIND
                    .iter()
                    .find(|(blind, _)| *blind == recorded)
                    .map_or(recorded, |(_, proved)| (*proved).to_owned());
                let found = format!("{} {}", p.status, p.outcome);
                let who = [
                    ("direction", Some(p.direction.to_string())),
                    ("number", p.number.clone()),
                    ("agent", p.agent.clone()),
                ];
                let other =
                    who.iter().any(|(key, found)| text(key).is_some_and(|expected| Some(&expected) != found.as_ref()));
                if expected != found || other {
                    differing.push(format!("{version} {name}: {expected}, proved {found}; {who:?}; {:?}", p.why));
                }
            }
            let strangers = proved.len().saturating_sub(table["call"].as_array().unwrap().len());
            if strangers > 0 {
                let ids: Vec<_> = proved.iter().map(|p| &p.linkedid).collect();
                differing.push(format!("{version} {name}: calls that never were: {ids:?}"));
            }
        }
    }
    assert!(calls >= 24, "{calls}");
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// The records of one recorded call.
fn recorded(name: &str) -> (String, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/asterisk22").join(name);
    let read = |extension| std::fs::read_to_string(path.with_extension(extension)).unwrap();
    (read("cdr.csv"), read("queue_log"))
}

fn judged(cdr: &str, queue_log: &str) -> Vec<String> {
    let mut reader = queue_log::Reader::default();
    let events: Vec<QueueEvent> = queue_log.lines().filter_map(|line| reader.next(line)).collect();
    let calls = reconcile::accounts(cdrs(cdr.as_bytes()), events);
    calls.iter().map(prove).map(|row| format!("{} {}", row.status, row.outcome)).collect()
}

#[test]
fn without_queue_log_nobody_knows_whether_a_queue_served_the_caller() {
    for (name, with) in [("queue_answered", "ANSWER AGENT"), ("queue_abandoned", "CANCEL QUEUE_ABANDON")] {
        let (cdr, log) = recorded(name);
        assert_eq!(judged(&cdr, &log), [with], "{name}");
        assert_eq!(judged(&cdr, ""), ["UNKNOWN GAP"], "{name}");
    }
}

#[test]
fn a_wait_whose_end_is_not_logged_is_unknown() {
    let (cdr, log) = recorded("queue_abandoned");
    let entered = log.lines().next().unwrap();
    assert!(entered.contains("ENTERQUEUE"));
    assert_eq!(judged(&cdr, entered), ["UNKNOWN GAP"]);
}

#[test]
fn whatever_columns_cdr_conf_allows_the_verdict_is_the_same() {
    for name in [
        "direct_cancel",
        "ivr_lost",
        "ringgroup_answered",
        "outbound_trunk_failover",
        "direct_forward_302",
        "blind_transfer",
    ] {
        let (cdr, log) = recorded(name);
        let whole = judged(&cdr, &log);
        assert_eq!(whole.len(), 1, "{name}: {whole:?}");
        // loguniqueid, loguserfield, newcdrcolumns
        for (id, field, new) in [
            (false, false, false),
            (true, false, false),
            (true, true, false),
            (false, true, false),
            (false, false, true),
            (true, false, true),
            (false, true, true),
        ] {
            let kept = |n: usize| n < 16 || (n == 16 && id) || (n == 17 && field) || (n > 17 && new);
            let mut writer = csv::Writer::from_writer(Vec::new());
            for line in csv::ReaderBuilder::new().has_headers(false).from_reader(cdr.as_bytes()).byte_records() {
                let line = line.unwrap();
                let columns = line.iter().enumerate().filter(|(n, _)| kept(*n)).map(|(_, column)| column);
                writer.write_record(columns).unwrap();
            }
            let cut = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            assert_eq!(judged(&cut, &log), whole, "{name}: uniqueid {id}, userfield {field}, new columns {new}");
        }
    }
}

#[test]
fn records_of_phones_alone_are_no_whole_call_yet() {
    let (cdr, _) = recorded("queue_local_ringall_answered");
    let of_phones: String = cdr.lines().filter(|l| l.contains(";2\",\"PJSIP/")).map(|l| format!("{l}\n")).collect();
    let whole = |text: &str| reconcile::accounts(cdrs(text.as_bytes()), Vec::new()).iter().all(Account::is_whole);
    assert!(!of_phones.is_empty() && !whole(&of_phones), "their caller may still talk");
    assert!(whole(&cdr));
}

#[test]
fn an_originate_that_met_a_busy_phone_was_busy() {
    let busy = r#""","12025550121","s","from-internal","""CB q00"" <12025550121>","PJSIP/1002-00000000","","AppDial2","(Outgoing Line)","2026-11-24 15:22:43",,"2026-11-24 15:22:43",0,0,"BUSY","DOCUMENTATION","cb-4-1","","","cb-4-1",0"#;
    assert_eq!(judged(busy, ""), ["BUSY ALL_BUSY"]);
    let row = prove(&reconcile::accounts(cdrs(busy.as_bytes()), Vec::new())[0]);
    assert_eq!(
        (row.callback_id, row.agent.as_deref(), row.direction.as_str()),
        (Some(4), Some("PJSIP/1002"), "callback")
    );
}

#[test]
fn records_of_another_databases_attempts_are_proved_as_calls_outward() {
    let (cdr, _) = recorded("callback_originate");
    let prefix = AttemptPrefix::of("0a1b2c3d").unwrap();
    let proved = |id: &str, ours: &OurAttempts| {
        let row = prove_as(&reconcile::accounts(cdrs(cdr.replace("cb-42-1", id).as_bytes()), Vec::new())[0], ours);
        (row.direction.as_str(), row.callback_id)
    };
    let ours = OurAttempts::of(prefix);
    assert_eq!(proved(&prefix.attempt(42, 1).unwrap(), &ours), ("callback", Some(42)));
    assert_eq!(proved("cb-42-1", &ours.clone().and_stored("cb-42-1", 42)), ("callback", Some(42)));
    for stranger in ["cb-42-1", "cb-ffffffff-42-1", "cb-shop-1795336726.1"] {
        assert_eq!(proved(stranger, &ours), ("outbound", None), "{stranger}");
    }
}

#[test]
fn records_of_an_attempt_that_the_database_holds_are_its_own_whatever_form_the_id_has() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    drop(Store::open(&path).unwrap());
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(
        "PRAGMA foreign_keys = off;
         INSERT INTO callback_attempts VALUES (7, 1, 'lab', 'cb-42-1', NULL, 1, NULL, NULL, 2, 0, 'LOST', '', NULL, NULL)",
    )
    .unwrap();
    drop(db);
    let (cdr, _) = recorded("callback_originate");
    let account = &reconcile::accounts(cdrs(cdr.as_bytes()), Vec::new())[0];
    let (config, trunks) = (configuration(), BTreeSet::from(["PJSIP/trunk".to_owned()]));
    let reader = Reader::open(&path).unwrap();
    let ours = OurAttempts::of(reader.attempt_prefix().unwrap());
    let rules = config.pbx[0].settings.rules();
    let prove = |pbx: &str| {
        let prover = Prover { pbx: &PbxId::new(pbx), rules: &rules, trunks: &trunks, ours: &ours };
        let row = reader.prove(&prover, account).unwrap().unwrap();
        (row.direction.as_str(), row.callback_id)
    };
    assert_eq!(prove("lab"), ("callback", Some(7)));
    assert_eq!(prove("other"), ("outbound", None), "another PBX may have a channel of that id");
}

#[test]
fn a_crash_that_took_the_customers_cdr_explains_that_only_the_losers_of_a_ring_all_are_left() {
    // Two phones rang, one answered, Asterisk crashed during the talk: the CDR of the phone that lost is all that was written.
    let loser = br#""","12025550112","1611","from-queue",""""" <12025550112>","Local/1611@from-queue-00000003;2","PJSIP/1611-00000022","Dial","PJSIP/1611,20","2026-03-02 10:00:07",,"2026-03-02 10:00:08",1,0,"NO ANSWER","DOCUMENTATION","pbx-1.40","","","pbx-1.34",51
"#;
    let own = br#""","12025550112","5550161","from-trunk",""""" <12025550112>","PJSIP/trunk-0000001e","","Queue","q61","2026-03-02 10:00:07",,"2026-03-02 10:00:12",5,0,"NO ANSWER","DOCUMENTATION","pbx-1.34","","","pbx-1.34",50
"#;
    let config = configuration();
    let (pbx, trunks, ours) =
        (PbxId::new("lab"), BTreeSet::from(["PJSIP/trunk".to_owned()]), OurAttempts::of_anybody());
    let prover = Prover { pbx: &pbx, rules: &config.pbx[0].settings.rules(), trunks: &trunks, ours: &ours };
    let compared = |text: &[u8], quality: Quality| {
        let accounts = reconcile::accounts(cdrs(text), Vec::new());
        let row = FinishedCall { quality, visits: Vec::new(), ..crate::store::stored::answered("pbx-1.34") };
        reconcile::audit::compare(&row, &accounts[0], &prover)
    };
    assert_eq!(compared(loser, Quality::Gap), Finding::Explained(Reason::CdrLost));
    for (text, quality) in [(&loser[..], Quality::Full), (&[&own[..], &loser[..]].concat(), Quality::Gap)] {
        let found = compared(text, quality);
        assert!(matches!(&found, Finding::Differs(what) if what.contains("CDR say NOANSWER")), "{found:?}");
    }
}
