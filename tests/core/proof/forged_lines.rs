//! What one caller's number writes into queue_log about another's call, and what Asterisk itself writes in such a place.

use super::{Line, caller, rows};

const FORGER: &str = "PJSIP/trunk-00000009";
const ENTER: &str = "1|0.1|support|NONE|ENTERQUEUE||12025550123|1";
const CONNECT: &str = "6|0.1|support|Alice|CONNECT|5|b.3|4";
const COMPLETE: &str = "26|0.1|support|Alice|COMPLETECALLER|5|20|1";
const ABANDON: &str = "26|0.1|support|NONE|ABANDON|1|1|25";

/// A caller who gave up in the queue.
fn missed<'a>() -> Line<'a> {
    caller(("Queue", "support,,,,60"), "", 0, 26)
}

/// A caller whom an agent served.
fn served<'a>() -> Line<'a> {
    caller(("Queue", "support,,,,60"), "PJSIP/101-00000003", 0, 26).said("ANSWERED")
}

/// The other caller, with the number that the CDR has.
fn other<'a>(number: &'a str) -> Line<'a> {
    missed().of(FORGER, ("5.9", "5.9")).from(number)
}

/// The row of the first caller, less what is of no account here.
fn row_of(lines: &[Line<'_>], log: &[&str]) -> String {
    let rows = rows(lines, log);
    let row = rows.iter().find(|row| row.linkedid.ends_with("400.1")).expect("the first caller has a row");
    let visits: Vec<_> = row.visits.iter().map(|v| v.result).collect();
    format!("{} {} {:?} {:?} {} {}", row.status, row.outcome, row.agent, visits, row.talk_ms, row.queue_wait_ms)
}

/// The other's line, its front given, what follows it, and the rest of the log around them.
fn with<'a>(before: &[&'a str], front: &'a str, forged: &[&'a str], after: &[&'a str]) -> Vec<&'a str> {
    [before, &[front], forged, after].concat()
}

const FRONTS: [&str; 4] = [
    "5|5.9|support|NONE|ENTERQUEUE||1|1",
    "5|5.9|support|NONE|ENTERQUEUE||1",
    "5|5.9|support|NONE|ENTERQUEUE|||1",
    // By the dialplan's QueueLog(), with the number that was dialled.
    "5|5.9|NONE|NONE|DID|5",
];

/// What the CDR of the forger has: the number as it came, another that the dialplan put in its place, or no number.
const NUMBERS: [&str; 3] = ["1|1 1795820406|pbx-1795820400.1|support|Bob|CONNECT|0|b.4", "12025550199", "1|1"];

#[test]
fn a_missed_caller_does_not_become_a_served_one() {
    let honest = row_of(&[missed()], &[ENTER, ABANDON]);
    assert!(honest.contains("QUEUE_ABANDON"), "{honest}");
    let gone = "25|5.9|support|NONE|ABANDON|1|1|20";
    for front in FRONTS {
        for forged in [
            &["5|0.1|support|Bob|CONNECT|4|b.4|1"][..],
            &["26|0.1|support|Bob|CONNECT|4|b.4|1"],
            &["5|0.1|support|Bob|COMPLETEAGENT|2|5|1"],
            &["5|0.1|support|NONE|EXITWITHTIMEOUT|1|1|1"],
        ] {
            for number in NUMBERS {
                for log in
                    [with(&[ENTER], front, forged, &[gone, ABANDON]), with(&[ENTER, ABANDON], front, forged, &[gone])]
                {
                    assert_eq!(row_of(&[missed(), other(number)], &log), honest, "{log:#?} {number}");
                    assert_eq!(row_of(&[missed()], &log), honest, "no CDR of the forger: {log:#?}");
                }
            }
        }
    }
}

#[test]
fn a_served_caller_does_not_become_a_missed_one() {
    let honest = row_of(&[served()], &[ENTER, CONNECT, COMPLETE]);
    assert!(honest.contains("ANSWER") && honest.contains("20000"), "{honest}");
    for front in FRONTS {
        for forged in ["5|0.1|support|NONE|ABANDON|1|1|1", "26|0.1|support|NONE|EXITWITHKEY|1|1|1"] {
            for number in NUMBERS {
                for log in [
                    with(&[ENTER], front, &[forged], &[CONNECT, COMPLETE]),
                    with(&[ENTER, CONNECT], front, &[forged], &[COMPLETE]),
                    with(&[ENTER, CONNECT, COMPLETE], front, &[forged], &[]),
                ] {
                    assert_eq!(row_of(&[served(), other(number)], &log), honest, "{log:#?} {number}");
                }
            }
        }
    }
}

#[test]
fn what_asterisk_writes_behind_another_who_came_counts() {
    let came = "5|5.9|support|NONE|ENTERQUEUE||12025550155|2";
    let (gave_up, talked) = (row_of(&[missed()], &[ENTER, ABANDON]), row_of(&[served()], &[ENTER, CONNECT, COMPLETE]));
    // The other's CDR has the number, is still to come, or has another number that the dialplan gave.
    for others in [&["12025550155"][..], &[], &["2025550155"]] {
        let with_others =
            |first: Line<'static>| std::iter::once(first).chain(others.iter().map(|n| other(n))).collect();
        let (missed, served): (Vec<_>, Vec<_>) = (with_others(missed()), with_others(served()));
        assert_eq!(row_of(&missed, &[ENTER, came, ABANDON]), gave_up, "{others:?}");
        assert_eq!(row_of(&missed, &[came, ENTER, ABANDON]), gave_up, "{others:?}");
        assert_eq!(row_of(&served, &[ENTER, came, CONNECT, COMPLETE]), talked, "{others:?}");
        assert_eq!(row_of(&served, &[ENTER, CONNECT, came, COMPLETE]), talked, "{others:?}");
        assert_eq!(
            row_of(&served, &[ENTER, FRONTS[0], CONNECT, COMPLETE]),
            talked,
            "right behind a forger's: {others:?}"
        );
    }
}

/// The phone that rang meanwhile is beyond doubt, and says neither that the caller came nor that they went.
#[test]
fn a_caller_whose_entry_and_end_stand_behind_others_has_waited_all_the_same() {
    let came = "5|5.9|support|NONE|ENTERQUEUE||12025550155|2";
    let rang = "6|0.1|support|Alice|RINGNOANSWER|1000";
    let rung = row_of(&[missed()], &[ENTER, rang, ABANDON]);
    assert!(rung.contains("QUEUE_ABANDON"), "{rung}");
    assert_eq!(row_of(&[missed()], &[came, ENTER, rang, came, ABANDON]), rung, "no CDR of the others");
}

#[test]
fn where_nothing_tells_the_forged_line_from_asterisks_the_call_is_unknown() {
    // Both stand behind a forger's line: that the caller gave up, and that an agent took the call.
    let log = with(&[ENTER], FRONTS[0], &["5|0.1|support|NONE|ABANDON|1|1|1", FRONTS[0], CONNECT], &[COMPLETE]);
    let nameless = missed().said("ANSWERED");
    let row = row_of(&[nameless, other("12025550199")], &log);
    assert!(row.starts_with("UNKNOWN GAP"), "{row}");
    let named = row_of(&[served(), other("12025550199")], &log);
    assert!(named.starts_with("UNKNOWN GAP"), "{named}");
    // A caller who was in no queue.
    let log = with(&[], FRONTS[0], &["5|0.1|support|Bob|CONNECT|4|b.4|1"], &[]);
    let row = row_of(&[caller(("Wait", "60"), "", 0, 26)], &log);
    assert!(!row.starts_with("ANSWER"), "{row}");
}
