//! A row that is judged again is the row that a replay makes under the new rules.

use callbackd::cli::rejudge::{self, RejudgeArgs};
use callbackd::cli::replay::{self, ReplayArgs};
use callbackd::cli::target::{Target, TargetArgs};
use callbackd::cli::{Cli, Command};
use callbackd::config::Config;
use clap::Parser;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const RULES: &str = include_str!("../traces.toml");

/// Asterisk rang these back on nobody's behalf: by the right rules they are no call, and nothing is kept of them by which they could be one.
const MADE_NO_ROW: [&str; 1] = ["pbx-1795351865.46"];

/// Rules under which calls were recorded, by what is wrong with them.
fn wrong_rules() -> Vec<(&'static str, String)> {
    let with = |pairs: &[(&str, &str)]| {
        pairs.iter().fold(RULES.to_owned(), |text, (right, wrong)| {
            assert!(text.contains(right), "{right}");
            text.replace(right, wrong)
        })
    };
    vec![
        ("the provider's context has no name", with(&[("[\"from-trunk\"]", "[\"from-pstn\"]")])),
        (
            "menu, announcement and mailbox have other names",
            with(&[("\"ivr-*\"", "\"menu-*\""), ("\"closed\"", "\"night\""), ("\"voicemail\"", "\"box\"")]),
        ),
        ("another region", with(&[("region = \"US\"", "region = \"DE\"")])),
        (
            "other limits",
            with(&[("short_abandon = \"1s\"", "short_abandon = \"9m\""), ("min_talk = \"0s\"", "min_talk = \"5m\"")]),
        ),
        ("closed at any time", with(&[("timezone = \"UTC\"", "timezone = \"UTC\"\nopen = \"Mo 03:00-03:01\"")])),
        (
            "all is a menu, self-service or blocked",
            with(&[(
                "[\"ivr-*\"]",
                "[\"*\"]\nself_service_contexts = [\"sub-*\", \"queues\", \"from-*\"]\nblocked_contexts = [\"ring*\"]",
            )]),
        ),
        ("phones look like trunks", with(&[("min_talk", "trunks = [\"PJSIP/10*\"]\nmin_talk")])),
        ("every context is the provider's", with(&[("[\"from-trunk\"]", "[\"*\"]")])),
        (
            "codes by other rules",
            format!(
                "{RULES}\n[[code]]\ncode = \"MISSED_ONE\"\nlabel = \"Missed\"\n[[code.rule]]\noutcomes = [\"QUEUE_ABANDON\", \"AGENT\"]\n"
            ),
        ),
        ("phones are machines", with(&[("min_talk", "machines = [\"PJSIP/10*\"]\nmin_talk")])),
        (
            "all of it",
            with(&[
                ("[\"from-trunk\"]", "[\"from-pstn\"]"),
                ("\"ivr-*\"", "\"menu-*\""),
                ("\"closed\"", "\"night\""),
                ("region = \"US\"", "region = \"DE\""),
                ("min_talk = \"0s\"", "min_talk = \"5m\""),
            ]),
        ),
    ]
}

fn config(rules: &str, db: &Path) -> Config {
    let text = format!("{rules}\n[store]\npath = {:?}\n", db.display().to_string());
    Config::from_toml(&text, "rules").unwrap_or_else(|refusal| panic!("{}", refusal.render(false)))
}

fn recordings() -> Vec<PathBuf> {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let mut found: Vec<PathBuf> = std::fs::read_dir(traces)
        .unwrap()
        .flat_map(|version| std::fs::read_dir(version.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "ami"))
        .collect();
    found.sort();
    found
}

fn replay(rules: &str, db: &Path, files: &[PathBuf]) {
    let args = ReplayArgs { config: None, pbx: None, db: db.to_owned(), files: files.to_vec() };
    replay::run(&args, &config(rules, db), &mut std::io::sink()).unwrap();
}

/// Judges all calls again, and returns what it says of it.
fn rejudge(rules: &str, db: &Path, more: &[&str]) -> String {
    let args = [&["callbackd", "rejudge", "--since", "2000-01-01"], more].concat();
    let Some(Command::Rejudge(args)) = Cli::try_parse_from(args).unwrap().command else { panic!("another command") };
    let config = config(rules, db);
    let target = Target::new(&TargetArgs::default(), &config, "2040-01-01T00:00:00Z".parse().unwrap());
    let mut said = Vec::new();
    let args: RejudgeArgs = args;
    rejudge::run(&args, &config, &target, &mut said).unwrap();
    String::from_utf8(said).unwrap()
}

/// All that is stored of calls, but for how often it was written.
fn rows(db: &Path) -> Vec<String> {
    let db = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut all = Vec::new();
    for table in ["calls", "legs", "queue_visits", "ivr_steps", "tags", "ratings"] {
        let of = if table == "calls" { "" } else { "(SELECT linkedid FROM calls WHERE id = call_id) AS of, " };
        let mut statement = db.prepare(&format!("SELECT {of}* FROM {table}")).unwrap();
        let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells = names.iter().enumerate().filter(|(_, name)| !["id", "call_id", "rev"].contains(&name.as_str()));
            let cells: Vec<String> =
                cells.map(|(n, name)| format!("{name}={:?}", row.get::<_, Value>(n).unwrap())).collect();
            all.push(format!("{table} {}", cells.join(" ")));
        }
    }
    all.sort();
    all
}

