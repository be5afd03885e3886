//! What Asterisk's CDR and queue_log alone prove of a call, held against what its events told.

use callbackd::config::Config;
use callbackd::engine::proof::{self, Account, CdrLine, Prover, QueueEvent, Zone, queue_log};
use callbackd::engine::record::FinishedCall;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::path::Path;

fn configuration() -> Config {
    let text = include_str!("traces.toml");
    Config::from_toml(text, "tests/traces.toml").unwrap_or_else(|refusal| panic!("{}", refusal.render(false)))
}

fn cdrs(text: &[u8]) -> Vec<CdrLine> {
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let lines: Vec<csv::ByteRecord> = reader.into_byte_records().map(Result::unwrap).collect();
    let zone = Zone::learn(&TimeZone::UTC, &lines);
    lines.iter().map(|line| proof::cdr::read(line, &zone).unwrap_or_else(|| panic!("{line:?}"))).collect()
}

fn accounts(cdr_csv: &Path, queue_log: &Path) -> Vec<Account> {
    let log = std::fs::read_to_string(queue_log).unwrap();
    let events: Vec<QueueEvent> = log.lines().filter_map(queue_log::read).collect();
    proof::accounts(cdrs(&std::fs::read(cdr_csv).unwrap()), events)
}

fn prove(account: &Account) -> FinishedCall {
    let config = configuration();
    let trunks = BTreeSet::from(["PJSIP/trunk".to_owned()]);
    let prover = Prover { pbx: "lab", rules: &config.rules(), trunks: &trunks };
    prover.row(account, None).expect("an account has a first record")
}

/// What the records cannot show, and what they prove instead: a queue that refuses a caller writes nothing.
const BLIND: &[(&str, &str)] = &[("BUSY QUEUE_FULL", "NOANSWER NOT_OFFERED")];

#[test]
fn the_records_alone_prove_what_the_events_told() {
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
                let told = format!("{} {}", text("status").unwrap(), text("outcome").unwrap());
                let expected =
                    BLIND.iter().find(|(blind, _)| *blind == told).map_or(told, |(_, proved)| (*proved).to_owned());
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