/// The call that a row is of.
fn call_of(row: &str) -> &str {
    let of = row.split_once("linkedid=").or_else(|| row.split_once("of=")).unwrap().1;
    of.split(' ').next().unwrap()
}

/// What the rows that were judged again have more or less than a replay. Rows of calls that are part of another's by these rules are left: so
/// many as the command says.
fn differences(what: &str, found: &[String], expected: &[String], said: &str) -> Vec<String> {
    let calls: BTreeSet<&str> = expected.iter().map(|row| call_of(row)).collect();
    let (found, left): (Vec<&String>, Vec<&String>) = found.iter().partition(|row| calls.contains(call_of(row)));
    let left: BTreeSet<&str> = left.into_iter().map(|row| call_of(row)).collect();
    let counted = said.lines().find(|line| line.contains("are part of another call"));
    let counted = counted.map_or(0, |line| line.split(' ').next().unwrap().parse().unwrap());
    let uncounted = (left.len() != counted).then(|| format!("{what}: {left:?} are left, and {counted} counted"));
    let more = found.iter().filter(|row| !expected.contains(row)).map(|row| format!("{what}: - {row}"));
    let kept = |row: &&String| !MADE_NO_ROW.iter().any(|call| call_of(row) == format!("Text({call:?})"));
    let less = expected.iter().filter(|row| !found.contains(row)).filter(kept).map(|row| format!("{what}: + {row}"));
    more.chain(less).chain(uncounted).collect()
}

#[test]
fn every_recording_that_was_judged_by_wrong_rules_and_is_judged_again_has_the_rows_of_a_replay() {
    let recordings = recordings();
    assert!(recordings.len() >= 24, "{recordings:?}");
    let (mut found, mut changed) = (Vec::new(), 0);
    for recording in &recordings {
        let directory = tempfile::tempdir().unwrap();
        let right = directory.path().join("right.db");
        replay(RULES, &right, std::slice::from_ref(recording));
        let expected = rows(&right);
        for (what, wrong) in wrong_rules() {
            let db = directory.path().join("wrong.db");
            replay(&wrong, &db, std::slice::from_ref(recording));
            let before = rows(&db);
            changed += usize::from(before != expected);
            let said = rejudge(RULES, &db, &[]);
            let what = format!("{}, {what}", recording.file_stem().unwrap().display());
            found.extend(differences(&what, &rows(&db), &expected, &said));
            // And back, so that no rule is only ever taken away.
            let said = rejudge(&wrong, &right, &[]);
            found.extend(differences(&format!("{what}, from right to wrong"), &rows(&right), &before, &said));
            let said = rejudge(RULES, &right, &[]);
            found.extend(differences(&format!("{what}, there and back"), &rows(&right), &expected, &said));
            std::fs::remove_file(&db).unwrap();
        }
    }
    assert!(changed > 40, "wrong rules made other rows of {changed} alone");
    assert!(found.is_empty(), "{} differences\n{}", found.len(), found.join("\n"));
}

#[test]
fn calls_of_all_recordings_in_one_database_are_judged_again_together() {
    let directory = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> =
        recordings().into_iter().filter(|path| path.display().to_string().contains("asterisk22")).collect();
    let right = directory.path().join("right.db");
    replay(RULES, &right, &files);
    for (what, wrong) in wrong_rules() {
        let db = directory.path().join("wrong.db");
        replay(&wrong, &db, &files);
        let said = rejudge(RULES, &db, &[]);
        let found = differences(what, &rows(&db), &rows(&right), &said);
        assert!(found.is_empty(), "{}", found.join("\n"));
        std::fs::remove_file(&db).unwrap();
    }
}

#[test]
fn under_the_rules_by_which_they_were_judged_no_row_changes_and_what_was_judged_again_stays() {
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("calls.db");
    for recording in recordings() {
        replay(RULES, &db, std::slice::from_ref(&recording));
        let said = rejudge(RULES, &db, &[]);
        assert!(said.contains(": 0 rows changed, 0 calls had none"), "{}: {said}", recording.display());
        let wrong = &wrong_rules()[0].1;
        rejudge(wrong, &db, &[]);
        let revs = |db: &Path| -> Vec<(i64, i64)> {
            let db = Connection::open(db).unwrap();
            let mut revs = db.prepare("SELECT id, rev FROM calls ORDER BY id").unwrap();
            revs.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
        };
        let before = revs(&db);
        let again = rejudge(wrong, &db, &[]);
        assert!(again.contains(": 0 rows changed, 0 calls had none"), "{}: {again}", recording.display());
        assert_eq!(revs(&db), before);
        std::fs::remove_file(&db).unwrap();
    }
}

#[test]
fn a_tape_of_a_call_is_a_few_hundred_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("calls.db");
    let mut all = Vec::new();
    for recording in recordings() {
        replay(RULES, &db, std::slice::from_ref(&recording));
        let tapes = Connection::open(&db).unwrap();
        let mut tapes = tapes.prepare("SELECT length(tape) FROM tapes").unwrap();
        all.extend(tapes.query_map([], |row| row.get::<_, u32>(0)).unwrap().map(Result::unwrap));
        std::fs::remove_file(&db).unwrap();
    }
    let mean = all.iter().sum::<u32>() as usize / all.len();
    println!("{} tapes of {mean} bytes, {:?} at most", all.len(), all.iter().max());
    assert!(all.len() >= 24 && mean < 1_000, "{} tapes of {mean} bytes: {all:?}", all.len());
}
